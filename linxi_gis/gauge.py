"""Measure a few sites again and again, without judging: what a site dragged over a map asks.

The layers stay open between questions, with the engine's indexes; a question of one site then takes a few ms.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import numpy as np
import shapely

from linxi_gis import __version__, engine, screening
from linxi_gis.benches import Bench, benches, stand
from linxi_gis.figures import Beside, Figures, Measurement
from linxi_gis.library import Library
from linxi_gis.measuring import beside_status, is_judged, not_overlaid, usable
from linxi_gis.model import Gap, Layer, Site
from linxi_gis.screening import STATUSES, Columns

# So many sets of open layers are kept: one for each thread that measures at a time, and for another day.
_KEPT = 4


@dataclass(frozen=True, slots=True, eq=False)
class Gauge:
    """The layers of a library, open for measuring. Safe to share between threads."""

    library: Library
    _free: list[tuple[Bench, ...]] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def measure(self, sites: Sequence[Site], day: date) -> list[Measurement]:
        """Measure sites against every layer in force on a day, with the engine that is there.

        Raises NothingCheckedError when not a single layer can be used.
        """
        return self.library.trying(partial(self._measured, sites, day))

    def _measured(self, sites: Sequence[Site], day: date) -> list[Measurement]:
        opened = self.library.layers(day)
        usable(opened, self.library)
        every = [*sites, *(other for site in sites for _, other in site.others)]
        with self._bench([layer for layer in opened if is_judged(layer)]) as ready:
            found = _columns(every, ready)
        tables = [_Table(one, columns) for one, columns in zip(ready, found, strict=True)]
        demonstration = self.library.catalog.demonstration or any(layer.identity.demonstration for layer in opened)
        made, row = [], len(sites)
        for place, site in enumerate(sites):
            others = tuple((name, _row(tables, row + n)) for n, (name, _) in enumerate(site.others))
            row += len(others)
            made.append(
                Measurement(
                    site, day, _row(tables, place), others, self.library.catalog.title, demonstration,
                    __version__, engine.choose(),
                )
            )  # fmt: skip
        return made

    @contextmanager
    def _bench(self, layers: Sequence[Layer | Gap]) -> Iterator[tuple[Bench, ...]]:
        """Lend one set of benches of these very layers to the thread that asks.

        It is made where none is free, and where a file that one is mapped from was changed or cut short.
        """
        with self._lock:
            place = next((n for n, one in enumerate(self._free) if _same(one, layers)), None)
            kept = None if place is None else self._free.pop(place)
        ready = kept if kept is not None and stand(kept) else benches(layers, self.library.cache)
        yield ready  # not given back after an error: what is damaged is opened anew
        with self._lock:
            self._free.insert(0, ready)
            del self._free[_KEPT:]


def _same(ready: Sequence[Bench], layers: Sequence[Layer | Gap]) -> bool:
    return len(ready) == len(layers) and all(_alike(one.layer, other) for one, other in zip(ready, layers, strict=True))


def _alike(one: Layer | Gap, other: Layer | Gap) -> bool:
    if isinstance(one, Gap) or isinstance(other, Gap):
        return one == other
    return (
        one.tree is other.tree and one.identity == other.identity and one.stale == other.stale
        and one.issues == other.issues and _same_place(one, other)
    )  # fmt: skip


def _same_place(one: Layer, other: Layer) -> bool:
    if one.coverage is None or other.coverage is None:
        return one.coverage is other.coverage
    return one.coverage is other.coverage or bool(shapely.equals_identical(one.coverage, other.coverage))


def _columns(sites: Sequence[Site], ready: Sequence[Bench]) -> tuple[Columns, ...]:
    grounds = np.full(len(sites), None, dtype=object)
    grounds[:] = [site.ground for site in sites]
    areas = np.array([site.area_m2 for site in sites], dtype=np.float64)
    accuracy = np.array([site.accuracy_m for site in sites], dtype=np.float64)
    kinds = shapely.get_dimensions(grounds).astype(np.int8)
    return screening.measure_block(grounds, kinds, areas, ready, accuracy_m=accuracy)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A layer and what it says of each site."""

    bench: Bench
    columns: Columns


def _row(tables: Sequence[_Table], row: int) -> tuple[Figures, ...]:
    return tuple(_figures(table.bench, table.columns, row) for table in tables)


def _figures(one: Bench, held: Columns, row: int) -> Figures:
    status = STATUSES[held.status[row]]
    if isinstance(one.layer, Gap):
        return Figures(one.identity, status, issues=(one.layer.issue,))
    if status == "not_checked":
        return Figures(one.identity, status, one.layer.sha256, issues=(*one.layer.issues, not_overlaid(one.layer)))
    first, last = np.searchsorted(held.hit_site, (row, row + 1)).tolist()
    zones = tuple((one.layer.zone_ids[z], one.layer.zone_names[z]) for z in held.hit_zone[first:last].tolist())
    covered = float(held.covered_share[row])
    return Figures(
        one.identity, status, one.layer.sha256, zones,
        float(held.area_m2[row]), float(held.length_m[row]), float(held.share[row]), covered,
        _beside(one.layer, held, row), (*one.layer.issues, *beside_status(one.layer, status, covered)),
    )  # fmt: skip


def _beside(layer: Layer, held: Columns, row: int) -> Beside | None:
    zone = int(held.near[row])
    if zone < 0:
        return None
    bearing = float(held.bearing_deg[row])
    return Beside(
        layer.zone_ids[zone], layer.zone_names[zone], float(held.distance_m[row]), None if np.isnan(bearing) else bearing
    )
