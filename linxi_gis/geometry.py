"""Heal geometry: every repair is an Issue that carries the place."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException
from shapely.validation import explain_validity

from linxi_gis.crs import Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue

# Linework takes seconds for a few hundred random vertices, minutes for a thousand.
LINEWORK_VERTICES = 60
# Our choice: a repair costs about 65 µs a crossing, so this many half a second; random corners have
# n²/9 crossings. Beyond that it is no outline. Large outlines are bounded by the reader's time limit.
MAX_CROSSINGS = 10_000
_COUNTED_VERTICES = 100_000


def heal(geometry: Geometry, what: str) -> tuple[Geometry, tuple[Issue, ...]]:
    """Return a valid geometry of the same dimension, and an Issue when it had to be repaired.

    `geometry` is longitude latitude (the Issue's WKT is written as it is given). A self-crossing
    polygon becomes the areas it encloses (GEOS MakeValid, "structure" method keeps rings as rings);
    pieces of lower dimension that the repair leaves behind are dropped and the Issue says so.

    >>> bow_tie = shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")
    >>> healed, issues = heal(bow_tie, "地块1")
    >>> healed.area, issues[0].code, issues[0].geometry_wkt
    (2.0, 'geometry_healed', 'POINT (1 1)')

    Raises InputError for a tangle (see `check_tangle`) and for what GEOS cannot repair.
    """
    flat = shapely.force_2d(geometry)
    if flat.is_valid:
        return flat, ()
    reason = explain_validity(flat)
    check_tangle(flat, what)
    try:
        healed = _repaired(flat)
    except GEOSException as error:
        raise unrepairable(what) from error
    place = _place(reason)
    return healed, (
        Issue(
            code="geometry_healed",
            severity="warning",
            text=f"{what}的图形自相交或不合规（{reason}），已修复后使用",
            remedy="请核对拐点顺序，用修正后的图形重新提交",
            geometry_wkt=place or shapely.to_wkt(shapely.centroid(flat), rounding_precision=9),
        ),
    )


def unrepairable(what: str) -> InputError:
    """Return the error of a geometry that GEOS can make nothing of."""
    return InputError("图形自相交或不合规，无法修复", where=what, remedy="请核对拐点坐标与顺序后重新提交")


def check_tangle(geometry: Geometry, what: str) -> None:
    """Raise InputError for edges that meet more often than an outline's can, before a repair takes minutes.

    >>> check_tangle(shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"), "地块1")
    """
    xy, ring = shapely.get_coordinates(_rings(geometry), return_index=True)
    if not LINEWORK_VERTICES <= len(xy) <= _COUNTED_VERTICES:
        return
    kept = ring[1:] == ring[:-1]
    edges: Any = shapely.linestrings(np.stack([xy[:-1][kept], xy[1:][kept]], axis=1))  # stubs say one or many
    tree = shapely.STRtree(edges)
    left = 2 * (MAX_CROSSINGS + len(xy)) + 3 * len(edges)  # each pair twice; itself and two neighbours
    step = max(1, 200_000 // len(edges))
    for start in range(0, len(edges), step):
        left -= tree.query(edges[start : start + step], predicate="intersects").shape[1]
        if left < 0:
            raise InputError(
                f"{len(xy)} 个拐点的连线互相交叉过多（超过 {MAX_CROSSINGS + len(xy)} 处），不是可用的范围线",
                where=what,
                remedy="请核对拐点顺序",
            )


def _rings(geometry: Geometry) -> list[Geometry]:
    parts = shapely.get_parts(geometry)
    areas = [part for part in parts if shapely.get_dimensions(part) == 2]
    return [*shapely.get_rings(areas), *(part for part in parts if shapely.get_dimensions(part) == 1)]


def _repaired(flat: Geometry) -> Geometry:
    dimension = int(shapely.get_dimensions(flat))
    repaired = shapely.make_valid(flat, method="structure", keep_collapsed=True)
    kept = [part for part in shapely.get_parts(repaired) if shapely.get_dimensions(part) == dimension]
    kept = [piece for part in kept for piece in shapely.get_parts(part)]
    healed = shapely.union_all(kept) if kept else type(flat)()
    if healed.is_empty and shapely.get_num_coordinates(flat) < LINEWORK_VERTICES:
        # MakeValid's structure method finds no area; linework keeps both lobes of a bow-tie.
        lobes = [p for p in shapely.get_parts(shapely.make_valid(flat)) if p.area > 0.0]
        healed = shapely.union_all(lobes)
    return healed


def _place(reason: str) -> str | None:
    """Return the WKT point that GEOS names in brackets, or None."""
    inner = reason.partition("[")[2].partition("]")[0].split()
    if len(inner) < 2:
        return None
    try:
        return shapely.to_wkt(shapely.Point(float(inner[0]), float(inner[1])), rounding_precision=9)
    except ValueError:
        return None


# Of so many coverages (and counties) a thread keeps its copies; a catalogue has one or a few.
_KEPT = 16


class _Own(threading.local):
    """The geometries a thread last asked copies of, by their identity, each with its copy; and the last sites."""

    def __init__(self) -> None:
        self.copies: dict[int, tuple[Geometry, Geometry]] = {}
        self.of: list[Geometry] = []
        self.sites: NDArray[Any] = np.empty(0, dtype=object)


_OWN = _Own()


def own(geometry: Geometry) -> Geometry:
    """Return a prepared copy of a geometry that belongs to this thread alone; the last few are kept.

    Prepared geometries shared between threads crash the process (libgeos/geos #825).
    """
    kept = _OWN.copies.pop(id(geometry), None)
    if kept is None or kept[0] is not geometry:
        copy: Geometry = shapely.from_wkb(shapely.to_wkb(geometry))
        shapely.prepare(copy)
        kept = geometry, copy
    _OWN.copies[id(geometry)] = kept  # the last asked for stands last
    if len(_OWN.copies) > _KEPT:
        del _OWN.copies[next(iter(_OWN.copies))]
    return kept[1]


def own_sites(geometries: Sequence[Geometry]) -> NDArray[Any]:
    """Return prepared copies as `own` does, of any number; kept until others are asked for.

    Sites are measured against one layer after the other.
    """
    if len(geometries) != len(_OWN.of) or any(a is not b for a, b in zip(geometries, _OWN.of, strict=True)):
        copies = np.empty(len(geometries), dtype=object)
        copies[:] = geometries
        copies = np.asarray(shapely.from_wkb(shapely.to_wkb(copies)), dtype=object)
        shapely.prepare(copies)
        _OWN.of, _OWN.sites = list(geometries), copies
    return _OWN.sites
