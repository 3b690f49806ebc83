"""What a consultant may say of a project, and what may not be said silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from yard import RULES

from linxi_gis.errors import UsageError
from linxi_gis.library import approved, grade_word
from linxi_gis.project import Project, parse_sets, read, with_values

KNOWN = RULES.attributes


def said(*pairs: str) -> Project:
    return with_values(Project(), parse_sets(pairs), KNOWN, "--set")


@pytest.mark.parametrize(
    ("build", "yes"),
    [
        ("新建", {"is_new_build"}),
        ("改扩建", {"is_reconstruction", "is_expansion"}),
        ("新建、扩建", {"is_new_build", "is_expansion"}),
        ("技术改造", {"is_reconstruction"}),
        ("改建项目", {"is_reconstruction"}),
    ],
)
def test_build_words(build: str, yes: set[str]) -> None:
    facts = said(f"build={build}").facts()
    assert {key for key, value in facts.items() if value} == yes
    assert facts.get("is_existing") is (False if build == "新建" else None)
    assert len(facts) == (4 if build == "新建" else 3)


def test_what_is_built_already_may_be_said_of_a_new_build() -> None:
    """未批先建: filed as new, standing already."""
    assert said("build=新建", "is_existing=yes").facts()["is_existing"] is True


@pytest.mark.parametrize("build", ["非新建", "搬迁", "新建？", "不改建"])
def test_a_build_word_that_is_not_wholly_understood_is_refused(build: str) -> None:
    with pytest.raises(UsageError, match="不认识"):
        said(f"build={build}")


@pytest.mark.parametrize("order", [("build=新建", "is_new_build=no"), ("is_new_build=no", "build=新建")])
def test_contradictions_are_refused_in_any_order(order: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="矛盾"):
        said(*order)
    assert said("build=新建", "is_new_build=yes").facts()["is_new_build"] is True


def test_the_access_list_cannot_be_declared_clean_by_hand() -> None:
    assert said("violates_access_list=yes").facts() == {"violates_access_list": True}
    assert said("violates_access_list=unknown").facts() == {}
    with pytest.raises(UsageError, match="准入清单"):
        said("violates_access_list=no")


@pytest.mark.parametrize("key", ["zone.grade=国家级", "engine.any_prohibition=no", "has_outfal=no"])
def test_only_the_users_own_attributes_can_be_set(key: str) -> None:
    with pytest.raises(UsageError, match="没有名为"):
        said(key)


@pytest.mark.parametrize("area", ["0", "-3", "nan", "inf", "三亩"])
def test_a_declared_area_is_a_positive_number(area: str) -> None:
    with pytest.raises(UsageError, match="不是正数"):
        said(f"declared_area_m2={area}")


def test_one_key_has_one_value() -> None:
    assert said("has_outfall=是", " has_outfall = 是").facts() == {"has_outfall": True}
    for second in ("unknown", "是"):
        with pytest.raises(UsageError, match="has_outfall 写了两次"):
            said("has_outfall=否", f"has_outfall={second}")


def test_files_are_read_and_their_faults_named(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('name = "甲"\nhas_outfall = true\n[attributes]\nis_industrial = "否"\n', encoding="utf-8-sig")
    project = read(path, KNOWN)
    assert (project.name, project.facts()) == ("甲", {"has_outfall": True, "is_industrial": False})
    path.write_text("name = ", encoding="utf-8")
    with pytest.raises(UsageError, match="TOML"):
        read(path, KNOWN)
    path.write_text("attributes = 3", encoding="utf-8")
    with pytest.raises(UsageError, match="attributes"):
        read(path, KNOWN)


@pytest.mark.parametrize(
    ("word", "grade"),
    [("国家级自然保护区", "国家级"), ("内蒙古自治区级", "省级"), ("赤峰市级", "市级"), ("盟市级", "市级"), ("旗级", "县级")],
)
def test_grades_are_read_as_the_rules_name_them(word: str, grade: str) -> None:
    assert grade_word(word) == grade


@pytest.mark.parametrize("word", ["未批准", "待批", "未经批准的测算范围"])
def test_an_unapproved_zone_is_not_approved(word: str) -> None:
    assert approved(word) is False


def test_a_file_that_says_an_attribute_two_ways_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    for top, nested in (("true", "false"), ('"yes"', '""')):
        path.write_text(f"has_outfall = {top}\n[attributes]\nhas_outfall = {nested}\n", encoding="utf-8")
        with pytest.raises(UsageError, match="has_outfall 写了两次且值不同") as error:
            read(path, KNOWN)
        assert str(path) in str(error.value) and "只写一处" in str(error.value)
    path.write_text('has_outfall = "是"\n[attributes]\nhas_outfall = true\n', encoding="utf-8")
    assert read(path, KNOWN).facts() == {"has_outfall": True}


def test_null_is_unknown_and_an_industry_is_never_a_number() -> None:
    said = with_values(Project(), [("has_outfall", True), ("coal_t_a", 3), ("name", "甲"), ("declared_area_m2", 5)], KNOWN, "")
    keys = ("has_outfall", "coal_t_a", "name", "declared_area_m2", "industry", "build")
    assert with_values(said, [(key, None) for key in keys], KNOWN, "") == Project()
    with pytest.raises(UsageError, match="不是文字"):
        with_values(Project(), [("industry", 711)], KNOWN, "")
