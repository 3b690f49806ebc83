"""Shapefiles to drafts: parts checked against each other first, text decoded by what it is, not by what it says."""

from __future__ import annotations

import mmap
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linxi_gis import crs
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.disk import guarded, place
from linxi_gis.intake.reading import Claim, Draft, Limits

PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_REMEDY = "请把 .shp、.shx、.dbf、.prj 一起打成 zip 提交"
_BROKEN_REMEDY = "请用生成它的软件打开检查，重新导出后提交"
_HEADER = 100
_MULTIPATCH = 31
_KINDS = {0, 1, 3, 5, 8, 11, 13, 15, 18, 21, 23, 25, 28, _MULTIPATCH}
# A .prj or .cpg is a line of text; more is not one.
_TEXT_BYTES = 64 * 1024
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The parts of one shapefile: its name for messages, and the files by suffix (".shp", ...)."""

    name: str
    parts: Mapping[str, Path]


def draft_bundle(bundle: Bundle, limits: Limits) -> Draft:
    """Return the draft of a shapefile, read by GDAL under names of our own.

    A missing or contradicting .shx is made anew from the .shp and told. Without a .prj the figures
    decide, or the reader is asked. Raises InputError for a .shp that is missing, truncated or broken.
    """
    # Slow to import (GDAL), and only such files need it.
    from linxi_gis.intake import gdalread
    from linxi_gis.intake.features import features

    where = bundle.name
    if ".shp" not in bundle.parts:
        raise InputError("缺少 .shp（图形）文件", where=where, remedy=_REMEDY)
    index, told = guarded(lambda: _index(bundle), where)
    if len(index) > limits.features:
        text = f"共有 {len(index)} 个图形，超过上限 {limits.features} 个（--limit features=）"
        raise InputError(text, where=where, remedy="请拆分文件或只提交项目范围")
    table, odd = guarded(lambda: _table(bundle, len(index)), where)
    with tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "layer.shp"
        guarded(lambda: _placed(bundle, target, index, rebuilt=bool(told), table=table), where)
        found = gdalread.layers(target, "ESRI Shapefile", where)
        layer = gdalread.read(target, found[0][0], "", where, limits)
    stated = _line(bundle, ".cpg")
    drawn, issues = features(layer, where, stated, f"{where} 的 .cpg ")
    return Draft(where, "Shapefile", drawn, _claim(bundle), 0, issues=(*told, *odd, *issues))


def examined(bundle: Bundle) -> tuple[int, Claim, str, tuple[Issue, ...]]:
    """Return the records, the claim and the stated encoding of a shapefile, and what is odd about its parts.

    For reading it in place, without a copy. Raises InputError as `draft_bundle`.
    """
    index, told = guarded(lambda: _index(bundle), bundle.name)
    _, odd = guarded(lambda: _table(bundle, len(index)), bundle.name)
    return len(index), _claim(bundle), _line(bundle, ".cpg"), (*told, *odd)


def _placed(bundle: Bundle, target: Path, index: Index, *, rebuilt: bool, table: bool) -> None:
    place(bundle.parts[".shp"], target)
    if rebuilt:
        target.with_suffix(".shx").write_bytes(_shx(bundle.parts[".shp"], index))
    else:
        place(bundle.parts[".shx"], target.with_suffix(".shx"))
    if table:
        place(bundle.parts[".dbf"], target.with_suffix(".dbf"))


def _index(bundle: Bundle) -> tuple[Index, tuple[Issue, ...]]:
    """Offsets and lengths in bytes of the records' contents, shape (n, 2); an Issue when the .shx is not to be used.

    Raises InputError unless the .shp is whole: every record where the index, or the walk from record to
    record, says it is, and the file as long as its header says.
    """
    where = bundle.name
    size = bundle.parts[".shp"].stat().st_size
    if size < _HEADER:
        raise InputError("图形文件（.shp）不完整，连文件头都不够", where=where, remedy=_BROKEN_REMEDY)
    with (
        bundle.parts[".shp"].open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        end = _checked_header(data, size, where)
        stated = _stated(bundle)
        agrees = stated is not None and _agrees(data, stated, end)
        if agrees and stated is not None and _whole(stated, end):
            return stated, ()
        walked = _walk(data, end)
    if walked is not None:
        why = "没有 .shx" if stated is None else ".shx 与 .shp 不一致"
        text = f"{where} {why}，已由 .shp 重建索引，共 {len(walked)} 条记录"
        return walked, (Issue("shx_rebuilt", "info" if stated is None else "warning", text, _BROKEN_REMEDY),)
    if agrees and stated is not None:
        return stated, ()  # gaps that an editor left between the records
    raise InputError("图形文件（.shp）的记录不连贯，已损坏", where=where, remedy=_BROKEN_REMEDY)


def _checked_header(data: mmap.mmap, size: int, where: str) -> int:
    """The length in bytes that the header of the .shp states."""
    magic, words = struct.unpack_from(">i20xi", data, 0)
    kind = struct.unpack_from("<i", data, 32)[0]
    if magic != 9994 or kind not in _KINDS:
        raise InputError("不是有效的 .shp 文件", where=where, remedy=_BROKEN_REMEDY)
    if kind == _MULTIPATCH:
        raise InputError(
            "是三维面片（MultiPatch），不是平面范围", where=where, remedy="请另存为面（Polygon）后提交"
        )
    if size < 2 * words or words * 2 < _HEADER:
        text = f"图形文件（.shp）不完整：文件头写明 {2 * words} 字节，实有 {size} 字节"
        raise InputError(text, where=where, remedy="请重新拷贝或导出后提交")
    return int(2 * words)


def _stated(bundle: Bundle) -> Index | None:
    """The records as the .shx has them, or None without a usable one."""
    path = bundle.parts.get(".shx")
    if path is None or path.stat().st_size < _HEADER:
        return None
    held = np.fromfile(path, dtype=">i4", offset=_HEADER)
    return held[: len(held) // 2 * 2].reshape(-1, 2).astype(np.int64) * 2


def _agrees(data: mmap.mmap, index: Index, end: int) -> bool:
    """Whether every record of the index lies in the file, after the one before, and is as long as its own header says."""
    offsets, lengths = index[:, 0], index[:, 1]
    if not len(index):
        return True
    if offsets.min() < _HEADER or lengths.min() < 4 or (offsets + 8 + lengths).max() > end:
        return False
    if (offsets[1:] < offsets[:-1] + 8 + lengths[:-1]).any():
        return False
    held = np.frombuffer(data, dtype=np.uint8)
    places = offsets[:, None] + np.arange(4, 8)
    written = held[places].astype(np.int64) @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    del held  # the map cannot be closed while an array looks at it
    return bool((written * 2 == lengths).all())


def _whole(index: Index, end: int) -> bool:
    """Whether the records of the index follow each other from the header to the end without a gap."""
    covered = int((index[:, 1] + 8).sum()) + _HEADER if len(index) else _HEADER
    return covered == end


def _walk(data: mmap.mmap, end: int) -> Index | None:
    """The records from the .shp alone, or None when they do not end where the file ends."""
    found: list[tuple[int, int]] = []
    at = _HEADER
    header = struct.Struct(">i")
    while at + 12 <= end:
        (words,) = header.unpack_from(data, at + 4)
        if words < 2 or at + 8 + 2 * words > end:
            return None
        found.append((at, 2 * words))
        at += 8 + 2 * words
    return np.array(found, dtype=np.int64).reshape(-1, 2) if at == end else None


def _shx(shp: Path, index: Index) -> bytes:
    """An index file (ESRI Shapefile Technical Description, 1998): the .shp's header, then offset and length in words."""
    with shp.open("rb") as file:
        header = bytearray(file.read(_HEADER))
    header[24:28] = struct.pack(">i", (_HEADER + 8 * len(index)) // 2)
    return bytes(header) + (index // 2).astype(">i4").tobytes()


def _table(bundle: Bundle, records: int) -> tuple[bool, tuple[Issue, ...]]:
    """Whether there is a .dbf to read, and what is odd about it."""
    path, where = bundle.parts.get(".dbf"), bundle.name
    if path is None or path.stat().st_size < 33:
        return False, (Issue("attributes_missing", "warning", f"{where} 没有 .dbf，属性为空", _REMEDY),)
    with path.open("rb") as file:
        count, head, width = struct.unpack("<4xIHH", file.read(12))
    size = path.stat().st_size
    # The last byte (0x1A, end of file) is often left out.
    needed = head + min(count, records) * width
    if size < needed:
        text = f"属性表（.dbf）不完整：至少应有 {needed} 字节，实有 {size} 字节"
        raise InputError(text, where=where, remedy="请重新拷贝或导出后提交")
    if count != records:
        text = f"{where} 的 .dbf 有 {count} 条记录，.shp 有 {records} 个图形，属性与图形可能错位"
        return True, (Issue("dbf_mismatch", "error", text, _BROKEN_REMEDY),)
    return True, ()


def _line(bundle: Bundle, suffix: str) -> str:
    path = bundle.parts.get(suffix)
    if path is None:
        return ""
    with path.open("rb") as file:
        data = file.read(_TEXT_BYTES)
    for codec in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(codec).strip("\0\r\n\t ")
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace").strip("\0\r\n\t ")


def _claim(bundle: Bundle) -> Claim:
    text = _line(bundle, ".prj")
    if not text:
        return Claim()
    try:
        crs.parse(text)
    except CrsError:
        # Not an error here: --crs may still decide.
        return Claim(foreign=f"{text[:60]}（.prj，无法识别）")
    return Claim(system=text, how=".prj 写明")
