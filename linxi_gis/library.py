"""Find, read and prepare the layers in force on a day. A layer that cannot be used becomes a Gap."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import shapely

from linxi_gis import crs, vectorfile, zoneindex
from linxi_gis.catalog import Catalog, Entry
from linxi_gis.crs import Geometry
from linxi_gis.errors import LinxiError
from linxi_gis.finding import Issue
from linxi_gis.law import Value
from linxi_gis.model import Gap, Layer, LayerIdentity
from linxi_gis.themes import THEMES

_REPLACEMENT = "\ufffd"
_UNIT_CODE = re.compile(r"^ZH\d{6}([123])\d{4}$")
_UNIT_CLASS = {"1": "priority", "2": "key", "3": "general"}


# The bundled outline is simplified, up to 1 km off locally: within this of its border it vouches for
# nothing.
OUTLINE_ERROR_M = 1000.0


@dataclass(frozen=True, slots=True)
class Library:
    """The layers of a catalogue, read once each and again when a file changes.

    `outline` is a simplified county outline (EPSG:4490). It serves a catalogue without a layer of
    theme admin_county: to judge coordinates, and, a kilometre inside its border, as the extent of
    layers that claim to cover the county.
    """

    catalog: Catalog
    outline: Geometry | None = None
    _read: dict[Entry, tuple[vectorfile.Signature, Layer]] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def layers(self, day: date) -> tuple[Layer | Gap, ...]:
        """Return every layer the county should have, in catalogue order; then what is missing."""
        extent = self._extent(day)
        found = [self._one(layer_id, day, extent) for layer_id in self.catalog.ids()]
        return (*found, *_absent(self.catalog))

    def county(self, day: date) -> Geometry | None:
        """Return the county outline in the area plane, None when nobody knows it."""
        official = self._official(day)
        if official is not None:
            return official
        return None if self.outline is None else crs.to_plane(self.outline)

    def county_lonlat(self, day: date) -> Geometry | None:
        """Return the county outline in EPSG:4490, for display and for judging coordinates."""
        plane = self.county(day)
        return None if plane is None else crs.lonlat_of_plane(plane)

    def _official(self, day: date) -> Geometry | None:
        """Return the outline of the catalogue's own admin_county layer in force, if it can be read."""
        for entry in self.catalog.entries:
            if entry.identity.theme == "admin_county" and entry.in_force(day):
                try:
                    return self._own_zone(self._open(entry))
                except (LinxiError, shapely.errors.GEOSException):
                    return None
        return None

    def _own_zone(self, layer: Layer) -> Geometry | None:
        """Return the zone of this county: by its code where the file holds several, None when in doubt."""
        named = [zone for zone, code in zip(layer.zones, layer.zone_ids, strict=True) if self._is_own(code)]
        if not named and len(layer.zones) == 1:
            named = list(layer.zones)
        return shapely.union_all(named) if named else None

    def _is_own(self, code: str) -> bool:
        return code.partition("#")[0].startswith(self.catalog.county)

    def _extent(self, day: date) -> _Extent:
        """Return what "covers the county" means for the layers of a day."""
        official = self._official(day)
        if official is not None:
            return _Extent(official, ())
        if any(entry.identity.theme == "admin_county" for entry in self.catalog.entries):
            text = "县界图层（admin_county）当日不能用，不知道图层覆盖到哪里"
            return _Extent(None, (Issue("county_unknown", "warning", text, "请先修好县界图层"),))
        if self.outline is None:
            text = "没有县界图层（admin_county），不知道图层覆盖到哪里"
            return _Extent(None, (Issue("county_unknown", "warning", text, "请在目录中加入 admin_county 图层"),))
        inner = shapely.buffer(crs.to_plane(self.outline), -OUTLINE_ERROR_M)
        text = f"目录里没有县界图层，覆盖范围按简化的天地图轮廓计，距其边界 {OUTLINE_ERROR_M:g} m 以内不作保证"
        return _Extent(inner, (Issue("county_simplified", "info", text, "请在目录中加入 admin_county 图层"),))

    def _one(self, layer_id: str, day: date, extent: _Extent) -> Layer | Gap:
        versions = self.catalog.versions(layer_id)
        entry = next((version for version in versions if version.in_force(day)), None)
        stale = ""
        if entry is None:
            past = [v for v in versions if v.effective_to is not None and v.effective_to < day]
            if not past:
                return _gap(versions[0], f"{day.isoformat()} 尚无生效的版本", "请补充当日有效的版本")
            entry = max(past, key=lambda v: v.effective_to or date.min)
            stale = f"最新版本 {entry.identity.version} 已于 {entry.effective_to} 失效"
        try:
            layer = self._open(entry)
            coverage, issues = _coverage(entry, layer, extent)
        except LinxiError as error:
            return _gap(entry, error.what, error.remedy)
        except shapely.errors.GEOSException as error:
            return _gap(entry, f"图形无法处理（{str(error)[:80]}）", "请检查图层图形，或重新索取")
        return replace(layer, coverage=coverage, issues=(*layer.issues, *issues), stale=stale)

    def _open(self, entry: Entry) -> Layer:
        """Return a version as read, anew when one of its files changed. One thread reads at a time."""
        with self._lock:
            now = _signature(entry)
            cached = self._read.get(entry)
            if cached is None or cached[0] != now:
                layer = _load(entry)
                if _signature(entry) != now:
                    raise LinxiError("文件正在变动", where=entry.identity.title, remedy="请等文件写完后重试")
                self._read[entry] = cached = (now, layer)
            return cached[1]


@dataclass(frozen=True, slots=True)
class _Extent:
    """The county as far as anybody vouches for it (area plane), and what there is to say of that."""

    area: Geometry | None
    issues: tuple[Issue, ...]


def _signature(entry: Entry) -> vectorfile.Signature:
    extent = entry.extent_path
    return vectorfile.signature(entry.path) + (vectorfile.signature(extent) if extent is not None else ())


def _gap(entry: Entry, what: str, remedy: str) -> Gap:
    return Gap(entry.identity, Issue("layer_not_checked", "error", f"{entry.identity.title}：{what}", remedy))


def _absent(catalog: Catalog) -> list[Gap]:
    """Return a gap for every theme the county must have and the catalogue does not list."""
    have = {entry.identity.theme for entry in catalog.entries}
    gaps = []
    for theme in catalog.required_themes:
        if theme not in have:
            identity = LayerIdentity(theme, theme, THEMES[theme], required=True)
            issue = Issue(
                "layer_absent",
                "error",
                f"图层目录里没有{THEMES[theme]}（主题 {theme}）",
                "请在 catalog.toml 中加入该图层；确不需要的，在 [catalog] required_themes 中写明",
            )
            gaps.append(Gap(identity, issue))
    return gaps


def _load(entry: Entry) -> Layer:
    """Read one version whole; raises LinxiError subclasses for whatever cannot be trusted."""
    sha = vectorfile.sha256(entry.path)
    extent = None if entry.extent_path is None else _read_extent(entry.extent_path)
    table = vectorfile.read(entry.path, sublayer=entry.sublayer, encoding=entry.encoding)
    title = entry.identity.title
    if not len(table.geometries):
        raise LinxiError("文件里没有任何要素", where=title, remedy="请核对是否导出完整")
    shapes, rows = zoneindex.exploded(table.geometries)
    if len(shapes) > len(table.geometries):
        table = vectorfile.Table(shapes, {key: column[rows] for key, column in table.columns.items()}, table.crs)
    system = _system(entry, table.crs)
    columns = _Columns(entry, table)
    ids, names = columns.ids(), columns.texts(entry.columns.name)
    label = tuple(f"{title}「{name or zone_id}」" for name, zone_id in zip(names, ids, strict=True))
    zones, tree, healed = zoneindex.prepare(table.geometries, system, label)
    if bool(shapely.is_empty(zones).all()):
        raise LinxiError("没有一个要素有图形", where=title, remedy="文件可能已损坏，请重新复制或索取")
    classes, odd = _classes(entry, columns.texts(entry.columns.cls), ids)
    return Layer(
        identity=entry.identity,
        sha256=sha,
        zones=zones,
        tree=tree,
        zone_ids=ids,
        zone_names=names,
        zone_classes=classes,
        zone_facts=columns.facts(),
        coverage=None if extent is None else extent.area,
        issues=(*(extent.issues if extent is not None else ()), *healed, *odd, *_accuracy_issue(entry), *columns.mojibake()),
    )


def _system(entry: Entry, in_file: str | None) -> str:
    """Return the CRS to read by: the file's; the catalogue's only when the file has none."""
    title = entry.identity.title
    if in_file is None and entry.crs is None:
        raise LinxiError("图层没有坐标系信息", where=title, remedy='请在 catalog.toml 写明 crs，例如 crs = "EPSG:4490"')
    system = in_file or entry.crs or ""
    if in_file is not None and entry.crs is not None:
        crs.same_crs(in_file, entry.crs)
    parsed = crs.parse(system)
    crs.require_transformable(parsed)
    return crs.LONLAT if parsed.equals(crs.parse(crs.LONLAT), ignore_axis_order=True) else system


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
        """Return the zone facts that rules read; an empty cell stays unknown."""
        grade = self.texts(self.entry.columns.grade)
        approval = self.texts(self.entry.columns.approval)
        rows: list[tuple[tuple[str, Value], ...]] = []
        for g, a in zip(grade, approval, strict=True):
            facts: list[tuple[str, Value]] = []
            if g:
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
    """Return the grade of a protected area as the rules name it; a word we do not know as it is.

    >>> grade_word("市级自然保护区"), grade_word("自治区级"), grade_word("旗县级"), grade_word("一般")
    ('市级', '省级', '县级', '一般')
    """
    return next((grade for grade, pattern in _GRADES if re.search(pattern, text)), text)


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


def _coverage(entry: Entry, layer: Layer, extent: _Extent) -> tuple[Geometry | None, tuple[Issue, ...]]:
    """Return where "no zone" really means none (area plane), None when it is not known."""
    title = entry.identity.title
    if zoneindex.lossy(layer.issues):
        text = f"{title}有要素没有图形或修复后消失，没有命中不等于没有"
        return None, (Issue("layer_lossy", "warning", text, "请换用完整的图层"),)
    if entry.extent_path is not None:
        return layer.coverage, _reach(title, layer, layer.coverage)
    if entry.coverage == "county":
        return extent.area, (*extent.issues, *_reach(title, layer, extent.area))
    text = f"{title}的覆盖范围未知，没有命中不等于没有"
    remedy = '请在 catalog.toml 写明 coverage = "county" 或范围文件'
    return None, (Issue("coverage_unknown", "warning", text, remedy),)


def _reach(title: str, layer: Layer, area: Geometry | None) -> tuple[Issue, ...]:
    """Raise LinxiError when no zone is near what the layer claims to cover; warn when most are not.

    Coordinates of the wrong zone, or with a wrong CRS named, put every zone somewhere else.
    """
    if area is None:
        return ()
    near = shapely.dwithin(layer.zones, area, layer.identity.range_m)
    if not near.any():
        raise LinxiError("所有要素都不在声明的覆盖范围内", where=title, remedy="请核对图层的坐标系和带号")
    inside = int(near.sum())
    if inside * 2 >= len(near):
        return ()
    text = f"{title}有 {len(near) - inside} 个要素（共 {len(near)} 个）不在声明的覆盖范围内"
    return (Issue("zones_outside_coverage", "warning", text, "请核对图层的坐标系、带号和覆盖范围"),)


def _read_extent(path: Path) -> _Extent:
    """Read a coverage file like a layer: its CRS must be known, its repairs are told."""
    table = vectorfile.read(path)
    if table.crs is None:
        raise LinxiError("覆盖范围文件没有坐标系信息", where=path.name, remedy="请补上 .prj 等坐标系信息")
    crs.require_transformable(crs.parse(table.crs))
    names = tuple(f"{path.name} 第 {row} 个范围" for row in range(1, len(table.geometries) + 1))
    areas, _, issues = zoneindex.prepare(table.geometries, table.crs, names)
    issues += (Issue("coverage_file", "info", f"覆盖范围取自 {path.name}（SHA-256 {vectorfile.sha256(path)}）"),)
    return _Extent(shapely.union_all(areas), issues)
