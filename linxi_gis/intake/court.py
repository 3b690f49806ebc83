"""Which reference system are these coordinates in? Evidence in, a ruling or a doubt out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linxi_gis import crs
from linxi_gis.datum import DATUMS
from linxi_gis.errors import CrsError
from linxi_gis.finding import Issue
from linxi_gis.intake import readings
from linxi_gis.intake import transform as transforms
from linxi_gis.intake.claims import claimed_zone, header_differs, misnamed, overridden, require_modern
from linxi_gis.intake.figures import (
    Bounds,
    Shape,
    columns,
    examine,
    finite,
    in_china,
    mixed_prefixes,
    swap_issue,
)
from linxi_gis.intake.foreign import old_datums
from linxi_gis.intake.reading import Candidate, Claim, Transform
from linxi_gis.intake.readings import ASSUMED_DEGREES, ASSUMED_METRES, STATED_WGS84, Option
from linxi_gis.intake.zones import (
    OLD_DEGREES,
    Plane,
    Zone,
    gauss_krueger,
    name_of,
    plane_of,
    zone_of_number,
)

if TYPE_CHECKING:
    import pyproj

__all__ = ["ASSUMED_DEGREES", "Bounds", "Doubt", "Option", "Ruling", "Shape", "decide", "examine", "finite", "in_china"]

_ZONE_REACH_M = 1_000_000.0
_WRITINGS = {datum.replace("-", ""): datum for datum in DATUMS} | {"DMS": "DMS"}  # gcj02, GCJ_02, dms ...
_OLD_REMEDY = (
    "请先用当地七参数转换为 CGCS2000 再提交，或用 --transform dx,dy,dz[,rx,ry,rz,s] 给出测绘单位提供的参数"
    "（米、角秒、ppm，坐标框架旋转）"
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """How to read a feature: `system` of its coordinates after column `east` is put first and
    `shift_m` added to it; `datum` names a shifted datum to undo, `packed` says that degrees are written
    DD.MMSS; the rest is for the answer. `candidates` are readings that cannot be ruled out.
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
    packed: bool = False
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why no ruling can be given, and the readings to try (none: the figures fit nothing usual).

    `odd` figures fit no system as they stand: of one feature among good ones that is an error, no question.
    """

    why: str
    options: tuple[Option, ...] = ()
    odd: bool = False


def decide(
    bounds: Bounds, claim: Claim, explicit: str | None, east: int | None, transform: Transform | None = None
) -> Ruling | Doubt:
    """Return how to read a feature, or why that cannot be known.

    `explicit` (--crs) wins over `claim` (the file), which wins over magnitude. Hard evidence is a stated
    system, zone or meridian, a zone number in the eastings, or degrees whose order is clear; evidence
    that contradicts evidence is a doubt. Raises CrsError when the figures contradict `explicit`, for
    systems that need parameters nobody gave, and for parameters given to a system that needs none.
    """
    shape = examine(bounds, east)
    if explicit:
        return _explicit(shape, bounds, claim, explicit, transform)
    if claim.foreign:
        return _foreign(shape, bounds, claim, transform)
    if claim.system:
        return _stated(shape, bounds, claim.system, claim.how, False, (), transform)
    ruling = _by_figures(shape, bounds, claim)
    if transform is not None and isinstance(ruling, Ruling):
        raise _not_old(ruling.source)
    return ruling


def _by_figures(shape: Shape, bounds: Bounds, claim: Claim) -> Ruling | Doubt:
    if shape.kind == "degrees":
        if shape.assumed:
            return Doubt("坐标像经纬度，但看不出哪一列是经度")
        return _degrees(shape, claim)
    against = _header_against_itself(shape, claim) if shape.kind in ("zoned", "bare") else None
    if against is not None:
        return against
    if shape.kind == "zoned" and shape.prefix is not None:
        return _zoned(shape, shape.prefix, claim)
    if shape.kind == "bare":
        return _bare(shape, claim)
    if shape.kind == "mercator":
        return Doubt("坐标像 Web 墨卡托投影（米），但文件没有写明坐标系", (readings.MERCATOR,))
    prefixes = mixed_prefixes(bounds, shape.east)
    if prefixes:
        return Doubt(f"同一图形里混有 {prefixes[0]} 带与 {prefixes[1]} 带的横坐标，请统一到一个投影带")
    why = "坐标值不在经纬度、高斯克吕格或 Web 墨卡托的常见范围内，坐标系无法确定"
    return Doubt(why, readings.every(shape), odd=True)


# --- said by the person ---------------------------------------------------------------------------


def _explicit(
    shape: Shape, bounds: Bounds, claim: Claim, explicit: str, transform: Transform | None
) -> Ruling | Doubt:
    system = _WRITINGS.get(re.sub(r"[-_ ]", "", explicit).upper(), explicit.strip())
    told_over = overridden(claim, system)
    old = old_datums(system)
    if len(old) == 1 and "[" not in system:  # 西安80 as a word, not as a WKT
        told = replace(claim, system="", foreign=old[0], datum="", how=claim.how or f"--crs 指定 {old[0]}")
        return _on_old(shape, bounds, told, old[0], transform)
    if transform is not None and (system in DATUMS or system == "DMS"):
        raise _not_old(system)
    if system in DATUMS:
        return _shifted(shape, system, told_over)
    if system == "DMS":
        return _packed(shape, told_over)
    return _stated(shape, bounds, system, "--crs 指定", True, told_over, transform)


def _only_degrees(shape: Shape, writing: str) -> None:
    if shape.kind != "degrees":
        raise CrsError(f"--crs {writing} 只适用于经纬度，坐标值却不是度", remedy="请核对坐标系")


def _shifted(shape: Shape, datum: str, overridden: tuple[Issue, ...]) -> Ruling:
    _only_degrees(shape, datum)
    text = f"坐标由 {datum} 反算为 CGCS2000（公开流传的算法，非官方公布，未做实地检核）"
    issues = (*overridden, Issue("datum_converted", "info", text), *swap_issue(shape))
    return Ruling(crs.LONLAT, datum, "--crs 指定", True, shape.east, True, datum=datum, issues=issues)


def _packed(shape: Shape, overridden: tuple[Issue, ...]) -> Ruling:
    _only_degrees(shape, "DMS")
    how = "--crs DMS 指定：CGCS2000 经纬度，度分秒连写（118.0327 即 118°03′27″）"
    issues = (*overridden, *swap_issue(shape))
    return Ruling(crs.LONLAT, crs.LONLAT, how, True, shape.east, True, issues=issues, packed=True)


# --- said by the file -----------------------------------------------------------------------------


def _foreign(shape: Shape, bounds: Bounds, claim: Claim, transform: Transform | None) -> Ruling | Doubt:
    old = old_datums(claim.foreign)
    if not old:
        raise CrsError(
            f"文件写明坐标系为“{claim.foreign}”，不是 2000 国家大地坐标系，也不是 WGS84，不能直接使用",
            remedy="请先转换为 CGCS2000；若确知它等同于某个坐标系，用 --crs 指明（如 EPSG:4527、GCJ-02）",
        )
    named = [*old, *([claim.datum] if claim.datum else [])]
    if len(named) > 1:
        raise CrsError(
            f"文件同时写到{'、'.join(named)}，坐标是哪一个看不出来",
            remedy="请向提供单位问明；确是 CGCS2000 的用 --crs 指明（如 EPSG:4527），确是旧坐标系的用 --crs "
            f"{old[0]} 指明并以 --transform 给出转换参数",
        )
    return _on_old(shape, bounds, claim, old[0], transform)


def _on_old(
    shape: Shape, bounds: Bounds, claim: Claim, datum: str, transform: Transform | None
) -> Ruling | Doubt:
    """Rule on coordinates that a header puts on an old datum: its zone is stated or in the eastings."""
    if transform is None:
        raise CrsError(f"坐标系为“{datum}”（{claim.how or '文件写明'}），缺少转换参数，不能转换到 CGCS2000", remedy=_OLD_REMEDY)
    how = claim.how or f"文件写明 {datum}"
    if shape.kind == "degrees":
        return _stated(shape, bounds, OLD_DEGREES[datum], how, False, (), transform)
    stated, carried = claimed_zone(claim), zone_of_number(shape.prefix or 0)
    zone = stated or carried
    if zone is None or shape.kind not in ("zoned", "bare"):
        return Doubt(f"文件写明 {datum}，但没有写明投影带", readings.every_old(shape, datum))
    if stated is not None and carried is not None and stated.meridian_deg != carried.meridian_deg:
        return _conflict(shape, carried, stated, how)
    system = zone.on(datum, prefixed=carried is not None)
    return _stated(shape, bounds, system, f"{how}，{zone.number} 带", False, (), transform)


def _not_old(source: str) -> CrsError:
    return CrsError(
        f"转换参数（--transform）只用于西安80、北京54 等旧坐标系，坐标却读作 {source}",
        remedy="请去掉 --transform；若坐标确在旧坐标系，用 --crs 指明（如 西安80、EPSG:2363）",
    )


def _needs_parameters(old: str, system: str, how: str, parsed: pyproj.CRS) -> CrsError:
    """The error of an old datum without parameters; it quotes those that the file itself carries."""
    own = transforms.carried(parsed)
    remedy = _OLD_REMEDY
    if own is not None:
        remedy = f"文件自带 TOWGS84 参数，未采用；若经核实可用，请加 --transform {own.text}（已换成坐标框架旋转）"
    name = "" if own is not None or len(system) > 60 else f" {name_of(system)}"
    return CrsError(f"{old}坐标（{how}{name}）没有转换参数，不能转换到 CGCS2000", remedy=remedy)


def _stated(
    shape: Shape, bounds: Bounds, system: str, how: str, forced: bool, issues: tuple[Issue, ...],
    transform: Transform | None,
) -> Ruling | Doubt:  # fmt: skip
    parsed = crs.parse(system)
    old = crs.old_datum(parsed)
    if old and transform is None:
        raise _needs_parameters(old, system, how, parsed)
    if transform is not None and not old:
        raise _not_old(name_of(system))
    if not old:
        require_modern(parsed, how)
    if old and parsed.is_bound:
        parsed = crs.unbound(parsed)
        system = str(parsed.to_wkt())
    told = (*issues, *swap_issue(shape))
    if parsed.is_geographic != (shape.kind == "degrees"):
        looks = "是经纬度" if shape.kind == "degrees" else "不是经纬度"
        why = f"坐标值看起来{looks}，与坐标系 {name_of(system)}（{how}）不符"
        return _at_odds(why, shape, forced)
    plane = gauss_krueger(parsed) if old else plane_of(system)
    told = told if old or forced else (*told, *misnamed(parsed, gauss_krueger(parsed), how))
    if plane is not None:
        ruling = _in_plane(shape, bounds, system, plane, how, forced, told)
    else:
        ruling = Ruling(system, name_of(system), how, True, shape.east, bool(parsed.is_geographic), issues=told)
    if transform is None or isinstance(ruling, Doubt):
        return ruling
    return _with_parameters(ruling, bounds, transform)


def _with_parameters(ruling: Ruling, bounds: Bounds, transform: Transform) -> Ruling:
    west, east, south, north = columns(bounds, ruling.east)
    told = transforms.told(ruling.system, transform, (west + east) / 2.0 + ruling.shift_m, (south + north) / 2.0)
    return replace(
        ruling,
        system=transforms.transformed(ruling.system, transform),
        how=f"{ruling.how}，按 --transform 参数转换",
        issues=(*ruling.issues, told),
    )


def _at_odds(why: str, shape: Shape, forced: bool) -> Doubt:
    """Figures against what was stated: the person is told that they are wrong, of the file we ask."""
    if forced:
        raise CrsError(why, remedy="请核对坐标系与坐标值，或用 --crs 指明")
    return Doubt(why, readings.every(shape))


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
                return _conflict(shape, other, plane.zone, how)
            text = f"横坐标前两位是 {carried} 带，按{how}的 {plane.zone.label} 读取，前两位已舍去"
            told = (*told, Issue("zone_prefix_ignored", "warning", text, "请核对带号"))
        shift = wanted - carried * 1e6
    elif shape.kind == "bare":
        shift = wanted
    else:
        shift = 0.0
        west, right, _, _ = columns(bounds, shape.east)
        if max(abs(west - wanted - 5e5), abs(right - wanted - 5e5)) > _ZONE_REACH_M:
            why = f"横坐标 {west:.0f} 不在 {name_of(system)}（{plane.zone.label}）的范围内"
            return _at_odds(why, shape, forced)
    if shift and not any(issue.code == "zone_prefix_ignored" for issue in told):
        text = f"横坐标{'不带' if wanted else '带有'}带号，按 {plane.zone.label} 统一"
        told = (*told, Issue("zone_prefix_adjusted", "info", text))
    return Ruling(system, name_of(system), how, True, shape.east, False, shift_m=shift, issues=told)



def _degrees(shape: Shape, claim: Claim) -> Ruling:
    told = swap_issue(shape)
    if claim.datum == "CGCS2000":
        return Ruling(crs.LONLAT, crs.LONLAT, claim.how, True, shape.east, True, issues=told)
    how = claim.how if claim.datum else "未注明基准，按 CGCS2000 经纬度"
    return Ruling(crs.LONLAT, crs.LONLAT, how, False, shape.east, True, issues=(*told, ASSUMED_DEGREES))


def _zoned(shape: Shape, prefix: int, claim: Claim) -> Ruling | Doubt:
    zone = zone_of_number(prefix)
    assert zone is not None  # examine() only accepts prefixes that are zones
    stated, meridian = claimed_zone(claim), claim.meridian_deg
    if stated is not None and stated.meridian_deg != zone.meridian_deg:
        return _conflict(shape, zone, stated, claim.how)
    if meridian is not None and meridian != zone.meridian_deg:
        own = f"{prefix} 带（中央经线 {zone.meridian_deg}°E）"
        why = f"带号矛盾：横坐标前两位为 {own}，而{claim.how or '文件'}指明中央经线 {meridian:g}°E"
        return Doubt(why, _first((readings.of_zone(zone, stated=True),), shape))
    if shape.mercator and not claim.datum and stated is None:
        why = f"横坐标既可能带有 {prefix} 带的带号，也可能是 Web 墨卡托"
        both = (readings.of_zone(zone, stated=True), replace(readings.MERCATOR, stated=True))
        return Doubt(why, _first(both, shape))
    how = "，".join(filter(None, (claim.how, f"横坐标前两位 {prefix} 为带号")))
    ruling = _by_zone(shape, zone.prefixed, how, claim)
    return replace(ruling, issues=(*ruling.issues, *header_differs(claim, zone, prefix)))


def _bare(shape: Shape, claim: Claim) -> Ruling | Doubt:
    zone = claimed_zone(claim)
    if zone is not None:
        return _by_zone(shape, zone.bare, claim.how, claim)
    if claim.meridian_deg is not None and 70.0 <= claim.meridian_deg <= 140.0:
        return _own_meridian(shape, claim.meridian_deg, claim)
    return Doubt("横坐标没有带号，文件也没有写明投影带，坐标系无法确定", readings.every(shape))


def _own_meridian(shape: Shape, meridian: float, claim: Claim) -> Ruling:
    """Rule by a stated meridian that is none of the national zones': surveys choose their own (118.5°)."""
    system = f"+proj=tmerc +lat_0=0 +lon_0={meridian:.12g} +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs"
    text = f"中央经线 {meridian:g}°E 不是国家 3 度带或 6 度带的中央经线，按写明的中央经线、东偏 500 km 读取"
    told = Issue("meridian_unusual", "warning", text, "请核对中央经线；若另有投影面高程或平移，请先转换到国家投影带")
    ruling = _by_zone(shape, system, claim.how, claim)
    return replace(ruling, issues=(*ruling.issues, told))


def _by_zone(shape: Shape, system: str, how: str, claim: Claim) -> Ruling:
    told = {"CGCS2000": (), "WGS84": (STATED_WGS84,)}
    assumed = told.get(claim.datum, (ASSUMED_METRES,))
    declared = claim.datum == "CGCS2000"
    return Ruling(system, system, how, declared, shape.east, False, issues=(*swap_issue(shape), *assumed))


def _header_against_itself(shape: Shape, claim: Claim) -> Doubt | None:
    """A doubt when the header names a zone and a meridian that is not its own."""
    zone, stated = zone_of_number(claim.zone or 0), claimed_zone(claim)
    if zone is None or claim.meridian_deg is None or claim.meridian_deg == zone.meridian_deg:
        return None
    why = f"{claim.how or '文件'}自相矛盾：{zone.number} 带的中央经线是 {zone.meridian_deg}°E，不是 {claim.meridian_deg:g}°E"
    both = tuple(readings.of_zone(one, stated=True) for one in (zone, stated) if one is not None)
    return Doubt(why, _first(both, shape))


def _conflict(shape: Shape, carried: Zone, stated: Zone, how: str) -> Doubt:
    why = f"带号矛盾：横坐标前两位为 {carried.number} 带，而{how or '文件'}指明第 {stated.number} 带"
    return Doubt(why, _first(tuple(readings.of_zone(one, stated=True) for one in (carried, stated)), shape))


def _first(stated: tuple[Option, ...], shape: Shape) -> tuple[Option, ...]:
    """The stated readings, then the others there are."""
    named = {option.crs for option in stated}
    return (*stated, *(option for option in readings.every(shape) if option.crs not in named))
