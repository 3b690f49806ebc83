"""Blocks of coordinates side by side: one below the other, or one of several systems for the same points."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import read_coordinate
from linxi_gis.intake.headers import Table, at, figures, headed, names_both, pair_of
from linxi_gis.intake.rows import TWO_A_ROW, TWO_REMEDY, Line, Page, plausible
from linxi_gis.intake.spans import one_cell_pairs, one_column_angles
from linxi_gis.intake.words import Role

_OPPOSITE: dict[str, str] = {"east": "north", "north": "east", "x": "y", "y": "x"}
_SYSTEM = re.compile(r"2000|CGCS|西安|80|北京|54|WGS|84|坐标系|经纬度|大地|地理|高斯|投影|直角", re.IGNORECASE)
_MODERN = re.compile(r"2000|CGCS", re.IGNORECASE)
_OLD = re.compile(r"西安|80|北京|54|独立|地方|城市")
# Columns that are an extent, or both ends of one line a row: neither is a list of corners.
_EXTENT = re.compile(r"最小|最大|(?<![a-z])(?:min|max)", re.IGNORECASE)
_ENDS = re.compile(r"起点|终点|起始|终止|止点")


def find(page: Page, source: str) -> Table | None:
    """Return the table of a page with simple columns, one below the other; None when it has no figures.

    Raises InputError when blocks side by side cannot be told apart.
    """
    table = headed(page)
    if table is None:
        return None
    made = one_column_angles(table)
    _refuse_pair_columns(made, page, source)
    return _unfolded(one_cell_pairs(made), page, source)


def _refuse_pair_columns(table: Table, page: Page, source: str) -> None:
    """Raise InputError when two columns hold a pair of coordinates each: only one of them would be read."""
    if names_both(table.roles):
        return
    for line in table.body:
        held = [n for n, cell in enumerate(line.cells[:30]) if pair_of(cell) is not None]
        if len({line.cells[n] for n in held}) > 1:
            what = f"{page.at(line.number)}有 {len(held)} 个单元格各写一对坐标，看不出是线段还是拐点接着写"
            raise InputError(what, where=source, remedy=TWO_REMEDY)


def coordinate_pairs(roles: Sequence[Role]) -> list[tuple[int, int]]:
    """Return the pairs of coordinate columns, from left to right, that stand next to each other.

    >>> coordinate_pairs(("number", "x", "y", "number", "x", "y")), coordinate_pairs(("east", "east", "north"))
    ([(1, 2), (4, 5)], [(1, 2)])
    """
    places = [(column, role) for column, role in enumerate(roles) if role in _OPPOSITE]
    pairs: list[tuple[int, int]] = []
    for (one, role), (two, other) in itertools.pairwise(places):
        if _OPPOSITE[role] == other and not (pairs and pairs[-1][1] == one):
            pairs.append((one, two))
    return pairs


def _unfolded(table: Table, page: Page, source: str) -> Table:
    """Put blocks that stand side by side one below the other; of two systems for one point keep one."""
    roles = table.roles
    _refuse_extents(table, roles, page, source)
    pairs = coordinate_pairs(roles) if table.header else _bare_pairs(table)
    if len(pairs) < 2 or any(re.search("[左右]", table.heading(one)) for one, _ in pairs):
        return table
    names = [_pair_name(table, pair) for pair in pairs]
    kinds = {frozenset((roles[one], roles[two])) for one, two in pairs} if table.header else {frozenset()}
    if len(kinds) > 1 or (len(set(names)) > 1 and sum(bool(_SYSTEM.search(name)) for name in names) > 1):
        return _one_system(table, pairs, names, page)
    return _stacked(table, pairs, names, page, source)


def _refuse_extents(table: Table, roles: Sequence[Role], page: Page, source: str) -> None:
    """Raise InputError for columns of an extent or of line ends: read as corners they draw another shape."""
    held = [table.heading(column) for column, role in enumerate(roles) if role in _OPPOSITE]
    for pattern, what, remedy in (
        (_EXTENT, "范围的最小、最大值", "请改为四个角点，每行一个拐点"),
        (_ENDS, "线的起点、终点", "请把每条线的起点、终点分成两行，并加“线路”列写明属于哪条线"),
    ):
        found = [heading for heading in held if pattern.search(heading)]
        if len(found) > 2:
            names = "、".join(found[:4])
            raise InputError(f"{page.place}坐标列“{names}”是{what}，不是拐点", where=source, remedy=remedy)


def _bare_pairs(table: Table) -> list[tuple[int, int]]:
    """Coordinate pairs of a table without headings that repeat at equal steps in every row."""
    rows = [[read_coordinate(cell) for cell in line.cells] for line in table.body if figures(line)]
    if not rows or len(rows[0]) < 4:
        return []
    found = []
    column = 0
    while column + 1 < len(rows[0]):
        pairs = [(row[column], row[column + 1]) for row in rows if len(row) > column + 1]
        read = [(one, two) for one, two in pairs if one is not None and two is not None]
        fine = len(read) * 2 > len(rows) and plausible(read)
        if fine and any(one.step < 1.0 or one.value > 1e5 for one, _ in read):
            found.append((column, column + 1))
            column += 1
        column += 1
    steps = {b[0] - a[0] for a, b in itertools.pairwise(found)}
    return found if len(steps) == 1 else []


def _pair_name(table: Table, pair: tuple[int, int]) -> str:
    above = at(table.upper, pair[0])
    return above if above and above == at(table.upper, pair[1]) else ""


def _one_system(table: Table, pairs: Sequence[tuple[int, int]], names: Sequence[str], page: Page) -> Table:
    """Keep the columns of the best known of several systems: CGCS2000, then degrees, then the first."""
    roles = table.roles

    def rank(k: int) -> tuple[bool, bool, bool, int]:
        heading = names[k] + table.heading(pairs[k][0])
        geographic = roles[pairs[k][0]] in ("east", "north")
        return bool(_OLD.search(heading)), not _MODERN.search(heading), not geographic, k

    best = min(range(len(pairs)), key=rank)
    dropped = {column for k, pair in enumerate(pairs) if k != best for column in pair}
    words = [f"{table.heading(one)}、{table.heading(two)}" for one, two in pairs]
    unused = "；".join(word for k, word in enumerate(words) if k != best)
    told = Issue(
        "second_coordinates_unused",
        "info",
        f"{page.place}表中同一点有 {len(pairs)} 组坐标，采用“{words[best]}”，未用“{unused}”",
        "若应采用另一组，请删去不用的列后重新提交",
    )
    keep = [column for column in range(max(len(table.header), len(table.upper))) if column not in dropped]
    upper = tuple(at(table.upper, column) for column in keep) if table.upper else ()
    return replace(
        table,
        header=tuple(table.header[column] for column in keep if column < len(table.header)),
        upper=upper,
        body=tuple(_kept(line, keep) for line in table.body),
        told=(*table.told, told),
    )


def _kept(line: Line, keep: Sequence[int]) -> Line:
    if len(line.cells) < 2:
        return line
    return Line(line.number, tuple(at(line.cells, column) for column in keep), line.breaks)


def _stacked(
    table: Table, pairs: Sequence[tuple[int, int]], names: Sequence[str], page: Page, source: str
) -> Table:
    """One block below the other (or row by row, when the numbers run across)."""
    period = pairs[1][0] - pairs[0][0]
    shared = max(0, pairs[0][1] + 1 - period)
    starts = [one - (pairs[0][0] - shared) for one, _ in pairs]
    width = max([len(table.header), *(len(line.cells) for line in table.body)])
    ends = [*starts[1:], width]
    rows = [line for line in table.body if len(line.cells) > 1]
    across = _runs_across(rows, starts, pairs, shared)
    blocks = [[_cut(line, shared, begin, end) for line in rows] for begin, end in zip(starts, ends, strict=True)]
    held = [[line for line in block if line is not None] for block in blocks]
    titled = len(set(names)) == len(names) and all(names)
    _refuse_unnumbered(table, held, pairs, shared, titled, across, page, source)
    if across:
        made = [line for row in zip(*blocks, strict=True) for line in row if line is not None]
    else:
        made = []
        for name, block in zip(names, held, strict=True):
            made += [Line(block[0].number, (name,))] if titled and block else []
            made += block
    told = Issue(
        "blocks_side_by_side",
        "info",
        f"{page.place}表中并排有 {len(pairs)} 组坐标列，"
        f"{'按行从左到右' if across else '按列从左到右'}依次读取",
        "若顺序不对，请把坐标排成一列后重新提交",
    )
    end = ends[0]
    return replace(table, header=table.header[:end], upper=() if titled else table.upper[:end],
                   body=tuple(made), told=(*table.told, told))  # fmt: skip


def _cut(line: Line, shared: int, begin: int, end: int) -> Line | None:
    own = line.cells[begin:end]
    return Line(line.number, (*line.cells[:shared], *own)) if any(own) else None


def _refuse_unnumbered(
    table: Table, held: Sequence[Sequence[Line]], pairs: Sequence[tuple[int, int]], shared: int,
    titled: bool, across: bool, page: Page, source: str,
) -> None:  # fmt: skip
    """Raise InputError when nothing tells whether the blocks are one outline or several, or a row a line."""
    if not table.header:
        _refuse_rows_of_pairs(table, held, pairs, shared, page, source)
        return
    numbered = pairs[0][0] > shared
    if titled or across or numbered or sum(len(block) > 2 for block in held) < 2:
        return
    raise InputError(
        f"{page.place}表中并排有 {len(held)} 组坐标列，看不出是一个地块接着写，还是几个地块",
        where=source,
        remedy="请加“序号”列连续编号，或在各组上方写明地块名称",
    )


def _refuse_rows_of_pairs(
    table: Table, held: Sequence[Sequence[Line]], pairs: Sequence[tuple[int, int]], shared: int,
    page: Page, source: str,
) -> None:  # fmt: skip
    """Raise InputError for rows of several pairs without headings, unless every pair has a number of its own."""
    number = pairs[0][0] - 1
    own = number >= shared and all(serial(at(block[0].cells, number)) is not None for block in held if block)
    rows = [line for line in table.body if len(line.cells) > 1]
    if own:
        return
    held_by_pairs = {column for pair in pairs for column in pair}
    odd = [c for n, c in enumerate(rows[0].cells) if n not in held_by_pairs and re.search(r"\d", c)]
    if len(rows) == 1 and odd:
        what = f"{page.at(rows[0].number)}的一串坐标里有一处无法读懂：{odd[0][:60]!r}"
        raise InputError(what, where=source, remedy="请改正该处，或每行只写一对坐标")
    if len(rows) < 2:
        return
    many = TWO_A_ROW if len(pairs) == 2 else f"每行有 {len(pairs)} 对坐标"
    what = f"{page.at(rows[0].number)}起{many}，没有表头，看不出每行是一条线段，还是拐点接着写"
    raise InputError(what, where=source, remedy=TWO_REMEDY)


def _runs_across(
    rows: Sequence[Line], starts: Sequence[int], pairs: Sequence[tuple[int, int]], shared: int
) -> bool:
    """Whether points are numbered from left to right, row by row (or not at all, without headings)."""
    column = pairs[0][0] - shared - 1
    if column < 0:
        return not shared and 0 < len(rows) < 3 and pairs[0][0] == 0
    numbers = [[serial(at(line.cells, start + column)) for start in starts] for line in rows[:2]]
    first = numbers[0] if numbers else []
    runs = [n is not None and first[0] is not None and n == first[0] + k for k, n in enumerate(first)]
    second = numbers[1][0] if len(numbers) > 1 else None
    return bool(runs) and all(runs) and (second is None or second == (first[0] or 0) + len(starts))


def serial(cell: str) -> int | None:
    """Return the number a point's name ends in, or None.

    >>> serial("J12"), serial("3"), serial("甲")
    (12, 3, None)
    """
    match = re.search(r"(\d{1,6})\D?$", cell)
    return int(match[1]) if match else None
