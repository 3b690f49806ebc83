"""What a sheet's own XML tells beyond its values: how far it reaches, errors, formulas without a value, what is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from linxi_gis.errors import InputError
from linxi_gis.intake.ole import check_extent

REMEDY = "请用 Excel 或 WPS 打开后另存为 .xlsx 再提交"
# A cell: its reference, whether it is an error, and whether it has something inside. Attributes of a
# cell are short; the bounds keep a hostile tag from being searched again and again.
_CELL = re.compile(
    rb"<(?:\w{1,8}:)?c\s[^<>]{0,120}?r=\"([A-Za-z]{1,4})(\d{1,8})\"([^<>]{0,120})(?<!/)>(.{0,400}?)</(?:\w{1,8}:)?c>",
    re.DOTALL,
)
# Where cells with something inside claim to lie; cells that only carry a format are empty tags.
_AT = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,4})(\d{1,8})[\"'](?![^<>]{0,200}/>)")
_ROW = re.compile(rb"<(?:\w{1,8}:)?row\s[^<>]{0,200}?\br\s*=\s*[\"'](\d{1,8})[\"'](?![^<>]{0,200}/>)")
# No workbook has columns beyond XFD or rows beyond 1,048,576; calamine lays out what a tag claims, and aborts.
_BEYOND = re.compile(rb"\br\s*=\s*[\"'](?:[A-Za-z]{4,}\d|[A-Za-z]{0,3}\d{8,})")
_HIDDEN = rb"(?=[^<>]{0,300}\bhidden\s*=\s*[\"'](?:1|true))"
_HIDDEN_ROW = re.compile(rb"<(?:\w{1,8}:)?row\s" + _HIDDEN + rb"[^<>]{0,200}?\br\s*=\s*[\"'](\d{1,8})")
_HIDDEN_COLUMNS = re.compile(rb"<(?:\w{1,8}:)?col\s" + _HIDDEN + rb"([^<>]{0,300})>")
_ENDS = tuple(re.compile(rb"\b" + name + rb"\s*=\s*[\"'](\d{1,6})") for name in (b"min", b"max"))
_MAX_COLUMNS = 16_384
_ERROR = re.compile(rb"<(?:\w{1,8}:)?v>(#[^<]{1,20})<")
_NO_VALUE = "（公式无值）"


@dataclass(frozen=True, slots=True)
class Scan:
    """Cells without a value of their own, by row and column from 0; the numbers from 1 of rows, and from 0
    of columns, that are hidden or filtered out.
    """

    odd: Mapping[tuple[int, int], str] = field(default_factory=dict)
    rows: frozenset[int] = frozenset()
    columns: frozenset[int] = frozenset()


def scanned(part: bytes, where: str) -> Scan:
    """Look over a sheet's XML; raises InputError for an extent that no machine should lay out."""
    beyond = _BEYOND.search(part)
    if beyond:
        cell = beyond[0].decode("ascii", "replace")[-20:]
        raise InputError(f"单元格位置超出 Excel 的范围（{cell}）", where=where, remedy=REMEDY)
    rows = max((int(match[1]) for match in _ROW.finditer(part)), default=0)
    columns = 1
    for match in _AT.finditer(part):
        rows, columns = max(rows, int(match[2])), max(columns, _column(match[1]) + 1)
    check_extent(rows, columns, where)
    odd: dict[tuple[int, int], str] = {}
    for match in _CELL.finditer(part):
        row, column = int(match[2]) - 1, _column(match[1])
        if b't="e"' in match[3]:
            error = _ERROR.search(match[4])
            odd[row, column] = error[1].decode("ascii", "replace") if error else "#ERROR"
        elif b"<f" in match[4] and re.search(rb"<f[^<]*(?:/>|</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*$", match[4]):
            odd[row, column] = _NO_VALUE
    hidden = frozenset(int(match[1]) for match in _HIDDEN_ROW.finditer(part))
    return Scan(odd, hidden, frozenset(_hidden_columns(part)))


def _hidden_columns(part: bytes) -> Iterator[int]:
    for match in _HIDDEN_COLUMNS.finditer(part):
        first, last = (pattern.search(match[1]) for pattern in _ENDS)
        if first and last:
            yield from range(max(int(first[1]), 1) - 1, min(int(last[1]), _MAX_COLUMNS))


def letters(column: int) -> str:
    """Return a column as a sheet names it.

    >>> letters(0), letters(25), letters(26), letters(16383)
    ('A', 'Z', 'AA', 'XFD')
    """
    named = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        named = chr(65 + rest) + named
    return named


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1
