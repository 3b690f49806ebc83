"""What every engine answers, and how two answers are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.engine.data import Floats, Geometries

# A distance is compared in full, so every engine is asked for the nearest zone however far it is.
FAR_M = 200_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """One layer: pairs that meet, sorted by site then zone, with areas; a distance for every site (0 for hits).

    `distance_m` is None where an engine was not asked for it.
    """

    site: NDArray[np.int64]
    zone: NDArray[np.int64]
    area_m2: Floats
    distance_m: Floats | None


Answers = dict[str, Columns]


class Engine(Protocol):
    """An engine: prepared once with all layers, then asked for batches of sites, as often as one likes."""

    name: str
    version: str
    whole: bool  # whether it answers distances in a batch

    def prepare(self, layers: dict[str, Geometries]) -> None:
        """Load and index the layers (valid geometries in the area plane)."""

    def load(self, sites: Geometries) -> object:
        """Hand the sites over in the engine's own form: not timed."""

    def batch(self, sites: object) -> object:
        """Do the whole job for the sites handed over: timed."""

    def answers(self, made: object) -> Answers:
        """Return what `batch` made as columns: not timed."""

    def check(self, site: shapely.Polygon) -> None:
        """Do the whole job for one site, from a geometry in memory to figures in memory: timed."""

    def close(self) -> None:
        """Let go of everything."""


def columns(site: object, zone: object, area: object, distance: Floats | None) -> Columns:
    """Return columns sorted by site, then zone."""
    rows, zones = np.asarray(site, dtype=np.int64), np.asarray(zone, dtype=np.int64)
    order = np.lexsort((zones, rows))
    return Columns(rows[order], zones[order], np.asarray(area, dtype=np.float64)[order], distance)


def joined(parts: list[tuple[int, Answers]]) -> Answers:
    """Put the answers of runs of sites together; each part names the row of its first site."""
    first = parts[0][1]
    return {
        layer: Columns(
            np.concatenate([answer[layer].site + start for start, answer in parts]),
            np.concatenate([answer[layer].zone for _, answer in parts]),
            np.concatenate([answer[layer].area_m2 for _, answer in parts]),
            None if whole is None else np.concatenate([answer[layer].distance_m for _, answer in parts]),
        )
        for layer, whole in ((layer, one.distance_m) for layer, one in first.items())
    }


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two engines are apart: pairs only one of them has, and the worst differences."""

    sites: int
    pairs: int
    differing: int
    area_of_site: float
    distances: int
    distance_m: float

    def holds(self) -> bool:
        """Whether the two are within the bars of the issue: same hits, 1e-12 of the site, 1e-9 m."""
        return self.differing == 0 and self.area_of_site <= 1e-12 and self.distance_m <= 1e-9


def compare(one: Answers, other: Answers, sites: Geometries) -> Agreement:
    """Compare two answers about the same sites, layer by layer."""
    whole = shapely.area(sites)
    pairs = differing = distances = 0
    worst_area = worst_m = 0.0
    for layer in one:
        a, b = one[layer], other[layer]
        mine, theirs = (a.site << 32) | a.zone, (b.site << 32) | b.zone
        common, left, right = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
        pairs += len(common)
        differing += len(mine) + len(theirs) - 2 * len(common)
        gap = np.abs(a.area_m2[left] - b.area_m2[right]) / whole[a.site[left]]
        worst_area = max(worst_area, float(gap.max(initial=0.0)))
        if a.distance_m is not None and b.distance_m is not None:
            apart = np.abs(a.distance_m - b.distance_m)
            distances += len(apart)
            worst_m = max(worst_m, float(apart.max(initial=0.0)))
    return Agreement(len(sites), pairs, differing, worst_area, distances, worst_m)
