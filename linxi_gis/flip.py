"""Flip distance: the smallest shift of a site, in any direction, that changes its relation to a zone.

The shifts t at which a site S still meets zones Z are the Minkowski sum M = Z ⊕ -S. S is cut into convex
pieces C. S + t meets Z just when some C + t meets Z's boundary, or when a whole part of S lies inside: M is
the union of f ⊕ -C over the edges f of Z (convex hulls of sums of corners) and of Z - c for one point c of
each part of S. The way out is the distance from the origin to the boundary of M. Only what a shift of at
most r can reach is built, and r grows until a way out is found within it: then nothing beyond is nearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from linxi_gis import convex
from linxi_gis.crs import FloatArray, Geometry, points_lonlat
from linxi_gis.finding import Relation
from linxi_gis.geodesy import distances
from linxi_gis.model import GeometryArray, GeometryColumn
from linxi_gis.nearest import edges, outline
from linxi_gis.zonestore import Rows, Zone, Zones

# Our choice, per zone: about 20 ms. Beyond it the figure is told as not computed.
MAX_SUMS = 600
# A gap between zones narrower than this over what the site needs is rounding, no way out.
NOISE_M = 1e-6
# An overlap thinner than this is a shared border (overlay.RESOLUTION_M).
THIN_M = 1e-3
_FIRST_M = 0.05
_NONE = np.empty(0, dtype=object)
# Our choice: nobody moves a site farther and calls it the same.
REACH_M = 2_000.0
# Each radius takes so many times the sums of the one before it, or so few: one large union costs less than several.
_MORE, _FEW_SUMS, _STEP = 4, 64, 1.6
# The border of a zone is opened at least so far around a site (m).
_AROUND_M = 50.0


@dataclass(frozen=True, slots=True)
class WayOut:
    """The smallest shift that parts a site from zones, in the area plane (m east, m north).

    `shift` is None when there is none as short as `searched_m`, to which the search is complete; `complete`
    is False when it had to be given up there for the number of edges.
    """

    shift: tuple[float, float] | None
    searched_m: float
    complete: bool


@dataclass(frozen=True, slots=True)
class Flip:
    """How far a site must move until its relation to a zone changes, m; None is not computed.

    `flip_m` turns a hit into a miss, or a miss into a hit; `leave_m`, of a site wholly within, is the
    smallest shift by which any of it lies outside.
    """

    flip_m: float | None
    leave_m: float | None = None


def of_pair(
    site: Geometry,
    zones: GeometryColumn,
    row: int,
    relation: Relation,
    distance_m: float,
    margin_m: float,
    reach_m: float = REACH_M,
) -> Flip:
    """Return the flip distances of a site and the zone at a row, measured before; geometries in the area plane.

    Of a miss it is the distance: a shift that much along the nearest way makes them touch, and none shorter
    does. Both hold to 1 mm, the resolution of relations. Hits are searched up to `reach_m`, from the margin on: a
    circle of that diameter in both must leave the zone, so that no shorter shift can do.
    """
    if not relation.hit:
        return Flip(distance_m)
    leave = _leave(site, zones, row) if relation is Relation.WITHIN else None
    if dimension(zones, row) < 2 and shapely.get_dimensions(site) < 2:
        return Flip(0.0, leave)  # two lines that cross: any shift of a hair may part a point from a line
    if shapely.get_dimensions(site) == 0:
        return Flip(leave)
    if margin_m > reach_m:
        return Flip(None, leave)
    way = way_out(site, _others(zones, row), reach_m, first_m=1.05 * margin_m + _FIRST_M)
    return Flip(None if way.shift is None else length_of(site, way.shift), leave)


def dimension(zones: GeometryColumn, row: int) -> int:
    """Return 0, 1 or 2 of the zone at a row: of points, lines and areas; a prepared one is not opened for it."""
    return int(zones.zone(row, _NONE).dimension if isinstance(zones, Zones) else shapely.get_dimensions(zones[row]))


def _others(zones: GeometryColumn, row: int) -> Others:
    if isinstance(zones, Zones) and dimension(zones, row) == 2:
        return Prepared(zones.zone(row, _NONE))
    return Drawn([zones[row]])


def _leave(site: Geometry, zones: GeometryColumn, row: int) -> float:
    """The shift (m) after which a site is no longer wholly within; a point has no border: any shift leaves it.

    Of a prepared area only the border near by is opened.
    """
    if isinstance(zones, Zones) and zones.zone(row, _NONE).dimension == 2:
        return float(zones.zone(row, _NONE).border_gaps(outline(site)).min())
    border = shapely.boundary(zones[row])
    return 0.0 if border.is_empty else float(shapely.distance(site, border))


def length_of(site: Geometry, shift: tuple[float, float]) -> float:
    """Return the geodesic length (m) of a shift of the area plane, applied to the middle of a site."""
    middle = shapely.get_coordinates(shapely.envelope(site).centroid)
    metres, _ = distances(points_lonlat(middle), points_lonlat(middle + np.array([shift])))
    return float(metres[0])


def way_out(
    site: Geometry,
    zones: Sequence[Geometry] | Others,
    reach_m: float,
    max_sums: int = MAX_SUMS,
    first_m: float = _FIRST_M,
) -> WayOut:
    """Return the smallest shift of at most `reach_m` by which `site` parts from all `zones` (valid, in the plane).

    Exact to the rounding of coordinates (1e-6 m): convex hulls of sums and their union by GEOS.
    """
    zones = zones if isinstance(zones, (Drawn, Prepared)) else Drawn(zones)
    growing = _Sums(convex.pieces(site), zones)
    radius, searched, least, last = min(first_m, reach_m), 0.0, 0.0, False
    while True:
        sums = None if last else growing.upto(radius, max_sums)
        if sums is None and searched > 0.0 and not last:  # too many: not all that far, then, and that is all
            radius, last = growing.last(least, radius, max_sums), True
            sums = growing.upto(radius, max_sums) if radius > searched else None
        if sums is None:
            return WayOut(None, searched, False)
        found = _exit(sums)
        if found is not None and np.hypot(*found) <= radius:
            shift = (float(found[0]), float(found[1]))
            parted = _parted(site, zones, shift)
            return WayOut(shift if parted else None, radius if parted else searched, parted)
        searched = radius
        if radius >= reach_m:
            return WayOut(None, searched, True)
        guess = np.inf if found is None else 1.001 * float(np.hypot(*found))
        least = radius if found is None else guess  # of what is built already there is no shorter way out
        radius = growing.farthest(min(max(guess, 1.25 * radius), 2.0 * radius, reach_m), reach_m, max_sums)


def _parted(site: Geometry, zones: Others, shift: tuple[float, float]) -> bool:
    """Whether the shifted site overlaps no zone by 1 mm or more: what was found is looked at again, by GEOS."""
    moved = shapely.transform(site, lambda xy: xy + np.array(shift))
    near = zones.beside(moved)
    if shapely.get_dimensions(site) == 1:
        return not any(_runs_inside(moved, zone) for zone in near if shapely.get_dimensions(zone) == 2)
    common = shapely.get_parts(shapely.intersection(moved, near))
    flat = common[shapely.get_dimensions(common) == 2]
    parts = shapely.get_parts(flat)
    return bool((2.0 * shapely.area(parts) <= THIN_M * shapely.length(parts)).all())  # of nothing, 0 <= 0


def _runs_inside(line: Geometry, area: Geometry) -> bool:
    """Whether a line runs inside an area, deeper than 1 mm: along its border is not inside."""
    west, south, east, north = line.bounds
    around = shapely.clip_by_rect(area, west - 1.0, south - 1.0, east + 1.0, north + 1.0)
    return bool(shapely.intersects(line, shapely.buffer(around, -THIN_M)))


def _exit(sums: Geometry) -> FloatArray | None:
    """The point nearest to the origin that no sum covers; None when there is nothing to leave."""
    origin = shapely.Point(0.0, 0.0)
    if sums.is_empty or not shapely.intersects(sums, origin):
        return np.zeros(2)
    way = shapely.shortest_line(origin, shapely.boundary(_without_noise(sums)))
    return None if way is None else np.asarray(shapely.get_coordinates(way)[1])


def _without_noise(sums: Geometry) -> Geometry:
    """Fill holes that are no wider than the rounding of coordinates."""
    parts = shapely.get_parts(sums)
    if not shapely.get_num_interior_rings(parts).any():
        return sums
    kept = []
    for part in parts:
        if shapely.get_dimensions(part) == 2:
            holes = shapely.get_rings(part)[1:]
            shapes = shapely.polygons(holes)
            wide = 2.0 * shapely.area(shapes) > NOISE_M * shapely.length(shapes)
            kept.append(shapely.Polygon(part.exterior, list(holes[wide])))
    return kept[0] if len(kept) == 1 else shapely.union_all(kept)


class Drawn:
    """Zones to part from, as geometries in the plane."""

    def __init__(self, zones: Sequence[Geometry]) -> None:
        self._zones = np.array(zones, dtype=object)

    def border(self, site: GeometryArray, reach_m: float) -> FloatArray:
        """Return the edges of the zones that are within reach of the pieces of a site, and others, shape (n, 2, 2)."""
        west, south, east, north = shapely.total_bounds(site)
        box = (west - reach_m, south - reach_m, east + reach_m, north + reach_m)
        return edges(np.array([shapely.clip_by_rect(zone, *box) for zone in self._zones], dtype=object))

    def around(self, box: Geometry) -> GeometryArray:
        """Return what of the zones lies in a box."""
        return np.array([shapely.clip_by_rect(zone, *box.bounds) for zone in self._zones], dtype=object)

    def beside(self, shape: Geometry) -> GeometryArray:
        """Return the zones, as far as they may meet a shape."""
        return self._zones


class Prepared:
    """One area to part from, of which the pieces and the border near by are opened."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def border(self, site: GeometryArray, reach_m: float) -> FloatArray:
        """As `Drawn.border`."""
        return edges(self._zone.border(site, reach_m))

    def around(self, box: Geometry) -> GeometryArray:
        """As `Drawn.around`."""
        pieces = self._zone.beside(np.array([box], dtype=object))
        cut = [shapely.clip_by_rect(piece, *box.bounds) for piece in pieces]
        return np.array([cut[0] if len(cut) == 1 else shapely.union_all(cut)], dtype=object)

    def beside(self, shape: Geometry) -> GeometryArray:
        """As `Drawn.beside`: the pieces that meet the shape, in one."""
        pieces = self._zone.beside(outline(shape) if shapely.get_dimensions(shape) == 1 else np.array([shape], dtype=object))
        pieces = pieces[shapely.intersects(shape, pieces)]
        return np.array([shapely.union_all(pieces)], dtype=object)


Others = Drawn | Prepared


def _reach(radius: float) -> float:
    return radius * (1.0 + 1e-9) + NOISE_M


class _Sums:
    """The part of M that shifts up to some radius can reach, and more: each radius goes on from the one before."""

    def __init__(self, pieces: convex.Pieces, zones: Others) -> None:
        self._pieces, self._zones = pieces, zones
        self._bodies: GeometryArray = pieces.tree.geometries
        self._held = 0.0
        self._count = 0
        self._made: Geometry | None = None

    def farthest(self, radius: float, limit: float, most: int) -> float:
        """Return the radius to look at next: this one, or a larger one that takes few sums more than the last."""
        most = min(most, max(_MORE * self._count, _FEW_SUMS))
        while radius < limit and self._pairs(_reach(min(_STEP * radius, limit)), most) is not None:
            radius = min(_STEP * radius, limit)
        return radius

    def last(self, low: float, high: float, most: int) -> float:
        """Return the largest radius between that takes no more than so many sums, to 5 %; 0 where the lower does not."""
        if low >= high or self._pairs(_reach(low), most) is None:
            return 0.0
        while high > 1.05 * low:
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._pairs(_reach(middle), most) is not None else (low, middle)
        return low

    def upto(self, radius: float, most: int) -> Geometry | None:
        """Return the sums of what is within a radius, None when they are too many."""
        reach = _reach(radius)
        near = self._pairs(reach, most)
        if near is None:
            return None
        piece, line = near
        self._count = len(line)
        found = [around for point in self._pieces.middles for around in self._around(point, reach)]
        sums = convex.sums(self._pieces, self._lines, line, piece)
        if self._made is not None:
            shapely.prepare(self._made)
            sums = sums[~shapely.covers(self._made, sums)]
            found.append(self._made)
        self._made = shapely.union_all([*found, *sums])
        return self._made

    def _pairs(self, reach: float, most: int) -> tuple[Rows, Rows] | None:
        """Return the pieces of the site and the edges that are within reach of each other, None when too many."""
        if reach > self._held:
            self._held = max(1.5 * reach, _AROUND_M)
            self._lines = self._zones.border(self._pieces.coarse, self._held)
            lines: Any = shapely.linestrings(self._lines)
            self._tree = shapely.STRtree(lines)
        found, count, start = [], 0, 0
        for end in (1, 8, 64, len(self._bodies)):  # to know that there are too many, few pieces will do
            piece, line = self._tree.query(self._bodies[start:end], predicate="dwithin", distance=reach)
            found.append((piece + start, line))
            count, start = count + len(line), min(end, len(self._bodies))
            if count > most:
                return None
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])

    def _around(self, point: FloatArray, reach: float) -> list[Geometry]:
        """What of the zones shifts of at most `reach` can bring a point of the site to, seen from that point.

        The point lies well inside, so that this overlaps the sums along the boundary: borders in common, of
        coordinates rounded apart, would leave cracks.
        """
        near = self._zones.around(shapely.box(*(point - reach), *(point + reach)))
        return [shapely.transform(cut, lambda xy: xy - point) for cut in near if shapely.get_dimensions(cut) == 2]
