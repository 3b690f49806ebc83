"""The shortest way between points of the ellipsoid of CGCS2000, in closed form on arrays.

C. F. F. Karney, Algorithms for geodesics, J. Geodesy 87 (2013) 43-55: equations 7, 8, 10-18, 23-25. The
longitude on the auxiliary sphere is found by repetition, as Vincenty does (Survey Review 23 (1975) 88-93),
which never fails but near the antipode; what is far apart is left to PROJ. Small differences are taken as
such, so that metres are right to a nanometre at any distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linxi_gis.projection import A_M, F

FloatArray = NDArray[np.float64]

REACH_DEG = 30.0
_STEPS = 8  # each leaves 1/300 of the error: 1e-20 of the longitude
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
    omega = turn
    for _ in range(_STEPS):
        east, ahead = c2 * np.sin(omega), north + 2.0 * s1 * c2 * np.sin(omega / 2.0) ** 2
        arc = np.arctan2(np.hypot(east, ahead), s1 * s2 + c1 * c2 * np.cos(omega))
        alpha = np.arctan2(east, ahead)
        sin0 = np.sin(alpha) * c1
        start = np.arctan2(s1, np.cos(alpha) * c1)
        root = np.sqrt(1.0 + _EP2 * (1.0 - sin0 * sin0))
        eps = (root - 1.0) / (root + 1.0)
        omega = turn + F * sin0 * _grown(_a3(eps), _c3(eps), start, arc)
    return A_M * (1.0 - F) * _grown(_a1(eps), _c1(eps), start, arc), np.degrees(alpha)


def _grown(a: FloatArray, c: list[FloatArray], start: FloatArray, arc: FloatArray) -> FloatArray:
    """A·(σ + Σ C sin 2lσ) at the end of an arc less that at its start."""
    total = arc.copy()
    for l2, one in enumerate(c, start=1):
        total += 2.0 * one * np.cos(l2 * (2.0 * start + arc)) * np.sin(l2 * arc)
    return a * total


def _a1(e: FloatArray) -> FloatArray:
    """Karney 17."""
    return (1.0 + e**2 / 4.0 + e**4 / 64.0 + e**6 / 256.0) / (1.0 - e)


def _c1(e: FloatArray) -> list[FloatArray]:
    """Karney 18."""
    return [
        -e / 2.0 + 3.0 * e**3 / 16.0 - e**5 / 32.0,
        -(e**2) / 16.0 + e**4 / 32.0 - 9.0 * e**6 / 2048.0,
        -(e**3) / 48.0 + 3.0 * e**5 / 256.0,
        -5.0 * e**4 / 512.0 + 3.0 * e**6 / 512.0,
    ]


def _a3(e: FloatArray) -> FloatArray:
    """Karney 24."""
    return (
        1.0
        - (0.5 - _N / 2.0) * e
        - (0.25 + _N / 8.0 - 3.0 * _N**2 / 8.0) * e**2
        - (1.0 / 16.0 + 3.0 * _N / 16.0 + _N**2 / 16.0) * e**3
        - (3.0 / 64.0 + _N / 32.0) * e**4
        - 3.0 / 128.0 * e**5
    )


def _c3(e: FloatArray) -> list[FloatArray]:
    """Karney 25."""
    return [
        (0.25 - _N / 4.0) * e + (0.125 - _N**2 / 8.0) * e**2 + (3.0 / 64.0 + 3.0 * _N / 64.0 - _N**2 / 64.0) * e**3,
        (1.0 / 16.0 - 3.0 * _N / 32.0 + _N**2 / 32.0) * e**2 + (3.0 / 64.0 - _N / 32.0 - 3.0 * _N**2 / 64.0) * e**3,
        (5.0 / 192.0 - 3.0 * _N / 64.0 + 5.0 * _N**2 / 192.0) * e**3,
    ]
