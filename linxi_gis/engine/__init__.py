"""Overlay of sites and zones in the area plane: arrays in, arrays out; knows no law, no site, no layer.

Two engines give the same answers: `plain` (shapely over pieces of zones) and `fast` (compiled, needs numba).
Each has an index that is a handful of flat arrays, to be kept anywhere and mapped into memory.

>>> import numpy as np, shapely
>>> zones, sites = np.array([shapely.box(0, 0, 2, 2)]), np.array([shapely.box(1, 1, 3, 3), shapely.box(5, 0, 6, 1)])
>>> index = open_index(build(zones, "plain"))
>>> overlaps(index, sites).area_m2.tolist(), near(index, sites, 1.0, 100.0).distance_m.tolist()
([1.0], [0.0, 3.0])
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.engine import grid, pieces, plain, rings
from linxi_gis.engine.answers import PLANE, Bend, Near, Overlaps
from linxi_gis.engine.grid import Grid
from linxi_gis.engine.pieces import Pieces
from linxi_gis.engine.rings import GeometryArray, Rings

if TYPE_CHECKING:
    Arrays = dict[str, NDArray[np.generic]]

Kind = Literal["fast", "plain"]
Index = Grid | Pieces

__all__ = [
    "PLANE", "Bend", "Index", "Kind", "Near", "Overlaps", "Rings",
    "both", "build", "choose", "near", "open_index", "overlaps", "warm",
]  # fmt: skip


def choose() -> Kind:
    """Return the engine to use here: "fast" where numba can be loaded and LINXI_ENGINE is not "plain"."""
    if os.environ.get("LINXI_ENGINE", "") == "plain":
        return "plain"
    return "fast" if _compiles() else "plain"


@lru_cache(maxsize=1)
def _compiles() -> bool:
    """Whether numba is there and can be loaded: one that does not fit the numpy beside it raises when it is."""
    if importlib.util.find_spec("numba") is None:
        return False
    try:
        importlib.import_module("numba")
    except (ImportError, AttributeError, OSError, RuntimeError, SystemError) as error:
        told = f"numba 装了但载入不了（{error}），改用不编译的内核（较慢，答案相同）；请重新运行 python start.py"
        warnings.warn(told, stacklevel=2)
        return False
    return True


def build(zones: GeometryArray, kind: Kind | None = None) -> Arrays:
    """Return the index of valid zones in the plane for an engine (by default the chosen one), as named arrays.

    Areas, lines and points, one kind each zone. Raises ValueError for a collection.
    """
    _refuse_collections(zones)
    kind = choose() if kind is None else kind
    return grid.build(zones) if kind == "fast" else pieces.build(zones)


def open_index(arrays: Arrays) -> Index:
    """Return an index from its arrays, of whichever engine they are. Raises KeyError when one is missing."""
    return Pieces(arrays) if "piece.blob" in arrays else grid.of(arrays)


def overlaps(index: Index | Arrays, sites: GeometryArray | Rings, threads: int | None = None) -> Overlaps:
    """Return the pairs of sites and zones that have area in common (see `Overlaps`); lines and points have none.

    `threads` is how many to use, by default all cores. Raises ValueError for a collection, TypeError for rings on a
    plain index.
    """
    index = open_index(index) if isinstance(index, dict) else index
    if isinstance(index, Pieces):
        return plain.overlaps(index, _shapes(sites), threads)
    from linxi_gis.engine import fast

    return fast.overlaps(index, _rings(sites), threads)


def near(
    index: Index | Arrays, sites: GeometryArray | Rings, reach_m: float, range_m: float,
    met: Overlaps | None = None, threads: int | None = None, bend: Bend = PLANE,
) -> Near:  # fmt: skip
    """Return every zone within `reach_m` of each site, and where there is none the nearest within `range_m`.

    `met`, the overlaps of the same sites and index, saves looking for them again. With a `bend` all distances are
    those of the ellipsoid (see `Bend`; 4e-8 of them). Raises as `overlaps`.
    """
    index = open_index(index) if isinstance(index, dict) else index
    if isinstance(index, Pieces):
        return plain.near(index, _shapes(sites), reach_m, range_m, met, threads, bend)
    from linxi_gis.engine import fast

    outlines = _rings(sites)
    met = fast.overlaps(index, outlines, threads) if met is None else met
    return fast.near(index, outlines, reach_m, range_m, met, threads, bend)


def both(
    index: Index | Arrays, sites: GeometryArray | Rings, reach_m: float, range_m: float,
    threads: int | None = None, bend: Bend = PLANE,
) -> tuple[Overlaps, Near]:  # fmt: skip
    """Return what `overlaps` and `near` give, at the price of one call."""
    index = open_index(index) if isinstance(index, dict) else index
    if isinstance(index, Pieces):
        shapes = _shapes(sites)
        met = plain.overlaps(index, shapes, threads)
        return met, plain.near(index, shapes, reach_m, range_m, met, threads, bend)
    from linxi_gis.engine import fast

    return fast.both(index, _rings(sites), reach_m, range_m, threads, bend)


def warm() -> bool:
    """Compile the fast engine, to be kept on disk; whether there is one. To be called once before the first batch."""
    if choose() != "fast":
        return False
    from linxi_gis.engine import fast

    fast.warm()
    return True


def _rings(sites: GeometryArray | Rings) -> Rings:
    return sites if isinstance(sites, Rings) else rings.of(sites)


def _shapes(sites: GeometryArray | Rings) -> GeometryArray:
    if isinstance(sites, Rings):
        raise TypeError("the plain engine takes geometries, not rings")
    shapes = np.asarray(sites, dtype=object)
    _refuse_collections(shapes)
    return shapes


def _refuse_collections(shapes: GeometryArray) -> None:
    if ((shapely.get_type_id(shapes) == _COLLECTION) & ~shapely.is_empty(shapes)).any():
        raise ValueError("a collection cannot be measured; take its parts")


_COLLECTION = 7  # shapely's type id
