"""What people draw: towns, built-up land, the industrial park, fields, mines, tailings ponds. 示意."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from . import places, shapes
from .nature import Land
from .shapes import Floats
from .zones import Zone


def town_areas(outline: Geometry, rng: np.random.Generator) -> dict[str, Geometry]:
    """Return town polygons that tile the outline: Voronoi borders, each roughened once and shared.

    Raises ValueError when the borders do not part two seats.
    """
    seats = shapes.points_xy([town.seat for town in places.TOWNS])
    # Borders are cut 3 km outside the county first: displacement grows with the length of an edge.
    around = shapely.buffer(shapes.to_xy(outline), 3_000.0)
    edges = shapely.voronoi_polygons(shapely.MultiPoint(seats), extend_to=around, only_edges=True)
    merged = shapely.line_merge(shapely.intersection(shapely.node(edges), around))
    lines = []
    for edge in sorted(shapely.get_parts(merged), key=_first):
        points = shapely.get_coordinates(shapely.normalize(edge))
        lines.append(shapes.to_lonlat(shapely.LineString(shapes.rough_line(points, rng, 0.2, 220.0))))
    network = shapely.union_all([*lines, outline.boundary], grid_size=shapes.GRID_DEG)
    towns: dict[str, list[Geometry]] = {town.name: [] for town in places.TOWNS}
    for face in faces_of(network, outline):
        held = [town.name for town in places.TOWNS if face.covers(shapely.Point(town.seat))]
        if len(held) > 1:
            raise ValueError(f"乡镇界没有把 {'、'.join(held)} 分开")
        # What holds no seat is a loop cut off by the rough lines or the outline: to the nearest seat.
        middle = shapely.get_coordinates(shapes.to_xy(face.representative_point()))[0]
        nearest = int(np.argmin(np.hypot(*(seats - middle).T)))
        towns[held[0] if held else places.TOWNS[nearest].name].append(face)
    return {name: shapely.coverage_union_all(parts) for name, parts in towns.items()}


def _first(line: Geometry) -> tuple[float, float]:
    x, y = shapely.get_coordinates(shapely.normalize(line))[len(line.coords) // 2]
    return float(x), float(y)


def faces_of(network: Geometry, outline: Geometry) -> list[Geometry]:
    """Return the faces of noded lines that lie inside the outline, in a fixed order."""
    network = shapely.transform(network, lambda c: np.round(c, 8))
    faces = shapely.get_parts(shapely.polygonize(list(shapely.get_parts(network))))
    middle = shapely.point_on_surface(faces)
    inside = shapely.contains_xy(outline, shapely.get_x(middle), shapely.get_y(middle))
    kept = [face for face, good in zip(faces, inside, strict=True) if good]
    return sorted(kept, key=lambda face: face.bounds)


def town_zones(towns: Mapping[str, Geometry]) -> list[Zone]:
    """Return the towns as zones; borders are invented, some seats too."""
    return [
        Zone(f"XZ-{i:02d}", f"{town.name}（示意）", town.kind, towns[town.name], {"驻地来源": town.source})
        for i, town in enumerate(places.TOWNS, start=1)
    ]


def urban(rng: np.random.Generator, keep_out: Geometry) -> dict[str, Geometry]:
    """Return the built-up patch inside the urban growth boundary of every town."""
    return {
        town.name: shapes.without(
            shapes.blob(town.seat, town.built_m, rng, turn_deg=rng.random() * 180.0, rough=0.4), keep_out
        )
        for town in places.TOWNS
    }


def industrial_park(rng: np.random.Generator, keep_out: Geometry) -> Geometry:
    """Return the industrial park: two street blocks with stepped edges."""
    blocks = []
    for shift, half in (((0.0, 0.0), (1500.0, 1100.0)), ((1700.0, -1300.0), (1000.0, 800.0))):
        blocks.append(_stepped(places.PARK_CENTRE, shift, half, rng))
    return shapes.without(shapes.union(*blocks), keep_out)


def _stepped(
    centre: places.LonLat, shift: tuple[float, float], half: tuple[float, float], rng: np.random.Generator
) -> Geometry:
    """Return a box, turned a little, whose sides step in and out like street blocks."""
    origin = shapes.points_xy([centre])[0] + np.array(shift)
    x = np.repeat(np.linspace(-half[0], half[0], 13), 2)[1:-1]
    top, bottom = (np.repeat(half[1] * (0.82 + 0.36 * rng.random(12)), 2) for _ in range(2))
    ring = np.concatenate([np.column_stack([x, -bottom]), np.column_stack([x, top])[::-1]])
    turn = math.radians(14.0)
    matrix = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return shapes.to_lonlat(shapely.Polygon(ring @ matrix + origin))


def farmland(land: Land, rng: np.random.Generator, keep_out: Geometry) -> list[Zone]:
    """Return field parcels on the valley floors: cells of a jittered grid, roads left between them."""
    away = land.stream_km + 0.3 * land.relief
    field = -np.abs(away - 0.7) + 0.55 * shapes.noise(land.mesh.xy, rng, (9_000.0, 4_000.0, 1_500.0), 0.5)
    floor = shapes.within(shapes.level_set(land.mesh, field, -0.12), land.outline)
    floor = shapes.to_xy(shapes.without(floor, keep_out))
    spots = _jittered(floor.bounds, 1_300.0, rng)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(spots)))
    pieces = shapely.get_parts(shapely.intersection(cells, floor))
    parcels = shapely.buffer(pieces, -14.0, join_style="mitre", mitre_limit=2.0)
    parts = [p for p in shapely.get_parts(parcels) if p.area > 90_000.0]
    parts.sort(key=lambda p: (-round(p.centroid.y), round(p.centroid.x)))
    return [
        Zone(f"NT-{i:04d}", f"永久基本农田图斑{i:04d}（示意）", "永久基本农田", shapes.to_lonlat(part))
        for i, part in enumerate(parts, start=1)
    ]


def _jittered(bounds: tuple[float, float, float, float], step: float, rng: np.random.Generator) -> Floats:
    west, south, east, north = bounds
    x, y = np.meshgrid(np.arange(west, east, step), np.arange(south, north, step))
    grid = np.column_stack([x.ravel(), y.ravel()])
    return grid + (rng.random(grid.shape) - 0.5) * step * 0.9


def mining_rights(rng: np.random.Generator, outline: Geometry) -> list[Zone]:
    """Return mining rights: few corners, straight sides, as licences are drawn."""
    zones = []
    for mine in places.MINES:
        wide, high = mine.half_m
        notch_x, notch_y = wide * (0.2 + 0.4 * rng.random()), high * (0.2 + 0.4 * rng.random())
        ring = [(-wide, -high), (wide, -high), (wide, high - notch_y), (wide - notch_x, high - notch_y),
                (wide - notch_x, high), (-wide, high)]  # fmt: skip
        turn = (-1.0 if rng.random() < 0.5 else 1.0), (-1.0 if rng.random() < 0.5 else 1.0)
        xy = np.array(ring) * np.array(turn) + shapes.points_xy([mine.centre])[0]
        area = shapes.within(shapes.to_lonlat(shapely.Polygon(xy)), outline)
        way = "露天" if "石料" in mine.mineral else "地下"
        facts = {"许可证号": mine.code, "矿种": mine.mineral, "开采方式": way}
        zones.append(Zone(mine.code, mine.name, "采矿权", area, facts))
    return zones


def mine_points() -> list[Zone]:
    """Return one point a mine, a little off the middle of its right."""
    return [
        Zone(f"KS-{i:02d}", mine.name, "矿山", shapely.Point(*mine.centre), {"矿种": mine.mineral})
        for i, mine in enumerate(places.MINES, start=1)
    ]


def tailings(rng: np.random.Generator) -> tuple[list[Zone], list[Zone]]:
    """Return tailings ponds (areas) and the toes of their starter dams (points)."""
    ponds, toes = [], []
    for pond in places.PONDS:
        area = shapes.blob(pond.centre, pond.half_m, rng, turn_deg=pond.down_deg, rough=0.3, vertices=160)
        facts = {"矿种": pond.ore, "坝型": pond.dam, "状态": "示意"}
        volume, height = places.POND_SIZES[pond.code]
        sizes = {"全库容（万m³）": f"{volume:g}", "总坝高（m）": f"{height:g}"}
        ponds.append(Zone(pond.code, pond.name, "尾矿库", area, {**facts, **sizes}))
        angle = math.radians(pond.down_deg)
        toe = shapes.points_xy([pond.centre])[0] + (pond.half_m[0] * 1.25) * np.array(
            [math.cos(angle), math.sin(angle)]
        )
        point = shapes.to_lonlat(shapely.Point(toe))
        toes.append(Zone(f"{pond.code}-B", f"{pond.name}初期坝坡脚", "初期坝坡脚", point, facts))
    return ponds, toes


def patch(centres: Sequence[places.LonLat], half_m: float, rng: np.random.Generator) -> Geometry:
    """Return one rough patch round several places, e.g. a mining district."""
    return shapes.union(
        *[shapes.blob(c, (half_m, half_m * 0.8), rng, turn_deg=rng.random() * 180.0) for c in centres]
    )
