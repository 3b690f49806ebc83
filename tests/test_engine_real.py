"""Both engines, and what the commands make of a layer, against GEOS on real polygons, invalid ones healed."""

from __future__ import annotations

from dataclasses import replace

import engine_real
import numpy as np
import pytest
import real_sites
import real_world
import shapely

from linxi_gis import engine, zoneindex
from linxi_gis.engine import Overlaps


@pytest.fixture(scope="module")
def country() -> real_world.Country:
    if not (real_world.SCALE / real_world.WATERS).exists():
        pytest.skip("shared/data/scale is not beside this checkout")
    return real_world.load()


def test_healing_is_told_of_every_invalid_polygon_and_keeps_its_area(country: real_world.Country) -> None:
    """By another way to repair (linework) the area is the same; the layer's own way tells them all, with the place."""
    assert len(country.shapes) > 34_000 and len(country.invalid) == 20
    assert [issue.code for issue in country.told] == ["geometry_healed"] * 20
    healed = country.shapes[country.invalid]
    assert shapely.is_valid(country.shapes).all()
    other = shapely.make_valid(country.drawn)
    assert shapely.area(healed) == pytest.approx(shapely.area(other), rel=1e-12)
    names = tuple(f"水面{row}" for row in country.invalid)
    plane, zones, issues = zoneindex.prepare(country.drawn, "EPSG:4326", names)
    assert len(zones) == 20 and shapely.is_valid(plane).all() and (shapely.area(plane) > 0.0).all()
    assert {issue.code for issue in issues} == {"geometry_healed"}
    for name, issue, drawn in zip(names, issues, country.drawn, strict=True):
        assert name in issue.text and issue.geometry_wkt is not None
        assert shapely.dwithin(shapely.from_wkt(issue.geometry_wkt), shapely.boundary(drawn), 1e-6)


# At home, three times; around an invalid polygon, three times; around any, 4,500 km from the origin.
@pytest.mark.parametrize("seed", [3, 9, 12, 4, 7, 10, 8])
def test_real_polygons_agree_with_geos(country: real_world.Country, seed: int) -> None:
    """Hits, areas, outlines, distances of both engines; unions of what the commands use."""
    tally = engine_real.compare(country, seed, 100 if seed == 8 else 250, 40, engine_real.engines())
    assert tally.different == []
    assert tally.pairs >= 250 and tally.shared >= 180
    assert tally.of_invalid > 50 or seed not in (4, 7, 10)
    assert tally.area <= 1e-9 and tally.gap_m <= 3e-9 and tally.union <= 1e-9 and tally.girth >= 1.0 - 1e-9
    assert tally.checks == 40 or seed in (7, 8)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_nearest_water_on_the_ellipsoid_is_that_of_trying_all_with_geod(country: real_world.Country, seed: int) -> None:
    if not engine_real.BENT:
        pytest.skip("needs numba")
    found = engine_real.ellipsoid(country, seed, 100, engine_real.BENT)
    assert found.different == []
    assert found.pairs > 80 and found.sites > 40 and found.turned > 0
    assert found.worst_m < 1e-3


def test_a_difference_would_be_told(country: real_world.Country) -> None:
    there = real_world.world(country, 4)
    sites = real_sites.make(np.random.default_rng(1), there.zones, there.healed, 120)
    true, tally = engine_real.truth(sites, there.zones), engine_real.Tally()
    index = engine.open_index(engine.build(there.zones, "plain"))
    got = engine.overlaps(index, sites)
    near = engine.near(index, sites, engine_real.REACH_M, engine_real.RANGE_M, got)
    assert not [*engine_real.overlaps(sites, there.zones, true, got, tally)]
    assert not [*engine_real.gaps(sites, there.zones, true, near, tally)]
    large = int(np.argmax(got.area_m2))
    area = got.area_m2.copy()
    area[large] += 1e-8 * shapely.area(sites[got.site[large]])
    off = replace(got, area_m2=area)
    assert any(one.startswith("area") for one in engine_real.overlaps(sites, there.zones, true, off, tally))
    kept = np.arange(len(got.site)) != large
    fewer = Overlaps(*(getattr(got, name)[kept] for name in Overlaps.__slots__))
    assert any(one.startswith("hit") for one in engine_real.overlaps(sites, there.zones, true, fewer, tally))
    met = np.flatnonzero(near.distance_m == 0.0)[:1]
    distance = near.distance_m.copy()
    distance[met] = 1e-12
    told = [*engine_real.gaps(sites, there.zones, true, replace(near, distance_m=distance), tally)]
    assert any(one.startswith("meets") for one in told)
    some = np.random.default_rng(2)
    assert not [*engine_real.girths(true, got, some, tally)]
    short = replace(got, girth_m=0.9 * got.girth_m)
    assert any(one.startswith("girth") for one in engine_real.girths(true, short, some, tally))
    layer = engine_real.layer_of(there.zones[:-1])  # a zone too few
    last = np.flatnonzero(true.zone == len(there.zones) - 1)
    assert len(last)
    told = [*engine_real.columns(sites, true, layer, true.site[last[:1]], tally)]
    assert any("screen" in one for one in told) or not (true.area[last] > 1.0).any()
