"""The index of zones for the plain engine: zones cut into small pieces, as well-known binary with their boxes."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.engine.rings import GeometryArray

Geometry = shapely.geometry.base.BaseGeometry

VERTICES = 128
_DEPTH = 40  # halvings: a zone with too many vertices at one place is left whole there


def build(zones: GeometryArray, vertices: int = VERTICES) -> dict[str, NDArray[np.generic]]:
    """Return zones in the plane, of any kind, cut into pieces of at most so many vertices, as named arrays.

    `piece_zone` row of the zone of each piece, shape (p,); `piece_box` x, y, x', y' (m), shape (p, 4);
    `piece_wkb` and `piece_start`: piece k is `piece_wkb[piece_start[k]:piece_start[k + 1]]`; `zone_wkb` and
    `zone_start` the whole zones likewise, which decide where a cut could have moved an edge by a last bit; `zone_girth` m.
    Cut zones are no longer exact at the cuts, but their pieces add up to them within rounding.
    """
    shapes = np.asarray(zones, dtype=object)
    rows = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    done, owners = _pieces(shapes[rows], rows, vertices)
    order = np.argsort(owners, kind="stable")
    done, owners = done[order], owners[order]
    blob, start = _written(done)
    whole, whole_start = _written(shapes)
    return {
        "piece_zone": owners.astype(np.int32),
        "piece_box": shapely.bounds(done).reshape(-1, 4),
        "piece_wkb": blob,
        "piece_start": start,
        "zone_wkb": whole,
        "zone_start": whole_start,
        "zone_girth": np.nan_to_num(shapely.length(shapes)),
    }


def read(blob: NDArray[np.uint8], start: NDArray[np.int64], rows: NDArray[np.int64]) -> GeometryArray:
    """Return geometries by their rows in a blob of well-known binary; an absent one is None."""
    column = np.empty(len(rows), dtype=object)
    column[:] = [bytes(blob[start[k] : start[k + 1]]) or None for k in rows.tolist()]
    return np.asarray(shapely.from_wkb(column), dtype=object)


def _pieces(shapes: GeometryArray, rows: NDArray[np.int64], vertices: int) -> tuple[GeometryArray, NDArray[np.int64]]:
    """Return pieces and the row of the zone of each; every round halves what is still too large."""
    shapes, owner = shapely.get_parts(shapes, return_index=True)
    owners = rows[owner]
    kept: list[GeometryArray] = []
    rows_kept: list[NDArray[np.int64]] = []
    for depth in range(_DEPTH + 1):
        small = (shapely.get_num_coordinates(shapes) <= vertices) | (depth == _DEPTH)
        kept.append(shapes[small])
        rows_kept.append(owners[small])
        shapes, owners = shapes[~small], owners[~small]
        if not len(shapes):
            break
        halves, of = _halved(shapes)
        shapes, owners = halves, owners[of]
    return np.concatenate(kept), np.concatenate(rows_kept)


def _halved(shapes: GeometryArray) -> tuple[GeometryArray, NDArray[np.int64]]:
    """Return the parts of shapes cut across the middle of their longer side, and which shape each came from."""
    halves: list[object] = []
    came: list[int] = []
    for k, (shape, box) in enumerate(zip(shapes, shapely.bounds(shapes).tolist(), strict=True)):
        parts = _cut(shape, box)
        halves.extend(parts)
        came.extend([k] * len(parts))
    column = np.empty(len(halves), dtype=object)
    column[:] = halves
    return column, np.array(came, dtype=np.int64)


def _cut(shape: Geometry, box: list[float]) -> list[Geometry]:
    x0, y0, x1, y1 = box
    if x1 - x0 >= y1 - y0:
        middle = (x0 + x1) / 2.0
        frames = [(x0 - 1.0, y0 - 1.0, middle, y1 + 1.0), (middle, y0 - 1.0, x1 + 1.0, y1 + 1.0)]
    else:
        middle = (y0 + y1) / 2.0
        frames = [(x0 - 1.0, y0 - 1.0, x1 + 1.0, middle), (x0 - 1.0, middle, x1 + 1.0, y1 + 1.0)]
    try:
        halves = [shapely.clip_by_rect(shape, *frame) for frame in frames]
    except shapely.GEOSException:  # "Invalid number of points in LinearRing": a corner on the cut
        halves = []
    if not _sound(shape, halves):  # the quick cut promises no valid result: then the slow one
        halves = [shapely.intersection(shape, shapely.box(*frame)) for frame in frames]
    dimension = shapely.get_dimensions(shape)
    parts = shapely.get_parts(halves)
    parts = shapely.get_parts(parts[~shapely.is_empty(parts)])
    return list(parts[shapely.get_dimensions(parts) == dimension])


def _sound(shape: Geometry, halves: list[Geometry]) -> bool:
    if not halves or shapely.get_dimensions(shape) < 2:
        return bool(halves)
    lost = abs(float(shapely.area(shape)) - float(shapely.area(halves).sum()))
    return bool(shapely.is_valid(halves).all()) and lost <= 1e-12 * float(shapely.area(shapely.envelope(shape)))


def _written(shapes: GeometryArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    texts = [b"" if text is None else text for text in shapely.to_wkb(shapes)]
    start = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in texts], out=start[1:])
    return np.frombuffer(b"".join(texts), dtype=np.uint8), start
