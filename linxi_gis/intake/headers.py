"""Find the headings of a table, in one row or two, and what stands above them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from linxi_gis.finding import Issue
from linxi_gis.intake.angles import read_coordinate
from linxi_gis.intake.rows import Line, Page, plausible
from linxi_gis.intake.words import Role, role_of

_SEARCHED = 80  # rows in which headings are looked for; a title block is seldom longer than ten
PARTS = tuple(
    re.compile(rf"^(.*?)[(\[]?(?:{word})[)\]]?$")
    for word in ("度|°|deg|d", "分|′|'|min|m", "秒|″|\"|sec|s")
)
_UNITS = re.compile(r"[(\[]?(?:m|米|°|度|分|秒|′|″|'|\"|公里|km|hm2|公顷|亩|m2|㎡|平方米|无)?[)\]]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose headings are known: `header` one a column, `upper` the row of headings above it.

    `upper` is filled to the right, as merged cells are meant. `found` tells that the headings name
    the coordinates. `preface` are all words above and between the figures, `titles` those above alone.
    """

    header: tuple[str, ...]
    upper: tuple[str, ...]
    body: tuple[Line, ...]
    preface: tuple[str, ...]
    titles: tuple[str, ...]
    told: tuple[Issue, ...] = ()
    repeated: tuple[tuple[str, ...], ...] = ()  # heading rows as found, which a later page repeats

    def heading(self, column: int) -> str:
        """What stands over a column, both rows together."""
        above = self.upper[column] if column < len(self.upper) else ""
        own = self.header[column] if column < len(self.header) else ""
        return own if not above or above == own else f"{above}{own}"

    def role(self, column: int) -> Role:
        """The role of a column by its own heading, or by that and the one above it."""
        own = self.header[column] if column < len(self.header) else ""
        return role_of(own) or role_of(self.heading(column))

    @property
    def roles(self) -> tuple[Role, ...]:
        """The role of every column."""
        return tuple(self.role(column) for column in range(max(len(self.header), len(self.upper))))


def figures(line: Line) -> bool:
    """Whether a row holds a coordinate: a heading does not, whatever words it has."""
    return len(line.cells) > 1 and any(read_coordinate(cell) is not None for cell in line.cells)


def headed(page: Page) -> Table | None:
    """Return the table of a page below its headings, None when it holds no figures."""
    table = _headed(page) or _by_first_figures(page)
    return table if table is not None and table.body else None


def _headed(page: Page) -> Table | None:
    """The table below the first row whose headings name both coordinates."""
    for index, line in enumerate(page.lines[:_SEARCHED]):
        if len(line.cells) < 2:
            continue
        if _both_plausible(line):
            return None
        above = page.lines[index - 1] if index and _heads(page.lines[index - 1]) else None
        table = Table(line.cells, _filled(above, line), (), (), ())
        below = page.lines[index + 1] if index + 1 < len(page.lines) else None
        if not names_both(table.roles) and not _has_parts(line.cells):
            continue
        used = [line.cells] if above is None else [above.cells, line.cells]
        start = index + 1
        if below is not None and len(below.cells) > 1 and not figures(below) and _only_units(below, line):
            table = Table(below.cells, _filled(line, below), (), (), ())
            if not _has_parts(below.cells):
                table = Table(line.cells, _filled(above, line), (), (), ())
            used.append(below.cells)
            start += 1
        first = index - (above is not None)
        return _assembled(page, table, first, start, tuple(used))
    return None


def _by_first_figures(page: Page) -> Table | None:
    """The table whose headings, if any, are the last row of several cells above the first figures."""
    start = next((i for i, line in enumerate(page.lines) if figures(line) or _has_pair(line)), None)
    if start is None:
        return None
    heads = [i for i in range(start) if len(page.lines[i].cells) > 1]
    header = page.lines[heads[-1]].cells if heads else ()
    table = Table(header, (), (), (), ())
    return _assembled(page, table, start, start, (header,) if header else ())


def _has_pair(line: Line) -> bool:
    return len(line.cells) > 1 and any(pair_of(cell) is not None for cell in line.cells)


def _assembled(page: Page, table: Table, first: int, start: int, used: tuple[tuple[str, ...], ...]) -> Table:
    above, body = page.lines[:first], page.lines[start:]
    words = [line for line in body if len(line.cells) == 1]  # headings and notes between the figures
    preface = [page.preface] if page.preface else []
    preface += [" ".join(filter(None, line.cells)) for line in (*above, *words)]
    titles = tuple(line.cells[0] for line in above if len(line.cells) == 1)
    return replace(table, body=body, preface=tuple(preface), titles=titles, repeated=used)


def _both_plausible(line: Line) -> bool:
    read = [read_coordinate(cell) for cell in line.cells]
    return any(
        one is not None and two is not None and plausible([(one, two)]) for one, two in itertools.pairwise(read)
    )


def _heads(line: Line) -> bool:
    """Whether a row can be the upper of two heading rows: several different words."""
    return len(line.cells) > 1 and not figures(line) and len(set(line.cells) - {""}) > 1


def _filled(above: Line | None, line: Line) -> tuple[str, ...]:
    """The upper headings, each carried to the right over the blanks a merged cell leaves."""
    if above is None:
        return ()
    made: list[str] = []
    carried = ""
    for column, own in enumerate(line.cells):
        cell = above.cells[column] if column < len(above.cells) else ""
        carried = cell or (carried if own else "")
        made.append(carried)
    return tuple(made)


def names_both(roles: Sequence[Role]) -> bool:
    held = set(roles)
    return {"east", "north"} <= held or {"x", "y"} <= held


def coordinates_stand(page: Page) -> bool:
    """Whether a page has a table of coordinates, well made or not: headings of both, or a pair side by side."""
    lines = [line for line in page.lines[:_SEARCHED] if len(line.cells) > 1]
    return any(names_both([role_of(cell) for cell in line.cells]) or _both_plausible(line) for line in lines)


def _has_parts(cells: Sequence[str]) -> bool:
    """Whether headings spell degrees and minutes apart, twice."""
    return all(sum(bool(cell and PARTS[k].match(cell)) for cell in cells) >= 2 for k in (0, 1))


def _only_units(below: Line, line: Line) -> bool:
    """Whether a row only tells units, or parts of a degree, below the headings."""
    held = [cell for cell in below.cells if cell]
    fresh = [cell for column, cell in enumerate(below.cells) if cell and cell not in line.cells[column : column + 1]]
    return bool(held) and bool(fresh) and all(_UNITS.fullmatch(cell) for cell in fresh)


def at(cells: Sequence[str], column: int) -> str:
    """The text of a column, "" beyond the end."""
    return cells[column] if column < len(cells) else ""


def pair_of(cell: str) -> tuple[str, str] | None:
    """Return the two coordinates that one cell spells, or None.

    >>> pair_of("东经118°3′27″,北纬43°36′0″"), pair_of("118.05, 43.6"), pair_of("118°3′27″")
    (('东经118°3′27″', '北纬43°36′0″'), ('118.05', '43.6'), None)
    """
    if len(cell) > 100:
        return None
    for pieces in (re.split(r"\s*[,;、/]\s*", cell.strip("()[] ,;")), cell.strip("()[] ").split()):
        read = [read_coordinate(piece) for piece in pieces]
        if len(read) == 2 and read[0] is not None and read[1] is not None and plausible([(read[0], read[1])]):
            return pieces[0], pieces[1]
    return None
