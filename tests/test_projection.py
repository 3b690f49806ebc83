"""The closed-form projections against PROJ, and there and back."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from linxi_gis import crs
from linxi_gis.projection import EqualArea, GaussKrueger

CHANCE = np.random.default_rng(11)
LON, LAT = CHANCE.uniform(105.0, 131.0, 20_000), CHANCE.uniform(18.0, 54.0, 20_000)


def test_equal_area_plane_is_that_of_proj() -> None:
    proj = pyproj.Proj(proj="laea", lon_0=crs.PLANE_CENTRE[0], lat_0=crs.PLANE_CENTRE[1], ellps="GRS80", units="m")
    ours, theirs = np.column_stack(EqualArea(*crs.PLANE_CENTRE).forward(LON, LAT)), np.column_stack(proj(LON, LAT))
    assert np.abs(ours - theirs).max() < 2e-8  # 3,000 km away, and PROJ loses 6e-9 even near the centre
    near = (np.abs(LON - 118.05) < 1.0) & (np.abs(LAT - 43.75) < 1.0)
    assert near.any() and np.abs(ours - theirs)[near].max() < 1e-8


def test_equal_area_plane_in_more_digits() -> None:
    """Snyder's formulas (3-11, 3-12, 24-17 to 24-20) as they are printed, in the longest float there is."""
    long = np.longdouble
    lon, lat = CHANCE.uniform(117.6, 118.6, 500), CHANCE.uniform(43.2, 44.3, 500)
    a, f, degree = long(6_378_137), 1 / long("298.257222101"), np.arccos(long(-1)) / 180
    e2 = f * (2 - f)

    def q(sine: np.ndarray) -> np.ndarray:
        e = np.sqrt(e2)
        return (1 - e2) * (sine / (1 - e2 * sine * sine) + np.arctanh(e * sine) / e)

    centre, turn = long(43.75) * degree, (long(1) * lon - long(118.05)) * degree
    pole, sine1 = q(long(1)), np.sin(centre)
    radius, beta1, beta = a * np.sqrt(pole / 2), np.arcsin(q(sine1) / pole), np.arcsin(q(np.sin(lat * degree)) / pole)
    d = a * np.cos(centre) / (np.sqrt(1 - e2 * sine1**2) * radius * np.cos(beta1))
    b = radius * np.sqrt(2 / (1 + np.sin(beta1) * np.sin(beta) + np.cos(beta1) * np.cos(beta) * np.cos(turn)))
    x = b * d * np.cos(beta) * np.sin(turn)
    y = b / d * (np.cos(beta1) * np.sin(beta) - np.sin(beta1) * np.cos(beta) * np.cos(turn))
    ours = EqualArea(*crs.PLANE_CENTRE).forward(lon, lat)
    longer = np.finfo(long).eps < 1e-18  # on Windows, and on ARM, there is none longer
    assert max(np.abs(ours[0] - x).max(), np.abs(ours[1] - y).max()) < (2e-10 if longer else 1e-8)


def test_equal_area_plane_there_and_back() -> None:
    """PROJ's own way back (9.5) ends its series at e⁶ and is half a millimetre off; ours is not."""
    plane = EqualArea(*crs.PLANE_CENTRE)
    lon, lat = plane.inverse(*plane.forward(LON, LAT))
    assert np.abs(lon - LON).max() < 1e-13 and np.abs(lat - LAT).max() < 1e-13
    proj = pyproj.Proj(proj="laea", lon_0=crs.PLANE_CENTRE[0], lat_0=crs.PLANE_CENTRE[1], ellps="GRS80", units="m")
    there = np.column_stack(proj(*proj(LON, LAT), inverse=True))
    assert np.abs(there - np.column_stack([lon, lat])).max() < 2e-8
    centre = plane.inverse(np.zeros(1), np.zeros(1))
    assert [float(one[0]) for one in centre] == pytest.approx(list(crs.PLANE_CENTRE), abs=1e-13)


def test_equal_area_plane_keeps_the_area_of_the_ellipsoid() -> None:
    """The area of a graticule cell is (λ2 - λ1)·(q2 - q1)·a²/2: arithmetic, no geodesic."""
    a, e2 = 6_378_137.0, (1 / 298.257222101) * (2 - 1 / 298.257222101)
    e = np.sqrt(e2)

    def q(lat: float) -> float:
        s = np.sin(np.radians(lat))
        return float((1 - e2) * (s / (1 - e2 * s * s) + np.arctanh(e * s) / e))

    truth = np.radians(1.0) * (q(44.0) - q(43.0)) * a * a / 2
    t = np.linspace(0.0, 1.0, 20_001)
    lon = np.concatenate([117.5 + t, np.full(t.size, 118.5), 118.5 - t, np.full(t.size, 117.5)])
    lat = np.concatenate([np.full(t.size, 43.0), 43.0 + t, np.full(t.size, 44.0), 44.0 - t])
    x, y = EqualArea(*crs.PLANE_CENTRE).forward(lon, lat)
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    assert area == pytest.approx(truth, rel=2e-10)


@pytest.mark.parametrize("meridian", [117.0, 118.5, 120.0])
def test_gauss_krueger_is_that_of_proj(meridian: float) -> None:
    proj = pyproj.Proj(proj="tmerc", lat_0=0, lon_0=meridian, k=1, x_0=500_000, y_0=0, ellps="GRS80", units="m")
    ours = GaussKrueger(meridian)
    forward = np.column_stack(ours.forward(LON, LAT))
    assert np.abs(forward - np.column_stack(proj(LON, LAT))).max() < 5e-9
    lon, lat = ours.inverse(forward[:, 0], forward[:, 1])
    assert np.abs(lon - LON).max() < 1e-13 and np.abs(lat - LAT).max() < 1e-13


def test_what_lies_outside_the_plane_is_no_number() -> None:
    with np.errstate(invalid="ignore"):
        lon, lat = EqualArea(*crs.PLANE_CENTRE).inverse(np.array([1e9]), np.array([0.0]))
    assert np.isnan(lon).all() or np.isnan(lat).all()


def test_every_gauss_krueger_code_of_cgcs2000_is_what_epsg_says() -> None:
    for code in range(4491, 4555):
        plane = crs.gauss_krueger(f"EPSG:{code}")
        operation = pyproj.CRS.from_epsg(code).coordinate_operation
        assert plane is not None and operation is not None
        values = {one.name: one.value for one in operation.params}
        lon, lat = np.array([values["Longitude of natural origin"] + 0.7]), np.array([43.6])
        truth = pyproj.Transformer.from_crs("EPSG:4490", code, always_xy=True).transform(lon, lat)
        assert np.abs(np.column_stack(plane.forward(lon, lat)) - np.column_stack(truth)).max() < 1e-8
    assert crs.gauss_krueger("EPSG:4490") is None and crs.gauss_krueger("EPSG:4555") is None


def test_coordinates_far_outside_a_zone_are_left_to_proj() -> None:
    """Beyond the series' reach, and for what is no number, the answer is PROJ's, error and all."""
    with pytest.raises(crs.CrsError, match="适用范围"):
        crs.points_of("EPSG:4527", 1e12, 4.8e6)
