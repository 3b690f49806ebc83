"""The one way into a zip, whatever it is called: counts and sizes bounded, names mended, nothing trusted.

No name from an archive touches the disk: what is written lies under names of ours.
"""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from linxi_gis.errors import InputError
from linxi_gis.intake import encoding
from linxi_gis.intake.reading import Limits

ARCHIVES = (".zip", ".rar", ".7z")
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
class Kind:
    """How an archive is spoken of: what it is, what is wrong when it cannot be unpacked, what to do then.

    `wanted` are the suffixes of the entries to be read ("" for all); the others are counted, not looked
    at. `rooted` allows names that begin with a slash, as the part names of Office files do (ECMA-376-2).
    """

    word: str
    broken: str
    remedy: str
    wanted: tuple[str, ...] = ("",)
    rooted: bool = False


ZIP = Kind("zip ", "zip 文件损坏，无法解压", "请重新打包后提交")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in an archive: its name as text, safe to join to a folder and to show, and where it lies."""

    name: PurePosixPath
    info: zipfile.ZipInfo


@dataclass(frozen=True, slots=True)
class Member:
    """A file out of an archive or a folder: its name there, and where its content lies."""

    name: PurePosixPath
    path: Path


@dataclass(slots=True)
class Archive:
    """An open zip. `left` is how many bytes may still be unpacked from it."""

    held: zipfile.ZipFile
    source: str
    limits: Limits
    kind: Kind
    left: int

    def entries(self) -> list[Entry]:
        """Return the wanted files, folders aside, in the archive's order.

        Raises InputError for too many entries, names that climb out or come twice, links and passwords.
        """
        infos = self.held.infolist()
        if len(infos) > self.limits.zip_entries:
            what = f"里有 {len(infos)} 个文件，超过上限 {self.limits.zip_entries} 个（--limit zip_entries=）"
            raise self._refused(what, "请只打包项目范围的文件")
        found: list[Entry] = []
        seen: set[str] = set()
        for info in infos:
            text = _mended(info)
            if not text.lower().endswith(self.kind.wanted):
                continue
            name = self._safe(text)
            if info.is_dir():
                continue
            self._check(info, name, seen)
            found.append(Entry(name, info))
        return found

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """Yield an entry's content piece by piece; the size it declares is not trusted.

        Raises InputError for more than may be unpacked, and for what no file of ours is packed like.
        """
        size = 0
        bound = max(_RATIO * entry.info.compress_size, _RATIO_BYTES)
        with self.held.open(entry.info) as stream:
            while piece := stream.read(_CHUNK):
                size += len(piece)
                self.left -= len(piece)
                if self.left < 0:
                    limit = self.limits.unpacked_bytes / 1024**3
                    what = f"解压后超过上限 {limit:g} GB（--limit unpacked_bytes=）"
                    raise self._refused(what, "请只打包项目范围")
                if size > bound:
                    remedy = "请重新打包；若确是地图文件，请不压缩直接提交"
                    raise self._refused(f"里有文件的压缩比超过上限 {_RATIO} 倍", remedy)
                yield piece

    def content(self, entry: Entry) -> bytes:
        """Return an entry's content; raises InputError as `pieces`."""
        return b"".join(self.pieces(entry))

    def _safe(self, text: str) -> PurePosixPath:
        shown = "".join(c for c in text if c.isprintable())  # first: what is taken out may part two dots
        name = PurePosixPath(shown.lstrip("/") if self.kind.rooted else shown)
        if name.is_absolute() or ".." in name.parts or ":" in shown or not name.parts:
            raise self._refused(f"里有越界的路径 {text!r:.200}", "请重新打包，只含相对路径")
        return name

    def _check(self, info: zipfile.ZipInfo, name: PurePosixPath, seen: set[str]) -> None:
        if info.flag_bits & _ENCRYPTED_FLAG:
            raise self._refused("有密码", "请去掉密码后重新提交")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise self._refused(f"里的 {name} 是链接，不是文件", "请打包文件本身")
        key = str(name).casefold()
        if key in seen and not litter(name):
            raise self._refused(f"里有两个文件都叫 {name}", "请改名后重新打包")
        seen.add(key)

    def _refused(self, what: str, remedy: str) -> InputError:
        return InputError(f"{self.kind.word}{what}", where=self.source, remedy=remedy)


@contextmanager
def opened(data: bytes, source: str, limits: Limits, kind: Kind = ZIP) -> Iterator[Archive]:
    """Open a zip; what goes wrong inside while it is read is an InputError. Nothing but reading belongs inside."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as held:
            yield Archive(held, source, limits, kind, limits.unpacked_bytes)
    except _BROKEN as error:
        raise InputError(kind.broken, where=source, remedy=kind.remedy) from error
    except OSError as error:
        # bz2 raises it without a number on damaged data; with one it is our own disk.
        what = kind.broken if error.errno is None else f"{kind.word}无法解压（{error.strerror}）"
        raise InputError(what, where=source, remedy=kind.remedy) from error


def members(data: bytes, source: str, limits: Limits, folder: Path) -> list[Member]:
    """Write the files of a zip into `folder` as 000000, 000001, ... and return them in order of their names.

    System litter (`__MACOSX`, `.DS_Store`, `Thumbs.db`) is left out. Raises InputError for a broken zip and as
    `Archive.entries` and `Archive.pieces`.
    """
    found: list[Member] = []
    with opened(data, source, limits) as archive:
        for number, entry in enumerate(without_litter(archive.entries())):
            target = folder / f"{number:06d}"
            with target.open("wb") as out:
                for piece in archive.pieces(entry):
                    out.write(piece)
            found.append(Member(entry.name, target))
    return sorted(found, key=lambda member: str(member.name))


def litter(name: PurePosixPath) -> bool:
    """Whether a file is what systems leave behind, of interest to nobody."""
    return "__MACOSX" in name.parts or name.name.lower() in _SILENT or name.name.startswith("._")


def without_litter(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that people put there."""
    return [entry for entry in entries if not litter(entry.name)]


def _mended(info: zipfile.ZipInfo) -> str:
    """The entry's name with plain slashes, its bytes read as GBK where Windows wrote it so."""
    text = info.filename
    if not info.flag_bits & _UTF8_FLAG and not text.isascii():
        text = _regained(text)
    return text.replace("\\", "/")


def _regained(text: str) -> str:
    """Take back the code page zipfile assumed; a name from a Unicode extra field is right already."""
    try:
        raw = text.encode("cp437")
    except UnicodeEncodeError:
        return text
    codec = encoding.choose([raw])
    return raw.decode(codec, "replace") if codec else text
