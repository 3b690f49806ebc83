"""Compiled: lay zones into the grid, and add up the common areas of sites and zones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from linxi_gis.engine.jit import inner, kernel
from linxi_gis.engine.outline import (
    bounds_of,
    cell_edges,
    chains_of,
    extent,
    gather,
    more_f,
    more_i,
    on_floor,
    shared,
    under,
    window,
)

if TYPE_CHECKING:
    from linxi_gis.engine.grid import Grid

# numba compiles a kept function anew when its own file changes, not when one it calls into does. This is the
# start of the SHA-256 of outline.py: who changes that file changes this line (tests/test_engine_kernel.py holds them together).
OUTLINE = "4804abb2f1c99419"

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]
B1 = NDArray[np.bool_]
EPSILON = 2.0**-52
FEW_CELLS = 16  # beyond, looking at every part costs what it saves


@inner
def _stored(
    ci: I8, cf: F8, order: I8, p: int, q: int, lid: F8, lids: int, h: float, n: int, chain: I8, ends: F8
) -> tuple[int, I8, F8]:
    """Store the chains of a part, and its lid as chains of one edge each."""
    need = n + q - p
    for k in range(lids):
        need += abs(int(lid[k, 2]))
    chain, ends = more_i(chain, need), more_f(ends, need)
    for k in range(p, q):
        chain[n, 0], chain[n, 1] = ci[order[k], 1], ci[order[k], 2]
        for c in range(4):
            ends[n, c] = cf[order[k], c]
        n += 1
    for k in range(lids):
        x, end = (lid[k, 1], lid[k, 0]) if lid[k, 2] > 0.0 else (lid[k, 0], lid[k, 1])
        for _ in range(abs(int(lid[k, 2]))):  # once, but where rounding swapped two crossings
            chain[n, 0] = chain[n, 1] = 0
            ends[n, 0], ends[n, 1], ends[n, 2], ends[n, 3] = x, h, end, h
            n += 1
    return n, chain, ends


@inner
def _lengths(xy: F8, ci: I8, cf: F8, order: I8, p: int, q: int, x0: float, y0: float) -> float:
    """The length (m) of the chains of a part."""
    total = 0.0
    for k in range(p, q):
        c = order[k]
        px, py = cf[c, 0], cf[c, 1]
        for v in range(ci[c, 1], ci[c, 1] + ci[c, 2]):
            qx, qy = xy[v, 0] - x0, xy[v, 1] - y0
            total += math.hypot(qx - px, qy - py)
            px, py = qx, qy
        total += math.hypot(cf[c, 2] - px, cf[c, 3] - py)
    return total


@kernel
def build(xy: F8, ring: I8, shape: I8, solid: B1, frame: F8, size: I8) -> tuple[I8, F8, I4, I4, F8]:
    """Lay the areas among zones into the grid. Entries (cell, zone, part or -1 for a full cell), part areas, boxes
    and lengths, where the chains of each part begin, chains (first vertex, vertices) and their ends."""
    ci, cf = np.empty((1024, 4), np.int64), np.empty((1024, 4))
    sill, head, order = np.zeros(64, np.int64), np.zeros(64, np.int64), np.empty(1024, np.int64)
    edges, lid, box = np.empty((256, 6)), np.empty((64, 3)), np.empty(4)
    entry, part = np.empty((1024, 3), np.int64), np.empty((1024, 6))
    chain, ends, begin = np.empty((1024, 2), np.int64), np.empty((1024, 4)), np.empty((1024, 1), np.int64)
    entries = parts = chains = 0
    h = frame[2]
    for zone in range(shape.shape[0] - 1):
        a, b = ring[shape[zone]], ring[shape[zone + 1]]
        if a == b or not solid[zone]:
            continue
        x0, x1, y0, y1 = bounds_of(xy, a, b)
        i0, i1, j0, j1 = window(x0, x1, y0, y1, frame, size)
        rows = j1 - j0 + 1
        sill, head, order, ci, cf = chains_of(
            xy, ring, shape[zone], shape[zone + 1], frame, size, i0, i1, j0, j1, sill, head, order, ci, cf
        )
        for i in range(max(i0, 0), min(i1, size[0] - 1) + 1):
            left = 0
            for j in range(j1, j0 - 1, -1):
                c = (i - i0) * rows + j - j0
                corner = left + sill[c]
                p, q = head[c], head[c + 1]
                if 0 <= j < size[1] and (q > p or left != 0):
                    entry = more_i(entry, entries + 1)
                    entry[entries, 0], entry[entries, 1], entry[entries, 2] = i * size[1] + j, zone, -1
                    if q > p:
                        x0, y0 = frame[0] + i * h, frame[1] + j * h
                        m, lids, edges, lid = cell_edges(xy, ci, cf, order, p, q, left, x0, y0, h, edges, lid)
                        entry[entries, 2] = parts
                        part, begin = more_f(part, parts + 1), more_i(begin, parts + 2)
                        extent(edges, m, on_floor(ci, order, p, q, corner), box)
                        part[parts, 0] = under(edges, m)
                        for k in range(4):
                            part[parts, 1 + k] = box[k]
                        part[parts, 5] = _lengths(xy, ci, cf, order, p, q, x0, y0)
                        begin[parts, 0] = chains
                        parts += 1
                        chains, chain, ends = _stored(ci, cf, order, p, q, lid, lids, h, chains, chain, ends)
                    entries += 1
                left = corner
    begin[parts, 0] = chains
    begun, chained = begin[: parts + 1, 0].astype(np.int32), chain[:chains].astype(np.int32)
    return entry[:entries].copy(), part[:parts].copy(), begun, chained, ends[:chains].copy()


@inner
def _outline(xy: F8, ring: I8, a: int, b: int) -> tuple[float, float]:
    """Length of the outline (m) and the largest coordinate of the rings a to b."""
    girth = far = 0.0
    for r in range(a, b):
        for v in range(ring[r], ring[r + 1]):
            far = max(far, max(abs(xy[v, 0]), abs(xy[v, 1])))
            if v > ring[r]:
                dx, dy = xy[v, 0] - xy[v - 1, 0], xy[v, 1] - xy[v - 1, 1]
                girth += math.sqrt(dx * dx + dy * dy)
    return girth, far


@inner
def _is_free(grid: Grid, x0: float, x1: float, y0: float, y1: float, i0: int, i1: int, j0: int, j1: int) -> bool:
    """Whether nothing of any zone lies in a box; of large boxes it is told only where all their cells are empty."""
    nx, ny, h = grid.size[0], grid.size[1], grid.frame[2]
    few = (i1 - i0 + 1) * (j1 - j0 + 1) <= FEW_CELLS
    for i in range(max(i0, 0), min(i1, nx - 1) + 1):
        first, last = i * ny + max(j0, 0), i * ny + min(j1, ny - 1)
        if grid.cell[first] == grid.cell[last + 1]:
            continue
        if not few:
            return False
        for j in range(max(j0, 0), min(j1, ny - 1) + 1):
            left, floor = grid.frame[0] + i * h, grid.frame[1] + j * h
            for e in range(grid.cell[i * ny + j], grid.cell[i * ny + j + 1]):
                part = grid.entry_part[e]
                if part < 0:
                    return False
                box = grid.part_box
                if (
                    box[part, 0] < x1 - left and box[part, 2] > x0 - left
                    and box[part, 1] < y1 - floor and box[part, 3] > y0 - floor
                ):  # fmt: skip
                    return False
    return True


@inner
def _zone_edges(grid: Grid, part: int, x0: float, y0: float, lo: float, hi: float, out: F8) -> tuple[int, F8]:
    """The edges of a zone in a cell that have ground between lo and hi."""
    a, b = grid.part_chain[part], grid.part_chain[part + 1]
    need = 0
    for k in range(a, b):
        need += grid.chain[k, 1] + 1
    out = more_f(out, need)
    n = 0
    for k in range(a, b):
        n = gather(grid.xy, grid.chain[k, 0], grid.chain[k, 1], grid.ends, k, x0, y0, lo, hi, n, out)
    return n, out


@inner
def _add(
    grid: Grid, here: int, x0: float, y0: float, edges: F8, m: int, covered: int, own: float, box: F8,
    site: int, area: F8, noise: F8, rim: F8, mark: I4, met: I8, found: int, others: F8,
) -> tuple[int, F8]:  # fmt: skip
    """Add to each zone what it has in common with a site in one cell; a site that covers the cell has no edges.

    `rim` is the length of the zones' outlines in the cells where they and the site are.
    """
    for e in range(grid.cell[here], grid.cell[here + 1]):
        zone, part = grid.entry_zone[e], grid.entry_part[e]
        k, wide, high = 0, box[2] - box[0], box[3]
        if part < 0:
            got = own
        elif covered != 0:
            got = grid.part_area[part] * covered
        else:
            others_box = grid.part_box
            x1, y1, x2, y2 = others_box[part, 0], others_box[part, 1], others_box[part, 2], others_box[part, 3]
            if x1 >= box[2] or x2 <= box[0] or y1 >= box[3] or y2 <= box[1]:
                continue
            k, others = _zone_edges(grid, part, x0, y0, box[0], box[2], others)
            got = shared(edges, m, others, k)
            wide, high = min(wide, x2 - x1), max(high, y2)
        if mark[zone] != site:
            mark[zone] = site
            met[found] = zone
            area[zone] = noise[zone] = rim[zone] = 0.0
            found += 1
        area[zone] += got
        if part >= 0:
            rim[zone] += grid.part_girth[part]
        if covered == 0:
            noise[zone] += 2.0 * EPSILON * (m + k) * wide * high
    return found, others


@kernel
def common(grid: Grid, xy: F8, ring: I8, shape: I8, solid: B1, visit: I8) -> tuple[I8, I8, F8, F8]:
    """Pairs of sites, visited in this order, with every zone they overlap: site, zone, m², m of outline at most.

    A pair counts when its area exceeds what rounding makes: of the sums, and of coordinates along the outline.
    """
    frame, size = grid.frame, grid.size
    h = frame[2]
    zones = grid.zone_area.shape[0]
    area, noise, rim = np.empty(zones), np.empty(zones), np.empty(zones)
    mark, met = np.full(zones, -1, np.int32), np.empty(zones, np.int64)
    ci, cf = np.empty((64, 4), np.int64), np.empty((64, 4))
    sill, head, order = np.zeros(64, np.int64), np.zeros(64, np.int64), np.empty(64, np.int64)
    edges, lid, others, box = np.empty((64, 6)), np.empty((64, 3)), np.empty((256, 6)), np.empty(4)
    pair, amount = np.empty((256, 2), np.int64), np.empty((256, 2))
    pairs = 0
    for turn in range(visit.shape[0]):
        site = visit[turn]
        a, b = ring[shape[site]], ring[shape[site + 1]]
        if a == b or not solid[site]:
            continue
        x0, x1, y0, y1 = bounds_of(xy, a, b)
        i0, i1, j0, j1 = window(x0, x1, y0, y1, frame, size)
        if i1 < 0 or j1 < 0 or i0 >= size[0] or j0 >= size[1] or _is_free(grid, x0, x1, y0, y1, i0, i1, j0, j1):
            continue
        rows = j1 - j0 + 1
        sill, head, order, ci, cf = chains_of(
            xy, ring, shape[site], shape[site + 1], frame, size, i0, i1, j0, j1, sill, head, order, ci, cf
        )
        found = 0
        for i in range(max(i0, 0), min(i1, size[0] - 1) + 1):
            left = 0
            for j in range(j1, j0 - 1, -1):
                c = (i - i0) * rows + j - j0
                above, left = left, left + sill[c]
                p, q = head[c], head[c + 1]
                if j < 0 or j >= size[1] or (q == p and above == 0):
                    continue
                here = i * size[1] + j
                if grid.cell[here] == grid.cell[here + 1]:
                    continue
                x0, y0, m, own = frame[0] + i * h, frame[1] + j * h, 0, h * h * above
                if q > p:
                    m, _, edges, lid = cell_edges(xy, ci, cf, order, p, q, above, x0, y0, h, edges, lid)
                    if m == 0:
                        continue
                    extent(edges, m, on_floor(ci, order, p, q, left), box)
                    own = under(edges, m)
                found, others = _add(
                    grid, here, x0, y0, edges, m, above if q == p else 0, own, box,
                    site, area, noise, rim, mark, met, found, others,
                )  # fmt: skip
        if found == 0:
            continue
        girth, far = _outline(xy, ring, shape[site], shape[site + 1])
        pair, amount = more_i(pair, pairs + found), more_f(amount, pairs + found)
        met[:found].sort()
        for k in range(found):
            zone = met[k]
            if area[zone] > noise[zone] + 2.0 * EPSILON * far * min(girth, grid.zone_girth[zone]):
                pair[pairs, 0], pair[pairs, 1] = site, zone
                amount[pairs, 0], amount[pairs, 1] = area[zone], (girth + rim[zone]) * (1.0 + 1e-9)
                pairs += 1
    return pair[:pairs, 0].copy(), pair[:pairs, 1].copy(), amount[:pairs, 0].copy(), amount[:pairs, 1].copy()
