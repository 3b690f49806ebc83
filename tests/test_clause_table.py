"""Clause tables on disk: every fault told with row and column, the demonstration county, HTTP."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from test_api import serving
from test_clauses import GENERAL, KEY, TABLE
from test_cli import DAY, EXAMPLES, SCHEMA, linxi
from yard import RULES

from linxi_gis import catalog
from linxi_gis.clausefile import read, table_text
from linxi_gis.clauses import DIMENSIONS, LEVELS, ClauseBook, Threshold
from linxi_gis.cli import roof
from linxi_gis.errors import CatalogError
from linxi_gis.law import Verdict
from linxi_gis.rulefile import parse_condition
from linxi_layers import demo_catalog

GOOD = {
    "层级": "单元", "单元编码": KEY, "维度": "空间布局约束", "编号": "1", "条款": "示意：不得新建", "不符合时": "禁止",
    "依据文件": "示意清单", "有效期起": "2024-03-06", "有效期止": "", "适用行业": "09、3011",
    "适用条件": "is_new_build or is_expansion", "不符合条件": "is_industrial",
    "阈值": "coal_t_a <= 10；so2_t_a < 2.5", "文字": "摘要",
}  # fmt: skip


def row(**changes: str) -> dict[str, str]:
    return {**GOOD, **changes}


def written(folder: Path, *rows: dict[str, str], name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(table_text(rows), encoding="utf-8", newline="\n")
    return path


def held(path: Path) -> ClauseBook:
    return read(path, RULES.attributes, TABLE)


def told(path: Path) -> str:
    with pytest.raises(CatalogError) as error:
        held(path)
    return str(error.value)


# --- reading --------------------------------------------------------------------------------------


def test_a_row_becomes_a_clause_with_all_it_says(tmp_path: Path) -> None:
    (clause,) = held(written(tmp_path, row())).clauses
    assert (clause.level, clause.units, clause.dimension, clause.number) == ("单元", (KEY,), "空间布局约束", "1")
    assert (clause.effect, clause.source, clause.text_status) == (Verdict.PROHIBITED, "示意清单", "paraphrase")
    assert (clause.effective_from, clause.effective_to) == (date(2024, 3, 6), None)
    assert clause.groups == ("09", "3011")
    assert clause.applies == parse_condition("is_new_build or is_expansion")
    assert clause.violated == parse_condition("is_industrial")
    assert clause.thresholds == (Threshold("coal_t_a", "<=", 10.0), Threshold("so2_t_a", "<", 2.5))


def test_a_bare_row_is_enough_and_words_may_be_those_of_real_lists(tmp_path: Path) -> None:
    bare = {name: GOOD[name] for name in ("编号", "条款", "依据文件")}
    words = {"层级": "赤峰市", "维度": "资源利用效率要求", "不符合时": "须论证", "有效期起": "2024年3月6日"}
    path = written(tmp_path, {**bare, **words})
    (clause,) = held(path).clauses
    assert (clause.units, clause.dimension, clause.effective_from) == (("全部",), "资源利用效率", date(2024, 3, 6))
    assert clause.violated is None and clause.thresholds == () and clause.text_status == "verbatim"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"层级": "镇"}, "第 2 行“层级”：'镇' 不是 自治区、赤峰市、林西县、单元 之一"),
        ({"条款": ""}, "第 2 行“条款”：不能为空"),
        ({"依据文件": " "}, "第 2 行“依据文件”：不能为空"),
        ({"单元编码": ""}, "第 2 行“单元编码”：空 不是单元编码"),
        ({"单元编码": "ZH150424"}, "第 2 行“单元编码”：ZH150424 不是单元编码"),
        ({"单元编码": "ZH15042440001"}, "第 2 行“单元编码”"),
        ({"层级": "自治区"}, f"'{KEY}'：自治区的条款应填 全部 或 优先保护单元"),
        ({"维度": "水"}, "第 2 行“维度”"),
        ({"不符合时": "提示"}, "第 2 行“不符合时”：'提示' 不是 禁止、限制、须论证 之一"),
        ({"有效期起": "去年"}, "第 2 行“有效期起”：'去年' 不是日期"),
        ({"有效期起": "2024-02-30"}, "第 2 行“有效期起”"),
        ({"有效期止": "2020-01-01"}, "第 2 行“有效期止”：2020-01-01 早于有效期起"),
        ({"适用行业": "0918"}, "第 2 行“适用行业”：没有行业代码 '0918'（GB/T 4754-2017），相近的有 0911 铜矿采选"),
        ({"适用条件": "is_new_biuld"}, "第 2 行“适用条件”：'is_new_biuld' 不是项目的是否属性"),
        ({"不符合条件": "zone.grade = '市级'"}, "第 2 行“不符合条件”：'zone.grade' 不是项目的是否属性"),
        ({"不符合条件": "is_industrial and"}, "第 2 行“不符合条件”：条件 'is_industrial and' 读不懂"),
        ({"阈值": "water <= 3"}, "第 2 行“阈值”：'water <= 3' 读不懂"),
        ({"阈值": "coal_t_a = 3"}, "第 2 行“阈值”"),
        ({"文字": "大概"}, "第 2 行“文字”"),
        ({"文字": "原文（摘要）"}, "第 2 行“文字”：'原文（摘要）' 不是 原文、摘要 之一"),
        ({"不符合时": "限制、禁止"}, "第 2 行“不符合时”：'限制、禁止' 不是"),
        ({"不符合时": "限制（城区内禁止）"}, "第 2 行“不符合时”"),
        ({"层级": "自治区、赤峰市"}, "第 2 行“层级”：'自治区、赤峰市' 不是"),
        ({"有效期止": "2030-12-31 （已延长至2035年）"}, "第 2 行“有效期止”：'2030-12-31 （已延长至2035年）' 不是日期"),
        ({"不符合条件": "not always"}, "第 2 行“不符合条件”：条件 'not always' 怎么回答都不成立"),
        ({"不符合条件": "is_industrial and not is_industrial"}, "怎么回答都不成立"),
        ({"阈值": "coal_t_a >= 0"}, "第 2 行“阈值”：'coal_t_a >= 0'：数量不小于 0"),
        ({"阈值": f"coal_t_a <= 1{'0' * 400}"}, "怎么填结果都一样"),
        ({"适用行业": "711"}, "711 也可能是丢了前导零的 0711；请带门类字母写明 L711（"),
        ({"适用行业": "08、11"}, "也可能是丢了前导零的 011；请带门类字母写明 B11（开采专业及辅助性活动） 或 A011（"),
        ({"适用行业": "C0711"}, "门类不对"),
    ],
)
def test_a_fault_is_told_with_its_row_and_column(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    assert said in told(written(tmp_path, row(**changes)))


@pytest.mark.parametrize(
    ("text", "groups"),
    [("B0711", ("0711",)), ("L711", ("711",)), ("b11、Ｂ0912", ("11", "0912")), ("0711；08", ("0711", "08")), ("B", ("B",))],
)
def test_an_industry_may_say_its_section_and_then_nothing_is_ambiguous(
    tmp_path: Path, text: str, groups: tuple[str, ...]
) -> None:
    assert held(written(tmp_path, row(适用行业=text))).clauses[0].groups == groups


def test_a_number_cell_that_lost_its_zero_is_refused(tmp_path: Path) -> None:
    """Excel keeps 0711 (oil) as 711 (leasing): the clause would fall away for the very industry it bans."""
    for code, good in ((711, False), (3011, True)):
        book = sheets(tmp_path / f"{code}.xlsx", 准入清单=[{**GOOD, "适用行业": code}])
        if good:
            assert held(book).clauses[0].groups == ("3011",)
        else:
            assert "B0711" in told(book)


def test_a_time_after_a_date_is_dropped_and_nothing_else(tmp_path: Path) -> None:
    (clause,) = held(written(tmp_path, row(有效期止="2030/12/31 00:00:00"))).clauses
    assert clause.effective_to == date(2030, 12, 31)


def test_numbers_of_clauses_in_wide_digits_are_the_same_numbers(tmp_path: Path) -> None:
    assert "第 2 行与第 3 行“编号”" in told(written(tmp_path, row(编号="1"), row(编号="１")))
    assert "第 2 行与第 3 行“编号”" in told(written(tmp_path, row(编号="1.2"), row(编号="1. 2")))


def test_a_row_is_a_note_only_when_nothing_else_stands_in_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    body = table_text([row(), row(编号="2")])
    path.write_text(body.replace("\n单元,", "\n# 一条说明\n单元,", 1), encoding="utf-8")
    assert len(held(path).clauses) == 2
    names = ["编号", *(name for name in GOOD if name != "编号")]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *([{**GOOD, "编号": code}[name] for name in names] for code in ("#1", "2"))])
    assert [clause.number for clause in held(path).clauses] == ["#1", "2"]


def sheets(path: Path, **pages: list[dict[str, Any]]) -> Path:
    """A workbook whose pages are tables; a page of no rows is a head alone."""
    with xlsxwriter.Workbook(str(path)) as made:
        for name, rows in pages.items():
            page = made.add_worksheet(name)
            for number, cells in enumerate([list(GOOD), *(list(one.values()) for one in rows)]):
                page.write_row(number, 0, cells)
    return path


def test_clauses_on_a_second_sheet_are_not_passed_over(tmp_path: Path) -> None:
    both = told(sheets(tmp_path / "a.xlsx", 总体=[row()], 单元=[row(编号="2")]))
    assert "有 2 张工作表都是条款表：总体、单元" in both and "并到一张" in both
    assert len(held(sheets(tmp_path / "b.xlsx", 空表=[], 单元=[row()])).clauses) == 1
    path = tmp_path / "c.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        made.add_worksheet("封面").write(0, 0, "某市准入清单")
        page = made.add_worksheet("条款")
        page.write_row(0, 0, list(GOOD))
        page.write_row(1, 0, list(GOOD.values()))
    assert len(held(path).clauses) == 1


def test_several_faults_are_told_at_once_and_a_flood_is_counted(tmp_path: Path) -> None:
    two = told(written(tmp_path, row(编号="1", 层级="镇"), row(编号="2", 有效期起="去年")))
    assert "第 2 行“层级”" in two and "第 3 行“有效期起”" in two
    assert "另有 18 处" in told(written(tmp_path, *[row(编号=str(n), 文字="大概") for n in range(30)]))


def test_rows_are_numbered_as_the_file_has_them(tmp_path: Path) -> None:
    body = table_text([row(条款="第一行\n第二行"), row(编号="2", 维度="水")]).replace("层级,", "# 说明\n\n层级,", 1)
    path = tmp_path / "t.csv"
    path.write_text(body.replace("\ufeff", ""), encoding="utf-8-sig", newline="\n")
    assert "第 6 行“维度”" in told(path)  # a note, a blank line, the head, a clause of two lines


def test_the_same_clause_twice_on_one_day_is_refused_but_not_one_after_the_other(tmp_path: Path) -> None:
    assert "第 2 行与第 3 行“编号”" in told(written(tmp_path, row(), row(条款="另一条")))
    first, second = row(有效期止="2025-12-31"), row(有效期起="2026-01-01")
    assert len(held(written(tmp_path, first, second)).clauses) == 2
    assert len(held(written(tmp_path, row(), row(单元编码=GENERAL))).clauses) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "没有表头"),
        ("层级,维度,条款\n", "缺少列 编号、不符合时、依据文件"),
        ("层级,维度,条款,编号,不符合时,依据文件,备注\n", "不认识的列 备注"),
        ("层级,维度,条款,编号,不符合时,依据文件,编号\n", "有重复的列"),
        ("层级,维度,条款,编号,不符合时,依据文件\n", "没有条款"),
    ],
)
def test_a_table_without_its_columns_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    assert said in told(path)


def test_a_table_of_an_old_excel_is_read_in_its_own_encoding(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(table_text([row()]).removeprefix("\ufeff").encode("gb18030"))
    assert held(path).clauses[0].text == "示意：不得新建"
    path.write_bytes(b"\xff\xff\x00")
    assert "编码" in told(path)


def test_a_workbook_reads_as_the_same_table_with_its_dates_and_numbers(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "t.xlsx")) as made:
        page = made.add_worksheet()
        page.write_row(0, 0, list(GOOD))
        for column, (name, text) in enumerate(GOOD.items()):
            if name == "有效期起":
                form = made.add_format({"num_format": "yyyy-mm-dd"})
                page.write_datetime(1, column, date(2024, 3, 6), form)  # type: ignore[arg-type]
            elif name == "编号":
                page.write_number(1, column, 1)
            else:
                page.write_string(1, column, text)
    assert held(tmp_path / "t.xlsx").clauses == held(written(tmp_path, row())).clauses
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 no")
    assert "工作簿读不出来" in told(tmp_path / "bad.xlsx")
    (tmp_path / "t.pdf").write_bytes(b"%PDF")
    assert "不认识的格式" in told(tmp_path / "t.pdf")
    assert "打不开" in told(tmp_path / "none.csv")


# --- the demonstration county ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def demonstration() -> ClauseBook:
    named = catalog.read(demo_catalog()).clauses
    assert named is not None
    return held(named)


def test_every_clause_of_the_demonstration_says_that_it_is_made_up(demonstration: ClauseBook) -> None:
    assert demonstration.clauses
    for clause in demonstration.clauses:
        assert clause.text.startswith("示意条款") and "虚构" in clause.source, clause
    assert {clause.level for clause in demonstration.clauses} == set(LEVELS)
    assert {clause.dimension for clause in demonstration.clauses} == set(DIMENSIONS)


def test_the_examples_see_the_whole_path_on_first_use() -> None:
    text = linxi("check", str(EXAMPLES / "tailings_zone39.txt"), "--project", str(EXAMPLES / "project.toml"), *DAY).stdout
    assert "生态环境准入清单" in text and "示意条款：布局应与上位规划相衔接" in text
    said = ("--set", "industry=3011", "--set", "build=新建", "--set", "fresh_water_m3_a=1")
    broken = linxi("check", str(EXAMPLES / "farm.kml"), *said, *DAY).stdout
    assert "不符合 示意条款：新建水泥、石灰和石膏制造项目不予准入" in broken and "禁止" in broken.splitlines()[0]


def test_http_answers_with_the_list_and_refuses_an_industry_that_is_none() -> None:
    office = roof.open_office(str(demo_catalog()))
    site = {
        "type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [118.05, 43.6]},
        "project": {"industry": "B0912", "coal_t_a": 3},
    }  # fmt: skip
    with serving(office.library) as client:
        answer = client.post("/v1/assessments?on=2026-11-23", json=site)
        assert answer.status_code == 200, answer.text
        (body,) = answer.json()["assessments"]
        SCHEMA.validate(body)
        assert body["project"]["industry"] == "0912" and body["project"]["amounts"] == {"coal_t_a": 3.0}
        assert body["access_list"]["clauses"] and body["access_list"]["file"] == "clauses.csv"
        refused = client.post("/v1/assessments", json={**site, "project": {"industry": "0918"}})
        assert refused.status_code == 400 and "0911 铜矿采选" in refused.json()["detail"]
