"""The shortcuts of a single check give what the long way gives: GEOS on whole shapes, brute force, pyproj.Geod."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod

from linxi_gis import convex, flip, geodesic, geometry, intervals, margins, nearest, partition
from linxi_gis.cli import linxi, words
from linxi_gis.finding import Relation
from linxi_gis.zonestore import Zones

GEOD = Geod(ellps="GRS80")


def ragged(rng: np.random.Generator, x: float, y: float, radius: float, corners: int) -> shapely.Polygon:
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, corners))
    reach = radius * rng.uniform(0.5, 1.0, corners)
    ring = np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)])
    return max(shapely.get_parts(shapely.make_valid(shapely.Polygon(ring))), key=lambda part: part.area)


def winding(rng: np.random.Generator, corners: int, step: float) -> shapely.LineString:
    angle = rng.uniform(0.0, 6.28) + np.cumsum(rng.normal(0.0, 0.3, corners))
    return shapely.LineString(np.cumsum(step * np.column_stack([np.cos(angle), np.sin(angle)]), axis=0))


@pytest.mark.parametrize("span", [1e-8, 1e-4, 0.1, 5.0, 29.0])
def test_the_secant_finds_the_geodesic(span: float) -> None:
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(-180, 180, 2000), rng.uniform(-60, 60, 2000)
    there = lon + rng.uniform(-span, span, 2000) * (rng.random(2000) > 0.1), lat + rng.uniform(-span, span, 2000)
    metres, _ = geodesic.inverse(lon, lat, *there)
    assert metres == pytest.approx(GEOD.inv(lon, lat, *there)[2], rel=1e-14, abs=3e-9)


def test_copies_are_kept_by_identity_and_no_more_than_some() -> None:
    shapes = [shapely.box(n, 0, n + 1, 1) for n in range(40)]
    for shape in [*shapes, *shapes]:
        copy = geometry.own(shape)
        assert copy is not shape and copy.equals(shape) and shapely.is_prepared(copy) and not shapely.is_prepared(shape)
    assert geometry.own(shapes[-1]) is geometry.own(shapes[-1])
    assert len(geometry._OWN.copies) <= geometry._KEPT
    mine = geometry.own_sites(shapes)
    assert geometry.own_sites(list(shapes)) is mine and geometry.own_sites(shapes[:2]) is not mine


@pytest.mark.parametrize("seed", range(8))
def test_a_long_outline_is_as_far_as_all_of_it(seed: int) -> None:
    """Over 200 vertices runs of edges are searched; a shape inside an area is at no distance from it."""
    rng = np.random.default_rng(seed)
    route = winding(rng, 400, 60.0)
    ground = shapely.buffer(route, 10.0, cap_style="flat") if seed % 2 else route
    west, south, east, north = ground.bounds
    others = np.array(
        [ragged(rng, *rng.uniform([west, south], [east, north]), 150.0, 30) for _ in range(30)]
        + [shapely.Point(rng.uniform([west, south], [east, north])), route.interpolate(0.5, normalized=True).buffer(1e-3)],
        dtype=object,
    )
    found = nearest.gaps(np.array([ground] * len(others), dtype=object), others)
    assert found.distance_m == pytest.approx(shapely.distance(ground, others), rel=2e-5, abs=1e-6)
    together = nearest.gaps(np.array([ground], dtype=object), others[:30], np.array([0]))
    assert together.distance_m[0] == found.distance_m[:30].min()


def test_no_number_of_pairs_is_too_many() -> None:
    """20,000 vertices as far as one another from a point, but for one that is 1 cm nearer: it is found."""
    angle = np.linspace(0.0, 2.0 * np.pi, 20_001)
    reach = np.full(20_001, 3_000.0)
    reach[12_345] = 2_999.99
    ring = shapely.LineString(np.column_stack([reach * np.cos(angle), reach * np.sin(angle)]))
    found = nearest.gaps(np.array([shapely.Point(0, 0)], dtype=object), np.array([ring], dtype=object))
    assert found.distance_m[0] == pytest.approx(2_999.99, abs=1e-3)


@pytest.mark.parametrize("seed", range(60))
def test_the_width_of_a_strip(seed: int) -> None:
    """Bends, bulges and tapers, against a search a thousandth of the width fine."""
    rng = np.random.default_rng(seed)
    route, wide = winding(rng, 8, rng.uniform(20.0, 200.0)), rng.uniform(0.5, 25.0)
    shape: shapely.Geometry = shapely.buffer(route, wide / 2.0, cap_style="flat")
    if seed % 3 == 1:
        shape = shape.union(route.interpolate(rng.random(), normalized=True).buffer(wide * rng.uniform(0.5, 0.9)))
    if seed % 3 == 2:
        shape = shape.difference(route.interpolate(rng.random(), normalized=True).buffer(wide * 0.4))
    part = max(shapely.get_parts(shape), key=lambda one: one.area)
    truth = 2.0 * float(shapely.maximum_inscribed_circle(part, 1e-3 * wide).length)
    told = margins._strip(part, 0.0)
    assert told is None or told == pytest.approx(truth, rel=0.02, abs=0.02)
    assert margins.width(part) == pytest.approx(truth, rel=0.02, abs=2.0 * max(0.01, 0.005 * float(np.sqrt(part.area))))


@pytest.mark.parametrize("seed", range(10))
def test_the_depth_is_that_of_all_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    area = ragged(rng, 0.0, 0.0, 900.0, 40)
    piece = shapely.intersection(winding(rng, 120, 40.0), area)
    if piece.is_empty:
        return
    border, asked = shapely.boundary(area), []

    def away(points: np.ndarray) -> np.ndarray:
        asked.append(len(points))
        return np.asarray(shapely.distance(points, border))

    step = max(1.0, piece.length / 1000.0)
    every = shapely.points(shapely.get_coordinates(shapely.segmentize(piece, step)))
    assert margins.depth(piece, away) >= float(shapely.distance(every, border).max())
    assert sum(asked) < len(every) + 2 * shapely.get_num_geometries(piece)


@pytest.mark.parametrize("seed", range(10))
def test_a_rest_of_no_area_is_thin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rest = ragged(rng, 0.0, 0.0, 10.0 ** rng.uniform(-4.0, -2.0), 9)
    told = margins.rest_is_thin(rest.area, 400.0, lambda: rest)
    assert told == (margins.thickness(rest) < margins.RESOLUTION_M)


@pytest.mark.parametrize("seed", range(6))
def test_chainage_is_that_of_one_segment_after_the_other(seed: int) -> None:
    """A route that folds back and crosses itself; lengths by the plane, segment by segment."""
    rng = np.random.default_rng(seed)
    xy = np.cumsum(rng.normal(0.0, 120.0, (60, 2)), axis=0)
    route, zone = shapely.LineString([*xy, *xy[::-1]]), ragged(rng, *xy.mean(axis=0), 600.0, 25)
    chain = intervals.chain(route)
    assert intervals.chain(route) is chain
    truth = []
    for segment, start, metres in zip(chain.segments, chain.start_m, chain.length_m, strict=True):
        for part in shapely.get_parts(shapely.intersection(segment, zone)):
            if part.length > 0.0:
                ends = [segment.project(shapely.Point(end)) / segment.length for end in part.coords]
                truth.append((start + min(ends) * metres, start + max(ends) * metres))
    assert np.array(intervals.within(chain, zone)) == pytest.approx(np.array(intervals.merge(truth)), abs=1e-9)


def old_way(chain: intervals.Chain, zone: shapely.Geometry) -> tuple[intervals.Interval, ...]:
    """Every segment is cut."""
    found = []
    for segment, start, metres in zip(chain.segments, chain.start_m, chain.length_m, strict=True):
        for part in shapely.get_parts(shapely.intersection(segment, zone)):
            if part.length > 0.0:
                along = shapely.line_locate_point(segment, shapely.points(part.coords))
                scale = metres / segment.length
                found.append((start + min(along) * scale, start + max(along) * scale))
    return intervals.merge(found)


@pytest.mark.parametrize("seed", range(24))
def test_what_lies_wholly_inside_is_not_cut_and_the_chainage_stays_to_the_bit(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through an area with a hole, along its border, from vertex to vertex, back the same way, through a river."""
    rng = np.random.default_rng(seed)
    outer, hole = ragged(rng, 0.0, 0.0, 5_000.0, 1_500), shapely.box(-300.0, -250.0, 310.0, 240.0)
    zone: shapely.Geometry = outer.difference(hole)
    border, route = shapely.get_coordinates(outer)[10:60], shapely.get_coordinates(winding(rng, 300, 60.0))
    corners = [np.array([-300.0, -250.0]), np.array([-300.0, 240.0]), np.array([0.0, 240.0])]
    ways = [route, np.array([*route, *route[::-1], route[0]]), np.array([*border, *border[::-3]]), np.array([*corners, *route])]
    line = shapely.LineString(np.repeat(ways[seed % 4], 1 + seed % 2, axis=0))  # each second with stretches of no length
    if seed % 3 == 1:
        zone = shapely.MultiPolygon([*shapely.get_parts(zone), shapely.box(6_000.0, 0.0, 6_100.0, 100.0)])
    if seed % 6 == 2:
        zone = shapely.LineString(route[50:90])
    if seed % 2:
        shapely.prepare(zone)
    chain, cut = intervals.chain(line), []
    truth, real = old_way(chain, zone), shapely.intersection

    def counted(segments: np.ndarray, other: shapely.Geometry) -> np.ndarray:
        cut.append(len(segments))
        return np.asarray(real(segments, other))

    monkeypatch.setattr(shapely, "intersection", counted)
    assert intervals.within(chain, zone) == truth
    assert shapely.is_prepared(zone) == bool(seed % 2)
    if zone.geom_type != "LineString" and seed % 4 != 2:  # not the one that runs along the border
        assert sum(cut) < len(chain.segments) / 4


def test_ends_that_are_one_but_for_rounding_make_no_row() -> None:
    chain = intervals.chain(shapely.LineString([(0, 0), (3000, 7)]))
    spans = ((0.0, chain.total_m / 3.0), (chain.total_m / 3.0 + 1e-13, chain.total_m - 1e-13))
    (row,) = partition.lines(chain, [(("a", "1"), spans)])
    assert row.length_m == pytest.approx(chain.total_m, rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_a_prepared_zone_flips_as_the_whole_one(seed: int) -> None:
    """What lies near is opened of a zone of 3,000 vertices; cuts between its pieces are no border."""
    rng = np.random.default_rng(seed)
    zone = ragged(rng, 0.0, 0.0, 2_000.0, 3_000)
    zones = Zones.of(np.array([zone], dtype=object))
    assert len(zones.zone(0, zones[:0]).beside(np.array([zone], dtype=object))) > 20
    at = shapely.get_coordinates(zone)[rng.integers(0, 3_000)] if seed < 6 else np.zeros(2)
    site = shapely.box(*(at - 15.0), *(at + 15.0)) if seed % 2 else shapely.LineString([at - 40.0, at + 40.0])
    whole = flip.way_out(site, [zone], 300.0, 100_000)
    near = flip.way_out(site, flip.Prepared(zones.zone(0, zones[:0])), 300.0, 100_000)
    assert whole.complete == near.complete and (whole.shift is None) == (near.shift is None)
    if whole.shift is not None and near.shift is not None:
        assert np.hypot(*near.shift) == pytest.approx(np.hypot(*whole.shift), abs=1e-6)
    inside = shapely.box(-3.0, -3.0, 3.0, 3.0)
    told = [flip.of_pair(inside, column, 0, Relation.WITHIN, 0.0, 6.0).leave_m for column in (zones, [zone])]
    assert told[0] == pytest.approx(told[1], abs=1e-9)


def test_convex_pieces_make_up_the_shape() -> None:
    rng = np.random.default_rng(4)
    shape = ragged(rng, 0.0, 0.0, 100.0, 80)
    found = [shapely.Polygon(corners) for corners in convex.convex_pieces(shape)]
    assert all(one.area >= one.convex_hull.area * (1.0 - 1e-9) for one in found)
    assert sum(one.area for one in found) == pytest.approx(shape.area, rel=1e-12)
    assert len(found) < 60 and shapely.union_all(found).symmetric_difference(shape).area < 1e-6


@pytest.mark.parametrize("given", ["-5", "0", "20001"])
def test_a_radius_that_cannot_be_says_what_can(given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.geojson"
    site.write_text(shapely.to_geojson(shapely.box(118.05, 43.6, 118.06, 43.61)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["linxi", "check", str(site), f"--avoid={given}"])
        assert words.run(linxi) == 2
    told = capsys.readouterr().err
    assert "大于 0" in told and "不超过 20000 m" in told and "没有选项" not in told
