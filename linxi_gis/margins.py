"""How thick what two shapes have in common is: of an area its width, of a line or a point how deep it lies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.model import GeometryArray

# Coordinates are exchanged to 1 mm (界址点 TXT 精度=0.001): an overlap thinner than that is a shared
# border, a rest thinner than that leaves "within" standing.
RESOLUTION_M = 1e-3
# A rest of less area than this is thinner than 1 mm whatever its shape: 2A/P is greatest of a disc, √(A/π).
_THIN_M2 = 3e-6
# Of a border squared: so much an area may be off for the rounding of its sum, whose terms are below half of that.
_ROUNDED = 4e-16
# Of its border squared a slender part has less area than this (a disc has 0.08): it is eight times as long as wide.
_SLENDER = 0.025
# By so much of its width a strip may be wider elsewhere; the moved border is as inexact as that as well.
_STRIP = 0.005
# So many samples of a line follow each other in a run, of which the middle one is looked at first.
_RUN = 24


def rest_is_thin(rest_m2: float, border_m: float, rest: Callable[[], Geometry]) -> bool:
    """Whether what is left of an area, cut out only where it may matter, is thinner than 1 mm everywhere."""
    if rest_m2 > RESOLUTION_M * border_m:
        return False
    return rest_m2 + _ROUNDED * border_m**2 < _THIN_M2 or thickness(rest()) < RESOLUTION_M


def thickness(area: Geometry) -> float:
    """Return a lower bound of the greatest width (m): 2A/P of the thickest part.

    Exact for long strips; for any shape the diameter of its largest inscribed circle is at least
    this, because A ≤ r·P.

    >>> thickness(shapely.box(0, 0, 1000, 0.002)) < 0.002 < thickness(shapely.box(0, 0, 1000, 0.003))
    True
    """
    return _thickest(_flat_parts(area))


def _flat_parts(area: Geometry) -> GeometryArray:
    if area.geom_type == "Polygon":
        return np.array([area], dtype=object)
    parts = shapely.get_parts(area)
    flat: GeometryArray = parts[shapely.get_dimensions(parts) == 2]
    return flat


def _thickest(parts: GeometryArray) -> float:
    perimeters = shapely.length(parts)
    keep = perimeters > 0.0
    return float((2.0 * shapely.area(parts)[keep] / perimeters[keep]).max(initial=0.0))


def width(area: Geometry) -> float:
    """Return the diameter (m) of the largest circle inside an area, to 1 % of its size or 1 cm.

    Of a strip it is to 2 % of the strip's own width.

    >>> round(width(shapely.box(0, 0, 100, 4)), 1)
    4.0
    """
    parts = _flat_parts(area)
    widest = thickest = _thickest(parts)
    sizes, borders = shapely.area(parts), shapely.length(parts)
    for k in np.argsort(-sizes):
        if 2.0 * np.sqrt(sizes[k] / np.pi) <= widest:
            break  # even a disc of this area would be narrower
        known = _strip(parts[k], widest) if sizes[k] < _SLENDER * borders[k] ** 2 else None
        if known is None:
            tolerance = max(0.01, 0.005 * float(np.sqrt(sizes[k])))
            known = 2.0 * float(shapely.maximum_inscribed_circle(parts[k], tolerance).length)
        widest = max(widest, known)
    return max(widest, thickest)


def _strip(part: Geometry, widest: float) -> float | None:
    """Return the width (m) of a slender part where it is nowhere wider than in its middle or than `widest`, else None.

    The search of GEOS for the largest circle looks at every place along a strip, for all are alike. A strip that
    nothing is left of when its border is moved inward by r holds no circle of radius r.
    """
    middle = shapely.point_on_surface(part)
    here = max(widest, 2.0 * float(shapely.distance(middle, shapely.boundary(part))))
    left = shapely.buffer(part, -(0.5 + _STRIP) * here - 0.005, quad_segs=4)
    return here if left.is_empty else None


def depth(piece: Geometry, to_border: Callable[[GeometryArray], FloatArray]) -> float:
    """Return how deep a line or point inside an area lies: the greatest distance to its boundary.

    `to_border` gives the distance (m) of points to that boundary.
    Sampled at vertices, at the middle of every part, and every metre (at most 1,000 samples), so it is
    low by half a metre at most and never 0 for a part that runs inside. A sample is left out where one near by
    tells that it cannot be the deepest: it is no deeper than that one and the way there.
    """
    step = max(1.0, float(shapely.length(piece)) / 1000.0)
    parts = shapely.get_parts(piece)
    lines = parts[shapely.get_dimensions(parts) == 1]
    middles = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    xy = np.concatenate([shapely.get_coordinates(shapely.segmentize(piece, step)), middles])
    if not len(xy):
        return 0.0
    run = np.arange(len(xy)) // _RUN
    asked = np.unique(np.minimum(np.arange(_RUN // 2, len(xy) + _RUN // 2, _RUN), len(xy) - 1))
    known = to_border(np.asarray(shapely.points(xy[asked]), dtype=object))
    place = np.minimum(run, len(asked) - 1)
    way = np.hypot(*(xy - xy[asked][place]).T)
    left = (known[place] + way) * (1.0 + 1e-12) > known.max()
    left[asked] = False
    rest = to_border(np.asarray(shapely.points(xy[left]), dtype=object)) if left.any() else known
    return float(max(known.max(), rest.max()))
