"""界址点 TXT: the surveyors' plot file, [属性描述] and [地块坐标], in all its dialects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.court import refuse_old_datum
from linxi_gis.intake.reading import Claim, Declared, Draft, Drawn, Options, Reading, Unit
from linxi_gis.intake.rings import assemble, split_closed
from linxi_gis.intake.settle import settle, unreadable
from linxi_gis.intake.words import normal_lines

_SECTION = re.compile(r"^\[\s*(属性描述|地块坐标)\s*\]?$")
_AREA = re.compile(r"^(\d+(?:\.\d*)?|\.\d+)\s*(公顷|hm2|hm²|ha|平方米|m2|m²|㎡|亩)?$", re.IGNORECASE)
_AREA_UNITS: dict[str, Unit] = {
    "公顷": "hm2", "hm2": "hm2", "hm²": "hm2", "ha": "hm2",
    "平方米": "m2", "m2": "m2", "m²": "m2", "㎡": "m2", "亩": "mu",
}  # fmt: skip
_PLOT_KEYS = ("点数", "面积", "地块编号", "地块名称", "图形类型", "图幅号", "用途", "地类编码")
_KINDS = {"面": "polygon", "线": "line", "点": "point"}


@dataclass(slots=True)
class _Plot:
    """One plot under construction: its head line, and its points by ring number in file order."""

    line: int
    head: tuple[str, ...]
    rings: dict[str, list[tuple[Coordinate, Coordinate]]] = field(default_factory=dict)

    @property
    def points(self) -> int:
        return sum(len(ring) for ring in self.rings.values())


def is_txt(text: str) -> bool:
    """Whether a text is a plot file rather than a plain table: a section or a plot line gives it away.

    >>> is_txt("[地块坐标]"), is_txt("4,,DK1,,面,,,,@"), is_txt("x,y")
    (True, True, False)
    """
    if not re.search("[@＠]|属性描述|地块坐标", text):
        return False
    return any(_SECTION.match(line) or line.endswith("@") for _, line in normal_lines(text))


def read_txt(text: str, source: str, options: Options, issues: tuple[Issue, ...] = ()) -> Reading:
    """Return the plots of a 界址点 TXT; point lines are 点号, 圈号, X (north), Y (east).

    Raises InputError naming the line of a point that cannot be read, CrsError (or AmbiguousCrsError)
    when the header's reference system cannot be used, or is not enough.
    """
    header, plots = _parse(text, source)
    refuse_old_datum("\n".join(f"{key}={value}" for key, value in header.items()), source)
    if not plots:
        raise InputError(
            "没有找到地块坐标", where=source, remedy="界址点文件应有 [地块坐标] 段，每个地块首行以 @ 结尾"
        )
    drawn: list[Drawn] = []
    bad: list[Issue] = []
    for number, plot in enumerate(plots, 1):
        try:
            drawn.append(_drawn(plot, number, source))
        except InputError as error:
            bad.append(unreadable(error))
    degrees = all(abs(value) <= 180.0 for d in drawn for value in shapely.bounds(d.geometry))
    # Longitude and latitude have no customary order here, so the figures decide; metres do: X is north.
    draft = Draft(
        source=source,
        format="界址点 TXT",
        drawn=tuple(drawn),
        claim=_claim(header, source),
        east=None if degrees else 1,
        issues=(*issues, *bad),
    )
    return settle(draft, options)


def _parse(text: str, source: str) -> tuple[dict[str, str], list[_Plot]]:
    header: dict[str, str] = {}
    plots: list[_Plot] = []
    in_header = False
    for number, line in normal_lines(text):
        section = _SECTION.match(line)
        if section:
            in_header = section[1] == "属性描述"
        elif line.endswith("@"):
            in_header = False
            plots.append(_Plot(number, tuple(cell.strip() for cell in line[:-1].split(","))))
        elif "=" in line and (in_header or not plots):
            key, _, value = line.partition("=")
            header[key.strip()] = value.strip().rstrip(",")
        else:
            if not plots:
                plots.append(_Plot(number, ()))
            _add_point(plots[-1], number, line, source)
    return header, plots


def _add_point(plot: _Plot, number: int, line: str, source: str) -> None:
    cells = [cell.strip() for cell in re.split(r"[,;、\t]", line)]
    if len(cells) < 2:
        cells = line.split()
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    ring = cells[1] if len(cells) >= 4 else "1"
    pair = cells[2:4] if len(cells) >= 4 else cells[-2:]
    first, second = (read_coordinate(cell) for cell in pair) if len(pair) == 2 else (None, None)
    if first is None or second is None:
        raise InputError(
            f"第 {number} 行的坐标无法读懂：{line[:60]!r}",
            where=source,
            remedy="界址点行应为“点号,圈号,X,Y”，坐标为数字",
        )
    plot.rings.setdefault(ring, []).append((first, second))


def _drawn(plot: _Plot, number: int, source: str) -> Drawn:
    given = dict(zip(_PLOT_KEYS, plot.head, strict=False))
    label = given.get("地块编号") or given.get("地块名称") or f"第 {number} 个地块"
    where = f"{source}：第 {plot.line} 行 {label}"
    if not plot.rings:
        raise InputError("没有界址点", where=where, remedy="请补全界址点后重新提交")
    kind = _KINDS.get(given.get("图形类型", "")[:1], "polygon")
    geometry, told = _geometry(kind, _arrays(plot.rings.values()), label, where)
    declared, odd_area = _declared(given.get("面积", ""), label)
    cells = [cell for ring in plot.rings.values() for pair in ring for cell in pair]
    return Drawn(
        geometry=geometry,
        label=label,
        id=given.get("地块编号", ""),
        name=given.get("地块名称", "") or given.get("地块编号", ""),
        attributes=tuple((key, value) for key, value in given.items() if value),
        declared=declared,
        step=min(cell.step for cell in cells),
        issues=(*told, *odd_area, *_count(given.get("点数", ""), plot, label)),
    )


def _arrays(rings: Iterable[Sequence[tuple[Coordinate, Coordinate]]]) -> list[FloatArray]:
    return [np.array([(a.value, b.value) for a, b in ring], dtype=np.float64) for ring in rings]


def _geometry(
    kind: str, rings: list[FloatArray], label: str, where: str
) -> tuple[Geometry, tuple[Issue, ...]]:
    if kind == "point":
        points = np.concatenate(rings)
        return (shapely.Point(points[0]) if len(points) == 1 else shapely.MultiPoint(points)), ()
    if kind == "line":
        if any(len(ring) < 2 for ring in rings):
            raise InputError("线至少要有 2 个点", where=where, remedy="请补全拐点后重新提交")
        return (shapely.LineString(rings[0]) if len(rings) == 1 else shapely.MultiLineString(rings)), ()
    try:
        return assemble([piece for ring in rings for piece in split_closed(ring)], label)
    except InputError as error:
        raise InputError(error.what, where=where, remedy=error.remedy) from error


def _declared(text: str, label: str) -> tuple[Declared | None, tuple[Issue, ...]]:
    if not text:
        return None, ()
    match = _AREA.match(text)
    if match is None:
        return None, (
            Issue("declared_area_unread", "warning", f"{label} 的申报面积 {text!r} 无法读懂，未采用"),
        )
    return Declared(float(match[1]), _AREA_UNITS.get((match[2] or "").lower(), "")), ()


def _count(text: str, plot: _Plot, label: str) -> tuple[Issue, ...]:
    """The number of points may or may not count the closing point of each ring."""
    if not text.isdigit():
        return ()
    if plot.points - len(plot.rings) <= int(text) <= plot.points + len(plot.rings):
        return ()
    told = f"{label} 写明 {text} 个界址点，实有 {plot.points} 个"
    return (Issue("point_count", "warning", told, "请核对界址点是否缺漏"),)


def _claim(header: dict[str, str], source: str) -> Claim:
    system = header.get("坐标系", "") or header.get("坐标系统", "")
    datum = "CGCS2000" if re.search(r"2000|CGCS", system, re.IGNORECASE) else ""
    datum = datum or ("WGS84" if re.search(r"WGS\D*84", system, re.IGNORECASE) else "")
    width_text = header.get("几度分带", "") or header.get("分带", "")
    width = next((w for w, words in ((3, "3三"), (6, "6六")) if any(c in width_text for c in words)), None)
    zone = _whole(header.get("带号", ""))
    meridian = _meridian(header.get("中央经线", "") or header.get("中央子午线", ""), source)
    words = [system] if system else []
    words += [f"{width} 度带"] if width else []
    words += [f"{zone} 带"] if zone is not None else []
    words += [f"中央经线 {meridian:g}°"] if meridian is not None else []
    how = f"文件头写明 {'、'.join(words)}" if words else ""
    return Claim(datum=datum, zone=zone, width_deg=width, meridian_deg=meridian, how=how)


def _whole(text: str) -> int | None:
    match = re.fullmatch(r"(?:第\s*)?(\d{1,2})\s*(?:带|号带)?", text)
    return int(match[1]) if match else None


def _meridian(text: str, source: str) -> float | None:
    if not text:
        return None
    found = read_coordinate(text)
    if found is None:
        raise InputError(f"中央经线 {text!r} 无法读懂", where=source, remedy="请写成度数，例如 117")
    return found.value
