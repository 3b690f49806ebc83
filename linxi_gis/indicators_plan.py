"""The plan's indicators, and the figures a user fills in where maps can give none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from linxi_gis.errors import CatalogError, InputError


@dataclass(frozen=True, slots=True)
class PlanFigure:
    """One indicator of the plan, in the plan's own words.

    A `theme` or a `raster` kind says what it is computed from; with neither it is entered by the user.
    `percent_2020` and `target_percent` are the plan's numbers where it states numbers that maps can be held against;
    "保持不变" is read as the number of 2020. `contradictions` are the plan's own: shown, never resolved.
    """

    id: str
    title: str
    theme: str = ""
    percent_2020: float | None = None
    target_2025: str = ""
    note: str = ""
    no: int = 0
    category: str = ""
    unit: str = "%"
    raster: str = ""
    target_percent: float | None = None
    value_2020: str = ""
    attribute: str = ""
    definition: str = ""
    contradictions: tuple[str, ...] = ()

    @property
    def computed(self) -> bool:
        """Whether maps give it."""
        return bool(self.theme or self.raster)


@dataclass(frozen=True, slots=True)
class Entered:
    """A figure somebody filled in: in the plan's unit, of a year or "", and where it is from."""

    value: float
    year: str
    source: str


def read_plan(path: Path) -> tuple[str, tuple[PlanFigure, ...]]:
    """Return the plan's title and its figures; raises CatalogError for a broken file."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        figures = tuple(
            PlanFigure(**{**item, "contradictions": tuple(item.get("contradictions", ()))}) for item in data["indicator"]
        )
        return str(data["plan"]["title"]), figures
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise CatalogError(f"规划指标文件有误（{error}）", where=path.name) from error


# What a column of a sheet, or a key of a file, may be called.
_NAMES = {
    "figure": ("figure", "id", "编号", "序号", "no"), "value": ("value", "数值", "值", "现状值"),
    "year": ("year", "年份", "年度"), "source": ("source", "来源", "出处", "数据来源"), "unit": ("unit", "单位"),
}  # fmt: skip
_REMEDY = "每一项写指标编号（1 到 20，或英文编号）、数值、来源，年份、单位可不写"
_SPELT = str.maketrans({"µ": "μ", "³": "3", "²": "2", "％": "%", "／": "/", " ": None})


def read_values(path: Path, figures: Sequence[PlanFigure]) -> dict[str, Entered]:
    """Return entered figures by indicator id, from a TOML (``[[value]]`` tables) or an xlsx (first sheet, headed columns).

    Raises InputError for a file that cannot be read, an unknown or doubled indicator, a value that is no number, or
    one without a source.
    """
    rows = _sheet(path) if path.suffix.lower() in (".xlsx", ".xls", ".ods") else _toml(path)
    found: dict[str, Entered] = {}
    for number, row in enumerate(rows, start=1):
        where = f"{path.name} 第 {number} 项"
        figure, entered = _entered(row, figures, where)
        if figure.id in found:
            raise InputError(f"指标 {figure.no} {figure.title} 写了两次", where=where, remedy="请只留一次")
        found[figure.id] = entered
    return found


def _toml(path: Path) -> list[Mapping[str, Any]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"填报文件读不出来（{error}）", where=str(path), remedy="写成 UTF-8 的 TOML 或 xlsx") from error
    rows = data.pop("value", [])
    if data or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("填报文件应只有 [[value]] 表", where=str(path), remedy=_REMEDY)
    return rows


def _sheet(path: Path) -> list[Mapping[str, Any]]:
    import python_calamine

    try:
        lines = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except (OSError, python_calamine.CalamineError, IndexError) as error:
        raise InputError(f"填报表读不出来（{error}）", where=str(path), remedy="请另存为 xlsx") from error
    if not lines:
        raise InputError("填报表是空的", where=str(path), remedy=_REMEDY)
    head = [str(cell).strip() for cell in lines[0]]
    rows = [dict(zip(head, line, strict=False)) for line in lines[1:]]
    return [{key: cell for key, cell in row.items() if cell not in ("", None)} for row in rows if any(row.values())]


def _entered(row: Mapping[str, Any], figures: Sequence[PlanFigure], where: str) -> tuple[PlanFigure, Entered]:
    taken = {}
    for name, words in _NAMES.items():
        given = [row[word] for word in words if word in row]
        if len(given) > 1:
            raise InputError(f"{name} 写了不止一次", where=where, remedy=_REMEDY)
        taken[name] = given[0] if given else None
    unknown = [key for key in row if not any(key in words for words in _NAMES.values()) and key not in ("指标", "title")]
    if unknown:
        raise InputError(f"没有名为 {unknown[0]!r} 的栏目", where=where, remedy=_REMEDY)
    which = str(taken["figure"]).removesuffix(".0").strip()
    figure = next((one for one in figures if which in (one.id, str(one.no))), None)
    if figure is None:
        raise InputError(f"没有编号为 {which!r} 的指标", where=where, remedy=_REMEDY)
    try:
        value = float(str(taken["value"]).strip())
    except ValueError as error:
        raise InputError(f"指标 {figure.no} 的数值 {taken['value']!r} 不是数", where=where, remedy=_REMEDY) from error
    source = str(taken["source"] or "").strip()
    if not source or value != value or abs(value) == float("inf"):
        raise InputError(f"指标 {figure.no} {figure.title} 没有写来源或数值无效", where=where, remedy="没有来源的数不采用")
    _check_unit(figure, value, str(taken["unit"] or ""), where)
    year = "" if taken["year"] is None else str(taken["year"]).strip().removesuffix(".0").removesuffix("年")
    if year and not (re.fullmatch(r"\d{4}", year) and 1949 <= int(year) <= date.today().year):
        told = f"指标 {figure.no} 的年份 {taken['year']!r} 不是已到的年份"
        raise InputError(told, where=where, remedy="写成 2024 这样的四位年份")
    return figure, Entered(value, year, source)


def _check_unit(figure: PlanFigure, value: float, unit: str, where: str) -> None:
    """Raise InputError for another unit than the plan's, and for a value that no such unit can have."""
    if unit and unit.translate(_SPELT).casefold() != figure.unit.translate(_SPELT).casefold():
        told = f"指标 {figure.no} {figure.title}的单位写作 {unit[:20]!r}，规划的单位是 {figure.unit}"
        raise InputError(told, where=where, remedy=f"请换算成 {figure.unit} 再填")
    if figure.unit == "%" and abs(value) > 100.0:
        raise InputError(f"指标 {figure.no} 的数值 {value:g} 超过 100 %", where=where, remedy="百分数写 89.5 这样的数")
    if figure.unit != "%" and value < 0.0:
        raise InputError(f"指标 {figure.no} 的数值 {value:g} 小于 0", where=where, remedy=_REMEDY)
