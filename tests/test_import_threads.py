"""Validity asked in threads: the answers of GEOS in their order, whatever the number of cores."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from linxi_gis.importing import threads


def circle(x: float, corners: int) -> shapely.Polygon:
    turn = np.linspace(0, 2 * np.pi, corners + 1)[:-1]
    return shapely.Polygon(np.column_stack((x + np.cos(turn), np.sin(turn))))


WRONG = [
    "POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))",  # bow tie
    "POLYGON ((0 0, 4 0, 4 4, 2 0, 0 4, 0 0))",  # touches its own edge from within
    "POLYGON ((0 0, 4 0, 4 4, 4 6, 4 4, 0 4, 0 0))",  # spike
    "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (0 0, 0 4, 2 2, 0 0))",  # hole along the edge
    "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (5 5, 6 5, 6 6, 5 5))",  # hole outside
    "MULTIPOLYGON (((0 0, 2 0, 2 2, 0 2, 0 0)), ((0 0, 2 0, 2 2, 0 2, 0 0)))",  # twice the same
    "POLYGON ((0 0, 1 0, 2 0, 0 0))",  # no area
]


def zones() -> NDArray[np.object_]:
    """Outlines of 400 corners, all kinds of wrong ones and rows without a shape among them, 160,000 vertices."""
    made = [circle(3.0 * n, 400) for n in range(400)]
    for row in range(0, 400, 3):
        made[row] = shapely.from_wkt(WRONG[row % len(WRONG)])
    return np.array([None if row % 11 == 1 else shape for row, shape in enumerate(made)], dtype=object)


@pytest.mark.parametrize("cores", [None, 1, 2, 5])
def test_the_answers_are_those_of_geos_whatever_the_number_of_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int | None
) -> None:
    monkeypatch.setattr(threads.os, "cpu_count", lambda: cores)
    shapes = zones()
    asked = threads.are_valid(shapes)
    assert asked.dtype == bool and asked.tolist() == shapely.is_valid(shapes).tolist()
    assert not shapely.is_valid(shapely.from_wkt(WRONG)).any()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_few_need_no_thread(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(threads, "ThreadPoolExecutor", None)
    assert threads.are_valid(zones()[2 : 2 + count]).tolist() == shapely.is_valid(zones()[2 : 2 + count]).tolist()


def test_pieces_are_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two wait for each other: one alone would wait until the barrier breaks."""
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    both, real, seen = threading.Barrier(2, timeout=20), shapely.is_valid, set()

    def slow(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            both.wait()
        return np.asarray(real(shapes))

    monkeypatch.setattr(threads.shapely, "is_valid", slow)
    assert len(threads.are_valid(zones())) == 400 and len(seen) == 2


def test_a_large_zone_among_small_ones_does_not_put_them_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = shapely.is_valid
    monkeypatch.setattr(threads.shapely, "is_valid", lambda many: (sizes.append(len(many)), real(many))[1])
    shapes = np.array([circle(0, 60_000), *(circle(3.0 * n, 400) for n in range(1, 100))], dtype=object)
    assert threads.are_valid(shapes).all()
    assert sum(sizes) == 100 and max(sizes) <= 42
