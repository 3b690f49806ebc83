"""GCJ-02 and BD-09: published pairs, the way there and back, real outlines, the rim."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis import datum
from linxi_gis.errors import CrsError

GEOD = pyproj.Geod(ellps="GRS80")


# Pairs that other implementations of the public formula test themselves with.
@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ],
)
def test_published_pairs(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert datum.gcj02_of_wgs84(np.array([wgs84]))[0] == pytest.approx(gcj02, abs=1e-12)


def test_there_and_back_to_a_micrometre() -> None:
    random = np.random.default_rng(20261123)
    points = np.column_stack((random.uniform(74, 135, 20_000), random.uniform(18, 53, 20_000)))
    for forward, back in (
        (datum.gcj02_of_wgs84, datum.wgs84_of_gcj02),
        (datum.bd09_of_gcj02, datum.gcj02_of_bd09),
        (datum.bd09_of_wgs84, datum.wgs84_of_bd09),
    ):
        off = back(forward(points)) - points
        assert np.abs(off).max() * 111_320 < 1e-6


def test_the_shift_in_the_county_is_some_hundred_metres() -> None:
    lon, lat = np.meshgrid(np.linspace(117.64, 118.6, 60), np.linspace(43.25, 44.25, 60))
    here = np.column_stack((lon.ravel(), lat.ravel()))
    there = datum.gcj02_of_wgs84(here)
    _, _, metres = GEOD.inv(here[:, 0], here[:, 1], there[:, 0], there[:, 1])
    assert metres.min() > 540 and metres.max() < 640
    assert (there[:, 0] > here[:, 0]).all() and (there[:, 1] > here[:, 1]).all()


def test_the_shifted_outline_lands_on_the_outline_somebody_else_unshifted(shared: Path) -> None:
    text = (shared / "boundary" / "linxi_boundary_6sources.geojson").read_text(encoding="utf-8")
    rows = {
        f["properties"]["source"]: shapely.geometry.shape(f["geometry"]) for f in json.loads(text)["features"]
    }
    shifted, true = rows["amap_gcj02_cnmaps"], rows["amap_wgs84_from_cnmaps"]
    mine = shapely.transform(shifted, datum.wgs84_of_gcj02)
    assert shapely.hausdorff_distance(mine, true) * 111_320 < 1.0
    assert shapely.hausdorff_distance(shifted, true) * 111_320 > 500


def test_nothing_is_shifted_abroad_and_the_rim_is_refused() -> None:
    abroad = np.array([[2.35, 48.85], [-70.0, -30.0]])
    assert (datum.wgs84_of_gcj02(abroad) == abroad).all()
    with pytest.raises(CrsError, match="边缘"):
        datum.wgs84_of_gcj02(np.array([[72.0045, 40.0]]))


def test_no_points_and_an_unknown_name() -> None:
    assert datum.to_cgcs2000(np.empty((0, 2)), "BD-09").shape == (0, 2)
    with pytest.raises(CrsError, match="GCJ-02、BD-09"):
        datum.to_cgcs2000(np.array([[118.0, 43.6]]), "火星")
