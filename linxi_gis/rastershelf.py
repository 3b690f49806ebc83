"""Rasters prepared as tiles in a mapped file, so that a check need not load what reads rasters.

Kept with the prepared layers (see `linxi_gis.prepared`): named by what they are made of, written whole, every tile
compared with its CRC-32 when it is read. Only GeoTIFF of up to `LARGEST_CELLS` cells: another format may read files
beside it that we do not know of, and a larger one would have to be held in memory whole. Those are read from the file.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linxi_gis import prepared, raster, vectorfile
from linxi_gis.catalog import RasterEntry
from linxi_gis.cellshare import Window
from linxi_gis.errors import LayerError
from linxi_gis.raster import Raster
from linxi_gis.shelf import Arrays, Shelf, damaged

TILE = 256  # cells along each side
LARGEST_CELLS = 50_000_000
_LAYOUT = 1  # raised whenever tiles are made otherwise, or named otherwise
_SUFFIXES = (".tif", ".tiff")
# What GDAL reads beside a GeoTIFF: statistics and nodata, a mask, the place of the cells.
_BESIDE = (".aux.xml", ".msk", ".tfw", ".tifw", ".tiffw", ".wld", ".prj", ".tab")


@dataclass(frozen=True, slots=True, eq=False)
class _Tiles:
    """The tiles of a prepared raster, row by row: cells, bits that say which hold a value, and their CRC-32."""

    arrays: Arrays
    across: int
    path: Path | None

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        cells = np.empty(window.shape, self.arrays["tile.cells.blob"].dtype)
        known = np.empty(window.shape, dtype=np.bool_)
        for row in range(window.row // TILE, -(-window.row_end // TILE)):
            for col in range(window.col // TILE, -(-window.col_end // TILE)):
                there, here = _meet(window, row, col)
                cells[here], known[here] = (part[there] for part in self._tile(row * self.across + col))
        return cells, known

    def _tile(self, number: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        cells, bits = self.arrays["tile.cells.blob"][number], self.arrays["tile.known.blob"][number]
        if _crc(cells, bits) != int(self.arrays["tile.crc"][number]):
            raise damaged(self.path)
        known = np.unpackbits(bits, count=TILE * TILE).astype(np.bool_)
        return cells.reshape(TILE, TILE), known.reshape(TILE, TILE)


def _meet(window: Window, row: int, col: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where a tile and a window meet: in the tile, and in the window."""
    top, foot = max(window.row, row * TILE), min(window.row_end, (row + 1) * TILE)
    left, right = max(window.col, col * TILE), min(window.col_end, (col + 1) * TILE)
    there = slice(top - row * TILE, foot - row * TILE), slice(left - col * TILE, right - col * TILE)
    return there, (slice(top - window.row, foot - window.row), slice(left - window.col, right - window.col))


def _crc(cells: NDArray[Any], bits: NDArray[np.uint8]) -> int:
    return zlib.crc32(bits.data, zlib.crc32(cells.view(np.uint8).data))


@contextmanager
def opened(entry: RasterEntry, cache: prepared.Cache) -> Iterator[Raster]:
    """Open a raster as prepared, or prepare it first; raises LayerError as `raster.opened` does.

    Reading raises CacheError where what was prepared is damaged: `discard` it then and open it anew.
    """
    kept = None
    if cache.folder is not None and entry.path.suffix.lower() in _SUFFIXES:
        key = _key(entry, cache)
        kept = cache.open(key) or _prepare(entry, cache, key)
    if kept is None:
        with raster.opened(entry) as read:
            yield read
    else:
        yield _mapped(entry, kept)


def discard(entry: RasterEntry, cache: prepared.Cache) -> None:
    """Remove what was prepared of a raster, and tell it."""
    kept = cache.open(_key(entry, cache))
    if kept is not None:
        cache.discard(kept.path)


def sha256(entry: RasterEntry, cache: prepared.Cache) -> str:
    """Return the SHA-256 of a raster's file, not hashed again while its size and times stand; raises LayerError."""
    if not entry.path.exists():
        raise LayerError("栅格文件不存在", where=entry.path.name, remedy="请检查 catalog.toml 的 path")
    return cache.sha256(entry.path, vectorfile.signature(entry.path))


def _key(entry: RasterEntry, cache: prepared.Cache) -> str:
    """Return the key of all that decides the cells: the files, what the catalogue says of them, who reads them."""
    names = (entry.path.with_name(entry.path.name + end) for end in _BESIDE[:2])
    beside = [*names, *(entry.path.with_suffix(end) for end in _BESIDE[2:])]
    files = [(file.name, cache.sha256(file, vectorfile.signature(file))) for file in beside if file.is_file()]
    return prepared.key(
        ["raster", _LAYOUT, prepared.package("rasterio"), sha256(entry, cache), files, entry.crs, entry.band, entry.nodata]
    )


def _prepare(entry: RasterEntry, cache: prepared.Cache, key: str) -> Shelf | None:
    """Cut a raster into tiles and keep them; None where it is too large, or cannot be kept."""
    with raster.opened(entry) as read:
        if read.width * read.height > LARGEST_CELLS:
            return None
        across = math.ceil(read.width / TILE)
        tiles = [_cut(read, row, col) for row in range(math.ceil(read.height / TILE)) for col in range(across)]
        meta = {"width": read.width, "height": read.height, "affine": list(read.affine), "system": read.system}
    if _key(entry, cache) != key:
        raise LayerError("栅格文件正在变动", where=entry.title, remedy="请等文件写完后重试")
    cells, bits = np.stack([cells for cells, _ in tiles]), np.stack([bits for _, bits in tiles])
    crc = np.array([_crc(*tile) for tile in tiles], dtype=np.uint32)
    return cache.save(key, meta, {"tile.cells.blob": cells, "tile.known.blob": bits, "tile.crc": crc})


def _cut(read: Raster, row: int, col: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return the cells of one tile and its bits, both flat; beyond the raster nothing is known."""
    window = Window(row * TILE, min((row + 1) * TILE, read.height), col * TILE, min((col + 1) * TILE, read.width))
    cells, known = read.values(window)
    short = [(0, TILE - size) for size in window.shape]
    return np.pad(cells, short).reshape(-1), np.packbits(np.pad(known, short).reshape(-1))


def _mapped(entry: RasterEntry, kept: Shelf) -> Raster:
    meta = kept.meta
    a, b, c, d, e, f = (float(one) for one in meta["affine"])
    tiles = _Tiles(kept, math.ceil(meta["width"] / TILE), kept.path)
    return Raster(int(meta["width"]), int(meta["height"]), (a, b, c, d, e, f), str(meta["system"]), entry, tiles)
