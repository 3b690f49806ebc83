"""Find, read and prepare the layers in force on a day. A layer that cannot be used becomes a Gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, fitness, layersource, prepared, vectorfile, zoneindex
from linxi_gis.catalog import Catalog, Entry
from linxi_gis.clauses import ClauseBook
from linxi_gis.crs import Geometry
from linxi_gis.errors import CacheError, LayerError, LinxiError
from linxi_gis.finding import Issue
from linxi_gis.geometry import own
from linxi_gis.layersource import Extent
from linxi_gis.layersource import approved as approved
from linxi_gis.layersource import grade_word as grade_word
from linxi_gis.model import Gap, Layer, LayerIdentity
from linxi_gis.shelf import Shelf
from linxi_gis.themes import BACKDROP_THEMES, THEMES
from linxi_gis.zonestore import Zones

# The bundled outline is simplified, up to 1 km off locally: within this of its border it vouches for
# nothing.
OUTLINE_ERROR_M = 1000.0


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Library:
    """The layers of a catalogue, read once each and again when a file changes.

    `outline` is a simplified county outline (EPSG:4490). It serves a catalogue without a layer of
    theme admin_county: to judge coordinates, and, a kilometre inside its border, as the extent of
    layers that claim to cover the county. Prepared layers are kept in `cache`; `indexes` are made of each
    layer and kept beside it. `access_list` are the clauses the catalogue names, read and checked.
    A layer that the check-up recorded as 不可用 is a gap while its content stays the same, unless not `heeding`.
    """

    catalog: Catalog
    outline: Geometry | None = None
    cache: prepared.Cache = field(default_factory=prepared.Cache)
    access_list: ClauseBook | None = None
    indexes: layersource.Indexes = field(default_factory=dict)
    heeding: bool = True
    _read: dict[Entry, tuple[vectorfile.Signature, Layer]] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _damaged: set[Path] = field(default_factory=set, repr=False)
    _counties: dict[Entry, tuple[Layer, Geometry | None]] = field(default_factory=dict, repr=False)
    _inner: list[Geometry] = field(default_factory=list, repr=False)

    def layers(self, day: date) -> tuple[Layer | Gap, ...]:
        """Return every layer the county should have, in catalogue order; then what is missing."""
        extent, scores = self._extent(day), self._scores()
        found = [self._one(layer_id, day, extent, scores) for layer_id in self.catalog.ids()]
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
        scores = self._scores()
        for entry in self.catalog.entries:
            if entry.identity.theme == "admin_county" and entry.in_force(day):
                try:
                    return self.trying(partial(self._zone_of, entry, scores))
                except (LinxiError, shapely.errors.GEOSException):
                    return None
        return None

    def trying(self, work: Callable[[], T]) -> T:
        """Do what reads layers; again where what was prepared turns out damaged: the layers themselves are there."""
        for _ in self.catalog.entries:  # each may be damaged, and shows it only when it is reached
            try:
                return work()
            except CacheError:
                self.mend()
        return work()

    def _zone_of(self, entry: Entry, scores: Sequence[fitness.Score]) -> Geometry | None:
        layer = self._open(entry)
        _fit(entry, layer, scores)
        kept = self._counties.get(entry)
        if kept is None or kept[0] is not layer:  # of one outline all who ask hold the same object
            kept = self._counties[entry] = layer, self._own_zone(layer)
        return kept[1]

    def _own_zone(self, layer: Layer) -> Geometry | None:
        """Return the zone of this county: by its code where the file holds several, None when in doubt."""
        named = [row for row, code in enumerate(layer.zone_ids) if self._is_own(code)]
        if not named and len(layer.zones) == 1:
            named = [0]
        zone: Geometry | None = shapely.union_all(layer.zones[np.array(named)]) if named else None
        return zone if zone is not None and zone.area > 0.0 else None  # a border drawn as lines encloses nothing

    def _is_own(self, code: str) -> bool:
        return code.partition("#")[0].startswith(self.catalog.county)

    def _extent(self, day: date) -> Extent:
        """Return what "covers the county" means for the layers of a day."""
        official = self._official(day)
        if official is not None:
            return Extent(official, ())
        if any(entry.identity.theme == "admin_county" for entry in self.catalog.entries):
            text = "县界图层（admin_county）当日不能用，不知道图层覆盖到哪里"
            return Extent(None, (Issue("county_unknown", "warning", text, "请先修好县界图层"),))
        if self.outline is None:
            text = "没有县界图层（admin_county），不知道图层覆盖到哪里"
            return Extent(None, (Issue("county_unknown", "warning", text, "请在目录中加入 admin_county 图层"),))
        if not self._inner:
            self._inner.append(shapely.buffer(crs.to_plane(self.outline), -OUTLINE_ERROR_M))
        text = f"目录里没有县界图层，覆盖范围按简化的天地图轮廓计，距其边界 {OUTLINE_ERROR_M:g} m 以内不作保证"
        return Extent(self._inner[0], (Issue("county_simplified", "info", text, "请在目录中加入 admin_county 图层"),))

    def _scores(self) -> tuple[fitness.Score, ...]:
        return fitness.read(self.catalog.path) if self.heeding else ()

    def _one(self, layer_id: str, day: date, extent: Extent, scores: Sequence[fitness.Score]) -> Layer | Gap:
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
            _fit(entry, layer, scores)
            coverage, issues = _coverage(entry, layer, extent)
        except CacheError:
            raise  # the layer is there, only what was prepared of it is not
        except LinxiError as error:
            return _gap(entry, error.what, error.remedy)
        except shapely.errors.GEOSException as error:
            return _gap(entry, f"图形无法处理（{str(error)[:80]}）", "请检查图层图形，或重新索取")
        stale = stale or entry.outdated(day)
        return replace(layer, coverage=coverage, issues=(*layer.issues, *issues), stale=stale)

    def _open(self, entry: Entry) -> Layer:
        """Return a version as read, anew when one of its files changed, or what was prepared of them.

        One thread reads at a time.
        """
        with self._lock:
            now = _signature(entry)
            cached = self._read.get(entry)
            if cached is None or cached[0] != now or not _stands(cached[1]):
                self._read[entry] = cached = (now, self._prepared(entry, now))
            return cached[1]

    def _prepared(self, entry: Entry, now: vectorfile.Signature) -> Layer:
        """Return a version as prepared before, or read and prepare it, and keep that."""
        extent = entry.extent_path
        sha = self.cache.sha256(entry.path, vectorfile.signature(entry.path))
        extent_sha = "" if extent is None else self.cache.sha256(extent, vectorfile.signature(extent))
        key = prepared.key(layersource.parameters(entry, sha, extent_sha, self.indexes))
        kept = self.cache.open(key)
        if kept is not None and kept.path not in self._damaged:
            try:
                return layersource.layer(entry, kept.meta, kept)
            except CacheError:
                self._give_up(kept.path)
        draft = self._read_anew(entry, now, sha, extent_sha)
        saved = self.cache.save(key, draft.meta, draft.arrays)
        if saved is not None:
            self._damaged.discard(saved.path)
        return layersource.layer(entry, draft.meta, saved or draft.arrays)

    def _give_up(self, path: Path) -> None:
        """Remove a damaged prepared layer; where the system lets it stand, as Windows may, do not open it again."""
        self._damaged.add(path)
        self.cache.discard(path)

    def _read_anew(self, entry: Entry, now: vectorfile.Signature, sha: str, extent_sha: str) -> layersource.Draft:
        """Read and prepare a version; raises LinxiError when its files change meanwhile. What takes long is told."""
        long, start = layersource.is_long(now), time.monotonic()
        if long:
            megabytes = sum(size for _, size, _, _ in now) / 1e6
            self.cache.told(f"预处理图层「{entry.identity.title}」（{megabytes:.0f} MB，只在第一次使用或文件变动后）…")
        draft = layersource.read(entry, sha, extent_sha, self.indexes)
        if _signature(entry) != now or not self._unchanged(entry, sha, extent_sha):
            raise LinxiError("文件正在变动", where=entry.identity.title, remedy="请等文件写完后重试")
        if long:
            self.cache.told(f"预处理图层「{entry.identity.title}」完成，用时 {time.monotonic() - start:.1f} s")
        return draft

    def _unchanged(self, entry: Entry, sha: str, extent_sha: str) -> bool:
        """Whether what was read is what was hashed; asked of files so young that their times may not tell."""
        if self.cache.folder is None:
            return True
        extent = entry.extent_path
        return self.cache.sha256(entry.path, vectorfile.signature(entry.path)) == sha and (
            extent is None or self.cache.sha256(extent, vectorfile.signature(extent)) == extent_sha
        )

    def mend(self) -> None:
        """Remove the prepared layers that are damaged and forget all: the next to ask has them made anew."""
        with self._lock:
            for _, layer in self._read.values():
                kept = _shelf(layer)
                if kept is not None and kept.stands() and not kept.is_whole():  # another is checked as it is opened
                    self._give_up(kept.path)
            self._read.clear()


def _shelf(layer: Layer) -> Shelf | None:
    """Return the file a layer is mapped from, None for one in memory."""
    arrays = layer.tree.arrays if isinstance(layer.tree, Zones) else None
    return arrays if isinstance(arrays, Shelf) else None


def _stands(layer: Layer) -> bool:
    kept = _shelf(layer)
    return kept is None or kept.stands()


def _signature(entry: Entry) -> vectorfile.Signature:
    extent = entry.extent_path
    return vectorfile.signature(entry.path) + (vectorfile.signature(extent) if extent is not None else ())


def _gap(entry: Entry, what: str, remedy: str) -> Gap:
    return Gap(entry.identity, Issue("layer_not_checked", "error", f"{entry.identity.title}：{what}", remedy))


def _fit(entry: Entry, layer: Layer, scores: Sequence[fitness.Score]) -> None:
    """Raise LayerError when the check-up found a layer as it is now 不可用."""
    named = fitness.Content(entry.identity.id, entry.identity.version, entry.sublayer or "")
    kept_out = fitness.unfit(scores, named, layer.sha256)
    if kept_out is not None:
        remedy = "请按体检的办法改正或换用图层，再运行 linxi layers check --record"
        raise LayerError(kept_out.why(), where=entry.identity.title, remedy=remedy)


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


def _coverage(entry: Entry, layer: Layer, extent: Extent) -> tuple[Geometry | None, tuple[Issue, ...]]:
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
    """Raise LinxiError when no zone is near what the layer claims to cover; warn when some are not.

    Coordinates of the wrong zone (带号), or with a wrong CRS named, put zones somewhere else: all of them, or those of
    one part of a package. A package of several counties has such zones rightly: nobody but its user can tell.
    """
    if area is None:
        return ()
    rows = _not_surely_inside(layer, area)
    if not len(rows):
        return ()
    near = shapely.dwithin(layer.zones[rows], area, layer.identity.range_m)
    away, every = int((~near).sum()), len(layer.zone_ids)
    if away == every:
        raise LinxiError("所有要素都不在声明的覆盖范围内", where=title, remedy="请核对图层的坐标系和带号")
    if not away or layer.identity.theme in BACKDROP_THEMES:
        return ()
    text = f"{title}有 {away} 个要素（共 {every} 个）不在声明的覆盖范围内；如有本县的，它们应在的地方会误报没有"
    return (Issue("zones_outside_coverage", "warning", text, "请核对图层的坐标系、带号和覆盖范围"),)


def _not_surely_inside(layer: Layer, area: Geometry) -> NDArray[np.intp]:
    """Return the rows of zones whose first vertex is not in an area: only those need be opened."""
    points = layer.tree.arrays.get("zone.point") if isinstance(layer.tree, Zones) else None
    if points is None:
        return np.arange(len(layer.zone_ids))
    return np.flatnonzero(~shapely.contains_xy(own(area), points))
