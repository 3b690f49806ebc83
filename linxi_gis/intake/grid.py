"""Lay text out as rows and columns, and find the two columns that hold coordinates."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from linxi_gis.errors import InputError
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.court import examine, in_china
from linxi_gis.intake.words import Role, normal_lines, role_of

_REMEDY = "每行应有两个坐标，例如“118.05,43.61”“118°3′27.05″,43°36′0″”或“4829864.978,39580743.283”"


_WEST = re.compile(r"西经|南纬|\b(?:west|south)|^\s*[ws]\s*$|[(（\[]\s*(?:[ws西南])\s*[)）\]]", re.IGNORECASE)
_NOTE = re.compile(r"(?:注|说明|备注)\s*\d*\s*:")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of figures. `breaks`: a blank line stood before it; `title`: a line of words above it."""

    line: int
    cells: tuple[str, ...]
    pair: tuple[Coordinate, Coordinate]
    breaks: bool = False
    title: str = ""

    def cell(self, column: int) -> str:
        """The text of a column, "" beyond the end of the row."""
        return self.cells[column] if column < len(self.cells) else ""

    @property
    def values(self) -> tuple[float, float]:
        """The two coordinates, in the file's column order."""
        return self.pair[0].value, self.pair[1].value


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: headings, what each column is, the coordinate columns, and the text above the figures."""

    header: tuple[str, ...]
    roles: tuple[Role, ...]
    coordinates: tuple[int, int]
    east: int | None
    rows: tuple[Row, ...]
    preface: str

    @property
    def names(self) -> tuple[str, str]:
        """The headings of the two coordinate columns."""
        first, second = (self.heading(column) for column in self.coordinates)
        plain = {"x", "y"} >= {first.lower(), second.lower()} or not (first and second)
        return ("X", "Y") if plain and first.lower() != "y" else (first.upper(), second.upper())

    def column(self, role: str) -> int | None:
        """The first column of a role other than the coordinates, or None."""
        return next((i for i, r in enumerate(self.roles) if r == role and i not in self.coordinates), None)

    def heading(self, column: int) -> str:
        """The heading of a column as written."""
        return self.header[column] if column < len(self.header) else ""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    cells: tuple[str, ...]
    breaks: bool


def lay_out(text: str, source: str) -> Grid:
    """Return the grid of a text; raises InputError naming the line that cannot be read."""
    lines = _split(text, source)
    start = next((i for i, line in enumerate(lines) if _figures(line)), len(lines))
    if start == len(lines):
        raise InputError("没有找到坐标", where=source, remedy=_REMEDY)
    above = [line for line in lines[:start] if any(line.cells)]
    heads = [line for line in above if len(line.cells) > 1]
    header = heads[-1].cells if heads else ()
    roles = tuple(role_of(cell) for cell in header)
    body = lines[start:]
    columns, east = _coordinates(roles, body, source)
    _refuse_west(header, columns, source)
    if not header:
        roles = _bare_roles(columns, body)
    words = [line for line in body if len(line.cells) == 1]  # headings and notes between the figures
    titles = [line.cells[0] for line in above if len(line.cells) == 1]
    rows = _rows(body, header, columns, titles[-1] if titles and not header else "", source)
    return Grid(
        header, roles, columns, east, rows, "\n".join(" ".join(line.cells) for line in (*above, *words))
    )


def _split(text: str, source: str) -> list[_Line]:
    numbered = _one_per_line(list(normal_lines(text)))
    separator = _separator([line for _, line in numbered])
    lines: list[_Line] = []
    last = 0
    for number, line in numbered:
        if _NOTE.match(line):
            cells = [line]
        elif separator == " ":
            cells = line.split()
        elif separator in (",", ";"):
            cells = _cells(line, separator, number, source)
        else:
            cells = line.split(separator)
        lines.append(_Line(number, tuple(cell.strip() for cell in cells), number > last + 1 and last > 0))
        last = number
    return lines


def _cells(line: str, separator: str, number: int, source: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error as error:  # a field longer than the csv module takes, a stray NUL or return
        raise InputError(
            f"第 {number} 行不能按表格分列（{'单元格过长' if 'limit' in str(error) else error}）",
            where=source,
            remedy="请检查该行的引号，或删去过长的文字",
        ) from error


def _one_per_line(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Put pasted "lon,lat; lon,lat; ..." on lines of their own; leave every other text alone."""
    spread: list[tuple[int, str]] = []
    for number, line in lines:
        pieces = [piece.strip() for piece in line.split(";") if piece.strip()]
        pairs = [re.split(r"[,\s]+", piece) for piece in pieces]
        if len(pieces) > 1 and all(len(pair) > 1 and _readable(pair[-2:]) for pair in pairs):
            spread += [(number, piece) for piece in pieces]
        else:
            spread.append((number, line))
    return spread


def _readable(cells: Sequence[str]) -> bool:
    return all(read_coordinate(cell) is not None for cell in cells)


def _separator(lines: Sequence[str]) -> str:
    for mark in ("\t", ",", ";", "、"):
        if 2 * sum(mark in line for line in lines) >= len(lines):
            return mark
    return " "


def _figures(line: _Line) -> bool:
    """Whether a line holds a coordinate: a heading does not, whatever words it has."""
    return len(line.cells) > 1 and any(read_coordinate(cell) is not None for cell in line.cells)


def _coordinates(
    roles: Sequence[Role], body: Sequence[_Line], source: str
) -> tuple[tuple[int, int], int | None]:
    place = {role: i for i, role in reversed(list(enumerate(roles)))}
    if "east" in place and "north" in place:
        first, second = sorted((place["east"], place["north"]))
        return (first, second), 0 if first == place["east"] else 1
    if "x" in place and "y" in place:
        first, second = sorted((place["x"], place["y"]))
        return (first, second), None
    return _by_figures(body, source), None


def _refuse_west(header: Sequence[str], columns: tuple[int, int], source: str) -> None:
    """Raise InputError for a heading of western longitude or southern latitude: never read as east."""
    for column in columns:
        heading = header[column] if column < len(header) else ""
        if _WEST.search(heading):
            raise InputError(
                f"表头“{heading}”是西经或南纬，不在中国境内",
                where=source,
                remedy="林西县在东经、北纬；请核对表头与坐标",
            )


def _by_figures(body: Sequence[_Line], source: str) -> tuple[int, int]:
    """The two neighbouring columns whose figures can be coordinates in China; never one of several."""
    rows = [[read_coordinate(cell) for cell in line.cells] for line in body if _figures(line)]
    width = max(len(row) for row in rows)
    fitting: list[tuple[int, bool]] = []
    for column in range(width - 1):
        pairs = [(row[column], row[column + 1]) for row in rows if len(row) > column + 1]
        read = [(one, two) for one, two in pairs if one is not None and two is not None]
        if read and _plausible(read):
            # A serial number or a height beside them is seldom written with decimals in every column.
            fine = all(min(cell.step for cell in cells) < 1.0 for cells in zip(*read, strict=True))
            fitting.append((column, fine))
    best = [column for column, fine in fitting if fine] or [column for column, _ in fitting]
    if not best and width == 2:
        best = [0]
    if len(best) == 1:
        return best[0], best[0] + 1
    first = next(line for line in body if _figures(line))
    raise InputError(
        f"第 {first.number} 行看不出哪两列是坐标",
        where=source,
        remedy=f"请加表头（经度、纬度或 X、Y）。{_REMEDY}",
    )


def _plausible(pairs: Sequence[tuple[Coordinate, Coordinate]]) -> bool:
    first, second = ([cell.value for cell in cells] for cells in zip(*pairs, strict=True))
    bounds = (min(first), min(second), max(first), max(second))
    shape = examine(bounds, None)
    if shape.kind == "degrees":
        return not shape.assumed and in_china(bounds, shape.east)
    return shape.kind != "unknown"


def _bare_roles(columns: tuple[int, int], body: Sequence[_Line]) -> tuple[Role, ...]:
    """Without headings the column before the figures numbers the points; two before: number and ring."""
    before = columns[0]
    roles: list[Role] = [""] * before
    if before:
        roles[0] = "number"
    if before == 2 and all(line.cells[1].isdigit() for line in body if len(line.cells) > 2):
        roles[1] = "ring"
    return tuple(roles)


def _rows(
    body: Sequence[_Line], header: Sequence[str], columns: tuple[int, int], title: str, source: str
) -> tuple[Row, ...]:
    rows: list[Row] = []
    again = False
    for line in body:
        if line.cells == tuple(header):
            again = True
            continue
        if len(line.cells) == 1 and read_coordinate(line.cells[0]) is None:
            title = line.cells[0].rstrip(":")
            continue
        if not any(line.cells):
            continue
        found = [read_coordinate(line.cells[c]) if c < len(line.cells) else None for c in columns]
        first, second = found
        if first is None or second is None:
            raise InputError(
                f"第 {line.number} 行的坐标无法读懂：{' '.join(line.cells)[:60]!r}",
                where=source,
                remedy=_REMEDY,
            )
        rows.append(
            Row(line.number, line.cells, (first, second), (line.breaks or again) and bool(rows), title)
        )
        again = False
    return tuple(rows)
