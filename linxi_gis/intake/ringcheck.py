"""Corners looked at closely: doubled ones, repeated ones, spikes, and one far from all the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.finding import Issue
from linxi_gis.units import distance_text

DEGREE_M = 111_320.0
# Our choices: no instrument tells corners 1 mm apart; below 1° a corner goes out and comes back.
_SAME_M = 1e-3
_SPIKE_COS = float(np.cos(np.radians(1.0)))
# A corner is far when the rest without it spans so many times less; a line's vertices may well lie dense
# at one end, so there it takes more.
_FAR, _FAR_ON_A_LINE = 10.0, 100.0
_LISTED, _PLACED = 8, 200
# Odd numbers near 2^64 over the golden ratio and its like: they spread the bits of a fingerprint.
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """The rings and lines of many shapes as columns.

    `xy` (n, 2) is as drawn, `metres` (n, 2) the same on a local scale of metres; `chain` (n,) tells whose
    row it is; `start`, `stop` bound each chain's rows; `owner` is the shape's row, `closed` whether it is a ring.
    """

    xy: FloatArray
    metres: FloatArray
    chain: IntArray
    start: IntArray
    stop: IntArray
    owner: IntArray
    closed: NDArray[np.bool_]

    def rows(self, chain: int) -> slice:
        """The rows of a chain, without the point that closes a ring."""
        return slice(int(self.start[chain]), int(self.stop[chain]) - int(self.closed[chain]))


def chains_of(shapes: Sequence[Geometry], degrees: NDArray[np.bool_]) -> Chains:
    """Return the chains of shapes drawn in degrees or in metres; points have none."""
    held = np.empty(len(shapes), dtype=object)
    held[:] = list(shapes)
    parts, part_owner = shapely.get_parts(held, return_index=True)
    rings, place = shapely.get_rings(parts, return_index=True)  # of a MultiPolygon it gives none
    linear = shapely.get_dimensions(parts) == 1
    every: Any = np.concatenate([rings, parts[linear]])
    owner = np.concatenate([part_owner[place], part_owner[linear]]).astype(np.intp)
    xy, chain = shapely.get_coordinates(every, return_index=True)
    chain = chain.astype(np.intp)
    count = np.bincount(chain, minlength=len(every))
    stop = np.cumsum(count)
    closed = np.arange(len(every)) < len(rings)
    return Chains(xy, _metres(xy, degrees[owner][chain]), chain, stop - count, stop, owner, closed)


def _metres(xy: FloatArray, degrees: NDArray[np.bool_]) -> FloatArray:
    """Coordinates on a scale of metres: degrees stretched at their latitude, good to a per cent for a plot."""
    if not degrees.any():
        return xy
    north = np.where(degrees, DEGREE_M, 1.0)
    middle = np.radians(np.where(degrees, np.clip(xy[:, 1], -89.0, 89.0), 0.0).round(1))
    scaled: FloatArray = xy * np.column_stack([north * np.cos(middle), north])
    return scaled


def rings_of(shape: Geometry) -> list[Geometry]:
    """Return the rings of a polygon or of many, part by part, each shell before its holes."""
    return list(shapely.get_rings(shapely.get_parts(shape)))


def odd_chains(chains: Chains) -> IntArray:
    """Return the chains that hold a doubled point, a spike or a repeated corner: to be looked at closely."""
    if not len(chains.xy):
        return np.zeros(0, dtype=np.intp)
    rows = np.arange(len(chains.xy))
    first, last = rows == chains.start[chains.chain], rows == chains.stop[chains.chain] - 1
    ring = chains.closed[chains.chain]
    before = np.where(first & ring, np.maximum(chains.stop[chains.chain] - 2, 0), rows - 1)
    after = np.minimum(rows + 1, len(rows) - 1)
    back, ahead = chains.metres[before] - chains.metres, chains.metres[after] - chains.metres
    near, far = np.hypot(*back.T), np.hypot(*ahead.T)
    inner = ~last & (ring | ~first)
    doubled = ~last & (far <= _SAME_M)
    spike = inner & ((back * ahead).sum(axis=1) > _SPIKE_COS * near * far)
    odd = np.zeros(len(chains.start), dtype=bool)
    odd[chains.chain[doubled | spike]] = True
    odd[_with_repeats(chains, ring & ~last)] = True
    return np.flatnonzero(odd)


def _with_repeats(chains: Chains, among: NDArray[np.bool_]) -> IntArray:
    xy, chain = chains.xy[among], chains.chain[among]
    held = _perhaps_repeated(xy, chain)
    xy, chain = xy[held], chain[held]
    order = np.lexsort((xy[:, 1], xy[:, 0], chain))
    xy, chain = xy[order], chain[order]
    same = (chain[1:] == chain[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)
    return np.asarray(chain[1:][same], dtype=np.intp)


def _perhaps_repeated(xy: FloatArray, chain: IntArray) -> NDArray[np.bool_]:
    """Which rows share a fingerprint with another: equal places of a chain always do, others hardly ever.

    Sorting one whole number a row costs a tenth of sorting by chain, x and y.
    """
    bits = np.ascontiguousarray(xy + 0.0).view(np.uint64)  # + 0.0: a zero of either sign is one place
    mixed = (bits[:, 0] * _MIX[0]) ^ ((bits[:, 1] * _MIX[1]) >> np.uint64(7)) ^ (chain.astype(np.uint64) * _MIX[2])
    ordered = np.sort(mixed)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return np.zeros(len(xy), dtype=bool)
    return np.isin(mixed, twice)


def look(metres: FloatArray, closed: bool) -> tuple[list[int], list[tuple[int, int]], list[int]]:
    """Return the doubled points, the pairs of one place and the tips of spikes of a chain, as row numbers.

    `metres` (n, 2) is without the closing point of a ring. Doubled points are left out of the rest, and a
    corner that a spike starts from and comes back to is no repeated one.

    >>> look(np.array([[0, 0], [9, 0], [9, 0], [9, 9], [20, 9], [9, 9], [0, 9.0]]), True)
    ([2], [], [4])
    """
    step = np.hypot(*np.diff(metres, axis=0).T) if len(metres) > 1 else np.zeros(0)
    doubled = [int(n) + 1 for n in np.flatnonzero(step <= _SAME_M)]
    kept = np.setdiff1d(np.arange(len(metres)), doubled)
    if closed and len(kept) > 1 and np.hypot(*(metres[kept[0]] - metres[kept[-1]])) <= _SAME_M:
        doubled.append(int(kept[-1]))
        kept = kept[:-1]
    points = metres[kept]
    tips = _tips(points, closed)
    pairs = _pairs(points, set(tips)) if closed else []
    return doubled, [(int(kept[a]), int(kept[b])) for a, b in pairs], [int(kept[n]) for n in tips]


def _tips(points: FloatArray, closed: bool) -> list[int]:
    if len(points) < 3:
        return []
    back, ahead = np.roll(points, 1, axis=0) - points, np.roll(points, -1, axis=0) - points
    sharp = (back * ahead).sum(axis=1) > _SPIKE_COS * np.hypot(*back.T) * np.hypot(*ahead.T)
    if not closed:
        sharp[[0, -1]] = False
    return [int(n) for n in np.flatnonzero(sharp)]


def _pairs(points: FloatArray, tips: set[int]) -> list[tuple[int, int]]:
    """Rows at the same place, each with the one before it there; not the two feet of a spike."""
    seen: dict[tuple[float, float], int] = {}
    pairs = []
    for row, (x, y) in enumerate(points):
        key = (float(x), float(y))
        if key in seen:
            first = seen[key]
            between = (first + 1) % len(points) if row - first == 2 else (row + 1) % len(points)
            feet = row - first == 2 or (row + 2) % len(points) == first
            if not (feet and between in tips):
                pairs.append((first, row))
        seen[key] = row
    return pairs


def corner_issues(chains: Chains, chain: int, label: str, system: str) -> list[Issue]:
    """Return what is odd in the corners of one chain; `label` names it when its shape has several."""
    rows = chains.rows(chain)
    xy = chains.xy[rows]
    doubled, pairs, tips = look(chains.metres[rows], bool(chains.closed[chain]))
    issues = []
    if doubled:
        text = f"{label}{_numbers(doubled)}与前后相邻的点重合，共 {len(doubled)} 处，不影响面积"
        remedy = "请删去重复的点"
        issues.append(Issue("points_duplicated", "info", text, remedy, points_wkt(xy[doubled], system)))
    if pairs:
        named = "；".join(f"第 {a + 1} 点与第 {b + 1} 点" for a, b in pairs[:_LISTED])
        more = f"等 {len(pairs)} 处" if len(pairs) > _LISTED else ""
        text = f"{label}{named}{more}坐标相同却不相邻，图形在此自相接触"
        places = points_wkt(xy[[b for _, b in pairs]], system)
        issues.append(Issue("vertex_repeated", "warning", text, "请核对是否漏了点，或应分成几块", places))
    if tips:
        reach = np.hypot(*(chains.metres[rows][tips] - np.roll(chains.metres[rows], 1, axis=0)[tips]).T)
        text = f"{label}{_numbers(tips)}处夹角不足 1°，去而复返形成尖刺（最长约 {distance_text(float(reach.max()))}）"
        issues.append(Issue("spike", "warning", text, "请核对尖端的坐标", points_wkt(xy[tips], system)))
    return issues


def _numbers(rows: Sequence[int]) -> str:
    listed = "、".join(str(row + 1) for row in rows[:_LISTED])
    return f"第 {listed} 等点" if len(rows) > _LISTED else f"第 {listed} 点"


def points_wkt(xy: FloatArray, system: str) -> str:
    """Return places drawn in `system`, shape (n, 2), as the WKT of one point or many; at most 200."""
    if len(xy) == 1:
        return wkt(shapely.Point(xy[0]), system)
    return wkt(shapely.MultiPoint(xy[:_PLACED]), system)


def wkt(place: Geometry, system: str = crs.LONLAT) -> str:
    """Return a place drawn in `system` as WKT in EPSG:4490 degrees, 9 decimals (0.1 mm)."""
    lonlat: Geometry = crs.to_lonlat(place, system)
    return str(shapely.to_wkt(lonlat, rounding_precision=9))


def far_owners(chains: Chains) -> list[int]:
    """Return the shapes of which some corner may lie far from the rest: to be looked at closely."""
    rows = np.arange(len(chains.xy))
    kept = ~(chains.closed[chains.chain] & (rows == chains.stop[chains.chain] - 1))
    owner, metres = chains.owner[chains.chain[kept]], chains.metres[kept]
    if not len(owner):
        return []
    if (owner[1:] < owner[:-1]).any():
        order = np.argsort(owner, kind="stable")
        owner, metres = owner[order], metres[order]
    count = np.bincount(owner)
    many = np.flatnonzero(count >= 4)
    first = (np.cumsum(count) - count)[count > 0]
    whole, inner = np.zeros((2, len(count)))
    present = count > 0
    for axis in (0, 1):
        high, higher = _two_highest(metres[:, axis], first)
        low, lower = _two_highest(-metres[:, axis], first)
        whole[present] = np.maximum(whole[present], high + low)
        inner[present] = np.maximum(inner[present], higher + lower)
    return [int(one) for one in many[whole[many] > _FAR * inner[many]]]


def _two_highest(values: FloatArray, first: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the highest and the next highest value of each run of values; `first` are where the runs begin."""
    high = np.maximum.reduceat(values, first)
    at_top = values == np.repeat(high, np.diff(np.append(first, len(values))))
    # Two at the top: the next highest is as high.
    rest = np.maximum.reduceat(np.where(at_top, -np.inf, values), first)
    return high, np.where(np.add.reduceat(at_top.astype(np.intp), first) > 1, high, rest)


def far_corner(chains: Chains, owner: int, labels: Sequence[str], system: str) -> Issue | None:
    """Return the Issue of the corner without which the shape would be many times smaller, or None."""
    mine = np.flatnonzero(chains.owner == owner)
    rows = np.concatenate([np.arange(*chains.rows(int(chain)).indices(len(chains.xy))) for chain in mine])
    metres = chains.metres[rows]
    whole = float(np.ptp(metres, axis=0).max())
    ends = {int(end) for axis in (0, 1) for end in (metres[:, axis].argmin(), metres[:, axis].argmax())}
    rest = {end: float(np.ptp(np.delete(metres, end, axis=0), axis=0).max()) for end in sorted(ends)}
    far = min(rest, key=lambda end: rest[end])
    if whole <= (_FAR if chains.closed[mine[0]] else _FAR_ON_A_LINE) * rest[far]:
        return None
    row = int(rows[far])
    chain = int(chains.chain[row])
    name = f"{labels[int(np.flatnonzero(mine == chain)[0])]}第 {row - int(chains.start[chain]) + 1} 点"
    middle = np.delete(metres, far, axis=0).mean(axis=0)
    off = float(np.hypot(*(metres[far] - middle)))
    text = (
        f"{name}距其余各点约 {distance_text(off)}；没有这一点，图形的跨度由 {distance_text(whole)} "
        f"缩到 {distance_text(rest[far])}，多半是坐标写错"
    )
    return Issue("vertex_far", "warning", text, f"请核对{name}的坐标", points_wkt(chains.xy[[row]], system))
