"""Whether a layer lies shifted against another that shares its corners: dx, dy and their uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, datum
from linxi_gis.checkup.record import COMMON, GRAVE, Fault
from linxi_gis.checkup.sheet import Sheet
from linxi_gis.crs import FloatArray

# All these are our choices; benchmarks/shift.py shows what they come to.
REACH_M = 60.0  # shifts are looked for so far; web-map coordinates are tried by their own formula
_WINDOW_M = 75.0  # pairs of corners so near vote: a heap at the border of what is looked for is whole
_BIN_M = 1.0
_SCALES_M = (1.0, 2.0, 4.0, 7.0)  # widths of heaps that are tried
_ROUND, _WIDER = 5.0, 1.6  # a heap is fitted within so many of its widths, and may turn out so much wider
_LEAST = 15  # corners that must agree
_SHARP_M = 0.5  # so narrow a heap is no chance; of a wider one the corners must be
_SHARE = 0.10  # this share of the smaller layer's: borders that run along each other heap up fewer
_CHANCE = 8.0  # how many times more than by chance
_ASKED = 20_000  # corners of a layer that vote; of more, evenly chosen ones
_FLOOR_M = 0.01  # degrees are written to 1e-7: no estimate is surer
_GRAVE_M = 10.0  # twice the 5 m the demonstration's lines are stated to
_SAME_M = 1.0
_ROUNDS, _EDGE = 100, 1e-6
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """One layer against another (m): add dx, dy to the first to bring it on the second.

    `error` is one standard error of dx and of dy, `noise` how far single corners lie off (one standard deviation an axis),
    `corners` how many of the first agree.
    """

    dx: float
    dy: float
    error: float
    noise: float
    corners: int

    @property
    def size(self) -> float:
        return float(np.hypot(self.dx, self.dy))


def estimate(moved: FloatArray, fixed: FloatArray) -> Estimate | None:
    """Return the shift that most corners of two layers, shape (n, 2) in metres, agree on; None when none stands out.

    Every pair of corners within 75 m votes for its displacement: what comes by chance is spread evenly, a shared
    border heaps up in one place. Normal heaps of four widths, each on ground that is even round it, are fitted to the
    votes by expectation-maximisation (Dempster, Laird, Rubin 1977), and the surest is taken: its middle is the shift, its
    width the noise of drawing, over the root of its votes the standard error. Borders drawn again with other corners are
    not recognised.

    >>> xy = np.random.default_rng(1).uniform(0, 9000, (300, 2))
    >>> found = estimate(xy - (16.0, 12.0), xy)
    >>> round(found.dx, 3), round(found.dy, 3), found.corners
    (16.0, 12.0, 300)
    """
    moved = moved[:: max(-(-len(moved) // _ASKED), 1)]
    votes, rows = _votes(moved, fixed)
    if len(votes) < _LEAST:
        return None
    least = max(_LEAST, _SHARE * min(len(moved), len(fixed)))
    found = (_settled(votes, rows, start, scale, least) for start, scale in _fullest(votes))
    return min((one for one in found if one is not None), key=lambda one: one.error, default=None)


def _settled(
    votes: FloatArray, rows: NDArray[np.intp], start: FloatArray, scale: float, least: float
) -> Estimate | None:
    """Fit a heap of about this width, and say what it comes to, None where it is no heap: `least` corners must agree."""
    near = np.hypot(*(votes - start).T) < _ROUND * scale
    heap = _fitted(votes[near], start, scale, _ROUND * scale)
    if heap is None:
        return None
    middle, width, among = heap
    agreeing = len(np.unique(rows[near][among > 0.5]))
    count = float(among.sum())
    chance = (len(votes) - count) * (2.0 * max(width, _BIN_M) / _WINDOW_M) ** 2
    around = (len(among) - count) * (2.0 * width / (_ROUND * scale)) ** 2
    if agreeing < (_LEAST if width <= _SHARP_M else least) or width > _WIDER * scale:
        return None
    if count < max(_CHANCE * chance, around) or np.hypot(*middle) > REACH_M:
        return None
    error = max(width * float(np.sqrt(count + around)) / count, _FLOOR_M)  # what is of the ground blurs the middle
    return Estimate(float(middle[0]), float(middle[1]), error, width, agreeing)


def _votes(moved: FloatArray, fixed: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
    """Return the displacements of pairs of corners within 75 m, and which corner of the first each is of."""
    if not len(moved) or not len(fixed):
        return np.empty((0, 2)), np.empty(0, dtype=np.intp)
    targets: Any = shapely.points(fixed)  # stubs say one or many
    rows, others = shapely.STRtree(targets).query(shapely.points(moved), predicate="dwithin", distance=_WINDOW_M)
    return fixed[others] - moved[rows], rows


def _fullest(votes: FloatArray) -> Iterator[tuple[FloatArray, float]]:
    """Yield where votes heap up most above what is round them, for a heap of each of the widths tried."""
    edges = np.arange(-_WINDOW_M, _WINDOW_M + _BIN_M, _BIN_M)
    counts, _, _ = np.histogram2d(votes[:, 0], votes[:, 1], bins=(edges, edges))
    places = (edges[:-1] + edges[1:]) / 2.0
    beyond = np.hypot(places[:, np.newaxis], places[np.newaxis]) > REACH_M + _BIN_M
    for width in _SCALES_M:
        above = _smoothed(counts, width / _BIN_M) - _smoothed(counts, 3.0 * width / _BIN_M)
        above[beyond] = 0.0
        top = np.unravel_index(int(np.argmax(above)), above.shape)
        yield np.array([places[top[0]], places[top[1]]]), width


def _smoothed(counts: FloatArray, bins: float) -> FloatArray:
    reach = np.arange(-int(3.0 * bins), int(3.0 * bins) + 1)
    kernel = np.exp(-0.5 * (reach / bins) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        counts = np.apply_along_axis(np.convolve, axis, counts, kernel, "same")
    return counts


def _fitted(
    votes: FloatArray, middle: FloatArray, width: float, within: float
) -> tuple[FloatArray, float, FloatArray] | None:
    """Fit a normal heap on ground that is even `within` so many metres of where it was seen.

    Return its middle, its width (m, an axis) and how surely each vote is of it; None where it dwindles away.
    """
    share, even = 0.5, 1.0 / (np.pi * within**2)
    for _ in range(_ROUNDS):
        away = ((votes - middle) ** 2).sum(axis=1)
        heap = share * np.exp(-0.5 * away / width**2) / (2.0 * np.pi * width**2)
        among: FloatArray = heap / (heap + (1.0 - share) * even)
        count = float(among.sum())
        if count < 1.0:
            return None
        before, middle = middle, (among[:, np.newaxis] * votes).sum(axis=0) / count
        width = max(float(np.sqrt((among * ((votes - middle) ** 2).sum(axis=1)).sum() / (2.0 * count))), _FLOOR_M)
        share = min(count / len(votes), 1.0 - _EDGE)
        if np.hypot(*(middle - before)) < _EDGE:
            break
    return middle, width, among


def is_off(found: Estimate) -> bool:
    """Whether a shift is more than a metre, three times its standard error, and twice what single corners stray."""
    return found.size > max(_SAME_M, 3.0 * found.error, 2.0 * found.noise)


def corners(sheet: Sheet) -> FloatArray:
    """Return the distinct corners of a layer as drawn, longitude latitude."""
    return np.unique(shapely.get_coordinates(sheet.drawn), axis=0)


def check(sheets: Sequence[Sheet]) -> Iterator[Fault]:
    """Yield layers that lie shifted against most of those they share corners with, and those in GCJ-02."""
    degrees = [corners(sheet) for sheet in sheets]
    plane = [crs.plane_of_points(xy) for xy in degrees]
    pairs: dict[tuple[int, int], Estimate] = {}
    for n, m in combinations(range(len(sheets)), 2):
        one = estimate(plane[n], plane[m])
        if one is not None:
            pairs[n, m], pairs[m, n] = one, replace(one, dx=-one.dx, dy=-one.dy)
    trusted = _largest(len(sheets), [pair for pair, one in pairs.items() if not is_off(one)])
    for n, sheet in enumerate(sheets):
        found = [(m, pairs[n, m]) for m in range(len(sheets)) if (n, m) in pairs]
        off = [(m, one) for m, one in found if is_off(one)]
        if n not in trusted:
            yield from _of_web_map(sheets, degrees, plane, n)
        if 2 * len(off) > len(found):
            m, one = max(off, key=lambda pair: pair[1].corners)
            yield Fault("shift", GRAVE if one.size > _GRAVE_M else COMMON, sheet.id, (), sheet.box(),
                        f"dx {-one.dx:+.2f} m，dy {-one.dy:+.2f} m，±{one.error:.2f} m（{one.corners} 个拐点）",
                        f"{sheet.title}相对{sheets[m].title}等整体偏移 {one.size:.1f} m",
                        "请向提供单位核对坐标转换参数", sheets[m].id)  # fmt: skip


def _largest(count: int, agreed: Sequence[tuple[int, int]]) -> set[int]:
    """Return the largest group of layers that lie on each other, directly or by others."""
    groups = [{n} for n in range(count)]
    for n, m in agreed:
        if groups[n] is not groups[m]:
            groups[n] |= groups[m]
            for one in tuple(groups[m]):
                groups[one] = groups[n]
    return max(groups, key=len, default=set())


def _of_web_map(
    sheets: Sequence[Sheet], degrees: Sequence[FloatArray], plane: Sequence[FloatArray], n: int
) -> Iterator[Fault]:
    """Yield a layer that shares corners with others once it is brought back from GCJ-02."""
    sheet, back = sheets[n], crs.plane_of_points(datum.wgs84_of_gcj02(degrees[n]))
    others = [(m, estimate(back, plane[m])) for m in range(len(sheets)) if m != n]
    webbed = [m for m, one in others if one is not None and one.size < _SAME_M]
    if webbed:
        names = "、".join(sheets[m].title for m in webbed[:_NAMED]) + ("等" if len(webbed) > _NAMED else "")
        yield Fault("gcj02", GRAVE, sheet.id, (), sheet.box(), f"与 {len(webbed)} 个图层纠偏后才重合",
                    f"{sheet.title}疑为 GCJ-02（火星坐标），纠偏后与{names}重合",
                    "请索取 CGCS2000 原始数据；不要自行纠偏后当作正式图层", sheets[webbed[0]].id)  # fmt: skip
