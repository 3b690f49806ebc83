"""What a file is by its content, whatever its suffix says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue

SQLITE = b"SQLite format 3\0"
_HEAD = 4096
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The names of a workbook's stream in an OLE2 file, old and new, as its directory writes them.
_WORKBOOKS = tuple(name.encode("utf-16-le") for name in ("Workbook", "Book"))
_OLE2_BYTES = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Kind:
    """A format by its content: its proper suffix, others that are right too, and its name."""

    suffix: str
    also: tuple[str, ...]
    label: str


_GPKG = Kind(".gpkg", (".gpkx",), "GeoPackage")
_FGB = Kind(".fgb", (), "FlatGeobuf")
_PARQUET = Kind(".parquet", (".geoparquet",), "Parquet")
_SHP = Kind(".shp", (), "Shapefile 的图形文件")
_ZIP = Kind(".zip", (), "zip 压缩包")
_KMZ = Kind(".kmz", (".zip",), "KMZ")
_XLSX = Kind(".xlsx", (".xlsm",), "Excel 工作簿（.xlsx）")
_DOCX = Kind(".docx", (".docm",), "Word 文档（.docx）")
_XLS = Kind(".xls", (".et",), "Excel 工作簿（.xls）")
_KML = Kind(".kml", (), "KML")
_GPX = Kind(".gpx", (), "GPX")
_TAB = Kind(".tab", (), "MapInfo TAB")
_ARCHIVES = {b"Rar!\x1a\x07": "RAR", b"7z\xbc\xaf\x27\x1c": "7z"}


def by_content(stream: BinaryIO, filename: str, source: str) -> tuple[str, tuple[Issue, ...]]:
    """Return the suffix (lower case) to read a file by, and the Issue that tells when its own is wrong.

    Raises InputError for archives that are not zip.
    """
    suffix = PurePath(filename).suffix.lower()
    head = stream.read(_HEAD)
    archive = next((name for magic, name in _ARCHIVES.items() if head.startswith(magic)), "")
    if archive:
        raise InputError(f"是 {archive} 压缩包，不能读取", where=source, remedy="请改用 zip 打包后提交")
    kind = _kind(head, stream)
    if kind is None:
        # Tables of text end in .tab too.
        return (".tsv" if suffix == ".tab" else suffix), ()
    if suffix == kind.suffix or suffix in kind.also:
        return (suffix if suffix == ".zip" else kind.suffix), ()
    if suffix == ".xml" and kind in (_KML, _GPX):
        return kind.suffix, ()
    text = f"{source} 的后缀是 {suffix or '（无）'}，内容却是 {kind.label}，按内容读取"
    return kind.suffix, (Issue("suffix_mismatch", "info", text, "请核对提交的文件是否正确"),)


def _kind(head: bytes, stream: BinaryIO) -> Kind | None:
    if head.startswith(SQLITE):
        return _GPKG
    if head.startswith(b"fgb\x03fgb"):
        return _FGB
    if head.startswith(b"PAR1"):
        return _PARQUET
    if head.startswith(b"\0\0\x27\x0a") and len(head) >= 100 and head[28:32] == b"\xe8\x03\0\0":
        return _SHP
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _packed(stream)
    if head.startswith(_OLE2):
        rest = head + stream.read(_OLE2_BYTES)
        return _XLS if any(name in rest for name in _WORKBOOKS) else None
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare[:6].lower() == b"!table":
        return _TAB
    if bare.startswith(b"<"):
        return _KML if b"<kml" in bare else _GPX if b"<gpx" in bare else None
    return None


def _packed(stream: BinaryIO) -> Kind:
    """What a zip is by the names in it."""
    import zipfile  # 6 ms to load

    try:
        with zipfile.ZipFile(stream) as archive:
            names = [name.lower() for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError):
        return _ZIP  # whose reader says what is wrong
    if "[content_types].xml" in names:
        return _XLSX if any(n.startswith("xl/") for n in names) else _DOCX if any(n.startswith("word/") for n in names) else _ZIP
    sites = (".shp", ".gpkg", ".fgb", ".tab", ".mif", ".gdbtable")
    kml = any(name.endswith(".kml") for name in names)
    return _KMZ if kml and not any(name.endswith(sites) for name in names) else _ZIP
