"""`linxi rules check`: the pack proves itself, and a planted fault is named with its rule and its kind."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted import FAULTS, WATER, block_of

from linxi_gis import articles, rulebook
from linxi_gis.cli import linxi
from linxi_gis.law import Verdict
from linxi_gis.rulecheck import KIND_TITLES, prove

RULES = Path(__file__).parents[1] / "layers" / "linxi_layers" / "rules"
DOMAIN = Path(__file__).parents[1].parent / "shared" / "domain"
needs_domain = pytest.mark.skipif(not DOMAIN.exists(), reason="没有 shared/domain")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULES, tmp_path / "rules"))


# --- the pack as it is ----------------------------------------------------------------------------


def test_the_pack_proves_itself() -> None:
    proof = prove(RULES)
    assert not [one.line for one in proof.problems]
    assert (proof.rules, proof.articles, proof.whole) == (167, 134, True)


@needs_domain
def test_every_article_of_a_statute_we_hold_travels_whole_and_word_for_word() -> None:
    records = json.loads((DOMAIN / "rules.json").read_text(encoding="utf-8"))
    cited = [(one["statute"], one["article"]) for one in records if one["statute"]]
    cited += [(one["penalty"]["statute"], one["penalty"]["article"]) for one in records if "penalty" in one]
    travelling = {path.stem: articles.read(path) for path in (RULES / articles.FOLDER).glob("*.toml")}
    assert set(travelling) == {statute for statute, _ in cited}
    for statute, article in cited:
        for place in articles.passages(article, travelling[statute].articles):
            assert place.text
    for name, ours in travelling.items():
        source = json.loads((DOMAIN / "statutes" / f"{name}.json").read_text(encoding="utf-8"))
        assert ours.articles == {number: source["articles"][number] for number in ours.articles}, name
        assert (ours.title, ours.source) == (source["instrument"], source["source"]), name
        assert ours.text_as_of == date.fromisoformat(source["text_as_of"]), name
        assert ours.second_source == source.get("second_source", ""), name
        assert ours.note == source.get("status_note", ""), name
        assert set(ours.incomplete) == set(source.get("incomplete", ())) & set(ours.articles), name
        compared = source["verification"].get("word_for_word", [])
        assert set(ours.word_for_word) == set(compared) & set(ours.articles), name
        for said in source["verification"].values():
            assert not isinstance(said, str) or said in ours.quality, name


@needs_domain
def test_the_records_of_mild_answers_are_those_of_the_source() -> None:
    """Eight rules and their predecessors answer the unknown with 提示 (decision 0003)."""
    records = json.loads((DOMAIN / "rules.json").read_text(encoding="utf-8"))
    mild = {
        one["id"]
        for one in records
        if one["unknown_effect"] and one["unknown_effect"]["effect"] == "提示" and one["effect"] != "提示"
    }
    told = (RULES / "proof" / "records.toml").read_text(encoding="utf-8").partition("[[mild]]")[2].partition("why")[0]
    assert set(re.findall(r'"([A-Z0-9-]+)"', told)) == mild


def test_the_rules_are_read_without_the_articles_and_the_records(pack: Path) -> None:
    shutil.rmtree(pack / articles.FOLDER)
    shutil.rmtree(pack / "proof")
    assert rulebook.load(pack).sha256 == rulebook.load(RULES).sha256


# --- quotations -----------------------------------------------------------------------------------

TEXTS = {"第一条": "甲乙丙。\n丁戊：\n（一）己；\n（二）庚。\n辛壬。", "第二条": "癸。"}


@pytest.mark.parametrize(
    ("article", "quote", "lost"),
    [
        ("第一条", "甲乙丙。", None),
        ("第一条第二款", "丁戊：……庚", None),
        ("第一条第二款第一项", "丁戊：己", "丁戊：己"),  # the bracketed number stands between
        ("第一条第二款第一项", "丁戊：……己；", None),
        ("第一条第二款第一项", "庚", "庚"),
        ("第一条第三款", "辛壬。", None),
        ("第一条第三款", "甲", "甲"),
        ("第一条、第二条", "辛……癸。", None),
        ("第一条、第二条", "壬。癸", "壬。癸"),
        ("第二条、第一条", "辛……癸。", "癸。"),
        ("第一条", "甲 乙\n丙", None),
        ("第一条", "甲丙", "甲丙"),
        ("第一条", "甲...丙", None),
        ("第一条", "……", "……"),
        ("第一条", "甲甲", "甲甲"),
        ("第一条", "甲……甲", "甲"),
    ],
)
def test_a_quotation_stands_piece_by_piece_in_the_place_cited(article: str, quote: str, lost: str | None) -> None:
    assert articles.missing(quote, articles.passages(article, TEXTS)) == lost


@pytest.mark.parametrize(
    "article",
    ["第三条", "第一条第四款", "第一条第一款第一项", "第一条第二款第三项", "一、（一）", "第一条第零款"],
)
def test_a_place_that_is_not_there_is_said(article: str) -> None:
    with pytest.raises(LookupError, match="没有"):
        articles.passages(article, TEXTS)


# --- planted faults -------------------------------------------------------------------------------


def test_there_are_fifty_faults_and_more_of_every_kind() -> None:
    assert len(FAULTS) >= 50
    assert {fault.kind for fault in FAULTS.values()} == set(KIND_TITLES)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named_with_its_rule_and_its_kind(pack: Path, name: str) -> None:
    fault = FAULTS[name]
    fault.plant(pack)
    problems = prove(pack).problems
    told = [one.line for one in problems]
    assert any(one.kind == fault.kind and fault.said in one.line.partition("：")[0] for one in problems), told
    assert all(one.what and one.file for one in problems)


def _delete(pack: Path, wanted: Callable[[str], bool]) -> None:
    for path in pack.glob("*.toml"):
        blocks = re.split(r"(?m)^(?=\[\[rule\]\])", path.read_text(encoding="utf-8"))
        path.write_text("".join(one for one in blocks if not wanted(one)), encoding="utf-8")


def test_a_theme_that_lost_its_law_is_a_hole(pack: Path) -> None:
    _delete(pack, lambda block: 'themes = ["road"]' in block)
    told = [one.line for one in prove(pack).problems if one.kind == "cascade"]
    assert any("命中公路（national），最早 至 今后 没有规则" in line for line in told), told


def test_a_day_that_has_no_next_is_refused_and_not_a_traceback(pack: Path) -> None:
    path = pack / WATER
    text = path.read_text(encoding="utf-8")
    _, end = block_of(text, "WSP-003")
    path.write_text(f"{text[:end].rstrip()}\neffective_to = 9999-12-31\n\n{text[end:]}", encoding="utf-8")
    (told,) = (one.line for one in prove(pack).problems if one.rule == "WSP-003")
    assert told == "[日期] water_source.toml WSP-003 effective_to：9999-12-31 不是真的日期；永久有效的不写 effective_to"


def test_a_zone_nobody_knows_is_told_where_the_class_words_begin_with_a_bracket(pack: Path) -> None:
    """"" ends every word: with nothing before the bracket any zone was excused."""
    path = pack / WATER
    text = path.read_text(encoding="utf-8")
    start, end = block_of(text, "WSP-003")
    block = re.sub(r'(?m)^(zone_words = ").*"$', r'\1饮用水水源保护区|泉域|没有的区"', text[start:end])
    block = re.sub(r'(?m)^class_words = .*$', 'class_words = "（全部）"\nmissing_themes = ["泉域"]', block)
    path.write_text(text[:start] + block + text[end:], encoding="utf-8")
    told = [one.line for one in prove(pack).problems if one.rule == "WSP-003" and one.kind == "words"]
    assert any("条文说的“没有的区”" in line for line in told), told


def test_a_rule_under_two_numbers_is_told(pack: Path) -> None:
    path = pack / WATER
    text = path.read_text(encoding="utf-8")
    start, end = block_of(text, "WSP-003")
    path.write_text(text + "\n" + text[start:end].replace("WSP-003", "WSP-103"), encoding="utf-8")
    assert [one.line for one in prove(pack).problems if one.kind == "version"] == [
        "[接续] water_source.toml WSP-103 effective_from：与 WSP-003 是同一条规则，时间重叠；请核对日期，或删去一条"
    ]


def test_articles_that_are_gone_leave_every_quotation_unproved(pack: Path) -> None:
    shutil.rmtree(pack / articles.FOLDER)
    verbatim = [rule for rule in rulebook.load(pack).rules if rule.basis.text_status == "verbatim"]
    unproved = {one.rule for one in prove(pack).problems if one.kind == "article"}
    assert unproved == {rule.id for rule in verbatim}


def test_every_fault_of_a_pack_is_told_not_the_first_alone(pack: Path) -> None:
    for name in ("an unknown theme", "an unknown attribute", "a related rule that is not there"):
        FAULTS[name].plant(pack)
    proof = prove(pack)
    assert {one.kind for one in proof.problems} >= {"link", "words"} and not proof.whole


def test_the_judge_gives_no_ban_without_a_text(pack: Path) -> None:
    """What rules check refuses, the judge would cap in any case."""
    FAULTS["a ban without a text"].plant(pack)
    assert rulebook.load(pack).rule("WSP-001").effect is Verdict.PROHIBITED
    assert not any("应为“" in one.what for one in prove(pack).problems)


# --- the command ----------------------------------------------------------------------------------


def test_the_command_says_that_all_is_well_or_what_is_not(pack: Path) -> None:
    well = CliRunner().invoke(linxi, ["rules", "check"])
    assert (well.exit_code, well.output) == (0, "已核对 167 条规则、134 条条文：没有问题\n")
    FAULTS["the wrong clause"].plant(pack)
    ill = CliRunner().invoke(linxi, ["rules", "check", "--rules", str(pack)])
    assert ill.exit_code == 4
    assert "[引文] water_source.toml WSP-002 quote：“禁止在饮用水水源一级保护区内新建" in ill.output
    assert "不在第三百一十九条第二款里；请按原文改正引文或条号" in ill.output
    as_json = CliRunner().invoke(linxi, ["rules", "check", "--rules", str(pack), "--format", "json"])
    assert as_json.exit_code == 4
    assert [one["rule"] for one in json.loads(as_json.output)["problems"]] == ["WSP-002"]
