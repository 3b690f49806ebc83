"""The table of field names that official packages are recognised by: TOML, editable, checked when read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from linxi_gis.errors import CatalogError
from linxi_gis.themes import THEMES

FILE = "aliases.toml"  # beside a catalogue it stands in for the bundled one
COLUMNS = ("id", "name", "class", "grade", "approval")
_REMEDY = "请照自带的 aliases.toml 改正"


@dataclass(frozen=True, slots=True)
class Package:
    """One kind of official package: the fields it shows itself by, its columns, its words of class.

    `theme` is "" where the element digit of a code decides (`element`).
    """

    theme: str
    layer_id: str
    any_of: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, str]
    element: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Aliases:
    """The whole table: packages, and what holds for a layer whose theme a person names."""

    packages: tuple[Package, ...]
    columns: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, Mapping[str, str]]


def read(path: Path) -> Aliases:
    """Read a table; raises CatalogError for one that is missing, broken or names an unknown theme."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CatalogError("字段对照表打不开", where=str(path), remedy="请检查路径和权限") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"字段对照表不是有效的 UTF-8 TOML（{error}）", where=str(path), remedy=_REMEDY) from error
    try:
        packages = tuple(_package(one) for one in data.get("package", ()))
        plain = data.get("plain", {})
        classes = {str(theme): _words(words) for theme, words in plain.get("classes", {}).items()}
        table = Aliases(packages, _columns(plain.get("columns", {})), classes)
    except (AttributeError, KeyError, TypeError) as error:
        raise CatalogError(f"字段对照表写法不对（{error}）", where=str(path), remedy=_REMEDY) from error
    named = [one.theme for one in packages] + [t for one in packages for t in one.element.values()] + list(classes)
    odd = [theme for theme in named if theme and theme not in THEMES]
    if odd:
        raise CatalogError(f"字段对照表里没有名为 {odd[0]!r} 的主题", where=str(path), remedy=_REMEDY)
    return table


def _package(raw: Mapping[str, object]) -> Package:
    fields = raw["any_of"]
    if not isinstance(fields, list):
        raise TypeError("any_of 应为字段名的列表")
    return Package(
        str(raw.get("theme", "")), str(raw.get("id", "")), tuple(str(name) for name in fields),
        _columns(raw.get("columns", {})), _words(raw.get("classes", {})), _words(raw.get("element", {})),
    )  # fmt: skip


def _columns(raw: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(raw, dict) or not set(raw) <= set(COLUMNS):
        raise TypeError(f"columns 只能有 {'、'.join(COLUMNS)}")
    if not all(isinstance(names, list) for names in raw.values()):
        raise TypeError("columns 的每一项应为字段名的列表")
    return {str(what): tuple(str(name) for name in names) for what, names in raw.items()}


def _words(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict) or not all(isinstance(one, str) for one in raw.values()):
        raise TypeError("应为文字到文字的对应表")
    return {str(word): str(ours) for word, ours in raw.items()}
