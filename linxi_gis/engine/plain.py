"""The plain engine: shapely over pieces of zones. No compiled code of ours; lines and points too.

A site of many vertices is cut into parts as the zones are, so that all work is local. Threads get whole sites
and prepare nothing: a prepared geometry that two threads share crashes GEOS.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import pieces as cutter
from linxi_gis.engine import bent
from linxi_gis.engine.answers import PLANE, Bend, Near, Overlaps, Rows
from linxi_gis.engine.pieces import Pieces
from linxi_gis.engine.rings import FloatArray, GeometryArray

EPSILON = 2.0**-52
SAME_M = 1e-9  # zones whose distances differ by less are equally near: the first of them is the nearest
# Cuts move an edge by last bits, below 1e-9 m: nearer than this the whole zone is asked whether it meets the site.
DOUBT_M = 1e-6
WHOLE = 128  # vertices: a site of no more is not cut; parcels drawn in degrees have 40 to 120 once their edges are cut
PART = 16  # vertices of a part of a site that is
BLOCK = 1024  # sites a thread takes at a time

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Sites, or what they were cut into: the row of the site of each part, and its box."""

    shape: GeometryArray
    site: Rows
    box: FloatArray

    def only(self, rows: NDArray[np.generic]) -> _Parts:
        return _Parts(self.shape[rows], self.site[rows], self.box[rows])


@dataclass(frozen=True, slots=True, eq=False)
class _Close:
    """Places of zones close to parts of sites: rows of site and zone, metres, the two geometries, the nearest points."""

    site: Rows
    zone: Rows
    metres: FloatArray
    mine: GeometryArray
    theirs: GeometryArray
    ends: FloatArray  # shape (n, 2, 2), NaN where they are not known yet

    def only(self, rows: NDArray[np.generic]) -> _Close:
        return _Close(*(getattr(self, name)[rows] for name in self.__slots__))

    @staticmethod
    def joined(some: list[_Close]) -> _Close:
        some = [one for one in some if len(one.site)] or some[:1]
        if len(some) == 1:
            return some[0]
        return _Close(*(np.concatenate([getattr(one, name) for one in some]) for name in _Close.__slots__))


def overlaps(index: Pieces, sites: GeometryArray, threads: int | None = None) -> Overlaps:
    """Return the pairs of sites and zones that have area in common (see `Overlaps`), on so many threads."""

    def block(start: int, stop: int) -> Overlaps:
        return _overlaps(index, sites[start:stop], start)

    found = _in_blocks(block, index, sites, threads)
    if len(found) == 1:
        return found[0]
    names = ("site", "zone", "area_m2", "girth_m")
    return Overlaps(*(np.concatenate([getattr(one, name) for one in found]) for name in names))


def _overlaps(index: Pieces, sites: GeometryArray, start: int) -> Overlaps:
    parts = _parts(sites, 2)
    part, piece, shape = _met(index, parts)
    order = np.lexsort((part, piece))  # however they were found: sums are then the same to the last bit
    part, piece, shape = part[order], piece[order], shape[order]
    if not len(part):
        return Overlaps(part, part, np.empty(0), np.empty(0))
    area, outline = _common(parts, part, shape, index.areas.box[piece])
    site, zone, (area, outline) = _summed(parts.site[part], index.areas.zone[piece], area, outline)
    far = np.abs(shapely.bounds(sites[site])).max(axis=1, initial=0.0)
    girth = np.minimum(shapely.length(sites[site]), index.girth[zone])
    real = area > 2.0 * EPSILON * far * girth  # what rounding the coordinates along the outline makes
    return Overlaps(site[real] + start, zone[real], area[real], outline[real])


def _met(index: Pieces, parts: _Parts) -> tuple[Rows, Rows, GeometryArray]:
    """Return the pairs of parts and pieces that meet, and the pieces; of few parts, those whose boxes do."""
    if index.areas.few(len(parts.site)):
        if not len(parts.site):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object)
        part, piece = index.areas.within(parts.box, np.zeros(len(parts.site)))
    else:
        part, piece = index.areas.tree.query(parts.shape, predicate="intersects")
    return part, piece, index.areas.take(piece)


def _common(parts: _Parts, part: Rows, shape: GeometryArray, box: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the area that parts and pieces have in common, and the length of its outline; who is inside is not cut."""
    mine, own = parts.shape[part], parts.box[part]
    result = np.full(len(part), None, dtype=object)
    # A box inside a box is four comparisons; `covers` is a fifth of an intersection.
    inside = _holds(own, box).nonzero()[0]
    if len(inside):
        inside = inside[shapely.covers(mine[inside], shape[inside])]
        result[inside] = shape[inside]
    around = _holds(box, own).nonzero()[0]
    if len(around):
        around = around[shapely.covers(shape[around], mine[around])]
        result[around] = mine[around]
    rest = shapely.is_missing(result).nonzero()[0]
    if len(rest):
        result[rest] = shapely.intersection(mine[rest], shape[rest])
    return shapely.area(result), shapely.length(result)


def _holds(one: FloatArray, other: FloatArray) -> NDArray[np.bool_]:
    held = one <= other
    held[:, 2:] = one[:, 2:] >= other[:, 2:]
    return np.asarray(held.all(axis=1))


def _summed(site: Rows, zone: Rows, *values: FloatArray) -> tuple[Rows, Rows, tuple[FloatArray, ...]]:
    """Return one row for each pair of site and zone, sorted."""
    if len(site) == 1:
        return site, zone, values
    order = np.lexsort((zone, site))
    first = _firsts(site[order], zone[order])
    rows = order[first]
    return site[rows], zone[rows], tuple(np.add.reduceat(value[order], first) for value in values)


def _firsts(site: Rows, zone: Rows) -> Rows:
    """Return where each pair begins among sorted ones."""
    new = np.ones(len(site), dtype=bool)
    new[1:] = (site[1:] != site[:-1]) | (zone[1:] != zone[:-1])
    return np.flatnonzero(new)


@dataclass(frozen=True, slots=True)
class _Far:
    """How far is looked: every zone within reach, else the nearest within range, m, by the metric of a bend."""

    reach_m: float
    range_m: float
    bend: Bend

    def slack(self, parts: _Parts) -> float:
        """Return how many times longer a way may be in the plane than one that is no shorter by the metric."""
        if self.bend == PLANE:
            return 1.0
        far = 2.0 * np.abs(parts.box).max(initial=0.0) + 2.0 * max(self.reach_m, self.range_m)
        return float(bent.slack(np.array([far]), self.bend)[0])


def near(
    index: Pieces, sites: GeometryArray, reach_m: float, range_m: float, met: Overlaps | None = None,
    threads: int | None = None, bend: Bend = PLANE,
) -> Near:  # fmt: skip
    """Return each site's zones within `reach_m`, else the nearest within `range_m` (see `Near`).

    `met` are the overlaps of the same sites and zones, where the caller has them: they are not looked for again.
    """
    overlap = overlaps(index, sites, threads) if met is None else met

    def block(start: int, stop: int) -> Near:
        first, last = np.searchsorted(overlap.site, (start, stop))
        pairs = overlap.site[first:last] - start, overlap.zone[first:last]
        return _near(index, sites[start:stop], start, _Far(reach_m, range_m, bend), pairs)

    found = _in_blocks(block, index, sites, threads)
    if len(found) == 1:
        return found[0]
    return Near(*(np.concatenate([getattr(one, name) for one in found]) for name in Near.__slots__))


def _near(index: Pieces, sites: GeometryArray, start: int, far: _Far, met: tuple[Rows, Rows]) -> Near:
    parts = _parts(sites, -1)
    slack = far.slack(parts)
    found = [_curved(one, far.bend, slack) for one in _inside(index, sites, parts, met)]
    served = np.zeros(len(sites), dtype=bool)  # who has something within reach, or might
    served[met[0]] = True
    for one in found:
        served[one.site] = True
    alone = ~served[parts.site]
    if far.range_m > far.reach_m and alone.any() and len(index.outline.zone):
        nearest = _curved(_nearest(index, parts.only(alone), len(sites), far.range_m, slack), far.bend, slack)
        found.append(nearest)
        served[nearest.site[nearest.metres <= far.reach_m]] = True
    else:
        served[:] = True
    some = parts if served.all() else parts.only(served[parts.site])
    if len(some.site):
        found.append(_curved(_within(index, some, far.reach_m * slack, met), far.bend, slack))
    return _settled(index, sites, start, _Close.joined(found), far, met) if found else _nothing()


def _nothing() -> Near:
    none = np.empty(0, dtype=np.int64)
    return Near(none, none, np.empty(0), np.empty((0, 2)), np.empty((0, 2)))


def _curved(close: _Close, bend: Bend, slack: float) -> _Close:
    """Return the places by the metric: of each pair of site and zone those that may be nearest."""
    if bend == PLANE or not len(close.site):
        return close
    order = np.lexsort((close.metres, close.zone, close.site))
    close = close.only(order)
    first = _firsts(close.site, close.zone)
    least = np.repeat(close.metres[first], np.diff(first, append=len(close.site)))
    close = close.only(close.metres <= least * slack + SAME_M)
    apart = (close.metres > 0.0).nonzero()[0]
    metres, ends = bent.ways(close.mine[apart], close.theirs[apart], close.metres[apart], bend)
    close.metres[apart], close.ends[apart] = np.maximum(metres, 1e-150), ends
    return close


def _within(index: Pieces, parts: _Parts, reach_m: float, met: tuple[Rows, Rows]) -> _Close:
    """Return what of outlines of zones that the site does not overlap is within reach."""
    outline, most = index.outline, reach_m + SAME_M
    part, run = outline.within(parts.box, np.full(len(parts.site), most))
    new = ~_among(index, (parts.site[part], outline.zone[run]), met)
    part, run = part[new], run[new]
    close = _measured(parts, part, outline.zone[run], outline.take(run))
    return close.only(close.metres <= most) if len(part) else close


def _inside(index: Pieces, sites: GeometryArray, parts: _Parts, met: tuple[Rows, Rows]) -> list[_Close]:
    """Return the pieces that sites meet whose area is too small to be told from rounding: they may be in a zone.

    Any other site in a zone overlaps it, and of a site that is not, the outline is where it meets the zone.
    """
    far = np.abs(parts.box).max(axis=1, initial=0.0)
    whole = sites[parts.site]
    thin = np.flatnonzero(shapely.area(whole) <= 8.0 * EPSILON * far * shapely.length(whole))
    if not len(thin):
        return []
    some = parts.only(thin)
    part, piece, shape = _met(index, some)
    new = ~_among(index, (some.site[part], index.areas.zone[piece]), met)
    close = _measured(some, part[new], index.areas.zone[piece[new]], shape[new])
    return [close.only(close.metres <= SAME_M)]


def _nearest(index: Pieces, parts: _Parts, sites: int, range_m: float, slack: float) -> _Close:
    """Return places among which the nearest within range of each of these sites is."""
    outline = index.outline
    guess = outline.first(parts.box)
    some = _measured(parts, np.arange(len(guess)), outline.zone[guess], outline.take(guess))
    bound = np.full(sites, range_m)
    np.minimum.at(bound, parts.site, some.metres)
    bound = bound * slack + SAME_M
    part, run = outline.within(parts.box, bound[parts.site])
    new = run != guess[part]
    part, run = part[new], run[new]
    others = [_measured(parts, part, outline.zone[run], outline.take(run))] if len(part) else []
    close = _Close.joined([some, *others])
    return close.only(close.metres <= bound[close.site])


def _measured(parts: _Parts, part: Rows, zone: Rows, shape: GeometryArray) -> _Close:
    mine = parts.shape[part]
    ends = np.full((len(part), 2, 2), np.nan)
    return _Close(parts.site[part], zone, shapely.distance(mine, shape), mine, shape, ends)


def _among(index: Pieces, pairs: tuple[Rows, Rows], met: tuple[Rows, Rows]) -> NDArray[np.bool_]:
    """Return which pairs of site and zone are among others, which are sorted."""
    if not len(met[0]) or not len(pairs[0]):
        return np.zeros(len(pairs[0]), dtype=bool)
    zones = len(index.girth)
    known, asked = met[0] * zones + met[1], pairs[0] * zones + pairs[1]
    return np.asarray(known[np.minimum(np.searchsorted(known, asked), len(known) - 1)] == asked)


def _settled(
    index: Pieces, sites: GeometryArray, start: int, close: _Close, far: _Far, met: tuple[Rows, Rows]
) -> Near:
    """Return one row a zone: the place nearest, zero where site and zone meet, and never else."""
    if not len(close.site):
        corner = _corners(sites[met[0]])
        return Near(met[0] + start, met[1], np.zeros(len(corner)), corner, corner)
    if len(close.site) > 1:
        order = np.lexsort((close.metres, close.zone, close.site))
        close = close.only(order[_firsts(close.site[order], close.zone[order])])
    distance = close.metres
    doubt = (distance < DOUBT_M).nonzero()[0]
    if len(doubt):
        together = shapely.intersects(sites[close.site[doubt]], index.zones(close.zone[doubt]))
        distance[doubt] = np.where(together, 0.0, np.maximum(distance[doubt], 1e-150))
    site, zone, known = close.site, close.zone, len(met[0])
    if known:
        site, zone = np.concatenate([met[0], site]), np.concatenate([met[1], zone])
        distance = np.concatenate([np.zeros(known), distance])
    order = np.lexsort((zone, site)) if known else np.arange(len(site))
    order = order[_wanted(site[order], distance[order], far.reach_m, far.range_m)]
    site, zone, distance, place = site[order], zone[order], distance[order], order - known
    ends = np.empty((len(site), 2, 2))
    over = place < 0
    if known:
        ends[over] = _corners(sites[site[over]])[:, None]
    ends[~over] = close.ends[place[~over]]
    unknown = np.isnan(ends[:, 0, 0]).nonzero()[0]
    apart = place[unknown]
    ends[unknown] = shapely.get_coordinates(shapely.shortest_line(close.mine[apart], close.theirs[apart])).reshape(-1, 2, 2)
    ends[distance == 0.0, 1] = ends[distance == 0.0, 0]
    return Near(site + start, zone, distance, ends[:, 0], ends[:, 1])


def _corners(shapes: GeometryArray) -> FloatArray:
    """Return the first corner of areas."""
    first = shapely.get_exterior_ring(shapely.get_geometry(shapes, 0))
    return np.asarray(shapely.get_coordinates(shapely.get_point(first, 0)), dtype=np.float64)


def _wanted(site: Rows, distance: FloatArray, reach_m: float, range_m: float) -> Rows:
    """Return which rows (sorted by site, zone) are within reach, or of a site without such the nearest in range."""
    within = distance <= reach_m
    if len(site) == 1:
        return np.arange(int(distance[0] <= max(reach_m, range_m)))
    if within.all():
        return np.arange(len(site))
    served = np.zeros(int(site.max(initial=-1)) + 1, dtype=bool)
    served[site[within]] = True
    least = np.full(len(served), np.inf)
    np.minimum.at(least, site, distance)
    tied = np.flatnonzero(~served[site] & (distance <= least[site] + SAME_M) & (least[site] <= range_m))
    within[tied[np.unique(site[tied], return_index=True)[1]]] = True  # the first zone of those equally near
    return np.flatnonzero(within)


def _parts(sites: GeometryArray, dimension: int) -> _Parts:
    """Return the parts of sites of a dimension, or of any (-1), sorted by site; nothing of an empty one."""
    filled = ~(shapely.is_missing(sites) | shapely.is_empty(sites))
    if dimension >= 0:
        filled &= shapely.get_dimensions(sites) == dimension
    rows = np.flatnonzero(filled)
    shapes = sites[rows]
    large = shapely.get_num_coordinates(shapes) > WHOLE
    if large.any():
        made = [_cut(wkb) for wkb in shapely.to_wkb(shapes[large])]
        shapes = np.concatenate([shapes[~large], *made])
        rows = np.concatenate([rows[~large], np.repeat(rows[large], [len(parts) for parts in made])])
        order = np.argsort(rows, kind="stable")
        shapes, rows = shapes[order], rows[order]
    return _Parts(shapes, rows, shapely.bounds(shapes).reshape(-1, 4))


@lru_cache(maxsize=64)
def _cut(wkb: bytes) -> GeometryArray:
    """Return the parts of a large site; the next layer asks for the same."""
    column = np.array([shapely.from_wkb(wkb)], dtype=object)
    return cutter.cut(column, PART)[0]


def _in_blocks(work: Callable[[int, int], T], index: Pieces, sites: GeometryArray, threads: int | None) -> list[T]:
    """Return what the work on each block of sites gives, in order."""
    count = len(sites)
    if count <= BLOCK:
        return [work(0, count)]
    from concurrent.futures import ThreadPoolExecutor  # 5 ms to load, and one site does without

    cuts = [*range(0, count, BLOCK), count]
    assert index.areas.tree is not None and index.outline.tree is not None  # made before the threads need them
    workers = min(threads or os.cpu_count() or 1, len(cuts) - 1)
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, cuts[:-1], cuts[1:]))
