"""KML (OGC 07-147r2 and older) to drafts, placemark by placemark; nothing outside the file is followed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.geojson import ID_KEYS, NAME_KEYS, pick
from linxi_gis.intake.markup import CLOSED_LINE, Z_DROPPED, Gathered, leaves
from linxi_gis.intake.reading import Claim, Draft, Drawn, Limits
from linxi_gis.intake.xmlsafe import Node, clean, decode, walk

CLAIM = Claim(datum="WGS84", how="KML 标准为 WGS84，按 CGCS2000 经纬度")
_OVERLAYS = ("GroundOverlay", "PhotoOverlay", "ScreenOverlay", "Model")
_GEOMETRIES = (
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiGeometry",
    "Track",
    "MultiTrack",
    "Model",
)
_KEEP = frozenset({"Placemark", "NetworkLink", *_OVERLAYS, *_GEOMETRIES})
_CONTAINERS = ("Folder", "Document")
_ROOTS = ("kml", "Placemark", "NetworkLink", *_CONTAINERS, *_OVERLAYS)
# Children of a placemark that tell how it looks, not what it is.
_LOOKS = frozenset(
    {"visibility", "open", "Style", "StyleMap", "LookAt", "Camera", "Region", "balloonVisibility"}
)
_COMMA = re.compile(r"\s*[,，]\s*")
_COORDINATES = re.compile(r"[0-9eE+\-.,\s]*")
_MAX_SHOWN = 200


@dataclass(slots=True)
class _Found(Gathered):
    """What has been met so far in one file."""

    held: frozenset[str] = frozenset()
    links: list[str] = field(default_factory=list)
    overlays: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    stray: int = 0
    updates: int = 0
    count: int = 0
    root: str = ""

    def closed(self, node: Node, around: Sequence[Node]) -> None:
        """Take the next element of the file."""
        if not around:
            self.root = node.tag
        if node.tag == "name" and around and around[-1].tag in _CONTAINERS:
            self.names[len(around)] = clean(node.text)
        elif node.tag in _CONTAINERS:
            self.names.pop(len(around) + 1, None)
        elif node.tag in _KEEP and any(one.tag == "Update" for one in around):
            self.updates += 1  # an edit of another document
        elif node.tag == "Placemark":
            self._placemark(node)
        elif node.tag == "NetworkLink":
            self.links.append(_href(node))
        elif node.tag in _OVERLAYS:
            self.overlays.append(node.value("name") or node.tag)
        elif node.tag in _GEOMETRIES:
            self.stray += 1

    def _placemark(self, node: Node) -> None:
        self.count += 1
        folder = "/".join(self.names[depth] for depth in sorted(self.names) if self.names[depth])
        try:
            drawn = _drawn(node, self.count, folder)
        except InputError as error:
            self.failed(node.value("name") or f"第 {self.count} 个地标", error)
            return
        self.add(drawn)


def drafts_kml(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return the draft of a KML, or the drafts of a KMZ whose name says KML; errors as `draft_kml`."""
    if data.startswith(b"PK\x03\x04"):
        from linxi_gis.intake.kmz import drafts_kmz

        return drafts_kmz(data, source, limits)
    return [draft_kml(data, source, limits)]


def draft_kml(data: bytes, source: str, limits: Limits, held: frozenset[str] = frozenset()) -> Draft:
    """Return the placemarks of a KML file, longitude first, degrees.

    A placemark that cannot be read becomes an error Issue. Network links are told, not followed;
    those to a name in `held` (lower case, read elsewhere) are not told. Raises InputError for broken XML, a DOCTYPE,
    another kind of XML, and a file that holds nothing but links and pictures.
    """
    text, guessed = decode(data, source)
    found = _Found(source, limits, held=held)
    walk(text, source, _KEEP, found.closed)
    if found.root not in _ROOTS:
        raise InputError(
            f"不是 KML 文件（根元素是 {found.root:.40}）", where=source, remedy="请检查文件类型与后缀是否一致"
        )
    told = (*guessed, *_not_read(found), *found.issues)
    if not found.drawn and not found.issues and told:
        raise InputError(f"没有可用的图形。{told[-1].text}", where=source, remedy=told[-1].remedy)
    return Draft(source, "KML", tuple(found.drawn), CLAIM, 0, issues=told)


def _not_read(found: _Found) -> Iterator[Issue]:
    links = [link for link in found.links if posixpath.normpath(link).casefold() not in found.held]
    if links:
        text = f"有 {len(links)} 个网络链接（NetworkLink）没有读取：{_listed(links)}"
        yield Issue("network_link", "warning", text, "请打开链接，把其中的地块另存为 KML 后提交")
    if found.overlays:
        text = f"有 {len(found.overlays)} 个贴图或模型不是地块图形，没有读取：{_listed(found.overlays)}"
        yield Issue("overlay_ignored", "warning", text, "若它表示项目范围，请按其轮廓补画多边形")
    if found.stray or found.updates:
        text = f"有 {found.stray + found.updates} 个图形不在地标（Placemark）里，没有读取"
        yield Issue("stray_geometry", "warning", text, "请用生成它的软件重新导出 KML")


def _listed(names: Sequence[str]) -> str:
    more = "等" if len(names) > 3 else ""
    return "、".join(name[:_MAX_SHOWN] for name in names[:3]) + more


def _href(node: Node) -> str:
    link = node.first("Link") or node.first("Url")
    return (link.value("href") if link else "") or node.value("name") or "（没有地址）"


def _drawn(node: Node, number: int, folder: str) -> Drawn:
    attributes = tuple(_attributes(node, folder))
    identity = pick(attributes, ID_KEYS)
    name = pick(attributes, NAME_KEYS)
    told: list[Issue] = []
    shapes = [shape for child in node.each(*_GEOMETRIES) for shape in _shapes(child, told)]
    if not shapes:
        raise InputError("没有图形", remedy="请补画图形")
    geometry = shapes[0] if len(shapes) == 1 else shapely.GeometryCollection(shapes)
    label = name or identity or f"第 {number} 个地标"
    issues = tuple(dict.fromkeys(told))
    return Drawn(geometry, label, id=identity, name=name, attributes=attributes, issues=issues)


def _attributes(node: Node, folder: str) -> Iterator[tuple[str, str]]:
    if clean(node.attributes.get("id", "")):
        yield "id", clean(node.attributes["id"])
    for child in node.children:
        if child.tag == "ExtendedData":
            yield from _extended(child)
        elif child.tag not in _LOOKS and child.tag not in _GEOMETRIES:
            yield from leaves(child)
    if folder:
        yield "文件夹", folder


def _extended(node: Node) -> Iterator[tuple[str, str]]:
    for child in node.children:
        if child.tag == "Data":
            yield clean(child.attributes.get("name", "")), child.value("value")
        elif child.tag == "SchemaData":
            for row in child.each("SimpleData"):
                yield clean(row.attributes.get("name", "")), clean(row.text)
        else:
            yield from leaves(child)


def _shapes(node: Node, told: list[Issue]) -> Iterator[Geometry]:
    if node.tag in ("MultiGeometry", "MultiTrack"):
        for child in node.each(*_GEOMETRIES):
            yield from _shapes(child, told)
    elif node.tag == "Model":
        told.append(
            Issue(
                "overlay_ignored",
                "warning",
                "地标里的三维模型（Model）不是地块图形，没有读取",
                "请补画多边形",
            )
        )
    elif node.tag == "Polygon":
        yield _polygon(node, told)
    elif node.tag == "Track":
        rows = [_COMMA.sub(",", ",".join(one.text.split())) for one in node.each("coord")]
        yield _line(_rows(rows, told), told)
    else:
        points = _positions(node, told)
        if node.tag == "Point":
            if len(points) != 1:
                raise InputError(f"点（Point）有 {len(points)} 组坐标，应为 1 组", remedy="请重新导出 KML")
            yield shapely.Point(points[0])
        elif node.tag == "LineString":
            yield _line(points, told)
        else:
            told.append(_RING_AS_POLYGON)
            yield shapely.Polygon(_ring(points, told))


_RING_AS_POLYGON = Issue(
    code="ring_as_polygon",
    severity="warning",
    text="图形是单独的闭合环（LinearRing），按它围成的面读取",
    remedy="若只是一条线，请改为 LineString",
)


def _line(points: FloatArray, told: list[Issue]) -> Geometry:
    if len(points) < 2:
        raise InputError(f"线只有 {len(points)} 个点，不足 2 个", remedy="请补全坐标")
    if len(points) > 3 and np.array_equal(points[0], points[-1]):
        told.append(CLOSED_LINE)
    return shapely.LineString(points)


def _polygon(node: Node, told: list[Issue]) -> Geometry:
    shells = [ring for bound in node.each("outerBoundaryIs") for ring in bound.each("LinearRing")]
    holes = [ring for bound in node.each("innerBoundaryIs") for ring in bound.each("LinearRing")]
    if len(shells) != 1:
        raise InputError(f"多边形有 {len(shells)} 个外圈，应为 1 个", remedy="请把各块画成单独的多边形")
    rings = [_ring(_positions(ring, told), told) for ring in (*shells, *holes)]
    return shapely.Polygon(rings[0], rings[1:])


def _ring(points: FloatArray, told: list[Issue]) -> FloatArray:
    if len(set(map(tuple, points.tolist()))) < 3:
        raise InputError("一圈不足 3 个不同的点，围不成面", remedy="请补全坐标")
    if not np.array_equal(points[0], points[-1]):
        told.append(Issue("ring_closed", "info", "有一圈首尾点不同，已连接首尾闭合"))
    return points


def _positions(node: Node, told: list[Issue]) -> FloatArray:
    texts = [child.text for child in node.each("coordinates")]
    if len(texts) != 1:
        raise InputError(f"有 {len(texts)} 段坐标（coordinates），应为 1 段", remedy="请重新导出 KML")
    return _rows(_COMMA.sub(",", texts[0]).split(), told)


def _rows(rows: Sequence[str], told: list[Issue]) -> FloatArray:
    """The first two columns of "lon,lat[,z]" texts, shape (n, 2)."""
    pairs: list[tuple[float, float]] = []
    height = False
    for number, row in enumerate(rows, 1):
        parts = row.split(",")
        if len(parts) not in (2, 3) or not _COORDINATES.fullmatch(row):
            raise _bad(number, row)
        try:
            pairs.append((float(parts[0]), float(parts[1])))
            height = height or (len(parts) == 3 and parts[2] != "" and float(parts[2]) != 0.0)
        except ValueError as error:
            raise _bad(number, row) from error
    if height:
        told.append(Z_DROPPED)
    points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise InputError("坐标超出数字范围", remedy="请核对坐标")
    return points


def _bad(number: int, row: str) -> InputError:
    return InputError(
        f"第 {number} 组坐标“{clean(row)[:40]}”不是“经度,纬度[,高程]”",
        remedy="请核对坐标：组内用逗号，组间用空格或换行",
    )
