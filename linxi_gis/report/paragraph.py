"""One paragraph of plain Chinese from an assessment: what a director reads. No sentence is anybody's own."""

from __future__ import annotations

import re

from linxi_gis import openclauses
from linxi_gis.finding import Finding, Hit, LayerResult
from linxi_gis.law import Verdict
from linxi_gis.model import Assessment, Site
from linxi_gis.report import access
from linxi_gis.report.provisos import DISCLAIMER, STAMP
from linxi_gis.units import KIND_WORDS, area_text, distance_text, plain

HITS_TOLD = 4
QUOTE_LENGTH = 80  # a longer text of law is left to the findings: cut short it would say something else
_RULE_IDS = re.compile(r"(?<=（)[A-Z]+-\d+[0-9A-Z-]*(?:、[A-Z]+-\d+[0-9A-Z-]*)*，?")


def summary(assessment: Assessment) -> str:
    """Return the paragraph: site and size, what is hit, the gravest rule, what is unchecked, what to answer next."""
    told = [
        _site(assessment), _hits(assessment), _worst(assessment), _red_line(assessment), _list(assessment),
        _unchecked(assessment), _next(assessment), f"以上为{DISCLAIMER}。", f"{STAMP}。" if assessment.demonstration else "",
    ]  # fmt: skip
    return plain("".join(told)).replace("\n", " ")


def _site(assessment: Assessment) -> str:
    site, project = assessment.site, assessment.project
    of = f"{project.name}的" if project.name and project.name != site.name else ""
    day = assessment.on.isoformat()
    return f"{of}“{site.name}”（{_size(site)}），按{day}有效的图层和条文研判，结论为{assessment.overall.label}。"


def _size(site: Site) -> str:
    words = [KIND_WORDS[site.kind]]
    if site.length_m:
        words.append(f"长 {distance_text(site.length_m)}")
    if site.width_m:
        words.append(f"宽 {distance_text(site.width_m)}")
    if site.area_m2:
        words.append(f"面积 {area_text(site.area_m2)}")
    return "，".join(words)


def _rank(layer: LayerResult, assessment: Assessment) -> int:
    return max((_grave(one) for one in assessment.findings if one.layer == layer.id), default=0)


def _grave(found: Finding) -> int:
    """The rank of a finding; one that is 未核查 stands beside the order."""
    return 0 if found.verdict is Verdict.NOT_CHECKED else found.verdict.rank


def _hits(assessment: Assessment) -> str:
    """Say which layers are hit and how much, those with the gravest findings first; without a hit, what is nearest."""
    met = [layer for layer in assessment.layers if any(hit.relation.hit for hit in layer.hits)]
    told = sorted((one for one in met if _rank(one, assessment)), key=lambda one: -_rank(one, assessment))
    if told:
        more = "等" if len(told) > HITS_TOLD else ""
        return f"命中{'、'.join(_amount(one, assessment.site) for one in told[:HITS_TOLD])}{more}。"
    near = [(one.nearest.distance_m, one.title, one.nearest) for one in assessment.layers if one.nearest]
    if met:
        return f"没有命中须判断的图层（位于{'、'.join(layer.title for layer in met[:HITS_TOLD])}之内）。"
    none = "已核查的图层没有命中" if any(not one.unchecked for one in assessment.layers) else "没有一个图层能核查这里"
    if not near:
        return f"{none}。"
    distance, title, hit = min(near, key=lambda one: one[:2])
    return f"{none}，最近的是{title}“{hit.zone_name or hit.zone_id}”，相距 {distance_text(distance)}。"


def _amount(layer: LayerResult, site: Site) -> str:
    share = f"，占{layer.share_of_site * 100.0:.2f}%"
    if site.kind == "point":
        return f"{layer.title}（点位在内）"
    if site.kind == "line" and layer.length_m:
        return f"{layer.title}（{distance_text(layer.length_m)}{share}）"
    if layer.area_m2:
        return f"{layer.title}（{area_text(layer.area_m2)}{share}）"
    return f"{layer.title}（{distance_text(layer.length_m)}）" if layer.length_m else layer.title


def _worst(assessment: Assessment) -> str:
    """Say the gravest finding with its article, the day it holds from, and its words where they are short."""
    found = max((one for one in assessment.findings if one.basis is not None), key=_weight, default=None)
    if found is None or found.basis is None or not _grave(found):
        return ""
    basis = found.basis
    article = basis.article if basis.article.strip("—－-") else ""
    since = f"{basis.effective_from.isoformat()}起施行" if basis.effective_from else "施行日期不详"
    words = f"：“{basis.quote.rstrip('。；：')}”" if 0 < len(basis.quote) <= QUOTE_LENGTH else ""
    open_ = "，是否适用待答" if found.questions else ""
    doubt = "，条文待核" if basis.text_status != "verbatim" else ""
    of = f"{_zone(found, found.hit)}，" if found.hit else ""
    return (
        f"最重的一条是{of}依{_titled(basis.instrument)}{article}（{since}{doubt}{open_}）为“{found.verdict.label}”{words}。"
    )


def _titled(name: str) -> str:
    return name if name.startswith("《") else f"《{name}》"


def _weight(found: Finding) -> tuple[int, bool, int]:
    """The gravest now; of those the one whose words are verified, and that may come to the worst."""
    verbatim = found.basis is not None and found.basis.text_status == "verbatim"
    return _grave(found), verbatim, found.at_most.rank


def _zone(found: Finding, hit: Hit) -> str:
    lies = hit.relation.label if hit.relation.hit or not hit.distance_m else f"相距 {distance_text(hit.distance_m)}"
    return f"“{hit.zone_name or hit.zone_id}”（{lies}）"


def _red_line(assessment: Assessment) -> str:
    line = assessment.red_line
    return "" if line is None else f"生态保护红线：{line.label}。"


def _list(assessment: Assessment) -> str:
    return f"{access.summary(assessment.access)}。" if assessment.access.units else ""


def _unchecked(assessment: Assessment) -> str:
    unseen = [_RULE_IDS.sub("", name) for name in assessment.overall.unchecked]
    return f"未核查：{'；'.join(unseen)}。" if unseen else "必备图层都已核查。"


def _next(assessment: Assessment) -> str:
    asked, tail = assessment.overall.questions, _awaited(assessment)
    if not asked:
        return tail or "没有会改变结论的待答问题。"
    first = asked[0]
    if first.gravest is None:
        return f"{tail}待答的是非问题只影响是否查全，可先答“{first.text}”。"
    return f"下一步先答：“{first.text}”（{first.outcomes}）。{tail}"


def _awaited(assessment: Assessment) -> str:
    """Say what open clauses wait for beside yes and no, where they may come to more than the verdict there is."""
    left = openclauses.awaited(assessment.access, assessment.project, assessment.layers)
    if left is None or left.worst <= assessment.overall.verdict:
        return ""
    return f"准入清单有待论证的条款须补{'、'.join(left.what)}才能判断，最重可到{left.worst.label}。"
