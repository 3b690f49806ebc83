"""The check-up: each planted defect is found where it lies, and the clean county raises nothing above 提示."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import CliRunner

import linxi_layers
from linxi_gis import catalog, crs
from linxi_gis.checkup import record, run, shift
from linxi_gis.cli.checkup import layers_check
from linxi_layers.demo_defects.build import MISREAD

TRUTH = tomllib.loads((linxi_layers.defects_catalog().parent / "truth.toml").read_text(encoding="utf-8"))["defect"]
NEAR_DEG = 1e-4


@cache
def checked(path: Path) -> record.Checkup:
    outline = shapely.union_all(shapely.from_geojson(linxi_layers.demo_outline().read_text(encoding="utf-8")))
    return run.check(catalog.read(path), date(2026, 9, 1), crs.to_plane(outline))


@pytest.mark.parametrize("planted", TRUTH, ids=lambda one: one["kind"])
def test_a_planted_defect_is_found_where_it_lies(planted: dict[str, object]) -> None:
    zone, box = str(planted["zone"]), shapely.box(*planted["box"]).buffer(NEAR_DEG)  # type: ignore[misc]
    found = [f for f in checked(linxi_layers.defects_catalog()).faults
             if f.code == planted["kind"] and f.layer == planted["layer"] and (not zone or zone in f.zones)]  # fmt: skip
    assert any(box.contains(f.geometry) for f in found), [(f.zones, f.geometry.wkt[:80]) for f in found]
    assert all(f.text and f.remedy for f in found)


def test_the_clean_county_raises_nothing_above_a_hint() -> None:
    done = checked(linxi_layers.demo_catalog())
    assert [f.text for f in done.faults if f.severity != record.HINT] == []
    assert {card.score for card in done.cards} == {record.FIT}


def test_a_shifted_or_web_map_or_misread_layer_is_unfit_and_its_neighbours_are_not() -> None:
    scores = {card.layer: card.score for card in checked(linxi_layers.defects_catalog()).cards}
    unfit = {layer for layer, score in scores.items() if score == record.UNFIT}
    told = [fault.code for fault in checked(linxi_layers.defects_catalog()).faults if fault.layer == "towns"]
    assert told == ["gcj02"], "the gaps it leaves along the border are not told again"
    assert unfit == {"redline", "towns", "noise", "park", "mining_right", *MISREAD}  # a right with two corners swapped


def test_no_shift_is_invented_between_layers_without_common_corners() -> None:
    rng = np.random.default_rng(1)
    assert shift.estimate(rng.uniform(0, 9000, (2000, 2)), rng.uniform(0, 9000, (2000, 2))) is None


def test_the_command_writes_json_with_a_geometry_for_every_fault() -> None:
    done = CliRunner().invoke(layers_check, ["urban", "--catalog", "demo-defects", "--format", "json", "--on", "2026-09-01"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [fault["code"] for fault in told["faults"]] == ["duplicate"]
    assert told["faults"][0]["geometry"]["type"] in ("Polygon", "MultiPolygon")
    assert told["cards"][0]["score"] == "有保留"
