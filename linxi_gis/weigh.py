"""Weigh one rule against known facts: a three-valued truth, a verdict, the questions that decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from linxi_gis.finding import Question
from linxi_gis.law import Attribute, Rule, Truth, Value, Verdict, comparisons

_MOST = 12  # unknowns whose completions are tried one by one (4096); beyond, bounds are given


@dataclass(frozen=True, slots=True)
class Limit:
    """Why a verdict may not pass `at_most`; a limit of 禁止 only adds its words."""

    at_most: Verdict
    say: str


Weighed = tuple[Truth, Verdict, tuple[Question, ...]]
Reach = tuple[frozenset[bool], frozenset[bool], bool]  # truths after yes, after no, whether it matters


def verdict_while_unknown(rule: Rule, at_most: Verdict) -> Verdict:
    """What a rule comes to while its condition is unknown: what it says itself, 须论证 if it says nothing."""
    return min(rule.unknown_effect or min(Verdict.TO_JUSTIFY, rule.effect), at_most)


def verdict_of(rule: Rule, facts: Mapping[str, Value], at_most: Verdict) -> tuple[Truth, Verdict]:
    """True gives the effect, False CLEAR, unknown what `verdict_while_unknown` says."""
    truth = rule.condition.truth(facts)
    if truth is False:
        return truth, Verdict.CLEAR
    return truth, min(rule.effect, at_most) if truth else verdict_while_unknown(rule, at_most)


def values_of(rule: Rule, name: str) -> tuple[Value, ...]:
    """Return the values an attribute may have, as far as the condition can tell them apart."""
    compared = {one.value for one in comparisons(rule.condition) if one.attribute == name}
    texts = sorted(value for value in compared if isinstance(value, str))
    return (*texts, "") if texts else (True, False)


def _reaches(rule: Rule, facts: Mapping[str, Value], unknown: Sequence[str]) -> dict[str, Reach]:
    """Return what every yes or no may still lead to, over all completions of the other unknowns."""
    if len(unknown) > _MOST:
        return _bounds(rule, facts, unknown)
    truths = {
        values: rule.condition.truth({**facts, **dict(zip(unknown, values, strict=True))}) is True
        for values in product(*(values_of(rule, name) for name in unknown))
    }
    found = {}
    for k, name in enumerate(unknown):
        yes = {values: truth for values, truth in truths.items() if values[k] is True}
        no = {values: truth for values, truth in truths.items() if values[k] is False}
        matters = any(truth is not no[(*v[:k], False, *v[k + 1 :])] for v, truth in yes.items())
        found[name] = frozenset(yes.values()), frozenset(no.values()), matters
    return found


def _bounds(rule: Rule, facts: Mapping[str, Value], unknown: Sequence[str]) -> dict[str, Reach]:
    """Return bounds instead: what Kleene's logic leaves open counts as reachable, and as mattering."""

    def left(name: str, answer: bool) -> frozenset[bool]:
        truth = rule.condition.truth({**facts, name: answer})
        return frozenset((True, False)) if truth is None else frozenset((truth,))

    ends = {name: (left(name, True), left(name, False)) for name in unknown}
    return {name: (yes, no, yes != no or len(yes) > 1) for name, (yes, no) in ends.items()}


def _questions(
    rule: Rule, facts: Mapping[str, Value], at_most: Verdict, known: Mapping[str, Attribute]
) -> tuple[Question, ...]:
    unknown = [name for name in rule.attributes if name not in facts]
    worst = min(rule.effect, at_most)

    def then(name: str, answer: bool, truths: frozenset[bool]) -> Verdict:
        """The worst reachable; never below what is answered while the others stay unknown."""
        now = verdict_of(rule, {**facts, name: answer}, at_most)[1]
        return worst if True in truths else now

    asked = [
        Question(name, known[name].question, then(name, True, yes), then(name, False, no))
        for name, (yes, no, matters) in _reaches(rule, facts, unknown).items()
        if matters and known[name].askable and known[name].type == "boolean"
    ]
    return tuple(sorted(asked, key=_weight))  # a stable sort: equals stay in the order of the rule


def _weight(question: Question) -> tuple[int, int]:
    """The most decisive question first, then the one with the worst to fear."""
    yes, no = question.if_yes.rank, question.if_no.rank
    return -abs(yes - no), -max(yes, no)


def weigh(
    rule: Rule, facts: Mapping[str, Value], at_most: Verdict, known: Mapping[str, Attribute]
) -> Weighed:
    """Return the truth of the condition, the verdict (never above `at_most`), and what to ask.

    While the condition is unknown, every unknown attribute that some completion of the others makes
    decisive is asked; `if_yes` and `if_no` are the worst verdicts each answer leaves reachable.
    `known` describes the attributes the rule reads.
    """
    truth, verdict = verdict_of(rule, facts, at_most)
    return truth, verdict, _questions(rule, facts, at_most, known) if truth is None else ()
