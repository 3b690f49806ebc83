"""桩号 tables: lines, corridors by banks and by widths, stations against coordinates."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis.errors import InputError
from linxi_gis.intake import Reading, read_text
from linxi_gis.intake.chainage import station, written

BACK = pyproj.Transformer.from_crs("EPSG:4527", "EPSG:4490", always_xy=True)
MM = 0.001 / 80_000.0
E0, N0 = 39_580_000.0, 4_829_000.0


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for s in reading.sites for i in s.issues))}


def lonlat(*plane: tuple[float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([BACK.transform(E0 + e, N0 + n) for e, n in plane])


def table(head: str, *rows: tuple[object, ...]) -> str:
    return "\n".join([head, *(",".join(map(str, row)) for row in rows)])


def at(e: float, n: float) -> tuple[float, float]:
    return N0 + n, E0 + e


@pytest.mark.parametrize("metres", [0.0, 7.5, 999.9995, 12350.25, 98765.432])
def test_stations_written_and_read_back(metres: float) -> None:
    assert station(written(metres)) == pytest.approx(metres, abs=6e-4)


def test_a_line_keeps_its_stations() -> None:
    text = table("桩号,X,Y", ("K0+000", *at(0, 0)), ("K0+100", *at(100, 0)), ("K0+200", *at(100, 100)))
    reading = read_text(text)
    assert reading.sites[0].kind == "line"
    assert {("起点桩号", "K0+000"), ("终点桩号", "K0+200")} <= set(reading.sites[0].attributes)
    assert not {"chainage_mismatch", "chainage_order"} & codes(reading)


@pytest.mark.parametrize(("second", "told"), [("K0+100.9", False), ("K0+105", True), ("K0+050", True)])
def test_stations_against_coordinates(second: str, told: bool) -> None:
    text = table("桩号,X,Y", ("K0+000", *at(0, 0)), (second, *at(100, 0)), ("K0+200", *at(200, 0)))
    assert ("chainage_mismatch" in codes(read_text(text))) is told


def test_stations_out_of_order_are_told_and_left_as_they_are() -> None:
    text = table("桩号,X,Y", ("K0+000", *at(0, 0)), ("K0+200", *at(200, 0)), ("K0+100", *at(100, 0)))
    reading = read_text(text)
    assert "chainage_order" in codes(reading)
    assert shapely.get_coordinates(reading.sites[0].geometry)[-1] == pytest.approx(lonlat((100, 0))[0], abs=MM)


def test_banks_make_a_corridor() -> None:
    head = "桩号,左岸X,左岸Y,右岸X,右岸Y"
    rows = [(f"K0+{100 * i:03d}", *at(100 * i, 10), *at(100 * i, -20)) for i in range(4)]
    reading = read_text(table(head, *rows))
    site = reading.sites[0]
    assert site.kind == "polygon" and site.planar_area_m2 == pytest.approx(300 * 30, rel=1e-6)
    expected = lonlat(*[(100 * i, 10) for i in range(4)], *[(100 * i, -20) for i in (3, 2, 1, 0)])
    assert shapely.get_coordinates(site.geometry)[:-1] == pytest.approx(expected, abs=MM)
    assert "corridor_from_stations" in codes(reading) and ("终点桩号", "K0+300") in site.attributes


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("east_first", [False, True])
def test_widths_make_a_corridor_on_the_right_side(reverse: bool, east_first: bool) -> None:
    """Going east, left is north: 5 m north and 15 m south, whatever the order of rows or columns."""
    head = "桩号,Y,X,左宽,右宽" if east_first else "桩号,X,Y,左宽(m),右宽(m)"
    rows = [(f"K0+{50 * i:03d}", *(at(50 * i, 0)[::-1] if east_first else at(50 * i, 0)), 5, 15) for i in range(3)]
    reading = read_text(table(head, *(rows[::-1] if reverse else rows)))
    expected = lonlat((0, 5), (50, 5), (100, 5), (0, -15), (50, -15), (100, -15))
    found = np.unique(shapely.get_coordinates(reading.sites[0].geometry).round(8), axis=0)
    assert found == pytest.approx(np.unique(expected.round(8), axis=0), abs=2 * MM)
    assert reading.sites[0].planar_area_m2 == pytest.approx(100 * 20, rel=1e-6)


def test_a_bend_is_offset_along_the_mean_direction() -> None:
    text = table("桩号,X,Y,左宽,右宽", ("K0+000", *at(0, 0), 10, 10), ("K0+100", *at(100, 0), 10, 10),
                 ("K0+200", *at(100, 100), 10, 10))  # fmt: skip
    corner = shapely.get_coordinates(read_text(text).sites[0].geometry)[1]
    half = 10 / np.sqrt(2.0)
    assert corner == pytest.approx(lonlat((100 - half, half))[0], abs=MM)


def test_widths_beside_degrees_are_metres_on_the_ground() -> None:
    geod = pyproj.Geod(ellps="GRS80")
    text = table("桩号,经度,纬度,左宽,右宽", ("K0+000", 118.0, 43.6, 20, 30), ("K0+809", 118.01002, 43.6, 20, 30))
    ring = shapely.get_coordinates(read_text(text).sites[0].geometry)
    _, _, left = geod.inv(118.0, 43.6, *ring[0])
    _, _, right = geod.inv(118.0, 43.6, *ring[3])
    assert (left, right) == pytest.approx((20.0, 30.0), abs=1e-4)
    assert ring[0][1] > 43.6 > ring[3][1]


def test_a_missing_figure_names_its_row() -> None:
    rows = [("K0+000", *at(0, 10), *at(0, -20)), ("K0+100", *at(100, 10), "", N0)]
    with pytest.raises(InputError, match="第 3 行"):
        read_text(table("桩号,左岸X,左岸Y,右岸X,右岸Y", *rows))
