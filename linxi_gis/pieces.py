"""Cut geometries into pieces that are small enough to be looked at one by one; nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

GeometryArray = NDArray[Any]
Box = tuple[float, float, float, float]
MAX_VERTICES = 128  # what PostGIS users cut to as well; from 64 to 256 the measured time is flat
_MULTIPOLYGON = 6
_SMALLEST_M = 0.5  # what is no larger is not cut further, however many vertices it has
_CLOSURE = 1e-12  # the pieces of an area add up to it within this share, or it is cut the slow way
_PLACE = 1e-10  # likewise their centre of gravity, within this share of the coordinates


def cut(shapes: GeometryArray, most: int = MAX_VERTICES) -> tuple[GeometryArray, NDArray[np.int32]]:
    """Return pieces of at most `most` vertices or so, and the row of the shape each is of, sorted.

    `shapes` are valid geometries in a plane (m), of one dimension each. Areas are cut along lines
    parallel to the axes and into their parts, lines into runs of vertices; points stay whole. A shape
    without coordinates has no piece.

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
    return _apart(pieces, np.array(rows, dtype=np.int32))


def _apart(pieces: GeometryArray, rows: NDArray[np.int32]) -> tuple[GeometryArray, NDArray[np.int32]]:
    """Take areas of several parts apart: the boxes of parts are small, that of all of them is mostly empty."""
    several = np.flatnonzero(shapely.get_type_id(pieces) == _MULTIPOLYGON)
    parts, of = shapely.get_parts(pieces[several], return_index=True)
    others = np.setdiff1d(np.arange(len(pieces)), several)
    order = np.argsort(np.concatenate([others, several[of]]), kind="stable")
    return np.concatenate([pieces[others], parts])[order], np.concatenate([rows[others], rows[several[of]]])[order]


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
        if abs(float(shapely.area(column).sum()) - whole) <= _CLOSURE * whole and _in_place(area, column):
            return made
    return [area]


def _in_place(area: Any, column: GeometryArray) -> bool:
    """Whether pieces are valid and lie where the area does: not one too large and another as much too small."""
    moment = (shapely.get_coordinates(shapely.centroid(column)) * shapely.area(column)[:, None]).sum(axis=0)
    off = np.abs(moment / shapely.area(area) - shapely.get_coordinates(shapely.centroid(area))[0])
    far = float(np.abs(shapely.bounds(area)).max())
    return bool((off <= _PLACE * far).all() and shapely.is_valid(column).all())


def _halved(area: Any, most: int, clip: Any) -> list[Any]:
    """Return the halves of halves until they are small; a round halves all that are still too large."""
    made: list[Any] = []
    shapes = np.array([area], dtype=object)
    while len(shapes):
        bounds = shapely.bounds(shapes)
        wide, high = (bounds[:, 2:] - bounds[:, :2]).T
        small = (shapely.get_num_coordinates(shapes) <= most) | (np.maximum(wide, high) <= _SMALLEST_M)
        made += shapes[small].tolist()
        todo = zip(shapes[~small], bounds[~small].tolist(), (wide > high)[~small].tolist(), strict=True)
        halves = [clip(one, box) for one, sides, across in todo for box in _boxes(sides, across)]
        shapes = np.empty(len(halves), dtype=object)
        shapes[:] = halves
        mixed = (shapely.get_type_id(shapes) != 3).nonzero()[0]
        shapes[mixed] = [_areal(shape) for shape in shapes[mixed]]
        shapes = shapes[~shapely.is_empty(shapes)]
    return made


def _boxes(sides: list[float], across: bool) -> tuple[Box, Box]:
    """Return boxes about the halves of a box, west and east or south and north, that meet in the middle.

    Their other sides stand off: `clip_by_rect` joins corners that lie on the sides of its box the wrong way, taking
    from one half what it adds to the other (GEOS 3.14; tests/test_pieces.py).
    """
    west, south, east, north = sides
    low, left, top, right = south - 1.0, west - 1.0, north + 1.0, east + 1.0
    if across:
        middle = (west + east) / 2.0
        return (left, low, middle, top), (middle, low, right, top)
    middle = (south + north) / 2.0
    return (left, low, right, middle), (left, middle, right, top)


def _clipped(area: Any, box: Box) -> Any:
    return shapely.clip_by_rect(area, *box)


def _met(area: Any, box: Box) -> Any:
    return shapely.intersection(area, shapely.box(*box))


def _areal(shape: Any) -> Any:
    """Return what has area of a shape: a cut leaves lines and points where it only touches."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = shapely.get_parts(shape)
    flat = [polygon for part in parts if shapely.get_dimensions(part) == 2 for polygon in shapely.get_parts(part)]
    return shapely.multipolygons(flat) if flat else shapely.Polygon()
