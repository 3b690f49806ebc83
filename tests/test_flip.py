"""Flip distances against brute force: all directions, bisection, GEOS; and squares one can compute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from shapely import affinity
from yard import DAY, HUNDRED, RULES, line, point, red_line, site, square

from linxi_gis import convex, flip
from linxi_gis.assess import assess
from linxi_gis.finding import Hit, Relation

K = 1.00008


def blob(rng: np.random.Generator, centre: Sequence[float], radius: float, corners: int) -> shapely.Polygon:
    angle = (np.arange(corners) + rng.uniform(0.1, 0.9, corners)) * 2.0 * np.pi / corners
    reach = radius * rng.uniform(0.35, 1.0, corners)
    return shapely.Polygon(np.column_stack([centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle)]))


def meets(one: shapely.Geometry, other: shapely.Geometry, shift: Sequence[float]) -> bool:
    common = shapely.intersection(affinity.translate(one, *shift), other)
    return bool(common.area > 1e-12 if shapely.get_dimensions(one) == 2 else common.length > 1e-9)


def brute(one: shapely.Geometry, other: shapely.Geometry, most: float, directions: int = 120) -> float:
    """The smallest shift that parts two shapes, over directions, steps of 1/40 of `most`, and bisection."""
    best = np.inf
    for angle in np.linspace(0.0, 2.0 * np.pi, directions, endpoint=False):
        way = np.array([np.cos(angle), np.sin(angle)])
        last = 0.0
        for size in np.linspace(0.0, 1.2 * most, 49)[1:]:
            if last >= best:
                break
            if not meets(one, other, size * way):
                low, high = last, float(size)
                while high - low > 1e-7:
                    middle = (low + high) / 2.0
                    low, high = (middle, high) if meets(one, other, middle * way) else (low, middle)
                best = min(best, high)
                break
            last = float(size)
    return float(best)


@pytest.mark.parametrize("seed", range(12))
def test_way_out_against_brute_force(seed: int) -> None:
    """Convex, ragged, with holes, in parts: nothing brute force finds is shorter, and what is found parts them."""
    rng = np.random.default_rng(seed)
    one = blob(rng, (0, 0), 10, 4 + seed % 5)
    other: shapely.Geometry = blob(rng, rng.uniform(-9, 9, 2), rng.uniform(6, 25), 5 + seed % 9)
    if seed % 3 == 0:
        other = shapely.difference(other, blob(rng, shapely.get_coordinates(other.centroid)[0], 4, 5))
    if seed % 4 == 0:
        other = shapely.union_all([other, blob(rng, (22, 3), 8, 7)])
    if not meets(one, other, (0, 0)):
        other = affinity.translate(other, *(shapely.get_coordinates(one.centroid)[0] - shapely.get_coordinates(other)[0]))
    way = flip.way_out(one, [other], 500.0, 100_000)
    assert way.complete and way.shift is not None
    size = float(np.hypot(*way.shift))
    assert shapely.intersection(affinity.translate(one, *way.shift), other).area < 1e-6
    found = brute(one, other, size)
    assert size <= found + 2e-5  # an overlap of 1e-12 m² counts as none in brute force
    assert found <= size * 1.03 + 1e-3  # directions are 3° apart


def test_squares() -> None:
    """A 10 m square 3 m deep in another leaves by 3 m; in the middle of a wide one by the nearer side and itself."""
    zone = shapely.box(0, 0, 100, 40)
    assert np.hypot(*flip.way_out(shapely.box(-7, 10, 3, 20), [zone], 50.0).shift or (0, 0)) == pytest.approx(3.0)
    assert np.hypot(*flip.way_out(shapely.box(50, 12, 60, 22), [zone], 50.0).shift or (0, 0)) == pytest.approx(22.0)


def test_a_way_out_through_a_hole_and_none_through_a_slit() -> None:
    ring = shapely.box(0, 0, 100, 100).difference(shapely.box(40, 40, 60, 60))
    inner = flip.way_out(shapely.box(30, 45, 40, 55), [ring], 80.0)
    assert inner.shift == pytest.approx((10.0, 0.0))
    slit = shapely.MultiPolygon([shapely.box(0, 0, 49.9, 100), shapely.box(50.1, 0, 100, 100)])
    assert np.hypot(*flip.way_out(shapely.box(45, 40, 55, 60), [slit], 200.0).shift or (0, 0)) == pytest.approx(55.0)


def test_two_zones_are_left_together() -> None:
    """Leaving one zone alone would lead into the other."""
    left, right = shapely.box(0, 0, 10, 100), shapely.box(12, 0, 22, 100)
    way = flip.way_out(shapely.box(8, 40, 12, 44), [left, right], 100.0)
    assert way.shift == pytest.approx((-12.0, 0.0))
    assert np.hypot(*flip.way_out(shapely.box(8, 40, 12, 44), [left], 100.0).shift or (0, 0)) == pytest.approx(2.0)


@pytest.mark.parametrize("seed", range(4))
def test_lines_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    route = shapely.LineString(np.cumsum(rng.uniform(2, 6, (5, 2)) * rng.choice([-1, 1, 1], (5, 2)), axis=0))
    zone = blob(rng, shapely.get_coordinates(route.centroid)[0], 9, 8)
    assert meets(route, zone, (0, 0))
    way = flip.way_out(route, [zone], 100.0, 100_000)
    size = float(np.hypot(*(way.shift or (0.0, 0.0))))
    found = brute(route, zone, size)
    assert size <= found + 1e-4 and found <= size * 1.03 + 1e-3


def test_beyond_the_reach_and_beyond_the_sums() -> None:
    zone = shapely.Point(0, 0).buffer(300.0, quad_segs=200)
    site_ = shapely.Point(0, 0).buffer(50.0)
    far = flip.way_out(site_, [zone], 100.0, 100_000)
    assert far.shift is None and far.complete and far.searched_m == 100.0
    many = flip.way_out(site_, [zone], 1_000.0, 10)
    assert many.shift is None and not many.complete


def test_convex_pieces_make_up_the_shape() -> None:
    rng = np.random.default_rng(9)
    for corners in (4, 9, 30):
        shape = blob(rng, (0, 0), 50, corners)
        pieces = [shapely.Polygon(piece) for piece in convex.convex_pieces(shape)]
        assert sum(piece.area for piece in pieces) == pytest.approx(shape.area, rel=1e-12)
        assert all(piece.area == pytest.approx(piece.convex_hull.area, rel=1e-9) for piece in pieces)
        assert shapely.union_all(pieces).symmetric_difference(shape).area < 1e-9 * shape.area
        assert len(pieces) < max(2, corners - 2)


def only(folder: object, drawn: object, zone: object) -> Hit:
    (one,) = assess([site(drawn)], red_line(folder, [zone]), RULES, DAY)  # type: ignore[arg-type]
    (layer,) = [layer for layer in one.layers if layer.id == "redline"]
    return layer.hits[0] if layer.hits else layer.nearest  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("drawn", "zone", "relation", "flips", "leaves", "words"),
    [
        pytest.param(HUNDRED, square(97, -50, 50, 300), "overlaps", 3, None, "不再命中", id="three metres over a border"),
        pytest.param(HUNDRED, square(-10, -20, 500), "within", 110, 10, "不再全部位于其内", id="within, near one side"),
        pytest.param(HUNDRED, square(10, 10, 20), "contains", 30, None, "不再命中", id="contains a zone"),
        pytest.param(HUNDRED, square(150, 0, 50), "near", 50, None, "即命中", id="apart"),
        pytest.param(HUNDRED, square(100, 0, 50), "touches", 0, None, "即命中", id="a shared border"),
        pytest.param(point(7, 50), HUNDRED, "within", 7, None, "不再命中", id="a point"),
        pytest.param(line((-10, 30), (110, 30)), HUNDRED, "crosses", 30, None, "不再命中", id="a line through"),
        pytest.param(HUNDRED, point(98, 50), "contains", 2, None, "不再命中", id="a well inside"),
    ],
)
def test_flips_of_an_assessment(
    tmp_path: object, drawn: object, zone: object, relation: str, flips: float, leaves: float | None, words: str
) -> None:
    hit = only(tmp_path, drawn, zone)
    assert hit.relation is Relation(relation)
    assert hit.flip_m == pytest.approx(flips / K, abs=1e-3, rel=3e-5)
    assert (hit.leave_m is None) == (leaves is None)
    if leaves is not None:
        assert hit.leave_m == pytest.approx(leaves / K, abs=1e-3)
    assert words in hit.flip_label


def test_the_margin_never_exceeds_the_flip(tmp_path: object) -> None:
    """A circle in both must leave the zone: thickness is a lower bound of the shift."""
    hit = only(tmp_path, HUNDRED, square(60, 70, 80))
    assert hit.margin_m <= (hit.flip_m or 0.0) * (1.0 + 1e-4)
    assert hit.flip_m == pytest.approx(30.0 / K, abs=1e-2)
