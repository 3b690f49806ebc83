"""The exact share of every cell of a grid that a polygon covers, by summing its edges; no cell is cut as a polygon.

Coordinates are columns and rows of the grid: cell (j, i) is the square i..i+1 by j..j+1. An edge changes the share
of its own cell by the trapezium to its right, and that of every further cell of the row by its height, so that a
running sum along each row gives the shares (Green's theorem, cell by cell). Exact but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.crs import FloatArray, Geometry

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A block of cells: rows and columns from the first to before the last."""

    row: int
    row_end: int
    col: int
    col_end: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.row_end - self.row, self.col_end - self.col


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The edges of a polygon cut at every line of the grid: ends, shape (n,), and the cell each lies in."""

    x0: FloatArray
    x1: FloatArray
    y0: FloatArray
    y1: FloatArray
    row: Ints
    col: Ints


def edges_of(polygon: Geometry) -> Edges:
    """Return the edges of a polygon, or of several that do not overlap, in cell coordinates."""
    rings, _ = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(polygon)), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    return _cut(xy[edge], xy[edge + 1])


def edges_of_line(line: Geometry) -> Edges:
    """Return the edges of a line, or of several, in cell coordinates.

    >>> edges_of_line(shapely.LineString([(0.5, 0.5), (2.5, 0.5)])).col.tolist()
    [0, 1, 2]
    """
    xy, part = shapely.get_coordinates(shapely.get_parts(line), return_index=True)
    edge = np.flatnonzero(part[1:] == part[:-1])
    return _cut(xy[edge], xy[edge + 1])


def _cut(start: FloatArray, end: FloatArray) -> Edges:
    """Cut edges, shape (n, 2) each, wherever they cross a line of the grid."""
    owner, at = [np.arange(len(start))], [np.zeros(len(start))]
    for axis in (0, 1):
        low, high = np.minimum(start[:, axis], end[:, axis]), np.maximum(start[:, axis], end[:, axis])
        first = np.floor(low).astype(np.int64) + 1
        count = np.maximum(np.ceil(high).astype(np.int64) - first, 0)
        edge = np.repeat(np.arange(len(start)), count)
        line = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
        owner.append(edge)
        at.append((line - start[edge, axis]) / (end[edge, axis] - start[edge, axis]))
    edges, share = np.concatenate(owner), np.clip(np.concatenate(at), 0.0, 1.0)
    order = np.lexsort((share, edges))
    edges, share = edges[order], share[order]
    last = np.append(edges[1:] != edges[:-1], True)
    until = np.where(last, 1.0, np.append(share[1:], 1.0))
    way = end - start
    a = start[edges] + share[:, None] * way[edges]
    b = np.where(last[:, None], end[edges], start[edges] + until[:, None] * way[edges])
    middle = np.floor((a + b) / 2.0).astype(np.int64)
    return Edges(a[:, 0], b[:, 0], a[:, 1], b[:, 1], middle[:, 1], middle[:, 0])


def shares(edges: Edges, window: Window) -> FloatArray:
    """Return the share of each cell of a window that the polygon covers, 0..1, shape (rows, columns).

    >>> triangle = edges_of(shapely.Polygon([(0, 0), (2, 0), (0, 2)]))
    >>> shares(triangle, Window(0, 2, 0, 2)).tolist()
    [[1.0, 0.5], [0.5, 0.0]]
    >>> shares(triangle, Window(1, 2, 0, 1)).tolist()
    [[0.5]]
    """
    rows, columns = window.shape
    mine = (edges.row >= window.row) & (edges.row < window.row_end) & (edges.col < window.col_end)
    row, col = edges.row[mine] - window.row, edges.col[mine] - window.col
    height = edges.y0[mine] - edges.y1[mine]
    across = (edges.x0[mine] + edges.x1[mine]) / 2.0 - edges.col[mine]
    across, col = np.where(col < 0, 0.0, across), np.maximum(col, 0)  # what lies to the left fills the row from its start
    place = row * (columns + 1) + col
    size = rows * (columns + 1)
    steps = np.bincount(place, height * (1.0 - across), size) + np.bincount(place + 1, height * across, size + 1)[:size]
    found: FloatArray = np.clip(np.cumsum(steps.reshape(rows, columns + 1), axis=1)[:, :columns], 0.0, 1.0)
    found[found < 1e-12] = 0.0  # what rounding leaves of a sum that should be nothing
    return found
