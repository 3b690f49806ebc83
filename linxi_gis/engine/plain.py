"""The plain engine: shapely over pieces of zones. No compiled code of ours; lines and points too."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.engine import pieces
from linxi_gis.engine.answers import PLANE, Bend, Near, Overlaps, Rows
from linxi_gis.engine.rings import FloatArray, GeometryArray

EPSILON = 2.0**-52
SAME_M = 1e-9  # zones whose distances differ by less are equally near: the first of them is the nearest
# Cuts move an edge by last bits, below 1e-9 m: nearer than this the whole zone is asked whether it meets the site.
DOUBT_M = 1e-6
FEW = 8  # so few sites are compared with the boxes of all pieces: cheaper than a tree over them
BLOCK = 512

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Pieces:
    """The arrays of `pieces.build`, opened: geometries are read when they are first needed."""

    arrays: dict[str, NDArray[np.generic]]
    zone: Rows = field(init=False)
    box: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", np.asarray(self.arrays["piece_zone"], dtype=np.int64))
        object.__setattr__(self, "box", np.asarray(self.arrays["piece_box"], dtype=np.float64))

    @cached_property
    def _held(self) -> tuple[GeometryArray, GeometryArray]:
        zones = len(self.arrays["zone_start"]) - 1
        return np.full(len(self.zone), None, dtype=object), np.full(zones, None, dtype=object)

    def shapes(self, rows: Rows) -> GeometryArray:
        """Return pieces by row."""
        return self._read(0, "piece", rows)

    def zones(self, rows: Rows) -> GeometryArray:
        """Return whole zones by row."""
        return self._read(1, "zone", rows)

    def _read(self, which: int, name: str, rows: Rows) -> GeometryArray:
        held = self._held[which]
        missing = np.unique(rows)
        missing = missing[shapely.is_missing(held[missing])]
        if len(missing):
            blob, start = self.arrays[f"{name}_wkb"], self.arrays[f"{name}_start"]
            held[missing] = pieces.read(blob, start, missing)  # type: ignore[arg-type]
        return held[rows]

    def few(self, sites: int) -> bool:
        """Whether so few sites are better compared with the boxes of all pieces; not where the tree stands already."""
        return sites <= FEW and "tree" not in self.__dict__

    @cached_property
    def tree(self) -> shapely.STRtree:
        """A tree over all pieces."""
        return shapely.STRtree(self.shapes(np.arange(len(self.zone))))


def overlaps(index: Pieces, sites: GeometryArray, threads: int | None = None) -> Overlaps:
    """Return the pairs of sites and zones that have area in common (see `Overlaps`), on so many threads."""

    def block(start: int, stop: int) -> tuple[Rows, Rows, FloatArray, FloatArray]:
        site, piece = _within(index, sites[start:stop], 0.0)
        both = shapely.intersection(sites[start:stop][site], index.shapes(piece))
        return site + start, index.zone[piece], shapely.area(both), shapely.length(both)

    found = _in_blocks(block, index, sites, threads)
    site, zone, area, outline = (np.concatenate([one[k] for one in found]) for k in range(4))
    zones = max(len(index.arrays["zone_girth"]), 1)
    pair, back = np.unique(site * zones + zone, return_inverse=True)
    site, zone = pair // zones, pair % zones
    area, outline = (np.bincount(back, one, minlength=len(pair)) for one in (area, outline))
    far = np.abs(shapely.bounds(sites)).max(axis=1, initial=0.0)[site]
    girth = np.minimum(shapely.length(sites)[site], np.asarray(index.arrays["zone_girth"])[zone])
    real = area > 2.0 * EPSILON * far * girth  # what rounding the coordinates along the outline makes
    return Overlaps(site[real], zone[real], area[real], outline[real])


def near(
    index: Pieces, sites: GeometryArray, reach_m: float, range_m: float, met: Overlaps | None = None,
    threads: int | None = None, bend: Bend = PLANE,
) -> Near:  # fmt: skip
    """Return each site's zones within `reach_m`, else the nearest within `range_m` (see `Near`).

    `met` are the overlaps of the same sites and zones, where the caller has them: they are not looked for again.
    """
    met = overlaps(index, sites, threads) if met is None else met

    def block(start: int, stop: int) -> tuple[Rows, Rows, FloatArray]:
        mine = sites[start:stop]
        site, piece = _within(index, mine, reach_m + SAME_M)
        distance = shapely.distance(mine[site], index.shapes(piece))
        alone = np.setdiff1d(np.flatnonzero(_filled(mine)), site[distance <= reach_m])
        if range_m > reach_m and len(alone) and len(index.zone):
            kept = ~np.isin(site, alone)
            first, nearest, gap = _nearest(index, mine, alone, range_m)
            site, piece = np.concatenate([site[kept], first]), np.concatenate([piece[kept], nearest])
            distance = np.concatenate([distance[kept], gap])
        return site + start, piece, distance

    found = _in_blocks(block, index, sites, threads)
    site, piece, distance = (np.concatenate([one[k] for one in found]) for k in range(3))
    return _settled(index, sites, site, piece, distance, reach_m, range_m, met)


def _settled(
    index: Pieces, sites: GeometryArray, site: Rows, piece: Rows, distance: FloatArray,
    reach_m: float, range_m: float, met: Overlaps,
) -> Near:  # fmt: skip
    """Return one row a zone: the piece nearest, zero where site and zone meet, and never else."""
    zone = index.zone[piece]
    order = np.lexsort((distance, zone, site))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(site[order]) != 0) | (np.diff(zone[order]) != 0)
    rows = order[first]
    site, piece, zone, distance = site[rows], piece[rows], zone[rows], distance[rows]
    zones = max(len(index.arrays["zone_girth"]), 1)
    overlap = np.isin(site * zones + zone, met.site * zones + met.zone)
    distance = np.where(overlap, 0.0, distance)
    doubt = (distance < DOUBT_M) & ~overlap
    together = shapely.intersects(sites[site[doubt]], index.zones(zone[doubt]))
    distance[doubt] = np.where(together, 0.0, np.maximum(distance[doubt], 1e-150))
    kept = _wanted(site, distance, reach_m, range_m)
    site, piece, zone, distance, overlap = site[kept], piece[kept], zone[kept], distance[kept], overlap[kept]
    ends = shapely.get_coordinates(shapely.shortest_line(sites[site], index.shapes(piece))).reshape(-1, 2, 2)
    corner = shapely.get_coordinates(shapely.get_point(_first_line(sites[site[overlap]]), 0))
    ends[overlap] = corner[:, None]
    ends[distance == 0.0, 1] = ends[distance == 0.0, 0]
    return Near(site, zone, distance, ends[:, 0], ends[:, 1])


def _first_line(shapes: GeometryArray) -> GeometryArray:
    return np.asarray(shapely.get_exterior_ring(shapely.get_geometry(shapes, 0)), dtype=object)


def _wanted(site: Rows, distance: FloatArray, reach_m: float, range_m: float) -> NDArray[np.bool_]:
    """Return which rows (sorted by site, zone) are within reach, or of a site without such the nearest in range."""
    within = distance <= reach_m
    served = np.isin(site, site[within])
    least = np.full(int(site.max(initial=-1)) + 1, np.inf)
    np.minimum.at(least, site, distance)
    tied = np.flatnonzero(~served & (distance <= least[site] + SAME_M) & (least[site] <= range_m))
    chosen = within.copy()
    chosen[tied[np.unique(site[tied], return_index=True)[1]]] = True  # the first zone of those equally near
    return chosen


def _filled(sites: GeometryArray) -> NDArray[np.bool_]:
    return ~(shapely.is_missing(sites) | shapely.is_empty(sites))


def _within(index: Pieces, sites: GeometryArray, reach: float) -> tuple[Rows, Rows]:
    """Return pairs of sites and pieces no further apart than `reach`; of few sites, those whose boxes are."""
    if not index.few(len(sites)):
        found = index.tree.query(sites, predicate="dwithin", distance=reach) if reach else index.tree.query(
            sites, predicate="intersects"
        )  # fmt: skip
        return found[0].astype(np.int64), found[1].astype(np.int64)
    away = [_apart(index.box, box) for box in shapely.bounds(sites)]
    rows = [np.flatnonzero(one <= reach) for one in away]
    site = np.repeat(np.arange(len(sites)), [len(row) for row in rows])
    return site, np.concatenate([np.empty(0, dtype=np.int64), *rows])


def _apart(boxes: FloatArray, box: FloatArray) -> FloatArray:
    """Return the distance (m) of boxes from one box; NaN from an empty one."""
    dx = np.maximum(boxes[:, 0] - box[2], box[0] - boxes[:, 2])
    dy = np.maximum(boxes[:, 1] - box[3], box[1] - boxes[:, 3])
    return np.asarray(np.hypot(np.maximum(dx, 0.0), np.maximum(dy, 0.0)))


def _nearest(index: Pieces, sites: GeometryArray, rows: Rows, range_m: float) -> tuple[Rows, Rows, FloatArray]:
    """Return pieces among which the nearest within range of each of some sites is: site, piece, distance (m)."""
    if index.few(len(sites)):
        return _nearest_by_box(index, sites, rows, range_m)
    mine = sites[rows]
    guess = index.tree.nearest(shapely.points(shapely.bounds(mine)[:, :2]))
    bound = np.minimum(shapely.distance(mine, index.shapes(np.asarray(guess, dtype=np.int64))), range_m) + SAME_M
    site, piece = index.tree.query(mine, predicate="dwithin", distance=bound)
    return rows[site], piece.astype(np.int64), shapely.distance(mine[site], index.shapes(piece.astype(np.int64)))


def _nearest_by_box(
    index: Pieces, sites: GeometryArray, rows: Rows, range_m: float
) -> tuple[Rows, Rows, FloatArray]:
    """Do it by the boxes of all pieces, the nearest first, until a box is further than what is found."""
    found: list[tuple[Rows, Rows, FloatArray]] = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for row in rows.tolist():
        away = _apart(index.box, shapely.bounds(sites[row]))
        order = np.argsort(away, kind="stable")
        order = order[away[order] <= range_m]
        best, start, width = range_m, 0, 4
        while start < len(order) and away[order[start]] <= best + SAME_M:
            some = order[start : start + width]
            gap = shapely.distance(sites[row], index.shapes(some))
            best = min(best, float(gap.min()))
            found.append((np.full(len(some), row), some, gap))
            start, width = start + width, 2 * width
    return (
        np.concatenate([one[0] for one in found]),
        np.concatenate([one[1] for one in found]),
        np.concatenate([one[2] for one in found]),
    )


def _in_blocks(work: Callable[[int, int], T], index: Pieces, sites: GeometryArray, threads: int | None) -> list[T]:
    """Return what the work on each block of sites gives, in order. No prepared geometry is shared by threads:
    GEOS would crash."""
    count = len(sites)
    if count <= BLOCK:
        return [work(0, count)]
    cuts = [*range(0, count, BLOCK), count]
    assert index.tree is not None  # made before the threads need it
    workers = min(threads or os.cpu_count() or 1, len(cuts) - 1)
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, cuts[:-1], cuts[1:]))
