"""One thing a rule pack gets wrong: of what kind, in which file, rule and key, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from linxi_gis.errors import RuleError

Kind = Literal[
    "schema", "article", "quote", "version", "date", "instrument", "question", "condition", "words", "link",
    "prohibition", "truth", "cascade", "record",
]  # fmt: skip
KIND_TITLES: Mapping[Kind, str] = {
    "schema": "格式",
    "article": "条文",
    "quote": "引文",
    "version": "接续",
    "date": "日期",
    "instrument": "文件表",
    "question": "问题",
    "condition": "条件",
    "words": "区域用语",
    "link": "相关规则",
    "prohibition": "禁止",
    "truth": "三值",
    "cascade": "级联",
    "record": "例外记录",
}
_KINDS_OF_KEYS: Mapping[str, Kind] = {
    "replaced_by": "version",
    "related": "link",
    "when": "condition",
    "unknown": "truth",
    "exempting": "truth",
    "question": "question",
    "themes": "words",
    "classes": "words",
    "missing_themes": "words",
    "bands": "words",
    "effective_from": "date",
    "effective_to": "date",
    "instrument": "instrument",
    "quote": "quote",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of the pack; `rule` is the rule, or the entry of a table, "" where it is the whole file."""

    kind: Kind
    file: str
    rule: str
    key: str
    what: str
    remedy: str = ""

    @property
    def kind_title(self) -> str:
        """The kind in Chinese."""
        return KIND_TITLES[self.kind]

    @property
    def line(self) -> str:
        """The problem as people read it.

        >>> Problem("quote", "river.toml", "RIV-001", "quote", "“甲”不在第一条", "请核对引文").line
        '[引文] river.toml RIV-001 quote：“甲”不在第一条；请核对引文'
        """
        place = " ".join(word for word in (self.file, self.rule, self.key) if word)
        tail = f"；{self.remedy}" if self.remedy else ""
        return f"[{self.kind_title}] {place}：{self.what}{tail}"


def problem(kind: Kind, where: str, key: str, what: str, remedy: str = "") -> Problem:
    """Return a problem at a place as rules name theirs: the file, then the rule."""
    file, _, rule = where.partition(" ")
    return Problem(kind, file, rule, key, what, remedy)


def refused(error: RuleError) -> Problem:
    """Return what the pack's own loader refuses as a problem, its kind by the key it names.

    >>> refused(RuleError("没有规则 'A'", where="river.toml RIV-001 related")).kind
    'link'
    """
    file, _, rest = error.where.partition(" ")
    rule, _, key = rest.partition(" ")
    first = key.partition(" ")[0].partition("[")[0]
    return Problem(_KINDS_OF_KEYS.get(first, "schema"), file, rule, key, error.what, error.remedy)
