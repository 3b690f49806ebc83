"""A shape as convex pieces: what shifts of it are added up from."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.model import GeometryArray
from linxi_gis.nearest import edges, outline

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The convex pieces of a shape, shape (n,): a tree over them, and their corners by their number.

    `size` is the number of corners of each, `place` its row in `corners[size]`, shape (m, size, 2). `middles`
    are points of the shape's parts, one each: well inside of an area, halfway along a line. `coarse` covers the
    pieces by fewer geometries, where there are.
    """

    tree: shapely.STRtree
    size: Rows
    place: Rows
    corners: dict[int, FloatArray]
    middles: FloatArray
    coarse: GeometryArray


class _Last(threading.local):
    """The last shape a thread asked of: a site is compared with one zone after the other."""

    of: Geometry | None = None
    pieces: Pieces | None = None


_LAST = _Last()


def pieces(shape: Geometry) -> Pieces:
    """Return the convex pieces of a shape; those of the last one are kept."""
    if _LAST.of is not shape or _LAST.pieces is None:
        found = convex_pieces(shape)
        size = np.array([len(corners) for corners in found], dtype=np.intp)
        place = np.zeros(len(found), dtype=np.intp)
        corners = {}
        for count in sorted(set(size.tolist())):
            rows = np.flatnonzero(size == count)
            place[rows] = np.arange(len(rows))
            corners[count] = np.stack([found[row] for row in rows])
        owner = np.repeat(np.arange(len(found)), size)
        bodies: Any = shapely.multipoints(np.concatenate(found), indices=owner)
        tree = shapely.STRtree(shapely.convex_hull(bodies))
        coarse = tree.geometries if shapely.get_dimensions(shape) == 2 else outline(shape)
        _LAST.of, _LAST.pieces = shape, Pieces(tree, size, place, corners, _middles(shape), coarse)
    return _LAST.pieces


def sums(pieces: Pieces, lines: FloatArray, line: Rows, piece: Rows) -> GeometryArray:
    """Return the convex hulls of all `lines[line] - piece`, of those that are areas; lines have shape (n, 2, 2)."""
    found: list[Any] = []
    for count in sorted(set(pieces.size[piece].tolist())):
        mine = pieces.size[piece] == count
        corners = pieces.corners[count][pieces.place[piece[mine]]]
        ends: Any = lines[line[mine]][:, :, None] - corners[:, None]
        hulls = shapely.convex_hull(shapely.linestrings(ends.reshape(len(ends), -1, 2)))
        found.append(hulls[shapely.get_dimensions(hulls) == 2])
    return np.concatenate([np.empty(0, dtype=object), *found])


def _middles(shape: Geometry) -> FloatArray:
    found = []
    for part in shapely.get_parts(shape):
        if shapely.get_dimensions(part) == 2:
            middle = shapely.maximum_inscribed_circle(part, 0.05 * float(np.sqrt(part.area)))
        else:
            middle = shapely.line_interpolate_point(part, 0.5, normalized=True)
        found.append(shapely.get_coordinates(middle)[0])
    return np.array(found).reshape(-1, 2)


def convex_pieces(shape: Geometry) -> list[FloatArray]:
    """Return the corners of convex pieces that make up a shape: triangles put together again, edges of lines.

    >>> [len(corners) for corners in convex_pieces(shapely.box(0, 0, 1, 1))]
    [4]
    """
    found: list[FloatArray] = []
    for part in shapely.get_parts(shape):
        if shapely.get_dimensions(part) < 2:
            found.extend(edges(part))
            continue
        hull = shapely.convex_hull(part)
        if part.area >= hull.area * (1.0 - 1e-12):
            found.append(shapely.get_coordinates(hull)[:-1])
        else:
            found.extend(_merged(shapely.get_parts(shapely.constrained_delaunay_triangles(part))))
    return found


_Corner = tuple[float, float]


def _merged(triangles: GeometryArray) -> list[FloatArray]:
    """Put triangles that share an edge together as long as they stay convex (Hertel and Mehlhorn, 1983)."""
    xy = shapely.get_coordinates(shapely.orient_polygons(triangles)).reshape(-1, 4, 2)[:, :3]
    rings: list[list[_Corner]] = [[(x, y) for x, y in ring] for ring in xy.tolist()]
    owner = {edge: k for k, ring in enumerate(rings) for edge in zip(ring, ring[1:] + ring[:1], strict=True)}
    alive = list(range(len(rings)))

    def top(k: int) -> int:
        while alive[k] != k:
            k = alive[k]
        return k

    for (a, b), k in owner.items():
        other = owner.get((b, a))
        if other is None:
            continue
        one, two = top(k), top(other)
        joined = None if one == two else _joined(rings[one], rings[two], a, b)
        if joined is not None:
            rings[one], alive[two] = joined, one
    return [np.array(ring) for k, ring in enumerate(rings) if alive[k] == k]


def _joined(one: list[_Corner], two: list[_Corner], a: _Corner, b: _Corner) -> list[_Corner] | None:
    """One convex ring of two that share the edge a-b (b-a in the other), None when it would not be convex."""
    i, j = one.index(b), two.index(a)
    first, second = one[i:] + one[:i], two[j:] + two[:j]  # from b to a; from a to b
    if _turn(first[-2], a, second[1]) < 0.0 or _turn(second[-2], b, first[1]) < 0.0:
        return None  # elsewhere both turn as they did
    return first + second[1:-1]


def _turn(before: _Corner, here: _Corner, after: _Corner) -> float:
    east, north = here[0] - before[0], here[1] - before[1]
    return east * (after[1] - here[1]) - north * (after[0] - here[0])
