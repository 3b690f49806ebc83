"""Compare two versions of a layer zone by zone: added, removed, changed, with ellipsoidal areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.crs import Geometry
from linxi_gis.errors import UsageError
from linxi_gis.model import Layer

Kind = Literal["added", "removed", "changed"]
TITLES: dict[Kind, str] = {"added": "新增", "removed": "取消", "changed": "改变"}
# Coordinates of two editions differ by rounding: a border moved by less than 1 mm has not moved.
_SAME_M = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A zone that is not the same in both: areas in m² on the ellipsoid, where it grew and where it shrank.

    `grown` and `shrunk` are in the area plane; `what` says in words what else changed.
    """

    kind: Kind
    zone: str
    name: str
    before_m2: float
    after_m2: float
    grown: Geometry
    shrunk: Geometry
    what: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes, and the area of the whole layer before and after, overlaps counted once (m²)."""

    changes: tuple[Change, ...]
    same: int
    before_m2: float
    after_m2: float


@dataclass(frozen=True, slots=True, eq=False)
class _Zone:
    name: str
    cls: str
    shape: Geometry


def compare(before: Layer, after: Layer) -> Difference:
    """Return what changed from one version to another; zones are matched by their ids.

    Pieces of one id are one zone. The plane is equal-area on the ellipsoid, so planar areas are ellipsoidal ones.
    """
    old, new = _zones(before), _zones(after)
    changes: list[Change] = []
    same = 0
    for zone in dict.fromkeys((*old, *new)):
        change = _change(zone, old.get(zone), new.get(zone))
        same += change is None
        if change is not None:
            changes.append(change)
    wholes = [shapely.area(shapely.union_all([one.shape for one in held.values()])) for held in (old, new)]
    return Difference(tuple(changes), same, float(wholes[0]), float(wholes[1]))


def _zones(layer: Layer) -> dict[str, _Zone]:
    rows: dict[str, list[int]] = {}
    for row, zone in enumerate(layer.zone_ids):
        rows.setdefault(zone.partition("#")[0], []).append(row)
    shapes: NDArray[np.object_] = np.asarray(layer.zones, dtype=object)
    return {
        zone: _Zone(_joined(layer.zone_names, held), _joined(layer.zone_classes, held), shapely.union_all(shapes[held]))
        for zone, held in rows.items()
    }


def _joined(texts: Sequence[str], rows: Sequence[int]) -> str:
    return "、".join(dict.fromkeys(texts[row] for row in rows if texts[row]))


def _change(zone: str, old: _Zone | None, new: _Zone | None) -> Change | None:
    nothing: Geometry = shapely.Polygon()
    if old is None or new is None:
        one, kind = (old, "removed") if new is None else (new, "added")
        if one is None:
            raise UsageError(f"没有 {zone}")
        area = float(shapely.area(one.shape))
        if kind == "removed":
            return Change("removed", zone, one.name, area, 0.0, nothing, one.shape)
        return Change("added", zone, one.name, 0.0, area, one.shape, nothing)
    grown, shrunk = shapely.difference(new.shape, old.shape), shapely.difference(old.shape, new.shape)
    words = [f"{what}：{a or '（空）'} → {b or '（空）'}" for what, a, b in (
        ("名称", old.name, new.name), ("类别", old.cls, new.cls)) if a != b]  # fmt: skip
    moved = _moved(old.shape, new.shape, grown, shrunk)
    if not moved and not words:
        return None
    areas = float(shapely.area(old.shape)), float(shapely.area(new.shape))
    grown, shrunk = (part if moved and not _thin(part, new.shape) else nothing for part in (grown, shrunk))
    return Change("changed", zone, new.name, *areas, grown, shrunk, "；".join(words))


def _moved(old: Geometry, new: Geometry, grown: Geometry, shrunk: Geometry) -> bool:
    if shapely.get_dimensions(old) != shapely.get_dimensions(new):
        return True
    if shapely.get_dimensions(new) < 2:
        return bool(shapely.hausdorff_distance(old, new) > _SAME_M)
    return not (_thin(grown, new) and _thin(shrunk, new))


def _thin(part: Geometry, zone: Geometry) -> bool:
    """Whether a part of a zone of area is no more than the rounding of its border."""
    return bool(shapely.get_dimensions(zone) == 2 and part.area <= _SAME_M * zone.length)
