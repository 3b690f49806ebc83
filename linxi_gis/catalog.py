"""The catalogue: which layers should exist, where, in which version, how to read their columns."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from linxi_gis.errors import CatalogError
from linxi_gis.model import LayerIdentity
from linxi_gis.themes import REQUIRED_THEMES, THEMES

# Our choice where a catalogue does not say: 1 m, ten times the plotting accuracy of 1:1000 mapping.
DEFAULT_ACCURACY_M = 1.0
DEFAULT_RANGE_M = 2000.0

LegalStatus = Literal["approved", "draft", "demonstration"]


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

    def in_force(self, day: date) -> bool:
        """Whether this version holds on a day; no first day means it always has."""
        since, until = self.effective_from, self.effective_to
        return (since is None or since <= day) and (until is None or day <= until)


@dataclass(frozen=True, slots=True)
class Catalog:
    """A county's holdings. `path` is the file it was read from."""

    path: Path
    title: str
    county: str
    demonstration: bool
    required_themes: tuple[str, ...]
    denominators: tuple[Denominator, ...]
    entries: tuple[Entry, ...]

    def ids(self) -> tuple[str, ...]:
        """Layer ids in catalogue order, each once."""
        return tuple(dict.fromkeys(entry.identity.id for entry in self.entries))

    def versions(self, layer_id: str) -> tuple[Entry, ...]:
        """All versions of a layer, in catalogue order."""
        return tuple(entry for entry in self.entries if entry.identity.id == layer_id)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ColumnsIn(_Strict):
    id: str = ""
    name: str = ""
    cls: Annotated[str, Field(alias="class")] = ""
    grade: str = ""
    approval: str = ""


class _DenominatorIn(_Strict):
    id: Annotated[str, Field(min_length=1)]
    title: Annotated[str, Field(min_length=1)]
    area_km2: Annotated[float, Field(gt=0)]
    source: Annotated[str, Field(min_length=1)]


class _LayerIn(_Strict):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]
    theme: str
    title: Annotated[str, Field(min_length=1)]
    path: Annotated[str, Field(min_length=1)]
    sublayer: str | None = None
    required: bool | None = None
    version: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    status: LegalStatus = "approved"
    authority: str = ""
    document: str = ""
    accuracy_m: Annotated[float, Field(ge=0, lt=10_000)] | None = None
    range_m: Annotated[float, Field(ge=0, le=100_000)] = DEFAULT_RANGE_M
    coverage: str = "unknown"
    crs: str | None = None
    encoding: str | None = None
    columns: _ColumnsIn = _ColumnsIn()
    classes: dict[str, str] = {}


class _HeadIn(_Strict):
    title: str = ""
    county: str = "150424"
    demonstration: bool = False
    statutory_area_km2: Annotated[float, Field(gt=0)] | None = None
    statutory_area_source: str = ""
    required_themes: tuple[str, ...] = REQUIRED_THEMES
    denominator: tuple[_DenominatorIn, ...] = ()


class _CatalogIn(_Strict):
    catalog: _HeadIn
    layer: tuple[_LayerIn, ...] = ()


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
    try:
        parsed = _CatalogIn.model_validate(data)
    except ValidationError as error:
        raise CatalogError(_explain(error, data), where=str(path), remedy="请改正后重试") from error
    catalog = _frozen(parsed, path)
    _check(catalog)
    return catalog


def _explain(error: ValidationError, data: Mapping[str, Any]) -> str:
    """Put pydantic's first complaints into Chinese, with the nearest right word."""
    lines = []
    for item in error.errors()[:5]:
        place = ".".join(
            f"第{part + 1}个" if isinstance(part, int) else str(part) for part in item["loc"]
        )
        if item["type"] == "extra_forbidden":
            key = str(item["loc"][-1])
            near = difflib.get_close_matches(key, _known_keys(), n=1)
            lines.append(f"{place}：没有这个键" + (f"，是不是 {near[0]}？" if near else ""))
        elif item["type"] == "missing":
            lines.append(f"{place}：缺少这个键")
        else:
            lines.append(f"{place}：值 {item.get('input')!r} 不合要求（{item['msg']}）")
    return "；".join(lines)


def _known_keys() -> list[str]:
    keys = ["class"]
    for model in (_LayerIn, _HeadIn, _ColumnsIn, _DenominatorIn, _CatalogIn):
        keys += list(model.model_fields)
    return keys


def _frozen(parsed: _CatalogIn, path: Path) -> Catalog:
    head = parsed.catalog
    denominators = [Denominator(d.id, d.title, d.area_km2, d.source) for d in head.denominator]
    if head.statutory_area_km2 is not None:
        denominators.insert(
            0,
            Denominator(
                "statutory", "统计（法定）面积", head.statutory_area_km2, head.statutory_area_source or "目录未注明来源"
            ),
        )
    return Catalog(
        path=path,
        title=head.title or path.name,
        county=head.county,
        demonstration=head.demonstration,
        required_themes=head.required_themes,
        denominators=tuple(denominators),
        entries=tuple(_entry(layer, head, path.parent) for layer in parsed.layer),
    )


def _entry(layer: _LayerIn, head: _HeadIn, folder: Path) -> Entry:
    columns = layer.columns
    return Entry(
        identity=LayerIdentity(
            id=layer.id,
            theme=layer.theme,
            title=layer.title,
            required=layer.theme in head.required_themes if layer.required is None else layer.required,
            version=layer.version,
            legal_status=layer.status,
            demonstration=head.demonstration or layer.status == "demonstration",
            accuracy_m=DEFAULT_ACCURACY_M if layer.accuracy_m is None else layer.accuracy_m,
            range_m=layer.range_m,
        ),
        path=(folder / layer.path).resolve(),
        sublayer=layer.sublayer,
        effective_from=layer.effective_from,
        effective_to=layer.effective_to,
        authority=layer.authority,
        document=layer.document,
        accuracy_stated=layer.accuracy_m is not None,
        coverage=layer.coverage
        if layer.coverage in ("county", "unknown")
        else str((folder / layer.coverage).resolve()),
        crs=layer.crs,
        encoding=layer.encoding,
        columns=Columns(columns.id, columns.name, columns.cls, columns.grade, columns.approval),
        classes=tuple(layer.classes.items()),
    )


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
