"""Candidate readings of what was drawn: tried, kept where they lie near the county, ranked, with evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, geodesy
from linxi_gis.errors import CrsError
from linxi_gis.footprint import MAX_EXTENT_DEG, SHOWN_STEP_M
from linxi_gis.intake.court import Doubt, Option, Ruling, decide, examine
from linxi_gis.intake.figures import Bounds, columns
from linxi_gis.intake.placing import east_first
from linxi_gis.intake.reading import Candidate, Claim, Declared, Draft, Drawn, Options
from linxi_gis.intake.readings import every
from linxi_gis.intake.rings import mended
from linxi_gis.intake.zones import plane_on_any_datum
from linxi_gis.model import GeometryArray, Site
from linxi_gis.units import M2_PER_HM2, M2_PER_MU, area_text

# Our choice: the next zone is 240 km away, a neighbouring county's site 100 km at most.
NEAR_KM = 100.0
# A question with one answer would be a choice: so many are shown, the nearest of the far ones last.
_SHOWN, _SHOWN_FAR = 4, 5
_VERTICES = 500
# Pieces that all edges of a file are cut into for one reading, about: what is shown needs no more, and
# of an outline as wide as a site may be an area changes by less than a millionth.
_PIECES = 5_000
# Thinning takes the square of the vertices of a spiky outline: one of more is shown by its hull. So are
# shapes too many to be thinned: a point, a line and an area have at least so many vertices each.
_CAREFUL = 20_000
_LEAST = (1, 2, 4)
_STEP_DEG = crs.STEP_M / 111_320.0
_CHINA = (73.0, 3.0, 136.0, 54.5)
_UNIT_M2 = {"m2": 1.0, "hm2": M2_PER_HM2, "mu": M2_PER_MU}
_LANDMARK_KM = 10.0
_LANDMARKS_TOLD = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """Features read by one option: in `ruling.system`, and in EPSG:4490, long edges cut unless it is too wide."""

    option: Option
    ruling: Ruling
    drawn: GeometryArray
    lonlat: GeometryArray


def bounds_of(feature: Drawn) -> Bounds:
    """Return the least and greatest value of both columns as drawn."""
    west, south, east, north = (float(value) for value in shapely.bounds(feature.geometry))
    return west, south, east, north


def build(features: Sequence[Drawn], doubt: Doubt, draft: Draft, options: Options) -> tuple[Candidate, ...]:
    """Return the readings of features under a doubt, ranked, each of which --crs would choose.

    Those the file itself states come first; then those in or within 100 km of the county, filled up to
    four with the nearest others; when none is near, the nearest five (of odd figures none). Without
    an outline all that lie in China.
    """
    reads = _reads(features, doubt.options, draft, options)
    found = [(read.option.stated, _candidate(read, features, draft, options)) for read in reads]
    stated = [candidate for said, candidate in found if said]
    rest = sorted((candidate for said, candidate in found if not said), key=_rank)
    near = [candidate for candidate in rest if (candidate.distance_km or 0.0) <= NEAR_KM]
    if not stated and not doubt.odd:
        near = rest[: max(len(near), _SHOWN if near else _SHOWN_FAR)]
    return (*sorted(stated, key=_rank), *near)


def _rank(candidate: Candidate) -> tuple[bool, float]:
    return not candidate.in_county, round(candidate.distance_km or 0.0, 1)


def elsewhere(feature: Drawn, ruling: Ruling, draft: Draft, options: Options) -> tuple[Candidate, ...]:
    """Return the readings of a feature that lie in the county, when the one in force lies far from it."""
    if options.county is None:
        return ()
    bounds = bounds_of(feature)
    tried = tuple(
        option
        for option in every(examine(bounds, draft.east))
        if option.crs != ruling.source and _may_lie_in(options.county, bounds, option, feature.claim or draft.claim, draft)
    )
    return tuple(c for c in build([feature], Doubt("", tried), draft, replace(options, transform=None)) if c.in_county)


def _may_lie_in(county: crs.Geometry, bounds: Bounds, option: Option, claim: Claim, draft: Draft) -> bool:
    """Whether the middle of the bounds, read so, comes near the county: cheap, for thousands of sites."""
    try:
        ruling = decide(bounds, claim, option.crs, draft.east)
        if not isinstance(ruling, Ruling) or ruling.datum or ruling.packed:
            return False
        west, east, south, north = columns(bounds, ruling.east)
        lon, lat = crs.points_of(ruling.system, (west + east) / 2.0 + ruling.shift_m, (south + north) / 2.0)
    except CrsError:
        return False
    left, low, right, high = county.bounds
    return left - 1.0 <= lon <= right + 1.0 and low - 1.0 <= lat <= high + 1.0


def _reads(
    features: Sequence[Drawn], tried: Sequence[Option], draft: Draft, options: Options
) -> Iterator[_Read]:
    for option in tried:
        read = _read(features, option, draft, options)
        if read is not None:
            yield read


def _read(features: Sequence[Drawn], option: Option, draft: Draft, options: Options) -> _Read | None:
    """Read features as the option says; None when the figures cannot be in that system, or not in China.

    None too when every one of them would be wider than a site may be. Of those that are, corners are shown.
    """
    drawn, lonlat = [], []
    rulings: list[Ruling] = []
    try:
        for feature in features:
            claim = feature.claim or draft.claim
            ruling = decide(bounds_of(feature), claim, option.crs, draft.east, options.transform)
            if not isinstance(ruling, Ruling):
                return None
            rulings.append(ruling)
            drawn.append(mended(east_first(feature.geometry, ruling)))
            lonlat.append(crs.to_lonlat(drawn[-1], ruling.system))
        corners = np.array(lonlat, dtype=object)
        wide = _too_wide(corners)
        if not option.stated and (wide.all() or _abroad(corners)):
            return None
        for row in np.flatnonzero(~wide).tolist():
            lonlat[row] = _cut(drawn[row], lonlat[row], rulings[row].system, _PIECES / len(features))
    except (CrsError, shapely.GEOSException):  # GEOS: coordinates so large that a piece is lost in their rounding
        return None
    return _Read(option, rulings[0], np.array(drawn, dtype=object), np.array(lonlat, dtype=object))


def _too_wide(lonlat: GeometryArray) -> NDArray[np.bool_]:
    """Whether each is wider in EPSG:4490 than a site may be: then nobody follows its edges."""
    bounds = shapely.bounds(lonlat)
    wide: NDArray[np.bool_] = (bounds[:, 2:] - bounds[:, :2]).max(axis=1) > MAX_EXTENT_DEG
    return wide


def _abroad(lonlat: GeometryArray) -> bool:
    west, south, east, north = shapely.total_bounds(lonlat)
    return not (_CHINA[0] <= west <= east <= _CHINA[2] and _CHINA[1] <= south <= north <= _CHINA[3])


def _cut(drawn: crs.Geometry, corners: crs.Geometry, system: str, pieces: float) -> crs.Geometry:
    """A geometry in EPSG:4490, edges cut in their own system, into some `pieces` more than it has.

    `corners` are its vertices in EPSG:4490. However long the edges, the work is bounded.
    """
    finest = _STEP_DEG if crs.parse(system).is_geographic else SHOWN_STEP_M
    cut = crs.cut(drawn, max(finest, float(shapely.length(drawn)) / pieces))
    return corners if cut is drawn else crs.to_lonlat(cut, system)


def _candidate(read: _Read, features: Sequence[Drawn], draft: Draft, options: Options) -> Candidate:
    west, south, east, north = (float(value) for value in shapely.total_bounds(read.lonlat))
    shown = sketch(read.lonlat)
    distance = None if options.county is None else distance_km(options.county, shown)
    area = float(shapely.area(crs.plane_of_lonlat(read.lonlat)).sum())
    claim = features[0].claim or draft.claim
    evidence = (
        *_of_claim(read, claim),
        *_of_figures(read, features, draft),
        *_of_place(shown, distance, options.county),
        *_of_area(read, features, area),
    )
    return Candidate(
        read.option.label,
        read.option.crs,
        (west + east) / 2.0,
        (south + north) / 2.0,
        distance == 0.0,
        distance,
        area,
        evidence,
        shapely.to_wkt(shown, rounding_precision=9),
        "packed_dms" if read.ruling.packed else "crs",
    )


def _of_claim(read: _Read, claim: Claim) -> tuple[str, ...]:
    """What the file says, and whether the reading agrees with it."""
    if not claim.how:
        return ("文件没有写明坐标系" if read.ruling.degrees else "文件没有写明坐标系和投影带",)
    ruled = _agrees(read, claim)
    return (f"{claim.how}：与本读法{'一致' if ruled else '不一致'}",) if ruled is not None else (f"{claim.how}，没有写明投影带",)


def _agrees(read: _Read, claim: Claim) -> bool | None:
    """Whether a reading is what the claim states of zone and system; None when it states neither."""
    plane = plane_on_any_datum(read.ruling.system)
    if claim.system:
        if claim.system == read.ruling.system:
            return True
        return crs.parse(claim.system).equals(crs.parse(read.ruling.system), ignore_axis_order=True)
    said = [claim.meridian_deg] if claim.meridian_deg is not None else []
    numbers = [claim.zone] if claim.zone is not None else []
    if not said and not numbers:
        return None
    if plane is None:
        return False
    meridians = [float(3 * n if n > 24 else 6 * n - 3) for n in numbers]
    return all(value == plane.zone.meridian_deg for value in (*said, *meridians))


def _of_figures(read: _Read, features: Sequence[Drawn], draft: Draft) -> tuple[str, ...]:
    """The range of the eastings, or of the degrees, as drawn."""
    drawn = shapely.total_bounds(np.array([feature.geometry for feature in features], dtype=object))
    bounds: Bounds = (float(drawn[0]), float(drawn[1]), float(drawn[2]), float(drawn[3]))
    west, east, south, north = columns(bounds, read.ruling.east)
    if read.ruling.degrees:
        return (f"经度 {west:.6g}～{east:.6g}，纬度 {south:.6g}～{north:.6g}",)
    span = f"横坐标 {west:.0f}～{east:.0f}"
    plane = plane_on_any_datum(read.ruling.system)
    shape = examine(bounds, draft.east)
    if plane is None:
        return (span,)
    if shape.kind == "zoned":
        agrees = shape.prefix == plane.prefix
        return (f"{span}，前两位 {shape.prefix} {'是' if agrees else '不是'}本带带号{'' if agrees else '，须舍去'}",)
    off = abs((west + east) / 2.0 % 1e6 - 5e5) / 1000.0
    return (f"{span}，不带带号；距中央经线 {plane.zone.meridian_deg}°E 约 {off:.0f} km",)


def _of_place(shown: crs.Geometry, distance: float | None, county: crs.Geometry | None) -> tuple[str, ...]:
    if county is None or distance is None:
        return ()
    if distance > 0.0:
        return (f"距县界 {distance:.1f} km",)
    return ("落在县界内" if shapely.covers(county, shown) else "部分落在县界内",)


def _of_area(read: _Read, features: Sequence[Drawn], area_m2: float) -> tuple[str, ...]:
    """The declared area against the planar one in the reading's own plane, and the ellipsoidal one."""
    declared = [_declared_m2(feature.declared, area_m2) for feature in features]
    wanted = sum(value for value in declared if value is not None)
    if not wanted or None in declared or not area_m2:
        return ()
    planar = float(shapely.area(read.drawn).sum()) if not read.ruling.degrees else float(
        sum(crs.gk_planar_area(shape) for shape in read.lonlat)
    )
    parts = [
        f"{name} {area_text(value)}（{(value / wanted - 1.0) * 100.0:+.2f} %）"
        for name, value in (("平面", planar), ("椭球", area_m2))
    ]
    return (f"申报 {area_text(wanted)}；按此读法{'、'.join(parts)}",)


def _declared_m2(declared: Declared | None, area_m2: float) -> float | None:
    if declared is None or not (declared.value > 0.0 and math.isfinite(declared.value)):
        return None
    if declared.unit:
        return declared.value * _UNIT_M2[declared.unit]
    guesses = [declared.value * _UNIT_M2[unit] for unit in ("m2", "hm2")]
    return min(guesses, key=lambda guess: abs(math.log(guess / area_m2))) if area_m2 else None


def sketch(shapes: GeometryArray) -> crs.Geometry:
    """Return shapes (EPSG:4490) as one geometry of at most 500 vertices, to be shown, not measured."""
    parts = shapely.get_parts(shapes)
    whole: crs.Geometry = parts[0] if len(parts) == 1 else _together(parts)
    least = int(np.array(_LEAST)[shapely.get_dimensions(parts)].sum())
    careful = least <= _VERTICES and shapely.get_num_coordinates(whole) <= _CAREFUL
    thin = _thinned(whole) if careful else whole
    return thin if shapely.get_num_coordinates(thin) <= _VERTICES else _thinned(shapely.convex_hull(whole))


def _thinned(geometry: crs.Geometry) -> crs.Geometry:
    """A geometry with no more vertices than are shown, if leaving some out can do it."""
    tolerance = 1e-7
    while shapely.get_num_coordinates(geometry) > _VERTICES and tolerance < 1.0:
        tolerance *= 4.0
        # What was thinned is thinned again: the offsets add up to a third more, the work hardly at all.
        geometry = shapely.simplify(geometry, tolerance)
    return geometry


def _together(parts: GeometryArray) -> crs.Geometry:
    kinds = set(shapely.get_dimensions(parts).tolist())
    held: Any = list(parts)  # shapely's stubs want each Multi kind's own parts
    if len(kinds) > 1:
        return shapely.GeometryCollection(held)
    makers = (shapely.MultiPoint, shapely.MultiLineString, shapely.MultiPolygon)
    return makers[kinds.pop()](held)


def distance_km(county: crs.Geometry, geometry: crs.Geometry) -> float:
    """Return geodesic kilometres from a county outline to a geometry, both EPSG:4490; 0.0 where they meet."""
    if shapely.intersects(county, geometry):
        return 0.0
    line = shapely.shortest_line(crs.plane_of_lonlat(county), crs.plane_of_lonlat(geometry))
    ends = crs.points_lonlat(shapely.get_coordinates(line))
    metres, _ = geodesy.distances(ends[:1], ends[1:])
    return float(metres[0]) / 1000.0


Landmarks = Sequence[tuple[str, crs.Geometry]]


def sites_with_landmarks(sites: Sequence[Site], known: Callable[[], Landmarks]) -> list[Site]:
    """Return sites with `with_landmarks` done to their candidates; `known` is only called when there are any."""
    if not any(site.candidates for site in sites):
        return list(sites)
    index = _index(known())
    return [
        replace(site, candidates=tuple(_beside(one, *index) for one in site.candidates))
        if index and site.candidates
        else site
        for site in sites
    ]


def _index(landmarks: Landmarks) -> tuple[shapely.STRtree, list[str]] | None:
    """A tree of the landmarks in the area plane and their titles, made once for a batch; None without any."""
    if not landmarks:
        return None
    shapes = np.array([geometry for _, geometry in landmarks], dtype=object)
    return shapely.STRtree(crs.plane_of_lonlat(shapes)), [title for title, _ in landmarks]


def with_landmarks(candidates: Sequence[Candidate], landmarks: Landmarks) -> tuple[Candidate, ...]:
    """Return candidates with the known features each of them touches or comes near as evidence.

    `landmarks` are titles and geometries in EPSG:4490. The order stays: to lie by a red line is no proof
    of a reading, but a reviewer who knows the place may see which it is.
    """
    index = _index(landmarks) if candidates else None
    return tuple(candidates) if index is None else tuple(_beside(one, *index) for one in candidates)


def _beside(candidate: Candidate, tree: shapely.STRtree, titles: Sequence[str]) -> Candidate:
    drawn = shapely.from_wkt(candidate.geometry_wkt) if candidate.geometry_wkt else shapely.Point(candidate.lon, candidate.lat)
    here = crs.plane_of_lonlat(drawn)
    rows = tree.query(here, predicate="dwithin", distance=_LANDMARK_KM * 1000.0)
    gaps = shapely.distance(here, tree.geometries[rows])
    order = np.lexsort((rows, gaps))[:_LANDMARKS_TOLD]
    told = [
        f"{titles[int(rows[n])]}（{'相交' if gaps[n] == 0.0 else f'{gaps[n] / 1000.0:.1f} km'}）" for n in order.tolist()
    ]
    text = f"邻近的已知图斑：{'、'.join(dict.fromkeys(told))}" if told else f"{_LANDMARK_KM:g} km 内没有已知图斑"
    return replace(candidate, evidence=(*candidate.evidence, text))
