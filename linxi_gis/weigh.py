"""Weigh one rule against known facts: a three-valued truth, a verdict, the questions that decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from linxi_gis.finding import Question
from linxi_gis.law import Attribute, Rule, Truth, Value, Verdict

_ASKABLE = ("user", "clause_comparison")  # nobody can answer for a layer's column or the engine


@dataclass(frozen=True, slots=True)
class Limit:
    """Why a verdict may not pass `at_most`; a limit of 禁止 only adds its words."""

    at_most: Verdict
    say: str


Weighed = tuple[Truth, Verdict, tuple[Question, ...]]


def _verdict(rule: Rule, facts: Mapping[str, Value], at_most: Verdict) -> tuple[Truth, Verdict]:
    """True gives the effect, False CLEAR, unknown what the rule says (须论证 if it says nothing)."""
    truth = rule.condition.truth(facts)
    if truth is False:
        return truth, Verdict.CLEAR
    unknown = rule.unknown_effect or min(Verdict.TO_JUSTIFY, rule.effect)
    return truth, min(rule.effect if truth else unknown, at_most)


def _matters(rule: Rule, facts: Mapping[str, Value], name: str, others: Sequence[str]) -> bool:
    """Whether, for some answers to the others, this answer changes the truth of the condition."""
    for answers in product((True, False), repeat=len(others)):
        filled = {**facts, **dict(zip(others, answers, strict=True))}
        if rule.condition.truth({**filled, name: True}) != rule.condition.truth({**filled, name: False}):
            return True
    return False


def _questions(
    rule: Rule, facts: Mapping[str, Value], at_most: Verdict, known: Mapping[str, Attribute], now: Verdict
) -> tuple[Question, ...]:
    unknown = [name for name in rule.attributes if name not in facts and known[name].type == "boolean"]
    asked = [
        Question(
            name,
            known[name].question,
            _verdict(rule, {**facts, name: True}, at_most)[1],
            _verdict(rule, {**facts, name: False}, at_most)[1],
        )
        for name in unknown
        if known[name].origin in _ASKABLE
    ]
    decisive = tuple(q for q in asked if q.if_yes is not now or q.if_no is not now)
    return decisive or tuple(
        q for q in asked if _matters(rule, facts, q.attribute, [n for n in unknown if n != q.attribute])
    )


def weigh(
    rule: Rule, facts: Mapping[str, Value], at_most: Verdict, known: Mapping[str, Attribute]
) -> Weighed:
    """Return the truth of the condition, the verdict (never above `at_most`), and what to ask.

    While the condition is unknown the questions are those whose answer alone would change the
    verdict; when no single answer would, those that could together with others. `known` describes
    the attributes the rule reads.
    """
    truth, verdict = _verdict(rule, facts, at_most)
    asked = _questions(rule, facts, at_most, known, verdict) if truth is None else ()
    return truth, verdict, asked
