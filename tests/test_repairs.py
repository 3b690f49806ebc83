"""How wide the ground is on which repairs of an invalid area disagree: against arithmetic, and on real roads."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from linxi_gis.repairs import doubt_m

_IN_TRIANGLE = 2.0 * 0.25 / ((1.0 + 2.0 * math.sqrt(0.5)) / 2.0)  # circle in a right triangle of hypotenuse 1


@pytest.mark.parametrize("side", [0.5, 20.0, 3000.0])
def test_two_swapped_corners_leave_the_two_triangles_in_dispute(side: float) -> None:
    bow = shapely.Polygon(np.array([(0, 0), (1, 1), (1, 0), (0, 1)]) * side)
    assert doubt_m(bow) == pytest.approx(_IN_TRIANGLE * side, rel=0.01)


def test_a_small_loop_on_a_large_area_is_no_larger_than_the_loop() -> None:
    loop = [(251.0, 500.0), (250.0, 501.0), (250.0, 500.0), (251.0, 501.0)]
    drawn = shapely.Polygon([(0, 0), (500, 0), (500, 500), *loop, (0, 500)])
    assert not drawn.is_valid
    assert 0.0 < doubt_m(drawn) < 1.5


@pytest.mark.parametrize("drawn", [
    shapely.box(0, 0, 10, 10),
    shapely.Polygon([(0, 0), (10, 0), (10, 10), (10, 15), (10, 10), (0, 10)]),  # spike
    shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10), (0, 0), (10, 0), (10, 10), (0, 10)]),  # drawn twice
    shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(5, 0, 15, 10)]),  # parts that overlap
    shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], [[(0, 0), (5, 2), (5, 5), (2, 5)]]),
    shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)]),
])  # fmt: skip
def test_where_all_repairs_agree_there_is_no_doubt(drawn: shapely.Geometry) -> None:
    assert doubt_m(drawn) == 0.0


def test_a_hole_that_leaves_its_area_is_in_dispute_outside_it() -> None:
    hole = [(90, 40), (120, 40), (120, 60), (90, 60)]
    drawn = shapely.Polygon([(0, 0), (100, 0), (100, 100), (0, 100)], [hole])
    assert doubt_m(drawn) == pytest.approx(20.0, rel=0.01)  # 20 by 20 m of the hole lie outside


def test_a_part_inside_another_may_be_a_hole() -> None:
    nested = shapely.MultiPolygon([shapely.box(0, 0, 1000, 1000), shapely.box(300, 300, 500, 400)])
    assert not nested.is_valid
    assert doubt_m(nested) == pytest.approx(100.0, rel=0.01)
    twice = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 10)])
    assert doubt_m(twice) == 0.0


def test_a_tangle_says_nothing() -> None:
    turn = np.linspace(0.0, 2.0 * np.pi * 20.0, 42)[:-1]
    star = shapely.Polygon(np.column_stack([np.cos(turn * 0.99), np.sin(turn * 0.97)]) * 100.0)
    assert not star.is_valid
    assert doubt_m(star) == math.inf


def test_the_dispute_does_not_depend_on_where_a_ring_begins_or_which_way_it_runs() -> None:
    ring = np.array([(0, 0), (300, 10), (310, 200), (160, 60), (150, 220), (290, 150), (20, 190)], dtype=float)
    drawn = shapely.Polygon(ring)
    assert not drawn.is_valid
    widths = [doubt_m(shapely.Polygon(np.roll(ring, n, axis=0)[::way])) for n in range(len(ring)) for way in (1, -1)]
    assert widths == pytest.approx([widths[0]] * len(widths), rel=1e-9)
