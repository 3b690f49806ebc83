"""Blocks of rows to a file, one block in memory at a time: parquet, xlsx, ndjson, csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from linxi_gis.batch import table
from linxi_gis.errors import UsageError
from linxi_gis.themes import STATUS_TITLES

Write = Callable[[table.Block], None]
Open = Callable[[Path, Sequence[table.Column], dict[str, object]], AbstractContextManager[Write]]
# Rows of one sheet, the heading and the note above it left out (Excel's own limit is 1,048,576).
SHEET_ROWS = 1_048_576 - 2
# Rows of one row group of parquet: some 60 MB before it is written.
GROUP_ROWS = 32_768
PARQUET_ADVICE = "请安装 pyarrow：pip install pyarrow；或写成 .csv、.ndjson、.xlsx"
_WORDS = {"in": "县内", "partly": "跨县界", "out": "县外", "polygon": "面", "line": "线", "point": "点", "corridor": "走廊"}


def sink_of(path: Path) -> Open:
    """Return who writes such a file, by its suffix. Raises UsageError for others, and without pyarrow."""
    suffix = path.suffix.lower()
    found = {".parquet": parquet, ".xlsx": xlsx, ".ndjson": ndjson, ".csv": as_csv}.get(suffix)
    if found is None:
        raise UsageError(f"--out 的后缀 {suffix!r} 不认识", remedy="可用：.parquet、.xlsx、.ndjson、.csv")
    if suffix == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise UsageError("写 parquet 需要 pyarrow", remedy=PARQUET_ADVICE) from error
    return found


@contextmanager
def parquet(path: Path, own: Sequence[table.Column], about: dict[str, object]) -> Iterator[Write]:
    """Write row groups of some ten thousand rows; `about` goes into the file's metadata under "linxi"."""
    import pyarrow
    import pyarrow.parquet as files

    kinds = {"text": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64()}
    fields = [pyarrow.field(column.name, kinds[column.kind]) for column in own]
    schema = pyarrow.schema(fields, {"linxi": json.dumps(about, ensure_ascii=False)})
    waiting: list[Any] = []

    with files.ParquetWriter(path, schema, compression="zstd") as writer:

        def flush() -> None:
            if waiting:
                writer.write_table(pyarrow.Table.from_batches(waiting, schema), GROUP_ROWS)
                waiting.clear()

        def write(held: table.Block) -> None:
            waiting.append(_batch(held, own, schema))
            if sum(batch.num_rows for batch in waiting) >= GROUP_ROWS:
                flush()

        yield write
        flush()


def _batch(held: table.Block, own: Sequence[table.Column], schema: Any) -> Any:
    import pyarrow

    arrays: list[Any] = []
    numbers = texts = 0
    for column in own:
        if column.kind == "text":
            arrays.append(_strings(held, texts))
            texts += 1
        else:
            values = held.number(numbers)
            lost = np.isnan(values)
            whole = np.where(lost, 0.0, values).astype(np.int64) if column.kind == "int" else values
            arrays.append(pyarrow.array(whole, mask=lost))
            numbers += 1
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def _strings(held: table.Block, place: int) -> Any:
    """A text column without making a Python text of each; an empty one is null."""
    import pyarrow

    edges = held.edges(place)
    offsets = (edges - edges[0]).astype(np.int32)
    data = np.ascontiguousarray(held.text[edges[0] : edges[-1]])
    full = np.packbits(np.diff(edges) > 0, bitorder="little")
    buffers = [pyarrow.py_buffer(full), pyarrow.py_buffer(offsets), pyarrow.py_buffer(data)]
    words = pyarrow.Array.from_buffers(pyarrow.string(), len(edges) - 1, buffers)
    return words.take(pyarrow.array(held.codes[place]))


@contextmanager
def as_csv(path: Path, own: Sequence[table.Column], about: dict[str, object]) -> Iterator[Write]:
    """Write UTF-8 with a mark at the beginning, which Excel needs to show Chinese."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([column.name for column in own])
        yield lambda held: writer.writerows(table.rows(own, held))


@contextmanager
def ndjson(path: Path, own: Sequence[table.Column], about: dict[str, object]) -> Iterator[Write]:
    """Write one object a line, the layers as objects under "layers"; what is nothing is left out."""
    site = [(place, column.key) for place, column in enumerate(own) if not column.layer]
    layers: dict[str, list[tuple[int, str]]] = {}
    for place, column in enumerate(own):
        if column.layer:
            layers.setdefault(column.layer, []).append((place, column.key))

    with path.open("w", encoding="utf-8", newline="\n") as stream:

        def write(held: table.Block) -> None:
            for row in table.rows(own, held):
                body: dict[str, object] = _given(site, row)
                body["layers"] = {name: _given(places, row) for name, places in layers.items()}
                stream.write(json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n")

        yield write


def _given(places: Sequence[tuple[int, str]], row: Sequence[table.Value]) -> dict[str, object]:
    return {key: row[place] for place, key in places if row[place] is not None}


@contextmanager
def xlsx(path: Path, own: Sequence[table.Column], about: dict[str, object]) -> Iterator[Write]:
    """Write rows as they come (constant memory); what one sheet cannot hold goes on in the next."""
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "tmpdir": str(path.parent), "use_zip64": True,
    }  # fmt: skip
    with path.open("wb") as stream:
        try:
            with xlsxwriter.Workbook(stream, options) as book:
                writer = _Sheets(book, own, str(about.get("note", "")))
                yield writer.write
        except FileCreateError as error:
            raise OSError(str(error)) from error


class _Sheets:
    """Sheets of one table, filled one after another."""

    def __init__(self, book: Any, own: Sequence[table.Column], note: str) -> None:
        self._book, self._own, self._note = book, own, note
        self._sheet: Any = None
        self._row = SHEET_ROWS  # a first sheet is due
        self._count = 0
        self._words = [_words(column) for column in own]

    def write(self, held: table.Block) -> None:
        for row in table.rows(self._own, held):
            if self._row >= SHEET_ROWS:
                self._begin()
            for place, value in enumerate(row):
                if value is None:
                    continue
                words = self._words[place]
                self._sheet.write(self._row + 2, place, _fitting(words.get(str(value), value) if words else value))
            self._row += 1

    def _begin(self) -> None:
        self._count += 1
        self._row = 0
        self._sheet = self._book.add_worksheet(f"筛查{self._count}")
        self._sheet.freeze_panes(2, 4)
        self._sheet.write(0, 0, self._note)
        bold = self._book.add_format({"bold": True, "text_wrap": True, "bg_color": "#DDE6EE"})
        for place, column in enumerate(self._own):
            self._sheet.write(1, place, column.title, bold)


_CELL = 32_767  # characters, Excel's limit: xlsxwriter would leave the cell empty without a word


def _fitting(value: object) -> object:
    """A value as a cell can hold it; what does not fit is said in the cell."""
    if isinstance(value, str) and len(value) > _CELL:
        return f"{value[: _CELL - 60]}…（单元格写不下，全文请用 .csv 或 .parquet）"
    return value


def _words(column: table.Column) -> dict[str, str]:
    """The Chinese words of a column of codes, none for others."""
    if column.layer:
        return dict(STATUS_TITLES) if column.key == "status" else {}
    return _WORDS if column.key in ("county", "kind") else {}
