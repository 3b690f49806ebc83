"""The engine: squares one can reckon in the head, exact arithmetic, GEOS, and real polygons; both engines alike."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import engine_million
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from linxi_gis import crs, engine
from linxi_gis.engine import grid, pieces, plain, rings

KINDS: tuple[engine.Kind, ...] = ("fast", "plain")
box = shapely.box
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> engine.Kind:
    if request.param == "fast":
        pytest.importorskip("numba")
    return request.param  # type: ignore[no-any-return]


def column(*shapes: shapely.Geometry) -> engine_million.Shapes:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def laid(zones: engine_million.Shapes, kind: engine.Kind, cell_m: float | None = None) -> engine.Index:
    """Return the index of an engine, in cells of a given size, or pieces that small."""
    if kind == "fast":
        return engine.open_index(grid.build(zones, cell_m))
    return engine.open_index(pieces.build(zones, 128 if cell_m is None else 6))


def hits(index: engine.Index, *sites: shapely.Geometry) -> dict[tuple[int, int], float]:
    got = engine.overlaps(index, column(*sites))
    return dict(zip(zip(got.site.tolist(), got.zone.tolist(), strict=True), got.area_m2.tolist(), strict=True))


def gaps(index: engine.Index, reach: float, limit: float, *sites: shapely.Geometry) -> dict[tuple[int, int], float]:
    got = engine.near(index, column(*sites), reach, limit)
    return dict(zip(zip(got.site.tolist(), got.zone.tolist(), strict=True), got.distance_m.tolist(), strict=True))


# --- squares -----------------------------------------------------------------------------------------------

HOLED = shapely.difference(box(0, 0, 100, 100), box(40, 40, 60, 60))
TRUTH = [
    ("half in", box(0, 0, 10, 10), box(5, 0, 15, 10), 50.0, 0.0),
    ("covers", box(0, 0, 100, 100), box(10, 10, 20, 20), 100.0, 0.0),
    ("is covered", box(10, 10, 20, 20), box(0, 0, 100, 100), 100.0, 0.0),
    ("is the same", box(0, 0, 10, 10), box(0, 0, 10, 10), 100.0, 0.0),
    ("shares a border", box(0, 0, 10, 10), box(10, 0, 20, 10), 0.0, 0.0),
    ("shares a part of a border", box(0, 0, 10, 10), box(10, 3, 20, 5), 0.0, 0.0),
    ("shares a corner", box(0, 0, 10, 10), box(10, 10, 20, 20), 0.0, 0.0),
    ("corner on an edge", box(0, 0, 10, 10), shapely.Polygon([(10, 5), (15, 0), (15, 10)]), 0.0, 0.0),
    ("fills the hole", HOLED, box(40, 40, 60, 60), 0.0, 0.0),
    ("in the hole", HOLED, box(45, 45, 55, 55), 0.0, 5.0),
    ("over the hole", HOLED, box(30, 30, 70, 70), 1200.0, 0.0),
    ("a gap of 0.1 mm", box(0, 0, 10, 10), box(10.0001, 0, 20, 10), 0.0, 1e-4),
    ("an overlap of 0.1 mm", box(0, 0, 10, 10), box(9.9999, 0, 20, 10), 1e-3, 0.0),
    ("apart", box(0, 0, 10, 10), box(13, 14, 20, 20), 0.0, 5.0),
    ("two parts", box(0, 0, 10, 10), shapely.union(box(-5, 0, 1, 10), box(9, 0, 15, 10)), 20.0, 0.0),
    ("hole on the border", HOLED, box(60, 40, 70, 60), 200.0, 0.0),
    ("a parcel of 1 mm", HOLED, box(10, 10, 10.001, 10.001), 1e-6, 0.0),
]


@pytest.mark.parametrize("offset", [0.0, 4096.0, 123_456.0, 4_500_000.0])
@pytest.mark.parametrize("cell_m", [None, 1.0, 8.0, 512.0])
def test_the_truth_table(kind: engine.Kind, cell_m: float | None, offset: float) -> None:
    for name, zone, site, area, distance in TRUTH:
        law, ground = (shapely.transform(shape, lambda xy: xy + offset) for shape in (zone, site))
        index = laid(column(law), kind, cell_m)
        got = hits(index, ground)
        slack = 1e-11 + 100 * np.spacing(offset)
        assert got.get((0, 0), 0.0) == pytest.approx(area, abs=slack), name
        assert bool(got) == (area > 0.0), name
        gap = gaps(index, 0.0, 1000.0, ground)[0, 0]
        assert gap == pytest.approx(distance, abs=1e-9 + np.spacing(offset)), name
        assert (gap == 0.0) == (distance == 0.0), name


def test_zones_that_overlap_or_come_twice_are_each_told(kind: engine.Kind) -> None:
    index = laid(column(box(0, 0, 10, 10), box(0, 0, 10, 10), box(5, 0, 15, 10)), kind)
    assert hits(index, box(0, 0, 10, 10)) == pytest.approx({(0, 0): 100.0, (0, 1): 100.0, (0, 2): 50.0})
    assert gaps(index, 50.0, 50.0, box(20, 0, 30, 10)) == {(0, 0): 10.0, (0, 1): 10.0, (0, 2): 5.0}


def test_of_zones_equally_near_the_first_is_the_nearest(kind: engine.Kind) -> None:
    index = laid(column(box(30, 0, 40, 10), box(-20, 0, -10, 10), box(-20, 0, -10, 10)), kind)
    assert gaps(index, 1.0, 1000.0, box(0, 0, 20, 10)) == {(0, 0): 10.0}
    assert gaps(index, 1.0, 9.0, box(0, 0, 20, 10)) == {}


def test_the_reach_counts_every_zone_and_the_range_only_where_none_is_in_reach(kind: engine.Kind) -> None:
    index = laid(column(box(0, 0, 10, 10), box(13, 0, 20, 10), box(100, 0, 110, 10)), kind)
    sites = box(11, 0, 12, 10), box(60, 0, 70, 10), box(500, 0, 510, 10)
    assert gaps(index, 3.0, 200.0, *sites) == {(0, 0): 1.0, (0, 1): 1.0, (1, 2): 30.0}


def test_the_nearest_points_are_on_the_outlines(kind: engine.Kind) -> None:
    got = engine.near(laid(column(box(0, 0, 10, 10)), kind), column(box(13, 14, 20, 20)), 0.0, 100.0)
    assert got.site_xy.tolist() == [[13.0, 14.0]]
    assert got.zone_xy.tolist() == [[10.0, 10.0]]


def test_where_outlines_touch_both_points_are_the_place(kind: engine.Kind) -> None:
    got = engine.near(laid(column(box(0, 0, 10, 10)), kind), column(box(10, 10, 20, 20)), 0.0, 100.0)
    assert got.site_xy.tolist() == got.zone_xy.tolist() == [[10.0, 10.0]]


def test_a_site_larger_than_the_whole_grid(kind: engine.Kind) -> None:
    zones = column(box(0, 0, 10, 10), HOLED, box(3, 3, 3.9, 4))
    site = shapely.difference(box(-1e5, -1e5, 1e5, 1e5), box(1e4, 0, 2e4, 9e4))
    for cell_m in (None, 1.0):
        assert hits(laid(zones, kind, cell_m), site) == pytest.approx({(0, 0): 100.0, (0, 1): 9600.0, (0, 2): 0.9})


@pytest.mark.parametrize("cell_m", [None, 4.0])
def test_sites_across_and_beyond_the_edge_of_the_grid(kind: engine.Kind, cell_m: float | None) -> None:
    index = laid(column(box(0, 0, 32, 32)), kind, cell_m)
    for dx, dy in [(-5, -5), (-5, 11), (-5, 27), (11, -5), (11, 27), (27, -5), (27, 11), (27, 27), (11, 11)]:
        site = box(dx, dy, dx + 10, dy + 10)
        area = shapely.area(shapely.intersection(site, box(0, 0, 32, 32)))
        assert hits(index, site) == pytest.approx({(0, 0): area})
        away = shapely.transform(site, lambda xy: xy + np.array([1e6, 0.0]))
        assert not hits(index, away)
        assert gaps(index, 1.0, 1e7, away) == pytest.approx({(0, 0): 1e6 + dx - 32})


def test_a_corridor_longer_than_the_grid(kind: engine.Kind) -> None:
    index = laid(column(box(0, 0, 32, 32)), kind, 2.0)
    corridor = shapely.buffer(shapely.LineString([(-1e4, -1e4 + 1), (1e4, 1e4 + 1)]), 2.0, cap_style="flat")
    true = shapely.area(shapely.intersection(corridor, box(0, 0, 32, 32)))
    assert hits(index, corridor) == pytest.approx({(0, 0): true}, rel=1e-11)


def test_nothing_is_near_in_an_empty_layer(kind: engine.Kind) -> None:
    for zones in (column(), column(shapely.Polygon()), np.array([None], dtype=object)):
        index = laid(zones, kind)
        assert hits(index, box(0, 0, 1, 1), shapely.Polygon()) == {}
        assert gaps(index, 10.0, 1e9, box(0, 0, 1, 1)) == {}


def test_empty_zones_and_sites_keep_the_rows_of_others(kind: engine.Kind) -> None:
    index = laid(column(shapely.Polygon(), box(0, 0, 10, 10)), kind)
    assert hits(index, shapely.Polygon(), box(5, 5, 6, 6)) == pytest.approx({(1, 1): 1.0})
    assert gaps(index, 5.0, 5.0, shapely.Polygon(), box(12, 0, 13, 1)) == {(1, 1): 2.0}


def test_a_zone_too_thin_to_have_an_area_is_still_met(kind: engine.Kind) -> None:
    at = 1e5
    needle = shapely.Polygon([(at, at), (at + 10, at), (at + 10, np.nextafter(at, np.inf))])
    index = laid(column(needle, box(0, 0, 1, 1)), kind)
    assert gaps(index, 0.0, 0.0, box(at - 50, at - 50, at + 50, at + 50)) == {(0, 0): 0.0}
    other = laid(column(box(at - 50, at - 50, at + 50, at + 50)), kind)
    assert gaps(other, 0.0, 0.0, needle) == {(0, 0): 0.0}


def test_more_sites_on_more_threads_give_what_one_by_one_gives(kind: engine.Kind) -> None:
    rng = np.random.default_rng(5)
    world = engine_million.World(1000.0, 0.0, 0.0, None, 0.0, 1.0, 16)
    zones = engine_million.shapes(rng, world, 60)
    corner = rng.uniform(0.0, 1000.0, (3000, 2))
    sites = shapely.box(*corner.T, *(corner + 20.0).T)
    index = laid(zones, kind)
    many = engine.overlaps(index, sites, threads=3)
    alone = [engine.overlaps(index, sites[k : k + 1]) for k in range(0, 3000, 50)]
    for k, one in zip(range(0, 3000, 50), alone, strict=True):
        mine = many.site == k
        assert many.zone[mine].tolist() == one.zone.tolist()
        assert many.area_m2[mine] == pytest.approx(one.area_m2, rel=1e-12, abs=1e-9)
    near = engine.near(index, sites, 5.0, 500.0, many, threads=3)
    assert np.array_equal(np.lexsort((near.zone, near.site)), np.arange(len(near.site)))
    for k in range(0, 3000, 50):
        one_near = engine.near(index, sites[k : k + 1], 5.0, 500.0)
        mine = near.site == k
        assert near.zone[mine].tolist() == one_near.zone.tolist()
        assert near.distance_m[mine] == pytest.approx(one_near.distance_m, abs=1e-9)


def test_one_index_serves_many_threads_at_once(kind: engine.Kind) -> None:
    rng = np.random.default_rng(6)
    zones = engine_million.shapes(rng, engine_million.World(1000.0, 0.0, 0.0, None, 0.0, 1.0, 16), 40)
    corner = rng.uniform(0.0, 1000.0, (600, 2))
    index, answers = laid(zones, kind, 16.0), list[Any]()

    def ask() -> None:
        sites = shapely.box(*corner.T, *(corner + 30.0).T)  # each thread has its own: GEOS prepares them
        answers.append(engine.near(index, sites, 10.0, 100.0).distance_m)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(np.array_equal(answer, answers[0]) for answer in answers)


# --- exact arithmetic --------------------------------------------------------------------------------------


def exact_area(one: shapely.Geometry, other: shapely.Geometry) -> Fraction:
    """The common area of two polygons in rational numbers: by vertical strips between all corners and crossings."""
    edges = [[_edges(ring) for ring in _rings(shape)] for shape in (one, other)]
    flat = [[edge for ring in rings_ for edge in ring] for rings_ in edges]
    cuts = {x for part in flat for edge in part for x in (edge[0], edge[2])}
    cuts |= {x for a in flat[0] + flat[1] for b in flat[0] + flat[1] if (x := _crossing(a, b)) is not None}
    total, ordered = Fraction(0), sorted(cuts)
    for left, right in itertools.pairwise(ordered):
        middle = (left + right) / 2
        spans = [sorted(_height(edge, middle) for edge in part if edge[0] < middle < edge[2]) for part in flat]
        # In a strip without corners and crossings every span is a trapezoid: its middle height times its width.
        for low, high in zip(spans[0][::2], spans[0][1::2], strict=True):
            for floor, top in zip(spans[1][::2], spans[1][1::2], strict=True):
                total += max(Fraction(0), min(high, top) - max(low, floor)) * (right - left)
    return total


Edge = tuple[Fraction, Fraction, Fraction, Fraction]


def _rings(shape: shapely.Geometry) -> list[Any]:
    return [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]


def _edges(ring: Any) -> list[Edge]:
    points = [(Fraction(x), Fraction(y)) for x, y in ring.coords]
    pairs = [sorted(pair) for pair in itertools.pairwise(points)]
    return [(a[0], a[1], b[0], b[1]) for a, b in pairs if a[0] != b[0]]


def _height(edge: Edge, x: Fraction) -> Fraction:
    return edge[1] + (edge[3] - edge[1]) * (x - edge[0]) / (edge[2] - edge[0])


def _crossing(a: Edge, b: Edge) -> Fraction | None:
    slope = (a[3] - a[1]) / (a[2] - a[0]) - (b[3] - b[1]) / (b[2] - b[0])
    return None if slope == 0 else a[0] - (_height(a, a[0]) - _height(b, a[0])) / slope


def test_the_oracle_itself() -> None:
    assert exact_area(box(0, 0, 3, 3), shapely.Polygon([(0, 0), (3, 3), (3, 0)])) == Fraction(9, 2)
    assert exact_area(HOLED, box(30, 30, 70, 70)) == 1200


@given(st.integers(0, 10_000), st.sampled_from([1.0, 4.0, 16.0]))
@settings(max_examples=15)
def test_areas_and_hits_are_those_of_rational_arithmetic(seed: int, cell_m: float) -> None:
    rng = np.random.default_rng(seed)
    world = engine_million.World(12.0, 1.0, 0.0, None, 0.0, 1.0, 16)
    zones, sites = (engine_million.shapes(rng, world, 4, thin=0.0) for _ in range(2))
    for kind in KINDS if engine.choose() == "fast" else KINDS[1:]:
        got = hits(laid(zones, kind, cell_m), *sites)
        for i, site in enumerate(sites):
            for j, zone in enumerate(zones):
                true = exact_area(site, zone)
                assert ((i, j) in got) == (true > 0)
                assert abs(got.get((i, j), 0.0) - float(true)) <= 1e-12 * shapely.area(site)


@given(st.lists(st.tuples(*[st.sampled_from([0.1, 0.3, 12.0, 24.0, 1e5 / 3])] * 2, st.integers(-2, 2)), min_size=3, max_size=3))
def test_the_turn_of_three_points_is_that_of_rational_arithmetic(raw: list[tuple[float, float, int]]) -> None:
    pytest.importorskip("numba")
    from linxi_gis.engine import gaps as compiled

    points = np.array([(x + n * np.spacing(x), y) for x, y, n in raw])
    (ax, ay), (bx, by), (cx, cy) = ([Fraction(float(v)) for v in point] for point in points)
    true = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    assert compiled.turn(points) == (true > 0) - (true < 0)


# --- GEOS, and each other ----------------------------------------------------------------------------------


@given(st.integers(0, 2**31))
@settings(max_examples=12)
def test_both_engines_say_what_geos_says_of_random_and_adversarial_pairs(seed: int) -> None:
    for kind in KINDS if engine.choose() == "fast" else KINDS[1:]:
        pairs, told = engine_million.compare(seed, 30, 15, kind)
        assert pairs > 50
        assert told == []


def test_a_difference_would_be_seen() -> None:
    zones, sites = column(box(0, 0, 10, 10)), column(box(5, 0, 15, 10), box(20, 0, 30, 10))
    index = laid(zones, "plain")
    got, near = engine.overlaps(index, sites), engine.near(index, sites, 0.0, 100.0)
    assert not list(engine_million.differences(sites, zones, got, near, 0.0, 100.0))
    got.area_m2[0] += 1e-6
    near.distance_m[0] = 1e-12
    told = " ".join(engine_million.differences(sites, zones, got, near, 0.0, 100.0))
    assert "area 0 0" in told
    assert "meets 0 0" in told


# --- real polygons -----------------------------------------------------------------------------------------


REAL = [
    ("osm_inland_water_china_100m", (115.0, 41.0, 121.0, 46.0)),
    ("inner_mongolia_counties_amap_wgs84", (118.0, 43.4, 118.6, 43.9)),
]


@pytest.mark.parametrize(("name", "extent"), REAL)
def test_real_polygons(shared: Path, kind: engine.Kind, name: str, extent: tuple[float, ...]) -> None:
    pyogrio = pytest.importorskip("pyogrio")
    frame = pyogrio.read_dataframe(shared / "scale" / f"{name}.fgb", columns=[], bbox=extent)
    drawn = np.asarray(frame.geometry.values, dtype=object)
    zones = np.asarray(crs.to_plane(drawn[shapely.is_valid(drawn)]), dtype=object)
    zones = zones[shapely.is_valid(zones)]
    rng = np.random.default_rng(3)
    xy = shapely.get_coordinates(zones)
    at = xy[rng.integers(0, len(xy), 40)]  # corners of sites on corners of zones: near them is where it is hard
    size = rng.choice([30.0, 300.0, 3000.0, 30_000.0], (40, 1))
    sites = np.concatenate([shapely.box(*at.T, *(at + size).T), zones[rng.integers(0, len(zones), 2)]])
    index = engine.open_index(engine.build(zones, kind))
    got = engine.overlaps(index, sites)
    near = engine.near(index, sites, 200.0, 50_000.0, got)
    tree = shapely.STRtree(zones)
    met, close = tree.query(sites, predicate="intersects")[1], tree.query_nearest(sites)[1]
    some = np.unique(np.concatenate([met, close, near.zone, rng.integers(0, len(zones), 5)]))
    assert np.isin(got.zone, some).all()
    row = np.full(len(zones), -1)
    row[some] = np.arange(len(some))
    assert len(got.site) > 20
    got = engine.Overlaps(got.site, row[got.zone], got.area_m2, got.girth_m)
    near = engine.Near(near.site, row[near.zone], near.distance_m, near.site_xy, near.zone_xy)
    told = list(engine_million.differences(sites, zones[some], got, near, 200.0, 50_000.0))
    assert told == []


# --- the index and the house -------------------------------------------------------------------------------


def test_an_index_may_be_mapped_from_disk(kind: engine.Kind, tmp_path: Path) -> None:
    zones, site = column(box(0, 0, 10, 10), HOLED), column(box(5, 5, 45, 45))
    arrays = engine.build(zones, kind)
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") if arrays[name].size else arrays[name] for name in arrays}
    one, other = (engine.overlaps(engine.open_index(a), site) for a in (arrays, mapped))
    assert one.area_m2.tolist() == other.area_m2.tolist()
    assert len(one.zone) == 2


def test_an_index_takes_about_forty_bytes_a_vertex() -> None:
    pytest.importorskip("numba")
    angle = np.linspace(0.0, 2.0 * np.pi, 100_001)[:-1]
    ragged = 3e4 * (1.0 + 0.01 * np.sin(1000.0 * angle))
    arrays = grid.build(column(shapely.Polygon(np.c_[ragged * np.cos(angle), ragged * np.sin(angle)])))
    assert sum(array.nbytes for array in arrays.values()) / 100_001 < 45.0


def test_a_thousand_zones_over_each_other_do_not_swell_the_index() -> None:
    pytest.importorskip("numba")
    arrays = grid.build(shapely.box(np.arange(1000.0), 0.0, 60_000.0, 90_000.0))
    assert sum(array.nbytes for array in arrays.values()) < 20e6


def test_a_cut_through_a_corner_that_geos_refuses_is_made_the_slow_way() -> None:
    corner = float.fromhex("0x1.4000000000020p+2")  # the cut is at 5
    zone = shapely.Polygon([(-8, 5102), (-8, 5124), (corner, 5124), (0, 5120), (18, 5120), (18, 5102)])
    with pytest.raises(shapely.GEOSException):
        shapely.clip_by_rect(zone, 5.0, 5101.0, 19.0, 5125.0)
    index = engine.open_index(pieces.build(column(zone), 5))
    assert isinstance(index, plain.Pieces)
    assert len(index.zone) > 1
    assert hits(index, box(-100, 4000, 100, 6000)) == pytest.approx({(0, 0): zone.area}, rel=1e-12)


def test_rings_are_turned_and_closed() -> None:
    clockwise = shapely.Polygon([(0, 0), (0, 9), (9, 9), (9, 0)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    made = rings.of(column(shapely.MultiPolygon([clockwise, box(20, 0, 21, 1)]), box(0, 0, 1, 1)))
    signed = [shapely.LinearRing(made.xy[a:b]).is_ccw for a, b in zip(made.ring, made.ring[1:], strict=False)]
    assert signed == [True, False, True, True]
    assert made.shape.tolist() == [0, 3, 4]
    assert made.edges().tolist() == [0, 12, 16]


def test_lines_and_points_are_met_and_have_no_area(kind: engine.Kind) -> None:
    zones = column(
        shapely.LineString([(0, 0), (100, 0)]), shapely.Point(50, 30), box(0, 50, 10, 60),
        shapely.MultiPoint([(900, 900), (45, 0), (500, 0)]),
    )  # fmt: skip
    index = engine.open_index(engine.build(zones, kind))
    sites = column(box(40, -5, 60, 5), shapely.LineString([(0, 10), (0, 20)]), shapely.Point(5, 55))
    got = engine.near(index, sites, 25.0, 100.0)
    found = dict(zip(zip(got.site.tolist(), got.zone.tolist(), strict=True), got.distance_m.tolist(), strict=True))
    assert found == {(0, 0): 0.0, (0, 1): 25.0, (0, 3): 0.0, (1, 0): 10.0, (2, 2): 0.0}
    assert len(engine.overlaps(index, sites).site) == 0


def test_one_part_of_many_is_enough_to_meet(kind: engine.Kind) -> None:
    """The part that lies inside is not the first, and no outline is crossed."""
    at = 2.0**40
    needle = shapely.Polygon([(at, at), (at + 10, at), (at + 10, np.nextafter(at, np.inf))])
    far = shapely.transform(needle, lambda xy: xy + 1000.0)
    index = laid(column(shapely.MultiPolygon([needle, far]), box(at - 500, at - 500, at - 400, at - 400)), kind)
    assert gaps(index, 0.0, 0.0, box(at + 900, at + 900, at + 1100, at + 1100))[0, 0] == 0.0
    lines = shapely.MultiLineString([[(at, at + 50), (at + 5, at + 50)], [(at - 450, at - 450), (at - 440, at - 450)]])
    assert gaps(index, 0.0, 0.0, lines) == {(0, 1): 0.0}


def test_a_collection_is_refused(kind: engine.Kind) -> None:
    mixed = column(shapely.GeometryCollection([shapely.Point(0, 0), box(0, 0, 1, 1)]))
    with pytest.raises(ValueError, match="collection"):
        engine.build(mixed, kind)
    index = engine.open_index(engine.build(column(box(0, 0, 9, 9)), kind))
    with pytest.raises(ValueError, match="collection"):
        engine.overlaps(index, mixed)


def test_both_are_what_each_is(kind: engine.Kind) -> None:
    rng = np.random.default_rng(4)
    world = engine_million.worlds(0)
    sites, zones = engine_million.shapes(rng, world, 40), engine_million.shapes(rng, world, 30)
    index = engine.open_index(engine.build(zones, kind))
    met, near = engine.both(index, sites, 20.0, 500.0)
    one, other = engine.overlaps(index, sites), engine.near(index, sites, 20.0, 500.0)
    assert len(met.site) > 20
    for mine, its in ((met, one), (near, other)):
        for name in mine.__slots__:
            assert np.array_equal(getattr(mine, name), getattr(its, name)), name


def test_the_plain_engine_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINXI_ENGINE", "plain")
    assert engine.choose() == "plain"
    assert not engine.warm()


def test_without_numba_the_plain_engine_is_chosen() -> None:
    code = (
        "import sys; sys.modules['numba'] = None; import importlib.util as u; u.find_spec = lambda n, *a: None\n"
        "from linxi_gis import engine; import shapely, numpy as np\n"
        "assert engine.choose() == 'plain' and not engine.warm()\n"
        "z = np.array([shapely.box(0, 0, 2, 2)]); i = engine.open_index(engine.build(z))\n"
        "assert engine.overlaps(i, z).area_m2.tolist() == [4.0]\n"
        "try: import linxi_gis.engine.fast\n"
        "except ImportError: print('told')"
    )
    path = os.pathsep.join([str(ROOT), *map(str, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "told", done.stderr


@pytest.mark.parametrize(
    ("called", "caller", "name"),
    [
        ("outline", "kernels", "OUTLINE"), ("outline", "gaps", "OUTLINE"), ("segments", "gaps", "SEGMENTS"),
        ("kernels", "gaps", "KERNELS"), ("grid", "gaps", "GRID"),
    ],
)  # fmt: skip
def test_a_kernel_changes_with_the_code_it_calls(called: str, caller: str, name: str) -> None:
    folder = ROOT / "linxi_gis" / "engine"
    text = (folder / f"{called}.py").read_text(encoding="utf-8")
    stamp = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert f'{name} = "{stamp}"' in (folder / f"{caller}.py").read_text(encoding="utf-8"), f"write {stamp}"


def test_a_numba_that_cannot_be_loaded_is_none(tmp_path: Path) -> None:
    """As one left behind by an upgrade of numpy: batches and the service go on without it, and say so."""
    (tmp_path / "numba").mkdir()
    (tmp_path / "numba" / "__init__.py").write_text('raise ImportError("Numba needs NumPy 2.2 or less")\n', encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    words = {key: value for key, value in os.environ.items() if key != "LINXI_ENGINE"}
    code = "from linxi_gis import engine; print(engine.choose(), engine.warm())"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**words, "PYTHONPATH": path}, capture_output=True, text=True, check=True,
        encoding="utf-8",
    )  # fmt: skip
    assert done.stdout.split() == ["plain", "False"] and "numba" in done.stderr
