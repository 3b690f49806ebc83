"""Shapes as flat arrays: what the compiled engine reads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
GeometryArray = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Shapes in the area plane: rings of polygons (closed, shells counter-clockwise, holes clockwise), lines, points.

    `xy` metres, shape (n, 2); rows `ring[r]` to `ring[r + 1]` of it are ring r, shape (r + 1,); rings
    `shape[s]` to `shape[s + 1]` are shape s, shape (s + 1,). An empty shape has no rings. `solid` tells polygons,
    shape (s,); of the others a ring is a line, open unless drawn closed, or a point told twice. `order` are the shapes
    along a Z-order curve, once somebody asked.
    """

    xy: FloatArray
    ring: NDArray[np.int64]
    shape: NDArray[np.int64]
    solid: NDArray[np.bool_]
    order: NDArray[np.intp] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.shape) - 1

    def edges(self) -> NDArray[np.int64]:
        """Return the number of edges before each shape, shape (s + 1,)."""
        return self.ring[self.shape] - self.shape


def of(shapes: GeometryArray) -> Rings:
    """Return the rings of geometries of any kind, shape (s,); None and empty ones have none.

    Raises ValueError for a collection: what is neither area nor line nor point cannot be measured.

    >>> rings = of(np.array([shapely.box(0, 0, 2, 1), shapely.Polygon(), shapely.Point(3, 4)]))
    >>> rings.xy.shape, rings.ring.tolist(), rings.shape.tolist(), rings.solid.tolist()
    ((7, 2), [0, 5, 7], [0, 1, 1, 2], [True, False, False])
    """
    held = np.asarray(shapes, dtype=object)
    if len(held) == 1:
        alone = _alone(held[0])
        if alone is not None:
            return alone
    kind, empty = shapely.get_type_id(held), shapely.is_empty(held)
    if ((kind == _COLLECTION) & ~empty).any():
        raise ValueError("a collection has no rings; take its parts")
    if (kind == _POLYGON).all() and (shapely.get_num_interior_rings(held) == 0).all():
        return _plain(held, ~empty)
    return _any(held, np.isin(kind, _AREAS) & ~empty)


def _alone(shape: object) -> Rings | None:
    """Return the ring of one polygon without holes; None for anything else. A check of one site counts in microseconds."""
    if not isinstance(shape, shapely.Polygon) or shapely.get_num_interior_rings(shape) or shape.is_empty:
        return None
    xy = shapely.get_coordinates(shape)
    x, y = (xy - xy[0]).T
    if x[:-1] @ y[1:] < x[1:] @ y[:-1]:
        xy = np.ascontiguousarray(xy[::-1])
    return Rings(xy, np.array([0, len(xy)], dtype=np.int64), np.array([0, 1], dtype=np.int64), np.ones(1, dtype=np.bool_))


def _plain(shapes: GeometryArray, solid: NDArray[np.bool_]) -> Rings:
    """Return the rings of polygons without holes, as nearly all parcels are: a ring each."""
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    count = np.bincount(row, minlength=len(shapes))
    ring = np.concatenate([[0], np.cumsum(count[count > 0])])
    shape = np.concatenate([[0], np.cumsum(count > 0)])
    shells = np.zeros(len(ring) - 1, dtype=bool)
    return Rings(_turned(xy, ring, shells, ~shells), ring, shape, solid)


def _any(shapes: GeometryArray, solid: NDArray[np.bool_]) -> Rings:
    """Return the rings of polygons, lines and points, simple and multiple."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    filled = ~shapely.is_empty(parts)
    parts, owner = parts[filled], owner[filled]
    lines, part = shapely.get_rings(parts, return_index=True)
    open_ = np.flatnonzero(shapely.get_dimensions(parts) < 2)
    if len(open_):
        lines, part = np.concatenate([lines, parts[open_]]), np.concatenate([part, open_])
        order = np.argsort(part, kind="stable")
        lines, part = lines[order], part[order]
    xy, row = shapely.get_coordinates(lines, return_index=True)
    twice = np.where(np.bincount(row, minlength=len(lines)) == 1, 2, 1)[row]  # a point
    xy, row = np.repeat(xy, twice, axis=0), np.repeat(row, twice)
    ring = np.zeros(len(lines) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=len(lines)), out=ring[1:])
    shape = np.zeros(len(shapes) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner[part], minlength=len(shapes)), out=shape[1:])
    hole = np.zeros(len(lines), dtype=bool)
    hole[1:] = part[1:] == part[:-1]  # the first ring of a part is its shell
    return Rings(_turned(xy, ring, hole, solid[owner[part]]), ring, shape, solid)


_POLYGON, _AREAS, _COLLECTION = 3, (3, 6), 7


def areas(shapes: GeometryArray) -> NDArray[np.bool_]:
    """Return which geometries are polygons, multipolygons, empty or None, shape (n,)."""
    kind = shapely.get_type_id(shapes)
    return np.asarray(np.isin(kind, _AREAS) | (kind == -1) | shapely.is_empty(shapes), dtype=np.bool_)


def _turned(
    xy: FloatArray, ring: NDArray[np.int64], hole: NDArray[np.bool_], solid: NDArray[np.bool_]
) -> FloatArray:
    """Return coordinates with every ring of a polygon the right way round."""
    if not len(xy):
        return np.zeros((0, 2))
    first, count = ring[:-1], np.diff(ring)
    local = xy - np.repeat(xy[first], count, axis=0)  # large eastings would drown the area of a small ring
    cross = np.zeros(len(xy))
    cross[1:] = local[:-1, 0] * local[1:, 1] - local[1:, 0] * local[:-1, 1]
    cross[first] = 0.0
    wrong = ((np.add.reduceat(cross, first) < 0.0) != hole) & solid
    if not wrong.any():
        return np.ascontiguousarray(xy)
    row = np.arange(len(xy))
    mirrored = np.repeat(2 * first + count - 1, count) - row
    return np.ascontiguousarray(xy[np.where(np.repeat(wrong, count), mirrored, row)])
