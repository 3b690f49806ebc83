"""Named arrays and a few words in one file: written whole or not at all, memory-mapped, checked when read.

Layout: 16 bytes (magic, length and CRC-32 of the header, little-endian), the header as JSON, then every
array from a multiple of 64 bytes on. Opening reads the header and compares the file's size; an array is
compared with its CRC-32 when it is first used; blobs of many records are left to whoever reads a record.
What is mapped shows what is written into the file later, and ends the process where the file was cut short: who
keeps a shelf open asks `Shelf.stands` before using it again.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linxi_gis.errors import CacheError

Arrays = Mapping[str, NDArray[Any]]
Stamp = tuple[int, int, int, int]  # bytes, changed, entry changed (ns), number of the file
SUFFIX = ".lxp"
_MAGIC = b"LINXIPL1"
_HEAD = struct.Struct("<8sII")
_ALIGN = 64
_BLOB = "blob"  # arrays whose name ends so are checked record by record


class Shelf(Mapping[str, NDArray[Any]]):
    """An open file of arrays, read-only; safe to share between threads."""

    def __init__(
        self, path: Path, meta: Mapping[str, Any], listed: Mapping[str, Any], data: memoryview, start: int, stamp: Stamp
    ) -> None:
        self.path, self.meta = path, meta
        self._file, self._stamp = os.fspath(path), stamp
        self._listed, self._data, self._start = listed, data, start
        self._open: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return an array; raises CacheError when it is not what was written."""
        found = self._open.get(name)
        if found is None:
            found = self._mapped(name)
            if not name.endswith(_BLOB) and zlib.crc32(_bytes(found)) != self._listed[name]["crc"]:
                raise damaged(self.path)
            self._open[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def stands(self) -> bool:
        """Whether its file is that which was opened, by size, times and number; microseconds, nothing is read.

        Where not, nothing of it must be touched: open it anew, which checks it.
        """
        try:
            return _stamp(os.stat(self._file)) == self._stamp
        except OSError:
            return False

    def is_whole(self) -> bool:
        """Whether every byte is as it was written; reads the whole file, which must stand."""
        return all(zlib.crc32(_bytes(self._mapped(name))) == self._listed[name]["crc"] for name in self)

    def _mapped(self, name: str) -> NDArray[Any]:
        one = self._listed[name]
        count = math.prod(one["shape"])
        flat = np.frombuffer(self._data, np.dtype(one["dtype"]), count, self._start + one["at"])
        return flat.reshape(one["shape"])


def damaged(path: Path | None = None) -> CacheError:
    """Return the error of a file that is not what was written."""
    return CacheError(
        "预处理缓存损坏", where="" if path is None else path.name, remedy="请运行 linxi layers clean --all 后重试"
    )


def open_shelf(path: Path, engine: str) -> Shelf | None:
    """Return the shelf at a path, None where there is none to be had by this engine; raises CacheError when damaged."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD.size)
            if len(head) < _HEAD.size:
                raise damaged(path)
            magic, length, crc = _HEAD.unpack(head)
            if magic != _MAGIC:
                return None
            text = stream.read(length)
            if len(text) != length or zlib.crc32(text) != crc:
                raise damaged(path)
            header = json.loads(text)
            if header["engine"] != engine:
                return None
            stat = os.fstat(stream.fileno())
            if stat.st_size != header["size"]:
                raise damaged(path)
            data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError:
        return None  # not there, or not to be had: whoever writes one is told why
    return Shelf(path, header["meta"], header["arrays"], data, _aligned(_HEAD.size + length), _stamp(stat))


def _stamp(stat: os.stat_result) -> Stamp:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def write(path: Path, engine: str, meta: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a shelf whole: into a file beside, then moved into its place. Raises OSError.

    Two processes that write the same path write the same; the later one wins. Where Windows does not
    let a file be replaced that somebody reads, that somebody has a whole one already.
    """
    listed: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        crc = zlib.crc32(_bytes(array))
        listed[name] = {"dtype": array.dtype.str, "shape": array.shape, "at": end, "crc": crc}
        end = _aligned(end + array.nbytes)
    text, start = _header(engine, meta, listed, end)
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = _draft(path)
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(_HEAD.pack(_MAGIC, len(text), zlib.crc32(text)) + text)
            for key, array in arrays.items():
                stream.write(b"\0" * (start + listed[key]["at"] - stream.tell()))
                stream.write(_bytes(array))
            stream.write(b"\0" * (start + end - stream.tell()))
            stream.flush()
            os.fsync(stream.fileno())
        replace(Path(name), path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _draft(path: Path) -> tuple[int, str]:
    """Return an open file beside a path, and its name."""
    import tempfile  # 3 ms to load, and what only reads does without

    return tempfile.mkstemp(prefix="writing-", suffix=".tmp", dir=path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a small text whole: into a file beside, then moved into its place. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = _draft(path)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        replace(Path(name), path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def replace(made: Path, path: Path) -> None:
    """Move a finished file into its place; raises OSError when it neither can nor stands there already."""
    try:
        os.replace(made, path)
    except PermissionError:  # Windows: it is open somewhere
        if not path.exists() or path.stat().st_size != made.stat().st_size:
            raise


def _header(engine: str, meta: Mapping[str, Any], listed: Mapping[str, Any], end: int) -> tuple[bytes, int]:
    """Return the header, which names the size of the file it makes longer, and where the arrays begin."""
    size = 0
    while True:
        header = {"engine": engine, "size": size, "meta": meta, "arrays": listed}
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        start = _aligned(_HEAD.size + len(text))
        if start + end == size:
            return text, start
        size = start + end


def _aligned(at: int) -> int:
    return -(-at // _ALIGN) * _ALIGN


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


class Texts(Sequence[str]):
    """A column of texts saved under a name, decoded one at a time; equal to any sequence of the same texts.

    >>> column = Texts.of(("甲", "", "b"))
    >>> column[0], column[-1], len(column), column == ("甲", "", "b")
    ('甲', 'b', 3, True)
    """

    def __init__(self, arrays: Arrays, name: str):
        self._arrays, self._text, self._ends = arrays, f"{name}.text", f"{name}.at"

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Return the column of texts."""
        coded = [text.encode("utf-8", "surrogatepass") for text in texts]
        at = np.zeros(len(coded) + 1, dtype=np.int64)
        np.cumsum([len(one) for one in coded], out=at[1:])
        return cls({".text": np.frombuffer(b"".join(coded), dtype=np.uint8), ".at": at}, "")

    def save(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the column as arrays to be written."""
        return {f"{name}.text": self._arrays[self._text], f"{name}.at": self._arrays[self._ends]}

    def __len__(self) -> int:
        return len(self._arrays[self._ends]) - 1

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return tuple(self[i] for i in range(*row.indices(len(self))))
        row = range(len(self))[row]
        start, end = self._arrays[self._ends][row : row + 2].tolist()
        return self._arrays[self._text][start:end].tobytes().decode("utf-8", "surrogatepass")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as a list: compared by what it holds

    def __repr__(self) -> str:
        return repr(tuple(self))
