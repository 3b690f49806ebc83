"""Columns of texts: the quick way through them gives what the slow one gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linxi_gis.intake import encoding, features

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
