"""Features as readers hand them over, in chunks: from columns of any kind, or from Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linxi_gis import vectorfile
from linxi_gis.batch.raw import Settled
from linxi_gis.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Features as a reader hands them over: geometries as WKB (None: none), ids and names, one each."""

    wkb: NDArray[Any]
    ids: tuple[str, ...]
    names: tuple[str, ...]
    settled: tuple[Settled, ...] | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The columns ids and names are taken from, the first that is not empty."""

    ids: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def all(self) -> list[str]:
        """Each column once."""
        return list(dict.fromkeys((*self.ids, *self.names)))

    def texts(self, wanted: Sequence[str], columns: dict[str, Sequence[object]], rows: int) -> tuple[str, ...]:
        """Return the first text of each row that is not empty."""
        held = [[_text(value) for value in columns[key]] for key in wanted]
        if not held:
            return ("",) * rows
        return tuple(held[0]) if len(held) == 1 else tuple(next(filter(None, row), "") for row in zip(*held, strict=True))


def _text(value: object) -> str:
    """As `vectorfile.text`; texts and whole numbers, as ids mostly are, take the short way."""
    if type(value) is str:
        return value.strip()
    return str(value) if type(value) is int else vectorfile.text(value)


def chosen(fields: Sequence[str], keys: Sequence[str], named: str | None, where: str) -> tuple[str, ...]:
    """The columns to take ids or names from: the one that is named, or those whose heading says so."""
    if named is not None:
        if named not in fields:
            raise InputError(f"没有字段 {named!r}", where=where, remedy=f"--id 可用：{'、'.join(fields[:12])}")
        return (named,)
    plain = {field.strip().lower(): field for field in reversed(fields)}
    return tuple(plain[key] for key in keys if key in plain)


def of_batches(batches: Any, geometry: str, keys: Keys, size: int) -> Iterator[Chunk]:
    """Yield chunks of exactly `size` rows from Arrow batches of any length."""
    import pyarrow

    waiting: list[Any] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        while count >= size:
            table = pyarrow.Table.from_batches(waiting)
            yield _arrow_chunk(table.slice(0, size), geometry, keys)
            count -= size
            waiting = table.slice(size).to_batches() if count else []
    if count:
        yield _arrow_chunk(pyarrow.Table.from_batches(waiting), geometry, keys)


def _arrow_chunk(table: Any, geometry: str, keys: Keys) -> Chunk:
    shapes = table.column(geometry).combine_chunks()
    shapes = getattr(shapes, "storage", shapes)  # a registered extension type
    wkb = np.empty(table.num_rows, dtype=object)
    wkb[:] = shapes.to_pylist()
    columns: dict[str, Sequence[object]] = {key: table.column(key).to_pylist() for key in keys.all}
    return Chunk(
        wkb, keys.texts(keys.ids, columns, len(wkb)), keys.texts(keys.names, columns, len(wkb))
    )
