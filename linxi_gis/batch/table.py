"""The table a batch makes: its columns, and a block of its rows as three arrays that any process can send."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linxi_gis.crs import FloatArray

ColumnKind = Literal["int", "float", "text"]
Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `layer` is "" for what concerns the site itself; `title` is the Chinese heading."""

    layer: str
    key: str
    kind: ColumnKind
    title: str

    @property
    def name(self) -> str:
        """Its name in parquet and CSV.

        >>> Column("redline", "status", "text", "状态").name, Column("", "row", "int", "序号").name
        ('redline.status', 'row')
        """
        return f"{self.layer}.{self.key}" if self.layer else self.key


SITE = (
    Column("", "file", "text", "文件"),
    Column("", "row", "int", "序号"),
    Column("", "id", "text", "编号"),
    Column("", "name", "text", "名称"),
    Column("", "kind", "text", "图形"),
    Column("", "area_m2", "float", "椭球面积 m²"),
    Column("", "length_m", "float", "长度 m"),
    Column("", "county", "text", "县界"),
    Column("", "hits", "text", "命中图层"),
    Column("", "unchecked", "text", "未核查图层"),
    Column("", "notes", "text", "读取说明"),
    Column("", "error", "text", "错误代码"),
    Column("", "error_text", "text", "错误"),
)
_LAYER: tuple[tuple[str, ColumnKind, str], ...] = (
    ("status", "text", "状态"),
    ("zones", "text", "命中图斑"),
    ("area_m2", "float", "命中面积 m²"),
    ("length_m", "float", "命中长度 m"),
    ("share", "float", "占比"),
    ("covered_share", "float", "图层覆盖"),
    ("near_zone", "text", "最近图斑"),
    ("distance_m", "float", "距离 m"),
    ("bearing_deg", "float", "方位角"),
)


def columns(layers: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    """Return the columns of a table; `layers` are pairs of id and title."""
    own = (Column(one, key, kind, f"{title} {word}") for one, title in layers for key, kind, word in _LAYER)
    return (*SITE, *own)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of a table.

    `numbers` holds the int and float columns in their order, shape (f, n), NaN for nothing; `text` the UTF-8
    of all text columns one after another, and `offsets` where each begins and ends, shape (t, n + 1).
    """

    numbers: FloatArray
    offsets: NDArray[np.int64]
    text: NDArray[np.uint8]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.offsets.shape[1]) - 1

    def number(self, place: int) -> FloatArray:
        """Return a number column by its place among the number columns, shape (n,)."""
        column: FloatArray = self.numbers[place]
        return column

    def texts(self, place: int) -> list[str]:
        """Return a text column by its place among the text columns."""
        edges = self.offsets[place].tolist()
        whole = self.text[edges[0] : edges[-1]].tobytes()
        start = edges[0]
        return [whole[a - start : b - start].decode() for a, b in pairwise(edges)]


def block(own: Sequence[Column], values: Sequence[Sequence[str] | FloatArray]) -> Block:
    """Return a block of columns; `values` has for each of them numbers or texts, one a row."""
    rows = len(values[0])
    numbers = [np.asarray(v, dtype=np.float64) for c, v in zip(own, values, strict=True) if c.kind != "text"]
    offsets, chunks, end = [], [], 0
    for column, held in zip(own, values, strict=True):
        if column.kind == "text":
            raw = [str(text).encode("utf-8", "replace") for text in held]
            edges = np.cumsum([end, *map(len, raw)], dtype=np.int64)
            offsets.append(edges)
            chunks.extend(raw)
            end = int(edges[-1])
    return Block(
        np.stack(numbers), np.stack(offsets).reshape(-1, rows + 1), np.frombuffer(b"".join(chunks), dtype=np.uint8)
    )


def rows(own: Sequence[Column], held: Block) -> Iterator[tuple[Value, ...]]:
    """Yield the rows of a block as Python values; nothing is None, also an empty text."""
    made: list[Sequence[Value]] = []
    numbers = texts = 0
    for column in own:
        if column.kind == "text":
            made.append([text or None for text in held.texts(texts)])
            texts += 1
            continue
        floats = held.number(numbers).tolist()
        numbers += 1
        whole = column.kind == "int"
        made.append([None if math.isnan(v) else int(v) if whole else v for v in floats])
    return zip(*made, strict=True)


_NAMES = ("numbers", "offsets", "text")


def packed(held: Block) -> bytes:
    """Return a block as bytes: a zip, whose checksums tell a part that was cut short or changed."""
    stream = io.BytesIO()
    # Level 1: most numbers are 0 or nothing, a tenth remains; more would cost more than the measuring.
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in _NAMES:
            with archive.open(name, "w") as member:
                np.lib.format.write_array(member, getattr(held, name), allow_pickle=False)
    return stream.getvalue()


def unpacked(data: bytes) -> Block:
    """Return the block of `packed` bytes; raises ValueError or zipfile.BadZipFile for others."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in _NAMES:
            with archive.open(name) as member:
                found[name] = np.lib.format.read_array(member, allow_pickle=False)
                member.read()  # to the end, where the checksum is looked at
    return Block(**found)
