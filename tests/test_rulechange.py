"""What the law changed on a day, and one rule whole: text, history, penalty, full article."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_cli import linxi as run

from linxi_gis import rulechange
from linxi_gis.cli import linxi
from linxi_gis.report import rulepage
from linxi_gis.rulebook import Rulebook, load

RULES = Path(__file__).parents[1] / "layers" / "linxi_layers" / "rules"
CODE = date(2026, 8, 15)


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load(RULES)


def said(*arguments: str) -> str:
    result = CliRunner().invoke(linxi, ["rules", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


# --- between two days -----------------------------------------------------------------------------


def test_on_the_day_of_the_code_the_repealed_laws_go_and_nothing_is_left_without_a_successor(book: Rulebook) -> None:
    changes = rulechange.between(book, date(2026, 8, 14), CODE)
    assert not changes.went
    assert ("WSP-002-OLD", "WSP-002") in {(pair.old.id, pair.new.id) for pair in changes.replaced}
    assert {pair.new.basis.effective_from for pair in changes.replaced} == {CODE}
    before, after = book.in_force(date(2026, 8, 14)), book.in_force(CODE)
    assert changes.kept + len({pair.old.id for pair in changes.replaced}) == len(before)
    assert changes.kept + len({pair.new.id for pair in changes.replaced}) + len(changes.came) == len(after)


def test_what_differs_is_named(book: Rulebook) -> None:
    changes = rulechange.between(book, date(2026, 8, 14), CODE)
    differs = {pair.old.id: pair.differs for pair in changes.replaced}
    assert differs["WSP-002-OLD"] == ("basis",)  # 原文一字未改
    assert differs["WSP-005-OLD"] == ("basis", "quote")  # 采取措施 → 采取有效措施
    assert "condition" in differs["ERL-004-OLD"]  # 建筑垃圾
    assert "effect" in differs["NPA-004M"]


def test_the_reserve_regulations_went_without_one_to_one_successors(book: Rulebook) -> None:
    changes = rulechange.between(book, date(2026, 3, 14), date(2026, 3, 15))
    assert [rule.id for rule in changes.went] == ["NPA-007", "NPA-008", "NPA-010", "NPA-011", "NPA-012"]
    assert [rule.id for rule in changes.came] == ["NPA-001", "NPA-002"]
    assert [(pair.old.id, pair.new.id) for pair in changes.replaced] == [("NPA-004-OLD", "NPA-004M")]


def test_a_succession_of_several_steps_is_one_change(book: Rulebook) -> None:
    changes = rulechange.between(book, date(2026, 3, 14), CODE)
    assert ("NPA-004-OLD", "NPA-004") in {(pair.old.id, pair.new.id) for pair in changes.replaced}
    assert not [pair for pair in changes.replaced if "NPA-004M" in (pair.old.id, pair.new.id)]


def test_backwards_is_the_same_the_other_way_round(book: Rulebook) -> None:
    there = rulechange.between(book, date(2026, 8, 14), CODE)
    back = rulechange.between(book, CODE, date(2026, 8, 14))
    assert {(p.old.id, p.new.id) for p in there.replaced} == {(p.new.id, p.old.id) for p in back.replaced}
    assert (there.came, there.went) == (back.went, back.came)


def test_a_day_on_which_nothing_changed(book: Rulebook) -> None:
    changes = rulechange.between(book, CODE, CODE)
    assert not (changes.went or changes.came or changes.replaced)
    assert changes.kept == len(book.in_force(CODE))


def test_history_goes_both_ways_over_every_step(book: Rulebook) -> None:
    assert [rule.id for rule in rulechange.later(book, "NPA-004-OLD")] == ["NPA-004M", "NPA-004"]
    assert [rule.id for rule in rulechange.earlier(book, "NPA-004")] == ["NPA-004M", "NPA-004-OLD"]
    assert [rule.id for rule in rulechange.later(book, "MIN-001-OLD")] == ["MIN-001", "MIN-001B"]
    assert not rulechange.earlier(book, "ERL-003")


# --- the commands ---------------------------------------------------------------------------------


def test_show_has_the_text_the_dates_the_penalty_the_history_and_the_full_article() -> None:
    page = said("show", "WSP-002")
    for words in (
        "WSP-002：禁止", "第三百一十九条第一款（法律，条文原文）", "2026-08-15 至 今", "is_water_supply_related：是否",
        "不是“与供水设施和保护水源有关”", "罚则：《中华人民共和国生态环境法典》 第一千一百四十五条第一款第一项",
        "接续自：WSP-002-OLD", "全文：《中华人民共和国生态环境法典》第三百一十九条\n", "禁止在饮用水水源一级保护区内从事网箱养殖",
        "罚则全文：", "处十万元以上五十万元以下的罚款", "文本截至 2026-09-10；逐字比对过两个来源",
    ):  # fmt: skip
        assert words in page, words
    assert "由其接续：WSP-002 " in said("show", "WSP-002-OLD")


def test_show_says_when_an_article_is_not_whole_or_not_there() -> None:
    assert "第二十六条（不全）" in said("show", "NPA-001")
    assert "（条号待核）：规则包里没有全文" in said("show", "NPA-002")
    assert "引文：（没有取得原文）" in said("show", "NPA-004M")


def test_every_rule_has_a_page_and_a_body(book: Rulebook) -> None:
    for rule in book.rules:
        labels = [line.label for line in rulepage.page(book, rule)]
        assert labels[:4] == [rule.id, "依据", "有效", "引文"] and "全文" in labels, rule.id
        body = rulepage.body(book, rule)
        assert json.loads(json.dumps(body)) == body
        if rule.basis.text_status == "verbatim":
            assert body["full_text"]["articles"][0]["text"], rule.id


def test_diff_marks_what_the_words_of_the_law_changed() -> None:
    page = said("diff", "2026-08-14", "2026-08-15")
    assert page.startswith("2026-08-14 到 2026-08-15：接续 33 对，失效 0 条，新增 22 条，不变 67 条\n")
    assert "应当按照规定采取【有效】措施，防止污染饮用水水体。" in page
    assert "WSP-002-OLD → WSP-002\n" in page
    as_json = json.loads(said("diff", "2026-03-14", "2026-03-15", "--format", "json"))
    assert as_json["replaced"] == [
        {"old": "NPA-004-OLD", "new": "NPA-004M", "differs": ["effect", "unknown", "basis", "quote"]}
    ]


def test_list_shows_the_rules_of_the_day_alone() -> None:
    assert "WSP-002-OLD" in said("list", "--on", "2026-08-14")
    assert "WSP-002-OLD" not in said("list", "--on", "2026-08-15")


def test_a_day_that_is_none_is_a_usage_error() -> None:
    for words, named in ((["2026-08-14", "八月"], "日期2 '八月'"), (["2026-13-01", "2026-08-14"], "日期1 '2026-13-01'")):
        assert f"{named} 不是日期；写成 YYYY-MM-DD" in run("rules", "diff", *words, code=2).stderr


def test_what_nobody_is_asked_is_not_called_a_question() -> None:
    page = said("show", "NPA-000")
    assert "读图层：zone.grade：" in page and "要问：zone.grade" not in page
    assert "程序判断：engine.in_reserve_core：" in said("show", "ERL-002")
    assert "要问：is_core_zone_permitted_activity：" in said("show", "NPA-001")
