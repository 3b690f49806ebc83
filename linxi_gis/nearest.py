"""The nearest points of shapes on the ellipsoid, where those of the area plane may be others."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.crs import FloatArray, Geometry, points_lonlat
from linxi_gis.engine import Bend
from linxi_gis.geodesy import distances
from linxi_gis.model import GeometryArray

Rows = NDArray[np.intp]

# The area plane is true at its centre; r metres away its scale differs by at most this, in any direction
# (Tissot's indicatrix by PROJ, 1 to 500 km: below the bound by 5 % and more; tests/test_engine_exact.py).
_SCALE_PER_M, _SCALE_PER_M2 = 1.9e-10, 3.3e-15
# The metric of the area plane: 1/(4R²) of the authalic sphere but for what the flattening adds to it, and the
# flattening's own terms, fitted to geodesic lengths within 80 km of the centre. The squares of lengths are off by
# at most 5e-8 there, 7e-8 within 120 km (tests/test_engine_bend.py): 0.3 mm of 10 km.
BEND = Bend(square=6.1258e-15, slope=-3.50409e-10, curve=-4.305e-17)
# A pair is looked at again when another could be nearer by this much.
TELLING_M = 2e-4
# An outline of more vertices is searched by runs of its edges.
_LARGE, _RUN = 200, 24
# So many vertices times edges are compared each with each; of more, those within reach are looked up.
_EACH = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """The shortest ways of pairs: geodesic m, degrees from north, and their ends in degrees, shape (n, 2)."""

    distance_m: FloatArray
    bearing_deg: FloatArray
    site_point: FloatArray
    zone_point: FloatArray


def scale_error(distance_m: FloatArray) -> FloatArray:
    """Return the bound of |scale - 1| of the area plane this far (m) from its centre.

    >>> float(scale_error(np.array([50_000.0]))[0]) < 2e-5
    True
    """
    return _SCALE_PER_M * distance_m + _SCALE_PER_M2 * distance_m**2


def doubtful(grounds: GeometryArray, gap_m: FloatArray) -> FloatArray:
    """Return how far (m) what is nearest on the ellipsoid may be in the plane, where the nearest there is at `gap_m`."""
    corners = np.abs(shapely.bounds(grounds)).reshape(-1, 2, 2).max(axis=1)
    worst = scale_error(np.hypot(*corners.T) + 2.0 * gap_m)  # everything within reach of the site is within that
    reach: FloatArray = gap_m * (1.0 + 2.0 * worst) + TELLING_M
    return np.where(2.0 * worst * gap_m > TELLING_M, reach, gap_m)


def gaps(grounds: GeometryArray, shapes: GeometryArray, first: Rows | None = None) -> Gaps:
    """Return the shortest way of each pair on the ellipsoid, right to 1 mm within 10 km.

    `grounds`, shape (n,), and of each the other's parts: `shapes` from row `first` on, up to those of the next
    pair (one each by default). In the plane every way is true within `scale_error`, so that the geodesically
    nearest points are among those not farther than 1 + 2·error times the plane's distance. Of all such pairs of
    a vertex and an edge the geodesic length is taken (two edges that do not meet are nearest at an end of one of
    them), the foot on the edge being the plane's: off by an angle of 2·error, which lengthens the way by
    2·error² of it, 8 µm for 10 km at the county's border. Geometries are of the area plane, metres.
    """
    if not len(grounds):
        return Gaps(np.empty(0), np.empty(0), np.empty((0, 2)), np.empty((0, 2)))
    first = np.arange(len(grounds)) if first is None else first
    pair = np.repeat(np.arange(len(first)), np.diff([*first, len(shapes)]))
    metres, near = _plane(grounds, shapes, pair)
    best = np.lexsort((metres, pair))[first]
    ends = shapely.get_coordinates(shapely.shortest_line(near[best], shapes[best])).reshape(-1, 2, 2)
    gap = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    reach = doubtful(grounds, gap)
    found, owner = [ends], [np.arange(len(ends))]
    for k in np.flatnonzero(reach > gap).tolist():
        beside = shapes[pair == k][metres[pair == k] <= reach[k]]
        more = _ways(_edges_of(grounds[k]), edges(beside), float(reach[k]))
        found.append(more)
        owner.append(np.full(len(more), k))
    return _shortest(np.concatenate(found), np.concatenate(owner), len(grounds))


def _shortest(ways: FloatArray, owner: Rows, count: int) -> Gaps:
    """Of ways in the plane, shape (m, 2, 2), the geodesically shortest of each owner."""
    lonlat = points_lonlat(ways.reshape(-1, 2)).reshape(-1, 2, 2)
    metres, bearing = distances(lonlat[:, 0], lonlat[:, 1])
    if len(ways) > count:
        order = np.lexsort((metres, owner))
        chosen = order[np.searchsorted(owner[order], np.arange(count))]
        metres, bearing, lonlat = metres[chosen], bearing[chosen], lonlat[chosen]
    return Gaps(metres, bearing, lonlat[:, 0], lonlat[:, 1])


def _plane(grounds: GeometryArray, shapes: GeometryArray, pair: Rows) -> tuple[FloatArray, GeometryArray]:
    """Return the plane's distance of each shape to the ground of its pair, and what of that ground is nearest."""
    near = grounds[pair]
    large = shapely.get_num_coordinates(grounds)[pair] > _LARGE
    metres = np.empty(len(shapes))
    metres[~large] = shapely.distance(near[~large], shapes[~large])
    for k in sorted(set(pair[large].tolist())):
        rows = np.flatnonzero(pair == k)
        inside = shapely.intersects(grounds[k], shapes[rows])  # an area's outline may be far from what is in it
        metres[rows[inside]] = 0.0
        rows = rows[~inside]
        outline = _outline(grounds[k])
        (row, run), away = outline.tree.query_nearest(shapes[rows], all_matches=False, return_distance=True)
        metres[rows[row]], near[rows[row]] = away, outline.runs[run]
    return metres, near


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """A large shape's edges, shape (n, 2, 2), and runs of them as lines, with a tree over these."""

    edges: FloatArray
    runs: GeometryArray
    tree: shapely.STRtree


class _Last(threading.local):
    """The last large shape a thread asked of: a site is measured against many layers one after the other."""

    of: Geometry | None = None
    outline: _Outline | None = None


_LAST = _Last()


def _outline(shape: Geometry) -> _Outline:
    if _LAST.of is not shape or _LAST.outline is None:
        found: list[Any] = []
        for ring in _rings(np.array([shape], dtype=object)):
            xy = shapely.get_coordinates(ring)
            found += [shapely.linestrings(xy[i : i + _RUN + 1]) for i in range(0, max(len(xy) - 1, 1), _RUN)]
        runs = np.array(found, dtype=object)
        _LAST.of, _LAST.outline = shape, _Outline(edges(shape), runs, shapely.STRtree(runs))
    return _LAST.outline


def outline(shape: Geometry) -> GeometryArray:
    """Return a shape, or of a large one its outline as runs of edges: for what is searched piece by piece."""
    if shapely.get_num_coordinates(shape) <= _LARGE:
        return np.array([shape], dtype=object)
    return _outline(shape).runs


def _edges_of(ground: Geometry) -> FloatArray:
    return _outline(ground).edges if shapely.get_num_coordinates(ground) > _LARGE else edges(ground)


def _rings(shapes: Any) -> GeometryArray:
    """The rings of areas, and lines and points as they are."""
    parts = shapely.get_parts(shapes)
    flat = shapely.get_dimensions(parts) == 2
    return shapely.get_rings(parts) if flat.all() else np.concatenate([shapely.get_rings(parts[flat]), parts[~flat]])


def edges(shapes: Any) -> FloatArray:
    """Return the edges of a shape or of an array of them, shape (n, 2, 2); a point is an edge of no length.

    >>> edges(shapely.Point(1, 2)).tolist(), len(edges(shapely.box(0, 0, 1, 1)))
    ([[[1.0, 2.0], [1.0, 2.0]]], 4)
    """
    rings = _rings(shapes)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    kept = ring[1:] == ring[:-1]
    found = np.stack([xy[:-1][kept], xy[1:][kept]], axis=1)
    if len(found) + len(rings) > len(xy) or shapely.get_type_id(rings).min(initial=1) > 0:
        return found
    points = shapely.get_coordinates(rings[shapely.get_type_id(rings) == 0])
    return np.concatenate([found, np.stack([points, points], axis=1)])


def _ways(mine: FloatArray, theirs: FloatArray, reach: float) -> FloatArray:
    """The ways of at most `reach` from a vertex of one to its foot on an edge of the other, shape (n, 2, 2)."""
    here, there = _feet(mine, theirs, reach), _feet(theirs, mine, reach)
    return np.concatenate([here, there[:, ::-1]])


def _feet(points_of: FloatArray, onto: FloatArray, reach: float) -> FloatArray:
    """Pairs of a vertex and its foot on an edge, within reach of each other, shape (n, 2, 2)."""
    low, high = onto.min(axis=(0, 1)) - reach, onto.max(axis=(0, 1)) + reach
    vertices = points_of.reshape(-1, 2)
    vertices = vertices[((vertices >= low) & (vertices <= high)).all(axis=1)]
    if not len(vertices):
        return np.empty((0, 2, 2))
    low, high = vertices.min(axis=0) - reach, vertices.max(axis=0) + reach
    onto = onto[((onto.max(axis=1) >= low) & (onto.min(axis=1) <= high)).all(axis=1)]
    if len(vertices) * len(onto) > _EACH:
        vertices = np.unique(vertices, axis=0)
        lines: Any = shapely.linestrings(onto)
        row, edge = shapely.STRtree(lines).query(shapely.points(vertices), predicate="dwithin", distance=reach)
        return np.stack([vertices[row], _foot(vertices[row], onto[edge])], axis=1)
    met = _foot(vertices[:, None], onto[None])
    row, edge = np.nonzero(((met - vertices[:, None]) ** 2).sum(axis=2) <= reach * reach)
    return np.stack([vertices[row], met[row, edge]], axis=1)


def _foot(points: FloatArray, onto: FloatArray) -> FloatArray:
    """The points of edges, shape (..., 2, 2), that are nearest to points, shape (..., 2)."""
    start, along = onto[..., 0, :], onto[..., 1, :] - onto[..., 0, :]
    square = (along**2).sum(axis=-1)
    share = ((points - start) * along).sum(axis=-1) / np.where(square > 0.0, square, 1.0)
    found: FloatArray = start + np.clip(share, 0.0, 1.0)[..., None] * along
    return found
