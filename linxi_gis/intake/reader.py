"""The doors: a path, an upload, a pasted text or a GeoJSON body, each to a Reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.geojson import read_geojson_object, read_geojson_text
from linxi_gis.intake.reading import MAX_FILE_BYTES, Options, Reading
from linxi_gis.intake.table import read_table
from linxi_gis.intake.txt import is_txt, read_txt

SUFFIXES = (".geojson", ".json", ".shp", ".zip", ".txt", ".csv", ".tsv")
_SUPPORTED = (
    "可读：GeoJSON（.geojson、.json）、Shapefile（.shp 或打包的 .zip）、"
    "界址点 TXT（.txt）、坐标表（.csv、.tsv、.txt）；"
    "其他格式（KML、DXF、Excel 等）请先用 QGIS 另存为 GeoJSON，或把坐标另存为 CSV"
)
_PASTED = "粘贴的文本"
_NO_OPTIONS = Options()


def read(path: Path, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of a file, by its suffix and content.

    Raises InputError for a file that is missing, empty, too large, of an unknown format or
    unreadable; CrsError for a reference system that cannot be used; AmbiguousCrsError, with the
    candidates, when it cannot be known.
    """
    source = options.source_name or path.name
    if path.suffix.lower() not in SUFFIXES:
        raise _unsupported(path.name, source)
    if not path.is_file():
        raise InputError("文件不存在", where=str(path), remedy="请检查路径")
    _check_size(path.stat().st_size, source)
    if path.suffix.lower() == ".shp":
        # GDAL comes with it; no other format should wait for that.
        from linxi_gis.intake.shapefile import bundle_of, read_bundle

        bundle = bundle_of(path, source)
        _check_size(sum(len(part) for part in bundle.parts.values()), source)
        return read_bundle(bundle, options)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"文件无法打开（{error.strerror}）", where=source, remedy="请检查文件权限"
        ) from error
    return read_bytes(data, path.name, options)


def read_bytes(data: bytes, filename: str, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of an uploaded file; errors as `read`. A .shp alone is refused: send a zip."""
    source = options.source_name or PurePath(filename.replace("\\", "/")).name
    suffix = PurePath(filename).suffix.lower()
    if suffix == ".shp":
        raise InputError(
            "单独的 .shp 没有属性和坐标系", where=source, remedy="请把 .shp、.shx、.dbf、.prj 打成 zip 提交"
        )
    if suffix not in SUFFIXES:
        raise _unsupported(filename, source)
    _check_size(len(data), source)
    if suffix == ".zip":
        return _read_zip(data, source, options)
    text, issues = encoding.decode(data, source)
    if suffix in (".geojson", ".json"):
        return read_geojson_text(text, source, options, issues)
    return _read_plain(text, source, options, issues)


def read_text(text: str, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of a pasted text: GeoJSON, a plot file or coordinates; errors as `read`."""
    source = options.source_name or _PASTED
    _check_size(len(text.encode("utf-8", "surrogatepass")), source)
    bare = text.lstrip("\ufeff \t\r\n")
    if not bare:
        raise InputError("没有内容", where=source, remedy="请粘贴坐标或 GeoJSON")
    return _read_plain(bare, source, options, ())


def read_geojson(body: Mapping[str, object] | str | bytes, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of a GeoJSON given as an object, a text or bytes; errors as `read`."""
    source = options.source_name or "GeoJSON"
    if isinstance(body, bytes):
        _check_size(len(body), source)
        text, issues = encoding.decode(body, source)
        return read_geojson_text(text, source, options, issues)
    if isinstance(body, str):
        return read_geojson_text(body.removeprefix("\ufeff"), source, options)
    return read_geojson_object(body, source, options)


def _read_plain(text: str, source: str, options: Options, issues: tuple[Issue, ...]) -> Reading:
    """Read text by its content: GeoJSON, a plot file, or a table of coordinates."""
    if text.lstrip().startswith("{"):
        return read_geojson_text(text, source, options, issues)
    if is_txt(text):
        return read_txt(text, source, options, issues)
    return read_table(text, source, options, issues)


def _read_zip(data: bytes, source: str, options: Options) -> Reading:
    from linxi_gis.intake.shapefile import read_bundle
    from linxi_gis.intake.unpack import bundles

    readings = [read_bundle(bundle, options) for bundle in bundles(data, source)]
    if len(readings) == 1:
        return replace(readings[0], source=source)
    return _joined(readings, source)


def _joined(readings: list[Reading], source: str) -> Reading:
    """Put several shapefiles of one zip together; their site ids stay unique."""
    from linxi_gis.intake.settle import unique

    sites, doubled = unique([site for reading in readings for site in reading.sites], source)
    issues = [issue for reading in readings for issue in reading.issues]
    return Reading(source, "Shapefile", tuple(sites), tuple(dict.fromkeys((*issues, *doubled))))


def _check_size(size: int, source: str) -> None:
    if size == 0:
        raise InputError("文件是空的", where=source, remedy="请检查导出是否成功")
    if size > MAX_FILE_BYTES:
        raise InputError(
            f"文件有 {size / 2**20:.0f} MB，超过上限 {MAX_FILE_BYTES / 2**20:.0f} MB",
            where=source,
            remedy="请只提交项目范围",
        )


def _unsupported(filename: str, source: str) -> InputError:
    suffix = PurePath(filename).suffix.lower()
    if suffix in (".shx", ".dbf", ".prj", ".cpg"):
        return InputError(
            f"{suffix} 只是 shapefile 的一部分", where=source, remedy="请提交 .shp，或把整套文件打成 zip"
        )
    return InputError(f"不支持的文件格式 {suffix or '（没有后缀）'}", where=source, remedy=_SUPPORTED)
