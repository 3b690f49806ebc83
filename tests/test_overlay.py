"""Measuring: every relation by a square one can compute, the real shapes against GEOS, the properties."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from yard import HUNDRED, line, point, site, square

from linxi_gis import crs, intervals, overlay, partition, vectorfile, zoneindex
from linxi_gis.finding import Relation
from linxi_gis.footprint import make_site
from linxi_gis.model import Layer, LayerIdentity, Reference, Site

ELLIPSOID = pyproj.Geod(a=6378137.0, rf=298.257222101)  # CGCS2000


def layer_of(zones: list[object], system: str = "EPSG:4527", **identity: object) -> Layer:
    count = len(zones)
    names = tuple(str(i) for i in range(count))
    plane, tree, issues = zoneindex.prepare(np.array(zones, dtype=object), system, names)
    base = {"id": "a", "theme": "ecological_redline", "title": "红线", "required": True, "accuracy_m": 0.0}
    return Layer(
        LayerIdentity(**{**base, **identity}), "0" * 64, plane, tree, names, names, ("",) * count, ((),) * count,
        None, "", issues,
    )  # fmt: skip


def lonlat_site(drawn: shapely.Geometry) -> Site:
    return make_site(drawn, Reference(crs.LONLAT, "测试"), site_id="site")


@pytest.mark.parametrize(
    ("drawn", "zone", "relation", "area", "length"),
    [
        pytest.param(HUNDRED, square(-1, -1, 102), "within", 10_000, 0, id="area within area"),
        pytest.param(HUNDRED, HUNDRED, "within", 10_000, 0, id="the same area"),
        pytest.param(HUNDRED, square(10, 10, 20), "contains", 400, 0, id="area contains area"),
        pytest.param(HUNDRED, square(90, 0, 50, 100), "overlaps", 1_000, 0, id="area overlaps area"),
        pytest.param(HUNDRED, square(100, 0, 50), "touches", 0, 0, id="a shared border"),
        pytest.param(HUNDRED, square(100, 100, 50), "touches", 0, 0, id="a shared corner"),
        pytest.param(HUNDRED, square(99.9995, 0, 50), "touches", 0, 0, id="half a millimetre over the border"),
        pytest.param(HUNDRED, square(150, 0, 50), "near", 0, 0, id="apart"),
        pytest.param(HUNDRED, line((-50, 50), (150, 50)), "crosses", 0, 100, id="a river through the area"),
        pytest.param(HUNDRED, line((20, 50), (40, 50)), "contains", 0, 20, id="a line inside the area"),
        pytest.param(HUNDRED, line((100, -50), (100, 150)), "touches", 0, 0, id="a line along the border"),
        pytest.param(HUNDRED, point(50, 50), "contains", 0, 0, id="a well inside the area"),
        pytest.param(HUNDRED, point(100, 50), "touches", 0, 0, id="a well on the border"),
        pytest.param(line((10, 50), (90, 50)), HUNDRED, "within", 0, 80, id="line within area"),
        pytest.param(line((50, 50), (150, 50)), HUNDRED, "crosses", 0, 50, id="line leaves area"),
        pytest.param(line((100, 0), (100, 100)), HUNDRED, "touches", 0, 0, id="line along the border of area"),
        pytest.param(line((100, 50), (200, 50)), HUNDRED, "touches", 0, 0, id="line ends at the border"),
        pytest.param(line((0, 0), (100, 100)), line((0, 100), (100, 0)), "crosses", 0, 0, id="line crosses line"),
        pytest.param(line((0, 50), (100, 50)), square(40, -500, 0.9, 1000), "crosses", 0, 0.9, id="a strip of 0.9 m"),
        pytest.param(square(0, 0, 0.7), line((-9, 0.35), (9, 0.35)), "crosses", 0, 0.7, id="a line through 0.7 m"),
        pytest.param(point(50, 50), HUNDRED, "within", 0, 0, id="point in area"),
        pytest.param(point(100, 50), HUNDRED, "touches", 0, 0, id="point on the border"),
        pytest.param(point(150, 50), HUNDRED, "near", 0, 0, id="point apart"),
    ],
)
def test_relations(drawn: object, zone: object, relation: str, area: float, length: float) -> None:
    measured = overlay.measure([site(drawn)], layer_of([zone]))
    assert measured.relation == (Relation(relation),)
    assert measured.area_m2[0] == pytest.approx(area / 1.00008**2, rel=1e-5)
    assert measured.length_m[0] == pytest.approx(length / 1.00008, rel=1e-5)


def test_beyond_the_range_there_is_nothing_to_tell() -> None:
    measured = overlay.measure([site(HUNDRED)], layer_of([square(3_000, 0, 10)], range_m=2_000.0))
    assert measured.relation == () and list(measured.nearest) == [-1]


def test_the_nearest_zone_is_the_nearest() -> None:
    zones = [square(900, 0, 10), square(400, 0, 10), square(-700, 0, 10)]
    measured = overlay.measure([site(HUNDRED)], layer_of(zones))
    assert measured.zone[measured.nearest[0]] == 1
    assert measured.distance_m[measured.nearest[0]] == pytest.approx(300 / 1.00008, rel=1e-5)


def _from(lonlat: tuple[float, float], azimuth: float, metres: float) -> shapely.Point:
    lon, lat, _ = ELLIPSOID.fwd(*lonlat, azimuth, metres)
    return shapely.Point(lon, lat)


def test_the_nearest_zone_is_nearest_on_the_ellipsoid() -> None:
    """62 km from the centre of the area plane lengths along the radius are 12 ppm too short there, across it too long."""
    here = (118.75, 43.9)
    out, _, _ = ELLIPSOID.inv(*here, *crs.PLANE_CENTRE)
    along, across = _from(here, out, 1800.01), _from(here, out + 90.0, 1800.0)
    own = lonlat_site(shapely.Point(here))
    in_plane = [shapely.distance(own.ground, crs.to_plane(zone, crs.LONLAT)) for zone in (along, across)]
    assert in_plane[0] < in_plane[1], "the plane has them the other way round: else this shows nothing"
    measured = overlay.measure([own], layer_of([along, across], crs.LONLAT, range_m=2000.0))
    assert measured.zone.tolist() == [1] and measured.distance_m[0] == pytest.approx(1800.0, abs=1e-3)


@pytest.mark.parametrize(("across", "metres", "found"), [(90.0, 1999.99, True), (0.0, 2000.01, False)])
def test_how_far_to_look_is_measured_on_the_ellipsoid(across: float, metres: float, found: bool) -> None:
    here = (118.75, 43.9)
    out, _, _ = ELLIPSOID.inv(*here, *crs.PLANE_CENTRE)
    zone, own = _from(here, out + across, metres), lonlat_site(shapely.Point(here))
    assert (shapely.distance(own.ground, crs.to_plane(zone, crs.LONLAT)) <= 2000.0) is not found
    measured = overlay.measure([own], layer_of([zone], crs.LONLAT, range_m=2000.0))
    assert measured.relation == ((Relation.NEAR,) if found else ())


def test_two_hundred_metres_are_measured_on_the_ellipsoid() -> None:
    here = (118.75, 43.9)
    out, _, _ = ELLIPSOID.inv(*here, *crs.PLANE_CENTRE)
    own = lonlat_site(shapely.Point(here))
    inside, beyond = _from(here, out + 90.0, 199.9995), _from(here, out, 200.0010)
    in_plane = [shapely.distance(own.ground, crs.to_plane(zone, crs.LONLAT)) for zone in (inside, beyond)]
    assert in_plane[0] > 200.0 > in_plane[1], "the plane has them the other way round: else this shows nothing"
    measured = overlay.measure([own], layer_of([beyond, inside], crs.LONLAT, range_m=100.0))
    assert measured.zone.tolist() == [1] and measured.distance_m[0] == pytest.approx(199.9995, abs=1e-4)


def test_margin_is_thickness_or_distance() -> None:
    sliver = overlay.measure([site(HUNDRED)], layer_of([square(97, -50, 50, 300)]))
    assert sliver.margin_m[0] == pytest.approx(3.0, abs=0.02)
    crossing = overlay.measure([site(line((-10, 30), (110, 30)))], layer_of([HUNDRED]))
    assert crossing.margin_m[0] == pytest.approx(30.0, abs=0.5)
    well = overlay.measure([site(point(7, 50))], layer_of([HUNDRED]))
    assert well.margin_m[0] == pytest.approx(7.0, rel=1e-3)


def test_zones_of_a_shared_border_give_no_slivers() -> None:
    """Two zones share a border drawn with different vertices; the site covers both."""
    left = shapely.Polygon([(118.0, 43.6), (118.01, 43.6), (118.01, 43.605), (118.01, 43.61), (118.0, 43.61)])
    right = shapely.box(118.01, 43.6, 118.02, 43.61)
    layer = layer_of([left, right], system=crs.LONLAT)
    whole = lonlat_site(shapely.box(118.0, 43.6, 118.02, 43.61))
    measured = overlay.measure([whole], layer)
    assert measured.union_area_m2[0] == pytest.approx(whole.area_m2, rel=1e-9)
    rows = partition.areas(
        whole.ground, [(("a", layer.zone_ids[z]), p) for z, p in zip(measured.zone, measured.pieces, strict=True)]
    )
    assert sorted(row.zones for row in rows) == [(("a", "0"),), (("a", "1"),)]


def test_chainage_of_a_line_that_meets_itself() -> None:
    """A loop passes the zone twice; each passage has its own chainage."""
    loop = line((0, 0), (100, 0), (100, 100), (50, 100), (50, -100))
    measured = overlay.measure([site(loop)], layer_of([square(40, -10, 20)]))
    spans = measured.intervals_m[0]
    assert len(spans) == 2
    scale = 1.00008
    assert spans[0] == pytest.approx((40 / scale, 60 / scale), abs=1e-2)
    assert spans[1] == pytest.approx(((250 + 90) / scale, (250 + 110) / scale), abs=2e-2)


def test_a_line_that_goes_out_and_comes_back_is_covered_by_half() -> None:
    out_and_back = site(line((-1_000, 0), (1_000, 0), (-1_000, 0)))
    layer = replace(layer_of([square(0, 500, 10)]), coverage=shapely.box(-1e6, -1e6, out_and_back.ground.centroid.x, 1e6))
    assert overlay.measure([out_and_back], layer).covered_share[0] == pytest.approx(0.5, abs=1e-3)


def test_deep_overlaps_do_not_shatter_the_partition() -> None:
    chance = np.random.default_rng(3)
    pieces = []
    for i in range(90):
        angles = np.linspace(0.0, 2 * np.pi, 200, endpoint=False)
        radius = 400 * chance.uniform(0.6, 1.0, 200)
        ring = np.column_stack([500 + radius * np.cos(angles), 500 + radius * np.sin(angles)])
        pieces.append((("a", str(i)), shapely.make_valid(shapely.Polygon(ring))))
    rows = partition.areas(shapely.box(0, 0, 1000, 1000), pieces)
    assert [row.zones for row in rows] in ([(("a", "*"),), ()], [(), (("a", "*"),)])
    assert partition.total(rows) == pytest.approx(1e6, rel=1e-9)


def test_what_is_shown_follows_what_is_measured() -> None:
    """A 34 km line drawn in a projected plane bends in degrees; its middle must not stray."""
    long = site(line((-17_000, 0), (17_000, 0)))
    shown = crs.plane_of_lonlat(shapely.segmentize(long.geometry, 1e-4))
    along = shapely.points(shapely.get_coordinates(shapely.segmentize(long.ground, 100.0)))
    assert shapely.distance(along, shown).max() < 0.01


def test_a_multi_part_line_runs_on() -> None:
    parts = shapely.MultiLineString([line((0, 0), (100, 0)), line((500, 0), (600, 0))])
    measured = overlay.measure([site(parts)], layer_of([square(550, -10, 20)]))
    assert measured.intervals_m[0][0] == pytest.approx((150 / 1.00008, 170 / 1.00008), abs=1e-2)


@given(
    st.lists(
        st.tuples(st.floats(-40, 90), st.floats(-40, 90), st.floats(1, 80), st.floats(1, 80)), min_size=1, max_size=7
    )
)
@settings(max_examples=60)
def test_the_parts_add_up_and_overlaps_count_once(rectangles: list[tuple[float, float, float, float]]) -> None:
    zones = [square(*rectangle) for rectangle in rectangles]
    made = site(HUNDRED)
    measured = overlay.measure([made], layer_of(zones))
    truth = shapely.intersection(HUNDRED, shapely.union_all(zones)).area / 10_000.0
    assert measured.union_share[0] == pytest.approx(truth, abs=1e-6)
    pieces = [
        (("a", str(z)), piece)
        for z, piece, relation in zip(measured.zone, measured.pieces, measured.relation, strict=True)
        if relation.hit
    ]
    rows = partition.areas(made.ground, pieces)
    assert partition.total(rows) == pytest.approx(made.area_m2, rel=1e-9)
    assert sum(row.share_percent for row in rows) == pytest.approx(100.0, abs=1e-9)
    covered = sum(row.area_m2 for row in rows if row.zones)
    assert covered / made.area_m2 == pytest.approx(truth, abs=1e-6)


@given(st.permutations(range(5)))
def test_the_order_of_zones_changes_nothing(order: list[int]) -> None:
    zones = [square(20 * i, 7 * i, 30 + i) for i in range(5)]
    made = site(HUNDRED)
    straight = overlay.measure([made], layer_of(zones))
    shuffled = overlay.measure([made], layer_of([zones[i] for i in order]))
    assert shuffled.union_area_m2[0] == pytest.approx(straight.union_area_m2[0], rel=1e-12)
    back = {order[int(z)]: a for z, a in zip(shuffled.zone, shuffled.area_m2, strict=True)}
    assert back == pytest.approx(dict(zip(straight.zone.tolist(), straight.area_m2, strict=True)))


def test_real_water_against_geos(shared: Path) -> None:
    """Sites over real water polygons, 20 of them invalid: same pairs and areas as plain shapely."""
    table = vectorfile.read(shared / "scale" / "osm_inland_water_china_100m.fgb")
    near = shapely.intersects(table.geometries, shapely.box(118.0, 31.0, 120.5, 33.0))
    waters = table.geometries[near][:1500]
    layer = layer_of(list(waters), system="EPSG:4326", range_m=0.0)
    chance = np.random.default_rng(7)
    centres = crs.plane_of_lonlat(shapely.points(chance.uniform([118.0, 31.0], [120.5, 33.0], (400, 2))))
    grounds = shapely.buffer(centres, chance.uniform(50, 3_000, 400), quad_segs=8)
    sites = [
        replace(lonlat_site(crs.lonlat_of_plane(ground)), ground=ground, area_m2=float(ground.area))
        for ground in grounds
    ]
    measured = overlay.measure(sites, layer)
    hit = np.array([relation.hit for relation in measured.relation])
    ours = {(int(s), int(z)): a for s, z, a in zip(measured.site[hit], measured.zone[hit], measured.area_m2[hit], strict=True)}
    assert len(ours) > 100
    rows, columns = np.meshgrid(np.arange(len(sites)), np.arange(len(layer.zones)), indexing="ij")
    areas = shapely.area(shapely.intersection(grounds[rows], layer.zones[columns]))
    truth = {(int(s), int(z)): areas[s, z] for s, z in zip(*np.nonzero(areas > 1.0), strict=True)}
    assert truth.keys() <= ours.keys()
    assert {pair: ours[pair] for pair in truth} == pytest.approx(truth, rel=1e-9, abs=1e-6)
    assert all(ours[pair] < 1.0 for pair in ours.keys() - truth.keys())


def test_intervals_join_only_what_touches() -> None:
    assert intervals.merge([(0.0, 1.0), (1.0005, 2.0), (2.5, 3.0)]) == ((0.0, 2.0), (2.5, 3.0))
