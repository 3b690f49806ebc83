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
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import ole
from linxi_gis.intake.headers import figures
from linxi_gis.intake.office import OLE, attribute, local, parse, parts_of, targets
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.rows import Line, Page
from linxi_gis.intake.table import draft_page
from linxi_gis.intake.words import plain

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_REMEDY = "请用 Excel 或 WPS 打开后另存为 .xlsx 再提交"
# A cell: its reference, whether it is an error, and whether it has something inside. Attributes of a
# cell are short; the bounds keep a hostile tag from being searched again and again.
_CELL = re.compile(
    rb"<(?:\w{1,8}:)?c\s[^<>]{0,120}?r=\"([A-Za-z]{1,4})(\d{1,8})\"([^<>]{0,120})>(.{0,400}?)</(?:\w{1,8}:)?c>",
    re.DOTALL,
)
# Where cells with something inside claim to lie; cells that only carry a format are empty tags.
_AT = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,4})(\d{1,8})[\"'](?![^<>]{0,200}/>)")
_ROW = re.compile(rb"<(?:\w{1,8}:)?row\s[^<>]{0,200}?\br\s*=\s*[\"'](\d{1,8})[\"'](?![^<>]{0,200}/>)")
# No workbook has columns beyond XFD or rows beyond 1,048,576; calamine lays out what a tag claims, and aborts.
_BEYOND = re.compile(rb"\br\s*=\s*[\"'](?:[A-Za-z]{4,}\d|[A-Za-z]{0,3}\d{8,})")
_HIDDEN_ROW = re.compile(
    rb"<(?:\w{1,8}:)?row\s(?=[^<>]{0,300}\bhidden\s*=\s*[\"'](?:1|true))"
    rb"[^<>]{0,200}?\br\s*=\s*[\"'](\d{1,8})"
)
_ERROR = re.compile(rb"<(?:\w{1,8}:)?v>(#[^<]{1,20})<")
# calamine lays a sheet out densely, 24 bytes a cell: our choice is about 0.5 GB.
_MAX_CELLS = ole.MAX_CELLS
_MAX_MERGED = 200_000
_PLAIN_NAME = re.compile(r"(?:sheet|工作表|表)\s*\d*|.*坐标.{0,3}|.*拐点.{0,3}", re.IGNORECASE)
_NO_VALUE = "（公式无值）"
Value = object


@dataclass(frozen=True, slots=True)
class _Scan:
    """What a sheet's own XML tells beyond its values: cells without one, by row and column from 0, and
    the numbers from 1 of rows that are hidden or filtered out.
    """

    odd: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()


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
            made.append(_draft(page, name, source))
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


def _draft(page: Page, name: str, source: str) -> Draft:
    shown = name.translate({ord("/"): "／", ord("\\"): "＼", ord("."): "．"})
    return draft_page(page, f"{source}：工作表“{shown}”", "Excel 表格")


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


def _checked(data: bytes, source: str, limits: Limits) -> dict[str, _Scan]:
    """Check a zip's sizes before calamine sees it; return, by sheet name, what only its XML tells."""
    if data.startswith(OLE):
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            raise InputError("工作簿有密码", where=source, remedy="请去掉密码后另存再提交")
        ole.check(data, source)
        return {}
    if not data.startswith(b"PK"):
        raise InputError("文件内容不是 Excel 工作簿", where=source, remedy=_REMEDY)
    parts = parts_of(data, source, limits)
    names = _sheet_parts(parts, source)
    found: dict[str, _Scan] = {}
    for name, part in names.items():
        found[name] = _scanned(parts.get(part, b""), f"{source}：工作表“{name}”")
    return found


def _sheet_parts(parts: dict[str, bytes], source: str) -> dict[str, str]:
    """Sheet name -> part name, by the workbook's own list."""
    main = [name for kind, name in targets(parts, "_rels/.rels", source).values() if kind == "officeDocument"]
    if not main or main[0] not in parts:
        raise InputError("文件里没有工作簿", where=source, remedy=_REMEDY)
    folder, _, stem = main[0].rpartition("/")
    rels = targets(parts, f"{folder}/_rels/{stem}.rels" if folder else f"_rels/{stem}.rels", source)
    found = {}
    for element in parse(parts[main[0]], source).iter():
        if local(element) == "sheet":
            target = next((rels[v] for k, v in element.attrib.items() if k.endswith("}id") and v in rels), None)
            found[attribute(element, "name")] = target[1] if target else ""
    return found


def _scanned(part: bytes, where: str) -> _Scan:
    """Look over a sheet's cells: refuse an extent no machine should lay out, note errors, formulas, hidden rows."""
    beyond = _BEYOND.search(part)
    if beyond:
        cell = beyond[0].decode("ascii", "replace")[-20:]
        raise InputError(f"单元格位置超出 Excel 的范围（{cell}）", where=where, remedy=_REMEDY)
    rows = max((int(match[1]) for match in _ROW.finditer(part)), default=0)
    columns = 1
    for match in _AT.finditer(part):
        rows, columns = max(rows, int(match[2])), max(columns, _column(match[1]) + 1)
    if rows * columns > _MAX_CELLS:
        raise InputError(
            f"表格范围有 {rows} 行 {columns} 列，超过上限 {_MAX_CELLS} 格",
            where=where,
            remedy="请删去远处的零星单元格，只保留坐标表",
        )
    odd: dict[tuple[int, int], str] = {}
    for match in _CELL.finditer(part):
        row, column = int(match[2]) - 1, _column(match[1])
        if b't="e"' in match[3]:
            error = _ERROR.search(match[4])
            odd[row, column] = error[1].decode("ascii", "replace") if error else "#ERROR"
        elif b"<f" in match[4] and re.search(rb"<f[^<]*(?:/>|</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*$", match[4]):
            odd[row, column] = _NO_VALUE
    return _Scan(odd, frozenset(int(match[1]) for match in _HIDDEN_ROW.finditer(part)))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1


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
        raise InputError("工作簿损坏，无法读取", where=source, remedy=_REMEDY) from error


def _opened(data: bytes, source: str) -> CalamineWorkbook:
    from python_calamine import CalamineError, PasswordError, load_workbook

    try:
        return load_workbook(io.BytesIO(data))
    except PasswordError as error:
        raise InputError("工作簿有密码", where=source, remedy="请去掉密码后另存再提交") from error
    except (CalamineError, OSError, ValueError) as error:
        raise InputError("工作簿损坏，无法读取", where=source, remedy=_REMEDY) from error


def _pages(
    book: CalamineWorkbook, scans: Mapping[str, _Scan], source: str
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
            page = _page(book.get_sheet_by_index(number), scans.get(about.name, _Scan()))
        except (CalamineError, ValueError, OverflowError) as error:
            raise InputError(
                "工作表损坏，无法读取", where=f"{source}：工作表“{about.name}”", remedy=_REMEDY
            ) from error
        pages.append((about.name, page))
    return pages, hidden


# --- a sheet -----------------------------------------------------------------------------------------


def _page(sheet: CalamineSheet, scan: _Scan) -> Page:
    values: list[list[Value]] = [list(row) for row in sheet.to_python(skip_empty_area=False)]
    counted = any(isinstance(value, float) for row in values for value in row)
    cells = [[text_of(value) for value in row] for row in values]
    for (row, column), text in scan.odd.items():
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = cells[row][column] if cells[row][column].strip("0") else text
        elif row < len(cells):
            cells[row] += [""] * (column - len(cells[row])) + [text]
        elif row < _MAX_MERGED:
            cells += [[] for _ in range(row - len(cells))] + [[""] * column + [text]]
    _fill(cells, sheet.merged_cell_ranges or [])
    lines = lines_of(cells)
    told = _hidden_rows(lines, scan.hidden, sheet.name)
    return Page(tuple(lines), counted=counted, caption=_caption(sheet.name), told=told)


def _hidden_rows(lines: Sequence[Line], hidden: frozenset[int], name: str) -> tuple[Issue, ...]:
    """Told when figures stand in rows that nobody sees: they are read like the others."""
    rows = [line.number for line in lines if line.number in hidden and figures(line)] if hidden else []
    if not rows:
        return ()
    shown = "、".join(map(str, rows[:5])) + (f" 等 {len(rows)} 行" if len(rows) > 5 else "")
    text = f"工作表“{name}”第 {shown} 行被隐藏或筛掉，其中的坐标仍已读取"
    return (Issue("hidden_rows", "warning", text, "若不应计入，请删去这些行后重新提交"),)


def _caption(name: str) -> str:
    return "" if _PLAIN_NAME.fullmatch(name) else name


def _fill(cells: list[list[str]], ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Repeat the text of merged cells over all of them, as they are meant."""
    left = _MAX_MERGED
    for (top, first), (bottom, last) in ranges:
        bottom, last = min(bottom, len(cells) - 1), min(last, max(map(len, cells), default=0) - 1)
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
    made = _TEXTS.get(type(value))
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
