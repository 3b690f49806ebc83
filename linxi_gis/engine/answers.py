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

    Sorted by site, then zone, each pair once.
    """

    site: Rows
    zone: Rows
    area_m2: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Pairs within reach, or of a site that has none the nearest in range: rows, and metres in the plane; shape (n,).

    `distance_m` is 0 exactly where site and zone share a point. `site_xy` and `zone_xy` are the nearest points,
    shape (n, 2); where the distance is 0 they are one point: where the outlines were seen to meet, or,
    of a pair that overlaps, the site's first corner, which says nothing. Sorted by site, then zone.
    """

    site: Rows
    zone: Rows
    distance_m: FloatArray
    site_xy: FloatArray
    zone_xy: FloatArray
