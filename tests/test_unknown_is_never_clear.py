"""Missing, broken, out of date, not covering, of unknown extent: never 未命中."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from yard import (
    DAY,
    EAST,
    HUNDRED,
    NORTH,
    RULES,
    entry,
    line,
    open_library,
    point,
    site,
    square,
    write_catalog,
    write_layer,
)  # fmt: skip

from linxi_gis import catalog, crs, overlay, themes
from linxi_gis.assess import assess
from linxi_gis.errors import CatalogError, NothingCheckedError
from linxi_gis.law import Verdict
from linxi_gis.library import Library
from linxi_gis.model import Assessment, Layer
from linxi_gis.report import extract

THEMES = ("ecological_redline", "protected_area", "water_source", "heritage")


def far_layers(folder: Path) -> list[dict[str, Any]]:
    """Four required layers, all 5 km from the site: clear when every one of them can be read."""
    for theme in THEMES:
        write_layer(folder / f"{theme}.gpkg", [square(5000, 5000, 100)])
    return [entry(theme, theme, f"{theme}.gpkg") for theme in THEMES]


def answer(library: Library, day: date = DAY) -> Assessment:
    return assess([site(HUNDRED)], library, RULES, day)[0]


def test_with_every_layer_read_the_site_is_clear(tmp_path: Path) -> None:
    overall = answer(open_library(tmp_path, far_layers(tmp_path))).overall
    assert (overall.verdict, overall.complete, overall.unchecked) == (Verdict.CLEAR, True, ())
    assert overall.label == "未命中"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("how", ["entry removed", "file removed", "file corrupted", "file empty", "column renamed"])
def test_losing_any_required_layer_makes_a_clear_site_unchecked(tmp_path: Path, theme: str, how: str) -> None:
    entries = far_layers(tmp_path)
    path = tmp_path / f"{theme}.gpkg"
    if how == "entry removed":
        entries = [one for one in entries if one["theme"] != theme]
    elif how == "file removed":
        path.unlink()
    elif how == "file corrupted":
        path.write_bytes(b"\x00broken" + path.read_bytes()[1000:])
    elif how == "file empty":
        path.write_bytes(b"")
    else:
        entries = [{**one, "columns": {"id": "没有"}} if one["theme"] == theme else one for one in entries]
    overall = answer(open_library(tmp_path, entries, required_themes=list(THEMES))).overall
    assert overall.verdict is Verdict.NOT_CHECKED
    assert not overall.complete
    assert overall.unchecked == (themes.THEMES[theme],)
    assert overall.label.startswith("未核查")


def test_a_worse_finding_stands_and_says_what_was_not_checked(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "ecological_redline.gpkg", [square(-10, -10, 200)])
    (tmp_path / "heritage.gpkg").unlink()
    overall = answer(open_library(tmp_path, entries)).overall
    assert overall.verdict >= Verdict.TO_JUSTIFY
    assert overall.label.endswith("（另有 1 个图层未核查）")


def test_a_broken_layer_replaced_by_a_good_one_is_read_anew(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    library = open_library(tmp_path, entries)
    assert answer(library).overall.verdict is Verdict.CLEAR
    (tmp_path / "heritage.gpkg").unlink()
    write_layer(tmp_path / "heritage.gpkg", [square(10, 10, 20)], DJ=["protected"])
    assert answer(library).layers[-1].status == "hit"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"coverage": "unknown"}, "not_covering"),
        ({"coverage": None}, "not_covering"),
        ({"coverage": "half.gpkg"}, "not_covering"),
        ({"effective_to": date(2025, 1, 1)}, "stale"),
        ({"effective_from": date(2027, 1, 1)}, "not_checked"),
        ({"crs": "EPSG:4490"}, "not_checked"),
        ({"sublayer": "没有这层"}, "not_checked"),
    ],
)
def test_a_layer_that_cannot_vouch_is_not_clear(tmp_path: Path, change: dict[str, Any], status: str) -> None:
    write_layer(tmp_path / "half.gpkg", [square(0, 0, 50, 100), square(4_000, 4_000, 2_000)])
    entries = far_layers(tmp_path)
    entries[0] = {key: value for key, value in {**entries[0], **change}.items() if value is not None}
    answered = answer(open_library(tmp_path, entries))
    assert answered.layers[0].status == status
    assert answered.layers[0].issues
    assert answered.overall.verdict is Verdict.NOT_CHECKED


def test_a_layer_without_crs_is_not_checked_until_the_catalogue_names_one(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "naked.shp", [square(5000, 5000, 100)])
    (tmp_path / "naked.prj").unlink()
    entries[0] = {**entries[0], "path": "naked.shp"}
    unnamed = answer(open_library(tmp_path, entries))
    assert unnamed.layers[0].status == "not_checked"
    assert "坐标系" in unnamed.layers[0].issues[0].text
    entries[0] = {**entries[0], "crs": "EPSG:4527"}
    assert answer(open_library(tmp_path, entries)).overall.verdict is Verdict.CLEAR


def test_a_xian80_layer_is_refused(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "old.gpkg", [square(5000, 5000, 100)], crs="EPSG:2363")
    entries[0] = {**entries[0], "path": "old.gpkg"}
    answered = answer(open_library(tmp_path, entries))
    assert answered.layers[0].status == "not_checked"
    assert "西安80" in answered.layers[0].issues[0].text


def test_a_site_across_the_county_line_is_not_clear(tmp_path: Path) -> None:
    library = open_library(tmp_path, far_layers(tmp_path))
    across = site(square(19_950, 0, 100))  # the yard's county ends at 20,000 m
    answered = assess([across], library, RULES, DAY)[0]
    # half of it, but for the plane's scale, which grows by 5e-7 in 50 m
    assert answered.layers[0].covered_share == pytest.approx(0.5, rel=1e-5)
    assert answered.overall.verdict is Verdict.NOT_CHECKED


def test_a_truncated_shapefile_is_not_an_empty_layer(tmp_path: Path) -> None:
    """GDAL hands back features without shapes for a .shp cut short, and warns of nothing."""
    entries = far_layers(tmp_path)
    path = write_layer(tmp_path / "cut.shp", [square(5_000 + 200 * i, 5_000, 100) for i in range(20)])
    entries[0] = {**entries[0], "path": "cut.shp"}
    assert answer(open_library(tmp_path, entries)).overall.verdict is Verdict.CLEAR
    path.write_bytes(path.read_bytes()[:220])
    answered = answer(open_library(tmp_path, entries))
    assert answered.layers[0].status == "not_checked"
    assert "不完整" in answered.layers[0].issues[0].text
    assert answered.overall.verdict is Verdict.NOT_CHECKED


@pytest.mark.parametrize(
    "lost", [None, shapely.Polygon([(39_500_000, 4_800_000), (39_500_100, 4_800_000), (39_500_050, 4_800_000)])]
)
def test_a_zone_that_is_lost_makes_the_layer_unsure(tmp_path: Path, lost: Any) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "ecological_redline.gpkg", [square(5_000, 5_000, 100), lost])
    answered = answer(open_library(tmp_path, entries))
    assert answered.overall.verdict is Verdict.NOT_CHECKED
    assert {"zone_empty", "zone_lost"} & {issue.code for issue in answered.layers[0].issues}


def test_a_layer_of_nothing_but_lost_zones_is_not_checked(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "ecological_redline.gpkg", [None, None])
    assert answer(open_library(tmp_path, entries)).layers[0].status == "not_checked"


def test_a_required_layer_that_hits_but_covers_half_is_not_complete(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "ecological_redline.gpkg", [square(0, 0, 10)])
    write_layer(tmp_path / "half.gpkg", [square(0, 0, 50, 100)])
    entries[0] = {**entries[0], "coverage": "half.gpkg"}
    answered = answer(open_library(tmp_path, entries))
    assert answered.layers[0].status == "hit"
    assert not answered.overall.complete
    assert answered.overall.unchecked == ("生态保护红线",)


def test_two_versions_in_one_file_are_not_confused(tmp_path: Path) -> None:
    path = tmp_path / "both.gpkg"
    write_layer(path, [square(-10, -10, 200)], layer="old")
    write_layer(path, [square(5_000, 5_000, 100)], layer="new", append=True)
    versions = [
        entry("redline", "ecological_redline", "both.gpkg", sublayer="old", version="旧", effective_to=date(2025, 12, 31)),
        entry("redline", "ecological_redline", "both.gpkg", sublayer="new", version="新", effective_from=date(2026, 1, 1)),
    ]
    days = (date(2025, 6, 1), date(2026, 6, 1), date(2025, 6, 1))
    library = open_library(tmp_path, versions)
    assert [answer(library, day).layers[0].status for day in days] == ["hit", "clear", "hit"]
    unnamed = [{**one, "version": ""} for one in versions]
    with pytest.raises(CatalogError, match="两个版本都叫"):
        open_library(tmp_path, unnamed)


def test_brackets_in_a_file_name_do_not_hide_the_file(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "redline[1].shp", [square(5_000, 5_000, 100)])
    entries[0] = {**entries[0], "path": "redline[1].shp"}
    library = open_library(tmp_path, entries)
    first = answer(library)
    assert first.layers[0].sha256 != hashlib.sha256(b"").hexdigest()
    write_layer(tmp_path / "redline[1].shp", [square(-10, -10, 300)])
    second = answer(library)
    assert (first.layers[0].status, second.layers[0].status) == ("clear", "hit")
    assert first.layers[0].sha256 != second.layers[0].sha256


def test_a_county_layer_that_cannot_be_read_leaves_the_extent_unknown(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    path = write_catalog(tmp_path, entries)
    (tmp_path / "county.gpkg").write_bytes(b"broken")
    outline = crs.to_lonlat(square(-20_000, -20_000, 40_000), "EPSG:4527")
    answered = answer(Library(catalog.read(path), outline))
    assert answered.layers[0].status == "not_covering"
    assert "county_unknown" in {issue.code for issue in answered.layers[0].issues}


def test_the_simplified_outline_vouches_only_a_kilometre_inside(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    text = write_catalog(tmp_path, entries).read_text(encoding="utf-8").partition('[[layer]]\nid = "county"')[0]
    (tmp_path / "catalog.toml").write_text(text, encoding="utf-8")
    read = catalog.read(tmp_path / "catalog.toml")
    outline = crs.to_lonlat(square(-20_000, -20_000, 40_000), "EPSG:4527")
    inside, edge = site(HUNDRED), site(square(19_500, 0, 100), "edge")
    answers = assess([inside, edge], Library(read, outline), RULES, DAY)
    assert [one.overall.verdict for one in answers] == [Verdict.CLEAR, Verdict.NOT_CHECKED]
    assert "county_simplified" in {issue.code for issue in answers[0].layers[0].issues}
    assert answer(Library(read)).overall.verdict is Verdict.NOT_CHECKED


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"path": "zone40.gpkg"}, id="zone-39 metres labelled zone 40"),
        pytest.param({"path": "naked.shp", "crs": "EPSG:4528"}, id="the catalogue names the wrong zone"),
        pytest.param({"path": "away.gpkg"}, id="a thousand kilometres off"),
    ],
)
def test_a_layer_that_lies_elsewhere_is_not_believed(tmp_path: Path, wrong: dict[str, Any]) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "zone40.gpkg", [square(5_000, 5_000, 100)], crs="EPSG:4528")
    write_layer(tmp_path / "naked.shp", [square(5_000, 5_000, 100)])
    (tmp_path / "naked.prj").unlink()
    write_layer(tmp_path / "away.gpkg", [square(5_000, -1_000_000, 100)])
    entries[0] = {**entries[0], **wrong}
    answered = answer(open_library(tmp_path, entries))
    assert answered.layers[0].status == "not_checked"
    assert "覆盖范围" in answered.layers[0].issues[0].text
    assert answered.overall.verdict is Verdict.NOT_CHECKED


def test_a_container_of_several_layers_must_be_told_which(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "two.gpkg", [square(5_000, 5_000, 100)], layer="旧版")
    write_layer(tmp_path / "two.gpkg", [square(-10, -10, 200)], layer="红线", append=True)
    entries[0] = {**entries[0], "path": "two.gpkg"}
    unnamed = answer(open_library(tmp_path, entries)).layers[0]
    assert unnamed.status == "not_checked"
    assert "旧版、红线" in unnamed.issues[0].text
    entries[0] = {**entries[0], "sublayer": "红线"}
    assert answer(open_library(tmp_path, entries)).layers[0].status == "hit"


def test_a_zone_of_wild_numbers_is_lost_not_fatal(tmp_path: Path) -> None:
    for wild in (float("nan"), float("inf"), 1e300):
        entries = far_layers(tmp_path)
        with np.errstate(invalid="ignore"):
            broken = shapely.Polygon([(EAST, NORTH), (EAST + 10, NORTH), (EAST, wild), (EAST, NORTH)])
        write_layer(tmp_path / "ecological_redline.gpkg", [square(5_000, 5_000, 100), broken])
        answered = answer(open_library(tmp_path, entries))
        assert answered.layers[0].status == "not_covering"
        assert "zone_empty" in {issue.code for issue in answered.layers[0].issues}


def test_a_zone_of_mixed_kinds_is_measured_part_by_part(tmp_path: Path) -> None:
    mixed = shapely.GeometryCollection([square(0, 0, 100), line((0, 0), (300, 300))])
    write_layer(tmp_path / "redline.gpkg", [mixed])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
    sites = [site(point(50, 40), "p"), site(square(150, 150, 60), "a"), site(line((10, 40), (90, 40)), "l")]
    answers = assess(sites, library, RULES, DAY)
    assert [one.layers[0].status for one in answers] == ["hit", "hit", "hit"]
    for one in answers:
        extract.canonical(extract.build(one))


def test_the_neighbours_outline_is_not_ours(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    ours, neighbour = square(-20_000, -20_000, 40_000), square(20_000, -20_000, 40_000)
    write_layer(tmp_path / "county.gpkg", [ours, neighbour], BM=["150424000000", "150423000000"])
    library = open_library(tmp_path, entries)
    inside, beside = site(HUNDRED), site(square(30_000, 0, 100), "beside")
    assert [one.overall.verdict for one in assess([inside, beside], library, RULES, DAY)] == [
        Verdict.CLEAR, Verdict.NOT_CHECKED,
    ]  # fmt: skip


def test_a_required_theme_cannot_be_waved_through(tmp_path: Path) -> None:
    entries = [{**one, "required": False} for one in far_layers(tmp_path)]
    with pytest.raises(CatalogError, match="必备"):
        open_library(tmp_path, entries, required_themes=["ecological_redline"])


def test_a_coverage_file_must_say_its_system(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    write_layer(tmp_path / "extent.shp", [square(-1_000, -1_000, 8_000)])
    entries[0] = {**entries[0], "coverage": "extent.shp"}
    assert answer(open_library(tmp_path, entries)).overall.verdict is Verdict.CLEAR
    (tmp_path / "extent.prj").unlink()
    assert answer(open_library(tmp_path, entries)).layers[0].status == "not_checked"


def test_a_layer_geos_cannot_overlay_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = open_library(tmp_path, far_layers(tmp_path))
    real = overlay.measure

    def failing(sites: Any, layer: Layer) -> overlay.Measures:
        if layer.identity.theme == "heritage":
            raise shapely.errors.GEOSException("TopologyException: side location conflict")
        return real(sites, layer)

    monkeypatch.setattr(overlay, "measure", failing)
    answered = answer(library)
    assert answered.overall.unchecked == ("文物保护单位",)
    assert answered.overall.verdict is Verdict.NOT_CHECKED


def test_no_layer_at_all_is_an_error_not_an_answer(tmp_path: Path) -> None:
    entries = far_layers(tmp_path)
    for theme in THEMES:
        (tmp_path / f"{theme}.gpkg").unlink()
    with pytest.raises(NothingCheckedError, match="没有任何图层可以比对"):
        answer(open_library(tmp_path, entries))


def test_a_day_before_the_law_we_hold_is_not_complete(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(-10, -10, 300)])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
    early = answer(library, date(2010, 1, 1)).overall
    assert (early.verdict, early.complete) == (Verdict.NOT_CHECKED, False)
    assert answer(library, date(2015, 1, 1)).overall.complete


def test_versions_are_picked_by_the_day(tmp_path: Path) -> None:
    write_layer(tmp_path / "old.gpkg", [square(-10, -10, 200)])
    write_layer(tmp_path / "new.gpkg", [square(5000, 5000, 100)])
    versions = [
        entry("redline", "ecological_redline", "old.gpkg", version="2018", effective_to=date(2022, 10, 13)),
        entry("redline", "ecological_redline", "new.gpkg", version="2022", effective_from=date(2022, 10, 14)),
    ]
    library = open_library(tmp_path, versions)
    assert [answer(library, day).layers[0].status for day in (date(2022, 10, 13), date(2022, 10, 14))] == ["hit", "clear"]
    overlapping = [versions[0] | {"effective_to": date(2023, 1, 1)}, versions[1]]
    with pytest.raises(CatalogError, match="生效日期重叠"):
        open_library(tmp_path, overlapping)


@pytest.mark.parametrize(
    ("head", "change", "told"),
    [
        ({}, {"acuracy_m": 5.0}, "是不是 accuracy_m"),
        ({}, {"theme": "ecological_redlne"}, "是不是 ecological_redline"),
        ({"tittle": "x"}, {}, "是不是 title"),
        ({}, {"status": "approvd"}, "status"),
        ({}, {"accuracy_m": -1.0}, "accuracy_m"),
    ],
)
def test_a_typo_in_the_catalogue_is_an_error_that_names_it(
    tmp_path: Path, head: dict[str, Any], change: dict[str, Any], told: str
) -> None:
    path = write_catalog(tmp_path, [{**far_layers(tmp_path)[0], **change}], required_themes=[], **head)
    with pytest.raises(CatalogError, match=told):
        catalog.read(path)
