"""The shape of single zones: validity, spikes, slivers, tiny parts, placeholders."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.validation import explain_validity

from linxi_gis import crs, repairs
from linxi_gis.checkup.record import COMMON, GRAVE, HINT, Fault, lonlat
from linxi_gis.checkup.sheet import Sheet
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.themes import AREAL_THEMES

# Our choices. A strip thinner than 1 m everywhere is no zone: the default accuracy of a layer is 1 m.
SLIVER_WIDTH_M = 1.0
# Our choice: a square of 2 m, 0.2 mm on a map at 1:10 000.
TINY_M2 = 4.0
# A corner sharper than this between two edges longer than SPIKE_LENGTH_M is a needle, no border.
SPIKE_DEG = 3.0
SPIKE_LENGTH_M = 30.0
# A zone that fills this share of the county all alone, where the theme has more than one zone by nature.
WHOLE_COUNTY_SHARE = 0.95
_WHOLE_BY_NATURE = ("admin_county", "air_zone", "water_zone", "soil_zone", "resource_zone")
_PLACEHOLDER = re.compile(r"^(无数据|暂无(数据)?|待补充?|测试|占位|空|no\s?data|null|none|n/a|test|[xX?？]+)$", re.IGNORECASE)
_DEFINED_BY_CORNERS = ("mining_right", "prospecting_right")  # rights are often boxes by law


def check(sheet: Sheet, county: Geometry) -> Iterator[Fault]:
    """Yield what is wrong with the shape of each zone; `county` is in the area plane."""
    for row in range(len(sheet.drawn)):
        yield from _validity(sheet, row)
        yield from _parts(sheet, row)
        yield from _spikes(sheet, row)
    yield from _placeholders(sheet, county)


def _validity(sheet: Sheet, row: int) -> Iterator[Fault]:
    shape, zone = sheet.drawn[row], sheet.ids[row]
    if shape.is_empty:
        yield Fault("empty", GRAVE, sheet.id, (zone,), sheet.box(), "0 个拐点", f"{sheet.title}「{zone}」没有图形",
                    "请向图层提供单位索取完整图形")  # fmt: skip
    elif sheet.theme in AREAL_THEMES and shapely.get_dimensions(shape) < 2:
        yield Fault("no_area", GRAVE, sheet.id, (zone,), shape, shape.geom_type, f"{sheet.title}「{zone}」是线或点，不是面",
                    "请索取面图层，或把边界线构成面后重新导出")  # fmt: skip
    elif not shape.is_valid:
        reason = explain_validity(shape)
        numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", reason.partition("[")[2])
        place = shapely.Point([float(one) for one in numbers[:2]]) if len(numbers) > 1 else shape.envelope
        doubt, accuracy = repairs.doubt_m(crs.plane_of_lonlat(shape)), sheet.entry.identity.accuracy_m
        sure = doubt <= accuracy
        told = f"{reason}；几种修复法相差 " + (f"{doubt:.2f} m" if math.isfinite(doubt) else "说不清多少")
        text = f"{sheet.title}「{zone}」的图形自相交或不合规"
        text += "" if sure else f"，怎么修复不能确定，超出界线精度 {accuracy:g} m"
        remedy = "请核对拐点次序，改正后重新导入" + ("；研判时按修复后的图形" if sure else "；不要按修复后的图形研判")
        yield Fault("invalid", COMMON if sure else GRAVE, sheet.id, (zone,), place, told, text, remedy)


def width_m(shape: Geometry) -> float:
    """Return about how wide an area is: that of the rectangle of the same area and perimeter.

    >>> round(width_m(shapely.box(0, 0, 200, 0.5)), 3)
    0.5
    """
    half = shape.length / 2.0
    root = max(half * half - 4.0 * shape.area, 0.0) ** 0.5
    return float((half - root) / 2.0)


def _parts(sheet: Sheet, row: int) -> Iterator[Fault]:
    for part in shapely.get_parts(sheet.plane[row]):
        if shapely.get_dimensions(part) != 2 or part.is_empty:
            continue
        zone, area = sheet.ids[row], float(part.area)
        if area < TINY_M2:
            yield Fault("tiny", HINT, sheet.id, (zone,), lonlat(part), f"{area:.2f} m²",
                        f"{sheet.title}「{zone}」有碎块", "请删去或并入相邻图斑")  # fmt: skip
        elif width_m(part) < SLIVER_WIDTH_M:
            yield Fault("sliver", COMMON, sheet.id, (zone,), lonlat(part), f"宽约 {width_m(part):.2f} m",
                        f"{sheet.title}「{zone}」是狭长碎条", "多为叠加残留，请删去或并入相邻图斑")  # fmt: skip


def _spikes(sheet: Sheet, row: int) -> Iterator[Fault]:
    areas = [part for part in shapely.get_parts(sheet.plane[row]) if shapely.get_dimensions(part) == 2]
    for ring in shapely.get_rings(areas):
        xy = shapely.get_coordinates(ring)[:-1]
        for tip in xy[_needles(xy)]:
            zone = sheet.ids[row]
            yield Fault("spike", HINT, sheet.id, (zone,), lonlat(shapely.Point(tip)), f"尖角不足 {SPIKE_DEG:g}°",
                        f"{sheet.title}「{zone}」有尖刺", "请核对该拐点的坐标")  # fmt: skip


def _needles(xy: FloatArray) -> NDArray[np.intp]:
    before, after = np.roll(xy, 1, axis=0) - xy, np.roll(xy, -1, axis=0) - xy
    long, short = np.hypot(*before.T), np.hypot(*after.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = (before * after).sum(axis=1) / (long * short)
    sharp = np.degrees(np.arccos(np.clip(np.nan_to_num(cosine, nan=-1.0), -1.0, 1.0))) < SPIKE_DEG
    found: NDArray[np.intp] = np.flatnonzero(sharp & (np.minimum(long, short) > SPIKE_LENGTH_M))
    return found


def _placeholders(sheet: Sheet, county: Geometry) -> Iterator[Fault]:
    for row, (zone, shape) in enumerate(zip(sheet.ids, sheet.plane, strict=True)):
        word = next((w for w in (sheet.names[row], sheet.words[row]) if _PLACEHOLDER.match(w)), "")
        if word:
            yield Fault("placeholder_word", COMMON, sheet.id, (zone,), sheet.drawn[row].envelope, word,
                        f"{sheet.title}「{zone}」写的是“{word}”，像占位图斑", "请换成真实的图斑，或删去")  # fmt: skip
        if _is_box(sheet.drawn[row]) and sheet.theme not in _DEFINED_BY_CORNERS:
            yield Fault("placeholder_box", COMMON, sheet.id, (zone,), sheet.drawn[row], f"{shape.area / 1e6:.2f} km²",
                        f"{sheet.title}「{zone}」是正东西向的矩形，像外包框", "请索取真实的边界")  # fmt: skip
    if len(sheet.plane) != 1 or not sheet.areal() or sheet.theme == "admin_county":
        return
    share = float(shapely.intersection(sheet.plane[0], county).area / county.area)
    if share >= WHOLE_COUNTY_SHARE:
        severity = HINT if sheet.theme in _WHOLE_BY_NATURE else GRAVE
        yield Fault("placeholder_county", severity, sheet.id, (sheet.ids[0],), sheet.drawn[0].envelope,
                    f"占全县 {share:.1%}", f"{sheet.title}只有一个图斑，盖满全县，像占位数据",
                    "请核对是否拿县界充数，索取真实的分区")  # fmt: skip


def _is_box(shape: Geometry) -> bool:
    """Whether an area is a rectangle along the meridians, corner by corner."""
    if shapely.get_num_geometries(shape) != 1 or shapely.get_dimensions(shape) != 2:
        return False
    xy = shapely.get_coordinates(shape)
    return len(xy) == 5 and all((a == b).sum() == 1 for a, b in pairwise(xy))
