"""One rule as it stands in TOML, checked key by key and read into a Rule; no law is applied here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NoReturn, get_args

from linxi_gis.errors import RuleError
from linxi_gis.law import (
    All,
    AnyOf,
    Band,
    Citation,
    Condition,
    Is,
    Not,
    Rule,
    TextStatus,
    Trigger,
    Value,
    Verdict,
)

TEXT_STATUSES: dict[str, TextStatus] = {status: status for status in get_args(TextStatus)}
TRIGGERS: dict[str, Trigger] = {trigger: trigger for trigger in get_args(Trigger)}
LOCATED_BY = ("footprint", "outfall", "route", "pipeline", "dam_toe", "buildings", "working_area")
RULE_KEYS = frozenset((
    "id", "zone_words", "class_words", "themes", "classes", "missing_themes", "trigger", "bands",
    "measured_from", "located_by", "activity", "effect", "when", "unknown", "exempting", "instrument",
    "article", "quote", "text_status", "effective_from", "effective_to", "replaced_by", "exception",
    "penalty", "note", "reading", "related", "applies_in_linxi", "source", "source_quality",
    "screening_m", "always_say", "at_most", "tool",
))  # fmt: skip
_PENALTY_KEYS = frozenset(("instrument", "article", "quote", "text_status"))
_TOKEN = re.compile(r"\s*(?:(?P<mark>[()=])|'(?P<string>[^']*)'|(?P<word>[a-z_][a-z0-9_.]*))")
_LITERALS = {"yes": True, "no": False}
_KEYWORDS = ("and", "or", "not", "always", *_LITERALS)


@dataclass(frozen=True, slots=True)
class Record:
    """One TOML table whose keys are known; every getter says file, table and key when it fails."""

    raw: Mapping[str, object]
    where: str

    @classmethod
    def of(cls, raw: object, where: str, allowed: frozenset[str]) -> Record:
        """Return the table; raises RuleError when it is no table or holds a key nobody reads."""
        if not isinstance(raw, dict):
            raise RuleError("应为 TOML 表", where=where)
        for key in raw:
            if key not in allowed:
                raise RuleError(
                    f"不认识的键 {key!r}", where=where, remedy="可用的键：" + "、".join(sorted(allowed))
                )
        return cls(raw, where)

    def checked(self, allowed: frozenset[str]) -> Record:
        """Return the same table; raises RuleError when it holds a key nobody reads."""
        return Record.of(self.raw, self.where, allowed)

    def fail(self, key: str, what: str, remedy: str = "") -> NoReturn:
        """Raise RuleError naming this table and the key."""
        raise RuleError(what, where=f"{self.where} {key}", remedy=remedy)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without a default it must be there and not be empty."""
        value = self.raw.get(key, default)
        if not isinstance(value, str):
            self.fail(key, "缺少文字" if value is None else f"{value!r} 不是文字")
        if default is None and not value.strip():
            self.fail(key, "不能为空")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty when the key is absent."""
        value = self.raw.get(key, [])
        if not isinstance(value, list):
            self.fail(key, f"{value!r} 不是文字列表")
        words = tuple(word for word in value if isinstance(word, str) and word)
        if len(words) != len(value):
            self.fail(key, f"{value!r} 含有不是文字的项")
        return words

    def day(self, key: str) -> date | None:
        """Return a date, None when the key is absent."""
        value = self.raw.get(key)
        if value == date.max:  # the days after it could not be told
            self.fail(key, f"{value} 不是真的日期", "永久有效的不写 effective_to")
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        self.fail(key, f"{value!r} 不是日期", "写成 2026-08-15（不加引号）")

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false, the default when the key is absent."""
        value = self.raw.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, f"{value!r} 不是 true 或 false")
        return value

    def positive(self, key: str) -> float:
        """Return a positive number of metres."""
        value = self.raw.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            self.fail(key, f"{value!r} 不是正数")
        return float(value)

    def verdict(self, key: str) -> Verdict:
        """Return one of 提示, 须论证, 限制, 禁止."""
        allowed = [v.label for v in Verdict if v not in (Verdict.CLEAR, Verdict.NOT_CHECKED)]
        label = self.text(key)
        if label not in allowed:
            self.fail(key, f"{label!r} 不是结论", "可用：" + "、".join(allowed))
        return Verdict.from_label(label)

    def condition(self, key: str) -> Condition:
        """Return the parsed expression; raises RuleError with the place where it breaks."""
        text = self.text(key)
        try:
            return parse_condition(text)
        except ValueError as error:
            self.fail(key, f"条件 {text!r} 读不懂（{error}）", "用 and、or、not、括号和 属性 = '文字'")

    def tables(self, key: str, allowed: frozenset[str] | None = None) -> Iterator[Record]:
        """Yield the tables of a list of tables; without `allowed` their keys are for `checked` to look at."""
        value = self.raw.get(key, [])
        if not isinstance(value, list):
            self.fail(key, "应为表的列表")
        for number, raw in enumerate(value, 1):
            named = (raw.get("id") or raw.get("name")) if isinstance(raw, dict) else None
            where = f"{self.where} {named or f'{key}[{number}]'}"
            known = frozenset(raw) if allowed is None and isinstance(raw, dict) else allowed or frozenset()
            yield Record.of(raw, where, known)

    def table(self, key: str, allowed: frozenset[str]) -> Record | None:
        """Return a nested table, None when the key is absent."""
        raw = self.raw.get(key)
        return None if raw is None else Record.of(raw, f"{self.where} {key}", allowed)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"第 {at + 1} 个字符 {text[at:].strip()[:1]!r}")
        kind = match.lastgroup
        found.append((kind, match.group(kind)))
        at = match.end()
    return found


@dataclass(slots=True)
class _Parser:
    """Recursive descent over: or < and < not < (…) | name | name = value | always."""

    tokens: list[tuple[str, str]]
    at: int = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def accept(self, kind: str, text: str) -> bool:
        if self.peek() != (kind, text):
            return False
        self.at += 1
        return True

    def either(self) -> Condition:
        parts = [self.both()]
        while self.accept("word", "or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def both(self) -> Condition:
        parts = [self.negated()]
        while self.accept("word", "and"):
            parts.append(self.negated())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def negated(self) -> Condition:
        return Not(self.negated()) if self.accept("word", "not") else self.primary()

    def primary(self) -> Condition:
        if self.accept("mark", "("):
            inner = self.either()
            if not self.accept("mark", ")"):
                raise ValueError("缺少右括号")
            return inner
        if self.accept("word", "always"):
            return All(())
        kind, name = self.peek()
        if kind != "word" or name in _KEYWORDS:
            raise ValueError(f"这里应为属性名，而不是 {name or '结尾'!r}")
        self.at += 1
        return Is(name, self.value() if self.accept("mark", "=") else True)

    def value(self) -> Value:
        kind, text = self.peek()
        self.at += 1
        if kind == "string":
            return text
        if kind == "word" and text in _LITERALS:
            return _LITERALS[text]
        raise ValueError(f"等号后应为 '文字'、yes 或 no，而不是 {text or '结尾'!r}")


def parse_condition(text: str) -> Condition:
    """Parse an expression of and, or, not, parentheses and comparisons; raises ValueError.

    >>> parse_condition("a and not (b or zone.grade = '市级')") == All((
    ...     Is("a", True), Not(AnyOf((Is("b", True), Is("zone.grade", "市级"))))))
    True
    >>> parse_condition("always"), parse_condition("a = no")
    (All(parts=()), Is(attribute='a', value=False))
    """
    parser = _Parser(_tokens(text))
    condition = parser.either()
    if parser.at < len(parser.tokens):
        raise ValueError(f"多出 {parser.peek()[1]!r}")
    return condition


@dataclass(frozen=True, slots=True)
class Instrument:
    """A law, regulation, standard or notice, and when it is in force."""

    key: str
    title: str
    number: str
    legal_force: str
    effective_from: date | None
    effective_to: date | None
    text_as_of: date | None

    def cite(
        self, article: str, quote: str, status: TextStatus, since: date | None, until: date | None
    ) -> Citation:
        """Return the citation of one article in force from `since` to `until`."""
        return Citation(self.title, self.number, article, quote, status, since, until, self.legal_force)


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule with what the rule type has no place for: where it stood, its penalty, its successors.

    `instrument` and `penalty_instrument` are keys of the pack's table of instruments.
    """

    rule: Rule
    where: str
    penalty: Citation | None
    replaced_by: tuple[str, ...]
    instrument: str
    penalty_instrument: str


def _status(record: Record) -> TextStatus:
    word = record.text("text_status")
    if word not in TEXT_STATUSES:
        record.fail("text_status", f"{word!r} 不认识", "可用：" + "、".join(TEXT_STATUSES))
    if word == "verbatim" and not record.text("quote", "").strip():
        record.fail("quote", "标为 verbatim 而没有引文")
    return TEXT_STATUSES[word]


def _instrument(record: Record, instruments: Mapping[str, Instrument]) -> Instrument:
    key = record.text("instrument")
    if key not in instruments:
        record.fail("instrument", f"instruments.toml 里没有 {key!r}")
    return instruments[key]


def _citation(record: Record, instruments: Mapping[str, Instrument]) -> Citation:
    law = _instrument(record, instruments)
    since, until = record.day("effective_from"), record.day("effective_to")
    if since and until and until < since:
        record.fail("effective_to", f"{until} 早于 effective_from {since}")
    if law.effective_from and (since is None or since < law.effective_from):
        record.fail("effective_from", f"早于所引文件的施行日 {law.effective_from}")
    if law.effective_to and (until is None or until > law.effective_to):
        record.fail("effective_to", f"晚于所引文件的失效日 {law.effective_to}")
    return law.cite(record.text("article"), record.text("quote", ""), _status(record), since, until)


def _penalty(
    inner: Record | None, rule: Citation, instruments: Mapping[str, Instrument]
) -> Citation | None:
    if inner is None:
        return None
    law = _instrument(inner, instruments)
    return law.cite(
        inner.text("article"), inner.text("quote"), _status(inner), rule.effective_from, rule.effective_to
    )


def _choice(record: Record, key: str, allowed: tuple[str, ...]) -> str:
    word = record.text(key)
    if word not in allowed:
        record.fail(key, f"{word!r} 不认识", "可用：" + "、".join(allowed))
    return word


def _bands(record: Record) -> tuple[Band, ...]:
    return tuple(
        Band(band.words("zones"), band.positive("distance_m"))
        for band in record.tables("bands", frozenset(("zones", "distance_m")))
    )


def _screening(record: Record) -> float | None:
    """Return our own screening distance (m), which only a rule without one of its own may have."""
    if "screening_m" not in record.raw:
        return None
    trigger = record.text("trigger")
    if trigger not in ("within_distance", "downstream_flow_path") or "bands" in record.raw:
        record.fail("screening_m", "只用于没有法定距离的 within_distance 和 downstream_flow_path")
    return record.positive("screening_m")


def _at_most(record: Record, effect: Verdict) -> Verdict | None:
    if "at_most" not in record.raw:
        return None
    cap = record.verdict("at_most")
    if cap >= effect or not record.text("always_say", ""):
        record.fail("at_most", "应轻于 effect，并用 always_say 说明原因")
    return cap


def _tool(record: Record, effect: Verdict) -> bool:
    tool = record.flag("tool")
    if tool and (effect is not Verdict.NOTICE or not record.text("always_say", "")):
        record.fail("tool", "工具规则只能给“提示”，并用 always_say 说明")
    return tool


def read_rule(record: Record, subject: str, instruments: Mapping[str, Instrument]) -> Entry:
    """Return the rule of one [[rule]] table; raises RuleError naming the file, the rule and the key."""
    basis, effect = _citation(record, instruments), record.verdict("effect")
    unknown = record.table("unknown", frozenset(("effect", "say")))
    unknown_effect = None if unknown is None else unknown.verdict("effect")
    if unknown_effect is not None and unknown_effect > effect:
        record.fail("unknown", f"条件未知时的结论“{unknown_effect.label}”重于“{effect.label}”")
    exempting = record.flag("exempting")
    if exempting and unknown_effect is not effect:
        record.fail("exempting", "例外未知时的结论应与 effect 相同")
    start = record.text("measured_from", "")
    readings = (record.text("note", ""), f"距离自{start}起算。" if start else "", record.text("reading", ""))
    rule = Rule(
        id=record.text("id"),
        subject=subject,
        zone_words=record.text("zone_words"),
        class_words=record.text("class_words"),
        themes=record.words("themes"),
        classes=record.words("classes"),
        trigger=TRIGGERS[_choice(record, "trigger", tuple(TRIGGERS))],
        bands=_bands(record),
        located_by=_choice(record, "located_by", LOCATED_BY),
        activity=record.text("activity"),
        effect=effect,
        condition=record.condition("when"),
        unknown_effect=unknown_effect,
        unknown_say="" if unknown is None else unknown.text("say"),
        exempting=exempting,
        applies_in_linxi=record.flag("applies_in_linxi", True),
        basis=basis,
        exception=record.text("exception", ""),
        note="".join(readings),
        related=record.words("related"),
        missing_themes=record.words("missing_themes"),
        screening_m=_screening(record),
        always_say=record.text("always_say", ""),
        at_most=_at_most(record, effect),
        tool=_tool(record, effect),
    )
    penalty = record.table("penalty", _PENALTY_KEYS)
    return Entry(
        rule, record.where, _penalty(penalty, basis, instruments), record.words("replaced_by"),
        record.text("instrument"), "" if penalty is None else penalty.text("instrument"),
    )  # fmt: skip
