"""How much a file may draw: features, vertices, and edges so long that following them takes minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.errors import InputError
from linxi_gis.intake.reading import Draft, Limits, shapes_of

# Edges are cut every 70 m (crs.STEP_M). Our choice: room for every road of a province, and 10 km an edge.
# Without it 2,000 lines of 1,500 km, 39 KB as GeoJSON, take 52 s.
_FREE_KM = 20_000.0
_EDGE_KM = 10.0
_DEGREE_KM = 111.0
# What is wider in its own figures is refused alone, before a projection folds it into the county or a
# hole is followed for minutes; in degrees `footprint.make_sites` asks for less.
_FAR_KM = 5_000.0
_TURN = 360.0
_HOLE_DEG = 12.0
_REMEDY = "请拆分文件或只提交项目范围；确需更多时用 --limit {key}=数目 放宽"


def check_amounts(drafts: Sequence[Draft], source: str, limits: Limits) -> None:
    """Raise InputError for more features or vertices than the limits, or edges of absurd length in sum."""
    shapes = np.concatenate([np.zeros(0, dtype=object), *(shapes_of(draft.drawn) for draft in drafts)])
    vertices = int(shapely.get_num_coordinates(shapes).sum())
    check_many(len(shapes), vertices, source, limits, whole=True)
    total, most = _length_km(shapes), _FREE_KM + _EDGE_KM * vertices
    if total > most:  # unless by features that will be refused alone (`within_reach`)
        total = _length_km(shapes[~_far(shapes)])
    if total > most:
        raise InputError(
            f"{vertices} 个拐点连成的边总长 {total:.0f} km，超过 {most:.0f} km，不是可用的坐标",
            where=source,
            remedy="请核对坐标系和坐标；确是大范围数据的，请拆分后提交",
        )


Column = NDArray[np.object_]


def check_many(features: int, vertices: int, source: str, limits: Limits, *, whole: bool = False) -> None:
    """Raise InputError for more than the limits allow; `whole` when all of the file has been counted."""
    for count, limit, what, key in (
        (features, limits.features, "图形", "features"),
        (vertices, limits.vertices, "拐点", "vertices"),
    ):
        if count > limit:
            head = f"共有 {count} 个{what}，" if whole else what
            text = f"{head}超过上限 {limit} 个（--limit {key}=）"
            raise InputError(text, where=source, remedy=_REMEDY.format(key=key))


def _length_km(shapes: Column) -> float:
    """Length of all edges that would be followed, taken for degrees where every figure could be one."""
    if not len(shapes):
        return 0.0
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore", over="ignore"):
        unit = np.where(np.abs(bounds).max(axis=1) <= _TURN, _DEGREE_KM, 1e-3)
        wide = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) * unit
        lengths = shapely.length(shapes) * unit
    followed = np.isfinite(lengths) & (wide <= _FAR_KM)
    return float(lengths[followed].sum())


def within_reach(draft: Draft) -> tuple[Draft, list[InputError]]:
    """Return the draft without features thousands of kilometres wide, holes and all, and an error for each.

    Figures up to 360 may be degrees, or metres of a local grid: there only a hole far outside its ring counts.
    """
    shapes = shapes_of(draft.drawn)
    away = _far(shapes)
    if not away.any():
        return draft, []
    far = [
        InputError(
            f"{feature.label}：坐标相距数千公里以上，不是一个项目的范围", where=draft.source,
            remedy="请核对坐标值：可能多了或少了一位、缺小数点，或有点号混入",
        )
        for feature, odd in zip(draft.drawn, away.tolist(), strict=True) if odd
    ]  # fmt: skip
    kept = tuple(feature for feature, odd in zip(draft.drawn, away.tolist(), strict=True) if not odd)
    return replace(draft, drawn=kept), far


def _far(shapes: Column) -> NDArray[np.bool_]:
    """Whether each is thousands of kilometres wide; those empty or with NaN are told later on, and are not."""
    if not len(shapes):
        return np.zeros(0, dtype=bool)
    outer = shapely.bounds(shapes)
    known = np.isfinite(outer).all(axis=1)
    whole = outer.copy()
    holed = np.flatnonzero(known & _holed(shapes))
    if len(holed):
        inner = shapely.bounds(shapely.boundary(shapes[holed]))
        whole[holed] = np.column_stack(
            [np.fmin(outer[holed, :2], inner[:, :2]), np.fmax(outer[holed, 2:], inner[:, 2:])]
        )
    with np.errstate(invalid="ignore", over="ignore"):
        degrees = np.abs(outer).max(axis=1) <= _TURN
        apart = np.abs(whole - outer).max(axis=1) > _HOLE_DEG
        wide = (whole[:, 2:] - whole[:, :2]).max(axis=1) > _FAR_KM * 1000.0
    far: NDArray[np.bool_] = known & (~np.isfinite(whole).all(axis=1) | np.where(degrees, apart, wide))
    return far


def _holed(shapes: Column) -> NDArray[np.bool_]:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    holes = np.bincount(owner, weights=shapely.get_num_interior_rings(parts), minlength=len(shapes))
    held: NDArray[np.bool_] = holes > 0
    return held
