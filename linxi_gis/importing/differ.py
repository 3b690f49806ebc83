"""Compare two editions of a layer zone by zone: added, removed, changed, with ellipsoidal areas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.crs import Geometry
from linxi_gis.errors import UsageError
from linxi_gis.importing.editions import Edition, Zone

Kind = Literal["added", "removed", "changed"]
TITLES: dict[Kind, str] = {"added": "新增", "removed": "取消", "changed": "改变"}
# Coordinates of two editions differ by rounding: a border moved by less than 1 mm has not moved.
SAME_M = 1e-3
# As the check-up tells a duplicate: each of the two covers more than so much of the other.
SAME_SHARE = 0.95
_NOTHING: Geometry = shapely.Polygon()
_Pair = tuple[str, Zone | None, Zone | None]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A zone that is not the same in both: areas in m² on the ellipsoid, where it grew and where it shrank.

    `grown`, `shrunk` and `shape` (the zone as it is now, of a removed one as it was) are in the area plane;
    `what` says in words what else changed.
    """

    kind: Kind
    zone: str
    name: str
    before_m2: float
    after_m2: float
    grown: Geometry
    shrunk: Geometry
    shape: Geometry
    what: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """All changes, and the area of the whole layer before and after, overlaps counted once (m²).

    `by_shape` tells that zones were paired by their shapes; `doubts` what makes the pairs doubtful.
    """

    before: Edition
    after: Edition
    changes: tuple[Change, ...]
    same: int
    before_m2: float
    after_m2: float
    by_shape: bool
    doubts: tuple[str, ...] = ()

    @property
    def demonstration(self) -> bool:
        """Whether either edition is made up."""
        return self.before.demonstration or self.after.demonstration


def compare(before: Edition, after: Edition, *, by_shape: bool = False) -> Difference:
    """Return what changed from one edition to another; zones are matched by their ids, else by their shapes.

    The plane is equal-area on the ellipsoid, so planar areas are ellipsoidal ones. Raises UsageError where
    shapes must do and there are zones without area.
    """
    by_shape = by_shape or not (before.keyed and after.keyed)
    pairs = list(_by_shape(before, after) if by_shape else _by_id(before, after))
    found = [_change(*pair) for pair in pairs]
    changes = tuple(one for one in found if one is not None)
    doubts = () if by_shape else _doubts(pairs)
    same = len(found) - len(changes)
    return Difference(before, after, changes, same, _whole_m2(before), _whole_m2(after), by_shape, doubts)


def _whole_m2(held: Edition) -> float:
    return float(shapely.area(shapely.disjoint_subset_union_all([one.shape for one in held.zones])))


def _by_id(before: Edition, after: Edition) -> Iterator[_Pair]:
    old, new = ({one.id: one for one in held.zones} for held in (before, after))
    for zone in dict.fromkeys((*old, *new)):
        yield zone, old.get(zone), new.get(zone)


def _by_shape(before: Edition, after: Edition) -> Iterator[_Pair]:
    """Pair zones that cover each other by more than SAME_SHARE, the best first; each has one partner at most."""
    old, new = (np.array([one.shape for one in held.zones], dtype=object) for held in (before, after))
    if any((shapely.get_dimensions(shapes[~shapely.is_empty(shapes)]) < 2).any() for shapes in (old, new)):
        raise UsageError("点和线不能按图形配对", remedy="请用 --id 写明两个文件都有的编号字段")
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for a, b in _overlapping(old, new):
        if a not in partner and b not in taken:
            partner[a] = b
            taken.add(b)
    for a, zone in enumerate(before.zones):
        if a not in partner:
            yield f"原：{zone.id}", zone, None
        else:
            other = after.zones[partner[a]]
            yield zone.id if zone.id == other.id else f"{zone.id} → {other.id}", zone, other
    yield from ((f"新：{zone.id}", None, zone) for b, zone in enumerate(after.zones) if b not in taken)


def _overlapping(old: NDArray[np.object_], new: NDArray[np.object_]) -> list[tuple[int, int]]:
    """Return the pairs (row of old, row of new) that are one zone, those that agree best first."""
    if not len(old) or not len(new):
        return []
    a, b = shapely.STRtree(new).query(old)
    common = shapely.area(shapely.intersection(old[a], new[b]))
    share = common / np.maximum(shapely.area(old[a]), shapely.area(new[b]))
    best = np.argsort(-share, kind="stable")
    return [(int(a[k]), int(b[k])) for k in best[share[best] > SAME_SHARE]]


def _doubts(pairs: Sequence[_Pair]) -> tuple[str, ...]:
    """Return what speaks against the ids: none is in both, or most of those that are lie elsewhere now."""
    both = [(old.shape, new.shape) for _, old, new in pairs if old is not None and new is not None]
    gone, came = (sum(pair[side] is None for pair in pairs) for side in (2, 1))
    remedy = "疑为重新编号，可加 --by-shape 按图形配对"
    if not both and gone and came:
        return (f"两边的编号没有一个相同，{remedy}",)
    apart = sum(not shapely.intersects(old, new) for old, new in both)
    return (f"编号相同而图形不相交的有 {apart} 个，{remedy}",) if apart * 2 > len(both) else ()


def _change(zone: str, old: Zone | None, new: Zone | None) -> Change | None:
    if old is None:
        return None if new is None else _whole("added", zone, new)
    if new is None:
        return _whole("removed", zone, old)
    grown = shrunk = _NOTHING
    if not shapely.equals_identical(old.shape, new.shape):
        grown, shrunk = shapely.difference(new.shape, old.shape), shapely.difference(old.shape, new.shape)
    words = [f"{what}：{a or '（空）'} → {b or '（空）'}" for what, a, b in (
        ("名称", old.name, new.name), ("类别", old.cls, new.cls)) if a != b]  # fmt: skip
    moved = _moved(old.shape, new.shape, grown, shrunk)
    if not moved and not words:
        return None
    areas = float(shapely.area(old.shape)), float(shapely.area(new.shape))
    grown, shrunk = (part if moved and not thin(part, new.shape) else _NOTHING for part in (grown, shrunk))
    return Change("changed", zone, new.name, *areas, grown, shrunk, new.shape, "；".join(words))


def _whole(kind: Literal["added", "removed"], zone: str, one: Zone) -> Change:
    area = float(shapely.area(one.shape))
    if kind == "removed":
        return Change(kind, zone, one.name, area, 0.0, _NOTHING, one.shape, one.shape)
    return Change(kind, zone, one.name, 0.0, area, one.shape, _NOTHING, one.shape)


def _moved(old: Geometry, new: Geometry, grown: Geometry, shrunk: Geometry) -> bool:
    if shapely.get_dimensions(old) != shapely.get_dimensions(new):
        return True
    if shapely.get_dimensions(new) < 2:
        return bool(shapely.hausdorff_distance(old, new) > SAME_M)
    return not (thin(grown, new) and thin(shrunk, new))


def thin(part: Geometry, zone: Geometry) -> bool:
    """Whether a part of a zone of area is no more than the rounding of its border."""
    return bool(shapely.get_dimensions(zone) == 2 and part.area <= SAME_M * zone.length)
