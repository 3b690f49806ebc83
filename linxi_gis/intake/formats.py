"""The table of formats: a file's suffix to the reader of its bytes, imported when it is needed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.geojson import draft_geojson_text
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.sniff import by_content
from linxi_gis.intake.table import draft_table
from linxi_gis.intake.txt import draft_txt, is_txt
from linxi_gis.intake.wkt import draft_wkt, is_wkt

# A reader takes the bytes, the name for messages and the limits, and returns a draft for every layer,
# sheet or part that has a reference system of its own.
Drafter = Callable[[bytes, str, Limits], Sequence[Draft]]


def draft_text(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the draft of a text by its content: GeoJSON, a plot file, or a table of coordinates."""
    if text.lstrip().startswith("{"):
        return draft_geojson_text(text, source, issues)
    if is_txt(text):
        return draft_txt(text, source, issues)
    if is_wkt(text):
        return draft_wkt(text, source, issues)
    return draft_table(text, source, issues)


def _geojson(data: bytes, source: str, limits: Limits) -> list[Draft]:
    text, issues = encoding.decode(data, source)
    return [draft_geojson_text(text, source, issues)]


def _text(data: bytes, source: str, limits: Limits) -> list[Draft]:
    text, issues = encoding.decode(data, source)
    return [draft_text(text, source, issues)]


def _zip(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.bundle import draft_zip

    return draft_zip(data, source, limits)


def _gpkg(data: bytes | Path, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.containers import draft_gpkg

    return draft_gpkg(data, source, limits)


def _fgb(data: bytes | Path, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.containers import draft_fgb

    return draft_fgb(data, source, limits)


def _set(path: Path, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.bundle import read_set

    return read_set(path, source, limits)


def _kml(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.kml import drafts_kml

    return drafts_kml(data, source, limits)


def _kmz(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.kmz import drafts_kmz

    return drafts_kmz(data, source, limits)


def _gpx(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.gpx import drafts_gpx

    return drafts_gpx(data, source, limits)


def _dxf(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.dxf import drafts_dxf

    return drafts_dxf(data, source, limits)


def _sheets(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.sheets import drafts_workbook

    return drafts_workbook(data, source, limits)


def _word(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.worddoc import drafts_document

    return drafts_document(data, source, limits)


def _old_word(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    raise InputError("不能读取旧版 Word 文档（.doc）", where=source, remedy="请用 Word 或 WPS 另存为 .docx 后提交")


_DRAFTERS: dict[str, Drafter] = {
    ".wkt": _text,
    ".xlsx": _sheets,
    ".xlsm": _sheets,
    ".xls": _sheets,
    ".et": _sheets,
    ".docx": _word,
    ".doc": _old_word,
    ".wps": _old_word,
    ".geojson": _geojson,
    ".json": _geojson,
    ".txt": _text,
    ".csv": _text,
    ".tsv": _text,
    ".geojsonl": _geojson,
    ".geojsons": _geojson,
    ".ndjson": _geojson,
    ".zip": _zip,
    ".gpkg": _gpkg,
    ".fgb": _fgb,
    ".kml": _kml,
    ".kmz": _kmz,
    ".gpx": _gpx,
    ".dxf": _dxf,
    ".dwg": _dxf,
}
# One of several files that belong together: read from the folder they lie in.
COMPANIONS = (".shp", ".tab", ".mif")
# Read where they lie, so that no copy of a big file stands in memory.
_IN_PLACE: dict[str, Callable[[Path, str, Limits], Sequence[Draft]]] = {
    ".gpkg": _gpkg,
    ".fgb": _fgb,
    **dict.fromkeys(COMPANIONS, _set),
}
SUFFIXES = (*_DRAFTERS, *COMPANIONS)
_SUPPORTED = (
    "可读：GeoJSON（.geojson、.json）、Shapefile（.shp、文件夹或打包的 .zip）、"
    "GeoPackage、FlatGeobuf、文件地理数据库（.gdb）、MapInfo（.tab、.mif）、"
    "界址点 TXT（.txt）、坐标表（.csv、.tsv、.txt、.xlsx、.xls）、Word 表格（.docx）、WKT（.wkt）、"
    "KML（.kml、.kmz）、GPX（.gpx）、DXF（.dxf，DWG 请先另存为 DXF）；"
    "其他格式请先用 QGIS 另存为 GeoJSON，或把坐标另存为 CSV"
)


def drafts(data: bytes, filename: str, source: str, limits: Limits) -> Sequence[Draft]:
    """Return the drafts of a file's bytes; its content wins over its suffix, and that is told.

    Raises InputError as `drafter`, and for a file that nothing can be read from.
    """
    suffix, told = by_content(io.BytesIO(data), filename, source)
    return _telling(drafter(f"_{suffix}", source)(data, source, limits), told)


def drafts_at(path: Path, source: str, limits: Limits, filename: str = "") -> Sequence[Draft]:
    """Return the drafts of the file or folder at a path, as `drafts`; some formats are read in place.

    `filename` is the file's real name where it lies under another (out of a zip), without its companions.
    """
    if path.is_dir():
        from linxi_gis.intake.bundle import draft_folder

        return draft_folder(path, source, limits)
    with path.open("rb") as stream:
        suffix, told = by_content(stream, filename or path.name, source)
    if suffix in _IN_PLACE and (suffix not in COMPANIONS or suffix == path.suffix.lower()):
        return _telling(_IN_PLACE[suffix](path, source, limits), told)
    read = drafter(f"_{suffix}", source)
    return _telling(read(path.read_bytes(), source, limits), told)


def _telling(found: Sequence[Draft], told: tuple[Issue, ...]) -> Sequence[Draft]:
    """The drafts, each telling what concerns the file."""
    return [replace(draft, issues=(*told, *draft.issues)) for draft in found] if told else found


def drafter(filename: str, source: str) -> Drafter:
    """Return the reader of a suffix; raises InputError for one that cannot be read from one file."""
    suffix = PurePath(filename).suffix.lower()
    if suffix == ".shp":
        raise InputError(
            "单独的 .shp 没有属性和坐标系", where=source, remedy="请把 .shp、.shx、.dbf、.prj 打成 zip 提交"
        )
    if suffix in (".tab", ".mif", ".mid", ".map", ".dat", ".id"):
        raise InputError(
            f"单独的 {suffix} 不是完整的 MapInfo 数据",
            where=source,
            remedy="请把 .tab、.dat、.map、.id（或 .mif、.mid）一起打成 zip 提交",
        )
    if suffix in (".gdb", ".gdbtable", ".gdbtablx"):
        raise InputError("文件地理数据库是一个文件夹", where=source, remedy="请把整个 .gdb 文件夹打成 zip 提交")
    if suffix in (".shx", ".dbf", ".prj", ".cpg"):
        raise InputError(
            f"{suffix} 只是 shapefile 的一部分", where=source, remedy="请提交 .shp，或把整套文件打成 zip"
        )
    if suffix not in _DRAFTERS:
        raise InputError(f"不支持的文件格式 {suffix or '（没有后缀）'}", where=source, remedy=_SUPPORTED)
    return _DRAFTERS[suffix]
