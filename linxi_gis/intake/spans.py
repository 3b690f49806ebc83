"""Columns that mean one thing together: degrees, minutes and seconds apart, both coordinates in one cell."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from linxi_gis.intake.headers import PARTS, Table, at, figures, names_both, pair_of
from linxi_gis.intake.rows import Line, sexagesimal
from linxi_gis.intake.words import role_of


def one_column_angles(table: Table) -> Table:
    """Join columns of degrees, minutes and seconds, by their headings or by what they hold."""
    spans = _spans_by_heading(table) or _spans_by_content(table)
    if not spans:
        return table
    made: list[tuple[int, int]] = []  # (first column, number of columns) of every column that results
    width = max([len(table.header), *(len(line.cells) for line in table.body[:200])])
    column = 0
    while column < width:
        parts = spans.get(column, 1)
        made.append((column, parts))
        column += parts
    header = tuple(_angle_heading(table, first) if parts > 1 else at(table.header, first) for first, parts in made)
    upper = tuple("" if parts > 1 else at(table.upper, first) for first, parts in made)
    body = tuple(
        line if len(line.cells) < 2 else Line(line.number, tuple(_joined(line.cells, *span) for span in made), line.breaks)
        for line in table.body
    )
    return replace(table, header=header if table.header else (), upper=upper if table.upper else (), body=body)


def _spans_by_heading(table: Table) -> dict[int, int]:
    """Columns headed 度, 分, 秒 (经度度, 经度分, ...): the first of each, and how many."""
    spans: dict[int, int] = {}
    cells = table.header
    for column in range(len(cells) - 1):
        if any(cells[column + k : column + k + 1] == ("",) for k in (0, 1)):
            continue
        if PARTS[0].match(cells[column]) and PARTS[1].match(cells[column + 1]):
            three = column + 2 < len(cells) and cells[column + 2] and PARTS[2].match(cells[column + 2])
            spans[column] = 3 if three else 2
    return spans if len(spans) > 1 else {}


def _spans_by_content(table: Table) -> dict[int, int]:
    """Columns of whole degrees, minutes and seconds without headings of their own, in every row."""
    rows = [line.cells for line in itertools.islice(filter(figures, table.body), 3)]
    if not rows or not any(_could_be_parts(rows, parts) for parts in (2, 3)):
        return {}
    rows = [line.cells for line in table.body if figures(line)]
    for parts in (3, 2):
        for first in range(min(len(rows[0]) - 2 * parts + 1, 4)):
            block = [row[first : first + 2 * parts] for row in rows]
            if sexagesimal(block[0]) != parts or not _headings_allow(table, first, parts):
                continue
            if all(sexagesimal(cells) == parts for cells in block):
                return {first: parts, first + parts: parts}
    return {}


def _could_be_parts(rows: Sequence[Sequence[str]], parts: int) -> bool:
    return any(
        all(sexagesimal(row[first : first + 2 * parts]) == parts for row in rows)
        for first in range(min(len(rows[0]) - 2 * parts + 1, 4))
    )


def _headings_allow(table: Table, first: int, parts: int) -> bool:
    """Whether the columns have no headings, or one for each angle (merged over its parts)."""
    if not table.header:
        return True
    halves = [
        {at(table.header, first + half * parts + k) for k in range(parts)} - {""} for half in (0, 1)
    ]
    return all(len(half) == 1 and role_of(next(iter(half))) in ("east", "north") for half in halves)


def _angle_heading(table: Table, column: int) -> str:
    """The name of an angle spelt in columns: the heading above 度, or what stands before it."""
    above = at(table.upper, column)
    match = PARTS[0].match(at(table.header, column))
    return above or (match[1].strip("（( ") if match and match[1] else at(table.header, column))


def _joined(cells: Sequence[str], first: int, parts: int) -> str:
    if parts == 1:
        return at(cells, first)
    held = [at(cells, first + k) for k in range(parts)]
    if not any(held):
        return ""
    marks = "°′″"
    return "".join(f"{cell or '?'}{mark}" for cell, mark in zip(held, marks, strict=False))


def one_cell_pairs(table: Table) -> Table:
    """Split a column whose cells hold both coordinates (经纬度, 坐标) in two."""
    rows = [line for line in table.body if len(line.cells) > 1]
    if not rows or names_both(table.roles):
        return table
    for column in range(min(len(rows[0].cells), 30)):
        if pair_of(rows[0].cells[column]) is None:
            continue
        body = tuple(_split_at(line, column) if len(line.cells) > 1 else line for line in table.body)
        header = tuple(table.header)
        if header:
            own = at(header, column)
            header = (*header[:column], f"{own}（1）", f"{own}（2）", *header[column + 1 :])
        return replace(table, header=header, upper=(), body=body)
    return table


def _split_at(line: Line, column: int) -> Line:
    cell = at(line.cells, column)
    pair = pair_of(cell) or (cell, "")
    return Line(line.number, (*line.cells[:column], *pair, *line.cells[column + 1 :]), line.breaks)
