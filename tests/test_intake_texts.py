"""Columns of texts: the quick way through them gives what the slow one gives."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from linxi_gis.intake import encoding, features, gdalread
from linxi_gis.intake.reading import Rows, shapes_of

LETTERS = st.text(st.sampled_from("林西县管控单元喆镕㐂·，aZ 0é\u00b7"), max_size=30)


def counted(text: str) -> bool:
    """Whether six in ten of the characters beyond ASCII are in GB 2312, by counting them."""
    special = [character for character in text if not character.isascii()]
    held = sum(bool(character.encode("gb2312", "ignore")) for character in special)
    return bool(special) and held >= 0.6 * len(special)


@given(LETTERS)
def test_common_chinese_is_common_whether_counted_or_not(text: str) -> None:
    assert encoding._common(text) == counted(text)


ODD = {
    None: "", 7: "7", float("nan"): "", b"abc": "<3 bytes>", "a\x1fb": "ab", "a\x00b": "ab", "\x7f": "",
    "甲乙".encode("gbk")[:3].decode("latin-1"): "甲",
}  # fmt: skip


@pytest.mark.parametrize(("odd", "said"), ODD.items())
def test_one_odd_value_changes_no_other(odd: object, said: str) -> None:
    names = ["林西县", " 甲 ", "a", ""]
    raw = [name.encode("gbk").decode("latin-1") for name in names]
    found = features._texts(np.array([*raw, odd], dtype=object), "gb18030")
    assert found == ["林西县", "甲", "a", "", said]


def layer(shapes: list[object]) -> gdalread.Layer:
    column = np.array([name.encode("gbk").decode("latin-1") for name in ("甲", "乙", "丙")], dtype=object)
    held = np.empty(3, dtype=object)
    held[:] = shapes
    return gdalread.Layer("x", "", "Polygon", ("MC", "N"), held, [column, np.array([1, 2, 3])])


def test_rows_are_made_of_columns_only_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = [shapely.box(n, 0, n + 1, 1) for n in range(3)]
    asked: list[int] = []
    real = features._drawn
    monkeypatch.setattr(features, "_drawn", lambda *words: (asked.append(1), real(*words))[1])
    drawn, issues = features.features(layer(boxes), "x", "GBK", "", (("层", "一"),))
    assert isinstance(drawn, Rows) and len(drawn) == 3 and not asked
    assert shapes_of(drawn).tolist() == boxes and [issue.code for issue in issues] == []
    columns = {name: list(texts) for name, texts in drawn.columns.items()}
    assert columns == {"层": ["一"] * 3, "MC": ["甲", "乙", "丙"], "N": ["1", "2", "3"]} and not asked
    assert dict(drawn[1].attributes) == {"层": "一", "MC": "乙", "N": "2"}
    assert drawn[-1].geometry is boxes[2] and [one.label for one in drawn[:2]] == ["甲", "乙"] and len(asked) == 1


def test_a_row_without_a_shape_is_told_and_the_others_stay() -> None:
    drawn, issues = features.features(layer([shapely.Point(0, 0), None, shapely.Point(1, 1)]), "x", "GBK", "")
    assert [one.label for one in drawn] == ["甲", "丙"] and shapes_of(drawn).shape == (2,)
    (told,) = (issue.text for issue in issues if issue.code == "feature_unreadable")
    assert told == "x：第 2 个要素：没有图形或图形损坏"
