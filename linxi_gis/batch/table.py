"""The table a batch makes: its columns, and a block of its rows as a few arrays that any process can send."""

from __future__ import annotations

import importlib.util
import math
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

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
class Coded:
    """A text column: `words`, and of each row its place among them, shape (n,).

    >>> Coded.of(["a", "b"]).texts(), Coded.same("x", 2).texts(), Coded.some(3, {1: "y"}).texts()
    (['a', 'b'], ['x', 'x'], ['', 'y', ''])
    """

    code: NDArray[Any]
    words: Sequence[str]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Coded:
        """Return the column of texts most of which are different."""
        return cls(np.arange(len(texts)), texts)

    @classmethod
    def same(cls, text: str, count: int) -> Coded:
        """Return the column of one text."""
        return cls(np.zeros(count, dtype=np.intp), (text,))

    @classmethod
    def some(cls, count: int, texts: Mapping[int, str]) -> Coded:
        """Return a column that is empty but for some rows."""
        code = np.zeros(count, dtype=np.intp)
        code[list(texts)] = np.arange(1, len(texts) + 1)
        return cls(code, ("", *texts.values()))

    def texts(self) -> list[str]:
        """Return the texts, one a row."""
        return [self.words[code] for code in self.code.tolist()]


Values = Coded | FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of a table.

    `numbers` holds the int and float columns in their order, shape (f, n), NaN for nothing. `codes`, shape (t, n),
    has for each text column and row the place of its text among the words of that column, which are words
    `column[k]` to `column[k + 1]` of all; `offsets` is where each of all begins and ends in `text`, which is UTF-8.
    """

    numbers: FloatArray
    codes: NDArray[np.int32]
    column: NDArray[np.int64]
    offsets: NDArray[np.int64]
    text: NDArray[np.uint8]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.codes.shape[1])

    def number(self, place: int) -> FloatArray:
        """Return a number column by its place among the number columns, shape (n,)."""
        column: FloatArray = self.numbers[place]
        return column

    def words(self, place: int) -> list[str]:
        """Return the words of a text column by its place among the text columns."""
        edges = self.edges(place).tolist()
        whole = self.text[edges[0] : edges[-1]].tobytes()
        start = edges[0]
        return [whole[a - start : b - start].decode() for a, b in pairwise(edges)]

    def edges(self, place: int) -> NDArray[np.int64]:
        """Return where each word of a text column begins, and where the last one ends."""
        return self.offsets[self.column[place] : self.column[place + 1] + 1]

    def coded(self, place: int) -> Coded:
        """Return a text column by its place among the text columns."""
        return Coded(self.codes[place], self.words(place))

    def texts(self, place: int) -> list[str]:
        """Return the texts of a text column, one a row."""
        return self.coded(place).texts()

    def count(self, place: int, word: str) -> int:
        """Return in how many rows of a text column a word stands."""
        places = [code for code, one in enumerate(self.words(place)) if one == word]
        return int(np.isin(self.codes[place], places).sum()) if places else 0


def block(own: Sequence[Column], values: Sequence[Values]) -> Block:
    """Return a block of columns; `values` has for each of them numbers or texts, one a row."""
    numbers = [v for v in values if not isinstance(v, Coded)]
    coded = [v for v in values if isinstance(v, Coded)]
    if [isinstance(v, Coded) for v in values] != [column.kind == "text" for column in own]:
        raise ValueError("texts for text columns, numbers for the others")
    raw = [word.encode("utf-8", "replace") for one in coded for word in one.words]
    offsets = np.zeros(len(raw) + 1, dtype=np.int64)
    np.cumsum([len(word) for word in raw], out=offsets[1:])
    return Block(
        np.stack(numbers), np.stack([one.code for one in coded]).astype(np.int32),
        np.cumsum([0, *(len(one.words) for one in coded)], dtype=np.int64), offsets,
        np.frombuffer(b"".join(raw), dtype=np.uint8),
    )  # fmt: skip


def stacked(own: Sequence[Column], blocks: Sequence[Block]) -> Block:
    """Return several blocks as one."""
    values: list[Values] = []
    numbers = texts = 0
    for column in own:
        if column.kind == "text":
            values.append(Coded.of([text for one in blocks for text in one.texts(texts)]))
            texts += 1
        else:
            values.append(np.concatenate([one.number(numbers) for one in blocks]))
            numbers += 1
    return block(own, values)


def rows(own: Sequence[Column], held: Block) -> Iterator[tuple[Value, ...]]:
    """Yield the rows of a block as Python values; nothing is None, also an empty text."""
    made: list[Sequence[Value]] = []
    numbers = texts = 0
    for column in own:
        if column.kind == "text":
            words = [word or None for word in held.words(texts)]
            made.append([words[code] for code in held.codes[texts].tolist()])
            texts += 1
            continue
        floats = held.number(numbers).tolist()
        numbers += 1
        whole = column.kind == "int"
        made.append([None if math.isnan(v) else int(v) if whole else v for v in floats])
    return zip(*made, strict=True)


# --- as bytes -----------------------------------------------------------------------------------------

# Magic, how it is squeezed, length of the rest, CRC-32 of the rest; then of each array the shape, then the arrays.
# Of what a block is, where it is kept, `linxi_gis.batch.parts` tells before all this.
_HEAD = struct.Struct("<8sIQI")
_MAGIC = b"LINXIBL2"
_ARRAYS = (("numbers", "<f8", 2), ("codes", "<i4", 2), ("column", "<i8", 1), ("offsets", "<i8", 1), ("text", "|u1", 1))
_ZLIB, _LZ4 = 0, 1


def packed(held: Block) -> bytes:
    """Return a block as bytes, with a checksum that tells a part that was cut short or changed."""
    made = [np.ascontiguousarray(getattr(held, name), dtype=kind) for name, kind, _ in _ARRAYS]
    shapes = np.array([size for one in made for size in one.shape], dtype="<i8")
    how, body = _squeezed(b"".join([shapes.tobytes(), *(one.tobytes() for one in made)]))
    return _HEAD.pack(_MAGIC, how, len(body), zlib.crc32(body)) + body


def _squeezed(data: bytes) -> tuple[int, bytes]:
    """Return data in less room: numbers are mostly 0 or nothing. More effort would cost more than the measuring."""
    if importlib.util.find_spec("pyarrow") is None:
        return _ZLIB, zlib.compress(data, 1)
    import pyarrow

    return _LZ4, struct.pack("<Q", len(data)) + pyarrow.compress(data, codec="lz4", asbytes=True)


def _loosened(how: int, body: bytes) -> bytes:
    if how == _ZLIB:
        return zlib.decompress(body)
    if how != _LZ4 or importlib.util.find_spec("pyarrow") is None:
        raise ValueError("squeezed in a way that is not known here")
    import pyarrow

    (size,) = struct.unpack_from("<Q", body)
    data: bytes = pyarrow.decompress(memoryview(body)[8:], decompressed_size=size, codec="lz4", asbytes=True)
    return data


def unpacked(data: bytes) -> Block:
    """Return the block of `packed` bytes; raises ValueError for others."""
    if len(data) < _HEAD.size:
        raise ValueError("cut short")
    magic, how, length, crc = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if magic != _MAGIC or len(body) != length or zlib.crc32(body) != crc:
        raise ValueError("cut short or changed")
    whole = _loosened(how, body)
    shapes = np.frombuffer(whole, "<i8", sum(dimension for _, _, dimension in _ARRAYS)).tolist()
    at, found = 8 * len(shapes), {}
    for name, kind, dimension in _ARRAYS:
        shape, shapes = shapes[:dimension], shapes[dimension:]
        found[name] = np.frombuffer(whole, kind, math.prod(shape), at).reshape(shape)
        at += found[name].nbytes
    return Block(**found)
