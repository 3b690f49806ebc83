"""The shortest way between points of the ellipsoid of CGCS2000, in closed form on arrays.

C. F. F. Karney, Algorithms for geodesics, J. Geodesy 87 (2013) 43-55: equations 7, 8, 10-18, 23-25. The
longitude on the auxiliary sphere is found as Vincenty does (Survey Review 23 (1975) 88-93), by putting it into
its own equation, and by the secant of two such steps; what is far apart is left to PROJ. Small differences
are taken as such, so that metres are right to a nanometre at any distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linxi_gis.projection import A_M, F

FloatArray = NDArray[np.float64]

REACH_DEG = 30.0
_STEPS = 4  # of the longitude 1/300 is wrong, 1e-5, 1e-10, and after the third step less than its rounding
_N = F / (2.0 - F)
_EP2 = F * (2.0 - F) / (1.0 - F) ** 2


def inverse(lon1: FloatArray, lat1: FloatArray, lon2: FloatArray, lat2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return distances (m) and bearings at the first point (degrees from north, -180 to 180).

    Arguments are degrees, shape (n,), of points no more than `REACH_DEG` apart in either.

    >>> metres, bearing = inverse(np.array([118.0]), np.array([43.6]), np.array([118.0]), np.array([43.61]))
    >>> round(float(metres[0]), 6), float(bearing[0])
    (1111.045324, 0.0)
    """
    phi1, phi2, turn = np.radians(lat1), np.radians(lat2), np.radians(lon2 - lon1)
    beta1, beta2 = np.arctan((1.0 - F) * np.tan(phi1)), np.arctan((1.0 - F) * np.tan(phi2))
    s1, c1, s2, c2 = np.sin(beta1), np.cos(beta1), np.sin(beta2), np.cos(beta2)
    north = (1.0 - F) * np.sin(np.radians(lat2 - lat1)) * c1 * c2 / (np.cos(phi1) * np.cos(phi2))  # sin(β2-β1)
    omega, last, miss = turn, turn, turn
    for step in range(_STEPS):
        east, ahead = c2 * np.sin(omega), north + 2.0 * s1 * c2 * np.sin(omega / 2.0) ** 2
        arc = np.arctan2(np.hypot(east, ahead), s1 * s2 + c1 * c2 * np.cos(omega))
        alpha = np.arctan2(east, ahead)
        sin0 = np.sin(alpha) * c1
        start = np.arctan2(s1, np.cos(alpha) * c1)
        root = np.sqrt(1.0 + _EP2 * (1.0 - sin0 * sin0))
        eps = (root - 1.0) / (root + 1.0)
        if step == _STEPS - 1:
            break
        off = turn + F * sin0 * _grown(_a3(eps), _c3(eps), start, arc) - omega
        omega, last, miss = omega + _secant(omega - last, off, miss, step), omega, off
    return A_M * (1.0 - F) * _grown(_a1(eps), _c1(eps), start, arc), np.degrees(alpha)


def _secant(moved: FloatArray, off: FloatArray, before: FloatArray, step: int) -> FloatArray:
    """How far to go from here, where the equation is `off`; it was off by `before` a move ago."""
    slope = before - off
    sloping = (slope != 0.0) & (step > 0)
    return off * np.divide(moved, slope, out=np.ones_like(off), where=sloping)


def _grown(a: FloatArray, c: list[FloatArray], start: FloatArray, arc: FloatArray) -> FloatArray:
    """A·(σ + Σ C sin 2lσ) at the end of an arc less that at its start."""
    middle, total = 2.0 * start + arc, arc.copy()
    for l2, one in enumerate(c, start=1):
        total += 2.0 * one * np.cos(l2 * middle) * np.sin(l2 * arc)
    return a * total


def _powers(e: FloatArray, *factors: float) -> FloatArray:
    """The sum of factors times powers of e, from its first on."""
    total = factors[-1] * e
    for factor in reversed(factors[:-1]):
        total = (total + factor) * e
    return total


def _a1(e: FloatArray) -> FloatArray:
    """Karney 17."""
    return (1.0 + _powers(e * e, 1.0 / 4.0, 1.0 / 64.0, 1.0 / 256.0)) / (1.0 - e)


def _c1(e: FloatArray) -> list[FloatArray]:
    """Karney 18."""
    square = e * e
    return [
        e * (-1.0 / 2.0 + _powers(square, 3.0 / 16.0, -1.0 / 32.0)),
        _powers(square, -1.0 / 16.0, 1.0 / 32.0, -9.0 / 2048.0),
        e * _powers(square, -1.0 / 48.0, 3.0 / 256.0),
        square * _powers(square, -5.0 / 512.0, 3.0 / 512.0),
    ]


_A3 = (
    -(0.5 - _N / 2.0),
    -(0.25 + _N / 8.0 - 3.0 * _N**2 / 8.0),
    -(1.0 / 16.0 + 3.0 * _N / 16.0 + _N**2 / 16.0),
    -(3.0 / 64.0 + _N / 32.0),
    -3.0 / 128.0,
)
_C31 = (0.25 - _N / 4.0, 0.125 - _N**2 / 8.0, 3.0 / 64.0 + 3.0 * _N / 64.0 - _N**2 / 64.0)
_C32 = (1.0 / 16.0 - 3.0 * _N / 32.0 + _N**2 / 32.0, 3.0 / 64.0 - _N / 32.0 - 3.0 * _N**2 / 64.0)
_C33 = 5.0 / 192.0 - 3.0 * _N / 64.0 + 5.0 * _N**2 / 192.0


def _a3(e: FloatArray) -> FloatArray:
    """Karney 24."""
    return 1.0 + _powers(e, *_A3)


def _c3(e: FloatArray) -> list[FloatArray]:
    """Karney 25."""
    return [_powers(e, *_C31), e * _powers(e, *_C32), e * e * (e * _C33)]
