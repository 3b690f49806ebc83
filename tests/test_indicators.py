"""The plan's indicators: squares in the head, PROJ's geodesic areas, parts that add up, what is told and entered."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pyproj
import pytest
import rasterio
import shapely
import xlsxwriter
from click.testing import CliRunner, Result
from rasterio.transform import Affine
from yard import DAY, EAST, GK, NORTH, entry, open_library, square, write_catalog, write_layer

import linxi_layers
from linxi_gis import indicators, indicators_plan, indicators_tables, indicators_whatif, raster
from linxi_gis.cli import linxi as command
from linxi_gis.cli import roof
from linxi_gis.errors import InputError, LinxiError, UsageError
from linxi_gis.report import indicatorbook

GEOD = pyproj.Geod(ellps="GRS80")
TITLE, PLANNED = indicators.read_plan(linxi_layers.plan_file())
KM2 = 1.0 / 1.00016  # a square kilometre of the yard's plane, on the ellipsoid
OURS = ("--catalog", str(linxi_layers.demo_catalog()), "--on", "2026-11-24")


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(command, ["indicators", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def demo() -> indicators.County:
    library = roof.open_office(str(linxi_layers.demo_catalog())).library
    return indicators.county(library, TITLE, PLANNED, DAY, {}, "town")


def figure(county: indicators.County, name: str) -> indicators.Indicator:
    return next(one for one in county.indicators if one.figure.id == name)


def geodesic_km2(shape: shapely.Geometry) -> float:
    dense = shapely.orient_polygons(shapely.segmentize(shape, 0.0005))
    return abs(float(GEOD.geometry_area_perimeter(dense)[0])) / 1e6


def dissolved(name: str) -> shapely.Geometry:
    return shapely.union_all(gpd.read_file(linxi_layers.demo_catalog().parent / f"{name}.gpkg").geometry.to_numpy())


def yard_forest(folder: Path, **more: object) -> None:
    """A grid of 100 m cells over 4 km by 4 km: the western half is forest, one row in the north says nothing."""
    cells = np.zeros((40, 40), dtype=np.uint8)
    cells[:, :20] = 1
    cells[0, :] = 255
    profile = {"driver": "GTiff", "height": 40, "width": 40, "count": 1, "dtype": "uint8", "crs": GK, "nodata": 255}
    with rasterio.open(folder / "forest.tif", "w", **profile, transform=Affine(100, 0, EAST, 0, -100, NORTH + 4000)) as file:
        file.write(cells, 1)


def forest_catalog(folder: Path) -> Path:
    write_layer(folder / "county.gpkg", [square(0, 0, 4000)])
    write_layer(folder / "redline.gpkg", [square(0, 0, 1000), square(500, 0, 1000)])
    path = write_catalog(folder, [entry("redline", "ecological_redline", "redline.gpkg")], statutory_area_km2=20.0)
    block = '\n[[raster]]\nid = "f"\nkind = "forest"\ntitle = "森林"\npath = "forest.tif"\nforest = [1]\n'
    path.write_text(path.read_text(encoding="utf-8") + block, encoding="utf-8")
    return path


def test_all_twenty_are_listed_as_the_plan_has_them(shared: Path) -> None:
    rows = json.loads((shared.parent / "domain" / "indicators.json").read_text(encoding="utf-8"))["rows"]
    ours = {one.no: one for one in PLANNED}
    assert sorted(ours) == list(range(1, 21))
    for row in rows:
        one = ours[row["no"]]
        assert (one.title, one.unit, one.value_2020, one.target_2025, one.attribute, list(one.contradictions)) == (
            row["name"], row["unit"], row["value_2020"], row["target_2025"], row["attribute"], row["notes"]
        )  # fmt: skip
    assert [one.no for one in PLANNED if one.computed] == [13, 14, 15]
    assert ours[15].percent_2020 == 41.35 and ours[15].target_percent == 42.5


@pytest.mark.parametrize(("name", "layer"), [("redline_share", "redline"), ("protected_area_share", "reserve")])
def test_numerators_are_geodesic_areas_of_the_dissolved_zones(name: str, layer: str, demo: indicators.County) -> None:
    assert figure(demo, name).net_km2 == pytest.approx(geodesic_km2(dissolved(layer)), rel=1e-6)


def test_parts_by_town_are_geodesic_areas_and_add_up(demo: indicators.County) -> None:
    towns = gpd.read_file(linxi_layers.demo_catalog().parent / "towns.gpkg").set_index("编号").geometry
    line = dissolved("redline")
    parts = {part.id: part for part in figure(demo, "redline_share").parts}
    for code, town in towns.items():
        assert parts[code].net_km2 == pytest.approx(geodesic_km2(shapely.intersection(line, town)), rel=1e-6, abs=1e-6)
        assert parts[code].area_km2 == pytest.approx(geodesic_km2(town), rel=1e-6)
    assert len(demo.checks) == 7 and all(check.closes for check in demo.checks)
    for one in demo.indicators[:3]:
        assert math.fsum(part.net_km2 for part in one.parts) == pytest.approx(one.net_km2, rel=1e-9)


def test_every_denominator_says_what_the_plan_would_be_of_it(demo: indicators.County) -> None:
    ratios = {ratio.denominator.id: ratio for ratio in figure(demo, "redline_share").ratios}
    assert ratios["statutory"].planned_km2 == pytest.approx(703.6, abs=0.05)
    assert ratios["outline_computed"].planned_km2 == pytest.approx(676.4, abs=0.05)
    forest = {ratio.denominator.id: ratio for ratio in figure(demo, "forest_share").ratios}["statutory"]
    assert forest.difference_points == pytest.approx(forest.percent - 41.35)
    assert forest.target_points == pytest.approx(forest.percent - 42.5)


def test_forest_of_half_a_square_and_overlapping_zones(tmp_path: Path) -> None:
    yard_forest(tmp_path)
    done = json.loads(run("--catalog", str(forest_catalog(tmp_path)), "--format", "json").stdout)
    found = {one["figure"]["id"]: one for one in done}
    forest, line = found["forest_share"], found["redline_share"]
    assert forest["net_km2"] == pytest.approx(2.0 * 3.9 * KM2, rel=1e-5)
    assert forest["nodata_km2"] == pytest.approx(0.4 * KM2, rel=1e-5)
    assert forest["ratios"][0]["percent"] == pytest.approx(39.0 * KM2, rel=1e-5)
    assert (line["gross_km2"], line["net_km2"]) == (pytest.approx(2.0 * KM2, rel=1e-5), pytest.approx(1.5 * KM2, rel=1e-5))
    assert len(done) == 20 and done[0]["figure"]["id"] == "redline_share"
    assert found["pm25"]["unchecked"].startswith("未填") and found["pm25"]["ratios"] == []


def test_a_raster_that_cannot_be_read_is_unchecked_never_zero(tmp_path: Path) -> None:
    path = forest_catalog(tmp_path)
    for make in (lambda: None, lambda: (tmp_path / "forest.tif").write_bytes(b"II*\0 nothing")):
        make()
        forest = next(one for one in json.loads(run("--catalog", str(path), "--format", "json").stdout)
                      if one["figure"]["id"] == "forest_share")  # fmt: skip
        assert forest["ratios"] == [] and "forest.tif" in forest["unchecked"]
    assert "未核查" in run("--catalog", str(path)).stdout


def test_units_add_up_to_a_hundred_and_overlaps_count_once(tmp_path: Path) -> None:
    write_layer(tmp_path / "county.gpkg", [square(0, 0, 3000)])
    shapes = [square(0, 0, 1000, 3000), square(500, 0, 1500, 3000), square(2000, 0, 1000, 2000)]
    write_layer(tmp_path / "units.gpkg", shapes, LX=["优先", "重点", "一般"])
    unit = entry("units", "control_unit", "units.gpkg", columns={"id": "BM", "name": "MC", "class": "LX"},
                 classes={"优先": "priority", "重点": "key", "一般": "general"})  # fmt: skip
    library = open_library(tmp_path, [unit])
    table, checks = indicators_tables.units(library.layers(DAY), library.county(DAY))
    assert [(row.zone_class, row.count) for row in table.rows] == [("priority", 1), ("key", 1), ("general", 1)]
    assert [row.net_km2 for row in table.rows] == pytest.approx([3.0 * KM2, 3.0 * KM2, 2.0 * KM2], rel=3e-5)
    assert [row.share_percent for row in table.rows] == [37.5, 37.5, 25.0]
    assert table.overlap_km2 == pytest.approx(1.5 * KM2, rel=1e-5) and table.gap_km2 == pytest.approx(KM2, rel=1e-4)
    assert checks[0].closes
    shares = [row.share_percent or 0.0 for row in indicators_tables.units(
        roof.open_office(str(linxi_layers.demo_catalog())).library.layers(DAY), None)[0].rows]  # fmt: skip
    assert round(sum(shares), 10) == 100.0


def test_objects_wholly_and_partly_inside_and_a_touch_is_neither(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 1000)])
    write_layer(tmp_path / "mining_right.gpkg", [square(100, 100, 200), square(900, 0, 200), square(1000, 500, 200)])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg"),
                                      entry("right", "mining_right", "mining_right.gpkg")])  # fmt: skip
    rows = indicators_tables.objects_in_zones(library.layers(DAY))
    assert [(row.total, row.inside, row.partly) for row in rows] == [(3, 1, 1)]
    assert rows[0].area_km2 == pytest.approx((0.04 + 0.02) * KM2, rel=1e-5)


def test_without_a_zone_and_with_a_site(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 1000), square(500, 0, 1000)])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")], statutory_area_km2=10.0)
    added = [np.asarray(library.layers(DAY)[0].zones)[0]]  # type: ignore[union-attr]
    change = indicators_whatif.change(library, PLANNED, DAY, [], ["Z2"])
    assert (change.before_km2, change.after_km2, change.removed_km2, change.added_km2) == pytest.approx(
        (1.5 * KM2, KM2, 0.5 * KM2, 0.0), rel=1e-5
    )
    assert change.after[0].percent == pytest.approx(10.0 * KM2, rel=1e-5) and change.check.closes
    again = indicators_whatif.change(library, PLANNED, DAY, added, ["Z1", "Z2"])
    assert again.after_km2 == pytest.approx(KM2, rel=1e-5) and again.check.closes
    with pytest.raises(UsageError, match="Z9"):
        indicators_whatif.change(library, PLANNED, DAY, [], ["Z9"])
    with pytest.raises(UsageError, match="pm25"):
        indicators_whatif.change(library, PLANNED, DAY, [], [], "pm25")


def test_what_if_on_the_command_line_finds_the_figure_by_the_zone() -> None:
    site = Path(__file__).parents[1] / "examples" / "pipeline.geojson"
    told = run(*OURS, "--without", "BH-02").stdout
    numbers = r"567\.53\s+0\.00\s+60\.00\s+507\.53\s+14\.43\s+12\.90"
    assert re.search(r"自然保护区占国土空间面积的比例\s+统计（法定）面积\s+" + numbers, told)
    with pytest.raises(UsageError, match="没有面"):
        run(*OURS, "--with", str(site))
    with pytest.raises(UsageError, match="--with"):
        run(*OURS, "--figure", "redline_share")


def test_a_site_file_added_on_the_command_line_counts_what_is_new_ground(tmp_path: Path) -> None:
    site = tmp_path / "site.geojson"
    ring = [[118.05, 43.50], [118.07, 43.50], [118.07, 43.51], [118.05, 43.51], [118.05, 43.50]]
    site.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), encoding="utf-8")
    run(*OURS, "--with", str(site), "--figure", "redline_share", "--format", "json", "--out", str(tmp_path))
    (change,) = json.loads((tmp_path / "indicators.json").read_text(encoding="utf-8"))["what_if"]
    assert change["added_km2"] > 1.0 and change["removed_km2"] == 0.0
    ground = gpd.read_file(linxi_layers.demo_catalog().parent / "redline.gpkg").union_all()
    new = shapely.difference(shapely.Polygon(ring), ground)
    expected = abs(pyproj.Geod(ellps="GRS80").geometry_area_perimeter(shapely.segmentize(new, 1e-4))[0]) / 1e6
    assert change["added_km2"] == pytest.approx(expected, rel=1e-5)
    assert change["after"][0]["percent"] - change["before"][0]["percent"] == pytest.approx(expected / 3933.0 * 100.0, rel=1e-4)


def test_entered_figures_need_a_source_and_stand_beside_the_computed(tmp_path: Path) -> None:
    good = tmp_path / "a.toml"
    good.write_text('[[value]]\nfigure = 1\nvalue = 12\nyear = 2024\nsource = "监测年报（测试）"\n', encoding="utf-8")
    table = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(table)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("序号", "指标", "数值", "年份", "来源"))
        sheet.write_row(1, 0, (15, "森林覆盖率", 41.9, 2024, "林草年报（测试）"))
    assert indicators_plan.read_values(good, PLANNED)["pm25"] == indicators_plan.Entered(12.0, "2024", "监测年报（测试）")
    assert indicators_plan.read_values(table, PLANNED)["forest_share"].value == 41.9
    told = run(*OURS, "--values", str(table)).stdout
    assert re.search(r"森林覆盖率 +% +41\.35 +42\.5 +约束性 +41\.39 +41\.9（2024）", told)
    assert run(*OURS, "--values", str(good)).stdout.count("未填：") == 16


@pytest.mark.parametrize(("text", "told"), [
    ("[[value]]\nfigure = 1\nvalue = 12\n", "来源"),
    ('[[value]]\nfigure = 21\nvalue = 12\nsource = "x"\n', "没有编号"),
    ('[[value]]\nfigure = 1\nvalue = "高"\nsource = "x"\n', "不是数"),
    ('[[value]]\nfigure = 1\nvalue = 1\nfrom = "x"\n', "栏目"),
    ('[[value]]\nfigure = 1\nvalue = 1\nsource = "x"\n[[value]]\nfigure = "pm25"\nvalue = 1\nsource = "x"\n', "两次"),
    ("values = 1\n", "只有"),
    ("[[value\n", "读不出来"),
])  # fmt: skip
def test_what_is_wrong_with_an_entered_figure_is_told(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        indicators_plan.read_values(path, PLANNED)


def test_files_agree_with_one_another(tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = run(*OURS, "--by", "unit", "--format", "xlsx,json,geojson", "--out", str(out)).stdout.split()
    assert [Path(one).name for one in told] == ["indicators.xlsx", "indicators.json", "indicators.geojson"]
    document = json.loads((out / "indicators.json").read_text(encoding="utf-8"))
    line = document["indicators"][0]
    book = openpyxl.load_workbook(out / "indicators.xlsx")
    plan = list(book["规划二十项指标"].iter_rows(min_row=3, values_only=True))
    assert len(plan) == 20 and plan[12][6] == "17.89"
    units = list(book["环境管控单元"].iter_rows(min_row=3, values_only=True))
    assert sum(row[3] for row in units[:-1]) == pytest.approx(100.0, abs=1e-9) and units[-1][1] == 22
    assert all(row[4] == "相合" for row in book["合计核对"].iter_rows(min_row=3, values_only=True))
    assert "示意数据" in str(book["比例与分母"]["A1"].value)
    shapes = json.loads((out / "indicators.geojson").read_text(encoding="utf-8"))["features"]
    zones = [one for one in shapes if one["properties"].get("figure") == "redline_share"]
    assert sum(one["properties"]["area_km2"] for one in zones) == pytest.approx(line["gross_km2"], rel=1e-9)
    places = [one for one in shapes if one["properties"]["kind"] == "place"]
    assert len(places) == len(line["parts"]) - 1 == 22
    assert places[0]["properties"]["redline_share"] == line["parts"][0]["percent"]


def test_the_map_shows_shares_by_town_and_says_what_it_is(tmp_path: Path) -> None:
    run(*OURS, "--format", "html", "--out", str(tmp_path))
    page = (tmp_path / "indicators.html").read_text(encoding="utf-8")
    for word in ("示意数据，结论无效力", "统部镇 30.5 %", "703.61 km²", "17.89", "森林覆盖率（按乡镇）"):
        assert word in page or json.dumps(word)[1:-1] in page


def test_formats_need_a_folder_and_by_needs_its_layer(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--out"):
        run(*OURS, "--format", "xlsx")
    with pytest.raises(UsageError, match="没有输出格式"):
        run(*OURS, "--format", "pdf", "--out", str(tmp_path))
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 1000)])
    path = write_catalog(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
    with pytest.raises(LinxiError, match="乡镇"):
        run("--catalog", str(path), "--by", "town")


def test_forest_share_is_that_of_cells_weighted_one_by_one(tmp_path: Path) -> None:
    """The share again, each cell cut as a polygon of degrees and measured by geodesics."""
    held = roof.open_office(str(linxi_layers.demo_catalog())).library.catalog.rasters[0]
    town = gpd.read_file(linxi_layers.demo_catalog().parent / "urban.gpkg").geometry.iloc[1]
    with raster.opened(held) as opened:
        from linxi_gis import crs

        ours = raster.tally(opened, crs.to_plane(town))
        step, _, west, _, _, north = opened.affine
        first, last = math.floor((town.bounds[0] - west) / step) - 9, math.ceil((town.bounds[2] - west) / step) + 9
        top, foot = math.floor((north - town.bounds[3]) / step) - 9, math.ceil((north - town.bounds[1]) / step) + 9
        cells, _ = opened.values(raster.Window(top, foot, first, last))
    total: dict[int, float] = {}
    for row in range(top, foot):
        for column in range(first, last):
            x, y = west + column * step, north - row * step
            common = shapely.intersection(town, shapely.box(x, y - step, x + step, y))
            if not common.is_empty:
                value = int(cells[row - top, column - first])
                total[value] = total.get(value, 0.0) + geodesic_km2(common) * 1e6
    assert dict(ours.by_value) == pytest.approx(total, abs=1e-6 * ours.area_m2)


def test_what_is_added_counts_inside_the_county_only(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 1000)])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")], statutory_area_km2=10.0)
    edge = library.county(DAY)
    assert edge is not None
    west, south, east, north = edge.bounds
    half = shapely.box(west - 5000.0, (south + north) / 2.0, (west + east) / 2.0, (south + north) / 2.0 + 5000.0)
    change = indicators_whatif.change(library, PLANNED, DAY, [half], [])
    inside = shapely.intersection(half, edge).area / 1e6
    assert 0.0 < inside < half.area / 1e6
    assert (change.added_km2, change.outside_km2) == pytest.approx((inside, half.area / 1e6 - inside), rel=1e-9)
    with pytest.raises(UsageError, match="不在县域"):
        indicators_whatif.change(library, PLANNED, DAY, [shapely.box(west - 9000.0, north, west - 8000.0, north + 1000.0)], [])


@pytest.mark.parametrize(("row", "told"), [
    ('value = 13\nunit = "mg/m3"', "规划的单位是 μg/m3"), ("value = -5", "小于 0"), ('value = 13\nyear = "abc"', "年份"),
    ("value = 13\nyear = 2099", "年份"),
])  # fmt: skip
def test_entered_figures_are_in_the_plan_s_unit_and_of_a_year_that_has_come(tmp_path: Path, row: str, told: str) -> None:
    figures = indicators_plan.read_plan(linxi_layers.plan_file())[1]
    dust = next(one for one in figures if one.unit == "μg/m3")
    share = next(one for one in figures if one.unit == "%" and not one.computed)
    path = tmp_path / "v.toml"

    def entered(no: int, text: str) -> dict[str, indicators_plan.Entered]:
        path.write_text(f'[[value]]\nfigure = {no}\nsource = "测试"\n{text}\n', encoding="utf-8")
        return indicators_plan.read_values(path, figures)

    assert entered(dust.no, 'value = 13\nunit = "µg/m³"\nyear = "2024年"')[dust.id].year == "2024"
    with pytest.raises(InputError, match=told):
        entered(dust.no, row)
    with pytest.raises(InputError, match="超过 100"):
        entered(share.no, "value = 950")


def test_an_id_that_two_rows_bear_takes_both_away(tmp_path: Path) -> None:
    zones = [square(east, 0, 1000) for east in (0, 2000, 4000)]
    write_layer(tmp_path / "redline.gpkg", zones, BM=["R1", "R1", "R2"])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")], statutory_area_km2=10.0)
    change = indicators_whatif.change(library, PLANNED, DAY, [], ["R1"])
    assert change.removed_km2 == pytest.approx(2.0 * KM2, rel=1e-5) and change.without == ("R1", "R1#2")
    one = indicators_whatif.change(library, PLANNED, DAY, [], ["R1#2"])
    assert one.removed_km2 == pytest.approx(KM2, rel=1e-4) and one.without == ("R1#2",)


def test_a_layer_that_lies_outside_the_county_gives_no_ratio(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 1000), square(200_000, 0, 1000)], BM=["in", "out"])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")], statutory_area_km2=10.0)
    (line,) = [one for one in indicators.compute(library, PLANNED, DAY) if one.figure.id == "redline_share"]
    assert line.ratios == () and "在县界图层之外" in line.unchecked


def test_a_theme_with_one_layer_in_doubt_gives_no_part_of_a_figure(tmp_path: Path) -> None:
    write_layer(tmp_path / "a.gpkg", [square(0, 0, 1000)], BM=["A"], LX=["优先"])
    write_layer(tmp_path / "b.gpkg", [square(2000, 0, 1000), None], BM=["B", "C"], LX=["一般", "一般"])
    write_layer(tmp_path / "draft.gpkg", [square(4000, 0, 1000)], BM=["D"])
    kinds = {"columns": {"id": "BM", "class": "LX"}, "classes": {"优先": "priority", "一般": "general"}}
    entries = [entry(f"{theme}_{name}", theme, f"{name}.gpkg", **(kinds if theme == "control_unit" else {}))
               for theme in ("ecological_redline", "control_unit") for name in ("a", "b")]  # fmt: skip
    entries.append(entry("wet", "wetland", "draft.gpkg", status="draft", required=False))
    library = open_library(tmp_path, entries, statutory_area_km2=10.0)
    opened = library.layers(DAY)
    table, _ = indicators_tables.units(opened, library.county(DAY))
    assert table.rows == () and "C" in table.unchecked
    with pytest.raises(LinxiError, match="不能假设"):
        indicators_whatif.change(library, PLANNED, DAY, [], ["A"])
    with pytest.raises(LinxiError, match="不能按它分"):
        indicators.places(opened, "unit")
    county = indicators.county(library, "规划", PLANNED, DAY)
    assert {row.theme for row in county.zones} == {"ecological_redline"} and sum(row.count for row in county.zones) == 1
    assert any("草案，不计" in text for text in county.left_out) and any("C" in text for text in county.left_out)


def test_what_is_left_out_is_told_and_a_doubtful_zone_is_not_called_missing(tmp_path: Path) -> None:
    write_layer(tmp_path / "a.gpkg", [square(0, 0, 1000)], BM=["A"])
    write_layer(tmp_path / "b.gpkg", [square(2000, 0, 1000), None], BM=["B", "C"])
    write_layer(tmp_path / "mines.gpkg", [square(100, 100, 100)])
    entries = [entry(f"{theme}_{name}", theme, f"{name}.gpkg") for theme in ("ecological_redline", "admin_town") for name in "ab"]
    mine = entry("mines", "mining_right", "mines.gpkg", status="draft", title="采矿权草案", required=False)
    library = open_library(tmp_path, [*entries, mine], statutory_area_km2=10.0)
    with pytest.raises(LinxiError, match=r"不能假设.*第2块"):
        indicators_whatif.change(library, PLANNED, DAY, [], ["B"])
    with pytest.raises(LinxiError, match=r"不能假设.*第2块"):
        indicators_whatif.change(library, PLANNED, DAY, [square(5000, 0, 100)], [])
    county = indicators.county(library, "规划", PLANNED, DAY)
    notes = {table.title: table.note for table in indicatorbook.tables(county)}
    for title in ("各类区域", "水源、矿山、尾矿库所在"):
        assert "第2块" in notes[title] and "采矿权草案：草案，不计" in notes[title]
    run("--catalog", str(tmp_path / "catalog.toml"), "--format", "html", "--out", str(tmp_path))  # by no town, for none asked


def test_cells_whose_value_no_class_names_are_no_ground_without_forest(tmp_path: Path) -> None:
    path = forest_catalog(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + 'classes = { "1" = "森林", "2" = "草地" }\n', encoding="utf-8")
    yard_forest(tmp_path)  # its eastern half is 0
    (forest,) = [one for one in json.loads(run("--catalog", str(path), "--format", "json").stdout)
                 if one["figure"]["id"] == "forest_share"]  # fmt: skip
    assert forest["ratios"] == [] and "不在 classes 里" in forest["unchecked"]
