"""Situations an official can read (tests/situations/*.toml), judged by the rules in force on their day."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from linxi_gis.finding import Finding, Hit, LayerResult, LayerStatus, Relation
from linxi_gis.judge import Judgement, judge
from linxi_gis.law import Value, Verdict
from linxi_gis.project import Project
from linxi_gis.rulebook import load

BOOK = load(Path(__file__).parents[1] / "layers" / "linxi_layers" / "rules")
FOLDER = Path(__file__).parent / "situations"
SITUATION = {"id", "title", "day", "why", "kind", "build", "facts", "zone", "layer", "expect"}
ZONE = {"theme", "class", "relation", "share", "distance_m", "grade", "approved_by_province"}
LAYER, EXPECT = {"theme", "status", "legal_status"}, {"verdict", "complete", "findings", "silent", "questions"}
GRAVITY = (
    Verdict.CLEAR, Verdict.NOTICE, Verdict.NOT_CHECKED, Verdict.TO_JUSTIFY, Verdict.RESTRICTED, Verdict.PROHIBITED,
)  # fmt: skip
KNOWN = {"yes": True, "no": False}
# They speak of the other findings: of a ban, which an unknown may turn into a question.
AGGREGATE = {rule.id for rule in BOOK.rules if rule.trigger == "aggregate"}
EXISTING: dict[str, Value] = dict.fromkeys(("is_new_build", "is_reconstruction", "is_expansion"), False) | {"is_existing": True}


@dataclass(frozen=True, slots=True)
class Situation:
    """One table, as written."""

    file: str
    told: dict[str, Any]

    def __str__(self) -> str:
        return str(self.told["id"])

    @property
    def expect(self) -> dict[str, Any]:
        return {"findings": {}, **self.told["expect"]}


def _read() -> list[Situation]:
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["situation"]
        found += [Situation(path.name, table) for table in tables]
    return found


SITUATIONS = _read()


def project(told: dict[str, Any]) -> Project:
    """The project of a situation; 已有 is no word of a filing but the attribute of that name."""
    facts: dict[str, Value] = {name: KNOWN[value] for name, value in told.get("facts", {}).items()}
    build = told.get("build", "")
    return Project(build="", attributes={**EXISTING, **facts}) if build == "已有" else Project(build=build, attributes=facts)


def zones(told: dict[str, Any]) -> dict[str, list[Hit]]:
    found: dict[str, list[Hit]] = {}
    for n, zone in enumerate(told.get("zone", [])):
        theme, relation = zone["theme"], Relation(zone.get("relation", "overlaps"))
        facts: list[tuple[str, Value]] = []
        if "grade" in zone:
            facts.append(("zone.grade", zone["grade"]))
        if "approved_by_province" in zone:
            facts.append(("zone.approved_by_province", KNOWN[zone["approved_by_province"]]))
        share = float(zone.get("share", 1.0 if relation is Relation.WITHIN else 0.5)) if relation.hit else 0.0
        metres = 0.0 if relation.hit or relation is Relation.TOUCHES else float(zone["distance_m"])
        margin = 50.0 if relation.hit else metres
        hit = Hit(
            theme, f"{theme}-{n}", f"示意{n}", zone.get("class", ""), relation, 1_000.0 * share, 0.0, share, metres,
            None if metres == 0.0 else 90.0, margin, relation is Relation.TOUCHES or margin < 5.0, facts=tuple(facts),
        )  # fmt: skip
        found.setdefault(theme, []).append(hit)
    return found


def layers(told: dict[str, Any]) -> list[LayerResult]:
    met = zones(told)
    said = {one["theme"]: one for one in told.get("layer", [])}
    made = []
    for theme in dict.fromkeys((*met, *said)):
        hits, one = tuple(met.get(theme, ())), said.get(theme, {})
        inside = [hit for hit in hits if hit.relation.hit]
        missed = sorted((hit for hit in hits if not hit.relation.hit), key=lambda hit: hit.distance_m)
        status: LayerStatus = one.get("status") or ("hit" if inside else "near" if missed else "clear")
        assert status in get_args(LayerStatus)
        made.append(
            LayerResult(
                id=theme, theme=theme, title=BOOK.themes[theme].title, status=status, required=True, version="1",
                sha256="0" * 64, legal_status=one.get("legal_status", "approved"), demonstration=False, accuracy_m=5.0,
                range_m=2000.0, share_of_site=min(1.0, sum(hit.share_of_site for hit in inside)),
                covered_share=0.0 if status in ("not_checked", "not_covering") else 1.0, hits=hits,
                nearest=missed[0] if missed and not inside else None,
            )
        )  # fmt: skip
    return made


def judged(told: dict[str, Any], day: date | None = None, *, asking: bool = True) -> Judgement:
    kind, on = told.get("kind", "polygon"), day or told["day"]
    return judge(layers(told), project(told), BOOK, on, site_kind=kind, inside_county=True, asking=asking)


def said(judgement: Judgement) -> dict[str, Finding]:
    """The worst that each rule says."""
    worst: dict[str, Finding] = {}
    for found in (*judgement.reminders, *judgement.findings):
        if found.rule and (found.rule not in worst or worst[found.rule].verdict < found.verdict):
            worst[found.rule] = found
    return worst


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_situation_is_judged_as_the_law_says(situation: Situation) -> None:
    told, expect = situation.told, situation.expect
    judgement = judged(told)
    by_rule = said(judgement)
    assert {rule: by_rule[rule].verdict.label if rule in by_rule else None for rule in expect["findings"]} == expect["findings"]
    assert not set(expect.get("silent", ())) & set(by_rule)
    assert judgement.overall.verdict.label == expect["verdict"], judgement.overall.reasons
    if "complete" in expect:
        assert judgement.overall.complete is expect["complete"], judgement.overall.unchecked
    asked = {question.attribute for rule in expect["findings"] for question in by_rule[rule].questions}
    assert set(expect.get("questions", ())) <= asked


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_situation_is_written_with_words_that_exist(situation: Situation) -> None:
    told = situation.told
    assert set(told) <= SITUATION and {"id", "title", "day", "why", "expect"} <= set(told)
    assert set(told["expect"]) <= EXPECT and "verdict" in told["expect"]
    rules = {rule.id for rule in BOOK.rules}
    expect = situation.expect
    assert {*expect["findings"], *expect.get("silent", ())} <= rules
    assert {*expect.get("questions", ()), *told.get("facts", {})} <= set(BOOK.attributes)
    for zone in told.get("zone", []):
        assert set(zone) <= ZONE
        theme = BOOK.themes[zone["theme"]]
        assert zone.get("class", "") in {"", *(one.code for one in theme.classes)}
    assert all(set(one) <= LAYER and one["theme"] in BOOK.themes for one in told.get("layer", []))


def test_there_are_enough_and_none_twice() -> None:
    ids = Counter(str(one) for one in SITUATIONS)
    assert len(ids) >= 150 and max(ids.values()) == 1


def test_every_rule_a_layer_can_show_speaks_once_and_is_silent_once() -> None:
    spoken, silent = set(), set()
    for one in SITUATIONS:
        here = {id for id, found in said(judged(one.told)).items() if found.verdict > Verdict.CLEAR}
        spoken |= here
        silent |= {rule.id for rule in BOOK.rules} - here
    shown = {rule.id for rule in BOOK.rules if rule.applies_in_linxi and (rule.themes or rule.trigger in ("attribute", "date"))}
    assert not shown - spoken, sorted(shown - spoken)
    assert not shown - silent


def test_every_attribute_of_such_a_rule_is_unknown_once_where_it_decides() -> None:
    spoken = [found for one in SITUATIONS for found in said(judged(one.told)).values()]
    open_ = {question.attribute for found in spoken for question in found.questions}
    asked = {
        name for rule in BOOK.rules if rule.applies_in_linxi and rule.themes for name in rule.attributes
        if BOOK.attributes[name].origin in ("user", "clause_comparison") and BOOK.attributes[name].type == "boolean"
    }  # fmt: skip
    assert not asked - open_, sorted(asked - open_)


def test_both_sides_of_every_date_are_judged() -> None:
    days = {one.told["day"] for one in SITUATIONS}
    first = {rule.basis.effective_from for rule in BOOK.rules if rule.basis.effective_to is None}
    turns = {day for rule in BOOK.rules if (day := rule.basis.effective_to) is not None and day + timedelta(days=1) in first}
    assert not {day for day in turns if not {day, day + timedelta(days=1)} <= days}


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_an_answer_taken_back_never_lowers(situation: Situation) -> None:
    """Making a known fact unknown again: no finding that stood may vanish, none becomes CLEAR."""
    told = situation.told
    before = {rule: found for rule, found in said(judged(told)).items() if rule not in AGGREGATE}
    for name in told.get("facts", {}):
        less = {**told, "facts": {key: value for key, value in told["facts"].items() if key != name}}
        after = said(judged(less))
        standing = {rule for rule, found in before.items() if found.verdict > Verdict.CLEAR}
        assert standing <= {rule for rule, found in after.items() if found.verdict > Verdict.CLEAR}, name


def _pool() -> list[dict[str, Any]]:
    """A zone of every class of every theme, on the site and beside it."""
    return [
        {"theme": theme.name, "class": code, "relation": relation, "share": 0.25, "distance_m": metres}
        for theme in BOOK.themes.values()
        for code in (*(one.code for one in theme.classes), "")
        for relation, metres in (("overlaps", 0.0), ("near", 3.0), ("near", 400.0))
    ]


POOL = _pool()


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_adding_a_zone_never_lowers(situation: Situation) -> None:
    """Twelve other zones each, in turn through all there are; their layer was there and held nothing of the site."""
    start = 12 * SITUATIONS.index(situation)
    for zone in (POOL[place % len(POOL)] for place in range(start, start + 12)):
        told = situation.told
        themes = {one["theme"] for one in (*told.get("zone", ()), *told.get("layer", ()))}
        beside = [] if zone["theme"] in themes else [{"theme": zone["theme"], "status": "clear"}]
        before = judged({**told, "layer": [*told.get("layer", ()), *beside]}, asking=False).overall
        more = {**told, "layer": _awake(told, zone["theme"]), "zone": [*told.get("zone", ()), zone]}
        after = judged(more, asking=False).overall
        assert GRAVITY.index(after.verdict) >= GRAVITY.index(before.verdict), zone


def _awake(told: dict[str, Any], theme: str) -> list[dict[str, Any]]:
    """The layers as told; one that is said to hold nothing holds something now."""
    return [one for one in told.get("layer", ()) if one["theme"] != theme or one.get("status") not in ("clear", "near")]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_the_order_of_layers_and_zones_never_matters(situation: Situation) -> None:
    told = situation.told
    turned = {**told, "zone": told.get("zone", [])[::-1], "layer": told.get("layer", [])[::-1]}
    one, other = judged(told), judged(turned)
    assert one.overall.label == other.overall.label
    assert {rule: found.verdict for rule, found in said(one).items()} == {r: f.verdict for r, f in said(other).items()}
    asked = [{(q.attribute, q.if_yes, q.if_no, q.worst_yes, q.worst_no) for q in j.overall.questions} for j in (one, other)]
    assert asked[0] == asked[1]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_the_code_is_never_cited_before_its_day_nor_the_repealed_laws_after(situation: Situation) -> None:
    for day in (date(2026, 8, 14), date(2026, 8, 15)):
        for found in said(judged(situation.told, day)).values():
            if found.basis is not None:
                assert found.basis.effective_from is None or found.basis.effective_from <= day
                assert found.basis.effective_to is None or day <= found.basis.effective_to
                assert ("法典" in found.basis.instrument) <= (day >= date(2026, 8, 15))
