"""Avoiding prohibiting zones: what is left adds up, and the smallest shift clears them and no shorter one does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from yard import DAY, HUNDRED, RULES, entry, open_library, red_line, site, square, write_layer

from linxi_gis import avoidance, crs
from linxi_gis.assess import assess
from linxi_gis.cli import linxi
from linxi_gis.moves import with_avoidance
from linxi_gis.project import Project, with_values
from linxi_gis.report import extract, text

K = 1.00008
TAILINGS = with_values(
    Project(), {"is_tailings_facility": "yes", "is_new_build": "yes"}.items(), RULES.attributes, "test"
)


def avoided(library: object, drawn: object, radius: float = 500.0) -> object:
    made = assess([site(drawn)], library, RULES, DAY, TAILINGS)  # type: ignore[arg-type]
    return with_avoidance(made, library, RULES, DAY, radius)[0]  # type: ignore[arg-type]


def test_what_is_left_adds_up() -> None:
    rng = np.random.default_rng(4)
    ground = shapely.box(0, 0, 100, 80)
    for _ in range(20):
        corner = rng.uniform(-20, 90, (3, 2))
        zones = [shapely.box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corner, rng.uniform(5, 60, (3, 2)), strict=True)]
        rest = avoidance.free(ground, zones)
        covered = shapely.intersection(ground, shapely.union_all(zones)).area
        assert rest.area_m2 + covered == pytest.approx(8_000.0, rel=1e-9)
        sizes = [piece.area for piece in rest.pieces]
        assert sizes == sorted(sizes, reverse=True)


def test_slivers_are_told_apart() -> None:
    rest = avoidance.free(shapely.box(0, 0, 100, 10), [shapely.box(0.5, -1, 60, 11)])
    assert len(rest.pieces) == 1 and len(rest.slivers) == 1
    assert rest.area_m2 == pytest.approx(405.0)


def test_a_shift_clears_and_no_shorter_one_does() -> None:
    """Brute force: a fan of shifts of 99 % of the length all still meet a zone."""
    ground = shapely.box(0, 0, 100, 100)
    zones = [shapely.box(60, -200, 300, 300), shapely.box(-400, 105, 59, 130), shapely.Point(20, -60).buffer(40.0)]
    shift = avoidance.smallest_shift(ground, zones, 500.0)
    assert shift.found and shift.complete
    union = shapely.union_all(zones)
    moved = shapely.transform(ground, lambda xy: xy + np.array([shift.east_m, shift.north_m]))
    assert not shapely.intersects(moved, union)
    size = float(np.hypot(shift.east_m, shift.north_m)) - avoidance.CLEARANCE_M
    for angle in np.linspace(0.0, 2.0 * np.pi, 720, endpoint=False):
        for part in (0.25, 0.5, 0.75, 0.9, 0.99, 0.9999):
            step = size * part * np.array([np.cos(angle), np.sin(angle)])
            assert shapely.intersects(shapely.transform(ground, lambda xy, s=step: xy + s), union)


def test_none_within_the_radius() -> None:
    shift = avoidance.smallest_shift(shapely.box(0, 0, 10, 10), [shapely.box(-500, -500, 500, 500)], 100.0)
    assert not shift.found and shift.complete and shift.searched_m == 100.0


def test_the_shift_is_judged_again_where_it_leads(tmp_path: Path) -> None:
    """The way out of the first zone leads into a second that prohibits as well: both are avoided."""
    library = red_line(tmp_path, [square(-500, -500, 530, 1_100), square(105, -500, 400, 1_100)])
    one = avoided(library, HUNDRED)
    found = one.avoidance  # type: ignore[attr-defined]
    assert {zone for _, zone in found.zones} == {"Z1"}  # only the first is met now
    # East are 75 m between the two zones, too narrow for 100 m: the way leads beyond the second, 505 m.
    assert not found.shift.found and found.shift.complete
    far = avoided(library, HUNDRED, 2_000.0).avoidance  # type: ignore[attr-defined]
    assert far.shift.found and far.shift.distance_m == pytest.approx(505.0 / K, abs=0.02)
    assert far.moved_verdict and far.moved_verdict != "PROHIBITED"


def test_what_is_left_of_the_site_and_the_words(tmp_path: Path) -> None:
    one = avoided(red_line(tmp_path, [square(60, -50, 400)]), HUNDRED)
    found = one.avoidance  # type: ignore[attr-defined]
    assert found.free_m2 == pytest.approx(6_000.0 / K**2, rel=1e-5)
    assert (found.pieces, found.slivers) == (1, 0)
    assert found.shift.distance_m == pytest.approx(40.0 / K, abs=0.02)
    assert found.shift.bearing_deg == pytest.approx(270.7, abs=0.3)  # the yard's west: meridians converge by 0.7°
    left = crs.plane_of_lonlat(found.geometry)
    assert left.area == pytest.approx(found.free_m2, rel=1e-6)
    told = "\n".join(text.avoided(one))  # type: ignore[arg-type]
    assert "不构成拆分项目的建议" in told and "平移 40.01 m" in told
    body = extract.build(one)  # type: ignore[arg-type]
    assert body["avoidance"]["shift"]["found"] and "不构成拆分项目的建议" in body["avoidance"]["note"]


def test_nothing_prohibits(tmp_path: Path) -> None:
    one = avoided(red_line(tmp_path, [square(500, 0, 100)]), HUNDRED)
    assert one.avoidance.zones == () and one.avoidance.shift is None  # type: ignore[attr-defined]
    assert "没有命中禁止类图斑" in "".join(text.avoided(one))  # type: ignore[arg-type]


def test_the_options_of_the_command_line(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(60, -50, 400)])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
    drawn = tmp_path / "site.geojson"
    drawn.write_text(shapely.to_geojson(crs.to_lonlat(HUNDRED, "EPSG:4527")), encoding="utf-8")
    words = ["check", str(drawn), "--crs", "EPSG:4490", "--catalog", str(library.catalog.path), "--on", DAY.isoformat(),
             "--set", "is_tailings_facility=yes", "--set", "is_new_build=yes"]  # fmt: skip
    plain = CliRunner().invoke(linxi, [*words, "--format", "json"], standalone_mode=False)
    body = json.loads(plain.stdout)[0]
    assert "avoidance" not in body and "survey_area_m2" not in body["site"]
    asked = CliRunner().invoke(
        linxi, [*words, "--format", "json", "--avoid", "--area-method", "survey"], standalone_mode=False
    )
    body = json.loads(asked.stdout)[0]
    assert body["site"]["survey_area_m2"] == pytest.approx(body["site"]["area_m2"], rel=1e-6)
    assert body["avoidance"]["radius_m"] == 500.0 and body["avoidance"]["shift"]["found"]
    table = CliRunner().invoke(linxi, [*words, "--avoid=30", "--area-method", "survey"], standalone_mode=False).stdout
    assert "图斑椭球面积" in table and "30.00 m 以内没有能避开的位置" in table
    wrong = CliRunner().invoke(linxi, [*words, "--avoid=99999"], standalone_mode=False)
    assert wrong.exception is not None and "--avoid" in str(wrong.exception)
