"""The red line in the words of practice: every way through, and what is never said of the unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest
from test_judge import BOOK, TODAY, layer, near, run, zone

from linxi_gis import redline
from linxi_gis.finding import LayerResult
from linxi_gis.law import Verdict
from linxi_gis.practice import RedLine
from linxi_gis.rulebook import Rulebook

HIT = layer("ecological_redline", zone("ecological_redline"))
SEEN = layer("protected_area")  # read, and no reserve there
CORE = layer("protected_area", zone("protected_area", "core"))
BUSINESS: dict[str, Any] = {"is_development_or_production": True}


def line(*layers: LayerResult, on: date = TODAY, book: Rulebook = BOOK, **facts: Any) -> RedLine:
    found = redline.outcome(layers, run(*layers, on=on, **facts).findings, facts, book, on)
    assert found is not None
    return found


def asked(found: RedLine) -> list[str]:
    return [name for name, _ in found.questions]


def test_an_approved_layer_seen_and_without_a_hit_is_not_involved() -> None:
    assert line(layer("ecological_redline")).label == "不涉及"
    assert line(layer("ecological_redline", near("ecological_redline"))).outcome == "not_involved"


@pytest.mark.parametrize(
    "changes",
    [{"status": "not_checked"}, {"status": "stale"}, {"covered_share": 0.4}, {"legal_status": "draft"}],
)
def test_an_unknown_is_never_not_involved(changes: dict[str, Any]) -> None:
    assert line(layer("ecological_redline", **changes)).outcome == "not_checked"
    assert line().outcome == "not_checked"
    sound, unseen = layer("ecological_redline"), layer("ecological_redline", id="other", **changes)
    other = line(sound, unseen).outcome
    assert other == ("not_involved" if changes.get("legal_status") == "draft" else "not_checked")


def test_nearer_than_the_accuracies_is_neither_in_nor_out() -> None:
    close = layer("ecological_redline", near("ecological_redline", metres=2.0, critical=True))
    assert (line(close).outcome, line(close).label) == ("unclear", "临界，须实测核定")


def test_a_draft_that_hits_is_told_and_decides_nothing() -> None:
    draft = layer("ecological_redline", zone("ecological_redline"), id="draft", legal_status="draft")
    assert line(draft, layer("ecological_redline"), SEEN).outcome == "not_involved"
    assert "草案" in line(draft, layer("ecological_redline")).why
    assert line(draft).outcome == "not_checked"


def test_with_nothing_known_it_asks() -> None:
    found = line(HIT, SEEN)
    assert found.outcome == "unclear"
    assert asked(found) == [
        "is_development_or_production", "limited_activity_confirmed", "national_major_project_confirmed",
        "is_linear_infrastructure", "occupies_land",
    ]  # fmt: skip
    assert "前四类" in found.why


def test_a_line_that_takes_no_land_crosses() -> None:
    facts: dict[str, Any] = {"is_linear_infrastructure": True, "occupies_land": False}
    assert line(HIT, SEEN, **facts).label == "跨越不占地"
    assert line(HIT, SEEN, **BUSINESS, **facts).label == "跨越不占地"
    for name in facts:
        unknown = line(HIT, SEEN, **{name: facts[name]})
        assert unknown.outcome == "unclear" and set(facts) - {name} <= set(asked(unknown))
    refused = dict.fromkeys(("limited_activity_confirmed", "national_major_project_confirmed"), False)
    assert line(HIT, SEEN, **BUSINESS, **facts, **refused).outcome == "prohibited"


@pytest.mark.parametrize(
    "facts",
    [{"is_development_or_production": False}, {"is_relic_protection_work": True}, {"national_major_project_confirmed": False}],
)
def test_what_can_only_be_a_limited_activity_awaits_the_province(facts: dict[str, Any]) -> None:
    found = line(HIT, SEEN, **facts)
    assert (found.outcome, found.label) == ("limited_activity", "有限人为活动待认定（省级意见）")
    assert asked(found) == ["limited_activity_confirmed"]
    assert line(HIT, SEEN, **facts, limited_activity_confirmed=False).outcome in ("unclear", "prohibited")


@pytest.mark.parametrize(
    "kind",
    ["is_mineral_extraction", "is_mineral_exploration", "is_tourism_project", "is_flood_control_project",
     "is_farming_or_breeding", "is_linear_infrastructure", "is_water_supply_related"],
)  # fmt: skip
def test_a_kind_whose_words_are_not_verified_is_not_matched(kind: str) -> None:
    assert line(HIT, SEEN, **{kind: True}).outcome == "unclear"


def test_a_national_project_is_to_be_argued_until_the_opinion_is_there() -> None:
    facts: dict[str, Any] = {"is_key_national_infrastructure": True}
    assert line(HIT, SEEN, **facts).label == "国家重大项目不可避让待论证"
    assert line(HIT, SEEN, **facts, national_major_project_confirmed=True).label.startswith("国家重大项目，已填")


def test_a_confirmed_limited_activity_says_whose_word_it_is() -> None:
    found = line(HIT, SEEN, limited_activity_confirmed=True)
    assert found.outcome == "limited_activity" and "已填" in found.label and "142号" in found.why


def test_a_ban_is_named_with_its_article() -> None:
    found = line(HIT, SEEN, is_tailings_facility=True, is_new_build=True)
    assert found.label == "禁止" and "尾矿污染环境防治管理办法" in found.why


def test_the_core_of_a_reserve_has_no_limited_activities() -> None:
    banned = line(HIT, CORE, limited_activity_confirmed=True)
    assert banned.label == "禁止" and "核心保护区" in banned.why
    unsure = line(HIT, layer("protected_area", status="not_checked"), limited_activity_confirmed=True)
    assert unsure.outcome == "unclear" and "尚未查明" in unsure.why


def test_it_is_told_from_the_day_of_the_notice_on() -> None:
    day = date(2022, 8, 16)
    assert line(HIT, on=day) is not None
    assert redline.outcome([HIT], (), {}, BOOK, date(2022, 8, 15)) is None


def test_a_prohibited_finding_on_the_line_is_prohibited_whatever_else_was_answered() -> None:
    names = ("is_development_or_production", "limited_activity_confirmed", "national_major_project_confirmed",
             "is_linear_infrastructure", "occupies_land", "is_key_national_infrastructure")  # fmt: skip
    for values in product((True, False, None), repeat=len(names)):
        facts = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        found = line(HIT, SEEN, **facts)
        worst = max(one.verdict for one in run(HIT, SEEN, **facts).findings if one.layer == "ecological_redline")
        assert (found.outcome == "prohibited") == (worst is Verdict.PROHIBITED)
        assert found.outcome not in ("not_involved", "not_checked")
        assert not set(asked(found)) & set(facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"is_linear_infrastructure": True, "occupies_land": False},
        {"is_development_or_production": False},
        {"is_relic_protection_work": True},
        {"is_key_national_infrastructure": True},
    ],
)
@pytest.mark.parametrize("permitted", [True, False, None])
def test_no_way_through_is_offered_in_the_core_of_a_reserve(facts: dict[str, Any], permitted: bool | None) -> None:
    """Saying that the core permits the work makes the core's own finding vanish, and nothing else."""
    said = facts if permitted is None else {**facts, "is_core_zone_permitted_activity": permitted}
    ways = {"crosses_without_land", "limited_activity", "national_project", "not_involved"}
    assert line(HIT, CORE, **said).outcome not in ways
    unread = layer("protected_area", status="not_checked")
    assert line(HIT, unread, **said).outcome not in ways
    assert line(HIT, SEEN, **said).outcome in ways


def test_a_ban_made_milder_by_a_local_pack_is_told_as_a_ban() -> None:
    found = run(HIT, SEEN, **BUSINESS).findings
    eased = [replace(one, verdict=Verdict.NOTICE, lowered_from=Verdict.PROHIBITED) for one in found if one.rule == "ERL-003"]
    assert eased
    told = redline.outcome((HIT, SEEN), eased, BUSINESS, BOOK, TODAY)
    assert told is not None and told.outcome == "unclear" and "原为禁止" in told.label and "ERL-003" in told.why
