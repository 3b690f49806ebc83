"""The nearest zone on the ellipsoid, by trying: every vertex of one outline against every edge of the other, with Geod."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from real_sites import column
from shapely import affinity

from linxi_gis import crs, engine, nearest

Shapes = NDArray[np.object_]
Points = NDArray[np.float64]
GEOD = pyproj.Geod(ellps="GRS80")
REACH_M, RANGE_M = 800.0, 10_000.0
SLACK = 1e-4  # the plane's scale is true to 2e-5 here: what is nearest on the ellipsoid is within this in the plane
TOLD_M = 1e-3


@dataclass
class Found:
    """Pairs and sites compared, how often another zone than the plane's is nearest, the worst, and the differences."""

    pairs: int = 0
    sites: int = 0
    turned: int = 0
    worst_m: float = 0.0
    different: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take over what another counted."""
        for name in ("pairs", "sites", "turned"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst_m = max(self.worst_m, other.worst_m)
        self.different += other.different


def rivals(rng: np.random.Generator, sites: Shapes, zones: Shapes, count: int) -> Shapes:
    """Return copies of zones turned about sites to where they are all but as far as the zone itself, in the plane."""
    made = []
    site, zone = shapely.STRtree(zones).query_nearest(sites, max_distance=RANGE_M, all_matches=False)
    for k in rng.permutation(len(site))[:count]:
        own, theirs = sites[site[k]], zones[zone[k]]
        wanted = shapely.distance(own, theirs) * (1.0 + rng.uniform(-3e-5, 3e-5))
        copy = affinity.rotate(theirs, rng.uniform(60.0, 300.0), origin=own.centroid)
        for _ in range(4):
            start, end = shapely.get_coordinates(shapely.shortest_line(own, copy))
            way = end - start
            gap = float(np.hypot(*way))
            if gap > 0.0:
                copy = affinity.translate(copy, *(way / gap * (wanted - gap)))
        made.append(copy)
    return column(made)


def metres(one: Points, other: Points) -> Points:
    """Return geodesic lengths between points of the plane, shape (n, 2) each."""
    a, b = crs.points_lonlat(one), crs.points_lonlat(other)
    return np.asarray(GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2])


def least_m(one: Any, other: Any) -> float:
    """Return the geodesic distance of two outlines apart: of each vertex to each edge that may be the nearest."""
    gap = float(shapely.length(shapely.shortest_line(one, other)))
    return min(_least(a, b, gap * (1.0 + SLACK) + 1e-3) for a, b in ((one, other), (other, one)))


def _least(vertices: Any, edges: Any, most: float) -> float:
    xy, ends = shapely.get_coordinates(vertices), nearest.edges(edges)
    lines: Any = shapely.linestrings(ends)
    row, edge = shapely.STRtree(lines).query(shapely.points(xy), predicate="dwithin", distance=most)
    if not len(row):
        return float("inf")
    start, along = ends[edge, 0], ends[edge, 1] - ends[edge, 0]
    low, high = np.zeros(len(row)), np.ones(len(row))
    best = np.full(len(row), np.inf)
    for _ in range(12):  # each time the window shrinks to a quarter around the best of nine places
        part = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, 9)
        there = start[:, None] + part[..., None] * along[:, None]
        here = np.broadcast_to(xy[row][:, None], there.shape)
        lengths = metres(here.reshape(-1, 2), there.reshape(-1, 2)).reshape(-1, 9)
        at = lengths.argmin(axis=1)
        rows = np.arange(len(row))
        best = np.minimum(best, lengths[rows, at])
        low, high = part[rows, np.maximum(at - 1, 0)], part[rows, np.minimum(at + 1, 8)]
    return float(best.min())


def compare(zones: Shapes, sites: Shapes, kind: engine.Kind, found: Found) -> None:
    """Compare what an engine says of the ellipsoid with what trying says; `zones` and `sites` in the area plane."""
    index = engine.open_index(engine.build(zones, kind))
    near = engine.near(index, sites, REACH_M, RANGE_M, bend=nearest.BEND)
    by_plane = engine.near(index, sites, REACH_M, RANGE_M)
    apart = near.distance_m > 0.0
    between = metres(near.site_xy, near.zone_xy)
    true = np.zeros(len(near.site))
    for k in np.flatnonzero(apart):
        true[k] = least_m(sites[near.site[k]], zones[near.zone[k]])
    off = np.maximum(np.abs(near.distance_m - true), np.where(apart, np.abs(between - true), 0.0))
    found.pairs += len(near.site)
    found.worst_m = max(found.worst_m, float(off.max(initial=0.0)))
    for k in np.flatnonzero(off > TOLD_M):
        said = f"{near.distance_m[k]!r}, ends {between[k]!r} for {true[k]!r}"
        found.different.append(f"{kind} bend {near.site[k]} {near.zone[k]}: {said}")
    first = {int(s): int(z) for s, z in zip(by_plane.site, by_plane.zone, strict=True)}
    for k in np.flatnonzero(near.distance_m > REACH_M):
        found.sites += 1
        found.turned += first.get(int(near.site[k])) != int(near.zone[k])
        found.different += [f"{kind} bend {one}" for one in _nearer(sites, zones, near, k, float(true[k]))]
    found.different += [f"{kind} bend {one}" for one in _reach(sites, zones, near)]


def _nearer(sites: Shapes, zones: Shapes, near: engine.Near, k: Any, mine: float) -> Iterator[str]:
    """Tell of zones nearer on the ellipsoid than the one that was named."""
    site, zone = int(near.site[k]), int(near.zone[k])
    around = shapely.buffer(shapely.envelope(sites[site]), mine * (1.0 + SLACK))
    for other in shapely.STRtree(zones).query(around):
        if other != zone and shapely.dwithin(sites[site], zones[other], mine * (1.0 + SLACK)):
            theirs = least_m(sites[site], zones[other])
            if theirs < mine - TOLD_M:
                yield f"nearest {site}: {zone} at {mine!r}, but {other} at {theirs!r}"


def _reach(sites: Shapes, zones: Shapes, near: engine.Near) -> Iterator[str]:
    """Tell of zones within reach that were not named, and named that are not, but for 1 mm."""
    site, zone = shapely.STRtree(zones).query(sites, predicate="dwithin", distance=REACH_M * (1.0 - SLACK))
    listed = set(zip(near.site.tolist(), near.zone.tolist(), strict=True))
    yield from (f"reach {one}" for one in set(zip(site.tolist(), zone.tolist(), strict=True)) - listed)
    named = set(near.site[near.distance_m <= REACH_M].tolist())
    far = [k for k in np.flatnonzero(near.distance_m > REACH_M) if int(near.site[k]) in named]
    yield from (f"beyond reach {near.site[k]} {near.zone[k]}" for k in far)
