"""The rule pack: it loads, says what its sources say, and refuses what does not hold together."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from linxi_gis.errors import RuleError
from linxi_gis.law import All, AnyOf, Condition, Is, Not, Verdict
from linxi_gis.rulebook import Rulebook, load
from linxi_gis.rulefile import parse_condition
from linxi_gis.themes import CLASS_TITLES, THEMES

RULES = Path(__file__).parents[1] / "layers" / "linxi_layers" / "rules"
DOMAIN = Path(__file__).parents[1].parent / "shared" / "domain"
needs_domain = pytest.mark.skipif(not DOMAIN.exists(), reason="没有 shared/domain")
# 生态环境法典第一千二百四十二条 names them
REPEALED = (
    "中华人民共和国环境保护法", "环境影响评价法", "海洋环境保护法", "大气污染防治法", "水污染防治法",
    "土壤污染防治法",
    "固体废物污染环境防治法", "噪声污染防治法", "放射性污染防治法", "清洁生产促进法",
)  # fmt: skip


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load(RULES)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULES, tmp_path / "rules"))


def _change(pack: Path, name: str, old: str, new: str) -> None:
    path = pack / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- conditions -----------------------------------------------------------------------------------


def test_or_binds_weaker_than_and_and_not_binds_strongest() -> None:
    a, b, c = Is("a", True), Is("b", True), Is("c", True)
    assert parse_condition("a or b and not c") == AnyOf((a, All((b, Not(c)))))
    assert parse_condition("(a or b) and c") == All((AnyOf((a, b)), c))
    assert parse_condition("not not a") == Not(Not(a))


def test_a_comparison_may_name_a_text_or_a_no() -> None:
    assert parse_condition("zone.grade = '市级'") == Is("zone.grade", "市级")
    assert parse_condition("a=no") == Is("a", False)
    assert parse_condition("always") == All(())


@pytest.mark.parametrize(
    "text",
    ["", "a and", "a or or b", "(a", "a)", "a b", "a = 3", "and", "a = b", "not", "a; b", "__import__('os')"],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_condition(text)


# --- the pack and its sources ---------------------------------------------------------------------


def _records() -> list[dict[str, object]]:
    records: list[dict[str, object]] = json.loads((DOMAIN / "rules.json").read_text(encoding="utf-8"))
    return records


def _tree(node: dict[str, object]) -> Condition:
    match node:
        case {"attr": str(name), "is": bool() | str() as value}:
            return Is(name, value)
        case {"not": dict(inner)}:
            return Not(_tree(inner))
        case {"all": list(parts)}:
            return All(tuple(_tree(part) for part in parts))
        case {"any": list(parts)}:
            return AnyOf(tuple(_tree(part) for part in parts))
    raise AssertionError(node)


@needs_domain
def test_every_rule_says_what_its_source_says(book: Rulebook) -> None:
    records = _records()
    assert len(records) == 167
    assert {rule.id for rule in book.rules} == {record["id"] for record in records}
    for record in records:
        rule = book.rule(str(record["id"]))
        assert rule.effect.label == record["effect"], rule.id
        assert rule.trigger == record["trigger"], rule.id
        assert (rule.zone_words, rule.class_words) == (record["layer"], record["zone_class"]), rule.id
        assert rule.located_by == record["subject_geometry"], rule.id
        assert (rule.basis.article, rule.basis.quote) == (record["article"], record["quote"]), rule.id
        assert rule.basis.text_status == record["text_status"], rule.id
        assert rule.basis.legal_force == record["legal_force"], rule.id
        dates = (rule.basis.effective_from, rule.basis.effective_to)
        assert tuple(d and d.isoformat() for d in dates) == (record["effective_from"], record["effective_to"])
        assert rule.applies_in_linxi is record["applies_in_linxi"], rule.id
        unknown = record["unknown_effect"]
        said = rule.unknown_effect and {"effect": rule.unknown_effect.label, "say": rule.unknown_say}
        assert said == unknown, rule.id


@needs_domain
def test_every_condition_decides_as_its_source_does(book: Rulebook) -> None:
    for record in _records():
        if record["id"] == "ERL-002":  # the source states 红线∩核心保护区 in a note, we in the condition
            continue
        rule, tree = book.rule(str(record["id"])), record["conditions"]
        assert isinstance(tree, dict)
        source = _tree(tree)
        names = [name for name in rule.attributes if book.attributes[name].type == "boolean"]
        for values in product((True, False, None), repeat=min(len(names), 6)):
            facts = {n: v for n, v in zip(names, values, strict=False) if v is not None}
            assert rule.condition.truth(facts) == source.truth(facts), rule.id


def _plain(text: str) -> str:
    """Drop white space; one reprint (条例 2026) has half-width commas and colons."""
    return re.sub(r"\s+", "", text).translate(str.maketrans(",:;()", "，：；（）"))


def _found(quote: str, text: str) -> bool:
    at = 0
    for piece in re.split(r"……|\.\.\.", _plain(quote)):
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


@needs_domain
def test_every_verbatim_quote_stands_in_its_article(book: Rulebook) -> None:
    seen = 0
    for record in _records():
        if record["text_status"] != "verbatim":
            continue
        path = DOMAIN / "statutes" / f"{record['statute']}.json"
        articles = json.loads(path.read_text(encoding="utf-8"))["articles"]
        rule = book.rule(str(record["id"]))
        cited = [key for part in rule.basis.article.split("、") for key in articles if part.startswith(key)]
        cited = cited or [key for key in articles if rule.basis.article.startswith(key)]
        assert cited, rule.id
        assert _found(rule.basis.quote, "".join(_plain(articles[key]) for key in cited)), rule.id
        seen += 1
    assert seen == 156


@needs_domain
def test_every_penalty_is_quoted_from_its_article(book: Rulebook) -> None:
    with_penalty = [record for record in _records() if "penalty" in record]
    assert {r["id"] for r in with_penalty} == set(book.penalties or {})
    for record in with_penalty:
        source, cited = record["penalty"], book.penalty(str(record["id"]))
        assert isinstance(source, dict) and cited is not None
        articles = json.loads((DOMAIN / "statutes" / f"{source['statute']}.json").read_text(encoding="utf-8"))
        text = next(t for key, t in articles["articles"].items() if cited.article.startswith(key))
        assert _found(cited.quote, _plain(text)), record["id"]


@needs_domain
def test_all_attributes_of_the_source_are_there_with_a_question(book: Rulebook) -> None:
    source = json.loads((DOMAIN / "attributes.json").read_text(encoding="utf-8"))
    assert len(source) == 84
    for one in source:
        ours = book.attributes[one["name"]]
        assert (ours.label, ours.type, ours.origin) == (one["label"], one["type"], one["origin"])
    assert all(attribute.question.endswith(("？", "）")) for attribute in book.attributes.values())


def test_no_presidential_order_number_and_no_page_address_reaches_a_citation(book: Rulebook) -> None:
    for rule in book.rules:
        assert "主席令" not in rule.basis.number and "主席令" not in rule.basis.instrument, rule.id
        assert "待核" not in rule.basis.number, rule.id
        assert "http" not in rule.note and "www." not in rule.note, rule.id


def test_the_code_and_the_ten_laws_it_repeals_never_speak_together(book: Rulebook) -> None:
    before = {rule.basis.instrument for rule in book.in_force(date(2026, 8, 14))}
    after = {rule.basis.instrument for rule in book.in_force(date(2026, 8, 15))}
    assert "中华人民共和国生态环境法典" not in before
    assert "中华人民共和国生态环境法典" in after
    assert any("水污染防治法" in title for title in before)
    assert not [title for title in after if any(old in title for old in REPEALED)]


def test_a_day_belongs_to_the_old_law_or_to_the_new(book: Rulebook) -> None:
    def ids(day: date) -> set[str]:
        return {rule.id for rule in book.in_force(day)}

    assert "WSP-002-OLD" in ids(date(2026, 8, 14)) and "WSP-002" not in ids(date(2026, 8, 14))
    assert "WSP-002" in ids(date(2026, 8, 15)) and "WSP-002-OLD" not in ids(date(2026, 8, 15))
    assert "NPA-007" in ids(date(2026, 3, 14)) and "NPA-001" not in ids(date(2026, 3, 14))
    assert "NPA-001" in ids(date(2026, 3, 15)) and "NPA-007" not in ids(date(2026, 3, 15))


def test_farmland_parcels_do_not_stand_in_for_the_concentrated_area(book: Rulebook) -> None:
    for rule in book.rules:
        if "集中区域" in rule.zone_words and "噪声" not in rule.zone_words:
            assert "permanent_farmland" not in rule.themes, rule.id
            assert "永久基本农田集中区域" in rule.missing_themes, rule.id


def test_rules_on_tailings_ponds_speak_of_the_project_not_of_other_ponds(book: Rulebook) -> None:
    assert not [rule.id for rule in book.rules if "tailings" in rule.themes]


def test_themes_of_the_design_are_all_named(book: Rulebook) -> None:
    assert set(book.themes) >= {
        "ecological_redline",
        "water_source",
        "road",
        "soil_supervised_site",
        "admin_town",
    }
    assert book.themes["admin_county"].context and not book.themes["river"].context


# --- matching classes -----------------------------------------------------------------------------


def test_a_class_matches_by_code_or_by_the_word_of_the_law(book: Rulebook) -> None:
    rule = book.rule("WSP-002")
    assert book.match(rule, "water_source", "grade1") == "yes"
    assert book.match(rule, "water_source", "一级保护区") == "yes"
    assert book.match(rule, "water_source", "grade2") == "no"
    assert book.match(rule, "water_source", "") == "maybe"
    assert book.match(rule, "water_source", "甲类") == "maybe"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("饮用水水源一级保护区", "grade1"), ("一级水源保护区", "grade1"), ("一级", "grade1"), (" 一级保护区 ", "grade1"),
        ("GRADE1", "grade1"), ("饮用水水源二级保护区", "grade2"), ("二级", "grade2"), ("准保护", "quasi"),
        ("饮用水水源准保护区", "quasi"),
    ],
)  # fmt: skip
def test_a_class_is_known_by_its_usual_spellings(book: Rulebook, word: str, code: str) -> None:
    known = book.themes["water_source"].class_of(word)
    assert known is not None and known.code == code
    assert book.themes["water_source"].class_of("  ") is None


def test_themes_and_classes_have_one_name_each(book: Rulebook) -> None:
    assert {name: theme.title for name, theme in book.themes.items()} == dict(THEMES)
    classes = {(name, known.code): known for name, theme in book.themes.items() for known in theme.classes}
    assert set(CLASS_TITLES) == set(classes)
    for key, title in CLASS_TITLES.items():
        assert title in (classes[key].words[0], "、".join(classes[key].words)), key


def test_no_word_names_two_classes_of_a_theme(book: Rulebook) -> None:
    for theme in book.themes.values():
        words = [word.strip().casefold() for c in theme.classes for word in {c.code, *c.words}]
        assert len(words) == len(set(words)), theme.name


def test_old_and_new_reserve_zones_are_never_converted_silently(book: Rulebook) -> None:
    assert book.match(book.rule("NPA-007"), "protected_area", "core") == "maybe"
    assert book.match(book.rule("NPA-001"), "protected_area", "old_experimental") == "maybe"
    assert book.match(book.rule("NPA-001"), "protected_area", "general") == "no"
    assert book.match(book.rule("NPA-007"), "protected_area", "natural_park") == "no"


def test_a_rule_on_several_themes_asks_for_classes_only_where_they_exist(book: Rulebook) -> None:
    rule = book.rule("TSF-001")
    assert book.match(rule, "ecological_redline", "") == "yes"
    assert book.match(rule, "river", "floodway") == "yes"
    assert book.match(rule, "river", "managed") == "maybe"


# --- the digest -----------------------------------------------------------------------------------


def test_the_digest_ignores_line_ends_but_not_words(book: Rulebook, pack: Path) -> None:
    for path in pack.glob("*.toml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load(pack).sha256 == book.sha256
    _change(pack, "river.toml", "河道与防洪。", "河道、防洪。")
    assert load(pack).sha256 != book.sha256


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("river.toml", 'trigger = "intersects"', 'triger = "intersects"', ("river.toml RIV-", "triger")),
        ("river.toml", 'when = "obstructs', 'when = "obstruct', ("RIV-001 when", "obstruct_flood")),
        ("river.toml", 'when = "obstructs', 'when = "or obstructs', ("RIV-001 when", "读不懂")),
        ("river.toml", "= 2018-03-19", '= "2018-03-19"', ("effective_from", "不是日期")),
        ("river.toml", 'effect = "禁止"', 'effect = "不行"', ("RIV-001 effect", "不是结论")),
        ("river.toml", 'themes = ["river"]', 'themes = ["rivers"]', ("RIV-001 themes", "rivers")),
        ("river.toml", '"managed", "floodway"', '"managed", "flood"', ("RIV-001 classes", "flood")),
        ("river.toml", 'themes = ["river"]', "themes = []", ("RIV-001 classes", "managed")),
        ("river.toml", 'id = "RIV-002"', 'id = "RIV-001"', ("RIV-001", "重复")),
        ("river.toml", "= 2018-03-19", "= 2018-03-18", ("RIV-001 effective_from", "早于所引文件")),
        ("river.toml", '"river_2018"', '"river_2019"', ("RIV-001 instrument", "river_2019")),
        ("river.toml", 'located_by = "footprint"', 'located_by = "centre"', ("RIV-001 located_by", "centre")),
        ("road.toml", "distance_m = 100", "distance_m = -1", ("MIN-002 bands[1] distance_m", "正数")),
        ("road.toml", '"国道"', '"国路"', ("MIN-002 bands", "国路")),
        ("water_source.toml", "effective_to = 2026-08-14", "", ("WSP-001-OLD effective_to", "失效日")),
        ("attributes.toml", '"项目是否新建？"', '""', ("is_new_build question", "不能为空")),
        ("attributes.toml", 'name = "is_expansion"', 'name = "is_new_build"', ("is_new_build", "重复")),
        ("zones.toml", 'may_be = ["floodway"]', 'may_be = ["flood"]', ("classes", "flood")),
        ("pack.toml", "version =", "versions =", ("pack.toml", "versions")),
        ("soil.toml", "subject =", "= subject", ("soil.toml", "TOML")),
        ("soil.toml", "screening_m = 500", "screening_m = 0", ("SOIL-001 screening_m", "正数")),
        ("river.toml", 'trigger = "intersects"', 'trigger = "intersects"\nscreening_m = 5', ("RIV-", "screening_m")),
        ("river.toml", 'at_most = "须论证"', 'at_most = "禁止"', ("RIV-007 at_most", "轻于")),
        ("river.toml", 'activity =', 'tool = true\nactivity =', ("RIV-001 tool", "提示")),
    ],
)  # fmt: skip
def test_a_pack_that_does_not_hold_together_is_refused_with_its_place(
    pack: Path, name: str, old: str, new: str, said: tuple[str, ...]
) -> None:
    _change(pack, name, old, new)
    with pytest.raises(RuleError) as caught:
        load(pack)
    for word in said:
        assert word in str(caught.value)


def test_two_versions_of_a_rule_may_not_overlap(pack: Path) -> None:
    _change(pack, "mining.toml", "effective_to = 2025-06-30", "effective_to = 2025-07-01")
    _change(pack, "instruments.toml", "effective_to = 2025-06-30", "effective_to = 2025-07-01")
    with pytest.raises(RuleError, match=r"replaced_by：与接续的 .* 时间重叠"):
        load(pack)


def test_a_text_attribute_is_not_compared_with_yes(pack: Path) -> None:
    _change(pack, "protected_area.toml", "zone.grade = '市级'", "zone.grade")
    with pytest.raises(RuleError, match=r"zone\.grade 是 string"):
        load(pack)


def test_a_folder_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="打不开"):
        load(tmp_path)


def test_an_unknown_rule_is_refused(book: Rulebook) -> None:
    assert book.rule("ERL-003").effect is Verdict.PROHIBITED
    with pytest.raises(RuleError, match="ERL-999"):
        book.rule("ERL-999")
