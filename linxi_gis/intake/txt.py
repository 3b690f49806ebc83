"""界址点 TXT: the surveyors' plot file, [属性描述] and [地块坐标], in all its dialects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from linxi_gis.crs import Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.numbering import skipped
from linxi_gis.intake.reading import Draft, Drawn
from linxi_gis.intake.rings import assemble, ring_closed, split_closed
from linxi_gis.intake.txt_header import Header, read_header
from linxi_gis.intake.txt_plot import Described, describe, fields, looks_described, miscounted
from linxi_gis.intake.txt_points import Points, Rows, cells_of, read_plain, read_rows
from linxi_gis.intake.txt_units import finished
from linxi_gis.intake.words import normal_lines, role_of

_SECTION = re.compile(r"^\[\s*(属性描述|地块坐标)\s*\]?,*$")
_END_MARK = re.compile(r"@[\s,;]*$")
_REMARK = re.compile(r"\s*(?:#|//|;|%|\*|--|备注|说明|注[:：])")
_DIGIT = re.compile(r"\d")
_KEY = re.compile(r"[^,;@]{1,40}?=")
_TOGETHER = 1000  # our choice: plots read at once; some 2 MB of columns


@dataclass(slots=True)
class _Plot:
    """One plot under construction: its description row, its header, and its rows as text or as lines."""

    line: int
    head: str
    block: int
    body: str = ""
    rows: list[tuple[int, str]] = field(default_factory=list)

    def lines(self) -> Rows:
        """The rows with their numbers in the file."""
        if self.rows:
            return self.rows
        return [(self.line + number, line) for number, line in normal_lines(self.body)]


@dataclass(slots=True)
class _Block:
    """One [属性描述] under construction."""

    pairs: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def is_txt(text: str) -> bool:
    """Whether a text is a plot file rather than a plain table: a section or a plot line gives it away.

    >>> is_txt("[地块坐标]"), is_txt("4,,DK1,,面,,,,@"), is_txt("x,y")
    (True, True, False)
    """
    if not re.search("[@＠]|属性描述|地块坐标", text):
        return False
    return any(_SECTION.match(line) or _END_MARK.search(line) for _, line in normal_lines(text))


def draft_txt(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the plots of a 界址点 TXT; point lines are 点号, 圈号, X (north), Y (east).

    Of several files set one after the other each plot keeps the header before it as its own claim. A
    plot that cannot be read is an error Issue naming its line; what was skipped or guessed is told.
    Raises InputError when there is no plot, or a header cannot be understood.
    """
    blocks, plots = _scan(text)
    headers = [read_header(block.pairs, tuple(block.remarks), source) for block in blocks]
    drawn: list[Drawn] = []
    of_block: list[int] = []
    told: list[Issue] = []
    bad: list[Issue] = []
    for number, (plot, points) in enumerate(_read(plots, told), 1):
        try:
            drawn.append(_drawn(plot, points, number, headers[plot.block], source))
            of_block.append(plot.block)
        except InputError as error:
            bad.append(unreadable(error))
    if not drawn and not bad:
        raise InputError(
            "没有找到地块坐标", where=source, remedy="界址点文件应有 [地块坐标] 段，每个地块首行以 @ 结尾"
        )
    done = finished(drawn, [headers[block] for block in of_block], len(headers) == 1)
    for feature in done.broken:
        what = f"{feature.label}：坐标值超出任何坐标系的范围"
        bad.append(unreadable(InputError(what, where=source, remedy="请核对坐标与计量单位")))
    return Draft(
        source=source,
        format="界址点 TXT",
        drawn=done.drawn,
        claim=headers[of_block[0] if of_block else 0].claim,
        # Longitude and latitude have no customary order here, so the figures decide; metres do: X is north.
        east=None if done.degrees else 1,
        issues=tuple(dict.fromkeys((*issues, *done.issues, *told, *bad))),
    )


def _scan(text: str) -> tuple[list[_Block], list[_Plot]]:
    """Cut a text at its plot lines; bodies of rows only are left whole, for they are most of a file."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("＠", "@")
    scan = _Scan([_Block()], [])
    line = 1
    pieces = f"{text}\n".split("@\n")
    for piece in pieces[:-1]:
        body, _, head = piece.rpartition("\n")
        scan.body(body, line)
        line += piece.count("\n") + 1
        scan.plot(line - 1, _unmarked(head))
    scan.body(pieces[-1], line)
    return scan.blocks, scan.plots


def _unmarked(head: str) -> str:
    """A description row with plain marks: nearly all have none of the wide ones."""
    return head if "," in head else "".join(line for _, line in normal_lines(head))


def _marked(body: str) -> bool:
    """Whether a body may hold more than rows; written out, for it is asked of every plot."""
    return "=" in body or "[" in body or "@" in body or "【" in body or "［" in body or "＝" in body


@dataclass(slots=True)
class _Scan:
    """What was found of a text so far."""

    blocks: list[_Block]
    plots: list[_Plot]
    begun: int = 0  # plots there were when the last block began

    def plot(self, line: int, head: str) -> None:
        """Begin a plot."""
        self.plots.append(_Plot(line, head, len(self.blocks) - 1))

    def body(self, body: str, line: int) -> None:
        """Take what stands between two plot lines; `line` is the number of its first line."""
        if self.plots and not self.plots[-1].rows and not _marked(body):
            self.plots[-1].body = body
            return
        in_header = False
        for number, plain in normal_lines(body):
            in_header = self._line(line + number - 1, plain, in_header)

    def _line(self, number: int, line: str, in_header: bool) -> bool:
        section = _SECTION.match(line)
        if section:
            if section[1] == "属性描述":
                self._block()
            return section[1] == "属性描述"
        if _END_MARK.search(line):
            self.plot(number, _END_MARK.sub("", line))
            return False
        if "=" in line and _KEY.match(line):
            if len(self.plots) > self.begun:
                self._block()
            key, _, value = line.partition("=")
            self.blocks[-1].pairs[key.strip()] = value.strip().rstrip(",")
            return True
        if in_header or (len(self.plots) == self.begun and not _DIGIT.search(line)):
            self.blocks[-1].remarks.append(line)
            return in_header
        if len(self.plots) == self.begun:
            self.plot(number, "")
        self.plots[-1].rows.append((number, line))
        return False

    def _block(self) -> None:
        if len(self.plots) > self.begun:
            self.blocks.append(_Block())
            self.begun = len(self.plots)


def _read(plots: Sequence[_Plot], told: list[Issue]) -> Iterator[tuple[_Plot, Points | None]]:
    """Each plot with its points where its rows are plain; what is not plain as rows, remarks dropped."""
    skipped: list[str] = []
    for start in range(0, len(plots), _TOGETHER):
        group = plots[start : start + _TOGETHER]
        whole = [n for n, plot in enumerate(group) if plot.body and not plot.rows]
        found = dict(zip(whole, read_plain([group[n].body.strip("\n") for n in whole]), strict=True))
        for n, plot in enumerate(group):
            points = found.get(n)
            if points is not None:
                yield plot, points
            else:
                yield from ((part, None) for part in _parts(plot, skipped))
    if skipped:
        words = "；".join(skipped[:3])
        text = f"有 {len(skipped)} 行不是界址点，已略过：{words}"
        told.append(Issue("lines_skipped", "warning", text, "请核对是否缺漏界址点"))


def _parts(plot: _Plot, skipped: list[str]) -> list[_Plot]:
    """A plot row by row; a description row that lacks its @ begins another."""
    parts = [_Plot(plot.line, plot.head, plot.block)]
    for number, line in plot.lines():
        if _REMARK.match(line) or _is_heading(line):
            continue
        if line.count(",") >= 4 and looks_described(fields(line)):
            parts.append(_Plot(number, line, plot.block))
        elif _is_aside(line):
            skipped.append(f"第 {number} 行 {line[:30]!r}")
        else:
            parts[-1].rows.append((number, line))
    return [part for part in parts if part.rows or part.head] or parts[:1]


def _is_heading(line: str) -> bool:
    """Whether a row names columns: 点号,圈号,X,Y."""
    cells = cells_of(line)
    return len(cells) >= 2 and not _DIGIT.search(line) and sum(bool(role_of(cell)) for cell in cells) >= 2


def _is_aside(line: str) -> bool:
    """Whether a line is words beside the table: no separator, no figure like a coordinate, no point's name.

    >>> _is_aside("以下空白"), _is_aside("共 4 个界址点"), _is_aside("J2 缺 缺"), _is_aside("39580743.283")
    (True, True, False, False)
    """
    return not re.search(r"[,;、\t]|\d{3}|\d\.\d|^[A-Za-z]{0,3}\d", line)


def _drawn(plot: _Plot, points: Points | None, number: int, header: Header, source: str) -> Drawn:
    told = describe(plot.head, number, header.area_unit)
    where = f"{source}：第 {plot.line} 行 {told.label}"
    if points is None:
        if not plot.rows:
            raise InputError("没有界址点", where=where, remedy="请补全界址点后重新提交")
        points = read_rows(plot.rows, source)
    if points.whole is not None and told.kind == "polygon":
        geometry = points.whole
        how: tuple[Issue, ...] = () if points.closed else (ring_closed(told.label),)
    else:
        geometry, how = _geometry(told, points, where)
    if points.restarted:
        text = f"{told.label} 的点号从头编起 {points.restarted} 次，已分为 {points.restarted + 1} 圈"
        how = (*how, Issue("ring_restarted", "info", text, "请核对圈号"))
    how = (*how, *skipped(told.label, points.missing))
    counted = miscounted(told.count, points.count, len(points.rings), told.label) if told.count else ()
    return Drawn(
        geometry,
        told.label,
        told.id,
        told.name,
        told.pairs + header.pairs,
        told.declared,
        points.step,
        (*told.issues, *how, *counted),
    )


def _geometry(told: Described, points: Points, where: str) -> tuple[Geometry, tuple[Issue, ...]]:
    rings = points.rings
    if told.kind == "point":
        every = np.concatenate(rings)
        return (shapely.Point(every[0]) if len(every) == 1 else shapely.MultiPoint(every)), ()
    if told.kind == "line":
        if any(len(ring) < 2 for ring in rings):
            raise InputError("线至少要有 2 个点", where=where, remedy="请补全拐点后重新提交")
        return (shapely.LineString(rings[0]) if len(rings) == 1 else shapely.MultiLineString(rings)), ()
    try:
        return assemble([piece for ring in rings for piece in split_closed(ring)], told.label)
    except InputError as error:
        raise InputError(error.what, where=where, remedy=error.remedy) from error
