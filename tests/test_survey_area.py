"""The land survey's area formula against the authalic shoelace, the closed form of a cell and Geod."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from pyproj import Geod
from yard import HUNDRED, line, site, square

from linxi_gis import crs, doctor, survey_area
from linxi_gis.footprint import corridor, make_site
from linxi_gis.model import Reference

GEOD = Geod(ellps="GRS80")
B, E2 = 6356752.314140356, 0.006694380022903416


def drawn(shape: shapely.Geometry) -> object:
    return make_site(shape, Reference(crs.LONLAT, "测试"), site_id="s")


def blob(rng: np.random.Generator, radius_m: float, corners: int) -> shapely.Polygon:
    """A polygon around a random place of the county, its edges straight in degrees."""
    lon, lat = rng.uniform([117.7, 43.2], [118.6, 44.3])
    angle = (np.arange(corners) + rng.uniform(0.1, 0.9, corners)) * 2.0 * np.pi / corners
    reach = radius_m * rng.uniform(0.4, 1.0, corners)
    return shapely.Polygon(
        np.column_stack([lon + reach * np.cos(angle) / 80_400.0, lat + reach * np.sin(angle) / 111_100.0])
    )


def shoelace(ring: np.ndarray) -> float:
    """Area under chords in (longitude, authalic q): the integral in closed form."""
    e = np.sqrt(E2)
    s = np.sin(np.radians(ring[:, 1]))
    q = s / (1.0 - E2 * s**2) / 2.0 + np.log((1.0 + e * s) / (1.0 - e * s)) / (4.0 * e)  # area / (b² · longitude)
    lon = np.radians(ring[:, 0] - ring[0, 0])
    return abs(float(B**2 * ((lon[1:] + lon[:-1]) / 2.0 * np.diff(q)).sum()))


@pytest.mark.parametrize("south", [43.2, 44.1])
def test_a_cell_is_the_closed_form(south: float) -> None:
    assert survey_area.area_m2(shapely.box(118.0, south, 118.1, south + 0.1)) == pytest.approx(
        doctor.cell_area_m2(south, south + 0.1, 0.1), rel=1e-10
    )


def test_one_degree_from_the_equator_is_the_authalic_integral() -> None:
    for south in (0.0, 43.0, 60.0):
        cell = shapely.box(118.0, south, 119.0, south + 1.0)
        assert survey_area.area_m2(cell) == pytest.approx(doctor.cell_area_m2(south, south + 1.0, 1.0), rel=1e-9)


def test_chords_equal_the_authalic_shoelace() -> None:
    """The formula is the shoelace in longitude and authalic latitude; computed apart, by logarithms."""
    rng = np.random.default_rng(1)
    for radius in (50.0, 500.0, 5_000.0):
        for _ in range(20):
            shape = blob(rng, radius, 9)
            truth = shoelace(shapely.get_coordinates(shape))
            assert survey_area.area_m2(shape) == pytest.approx(truth, rel=2e-9)


def test_any_first_longitude_gives_the_same() -> None:
    xy = shapely.get_coordinates(blob(np.random.default_rng(2), 800.0, 12))
    one = survey_area.area_m2(shapely.Polygon(xy))
    turned = survey_area.area_m2(shapely.Polygon(np.roll(xy[:-1], 5, axis=0)))
    assert one == pytest.approx(turned, rel=1e-11)


def test_holes_and_parts_and_turning_direction() -> None:
    outer, hole = shapely.box(118.0, 43.6, 118.02, 43.62), shapely.box(118.005, 43.605, 118.01, 43.61)
    other = shapely.box(118.6, 43.6, 118.61, 43.61)
    several = shapely.MultiPolygon([outer.difference(hole), other])
    parts = survey_area.area_m2(outer) - survey_area.area_m2(hole) + survey_area.area_m2(other)
    assert survey_area.area_m2(several) == pytest.approx(parts, rel=1e-12)
    assert survey_area.area_m2(several.reverse()) == pytest.approx(parts, rel=1e-12)
    assert survey_area.area_m2(shapely.Point(118.0, 43.6)) == 0.0


def test_densified_sites_agree_with_geod_within_a_millionth() -> None:
    rng = np.random.default_rng(3)
    for radius in (20.0, 100.0, 1_000.0, 10_000.0):
        for _ in range(10):
            shape = blob(rng, radius, 5)
            dense = shapely.segmentize(shape, max(0.5, radius / 500.0) / 111_320.0)
            truth = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(dense))[0])
            assert survey_area.of_plane(drawn(shape).ground) == pytest.approx(truth, rel=1e-6)


def test_beside_the_ellipsoidal_area_and_no_issue() -> None:
    for made in (site(HUNDRED), site(square(0, 0, 9_000)), corridor(site(line((0, 0), (5_000, 300))), 20.0)):
        checked = survey_area.beside(made)
        assert checked.survey_area_m2 == pytest.approx(made.area_m2, rel=1e-6)
        assert not [issue for issue in checked.issues if issue.code == "area_methods_differ"]
    assert survey_area.beside(site(line((0, 0), (100, 0)))).survey_area_m2 is None


def test_a_difference_is_told() -> None:
    """A plane that were wrong by two millionths would be found out."""
    wrong = replace(site(square(0, 0, 1_000)), area_m2=site(square(0, 0, 1_000)).area_m2 * 1.000002)
    told = [issue for issue in survey_area.beside(wrong).issues if issue.code == "area_methods_differ"]
    assert len(told) == 1 and "图斑椭球面积" in told[0].text
