"""OLE compound files (.xls): checked before a library walks them, so that no chain of sectors runs in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linxi_gis.errors import InputError

_REMEDY = "请用 Excel 或 WPS 打开后另存为 .xlsx 再提交"
_LAST = 0xFFFFFFFA  # [MS-CFB] 2.1: sector numbers from here on are marks, not sectors
_MINI_CUTOFF = 4096
Chain = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Laid:
    """How a sheet is laid out: how far its cells reach, rows (from 1) and columns (from 0) that are hidden."""

    rows: int = 0
    columns: int = 0
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


def check(data: bytes, source: str) -> list[Laid]:
    """Return how every sheet is laid out, in the workbook's order.

    Raises InputError for a compound file whose counts or chains cannot be right ([MS-CFB] 2.2-2.6): a
    library that trusts them reserves memory for sectors that are not there, or follows a circle.
    """
    if not _sound(data):
        raise InputError("工作簿损坏，无法读取", where=source, remedy=_REMEDY)
    return _check_records(data, source)


def _sound(data: bytes) -> bool:
    shift = int.from_bytes(data[30:32], "little")
    if len(data) < 512 or shift not in (9, 12) or max(_word(data, at) for at in (44, 64, 72)) > len(data) >> 9:
        return False
    table = _table(data, shift)
    chains = [_chain(table, _word(data, at)) for at in (48, 60)]
    if table.size == 0 or chains[0] is None or chains[1] is None:
        return False
    directory = _content(data, chains[0], shift)
    mini = np.frombuffer(_whole(_content(data, chains[1], shift)), dtype="<u4")
    for at in range(0, len(directory) - 127, 128):
        kind, start = directory[at + 66], _word(directory, at + 116)
        size = int.from_bytes(directory[at + 120 : at + (124 if shift == 9 else 128)], "little")
        if kind in (2, 5):
            small = kind == 2 and size < _MINI_CUTOFF
            if size > len(data) or _chain(mini if small else table, start) is None:
                return False
    return True


# [MS-XLS] 2.4: records that begin with a cell's row and column; DIMENSIONS, SST, BOUNDSHEET, EOF.
_CELLS = (0x0006, 0x00BD, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E)
_DIMENSIONS, _STRINGS, _SHEET, _END = 0x0200, 0x00FC, 0x0085, 0x000A
# ROW: its number, 10 bytes, flags (bit 5: of no height); COLINFO: first, last, 4 bytes, flags (bit 0: hidden).
_ROW, _COLUMNS = 0x0208, 0x007D
_MAX_SHEETS = 256
# A library lays a sheet out densely, 24 bytes a cell: our choice is about 0.25 GB.
MAX_CELLS = 10_000_000


def _check_records(data: bytes, source: str) -> list[Laid]:
    """How every sheet is laid out; raises InputError for an extent that no machine should lay out."""
    stream = _workbook(data)
    # A library jumps to where BOUNDSHEET says a sheet begins, whatever stands there.
    starts: list[int] = []
    for kind, body in _records(stream, 0):
        if kind == _SHEET and len(body) >= 4 and len(starts) < _MAX_SHEETS:
            starts.append(_word(body, 0))
        elif kind == _STRINGS and len(body) >= 8 and _word(body, 4) > len(stream):
            raise InputError("工作簿损坏，无法读取", where=source, remedy=_REMEDY)
    laid = {start: _laid(stream, start) for start in dict.fromkeys((0, *starts))}
    for sheet in laid.values():
        check_extent(sheet.rows, sheet.columns, source)
    return [laid[start] for start in starts]


def check_extent(rows: int, columns: int, where: str) -> None:
    """Raise InputError for more cells than a sheet may span, most of them as a rule empty."""
    if rows * columns > MAX_CELLS:
        what = f"表格范围有 {rows} 行 {columns} 列，超过上限 {MAX_CELLS} 格"
        raise InputError(what, where=where, remedy="请删去远处的零星单元格，只保留坐标表")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The kind and body of every record up to the end of the substream."""
    while at + 4 <= len(stream):
        kind, size = int.from_bytes(stream[at : at + 2], "little"), int.from_bytes(stream[at + 2 : at + 4], "little")
        yield kind, stream[at + 4 : at + 4 + size]
        if kind == _END:
            return
        at += 4 + size


def _laid(stream: bytes, start: int) -> Laid:
    """How far a sheet's cells, or its own DIMENSIONS, reach, and what is hidden."""
    rows = columns = 0
    hidden_rows: set[int] = set()
    hidden_columns: set[int] = set()
    for kind, body in _records(stream, start):
        if kind in _CELLS and len(body) >= 4:
            rows = max(rows, int.from_bytes(body[:2], "little") + 1)
            columns = max(columns, int.from_bytes(body[2:4], "little") + 1)
        elif kind == _DIMENSIONS and len(body) in (10, 14):
            half = 4 if len(body) == 14 else 2
            first, last = (int.from_bytes(body[at : at + half], "little") for at in (0, half))
            left, right = (int.from_bytes(body[at : at + 2], "little") for at in (2 * half, 2 * half + 2))
            # A first row after the last wraps round in 32 bits, and so it is counted here.
            rows = max(rows, last, (last - first) % 2**32)
            columns = max(columns, right, (right - left) % 2**16)
        elif kind == _ROW and len(body) >= 14 and body[12] & 0x20:
            hidden_rows.add(int.from_bytes(body[:2], "little") + 1)
        elif kind == _COLUMNS and len(body) >= 10 and body[8] & 1:
            first, last = (int.from_bytes(body[at : at + 2], "little") for at in (0, 2))
            hidden_columns.update(range(first, min(last, 255) + 1))  # an .xls has 256 columns
    return Laid(rows, columns, frozenset(hidden_rows), frozenset(hidden_columns))


def _workbook(data: bytes) -> bytes:
    """The bytes of the stream called Workbook or Book, b"" when there is none."""
    shift = int.from_bytes(data[30:32], "little")
    table = _table(data, shift)
    directory = _content(data, _chain(table, _word(data, 48)) or [], shift)
    mini = np.frombuffer(_whole(_content(data, _chain(table, _word(data, 60)) or [], shift)), dtype="<u4")
    root = _content(data, _chain(table, _word(directory, 116)) or [], shift)
    for at in range(0, len(directory) - 127, 128):
        name = directory[at : at + 64].decode("utf-16-le", "replace").rstrip("\0")
        if name in ("Workbook", "Book"):
            start, size = _word(directory, at + 116), _word(directory, at + 120)
            if size >= _MINI_CUTOFF:
                return _content(data, _chain(table, start) or [], shift)[:size]
            return b"".join(root[64 * n : 64 * n + 64] for n in _chain(mini, start) or [])[:size]
    return b""


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _sector(data: bytes, number: int, shift: int) -> bytes:
    return data[(number + 1) << shift : (number + 2) << shift]


def _content(data: bytes, chain: list[int], shift: int) -> bytes:
    return b"".join(_sector(data, number, shift) for number in chain)


def _table(data: bytes, shift: int) -> Chain:
    """The allocation table: what sector follows each sector."""
    numbers = np.frombuffer(data[76:512], dtype="<u4").tolist()
    more, left = _word(data, 68), len(data) >> shift
    while more < _LAST and left > 0:
        sector = np.frombuffer(_whole(_sector(data, more, shift)), dtype="<u4").tolist()
        if not sector:
            break
        numbers += sector[:-1]
        more, left = sector[-1], left - 1
    held = [_whole(_sector(data, number, shift)) for number in dict.fromkeys(numbers) if number < _LAST]
    return np.frombuffer(b"".join(held), dtype="<u4")


def _whole(sector: bytes) -> bytes:
    return sector[: len(sector) // 4 * 4]


def _chain(table: Chain, start: int) -> list[int] | None:
    """The sectors of a chain in order, None for a circle."""
    found: list[int] = []
    while start < _LAST and start < table.size:
        found.append(start)
        if len(found) > table.size:
            return None
        start = int(table[start])
    return found
