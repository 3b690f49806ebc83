"""Sizes that cannot be, places outside the county, and why a declared area is another than the drawn one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.finding import Issue
from linxi_gis.footprint import DECLARED_TOLERANCE
from linxi_gis.intake.ringcheck import points_wkt, wkt
from linxi_gis.intake.rings import mended
from linxi_gis.intake.zones import zone_of_number
from linxi_gis.model import Candidate, Site
from linxi_gis.units import M2_PER_HM2, M2_PER_MU, area_text, distance_text

# Our choices: no project is larger than an eighth of the county, none smaller than a square metre, and
# the county is 80 km wide.
HUGE_M2, TINY_M2, LONG_M = 5.0e8, 1.0, 2.0e5
# Planes of neighbouring zones differ by 3e-4 and more here; an area written to fewer digits proves none.
_SAME_PLANE = 1e-4
_SAME_UNIT = 5e-3
_MERIDIANS = (114, 117, 120, 123)
_SIX = {117: 20, 123: 21}
_PARTS = 20
_SPECK = 1e-6
_UNITS = (
    (M2_PER_MU, "数值像是以亩计，却当成了平方米"),
    (M2_PER_HM2, "数值像是以公顷（或万平方米）计，却当成了平方米"),
    (M2_PER_HM2 / M2_PER_MU, "数值像是以公顷计，却当成了亩"),
    (1.0 / M2_PER_MU, "数值像是以平方米计，却当成了亩"),
    (1.0 / M2_PER_HM2, "数值像是以平方米计，却当成了公顷（或万平方米）"),
    (M2_PER_MU / M2_PER_HM2, "数值像是以亩计，却当成了公顷"),
)


def size_issue(site: Site, county_m2: float | None) -> Issue | None:
    """Return the Issue of an area or a length no project has, or None; also for a corridor."""
    place = wkt(shapely.point_on_surface(site.geometry)) if site.kind != "point" else None
    remedy = "请核对坐标系、带号和坐标单位"
    if site.kind in ("polygon", "corridor"):
        if county_m2 is not None and site.area_m2 > county_m2:
            text = f"面积 {_km2(site.area_m2)} 比全县（{_km2(county_m2)}）还大"
            return Issue("area_absurd", "warning", text, remedy, place)
        if site.area_m2 > HUGE_M2:
            text = f"面积 {_km2(site.area_m2)}，超过 {_km2(HUGE_M2)}，不像一个项目"
            return Issue("area_absurd", "warning", text, remedy, place)
        if site.area_m2 < TINY_M2:
            text = f"面积只有 {site.area_m2:.4f} m²，不足 1 m²"
            return Issue("area_absurd", "warning", text, remedy, place)
    if site.kind in ("line", "corridor") and site.length_m > LONG_M:
        text = f"长 {distance_text(site.length_m)}，超过 {LONG_M / 1000.0:.0f} km，不像一条县内线路"
        return Issue("length_absurd", "warning", text, remedy, place)
    return None


def _km2(area_m2: float) -> str:
    return f"{area_m2 / 1e6:.2f} km²"


def partly_outside(site: Site, county: Geometry) -> Issue | None:
    """Return the Issue of a site that lies across the county's border, with its share and corners outside."""
    rest = shapely.difference(site.geometry, county)
    measure = shapely.area if site.kind in ("polygon", "corridor") else shapely.length
    out, whole = (float(measure(crs.plane_of_lonlat(shape))) for shape in (rest, site.geometry))
    if whole <= 0.0 or not _SPECK < out / whole < 1.0 - _SPECK:
        return None
    amount = area_text(out) if site.kind in ("polygon", "corridor") else distance_text(out)
    corners = np.unique(shapely.get_coordinates(site.geometry), axis=0)
    beyond = corners[~shapely.intersects_xy(county, corners[:, 0], corners[:, 1])]
    place = points_wkt(beyond, crs.LONLAT) if len(beyond) else wkt(shapely.point_on_surface(rest))
    counted = f"，{len(beyond)} 个拐点在县界外" if len(beyond) else ""
    text = f"图形有 {out / whole * 100.0:.2f} %（{amount}）在县界外{counted}；县界外没有图层可比"
    return Issue("partly_outside_county", "warning", text, "请核对坐标，或向邻县核查界外部分", place)


def declared(site: Site, drawn: Geometry, other_order_m2: float | None) -> Site:
    """Return the site with the likely reason of a declared area that is not the drawn one.

    `drawn` is in longitude latitude; `other_order_m2` the area of its corners in an order that does not cross.
    """
    wanted = site.declared_area_m2
    if wanted is None or site.kind != "polygon":
        return site
    differs = any(issue.code == "declared_area_differs" for issue in site.issues)
    reasons = list(_zones(site, drawn, wanted))
    if not differs:
        zone = [_other_zone(site, reasons[0])] if reasons else []
        return replace(site, issues=(*site.issues, *zone)) if zone else site
    reasons += [*_orders(drawn, wanted, other_order_m2), *_pieces(site, drawn, wanted), *_unit(site, wanted)]
    if not reasons:
        return site
    likely = "；".join(reasons)
    told = tuple(
        replace(issue, text=f"{issue.text}。可能的原因：{likely}")
        if issue.code == "declared_area_differs"
        else issue
        for issue in site.issues
    )
    return replace(site, issues=told)


def _other_zone(site: Site, reason: str) -> Issue:
    text = (
        f"{reason}，与本地块所在带的平面面积 {site.planar_area_m2:.2f} m²、椭球面积 {site.area_m2:.2f} m² 略有出入"
    )
    return Issue("declared_area_other_zone", "info", text, "请核对申报面积是在哪个投影带量算的")


def _close(one: float, other: float, tolerance: float = DECLARED_TOLERANCE) -> bool:
    return other > 0.0 and abs(one / other - 1.0) <= tolerance


def _zones(site: Site, drawn: Geometry, wanted: float) -> Iterator[str]:
    """The zone in whose plane the drawing has the declared area, when it is not the site's own plane."""
    if _coarseness(wanted) > _SAME_PLANE or any(
        _close(wanted, own, _SAME_PLANE) for own in (site.area_m2, site.planar_area_m2)
    ):
        return
    for meridian in _MERIDIANS:
        zone = zone_of_number(meridian // 3)
        if zone is None:
            continue
        plane = float(shapely.area(shapely.transform(mended(drawn), _into(zone.bare))))
        if _close(wanted, plane, _SAME_PLANE):
            six = f"（6 度带第 {_SIX[meridian]} 带同）" if meridian in _SIX else ""
            yield f"申报面积等于第 {zone.number} 带平面面积 {plane:.2f} m²{six}"


@cache
def _into(system: str) -> Callable[[FloatArray], FloatArray]:
    """The way from longitude latitude into the plane of a zone, however far off the zone is."""
    import pyproj  # 80 ms to load

    convert = pyproj.Transformer.from_crs(crs.LONLAT, system, always_xy=True).transform
    return lambda xy: np.column_stack(convert(xy[:, 0], xy[:, 1]))


def _coarseness(declared_m2: float) -> float:
    """Half a unit of the last digit written, as a share, in the unit (m², hm², 亩) it was written in.

    >>> _coarseness(12300.0) == 0.005 / 1.23, _coarseness(12345.67) < 1e-6
    (True, True)
    """
    steps = []
    for unit in (1.0, M2_PER_HM2, M2_PER_MU):
        digits = Decimal(f"{declared_m2 / unit:.9g}").normalize()
        exponent = min(int(digits.as_tuple().exponent), 0)
        steps.append(0.5 * 10.0**exponent / (declared_m2 / unit))
    return max(steps)


def _orders(drawn: Geometry, wanted: float, other_order_m2: float | None) -> Iterator[str]:
    if other_order_m2 is not None and _close(wanted, other_order_m2):
        yield f"拐点次序有误，改正后的面积 {other_order_m2:.2f} m² 与申报一致"
    net = float(shapely.area(crs.plane_of_lonlat(drawn)))
    if not drawn.is_valid and _close(wanted, net):
        yield f"申报的是按拐点原次序的代数面积 {net:.2f} m²，图形自相交时它不是实际面积"


def _pieces(site: Site, drawn: Geometry, wanted: float) -> Iterator[str]:
    parts = list(shapely.get_parts(drawn))
    areas = [float(shapely.area(crs.plane_of_lonlat(part))) for part in parts]
    shells = [float(shapely.area(crs.plane_of_lonlat(shapely.Polygon(part.exterior)))) for part in parts]
    scale = site.planar_area_m2 / site.area_m2
    if _either(wanted, sum(shells), scale) and not _close(sum(shells), sum(areas)):
        yield f"孔洞没有扣除：外圈面积 {area_text(sum(shells))}，孔洞 {area_text(sum(shells) - sum(areas))}"
    if 2 <= len(parts) <= _PARTS:
        yield from _subsets(wanted, areas, scale)


def _subsets(wanted: float, areas: Sequence[float], scale: float) -> Iterator[str]:
    total = math.fsum(areas)
    for number, area in enumerate(areas, 1):
        if _either(wanted, total - area, scale):
            yield f"申报少算了第 {number} 部分（{area_text(area)}）"
        elif len(areas) > 2 and _either(wanted, area, scale):
            yield f"申报只是第 {number} 部分的面积（{area_text(area)}）"
    if not _close(total, wanted) and _either(wanted, 2.0 * total, scale):
        yield "申报恰为图形的两倍，图形或许少了一块"


def _either(wanted: float, ellipsoidal: float, scale: float) -> bool:
    return _close(wanted, ellipsoidal) or _close(wanted, ellipsoidal * scale)


def _unit(site: Site, wanted: float) -> Iterator[str]:
    for factor, words in _UNITS:
        if any(_close(wanted * factor, own, _SAME_UNIT) for own in (site.area_m2, site.planar_area_m2)):
            yield f"{words}：换算后为 {area_text(wanted * factor)}"


def in_county(candidates: Sequence[Candidate], county: Geometry) -> tuple[Candidate, ...]:
    """Return candidates made from a site's own corners with their place in or off the county filled in."""
    return tuple(
        replace(one, in_county=True, distance_km=0.0)
        if one.code == "hull_order" and shapely.intersects(county, shapely.Point(one.lon, one.lat))
        else one
        for one in candidates
    )
