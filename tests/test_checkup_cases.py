"""The check-up of layers whose faults can be counted in the head, and its GeoPackage read back."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from click.testing import CliRunner, Result
from yard import DAY, GK, RULES, entry, open_library, site, square, write_catalog, write_layer

from linxi_gis import crs
from linxi_gis.assess import assess
from linxi_gis.checkup import record, run
from linxi_gis.cli.checkup import layers_check
from linxi_gis.errors import UsageError
from linxi_gis.law import Verdict
from linxi_gis.library import Library

SQUARES = [square(0, 0, 500), square(1000, 0, 500), square(2000, 0, 500)]
NEAR_DEG = 1e-7


def checked(folder: Path, *entries: dict[str, Any], day: date = DAY) -> record.Checkup:
    library: Library = open_library(folder, list(entries))
    county = library.county(day)
    assert county is not None
    return run.check(library.catalog, day, county)


def faults(done: record.Checkup, layer: str) -> list[record.Fault]:
    return [fault for fault in done.faults if fault.layer == layer]


def card_of(done: record.Checkup, layer: str) -> record.Card:
    return next(card for card in done.cards if card.layer == layer)


def same_place(fault: record.Fault, drawn: shapely.Geometry) -> bool:
    """Whether a finding lies where a shape of the yard does, by pyproj."""
    return bool(shapely.hausdorff_distance(fault.geometry, crs.to_lonlat(drawn, GK)) < NEAR_DEG)


def red(**more: Any) -> dict[str, Any]:
    return entry("red", "ecological_redline", "red.gpkg", **{"status": "draft", **more})


def test_a_code_that_stands_twice_is_told_at_its_second_zone(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", SQUARES, BM=["甲", "乙", "甲"])
    done = checked(tmp_path, red())
    (fault,) = faults(done, "red")
    assert (fault.code, fault.severity, fault.figure, fault.zones) == ("code_repeated", record.COMMON, "甲", ("甲#2",))
    assert same_place(fault, SQUARES[2])
    assert card_of(done, "red").score == record.RESERVED


@pytest.mark.parametrize(("status", "document", "told"), [
    ("approved", None, ["status"]), ("approved", "内政字〔2023〕1号", []), ("draft", None, []),
])  # fmt: skip
def test_an_approved_layer_names_its_document(tmp_path: Path, status: str, document: str | None, told: list[str]) -> None:
    write_layer(tmp_path / "red.gpkg", SQUARES)
    done = checked(tmp_path, red(status=status, document=document))
    assert [fault.code for fault in faults(done, "red")] == told
    assert card_of(done, "red").score == record.FIT, "a hint lowers no score"


def test_a_zone_without_a_shape_makes_a_layer_unfit(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", [SQUARES[0], None, shapely.Polygon()])
    done = checked(tmp_path, red())
    found = faults(done, "red")
    assert [(fault.code, fault.severity, fault.zones) for fault in found] == [
        ("empty", record.GRAVE, ("Z2",)), ("empty", record.GRAVE, ("Z3",)),
    ]  # fmt: skip
    around = crs.to_lonlat(SQUARES[0], GK).bounds
    assert all(fault.geometry.bounds == pytest.approx(around, abs=NEAR_DEG) for fault in found), "round all that is there"
    assert card_of(done, "red").score == record.UNFIT


def test_a_layer_of_nothing_but_empty_shapes_is_told_where_the_county_is(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", [None, None])
    done = checked(tmp_path, red())
    (fault,) = faults(done, "red")
    assert fault.code == "empty" and fault.geometry.is_valid and not fault.geometry.is_empty
    assert card_of(done, "red").score == record.UNFIT


@pytest.mark.parametrize("damage", ["gone", "text", "no features", "cut short"])
def test_a_layer_that_cannot_be_read_is_unfit_and_the_others_are_checked(tmp_path: Path, damage: str) -> None:
    write_layer(tmp_path / "red.gpkg", [] if damage == "no features" else SQUARES)
    write_layer(tmp_path / "park.gpkg", SQUARES)
    if damage == "gone":
        (tmp_path / "red.gpkg").unlink()
    elif damage == "text":
        (tmp_path / "red.gpkg").write_text("不是图层", encoding="utf-8")
    elif damage == "cut short":
        whole = (tmp_path / "red.gpkg").read_bytes()
        (tmp_path / "red.gpkg").write_bytes(whole[: len(whole) // 3])
    done = checked(tmp_path, red(), entry("park", "industrial_park", "park.gpkg", status="draft"))
    (fault,) = faults(done, "red")
    assert (fault.code, fault.severity) == ("unreadable", record.GRAVE) and fault.remedy
    assert not fault.geometry.is_empty
    assert [card_of(done, name).score for name in ("red", "park")] == [record.UNFIT, record.FIT]


def test_protected_areas_may_not_cross_from_the_day_of_the_code_on(tmp_path: Path) -> None:
    write_layer(tmp_path / "a.gpkg", [square(0, 0, 500)])
    write_layer(tmp_path / "b.gpkg", [square(400, 0, 500)])
    entries = [entry(name, "protected_area", f"{name}.gpkg") for name in ("a", "b")]
    (fault,) = [one for one in checked(tmp_path, *entries, day=date(2026, 8, 15)).faults if one.code == "exclusive"]
    assert same_place(fault, square(400, 0, 100, 500)) and "第八百五十九条" in fault.text and fault.other == "b"
    assert [one for one in checked(tmp_path, *entries, day=date(2026, 8, 14)).faults if one.code == "exclusive"] == []


def test_other_themes_that_overlap_are_not_judged(tmp_path: Path) -> None:
    for name in ("farm", "red", "urban"):
        write_layer(tmp_path / f"{name}.gpkg", [square(0, 0, 500)])
    themes = {"farm": "permanent_farmland", "red": "ecological_redline", "urban": "urban_boundary"}
    done = checked(tmp_path, *(entry(name, theme, f"{name}.gpkg") for name, theme in themes.items()))
    assert [fault.code for fault in done.faults if fault.code in ("exclusive", "overlap", "duplicate")] == []


def command(catalog: Path, *words: str) -> Result:
    return CliRunner().invoke(layers_check, ["--catalog", str(catalog), "--on", DAY.isoformat(), *words])


def test_the_geopackage_holds_every_finding_with_its_shape_and_words(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", [*SQUARES, square(100, 0, 500), None], BM=["甲", "乙", "甲", "丙", "丁"])
    path, out = write_catalog(tmp_path, [red()]), tmp_path / "体检.gpkg"
    told = json.loads(command(path, "--format", "json").stdout)["faults"]
    assert {fault["code"] for fault in told} == {"code_repeated", "overlap", "empty", "status"}
    assert command(path, "--format", "gpkg", "--out", str(out)).exit_code == 0
    assert [name for name, _ in pyogrio.list_layers(out)] == ["体检"]
    meta, _, wkb, columns = pyogrio.raw.read(out)
    rows = dict(zip(meta["fields"], columns, strict=True))
    assert crs.parse(meta["crs"]).to_epsg() == 4490
    keys = {"代码": "code", "级别": "severity", "图层": "layer", "数值": "figure", "说明": "text", "处理": "remedy"}
    for column, key in keys.items():
        assert list(rows[column]) == [fault[key] for fault in told]
    assert list(rows["图斑"]) == ["、".join(fault["zones"]) for fault in told]
    for shape, fault in zip(shapely.from_wkb(wkb), told, strict=True):
        assert shapely.equals_exact(shape, shapely.from_geojson(json.dumps(fault["geometry"])), 1e-12)
    overlap = next(shape for shape, code in zip(shapely.from_wkb(wkb), rows["代码"], strict=True) if code == "overlap")
    assert shapely.hausdorff_distance(overlap, crs.to_lonlat(square(100, 0, 400, 500), GK)) < NEAR_DEG


def test_nothing_is_written_over_and_a_file_must_be_named(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", SQUARES)
    path, out = write_catalog(tmp_path, [red()]), tmp_path / "体检.gpkg"
    assert isinstance(command(path, "--format", "gpkg").exception, UsageError)
    assert command(path, "--format", "gpkg", "--out", str(out)).exit_code == 0
    before = out.read_bytes()
    for form in ("gpkg", "html", "json", "table"):
        assert isinstance(command(path, "--format", form, "--out", str(out), "--record").exception, UsageError)
    assert out.read_bytes() == before
    assert not (tmp_path / "catalog.checkup.json").exists(), "nothing is recorded where nothing was told"
    assert isinstance(command(path, "--format", "gpkg", "--out", str(tmp_path / "没有" / "a.gpkg")).exception, UsageError)
    assert isinstance(command(path, "--format", "html", "--out", str(tmp_path / "没有" / "a.html")).exception, UsageError)


def test_a_check_up_that_finds_nothing_is_written_too(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", SQUARES)
    path, out = write_catalog(tmp_path, [red()]), tmp_path / "体检.gpkg"
    done = command(path, "red", "--format", "gpkg", "--out", str(out))
    assert done.exit_code == 0, (done.output, done.exception)
    assert len(pyogrio.raw.read(out)[2]) == 0


@pytest.mark.parametrize(("name", "hectares_to_unit"), [
    ("面积hm2", 1.0), ("面积（公顷）", 1.0), ("面积万亩", 15.0 / 1e4), ("面积_亩", 15.0), ("面积km2", 0.01),
    ("面积（万平方米）", 1.0), ("面积m2", 1e4), ("面积平方千米", 0.01),
])  # fmt: skip
def test_a_stated_area_is_held_against_the_shape_in_the_unit_of_its_column(
    tmp_path: Path, name: str, hectares_to_unit: float
) -> None:
    right, wrong = 25.0 * hectares_to_unit, 20.0 * hectares_to_unit  # the squares have 25 hectares
    write_layer(tmp_path / "red.gpkg", SQUARES, **{name: [f"{right:.6f}", f"{wrong:.6f}", ""]})
    told = faults(checked(tmp_path, red()), "red")
    assert [(fault.code, fault.zones) for fault in told] == [("area_differs", ("Z2",))]


@pytest.mark.parametrize(("codec", "misread"), [("gbk", "latin-1"), ("utf-8", "gbk"), ("utf-8", "latin-1"), ("utf-8", "cp1252")])
@pytest.mark.parametrize("name", ["大冷山自然保护区", "优先保护单元", "水源涵养", "尾矿库", "永久基本农田"])
def test_a_name_read_in_the_wrong_encoding_is_told(tmp_path: Path, name: str, codec: str, misread: str) -> None:
    garbled = name.encode(codec).decode(misread, "replace")
    write_layer(tmp_path / "red.gpkg", SQUARES, MC=[name, garbled, "联通基站"])
    told = faults(checked(tmp_path, red()), "red")
    assert [(fault.code, fault.zones) for fault in told] == [("encoding", ("Z2",))]


def two_editions(folder: Path) -> list[dict[str, Any]]:
    days = ((None, date(2023, 12, 30)), (date(2023, 12, 31), None))
    return [
        entry("red", "ecological_redline", f"{name}.gpkg", status="draft", version=name, effective_from=since, effective_to=until)
        for name, (since, until) in zip(("old", "new"), days, strict=True)
    ]


def test_only_the_zone_that_is_gone_is_told_as_gone(tmp_path: Path) -> None:
    write_layer(tmp_path / "old.gpkg", SQUARES, BM=["甲", "乙", "丙"])
    write_layer(tmp_path / "new.gpkg", [SQUARES[2], SQUARES[0]], BM=["丙", "甲"])
    (fault,) = faults(checked(tmp_path, *two_editions(tmp_path)), "red")
    assert (fault.code, fault.zones, fault.figure) == ("disappeared", ("乙",), "3 → 2 个")
    assert same_place(fault, SQUARES[1])


def test_an_earlier_version_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "old.gpkg").write_text("x", encoding="utf-8")
    write_layer(tmp_path / "new.gpkg", SQUARES)
    done = checked(tmp_path, *two_editions(tmp_path))
    (fault,) = faults(done, "red")
    assert (fault.code, fault.severity, fault.figure) == ("previous_unread", record.HINT, "old")
    assert card_of(done, "red").score == record.FIT


def test_a_tangled_zone_does_not_take_minutes(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    east, north = (float(shapely.get_coordinates(SQUARES[0])[0, axis]) for axis in (0, 1))
    tangle = shapely.Polygon(np.array([east, north]) + rng.uniform(0.0, 400.0, (300, 2)))
    write_layer(tmp_path / "red.gpkg", [tangle, SQUARES[1]])
    (fault,) = [one for one in faults(checked(tmp_path, red()), "red") if one.code == "invalid"]
    assert fault.severity == record.GRAVE and "说不清多少" in fault.figure


def test_a_border_drawn_as_a_line_is_no_zone_and_never_vouches_for_none(tmp_path: Path) -> None:
    inside = square(200, 200, 100)
    write_layer(tmp_path / "red.gpkg", [square(0, 0, 5000).exterior, square(9000, 0, 500)])
    layer = entry("red", "ecological_redline", "red.gpkg")
    done = checked(tmp_path, layer)
    (fault,) = [one for one in faults(done, "red") if one.code == "no_area"]
    assert (fault.severity, fault.zones) == (record.GRAVE, ("Z1",)) and card_of(done, "red").score == record.UNFIT
    judged = assess([site(inside)], open_library(tmp_path, [layer]), RULES, DAY)[0]
    (line,) = [one for one in judged.layers if one.id == "red"]
    assert line.status == "not_covering" and judged.overall.verdict is Verdict.NOT_CHECKED
    assert any("是线或点，不是面" in issue.text for issue in line.issues)


def test_zones_far_from_the_county_are_told_with_what_they_may_hide(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", [*SQUARES, square(200_000, 0, 500)])
    library = open_library(tmp_path, [entry("red", "ecological_redline", "red.gpkg")])
    judged = assess([site(square(200, 5200, 100))], library, RULES, DAY)
    (line,) = [one for one in judged[0].layers if one.id == "red"]
    assert any("有 1 个要素（共 4 个）不在声明的覆盖范围内" in issue.text for issue in line.issues)


@pytest.mark.parametrize(("since", "until", "told"), [
    ("2025年1月1日", "2020-01-01", True), ("2025/1/1", "2020.12.31", True), ("20250101", "2024年12月31日", True),
    ("2025.1.1", "20241231", True), ("2025-01-01", "2025/1/1 0:00:00", False), ("2025/1/1", "2025年10月1日", False),
    ("2025-13-40", "2020-01-01", False), ("2025年2月30日", "2020-01-01", False), ("长期", "", False),
])  # fmt: skip
def test_days_are_read_as_offices_write_them(tmp_path: Path, since: str, until: str, told: bool) -> None:
    write_layer(tmp_path / "red.gpkg", SQUARES[:1], 有效期起=[since], 有效期止=[until])
    assert [fault.code for fault in faults(checked(tmp_path, red()), "red")] == ["dates"] * told


@pytest.mark.parametrize(("theme", "severity"), [("air_zone", record.HINT), ("soil_zone", record.HINT),
                                                 ("ecological_redline", record.GRAVE)])  # fmt: skip
def test_one_zone_that_fills_the_county_is_a_hint_where_zones_may(tmp_path: Path, theme: str, severity: str) -> None:
    write_layer(tmp_path / "red.gpkg", [square(-20_000, -20_000, 40_000)])
    told = {one.code: one.severity for one in faults(checked(tmp_path, entry("red", theme, "red.gpkg", status="draft")), "red")}
    assert told["placeholder_county"] == severity


@pytest.mark.parametrize(("width", "told"), [(0.5, False), (2.0, True)])
def test_a_gap_is_ground_not_the_hair_between_two_drawings(tmp_path: Path, width: float, told: bool) -> None:
    write_layer(tmp_path / "red.gpkg", [square(-20_000, -20_000, 20_000, 40_000), square(width, -20_000, 20_000 - width, 40_000)])
    done = checked(tmp_path, entry("red", "admin_town", "red.gpkg", status="draft"))
    assert ("gap" in {one.code for one in faults(done, "red")}) is told


def test_a_zone_beyond_the_reach_of_the_county_is_no_mere_hint(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", [SQUARES[0], square(21_000, 0, 500), square(25_000, 0, 500)])
    told = {one.zones[0]: one.severity for one in faults(checked(tmp_path, red()), "red") if one.code == "outside"}
    assert set(told) == {"Z2", "Z3"} and told["Z2"] == record.HINT != told["Z3"]


def test_a_system_that_the_file_and_the_catalogue_name_differently_is_told(tmp_path: Path) -> None:
    write_layer(tmp_path / "red.gpkg", SQUARES)
    (fault,) = faults(checked(tmp_path, red(crs="EPSG:4490")), "red")
    assert (fault.code, fault.severity) == ("unreadable", record.GRAVE) and "坐标系不一致" in fault.text
