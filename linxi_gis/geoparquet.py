"""Read GeoParquet (1.0 and 1.1, geometries as WKB) whole, through pyarrow, which is an extra."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.errors import InputError

SUFFIXES = (".parquet", ".geoparquet")
ADVICE = "请安装 pyarrow：pip install pyarrow"
REMEDY = "请用生成它的软件打开检查，重新导出后提交"
# What a file without a word of it means: https://geoparquet.org/releases/v1.1.0/, "crs".
DEFAULT_SYSTEM = "OGC:CRS84"


@dataclass(frozen=True, slots=True)
class Head:
    """What the "geo" metadata say: the column of geometries, its system, and columns that are no attributes.

    `system` is PROJJSON, OGC:CRS84 where the file says nothing, "" where it says null (unknown); `code` is the EPSG
    code that a PROJJSON names for itself, "" without; `how` is the evidence in Chinese.
    """

    geometry: str
    system: str
    code: str
    how: str
    skipped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file as columns: `shapes` shape (n,), None where there is none or it is broken; texts, numbers and None."""

    head: Head
    shapes: NDArray[np.object_]
    columns: dict[str, NDArray[Any]]


def head(said: bytes | None, where: str) -> Head:
    """Return what the "geo" metadata say; raises InputError where there are none, or geometries are not WKB."""
    try:
        meta = json.loads(said or b"")
        name = str(meta["primary_column"])
        column = meta["columns"][name]
        coded = column["encoding"]
        skipped = frozenset((*map(str, meta["columns"]), *_boxes(column.get("covering"))))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "是 Parquet，但没有 GeoParquet 的 geo 元数据", where=where, remedy="请导出为 GeoParquet（1.0 或 1.1，WKB）"
        ) from error
    if coded != "WKB":
        raise InputError(f"图形编码 {coded} 不支持", where=where, remedy="请导出为 WKB 编码的 GeoParquet")
    if "crs" not in column:
        return Head(name, DEFAULT_SYSTEM, "", f"GeoParquet 规定，未写即为 {DEFAULT_SYSTEM}", skipped)
    system = column["crs"]
    return Head(name, "" if system is None else json.dumps(system), _epsg(system), "GeoParquet 写明", skipped)


def _boxes(covering: object) -> list[str]:
    """Return the columns that only hold the boxes of geometries."""
    box = covering.get("bbox") if isinstance(covering, dict) else None
    return [str(path[0]) for path in box.values() if isinstance(path, list) and path] if isinstance(box, dict) else []


def _epsg(system: object) -> str:
    named = system.get("id") if isinstance(system, dict) else None
    if not isinstance(named, dict) or named.get("authority") != "EPSG":
        return ""
    return f"EPSG:{named.get('code')}"


def read(source: Path | bytes, where: str, rows: int | None = None, unpacked_bytes: int | None = None) -> Table:
    """Read every feature of a file, or of its bytes.

    `rows` and `unpacked_bytes` are the most that is read. Raises InputError for a file that is no GeoParquet, is
    broken or holds more, and where pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError("读 GeoParquet 需要 pyarrow", where=where, remedy=ADVICE) from error
    try:
        with parquet.ParquetFile(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            found = head((opened.schema_arrow.metadata or {}).get(b"geo"), where)
            names = [str(name) for name in opened.schema_arrow.names]
            if found.geometry not in names or len(set(names)) < len(names):
                raise InputError(f"没有图形列 {found.geometry!r}，或字段重名", where=where, remedy=REMEDY)
            _within(opened.metadata, where, rows, unpacked_bytes)
            held = opened.read([one for one in names if one == found.geometry or one not in found.skipped], use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError("不是有效的 Parquet 文件，或已损坏", where=where, remedy=REMEDY) from error
    wkb = held.column(found.geometry).to_pylist()
    try:
        shapes = shapely.from_wkb(np.array(wkb, dtype=object), on_invalid="ignore")
    except TypeError as error:
        raise InputError(f"图形列 {found.geometry!r} 不是 WKB", where=where, remedy=REMEDY) from error
    columns = {name: _column(held.column(name)) for name in held.column_names if name != found.geometry}
    return Table(found, np.asarray(shapes, dtype=object), columns)


def _within(meta: Any, where: str, rows: int | None, unpacked_bytes: int | None) -> None:
    if rows is not None and meta.num_rows > rows:
        text = f"共有 {meta.num_rows} 个图形，超过上限 {rows} 个（--limit features=）"
        raise InputError(text, where=where, remedy="请拆分文件或只提交项目范围")
    size = sum(meta.row_group(number).total_byte_size for number in range(meta.num_row_groups))
    if unpacked_bytes is not None and size > unpacked_bytes:
        text = f"解压后有 {size} 字节，超过上限 {unpacked_bytes} 字节（--limit unpacked_bytes=）"
        raise InputError(text, where=where, remedy="请拆分文件或只提交项目范围")


def _column(column: Any) -> NDArray[Any]:
    """Return an arrow column: numbers as such where none is missing, else Python's values; what is nested as JSON."""
    import pyarrow.types as kinds

    if column.null_count == 0 and (kinds.is_integer(column.type) or kinds.is_floating(column.type)):
        numbers: NDArray[Any] = column.to_numpy()
        return numbers
    values = column.to_pylist()
    made = np.empty(len(values), dtype=object)
    made[:] = [json.dumps(one, ensure_ascii=False, default=str) if isinstance(one, dict | list) else one for one in values]
    return made
