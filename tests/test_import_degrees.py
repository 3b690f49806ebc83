"""Shapes of an import cut and converted: to the bit what GEOS and `crs` make of them, in half the time."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_import import package
from yard import EAST, GK, NORTH, square

from linxi_gis import crs
from linxi_gis.importing import degrees
from linxi_gis.importing import package as packages
from linxi_gis.intake import features
from linxi_gis.intake.reading import Options

HOLED = shapely.Polygon(square(0, 0, 500).exterior, [square(100, 100, 200).exterior, square(350, 350, 90).exterior])
MIXED = [
    square(0, 0, 10),
    square(0, 0, 1000),
    HOLED,
    shapely.MultiPolygon([HOLED, square(600, 0, 300)]),
    shapely.MultiPolygon([square(0, 0, 20), square(40, 0, 20)]),
    shapely.MultiPolygon([square(0, 0, 71)]),
    shapely.MultiPolygon([square(0, 0, 800), shapely.Polygon(), square(900, 0, 80)]),
    shapely.LineString([(EAST, NORTH), (EAST + 400, NORTH + 3), (EAST + 400, NORTH + 300)]),
    shapely.MultiLineString([[(EAST, NORTH), (EAST + 9, NORTH)], [(EAST, NORTH), (EAST, NORTH + 999.5)]]),
    shapely.Point(EAST, NORTH),
    shapely.Polygon(),
    None,
]


def column(shapes: list[object]) -> NDArray[np.object_]:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def same(one: NDArray[np.object_], other: NDArray[np.object_]) -> bool:
    """Whether two columns are the same to the last bit, kinds and order of vertices included."""
    return bool((shapely.to_wkb(one) == shapely.to_wkb(other)).all())


@pytest.mark.parametrize("step", [1e9, 70.0, 33.3, 0.7])
def test_every_kind_of_shape_is_cut_as_geos_cuts_it(step: float) -> None:
    shapes = column(MIXED)
    kept = shapely.to_wkb(shapes)
    assert same(degrees.cut_valid(shapes, step), crs.cut(shapes, step))
    assert (shapely.to_wkb(shapes) == kept).all()  # what is handed in stays


@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.floats(1.0, 500.0))
def test_any_valid_outline_is_cut_as_geos_cuts_it(seed: int, corners: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    turn = np.sort(rng.uniform(0, 2 * np.pi, (6, corners)), axis=1)
    radius = rng.uniform(5, 800, (6, corners))
    rings = np.stack((EAST + radius * np.cos(turn), NORTH + radius * np.sin(turn)), axis=2)
    shapes = shapely.polygons(rings)
    shapes = shapes[shapely.is_valid(shapes)]
    cut = degrees.cut_valid(shapes, step)
    assert same(cut, shapely.segmentize(shapes, step))
    xy, ring = shapely.get_coordinates(shapely.get_exterior_ring(cut), return_index=True)
    edges = np.hypot(*(xy[1:] - xy[:-1]).T)[ring[1:] == ring[:-1]]
    assert edges.max(initial=0.0) <= step * (1 + 1e-9)


def test_degrees_are_those_of_the_cut_shapes() -> None:
    shapes = column(MIXED)
    assert same(degrees.to_degrees(shapes, GK), crs.to_lonlat(crs.cut(shapes, crs.STEP_M), GK))


def test_what_is_in_cgcs2000_degrees_already_keeps_every_bit() -> None:
    shapes = crs.to_lonlat(column(MIXED), GK)
    stated = crs.parse("EPSG:4490").to_wkt("WKT1_ESRI")
    assert degrees.to_degrees(shapes, stated) is shapes
    assert same(shapes, crs.to_lonlat(shapes, stated))  # and PROJ would say the same
    other = crs.parse("EPSG:4326").to_wkt("WKT1_ESRI")
    assert degrees.to_degrees(shapes, other) is not shapes


def test_an_import_reads_what_geos_and_proj_make_of_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    zones = [square(300.0 * n, 0, 299) for n in range(3)]
    zones[1] = HOLED
    source = package(tmp_path / "in", [shapely.segmentize(one, 0.05) for one in zones])
    steps: list[str] = []
    (parcel,) = packages.read(source, Options(limits=packages.LIMITS), steps.append)
    drawn = shapely.from_wkb(pyogrio.raw.read(source)[2])
    stated = source.with_name("管控单元.prj").read_text(encoding="utf-8")
    assert same(parcel.shapes, crs.to_lonlat(crs.cut(drawn, crs.STEP_M), stated))
    assert [said.split()[0] for said in steps] == ["读取", "核对", "换算"]
    assert gc.isenabled()


BOW = shapely.Polygon([(EAST, NORTH), (EAST + 60, NORTH + 60), (EAST + 60, NORTH), (EAST, NORTH + 60)])


@pytest.mark.parametrize(("system", "last", "kept"), [("EPSG:4490", HOLED, True), ("EPSG:4490", BOW, False), (GK, HOLED, False)])
def test_the_bytes_of_a_source_are_written_only_where_no_shape_was_changed(
    tmp_path: Path, system: str, last: shapely.Polygon, kept: bool
) -> None:
    zones = column([square(0, 0, 50), last])
    drawn = zones if system == GK else crs.to_lonlat(zones, GK)
    columns = [np.array(["ZH15042410001", "ZH15042420002"], dtype=object)]
    path = tmp_path / "x.shp"
    pyogrio.raw.write(path, shapely.to_wkb(drawn), columns, ["HJGKDYBM"], geometry_type="Polygon", crs=system)
    (parcel,) = packages.read(path, Options(limits=packages.LIMITS), lambda said: None, accuracy_m=50.0)
    assert (parcel.wkb == shapely.to_wkb(parcel.shapes)).all()
    assert (parcel.wkb == pyogrio.raw.read(path)[2]).all() is np.bool_(kept)
    assert shapely.is_valid(parcel.shapes).all()


def test_an_import_of_a_shapefile_makes_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million pairs of texts, made and taken apart again, took longer than the reading."""
    monkeypatch.setattr(features, "_drawn", None)
    (parcel,) = packages.read(package(tmp_path / "in"), Options(limits=packages.LIMITS), lambda said: None)
    assert parcel.columns["HJGKDYMC"] == ["甲区", "乙区", "丙区"]
