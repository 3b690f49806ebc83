"""Compiled: walk an outline through the grid, and what lies of a polygon in one cell.

The indicator of a polygon is the signed sum over its edges of the indicator of the ground under the edge, so
the common area of two polygons is the sum over pairs of edges of ∫ min(y, y') over the x they share: no
intersection point is computed and no topology is built. It is done cell by cell in coordinates local to the
cell. In a cell a polygon is a few *chains* of its outline, clipped to the cell, and the *lid*: those pieces of
the cell's upper side that lie inside it. Upright sides and the floor have no ground under them.
Each outline moves from cell to cell over one side at a time and its crossings are counted as whole numbers, so
that rounding moves a piece by its last bits and never fills or empties a cell.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from linxi_gis.engine.jit import inner

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

# How a chain came into its cell and left it.
FROM_TOP, TO_TOP, FROM_FLOOR, TO_FLOOR = 1, 2, 4, 8


@inner
def cell(value: float, origin: float, side: float, count: int) -> int:
    """The row or column of a coordinate; all that lies before the grid is -1, all behind it `count`."""
    k = math.floor((value - origin) / side)
    return int(min(max(k, -1.0), float(count)))


@inner
def more_f(old: F8, need: int) -> F8:
    if need <= old.shape[0]:
        return old
    new = np.empty((max(need, 2 * old.shape[0]), old.shape[1]))
    for k in range(old.shape[0]):
        for c in range(old.shape[1]):
            new[k, c] = old[k, c]
    return new


@inner
def more_i(old: I8, need: int) -> I8:
    if need <= old.shape[0]:
        return old
    new = np.empty((max(need, 2 * old.shape[0]), old.shape[1]), dtype=np.int64)
    for k in range(old.shape[0]):
        for c in range(old.shape[1]):
            new[k, c] = old[k, c]
    return new


@inner
def bounds_of(xy: F8, a: int, b: int) -> tuple[float, float, float, float]:
    """Least and greatest x, least and greatest y of the vertices a to b."""
    x0 = x1 = xy[a, 0]
    y0 = y1 = xy[a, 1]
    for v in range(a + 1, b):
        x0, x1 = min(x0, xy[v, 0]), max(x1, xy[v, 0])
        y0, y1 = min(y0, xy[v, 1]), max(y1, xy[v, 1])
    return x0, x1, y0, y1


@inner
def window(x0: float, x1: float, y0: float, y1: float, frame: F8, size: I8) -> tuple[int, int, int, int]:
    """First and last column and row that a box touches."""
    return (
        cell(x0, frame[0], frame[2], size[0]),
        cell(x1, frame[0], frame[2], size[0]),
        cell(y0, frame[1], frame[2], size[1]),
        cell(y1, frame[1], frame[2], size[1]),
    )


@inner
def _chain(
    at: int, first: int, count: int, sides: int, ex: float, ey: float, fx: float, fy: float, n: int, ci: I8, cf: F8
) -> int:
    ci[n, 0], ci[n, 1], ci[n, 2], ci[n, 3] = at, first, count, sides
    cf[n, 0], cf[n, 1], cf[n, 2], cf[n, 3] = ex, ey, fx, fy
    return n + 1


@inner
def walk(
    xy: F8, a: int, b: int, frame: F8, size: I8, i0: int, j0: int, rows: int, sill: I8, n: int, ci: I8, cf: F8
) -> tuple[int, I8, F8]:
    """Cut one ring (vertices a to b) into chains: `ci` cell in the window, first vertex, vertices, sides crossed;
    `cf` where it comes in and goes out, local to the cell. `sill` counts crossings of each cell's left side."""
    x0, y0, h = frame[0], frame[1], frame[2]
    nx, ny = size[0], size[1]
    px, py = xy[a, 0], xy[a, 1]
    i, j = cell(px, x0, h, nx), cell(py, y0, h, ny)
    ex, ey, came, first, count = px - (x0 + i * h), py - (y0 + j * h), 0, a + 1, 0
    for v in range(a + 1, b):
        qx, qy = xy[v, 0], xy[v, 1]
        ti, tj = cell(qx, x0, h, nx), cell(qy, y0, h, ny)
        if ti != i or tj != j:
            ci = more_i(ci, n + abs(ti - i) + abs(tj - j) + 1)
            cf = more_f(cf, n + abs(ti - i) + abs(tj - j) + 1)
            # The cut is computed from the same end whichever way the edge runs, so that the two sides of a
            # shared border are cut alike.
            turn = qx < px or (qx == px and qy < py)
            ax, ay = (qx, qy) if turn else (px, py)
            dx, dy = (px - qx, py - qy) if turn else (qx - px, qy - py)
            sign = -1.0 if turn else 1.0
            while i != ti or j != tj:
                t = u = 0.0
                if i != ti:
                    t = (x0 + (i + (1 if ti > i else 0)) * h - ax) / dx
                if j != tj:
                    u = (y0 + (j + (1 if tj > j else 0)) * h - ay) / dy
                across = j == tj or (i != ti and sign * t <= sign * u)
                if across:
                    fy = min(max((ay - (y0 + j * h)) + dy * t, 0.0), h)
                    fx = h if ti > i else 0.0
                    went, next_came = 0, 0
                else:
                    fx = min(max((ax - (x0 + i * h)) + dx * u, 0.0), h)
                    fy = h if tj > j else 0.0
                    went, next_came = (TO_TOP, FROM_FLOOR) if tj > j else (TO_FLOOR, FROM_TOP)
                if 0 <= i < nx and 0 <= j < ny:
                    n = _chain((i - i0) * rows + j - j0, first, count, came | went, ex, ey, fx, fy, n, ci, cf)
                if across:
                    if ti > i:
                        i += 1
                        sill[(i - i0) * rows + j - j0] -= 1
                    else:
                        sill[(i - i0) * rows + j - j0] += 1
                        i -= 1
                    ex, ey = h - fx, fy
                else:
                    j += 1 if tj > j else -1
                    ex, ey = fx, h - fy
                came, first, count = next_came, v, 0
        count += 1
        px, py = qx, qy
    if 0 <= i < nx and 0 <= j < ny:
        ci, cf = more_i(ci, n + 1), more_f(cf, n + 1)
        at = (i - i0) * rows + j - j0
        n = _chain(at, first, count - 1, came, ex, ey, px - (x0 + i * h), py - (y0 + j * h), n, ci, cf)
    return n, ci, cf


@inner
def by_cell(ci: I8, n: int, cells: int, head: I8, order: I8) -> None:
    """Order chains by cell: those of cell c are `order[head[c]:head[c + 1]]`."""
    for c in range(cells + 2):
        head[c] = 0
    for k in range(n):
        head[ci[k, 0] + 2] += 1
    for c in range(cells):
        head[c + 2] += head[c + 1]
    for k in range(n):
        c = ci[k, 0] + 1
        order[head[c]] = k
        head[c] += 1


@inner
def chains_of(
    xy: F8, ring: I8, r0: int, r1: int, frame: F8, size: I8, i0: int, i1: int, j0: int, j1: int,
    sill: I8, head: I8, order: I8, ci: I8, cf: F8,
) -> tuple[I8, I8, I8, I8, F8]:  # fmt: skip
    """Cut the rings r0 to r1 into chains, ordered by cell of the window; the arrays, larger where they had to be.

    `sill` then holds, for each cell, how often its left side is crossed leftwards less rightwards.
    """
    rows, cells = j1 - j0 + 1, (i1 - i0 + 1) * (j1 - j0 + 1)
    if sill.shape[0] < cells + 2:
        sill, head = np.empty(2 * cells + 2, np.int64), np.empty(2 * cells + 2, np.int64)
    for c in range(cells):
        sill[c] = 0
    n = 0
    for r in range(r0, r1):
        n, ci, cf = walk(xy, ring[r], ring[r + 1], frame, size, i0, j0, rows, sill, n, ci, cf)
    if order.shape[0] < n:
        order = np.empty(2 * n, np.int64)
    by_cell(ci, n, cells, head, order)
    return sill, head, order, ci, cf


@inner
def lid_of(ci: I8, cf: F8, order: I8, a: int, b: int, left: int, h: float, out: F8) -> int:
    """Write the pieces of the cell's upper side inside the polygon: x from, x to, how many times; return how many.

    `left` says how many times the upper left corner lies inside.
    """
    n = 0
    for k in range(a, b):
        c = order[k]
        for side in range(2):
            if ci[c, 3] & (TO_TOP if side else FROM_TOP):
                x = cf[c, 2 * side]
                at = n
                while at > 0 and out[at - 1, 0] > x:  # few, nearly always below four
                    out[at, 0], out[at, 2] = out[at - 1, 0], out[at - 1, 2]
                    at -= 1
                out[at, 0], out[at, 2] = x, -1.0 if side else 1.0
                n += 1
    inside, x, m = float(left), 0.0, 0
    for k in range(n + 1):
        end = out[k, 0] if k < n else h
        step = out[k, 2] if k < n else 0.0
        if inside != 0.0 and end > x:
            out[m, 0], out[m, 1], out[m, 2] = x, end, inside  # m <= k: nothing unread is overwritten
            m += 1
        x = end
        inside += step
    return m


@inner
def edge(xa: float, ya: float, xb: float, yb: float, weight: float, n: int, out: F8) -> int:
    """Write an edge from left to right: x, y, x', y', slope, weight."""
    if xa < xb:
        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 5] = xa, ya, xb, yb, -weight
    elif xb < xa:
        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 5] = xb, yb, xa, ya, weight
    else:
        return n
    out[n, 4] = (out[n, 3] - out[n, 1]) / (out[n, 2] - out[n, 0])
    return n + 1


@inner
def gather(
    xy: F8, first: int, count: int, ends: F8, at: int, x0: float, y0: float, lo: float, hi: float, n: int, out: F8
) -> int:
    """Write the edges of a chain that have ground between lo and hi; `out` has room for count + 1 more."""
    px, py = ends[at, 0], ends[at, 1]
    for v in range(first, first + count):
        qx, qy = xy[v, 0] - x0, xy[v, 1] - y0
        if not ((px <= lo and qx <= lo) or (px >= hi and qx >= hi)):
            n = edge(px, py, qx, qy, 1.0, n, out)
        px, py = qx, qy
    if not ((px <= lo and ends[at, 2] <= lo) or (px >= hi and ends[at, 2] >= hi)):
        n = edge(px, py, ends[at, 2], ends[at, 3], 1.0, n, out)
    return n


@inner
def cell_edges(
    xy: F8, ci: I8, cf: F8, order: I8, a: int, b: int, left: int, x0: float, y0: float, h: float, out: F8, lid: F8
) -> tuple[int, int, F8, F8]:
    """All edges of one polygon in one cell, its lid last; the number of edges, and of those of the lid."""
    need = 2 * (b - a) + 2
    for k in range(a, b):
        need += ci[order[k], 2] + 1
    out, lid = more_f(out, need), more_f(lid, 2 * (b - a) + 2)
    n = 0
    for k in range(a, b):
        c = order[k]
        n = gather(xy, ci[c, 1], ci[c, 2], cf, c, x0, y0, -np.inf, np.inf, n, out)
    m = lid_of(ci, cf, order, a, b, left, h, lid)
    for k in range(m):
        n = edge(lid[k, 1], h, lid[k, 0], h, lid[k, 2], n, out)
    return n, m, out, lid


@inner
def under(edges: F8, n: int) -> float:
    """The area of a polygon in a cell."""
    total = 0.0
    for k in range(n):
        total += edges[k, 5] * (edges[k, 2] - edges[k, 0]) * (edges[k, 1] + edges[k, 3])
    return 0.5 * total


@inner
def shared(s: F8, ns: int, z: F8, nz: int) -> float:
    """The common area of two polygons in a cell: over the x that two edges share, ∫ min(y, y')."""
    total = 0.0
    for a in range(ns):
        xa, ya, xb, slope = s[a, 0], s[a, 1], s[a, 2], s[a, 4]
        part = 0.0
        for b in range(nz):
            lo, hi = max(xa, z[b, 0]), min(xb, z[b, 2])
            if hi > lo:
                yl, yr = ya + (lo - xa) * slope, ya + (hi - xa) * slope
                zl, zr = z[b, 1] + (lo - z[b, 0]) * z[b, 4], z[b, 1] + (hi - z[b, 0]) * z[b, 4]
                dl, dr = abs(yl - zl), abs(yr - zr)
                gap = dl + dr
                if (yl < zl) != (yr < zr) and gap > 0.0:
                    gap = (dl * dl + dr * dr) / gap
                part += z[b, 5] * (hi - lo) * (yl + yr + zl + zr - gap)
        total += s[a, 5] * part
    return 0.25 * total


@inner
def extent(edges: F8, n: int, floor: bool, box: F8) -> None:
    """The box of a polygon in a cell: x from, y from, x to, y to."""
    box[0], box[1], box[2], box[3] = np.inf, np.inf, -np.inf, -np.inf
    for k in range(n):
        box[0], box[2] = min(box[0], edges[k, 0]), max(box[2], edges[k, 2])
        box[1] = min(box[1], min(edges[k, 1], edges[k, 3]))
        box[3] = max(box[3], max(edges[k, 1], edges[k, 3]))
    if floor:
        box[1] = 0.0


@inner
def on_floor(ci: I8, order: I8, a: int, b: int, corner: int) -> bool:
    """Whether a polygon reaches the floor of the cell; `corner` is how often it covers the lower left corner."""
    if corner != 0:
        return True
    for k in range(a, b):  # noqa: SIM110 - compiled
        if ci[order[k], 3] & (FROM_FLOOR | TO_FLOOR):
            return True
    return False
