"""Are these rows points, a line or an area? What a table says of it, and what had to be assumed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.grid import Grid, Row

KindName = Literal["point", "line", "polygon"]

_KINDS: tuple[tuple[KindName, re.Pattern[str]], ...] = (
    ("line", re.compile(r"线|管线|道路|line|linestring|polyline", re.IGNORECASE)),
    ("point", re.compile(r"点|点位|point", re.IGNORECASE)),
    ("polygon", re.compile(r"面|多边形|地块|polygon|area", re.IGNORECASE)),
)
# Names that only number vertices: J1, P-2, 3#, A, 拐点4, 西北角; bore holes (ZK1) are places of their own.
_NUMBERING = re.compile(
    r"(?!zk)[a-z]{0,2}[-_ ]?\d+#?|[a-z]|(?:点|拐点|界址点|角点|顶点)[-_ ]?\d+#?"
    r"|[东西南北左右上下]{1,2}(?:角|角点)|角[-_ ]?\d+",
    re.IGNORECASE,
)
_CHAINAGE = re.compile(r"[a-z]{0,3}\d+\+\d{1,3}(?:\.\d*)?", re.IGNORECASE)
_WELLS = re.compile(r"^zk|井|孔", re.IGNORECASE)
_POINT_HEADING = re.compile(r"井名|井号|水井名称|站名|监测点(?:名称)?|孔号|钻孔(?:编号|号)?")
_POINT_WORDS = re.compile(r"(?<!矿)井(?!田)|钻孔|孔[深号]|监测点|取水口|排污口")
_LINE_WORDS = re.compile(r"管线|管道|线路|路由|路线|道路|公路|铁路|桩号|里程")
_AREA_WORDS = re.compile(r"界址")
_CORNER_WORDS = re.compile(r"拐点|顶点|vertex", re.IGNORECASE)
_ANY_GROUP = re.compile(r"group|site", re.IGNORECASE)
_TAKEN_FOR = {"point": "点（每行一个点）", "line": "线（各行依次相连）", "polygon": "面（各行围成一块）"}


def numbering(values: Sequence[str]) -> bool:
    """Whether names only number the vertices of one outline.

    >>> numbering(["西北角", "东北角"]), numbering(["A", "B"]), numbering(["J1", "J2"])
    (True, True, True)
    >>> numbering(["ZK1", "ZK2"]), numbering(["一号井"]), numbering(["东山"])
    (False, False, False)
    """
    return all(_NUMBERING.fullmatch(value) for value in values)


def chainage(values: Sequence[str]) -> bool:
    """Whether names are stations along a route: K0+000, 12+350.5.

    >>> chainage(["K0+000", "AK12+350.5"]), chainage(["K0", "K1"]), chainage([])
    (True, False, False)
    """
    return bool(values) and all(_CHAINAGE.fullmatch(value) for value in values)


def stated(text: str) -> KindName | None:
    """Return the kind that a cell of a 类型 column names, or None."""
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(text)), None)


def along_a_line(grid: Grid) -> bool:
    """Whether the title or a heading speaks of a pipeline, a road or stations along one."""
    return _LINE_WORDS.search(_words(grid)) is not None


def listed_points(grid: Grid, column: int) -> tuple[Issue, ...] | None:
    """Whether a column names a place in every row: the Issue to attach, or None when it does not.

    No Issue where the heading leaves no doubt (井名, 监测点).
    """
    values = [row.cell(column) for row in grid.rows]
    if len(set(values)) != len(values) or len(values) < 2 or not all(values):
        return None
    kinds = _stated(grid, grid.rows)
    if kinds or _POINT_HEADING.fullmatch(grid.heading(column)):
        return () if kinds <= {"point"} else None
    if all(_WELLS.search(value) for value in values):
        return (assumed("point", "各行是井、孔的名称"),)
    if numbering(values) or chainage(values) or along_a_line(grid):
        return None
    return (assumed("point", "各行名称互不相同"),)


def centres(grid: Grid) -> bool:
    """Whether the headings say that every row is the centre of something: 中心经度, 中心点X坐标."""
    return all(re.match(r"(?:项目|厂址|厂区|地块|站址)?中心", grid.heading(column)) for column in grid.coordinates)


def unnamed_points(grid: Grid) -> tuple[Issue, ...] | None:
    """Whether a table without names lists wells or outlets, by its words: the Issue, or None."""
    kinds = _stated(grid, grid.rows)
    if kinds:
        return () if kinds == {"point"} else None
    words = _words(grid)
    found = _POINT_WORDS.search(words)
    other = any(pattern.search(words) for pattern in (_LINE_WORDS, _AREA_WORDS, _CORNER_WORDS))
    if found is None or other or len(grid.rows) < 2 or _closed(grid.rows):
        return None
    return (assumed("point", f"表中写有“{found[0]}”"),)


def kind_of(grid: Grid, rows: Sequence[Row]) -> tuple[KindName, tuple[Issue, ...]]:
    """Return what the rows of one group draw, and the Issue when nothing says so outright.

    Raises InputError when the rows of one group state different kinds.
    """
    kinds = _stated(grid, rows)
    if len(kinds) > 1:
        raise InputError("同一组坐标的“类型”不一致", remedy="请加“地块”列，把点、线、面分成不同的组")
    if kinds:
        return kinds.pop(), ()
    if len(rows) == 1:
        return "point", ()
    words, line = _words(grid), _on_a_line(grid, rows)
    group = grid.column("group")
    heading = grid.heading(group) if group is not None else ""
    if len(rows) > 2 and not _LINE_WORDS.search(heading):
        ring = grid.column("ring") is not None or _closed(rows)
        plot = bool(heading) and not _ANY_GROUP.fullmatch(heading)
        if ring or plot or _AREA_WORDS.search(words):
            return "polygon", (assumed("polygon", f"{line}，但又像地块"),) if line else ()
    if line:
        sure = bool(_LINE_WORDS.search(heading))
        return "line", () if sure else (assumed("line", line),)
    if len(rows) == 2:
        return "line", (assumed("line", "只有 2 行坐标"),)
    if _CORNER_WORDS.search(words):
        return "polygon", ()
    return "polygon", (assumed("polygon", f"{len(rows)} 行坐标没有各自的名称"),)


def assumed(kind: KindName, why: str) -> Issue:
    """Return the Issue of a kind that nobody stated."""
    return Issue(
        code="geometry_kind_assumed",
        severity="warning",
        text=f"没有写明图形类型，{why}，按{_TAKEN_FOR[kind]}读取",
        remedy="若不是，请加“类型”列，写明 点、线 或 面",
    )


def _stated(grid: Grid, rows: Sequence[Row]) -> set[KindName]:
    """The kinds that the cells of a 类型 column name."""
    column = grid.column("kind")
    cells = {row.cell(column) for row in rows} if column is not None else set()
    return {kind for cell in cells if (kind := stated(cell)) is not None}


def _on_a_line(grid: Grid, rows: Sequence[Row]) -> str:
    """The evidence that the rows follow a route, "" when there is none."""
    for role in ("number", "name"):
        column = grid.column(role)
        if column is not None and chainage([row.cell(column) for row in rows]):
            return f"点号是桩号（{rows[0].cell(column)} 等）"
    found = _LINE_WORDS.search(_words(grid))
    return f"标题或表头写有“{found[0]}”" if found else ""


def _closed(rows: Sequence[Row]) -> bool:
    return len(rows) > 3 and rows[0].values == rows[-1].values


def _words(grid: Grid) -> str:
    titles = dict.fromkeys(row.title for row in grid.rows)
    return "\n".join((grid.preface, *grid.header, *titles))
