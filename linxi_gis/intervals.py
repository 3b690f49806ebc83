"""Chainage: where along a line a zone is met, as intervals of geodesic metres from its start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from linxi_gis.crs import Geometry, points_lonlat
from linxi_gis.geodesy import distances
from linxi_gis.model import GeometryArray

Interval = tuple[float, float]
# Two intervals closer than this are one: 1 mm, the resolution coordinates are exchanged in.
JOIN_M = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A line as its segments with geodesic chainage.

    `segments` are two-point lines in the area plane, shape (n,); `start_m` and `length_m` are the
    geodesic chainage of each segment's start and its length, shape (n,). Parts of a multi-line
    follow each other without a gap.
    """

    segments: GeometryArray
    start_m: np.ndarray[tuple[int], np.dtype[np.float64]]
    length_m: np.ndarray[tuple[int], np.dtype[np.float64]]

    @property
    def total_m(self) -> float:
        """Length of the whole line (m)."""
        return float(self.length_m.sum())


def chain(plane_line: Geometry) -> Chain:
    """Return the chain of a line given in the area plane."""
    pairs = []
    for part in shapely.get_parts(plane_line):
        xy = shapely.get_coordinates(part)
        pairs.append(np.stack([xy[:-1], xy[1:]], axis=1))
    ends = np.concatenate(pairs)
    lonlat = points_lonlat(ends.reshape(-1, 2)).reshape(-1, 2, 2)
    lengths, _ = distances(lonlat[:, 0], lonlat[:, 1])
    starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    segments = np.asarray(shapely.linestrings(ends), dtype=object)
    return Chain(segments, starts, lengths)


def within(line: Chain, zone: Geometry) -> tuple[Interval, ...]:
    """Return the chainage intervals of a line that lie in a zone, merged, in order.

    Each segment is cut by itself, so a line that meets itself is not confused.

    >>> square = shapely.box(10, -5, 20, 5)
    >>> [(round(a, 1), round(b, 1)) for a, b in within(chain(shapely.LineString([(0, 0), (30, 0)])), square)]
    [(10.0, 20.0)]
    """
    near = np.flatnonzero(shapely.intersects(line.segments, zone))
    found: list[Interval] = []
    for i, cut in zip(near, shapely.intersection(line.segments[near], zone), strict=True):
        segment = line.segments[i]
        scale = line.length_m[i] / segment.length if segment.length else 0.0
        for part in shapely.get_parts(cut):
            if part.length > 0.0:
                along = shapely.line_locate_point(segment, shapely.points(shapely.get_coordinates(part)))
                found.append(
                    (
                        float(line.start_m[i] + along.min() * scale),
                        float(line.start_m[i] + along.max() * scale),
                    )
                )
    return merge(found)


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
