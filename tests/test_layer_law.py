"""What a layer is by law: a grade that no longer exists, a draft, a version older than the update of 2023."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from test_judge import by_rule, layer, run, zone
from yard import DAY, HUNDRED, RULES, entry, open_library, site, square, write_layer

from linxi_gis.assess import assess
from linxi_gis.catalog import UPDATED_FROM
from linxi_gis.law import Verdict
from linxi_gis.model import Assessment
from linxi_gis.report import extract

LAST_OF_THE_OLD, FIRST_OF_THE_CODE = date(2026, 8, 14), date(2026, 8, 15)


def reserve(grade: str) -> Any:
    return layer("protected_area", zone("protected_area", "core", facts=(("zone.grade", grade),) if grade else ()))


@pytest.mark.parametrize("grade", ["市级", "县级"])
def test_a_grade_the_code_does_not_know_is_in_doubt_from_its_day_and_protected_all_the_same(grade: str) -> None:
    before, after = (run(reserve(grade), on=day) for day in (LAST_OF_THE_OLD, FIRST_OF_THE_CODE))
    assert "NPA-000" not in by_rule(before)
    assert "法律地位待核实" in by_rule(after)["NPA-000"].say
    for judgement in (before, after):
        assert by_rule(judgement)["NPA-001"].verdict is Verdict.PROHIBITED  # the core stays a core


def test_a_grade_of_state_or_region_is_in_no_doubt_and_an_empty_one_is() -> None:
    for grade in ("国家级", "省级"):
        assert "NPA-000" not in by_rule(run(reserve(grade)))
    unknown = by_rule(run(reserve("")))["NPA-000"]
    assert unknown.verdict is Verdict.NOTICE and "等级不明的" in unknown.say


@pytest.mark.parametrize(("word", "doubt"), [("市级", True), ("二类", True), ("自治区级", False), ("", True)])
def test_the_grade_is_read_from_the_layer_and_a_strange_word_is_unknown(
    tmp_path: Path, word: str, doubt: bool
) -> None:
    write_layer(tmp_path / "reserve.gpkg", [square(0, 0, 300)], DJ=[word], LX=["core"])
    columns = {"id": "BM", "name": "MC", "class": "LX", "grade": "DJ"}
    library = open_library(tmp_path, [entry("reserve", "protected_area", "reserve.gpkg", columns=columns)])
    found = assess([site(HUNDRED)], library, RULES, DAY)[0].findings
    assert any(one.rule == "NPA-000" for one in found) is doubt
    assert any(one.rule == "NPA-001" for one in found)


def test_a_draft_beside_the_approved_layer_is_a_notice_and_the_approved_one_decides() -> None:
    approved = layer("ecological_redline", zone("ecological_redline"))
    draft = layer("ecological_redline", zone("ecological_redline"), id="draft", legal_status="draft")
    clear = layer("ecological_redline")
    both = run(approved, draft).findings
    assert {one.verdict for one in both if one.layer == "draft"} == {Verdict.NOTICE}
    assert run(approved, draft).overall.verdict is run(approved).overall.verdict
    alone = run(clear, draft, is_tailings_facility=True, is_new_build=True).overall
    assert max(one.verdict for one in run(clear, draft).findings) is Verdict.NOTICE
    assert alone.verdict is not Verdict.PROHIBITED
    swapped = run(approved, replace(clear, id="draft", legal_status="draft"), is_tailings_facility=True, is_new_build=True)
    assert swapped.overall.verdict is Verdict.PROHIBITED


def answer(folder: Path, theme: str, day: date, inside: bool = False, **more: Any) -> Assessment:
    write_layer(folder / "it.gpkg", [square(0, 0, 300) if inside else square(5_000, 0, 300)])
    library = open_library(folder, [entry("it", theme, "it.gpkg", **more)])
    return assess([site(HUNDRED)], library, RULES, day)[0]


@pytest.mark.parametrize("theme", ["ecological_redline", "control_unit"])
@pytest.mark.parametrize(
    ("more", "doubt"),
    [
        ({"version": "2021"}, True),
        ({"version": "2022年版"}, True),
        ({"version": "20211231"}, True),
        ({"version": "2023"}, False),
        ({"version": "2021-2024"}, False),
        ({"version": "V2", "effective_from": date(2021, 1, 1)}, True),
        ({"version": "V2", "effective_from": date(2023, 1, 1)}, False),
        ({"version": "1202100"}, False),
    ],
)
def test_a_version_older_than_the_update_may_be_out_of_date(
    tmp_path: Path, theme: str, more: dict[str, Any], doubt: bool
) -> None:
    one = answer(tmp_path, theme, DAY, **more)
    assert (one.layers[0].status == "stale") is doubt
    assert (one.layers[0].status_label == "可能过期") is doubt
    told = [issue.text for issue in one.layers[0].issues if issue.code == "layer_outdated"]
    assert any(text.endswith("数据可能过期") for text in told) is doubt
    if doubt:
        assert not one.overall.complete and one.overall.unchecked
        assert extract.build(one)["layers"][0]["status"] == "stale"


def test_both_sides_of_the_day_and_of_the_theme(tmp_path: Path) -> None:
    days = date(2023, 12, 31), UPDATED_FROM
    status = [answer(tmp_path, "ecological_redline", day, version="2021").layers[0].status for day in days]
    assert status[0] != "stale" and status[1] == "stale" and date(2024, 1, 1) == UPDATED_FROM
    assert answer(tmp_path, "heritage", DAY, version="2019").layers[0].status != "stale"
    drawn = answer(tmp_path, "ecological_redline", DAY, version="2021", status="demonstration")
    assert drawn.layers[0].status != "stale"


def test_a_hit_of_an_old_version_is_judged_and_says_so(tmp_path: Path) -> None:
    one = answer(tmp_path, "ecological_redline", DAY, inside=True, version="2021")
    found = next(found for found in one.findings if found.rule == "ERL-003")
    assert found.verdict is Verdict.TO_JUSTIFY and "数据可能过期" in found.say and "已过期" not in found.say
    assert one.red_line is not None and one.red_line.outcome == "unclear"


def test_a_version_that_was_followed_by_another_is_out_of_date_without_a_doubt(tmp_path: Path) -> None:
    one = answer(tmp_path, "ecological_redline", DAY, version="2021", effective_to=date(2023, 12, 1))
    assert one.layers[0].status_label == "已过期"
