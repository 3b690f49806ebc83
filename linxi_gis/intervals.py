"""Chainage: where along a line a zone is met, as intervals of geodesic metres from its start."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.crs import Geometry, points_lonlat
from linxi_gis.geodesy import distances
from linxi_gis.model import GeometryArray

Interval = tuple[float, float]
# Two intervals closer than this are one: 1 mm, the resolution coordinates are exchanged in.
JOIN_M = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A line as its segments with geodesic chainage.

    `segments` are two-point lines in the area plane, shape (n,); `start_m`
    and `length_m` are the geodesic chainage of each segment's start and its length, shape (n,). Parts of a
    multi-line follow each other without a gap. `tree` is over the segments.
    """

    segments: GeometryArray
    tree: shapely.STRtree
    start_m: np.ndarray[tuple[int], np.dtype[np.float64]]
    length_m: np.ndarray[tuple[int], np.dtype[np.float64]]

    @property
    def total_m(self) -> float:
        """Length of the whole line (m)."""
        return float(self.start_m[-1] + self.length_m[-1])

    def beside(self, zone: Geometry) -> NDArray[np.intp]:
        """Return which segments meet a zone, in order."""
        return np.sort(self.tree.query(zone, predicate="intersects"))


def chain(plane_line: Geometry) -> Chain:
    """Return the chain of a line given in the area plane; those of the last few lines are kept."""
    chains = _OWN.chains
    kept = chains.get(id(plane_line))
    if kept is None or kept[0] is not plane_line:
        while len(chains) >= _MANY:
            del chains[next(iter(chains))]
        kept = chains[id(plane_line)] = plane_line, _chain(plane_line)
    return kept[1]


_MANY = 32


class _Own(threading.local):
    """The lines a thread last asked chains of, by their identity, each with its chain."""

    def __init__(self) -> None:
        self.chains: dict[int, tuple[Geometry, Chain]] = {}


_OWN = _Own()


def _chain(plane_line: Geometry) -> Chain:
    xy, part = shapely.get_coordinates(shapely.get_parts(plane_line), return_index=True)
    kept = part[1:] == part[:-1]
    ends = np.stack([xy[:-1][kept], xy[1:][kept]], axis=1)
    lonlat = points_lonlat(ends.reshape(-1, 2)).reshape(-1, 2, 2)
    lengths, _ = distances(lonlat[:, 0], lonlat[:, 1])
    starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    segments = np.asarray(shapely.linestrings(ends), dtype=object)
    return Chain(segments, shapely.STRtree(segments), starts, lengths)


def within(line: Chain, zone: Geometry) -> tuple[Interval, ...]:
    """Return the chainage intervals of a line that lie in a zone, merged, in order.

    Each segment is cut by itself, so a line that meets itself is not confused; one that lies wholly inside an area,
    as most do of a long line in a large one, needs no cutting.

    >>> square = shapely.box(10, -5, 20, 5)
    >>> [(round(a, 1), round(b, 1)) for a, b in within(chain(shapely.LineString([(0, 0), (30, 0)])), square)]
    [(10.0, 20.0)]
    """
    near = line.beside(zone)
    if not len(near):
        return ()
    common = line.segments[near]
    border = ~_inside(common, zone)
    common[border] = shapely.intersection(common[border], zone)
    parts, cut = shapely.get_parts(common, return_index=True)
    long = shapely.length(parts) > 0.0
    parts, row = parts[long], near[cut[long]]
    if not len(parts):
        return ()
    points, part = shapely.get_coordinates(parts, return_index=True)
    along = shapely.line_locate_point(line.segments[row[part]], shapely.points(points))
    first = np.searchsorted(part, np.arange(len(parts)))
    scale = line.length_m[row] / shapely.length(line.segments[row])
    start = line.start_m[row] + np.minimum.reduceat(along, first) * scale
    end = line.start_m[row] + np.maximum.reduceat(along, first) * scale
    return merge(zip(start.tolist(), end.tolist(), strict=True))


def _inside(segments: GeometryArray, zone: Geometry) -> NDArray[np.bool_]:
    """Return which segments lie wholly in the interior of an area."""
    if shapely.get_dimensions(zone) != 2:
        return np.zeros(len(segments), dtype=bool)
    mine = zone if shapely.is_prepared(zone) else shapely.from_wkb(shapely.to_wkb(zone))
    shapely.prepare(mine)  # a copy: prepared geometries are no two threads' (see `geometry.own`)
    return np.asarray(shapely.contains_properly(mine, segments))


def crossings(line: Chain, zone: Geometry) -> tuple[Interval, ...]:
    """Return the stretches of a line in a zone, and where it crosses a line zone the chainage twice.

    >>> bed = shapely.LineString([(10, -5), (10, 5)])
    >>> [(round(a, 1), round(b, 1)) for a, b in crossings(chain(shapely.LineString([(0, 0), (30, 0)])), bed)]
    [(10.0, 10.0)]
    """
    found = list(within(line, zone))
    if shapely.get_dimensions(zone) == 2:
        return tuple(found)
    for i in line.beside(zone):
        segment = line.segments[i]
        common = shapely.get_parts(shapely.intersection(segment, zone))
        points = common[shapely.get_dimensions(common) == 0]
        share = shapely.line_locate_point(segment, points) / segment.length if segment.length else np.zeros(len(points))
        found.extend((float(m), float(m)) for m in line.start_m[i] + share * line.length_m[i])
    return merge(found)


def places(line: Chain, metres: Sequence[float]) -> list[tuple[float, float]]:
    """Return longitude and latitude at chainages (m) of a line; beyond its ends, those of its ends.

    >>> [round(value, 6) for value in places(chain(shapely.LineString([(0, 0), (0, 100)])), [0.0])[0]]
    [118.05, 43.75]
    """
    along = np.clip(np.asarray(metres, dtype=np.float64), 0.0, line.total_m)
    i = np.clip(np.searchsorted(line.start_m, along, side="right") - 1, 0, len(line.start_m) - 1)
    share = np.clip((along - line.start_m[i]) / np.where(line.length_m[i] > 0.0, line.length_m[i], 1.0), 0.0, 1.0)
    points = shapely.line_interpolate_point(line.segments[i], share, normalized=True)
    return [(float(lon), float(lat)) for lon, lat in points_lonlat(shapely.get_coordinates(points))]


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the union of intervals, in order, joining those less than 1 mm apart.

    >>> merge([(5.0, 9.0), (0.0, 2.0), (8.0, 10.0)])
    ((0.0, 2.0), (5.0, 10.0))
    """
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1] + JOIN_M:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def total(intervals: Sequence[Interval]) -> float:
    """Return the summed length of disjoint intervals (m).

    >>> total(((0.0, 2.0), (5.0, 10.0)))
    7.0
    """
    return float(sum(end - start for start, end in intervals))
