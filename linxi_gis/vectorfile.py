"""Read a vector file of any common format as columns, and say what it hashes to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import geoparquet
from linxi_gis.errors import InputError, LayerError
from linxi_gis.model import GeometryArray

# Files beside one another that are read as one; .sbn/.qpj and the like do not change what is read.
_PARTS = {
    ".shp": (".shp", ".shx", ".dbf", ".prj", ".cpg"),
    ".tab": (".tab", ".dat", ".map", ".id", ".ind"),
    ".mif": (".mif", ".mid"),
    ".gml": (".gml", ".xsd", ".gfs"),
    ".csv": (".csv", ".csvt", ".prj"),
}
# What SQLite has not written into the file itself yet, and reads all the same (QGIS edits so): sqlite.org/wal.html.
_LOGS = ("-wal", "-journal")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Features as columns: geometries shape (n,), attribute columns by name, the file's CRS text."""

    geometries: GeometryArray
    columns: dict[str, NDArray[Any]]
    crs: str | None


def read(path: Path, *, sublayer: str | None = None, encoding: str | None = None) -> Table:
    """Read every feature of a file; raises LayerError when it is missing, broken or cut short.

    A feature without a shape comes back as None: whoever prepares the layer must tell it.
    """
    if path.suffix.lower() in geoparquet.SUFFIXES:
        return _parquet(path)
    import pyogrio  # heavy: only where a file is read
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

    if not path.exists():
        raise LayerError("图层文件不存在", where=path.name, remedy="请检查 catalog.toml 的 path")
    if path.suffix.lower() == ".vrt":
        text = "VRT 只是指向别的文件，那些文件变了无从知道"
        raise LayerError(text, where=path.name, remedy="请在 catalog.toml 中直接写数据文件")
    try:
        if sublayer is None:
            _check_single(path, pyogrio.list_layers(path))
        meta, _, wkb, fields = pyogrio.raw.read(path, layer=sublayer, encoding=encoding)
        with np.errstate(invalid="ignore"):  # numbers that are none are told when the layer is prepared
            geometries = shapely.from_wkb(wkb)
    except (
        DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError,
        shapely.errors.GEOSException, UnicodeDecodeError, ValueError,
    ) as error:  # fmt: skip
        raise LayerError(
            f"图层文件读不出来（{str(error)[:120]}）", where=path.name, remedy="请用 GIS 软件打开核对，或重新索取"
        ) from error
    if geometries is None:
        raise LayerError("图层没有图形列", where=path.name, remedy="请检查 sublayer")
    if path.suffix.lower() == ".shp":
        _check_whole(path)
    columns = dict(zip((str(name) for name in meta["fields"]), fields, strict=True))
    return Table(np.asarray(geometries, dtype=object), columns, meta["crs"])


def _parquet(path: Path) -> Table:
    """Read a GeoParquet, of which GDAL's wheels know nothing."""
    try:
        found = geoparquet.read(path, path.name)
    except InputError as error:
        raise LayerError(error.what, where=path.name, remedy=error.remedy) from error
    return Table(found.shapes, found.columns, found.head.code or found.head.system or None)


def _check_single(path: Path, listed: NDArray[Any]) -> None:
    """Raise LayerError where a container holds several layers and nobody said which."""
    spatial = [str(name) for name, kind in listed if kind is not None]
    if len(spatial) > 1:
        raise LayerError(
            f"文件里有 {len(spatial)} 个图层：{'、'.join(spatial[:8])}",
            where=path.name,
            remedy='请在 catalog.toml 写明 sublayer = "..."',
        )


def _check_whole(path: Path) -> None:
    """Raise LayerError for a .shp shorter than its header says: GDAL reads it as empty geometries.

    The length stands big-endian at byte 24, in 16-bit words (ESRI Shapefile Technical Description, 1998).
    """
    with path.open("rb") as opened:
        head = opened.read(28)
    said = int.from_bytes(head[24:28], "big") * 2
    if path.stat().st_size < said:
        raise LayerError(
            f"图层文件不完整（应有 {said} 字节，只有 {path.stat().st_size}）", where=path.name, remedy="请重新复制或索取"
        )


Signature = tuple[tuple[str, int, int, int], ...]  # name, bytes, changed, entry changed (ns)


def signature(path: Path) -> Signature:
    """Return names, sizes and times of a layer's files: when it changes, the layer is read anew.

    Tools that set the time of change back, as unpacking and mirroring do, do not set that of the entry (st_ctime;
    on Windows it is the time of creation).
    """
    try:
        stats = [(file.name, file.stat()) for file in _files(path) if file.exists()]
    except OSError as error:
        raise LayerError("图层文件打不开", where=path.name, remedy="请检查路径和权限") from error
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for name, stat in stats)


def _files(path: Path) -> list[Path]:
    parts = _PARTS.get(path.suffix.lower())
    if parts is not None:
        stem = path.stem.casefold()  # compared, not globbed: a name may hold brackets
        beside = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
        return [p for p in beside if p.stem.casefold() == stem and p.suffix.lower() in parts]
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file())
    logs = (path.with_name(path.name + end) for end in _LOGS)
    return [path, *(log for log in logs if log.is_file() and log.stat().st_size)]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; of a shapefile, of its parts; of a folder, of its files.

    Raises LayerError when the file cannot be read.
    """
    files = _files(path)
    digest = hashlib.sha256()
    if not path.exists() or not files:
        raise LayerError("图层文件不存在", where=path.name, remedy="请检查 catalog.toml 的 path")
    try:
        for file in files:
            with file.open("rb") as opened:
                own = hashlib.file_digest(opened, "sha256")
            if len(files) == 1:
                return own.hexdigest()
            digest.update(file.suffix.lower().encode() + b"\0" + own.digest())
    except OSError as error:
        raise LayerError("图层文件打不开", where=path.name, remedy="请检查路径和权限") from error
    return digest.hexdigest()


def text(value: Any) -> str:
    """Return an attribute value as text; missing values are the empty string.

    >>> text(None), text(float("nan")), text(3.0), text(" 甲 ")
    ('', '', '3', '甲')
    """
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()
