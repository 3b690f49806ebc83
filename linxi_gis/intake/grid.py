"""Lay rows of cells out as a grid, and find the two columns that hold coordinates."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.blocks import find
from linxi_gis.intake.headers import Table, figures
from linxi_gis.intake.rows import Line, Page, of_text, plausible
from linxi_gis.intake.words import Role

REMEDY = "每行应有两个坐标，例如“118.05,43.61”“118°3′27.05″,43°36′0″”或“4829864.978,39580743.283”"

_WEST = re.compile(r"西经|南纬|\b(?:west|south)|^\s*[ws]\s*$|[(（\[]\s*(?:[ws西南])\s*[)）\]]", re.IGNORECASE)
_TOTAL = re.compile(r"(?:合\s*计|小\s*计|总\s*计|共\s*计|平均|总面积|面积|周长)")
_NOTE = re.compile(r"(?:注|说明|备注|填表|制表|审核|测量单位|编制单位|单位|日期|坐标系)")
_UNREAD = Coordinate(math.nan, math.inf)
# A sheet's numbers do not show their last zeros: three rows of two are enough to see the finest digit.
_ENOUGH_ROWS = 3


class Row(NamedTuple):
    """One row of figures (a tuple, as Coordinate is). `breaks`: a blank line stood before it; `title`: a line of words above it.

    `fault` says why its coordinates could not be read ("": they were); they are NaN then. `again`:
    the headings were repeated before it, as a new page does.
    """

    line: int
    cells: tuple[str, ...]
    pair: tuple[Coordinate, Coordinate]
    breaks: bool = False
    title: str = ""
    fault: str = ""
    again: bool = False

    def cell(self, column: int) -> str:
        """The text of a column, "" beyond the end of the row."""
        return self.cells[column] if column < len(self.cells) else ""

    @property
    def values(self) -> tuple[float, float]:
        """The two coordinates, in the file's column order."""
        return self.pair[0].value, self.pair[1].value

    @property
    def bare(self) -> bool:
        """Whether the row has no coordinates at all: perhaps the name of the rows below it."""
        return self.fault == _MISSING


_MISSING = "没有坐标"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: headings, what each column is, the coordinate columns, and the text above the figures.

    `place` goes before row numbers in messages; `caption` is what the table may be called; `step` is
    the last digit of a table whose cells were numbers (None: not to be known), 0.0 when every
    coordinate tells its own.
    """

    header: tuple[str, ...]
    roles: tuple[Role, ...]
    coordinates: tuple[int, int]
    east: int | None
    rows: tuple[Row, ...]
    preface: str
    place: str = ""
    caption: str = ""
    step: float | None = 0.0
    told: tuple[Issue, ...] = ()

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

    def at(self, row: Row) -> str:
        """The words for a row in a message."""
        return f"{self.place}第 {row.line} 行"


def lay_out(text: str, source: str) -> Grid:
    """Return the grid of a text; raises InputError naming the line that cannot be read."""
    return lay_out_page(of_text(text, source), source)


def lay_out_page(page: Page, source: str) -> Grid:
    """Return the grid of rows of cells; raises InputError when no coordinates can be found in them."""
    return of_table(find(page, source), page, source)


def of_table(table: Table | None, page: Page, source: str) -> Grid:
    """Return the grid of a table whose headings are known, None when the page has no figures at all."""
    if table is None or not any(map(figures, table.body)):
        raise InputError(f"{page.place}没有找到坐标", where=source, remedy=REMEDY)
    header = table.header
    columns, east = _coordinates(table.roles, table.body, page, source)
    _refuse_west(table, columns, source)
    roles = table.roles if header else _bare_roles(columns, table.body)
    title = table.titles[-1] if table.titles and not header else ""
    number = next((i for i, role in enumerate(roles) if role == "number" and i not in columns), None)
    rows, skipped = _rows(table, columns, number, title)
    if not any(not row.fault for row in rows):
        first = rows[0] if rows else None
        said = f"{page.at(first.line)}{first.fault}" if first else f"{page.place}没有找到坐标"
        raise InputError(said, where=source, remedy=REMEDY)
    words = [*table.preface, " ".join(_headings(table)), *(words for _, words in skipped)]
    return Grid(
        header=tuple(table.header),
        roles=roles,
        coordinates=columns,
        east=east,
        rows=rows,
        preface="\n".join(words),
        place=page.place,
        caption=page.caption,
        step=_step(rows) if page.counted else 0.0,
        told=(*page.told, *table.told, *_told(skipped, page), *_unused(table, columns, page)),
    )


def _headings(table: Table) -> list[str]:
    """The heading cells, two rows together, once each."""
    width = max(len(table.header), len(table.upper))
    return list(dict.fromkeys(table.heading(column) for column in range(width)))


def _step(rows: Sequence[Row]) -> float | None:
    """The finest digit in a table of numbers; None for a few, whose last zeros a sheet does not keep."""
    steps = [min(one.step, two.step) for one, two in (row.pair for row in rows if not row.fault)]
    return min(steps) if len(steps) >= _ENOUGH_ROWS else None


def _told(skipped: Sequence[tuple[int, str]], page: Page) -> tuple[Issue, ...]:
    if not skipped:
        return ()
    words = "、".join(f"{page.at(number)}“{words[:20]}”" for number, words in skipped[:3])
    more = f"等 {len(skipped)} 行" if len(skipped) > 3 else ""
    return (Issue("rows_not_coordinates", "info", f"{words}{more}不是拐点，未作为坐标读取"),)


def _unused(table: Table, columns: tuple[int, int], page: Page) -> tuple[Issue, ...]:
    """Told when a heading names one more coordinate than the two that were read."""
    roles = enumerate(table.roles)
    left = [table.heading(n) for n, role in roles if role in ("east", "north", "x", "y") and n not in columns]
    if not table.header or not left:
        return ()
    used = "、".join(table.heading(column) for column in columns)
    text = f"{page.place}表头“{'、'.join(left[:4])}”也像坐标，未采用，只读“{used}”"
    return (Issue("columns_unused", "warning", text, "请核对应采用的列，删去不用的列"),)


def _coordinates(
    roles: Sequence[Role], body: Sequence[Line], page: Page, source: str
) -> tuple[tuple[int, int], int | None]:
    for one, two in (("east", "north"), ("x", "y")):
        places = [i for i, role in enumerate(roles) if role in (one, two)]
        pairs = [
            (a, b) for a, b in itertools.pairwise(places) if roles[a] != roles[b]
        ]
        if pairs:
            first, second = pairs[0]
            named = one == "east"
            return (first, second), (0 if roles[first] == "east" else 1) if named else None
    return _by_figures(body, page, source), None


def _refuse_west(table: Table, columns: tuple[int, int], source: str) -> None:
    """Raise InputError for a heading of western longitude or southern latitude: never read as east."""
    for column in columns:
        heading = table.heading(column)
        own = table.header[column] if column < len(table.header) else ""
        if _WEST.search(heading) or _WEST.search(own):
            raise InputError(
                f"表头“{heading}”是西经或南纬，不在中国境内",
                where=source,
                remedy="林西县在东经、北纬；请核对表头与坐标",
            )


def _by_figures(body: Sequence[Line], page: Page, source: str) -> tuple[int, int]:
    """The two neighbouring columns whose figures can be coordinates in China; never one of several."""
    rows = [[read_coordinate(cell) for cell in line.cells] for line in body if figures(line) and not _aside(line)]
    width = max((len(row) for row in rows), default=0)
    fitting: list[tuple[int, bool]] = []
    for column in range(width - 1):
        pairs = [(row[column], row[column + 1]) for row in rows if len(row) > column + 1]
        read = [(one, two) for one, two in pairs if one is not None and two is not None]
        if read and plausible(read):
            # A serial number or a height beside them is seldom written with decimals in every column.
            fine = all(min(cell.step for cell in cells) < 1.0 for cells in zip(*read, strict=True))
            fitting.append((column, fine))
    best = [column for column, fine in fitting if fine] or [column for column, _ in fitting]
    if not best and width == 2:
        best = [0]
    if len(best) == 1:
        return best[0], best[0] + 1
    first = next(line for line in body if figures(line))
    raise InputError(
        f"{page.at(first.number)}看不出哪两列是坐标",
        where=source,
        remedy=f"请加表头（经度、纬度或 X、Y）。{REMEDY}",
    )


def _bare_roles(columns: tuple[int, int], body: Sequence[Line]) -> tuple[Role, ...]:
    """Without headings the column before the figures numbers the points; two before: number and ring."""
    before = columns[0]
    roles: list[Role] = [""] * before
    if before:
        roles[0] = "number"
    if before == 2 and all(line.cells[1].isdigit() for line in body if len(line.cells) > 2):
        roles[1] = "ring"
    return tuple(roles)


def _aside(line: Line) -> bool:
    """Whether a row is a total or a note, by its first words."""
    first = line.cells[0] or next(filter(None, line.cells), "")
    return first[:1] > "\u2fff" and bool(_TOTAL.match(first) or _NOTE.match(first))


def _rows(
    table: Table, columns: tuple[int, int], number: int | None, title: str
) -> tuple[tuple[Row, ...], list[tuple[int, str]]]:
    """The rows of figures, and the rows of totals and notes that were passed over."""
    rows: list[Row] = []
    skipped: list[tuple[int, str]] = []
    again = pending = False
    one, two = columns
    for line in table.body:
        cells = line.cells
        if cells in table.repeated:
            again = True
            continue
        if len(cells) == 1 and (len(table.body) == 1 or read_coordinate(cells[0]) is None):
            title, pending = cells[0].rstrip(":"), pending or line.breaks
            continue
        if not any(cells):
            continue
        first = read_coordinate(cells[one]) if one < len(cells) else None
        second = read_coordinate(cells[two]) if two < len(cells) else None
        if first is not None and second is not None and not _aside(line):
            breaks = (line.breaks or again or pending) and bool(rows)
            rows.append(Row(line.number, cells, (first, second), breaks, title, again=again))
            again = pending = False
            continue
        words = " ".join(filter(None, cells))
        if _aside(line):
            skipped.append((line.number, words))
        elif _heads_rows_below(line, columns, number):
            title, pending = words.rstrip(":"), pending or line.breaks
        else:
            fault = _fault(cells, columns, words)
            breaks = (line.breaks or again or pending) and bool(rows)
            rows.append(Row(line.number, cells, (_UNREAD, _UNREAD), breaks, title, fault, again))
            again = pending = False
    return tuple(rows), skipped


def _heads_rows_below(line: Line, columns: tuple[int, int], number: int | None) -> bool:
    """Whether words alone stand where a point's number should: a title between the figures."""
    held = [column for column, cell in enumerate(line.cells) if cell]
    if number is None or held[:1] != [number] or any(column in columns for column in held):
        return False
    return len(held) == 1 and not re.search(r"\d", line.cells[number]) and len(line.cells[number]) > 1


def _fault(cells: Sequence[str], columns: tuple[int, int], words: str) -> str:
    held = [cells[column] if column < len(cells) else "" for column in columns]
    if not any(held) and len(cells) > max(columns):
        return _MISSING
    letters = "、".join(_letter(column) for column, cell in zip(columns, held, strict=True)
                       if read_coordinate(cell) is None)  # fmt: skip
    return f"的坐标无法读懂（第 {letters} 列）：{words[:60]!r}"


def _letter(column: int) -> str:
    """The column as a sheet names it: 0 is A."""
    return str(column + 1) if column > 25 else chr(65 + column)
