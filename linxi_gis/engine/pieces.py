"""The index of zones for the plain engine: the arrays of a prepared layer (`zonestore`), opened for searching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import pieces, zonestore
from linxi_gis.engine.answers import Rows
from linxi_gis.engine.rings import FloatArray, GeometryArray

VERTICES = pieces.MAX_VERTICES
FEW = 64  # so few boxes are compared with those of all geometries, where no tree stands yet
PATIENCE = 64  # times: one check asks a few times, and a tree would cost it more than it saves
GROUP = 48  # neighbours in the column whose common box is looked at first


def build(zones: GeometryArray, vertices: int = VERTICES) -> dict[str, NDArray[Any]]:
    """Return zones in the plane, of any kind, cut into pieces of at most so many vertices, as named arrays.

    They are those of a prepared layer, whose own arrays are as good an index: see `zonestore.build`.
    """
    shapes = np.array(zones, dtype=object)
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    return zonestore.build(shapes, vertices)


class Column:
    """Geometries that are opened when first needed: row of the zone of each, shape (n,), and its box, shape (n, 4).

    Threads may share it: what is held is never prepared, and of two that open the same one either is kept.
    """

    def __init__(self, zone: Rows, box: FloatArray, read: Callable[[Rows], GeometryArray]) -> None:
        self.zone, self.box, self._read = zone, box, read
        self._held = np.full(len(zone), None, dtype=object)
        self._asked = 0

    def take(self, rows: Rows) -> GeometryArray:
        """Return geometries by row."""
        found = self._held[rows]
        missing = shapely.is_missing(found)
        if missing.any():
            wanted = np.unique(rows[missing])
            self._held[wanted] = self._read(wanted)
            found = self._held[rows]
        return np.asarray(found, dtype=object)

    def few(self, count: int) -> bool:
        """Whether so many boxes are better compared with all of ours; not where the tree stands already, or pays."""
        if count > FEW or "tree" in self.__dict__:
            return False
        self._asked += 1
        return self._asked <= PATIENCE

    @cached_property
    def tree(self) -> shapely.STRtree:
        """A tree over all geometries."""
        return shapely.STRtree(self.take(np.arange(len(self.zone))))

    def within(self, box: FloatArray, reach_m: FloatArray) -> tuple[Rows, Rows]:
        """Return pairs of rows of boxes, shape (n, 4), and geometries whose boxes are no further apart than reach."""
        if self.few(len(box)):
            return self._compared(box, reach_m)
        wide = reach_m[:, None]
        around = shapely.box(*(box[:, :2] - wide).T, *(box[:, 2:] + wide).T)
        row, mine = self.tree.query(around)
        kept = apart(box[row], self.box[mine]) <= reach_m[row]
        return row[kept], mine[kept]

    def first(self, box: FloatArray) -> Rows:
        """Return one geometry near the middle of each box: a guess at the nearest; there must be one at all."""
        if not self.few(len(box)):
            return np.asarray(self.tree.nearest(shapely.points((box[:, :2] + box[:, 2:]) / 2.0)), dtype=np.int64)
        found = [self._nearest(one) for one in box]
        return np.array(found, dtype=np.int64)

    def _compared(self, box: FloatArray, reach_m: FloatArray) -> tuple[Rows, Rows]:
        if len(box) == 1:
            some = self._near(box[0], float(reach_m[0]))
            return np.zeros(len(some), dtype=np.int64), some
        some = self._near(np.concatenate([box[:, :2].min(axis=0), box[:, 2:].max(axis=0)]), float(reach_m.max()))
        row, place = np.nonzero(apart(box[:, None], self.box[some]) <= reach_m[:, None])
        return row, some[place]

    def _near(self, box: FloatArray, reach: float) -> Rows:
        """Return the geometries whose boxes are within reach of one box."""
        rows = self._members((apart(box, self._groups) <= reach).nonzero()[0])
        return rows[apart(box, self.box[rows]) <= reach]

    def _nearest(self, box: FloatArray) -> int:
        """Return the geometry whose box reaches least far from the middle of a box, of groups nearest to that."""
        middle = np.concatenate([box[:2] + box[2:]] * 2) / 2.0
        rows = self._members(np.argsort(farthest(middle, self._groups))[:8])
        return int(rows[np.argmin(farthest(middle, self.box[rows]))])

    def _members(self, groups: Rows) -> Rows:
        rows = (groups[:, None] * GROUP + np.arange(GROUP)).reshape(-1)
        return rows[rows < len(self.zone)]

    @cached_property
    def _groups(self) -> FloatArray:
        starts = np.arange(0, len(self.box), GROUP)
        if not len(starts):
            return np.empty((0, 4))
        low = np.minimum.reduceat(self.box[:, :2], starts)
        return np.asarray(np.hstack([low, np.maximum.reduceat(self.box[:, 2:], starts)]))


def apart(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the distance (m) of boxes x, y, x', y' in the last axis, which are broadcast; NaN from an empty one."""
    gap = np.maximum(one[..., :2] - other[..., 2:], other[..., :2] - one[..., 2:])
    gap = np.maximum(gap, 0.0)
    return np.asarray(np.hypot(gap[..., 0], gap[..., 1]))


def farthest(point: FloatArray, boxes: FloatArray) -> FloatArray:
    """Return the distance (m) of a point x, y, x, y to the farthest corner of boxes, shape (n,)."""
    gap = np.abs(boxes - point)
    gap = np.maximum(gap[:, :2], gap[:, 2:])
    return np.asarray(np.hypot(gap[:, 0], gap[:, 1]))


@dataclass(frozen=True, eq=False)
class Pieces:
    """The arrays of `build`, or of a prepared layer, opened: geometries are read, and checked, when first needed."""

    arrays: Mapping[str, NDArray[Any]]

    @property
    def zone(self) -> Rows:
        """Row of the zone of each piece."""
        return self.areas.zone

    @cached_property
    def girth(self) -> FloatArray:
        """Length of the outline of each zone, m; 0 of an empty one."""
        return np.asarray(self.arrays["zone.length"], dtype=np.float64)

    @cached_property
    def areas(self) -> Column:
        """The pieces: what is in a zone is in one of them."""
        arrays = self.arrays
        zone, box = np.asarray(arrays["piece.zone"], dtype=np.int64), np.asarray(arrays["piece.bounds"], dtype=np.float64)
        return Column(zone, box, lambda rows: zonestore.load(arrays, "piece", rows))

    @cached_property
    def outline(self) -> Column:
        """Short runs of the borders of areas, and the pieces of lines and points: the nearest place is on one."""
        arrays, areas = self.arrays, self.areas
        flat = np.flatnonzero(np.asarray(arrays["zone.dimension"])[areas.zone] < 2)
        runs = len(arrays["run.zone"])

        def read(rows: Rows) -> GeometryArray:
            here = rows < runs
            lines, others = zonestore.runs(arrays, rows[here]), areas.take(flat[rows[~here] - runs])
            return np.concatenate([lines, others])  # rows are sorted

        zone = np.concatenate([np.asarray(arrays["run.zone"], dtype=np.int64), areas.zone[flat]])
        return Column(zone, np.concatenate([arrays["run.bounds"], areas.box[flat]]), read)

    def zones(self, rows: Rows) -> GeometryArray:
        """Return whole zones by row."""
        return zonestore.load(self.arrays, "zone", rows)

    def few(self, sites: int) -> bool:
        """Whether no tree is needed for so many sites."""
        return self.areas.few(sites) and self.outline.few(sites)
