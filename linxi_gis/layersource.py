"""Read one version of a layer from its source into the arrays a prepared layer is made of, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, vectorfile, zoneindex
from linxi_gis.catalog import Entry
from linxi_gis.crs import Geometry
from linxi_gis.errors import LinxiError
from linxi_gis.finding import Issue
from linxi_gis.law import Value
from linxi_gis.model import Layer
from linxi_gis.shelf import Arrays, Texts
from linxi_gis.themes import AREAL_THEMES
from linxi_gis.zonestore import Zones

_REPLACEMENT = "\ufffd"
_NAMED = 5  # zones named in one issue
_UNIT_CODE = re.compile(r"^ZH\d{6}([123])\d{4}$")
_UNIT_CLASS = {"1": "priority", "2": "key", "3": "general"}
# Reading and cutting take about a second for so many bytes: whoever waits is told.
_LONG_BYTES = 8_000_000
# Further indexes of a layer, stored beside its zones under "name.array" and found by `Zones.named(name)`:
# a name, which is part of what the layer is known by, and what makes the arrays of the plane geometries.
Indexes = Mapping[str, Callable[[NDArray[Any]], Mapping[str, NDArray[Any]]]]


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A version read and prepared: what `layer` needs, as words and arrays."""

    meta: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def parameters(entry: Entry, sha256: str, extent_sha256: str, indexes: Indexes) -> list[object]:
    """Return everything that decides what a layer is prepared into, besides this program itself."""
    identity = entry.identity
    told = [identity.title, identity.theme, identity.accuracy_m, entry.accuracy_stated]  # stand in its issues
    read = [entry.sublayer, entry.encoding, entry.crs, asdict(entry.columns), entry.classes]
    extent = entry.extent_path
    return [sha256, extent_sha256, extent and extent.name, told, read, sorted(indexes)]


def is_long(signature: vectorfile.Signature) -> bool:
    """Whether reading files of these sizes takes long enough to be told."""
    return sum(size for _, size, _, _ in signature) > _LONG_BYTES


def read(entry: Entry, sha256: str, extent_sha256: str, indexes: Indexes) -> Draft:
    """Read one version whole; raises LinxiError subclasses for whatever cannot be trusted."""
    extent = None if entry.extent_path is None else _read_extent(entry.extent_path, extent_sha256)
    table = vectorfile.read(entry.path, sublayer=entry.sublayer, encoding=entry.encoding)
    title = entry.identity.title
    if not len(table.geometries):
        raise LinxiError("文件里没有任何要素", where=title, remedy="请核对是否导出完整")
    shapes, rows = zoneindex.exploded(table.geometries)
    if len(shapes) > len(table.geometries):
        table = vectorfile.Table(shapes, {key: column[rows] for key, column in table.columns.items()}, table.crs)
    system = _system(entry, table)
    columns = _Columns(entry, table)
    ids, names = columns.ids(), columns.texts(entry.columns.name)
    label = tuple(f"{title}「{name or zone_id}」" for name, zone_id in zip(names, ids, strict=True))
    plane, zones, healed = zoneindex.prepare(table.geometries, system, label)
    if bool(shapely.is_empty(plane).all()):
        raise LinxiError("没有一个要素有图形", where=title, remedy="文件可能已损坏，请重新复制或索取")
    healed = (*healed, *_flat(entry, plane, label))
    classes, odd = _classes(entry, columns.texts(entry.columns.cls), ids)
    issues = (*(extent.issues if extent is not None else ()), *healed, *odd, *_accuracy_issue(entry), *columns.mojibake())
    arrays: dict[str, NDArray[Any]] = {**zones.arrays, "zone.point": _points(plane)}
    for name, texts in (("ids", ids), ("names", names), ("classes", classes), ("facts", _coded(columns.facts()))):
        arrays |= Texts.of(texts).save(name)
    if extent is not None and extent.area is not None:
        arrays["coverage.wkb"] = np.frombuffer(shapely.to_wkb(extent.area, byte_order=1), dtype=np.uint8)
    for name, build in indexes.items():
        arrays |= {f"{name}.{key}": array for key, array in build(plane).items()}
    return Draft({"sha256": sha256, "issues": [asdict(issue) for issue in issues]}, arrays)


def _flat(entry: Entry, plane: NDArray[Any], label: Sequence[str]) -> list[Issue]:
    """Return an Issue of the lines and points of a theme of areas: what they should surround is lost."""
    if entry.identity.theme not in AREAL_THEMES:
        return []
    rows = np.flatnonzero((shapely.get_dimensions(plane) < 2) & ~shapely.is_empty(plane)).tolist()
    if not rows:
        return []
    named = "、".join(label[row] for row in rows[:_NAMED]) + (f"等 {len(rows)} 个" if len(rows) > _NAMED else "")
    remedy = "请索取面图层，或把边界线构成面后重新导出"
    return [Issue("zone_lost", "error", f"{named}是线或点，不是面，不知道范围", remedy)]


def layer(entry: Entry, meta: Mapping[str, Any], arrays: Arrays) -> Layer:
    """Return the layer of what `read` gave, in memory or mapped from disk; nothing is opened before it is asked for."""
    zones = Zones(arrays)
    covered = "coverage.wkb" in arrays
    return Layer(
        identity=entry.identity,
        sha256=meta["sha256"],
        zones=zones,
        tree=zones,
        zone_ids=Texts(arrays, "ids"),
        zone_names=Texts(arrays, "names"),
        zone_classes=Texts(arrays, "classes"),
        zone_facts=_Facts(Texts(arrays, "facts")),
        coverage=shapely.from_wkb(arrays["coverage.wkb"].tobytes()) if covered else None,
        issues=tuple(Issue(**issue) for issue in meta["issues"]),
    )


def _points(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Return the first vertex of each zone, shape (n, 2), NaN for an empty one."""
    xy, owner = shapely.get_coordinates(plane, return_index=True)
    points = np.full((len(plane), 2), np.nan)
    rows, first = np.unique(owner, return_index=True)
    points[rows] = xy[first]
    return points


Facts = tuple[tuple[str, Value], ...]


def _coded(facts: Sequence[Facts]) -> list[str]:
    return [json.dumps(one, ensure_ascii=False) if one else "" for one in facts]


class _Facts(Sequence[Facts]):
    """The facts of the zones, decoded one at a time."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, row: Any) -> Any:
        text = self._texts[row]
        if isinstance(row, slice):
            return tuple(self[i] for i in range(*row.indices(len(self))))
        return tuple((str(name), value) for name, value in json.loads(text)) if text else ()


@dataclass(frozen=True, slots=True)
class Extent:
    """How far somebody vouches (area plane), and what there is to say of that."""

    area: Geometry | None
    issues: tuple[Issue, ...]


def _system(entry: Entry, table: vectorfile.Table) -> str:
    """Return the CRS to read by: the file's; the catalogue's only when the file has none."""
    title, in_file = entry.identity.title, table.crs
    if in_file is None and entry.crs is None:
        remedy = f"请向提供单位问明，在 catalog.toml 写明 crs（{_looks(table.geometries)}），或补上 .prj 等坐标系说明"
        raise LinxiError("图层没有坐标系信息", where=title, remedy=remedy)
    system = in_file or entry.crs or ""
    if in_file is not None and entry.crs is not None:
        crs.same_crs(in_file, entry.crs)
    parsed = crs.parse(system)
    crs.require_transformable(parsed)
    return crs.LONLAT if parsed.equals(crs.parse(crs.LONLAT), ignore_axis_order=True) else system


def _looks(drawn: NDArray[Any]) -> str:
    """Say which CRS the coordinates look like; an example of another would send the layer elsewhere.

    >>> _looks(np.array([shapely.box(39580000, 4829000, 39580100, 4829100)]))
    '数值像 crs = "EPSG:4527"，须核实'
    >>> _looks(np.array([shapely.box(118.0, 43.6, 118.1, 43.7)]))
    '数值像经纬度，国家 2000 写 crs = "EPSG:4490"，须核实'
    """
    west, south, east, north = shapely.total_bounds(drawn).tolist()
    if max(abs(west), abs(east)) <= 180.0 and max(abs(south), abs(north)) <= 90.0:
        return '数值像经纬度，国家 2000 写 crs = "EPSG:4490"，须核实'
    zone = int(east // 1e6) if np.isfinite(east) else 0
    if zone == west // 1e6 and 13 <= zone <= 45 and zone != 24:
        return f'数值像 crs = "EPSG:{4513 + zone - 25 if zone >= 25 else 4491 + zone - 13}"，须核实'
    return '坐标里没有带号，例如 3 度带 39 带写 crs = "EPSG:4548"'


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The attribute columns a catalogue entry names; raises LinxiError for one that is not there."""

    entry: Entry
    table: vectorfile.Table

    def texts(self, name: str) -> tuple[str, ...]:
        if not name:
            return ("",) * len(self.table.geometries)
        if name not in self.table.columns:
            have = "、".join(list(self.table.columns)[:12])
            raise LinxiError(
                f"缺少字段 {name!r}",
                where=self.entry.identity.title,
                remedy=f"请在 catalog.toml 的 columns 中指明；文件里有：{have}",
            )
        return tuple(vectorfile.text(value) for value in self.table.columns[name])

    def ids(self) -> tuple[str, ...]:
        """Return zone ids, made unique and never empty (row numbers from 1 stand in)."""
        raw = self.texts(self.entry.columns.id)
        seen: dict[str, int] = {}
        ids = []
        for row, value in enumerate(raw, start=1):
            base = value or str(row)
            seen[base] = seen.get(base, 0) + 1
            ids.append(base if seen[base] == 1 else f"{base}#{seen[base]}")
        return tuple(ids)

    def facts(self) -> tuple[tuple[tuple[str, Value], ...], ...]:
        """Return the zone facts that rules read; an empty cell, or a grade we do not know, stays unknown."""
        grade = self.texts(self.entry.columns.grade)
        approval = self.texts(self.entry.columns.approval)
        rows: list[tuple[tuple[str, Value], ...]] = []
        for g, a in zip(grade, approval, strict=True):
            facts: list[tuple[str, Value]] = []
            if grade_word(g):
                facts.append(("zone.grade", grade_word(g)))
            if approved(a) is not None:
                facts.append(("zone.approved_by_province", approved(a) is True))
            rows.append(tuple(facts))
        return tuple(rows)

    def mojibake(self) -> list[Issue]:
        """Return an Issue when names came out damaged."""
        texts = (*self.texts(self.entry.columns.name), *self.texts(self.entry.columns.cls))
        if not any(_REPLACEMENT in text for text in texts):
            return []
        return [
            Issue(
                "encoding_damaged", "warning", f"{self.entry.identity.title}的文字编码有误，名称含乱码",
                '请在 catalog.toml 写明 encoding = "GBK"',
            )
        ]  # fmt: skip


_GRADES = (("国家级", r"国家"), ("省级", r"自治区|省"), ("市级", r"市|盟"), ("县级", r"县|旗"))
_NOT_APPROVED = re.compile(r"未批|未经批准|待批|测算|无批准|报批")
_NO_WORD = re.compile(r"^[\s\-—－/／无]*$")


def grade_word(text: str) -> str:
    """Return the grade of a protected area as the rules name it; "" for a word we do not know.

    >>> grade_word("市级自然保护区"), grade_word("自治区级"), grade_word("旗县级"), grade_word("一般")
    ('市级', '省级', '县级', '')
    """
    return next((grade for grade, pattern in _GRADES if re.search(pattern, text)), "")


def approved(text: str) -> bool | None:
    """Read a column of approval documents: a document means yes, 未批准 no, an empty cell unknown.

    >>> approved("内政字〔2019〕1号"), approved("未批准"), approved("—"), approved("")
    (True, False, None, None)
    """
    if _NO_WORD.match(text):
        return None
    return not _NOT_APPROVED.search(text)


def _classes(entry: Entry, raw: Sequence[str], ids: Sequence[str]) -> tuple[tuple[str, ...], list[Issue]]:
    """Map the layer's own class words to ours; a word without a mapping stays as it is (and is told)."""
    words = dict(entry.classes)
    title = entry.identity.title
    if entry.identity.theme == "control_unit" and not entry.columns.cls:
        return _unit_classes(title, ids)
    if not words:
        return tuple(raw), []
    known = set(words.values())
    mapped = tuple(words.get(word, word) for word in raw)
    odd = sorted({word for word in raw if word not in words and word not in known})
    if not odd:
        return mapped, []
    names = "、".join(word or "（空）" for word in odd[:5])
    return mapped, [
        Issue("class_unmapped", "warning", f"{title}的类别 {names} 不在 classes 对应表中，按其字面理解，不认识的按类别不明处理",
              "请在 catalog.toml 的 classes 中补充")
    ]  # fmt: skip


def _unit_classes(title: str, ids: Sequence[str]) -> tuple[tuple[str, ...], list[Issue]]:
    """Take a control unit's class from the seventh digit of its code ZH + 6 + class + 4."""
    matches = [_UNIT_CODE.match(zone_id) for zone_id in ids]
    classes = tuple(_UNIT_CLASS[match[1]] if match else "" for match in matches)
    bad = [zone_id for zone_id, match in zip(ids, matches, strict=True) if not match]
    if not bad:
        return classes, []
    return classes, [
        Issue("unit_code_malformed", "warning", f"{title}的编码 {bad[0]} 等 {len(bad)} 个不合 ZH+6 位区划+类别+4 位顺序",
              "请核对管控单元编码")
    ]  # fmt: skip


def _accuracy_issue(entry: Entry) -> list[Issue]:
    if entry.accuracy_stated:
        return []
    return [
        Issue("accuracy_unstated", "info", f"{entry.identity.title}未注明精度，按 {entry.identity.accuracy_m:g} m 计",
              "请在 catalog.toml 写明 accuracy_m")
    ]  # fmt: skip


def _read_extent(path: Path, sha256: str) -> Extent:
    """Read a coverage file like a layer: its CRS must be known, its repairs are told."""
    table = vectorfile.read(path)
    if table.crs is None:
        raise LinxiError("覆盖范围文件没有坐标系信息", where=path.name, remedy="请补上 .prj 等坐标系信息")
    crs.require_transformable(crs.parse(table.crs))
    names = tuple(f"{path.name} 第 {row} 个范围" for row in range(1, len(table.geometries) + 1))
    areas, _, issues = zoneindex.prepare(table.geometries, table.crs, names)
    issues += (Issue("coverage_file", "info", f"覆盖范围取自 {path.name}（SHA-256 {sha256}）"),)
    return Extent(shapely.union_all(areas), issues)
