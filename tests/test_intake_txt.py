"""界址点 TXT: dialects, encodings, zones, rings, declared areas; truth by pyproj."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import random

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from linxi_gis.errors import CrsError, InputError, LinxiError
from linxi_gis.intake import AmbiguousCrsError, Options, Reading, read_bytes, read_text
from linxi_gis.intake.txt import draft_txt

SQUARE = ((118.0, 43.6), (118.002, 43.6), (118.002, 43.602), (118.0, 43.602))
COUNTY = shapely.box(117.63, 43.24, 118.58, 44.26)
MM_DEG = 0.001 / 111_320


def project(lonlat: tuple[tuple[float, float], ...], crs: str) -> list[tuple[float, float]]:
    """Return (north, east) in a projected CRS: the oracle."""
    to = pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True)
    return [(n, e) for e, n in (to.transform(lon, lat) for lon, lat in lonlat)]


def points(pairs: list[tuple[float, float]], ring: int = 1, first: int = 1, close: bool = True) -> str:
    numbers = [*range(first, first + len(pairs)), first] if close else range(first, first + len(pairs))
    ends = [*pairs, pairs[0]] if close else pairs
    return "\n".join(f"J{n},{ring},{a:.4f},{b:.4f}" for n, (a, b) in zip(numbers, ends, strict=True))


def txt(body: str, plot: str = "5,,DK01,地块1,面,,,,@", **header: str) -> str:
    head = "\n".join(f"{key}={value}" for key, value in header.items())
    return f"[属性描述]\n{head}\n[地块坐标]\n{plot}\n{body}\n"


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for s in reading.sites for i in s.issues))}


def same_place(reading: Reading, lonlat: tuple[tuple[float, float], ...] = SQUARE) -> None:
    drawn = shapely.get_coordinates(reading.sites[0].geometry)
    for lon, lat in lonlat:
        off = np.hypot((drawn[:, 0] - lon) * np.cos(np.radians(lat)), drawn[:, 1] - lat).min()
        assert off < MM_DEG
    assert reading.sites[0].parts == 1


HEADERS: tuple[dict[str, str], ...] = (
    {"坐标系": "2000国家大地坐标系", "几度分带": "3", "带号": "39", "计量单位": "米"},
    {"坐标系": "CGCS2000", "分带": "3度带", "带号": ""},
)
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be")


@pytest.mark.parametrize(
    ("encoding", "header", "swapped", "crs"),
    [
        case
        for case in itertools.product(ENCODINGS, HEADERS, (False, True), ("EPSG:4527", "EPSG:4548"))
        if case[1]["带号"] or case[3] == "EPSG:4527"
    ],
)
def test_every_dialect_gives_the_same_place(
    encoding: str, header: dict[str, str], swapped: bool, crs: str
) -> None:
    pairs = project(SQUARE, crs)
    text = txt(points([(e, n) if swapped else (n, e) for n, e in pairs]), **header)
    reading = read_bytes(text.encode(encoding), "a.txt")
    same_place(reading)
    site = reading.sites[0]
    assert (site.id, site.name, site.kind, site.source) == ("DK01", "地块1", "polygon", "a.txt:DK01")
    assert site.reference.source == crs and site.reference.declared
    assert "文件头写明" in site.reference.how
    assert site.reference.axes == ("X=东, Y=北" if swapped else "X=北, Y=东")
    assert ("axes_swapped" in codes(reading)) is swapped
    assert ("encoding_guessed" in codes(reading)) is (encoding not in ("utf-8", "utf-8-sig", "utf-16"))
    geod = pyproj.Geod(ellps="GRS80")
    truth = abs(geod.polygon_area_perimeter([p[0] for p in SQUARE], [p[1] for p in SQUARE])[0])
    assert site.area_m2 == pytest.approx(truth, rel=1e-6)


def test_the_evidence_names_header_and_prefix() -> None:
    how = read_text(txt(points(project(SQUARE, "EPSG:4527")), **HEADERS[0])).sites[0].reference.how
    assert how == "文件头写明 2000国家大地坐标系、3 度带、39 带，横坐标前两位 39 为带号"


@pytest.mark.parametrize(
    ("lonlat", "crs"),
    [
        (SQUARE, "EPSG:4498"),
        (((118.55, 43.6), (118.56, 43.6), (118.56, 43.61)), "EPSG:4528"),
    ],
)
def test_six_degree_zones_and_zone_40_are_known_by_their_prefix(
    lonlat: tuple[tuple[float, float], ...], crs: str
) -> None:
    reading = read_text(txt(points(project(lonlat, crs)), 坐标系="2000国家大地坐标系"))
    same_place(reading, lonlat)
    assert reading.sites[0].reference.source == crs


def test_a_central_meridian_in_the_header_replaces_the_zone() -> None:
    text = txt(points(project(SQUARE, "EPSG:4548")), 坐标系="CGCS2000", 中央子午线="117")
    same_place(read_text(text))


def test_full_width_punctuation_and_numbers_without_letters() -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")).replace("J", ""), **HEADERS[0])
    wide = text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789,.=[]@"})
    same_place(read_text(wide))


def test_three_columns_and_spaces() -> None:
    body = "\n".join(f"{i} {n:.4f} {e:.4f}" for i, (n, e) in enumerate(project(SQUARE, "EPSG:4527"), 1))
    reading = read_text(txt(body, **HEADERS[0]))
    same_place(reading)
    assert "ring_closed" in codes(reading)


@pytest.mark.parametrize("order", [0, 1])
def test_degrees_in_the_block_in_either_order_without_a_header(order: int) -> None:
    body = "\n".join(
        f"J{i},1,{(lon, lat)[order]:.9f},{(lon, lat)[1 - order]:.9f}"
        for i, (lon, lat) in enumerate(SQUARE, 1)
    )
    reading = read_text(f"[地块坐标]\n4,,DK9,,面,,,,@\n{body}")
    same_place(reading)
    assert reading.sites[0].reference.axes == ("经度, 纬度", "纬度, 经度")[order]
    assert "datum_assumed" in codes(reading)


def square_m(north: float, east: float, size: float) -> list[tuple[float, float]]:
    return [(north, east), (north, east + size), (north + size, east + size), (north + size, east)]


@pytest.mark.parametrize("ring_numbers", [(1, 2, 3), (1, 1, 1)])
def test_a_ring_inside_is_a_hole_and_a_ring_outside_a_part(ring_numbers: tuple[int, int, int]) -> None:
    north, east = 4_829_000.0, 39_500_000.0  # on the central meridian the plane is true to scale
    rings = [
        square_m(north, east, 100.0),
        square_m(north + 20, east + 20, 10.0),
        square_m(north, east + 200, 50.0),
    ]
    body = "\n".join(points(ring, n) for ring, n in zip(rings, ring_numbers, strict=True))
    reading = read_text(txt(body, **HEADERS[0]))
    site = reading.sites[0]
    assert site.parts == 2
    assert site.planar_area_m2 == pytest.approx(100**2 - 10**2 + 50**2, abs=0.01)
    told = next(issue.text for issue in site.issues if issue.code == "rings_nested")
    assert "第 2 圈位于第 1 圈之内，按孔洞扣除" in told and "第 3 圈按独立的一块计入" in told


def test_an_island_in_a_lake_is_land_again() -> None:
    rings = [square_m(4_829_000.0 + d, 39_500_000.0 + d, 100.0 - 2 * d) for d in (0, 10, 20)]
    body = "\n".join(points(ring, n) for n, ring in enumerate(rings, 1))
    site = read_text(txt(body, **HEADERS[0])).sites[0]
    assert site.planar_area_m2 == pytest.approx(100**2 - 80**2 + 60**2, abs=0.01)


def test_several_plots_keep_their_own_names_and_zones() -> None:
    east_strip = ((118.55, 43.6), (118.56, 43.6), (118.56, 43.61))
    text = (
        "[属性描述]\n坐标系=2000国家大地坐标系\n[地块坐标]\n"
        f"5,,A,甲,面,,,,@\n{points(project(SQUARE, 'EPSG:4527'))}\n"
        f"4,,B,乙,面,,,,@\n{points(project(east_strip, 'EPSG:4528'))}\n"
    )
    sites = read_text(text).sites
    assert [(s.id, s.name, s.reference.source) for s in sites] == [
        ("A", "甲", "EPSG:4527"),
        ("B", "乙", "EPSG:4528"),
    ]


def test_lines_and_points() -> None:
    body = points(project(SQUARE, "EPSG:4527"), close=False)
    line = read_text(txt(body, plot="4,,L1,管线,线,,,,@", **HEADERS[0])).sites[0]
    assert line.kind == "line" and line.length_m > 300
    point = read_text(txt(body.splitlines()[0], plot="1,,P1,井,点,,,,@", **HEADERS[0])).sites[0]
    assert point.kind == "point"


@pytest.mark.parametrize(
    ("written", "area_m2"),
    [
        ("1.0公顷", 1e4),
        ("10000平方米", 1e4),
        ("15亩", 1e4),
        ("1.0002", 10002.0),
        ("10001.5", 10001.5),
        ("", None),
    ],
)
def test_declared_area_in_every_unit(written: str, area_m2: float | None) -> None:
    body = points(square_m(4_829_000.0, 39_500_000.0, 100.0))
    site = read_text(txt(body, plot=f"5,{written},DK,块,面,,,,@", **HEADERS[0])).sites[0]
    assert site.declared_area_m2 == (pytest.approx(area_m2) if area_m2 else None)
    told = "declared_area_unit" in {issue.code for issue in site.issues}
    assert told is (written in ("1.0002", "10001.5"))


def test_a_declared_area_that_fits_nothing_and_one_that_is_none_are_told() -> None:
    body = points(square_m(4_829_000.0, 39_500_000.0, 100.0))
    far = read_text(txt(body, plot="5,77,DK,块,面,,,,@", **HEADERS[0])).sites[0]
    assert any(issue.code == "declared_area_differs" and issue.severity == "warning" for issue in far.issues)
    odd = read_text(txt(body, plot="5,约一公顷,DK,块,面,,,,@", **HEADERS[0])).sites[0]
    assert odd.declared_area_m2 is None and "declared_area_unread" in {i.code for i in odd.issues}


def test_a_missing_point_is_noticed_by_its_count() -> None:
    reading = read_text(txt(points(project(SQUARE, "EPSG:4527")), plot="9,,DK,块,面,,,,@", **HEADERS[0]))
    assert "point_count" in codes(reading)


def test_whole_metres_make_a_half_metre_accuracy() -> None:
    body = "\n".join(f"J{i},1,{n:.0f},{e:.0f}" for i, (n, e) in enumerate(project(SQUARE, "EPSG:4527"), 1))
    assert read_text(txt(body, **HEADERS[0])).sites[0].accuracy_m == 0.5
    assert read_text(txt(points(project(SQUARE, "EPSG:4527")), **HEADERS[0])).sites[0].accuracy_m == 0.0


def test_header_zone_against_prefix_asks() -> None:
    header = dict(HEADERS[0])
    text = txt(points(project(((118.55, 43.6), (118.56, 43.6), (118.56, 43.61)), "EPSG:4528")), **header)
    with pytest.raises(AmbiguousCrsError, match="带号矛盾") as caught:
        read_text(text, Options(county=COUNTY, source_name="乙.txt"))
    candidates = caught.value.candidates
    inside = {c.crs: c.in_county for c in candidates}
    assert (inside["EPSG:4528"], inside["EPSG:4527"]) == (True, False)
    assert str(caught.value).startswith("乙.txt：")
    # Each candidate, passed back, reads where it said it would.
    for candidate in candidates:
        reading = read_text(text, Options(crs=candidate.crs))
        west, south, east, north = reading.sites[0].geometry.bounds
        assert (west + east) / 2 == pytest.approx(candidate.lon, abs=1e-6)
        assert (south + north) / 2 == pytest.approx(candidate.lat, abs=1e-6)
        assert ("zone_prefix_ignored" in codes(reading)) is (candidate.crs == "EPSG:4527")


def test_no_zone_anywhere_asks_and_every_candidate_reads_as_it_said() -> None:
    text = txt(points(project(SQUARE, "EPSG:4548")), 坐标系="2000国家大地坐标系")
    with pytest.raises(AmbiguousCrsError) as caught:
        read_text(text, Options(county=COUNTY))
    inside = [c.crs for c in caught.value.candidates if c.in_county]
    assert "EPSG:4548" in inside and "EPSG:4549" not in inside
    assert all(
        c.distance_km is not None and c.distance_km > 50 for c in caught.value.candidates if not c.in_county
    )
    for candidate in caught.value.candidates:
        site = read_text(text, Options(crs=candidate.crs)).sites[0]
        assert site.area_m2 == pytest.approx(candidate.area_m2, rel=1e-6)
        assert site.geometry.distance(shapely.Point(candidate.lon, candidate.lat)) == 0.0


@pytest.mark.parametrize(
    "system", ["1980西安坐标系", "西安80", "80国家大地坐标系", "1954年北京坐标系", "北京54"]
)
def test_old_datums_are_refused(system: str) -> None:
    with pytest.raises(CrsError, match="七参数"):
        read_text(txt(points(project(SQUARE, "EPSG:4527")), 坐标系=system, 带号="39"))


def test_a_bad_number_names_its_line() -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), **HEADERS[0]).replace("J3,1,48", "J3,1,4８x")
    with pytest.raises(InputError, match="第 10 行"):
        read_text(text)


def test_too_few_points_fail_alone_or_stand_aside() -> None:
    short = "2,,B,乙,面,,,,@\nJ1,1,4829000,39500000\nJ2,1,4829100,39500000\n"
    with pytest.raises(InputError, match="不足 3 个"):
        read_text(f"[属性描述]\n坐标系=CGCS2000\n[地块坐标]\n{short}")
    reading = read_text(txt(points(project(SQUARE, "EPSG:4527")), **HEADERS[0]) + short)
    assert [site.id for site in reading.sites] == ["DK01"]
    assert [issue.severity for issue in reading.issues if issue.code == "feature_unreadable"] == ["error"]
    assert "feature_unreadable" not in {issue.code for issue in reading.sites[0].issues}


def test_one_plot_in_two_zones_is_refused() -> None:
    body = "J1,1,4829000,39999000\nJ2,1,4829100,40419000\nJ3,1,4829200,40419100"
    with pytest.raises(AmbiguousCrsError, match="39 带与 40 带"):
        read_text(txt(body, 坐标系="CGCS2000"))


def test_a_bow_tie_is_healed_and_told() -> None:
    north, east = 4_829_000.0, 39_500_000.0
    body = points([(north, east), (north + 100, east + 100), (north, east + 100), (north + 100, east)])
    site = read_text(txt(body, **HEADERS[0])).sites[0]
    assert site.planar_area_m2 == pytest.approx(5000.0, abs=0.01)
    assert "geometry_healed" in {issue.code for issue in site.issues}


@given(
    east=st.integers(400_000, 640_000),
    north=st.integers(4_790_000, 4_900_000),
    size=st.integers(1, 5000),
    millimetres=st.integers(0, 999),
    encoding=st.sampled_from(ENCODINGS),
    swapped=st.booleans(),
)
def test_written_plots_read_back(
    east: int, north: int, size: int, millimetres: int, encoding: str, swapped: bool
) -> None:
    corner_e = 39_000_000 + east + millimetres / 1000
    pairs = square_m(float(north), corner_e, float(size))
    text = txt(points([(e, n) if swapped else (n, e) for n, e in pairs]), **HEADERS[0])
    site = read_bytes(codecs.encode(text, encoding), "h.txt").sites[0]
    back = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4527", always_xy=True)
    drawn = shapely.get_coordinates(site.geometry)  # long edges have vertices between the corners
    e, n = back.transform(drawn[:, 0], drawn[:, 1])
    for north_m, east_m in pairs:
        assert np.abs(np.column_stack((n, e)) - (north_m, east_m)).max(axis=1).min() < 1e-3


# --- what must not pass in silence -----------------------------------------------------------------


@pytest.mark.parametrize("system", ["地方独立坐标系", "赤峰市城市坐标系", "XX矿自定义", "2000独立坐标系", "GCJ-02"])
def test_a_system_that_is_neither_2000_nor_wgs84_needs_crs(system: str) -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), 坐标系=system, 带号="39")
    with pytest.raises(CrsError, match="--crs"):
        read_text(text)
    reading = read_text(text, Options(crs="EPSG:4527"))
    same_place(reading)
    assert "crs_overridden" in codes(reading)


@pytest.mark.parametrize(("parameters", "told"), [("10,20,30,0,0,0,0", True), (",,,,,,", False), ("0,0.0,0", False)])
def test_transform_parameters_are_told_not_applied(parameters: str, told: bool) -> None:
    reading = read_text(txt(points(project(SQUARE, "EPSG:4527")), **HEADERS[0], 转换参数=parameters))
    same_place(reading)
    assert ("transform_parameters_ignored" in codes(reading)) is told


@pytest.mark.parametrize("bad", ["J2,1,4829964.978", "J2,1,4829964.978,", "J2,1,4829964.978,xx", "39580743.283"])
def test_a_bad_line_names_itself_and_loses_only_its_plot(bad: str) -> None:
    broken = f"4,,BAD,坏,面,,,,@\nJ1,1,4829864.978,39580743.283\n{bad}\nJ3,1,4829964.978,39580843.283\n"
    head = "[属性描述]\n坐标系=CGCS2000\n[地块坐标]\n"
    with pytest.raises(InputError, match="第 6 行"):
        read_text(head + broken)
    good = f"5,,OK,好,面,,,,@\n{points(project(SQUARE, 'EPSG:4527'))}\n"
    reading = read_text(head + broken + good)
    assert [site.id for site in reading.sites] == ["OK"]
    told = [issue for issue in reading.issues if issue.severity == "error"]
    assert len(told) == 1 and "第 6 行" in told[0].text


@pytest.mark.parametrize(
    ("word", "kind", "told"),
    [("面", "polygon", False), ("", "polygon", False), ("管线", "line", False), ("其他", "polygon", True)],
)
def test_an_unknown_kind_word_is_told(word: str, kind: str, told: bool) -> None:
    body = points(project(SQUARE, "EPSG:4527"), close=False)
    reading = read_text(txt(body, plot=f"4,,K1,块,{word},,,,@", **HEADERS[0]))
    assert reading.sites[0].kind == kind
    assert ("geometry_kind_assumed" in codes(reading)) is told


# --- more dialects ---------------------------------------------------------------------------------

GK39 = HEADERS[0]
PLOT_M = square_m(4_829_000.0, 39_500_000.0, 100.0)


def closed(pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [*pairs, pairs[0]]


@pytest.mark.parametrize(
    ("key", "written"),
    [("几度分带", "三度带"), ("分带", "3°分带"), ("分带", "三"), ("几度带", "3 度带"), ("分带", "6度分带")],
)
def test_the_width_in_every_spelling(key: str, written: str) -> None:
    six = written.startswith("6")
    crs = "EPSG:4509" if six else "EPSG:4548"
    text = txt(points(project(SQUARE, crs)), 坐标系="2000国家大地坐标系", 带号="20" if six else "39", **{key: written})
    reading = read_text(text)
    same_place(reading)
    assert f"{6 if six else 3} 度带" in reading.sites[0].reference.how


@pytest.mark.parametrize("marks", ["【】", "［］", "[]"])
@pytest.mark.parametrize("separator", [",", "，", "、", ";", "\t", "  ", ", "])
def test_every_bracket_and_separator(marks: str, separator: str) -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")).replace(",", separator), **GK39)
    text = text.replace("[", marks[0]).replace("]", marks[1])
    same_place(read_text(text))


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\n", " \n", ",\n", "，\n"])
def test_every_line_end_of_the_description_row(end: str) -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), **GK39)
    whole = end in ("\r\n", "\r", "\n\n")
    same_place(read_text(text.replace("\n", end) if whole else text.replace("@\n", f"@{end}")))


def test_comments_headings_and_trailing_commas_are_no_points() -> None:
    rows = points(project(SQUARE, "EPSG:4527")).splitlines()
    body = "# 示意\n点号,圈号,X,Y\n" + ",,\n".join(rows) + "\n// 完\n以下空白\n"
    reading = read_text(txt(body, **GK39))
    same_place(reading)
    told = [issue for issue in reading.issues if issue.code == "lines_skipped"]
    assert len(told) == 1 and "以下空白" in told[0].text and "有 1 行" in told[0].text


def test_rows_with_height_and_remark_and_without_ring() -> None:
    pairs = closed(project(SQUARE, "EPSG:4527"))
    longer = "\n".join(f"J{i},1,{n:.3f},{e:.3f},812.45,界桩" for i, (n, e) in enumerate(pairs, 1))
    same_place(read_text(txt(longer, **GK39)))
    unringed = "\n".join(f"J{i},{n:.3f},{e:.3f},812.45" for i, (n, e) in enumerate(pairs, 1))
    same_place(read_text(txt(unringed, **GK39)))
    blank = "\n".join(f"J{i},,{n:.3f},{e:.3f}" for i, (n, e) in enumerate(pairs, 1))
    same_place(read_text(txt(blank, **GK39)))


@pytest.mark.parametrize("more", ["", ",,旱地,0103,", ",K50E,工业用地,0601,甲镇,乙村,备注甲", ",K50E,工业用地,0601,a,b,c,d,e"])
def test_descriptions_of_any_length_keep_every_field(more: str) -> None:
    plot = f"5,1.0,DK7,\"北区,一期\",面{more},@"
    site = read_text(txt(points(PLOT_M), plot=plot, **GK39)).sites[0]
    assert (site.id, site.name, site.kind) == ("DK7", "北区,一期", "polygon")
    held = [value for _, value in site.attributes]
    assert all(field in held for field in more.split(",") if field)


def test_a_description_row_without_its_mark_still_begins_a_plot() -> None:
    second = points(square_m(4_829_000.0, 39_501_000.0, 50.0))
    text = txt(points(PLOT_M) + f"\n5,,B,乙,面,,旱地,,\n{second}", plot="5,,A,甲,面,,,,@", **GK39)
    sites = read_text(text).sites
    assert [(s.id, round(s.planar_area_m2)) for s in sites] == [("A", 10_000), ("B", 2_500)]


def test_concatenated_files_keep_their_own_headers() -> None:
    east = ((118.55, 43.6), (118.56, 43.6), (118.56, 43.61))
    one = txt(points(project(SQUARE, "EPSG:4548")), plot="5,,A,甲,面,,,,@", **GK39)
    two = txt(points(project(east, "EPSG:4549")), plot="4,,B,乙,面,,,,@", 坐标系="CGCS2000", 分带="3", 带号="40")
    sites = read_text(one + two).sites
    assert [site.reference.source for site in sites] == ["EPSG:4548", "EPSG:4549"]
    for site, lonlat in zip(sites, (SQUARE, east), strict=True):
        drawn = shapely.get_coordinates(site.geometry)
        for lon, lat in lonlat:
            assert np.hypot(*(drawn - (lon, lat)).T).min() < MM_DEG


def test_provincial_header_keys_are_kept_with_each_plot() -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), **GK39, 数据产生单位="示意院", 投影类型="高斯克吕格", 转换参数=",,,,,,")
    held = dict(read_text(text).sites[0].attributes)
    assert held["数据产生单位"] == "示意院" and held["投影类型"] == "高斯克吕格" and "转换参数" not in held


@pytest.mark.parametrize(("precision", "accuracy"), [("0.001", 0.0), ("1", 0.5), ("0.5米", 0.25), ("", 0.0)])
def test_the_written_precision_is_the_floor_of_the_step(precision: str, accuracy: float) -> None:
    site = read_text(txt(points(project(SQUARE, "EPSG:4527")), **GK39, 精度=precision)).sites[0]
    assert site.accuracy_m == accuracy


@pytest.mark.parametrize(("unit", "factor"), [("毫米", 1e3), ("千米", 1e-3), ("公里", 1e-3), ("厘米", 1e2)])
def test_units_are_brought_to_metres_and_told(unit: str, factor: float) -> None:
    pairs = closed(project(SQUARE, "EPSG:4527"))
    body = "\n".join(f"J{i},1,{n * factor:.7f},{e * factor:.7f}" for i, (n, e) in enumerate(pairs, 1))
    reading = read_text(txt(body, **{**GK39, "计量单位": unit}))
    same_place(reading)
    assert "unit_scaled" in codes(reading)


def test_degrees_as_unit_and_dms_in_the_block() -> None:
    body = "J1,1,118°00′00.0000″,43°36′00.0000″\nJ2,1,118°00′07.2000″,43°36′00.0000″\n"
    body += "J3,1,118°00′07.2000″,43°36′07.2000″\nJ4,1,118°00′00.0000″,43°36′07.2000″"
    same_place(read_text(txt(body, 坐标系="CGCS2000", 计量单位="度")))
    wrong = read_text(txt(points(project(SQUARE, "EPSG:4527")), **{**GK39, "计量单位": "度"}))
    assert "unit_contradicts" in codes(wrong)


@pytest.mark.parametrize("projection", ["UTM", "通用横轴墨卡托", "Web墨卡托", "兰勃特"])
def test_another_projection_is_not_taken_for_gauss_krueger(projection: str) -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), **GK39, 投影类型=projection)
    with pytest.raises(CrsError, match="--crs"):
        read_text(text)
    same_place(read_text(text, Options(crs="EPSG:4527")))


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("减大数=39000000", None), ("横坐标减去39000000", (0.0, 39e6)), ("Y坐标已减去=39000000", (0.0, 39e6)),
        ("横坐标已减去39000公里", (0.0, 39e6)), ("纵坐标已加2000000", (-2e6, 0.0)), ("纵坐标已减去4000000", (4e6, 0.0)),
    ],
)
def test_a_constant_taken_off_is_put_back_and_told(line: str, taken: tuple[float, float] | None) -> None:
    north_off, east_off = taken or (0.0, 39e6)
    pairs = [(n - north_off, e - east_off) for n, e in project(SQUARE, "EPSG:4527")]
    text = txt(points(pairs), 坐标系="2000国家大地坐标系").replace("[地块坐标]", f"{line}\n[地块坐标]")
    if taken is None:
        reading = read_text(text, Options(crs="EPSG:4527"))
        same_place(reading)
        return
    reading = read_text(text)
    same_place(reading)
    told = next(issue for issue in reading.issues if issue.code == "constant_applied")
    if min(taken) < 0:
        assert "2000000" in told.text and "加过" in told.text and "减去" in told.text
        return
    assert f"{max(taken):.0f}" in told.text and "减过" in told.text and "加回" in told.text


@pytest.mark.parametrize("line", ["加常数=1000000", "坐标常数=2000000", "Y加常数=3000000"])
def test_a_constant_that_does_not_say_which_way_is_left_and_told(line: str) -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), **GK39).replace("[地块坐标]", f"{line}\n[地块坐标]")
    reading = read_text(text)
    same_place(reading)
    assert "constant_unclear" in codes(reading) and "constant_applied" not in codes(reading)


@pytest.mark.parametrize("line", ["加大数=39000000", "Y加常数=500000", "横坐标减去39000000"])
def test_a_constant_the_figures_carry_already_changes_nothing(line: str) -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), **GK39).replace("[地块坐标]", f"{line}\n[地块坐标]")
    reading = read_text(text)
    same_place(reading)
    assert "constant_applied" not in codes(reading)


def test_an_area_unit_in_the_header_holds_for_all_plots() -> None:
    site = read_text(txt(points(PLOT_M), plot="5,1.0,DK,块,面,,,,@", **GK39, 面积单位="公顷")).sites[0]
    assert site.declared_area_m2 == pytest.approx(1e4)
    assert "declared_area_unit" not in {issue.code for issue in site.issues}


def test_numbering_that_starts_again_begins_another_ring() -> None:
    hole = square_m(4_829_020.0, 39_500_020.0, 10.0)
    body = points(PLOT_M, close=False) + "\n" + points(hole, close=False)
    reading = read_text(txt(body, **GK39))
    assert reading.sites[0].planar_area_m2 == pytest.approx(100**2 - 10**2, abs=0.01)
    assert {"ring_restarted", "rings_nested", "ring_closed"} <= codes(reading)
    runs_on = points(PLOT_M) + "\n" + points(hole, ring=2, first=6)
    assert read_text(txt(runs_on, **GK39)).sites[0].planar_area_m2 == pytest.approx(100**2 - 10**2, abs=0.01)


def test_several_points_of_one_plot_are_several_sites() -> None:
    body = points(PLOT_M, close=False)
    reading = read_text(txt(body, plot="4,,P,井群,点,,,,@", **GK39))
    assert [site.kind for site in reading.sites] == ["point"] * 4 and "multipoint_split" in codes(reading)


def test_a_kind_in_another_field_is_used_and_told() -> None:
    reading = read_text(txt(points(PLOT_M, close=False), plot="4,,L,管,1:2000,线,,,@", **GK39))
    assert reading.sites[0].kind == "line" and "description_shifted" in codes(reading)


def test_an_unreadable_zone_is_told() -> None:
    assert "zone_unread" in codes(read_text(txt(points(project(SQUARE, "EPSG:4527")), 坐标系="CGCS2000", 带号="三十九")))


@pytest.mark.parametrize("figure", ["482904039000000000", "4.8e99", "482900000"])
def test_a_figure_beyond_the_earth_loses_only_its_plot(figure: str) -> None:
    bad = points(PLOT_M).replace("4829000.0000", figure, 1)
    text = txt(bad, plot="5,,BAD,坏,面,,,,@", **GK39) + f"5,,OK,好,面,,,,@\n{points(project(SQUARE, 'EPSG:4527'))}\n"
    reading = read_text(text)
    assert [site.id for site in reading.sites] == ["OK"]
    told = [issue.text for issue in reading.issues if issue.code == "feature_unreadable"]
    assert len(told) == 1 and "BAD" in told[0] and "坐标值" in told[0]


# --- the quick way and the slow one -----------------------------------------------------------------


@given(
    rings=st.lists(
        st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=3, max_size=6, unique=True),
        min_size=1,
        max_size=5,
    ),
    decimals=st.integers(0, 4),
    close=st.booleans(),
)
def test_plain_rows_are_read_the_same_by_columns_and_by_rows(
    rings: list[list[tuple[int, int]]], decimals: int, close: bool
) -> None:
    def written(value: int) -> str:
        return f"{4_000_000 + value / 1000:.{decimals}f}"

    plots = []
    for n, ring in enumerate(rings):
        ends = [*ring, ring[0]] if close else ring
        rows = [f"J{k % len(ring) + 1},1,{written(a)},{written(b)}" for k, (a, b) in enumerate(ends)]
        plots.append([f"{len(rows)},,D{n},,面,,,,@", *rows])
    quick = "\n".join(row for plot in plots for row in plot)
    # The same with a space before each figure: not plain, so every row goes the slow way.
    slow = "\n".join(row if row.endswith("@") else row.replace(",", ", ") for plot in plots for row in plot)
    one, two = (_drafted(text) for text in (quick, slow))
    assert one == two


def _drafted(text: str) -> object:
    try:
        draft = draft_txt(text, "t")
    except LinxiError as error:
        return str(error)
    return [(d.geometry.wkt, d.step, d.id, d.issues) for d in draft.drawn], draft.issues


def test_many_plots_with_odd_ones_among_them_stay_in_order() -> None:
    generator = random.Random(7)
    head = "[属性描述]\n坐标系=CGCS2000\n带号=39\n[地块坐标]\n"
    plots, names = "", []
    for n in range(2500):
        north, east = 4_800_000.0 + 200 * (n % 50), 39_450_000.0 + 200 * (n // 50)
        body = points(square_m(north, east, 100.0))
        odd = generator.random()
        if odd < 0.01:
            body = body.replace(",1,", ", 1 ,")
        elif odd < 0.02:
            body = body.replace(".0000", "x", 1)
        plots += f"5,,N{n},块{n},面,,,,@\n{body}\n"
        if not 0.01 <= odd < 0.02:
            names.append(f"N{n}")
    reading = read_text(head + plots)
    assert [site.id for site in reading.sites] == names and len(names) < 2500
    assert {round(site.planar_area_m2) for site in reading.sites} <= {10_000, 10_001, 10_002, 10_003}


@given(st.data())
def test_torn_text_is_an_error_or_a_reading_never_a_crash(data: st.DataObject) -> None:
    text = txt(points(project(SQUARE, "EPSG:4527")), **GK39)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.text(alphabet="@[]=,，【\n\r\0 1９.J-点面\"", max_size=6)) + text[at + cut :]
    with contextlib.suppress(LinxiError):
        draft_txt(text, "t")


def test_thousands_of_small_rings_under_one_number_are_cut_in_one_pass() -> None:
    squares = [closed(square_m(4_829_000.0 + 20 * (n // 60), 39_500_000.0 + 20 * (n % 60), 10.0)) for n in range(1500)]
    body = "\n".join(f"J1,1,{a:.3f},{b:.3f}" for ring in squares for a, b in ring)
    draft = draft_txt(txt(body, **GK39), "t")
    assert shapely.get_num_geometries(draft.drawn[0].geometry) == 1500
    assert draft.drawn[0].geometry.area == pytest.approx(1500 * 100.0)


def test_rings_drawn_over_and_over_are_refused_in_time() -> None:
    body = "\n".join(points(PLOT_M, ring=n) for n in range(1, 400))
    with pytest.raises(InputError, match="互相重叠或套叠"):
        read_text(txt(body, **GK39))
