"""Clause tables on disk: the columns, a table read and checked cell by cell, a template, the table written again."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, product
from pathlib import Path
from typing import Literal, get_args

from linxi_gis import tablecells
from linxi_gis.clauses import (
    DIMENSIONS,
    EVERY,
    LEVELS,
    UNIT_CLASSES,
    UNIT_LEVEL,
    Clause,
    ClauseBook,
    Sign,
    Threshold,
)
from linxi_gis.errors import CatalogError, UsageError
from linxi_gis.industry import Industries, checked
from linxi_gis.law import Attribute, Condition, TextStatus, Verdict, comparisons
from linxi_gis.project import AMOUNTS
from linxi_gis.rulefile import parse_condition

EFFECTS = ("禁止", "限制", "须论证")
TEXT_STATUSES: dict[str, TextStatus] = {"原文": "verbatim", "摘要": "paraphrase"}
_ADVICE = "模板用 linxi layers import --template 生成"
_MOST_BYTES, _TOLD = 20_000_000, 12
_UNIT = re.compile(r"ZH[0-9]{6}[123][0-9]{4}")
_THRESHOLD = re.compile(r"\s*([a-z0-9_]+)\s*(<=|>=|<|>|≤|≥)\s*([0-9]+(?:\.[0-9]+)?)\s*")
_SIGNS: dict[str, Sign] = {**{sign: sign for sign in get_args(Sign)}, "≤": "<=", "≥": ">="}
_AMONG = re.compile(r"[、，,;；\s]+")
_TAIL = re.compile(r"[\u4e00-\u9fff]*")  # what may follow a word of ours: 资源利用效率要求
_AND = re.compile("[和及与或、]")
_MOST = 12  # attributes of a condition whose answers are tried one by one (4096)

Kind = Literal["must", "may"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its head, whether a cell may be empty, what to write, and the words to choose from."""

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """Whether the cell must be filled, and the words to choose from."""
        must = "必填" if self.kind == "must" else "可空"
        return f"{must}，{'、'.join(self.choices)}" if self.choices else must


COLUMNS = (
    Column("层级", "must", "条款所在的清单", LEVELS),
    Column("单元编码", "may", "层级为“单元”时填环境管控单元编码（可多个，用、分开）；以上各级填 全部 或单元类别（"
           + "、".join(UNIT_CLASSES) + "）"),
    Column("维度", "must", "管控维度", DIMENSIONS),
    Column("编号", "must", "条款在清单中的编号，同一层级、单元、维度内不重复"),
    Column("条款", "must", "条款原文"),
    Column("不符合时", "must", "不符合这一条意味着什么", EFFECTS),
    Column("依据文件", "must", "清单所在文件的名称和文号"),
    Column("有效期起", "may", "YYYY-MM-DD；不填即一直有效"),
    Column("有效期止", "may", "YYYY-MM-DD，含当日；不填即仍有效"),
    Column("适用行业", "may", "GB/T 4754-2017 代码，含下级，用、分开，例如 08、0912，可带门类字母（B0912）；不填即不限行业。"
           "丢了前导零会成为别的行业的（0711 与 711），须带门类字母"),
    Column("适用条件", "may", "项目属性的条件，例如 is_new_build or is_expansion；不填即无条件适用"),
    Column("不符合条件", "may", "成立即不符合的条件；always 表示适用即不符合。与“阈值”都不填时只能人工对照（待论证）"),
    Column("阈值", "may", "项目应满足的数量，例如 fresh_water_m3_a <= 300000，多个用；分开；可用：" + "、".join(AMOUNTS)),
    Column("文字", "may", "原文 或 摘要；摘要最多到须论证。不填即原文", tuple(TEXT_STATUSES)),
)
_NAMES = tuple(column.name for column in COLUMNS)


@dataclass(slots=True)
class _Row:
    """One row being read; what is wrong is gathered with its row and column, so that all is told at once."""

    number: int
    cells: Mapping[str, str]
    wrong: list[str] = field(default_factory=list)

    def cell(self, name: str) -> str:
        return self.cells.get(name, "")

    def fail(self, name: str, what: str) -> None:
        self.wrong.append(f"第 {self.number} 行“{name}”：{what}")

    def one_of(self, name: str, words: Sequence[str]) -> str:
        text = self.cell(name)
        if text and text not in words:
            self.fail(name, f"{text!r} 不是 {'、'.join(words)} 之一")
        return text if text in words else ""

    def like_one_of(self, name: str, words: Sequence[str]) -> str:
        """The word a cell holds, said shorter or longer as real lists do: 区域 for 区域布局, …要求; never two of them."""
        text = self.cell(name)
        near = [word for word in words if len(text) > 1 and (word.startswith(text) or _goes_on(text, word))]
        return near[0] if text not in words and len(near) == 1 else self.one_of(name, words)

    def day(self, name: str) -> date | None:
        text = self.cell(name)
        day = tablecells.day_of(text)
        if text and day is None:
            self.fail(name, f"{text!r} 不是日期，请写成 2026-08-15")
        return day

    def condition(self, name: str, known: Mapping[str, Attribute]) -> Condition | None:
        text = self.cell(name)
        if not text:
            return None
        try:
            condition = parse_condition(text)
        except ValueError as error:
            self.fail(name, f"条件 {text!r} 读不懂（{error}）；用 and、or、not、括号和项目属性")
            return None
        for one in comparisons(condition):
            asked = known.get(one.attribute)
            if asked is None or asked.origin != "user" or asked.type != "boolean" or not isinstance(one.value, bool):
                self.fail(name, f"{one.attribute!r} 不是项目的是否属性；用 linxi rules attributes 查看")
        if not self.wrong and not _can_be(condition):
            self.fail(name, f"条件 {text!r} 怎么回答都不成立，这一条永远用不上；请更正，或留空由人工对照")
        return condition

    def thresholds(self, name: str) -> tuple[Threshold, ...]:
        found = []
        for part in re.split("[；;]", self.cell(name)):
            match = _THRESHOLD.fullmatch(part)
            if match and match.group(1) in AMOUNTS:
                one = Threshold(match.group(1), _SIGNS[match.group(2)], float(match.group(3)))
                found.append(one)
                if one.limit == math.inf or (one.limit == 0.0 and one.sign in (">=", "<")):
                    self.fail(name, f"{part.strip()!r}：数量不小于 0，怎么填结果都一样，不成其为阈值；请核对符号和数字")
            elif part.strip():
                self.fail(name, f"{part.strip()!r} 读不懂；写成 fresh_water_m3_a <= 300000，可用：{'、'.join(AMOUNTS)}")
        return tuple(found)

    def groups(self, name: str, table: Industries) -> tuple[str, ...]:
        found = []
        for word in (unicodedata.normalize("NFKC", word) for word in _AMONG.split(self.cell(name)) if word):
            try:
                code = checked(word, table, "")
            except UsageError as error:
                self.fail(name, f"{error.what}，{error.remedy}")
                continue
            found.append(code)
            # Excel keeps 0711 as the number 711, which is another industry: without its section nobody can say.
            if word == code and f"0{code}" in table.by_code:
                both = " 或 ".join(
                    f"{table.ancestors(one)[0].code}{one}（{table.by_code[one].name}）" for one in (code, f"0{code}")
                )
                self.fail(name, f"{code} 也可能是丢了前导零的 0{code}；请带门类字母写明 {both}")
        return tuple(dict.fromkeys(found))

    def units(self, level: str) -> tuple[str, ...]:
        words = tuple(word for word in _AMONG.split(self.cell("单元编码")) if word)
        if level == UNIT_LEVEL:
            bad = [word for word in words if not _UNIT.fullmatch(word)]
            if bad or not words:
                self.fail("单元编码", f"{'、'.join(bad) or '空'} 不是单元编码，应如 ZH15042410001")
        elif level:
            for word in words:
                if word != EVERY and word not in UNIT_CLASSES:
                    self.fail("单元编码", f"{word!r}：{level}的条款应填 {EVERY} 或 {'、'.join(UNIT_CLASSES)}")
        return words or (EVERY,)


def _goes_on(text: str, word: str) -> bool:
    """Whether a text is a word of ours with a Chinese tail that adds no second one.

    >>> _goes_on("资源利用效率要求", "资源利用效率"), _goes_on("自治区、赤峰市", "自治区")
    (True, False)
    """
    tail = text.removeprefix(word)
    return text.startswith(word) and _TAIL.fullmatch(tail) is not None and not _AND.search(tail)


def _can_be(condition: Condition) -> bool:
    """Whether any answers make a condition true; yes where it asks too much to try.

    >>> _can_be(parse_condition("not always")), _can_be(parse_condition("a and not a")), _can_be(parse_condition("a"))
    (False, False, True)
    """
    names = sorted({one.attribute for one in comparisons(condition)})
    if len(names) > _MOST:
        return condition.truth({}) is not False
    every = product((True, False), repeat=len(names))
    return any(condition.truth(dict(zip(names, values, strict=True))) for values in every)


def read(path: Path, attributes: Mapping[str, Attribute], table: Industries) -> ClauseBook:
    """Read and check a table; raises CatalogError that names row and column of everything wrong (a dozen at once)."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CatalogError(f"准入清单大于 {_MOST_BYTES / 1e6:g} MB", where=str(path))
        data = path.read_bytes()
    except OSError as error:
        raise CatalogError("准入清单打不开", where=str(path), remedy="请检查 catalog.toml 的 clauses 或文件路径") from error
    rows = list(_rows(path, data))
    clauses, wrong = [], []
    for row in rows:
        clauses.append((row.number, _clause(row, attributes, table)))
        wrong += row.wrong
    wrong += _doubled([(number, clause) for number, clause in clauses if clause is not None])
    if wrong or not clauses:
        more = [f"另有 {len(wrong) - _TOLD} 处"] if len(wrong) > _TOLD else []
        raise CatalogError(
            "；".join([*wrong[:_TOLD], *more]) or "准入清单里没有条款",
            where=path.name,
            remedy=f"请改正后重试；{_ADVICE}",
        )
    kept = tuple(clause for _, clause in clauses if clause is not None)
    return ClauseBook(path.name, hashlib.sha256(data).hexdigest(), kept, table)


def _clause(row: _Row, attributes: Mapping[str, Attribute], table: Industries) -> Clause | None:
    for column in COLUMNS:
        if column.kind == "must" and not row.cell(column.name):
            row.fail(column.name, "不能为空")
    level = row.like_one_of("层级", LEVELS)
    effect, status = row.one_of("不符合时", EFFECTS), row.one_of("文字", tuple(TEXT_STATUSES)) or "原文"
    since, until = row.day("有效期起"), row.day("有效期止")
    if since and until and until < since:
        row.fail("有效期止", f"{until} 早于有效期起 {since}")
    made = Clause(
        level=level,
        units=row.units(level),
        dimension=row.like_one_of("维度", DIMENSIONS),
        number=row.cell("编号"),
        text=row.cell("条款"),
        effect=Verdict.from_label(effect or EFFECTS[0]),
        source=row.cell("依据文件"),
        text_status=TEXT_STATUSES[status],
        effective_from=since,
        effective_to=until,
        groups=row.groups("适用行业", table),
        applies=row.condition("适用条件", attributes),
        violated=row.condition("不符合条件", attributes),
        thresholds=row.thresholds("阈值"),
    )
    return None if row.wrong else made


def _doubled(clauses: Sequence[tuple[int, Clause]]) -> Iterator[str]:
    """Yield the pairs of rows that are the same clause on the same day."""
    by_key: dict[tuple[str, str, str, str], list[tuple[int, Clause]]] = {}
    for number, clause in clauses:
        for unit in clause.units:
            named = "".join(unicodedata.normalize("NFKC", clause.number).split())
            by_key.setdefault((clause.level, unit, clause.dimension, named), []).append((number, clause))
    for (level, unit, dimension, name), same in by_key.items():
        for (first, one), (second, other) in combinations(same, 2):
            starts = max(one.effective_from or date.min, other.effective_from or date.min)
            if starts <= min(one.effective_to or date.max, other.effective_to or date.max):
                yield f"第 {first} 行与第 {second} 行“编号”：{level} {unit} {dimension} {name} 重复且有效期重叠"


def _is_head(row: Sequence[str]) -> bool:
    return {"层级", "维度", "条款"} <= set(row)


def _rows(path: Path, data: bytes) -> Iterator[_Row]:
    """Yield the rows below the head; a lone cell that begins with # is a note."""
    table = tablecells.cells(path, data, _is_head)
    head = next((n for n, row in enumerate(table) if _is_head(row)), None)
    if head is None:
        raise CatalogError("没有表头：应有 层级、维度、条款 等列", where=path.name, remedy=_ADVICE)
    names = table[head]
    strange = [name for name in names if name and name not in _NAMES]
    lacking = [c.name for c in COLUMNS if c.kind == "must" and c.name not in names]
    if strange or lacking or len(set(names) - {""}) < len([name for name in names if name]):
        what = [f"不认识的列 {'、'.join(strange)}"] if strange else []
        what += [f"缺少列 {'、'.join(lacking)}"] if lacking else []
        where = f"{path.name} 第 {head + 1} 行"
        raise CatalogError("；".join(what) or "有重复的列", where=where, remedy=f"可用的列：{'、'.join(_NAMES)}")
    for number, cells in enumerate(table[head + 1 :], start=head + 2):
        if any(cells[1:]) or (any(cells) and not cells[0].startswith("#")):
            yield _Row(number, dict(zip(names, cells, strict=False)))


def table_text(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as CSV (a byte order mark first, so that Excel reads it as UTF-8)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_NAMES)
    writer.writerows([[row.get(name, "") for name in _NAMES] for row in rows])
    return "\ufeff" + out.getvalue()


def cells_of(path: Path) -> list[Mapping[str, str]]:
    """Return the rows of a table as texts by column, without checking them."""
    return [row.cells for row in _rows(path, path.read_bytes())]


def write_template(path: Path) -> None:
    """Write an empty table with a note on every column: CSV, or a workbook with choices; raises CatalogError."""
    from xlsxwriter.exceptions import FileCreateError

    notes = [f"# {column.name}（{column.asked}）：{column.help}" for column in COLUMNS]
    try:
        match path.suffix.lower():
            case ".csv":
                body = table_text([])
                path.write_text(body + "".join(f'"{note}"\n' for note in notes), encoding="utf-8", newline="\n")
            case ".xlsx":
                _write_book(path, notes)
            case _:
                raise CatalogError("模板只能写成 .csv 或 .xlsx", where=str(path), remedy="请改文件名的后缀")
    except (OSError, FileCreateError) as error:  # no OSError: a missing folder, a file that Excel holds open
        remedy = "请换一个文件名或已有的文件夹，或关闭正在打开它的程序"
        raise CatalogError("模板写不出来", where=str(path), remedy=remedy) from error


def _write_book(path: Path, notes: Sequence[str]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        sheet, about = book.add_worksheet("准入清单"), book.add_worksheet("填写说明")
        bold = book.add_format({"bold": True, "bg_color": "#DDE6EE", "text_wrap": True, "valign": "top"})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        for number, column in enumerate(COLUMNS):
            sheet.write(0, number, column.name, bold)
            sheet.set_column(number, number, 40 if column.name == "条款" else 16, text)
            if column.choices:
                sheet.data_validation(1, number, 5000, number, {"validate": "list", "source": list(column.choices)})
        sheet.freeze_panes(1, 0)
        about.set_column(0, 0, 110)
        for row, note in enumerate(notes):
            about.write(row, 0, note.removeprefix("# "))
