"""The table of formats: a file's suffix to the reader of its bytes, imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.geojson import draft_geojson_text
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.table import draft_table
from linxi_gis.intake.txt import draft_txt, is_txt

# A reader takes the bytes, the name for messages and the limits, and returns a draft for every layer,
# sheet or part that has a reference system of its own.
Drafter = Callable[[bytes, str, Limits], Sequence[Draft]]


def draft_text(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the draft of a text by its content: GeoJSON, a plot file, or a table of coordinates."""
    if text.lstrip().startswith("{"):
        return draft_geojson_text(text, source, issues)
    if is_txt(text):
        return draft_txt(text, source, issues)
    return draft_table(text, source, issues)


def _geojson(data: bytes, source: str, limits: Limits) -> list[Draft]:
    text, issues = encoding.decode(data, source)
    return [draft_geojson_text(text, source, issues)]


def _text(data: bytes, source: str, limits: Limits) -> list[Draft]:
    text, issues = encoding.decode(data, source)
    return [draft_text(text, source, issues)]


def _zip(data: bytes, source: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake.shapefile import draft_bundle
    from linxi_gis.intake.unpack import bundles

    return [draft_bundle(bundle) for bundle in bundles(data, source, limits)]


_DRAFTERS: dict[str, Drafter] = {
    ".geojson": _geojson,
    ".json": _geojson,
    ".txt": _text,
    ".csv": _text,
    ".tsv": _text,
    ".zip": _zip,
}
# One of several files that belong together: read from the folder they lie in.
COMPANIONS = (".shp",)
SUFFIXES = (*_DRAFTERS, *COMPANIONS)
_SUPPORTED = (
    "可读：GeoJSON（.geojson、.json）、Shapefile（.shp 或打包的 .zip）、"
    "界址点 TXT（.txt）、坐标表（.csv、.tsv、.txt）；"
    "其他格式（KML、DXF、Excel 等）请先用 QGIS 另存为 GeoJSON，或把坐标另存为 CSV"
)


def drafts(data: bytes, filename: str, source: str, limits: Limits) -> Sequence[Draft]:
    """Return the drafts of a file's bytes by the suffix of its name; raises InputError as `drafter`."""
    return drafter(filename, source)(data, source, limits)


def drafter(filename: str, source: str) -> Drafter:
    """Return the reader of a suffix; raises InputError for one that cannot be read from one file."""
    suffix = PurePath(filename).suffix.lower()
    if suffix == ".shp":
        raise InputError(
            "单独的 .shp 没有属性和坐标系", where=source, remedy="请把 .shp、.shx、.dbf、.prj 打成 zip 提交"
        )
    if suffix in (".shx", ".dbf", ".prj", ".cpg"):
        raise InputError(
            f"{suffix} 只是 shapefile 的一部分", where=source, remedy="请提交 .shp，或把整套文件打成 zip"
        )
    if suffix not in _DRAFTERS:
        raise InputError(f"不支持的文件格式 {suffix or '（没有后缀）'}", where=source, remedy=_SUPPORTED)
    return _DRAFTERS[suffix]
