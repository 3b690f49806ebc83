"""Reference systems: the area plane, CGCS2000 Gauss-Krüger zones, and safe ways between them.

Longitude comes first everywhere (``always_xy``); Chinese surveyors' X is northing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.errors import CrsError
from linxi_gis.projection import EqualArea, GaussKrueger

if TYPE_CHECKING:  # 80 ms to load: only where a system is not one of ours
    import pyproj

LONLAT = "EPSG:4490"
# Lambert azimuthal equal-area, centred on the county: planar area there *is* ellipsoidal area.
PLANE_CENTRE = (118.05, 43.75)
_PLANE = EqualArea(*PLANE_CENTRE)
# A straight edge in longitude/latitude bends in the plane by L² tan(lat)/(8R): 0.09 mm for 70 m
# at 44°N. Gauss-Krüger edges bend 25 times less within 120 km of the central meridian: 0.09 mm for 400 m.
STEP_M = 70.0
STEP_TM_M = 400.0
_DEGREE_M = 111_320.0
# Datums whose coordinates pyproj returns unchanged and without a warning (ballpark): refused.
_NEEDS_PARAMETERS = {"xian 1980": "西安80", "beijing 1954": "北京54", "new beijing": "新北京54"}
# Files by old tools name only the ellipsoid: Krassovsky 1940 and IAG 1975, semi-major axis in metres.
_OLD_ELLIPSOIDS_M = {6_378_245.0: "北京54（克拉索夫斯基椭球）", 6_378_140.0: "西安80（IAG 1975 椭球）"}
OLD_DATUM_REMEDY = "请先用当地七参数转换为 CGCS2000 再提交"
# A CRS text of ours: an old datum's system behind the parameters somebody answers for. PROJ's own
# way to say it (TOWGS84) is not used: it is left out, without a word, on the way to EPSG:4490.
_WITH_PARAMETERS = re.compile(r"bursa-wolf\(([^)]*)\) (.+)", re.DOTALL)

Geometry = shapely.geometry.base.BaseGeometry
FloatArray = NDArray[np.float64]


@lru_cache(maxsize=256)  # texts come from uploads
def parse(text: str) -> pyproj.CRS:
    """Return the CRS of a text (EPSG code, WKT, PROJ); raises CrsError when there is none.

    Of a text `with_parameters` it is the old system itself.

    >>> parse("EPSG:4527").name
    'CGCS2000 / 3-degree Gauss-Kruger zone 39'
    """
    carried = _WITH_PARAMETERS.fullmatch(text)
    if carried is not None:
        return parse(carried[2])
    import pyproj

    try:
        return pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError as error:
        raise CrsError(
            f"坐标系 {text[:60]!r} 无法识别", remedy="请写成 EPSG:编号，例如 EPSG:4490（经纬度）或 EPSG:4527（39 带）"
        ) from error


def unbound(crs: pyproj.CRS) -> pyproj.CRS:
    """Return a system without the TOWGS84 it carries, where it carries one."""
    return crs.source_crs if crs.is_bound and crs.source_crs is not None else crs


def old_datum(crs: pyproj.CRS) -> str:
    """Return the Chinese name of the old datum a system stands on, "" when it is none of them.

    >>> old_datum(parse("EPSG:2363")), old_datum(parse("+proj=longlat +ellps=krass")), old_datum(parse("EPSG:4490"))
    ('西安80', '北京54（克拉索夫斯基椭球）', '')
    """
    geodetic = crs.geodetic_crs
    name = geodetic.name.lower().replace("_", " ") if geodetic is not None else ""
    old = next((label for key, label in _NEEDS_PARAMETERS.items() if key in name), "")
    if not old and crs.ellipsoid is not None:
        old = _OLD_ELLIPSOIDS_M.get(crs.ellipsoid.semi_major_metre, "")
    return old


def require_transformable(crs: pyproj.CRS) -> None:
    """Raise CrsError for datums that need parameters nobody gave (西安80, 北京54).

    pyproj would hand their coordinates back unchanged, tens to a hundred metres off.

    >>> require_transformable(parse("EPSG:4610"))
    Traceback (most recent call last):
        ...
    linxi_gis.errors.CrsError: 西安80坐标没有转换参数，不能转换到 CGCS2000；请先用当地七参数转换为 CGCS2000 再提交
    """
    old = old_datum(crs)
    if old:
        raise CrsError(f"{old}坐标没有转换参数，不能转换到 CGCS2000", remedy=OLD_DATUM_REMEDY)


def with_parameters(system: str, values: Sequence[float]) -> str:
    """Return the text of a system on an old datum with the seven parameters that lead to CGCS2000.

    `values` are dx, dy, dz (m), rx, ry, rz (arc-seconds), scale (ppm), coordinate frame rotation
    (EPSG:9607). `to_lonlat` and `to_plane` take the text; `parse` gives the old system.

    >>> with_parameters("EPSG:2363", (1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0))
    'bursa-wolf(1.0,2.0,3.0,0.0,0.0,0.0,0.0) EPSG:2363'
    """
    return f"bursa-wolf({','.join(repr(float(value)) for value in values)}) {system}"


_Convert = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


@lru_cache(maxsize=256)
def _to_lonlat(source: str) -> _Convert:
    """Return the way from a CRS text to EPSG:4490, x and y to longitude and latitude; raises CrsError."""
    plane = gauss_krueger(source)
    if plane is not None:
        return plane.inverse_or(lambda x, y: _by_proj(source)(x, y))
    return _by_proj(source)


@lru_cache(maxsize=256)
def _by_proj(source: str) -> _Convert:
    """As `_to_lonlat`, by PROJ."""
    import pyproj

    carried = _WITH_PARAMETERS.fullmatch(source)
    if carried is None:
        require_transformable(parse(source))
        try:
            straight: _Convert = pyproj.Transformer.from_crs(parse(source), parse(LONLAT), always_xy=True).transform
        except pyproj.exceptions.ProjError as error:  # an ellipsoid that is not the Earth's
            raise CrsError("坐标系不能转换到 CGCS2000", remedy="请核对坐标系，或用 --crs 指明") from error
        return straight
    down = _to_own_degrees(carried[2])
    shift: _Convert = pyproj.Transformer.from_pipeline(_helmert(carried[1], parse(source).ellipsoid)).transform

    def convert(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        return shift(*down(x, y))

    return convert


def _to_own_degrees(source: str) -> _Convert:
    """Return the way to the degrees of a system's own datum."""
    import pyproj

    system = unbound(parse(source))
    geographic = system.geodetic_crs
    if geographic is None or system.ellipsoid is None:
        raise CrsError(f"坐标系 {source[:60]!r} 没有大地基准，不能按参数转换", remedy="请写成 EPSG:编号")
    down: _Convert = pyproj.Transformer.from_crs(system, geographic, always_xy=True).transform
    return down


def _helmert(values: str, figure: Any) -> str:
    x, y, z, rx, ry, rz, s = values.split(",")
    shape = f"+a={figure.semi_major_metre!r} +rf={figure.inverse_flattening!r}"
    return (
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3 "
        f"+step +proj=cart {shape} +step +proj=helmert +convention=coordinate_frame "
        f"+x={x} +y={y} +z={z} +rx={rx} +ry={ry} +rz={rz} +s={s} "
        "+step +inv +proj=cart +ellps=GRS80 +step +proj=pop +v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )


def points_of(system: str, x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude (EPSG:4490) of one point of a CRS text; raises CrsError as `to_lonlat`."""
    lon, lat = _finite(np.column_stack(_to_lonlat(system)(np.array([x]), np.array([y]))), system)[0]
    return float(lon), float(lat)


def own_degrees(system: str, x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of one point on the datum of its own system; raises CrsError.

    Of an old datum they are what PROJ takes for EPSG:4490 degrees without a word: to compare, not to use.
    """
    lon, lat = _finite(np.column_stack(_to_own_degrees(system)(np.array([x]), np.array([y]))), system)[0]
    return float(lon), float(lat)


def _map(geometry: Any, function: Any) -> Any:
    """Apply a function of an (n, 2) coordinate array to one geometry or an array of them."""
    return shapely.transform(geometry, function)


def _finite(coordinates: FloatArray, crs: str) -> FloatArray:
    if not np.isfinite(coordinates).all():
        raise CrsError(f"坐标超出 {crs} 的适用范围，无法转换", remedy="请核对坐标系与坐标值，或用 --crs 指明")
    return coordinates


def to_lonlat(geometry: Any, crs: str) -> Any:
    """Return geometry (or array of them) in EPSG:4490 longitude latitude, vertex by vertex.

    Raises CrsError for an unknown CRS, one that needs parameters, or coordinates out of its reach.
    """
    if crs == LONLAT:
        return geometry
    way = _to_lonlat(crs)

    def convert(xy: FloatArray) -> FloatArray:
        return _finite(np.column_stack(way(xy[:, 0], xy[:, 1])), crs)

    return _map(geometry, convert)


def to_plane(geometry: Any, crs: str = LONLAT) -> Any:
    """Return geometry (or array of them) in the area plane, its long edges densified first.

    Edges are cut in their own CRS (a straight edge is straight there), at most 70 m a piece
    (400 m in a transverse Mercator plane), which keeps the edge within 0.1 mm of the true one.
    """
    return plane_of_lonlat(to_lonlat(densify(geometry, crs), crs))


def plane_of_lonlat(geometry: Any) -> Any:
    """Return geometry given in EPSG:4490 degrees in the area plane, vertex by vertex."""

    def convert(xy: FloatArray) -> FloatArray:
        return _finite(np.column_stack(_PLANE.forward(xy[:, 0], xy[:, 1])), "等积平面")

    return _map(geometry, convert)


def lonlat_of_plane(geometry: Any) -> Any:
    """Return geometry given in the area plane in EPSG:4490 degrees, vertex by vertex."""

    def convert(xy: FloatArray) -> FloatArray:
        return _finite(np.column_stack(_PLANE.inverse(xy[:, 0], xy[:, 1])), "等积平面")

    return _map(geometry, convert)


def points_lonlat(xy: FloatArray) -> FloatArray:
    """Return plane coordinates, shape (n, 2), as longitude latitude, shape (n, 2)."""
    return np.column_stack(_PLANE.inverse(xy[:, 0], xy[:, 1]))


def lonlat_of_points(xy: FloatArray, crs: str) -> FloatArray:
    """Return coordinates of a CRS, shape (n, 2), as longitude latitude; raises CrsError as `to_lonlat`."""
    return xy if crs == LONLAT else _finite(np.column_stack(_to_lonlat(crs)(xy[:, 0], xy[:, 1])), crs)


def plane_of_points(lonlat: FloatArray) -> FloatArray:
    """Return longitude latitude, shape (n, 2), in the area plane."""
    return _finite(np.column_stack(_PLANE.forward(lonlat[:, 0], lonlat[:, 1])), "等积平面")


def plane_of_points_with_height(lonlat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """As `plane_of_points`, with the heights (m) in the cylindrical equal-area projection, shape (n,)."""
    x, y, height = _PLANE.forward_with_height(lonlat[:, 0], lonlat[:, 1])
    return _finite(np.column_stack([x, y]), "等积平面"), height


def sag(lat: FloatArray) -> FloatArray:
    """Return how that height bends with latitude: minus its second derivative (m per square radian)."""
    return _PLANE.sag(lat)


def longest_edge(crs: str) -> float:
    """Return the longest edge that `densify` leaves, in the units of a CRS."""
    return _step(crs)


def densify(geometry: Any, crs: str) -> Any:
    """Return geometry with edges no longer than the step of its CRS (see `to_plane`).

    Raises CrsError for coordinates so large that the step is lost in their rounding.
    """
    try:
        return cut(geometry, _step(crs))
    except shapely.GEOSException as error:
        raise CrsError(f"坐标值过大，不在 {crs[:60]} 的范围内", remedy="请核对坐标系与坐标值") from error


def cut(geometry: Any, step: float) -> Any:
    """Return geometry (or an array of them) with no edge longer than `step`, in its own units.

    What has no such edge is handed back as it is: looking costs a tenth of copying.

    >>> cut(shapely.from_wkt("LINESTRING (0 0, 0 3)"), 2.0).wkt
    'LINESTRING (0 0, 0 1.5, 0 3)'
    """
    many = np.atleast_1d(np.asarray(geometry, dtype=object))
    rows = long_edged(many, step)
    if not len(rows):
        return geometry
    if many is not geometry:
        return shapely.segmentize(geometry, step)
    made = many.copy()
    made[rows] = shapely.segmentize(many[rows], step)
    return made


def long_edged(shapes: NDArray[np.object_], step: float) -> NDArray[np.intp]:
    """Return the rows of geometries, shape (n,), that have an edge longer than `step`, and of some that have none."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    # An edge from the end of one ring or part to the next is none, but to look at one in vain does no harm.
    long = (np.hypot(*(xy[1:] - xy[:-1]).T) > step) & (owner[1:] == owner[:-1])
    return np.flatnonzero(np.bincount(owner[1:][long]))


@lru_cache(maxsize=256)
def _step(crs: str) -> float:
    """The longest edge, in the units of a CRS."""
    if crs == LONLAT:
        return STEP_M / _DEGREE_M
    if gauss_krueger(crs) is not None:
        return STEP_TM_M
    system = parse(crs)
    if system.is_geographic:
        return STEP_M / _DEGREE_M
    operation = system.coordinate_operation
    transverse = operation is not None and operation.method_name == "Transverse Mercator"
    return (STEP_TM_M if transverse else STEP_M) / (system.axis_info[0].unit_conversion_factor or 1.0)


def gk_zone(longitude: float) -> int:
    """Return the number of the 3° Gauss-Krüger zone of a longitude.

    >>> gk_zone(118.0), gk_zone(118.499), gk_zone(118.501)
    (39, 39, 40)
    """
    return int(np.floor(longitude / 3.0 + 0.5))


def is_geographic(crs: str) -> bool:
    """Whether a CRS text means degrees; raises CrsError for one that means nothing.

    >>> is_geographic("EPSG:4490"), is_geographic("EPSG:4527"), is_geographic("EPSG:4326")
    (True, False, True)
    """
    return crs == LONLAT or (gauss_krueger(crs) is None and bool(parse(crs).is_geographic))


# EPSG's CGCS2000 Gauss-Krüger systems: first code, first zone, width (degrees), whether the zone is in front.
_GK_CODES = ((4491, 13, 6, True), (4502, 13, 6, False), (4513, 25, 3, True), (4534, 25, 3, False))
_EPSG = re.compile(r"EPSG:(\d{4})")


@lru_cache(maxsize=256)
def gauss_krueger(crs: str) -> GaussKrueger | None:
    """Return the CGCS2000 Gauss-Krüger projection that an EPSG code names (4491 to 4554), else None.

    >>> gauss_krueger("EPSG:4527") is not None, gauss_krueger("EPSG:4490")
    (True, None)
    """
    named = _EPSG.fullmatch(crs)
    code = int(named[1]) if named else 0
    if not 4491 <= code <= 4554:
        return None
    first, zone, width, in_front = max(row for row in _GK_CODES if row[0] <= code)
    zone += code - first
    meridian = zone * 3.0 if width == 3 else zone * 6.0 - 3.0
    return GaussKrueger(meridian, 500_000.0 + zone * 1e6 * in_front)


@cache
def _gk(zone: int) -> GaussKrueger:
    return GaussKrueger(3.0 * zone)


def gk_plane(zone: int) -> Callable[[FloatArray], FloatArray]:
    """Return the way from EPSG:4490 to the plane of a 3° zone without its number, of coordinates (n, 2)."""
    plane = _gk(zone)
    return lambda xy: np.column_stack(plane.forward(xy[:, 0], xy[:, 1]))


def gk_planar_area(geometry: Geometry) -> float:
    """Return the Gauss-Krüger planar area (m²) of a longitude-latitude polygon in its own 3° zone.

    The zone is that of the middle of its extent. This is what surveyors print; here it is larger
    than the ellipsoidal area by 0.006 % at 117.6°E and 0.041 % at 118.6°E.
    """
    if geometry.is_empty:
        return 0.0
    west, _, east, _ = geometry.bounds
    return float(shapely.area(_map(geometry, gk_plane(gk_zone((west + east) / 2.0)))))


def same_crs(one: str, other: str) -> None:
    """Raise CrsError unless two CRS texts mean the same system (axis order aside).

    >>> same_crs("EPSG:4490", "EPSG:4490")
    """
    if not parse(one).equals(parse(other), ignore_axis_order=True):
        raise CrsError(f"坐标系不一致：{one} 与 {other}", remedy="请先转换到同一坐标系")


@cache
def geod() -> pyproj.Geod:
    """Return the ellipsoid of CGCS2000 (GB 22021-2008), which is GRS80, to measure geodesics on."""
    import pyproj

    return pyproj.Geod(ellps="GRS80")
