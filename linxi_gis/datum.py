"""GCJ-02 and BD-09, the shifted degrees of Chinese web maps, and the way back to CGCS2000.

Neither system is published. The formulae are the reverse-engineered ones that are common knowledge
(first released as "WGS-84 to GCJ-02", described by the projects eviltransform and coordtransform);
this is our own vectorised writing of them. The reverse is solved by iteration to 1e-9 degrees and
better, not by the usual one-step approximation. WGS84 and CGCS2000 degrees are taken as the same:
they differ by centimetres.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from linxi_gis.crs import FloatArray
from linxi_gis.errors import CrsError

DATUMS = ("GCJ-02", "BD-09")
# Krassovsky 1940, the ellipsoid inside the GCJ-02 formula.
_A = 6_378_245.0
_E2 = 0.006_693_421_622_965_943
# GCJ-02 shifts only inside this box (degrees): west, south, east, north.
_BOX = (72.004, 0.8293, 137.8347, 55.8271)
_BD_TURN = np.pi * 3000.0 / 180.0
_ROUNDS = 60
_SETTLED_DEG = 1e-13  # 1e-8 m; two ulps of a longitude
_INVERTED_DEG = 5e-12  # 5e-7 m: what "solved" means below


def _waves(u: FloatArray) -> FloatArray:
    return 20.0 * np.sin(6.0 * np.pi * u) + 20.0 * np.sin(2.0 * np.pi * u)


def _north_m(x: FloatArray, y: FloatArray) -> FloatArray:
    smooth = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    slow = 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)
    slower = 160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)
    return np.asarray(smooth + 2.0 / 3.0 * (_waves(x) + slow + slower))


def _east_m(x: FloatArray, y: FloatArray) -> FloatArray:
    smooth = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    slow = 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)
    slower = 150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)
    return np.asarray(smooth + 2.0 / 3.0 * (_waves(x) + slow + slower))


def gcj02_of_wgs84(lonlat: FloatArray) -> FloatArray:
    """Return GCJ-02 degrees of WGS84/CGCS2000 degrees, shape (n, 2); no shift outside the China box.

    >>> gcj02_of_wgs84(np.array([[2.35, 48.85]]))  # Paris is not shifted
    array([[ 2.35, 48.85]])
    """
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    x, y = lon - 105.0, lat - 35.0
    phi = np.radians(lat)
    w = 1.0 - _E2 * np.sin(phi) ** 2
    east = np.degrees(_east_m(x, y) / (_A / np.sqrt(w) * np.cos(phi)))
    north = np.degrees(_north_m(x, y) / (_A * (1.0 - _E2) / w**1.5))
    inside = (lon >= _BOX[0]) & (lat >= _BOX[1]) & (lon <= _BOX[2]) & (lat <= _BOX[3])
    shift = np.column_stack((east, north))
    return np.where(inside[:, None], lonlat + shift, lonlat)


def bd09_of_gcj02(lonlat: FloatArray) -> FloatArray:
    """Return BD-09 degrees of GCJ-02 degrees, shape (n, 2)."""
    x, y = lonlat[:, 0], lonlat[:, 1]
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_TURN)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_TURN)
    return np.column_stack((radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006))


def bd09_of_wgs84(lonlat: FloatArray) -> FloatArray:
    """Return BD-09 degrees of WGS84/CGCS2000 degrees, shape (n, 2)."""
    return bd09_of_gcj02(gcj02_of_wgs84(lonlat))


def _invert(forward: Callable[[FloatArray], FloatArray], target: FloatArray, name: str) -> FloatArray:
    """Solve forward(p) = target by p <- p - (forward(p) - target).

    The shift changes by less than 3 % of a displacement, so each round gains at least 1.5 digits.
    Raises CrsError where there is no solution (the rim of the box, where the shift jumps).
    """
    guess = np.array(target, dtype=np.float64)
    for _ in range(_ROUNDS):
        miss = forward(guess) - target
        unsettled = np.abs(miss).max(axis=1, initial=0.0) > _SETTLED_DEG
        if not unsettled.any():
            break
        # A point that has settled stays, so that it is the same alone and among others.
        guess = np.where(unsettled[:, None], guess - miss, guess)
    if np.any(~(np.abs(forward(guess) - target) <= _INVERTED_DEG)):
        raise CrsError(
            f"{name} 坐标位于加偏范围边缘，无法反算", remedy="请改用 CGCS2000（EPSG:4490）坐标提交"
        )
    return guess


def wgs84_of_gcj02(lonlat: FloatArray) -> FloatArray:
    """Return WGS84/CGCS2000 degrees of GCJ-02 degrees, shape (n, 2), to better than 1e-6 m.

    Raises CrsError on the rim of the China box, where the map has no inverse.
    """
    return _invert(gcj02_of_wgs84, lonlat, "GCJ-02")


def gcj02_of_bd09(lonlat: FloatArray) -> FloatArray:
    """Return GCJ-02 degrees of BD-09 degrees, shape (n, 2), to better than 1e-6 m."""
    return _invert(bd09_of_gcj02, lonlat, "BD-09")


def wgs84_of_bd09(lonlat: FloatArray) -> FloatArray:
    """Return WGS84/CGCS2000 degrees of BD-09 degrees, shape (n, 2), to better than 1e-6 m."""
    return wgs84_of_gcj02(gcj02_of_bd09(lonlat))


def to_cgcs2000(lonlat: FloatArray, datum: str) -> FloatArray:
    """Return CGCS2000 degrees of degrees in `datum`, one of `DATUMS`; shape (n, 2).

    Raises CrsError for any other name.
    """
    if datum == "GCJ-02":
        return wgs84_of_gcj02(lonlat)
    if datum == "BD-09":
        return wgs84_of_bd09(lonlat)
    raise CrsError(f"不认识的偏移坐标系 {datum!r}", remedy=f"可用：{'、'.join(DATUMS)}")
