"""GPX 1.0 and 1.1 (TopoGrafix) to a draft: waypoints, routes and tracks, longitude first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import shapely

from linxi_gis.crs import Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import read_coordinate
from linxi_gis.intake.geojson import ID_KEYS, pick
from linxi_gis.intake.markup import CLOSED_LINE, Z_DROPPED, Gathered, leaves
from linxi_gis.intake.reading import Claim, Draft, Drawn, Limits
from linxi_gis.intake.xmlsafe import Node, clean, decode, walk

_CLAIM = Claim(datum="WGS84", how="GPX 标准为 WGS84，按 CGCS2000 经纬度")
_WORDS = {"wpt": "航点", "rte": "航线", "trk": "航迹"}
_KEEP = frozenset(_WORDS)
_POINTS = frozenset({"rtept", "trkseg"})


@dataclass(slots=True)
class _Found(Gathered):
    counts: dict[str, int] = field(default_factory=dict)
    root: str = ""

    def closed(self, node: Node, around: Sequence[Node]) -> None:
        """Take the next element of the file."""
        if not around:
            self.root = node.tag
        if node.tag not in _KEEP:
            return
        number = self.counts[node.tag] = self.counts.get(node.tag, 0) + 1
        label = node.value("name") or f"第 {number} 个{_WORDS[node.tag]}"
        try:
            drawn = _drawn(node, label)
        except InputError as error:
            self.failed(label, error)
            return
        self.add(drawn)


def drafts_gpx(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return the draft of a GPX: waypoints are points, routes lines, tracks lines of several parts.

    What cannot be read becomes an error Issue. Raises InputError for broken XML, a DOCTYPE, another
    kind of XML, and more features or points than the limits allow.
    """
    text, guessed = decode(data, source)
    found = _Found(source, limits)
    walk(text, source, _KEEP, found.closed)
    if found.root != "gpx":
        raise InputError(
            f"不是 GPX 文件（根元素是 {found.root:.40}）", where=source, remedy="请检查文件类型与后缀是否一致"
        )
    return [Draft(source, "GPX", tuple(found.drawn), _CLAIM, 0, issues=(*guessed, *found.issues))]


def _drawn(node: Node, label: str) -> Drawn:
    attributes = tuple(_attributes(node))
    told: list[Issue] = []
    geometry = _geometry(node, told)
    if any(_has_height(point) for point in _points(node)):
        told.append(Z_DROPPED)
    return Drawn(
        geometry,
        label,
        id=pick(attributes, ID_KEYS),
        name=node.value("name"),
        attributes=attributes,
        issues=tuple(told),
    )


def _attributes(node: Node) -> Iterator[tuple[str, str]]:
    yield "类型", _WORDS[node.tag]
    for child in node.children:
        if child.tag == "link" and clean(child.attributes.get("href", "")):
            yield "link", clean(child.attributes["href"])
        if child.tag not in _POINTS:
            yield from leaves(child)


def _points(node: Node) -> Iterator[Node]:
    if node.tag == "wpt":
        yield node
    yield from node.each("rtept")
    for segment in node.each("trkseg"):
        yield from segment.each("trkpt")


def _has_height(point: Node) -> bool:
    height = read_coordinate(point.value("ele"))
    return height is not None and height.value != 0.0


def _geometry(node: Node, told: list[Issue]) -> Geometry:
    if node.tag == "wpt":
        return shapely.Point(_position(node, 1))
    if node.tag == "rte":
        return _line(list(node.each("rtept")), told)
    runs = [list(segment.each("trkpt")) for segment in node.each("trkseg")]
    single = sum(len(run) == 1 for run in runs)
    lines = [_line(run, told) for run in runs if len(run) > 1]
    if not lines:
        raise InputError("没有两个点以上的航迹段", remedy="请补全航迹")
    if single:
        text = f"有 {single} 段航迹只有一个点，成不了线，没有读取"
        told.append(Issue("short_segment", "warning", text, "请核对航迹"))
    return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)


def _line(points: Sequence[Node], told: list[Issue]) -> shapely.LineString:
    if len(points) < 2:
        raise InputError(f"线只有 {len(points)} 个点，不足 2 个", remedy="请补全坐标")
    pairs = [_position(point, number) for number, point in enumerate(points, 1)]
    if len(pairs) > 3 and pairs[0] == pairs[-1] and CLOSED_LINE not in told:
        told.append(CLOSED_LINE)
    return shapely.LineString(pairs)


def _position(point: Node, number: int) -> tuple[float, float]:
    texts = [point.attributes.get(key, "") for key in ("lon", "lat")]
    try:
        east, north = (float(text) if text.isascii() and "_" not in text else math.nan for text in texts)
    except ValueError:
        east = north = math.nan
    if not (math.isfinite(east) and math.isfinite(north)):
        raise InputError(
            f"第 {number} 个点的经纬度“{clean(texts[0])[:30]}, {clean(texts[1])[:30]}”不是数字",
            remedy="请核对 lon 与 lat",
        )
    return east, north
