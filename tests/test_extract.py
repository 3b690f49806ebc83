"""The extract: valid against its committed schema, canonical, complete; the same on every face."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest
import shapely
from rich.console import Console
from yard import (
    DAY,
    EAST,
    HUNDRED,
    NORTH,
    RULES,
    entry,
    line,
    open_library,
    point,
    red_line,
    site,
    square,
    write_layer,
)

from linxi_gis import intake
from linxi_gis.assess import assess
from linxi_gis.footprint import corridor
from linxi_gis.model import Assessment
from linxi_gis.project import Project
from linxi_gis.report import extract, issuefile, sheet, text

SCHEMA = jsonschema.Draft202012Validator(
    extract.schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def answers(folder: Path) -> list[Assessment]:
    write_layer(folder / "redline.gpkg", [square(50, 50, 200), square(600, 0, 100)])
    write_layer(folder / "water.gpkg", [square(0, 0, 30)], JB=["一级"])
    library = open_library(
        folder,
        [
            entry("redline", "ecological_redline", "redline.gpkg"),
            entry(
                "water", "water_source", "water.gpkg",
                columns={"id": "BM", "name": "MC", "class": "JB"}, classes={"一级": "grade1"},
            ),
            entry("heritage", "heritage", "没有.gpkg"),
        ],
    )  # fmt: skip
    sites = [
        site(HUNDRED, "a", declared_area_m2=9_000.0),
        site(line((-50, 60), (700, 60)), "l"),
        corridor(site(line((-50, 60), (700, 60)), "c"), 20.0),
        site(point(60, 60), "p"),
        site(square(5_000, 0, 10), "far"),
    ]
    return assess(sites, library, RULES, DAY, Project(name="测试", build="新建"))


def test_every_kind_of_site_is_valid_against_the_schema(tmp_path: Path) -> None:
    SCHEMA.check_schema(extract.schema())
    for answer in answers(tmp_path):
        SCHEMA.validate(json.loads(extract.canonical(extract.build(answer))))


def test_the_schema_refuses_a_clear_that_is_not_complete(tmp_path: Path) -> None:
    body = extract.build(answers(tmp_path)[-1])
    assert body["verdict"]["code"] == "NOT_CHECKED"
    body["verdict"]["code"] = "CLEAR"
    assert not SCHEMA.is_valid(body)


def test_a_library_opened_anew_gives_the_same_bytes(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(50, 50, 200), square(600, 0, 100)])
    texts = set()
    for _ in range(2):
        library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
        texts.add(extract.canonical(extract.build(assess([site(HUNDRED, "a")], library, RULES, DAY)[0])))
        (tmp_path / "redline.gpkg").touch()  # another time of change, the same content
    assert len(texts) == 1


def test_a_layer_says_how_sensitive_it_is_where_the_catalogue_does(tmp_path: Path) -> None:
    """One layer is there, one is not: of both it is known. The third says nothing, and its extract is as it was."""
    write_layer(tmp_path / "redline.gpkg", [square(50, 50, 200)])
    write_layer(tmp_path / "wet.gpkg", [square(50, 50, 200)])
    entries = [
        entry("redline", "ecological_redline", "redline.gpkg", sensitivity="不得导出"),
        entry("farm", "permanent_farmland", "gone.gpkg", sensitivity="内部"),
        entry("wet", "wetland", "wet.gpkg"),
    ]
    body = extract.build(assess([site(HUNDRED, "a")], open_library(tmp_path, entries), RULES, DAY)[0])
    SCHEMA.validate(json.loads(extract.canonical(body)))
    assert {one["id"]: one.get("sensitivity") for one in body["layers"]} == {
        "redline": "不得导出", "farm": "内部", "wet": None
    }  # fmt: skip
    assert "sensitivity" not in body["layers"][2]
    body["layers"][0]["sensitivity"] = "绝密"
    assert not SCHEMA.is_valid(body)


def test_the_digest_is_that_of_the_rest(tmp_path: Path) -> None:
    body = extract.build(answers(tmp_path)[0])
    digest = body.pop("digest")
    plain = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(plain.encode()).hexdigest()


def test_it_names_layers_and_rules_by_their_hashes(tmp_path: Path) -> None:
    body = extract.build(answers(tmp_path)[0])
    assert body["layers"][0]["sha256"] == hashlib.sha256((tmp_path / "redline.gpkg").read_bytes()).hexdigest()
    assert body["rules"]["sha256"] == RULES.sha256
    assert [layer["status"] for layer in body["layers"]] == ["hit", "hit", "not_checked"]
    assert body["verdict"]["unchecked"] == ["文物保护单位"]
    assert body["on"] == "2026-11-23"


def test_a_finding_carries_the_article_word_for_word(tmp_path: Path, shared: Path) -> None:
    body = extract.build(answers(tmp_path)[0])
    finding = next(one for one in body["findings"] if one["rule"] == "WSP-002")
    assert finding["verdict"] == "PROHIBITED"
    assert finding["basis"]["instrument"] == "中华人民共和国生态环境法典"
    statute = json.loads((shared.parent / "domain" / "statutes" / "eco_code_2026.json").read_text("utf-8"))
    assert finding["basis"]["quote"] in statute["articles"]["第三百一十九条"]
    assert finding["basis"]["article"].startswith("第三百一十九条")
    assert finding["basis"]["in_force"] == "2026-08-15/.."
    assert [question["attribute"] for question in finding["questions"]] == ["is_water_supply_related"]


def test_the_schema_wants_candidates_and_other_readings_whole(tmp_path: Path) -> None:
    for where, key in (("site", "candidates"), ("verdict", "other_readings")):
        body = extract.build(answers(tmp_path)[0])
        assert body[where][key] == []
        body[where][key] = [{"crs": "GCJ-02"}]
        assert not SCHEMA.is_valid(body)
        del body[where][key]
        assert SCHEMA.is_valid(body)  # an extract frozen before there were such fields


def test_a_reading_is_valid_against_its_schema_and_its_site_is_the_extracts() -> None:
    schema = extract.schema("reading-1")
    for name in ("site",):
        assert schema["$defs"][name] == extract.schema()["properties"][name]
    for name in ("issue", "candidate", "geometry"):
        assert schema["$defs"][name] == extract.schema()["$defs"][name]
    valid = jsonschema.Draft202012Validator(schema)
    told = issuefile.told_of("a.csv", intake.read_text("经度,纬度\n118.0,43.6"))
    valid.validate(json.loads(extract.canonical(issuefile.reading(told))))
    with pytest.raises(intake.AmbiguousCrsError) as asked:
        intake.read_text("X,Y\n4829600,578200\n4829600,578400\n4829800,578400")
    body = issuefile.reading(issuefile.refused("b.csv", asked.value))
    valid.validate(json.loads(extract.canonical(body)))
    assert body["candidates"] and body["error"]["code"] == "crs_ambiguous"


def test_batch_is_many_ones(tmp_path: Path) -> None:
    library = red_line(tmp_path, [square(50, 50, 200), square(600, 0, 100)])
    sites = [site(square(37.0 * i, 11.0 * i, 80), f"s{i}") for i in range(12)]
    batch = [extract.canonical(extract.build(one)) for one in assess(sites, library, RULES, DAY)]
    ones = [extract.canonical(extract.build(assess([one], library, RULES, DAY)[0])) for one in sites]
    assert batch == ones


def test_adding_a_zone_never_lowers_a_verdict(tmp_path: Path) -> None:
    zones = [square(5_000, 0, 10), square(101, 0, 10), square(90, 90, 30), square(-10, -10, 200)]
    ranks: list[int] = []
    for count in range(1, len(zones) + 1):
        folder = tmp_path / str(count)
        folder.mkdir()
        answer = assess([site(HUNDRED)], red_line(folder, zones[:count], accuracy_m=2.0), RULES, DAY)[0]
        ranks.append(answer.overall.verdict.rank)
    assert ranks == sorted(ranks)
    # apart: clear; 1 m away within 2 m of accuracy: 临界, so 须论证; overlapping and covering: no less
    assert ranks == [0, 2, 2, 2]


def test_the_day_decides_the_law(tmp_path: Path) -> None:
    answers(tmp_path)
    library = open_library(
        tmp_path,
        [entry("water", "water_source", "water.gpkg", columns={"id": "BM", "name": "MC", "class": "JB"},
               classes={"一级": "grade1"})],
    )  # fmt: skip
    cited = {}
    for day in (date(2026, 8, 14), date(2026, 8, 15)):
        answer = assess([site(HUNDRED)], library, RULES, day)[0]
        cited[day] = {f.basis.instrument for f in answer.findings if f.basis is not None and f.rule and f.rule.startswith("WSP")}
    assert cited[date(2026, 8, 14)] == {"中华人民共和国水污染防治法（2017年修正）"}
    assert cited[date(2026, 8, 15)] == {"中华人民共和国生态环境法典"}


def _printed(answer: Assessment) -> str:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(text.render(answer))
    return capture.get()


def test_the_terminal_says_verdict_reading_unchecked_and_clause(tmp_path: Path) -> None:
    printed = _printed(answers(tmp_path)[0])
    for word in ("禁止（另有 1 个图层未核查）", "EPSG:4527", "椭球面积", "申报", "文物保护单位", "未核查", "WSP-002", "初步研判"):
        assert word in printed


def test_the_terminal_says_why_a_layer_was_not_checked(tmp_path: Path) -> None:
    library = red_line(tmp_path, [square(0, 0, 10)], coverage="unknown")
    printed = _printed(assess([site(square(3_000, 0, 10), "far")], library, RULES, DAY)[0])
    assert "不覆盖本地块，这里没有数据" in printed
    assert "图层文件不存在" in _printed(answers(tmp_path)[0])


def test_the_terminal_tells_repairs_of_layers_that_were_checked(tmp_path: Path) -> None:
    corners = [(0, 0), (100, 100), (100, 0), (0, 100), (0, 0)]
    bow_tie = shapely.Polygon([(EAST + x, NORTH + y) for x, y in corners])
    printed = _printed(assess([site(HUNDRED)], red_line(tmp_path, [bow_tie]), RULES, DAY)[0])
    assert "图形自相交或不合规" in printed


def test_the_spreadsheet_keeps_formulas_as_text_and_lists_every_layer(tmp_path: Path) -> None:
    library = red_line(tmp_path, [square(50, 50, 200)])
    answer = assess([site(HUNDRED, "s", name="=1+1")], library, RULES, DAY)[0]
    path = tmp_path / "out.xlsx"
    sheet.write([answer], path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["地块", "图层", "条文"]
    assert book["地块"]["B3"].value == "=1+1"
    assert book["地块"]["B3"].data_type == "s"
    assert book["地块"]["C3"].value == answer.overall.label
    assert [row[1].value for row in book["图层"].iter_rows(min_row=3)] == [layer.title for layer in answer.layers]


def test_rounding_leaves_no_negative_zero() -> None:
    assert str(extract.rounded(-1e-12, 4)) == "0.0"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_is_no_number(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        extract.canonical({"x": value})
