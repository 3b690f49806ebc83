"""The head of a 界址点 TXT: what it says of the reference system, units, precision and constants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import read_coordinate
from linxi_gis.intake.foreign import foreign_datum, old_datums, raised_plane
from linxi_gis.intake.reading import Claim, Unit

AREA_UNITS: dict[str, Unit] = {
    "公顷": "hm2", "hm2": "hm2", "hm²": "hm2", "ha": "hm2",
    "平方米": "m2", "m2": "m2", "m²": "m2", "㎡": "m2", "亩": "mu",
}  # fmt: skip
_METRES = {
    "米": 1.0, "m": 1.0, "meter": 1.0, "metre": 1.0, "毫米": 1e-3, "mm": 1e-3, "厘米": 1e-2, "cm": 1e-2,
    "千米": 1e3, "公里": 1e3, "km": 1e3,
}  # fmt: skip
_DEGREES = re.compile(r"度.*|十进制度|经纬度|degrees?|°|dms", re.IGNORECASE)
_SYSTEM = ("坐标系", "坐标系统", "坐标系名称", "大地基准")
_WIDTH = ("几度分带", "分带", "几度带", "分带方式", "度带")
_MERIDIAN = ("中央经线", "中央子午线", "中央子午线经度", "中央经度")
_PROJECTION = ("投影类型", "投影方式", "投影")
_UNIT = ("计量单位", "坐标单位", "单位")
_WIDTHS = re.compile(r"(?<![\d.])(?:(?P<three>[3三])|(?P<six>[6六]))(?![\d.])")
_ZONE = re.compile(r"(?:第\s*)?(\d{1,2})(?:\.0*)?\s*(?:号?带)?")
# Gauss-Krüger is the transverse Mercator projection; UTM (通用横轴墨卡托) is another, at scale 0.9996.
_GAUSS = re.compile(r"高斯|gauss|横轴?墨卡托|transverse", re.IGNORECASE)
_NOT_GAUSS = re.compile(r"通用|UTM", re.IGNORECASE)
_NO_PROJECTION = re.compile(r"|无|没有|不投影|地理.*|经纬度|大地.*|平面.*|-|/")
_CONSTANT = re.compile(
    r"(?P<axis>[XYxy纵横东北](?:坐标|轴|值)*)?\s*(?P<word>(?:已|均|统一|都)*[加减](?:去|上|了|掉)?)?"
    r"(?P<kind>(?:坐标)?(?:大数|常数|常量))?\s*(?:[=:为]\s*)?(?P<sign>[+-]?)"
    r"(?P<figure>\d{3,9}(?:\.\d+)?)\s*(?P<unit>km|m|公里|千米|米)?"
)
_CONSTANT_LINE = re.compile(r"大数|常数|常量|[加减](?:去|上|了|掉)|已[加减]")
_USUAL_M = (0.0, 500_000.0)  # the false easting of every Gauss-Krüger zone: part of the system itself

Axis = Literal["north", "east"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant the header names: added to or taken from an axis; `way` 0: it does not say which."""

    text: str
    metres: float
    axis: Axis | None
    way: Literal[-1, 0, 1]


@dataclass(frozen=True, slots=True)
class Header:
    """What one [属性描述] says. `scale` brings figures to metres (None: they are degrees), `precision_m`
    is the unit they were written to (0: not said), `area_unit` that of areas without one.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    claim: Claim = field(default_factory=Claim)
    projection: str = ""
    scale: float | None = 1.0
    precision_m: float = 0.0
    area_unit: Unit = ""
    constants: tuple[Constant, ...] = ()
    issues: tuple[Issue, ...] = ()


def read_header(pairs: Mapping[str, str], remarks: tuple[str, ...], source: str) -> Header:
    """Return what a header says; `remarks` are its lines without "=".

    Raises InputError for a central meridian that is no angle.
    """
    issues: list[Issue] = [*_transformed(pairs)]
    scale = _scale(pairs, issues)
    precision = read_coordinate(pairs.get("精度", ""))
    constants = _constants(pairs, remarks)
    return Header(
        pairs=tuple((key, value) for key, value in pairs.items() if value.strip(", ")),
        claim=_claim(pairs, source, issues),
        projection=_odd_projection(_first(pairs, _PROJECTION)),
        scale=scale,
        precision_m=precision.value if precision is not None and 0.0 < precision.value <= 1000.0 else 0.0,
        area_unit=AREA_UNITS.get(pairs.get("面积单位", "").lower(), ""),
        constants=constants,
        issues=tuple(issues),
    )


def _first(pairs: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((pairs[key] for key in keys if pairs.get(key)), "")


def _scale(pairs: Mapping[str, str], issues: list[Issue]) -> float | None:
    text = _first(pairs, _UNIT)
    if not text:
        return 1.0
    if _DEGREES.fullmatch(text):
        return None
    scale = _METRES.get(text.lower())
    if scale is None:
        told = f"计量单位 {text[:20]!r} 不认识，坐标按米读取"
        issues.append(Issue("unit_unknown", "warning", told, "计量单位请写 米 或 度"))
        return 1.0
    if scale != 1.0:
        issues.append(Issue("unit_scaled", "info", f"文件头写明计量单位为{text}，坐标已换算为米"))
    return scale


def _odd_projection(text: str) -> str:
    """The projection a header names when it is not Gauss-Krüger, else "".

    >>> _odd_projection("高斯克吕格"), _odd_projection("UTM"), _odd_projection("Web墨卡托")
    ('', 'UTM', 'Web墨卡托')
    """
    plain = text.strip()
    gauss = _GAUSS.search(plain) and not _NOT_GAUSS.search(plain)
    return "" if gauss or _NO_PROJECTION.fullmatch(plain) else plain[:40]


def _transformed(pairs: Mapping[str, str]) -> tuple[Issue, ...]:
    """Told when the header gives parameters of a datum shift: nobody says which way, so none is applied."""
    text = pairs.get("转换参数", "")
    if not re.search(r"[1-9]", text):
        return ()
    told = f"文件头的转换参数（{text[:60]}）未被采用，坐标按写明的坐标系原样读取"
    remedy = (
        "若坐标尚未转换，请转换为 CGCS2000 后提交；或向测绘单位问明参数的含义和方向，再用 --transform dx,dy,dz[,rx,ry,rz,s] 给出"
        "（旧坐标系到 CGCS2000，米、角秒、ppm，坐标框架旋转）；文件没有写明旧坐标系的，并用 --crs 西安80 或 --crs 北京54 指明"
    )
    return (Issue("transform_parameters_ignored", "warning", told, remedy),)


def _claim(pairs: Mapping[str, str], source: str, issues: list[Issue]) -> Claim:
    system = _first(pairs, _SYSTEM)
    datum = "CGCS2000" if re.search(r"2000|CGCS", system, re.IGNORECASE) else ""
    datum = datum or ("WGS84" if re.search(r"WGS\D*84", system, re.IGNORECASE) else "")
    found = _WIDTHS.search(_first(pairs, _WIDTH))
    width = None if found is None else 3 if found["three"] else 6
    zone = _zone(pairs.get("带号", ""), issues)
    meridian = _meridian(_first(pairs, _MERIDIAN), source)
    words = [system] if system else []
    words += [f"{width} 度带"] if width else []
    words += [f"{zone} 带"] if zone is not None else []
    words += [f"中央经线 {meridian:g}°"] if meridian is not None else []
    how = f"文件头写明 {'、'.join(words)}" if words else ""
    foreign = foreign_datum(f"坐标系={''.join(system.split())}") if system else ""
    lines = "\n".join(f"{key}={value}" for key, value in pairs.items())
    foreign = foreign or "、".join(old_datums(lines)) or raised_plane(lines)
    return Claim(datum=datum, zone=zone, width_deg=width, meridian_deg=meridian, foreign=foreign, how=how)


def _zone(text: str, issues: list[Issue]) -> int | None:
    match = _ZONE.fullmatch(text)
    if match is None and text.strip(" -/无"):
        told = f"文件头的带号 {text[:20]!r} 无法读懂，未采用"
        issues.append(Issue("zone_unread", "warning", told, "带号请写两位数字，例如 39"))
    return int(match[1]) if match else None


def _meridian(text: str, source: str) -> float | None:
    if not text:
        return None
    found = read_coordinate(text)
    if found is None:
        raise InputError(f"中央经线 {text[:40]!r} 无法读懂", where=source, remedy="请写成度数，例如 117")
    return found.value


def _constants(pairs: Mapping[str, str], remarks: tuple[str, ...]) -> tuple[Constant, ...]:
    lines = [*(f"{key}={value}" for key, value in pairs.items()), *remarks]
    found: list[Constant] = []
    for line in lines:
        if _CONSTANT_LINE.search(line.partition("转换参数")[0]):
            found += [c for match in _CONSTANT.finditer(line[:200]) if (c := _constant(match, line))]
    return tuple(found)


def _constant(match: re.Match[str], line: str) -> Constant | None:
    """One constant of a line; "减去" and "已加" tell what was done, "加常数" may be done or to do.

    >>> c = read_header({}, ("横坐标减去39000000",), "").constants[0]
    >>> c.metres, c.axis, c.way
    (39000000.0, 'east', -1)
    """
    word, kind, axis_text = match["word"] or "", match["kind"] or "", match["axis"] or ""
    if not (word or kind):
        return None
    metres = float(match["figure"]) * _METRES.get((match["unit"] or "").lower(), 1.0)
    if match["sign"] == "-" or metres in _USUAL_M:
        return None
    way: Literal[-1, 0, 1] = 0
    if "减" in word:
        way = -1
    elif "加" in word and re.search("[已均统都上了]", word):
        way = 1
    axis: Axis | None = None
    if axis_text:
        axis = "north" if axis_text[0] in "Xx纵北" else "east"
    elif metres % 1e6 == 0.0 and 13 <= metres // 1e6 <= 45:
        axis = "east"  # a zone number before the easting
    return Constant(line.strip()[:60], metres, axis, way)
