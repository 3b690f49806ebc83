"""Parameters from an old datum to CGCS2000, as the surveyors write them: dx, dy, dz, rx, ry, rz, scale."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linxi_gis import crs
from linxi_gis.errors import CrsError, UsageError
from linxi_gis.finding import Issue

if TYPE_CHECKING:
    import pyproj

# Our limits, several times what any Chinese datum needs: beyond, the unit or the order is another.
_MOST = (1000.0, 1000.0, 1000.0, 60.0, 60.0, 60.0, 200.0)
_NAMES = ("dx", "dy", "dz", "rx", "ry", "rz", "尺度")
_UNITS = ("m", "m", "m", "″", "″", "″", "ppm")
_FARTHEST_M = 1000.0
_EXAMPLE = "--transform dx,dy,dz（米）或 dx,dy,dz,rx,ry,rz,s（米、角秒、ppm，坐标框架旋转，EPSG:9607）"


@dataclass(frozen=True, slots=True)
class Transform:
    """Bursa-Wolf parameters from the old datum to CGCS2000.

    Translations in metres, rotations in arc-seconds, scale in ppm. The convention is the one China's
    standards use, coordinate frame rotation (EPSG:9607, in PROJ coordinate_frame): for small angles in radians

        X' = dx + (1+s)( X + rz Y - ry Z),  Y' = dy + (1+s)(-rz X + Y + rx Z),  Z' = dz + (1+s)(ry X - rx Y + Z).

    Heights are taken as 0 on the old ellipsoid: 1000 m of height move the place by 2 cm for each 100 m of shift.
    """

    dx_m: float
    dy_m: float
    dz_m: float
    rx_s: float = 0.0
    ry_s: float = 0.0
    rz_s: float = 0.0
    scale_ppm: float = 0.0

    @property
    def values(self) -> tuple[float, ...]:
        """The seven numbers in the order they are written."""
        return self.dx_m, self.dy_m, self.dz_m, self.rx_s, self.ry_s, self.rz_s, self.scale_ppm

    @property
    def text(self) -> str:
        """The parameters as --transform takes them."""
        return ",".join(f"{value:.12g}" for value in self.values)


def parse_transform(text: str) -> Transform:
    """Return the parameters of a text of three or seven numbers; raises UsageError.

    >>> parse_transform("-16.5, 155.1,82.4").rz_s, parse_transform("1,2,3,.1,.2,.3,-4").text
    (0.0, '1,2,3,0.1,0.2,0.3,-4')
    """
    words = [word for word in re.split(r"[,，;；\s]+", text.strip()) if word]
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) not in (3, 7) or not all(math.isfinite(value) for value in values):
        raise UsageError(f"转换参数 {text[:80]!r} 不是 3 个或 7 个数", remedy=f"写成 {_EXAMPLE}")
    for value, most, name, unit in zip(values, _MOST, _NAMES, _UNITS, strict=False):
        if abs(value) > most:
            raise UsageError(
                f"转换参数 {name}={value:g} {unit} 过大（上限 {most:g} {unit}）", remedy=f"请核对单位与次序：{_EXAMPLE}"
            )
    if not any(values):
        raise UsageError("转换参数全为 0，等于不转换", remedy="请向测绘单位索取转换参数")
    return Transform(*values)


def carried(parsed: pyproj.CRS) -> Transform | None:
    """Return the TOWGS84 a CRS text carries, in our convention, or None.

    TOWGS84 turns the vector (EPSG:9606), so its rotations have the other sign. Raises nothing: what
    cannot be parameters (too large, all zero) is None.
    """
    values = parsed.to_wkt(version="WKT1_GDAL") if parsed.is_bound else ""
    match = re.search(r"TOWGS84\[([^\]]*)\]", values or "")
    if match is None:
        return None
    numbers = [float(word) for word in match[1].split(",")]
    signed = [*numbers[:3], *(-number for number in numbers[3:6]), *numbers[6:]]
    try:
        return parse_transform(",".join(f"{number + 0.0:.12g}" for number in signed))
    except UsageError:
        return None


def transformed(system: str, given: Transform) -> str:
    """Return the text of `system` (on an old datum) with the parameters that lead to CGCS2000."""
    return crs.with_parameters(system, given.values)


def told(system: str, given: Transform, x: float, y: float) -> Issue:
    """Return the Issue that tells of a conversion and how far it moves the point (x, y) of `system`.

    Raises CrsError when it moves it by more than a kilometre: no datum of ours lies that far off.
    """
    here = crs.points_of(transformed(system, given), x, y)
    before = crs.own_degrees(system, x, y)
    _, _, moved = crs.geod().inv(*before, *here)
    if not moved <= _FARTHEST_M:
        raise CrsError(
            f"按转换参数 {given.text} 位置移动 {moved:.0f} m，参数不可信", remedy=f"请核对参数的单位、次序和方向：{_EXAMPLE}"
        )
    return Issue(
        "datum_transformed",
        "info",
        f"按 --transform {given.text}（布尔莎模型，坐标框架旋转，EPSG:9607；m、″、ppm）由"
        f"{crs.old_datum(crs.parse(system))}转换到 CGCS2000，本处移动 {moved:.1f} m；参数由提交人提供，未做检核",
        "请核对参数的来源、适用范围和方向（旧坐标系到 CGCS2000）",
    )
