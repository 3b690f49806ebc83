"""Local packs add rules and never lower silently: an override is signed, dated, reasoned, and both answers are told.

The packs here are made up, and say so: 示意.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from linxi_gis import localpack
from linxi_gis.cli import linxi
from linxi_gis.errors import RuleError
from linxi_gis.finding import Finding, LayerResult
from linxi_gis.judge import judge
from linxi_gis.law import Verdict
from linxi_gis.project import Project
from linxi_gis.rulebook import Rulebook, load
from linxi_gis.rulecheck import prove_local, stage

RULES = Path(__file__).parents[1] / "layers" / "linxi_layers" / "rules"
BEFORE, AFTER = date(2026, 9, 30), date(2026, 10, 1)
HEAD = 'name = "{name}"\nversion = "1"\nlevel = "{level}"\n'
RULE = """
subject = "示意"

[[rule]]
id = "{id}"
zone_words = "{words}"
class_words = "任一"
themes = ["{theme}"]
trigger = "intersects"
located_by = "footprint"
activity = "示意"
effect = "{effect}"
when = "always"
instrument = "demo_notice"
article = "示意第一条"
quote = "示意条文"
text_status = "{status}"
effective_from = {since}
"""
LAW = """
[demo_notice]
title = "示意文件"
number = ""
legal_force = "规范性文件"
effective_from = {since}
text_as_of = 2026-01-01
"""
OVERRIDE = """
[[override]]
rule = "WSP-001"
effect = "须论证"
by = "示意机关"
signed = 2026-09-20
document = "示意〔2026〕1号"
reason = "示意理由"
effective_from = 2026-10-01
"""
RECORD = '[[silent]]\nthemes = ["river"]\nwhy = "示意"\n'
SIGNED = ("by", "signed", "document", "reason", "effective_from", "effect", "rule")


def pack(
    folder: Path, level: str = "city", *, override: str = "", theme: str = "industrial_park", words: str = "工业园区",
    id: str = "CITY-001", effect: str = "限制", status: str = "paraphrase", since: str = "2026-01-01", **more: str,
) -> Path:  # fmt: skip
    folder.mkdir(parents=True)
    files = {
        "pack": HEAD.format(name=f"示意{folder.name}", level=level),
        "instruments": LAW.format(since=since),
        "extra": RULE.format(id=id, words=words, theme=theme, effect=effect, status=status, since=since),
        **({"overrides": override} if override else {}),
        **more,
    }
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def office(*folders: Path) -> Rulebook:
    return localpack.load(RULES, folders)


def hit(theme: str, zone_class: str = "") -> LayerResult:
    return stage.layer(theme, stage.zone(theme, zone_class))


def answer(book: Rulebook, layers: Sequence[LayerResult], day: date, **facts: Any) -> tuple[Verdict, list[Finding]]:
    judged = judge(layers, Project(attributes=facts), book, day, site_kind="point", inside_county=True)
    return judged.overall.verdict, judged.findings


# --- adding ---------------------------------------------------------------------------------------


def test_a_local_rule_speaks_where_the_national_pack_is_silent(tmp_path: Path) -> None:
    layers = [hit("industrial_park")]
    assert answer(load(RULES), layers, AFTER)[0] is Verdict.NOTICE
    verdict, findings = answer(office(pack(tmp_path / "city")), layers, AFTER)
    assert verdict is Verdict.TO_JUSTIFY  # 限制, but its text is not verbatim
    assert [(one.rule, one.basis and one.basis.instrument) for one in findings] == [("CITY-001", "示意文件")]
    assert "条文待核" in findings[0].say


def test_an_added_rule_never_makes_an_answer_milder(tmp_path: Path) -> None:
    national = load(RULES)
    themes = ("ecological_redline", "water_source", "control_unit", "urban_boundary", "air_zone", "road", "heritage")
    days = (date(2012, 1, 1), date(2019, 6, 1), date(2026, 8, 14), AFTER)
    for theme, effect in product(themes, ("提示", "禁止")):
        folder = pack(
            tmp_path / theme / effect, theme=theme, words=national.themes[theme].title, effect=effect, status="verbatim",
            since="2010-01-01",
        )  # fmt: skip
        book = office(folder)
        for one, day in product(("", *(c.code for c in national.themes[theme].classes)), days):
            alone, joined = (answer(rules, [hit(theme, one)], day)[0] for rules in (national, book))
            order = list(Verdict)
            assert order.index(joined) >= order.index(alone) or alone is Verdict.NOT_CHECKED, (theme, one, day)
            assert alone is not Verdict.NOT_CHECKED or joined in (Verdict.NOT_CHECKED, Verdict.PROHIBITED)


def test_the_order_is_that_of_the_levels_not_of_the_command_line(tmp_path: Path) -> None:
    city = pack(tmp_path / "city")
    province = pack(tmp_path / "province", "province", id="PROV-001", instruments=LAW.format(since="2026-01-01").replace(
        "demo_notice", "demo_provincial"), extra=RULE.format(id="PROV-001", words="工业园区", theme="industrial_park",
        effect="限制", status="paraphrase", since="2026-01-01").replace("demo_notice", "demo_provincial"))  # fmt: skip
    one, other = office(city, province), office(province, city)
    assert (one.name, one.sha256) == (other.name, other.sha256)
    assert one.name == "林西县规则包＋示意province＋示意city"
    assert one.sha256 != load(RULES).sha256 and one.local == {"CITY-001", "PROV-001"}
    assert office() == load(RULES)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"id": "WSP-001"}, "重复的规则编号"),
        ({"level": "town"}, "level"),
        ({"zones": ""}, "不能改区域用语"),
        ({"instruments": "[water_2017]\ntitle='示意'\nlegal_force='法律'\n"}, "water_2017 上级规则包里已有"),
        (
            {"attributes": "[[attribute]]\nname='has_outfall'\nlabel='a'\nquestion='a？'\ntype='boolean'\norigin='user'\n"},
            "has_outfall 上级规则包里已有",
        ),
    ],
)
def test_a_local_pack_changes_nothing_that_is_there(tmp_path: Path, more: dict[str, str], said: str) -> None:
    with pytest.raises(RuleError, match=said):
        office(pack(tmp_path / "city", **more))


# --- overriding -----------------------------------------------------------------------------------


def test_an_override_in_force_lowers_and_both_answers_stand_in_the_finding(tmp_path: Path) -> None:
    book = office(pack(tmp_path / "city", override=OVERRIDE))
    layers = [hit("water_source", "grade1")]
    found = {one.rule: one for one in answer(book, layers, AFTER, has_outfall=True)[1]}["WSP-001"]
    assert found.verdict is Verdict.TO_JUSTIFY
    for word in ("原规则 WSP-001 的结论为“禁止”", "示意〔2026〕1号", "示意机关，2026-09-20 签署", "示意理由", "按“须论证”"):
        assert word in found.say
    assert found.basis is not None and "禁止设置排污口" in found.basis.quote


def test_an_override_is_told_beside_the_verdict_too(tmp_path: Path) -> None:
    """Who reads nothing but the verdict or its reasons learns that a ban was made milder, and which."""
    book, layers = office(pack(tmp_path / "city", override=OVERRIDE)), [hit("water_source", "grade1")]
    judged = judge(layers, Project(attributes={"has_outfall": True}), book, AFTER, site_kind="point", inside_county=True)
    assert {one.rule: one.lowered_from for one in judged.findings}["WSP-001"] is Verdict.PROHIBITED
    assert "地方规则包放宽：WSP-001 原为“禁止”" in judged.overall.label
    assert any("地方规则包放宽了 1 条" in reason for reason in judged.overall.reasons)
    before = judge(layers, Project(attributes={"has_outfall": True}), book, BEFORE, site_kind="point", inside_county=True)
    assert "放宽" not in before.overall.label and all(one.lowered_from is None for one in before.findings)


def test_out_of_its_days_an_override_lowers_nothing_and_says_so(tmp_path: Path) -> None:
    book = office(pack(tmp_path / "city", override=OVERRIDE + "effective_to = 2026-12-31\n"))
    for day in (BEFORE, date(2027, 1, 1)):
        verdict, findings = answer(book, [hit("water_source", "grade1")], day, has_outfall=True)
        found = {one.rule: one for one in findings}["WSP-001"]
        assert verdict is found.verdict is Verdict.PROHIBITED
        assert "当日不在有效期内，仍按原规则 WSP-001 的“禁止”" in found.say


def test_an_override_of_one_rule_leaves_the_bans_of_others(tmp_path: Path) -> None:
    book = office(pack(tmp_path / "city", override=OVERRIDE))
    layers = [hit("water_source", "grade1")]
    assert answer(book, layers, AFTER, has_outfall=True, is_new_build=True)[0] is Verdict.PROHIBITED  # WSP-002


def test_overrides_that_follow_each_other_each_hold_on_their_days(tmp_path: Path) -> None:
    later = OVERRIDE.replace("须论证", "限制").replace("= 2026-10-01", "= 2027-01-01").replace("1号", "2号")
    book = office(pack(tmp_path / "city", override=OVERRIDE + "effective_to = 2026-12-31\n" + later))
    layers = [hit("water_source", "grade2")]
    for day, verdict in ((AFTER, Verdict.TO_JUSTIFY), (date(2027, 1, 1), Verdict.RESTRICTED)):
        found = {one.rule: one for one in answer(book, layers, day, has_outfall=True)[1]}
        assert found["WSP-001"].verdict is verdict


@pytest.mark.parametrize("key", SIGNED)
def test_an_override_without_one_of_its_words_is_refused(tmp_path: Path, key: str) -> None:
    lines = [line for line in OVERRIDE.splitlines() if not line.startswith(f"{key} =")]
    with pytest.raises(RuleError, match=rf"city/overrides\.toml .* {key}："):
        office(pack(tmp_path / "city", override="\n".join(lines)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('by = "示意机关"', 'by = " "', "不能为空"),
        ('"须论证"', '"禁止"', "不轻于原规则"),
        ('"须论证"', '"未命中"', "不是结论"),
        ("WSP-001", "WSP-999", "没有规则"),
        ("WSP-001", "CITY-001", "没有规则"),
        ("signed = 2026-09-20", "signed = 2026-10-02", "早于签署日"),
        ("effective_from = 2026-10-01", "effective_from = 2026-10-01\neffective_to = 2026-09-30", "早于 effective_from"),
        ("reason =", "why =", "不认识的键"),
        ("effective_from = 2026-10-01", f"effective_from = 2026-10-01\n{OVERRIDE}", "同日管 WSP-001"),
        ("WSP-001", "AIR-001-OLD", "AIR-001-OLD 已于 2026-08-14 失效，早于 effective_from 2026-10-01；请写接续它的规则"),
        ("signed = 2026-09-20\n", "signed = 2026-01-01\neffective_to = 2026-08-14\n", "自 2026-08-15 起施行，晚于 effective_to"),
        ("effective_from = 2026-10-01", "effective_from = 2026-10-01\neffective_to = 9999-12-31", "永久有效的不写"),
    ],
)
def test_an_override_that_does_not_hold_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        text = OVERRIDE.replace(old, new)
        if "effective_to = 2026-08-14" in text:
            text = text.replace("effective_from = 2026-10-01", "effective_from = 2026-01-01")
        office(pack(tmp_path / "city", override=text))


# --- the commands ---------------------------------------------------------------------------------


def test_a_local_pack_is_proved_over_the_national_one(tmp_path: Path) -> None:
    folder = pack(tmp_path / "city", override=OVERRIDE)
    good = prove_local(RULES, [folder])
    assert (good.rules, [one.line for one in good.problems]) == (1, [])
    bad = prove_local(RULES, [pack(tmp_path / "county", effect="禁止", words="开发区")])
    assert [(one.kind, one.file, one.rule) for one in bad.problems] == [
        ("prohibition", "county/extra.toml", "CITY-001"), ("words", "county/extra.toml", "CITY-001"),
    ]  # fmt: skip
    claimed = prove_local(RULES, [pack(tmp_path / "court", "court", status="verbatim")])
    assert [one.kind for one in claimed.problems] == ["article"]


def test_problems_of_articles_and_records_name_the_local_pack(tmp_path: Path) -> None:
    folders = [pack(tmp_path / name, id=f"{name.upper()}-001", instruments="") for name in ("city", "county")]
    (folders[0] / "instruments.toml").write_text(LAW.format(since="2026-01-01"), encoding="utf-8")
    for folder in folders:
        for name, text in (("articles/demo.toml", "instrument = 3\n"), ("proof/records.toml", RECORD)):
            (folder / name).parent.mkdir()
            (folder / name).write_text(text, encoding="utf-8")
    problems = prove_local(RULES, folders).problems
    assert {"city/articles/demo.toml", "county/articles/demo.toml"} <= {one.file for one in problems}
    told = [one.line for one in problems if one.kind == "record"]
    assert any("city/proof/records.toml silent[1]" in line for line in told), told
    assert any("county/proof/records.toml silent[1]" in line for line in told), told


def test_the_commands_take_local_packs(tmp_path: Path) -> None:
    folder = str(pack(tmp_path / "city", override=OVERRIDE))
    listed = CliRunner().invoke(linxi, ["rules", "list", "--on", "2026-10-01", "--rules", folder]).output
    assert "CITY-001" in listed and "WSP-001" in listed
    shown = CliRunner().invoke(linxi, ["rules", "show", "WSP-001", "--rules", folder]).output
    assert "放宽：示意city据示意〔2026〕1号按“须论证”，2026-10-01 至 今（示意机关，2026-09-20 签署；示意理由）" in shown
    body = json.loads(CliRunner().invoke(linxi, ["rules", "show", "CITY-001", "--rules", folder, "--format", "json"]).output)
    assert body["local"] is True and body["full_text"] is None
    checked = CliRunner().invoke(linxi, ["rules", "check", "--rules", folder])
    assert (checked.exit_code, checked.output) == (0, "已核对 1 条规则、134 条条文、1 条放宽（override）：没有问题\n")
    Path(folder, "overrides.toml").write_text(OVERRIDE.replace('by = "示意机关"\n', ""), encoding="utf-8")
    unsigned = CliRunner().invoke(linxi, ["rules", "check", "--rules", folder])
    assert unsigned.exit_code == 4 and "by：缺少文字" in unsigned.output


def test_a_check_with_a_local_pack_names_it_in_the_extract(tmp_path: Path) -> None:
    folder = pack(tmp_path / "city")
    site = Path(__file__).parents[1] / "examples" / "tailings_zone39.txt"
    words = ["check", str(site), "--on", "2026-11-23", "--format", "json", "--rules", str(folder)]
    done = CliRunner().invoke(linxi, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["rules"]["pack"] == "林西县规则包＋示意city"
