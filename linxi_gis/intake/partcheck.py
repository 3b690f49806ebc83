"""Parts and holes against each other: holes outside, overlaps, doubles, slivers, necks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.finding import Issue
from linxi_gis.intake.ringcheck import points_wkt, wkt
from linxi_gis.intake.rings import mended
from linxi_gis.model import Site
from linxi_gis.units import area_text

# Our choices: more parts or holes are not compared two by two; an overlap below a square centimetre is
# rounding; a thing narrower than 10 cm is thinner than anybody stakes out.
_COMPARED = 500
_MOST_PAIRS = 2_000  # that meet, 0.1 ms each: a text of 60 KB can make 115,000 of them
_SPECK_M2 = 1e-4
NARROW_M = 0.1
_WALK_M = 1.0  # two places of a border nearer than this along it are one place
_NECK_VERTICES = 500
_SHOWN_VERTICES = 500


def part_issues(site: Site, drawn: Geometry, system: str) -> list[Issue]:
    """Return what is odd between the parts and holes of a polygon drawn in `system`."""
    parts = list(shapely.get_parts(drawn))
    issues: list[Issue] = []
    for number, part in enumerate(parts, 1):
        label = f"第 {number} 部分" if len(parts) > 1 else ""
        issues += _holes(part, label, system)
    return [*issues, *_overlapping(site, parts, system)]


def _holes(part: Geometry, label: str, system: str) -> list[Issue]:
    rings = shapely.get_rings(part)
    if len(rings) < 2:
        return []
    if len(rings) > _COMPARED:
        return [_uncompared(f"{label}的 {len(rings) - 1} 个孔")]
    shell, *holes = [mended(shapely.Polygon(ring)) for ring in rings]
    issues = []
    for number, hole in enumerate(holes, 1):
        name = f"{label}第 {number} 个孔"
        rest = shapely.difference(hole, shell)
        loose, whole = _m2(rest, system), _m2(hole, system)
        if loose > _SPECK_M2:
            amount = "整个" if loose > whole - _SPECK_M2 else f"有 {area_text(loose)}"
            text = f"{name}（{area_text(whole)}）{amount}在外圈之外，外圈之外的不扣除"
            issues.append(Issue("hole_outside", "warning", text, "请核对圈号：它或许是独立的一块", _place(rest, system)))
        elif shapely.intersects(rings[0], rings[number]):
            spot = shapely.intersection(rings[0], rings[number])
            text = f"{name}与外圈相接"
            issues.append(Issue("holes_touch", "info", text, "请核对是否漏了间隔", _place(spot, system)))
    return [*issues, *_between_holes(holes, label, system)]


def _between_holes(holes: Sequence[Geometry], label: str, system: str) -> Iterator[Issue]:
    pairs = _pairs(holes)
    if pairs is None:
        yield _uncompared(f"{label}的 {len(holes)} 个孔")
    for a, b in pairs or ():
        names = f"{label}第 {a + 1} 个孔与第 {b + 1} 个孔"
        shared = shapely.intersection(holes[a], holes[b])
        area = _m2(shared, system)
        if area > _SPECK_M2:
            text = f"{names}重叠 {area_text(area)}，重叠处只扣除一次"
            yield Issue("holes_overlap", "warning", text, "请核对内圈的拐点", _place(shared, system))
        else:
            yield Issue("holes_touch", "info", f"{names}相接", "请核对是否漏了间隔", _place(shared, system))


def _overlapping(site: Site, parts: Sequence[Geometry], system: str) -> list[Issue]:
    if len(parts) < 2:
        return []
    solid = [mended(part) for part in parts] if len(parts) <= _COMPARED else []
    pairs = _pairs(solid) if solid else None
    if pairs is None:
        return [_uncompared(f"{len(parts)} 个部分")]
    doubles, overlaps, issues = [], [], []
    for a, b in pairs:
        if shapely.equals(solid[a], solid[b]):
            doubles.append((a, b))
        elif (shared := shapely.intersection(solid[a], solid[b])).area > 0.0 and _m2(shared, system) > _SPECK_M2:
            overlaps.append((a, b, shared))
    if doubles:
        text = f"{_names(doubles)}完全相同，面积只计一次"
        place = _place(solid[doubles[0][1]], system)
        issues.append(Issue("part_duplicated", "warning", text, "请删去重复的一块", place))
    if overlaps:
        total = sum(_m2(part, system) for part in solid)
        shared = shapely.union_all([piece for *_, piece in overlaps])
        text = (
            f"{_names([(a, b) for a, b, _ in overlaps])}重叠，共 {area_text(_m2(shared, system))}："
            f"各部分面积之和 {area_text(total)}，重叠处只计一次为 {area_text(site.area_m2)}"
        )
        place = _place(shared, system)
        issues.append(Issue("parts_overlap", "warning", text, "请核对各部分的边界", place))
    return issues


def _names(pairs: Sequence[tuple[int, int]]) -> str:
    listed = "；".join(f"第 {a + 1} 部分与第 {b + 1} 部分" for a, b in pairs[:4])
    return f"{listed}等 {len(pairs)} 处" if len(pairs) > 4 else listed


def _pairs(shapes: Sequence[Geometry]) -> list[tuple[int, int]] | None:
    """Pairs of shapes that meet, each once, the first number the smaller; None when they are too many."""
    one, two = shapely.STRtree(list(shapes)).query(list(shapes), predicate="intersects")
    once = one < two
    if int(once.sum()) > _MOST_PAIRS:
        return None
    return sorted(zip(one[once].tolist(), two[once].tolist(), strict=True))


def _uncompared(what: str) -> Issue:
    return Issue("parts_not_compared", "info", f"{what}过多，没有逐对核对是否重叠", "请自行核对")


def _m2(shape: Geometry, system: str) -> float:
    return float(shapely.area(crs.to_plane(shape, system)))


def _place(shape: Geometry, system: str) -> str:
    """The shape itself, or one point of it when it is long or nothing."""
    big = shapely.get_num_coordinates(shape) > _SHOWN_VERTICES or shape.geom_type == "GeometryCollection"
    return wkt(shapely.point_on_surface(shape) if big else shape, system)


def turned_alike(drawn: Geometry) -> list[Geometry]:
    """Return the holes that run the same way round as the shell they lie in."""
    found = []
    for part in shapely.get_parts(drawn):
        shell, *holes = shapely.get_rings(part)
        way = shapely.is_ccw(shell)
        found += [hole for hole in holes if shapely.is_ccw(hole) == way]
    return found


def slivers(site: Site) -> list[Issue]:
    """Return the Issue of the pieces whose mean width, 2·area/border, is below 10 cm."""
    pieces = shapely.get_parts(site.ground)
    areas, borders = shapely.area(pieces), shapely.length(pieces)
    thin = np.flatnonzero(2.0 * areas < NARROW_M * borders)
    if not len(thin):
        return []
    width = float((2.0 * areas[thin] / borders[thin]).min())
    text = (
        f"有 {len(thin)} 块窄长的碎片，共 {float(areas[thin].sum()):.4f} m²，最窄的平均宽度只有 {width * 100.0:.1f} cm"
    )
    spots = shapely.get_coordinates(crs.lonlat_of_plane(shapely.point_on_surface(pieces[thin])))
    return [Issue("sliver", "warning", text, "请核对相邻拐点，多半是描图误差", points_wkt(spots, crs.LONLAT))]


def neck(site: Site) -> Issue | None:
    """Return the Issue of the narrowest place of an area where it is thinner than 10 cm, or None.

    Only corners against edges they do not belong to, of areas up to 500 corners.
    """
    best: tuple[float, FloatArray, FloatArray] | None = None
    for piece in shapely.get_parts(site.ground):
        for ring in shapely.get_rings(piece):
            found = _narrowest(shapely.get_coordinates(ring))
            if found is not None and (best is None or found[0] < best[0]):
                middle = shapely.Point((found[1] + found[2]) / 2.0)
                if shapely.intersects(piece, middle):
                    best = found
    if best is None:
        return None
    width, one, two = best
    line = shapely.LineString([one, two]) if width > 0.0 else shapely.Point(one)
    text = f"图形有一处颈部只宽 {width * 100.0:.1f} cm" if width > 0.0 else "图形有一处只以一点相连"
    return Issue(
        "narrow_neck", "warning", text, "请核对该处拐点；若为两块，请分开提交", wkt(crs.lonlat_of_plane(line))
    )


def _narrowest(ring: FloatArray) -> tuple[float, FloatArray, FloatArray] | None:
    """The corner nearest to an edge farther than a metre along the border: distance, corner, foot."""
    count = len(ring) - 1
    if not 4 <= count <= _NECK_VERTICES:
        return None
    corners, along = ring[:-1], np.diff(ring, axis=0)
    steps = np.hypot(*along.T)
    walked = np.concatenate([[0.0], np.cumsum(steps)])
    square = np.maximum(steps**2, np.finfo(float).tiny)
    off = corners[:, None, :] - corners[None, :, :]
    share = np.clip((off * along[None]).sum(axis=2) / square[None], 0.0, 1.0)
    feet = corners[None] + share[:, :, None] * along[None]
    apart = np.hypot(*np.moveaxis(corners[:, None, :] - feet, 2, 0))
    way = np.abs(walked[:-1][:, None] - (walked[:-1][None] + share * steps[None]))
    way = np.minimum(way, walked[-1] - way)
    apart[way < np.maximum(_WALK_M, 3.0 * apart)] = np.inf
    corner, edge = np.unravel_index(int(apart.argmin()), apart.shape)
    width = float(apart[corner, edge])
    return (width, corners[corner], feet[corner, edge]) if width < NARROW_M else None
