"""Lengths, distances and bearings on the CGCS2000 ellipsoid, and areas by an independent way."""

from __future__ import annotations

import math

import numpy as np
import shapely

from linxi_gis import geodesic
from linxi_gis.crs import LONLAT, FloatArray, Geometry, densify, geod, points_lonlat


def length_m(plane_line: Geometry) -> float:
    """Return the geodesic length (m) of a line, or of every part of it, given in the area plane."""
    total = 0.0
    for part in shapely.get_parts(plane_line):
        lonlat = points_lonlat(shapely.get_coordinates(part))
        if len(lonlat) > 1:
            total += float(distances(lonlat[:-1], lonlat[1:])[0].sum())
    return total


def distances(start: FloatArray, end: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return geodesic distances (m) and bearings (degrees from north) of point pairs.

    `start` and `end` are longitude latitude, shape (n, 2). Coincident points have bearing 0.

    >>> d, b = distances(np.array([[118.0, 43.6]]), np.array([[118.0, 43.61]]))
    >>> round(float(d[0]), 3), round(float(b[0]), 6)
    (1111.045, 0.0)
    """
    near = (np.abs(end - start) < geodesic.REACH_DEG).all(axis=1)
    metres, azimuth = np.empty(len(start)), np.empty(len(start))
    metres[near], azimuth[near] = geodesic.inverse(*start[near].T, *end[near].T)
    if not near.all():
        azimuth[~near], _, metres[~near] = geod().inv(*start[~near].T, *end[~near].T)
    return metres, np.where(metres > 0.0, azimuth % 360.0, 0.0)


def geodesic_area_m2(geometry: Geometry, crs: str = LONLAT) -> float:
    """Return the area (m²) of a longitude-latitude polygon by Karney's geodesic method.

    Independent of the area plane; used to check it. Edges are densified first, because an edge
    that is straight in degrees is not a geodesic. C. F. F. Karney, Algorithms for geodesics,
    J. Geodesy 87 (2013) 43-55.
    """
    dense = shapely.orient_polygons(densify(geometry, crs))
    area, _ = geod().geometry_area_perimeter(dense)
    return math.fabs(float(area))
