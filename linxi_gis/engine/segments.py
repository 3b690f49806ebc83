"""Compiled: the exact questions about segments, and their distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linxi_gis.engine.jit import inner

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

_FILTER = (3.0 + 16.0 * 2.0**-53) * 2.0**-53  # bound on the rounding of orient(): Shewchuk 1997
_SPLIT = 2.0**27 + 1.0


@inner
def _grow(e: F8, n: int, b: float) -> int:
    """Add a number to a sum held exactly as n parts of growing size."""
    q = b
    for i in range(n):
        x = q + e[i]
        bv = x - q
        e[i] = (q - (x - bv)) + (e[i] - bv)
        q = x
    e[n] = q
    return n + 1


@inner
def _exact(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """The sign of the turn a, b, c in exact arithmetic: the sum of six products, each as two numbers."""
    e = np.zeros(12)
    n = 0
    for k in range(6):
        if k == 0:
            p, q = ax, by
        elif k == 1:
            p, q = -ax, cy
        elif k == 2:
            p, q = bx, cy
        elif k == 3:
            p, q = -bx, ay
        elif k == 4:
            p, q = cx, ay
        else:
            p, q = -cx, by
        x = p * q
        ph, qh = _SPLIT * p, _SPLIT * q
        ph, qh = ph - (ph - p), qh - (qh - q)
        pl, ql = p - ph, q - qh
        n = _grow(e, n, pl * ql - (((x - ph * qh) - pl * qh) - ph * ql))
        n = _grow(e, n, x)
    for k in range(n - 1, -1, -1):
        if e[k] != 0.0:
            return 1 if e[k] > 0.0 else -1
    return 0


@inner
def orient(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """1 when a, b, c turn left, -1 right, 0 when they lie on one line; exactly."""
    left, right = (ax - cx) * (by - cy), (ay - cy) * (bx - cx)
    det = left - right
    if abs(det) > _FILTER * (abs(left) + abs(right)):
        return 1 if det > 0.0 else -1
    return _exact(ax, ay, bx, by, cx, cy)


@inner
def _meet(px: float, py: float, qx: float, qy: float, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether two segments whose boxes meet share a point; exactly."""
    s, t = orient(px, py, qx, qy, ax, ay), orient(px, py, qx, qy, bx, by)
    if s * t > 0:
        return False
    u, v = orient(ax, ay, bx, by, px, py), orient(ax, ay, bx, by, qx, qy)
    # On one line the boxes meet, and so do they. Of a segment that is a point both turns are 0: the other's decide.
    return u * v <= 0


@inner
def inside(xy: F8, ring: I8, r0: int, r1: int, x: float, y: float) -> bool:
    """Whether a point lies in or on the rings r0 to r1; exactly."""
    odd = False
    for r in range(r0, r1):
        for v in range(ring[r] + 1, ring[r + 1]):
            ax, ay, bx, by = xy[v - 1, 0], xy[v - 1, 1], xy[v, 0], xy[v, 1]
            if min(ay, by) > y or max(ay, by) < y or max(ax, bx) < x:
                continue
            side = orient(ax, ay, bx, by, x, y)
            if side == 0 and min(ax, bx) <= x:
                return True
            if (ay > y) != (by > y) and (side > 0) == (by > ay):
                odd = not odd
    return odd


@inner
def _foot(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> tuple[float, float, float]:
    """The point of segment ab nearest to p, and the square of its distance."""
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    t = 0.0
    if length > 0.0:
        t = min(max(((px - ax) * dx + (py - ay) * dy) / length, 0.0), 1.0)
    x, y = ax + t * dx, ay + t * dy
    if t == 1.0:
        x, y = bx, by
    return (px - x) * (px - x) + (py - y) * (py - y), x, y


@inner
def bent(dx: float, dy: float, x: float, y: float, bend: F8) -> float:
    """The square of the length of a way dx, dy about the place x, y, by the metric of `answers.Bend`."""
    slope = bend[1] + bend[2] * y
    a, b = bend[0] * (x * x - y * y) + slope * y, 2.0 * bend[0] * x * y - slope * x
    return float(max((1.0 + a) * dx * dx + 2.0 * b * dx * dy + (1.0 - a) * dy * dy, 0.0))


@inner
def gap(
    px: float, py: float, qx: float, qy: float, ax: float, ay: float, bx: float, by: float, boxes_meet: bool, bend: F8
) -> tuple[float, float, float, float, float]:
    """The square of the distance of two segments, the nearest point of the first and of the second, from p.

    0 exactly when they meet. The feet are those of the plane, the distance and which way is nearest of a `bend` that
    is not nothing.
    """
    meet = boxes_meet and _meet(px, py, qx, qy, ax, ay, bx, by)
    curved = bend[0] != 0.0 or bend[1] != 0.0 or bend[2] != 0.0
    ox, oy = px, py
    qx, qy, ax, ay, bx, by = qx - px, qy - py, ax - px, ay - py, bx - px, by - py
    best, sx, sy, zx, zy = np.inf, 0.0, 0.0, 0.0, 0.0
    for k in range(4):
        if k == 0:
            d, x, y = _foot(0.0, 0.0, ax, ay, bx, by)
            fx, fy, gx, gy = 0.0, 0.0, x, y
        elif k == 1:
            d, x, y = _foot(qx, qy, ax, ay, bx, by)
            fx, fy, gx, gy = qx, qy, x, y
        elif k == 2:
            d, x, y = _foot(ax, ay, 0.0, 0.0, qx, qy)
            fx, fy, gx, gy = x, y, ax, ay
        else:
            d, x, y = _foot(bx, by, 0.0, 0.0, qx, qy)
            fx, fy, gx, gy = x, y, bx, by
        if curved:
            d = bent(gx - fx, gy - fy, ox + 0.5 * (fx + gx), oy + 0.5 * (fy + gy), bend)
        if d < best:
            best, sx, sy, zx, zy = d, fx, fy, gx, gy
    if meet:
        cross = qx * (by - ay) - qy * (bx - ax)
        if best > 1e-12 and cross != 0.0:
            t = min(max((ax * (by - ay) - ay * (bx - ax)) / cross, 0.0), 1.0)
            sx, sy = t * qx, t * qy
        return 0.0, sx, sy, sx, sy
    return max(best, 1e-300), sx, sy, zx, zy  # nearer than rounding can tell, and yet apart
