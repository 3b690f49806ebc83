"""Excel workbooks: every visible sheet that holds coordinates is a draft of its own.

A number in a cell does not keep its last zeros (118.0500 is 118.05 there), so the last digit of a sheet of
numbers is the finest of the whole table, and unknown for fewer than three rows; text cells tell their own.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import ole
from linxi_gis.intake.celllists import drafts_page, listed
from linxi_gis.intake.headers import figures
from linxi_gis.intake.office import OLE, attribute, local, parse, parts_of, targets
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.rows import Line, Listed, Page
from linxi_gis.intake.sheetscan import REMEDY, Scan, letters, scanned
from linxi_gis.intake.words import plain

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_MAX_MERGED = 200_000
_WIDE = 256  # columns that every row is filled up to at most: one stray cell must not widen all rows
_PLAIN_NAME = re.compile(r"(?:sheet|工作表|表)\s*\d*|.*坐标.{0,3}|.*拐点.{0,3}", re.IGNORECASE)
Value = object


def drafts_workbook(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return a draft for every visible sheet with coordinates; raises InputError when there is none.

    Only saved values are read: a formula is never computed, and one without a value is an error at
    its cell. Sheets without coordinates, and hidden sheets, are told.
    """
    scans = _checked(data, source, limits)
    with _without_panics(source):
        pages, hidden = _pages(_opened(data, source), scans, source)
    made: list[Draft] = []
    without: list[str] = []
    failed: list[InputError] = []
    for name, page in pages:
        try:
            made += _drafts(page, name, source)
        except InputError as error:
            if "没有找到坐标" in error.what:
                without.append(name)
            else:
                failed.append(error)
    if not made:
        raise failed[0] if failed else _nothing(without, hidden, source)
    bad = [Issue("sheet_unreadable", "error", f"{e.where}：{e.what}", e.remedy) for e in failed]
    issues = (*_left(without, hidden, source), *bad)
    return [replace(made[0], issues=(*issues, *made[0].issues)), *made[1:]]


def _drafts(page: Page, name: str, source: str) -> list[Draft]:
    shown = name.translate({ord("/"): "／", ord("\\"): "＼", ord("."): "．"})
    return drafts_page(page, f"{source}：工作表“{shown}”", "Excel 表格")


def _nothing(without: Sequence[str], hidden: Sequence[str], source: str) -> InputError:
    if hidden and not without:
        return InputError(
            "工作簿只有隐藏的工作表", where=source, remedy=f"请取消隐藏后重新提交：{'、'.join(hidden[:5])}"
        )
    names = "、".join(f"“{name}”" for name in without[:5])
    also = f"；另有隐藏的工作表{'、'.join(hidden[:5])}未读" if hidden else ""
    return InputError(
        f"工作表{names}里没有找到坐标{also}", where=source,
        remedy="坐标表应有表头（经度、纬度或 X、Y），每行一个拐点",
    )  # fmt: skip


def _left(without: Sequence[str], hidden: Sequence[str], source: str) -> list[Issue]:
    told = []
    if without:
        names = "、".join(f"“{name}”" for name in without[:10])
        told.append(Issue("sheets_without_coordinates", "info", f"{source} 的工作表{names}没有坐标，未读入"))
    if hidden:
        names = "、".join(f"“{name}”" for name in hidden[:10])
        told.append(
            Issue("hidden_sheets", "warning", f"{source} 有隐藏的工作表{names}，未读入", "如需读入，请取消隐藏")
        )
    return told


# --- the file ---------------------------------------------------------------------------------------


def _checked(data: bytes, source: str, limits: Limits) -> dict[str | int, Scan]:
    """Check a file's sizes before calamine sees it; return what only its XML or its records tell.

    Of an .xlsx by the sheet's name, of an .xls by the sheet's place, which its records begin with.
    """
    if data.startswith(OLE):
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            raise InputError("工作簿有密码", where=source, remedy="请去掉密码后另存再提交")
        laid = ole.check(data, source)
        return {n: Scan({}, sheet.hidden_rows, sheet.hidden_columns) for n, sheet in enumerate(laid)}
    if not data.startswith(b"PK"):
        raise InputError("文件内容不是 Excel 工作簿", where=source, remedy=REMEDY)
    parts = parts_of(data, source, limits)
    names = _sheet_parts(parts, source)
    found: dict[str | int, Scan] = {}
    for name, part in names.items():
        found[name] = scanned(parts.get(part, b""), f"{source}：工作表“{name}”")
    return found


def _sheet_parts(parts: dict[str, bytes], source: str) -> dict[str, str]:
    """Sheet name -> part name, by the workbook's own list."""
    main = [name for kind, name in targets(parts, "_rels/.rels", source).values() if kind == "officeDocument"]
    if not main or main[0] not in parts:
        raise InputError("文件里没有工作簿", where=source, remedy=REMEDY)
    folder, _, stem = main[0].rpartition("/")
    rels = targets(parts, f"{folder}/_rels/{stem}.rels" if folder else f"_rels/{stem}.rels", source)
    found = {}
    for element in parse(parts[main[0]], source).iter():
        if local(element) == "sheet":
            target = next((rels[v] for k, v in element.attrib.items() if k.endswith("}id") and v in rels), None)
            found[attribute(element, "name")] = target[1] if target else ""
    return found


@contextlib.contextmanager
def _without_panics(source: str) -> Iterator[None]:
    """Turn a panic of calamine (Rust) into an InputError.

    It comes as pyo3_runtime.PanicException, a BaseException of a module that cannot be imported; a
    damaged .xls raises it by slicing beyond its bytes.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise InputError("工作簿损坏，无法读取", where=source, remedy=REMEDY) from error


def _opened(data: bytes, source: str) -> CalamineWorkbook:
    from python_calamine import CalamineError, PasswordError, load_workbook

    try:
        return load_workbook(io.BytesIO(data))
    except PasswordError as error:
        raise InputError("工作簿有密码", where=source, remedy="请去掉密码后另存再提交") from error
    except (CalamineError, OSError, ValueError) as error:
        raise InputError("工作簿损坏，无法读取", where=source, remedy=REMEDY) from error


def _pages(
    book: CalamineWorkbook, scans: Mapping[str | int, Scan], source: str
) -> tuple[list[tuple[str, Page]], list[str]]:
    from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum

    pages: list[tuple[str, Page]] = []
    hidden: list[str] = []
    for number, about in enumerate(book.sheets_metadata):
        if about.typ != SheetTypeEnum.WorkSheet:
            continue
        if about.visible != SheetVisibleEnum.Visible:
            hidden.append(about.name)
            continue
        try:
            scan = scans.get(about.name) or scans.get(number) or Scan()
            page = _page(book.get_sheet_by_index(number), scan)
        except (CalamineError, ValueError, OverflowError) as error:
            raise InputError(
                "工作表损坏，无法读取", where=f"{source}：工作表“{about.name}”", remedy=REMEDY
            ) from error
        pages.append((about.name, page))
    return pages, hidden


# --- a sheet -----------------------------------------------------------------------------------------


def _page(sheet: CalamineSheet, scan: Scan) -> Page:
    cells, lists, counted = _cells(sheet)
    for (row, column), text in scan.odd.items():
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = cells[row][column] if cells[row][column].strip("0") else text
        elif row < len(cells):
            cells[row] += [""] * (column - len(cells[row])) + [text]
        elif row < _MAX_MERGED:
            cells += [[] for _ in range(row - len(cells))] + [[""] * column + [text]]
    unseen = _hidden_columns(cells, scan.columns, sheet.name)
    _fill(cells, sheet.merged_cell_ranges or [])
    _even(cells)
    lines = lines_of(cells)
    told = (*_hidden_rows(lines, scan.rows, sheet.name), *unseen)
    return Page(tuple(lines), counted=counted, caption=_caption(sheet.name), told=told, lists=lists)


def _cells(sheet: CalamineSheet) -> tuple[list[list[str]], tuple[Listed, ...], bool]:
    """The sheet's texts row by row, each up to its last filled cell; cells that list coordinates; whether numbers stand in it.

    A single cell far away makes a sheet of millions of empty cells: they are passed over row by row.
    """
    before = [""] * (sheet.start[1] if sheet.start else 0)
    cells: list[list[str]] = []
    lists: list[Listed] = []
    counted = False
    for row in sheet.iter_rows():
        held: list[Value] = list(row) if any(value != "" for value in row) else []
        while held and held[-1] == "":
            held.pop()
        counted = counted or any(isinstance(value, float) for value in held)
        lists += listed(held, len(cells), len(before))
        cells.append([*before, *map(text_of, held)] if held else [])
    return cells, tuple(lists), counted


def _even(cells: list[list[str]]) -> None:
    """Fill up the rows that hold something to the width that two of them have."""
    widths = sorted(map(len, cells))
    width = min(widths[-2], _WIDE) if len(widths) > 1 else 0
    for row in cells:
        if row and len(row) < width:
            row += [""] * (width - len(row))


def _hidden_rows(lines: Sequence[Line], hidden: frozenset[int], name: str) -> tuple[Issue, ...]:
    """Told when figures stand in rows that nobody sees: they are read like the others."""
    rows = [line.number for line in lines if line.number in hidden and figures(line)] if hidden else []
    if not rows:
        return ()
    shown = "、".join(map(str, rows[:5])) + (f" 等 {len(rows)} 行" if len(rows) > 5 else "")
    text = f"工作表“{name}”第 {shown} 行被隐藏或筛掉，其中的坐标仍已读取"
    return (Issue("hidden_rows", "warning", text, "若不应计入，请删去这些行后重新提交"),)


def _hidden_columns(cells: Sequence[Sequence[str]], hidden: frozenset[int], name: str) -> tuple[Issue, ...]:
    """Told when columns that nobody sees hold something: they are read like the others."""
    columns = sorted({n for row in cells for n, cell in enumerate(row) if cell and n in hidden}) if hidden else []
    if not columns:
        return ()
    shown = "、".join(map(letters, columns[:5])) + (f" 等 {len(columns)} 列" if len(columns) > 5 else "")
    text = f"工作表“{name}”第 {shown} 列被隐藏，其中的内容仍与其他列一样读取"
    return (Issue("hidden_columns", "warning", text, "请取消隐藏后核对；若不应采用，请删去这些列后重新提交"),)


def _caption(name: str) -> str:
    return "" if _PLAIN_NAME.fullmatch(name) else name


def _fill(cells: list[list[str]], ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Repeat the text of merged cells over all of them, as they are meant."""
    left = _MAX_MERGED
    width = max(map(len, cells), default=0)
    for (top, first), (bottom, last) in ranges:
        bottom, last = min(bottom, len(cells) - 1), min(last, width - 1)
        left -= max(0, bottom - top + 1) * max(0, last - first + 1)
        if left < 0:
            return
        text = cells[top][first] if top < len(cells) and first < len(cells[top]) else ""
        for row in range(top, bottom + 1) if text else ():
            cells[row] += [""] * (last + 1 - len(cells[row]))
            cells[row][first : last + 1] = [text] * (last + 1 - first)


def lines_of(cells: Sequence[Sequence[str]]) -> list[Line]:
    """Return the rows that hold something; a row with one text (merged or alone) is a row of words.

    >>> lines_of([["坐标表", "坐标表"], [], ["1", "118.1", "43.6", ""]])
    [Line(number=1, cells=('坐标表',), breaks=False), Line(number=3, cells=('1', '118.1', '43.6'), breaks=True)]
    """
    width = max((column + 1 for row in cells for column, cell in enumerate(row) if cell), default=0)
    lines: list[Line] = []
    for number, row in enumerate(cells, 1):
        held = [cell for cell in row if cell]
        if not held:
            continue
        breaks = bool(lines) and lines[-1].number < number - 1
        merged = len(held) > 1 and len(set(held)) == 1
        alone = len(held) == 1 and row[0] == held[0] and len(held[0]) > 1
        if width > 1 and (merged or alone) and not re.fullmatch(r"[\d.#\s\-]*\D?\d+|#.*|（公.*", held[0]):
            lines.append(Line(number, (held[0],), breaks))
        else:
            lines.append(Line(number, tuple(row[:width]), breaks))
    return lines


def text_of(value: Value) -> str:
    """Return a cell as text: numbers with the 15 digits Excel has, hours as 度:分:秒, words made plain.

    Excel takes 118:03:27 typed into a cell for a span of time; it is written back as it was typed.

    >>> text_of(39580743.28299999982), text_of(43.0), text_of(datetime.timedelta(hours=118, seconds=207))
    ('39580743.283', '43', '118:03:27')
    >>> text_of(datetime.date(2024, 1, 2)), text_of("１１８°　３′"), text_of(True)
    ('2024-01-02', '118°3′', 'TRUE')
    """
    made = _TEXTS.get(type(value)) if value != "" else None
    return made(value) if made is not None else ""


def _span(value: datetime.timedelta) -> str:
    whole, micro = divmod(round(abs(value.total_seconds()) * 1e6), 1_000_000)
    hours, rest = divmod(whole, 3600)
    fraction = f".{micro:06d}".rstrip("0") if micro else ""
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}{fraction}"


def _words(value: str) -> str:
    return plain(re.sub(r"[\x00-\x1f\x7f]+", " ", value))


_TEXTS: dict[type, Callable[..., str]] = {
    str: _words,
    float: lambda value: f"{value:.15g}",
    int: str,
    bool: lambda value: "TRUE" if value else "FALSE",
    datetime.date: datetime.date.isoformat,
    datetime.datetime: lambda value: value.isoformat(sep=" "),
    datetime.time: lambda value: value.isoformat(),
    datetime.timedelta: _span,
}
