"""From a draft to a reading: settle the reference system, make the sites, tell what is odd."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.footprint import Sketch, make_sites, reconciled
from linxi_gis.intake.amounts import check_amounts, within_reach
from linxi_gis.intake.angles import half_step_m
from linxi_gis.intake.beside import with_rest
from linxi_gis.intake.candidates import NEAR_KM, distance_km, elsewhere
from linxi_gis.intake.checks import examine_made
from linxi_gis.intake.court import Ruling
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.others import with_others
from linxi_gis.intake.placing import east_first
from linxi_gis.intake.reading import Declared, Draft, Drawn, Options, Reading
from linxi_gis.intake.rings import mended
from linxi_gis.intake.rulings import rule
from linxi_gis.model import Reference, Site
from linxi_gis.units import DIMENSION_WORDS, M2_PER_HM2, M2_PER_MU, area_text

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
    check_amounts(drafts, source, options.limits)
    readings: list[Reading] = []
    errors: list[tuple[Draft, InputError]] = []
    numbered: Counter[str] = Counter()  # sites so far of sheets or tables whose names have one stem
    for draft in drafts:
        stem = PurePath(draft.source).stem
        try:
            readings.append(_settled(draft, options, numbered[stem]))
        except CrsError as error:  # a question about one layer is a question about the file
            if len(drafts) == 1:
                raise
            raise with_rest(error, draft, drafts, options) from error
        except InputError as error:
            errors.append((draft, error))
            continue
        numbered[stem] += len(readings[-1].sites)
    if not readings:
        raise errors[0][1]
    if len(drafts) == 1:
        return replace(readings[0], source=source)
    sites, doubled = unique([site for reading in readings for site in reading.sites], source)
    told = [issue for reading in readings for issue in reading.issues]
    told += [_left(draft, error) for draft, error in errors]
    names = "、".join(dict.fromkeys(reading.format for reading in readings))
    return Reading(source, names, tuple(sites), tuple(dict.fromkeys((*told, *doubled))))


def _left(draft: Draft, error: InputError) -> Issue:
    """The Issue of a layer that gave no site while others did: empty, or all of it unreadable."""
    if draft.drawn or any(issue.severity == "error" for issue in draft.issues):
        return unreadable(error)
    return Issue("layer_empty", "info", f"{draft.source} 是空图层，没有图形")


def _settled(draft: Draft, options: Options, before: int) -> Reading:
    where = draft.source
    draft = replace(draft, drawn=tuple(one for feature in draft.drawn for one in _apart(feature)))
    draft, far = within_reach(draft)
    pairs, unread = rule(draft, options)
    made = _sites(draft, pairs, options)
    sites = [site for site in made if isinstance(site, Site)]
    bad = [unreadable(error) for error in (*far, *unread, *made) if isinstance(error, InputError)]
    if not sites:
        raise _nothing(draft, bad)
    sites, doubled = unique(sites, draft.source, before)
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
    words = "、".join(f"{DIMENSION_WORDS[dimension]} {len(parts)} 个" for dimension, parts in held)
    told = Issue("collection_split", "info", f"{feature.label} 混有{words}，已按点、线、面拆开分别研判")
    return [
        replace(
            feature,
            geometry=_together(parts),
            label=f"{feature.label}（{DIMENSION_WORDS[dimension]}）",
            id=f"{feature.id}-{DIMENSION_WORDS[dimension]}" if feature.id else "",
            name=f"{feature.name}（{DIMENSION_WORDS[dimension]}）" if feature.name else "",
            declared=feature.declared if dimension == 2 else None,
            issues=(*feature.issues, told),
        )
        for dimension, parts in held
    ]


def of_one_kind(geometry: crs.Geometry) -> crs.Geometry:
    """Return a collection that holds only areas, only lines or only points as these; any other geometry as it is."""
    pieces = [part for part in _flat(geometry) if not part.is_empty]
    if geometry.geom_type != "GeometryCollection" or len({int(shapely.get_dimensions(p)) for p in pieces}) != 1:
        return geometry
    return _together(pieces)


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


def _nothing(draft: Draft, bad: list[Issue]) -> InputError:
    errors = [issue for issue in (*bad, *draft.issues) if issue.severity == "error"]
    if not errors:
        return InputError("文件里没有任何图形", where=draft.source, remedy="请检查导出是否成功")
    more = f"（另有 {len(errors) - 1} 处错误）" if len(errors) > 1 else ""
    text = errors[0].text.removeprefix(f"{draft.source}：")
    return InputError(f"没有可用的图形。{text}{more}", where=draft.source, remedy=errors[0].remedy)


def _sites(
    draft: Draft, pairs: Sequence[tuple[Drawn, Ruling]], options: Options
) -> list[Site | InputError]:
    """The site of each feature under its ruling, in order, or why there is none; one batch."""
    shared = _shared(draft)
    found = _turned(draft, pairs)
    sketches = [
        Sketch(
            geometry,
            Reference(ruling.source, ruling.how, _axes(draft, ruling), ruling.declared),
            feature.id,
            feature.name,
            f"{draft.source}:{feature.label}",
            ruling.system,
            attributes=feature.attributes,
            issues=tuple(dict.fromkeys((*shared, *ruling.issues, *feature.issues))),
        )
        for (feature, ruling), geometry in zip(pairs, found, strict=True)
        if not isinstance(geometry, InputError)
    ]
    made = iter(make_sites(sketches))
    sites = [geometry if isinstance(geometry, InputError) else next(made) for geometry in found]
    near = _in_county(sites, options)
    sized = [
        site if isinstance(site, InputError) else _site(site, feature, ruling, draft, options, inside)
        for site, (feature, ruling), inside in zip(sites, pairs, near, strict=True)
    ]
    systems, raw = [ruling.system for _, ruling in pairs], [feature.geometry for feature, _ in pairs]
    looked = examine_made(sized, found, systems, raw, options.county)
    return with_others(looked, [ruling for _, ruling in pairs])


def _site(
    site: Site, feature: Drawn, ruling: Ruling, draft: Draft, options: Options, inside: bool
) -> Site:
    """The site with what can be said only when it is measured: accuracy, declared area, place."""
    accuracy, coarse = _accuracy(feature, ruling, site)
    declared, told = _declared(feature.declared, site)
    differs = reconciled(declared, site.area_m2, site.planar_area_m2)
    more = (*coarse, *told, *differs)
    if not (accuracy or more or declared is not None or ruling.candidates or not inside):
        return site
    site = replace(
        site,
        accuracy_m=accuracy,
        declared_area_m2=declared,
        issues=(*site.issues, *more),
        candidates=(*site.candidates, *ruling.candidates),
    )
    return site if inside else _outside(site, feature, ruling, draft, options)


def _turned(draft: Draft, pairs: Sequence[tuple[Drawn, Ruling]]) -> list[crs.Geometry | InputError]:
    """The features' geometries, east first and shifted, or the error of one that encloses nothing."""
    found: list[crs.Geometry | InputError] = [feature.geometry for feature, _ in pairs]
    groups: dict[tuple[int, float, str, int], list[int]] = {}
    for row, (_, ruling) in enumerate(pairs):
        # A shifted datum is undone by rounds until all of an array have settled: one feature at a time.
        alone = row if ruling.datum or ruling.packed else -1
        groups.setdefault((ruling.east, ruling.shift_m, ruling.datum, alone), []).append(row)
    for rows in groups.values():
        try:
            turned = east_first(np.array([found[row] for row in rows], dtype=object), pairs[rows[0]][1])
        except CrsError as error:
            found[rows[0]] = error
            continue
        areal, around = shapely.get_dimensions(turned) == 2, shapely.length(turned)
        suspect = np.where(areal, shapely.area(turned) <= _THIN * around**2, around == 0.0)
        for row, geometry, odd in zip(rows, turned, suspect.tolist(), strict=True):
            found[row] = geometry
            if odd and _collapsed(geometry):
                place = f"{draft.source}：{pairs[row][0].label}"
                found[row] = InputError("图形面积或长度为零", where=place, remedy="请检查拐点是否重复或共线")
    return found


def _in_county(sites: Sequence[Site | InputError], options: Options) -> list[bool]:
    """Whether each site meets the county; True throughout when no outline was given."""
    if options.county is None:
        return [True] * len(sites)
    # Prepared geometries must not be shared between threads (GEOS): a copy of our own.
    county = shapely.from_wkb(shapely.to_wkb(options.county))
    shapely.prepare(county)
    drawn = np.array([site.geometry if isinstance(site, Site) else None for site in sites], dtype=object)
    inside: list[bool] = shapely.intersects(county, drawn).tolist()
    return inside


def _collapsed(geometry: crs.Geometry) -> bool:
    """Whether an area or a line of no net size encloses or spans nothing, so that no repair can give it one."""
    dimension = int(shapely.get_dimensions(geometry))
    if dimension == 0 or geometry.is_valid:
        return False
    repaired = mended(geometry)
    return float(shapely.area(repaired) if dimension == 2 else shapely.length(repaired)) == 0.0


def _shared(draft: Draft) -> tuple[Issue, ...]:
    """The file's own issues that touch every site: guesses, not the features that failed."""
    return tuple(issue for issue in draft.issues if issue.severity != "error")


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
    # A unit of the fourth decimal of DD.MMSS is a second, not a ten-thousandth of a degree.
    step = feature.step / 0.36 if ruling.packed else feature.step
    metres = half_step_m(step, latitude)
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


def _outside(site: Site, feature: Drawn, ruling: Ruling, draft: Draft, options: Options) -> Site:
    """The site told to lie outside the county; far outside, with the readings that would lie inside."""
    if options.county is None:
        return site
    distance = distance_km(options.county, site.geometry)
    place = shapely.to_wkt(shapely.centroid(site.geometry), rounding_precision=9)
    text = f"图形不在县界内，距县界 {distance:.1f} km"
    issues = [Issue("outside_county", "warning", text, "请核对坐标系、带号与坐标顺序", place)]
    better = elsewhere(feature, ruling, draft, options) if distance > NEAR_KM else ()
    if better:
        labels = "；".join(candidate.label for candidate in better)
        told = f"按“{ruling.how}”读作 {ruling.source}，距县界 {distance:.0f} km；若读作 {labels}，则落在县界内；未改读"
        remedy = f"请核对坐标系与带号；若应如此，请用 --crs {better[0].crs}"
        issues.append(Issue("reading_outside_county", "warning", told, remedy, better[0].geometry_wkt))
    return replace(site, issues=(*site.issues, *issues), candidates=(*site.candidates, *better))


def unique(sites: list[Site], source: str, before: int = 0) -> tuple[list[Site], list[Issue]]:
    """Give every site an id that is unique and fit to be a file name; nameless ones are numbered after `before`."""
    stem = _clean(PurePath(source).stem) or "site"
    taken: dict[str, int] = {}
    named: list[Site] = []
    issues: list[Issue] = []
    for number, site in enumerate(sites, 1):
        wanted = _clean(site.id) or f"{stem}-{before + number}"
        final = _free(wanted, taken)
        if final != wanted:
            issues.append(
                Issue("duplicate_id", "warning", f"编号 {wanted} 重复，第 {number} 个地块改记为 {final}")
            )
        taken.setdefault(final.casefold(), 1)
        kept = site.id == final and site.name
        named.append(site if kept else replace(site, id=final, name=site.name or final))
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
