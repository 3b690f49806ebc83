"""The closed-form geodesic against PROJ's (an independent implementation of Karney's algorithm)."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from linxi_gis import geodesic, geodesy

GEOD = pyproj.Geod(ellps="GRS80")


@pytest.mark.parametrize("metres", [0.001, 1.0, 100.0, 10_000.0, 200_000.0, 1_500_000.0])
def test_distances_and_bearings_are_those_of_proj(metres: float) -> None:
    chance = np.random.default_rng(5)
    lon, lat, bearing = chance.uniform(74, 135, 3000), chance.uniform(3, 53, 3000), chance.uniform(-180, 180, 3000)
    lon2, lat2, _ = GEOD.fwd(lon, lat, bearing, np.full(3000, metres))
    there, _, truth = GEOD.inv(lon, lat, lon2, lat2)
    ours, alpha = geodesic.inverse(lon, lat, lon2, lat2)
    assert np.abs(ours - truth).max() < 5e-9  # PROJ's own rounding: it is 2.6e-9 m for a millimetre too
    turned = (alpha - there + 180.0) % 360.0 - 180.0
    assert np.abs(turned).max() * np.pi / 180.0 * metres < 5e-9
    long = np.longdouble
    if np.finfo(long).eps < 1e-18:  # on Windows, and on ARM, there is none longer
        more, _ = geodesic.inverse(long(1) * lon, long(1) * lat, long(1) * lon2, long(1) * lat2)
        assert np.abs(ours - more).max() < 2e-15 * metres


def test_along_a_meridian_along_a_parallel_and_nowhere() -> None:
    lon, lat = np.array([118.0, 118.0, 118.0, 118.0]), np.array([43.6, 43.6, 0.0, 43.6])
    lon2, lat2 = np.array([118.0, 118.3, 119.0, 118.0]), np.array([44.6, 43.6, 0.0, 43.6])
    ours, alpha = geodesic.inverse(lon, lat, lon2, lat2)
    _, _, truth = GEOD.inv(lon, lat, lon2, lat2)
    assert np.abs(ours - truth).max() < 5e-9
    assert ours[2] == pytest.approx(np.radians(1.0) * 6_378_137.0, abs=1e-8)  # the equator is a circle
    assert alpha[0] == 0.0 and ours[3] == 0.0


def test_what_is_far_apart_is_left_to_proj() -> None:
    """Paris to Sydney, and half way around, beside a pair that is near."""
    lon, lat = np.array([2.35, 0.0, 118.0]), np.array([48.86, 0.5, 43.6])
    lon2, lat2 = np.array([151.2, 179.7, 118.001]), np.array([-33.87, 0.5, 43.6])
    metres, bearing = geodesy.distances(np.column_stack([lon, lat]), np.column_stack([lon2, lat2]))
    there, _, truth = GEOD.inv(lon, lat, lon2, lat2)
    assert np.abs(metres - truth).max() < 1e-8
    assert bearing == pytest.approx(np.asarray(there) % 360.0, abs=1e-7)
