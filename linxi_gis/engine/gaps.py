"""Compiled: distances from sites to zones over a packed tree of boxes, and the exact question whether they meet."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from linxi_gis.engine.grid import FAN, Grid
from linxi_gis.engine.jit import inner, kernel
from linxi_gis.engine.kernels import common
from linxi_gis.engine.outline import bounds_of, window
from linxi_gis.engine.segments import gap, inside, orient

F8 = NDArray[np.float64]
F4 = NDArray[np.float32]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

CHUNK = 40  # edges of a site that are looked for together; 12 are a third slower for parcels of 33
EPSILON = 2.0**-52
GROUP = 4  # of them that are compared with a run of segments at once
SAME_M = 1e-9  # zones whose distances differ by less are equally near: the first of them is the nearest
# The start of the SHA-256 of segments.py, for the reason told in kernels.py.
SEGMENTS = "a1ce38774549215f"
# Of grid.py for its FAN; of kernels.py and outline.py, which `both` calls into.
GRID = "286cf267d8e37283"
KERNELS = "dcb403e2ad572693"
OUTLINE = "4804abb2f1c99419"


@kernel
def turn(points: F8) -> int:
    """`orient` of three points, shape (3, 2)."""
    return orient(points[0, 0], points[0, 1], points[1, 0], points[1, 1], points[2, 0], points[2, 1])


@inner
def _apart(box: F4, k: int, x0: float, y0: float, x1: float, y1: float) -> float:
    """The square of the distance of box k to another."""
    dx = max(max(box[k, 0] - x1, x0 - box[k, 2]), 0.0)
    dy = max(max(box[k, 1] - y1, y0 - box[k, 3]), 0.0)
    return float(dx * dx + dy * dy)


@kernel
def bounds(xy: F8, frame: F8, size: I8) -> F4:
    """A distance (m) within which every point of a cell has a vertex, shape (cells,); rounded up."""
    nx, ny, h = size[0], size[1], frame[2]
    seed = np.full((nx * ny, 2), -1, np.int32)
    for v in range(xy.shape[0]):
        i, j = math.floor((xy[v, 0] - frame[0]) / h), math.floor((xy[v, 1] - frame[1]) / h)
        seed[i * ny + j, 0], seed[i * ny + j, 1] = i, j
    # Two sweeps hand the nearest seed on from neighbour to neighbour. It may not be the very nearest; it is one.
    for sweep in range(2):
        back = sweep == 1
        for ii in range(nx):
            i = nx - 1 - ii if back else ii
            for turn_ in range(2):
                for jj in range(ny):
                    j = ny - 1 - jj if back != (turn_ == 1) else jj
                    best = _reach(seed, i * ny + j, i, j)
                    for di in range(-1, 2):
                        for dj in range(-1, 2):
                            if 0 <= i + di < nx and 0 <= j + dj < ny:
                                other = _reach(seed, (i + di) * ny + j + dj, i, j)
                                if other < best:
                                    best = other
                                    seed[i * ny + j, 0] = seed[(i + di) * ny + j + dj, 0]
                                    seed[i * ny + j, 1] = seed[(i + di) * ny + j + dj, 1]
    out = np.empty(nx * ny, np.float32)
    for i in range(nx):
        for j in range(ny):
            out[i * ny + j] = h * math.sqrt(_reach(seed, i * ny + j, i, j)) * 1.000001
    return out


@inner
def _reach(seed: NDArray[np.int32], at: int, i: int, j: int) -> float:
    """The square of the longest way, in cells, from cell (i, j) into the seed told at a cell."""
    if seed[at, 0] < 0:
        return np.inf
    di, dj = abs(seed[at, 0] - i) + 1.0, abs(seed[at, 1] - j) + 1.0
    return float(di * di + dj * dj)


@inner
def _grouped(xy: F8, v0: int, v1: int, fx: float, fy: float, groups: F8) -> None:
    """The boxes (from the corner of the grid) of the edges v0 to v1, so many at a time."""
    for g in range((v1 - v0 + GROUP - 1) // GROUP):
        first = v0 + g * GROUP
        x0 = x1 = xy[first, 0]
        y0 = y1 = xy[first, 1]
        for v in range(first + 1, min(first + GROUP, v1) + 1):
            x0, x1 = min(x0, xy[v, 0]), max(x1, xy[v, 0])
            y0, y1 = min(y0, xy[v, 1]), max(y1, xy[v, 1])
        groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3] = x0 - fx, y0 - fy, x1 - fx, y1 - fy


@inner
def _of_run(
    grid: Grid, xy: F8, v0: int, v1: int, groups: F8, run: int, limit: float, points: F8, zone: int, bend: F8, slack: float
) -> float:
    """The square of the distance of the site's edges v0 to v1 and a run of segments where below `limit`, else it.

    `slack` is how much more the square of a way in the plane may be than by the bend's metric, as a factor.
    """
    fx, fy = grid.frame[0], grid.frame[1]
    first, last = grid.run[run, 0], grid.run[run, 0] + grid.run[run, 1]
    count = (v1 - v0 + GROUP - 1) // GROUP
    least, begin = limit * slack, -1  # the group nearest to the box goes first: after it most of the others are too far
    for g in range(count):
        d = _apart(grid.box, run, groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3])
        groups[g, 4] = d
        if d < least:
            least, begin = d, g
    if begin < 0:
        return limit
    # Corners are quickly compared, and what is farther than two of them need not be looked at. It is widened by more
    # than rounding, so that the edges these corners end are looked at themselves.
    whole, px, py = limit, xy[v0 + begin * GROUP, 0], xy[v0 + begin * GROUP, 1]
    for w in range(first, last + 1):
        dx, dy = grid.xy[w, 0] - px, grid.xy[w, 1] - py
        limit = min(limit, (dx * dx + dy * dy) * slack * 1.0000001 + 1e-9)
    bound = limit
    for turn_ in range(-1, count):
        g = turn_ if turn_ >= 0 else begin
        if turn_ == begin or groups[g, 4] >= limit * slack:
            continue
        for v in range(v0 + g * GROUP, min(v0 + g * GROUP + GROUP, v1)):
            px, py, qx, qy = xy[v, 0], xy[v, 1], xy[v + 1, 0], xy[v + 1, 1]
            x0, x1, y0, y1 = min(px, qx), max(px, qx), min(py, qy), max(py, qy)
            if _apart(grid.box, run, x0 - fx, y0 - fy, x1 - fx, y1 - fy) >= limit * slack:
                continue
            for w in range(first, last):
                ax, ay, bx, by = grid.xy[w, 0], grid.xy[w, 1], grid.xy[w + 1, 0], grid.xy[w + 1, 1]
                dx = max(max(min(ax, bx) - x1, x0 - max(ax, bx)), 0.0)
                dy = max(max(min(ay, by) - y1, y0 - max(ay, by)), 0.0)
                if dx * dx + dy * dy >= limit * slack:
                    continue
                d, sx, sy, zx, zy = gap(px, py, qx, qy, ax, ay, bx, by, dx == 0.0 and dy == 0.0, bend)
                if d < limit:
                    limit = d
                    points[zone, 0], points[zone, 1] = px + sx, py + sy
                    points[zone, 2], points[zone, 3] = px + zx, py + zy
                    if d == 0.0:
                        return d
    return limit if limit < bound else whole


@inner
def _search(
    grid: Grid, xy: F8, v0: int, v1: int, far: float, reach: float, site: int,
    best: F8, mark: I4, found: I8, count: int, points: F8, stack: I8, away: F8, groups: F8, bend: F8, slack: float,
) -> tuple[int, float]:  # fmt: skip
    """Find zones within `far` of the site's edges v0 to v1; what is found narrows it, never below `reach`.

    `best` holds the square of the distance of each zone marked with the site, `found` those zones. Returns how
    many they are, and `far`.
    """
    fx, fy = grid.frame[0], grid.frame[1]
    x0 = x1 = xy[v0, 0] - fx
    y0 = y1 = xy[v0, 1] - fy
    for v in range(v0 + 1, v1 + 1):
        x0, x1 = min(x0, xy[v, 0] - fx), max(x1, xy[v, 0] - fx)
        y0, y1 = min(y0, xy[v, 1] - fy), max(y1, xy[v, 1] - fy)
    _grouped(xy, v0, v1, fx, fy, groups)
    if grid.box.shape[0] == 0:
        return count, far
    stack[0, 0], stack[0, 1], away[0], n = grid.level.shape[0] - 2, 0, 0.0, 1
    while n > 0:
        n -= 1
        level, node, d = stack[n, 0], stack[n, 1], away[n]
        limit = (far + SAME_M) * (far + SAME_M)
        if d > limit * slack:
            continue
        if level == 0:
            zone = grid.run[node, 2]
            known = mark[zone] == site
            if known:
                limit = min(limit, best[zone])
            if d >= limit * slack:
                continue
            got = _of_run(grid, xy, v0, v1, groups, node, limit, points, zone, bend, slack)
            if got < limit:
                if not known:
                    mark[zone] = site
                    found[count] = zone
                    count += 1
                best[zone] = got
                far = max(reach, min(far, math.sqrt(got)))
            continue
        begin, width = grid.level[level - 1], grid.level[level] - grid.level[level - 1]
        low = n
        for child in range(node * FAN, min(node * FAN + FAN, width)):
            d = _apart(grid.box, begin + child, x0, y0, x1, y1)
            if d <= limit * slack:
                at = n
                while at > low and away[at - 1] < d:  # the nearest on top
                    stack[at, 0], stack[at, 1], away[at] = stack[at - 1, 0], stack[at - 1, 1], away[at - 1]
                    at -= 1
                stack[at, 0], stack[at, 1], away[at] = level - 1, child, d
                n += 1
    return count, far


@inner
def _start(grid: Grid, x: float, y: float, limit: float) -> float:
    """A distance within which the nearest zone of a point surely is; at most `limit`."""
    h = grid.frame[2]
    i = int(min(max(math.floor((x - grid.frame[0]) / h), 0.0), grid.size[0] - 1.0))
    j = int(min(max(math.floor((y - grid.frame[1]) / h), 0.0), grid.size[1] - 1.0))
    x0, y0 = grid.frame[0] + i * h, grid.frame[1] + j * h
    dx, dy = max(max(x0 - x, x - x0 - h), 0.0), max(max(y0 - y, y - y0 - h), 0.0)
    return float(min(limit, math.hypot(dx, dy) + grid.bound[i * grid.size[1] + j]))


@inner
def _is_thin(grid: Grid, xy: F8, ring: I8, r0: int, r1: int) -> bool:
    """Whether the area of a polygon may be no more than what rounding makes; its girth is counted amply."""
    area = girth = far = 0.0
    for r in range(r0, r1):
        a = ring[r]
        for v in range(a + 1, ring[r + 1]):
            area += (xy[v - 1, 0] - xy[a, 0]) * (xy[v, 1] - xy[a, 1]) - (xy[v, 0] - xy[a, 0]) * (xy[v - 1, 1] - xy[a, 1])
            girth += abs(xy[v, 0] - xy[v - 1, 0]) + abs(xy[v, 1] - xy[v - 1, 1])
            far = max(far, max(abs(xy[v, 0]), abs(xy[v, 1])))
    return bool(0.5 * area <= 4.0 * EPSILON * girth * (far + 256.0 * grid.frame[2]))


@inner
def _holders(
    grid: Grid, xy: F8, ring: I8, r0: int, r1: int, site: int, best: F8, mark: I4, found: I8, count: int, points: F8
) -> int:
    """Mark the areas that hold a ring of a site which has no area, as its first vertex tells."""
    h = grid.frame[2]
    for r in range(r0, r1):
        x, y = xy[ring[r], 0], xy[ring[r], 1]
        i, j = math.floor((x - grid.frame[0]) / h), math.floor((y - grid.frame[1]) / h)
        if not (0 <= i < grid.size[0] and 0 <= j < grid.size[1]):
            continue
        here = int(i) * grid.size[1] + int(j)
        for e in range(grid.cell[here], grid.cell[here + 1]):
            zone = grid.entry_zone[e]
            if mark[zone] != site and (
                grid.entry_part[e] < 0 or inside(grid.xy, grid.ring, grid.shape[zone], grid.shape[zone + 1], x, y)
            ):
                mark[zone], best[zone], found[count] = site, 0.0, zone
                points[zone, 0] = points[zone, 2] = x
                points[zone, 1] = points[zone, 3] = y
                count += 1
    return count


@inner
def _first_not_below(values: I8, wanted: int) -> int:
    low, high = 0, values.shape[0]
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def _needles(
    grid: Grid, xy: F8, ring: I8, r0: int, r1: int, site: int, best: F8, mark: I4, found: I8, count: int, points: F8
) -> int:
    """Mark the zones without an area of which a ring begins in a site."""
    nx, ny = grid.size[0], grid.size[1]
    x0, x1, y0, y1 = bounds_of(xy, ring[r0], ring[r1])
    i0, i1, j0, j1 = window(x0, x1, y0, y1, grid.frame, grid.size)
    if j1 < 0 or j0 >= ny:
        return count
    for i in range(max(i0, 0), min(i1, nx - 1) + 1):
        k, last = _first_not_below(grid.needle_cell, i * ny + max(j0, 0)), i * ny + min(j1, ny - 1)
        while k < grid.needle_cell.shape[0] and grid.needle_cell[k] <= last:
            v, zone = grid.needle[k, 0], grid.needle[k, 1]
            k += 1
            x, y = grid.xy[v, 0], grid.xy[v, 1]
            if mark[zone] == site or x < x0 or x > x1 or y < y0 or y > y1:
                continue
            if inside(xy, ring, r0, r1, x, y):
                mark[zone], best[zone], found[count] = site, 0.0, zone
                points[zone, 0] = points[zone, 2] = x
                points[zone, 1] = points[zone, 3] = y
                count += 1
    return count


@inner
def _slack(xy: F8, a: int, b: int, limit: float, bend: F8) -> float:
    """How much more (a factor) the square of a way from the vertices a to b, of at most `limit`, may be in the plane."""
    if bend[0] == 0.0 and bend[1] == 0.0 and bend[2] == 0.0:
        return 1.0
    far = 0.0
    for v in range(a, b):
        far = max(far, xy[v, 0] * xy[v, 0] + xy[v, 1] * xy[v, 1])
    r = math.sqrt(far) + 2.0 * limit
    return 1.0 + 4.0 * float(abs(bend[0]) * r * r + (abs(bend[1]) + abs(bend[2]) * r) * r)


@inner
def _kept(count: int, reach: float, limit: float, best: F8, found: I8) -> int:
    """Keep of the found zones those within `reach`, else the nearest within `limit`; return how many."""
    n, least = 0, np.inf
    for k in range(count):
        d = math.sqrt(best[found[k]])
        least = min(least, d)
        if d <= reach:
            n += 1
    if n == 0 and least > limit:
        return 0
    m, one = 0, -1
    for k in range(count):
        d = math.sqrt(best[found[k]])
        if n > 0 and d <= reach:
            found[m] = found[k]
            m += 1
        elif n == 0 and d <= least + SAME_M and (one < 0 or found[k] < one):
            one = found[k]
    if n == 0 and one >= 0:
        found[0], m = one, 1
    return m


@kernel
def nearby(
    grid: Grid, xy: F8, ring: I8, shape: I8, solid: B1, visit: I8, met: I8, met_zone: I8,
    reach: float, limit: float, bend: F8,
) -> tuple[I8, F8]:  # fmt: skip
    """Pairs of sites, visited in this order, with every zone within `reach`, else with the nearest within `limit`.

    Rows site and zone; rows distance (m), x and y on the site, x and y on the zone. `met_zone` from
    `met[n]` to `met[n + 1]` are zones known to overlap site `visit[n]`. `bend` are the numbers of a `Bend`.
    """
    zones = grid.zone_area.shape[0]
    best, points = np.empty(zones), np.empty((zones, 4))
    mark, found = np.full(zones, -1, np.int32), np.empty(zones, np.int64)
    stack, away, groups = np.empty((FAN * 16, 2), np.int64), np.empty(FAN * 16), np.empty((CHUNK, 5))
    pair, value, pairs = np.empty((64, 2), np.int64), np.empty((64, 5)), 0
    for turn in range(visit.shape[0]):
        site = visit[turn]
        r0, r1 = shape[site], shape[site + 1]
        if r0 == r1:
            continue
        v, count = ring[r0], 0
        for k in range(met[turn], met[turn + 1]):
            zone = met_zone[k]
            mark[zone], best[zone], found[count] = site, 0.0, zone
            points[zone, 0] = points[zone, 2] = xy[v, 0]
            points[zone, 1] = points[zone, 3] = xy[v, 1]
            count += 1
        if not solid[site] or _is_thin(grid, xy, ring, r0, r1):
            count = _holders(grid, xy, ring, r0, r1, site, best, mark, found, count, points)
        if solid[site] and grid.needle.shape[0] > 0:
            count = _needles(grid, xy, ring, r0, r1, site, best, mark, found, count, points)
        slack, far = _slack(xy, ring[r0], ring[r1], max(reach, limit), bend), reach
        if count == 0 and limit > reach:
            far = max(reach, _start(grid, xy[v, 0], xy[v, 1], limit) * slack)
        for r in range(r0, r1):
            for w in range(ring[r], ring[r + 1] - 1, CHUNK):
                count, far = _search(
                    grid, xy, w, min(w + CHUNK, ring[r + 1] - 1), far, reach, site,
                    best, mark, found, count, points, stack, away, groups, bend, slack,
                )  # fmt: skip
        count = _kept(count, reach, max(reach, limit), best, found)
        while pairs + count > pair.shape[0]:
            new_pair, new_value = np.empty((2 * pair.shape[0], 2), np.int64), np.empty((2 * pair.shape[0], 5))
            new_pair[:pairs], new_value[:pairs] = pair[:pairs], value[:pairs]
            pair, value = new_pair, new_value
        found[:count].sort()
        for k in range(count):
            zone = found[k]
            pair[pairs, 0], pair[pairs, 1], value[pairs, 0] = site, zone, math.sqrt(best[zone])
            for c in range(4):
                value[pairs, 1 + c] = points[zone, c]
            pairs += 1
    return pair[:pairs].copy(), value[:pairs].copy()


@kernel
def both(
    grid: Grid, xy: F8, ring: I8, shape: I8, solid: B1, visit: I8, reach: float, limit: float, bend: F8
) -> tuple[I8, I8, F8, F8, I8, F8]:
    """What `common` and `nearby` give, in one call."""
    site, zone, area, girth = common(grid, xy, ring, shape, solid, visit)
    met, n = np.empty(visit.shape[0] + 1, np.int64), 0
    for turn in range(visit.shape[0]):
        met[turn] = n
        while n < site.shape[0] and site[n] == visit[turn]:
            n += 1
    met[visit.shape[0]] = n
    pair, value = nearby(grid, xy, ring, shape, solid, visit, met, zone, reach, limit, bend)
    return site, zone, area, girth, pair, value
