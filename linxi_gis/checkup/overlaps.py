"""Zones against zones: duplicates and overlaps in a layer, tiling, layers that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import shapely

from linxi_gis.checkup.record import COMMON, HINT, Fault, lonlat
from linxi_gis.checkup.shapes import SLIVER_WIDTH_M, TINY_M2, width_m
from linxi_gis.checkup.sheet import Sheet
from linxi_gis.crs import Geometry
from linxi_gis.model import GeometryArray

DUPLICATE_SHARE = 0.95  # of both zones: issue 6
# Our choice: less than 100 m² in common is drawing, told by slivers where it matters.
OVERLAP_M2 = 100.0
TILES = ("control_unit", "admin_town")
# Themes whose zones of one class must not overlap; rights lie above each other, rivers meet.
_APART = ("permanent_farmland", "urban_boundary", "ecological_redline", "protected_area", "water_source")
ARTICLE = "生态环境法典第八百五十九条：各类自然保护地范围不得交叉重叠"
ARTICLE_SINCE = date(2026, 8, 15)


def within(sheet: Sheet, county: Geometry, day: date) -> Iterator[Fault]:
    """Yield duplicates and overlaps of a layer, and of one that tiles the county (area plane) its gaps."""
    if not sheet.areal():
        return
    for a, b, common in _pairs(sheet.plane):
        area = float(common.area)
        names = (sheet.ids[a], sheet.ids[b])
        if area > DUPLICATE_SHARE * max(sheet.plane[a].area, sheet.plane[b].area):
            yield Fault("duplicate", COMMON, sheet.id, names, lonlat(common), f"重合 {area / 1e4:.2f} 公顷",
                        f"{sheet.title}「{names[0]}」与「{names[1]}」是同一块地", "请核对后删去一个")  # fmt: skip
        elif sheet.theme in TILES or _crossing(sheet, a, b):
            code = "tile_overlap" if sheet.theme in TILES else "overlap"
            basis = f"（{ARTICLE}）" if sheet.theme == "protected_area" and day >= ARTICLE_SINCE else ""
            yield Fault(code, COMMON, sheet.id, names, lonlat(common), f"重叠 {area / 1e4:.2f} 公顷",
                        f"{sheet.title}「{names[0]}」与「{names[1]}」重叠{basis}", "请核对两者的边界")  # fmt: skip
    if sheet.theme in TILES:
        yield from _gaps(sheet, county)


def _crossing(sheet: Sheet, a: int, b: int) -> bool:
    same = sheet.words[a] == sheet.words[b] or sheet.theme == "protected_area"
    return sheet.theme in _APART and same


def _pairs(shapes: GeometryArray) -> Iterator[tuple[int, int, Geometry]]:
    column = np.asarray(shapes, dtype=object)
    first, second = shapely.STRtree(column).query(column, predicate="intersects")
    ahead = first < second
    first, second = first[ahead], second[ahead]
    common = shapely.intersection(column[first], column[second])
    for n in np.flatnonzero(shapely.area(common) > OVERLAP_M2).tolist():
        parts = shapely.get_parts(common[n])  # borders that should be one meet in lines and hairs as well
        yield int(first[n]), int(second[n]), shapely.union_all(parts[shapely.area(parts) > TINY_M2])


def _gaps(sheet: Sheet, county: Geometry) -> Iterator[Fault]:
    for part in shapely.get_parts(shapely.difference(county, shapely.union_all(sheet.plane))):
        if part.area > OVERLAP_M2 and width_m(part) > SLIVER_WIDTH_M:
            yield Fault("gap", COMMON, sheet.id, (), lonlat(part), f"{part.area / 1e4:.2f} 公顷",
                        f"{sheet.title}应铺满全县，此处没有图斑", "请向提供单位核对此处归属")  # fmt: skip


def between(sheets: Sequence[Sheet], day: date) -> Iterator[Fault]:
    """Yield protected areas of different layers that cross, from the day on that the law forbids it (Code art. 859).

    No other themes are held against each other: art. 59 has farmland, red line and urban boundary drawn, and does not say
    that they must not cross.
    """
    if day < ARTICLE_SINCE:
        return
    areas = [sheet for sheet in sheets if sheet.theme == "protected_area" and sheet.areal()]
    for n, one in enumerate(areas):
        for other in areas[n + 1 :]:
            rows, others = shapely.STRtree(other.plane).query(one.plane, predicate="intersects")
            common = shapely.intersection(one.plane[rows], other.plane[others])
            for k in np.flatnonzero(shapely.area(common) > OVERLAP_M2).tolist():
                names = one.ids[rows[k]], other.ids[others[k]]
                yield Fault("exclusive", COMMON, one.id, names, lonlat(common[k]), f"{common[k].area / 1e4:.2f} 公顷",
                            f"{one.title}「{names[0]}」与{other.title}「{names[1]}」交叉（{ARTICLE}）",
                            "请核对两者的批复范围", other.id)  # fmt: skip


def outside(sheet: Sheet, county: Geometry) -> Iterator[Fault]:
    """Yield zones wholly outside the county (area plane) of a layer that claims to cover it."""
    if sheet.entry.coverage != "county":
        return
    away = shapely.distance(sheet.plane, county)
    limit = sheet.entry.identity.range_m
    for row in np.flatnonzero(away > 0.0).tolist():
        severity = COMMON if away[row] > limit else HINT
        yield Fault("outside", severity, sheet.id, (sheet.ids[row],), sheet.drawn[row], f"距县界 {away[row]:.0f} m",
                    f"{sheet.title}「{sheet.ids[row]}」在县域以外", "请核对坐标系、带号和坐标")  # fmt: skip
