"""What the size of the figures alone tells: degrees or metres, which column is east, which zone prefix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from linxi_gis.finding import Issue
from linxi_gis.intake.zones import zone_of_number

Bounds = tuple[float, float, float, float]
Kind = Literal["degrees", "zoned", "bare", "mercator", "unknown"]
# Metres a Gauss-Krüger coordinate in China can have: northing 18°-54°N, easting without its prefix.
_NORTHING = (2.0e6, 6.0e6)
_EASTING = (1.0e5, 1.0e6)
_CHINA = (73.0, 136.0, 3.0, 54.5)  # west, east, south, north in degrees
_MERCATOR = (8.12e6, 15.15e6, 0.33e6, 7.3e6)  # the same in Web Mercator metres


@dataclass(frozen=True, slots=True)
class Shape:
    """What the magnitudes tell: kind, which column is easting, its zone prefix, and whether the
    format had it otherwise; `mercator` when Web Mercator is possible too; `assumed` when nothing
    tells which column is easting and the first was taken.
    """

    kind: Kind
    east: int
    prefix: int | None = None
    swapped: bool = False
    mercator: bool = False
    assumed: bool = False


def examine(bounds: Bounds, east: int | None) -> Shape:
    """Return what coordinates within `bounds` (min and max of both columns) can be.

    `east` is the column the format takes for easting, None when it leaves it open.

    >>> examine((4829864.0, 39580743.0, 4829964.0, 39580843.0), None)
    Shape(kind='zoned', east=1, prefix=39, swapped=False, mercator=False, assumed=False)
    >>> examine((118.0, 43.5, 118.1, 43.6), 1).swapped
    True
    """
    order = (0, 1) if east is None else (east, 1 - east)
    found = [(column, _fit(bounds, column)) for column in order]
    if east is None and all(fit and fit[0] == "degrees" for _, fit in found):
        found = [(column, fit) for column, fit in found if in_china(bounds, column)]
        if not found:
            return Shape("degrees", 0, assumed=True)
    for column, fit in found:
        if fit:
            kind, prefix, mercator = fit
            return Shape(kind, column, prefix, east is not None and column != east, mercator)
    # A northing of China in one column only tells which it is, wherever the easting points.
    northing = [column for column in order if _in_range(bounds, 1 - column)]
    if len(northing) == 1:
        return Shape("unknown", northing[0], swapped=east is not None and northing[0] != east)
    return Shape("unknown", 0 if east is None else east, assumed=east is None)


def _in_range(bounds: Bounds, column: int) -> bool:
    return _NORTHING[0] <= bounds[column] <= bounds[column + 2] <= _NORTHING[1]


def columns(bounds: Bounds, east: int) -> tuple[float, float, float, float]:
    """Return west, east, south and north of bounds whose column `east` is easting."""
    north = 1 - east
    return bounds[east], bounds[east + 2], bounds[north], bounds[north + 2]


def _fit(bounds: Bounds, east: int) -> tuple[Kind, int | None, bool] | None:
    west, right, south, north = columns(bounds, east)
    if west >= -180.0 and right <= 180.0 and south >= -90.0 and north <= 90.0:
        return "degrees", None, False
    mercator = (
        _MERCATOR[0] <= west and right <= _MERCATOR[1] and _MERCATOR[2] <= south <= north <= _MERCATOR[3]
    )
    if _NORTHING[0] <= south <= north <= _NORTHING[1]:
        prefix = int(west // 1e6)
        if zone_of_number(prefix) and int(right // 1e6) == prefix and west % 1e6 >= _EASTING[0]:
            return "zoned", prefix, mercator
        if _EASTING[0] <= west <= right < _EASTING[1]:
            return "bare", None, False
    return ("mercator", None, True) if mercator else None


def in_china(bounds: Bounds, east: int) -> bool:
    """Whether degrees within `bounds` lie in China's extent when column `east` is longitude."""
    west, right, south, north = columns(bounds, east)
    return _CHINA[0] <= west and right <= _CHINA[1] and _CHINA[2] <= south and north <= _CHINA[3]


def mixed_prefixes(bounds: Bounds, east: int) -> tuple[int, int] | None:
    """Return the two zone numbers in the eastings of one feature, or None when they are not two zones."""
    for column in (east, 1 - east):
        west, right, _, _ = columns(bounds, column)
        low, high = int(west // 1e6), int(right // 1e6)
        if low != high and zone_of_number(low) and zone_of_number(high):
            return low, high
    return None


def finite(bounds: Bounds) -> bool:
    """Whether all four bounds are numbers."""
    return all(math.isfinite(value) for value in bounds)


def swap_issue(shape: Shape) -> tuple[Issue, ...]:
    """Return the Issue of columns that were taken the other way round than the format has them."""
    if shape.assumed:
        text = "看不出哪一列是东向坐标（经度），按第一列为东、第二列为北读取"
        return (Issue("axes_assumed", "warning", text, "请在表头写明经度、纬度或 X（北）、Y（东）"),)
    if not shape.swapped:
        return ()
    words = "经度与纬度" if shape.kind == "degrees" else "X（北）与 Y（东）"
    return (Issue("axes_swapped", "warning", f"{words}两列与约定相反，已按数值大小对调", "请核对坐标顺序"),)
