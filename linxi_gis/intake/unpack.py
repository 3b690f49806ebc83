"""Shapefiles out of a zip: in memory, within limits, no name from the archive touches the disk."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from linxi_gis.errors import InputError
from linxi_gis.intake import encoding
from linxi_gis.intake.reading import Limits
from linxi_gis.intake.shapefile import PARTS, Bundle

_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_CHUNK = 1 << 20
# What zipfile and its decompressors (deflate, bzip2, LZMA) raise on damaged or unknown entries.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, struct.error, ValueError,
    NotImplementedError,
)  # fmt: skip


def bundles(data: bytes, source: str, limits: Limits) -> list[Bundle]:
    """Return the shapefiles inside a zip, at any depth, in order of their names.

    Raises InputError for a broken or encrypted zip, names that climb out of it, too many entries,
    too much content, or no shapefile at all.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _bundles(archive, source, limits)
    except _BROKEN as error:
        raise InputError("zip 文件损坏，无法解压", where=source, remedy="请重新打包后提交") from error


def _bundles(archive: zipfile.ZipFile, source: str, limits: Limits) -> list[Bundle]:
    entries = archive.infolist()
    if len(entries) > limits.zip_entries:
        raise InputError(
            f"zip 里有 {len(entries)} 个文件，超过上限 {limits.zip_entries} 个",
            where=source,
            remedy="请只打包 shapefile",
        )
    found: dict[str, dict[str, bytes]] = {}
    shown: dict[str, str] = {}
    left = limits.unpacked_bytes
    for entry in entries:
        name = _name(entry, source)
        if entry.is_dir() or name.parts[0] == "__MACOSX" or name.suffix.lower() not in PARTS:
            continue
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise InputError("zip 有密码", where=source, remedy="请去掉密码后重新打包")
        content = _content(archive, entry, left, source, limits)
        left -= len(content)
        key = str(name.with_suffix("")).casefold()
        found.setdefault(key, {})[name.suffix.lower()] = content
        if name.suffix.lower() == ".shp":
            shown[key] = str(name)
    if not shown:
        listing = "、".join(entry.filename for entry in entries[:5]) or "空"
        raise InputError(f"zip 里没有 .shp（内有：{listing}）", where=source, remedy="请打包完整的 shapefile")
    return [Bundle(f"{source}/{shown[key]}", found[key]) for key in sorted(shown)]


def _name(entry: zipfile.ZipInfo, source: str) -> PurePosixPath:
    """Return the entry's name, its bytes read as GBK where Windows wrote it so."""
    text = entry.filename
    if not entry.flag_bits & _UTF8_FLAG and not text.isascii():
        text = _regained(text)
    name = PurePosixPath(text.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in text or not name.parts:
        raise InputError(f"zip 里有越界的路径 {text!r}", where=source, remedy="请重新打包，只含相对路径")
    return name


def _regained(text: str) -> str:
    """Take back the code page zipfile assumed; a name from a Unicode extra field is right already."""
    try:
        raw = text.encode("cp437")
    except UnicodeEncodeError:
        return text
    codec = encoding.choose([raw])
    return raw.decode(codec, "replace") if codec else text


def _content(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, source: str, limits: Limits
) -> bytes:
    """Read an entry piece by piece: the size it declares is not trusted."""
    pieces: list[bytes] = []
    size = 0
    with archive.open(entry) as stream:
        while piece := stream.read(_CHUNK):
            size += len(piece)
            if size > left:
                limit = limits.unpacked_bytes / 1024**3
                raise InputError(f"zip 解压后超过上限 {limit:g} GB", where=source, remedy="请只打包项目范围")
            pieces.append(piece)
    return b"".join(pieces)
