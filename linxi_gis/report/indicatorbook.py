"""The county's indicators as tables: the same rows on the terminal and in the workbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter
from rich.cells import cell_len

from linxi_gis.indicators_model import Change, County, Indicator
from linxi_gis.report.provisos import STAMP
from linxi_gis.report.sheet import write_head
from linxi_gis.themes import THEMES

Row = Sequence[str | float | int | None]
WIDEST = 46  # half-width characters
LINE_PT = 15
UNIT_NOTE = "比例以全部单元合并面积为 100，按最大余额法取两位小数，各行之和恰为 100.00"


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; `note` is one line below the title, "" when there is nothing to say."""

    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


def tables(county: County, changes: Sequence[Change] = ()) -> list[Table]:
    """Return every table of the county, the plan's twenty first."""
    made = [_plan(county), _ratios(county), _units(county), _zones(county), _inside(county)]
    if county.by:
        made.insert(2, _parts(county))
    if changes:
        made.append(what_if(changes))
    return [*made, _checks(county, changes), _contradictions(county)]


def value_of(one: Indicator) -> str:
    """Return what an indicator says in one cell."""
    if one.ratios:
        return f"{one.ratios[0].percent:.2f}"
    return "未核查" if one.figure.computed else "未填"


def _plan(county: County) -> Table:
    rows: list[Row] = []
    for one in sorted(county.indicators, key=lambda one: one.figure.no):
        figure, entered = one.figure, one.entered
        told = "" if entered is None else f"{entered.value:g}" + (f"（{entered.year}）" if entered.year else "")
        computed = value_of(one) if figure.computed else ""
        why = entered.source if entered else one.unchecked
        if one.ratios:
            why = f"分母：{one.ratios[0].denominator.title}" + (f"；填报数来源：{entered.source}" if entered else "")
        rows.append((figure.no, figure.title, figure.unit, figure.value_2020, figure.target_2025, figure.attribute,
                     computed, told or ("" if figure.computed else "未填"), why))  # fmt: skip
    head = ("序号", "指标", "单位", "规划 2020", "规划 2025", "属性", "图上算得", "填报", "说明")
    return Table("规划二十项指标", head, tuple(rows), county.plan_title)


def _ratios(county: County) -> Table:
    rows: list[Row] = []
    for one in county.indicators:
        if not one.figure.computed:
            continue
        if not one.ratios:
            rows.append((one.figure.title, "未核查", *[None] * 11, one.unchecked))
        for ratio in one.ratios:
            rows.append((
                one.figure.title, "、".join(one.layers), _r(one.gross_km2), _r(one.net_km2), _r(one.outside_km2),
                _r(one.nodata_km2), ratio.denominator.title, _r(ratio.denominator.area_km2), _r(ratio.percent, 4),
                one.figure.percent_2020, _r(ratio.planned_km2), _r(ratio.difference_points, 4), _r(ratio.difference_km2),
                _target(one, ratio.target_points) + ratio.denominator.source,
            ))  # fmt: skip
    head = ("指标", "图层", "分子 毛 km²", "分子 净 km²", "县界外 km²", "无数据 km²", "分母", "分母 km²", "比例 %",
            "规划 2020 %", "规划折合 km²", "差 百分点", "差 km²", "说明")  # fmt: skip
    return Table("比例与分母", head, tuple(rows), "毛：各图斑相加；净：重叠只算一次，即分子。面积为 CGCS2000 椭球面积")


def _target(one: Indicator, points: float | None) -> str:
    return "" if points is None else f"对 2025 年目标（{one.figure.target_2025}）{points:+.2f} 个百分点；"


def _parts(county: County) -> Table:
    rows = [
        (one.figure.title, part.id, part.name, _r(part.area_km2), _r(part.net_km2, 4), _r(part.percent))
        for one in county.indicators for part in one.parts
    ]  # fmt: skip
    return Table("分区统计", ("指标", "编号", "名称", "面积 km²", "分子 km²", "占本区 %"), tuple(rows))


def _units(county: County) -> Table:
    table = county.units
    if table.unchecked:
        return Table("环境管控单元", ("说明",), ((f"未核查：{table.unchecked}",),))
    rows: list[Row] = [(row.title, row.count, _r(row.net_km2), row.share_percent) for row in table.rows]
    rows.append(("合计", sum(row.count for row in table.rows), _r(table.total_km2), 100.0))
    told = [UNIT_NOTE]
    doubts = (("单元互相重叠", table.overlap_km2), ("县界内没有单元的", table.gap_km2), ("单元在县界外的", table.outside_km2))
    for word, area in doubts:
        if area >= 0.005:
            told.append(f"{word} {area:.2f} km²")
    return Table("环境管控单元", ("类别", "个数", "面积 km²", "比例 %"), tuple(rows), "；".join(told))


def _zones(county: County) -> Table:
    rows = tuple(
        (THEMES[row.theme], row.layer, row.title, row.count, _r(row.gross_km2, 4), _r(row.net_km2, 4), _r(row.share_percent))
        for row in county.zones
    )
    return Table("各类区域", ("主题", "图层", "类别", "个数", "毛 km²", "净 km²", "占县界轮廓 %"), rows, _missing(county))


def _missing(county: County) -> str:
    return f"没有计入：{'；'.join(county.left_out)}" if county.left_out else ""


def _inside(county: County) -> Table:
    rows = tuple(
        (row.objects, row.total, f"{row.zones} {row.zone_class}".strip(), row.inside, row.partly, _r(row.area_km2, 4))
        for row in county.inside
    )
    head = ("对象", "总数", "区域", "全部在内", "部分在内", "在内面积 km²")
    note = "；".join(filter(None, ("没有列出的组合，一处也没有", _missing(county))))
    return Table("水源、矿山、尾矿库所在", head, rows, note)


def what_if(changes: Sequence[Change]) -> Table:
    """Return before and after, against every denominator."""
    rows = [
        (one.figure.title, before.denominator.title, _r(one.before_km2, 4), _r(one.added_km2, 4), _r(one.removed_km2, 4),
         _r(one.after_km2, 4), _r(before.percent, 4), _r(after.percent, 4), _r(after.percent - before.percent, 4))
        for one in changes for before, after in zip(one.before, one.after, strict=True)
    ]  # fmt: skip
    head = ("指标", "分母", "之前 km²", "新增 km²", "减少 km²", "之后 km²", "之前 %", "之后 %", "差 百分点")
    outside = sum(one.outside_km2 for one in changes)
    left = f"；加上的地块有 {outside:.4f} km² 在县域以外，没有计入" if outside >= 5e-5 else ""
    return Table("假设：前后对照", head, tuple(rows), f"只是试算，图层没有改动{left}")


def _checks(county: County, changes: Sequence[Change]) -> Table:
    checks = [*county.checks, *(one.check for one in changes)]
    rows = tuple(
        (one.title, _r(one.whole_km2, 6), _r(one.parts_km2, 6), f"{one.difference:.1e}", "相合" if one.closes else "不合")
        for one in checks
    )
    head = ("核对", "总数 km²", "各部分之和 km²", "相对差", "结果")
    return Table("合计核对", head, rows, "部分之和须等于总数（相对差 1e-9，栅格对县界 1e-6）")


def _contradictions(county: County) -> Table:
    rows = tuple(
        (one.figure.no, one.figure.title, text)
        for one in sorted(county.indicators, key=lambda one: one.figure.no)
        for text in (*one.figure.contradictions, *([one.figure.note] if one.figure.note else []))
    )
    return Table("规划自身的疑点", ("序号", "指标", "疑点"), rows, "照列，不裁断")


def _r(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits) + 0.0


def write(county: County, changes: Sequence[Change], path: Path) -> None:
    """Write the workbook, a sheet a table. Text that begins like a formula stays text."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        for table in tables(county, changes):
            _sheet(book, table, STAMP if county.demonstration else "")


def _sheet(book: xlsxwriter.Workbook, table: Table, stamp: str) -> None:
    sheet = book.add_worksheet(table.title)
    note = "；".join(text for text in (stamp, table.note) if text)
    write_head(book, sheet, table.head, table.rows, note)
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    two = book.add_format({"text_wrap": True, "valign": "top", "num_format": "0.00##"})
    for number, row in enumerate(table.rows, start=2):
        for column, value in enumerate(row):
            if value is not None and value != "":
                sheet.write(number, column, value, two if isinstance(value, float) else plain)
        lines = max((-(-cell_len(str(value)) // (WIDEST - 4)) for value in row if value is not None), default=1)
        sheet.set_row(number, LINE_PT * max(lines, 1))  # not every program fits rows to wrapped text
    for column, width in enumerate(_widths(table)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(2, 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, 1)


def _widths(table: Table) -> Iterator[int]:
    for column, name in enumerate(table.head):
        texts = [name, *(str(row[column]) for row in table.rows if row[column] is not None)]
        yield min(max(map(cell_len, texts)) + 2, WIDEST)
