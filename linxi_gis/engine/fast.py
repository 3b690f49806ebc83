"""The compiled engine: the same answers as `plain`, some ten times as fast. Needs numba."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import shapely

from linxi_gis.engine import gaps, grid, kernels, rings
from linxi_gis.engine.answers import PLANE, Bend, Near, Overlaps, Rows
from linxi_gis.engine.grid import Grid
from linxi_gis.engine.rings import FloatArray, Rings

# A block has this many edges of sites: enough to forget the cost of a call, few enough to share out evenly.
BLOCK_EDGES = 16_384
MANY = 256  # sites; of fewer the order does not matter

T = TypeVar("T")


def overlaps(index: Grid, sites: Rings, threads: int | None = None) -> Overlaps:
    """Return the pairs of sites and zones that have area in common (see `Overlaps`), on so many threads."""

    def block(visit: Rows) -> tuple[Rows, Rows, FloatArray, FloatArray]:
        return kernels.common(index, sites.xy, sites.ring, sites.shape, sites.solid, visit)

    visit, sorted_ = _order(sites)
    found = _joined(_in_blocks(block, sites, visit, threads))
    return Overlaps(*(found if sorted_ else _by_site(found, found[0])))


def near(
    index: Grid, sites: Rings, reach_m: float, range_m: float, met: Overlaps, threads: int | None = None,
    bend: Bend = PLANE,
) -> Near:  # fmt: skip
    """Return each site's zones within `reach_m`, else the nearest within `range_m` (see `Near`); `met` are the overlaps."""
    first = np.searchsorted(met.site, np.arange(len(sites) + 1))

    def block(visit: Rows) -> tuple[Rows, FloatArray]:
        known = first[visit[0] : visit[-1] + 2]
        return gaps.nearby(
            index, sites.xy, sites.ring, sites.shape, sites.solid, visit, known, met.zone,
            float(reach_m), float(range_m), _numbers(bend),
        )  # fmt: skip

    return _near(*_joined(_in_blocks(block, sites, np.arange(len(sites)), threads)))


def both(
    index: Grid, sites: Rings, reach_m: float, range_m: float, threads: int | None = None, bend: Bend = PLANE
) -> tuple[Overlaps, Near]:
    """Return what `overlaps` and `near` give, in one call of the compiled code: of one site, in half the time."""

    def block(visit: Rows) -> tuple[Rows, Rows, FloatArray, FloatArray, Rows, FloatArray]:
        return gaps.both(
            index, sites.xy, sites.ring, sites.shape, sites.solid, visit, float(reach_m), float(range_m), _numbers(bend)
        )

    visit, sorted_ = _order(sites)
    found = _joined(_in_blocks(block, sites, visit, threads))
    met, close = found[:4], found[4:]
    if not sorted_:
        met, close = _by_site(met, met[0]), _by_site(close, close[0][:, 0])
    return Overlaps(*met), _near(*close)


def _near(pair: Rows, value: FloatArray) -> Near:
    return Near(pair[:, 0], pair[:, 1], value[:, 0], value[:, 1:3], value[:, 3:5])


@lru_cache(maxsize=8)
def _numbers(bend: Bend) -> FloatArray:
    return np.array([bend.square, bend.slope, bend.curve])


def _joined(blocks: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The columns of blocks as those of one."""
    if len(blocks) == 1:
        return blocks[0]
    return tuple(np.concatenate(columns) for columns in zip(*blocks, strict=True))


def warm() -> None:
    """Compile everything, or read it from disk, so that nobody waits for it later (half a minute, then half a second)."""
    squares = shapely.box([0.0, 20.0], [0.0, 0.0], [10.0, 30.0], [10.0, 10.0])
    index = grid.of(grid.build(squares))
    site = rings.of(squares[:1])
    near(index, site, 5.0, 50.0, overlaps(index, site, threads=1), threads=1)
    both(index, site, 5.0, 50.0, threads=1)
    gaps.turn(np.zeros((3, 2)))


def _order(sites: Rings) -> tuple[Rows, bool]:
    """Return the rows of sites in the order to visit them, and whether that is their own.

    Neighbours one after another find what they need of a large index in the processor's cache.
    """
    count = len(sites)
    if count < MANY:
        return np.arange(count), True
    if sites.order is None:
        xy = np.concatenate([sites.xy, np.zeros((1, 2))])[sites.ring[sites.shape[:-1]]]  # an empty shape goes anywhere
        object.__setattr__(sites, "order", np.argsort(grid.morton(np.column_stack([xy, xy])), kind="stable"))
    assert sites.order is not None
    return sites.order, False


def _by_site(columns: tuple[Any, ...], site: Rows) -> tuple[Any, ...]:
    order = np.argsort(site, kind="stable")
    return tuple(column[order] for column in columns)


def _in_blocks(work: Callable[[Rows], T], sites: Rings, visit: Rows, threads: int | None) -> list[T]:
    """Return what the work on each block of sites gives, in the order of visiting them."""
    if len(visit) <= 1:
        return [work(visit)]
    edges = np.cumsum(np.diff(sites.edges())[visit])
    marks = np.searchsorted(edges, np.arange(BLOCK_EDGES, edges[-1], BLOCK_EDGES))
    cuts = np.unique(np.concatenate([[0], marks, [len(visit)]])).tolist()
    workers = min(threads or os.cpu_count() or 1, len(cuts) - 1)
    blocks = [visit[a:b] for a, b in itertools.pairwise(cuts)]
    if workers == 1:
        return [work(block) for block in blocks]
    with ThreadPoolExecutor(workers) as pool:  # the kernels hold no lock of the interpreter's
        return list(pool.map(work, blocks))
