"""Recognise an official package by its fields and codes; propose theme, columns and words of class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linxi_gis.errors import InputError, UsageError
from linxi_gis.finding import Issue
from linxi_gis.importing.aliases import COLUMNS, Aliases, Package
from linxi_gis.themes import CLASS_TITLES, THEMES

# 《规范》编码：ZH + 6 位行政区划 + 类别（1 优先、2 重点、3 一般）+ 4 位顺序; an instance is public (ZH44060620002).
UNIT_CODE = re.compile(r"ZH(\d{6})[123]\d{4}")
# YS + 6 + class + 2-digit type + 4: the rule is from memory, so a code that breaks it is only warned of.
ELEMENT_CODE = re.compile(r"YS(\d{6})\d(\d)\d\d{4}")
_TOLD = 5
Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a layer seems to be: theme, id, columns of the catalogue, words of class, and what to say of it.

    `sure` is False where a person must confirm the theme with --theme.
    """

    theme: str
    layer_id: str
    columns: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str], ...]
    county: bool
    sure: bool
    issues: tuple[Issue, ...]


def recognise(name: str, fields: Fields, aliases: Aliases, county: str, theme: str | None = None) -> Proposal:
    """Return the proposal for a layer of these columns; `theme` is what a person says it is.

    Raises UsageError for an unknown theme, InputError where the fields say nothing and nobody else did.
    """
    if theme is not None and theme not in THEMES:
        raise UsageError(f"没有名为 {theme!r} 的主题", remedy=f"可用的主题：{'、'.join(THEMES)}")
    have = {field.casefold(): field for field in reversed(list(fields))}
    package = next((one for one in aliases.packages if any(f.casefold() in have for f in one.any_of)), None)
    said = _theme_of(package, fields, have)
    if package is None and theme is None:
        listed = "、".join(list(fields)[:12]) or "无"
        raise InputError(
            f"认不出是什么图层（字段：{listed}）", where=name,
            remedy="请用 --theme 写明主题，或在目录旁的 aliases.toml 里加上这些字段名",
        )  # fmt: skip
    chosen = theme or said
    wanted = package.columns if package is not None else aliases.columns
    columns = {what: _first(have, wanted.get(what) or aliases.columns.get(what, ())) for what in COLUMNS}
    known = package.classes if package is not None and package.classes else aliases.classes.get(chosen, {})
    classes, odd = _classes(chosen, fields.get(columns["class"], ()), known)
    if not classes and chosen == "control_unit":
        columns["class"] = ""  # then the seventh digit of the code says it
    ids = fields.get(columns["id"], ())
    codes = _codes(name, chosen, ids) if package is not None or chosen == "control_unit" else []
    return Proposal(
        chosen, (package.layer_id if package is not None and chosen == package.theme else "") or chosen,
        tuple((what, field) for what, field in columns.items() if field), classes,
        county=chosen == "control_unit" and bool(ids) and all(_county(code) == county for code in ids),
        sure=theme is not None or (package is not None and bool(package.theme)),
        issues=(*codes, *odd, *_blind(name, columns)),
    )  # fmt: skip


def _theme_of(package: Package | None, fields: Fields, have: Mapping[str, str]) -> str:
    """Return the theme of a package; of element zones that of the kind most of its codes name."""
    if package is None or package.theme:
        return "" if package is None else package.theme
    codes = fields.get(_first(have, package.columns.get("id", ())), ())
    kinds = Counter(found[2] for code in codes if (found := ELEMENT_CODE.fullmatch(code)))
    return next((package.element[kind] for kind, _ in kinds.most_common() if kind in package.element), "")


def _first(have: Mapping[str, str], names: Sequence[str]) -> str:
    return next((have[name.casefold()] for name in names if name.casefold() in have), "")


def _classes(
    theme: str, words: Sequence[str], known: Mapping[str, str]
) -> tuple[tuple[tuple[str, str], ...], list[Issue]]:
    """Map the words of a column that we know; say which we do not, where the theme has classes."""
    found = Counter(words)
    mapped = tuple((word, known[word]) for word in sorted(found) if word in known)
    odd = [word for word, _ in found.most_common() if word not in known and word]
    if not odd or not any(one == theme for one, _ in CLASS_TITLES):
        return mapped, []
    text = f"类别 {'、'.join(odd[:_TOLD])} 等 {len(odd)} 种不在对照表中，按类别不明处理"
    return mapped, [Issue("class_unmapped", "warning", text, "请在目录的 classes 里写明，或改 aliases.toml 后重新入库")]


def _county(code: str) -> str:
    found = UNIT_CODE.fullmatch(code)
    return found[1] if found else ""


def _codes(name: str, theme: str, ids: Sequence[str]) -> list[Issue]:
    unit = theme == "control_unit"
    bad = [code or "（空）" for code in ids if not (UNIT_CODE if unit else ELEMENT_CODE).fullmatch(code)]
    issues = []
    if bad:
        rule = "ZH+6 位区划+类别+4 位顺序" if unit else "YS+6 位区划+类别+2 位类型+4 位顺序（规则待核，只作提醒）"
        text = f"{name} 的编码 {'、'.join(bad[:_TOLD])} 等 {len(bad)} 个不合 {rule}"
        issues.append(Issue("unit_code_malformed" if unit else "element_code_odd", "warning", text, "请核对编码"))
    twice = [code for code, count in Counter(ids).items() if count > 1 and code]
    if twice:
        text = f"{name} 的编码 {'、'.join(twice[:_TOLD])} 等 {len(twice)} 个重复"
        issues.append(Issue("code_repeated", "warning", text, "请核对：是一个单元的几块，还是编错了"))
    return issues


def _blind(name: str, columns: Mapping[str, str]) -> list[Issue]:
    missing = [word for what, word in (("id", "编号"), ("name", "名称")) if not columns[what]]
    if not missing:
        return []
    text = f"{name} 没有认出{'、'.join(missing)}列"
    return [Issue("column_unknown", "warning", text, "入库后请在目录的 columns 里写明")]
