"""An override: a signed, dated record by which a local pack answers a rule more mildly, both answers told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from linxi_gis.errors import RuleError
from linxi_gis.law import Rule, Verdict
from linxi_gis.rulefile import Record

_KEYS = frozenset(("rule", "effect", "by", "signed", "document", "reason", "effective_from", "effective_to"))


@dataclass(frozen=True, slots=True)
class Override:
    """Who answers which rule more mildly, by which document, why, and on which days.

    `by` signed on the day `signed`; `pack` is the name of the local pack the record stands in.
    """

    rule: str
    effect: Verdict
    by: str
    signed: date
    document: str
    reason: str
    effective_from: date
    effective_to: date | None
    pack: str

    def in_force(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def meets(self, other: Override) -> bool:
        """Whether both speak of one rule on one day."""
        apart = (self.effective_to is not None and self.effective_to < other.effective_from) or (
            other.effective_to is not None and other.effective_to < self.effective_from
        )
        return self.rule == other.rule and not apart

    def words(self, rule: Rule, day: date) -> str:
        """Return both answers in one sentence, as it stands in every finding of the rule."""
        source = f"{self.pack}据{self.document}（{self.by}，{self.signed} 签署；{self.reason}）"
        if self.in_force(day):
            return f"原规则 {rule.id} 的结论为“{rule.effect.label}”；{source}自 {self.effective_from} 起按“{self.effect.label}”"
        return f"{source}按“{self.effect.label}”，当日不在有效期内，仍按原规则 {rule.id} 的“{rule.effect.label}”"


def _day(record: Record, key: str) -> date:
    day = record.day(key)
    if day is None:
        record.fail(key, "缺少日期", "每条 override 都须写明由谁（by）、何日（signed）签署，何日起生效（effective_from）")
    return day


def _override(record: Record, pack: str, rules: Mapping[str, Rule]) -> Override:
    name = record.text("rule")
    if name not in rules:
        record.fail("rule", f"没有规则 {name!r}", "只能改上级规则包里的规则；本包自己的规则请直接改")
    one = Override(
        name, record.verdict("effect"), record.text("by"), _day(record, "signed"), record.text("document"),
        record.text("reason"), _day(record, "effective_from"), record.day("effective_to"), pack,
    )  # fmt: skip
    if one.effect >= rules[name].effect:
        what = f"“{one.effect.label}”不轻于原规则的“{rules[name].effect.label}”"
        record.fail("effect", what, "要加重或补充，请另写一条规则")
    _meets(one, rules[name], record)
    if one.effective_from < one.signed:
        record.fail("effective_from", f"{one.effective_from} 早于签署日 {one.signed}", "签署之前的研判按原规则")
    if one.effective_to is not None and one.effective_to < one.effective_from:
        record.fail("effective_to", f"{one.effective_to} 早于 effective_from {one.effective_from}")
    return one


def _meets(one: Override, rule: Rule, record: Record) -> None:
    """Refuse an override that has no day in common with its rule: it would never apply, and nobody would notice."""
    since, until = rule.basis.effective_from, rule.basis.effective_to
    if until is not None and until < one.effective_from:
        record.fail("rule", f"{rule.id} 已于 {until} 失效，早于 effective_from {one.effective_from}", "请写接续它的规则")
    if since is not None and one.effective_to is not None and one.effective_to < since:
        record.fail("rule", f"{rule.id} 自 {since} 起施行，晚于 effective_to {one.effective_to}", "请核对日期，或写它以前的规则")


def read_overrides(
    raw: Mapping[str, object], where: str, pack: str, rules: Mapping[str, Rule], known: tuple[Override, ...]
) -> Iterator[Override]:
    """Yield the overrides of one file; raises RuleError for an unsigned, undated or unreasoned one.

    `rules` are those of the packs above, `known` what those packs override: one rule has one override a day.
    """
    top = Record.of(raw, where, frozenset(("override",)))
    seen = list(known)
    for number, record in enumerate(top.tables("override", _KEYS), 1):
        one = _override(record, pack, rules)
        other = next((other for other in seen if other.meets(one)), None)
        if other is not None:
            what = f"第 {number} 条与{other.pack}的 override（{other.document}）同日管 {one.rule}"
            raise RuleError(what, where=where, remedy="同一规则同一天只能有一条，请核对日期")
        seen.append(one)
        yield one
