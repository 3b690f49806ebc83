"""Rings to a polygon: nesting decides what is a hole and what a second part, and it is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue

# Our choice: 60 vertices cross at most 1770 times; a thousand could half a million times.
SMALL_RING = 60


def split_closed(ring: FloatArray) -> list[FloatArray]:
    """Cut a run of points where it returns to its start: several rings under one number.

    >>> [len(r) for r in split_closed(np.array([[0, 0], [1, 0], [0, 1], [0, 0], [5, 5], [6, 5], [5, 6.0]]))]
    [4, 3]
    """
    pieces: list[FloatArray] = []
    start = 0
    while len(ring) - start > 4:
        same = np.flatnonzero((ring[start + 3 :] == ring[start]).all(axis=1))
        if not same.size or start + 3 + int(same[0]) == len(ring) - 1:
            break
        end = start + 4 + int(same[0])
        pieces.append(ring[start:end])
        start = end
    if start < len(ring):
        pieces.append(ring[start:])
    return pieces


def assemble(rings: Sequence[FloatArray], where: str) -> tuple[Geometry, tuple[Issue, ...]]:
    """Return the polygon of rings (closed or not), each of shape (n, 2), and what was decided.

    A ring inside an odd number of others is a hole, any other a part of its own (even-odd nesting).
    Raises InputError for a ring of fewer than three different points.
    """
    shells = [shapely.Polygon(_checked(ring, n, where)) for n, ring in enumerate(rings, 1)]
    if len(shells) == 1:
        return shells[0], _closing(rings, where)
    solid = [mended(shell) for shell in shells]
    inside = [[i for i in range(len(shells)) if i != j and _holds(solid, i, j)] for j in range(len(shells))]
    parts = []
    for j, around in enumerate(inside):
        if len(around) % 2 == 0:
            holes = [k for k, outer in enumerate(inside) if j in outer and len(outer) == len(around) + 1]
            parts.append(shapely.Polygon(shells[j].exterior, [shells[k].exterior for k in holes]))
    polygon = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return polygon, (*_closing(rings, where), _nesting(inside, where))


def mended(geometry: Geometry) -> Geometry:
    """Return a valid geometry; the slow linework method (every crossing a node) only for small rings.

    >>> mended(shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")).area
    2.0
    """
    if geometry.is_valid:
        return geometry
    repaired = shapely.make_valid(geometry, method="structure", keep_collapsed=True)
    nothing = shapely.get_dimensions(geometry) == 2 and shapely.area(repaired) == 0.0
    small = shapely.get_num_coordinates(geometry) < SMALL_RING
    return shapely.make_valid(geometry) if nothing and small else repaired


def _holds(solid: Sequence[Geometry], outer: int, inner: int) -> bool:
    """Whether one ring lies in another; of two equal rings the earlier holds the later."""
    if not shapely.covers(solid[outer], solid[inner]):
        return False
    return not shapely.covers(solid[inner], solid[outer]) or outer < inner


def _checked(ring: FloatArray, number: int, where: str) -> FloatArray:
    if len(np.unique(ring, axis=0)) < 3:
        raise InputError(
            f"第 {number} 圈只有 {len(ring)} 个界址点，不足 3 个不同的点，围不成地块",
            where=where,
            remedy="请补全界址点后重新提交",
        )
    return ring


def _nesting(inside: Sequence[Sequence[int]], where: str) -> Issue:
    words = []
    for j, around in enumerate(inside):
        if len(around) % 2:
            words.append(f"第 {j + 1} 圈位于第 {around[-1] + 1} 圈之内，按孔洞扣除")
        elif j:
            words.append(f"第 {j + 1} 圈按独立的一块计入")
    return Issue(
        code="rings_nested",
        severity="info",
        text=f"{where} 有 {len(inside)} 圈：{'；'.join(words) or '第 1 圈为外圈'}",
        remedy="若与图件不符，请核对圈号与界址点",
    )


def _closing(rings: Sequence[FloatArray], where: str) -> tuple[Issue, ...]:
    open_rings = [str(n) for n, ring in enumerate(rings, 1) if not np.array_equal(ring[0], ring[-1])]
    if not open_rings:
        return ()
    numbers = "、".join(open_rings)
    return (Issue("ring_closed", "info", f"{where} 第 {numbers} 圈首尾点不同，已连接首尾闭合"),)
