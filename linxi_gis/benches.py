"""A layer made ready for measuring in bulk: an index for the engine that is there, kept beside the prepared layer."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import engine, prepared
from linxi_gis.crs import Geometry
from linxi_gis.engine.pieces import Pieces
from linxi_gis.engine.plain import EPSILON
from linxi_gis.errors import CacheError
from linxi_gis.model import Gap, Layer, LayerIdentity
from linxi_gis.region import Region
from linxi_gis.shelf import Shelf
from linxi_gis.zonestore import Zones

# Raised whenever what is kept beside the engine's own arrays is made otherwise.
LAYOUT = 1
_SHARED = "bench.shared"


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """A layer as one thread at a time measures with it, or the gap where it should be.

    `pieces` are its zones cut small, `index` these or those of another engine. `dimensions` are those of its zones,
    without the empty ones. `shared` are the pairs of zones that have ground in common, the row of the one times the
    number of zones plus that of the other, sorted; `coverage` is where the layer claims to know, None when it
    claims nothing. `shelves` are the files it is mapped from.
    """

    layer: Layer | Gap
    index: engine.Index | None = None
    pieces: Pieces | None = None
    zone_ids: Sequence[str] = ()
    dimensions: frozenset[int] = frozenset()
    shared: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    coverage: Region | None = None
    shelves: tuple[Shelf, ...] = ()

    @property
    def identity(self) -> LayerIdentity:
        """What is known of the layer."""
        return self.layer.identity


def stand(ready: Sequence[Bench]) -> bool:
    """Whether the files that layers are mapped from are those that were opened: to be asked before they are used again."""
    return all(shelf.stands() for one in ready for shelf in one.shelves)


def benches(
    layers: Sequence[Layer | Gap], cache: prepared.Cache | None = None, kind: engine.Kind | None = None
) -> tuple[Bench, ...]:
    """Return layers made ready for the thread that calls, with indexes of an engine (by default the chosen one).

    Indexes are kept in the cache, apart from the prepared layers, which a single check uses without them.
    Raises CacheError where a prepared layer turns out damaged.
    """
    kept, kind = cache or prepared.Cache(), kind or engine.choose()
    regions: dict[bytes, Region] = {}  # most layers share one coverage
    return tuple(_bench(layer, kept, kind, regions) for layer in layers)


def _bench(layer: Layer | Gap, cache: prepared.Cache, kind: engine.Kind, regions: dict[bytes, Region]) -> Bench:
    if isinstance(layer, Gap):
        return Bench(layer)
    zones = layer.tree if isinstance(layer.tree, Zones) else Zones.of(np.asarray(layer.zones, dtype=object))
    pieces = Pieces(zones.arrays)
    arrays = _arrays(zones, pieces, cache, kind)
    index = pieces if kind == "plain" else engine.open_index({k: array for k, array in arrays.items() if k != _SHARED})
    filled = ~np.isnan(zones.bounds[:, 0])
    dimensions = frozenset(np.unique(zones.arrays["zone.dimension"][filled]).tolist())
    return Bench(
        layer, index, pieces, tuple(layer.zone_ids), dimensions, arrays[_SHARED], _region(layer.coverage, regions),
        tuple(one for one in (zones.arrays, arrays) if isinstance(one, Shelf)),
    )  # fmt: skip


def _region(coverage: Geometry | None, regions: dict[bytes, Region]) -> Region | None:
    if coverage is None:
        return None
    key = bytes(shapely.to_wkb(coverage))
    if key not in regions:
        regions[key] = Region(coverage)
    return regions[key]


def _arrays(zones: Zones, pieces: Pieces, cache: prepared.Cache, kind: engine.Kind) -> Mapping[str, NDArray[Any]]:
    """Return the arrays of an index (of the plain engine none, it reads prepared layers) and `_SHARED`, as kept, or
    build and keep them."""
    if not isinstance(zones.arrays, Shelf):
        return _built(zones, pieces, kind)
    key = prepared.key(["bench", LAYOUT, kind, maker(), zones.arrays.path.stem])
    kept = cache.open(key)
    if kept is not None:
        try:
            list(kept.values())  # looks at every checksum
            return kept
        except CacheError:
            cache.discard(kept.path)
    made = _built(zones, pieces, kind)
    return cache.save(key, {}, made) or made


@lru_cache(maxsize=1)
def maker() -> str:
    """Return what tells one engine from another: an index is read by the very one that made it."""
    digest = hashlib.sha256()
    with contextlib.suppress(OSError):  # where there are no files the version must do
        for path in sorted(Path(engine.__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _built(zones: Zones, pieces: Pieces, kind: engine.Kind) -> dict[str, NDArray[Any]]:
    if kind == "plain":
        return {_SHARED: _both_ways(*_lapping_pieces(pieces), len(zones))}
    shapes = np.asarray(zones, dtype=object)
    arrays: dict[str, NDArray[Any]] = dict(engine.build(shapes, kind))
    areas = np.flatnonzero(shapely.get_dimensions(shapes) == 2)
    found = engine.overlaps(engine.open_index(arrays), shapes[areas])
    return {**arrays, _SHARED: _both_ways(areas[found.site].astype(np.int64), found.zone, len(shapes))}


def _both_ways(one: NDArray[np.int64], other: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return pairs of rows, each both ways round, as one number each, sorted."""
    apart = one != other
    one, other = one[apart], other[apart]
    return np.unique(np.concatenate([one * count + other, other * count + one])).astype(np.int64)


def _lapping_pieces(index: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of zones with ground in common; large zones take GEOS too long as a whole."""
    shapes, zone = index.areas.take(np.arange(len(index.zone))), index.zone
    areas = shapely.get_dimensions(shapes) == 2
    shapes, zone = shapes[areas], zone[areas]
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[zone[a] < zone[b]], b[zone[a] < zone[b]]
    far = np.abs(shapely.bounds(shapes)).max(axis=1, initial=0.0)[a]
    common = shapely.area(shapely.intersection(shapes[a], shapes[b]))
    real = common > 2.0 * EPSILON * far * shapely.length(shapes)[a]
    return zone[a[real]], zone[b[real]]
