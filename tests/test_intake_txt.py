"""界址点 TXT: dialects, encodings, zones, rings, declared areas; truth by pyproj."""

from __future__ import annotations

import codecs
import itertools

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import AmbiguousCrsError, Options, Reading, read_bytes, read_text

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
    assert [c.crs for c in candidates] == ["EPSG:4528", "EPSG:4527"]
    assert [c.in_county for c in candidates] == [True, False]
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
