"""From a draft to a reading: settle the reference system, make the sites, tell what is odd."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
import shapely

from linxi_gis import crs, geodesy
from linxi_gis.datum import to_cgcs2000
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.footprint import make_site, reconciled
from linxi_gis.intake.angles import half_step_m
from linxi_gis.intake.court import Bounds, Doubt, Option, Ruling, decide, finite
from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.intake.reading import Candidate, Declared, Draft, Drawn, Limits, Options, Reading
from linxi_gis.intake.rings import mended
from linxi_gis.model import Reference, Site
from linxi_gis.units import M2_PER_HM2, M2_PER_MU, area_text

# Coordinates are told apart down to here; finer writing adds nothing to a site's accuracy.
_FINE_M = 0.05
_COARSE_M = 1.0
# Share of the squared outline: well above rounding (1e-12), well below any plot (a circle has 0.08).
_THIN = 1e-9
_UNITS = {"m2": 1.0, "hm2": M2_PER_HM2, "mu": M2_PER_MU}
_UNIT_WORDS = {"m2": "平方米", "hm2": "公顷", "mu": "亩"}
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
_MAX_ID = 80


def settle(drafts: Sequence[Draft], source: str, options: Options) -> Reading:
    """Return the reading of a file from the drafts of its layers, sheets or parts; site ids are unique.

    Raises AmbiguousCrsError when a reference system cannot be known, CrsError when it cannot be
    used, InputError when there is nothing to read or too much.
    """
    _check_many(drafts, source, options.limits)
    readings = [_settled(draft, options) for draft in drafts]
    if len(readings) == 1:
        return replace(readings[0], source=source)
    sites, doubled = unique([site for reading in readings for site in reading.sites], source)
    told = [issue for reading in readings for issue in reading.issues]
    names = "、".join(dict.fromkeys(reading.format for reading in readings))
    return Reading(source, names, tuple(sites), tuple(dict.fromkeys((*told, *doubled))))


def _check_many(drafts: Sequence[Draft], source: str, limits: Limits) -> None:
    shapes = [feature.geometry for draft in drafts for feature in draft.drawn]
    vertices = int(shapely.get_num_coordinates(shapes).sum()) if shapes else 0
    for count, limit, what in ((len(shapes), limits.features, "图形"), (vertices, limits.vertices, "拐点")):
        if count > limit:
            raise InputError(
                f"共有 {count} 个{what}，超过上限 {limit} 个", where=source, remedy="请拆分文件或只提交项目范围"
            )


def _settled(draft: Draft, options: Options) -> Reading:
    where = draft.source
    draft = replace(draft, drawn=tuple(one for feature in draft.drawn for one in _apart(feature)))
    pairs, bad = _rulings(draft, options)
    sites: list[Site] = []
    for feature, ruling in pairs:
        try:
            sites.append(_site(draft, feature, ruling, options))
        except InputError as error:
            bad.append(unreadable(error))
    if not sites:
        raise _nothing(draft, bad)
    sites, doubled = unique(sites, draft.source)
    told = [issue for _, ruling in pairs for issue in ruling.issues]
    issues = tuple(dict.fromkeys((*draft.issues, *told, *doubled, *bad)))
    return Reading(where, draft.format, tuple(sites), issues)


def _apart(feature: Drawn) -> list[Drawn]:
    """A feature of mixed kinds as one feature a kind, one of several points as one a point."""
    if feature.geometry.geom_type == "GeometryCollection":
        return [one for kind in _kinds(feature) for one in _apart(kind)]
    if feature.geometry.geom_type != "MultiPoint":
        return [feature]
    points = shapely.get_parts(feature.geometry)
    if len(points) < 2:
        return [feature]
    told = Issue("multipoint_split", "info", f"{feature.label} 含 {len(points)} 个点，已拆成 {len(points)} 个点位分别研判")
    return [
        replace(
            feature,
            geometry=point,
            label=f"{feature.label} 第 {n} 点",
            id=f"{feature.id}-{n}" if feature.id else "",
            name=f"{feature.name}-{n}" if feature.name else "",
            declared=None,
            issues=(*feature.issues, told),
        )
        for n, point in enumerate(points, 1)
    ]


def _kinds(feature: Drawn) -> list[Drawn]:
    """The points, lines and areas of a geometry collection, each kind a feature of its own."""
    pieces = [part for part in _flat(feature.geometry) if not part.is_empty]
    held = [(d, [p for p in pieces if shapely.get_dimensions(p) == d]) for d in (2, 1, 0)]
    held = [(dimension, parts) for dimension, parts in held if parts]
    if len(held) < 2:
        return [replace(feature, geometry=_together(parts)) for _, parts in held] or [
            replace(feature, geometry=shapely.Polygon())
        ]
    words = "、".join(f"{_KIND_WORDS[dimension]} {len(parts)} 个" for dimension, parts in held)
    told = Issue("collection_split", "info", f"{feature.label} 混有{words}，已按点、线、面拆开分别研判")
    return [
        replace(
            feature,
            geometry=_together(parts),
            label=f"{feature.label}（{_KIND_WORDS[dimension]}）",
            id=f"{feature.id}-{_KIND_WORDS[dimension]}" if feature.id else "",
            name=f"{feature.name}（{_KIND_WORDS[dimension]}）" if feature.name else "",
            declared=feature.declared if dimension == 2 else None,
            issues=(*feature.issues, told),
        )
        for dimension, parts in held
    ]


_KIND_WORDS = {0: "点", 1: "线", 2: "面"}


def _flat(geometry: crs.Geometry) -> list[crs.Geometry]:
    if geometry.geom_type == "GeometryCollection" or geometry.geom_type.startswith("Multi"):
        return [piece for part in shapely.get_parts(geometry) for piece in _flat(part)]
    return [geometry]


def _together(parts: Sequence[crs.Geometry]) -> crs.Geometry:
    """One geometry of parts of one dimension."""
    if len(parts) == 1:
        return parts[0]
    held: Any = list(parts)  # shapely's stubs want each Multi kind's own parts
    many = (shapely.MultiPoint, shapely.MultiLineString, shapely.MultiPolygon)
    return many[int(shapely.get_dimensions(parts[0]))](held)


def unreadable(error: InputError) -> Issue:
    """Return the Issue of a feature that could not be read while others could."""
    text = f"{error.where}：{error.what}" if error.where else error.what
    return Issue("feature_unreadable", "error", text, error.remedy)


def _nothing(draft: Draft, bad: list[Issue]) -> InputError:
    errors = [issue for issue in (*bad, *draft.issues) if issue.severity == "error"]
    if not errors:
        return InputError("文件里没有任何图形", where=draft.source, remedy="请检查导出是否成功")
    more = f"（另有 {len(errors) - 1} 处错误）" if len(errors) > 1 else ""
    text = errors[0].text.removeprefix(f"{draft.source}：")
    return InputError(f"没有可用的图形。{text}{more}", where=draft.source, remedy=errors[0].remedy)


def _bounds(feature: Drawn) -> Bounds:
    west, south, east, north = (float(value) for value in shapely.bounds(feature.geometry))
    return west, south, east, north


def _rulings(draft: Draft, options: Options) -> tuple[list[tuple[Drawn, Ruling]], list[Issue]]:
    pairs: list[tuple[Drawn, Ruling]] = []
    doubts: list[tuple[Drawn, Doubt]] = []
    bad: list[Issue] = []
    for feature in draft.drawn:
        bounds = _bounds(feature)
        if not finite(bounds):
            empty = "图形为空" if feature.geometry.is_empty else "坐标含 NaN 或无穷大"
            bad.append(unreadable(InputError(f"{feature.label}：{empty}", where=draft.source)))
            continue
        try:
            verdict = decide(bounds, feature.claim or draft.claim, options.crs, draft.east)
        except CrsError as error:
            raise CrsError(error.what, where=error.where or draft.source, remedy=error.remedy) from error
        if isinstance(verdict, Ruling):
            pairs.append((feature, verdict))
        else:
            doubts.append((feature, verdict))
    open_doubt = next((doubt for _, doubt in doubts if doubt.options), None)
    if open_doubt or (doubts and not pairs):
        doubt = open_doubt or doubts[0][1]
        raise AmbiguousCrsError(
            doubt.why,
            where=draft.source,
            candidates=_candidates(
                [f for f, d in doubts if d.options == doubt.options], doubt, draft, options
            ),
            county=options.county is not None,
        )
    bad += [unreadable(InputError(f"{f.label}：{d.why}", where=draft.source)) for f, d in doubts]
    return pairs, bad


def _site(draft: Draft, feature: Drawn, ruling: Ruling, options: Options) -> Site:
    geometry = _east_first(feature.geometry, ruling)
    if _collapsed(geometry):
        raise InputError(
            "图形面积或长度为零",
            where=f"{draft.source}：{feature.label}",
            remedy="请检查拐点是否重复或共线",
        )
    site = make_site(
        geometry,
        Reference(ruling.source, ruling.how, _axes(draft, ruling), ruling.declared),
        site_id=feature.id,
        name=feature.name,
        where=f"{draft.source}:{feature.label}",
        system=ruling.system,
        attributes=feature.attributes,
        issues=tuple(dict.fromkeys((*_shared(draft), *ruling.issues, *feature.issues))),
    )
    accuracy, coarse = _accuracy(feature, ruling, site)
    declared, told = _declared(feature.declared, site)
    differs = reconciled(declared, site.area_m2, site.planar_area_m2)
    issues = (*site.issues, *coarse, *told, *differs, *_outside(site, options))
    return replace(site, accuracy_m=accuracy, declared_area_m2=declared, issues=issues)


def _collapsed(geometry: crs.Geometry) -> bool:
    """Whether an area or a line encloses or spans nothing, so that no repair can give it a size."""
    dimension = int(shapely.get_dimensions(geometry))
    if dimension == 0 or geometry.is_valid:
        return False
    if dimension == 2 and shapely.area(geometry) > _THIN * shapely.length(geometry) ** 2:
        return False  # a net area beyond rounding: something is enclosed, whatever crosses
    repaired = mended(geometry)
    return float(shapely.area(repaired) if dimension == 2 else shapely.length(repaired)) == 0.0


def _shared(draft: Draft) -> tuple[Issue, ...]:
    """The file's own issues that touch every site: guesses, not the features that failed."""
    return tuple(issue for issue in draft.issues if issue.severity != "error")


def _east_first(geometry: crs.Geometry, ruling: Ruling) -> crs.Geometry:
    flat = shapely.force_2d(geometry)
    if not (ruling.east or ruling.shift_m or ruling.datum):
        return flat

    def turn(xy: crs.FloatArray) -> crs.FloatArray:
        turned = xy[:, ::-1] if ruling.east else xy
        turned = turned + np.array([ruling.shift_m, 0.0]) if ruling.shift_m else turned
        return to_cgcs2000(turned, ruling.datum) if ruling.datum else turned

    return shapely.transform(flat, turn)


def _axes(draft: Draft, ruling: Ruling) -> str:
    words = ("经度", "纬度") if ruling.degrees else ("东", "北")
    ordered = words if ruling.east == 0 else words[::-1]
    if ruling.degrees:
        return f"{ordered[0]}, {ordered[1]}"
    return f"{draft.columns[0]}={ordered[0]}, {draft.columns[1]}={ordered[1]}"


def _accuracy(feature: Drawn, ruling: Ruling, site: Site) -> tuple[float, tuple[Issue, ...]]:
    """Half a unit of the last digit, when that is coarser than 5 cm; told when coarser than 1 m."""
    if feature.step is None:
        return 0.0, ()
    latitude = (site.geometry.bounds[1] + site.geometry.bounds[3]) / 2.0 if ruling.degrees else None
    metres = half_step_m(feature.step, latitude)
    if metres <= _FINE_M:
        return 0.0, ()
    if metres <= _COARSE_M:
        return metres, ()
    text = f"坐标只写到末位，位置精度约 ±{metres:.1f} m"
    return metres, (Issue("coarse_coordinates", "warning", text, "请提交位数更多的坐标"),)


def _declared(declared: Declared | None, site: Site) -> tuple[float | None, tuple[Issue, ...]]:
    if declared is None or declared.value <= 0.0 or not math.isfinite(declared.value):
        return None, ()
    if declared.unit:
        return declared.value * _UNITS[declared.unit], ()
    if site.area_m2 <= 0.0:
        return None, ()
    off = {unit: abs(math.log(declared.value * _UNITS[unit] / site.area_m2)) for unit in ("m2", "hm2")}
    unit = min(off, key=lambda key: off[key])
    area = declared.value * _UNITS[unit]
    drawn = area_text(site.area_m2)
    text = f"申报面积 {declared.value:g} 未写单位，与图形面积 {drawn} 比较，按{_UNIT_WORDS[unit]}理解"
    return area, (Issue("declared_area_unit", "info", text, "请写明面积单位"),)


def _outside(site: Site, options: Options) -> tuple[Issue, ...]:
    if options.county is None or shapely.intersects(options.county, site.geometry):
        return ()
    distance = _distance_km(options.county, site.geometry)
    text = f"图形不在县界内，距县界 {distance:.1f} km"
    return (
        Issue(
            code="outside_county",
            severity="warning",
            text=text,
            remedy="请核对坐标系、带号与坐标顺序",
            geometry_wkt=shapely.to_wkt(shapely.centroid(site.geometry), rounding_precision=9),
        ),
    )


def _distance_km(county: crs.Geometry, geometry: crs.Geometry) -> float:
    """Geodesic kilometres between the points nearest in the area plane."""
    line = shapely.shortest_line(crs.plane_of_lonlat(county), crs.plane_of_lonlat(geometry))
    ends = crs.points_lonlat(shapely.get_coordinates(line))
    metres, _ = geodesy.distances(ends[:1], ends[1:])
    return float(metres[0]) / 1000.0


def _candidates(features: list[Drawn], doubt: Doubt, draft: Draft, options: Options) -> tuple[Candidate, ...]:
    found = [_candidate(option, features, draft, options) for option in doubt.options]
    return tuple(candidate for candidate in found if candidate is not None)


def _candidate(option: Option, features: list[Drawn], draft: Draft, options: Options) -> Candidate | None:
    """Read the features as the option says; None when the figures cannot be in that system."""
    shapes = []
    try:
        for feature in features:
            ruling = decide(_bounds(feature), feature.claim or draft.claim, option.crs, draft.east)
            if not isinstance(ruling, Ruling):
                return None
            drawn = mended(_east_first(feature.geometry, ruling))
            shapes.append(crs.to_lonlat(crs.densify(drawn, ruling.system), ruling.system))
    except CrsError:
        return None
    west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object))
    centre = shapely.Point((west + east) / 2.0, (south + north) / 2.0)
    area = float(sum(shapely.area(crs.plane_of_lonlat(shape)) for shape in shapes))
    inside = options.county is not None and bool(shapely.intersects(options.county, centre))
    distance = None if options.county is None else 0.0 if inside else _distance_km(options.county, centre)
    return Candidate(option.label, option.crs, centre.x, centre.y, inside, distance, area)


def unique(sites: list[Site], source: str) -> tuple[list[Site], list[Issue]]:
    """Give every site an id that is unique and fit to be a file name."""
    stem = _clean(PurePath(source).stem) or "site"
    taken: dict[str, int] = {}
    named: list[Site] = []
    issues: list[Issue] = []
    for number, site in enumerate(sites, 1):
        wanted = _clean(site.id) or f"{stem}-{number}"
        final = _free(wanted, taken)
        if final != wanted:
            issues.append(
                Issue("duplicate_id", "warning", f"编号 {wanted} 重复，第 {number} 个地块改记为 {final}")
            )
        taken.setdefault(final.casefold(), 1)
        named.append(replace(site, id=final, name=site.name or final))
    return named, issues


def _free(wanted: str, taken: dict[str, int]) -> str:
    """The id, or the id with the next number that is free; `taken` holds the last number tried."""
    key = wanted.casefold()
    final, n = wanted, taken.get(key, 1)
    while final.casefold() in taken:
        n += 1
        final = f"{wanted}-{n}"
    if key in taken:
        taken[key] = n
    return final


def _clean(text: str) -> str:
    return _UNSAFE.sub("_", text).strip(" .")[:_MAX_ID]
