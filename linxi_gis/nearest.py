"""The nearest points of two shapes on the ellipsoid, where those of the area plane may be others."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry, points_lonlat
from linxi_gis.engine import Bend
from linxi_gis.geodesy import distances
from linxi_gis.model import GeometryArray

# The area plane is true at its centre; r metres away its scale differs by at most this, in any direction
# (Tissot's indicatrix by PROJ, 1 to 500 km: below the bound by 5 % and more; tests/test_engine_exact.py).
_SCALE_PER_M, _SCALE_PER_M2 = 1.9e-10, 3.3e-15
# The metric of the area plane: 1/(4R²) of the authalic sphere but for what the flattening adds to it, and the
# flattening's own terms, fitted to geodesic lengths within 80 km of the centre. The squares of lengths are off by
# at most 5e-8 there, 7e-8 within 120 km (tests/test_engine_bend.py): 0.3 mm of 10 km.
BEND = Bend(square=6.1258e-15, slope=-3.50409e-10, curve=-4.305e-17)
# A pair is looked at again when another could be nearer by this much.
TELLING_M = 2e-4
# Our choice: two outlines that run side by side for 100 km have no more pairs of points worth a look.
_MOST_PAIRS = 200_000


def scale_error(distance_m: FloatArray) -> FloatArray:
    """Return the bound of |scale - 1| of the area plane this far (m) from its centre.

    >>> float(scale_error(np.array([50_000.0]))[0]) < 2e-5
    True
    """
    return _SCALE_PER_M * distance_m + _SCALE_PER_M2 * distance_m**2


def refine(grounds: GeometryArray, zones: GeometryArray, ends: FloatArray) -> FloatArray:
    """Return the nearest points of pairs on the ellipsoid; `ends` are those of the plane, shape (n, 2, 2).

    In the plane every way is true within `scale_error`, so that the geodesically nearest points are among
    those not farther than 1 + 2·error times the plane's distance. Of all such pairs of a vertex and an edge
    the geodesic length is taken (two edges that do not meet are nearest at an end of one of them), the foot on
    the edge being the plane's: off by an angle of 2·error, which lengthens the way by 2·error² of it, 8 µm
    for 10 km at the county's border. All coordinates are of the area plane, metres.
    """
    made = ends.copy()
    gap = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    corners = np.abs(shapely.bounds(grounds)).reshape(-1, 2, 2).max(axis=1)
    worst = scale_error(np.hypot(*corners.T) + 2.0 * gap)  # everything within reach of the site is within that
    for k in np.flatnonzero(2.0 * worst * gap > TELLING_M):
        made[k] = _nearest(grounds[k], zones[k], ends[k], float(gap[k]), float(worst[k]))
    return made


def _nearest(ground: Geometry, zone: Geometry, ends: FloatArray, gap: float, error: float) -> FloatArray:
    reach = gap * (1.0 + 2.0 * error) + TELLING_M
    mine, theirs = edges(_near(ground, zone.bounds, reach)), edges(_near(zone, ground.bounds, reach))
    here, there = _feet(mine, theirs, reach), _feet(theirs, mine, reach)
    pairs = np.concatenate([ends[None], here, there[:, ::-1]])
    lonlat = points_lonlat(pairs.reshape(-1, 2)).reshape(-1, 2, 2)
    metres, _ = distances(lonlat[:, 0], lonlat[:, 1])
    nearest: FloatArray = pairs[int(np.argmin(metres))]
    return nearest


def _near(shape: Geometry, bounds: tuple[float, float, float, float], reach: float) -> Geometry:
    """What of a shape may be within `reach` of a box; a shape of few vertices is left whole."""
    if shapely.get_num_coordinates(shape) < 100:
        return shape
    west, south, east, north = bounds
    cut = shapely.clip_by_rect(shape, west - reach, south - reach, east + reach, north + reach)
    return shape if cut.is_empty else cut


def edges(shape: Geometry) -> FloatArray:
    """Return the edges of a shape, shape (n, 2, 2); a point is an edge of no length.

    >>> edges(shapely.Point(1, 2)).tolist(), len(edges(shapely.box(0, 0, 1, 1)))
    ([[[1.0, 2.0], [1.0, 2.0]]], 4)
    """
    found = []
    for part in shapely.get_parts(shape):
        for ring in shapely.get_rings(part) if shapely.get_dimensions(part) == 2 else [part]:
            xy = shapely.get_coordinates(ring)
            xy = xy if len(xy) > 1 else np.repeat(xy, 2, axis=0)
            found.append(np.stack([xy[:-1], xy[1:]], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2, 2))


def _feet(points_of: FloatArray, onto: FloatArray, reach: float) -> FloatArray:
    """Pairs of a vertex and its foot on an edge, within reach of each other, shape (n, 2, 2)."""
    vertices = np.unique(points_of.reshape(-1, 2), axis=0)
    lines: Any = shapely.linestrings(onto)
    tree = shapely.STRtree(lines)
    row, edge = tree.query(shapely.points(vertices), predicate="dwithin", distance=reach)[:, :_MOST_PAIRS]
    start, along = onto[edge, 0], onto[edge, 1] - onto[edge, 0]
    square = (along**2).sum(axis=1)
    foot = ((vertices[row] - start) * along).sum(axis=1) / np.where(square > 0.0, square, 1.0)
    met = start + np.clip(foot, 0.0, 1.0)[:, None] * along
    return np.stack([vertices[row], met], axis=1)
