"""Known-answer self-test on the user's own machine: does it compute what the ellipsoid says?"""

from __future__ import annotations

import math
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import shapely

from linxi_gis import crs, geodesy, vectorfile
from linxi_gis.errors import LinxiError
from linxi_gis.library import Library
from linxi_gis.model import Gap
from linxi_gis.rulebook import Rulebook

# CGCS2000 (GB 22021-2008).
_A = 6_378_137.0
_F = 1.0 / 298.257222101
_E2 = _F * (2.0 - _F)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what, whether it holds, the numbers, and what to do when it does not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def check(name: str, action: Callable[[], str]) -> Check:
    """Run an action that returns its detail, or raises LinxiError when it does not hold."""
    try:
        return Check(name, True, action())
    except LinxiError as error:
        return Check(name, False, error.what, error.remedy)


def known_answers() -> list[Check]:
    """Return the checks that need no data: transformations, areas, distances, file reading."""
    import pyogrio
    import pyproj

    versions = (
        f"Python {platform.python_version()}，shapely {shapely.__version__}（GEOS {shapely.geos_version_string}），"
        f"pyproj {pyproj.__version__}（PROJ {pyproj.proj_version_str}），GDAL {'.'.join(map(str, pyogrio.__gdal_version__))}"
    )
    return [Check("版本", True, versions), _gauss_krueger(), _area(), _distance(), _geopackage()]


def cell_area_m2(south: float, north: float, degrees_wide: float) -> float:
    """Return the area (m²) of a cell between two parallels, in closed form.

    Integral of the ellipsoid's surface element (e.g. Snyder, Map Projections: A Working Manual,
    USGS PP 1395, 1987, eq. 3-12, 14-15).

    >>> round(cell_area_m2(0.0, 90.0, 360.0) / 1e6 * 2)
    510065622
    """
    e = math.sqrt(_E2)

    def zone(latitude: float) -> float:
        s = math.sin(math.radians(latitude))
        return s / (1.0 - _E2 * s * s) + math.atanh(e * s) / e

    return _A * _A * (1.0 - _E2) / 2.0 * math.radians(degrees_wide) * (zone(north) - zone(south))


def _gauss_krueger() -> Check:
    """118°E 43.6°N in zone 39 is E 39580743.283, N 4829864.978 (pyproj 3.7.2, PROJ 9.5.1)."""
    point = crs.to_lonlat(shapely.Point(39580743.283, 4829864.978), "EPSG:4527")
    error_m = math.hypot((point.x - 118.0) * 80_600.0, (point.y - 43.6) * 111_000.0)
    return Check("高斯-克吕格 39 带 → 经纬度", error_m < 0.001, f"与已知点相差 {error_m * 1000:.3f} mm", "请重装 pyproj")


def _area() -> Check:
    cell = shapely.box(118.0, 43.5, 118.1, 43.6)
    truth = cell_area_m2(43.5, 43.6, 0.1)
    relative = abs(float(crs.to_plane(cell).area) / truth - 1.0)
    return Check("椭球面积", relative < 1e-7, f"0.1°×0.1° 格网与解析解相对差 {relative:.1e}", "请重装 pyproj 与 shapely")


def _distance() -> Check:
    """Compare a meridian distance with the meridian's radius of curvature at its middle."""
    middle = math.radians(43.605)
    radius = _A * (1.0 - _E2) / (1.0 - _E2 * math.sin(middle) ** 2) ** 1.5
    truth = radius * math.radians(0.01)
    metres, _ = geodesy.distances(np.array([[118.0, 43.60]]), np.array([[118.0, 43.61]]))
    error_m = abs(float(metres[0]) - truth)
    return Check("大地线距离", error_m < 1e-3, f"子午线 0.01° 相差 {error_m * 1000:.4f} mm", "请重装 pyproj")


def _geopackage() -> Check:
    """Write and read a GeoPackage with Chinese text in a temporary folder."""
    import pyogrio

    name = "读写 GeoPackage（中文）"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "自检.gpkg"
        wkb = np.array([shapely.to_wkb(shapely.Point(118.0, 43.6))], dtype=object)
        fields = [np.array(["大冷山"], dtype=object)]
        pyogrio.raw.write(path, wkb, fields, ["名称"], geometry_type="Point", crs="EPSG:4490", driver="GPKG")
        try:
            table = vectorfile.read(path)
        except LinxiError as error:
            return Check(name, False, error.what, "请重装 pyogrio")
        same = vectorfile.text(table.columns["名称"][0]) == "大冷山" and table.crs == "EPSG:4490"
    return Check(name, same, "写入后读回一致" if same else "读回与写入不一致", "" if same else "请重装 pyogrio")


def holdings(library: Library, rulebook: Rulebook, day: date) -> list[Check]:
    """Return the checks of the catalogue in use: every layer that should be there opens."""
    opened = library.layers(day)
    gaps = [layer for layer in opened if isinstance(layer, Gap)]
    layers = f"{len(opened) - len(gaps)} 个可用"
    if gaps:
        layers += f"，{len(gaps)} 个未核查：" + "；".join(gap.issue.text for gap in gaps)
    count = len(rulebook.in_force(day))
    return [
        Check(f"图层目录「{library.catalog.title}」", not gaps, layers, "用 linxi layers list 查看原因"),
        Check("规则包", count > 0, f"{rulebook.name}，{day.isoformat()} 有效 {count} 条"),
    ]
