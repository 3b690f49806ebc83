"""Another reading of a layer's figures: one that lies on the county, where the declared system puts them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import CrsError
from linxi_gis.intake.zones import name_of, zone_of_number
from linxi_gis.model import GeometryArray

# Our choices: how many features are looked at, and how far over the border they may lie.
_ASKED, _OVER_M = 1000, 1000.0
_ON, _OFF = 0.95, 0.5  # so many of them on the county is there; less than so many is not
_PREFIX_M = 1_000_000.0
_ZONES = range(25, 46)
_WEB = "EPSG:3857"
_WEB_EAST_M = (8_100_000.0, 15_100_000.0)  # 73-135°E
DATUM_NOTE = "西安80、北京54 同一带的数值与 CGCS2000 相近，凭位置分不出，请一并问明基准"


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read figures: the system, whether northing stands first, and the zone number to take off eastings."""

    system: str
    swapped: bool = False
    prefix: int = 0

    def label(self) -> str:
        """Return the reading in words.

        >>> Reading("EPSG:4548", swapped=True).label()
        'CGCS2000 3 度带第 39 带（中央经线 117°E），横坐标没有带号（EPSG:4548），纵横坐标对调'
        >>> Reading("EPSG:4548", prefix=40).label()
        'CGCS2000 3 度带第 39 带（中央经线 117°E），去掉带号 40（EPSG:4548）'
        """
        words = {crs.LONLAT: "经纬度（度）", _WEB: "网络地图的墨卡托投影"}.get(self.system, "")
        for number in (*_ZONES, *range(13, 24)):
            zone = zone_of_number(number)
            if zone is not None and self.system in (zone.prefixed, zone.bare) and not words:
                bare = f"去掉带号 {self.prefix}" if self.prefix else "横坐标没有带号"
                words = f"{zone.label}，{'横坐标带带号' if self.system == zone.prefixed else bare}"
        return f"{words}（{self.system}）{'，纵横坐标对调' if self.swapped else ''}"

    def lonlat(self, xy: FloatArray) -> FloatArray | None:
        """Return figures, shape (n, 2), as longitude latitude; None where the system cannot hold them."""
        turned = (xy[:, ::-1] if self.swapped else xy) - np.array([self.prefix * _PREFIX_M, 0.0])
        try:
            placed: FloatArray = shapely.get_coordinates(crs.to_lonlat(shapely.points(turned), self.system))
        except CrsError:
            return None
        return placed if (np.abs(placed) <= (180.0, 90.0)).all() else None

    def remedy(self, in_file: bool) -> str:
        """Return what to do; `in_file`: the system stands in the layer's file, not in the catalogue."""
        if self.swapped:
            return f"请对调纵横坐标后重新导出。{DATUM_NOTE}"
        if self.prefix:
            return f"请改正横坐标的带号后重新导出。{DATUM_NOTE}"
        how = "请改正文件的坐标系定义（.prj 等）后重新导出" if in_file else f'请在 catalog.toml 改为 crs = "{self.system}"'
        return f"核实后{how}。{DATUM_NOTE}" if self.system != crs.LONLAT else f"核实后{how}"


def better(shapes: GeometryArray, declared: str, county: Geometry) -> tuple[tuple[Reading, Geometry], ...]:
    """Return the readings that put a layer on the county (area plane), each with its box in longitude latitude.

    Empty where the declared system does so for half the features, or where no other reading does.
    """
    every, rows = shapely.get_coordinates(shapes, return_index=True)
    points = every[np.unique(rows, return_index=True)[1]]  # the first of each feature
    xy = points[:: max(-(-len(points) // _ASKED), 1)]
    ground = shapely.buffer(county, _OVER_M)
    if not len(xy) or not np.isfinite(xy).all() or _share(Reading(declared), xy, ground) >= _OFF:
        return ()
    found = [one for one in _readings(xy, name_of(declared)) if _share(one, xy, ground) >= _ON]
    return tuple((one, _box(one, shapes)) for one in found)


def _box(one: Reading, shapes: GeometryArray) -> Geometry:
    placed = one.lonlat(shapely.get_coordinates(shapes))
    around: Geometry = shapely.MultiPoint(placed).envelope
    return around


def _share(one: Reading, xy: FloatArray, ground: Geometry) -> float:
    placed = one.lonlat(xy)
    if placed is None:
        return 0.0
    return float(shapely.contains_xy(ground, crs.plane_of_points(placed)).mean())


def _readings(xy: FloatArray, declared: str) -> Iterator[Reading]:
    for swapped in (False, True):
        east, north = np.median(xy[:, ::-1] if swapped else xy, axis=0).tolist()
        for one in _of_figures(east, north, swapped):
            if swapped or one.prefix or one.system != declared:
                yield one


def _of_figures(east: float, north: float, swapped: bool) -> Iterator[Reading]:
    """Yield what figures of this size can be."""
    if abs(east) <= 180.0 and abs(north) <= 90.0:
        yield Reading(crs.LONLAT, swapped)
        return
    prefix = int(east // _PREFIX_M)
    own = zone_of_number(prefix)
    if own is not None:
        yield Reading(own.prefixed, swapped)
    if own is not None or prefix == 0:
        for zone in map(zone_of_number, _ZONES):
            if zone is not None and (own is None or zone.meridian_deg != own.meridian_deg):
                yield Reading(zone.bare, swapped, prefix)
    if _WEB_EAST_M[0] < east < _WEB_EAST_M[1]:
        yield Reading(_WEB, swapped)
