"""Whether a layer lies shifted against another that shares its corners: dx, dy and their uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from linxi_gis import crs, datum
from linxi_gis.checkup.record import COMMON, GRAVE, Fault
from linxi_gis.checkup.sheet import Sheet
from linxi_gis.crs import FloatArray

# Our choices. Shifts are looked for up to 60 m; web-map coordinates are tried by their own formula.
REACH_M = 60.0
_BIN_M = 2.0
_NEAR_M = 6.0  # pairs this near the fullest bin are refined: our choice
_LEAST = 20  # corners that must agree
# Corners of no common border fill the 6 m evenly (3 m an axis); a wider heap than this is no border.
_SPREAD_M = 1.5
_CHANCE = 8.0  # how many times more than by chance
_GRAVE_M = 10.0  # our choice: twice the 5 m the demonstration's lines are stated to
_SAME_M = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """One layer against another (m): add dx, dy to the first to bring it on the second; one standard error."""

    dx: float
    dy: float
    error: float
    corners: int

    @property
    def size(self) -> float:
        return float(np.hypot(self.dx, self.dy))


def estimate(moved: FloatArray, fixed: FloatArray) -> Estimate | None:
    """Return the shift that most corners of two layers, shape (n, 2) in metres, agree on; None when none stands out.

    Every pair of corners within 60 m votes for its displacement: what comes by chance is spread evenly, a shared
    border piles up in one place, found again as the mean of the pairs round the fullest bin.

    >>> xy = np.random.default_rng(1).uniform(0, 9000, (300, 2))
    >>> found = estimate(xy - (16.0, 12.0), xy)
    >>> round(found.dx, 3), round(found.dy, 3), found.corners
    (16.0, 12.0, 300)
    """
    if not len(moved) or not len(fixed):
        return None
    targets: Any = shapely.points(fixed)  # stubs say one or many
    tree = shapely.STRtree(targets)
    rows, others = tree.query(shapely.points(moved), predicate="dwithin", distance=REACH_M)
    votes = fixed[others] - moved[rows]
    if len(votes) < _LEAST:
        return None
    edges = np.arange(-REACH_M - _BIN_M, REACH_M + 2.0 * _BIN_M, _BIN_M)
    counts, _, _ = np.histogram2d(votes[:, 0], votes[:, 1], bins=(edges, edges))
    padded = np.pad(counts, 1)
    smooth = sum(padded[i : i + len(counts), j : j + len(counts)] for i in range(3) for j in range(3))
    top = np.unravel_index(int(np.argmax(smooth)), counts.shape)
    middle = np.array([edges[top[0]] + _BIN_M / 2.0, edges[top[1]] + _BIN_M / 2.0])
    for _ in range(10):
        near = votes[np.hypot(*(votes - middle).T) < _NEAR_M]
        if not len(near):
            return None
        middle = near.mean(axis=0)
    chance = len(votes) * (_NEAR_M / REACH_M) ** 2
    if len(near) < _LEAST or len(near) < _CHANCE * chance:
        return None
    spread = float(np.sqrt(near.var(axis=0).mean()))
    if spread > _SPREAD_M:
        return None
    error = spread / float(np.sqrt(len(near)))
    return Estimate(float(middle[0]), float(middle[1]), error, len(near))


def corners(sheet: Sheet) -> FloatArray:
    """Return the distinct corners of a layer as drawn, longitude latitude."""
    return np.unique(shapely.get_coordinates(sheet.drawn), axis=0)


def check(sheets: Sequence[Sheet]) -> Iterator[Fault]:
    """Yield layers that lie shifted against most of those they share corners with, and those in GCJ-02."""
    degrees = [corners(sheet) for sheet in sheets]
    plane = [crs.plane_of_points(xy) for xy in degrees]
    for n, sheet in enumerate(sheets):
        back = crs.plane_of_points(datum.wgs84_of_gcj02(degrees[n]))
        others = [m for m in range(len(sheets)) if m != n]
        found = [(m, one) for m in others if (one := estimate(plane[n], plane[m])) is not None]
        webbed = [m for m in others if (one := estimate(back, plane[m])) is not None and one.size < _SAME_M]
        if webbed and not found:
            names = "、".join(sheets[m].title for m in webbed)
            yield Fault("gcj02", GRAVE, sheet.id, (), sheet.box(), f"与 {len(webbed)} 个图层纠偏后才重合",
                        f"{sheet.title}疑为 GCJ-02（火星坐标），纠偏后与{names}重合",
                        "请索取 CGCS2000 原始数据；不要自行纠偏后当作正式图层", sheets[webbed[0]].id)  # fmt: skip
            continue
        off = [(m, one) for m, one in found if one.size > max(_SAME_M, 3.0 * one.error)]
        if off and 2 * len(off) > len(found):
            m, one = max(off, key=lambda pair: pair[1].corners)
            yield Fault("shift", GRAVE if one.size > _GRAVE_M else COMMON, sheet.id, (), sheet.box(),
                        f"dx {-one.dx:+.2f} m，dy {-one.dy:+.2f} m，±{one.error:.2f} m（{one.corners} 个拐点）",
                        f"{sheet.title}相对{sheets[m].title}等整体偏移 {one.size:.1f} m",
                        "请向提供单位核对坐标转换参数", sheets[m].id)  # fmt: skip
