"""The catalogue: which layers should exist, where, in which version, how to read their columns."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from linxi_gis.errors import CatalogError
from linxi_gis.model import MAY_BE_STALE, LayerIdentity
from linxi_gis.themes import REQUIRED_THEMES, THEMES
from linxi_gis.tomlkeys import TABLE as _TABLE
from linxi_gis.tomlkeys import Checker as _Checker
from linxi_gis.tomlkeys import Key as _Key
from linxi_gis.tomlkeys import day as _day
from linxi_gis.tomlkeys import number as _number
from linxi_gis.tomlkeys import of as _of
from linxi_gis.tomlkeys import text as _text
from linxi_gis.tomlkeys import texts as _texts
from linxi_gis.tomlkeys import words as _words

# Our choice where a catalogue does not say: 1 m, ten times the plotting accuracy of 1:1000 mapping.
DEFAULT_ACCURACY_M = 1.0
DEFAULT_RANGE_M = 2000.0
# Control units and the red line they stand on were brought up to date in all leagues in the course of 2023
# (e.g. 乌政办发〔2024〕24号: 2023-08 审核, 2023-12 备案). From the day after that year is our choice.
UPDATED_THEMES = ("ecological_redline", "control_unit")
UPDATED_FROM = date(2024, 1, 1)
RASTER_KINDS = ("forest", "landcover", "elevation")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?=(?:\d\d){0,2}(?!\d))")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which attribute columns hold what; empty means there is none."""

    id: str = ""
    name: str = ""
    cls: str = ""
    grade: str = ""
    approval: str = ""


@dataclass(frozen=True, slots=True)
class Denominator:
    """An area that shares are taken of, by name and with its source."""

    id: str
    title: str
    area_km2: float
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one layer, as the catalogue describes it. `path` is absolute."""

    identity: LayerIdentity
    path: Path
    sublayer: str | None
    effective_from: date | None
    effective_to: date | None
    authority: str
    document: str
    accuracy_stated: bool
    coverage: str
    crs: str | None
    encoding: str | None
    columns: Columns
    classes: tuple[tuple[str, str], ...]

    @property
    def extent_path(self) -> Path | None:
        """The file that says how far the layer reaches, None when `coverage` is a word."""
        return None if self.coverage in ("county", "unknown") else Path(self.coverage)

    def outdated(self, day: date) -> str:
        """Return why the data may be out of date on a day, "" when nothing says so.

        The year is that of the version (the latest it names), else of the first day in force; with neither,
        nobody can tell. A demonstration is out of no date.
        """
        if self.identity.theme not in UPDATED_THEMES or self.identity.demonstration or day < UPDATED_FROM:
            return ""
        years = [int(year) for year in _YEAR.findall(self.identity.version)]
        year = max(years, default=self.effective_from.year if self.effective_from else None)
        if year is None or year >= UPDATED_FROM.year - 1:
            return ""
        return f"版本“{self.identity.version or year}”早于 {UPDATED_FROM.year - 1} 年的动态更新，{MAY_BE_STALE}"

    def in_force(self, day: date) -> bool:
        """Whether this version holds on a day; no first day means it always has."""
        since, until = self.effective_from, self.effective_to
        return (since is None or since <= day) and (until is None or day <= until)


@dataclass(frozen=True, slots=True)
class RasterEntry:
    """One version of one raster. `path` is absolute; `nodata` is beside what the file itself says; elevation is in m.

    `classes` are (cell value, word), `forest` the values that count as forest.
    """

    id: str
    kind: str
    title: str
    path: Path
    version: str
    status: str
    demonstration: bool
    effective_from: date | None
    effective_to: date | None
    authority: str
    document: str
    crs: str | None
    band: int
    nodata: float | None
    classes: tuple[tuple[int, str], ...]
    forest: tuple[int, ...]

    def in_force(self, day: date) -> bool:
        """Whether this version holds on a day; no first day means it always has."""
        return (self.effective_from or day) <= day <= (self.effective_to or day)


@dataclass(frozen=True, slots=True)
class Catalog:
    """A county's holdings. `path` is the file it was read from; `clauses` the table of its access lists, absolute."""

    path: Path
    title: str
    county: str
    demonstration: bool
    required_themes: tuple[str, ...]
    denominators: tuple[Denominator, ...]
    entries: tuple[Entry, ...]
    clauses: Path | None = None
    rasters: tuple[RasterEntry, ...] = ()

    def ids(self) -> tuple[str, ...]:
        """Layer ids in catalogue order, each once."""
        return tuple(dict.fromkeys(entry.identity.id for entry in self.entries))

    def versions(self, layer_id: str) -> tuple[Entry, ...]:
        """All versions of a layer, in catalogue order."""
        return tuple(entry for entry in self.entries if entry.identity.id == layer_id)


def _layer_id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_\-]+", value):
        raise ValueError
    return value


def _legal_status(value: Any) -> str:
    if value not in _STATUSES:
        raise ValueError
    return str(value)


def _sensitivity(value: Any) -> str:
    if value not in SENSITIVITIES:
        raise ValueError
    return str(value)


def _raster_kind(value: Any) -> str:
    if value not in RASTER_KINDS:
        raise ValueError
    return str(value)


def _value_words(value: Any) -> tuple[tuple[int, str], ...]:
    return tuple((int(key), word) for key, word in _words(value).items())


def _values(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise ValueError
    return tuple(value)


# What may leave the house; "" where nobody said.
SENSITIVITIES = ("公开", "内部", "不得导出")
_STATUSES = ("approved", "draft", "demonstration")
_TEXT, _SOME = "应为文字", "应为文字，不能为空"
_OPTIONAL, _YES_NO, _DAY = _Key(_text(), _TEXT, None), "应为 true 或 false", "应为日期，例如 2022-10-14"
_TABLES = "应为若干个表"
_COLUMN_KEYS = {name: _Key(_text(), _TEXT, "") for name in ("id", "name", "class", "grade", "approval")}
_DENOMINATOR_KEYS = {
    **{name: _Key(_text(1), _SOME) for name in ("id", "title", "source")},
    "area_km2": _Key(_number(0.0, math.inf, above=True), "应为大于 0 的数"),
}
_LAYER_KEYS = {
    "id": _Key(_layer_id, "只能用字母、数字、下划线和连字符"),
    **{name: _Key(_text(1), _SOME) for name in ("theme", "title", "path")},
    **dict.fromkeys(("sublayer", "crs", "encoding"), _OPTIONAL),
    **{name: _Key(_text(), _TEXT, "") for name in ("version", "authority", "document")},
    "required": _Key(_of(bool), _YES_NO, None),
    "effective_from": _Key(_day, _DAY, None),
    "effective_to": _Key(_day, _DAY, None),
    "status": _Key(_legal_status, f"应为 {'、'.join(_STATUSES)} 之一", "approved"),
    "sensitivity": _Key(_sensitivity, f"应为 {'、'.join(SENSITIVITIES)} 之一", ""),
    "accuracy_m": _Key(_number(0.0, 9_999.999), "应为 0 到 10000 的米数", None),
    "range_m": _Key(_number(0.0, 100_000.0), "应为 0 到 100000 的米数", DEFAULT_RANGE_M),
    "coverage": _Key(_text(), _TEXT, "unknown"),
    "columns": _Key(_of(dict), _TABLE, {}),
    "classes": _Key(_words, "应为文字到文字的对应表", {}),
}
_HEAD_KEYS = {
    "title": _Key(_text(), _TEXT, ""),
    "county": _Key(_text(), _TEXT, "150424"),
    "demonstration": _Key(_of(bool), _YES_NO, False),
    "statutory_area_km2": _Key(_number(0.0, math.inf, above=True), "应为大于 0 的数", None),
    "statutory_area_source": _Key(_text(), _TEXT, ""),
    "clauses": _Key(_text(1), _SOME, None),
    "required_themes": _Key(_texts, "应为若干个主题的列表", REQUIRED_THEMES),
    "denominator": _Key(_of(list), _TABLES, []),
}
_RASTER_KEYS = {
    "id": _LAYER_KEYS["id"],
    "kind": _Key(_raster_kind, f"应为 {'、'.join(RASTER_KINDS)} 之一"),
    **{name: _Key(_text(1), _SOME) for name in ("title", "path")},
    **{name: _LAYER_KEYS[name] for name in ("version", "authority", "document", "effective_from", "effective_to", "status")},
    "crs": _OPTIONAL,
    "band": _Key(_number(1, 9999), "应为波段号，从 1 起", 1.0),
    "nodata": _Key(_number(-math.inf, math.inf), "应为数", None),
    "classes": _Key(_value_words, "应为像元值（整数，写在引号里）到文字的对应表", {}),
    "forest": _Key(_values, "应为算作森林的像元值（整数）的列表", ()),
}
_TOP_KEYS = {
    "catalog": _Key(_of(dict), _TABLE),
    "layer": _Key(_of(list), _TABLES, []),
    "raster": _Key(_of(list), _TABLES, []),
}
_TOLD = 5


def _known_keys() -> list[str]:
    return [name for keys in (_LAYER_KEYS, _RASTER_KEYS, _HEAD_KEYS, _COLUMN_KEYS, _DENOMINATOR_KEYS, _TOP_KEYS) for name in keys]


def read(path: Path) -> Catalog:
    """Read and check a catalogue; raises CatalogError naming the key and what to write instead."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CatalogError(
            "图层目录打不开", where=str(path), remedy="请检查 --catalog 的路径；目录的写法见 README「图层目录」"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"图层目录不是有效的 UTF-8 TOML（{error}）", where=str(path)) from error
    catalog = _frozen(data, path)
    _check(catalog)
    return catalog


def _frozen(data: Mapping[str, Any], path: Path) -> Catalog:
    check = _Checker(_known_keys())
    top = check.table(data, _TOP_KEYS)
    head = check.table(top["catalog"], _HEAD_KEYS, "catalog") if "catalog" in data else {}
    layers = check.tables(top["layer"], _LAYER_KEYS, "layer")
    columns = [
        check.table(layer.get("columns", {}), _COLUMN_KEYS, f"layer.第{number}个.columns")
        for number, layer in enumerate(layers, start=1)
    ]
    rasters = check.tables(top["raster"], _RASTER_KEYS, "raster")
    areas = check.tables(head.get("denominator", []), _DENOMINATOR_KEYS, "catalog.denominator")
    if check.wrong:
        raise CatalogError("；".join(check.wrong[:_TOLD]), where=str(path), remedy="请改正后重试")
    denominators = [Denominator(**area) for area in areas]
    if head["statutory_area_km2"] is not None:
        source = head["statutory_area_source"] or "目录未注明来源"
        denominators.insert(0, Denominator("statutory", "统计（法定）面积", head["statutory_area_km2"], source))
    return Catalog(
        path=path,
        title=head["title"] or path.name,
        county=head["county"],
        demonstration=head["demonstration"],
        required_themes=head["required_themes"],
        denominators=tuple(denominators),
        entries=tuple(_entry(layer, own, head, path.parent) for layer, own in zip(layers, columns, strict=True)),
        rasters=tuple(_raster(one, head["demonstration"], path.parent) for one in rasters),
        clauses=None if head["clauses"] is None else (path.parent / head["clauses"]).resolve(),
    )


def _entry(layer: Mapping[str, Any], columns: Mapping[str, str], head: Mapping[str, Any], folder: Path) -> Entry:
    coverage = layer["coverage"]
    return Entry(
        identity=LayerIdentity(
            id=layer["id"],
            theme=layer["theme"],
            title=layer["title"],
            required=layer["theme"] in head["required_themes"] if layer["required"] is None else layer["required"],
            version=layer["version"],
            legal_status=layer["status"],
            demonstration=head["demonstration"] or layer["status"] == "demonstration",
            accuracy_m=DEFAULT_ACCURACY_M if layer["accuracy_m"] is None else layer["accuracy_m"],
            range_m=layer["range_m"],
            sensitivity=layer["sensitivity"],
        ),
        path=(folder / layer["path"]).resolve(),
        sublayer=layer["sublayer"],
        effective_from=layer["effective_from"],
        effective_to=layer["effective_to"],
        authority=layer["authority"],
        document=layer["document"],
        accuracy_stated=layer["accuracy_m"] is not None,
        coverage=coverage if coverage in ("county", "unknown") else str((folder / coverage).resolve()),
        crs=layer["crs"],
        encoding=layer["encoding"],
        columns=Columns(*(columns[name] for name in _COLUMN_KEYS)),
        classes=tuple(layer["classes"].items()),
    )


def _raster(raw: Mapping[str, Any], demonstration: bool, folder: Path) -> RasterEntry:
    demonstration = demonstration or raw["status"] == "demonstration"
    own = {"path": (folder / raw["path"]).resolve(), "band": int(raw["band"]), "demonstration": demonstration}
    return RasterEntry(**{**raw, **own})


def _check(catalog: Catalog) -> None:
    """Raise CatalogError for unknown themes and for versions of one layer that overlap in time."""
    where = str(catalog.path)
    for theme in (*catalog.required_themes, *(entry.identity.theme for entry in catalog.entries)):
        if theme not in THEMES:
            near = difflib.get_close_matches(theme, THEMES, n=1)
            hint = f"是不是 {near[0]}？" if near else "可用的主题见 README「图层目录」"
            raise CatalogError(f"没有名为 {theme!r} 的主题", where=where, remedy=hint)
    for theme in catalog.required_themes:
        named = [entry for entry in catalog.entries if entry.identity.theme == theme]
        if named and not any(entry.identity.required for entry in named):
            raise CatalogError(
                f"主题 {theme} 是必备的，但它的图层都写着 required = false",
                where=where,
                remedy="请去掉 required = false；确不需要的，在 [catalog] required_themes 中去掉该主题",
            )
    _check_rasters(catalog)
    for layer_id in catalog.ids():
        versions = sorted(catalog.versions(layer_id), key=lambda e: e.effective_from or date.min)
        for earlier, later in pairwise(versions):
            if earlier.identity.theme != later.identity.theme:
                raise CatalogError(f"图层 {layer_id} 的几个版本主题不同", where=where)
            if earlier.identity.version == later.identity.version:
                raise CatalogError(
                    f"图层 {layer_id} 的两个版本都叫 {later.identity.version!r}",
                    where=where,
                    remedy="请给每个版本写上不同的 version",
                )
            if (earlier.effective_to or date.max) >= (later.effective_from or date.min):
                raise CatalogError(
                    f"图层 {layer_id} 的两个版本（{earlier.identity.version} 与 {later.identity.version}）生效日期重叠",
                    where=where,
                    remedy="请给较早的版本写上 effective_to",
                )


def _check_rasters(catalog: Catalog) -> None:
    where = str(catalog.path)
    for entry in catalog.rasters:
        if entry.kind == "forest" and not entry.forest:
            raise CatalogError(f"栅格 {entry.id} 没有写哪些像元值算森林", where=where, remedy="请写上 forest = [1] 之类")
        unnamed = [value for value in entry.forest if entry.classes and value not in dict(entry.classes)]
        if unnamed:
            told = f"栅格 {entry.id} 算作森林的像元值 {unnamed[0]} 不在 classes 里"
            raise CatalogError(told, where=where, remedy="请核对 forest 与 classes")
        for other in catalog.rasters:
            if other is entry or other.id != entry.id:
                continue
            latest = max(entry.effective_from or date.min, other.effective_from or date.min)
            if other.kind != entry.kind or other.version == entry.version or (entry.in_force(latest) and other.in_force(latest)):
                raise CatalogError(
                    f"栅格 {entry.id} 的两个版本种类不同、同名或生效日期重叠",
                    where=where,
                    remedy="请给每个版本写上不同的 version 和首尾相接的日期；不是同一栅格的，改用别的 id",
                )
