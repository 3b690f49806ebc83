"""Zones as flat named arrays, in memory or mapped from disk: what lies near a site is opened, no more.

Per zone its WKB, box, size and dimension; per piece (`linxi_gis.pieces`) its zone, box and WKB; per run
of up to 24 vertices of an area's border its box and where its coordinates stand in the zone's WKB.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import pieces
from linxi_gis.shelf import Arrays, damaged

GeometryArray = NDArray[Any]
Rows = NDArray[np.intp]
FloatArray = NDArray[np.float64]
_FEW = 48  # geometries that are compared with every box; beyond, a tree over the boxes pays
_RUN = 24  # vertices: of 16 to 32 the nearest is found soonest, larger ones are long to measure to
_HEADER, _COUNT, _XY = 9, 4, 16  # WKB: order, type and count; a count; a coordinate pair


class Zones:
    """The zones of one layer in the area plane: a column of geometries, and an index over it.

    Like an array of shapely geometries it has a length, is indexed by a row or an array of rows, and is
    iterated; every access makes new geometries, so no two threads share one. Raises CacheError where
    what is read from disk is not what was written.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self._boxes: Boxes | None = None

    @classmethod
    def of(cls, shapes: GeometryArray) -> Zones:
        """Return the zones of valid plane geometries (or empty ones), cut and indexed in memory."""
        return cls(build(shapes))

    def __len__(self) -> int:
        return len(self.arrays["zone.crc"])

    def __getitem__(self, row: Any) -> Any:
        wanted = np.arange(len(self))[row]
        if isinstance(wanted, np.ndarray):
            return load(self.arrays, "zone", wanted.reshape(-1)).reshape(wanted.shape)
        return load(self.arrays, "zone", np.array([wanted]))[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> GeometryArray:
        return load(self.arrays, "zone", np.arange(len(self)))

    @property
    def bounds(self) -> FloatArray:
        """Boxes of the zones, shape (n, 4), NaN for an empty one."""
        return self.arrays["zone.bounds"]

    def query(self, box: Any) -> Rows:
        """Return the rows of the zones whose box meets that of a geometry."""
        return np.flatnonzero(_gap(shapely.bounds(box), self.bounds) <= 0.0)

    def named(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the further arrays stored beside under ``prefix.name``, by name."""
        head = f"{prefix}."
        return {name.removeprefix(head): self.arrays[name] for name in self.arrays if name.startswith(head)}

    def near(self, grounds: GeometryArray, reach_m: FloatArray) -> Nearby:
        """Return every piece within reach, shape (m,), of a site, pairs sorted by site, zone and piece."""
        site, piece = self.boxes.within(grounds, reach_m)
        shape = self._pieces(piece)
        each: Any = reach_m[site]  # the stubs know one distance only
        keep = shapely.dwithin(grounds[site], shape, each)
        return Nearby(site[keep], self.arrays["piece.zone"][piece[keep]].astype(np.intp), shape[keep])

    def nearest(
        self, grounds: GeometryArray, limit_m: FloatArray, reach: Callable[[GeometryArray, FloatArray], FloatArray]
    ) -> Nearby:
        """Return for each site the pieces nearest to it, pairs sorted by site, zone and piece.

        `limit_m` is how far to look, shape (n,); `reach`, of sites and the distances of their nearest pieces (at most
        their limits), tells up to where others are to be returned as well.
        """
        first, gap = self.boxes.first(grounds)
        sites = np.flatnonzero(gap <= limit_m)
        here = grounds[sites]
        bound = reach(here, np.minimum(shapely.distance(here, self._pieces(first[sites])), limit_m[sites]))
        row, piece = self.boxes.within(here, bound)
        shape = self._pieces(piece)
        metres = shapely.distance(here[row], shape)
        least = np.full(len(sites), np.inf)
        np.minimum.at(least, row, metres)
        found = least <= limit_m[sites]
        least[found] = reach(here[found], least[found])
        kept = found[row] & (metres <= least[row])
        site, zone, shape = sites[row[kept]], self.arrays["piece.zone"][piece[kept]].astype(np.intp), shape[kept]
        order = np.lexsort((piece[kept], zone, site))
        return Nearby(site[order], zone[order], shape[order])

    def zone(self, row: int, met: GeometryArray) -> Zone:
        """Return one zone beside a site; `met` are its pieces there."""
        return Zone(self, row, met)

    @property
    def boxes(self) -> Boxes:
        """The boxes of the pieces."""
        if self._boxes is None:
            self._boxes = Boxes(self.arrays["piece.bounds"])
        return self._boxes

    def _pieces(self, rows: Rows) -> GeometryArray:
        return _each(rows, lambda some: load(self.arrays, "piece", some))


class Boxes:
    """Many boxes, searched by looking at all of them, or by a tree once many geometries come at a time."""

    def __init__(self, bounds: FloatArray) -> None:
        self._sides = _sides(bounds)
        self._tree: shapely.STRtree | None = None

    def within(self, shapes: GeometryArray, reach_m: FloatArray) -> tuple[Rows, Rows]:
        """Return rows of geometries and boxes within reach, sorted; those of their boxes at least."""
        reach = reach_m * (1.0 + 1e-12) + 1e-9  # widened by more than its rounding
        if len(shapes) > _FEW:
            row, box = self._grown().query(shapes, predicate="dwithin", distance=reach)
            order = np.lexsort((box, row))
            return row[order], box[order]
        bounds = shapely.bounds(shapes)
        found = [np.flatnonzero(_gap_of(box, self._sides) <= most) for box, most in zip(bounds, reach, strict=True)]
        row = np.repeat(np.arange(len(shapes)), [len(rows) for rows in found])
        return row, np.concatenate([np.empty(0, dtype=np.intp), *found])

    def first(self, shapes: GeometryArray) -> tuple[Rows, FloatArray]:
        """Return for each geometry the box that is nearest, and at most how far; NaN where there is no box."""
        first, gap = np.zeros(len(shapes), dtype=np.intp), np.full(len(shapes), np.nan)
        if not len(self._sides[0]):
            return first, gap
        if len(shapes) > _FEW:
            (row, box), metres = self._grown().query_nearest(shapes, all_matches=False, return_distance=True)
            first[row], gap[row] = box, metres
            return first, gap
        for row, box in enumerate(shapely.bounds(shapes)):
            gaps = _gap_of(box, self._sides)
            first[row] = np.argmin(gaps)
            gap[row] = gaps[first[row]]
        return first, gap

    def _grown(self) -> shapely.STRtree:
        if self._tree is None:
            west, south, east, north = self._sides
            self._tree = shapely.STRtree(shapely.box(west, south, east, north))
        return self._tree


@dataclass(frozen=True, slots=True, eq=False)
class Nearby:
    """Pieces beside sites: rows of sites and zones, and the pieces themselves, all of shape (n,)."""

    site: Rows
    zone: Rows
    shape: GeometryArray


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """One zone beside a site: `met` are the pieces that meet it, shape (n,)."""

    zones: Zones
    row: int
    met: GeometryArray

    @property
    def dimension(self) -> int:
        """0 for points, 1 for lines, 2 for areas."""
        return int(self.zones.arrays["zone.dimension"][self.row])

    @property
    def area_m2(self) -> float:
        """Area in the plane, which is ellipsoidal."""
        return float(self.zones.arrays["zone.area"][self.row])

    @property
    def length_m(self) -> float:
        """Length in the plane, of an area that of its border."""
        return float(self.zones.arrays["zone.length"][self.row])

    def whole(self) -> Any:
        """Return the zone itself; slow for a large one."""
        return self.zones[self.row]

    def gaps(self, points: GeometryArray) -> FloatArray:
        """Return the distance (m) of points to the zone."""
        arrays = self.zones.arrays
        rows = _span(arrays["piece.zone"], self.row)
        return _gaps(points, arrays["piece.bounds"][rows], lambda some: load(arrays, "piece", rows[some]))

    def border_gaps(self, points: GeometryArray) -> FloatArray:
        """Return the distance (m) of points to the border of an area, the nearest part of which is opened."""
        arrays = self.zones.arrays
        rows = _span(arrays["run.zone"], self.row)
        return _gaps(points, arrays["run.bounds"][rows], lambda some: runs(arrays, rows[some]))

    def border(self, shapes: GeometryArray, reach_m: float) -> GeometryArray:
        """Return runs of the border of an area as lines: all within reach of any of the shapes, and some more."""
        arrays = self.zones.arrays
        rows = _span(arrays["run.zone"], self.row)
        _, some = Boxes(arrays["run.bounds"][rows]).within(shapes, np.full(len(shapes), reach_m))
        return runs(arrays, rows[np.flatnonzero(np.bincount(some))])

    def beside(self, shapes: GeometryArray) -> GeometryArray:
        """Return the pieces that meet any of the shapes, and some more."""
        arrays = self.zones.arrays
        rows = _span(arrays["piece.zone"], self.row)
        _, some = Boxes(arrays["piece.bounds"][rows]).within(shapes, np.zeros(len(shapes)))
        return load(arrays, "piece", rows[np.flatnonzero(np.bincount(some))])


def build(shapes: GeometryArray, vertices: int = pieces.MAX_VERTICES) -> dict[str, NDArray[Any]]:
    """Return the arrays of plane geometries, shape (n,): valid ones of one dimension each, or empty ones.

    `piece.*` are areas and lines cut into pieces of at most so many vertices, `run.*` the borders of areas cut into
    runs of 24; `*.zone` is the row of the zone, `*.bounds` the box, `*.blob` the WKB and `*.at` where it begins in it,
    `*.crc` the CRC-32 of each record, by which it is checked when it is read; `zone.*` are the whole zones.
    """
    cut, rows = pieces.cut(shapes, vertices)
    order = _neighbours(rows, shapely.bounds(cut).reshape(-1, 4))
    cut, rows = cut[order], rows[order]
    kinds = shapely.get_dimensions(shapes)
    arrays: dict[str, NDArray[Any]] = {
        "zone.bounds": shapely.bounds(shapes),
        "zone.dimension": kinds.astype(np.int8),
        "zone.area": shapely.area(shapes),
        "zone.length": shapely.length(shapes),
        **_stored("zone", shapes),
        "piece.zone": rows,
        "piece.bounds": shapely.bounds(cut).reshape(-1, 4),
        **_stored("piece", cut),
    }
    return {**arrays, **_border(shapes, arrays)}


def _stored(kind: str, shapes: GeometryArray) -> dict[str, NDArray[Any]]:
    blobs = shapely.to_wkb(shapes, byte_order=1).tolist()
    at = np.zeros(len(blobs) + 1, dtype=np.int64)
    np.cumsum([len(blob) for blob in blobs], out=at[1:])
    return {
        f"{kind}.at": at,
        f"{kind}.crc": np.array([zlib.crc32(blob) for blob in blobs], dtype=np.uint32),
        f"{kind}.blob": np.frombuffer(b"".join(blobs), dtype=np.uint8),
    }


def load(arrays: Arrays, kind: str, rows: Rows) -> GeometryArray:
    """Return geometries from their WKB; raises CacheError for one that is not what was written."""
    data, at, crc = arrays[f"{kind}.blob"], arrays[f"{kind}.at"], arrays[f"{kind}.crc"]
    blobs = np.empty(len(rows), dtype=object)
    for i, (start, end, said) in enumerate(zip(at[rows].tolist(), at[rows + 1].tolist(), crc[rows].tolist(), strict=True)):
        blobs[i] = data[start:end].tobytes()
        if zlib.crc32(blobs[i]) != said:
            raise damaged()
    return np.asarray(shapely.from_wkb(blobs), dtype=object)


def _border(shapes: GeometryArray, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Return the runs of the borders of areas: zone, box, where in the zone's WKB, how many vertices, CRC.

    A ring of n vertices is cut into runs that share their end vertices. Where a ring's coordinates
    stand follows from the headers before it (OGC 06-103r4, 8.2: order, type, counts, then the pairs).
    """
    areas = np.flatnonzero(arrays["zone.dimension"] == 2)
    parts, owner = shapely.get_parts(shapes[areas], return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    count = shapely.get_num_coordinates(rings).astype(np.int64)
    inner = np.zeros(len(parts) + 1, dtype=np.int64)  # bytes of the parts before
    np.cumsum(_HEADER + np.bincount(part, weights=_COUNT + _XY * count, minlength=len(parts)), out=inner[1:])
    first_part = np.searchsorted(owner, np.arange(len(areas)))
    multi = _HEADER * (shapely.get_type_id(shapes[areas]) == 6)
    part_at = arrays["zone.at"][areas][owner] + multi[owner] + inner[:-1] - inner[first_part][owner]
    before = np.concatenate([[0], np.cumsum(_COUNT + _XY * count)])
    first_ring = np.searchsorted(part, np.arange(len(parts)))
    ring_at = part_at[part] + _HEADER + _COUNT + before[:-1] - before[first_ring][part]
    return _cut_runs(rings, count, ring_at, areas[owner][part], arrays["zone.blob"])


def _cut_runs(
    rings: GeometryArray, count: NDArray[np.int64], ring_at: NDArray[np.int64], zone: Rows, blob: NDArray[np.uint8]
) -> dict[str, NDArray[Any]]:
    runs_of = -(-(count - 1) // (_RUN - 1))
    ring = np.repeat(np.arange(len(rings)), runs_of)
    nth = np.arange(len(ring)) - np.repeat(np.cumsum(runs_of) - runs_of, runs_of)
    size = np.minimum(_RUN, count[ring] - nth * (_RUN - 1))
    at = ring_at[ring] + _XY * nth * (_RUN - 1)
    raw = [blob[start : start + _XY * length].tobytes() for start, length in zip(at.tolist(), size.tolist(), strict=True)]
    xy, first = np.frombuffer(b"".join(raw), dtype="<f8").reshape(-1, 2), np.cumsum(size) - size
    bounds = np.empty((len(ring), 4))
    if len(ring):
        bounds[:, :2], bounds[:, 2:] = np.minimum.reduceat(xy, first), np.maximum.reduceat(xy, first)
    crc = np.array([zlib.crc32(one) for one in raw], dtype=np.uint32)
    order = _neighbours(zone[ring], bounds)
    return {
        "run.zone": zone[ring].astype(np.int32)[order],
        "run.bounds": bounds[order],
        "run.at": at[order],
        "run.size": size.astype(np.int32)[order],
        "run.crc": crc[order],
    }


def _neighbours(zone: NDArray[Any], bounds: FloatArray) -> Rows:
    """Return the rows by zone, and within one so that what is near in the plane is near in the row (Morton 1966)."""
    middle = bounds[:, :2] + bounds[:, 2:]
    low = middle.min(axis=0, initial=np.inf)
    side = float((middle.max(axis=0, initial=-np.inf) - low).max()) if len(middle) else 1.0
    code = np.zeros(len(middle), dtype=np.int64)
    cell = ((middle - low) * (65535.0 / max(side, 1e-300))).astype(np.int64)
    for bit in range(16):
        code |= ((cell[:, 0] >> bit & 1) << 2 * bit) | ((cell[:, 1] >> bit & 1) << 2 * bit + 1)
    return np.lexsort((code, zone))


def runs(arrays: Arrays, rows: Rows) -> GeometryArray:
    """Return runs of borders as lines; raises CacheError for one that is not what was written."""
    blob, size = arrays["zone.blob"], np.asarray(arrays["run.size"])[rows]
    raw: list[bytes] = []
    said = zip(arrays["run.at"][rows].tolist(), size.tolist(), arrays["run.crc"][rows].tolist(), strict=True)
    for start, count, crc in said:
        raw.append(blob[start : start + _XY * count].tobytes())
        if zlib.crc32(raw[-1]) != crc:
            raise damaged()
    xy = np.frombuffer(b"".join(raw), dtype="<f8").reshape(-1, 2)
    return np.asarray(shapely.linestrings(xy, indices=np.repeat(np.arange(len(rows)), size)), dtype=object)


def _span(sorted_rows: NDArray[Any], row: int) -> Rows:
    first, last = np.searchsorted(sorted_rows, (row, row + 1))
    return np.arange(first, last)


def _gaps(points: GeometryArray, bounds: FloatArray, load: Callable[[Rows], GeometryArray]) -> FloatArray:
    """Return the distance of points to the nearest of many shapes, of which those in doubt are loaded."""
    boxes = Boxes(bounds)
    bound = shapely.distance(points, _each(boxes.first(points)[0], load))
    row, some = boxes.within(points, bound)
    metres = np.full(len(points), np.inf)
    np.minimum.at(metres, row, shapely.distance(points[row], _each(some, load)))
    return metres


def _each(rows: Rows, load: Callable[[Rows], GeometryArray]) -> GeometryArray:
    """Load what rows name, each once."""
    named = np.bincount(rows) > 0
    shapes = load(np.flatnonzero(named))
    return np.asarray(shapes[np.cumsum(named)[rows] - 1], dtype=object)


def _sides(bounds: FloatArray) -> list[FloatArray]:
    return [np.ascontiguousarray(bounds[:, i]) for i in range(4)]


def _gap(box: Any, bounds: FloatArray) -> FloatArray:
    """Return the distance of a box to each of many, shape (n,); NaN to one that is empty."""
    return _gap_of(box, [bounds[:, i] for i in range(4)])


def _gap_of(box: Any, sides: list[FloatArray]) -> FloatArray:
    west, south, east, north = sides
    x = np.maximum(np.maximum(west - box[2], box[0] - east), 0.0)
    y = np.maximum(np.maximum(south - box[3], box[1] - north), 0.0)
    return np.asarray(np.hypot(x, y), dtype=np.float64)
