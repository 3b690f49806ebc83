"""Measure a block of many sites against all layers: arrays in, columns out. Only what a table of a batch needs.

The definitions are those of `overlay`; what is left out is what a batch has no column for (the margin of a hit,
chainages, partition). An engine tells who shares ground and who is nearest; what its figures leave in doubt (a hair
of an overlap or of a rest), and what is neither an area on areas nor on points, is measured as `overlay` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import get_args

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import engine, geodesy, overlay
from linxi_gis.benches import Bench
from linxi_gis.crs import FloatArray, Geometry, points_lonlat
from linxi_gis.engine import Near, Overlaps, Rings
from linxi_gis.engine.grid import Grid
from linxi_gis.engine.pieces import Pieces
from linxi_gis.finding import COVERED, LayerStatus, layer_status
from linxi_gis.model import Gap, GeometryArray, Kind, Layer, Reference, Site
from linxi_gis.nearest import BEND
from linxi_gis.region import Region

IndexArray = NDArray[np.intp]
STATUSES: tuple[LayerStatus, ...] = get_args(LayerStatus)
_NOT_CHECKED = STATUSES.index("not_checked")
_KINDS: tuple[Kind, ...] = ("point", "line", "polygon")
_REFERENCE = Reference("", "")
# The engine's areas are right to 1e-12 of the site, its lengths of outlines to far less than this.
_AREA_ERROR, _LENGTH_ERROR = 1e-12, 1e-6
# A part of so little ground is nowhere as thick as RESOLUTION_M: it would hold a disc, and A ≤ perimeter² / 4π.
_SPECK_M2 = np.pi * overlay.RESOLUTION_M**2 * 0.95


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


@dataclass(frozen=True, slots=True, eq=False)
class _Sites:
    """The sites of a block in the area plane: `kinds` are dimensions, `whole` their areas (m²), `girth` their lengths."""

    grounds: GeometryArray
    kinds: NDArray[np.int8]
    whole: FloatArray
    girth: FloatArray
    outlines: Rings | None
    accuracy: FloatArray
    covered: dict[int, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.grounds)

    def row(self, place: int) -> _Sites:
        at = slice(place, place + 1)
        outlines = None if self.outlines is None else engine.rings.of(self.grounds[at])
        return _Sites(
            self.grounds[at], self.kinds[at], self.whole[at], self.girth[at], outlines, self.accuracy[at]
        )

    def covered_share(self, region: Region | None) -> FloatArray:
        """How much of each site a layer's coverage covers; most layers share one."""
        if region is None:
            return np.zeros(len(self))
        if id(region) not in self.covered:
            self.covered[id(region)] = region.covered_share(self.grounds)
        return self.covered[id(region)]


def measure_block(
    grounds: GeometryArray, kinds: NDArray[np.int8], areas_m2: FloatArray, layers: Sequence[Bench],
    outlines: Rings | None = None, accuracy_m: FloatArray | None = None,
) -> tuple[Columns, ...]:  # fmt: skip
    """Measure sites against every layer.

    Parameters
    ----------
    grounds : valid, non-empty points, lines or areas in the area plane, shape (m,)
    kinds : their dimensions 0, 1, 2, shape (m,)
    areas_m2 : their true areas (`footprint.measure`), shape (m,): as in `overlay`, areas of the plane are multiplied
        by what makes the site's own its true one
    layers : one for each result, in order
    outlines : the rings of `grounds`, where the caller has them
    accuracy_m : the positional accuracy of each site, shape (m,), by default 0: as far is looked for zones at least

    A block gives what its sites give one by one, for every step is a step of one site or one pair: to the bit, but for
    areas that GEOS cuts, whose last bits may differ (1e-14 of them).
    """
    if outlines is None and any(isinstance(one.index, Grid) for one in layers):
        outlines = engine.rings.of(grounds)
    accuracy = np.zeros(len(grounds)) if accuracy_m is None else accuracy_m
    sites = _Sites(grounds, kinds, shapely.area(grounds), shapely.length(grounds), outlines, accuracy)
    true = overlay.true_scale(grounds, areas_m2)
    found = (_layer(sites, one) for one in layers)
    return tuple(
        replace(columns, area_m2=np.where((kinds == 2) & (columns.share == 1.0), areas_m2, columns.area_m2 * true))
        for columns in found
    )


def _layer(sites: _Sites, one: Bench) -> Columns:
    if isinstance(one.layer, Gap) or one.index is None or not len(sites):
        return _unknown(len(sites))
    try:
        return _measured(sites, one, one.layer, one.index)
    except shapely.errors.GEOSException:
        if len(sites) == 1:
            return _unknown(1)  # as `assess` has it: a layer that cannot be overlaid is not checked, never "no hit"
    return _together([_layer(sites.row(place), one) for place in range(len(sites))])


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


def _measured(sites: _Sites, one: Bench, layer: Layer, index: engine.Index) -> Columns:
    least = max(overlay.DETAIL_M, layer.identity.range_m)
    reach = np.maximum(least, layer.identity.accuracy_m + sites.accuracy)
    asked = sites.grounds if isinstance(index, Pieces) or sites.outlines is None else sites.outlines
    common, close = engine.both(index, asked, 0.0, float(reach.max()), threads=1, bend=BEND)
    hits = _hits(sites, one, layer, common, close)
    hit = np.zeros(len(sites), dtype=bool)
    hit[hits.site] = True
    near, distance, bearing = _nearest(close, hit, reach)
    known = sites.covered_share(one.coverage)
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


def _nearest(close: Near, hit: NDArray[np.bool_], reach: FloatArray) -> tuple[IndexArray, FloatArray, FloatArray]:
    """Return the nearest zone (-1: none within reach), distance and bearing of each site without a hit; NaN elsewhere."""
    near = np.full(len(hit), -1, dtype=np.intp)
    distance, bearing = np.full(len(hit), np.nan), np.full(len(hit), np.nan)
    new = np.ones(len(close.site), dtype=bool)
    new[1:] = close.site[1:] != close.site[:-1]  # of zones that are met the first
    kept = np.flatnonzero(new & ~hit[close.site])
    if not len(kept):
        return near, distance, bearing
    ends = points_lonlat(np.concatenate([close.site_xy[kept], close.zone_xy[kept]]))
    metres, degrees = geodesy.distances(ends[: len(kept)], ends[len(kept) :])
    inside = metres <= reach[close.site[kept]]
    kept, metres, degrees = kept[inside], metres[inside], degrees[inside]
    rows = close.site[kept]
    near[rows], distance[rows] = close.zone[kept], metres
    bearing[rows] = np.where(metres < overlay.NOISE_M, np.nan, degrees)  # a border that is met has no side
    return near, distance, bearing


# --- hits ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """The pairs that hit, sorted, and the union of a layer's zones within each site."""

    site: IndexArray
    zone: IndexArray
    area_m2: FloatArray
    length_m: FloatArray
    share: FloatArray


def _none(count: int) -> _Hits:
    nothing = np.zeros(count)
    return _Hits(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), nothing, nothing, nothing)


def _hits(sites: _Sites, one: Bench, layer: Layer, common: Overlaps, close: Near) -> _Hits:
    """Return who hits what: areas on areas and on points in columns, the few others that meet by `overlay.measure`."""
    met = close.distance_m == 0.0
    areal = sites.kinds == 2
    if one.dimensions <= {2}:
        found, rest = _areas(sites, one, common), met & ~areal[close.site]
    elif one.dimensions == {0}:
        plain = met & areal[close.site]
        found, rest = _points(sites, one, close.site[plain], close.zone[plain]), met & ~areal[close.site]
    else:
        found, rest = _none(len(sites)), met
    if not rest.any():
        return found
    return _joined(found, _others(sites, np.unique(close.site[rest]), layer))


def _joined(one: _Hits, other: _Hits) -> _Hits:
    """The hits of two sets of sites that have none in common."""
    site, zone = np.concatenate([one.site, other.site]), np.concatenate([one.zone, other.zone])
    order = np.lexsort((zone, site))
    return _Hits(
        site[order], zone[order],
        one.area_m2 + other.area_m2, one.length_m + other.length_m, one.share + other.share,
    )  # fmt: skip


def _areas(sites: _Sites, one: Bench, common: Overlaps) -> _Hits:
    """Return the hits of areas on areas, by areas and lengths of outlines alone where these leave no doubt."""
    site, zone, area = common.site, common.zone, common.area_m2.copy()
    whole, nearly = sites.whole[site], _AREA_ERROR * sites.whole[site]
    least = 2.0 * (area - nearly)
    hit = least >= overlay.RESOLUTION_M * (1.0 + _LENGTH_ERROR) * common.girth_m
    rest = whole - area
    within = hit & (rest <= _SPECK_M2 - nearly)
    doubt = ~hit
    open_ = np.flatnonzero(hit & ~within)
    border = overlay.RESOLUTION_M * (1.0 + _LENGTH_ERROR) * sites.girth[site[open_]]
    doubt[open_] = rest[open_] <= border + nearly[open_]
    rows = np.flatnonzero(doubt)
    for row, piece in zip(rows.tolist(), _unions(*_pieces(sites, one, site[rows], zone[rows]), len(rows)), strict=True):
        hit[row], within[row], area[row] = _looked_at(sites.grounds[site[row]], piece)
    site, zone, area, within, whole = site[hit], zone[hit], area[hit], within[hit], whole[hit]
    union = np.asarray(np.bincount(site, area, len(sites)), dtype=np.float64)
    inside = np.zeros(len(sites), dtype=bool)
    inside[site[within]] = True
    lapped = _lapped(one, site, zone, inside)
    if len(lapped):
        mine = np.flatnonzero(np.isin(site, lapped))
        parts, pair = _pieces(sites, one, site[mine], zone[mine])
        union[lapped] = shapely.area(_unions(parts, np.searchsorted(lapped, site[mine])[pair], len(lapped)))
    union = np.where(inside, sites.whole, np.minimum(union, sites.whole))
    share = np.zeros(len(sites))
    share[site] = np.clip(union[site] / whole, 0.0, 1.0)
    return _Hits(site, zone, union, np.zeros(len(sites)), share)


def _looked_at(ground: Geometry, piece: Geometry) -> tuple[bool, bool, float]:
    """Return whether a pair hits, whether the site lies within the zone, and their common area, as `overlay` has it."""
    area, whole = float(piece.area), float(ground.area)
    if overlay.thickness(piece) < overlay.RESOLUTION_M:
        return False, False, area
    rest = partial(shapely.difference, ground, piece)
    return True, overlay.rest_is_thin(whole - area, float(ground.length), rest), area


def _lapped(one: Bench, site: IndexArray, zone: IndexArray, inside: NDArray[np.bool_]) -> IndexArray:
    """Return the sites where zones that have ground in common both hit: their areas do not add up."""
    several = (np.bincount(site, minlength=len(inside)) > 1) & ~inside
    if not len(one.shared) or not several.any():
        return np.empty(0, dtype=np.intp)
    rows = np.flatnonzero(several[site])
    found = []
    step = 1
    # A pair of neighbours, of next but one, and so on: until no site has so many zones.
    while len(rows) > step:
        a, b = rows[:-step], rows[step:]
        same = site[a] == site[b]
        if not same.any():
            break
        pairs = zone[a[same]] * len(one.zone_ids) + zone[b[same]]
        place = np.searchsorted(one.shared, pairs).clip(max=len(one.shared) - 1)
        found.append(site[a[same]][one.shared[place] == pairs])
        step += 1
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.intp)


def _pieces(sites: _Sites, one: Bench, site: IndexArray, zone: IndexArray) -> tuple[GeometryArray, IndexArray]:
    """Return what each pair has in common, in parts, from the pieces of zones beside the site, and the pair of each part."""
    if not len(site) or one.pieces is None:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.intp)
    own, place = np.unique(site, return_inverse=True)
    here, piece = one.pieces.areas.within(shapely.bounds(sites.grounds[own]), np.zeros(len(own)))
    zones = len(one.zone_ids)
    wanted, there = place * zones + zone, here * zones + one.pieces.zone[piece]
    order = np.lexsort((piece, there))  # however they were found
    there, piece = there[order], piece[order]
    first, last = np.searchsorted(there, wanted), np.searchsorted(there, wanted, "right")
    pair = np.repeat(np.arange(len(site)), last - first)
    row = np.arange(len(pair)) - np.repeat(np.cumsum(last - first) - last, last - first)
    return shapely.intersection(sites.grounds[site[pair]], one.pieces.areas.take(piece[row])), pair


def _unions(parts: GeometryArray, owner: IndexArray, count: int) -> GeometryArray:
    """Return the union of the parts of each owner; parts are sorted by owner."""
    made = np.full(count, shapely.Polygon(), dtype=object)
    edges = np.searchsorted(owner, np.arange(count + 1)).tolist()
    for k, (a, b) in enumerate(pairwise(edges)):
        if b > a:
            made[k] = parts[a] if b - a == 1 else shapely.union_all(parts[a:b])
    return made


def _points(sites: _Sites, one: Bench, site: IndexArray, zone: IndexArray) -> _Hits:
    """Return the hits of areas on points: those deeper inside than the resolution."""
    if not len(site) or one.pieces is None:
        return _none(len(sites))
    wells, pair = shapely.get_parts(one.pieces.zones(zone), return_index=True)
    own = sites.grounds[site[pair]]
    depth = np.zeros(len(site))
    met = shapely.intersects(own, wells)
    np.maximum.at(depth, pair[met], shapely.distance(shapely.boundary(own[met]), wells[met]))
    hit = depth >= overlay.RESOLUTION_M
    return replace(_none(len(sites)), site=site[hit], zone=zone[hit])


def _others(sites: _Sites, rows: IndexArray, layer: Layer) -> _Hits:
    """Return the hits of points and lines, and of areas on lines, at `rows`."""
    kinds = sites.kinds[rows]
    made = [_site(sites.grounds[row], int(kind)) for row, kind in zip(rows.tolist(), kinds.tolist(), strict=True)]
    measures = overlay.measure(made, replace(layer, coverage=None))  # `_Sites.covered_share` tells of that
    hit = np.array([relation.hit for relation in measures.relation], dtype=bool)
    area, length, share = (np.zeros(len(sites)) for _ in range(3))
    area[rows], length[rows] = measures.union_area_m2, measures.union_length_m
    share[rows] = measures.union_share
    points = measures.site[hit & (kinds[measures.site] == 0)]
    share[rows[points]] = 1.0
    return _Hits(rows[measures.site[hit]], measures.zone[hit].astype(np.intp), area, length, share)


def _site(ground: Geometry, dimension: int) -> Site:
    """What `overlay.measure` reads of a site."""
    length = geodesy.length_m(ground) if dimension == 1 else 0.0
    return Site("", "", _KINDS[dimension], ground, ground, _REFERENCE, float(ground.area), 0.0, length)
