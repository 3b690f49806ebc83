"""WKT and EWKT, one geometry or many, and hex WKB in a column: text in, features out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from linxi_gis.crs import Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.reading import Claim, Draft, Drawn

_KINDS = "POINT|LINESTRING|LINEARRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|GEOMETRYCOLLECTION"
_CURVES = "CIRCULARSTRING|COMPOUNDCURVE|CURVEPOLYGON|MULTICURVE|MULTISURFACE"
_SURFACES = "POLYHEDRALSURFACE|TIN|TRIANGLE"
_HEAD = re.compile(
    rf"(?:SRID\s*=\s*(?P<srid>\d{{1,9}})\s*;\s*)?\b(?P<kind>{_KINDS}|{_CURVES}|{_SURFACES})"
    r"\s*(?P<dims>ZM|Z|M)?\s*(?P<open>\(|EMPTY\b)",
    re.IGNORECASE,
)
_START = re.compile(rf"\s*(?:SRID\s*=\s*\d{{1,9}}\s*;\s*)?(?:{_KINDS}|{_CURVES}|{_SURFACES})\s*(?:ZM|Z|M)?\s*(?:[(（]|EMPTY\b)",
                    re.IGNORECASE)  # fmt: skip
_FIGURE = re.compile(r"\d*\.?(\d*)(?:[eE][+-]?\d+)?")
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x00A0: " ", 0xFEFF: None}
# GEOS reads nested collections by recursion; no export nests deeper than a few.
_MAX_DEPTH = 12
_HEX = re.compile(r"0[01][0-9A-Fa-f]{40,}")
_REMEDY = "WKT 应形如 POLYGON((118.1 43.6, 118.2 43.6, 118.2 43.7, 118.1 43.6))"


@dataclass(frozen=True, slots=True)
class Shape:
    """A geometry as written, what it says of its system, and the unit of its last digit."""

    geometry: Geometry
    claim: Claim | None
    step: float | None


@dataclass(frozen=True, slots=True)
class _Piece:
    line: int
    srid: str
    kind: str
    text: str
    whole: bool


def is_wkt(text: str) -> bool:
    """Whether a text starts as WKT or EWKT does.

    >>> is_wkt("SRID=4490;POLYGON((1 2,3 4,5 6,1 2))"), is_wkt("point(118 43)"), is_wkt("point_id,x,y")
    (True, True, False)
    """
    return _START.match(text) is not None


def draft_wkt(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the geometries of a WKT text: several, one a line or over many lines, each an EWKT or not.

    A geometry that cannot be read is an error Issue naming its line. Raises InputError when none can.
    """
    drawn: list[Drawn] = []
    bad: list[Issue] = []
    plain = text.translate(_PLAIN)
    last = 0
    for number, (piece, end) in enumerate(_pieces(plain), 1):
        label = f"第 {number} 个图形"
        try:
            _refuse_rest(plain[last : end - len(piece.text)] if last else "", piece.line, source)
            shape = _shape(piece, f"{source}：第 {piece.line} 行")
            drawn.append(Drawn(shape.geometry, label, step=shape.step, claim=shape.claim))
        except InputError as error:
            bad.append(unreadable(error))
        last = end
    try:
        _refuse_rest(plain[last:], plain.count("\n", 0, last) + 1, source)
    except InputError as error:
        bad.append(unreadable(error))
    if not drawn and not bad:
        raise InputError("没有找到 WKT 图形", where=source, remedy=_REMEDY)
    return Draft(source, "WKT", tuple(drawn), issues=(*issues, *bad))


def read_shape(cell: str, where: str) -> Shape | None:
    """Return the geometry that a cell holds as WKT, EWKT or hex (E)WKB; None when it holds none.

    Raises InputError for one that is broken or of a kind that cannot be used.
    """
    if _HEX.fullmatch(cell):
        return _from_wkb(cell, where)
    if not is_wkt(cell):
        return None
    pieces = list(_pieces(cell.translate(_PLAIN)))
    if len(pieces) != 1:
        raise InputError("一格里有几个图形" if pieces else "WKT 写法不对", where=where, remedy=_REMEDY)
    return _shape(pieces[0][0], where)


def _pieces(text: str) -> Iterator[tuple[_Piece, int]]:
    """Every geometry in a text with where it ends, by its brackets; what has none is passed over."""
    at = line = 0
    while match := _HEAD.search(text, at):
        line += text.count("\n", at, match.start())
        end = match.end() if match["open"] != "(" else _closing(text, match.end())
        following = _HEAD.search(text, match.end()) if end < 0 else None
        stop = end if end >= 0 else following.start() if following else len(text)
        if end < 0 and following and _inside(match["kind"], text[match.end() : stop]):
            stop = len(text)
        srid = match["srid"] or ""
        begin = match.start("kind")
        yield _Piece(line + 1, srid, match["kind"].upper(), text[begin:stop], end >= 0), stop
        line += text.count("\n", match.start(), stop)
        at = stop


def _inside(kind: str, between: str) -> bool:
    """Whether an unclosed collection swallows what follows it on the same line."""
    return kind.upper() == "GEOMETRYCOLLECTION" and "\n" not in between


def _closing(text: str, start: int) -> int:
    """Where the bracket opened before `start` closes, or -1."""
    depth = 1
    for match in re.compile(r"[()]").finditer(text, start):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.end()
        if depth > _MAX_DEPTH:
            return -1
    return -1


def _refuse_rest(rest: str, line: int, source: str) -> None:
    words = re.sub(r"SRID\s*=\s*\d*\s*;?|[\s;,\"'|]+", " ", rest, flags=re.IGNORECASE).strip()
    if words and re.search(r"\d[\d.]*\s+\d", words):
        raise InputError(
            f"第 {line} 行附近有读不懂的内容：{words[:60]!r}", where=source, remedy=_REMEDY
        )


def _shape(piece: _Piece, where: str) -> Shape:
    if re.search(rf"\b(?:{_CURVES})\b", piece.text[:200] if piece.kind not in _CURVES else piece.kind, re.IGNORECASE):
        raise InputError(
            f"含有曲线（{piece.kind}），不能直接使用", where=where, remedy="请在 QGIS 用“按段转换（segmentize）”转为折线后再导出"
        )
    if piece.kind in _SURFACES.split("|"):
        raise InputError(f"{piece.kind} 是三维曲面，不能直接使用", where=where, remedy="请转换为 POLYGON 或 MULTIPOLYGON")
    if not piece.whole:
        raise InputError(f"括号没有配对或嵌套过深：{piece.text[:60]!r}", where=where, remedy=_REMEDY)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # 1e999 is infinite, and told as such
            geometry = shapely.from_wkt(re.sub(r"\s+", " ", piece.text))
    except (shapely.GEOSException, NotImplementedError, ValueError) as error:
        raise InputError(f"WKT 写法不对：{piece.text[:60]!r}（{_reason(error)}）", where=where, remedy=_REMEDY) from error
    if geometry is None or geometry.is_empty:
        raise InputError("图形为空", where=where, remedy="请补画图形")
    return Shape(_areas(geometry), _claim(piece.srid, "EWKT"), _step(piece.text))


def _reason(error: Exception) -> str:
    text = str(error)
    return "环没有闭合" if "closed linestring" in text else "环不足 4 个点" if "number of points" in text else text[:80]


def _areas(geometry: Geometry) -> Geometry:
    """A ring as the area it surrounds, heights dropped."""
    flat: Geometry = shapely.force_2d(geometry)
    return shapely.Polygon(shapely.get_coordinates(flat)) if flat.geom_type == "LinearRing" else flat


def _claim(srid: str, form: str) -> Claim | None:
    if not srid or int(srid) == 0:
        return None
    return Claim(system=f"EPSG:{int(srid)}", how=f"{form} 写明 SRID={int(srid)}")


def _step(text: str) -> float:
    decimals = max((len(match[1]) for match in re.finditer(r"\d+(?:\.(\d*))?", text) if match[1]), default=0)
    return float(10.0 ** -min(decimals, 12))


# --- hex WKB ------------------------------------------------------------------------------------------

_Z, _M, _SRID = 0x80000000, 0x40000000, 0x20000000
_MEMBER = {4: 1, 5: 2, 6: 3}


class _Reader:
    """Walk over WKB bytes; every count is checked against the bytes that are left."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.srid = data, 0, 0

    def geometry(self, wanted: int = 0) -> Geometry:
        order = "<" if self._take(1)[0] == 1 else ">"
        code = self._count(order)
        kind, has_z, has_m = code & 0xFFFF, bool(code & _Z), bool(code & _M)
        thousands, kind = divmod(kind, 1000)
        dims = 2 + (has_z or thousands in (1, 3)) + (has_m or thousands in (2, 3))
        if code & _SRID:
            self.srid = self._count(order)
        if wanted and kind != wanted:
            raise ValueError("成员类型不符")
        if kind == 1:
            return shapely.Point(self._points(1, dims, order)[0])
        if kind == 2:
            return shapely.LineString(self._points(self._count(order), dims, order))
        if kind == 3:
            rings = [self._points(self._count(order), dims, order) for _ in range(self._rings(order))]
            return shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon()
        if kind not in _MEMBER:
            raise ValueError(f"WKB 类型 {kind} 不支持")
        members = [self.geometry(_MEMBER[kind]) for _ in range(self._rings(order))]
        held: Any = members  # shapely's stubs want each Multi kind's own parts
        many = (shapely.MultiPoint, shapely.MultiLineString, shapely.MultiPolygon)
        return many[kind - 4](held)

    def _take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise ValueError("WKB 不完整")
        self.at += size
        return piece

    def _count(self, order: str) -> int:
        return int.from_bytes(self._take(4), "little" if order == "<" else "big")

    def _rings(self, order: str) -> int:
        count = self._count(order)
        if count > len(self.data) - self.at:
            raise ValueError("WKB 不完整")
        return count

    def _points(self, count: int, dims: int, order: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        raw = np.frombuffer(self._take(8 * dims * count), dtype=f"{order}f8")
        return raw.reshape(count, dims)[:, :2].astype(np.float64)


def _from_wkb(cell: str, where: str) -> Shape:
    try:
        reader = _Reader(bytes.fromhex(cell))
        geometry = reader.geometry()
    except (ValueError, IndexError, shapely.GEOSException) as error:
        raise InputError(f"十六进制 WKB 无法读取（{error}）", where=where, remedy="请改用 WKT 导出") from error
    if geometry.is_empty:
        raise InputError("图形为空", where=where, remedy="请补画图形")
    return Shape(geometry, _claim(str(reader.srid), "EWKB"), None)
