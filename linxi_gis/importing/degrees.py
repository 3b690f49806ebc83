"""Valid shapes of a source's own system to CGCS2000 degrees, edges that were straight there kept so."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs

Shapes = NDArray[np.object_]
_POLYGON, _MULTIPOLYGON = 3, 6


def to_degrees(shapes: Shapes, system: str) -> Shapes:
    """Return valid shapes of a CRS text, shape (n,), in EPSG:4490; those that are in it are handed back as they are.

    A straight edge of a plane is cut first, so that it bends less than 0.1 mm there. Raises CrsError as `crs.to_lonlat`.
    """
    degrees = crs.is_geographic(system)
    if degrees and crs.parse(system).equals(crs.parse(crs.LONLAT), ignore_axis_order=True):
        return shapes
    made: Shapes = crs.to_lonlat(shapes if degrees else cut_valid(shapes, crs.STEP_M), system)
    return made


def cut_valid(shapes: Shapes, step: float) -> Shapes:
    """Return valid shapes, shape (n,), with no edge longer than `step`, as `crs.cut` does, much sooner.

    Of a polygon it cuts the rings: GEOS, given the polygon, would ask once more whether it is valid, which takes up to
    ten times as long as the cutting, and rebuild it where the rounding of a new vertex (1e-9 m) made two edges meet.

    >>> cut_valid(np.array([shapely.box(0, 0, 1, 3)], dtype=object), 2.0)[0].wkt
    'POLYGON ((1 0, 1 1.5, 1 3, 0 3, 0 1.5, 0 0, 1 0))'
    """
    rows = crs.long_edged(shapes, step)
    if not len(rows):
        return shapes
    made, held = shapes.copy(), shapes[rows]
    kinds = shapely.get_type_id(held)
    single = kinds == _POLYGON
    # GEOS makes a polygon of one of a single part, and leaves empty parts out: so it may.
    several = (kinds == _MULTIPOLYGON) & (shapely.get_num_geometries(held) > 1) & ~_partly_empty(held)
    rest = ~single & ~several
    made[rows[single]] = _cut_rings(held[single], step)
    parts, owner = shapely.get_parts(held[several], return_index=True)
    if len(parts):
        made[rows[several]] = shapely.multipolygons(_cut_rings(parts, step), indices=owner)
    made[rows[rest]] = shapely.segmentize(held[rest], step)
    return made


def _partly_empty(shapes: Shapes) -> NDArray[np.bool_]:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    found: NDArray[np.bool_] = np.bincount(owner[shapely.is_empty(parts)], minlength=len(shapes)) > 0
    return found


def _cut_rings(polygons: Shapes, step: float) -> Shapes:
    """Return polygons, none of them empty, with their rings cut."""
    if not len(polygons):
        return polygons
    rings, owner = shapely.get_rings(polygons, return_index=True)
    made: Shapes = np.asarray(shapely.polygons(shapely.segmentize(rings, step), indices=owner), dtype=object)
    return made
