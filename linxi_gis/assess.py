"""The one use case: sites, layers, law and a day in; assessments out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import shapely

from linxi_gis import __version__, crs, detail, intervals, overlay, partition
from linxi_gis.crs import Geometry
from linxi_gis.errors import GeometryError, NothingCheckedError
from linxi_gis.finding import (
    COVERED,
    Hit,
    Issue,
    LayerResult,
    LayerStatus,
    OtherReading,
    Overall,
    Relation,
    layer_status,
)
from linxi_gis.judge import Judgement, judge
from linxi_gis.law import Verdict
from linxi_gis.library import Library
from linxi_gis.model import Assessment, Gap, Layer, Partition, RulePack, Site
from linxi_gis.project import Project
from linxi_gis.rulebook import Rulebook
from linxi_gis.themes import BACKDROP_THEMES

_TOLD = 3  # of a list of differences, in a sentence


def assess(
    sites: Sequence[Site],
    library: Library,
    rulebook: Rulebook,
    day: date,
    project: Project | None = None,
    *,
    detailed: bool = True,
) -> list[Assessment]:
    """Assess every site against every layer and the rules in force on a day.

    Returns one assessment per site, in order; a site that may be of another datum (`Site.others`) is judged
    as that too, and its verdict says where they differ. Raises NothingCheckedError when not a single layer
    can be used: then there is nothing a judgement could stand on. `detailed` adds what costs time and changes
    no verdict: flip distances and passages.
    """
    return library.trying(lambda: _assess(sites, library, rulebook, day, project or Project(), detailed))


def _assess(
    sites: Sequence[Site], library: Library, rulebook: Rulebook, day: date, project: Project, detailed: bool
) -> list[Assessment]:
    opened = library.layers(day)
    layers = usable(opened, library)
    # Where a datum was assumed, the site stands in the batch twice: as read, and as it may be.
    others = [other for site in sites for _, other in site.others]
    measured, failed = _measured([*sites, *others], layers)
    opened = tuple(failed.get(entry.identity.id, entry) for entry in opened)
    bench = _Bench(opened, measured, library.county(day), library, rulebook, day, project, detailed)
    made, row = [], len(sites)
    for i, site in enumerate(sites):
        made.append(_one(i, site, row, bench))
        row += len(site.others)
    return made


def usable(opened: Sequence[Layer | Gap], library: Library) -> list[Layer]:
    """Return the layers that sites are measured against. Raises NothingCheckedError when there is none."""
    layers = [layer for layer in opened if isinstance(layer, Layer) and judged(layer)]
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
    """What every site of a batch is judged with; `measured` has a row for each site and other reading."""

    opened: Sequence[Layer | Gap]
    measured: Sequence[tuple[Layer, overlay.Measures]]
    county: Geometry | None
    library: Library
    rulebook: Rulebook
    day: date
    project: Project
    detailed: bool


def _measured(
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


def judged(layer: Layer | Gap) -> bool:
    """Whether a layer bounds something; a backdrop only shows where a place is."""
    return layer.identity.theme not in BACKDROP_THEMES


def _one(row: int, site: Site, first_other: int, bench: _Bench) -> Assessment:
    library = bench.library
    results, judgement = _judgement(row, site, bench)
    others = [
        _other(name, _judgement(first_other + n, other, replace(bench, detailed=False))[1], judgement, results)
        for n, (name, other) in enumerate(site.others)
    ]
    parts, doubts = _partition(row, site, bench.measured)
    rules = bench.rulebook
    return Assessment(
        site=replace(site, issues=(*site.issues, *doubts)) if doubts else site,
        project=bench.project,
        on=bench.day,
        overall=_with_others(judgement.overall, others),
        findings=judgement.findings,
        reminders=judgement.reminders,
        layers=results,
        partition=parts,
        rules=RulePack(rules.name, rules.sha256, len(rules.in_force(bench.day)), judgement.unevaluated),
        catalog_title=library.catalog.title,
        demonstration=library.catalog.demonstration or any(layer.identity.demonstration for layer in bench.opened),
        engine_version=__version__,
    )


def _judgement(row: int, site: Site, bench: _Bench) -> tuple[tuple[LayerResult, ...], Judgement]:
    by_id = {id(layer): measures for layer, measures in bench.measured}
    results = tuple(
        _gap_result(layer) if isinstance(layer, Gap) else layer_result(
            row, site, layer, by_id[id(layer)], detailed=bench.detailed
        )
        for layer in bench.opened
        if judged(layer)
    )
    inside = None if bench.county is None else bool(shapely.intersects(bench.county, site.ground))
    judgement = judge(
        results, bench.project, bench.rulebook, bench.day,
        site_kind=site.kind, inside_county=inside, site_accuracy_m=site.accuracy_m,
    )  # fmt: skip
    return results, judgement


_Key = tuple[str, str, str, str]


def _other(name: str, other: Judgement, main: Judgement, layers: Sequence[LayerResult]) -> OtherReading:
    """Return another reading's verdict, and in which layers its findings are not those of the main one."""
    here, there = _keys(main), _keys(other)
    titles = {layer.id: layer.title for layer in layers}
    changed = {key[0] for key in here.keys() ^ there.keys()}
    ids = [layer for layer in (*titles, *sorted(changed - titles.keys())) if layer in changed]
    differs = bool(changed) or (main.overall.verdict, main.overall.complete) != (
        other.overall.verdict,
        other.overall.complete,
    )
    changes = tuple(
        f"{titles.get(layer, '项目')}：{_told(layer, here, there) or '无'}，若为 {name} 则 {_told(layer, there, here) or '无'}"
        for layer in ids
    )
    overall = other.overall
    return OtherReading(name, overall.verdict, overall.label, overall.complete, differs, tuple(ids), changes)


def _keys(judgement: Judgement) -> dict[_Key, tuple[str, Verdict]]:
    """Return the findings as (layer, zone, rule, verdict), each with its zone in words; a miss is none."""
    return {
        (f.layer, f.hit.zone_id if f.hit else "", f.rule or "", f.verdict.name): (
            (f.hit.zone_name or f.hit.zone_id) if f.hit else "",
            f.verdict,
        )
        for f in judgement.findings
        if f.verdict is not Verdict.CLEAR
    }


def _told(layer: str, these: dict[_Key, tuple[str, Verdict]], those: dict[_Key, tuple[str, Verdict]]) -> str:
    """The zones one reading has and the other has not, each once with the worst that is said of it."""
    worst: dict[str, Verdict] = {}
    for key, (zone, verdict) in these.items():
        if key[0] == layer and key not in those:
            worst[zone] = _worse(worst.get(zone, verdict), verdict)
    words = [f"{zone or '不在其内'}（{verdict.label}）" for zone, verdict in worst.items()]
    return "、".join(words[:_TOLD]) + (f" 等 {len(words)} 处" if len(words) > _TOLD else "")


def _worse(one: Verdict, other: Verdict) -> Verdict:
    """The worse of two; 未核查 stands beside the order, and gives way."""
    ordered = [verdict for verdict in (one, other) if verdict is not Verdict.NOT_CHECKED]
    return max(ordered, default=Verdict.NOT_CHECKED)


def _with_others(overall: Overall, others: Sequence[OtherReading]) -> Overall:
    """Return the verdict with what the other readings would make of it, where they differ."""
    label, reasons = overall.label, list(overall.reasons)
    for other in others:
        if not other.differs:
            continue
        same = (other.verdict, other.complete) == (overall.verdict, overall.complete)
        label += f"（若坐标实为 {other.crs}，{'所涉图斑不同' if same else f'则为 {other.label}'}）"
        told = "；".join(other.changes[:_TOLD])
        if len(other.changes) > _TOLD:
            told += f"；另有 {len(other.changes) - _TOLD} 个图层不同"
        reasons.append(f"坐标基准未注明，若实为 {other.crs}，结论为 {other.label}{f'。{told}' if told else ''}")
    return replace(overall, label=label, reasons=tuple(reasons), others=tuple(others))


def landmarks(library: Library, day: date) -> list[tuple[str, Geometry]]:
    """Return the zones of the layers in force as (title, geometry in EPSG:4490): what readings are compared with.

    Layers that cannot be read are left out: here they are evidence for a person, nothing is judged.
    """
    return library.trying(lambda: _landmarks(library, day))


def _landmarks(library: Library, day: date) -> list[tuple[str, Geometry]]:
    found: list[tuple[str, Geometry]] = []
    for layer in library.layers(day):
        if isinstance(layer, Layer) and judged(layer):
            names = (name or zone for name, zone in zip(layer.zone_names, layer.zone_ids, strict=True))
            shapes = crs.lonlat_of_plane(np.asarray(layer.zones))
            found += [(f"{layer.identity.title} {name}", shape) for name, shape in zip(names, shapes, strict=True)]
    return found


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
