"""桩号 tables: stations along a route, and corridors given by two banks or by widths left and right."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from linxi_gis import geodesy
from linxi_gis.crs import FloatArray
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.court import examine
from linxi_gis.intake.headers import Table
from linxi_gis.intake.reading import Drawn
from linxi_gis.intake.rows import Line, Page
from linxi_gis.intake.words import role_of
from linxi_gis.model import BANK_STATIONS

_STATION = re.compile(r"[A-Za-z]{0,3}\s*(\d{1,5})\s*\+\s*(\d{1,4}(?:\.\d*)?)")
_SIDE = re.compile(r"([左右])(?:岸|侧|边界?|边线|线|桩|半幅|幅)?(?:坐标)?")
_WIDTH = re.compile(r"宽|幅|距|偏")
# Our choice: a station is written to the metre or finer, and chords of a curved route run short.
_TOLERANCE_M, _TOLERANCE_SHARE = 1.0, 0.01
_A, _E2 = 6_378_137.0, 0.006_694_380_022_901  # GRS80, as CGCS2000
_REMEDY = "请补全每个桩号的左右坐标（或中线坐标和左右宽度）后重新提交"
Columns = dict[str, int]


@dataclass(frozen=True, slots=True)
class Corridor:
    """A corridor as read: its drawing, which column is easting, and the names of the two columns."""

    drawn: Drawn
    east: int
    columns: tuple[str, str]


def station(text: str) -> float | None:
    """Return a station in metres from the start of the route, or None.

    >>> station("K1+230.5"), station("AK12+350"), station("0+000"), station("K1"), station("K1+230~K2")
    (1230.5, 12350.0, 0.0, None, None)
    """
    match = _STATION.fullmatch(text.strip())
    return int(match[1]) * 1000.0 + float(match[2]) if match else None


def bank_columns(table: Table) -> Columns | None:
    """Return the columns of a corridor table by what they are, or None when it is another kind of table.

    Keys: "l1", "l2", "r1", "r2" for the banks' coordinates, or "c1", "c2" for the axis and "lw", "rw"
    for the widths; 1 and 2 are the two coordinates in the file's order.
    """
    found: Columns = {}
    for column in range(max(len(table.header), len(table.upper))):
        heading = table.heading(column)
        side = _SIDE.search(heading)
        key = "c" if side is None else "l" if side[1] == "左" else "r"
        role = role_of(_SIDE.sub("", heading)) or (table.role(column) if side is None else "")
        if role in ("x", "y", "east", "north"):
            found.setdefault(f"{key}{'1' if f'{key}1' not in found else '2'}", column)
            found.setdefault(f"{key}role", column)
        elif side is not None and _WIDTH.search(heading):
            found.setdefault(f"{key}w", column)
    banks = {"l1", "l2", "r1", "r2"} <= found.keys()
    widths = {"c1", "c2", "lw", "rw"} <= found.keys()
    return found if banks or widths else None


def read_corridor(table: Table, columns: Columns, page: Page, source: str) -> Corridor:
    """Return the corridor of a table: left bank forward and right bank backward, or both offset from the axis.

    Raises InputError for a row that lacks a figure, and when nothing tells which column is easting.
    """
    lines = [line for line in table.body if len(line.cells) > 1 and line.cells not in table.repeated]
    lines = [line for line in lines if _belongs(line, columns)]
    where = f"{source}：{page.at(lines[0].number)}起" if lines else source
    if len(lines) < 2:
        raise InputError("走廊至少要有 2 个桩号", where=where, remedy=_REMEDY)
    banks = {"l1", "l2", "r1", "r2"} <= columns.keys()
    names = ("l1", "l2", "r1", "r2") if banks else ("c1", "c2", "lw", "rw")
    cells = [[_figure(line, columns[name], page, source) for name in names] for line in lines]
    figures = np.array([[cell.value for cell in row] for row in cells], dtype=np.float64)
    first = table.role(columns[names[0]]) or role_of(_SIDE.sub("", table.heading(columns[names[0]])))
    pairs = np.vstack([figures[:, :2], figures[:, 2:]]) if banks else figures[:, :2]
    east, degrees = _axes(pairs, first, where)
    stations = _stations(table, lines)
    axis = (figures[:, :2] + figures[:, 2:]) / 2.0 if banks else figures[:, :2]
    told = [*checked(axis, stations, east, degrees, where)]
    left, right = (figures[:, :2], figures[:, 2:]) if banks else _offset(figures, stations, east, degrees)
    ring = np.vstack([left, right[::-1]])
    way = "左岸正向、右岸反向依次相连" if banks else "由中线按左右宽度沿各桩法线偏出"
    told.append(Issue("corridor_from_stations", "info", f"{where} 的 {len(lines)} 个桩号{way}，按面（走廊）读取",
                      "若与图件不符，请提交走廊的拐点坐标"))  # fmt: skip
    step = min(cell.step for row in cells for cell in row[: 4 if banks else 2])
    name = page.caption or (table.titles[-1] if table.titles else "")
    drawn = Drawn(
        shapely.Polygon(ring), name or "走廊", name=name, attributes=(*ends(stations), (BANK_STATIONS, str(len(lines)))),
        step=None if page.counted else step, issues=tuple(told),
    )  # fmt: skip
    one, two = (table.heading(columns[name]) for name in names[:2])
    return Corridor(drawn, east, (one or "X", two or "Y"))


def _belongs(line: Line, columns: Columns) -> bool:
    """Whether a row is one of stations: a note or a total has none of the figures and no number."""
    held = [line.cells[c] for c in columns.values() if c < len(line.cells) and line.cells[c]]
    return bool(held) or any(station(cell) is not None for cell in line.cells)


def _figure(line: Line, column: int, page: Page, source: str) -> Coordinate:
    cell = line.cells[column] if column < len(line.cells) else ""
    found = read_coordinate(cell)
    if found is None:
        raise InputError(
            f"{page.at(line.number)}第 {column + 1} 列无法读懂：{cell[:40]!r}", where=source, remedy=_REMEDY
        )
    return found


def _axes(pairs: FloatArray, role: str, where: str) -> tuple[int, bool]:
    """Which of the two columns is easting, and whether they are degrees."""
    low, high = pairs.min(axis=0), pairs.max(axis=0)
    bounds = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    given = {"east": 0, "north": 1}.get(role)
    shape = examine(bounds, given)
    if shape.assumed or shape.kind == "unknown":
        if given is None:
            raise InputError(
                "看不出哪一列是东向坐标，左右岸不能确定", where=where, remedy="请在表头写明经度、纬度或 X（北）、Y（东）"
            )
        return given, bool(np.abs(pairs).max() <= 180.0)
    return shape.east, shape.kind == "degrees"


def _stations(table: Table, lines: Sequence[Line]) -> list[float | None]:
    width = max(len(line.cells) for line in lines)
    read = [[station(line.cells[c]) if c < len(line.cells) else None for line in lines] for c in range(width)]
    return max(read, key=lambda column: sum(value is not None for value in column))


def ends(stations: Sequence[float | None]) -> tuple[tuple[str, str], ...]:
    """The first and last station as attributes.

    >>> ends([0.0, None, 1230.5])
    (('起点桩号', 'K0+000'), ('终点桩号', 'K1+230.5'))
    """
    held = [value for value in stations if value is not None]
    return (("起点桩号", written(held[0])), ("终点桩号", written(held[-1]))) if held else ()


def written(metres: float) -> str:
    """A station as people write it.

    >>> written(12350.25)
    'K12+350.25'
    """
    whole, rest = divmod(round(metres, 3), 1000.0)
    text = f"{rest:07.3f}".rstrip("0").rstrip(".")
    return f"K{int(whole)}+{text if '.' in text else f'{rest:03.0f}'}"


def checked(
    xy: FloatArray, stations: Sequence[float | None], east: int, degrees: bool, where: str
) -> tuple[Issue, ...]:
    """Tell stations out of order, and where stations and coordinates disagree (长短链).

    `xy` are vertices in the file's column order, shape (n, 2); distances are chords, geodesic for
    degrees. More than 1 m and 1 % of difference is told.
    """
    held = [(k, value) for k, value in enumerate(stations) if value is not None]
    if len(held) < 2:
        return ()
    steps = np.diff([value for _, value in held])
    told = []
    if not (np.all(steps > 0.0) or np.all(steps < 0.0)):
        k = int(np.argmax(steps <= 0.0)) + 1
        text = f"{where} 的桩号不是依次递增（{written(held[k - 1][1])} 之后是 {written(held[k][1])}），按表中顺序连接"
        told.append(Issue("chainage_order", "warning", text, "请按桩号从小到大排列后核对"))
    along = np.concatenate([[0.0], np.cumsum(_lengths(xy, east, degrees))])
    odd = []
    for (i, one), (j, two) in itertools.pairwise(held):
        said, found = abs(two - one), float(along[j] - along[i])
        if abs(said - found) > max(_TOLERANCE_M, _TOLERANCE_SHARE * said):
            odd.append(f"{written(one)}～{written(two)} 桩号差 {said:.1f} m，坐标算得 {found:.1f} m")
    if odd:
        more = f"等 {len(odd)} 段" if len(odd) > 3 else ""
        text = f"{where} 的桩号与坐标不符：{'；'.join(odd[:3])}{more}"
        told.append(Issue("chainage_mismatch", "warning", text, "请核对长短链、桩号与坐标"))
    return tuple(told)


def _lengths(xy: FloatArray, east: int, degrees: bool) -> FloatArray:
    turned = xy if east == 0 else xy[:, ::-1]
    if degrees:
        metres, _ = geodesy.distances(turned[:-1], turned[1:])
        return metres
    return np.asarray(np.hypot(*np.diff(turned, axis=0).T), dtype=np.float64)


def _offset(
    figures: FloatArray, stations: Sequence[float | None], east: int, degrees: bool
) -> tuple[FloatArray, FloatArray]:
    """Both edges of a corridor: each station moved along its normal by the width on either side.

    The normal stands on the mean of the directions to both neighbours; left is left of increasing
    chainage. Degrees are worked in the tangent plane of their own latitude (GRS80 radii of curvature),
    which for widths of metres is exact to 1e-6 of the width and needs no datum.
    """
    xy = figures[:, :2] if east == 0 else figures[:, 1::-1]
    scale = _radii(float(xy[:, 1].mean())) if degrees else np.ones(2)
    plane = xy * scale
    steps = np.diff(plane, axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    if np.any(length == 0.0):
        raise InputError("相邻两个桩号的坐标相同，走向不能确定", remedy="请删去重复的桩号")
    unit = steps / length[:, None]
    tangent = np.vstack([unit[:1], unit[:-1] + unit[1:], unit[-1:]])
    size = np.hypot(tangent[:, 0], tangent[:, 1])
    if np.any(size < 1e-6):
        raise InputError("中线在一个桩号处原路折回，左右不能确定", remedy="请核对桩号顺序")
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) / size[:, None]
    held = [value for value in stations if value is not None]
    forward = 1.0 if len(held) < 2 or held[-1] >= held[0] else -1.0
    left = (plane + forward * normal * figures[:, 2:3]) / scale
    right = (plane - forward * normal * figures[:, 3:4]) / scale
    return (left, right) if east == 0 else (left[:, ::-1], right[:, ::-1])


def _radii(latitude_deg: float) -> FloatArray:
    """Metres a degree of longitude and of latitude are long there."""
    phi = math.radians(latitude_deg)
    w = 1.0 - _E2 * math.sin(phi) ** 2
    north, east = _A * (1.0 - _E2) / w**1.5, _A / math.sqrt(w) * math.cos(phi)
    return np.array([math.radians(east), math.radians(north)])
