"""Sites measured against every layer of a library, not yet judged: facts to judge as often as need be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import shapely

from linxi_gis import detail, intervals, overlay, partition, siteground
from linxi_gis.catalog import UPDATED_FROM
from linxi_gis.clauses import ClauseBook
from linxi_gis.crs import Geometry
from linxi_gis.errors import GeometryError, NothingCheckedError
from linxi_gis.finding import COVERED, OUTDATED, Hit, Issue, LayerResult, LayerStatus, Relation, layer_status
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer, Partition, Site
from linxi_gis.surface import Surface
from linxi_gis.themes import BACKDROP_THEMES


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What was measured of one site, or of one reading of it; `inside_county` is None when nobody knows."""

    site: Site
    layers: tuple[LayerResult, ...]
    inside_county: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One site measured: as read, and as each of its other readings by name.

    The site of `facts` carries what was odd about its partition among its issues.
    """

    facts: Facts
    others: tuple[tuple[str, Facts], ...]
    partition: tuple[Partition, ...]
    surfaces: tuple[Surface, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Sites measured on a day, and the access list to hold them against, if the catalogue has one.

    `demonstration` tells that the catalogue, or one layer of it, is no official one.
    """

    sites: tuple[Measured, ...]
    day: date
    catalog_title: str
    demonstration: bool
    access_list: ClauseBook | None = None


def measure(sites: Sequence[Site], library: Library, day: date, *, detailed: bool = True) -> Batch:
    """Measure sites against every layer in force on a day; as `assess`, with what comes before the law.

    Raises NothingCheckedError when not a single layer can be used. `detailed` adds what costs time and changes
    no verdict: flip distances, passages and what rasters say.
    """
    return library.trying(lambda: _measure(sites, library, day, detailed))


def _measure(sites: Sequence[Site], library: Library, day: date, detailed: bool) -> Batch:
    opened = library.layers(day)
    layers = usable(opened, library)
    # Where a datum was assumed, the site stands in the batch twice: as read, and as it may be.
    others = [other for site in sites for _, other in site.others]
    columns, failed = _columns([*sites, *others], layers)
    opened = tuple(failed.get(entry.identity.id, entry) for entry in opened)
    bench = _Bench(opened, columns, library.county(day))
    made, row = [], len(sites)
    for i, site in enumerate(sites):
        one = _one(i, site, row, bench, detailed)
        known = siteground.surfaces(site.ground, library.catalog.rasters, day, library.cache) if detailed else ()
        made.append(replace(one, surfaces=known))
        row += len(site.others)
    demonstration = library.catalog.demonstration or any(layer.identity.demonstration for layer in opened)
    return Batch(tuple(made), day, library.catalog.title, demonstration, library.access_list)


def usable(opened: Sequence[Layer | Gap], library: Library) -> list[Layer]:
    """Return the layers that sites are measured against. Raises NothingCheckedError when there is none."""
    layers = [layer for layer in opened if isinstance(layer, Layer) and is_judged(layer)]
    if not layers:
        gaps = "；".join(gap.issue.text for gap in opened if isinstance(gap, Gap))
        raise NothingCheckedError(
            f"没有任何图层可以比对（{gaps or '目录是空的'}）",
            where=str(library.catalog.path.name),
            remedy="请检查图层目录和文件",
        )
    return layers


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """What every site of a batch is held against; `columns` have a row for each site and other reading."""

    opened: Sequence[Layer | Gap]
    columns: Sequence[tuple[Layer, overlay.Measures]]
    county: Geometry | None


def _columns(
    sites: Sequence[Site], layers: Sequence[Layer]
) -> tuple[list[tuple[Layer, overlay.Measures]], dict[str, Gap]]:
    """Measure every layer; one that GEOS cannot overlay becomes a gap by its id, never "no hit"."""
    measured, failed = [], {}
    for layer in layers:
        try:
            measured.append((layer, overlay.measure(sites, layer)))
        except shapely.errors.GEOSException as error:
            failed[layer.identity.id] = Gap(layer.identity, not_overlaid(layer, f"（{str(error)[:80]}）"))
    return measured, failed


def not_overlaid(layer: Layer, why: str = "") -> Issue:
    """Return what is told of a layer that GEOS cannot overlay with a site."""
    text = f"{layer.identity.title}：与地块叠加时出错{why}"
    return Issue("layer_not_checked", "error", text, "请检查图层图形后重试")


def is_judged(layer: Layer | Gap) -> bool:
    """Whether a layer has a say; a backdrop only helps to read a map."""
    return layer.identity.theme not in BACKDROP_THEMES


def _one(row: int, site: Site, first_other: int, bench: _Bench, detailed: bool) -> Measured:
    facts = _facts(row, site, bench, detailed)
    others = tuple(
        (name, _facts(first_other + n, other, bench, False)) for n, (name, other) in enumerate(site.others)
    )
    parts, doubts = _partition(row, site, bench.columns)
    if doubts:
        facts = replace(facts, site=replace(site, issues=(*site.issues, *doubts)))
    return Measured(facts, others, parts)


def _facts(row: int, site: Site, bench: _Bench, detailed: bool) -> Facts:
    by_id = {id(layer): columns for layer, columns in bench.columns}
    results = tuple(
        _gap_result(layer)
        if isinstance(layer, Gap)
        else layer_result(row, site, layer, by_id[id(layer)], detailed=detailed)
        for layer in bench.opened
        if is_judged(layer)
    )
    inside = None if bench.county is None else bool(shapely.intersects(bench.county, site.ground))
    return Facts(site, results, inside)


def _gap_result(gap: Gap) -> LayerResult:
    identity = gap.identity
    return LayerResult(
        id=identity.id,
        theme=identity.theme,
        title=identity.title,
        status="not_checked",
        required=identity.required,
        version=identity.version,
        sha256="",
        legal_status=identity.legal_status,
        demonstration=identity.demonstration,
        accuracy_m=identity.accuracy_m,
        range_m=identity.range_m,
        covered_share=0.0,
        issues=(gap.issue,),
        sensitivity=identity.sensitivity,
    )


def layer_result(
    row: int, site: Site, layer: Layer, measures: overlay.Measures, *, detailed: bool = True
) -> LayerResult:
    """Return what one layer says of one site (`row` of the measures)."""
    hits = tuple(_hit(k, site, layer, measures) for k in measures.rows(row))
    if detailed:
        zones, known = measures.zone[list(measures.rows(row))], (detail.chain_of(site), detail.banks_of(site))
        hits = tuple(detail.added(hit, site, known, layer.zones, int(z)) for hit, z in zip(hits, zones, strict=True))
    identity = layer.identity
    nearest = int(measures.nearest[row])
    near = hits[nearest - measures.rows(row).start] if nearest >= 0 else None
    covered = float(measures.covered_share[row])
    status, issues = _status(layer, hits, near, covered)
    return LayerResult(
        id=identity.id,
        theme=identity.theme,
        title=identity.title,
        status=status,
        required=identity.required,
        version=identity.version,
        sha256=layer.sha256,
        legal_status=identity.legal_status,
        demonstration=identity.demonstration,
        accuracy_m=identity.accuracy_m,
        range_m=identity.range_m,
        area_m2=float(measures.union_area_m2[row]),
        length_m=float(measures.union_length_m[row]),
        share_of_site=_union_share(row, site, hits, measures),
        covered_share=covered,
        hits=tuple(hit for hit in hits if hit.relation.hit or hit.distance_m <= _listed(site, layer)),
        nearest=None if near is None or near.relation.hit else near,
        issues=(*layer.issues, *issues),
        sensitivity=identity.sensitivity,
    )


def _union_share(row: int, site: Site, hits: Sequence[Hit], measures: overlay.Measures) -> float:
    """Return the share of the site in the layer's union; a point is in or out, 1 or 0."""
    if site.kind == "point":
        return float(any(hit.relation.hit for hit in hits))
    return float(measures.union_share[row])


def _listed(site: Site, layer: Layer) -> float:
    """Return up to which distance (m) zones other than the nearest are listed."""
    return max(overlay.DETAIL_M, site.accuracy_m + layer.identity.accuracy_m)


def _status(
    layer: Layer, hits: Sequence[Hit], near: Hit | None, covered: float
) -> tuple[LayerStatus, tuple[Issue, ...]]:
    """Return the status, and what is to be told of it."""
    status = layer_status(
        stale=bool(layer.stale),
        hit=any(hit.relation.hit for hit in hits),
        near=near is not None,
        covered=covered >= COVERED,
    )
    return status, beside_status(layer, status, covered)


def beside_status(layer: Layer, status: LayerStatus, covered_share: float) -> tuple[Issue, ...]:
    """Return what is to be told beside a layer's status: that it is out of date, or does not cover all of the site."""
    if layer.outdated:
        remedy = f"请换用 {UPDATED_FROM.year - 1} 年更新后的成果；已是的，请在 catalog.toml 的 version 写明年份"
        return (Issue(OUTDATED, "warning", f"{layer.identity.title}：{layer.stale}", remedy),)
    if status == "stale":
        text = f"{layer.identity.title}：{layer.stale}"
        return (Issue("layer_stale", "warning", text, "请换用当日有效的版本"),)
    return () if covered_share >= COVERED else (_partly_covered(layer, covered_share),)


def _partly_covered(layer: Layer, covered: float) -> Issue:
    return Issue(
        "not_covering",
        "warning",
        f"{layer.identity.title}只覆盖本地块的 {covered * 100.0:.2f} %，其余部分没有数据"
        if covered > 0.0
        else f"{layer.identity.title}不覆盖本地块，这里没有数据",
        "请补充相邻区域的图层后重算",
    )


def _hit(k: int, site: Site, layer: Layer, measures: overlay.Measures) -> Hit:
    zone = int(measures.zone[k])
    relation = measures.relation[k]
    met = relation.hit
    margin = float(measures.margin_m[k])
    return Hit(
        layer=layer.identity.id,
        zone_id=layer.zone_ids[zone],
        zone_name=layer.zone_names[zone],
        zone_class=layer.zone_classes[zone],
        relation=relation,
        area_m2=float(measures.area_m2[k]),
        length_m=float(measures.length_m[k]),
        share_of_site=float(measures.share[k]) if site.kind != "point" else float(met),
        distance_m=float(measures.distance_m[k]),
        bearing_deg=None if met or relation is Relation.TOUCHES else float(measures.bearing_deg[k]),
        margin_m=margin,
        critical=relation is Relation.TOUCHES or margin < site.accuracy_m + layer.identity.accuracy_m,
        nearest_site=None if met else _pair(measures.site_point[k]),
        nearest_zone=None if met else _pair(measures.zone_point[k]),
        intervals_m=measures.intervals_m[k],
        facts=layer.zone_facts[zone],
    )


def _pair(xy: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])


def _partition(
    row: int, site: Site, measured: Sequence[tuple[Layer, overlay.Measures]]
) -> tuple[tuple[Partition, ...], tuple[Issue, ...]]:
    """Return the exact partition of the site by the zones of all layers (none for a point).

    A partition that does not close is left out, and an Issue says so; the hits stand.
    """
    if site.kind == "point":
        return (), ()
    hits = [
        ((layer.identity.id, layer.zone_ids[int(measures.zone[k])]), measures, int(k))
        for layer, measures in measured
        for k in measures.rows(row)
        if measures.relation[k].hit
    ]
    if site.kind == "line":
        spans = [(zone, measures.intervals_m[k]) for zone, measures, k in hits]
        return partition.lines(intervals.chain(site.ground), spans), ()
    flat = [(zone, measures.pieces[k]) for zone, measures, k in hits if measures.area_m2[k] > 0.0]
    try:
        cut = partition.cut(site.ground, flat, site.area_m2 or None)
        return cut.rows, partition.slivers(cut)
    except (GeometryError, shapely.errors.GEOSException) as error:
        text = f"各部分面积没有算出（{str(error)[:80]}），命中与占比不受影响"
        return (), (Issue("partition_failed", "warning", text, "请检查地块图形"),)
