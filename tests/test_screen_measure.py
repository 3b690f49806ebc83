"""The figures of a batch against measuring site by site (`overlay`, by GEOS): hairs, shared borders, laps, holes, lines."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import shapely

from linxi_gis import engine, geodesy, overlay, screening
from linxi_gis.batch import outlines
from linxi_gis.benches import Bench, benches
from linxi_gis.crs import to_lonlat
from linxi_gis.edgearea import true_areas
from linxi_gis.footprint import measure
from linxi_gis.geometry import own
from linxi_gis.model import Layer, LayerIdentity, Reference, Site
from linxi_gis.region import Region
from linxi_gis.zonestore import Zones

Array = np.ndarray[Any, np.dtype[Any]]
GK = "EPSG:4527"
# Hairs around what is rounding (1e-9), a shared border (10 µm, 0.1 mm), and the resolution (1 mm, for both sides of it).
HAIRS = np.array([0.0, 0.0, 0.0, 1e-9, 1e-6, 1e-5, 1e-4, 4.9e-4, 5.1e-4, 9.9e-4, 1.01e-3, 2e-3])


def layer_of(zones: list[Any], coverage: Any = None, range_m: float = 317.0) -> Layer:
    shapes = np.array(zones, dtype=object)
    names = tuple(f"Z{k}" for k in range(len(zones)))
    held = Zones.of(shapes)
    identity = LayerIdentity("one", "ecological_redline", "一层", False, range_m=range_m)
    return Layer(identity, "0" * 64, held, held, names, names, names, ((),) * len(zones), coverage)


@pytest.fixture(params=["fast", "plain"])
def kind(request: pytest.FixtureRequest) -> engine.Kind:
    if request.param == "fast":
        pytest.importorskip("numba")
    return request.param  # type: ignore[no-any-return]


def columns_of(layer: Layer, sites: list[Any], kind: engine.Kind) -> tuple[Bench, screening.Columns]:
    grounds = np.array(sites, dtype=object)
    (bench,) = benches([layer], kind=kind)
    kinds = shapely.get_dimensions(grounds).astype(np.int8)
    (found,) = screening.measure_block(grounds, kinds, shapely.area(grounds), [bench])
    return bench, found


def same(layer: Layer, sites: list[Any], kind: engine.Kind) -> set[str]:
    """Hold every column against `overlay.measure` of each site alone; return the kinds of answers there were."""
    _, found = columns_of(layer, sites, kind)
    seen = set()
    for i, ground in enumerate(sites):
        length = geodesy.length_m(ground) if ground.area == 0.0 and ground.length else 0.0
        dimension = int(shapely.get_dimensions(ground))
        word: Any = ("point", "line", "polygon")[dimension]
        one = overlay.measure([Site("", "", word, ground, ground, Reference("", ""), ground.area, 0.0, length)], layer)
        hit = [relation.hit for relation in one.relation]
        where = f"site {i}: {ground.wkt[:300]}"
        assert found.hit_zone[found.hit_site == i].tolist() == one.zone[hit].tolist(), where
        seen |= {relation.name for relation in one.relation}
        assert found.area_m2[i] == pytest.approx(one.union_area_m2[0], rel=1e-9, abs=1e-12 * ground.area + 1e-9), where
        assert found.length_m[i] == pytest.approx(one.union_length_m[0], rel=1e-9, abs=1e-6), where
        if dimension:
            assert found.share[i] == pytest.approx(one.union_share[0], rel=1e-9, abs=2e-12), where
        assert found.covered_share[i] == one.covered_share[0], where
        if any(hit):
            assert found.near[i] == -1 and np.isnan(found.distance_m[i]), where
            continue
        k = int(one.nearest[0])
        if k < 0 or one.distance_m[k] > max(layer.identity.range_m, overlay.DETAIL_M):
            assert found.near[i] == -1, where
            continue
        assert found.distance_m[i] == pytest.approx(one.distance_m[k], rel=2e-7, abs=1e-6), where
        near = one.distance_m[one.zone == found.near[i]]
        assert len(near) and near[0] == pytest.approx(one.distance_m[k], abs=1e-5), where
        if one.distance_m[k] > 0.01:
            turn = (found.bearing_deg[i] - one.bearing_deg[k] + 180.0) % 360.0 - 180.0
            # Of borders side by side any place is the nearest; of zones equally far any.
            assert abs(turn) < 0.01 or np.ptp(np.sort(one.distance_m)[:2]) < 1e-5, where
        seen.add("hair" if one.distance_m[k] < 1e-3 else "gap")
    return seen


def block(dice: np.random.Generator, size: float = 100.0) -> Any:
    """A rectangle on a lattice, its sides moved by hairs, so that borders are shared or nearly so."""
    x, y = dice.integers(-4, 5, 2) * size
    w, h = dice.integers(1, 4, 2) * size
    a, b, c, d = dice.choice(HAIRS, 4) * dice.choice([-1.0, 1.0], 4)
    return shapely.box(x + a, y + b, x + w + c, y + h + d)


def shape(dice: np.random.Generator) -> Any:
    """An area: a block, one with a hole, one of two parts, a star, a needle, one with vertices on its edges."""
    one = block(dice)
    pick = dice.integers(0, 7)
    if pick == 1:
        x0, y0, x1, y1 = one.bounds
        return one.difference(shapely.box(x0 + 30, y0 + 30, x1 - 30, y1 - dice.choice([30.0, 30.001])))
    if pick == 2:
        return shapely.union_all([one, shapely.affinity.translate(block(dice), 1000.0, 0.0)])
    if pick == 3:
        turn = np.sort(dice.uniform(0, 2 * np.pi, 14))
        away = dice.uniform(20, 250, 14)
        star = shapely.Polygon(np.column_stack([away * np.cos(turn), away * np.sin(turn)]) + dice.uniform(-300, 300, 2))
        return star if star.is_valid else one
    if pick == 4:
        x, y = dice.integers(-4, 5, 2) * 100.0
        return shapely.box(x, y, x + 200.0, y + dice.choice([1e-4, 5e-4, 9e-4, 1.1e-3, 3e-3]))
    return shapely.segmentize(one, 37.0) if pick == 5 else one


def drawn(dice: np.random.Generator, count: int) -> list[Any]:
    """Sites: areas of all kinds, one that holds every zone, one far outside, lines and points on the same lattice."""
    sites = [shape(dice) for _ in range(count)]
    sites += [shapely.box(-2e3, -2e3, 3e3, 2e3), shapely.box(60_000, 0, 60_100, 100), shapely.box(1800, 0, 1810, 10)]
    for _ in range(count // 3):
        x, y, z, w = dice.integers(-8, 9, 4) * 50.0 + dice.choice(HAIRS, 4)
        if (x, y) != (z, w):
            sites.append(shapely.LineString([(x, y), (z, w)]))
        sites.append(shapely.Point(x, w))
    return sites


@pytest.mark.parametrize("seed", range(6))
def test_areas_of_every_kind(seed: int, kind: engine.Kind) -> None:
    dice = np.random.default_rng(seed)
    zones = [shape(dice) for _ in range(12)]
    seen = same(layer_of(zones, shapely.box(-300, -300, 300.5, 320)), drawn(dice, 40), kind)
    assert {"WITHIN", "OVERLAPS", "gap"} <= seen


def test_zones_that_share_borders_only(kind: engine.Kind) -> None:
    """A coverage without laps: areas add up."""
    zones = [shapely.box(x, y, x + 100, y + 100) for x, y in itertools.product(range(-500, 500, 100), repeat=2)]
    layer = layer_of(zones)
    (bench,) = benches([layer], kind=kind)
    assert not len(bench.shared)
    dice = np.random.default_rng(3)
    assert "TOUCHES" in same(layer, drawn(dice, 60), kind)


def test_zones_upon_each_other_count_once(kind: engine.Kind) -> None:
    zones = [shapely.box(0, 0, 100, 100)] * 3 + [shapely.box(50, 0, 150, 100), shapely.box(150, 0, 250, 100), shapely.Point()]
    bench, found = columns_of(layer_of(zones), [shapely.box(-10, 40, 260, 60), shapely.box(120, 10, 200, 20)], kind)
    pairs = {tuple(divmod(int(one), len(zones))) for one in bench.shared}
    assert pairs == {(a, b) for a, b in itertools.permutations(range(4), 2)}
    assert found.area_m2 == pytest.approx([250 * 20, 800])
    assert same(layer_of(zones), [shapely.box(-10, 40, 260, 60), shapely.box(120, 10, 200, 20)], kind)


def test_lines_and_points_as_zones(kind: engine.Kind) -> None:
    dice = np.random.default_rng(5)
    lines = [shapely.LineString(dice.integers(-4, 5, (3, 2)) * 100.0) for _ in range(6)]
    points = [shapely.Point(*(dice.integers(-4, 5, 2) * 100.0 + dice.choice(HAIRS, 2))) for _ in range(25)]
    points.append(shapely.MultiPoint([(10, 10), (110, 110), (100, 50)]))
    sites = drawn(dice, 30)
    assert {"CONTAINS", "CROSSES"} <= same(layer_of(lines), sites, kind)
    assert {"CONTAINS", "TOUCHES"} <= same(layer_of(points), sites, kind)
    sites.append(shapely.box(10, 10, 20, 20))
    assert "WITHIN" in same(layer_of([*lines, *points, shapely.box(0, 0, 100, 100)]), sites, kind)


def test_a_rest_and_an_overlap_about_the_resolution(kind: engine.Kind) -> None:
    """Strips and rests of 0.9 and 1.1 mm, and a small square cut out of a large site, are told apart as by GEOS."""
    zone = shapely.box(0, 0, 1000, 1000)
    sites = []
    for hair in (1e-7, 1e-4, 9e-4, 9.99e-4, 1.001e-3, 1.1e-3, 5e-3):
        sites += [shapely.box(100, 999.9, 200, 1000 + hair), shapely.box(100, 1000 - hair, 200, 1100)]
        sites += [shapely.box(1000 - hair, 100, 1500, 100 + hair), shapely.box(100, 100, 110, 100 + hair)]
        sites.append(shapely.box(1000 - hair, 1000 - hair, 1100, 1100))
    holed = zone.difference(shapely.union_all([shapely.box(x, 500, x + 2e-3, 500.002) for x in (300, 600)]))
    for one in (zone, holed):
        assert {"WITHIN", "OVERLAPS", "TOUCHES"} <= same(layer_of([one]), [*sites, shapely.box(200, 400, 700, 600)], kind)


def test_a_block_gives_what_its_sites_give(kind: engine.Kind) -> None:
    dice = np.random.default_rng(11)
    (bench,) = benches([layer_of([shape(dice) for _ in range(10)], shapely.box(-200, -200, 300, 300))], kind=kind)
    grounds = np.array(drawn(dice, 30), dtype=object)
    kinds, areas = shapely.get_dimensions(grounds).astype(np.int8), shapely.area(grounds) * (1 + 1e-7)
    (whole,) = screening.measure_block(grounds, kinds, areas, [bench])
    single = [
        screening.measure_block(grounds[i : i + 1], kinds[i : i + 1], areas[i : i + 1], [bench])[0]
        for i in range(len(grounds))
    ]
    joined = screening._together(single)
    # GEOS begins the rings of what it cuts where it likes, now and then elsewhere: the last bits of their areas follow.
    cut = ("area_m2", "share", "covered_share")
    for name in screening.Columns.__slots__:
        one, other = getattr(whole, name), getattr(joined, name)
        np.testing.assert_allclose(one, other, rtol=1e-14 if name in cut else 0.0, atol=0.0, err_msg=name)


def test_the_engines_say_the_same() -> None:
    pytest.importorskip("numba")
    dice = np.random.default_rng(12)
    layer, sites = layer_of([shape(dice) for _ in range(10)]), drawn(dice, 60)
    one, other = columns_of(layer, sites, "fast")[1], columns_of(layer, sites, "plain")[1]
    for name in screening.Columns.__slots__:
        a, b = getattr(one, name), getattr(other, name)
        if a.dtype.kind == "f" and name != "bearing_deg":
            np.testing.assert_allclose(a, b, rtol=2e-7 if name == "distance_m" else 1e-9, atol=1e-6, err_msg=name)
        elif a.dtype.kind != "f":
            np.testing.assert_array_equal(a, b, err_msg=name)


# --- the county and what a layer covers -------------------------------------------------------------------


def test_a_lattice_tells_what_the_area_itself_tells() -> None:
    turn = np.linspace(0, 2 * np.pi, 80)
    away = 3000 + 900 * np.sin(5 * turn)
    area = shapely.Polygon(np.column_stack([away * np.cos(turn), away * np.sin(turn)]))
    area = area.difference(shapely.Point(500, 500).buffer(300))
    region, dice = Region(area), np.random.default_rng(2)
    sites = [shapely.box(x, y, x + w, y + h) for (x, y), (w, h) in zip(
        dice.uniform(-4500, 4500, (800, 2)), dice.choice([0.01, 5.0, 300.0, 3000.0], (800, 2)), strict=True)]  # fmt: skip
    sites += [shapely.Point(0, 0), shapely.Point(500, 500), shapely.box(-9e3, -9e3, 9e3, 9e3), area,
              shapely.LineString([(-5e3, 0), (5e3, 0)]), shapely.Point(*area.exterior.coords[3])]  # fmt: skip
    grounds = np.array(sites, dtype=object)
    np.testing.assert_array_equal(region.covered_share(grounds), overlay.covered_share(grounds, area))
    mine = own(area)
    wanted = np.where(shapely.covers(mine, grounds), 0, np.where(shapely.intersects(mine, grounds), 1, 2))
    np.testing.assert_array_equal(region.sides(grounds), wanted)
    assert (region._known(grounds) != 0).mean() > 0.5 and set(region.sides(grounds).tolist()) == {0, 1, 2}


# --- from what is drawn to the plane ----------------------------------------------------------------------


def parcels(dice: np.random.Generator) -> Array:
    """Areas in 39 带, some with holes, vertices twice, of two parts, crossing themselves, running either way round."""
    east, north = 39_500_000.0, 4_845_000.0
    made = []
    for _ in range(120):
        one = shapely.affinity.translate(shape(dice), east + dice.uniform(-4e4, 4e4), north + dice.uniform(-4e4, 4e4))
        one = shapely.affinity.scale(one, *dice.choice([0.1, 1.0, 12.0], 2))
        made.append(one.reverse() if dice.random() < 0.5 else one)
    bow = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
    spiral = shapely.Polygon([(0, 0), (9, 0), (9, 9), (1, 9), (1, 2), (7, 2), (7, 7), (3, 7), (3, 4), (5, 4), (5, 5),
                              (4, 5), (4, 6), (6, 6), (6, 3), (2, 3), (2, 8), (8, 8), (8, 1), (0, 1)])  # fmt: skip
    twice = shapely.Polygon([(0, 0), (50, 0), (50, 0), (50, 50), (0, 50)])
    around = shapely.Polygon([(np.cos(t), np.sin(t)) for t in np.linspace(0.1, 4 * np.pi - 0.1, 40)])
    for odd in (bow, spiral, twice, around):
        made.append(shapely.affinity.translate(odd, east, north))
    for bad in (np.nan, np.inf):
        with np.errstate(invalid="ignore"):
            made.append(shapely.Polygon([(east, north), (east + 9, north), (east + 9, bad), (east, north + 9)]))
    made.append(shapely.force_3d(shapely.box(east, north, east + 50, north + 50), 7.0))
    made += [shapely.Polygon(), shapely.Point(east, north), shapely.LineString([(east, north), (east + 9, north)])]
    return np.array(made, dtype=object)


@pytest.mark.parametrize("system", [GK, "EPSG:4490", "EPSG:4326"])
def test_plots_are_measured_as_a_footprint_is(system: str) -> None:
    shapes = parcels(np.random.default_rng(8))
    if system != GK:
        finite = np.array([np.isfinite(shapely.get_coordinates(one)).all() for one in shapes])
        shapes = to_lonlat(shapes[finite], GK)
    plots, known = outlines.measured(shapes, system), measure(shapes, system)
    single = shapely.get_type_id(shapes[known.rows]) == 3
    assert plots.rows.tolist() == known.rows[single].tolist() and len(plots.rows) > 80
    ground, area = known.ground[single], known.area_m2[single]
    assert plots.area_m2 == pytest.approx(area, rel=1e-9, abs=1e-6)
    assert shapely.equals_exact(shapely.normalize(plots.ground), shapely.normalize(ground), 1e-8).all()
    again = engine.rings.of(plots.ground)
    for name in ("xy", "ring", "shape", "solid"):
        np.testing.assert_array_equal(getattr(plots.outlines, name), getattr(again, name))


def test_what_a_point_inside_sees_whole_is_valid_and_no_more_is_claimed() -> None:
    """The short cut never calls a ring valid that GEOS does not; of stars it sees nearly all."""
    dice = np.random.default_rng(9)
    turn = np.cumsum(dice.uniform(-0.3, 1.2, (3000, 9)), axis=1)
    away = dice.uniform(0.2, 2.0, (3000, 9))
    rings = np.stack([away * np.cos(turn), away * np.sin(turn)], axis=-1) + 118.0
    shapes = shapely.polygons(shapely.linearrings(np.concatenate([rings, rings[:, :1]], axis=1)))
    seen, valid = outlines._seen(engine.rings.of(shapes)), shapely.is_valid(shapes)
    assert not (seen & ~valid).any() and seen.sum() > 100 and (valid & ~seen).any() and (~valid).any()


def test_the_area_of_edges_straight_in_degrees() -> None:
    """In closed form it is what adding the hair between edge and chord gives, and 1e-9 of what densely cut edges give."""
    corners = [(118.2, 43.6), (118.24, 43.602), (118.23, 43.64), (118.19, 43.62)]
    shapes = np.array([shapely.Polygon(corners)], dtype=object)
    plots = outlines.measured(shapes, "EPSG:4490")
    fine = shapely.segmentize(shapes, 5.0 / 111_320.0)
    dense = outlines.measured(fine, "EPSG:4490").ground
    assert plots.area_m2[0] == pytest.approx(geodesy.geodesic_area_m2(fine[0]), rel=3e-9)
    assert plots.area_m2[0] == pytest.approx(float(true_areas(fine, dense, "EPSG:4490")[0]), rel=1e-10)
