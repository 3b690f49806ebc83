"""Zonings by element (air, water, soil, resources), noise districts, recharge areas, listed sites, exploration. 示意."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from . import places, shapes, units
from .units import Claim
from .zones import Zone

Named = Mapping[str, Geometry]


def zoned(outline: Geometry, code: str, word: str, rest: str, wanted: Sequence[tuple[str, str, Geometry]]) -> list[Zone]:
    """Return zones that tile the county: `wanted` (kind, name, area), the earlier before the later, and the rest."""
    claims = [Claim(kind, name, area) for kind, name, area in wanted]
    claims.append(Claim(rest, f"其余区域{rest}", outline))
    return [
        Zone(f"{code}-{number:02d}", f"{word}{claim.name}（示意）", claim.kind, area)
        for number, (claim, area) in enumerate(units.shares(outline, claims), start=1)
    ]


def air(outline: Geometry, reserve: Geometry, built: Named, park: Geometry) -> list[Zone]:
    """Return air zones: the reserve, towns as places of people, the park as a place of emission, the rest."""
    town = shapes.buffer_m(built["林西镇"], 200.0)
    return zoned(outline, "DQ", "大气", "一般管控区", [
        ("优先保护区", "大冷山优先保护区", reserve),
        ("高排放重点管控区", "工业园区高排放重点管控区", shapes.buffer_m(park, 350.0)),
        ("受体敏感重点管控区", "林西镇受体敏感重点管控区", town),
        *(("受体敏感重点管控区", f"{name}受体敏感重点管控区", built[name]) for name in ("大井镇", "五十家子镇", "新城子镇")),
    ])  # fmt: skip


def water(
    outline: Geometry, sources: Sequence[tuple[str, Geometry]], built: Named, park: Geometry, mined: Geometry
) -> list[Zone]:
    """Return water zones: sources, the town's and the park's discharge, mining districts, the rest."""
    return zoned(outline, "SH", "水", "一般管控区", [
        *(("优先保护区", f"{name.removesuffix('（示意）')}优先保护区", area) for name, area in sources),
        ("工业污染重点管控区", "工业园区工业污染重点管控区", shapes.buffer_m(park, 350.0)),
        ("城镇生活污染重点管控区", "林西镇城镇生活污染重点管控区", shapes.buffer_m(built["林西镇"], 200.0)),
        ("工业污染重点管控区", "矿区工业污染重点管控区", mined),
    ])  # fmt: skip


def soil(outline: Geometry, fields: Geometry, park: Geometry, mined: Geometry, listed: Geometry) -> list[Zone]:
    """Return soil zones: listed land, the park, mining districts, farmland, the rest."""
    return zoned(outline, "TR", "土壤", "一般管控区", [
        ("建设用地污染风险重点管控区", "名录地块重点管控区", listed),
        ("建设用地污染风险重点管控区", "工业园区重点管控区", park),
        ("建设用地污染风险重点管控区", "矿区重点管控区", mined),
        ("农用地优先保护区", "农用地优先保护区", fields),
    ])  # fmt: skip


def resources(outline: Geometry, redline: Geometry, quasi: Geometry, built: Named) -> list[Zone]:
    """Return resource zones: the red line for land, the town for fuel, the sources' ground for water, the rest."""
    return zoned(outline, "ZY", "资源", "一般管控区", [
        ("高污染燃料禁燃区", "林西镇高污染燃料禁燃区", built["林西镇"]),
        ("土地资源优先保护区", "生态保护红线土地资源优先保护区", redline),
        ("地下水开采重点管控区", "水源地地下水开采重点管控区", quasi),
    ])  # fmt: skip


def noise(built: Named, park: Geometry, roads: Sequence[Zone], rng: np.random.Generator) -> list[Zone]:
    """Return noise districts of the county town and the park: classes 1 to 3, and 4a along the main roads."""
    town = built["林西镇"]
    main = shapely.union_all([road.geometry for road in roads if road.kind in ("国道", "省道")])
    along = shapes.within(shapes.buffer_m(main, 40.0), town)
    seat = next(one.seat for one in places.TOWNS if one.name == "林西镇")
    homes = shapes.blob((seat[0] + 0.006, seat[1] + 0.006), (1_700.0, 1_050.0), rng, turn_deg=30.0, rough=0.3, vertices=120)
    quiet = shapes.without(shapes.within(homes, town), along)
    mixed = shapes.without(town, along, quiet)
    named = (("1类区", "林西镇居住文教区", quiet), ("2类区", "林西镇商住混合区", mixed), ("3类区", "林西工业园区", park),
             ("4a类区", "林西镇交通干线两侧", along))  # fmt: skip
    return [
        Zone(f"SHJ-{number:02d}", f"{name}{kind}（示意）", kind, area)
        for number, (kind, name, area) in enumerate(named, start=1)
    ]


def recharge(waters: Sequence[Zone], outline: Geometry, rng: np.random.Generator) -> list[Zone]:
    """Return the ground that feeds each source: all of its zones and a wide apron upstream of them."""
    zones = []
    for number, source in enumerate(places.SOURCES, start=1):
        held = shapes.union(*[zone.geometry for zone in waters if zone.code.startswith(source.code)])
        reach = (source.quasi_m or source.grade2_m)[0]
        turn = math.radians(source.turn_deg)
        middle = shapes.points_xy([(held.centroid.x, held.centroid.y)])[0]
        middle = middle + 0.7 * reach * np.array([math.cos(turn), math.sin(turn)])
        lon, lat = shapely.get_coordinates(shapes.to_lonlat(shapely.Point(middle)))[0]
        apron = shapes.blob((float(lon), float(lat)), (reach * 1.25, reach * 0.7), rng, turn_deg=source.turn_deg, rough=0.3)
        area = shapes.within(shapes.union(apron, shapes.buffer_m(held, 300.0)), outline)
        name = source.name.removesuffix("（示意）")
        largest = max(shapely.get_parts(area), key=lambda part: part.area)
        zones.append(Zone(f"BJ-{number:02d}", f"{name}补给区（示意）", "补给区", largest))
    return zones


def listed_land(rng: np.random.Generator) -> list[Zone]:
    """Return plots of the list of polluted building land: two old works at the edge of town."""
    return [
        Zone(f"MD-{number:02d}", f"{name}（示意）", "风险管控地块",
             shapes.blob(at, half, rng, turn_deg=25.0, rough=0.15, vertices=16))
        for number, (name, at, half) in enumerate(places.LISTED, start=1)
    ]  # fmt: skip


def supervised(park: Geometry, rng: np.random.Generator) -> list[Zone]:
    """Return units under key supervision for soil: works in the park and dressing plants beside the ponds."""
    west, south, east, north = park.bounds
    spots = [(f"园区{n}号企业", (west + (east - west) * x, south + (north - south) * y))
             for n, (x, y) in enumerate(((0.22, 0.62), (0.40, 0.45), (0.72, 0.28)), start=1)]  # fmt: skip
    plants = [(f"{pond.name.removesuffix('尾矿库（示意）')}选矿厂", pond) for pond in places.PONDS]
    zones = [_works(name, at, rng) for name, at in spots]
    for name, pond in plants:
        angle = math.radians(pond.down_deg + 75.0)
        xy = shapes.points_xy([pond.centre])[0] + (pond.half_m[1] + 430.0) * np.array([math.cos(angle), math.sin(angle)])
        lon, lat = shapely.get_coordinates(shapes.to_lonlat(shapely.Point(xy)))[0]
        zones.append(_works(name, (float(lon), float(lat)), rng))
    return [Zone(f"ZD-{n:02d}", f"{name}（示意）", "土壤污染重点监管单位", area) for n, (name, area) in enumerate(zones, start=1)]


def _works(name: str, at: places.LonLat, rng: np.random.Generator) -> tuple[str, Geometry]:
    """Return a walled plot: a turned rectangle with one corner cut."""
    wide, high = 130.0 + 90.0 * rng.random(), 90.0 + 60.0 * rng.random()
    ring = np.array([(-wide, -high), (wide, -high), (wide, high * 0.4), (wide * 0.5, high), (-wide, high)])
    turn = math.radians(14.0)
    matrix = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return name, shapes.to_lonlat(shapely.Polygon(ring @ matrix + shapes.points_xy([at])[0]))


def exploration(outline: Geometry, rights: Geometry, kept: Geometry) -> list[Zone]:
    """Return prospecting rights: blocks of 15-second cells, as licences are drawn, clear of mining rights and reserves."""
    cell = 15.0 / 3600.0
    zones = []
    for number, (name, ore, (lon, lat), columns, rows) in enumerate(places.SURVEYS, start=1):
        west, south = math.floor(lon / cell) * cell, math.floor(lat / cell) * cell
        block = shapely.box(west, south, west + columns * cell, south + rows * cell)
        notch = shapely.box(west, south, west + 3 * cell, south + 2 * cell)
        area = shapes.without(shapes.within(shapes.snap(block.difference(notch)), outline), rights, kept)
        area = max(shapely.get_parts(area), key=lambda part: part.area)
        facts = {"许可证号": f"示意T15042400{number:02d}", "勘查矿种": ore}
        zones.append(Zone(f"TK-{number:02d}", f"{name}（示意）", "探矿权", area, facts))
    return zones
