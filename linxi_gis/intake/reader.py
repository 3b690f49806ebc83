"""The doors: a path, an upload, a pasted text or a GeoJSON body, each to a Reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from linxi_gis.errors import InputError
from linxi_gis.intake import encoding, formats
from linxi_gis.intake.geojson import draft_geojson, draft_geojson_text
from linxi_gis.intake.reading import Draft, Limits, Options, Reading
from linxi_gis.intake.settle import settle

_PASTED = "粘贴的文本"
_NO_OPTIONS = Options()


def read(path: Path, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of a file, by its suffix and content.

    Raises InputError for a file that is missing, empty, too large, of an unknown format or
    unreadable; CrsError for a reference system that cannot be used; AmbiguousCrsError, with the
    candidates, when it cannot be known.
    """
    source = options.source_name or path.name
    return settle(_drafts_at(path, source, options.limits), source, options)


def read_bytes(data: bytes, filename: str, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of an uploaded file; errors as `read`. A .shp alone is refused: send a zip."""
    source = options.source_name or PurePath(filename.replace("\\", "/")).name
    _check_size(len(data), source, options.limits)
    return settle(formats.drafts(data, filename, source, options.limits), source, options)


def read_text(text: str, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of a pasted text: GeoJSON, a plot file or coordinates; errors as `read`."""
    source = options.source_name or _PASTED
    _check_size(len(text.encode("utf-8", "surrogatepass")), source, options.limits)
    bare = text.lstrip("\ufeff \t\r\n")
    if not bare:
        raise InputError("没有内容", where=source, remedy="请粘贴坐标或 GeoJSON")
    return settle([formats.draft_text(bare, source)], source, options)


def read_geojson(body: Mapping[str, object] | str | bytes, options: Options = _NO_OPTIONS) -> Reading:
    """Return the sites of a GeoJSON given as an object, a text or bytes; errors as `read`."""
    source = options.source_name or "GeoJSON"
    return settle([_geojson(body, source, options.limits)], source, options)


def _geojson(body: Mapping[str, object] | str | bytes, source: str, limits: Limits) -> Draft:
    if isinstance(body, bytes):
        _check_size(len(body), source, limits)
        text, issues = encoding.decode(body, source)
        return draft_geojson_text(text, source, issues)
    if isinstance(body, str):
        return draft_geojson_text(body.removeprefix("\ufeff"), source)
    return draft_geojson(body, source)


def _drafts_at(path: Path, source: str, limits: Limits) -> Sequence[Draft]:
    if not path.exists():
        raise InputError("文件不存在", where=str(path), remedy="请检查路径")
    try:
        if path.is_file():
            _check_size(path.stat().st_size, source, limits)
        return formats.drafts_at(path, source, limits)
    except OSError as error:
        raise InputError(
            f"文件无法打开（{error.strerror}）", where=source, remedy="请检查文件权限"
        ) from error


def _check_size(size: int, source: str, limits: Limits) -> None:
    if size == 0:
        raise InputError("文件是空的", where=source, remedy="请检查导出是否成功")
    if size > limits.file_bytes:
        raise InputError(
            f"文件有 {size / 2**20:.2f} MB，超过上限 {limits.file_bytes / 2**20:g} MB（file_bytes）",
            where=source,
            remedy="请只提交项目范围；确需更大时用 --limit file_bytes=500MB 放宽",
        )
