"""The county every engine is measured on: six layers, sites and a corridor, drawn from one seed.

Everything is drawn in the area plane (linxi_gis.crs), 60 km by 90 km about its centre. Ragged outlines are
the borders of a field of value noise cut at a level: cells of a grid, every grid corner moved by less than
half a cell. Such a moved grid stays planar, so outlines are valid and neighbours share their edges exactly.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

SEED = 20261124
VERSION = 1  # of the generator: part of the name of its cache
WIDTH_M, HEIGHT_M = 60_000.0, 90_000.0
SITE_CORNERS = 32  # and the first again: 33 vertices
SITE_BLOCK = 50_000  # sites drawn at a time: a list of any length begins alike
CORRIDOR_M, CORRIDOR_WIDTH_M = 30_000.0, 20.0

Geometries = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything; `redline` is a number of vertices."""

    name: str
    redline: int
    zones: int
    cell_m: float
    roughness: float
    unit_cell_m: float
    water: int
    mines: int
    rivers: int
    points: int


# T is for tests.
SIZES = {
    "T": Size("T", 3_000, 12, 500.0, 0.65, 1500.0, 20, 15, 4, 40),
    "S": Size("S", 64_000, 200, 60.0, 0.7, 300.0, 150, 100, 20, 300),
    "M": Size("M", 1_170_000, 200, 12.0, 0.75, 120.0, 400, 300, 40, 800),
    "L": Size("L", 4_800_000, 200, 9.0, 0.83, 40.0, 1200, 900, 80, 2400),
}
LAYERS = ("redline", "units", "water", "mines", "rivers", "points")


def generator(size: str, what: str) -> np.random.Generator:
    """Return the source of numbers of one thing, so that none depends on the order they are drawn in."""
    return np.random.default_rng([SEED, *f"{size}/{what}".encode()])


# --- ragged outlines ---------------------------------------------------------------------------------------


def noise(rows: int, cols: int, rng: np.random.Generator, coarsest: int, roughness: float) -> Floats:
    """Return a field of value noise, shape (rows, cols): lattices of halving step, each interpolated."""
    field = np.zeros((rows, cols))
    step, weight = float(coarsest), 1.0
    while step >= 1.0:
        lattice = rng.random((int(rows / step) + 3, int(cols / step) + 3))
        y, x = np.arange(rows) / step, np.arange(cols) / step
        i, j = y.astype(int), x.astype(int)
        v, u = (y - i)[:, None], x - j
        west, east = lattice[:, j], lattice[:, j + 1]
        across = west + (east - west) * u
        field += weight * (across[i] + (across[i + 1] - across[i]) * v)
        step, weight = step / 2.0, weight * roughness
    return field


def _no_corners_meet(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill cells until no two meet at a corner alone: then no ring touches itself or another."""
    filled = inside.copy()
    while True:
        a, b, c, d = filled[:-1, :-1], filled[:-1, 1:], filled[1:, :-1], filled[1:, 1:]
        falling, rising = a & d & ~b & ~c, b & c & ~a & ~d
        if not (falling.any() or rising.any()):
            return filled
        filled[:-1, 1:] |= falling
        filled[:-1, :-1] |= rising


def outlines(labels: NDArray[np.int32], cell_m: float, rng: np.random.Generator) -> tuple[Geometries, NDArray[np.int32]]:
    """Return the regions of a grid of labels (0 is nothing) as polygons in the plane, and their labels."""
    from rasterio import features

    found = list(features.shapes(labels, mask=labels > 0, connectivity=4))
    polygons = np.array([shapely.geometry.shape(shape) for shape, _ in found], dtype=object)
    polygons = shapely.segmentize(polygons, 1.0)
    moved = rng.uniform(-0.45, 0.45, (labels.shape[0] + 1, labels.shape[1] + 1, 2))

    def place(corner: Floats) -> Floats:
        at = np.rint(corner).astype(int)
        metres: Floats = (at + moved[at[:, 1], at[:, 0]]) * cell_m - (WIDTH_M / 2.0, HEIGHT_M / 2.0)
        return metres.round(3)

    return shapely.transform(polygons, place), np.array([value for _, value in found], dtype=np.int32)


def _shape(cell_m: float) -> tuple[int, int]:
    return int(HEIGHT_M / cell_m), int(WIDTH_M / cell_m)


def _redline(size: Size) -> Geometries:
    """Return very ragged multipolygons with holes in holes, about `size.redline` vertices in all."""
    rng = generator(size.name, "redline")
    rows, cols = _shape(size.cell_m)
    coarsest = int(12_000.0 / size.cell_m)
    field = noise(rows, cols, rng, coarsest, size.roughness)
    inside = _no_corners_meet(field > np.quantile(field, 0.6))
    inside[[0, -1]] = inside[:, [0, -1]] = False
    polygons, _ = outlines(inside.astype(np.int32), size.cell_m, rng)
    vertices = shapely.get_num_coordinates(polygons)
    order = np.argsort(-vertices, kind="stable")
    keep = order[: int(np.searchsorted(np.cumsum(vertices[order]), size.redline)) + 1]
    polygons = polygons[keep]
    # The largest stand alone, the others join the one whose middle is nearest.
    heads = shapely.centroid(polygons[: size.zones])
    owner = np.arange(len(polygons))
    owner[size.zones :] = shapely.STRtree(heads).nearest(shapely.centroid(polygons[size.zones :]))
    return _multi(polygons, owner)


def _multi(polygons: Geometries, owner: NDArray[Any]) -> Geometries:
    order = np.argsort(owner, kind="stable")
    return np.asarray(shapely.multipolygons(polygons[order], indices=np.unique(owner[order], return_inverse=True)[1]))


def _units(size: Size) -> Geometries:
    """Return a coverage of 60 ragged units without gaps or overlaps."""
    rng = generator(size.name, "units")
    rows, cols = _shape(size.unit_cell_m)
    seeds = rng.random((60, 2)) * (rows, cols)
    coarsest = int(12_000.0 / size.unit_cell_m)
    bend = [(noise(rows, cols, rng, coarsest, 0.6) - 1.3) * coarsest for _ in range(2)]
    y, x = np.arange(rows)[:, None] + bend[0], np.arange(cols)[None, :] + bend[1]
    best, nearest = np.zeros((rows, cols), dtype=np.int32), np.full((rows, cols), np.inf)
    for n, (row, col) in enumerate(seeds, start=1):
        far = (y - row) ** 2 + (x - col) ** 2
        best[far < nearest] = n
        np.minimum(nearest, far, out=nearest)
    polygons, owner = outlines(best, size.unit_cell_m, rng)
    return _multi(polygons, owner)


# --- plain shapes ------------------------------------------------------------------------------------------


def blobs(rng: np.random.Generator, count: int, corners: int, area_m2: tuple[float, float], rough: float) -> Geometries:
    """Return polygons about random middles, areas log-uniform, valid because each corner has its own bearing."""
    middle = rng.uniform((-WIDTH_M / 2, -HEIGHT_M / 2), (WIDTH_M / 2, HEIGHT_M / 2), (count, 1, 2))
    turn = (np.arange(corners) + rng.uniform(-0.3, 0.3, (count, corners))) * (2.0 * np.pi / corners)
    radius = rng.uniform(1.0 - rough, 1.0 + rough, (count, corners))
    ring = np.stack((radius * np.cos(turn), radius * np.sin(turn)), axis=2)
    following = np.roll(ring, -1, axis=1)
    own = 0.5 * (ring[..., 0] * following[..., 1] - ring[..., 1] * following[..., 0]).sum(axis=1)
    wanted = np.exp(rng.uniform(np.log(area_m2[0]), np.log(area_m2[1]), count))
    ring = middle + ring * np.sqrt(wanted / own)[:, None, None]
    return np.asarray(shapely.polygons(np.concatenate((ring, ring[:, :1]), axis=1)))


def _walk(rng: np.random.Generator, steps: int, step_m: float, start: Floats, bearing: float) -> Floats:
    turn = bearing + np.clip(np.cumsum(rng.normal(0.0, 0.12, steps)), -1.2, 1.2)
    return start + np.concatenate(
        ([[0.0, 0.0]], np.cumsum(np.stack((np.cos(turn), np.sin(turn)), axis=1) * step_m, axis=0))
    )


def _rivers(size: Size) -> Geometries:
    """Return strips 40 to 160 m wide along wandering lines: managed ranges of rivers."""
    rng = generator(size.name, "rivers")
    lines = [
        shapely.LineString(
            _walk(
                rng, int(rng.integers(200, 600)), 60.0,
                rng.uniform((-WIDTH_M / 2, -HEIGHT_M / 2), (WIDTH_M / 2, HEIGHT_M / 2)), rng.uniform(0, 2 * np.pi),
            )
        )
        for _ in range(size.rivers)
    ]  # fmt: skip
    return np.asarray(shapely.buffer(np.array(lines), rng.uniform(20.0, 80.0, size.rivers), quad_segs=4))


def _points(size: Size) -> Geometries:
    rng = generator(size.name, "points")
    corner = (WIDTH_M / 2, HEIGHT_M / 2)
    return np.asarray(shapely.points(rng.uniform(np.negative(corner), corner, (size.points, 2))))


def layers(name: str) -> dict[str, Geometries]:
    """Draw the six layers of a size, valid geometries in the area plane."""
    size = SIZES[name]
    return {
        "redline": _redline(size),
        "units": _units(size),
        "water": blobs(generator(name, "water"), size.water, 60, (2e4, 6e6), 0.25),
        "mines": blobs(generator(name, "mines"), size.mines, 16, (1e5, 8e6), 0.3),
        "rivers": _rivers(size),
        "points": _points(size),
    }


def sites(count: int) -> Geometries:
    """Draw parcels of 0.5 to 50 ha with 33 vertices; a shorter list is the beginning of a longer one."""
    return np.concatenate(list(site_blocks(count)))


def site_blocks(count: int, block: int = SITE_BLOCK) -> Iterator[Geometries]:
    """Draw the same parcels block by block, so that a million need not stand in memory."""
    for n, first in enumerate(range(0, count, block)):
        yield blobs(generator("sites", str(n)), block, SITE_CORNERS, (5e3, 5e5), 0.3)[: count - first]


def corridors(count: int) -> Geometries:
    """Draw strips 30 km long and 20 m wide across the county."""
    rng = generator("corridors", "")
    made = []
    for _ in range(count):
        bearing = np.pi / 2 + rng.uniform(-0.4, 0.4)
        line = _walk(rng, 300, CORRIDOR_M / 300, rng.uniform((-20e3, -40e3), (20e3, 10e3)), bearing)
        made.append(shapely.buffer(shapely.LineString(line), CORRIDOR_WIDTH_M / 2, cap_style="flat"))
    return np.array(made)


# --- cache -------------------------------------------------------------------------------------------------


def save(path: Path, geometries: Geometries) -> None:
    """Write geometries as WKB with offsets, whole or not at all."""
    wkb = shapely.to_wkb(geometries)
    offsets = np.cumsum([0, *map(len, wkb)])
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        np.savez(part, blob=np.frombuffer(b"".join(wkb), dtype=np.uint8), offsets=offsets)
    shutil.move(part.name, path)


def load(path: Path) -> Geometries:
    """Read what `save` wrote."""
    with np.load(path) as kept:
        blob, offsets = kept["blob"].tobytes(), kept["offsets"]
    return np.asarray(shapely.from_wkb([blob[a:b] for a, b in pairwise(offsets)]))


def cached(name: str, cache: Path) -> dict[str, Geometries]:
    """Return the layers of a size, drawn once and kept in `cache` (a folder git ignores)."""
    folder = cache / f"{name}-{SEED}-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    if not all((folder / f"{layer}.npz").exists() for layer in LAYERS):
        for layer, zones in layers(name).items():
            save(folder / f"{layer}.npz", zones)
    return {layer: load(folder / f"{layer}.npz") for layer in LAYERS}


def vertices(drawn: dict[str, Geometries]) -> int:
    """Return how many vertices the layers have together."""
    return sum(int(shapely.get_num_coordinates(zones).sum()) for zones in drawn.values())
