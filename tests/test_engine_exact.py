"""Areas, distances and the partition to the last digit that is told: pyproj.Geod, brute force, arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from pyproj import Geod
from yard import (
    DAY,
    EAST,
    HUNDRED,
    NORTH,
    RULES,
    line,
    open_library,
    point,
    red_line,
    site,
    square,
    write_layer,
)
from yard import entry as layer_entry

from linxi_gis import crs, edgearea, intake, intervals, nearest, partition, units, vectorfile
from linxi_gis.assess import assess
from linxi_gis.footprint import make_site
from linxi_gis.geometry import heal
from linxi_gis.model import Reference, Site
from linxi_gis.report import extract

GEOD = Geod(ellps="GRS80")
K = 1.00008


def drawn(shape: shapely.Geometry, system: str = crs.LONLAT) -> Site:
    return make_site(shape, Reference(system, "测试"), site_id="s")


def truth_m2(shape: shapely.Geometry, system: str, step_m: float) -> float:
    """Geod on rings cut so finely that cutting more changes nothing that is told."""
    step = step_m / 111_320.0 if system == crs.LONLAT else step_m
    dense = crs.to_lonlat(shapely.segmentize(shape, step), system)
    return float(abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(dense))[0]))


def blob(rng: np.random.Generator, lon: float, lat: float, radius_m: float, corners: int, system: str) -> shapely.Polygon:
    angle = (np.arange(corners) + rng.uniform(0.1, 0.9, corners)) * 2.0 * np.pi / corners
    reach = radius_m * rng.uniform(0.4, 1.0, corners)
    xy = np.column_stack([lon + reach * np.cos(angle) / 80_400.0, lat + reach * np.sin(angle) / 111_100.0])
    if system != crs.LONLAT:
        way = pyproj.Transformer.from_crs(crs.LONLAT, system, always_xy=True)
        xy = np.column_stack(way.transform(xy[:, 0], xy[:, 1]))
    return shapely.Polygon(xy)


# --- areas ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", [crs.LONLAT, "EPSG:4527", "EPSG:4528", "EPSG:4509"])
@pytest.mark.parametrize("radius", [20.0, 150.0, 1_500.0, 15_000.0])
def test_areas_equal_geod_on_densified_rings(system: str, radius: float) -> None:
    """All over the county, on both sides of 118.5°E, with holes and in parts: 1e-8 of the area and 0.001 m²."""
    rng = np.random.default_rng(int(radius))
    for n in range(6):
        lon, lat = rng.uniform([117.65, 43.15], [118.6, 44.35])
        shape: shapely.Geometry = blob(rng, 118.5 if n == 0 else lon, lat, radius, 5, system)
        if n % 2:
            middle = shapely.point_on_surface(shape)
            shape = shape.difference(middle.buffer(np.sqrt(shape.area) / 20.0, quad_segs=3))
        if n % 3 == 2:
            apart = shapely.transform(shape, lambda xy, w=shape.bounds: xy + np.array([1.1 * (w[2] - w[0]), 0.0]))
            shape = shapely.MultiPolygon([shape, apart])
        truth = truth_m2(shape, system, max(0.5, radius / 800.0))
        assert drawn(shape, system).area_m2 == pytest.approx(truth, rel=1e-8, abs=1e-3)


@pytest.mark.parametrize("width_m", [0.5, 5.0])
def test_a_thin_site_of_two_kilometres(width_m: float) -> None:
    up = width_m / 111_100
    strip = shapely.Polygon([(118.48, 43.6), (118.505, 43.603), (118.505, 43.603 + up), (118.48, 43.6 + up)])
    assert drawn(strip).area_m2 == pytest.approx(truth_m2(strip, crs.LONLAT, 1.0), rel=1e-8, abs=1e-3)


def test_edges_stay_within_a_tenth_of_a_millimetre() -> None:
    """The middle of every piece an edge is cut into, against the true edge, over the county and both zones."""
    rng = np.random.default_rng(8)
    for system, step in ((crs.LONLAT, crs.STEP_M / 111_320.0), ("EPSG:4527", crs.STEP_TM_M), ("EPSG:4528", crs.STEP_TM_M)):
        way = pyproj.Transformer.from_crs(crs.LONLAT, system, always_xy=True)
        start = np.column_stack(way.transform(*rng.uniform([117.6, 43.1], [118.65, 44.4], (500, 2)).T))
        angle = rng.uniform(0.0, 2.0 * np.pi, 500)
        end = start + step * np.column_stack([np.cos(angle), np.sin(angle)])
        a, b, m = (
            shapely.get_coordinates(crs.plane_of_lonlat(crs.to_lonlat(shapely.points(xy), system)))
            for xy in (start, end, (start + end) / 2.0)
        )
        chord = b - a
        off = np.abs((m - a)[:, 0] * chord[:, 1] - (m - a)[:, 1] * chord[:, 0]) / np.hypot(*chord.T)
        assert off.max() < 1e-4


def test_a_shape_without_size_keeps_its_plane_area() -> None:
    needle = np.array([shapely.Polygon([(118.0, 43.6), (118.02, 43.6), (118.01, 43.6 + 1e-12)])], dtype=object)
    ground = crs.plane_of_lonlat(needle)
    assert edgearea.true_areas(needle, ground, crs.LONLAT)[0] >= 0.5 * shapely.area(ground)[0]


def test_shares_and_parts_add_up_to_the_true_area(tmp_path: Path) -> None:
    shape = shapely.Polygon([(118.0, 43.6), (118.03, 43.6), (118.0, 43.62)])
    lonlat = [shapely.box(117.9, 43.5, 118.01, 43.7), shapely.box(118.005, 43.5, 118.02, 43.7)]
    write_layer(tmp_path / "redline.gpkg", lonlat, crs="EPSG:4490")
    library = open_library(tmp_path, [layer_entry("redline", "ecological_redline", "redline.gpkg")])
    (one,) = assess([drawn(shape)], library, RULES, DAY)
    assert one.site.area_m2 != one.site.ground.area  # the hair is there
    assert partition.total(one.partition) == pytest.approx(one.site.area_m2, rel=1e-9)
    assert sum(row.area_m2 for row in one.partition if row.zones) == pytest.approx(one.layers[0].area_m2, rel=1e-9)


# --- distances --------------------------------------------------------------------------------------------


def test_the_plane_is_as_true_as_the_bound_says() -> None:
    plane = pyproj.Proj(proj="laea", lon_0=crs.PLANE_CENTRE[0], lat_0=crs.PLANE_CENTRE[1], ellps="GRS80")
    for radius in (1e3, 1e4, 5e4, 1e5, 3e5):
        angle = np.linspace(0.0, 2.0 * np.pi, 73)
        lonlat = crs.points_lonlat(radius * np.column_stack([np.cos(angle), np.sin(angle)]))
        factors = plane.get_factors(lonlat[:, 0], lonlat[:, 1])
        worst = max(factors.tissot_semimajor.max() - 1.0, 1.0 - factors.tissot_semiminor.min())
        bound = float(nearest.scale_error(np.array([radius]))[0])
        assert 0.8 * bound < worst < bound


def brute_m(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Both borders sampled, all pairs by Geod, the best few refined by shrinking windows along both."""
    a, b = shapely.boundary(one), shapely.boundary(other)
    at, bt = np.linspace(0.0, 1.0, 240), np.linspace(0.0, 1.0, 240)

    def metres(s: np.ndarray, t: np.ndarray) -> np.ndarray:
        p = crs.points_lonlat(shapely.get_coordinates(shapely.line_interpolate_point(a, s % 1.0, normalized=True)))
        q = crs.points_lonlat(shapely.get_coordinates(shapely.line_interpolate_point(b, t % 1.0, normalized=True)))
        i, j = np.meshgrid(np.arange(len(s)), np.arange(len(t)), indexing="ij")
        return GEOD.inv(p[i.ravel(), 0], p[i.ravel(), 1], q[j.ravel(), 0], q[j.ravel(), 1])[2].reshape(len(s), len(t))

    table = metres(at, bt)
    best = float(table.min())
    for k in np.argsort(table, axis=None)[:60:6]:
        s, t, width = at[k // 240], bt[k % 240], 1.5 / 240
        for _ in range(30):
            ss, tt = s + np.linspace(-width, width, 7), t + np.linspace(-width, width, 7)
            near = metres(ss, tt)
            i, j = np.unravel_index(int(near.argmin()), near.shape)
            s, t, width, best = float(ss[i]), float(tt[j]), 0.65 * width, min(best, float(near.min()))
    return best


def gap(one: shapely.Geometry, other: shapely.Geometry) -> float:
    return float(nearest.gaps(np.array([one], dtype=object), np.array([other], dtype=object)).distance_m[0])


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_right_to_a_millimetre_within_ten_kilometres(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centre, angle, away = rng.uniform([-30e3, -50e3], [45e3, 60e3]), rng.uniform(0.0, 6.28), rng.uniform(2e3, 9e3)
    way = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-way[1], way[0]])
    far = centre + away * way
    if seed % 2:  # long borders that run all but parallel: which end is nearer is a matter of centimetres
        half, deep, more = 2e3 * side, 99.0 * way, 0.03 * way
        one = shapely.Polygon([centre - half, centre + half, centre + half - deep, centre - half - deep])
        other = shapely.Polygon([far - half, far + half + more, far + half + deep, far - half + deep])
        one, other = shapely.segmentize(one, 70.0), shapely.segmentize(other, 70.0)
    else:
        one = shapely.Point(centre).buffer(rng.uniform(50, 900), quad_segs=3)
        other = shapely.Point(far).buffer(rng.uniform(50, 900), quad_segs=3)
    assert gap(one, other) == pytest.approx(brute_m(one, other), abs=1e-3)


def test_another_zone_corner_may_be_the_nearest_on_the_ellipsoid() -> None:
    """Ten kilometres off in two directions the plane stretches apart: which of two tips is nearer turns."""
    start = np.array([-28_000.0, -48_000.0])
    angle = np.linspace(0.0, 2.0 * np.pi, 72, endpoint=False)
    ways = np.column_stack([np.cos(angle), np.sin(angle)])
    origin, around = crs.points_lonlat(start[None])[0], crs.points_lonlat(start + 9_900.0 * ways)
    true = GEOD.inv(np.full(72, origin[0]), np.full(72, origin[1]), around[:, 0], around[:, 1])[2]
    short, long = ways[int(true.argmin())], ways[int(true.argmax())]
    assert np.ptp(true) > 0.1
    turned = 0
    for more in np.linspace(0.0, 0.3, 9):
        tips = [start + (9_900.0 + more) * short, start + 9_900.0 * long]
        zone = shapely.MultiPolygon([shapely.Polygon([tip, tip + d + [5, 0], tip + d + [0, 5]]) for tip, d in
                                     zip(tips, (900.0 * short, 900.0 * long), strict=True)])  # fmt: skip
        lonlat = crs.points_lonlat(np.vstack([start, *tips]))
        truth = GEOD.inv([lonlat[0, 0]] * 2, [lonlat[0, 1]] * 2, lonlat[1:, 0], lonlat[1:, 1])[2]
        turned += more > 0.0 and int(np.argmin(truth)) == 0
        assert gap(shapely.Point(start), zone) == pytest.approx(min(truth), abs=1e-6)
    assert turned >= 2  # there the plane's nearest point is the other one


# --- nearest, passages ------------------------------------------------------------------------------------


def test_winds_change_at_the_sector_borders() -> None:
    names = ["北", "东北", "东", "东南", "南", "西南", "西", "西北"]
    for n, name in enumerate(names):
        for degrees in (45.0 * n - 22.5, 45.0 * n, 45.0 * n + 22.499999):
            assert units.wind(degrees % 360.0) == name
    assert units.lies(62.0, 1_230.0) == "位于场界东北侧 1.230 km"
    assert units.lies(200.0, 12.0, "点位") == "位于点位南侧 12.00 m"


def test_the_nearest_zone_is_told_in_words_and_places(tmp_path: Path) -> None:
    (one,) = assess([site(HUNDRED)], red_line(tmp_path, [square(400, 400, 50), square(-900, 0, 50)]), RULES, DAY)
    near = extract.build(one)["layers"][0]["nearest"]
    assert near["zone_id"] == "Z1" and near["wind"] == "东北" and near["lies"].startswith("位于场界东北侧 424.2")
    start, end = near["nearest_site"], near["nearest_zone"]
    azimuth, _, metres = GEOD.inv(*start, *end)
    assert metres == pytest.approx(near["distance_m"], abs=1e-3)
    assert azimuth % 360.0 == pytest.approx(near["bearing_deg"], abs=1e-3)
    corner = crs.to_lonlat(point(100, 100), "EPSG:4527")
    assert start == pytest.approx([corner.x, corner.y], abs=1e-8)


def test_passages_have_their_ends_and_their_number(tmp_path: Path) -> None:
    """A line in and out of a comb of two teeth, and across a river drawn as a line."""
    comb = shapely.union_all([square(100, -50, 50, 100), square(300, -50, 80, 100), square(100, 40, 280, 10)])
    library = red_line(tmp_path, [comb, line((600, -90), (600, 90))])
    (one,) = assess([site(line((0, 0), (1_000, 0)))], library, RULES, DAY)
    hits = {hit.zone_id: hit for hit in one.layers[0].hits}
    spans = [(p.from_m, p.to_m) for p in hits["Z1"].passages]
    assert spans == [pytest.approx((100 / K, 150 / K), abs=5e-3), pytest.approx((300 / K, 380 / K), abs=1e-2)]
    first = hits["Z1"].passages[0]
    for place, x in ((first.entry, 100), (first.exit, 150)):
        true = crs.to_lonlat(point(x, 0), "EPSG:4527")
        assert GEOD.inv(*place, true.x, true.y)[2] < 1e-3
    (river,) = hits["Z2"].passages
    assert river.from_m == river.to_m == pytest.approx(600 / K, abs=1e-2)
    found = next(f for f in extract.build(one)["findings"] if f["zone_id"] == "Z1")
    assert len(found["passages"]) == 2


@pytest.mark.parametrize(
    ("zone", "told", "words"),
    [
        pytest.param(square(20, 15, 10, 90), "left", "左岸", id="over the left bank"),
        pytest.param(square(20, -90, 10, 95), "right", "右岸", id="over the right bank"),
        pytest.param(square(20, -90, 10, 900), "both", "两岸", id="across"),
        pytest.param(square(20, 8, 4, 4), None, "", id="between the banks"),
        pytest.param(square(20, -150, 10, 100), "right", "距右岸较近", id="a miss"),
    ],
)
def test_banks(tmp_path: Path, zone: shapely.Geometry, told: str | None, words: str) -> None:
    """A river reach given by both banks, 20 m apart, chainage eastward: left is north."""
    rows = [f"K0+{m:03d},{NORTH + 20:.3f},{EAST + m:.3f},{NORTH:.3f},{EAST + m:.3f}" for m in (0, 50, 100)]
    text = "桩号,左岸X,左岸Y,右岸X,右岸Y\n" + "\n".join(rows) + "\n"
    table = tmp_path / "reach.csv"
    table.write_text(text, encoding="utf-8")
    (reach,) = intake.read(table, intake.Options(crs="EPSG:4527")).sites
    (one,) = assess([reach], red_line(tmp_path, [zone]), RULES, DAY)
    (hit,) = one.layers[0].hits or (one.layers[0].nearest,)
    assert hit is not None and (hit.bank or None, hit.bank_label) == (told, words)


def test_places_beyond_the_ends_are_the_ends() -> None:
    way = intervals.chain(shapely.LineString([(0, 0), (0, 100), (100, 100)]))
    assert intervals.places(way, [-5.0])[0] == intervals.places(way, [0.0])[0]
    assert intervals.places(way, [1e9])[0] == intervals.places(way, [way.total_m])[0]
    middle = intervals.places(way, [way.total_m / 2.0])[0]
    assert crs.plane_of_lonlat(shapely.Point(middle)).distance(shapely.Point(0, 100)) < 1e-3


# --- partition --------------------------------------------------------------------------------------------

GROUND = shapely.box(0, 0, 100, 100)


def zones(*shapes: shapely.Geometry) -> list[tuple[tuple[str, str], shapely.Geometry]]:
    return [(("a", str(n)), shapely.intersection(GROUND, shape)) for n, shape in enumerate(shapes)]


def test_a_gap_of_a_tenth_of_a_millimetre_is_a_sliver_row() -> None:
    cut = partition.cut(GROUND, zones(shapely.box(0, 0, 50, 100), shapely.box(50.0001, 0, 100, 100)))
    (thin,) = [row for row in cut.rows if row.sliver]
    assert thin.zones == () and thin.area_m2 == pytest.approx(0.01, rel=1e-3)
    assert partition.total(cut.rows) == pytest.approx(10_000.0, rel=1e-12)
    assert cut.noise_faces == 0


def test_a_gap_of_a_tenth_of_a_micrometre_is_counted_and_told() -> None:
    cut = partition.cut(GROUND, zones(shapely.box(0, 0, 50, 100), shapely.box(50.000001, 0, 100, 100)))
    assert not [row for row in cut.rows if row.sliver] and cut.noise_faces == 1
    assert cut.noise_m2 == pytest.approx(1e-4, rel=0.2)
    assert partition.total(cut.rows) == pytest.approx(10_000.0, rel=1e-12)


def test_shared_and_duplicate_and_overlapping_zones() -> None:
    left = shapely.box(0, 0, 60, 100)
    cut = partition.cut(GROUND, zones(left, left, shapely.box(40, 0, 100, 100)))
    areas = {tuple(zone for _, zone in row.zones): row.area_m2 for row in cut.rows}
    assert areas == pytest.approx({("0", "1"): 4_000.0, ("0", "1", "2"): 2_000.0, ("2",): 4_000.0})
    assert cut.noise_faces == 0 and not any(row.sliver for row in cut.rows)


def test_vertices_on_edges_leave_nothing_between() -> None:
    """The same border with 200 more vertices, each off by the rounding of its coordinates."""
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(0, 100, 200))
    upper = shapely.Polygon([(0, 100), (0, 33.3), *zip(x, 33.3 + x / 3.0, strict=True), (100, 33.3 + 100 / 3), (100, 100)])
    lower = shapely.Polygon([(0, 0), (0, 33.3), (100, 33.3 + 100 / 3), (100, 0)])
    cut = partition.cut(GROUND, zones(upper, lower))
    assert [row.zones for row in cut.rows if not row.sliver] and partition.total(cut.rows) == pytest.approx(1e4, rel=1e-9)
    assert sum(row.area_m2 for row in cut.rows if len(row.zones) != 1) < 1e-6


def test_rows_are_in_proportion_to_the_true_area() -> None:
    cut = partition.cut(GROUND, zones(shapely.box(0, 0, 30, 100)), 10_000.001)
    assert [row.area_m2 for row in cut.rows] == pytest.approx([7_000.0007, 3_000.0003], rel=1e-12)


def test_invalid_real_polygons_partition_a_site(shared: Path) -> None:
    table = vectorfile.read(shared / "scale" / "osm_inland_water_china_100m.fgb")
    bad = [shape for shape in table.geometries if not shape.is_valid][:12]
    assert len(bad) > 3
    for shape in bad:
        healed, issues = heal(shape, "水面")
        assert issues
        water = crs.to_plane(healed)
        middle = shapely.point_on_surface(water)
        ground = middle.buffer(max(50.0, np.sqrt(water.area) / 3.0), quad_segs=4)
        cut = partition.cut(ground, [(("w", "1"), shapely.intersection(ground, water))])
        assert partition.total(cut.rows) == pytest.approx(ground.area, rel=1e-9)
        inside = sum(row.area_m2 for row in cut.rows if row.zones)
        assert inside == pytest.approx(shapely.intersection(ground, water).area, rel=1e-6, abs=1e-3)


def test_a_sliver_is_told_in_the_assessment(tmp_path: Path) -> None:
    library = red_line(tmp_path, [square(-10, -10, 60, 200), square(50.0002, -10, 100, 200)])
    (one,) = assess([site(HUNDRED)], library, RULES, DAY)
    (told,) = [issue for issue in one.site.issues if issue.code == "sliver"]
    assert "1 行处处薄于 1 mm" in told.text and told.severity == "info"
    assert [row["sliver"] for row in extract.build(one)["partition"] if "sliver" in row] == [True]
