"""A whole list of coordinates written into one cell of a sheet or a form, read as pasted text is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.headers import at, coordinates_stand
from linxi_gis.intake.reading import Draft
from linxi_gis.intake.rows import Listed, Page, of_text, readable
from linxi_gis.intake.sheetscan import letters
from linxi_gis.intake.table import draft_page
from linxi_gis.intake.words import plain, role_of

# Four figures of two places or more that go on with a decimal or a degree mark: two pairs, the least of a list.
_FIGURE = re.compile(r"\d{2,8}\s*[.．°º˚度]\s*\d")
_FIGURES = 4
_SHORTEST, _LONGEST = 20, 100_000
_WORDS = re.compile(r"[A-Za-z]{4,}")  # WKT, JSON, addresses: other readers' matter
_COLUMN = re.compile("坐标|经纬|拐点|界址|范围")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_MOST, _LOOKED_AT = 500, 20
_SHORT = 80


def holds_list(text: str) -> bool:
    """Whether a cell may list coordinates.

    >>> holds_list("118.0,43.6；118.002,43.6；118.002,43.602"), holds_list("东经118°3′27″，北纬43°36′0″")
    (True, False)
    """
    if not _SHORTEST <= len(text) <= _LONGEST or _WORDS.search(text):
        return False
    return sum(1 for _, _ in zip(range(_FIGURES), _FIGURE.finditer(text), strict=False)) == _FIGURES


def listed(values: Sequence[object], row: int, before: int) -> Iterator[Listed]:
    """Yield the cells of a sheet's row that may list coordinates; row and columns `before` the first count from 0."""
    for column, value in enumerate(values, before):
        if isinstance(value, str) and len(value) >= _SHORTEST and holds_list(value):
            yield Listed(row, column, _CONTROL.sub(" ", value), f"单元格 {letters(column)}{row + 1}")


def drafts_page(page: Page, source: str, form: str) -> list[Draft]:
    """Return the draft of a page's table or, when it has none, one for every cell that lists coordinates.

    Beside a table such cells are told and not read. Raises InputError as `draft_page`, or naming the cell.
    """
    try:
        draft = draft_page(page, source, form)
    except InputError:
        if not page.lists or coordinates_stand(page):
            raise
        return _listed_drafts(page, source, form)
    unused = [cell.name for cell in page.lists[:_LOOKED_AT] if len(_figures(cell, source)) > 1]
    return [replace(draft, issues=(*draft.issues, _unused(unused, source)))] if unused else [draft]


def _figures(cell: Listed, source: str) -> list[tuple[str, ...]]:
    """The rows of coordinates that a cell spells, none when it cannot be cut into rows."""
    try:
        lines = of_text(cell.text, source).lines
    except InputError:
        return []
    return [line.cells for line in lines if len(line.cells) > 1 and readable(line.cells[-2:])]


def _unused(names: Sequence[str], source: str) -> Issue:
    shown = "、".join(names[:5]) + ("等处" if len(names) > 5 else "")
    text = f"{source} 的{shown}里另写有一串坐标，已有坐标列，未采用这些坐标"
    return Issue("cell_coordinates_unused", "warning", text, "若项目范围写在该处，请改为每行一个拐点的坐标表")


def _listed_drafts(page: Page, source: str, form: str) -> list[Draft]:
    if len(page.lists) > _MOST:
        what = f"有 {len(page.lists)} 个单元格各写一串坐标，超过上限 {_MOST} 个"
        raise InputError(what, where=source, remedy="请拆分，或改为每行一个拐点的坐标表")
    preface = _preface(page)
    made: list[Draft] = []
    bad: list[InputError] = []
    for cell in page.lists:
        where = f"{source}：{cell.name}"
        try:
            inner = replace(of_text(cell.text, where), preface=preface, caption=_name(page, cell) or page.caption)
            made.append(draft_page(inner, where, form))
        except InputError as error:
            bad.append(error)
    if not made:
        raise bad[0]
    names = "、".join(cell.name for cell in page.lists[:5]) + (" 等" if len(page.lists) > 5 else "")
    told = Issue("coordinates_in_cell", "info", f"{source} 没有坐标列，坐标整串写在{names}里，按文字坐标读取")
    issues = (*page.told, told, *map(unreadable, bad), *made[0].issues)
    return [replace(made[0], issues=issues), *made[1:]]


def _preface(page: Page) -> str:
    """The page's other words: they may tell the system, and what is drawn."""
    rows = (" ".join(cell for cell in line.cells if len(cell) <= _SHORT) for line in page.lines)
    return "\n".join(filter(None, (page.preface, *rows)))


def _name(page: Page, cell: Listed) -> str:
    """What the sheet calls a cell's list: under a heading of names in its row, or beside one in a form."""
    rows = {line.number: line.cells for line in page.lines}
    own = rows.get(cell.row + 1, ())
    heads = next((line.cells for line in page.lines if len(line.cells) > 1 and line.number <= cell.row), ())
    for column, heading in enumerate(heads[: len(own)] if _COLUMN.search(at(heads, cell.column)) else ()):
        if column != cell.column and role_of(heading) in ("name", "group"):
            return own[column]
    if len(page.lists) > 1:
        return ""
    return next((c[1] for c in rows.values() if len(c) > 1 and role_of(c[0]) == "name" and plain(c[1])), "")
