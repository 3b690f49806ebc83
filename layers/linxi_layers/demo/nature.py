"""What nature and the law of nature draw: rivers, red line, reserve, water sources, relics.

Everything is invented (示意); only two totals follow the plan: see `places`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from . import places, shapes
from .shapes import Floats, Mesh
from .zones import Zone

_NEAR_KM2 = 0.004  # how near the two calibrated totals must come: 0.0001 % of the county
_SMALL_KM2 = 0.6  # islands and holes below this are taken out of the landscape, as a map would
_STREAM_STEP_M = 160.0


@dataclass(frozen=True, slots=True, eq=False)
class Land:
    """The ground everything stands on: outline, mesh, streams (plane lines), random relief."""

    outline: shapely.Polygon
    mesh: Mesh
    streams: tuple[tuple[places.Stream, Geometry], ...]
    relief: Floats
    stream_km: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Reserve:
    """The protected areas, which do not overlap: nature reserve in two zones, and a forest park."""

    core: Geometry
    general: Geometry
    park: Geometry

    @property
    def whole(self) -> Geometry:
        """All three together."""
        return shapes.union(self.core, self.general, self.park)


def make_land(outline: shapely.Polygon, rng: np.random.Generator) -> Land:
    """Return the landscape: a 270 m mesh, meandering streams, fractal relief."""
    mesh = shapes.make_mesh(outline, rng, 270.0)
    streams = [(s, shapely.LineString(_course(s.course, rng))) for s in places.STREAMS]
    streams.append((places.BORDER_RIVER, shapely.LineString(_border_course(outline, rng))))
    relief = shapes.noise(mesh.xy, rng, (14_000.0, 7_000.0, 3_500.0, 1_800.0, 1_000.0, 560.0), 0.5)
    gullies = [gully for _, line in streams for gully in _gullies(line, rng)]
    every = shapely.union_all([*(line for _, line in streams), *gullies])
    shapely.prepare(every)
    away: Floats = np.asarray(shapely.distance(shapely.points(mesh.xy), every)) / 1000.0
    return Land(outline, mesh, tuple(streams), relief, away)


def _course(lonlat: Sequence[places.LonLat], rng: np.random.Generator) -> Floats:
    return shapes.rough_line(shapes.points_xy(lonlat), rng, 0.22, _STREAM_STEP_M)


def _gullies(line: Geometry, rng: np.random.Generator) -> list[Geometry]:
    """Return side valleys of a stream, to both sides in turn, so that the ground looks drained."""
    result: list[Geometry] = []
    side = 1.0
    at = 1_500.0
    while at < line.length - 1_500.0:
        foot = shapely.get_coordinates(line.interpolate(at))[0]
        ahead = shapely.get_coordinates(line.interpolate(at + 900.0))[0] - foot
        turn = np.arctan2(ahead[1], ahead[0]) + side * np.radians(105.0 + 40.0 * rng.random())
        reach = 4_000.0 + 6_500.0 * rng.random()
        tip = foot + reach * np.array([np.cos(turn), np.sin(turn)])
        result.append(shapely.LineString(shapes.rough_line(np.array([foot, tip]), rng, 0.2, 300.0)))
        side, at = -side, at + 2_200.0 + 2_600.0 * rng.random()
    return result


def _border_course(outline: shapely.Polygon, rng: np.random.Generator) -> Floats:
    """Return the border river: the southern stretch of the outline, meandering a little."""
    ring = shapely.get_coordinates(outline.exterior)[:-1]
    first, last = (
        int(np.argmin(np.hypot(*(ring - np.array(end)).T))) for end in places.BORDER_RIVER_ENDS
    )
    step = 1 if (last - first) % len(ring) < (first - last) % len(ring) else -1
    count = (last - first) * step % len(ring)
    stretch = ring[[(first + step * k) % len(ring) for k in range(count + 1)]]
    plane = shapes.points_xy([(float(x), float(y)) for x, y in stretch])
    return shapes.rough_line(plane, rng, 0.16, _STREAM_STEP_M)


def _ribbon(line: Geometry, half_m: float, waver: Floats) -> Geometry:
    """Return a strip along a plane line, as wide as `half_m` times `waver`, one factor an edge."""
    points = shapely.get_coordinates(line)
    edges = shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1))
    strip = shapely.union_all(shapely.buffer(edges, half_m * waver, quad_segs=4))
    return shapes.to_lonlat(shapely.simplify(strip, 5.0))


def rivers(land: Land, rng: np.random.Generator) -> list[Zone]:
    """Return the managed strip (河道管理范围) of each river and its floodway (行洪区) inside it."""
    zones = []
    for number, (stream, line) in enumerate(land.streams, start=1):
        points = shapely.get_coordinates(line)
        middle = (points[:-1] + points[1:]) / 2.0
        waver = 1.0 + 0.35 * shapes.noise(middle, rng, (1_500.0, 500.0), 0.7)
        managed = _ribbon(line, stream.managed_m, waver)
        floodway = shapes.within(_ribbon(line, stream.floodway_m, waver), managed)
        if stream is not places.BORDER_RIVER:
            managed, floodway = (shapes.within(g, land.outline) for g in (managed, floodway))
        zones.append(Zone(f"HD-{number:02d}-1", f"{stream.name}河道管理范围", "河道管理范围", managed))
        zones.append(Zone(f"HD-{number:02d}-2", f"{stream.name}行洪区", "行洪区", floodway))
    return zones


def _bump(land: Land, centre: places.LonLat, wide_m: tuple[float, float], turn_deg: float = 0.0) -> Floats:
    """Return a smooth hill of height 1 over the mesh nodes."""
    turn = np.radians(turn_deg)
    off = land.mesh.xy - shapes.points_xy([centre])[0]
    along = off[:, 0] * np.cos(turn) + off[:, 1] * np.sin(turn)
    across = -off[:, 0] * np.sin(turn) + off[:, 1] * np.cos(turn)
    hill: Floats = np.exp(-((along / wide_m[0]) ** 2) - (across / wide_m[1]) ** 2)
    return hill


def _people(land: Land) -> Floats:
    """Return how much people hold a node: towns and mines keep lines of protection away."""
    held = np.zeros(len(land.mesh.xy))
    for town in places.TOWNS:
        held += 1.6 * _bump(land, town.seat, (town.built_m[0] * 2.2 + 1500.0,) * 2)
    for mine in places.MINES:
        held += 1.1 * _bump(land, mine.centre, (2_600.0, 2_600.0))
    return held


def _cleaned(land: Land, field: Floats, threshold: float) -> Floats:
    """Return the field with islands and holes too small for a map flattened out at a threshold."""
    field = field.copy()
    high = shapely.get_parts(shapes.level_set(land.mesh, field, threshold))
    holes = [shapely.Polygon(ring) for part in high for ring in part.interiors]
    for patches, level in ((list(high), -0.25), (holes, 0.25)):
        for patch in patches:
            if shapes.area_km2(shapely.Polygon(patch.exterior)) < _SMALL_KM2:
                inside = shapely.contains_xy(patch, land.mesh.lonlat[:, 0], land.mesh.lonlat[:, 1])
                field[inside] = threshold + level
    return field


def _county_part(land: Land, field: Floats, threshold: float) -> Geometry:
    return shapes.within(shapes.level_set(land.mesh, field, threshold), land.outline)


def reserve(land: Land) -> Reserve:
    """Return the protected areas round 大冷山 in the north; their total follows the plan."""
    target = places.STATUTORY_AREA_KM2 * places.RESERVE_PERCENT / 100.0
    field = 0.62 * land.relief - 0.75 * np.exp(-((land.stream_km / 0.75) ** 2)) - _people(land)
    field += 1.9 * _bump(land, (118.02, 44.03), (17_000.0, 9_500.0), 12.0)
    field += 1.6 * _bump(land, (118.20, 44.17), (9_000.0, 8_000.0), 30.0)
    field += 1.0 * _bump(land, (118.22, 43.99), (9_500.0, 4_500.0), -20.0)
    field += 0.7 * _bump(land, (117.78, 43.99), (9_000.0, 5_000.0), -10.0)
    field -= np.clip((43.93 - land.mesh.lonlat[:, 1]) * 20.0, 0.0, 3.0)  # the reserve lies in the north
    first = shapes.solve(lambda t: shapes.area_km2(_county_part(land, field, t)), target, -1.5, 2.0, 2.0)
    field = _cleaned(land, field, first)
    level = shapes.solve(
        lambda t: shapes.area_km2(_county_part(land, field, t)), target, first - 0.3, first + 0.3, _NEAR_KM2
    )
    whole = _county_part(land, field, level)
    park_field = 0.3 * land.relief + _bump(land, (118.20, 44.165), (9_000.0, 9_000.0))
    cut = shapes.solve(
        lambda t: shapes.area_km2(shapes.within(_county_part(land, park_field, t), whole)),
        places.PARK_KM2, -1.2, 1.6, 0.05,
    )  # fmt: skip
    park = shapes.within(_county_part(land, park_field, cut), whole)
    # The core keeps 400 m from the reserve's own line and never reaches the park.
    heart = shapes.buffer_m(shapes.without(whole, park), -400.0)
    deep = shapes.solve(
        lambda t: shapes.area_km2(shapes.within(_county_part(land, field, t), heart)),
        places.CORE_KM2, level, level + 2.0, 1.0,
    )  # fmt: skip
    core = shapes.within(_county_part(land, _cleaned(land, field, deep), deep), heart)
    core = shapes.union(*[p for p in shapely.get_parts(core) if shapes.area_km2(p) > 3.0])
    return Reserve(core, shapes.without(whole, core, park), park)


def reserve_zones(parts: Reserve) -> list[Zone]:
    """Return the protected areas as zones; the old grade word 市级 is kept on purpose (see SOURCES.md)."""
    city = {"级别": "市级", "批准文号": ""}
    park = {"级别": "自治区级", "批准文号": ""}
    name = "大冷山自然保护区（示意）"
    return [
        Zone("BH-01-1", f"{name}核心保护区", "核心保护区", parts.core, city),
        Zone("BH-01-2", f"{name}一般控制区", "一般控制区", parts.general, city),
        Zone("BH-02", "大冷山森林公园（示意）", "自然公园", parts.park, park),
    ]


def redline(land: Land, core: Geometry) -> Geometry:
    """Return the red line: high ground, the southern sands, the core; its total follows the plan."""
    target = places.STATUTORY_AREA_KM2 * places.REDLINE_PERCENT / 100.0
    field = 0.95 * land.relief - 0.8 * np.exp(-((land.stream_km / 0.7) ** 2)) - _people(land)
    field += 1.35 * _bump(land, (118.02, 44.04), (19_000.0, 9_000.0), 12.0)
    field += 1.0 * _bump(land, (118.22, 44.17), (8_000.0, 8_000.0))
    field += 0.8 * _bump(land, (117.74, 43.93), (9_000.0, 12_000.0), 40.0)
    field += 0.95 * _bump(land, (118.40, 43.34), (14_000.0, 4_500.0), -12.0)
    field += 0.7 * _bump(land, (118.20, 43.89), (9_000.0, 5_000.0), 25.0)
    field += 1.7 * _bump(land, (117.95, 43.50), (4_000.0, 7_500.0), 10.0)
    field += 3.4 * _bump(land, (118.35, 43.612), (5_500.0, 2_800.0), -20.0)

    def shape(values: Floats, level: float) -> Geometry:
        return shapes.union(_county_part(land, values, level), core)

    first = shapes.solve(lambda t: shapes.area_km2(shape(field, t)), target, -1.0, 2.5, 2.0)
    field = _cleaned(land, field, first)
    level = shapes.solve(
        lambda t: shapes.area_km2(shape(field, t)), target, first - 0.3, first + 0.3, _NEAR_KM2
    )
    return shape(field, level)


_REDLINE_KINDS = {
    "林西镇": "水土保持", "大营子乡": "水土保持", "新林镇": "水土保持", "统部镇": "水源涵养",
    "五十家子镇": "水源涵养", "官地镇": "水源涵养", "大井镇": "水土保持", "新城子镇": "防风固沙",
}  # fmt: skip


def redline_zones(line: Geometry, core: Geometry, towns: Mapping[str, Geometry]) -> list[Zone]:
    """Return the red line as zones: the core for biodiversity, the rest cut along town borders."""
    zones = [Zone("HX-01", "大冷山生物多样性维护红线（示意）", "生物多样性维护", core)]
    rest = shapes.without(line, core)
    for name, town in towns.items():
        part = shapes.within(rest, town)
        if shapes.area_km2(part) > 0.05:
            kind = _REDLINE_KINDS[name]
            zones.append(Zone(f"HX-{len(zones) + 1:02d}", f"{name}{kind}红线（示意）", kind, part))
    return zones


def water_zones(land: Land, rng: np.random.Generator) -> list[Zone]:
    """Return the zones of every water source as rings that do not overlap: one, two, quasi."""
    zones = []
    for source in places.SOURCES:
        # The approval number stays empty: none is public, so the tool must ask for it.
        facts = {"水源类型": "地下水", "批准文号": ""}
        wells = shapely.union_all(
            [shapes.blob(well, (source.grade1_m,) * 2, rng, rough=0.12, vertices=96) for well in source.wells]
        )
        one = shapes.snap(shapely.union_all([wells, wells.convex_hull]) if len(source.wells) > 1 else wells)
        centre = (one.centroid.x, one.centroid.y)
        around = shapes.buffer_m(one, 120.0)
        blob = shapes.blob(centre, source.grade2_m, rng, turn_deg=source.turn_deg, rough=0.34)
        outer = shapes.within(shapes.union(blob, around), land.outline)
        two = shapes.without(outer, one)
        zones.append(Zone(f"{source.code}-1", f"{source.name}一级保护区", "一级保护区", one, facts))
        zones.append(Zone(f"{source.code}-2", f"{source.name}二级保护区", "二级保护区", two, facts))
        if source.quasi_m is not None:
            blob = shapes.blob(centre, source.quasi_m, rng, turn_deg=source.turn_deg, rough=0.34)
            wide = shapes.within(shapes.union(blob, shapes.buffer_m(outer, 150.0)), land.outline)
            quasi = shapes.without(wide, outer)
            zones.append(Zone(f"{source.code}-3", f"{source.name}准保护区", "准保护区", quasi, facts))
    return zones


def heritage(land: Land, rng: np.random.Generator) -> list[Zone]:
    """Return relics: an old mine with its control ring, and a wall tens of kilometres long."""
    mine = shapes.blob(places.RELIC_CENTRE, (420.0, 300.0), rng, turn_deg=35.0, rough=0.3, vertices=140)
    ring = shapes.without(shapes.buffer_m(mine, 300.0), mine)
    wall = shapely.LineString(
        shapes.rough_line(shapes.points_xy(places.WALL_COURSE), rng, 0.06, 250.0)
    )
    narrow = shapes.to_lonlat(shapely.buffer(wall, 50.0, quad_segs=4, join_style="mitre"))
    wide = shapes.to_lonlat(shapely.buffer(wall, 200.0, quad_segs=4, join_style="mitre"))
    narrow = shapes.within(narrow, land.outline)
    wide = shapes.without(shapes.within(wide, land.outline), narrow)
    protected, control = "保护范围", "建设控制地带"
    return [
        Zone("WW-01-1", "大井古铜矿遗址（示意）保护范围", protected, mine),
        Zone("WW-01-2", "大井古铜矿遗址（示意）建设控制地带", control, ring),
        Zone("WW-02-1", "金界壕（示意）保护范围", protected, narrow),
        Zone("WW-02-2", "金界壕（示意）建设控制地带", control, wide),
    ]
