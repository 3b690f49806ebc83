"""The two map projections the house measures in, in closed form: no library to load, the same to a nanometre.

Ellipsoid GRS80, which is that of CGCS2000 (GB 22021-2008): a = 6378137 m, f = 1/298.257222101.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

A_M = 6_378_137.0
F = 1.0 / 298.257222101
_E2 = F * (2.0 - F)
_E = math.sqrt(_E2)
_N = F / (2.0 - F)
_EAST_M, _NORTH_M = 2_500_000.0, 8_500_000.0  # about 30° from the meridian, and up to 76° of latitude
Convert = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


class EqualArea:
    """Lambert azimuthal equal-area, oblique: planar area is ellipsoidal area.

    J. P. Snyder, Map Projections, A Working Manual, USGS Professional Paper 1395 (1987), 24-2 to 24-30; the
    way back from the authalic latitude starts at its series (3-18) and is finished by one Newton step.
    """

    def __init__(self, lon: float, lat: float) -> None:
        sine, cosine = math.sin(math.radians(lat)), math.cos(math.radians(lat))
        self._lon, self._lat, self._sine_lat = lon, lat, sine
        self._pole = float(_q(np.float64(1.0)))
        self._radius = A_M * math.sqrt(self._pole / 2.0)
        self._sine = float(_q(np.float64(sine))) / self._pole
        self._cosine = math.sqrt(1.0 - self._sine**2)
        self._d = A_M * cosine / (math.sqrt(1.0 - _E2 * sine**2) * self._radius * self._cosine)

    def forward(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return x and y (m) of longitude and latitude (degrees)."""
        return self.forward_with_height(lon, lat)[:2]

    def forward_with_height(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return x and y (m) of longitude and latitude (degrees), and the height above the centre (m) of the same
        place in the cylindrical equal-area projection whose x is `A_M` times the longitude (radians)."""
        turn = np.radians(lon - self._lon)
        # Small differences from the centre are taken as such: as differences of large terms they are 5 nm off.
        rise = self._more(np.radians(lat), np.radians(lat - self._lat))
        more = rise / self._pole
        sine = self._sine + more
        cosine = np.sqrt(np.maximum((1.0 - sine) * (1.0 + sine), 0.0))
        north = more * (self._cosine + self._sine * (sine + self._sine) / (cosine + self._cosine))
        north += 2.0 * self._sine * cosine * np.sin(turn / 2.0) ** 2
        scale = np.sqrt(2.0 / (1.0 + self._sine * sine + self._cosine * cosine * np.cos(turn))) * self._radius
        return scale * self._d * cosine * np.sin(turn), scale / self._d * north, (A_M / 2.0) * rise

    def sag(self, lat: FloatArray) -> FloatArray:
        """Return minus the second derivative of that height by latitude (m per square radian), at latitudes in degrees.

        >>> plane, step = EqualArea(118.05, 43.75), 1e-3
        >>> three = plane.forward_with_height(np.zeros(3) + 118.0, 43.6 + step * np.arange(-1.0, 2.0))[2]
        >>> float((three[0] - 2 * three[1] + three[2]) / np.radians(step) ** 2 / -plane.sag(np.array(43.6))).__round__(3)
        1.0
        """
        sine, cosine = np.sin(np.radians(lat)), np.cos(np.radians(lat))
        root = 1.0 - _E2 * sine * sine
        return np.asarray(A_M * (1.0 - _E2) * sine * (1.0 - 4.0 * _E2 * cosine**2 / root) / root**2)

    def _more(self, lat: FloatArray, north: FloatArray) -> FloatArray:
        """How much Snyder's q (3-12) is more than at the centre, of latitude and its difference (radians)."""
        here, centre = np.sin(lat), self._sine_lat
        step = 2.0 * np.cos(lat - north / 2.0) * np.sin(north / 2.0)
        rational = step * (1.0 + _E2 * here * centre) / ((1.0 - _E2 * here**2) * (1.0 - _E2 * centre**2))
        return np.asarray((1.0 - _E2) * (rational + np.arctanh(_E * step / (1.0 - _E2 * here * centre)) / _E))

    def inverse(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return longitude and latitude (degrees) of x and y (m); NaN where there are none."""
        # In units of the sphere, half the chord is the sine of half the angle from the centre.
        x, y = x / (self._d * self._radius), y * self._d / self._radius
        half = (x * x + y * y) / 4.0
        slope, cosine = np.sqrt(1.0 - half), 1.0 - 2.0 * half
        sine = cosine * self._sine + y * slope * self._cosine
        turn = np.arctan2(x * slope, self._cosine * cosine - y * slope * self._sine)
        lat = _of_authalic(np.arcsin(np.clip(sine, -1.0, 1.0)))
        lat += (self._pole * sine - _q(np.sin(lat))) * _per_q(lat)
        return np.degrees(turn) + self._lon, np.degrees(lat)


def _q(sine: FloatArray | np.float64) -> FloatArray:
    """Snyder 3-12, of the sine of a latitude."""
    return np.asarray((1.0 - _E2) * (sine / (1.0 - _E2 * sine * sine) + np.arctanh(_E * sine) / _E))


def _per_q(lat: FloatArray) -> FloatArray:
    """How much the latitude grows with q, 0 at the poles, where the series is exact."""
    sine, cosine = np.sin(lat), np.cos(lat)
    with np.errstate(divide="ignore"):
        slope = (1.0 - _E2 * sine * sine) ** 2 / (2.0 * (1.0 - _E2) * cosine)
    return np.where(np.abs(cosine) > 1e-6, slope, 0.0)


def _of_authalic(beta: FloatArray) -> FloatArray:
    """Snyder 3-18: the latitude of an authalic latitude, to 1e-10 rad."""
    e4, e6 = _E2**2, _E2**3
    return np.asarray(
        beta
        + (_E2 / 3.0 + 31.0 * e4 / 180.0 + 517.0 * e6 / 5040.0) * np.sin(2.0 * beta)
        + (23.0 * e4 / 360.0 + 251.0 * e6 / 3780.0) * np.sin(4.0 * beta)
        + 761.0 * e6 / 45360.0 * np.sin(6.0 * beta)
    )


class GaussKrueger:
    """Gauss-Krüger (transverse Mercator, scale 1) by Krüger's series in n, to n⁶.

    C. F. F. Karney, Transverse Mercator with an accuracy of a few nanometers, J. Geodesy 85 (2011) 475-485,
    equations 7-15, 35 and 36. Accurate to 5 nm within 35° of the central meridian.
    """

    def __init__(self, meridian: float, false_easting_m: float = 500_000.0) -> None:
        self.meridian, self.false_easting_m = meridian, false_easting_m

    def forward(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return easting and northing (m) of longitude and latitude (degrees)."""
        turn, tangent = np.radians(lon - self.meridian), np.tan(np.radians(lat))
        conformal = _conformal(tangent)
        along = np.arctan2(conformal, np.cos(turn))
        across = np.arcsinh(np.sin(turn) / np.hypot(conformal, np.cos(turn)))
        xi, eta = along.copy(), across.copy()
        for j, alpha in enumerate(_ALPHA, start=1):
            xi += alpha * np.sin(2 * j * along) * np.cosh(2 * j * across)
            eta += alpha * np.cos(2 * j * along) * np.sinh(2 * j * across)
        return self.false_easting_m + _QUADRANT * eta, _QUADRANT * xi

    def inverse(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return longitude and latitude (degrees) of easting and northing (m)."""
        xi, eta = y / _QUADRANT, (x - self.false_easting_m) / _QUADRANT
        along, across = xi.copy(), eta.copy()
        for j, beta in enumerate(_BETA, start=1):
            along -= beta * np.sin(2 * j * xi) * np.cosh(2 * j * eta)
            across -= beta * np.cos(2 * j * xi) * np.sinh(2 * j * eta)
        conformal = np.sin(along) / np.hypot(np.sinh(across), np.cos(along))
        turn = np.arctan2(np.sinh(across), np.cos(along))
        return np.degrees(turn) + self.meridian, np.degrees(np.arctan(_of_conformal(conformal)))

    def inverse_or(self, other: Convert) -> Convert:
        """Return `inverse`, with another way for what lies too far from the meridian, or is no number."""

        def convert(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
            near = (np.abs(x - self.false_easting_m) < _EAST_M) & (np.abs(y) < _NORTH_M)
            lon, lat = np.empty(len(x)), np.empty(len(x))
            lon[near], lat[near] = self.inverse(x[near], y[near])
            if not near.all():
                lon[~near], lat[~near] = other(x[~near], y[~near])
            return lon, lat

        return convert


def _conformal(tangent: FloatArray) -> FloatArray:
    """The tangent of the conformal latitude of the tangent of a latitude (Karney 7-9)."""
    secant = np.sqrt(1.0 + tangent * tangent)
    sigma = np.sinh(_E * np.arctanh(_E * tangent / secant))
    return np.asarray(tangent * np.sqrt(1.0 + sigma * sigma) - sigma * secant)


def _of_conformal(wanted: FloatArray) -> FloatArray:
    """The tangent of a latitude from that of its conformal latitude, by Newton (Karney 19-21)."""
    tangent = wanted / (1.0 - _E2)
    for _ in range(4):  # the second step reaches rounding within 70° of latitude
        now = _conformal(tangent)
        secants = np.sqrt((1.0 + now * now) * (1.0 + tangent * tangent))
        tangent = tangent + (wanted - now) * (1.0 + (1.0 - _E2) * tangent * tangent) / ((1.0 - _E2) * secants)
    return tangent


def _series(*rows: tuple[tuple[int, int], ...]) -> tuple[float, ...]:
    """Coefficients from the fractions of their powers of n: row j begins at n to the j."""
    return tuple(
        math.fsum(top / bottom * _N ** (j + k) for k, (top, bottom) in enumerate(row)) for j, row in enumerate(rows, 1)
    )


_QUADRANT = A_M / (1.0 + _N) * (1.0 + _N**2 / 4.0 + _N**4 / 64.0 + _N**6 / 256.0)
_ALPHA = _series(
    ((1, 2), (-2, 3), (5, 16), (41, 180), (-127, 288), (7891, 37800)),
    ((13, 48), (-3, 5), (557, 1440), (281, 630), (-1983433, 1935360)),
    ((61, 240), (-103, 140), (15061, 26880), (167603, 181440)),
    ((49561, 161280), (-179, 168), (6601661, 7257600)),
    ((34729, 80640), (-3418889, 1995840)),
    ((212378941, 319334400),),
)
_BETA = _series(
    ((1, 2), (-2, 3), (37, 96), (-1, 360), (-81, 512), (96199, 604800)),
    ((1, 48), (1, 15), (-437, 1440), (46, 105), (-1118711, 3870720)),
    ((17, 480), (-37, 840), (-209, 4480), (5569, 90720)),
    ((4397, 161280), (-11, 504), (-830251, 7257600)),
    ((4583, 161280), (-108847, 3991680)),
    ((20648693, 638668800),),
)
