"""Find, read and prepare the layers in force on a day. A layer that cannot be used becomes a Gap."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
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


@dataclass(frozen=True, slots=True)
class Library:
    """The layers of a catalogue, read once each.

    `outline` is the county outline (EPSG:4490) to fall back on when the catalogue has no layer of
    theme admin_county. Layers read stay in memory until their file changes.
    """

    catalog: Catalog
    outline: Geometry | None = None
    _read: dict[tuple[str, str], tuple[vectorfile.Signature, Layer]] = field(default_factory=dict, repr=False)

    def layers(self, day: date) -> tuple[Layer | Gap, ...]:
        """Return every layer the county should have, in catalogue order; then what is missing."""
        county = self.county()
        found = [self._one(layer_id, day, county) for layer_id in self.catalog.ids()]
        return (*found, *_absent(self.catalog))

    def county(self) -> Geometry | None:
        """Return the county outline in the area plane, None when nobody knows it."""
        for entry in self.catalog.entries:
            if entry.identity.theme == "admin_county":
                try:
                    return shapely.union_all(self._open(entry, None).zones)
                except LinxiError:
                    break
        return None if self.outline is None else crs.to_plane(self.outline)

    def county_lonlat(self) -> Geometry | None:
        """Return the county outline in EPSG:4490, for display and for judging coordinates."""
        plane = self.county()
        return None if plane is None else crs.lonlat_of_plane(plane)

    def _one(self, layer_id: str, day: date, county: Geometry | None) -> Layer | Gap:
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
            layer = self._open(entry, county)
        except LinxiError as error:
            return _gap(entry, error.what, error.remedy)
        return replace(layer, stale=stale) if stale else layer

    def _open(self, entry: Entry, county: Geometry | None) -> Layer:
        key = (entry.identity.id, entry.identity.version)
        now = vectorfile.signature(entry.path)
        cached = self._read.get(key)
        if cached is None or cached[0] != now:
            self._read[key] = cached = (now, _load(entry))
        coverage, issues = _coverage(entry, county)
        return replace(cached[1], coverage=coverage, issues=(*cached[1].issues, *issues))


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
    table = vectorfile.read(entry.path, sublayer=entry.sublayer, encoding=entry.encoding)
    title = entry.identity.title
    if not len(table.geometries):
        raise LinxiError("文件里没有任何要素", where=title, remedy="请核对是否导出完整")
    system = _system(entry, table.crs)
    columns = _Columns(entry, table)
    ids, names = columns.ids(), columns.texts(entry.columns.name)
    label = tuple(f"{title}「{name or zone_id}」" for name, zone_id in zip(names, ids, strict=True))
    zones, tree, healed = zoneindex.prepare(table.geometries, system, label)
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
        coverage=None,
        issues=(*healed, *odd, *_accuracy_issue(entry), *columns.mojibake()),
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
                facts.append(("zone.grade", g))
            if a:
                facts.append(("zone.approved_by_province", True))
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


def _classes(entry: Entry, raw: Sequence[str], ids: Sequence[str]) -> tuple[tuple[str, ...], list[Issue]]:
    """Map the layer's own class words to ours; a word that has no mapping stays unknown ("")."""
    words = dict(entry.classes)
    title = entry.identity.title
    if entry.identity.theme == "control_unit" and not entry.columns.cls:
        return _unit_classes(title, ids)
    if not words:
        return tuple(raw), []
    known = set(words.values())
    mapped = tuple(words.get(word, word if word in known else "") for word in raw)
    odd = sorted({word for word, ours in zip(raw, mapped, strict=True) if not ours})
    if not odd:
        return mapped, []
    names = "、".join(word or "（空）" for word in odd[:5])
    return mapped, [
        Issue("class_unknown", "warning", f"{title}的类别 {names} 没有对应关系，按类别不明处理",
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


def _coverage(entry: Entry, county: Geometry | None) -> tuple[Geometry | None, list[Issue]]:
    """Return where "no zone" really means none (area plane), None when it is not known."""
    title = entry.identity.title
    if entry.coverage == "county":
        if county is not None:
            return county, []
        return None, [
            Issue("county_unknown", "warning", f"{title}声明覆盖全县，但没有县界图层", "请在目录中加入 admin_county 图层")
        ]
    if entry.coverage == "unknown":
        return None, [
            Issue("coverage_unknown", "warning", f"{title}的覆盖范围未知，没有命中不等于没有",
                  '请在 catalog.toml 写明 coverage = "county" 或范围文件')
        ]  # fmt: skip
    path = Path(entry.coverage)
    table = vectorfile.read(path)
    system = table.crs or crs.LONLAT
    valid = shapely.make_valid(np.asarray(crs.to_lonlat(table.geometries, system), dtype=object))
    return crs.to_plane(shapely.union_all(valid)), []
