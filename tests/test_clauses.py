"""Access lists clause by clause: situations an official can read, then properties, then every face."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from yard import HUNDRED, RULES, entry, open_library, site, square, write_layer

from linxi_gis import industry
from linxi_gis.assess import assess
from linxi_gis.clauses import NO_FILE, VIOLATES, Clause, ClauseBook, ClauseResult, Outcome, Threshold
from linxi_gis.finding import Finding, Hit, LayerResult, Relation
from linxi_gis.judge import Judgement, judge
from linxi_gis.law import Verdict
from linxi_gis.model import Assessment
from linxi_gis.openclauses import awaited
from linxi_gis.project import AMOUNTS, Project, with_values
from linxi_gis.report import extract, sheet, text
from linxi_gis.rulefile import parse_condition
from linxi_layers import industry_file
from linxi_maps.clauses import clause_list

TABLE = industry.read(industry_file())
SCHEMA = jsonschema.Draft202012Validator(extract.schema())
TODAY, BEFORE_THE_CODE = date(2026, 11, 23), date(2026, 8, 14)
PRIORITY, KEY, GENERAL = "ZH15042410001", "ZH15042420001", "ZH15042430001"
SPACE, DISCHARGE, RISK, RESOURCE = "空间布局约束", "污染物排放管控", "环境风险防控", "资源利用效率"
BAN, LIMIT, ARGUE = Verdict.PROHIBITED, Verdict.RESTRICTED, Verdict.TO_JUSTIFY


def clause(level: str = "单元", units: Sequence[str] = (), effect: Verdict = LIMIT, **more: Any) -> Clause:
    """A clause that can be judged: not met while the project is industrial, unless told otherwise."""
    texts = {name: more.pop(name, "") for name in ("applies", "violated")}
    conditions = {name: parse_condition(words) for name, words in texts.items() if words}
    whom = tuple(units) or ((KEY,) if level == "单元" else ("全部",))
    base: dict[str, Any] = {"dimension": SPACE, "number": "1", "text": "示意条款", "source": "示意清单"}
    return Clause(level, whom, effect=effect, **{**base, **more, **conditions})


def fine(level: str, **more: Any) -> Clause:
    """A clause that every project keeps to that states it is not temporary."""
    return clause(level, number="9", violated="is_temporary_land_use", **more)


ABOVE = (fine("自治区"), fine("赤峰市"))


def book(*clauses: Clause) -> ClauseBook:
    return ClauseBook("clauses.csv", "0" * 64, clauses, TABLE)


def unit(code: str = KEY, **changes: Any) -> Hit:
    kind = {"1": "priority", "2": "key", "3": "general"}[code[8]]
    hit = Hit("units", code, f"{code} 单元", kind, Relation.OVERLAPS, 500.0, 0.0, 1.0, 0.0, None, 50.0, False)
    return replace(hit, **changes)


def units(*hits: Hit, **changes: Any) -> LayerResult:
    result = LayerResult(
        id="units", theme="control_unit", title="环境管控单元", status="hit", required=True, version="1", sha256="0" * 64,
        legal_status="approved", demonstration=False, accuracy_m=5.0, range_m=2000.0, share_of_site=1.0, hits=hits,
    )  # fmt: skip
    return replace(result, **changes)


def run(listed: ClauseBook | None, *hits: Hit, on: date = TODAY, layer: LayerResult | None = None, **said: object) -> Judgement:
    project = with_values(Project(), said.items(), RULES.attributes, "")
    return judge(
        [layer or units(*(hits or (unit(),)))], project, RULES, on, site_kind="polygon", inside_county=True,
        access_list=listed,
    )  # fmt: skip


def only(judged: Judgement, number: str = "1") -> ClauseResult:
    (found,) = [one for one in judged.access.results if one.clause.number == number]
    return found


def of_list(judged: Judgement) -> list[Finding]:
    return [one for one in judged.findings if (one.rule or "").startswith("准入清单")]


def rules(judged: Judgement) -> set[str]:
    return {one.rule or "" for one in judged.findings if one.verdict > Verdict.CLEAR}


# --- one clause -----------------------------------------------------------------------------------


def test_a_clause_without_conditions_is_for_people_whatever_is_known_of_the_project() -> None:
    for said in ({}, {"industry": "0912", "is_industrial": True, "build": "新建"}):
        found = only(run(book(clause()), **said))
        assert (found.outcome, found.asks) == (Outcome.OPEN, ())
        assert "人工对照" in found.why


def test_a_condition_answers_in_three_values() -> None:
    listed = book(clause(violated="is_industrial"))
    assert only(run(listed, is_industrial=True)).outcome is Outcome.BROKEN
    assert only(run(listed, is_industrial=False)).outcome is Outcome.MET
    asked = only(run(listed))
    assert asked.outcome is Outcome.OPEN
    assert [(ask.attribute, ask.text) for ask in asked.asks] == [
        ("is_industrial", RULES.attributes["is_industrial"].question)
    ]


@pytest.mark.parametrize(
    ("industry_code", "outcome"),
    [("0912", Outcome.BROKEN), ("091", Outcome.BROKEN), ("B", Outcome.OPEN), ("", Outcome.OPEN), ("0810", Outcome.NOT_APPLICABLE),
     ("0810、0921", Outcome.BROKEN)],
)  # fmt: skip
def test_industries_reach_down_to_their_classes(industry_code: str, outcome: Outcome) -> None:
    found = only(run(book(clause(groups=("09",), violated="always")), industry=industry_code))
    if outcome is Outcome.BROKEN:
        assert found.why == f"行业 {industry_code} 属适用行业（09）"
    assert found.outcome is outcome
    assert [ask.attribute for ask in found.asks] == (["industry"] if outcome is Outcome.OPEN else [])
    if industry_code == "B":
        assert "过粗" in found.asks[0].text


def test_a_clause_that_only_names_its_industry_is_for_people_or_does_not_apply() -> None:
    listed = book(clause(groups=("301",)))
    assert only(run(listed, industry="3011")).outcome is Outcome.OPEN
    assert only(run(listed, industry="0912")).outcome is Outcome.NOT_APPLICABLE
    assert [ask.attribute for ask in only(run(listed)).asks] == ["industry"]


def test_whom_it_concerns_is_asked_before_whether_it_is_met() -> None:
    listed = book(clause(applies="is_new_build or is_expansion", violated="is_industrial"))
    assert only(run(listed, build="改建", is_industrial=True)).outcome is Outcome.NOT_APPLICABLE
    assert only(run(listed, build="扩建", is_industrial=True)).outcome is Outcome.BROKEN
    unknown = only(run(listed, is_industrial=True))
    assert unknown.outcome is Outcome.OPEN
    assert [ask.attribute for ask in unknown.asks] == ["is_new_build", "is_expansion"]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [({"fresh_water_m3_a": 300_000}, Outcome.MET), ({"fresh_water_m3_a": 300_000.5}, Outcome.BROKEN),
     ({"fresh_water_m3_a": 0}, Outcome.MET), ({}, Outcome.OPEN), ({"fresh_water_m3_a": "unknown"}, Outcome.OPEN)],
)  # fmt: skip
def test_a_threshold_holds_on_its_own_edge_and_asks_for_the_amount(said: dict[str, object], outcome: Outcome) -> None:
    found = only(run(book(clause(thresholds=(Threshold("fresh_water_m3_a", "<=", 300_000.0),))), **said))
    assert found.outcome is outcome
    if outcome is Outcome.OPEN:
        assert [(ask.attribute, ask.text) for ask in found.asks] == [("fresh_water_m3_a", "年取用新鲜水量（m³/a）是多少？")]
    if outcome is Outcome.BROKEN:
        assert "不大于 300000，项目为 300000" in found.why


def test_one_broken_threshold_is_enough_while_the_other_is_unknown() -> None:
    limits = (Threshold("coal_t_a", "<", 10.0), Threshold("so2_t_a", "<=", 1.0))
    assert only(run(book(clause(thresholds=limits)), coal_t_a=10)).outcome is Outcome.BROKEN
    assert only(run(book(clause(thresholds=limits)), coal_t_a=9)).outcome is Outcome.OPEN
    assert only(run(book(clause(thresholds=limits)), coal_t_a=9, so2_t_a=1)).outcome is Outcome.MET


@pytest.mark.parametrize(
    ("day", "outcome"),
    [(date(2025, 12, 31), Outcome.NOT_APPLICABLE), (date(2026, 1, 1), Outcome.BROKEN), (date(2026, 6, 30), Outcome.BROKEN),
     (date(2026, 7, 1), Outcome.NOT_APPLICABLE)],
)  # fmt: skip
def test_a_clause_is_listed_on_every_day_and_applied_on_those_it_is_in_force(day: date, outcome: Outcome) -> None:
    dated = clause(violated="is_industrial", effective_from=date(2026, 1, 1), effective_to=date(2026, 6, 30))
    judged = run(book(dated), on=day, is_industrial=True)
    assert only(judged).outcome is outcome
    assert bool(of_list(judged)) is (outcome is Outcome.BROKEN)
    if outcome is Outcome.NOT_APPLICABLE:
        assert "研判日" in only(judged).why


# --- which clauses --------------------------------------------------------------------------------


def test_the_answer_lists_every_clause_of_the_units_met_and_of_the_levels_above() -> None:
    listed = book(
        clause("自治区"), clause("赤峰市", number="2"), clause("林西县", number="3"), clause(number="4", dimension=RISK),
        clause(number="5"), clause(units=[GENERAL], number="6"), clause("自治区", ["优先保护单元"], number="7"),
        clause("自治区", ["重点管控单元"], number="8", dimension=RESOURCE),
    )  # fmt: skip
    told = run(listed, unit(KEY)).access.results
    assert [(one.clause.level, one.clause.number) for one in told] == [
        ("自治区", "1"), ("自治区", "8"), ("赤峰市", "2"), ("林西县", "3"), ("单元", "5"), ("单元", "4"),
    ]  # fmt: skip
    both = run(listed, unit(KEY), unit(PRIORITY)).access
    assert {one.clause.number: one.units for one in both.results}["1"] == (KEY, PRIORITY)
    assert {one.clause.number: one.units for one in both.results}["7"] == (PRIORITY,)


def test_without_a_list_every_unit_is_unchecked_and_the_layer_counts_as_before() -> None:
    judged = run(None)
    assert [(one.zone_id, one.unchecked) for one in judged.access.units] == [(KEY, NO_FILE)]
    assert judged.access.results == ()
    assert judged.overall.verdict is ARGUE and "ZONE-000" in rules(judged)


def test_a_unit_without_clauses_is_unchecked_though_those_above_are_met() -> None:
    judged = run(book(*ABOVE), is_temporary_land_use=False)
    assert {one.outcome for one in judged.access.results} == {Outcome.MET}
    assert "没有本单元的条款" in judged.access.units[0].unchecked
    assert judged.overall.verdict is ARGUE and "ZONE-000" in rules(judged)


def test_a_unit_whose_clauses_are_all_of_other_days_is_unchecked() -> None:
    judged = run(book(*ABOVE, fine("单元", effective_to=date(2020, 1, 1))), is_temporary_land_use=False)
    assert "不在有效期内" in judged.access.units[0].unchecked and "ZONE-000" in rules(judged)


def test_only_a_whole_list_that_is_kept_to_settles_the_codes_question() -> None:
    whole = book(*ABOVE, fine("单元"))
    judged = run(whole, is_temporary_land_use=False)
    assert judged.overall.verdict is Verdict.NOTICE and "ZONE-000" not in rules(judged)
    for gap in (book(ABOVE[0], fine("单元")), book(ABOVE[1], fine("单元"))):
        short = run(gap, is_temporary_land_use=False)
        assert len(short.access.missing) == 1 and "ZONE-000" in rules(short)
    human = run(book(*whole.clauses, clause(number="7")), is_temporary_land_use=False)
    assert human.overall.verdict is ARGUE and "ZONE-000" in rules(human)


def test_a_level_that_is_silent_on_a_unit_does_not_clear_it() -> None:
    """The province speaks of priority units alone: of a general unit its list was not read."""
    own = (fine("单元", units=(GENERAL,)), fine("单元", units=(PRIORITY,)))
    listed = book(fine("自治区", units=("优先保护单元",)), fine("赤峰市"), *own)
    facts: dict[str, object] = {"is_temporary_land_use": False}
    general = run(listed, unit(GENERAL), **facts)
    assert "ZONE-000" in rules(general) and general.access.missing == ("自治区",)
    assert worst(general) is Verdict.TO_JUSTIFY
    priority = run(listed, unit(PRIORITY), **facts)
    assert "ZONE-000" not in rules(priority) and priority.access.missing == ()
    assert "ZONE-000" in rules(run(listed, unit(PRIORITY), unit(GENERAL), **facts))


def test_nobody_is_asked_for_a_no_that_only_the_list_can_give() -> None:
    asked = {one.attribute: one for one in run(book(*ABOVE)).overall.questions}
    one = asked["violates_access_list"]
    assert one.only_yes and "不能直接填" in one.outcomes and one.if_no.verdict is Verdict.TO_JUSTIFY
    whole = book(*(fine(level, effect=BAN) for level in ("自治区", "赤峰市", "单元")))
    asked = {one.attribute: one for one in run(whole).overall.questions}
    assert "violates_access_list" not in asked  # every clause answers to yes and no: they are asked themselves
    assert asked["is_temporary_land_use"].if_no.verdict is run(whole, is_temporary_land_use=False).overall.verdict


def test_what_waits_for_an_industry_or_an_amount_is_told_with_the_worst_of_it() -> None:
    listed = book(clause(effect=BAN, groups=("09",), violated="always"), fine("自治区"))
    left = awaited(run(listed).access, Project(), [units(unit())])
    assert left is not None and left.what == ("行业小类代码",) and left.worst is BAN
    coal = book(clause(effect=LIMIT, thresholds=(Threshold("coal_t_a", "<=", 5.0),)))
    left = awaited(run(coal).access, Project(), [units(unit())])
    assert left is not None and left.what == (AMOUNTS["coal_t_a"],) and left.worst is LIMIT
    assert awaited(run(coal, coal_t_a=1).access, Project(amounts={"coal_t_a": 1.0}), [units(unit())]) is None
    assert awaited(run(book(clause())).access, Project(), [units(unit())]) is None


def test_a_consultant_who_says_it_is_violated_is_not_contradicted() -> None:
    judged = run(book(*ABOVE, fine("单元")), is_temporary_land_use=False, **{VIOLATES: True})
    assert judged.overall.verdict is BAN


# --- what a broken clause amounts to --------------------------------------------------------------


@pytest.mark.parametrize("effect", [BAN, LIMIT, ARGUE])
def test_a_broken_clause_is_a_finding_with_its_own_effect_and_source(effect: Verdict) -> None:
    judged = run(book(clause(effect=effect, violated="is_industrial", text="不得新建")), is_industrial=True)
    (found,) = of_list(judged)
    assert (found.verdict, found.rule) == (effect, "准入清单 单元 空间布局约束 1")
    assert found.basis is not None and (found.basis.instrument, found.basis.quote) == ("示意清单", "不得新建")
    assert "不符合：" in found.say and found.hit is not None and found.hit.zone_id == KEY
    assert judged.overall.verdict is effect
    code = {one.rule: one.verdict for one in judged.findings}["ZONE-000"]
    assert code is (BAN if effect is BAN else ARGUE)  # the Code forbids what the list forbids


def test_before_the_code_a_broken_ban_is_found_by_the_list_alone() -> None:
    judged = run(book(clause(effect=BAN, violated="is_industrial")), on=BEFORE_THE_CODE, is_industrial=True)
    assert {one.rule: one.verdict for one in judged.findings} == {
        "准入清单 单元 空间布局约束 1": BAN, "ZONE-000-OLD": ARGUE,
    }  # fmt: skip


def test_a_summary_of_a_clause_bans_nothing() -> None:
    judged = run(book(clause(effect=BAN, violated="is_industrial", text_status="paraphrase")), is_industrial=True)
    (found,) = of_list(judged)
    assert found.verdict is ARGUE and "条文待核" in found.say
    assert judged.overall.verdict is ARGUE


def test_a_unit_nearer_than_the_accuracy_is_compared_and_capped() -> None:
    beside = unit(GENERAL, relation=Relation.NEAR, distance_m=2.0, critical=True, share_of_site=0.0, area_m2=0.0, margin_m=2.0)
    judged = run(book(clause(units=[GENERAL], effect=BAN, violated="always")), unit(KEY), beside)
    (found,) = of_list(judged)
    assert found.verdict is ARGUE and "临界" in found.say
    assert [one.critical for one in judged.access.units] == [False, True]
    far = replace(beside, distance_m=200.0, critical=False)
    assert not run(book(clause(units=[GENERAL], violated="always")), unit(KEY), far).access.results


def test_a_draft_of_the_units_only_notices() -> None:
    layer = units(unit(), legal_status="draft")
    judged = run(book(clause(effect=BAN, violated="always")), layer=layer)
    assert [one.verdict for one in of_list(judged)] == [Verdict.NOTICE]


def test_a_clause_of_a_level_above_is_one_finding_on_the_unit_where_it_weighs_most() -> None:
    beside = unit(GENERAL, relation=Relation.NEAR, distance_m=2.0, critical=True, share_of_site=0.0, area_m2=0.0, margin_m=2.0)
    judged = run(book(clause("自治区", effect=BAN, violated="always")), beside, unit(KEY))
    (found,) = of_list(judged)
    assert found.verdict is BAN and found.hit is not None and found.hit.zone_id == KEY
    assert "涉及 2 个单元" in found.say


def test_other_layers_know_nothing_of_units() -> None:
    judged = run(book(clause(violated="always")), layer=units(unit(), id="redline", theme="ecological_redline"))
    assert judged.access.units == () and not of_list(judged)


# --- properties -----------------------------------------------------------------------------------



def worst(judged: Judgement) -> Verdict:
    """The gravest finding; the overall verdict may be 未核查 where a ban found no layer, which has no order."""
    return max((one.verdict for one in judged.findings), default=Verdict.CLEAR)


_NAMES = ("is_industrial", "is_temporary_land_use", "has_new_outfall")
_CONDITIONS = ("", "always", *_NAMES, "is_industrial and not has_new_outfall", "is_industrial or has_new_outfall")


@st.composite
def lists(draw: st.DrawFn) -> tuple[Clause, ...]:
    made = []
    for number in range(draw(st.integers(0, 5))):
        level = draw(st.sampled_from(["自治区", "赤峰市", "单元"]))
        whom = [draw(st.sampled_from([KEY, PRIORITY]))] if level == "单元" else ()
        made.append(clause(
            level, whom, draw(st.sampled_from([BAN, LIMIT, ARGUE])),
            number=str(number), violated=draw(st.sampled_from(_CONDITIONS)), applies=draw(st.sampled_from(["", *_NAMES])),
            groups=draw(st.sampled_from([(), ("09",), ("0912", "30")])),
            thresholds=draw(st.sampled_from([(), (Threshold("coal_t_a", "<=", 5.0),)])),
        ))  # fmt: skip
    return tuple(made)


@st.composite
def said(draw: st.DrawFn) -> dict[str, object]:
    facts: dict[str, object] = {name: draw(st.sampled_from([True, False, "unknown"])) for name in _NAMES}
    return {**facts, "industry": draw(st.sampled_from(["", "09", "0912", "3011", "4415"])),
            "coal_t_a": draw(st.sampled_from(["unknown", 1, 9]))}  # fmt: skip


@given(lists(), said())
def test_adding_a_unit_never_lowers(clauses: tuple[Clause, ...], facts: dict[str, Any]) -> None:
    one = worst(run(book(*clauses), unit(KEY), **facts))
    two = worst(run(book(*clauses), unit(KEY), unit(PRIORITY), **facts))
    assert two >= one


@given(lists(), said(), st.sampled_from([*_NAMES, "industry", "coal_t_a"]))
def test_an_unknown_is_never_met_and_never_milder_than_its_mildest_answer(
    clauses: tuple[Clause, ...], facts: dict[str, Any], name: str
) -> None:
    answers = {"industry": ["0912", "3011", "4415"], "coal_t_a": [1, 9]}.get(name, [True, False])
    unknown = run(book(*clauses), **{**facts, name: "" if name == "industry" else "unknown"})
    known = [run(book(*clauses), **{**facts, name: answer}) for answer in answers]
    assert worst(unknown) >= min(worst(one) for one in known)
    for number, result in enumerate(unknown.access.results):
        decided = {one.access.results[number].outcome for one in known}
        if result.outcome is not Outcome.OPEN:
            assert decided == {result.outcome}


@given(lists(), said())
def test_the_order_of_clauses_and_units_changes_no_verdict(clauses: tuple[Clause, ...], facts: dict[str, Any]) -> None:
    turned = book(*clauses[::-1])
    one, other = run(book(*clauses), unit(KEY), unit(PRIORITY), **facts), run(turned, unit(PRIORITY), unit(KEY), **facts)
    assert worst(one) is worst(other) and one.overall.verdict is other.overall.verdict
    told = [sorted((r.clause.id, r.outcome.name, *sorted(r.units)) for r in j.access.results) for j in (one, other)]
    assert told[0] == told[1]


def bare(listed: ClauseBook, facts: Mapping[str, Any]) -> Judgement:
    """The judgement by the list alone, under no rule at all."""
    project = with_values(Project(), facts.items(), RULES.attributes, "")
    return judge(
        [units(unit())], project, replace(RULES, rules=(), caps=()), TODAY, site_kind="polygon", inside_county=True,
        access_list=listed,
    )  # fmt: skip


@given(lists(), said())
def test_an_open_clause_is_asked_of_where_an_answer_may_break_it(
    clauses: tuple[Clause, ...], facts: dict[str, Any]
) -> None:
    listed, left = book(*clauses), [name for name in _NAMES if facts[name] == "unknown"]
    whole = {
        values: bare(listed, {**facts, **dict(zip(left, values, strict=True))}).overall.verdict
        for values in product((True, False), repeat=len(left))
    }
    counts = {
        name
        for place, name in enumerate(left)
        if any(one is not whole[(*v[:place], not v[place], *v[place + 1 :])] for v, one in whole.items())
    }
    asked = bare(listed, facts).overall.questions
    assert {one.attribute for one in asked} == counts
    for one in asked:
        for answer, led in ((True, one.if_yes), (False, one.if_no)):
            assert led.verdict is bare(listed, {**facts, one.attribute: answer}).overall.verdict


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(lists(), said())
def test_what_an_answer_is_said_to_lead_to_is_what_it_leads_to(
    clauses: tuple[Clause, ...], facts: dict[str, Any]
) -> None:
    """With the Code's own rule on lists, whose fact the clauses tell: no question promises what does not come."""
    listed = book(*clauses)
    for one in run(listed, **facts).overall.questions:
        for answer, led in ((True, one.if_yes), (False, one.if_no)):
            if answer or not one.only_yes:
                assert led.verdict is run(listed, **{**facts, one.attribute: answer}).overall.verdict


def test_a_plain_yes_to_the_comparison_is_a_ban_though_only_a_milder_clause_is_open() -> None:
    kept = clause("自治区", violated="has_new_outfall = yes", effect=Verdict.TO_JUSTIFY, groups=("09",))
    own = clause(number="2", violated="has_new_outfall = yes", effect=Verdict.TO_JUSTIFY, groups=("09",))
    loose = clause("赤峰市", violated="has_new_outfall = yes", effect=Verdict.TO_JUSTIFY)
    listed = book(kept, loose, own)
    judged = run(listed, industry="3011")
    (asked,) = [one for one in judged.overall.questions if one.attribute == VIOLATES]
    assert asked.if_yes.verdict is Verdict.PROHIBITED
    assert run(listed, industry="3011", **{VIOLATES: True}).overall.verdict is Verdict.PROHIBITED


def test_a_broken_clause_is_never_lost_whatever_else_is_in_the_list() -> None:
    for effects in product((BAN, LIMIT, ARGUE), repeat=2):
        pair = [clause(number=str(n), effect=effect, violated="always") for n, effect in enumerate(effects)]
        assert run(book(*ABOVE, *pair), is_temporary_land_use=False).overall.verdict is max(effects)


# --- every face -----------------------------------------------------------------------------------

HOSTILE = "示意：{{ 7*7 }} <script>alert(1)</script> `x` ${y}，年取用新鲜水量不得超过核定的水量，超过的应当论证并报批，且逐年减少"


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    """A site across a key unit with a list and a general one without."""
    folder = tmp_path_factory.mktemp("units")
    write_layer(folder / "units.gpkg", [square(-500, -500, 550, 1000), square(50, -500, 500, 1000)], BM=[KEY, GENERAL])
    library = open_library(folder, [entry("units", "control_unit", "units.gpkg")])
    access_list = book(
        clause("自治区", effect=BAN, violated="is_industrial", text=HOSTILE),
        clause("自治区", number="2", thresholds=(Threshold("coal_t_a", "<=", 5.0),)),
        clause(number="3", dimension=RESOURCE), fine("单元"),
        clause(number="5", groups=("301",), violated="always"),
    )  # fmt: skip
    project = with_values(
        Project(), {"is_industrial": True, "industry": "0912", "is_temporary_land_use": False, "so2_t_a": 2}.items(),
        RULES.attributes, "",
    )  # fmt: skip
    return assess([site(HUNDRED)], replace(library, access_list=access_list), RULES, TODAY, project)[0]


def test_the_extract_holds_the_whole_list_and_is_valid(assessed: Assessment) -> None:
    body = extract.build(assessed)
    SCHEMA.validate(json.loads(json.dumps(body)))
    told = body["access_list"]
    assert (told["file"], told["sha256"], told["levels_missing"]) == ("clauses.csv", "0" * 64, ["赤峰市"])
    assert [(one["zone_id"], one["status"]) for one in told["units"]] == [(KEY, "checked"), (GENERAL, "not_checked")]
    assert [(one["number"], one["status_label"]) for one in told["clauses"]] == [
        ("1", "不符合"), ("2", "待论证"), ("9", "符合"), ("5", "不适用"), ("3", "待论证"),
    ]  # fmt: skip
    assert told["clauses"][1]["questions"] == [{"attribute": "coal_t_a", "text": "年用煤量（t/a）是多少？"}]
    assert body["project"]["amounts"] == {"so2_t_a": 2.0}


def test_a_site_in_no_unit_has_no_list_in_its_extract(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(5_000, 0, 10)])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
    body = extract.build(assess([site(HUNDRED)], library, RULES, TODAY)[0])
    SCHEMA.validate(body)
    assert "access_list" not in body and "amounts" not in body["project"]


def lines(assessed: Assessment, width: int = 80) -> Iterator[str]:
    console = Console(width=width, no_color=True, record=True)
    with console.capture() as taken:
        console.print(text.render(assessed))
    yield from taken.get().splitlines()


def test_the_terminal_shows_every_clause_in_eighty_columns(assessed: Assessment) -> None:
    shown = list(lines(assessed))
    assert max(map(cell_len, shown)) <= 80
    head = "生态环境准入清单 5 条：不符合 1，待论证 2，符合 1，不适用 1；未核查 2 份清单"
    start = next(n for n, line in enumerate(shown) if line.startswith(head))
    part = shown[start:]
    for wanted in ("  空间 1 不符合 示意：", "  空间 2 待论证", "  空间 5 不适用", "  空间 9 符合", "  资源 3 待论证"):
        assert sum(line.startswith(wanted) for line in part) == 1, wanted
    assert "赤峰市" in [line.strip() for line in part]
    assert sum("未核查：" in line for line in part) == 2
    assert any("禁止：" in line and "（示意清单）" in line for line in part)
    assert any(line.startswith("问：年用煤量（t/a）是多少？（coal_t_a，1 条）") for line in part)
    assert any("…" in line for line in part)  # a long clause is one line; the extract has all of it


def test_the_workbook_has_a_sheet_with_a_row_a_clause(assessed: Assessment, tmp_path: Path) -> None:
    sheet.write([assessed], tmp_path / "a.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "a.xlsx")["准入清单"].iter_rows(min_row=2, values_only=True))
    assert rows[0][:6] == ("地块", "层级或单元", "维度", "编号", "条款", "结果")
    assert sorted(str(row[5]) for row in rows[1:]) == sorted(["不符合", "待论证", "待论证", "符合", "不适用", "未核查", "未核查"])
    assert HOSTILE in [row[4] for row in rows]


def test_the_map_panel_lists_them_and_escapes_every_word(assessed: Assessment) -> None:
    shown = clause_list(assessed.access)
    assert "<script>" not in shown and "{" not in shown and "`" not in shown and "$" not in shown
    assert shown.count('class="lx-finding"') == 5 and shown.count("<b>未核查</b>") == 2
    assert clause_list(replace(assessed.access, units=())) == ""
