"""A system that is said wrongly: the check-up names the reading that lies on the county, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from click.testing import CliRunner
from yard import DAY, entry, square, write_catalog, write_layer

import linxi_layers
from linxi_gis.checkup import placing
from linxi_gis.cli.checkup import layers_check
from linxi_gis.crs import to_plane
from linxi_layers.demo_defects.build import MISREAD

OUTLINE = shapely.union_all(shapely.from_geojson(linxi_layers.demo_outline().read_text(encoding="utf-8")))
COUNTY = to_plane(OUTLINE)
RNG = np.random.default_rng(150424)
INSIDE = np.array([[one.x, one.y] for one in (shapely.Point(xy) for xy in RNG.uniform((117.7, 43.3), (118.5, 44.2), (400, 2)))
                   if OUTLINE.contains(one)])  # fmt: skip


def figures(system: str, *, swapped: bool = False, add: float = 0.0) -> np.ndarray[Any, Any]:
    """What a file of points in the county holds: pyproj's figures."""
    east, north = pyproj.Transformer.from_crs("EPSG:4490", system, always_xy=True).transform(*INSIDE.T)
    xy = np.column_stack([east + add, north])
    return shapely.points(xy[:, ::-1] if swapped else xy)


def read_as(shapes: Any, declared: str) -> list[placing.Reading]:
    return [one for one, _ in placing.better(shapes, declared, COUNTY)]


@pytest.mark.parametrize(("true", "swapped", "declared"), [
    pytest.param("EPSG:4548", False, "EPSG:4549", id="another meridian"),
    pytest.param("EPSG:4548", False, "EPSG:4527", id="no zone number"),
    pytest.param("EPSG:4527", False, "EPSG:4548", id="a zone number too many"),
    pytest.param("EPSG:4527", False, "EPSG:4528", id="another zone number said"),
    pytest.param("EPSG:4498", False, "EPSG:4527", id="6 degrees, said to be 3"),
    pytest.param("EPSG:4527", True, "EPSG:4527", id="northing first"),
    pytest.param("EPSG:4548", True, "EPSG:4549", id="northing first, of another zone"),
    pytest.param("EPSG:4490", True, "EPSG:4490", id="latitude first"),
    pytest.param("EPSG:4490", False, "EPSG:4527", id="degrees, said to be metres"),
    pytest.param("EPSG:4527", False, "EPSG:4490", id="metres, said to be degrees"),
    pytest.param("EPSG:3857", False, "EPSG:4527", id="Mercator of web maps"),
])  # fmt: skip
def test_the_true_reading_is_the_only_one_named(true: str, swapped: bool, declared: str) -> None:
    shapes = figures(true, swapped=swapped)
    assert read_as(shapes, declared) == [placing.Reading(true, swapped)]
    (_, box), = placing.better(shapes, declared, COUNTY)
    assert box.bounds == pytest.approx((*INSIDE.min(axis=0), *INSIDE.max(axis=0)), abs=1e-6)


def test_a_wrong_zone_number_in_the_eastings_is_named() -> None:
    shapes = figures("EPSG:4548", add=40e6)
    assert read_as(shapes, "EPSG:4528") == [placing.Reading("EPSG:4548", prefix=40)]
    assert "去掉带号 40" in placing.Reading("EPSG:4548", prefix=40).label()


@pytest.mark.parametrize("system", ["EPSG:4490", "EPSG:4527", "EPSG:4548", "EPSG:4528", "EPSG:4498", "EPSG:3857", "EPSG:32650"])
def test_what_lies_on_the_county_is_left_alone(system: str) -> None:
    assert read_as(figures(system), system) == []


def test_what_lies_elsewhere_by_every_reading_is_left_to_the_check_of_the_place() -> None:
    assert read_as(shapely.transform(figures("EPSG:4527"), lambda xy: xy + np.array([0.0, 300_000.0])), "EPSG:4527") == []
    assert read_as(shapely.points([[float("nan"), 1.0]]), "EPSG:4527") == []
    assert read_as(np.array([shapely.Polygon()]), "EPSG:4527") == []


def test_the_planted_layers_are_told_with_what_to_write() -> None:
    told = CliRunner().invoke(
        layers_check, [*MISREAD, "--catalog", "demo-defects", "--on", "2026-09-01", "--format", "json"], catch_exceptions=False
    )
    faults = {one["layer"]: one for one in json.loads(told.stdout)["faults"]}
    assert faults.keys() == MISREAD.keys()
    for layer, (true, swapped, said) in MISREAD.items():
        fault = faults[layer]
        assert fault["code"] == "crs_wrong" and fault["severity"] == "严重"
        assert fault["figure"] == f"声明 {said}，像 {true}" and ("对调" in fault["remedy"]) == swapped
        assert swapped or f'crs = "{true}"' in fault["remedy"]


def test_a_file_that_names_its_system_is_to_be_mended_itself(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", [square(0, 0, 500), square(3000, 0, 500)], crs="EPSG:4528")
    path = write_catalog(tmp_path, [entry("red", "ecological_redline", "red.gpkg")])
    told = CliRunner().invoke(layers_check, ["--catalog", str(path), "--on", DAY.isoformat(), "--format", "json"])
    (fault,) = [one for one in json.loads(told.stdout)["faults"] if one["layer"] == "red"]
    assert (fault["code"], fault["figure"]) == ("crs_wrong", "声明 EPSG:4528，像 EPSG:4527")
    assert ".prj" in fault["remedy"] and "西安80" in fault["remedy"]
