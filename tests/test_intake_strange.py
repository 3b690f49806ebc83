"""Strange files that once read as a wrong place or a wrong shape without a word: each is told, or asked about."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyproj
import pytest
import shapely
from docx import Document

from linxi_gis import intake
from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import AmbiguousCrsError, Reading
from tests.yard import EAST, NORTH, square

_CORNERS = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0))
_ESRI = pyproj.CRS.from_epsg(4527).to_wkt("WKT1_ESRI")


def _rows(names: list[str], *, shift: float = 0.0, head: str = "点号,X,Y") -> str:
    rows = [
        f"{name},{NORTH + y:.3f},{EAST + x - shift:.3f}" for name, (x, y) in zip(names, _CORNERS, strict=True)
    ]
    return "\n".join([head, *rows])


_BARE = _rows(["J1", "J2", "J3", "J4"], shift=39e6)
_ZONED = _rows(["J1", "J2", "J3", "J4"])


def _read(text: str, title: str = "") -> Reading:
    return intake.read_bytes(f"{title}\n{text}".lstrip("\n").encode(), "strange.csv")


def _codes(reading: Reading) -> set[str]:
    return {i.code for i in reading.issues} | {i.code for site in reading.sites for i in site.issues}


def _book(rows: list[list[object]], hidden: int = 0) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    if hidden:
        sheet.row_dimensions[hidden].hidden = True
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# --- zones, meridians, datums in the words above a table ---------------------------------------------


@pytest.mark.parametrize("written", ["118°30′", "118.5°", "118.5", "118度30分", "为东经118°30′00″"])
def test_meridian_with_minutes_is_not_read_as_whole_degrees(written: str) -> None:
    centre = _read(_BARE, f"2000国家大地坐标系 中央子午线{written}").sites[0].geometry.centroid
    own = pyproj.Proj("+proj=tmerc +lon_0=118.5 +k=1 +x_0=500000 +ellps=GRS80")
    lon, lat = own(EAST - 39e6 + 50.0, NORTH + 50.0, inverse=True)
    assert pyproj.Geod(ellps="GRS80").inv(lon, lat, centre.x, centre.y)[2] < 0.01


@pytest.mark.parametrize(
    "words", ["原中央子午线120°，现中央子午线117°", "由40带换算到39带", "第20带或第40带"]
)
def test_two_zones_in_the_words_are_asked_about(words: str) -> None:
    with pytest.raises(AmbiguousCrsError) as raised:
        _read(_BARE, f"2000国家大地坐标系 {words}")
    assert len(raised.value.candidates) > 1


@pytest.mark.parametrize("words", ["6度带", "3度带 第20带", "6度带 20带"])
def test_header_zone_against_the_prefix_is_told(words: str) -> None:
    reading = _read(_ZONED, f"2000国家大地坐标系 {words}")
    assert "zone_header_differs" in _codes(reading)
    assert "zone_header_differs" not in _codes(_read(_ZONED, "2000国家大地坐标系 3度带 第39带"))


@pytest.mark.parametrize(
    "title", ["80坐标系", "国家80坐标系 3度带", "西安八〇坐标系", "BJ-54", "54大地坐标系", "Pulkovo 1942"]
)
def test_old_datum_in_any_spelling_is_refused(title: str) -> None:
    with pytest.raises(CrsError, match=r"西安80|北京54"):
        _read(_ZONED, title)


@pytest.mark.parametrize("words", ["投影面高程1000m", "投影面大地高：850 米", "抵偿高程面坐标"])
def test_plane_at_a_height_is_refused(words: str) -> None:
    with pytest.raises(CrsError, match="不能直接使用"):
        _read(_BARE, f"2000国家大地坐标系 中央子午线117° {words}")
    assert _read(_BARE, "2000国家大地坐标系 中央子午线117° 投影面高程0m 1985国家高程基准").sites


def test_plane_at_a_height_in_a_plot_file_is_refused() -> None:
    text = "[属性描述]\n坐标系=2000国家大地坐标系\n带号=39\n投影面高程=900\n[地块坐标]\n4,,DK1,,面,,,,@\n"
    rows = "\n".join(row.replace(",", ",1,", 1) for row in _ZONED.splitlines()[1:])
    with pytest.raises(CrsError, match="投影面高程"):
        intake.read_bytes((text + rows).encode(), "strange.txt")
    assert intake.read_bytes((text.replace("900", "0") + rows).encode(), "strange.txt").sites


# --- systems whose name and parameters disagree -------------------------------------------------------


def _shape(folder: Path, prj: str) -> Path:
    path = folder / "strange.shp"
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[square(0, 0, 100)], crs="EPSG:4527").to_file(path)
    path.with_suffix(".prj").write_text(prj, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("CGCS2000_3_Degree_GK_Zone_39", "Xian_1980_3_Degree_GK_Zone_39", "crs_name_differs"),
        ('"Scale_Factor",1.0', '"Scale_Factor",0.9996', "crs_name_differs"),
        ("D_China_2000", "D_unknown", "datum_assumed"),
    ],
)
def test_prj_that_says_two_things_is_told(tmp_path: Path, old: str, new: str, code: str) -> None:
    assert old in _ESRI
    assert code in _codes(intake.read(_shape(tmp_path, _ESRI.replace(old, new))))


def test_plain_prj_is_not_told(tmp_path: Path) -> None:
    assert not _codes(intake.read(_shape(tmp_path, _ESRI)))


@pytest.mark.parametrize("figure", ['"Clarke_1866",6378206.4,294.978698214', '"Bessel_1841",6377397.155,299.1528128'])
def test_datum_nobody_can_transform_is_refused(tmp_path: Path, figure: str) -> None:
    prj = _ESRI.replace("D_China_2000", "D_Mine").replace('"CGCS2000",6378137.0,298.257222101', figure)
    assert figure in prj
    with pytest.raises(CrsError, match="椭球"):
        intake.read(_shape(tmp_path, prj))


# --- rows that fall into the wrong plot, or are lost ---------------------------------------------------


def test_plot_names_centred_without_merging_are_asked_about() -> None:
    names = ["", "甲", "", "", "", "乙", "", ""]
    rows: list[list[object]] = [["地块", "点号", "X", "Y"]]
    for place, name in enumerate(names):
        x, y = _CORNERS[place % 4]
        rows.append([name or None, place % 4 + 1, NORTH + y + 300 * (place // 4), EAST + x])
    with pytest.raises(InputError, match="第 2 行的“地块”是空的"):
        intake.read_bytes(_book(rows), "strange.xlsx")


@pytest.mark.parametrize("names", [["J1", "J2", "J2", "J3"], ["1", "2", "3", "3"]])
def test_point_number_typed_twice_does_not_make_plots(names: list[str]) -> None:
    sites = _read(_rows(names)).sites
    assert [site.kind for site in sites] == ["polygon"]


def test_station_written_twice_does_not_make_points() -> None:
    stations = ["K0+000", "K0+100", "K0+100", "K0+200"]
    rows = [f"{name},{NORTH:.3f},{EAST + 100.0 * n:.3f}" for n, name in enumerate(stations)]
    sites = _read("\n".join(["桩号,X,Y", *rows])).sites
    assert [site.kind for site in sites] == ["line"]
    assert "chainage_order" in {issue.code for issue in sites[0].issues}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["J1", "J2", "J4", "J5"], True), (["J7", "J8", "J9", "J10"], False), (["1", "5", "9", "13"], False),
        (["J3", "J2", "J1", "J4"], False), (["西北", "东北", "东南", "西南"], False),
    ],
)  # fmt: skip
def test_number_left_out_is_told(names: list[str], told: bool) -> None:
    assert ("point_numbers_skipped" in _codes(_read(_rows(names)))) is told


@pytest.mark.parametrize("count", ["", "4"])
def test_number_left_out_of_a_plot_file_is_told(count: str) -> None:
    head = f"[属性描述]\n坐标系=2000国家大地坐标系\n带号=39\n[地块坐标]\n{count},,DK1,,面,,,,@\n"
    rows = [row.replace(",", ",1,", 1) for row in _rows(["J1", "J2", "J4", "J5"]).splitlines()[1:]]
    for text in ("\n".join(rows), "\n".join([*rows, rows[0]]), " \n".join(rows).replace(",", "，")):
        assert "point_numbers_skipped" in _codes(intake.read_bytes((head + text).encode(), "strange.txt"))


def test_plot_file_with_fewer_rows_than_it_counts_is_told() -> None:
    head = "[属性描述]\n坐标系=2000国家大地坐标系\n带号=39\n[地块坐标]\n4,,DK1,,面,,,,@\n"
    rows = [row.replace(",", ",1,", 1) for row in _ZONED.splitlines()[1:]]
    assert "point_count" in _codes(intake.read_bytes((head + "\n".join(rows[:3])).encode(), "strange.txt"))
    for whole in (rows, [*rows, rows[0]]):
        assert "point_count" not in _codes(intake.read_bytes((head + "\n".join(whole)).encode(), "strange.txt"))


def test_hidden_row_with_figures_is_told() -> None:
    rows: list[list[object]] = [["点号", "X", "Y"]]
    rows += [[n, NORTH + y, EAST + x] for n, (x, y) in enumerate(_CORNERS, 1)]
    told = intake.read_bytes(_book(rows, hidden=4), "strange.xlsx")
    assert "hidden_rows" in _codes(told) and shapely.get_num_coordinates(told.sites[0].geometry) == 5
    assert "hidden_rows" not in _codes(intake.read_bytes(_book(rows), "strange.xlsx"))


def test_corners_in_running_text_that_are_not_read_are_told() -> None:
    document = Document()
    document.add_paragraph("项目中心坐标：东经118°03′27″，北纬43°36′00″。拐点：1）118°3′30″，43°36′0″；2）118°4′0″，43°36′5″")
    stream = io.BytesIO()
    document.save(stream)
    assert "coordinates_left" in _codes(intake.read_bytes(stream.getvalue(), "strange.docx"))
    assert "coordinates_left" not in _codes(intake.read_text("项目中心坐标：东经118°03′27″，北纬43°36′00″。"))


# --- columns that are no list of corners --------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "words"),
    [("名称,最小经度,最大经度,最小纬度,最大纬度", "最大值"), ("序号,起点经度,起点纬度,终点经度,终点纬度", "起点")],
)
def test_extents_and_line_ends_are_not_read_as_corners(head: str, words: str) -> None:
    rows = ["1,118.01,118.05,43.60,43.62", "2,118.06,118.09,43.60,43.65"]
    if "起点" in head:
        rows = ["1,118.01,43.60,118.05,43.62", "2,118.05,43.62,118.09,43.65"]
    with pytest.raises(InputError, match=words):
        _read("\n".join([head, *rows]))


def test_centres_are_points_though_names_repeat() -> None:
    sites = _read("序号,项目名称,中心经度,中心纬度\n1,甲,118.05,43.6\n2,甲,118.05,43.61\n3,甲,118.06,43.6").sites
    assert [(site.kind, site.name) for site in sites] == [("point", "甲")] * 3


def test_coordinate_column_that_is_not_read_is_told() -> None:
    rows = [f"{n},118.{n:03d}1,43.6{n * n:02d}3,119.1" for n in range(1, 5)]
    assert "columns_unused" in _codes(_read("\n".join(["点号,经度,纬度,备用经度", *rows])))


@pytest.mark.parametrize(
    ("title", "system"), [("坐标取自高德地图", "GCJ-02"), ("百度地图坐标", "BD-09"), ("腾讯地图拾取坐标", "GCJ-02")]
)
def test_coordinates_picked_from_a_shifted_map_are_refused(title: str, system: str) -> None:
    text = "经度,纬度\n118.0512,43.6001\n118.0634,43.6002\n118.0634,43.6123"
    with pytest.raises(CrsError, match=system):
        _read(text, title)
    asked = intake.read_bytes(f"{title}\n{text}".encode(), "strange.csv", intake.Options(crs=system))
    assert "crs_overridden" not in _codes(asked)
    assert _read(text, "底图为百度地图").sites


def test_archive_in_a_zip_that_holds_more_is_told() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("地块.csv", _ZONED)
        archive.writestr("另一块.zip", b"PK\x05\x06" + bytes(18))
    issues = intake.read_bytes(stream.getvalue(), "strange.zip").issues
    assert [issue.severity for issue in issues if issue.code == "nested_archive"] == ["warning"]


@pytest.mark.parametrize("head", ["序号,经度,纬度,井深", ""])
def test_number_place_and_depth_are_not_two_places(head: str) -> None:
    rows = [f"{n},118.0{n}1,43.6{n}2,{70 + 10 * n}" for n in range(3, 7)]
    reading = _read("\n".join([head, *rows]))
    points = shapely.get_coordinates([site.geometry for site in reading.sites])
    assert shapely.bounds(shapely.MultiPoint(points)) == pytest.approx([118.031, 43.632, 118.061, 43.662], abs=1e-9)
    assert shapely.get_num_coordinates([site.geometry for site in reading.sites]).sum() in (4, 5)


# --- hostile workbooks and texts -----------------------------------------------------------------------


@pytest.mark.parametrize("claimed", [b'r="AAAAAA5"', b"r='ZZZZ5'", b'r="C123456789"', b'r="C5" r="ZZZZZZ5"'])
def test_cell_beyond_any_workbook_is_refused_before_it_is_laid_out(claimed: bytes) -> None:
    rows: list[list[object]] = [["点号", "X", "Y"]]
    rows += [[n, NORTH + y, EAST + x] for n, (x, y) in enumerate(_CORNERS, 1)]
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_book(rows))) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'r="C5"', claimed))
    with pytest.raises(InputError, match="超出 Excel 的范围"):
        intake.read_bytes(stream.getvalue(), "strange.xlsx")


def test_infinite_number_in_wkt_is_an_error_of_that_shape_alone() -> None:
    text = "POLYGON ((118 43.6, 118.1 43.6, 1e999 43.7, 118 43.6))\nPOINT (118.05 43.65)"
    reading = intake.read_text(text)
    assert [site.kind for site in reading.sites] == ["point"]
    assert [issue.code for issue in reading.issues if issue.severity == "error"] == ["feature_unreadable"]


@pytest.mark.parametrize("figure", ["1e200", "-1.7e308", "1e160"])
def test_number_whose_square_overflows_is_an_error_of_that_feature_alone(figure: str) -> None:
    rings = [[[118, 43.6], [118.1, 43.6], [118.1, 43.7], [118, 43.6]], [[118, 43.6], ["F", 43.6], [118.1, 43.7], [118, 43.6]]]
    features = [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [r]}} for r in rings]
    body = json.dumps({"type": "FeatureCollection", "features": features}).replace('"F"', figure)
    reading = intake.read_bytes(body.encode(), "strange.geojson")
    assert len(reading.sites) == 1
    assert [issue.code for issue in reading.issues if issue.severity == "error"] == ["feature_unreadable"]


def test_a_header_that_says_wgs84_is_not_told_to_say_nothing() -> None:
    rows = "[属性描述]\n坐标系=WGS84\n几度分带=3\n带号=39\n[地块坐标]\n3,,DK1,甲,面,,,,@\n"
    rows += "J1,1,4829600,39578200\nJ2,1,4829600,39578400\nJ3,1,4829800,39578400\nJ1,1,4829600,39578200\n"
    (site,) = intake.read_text(rows).sites
    told = [issue.text for issue in site.issues if issue.code == "datum_assumed"]
    assert len(told) == 1 and told[0].startswith("文件写明 WGS84") and not site.reference.declared


@pytest.mark.parametrize(
    "text",
    [
        '序号,起点坐标,终点坐标\n1,"118.0012,43.6012","118.0112,43.6012"\n2,"118.0212,43.6112","118.0312,43.6112"',
        "118.0012/43.6012;118.0112/43.6012;118.0112/43.6112",
        "118.00,43.60,118.01,43.60,\n118.02,43.61,118.03,43.61,\n118.04,43.62,118.05,43.62,",
    ],
    ids=["both ends of a line a row", "pairs side by side in cells", "two pairs a row and a comma"],
)
def test_several_pairs_in_a_row_are_asked_about(text: str) -> None:
    with pytest.raises(InputError):
        intake.read_bytes(text.encode(), "a.csv")


def test_a_word_table_with_a_broken_list_beside_a_good_one_is_told() -> None:
    document = Document()
    good, broken = "118.0012,43.6012；118.0112,43.6012；118.0112,43.6112", "118.0012,43.6012；118.0112,43.61x2；118.0,43.6112"
    for words in (good, broken):
        table = document.add_table(rows=1, cols=2)
        table.cell(0, 0).text, table.cell(0, 1).text = "范围", words
    data = io.BytesIO()
    document.save(data)
    reading = intake.read_bytes(data.getvalue(), "a.docx")
    assert len(reading.sites) == 1
    assert [issue.severity for issue in reading.issues if issue.code == "table_unreadable"] == ["error"]


def test_a_point_alone_is_no_coordinate() -> None:
    points = ("J1,1,4829864.1,39580743.2", "J2,1,4829964.1,.", "J3,1,4829964.1,39580843.2")
    rows = "\n".join(["[地块坐标]", "4,,DK1,地块,面,,,,@", *points])
    with pytest.raises(InputError, match="第 4 行"):
        intake.read_bytes(rows.encode(), "a.txt")
