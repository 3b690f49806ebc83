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
from linxi_gis.intake.foreign import foreign_datum
from linxi_gis.intake.reading import Claim, Declared, Draft, Drawn, Unit
from linxi_gis.intake.rings import assemble, split_closed
from linxi_gis.intake.settle import unreadable
from linxi_gis.intake.words import normal_lines

_SECTION = re.compile(r"^\[\s*(属性描述|地块坐标)\s*\]?$")
_AREA = re.compile(r"^(\d+(?:\.\d*)?|\.\d+)\s*(公顷|hm2|hm²|ha|平方米|m2|m²|㎡|亩)?$", re.IGNORECASE)
_AREA_UNITS: dict[str, Unit] = {
    "公顷": "hm2", "hm2": "hm2", "hm²": "hm2", "ha": "hm2",
    "平方米": "m2", "m2": "m2", "m²": "m2", "㎡": "m2", "亩": "mu",
}  # fmt: skip
_PLOT_KEYS = ("点数", "面积", "地块编号", "地块名称", "图形类型", "图幅号", "用途", "地类编码")
_KINDS = (
    ("polygon", re.compile(r"|面.*|多边形|地块|polygon|area", re.IGNORECASE)),
    ("line", re.compile(r"线.*|管线|折线|线路|道路|(?:poly)?line", re.IGNORECASE)),
    ("point", re.compile(r"点.*|多点|point", re.IGNORECASE)),
)


@dataclass(slots=True)
class _Plot:
    """One plot under construction: its head line, and its point lines with their numbers."""

    line: int
    head: tuple[str, ...]
    lines: list[tuple[int, str]] = field(default_factory=list)


def is_txt(text: str) -> bool:
    """Whether a text is a plot file rather than a plain table: a section or a plot line gives it away.

    >>> is_txt("[地块坐标]"), is_txt("4,,DK1,,面,,,,@"), is_txt("x,y")
    (True, True, False)
    """
    if not re.search("[@＠]|属性描述|地块坐标", text):
        return False
    return any(_SECTION.match(line) or line.endswith("@") for _, line in normal_lines(text))


def draft_txt(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the plots of a 界址点 TXT; point lines are 点号, 圈号, X (north), Y (east).

    A plot that cannot be read is an error Issue naming its line. Raises InputError when there is none,
    CrsError when the header's reference system cannot be used.
    """
    header, plots = _parse(text)
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
    return Draft(
        source=source,
        format="界址点 TXT",
        drawn=tuple(drawn),
        claim=_claim(header, source),
        east=None if degrees else 1,
        issues=(*issues, *_transformed(header), *bad),
    )


def _parse(text: str) -> tuple[dict[str, str], list[_Plot]]:
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
            plots[-1].lines.append((number, line))
    return header, plots


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in re.split(r"[,;、\t]", line)]
    if len(cells) < 2:
        cells = line.split()
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    return cells


def _rings(plot: _Plot, source: str) -> dict[str, list[tuple[Coordinate, Coordinate]]]:
    """The points of a plot by ring number, in file order; raises InputError naming a bad line."""
    rows = [(number, line, _cells(line)) for number, line in plot.lines]
    width = min(4, max(len(cells) for _, _, cells in rows))
    rings: dict[str, list[tuple[Coordinate, Coordinate]]] = {}
    for number, line, cells in rows:
        ring = cells[1] if len(cells) >= 4 else "1"
        pair = cells[2:4] if len(cells) >= 4 else cells[-2:]
        # A line shorter than its neighbours lacks a figure: its last two cells are not X and Y.
        whole = len(pair) == 2 and len(cells) >= width
        first, second = (read_coordinate(cell) for cell in pair) if whole else (None, None)
        if first is None or second is None:
            raise InputError(
                f"第 {number} 行的坐标无法读懂：{line[:60]!r}{'' if whole else '，缺少一项'}",
                where=source,
                remedy="界址点行应为“点号,圈号,X,Y”，坐标为数字",
            )
        rings.setdefault(ring, []).append((first, second))
    return rings


def _kind(text: str, label: str) -> tuple[str, tuple[Issue, ...]]:
    for kind, pattern in _KINDS:
        if pattern.fullmatch(text):
            return kind, ()
    told = f"{label} 的图形类型 {text!r} 不认识，按面读取"
    return "polygon", (Issue("geometry_kind_assumed", "warning", told, "图形类型请写 点、线 或 面"),)


def _transformed(header: dict[str, str]) -> tuple[Issue, ...]:
    """Told when the header gives parameters of a datum shift: nobody says which way, so none is applied."""
    text = header.get("转换参数", "")
    if not re.search(r"[1-9]", text):
        return ()
    told = f"文件头的转换参数（{text[:60]}）未被采用，坐标按写明的坐标系原样读取"
    return (Issue("transform_parameters_ignored", "warning", told, "若坐标尚未转换，请转换为 CGCS2000 后提交"),)


def _drawn(plot: _Plot, number: int, source: str) -> Drawn:
    given = dict(zip(_PLOT_KEYS, plot.head, strict=False))
    label = given.get("地块编号") or given.get("地块名称") or f"第 {number} 个地块"
    where = f"{source}：第 {plot.line} 行 {label}"
    if not plot.lines:
        raise InputError("没有界址点", where=where, remedy="请补全界址点后重新提交")
    kind, odd_kind = _kind(given.get("图形类型", ""), label)
    rings = _rings(plot, source)
    geometry, told = _geometry(kind, _arrays(rings.values()), label, where)
    declared, odd_area = _declared(given.get("面积", ""), label)
    cells = [cell for ring in rings.values() for pair in ring for cell in pair]
    return Drawn(
        geometry=geometry,
        label=label,
        id=given.get("地块编号", ""),
        name=given.get("地块名称", "") or given.get("地块编号", ""),
        attributes=tuple((key, value) for key, value in given.items() if value),
        declared=declared,
        step=min(cell.step for cell in cells),
        issues=(*odd_kind, *told, *odd_area, *_count(given.get("点数", ""), len(plot.lines), len(rings), label)),
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


def _count(text: str, points: int, rings: int, label: str) -> tuple[Issue, ...]:
    """The number of points may or may not count the closing point of each ring."""
    if not text.isdigit():
        return ()
    if points - rings <= int(text) <= points + rings:
        return ()
    told = f"{label} 写明 {text} 个界址点，实有 {points} 个"
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
    foreign = foreign_datum(f"坐标系={''.join(system.split())}") if system else ""
    return Claim(datum=datum, zone=zone, width_deg=width, meridian_deg=meridian, foreign=foreign, how=how)


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
