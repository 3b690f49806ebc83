"""Nearest on the ellipsoid by the metric of the plane: against geodesics of pyproj, found by brute force."""

from __future__ import annotations

import engine_million
import numpy as np
import pyproj
import pytest
import shapely
from shapely import affinity

from linxi_gis import crs, engine, nearest
from linxi_gis.engine import plain

GEOD = pyproj.Geod(ellps="GRS80")
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@pytest.fixture(params=["fast", "plain"])
def kind(request: pytest.FixtureRequest) -> engine.Kind:
    if request.param == "fast":
        pytest.importorskip("numba")
    return request.param  # type: ignore[no-any-return]


def geodesics(start: Floats, end: Floats) -> Floats:
    """Return the lengths (m) of ways between places of the plane, shape (n,)."""
    a, b = crs.points_lonlat(start), crs.points_lonlat(end)
    return np.asarray(GEOD.inv(*a.T, *b.T)[2])


def bent(at: Floats, way: Floats, bend: engine.Bend) -> Floats:
    """Return the squares of lengths as the docstring of `Bend` has them."""
    (x, y), (dx, dy) = at.T, way.T
    slope = bend.slope + bend.curve * y
    a, b = bend.square * (x**2 - y**2) + slope * y, 2 * bend.square * x * y - slope * x
    return np.asarray((1 + a) * dx**2 + 2 * b * dx * dy + (1 - a) * dy**2)


@pytest.mark.parametrize(("within_m", "error"), [(80_000.0, 5e-8), (120_000.0, 8e-8)])
def test_the_metric_is_that_of_geodesics(within_m: float, error: float) -> None:
    rng = np.random.default_rng(1)
    turn, away = rng.uniform(0, 2 * np.pi, 4000), within_m * np.sqrt(rng.random(4000))
    at = np.column_stack([away * np.cos(turn), away * np.sin(turn)])
    turn = rng.uniform(0, 2 * np.pi, 4000)
    way = 1000.0 * np.column_stack([np.cos(turn), np.sin(turn)])
    true = geodesics(at - way / 2, at + way / 2) ** 2
    assert np.abs(bent(at, way, nearest.BEND) / true - 1).max() < error
    assert np.abs((way**2).sum(axis=1) / true - 1).max() > 100 * error  # what it is there for
    assert np.abs((way**2).sum(axis=1) / true - 1).max() < nearest.BEND.error(within_m)


def brute(site: shapely.Geometry, zone: shapely.Geometry) -> float:
    """Return the geodesic distance (m) of two outlines, vertices against points half a metre apart."""
    found = np.inf
    for one, other in ((site, zone), (zone, site)):
        a = shapely.get_coordinates(one)
        line = shapely.boundary(other) if shapely.get_dimensions(other) == 2 else other
        b = shapely.get_coordinates(shapely.segmentize(line, 25.0))
        start, end = np.repeat(a, len(b), axis=0), np.tile(b, (len(a), 1))
        rough = geodesics(start, end)
        for k in np.argsort(rough)[:40]:  # between its neighbours the foot is within 25 m of the best point
            fine = shapely.segmentize(shapely.intersection(line, shapely.Point(end[k]).buffer(30.0)), 0.5)
            points = shapely.get_coordinates(fine)
            if len(points):
                found = min(found, float(geodesics(np.repeat(start[k : k + 1], len(points), axis=0), points).min()))
        found = min(found, float(rough.min()))
    return found


@pytest.mark.parametrize("centre", [(0.0, 0.0), (60_000.0, 45_000.0), (-50_000.0, -70_000.0)])
def test_the_nearest_zone_and_its_distance_are_those_of_the_ellipsoid(kind: engine.Kind, centre: tuple[float, float]) -> None:
    """Two zones, one north and one east, so alike in distance that the plane would choose the wrong one."""
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(12):
        x, y = np.array(centre) + rng.uniform(-3000, 3000, 2)
        site = shapely.box(x, y, x + 200, y + 200)
        far = rng.uniform(5000, 9000)
        # A line beside the site to the north, and one to the east, of equal distance in the plane but for 2 cm.
        zones = np.empty(2, dtype=object)
        tip = far + rng.uniform(-0.02, 0.02)
        zones[0] = shapely.box(x - 500, y + 200 + far, x + 700, y + 900 + far)
        zones[1] = shapely.box(x + 200 + tip, y - 500, x + 900 + tip, y + 700)
        true = np.array([brute(site, zone) for zone in zones])
        index = engine.open_index(engine.build(zones, kind))
        sites = np.array([site], dtype=object)
        got = engine.near(index, sites, 0.0, 10_000.0, bend=nearest.BEND)
        plain = engine.near(index, sites, 0.0, 10_000.0)
        wrong += int(plain.zone[0] != got.zone[0])
        assert len(got.zone) == 1
        assert true[got.zone[0]] <= true.min() + 1e-3
        metres = geodesics(got.site_xy, got.zone_xy)
        assert abs(metres[0] - true.min()) < 1e-3
        assert abs(got.distance_m[0] - true.min()) < 1e-3
    assert wrong or centre == (0.0, 0.0)


def test_without_a_bend_the_plane_decides(kind: engine.Kind) -> None:
    zones = np.array([shapely.box(0, 5200, 200, 6000), shapely.box(5200 + 1e-6, 0, 6000, 200)])
    index = engine.open_index(engine.build(zones, kind))
    assert engine.near(index, np.array([shapely.box(0, 0, 200, 200)]), 0.0, 1e4).zone.tolist() == [0]


def test_what_meets_is_at_no_distance_with_a_bend_too(kind: engine.Kind) -> None:
    at = 60_000.0
    zones = np.array([shapely.box(at, at, at + 10, at + 10), shapely.box(at + 20.5, at, at + 30, at + 10)])
    index = engine.open_index(engine.build(zones, kind))
    sites = np.array([shapely.box(at + 10, at, at + 20, at + 10), shapely.box(at + 5, at, at + 8, at + 2)])
    got = engine.near(index, sites, 1.0, 100.0, bend=nearest.BEND)
    assert list(zip(got.site.tolist(), got.zone.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0)]
    assert (got.distance_m == 0.0).tolist() == [True, False, True]
    assert got.distance_m[1] == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_both_engines_find_the_same_by_the_metric(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    world = engine_million.World(8000.0, 0.0, (-60_000.0, 45_000.0)[seed % 2], None, 0.0, 1.0, 16)
    zones, sites = engine_million.shapes(rng, world, 12), engine_million.shapes(rng, world, 60)
    sites = np.array([affinity.scale(site, 0.1, 0.1) for site in sites], dtype=object)
    zones = np.array([affinity.scale(zone, 0.3, 0.3) for zone in zones], dtype=object)
    monkeypatch.setattr(plain, "WHOLE", 6)  # sites are cut too
    for reach, limit in ((0.0, 20_000.0), (500.0, 20_000.0), (500.0, 900.0)):
        one, other = (
            engine.near(engine.open_index(engine.build(zones, kind)), sites, reach, limit, bend=nearest.BEND)
            for kind in ("fast", "plain")
        )
        assert len(one.site) > 20
        assert one.site.tolist() == other.site.tolist()
        assert one.zone.tolist() == other.zone.tolist()
        assert np.abs(one.distance_m - other.distance_m).max() < 1e-7
        assert (one.distance_m == 0.0).tolist() == (other.distance_m == 0.0).tolist()
        ways = np.sqrt(bent((other.site_xy + other.zone_xy) / 2, other.zone_xy - other.site_xy, nearest.BEND))
        assert np.abs(ways - other.distance_m).max() < 1e-7
