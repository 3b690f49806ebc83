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

from linxi_gis.crs import FloatArray, Geometry, points_lonlat
from linxi_gis.finding import Relation
from linxi_gis.geodesy import distances
from linxi_gis.model import GeometryArray
from linxi_gis.nearest import edges

# Our choice, per zone: about 20 ms. Beyond it the figure is told as not computed.
MAX_SUMS = 600
# A gap between zones narrower than this over what the site needs is rounding, no way out.
NOISE_M = 1e-6
# An overlap thinner than this is a shared border (overlay.RESOLUTION_M).
THIN_M = 1e-3
_FIRST_M = 0.05
# Our choice: nobody moves a site farther and calls it the same.
REACH_M = 2_000.0


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
    site: Geometry, zone: Geometry, relation: Relation, distance_m: float, margin_m: float, reach_m: float = REACH_M
) -> Flip:
    """Return the flip distances of one pair, measured before; geometries in the area plane.

    Of a miss it is the distance: a shift that much along the nearest way makes them touch, and none shorter
    does. Both hold to 1 mm, the resolution of relations. Hits are searched up to `reach_m`, from the margin on: a
    circle of that diameter in both must leave the zone, so that no shorter shift can do.
    """
    if not relation.hit:
        return Flip(distance_m)
    leave = _leave(site, zone) if relation is Relation.WITHIN else None
    if shapely.get_dimensions(zone) < 2 and shapely.get_dimensions(site) < 2:
        return Flip(0.0, leave)  # two lines that cross: any shift of a hair may part a point from a line
    if shapely.get_dimensions(site) == 0:
        return Flip(leave)
    if margin_m > reach_m:
        return Flip(None, leave)
    way = way_out(site, [zone], reach_m, first_m=1.05 * margin_m + _FIRST_M)
    return Flip(None if way.shift is None else length_of(site, way.shift), leave)


def _leave(site: Geometry, zone: Geometry) -> float:
    """The shift (m) after which a site is no longer wholly within; a point has no border: any shift leaves it."""
    border = shapely.boundary(zone)
    return 0.0 if border.is_empty else float(shapely.distance(site, border))


def length_of(site: Geometry, shift: tuple[float, float]) -> float:
    """Return the geodesic length (m) of a shift of the area plane, applied to the middle of a site."""
    middle = shapely.get_coordinates(shapely.envelope(site).centroid)
    metres, _ = distances(points_lonlat(middle), points_lonlat(middle + np.array([shift])))
    return float(metres[0])


def way_out(
    site: Geometry, zones: Sequence[Geometry], reach_m: float, max_sums: int = MAX_SUMS, first_m: float = _FIRST_M
) -> WayOut:
    """Return the smallest shift of at most `reach_m` by which `site` parts from all `zones` (valid, in the plane).

    Exact to the rounding of coordinates (1e-6 m): convex hulls of sums and their union by GEOS.
    """
    pieces = convex_pieces(site)
    radius, searched = min(first_m, reach_m), 0.0
    while True:
        sums = _sums(site, pieces, zones, radius, max_sums)
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
        radius = min(max(guess, 1.25 * radius), 2.0 * radius, reach_m)


def _parted(site: Geometry, zones: Sequence[Geometry], shift: tuple[float, float]) -> bool:
    """Whether the shifted site overlaps no zone by 1 mm or more: what was found is looked at again, by GEOS."""
    moved = shapely.transform(site, lambda xy: xy + np.array(shift))
    if shapely.get_dimensions(site) == 1:
        return not any(_runs_inside(moved, zone) for zone in zones if shapely.get_dimensions(zone) == 2)
    common = shapely.get_parts(shapely.intersection(moved, np.array(zones, dtype=object)))
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
    kept = []
    for part in shapely.get_parts(sums):
        if shapely.get_dimensions(part) == 2:
            holes = shapely.get_rings(part)[1:]
            shapes = shapely.polygons(holes)
            wide = 2.0 * shapely.area(shapes) > NOISE_M * shapely.length(shapes)
            kept.append(shapely.Polygon(part.exterior, list(holes[wide])))
    return shapely.union_all(kept)


def _sums(
    site: Geometry, pieces: Sequence[FloatArray], zones: Sequence[Geometry], radius: float, most: int
) -> Geometry | None:
    """The part of M that shifts of at most `radius` can reach, and more; None when it takes too many sums."""
    west, south, east, north = site.bounds
    reach = radius * (1.0 + 1e-9) + NOISE_M
    near = [shapely.clip_by_rect(zone, west - reach, south - reach, east + reach, north + reach) for zone in zones]
    lines = np.concatenate([np.empty((0, 2, 2)), *(edges(zone) for zone in near)])
    outline: Any = shapely.linestrings(lines)
    tree = shapely.STRtree(outline)
    bodies: Any = [shapely.convex_hull(shapely.multipoints(corners)) for corners in pieces]
    body, edge = tree.query(bodies, predicate="dwithin", distance=reach)
    if len(body) > most:
        return None
    found = [_around(part, zone, reach) for part in shapely.get_parts(site) for zone in near]
    for b in np.unique(body):
        corners = lines[edge[body == b]][:, :, None] - pieces[b][None, None]
        hulls = shapely.convex_hull(shapely.linestrings(corners.reshape(len(corners), -1, 2)))
        found.extend(hulls[shapely.get_dimensions(hulls) == 2])
    return shapely.union_all(found)


def _around(part: Any, zone: Geometry, reach: float) -> Geometry:
    """What of a zone shifts of at most `reach` can bring a point of a part of the site to, seen from that point.

    The point lies well inside, so that this overlaps the sums along the boundary: borders in common, of
    coordinates rounded apart, would leave cracks.
    """
    if shapely.get_dimensions(zone) < 2:
        return shapely.Point()
    if shapely.get_dimensions(part) == 2:
        middle = shapely.maximum_inscribed_circle(part, 0.05 * float(np.sqrt(part.area)))
    else:
        middle = shapely.line_interpolate_point(part, 0.5, normalized=True)
    point = shapely.get_coordinates(middle)[0]
    cut = shapely.clip_by_rect(zone, *(point - reach), *(point + reach))
    return shapely.transform(cut, lambda xy: xy - point)


def convex_pieces(shape: Geometry) -> list[FloatArray]:
    """Return the corners of convex pieces that make up a shape: triangles put together again, edges of lines.

    >>> [len(corners) for corners in convex_pieces(shapely.box(0, 0, 1, 1))]
    [4]
    """
    found: list[FloatArray] = []
    for part in shapely.get_parts(shape):
        if shapely.get_dimensions(part) < 2:
            found.extend(edges(part))
            continue
        hull = shapely.convex_hull(part)
        if part.area >= hull.area * (1.0 - 1e-12):
            found.append(shapely.get_coordinates(hull)[:-1])
        else:
            found.extend(_merged(shapely.get_parts(shapely.constrained_delaunay_triangles(part))))
    return found


def _merged(triangles: GeometryArray) -> list[FloatArray]:
    """Put triangles that share an edge together as long as they stay convex (Hertel and Mehlhorn, 1983)."""
    rings = [list(map(tuple, shapely.get_coordinates(shapely.orient_polygons(t))[:-1].tolist())) for t in triangles]
    owner = {edge: k for k, ring in enumerate(rings) for edge in zip(ring, ring[1:] + ring[:1], strict=True)}
    alive = list(range(len(rings)))

    def top(k: int) -> int:
        while alive[k] != k:
            k = alive[k]
        return k

    for (a, b), k in list(owner.items()):
        other = owner.get((b, a))
        if other is None or top(k) == top(other):
            continue
        one, two = top(k), top(other)
        joined = _joined(rings[one], rings[two], a, b)
        if joined is not None:
            rings[one], alive[two] = joined, one
    return [np.array(ring) for k, ring in enumerate(rings) if alive[k] == k]


_Corner = tuple[float, ...]


def _joined(one: list[_Corner], two: list[_Corner], a: _Corner, b: _Corner) -> list[_Corner] | None:
    """One convex ring of two that share the edge a-b (b-a in the other), None when it would not be convex."""
    i, j = one.index(b), two.index(a)
    ring = one[i:] + one[:i] + (two[j:] + two[:j])[1:-1]
    xy = np.array(ring)
    ahead, behind = np.roll(xy, -1, axis=0) - xy, xy - np.roll(xy, 1, axis=0)
    turn = behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0]
    return ring if bool((turn >= 0.0).all()) else None
