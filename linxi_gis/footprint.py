"""Make a Site from a drawn geometry and its reference system: heal, densify, project, measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from linxi_gis import crs, geodesy
from linxi_gis.errors import InputError, UsageError
from linxi_gis.finding import Issue
from linxi_gis.geometry import heal
from linxi_gis.model import Kind, Reference, Site

# Our choice: planar and ellipsoidal area differ by 0.04 % at most here; more than twice that is no
# matter of projection.
DECLARED_TOLERANCE = 1e-3
SHOWN_STEP_M = 500.0
MIN_WIDTH_M = 0.1  # our choice: no work is narrower, and a thinner strip is a line
# Our limit: about 1000 km; the county is 1° by 1°. Beyond it a coordinate is wrong, and measuring slow.
MAX_EXTENT_DEG = 12.0
_KINDS: dict[int, Kind] = {0: "point", 1: "line", 2: "polygon"}


def make_site(
    drawn: crs.Geometry,
    reference: Reference,
    *,
    site_id: str,
    name: str = "",
    where: str = "",
    system: str | None = None,
    accuracy_m: float = 0.0,
    declared_area_m2: float | None = None,
    attributes: tuple[tuple[str, str], ...] = (),
    issues: tuple[Issue, ...] = (),
) -> Site:
    """Return the site of a geometry drawn in `system` (default: `reference.source`).

    Parameters
    ----------
    drawn : Point, LineString, Polygon or their Multi kinds; coordinates in `system`, x east, y north
    system : the CRS text the coordinates are in now; differs from `reference.source` when the
        source is no CRS that PROJ knows (GCJ-02) and was already converted
    where : file and feature, for messages

    Raises InputError for empty, non-finite, mixed or zero-size geometry.
    """
    system = system or reference.source
    drawn = shapely.force_2d(drawn)
    _check_drawn(drawn, where)
    healed, repairs = heal(crs.to_lonlat(drawn, system), where or "地块")
    _check_extent(healed, where)
    source_shape = drawn if not repairs else healed
    ground = crs.to_plane(source_shape, system if not repairs else crs.LONLAT)
    if not ground.is_valid:
        # Valid in degrees, folded in the plane: below the 0.1 mm edges are followed to, so not told.
        ground, _ = heal(ground, where or "地块")
    kind = _KINDS[int(shapely.get_dimensions(ground))]
    area = float(ground.area) if kind == "polygon" else 0.0
    planar = crs.gk_planar_area(healed) if kind == "polygon" else 0.0
    length = geodesy.length_m(ground) if kind == "line" else 0.0
    if (kind == "polygon" and area <= 0.0) or (kind == "line" and length <= 0.0):
        raise InputError("图形面积或长度为零", where=where, remedy="请检查拐点是否重复或共线")
    return Site(
        id=site_id,
        name=name or site_id,
        kind=kind,
        geometry=healed if repairs else _shown(drawn, system),
        ground=ground,
        reference=reference,
        area_m2=area,
        planar_area_m2=planar,
        length_m=length,
        accuracy_m=accuracy_m,
        declared_area_m2=declared_area_m2,
        source=where,
        attributes=attributes,
        issues=(*issues, *_told(repairs, area), *reconciled(declared_area_m2, area, planar)),
    )


def _shown(drawn: crs.Geometry, system: str) -> crs.Geometry:
    """Return what was drawn in longitude latitude, its long edges cut where they would bend.

    An edge that is straight in a projected plane bends in degrees: 2 cm for 1 km, 19 m for 34 km.
    Cut at 500 m, what is shown and written stays within 5 mm of what is measured.
    """
    cut = drawn if crs.parse(system).is_geographic else shapely.segmentize(drawn, SHOWN_STEP_M)
    shown: crs.Geometry = crs.to_lonlat(cut, system)
    return shown


def _check_drawn(drawn: crs.Geometry, where: str) -> None:
    if drawn.is_empty:
        raise InputError("图形为空", where=where, remedy="请检查该要素的坐标")
    if not np.isfinite(shapely.get_coordinates(drawn)).all():
        raise InputError("坐标含 NaN 或无穷大", where=where, remedy="请补全坐标后重新提交")
    if drawn.geom_type == "MultiPoint" and shapely.get_num_geometries(drawn) > 1:
        raise InputError("一个要素里有几个点", where=where, remedy="请一点一个要素，分别研判")
    if drawn.geom_type == "GeometryCollection":
        raise InputError("一个要素里混有点、线、面", where=where, remedy="请拆成几个要素分别提交")


def _check_extent(lonlat: crs.Geometry, where: str) -> None:
    """Raise InputError for what is left of nothing, or for an extent no project has."""
    if lonlat.is_empty:
        raise InputError("图形面积或长度为零", where=where, remedy="请检查拐点是否重复或共线")
    west, south, east, north = lonlat.bounds
    if max(east - west, north - south) > MAX_EXTENT_DEG:
        raise InputError(
            f"地块东西 {east - west:.1f}°、南北 {north - south:.1f}°，超过 {MAX_EXTENT_DEG:g}° 的上限",
            where=where,
            remedy="请核对坐标系和坐标；确是跨省线路的，请分段提交",
        )


def _told(repairs: tuple[Issue, ...], area_m2: float) -> tuple[Issue, ...]:
    """Add the area after the repair to the repair's text, so that it can be compared."""
    return tuple(replace(issue, text=f"{issue.text}；修复后面积 {area_m2:.2f} m²") for issue in repairs)


def reconciled(declared_m2: float | None, area_m2: float, planar_m2: float) -> tuple[Issue, ...]:
    """Return an Issue for a declared area (m²) that neither the ellipsoidal nor the planar one explains.

    >>> reconciled(10_000.0, 9_998.4, 10_000.0), reconciled(None, 9_998.4, 10_000.0)
    ((), ())
    """
    if declared_m2 is None or not area_m2:
        return ()
    if any(abs(declared_m2 / drawn - 1.0) <= DECLARED_TOLERANCE for drawn in (area_m2, planar_m2)):
        return ()
    return (
        Issue(
            "declared_area_differs",
            "warning",
            f"申报面积 {declared_m2:.2f} m² 与图形不符：椭球面积 {area_m2:.2f} m²，平面面积 {planar_m2:.2f} m²，"
            f"差 {(declared_m2 / area_m2 - 1.0) * 100.0:+.2f} %；研判按图形进行",
            "请核对拐点是否齐全、单位和带号是否正确，以及申报口径",
        ),
    )


def corridor(site: Site, width_m: float) -> Site:
    """Return a line site widened to a corridor of `width_m` in all, flat at its ends.

    A site that is no line is returned unchanged. Raises UsageError for a width that is not positive.
    """
    if not MIN_WIDTH_M <= width_m < 100_000.0:
        raise UsageError(
            f"走廊宽度 {width_m:g} m 不合理", remedy=f"--width 是总宽度（米），不小于 {MIN_WIDTH_M:g}"
        )
    if site.kind != "line":
        return site
    ground = shapely.buffer(site.ground, width_m / 2.0, cap_style="flat", join_style="mitre")
    # Cut finely first: the plane's straight edges bend in degrees, 8 mm for 1 km.
    outline = crs.lonlat_of_plane(shapely.segmentize(ground, crs.STEP_M))
    return replace(
        site,
        kind="corridor",
        geometry=outline,
        ground=ground,
        area_m2=float(ground.area),
        planar_area_m2=crs.gk_planar_area(outline),
        width_m=width_m,
    )
