"""Rings to a polygon: nesting decides what is a hole and what a second part, and it is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.errors import GEOSException

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.geometry import check_tangle, unrepairable

# Our choice: 60 vertices cross at most 1770 times; a thousand could half a million times.
SMALL_RING = 60
# Our limit, some seconds: pairs of rings of one plot whose boxes meet; five hundred holes make a thousand.
MOST_PAIRS = 100_000
_SHOWN = 20


def split_closed(ring: FloatArray) -> list[FloatArray]:
    """Cut a run of points where it returns to its start: several rings under one number.

    >>> [len(r) for r in split_closed(np.array([[0, 0], [1, 0], [0, 1], [0, 0], [5, 5], [6, 5], [5, 6.0]]))]
    [4, 3]
    """
    pieces: list[FloatArray] = []
    start = 0
    while len(ring) - start > 4:
        same = _next_same(ring, start)
        if same is None or same == len(ring) - 1:
            break
        pieces.append(ring[start : same + 1])
        start = same + 1
    if start < len(ring):
        pieces.append(ring[start:])
    return pieces


def _next_same(ring: FloatArray, start: int) -> int | None:
    """Where a ring meets its start again, three points on or more; the window doubles, so that many
    small rings in one run cost no more than their points.
    """
    first, width = start + 3, 64
    while first < len(ring):
        same = np.flatnonzero((ring[first : first + width] == ring[start]).all(axis=1))
        if same.size:
            return first + int(same[0])
        first, width = first + width, 2 * width
    return None


def assemble(rings: Sequence[FloatArray], where: str) -> tuple[Geometry, tuple[Issue, ...]]:
    """Return the polygon of rings (closed or not), each of shape (n, 2), and what was decided.

    A ring inside an odd number of others is a hole, any other a part of its own (even-odd nesting).
    Raises InputError for a ring of fewer than three different points.
    """
    shells = [shapely.Polygon(_checked(ring, n, where)) for n, ring in enumerate(rings, 1)]
    if len(shells) == 1:
        return shells[0], _closing(rings, where)
    solid = [mended(shell) for shell in shells]
    inside = _inside(solid, where)
    holes: list[list[int]] = [[] for _ in shells]
    for k, around in enumerate(inside):
        for j in around:
            if len(around) % 2 and len(inside[j]) == len(around) - 1:
                holes[j].append(k)
    parts = [
        shapely.Polygon(shells[j].exterior, [shells[k].exterior for k in holes[j]])
        for j, around in enumerate(inside)
        if len(around) % 2 == 0
    ]
    polygon = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return polygon, (*_closing(rings, where), _nesting(inside, where))


def mended(geometry: Geometry) -> Geometry:
    """Return a valid geometry; the slow linework method (every crossing a node) only for small rings.

    Raises InputError for a tangle and for what GEOS cannot repair.

    >>> mended(shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")).area
    2.0
    """
    if geometry.is_valid:
        return geometry
    check_tangle(geometry, "")
    try:
        repaired = shapely.make_valid(geometry, method="structure", keep_collapsed=True)
    except GEOSException as error:
        raise unrepairable("") from error
    nothing = shapely.get_dimensions(geometry) == 2 and shapely.area(repaired) == 0.0
    if not nothing or shapely.get_num_coordinates(geometry) >= SMALL_RING:
        return repaired
    try:
        return shapely.make_valid(geometry)
    except GEOSException:  # a shell of one place, with a hole
        return repaired


def _inside(solid: Sequence[Geometry], where: str) -> list[list[int]]:
    """For each ring those it lies in, in order; of two equal rings the earlier holds the later.

    Raises InputError when more rings lie about each other than can be compared.
    """
    shapes = np.array(solid, dtype=object)
    inner, outer = shapely.STRtree(shapes).query(shapes)
    if len(inner) > MOST_PAIRS:
        what = f"{len(solid)} 圈互相重叠或套叠，超过可比较的上限（{MOST_PAIRS} 对）"
        raise InputError(what, where=where, remedy="请拆成几个地块，并删去重复的圈")
    held = shapely.covered_by(shapes[inner], shapes[outer])
    pairs = set(zip(inner[held].tolist(), outer[held].tolist(), strict=True))
    inside: list[list[int]] = [[] for _ in solid]
    for j, i in sorted(pairs):
        if i != j and (i < j or (i, j) not in pairs):
            inside[j].append(i)
    return inside


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
        text=f"{where} 有 {len(inside)} 圈：{'；'.join(words[:_SHOWN]) or '第 1 圈为外圈'}"
        + (f"；等 {len(words)} 项" if len(words) > _SHOWN else ""),
        remedy="若与图件不符，请核对圈号与界址点",
    )


def _closing(rings: Sequence[FloatArray], where: str) -> tuple[Issue, ...]:
    open_rings = [str(n) for n, ring in enumerate(rings, 1) if not np.array_equal(ring[0], ring[-1])]
    return (ring_closed(where, "、".join(open_rings)),) if open_rings else ()


def ring_closed(where: str, numbers: str = "1") -> Issue:
    """Return the Issue that tells that rings were written open."""
    return Issue("ring_closed", "info", f"{where} 第 {numbers} 圈首尾点不同，已连接首尾闭合")
