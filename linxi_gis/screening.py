"""Measure a block of many sites against all layers: arrays in, columns out. Only what a table of a batch needs.

The definitions are those of `overlay`; what is left out is what a batch has no column for (the margin of a hit,
chainages, partition). `measure_block` is the seam where a compiled engine takes over: it alone decides how a
layer is measured, and `Bench` is where what an engine keeps of a layer belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, get_args

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import geodesy, overlay
from linxi_gis.crs import FloatArray, Geometry, points_lonlat
from linxi_gis.finding import COVERED, LayerStatus, layer_status
from linxi_gis.model import Gap, GeometryArray, Kind, Layer, LayerIdentity, Reference, Site

IndexArray = NDArray[np.intp]
STATUSES: tuple[LayerStatus, ...] = get_args(LayerStatus)
_NOT_CHECKED = STATUSES.index("not_checked")
_KINDS: tuple[Kind, ...] = ("point", "line", "polygon")
# Plane distances are true to 2e-5 at worst: among zones this much farther the geodesic decides who is nearest.
_PLANE_ERROR = 1e-4
_REFERENCE = Reference("", "")


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """A layer as one thread measures with it, or the gap where it should be.

    `zones` are the layer's own, copied and prepared: prepared geometries must not be shared by threads
    (libgeos/geos #825). `areas` tells that all of them are areas.
    """

    layer: Layer | Gap
    zones: GeometryArray
    tree: shapely.STRtree
    areas: bool

    @property
    def identity(self) -> LayerIdentity:
        """What is known of the layer."""
        return self.layer.identity


def bench(layer: Layer | Gap) -> Bench:
    """Return a layer made ready for the thread that calls."""
    if isinstance(layer, Gap):
        nothing = np.empty(0, dtype=object)
        return Bench(layer, nothing, shapely.STRtree(nothing), True)
    zones = np.array(layer.zones, dtype=object)  # read anew, so they are this thread's own
    shapely.prepare(zones)
    return Bench(layer, zones, shapely.STRtree(zones), bool((shapely.get_dimensions(zones) == 2).all()))


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What one layer says of each site of a block, shape (m,) each, and the pairs that hit, shape (n,) each.

    `status` are numbers into `STATUSES`. Areas are ellipsoidal m² and lengths geodesic m of the union of
    the layer within the site, `share` 0..1 of the site (a point is in or out), `covered_share` the share
    where the layer claims to know. `near` is the row of the nearest zone of a site without a hit, -1 when
    there is none in the layer's range; `distance_m` (geodesic) and `bearing_deg` (from north, from site to
    zone) are NaN then. Pairs are sorted by site, then zone. All figures of a layer that is a gap, and of a
    site that GEOS could not overlay (status not_checked), are NaN.
    """

    status: NDArray[np.int8]
    area_m2: FloatArray
    length_m: FloatArray
    share: FloatArray
    covered_share: FloatArray
    near: IndexArray
    distance_m: FloatArray
    bearing_deg: FloatArray
    hit_site: IndexArray
    hit_zone: IndexArray


def measure_block(
    grounds: GeometryArray, kinds: NDArray[np.int8], areas_m2: FloatArray, layers: Sequence[Bench]
) -> tuple[Columns, ...]:
    """Measure sites against every layer.

    Parameters
    ----------
    grounds : valid, non-empty points, lines or areas in the area plane, shape (m,)
    kinds : their dimensions 0, 1, 2, shape (m,)
    areas_m2 : their true areas (`footprint.measure`), shape (m,): as in `overlay`, areas of the plane are multiplied
        by what makes the site's own its true one
    layers : one for each result, in order

    A block gives bit for bit what its sites give one by one: every step is a step of one site or one pair.
    """
    covered: dict[int, FloatArray] = {}  # most layers share one coverage
    true = overlay.true_scale(grounds, areas_m2)
    found = (_layer(grounds, kinds, one, covered) for one in layers)
    return tuple(
        replace(columns, area_m2=np.where((kinds == 2) & (columns.share == 1.0), areas_m2, columns.area_m2 * true))
        for columns in found
    )


def _layer(
    grounds: GeometryArray, kinds: NDArray[np.int8], one: Bench, covered: dict[int, FloatArray]
) -> Columns:
    if isinstance(one.layer, Gap) or not len(grounds):
        return _unknown(len(grounds))
    try:
        return _measured(grounds, kinds, one, one.layer, covered)
    except shapely.errors.GEOSException:
        if len(grounds) == 1:
            return _unknown(1)  # as `assess` has it: a layer that cannot be overlaid is not checked, never "no hit"
    rows = range(len(grounds))
    return _together([_layer(grounds[i : i + 1], kinds[i : i + 1], one, {}) for i in rows])


def _unknown(count: int) -> Columns:
    nothing, none = np.full(count, np.nan), np.empty(0, dtype=np.intp)
    status = np.full(count, _NOT_CHECKED, dtype=np.int8)
    near = np.full(count, -1, dtype=np.intp)
    return Columns(status, nothing, nothing, nothing, nothing, near, nothing, nothing, none, none)


def _together(single: Sequence[Columns]) -> Columns:
    """The columns of blocks of one site each as those of one block."""
    names = [name for name in Columns.__slots__ if name != "hit_site"]
    joined = {name: np.concatenate([getattr(one, name) for one in single]) for name in names}
    sites = [np.full(len(one.hit_zone), row, dtype=np.intp) for row, one in enumerate(single)]
    return Columns(hit_site=np.concatenate(sites), **joined)


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """The pairs that hit, sorted, and the union of a layer's zones within each site."""

    site: IndexArray
    zone: IndexArray
    area_m2: FloatArray
    length_m: FloatArray
    share: FloatArray


def _measured(
    grounds: GeometryArray, kinds: NDArray[np.int8], one: Bench, layer: Layer, covered: dict[int, FloatArray]
) -> Columns:
    hits = _hits(grounds, kinds, one, layer)
    hit = np.zeros(len(grounds), dtype=bool)
    hit[hits.site] = True
    near, distance, bearing = _nearest(grounds, np.flatnonzero(~hit), one, layer)
    if id(layer.coverage) not in covered:
        covered[id(layer.coverage)] = overlay.covered_share(grounds, layer.coverage)
    known = covered[id(layer.coverage)]
    status = _statuses(layer, hit, near >= 0, known >= COVERED)
    return Columns(
        status, hits.area_m2, hits.length_m, hits.share, known, near, distance, bearing, hits.site, hits.zone
    )


def _statuses(
    layer: Layer, hit: NDArray[np.bool_], near: NDArray[np.bool_], covered: NDArray[np.bool_]
) -> NDArray[np.int8]:
    truth = (False, True)
    said = [
        STATUSES.index(layer_status(stale=bool(layer.stale), hit=h, near=n, covered=c))
        for h in truth
        for n in truth
        for c in truth
    ]
    found: NDArray[np.int8] = np.array(said, dtype=np.int8)[hit * 4 + near * 2 + covered]
    return found


def _hits(grounds: GeometryArray, kinds: NDArray[np.int8], one: Bench, layer: Layer) -> _Hits:
    """Return who hits what: areas on areas in columns, the few others that meet a zone by `overlay.measure`."""
    site, zone = one.tree.query(grounds)
    order = np.lexsort((zone, site))
    site, zone = site[order], zone[order]
    zones = one.zones[zone]
    inside = shapely.contains_properly(zones, grounds[site])
    met = inside.copy()
    met[~inside] = shapely.intersects(zones[~inside], grounds[site[~inside]])
    site, zone, inside = site[met], zone[met], inside[met]
    plain = (kinds[site] == 2) & one.areas
    hits = _areas(grounds, site[plain], zone[plain], inside[plain], one.zones)
    if plain.all():
        return hits
    return _joined(hits, _others(grounds, kinds, np.unique(site[~plain]), layer))


def _joined(one: _Hits, other: _Hits) -> _Hits:
    """The hits of two sets of sites that have none in common."""
    site, zone = np.concatenate([one.site, other.site]), np.concatenate([one.zone, other.zone])
    order = np.lexsort((zone, site))
    return _Hits(
        site[order], zone[order],
        one.area_m2 + other.area_m2, one.length_m + other.length_m, one.share + other.share,
    )  # fmt: skip


def _areas(
    grounds: GeometryArray, site: IndexArray, zone: IndexArray, inside: NDArray[np.bool_], all_zones: GeometryArray
) -> _Hits:
    """Return the hits of areas on areas; `inside` are pairs whose site lies in the zone, off its border."""
    own, zones = grounds[site], all_zones[zone]
    whole = shapely.area(own)
    pieces = own.copy()
    pieces[~inside] = shapely.intersection(own[~inside], zones[~inside])
    area, within = shapely.area(pieces), inside.copy()
    hit = thicknesses(pieces) >= overlay.RESOLUTION_M
    doubtful = hit & ~inside & (whole - area <= overlay.RESOLUTION_M * shapely.length(own))
    for k in np.flatnonzero(doubtful):
        rest = partial(shapely.difference, own[k], pieces[k])
        within[k] = overlay.rest_is_thin(float(whole[k] - area[k]), float(own[k].length), rest)
    area = np.where(within, whole, area)
    site, zone, area, within = site[hit], zone[hit], area[hit], within[hit]
    pieces, whole = pieces[hit], whole[hit]
    union, share = np.zeros(len(grounds)), np.zeros(len(grounds))
    many = np.bincount(site, minlength=len(grounds)) > 1
    union[site] = np.minimum(area, whole)
    whole_site = np.zeros(len(grounds), dtype=bool)
    whole_site[site[within]] = True
    union[site[within]] = whole[within]
    for i in np.flatnonzero(many & ~whole_site):
        first, last = np.searchsorted(site, (i, i + 1))
        union[i] = min(float(shapely.union_all(pieces[first:last]).area), float(whole[first]))
    share[site] = np.clip(union[site] / whole, 0.0, 1.0)
    return _Hits(site, zone, union, np.zeros(len(grounds)), share)


def thicknesses(areas: GeometryArray) -> FloatArray:
    """As `overlay.thickness`, for each of an array."""
    parts, owner = shapely.get_parts(areas, return_index=True)
    area, perimeter = shapely.area(parts), shapely.length(parts)
    solid = (shapely.get_dimensions(parts) == 2) & (perimeter > 0.0)
    thickest = np.zeros(len(areas))
    np.maximum.at(thickest, owner[solid], 2.0 * area[solid] / perimeter[solid])
    return thickest


def _others(grounds: GeometryArray, kinds: NDArray[np.int8], rows: IndexArray, layer: Layer) -> _Hits:
    """Return the hits of points and lines, and of areas on points and lines, at `rows`."""
    sites = [_site(grounds[i], int(kinds[i])) for i in rows]
    measures = overlay.measure(sites, layer)
    hit = np.array([relation.hit for relation in measures.relation], dtype=bool)
    area, length, share = (np.zeros(len(grounds)) for _ in range(3))
    area[rows], length[rows] = measures.union_area_m2, measures.union_length_m
    share[rows] = measures.union_share
    points = measures.site[hit & (kinds[rows][measures.site] == 0)]
    share[rows[points]] = 1.0
    return _Hits(rows[measures.site[hit]], measures.zone[hit].astype(np.intp), area, length, share)


def _site(ground: Geometry, dimension: int) -> Site:
    """What `overlay.measure` reads of a site."""
    length = geodesy.length_m(ground) if dimension == 1 else 0.0
    return Site("", "", _KINDS[dimension], ground, ground, _REFERENCE, float(ground.area), 0.0, length)


def _nearest(
    grounds: GeometryArray, missed: IndexArray, one: Bench, layer: Layer
) -> tuple[IndexArray, FloatArray, FloatArray]:
    """Return the nearest zone (-1: none in range), distance and bearing of the sites at `missed`; NaN elsewhere."""
    near = np.full(len(grounds), -1, dtype=np.intp)
    distance, bearing = np.full(len(grounds), np.nan), np.full(len(grounds), np.nan)
    reach = max(overlay.DETAIL_M, layer.identity.accuracy_m, layer.identity.range_m)
    site, zone, ends = _candidates(grounds[missed], one.zones, one.tree, reach)
    if not len(site):
        return near, distance, bearing
    metres, degrees = geodesy.distances(points_lonlat(ends[:, 1]), points_lonlat(ends[:, 0]))
    order = np.lexsort((zone, metres, site))
    first = order[np.unique(site[order], return_index=True)[1]]
    rows = missed[site[first]]
    near[rows], distance[rows] = zone[first], metres[first]
    bearing[rows] = np.where(metres[first] < overlay.NOISE_M, np.nan, degrees[first])  # a border that is met has no side
    return near, distance, bearing


def _candidates(
    grounds: GeometryArray, zones: GeometryArray, tree: shapely.STRtree, reach: float
) -> tuple[IndexArray, IndexArray, FloatArray]:
    """Return for each site the nearest zone in the plane, and those that may be nearer on the ellipsoid.

    Boxes tell the order in which zones are looked at, and when no other can be nearer. The third array holds
    the nearest points of zone and site, shape (n, 2, 2). (STRtree.query_nearest takes ten times as long: it
    knows no prepared zones.)
    """
    site, zone, lower, rank = _boxed(grounds, zones, tree, reach)
    best = np.full(len(grounds), reach)
    plane = np.full(len(site), np.inf)
    ends = np.zeros((len(site), 2, 2))
    turn, step = np.arange(len(site)), 0
    while len(turn):
        # Ascending by box: what cannot be nearer now cannot be later.
        turn = turn[lower[turn] <= _farthest(best[site[turn]])]
        now = turn[rank[turn] == step]
        # Saying "not within" takes 3 µs, the way itself 30 to 100 times that (GEOS 3.14, 2,500 vertices).
        within: Any = _farthest(best[site[now]])  # stubs say one distance
        now = now[shapely.dwithin(zones[zone[now]], grounds[site[now]], within)]
        ways = shapely.shortest_line(zones[zone[now]], grounds[site[now]])
        ends[now] = shapely.get_coordinates(ways).reshape(-1, 2, 2)
        plane[now] = np.hypot(*(ends[now, 1] - ends[now, 0]).T)
        _meet(now, zones[zone[now]], grounds[site[now]], plane, ends)
        best[site[now]] = np.minimum(best[site[now]], plane[now])
        turn, step = turn[rank[turn] > step], step + 1
    kept = (plane <= reach) & (plane <= _farthest(best[site]))
    return site[kept], zone[kept], ends[kept]


def _farthest(best: FloatArray) -> FloatArray:
    return best * (1.0 + _PLANE_ERROR) + overlay.NOISE_M


def _meet(
    rows: IndexArray, zones: GeometryArray, grounds: GeometryArray, plane: FloatArray, ends: FloatArray
) -> None:
    """Set the ways of pairs that meet to nothing: a prepared zone's way to a point in it leads to its border."""
    close = np.flatnonzero(plane[rows] < 2.0 * overlay.RESOLUTION_M)
    close = close[shapely.intersects(zones[close], grounds[close])]
    plane[rows[close]] = 0.0
    ends[rows[close], 0] = ends[rows[close], 1]


def _boxed(
    grounds: GeometryArray, zones: GeometryArray, tree: shapely.STRtree, reach: float
) -> tuple[IndexArray, IndexArray, FloatArray, IndexArray]:
    """Return the pairs whose boxes lie within reach: site, zone, the boxes' distance, and the pair's turn, sorted."""
    own, theirs = shapely.bounds(grounds), shapely.bounds(zones)
    wide = own + np.array([-reach, -reach, reach, reach])
    site, zone = tree.query(shapely.box(*wide.T))
    a, b = own[site], theirs[zone]
    apart = np.maximum(np.maximum(a[:, :2] - b[:, 2:], b[:, :2] - a[:, 2:]), 0.0)
    lower = np.hypot(apart[:, 0], apart[:, 1])
    order = np.lexsort((zone, lower, site))
    site, zone, lower = site[order].astype(np.intp), zone[order].astype(np.intp), lower[order]
    first = np.searchsorted(site, site)
    return site, zone, lower, np.arange(len(site)) - first
