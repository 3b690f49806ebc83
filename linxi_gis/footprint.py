"""Make a Site from a drawn geometry and its reference system: heal, densify, project, measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, edgearea, geodesy
from linxi_gis.errors import CrsError, InputError, UsageError
from linxi_gis.finding import Issue
from linxi_gis.geometry import heal
from linxi_gis.model import GeometryArray, Kind, Reference, Site

# Our choice: planar and ellipsoidal area differ by 0.04 % at most here; more than twice that is no
# matter of projection.
DECLARED_TOLERANCE = 1e-3
SHOWN_STEP_M = 500.0
MIN_WIDTH_M = 0.1  # our choice: no work is narrower, and a thinner strip is a line
# Our limit: about 1000 km; the county is 1° by 1°. Beyond it a coordinate is wrong, and measuring slow.
MAX_EXTENT_DEG = 12.0
# Our choice: a batch takes some 10 MB for its steps, and more vertices would not make it faster.
CHUNK_VERTICES = 100_000
_KINDS: dict[int, Kind] = {0: "point", 1: "line", 2: "polygon"}
_NO_SIZE, _NO_SIZE_REMEDY = "图形面积或长度为零", "请检查拐点是否重复或共线"
_MULTIPOINT, _COLLECTION = 4, 7  # shapely's type ids


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What a site is made of, as the arguments of `make_site`."""

    drawn: crs.Geometry
    reference: Reference
    site_id: str
    name: str = ""
    where: str = ""
    system: str | None = None
    accuracy_m: float = 0.0
    declared_area_m2: float | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    issues: tuple[Issue, ...] = ()


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
    sketch = Sketch(
        drawn, reference, site_id, name, where, system, accuracy_m, declared_area_m2, attributes, issues
    )
    (made,) = make_sites([sketch])
    if isinstance(made, InputError):
        raise made
    return made


def make_sites(sketches: Sequence[Sketch]) -> list[Site | InputError]:
    """Return for each sketch, in order, its site or the InputError that `make_site` raises for it.

    A batch gives bit for bit what its sketches give one by one: every step works on coordinates one
    by one, and a geometry that needs more than measuring (repair, an error) is taken out and done alone.
    """
    made: list[Site | InputError | None] = [None] * len(sketches)
    systems: dict[str, list[int]] = {}
    for row, sketch in enumerate(sketches):
        systems.setdefault(sketch.system or sketch.reference.source, []).append(row)
    for system, rows in systems.items():
        drawn = np.array([sketches[row].drawn for row in rows], dtype=object)
        for first, last in _chunks(shapely.get_num_coordinates(drawn)):
            _make(sketches, rows[first:last], drawn[first:last], system, made)
    return [_made_alone(sketch) if site is None else site for sketch, site in zip(sketches, made, strict=True)]


def _chunks(vertices: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Runs of geometries that hold about `CHUNK_VERTICES` together."""
    nth = np.cumsum(vertices, dtype=np.int64) // CHUNK_VERTICES
    bounds = [0, *(np.flatnonzero(np.diff(nth)) + 1).tolist(), len(vertices)]
    return pairwise(bounds)


def _make(
    sketches: Sequence[Sketch],
    rows: Sequence[int],
    drawn: GeometryArray,
    system: str,
    made: list[Site | InputError | None],
) -> None:
    """Fill `made` at `rows` with the sites that are plain; what stays None is to be made alone."""
    try:
        measured = measure(drawn, system)
    except CrsError:
        # One that no transformation reaches spoils the batch: halve it until that one stands alone.
        middle = len(rows) // 2
        if middle:
            _make(sketches, rows[:middle], drawn[:middle], system, made)
            _make(sketches, rows[middle:], drawn[middle:], system, made)
        return
    kinds = shapely.get_dimensions(measured.ground).tolist()
    areas, planar, lengths = (c.tolist() for c in (measured.area_m2, measured.planar_area_m2, measured.length_m))
    for n, place in enumerate(measured.rows.tolist()):
        sketch = sketches[rows[place]]
        made[rows[place]] = Site(
            id=sketch.site_id,
            name=sketch.name or sketch.site_id,
            kind=_KINDS[kinds[n]],
            geometry=measured.lonlat[n],
            ground=measured.ground[n],
            reference=sketch.reference,
            area_m2=areas[n],
            planar_area_m2=planar[n],
            length_m=lengths[n],
            accuracy_m=sketch.accuracy_m,
            declared_area_m2=sketch.declared_area_m2,
            source=sketch.where,
            attributes=sketch.attributes,
            issues=(*sketch.issues, *reconciled(sketch.declared_area_m2, areas[n], planar[n])),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The plain ones of a batch, as columns: `rows` are their places in it."""

    rows: NDArray[np.intp]
    lonlat: GeometryArray
    ground: GeometryArray
    area_m2: crs.FloatArray
    planar_area_m2: crs.FloatArray
    length_m: crs.FloatArray


def measure(drawn: GeometryArray, system: str) -> Measured:
    """Return what can be measured as drawn, valid in degrees and in the plane, of a size above zero.

    `drawn` is an array of geometries in `system`, x east. Raises CrsError when one of them is out of
    reach of `system`, or `system` is none.
    """
    drawn = shapely.force_2d(drawn)
    rows = np.flatnonzero(_plain(drawn))
    lonlat = crs.to_lonlat(drawn[rows], system)
    bounds = shapely.bounds(lonlat)
    keep = shapely.is_valid(lonlat) & (bounds[:, 2:] - bounds[:, :2] <= MAX_EXTENT_DEG).all(axis=1)
    rows, lonlat, drawn = rows[keep], lonlat[keep], drawn[rows[keep]]
    fine = crs.densify(drawn, system)
    ground = crs.plane_of_lonlat(_again(fine, drawn, lonlat, system))
    kinds = shapely.get_dimensions(ground)
    area = np.zeros(len(ground))
    area[kinds == 2] = edgearea.true_areas(fine[kinds == 2], ground[kinds == 2], system)
    length = _lengths(ground, kinds == 1)
    keep = shapely.is_valid(ground) & ((kinds == 0) | (area > 0.0) | (length > 0.0))
    rows, lonlat, drawn, ground, kinds = rows[keep], lonlat[keep], drawn[keep], ground[keep], kinds[keep]
    planar = np.zeros(len(rows))
    planar[kinds == 2] = _planar_areas(lonlat[kinds == 2])
    cut = drawn if crs.is_geographic(system) else crs.cut(drawn, SHOWN_STEP_M)
    shown = _again(cut, drawn, lonlat, system)
    # Edges that lie within a hair of each other may cross where they are cut: such are shown by their corners.
    crossed = np.array([one is not other for one, other in zip(shown, lonlat, strict=True)], dtype=bool)
    crossed[crossed] = ~shapely.is_valid(shown[crossed])
    shown = np.where(crossed, lonlat, shown)
    return Measured(rows, shown, ground, area[keep], planar, length[keep])


def _plain(drawn: GeometryArray) -> NDArray[np.bool_]:
    """Whether geometries have coordinates, all of them numbers, and are of one kind (not several points)."""
    kinds = shapely.get_type_id(drawn)
    several = (kinds == _MULTIPOINT) & (shapely.get_num_geometries(drawn) > 1)
    plain: NDArray[np.bool_] = ~shapely.is_empty(drawn) & ~several & (kinds != _COLLECTION)
    xy, owner = shapely.get_coordinates(drawn, return_index=True)
    plain[owner[~np.isfinite(xy).all(axis=1)]] = False
    return plain


def _again(cut: GeometryArray, drawn: GeometryArray, lonlat: GeometryArray, system: str) -> GeometryArray:
    """`cut` in longitude latitude, of which `lonlat` is known already where cutting changed nothing.

    Cutting adds vertices, and makes a Multi kind of one part that part.
    """
    changed = shapely.get_num_coordinates(cut) != shapely.get_num_coordinates(drawn)
    changed |= shapely.get_type_id(cut) != shapely.get_type_id(drawn)
    if not changed.any():
        return lonlat
    shown = lonlat.copy()
    shown[changed] = crs.to_lonlat(cut[changed], system)
    return shown


def _planar_areas(lonlat: GeometryArray) -> crs.FloatArray:
    """As `crs.gk_planar_area`, zone by zone."""
    areas = np.zeros(len(lonlat))
    bounds = shapely.bounds(lonlat)
    zones = np.floor((bounds[:, 0] + bounds[:, 2]) / 2.0 / 3.0 + 0.5)
    for zone in sorted(set(zones.tolist())):
        turned = shapely.transform(lonlat[zones == zone], crs.gk_plane(int(zone)))
        areas[zones == zone] = shapely.area(turned)
    return areas


def _lengths(ground: GeometryArray, lines: NDArray[np.bool_]) -> crs.FloatArray:
    """As `geodesy.length_m`, 0 for what is no line; summed in the same order, part by part."""
    lengths = np.zeros(len(ground))
    parts, owner = shapely.get_parts(ground[lines], return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    if len(xy):
        lonlat = crs.points_lonlat(xy)
        metres, _ = geodesy.distances(lonlat[:-1], lonlat[1:])
        metres[part[1:] != part[:-1]] = 0.0
        by_part = np.bincount(part[1:], weights=metres, minlength=len(parts))
        lengths[lines] = np.bincount(owner, weights=by_part, minlength=int(lines.sum()))
    return lengths


def _made_alone(sketch: Sketch) -> Site | InputError:
    try:
        return _alone(sketch)
    except InputError as error:
        return error


def _alone(sketch: Sketch) -> Site:
    """The site of a sketch that needs repair, or the reason why there is none (InputError)."""
    system, where = sketch.system or sketch.reference.source, sketch.where
    drawn = shapely.force_2d(sketch.drawn)
    _check_drawn(drawn, where)
    healed, repairs = heal(crs.to_lonlat(drawn, system), where or "地块")
    _check_extent(healed, where)
    straight_in = system if not repairs else crs.LONLAT
    fine = crs.densify(drawn if not repairs else healed, straight_in)
    ground = crs.plane_of_lonlat(crs.to_lonlat(fine, straight_in))
    folded = not ground.is_valid
    if folded:
        # Valid in degrees, folded in the plane: below the 0.1 mm edges are followed to, so not told.
        ground, _ = heal(ground, where or "地块")
    if ground.is_empty:
        raise InputError(_NO_SIZE, where=where, remedy=_NO_SIZE_REMEDY)
    kind = _KINDS[int(shapely.get_dimensions(ground))]
    area = _true_area(fine, ground, straight_in, folded) if kind == "polygon" else 0.0
    planar = crs.gk_planar_area(healed) if kind == "polygon" else 0.0
    length = geodesy.length_m(ground) if kind == "line" else 0.0
    if (kind == "polygon" and area <= 0.0) or (kind == "line" and length <= 0.0):
        raise InputError(_NO_SIZE, where=where, remedy=_NO_SIZE_REMEDY)
    return Site(
        id=sketch.site_id,
        name=sketch.name or sketch.site_id,
        kind=kind,
        geometry=healed if repairs else _shown(drawn, system, healed),
        ground=ground,
        reference=sketch.reference,
        area_m2=area,
        planar_area_m2=planar,
        length_m=length,
        accuracy_m=sketch.accuracy_m,
        declared_area_m2=sketch.declared_area_m2,
        source=where,
        attributes=sketch.attributes,
        issues=(*sketch.issues, *_told(repairs, area), *reconciled(sketch.declared_area_m2, area, planar)),
    )


def _true_area(fine: crs.Geometry, ground: crs.Geometry, system: str, folded: bool) -> float:
    if folded:
        return float(ground.area)
    one, other = np.array([fine], dtype=object), np.array([ground], dtype=object)
    return float(edgearea.true_areas(one, other, system)[0])


def _shown(drawn: crs.Geometry, system: str, corners: crs.Geometry) -> crs.Geometry:
    """Return what was drawn in longitude latitude, its long edges cut where they would bend.

    An edge that is straight in a projected plane bends in degrees: 2 cm for 1 km, 19 m for 34 km.
    Cut at 500 m, what is shown and written stays within 5 mm of what is measured. Edges within a hair of
    each other may cross where they are cut: such a shape is shown by its `corners` in longitude latitude.
    """
    cut = drawn if crs.is_geographic(system) else shapely.segmentize(drawn, SHOWN_STEP_M)
    shown: crs.Geometry = crs.to_lonlat(cut, system)
    return shown if cut is drawn or shown.is_valid else corners


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
        raise InputError(_NO_SIZE, where=where, remedy=_NO_SIZE_REMEDY)
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
    >>> [issue.code for issue in reconciled(1.0, 1e-12, 0.0)]
    ['declared_area_differs']
    """
    if declared_m2 is None or not area_m2:
        return ()
    drawn_m2 = (area for area in (area_m2, planar_m2) if area)  # of a sliver one may be nothing
    if any(abs(declared_m2 / drawn - 1.0) <= DECLARED_TOLERANCE for drawn in drawn_m2):
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

    Its other readings are widened too. A site that is no line is returned unchanged. Raises UsageError
    for a width that is not positive.
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
        others=tuple((name, corridor(other, width_m)) for name, other in site.others),
    )
