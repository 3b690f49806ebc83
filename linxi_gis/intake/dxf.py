"""DXF (R12 to 2018, text or binary) to a draft, through ezdxf; no reference system, so the court asks."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import shapely

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.amounts import check_many
from linxi_gis.intake.dxf_frame import Frame, claim_of, frame_of
from linxi_gis.intake.dxf_loops import close_loops, drop_doubles, name_by_labels, near_ends, nested
from linxi_gis.intake.dxf_shapes import CURVES, ring_polygon, shape_of
from linxi_gis.intake.dxf_tags import plain_tags
from linxi_gis.intake.dxf_walk import BROKEN, Piece, Walk, attributes_of
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.geojson import ID_KEYS, NAME_KEYS, pick
from linxi_gis.intake.reading import Draft, Drawn, Limits
from linxi_gis.intake.xmlsafe import clean
from linxi_gis.units import DIMENSION_WORDS

if TYPE_CHECKING:
    from ezdxf.audit import Auditor
    from ezdxf.document import Drawing

# What the library warns of is told as Issues; it must not write to the terminal of whoever asked.
logging.getLogger("ezdxf").addHandler(logging.NullHandler())
_DWG = re.compile(rb"AC(?:10|1\.|2\.)\d")
_REMEDY = "请在 CAD 中打开检查（AUDIT），另存为 DXF（2000 或更新版）后提交"
# Entities that may show the outline of a site, yet are not read.
_SOLID = frozenset({
    "3DFACE", "SOLID", "TRACE", "REGION", "BODY", "3DSOLID", "SURFACE", "MESH", "POLYLINE", "MLINE", "IMAGE",
    "HELIX", "ACAD_PROXY_ENTITY", "PDFUNDERLAY", "DWFUNDERLAY", "DGNUNDERLAY",
})  # fmt: skip
_TEXTS = frozenset({"TEXT", "MTEXT", "ATTRIB"})
# Ends this many snaps apart (10 cm) are told, not joined. Our choice: a slip of the hand, and no passage.
_NEAR = 100.0


@dataclass(slots=True)
class _Found:
    source: str
    limits: Limits
    frame: Frame
    shapes: list[tuple[Geometry, Piece]] = field(default_factory=list)
    labels: list[tuple[str, float, float]] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    issues: list[Issue] = field(default_factory=list)
    vertices: int = 0
    texts: int = 0
    heights: int = 0

    def take(self, piece: Piece) -> None:
        """Read one piece: a shape, a label, or something that is only counted."""
        kind = piece.entity.dxftype()
        try:
            if kind in _TEXTS:
                self._label(piece)
                return
            shape = shape_of(piece.entity, self.frame.chord, self.frame.snap)
            high = shape is not None and _has_height(piece.entity)
        except InputError as error:
            self._failed(piece, error)
            return
        except BROKEN as error:
            self._failed(piece, InputError(f"图元损坏（{clean(str(error))[:80]}）", remedy=_REMEDY))
            return
        if shape is None:
            self.unread[kind] += 1
            return
        self.shapes.append((shape, piece))
        self.vertices += int(shapely.get_num_coordinates(shape))
        self.heights += high
        check_many(len(self.shapes), self.vertices, self.source, self.limits)

    def _label(self, piece: Piece) -> None:
        held: Any = piece.entity
        self.texts += 1
        text = clean(" ".join(held.plain_text().split()))
        place = held.dxf.get("insert")
        if text and place is not None:
            self.labels.append((text[:80], float(place.x), float(place.y)))

    def _failed(self, piece: Piece, error: InputError) -> None:
        self.issues.append(unreadable(error, f"{self.source}：{_label_of(piece, piece.entity.dxftype())}"))


def drafts_dxf(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return the draft of a DXF's model space: closed outlines and hatches, lines, points.

    Blocks are opened. Lines that close loops become polygons; outlines inside others stay sites of
    their own; both are told. Raises InputError for a DWG, a file that is damaged or incomplete, a
    block that inserts itself, more than the limits allow, and a drawing with nothing to read.
    """
    if _DWG.match(data):
        raise InputError(
            "这是 DWG 文件，不能直接读取", where=source, remedy="请在 CAD 中另存为 DXF（2000 或更新版）后提交"
        )
    tags = plain_tags(data, source, limits)
    doc, repaired = _load(tags.data, source)
    walk = Walk(doc, source, limits)
    try:
        pieces = list(walk.pieces())
        frame = frame_of([piece.entity for piece in pieces], doc, source)
        claim, unclaimed = claim_of(doc, source)
        elsewhere = _elsewhere(doc)
    except BROKEN as error:
        raise InputError(
            f"DXF 结构已损坏（{clean(str(error))[:80]}）", where=source, remedy=_REMEDY
        ) from error
    found = _Found(source, limits, frame)
    for piece in pieces:
        found.take(piece)
    drawn, told = _drawn(found, doc)
    issues = (
        *tags.issues,
        *repaired,
        *frame.issues,
        *unclaimed,
        *told,
        *_left(found, walk, elsewhere),
        *found.issues,
    )
    if not drawn and not found.issues and issues:
        raise InputError(
            f"没有可用的图形。{issues[-1].text}", where=source, remedy=issues[-1].remedy or _REMEDY
        )
    return [Draft(source, "DXF", tuple(drawn), claim, None, issues=issues)]


def _load(data: bytes, source: str) -> tuple[Drawing, tuple[Issue, ...]]:
    from ezdxf import recover

    try:
        doc, auditor = recover.read(io.BytesIO(data))
    except (*BROKEN, StopIteration) as error:
        raise InputError(
            f"DXF 结构已损坏，无法读取（{clean(str(error))[:80]}）", where=source, remedy=_REMEDY
        ) from error
    return doc, _repairs(auditor, source)


def _repairs(auditor: Auditor, source: str) -> tuple[Issue, ...]:
    """The Issue of what the library repaired; raises InputError where it had to make up a coordinate."""
    from ezdxf.audit import AuditError

    entries = [*auditor.errors, *auditor.fixes]
    for entry in entries:
        if entry.code == AuditError.INVALID_FLOATING_POINT_VALUE:
            raise InputError(
                f"DXF 里有损坏的数字（{clean(entry.message)[:120]}）", where=source, remedy=_REMEDY
            )
    if not entries:
        return ()
    shown = "；".join(dict.fromkeys(clean(entry.message)[:120] for entry in entries[:3]))
    text = f"{source} 有 {len(entries)} 处结构错误，读取时已修复或舍去：{shown}"
    return (Issue("dxf_repaired", "warning", text, "请在 CAD 中执行 AUDIT 后重新提交，并核对图形是否齐全"),)


def _elsewhere(doc: Drawing) -> int:
    """How many entities lie on paper, viewports aside."""
    names = [name for name in doc.layout_names() if name.lower() != "model"]
    return sum(entity.dxftype() != "VIEWPORT" for name in names for entity in doc.layout(name))


def _drawn(found: _Found, doc: Drawing) -> tuple[list[Drawn], tuple[Issue, ...]]:
    """Shapes to features: loops closed, doubles dropped, names taken from labels, then scaled to metres."""
    states = _LayerStates(doc)
    areas, lines, points = [
        [pair for pair in found.shapes if shapely.get_dimensions(pair[0]) == dimension]
        for dimension in (2, 1, 0)
    ]
    loops, kept, looped = _loops(lines, found.frame.snap, states)
    outlines = [_feature(shape, piece, states) for shape, piece in areas] + loops
    outlines, doubled = drop_doubles(outlines, found.frame.snap)
    outlines, _ = name_by_labels(outlines, found.labels)
    told = [*looped, *doubled]
    layers = defaultdict(list)
    for area in outlines:
        layers[dict(area.attributes).get("图层", "")].append(area)
    for held in layers.values():
        told += nested(held) if len(held) > 1 else ()
    features = [*outlines, *kept, *(_feature(shape, piece, states) for shape, piece in points)]
    scale = found.frame.scale
    if scale != 1.0:
        features = [
            replace(one, geometry=shapely.transform(one.geometry, lambda xy: xy * scale)) for one in features
        ]
    return features, tuple(dict.fromkeys(told))


def _loops(
    lines: Sequence[tuple[Geometry, Piece]], snap: float, states: _LayerStates
) -> tuple[list[Drawn], list[Drawn], list[Issue]]:
    """The areas that lines close, the lines that close none, and what was told of both."""
    areas: list[Drawn] = []
    kept: list[Drawn] = []
    told: list[Issue] = []
    layers: defaultdict[str, list[tuple[FloatArray, Piece]]] = defaultdict(list)
    for shape, piece in lines:
        layers[piece.layer].append((shapely.get_coordinates(shape), piece))
    for layer, held in layers.items():
        joinable = [piece.entity.dxftype() in CURVES for _, piece in held]
        found = close_loops([points for points, _ in held], joinable, snap)
        for points, made in found.rings:
            areas.append(_feature(ring_polygon(points), held[made[0]][1], states, [held[n][1] for n in made]))
        open_lines = [
            _feature(shapely.LineString(points), held[made[0]][1], states, [held[n][1] for n in made])
            for points, made in found.runs
        ]
        open_lines += [_feature(shapely.LineString(held[n][0]), held[n][1], states) for n in found.single]
        kept += _nearly_meeting([_open_outline(line, snap) for line in open_lines], layer, snap)
        if found.rings:
            text = f"图层“{layer}”有线段首尾相接，围成 {len(found.rings)} 个面，按面读取"
            told.append(Issue("lines_polygonised", "warning", text, "请核对；最好用闭合多段线提交"))
        if found.runs:
            text = f"图层“{layer}”有首尾相接而不闭合的线段，连成 {len(found.runs)} 条线"
            told.append(Issue("lines_joined", "info", text))
    return areas, kept, told


def _open_outline(line: Drawn, snap: float) -> Drawn:
    """Tell a line that nearly closes: an outline with its last side missing, or almost so."""
    points = shapely.get_coordinates(line.geometry)
    gap = float(shapely.distance(shapely.Point(points[0]), shapely.Point(points[-1])))
    if len(points) < 4 or gap > 0.05 * float(line.geometry.length) or gap == 0.0:
        return line
    if any(issue.code == "nearly_closed" for issue in line.issues):
        return line
    text = f"线的首尾只差 {gap:.3g} 个图形单位，没有闭合，按线读取"
    told = Issue("nearly_closed", "warning", text, "若它是地块边界，请闭合多段线后提交")
    return replace(line, issues=(*line.issues, told))


def _nearly_meeting(lines: list[Drawn], layer: str, snap: float) -> list[Drawn]:
    """The lines, those told that end a little short of another: they may be sides of one outline."""
    ends = [shapely.get_coordinates(line.geometry) for line in lines]
    concerned, count, gap = near_ends(ends, _NEAR * snap)
    if not concerned:
        return lines
    metre = 1000.0 * snap  # a snap is a millimetre in drawing units
    text = (
        f"图层“{layer}”有 {count} 处线端相距不到 {_NEAR * snap / metre:g} m 而没有接上"
        f"（最大 {gap:.3g} 个图形单位，约 {gap / metre:.3f} m），没有连接，按线读取"
    )
    told = Issue("ends_nearly_meet", "warning", text, "若它们围成地块，请在 CAD 中连成闭合多段线（PEDIT 合并、闭合）后提交")
    return [
        replace(line, issues=(*line.issues, told)) if number in concerned else line for number, line in enumerate(lines)
    ]


@dataclass(slots=True)
class _LayerStates:
    """Which layers are hidden, and how, in words."""

    doc: Drawing
    words: dict[str, str] = field(default_factory=dict)

    def of(self, piece: Piece) -> str:
        """How the piece is hidden, "" when it is not."""
        if piece.layer not in self.words:
            self.words[piece.layer] = self._words(piece)
        hidden = self.words[piece.layer]
        return hidden or ("图元不可见" if piece.entity.dxf.get("invisible", 0) else "")

    def _words(self, piece: Piece) -> str:
        if not self.doc.layers.has_entry(piece.layer):
            return ""
        layer = self.doc.layers.get(piece.layer)
        states = (
            (layer.is_off(), "已关闭"),
            (layer.is_frozen(), "已冻结"),
            (not layer.dxf.get("plot", 1), "不打印"),
        )
        words = "、".join(word for state, word in states if state)
        return f"图层{words}" if words else ""


def _feature(shape: Geometry, piece: Piece, states: _LayerStates, made: Sequence[Piece] = ()) -> Drawn:
    attributes = attributes_of(piece)
    handles = [one.handle for one in made if one.handle]
    if len(made) > 1 and handles:
        joined = "、".join(handles[:20]) + ("等" if len(handles) > 20 else "")
        attributes = tuple((key, joined if key == "句柄" else value) for key, value in attributes)
    label = _label_of(piece, DIMENSION_WORDS[int(shapely.get_dimensions(shape))])
    hidden = states.of(piece)
    issues: tuple[Issue, ...] = ()
    if hidden:
        text = f"{label}：{hidden}，仍已读取"
        issues = (Issue("layer_hidden", "warning", text, "若不属于项目范围，请从文件中删去"),)
    return Drawn(
        shape,
        label,
        id=pick(piece.tags, ID_KEYS),
        name=pick(piece.tags, NAME_KEYS),
        attributes=attributes,
        issues=issues,
    )


def _label_of(piece: Piece, word: str) -> str:
    block = f"（块 {piece.block}）" if piece.block else ""
    return f"图层“{piece.layer}”的{word}{f' {piece.handle}' if piece.handle else ''}{block}"


def _has_height(entity: Any) -> bool:
    if entity.dxftype() == "LWPOLYLINE":
        return bool(entity.dxf.get("elevation", 0.0))
    keys = ("start", "end", "center", "location")
    places = [entity.dxf.get(key) for key in keys if entity.dxf.hasattr(key)]
    places += [one.dxf.get("location") for one in entity.vertices] if entity.dxftype() == "POLYLINE" else []
    return any(getattr(place, "z", 0.0) != 0.0 for place in places if place is not None)


def _left(found: _Found, walk: Walk, elsewhere: int) -> Iterator[Issue]:
    """What was in the drawing and is not among the sites."""
    if found.heights:
        yield Issue("z_dropped", "info", f"有 {found.heights} 个图元带有高程，研判只用平面位置，高程已舍去")
    if found.texts:
        yield Issue("texts_counted", "info", f"有 {found.texts} 处文字，只用作名称，不作为地块")
    if elsewhere:
        yield Issue(
            "paperspace_ignored", "info", f"图纸空间（布局）里有 {elsewhere} 个图元，没有读取，只读模型空间"
        )
    if found.unread:
        listed = "、".join(f"{kind} {count} 个" for kind, count in sorted(found.unread.items()))
        severe = any(kind in _SOLID for kind in found.unread)
        text = f"有 {found.unread.total()} 个图元不是可读的图形，没有读取：{listed}"
        remedy = "若其中有地块边界，请在 CAD 中转换为多段线后提交"
        yield Issue("entities_not_read", "warning" if severe else "info", text, remedy)
    if walk.external:
        text = f"外部参照没有读取：{'、'.join(sorted(walk.external)[:20])}"
        yield Issue("xref_ignored", "warning", text, "请在 CAD 中绑定外部参照后提交")
    for text in dict.fromkeys(walk.broken):
        yield unreadable(InputError(text, where=found.source, remedy="请在 CAD 中分解该块后提交"))
