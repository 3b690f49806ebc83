"""What a file claims of its reference system, held against what was asked for and against its figures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linxi_gis import crs
from linxi_gis.datum import DATUMS
from linxi_gis.errors import CrsError
from linxi_gis.finding import Issue
from linxi_gis.intake.foreign import old_datums
from linxi_gis.intake.reading import Claim
from linxi_gis.intake.readings import ASSUMED_DEGREES, ASSUMED_METRES
from linxi_gis.intake.zones import Plane, Zone, name_of, plane_of, zone_of_meridian, zone_of_number

if TYPE_CHECKING:
    import pyproj

# Inverse flattening of GRS80 (CGCS2000) and WGS84: between figures as near as these a metre is lost at most.
_MODERN = (298.257222101, 298.257223563)
_MODERN_AXIS_M = 6_378_137.0


def claimed_zone(claim: Claim) -> Zone | None:
    """Return the zone a header names by its meridian or number, None when it names none of that width."""
    if claim.meridian_deg is not None:
        return zone_of_meridian(claim.meridian_deg, claim.width_deg or 3) or zone_of_meridian(claim.meridian_deg)
    zone = zone_of_number(claim.zone) if claim.zone is not None else None
    return zone if zone is None or claim.width_deg in (None, zone.width_deg) else None


def overridden(claim: Claim, explicit: str) -> tuple[Issue, ...]:
    """Tell when what was asked for is not what the file says of itself."""
    if not _contradicts(claim, explicit):
        return ()
    said = f"{claim.how or f'文件写明 {claim.foreign}'}{f' {name_of(claim.system)}' if claim.system else ''}"
    text = f"{said}，与 --crs 指定的 {explicit} 不同，按 --crs 读取"
    return (Issue("crs_overridden", "warning", text, "请核对坐标系"),)


def _contradicts(claim: Claim, explicit: str) -> bool:
    if claim.foreign:
        told = old_datums(claim.foreign)
        if told:
            return explicit in (*DATUMS, "DMS") or not crs.old_datum(crs.parse(explicit)).startswith(told)
        return explicit not in DATUMS or explicit.replace("-", "") not in re.sub(r"[-_ ]", "", claim.foreign).upper()
    if explicit in DATUMS:
        return bool(claim.system) or claim.datum == "CGCS2000"
    if explicit == "DMS":
        return bool(claim.system) and name_of(claim.system) != crs.LONLAT
    if old_datums(explicit) and "[" not in explicit:
        return bool(claim.system or claim.datum)
    if claim.system:
        return name_of(claim.system) != name_of(explicit)
    zone, plane = claimed_zone(claim), plane_of(explicit)
    return zone is not None and plane is not None and zone.meridian_deg != plane.zone.meridian_deg


def header_differs(claim: Claim, zone: Zone, prefix: int) -> tuple[Issue, ...]:
    """Tell when the eastings carry a zone that a header's width or number cannot mean."""
    if claim.width_deg in (None, zone.width_deg) and claim.zone in (None, prefix):
        return ()
    text = f"{claim.how or '文件'}与横坐标不一致：前两位 {prefix} 是{zone.label}，按横坐标的带号读取"
    return (Issue("zone_header_differs", "warning", text, "请核对分带与带号"),)


def require_modern(parsed: pyproj.CRS, how: str) -> None:
    """Raise CrsError for a system on a figure of the Earth that is neither GRS80 nor WGS84, or with a shift.

    pyproj hands such coordinates over without parameters, tens to hundreds of metres off, and leaves out
    the TOWGS84 a text carries on the way to EPSG:4490. Old Chinese datums are told apart before.
    """
    figure, shift = parsed.ellipsoid, crs_shift(parsed)
    if figure is None:
        return  # a local system: refused when it is used
    modern = any(abs(figure.inverse_flattening - value) < 1e-6 for value in _MODERN)
    if modern and abs(figure.semi_major_metre - _MODERN_AXIS_M) < 1e-3 and not shift:
        return
    what = "带有 TOWGS84 转换参数" if modern else f"的椭球是 {figure.name[:40]}"
    raise CrsError(
        f"坐标系（{how}）{what}，不是 CGCS2000 或 WGS84，缺少可核实的转换参数，不能直接使用",
        remedy="请先转换为 CGCS2000 再提交；若确知它就是某个坐标系，用 --crs 指明（如 EPSG:4527）",
    )


def crs_shift(parsed: pyproj.CRS) -> bool:
    """Whether a system carries a shift to WGS84 that is not zero throughout."""
    operation = parsed.coordinate_operation if parsed.is_bound else None
    return operation is not None and any(value != 0.0 for value in operation.towgs84)


def misnamed(parsed: pyproj.CRS, plane: Plane | None, how: str) -> tuple[Issue, ...]:
    """Tell when a system's name says another datum, or another plane, than its parameters do."""
    name = parsed.name
    old = old_datums(name)
    if parsed.datum is not None and re.match(r"(?:D_)?(?:unknown|not[_ ]specified)", parsed.datum.name, re.IGNORECASE):
        return (ASSUMED_DEGREES if parsed.is_geographic else ASSUMED_METRES,)
    if old:
        text = f"坐标系的名称“{name[:60]}”（{how}）是{'、'.join(old)}，参数却是 CGCS2000 或 WGS84，按参数读取"
    elif plane is None and parsed.is_projected and re.search(r"Gauss|GK", name) and "_UTM_" not in name:
        text = f"坐标系的名称是“{name[:60]}”（{how}），参数却不是国家高斯克吕格投影带的，按参数读取"
    else:
        return ()
    return (Issue("crs_name_differs", "warning", text, "请向提供单位核实坐标系；另有所指的用 --crs 指明"),)
