"""Polygons as flat arrays: what the compiled engine reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
GeometryArray = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Polygons in the area plane: every ring closed, shells counter-clockwise, holes clockwise.

    `xy` metres, shape (n, 2); rows `ring[r]` to `ring[r + 1]` of it are ring r, shape (r + 1,); rings
    `shape[s]` to `shape[s + 1]` are shape s, shape (s + 1,). An empty shape has no rings.
    """

    xy: FloatArray
    ring: NDArray[np.int64]
    shape: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.shape) - 1

    def edges(self) -> NDArray[np.int64]:
        """Return the number of edges before each shape, shape (s + 1,)."""
        return self.ring[self.shape] - self.shape


def of(polygons: GeometryArray) -> Rings:
    """Return the rings of polygons and multipolygons, shape (s,); None and empty ones have none.

    Raises ValueError for a geometry that has no area by its kind: lines and points are not measured here.

    >>> rings = of(np.array([shapely.box(0, 0, 2, 1), shapely.Polygon()]))
    >>> rings.xy.shape, rings.ring.tolist(), rings.shape.tolist()
    ((5, 2), [0, 5], [0, 1, 1])
    """
    shapes = np.asarray(polygons, dtype=object)
    if not areas(shapes).all():
        raise ValueError("only polygons and multipolygons have rings")
    if (shapely.get_num_interior_rings(shapes) == 0).all() and (shapely.get_type_id(shapes) == 3).all():
        return _plain(shapes)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    lines, part = shapely.get_rings(parts, return_index=True)
    xy, row = shapely.get_coordinates(lines, return_index=True)
    ring = np.zeros(len(lines) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=len(lines)), out=ring[1:])
    shape = np.zeros(len(shapes) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner[part], minlength=len(shapes)), out=shape[1:])
    hole = np.zeros(len(lines), dtype=bool)
    hole[1:] = part[1:] == part[:-1]  # the first ring of a part is its shell
    return Rings(_turned(xy, ring, hole), ring, shape)


def _plain(shapes: GeometryArray) -> Rings:
    """Return the rings of polygons without holes, as nearly all parcels are: a ring each."""
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    count = np.bincount(row, minlength=len(shapes))
    ring = np.concatenate([[0], np.cumsum(count[count > 0])])
    shape = np.concatenate([[0], np.cumsum(count > 0)])
    return Rings(_turned(xy, ring, np.zeros(len(ring) - 1, dtype=bool)), ring, shape)


def areas(shapes: GeometryArray) -> NDArray[np.bool_]:
    """Return which geometries are polygons, multipolygons, empty or None, shape (n,)."""
    kind = shapely.get_type_id(shapes)
    return np.asarray((kind == 3) | (kind == 6) | (kind == -1) | shapely.is_empty(shapes), dtype=np.bool_)


def _turned(xy: FloatArray, ring: NDArray[np.int64], hole: NDArray[np.bool_]) -> FloatArray:
    """Return coordinates with every ring the right way round."""
    if not len(xy):
        return np.zeros((0, 2))
    first, count = ring[:-1], np.diff(ring)
    local = xy - np.repeat(xy[first], count, axis=0)  # large eastings would drown the area of a small ring
    cross = np.zeros(len(xy))
    cross[1:] = local[:-1, 0] * local[1:, 1] - local[1:, 0] * local[:-1, 1]
    cross[first] = 0.0
    wrong = (np.add.reduceat(cross, first) < 0.0) != hole
    if not wrong.any():
        return np.ascontiguousarray(xy)
    row = np.arange(len(xy))
    mirrored = np.repeat(2 * first + count - 1, count) - row
    return np.ascontiguousarray(xy[np.where(np.repeat(wrong, count), mirrored, row)])
