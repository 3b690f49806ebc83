"""A zip to files of our own naming in a folder of ours, within limits; no name from the archive touches the disk."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from linxi_gis.errors import InputError
from linxi_gis.intake import encoding
from linxi_gis.intake.reading import Limits

_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_CHUNK = 1 << 20
# Deflate cannot do better than 1032 to 1, and no map comes near 200; small entries may.
_RATIO, _RATIO_BYTES = 300, 32 * 1024**2
# What zipfile and its decompressors (deflate, bzip2, LZMA) raise on damaged or unknown entries.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, ValueError, IndexError, OverflowError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
_SILENT = (".ds_store", "thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Member:
    """A file out of an archive or a folder: its name there, and where its content lies."""

    name: PurePosixPath
    path: Path


def members(data: bytes, source: str, limits: Limits, folder: Path) -> list[Member]:
    """Write the files of a zip into `folder` as 0000, 0001, ... and return them in order of their names.

    System litter (`__MACOSX`, `.DS_Store`, `Thumbs.db`) is left out. Raises InputError for a broken or encrypted
    zip, names that climb out of it or come twice, links, too many entries, too much content.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _members(archive, source, limits, folder)
    except _BROKEN as error:
        raise InputError("zip 文件损坏，无法解压", where=source, remedy="请重新打包后提交") from error
    except OSError as error:
        # bz2 raises it without a number on damaged data; with one it is our own disk.
        what = "zip 文件损坏，无法解压" if error.errno is None else f"zip 无法解压（{error.strerror}）"
        raise InputError(what, where=source, remedy="请重新打包后提交") from error


def litter(name: PurePosixPath) -> bool:
    """Whether a file is what systems leave behind, of interest to nobody."""
    return "__MACOSX" in name.parts or name.name.lower() in _SILENT or name.name.startswith("._")


def _members(archive: zipfile.ZipFile, source: str, limits: Limits, folder: Path) -> list[Member]:
    entries = archive.infolist()
    if len(entries) > limits.zip_entries:
        raise InputError(
            f"zip 里有 {len(entries)} 个文件，超过上限 {limits.zip_entries} 个（--limit zip_entries=）",
            where=source,
            remedy="请只打包项目范围的文件",
        )
    found: list[Member] = []
    seen: set[str] = set()
    left = limits.unpacked_bytes
    for number, entry in enumerate(entries):
        name = _name(entry, source)
        if entry.is_dir() or litter(name):
            continue
        _check(entry, name, seen, source)
        target = folder / f"{number:06d}"
        left -= _extract(archive, entry, target, left, source, limits)
        found.append(Member(name, target))
    return sorted(found, key=lambda member: str(member.name))


def _check(entry: zipfile.ZipInfo, name: PurePosixPath, seen: set[str], source: str) -> None:
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise InputError("zip 有密码", where=source, remedy="请去掉密码后重新打包")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(f"zip 里的 {name} 是链接，不是文件", where=source, remedy="请打包文件本身")
    key = str(name).casefold()
    if key in seen:
        raise InputError(f"zip 里有两个文件都叫 {name}", where=source, remedy="请改名后重新打包")
    seen.add(key)


def _name(entry: zipfile.ZipInfo, source: str) -> PurePosixPath:
    """Return the entry's name, its bytes read as GBK where Windows wrote it so."""
    text = entry.filename
    if not entry.flag_bits & _UTF8_FLAG and not text.isascii():
        text = _regained(text)
    name = PurePosixPath(text.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in text or not name.parts:
        raise InputError(f"zip 里有越界的路径 {text!r}", where=source, remedy="请重新打包，只含相对路径")
    return PurePosixPath("".join(c for c in str(name) if c.isprintable())) if not text.isprintable() else name


def _regained(text: str) -> str:
    """Take back the code page zipfile assumed; a name from a Unicode extra field is right already."""
    try:
        raw = text.encode("cp437")
    except UnicodeEncodeError:
        return text
    codec = encoding.choose([raw])
    return raw.decode(codec, "replace") if codec else text


def _extract(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int, source: str, limits: Limits
) -> int:
    """Write an entry piece by piece and return its size: the size it declares is not trusted."""
    size = 0
    bound = max(_RATIO * entry.compress_size, _RATIO_BYTES)
    with archive.open(entry) as stream, target.open("wb") as out:
        while piece := stream.read(_CHUNK):
            size += len(piece)
            if size > left:
                limit = limits.unpacked_bytes / 1024**3
                text = f"zip 解压后超过上限 {limit:g} GB（--limit unpacked_bytes=）"
                raise InputError(text, where=source, remedy="请只打包项目范围")
            if size > bound:
                text = f"zip 里有文件的压缩比超过上限 {_RATIO} 倍"
                raise InputError(text, where=source, remedy="请重新打包；若确是地图文件，请不压缩直接提交")
            out.write(piece)
    return size
