"""Prepare zones for measuring: valid geometry in the area plane, and an index over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs
from linxi_gis.finding import Issue
from linxi_gis.geometry import heal
from linxi_gis.model import GeometryArray
from linxi_gis.zonestore import Zones


def prepare(
    drawn: GeometryArray, system: str, names: tuple[str, ...]
) -> tuple[GeometryArray, Zones, tuple[Issue, ...]]:
    """Return the zones in the area plane, the same indexed, and an Issue for each repair.

    A zone without a shape, or one whose repair leaves nothing, becomes an empty geometry with an Issue
    of code `zone_empty` or `zone_lost`: the layer then cannot vouch for "no zone" (see `lossy`).

    Parameters
    ----------
    drawn : geometries in `system`, shape (n,)
    system : CRS text
    names : what to call each zone in an Issue, shape (n,)

    Raises CrsError when the coordinates cannot be transformed.
    """
    flat = shapely.force_2d(drawn)
    issues: list[Issue] = []
    unusable = shapely.is_missing(flat) | shapely.is_empty(flat) | ~_finite(flat)
    for i in np.flatnonzero(unusable):
        flat[i] = shapely.Point()
        issues.append(
            Issue("zone_empty", "error", f"{names[i]}没有图形或坐标不是有效数字，未参与比对", "请向图层提供单位索取完整图形")
        )
    for i in np.flatnonzero(~shapely.is_valid(flat)):
        flat[i], told = heal(flat[i], names[i])  # in its own CRS, so that edges stay straight there
        issues.extend(_placed(issue, system) for issue in told)
    plane = crs.to_plane(flat, system)
    for i in np.flatnonzero(~shapely.is_valid(plane)):
        # Projecting folded a needle-thin part over itself: an area too small to be told (below 1 mm²).
        plane[i], _ = heal(plane[i], names[i])
    for i in np.flatnonzero(shapely.is_empty(plane) & ~unusable):
        issues.append(
            Issue("zone_lost", "error", f"{names[i]}修复后没有面积，未参与比对", "请向图层提供单位索取正确的图形")
        )
    return plane, Zones.of(plane), tuple(issues)


def _finite(geometries: GeometryArray) -> NDArray[np.bool_]:
    """Return which geometries have only finite coordinates a map could hold, shape (n,)."""
    xy, row = shapely.get_coordinates(geometries, return_index=True)
    wild = ~(np.isfinite(xy) & (np.abs(xy) < 1e9)).all(axis=1)
    finite = np.ones(len(geometries), dtype=bool)
    finite[np.unique(row[wild])] = False
    return finite


def exploded(drawn: GeometryArray) -> tuple[GeometryArray, NDArray[np.intp]]:
    """Return geometries with collections cut into their parts, and which row each part came from.

    A zone that mixes areas, lines and points has no one relation to a site; its parts have.
    """
    mixed = shapely.get_type_id(drawn) == 7
    parts: list[object] = []
    rows: list[int] = []
    for i, geometry in enumerate(drawn):
        pieces = _flat_parts(geometry) if mixed[i] else [geometry]
        parts.extend(pieces)
        rows.extend([i] * len(pieces))
    column = np.empty(len(parts), dtype=object)
    column[:] = parts
    return column, np.array(rows, dtype=np.intp)


def _flat_parts(geometry: crs.Geometry) -> list[crs.Geometry]:
    parts: list[crs.Geometry] = []
    for part in shapely.get_parts(geometry):
        parts.extend(_flat_parts(part) if part.geom_type == "GeometryCollection" else [part])
    return parts or [geometry]


def lossy(issues: Iterable[Issue]) -> bool:
    """Whether a zone was lost in preparing, so that "no zone here" cannot be believed."""
    return any(issue.code in ("zone_empty", "zone_lost") for issue in issues)


def _placed(issue: Issue, system: str) -> Issue:
    """Return the issue with its place in longitude latitude."""
    if issue.geometry_wkt is None:
        return issue
    place = crs.to_lonlat(shapely.from_wkt(issue.geometry_wkt), system)
    return replace(issue, geometry_wkt=shapely.to_wkt(place, rounding_precision=9))
