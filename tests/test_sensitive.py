"""The sensitive areas of the EIA catalogue, article 3: told from zones, never a category."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from test_judge import BOOK, TODAY, layer, near, zone

from linxi_gis import sensitive
from linxi_gis.finding import LayerResult
from linxi_gis.practice import EiaHint

RULES = Path(__file__).parents[1] / "layers" / "linxi_layers" / "rules"


def hint(*layers: LayerResult, on: date = TODAY) -> EiaHint:
    found = sensitive.hint(layers, BOOK, on)
    assert found is not None
    return found


def areas(*layers: LayerResult) -> set[tuple[str, str, bool]]:
    return {(one.item, one.area, one.sure) for one in hint(*layers).areas}


def test_every_area_stands_under_its_item_of_the_article() -> None:
    article = tomllib.loads((RULES / "articles" / "eia_catalog_2021.toml").read_text(encoding="utf-8"))["article"]["第三条"]
    items = dict(re.findall(r"^(（[一二三]）)(.*)$", article, re.MULTILINE))
    assert len(items) == 3
    for one in BOOK.sensitive:
        assert one.area in items[one.item], one


@pytest.mark.parametrize(
    ("theme", "code", "told"),
    [
        ("protected_area", "core", {("（一）", "自然保护区", True)}),
        ("protected_area", "natural_park", {("（二）", "自然公园", True)}),
        ("protected_area", "", {("（一）", "自然保护区", False), ("（二）", "自然公园", False)}),
        ("water_source", "quasi", {("（一）", "饮用水水源保护区", True)}),
        ("ecological_redline", "", {("（二）", "生态保护红线管控范围", True)}),
        ("grassland", "basic", {("（二）", "基本草原", True)}),
        ("grassland", "degraded", {("（二）", "基本草原", False)}),
        ("forest_land", "", {("（二）", "天然林", False)}),
        ("heritage", "protected", {("（三）", "文物保护单位", True)}),
        ("heritage", "control", {("（三）", "文物保护单位", False)}),
        ("mine", "", set()),
    ],
)
def test_a_zone_is_the_area_its_class_says(theme: str, code: str, told: set[tuple[str, str, bool]]) -> None:
    assert areas(layer(theme, zone(theme, code))) == told


def test_what_is_not_sure_is_only_perhaps_an_area() -> None:
    hit = zone("water_source", "grade1")
    told = {("（一）", "饮用水水源保护区", False)}
    assert areas(layer("water_source", near("water_source", metres=2.0, critical=True))) == told
    assert areas(layer("water_source", hit, legal_status="draft")) == told
    assert areas(layer("water_source", hit, status="stale")) == told
    assert areas(layer("water_source", near("water_source", metres=90.0))) == set()


def test_two_layers_of_a_theme_are_named_and_the_sure_one_counts() -> None:
    draft = layer("ecological_redline", zone("ecological_redline"), legal_status="draft")
    (one,) = hint(layer("ecological_redline", zone("ecological_redline")), draft).areas
    assert one.sure and one.layers


def test_what_was_not_seen_is_said_and_no_category_is_given() -> None:
    none = hint()
    assert not none.areas and "饮用水水源保护区" in none.unseen
    assert "未核查" in none.label and "附表没有收入" in none.label
    seen = hint(layer("water_source"))
    assert "饮用水水源保护区" not in seen.unseen
    assert not re.search(r"应当?编制|环评类别为", seen.label)


def test_before_the_catalogue_there_is_no_hint() -> None:
    assert sensitive.hint((), BOOK, date(2020, 12, 31)) is None
    assert hint(on=date(2021, 1, 1)).basis.article == "第三条"
