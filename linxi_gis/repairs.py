"""How far a repair of an invalid area can be wrong: the ground on which other ways of repairing it disagree."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from shapely.errors import GEOSException

from linxi_gis.crs import Geometry

# Our choice: a ring that crosses itself more often is not one slip of a corner, and nobody can say what was meant.
_MOST_CROSSINGS = 16


def doubt_m(drawn: Geometry) -> float:
    """Return how wide (m) the ground is that one repair of an invalid area counts and another does not.

    `drawn` is an area in a plane in metres. Compared are GEOS MakeValid by structure (what measuring uses), MakeValid
    by linework (even-odd), and, where a ring crosses itself, the ring with the corners between the two crossing edges
    in the other order: that is how two swapped corners are put right. The width is that of the largest circle inside
    the ground in dispute; 0 for a valid area, infinite where nothing can be said (too many crossings, GEOS gives up).
    A part that lies inside another part is in dispute too: it may be a hole. Parts that overlap, or are drawn twice,
    are not: all of them are meant.

    >>> doubt_m(shapely.box(0, 0, 10, 10))
    0.0
    >>> round(doubt_m(shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])), 2)  # two corners swapped
    41.42
    >>> doubt_m(shapely.Polygon([(0, 0), (10, 0), (10, 10), (10, 15), (10, 10), (0, 10)]))  # a spike has no width
    0.0
    """
    parts = [part for part in shapely.get_parts(shapely.force_2d(drawn)) if shapely.get_dimensions(part) == 2]
    return max((*map(_part, parts), *_nested(parts)), default=0.0)


def _nested(parts: list[Geometry]) -> Iterator[float]:
    """Yield the width of each part that lies inside another: ground drawn twice, or a hole written as a part."""
    sound = [_areas(shapely.make_valid(part)) for part in parts]
    tree = shapely.STRtree(sound)
    for inner, one in enumerate(sound):
        for outer in tree.query(one, predicate="covered_by").tolist():
            if outer != inner and not shapely.equals(sound[outer], one):
                yield _width(one)
                break


def _part(part: Geometry) -> float:
    if part.is_valid:
        return 0.0
    try:
        ways = list(_ways(part))
        return max((_width(shapely.symmetric_difference(ways[0], other)) for other in ways[1:]), default=math.inf)
    except GEOSException:
        return math.inf


def _ways(part: Geometry) -> Iterator[Geometry]:
    """Yield the repair that measuring uses, then the others; only the first where there is no other to be had."""
    yield _areas(shapely.make_valid(part, method="structure", keep_collapsed=True))
    crossings = list(_crossings(part))
    if len(crossings) > _MOST_CROSSINGS:
        return
    yield _areas(shapely.make_valid(part, method="linework"))
    rings = [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(part)]
    for ring, first, second in crossings:
        turned = rings[ring].copy()
        turned[first + 1 : second + 1] = turned[first + 1 : second + 1][::-1]
        shell, *holes = [turned if n == ring else one for n, one in enumerate(rings)]
        yield _areas(shapely.make_valid(shapely.Polygon(shell, holes)))


def _crossings(part: Geometry) -> Iterator[tuple[int, int, int]]:
    """Yield ring and edges where a ring crosses itself properly, each pair once, at most one more than are wanted."""
    found = 0
    for number, ring in enumerate(shapely.get_rings(part)):
        xy = shapely.get_coordinates(ring)
        edges: Any = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
        for first, second in shapely.STRtree(edges).query(edges, predicate="crosses").T.tolist():
            if first < second:
                yield number, first, second
                found += 1
                if found > _MOST_CROSSINGS:
                    return


def _areas(shape: Geometry) -> Geometry:
    areas: Geometry = shapely.union_all([one for one in shapely.get_parts(shape) if shapely.get_dimensions(one) == 2])
    return areas


def _width(shape: Geometry) -> float:
    return max((_circle(one) for one in shapely.get_parts(shape) if shapely.get_dimensions(one) == 2), default=0.0)


def _circle(area: Geometry) -> float:
    """Return the diameter of the largest circle inside an area, to a hundredth of it."""
    most = 2.0 * math.sqrt(area.area / math.pi)  # no circle inside is larger than the area itself
    if most < 1e-6:
        return 0.0
    shape: Any = area  # the stubs know no plain geometry here
    radius = shapely.maximum_inscribed_circle(shape, tolerance=most / 400.0)
    return min(most, 2.0 * float(shapely.length(radius)))
