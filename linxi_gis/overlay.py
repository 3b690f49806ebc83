"""Measure sites against a layer: columns in, columns out. The only place that intersects; knows no law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from linxi_gis import geodesy, intervals, margins, nearest
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.finding import Relation
from linxi_gis.geometry import own, own_sites
from linxi_gis.margins import RESOLUTION_M as RESOLUTION_M
from linxi_gis.margins import rest_is_thin as rest_is_thin
from linxi_gis.margins import thickness as thickness
from linxi_gis.model import GeometryArray, Layer, LayerIdentity, Site
from linxi_gis.zonestore import Nearby, Rows, Zone, Zones

# A gap below 10 µm is rounding: the same border drawn with other vertices bends that much in the plane.
NOISE_M = 1e-5
# Zones this near are always listed, because statutory distances reach so far
# (公路安全保护条例第十七条: 200 m around bridges).
DETAIL_M = 200.0


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Columns of site-zone pairs, and of sites, for one layer.

    Pairs, shape (n,): `site` and `zone` are row numbers; areas ellipsoidal m², lengths and
    distances geodesic m, bearings degrees from north from site to zone; `margin_m` is thickness of
    the overlap for a hit, distance for a miss; `site_point` and `zone_point` are longitude
    latitude, shape (n, 2), NaN for hits. `pieces` is the common part in the area plane.
    Pairs are sorted by site, then zone; `rows` gives those of one site.
    Sites, shape (m,): the union of the layer within the site, the share of the site the layer
    covers (its claimed coverage, not its zones), and the pair row of the nearest zone or -1.
    """

    site: np.ndarray[tuple[int], np.dtype[np.intp]]
    zone: np.ndarray[tuple[int], np.dtype[np.intp]]
    relation: tuple[Relation, ...]
    area_m2: FloatArray
    length_m: FloatArray
    share: FloatArray
    distance_m: FloatArray
    bearing_deg: FloatArray
    margin_m: FloatArray
    site_point: FloatArray
    zone_point: FloatArray
    pieces: GeometryArray
    intervals_m: tuple[tuple[intervals.Interval, ...], ...]
    union_area_m2: FloatArray
    union_length_m: FloatArray
    union_share: FloatArray
    covered_share: FloatArray
    nearest: np.ndarray[tuple[int], np.dtype[np.intp]]

    def rows(self, site: int) -> range:
        """Return the pair rows of a site."""
        first, last = np.searchsorted(self.site, (site, site + 1))
        return range(int(first), int(last))


@dataclass(frozen=True, slots=True)
class _Pair:
    """One site-zone pair measured."""

    relation: Relation
    area_m2: float = 0.0
    length_m: float = 0.0
    margin_m: float = 0.0
    intervals_m: tuple[intervals.Interval, ...] = ()


def measure(sites: Sequence[Site], layer: Layer) -> Measures:
    """Measure every site against every zone it meets or is near to.

    A pair is reported when the zone meets the site, lies within the combined accuracy or 200 m, or,
    where there is none so near, is the nearest zone within the layer's range. A single site is a batch
    of one.
    """
    grounds = own_sites([site.ground for site in sites])
    zones = layer.tree if isinstance(layer.tree, Zones) else Zones.of(np.asarray(layer.zones))
    near = _near(grounds, zones, layer.identity, np.array([s.accuracy_m for s in sites], dtype=np.float64))
    first = _firsts(near)
    site, zone = near.site[first], near.zone[first]
    meets = shapely.intersects(grounds[near.site], near.shape)
    met = np.logical_or.reduceat(meets, first) if len(first) else np.empty(0, dtype=bool)
    beside = [near.shape[a:b][meets[a:b]] for a, b in pairwise([*first.tolist(), len(meets)])]
    pieces = _common(grounds[site], met, beside)
    chains = [intervals.chain(s.ground) if s.kind == "line" else None for s in sites]
    pairs = [
        _meeting(sites[i], chains[i], zones.zone(j, shapes), piece) if hit else _Pair(Relation.DISJOINT)
        for i, j, shapes, piece, hit in zip(site.tolist(), zone.tolist(), beside, pieces, met, strict=True)
    ]
    hit = np.array([pair.relation.hit for pair in pairs], dtype=bool)
    gaps = _gaps(grounds[site], near.shape, first, ~hit)
    for k in np.flatnonzero(~met).tolist():
        pairs[k] = _missing(float(gaps.distance_m[k]), layer.identity.range_m)
    whole, true = np.array([_whole(s) for s in sites], dtype=np.float64), _true(sites)
    area = np.array([pair.area_m2 for pair in pairs], dtype=np.float64) * true[site]
    length = np.array([pair.length_m for pair in pairs], dtype=np.float64)
    union_area, union_length = _unions(sites, true, site, hit, pieces, pairs)
    return Measures(
        site=site,
        zone=zone,
        relation=tuple(pair.relation for pair in pairs),
        area_m2=area,
        length_m=length,
        share=_shares(sites, area, length, whole, site),
        distance_m=np.where(hit, 0.0, gaps.distance_m),
        bearing_deg=gaps.bearing_deg,
        margin_m=np.array([pair.margin_m for pair in pairs], dtype=np.float64),
        site_point=gaps.site_point,
        zone_point=gaps.zone_point,
        pieces=pieces,
        intervals_m=tuple(pair.intervals_m for pair in pairs),
        union_area_m2=union_area,
        union_length_m=union_length,
        union_share=_shares(sites, union_area, union_length, whole, np.arange(len(sites))),
        covered_share=covered_share(grounds, layer.coverage),
        nearest=_nearest(len(sites), site, np.where(hit, 0.0, gaps.distance_m)),
    )


def _true(sites: Sequence[Site]) -> FloatArray:
    """Return what areas of the plane are multiplied by, site by site, to add up to its true area (1 ± 1e-6)."""
    grounds = np.array([site.ground for site in sites], dtype=object)
    return true_scale(grounds, np.array([site.area_m2 for site in sites], dtype=np.float64))


def true_scale(grounds: GeometryArray, areas_m2: FloatArray) -> FloatArray:
    """Return true area over area in the plane of each site, 1 where it has none; shape (n,)."""
    flat = shapely.area(grounds)
    return np.divide(areas_m2, flat, out=np.ones(len(grounds)), where=(flat > 0.0) & (areas_m2 > 0.0))


def _whole(site: Site) -> float:
    """Return what shares of a site are taken of: its area, or its length; a point counts as one."""
    if site.kind == "point":
        return 1.0
    return site.length_m if site.kind == "line" else site.area_m2


def _near(grounds: GeometryArray, zones: Zones, identity: LayerIdentity, accuracy_m: FloatArray) -> Nearby:
    """Return the pieces of zones worth measuring, sorted by site, then zone."""
    reach = np.maximum(DETAIL_M, identity.accuracy_m + accuracy_m)
    near = _reached(grounds, zones, reach)
    alone = np.flatnonzero(np.bincount(near.site, minlength=len(grounds)) == 0)  # a site with a zone in reach has its nearest
    far = _nearest_zone(grounds[alone], zones, max(identity.range_m, RESOLUTION_M)) if len(alone) else near
    if not len(alone) or not len(far.site):
        return near
    site, zone = np.concatenate([near.site, alone[far.site]]), np.concatenate([near.zone, far.zone])
    order = np.lexsort((zone, site))
    return Nearby(site[order], zone[order], np.concatenate([near.shape, far.shape])[order])


def _reached(grounds: GeometryArray, zones: Zones, reach_m: FloatArray) -> Nearby:
    """Return the pieces of the zones that are within reach, shape (m,), of each site on the ellipsoid."""
    wide = nearest.doubtful(grounds, reach_m)
    near = zones.near(grounds, wide)
    first = _firsts(near)
    if not len(first):
        return near
    surely_m: Any = (2.0 * reach_m - wide)[near.site]
    surely = shapely.dwithin(grounds[near.site], near.shape, surely_m)
    kept = np.logical_or.reduceat(surely, first)
    gaps = _gaps(grounds[near.site[first]], near.shape, first, ~kept)
    kept[~kept] = gaps.distance_m[~kept] <= reach_m[near.site[first]][~kept]
    rows = np.repeat(kept, np.diff([*first, len(near.site)]))
    return Nearby(near.site[rows], near.zone[rows], near.shape[rows])


def _nearest_zone(grounds: GeometryArray, zones: Zones, range_m: float) -> Nearby:
    """Return the pieces of the zone that is nearest to each site on the ellipsoid, if it is within the range."""
    near = zones.nearest(grounds, nearest.doubtful(grounds, np.full(len(grounds), range_m)), nearest.doubtful)
    first = _firsts(near)
    metres = nearest.gaps(grounds[near.site[first]], near.shape, first).distance_m
    order = np.lexsort((near.zone[first], metres, near.site[first]))
    pair = order[_first_of(near.site[first][order])]
    chosen = np.zeros(len(first), dtype=bool)
    chosen[pair[metres[pair] <= range_m]] = True
    kept = np.repeat(chosen, np.diff([*first, len(near.site)]))
    return Nearby(near.site[kept], near.zone[kept], near.shape[kept])


def _first_of(sorted_rows: Rows) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where each run of the same row begins."""
    new = np.ones(len(sorted_rows), dtype=bool)
    new[1:] = sorted_rows[1:] != sorted_rows[:-1]
    return new


def _firsts(near: Nearby) -> Rows:
    """Return where each pair of site and zone begins among its pieces."""
    new = (near.site[1:] != near.site[:-1]) | (near.zone[1:] != near.zone[:-1])
    return np.flatnonzero(np.concatenate([[True] * bool(len(near.site)), new]))


def _common(grounds: GeometryArray, met: np.ndarray[Any, Any], beside: Sequence[GeometryArray]) -> GeometryArray:
    """Return the common part of each pair that meets, from the pieces that meet; an empty point for others."""
    common = np.full(len(grounds), shapely.Point(), dtype=object)
    for k in np.flatnonzero(met).tolist():
        parts = shapely.intersection(grounds[k], beside[k])
        common[k] = parts[0] if len(parts) == 1 else shapely.union_all(parts)
    return common


def _gaps(
    grounds: GeometryArray, shapes: GeometryArray, first: Rows, wanted: np.ndarray[Any, np.dtype[np.bool_]]
) -> nearest.Gaps:
    """Return the shortest way of each pair, those that are not wanted NaN; `shapes` from row `first` on are its zone's."""
    ends = np.append(first, len(shapes))[1:]
    kept = np.repeat(wanted, ends - first)
    begin = np.concatenate([[0], np.cumsum((ends - first)[wanted])])[:-1].astype(np.intp)
    found = nearest.gaps(grounds[wanted], shapes[kept], begin)
    metres, bearing, places = np.full(len(first), np.nan), np.full(len(first), np.nan), np.full((2, len(first), 2), np.nan)
    metres[wanted], bearing[wanted] = found.distance_m, found.bearing_deg
    places[0, wanted], places[1, wanted] = found.site_point, found.zone_point
    return nearest.Gaps(metres, bearing, places[0], places[1])


def _missing(gap_m: float, range_m: float) -> _Pair:
    if gap_m < NOISE_M:
        return _Pair(Relation.TOUCHES, margin_m=gap_m)
    relation = Relation.NEAR if gap_m <= max(range_m, DETAIL_M) else Relation.DISJOINT
    return _Pair(relation, margin_m=gap_m)


def _meeting(site: Site, chain: intervals.Chain | None, zone: Zone, piece: Geometry) -> _Pair:
    """Measure a pair that shares at least a point."""
    if site.kind == "point":
        return _point_meets(site.ground, zone)
    if chain is not None:
        return _line_meets(site.ground, chain, zone, piece)
    if zone.dimension == 2:
        return _area_meets_area(site.ground, zone, piece)
    return _area_meets_thin(site.ground, zone, piece)


def _point_meets(point: Geometry, zone: Zone) -> _Pair:
    if zone.dimension < 2:
        return _Pair(Relation.WITHIN if zone.dimension == 0 else Relation.TOUCHES)
    depth = float(zone.border_gaps(np.array([point], dtype=object))[0])
    return _Pair(Relation.WITHIN if depth >= RESOLUTION_M else Relation.TOUCHES, margin_m=depth)


def _line_meets(line: Geometry, chain: intervals.Chain, zone: Zone, piece: Geometry) -> _Pair:
    if zone.dimension == 0:
        return _Pair(Relation.CONTAINS)
    if zone.dimension == 1:
        ends = shapely.get_parts(shapely.boundary(line))
        margin = float(zone.gaps(ends).min()) if len(ends) else 0.0
        met = _within(chain, zone)
        return _Pair(Relation.CROSSES, length_m=intervals.total(met), margin_m=margin, intervals_m=met)
    depth = margins.depth(piece, zone.border_gaps)
    if depth < RESOLUTION_M:
        return _Pair(Relation.TOUCHES)
    met = _within(chain, zone)
    length = min(intervals.total(met), chain.total_m)
    relation = Relation.WITHIN if chain.total_m - length < RESOLUTION_M else Relation.CROSSES
    return _Pair(relation, length_m=length, margin_m=depth, intervals_m=met)


def _within(chain: intervals.Chain, zone: Zone) -> tuple[intervals.Interval, ...]:
    """Return the chainage intervals of a line in a zone, from the pieces that it meets."""
    return intervals.merge(span for shape in zone.met for span in intervals.within(chain, shape))


def _area_meets_area(ground: Geometry, zone: Zone, piece: Geometry) -> _Pair:
    area = float(shapely.area(piece))
    if thickness(piece) < RESOLUTION_M:
        return _Pair(Relation.TOUCHES)
    if rest_is_thin(float(ground.area) - area, float(ground.length), lambda: shapely.difference(ground, piece)):
        relation, area = Relation.WITHIN, float(ground.area)
    elif rest_is_thin(zone.area_m2 - area, zone.length_m, lambda: shapely.difference(zone.whole(), ground)):
        relation = Relation.CONTAINS
    else:
        relation = Relation.OVERLAPS
    return _Pair(relation, area_m2=area, margin_m=margins.width(piece))


def _area_meets_thin(ground: Geometry, zone: Zone, piece: Geometry) -> _Pair:
    """Measure an area against a line or point zone."""
    border = shapely.boundary(ground)
    depth = margins.depth(piece, lambda points: shapely.distance(points, border))
    if depth < RESOLUTION_M:
        return _Pair(Relation.TOUCHES)
    length = geodesy.length_m(piece) if shapely.get_dimensions(piece) == 1 else 0.0
    inside = zone.length_m - float(shapely.length(piece)) < RESOLUTION_M
    return _Pair(Relation.CONTAINS if inside else Relation.CROSSES, length_m=length, margin_m=depth)


def _shares(
    sites: Sequence[Site],
    area: FloatArray,
    length: FloatArray,
    whole: FloatArray,
    row: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> FloatArray:
    """Return shares 0..1 of area for areas, of length for lines, 0 for points."""
    is_line = np.array([site.kind == "line" for site in sites], dtype=bool)[row]
    part = np.where(is_line, length, area)
    return np.clip(part / whole[row], 0.0, 1.0)


def _unions(
    sites: Sequence[Site],
    true: FloatArray,
    row: np.ndarray[tuple[int], np.dtype[np.intp]],
    hit: np.ndarray[tuple[int], np.dtype[np.bool_]],
    pieces: GeometryArray,
    pairs: Sequence[_Pair],
) -> tuple[FloatArray, FloatArray]:
    """Return area and length of the union of the layer within each site: duplicates count once."""
    area, length = np.zeros(len(sites)), np.zeros(len(sites))
    for i, site in enumerate(sites):
        first, last = np.searchsorted(row, (i, i + 1))
        mine = [k for k in range(int(first), int(last)) if hit[k]]
        if not mine:
            continue
        if site.kind == "line":
            length[i] = intervals.total(intervals.merge(x for k in mine for x in pairs[k].intervals_m))
        elif any(pairs[k].relation is Relation.WITHIN for k in mine):
            area[i] = site.area_m2
        else:
            union = pieces[mine[0]] if len(mine) == 1 else shapely.union_all(pieces[mine])
            area[i] = min(float(union.area) * float(true[i]), site.area_m2)
            length[i] = sum(pairs[k].length_m for k in mine)
    return area, length


def covered_share(grounds: GeometryArray, coverage: Geometry | None) -> FloatArray:
    """Return the share of each site where the layer claims to know (0 when it claims nothing)."""
    if coverage is None:
        return np.zeros(len(grounds))
    mine = own(coverage)
    covered = shapely.covers(mine, grounds).astype(np.float64)
    partly = np.flatnonzero(covered == 0.0)
    partly = partly[shapely.intersects(mine, grounds[partly])]
    if len(partly):
        covered[partly] = _covered_part(grounds[partly], mine)
    return covered


def _covered_part(grounds: GeometryArray, coverage: Geometry) -> FloatArray:
    """Return the share of area (of length, of a point all or nothing) that lies in a coverage."""
    inside = shapely.intersection(grounds, coverage)
    covered = np.zeros(len(grounds))  # a point that is not covered is not
    for i, (ground, part) in enumerate(zip(grounds, inside, strict=True)):
        if shapely.get_dimensions(ground) == 2:
            covered[i] = part.area / ground.area
        elif shapely.get_dimensions(ground) == 1:
            chain = intervals.chain(ground)  # a line that goes out and comes back counts both ways
            covered[i] = intervals.total(intervals.within(chain, coverage)) / chain.total_m
    return np.clip(covered, 0.0, 1.0)


def _nearest(
    count: int, row: np.ndarray[tuple[int], np.dtype[np.intp]], distance_m: FloatArray
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the pair row of each site's nearest zone, -1 for none."""
    found = np.full(count, -1, dtype=np.intp)
    for k in np.lexsort((distance_m, row))[::-1]:
        found[row[k]] = k
    return found
