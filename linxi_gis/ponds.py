"""The file of a tailings pond (一库一档): its grade by GB 39496-2020, what the columns say, what they leave open."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# GB 39496-2020, the table of grades (等别): least full volume (10,000 m³) and least dam height (m) of grades
# one to five. The numbers were not compared with the standard's own text: whoever shows them says so.
TABLE: tuple[tuple[float, float], ...] = ((50_000.0, 200.0), (10_000.0, 100.0), (1_000.0, 60.0), (100.0, 30.0), (0.0, 0.0))
GRADE_WORDS = ("一等", "二等", "三等", "四等", "五等")
TABLE_STATUS = "分等数值（GB 39496-2020）条文待核"
FLOW_PATH_OPEN = "待核：要沿下泄流径自初期坝坡脚量 1 km，本表没有流径"

# What a register of ponds records, and the column names that hold it; the first that is there is taken.
_FIELDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("企业", ("企业", "企业名称", "所属企业", "运营单位")),
    ("地址", ("地址", "所在地", "位置")),
    ("运营状况", ("运营状况", "运行状况", "生产状况", "状态")),
    ("矿种", ("矿种", "尾矿种类")),
    ("筑坝方式", ("筑坝方式", "坝型")),
    ("全库容", ("全库容", "总库容", "设计总库容", "设计库容")),
    ("现状库容", ("现状库容",)),
    ("总坝高", ("总坝高", "坝高", "设计总坝高", "设计坝高")),
    ("现状坝高", ("现状坝高",)),
    ("等别（填报）", ("等别", "设计等别")),
    ("安全度", ("安全度",)),
    ("设计服务年限", ("设计服务年限", "设计年限")),
    ("已服务年限", ("已服务年限",)),
    ("头顶库（填报）", ("是否头顶库", "头顶库")),
    ("下游 1000 m 受影响人数或设施", ("下游1000米受影响人数或设施", "下游1000m受影响人数或设施")),
    ("在线监测", ("在线监测", "是否在线监测")),
    ("包保责任人", ("包保责任人",)),
    ("负责人", ("负责人", "法定代表人")),
    ("安全生产许可证", ("安全生产许可证", "许可证", "许可证号")),
    ("许可证有效期", ("许可证有效期", "有效期")),
)
_UNIT_IN_HEAD = re.compile(r"^(.*?)[（(_\s]+([^（()）]*)[)）]?$")
# A comma parts thousands or nothing: "12,5" is 12.5 to one and 125 to another.
_NUMBER = re.compile(r"^((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)\s*(.*)$")
_VOLUMES = {
    "亿m3": 1e4, "亿立方米": 1e4, "万m3": 1.0, "万方": 1.0, "万立方米": 1.0, "m3": 1e-4, "立方米": 1e-4, "方": 1e-4,
}  # fmt: skip
_LENGTHS = {"m": 1.0, "米": 1.0}


@dataclass(frozen=True, slots=True)
class Pond:
    """What is on file of one pond: `fields` (title, value) as filed, `missing` titles, volume in 10,000 m³, height in m.

    `grade` is 1 to 5 or None where either figure is open; `why` says how it was found, or what is missing.
    `below_houses` is 待核 always: a straight line cannot tell it. `doubts` are contradictions, in words.
    """

    fields: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    volume_wan_m3: float | None
    height_m: float | None
    grade: int | None
    why: str
    below_houses: str = FLOW_PATH_OPEN
    doubts: tuple[str, ...] = ()

    @property
    def grade_label(self) -> str:
        """The grade in words; 待核 where it is open."""
        return "待核" if self.grade is None else GRADE_WORDS[self.grade - 1]


def read(columns: Sequence[tuple[str, str]]) -> Pond:
    """Return what the columns (name, text) of one pond say."""
    plain, units = _heads(columns)
    held = {title: next((n for n in names if plain.get(n)), "") for title, names in _FIELDS}
    fields = tuple((title, plain[name] + _tail(units[name])) for title, name in held.items() if name)
    missing = tuple(title for title, name in held.items() if not name)
    volume = _figure(plain, units, held["全库容"], _VOLUMES)
    height = _figure(plain, units, held["总坝高"], _LENGTHS)
    grade, why = _graded(volume, height, bool(held["全库容"]), bool(held["总坝高"]))
    filed = plain.get(held["等别（填报）"], "")
    return Pond(fields, missing, volume, height, grade, why, doubts=_doubts(filed, grade))


def registered(columns: Sequence[tuple[str, str]]) -> bool:
    """Return whether the columns are those of a register of ponds: a volume or a height has its place, filled in or not."""
    heads, _ = _heads(columns)
    return any(name in heads for title, names in _FIELDS if title in ("全库容", "总坝高") for name in names)


def _tail(unit: str) -> str:
    return f" {unit}" if unit else ""


def _heads(columns: Sequence[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values, and the units that the heads name, by column name without its unit."""
    values: dict[str, str] = {}
    units: dict[str, str] = {}
    for head, text in columns:
        found = _UNIT_IN_HEAD.match(head.strip())
        name, unit = (found[1].strip(), found[2].strip()) if found else (head.strip(), "")
        values.setdefault(name, text.strip())
        units.setdefault(name, unit)
    return values, units


def _figure(values: dict[str, str], units: dict[str, str], name: str, known: dict[str, float]) -> float | None:
    """Return a figure in the unit that counts 1; None without a number, or where nobody says in what unit."""
    found = _NUMBER.match(_plain(values.get(name, "")))
    if not name or not found:
        return None
    factor = known.get((found[2] or _plain(units[name])).replace("M", "m").replace(" ", ""))
    figure = float(found[1].replace(",", "")) * (factor or 0.0)
    return figure if factor is not None and math.isfinite(figure) and figure > 0.0 else None


def _plain(text: str) -> str:
    """Return a text with its full-width and raised signs as plain ones: １２０万ｍ³ is 120万m3."""
    return unicodedata.normalize("NFKC", text).strip()


def _graded(volume: float | None, height: float | None, has_volume: bool, has_height: bool) -> tuple[int | None, str]:
    by_volume = None if volume is None else grade_of(volume, 0)
    by_height = None if height is None else grade_of(height, 1)
    said = [_said("全库容", volume, " 万 m³", by_volume, has_volume), _said("坝高", height, " m", by_height, has_height)]
    if by_volume is None or by_height is None:
        return None, "，".join(said)
    grade = joined(by_volume, by_height)
    how = "取高者" if abs(by_volume - by_height) <= 1 else "相差大于一等，按高者降一等"
    return grade, f"{'，'.join(said)}；{how}，{GRADE_WORDS[grade - 1]}；{TABLE_STATUS}"


def _said(word: str, figure: float | None, unit: str, grade: int | None, filed: bool) -> str:
    if figure is None or grade is None:
        return f"{word}{'的数值或单位认不出' if filed else '没有填'}"
    return f"{word} {figure:g}{unit}为{GRADE_WORDS[grade - 1]}"


def grade_of(figure: float, column: int) -> int:
    """Return the grade by one figure alone: column 0 the full volume (10,000 m³), 1 the dam height (m).

    >>> grade_of(100.0, 0), grade_of(99.9, 0), grade_of(200.0, 1), grade_of(29.9, 1)
    (4, 5, 1, 5)
    """
    return next(n for n, row in enumerate(TABLE, start=1) if figure >= row[column])


def joined(by_volume: int, by_height: int) -> int:
    """Return the grade of both: the higher where they differ by one, the higher less one where by more (GB 39496-2020).

    >>> joined(4, 5), joined(3, 5), joined(5, 2), joined(3, 3)
    (4, 4, 3, 3)
    """
    high = min(by_volume, by_height)
    return high if abs(by_volume - by_height) <= 1 else high + 1


def _doubts(filed: str, grade: int | None) -> tuple[str, ...]:
    """Say where the grade on file is not what the figures come to."""
    digits = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, **{word[0]: n for n, word in enumerate(GRADE_WORDS, start=1)}}
    found = re.search(r"([1-5一二三四五])\s*等", filed) or re.fullmatch(r"\s*([1-5一二三四五])\s*级?\s*", filed)
    own = digits[found[1]] if found else None
    if own is None or grade is None or own == grade:
        return ()
    return (f"填报等别“{filed}”与按库容、坝高推算的{GRADE_WORDS[grade - 1]}不同，请核对",)
