"""The terminal table: one site, its reading, its verdict, every layer, the findings that decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linxi_gis.finding import Decisive, Finding, Hit, LayerResult
from linxi_gis.law import Verdict
from linxi_gis.model import Assessment, Site
from linxi_gis.report import accesstext, ground, paragraph
from linxi_gis.report.provisos import DISCLAIMER, NO_ADVICE, STAMP
from linxi_gis.report.reading import candidates
from linxi_gis.units import KIND_WORDS, area_text, chainage, distance_text, lies, plain, wind

COLOURS = {
    Verdict.CLEAR: "green",
    Verdict.NOTICE: "cyan",
    Verdict.TO_JUSTIFY: "yellow",
    Verdict.RESTRICTED: "dark_orange",
    Verdict.PROHIBITED: "bold red",
    Verdict.NOT_CHECKED: "bold magenta",
}
_UNCHECKED_STYLE = "bold magenta"
# A terminal is read at a glance: the findings that decide, the rest in the extract.
FINDINGS_SHOWN = 6
QUESTIONS_SHOWN = 3
_FOLDING = ("图层", "最近", "结论")


def render(assessment: Assessment) -> RenderableType:
    """Return one assessment for a terminal of 80 columns or more.

    Nothing is boxed: Chinese consoles draw box characters twice as wide as they measure.
    """
    parts: list[RenderableType] = [_title(assessment), _reading(assessment.site)]
    parts.extend(Text(plain(f"! {issue.text}（{issue.code}）"), style="yellow") for issue in assessment.site.issues)
    parts.extend(Text(f"! {text}", style="yellow") for text in other_readings(assessment))
    if assessment.site.candidates:
        compared = any(one.distance_km is not None for one in assessment.site.candidates)
        parts += [Text(), candidates(assessment.site.candidates, "其他可能的读法（未采用）", compared)]
    parts += [Text(), _layers(assessment)]
    nearby = places(assessment)
    parts.extend(Text(one, style="dim") for one in nearby and ["", *nearby])
    if assessment.overall.unchecked:
        parts += [Text(), Text(f"未核查：{'；'.join(assessment.overall.unchecked)}", style=_UNCHECKED_STYLE)]
    parts.extend(Text(plain(f"! {text}"), style="yellow") for text in _layer_warnings(assessment))
    told = _findings(assessment.findings)
    if told is not None:
        parts += [Text(), told]
    if assessment.access.units:
        parts += [Text(), accesstext.render(assessment.access)]
    known = [Text(plain(f"{title}：{told}")) for title, told in ground.lines(assessment.surfaces)]
    parts.extend([Text(), *known] if known else [])
    parts.extend(Text(one) for one in avoided(assessment))
    parts += [Text(), _summary(assessment)]  # last, next to the prompt: read without scrolling back
    parts.extend(_asked(assessment))
    parts += [Text(), _foot(assessment), Text()]
    return Group(*parts)


def other_readings(assessment: Assessment) -> list[str]:
    """Return a sentence for each other reading of the site: what its verdict is, and what differs.

    The same on the terminal and on the map.
    """
    told = []
    for other in assessment.overall.others:
        if not other.differs:
            told.append(f"坐标基准未注明；若实为 {other.crs}，结论相同")
            continue
        changes = f"。{'；'.join(other.changes[:FINDINGS_SHOWN])}" if other.changes else ""
        told.append(plain(f"坐标基准未注明；若实为 {other.crs}，结论为 {other.label}{changes}"))
    return told


def _title(assessment: Assessment) -> Text:
    style = f"reverse {COLOURS[assessment.overall.verdict]}"
    return Text.assemble((f" {assessment.overall.label} ", style), "  ", (plain(assessment.site.name), "bold"))


def _foot(assessment: Assessment) -> Text:
    foot = f"{assessment.on.isoformat()}，{assessment.catalog_title}。{DISCLAIMER}。"
    return Text.assemble((f"{STAMP}。" if assessment.demonstration else "", "bold red"), (foot, "dim"))


def _reading(site: Site) -> Text:
    """Say how the site was read, so that a wrong reading is seen at once."""
    size = [f"{KIND_WORDS[site.kind]}，{site.parts} 部分"]
    if site.area_m2:
        size.append(f"椭球面积 {area_text(site.area_m2)}（平面 {area_text(site.planar_area_m2)}）")
    if site.survey_area_m2 is not None:
        size.append(f"图斑椭球面积 {site.survey_area_m2:.2f} m²（椭球面积 {site.area_m2:.2f} m²）")
    if site.length_m:
        size.append(f"长 {distance_text(site.length_m)}")
    if site.width_m:
        size.append(f"宽 {site.width_m:g} m")
    if site.declared_area_m2:
        size.append(f"申报 {area_text(site.declared_area_m2)}")
    centre = site.geometry.centroid
    return Text(
        f"{'，'.join(size)}；中心 {centre.x:.5f}°E {centre.y:.5f}°N\n"
        f"坐标系 {site.reference.source}（{site.reference.how}；{site.reference.axes}）",
        style="dim",
    )


def _layers(assessment: Assessment) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for name, justify in (
        ("图层", "left"), ("状态", "left"), ("命中", "right"), ("占地块", "right"), ("最近", "left"), ("结论", "left"),
    ):  # fmt: skip
        table.add_column(
            name, justify="right" if justify == "right" else "left", no_wrap=name not in _FOLDING, overflow="fold"
        )
    for layer in assessment.layers:
        table.add_row(*_row(layer, assessment))
    return table


def _row(layer: LayerResult, assessment: Assessment) -> list[str | Text]:
    status = Text(layer.status_label, style=_UNCHECKED_STYLE if layer.unchecked else "")
    if layer.status == "not_checked" or (layer.status == "not_covering" and layer.nearest is None):
        told = layer.issues[-1].text if layer.issues else ""
        why = told.partition("：")[2] or told.removeprefix(layer.title)
        return [layer.title, status, "", "", "", Text(why, style=_UNCHECKED_STYLE)]
    worst = max((f.verdict for f in assessment.findings if f.layer == layer.id), default=Verdict.CLEAR)
    return [
        layer.title,
        status,
        _amount(layer, assessment.site),
        f"{layer.share_of_site * 100:.2f} %" if layer.share_of_site else "",
        _near(layer.nearest),
        Text(worst.label, style=COLOURS[worst]),
    ]


def _layer_warnings(assessment: Assessment) -> list[str]:
    """Return what was repaired or guessed in layers that were checked, each once (the rest is told above)."""
    checked = [layer for layer in assessment.layers if not layer.unchecked]
    return list(
        dict.fromkeys(i.text for layer in checked for i in layer.issues if i.severity != "info")
    )


def _amount(layer: LayerResult, site: Site) -> str:
    if site.kind == "line":
        return distance_text(layer.length_m) if layer.length_m else ""
    if site.kind == "point":
        return "在内" if layer.share_of_site else ""
    if layer.area_m2:
        return area_text(layer.area_m2)
    if layer.length_m:
        return distance_text(layer.length_m)
    count = sum(hit.relation.hit for hit in layer.hits)
    return f"{count} 处" if count else ""


def _near(hit: Hit | None) -> str:
    if hit is None:
        return ""
    if hit.bearing_deg is None:
        return plain(f"相接 {hit.zone_name}")
    mark = "临界 " if hit.critical else ""
    return plain(f"{mark}{wind(hit.bearing_deg)} {distance_text(hit.distance_m)} {hit.zone_name}")


def places(assessment: Assessment) -> list[str]:
    """Return where the nearest zone of each layer lies that the site does not meet, a sentence each."""
    told = []
    for layer in assessment.layers:
        hit = layer.nearest
        if hit is None or hit.bearing_deg is None or hit.distance_m > layer.range_m:
            continue
        of = "点位" if assessment.site.kind == "point" else "线路" if assessment.site.kind == "line" else "场界"
        where = f"{lies(hit.bearing_deg, hit.distance_m, of)}（{hit.bearing_deg:.1f}°）"
        told.append(plain(f"{layer.title}：{hit.zone_name or hit.zone_id}{where}"))
    return told


def avoided(assessment: Assessment) -> list[str]:
    """Return what avoiding the prohibiting zones would come to, a sentence each; nothing where nobody asked."""
    one = assessment.avoidance
    if one is None:
        return []
    if not one.zones:
        return ["", "避让：没有命中禁止类图斑"]
    said = ["", f"避让 {len(one.zones)} 个禁止类图斑的设想（{NO_ADVICE}）："]
    if assessment.site.kind in ("polygon", "corridor"):
        thin = f"，另有 {one.slivers} 块窄于 1 m" if one.slivers else ""
        said.append(
            f"　图斑以外还有 {area_text(one.free_m2)}，{one.pieces} 块，最大一块 {area_text(one.largest_m2)}{thin}"
        )
    shift = one.shift
    if shift is None or not shift.complete:
        said.append("　整体平移：边界过于复杂，未计算")
    elif not shift.found:
        said.append(f"　整体平移：{distance_text(one.radius_m)} 以内没有能避开的位置")
    else:
        way = f"向{wind(shift.bearing_deg)}（{shift.bearing_deg:.1f}°）平移 {distance_text(shift.distance_m)}"
        said.append(plain(f"　整体平移：最少{way}，那里的初步结论为 {one.moved_label}"))
    return said


def _findings(findings: Iterable[Finding]) -> Table | None:
    """Return the findings that decide, each with its zone, clause and questions; None without any."""
    told = [finding for finding in findings if finding.verdict > Verdict.NOTICE]
    if not told:
        return None
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    seen: set[tuple[str, str]] = set()
    for finding in told[:FINDINGS_SHOWN]:
        zone = (finding.layer, finding.hit.zone_id if finding.hit else "")
        row = _finding(finding, moved=zone not in seen)  # of one zone the flip distance is told once
        seen.add(zone)
        table.add_row(Text(finding.verdict.label, style=COLOURS[finding.verdict]), row)
    if len(told) > FINDINGS_SHOWN:
        table.add_row("", Text(f"另有 {len(told) - FINDINGS_SHOWN} 条，见 JSON 摘要或地图", style="dim"))
    return table


def _finding(finding: Finding, *, moved: bool) -> Text:
    hit = finding.hit
    text = Text("" if hit is None else plain(f"{hit.zone_name or hit.zone_id}（{hit.relation.label}）"))
    if hit is not None and hit.intervals_m:
        spans = "、".join(f"{chainage(a)}～{chainage(b)}" for a, b in hit.intervals_m[:3])
        count = len(hit.passages or hit.intervals_m)
        text.append(f" {spans}{' 等' if len(hit.intervals_m) > 3 else ''}，穿越 {count} 次")
    if hit is not None and hit.bank_label:
        text.append(f" {hit.bank_label}")
    if moved and hit is not None and hit.flip_label:
        thick = f"（重叠处厚 {distance_text(hit.margin_m)}）" if hit.relation.hit and hit.margin_m else ""
        text.append(f" {hit.flip_label}{thick}")
    if finding.basis is not None:
        text.append(f" {finding.rule}《{finding.basis.instrument}》{finding.basis.article}")
    if finding.say:
        text.append(plain(f"\n{finding.say}"), style="dim")
    return text


def _summary(assessment: Assessment) -> Text:
    text = Text(paragraph.summary(assessment))
    text.highlight_words([assessment.overall.label], COLOURS[assessment.overall.verdict])
    return text


def _asked(assessment: Assessment) -> list[Text]:
    """Return the questions that decide, the first few in full, and what is left of the red line's."""
    asked = assessment.overall.questions
    told = [Text()] if asked or assessment.red_line or assessment.eia else []
    line = assessment.red_line
    if line is not None and line.outcome != "not_involved":
        ask = f"，先答：{line.questions[0][1]}" if line.questions else ""
        told.append(Text.assemble("生态保护红线：", (line.label, "bold"), (plain(f"（{line.why}）"), "dim"), ask))
    if assessment.eia is not None and assessment.eia.areas:
        told.append(Text(plain(f"环评类别：{assessment.eia.label}"), style="dim"))
    for number, one in enumerate(asked[:QUESTIONS_SHOWN], start=1):
        told.append(Text(f"问 {number}：{one.text} {one.outcomes}", style="cyan"))
    if asked:
        told.append(Text(_left(asked), style="dim"))
    return told


def _left(asked: Sequence[Decisive]) -> str:
    rest = asked[QUESTIONS_SHOWN:]
    idle = sum(one.gravest is None for one in rest)
    more = f"另有 {len(rest)} 问" + (f"（{idle} 问只影响是否查全）" if idle else "") + "，" if rest else ""
    return f"{more}加 --ask 逐个回答，或写进 --project 文件"

