"""The table of formats: a file's suffix to the reader of its bytes, imported when it is needed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePath
from typing import TypeVar

from linxi_gis import geoparquet
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.geojson import draft_geojson_text
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.sniff import by_content

# A reader takes the bytes, the name for messages and the limits, and returns a draft for every layer,
# sheet or part that has a reference system of its own.
Drafter = Callable[[bytes, str, Limits], Sequence[Draft]]
_Content = TypeVar("_Content")  # bytes, or the path of what is read where it lies


def draft_text(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the draft of a text by its content: GeoJSON, a plot file, or a table of coordinates."""
    if text.lstrip().startswith("{"):
        return draft_geojson_text(text, source, issues)
    from linxi_gis.intake.txt import draft_txt, is_txt

    if is_txt(text):
        return draft_txt(text, source, issues)
    from linxi_gis.intake.wkt import draft_wkt, is_wkt

    if is_wkt(text):
        return draft_wkt(text, source, issues)
    from linxi_gis.intake.table import draft_table

    return draft_table(text, source, issues)


def _geojson(data: bytes, source: str, limits: Limits) -> list[Draft]:
    text, issues = encoding.decode(data, source)
    return [draft_geojson_text(text, source, issues)]


def _text(data: bytes, source: str, limits: Limits) -> list[Draft]:
    text, issues = encoding.decode(data, source)
    return [draft_text(text, source, issues)]


def _later(module: str, name: str) -> Callable[[_Content, str, Limits], Sequence[Draft]]:
    """The reader of a name in a module of the intake, which is imported when the first file needs it."""

    def read(content: _Content, source: str, limits: Limits) -> Sequence[Draft]:
        found: Callable[[_Content, str, Limits], Sequence[Draft]]
        found = getattr(import_module(f"linxi_gis.intake.{module}"), name)
        return found(content, source, limits)

    return read


def _old_word(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    raise InputError("不能读取旧版 Word 文档（.doc）", where=source, remedy="请用 Word 或 WPS 另存为 .docx 后提交")


_DRAFTERS: dict[str, Drafter] = {
    **dict.fromkeys((".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson"), _geojson),
    **dict.fromkeys((".txt", ".csv", ".tsv", ".wkt"), _text),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".et"), _later("sheets", "drafts_workbook")),
    ".docx": _later("worddoc", "drafts_document"),
    **dict.fromkeys((".doc", ".wps"), _old_word),
    ".zip": _later("bundle", "draft_zip"),
    ".gpkg": _later("containers", "draft_gpkg"),
    ".fgb": _later("containers", "draft_fgb"),
    **dict.fromkeys(geoparquet.SUFFIXES, _later("parquet", "draft_parquet")),
    ".kml": _later("kml", "drafts_kml"),
    ".kmz": _later("kmz", "drafts_kmz"),
    ".gpx": _later("gpx", "drafts_gpx"),
    **dict.fromkeys((".dxf", ".dwg"), _later("dxf", "drafts_dxf")),
}
# One of several files that belong together: read from the folder they lie in.
COMPANIONS = (".shp", ".tab", ".mif")
# Read where they lie, so that no copy of a big file stands in memory.
_IN_PLACE: dict[str, Callable[[Path, str, Limits], Sequence[Draft]]] = {
    ".gpkg": _later("containers", "draft_gpkg"),
    ".fgb": _later("containers", "draft_fgb"),
    **dict.fromkeys(geoparquet.SUFFIXES, _later("parquet", "draft_parquet")),
    **dict.fromkeys(COMPANIONS, _later("bundle", "read_set")),
}
_FOLDER: Callable[[Path, str, Limits], Sequence[Draft]] = _later("bundle", "draft_folder")
SUFFIXES = (*_DRAFTERS, *COMPANIONS)
_SUPPORTED = (
    "可读：GeoJSON（.geojson、.json）、Shapefile（.shp、文件夹或打包的 .zip）、"
    "GeoPackage、FlatGeobuf、GeoParquet（.parquet，要装 pyarrow）、文件地理数据库（.gdb）、MapInfo（.tab、.mif）、"
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
        return _FOLDER(path, source, limits)
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
