"""Areas, lengths and distances against pyproj.Geod, closed forms, and the real outlines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from yard import DAY, HUNDRED, line, red_line, site, square

from linxi_gis import crs, doctor, geodesy, nearest, overlay, vectorfile
from linxi_gis.errors import CrsError
from linxi_gis.footprint import corridor, make_site
from linxi_gis.model import Layer, Reference

GEOD = Geod(ellps="GRS80")


def test_areas_of_six_real_outlines_agree_with_the_geodesic_method(shared: Path) -> None:
    table = vectorfile.read(shared / "boundary" / "linxi_boundary_6sources.geojson")
    assert len(table.geometries) == 6
    for outline in table.geometries:
        dense = shapely.segmentize(outline, 5e-4)  # 40-55 m: our own step is another
        truth = sum(
            abs(GEOD.polygon_area_perimeter(*shapely.get_coordinates(part.exterior).T)[0])
            - sum(abs(GEOD.polygon_area_perimeter(*shapely.get_coordinates(ring).T)[0]) for ring in part.interiors)
            for part in shapely.get_parts(dense)
        )
        made = make_site(outline, Reference(crs.LONLAT, "测试"), site_id="outline")
        assert made.area_m2 == pytest.approx(truth, rel=1e-7)
        assert geodesy.geodesic_area_m2(outline) == pytest.approx(truth, rel=1e-7)


def test_area_of_a_cell_is_the_closed_form() -> None:
    for south, west in ((43.2, 117.6), (44.2, 118.6), (0.0, 118.0)):
        made = make_site(
            shapely.box(west, south, west + 0.1, south + 0.1), Reference(crs.LONLAT, "测试"), site_id="cell"
        )
        assert made.area_m2 == pytest.approx(doctor.cell_area_m2(south, south + 0.1, 0.1), rel=2e-8)


@pytest.mark.parametrize(("longitude", "excess"), [(117.6, 5.9e-5), (118.0, 1.62e-4)])
def test_planar_area_is_larger_as_the_surveyors_know(longitude: float, excess: float) -> None:
    """REGULATIONS §9, measured elsewhere: a 1 km square in zone 39."""
    half = 0.005
    cell = shapely.box(longitude - half, 43.6 - half, longitude + half, 43.6 + half)
    made = make_site(cell, Reference(crs.LONLAT, "测试"), site_id="cell")
    assert made.planar_area_m2 / made.area_m2 - 1.0 == pytest.approx(excess, rel=0.05)


def test_planar_area_east_of_118_30_is_that_of_zone_40() -> None:
    assert (crs.gk_zone(118.49), crs.gk_zone(118.51)) == (39, 40)
    cell = shapely.box(118.55, 43.6, 118.56, 43.61)
    made = make_site(cell, Reference(crs.LONLAT, "测试"), site_id="cell")
    central = crs.to_lonlat(shapely.Point(40_500_000, 4_830_000), "EPSG:4528")
    assert central.x == pytest.approx(120.0, abs=1e-9)
    # 1.44° west of the zone's meridian: x²/R² with x = 116 km
    assert made.planar_area_m2 / made.area_m2 - 1.0 == pytest.approx((116_300 / 6_378_000) ** 2, rel=0.02)


@given(
    st.floats(117.7, 118.5), st.floats(43.3, 44.2), st.floats(10.0, 20_000.0), st.floats(0.0, 359.9)
)
def test_distances_are_geodesic_to_a_millimetre_per_kilometre(lon: float, lat: float, metres: float, bearing: float) -> None:
    there = GEOD.fwd(lon, lat, bearing, metres)[:2]
    start, end = crs.to_plane(shapely.Point(lon, lat)), crs.to_plane(shapely.Point(there))
    gaps = nearest.gaps(np.array([start], dtype=object), np.array([end], dtype=object))
    assert gaps.distance_m[0] == pytest.approx(metres, abs=max(1e-6, metres * 1e-6))
    assert (gaps.bearing_deg[0] - bearing + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-4 + 1e-3 / metres)


def test_distance_between_areas_is_right_to_a_millimetre_per_kilometre(tmp_path: Path) -> None:
    """Brute force: both borders sampled every metre, all pairs measured by Geod."""
    zone = square(3000, 1500, 700, 300)
    layer = red_line(tmp_path, [zone], range_m=10_000.0).layers(DAY)[0]
    assert isinstance(layer, Layer)
    made = site(HUNDRED)
    measured = float(overlay.measure([made], layer).distance_m[0])
    one = shapely.get_coordinates(crs.to_lonlat(shapely.segmentize(HUNDRED.boundary, 1.0), "EPSG:4527"))
    other = shapely.get_coordinates(crs.to_lonlat(shapely.segmentize(zone.boundary, 1.0), "EPSG:4527"))
    i, j = np.meshgrid(np.arange(len(one)), np.arange(len(other)))
    brute = GEOD.inv(one[i, 0].ravel(), one[i, 1].ravel(), other[j, 0].ravel(), other[j, 1].ravel())[2].min()
    assert measured == pytest.approx(brute, abs=brute * 1e-6)


def test_a_site_across_the_zone_border_is_one_area() -> None:
    west, east = shapely.box(118.49, 43.6, 118.5, 43.61), shapely.box(118.5, 43.6, 118.51, 43.61)
    areas = [
        make_site(part, Reference(crs.LONLAT, "测试"), site_id="s").area_m2
        for part in (west, east, shapely.box(118.49, 43.6, 118.51, 43.61))
    ]
    assert areas[0] + areas[1] == pytest.approx(areas[2], rel=1e-9)


def test_a_corridor_is_its_length_times_its_width() -> None:
    pipe = corridor(site(line((0, 0), (5000, 0))), 20.0)
    assert pipe.kind == "corridor"
    assert pipe.area_m2 == pytest.approx(pipe.length_m * 20.0, rel=1e-5)


@pytest.mark.parametrize("code", ["EPSG:4610", "EPSG:4214", "EPSG:2363", "EPSG:21419"])
def test_old_datums_are_refused_because_pyproj_would_not_move_them(code: str) -> None:
    with pytest.raises(CrsError, match="没有转换参数"):
        crs.to_lonlat(shapely.Point(118.0, 43.6), code)


def test_mismatched_systems_raise() -> None:
    with pytest.raises(CrsError, match="坐标系不一致"):
        crs.same_crs("EPSG:4490", "EPSG:4527")


def test_a_bow_tie_site_is_healed_and_told() -> None:
    corners = [(118.0, 43.6), (118.01, 43.61), (118.01, 43.6), (118.0, 43.61), (118.0, 43.6)]
    made = make_site(shapely.Polygon(corners), Reference(crs.LONLAT, "测试"), site_id="bow", where="a.txt:1")
    whole = make_site(shapely.box(118.0, 43.6, 118.01, 43.61), Reference(crs.LONLAT, "测试"), site_id="whole")
    assert made.area_m2 == pytest.approx(whole.area_m2 / 2.0, rel=1e-4)
    assert made.issues[0].code == "geometry_healed"
    assert "a.txt:1" in made.issues[0].text
