"""The one place that asks GDAL (through pyogrio) to read: a local file of our own naming, one named driver."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Limits

Driver = Literal["ESRI Shapefile", "GPKG", "FlatGeobuf", "OpenFileGDB", "MapInfo File"]
Columns = list[NDArray[np.object_]]
# Each byte one character, so that the bytes come back whole whatever the file says of its encoding.
_BYTES = "ISO-8859-1"
# What Python does with warnings is one setting for all threads, and the service has many.
_WARNINGS = threading.Lock()
# A broken file can have one for each of its features.
_WARNINGS_TOLD = 10
# An arc as chords of 0.1°: off by radius * 4e-7, a millimetre at 2.6 km (GDAL's own 4° would be off by 6 cm at 100 m).
_ARC_STEP_DEG = "0.1"
_CURVES = ("Circular", "Compound", "Curve", "MultiSurface", "Surface")
_BROKEN = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    UnicodeError,
    ValueError,
    OverflowError,
    shapely.GEOSException,
)
_REMEDY = "请用生成它的软件打开检查，重新导出后提交"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer as read: `shapes` an object array of geometries (None: none, or broken), made of `wkb`; texts still bytes.

    `fields` and the texts in `columns` hold one character for each byte. `system` is the WKT or
    "EPSG:n" that GDAL made of the layer's reference system, "" when there is none.
    """

    name: str
    system: str
    kind: str
    fields: tuple[str, ...]
    shapes: NDArray[np.object_]
    columns: Columns
    issues: tuple[Issue, ...] = ()
    wkb: NDArray[np.object_] | None = None


def layers(path: Path, driver: Driver, where: str) -> list[tuple[int, str, str]]:
    """Return number, name and geometry kind ("" for a table without geometry) of each layer.

    Raises InputError when the file cannot be opened, or GDAL takes it for something else.
    """
    with _told(where, path.parent):
        found = pyogrio.list_layers(path)
        if len(found):
            # A name such as b"\xff" would raise: layers go by number.
            taken = pyogrio.read_info(path, layer=0, encoding=_BYTES)["driver"]
            if taken != driver:
                raise InputError(f"内容像 {taken}，不是 {driver}", where=where, remedy=_REMEDY)
    return [(number, str(name), str(kind or "")) for number, (name, kind) in enumerate(found)]


def read(path: Path, number: int, name: str, where: str, limits: Limits) -> Layer:
    """Return a layer of a file that `layers` has accepted; geometries are taken at once, as arrays.

    Raises InputError for a broken layer and for more features than `limits` allow.
    """
    with _told(where, path.parent) as issues:
        info = pyogrio.read_info(path, layer=number, encoding=_BYTES, force_feature_count=True)
        count = int(info["features"])
        if count > limits.features:
            text = f"共有 {count} 个图形，超过上限 {limits.features} 个（--limit features=）"
            raise InputError(text, where=where, remedy="请拆分文件或只提交项目范围")
        # A setting of the whole process, held while nobody else reads here and put back for the layers.
        before = pyogrio.get_gdal_config_option("OGR_ARC_STEPSIZE")
        pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": _ARC_STEP_DEG})
        try:
            meta, _, wkb, columns = pyogrio.raw.read(path, layer=number, encoding=_BYTES, datetime_as_string=True)
        finally:
            pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": before})
        shapes = shapely.from_wkb(wkb, on_invalid="ignore") if wkb is not None else np.array([], dtype=object)
    kind = str(meta["geometry_type"] or "")
    if 0 <= len(shapes) < count:
        lost = f"{where} 应有 {count} 个要素，只读出 {len(shapes)} 个，其余已损坏或被删除"
        issues.append(Issue("features_lost", "error", lost, _REMEDY))
    if kind.startswith(_CURVES) or kind.startswith("Multi" + _CURVES[2]):
        issues.append(curves_linearised(where))
    fields = tuple(str(field) for field in meta["fields"])
    return Layer(name, str(meta["crs"] or ""), kind, fields, shapes, list(columns), tuple(dict.fromkeys(issues)), wkb)


def curves_linearised(where: str) -> Issue:
    """Return the Issue that tells of arcs read as chords."""
    text = f"{where} 含有圆弧等曲线，已按 {_ARC_STEP_DEG}° 一段的折线读取"
    return Issue("curves_linearised", "info", text)


@contextmanager
def _told(where: str, folder: Path) -> Iterator[list[Issue]]:
    """Turn GDAL's errors into InputErrors and its warnings into Issues (in the list that is given)."""
    issues: list[Issue] = []
    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield issues
        except _BROKEN as error:
            raise InputError("文件无法打开，可能已损坏或不完整", where=where, remedy=_REMEDY) from error
    texts = list(dict.fromkeys(str(item.message).replace(str(folder), "").strip() for item in caught))
    found = [_warning(text, where) for text in texts[:_WARNINGS_TOLD]]
    if len(texts) > _WARNINGS_TOLD:
        found.append(_warning(f"同类提示共 {len(texts)} 条", where))
    issues += dict.fromkeys(found)


def _warning(text: str, where: str) -> Issue:
    if text.startswith("Measured (M)"):
        return Issue("m_dropped", "info", f"{where} 带有 M 值（里程或测量值），研判不使用")
    return Issue("driver_warning", "warning", f"{where}：读取程序提示 {text[:300]}", "请核对图形是否完整")


def heights(shapes: NDArray[np.object_], where: str) -> tuple[Issue, ...]:
    """Tell that heights are not used, where there are any but zero."""
    solid = shapes[shapely.has_z(shapes)]
    if not len(solid):
        return ()
    z = shapely.get_coordinates(solid, include_z=True)[:, 2]
    return (z_dropped(where),) if bool((np.nan_to_num(z) != 0.0).any()) else ()


def z_dropped(where: str) -> Issue:
    """Return the Issue that tells that heights are not used."""
    return Issue("z_dropped", "info", f"{where} 带有高程（Z 值），研判只用平面位置")
