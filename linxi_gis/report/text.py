"""The terminal table: one site, its reading, its verdict, every layer, the findings that decide."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linxi_gis.finding import Finding, Hit, LayerResult
from linxi_gis.law import Verdict
from linxi_gis.model import Assessment, Site
from linxi_gis.report.extract import DISCLAIMER, STAMP
from linxi_gis.report.reading import candidates
from linxi_gis.themes import STATUS_TITLES
from linxi_gis.units import KIND_WORDS, area_text, chainage, distance_text, plain, wind

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
    if assessment.overall.unchecked:
        parts += [Text(), Text(f"未核查：{'；'.join(assessment.overall.unchecked)}", style=_UNCHECKED_STYLE)]
    parts.extend(Text(plain(f"! {text}"), style="yellow") for text in _layer_warnings(assessment))
    told = _findings(assessment.findings)
    if told is not None:
        parts += [Text(), told]
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
    status = Text(STATUS_TITLES[layer.status], style=_UNCHECKED_STYLE if layer.unchecked else "")
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


def _findings(findings: Iterable[Finding]) -> Table | None:
    """Return the findings that decide, each with its zone, clause and questions; None without any."""
    told = [finding for finding in findings if finding.verdict > Verdict.NOTICE]
    if not told:
        return None
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in told[:FINDINGS_SHOWN]:
        table.add_row(Text(finding.verdict.label, style=COLOURS[finding.verdict]), _finding(finding))
    if len(told) > FINDINGS_SHOWN:
        table.add_row("", Text(f"另有 {len(told) - FINDINGS_SHOWN} 条，见 JSON 摘要或地图", style="dim"))
    return table


def _finding(finding: Finding) -> Text:
    hit = finding.hit
    text = Text("" if hit is None else plain(f"{hit.zone_name or hit.zone_id}（{hit.relation.label}）"))
    if hit is not None and hit.intervals_m:
        spans = "、".join(f"{chainage(a)}～{chainage(b)}" for a, b in hit.intervals_m[:3])
        text.append(f" {spans}{' 等' if len(hit.intervals_m) > 3 else ''}")
    if finding.basis is not None:
        text.append(f" {finding.rule}《{finding.basis.instrument}》{finding.basis.article}")
    if finding.say:
        text.append(plain(f"\n{finding.say}"), style="dim")
    for question in finding.questions[:2]:
        text.append(f"\n问：{question.text}", style="cyan")
        text.append(f" {question.outcomes}", style="cyan")
    if len(finding.questions) > 2:
        text.append(f"\n另有 {len(finding.questions) - 2} 问", style="dim")
    return text

