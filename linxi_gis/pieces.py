"""Cut geometries into pieces that are small enough to be looked at one by one; nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

GeometryArray = NDArray[Any]
MAX_VERTICES = 128  # what PostGIS users cut to as well; from 64 to 256 the measured time is flat
_SMALLEST_M = 0.5  # what is no larger is not cut further, however many vertices it has
_CLOSURE = 1e-12  # the pieces of an area add up to it within this share, or it is cut the slow way


def cut(shapes: GeometryArray, most: int = MAX_VERTICES) -> tuple[GeometryArray, NDArray[np.int32]]:
    """Return pieces of at most `most` vertices or so, and the row of the shape each is of, sorted.

    `shapes` are valid geometries in a plane (m), of one dimension each. Areas are cut along lines
    parallel to the axes, lines into runs of vertices; points stay whole. A shape without coordinates
    has no piece.

    >>> pieces, rows = cut(np.array([shapely.Point(0, 0).buffer(9, quad_segs=100), shapely.Point()]))
    >>> len(pieces) > 3, set(rows.tolist()), round(float(shapely.area(pieces).sum()) / (81 * np.pi), 3)
    (True, {0}, 1.0)
    """
    counts, kinds = shapely.get_num_coordinates(shapes), shapely.get_dimensions(shapes)
    found: list[Any] = []
    rows: list[int] = []
    for row in np.flatnonzero(counts > 0).tolist():
        shape = shapes[row]
        if counts[row] <= most or kinds[row] == 0:
            mine = [shape]
        else:
            mine = _runs(shape, most) if kinds[row] == 1 else _cells(shape, most)
        found += mine
        rows += [row] * len(mine)
    pieces = np.empty(len(found), dtype=object)
    pieces[:] = found
    return pieces, np.array(rows, dtype=np.int32)


def _runs(line: Any, most: int) -> list[Any]:
    made: list[Any] = []
    for part in shapely.get_parts(line):
        xy = shapely.get_coordinates(part)
        made += [shapely.linestrings(xy[i : i + most]) for i in range(0, len(xy) - 1, most - 1)]
    return made


def _cells(area: Any, most: int) -> list[Any]:
    """Return the pieces of an area, cut the fast way where that keeps it whole."""
    whole = float(shapely.area(area))
    for clip in (_clipped, _met):
        try:
            made = _halved(area, most, clip)
        except shapely.errors.GEOSException:  # a corner a last bit from the cut: GEOS makes a ring of three points
            continue
        column = np.array(made, dtype=object)
        if abs(float(shapely.area(column).sum()) - whole) <= _CLOSURE * whole and shapely.is_valid(column).all():
            return made
    return [area]


def _halved(area: Any, most: int, clip: Any) -> list[Any]:
    made, todo = [], [area]
    while todo:
        one = todo.pop()
        west, south, east, north = shapely.bounds(one).tolist()
        if shapely.get_num_coordinates(one) <= most or max(east - west, north - south) <= _SMALLEST_M:
            made.append(one)
            continue
        if east - west > north - south:
            middle = (west + east) / 2.0
            halves = ((west, south, middle, north), (middle, south, east, north))
        else:
            middle = (south + north) / 2.0
            halves = ((west, south, east, middle), (west, middle, east, north))
        for box in halves:
            half = _areal(clip(one, box))
            if not half.is_empty:
                todo.append(half)
    return made


def _clipped(area: Any, box: tuple[float, float, float, float]) -> Any:
    return shapely.clip_by_rect(area, *box)


def _met(area: Any, box: tuple[float, float, float, float]) -> Any:
    return shapely.intersection(area, shapely.box(*box))


def _areal(shape: Any) -> Any:
    """Return what has area of a shape: a cut leaves lines and points where it only touches."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = shapely.get_parts(shape)
    flat = [polygon for part in parts if shapely.get_dimensions(part) == 2 for polygon in shapely.get_parts(part)]
    return shapely.multipolygons(flat) if flat else shapely.Polygon()
