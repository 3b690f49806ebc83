"""What was found at a site, as HTML: the list at the side, the words in a popup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linxi_gis.finding import OUTDATED, Finding, Hit, LayerResult
from linxi_gis.law import Citation, Verdict
from linxi_gis.model import Assessment, Site
from linxi_gis.report.ground import lines
from linxi_gis.report.paragraph import summary
from linxi_gis.themes import TEXT_STATUS_TITLES, class_title
from linxi_gis.units import area_text, chainage, distance_text, lies
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer
from linxi_maps.panels import Unchecked, colour, facts

_KINDS = {"polygon": "地块", "line": "线路", "point": "点位", "corridor": "走廊"}
_TELLING = ("layer_not_checked", "layer_absent", "layer_stale", OUTDATED, "not_covering", "coverage_unknown", "layer_lossy")
_SPANS = 5
_ASKED = 6
_WHY = {
    "not_checked": "图层不可用",
    "stale": "图层已过期",
    "not_covering": "图层未覆盖该场址",
}


def severity(finding: Finding) -> int:
    """Return the place of a finding in a list, worst first, the unchecked after the worst."""
    return -4 if finding.verdict is Verdict.NOT_CHECKED else -finding.verdict.rank - 1


def measured(hit: Hit) -> list[tuple[str, str]]:
    """Return the figures of a hit as table rows."""
    rows = [("与场址关系", hit.relation.label)]
    if hit.relation.hit:
        rows.append(("占用面积", area_text(hit.area_m2) if hit.area_m2 else ""))
        rows.append(("穿越长度", distance_text(hit.length_m) if hit.length_m else ""))
        rows.append(("占场址比例", f"{hit.share_of_site * 100.0:.2f} %" if hit.area_m2 else ""))
    else:
        placed = hit.bearing_deg is not None and hit.distance_m > 0.0
        where = f"{lies(hit.bearing_deg or 0.0, hit.distance_m)}（{hit.bearing_deg:.1f}°）" if placed else ""
        rows.append(("最近距离", where or distance_text(hit.distance_m)))
    if hit.bank_label:
        rows.append(("左右岸", hit.bank_label))
    if hit.passages:
        rows.append(("穿越", _passages(hit)))
    if hit.flip_label:
        rows.append(("翻转距离", hit.flip_label))
    if hit.critical:
        rows.append(("临界", f"{distance_text(hit.margin_m)}，小于图层与场址的精度之和，须实测核定"))
    return rows


def _passages(hit: Hit) -> str:
    spans = [
        f"{chainage(one.from_m)}（{one.entry[0]:.5f}°E {one.entry[1]:.5f}°N）～"
        f"{chainage(one.to_m)}（{one.exit[0]:.5f}°E {one.exit[1]:.5f}°N）"
        for one in hit.passages[:_SPANS]
    ]
    more = " 等" if len(hit.passages) > _SPANS else ""
    return f"{len(hit.passages)} 次：{'；'.join(spans)}{more}"


def source(basis: Citation) -> str:
    """Return where a rule stands, as plain text."""
    name = basis.instrument if basis.instrument.startswith("《") else f"《{basis.instrument}》"
    number = f"（{basis.number}）" if basis.number else ""
    return f"{name}{number}{basis.article}"


def _rule(finding: Finding) -> str:
    parts = [f"<b>{finding.verdict.label}</b>"]
    if finding.say:
        parts.append(f" {safe(finding.say)}")
    if finding.basis is not None:
        status = TEXT_STATUS_TITLES[finding.basis.text_status]
        parts.append(f"<blockquote>{safe(finding.basis.quote)}</blockquote>" if finding.basis.quote else "")
        parts.append(f'<p class="lx-sub">{safe(source(finding.basis))}（{status}）')
        parts.append(f"　规则 {safe(finding.rule)}</p>" if finding.rule else "</p>")
    for question in finding.questions:
        answers = f"是：{question.if_yes.label}；否：{question.if_no.label}"
        parts.append(f"<p>待明确：{safe(question.text)}（{answers}）</p>")
    return f'<div class="lx-rule" {colour(finding.verdict)}>{"".join(parts)}</div>'


def zone_popup(layer: MapLayer, row: int, hit: Hit, findings: Sequence[Finding]) -> str:
    """Return the popup of a zone that was measured: figures, then each finding with its words."""
    word = class_title(layer.theme, layer.classes[row])
    sub = " · ".join(text for text in (layer.title, word, layer.ids[row]) if text)
    rules = "".join(_rule(finding) for finding in sorted(findings, key=severity))
    return (
        f'<div class="lx-popup"><h3>{safe(layer.names[row] or "（未命名）")}</h3>'
        f'<p class="lx-sub">{safe(sub)}</p>'
        f"{facts(measured(hit))}{rules}</div>"
    )


def site_facts(site: Site) -> list[tuple[str, str]]:
    """Return what is known of a site as table rows."""
    kind = _KINDS[site.kind] + (f"（{site.parts} 块）" if site.parts > 1 else "")
    return [
        ("场址", site.name),
        ("类型", kind),
        ("面积", f"{area_text(site.area_m2)}（椭球面积）" if site.area_m2 else ""),
        ("平面面积", f"{area_text(site.planar_area_m2)}（高斯投影）" if site.planar_area_m2 else ""),
        ("图斑椭球面积", f"{site.survey_area_m2:.2f} m²（国土调查公式）" if site.survey_area_m2 is not None else ""),
        ("申报面积", area_text(site.declared_area_m2) if site.declared_area_m2 else ""),
        ("长度", distance_text(site.length_m) if site.length_m else ""),
        ("走廊宽度", f"{site.width_m:g} m" if site.width_m else ""),
        ("坐标系", f"{site.reference.source}{'' if site.reference.declared else '（推断）'}"),
        ("读取依据", f"{site.reference.how}；{site.reference.axes}"),
        *(("说明", f"{issue.text}（{issue.code}）") for issue in site.issues),
    ]


def brief(assessment: Assessment) -> str:
    """Return the paragraph that sums a site up, what the red line comes to, and the questions that decide."""
    line, asked = assessment.red_line, assessment.overall.questions
    parts = [f"<p>{safe(summary(assessment))}</p>"]
    if line is not None:
        why = f"（{line.why}）" if line.why else ""
        ask = f"　须答：{''.join(text for _, text in line.questions)}" if line.questions else ""
        parts.append(f'<p class="lx-basis">生态保护红线：<b>{safe(line.label)}</b>{safe(why + ask)}</p>')
    if assessment.eia is not None:
        parts.append(f'<p class="lx-note">环评类别：{safe(assessment.eia.label)}</p>')
    parts.extend(f'<p class="lx-note">{safe(title)}：{safe(told)}</p>' for title, told in lines(assessment.surfaces))
    rows = "".join(f"<li>{safe(one.text)} {safe(one.outcomes)}</li>" for one in asked[:_ASKED])
    if rows:
        more = f'<p class="lx-note">另有 {len(asked) - _ASKED} 问，见 JSON 摘要。</p>' if len(asked) > _ASKED else ""
        parts.append(f"<p>先回答（会改变总结论，影响大的在前）：</p><ol>{rows}</ol>{more}")
    return f"<section><h2>概要</h2>{''.join(parts)}</section>"


def finding_list(assessment: Assessment, boxes: Mapping[tuple[str, str], str]) -> str:
    """Return the findings, worst first; a click goes to the zone (`boxes`: bounds by layer and zone id)."""
    titles = {layer.id: layer.title for layer in assessment.layers}
    listed = {layer.id for layer in assessment.layers if layer.unchecked}  # the legend tells of those
    told = [f for f in assessment.findings if f.verdict is not Verdict.NOT_CHECKED or f.layer not in listed]
    rows = [_finding(finding, titles, boxes) for finding in sorted(told, key=severity)]
    seen = any(not layer.unchecked for layer in assessment.layers)
    words = "已核查的图层中没有命中，也没有须说明的事项。" if seen else "没有一个图层能核查这里，不能说没有命中。"
    none = f'<p class="lx-note">{words}</p>'
    return f"<section><h2>研判结果</h2>{''.join(rows) or none}</section>"


def _finding(finding: Finding, titles: Mapping[str, str], boxes: Mapping[tuple[str, str], str]) -> str:
    hit, where, go = finding.hit, titles.get(finding.layer, finding.layer), ""
    if hit is not None:
        where = f"{where} · {hit.zone_name or hit.zone_id}"
        box = boxes.get((finding.layer, hit.zone_id))
        go = f' data-zoom="{box}"' if box else ""
    figures = "，".join(text for _, text in measured(hit) if text) if hit is not None else ""
    lines = [
        f"<p><b>{finding.verdict.label}</b> {safe(where)}</p>",
        f"<p>{safe(figures)}</p>" if figures else "",
    ]
    if finding.say:
        lines.append(f"<p>{safe(finding.say)}</p>")
    if finding.basis is not None:
        status = TEXT_STATUS_TITLES[finding.basis.text_status]
        named = f"{finding.rule} {source(finding.basis)}"
        lines.append(f'<p class="lx-basis">{safe(named)}（{status}）</p>')
    asked = [f"待明确：{question.text} {question.outcomes}" for question in finding.questions]
    lines.extend(f'<p class="lx-basis">{safe(text)}</p>' for text in asked)
    return f'<div class="lx-finding" {colour(finding.verdict)}{go}>{"".join(lines)}</div>'


def unchecked_layers(results: Sequence[LayerResult], named: Sequence[str] = ()) -> list[Unchecked]:
    """Return the layers whose silence proves nothing, and why; then what else `named` says was not seen.

    `named` are the overall verdict's own words: layer titles, and kinds of zone no layer holds.
    """
    layers = [Unchecked(r.title, _why(r), r.required) for r in results if r.unchecked]
    titles = {r.title for r in results}
    return [*layers, *(Unchecked(name, "没有图层可查", True) for name in named if name not in titles)]


def _why(result: LayerResult) -> str:
    """Return the issue that tells why; the newest, where none is about the layer's reach."""
    telling = [issue.text for issue in result.issues if issue.code in _TELLING]
    return (telling or [issue.text for issue in result.issues[-1:]] or [_WHY.get(result.status, "")])[-1]
