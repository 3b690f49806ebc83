"""Which reference system are these coordinates in? Evidence in, a ruling or a doubt out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from linxi_gis import crs
from linxi_gis.datum import DATUMS
from linxi_gis.errors import CrsError, UsageError
from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Claim
from linxi_gis.intake.zones import (
    Plane,
    Zone,
    name_of,
    plane_of,
    zone_of_meridian,
    zone_of_number,
)

Bounds = tuple[float, float, float, float]
Kind = Literal["degrees", "zoned", "bare", "mercator", "unknown"]
# Metres a Gauss-Krüger coordinate in China can have: northing 18°-54°N, easting without its prefix.
_NORTHING = (2.0e6, 6.0e6)
_EASTING = (1.0e5, 1.0e6)
_CHINA = (73.0, 136.0, 3.0, 54.5)  # west, east, south, north in degrees
_MERCATOR = (8.12e6, 15.15e6, 0.33e6, 7.3e6)  # the same in Web Mercator metres
# Meridians met in practice around 林西 (117.6-118.6°E); 117° and 123° serve 3° and 6° zones alike.
_USUAL_MERIDIANS = (111, 114, 117, 120, 123)
_SIX = {111: 19, 117: 20, 123: 21}
_UTM = "EPSG:32650"
_ZONE_REACH_M = 1_000_000.0
_OLD_DATUMS = re.compile(
    r"西安\s*_?(?:19)?80|(?:19)?80\s*年?\s*西安|西安坐标系|xian[\s_]*(?:19)?80|"
    r"北京\s*_?(?:19)?54|(?:19)?54\s*年?\s*北京|北京坐标系|beijing[\s_]*(?:19)?54|"
    r"坐标系\s*[=:]\s*\D{0,4}(?:19)?(?:80|54)(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """How to read a feature: `system` of its coordinates after column `east` is put first and
    `shift_m` added to it; `datum` names a shifted datum to undo; the rest is for the answer.
    """

    system: str
    source: str
    how: str
    declared: bool
    east: int
    degrees: bool
    shift_m: float = 0.0
    datum: str = ""
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate reading: a label and the CRS to pass to --crs; it is read by `decide` as such."""

    label: str
    crs: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why no ruling can be given, and the readings there are (none: the figures fit nothing usual)."""

    why: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What the magnitudes tell: kind, which column is easting, its zone prefix, and whether the
    format had it otherwise; `mercator` when Web Mercator is possible too; `assumed` when nothing
    tells which column is easting and the first was taken.
    """

    kind: Kind
    east: int
    prefix: int | None = None
    swapped: bool = False
    mercator: bool = False
    assumed: bool = False


def refuse_old_datum(text: str, where: str) -> None:
    """Raise CrsError when a header names 西安80 or 北京54: they cannot be converted without parameters."""
    match = _OLD_DATUMS.search(text)
    if match:
        raise CrsError(
            f"文件写明坐标系为“{match[0]}”，缺少转换参数，不能转换到 CGCS2000",
            where=where,
            remedy=crs.OLD_DATUM_REMEDY,
        )


def examine(bounds: Bounds, east: int | None) -> Shape:
    """Return what coordinates within `bounds` (min and max of both columns) can be.

    `east` is the column the format takes for easting, None when it leaves it open.

    >>> examine((4829864.0, 39580743.0, 4829964.0, 39580843.0), None)
    Shape(kind='zoned', east=1, prefix=39, swapped=False, mercator=False, assumed=False)
    >>> examine((118.0, 43.5, 118.1, 43.6), 1).swapped
    True
    """
    order = (0, 1) if east is None else (east, 1 - east)
    found = [(column, _fit(bounds, column)) for column in order]
    if east is None and all(fit and fit[0] == "degrees" for _, fit in found):
        found = [(column, fit) for column, fit in found if in_china(bounds, column)]
        if not found:
            return Shape("degrees", 0, assumed=True)
    for column, fit in found:
        if fit:
            kind, prefix, mercator = fit
            return Shape(kind, column, prefix, east is not None and column != east, mercator)
    return Shape("unknown", 0 if east is None else east, assumed=east is None)


def _columns(bounds: Bounds, east: int) -> tuple[float, float, float, float]:
    north = 1 - east
    return bounds[east], bounds[east + 2], bounds[north], bounds[north + 2]


def _fit(bounds: Bounds, east: int) -> tuple[Kind, int | None, bool] | None:
    west, right, south, north = _columns(bounds, east)
    if west >= -180.0 and right <= 180.0 and south >= -90.0 and north <= 90.0:
        return "degrees", None, False
    mercator = (
        _MERCATOR[0] <= west and right <= _MERCATOR[1] and _MERCATOR[2] <= south <= north <= _MERCATOR[3]
    )
    if _NORTHING[0] <= south <= north <= _NORTHING[1]:
        prefix = int(west // 1e6)
        if zone_of_number(prefix) and int(right // 1e6) == prefix and west % 1e6 >= _EASTING[0]:
            return "zoned", prefix, mercator
        if _EASTING[0] <= west <= right < _EASTING[1]:
            return "bare", None, False
    return ("mercator", None, True) if mercator else None


def in_china(bounds: Bounds, east: int) -> bool:
    """Whether degrees within `bounds` lie in China's extent when column `east` is longitude."""
    west, right, south, north = _columns(bounds, east)
    return _CHINA[0] <= west and right <= _CHINA[1] and _CHINA[2] <= south and north <= _CHINA[3]


def decide(bounds: Bounds, claim: Claim, explicit: str | None, east: int | None) -> Ruling | Doubt:
    """Return how to read a feature, or why that cannot be known.

    `explicit` (--crs) wins over `claim` (the file), which wins over magnitude. Raises CrsError when
    the figures contradict what was stated, and for systems that need parameters.
    """
    shape = examine(bounds, east)
    if explicit:
        system = _WRITINGS.get(re.sub(r"[-_ ]", "", explicit).upper(), explicit.strip())
        overridden = _overridden(claim, system)
        if system in DATUMS:
            return _shifted(shape, system, overridden)
        return _stated(shape, bounds, system, "--crs 指定", True, overridden)
    if claim.foreign:
        raise CrsError(
            f"文件写明坐标系为“{claim.foreign}”，不是 2000 国家大地坐标系，也不是 WGS84，不能直接使用",
            remedy="请先转换为 CGCS2000；若确知它等同于某个坐标系，用 --crs 指明（如 EPSG:4527、GCJ-02）",
        )
    if claim.system:
        return _stated(shape, bounds, claim.system, claim.how, False, ())
    if shape.kind == "degrees":
        if shape.assumed:
            return Doubt("坐标像经纬度，但看不出哪一列是经度")
        return _degrees(shape, claim)
    if shape.kind == "zoned" and shape.prefix is not None:
        return _zoned(shape, shape.prefix, claim)
    if shape.kind == "bare":
        return _bare(shape, claim)
    if shape.kind == "mercator":
        return Doubt("坐标像 Web 墨卡托投影（米），但文件没有写明坐标系", (_MERCATOR_OPTION,))
    prefixes = _mixed_prefixes(bounds, shape.east)
    if prefixes:
        return Doubt(f"同一图形里混有 {prefixes[0]} 带与 {prefixes[1]} 带的横坐标，请统一到一个投影带")
    return Doubt("坐标值不在经纬度、高斯克吕格或 Web 墨卡托的常见范围内，坐标系无法确定")


def _mixed_prefixes(bounds: Bounds, east: int) -> tuple[int, int] | None:
    """The two zone numbers in the eastings of one feature, or None when they are not two zones."""
    for column in (east, 1 - east):
        west, right, _, _ = _columns(bounds, column)
        low, high = int(west // 1e6), int(right // 1e6)
        if low != high and zone_of_number(low) and zone_of_number(high):
            return low, high
    return None


_MERCATOR_OPTION = Option("Web 墨卡托", "EPSG:3857")
_WRITINGS = {datum.replace("-", ""): datum for datum in DATUMS}  # gcj02, GCJ_02, ...


def _swap_issue(shape: Shape) -> tuple[Issue, ...]:
    if shape.assumed:
        text = "看不出哪一列是东向坐标（经度），按第一列为东、第二列为北读取"
        return (Issue("axes_assumed", "warning", text, "请在表头写明经度、纬度或 X（北）、Y（东）"),)
    if not shape.swapped:
        return ()
    words = "经度与纬度" if shape.kind == "degrees" else "X（北）与 Y（东）"
    return (Issue("axes_swapped", "warning", f"{words}两列与约定相反，已按数值大小对调", "请核对坐标顺序"),)


def _shifted(shape: Shape, datum: str, overridden: tuple[Issue, ...]) -> Ruling:
    if shape.kind != "degrees":
        raise CrsError(f"--crs {datum} 只适用于经纬度，坐标值却不是度", remedy="请核对坐标系")
    told = Issue(
        code="datum_converted",
        severity="info",
        text=f"坐标由 {datum} 反算为 CGCS2000（公开流传的算法，非官方公布，未做实地检核）",
    )
    return Ruling(
        crs.LONLAT,
        datum,
        "--crs 指定",
        True,
        shape.east,
        True,
        datum=datum,
        issues=(*overridden, told, *_swap_issue(shape)),
    )


def _overridden(claim: Claim, explicit: str) -> tuple[Issue, ...]:
    """Tell when what was asked for is not what the file says of itself."""
    if not _contradicts(claim, explicit):
        return ()
    said = f"{claim.how or f'文件写明 {claim.foreign}'}{f' {name_of(claim.system)}' if claim.system else ''}"
    text = f"{said}，与 --crs 指定的 {explicit} 不同，按 --crs 读取"
    return (Issue("crs_overridden", "warning", text, "请核对坐标系"),)


def _contradicts(claim: Claim, explicit: str) -> bool:
    if claim.foreign:
        return explicit not in DATUMS or explicit.replace("-", "") not in re.sub(r"[-_ ]", "", claim.foreign).upper()
    if explicit in DATUMS:
        return bool(claim.system) or claim.datum == "CGCS2000"
    if claim.system:
        return name_of(claim.system) != name_of(explicit)
    zone, plane = _claimed_zone(claim), plane_of(explicit)
    return zone is not None and plane is not None and zone.meridian_deg != plane.zone.meridian_deg


def _stated(
    shape: Shape, bounds: Bounds, system: str, how: str, forced: bool, issues: tuple[Issue, ...]
) -> Ruling | Doubt:
    crs.require_transformable(crs.parse(system))
    parsed = crs.parse(system)
    told = (*issues, *_swap_issue(shape))
    if parsed.is_geographic != (shape.kind == "degrees"):
        looks = "是经纬度" if shape.kind == "degrees" else "不是经纬度"
        raise CrsError(
            f"坐标值看起来{looks}，与坐标系 {name_of(system)}（{how}）不符",
            remedy="请核对坐标系，或用 --crs 指明",
        )
    plane = plane_of(system)
    if plane is not None:
        return _in_plane(shape, bounds, system, plane, how, forced, told)
    return Ruling(system, name_of(system), how, True, shape.east, parsed.is_geographic, issues=told)


def _in_plane(
    shape: Shape, bounds: Bounds, system: str, plane: Plane, how: str, forced: bool, told: tuple[Issue, ...]
) -> Ruling | Doubt:
    """Reconcile a Gauss-Krüger system with the zone prefix the eastings carry, or do not carry."""
    wanted = (plane.prefix or 0) * 1e6
    carried = shape.prefix if shape.kind == "zoned" else None
    if carried is not None:
        other = zone_of_number(carried)
        if other is not None and other.meridian_deg != plane.zone.meridian_deg:
            if not forced:
                return _conflict(other, plane.zone, how)
            text = f"横坐标前两位是 {carried} 带，按{how}的 {plane.zone.label} 读取，前两位已舍去"
            told = (*told, Issue("zone_prefix_ignored", "warning", text, "请核对带号"))
        shift = wanted - carried * 1e6
    elif shape.kind == "bare":
        shift = wanted
    else:
        shift = 0.0
        west, right, _, _ = _columns(bounds, shape.east)
        if max(abs(west - wanted - 5e5), abs(right - wanted - 5e5)) > _ZONE_REACH_M:
            raise CrsError(
                f"横坐标 {west:.0f} 不在 {name_of(system)}（{plane.zone.label}）的范围内",
                remedy="请核对坐标系与坐标值",
            )
    if shift and not any(issue.code == "zone_prefix_ignored" for issue in told):
        text = f"横坐标{'不带' if wanted else '带有'}带号，按 {plane.zone.label} 统一"
        told = (*told, Issue("zone_prefix_adjusted", "info", text))
    return Ruling(system, name_of(system), how, True, shape.east, False, shift_m=shift, issues=told)


def _degrees(shape: Shape, claim: Claim) -> Ruling:
    told = _swap_issue(shape)
    if claim.datum == "CGCS2000":
        return Ruling(crs.LONLAT, crs.LONLAT, claim.how, True, shape.east, True, issues=told)
    how = claim.how if claim.datum else "未注明基准，按 CGCS2000 经纬度"
    return Ruling(crs.LONLAT, crs.LONLAT, how, False, shape.east, True, issues=(*told, ASSUMED_DEGREES))


ASSUMED_DEGREES = Issue(
    code="datum_assumed",
    severity="info",
    text="文件没有注明是 CGCS2000 还是 GCJ-02（火星坐标），按 WGS84/CGCS2000 经纬度读取；"
    "若实为 GCJ-02，位置在本县会偏 549～631 m",
    remedy="若坐标取自高德、腾讯地图，请用 --crs GCJ-02；取自百度地图，请用 --crs BD-09",
)
ASSUMED_METRES = Issue(
    code="datum_assumed",
    severity="warning",
    text="文件没有注明大地基准，按 CGCS2000 读取；若实为西安80 或北京54，位置会偏几十至上百米",
    remedy="请向测绘单位核实坐标系",
)


def _zoned(shape: Shape, prefix: int, claim: Claim) -> Ruling | Doubt:
    zone = zone_of_number(prefix)
    assert zone is not None  # examine() only accepts prefixes that are zones
    stated = _claimed_zone(claim)
    if stated is not None and stated.meridian_deg != zone.meridian_deg:
        return _conflict(zone, stated, claim.how)
    if shape.mercator and not claim.datum and stated is None:
        why = f"横坐标既可能带有 {prefix} 带的带号，也可能是 Web 墨卡托"
        return Doubt(why, (Option(zone.label, zone.prefixed), _MERCATOR_OPTION))
    how = "，".join(filter(None, (claim.how, f"横坐标前两位 {prefix} 为带号")))
    return _by_zone(shape, zone.prefixed, how, claim)


def _bare(shape: Shape, claim: Claim) -> Ruling | Doubt:
    zone = _claimed_zone(claim)
    if zone is not None:
        return _by_zone(shape, zone.bare, claim.how, claim)
    usual = tuple(Option(_meridian_label(m), _bare_code(m)) for m in _USUAL_MERIDIANS)
    why = "横坐标没有带号，文件也没有写明投影带，坐标系无法确定"
    return Doubt(why, (*usual, Option("WGS 84 / UTM 50 带", _UTM)))


def _by_zone(shape: Shape, system: str, how: str, claim: Claim) -> Ruling:
    assumed = () if claim.datum == "CGCS2000" else (ASSUMED_METRES,)
    declared = claim.datum == "CGCS2000"
    return Ruling(system, system, how, declared, shape.east, False, issues=(*_swap_issue(shape), *assumed))


def _claimed_zone(claim: Claim) -> Zone | None:
    if claim.meridian_deg is not None:
        return zone_of_meridian(claim.meridian_deg, claim.width_deg or 3)
    zone = zone_of_number(claim.zone) if claim.zone is not None else None
    return zone if zone is None or claim.width_deg in (None, zone.width_deg) else None


def _bare_code(meridian: int) -> str:
    zone = zone_of_meridian(float(meridian))
    if zone is None:
        raise UsageError(f"没有中央经线 {meridian}°E 的 3 度带")
    return zone.bare


def _meridian_label(meridian: int) -> str:
    six = f"，或 6 度带第 {_SIX[meridian]} 带" if meridian in _SIX else ""
    return f"CGCS2000 3 度带第 {meridian // 3} 带（中央经线 {meridian}°E{six}）"


def _conflict(carried: Zone, stated: Zone, how: str) -> Doubt:
    why = f"带号矛盾：横坐标前两位为 {carried.number} 带，而{how or '文件'}指明第 {stated.number} 带"
    return Doubt(why, (Option(carried.label, carried.prefixed), Option(stated.label, stated.prefixed)))


def finite(bounds: Bounds) -> bool:
    """Whether all four bounds are numbers."""
    return all(math.isfinite(value) for value in bounds)
