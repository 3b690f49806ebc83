"""The questions that decide: against every completion of small rulebooks, then on the bundled rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_judge import BOOK, NEW, TODAY, layer, near, run, zone

from linxi_gis import cubes, decisive
from linxi_gis.finding import LayerResult, Outcome
from linxi_gis.judge import Judgement, judge
from linxi_gis.law import All, AnyOf, Attribute, Condition, Is, Not, Rule, Verdict
from linxi_gis.project import Project
from linxi_gis.rulebook import Rulebook
from linxi_gis.rulefile import parse_condition

NAMES = ("a", "b", "c", "d")
HIDDEN = "zone.seen"  # a layer's column that is empty: nobody is asked, and it stays unknown
KNOWN: dict[str, Attribute] = {
    **{name: Attribute(name, name, f"{name}？", "boolean", "user") for name in NAMES},
    HIDDEN: Attribute(HIDDEN, HIDDEN, "？", "boolean", "layer"),
}
GRAVITY = [
    Verdict.CLEAR, Verdict.NOTICE, Verdict.NOT_CHECKED, Verdict.TO_JUSTIFY, Verdict.RESTRICTED, Verdict.PROHIBITED,
]  # fmt: skip
LEVELS = [Verdict.NOTICE, Verdict.TO_JUSTIFY, Verdict.RESTRICTED, Verdict.PROHIBITED]

leaves = st.builds(Is, st.sampled_from((*NAMES, *NAMES, HIDDEN)), st.booleans())
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule on the red line, on nothing but the project, or on a zone that no layer holds."""
    effect = draw(st.sampled_from(LEVELS))
    kind = draw(st.sampled_from(("zone", "zone", "project", "unseen")))
    return replace(
        BOOK.rule("ERL-003"),
        themes=("ecological_redline",) if kind == "zone" else (),
        missing_themes=("无图层的区域",) if kind == "unseen" else (),
        trigger="attribute" if kind == "project" else "intersects",
        condition=draw(conditions),
        effect=effect,
        unknown_effect=draw(st.sampled_from([level for level in LEVELS if level <= effect])),
        related=(),
    )


books = st.lists(rules(), min_size=1, max_size=5).map(
    lambda some: replace(
        BOOK, rules=tuple(replace(one, id=f"R-{n}") for n, one in enumerate(some)), attributes=KNOWN, caps=()
    )
)
sites = st.sampled_from(
    [
        (layer("ecological_redline", zone("ecological_redline")),),
        (layer("ecological_redline", zone("ecological_redline"), legal_status="draft"),),
        (layer("ecological_redline", near("ecological_redline", metres=2.0, critical=True)),),
        (layer("ecological_redline"),),
        (layer("ecological_redline", zone("ecological_redline")), layer("heritage", status="not_checked")),
    ]
)


def ask(site: tuple[LayerResult, ...], book: Rulebook, facts: Mapping[str, bool]) -> Judgement:
    project = Project(attributes=facts)
    return judge(site, project, book, TODAY, site_kind="polygon", inside_county=True)


def outcome(judgement: Judgement) -> Outcome:
    return Outcome(judgement.overall.verdict, judgement.overall.complete)


def completions(facts: Mapping[str, bool], names: tuple[str, ...]) -> Iterator[dict[str, bool]]:
    left = [name for name in names if name not in facts]
    for values in product((True, False), repeat=len(left)):
        yield {**facts, **dict(zip(left, values, strict=True))}


class Truth:
    """What every completion of the unknowns comes to."""

    def __init__(self, site: tuple[LayerResult, ...], book: Rulebook, facts: Mapping[str, bool]) -> None:
        whole = list(completions(facts, NAMES))
        self.all = {frozenset(one.items()): outcome(ask(site, book, one)) for one in whole}
        self.open = [name for name in NAMES if name not in facts]

    def pairs(self, name: str) -> Iterator[tuple[Outcome, Outcome]]:
        for one, yes in self.all.items():
            if (name, True) in one:
                yield yes, self.all[one - {(name, True)} | {(name, False)}]

    def counts(self, name: str) -> bool:
        return any(yes != no for yes, no in self.pairs(name))

    def worst(self, name: str, answer: bool) -> Verdict:
        return max((made.verdict for one, made in self.all.items() if (name, answer) in one), key=GRAVITY.index)

    def gravest(self, name: str) -> Verdict | None:
        moved = [max((y.verdict, n.verdict), key=GRAVITY.index) for y, n in self.pairs(name) if y.verdict != n.verdict]
        return max((v for v in moved if v is not Verdict.NOT_CHECKED), key=GRAVITY.index, default=None)


some_facts = st.dictionaries(st.sampled_from(NAMES), st.booleans(), max_size=2)


@settings(max_examples=250, deadline=None)
@given(books, sites, some_facts)
def test_what_is_asked_is_what_some_completion_makes_matter(
    book: Rulebook, site: tuple[LayerResult, ...], facts: dict[str, bool]
) -> None:
    truth, asked = Truth(site, book, facts), ask(site, book, facts).overall.questions
    assert {one.attribute for one in asked} == {name for name in truth.open if truth.counts(name)}
    for one in asked:
        for answer, now, worst in ((True, one.if_yes, one.worst_yes), (False, one.if_no, one.worst_no)):
            there = outcome(ask(site, book, {**facts, one.attribute: answer}))
            assert now == there
            assert worst is max((truth.worst(one.attribute, answer), there.verdict), key=GRAVITY.index)
        if one.gravest is not Verdict.NOTICE:
            assert one.gravest is truth.gravest(one.attribute)
        assert set(one.rules) <= {rule.id for rule in book.rules if one.attribute in rule.attributes}


@settings(max_examples=150, deadline=None)
@given(books, sites, some_facts)
def test_an_answer_never_raises_a_question_that_was_not_there(
    book: Rulebook, site: tuple[LayerResult, ...], facts: dict[str, bool]
) -> None:
    before = {one.attribute for one in ask(site, book, facts).overall.questions}
    for name, answer in product([name for name in NAMES if name not in facts], (True, False)):
        after = {one.attribute for one in ask(site, book, {**facts, name: answer}).overall.questions}
        assert after <= before - {name}


@settings(max_examples=120, deadline=None)
@given(books, sites)
def test_cut_short_it_asks_too_much_and_never_too_little(book: Rulebook, site: tuple[LayerResult, ...]) -> None:
    exact = {one.attribute: one for one in ask(site, book, {}).overall.questions}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cubes, "MOST_CUBES", 1)
        patch.setattr(decisive, "_MOST_STEPS", 1)
        rough = {one.attribute: one for one in ask(site, book, {}).overall.questions}
    assert exact.keys() <= rough.keys() <= {name for rule in book.rules for name in rule.attributes} - {HIDDEN}
    for name, one in exact.items():
        assert (one.if_yes, one.if_no) == (rough[name].if_yes, rough[name].if_no)
        assert GRAVITY.index(one.worst_yes) <= GRAVITY.index(rough[name].worst_yes)
        assert GRAVITY.index(one.worst_no) <= GRAVITY.index(rough[name].worst_no)


def test_a_notice_that_only_comes_with_a_blind_ban_decides_nothing() -> None:
    """While anything is unchecked, 提示 and nothing are the same word: 未核查."""
    plain = replace(BOOK.rule("ERL-003"), related=(), effect=Verdict.NOTICE, unknown_effect=Verdict.NOTICE)
    notice = replace(plain, id="R-0", themes=("river",), condition=parse_condition("a and b"), trigger="outside")
    ban = replace(
        plain, id="R-1", themes=(), missing_themes=("无图层的区域",), effect=Verdict.PROHIBITED,
        condition=parse_condition("a"),
    )  # fmt: skip
    book = replace(BOOK, rules=(notice, ban), attributes=KNOWN, caps=())
    assert {one.attribute for one in ask((layer("river"),), book, {}).overall.questions} == {"a"}
    alone = replace(book, rules=(notice,))
    assert {one.attribute for one in ask((layer("river"),), alone, {}).overall.questions} == {"a", "b"}


@given(conditions, some_facts)
def test_cubes_hold_just_the_assignments_that_satisfy_the_condition(
    condition: Condition, facts: dict[str, bool]
) -> None:
    bits = {name: 1 << n for n, name in enumerate(NAMES) if name not in facts}
    for truth, sure in product((True, False), (True, False)):
        found = cubes.cubes(condition, facts, bits, truth=truth, sure=sure)
        for one in completions(facts, NAMES):
            yes = sum(bit for name, bit in bits.items() if one[name])
            fits = any(y & yes == y and not n & yes for y, n in found)
            made = condition.truth(one)
            assert fits is (made is truth if sure else made is not (not truth))


# --- the bundled rules ----------------------------------------------------------------------------


RED = layer("ecological_redline", zone("ecological_redline"))
WATER = layer("water_source", zone("water_source", "grade1"))


def questions(*layers: LayerResult, **facts: Any) -> dict[str, Any]:
    return {one.attribute: one for one in run(*layers, **facts).overall.questions}


def whole_county() -> list[LayerResult]:
    """Every theme with a layer that was seen and does not hit."""
    units = zone("control_unit", "general", share_of_site=1.0)
    town = zone("urban_boundary", share_of_site=1.0)
    special = {"control_unit": (units,), "urban_boundary": (town,)}
    return [layer(name, *special.get(name, ())) for name, theme in BOOK.themes.items() if not theme.context]


def test_a_ban_that_is_certain_asks_nothing_that_another_ban_makes_idle() -> None:
    """With the tailings pond certainly banned on the red line, nothing the red line asks can change the word."""
    facts: dict[str, Any] = {"is_tailings_facility": True, "is_new_build": True}
    asked = questions(RED, **facts)
    assert run(RED, **facts).overall.verdict is Verdict.PROHIBITED
    assert not {"is_development_or_production", "limited_activity_confirmed", "is_resource_development"} & asked.keys()
    assert all(one.gravest is None for one in asked.values())  # only whether all was seen hangs on the rest


def test_the_exemption_that_decides_comes_first() -> None:
    first, *rest = run(WATER, **NEW).overall.questions
    assert first.attribute == "is_water_supply_related"
    assert (first.if_no, first.worst_no) == (Outcome(Verdict.PROHIBITED, True), Verdict.PROHIBITED)
    assert first.if_yes.verdict is Verdict.TO_JUSTIFY and "WSP-002" in first.rules
    assert first.outcomes == "是：须论证，最重可到禁止；否：禁止"
    assert rest and rest[-1].gravest is None  # questions of completeness alone come last


def test_a_true_condition_of_an_unseen_ban_is_asked_for_completeness_alone() -> None:
    facts = {name: False for name in BOOK.attributes if BOOK.attributes[name].origin == "user"}
    del facts["may_pollute_soil"]
    del facts["is_new_build"]
    county = [one for one in whole_county() if one.theme not in ("ecological_redline", "permanent_farmland")]
    asked = questions(*county, **facts)
    assert asked["may_pollute_soil"].gravest is None
    assert "PBF-002" in asked["may_pollute_soil"].rules


def test_what_the_engine_or_a_layer_knows_is_never_asked() -> None:
    reserve = layer("protected_area", zone("protected_area", ""))
    assert run(RED, reserve, WATER).overall.questions
    for one in run(RED, reserve, WATER).overall.questions:
        assert BOOK.attributes[one.attribute].origin in ("user", "clause_comparison")


def test_answering_to_the_end_leaves_nothing_to_ask_and_every_step_asks_less() -> None:
    for answer in (True, False):
        facts: dict[str, Any] = {}
        left = list(run(RED, WATER, **facts).overall.questions)
        while left:
            facts[left[0].attribute] = answer
            now = list(run(RED, WATER, **facts).overall.questions)
            assert {one.attribute for one in now} < {one.attribute for one in left}
            left = now
        final = run(RED, WATER, **facts).overall
        for name in sorted(n for n, a in BOOK.attributes.items() if a.origin == "user" and n not in facts)[:25]:
            other = run(RED, WATER, **facts, **{name: not answer}).overall
            assert (other.verdict, other.complete) == (final.verdict, final.complete)


def test_a_thing_of_many_unknowns_is_still_told_quickly_and_whole() -> None:
    names = [n for n, a in BOOK.attributes.items() if a.origin == "user"][:24]
    pairs = " and ".join(f"({one} or {other})" for one, other in zip(names[::2], names[1::2], strict=True))
    book = replace(BOOK, rules=(replace(BOOK.rule("ERL-003"), condition=parse_condition(pairs)),))
    asked = judge([RED], Project(), book, TODAY, site_kind="polygon", inside_county=True).overall.questions
    assert {one.attribute for one in asked} == set(names)  # 4096 cubes: counted as mattering, which they do


def test_caps_read_the_zone_alone_so_an_answer_never_moves_one() -> None:
    read = {name for cap in BOOK.caps for name in replace(BOOK.rule("ERL-003"), condition=cap.condition).attributes}
    assert read and all(BOOK.attributes[name].origin == "layer" for name in read)
