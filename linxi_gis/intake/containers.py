"""Formats of several layers read through GDAL: each layer a draft. What a file is, is checked before GDAL sees it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from linxi_gis import crs
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import gdalread, geopackage
from linxi_gis.intake.disk import guarded, place
from linxi_gis.intake.features import features
from linxi_gis.intake.gdalread import Driver
from linxi_gis.intake.reading import Claim, Draft, Limits

FGB_MAGIC = b"fgb\x03fgb"
TAB_PARTS = (".tab", ".dat", ".map", ".id")
MIF_PARTS = (".mif", ".mid")
_REMEDY = "请用生成它的软件打开检查，重新导出后提交"
# The tables of a File Geodatabase; its indexes (.spx, .atx) are not needed to read it.
_GDB_FILE = re.compile(r"a[0-9a-f]{8}\.gdbtabl[ex]|gdb|timestamps", re.IGNORECASE)
GDB_FIRST = "a00000001.gdbtable"
_MIF_HEAD = 256 * 1024
_TAB_BYTES = 256 * 1024


def draft_gpkg(content: Path | bytes, where: str, limits: Limits) -> list[Draft]:
    """Return a draft for each feature table of a GeoPackage; its views and triggers are taken out before."""
    with tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "layer.gpkg"
        guarded(lambda: place(content, target, copy=True), where)
        package = guarded(lambda: geopackage.prepared(target, where), where)
        drafts = _drafts(target, "GPKG", "GeoPackage", where, limits, _Text("utf-8", f"{where}（GeoPackage 规定）"))
    told = [*package.issues, *_pending(content, where)]
    return _checked_counts(_with(drafts, tuple(told)), package.rows, where)


def draft_fgb(content: Path | bytes, where: str, limits: Limits) -> list[Draft]:
    """Return the draft of a FlatGeobuf; raises InputError as `gdalread.read`."""
    head = content[:8] if isinstance(content, bytes) else guarded(lambda: _head(content, 8), where)
    if not head.startswith(FGB_MAGIC):
        raise InputError("不是有效的 FlatGeobuf 文件", where=where, remedy=_REMEDY)
    with tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "layer.fgb"
        guarded(lambda: place(content, target), where)
        stated = _Text("utf-8", f"{where}（FlatGeobuf 规定）")
        return _drafts(target, "FlatGeobuf", "FlatGeobuf", where, limits, stated)


def draft_gdb(files: Mapping[str, Path], where: str, limits: Limits) -> list[Draft]:
    """Return a draft for each layer of a File Geodatabase, given the files of its folder by name."""
    wanted = {name.lower(): file for name, file in files.items() if _GDB_FILE.fullmatch(name)}
    if GDB_FIRST not in wanted:
        raise InputError(f"不是文件地理数据库：没有 {GDB_FIRST}", where=where, remedy="请提交整个 .gdb 文件夹")
    with tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "layer.gdb"
        target.mkdir()
        for name, file in wanted.items():
            guarded(lambda name=name, file=file: place(file, target / name), where)  # type: ignore[misc]
        stated = _Text("utf-8", f"{where}（文件地理数据库规定）")
        return _drafts(target, "OpenFileGDB", "文件地理数据库", where, limits, stated)


def draft_tab(parts: Mapping[str, Path], where: str, limits: Limits) -> list[Draft]:
    """Return the draft of a native MapInfo table, given its files by suffix; raises InputError for linked ones."""
    missing = [suffix for suffix in TAB_PARTS if suffix not in parts]
    if missing:
        raise InputError(
            f"缺少 {'、'.join(missing)} 文件", where=where, remedy="请把 .tab、.dat、.map、.id 一起打成 zip 提交"
        )
    text, charset = _native(guarded(lambda: _head(parts[".tab"], _TAB_BYTES + 1), where), where)
    with tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "layer.tab"
        target.write_bytes(text)
        for suffix in TAB_PARTS[1:]:
            guarded(lambda suffix=suffix: place(parts[suffix], target.with_suffix(suffix)), where)  # type: ignore[misc]
        return _drafts(target, "MapInfo File", "MapInfo TAB", where, limits, _Text(charset, f"{where} 的 Charset "))


def draft_mif(parts: Mapping[str, Path], where: str, limits: Limits) -> list[Draft]:
    """Return the draft of a MapInfo interchange file, given its files by suffix."""
    if ".mif" not in parts or ".mid" not in parts:
        raise InputError("缺少 .mif 或 .mid 文件", where=where, remedy="请把 .mif 与 .mid 一起打成 zip 提交")
    data = guarded(lambda: parts[".mif"].read_bytes(), where)
    charset = _mif_charset(data[:_MIF_HEAD], where)
    with tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "layer.mif"
        guarded(lambda: place(_neutral(data), target), where)
        guarded(lambda: place(parts[".mid"], target.with_suffix(".mid")), where)
        drafts = _drafts(target, "MapInfo File", "MapInfo MIF", where, limits, _Text(charset, f"{where} 的 Charset "))
    rows = guarded(lambda: _lines(parts[".mid"]), where)
    return _checked_counts(drafts, rows, where)


# Spaces and tabs only: a pattern that crosses lines is slow on a file of blank ones.
_CHARSET = re.compile(rb'^([ \t]*Charset[ \t]+)"([^"\r\n]*)"', re.IGNORECASE | re.MULTILINE)


def _mif_charset(head: bytes, where: str) -> str:
    if not re.match(rb"(\xef\xbb\xbf)?\s*Version\s+\d", head, re.IGNORECASE):
        raise InputError("不是有效的 MIF 文件（开头没有 Version）", where=where, remedy=_REMEDY)
    found = _CHARSET.search(head)
    return _stated(found[2]) if found else ""


def _neutral(data: bytes) -> bytes:
    """The file with a charset that makes GDAL hand its bytes over as they are."""
    found = _CHARSET.search(data, 0, _MIF_HEAD)
    return data if found is None else data[: found.start(2)] + b"Neutral" + data[found.end(2) :]


def _stated(charset: bytes) -> str:
    name = charset.decode("ascii", "replace").strip()
    return "" if name.lower() == "neutral" else name


def _native(data: bytes, where: str) -> tuple[bytes, str]:
    """The text of a .tab fit for GDAL, and its charset; raises InputError when it refers to other files."""
    if not data.lstrip()[:6].lower() == b"!table" or len(data) > _TAB_BYTES:
        raise InputError("不是有效的 MapInfo .tab 文件", where=where, remedy=_REMEDY)
    # GDAL follows what the metadata names to other tables.
    bare, *meta = re.split(rb"^[ \t]*begin_metadata\b", data, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE)
    if any(re.search(rb'IsSeamless"?\s*=\s*"?TRUE', part, re.IGNORECASE) for part in meta):
        raise InputError("是无缝图层，数据在其他表里", where=where, remedy="请另存为单个表后提交")
    kinds = re.findall(rb'^[ \t]*Type[ \t]+"?(\w+)"?(?:[ \t]+Charset[ \t]+"([^"\r\n]*)")?', bare, re.IGNORECASE | re.MULTILINE)
    outside = re.search(rb"^[ \t]*(File|Open[ \t]+Table|Create[ \t]+View|Select|ODBC)\b", bare, re.IGNORECASE | re.MULTILINE)
    if len(kinds) != 1 or kinds[0][0].upper() != b"NATIVE" or outside:
        kind = kinds[0][0].decode("ascii", "replace") if kinds else "视图"
        text = f"是引用其他数据的表（{kind}），只能读自带数据的表（NATIVE）"
        raise InputError(text, where=where, remedy="请在 MapInfo 中另存为本地表（NATIVE）后提交")
    head = re.search(rb"^[ \t]*!charset[ \t]+(\w+)", bare, re.IGNORECASE | re.MULTILINE)
    plain = re.sub(rb'(Charset[ \t]+)"?\w+"?', rb'\1"Neutral"', bare, flags=re.IGNORECASE)
    return plain.replace(b'!charset "Neutral"', b"!charset Neutral"), _stated(kinds[0][1] or (head[1] if head else b""))


class _Text:
    """What is stated of a file's text: the encoding, and where it is stated."""

    __slots__ = ("encoding", "how")

    def __init__(self, encoding: str, how: str) -> None:
        self.encoding, self.how = encoding, how


def _drafts(path: Path, driver: Driver, label: str, where: str, limits: Limits, text: _Text) -> list[Draft]:
    found = gdalread.layers(path, driver, where)
    spatial = [one for one in found if one[2]]
    tables = [name for _, name, kind in found if not kind]
    if not spatial:
        listing = f"（只有属性表：{'、'.join(tables[:5])}）" if tables else ""
        raise InputError(f"没有图形图层{listing}", where=where, remedy="请提交带图形的图层")
    told: tuple[Issue, ...] = ()
    if tables:
        names = "、".join(tables[:5])
        told = (Issue("table_without_geometry", "info", f"{where} 里的 {names} 没有图形，未读取"),)
    if len(spatial) > 1:
        names = "、".join(name for _, name, _ in spatial[:10])
        told = (*told, Issue("several_layers", "info", f"{where} 有 {len(spatial)} 个图层，均已读取：{names}"))
    drafts = [_draft(path, one, driver, label, where, limits, text, len(spatial) > 1) for one in spatial]
    return _with(drafts, told)


def _draft(
    path: Path,
    one: tuple[int, str, str],
    driver: Driver,
    label: str,
    where: str,
    limits: Limits,
    text: _Text,
    several: bool,
) -> Draft:
    number, name, _ = one
    named = driver not in ("MapInfo File", "FlatGeobuf")  # there the name is that of the file
    place_name = f"{where}/{name}" if several else where
    layer = gdalread.read(path, number, name, place_name, limits)
    shared = (("图层", name),) if several else ()
    drawn, issues = features(layer, place_name, text.encoding, text.how, shared)
    how = f"{label} 图层 {name} 写明" if named else f"{label} 写明"
    return Draft(place_name, label, drawn, claim_of(layer.system, how), 0, issues=issues)


def claim_of(system: str, how: str) -> Claim:
    """What a layer says of its reference system; nothing when it is undefined, as GeoPackage's srs_id 0 and -1."""
    if not system or re.search(r"undefined|^\s*(LOCAL_CS|ENGCRS|ENGINEERINGCRS)\b", system, re.IGNORECASE):
        return Claim()
    # GDAL leaves a MapInfo system unnamed and drops the ellipsoid: the datum's name is what tells 西安80 there.
    said = re.sub(
        r'(GEOGCS\[)"(?:unnamed|unknown)"(,DATUM\[")(\w+)"',
        lambda match: f'{match[1]}"{match[3].replace("_", " ")}"{match[2]}{match[3]}"',
        system,
    )
    try:
        crs.parse(said)
    except CrsError:
        return Claim(foreign=f"{said[:60]}（无法识别）")
    return Claim(system=said, how=how)


def _with(drafts: Sequence[Draft], issues: tuple[Issue, ...]) -> list[Draft]:
    """The drafts, the first of which tells what concerns the whole file."""
    if not drafts or not issues:
        return list(drafts)
    return [replace(drafts[0], issues=(*issues, *drafts[0].issues)), *drafts[1:]]


def _pending(content: Path | bytes, where: str) -> tuple[Issue, ...]:
    """Tell of edits that lie beside a GeoPackage still open in another program."""
    if isinstance(content, bytes):
        return ()
    log = content.with_name(f"{content.name}-wal")
    if not log.is_file() or log.stat().st_size == 0:
        return ()
    text = f"{where} 正被其他软件打开（旁有 -wal 文件），尚未写入的修改没有读到"
    return (Issue("unsaved_edits", "warning", text, "请在该软件中保存并关闭后重新提交"),)


def _checked_counts(drafts: list[Draft], rows: int, where: str) -> list[Draft]:
    """Tell features that the file's own table holds and GDAL did not give."""
    given = sum(len(draft.drawn) + sum(i.code == "feature_unreadable" for i in draft.issues) for draft in drafts)
    if given >= rows or any(issue.code == "features_lost" for draft in drafts for issue in draft.issues):
        return drafts
    text = f"{where} 应有 {rows} 个要素，只读出 {given} 个，其余已损坏"
    return _with(drafts, (Issue("features_lost", "error", text, _REMEDY),))


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(not line.isspace() for line in file)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)
