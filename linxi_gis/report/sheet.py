"""The spreadsheet of a run: one row a site, one row a finding, one row a layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xlsxwriter
from rich.cells import cell_len
from xlsxwriter.worksheet import Worksheet

from linxi_gis.model import Assessment
from linxi_gis.report import access
from linxi_gis.report.provisos import DISCLAIMER, STAMP
from linxi_gis.themes import TEXT_STATUS_TITLES, class_title
from linxi_gis.units import wind

_SITES = ("编号", "名称", "结论", "完整", "未核查图层", "椭球面积 m²", "平面面积 m²", "申报面积 m²", "长度 m",
          "坐标系", "坐标系依据", "读取说明", "研判日期", "来源")  # fmt: skip
_LAYERS = ("地块", "图层", "状态", "必备", "命中面积 m²", "命中长度 m", "占地块 %", "最近对象", "最近距离 m", "方位",
           "版本", "说明")  # fmt: skip
_FINDINGS = ("地块", "图层", "对象", "类别", "关系", "面积 m²", "长度 m", "占地块 %", "距离 m", "临界", "结论", "条文号",
             "依据", "条", "原文", "条文状态", "说明", "待答问题")  # fmt: skip
# Columns no wider than this many half-width characters; longer text wraps, 15 points a line.
WIDEST = 42
LINE_PT = 15
Row = Sequence[str | float | None]


def write(assessments: Sequence[Assessment], path: Path) -> None:
    """Write the workbook. Text that begins like a formula stays text."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        table(book, "地块", _SITES, [_site(one) for one in assessments], _note(assessments))
        table(book, "图层", _LAYERS, [row for one in assessments for row in _layers(one)], _note(assessments))
        table(book, "条文", _FINDINGS, [row for one in assessments for row in _findings(one)], _note(assessments))
        listed = [row for one in assessments for row in access.rows(one.access, one.site.id)]
        if listed:
            table(book, "准入清单", access.HEAD, listed, _note(assessments))


def _note(assessments: Sequence[Assessment]) -> str:
    return f"{STAMP}；{DISCLAIMER}" if any(one.demonstration for one in assessments) else DISCLAIMER


def table(book: xlsxwriter.Workbook, name: str, head: Sequence[str], rows: Sequence[Row], note: str) -> None:
    """Add a sheet: the note on top, the head, then the rows; columns as wide as their texts, longer ones wrap."""
    sheet = book.add_worksheet(name)
    write_head(book, sheet, head, rows, note)
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    for number, row in enumerate(rows, start=2):
        for column, value in enumerate(row):
            if value is not None and value != "":
                sheet.write(number, column, value, plain)
    sheet.freeze_panes(2, 2)
    sheet.autofilter(1, 0, max(len(rows) + 1, 1), len(head) - 1)
    for column, name in enumerate(head):
        texts = [name, *(str(row[column]) for row in rows if row[column] is not None)]
        sheet.set_column(column, column, min(max(map(cell_len, texts)) + 2, WIDEST))
    for number, row in enumerate(rows, start=2):
        lines = max(-(-cell_len(str(value)) // (WIDEST - 2)) for value in row if value is not None)
        sheet.set_row(number, LINE_PT * max(lines, 1))
    sheet.set_landscape()
    sheet.set_paper(8)  # A3: the article's own words stand in the table
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, 1)
    sheet.set_footer("&L" + note + "&R&P / &N")


def write_head(
    book: xlsxwriter.Workbook, sheet: Worksheet, head: Sequence[str], rows: Sequence[Row], note: str
) -> None:  # fmt: skip
    """Write the note in red and the head below it, its words to the right over columns of figures."""
    bold = book.add_format({"bold": True, "bg_color": "#DDE6EE", "text_wrap": True, "valign": "top"})
    sheet.write(0, 0, note, book.add_format({"bold": True, "font_color": "#B00020"}))
    over_figures = book.add_format({"bold": True, "bg_color": "#DDE6EE", "text_wrap": True, "valign": "top", "align": "right"})
    for column, word in enumerate(head):
        figures = any(isinstance(row[column], int | float) for row in rows)
        sheet.write(1, column, word, over_figures if figures else bold)


def _site(one: Assessment) -> Row:
    site = one.site
    return (
        site.id, site.name, one.overall.label, "是" if one.overall.complete else "否", "、".join(one.overall.unchecked),
        round(site.area_m2, 2), round(site.planar_area_m2, 2), site.declared_area_m2, round(site.length_m, 2),
        site.reference.source, site.reference.how,
        "；".join(issue.text for issue in site.issues), one.on.isoformat(), site.source,
    )  # fmt: skip


def _layers(one: Assessment) -> list[Row]:
    rows: list[Row] = []
    for layer in one.layers:
        near = layer.nearest
        rows.append((
            one.site.id, layer.title, layer.status_label, "是" if layer.required else "否",
            round(layer.area_m2, 2), round(layer.length_m, 2), round(layer.share_of_site * 100.0, 4),
            near.zone_name if near else "", round(near.distance_m, 2) if near else None,
            wind(near.bearing_deg) if near and near.bearing_deg is not None else "",
            layer.version, "；".join(issue.text for issue in layer.issues),
        ))  # fmt: skip
    return rows


def _findings(one: Assessment) -> list[Row]:
    titles = {layer.id: layer.title for layer in one.layers}
    themes = {layer.id: layer.theme for layer in one.layers}
    rows: list[Row] = []
    for finding in (*one.findings, *one.reminders):
        hit, basis = finding.hit, finding.basis
        rows.append((
            one.site.id, titles.get(finding.layer, "（项目）"),
            (hit.zone_name or hit.zone_id) if hit else "",
            class_title(themes.get(finding.layer, ""), hit.zone_class) if hit else "",
            hit.relation.label if hit else "", round(hit.area_m2, 2) if hit else None,
            round(hit.length_m, 2) if hit else None, round(hit.share_of_site * 100.0, 4) if hit else None,
            round(hit.distance_m, 2) if hit else None, "临界" if hit and hit.critical else "",
            finding.verdict.label, finding.rule or "", basis.instrument if basis else "", basis.article if basis else "",
            basis.quote if basis else "", TEXT_STATUS_TITLES[basis.text_status] if basis else "", finding.say,
            "；".join(f"{q.text}（{q.outcomes}）" for q in finding.questions),
        ))  # fmt: skip
    return rows
