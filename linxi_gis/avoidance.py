"""What is left of a site beside zones to keep out of, and the smallest shift that clears them. Knows no law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from linxi_gis import flip
from linxi_gis.crs import Geometry, points_lonlat
from linxi_gis.geodesy import distances
from linxi_gis.model import Shift

DEFAULT_RADIUS_M = 500.0
# Our choice: about a second. Beyond it the shift is told as not computed.
MAX_SUMS = 20_000
# A piece thinner than this is told as a sliver, not as ground to build on.
THIN_M = 1.0
# Shifts are told to 1 cm: so far the shifted site keeps from the zones.
CLEARANCE_M = 0.01


@dataclass(frozen=True, slots=True)
class Free:
    """The part of a site outside of zones, in the area plane: `pieces` by size, `slivers` thinner than 1 m."""

    pieces: tuple[Geometry, ...]
    slivers: tuple[Geometry, ...]

    @property
    def area_m2(self) -> float:
        """The area of all of it, slivers too."""
        return sum(float(piece.area) for piece in (*self.pieces, *self.slivers))


def free(site: Geometry, zones: Sequence[Geometry]) -> Free:
    """Return what the zones leave of an area site; all in the area plane, m.

    >>> left = free(shapely.box(0, 0, 10, 10), [shapely.box(4, -1, 6, 11), shapely.box(8, -1, 99, 99)])
    >>> left.area_m2, [piece.area for piece in left.pieces]
    (60.0, [40.0, 20.0])
    """
    rest = shapely.difference(site, shapely.union_all(list(zones)))
    parts = shapely.get_parts(rest)
    parts = parts[shapely.get_dimensions(parts) == 2]
    parts = parts[np.argsort(-shapely.area(parts), kind="stable")]
    thick = 2.0 * shapely.area(parts) >= THIN_M * shapely.length(parts)
    return Free(tuple(parts[thick]), tuple(parts[~thick]))


def smallest_shift(site: Geometry, zones: Sequence[Geometry], radius_m: float, max_sums: int = MAX_SUMS) -> Shift:
    """Return the smallest shift of at most `radius_m` that clears all zones (see `flip.way_out`).

    The shifted site keeps 1 cm away: it is the site grown by that much that is moved, which a gap narrower than
    the site and 2 cm does not let pass. `Shift.found` is False when there is none, or when it
    was not computed (`Shift.complete` tells which). Geometries in the area plane.
    """
    grown = shapely.buffer(site, CLEARANCE_M, join_style="mitre", mitre_limit=2.0)
    way = flip.way_out(grown, zones, radius_m, max_sums)
    if way.shift is None:
        return Shift(found=False, complete=way.complete, searched_m=way.searched_m)
    shift = np.array(way.shift)
    middle = shapely.get_coordinates(shapely.envelope(site).centroid)
    metres, bearing = distances(points_lonlat(middle), points_lonlat(middle + shift))
    return Shift(
        found=True, complete=True, searched_m=way.searched_m, east_m=float(shift[0]), north_m=float(shift[1]),
        distance_m=float(metres[0]), bearing_deg=float(bearing[0]),
    )  # fmt: skip
