"""The paragraph a director reads: what it says, where its numbers come from, and how it is written."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from test_extract import SCHEMA, answers
from yard import DAY, HUNDRED, RULES, entry, line, open_library, point, red_line, site, square, write_layer

from linxi_gis import catalog, intake, project
from linxi_gis.assess import assess
from linxi_gis.library import Library
from linxi_gis.model import Assessment
from linxi_gis.project import Project
from linxi_gis.report import extract, text
from linxi_gis.report.paragraph import QUOTE_LENGTH, summary
from linxi_gis.themes import THEMES
from linxi_layers import demo_catalog
from linxi_maps.findings import brief

EXAMPLES = Path(__file__).parents[1] / "examples"
# What a number and its unit are in the extract's own: the factor to m² or m, and half of its last digit.
UNITS = {"hm²": 1e4, "m²": 1.0, "km": 1e3, "m": 1.0, "%": 0.01}
AMOUNT = re.compile(r"(\d+(?:\.(\d+))?) ?(hm²|m²|km|m|%)")
MACHINE = re.compile(r"[a-z]{3,}_[a-z]|(?!GCJ)[A-Z]{3,}-\d|\b(?:None|True|False|unknown|clear|hit|near)\b|[{}\[\]<>|_]")


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> list[Assessment]:
    """The examples on the demonstration county, and every kind of site on a small one."""
    library = Library(catalog.read(demo_catalog()))
    known = project.read(EXAMPLES / "project.toml", RULES.attributes)
    found = answers(tmp_path_factory.mktemp("yard"))
    for name in ("tailings_zone39.txt", "pipeline.geojson", "well_point.csv", "east_zone40.txt"):
        sites = intake.read(EXAMPLES / name, intake.Options(county=library.county_lonlat(DAY))).sites
        found += assess(sites, library, RULES, DAY, known)
        found += assess(sites, library, RULES, DAY)
    return found


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def own_words(body: dict[str, Any]) -> str:
    """The paragraph without what it quotes from the extract: names, titles, articles, questions."""
    told = str(body["summary"])
    rest = {key: value for key, value in body.items() if key != "summary"}
    parts = {
        piece
        for whole in strings(rest)
        for piece in (whole, whole.rstrip("。；："), whole.partition("（")[0], whole.partition("/")[0])
    }
    for known in sorted((piece for piece in parts if len(piece) > 1), key=len, reverse=True):
        told = told.replace(known, "■")
    return told


def test_every_number_in_it_is_one_of_the_extract(every: list[Assessment]) -> None:
    checked = 0
    for one in every:
        body = extract.build(one)
        known = list(numbers({key: value for key, value in body.items() if key != "summary"}))
        for figure, decimals, unit in AMOUNT.findall(own_words(body)):
            value, slack = float(figure) * UNITS[unit], 0.51 * UNITS[unit] * 10.0 ** -len(decimals)
            assert any(abs(value - real) <= slack for real in known), (figure, unit, body["summary"])
            checked += 1
        assert not re.search(r"\d", AMOUNT.sub("", own_words(body))), own_words(body)  # and there is no other
    assert checked > 20


def test_it_is_plain_chinese(every: list[Assessment]) -> None:
    for one in every:
        told = summary(one)
        assert not MACHINE.search(told), told
        assert told.endswith("。") and "\n" not in told and "  " not in told
        assert not re.search(r"[，。；：、]{2}|[,;:!?]|（）|“”|（，|，）|。）|^[，。]", told), told
        assert told.count("（") == told.count("）") and told.count("“") == told.count("”")
        assert "初步研判，不替代主管部门认定" in told
        assert ("示意数据，结论无效力" in told) is one.demonstration


def test_the_extract_carries_it_and_is_valid(every: list[Assessment]) -> None:
    for one in every:
        body = extract.build(one)
        SCHEMA.validate(body)
        assert body["summary"] == summary(one)
        assert body["verdict"]["label"] in body["summary"]
        assert [q["attribute"] for q in body["verdict"]["questions"]] == [q.attribute for q in one.overall.questions]
        assert one.red_line is not None and body["redline"]["label"] == one.red_line.label


def test_it_says_site_hits_rule_day_gap_and_next_step(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(50, -50, 200)])
    entries = [
        entry("redline", "ecological_redline", "redline.gpkg"),
        entry("heritage", "heritage", "没有.gpkg"),
    ]
    library = open_library(tmp_path, entries)
    known = Project(name="示范项目", attributes={"is_tailings_facility": True, "is_new_build": True})
    told = summary(assess([site(HUNDRED, "s", name="北坡")], library, RULES, DAY, known)[0])
    for words in (
        "示范项目的“北坡”（面，面积 ", f"按{DAY.isoformat()}有效的图层和条文研判", "结论为禁止（另有 1 个图层",
        "命中生态保护红线（4999.20 m²", "占50.00%", "“第1块”（部分重叠）", "《尾矿污染环境防治管理办法》第九条第二款",
        "（2022-07-01起施行）为“禁止”：“禁止在生态保护红线区域", "生态保护红线：禁止", f"未核查：{THEMES['heritage']}",
    ):  # fmt: skip
        assert words in told, (words, told)


def test_what_to_answer_is_the_question_that_decides(tmp_path: Path) -> None:
    one = assess([site(HUNDRED)], red_line(tmp_path, [square(-10, -10, 300)]), RULES, DAY)[0]
    first = one.overall.questions[0]
    assert f"下一步先答：“{first.text}”（{first.outcomes}）。" in summary(one)
    assert "是否适用待答" in summary(one)  # the gravest rule is not certain yet


def test_without_a_hit_it_names_the_nearest(tmp_path: Path) -> None:
    library = red_line(tmp_path, [square(300, 0, 50)])
    for drawn in (HUNDRED, line((0, 0), (100, 0)), point(0, 0)):
        told = summary(assess([site(drawn)], library, RULES, DAY)[0])
        assert "没有命中，最近的是生态保护红线“第1块”，相距" in told and "生态保护红线：不涉及" in told


def test_what_only_completes_the_check_is_said_to_be_that(every: list[Assessment]) -> None:
    idle = [
        replace(one, overall=replace(one.overall, questions=rest))
        for one in every
        if (rest := tuple(asked for asked in one.overall.questions if asked.gravest is None))
    ]
    done = [one for one in every if not one.overall.questions]
    assert idle and all("只影响是否查全" in summary(one) for one in idle)
    assert done and all("没有会改变结论的待答问题" in summary(one) for one in done)


def test_a_long_text_of_law_is_never_cut_short(every: list[Assessment]) -> None:
    long = 0
    for one in every:
        told = summary(one)
        quotes = {found.basis.quote.rstrip("。；：") for found in one.findings if found.basis and found.basis.quote}
        short = [quote for quote in quotes if len(quote) <= QUOTE_LENGTH]
        assert one.overall.verdict.label in told
        for quote in quotes.difference(short):
            long += 1
            assert not re.search(f"“{re.escape(quote[:8])}", told) or any(word.startswith(quote[:8]) for word in short), quote
    assert long


def test_the_map_and_the_terminal_show_the_same_paragraph_and_questions(tmp_path: Path) -> None:
    library = red_line(tmp_path, [square(-10, -10, 300)])
    one = assess([site(HUNDRED, "s", name="<b>{{坡}}</b>")], library, RULES, DAY)[0]
    panel = brief(one)
    assert "<b>{" not in panel and "{{" not in panel  # a name is never obeyed
    plain_panel = unescape(panel)
    assert summary(one) in plain_panel
    console = Console(file=io.StringIO(), width=80, color_system=None)
    with console.capture() as capture:
        console.print(text.render(one))
    shown = capture.get()
    tail = "\n".join(shown.splitlines()[-24:])
    flat = re.sub(r"\s", "", tail)
    assert re.sub(r"\s", "", summary(one)) in flat, tail  # verdict, reason, clause, numbers: on the last screenful
    for asked in one.overall.questions[:3]:
        assert re.sub(r"\s", "", f"{asked.text}{asked.outcomes}") in flat
        assert asked.text in plain_panel and asked.outcomes in plain_panel
    assert one.red_line is not None and one.red_line.label in tail and one.red_line.label in plain_panel
