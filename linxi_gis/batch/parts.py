"""What is finished of a batch, kept beside its output until the output is whole: OUT.parts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from linxi_gis.batch import table
from linxi_gis.errors import InputError, UsageError

_MANIFEST = "manifest.json"
_PART = re.compile(r"block-(\d+)\.part")
Key = Mapping[str, object]
# Before each block its number and the SHA-256 of the manifest: one of another name or folder is no part of this.
_HEAD = struct.Struct("<Q32s")


@dataclass(frozen=True, slots=True)
class Parts:
    """A folder of finished blocks, and the manifest that says of what: the `key`, anything JSON can hold."""

    folder: Path
    key: Key

    def open(self, *, resume: bool) -> frozenset[int]:
        """Return the numbers of the blocks that are finished; begins a folder where there is none.

        Raises UsageError when unfinished work is there and nobody said to go on with it, and when it was of
        other files, layers or options.
        """
        manifest = self.folder / _MANIFEST
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not manifest.exists():
                _written(manifest, json.dumps(self.key, ensure_ascii=False, indent=1).encode())
                return frozenset()
            held = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.folder} 不能用（{error}）", remedy="请换一个 --out，或删除该文件夹") from error
        if not resume:
            raise UsageError(
                f"{self.folder} 里有上次没做完的筛查", remedy="接着做请加 --resume；重做请先删除该文件夹"
            )
        changed = _differences(held, json.loads(json.dumps(self.key)))
        if changed:
            raise UsageError(
                f"不能接着做：{'、'.join(changed)}与上次不同", where=str(self.folder),
                remedy="恢复原来的文件、图层和选项后再试；要重做，请先删除该文件夹",
            )  # fmt: skip
        return frozenset(int(match[1]) for path in self.folder.iterdir() if (match := _PART.fullmatch(path.name)))

    def save(self, number: int, data: bytes) -> None:
        """Keep a finished block; it is there whole or not at all. Raises UsageError."""
        try:
            _written(self._path(number), self._head(number) + data)
        except OSError as error:
            raise UsageError(
                f"{self.folder} 写不进去（{error.strerror}）", remedy="请腾出磁盘空间后加 --resume 接着做"
            ) from error

    def load(self, number: int) -> table.Block:
        """Return a finished block; raises InputError for one that was changed, or is another, and removes it."""
        path = self._path(number)
        try:
            data = path.read_bytes()
            if data[: _HEAD.size] != self._head(number):
                raise ValueError("another block")
            return table.unpacked(data[_HEAD.size :])
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError):
                path.unlink()
            raise InputError(
                f"第 {number + 1} 块的结果已损坏，已删除", where=str(path), remedy="请加 --resume 补做这一块"
            ) from error

    def remove(self) -> None:
        """Remove what this module wrote, and the folder when nothing else is in it."""
        with contextlib.suppress(OSError):
            for path in list(self.folder.iterdir()):
                if path.name == _MANIFEST or _PART.fullmatch(path.name) or path.suffix == ".tmp":
                    path.unlink()
            self.folder.rmdir()

    def _head(self, number: int) -> bytes:
        text = json.dumps(self.key, ensure_ascii=True, sort_keys=True)
        return _HEAD.pack(number, hashlib.sha256(text.encode()).digest())

    def _path(self, number: int) -> Path:
        return self.folder / f"block-{number:06d}.part"


def _written(path: Path, data: bytes) -> None:
    made = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    made.write_bytes(data)
    os.replace(made, path)


_WORDS = {
    "format": "程序", "engine": "程序版本", "sources": "输入文件", "layers": "图层", "day": "日期",
    "options": "选项", "block": "块的大小", "columns": "列",
}  # fmt: skip


def _differences(held: object, key: Key) -> list[str]:
    if not isinstance(held, dict):
        return ["记录"]
    changed = []
    for name in dict.fromkeys((*key, *held)):
        if held.get(name) == key.get(name):
            continue
        word = _WORDS.get(name, str(name))
        if name in ("sources", "layers"):
            old, new = _pairs(held.get(name)), _pairs(key.get(name))
            which = [one for one in dict.fromkeys((*old, *new)) if old.get(one) != new.get(one)]
            word = f"{word}（{'、'.join(which[:5])}）" if which else word
        changed.append(word)
    return changed


def _pairs(held: object) -> dict[str, object]:
    rows = held if isinstance(held, list) else []
    return {str(row[0]): row[1:] for row in rows if isinstance(row, list) and row}
