"""GB/T 4754-2017: the whole table, lookup in both directions, and a project's industry that is never taken silently."""

from __future__ import annotations

from collections import Counter

import pytest
from test_cli import DAY, EXAMPLES, linxi

from linxi_gis.errors import CatalogError, UsageError
from linxi_gis.industry import any_within, checked, codes, read
from linxi_layers import industry_file

TABLE = read(industry_file())


def test_the_table_has_the_sections_divisions_groups_and_classes_of_the_standard() -> None:
    assert Counter(one.level for one in TABLE.by_code.values()) == {"门类": 20, "大类": 97, "中类": 473, "小类": 1381}
    assert [code for code in TABLE.by_code if code.isalpha()] == list("ABCDEFGHIJKLMNOPQRST")
    divisions = [code for code, one in TABLE.by_code.items() if one.level == "大类"]
    assert divisions == [f"{number:02d}" for number in range(1, 98)]


def test_every_code_stands_under_its_own_beginning_and_in_order() -> None:
    below = {one.parent for one in TABLE.by_code.values()}
    for code, one in TABLE.by_code.items():
        if one.level in ("中类", "小类"):
            assert one.parent == code[:-1], one
        assert code in below or one.level == "小类", one
    classes = [code for code, one in TABLE.by_code.items() if one.level == "小类"]
    assert classes == sorted(classes)


def test_a_group_that_is_not_divided_bears_the_name_of_its_class() -> None:
    alone = [TABLE.children(code) for code, one in TABLE.by_code.items() if one.level == "中类"]
    alone = [below for below in alone if len(below) == 1]
    assert len(alone) == 199
    for (only,) in alone:
        assert only.code.endswith("0") and TABLE.by_code[only.parent].name == only.name


@pytest.mark.parametrize(
    ("code", "name", "above"),
    [
        ("0912", "铅锌矿采选", ["B", "09", "091"]),
        ("0810", "铁矿采选", ["B", "08", "081"]),
        ("3011", "水泥制造", ["C", "30", "301"]),
        ("4415", "风力发电", ["D", "44", "441"]),
        ("7724", "危险废物治理", ["N", "77", "772"]),
        ("9700", "国际组织", ["T", "97", "970"]),
    ],
)
def test_a_class_knows_its_name_and_what_stands_above(code: str, name: str, above: list[str]) -> None:
    assert TABLE.by_code[code].name == name
    assert [one.code for one in TABLE.ancestors(code)] == above


def test_names_have_no_blanks_and_one_kind_of_brackets() -> None:
    for one in TABLE.by_code.values():
        assert one.name == one.name.strip() and not set(one.name) & set("() \u3000?"), one


def test_the_head_says_the_standard_the_sources_and_what_is_not_in_it() -> None:
    head = industry_file().read_text(encoding="utf-8").partition("\n代码\t")[0]
    assert "GB/T 4754-2017" in head and "MIT" in head and "第 1 号修改单" in head and "未收" in head


def test_belonging_has_three_values_a_coarse_code_is_neither_in_nor_out() -> None:
    assert TABLE.within("0912", "B") is TABLE.within("0912", "09") is TABLE.within("0912", "0912") is True
    assert TABLE.within("0912", "10") is TABLE.within("0912", "0913") is False
    assert TABLE.within("09", "0912") is None and TABLE.within("B", "091") is None
    assert any_within("0912、3011", ("301",), TABLE) is True
    assert any_within("", ("301",), TABLE) is None
    assert any_within("30、0912", ("301",), TABLE) is None
    assert any_within("0912", ("301",), TABLE) is False


def test_descendants_are_everything_below_and_nothing_else() -> None:
    below = [one.code for one in TABLE.descendants("09")]
    assert below[:3] == ["091", "0911", "0912"] and len(below) == 18
    assert {code[:2] for code in below} == {"09"}
    assert len(TABLE.descendants("B")) == 7 + 19 + 39


@pytest.mark.parametrize(
    ("text", "found"),
    [("0912", "0912"), ("B0912", "0912"), ("b09", "09"), ("B", "B"), ("铅锌矿采选", "0912"), ("石墨、滑石采选", "1092"),
     ("0912、3011", "0912、3011"), ("0912，0912", "0912"), (" 炼铁 ", "3110"), ("羽毛(绒)加工", "1941")],
)  # fmt: skip
def test_a_projects_industry_is_a_code_or_a_full_name(text: str, found: str) -> None:
    assert checked(text, TABLE, "") == found
    assert codes(found) == tuple(found.split("、"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0918", "0911 铜矿采选"),
        ("9999", "linxi industry"),
        ("C0912", "0912 属于 B 采矿业"),
        ("铅锌", "0912 铅锌矿采选"),
        ("养猪", "0313 猪的饲养"),
        ("0912、9999", "9999"),
        ("尾矿库", "linxi industry"),
    ],
)
def test_an_unknown_industry_is_refused_with_the_nearest_names(text: str, told: str) -> None:
    with pytest.raises(UsageError, match="行业") as error:
        checked(text, TABLE, "project.toml")
    assert told in str(error.value) and str(error.value).startswith("project.toml：")


def test_a_damaged_table_is_told_with_its_line(tmp_path: object) -> None:
    path = industry_file().with_name("x")
    bad = type(path)(str(tmp_path)) / "bad.tsv"
    bad.write_text("# 头\n代码\t层级\t上级\t名称\nA\t门类\t\t甲\n01\t大类\tZ\t乙\n", encoding="utf-8")
    with pytest.raises(CatalogError, match="第 4 行"):
        read(bad)


def test_the_command_looks_up_by_code_and_by_word() -> None:
    assert "0912  铅锌矿采选（小类）  B 采矿业 › 09 有色金属矿采选业" in linxi("industry", "铅锌").stdout
    down = linxi("industry", "091").stdout
    assert "      0917  镁矿采选" in down
    none = linxi("industry", "尾矿")
    assert "没有名称含“尾矿”的行业" in none.stdout and "采矿业" in none.stdout
    assert "附表没有收入" in none.stderr  # no category is hinted at that no text supports


def test_check_refuses_an_industry_that_is_none_and_keeps_one_that_is() -> None:
    site = str(EXAMPLES / "farm.kml")
    refused = linxi("check", site, "--set", "industry=0918", *DAY, code=2)
    assert "没有行业代码 '0918'" in refused.stderr and "0911 铜矿采选" in refused.stderr
    kept = linxi("check", site, "--set", "industry=B0912", "--format", "json", *DAY)
    assert '"industry":"0912"' in kept.stdout
