"""Tables of texts out of a file: CSV in its encoding, the one sheet of a workbook that has the head; nothing is judged."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

from linxi_gis.errors import CatalogError

SUFFIXES = (".csv", ".xlsx", ".xls", ".ods")
Cells = list[list[str]]
IsHead = Callable[[Sequence[str]], bool]
_DAY = re.compile(
    r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def day_of(text: str) -> date | None:
    """Return the day that a text is, its time of day dropped; None where it is none, or one no calendar has.

    >>> day_of("2025年1月1日") == day_of("2025/1/1 0:00") == day_of("20250101") == day_of("２０２５．1．1") == date(2025, 1, 1)
    True
    >>> day_of("2025-13-40"), day_of("长期")
    (None, None)
    """
    match = _DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2] or match[4]), int(match[3] or match[5]))
    except ValueError:
        return None


def cells(path: Path, data: bytes, is_head: IsHead) -> Cells:
    """Return every row as trimmed texts, empty rows too, so that row numbers are those of the file.

    Of a workbook the sheet with a head is read. Raises CatalogError where several have rows below one.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CatalogError(f"不认识的格式 {path.suffix or path.name!r}", where=path.name, remedy=f"可用：{'、'.join(SUFFIXES)}")
    return _csv_cells(path, data) if suffix == ".csv" else _sheet(path, _book(path, data), is_head)


def _csv_cells(path: Path, data: bytes) -> Cells:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise CatalogError("编码既不是 UTF-8 也不是 GB18030", where=path.name, remedy="请另存为 CSV UTF-8") from error
    table: Cells = []
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            table += [[""]] * (reader.line_num - 1 - len(table) - sum(cell.count("\n") for cell in row))
            table.append([cell.strip() for cell in row])
            table += [[""]] * (reader.line_num - len(table))
    except csv.Error as error:
        remedy = "请用 Excel 打开另存为 CSV UTF-8"
        raise CatalogError(f"第 {reader.line_num} 行读不懂（{error}）", where=path.name, remedy=remedy) from error
    return table


def _book(path: Path, data: bytes) -> dict[str, Cells]:
    """Return the worksheets of a workbook by name, in its order; charts and macros are none."""
    from python_calamine import CalamineError, SheetTypeEnum, load_workbook

    try:
        book = load_workbook(io.BytesIO(data))
        names = [one.name for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
        rows = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}
    except (CalamineError, OSError, ValueError) as error:
        remedy = "请用 Excel 打开另存，或另存为 CSV UTF-8"
        raise CatalogError(f"工作簿读不出来（{error}）", where=path.name, remedy=remedy) from error
    return {name: [[_word(cell) for cell in row] for row in table] for name, table in rows.items()}


def _sheet(path: Path, sheets: dict[str, Cells], is_head: IsHead) -> Cells:
    """Return the sheet with a head, the first sheet where none has one; an empty second table does not count."""
    headed = {name: next((n for n, row in enumerate(table) if is_head(row)), None) for name, table in sheets.items()}
    found = [name for name, head in headed.items() if head is not None]
    filled = [name for name in found if any(any(row) for row in sheets[name][(headed[name] or 0) + 1 :])]
    if len(filled) > 1:
        what = f"有 {len(filled)} 张工作表都是条款表：{'、'.join(filled)}"
        raise CatalogError(what, where=path.name, remedy="请把各表的条款并到一张工作表里，或每次只留一张")
    return sheets[(filled or found or list(sheets))[0]] if sheets else []


def _word(cell: object) -> str:
    match cell:
        case datetime():
            return cell.date().isoformat()
        case date():
            return cell.isoformat()
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell).strip()
