"""What the engines answer: columns of site-zone pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linxi_gis.engine.rings import FloatArray

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Pairs whose common area is more than rounding: row of the site, row of the zone, m²; shape (n,).

    `girth_m` is at least the length of the outlines of all parts of the common ground, so that one of them is
    2 · area / girth thick or more. Sorted by site, then zone, each pair once.
    """

    site: Rows
    zone: Rows
    area_m2: FloatArray
    girth_m: FloatArray


@dataclass(frozen=True, slots=True)
class Bend:
    """How long a short way dx, dy (m) of the plane is on the ellipsoid, x, y metres from the plane's centre.

    The square of its length is (1 + a) dx² + 2 b dx dy + (1 - a) dy², with s = slope + curve · y,
    a = square · (x² - y²) + s · y and b = 2 · square · x · y - s · x. The metric of an equal-area plane (its
    determinant is 1): `square` (m⁻²) of the sphere, `slope` (m⁻¹) and `curve` (m⁻²) of the flattening.
    """

    square: float = 0.0
    slope: float = 0.0
    curve: float = 0.0

    def error(self, distance_m: float) -> float:
        """Return at least |length² / plane length² - 1| of short ways within a distance (m) of the centre."""
        part = abs(self.slope) * distance_m + abs(self.curve) * distance_m**2
        return 2.0 * (self.square * distance_m**2 + part)


PLANE = Bend()


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Pairs within reach, or of a site that has none the nearest in range: rows, and metres; shape (n,).

    `distance_m` is in the plane, or by the metric of a `Bend`; it is 0 exactly where site and zone share a point.
    `site_xy` and `zone_xy` are the nearest points, shape (n, 2); where the distance is 0 they are one point: where
    the outlines were seen to meet, or, of a pair that overlaps, the site's first corner, which says nothing.
    Sorted by site, then zone.
    """

    site: Rows
    zone: Rows
    distance_m: FloatArray
    site_xy: FloatArray
    zone_xy: FloatArray
