"""Rasters measured in polygons, along lines and at points: windows only, exact shares of cells, areas on the ellipsoid.

A polygon is taken, vertex by vertex with its long edges cut, into the raster's own system and its cells; a raster
is never resampled. What a strip of a window needs is all that is ever in memory.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import cellshare, crs
from linxi_gis.catalog import RasterEntry
from linxi_gis.cellshare import Window
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import CrsError, LayerError

STRIP_CELLS = 2_000_000  # cells worked on at a time: some 100 MB with everything that is computed of them
# The area of a cell changes so slowly that it is computed every so many metres and interpolated: 1e-8 of it.
_LATTICE_M = 2_000.0
_TOUCHED = 1e-6  # a lowest or highest cell is one that the polygon covers by more than rounding
_LINE_ROWS = 256  # of a line, so many rows at a time: a long one crosses few columns in them
_HORN = 8.0  # the weights 1 2 1 on either side of a cell, over two cells


@dataclass(frozen=True, slots=True)
class Tally:
    """What a raster of classes holds in a polygon: ellipsoidal m² (along a line: m; at points: how many).

    `area_m2` is the polygon's own area; `by_value` are (cell value, m²), ascending; `nodata_m2` lies in cells
    without a value, `outside_m2` beyond the raster. The parts add up to the area, but for `residue`, 0..1 of it.
    """

    area_m2: float
    by_value: tuple[tuple[int, float], ...]
    nodata_m2: float
    outside_m2: float
    residue: float

    @property
    def known_m2(self) -> float:
        """The part with a value."""
        return math.fsum(area for _, area in self.by_value)

    def of(self, values: tuple[int, ...]) -> float:
        """The part with one of these values (m²)."""
        return math.fsum(area for value, area in self.by_value if value in values)


@dataclass(frozen=True, slots=True)
class Relief:
    """Elevation (m) and slope (degrees) in a polygon, weighted by area; None where nothing is known of it.

    Along a line it is weighted by length, and the parts are m; at points each counts once.
    """

    minimum_m: float | None
    mean_m: float | None
    maximum_m: float | None
    slope_mean_deg: float | None
    slope_max_deg: float | None
    known_m2: float
    area_m2: float = 0.0
    nodata_m2: float = 0.0


class Cells(Protocol):
    """Where the cells of a raster are read from."""

    def read(self, window: Window, /) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the cells of a window and which of them hold a value; raises LayerError, CacheError."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """An open raster: its size, the affine transform of its cells (a, b, c, d, e, f), its system, and its cells."""

    width: int
    height: int
    affine: tuple[float, float, float, float, float, float]
    system: str
    entry: RasterEntry
    cells: Cells

    def values(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the cells of a window and which of them hold a value; raises LayerError, CacheError."""
        return self.cells.read(window)


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    """The band of a file that rasterio holds open."""

    entry: RasterEntry
    file: Any

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        from rasterio.errors import RasterioError

        box = ((window.row, window.row_end), (window.col, window.col_end))
        try:
            read = self.file.read(self.entry.band, window=box, masked=True)
        except RasterioError as error:
            raise _unreadable(self.entry, error) from error
        cells = np.asarray(read.data)
        known = ~np.ma.getmaskarray(read)
        if self.entry.nodata is not None:
            known &= cells != self.entry.nodata
        if cells.dtype.kind == "f":
            known &= np.isfinite(cells)
        return cells, known


@contextmanager
def opened(entry: RasterEntry) -> Iterator[Raster]:
    """Open a raster of the catalogue; raises LayerError when it cannot be read, has no system or not that band."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    with ExitStack() as stack:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # it is told as an error below
                file = stack.enter_context(rasterio.open(entry.path))
        except (RasterioError, OSError) as error:
            raise _unreadable(entry, error) from error
        if entry.band > file.count:
            raise LayerError(f"只有 {file.count} 个波段，没有第 {entry.band} 个", where=entry.title, remedy="请改正 band")
        if file.transform.is_identity or abs(file.transform.determinant) == 0.0:
            raise LayerError("没有坐标参照（仿射变换）", where=entry.title, remedy="请换用带坐标的栅格，如 GeoTIFF")
        t = file.transform
        yield Raster(file.width, file.height, (t.a, t.b, t.c, t.d, t.e, t.f), _system(entry, file), entry, _File(entry, file))


def _system(entry: RasterEntry, file: Any) -> str:
    if file.crs is None:
        if entry.crs is None:
            raise LayerError("没有坐标系", where=entry.title, remedy="请在 catalog.toml 的 crs 写明")
        return entry.crs
    code = file.crs.to_epsg()
    own = f"EPSG:{code}" if code else str(file.crs.to_wkt())
    if entry.crs is not None:
        crs.same_crs(own, entry.crs)
    return own


def _unreadable(entry: RasterEntry, error: Exception) -> LayerError:
    where = entry.path.name
    if not entry.path.exists():
        return LayerError("栅格文件不存在", where=where, remedy="请检查 catalog.toml 的 path")
    return LayerError(f"栅格读不出来（{str(error)[:80]}）", where=where, remedy="请重新复制或索取该文件")


def tally(raster: Raster, shape: Geometry) -> Tally:
    """Return the area of each value in a polygon (line, points) given in the area plane; raises LayerError, CrsError.

    Every cell counts with the share of it that the polygon covers and with its own ellipsoidal area.
    """
    areas: dict[int, float] = {}
    nodata = covered = 0.0
    whole = _amount(raster, shape)
    for window, weight, _ in _weighted(raster, shape):
        cells, known = raster.values(window)
        covered += float(weight.sum())
        nodata += float(weight[~known].sum())
        met = known & (weight > 0.0)
        found, which = np.unique(cells[met], return_inverse=True)
        if found.dtype.kind == "f" and not np.array_equal(found, np.round(found)):
            raise LayerError("像元值不是整数，不能按类统计", where=raster.entry.title, remedy="请换用分类栅格")
        for value, area in zip(found.tolist(), np.bincount(which.ravel(), weight[met], len(found)), strict=True):
            areas[int(value)] = areas.get(int(value), 0.0) + float(area)
    beyond = whole - covered
    inside = _inside(raster, shape)
    residue = abs(beyond) / whole if inside and whole else 0.0
    return Tally(whole, tuple(sorted(areas.items())), nodata, 0.0 if inside else max(beyond, 0.0), residue)


def relief(raster: Raster, shape: Geometry) -> Relief:
    """Return elevation and slope in a polygon, along a line or at points given in the area plane.

    Slope by B. K. P. Horn, Hill shading and the reflectance map, Proc. IEEE 69 (1981) 14-47: of cells whose eight
    neighbours are known; cell sizes in metres are those of the ellipsoid.
    """
    low, high, total, known_m2 = math.inf, -math.inf, 0.0, 0.0
    steepest, turned, sloped_m2 = -math.inf, 0.0, 0.0
    nodata = 0.0
    for window, weight, touched in _weighted(raster, shape):
        wide = Window(max(window.row - 1, 0), min(window.row_end + 1, raster.height),
                      max(window.col - 1, 0), min(window.col_end + 1, raster.width))  # fmt: skip
        cells, known = raster.values(wide)
        height = np.where(known, cells.astype(np.float64), np.nan)
        inner = np.s_[window.row - wide.row : window.row_end - wide.row, window.col - wide.col : window.col_end - wide.col]
        here, slope = height[inner], _slope(raster, height, wide)[inner]
        nodata += float(weight[np.isnan(here)].sum())
        met = np.isfinite(here) & touched
        if met.any():
            low, high = min(low, float(here[met].min())), max(high, float(here[met].max()))
            total, known_m2 = total + float((here[met] * weight[met]).sum()), known_m2 + float(weight[met].sum())
        met = np.isfinite(slope) & touched
        if met.any():
            steepest = max(steepest, float(slope[met].max()))
            turned, sloped_m2 = turned + float((slope[met] * weight[met]).sum()), sloped_m2 + float(weight[met].sum())
    return Relief(
        low if known_m2 else None, total / known_m2 if known_m2 else None, high if known_m2 else None,
        turned / sloped_m2 if sloped_m2 else None, steepest if sloped_m2 else None, known_m2,
        _amount(raster, shape), nodata,
    )  # fmt: skip


def _slope(raster: Raster, height: FloatArray, window: Window) -> FloatArray:
    """Return the slope (degrees) of each cell, NaN at the rim and beside unknown cells."""
    slope = np.full(height.shape, np.nan)
    if min(height.shape) < 3:
        return slope
    rows = np.arange(window.row + 1, window.row_end - 1, dtype=np.float64) + 0.5
    middle = np.full(len(rows), (window.col + window.col_end) / 2.0)
    across, down = _sizes(raster, middle, rows)
    h = height
    dx = (h[:-2, 2:] + 2 * h[1:-1, 2:] + h[2:, 2:] - h[:-2, :-2] - 2 * h[1:-1, :-2] - h[2:, :-2]) / (_HORN * across[:, None])
    dy = (h[2:, :-2] + 2 * h[2:, 1:-1] + h[2:, 2:] - h[:-2, :-2] - 2 * h[:-2, 1:-1] - h[:-2, 2:]) / (_HORN * down[:, None])
    slope[1:-1, 1:-1] = np.degrees(np.arctan(np.hypot(dx, dy)))
    return slope


def _sizes(raster: Raster, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return width and height (m) of cells with these centres (columns, rows), shape (n,)."""
    half = 0.5
    west, east = _plane(raster, x - half, y), _plane(raster, x + half, y)
    north, south = _plane(raster, x, y - half), _plane(raster, x, y + half)
    return np.hypot(*(east - west).T), np.hypot(*(south - north).T)


def _plane(raster: Raster, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return columns and rows in the area plane, shape (n, 2)."""
    a, b, c, d, e, f = raster.affine
    return crs.plane_of_points(crs.lonlat_of_points(np.column_stack([a * x + b * y + c, d * x + e * y + f]), raster.system))


def _cells(raster: Raster, shape: Geometry) -> Geometry:
    """Return a plane polygon in columns and rows of the raster, its long edges cut first."""
    a, b, c, d, e, f = raster.affine
    scale = a * e - b * d
    forward = _forward(raster.system)

    def convert(xy: FloatArray) -> FloatArray:
        lonlat = crs.points_lonlat(xy)
        x, y = forward(lonlat[:, 0], lonlat[:, 1])
        x, y = x - c, y - f
        return np.column_stack([(e * x - b * y) / scale, (a * y - d * x) / scale])

    moved: Geometry = shapely.transform(crs.cut(shape, crs.STEP_M), convert)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise CrsError("图形超出栅格坐标系的适用范围", where=raster.entry.title, remedy="请核对栅格的坐标系")
    return moved


def _forward(system: str) -> Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return the way from EPSG:4490 degrees to x and y of a CRS text; raises CrsError for what needs parameters."""
    if system == crs.LONLAT:
        return lambda lon, lat: (lon, lat)
    plane = crs.gauss_krueger(system)
    if plane is not None:
        return plane.forward
    import pyproj

    crs.require_transformable(crs.parse(system))
    way = pyproj.Transformer.from_crs(crs.parse(crs.LONLAT), crs.parse(system), always_xy=True)
    return lambda lon, lat: way.transform(lon, lat)


def _inside(raster: Raster, shape: Geometry) -> bool:
    west, north, east, south = _cells(raster, shape).bounds
    return bool(west >= 0.0 and north >= 0.0 and east <= raster.width and south <= raster.height)


def _weighted(raster: Raster, shape: Geometry) -> Iterator[tuple[Window, FloatArray, NDArray[np.bool_]]]:
    """Yield strips with the area (m²) of each cell in a polygon, the length (m) of a line, or the number of points.

    The third says which cells are met by more than rounding.
    """
    if shapely.get_dimensions(shape) == 2:
        for window, share in _strips(raster, shape):
            yield window, share * _cell_areas(raster, window), share > _TOUCHED
        return
    rows, columns, amounts = _pieces(raster, shape)
    inside = (rows >= 0) & (rows < raster.height) & (columns >= 0) & (columns < raster.width) & (amounts > 0.0)
    rows, columns, amounts = rows[inside], columns[inside], amounts[inside]
    for strip in np.unique(rows // _LINE_ROWS).tolist():
        mine = rows // _LINE_ROWS == strip
        row, col = rows[mine], columns[mine]
        window = Window(int(row.min()), int(row.max()) + 1, int(col.min()), int(col.max()) + 1)
        high, wide = window.shape
        place = (row - window.row) * wide + col - window.col
        weight: FloatArray = np.bincount(place, amounts[mine], high * wide).astype(np.float64).reshape(high, wide)
        yield window, weight, weight > 0.0


def _pieces(raster: Raster, shape: Geometry) -> tuple[cellshare.Ints, cellshare.Ints, FloatArray]:
    """Return row, column and amount of a line's pieces, cut at every cell (m), or of points (1 each), shape (n,)."""
    moved = _cells(raster, shape)
    if shapely.get_dimensions(shape) == 0:
        at = np.floor(shapely.get_coordinates(moved)).astype(np.int64)
        return at[:, 1], at[:, 0], np.ones(len(at))
    cut = cellshare.edges_of_line(moved)
    way = _plane(raster, cut.x1, cut.y1) - _plane(raster, cut.x0, cut.y0)
    return cut.row, cut.col, np.hypot(way[:, 0], way[:, 1])


def _amount(raster: Raster, shape: Geometry) -> float:
    """Return the whole that the parts add up to: area, length, or the number of points."""
    if shape.is_empty or shapely.get_dimensions(shape) == 2:
        return float(shape.area)
    return math.fsum(_pieces(raster, shape)[2])


def _strips(raster: Raster, shape: Geometry) -> Iterator[tuple[Window, FloatArray]]:
    """Yield strips of the window a polygon needs, with the share of each cell; nothing where they do not meet."""
    if shape.is_empty:
        return
    moved = _cells(raster, shape)
    west, north, east, south = moved.bounds
    col, col_end = max(math.floor(west), 0), min(math.ceil(east), raster.width)
    row, row_end = max(math.floor(north), 0), min(math.ceil(south), raster.height)
    if col >= col_end or row >= row_end:
        return
    edges = cellshare.edges_of(moved)
    step = max(STRIP_CELLS // (col_end - col), 1)
    for first in range(row, row_end, step):
        window = Window(first, min(first + step, row_end), col, col_end)
        yield window, cellshare.shares(edges, window)


def _cell_areas(raster: Raster, window: Window) -> FloatArray:
    """Return the ellipsoidal area (m²) of each cell of a window, shape (rows, columns)."""
    rows, columns = window.shape
    centre = np.array([(window.col + window.col_end) / 2.0]), np.array([(window.row + window.row_end) / 2.0])
    across, down = _sizes(raster, *centre)
    y, to_rows = _lattice(window.row, rows, float(down[0]))
    x, to_columns = _lattice(window.col, columns, float(across[0]))
    xx, yy = (part.ravel() for part in np.meshgrid(x, y))
    corners = [_plane(raster, xx + i, yy + j) for i, j in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]
    one, other = corners[2] - corners[0], corners[3] - corners[1]
    areas = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2.0
    return np.asarray(to_rows @ areas.reshape(len(y), len(x)) @ to_columns.T)


def _lattice(first: int, count: int, size_m: float) -> tuple[FloatArray, FloatArray]:
    """Return where areas are computed along one axis, and the matrix that interpolates cells from there."""
    nodes = min(max(math.ceil(count * size_m / _LATTICE_M), 1) + 1, count)
    cells = first + 0.5 + np.arange(count, dtype=np.float64)
    if nodes == 1:
        return cells[:1], np.ones((count, 1))
    at: FloatArray = np.linspace(cells[0], cells[-1], nodes, dtype=np.float64)
    matrix: FloatArray = np.column_stack([np.interp(cells, at, row) for row in np.eye(nodes)])
    return at, matrix
