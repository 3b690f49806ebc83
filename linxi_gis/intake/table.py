"""Tables of coordinates, and coordinates pasted as text: rows in, sites out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import shapely

from linxi_gis.crs import Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.blocks import find, serial
from linxi_gis.intake.chainage import Corridor, bank_columns, checked, ends, read_corridor, station
from linxi_gis.intake.court import examine
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.foreign import foreign_datum
from linxi_gis.intake.grid import REMEDY, Grid, Row, of_table
from linxi_gis.intake.headers import Table
from linxi_gis.intake.kinds import centres, chainage, kind_of, listed_points, numbering, unnamed_points
from linxi_gis.intake.numbering import left_out, skipped
from linxi_gis.intake.prose import draft_prose, pairs_in
from linxi_gis.intake.reading import Claim, Draft, Drawn
from linxi_gis.intake.rings import assemble, split_closed
from linxi_gis.intake.rows import TWO_A_ROW, Page, of_text
from linxi_gis.intake.shapecolumn import draft_shapes, shape_column
from linxi_gis.intake.words import plain

_ZONE_WORDS = re.compile(r"(?<!\d)(\d{2})\s*(?:号)?带(?!号)|带号\s*[=:为]?\s*(\d{2})(?!\d)")
_DATUM_WORDS = re.compile(
    r"CGCS\s*2000|国家\s*2000|2000\s*(?:中国)?国家|2000\s*(?:大地)?坐标|大地\s*2000", re.IGNORECASE
)
_MERIDIAN_WORDS = re.compile(
    r"(?:中央(?:经线|子午线)(?:经度)?|(?<![A-Za-z])L[0₀])\s*[=:为是]?\s*(?:东经|E)?\s*"
    r"(\d{2,3}(?:\.\d+)?(?:[°度](?:\d{1,2}(?:\.\d+)?['′’分](?:\d{1,2}(?:\.\d+)?[\"″”秒])?)?)?)"
)
_PROSE = 100_000  # characters; a longer text that is no table is not searched for sentences
_T = TypeVar("_T", int, float)
_WIDTH_WORDS = re.compile(r"([36三六])\s*度(?:分)?带")


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows that make one site, and what they are called."""

    name: str
    rows: tuple[Row, ...]
    point: tuple[Issue, ...] | None = None  # told of a row that was taken for a point of its own


def draft_table(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the sites of a table or of pasted coordinates.

    Rows of one group (地块, 保护区级别, ...; or a name that repeats; or a block set off by a blank line
    or by numbers that start again) make a site: three points or more a polygon, two a line, one a
    point, unless a 类型 column says otherwise; stations (桩号) and routes are lines. A table with a
    different name in every row lists points. Every such guess is an Issue (geometry_kind_assumed).
    Raises InputError naming the line of a coordinate that cannot be read.
    """
    try:
        return draft_page(of_text(text, source), source, "坐标表", issues)
    except InputError as error:
        if len(text) > _PROSE or TWO_A_ROW in error.what or not pairs_in(plain(text)):
            raise
    return draft_prose("\n".join(map(plain, text.splitlines())), source, "文字中的坐标", issues)


def draft_page(page: Page, source: str, form: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the sites of one table, from a text, a sheet or a document; `form` names the format."""
    shapes = shape_column(page)
    if shapes is not None:
        return draft_shapes(page, shapes, source, form, issues)
    table = find(page, source)
    columns = bank_columns(table) if table is not None else None
    if table is not None and columns is not None:
        return _corridor(read_corridor(table, columns, page, source), table, page, source, form, issues)
    grid = of_table(table, page, source)
    groups, told = _groups(grid, source)
    drawn: list[Drawn] = []
    bad: list[Issue] = []
    for number, group in enumerate(groups, 1):
        try:
            drawn.append(_drawn(grid, group, number, source))
        except InputError as error:
            bad.append(unreadable(error))
    if len(drawn) == 1 and not bad and not drawn[0].name and grid.caption:
        drawn = [replace(drawn[0], name=grid.caption)]
    return Draft(
        source=source,
        format=form,
        drawn=tuple(drawn),
        claim=_claim(grid.preface),
        east=_east(grid),
        columns=grid.names,
        issues=(*issues, *grid.told, *told, *bad),
    )


def _corridor(
    read: Corridor, table: Table, page: Page, source: str, form: str, issues: tuple[Issue, ...]
) -> Draft:
    words = "\n".join((*table.preface, *table.header, *table.upper))
    return Draft(source, form, (read.drawn,), _claim(words), read.east, read.columns,
                 (*issues, *page.told, *table.told))  # fmt: skip


def _east(grid: Grid) -> int | None:
    """Which column is easting: by its heading, else by 东经/E beside the figures, else open."""
    if grid.east is not None:
        return grid.east
    said = {(first.axis, second.axis) for row in grid.rows for first, second in [row.pair] if not row.fault}
    if said in ({("lon", "lat")}, {("lon", "")}, {("", "lat")}):
        return 0
    if said in ({("lat", "lon")}, {("lat", "")}, {("", "lon")}):
        return 1
    return None


def _groups(grid: Grid, source: str) -> tuple[list[_Group], tuple[Issue, ...]]:
    group, name, number = grid.column("group"), grid.column("name"), grid.column("number")
    if centres(grid):
        label = name if name is not None else group
        return [_Group(row.cell(label) if label is not None else "", (row,), point=()) for row in grid.rows], ()
    if group is not None:
        _refuse_nameless_start(grid, group, source)
        return _by_value(grid.rows, group), ()
    if name is not None:
        values = [row.cell(name) for row in grid.rows]
        told = listed_points(grid, name)
        if told is not None:
            return [_Group(row.cell(name), (row,), point=told) for row in grid.rows], ()
        distinct = len(set(values)) == len(values)
        if not distinct and not numbering(values) and not chainage(values):
            return _by_value(grid.rows, name), ()
    if number is not None and _repeats(grid.rows, number):
        return _by_value(grid.rows, number), ()
    told = unnamed_points(grid) if name is None else None
    if told is not None:
        return [_Group("", (row,), point=told) for row in grid.rows], ()
    return _by_blocks(grid.rows, number if number is not None else name, source)


def _repeats(rows: Sequence[Row], column: int) -> bool:
    """Whether an id stands beside vertex after vertex: it names the plot, not the point."""
    values = [row.cell(column) for row in rows]
    runs = [len(list(run)) for value, run in itertools.groupby(values) if value]
    # One number typed twice (J1, J2, J2, J3), or one station, still numbers the points of one outline.
    return len(values) > 2 and 2 * sum(run > 1 for run in runs) > len(runs) and not chainage(values)


def _refuse_nameless_start(grid: Grid, column: int, source: str) -> None:
    """Raise InputError when names stand below the first rows: centred once, they would shift every outline."""
    cells = [row.cell(column) for row in grid.rows]
    if cells[0] or not any(cells):
        return
    raise InputError(
        f"{grid.at(grid.rows[0])}的“{grid.heading(column)}”是空的，下面的行才有名称，看不出这些点属于哪一块",
        where=source,
        remedy=f"请在每行（至少每块的首行）填写“{grid.heading(column)}”",
    )


def _by_value(rows: Sequence[Row], column: int) -> list[_Group]:
    """Group by a column, in order of appearance; an empty cell repeats the one above (merged cells)."""
    found: dict[str, list[Row]] = {}
    above = ""
    for row in rows:
        above = row.cell(column) or above
        found.setdefault(above, []).append(row)
    # The name of a plot may stand on a row of its own; without rows below it, its figures are missing.
    return [
        _Group(name, tuple(row for row in members if not row.bare) or tuple(members))
        if members[0].bare and not any(row.bare for row in members[1:])
        else _Group(name, tuple(members))
        for name, members in found.items()
    ]


def _by_blocks(
    rows: Sequence[Row], number: int | None, source: str
) -> tuple[list[_Group], tuple[Issue, ...]]:
    # A blank line between all rows is spacing; one between blocks of three and more sets plots apart.
    starts = [0, *(i for i, row in enumerate(rows) if row.breaks), len(rows)]
    spaced = any(end - start < 3 for start, end in itertools.pairwise(starts))
    blocks: list[list[Row]] = []
    titles: list[str] = []
    continued = 0
    for row in rows:
        restart = False
        if blocks and number is not None:
            first = blocks[-1][0]
            restart = row.cell(number) == first.cell(number) != "" and row.values != first.values
        goes_on = row.again and bool(blocks) and _follows(blocks[-1][-1], row, number)
        continued += goes_on
        if not blocks or (row.breaks and not spaced and not goes_on) or restart or row.title != titles[-1]:
            blocks.append([])
            titles.append(row.title)
        blocks[-1].append(row)
    paged = (_continued(continued, source),) if continued else ()
    if len(blocks) == 1:
        return [_Group(titles[0], tuple(blocks[0]))], paged
    told = Issue(
        "split_plots",
        "warning",
        f"{source} 没有分组列，按空行、标题或点号重新开始分成 {len(blocks)} 个地块",
        "若应为一个地块，请去掉空行并连续编号",
    )
    return [_Group(title, tuple(block)) for title, block in zip(titles, blocks, strict=True)], (*paged, told)


def _follows(last: Row, row: Row, number: int | None) -> bool:
    """Whether a row's number goes on from the last one, as it does on the next page of one table."""
    if number is None:
        return False
    before, after = serial(last.cell(number)), serial(row.cell(number))
    return before is not None and after == before + 1


def _continued(times: int, source: str) -> Issue:
    text = f"{source} 的坐标表分成 {times + 1} 页（表头重复、点号连续），已接成一个表读取"
    return Issue("table_continued", "info", text, "若应为几个地块，请分别编号")


def _drawn(grid: Grid, group: _Group, number: int, source: str) -> Drawn:
    label = group.name or f"第 {number} 个地块"
    where = f"{source}：{label}（{grid.at(group.rows[0])}起）"
    faulty = next((row for row in group.rows if row.fault), None)
    if faulty is not None:
        raise InputError(f"{grid.at(faulty)}{faulty.fault}", where=where, remedy=REMEDY)
    geometry, told = _geometry(grid, group, label, where)
    cells: list[Coordinate] = [cell for row in group.rows for cell in row.pair]
    constant = _constants(grid, group)
    stations = _stations(grid, group) if geometry.geom_type == "LineString" else []
    told = (*told, *_along(grid, group, stations, where))
    if geometry.geom_type != "Point" and not stations:
        told = (*told, *_left_out(grid, group, label))
    return Drawn(
        geometry=geometry,
        label=label,
        id=_id(grid, group, constant),
        name=constant.get("name", "") or group.name,
        attributes=(*((grid.heading(column), value) for column, value in _plain(grid, group)), *ends(stations)),
        step=grid.step if grid.step != 0.0 else min(cell.step for cell in cells),
        issues=told,
    )


def _left_out(grid: Grid, group: _Group, label: str) -> tuple[Issue, ...]:
    """Told when the points of a line or an area are numbered on but for some."""
    column = grid.column("number")
    if column is None or _constants(grid, group).get("number"):
        return ()
    return skipped(label, left_out([serial(row.cell(column)) for row in group.rows]))


def _stations(grid: Grid, group: _Group) -> list[float | None]:
    """The stations of the rows of a line, by the column that numbers or names them."""
    for role in ("number", "name"):
        column = grid.column(role)
        if column is not None and chainage([row.cell(column) for row in group.rows]):
            return [station(row.cell(column)) for row in group.rows]
    return []


def _along(grid: Grid, group: _Group, stations: list[float | None], where: str) -> tuple[Issue, ...]:
    if not stations:
        return ()
    xy = np.array([row.values for row in group.rows], dtype=np.float64)
    low, high = xy.min(axis=0), xy.max(axis=0)
    east = _east(grid)
    shape = examine((float(low[0]), float(low[1]), float(high[0]), float(high[1])), east)
    return checked(xy, stations, shape.east, shape.kind == "degrees", where)


def _plain(grid: Grid, group: _Group) -> list[tuple[int, str]]:
    """The columns that say one thing of the whole group, coordinates aside."""
    found = []
    for column in range(len(grid.header)):
        value = _one_value(group.rows, column) if column not in grid.coordinates else ""
        if value:
            found.append((column, value))
    return found


def _one_value(rows: Sequence[Row], column: int) -> str:
    """The one text of a column, blanks aside; "" when there are several or none."""
    held = ""
    for row in rows:
        cell = row.cell(column)
        if cell and held and cell != held:
            return ""
        held = held or cell
    return held


def _constants(grid: Grid, group: _Group) -> dict[str, str]:
    return {grid.roles[column]: value for column, value in _plain(grid, group) if grid.roles[column]}


def _id(grid: Grid, group: _Group, constant: dict[str, str]) -> str:
    """An id from the file: a 编号 that holds for the whole group, or a group column that is a number."""
    for role in ("number", "group"):
        column = grid.column(role)
        if column is None or role not in constant:
            continue
        heading = grid.heading(column).lower()
        if re.search(r"编号|地块号|图斑号|id$|^no\.?$", heading) and not re.search("拐点|界址", heading):
            return constant[role]
    return ""


def _geometry(grid: Grid, group: _Group, label: str, where: str) -> tuple[Geometry, tuple[Issue, ...]]:
    xy = np.array([row.values for row in group.rows], dtype=np.float64)
    try:
        kind, guess = ("point", group.point) if group.point is not None else kind_of(grid, group.rows)
    except InputError as error:
        raise InputError(error.what, where=where, remedy=error.remedy) from error
    if kind == "point":
        return (shapely.Point(xy[0]) if len(xy) == 1 else shapely.MultiPoint(xy)), guess
    if kind == "line":
        if len(xy) < 2:
            raise InputError("线至少要有 2 个点", where=where, remedy="请补全拐点后重新提交")
        return shapely.LineString(xy), guess
    ring = grid.column("ring")
    rings = [xy]
    if ring is not None:
        numbers = np.array([row.cell(ring) for row in group.rows])
        rings = [xy[numbers == value] for value in dict.fromkeys(numbers.tolist())]
    try:
        polygon, told = assemble([piece for part in rings for piece in split_closed(part)], label)
    except InputError as error:
        raise InputError(error.what, where=where, remedy=error.remedy) from error
    # A table lists each corner once; only a plot file is expected to repeat the first.
    return polygon, (*guess, *(issue for issue in told if issue.code != "ring_closed"))


def _claim(preface: str) -> Claim:
    """What the lines above the figures say of datum and zone."""
    datum = "CGCS2000" if _DATUM_WORDS.search(preface) else ""
    datum = datum or ("WGS84" if re.search(r"WGS\D*84", preface, re.IGNORECASE) else "")
    widths = {3 if match[1] in "3三" else 6 for match in _WIDTH_WORDS.finditer(preface)}
    meridians = {_degrees(match[1]) for match in _MERIDIAN_WORDS.finditer(preface)} - {None}
    zones = {int(match[1] or match[2]) for match in _ZONE_WORDS.finditer(preface)}
    found = (_WIDTH_WORDS, _ZONE_WORDS, _MERIDIAN_WORDS)
    words = list(dict.fromkeys(match[0] for pattern in found for match in pattern.finditer(preface)))
    words = (["2000 国家大地坐标系" if datum == "CGCS2000" else datum] if datum else []) + words
    return Claim(
        datum=datum,
        zone=_only(zones),
        width_deg=_only(widths),
        meridian_deg=_only(meridians),
        foreign=foreign_datum(preface),
        how=f"表头写明 {'、'.join(words)}" if words else "",
    )


def _degrees(text: str) -> float | None:
    figure = read_coordinate(text)
    return figure.value if figure is not None else None


def _only(values: Collection[_T | None]) -> _T | None:
    """The one value that is said; of several none, so that nobody picks the first (原 120°，现 117°)."""
    return next(iter(values)) if len(values) == 1 else None
