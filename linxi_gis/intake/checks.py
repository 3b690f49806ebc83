"""Look at many drawn shapes at once, and closely only at the odd ones; nothing is changed but what is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs
from linxi_gis.crs import Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.footprint import CHUNK_VERTICES
from linxi_gis.intake import areacheck, crosscheck, partcheck, ringcheck
from linxi_gis.model import Site

_WARY_M = 2.0 * partcheck.NARROW_M
# The clearance of a ring of 100 corners takes 0.6 ms, of 12 corners 10 µs: in large files only small rings are
# looked at for necks, which no judgement hangs on.
_CLEARANCE_VERTICES = 500
_CLEARANCE_SMALL = 24
_CLEARANCE_BATCH = 20_000
_MOST = 40  # issues of one site, and its rings looked at: nobody reads more
_SHORT_DEGREE_M = 60_000.0  # of longitude at 57°N: a clearance in degrees may lie east and west
_OPEN = re.compile(r"第 ([\d、]+) 圈首尾")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A site and what it was made of.

    `drawn` is in `system`, x east, as it was before any repair; `raw` as the file's reader gave it, with its
    heights.
    """

    site: Site
    drawn: Geometry
    system: str
    raw: Geometry | None = None


def examine(subjects: Sequence[Subject], county: Geometry | None = None) -> list[Site]:
    """Return the sites, each with the issues and candidates that a look at its drawing gives.

    `county` is its outline in EPSG:4490 longitude latitude, or None. Geometry is never changed: what is
    offered as another reading stands in `Site.candidates`. A clean plot costs some 20 µs in a large batch.
    """
    ends = np.cumsum(shapely.get_num_coordinates(_column(one.drawn for one in subjects))) // CHUNK_VERTICES
    bounds = [0, *(np.flatnonzero(np.diff(ends)) + 1).tolist(), len(subjects)]
    return [site for first, last in pairwise(bounds) for site in _examine(subjects[first:last], county)]


def examine_one(subject: Subject, county: Geometry | None = None) -> Site:
    """Return one site as `examine` does."""
    return examine([subject], county)[0]


def examine_made(
    made: Sequence[Site | InputError],
    drawn: Sequence[Geometry | InputError],
    systems: Sequence[str],
    raw: Sequence[Geometry],
    county: Geometry | None = None,
) -> list[Site | InputError]:
    """Return what was made, in order, its sites examined; `drawn`, `systems` and `raw` as in `Subject`."""
    answer = list(made)
    rows, subjects = [], []
    for row, (site, shape) in enumerate(zip(made, drawn, strict=True)):
        if isinstance(site, Site) and not isinstance(shape, InputError):
            rows.append(row)
            subjects.append(Subject(site, shape, systems[row], raw[row]))
    for row, site in zip(rows, examine(subjects, county), strict=True):
        answer[row] = site
    return answer


def _examine(subjects: Sequence[Subject], county: Geometry | None) -> list[Site]:
    if not subjects:
        return []
    made: list[list[Issue]] = [[] for _ in subjects]
    degrees = np.array([crs.is_geographic(one.system) for one in subjects])
    chains = ringcheck.chains_of([one.drawn for one in subjects], degrees)
    odd = ringcheck.odd_chains(chains)
    for owner in sorted(set(chains.owner[odd].tolist())):
        labels = _labels(subjects[owner].drawn)
        mine = np.flatnonzero(chains.owner == owner)
        for chain in map(int, odd[chains.owner[odd] == owner][:_MOST]):
            label = labels[int(np.searchsorted(mine, chain))]
            made[owner] += ringcheck.corner_issues(chains, chain, label, subjects[owner].system)
    for owner in ringcheck.far_owners(chains):
        one = subjects[owner]
        far = ringcheck.far_corner(chains, owner, _labels(one.drawn), one.system)
        if far is not None:
            made[owner] = [far, *(told for told in made[owner] if told.geometry_wkt != far.geometry_wkt)]
    _part_checks(subjects, degrees, made)
    _size_checks(subjects, county, made)
    return [
        _finished(one, _some(issues), county) if issues or _told_before(one.site) else one.site
        for one, issues in zip(subjects, made, strict=True)
    ]


def _some(issues: list[Issue]) -> list[Issue]:
    """The first of very many issues, and how many there are more."""
    if len(issues) <= _MOST:
        return issues
    more = f"另有 {len(issues) - _MOST} 处类似的问题，没有逐一列出"
    return [*issues[:_MOST], Issue("issues_cut", "info", more, "请先改正已列出的问题")]


def _labels(drawn: Geometry) -> list[str]:
    """What the rings or lines of a shape are called; nothing when there is only one."""
    parts = list(shapely.get_parts(drawn))
    labels = []
    for number, part in enumerate(parts, 1):
        name = f"第 {number} 部分" if len(parts) > 1 else ""
        holes = int(shapely.get_num_interior_rings(part))
        labels += [f"{name}外圈" if holes else name, *(f"{name}第 {hole} 个孔" for hole in range(1, holes + 1))]
    return labels


def _column(shapes: Iterable[Geometry | None]) -> NDArray[np.object_]:
    listed = list(shapes)
    held = np.empty(len(listed), dtype=object)
    held[:] = listed
    return held


def _part_checks(subjects: Sequence[Subject], degrees: NDArray[np.bool_], made: list[list[Issue]]) -> None:
    drawn, ground = _column(s.drawn for s in subjects), _column(s.site.ground for s in subjects)
    areal = shapely.get_dimensions(drawn) == 2
    many = (shapely.get_num_geometries(drawn) > 1) | (_hole_count(drawn) > 0)
    for row in map(int, np.flatnonzero(areal & many)):
        one = subjects[row]
        if _healed(one.site) or _hole_count(drawn[row : row + 1])[0]:
            made[row] += partcheck.part_issues(one.site, one.drawn, one.system)
            made[row] += _turned(one)
    pieces, owner = shapely.get_parts(ground, return_index=True)
    border = np.maximum(shapely.length(pieces), np.finfo(float).tiny)
    thin = (shapely.get_dimensions(pieces) == 2) & (2.0 * shapely.area(pieces) / border < partcheck.NARROW_M)
    for row in sorted(set(owner[thin].tolist())):
        made[row] += partcheck.slivers(subjects[row].site)
    corners = shapely.get_num_coordinates(drawn)
    most = _CLEARANCE_VERTICES if int(corners.sum()) <= _CLEARANCE_BATCH else _CLEARANCE_SMALL
    small = np.flatnonzero(areal & (corners <= most))
    wary = np.where(degrees, _WARY_M / _SHORT_DEGREE_M, _WARY_M)
    for row in map(int, small[shapely.minimum_clearance(drawn[small]) < wary[small]]):
        if not any(issue.code in ("vertex_repeated", "spike", "sliver") for issue in made[row]):
            found = None if _healed(subjects[row].site) else partcheck.neck(subjects[row].site)
            made[row] += [found] if found is not None else []
    _heights(subjects, made)


def _hole_count(drawn: NDArray[np.object_]) -> NDArray[np.intp]:
    parts, owner = shapely.get_parts(drawn, return_index=True)
    return np.bincount(owner, weights=shapely.get_num_interior_rings(parts), minlength=len(drawn)).astype(np.intp)


def _turned(one: Subject) -> list[Issue]:
    alike = partcheck.turned_alike(one.drawn)
    if not alike:
        return []
    # One text for the whole file, so that faces show it once.
    text = "有孔洞与外圈的走向相同（按规范应当相反），已按位置关系作孔洞扣除"
    return [Issue("hole_orientation", "info", text, "请核对它是孔洞还是独立的一块")]


def _heights(subjects: Sequence[Subject], made: list[list[Issue]]) -> None:
    raw = _column(one.raw for one in subjects)
    for row in map(int, np.flatnonzero(shapely.has_z(raw) | shapely.has_m(raw))):
        one = subjects[row]
        told = any(issue.code in ("z_dropped", "m_dropped") for issue in one.site.issues)
        values = shapely.get_coordinates(raw[row], include_z=True, include_m=True)[:, 2:]
        kept = [word for word, column in zip(("高程（Z）", "量测值（M）"), values.T, strict=True) if _said(column)]
        if kept and not told:
            text = f"坐标带有{'、'.join(kept)}，选址研判只用平面位置，未采用"
            made[row].append(Issue("z_dropped", "info", text))


def _said(values: NDArray[np.float64]) -> bool:
    return bool(np.any(np.isfinite(values) & (values != 0.0)))


def _size_checks(subjects: Sequence[Subject], county: Geometry | None, made: list[list[Issue]]) -> None:
    county_m2 = None if county is None else float(shapely.area(crs.plane_of_lonlat(county)))
    for issues, one in zip(made, subjects, strict=True):
        found = areacheck.size_issue(one.site, county_m2) if _odd_size(one.site, county_m2) else None
        issues += [found] if found is not None else []
    if county is None:
        return
    # A copy of our own: a prepared geometry shared between threads crashes (libgeos/geos #825).
    own = shapely.from_wkb(shapely.to_wkb(county))
    shapely.prepare(own)
    shapes = _column(one.site.geometry for one in subjects)
    beyond = np.flatnonzero(~shapely.covers(own, shapes))
    for row in map(int, beyond[shapely.intersects(own, shapes[beyond])]):
        found = areacheck.partly_outside(subjects[row].site, county)
        made[row] += [found] if found is not None else []


def _odd_size(site: Site, county_m2: float | None) -> bool:
    if site.kind == "point":
        return False
    huge = min(areacheck.HUGE_M2, county_m2 or areacheck.HUGE_M2)
    areal = site.kind in ("polygon", "corridor")
    return site.length_m > areacheck.LONG_M or (areal and not areacheck.TINY_M2 <= site.area_m2 <= huge)


def _healed(site: Site) -> bool:
    return any(issue.code == "geometry_healed" for issue in site.issues)


def _told_before(site: Site) -> bool:
    """Whether something already told wants more words: a repair, an open ring, a declared area."""
    return site.declared_area_m2 is not None or any(
        issue.code in ("geometry_healed", "ring_closed") for issue in site.issues
    )


def _finished(one: Subject, issues: Sequence[Issue], county: Geometry | None) -> Site:
    site = replace(one.site, issues=(*(_closing(issue, one) for issue in one.site.issues), *issues))
    other = None
    if _healed(site) and site.kind == "polygon":
        site, other = crosscheck.healed(site, one.drawn, one.system)
    if county is not None and site.candidates:
        site = replace(site, candidates=areacheck.in_county(site.candidates, county))
    if site.declared_area_m2 is None:
        return site
    return areacheck.declared(site, crs.to_lonlat(one.drawn, one.system), other)


def _closing(issue: Issue, one: Subject) -> Issue:
    """Give the Issue of rings that were closed for their author the edges that closed them."""
    if issue.code != "ring_closed" or issue.geometry_wkt is not None:
        return issue
    rings = ringcheck.rings_of(one.drawn)
    named = _OPEN.search(issue.text)
    if named is None or len(named[1].split("、")) != len(rings):
        return issue  # which of several rings it was, the drawing no longer tells
    edges = [shapely.LineString(shapely.get_coordinates(ring)[-2:]) for ring in rings]
    place = edges[0] if len(edges) == 1 else shapely.multilinestrings(edges)
    return replace(issue, geometry_wkt=ringcheck.wkt(place, one.system))
