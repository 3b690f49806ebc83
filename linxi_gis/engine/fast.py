"""The compiled engine: the same answers as `plain`, some ten times as fast. Needs numba."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import shapely

from linxi_gis.engine import gaps, grid, kernels, rings
from linxi_gis.engine.answers import Near, Overlaps, Rows
from linxi_gis.engine.grid import Grid
from linxi_gis.engine.rings import Rings

# A block has this many edges of sites: enough to forget the cost of a call, few enough to share out evenly.
BLOCK_EDGES = 16_384

T = TypeVar("T")


def overlaps(index: Grid, sites: Rings, threads: int | None = None) -> Overlaps:
    """Return the pairs of sites and zones that have area in common (see `Overlaps`), on so many threads."""

    def block(start: int, stop: int) -> tuple[Rows, Rows, rings.FloatArray]:
        return kernels.common(index, sites.xy, sites.ring, sites.shape, start, stop)

    found = _in_blocks(block, sites, threads)
    if len(found) == 1:
        return Overlaps(*found[0])
    site, zone, area = (np.concatenate([one[k] for one in found]) for k in range(3))
    return Overlaps(site, zone, area)


def near(
    index: Grid, sites: Rings, reach_m: float, range_m: float, met: Overlaps | None = None, threads: int | None = None
) -> Near:
    """Return each site's zones within `reach_m`, else the nearest within `range_m` (see `Near`).

    `met` are the overlaps of the same sites and zones, where the caller has them: they are not looked for again.
    """
    met = overlaps(index, sites, threads) if met is None else met
    one = len(sites) == 1  # a check of one site counts in microseconds
    first = np.array([0, len(met.site)]) if one else np.searchsorted(met.site, np.arange(len(sites) + 1))

    def block(start: int, stop: int) -> tuple[Rows, rings.FloatArray]:
        known = first[start : stop + 1]
        return gaps.nearby(
            index, sites.xy, sites.ring, sites.shape, start, stop, known, met.zone, float(reach_m), float(range_m)
        )

    found = _in_blocks(block, sites, threads)
    pair, value = found[0] if len(found) == 1 else (np.concatenate([one[k] for one in found]) for k in range(2))
    return Near(pair[:, 0], pair[:, 1], value[:, 0], value[:, 1:3], value[:, 3:5])


def warm() -> None:
    """Compile everything, or read it from disk, so that nobody waits for it later (about 20 s, then half a second)."""
    squares = shapely.box([0.0, 20.0], [0.0, 0.0], [10.0, 30.0], [10.0, 10.0])
    index = grid.of(grid.build(squares))
    near(index, rings.of(squares[:1]), 5.0, 50.0, threads=1)
    gaps.turn(np.zeros((3, 2)))


def _in_blocks(work: Callable[[int, int], T], sites: Rings, threads: int | None) -> list[T]:
    """Return what the work on each block of sites gives, in order."""
    count = len(sites)
    if count <= 1:
        return [work(0, count)]
    edges = sites.edges()
    marks = np.searchsorted(edges, np.arange(BLOCK_EDGES, edges[-1], BLOCK_EDGES))
    cuts = np.unique(np.concatenate([[0], marks, [count]])).tolist()
    workers = min(threads or os.cpu_count() or 1, len(cuts) - 1)
    if workers == 1:
        return [work(a, b) for a, b in itertools.pairwise(cuts)]
    with ThreadPoolExecutor(workers) as pool:  # the kernels hold no lock of the interpreter's
        return list(pool.map(work, cuts[:-1], cuts[1:]))
