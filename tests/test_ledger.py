"""The ledger of conflicts: figures against pyproj.Geod, sums that add up, and layers that could not speak."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pyproj
import pytest
import shapely
from click.testing import CliRunner
from yard import DAY, EAST, GK, NORTH, RULES, entry, open_library, point, square, write_catalog, write_layer

from linxi_gis import ledger, ponds, stocktaking
from linxi_gis.cli import linxi
from linxi_gis.errors import InputError, UsageError
from linxi_gis.law import Verdict
from linxi_gis.ledger import Ledger
from linxi_gis.report import ledgersheet

GEOD = pyproj.Geod(a=6378137.0, rf=298.257222101)
TO_LONLAT = pyproj.Transformer.from_crs(GK, "EPSG:4490", always_xy=True)
RIGHTS = [square(0, 0, 1000), square(5000, 0, 400, 300), square(9000, 9000, 200)]
RED = [square(600, -100, 2000), square(5100, 100, 50)]


def county(folder: Path, **more: Any) -> list[dict[str, Any]]:
    """Three rights: one partly in the red line, one that holds a speck of it, one far from everything."""
    write_layer(folder / "rights.gpkg", RIGHTS)
    write_layer(folder / "red.gpkg", RED)
    write_layer(folder / "wells.gpkg", [point(500, 500), point(-3000, 0)], 类别=["一级保护区"] * 2)
    return [
        entry("rights", "mining_right", "rights.gpkg"),
        entry("red", "ecological_redline", "red.gpkg"),
        entry("wells", "water_source", "wells.gpkg", columns={"id": "BM", "name": "MC", "class": "类别"},
              classes={"一级保护区": "grade1"}, **more),
    ]  # fmt: skip


def drawn_up(folder: Path, layer: str, entries: list[dict[str, Any]]) -> Ledger:
    return stocktaking.draw_up(open_library(folder, entries), RULES, layer, DAY)


def geodesic_m2(shape: shapely.Geometry) -> float:
    """The oracle: shapely cuts in the yard's plane, edges of a metre, Karney's polygon on the ellipsoid."""
    fine = shapely.segmentize(shape, 1.0)
    ring = TO_LONLAT.transform(*shapely.get_coordinates(fine.exterior).T)
    return abs(GEOD.polygon_area_perimeter(*ring)[0])


def test_areas_and_shares_are_those_of_another_program(tmp_path: Path) -> None:
    made = drawn_up(tmp_path, "rights", county(tmp_path))
    rows = {(row.object_id, row.layer, row.hit.zone_id): row.hit for row in made.rows if row.hit}
    for right, red in ((0, 0), (1, 1)):
        hit = rows[f"Z{right + 1}", "red", f"Z{red + 1}"]
        common = geodesic_m2(shapely.intersection(RIGHTS[right], RED[red]))
        # 1e-7: a kilometre's edge is drawn as chords that leave the true line by some 10 µm.
        assert hit.area_m2 == pytest.approx(common, rel=1e-7)
        assert hit.share_of_site == pytest.approx(common / geodesic_m2(RIGHTS[right]), rel=1e-7)
    assert ("Z3", "red", "Z1") not in rows
    assert ("Z2", "red", "Z1") not in rows


def test_the_layer_is_not_held_against_itself_and_the_worst_comes_first(tmp_path: Path) -> None:
    made = drawn_up(tmp_path, "rights", county(tmp_path))
    assert all(row.layer != "rights" for row in made.rows)
    places = [ledger.ORDER.index(item.shown) for item in made.items]
    assert places == sorted(places)
    assert {item.site.id for item in made.items} == {"Z1", "Z2", "Z3"}
    assert made.items[-1].site.id == "Z3"
    for item in made.items:
        own = [ledger.ORDER.index(row.verdict) for row in item.rows]
        assert own == sorted(own)


def test_a_layer_of_points_is_met_and_is_held_against_others(tmp_path: Path) -> None:
    entries = county(tmp_path)
    made = drawn_up(tmp_path, "rights", entries)
    well = next(row for row in made.rows if row.layer == "wells" and row.object_id == "Z1")
    assert well.hit is not None and well.hit.relation.hit and well.hit.zone_id == "Z1"
    write_layer(tmp_path / "mines.gpkg", [point(700, 0), point(-9000, 0)])
    mines = drawn_up(tmp_path, "mines", [*entries, entry("mines", "mine", "mines.gpkg", required=False)])
    inside = {(row.object_id, row.layer) for row in mines.rows if row.hit and row.hit.relation.hit}
    assert ("Z1", "red") in inside and ("Z2", "red") not in inside


def test_only_what_the_theme_surely_says_is_known(tmp_path: Path) -> None:
    made = drawn_up(tmp_path, "rights", county(tmp_path))
    assert made.known == (RULES.attributes["is_mineral_extraction"].label,)
    red = next(row for row in made.rows if row.layer == "red" and row.object_id == "Z1")
    asked = "".join(question for one in red.said for question in one.questions)
    assert RULES.attributes["is_mineral_extraction"].question not in asked
    assert red.verdict >= Verdict.TO_JUSTIFY
    write_layer(tmp_path / "mines.gpkg", [point(700, 0)])
    mines = drawn_up(tmp_path, "mines", [*county(tmp_path), entry("mines", "mine", "mines.gpkg", required=False)])
    assert mines.known == ()


@pytest.mark.parametrize("damage", ["gone", "text", "empty"])
def test_a_broken_layer_is_told_and_never_clears(tmp_path: Path, damage: str) -> None:
    entries = county(tmp_path)
    whole = drawn_up(tmp_path, "rights", entries)
    file = tmp_path / "red.gpkg"
    file.unlink()
    if damage == "text":
        file.write_text("not a layer", encoding="utf-8")
    if damage == "empty":
        write_layer(file, [])
    made = drawn_up(tmp_path, "rights", entries)
    unseen = {one.title: one for one in made.unseen}
    assert unseen["生态保护红线"].objects == 3 and unseen["生态保护红线"].required
    assert "生态保护红线" not in {one.title for one in whole.unseen}
    assert all(not item.complete and "生态保护红线" in item.unchecked for item in made.items)
    assert next(item for item in made.items if item.site.id == "Z3").shown is Verdict.NOT_CHECKED
    assert all(item.verdict > Verdict.NOTICE or item.label == "未核查" for item in made.items)


def test_sums_add_up_and_a_shapeless_object_is_counted(tmp_path: Path) -> None:
    entries = county(tmp_path)
    write_layer(tmp_path / "rights.gpkg", [*RIGHTS, None])
    made = drawn_up(tmp_path, "rights", entries)
    assert [one[0] for one in made.failed] == ["Z4"]
    *counts, (total, objects, rows) = ledgersheet.summary(made)
    assert total == "合计" and objects == 4 and rows == len(made.rows)
    assert sum(one[1] for one in counts) == objects and sum(one[2] for one in counts) == rows


def test_what_cannot_be_a_ledger_is_refused(tmp_path: Path) -> None:
    entries = county(tmp_path)
    with pytest.raises(UsageError, match="不能作存量排查"):
        drawn_up(tmp_path, "red", entries)
    write_layer(tmp_path / "rights.gpkg", [])
    with pytest.raises(InputError, match="没有任何要素"):
        drawn_up(tmp_path, "rights", entries)


@pytest.mark.parametrize(
    ("columns", "grade"),
    [
        ({"全库容（万m³）": "1500", "总坝高（m）": "70"}, 3),
        ({"全库容（万m³）": "1500", "总坝高（m）": "45"}, 3),
        ({"全库容（万m³）": "1500", "总坝高（m）": "20"}, 4),
        ({"全库容": "990000 m³", "坝高": "29.9米"}, 5),
        ({"总库容(亿m3)": "5", "坝高(m)": "200"}, 1),
        ({"全库容": "1500", "总坝高（m）": "70"}, None),
        ({"全库容（万m³）": "1500"}, None),
        ({"全库容（万m³）": "不详", "总坝高（m）": "70"}, None),
        ({}, None),
    ],
)
def test_the_grade_of_a_pond(columns: dict[str, str], grade: int | None) -> None:
    pond = ponds.read(tuple(columns.items()))
    assert pond.grade == grade
    assert pond.below_houses.startswith("待核")
    if grade is None:
        assert "全库容" in pond.why or "坝高" in pond.why
    else:
        assert "条文待核" in pond.why


@pytest.mark.parametrize(("filed", "wan_m3"), [
    ("12,5万m³", None), ("1,200万m³", 1200.0), ("１２０万立方米", 120.0), ("1200000 m3", 120.0), ("120,000方", 12.0),
    ("120万 m³", 120.0), ("1,20万m³", None), ("12.5.3万m³", None), ("310", None),
])  # fmt: skip
def test_a_volume_is_read_only_where_its_figure_and_unit_are_clear(filed: str, wan_m3: float | None) -> None:
    pond = ponds.read((("全库容", filed), ("总坝高", "35m")))
    assert pond.volume_wan_m3 == wan_m3
    assert (pond.grade is None) == (wan_m3 is None) and (wan_m3 is not None or "认不出" in pond.why)


@pytest.mark.parametrize(("filed", "doubted"), [("2020年评定四等", False), ("4等", False), ("四", False), ("二等", True)])
def test_the_grade_on_file_is_not_a_digit_of_its_year(filed: str, doubted: bool) -> None:
    pond = ponds.read((("全库容", "310万m³"), ("总坝高", "27m"), ("等别", filed)))
    assert pond.grade == 4 and bool(pond.doubts) is doubted


def test_ponds_bring_their_file(tmp_path: Path) -> None:
    entries = county(tmp_path)
    columns = {"全库容（万m³）": ["150"], "总坝高（m）": ["35"], "等别": ["五等"], "是否头顶库": ["否"], "企业": ["甲矿业"]}
    write_layer(tmp_path / "ponds.gpkg", [square(700, 0, 100)], **columns)
    made = drawn_up(tmp_path, "ponds", [*entries, entry("ponds", "tailings", "ponds.gpkg")])
    pond = made.items[0].pond
    assert pond is not None and pond.grade == 4
    assert pond.doubts and "五等" in pond.doubts[0]
    assert ("企业", "甲矿业") in pond.fields and "安全度" in pond.missing
    assert pond.below_houses.startswith("待核")  # whatever the file says: no flow path was drawn


@pytest.mark.parametrize(("text", "wan_m3"), [
    ("12,5万m³", None), ("1,2345万m³", None), ("12，5万m³", None), ("120-150万m³", None), ("120,万m³", None),
    ("1,250万m³", 1250.0), ("1，250，000 m³", 125.0), ("１２０万立方米", 120.0), ("１２．５万m3", 12.5), ("120万㎥", 120.0),
    ("1250000立方米", 125.0), ("1250000m3", 125.0), ("0.5亿立方米", 5000.0), ("120", None), ("120 t", None),
])  # fmt: skip
def test_a_volume_is_read_as_it_stands_or_is_open(text: str, wan_m3: float | None) -> None:
    pond = ponds.read((("全库容", text), ("总坝高", "２９米")))
    assert pond.volume_wan_m3 == (None if wan_m3 is None else pytest.approx(wan_m3)) and pond.height_m == 29.0
    assert (pond.grade_label == "待核" and "认不出" in pond.why) if wan_m3 is None else pond.grade is not None


@pytest.mark.parametrize("shape", [point(700, 0), square(700, 0, 100).exterior], ids=["point", "line"])
def test_a_pond_given_as_a_point_or_a_line_has_its_file(tmp_path: Path, shape: shapely.Geometry) -> None:
    write_layer(tmp_path / "ponds.gpkg", [shape], 全库容=["120万m³"], 总坝高=["35m"])
    write_layer(tmp_path / "toes.gpkg", [shape], 坝型=["上游式"])
    toes = drawn_up(tmp_path, "toes", [*county(tmp_path), entry("toes", "tailings", "toes.gpkg")])
    assert toes.items[0].pond is None
    made = drawn_up(tmp_path, "ponds", [*county(tmp_path), entry("ponds", "tailings", "ponds.gpkg")])
    pond = made.items[0].pond
    assert pond is not None and (pond.volume_wan_m3, pond.height_m, pond.grade) == (120.0, 35.0, 4)
    assert pond.below_houses.startswith("待核")
    ledgersheet.write(made, tmp_path / "o.xlsx")
    assert "四等" in {cell for sheet in openpyxl.load_workbook(tmp_path / "o.xlsx") for row in sheet.values for cell in row}


def test_the_command_writes_all_four(tmp_path: Path) -> None:
    catalog = str(write_catalog(tmp_path, county(tmp_path)))
    out = tmp_path / "out"
    done = CliRunner().invoke(linxi, ["screen", "rights", "--catalog", catalog, "--on", "2026-11-23", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "合计 3 个" in done.stdout
    body = json.loads((out / "rights-存量排查.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in body["objects"]][-1] == "Z3"
    assert body["summary"][-1]["objects"] == 3
    book = openpyxl.load_workbook(out / "rights-存量排查.xlsx")
    assert book.sheetnames == ["汇总", "对象", "对象×图斑", "未核查图层"]
    rows = [row for row in book["对象×图斑"].iter_rows(min_row=3, values_only=True) if row[0]]
    assert len(rows) == sum(len(one["rows"]) for one in body["objects"]) == body["summary"][-1]["rows"]
    drawn = json.loads((out / "rights-存量排查.geojson").read_text(encoding="utf-8"))
    corner = shapely.Point(TO_LONLAT.transform(EAST, NORTH))
    shape = shapely.from_geojson(json.dumps(next(f for f in drawn["features"] if f["id"] == "Z1")["geometry"]))
    assert shape.boundary.distance(corner) < 1e-8  # degrees: a millimetre
    page = (out / "rights-存量排查.html").read_text(encoding="utf-8")
    assert "存量排查图" in page and "src=\"http" not in page


def test_a_file_of_that_name_is_a_file_and_options_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = str(write_catalog(tmp_path, county(tmp_path)))
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    mixed = run(linxi, ["screen", "rights", "--catalog", catalog, "--jobs", "2"])
    assert isinstance(mixed.exception, UsageError) and "--jobs" in str(mixed.exception)
    (tmp_path / "rights").write_text("a file", encoding="utf-8")
    as_file = run(linxi, ["screen", "rights", "--catalog", catalog])
    assert isinstance(as_file.exception, UsageError) and "--out" in str(as_file.exception)
    other = run(linxi, ["screen", "nowhere.gpkg", "--format", "json"])
    assert isinstance(other.exception, UsageError) and "--format" in str(other.exception)
