"""Coordinate tables and pasted coordinates: spellings, headings, grouping, kinds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from linxi_gis import datum
from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import AmbiguousCrsError, Options, Reading, read, read_bytes, read_text
from linxi_gis.intake.angles import format_dms, packed_dms, read_coordinate

SQUARE = ((118.0, 43.6), (118.002, 43.6), (118.002, 43.602), (118.0, 43.602))
COUNTY = shapely.box(117.63, 43.24, 118.58, 44.26)


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for s in reading.sites for i in s.issues))}


def corners(reading: Reading) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return shapely.get_coordinates(reading.sites[0].geometry)[:-1]


# --- one coordinate ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "118°3′27.05″", "118度3分27.05秒", "118-03-27.05", "118°03'27.05\"", "118º 3′ 27.05″", "118:03:27.05",
        "东经118°3′27.05″",
        "E118°3′27.05″", "118°3′27.05″E", "118°3'27.05''", "118 03 27.05",
        "东经:118度3分27.05秒", "+118°3′27.05″",
    ],
)  # fmt: skip
def test_spellings_of_degrees_minutes_seconds(text: str) -> None:
    found = read_coordinate(text)
    assert found is not None and found.sexagesimal
    assert found.value == pytest.approx(118 + 3 / 60 + 27.05 / 3600, abs=1e-13)
    assert found.step == pytest.approx(0.01 / 3600)


@pytest.mark.parametrize(
    "text", ["", "J1", "118°60′00″", "118°3′60″", "1.5°30′", "nan", "inf", "1e999", "12-13", "甲"]
)
def test_what_is_no_coordinate(text: str) -> None:
    assert read_coordinate(text) is None


def test_west_and_south_are_negative_and_letters_name_the_axis() -> None:
    west, south, lat = read_coordinate("W70°30′"), read_coordinate("南纬30度"), read_coordinate("43.6N")
    assert west is not None and south is not None and lat is not None
    assert (west.value, west.axis, west.step) == (-70.5, "lon", 1 / 60)
    assert (south.value, south.axis, south.step) == (-30.0, "lat", 1.0)
    assert (lat.value, lat.axis, lat.step) == (43.6, "lat", 0.1)


@given(st.floats(-180, 180), st.integers(0, 8))
def test_dms_written_and_read_back(degrees: float, decimals: int) -> None:
    found = read_coordinate(format_dms(degrees, decimals))
    assert found is not None
    assert abs(found.value - degrees) <= 0.5 * 10**-decimals / 3600 + 1e-12
    assert found.step == pytest.approx(10**-decimals / 3600)


# --- pasted -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "118.0,43.6\n118.002,43.6\n118.002,43.602\n118.0,43.602",
        "43.6 118.0\n43.6 118.002\n43.602 118.002\n43.602 118.0",
        "118.0,43.6;118.002,43.6;118.002,43.602;118.0,43.602",
        "118.0 43.6；118.002 43.6；118.002 43.602；118.0 43.602",
        "1\t118.0\t43.6\n2\t118.002\t43.6\n3\t118.002\t43.602\n4\t118.0\t43.602",
        "东经118° 0′ 0″，北纬43° 36′ 0″\n东经118°0′7.2″，北纬43°36′0″\n东经118°0′7.2″，北纬43°36′7.2″\n"
        "东经118°0′0″，北纬43°36′7.2″",
        "N 43°36′0″ E 118°0′0″\nN 43°36′0″ E 118°0′7.2″\nN 43°36′7.2″ E 118°0′7.2″\nN 43°36′7.2″ E 118°0′0″",
        "拐点,经度(°),纬度(°)\nJ1,118.0,43.6\nJ2,118.002,43.6\nJ3,118.002,43.602\nJ4,118.0,43.602\nJ1,118.0,43.6",
        "１，１１８．０，４３．６\n２，１１８．００２，４３．６\n３，１１８．００２，４３．６０２\n４，１１８．０，４３．６０２",
        "118.0,43.6\n\n118.002,43.6\n\n118.002,43.602\n\n118.0,43.602",
        "J1,1,118.0,43.6\nJ2,1,118.002,43.6\nJ3,1,118.002,43.602\nJ4,1,118.0,43.602",
        "序号,备注,lat,lon\n1,a,43.6,118.0\n2,b,43.6,118.002\n3,c,43.602,118.002\n4,d,43.602,118.0",
    ],
)
def test_pasted_squares(text: str) -> None:
    reading = read_text(text)
    assert len(reading.sites) == 1 and reading.sites[0].kind == "polygon"
    assert corners(reading) == pytest.approx(np.array(SQUARE), abs=1e-12)
    assert "datum_assumed" in codes(reading)
    assert reading.sites[0].reference.how == "未注明基准，按 CGCS2000 经纬度"


@pytest.mark.parametrize("crs", ["EPSG:4527", "EPSG:4498"])
@pytest.mark.parametrize("head", ["点号,X,Y", "点号,Y,X", "点号,北坐标,东坐标", "点号,X(东),Y(北)", ""])
def test_metres_with_a_zone_prefix_in_either_order(crs: str, head: str) -> None:
    to = pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True)
    north_first = head not in ("点号,Y,X", "点号,X(东),Y(北)")
    rows = [head] if head else []
    for i, (lon, lat) in enumerate(SQUARE, 1):
        e, n = to.transform(lon, lat)
        first, second = (n, e) if north_first else (e, n)
        rows.append(f"{i},{first:.4f},{second:.4f}")
    reading = read_bytes("\n".join(rows).encode("gb18030"), "表.csv")
    assert corners(reading) == pytest.approx(np.array(SQUARE), abs=0.001 / 111_320)
    reference = reading.sites[0].reference
    assert reference.source == crs and not reference.declared and "为带号" in reference.how
    assert ("北" in reference.axes.split(",")[0]) is north_first
    assert "datum_assumed" in codes(reading) and "axes_swapped" not in codes(reading)


@pytest.mark.parametrize("words", ["2000国家大地坐标系 3度带 39带", "CGCS2000，中央子午线117°"])
def test_words_above_the_table_settle_the_zone(words: str) -> None:
    to = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4548", always_xy=True)
    rows = "\n".join("{1:.4f}\t{0:.4f}".format(*to.transform(*corner)) for corner in SQUARE)
    reading = read_text(f"{words}\nX\tY\n{rows}")
    assert corners(reading) == pytest.approx(np.array(SQUARE), abs=0.001 / 111_320)
    assert reading.sites[0].reference.declared and "datum_assumed" not in codes(reading)


def test_a_note_below_the_table_settles_the_zone() -> None:
    corners_m = "1,4829864.978,580743.283\n2,4829964.978,580743.283\n3,4829964.978,580843.283"
    rows = f"序号,X坐标（m）,Y坐标（m）\n{corners_m}"
    reading = read_text(f"{rows}\n注：2000国家大地坐标系，3度带，39带")
    assert reading.sites[0].reference.source == "EPSG:4548" and reading.sites[0].reference.declared


def test_coordinates_named_beside_each_figure() -> None:
    for text in ("X=4829864.978 Y=39580743.283", "x: 4829864.978, y: 39580743.283"):
        assert read_text(text).sites[0].reference.source == "EPSG:4527"
    assert (
        read_text("经度：118.05123 纬度：43.61234")
        .sites[0]
        .geometry.equals(shapely.Point(118.05123, 43.61234))
    )


def test_serial_numbers_and_heights_are_no_coordinates() -> None:
    text = "1,43.61,118.05,1200\n2,43.61,118.06,1201\n3,43.62,118.06,1200"
    assert corners(read_text(text))[0] == pytest.approx((118.05, 43.61))
    assert read_text("5,118.05,43.61").sites[0].geometry.equals(shapely.Point(118.05, 43.61))
    with pytest.raises(InputError, match="哪两列"):
        read_text("43.5,118.5,43.7")


def test_old_datum_above_or_below_the_table_is_refused() -> None:
    rows = "X,Y\n4829864,39580743\n4829864,39580843\n4829964,39580843"
    for text in (f"1980西安坐标系\n{rows}", f"{rows}\n坐标系：北京54"):
        with pytest.raises(CrsError, match="七参数"):
            read_text(text)


def test_columns_named_the_wrong_way_round_are_swapped_and_told() -> None:
    reading = read_text("经度,纬度\n43.6,118.0\n43.6,118.002\n43.602,118.002")
    assert corners(reading) == pytest.approx(np.array(SQUARE[:3]))
    assert "axes_swapped" in codes(reading)


def test_web_mercator_and_zone_13_look_alike_so_we_ask() -> None:
    to = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    rows = "\n".join("{:.3f},{:.3f}".format(*to.transform(*corner)) for corner in SQUARE)
    with pytest.raises(AmbiguousCrsError) as caught:
        read_text(rows, Options(county=COUNTY))
    assert [(c.crs, c.in_county) for c in caught.value.candidates] == [
        ("EPSG:3857", True),
        ("EPSG:4491", False),
    ]
    assert corners(read_text(rows, Options(crs="EPSG:3857"))) == pytest.approx(np.array(SQUARE), abs=1e-7)


@pytest.mark.parametrize(
    ("name", "forward"), [("GCJ-02", datum.gcj02_of_wgs84), ("bd09", datum.bd09_of_wgs84)]
)
def test_shifted_degrees_come_home(name: str, forward: object) -> None:
    assert callable(forward)
    rows = "\n".join(f"{lon:.10f},{lat:.10f}" for lon, lat in forward(np.array(SQUARE)))
    reading = read_text(rows, Options(crs=name))
    assert corners(reading) == pytest.approx(np.array(SQUARE), abs=2e-10)
    reference = reading.sites[0].reference
    assert reference.source in ("GCJ-02", "BD-09") and reference.how == "--crs 指定"
    assert "datum_converted" in codes(reading) and "datum_assumed" not in codes(reading)


# --- grouping and kinds -------------------------------------------------------------------------


def test_groups_by_plot_with_merged_cells_and_ids() -> None:
    text = "地块编号,用途,X经度,经度,纬度\nA-1,采矿,,118.0,43.6\n,采矿,,118.1,43.6\n,采矿,,118.1,43.7\n" \
        "A-2,尾矿,,118.2,43.6\n,尾矿,,118.3,43.6\n,尾矿,,118.3,43.7"  # fmt: skip
    sites = read_text(text).sites
    assert [(s.id, s.name, s.kind) for s in sites] == [("A-1", "A-1", "polygon"), ("A-2", "A-2", "polygon")]
    assert ("用途", "采矿") in sites[0].attributes


def test_a_name_in_every_row_lists_points() -> None:
    text = "编号,名称,经度,纬度\nW1,一号井,118.05123456,43.61\nW2,二号井,118.06,43.62\nW3,三号井,118.07,43.63"
    sites = read_text(text).sites
    assert [(s.id, s.name, s.kind) for s in sites] == [
        ("W1", "一号井", "point"), ("W2", "二号井", "point"), ("W3", "三号井", "point")
    ]  # fmt: skip


def test_names_that_only_number_the_corners_are_no_points() -> None:
    assert read_text("名称,经度,纬度\nJ1,118.0,43.6\nJ2,118.1,43.6\nJ3,118.1,43.7").sites[0].kind == "polygon"


def test_a_repeated_name_groups() -> None:
    text = "名称,经度,纬度\n甲,118.0,43.6\n甲,118.1,43.6\n甲,118.1,43.7\n乙,118.2,43.6"
    assert [(s.name, s.kind) for s in read_text(text).sites] == [("甲", "polygon"), ("乙", "point")]


@pytest.mark.parametrize(
    ("word", "kind"), [("线", "line"), ("点", "point"), ("面", "polygon"), ("化工", "polygon")]
)
def test_a_kind_column_decides(word: str, kind: str) -> None:
    text = f"类型,经度,纬度\n{word},118.0,43.6\n{word},118.1,43.6\n{word},118.1,43.7"
    assert read_text(text).sites[0].kind == kind


def test_one_row_is_a_point_and_two_are_a_line() -> None:
    assert read_text("118.05,43.61").sites[0].kind == "point"
    assert read_text("118.05,43.61\n118.06,43.61").sites[0].kind == "line"


@pytest.mark.parametrize("between", ["\n", "二号地块\n", "点号,经度,纬度\n"])
def test_blocks_without_a_group_column_are_split_and_told(between: str) -> None:
    one = "1,118.0,43.6\n2,118.1,43.6\n3,118.1,43.7\n"
    two = "1,118.2,43.6\n2,118.3,43.6\n3,118.3,43.7\n"
    reading = read_text(f"点号,经度,纬度\n{one}{between}{two}")
    assert [site.area_m2 > 0 for site in reading.sites] == [True, True]
    assert "split_plots" in codes(reading)


def test_a_ring_column_makes_a_hole() -> None:
    outer = ["118.0,43.6", "118.1,43.6", "118.1,43.7", "118.0,43.7"]
    inner = ["118.04,43.64", "118.06,43.64", "118.06,43.66", "118.04,43.66"]
    rows = [f"1,{p}" for p in outer] + [f"2,{p}" for p in inner]
    site = read_text("圈号,经度,纬度\n" + "\n".join(rows)).sites[0]
    whole, hole = shapely.box(118.0, 43.6, 118.1, 43.7), shapely.box(118.04, 43.64, 118.06, 43.66)
    assert site.geometry.equals(whole.difference(hole))
    assert "rings_nested" in {issue.code for issue in site.issues}


def test_a_bow_tie_is_healed_with_a_place() -> None:
    site = read_text("118.0,43.6\n118.1,43.7\n118.1,43.6\n118.0,43.7").sites[0]
    healed = next(issue for issue in site.issues if issue.code == "geometry_healed")
    assert healed.geometry_wkt is not None
    assert shapely.distance(shapely.from_wkt(healed.geometry_wkt), shapely.Point(118.05, 43.65)) < 1e-6


def test_accuracy_is_half_the_last_digit() -> None:
    second = read_text("118°3′19″,43°50′41″").sites[0].accuracy_m
    # Half a second of the meridian at 43.84°N, by the geodesic.
    _, _, truth = pyproj.Geod(ellps="GRS80").inv(118.0, 43.8446, 118.0, 43.8446 + 0.5 / 3600)
    assert second == pytest.approx(truth, rel=1e-4)
    assert read_text("118.0512345,43.6112345").sites[0].accuracy_m == 0.0
    assert read_text("118.05123,43.61").sites[0].accuracy_m == pytest.approx(0.5e-5 * 111_120, rel=5e-3)


# --- the real samples -----------------------------------------------------------------------------


def test_sample_without_a_zone_asks(shared: Path) -> None:
    path = shared / "samples" / "txt" / "htoooth_TEST1.txt"
    with pytest.raises(AmbiguousCrsError) as caught:
        read(path, Options(county=COUNTY))
    assert len(caught.value.candidates) >= 5 and not any(c.in_county for c in caught.value.candidates)
    message = str(caught.value)
    assert "htoooth_TEST1.txt" in message and "--crs EPSG:" in message and "没有一种读法落在县界内" in message
    site = read(path, Options(crs="EPSG:4549")).sites[0]
    to = pyproj.Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True)
    assert shapely.get_coordinates(site.geometry)[0] == pytest.approx(
        to.transform(526656.982, 3505480.372), abs=1e-9
    )
    assert site.reference.axes == "X=北, Y=东"


def test_sample_plot_file_lies_far_away(shared: Path) -> None:
    reading = read(shared / "samples" / "txt" / "longjie_testfile.txt", Options(county=COUNTY))
    site = reading.sites[0]
    assert site.reference.source == "EPSG:4523" and site.id == "010031"
    to = pyproj.Transformer.from_crs("EPSG:4523", "EPSG:4490", always_xy=True)
    first = shapely.get_coordinates(site.geometry)[0]
    assert first == pytest.approx(to.transform(35521983.54, 2834493.395), abs=1e-9)
    outside = next(issue for issue in site.issues if issue.code == "outside_county")
    _, _, metres = pyproj.Geod(ellps="GRS80").inv(first[0], first[1], 117.63, 43.24)
    assert f"{metres / 1000:.0f}" == f"{float(outside.text.split('距县界')[1].split()[0]):.0f}"


def test_sample_in_whole_seconds(shared: Path) -> None:
    reading = read(shared / "samples" / "txt" / "panshitou_water_source_dms.csv")
    assert [site.name for site in reading.sites] == ["水域一级保护区", "陆域一级保护区"]
    for site in reading.sites:
        assert 15.0 < site.accuracy_m < 16.0 and len(shapely.get_coordinates(site.geometry)) == 9
    first = shapely.get_coordinates(reading.sites[0].geometry)[0]
    assert first == pytest.approx((114 + 3 / 60 + 19 / 3600, 35 + 50 / 60 + 41 / 3600), abs=1e-12)


# --- wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("点号,经度,纬度\n1,118.0,43.6\n2,abc,43.6\n3,118.1,43.7", "第 3 行"),
        ("1,abc,43.6\n2,118.0,43.6", "第 1 行"),
        ("经度,纬度\nnan,nan\nnan,nan", "没有找到坐标"),
        ("经度,纬度\n118°61′0″,43.6\n118.1,43.6", "第 2 行"),
        ("甲乙丙丁", "没有找到坐标"),
        ("面积,价格,层数\n1,2,3\n4,5,6", "哪两列是坐标"),
        ("10.5,20.5\n11,21\n12,20", "哪一列是经度"),
        ("7.0,8.0,9.0", "哪两列"),
    ],
)
def test_wrong_tables_say_where(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_text(text)


def test_stated_system_against_the_figures() -> None:
    with pytest.raises(CrsError, match="看起来是经纬度"):
        read_text("118.05,43.61", Options(crs="EPSG:4527"))
    with pytest.raises(CrsError, match="看起来不是经纬度"):
        read_text("4829864,39580743", Options(crs="EPSG:4490"))
    with pytest.raises(CrsError, match="只适用于经纬度"):
        read_text("4829864,39580743", Options(crs="GCJ-02"))
    with pytest.raises(CrsError, match="无法识别"):
        read_text("4829864,39580743", Options(crs="EPSG:1"))
    for old in ("EPSG:4610", "EPSG:4214", "+proj=longlat +ellps=krass"):
        with pytest.raises(CrsError, match="七参数"):
            read_text("118.05,43.61", Options(crs=old))


def test_prefix_or_none_fits_the_zone_asked_for() -> None:
    """39580743 with EPSG:4548 and 580743 with EPSG:4527 are the same zone written otherwise: told."""
    truth = pyproj.Transformer.from_crs("EPSG:4548", "EPSG:4490", always_xy=True).transform(
        580743.283, 4829864.978
    )
    for text, crs in (("4829864.978,39580743.283", "EPSG:4548"), ("4829864.978,580743.283", "EPSG:4527")):
        reading = read_text(text, Options(crs=crs))
        x, y = shapely.get_coordinates(reading.sites[0].geometry)[0]
        assert math.hypot(x - truth[0], y - truth[1]) < 1e-9
        assert "zone_prefix_adjusted" in codes(reading)


# --- what the rows draw, when nobody says ----------------------------------------------------------

PLACES = ("118.0,43.7", "118.1,43.7", "118.1,43.6", "118.0,43.6")


def rows(head: str, names: tuple[str, ...], title: str = "") -> str:
    body = "".join(f"{name},{place}\n" for name, place in zip(names, PLACES, strict=False))
    return f"{title}{head},经度,纬度\n{body}"


@pytest.mark.parametrize(
    ("head", "names", "title", "kinds", "told"),
    [
        ("名称", ("西北角", "东北角", "东南角", "西南角"), "", ["polygon"], True),
        ("点位", ("A", "B", "C", "D"), "", ["polygon"], True),
        ("名称", ("A1", "A2", "A3", "A4"), "", ["polygon"], True),
        ("名称", ("ZK1", "ZK2", "ZK3", "ZK4"), "", ["point"] * 4, True),
        ("井号", ("A", "B", "C", "D"), "", ["point"] * 4, False),
        ("名称", ("甲", "乙", "丙", "丁"), "", ["point"] * 4, True),
        ("桩号", ("K0+000", "K1+000", "K2+000", "K3+120.5"), "", ["line"], True),
        ("点号", ("K0+000", "K1+000", "K2+000", "K3+120.5"), "", ["line"], True),
        ("序号", ("1", "2", "3", "4"), "管线路由表\n", ["line"], True),
        ("名称", ("起点", "一弯", "二弯", "终点"), "输水管线\n", ["line"], True),
        ("线路名称", ("甲", "甲", "甲", "甲"), "", ["line"], False),
        ("序号", ("1", "2", "3", "4"), "水井一览表\n", ["point"] * 4, True),
        ("序号", ("1", "2", "3", "4"), "", ["polygon"], True),
        ("序号", ("1", "2"), "", ["line"], True),
        ("拐点", ("1", "2", "3", "4"), "", ["polygon"], False),
        ("地块", ("甲", "甲", "甲", "甲"), "", ["polygon"], False),
        ("序号", ("1", "2", "3", "4"), "用地界址点坐标\n", ["polygon"], False),
        ("序号", ("1", "2", "3", "4"), "管线用地界址点坐标\n", ["polygon"], True),
    ],
)
def test_what_rows_were_taken_for_is_told(
    head: str, names: tuple[str, ...], title: str, kinds: list[str], told: bool
) -> None:
    sites = read_text(rows(head, names, title)).sites
    assert [site.kind for site in sites] == kinds
    for site in sites:
        found = [issue for issue in site.issues if issue.code == "geometry_kind_assumed"]
        assert [issue.severity for issue in found] == (["warning"] if told else [])
        word = {"point": "按点", "line": "按线", "polygon": "按面"}[site.kind]
        assert all(word in issue.text and "类型" in issue.remedy for issue in found)


@pytest.mark.parametrize(("word", "kinds"), [("点", ["point"] * 3), ("线", ["line"]), ("面", ["polygon"])])
def test_a_kind_column_leaves_nothing_to_assume(word: str, kinds: list[str]) -> None:
    text = "类型,名称,经度,纬度\n" + "".join(f"{word},J{i},{PLACES[i]}\n" for i in range(3))
    reading = read_text(text)
    assert [site.kind for site in reading.sites] == kinds
    assert "geometry_kind_assumed" not in codes(reading)


def test_two_kinds_in_one_group_are_refused() -> None:
    with pytest.raises(InputError, match="类型"):
        read_text(f"类型,地块,经度,纬度\n点,甲,{PLACES[0]}\n面,甲,{PLACES[1]}\n面,甲,{PLACES[2]}")


def test_a_closed_outline_needs_no_warning() -> None:
    assert "geometry_kind_assumed" not in codes(read_text("\n".join([*PLACES, PLACES[0]])))


# --- what must not pass in silence -----------------------------------------------------------------


@pytest.mark.parametrize("preface", ["坐标系：地方独立坐标系", "赤峰市城市坐标系", "火星坐标系"])
def test_a_foreign_system_above_the_table_needs_crs(preface: str) -> None:
    text = f"{preface}\n点号,经度,纬度\n" + "".join(f"{i},{place}\n" for i, place in enumerate(PLACES))
    with pytest.raises(CrsError, match="--crs"):
        read_text(text)
    assert "crs_overridden" in codes(read_text(text, Options(crs="EPSG:4490")))


@pytest.mark.parametrize("head", ["西经,北纬", "经度(W),纬度", "东经,南纬", "W,N"])
def test_west_and_south_headings_are_refused(head: str) -> None:
    with pytest.raises(InputError, match="不在中国"):
        read_text(f"{head}\n118.1,43.6\n")


@pytest.mark.parametrize("figure", ["0e99999", "0e-99999", "1e999999999"])
def test_an_exponent_beyond_reason_is_no_coordinate(figure: str) -> None:
    assert read_coordinate(figure) is None
    with pytest.raises(InputError, match="第 2 行"):
        read_text(f"经度,纬度\n{figure},43.6\n118.1,43.6\n118.1,43.7\n")


def test_an_exponent_as_spreadsheets_write_it_is_read() -> None:
    found = read_coordinate("1.18E+002")
    assert found is not None and (found.value, found.step) == (118.0, 1.0)


def test_a_cell_beyond_the_csv_limit_names_its_line() -> None:
    with pytest.raises(InputError, match="第 2 行"):
        read_text(f"名称,经度,纬度\n\"{'a' * 200_000}\",118.1,43.6\n乙,118.1,43.6\n")


# --- coordinates as text, every spelling ------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["118°3′27″.05", "118.3.27.05", "118⁰03′27.05″", "118 ° 3 ' 27.05 ''", "L=118°3′27.05″", "E=118-03-27.05",
     "东经E118°3′27.05″", "118°3.450833333333′", "118–03–27.05", "经度:118度3分27.05秒"],
)  # fmt: skip
def test_more_spellings(text: str) -> None:
    found = read_coordinate(text)
    assert found is not None and found.value == pytest.approx(118 + 3 / 60 + 27.05 / 3600, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [("4,829,864.978", 4829864.978), ("4 829 864.978", 4829864.978), ("39,580,743.28", 39580743.28),
     ("39\u00a0580\u2009743", 39580743.0)],
)  # fmt: skip
def test_thousands_in_one_cell(text: str, value: float) -> None:
    found = read_coordinate(text)
    assert found is not None and found.value == value


TRIANGLE = np.array([(118.1, 43.6), (118.2, 43.6), (118.2, 43.7)])


@pytest.mark.parametrize(
    "text",
    [
        "[[118.1,43.6],[118.2,43.6],[118.2,43.7]]",
        "(118.1, 43.6), (118.2, 43.6), (118.2, 43.7)",
        "118.1 43.6 118.2 43.6 118.2 43.7",
        "118.1,43.6,118.2,43.6,118.2,43.7",
        "118.1,43.6 118.2,43.6 118.2,43.7",
        "118.1,43.6,0 118.2,43.6,0 118.2,43.7,0",
        "118.1 43.6,118.2 43.6,118.2 43.7",
        "118.1,43.6、118.2,43.6、118.2,43.7",
        "118.1，43.6。118.2，43.6。118.2，43.7。",
        "1、118.1，43.6\n2、118.2，43.6\n3、118.2，43.7",
        "J1：118.1，43.6；\nJ2：118.2，43.6；\nJ3：118.2，43.7。",
        "经度：118.1；纬度：43.6\n经度：118.2；纬度：43.6\n经度：118.2；纬度：43.7",
        "L=118.1 B=43.6\nL=118.2 B=43.6\nL=118.2 B=43.7",
        "N43°36′ E118°06′\nN43°36′ E118°12′\nN43°42′ E118°12′",
        "东经118°06′北纬43°36′\n东经118°12′北纬43°36′\n东经118°12′北纬43°42′",
        "E118°06′00″N43°36′00″\nE118°12′00″N43°36′00″\nE118°12′00″N43°42′00″",
        "118°06′00″E43°36′00″N\n118°12′00″E43°36′00″N\n118°12′00″E43°42′00″N",
        "118 06 00 43 36 00\n118 12 00 43 36 00\n118 12 00 43 42 00",
        "118 06.0 43 36.0\n118 12.0 43 36.0\n118 12.0 43 42.0",
        "1,118,6,0,43,36,0\n2,118,12,0,43,36,0\n3,118,12,0,43,42,0",
        "点号,经度,,,纬度,,\n,度,分,秒,度,分,秒\n1,118,6,0,43,36,0\n2,118,12,0,43,36,0\n3,118,12,0,43,42,0",
        "点号,B,L\n1,43.6,118.1\n2,43.6,118.2\n3,43.7,118.2",
    ],
)
def test_every_way_to_write_a_triangle(text: str) -> None:
    reading = read_text(text)
    assert len(reading.sites) == 1 and reading.sites[0].kind == "polygon"
    assert corners(reading) == pytest.approx(TRIANGLE, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "1,4,829,864.978,39,580,743.28\n2,4,829,964.978,39,580,743.28\n3,4,829,964.978,39,580,843.28",
        "4 829 864.978 39 580 743.28\n4 829 964.978 39 580 743.28\n4 829 964.978 39 580 843.28",
        "点号,X,Y\n1,4,829,864.978,39,580,743.28\n2,4,829,964.978,39,580,743.28\n3,4,829,964.978,39,580,843.28",
        '点号,X,Y\n1,"4,829,864.978","39,580,743.28"\n2,"4,829,964.978","39,580,743.28"\n3,"4,829,964.978","39,580,843.28"',
    ],
)
def test_thousands_among_commas(text: str) -> None:
    to = pyproj.Transformer.from_crs("EPSG:4527", "EPSG:4490", always_xy=True)
    plane = ((4829864.978, 39580743.28), (4829964.978, 39580743.28), (4829964.978, 39580843.28))
    expected = [to.transform(e, n) for n, e in plane]
    assert corners(read_text(text)) == pytest.approx(np.array(expected), abs=1e-9)


def test_a_sentence_is_a_point_and_told() -> None:
    reading = read_text("项目中心坐标：东经118°03′27″，北纬43°36′00″。")
    assert reading.sites[0].kind == "point" and "coordinates_in_text" in codes(reading)


TWO_A_ROW = (
    "118.0,43.6,118.002,43.6\n118.002,43.602,118.0,43.602",
    "118.0 43.6 118.002 43.6\n118.002 43.602 118.0 43.602",
    "CGCS2000 3度带\n118.0,43.6,118.002,43.6\n118.002,43.602,118.0,43.602",
    "x1,y1,x2,y2\n118.0,43.6,118.002,43.6\n118.002,43.602,118.0,43.602",
    "4829864.978,39580743.283,4829964.978,39580743.283\n4829964.978,39580843.283,4829864.978,39580843.283",
    "118.0,43.6;118.002,43.6\n118.002,43.6;118.002,43.602\n118.002,43.602;118.0,43.6",  # each goes on
    "1,118.0,43.6,118.002,43.6\n2,118.002,43.602,118.0,43.602",
    "甲\t118.0\t43.6\t118.002\t43.6\n乙\t118.002\t43.602\t118.0\t43.602",
)


@pytest.mark.parametrize("text", TWO_A_ROW)
def test_two_pairs_a_row_are_lines_or_corners_so_we_ask(text: str) -> None:
    with pytest.raises(InputError, match=r"每行有两对坐标.*每行只写一对"):
        read_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "118.0,43.6;118.002,43.6\n118.002,43.602;118.0,43.602",
        "118.0,43.6 118.002,43.6\n118.002,43.602 118.0,43.602",
        "118.0 43.6, 118.002 43.6\n118.002 43.602, 118.0 43.602",
        "118.0,43.6,118.002,43.6\n118.002,43.602,118.0,43.602\n118.0,43.6",  # the last row ends the list
    ],
)
def test_a_list_of_pairs_over_several_lines_is_one_outline(text: str) -> None:
    assert corners(read_text(text)) == pytest.approx(np.array(SQUARE), abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "118.0,43.6;118.002x,43.6;118.002,43.602;118.0,43.602",
        "118x0,43.6;118.002,43.6;118.002,43.602;118.0,43.602",
        "118.0,43.6;118.002x,43.6;118.002,43.602y",
        "118.0,43.6|118.002x,43.6|118.002,43.602|118.0,43.602",
        "118.0 43.6 118.002x 43.6 118.002 43.602",
    ],
)
def test_a_list_on_one_line_with_one_bad_pair_is_no_smaller_list(text: str) -> None:
    with pytest.raises(InputError, match=r"第 1 行.*(?:118\.002x|118x0|43\.602y)"):
        read_text(text)


def test_one_bad_plot_does_not_hide_the_others() -> None:
    text = "地块,经度,纬度\n甲,118.0,43.6\n甲,坏,43.6\n甲,118.1,43.7\n" \
        "乙,118.2,43.6\n乙,118.3,43.6\n乙,118.3,43.7"  # fmt: skip
    reading = read_text(text)
    assert [site.name for site in reading.sites] == ["乙"]
    assert any(i.code == "feature_unreadable" and "第 3 行" in i.text for i in reading.issues)


def test_degrees_that_no_minutes_follow_are_not_packed() -> None:
    assert packed_dms(118.0327, 1e-4) == pytest.approx(118 + 3 / 60 + 27 / 3600, abs=1e-12)
    assert packed_dms(118.0300, 1e-4) == pytest.approx(118 + 3 / 60, abs=1e-12)
    assert packed_dms(118.032705, 1e-6) == pytest.approx(118 + 3 / 60 + 27.05 / 3600, abs=1e-12)
    assert packed_dms(118.05, 1e-2) is None and packed_dms(118.6500, 1e-4) is None


def test_unused_transform_parameters_of_a_plot_file_say_how_to_give_them() -> None:
    head = "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n带号=39\n转换参数=10,20,30,0,0,0,0\n[地块坐标]\n4,,A,甲,面,,,,@\n"
    reading = read_text(head + "J1,1,4829864.978,39580743.283\nJ2,1,4829964.978,39580743.283\nJ3,1,4829964.978,39580843.283\n")
    told = [issue for issue in reading.issues if issue.code == "transform_parameters_ignored"]
    assert len(told) == 1 and "--transform dx,dy,dz" in told[0].remedy and "--crs 西安80" in told[0].remedy
