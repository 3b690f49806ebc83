"""The one use case: sites, layers, law and a day in; assessments out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from linxi_gis import __version__, crs, redline, sensitive
from linxi_gis.case import Memo
from linxi_gis.crs import Geometry
from linxi_gis.finding import LayerResult, OtherReading, Overall
from linxi_gis.judge import Judgement, judge
from linxi_gis.law import Verdict
from linxi_gis.library import Library
from linxi_gis.measuring import Batch, Facts, Measured, is_judged, measure
from linxi_gis.model import Assessment, Layer, RulePack, Site
from linxi_gis.practice import RedLine
from linxi_gis.project import Project
from linxi_gis.rulebook import Rulebook

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
    return judged(measure(sites, library, day, detailed=detailed), rulebook, project or Project())


def judged(batch: Batch, rulebook: Rulebook, project: Project) -> list[Assessment]:
    """Judge what was measured: the second half of `assess`, again for every project."""
    memo = Memo()
    return [_judged(one, batch, rulebook, project, memo) for one in batch.sites]


def _judged(
    one: Measured, batch: Batch, rulebook: Rulebook, project: Project, memo: Memo
) -> Assessment:
    def judgement(facts: Facts, *, asking: bool) -> Judgement:
        return judge(
            facts.layers, project, rulebook, batch.day,
            site_kind=facts.site.kind, inside_county=facts.inside_county, site_accuracy_m=facts.site.accuracy_m,
            access_list=batch.access_list, asking=asking, memo=memo,
        )  # fmt: skip

    main = judgement(one.facts, asking=True)
    results = one.facts.layers
    read = [(name, facts, judgement(facts, asking=False)) for name, facts in one.others]
    others = [_other(name, other, main, results) for name, _, other in read]
    return Assessment(
        site=one.facts.site,
        project=project,
        on=batch.day,
        overall=_with_others(main.overall, others),
        findings=main.findings,
        reminders=main.reminders,
        layers=results,
        partition=one.partition,
        rules=RulePack(rulebook.name, rulebook.sha256, len(rulebook.in_force(batch.day)), main.unevaluated),
        catalog_title=batch.catalog_title,
        demonstration=batch.demonstration,
        engine_version=__version__,
        access=main.access,
        red_line=_red_line(one, main, read, project, rulebook, batch.day),
        eia=sensitive.hint(results, rulebook, batch.day),
        surfaces=one.surfaces,
    )


def _red_line(
    one: Measured, main: Judgement, read: Sequence[tuple[str, Facts, Judgement]], project: Project, rulebook: Rulebook,
    day: date,
) -> RedLine | None:  # fmt: skip
    """Return what the red line comes to; where another reading of the site says otherwise, neither is believed."""
    known = project.facts()
    here = redline.outcome(one.facts.layers, main.findings, known, rulebook, day)
    for name, facts, judgement in read:
        there = redline.outcome(facts.layers, judgement.findings, known, rulebook, day)
        if here is None or there is None or there.outcome == here.outcome or here.outcome == "prohibited":
            continue
        why = f"坐标基准未注明：按读入坐标为“{here.label}”，若实为 {name} 则为“{there.label}”，请先核实坐标基准"
        return RedLine("unclear", "待明确", why, tuple(dict.fromkeys((*here.questions, *there.questions))))
    return here


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
        if isinstance(layer, Layer) and is_judged(layer):
            names = (name or zone for name, zone in zip(layer.zone_names, layer.zone_ids, strict=True))
            shapes = crs.lonlat_of_plane(np.asarray(layer.zones))
            found += [(f"{layer.identity.title} {name}", shape) for name, shape in zip(names, shapes, strict=True)]
    return found
