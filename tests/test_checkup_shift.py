"""The shift estimator: planted shifts are found, with an uncertainty that covers them, and none is invented."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from click.testing import CliRunner

pytest.importorskip("benchmarks.engine", reason="a source distribution has no benchmarks")

import linxi_layers
from benchmarks import shift as bench
from linxi_gis import catalog, crs, datum
from linxi_gis.checkup import shift
from linxi_gis.checkup.sheet import Sheet, open_sheet
from linxi_gis.cli.checkup import layers_check
from linxi_layers.demo_defects.build import SHIFT_M

COUNTIES = Path(__file__).parents[1].parent / "shared/data/boundary/linxi_and_neighbours_tianditu.geojson"
_FIGURE = re.compile(r"dx ([+-][\d.]+) m，dy ([+-][\d.]+) m，±([\d.]+) m")


@pytest.mark.parametrize("size", [0.5, 20.0, 50.0])
@pytest.mark.parametrize(("share", "noise"), [(1.0, 0.0), (1.0, 5.0), (0.3, 1.0), (0.3, 5.0), (0.1, 2.0)])
def test_a_planted_shift_is_found_to_a_metre_and_its_error_says_how_well(share: float, noise: float, size: float) -> None:
    found = bench.tally(bench.Case("", share), size, noise)
    assert found.silent == 0 and max(found.errors) < 0.5
    assert found.covered >= 0.85 * 2 * len(found.errors), "two standard errors cover 95 % of normal errors; these are 64"


def test_corners_close_to_each_other_hide_no_shift() -> None:
    found = bench.tally(bench.Case("", 0.3, 4, 600), 20.0, 2.0)  # 9 m apart: each has many neighbours within reach
    assert found.silent == 0 and max(found.errors) < 0.6


@pytest.mark.parametrize("noise", [0.0, 1.0, 5.0])
def test_no_shift_is_invented_where_there_is_none(noise: float) -> None:
    still = [one for _, one in bench.runs(bench.Case("", 0.3), 0.0, noise)]
    assert all(one is not None and not shift.is_off(one) for one in still)
    assert [one for _, one in bench.runs(bench.Case("", 0.0), 0.0, noise) if one is not None] == []


def test_a_shift_that_is_less_than_the_noise_of_drawing_is_no_fault() -> None:
    assert not shift.is_off(shift.Estimate(2.0, 0.0, 0.1, 4.0, 500))
    assert not shift.is_off(shift.Estimate(7.0, 0.0, 0.1, 4.0, 500))
    assert shift.is_off(shift.Estimate(20.0, 0.0, 0.1, 4.0, 500))
    assert not shift.is_off(shift.Estimate(5.0, 0.0, 2.0, 4.0, 20))
    assert not shift.is_off(shift.Estimate(0.7, 0.7, 0.01, 0.2, 500))


def test_of_a_great_many_corners_only_some_are_asked() -> None:
    xy = np.random.default_rng(150424).uniform(0.0, 400_000.0, (50_000, 2))
    found = shift.estimate(xy + np.array([3.0, -4.0]), xy)
    assert found is not None and (found.dx, found.dy) == pytest.approx((-3.0, 4.0), abs=0.05)
    assert found.corners <= 20_000


def test_the_planted_red_line_is_found_to_a_metre_within_its_uncertainty() -> None:
    told = CliRunner().invoke(layers_check, ["redline", "--catalog", "demo-defects", "--on", "2026-09-01", "--format", "json"])
    (fault,) = [one for one in json.loads(told.stdout)["faults"] if one["code"] == "shift"]
    match = _FIGURE.match(fault["figure"])
    assert match is not None, fault["figure"]
    *off, error = (float(figure) for figure in match.groups())
    assert off == pytest.approx(SHIFT_M, abs=1.0)
    assert np.abs(np.subtract(off, SHIFT_M)).max() <= 2.0 * error + 0.005, "printed to a centimetre"
    assert "整体偏移 20.0 m" in fault["text"]


@pytest.mark.skipif(not COUNTIES.is_file(), reason="../shared/data 没有天地图邻县边界")
def test_real_counties_that_share_their_borders_lie_on_each_other() -> None:
    _, _, wkb, _ = pyogrio.raw.read(COUNTIES)
    corners = [crs.plane_of_points(np.unique(shapely.get_coordinates(one), axis=0)) for one in shapely.from_wkb(wkb)]
    shared = [(a, b, one) for a, b in combinations(corners, 2) if (one := shift.estimate(a, b)) is not None]
    assert len(shared) >= 6, "Linxi has four neighbours, they have each other"
    assert max(one.size for _, _, one in shared) < 0.01
    for a, b, _ in shared:
        moved = shift.estimate(a + np.array(SHIFT_M), b)
        assert moved is not None and (moved.dx, moved.dy) == pytest.approx((-16.0, -12.0), abs=0.05)


@cache
def demo_sheets() -> tuple[Sheet, ...]:
    held = catalog.read(linxi_layers.demo_catalog())
    opened = [open_sheet(entry, shapely.box(0, 0, 1, 1)) for entry in held.entries]
    return tuple(one for one in opened if isinstance(one, Sheet))


@pytest.mark.parametrize("moved", [
    {"redline", "reserve"}, {"redline", "units"}, {"water", "redline", "reserve", "units", "towns"},
])  # fmt: skip
def test_layers_of_one_web_map_do_not_vouch_for_each_other(moved: set[str]) -> None:
    sheets = [
        replace(one, drawn=shapely.transform(one.drawn, datum.gcj02_of_wgs84)) if one.id in moved else one
        for one in demo_sheets()
    ]
    told = [fault.layer for fault in shift.check(sheets) if fault.code == "gcj02"]
    found = {name for name in moved if any(shift.estimate(*_corners(demo_sheets(), name, other.id)) for other in demo_sheets()
             if other.id not in moved)}  # fmt: skip
    assert found and set(told) == found, "all that share corners with a layer that was not moved"


def _corners(sheets: tuple[Sheet, ...], *names: str) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return [crs.plane_of_points(shift.corners(one)) for name in names for one in sheets if one.id == name]
