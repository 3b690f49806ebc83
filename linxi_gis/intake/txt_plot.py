"""The description row of a plot in a 界址点 TXT: what its fields say."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Declared, Unit
from linxi_gis.intake.txt_header import AREA_UNITS

_KEYS = ("点数", "面积", "地块编号", "地块名称", "图形类型", "图幅号", "用途", "地类编码")
_AREA = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(公顷|hm2|hm²|ha|平方米|m2|m²|㎡|亩)?", re.IGNORECASE)
_KINDS = (
    ("polygon", re.compile(r"|面.*|多边形|地块|polygon|area", re.IGNORECASE)),
    ("line", re.compile(r"线.*|管线|折线|线路|道路|(?:poly)?line", re.IGNORECASE)),
    ("point", re.compile(r"点.*|多点|point", re.IGNORECASE)),
)
_BARE_KINDS = ("面", "线", "点")
_KIND_FIELD = _KEYS.index("图形类型")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LONGEST = 131_072  # csv's own limit for one field


@dataclass(slots=True)  # not frozen: that makes it three times as slow to build, and a file has thousands
class Described:
    """The fields of a description row; `pairs` are all that are not empty, under their names."""

    label: str
    id: str
    name: str
    kind: str
    count: str
    pairs: tuple[tuple[str, str], ...]
    declared: Declared | None
    issues: tuple[Issue, ...]


def fields(row: str) -> list[str]:
    """The fields of a row, stripped; a name in quotes may hold commas.

    >>> fields('4,0.5,DK1,"甲,乙",面,,')
    ['4', '0.5', 'DK1', '甲,乙', '面', '', '']
    """
    quoted = '"' in row and len(row) < _LONGEST
    cells = next(csv.reader([row], skipinitialspace=True), []) if quoted else row.split(",")
    return [cell.strip() for cell in cells] if quoted or " " in row or "\t" in row else cells


def looks_described(cells: list[str]) -> bool:
    """Whether the cells of a row without @ are a description all the same: its kind tells, or its length.

    >>> looks_described(["4", "", "DK1", "甲", "面", ""]), looks_described(["J1", "1", "4.8", "39.5", "面"])
    (True, False)
    """
    if len(cells) <= _KIND_FIELD or not (cells[0] == "" or cells[0].isdigit()):
        return False
    figures = [bool(re.fullmatch(r"[-+]?\d+\.?\d*", cell)) for cell in cells[1:4]]
    if cells[_KIND_FIELD] in _BARE_KINDS:
        return not all(figures[1:])
    return len(cells) >= len(_KEYS) and not any(figures[1:])


def describe(row: str, number: int, area_unit: Unit) -> Described:
    """Return what a description row says; `number` names a plot without id and name."""
    cells = fields(row if row.isprintable() else _CONTROL.sub(" ", row))
    issues: tuple[Issue, ...] = ()
    pairs = tuple([(key, cell) for key, cell in zip(_KEYS, cells, strict=False) if cell])
    if len(cells) > len(_KEYS):
        more = enumerate(cells[len(_KEYS) :], len(_KEYS) + 1)
        pairs += tuple((f"字段{n}", cell) for n, cell in more if cell)
    elif len(cells) <= _KIND_FIELD:
        cells += [""] * (len(_KEYS) - len(cells))
    count, area, identity, name, kind_text = cells[: _KIND_FIELD + 1]
    label = identity or name or f"第 {number} 个地块"
    kind = "polygon"
    if kind_text != "面":
        kind, issues = _kind(kind_text, cells, label)
    declared, odd = _declared(area, label, area_unit) if area else (None, ())
    return Described(label, identity, name or identity, kind, count, pairs, declared, issues + odd)


def _kind(text: str, cells: list[str], label: str) -> tuple[str, tuple[Issue, ...]]:
    for kind, pattern in _KINDS:
        if text and pattern.fullmatch(text):
            return kind, ()
    bare = [cell for cell in cells if cell in _BARE_KINDS]
    if len(bare) == 1:
        kind = next(kind for kind, pattern in _KINDS if pattern.fullmatch(bare[0]))
        told = f"{label} 的图形类型不在第 {_KIND_FIELD + 1} 个字段，按其中写明的“{bare[0]}”读取"
        return kind, (Issue("description_shifted", "warning", told, "请核对编号与名称"),)
    if not text:
        return "polygon", ()
    told = f"{label} 的图形类型 {text[:40]!r} 不认识，按面读取"
    return "polygon", (Issue("geometry_kind_assumed", "warning", told, "图形类型请写 点、线 或 面"),)


def _declared(text: str, label: str, unit: Unit) -> tuple[Declared | None, tuple[Issue, ...]]:
    match = _AREA.fullmatch(text)
    if match is None:
        told = f"{label} 的申报面积 {text[:40]!r} 无法读懂，未采用"
        return None, (Issue("declared_area_unread", "warning", told),)
    return Declared(float(match[1]), AREA_UNITS[match[2].lower()] if match[2] else unit), ()


def miscounted(text: str, points: int, rings: int, label: str) -> tuple[Issue, ...]:
    """The number of points may leave out the closing point of each ring; more than there are were lost."""
    if not text.isdecimal() or len(text) > 9 or points - rings <= int(text) <= points:
        return ()
    told = f"{label} 写明 {text} 个界址点，实有 {points} 个"
    return (Issue("point_count", "warning", told, "请核对界址点是否缺漏"),)
