"""The catalogue: which layers should exist, where, in which version, how to read their columns."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from linxi_gis.errors import CatalogError
from linxi_gis.model import MAY_BE_STALE, LayerIdentity
from linxi_gis.themes import REQUIRED_THEMES, THEMES

# Our choice where a catalogue does not say: 1 m, ten times the plotting accuracy of 1:1000 mapping.
DEFAULT_ACCURACY_M = 1.0
DEFAULT_RANGE_M = 2000.0
# Control units and the red line they stand on were brought up to date in all leagues in the course of 2023
# (e.g. 乌政办发〔2024〕24号: 2023-08 审核, 2023-12 备案). From the day after that year is our choice.
UPDATED_THEMES = ("ecological_redline", "control_unit")
UPDATED_FROM = date(2024, 1, 1)
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
    sensitivity: str = ""

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

    def ids(self) -> tuple[str, ...]:
        """Layer ids in catalogue order, each once."""
        return tuple(dict.fromkeys(entry.identity.id for entry in self.entries))

    def versions(self, layer_id: str) -> tuple[Entry, ...]:
        """All versions of a layer, in catalogue order."""
        return tuple(entry for entry in self.entries if entry.identity.id == layer_id)


@dataclass(frozen=True, slots=True)
class _Key:
    """What a key may hold: `take` gives the value, or raises ValueError; `words` say what is wanted."""

    take: Callable[[Any], Any]
    words: str
    default: Any = ...  # ... means that it must be there


def _text(least: int = 0) -> Callable[[Any], str]:
    def take(value: Any) -> str:
        if not isinstance(value, str) or len(value) < least:
            raise ValueError
        return value

    return take


def _of(kind: type) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError
        return value

    return take


def _number(least: float, most: float, *, above: bool = False) -> Callable[[Any], float]:
    def take(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not least <= value <= most or (above and value == least):
            raise ValueError
        return float(value)

    return take


def _day(value: Any) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError
    return value


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


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError
    return tuple(value)


def _words(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValueError
    return value


# What may leave the house; "" where nobody said.
SENSITIVITIES = ("公开", "内部", "不得导出")
_STATUSES = ("approved", "draft", "demonstration")
_TEXT, _SOME = "应为文字", "应为文字，不能为空"
_OPTIONAL, _YES_NO, _DAY = _Key(_text(), _TEXT, None), "应为 true 或 false", "应为日期，例如 2022-10-14"
_TABLE, _TABLES = "应为一个表", "应为若干个表"
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
_TOP_KEYS = {"catalog": _Key(_of(dict), _TABLE), "layer": _Key(_of(list), _TABLES, [])}
_TOLD = 5


class _Checker:
    """Takes values by their keys and gathers what is wrong, so that several faults are told at once."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def table(self, raw: Any, keys: Mapping[str, _Key], place: str = "") -> dict[str, Any]:
        """Return a value for every key; what is wrong is gathered."""
        if not isinstance(raw, dict):
            self.wrong.append(f"{place}：值 {raw!r} 不合要求（{_TABLE}）")
            return {}
        head = f"{place}." if place else ""
        for name in raw:
            if name not in keys:
                near = difflib.get_close_matches(name, _known_keys(), n=1)
                self.wrong.append(f"{head}{name}：没有这个键" + (f"，是不是 {near[0]}？" if near else ""))
        return {name: self._one(raw, name, key, head) for name, key in keys.items()}

    def tables(self, raw: Sequence[Any], keys: Mapping[str, _Key], place: str) -> list[dict[str, Any]]:
        """As `table`, of each in a list."""
        return [self.table(one, keys, f"{place}.第{number}个") for number, one in enumerate(raw, start=1)]

    def _one(self, raw: Mapping[str, Any], name: str, key: _Key, head: str) -> Any:
        if name not in raw:
            if key.default is ...:
                self.wrong.append(f"{head}{name}：缺少这个键")
            return key.default
        try:
            return key.take(raw[name])
        except ValueError:
            self.wrong.append(f"{head}{name}：值 {raw[name]!r} 不合要求（{key.words}）")
            return key.default


def _known_keys() -> list[str]:
    return [name for keys in (_LAYER_KEYS, _HEAD_KEYS, _COLUMN_KEYS, _DENOMINATOR_KEYS, _TOP_KEYS) for name in keys]


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
    check = _Checker()
    top = check.table(data, _TOP_KEYS)
    head = check.table(top["catalog"], _HEAD_KEYS, "catalog") if "catalog" in data else {}
    layers = check.tables(top["layer"], _LAYER_KEYS, "layer")
    columns = [
        check.table(layer.get("columns", {}), _COLUMN_KEYS, f"layer.第{number}个.columns")
        for number, layer in enumerate(layers, start=1)
    ]
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
        sensitivity=layer["sensitivity"],
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
