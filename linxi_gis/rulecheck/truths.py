"""Every rule over all values of its attributes, yes, no and unknown, by the functions the judge uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from linxi_gis.case import TILED, Case, Memo
from linxi_gis.finding import Finding, Hit
from linxi_gis.law import Condition, Rule, Truth, Value, Verdict
from linxi_gis.rulebook import Pack, Rulebook
from linxi_gis.rulecheck import stage
from linxi_gis.rulecheck.problem import Problem, problem
from linxi_gis.rulecheck.records import FILE, Records
from linxi_gis.rulefile import Entry
from linxi_gis.weigh import values_of, verdict_of
from linxi_gis.zonelaw import of_project

_MOST = 9  # attributes of one rule tried one by one: 3^9 is 19,683 answers
_ALONE = ("attribute", "date", "aggregate")
_NEVER_JUDGED = ("data_quality", "upstream_of")  # listed as unevaluated, see blanks.py
Facts = dict[str, Value]


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What a condition does over all answers: faults found, and facts that make it true and false."""

    faults: tuple[str, ...]
    true: Mapping[str, Value] | None
    false: Mapping[str, Value] | None


def _told(facts: Mapping[str, Value], rule: Rule) -> str:
    words = (f"{name}={facts.get(name)!r}" if isinstance(facts.get(name), str) else
             f"{name}={stage.truth_words(bool(facts[name]) if name in facts else None)}" for name in rule.attributes)  # fmt: skip
    return "、".join(words)


def _faults(rule: Rule, facts: Facts, reached: tuple[Verdict, frozenset[Truth]]) -> Iterator[str]:
    """Yield what is wrong with the answer to some facts, `reached` being what their completions give."""
    truth, verdict = verdict_of(rule, facts, Verdict.PROHIBITED)
    mildest, truths = reached
    if truth is not None:
        if verdict is not (rule.effect if truth else Verdict.CLEAR):
            yield f"条件{'成立' if truth else '不成立'}时得“{verdict.label}”"
        if truths != {truth}:
            yield "条件已定，而补全后又变"
        return
    if len(facts) == len(rule.attributes):
        yield "答案齐全而条件仍未知"
    if verdict is Verdict.CLEAR or verdict < mildest:
        yield f"未知时得“{verdict.label}”，轻于补全后最轻的“{mildest.label}”"
    if verdict > rule.effect:
        yield f"未知时得“{verdict.label}”，重于“{rule.effect.label}”"
    if rule.exempting and verdict is not rule.effect:
        yield f"禁止一切未证明属于例外的活动，未知时却得“{verdict.label}”"


def _sweep(rule: Rule) -> _Sweep:
    """Try every answer to the rule's attributes; completions first, so that each answer is compared with its own."""
    names = rule.attributes
    domains = [values_of(rule, name) for name in names]
    every = product(*((*domain, None) for domain in domains))
    reached: dict[tuple[Value | None, ...], tuple[Verdict, frozenset[Truth]]] = {}
    faults: dict[str, str] = {}
    known: dict[Truth, Facts] = {}
    for values in sorted(every, key=lambda one: one.count(None)):
        facts = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        if None not in values:
            truth, verdict = verdict_of(rule, facts, Verdict.PROHIBITED)
            reached[values] = verdict, frozenset((truth,))
            known.setdefault(truth, facts)
        else:
            k = values.index(None)
            below = [reached[(*values[:k], value, *values[k + 1 :])] for value in domains[k]]
            reached[values] = min(v for v, _ in below), frozenset().union(*(t for _, t in below))
        for fault in _faults(rule, facts, reached[values]):
            faults.setdefault(fault, _told(facts, rule))
    return _Sweep(tuple(f"{what}（{at}）" for what, at in faults.items()), known.get(True), known.get(False))


def _classes(book: Rulebook, rule: Rule, theme: str) -> list[str]:
    """Return the classes of a theme that are the rule's own, "" where it asks for none."""
    known = book.themes[theme].classes
    banded = {word for band in rule.bands for word in band.zones}
    if banded:
        return [one.code for one in known if banded.intersection(one.words)]
    return [one.code for one in known if one.code in rule.classes] or [""]


def _place(rule: Rule, theme: str, zone_class: str) -> Hit | None:
    """Return the zone a rule must speak of: on the site, as far off as its distance goes, or none at all."""
    if rule.trigger in ("outside", TILED):
        return None
    if rule.screening_m is not None:
        return stage.beside(theme, zone_class, rule.screening_m)
    return stage.zone(theme, zone_class)


def _cap(book: Rulebook, rule: Rule, theme: str, facts: Mapping[str, Value]) -> Verdict:
    """Return the gravest a rule may come to: no text, no ban; an approximate zone, an unapproved circle."""
    caps = [rule.at_most or Verdict.PROHIBITED]
    if rule.basis.text_status != "verbatim" and not rule.tool:
        caps.append(Verdict.TO_JUSTIFY)
    caps += [cap.at_most for cap in book.caps if cap.theme == theme and cap.condition.truth(facts) is True]
    return min(caps)


def _heard(
    book: Rulebook, rule: Rule, facts: Mapping[str, Value], memo: Memo
) -> Iterator[tuple[str, Verdict, list[Finding]]]:
    """Yield where the rule should speak, its cap there, and what the judge says of it there."""
    if rule.trigger in _NEVER_JUDGED or (rule.missing_themes and not rule.themes):
        return
    if not rule.themes:
        case = Case(book, (rule,), facts, (), True, True, 0.0, memo)
        yield "项目", _cap(book, rule, "", facts), list(of_project(case, _ALONE, facts))
    for theme in rule.themes:
        for zone_class in _classes(book, rule, theme):
            place = _place(rule, theme, zone_class)
            told = stage.answers(book, (rule,), facts, theme, place, memo)
            yield f"{book.themes[theme].title}{zone_class and f'（{zone_class}）'}", _cap(book, rule, theme, facts), told


def _spoken(entry: Entry, book: Rulebook, sweep: _Sweep, memo: Memo) -> Iterator[Problem]:
    """The judge gives the effect where the condition is true, nothing where it is false, the answer for the unknown else."""
    rule = entry.rule
    unknown: Truth = rule.condition.truth({})
    open_answer = rule.unknown_effect or min(Verdict.TO_JUSTIFY, rule.effect)
    cases: list[tuple[Mapping[str, Value] | None, str, Verdict | None]] = [
        (sweep.true, "成立", rule.effect),
        (sweep.false, "不成立", None),
        ({} if unknown is None else None, "未知", open_answer),
    ]
    for facts, word, wanted in cases:
        for place, cap, findings in _heard(book, rule, facts, memo) if facts is not None else ():
            said = [found.verdict for found in findings if found.rule == rule.id]
            if said != ([] if wanted is None else [min(wanted, cap)]):
                labels = "、".join(one.label for one in said) or "没有结论"
                due = "没有结论" if wanted is None else min(wanted, cap).label
                what = f"{place}：条件{word}时应为“{due}”，研判得“{labels}”"
                yield problem("truth", entry.where, "when", what, "请核对 trigger、themes、classes 和 when")


def _conditions(entry: Entry, sweep: _Sweep) -> Iterator[Problem]:
    for fault in sweep.faults:
        yield problem("truth", entry.where, "unknown", fault, "请核对 when、effect 和 unknown")
    if sweep.true is None:
        yield problem("truth", entry.where, "when", "条件永远不成立", "请核对 when")
    if sweep.false is None and entry.rule.attributes:
        yield problem("truth", entry.where, "when", "条件恒成立，而仍要问属性", "请写 always，或核对 when")


def _unheard(entry: Entry) -> Iterator[Problem]:
    rule = entry.rule
    if rule.trigger in _NEVER_JUDGED and rule.effect > Verdict.NOTICE:
        what = f"trigger 为 {rule.trigger} 的规则从不研判，effect 却是“{rule.effect.label}”"
        yield problem("truth", entry.where, "trigger", what, "请改 trigger；图形不能判断的，effect 只写“提示”")


def _mild(entry: Entry, records: Records) -> Iterator[Problem]:
    rule = entry.rule
    least = min(Verdict.TO_JUSTIFY, rule.effect)
    mild = rule.unknown_effect is not None and rule.unknown_effect < least
    if mild and rule.attributes and not records.excuse("mild", rule.id):
        what = f"条件未知时的结论轻于“{least.label}”"
        remedy = f"请改重；出处本身如此的，在 {FILE} 的 mild 里写明"
        yield problem("truth", entry.where, "unknown", what, remedy)


def check(pack: Pack, records: Records) -> Iterator[Problem]:
    """Yield what is wrong with the answers of each rule, over all 3^n values of its n attributes.

    Decided gives the effect or nothing; unknown is never clear, never above the effect, never below the
    mildest completion (docs/decisions/0003-three-valued-law.md); the judge says so of a zone as well.
    """
    swept: dict[tuple[Condition, Verdict, Verdict | None, bool], _Sweep] = {}
    memo = Memo()
    for entry in pack.entries.values():
        rule = entry.rule
        if len(rule.attributes) > _MOST:
            what = f"条件有 {len(rule.attributes)} 个属性，超过 {_MOST} 个，无法逐一核对"
            yield problem("truth", entry.where, "when", what, "请拆成几条规则")
            continue
        key = (rule.condition, rule.effect, rule.unknown_effect, rule.exempting)
        if key not in swept:
            swept[key] = _sweep(rule)
        yield from _conditions(entry, swept[key])
        yield from _mild(entry, records)
        yield from _unheard(entry)
        yield from _spoken(entry, pack.rulebook, swept[key], memo)
