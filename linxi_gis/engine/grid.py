"""The index of zones for the compiled engine: a grid of cells for areas, and a packed tree of boxes over all outlines."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linxi_gis.engine import rings
from linxi_gis.engine.rings import FloatArray, GeometryArray, Rings

EPSILON = 2.0**-52
RUN = 8  # segments of an outline in one box of the tree
FAN = 16  # boxes under one box
# Measured on 1.1 million vertices: cells of 128 and 512 m are a tenth slower than those of 256 m this gives.
VERTICES_PER_CELL = 8
MIN_CELLS = 4096


class Grid(NamedTuple):
    """The index as named arrays; n vertices, z zones, c cells, e entries, p parts, k chains, b boxes.

    `frame` x and y of the lower left corner and side of a cell (m); `size` columns and rows. `xy`, `ring`, `shape`
    are the zones' rings (see Rings); `zone_area` m² and `zone_girth` m, shape (z,). Cells go up the columns.
    `needle` are the rings of zones too thin for their area to tell whether they meet a site, lines and points
    too: first vertex and zone, ordered by the cell `needle_cell` of that vertex.
    Entries `cell[i]` to `cell[i + 1]` are what cell i holds: `entry_zone`, and `entry_part`, -1 where the zone
    fills the cell. A part has `part_area` (m²), `part_girth` (m of outline), `part_box` (rounded outward) and the
    chains `part_chain[p]` to `part_chain[p + 1]`: `chain` first vertex and number of vertices, `ends` where it
    enters and leaves, local to the cell (m). Tree: `run` first segment, segments and zone of each lowest box in
    Morton order; `box` all boxes (m from the corner of the grid, rounded outward), the lowest first; `level` where
    each level of them begins.
    `bound` is at least the distance (m) from any point of a cell to the nearest outline, shape (c,).
    """

    frame: FloatArray
    size: NDArray[np.int64]
    xy: FloatArray
    ring: NDArray[np.int64]
    shape: NDArray[np.int64]
    zone_area: FloatArray
    zone_girth: FloatArray
    needle: NDArray[np.int32]
    needle_cell: NDArray[np.int64]
    cell: NDArray[np.int32]
    entry_zone: NDArray[np.int32]
    entry_part: NDArray[np.int32]
    part_area: FloatArray
    part_girth: FloatArray
    part_box: NDArray[np.float32]
    part_chain: NDArray[np.int32]
    chain: NDArray[np.int32]
    ends: FloatArray
    run: NDArray[np.int32]
    box: NDArray[np.float32]
    level: NDArray[np.int64]
    bound: NDArray[np.float32]


def build(zones: GeometryArray, cell_m: float | None = None) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a `Grid` over valid zones in the area plane, by name.

    `cell_m` is the side of a cell, rounded to a power of two (so that the lines of the grid are exact numbers);
    by default it follows from the extent and the number of vertices. Raises ValueError for collections,
    and for more than 2³¹ vertices. Needs numba.
    """
    from linxi_gis.engine import gaps, kernels

    outlines = rings.of(zones)
    if len(outlines.xy) >= 2**31:
        raise ValueError("an index holds at most 2**31 vertices; split the layer")
    frame, size = _frame(outlines, cell_m)
    entry, part, part_chain, chain, ends = kernels.build(
        outlines.xy, outlines.ring, outlines.shape, outlines.solid, frame, size
    )
    cells = int(size[0] * size[1])
    order = np.argsort(entry[:, 0], kind="stable")
    cell = np.zeros(cells + 1, dtype=np.int32)
    np.cumsum(np.bincount(entry[:, 0], minlength=cells), out=cell[1:])
    area, girth = _zones(outlines)
    needle, needle_cell = _needles(outlines, area, girth, frame, size)
    run, low = _runs(outlines, frame)
    box, level = _tree(low)
    made = Grid(
        frame, size, outlines.xy, outlines.ring, outlines.shape, area, girth,
        needle, needle_cell, cell, entry[order, 1].astype(np.int32), entry[order, 2].astype(np.int32),
        part[:, 0].copy(), part[:, 5].copy(), _outward(part[:, 1:5]), part_chain, chain, ends,
        run, box, level, gaps.bounds(outlines.xy, frame, size),
    )  # fmt: skip
    return dict(made._asdict())


def of(arrays: dict[str, NDArray[np.generic]]) -> Grid:
    """Return the arrays of an index, however they are held (memory-mapped too), as the kernels take them.

    They are read-only, so that one compiled form serves all. Raises KeyError for an array that is missing.
    """
    return Grid(**{name: _read_only(arrays[name]) for name in Grid._fields})


def _read_only(array: NDArray[np.generic]) -> Any:
    view = np.asarray(array)[...]
    if not view.flags.c_contiguous:
        view = np.ascontiguousarray(view)
    view.flags.writeable = False
    return view


def _frame(outlines: Rings, cell_m: float | None) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the corner and side of the cells, and their columns and rows."""
    count = len(outlines.xy)
    if not count:
        return np.array([0.0, 0.0, 1.0]), np.ones(2, dtype=np.int64)
    low, high = outlines.xy.min(axis=0), outlines.xy.max(axis=0)
    filled = outlines.shape[:-1] < outlines.shape[1:]
    first = outlines.ring[outlines.shape[:-1][filled]]
    extents = np.maximum.reduceat(outlines.xy, first) - np.minimum.reduceat(outlines.xy, first)
    side = 2.0 ** np.round(np.log2(cell_m)) if cell_m else _side(high - low, extents, count)
    while True:
        corner = np.floor(low / side) * side
        size = (np.floor(high / side) - corner / side).astype(np.int64) + 1
        # A zone that fills many cells is told in each: what that takes is held in proportion to the vertices.
        fills = np.prod(np.floor(extents / side) + 2.0, axis=1).sum()
        if cell_m or fills <= max(16 * count, 16 * MIN_CELLS):
            return np.array([corner[0], corner[1], side]), size.astype(np.int64)
        side *= 2.0


def _side(extent: FloatArray, extents: FloatArray, count: int) -> float:
    cells = max(count / VERTICES_PER_CELL, MIN_CELLS)
    width, height = float(extent[0]), float(extent[1])
    longest = max(width, height, 1e-3)
    side = max(np.sqrt(width * height / cells), longest / cells)
    return float(2.0 ** np.round(np.log2(side)))


def _zones(outlines: Rings) -> tuple[FloatArray, FloatArray]:
    """Return area (m²; 0 of lines and points) and length of the outline (m) of each zone."""
    xy, ring, shape = outlines.xy, outlines.ring, outlines.shape
    if not len(xy):
        return np.zeros(len(outlines)), np.zeros(len(outlines))
    first = ring[:-1]
    local = xy - np.repeat(xy[first], np.diff(ring), axis=0)
    cross, length = np.zeros(len(xy)), np.zeros(len(xy))
    cross[1:] = local[:-1, 0] * local[1:, 1] - local[1:, 0] * local[:-1, 1]
    length[1:] = np.hypot(*(xy[1:] - xy[:-1]).T)
    cross[first] = length[first] = 0.0
    owner = np.repeat(np.arange(len(outlines)), np.diff(shape))
    areas, lengths = (
        np.bincount(owner, np.add.reduceat(part, first), minlength=len(outlines)) for part in (cross, length)
    )
    return np.where(outlines.solid, areas / 2.0, 0.0), lengths.astype(np.float64)


def _needles(
    outlines: Rings, area: FloatArray, girth: FloatArray, frame: FloatArray, size: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the rings of zones whose area does not tell whether they meet: first vertex, zone; and its cell."""
    far = float(np.abs(outlines.xy).max(initial=0.0))
    thin = ~outlines.solid | (area <= 4.0 * EPSILON * girth * (far + 256.0 * frame[2]))
    owner = np.repeat(np.arange(len(outlines)), np.diff(outlines.shape))
    ring = np.flatnonzero(thin[owner])
    vertex = outlines.ring[ring]
    at = np.floor((outlines.xy[vertex] - frame[:2]) / frame[2]).astype(np.int64)
    cell = at[:, 0] * size[1] + at[:, 1]
    order = np.argsort(cell, kind="stable")
    return np.column_stack([vertex, owner[ring]])[order].astype(np.int32), cell[order]


def _outward(boxes: FloatArray) -> NDArray[np.float32]:
    """Return boxes x, y, x', y' in single precision, never smaller than they are."""
    made = boxes.astype(np.float32)
    made[:, :2] = np.nextafter(made[:, :2], np.float32(-np.inf))
    made[:, 2:] = np.nextafter(made[:, 2:], np.float32(np.inf))
    return made


def _runs(outlines: Rings, frame: FloatArray) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the runs of segments in Morton order (first segment, segments, zone), and their boxes."""
    edges = np.diff(outlines.ring) - 1
    per_ring = -(-edges // RUN)
    ring = np.repeat(np.arange(len(edges)), per_ring)
    step = np.arange(len(ring)) - np.repeat(np.cumsum(per_ring) - per_ring, per_ring)
    first = outlines.ring[ring] + RUN * step
    count = np.minimum(RUN, edges[ring] - RUN * step)
    zone = np.repeat(np.arange(len(outlines)), np.diff(outlines.shape))[ring]
    if not len(first):
        return np.zeros((0, 3), dtype=np.int32), np.zeros((0, 4), dtype=np.float32)
    last = outlines.ring[ring + 1] - 1
    low = high = outlines.xy[first]
    for k in range(1, RUN + 1):
        vertex = outlines.xy[np.minimum(np.minimum(first + k, first + count), last)]
        low, high = np.minimum(low, vertex), np.maximum(high, vertex)
    boxes = np.column_stack([low - frame[:2], high - frame[:2]])
    order = np.argsort(morton(boxes), kind="stable")
    return np.column_stack([first, count, zone])[order].astype(np.int32), _outward(boxes[order])


def morton(boxes: FloatArray) -> NDArray[np.uint64]:
    """Return the place of the middle of each box on a Z-order curve."""
    middle = boxes[:, :2] + boxes[:, 2:]
    span = max(float(np.ptp(middle, axis=0).max()), 1e-9)
    grid = ((middle - middle.min(axis=0)) / span * 65535.0).astype(np.uint64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        grid = (grid | (grid << np.uint64(shift))) & np.uint64(mask)
    return np.asarray(grid[:, 0] | (grid[:, 1] << np.uint64(1)), dtype=np.uint64)


def _tree(low: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the boxes of all levels, the lowest first, and where each level begins."""
    levels = [low]
    while len(levels[-1]) > 1:
        under = levels[-1]
        heads = np.arange(0, len(under), FAN)
        least, most = np.minimum.reduceat(under[:, :2], heads), np.maximum.reduceat(under[:, 2:], heads)
        levels.append(np.column_stack([least, most]))
    begin = np.concatenate([[0], np.cumsum([len(level) for level in levels])]).astype(np.int64)
    return np.ascontiguousarray(np.concatenate(levels)), begin
