"""Figures of a 界址点 TXT to metres: units, and constants the surveyors took off or put on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from linxi_gis.crs import FloatArray
from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Claim, Drawn
from linxi_gis.intake.txt_header import Constant, Header

# Metres from the equator, for all of China: whichever column lies there is X.
_NORTHING_M = (2.0e6, 6.0e6)
_DEGREES = 180.0
_MARGIN_M = 1.0e6
_FARTHEST_M = 1.0e8  # our choice: twice the largest easting there is, that of zone 45


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """The plots in metres or degrees, whether all are degrees, and what was done to the file's figures.

    `broken` are the plots whose figures lie beyond the earth.
    """

    drawn: tuple[Drawn, ...]
    degrees: bool
    issues: tuple[Issue, ...]
    broken: tuple[Drawn, ...] = ()


def finished(drawn: Sequence[Drawn], headers: Sequence[Header], alone: bool) -> Finished:
    """Return plots, as written, under their headers (one for each); `alone`: the file has one header.

    The issues of an only header are the file's; those of one of several belong to its plots.
    """
    if not drawn:
        return Finished((), False, ())
    bounds = np.abs(shapely.bounds(np.array([feature.geometry for feature in drawn], dtype=object)))
    degrees: list[bool] = np.all(bounds <= _DEGREES, axis=1).tolist()
    done: list[Drawn] = []
    told: dict[Issue, None] = {}
    shared = headers[0]
    for feature, header, angular in zip(drawn, headers, degrees, strict=True):
        if header.claim is shared.claim and _plain(feature, header, angular):
            done.append(feature)
            continue
        feature, issues = _converted(feature, header, angular)
        issues = (*header.issues, *issues)
        if alone:
            told |= dict.fromkeys(issues)
        own = () if alone else issues
        claim = _claim(header, angular)
        done.append(
            replace(feature, issues=feature.issues + own, claim=None if claim == shared.claim else claim)
        )
    beyond = _beyond(done)
    if any(beyond):
        broken = tuple(feature for feature, far in zip(done, beyond, strict=True) if far)
        kept = tuple(feature for feature, far in zip(done, beyond, strict=True) if not far)
        return Finished(kept, all(degrees), tuple(told), broken)
    return Finished(tuple(done), all(degrees), tuple(told))


def _beyond(drawn: Sequence[Drawn]) -> list[bool]:
    bounds = shapely.bounds(np.array([feature.geometry for feature in drawn], dtype=object))
    beyond: list[bool] = np.any(np.abs(bounds) > _FARTHEST_M, axis=1).tolist()
    return beyond


def _plain(feature: Drawn, header: Header, angular: bool) -> bool:
    """Whether a header leaves the figures of a plot as they are and has nothing to tell."""
    if header.scale != 1.0 or header.constants or header.issues or header.projection:
        return False
    return angular or feature.step is None or feature.step >= header.precision_m


def _claim(header: Header, angular: bool) -> Claim:
    """A projection that is not Gauss-Krüger cannot be used without --crs; degrees are not projected."""
    if angular or not header.projection or header.claim.foreign:
        return header.claim
    return replace(header.claim, foreign=header.projection)


def _converted(feature: Drawn, header: Header, angular: bool) -> tuple[Drawn, tuple[Issue, ...]]:
    if angular:
        stated = header.scale is not None and header.scale != 1.0
        text = "文件头写明计量单位为长度，坐标却像经纬度，按度读取"
        return feature, (Issue("unit_contradicts", "warning", text, "请核对计量单位"),) if stated else ()
    scale = 1.0 if header.scale is None else header.scale
    issues: list[Issue] = []
    if header.scale is None:
        text = "文件头写明计量单位为度，坐标却不是度，按米读取"
        issues.append(Issue("unit_contradicts", "warning", text, "请核对计量单位"))
    xy = shapely.get_coordinates(feature.geometry) * scale
    offset = np.zeros(2)
    for constant in header.constants:
        offset += _offset(constant, xy + offset, issues)
    step = None if feature.step is None else max(feature.step * scale, header.precision_m)
    if scale == 1.0 and not offset.any():
        return (feature if step == feature.step else replace(feature, step=step)), tuple(issues)
    moved = shapely.transform(feature.geometry, lambda points: points * scale + offset)
    return replace(feature, geometry=moved, step=step), tuple(issues)


def _offset(constant: Constant, xy: FloatArray, issues: list[Issue]) -> FloatArray:
    """What to add to the two columns; zero when the header or the figures leave it open, and that is told."""
    swapped = _northing(xy[:, 1]) and not _northing(xy[:, 0])
    column = int((constant.axis == "east") != swapped)  # X, the first column, is north by custom
    low, high = float(xy[:, column].min()), float(xy[:, column].max())
    carried = _carries(low, high, constant.metres)
    offset = np.zeros(2)
    if constant.axis == "east" and constant.way >= 0 and carried:
        return offset  # the zone number stands before the eastings already: nothing is open
    against = carried if constant.way < 0 else low < constant.metres
    if constant.axis is None or constant.way == 0 or against:
        text = f"文件头写有常数（{constant.text}），看不出坐标是否已经加减，未采用，坐标按原样读取"
        remedy = "请写明，例如“横坐标已减去 39000000”，或提交完整坐标"
        issues.append(Issue("constant_unclear", "warning", text, remedy))
        return offset
    offset[column] = -constant.way * constant.metres
    axis = "横坐标（东）" if constant.axis == "east" else "纵坐标（北）"
    done, undone = ("加过", "减去") if constant.way > 0 else ("减过", "加回")
    text = f"文件头写明{axis}{done}常数 {constant.metres:.0f}（{constant.text}），读取时已{undone}"
    issues.append(Issue("constant_applied", "warning", text, "请核对常数与坐标"))
    return offset


def _northing(column: FloatArray) -> bool:
    return bool((column >= _NORTHING_M[0]).all() and (column <= _NORTHING_M[1]).all())


def _carries(low: float, high: float, metres: float) -> bool:
    """Whether figures hold the constant already: they lie above it by less than a zone's width."""
    return metres <= low and high < metres + _MARGIN_M and metres >= _MARGIN_M
