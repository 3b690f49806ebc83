"""A layer's columns to features: texts decoded by column, names and ids picked, broken shapes told."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.gdalread import Layer, heights
from linxi_gis.intake.geojson import ID_KEYS, NAME_KEYS, relabelled
from linxi_gis.intake.reading import Drawn, Rows

# C1 controls stay: they are bytes of a mangled text, which can be repaired only while it is whole.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SEPARATOR = "\x1f"
_OTHER_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1e\x7f]")
Shared = tuple[tuple[str, str], ...]


def features(
    layer: Layer, where: str, stated: str, how: str, shared: Shared = ()
) -> tuple[Sequence[Drawn], tuple[Issue, ...]]:
    """Return a layer's features and the Issues of the layer as a whole.

    `stated` is the encoding of its texts as `how` (Chinese) has it; `shared` are attributes that every feature gets.
    """
    codec, told = encoding.chosen(_samples(layer), stated, f"{where} 的属性表", how)
    heads = [_decoded(name, codec) for name in layer.fields]
    texts = [_texts(column, codec) for column in layer.columns]
    missing = np.flatnonzero(shapely.is_missing(layer.shapes)).tolist()

    def made() -> tuple[Drawn, ...]:
        return _drawn(layer.shapes, heads, texts, shared)

    drawn: Sequence[Drawn]
    if missing:
        drawn = made()
    else:
        columns = {name: [text] * len(layer.shapes) for name, text in shared} | dict(zip(heads, texts, strict=True))
        drawn = Rows(layer.shapes, layer.wkb, columns, made)
    remedy = "请补画图形"
    bad = [unreadable(InputError(f"第 {row + 1} 个要素：没有图形或图形损坏", where=where, remedy=remedy)) for row in missing]
    return drawn, (*layer.issues, *told, *heights(_solid(layer.shapes), where), *bad)


def _drawn(
    shapes: NDArray[np.object_], heads: Sequence[str], texts: Sequence[list[str]], shared: Shared
) -> tuple[Drawn, ...]:
    """Return a feature for each row that has a shape."""
    attributes = _rows(heads, texts, len(shapes), shared)
    ids, names = _picked(heads, texts, ID_KEYS, len(attributes)), _picked(heads, texts, NAME_KEYS, len(attributes))
    drawn: list[Drawn] = []
    mangled = encoding.suspect("".join(ids)) or encoding.suspect("".join(names))
    rows = zip(shapes, attributes, ids, names, strict=True)
    for number, (shape, held, identity, name) in enumerate(rows, 1):
        if shape is None:
            continue
        issues: tuple[Issue, ...] = ()
        if mangled:
            identity, name, issues = relabelled(identity, name)
        label = identity or name or f"第 {number} 个要素"
        drawn.append(Drawn(shape, label, identity, name, held, issues=issues))
    return tuple(drawn)


def _solid(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return shapes[~shapely.is_missing(shapes)]


def _rows(heads: Sequence[str], texts: Sequence[list[str]], count: int, shared: Shared) -> list[Shared]:
    """The columns as rows of pairs; pairs are made by column, so that the loop stays in C."""
    if not texts:
        return [shared] * count
    pairs = [[(head, text) for text in column] for head, column in zip(heads, texts, strict=True)]
    rows: list[Shared] = list(zip(*pairs, strict=True))
    return [(*shared, *row) for row in rows] if shared else rows


def _picked(heads: Sequence[str], texts: Sequence[list[str]], keys: Sequence[str], count: int) -> list[str]:
    """For each row the first non-empty text under one of `keys`, in their order, or ""."""
    plain = [(encoding.repaired(head) or head).strip().lower() for head in heads]
    found = [texts[plain.index(key)] for key in keys if key in plain]
    if not found:
        return [""] * count
    return found[0] if len(found) == 1 else [next(filter(None, row), "") for row in zip(*found, strict=True)]


def _samples(layer: Layer) -> list[bytes]:
    """The bytes of every text that is not plain ASCII, fields first."""
    found = [name.encode("latin-1") for name in layer.fields]
    for column in layer.columns:
        if column.dtype == object:
            found += [value.encode("latin-1") for value in column if isinstance(value, str) and not value.isascii()]
    return [sample for sample in found if not sample.isascii()]


def _texts(column: NDArray[np.object_], codec: str) -> list[str]:
    """A column as texts: null and NaN are "", numbers as people write them."""
    kind = column.dtype.kind
    if kind == "f":
        return ["" if value != value else f"{value:.15g}" for value in column.tolist()]
    if kind != "O":
        return [str(value) for value in column.tolist()]
    values = column.tolist()
    try:
        joined = _SEPARATOR.join(values)
    except TypeError:  # not all of them are texts
        values = [_plain(value) for value in values]
        joined = _SEPARATOR.join(values)
    if joined.isascii() or codec == "ascii":
        whole = joined
    else:
        try:
            whole = joined.encode("latin-1").decode(codec)
        except UnicodeDecodeError:  # a text cut in the middle of a character
            return [_decoded(value, codec) for value in values]
    parts = whole.split(_SEPARATOR)
    if len(parts) != len(values) or _OTHER_CONTROL.search(whole):
        return [_decoded(value, codec) for value in values]
    return [part.strip() for part in parts]


def _plain(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return "; ".join(map(str, value)) if isinstance(value, np.ndarray) else str(value)


def _decoded(text: str, codec: str) -> str:
    plain = text if text.isascii() else encoding.trimmed(text.encode("latin-1"), codec)
    return _CONTROL.sub("", plain).strip()
