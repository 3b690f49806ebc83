"""Rings that cross themselves: where, what both areas are, and the order that would not cross."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from shapely.validation import explain_validity

from linxi_gis import crs
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Candidate
from linxi_gis.intake.ringcheck import points_wkt, rings_of, wkt
from linxi_gis.intake.rings import SMALL_RING
from linxi_gis.model import Site
from linxi_gis.units import area_text

# Our choice: 500 edges are 125,000 pairs, a tenth of a second; of longer rings GEOS names one place.
_PAIRED = 500
_PAIRS = 1_000_000
_PLACED = 50
_REASONS = (
    ("Ring Self-intersection", "边界自相接触"),
    ("Self-intersection", "边界自相交"),
    ("Hole lies outside shell", "孔洞在外圈之外"),
    ("Holes are nested", "孔洞相套"),
    ("Nested shells", "一部分套在另一部分之内"),
    ("Interior is disconnected", "内部被孔洞隔断"),
    ("Duplicate Rings", "有重复的圈"),
    ("Too few points", "点数不足"),
)
_PERIOD = 2.0 * np.pi


def crossings(ring: FloatArray) -> list[tuple[int, int, float, float]]:
    """Return where edges of a closed ring, shape (n, 2), cross: two edge numbers from 0, and x, y.

    Edges that only touch do not cross. Rings of more than 500 edges are not looked at.

    >>> crossings(np.array([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0.0]]))
    [(0, 2, 1.0, 1.0)]
    """
    edges = len(ring) - 1
    if edges < 4 or edges > _PAIRED:
        return []
    points = ring - ring[0]
    start, along = points[:-1], np.diff(points, axis=0)
    one, two = np.triu_indices(edges, k=2)
    gap = start[two] - start[one]
    turn = _cross(along[one], along[two])
    with np.errstate(divide="ignore", invalid="ignore"):
        t, u = _cross(gap, along[two]) / turn, _cross(gap, along[one]) / turn
    met = (turn != 0.0) & (t > 0.0) & (t < 1.0) & (u > 0.0) & (u < 1.0)
    places = start[one[met]] + t[met, None] * along[one[met]] + ring[0]
    return [
        (int(a), int(b), float(x), float(y)) for a, b, (x, y) in zip(one[met], two[met], places, strict=True)
    ]


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    product: FloatArray = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product


def reordered(ring: FloatArray) -> tuple[Geometry, list[int]] | None:
    """Return a ring's corners by their angle round their middle, and the new order; None if that crosses too.

    `ring` is closed, shape (n, 2), up to 60 corners; no corner may be lost or doubled.

    >>> polygon, order = reordered(np.array([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0.0]]))
    >>> polygon.area, order
    (4.0, [1, 3, 2, 4])
    """
    corners = ring[:-1]
    if not 4 <= len(corners) <= SMALL_RING or len(np.unique(corners, axis=0)) != len(corners):
        return None
    off = corners - corners.mean(axis=0)
    angle = np.arctan2(off[:, 1], off[:, 0])
    turned = np.mod(angle - angle[0], _PERIOD)
    order = np.lexsort((np.hypot(off[:, 0], off[:, 1]), turned))
    order = np.roll(order, -int(np.flatnonzero(order == 0)[0]))
    polygon = shapely.Polygon(corners[order])
    if not polygon.is_valid or polygon.area <= 0.0:
        return None
    return polygon, [int(place) + 1 for place in order]


def healed(site: Site, drawn: Geometry, system: str) -> tuple[Site, float | None]:
    """Return the site with its repair told in full, and another order of corners where there is one.

    Also the area (m²) of that other order, None without one. `drawn` is in `system`, x east.
    """
    found = _crossings(drawn)
    issues = tuple(
        _told(issue, site, drawn, system, found) if issue.code == "geometry_healed" else issue
        for issue in site.issues
    )
    site = replace(site, issues=issues)
    rings = rings_of(drawn)
    if len(rings) != 1 or not found:
        return site, None
    other = reordered(shapely.get_coordinates(rings[0]))
    return (site, None) if other is None else _suspected(site, *other, len(found), system, found[0][2:])


def _crossings(drawn: Geometry) -> list[tuple[int, int, float, float]]:
    """Where the rings of a shape cross themselves, as far as a million pairs of edges reach."""
    found, pairs = [], 0
    for ring in rings_of(drawn):
        pairs += int(shapely.get_num_coordinates(ring)) ** 2 // 2
        if pairs > _PAIRS:
            break
        found += crossings(shapely.get_coordinates(ring))
    return found


def _told(
    issue: Issue, site: Site, drawn: Geometry, system: str, found: list[tuple[int, int, float, float]]
) -> Issue:
    edges = "；".join(f"第 {a + 1} 条边与第 {b + 1} 条边" for a, b, _, _ in found[:3])
    more = f"等 {len(found)} 处" if len(found) > 3 else ""
    where = f"（{edges}{more}相交）" if found and len(rings_of(drawn)) == 1 else ""
    text = (
        f"图形{_reason(drawn)}{where}，已修复后使用：按拐点原次序的代数面积 {_net_m2(drawn, system):.2f} m²，"
        f"修复后面积 {site.area_m2:.2f} m²"
    )
    if not found:
        return replace(issue, text=text)
    places = points_wkt(np.array([place[2:] for place in found[:_PLACED]]), system)
    return replace(issue, text=text, geometry_wkt=places)


def _reason(drawn: Geometry) -> str:
    said = explain_validity(drawn)
    return next((words for key, words in _REASONS if said.startswith(key)), "不合规")


def _net_m2(drawn: Geometry, system: str) -> float:
    """The area the corners give by the surveyor's formula, each ring as it runs, holes taken off.

    Corner by corner: GEOS cuts long edges of a crossing ring only after a buffer(0), which loses a lobe.
    """
    return float(shapely.area(crs.plane_of_lonlat(crs.to_lonlat(drawn, system))))


def _suspected(
    site: Site, polygon: Geometry, order: list[int], cuts: int, system: str, cross: tuple[float, ...]
) -> tuple[Site, float]:
    outline: Geometry = crs.to_lonlat(polygon, system)
    area = float(shapely.area(crs.to_plane(polygon, system)))
    centre = outline.centroid
    sequence = "－".join(str(number) for number in order)
    evidence = [
        f"按原次序有 {cuts} 处相交，修复后 {area_text(site.area_m2)}",
        f"按 {sequence} 的次序不相交，{area_text(area)}",
    ]
    if site.declared_area_m2:
        off = [abs(site.declared_area_m2 / value - 1.0) * 100.0 for value in (site.area_m2, area)]
        evidence.append(f"申报 {area_text(site.declared_area_m2)}：与原次序差 {off[0]:.2f} %，与新次序差 {off[1]:.2f} %")
    candidate = Candidate(
        label="拐点另一种次序", crs="", lon=centre.x, lat=centre.y, in_county=False, distance_km=None,
        area_m2=area, evidence=tuple(evidence), geometry_wkt=wkt(outline), code="hull_order",
    )  # fmt: skip
    issue = Issue(
        "point_order_suspect",
        "warning",
        f"拐点次序可疑：若次序应为 {sequence}，图形不自相交，面积 {area_text(area)}；未采用，仍按原次序修复",
        "请按图件核对拐点次序，改正后重新提交",
        wkt(shapely.Point(cross), system),
    )
    return replace(site, issues=(*site.issues, issue), candidates=(*site.candidates, candidate)), area
