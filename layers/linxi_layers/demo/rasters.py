"""Land cover and elevation of the demonstration county: two small GeoTIFFs from one seed. 示意.

    python -m linxi_layers.demo.rasters [--out DIR]

Elevation is the invented relief, higher to the north and away from streams; no survey went into it. Land cover
follows it and the layers of the county: towns, fields, grassland and water where they are drawn, forest on the forest
land and on the higher slopes.
The forest's total is calibrated to the plan's share, as those of the red line and the reserve are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from . import places, shapes
from .shapes import Floats

_HERE = Path(__file__).parent
_SEED = 1504241
COVER_STEP_DEG, HEIGHT_STEP_DEG = 1.0 / 1200.0, 1.0 / 600.0  # 93 m and 185 m of latitude
WEST, SOUTH, EAST, NORTH = 117.6, 43.2, 118.65, 44.3
FOREST, GRASS, FIELD, BUILT, WATER, BARE = 1, 2, 3, 4, 5, 6
NODATA, NO_HEIGHT = 0, -9999
FOREST_PERCENT = 41.35  # of the county's statistical area: the plan's figure for 2020
_STATED_M = (620.0, 1690.0)  # about the county's range, by public elevation models
_EARTH_M = 6_371_000.0


def _grid(step: float) -> tuple[Affine, int, int, Floats]:
    """Return the transform, rows, columns, and the centres (longitude latitude), row by row from the north."""
    columns, rows = round((EAST - WEST) / step), round((NORTH - SOUTH) / step)
    lon = WEST + (np.arange(columns) + 0.5) * step
    lat = NORTH - (np.arange(rows) + 0.5) * step
    xx, yy = np.meshgrid(lon, lat)
    return Affine(step, 0.0, WEST, 0.0, -step, NORTH), rows, columns, np.column_stack([xx.ravel(), yy.ravel()])


def _xy(lonlat: Floats) -> Floats:
    points: BaseGeometry = shapely.MultiPoint(lonlat)
    return shapely.get_coordinates(shapes.to_xy(points))


def _relief(lonlat: Floats, rivers: BaseGeometry) -> Floats:
    """Return the invented elevation (m) at points."""
    rng = np.random.default_rng(_SEED)
    xy = _xy(lonlat)
    rough = shapes.noise(xy, rng, (17_000.0, 8_000.0, 4_000.0, 2_000.0, 1_100.0, 620.0), 0.75)
    water = shapely.simplify(shapes.to_xy(rivers), 150.0)
    shapely.prepare(water)
    away_km = np.asarray(shapely.distance(water, shapely.points(xy))) / 1000.0
    north = (lonlat[:, 1] - 43.25) / 0.95
    west = (118.6 - lonlat[:, 0]) / 1.0
    valley = np.exp(-((away_km / 2.6) ** 2))
    height: Floats = 0.52 * north + 0.22 * west + 0.24 * rough * (1.0 - 0.75 * valley) - 0.20 * valley
    return height


def _scaled(height: Floats, inside: NDArray[np.bool_]) -> Floats:
    low, high = np.quantile(height[inside], [0.001, 0.999])
    scaled: Floats = np.clip((height - low) / (high - low), 0.0, 1.0) ** 1.25
    return _STATED_M[0] + scaled * (_STATED_M[1] - _STATED_M[0])


def _burnt(folder: Path, name: str, transform: Affine, shape: tuple[int, int], *kinds: str) -> NDArray[np.bool_]:
    """Return the cells whose centre lies in a layer of the county."""
    frame = gpd.read_file(folder / f"{name}.gpkg")
    if kinds:
        frame = frame[frame["类别"].isin(kinds)]
    return np.asarray(rasterize(frame.geometry, shape, transform=transform).astype(bool))


def cover(folder: Path) -> tuple[NDArray[np.uint8], Affine]:
    """Return the land cover, class codes as above, 0 outside the county."""
    transform, rows, columns, lonlat = _grid(COVER_STEP_DEG)
    size = rows, columns
    rivers = _rivers(folder)
    inside = _burnt(folder, "county", transform, size)
    _, coarse_rows, coarse_columns, points = _grid(HEIGHT_STEP_DEG)  # twice the step of the cover
    height = _relief(points, rivers).reshape(coarse_rows, coarse_columns).repeat(2, axis=0).repeat(2, axis=1).ravel()
    rng = np.random.default_rng(_SEED + 1)
    patch = shapes.noise(_xy(lonlat), rng, (6_000.0, 2_500.0, 1_100.0, 500.0, 260.0), 0.35)
    wet = shapes.noise(_xy(lonlat), rng, (9_000.0, 3_000.0, 900.0), 0.5)
    land = np.where(inside, GRASS, NODATA).astype(np.uint8)
    taken = np.zeros(size, dtype=bool)
    layers = (("grassland", GRASS, ()), ("wetland", GRASS, ()), ("farmland", FIELD, ()), ("urban", BUILT, ()),
              ("settlement", BUILT, ()), ("park", BUILT, ()), ("tailings", BARE, ()), ("river", WATER, ("行洪区",)))  # fmt: skip
    for name, code, kinds in layers:
        where = _burnt(folder, name, transform, size, *kinds) & inside
        land[where], taken = code, taken | where
    wooded = _burnt(folder, "forest_land", transform, size) & inside & ~taken
    free = inside & ~taken & ~wooded
    land[free & ((wet - 0.6 * height.reshape(-1)).reshape(size) > 0.62)] = FIELD
    land[free & ((-wet - patch).reshape(size) > 1.32)] = BARE
    free = (free & (land == GRASS)) | wooded
    wanted = (1.35 * height + 0.55 * patch).reshape(size) + 100.0 * wooded  # forest land first, then the higher slopes
    land[free & (wanted > _level(wanted, free, rows))] = FOREST
    return land, transform


def _level(wanted: Floats, free: NDArray[np.bool_], rows: int) -> float:
    """Return above which value the cells add up to the forest's area."""
    lat = np.radians(NORTH - (np.arange(rows) + 0.5) * COVER_STEP_DEG)
    radius_km = _EARTH_M / 1000.0 * (1.0 - 0.00335 + 0.01 * np.sin(lat) ** 2 * 0.67)
    area = (radius_km * np.radians(COVER_STEP_DEG)) ** 2 * np.cos(lat)
    areas = np.broadcast_to(area[:, None], wanted.shape)[free]
    order = np.argsort(-wanted[free], kind="stable")
    target = places.STATUTORY_AREA_KM2 * FOREST_PERCENT / 100.0
    at = int(np.searchsorted(np.cumsum(areas[order]), target))
    return float(wanted[free][order[at]])


def elevation(folder: Path) -> tuple[NDArray[np.int16], Affine]:
    """Return the elevation in whole metres, -9999 outside the county and a kilometre round it."""
    transform, rows, columns, lonlat = _grid(HEIGHT_STEP_DEG)
    county = gpd.read_file(folder / "county.gpkg").geometry.union_all()
    inside = np.asarray(rasterize([county], (rows, columns), transform=transform).astype(bool)).ravel()
    wide = np.asarray(rasterize([shapes.buffer_m(county, 1000.0)], (rows, columns), transform=transform).astype(bool)).ravel()
    height = _scaled(_relief(lonlat, _rivers(folder)), inside)
    return np.where(wide, np.round(height), NO_HEIGHT).astype(np.int16).reshape(rows, columns), transform


def _rivers(folder: Path) -> BaseGeometry:
    frame = gpd.read_file(folder / "river.gpkg")
    return shapely.union_all(frame[frame["类别"] == "行洪区"].geometry.to_numpy())


def _write(path: Path, cells: NDArray[np.generic], transform: Affine, nodata: int, **more: int) -> None:
    path.unlink(missing_ok=True)
    profile = {
        "driver": "GTiff", "height": cells.shape[0], "width": cells.shape[1], "count": 1, "dtype": cells.dtype.name,
        "crs": "EPSG:4490", "transform": transform, "nodata": nodata, "compress": "deflate", "zlevel": 9,
        "tiled": True, "blockxsize": 256, "blockysize": 256, **more,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(cells, 1)
        file.update_tags(NATURE="示意数据，无法律效力")


def write(folder: Path, out: Path) -> None:
    """Write both rasters of the county whose layers are in a folder."""
    land, transform = cover(folder)
    _write(out / "landcover.tif", land, transform, NODATA)
    height, transform = elevation(folder)
    _write(out / "elevation.tif", height, transform, NO_HEIGHT, predictor=2)


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="生成林西县示意栅格（无法律效力）")
    parser.add_argument("--out", type=Path, default=_HERE, help="输出文件夹，默认为本脚本所在文件夹")
    options = parser.parse_args(arguments)
    write(_HERE, options.out)
    print("landcover.tif、elevation.tif", file=sys.stderr)


if __name__ == "__main__":
    main()
