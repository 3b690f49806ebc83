"""What grows: forest land, grassland, wetland, as areas that do not overlap one another. 示意."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from . import shapes
from .nature import Land
from .zones import Zone

_LEAST_KM2 = 0.8  # patches below this are left out, as a map of the county would
_SMOOTH_M = 70.0
_NECK_M = 15.0  # nothing narrower than twice this is drawn
_PIECE_KM2 = 0.05


def wetlands(land: Land, keep_out: Geometry, rng: np.random.Generator) -> list[Zone]:
    """Return river wetlands: where a valley floor widens, long patches beside and across the stream."""
    zones: list[Zone] = []
    for stream, at in ((0, 0.28), (0, 0.80), (1, 0.55), (2, 0.48), (2, 0.88), (4, 0.75), (5, 0.30), (5, 0.75)):
        of, line = land.streams[stream]
        middle, ahead = (shapely.get_coordinates(line.interpolate(at + d, normalized=True))[0] for d in (0.0, 0.01))
        lon, lat = shapely.get_coordinates(shapes.to_lonlat(shapely.Point(middle)))[0]
        turn = float(np.degrees(np.arctan2(ahead[1] - middle[1], ahead[0] - middle[0])))
        half = (900.0 + 700.0 * float(rng.random()), 260.0 + 160.0 * float(rng.random()))
        area = shapes.blob((float(lon), float(lat)), half, rng, turn_deg=turn, rough=0.5, vertices=120)
        area = shapes.without(shapes.within(area, land.outline), keep_out)
        parts = [part for part in shapely.get_parts(area) if shapes.area_km2(part) > 0.1]
        if parts:
            name = f"{of.name.removesuffix('（示意）')}{len(zones) + 1}号湿地（示意）"
            zones.append(Zone(f"SD-{len(zones) + 1:02d}", name, "自然湿地", shapes.union(*parts)))
    return zones


def growth(land: Land, taken: Geometry, towns: dict[str, Geometry], rng: np.random.Generator) -> tuple[list[Zone], list[Zone]]:
    """Return forest land on the high ground and grassland below it, both cut along town borders."""
    xy, lonlat = land.mesh.xy, land.mesh.lonlat
    height = 0.52 * (lonlat[:, 1] - 43.25) / 0.95 + 0.22 * (118.6 - lonlat[:, 0])
    height = height - 0.25 * np.exp(-((land.stream_km / 1.6) ** 2)) + 0.16 * land.relief
    patch = shapes.noise(xy, rng, (6_000.0, 2_600.0, 1_200.0), 0.4)
    wooded = _tidy(shapes.level_set(land.mesh, height + 0.20 * patch, 0.46), land)
    forest = shapes.without(_tidy(shapes.without(wooded, taken), land), taken)  # smoother edges step over borders
    sparse = height + 0.22 * shapes.noise(xy, rng, (7_000.0, 3_000.0, 1_400.0), 0.4)
    green = _tidy(shapes.level_set(land.mesh, sparse, 0.22), land)
    grass = shapes.without(_tidy(shapes.without(green, taken, forest), land), taken, forest)
    return _by_town(forest, towns, "LD", "林地"), _by_town(grass, towns, "CY", "基本草原")


def _tidy(area: Geometry, land: Land) -> Geometry:
    """Return an area inside the county with smoother edges, without small patches and holes."""
    plain = shapes.to_lonlat(shapely.simplify(shapes.to_xy(shapes.within(area, land.outline)), _SMOOTH_M))
    least = _LEAST_KM2 * 1e6
    kept = []
    for part in shapely.get_parts(shapes.to_xy(shapes.polygons(plain))):
        if part.area > least:
            holes = [ring for ring in part.interiors if shapely.Polygon(ring).area > least / 2.0]
            kept.append(shapely.Polygon(part.exterior, holes))
    return shapes.within(shapes.to_lonlat(shapely.union_all(kept)), land.outline) if kept else shapely.Polygon()


def _by_town(area: Geometry, towns: dict[str, Geometry], code: str, word: str) -> list[Zone]:
    zones: list[Zone] = []
    for name, town in towns.items():
        part = shapes.within(_open(shapes.within(area, town)), town)
        if shapes.area_km2(part) > _LEAST_KM2:
            zones.append(Zone(f"{code}-{len(zones) + 1:02d}", f"{name}{word}（示意）", word, part))
    return zones


def _open(area: Geometry) -> Geometry:
    """Return an area without its strips, spikes and crumbs, nowhere larger than it was."""
    plane = shapes.to_xy(shapes.polygons(area)).buffer(-_NECK_M, join_style="mitre")
    wide = plane.buffer(_NECK_M, quad_segs=1)
    kept = [part for part in shapely.get_parts(wide) if part.area > _PIECE_KM2 * 1e6]
    return shapes.to_lonlat(shapely.union_all(kept)) if kept else shapely.Polygon()
