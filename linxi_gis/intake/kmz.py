"""KMZ: the KML files inside a zip, in memory, within limits; no name from the archive touches the disk."""

from __future__ import annotations

import io
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.kml import draft_kml
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.settle import unreadable
from linxi_gis.intake.xmlsafe import clean

_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_CHUNK = 1 << 20
# What zipfile and its decompressors raise on damaged or unknown entries.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, struct.error, ValueError,
    NotImplementedError, OverflowError,
)  # fmt: skip


def drafts_kmz(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return a draft for every KML in a KMZ, doc.kml first, else in the archive's order.

    Raises InputError for a broken or encrypted archive, one with a KMZ inside, too many entries or
    bytes, or no KML that can be read.
    """
    if not data.startswith(b"PK") and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return [draft_kml(data, source, limits)]  # a KML under the wrong suffix
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = _files(archive, source, limits)
    except _BROKEN as error:
        raise InputError("kmz 文件损坏，无法解压", where=source, remedy="请重新导出后提交") from error
    if len(files) == 1:
        name, content = files[0]
        return [draft_kml(content, source, limits, frozenset({name.casefold()}))]
    return _several(files, source, limits)


def _several(files: Sequence[tuple[str, bytes]], source: str, limits: Limits) -> list[Draft]:
    held = frozenset(posixpath.normpath(name).casefold() for name, _ in files)
    drafts: list[Draft] = []
    errors: list[InputError] = []
    for name, content in files:
        try:
            drafts.append(draft_kml(content, f"{source}/{name}", limits, held))
        except InputError as error:
            errors.append(error)
    drafts = [draft for draft in drafts if draft.drawn or draft.issues]
    if not drafts:
        raise (
            errors[0]
            if errors
            else InputError("文件里没有任何图形", where=source, remedy="请检查导出是否成功")
        )
    text = f"{source} 里有 {len(files)} 个 KML，读取了其中的 {len(drafts)} 个"
    told = (Issue("kmz_parts", "info", text), *(unreadable(error) for error in errors))
    return [replace(drafts[0], issues=(*told, *drafts[0].issues)), *drafts[1:]]


def _files(archive: zipfile.ZipFile, source: str, limits: Limits) -> list[tuple[str, bytes]]:
    entries = archive.infolist()
    if len(entries) > limits.zip_entries:
        raise InputError(
            f"kmz 里有 {len(entries)} 个文件，超过上限 {limits.zip_entries} 个（--limit zip_entries=）",
            where=source,
            remedy="请只打包 KML",
        )
    inner = [name for name in map(_name, entries) if name.lower().endswith(".kmz")]
    if inner:
        raise InputError(
            f"kmz 里还有 kmz（{inner[0]:.80}），不逐层解压", where=source, remedy="请把里面的 kmz 单独提交"
        )
    wanted = [one for one in entries if not one.is_dir() and _name(one).lower().endswith(".kml")]
    wanted = [one for one in wanted if not _name(one).startswith("__MACOSX/")]
    if not wanted:
        raise InputError("kmz 里没有 .kml", where=source, remedy="请重新导出 KMZ")
    wanted.sort(key=lambda one: _name(one).lower() != "doc.kml")
    left = limits.unpacked_bytes
    files: list[tuple[str, bytes]] = []
    for entry in wanted:
        content = _content(archive, entry, left, source, limits)
        left -= len(content)
        files.append((_name(entry), content))
    return files


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name as text for people, its bytes read as GBK where Windows wrote it so."""
    text = entry.filename
    if not entry.flag_bits & _UTF8_FLAG and not text.isascii():
        try:
            raw = text.encode("cp437")
        except UnicodeEncodeError:
            raw = b""
        codec = encoding.choose([raw]) if raw else None
        text = raw.decode(codec, "replace") if codec else text
    return clean(text.replace("\\", "/"))


def _content(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, source: str, limits: Limits
) -> bytes:
    """Read an entry piece by piece: the size it declares is not trusted."""
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise InputError("kmz 有密码", where=source, remedy="请去掉密码后重新打包")
    pieces: list[bytes] = []
    size = 0
    with archive.open(entry) as stream:
        while piece := stream.read(_CHUNK):
            size += len(piece)
            if size > left:
                limit = limits.unpacked_bytes / 1024**3
                raise InputError(
                    f"kmz 解压后超过上限 {limit:g} GB（--limit unpacked_bytes=）",
                    where=source,
                    remedy="请只打包项目范围",
                )
            pieces.append(piece)
    return b"".join(pieces)
