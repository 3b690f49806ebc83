"""Roads along the easiest ground, bridges where they cross rivers, villages beside both, river sections. 示意."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from . import places, shapes
from .nature import Land
from .shapes import Floats
from .zones import Zone

_STEP_M = 500.0  # cell of the ground that roads are found on
_WORN = 0.35  # a cell with a road in it costs this much of what it did: roads join
_BRIDGE_M = 60.0  # half the length of a bridge
_VILLAGES = 46
_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1), (2, 1), (2, -1), (-2, 1), (-2, -1),
          (1, 2), (1, -2), (-1, 2), (-1, -2))  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a cell costs to cross, shape (rows, columns), and the plane centre of the first cell."""

    cost: Floats
    origin: Floats

    def cell(self, xy: Floats) -> tuple[int, int]:
        """Return the cell (row, column) of a plane point."""
        column, row = np.rint((xy - self.origin) / _STEP_M).astype(int)
        return int(row), int(column)

    def middle(self, cell: tuple[int, int]) -> Floats:
        """Return the plane centre of a cell."""
        centre: Floats = self.origin + np.array([cell[1], cell[0]]) * _STEP_M
        return centre


def ground(land: Land, core: Geometry, wild: Geometry, kept: Geometry, rng: np.random.Generator) -> Ground:
    """Return the costs: valleys are easy, wild land dear, a reserve's core and the inner zones of wells not for roads."""
    west, south, east, north = shapes.to_xy(land.outline).bounds
    x, y = np.meshgrid(np.arange(west, east, _STEP_M), np.arange(south, north, _STEP_M))
    xy = np.column_stack([x.ravel(), y.ravel()])
    streams = shapely.union_all([line for _, line in land.streams])
    shapely.prepare(streams)
    away = np.asarray(shapely.distance(shapely.points(xy), streams)) / 1000.0
    cost = 1.0 + 0.5 * np.clip(away, 0.0, 4.0) / 4.0 + 0.3 * shapes.noise(xy, rng, (6_000.0, 2_500.0, 1_200.0), 0.5)
    cost = np.clip(cost, 0.5, None) + 1.6 * (away < 0.35)
    lonlat = shapely.get_coordinates(shapes.to_lonlat(shapely.MultiPoint(xy)))
    inside = shapes.buffer_m(land.outline, -300.0)
    for area, factor in ((wild, 2.5), (kept, 8.0), (core, 40.0)):
        cost[shapely.contains_xy(area, lonlat[:, 0], lonlat[:, 1])] *= factor
    cost[~shapely.contains_xy(inside, lonlat[:, 0], lonlat[:, 1])] = 1e4
    return Ground(cost.reshape(x.shape), np.array([west, south]))


def _path(land: Ground, start: tuple[int, int], goal: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the cheapest way from cell to cell (Dijkstra 1959)."""
    best = {start: 0.0}
    before: dict[tuple[int, int], tuple[int, int]] = {}
    queue = [(0.0, start)]
    rows, columns = land.cost.shape
    while queue:
        spent, here = heapq.heappop(queue)
        if here == goal:
            break
        if spent > best[here]:
            continue
        for up, right in _STEPS:
            there = here[0] + up, here[1] + right
            if 0 <= there[0] < rows and 0 <= there[1] < columns:
                step = float(np.hypot(up, right)) * (land.cost[here] + land.cost[there]) / 2.0
                if spent + step < best.get(there, np.inf):
                    best[there], before[there] = spent + step, here
                    heapq.heappush(queue, (spent + step, there))
    way = [goal]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _smooth(points: Floats) -> Floats:
    """Return a line with its corners cut four times; the ends stay (Chaikin 1974)."""
    for _ in range(3):
        a, b = points[:-1], points[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut, points[-1:]])
    return points


def roads(land: Ground, outline: Geometry, rivers: Sequence[Zone]) -> list[Zone]:
    """Return roads as lines, each cut at none of its bridges, then the bridges as short lines of their own."""
    seats = {town.name: town.seat for town in places.TOWNS}
    cost = land.cost.copy()
    zones: list[Zone] = []
    for code, name, kind, stops in places.ROADS:
        ends = shapes.points_xy([seats[stop] if isinstance(stop, str) else stop for stop in stops])
        cells = [land.cell(xy) for xy in ends]
        legs = [_path(Ground(cost, land.origin), a, b) for a, b in pairwise(cells)]
        line = [ends[0]]
        for leg, end in zip(legs, ends[1:], strict=True):
            line += [land.middle(cell) for cell in leg[1:-1]] + [end]
            rows, columns = np.array(leg).T
            cost[rows, columns] = np.minimum(cost[rows, columns], land.cost[rows, columns] * _WORN)
        drawn = shapes.to_lonlat(shapely.simplify(shapely.LineString(_smooth(np.array(line))), 6.0))
        zones.append(Zone(code, f"{name}（示意）", kind, _longest(shapely.intersection(drawn, outline))))
    return [*zones, *_bridges(zones, rivers)]


def _longest(lines: Geometry) -> Geometry:
    longest: Geometry = max(shapely.get_parts(lines), key=lambda part: part.length)
    return shapes.snap(longest)


def _bridges(roads_drawn: Sequence[Zone], rivers: Sequence[Zone]) -> list[Zone]:
    """Return a bridge for every floodway that a national or provincial road crosses; one where two share the road."""
    found: list[tuple[Zone, Geometry]] = []
    for road in roads_drawn[:3]:
        for river in rivers:
            common = shapely.intersection(road.geometry, river.geometry)
            if river.kind != "行洪区" or common.is_empty:
                continue
            for part in shapely.get_parts(shapes.to_xy(common)):
                middle = part.interpolate(0.5, normalized=True)
                if all(middle.distance(other) > 400.0 for _, other in found):
                    found.append((road, middle))
    zones = []
    for number, (road, middle) in enumerate(found, start=1):
        line = shapes.to_xy(road.geometry)
        near = line.intersection(middle.buffer(_BRIDGE_M))
        shape = shapes.to_lonlat(max(shapely.get_parts(near), key=lambda part: part.length))
        name = f"{road.name.removesuffix('（示意）')}{number}号桥（示意）"
        zones.append(Zone(f"QL-{number:02d}", name, "中型以上公路桥梁", shape))
    return zones


def settlements(
    land: Land, roads_drawn: Sequence[Zone], towns: Mapping[str, Geometry], keep_out: Geometry, rng: np.random.Generator
) -> list[Zone]:
    """Return villages: small rough patches a little off roads and streams, clear of everything in `keep_out`."""
    lines = [shapes.to_xy(road.geometry) for road in roads_drawn if road.geometry.length > 0.05]
    lines += [line for _, line in land.streams]
    held: list[Floats] = [shapes.points_xy([town.seat])[0] for town in places.TOWNS]
    counts = dict.fromkeys(towns, 0)
    zones: list[Zone] = []
    for _ in range(40 * _VILLAGES):
        line = lines[int(rng.integers(len(lines)))]
        spot = shapely.get_coordinates(line.interpolate(rng.random() * line.length))[0]
        turn = rng.random() * 2.0 * np.pi
        spot = spot + (350.0 + 900.0 * rng.random()) * np.array([np.cos(turn), np.sin(turn)])
        size = 110.0 + 170.0 * rng.random(2)
        lon, lat = shapely.get_coordinates(shapes.to_lonlat(shapely.Point(spot)))[0]
        area = shapes.blob((float(lon), float(lat)), (float(size[0]), float(size[1])), rng, turn_deg=90.0 * rng.random(),
                           rough=0.35, vertices=36)  # fmt: skip
        near = min(float(np.hypot(*(spot - other))) for other in held)
        town = next((name for name, shape in towns.items() if shape.covers(area)), "")
        if near < 2_600.0 or not town or keep_out.intersects(area) or not land.outline.covers(area):
            continue
        held.append(spot)
        counts[town] += 1
        name = f"{town[:-1]}{counts[town]}村（示意）"
        zones.append(Zone(f"JM-{len(zones) + 1:03d}", name, "居民点", area, {"所属": town}))
        if len(zones) == _VILLAGES:
            break
    return zones


def _inside(land: Land, line: Geometry, at: float) -> Geometry:
    """Return the place of a border river that lies in the county, nearest to a share of its course."""
    spots = shapely.get_coordinates(shapes.to_lonlat(shapely.MultiPoint(shapely.get_coordinates(line))))
    inside = np.flatnonzero(shapely.contains_xy(land.outline, spots[:, 0], spots[:, 1]))
    nearest = inside[np.argmin(np.abs(inside - at * len(spots)))]
    return shapely.Point(spots[nearest])


def sections(land: Land) -> list[Zone]:
    """Return water-quality sections: points on the rivers, upstream and where they leave; as many as a city counts, nine."""
    zones: list[Zone] = []
    wanted: tuple[tuple[int, float, str], ...] = (
        (0, 0.12, "上游"), (0, 0.93, "出境"), (1, 0.30, "中游"), (1, 0.96, "出境"), (2, 0.33, "城区上"), (2, 0.62, "城区下"),
        (2, 0.95, "入河口"), (3, 0.93, "汇入口"), (5, 0.60, "界河"),
    )  # fmt: skip
    for number, (stream, at, word) in enumerate(wanted, start=1):
        of, whole = land.streams[stream]
        line = _longest(shapely.intersection(shapes.to_lonlat(whole), shapes.buffer_m(land.outline, -150.0)))
        point = shapes.snap(line.interpolate(at, normalized=True)) if stream < 5 else _inside(land, whole, at)
        facts = {"所在河流": of.name, "水质目标": "示意"}
        zones.append(Zone(f"DM-{number:02d}", f"{of.name.removesuffix('（示意）')}{word}断面（示意）", "考核断面", point, facts))
    return zones
