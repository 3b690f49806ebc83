"""The readings there are: every usual system round the county, as options for the court to try."""

from __future__ import annotations

from dataclasses import dataclass

from linxi_gis.finding import Issue
from linxi_gis.intake.figures import Shape
from linxi_gis.intake.zones import OLD_DEGREES, Zone, zone_of_meridian

# Zones met in practice around 林西 (117.6-118.6°E), the nearest first.
_ZONES = (Zone(3, 39), Zone(3, 40), Zone(3, 38), Zone(3, 41), Zone(6, 20), Zone(6, 21), Zone(6, 19))
_MERIDIANS = (117, 120, 114, 123, 111)
_SIX = {111: 19, 117: 20, 123: 21}


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate reading: a label and the text to pass to --crs; it is read by `decide` as such.

    `stated` marks one that the file or its figures name: it is always shown, and first.
    """

    label: str
    crs: str
    stated: bool = False


MERCATOR = Option("Web 墨卡托", "EPSG:3857")
UTM = Option("WGS 84 / UTM 50 带（中央经线 117°E，比例 0.9996）", "EPSG:32650")
DEGREES = Option("CGCS2000 经纬度（十进制度）", "EPSG:4490")
PACKED = Option("CGCS2000 经纬度（度分秒连写，118.0327 即 118°03′27″）", "DMS")
_SHIFTED = (Option("GCJ-02 经纬度（高德、腾讯）", "GCJ-02"), Option("BD-09 经纬度（百度）", "BD-09"))

# What is told of a reading that took a datum nobody named.
ASSUMED_DEGREES = Issue(
    code="datum_assumed",
    severity="info",
    text="文件没有注明是 CGCS2000 还是 GCJ-02（火星坐标），按 WGS84/CGCS2000 经纬度读取；"
    "若实为 GCJ-02，位置在本县会偏 549～631 m",
    remedy="若坐标取自高德、腾讯地图，请用 --crs GCJ-02；取自百度地图，请用 --crs BD-09（本县约偏 1.4 km）",
)
ASSUMED_METRES = Issue(
    code="datum_assumed",
    severity="warning",
    text="文件没有注明大地基准，按 CGCS2000 读取；若实为西安80 或北京54，位置会偏几十至上百米",
    remedy="请向测绘单位核实坐标系",
)


STATED_WGS84 = Issue(
    code="datum_assumed",
    severity="info",
    text="文件写明 WGS84，平面坐标按 CGCS2000 的同一投影带读取（两者相差在分米以内）",
    remedy="请向测绘单位核实坐标系",
)


def of_zone(zone: Zone, *, stated: bool = False) -> Option:
    """Return the reading of eastings that carry, or should have carried, the number of a zone."""
    return Option(zone.label, zone.prefixed, stated)


def every(shape: Shape) -> tuple[Option, ...]:
    """Return all readings of figures of a kind, the most usual first.

    >>> [option.crs for option in every(Shape("degrees", 0))]
    ['EPSG:4490', 'GCJ-02', 'BD-09']
    """
    if shape.kind == "degrees":
        return (DEGREES, *_SHIFTED)
    if shape.kind == "zoned":
        zones = tuple(of_zone(zone) for zone in _ZONES)
        return (*zones, MERCATOR) if shape.mercator else zones
    if shape.kind == "mercator":
        return (MERCATOR,)
    bare = tuple(_by_meridian(meridian) for meridian in _MERIDIANS)
    return (*bare, UTM) if shape.kind == "bare" else bare


def every_old(shape: Shape, datum: str) -> tuple[Option, ...]:
    """Return the readings on an old datum, "西安80" or "北京54"."""
    if shape.kind == "degrees":
        return (Option(f"{datum} 经纬度", OLD_DEGREES[datum]),)
    if shape.kind == "zoned":
        return tuple(Option(f"{datum}{_named(zone)}", zone.on(datum, prefixed=True)) for zone in _ZONES)
    zones = (zone_of_meridian(float(meridian)) for meridian in _MERIDIANS)
    return tuple(
        Option(f"{datum}{_named(zone)}", zone.on(datum, prefixed=False)) for zone in zones if zone is not None
    )


def _named(zone: Zone) -> str:
    return zone.label.removeprefix("CGCS2000")


def _by_meridian(meridian: int) -> Option:
    six = f"，或 6 度带第 {_SIX[meridian]} 带" if meridian in _SIX else ""
    label = f"CGCS2000 3 度带第 {meridian // 3} 带（中央经线 {meridian}°E{six}）"
    return Option(label, Zone(3, meridian // 3).bare)
