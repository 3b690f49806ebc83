"""What is odd in a drawing: each place is checked against one computed by hand, each area against arithmetic."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.footprint import make_site
from linxi_gis.intake import areacheck, read_geojson
from linxi_gis.intake.checks import Subject, examine, examine_made, examine_one
from linxi_gis.model import Reference, Site

E, N = 39_580_743.0, 4_829_864.0
TO_LONLAT = pyproj.Transformer.from_crs("EPSG:4527", "EPSG:4490", always_xy=True)
GEOD = pyproj.Geod(ellps="GRS80")
SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
MM_DEG = 1e-8  # a millimetre

Places = Sequence[tuple[float, float]]


def at(points: Places) -> list[tuple[float, float]]:
    return [(E + x, N + y) for x, y in points]


def polygon(shell: Places, *holes: Places) -> shapely.Polygon:
    return shapely.Polygon(at(shell), [at(hole) for hole in holes])


def subject(
    drawn: shapely.Geometry, declared: float | None = None, system: str = "EPSG:4527", issues: tuple[Issue, ...] = ()
) -> Subject:
    site = make_site(
        shapely.force_2d(drawn), Reference(system, "测试"), site_id="A", name="甲", system=system,
        declared_area_m2=declared, issues=issues,
    )  # fmt: skip
    return Subject(site, shapely.force_2d(drawn), system, drawn)


def examined(drawn: shapely.Geometry, declared: float | None = None, **more: object) -> Site:
    county = more.pop("county", None)
    assert county is None or isinstance(county, shapely.Geometry)
    return examine_one(subject(drawn, declared, **more), county)  # type: ignore[arg-type]


def the(site: Site, code: str) -> Issue:
    (issue,) = [issue for issue in site.issues if issue.code == code]
    return issue


def codes(site: Site) -> set[str]:
    return {issue.code for issue in site.issues}


def assert_at(issue: Issue, *points: tuple[float, float]) -> None:
    """The issue lies at these local places (metres from the corner of the square), to a millimetre."""
    assert issue.geometry_wkt is not None
    found = np.unique(shapely.get_coordinates(shapely.from_wkt(issue.geometry_wkt)), axis=0)
    wanted = np.array([TO_LONLAT.transform(E + x, N + y) for x, y in points])
    apart = np.abs(found[:, None] - wanted[None]).max(axis=2)
    assert len(found) == len(wanted) and (apart.min(axis=0) < MM_DEG).all(), issue


def geodesic_m2(points: Places) -> float:
    lon, lat = TO_LONLAT.transform(*np.array(at(points)).T)
    return abs(float(GEOD.polygon_area_perimeter(lon, lat)[0]))


def test_a_clean_plot_is_left_alone_as_the_same_object() -> None:
    one = subject(polygon(SQUARE, [(20, 20), (20, 40), (40, 40), (40, 20)]))
    assert examine([one])[0] is one.site


def test_doubled_points_are_counted_and_placed() -> None:
    site = examined(polygon([(0, 0), (100, 0), (100, 0), (100, 100), (0, 100), (0, 0.0005)]))
    issue = the(site, "points_duplicated")
    assert issue.severity == "info" and "第 3、6 点" in issue.text and "2 处" in issue.text
    assert_at(issue, (100, 0), (0, 0.0005))


def test_a_corner_met_twice_is_told_with_both_numbers() -> None:
    site = examined(polygon([(0, 0), (50, 0), (50, 50), (100, 50), (100, 100), (50, 50), (0, 50)]))
    issue = the(site, "vertex_repeated")
    assert "第 3 点与第 6 点" in issue.text
    assert_at(issue, (50, 50))


@pytest.mark.parametrize("back", [(100.0, 100.0), (99.4, 100.0)])
def test_a_spike_is_told_at_its_tip_and_not_as_a_repeated_corner(back: tuple[float, float]) -> None:
    site = examined(polygon([(0, 0), (100, 0), (100, 100), (150, 150), back, (0, 100)]))
    issue = the(site, "spike")
    assert "第 4 点" in issue.text and f"{np.hypot(50, 50):.2f} m" in issue.text
    assert_at(issue, (150, 150))
    assert "vertex_repeated" not in codes(site)


def test_a_corner_of_two_degrees_is_no_spike_and_a_line_that_turns_back_is() -> None:
    blunt = 100.0 * np.tan(np.radians(2.0))
    assert "spike" not in codes(examined(polygon([(0, 0), (100, 0), (0, blunt)])))
    line = shapely.LineString(at([(0, 0), (500, 0), (700, 0), (500, 0.0), (500, 300)]))
    assert_at(the(examined(line), "spike"), (700, 0))


def test_a_closed_line_and_its_ends_are_nothing_odd() -> None:
    assert not codes(examined(shapely.LineString(at([*SQUARE, (0, 0)]))))


def test_holes_and_parts_are_named_where_there_are_several() -> None:
    hole = [(20, 20), (20, 40), (20, 40), (40, 40), (40, 20)]
    text = the(examined(polygon(SQUARE, hole)), "points_duplicated").text
    assert text.startswith("第 1 个孔第 3 点")
    far = [(x + 300, y) for x, y in SQUARE]
    two = shapely.MultiPolygon([polygon(SQUARE), polygon([*far[:1], *far])])
    assert the(examined(two), "points_duplicated").text.startswith("第 2 部分第 2 点")


def test_one_mistyped_corner_is_named() -> None:
    site = examined(polygon([(0, 0), (100, 0), (100, 100), (50, 10_100), (0, 100)]))
    issue = the(site, "vertex_far")
    assert "第 4 点" in issue.text and "10.100 km" in issue.text and "100.00 m" in issue.text
    assert_at(issue, (50, 10_100))
    assert "spike" not in codes(site)  # the same corner is told once
    nine_times = examined(polygon([(0, 0), (100, 0), (100, 100), (50, 900), (0, 100)]))
    assert "vertex_far" not in codes(nine_times)


def test_a_line_dense_at_one_end_has_no_far_corner() -> None:
    bend = [(float(n), float(n % 2)) for n in range(50)]
    assert "vertex_far" not in codes(examined(shapely.LineString(at([*bend, (2000, 0)]))))
    assert "vertex_far" in codes(examined(shapely.LineString(at([*bend, (20_000, 0)]))))


BOW_TIE = [(0, 0), (100, 100), (100, 0), (0, 100)]


def test_a_bow_tie_tells_both_areas_its_crossing_and_offers_another_order() -> None:
    site = examined(polygon(BOW_TIE), declared=geodesic_m2(SQUARE))
    issue = the(site, "geometry_healed")
    half = geodesic_m2(SQUARE) / 2.0
    assert "第 1 条边与第 3 条边" in issue.text and "代数面积 0.00 m²" in issue.text
    assert f"修复后面积 {half:.2f} m²" in issue.text and site.area_m2 == pytest.approx(half, abs=0.01)
    assert_at(issue, (50, 50))
    assert_at(the(site, "point_order_suspect"), (50, 50))
    (candidate,) = site.candidates
    assert (candidate.code, candidate.crs) == ("hull_order", "")
    assert candidate.area_m2 == pytest.approx(geodesic_m2(SQUARE), abs=0.01)
    assert any("1－3－2－4" in sentence for sentence in candidate.evidence)
    assert any("与新次序差 0.00 %" in sentence for sentence in candidate.evidence)
    outline = shapely.from_wkt(candidate.geometry_wkt)
    drawn = np.array([TO_LONLAT.transform(*place) for place in at(BOW_TIE)])
    corners = shapely.get_coordinates(outline)[:-1]
    assert outline.is_valid and np.abs(corners - drawn[[0, 2, 1, 3]]).max() < MM_DEG
    assert "拐点次序有误" in the(site, "declared_area_differs").text
    assert shapely.equals(site.geometry, subject(polygon(BOW_TIE)).site.geometry)  # offered, not applied


def test_a_long_crossing_ring_gets_no_other_order() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 70, endpoint=False)
    ring = [(200 * np.cos(a), 200 * np.sin(a)) for a in angle]
    ring[10], ring[40] = ring[40], ring[10]
    site = examined(polygon(ring))
    assert "geometry_healed" in codes(site) and not site.candidates


def test_a_hole_partly_and_wholly_outside() -> None:
    site = examined(polygon(SQUARE, [(90, 90), (90, 110), (110, 110), (110, 90)]))
    issue = the(site, "hole_outside")
    assert "300" in issue.text or "299.95" in issue.text
    assert_at(issue, (90, 100), (90, 110), (110, 110), (110, 90), (100, 90), (100, 100))
    away = examined(polygon(SQUARE, [(200, 0), (200, 20), (220, 20), (220, 0)]))
    assert "整个在外圈之外" in the(away, "hole_outside").text


def test_holes_that_overlap_or_touch() -> None:
    first = [(20, 20), (20, 60), (60, 60), (60, 20)]
    over = examined(polygon(SQUARE, first, [(50, 50), (50, 80), (80, 80), (80, 50)]))
    issue = the(over, "holes_overlap")
    shared = geodesic_m2([(50, 50), (60, 50), (60, 60), (50, 60)])
    assert f"{shared:.2f} m²" in issue.text
    assert_at(issue, (50, 50), (50, 60), (60, 60), (60, 50))
    touch = the(examined(polygon(SQUARE, first, [(60, 60), (60, 80), (80, 80), (80, 60)])), "holes_touch")
    assert touch.severity == "info"
    assert_at(touch, (60, 60))
    shell = the(examined(polygon(SQUARE, [(0, 50), (20, 70), (20, 30)])), "holes_touch")
    assert_at(shell, (0, 50))


def test_a_hole_that_runs_like_its_shell_is_told_the_same_way_for_every_site() -> None:
    alike = polygon(SQUARE, [(20, 20), (40, 20), (40, 40), (20, 40)])
    one, two = (the(examined(shape), "hole_orientation") for shape in (alike, shapely.reverse(alike)))
    assert one == two and one.severity == "info"
    assert "hole_orientation" not in codes(examined(polygon(SQUARE, [(20, 20), (20, 40), (40, 40), (40, 20)])))


def test_parts_that_overlap_are_counted_once_and_both_sums_shown() -> None:
    right = [(50, 0), (150, 0), (150, 100), (50, 100)]
    site = examined(shapely.MultiPolygon([polygon(SQUARE), polygon(right)]))
    issue = the(site, "parts_overlap")
    total, once = geodesic_m2(SQUARE) + geodesic_m2(right), geodesic_m2([(0, 0), (150, 0), (150, 100), (0, 100)])
    assert f"{total / 1e4:.4f} hm²" in issue.text and f"{once / 1e4:.4f} hm²" in issue.text
    assert site.area_m2 == pytest.approx(once, abs=0.01)
    assert_at(issue, (50, 0), (100, 0), (100, 100), (50, 100))


def test_a_part_given_twice_is_named() -> None:
    far = [(x + 300, y) for x, y in SQUARE]
    site = examined(shapely.MultiPolygon([polygon(SQUARE), polygon(far), polygon(far)]))
    assert "第 2 部分与第 3 部分完全相同" in the(site, "part_duplicated").text
    assert "parts_overlap" not in codes(site)


def test_slivers_and_necks() -> None:
    thin = examined(polygon([(0, 0), (100, 0), (100, 0.05), (0, 0.05)]))
    assert "5.0 cm" in the(thin, "sliver").text
    ring = [(0, 0), (100, 0), (100, 50), (200, 50), (200, 100), (100, 100), (100, 50.04), (0, 50)]
    issue = the(examined(polygon(ring)), "narrow_neck")
    assert "4.0 cm" in issue.text
    place = shapely.centroid(shapely.from_wkt(issue.geometry_wkt))
    wanted = TO_LONLAT.transform(E + 100, N + 50.02)
    assert np.hypot(place.x - wanted[0], place.y - wanted[1]) < 2e-7  # two centimetres
    wide = [(x, 50.5 if y == 50.04 else y) for x, y in ring]
    assert "narrow_neck" not in codes(examined(polygon(wide)))


def test_heights_are_told_only_where_there_are_any_and_once() -> None:
    flat, high = (shapely.Point(E, N, height) for height in (0.0, 812.5))
    assert "z_dropped" not in codes(examined(flat))
    assert "高程" in the(examined(high), "z_dropped").text
    told = Issue("z_dropped", "info", "已说明")
    assert [issue for issue in examined(high, issues=(told,)).issues if issue.code == "z_dropped"] == [told]


COUNTY = shapely.box(*TO_LONLAT.transform(E - 5e4, N - 5e4), *TO_LONLAT.transform(E + 5e4, N + 5e4))


def test_a_site_across_the_border_tells_its_share_and_corners_outside() -> None:
    lon, _ = TO_LONLAT.transform(E + 75, N + 50)
    west = shapely.box(117.0, 43.0, lon, 44.5)
    site = examined(polygon(SQUARE), county=west)
    issue = the(site, "partly_outside_county")
    assert "25.0" in issue.text and "2 个拐点" in issue.text
    assert_at(issue, (100, 0), (100, 100))
    assert not codes(examined(polygon(SQUARE), county=COUNTY))
    wholly = examined(polygon(SQUARE), county=shapely.box(110, 30, 111, 31))
    assert "partly_outside_county" not in codes(wholly)


def test_sizes_that_cannot_be() -> None:
    assert "不足 1 m²" in the(examined(polygon([(0, 0), (0.9, 0), (0.9, 0.9), (0, 0.9)])), "area_absurd").text
    big = polygon([(0, 0), (23_000, 0), (23_000, 23_000), (0, 23_000)])
    assert "500.00 km²" in the(examined(big), "area_absurd").text
    small_county = shapely.box(*TO_LONLAT.transform(E, N), *TO_LONLAT.transform(E + 9e3, N + 9e3))
    assert "比全县" in the(examined(big, county=small_county), "area_absurd").text
    assert "length_absurd" in codes(examined(shapely.LineString(at([(0, 0), (0, 201_000)]))))
    assert "length_absurd" not in codes(examined(shapely.LineString(at([(0, 0), (0, 199_000)]))))


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (3 / 2000, "以亩计，却当成了平方米"),
        (1e-4, "以公顷（或万平方米）计，却当成了平方米"),
        (1 / 15, "以公顷计，却当成了亩"),
        (2000 / 3, "以平方米计，却当成了亩"),
        (1e4, "以平方米计，却当成了公顷"),
        (15.0, "以亩计，却当成了公顷"),
    ],
)
def test_an_area_in_another_unit_is_recognised(factor: float, words: str) -> None:
    site = examined(polygon(SQUARE), declared=10_000.0 * factor)
    assert words in the(site, "declared_area_differs").text


@pytest.mark.parametrize(("zone", "meridian"), [(38, 114), (40, 120), (41, 123)])
def test_an_area_of_another_zones_plane_names_the_zone(zone: int, meridian: int) -> None:
    lon, lat = TO_LONLAT.transform(*np.array(at(SQUARE)).T)
    plane = pyproj.Proj(proj="tmerc", lon_0=meridian, x_0=5e5, ellps="GRS80")
    area = shapely.Polygon(np.column_stack(plane(lon, lat))).area
    site = examined(polygon(SQUARE), declared=round(area, 2))
    told = [issue for issue in site.issues if issue.code.startswith("declared_area")]
    assert len(told) == 1 and f"等于第 {zone} 带平面面积 {area:.2f} m²" in told[0].text


def test_an_area_in_its_own_plane_or_written_too_coarsely_accuses_no_zone() -> None:
    assert not codes(examined(polygon(SQUARE), declared=10_000.0))
    assert not codes(examined(polygon(SQUARE), declared=geodesic_m2(SQUARE)))
    lon, lat = TO_LONLAT.transform(*np.array(at(SQUARE)).T)
    plane = pyproj.Proj(proj="tmerc", lon_0=120, x_0=5e5, ellps="GRS80")
    area = shapely.Polygon(np.column_stack(plane(lon, lat))).area
    assert areacheck._coarseness(round(area, 2)) < 1e-4 < areacheck._coarseness(1.2e4)


def test_a_hole_not_taken_off_and_a_part_left_out() -> None:
    holed = polygon(SQUARE, [(20, 20), (20, 40), (40, 40), (40, 20)])
    assert "孔洞没有扣除" in the(examined(holed, declared=10_000.0), "declared_area_differs").text
    small = [(300, 0), (350, 0), (350, 50), (300, 50)]
    two = shapely.MultiPolygon([polygon(SQUARE), polygon(small)])
    assert "少算了第 2 部分" in the(examined(two, declared=10_000.0), "declared_area_differs").text
    assert "可能的原因" not in the(examined(two, declared=7_777.0), "declared_area_differs").text


def test_an_open_ring_gets_the_edge_that_closed_it() -> None:
    opened = Issue("ring_closed", "info", "甲 第 1 圈首尾点不同，已连接首尾闭合")
    assert_at(the(examined(polygon(SQUARE), issues=(opened,)), "ring_closed"), (0, 100), (0, 0))
    holed = polygon(SQUARE, [(20, 20), (20, 40), (40, 40), (40, 20)])
    assert the(examined(holed, issues=(opened,)), "ring_closed").geometry_wkt is None  # which, is not known


def test_degrees_are_looked_at_in_metres() -> None:
    lonlat = shapely.transform(
        polygon([(0, 0), (100, 0), (100, 0), (100, 100), (150, 150), (99.4, 100), (0, 100)]),
        lambda xy: np.column_stack(TO_LONLAT.transform(xy[:, 0], xy[:, 1])),
    )
    site = examined(lonlat, system="EPSG:4490")
    assert_at(the(site, "points_duplicated"), (100, 0))
    assert_at(the(site, "spike"), (150, 150))


def test_errors_keep_their_place_among_what_was_made() -> None:
    one, error = subject(polygon(BOW_TIE)), InputError("坏")
    made = examine_made([error, one.site], [error, one.drawn], ["EPSG:4527"] * 2, [one.drawn] * 2)
    assert made[0] is error and isinstance(made[1], Site) and made[1].candidates


ODD = [
    polygon(BOW_TIE),
    polygon(SQUARE),
    shapely.LineString(at([(0, 0), (500, 0), (700, 0), (500, 0)])),
    polygon([(0, 0), (100, 0), (100, 0), (100, 100), (0, 100)]),
    shapely.Point(E, N),
    shapely.MultiPolygon([polygon(SQUARE), polygon([(50, 0), (150, 0), (150, 100), (50, 100)])]),
    polygon([(0, 0), (100, 0), (100, 100), (50, 10_100), (0, 100)]),
    polygon(SQUARE, [(90, 90), (90, 110), (110, 110), (110, 90)]),
]


def test_a_batch_tells_what_its_sites_tell_one_by_one() -> None:
    subjects = [subject(shape, 9_000.0) for shape in ODD]
    alone = [examine_one(one, COUNTY) for one in subjects]
    for batch, order in ((examine(subjects, COUNTY), 1), (examine(subjects[::-1], COUNTY)[::-1], -1)):
        for one, other in zip(alone, batch, strict=True):
            assert one.issues == other.issues and one.candidates == other.candidates, order


places = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda p: (p[0] * 10.0, p[1] * 10.0))
rings = st.lists(places, min_size=3, max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example([[[(0.0, 0.0)] * 3], [[(0.0, 20.0)] * 3, [(0.0, 0.0), (0.0, 10.0), (10.0, 0.0)]]], None)
@given(st.lists(st.lists(rings, min_size=1, max_size=3), min_size=1, max_size=3), st.none() | st.floats(1.0, 1e6))
def test_no_polygon_whatever_its_rings_makes_a_check_fail(parts: list[list[Places]], declared: float | None) -> None:
    drawn = shapely.MultiPolygon([polygon(shell, *holes) for shell, *holes in parts])
    try:
        one = subject(drawn, declared)
    except InputError:
        return  # encloses nothing
    site = examine_one(one, COUNTY)
    assert site.geometry is one.site.geometry and site.area_m2 == one.site.area_m2
    for issue in site.issues:
        assert issue.geometry_wkt is None or np.isfinite(shapely.from_wkt(issue.geometry_wkt).bounds).all()
        assert issue.text and issue.severity in ("info", "warning", "error")
    for candidate in site.candidates:
        outline = shapely.from_wkt(candidate.geometry_wkt)
        assert outline.is_valid and len(outline.exterior.coords) == len(drawn.geoms[0].exterior.coords)


def test_ten_thousand_clean_plots_are_looked_at_in_one_go() -> None:
    # 18 µs a plot against 320 µs alone on a quiet desk; the bound only tells a batch from a loop of single looks.
    one = subject(polygon(SQUARE))
    start = time.perf_counter()
    for _ in range(100):
        examine_one(one, COUNTY)
    alone_s = (time.perf_counter() - start) / 100
    start = time.perf_counter()
    found = examine([one] * 10_000, COUNTY)
    assert time.perf_counter() - start < 0.3 * alone_s * 10_000 and all(site is one.site for site in found)


def test_very_many_holes_are_not_compared_in_pairs_and_that_is_told() -> None:
    side = 0.0001
    holes = [
        [(118.0 + (i + a) * side, 43.6 + (j + b) * side) for a, b in ((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5))]
        for i in range(60) for j in range(60)
    ]  # fmt: skip
    ring = [(117.9, 43.5), (118.1, 43.5), (118.1, 43.7), (117.9, 43.7)]
    body = {"type": "Polygon", "coordinates": [[*r, r[0]] for r in (ring, *holes)]}
    begun = time.perf_counter()
    site = read_geojson(body).sites[0]
    assert time.perf_counter() - begun < 10.0 and "parts_not_compared" in {issue.code for issue in site.issues}
