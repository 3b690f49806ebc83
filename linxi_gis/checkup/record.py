"""What a check-up finds: one fault with its place, and the score card of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from linxi_gis import crs
from linxi_gis.crs import Geometry
from linxi_gis.fitness import FIT, RESERVED, UNFIT

GRAVE, COMMON, HINT = "严重", "一般", "提示"
SEVERITIES = (GRAVE, COMMON, HINT)
_REASONS = 5
KINDS = {
    "unreadable": "读不出来", "crs_missing": "缺坐标系", "crs_wrong": "坐标系写错", "gcj02": "疑为 GCJ-02", "shift": "整体偏移",
    "outside": "在县域以外", "empty": "没有图形", "no_area": "不是面",
    "invalid": "图形不合规", "spike": "尖刺", "sliver": "碎条", "tiny": "碎块",
    "placeholder_word": "占位图斑", "placeholder_box": "外包矩形", "placeholder_county": "盖满全县", "duplicate": "重复",
    "overlap": "同层重叠", "tile_overlap": "应铺满而重叠", "gap": "缝隙", "exclusive": "与另一图层交叉", "encoding": "乱码",
    "code_missing": "缺编号", "code_malformed": "编码不合式", "code_repeated": "编号重复", "class_unmapped": "类别不在对应表中",
    "class_contradicted": "编码与类别不一致", "area_differs": "面积不符", "dates": "日期颠倒", "status": "已批准而无文件",
    "disappeared": "上一版有，这一版没有", "previous_unread": "上一版读不出来",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """One thing that is wrong with a layer; `code` is one of `KINDS`.

    `zones` are zone ids of the layer, then those of `other` where two layers are at odds. `geometry` is longitude
    latitude (EPSG:4490); the whole layer's box, or the county, where no single place can be named.
    `figure` is what was measured, with its unit.
    """

    code: str
    severity: str
    layer: str
    zones: tuple[str, ...]
    geometry: Geometry
    figure: str
    text: str
    remedy: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Whether a layer can be judged by, and why not: 可用于研判, 有保留 or 不可用."""

    layer: str
    title: str
    version: str
    sha256: str
    score: str
    reasons: tuple[str, ...]
    counts: tuple[int, int, int]
    sublayer: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Checkup:
    """The faults of all layers, the gravest first within a layer, and a card a layer in catalogue order."""

    title: str
    day: date
    demonstration: bool
    faults: tuple[Fault, ...]
    cards: tuple[Card, ...]


def lonlat(plane: Geometry) -> Geometry:
    """Return a geometry of the area plane in longitude latitude."""
    placed: Geometry = crs.lonlat_of_plane(plane)
    return placed


def ordered(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return faults by layer as they come, the gravest first, equal ones by code and zones."""
    kept = list(faults)
    place = {layer: n for n, layer in enumerate(dict.fromkeys(fault.layer for fault in kept))}
    return tuple(
        sorted(kept, key=lambda f: (place[f.layer], SEVERITIES.index(f.severity), f.code, f.zones))
    )


def card(layer: str, title: str, version: str, sha256: str, faults: Sequence[Fault], sublayer: str = "") -> Card:
    """Score a layer by its own faults: one 严重 makes it 不可用, one 一般 makes it 有保留.

    >>> import shapely
    >>> fault = Fault("gap", COMMON, "units", (), shapely.Point(), "", "有缝隙", "")
    >>> card("units", "管控单元", "1", "", [fault]).score
    '有保留'
    >>> card("units", "管控单元", "1", "", []).score
    '可用于研判'
    """
    counts = tuple(sum(fault.severity == word for fault in faults) for word in SEVERITIES)
    grave, common, hints = counts
    score = UNFIT if grave else RESERVED if common else FIT
    wanted = GRAVE if grave else COMMON
    reasons = tuple(dict.fromkeys(fault.text for fault in faults if fault.severity == wanted))
    if len(reasons) > _REASONS:
        reasons = (*reasons[:_REASONS], f"另有 {len(reasons) - _REASONS} 条")
    return Card(layer, title, version, sha256, score, reasons, (grave, common, hints), sublayer)
