"""One DXF entity to one flat geometry; curves become chords no farther than a stated tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.intake.dxf_spline import edge_points, entity_points
from linxi_gis.intake.rings import assemble

if TYPE_CHECKING:
    from ezdxf.entities.dxfentity import DXFEntity

_MAX_SEGMENTS = 20_000  # 0.5 mm on a circle of 40 km
_MAX_NESTED_RINGS = 50
_FAR = 1e12
_FRAME_VERTEX = 16  # a control point of a polyline that was splined; not on the line itself
CURVES = frozenset({"ARC", "ELLIPSE", "SPLINE", "LINE"})


def shape_of(entity: DXFEntity, chord: float, snap: float) -> Geometry | None:
    """Return the polygon, line or point an entity draws, in world x and y, or None if it draws none.

    `chord` is the greatest distance of a curve from its chords, `snap` the gap at which ends count as
    one, both in drawing units. Raises InputError for what encloses nothing or lies out of numbers;
    the library's own errors on damaged entities pass through.
    """
    held: Any = entity  # the library's attributes are typed at run time
    kind = held.dxftype()
    if kind == "POINT":
        return shapely.Point(_finite(np.array([held.dxf.location.vec2], dtype=np.float64))[0])
    if kind in ("HATCH", "MPOLYGON"):
        return _hatch(held, chord, snap)
    drawn = _path(held, kind, chord)
    if drawn is None:
        return None
    points, closed = drawn
    points = _finite(points)
    ends_meet = len(points) > 3 and float(np.hypot(*(points[0] - points[-1]))) <= snap
    if closed or ends_meet:
        return ring_polygon(points)
    if len(points) < 2:
        raise InputError("只有一个点，成不了线", remedy="请补全图形")
    return shapely.LineString(points)


def ring_polygon(points: FloatArray) -> shapely.Polygon:
    """Return the polygon of a ring, closed or not; raises InputError when it encloses nothing."""
    if len(set(map(tuple, points.tolist()))) < 3:
        raise InputError("闭合线不足 3 个不同的点，围不成面", remedy="请补全图形")
    return shapely.Polygon(points)


def _path(held: Any, kind: str, chord: float) -> tuple[FloatArray, bool] | None:
    if kind == "LINE":
        return np.array([held.dxf.start.vec2, held.dxf.end.vec2], dtype=np.float64), False
    if kind == "LWPOLYLINE":
        rows = np.array(held.get_points("xyb"), dtype=np.float64).reshape(-1, 3)
        return _world(held, bulged(rows, bool(held.closed), chord), held.dxf.elevation), bool(held.closed)
    if kind == "POLYLINE" and (held.is_2d_polyline or held.is_3d_polyline):
        return _polyline(held, chord)
    if kind in ("ARC", "CIRCLE"):
        span = (0.0, 360.0) if kind == "CIRCLE" else (held.dxf.start_angle, held.dxf.end_angle)
        points = arc(held.dxf.center.vec2, abs(held.dxf.radius), span[0], span[1], chord)
        return _world(held, points, held.dxf.center.z), kind == "CIRCLE"
    if kind == "ELLIPSE":
        return _ellipse(
            (held.dxf.center.vec2, held.dxf.major_axis.vec2, held.minor_axis.vec2),
            held.dxf.start_param, held.dxf.end_param, chord,
        )  # fmt: skip
    if kind == "SPLINE":
        return entity_points(held, chord), bool(held.closed)
    return None


def _finite(points: FloatArray) -> FloatArray:
    if not np.isfinite(points).all() or (points.size and float(np.abs(points).max()) > _FAR):
        raise InputError("坐标不是有限的数字", remedy="请核对坐标")
    return points


def _world(held: Any, points: FloatArray, elevation: float) -> FloatArray:
    """Object coordinates (of a mirrored or tilted entity) to world x and y."""
    system = held.ocs()
    if not system.transform:
        return points
    turned = [system.to_wcs((x, y, elevation)) for x, y in points]
    return np.array([(point.x, point.y) for point in turned], dtype=np.float64).reshape(-1, 2)


def _polyline(held: Any, chord: float) -> tuple[FloatArray, bool]:
    vertices = [one for one in held.vertices if not one.dxf.flags & _FRAME_VERTEX]
    rows = [(one.dxf.location.x, one.dxf.location.y, one.dxf.bulge) for one in vertices]
    array = np.array(rows, dtype=np.float64).reshape(-1, 3)
    closed = bool(held.is_closed)
    if held.is_3d_polyline:
        return array[:, :2], closed
    height = vertices[0].dxf.location.z if vertices else 0.0
    return _world(held, bulged(array, closed, chord), height), closed


def bulged(rows: FloatArray, closed: bool, chord: float) -> FloatArray:
    """Return the points of a polyline of (x, y, bulge) rows; a bulge is tan of a quarter of its arc's angle.

    A half circle (bulge 1) from (0, 0) to (2, 0) runs counter-clockwise, through (1, -1):

    >>> bulged(np.array([[0.0, 0, 1], [2, 0, 0]]), False, 0.0005)[:, 1].min().round(3)
    np.float64(-1.0)
    """
    if not rows[:, 2].any():
        return rows[:, :2]
    _finite(rows)
    pieces: list[FloatArray] = []
    ends = [*rows[1:], rows[0]] if closed else rows[1:]
    for (x, y, bulge), (right, top, _) in zip(rows, ends, strict=False):
        pieces.append(np.array([[x, y]]))
        dx, dy = right - x, top - y
        if abs(bulge) * math.hypot(dx, dy) / 2.0 <= chord / 10.0:
            continue
        lift = (1.0 - bulge**2) / (4.0 * bulge)
        centre = ((x + right) / 2.0 - dy * lift, (y + top) / 2.0 + dx * lift)
        start = math.atan2(y - centre[1], x - centre[0])
        radius = math.hypot(x - centre[0], y - centre[1])
        sweep = 4.0 * math.atan(bulge)
        turn = np.linspace(start, start + sweep, _segments(abs(sweep), radius, chord) + 1)[1:-1]
        pieces.append(np.column_stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)]))
    if not closed:
        pieces.append(rows[-1:, :2])
    return np.vstack(pieces)


def _segments(sweep: float, radius: float, chord: float) -> int:
    """How many chords keep within `chord` of an arc: sagitta = r (1 - cos(step / 2)) <= r step² / 8."""
    if not (math.isfinite(radius) and math.isfinite(sweep)):
        raise InputError("圆弧的半径或角度不是有限的数字", remedy="请核对图形")
    wanted = sweep / (2.0 * math.sqrt(2.0 * chord / radius)) if radius > chord else 8.0
    if wanted > _MAX_SEGMENTS:
        raise InputError(f"圆弧半径 {radius:.6g} 过大", remedy="请核对图形")
    return max(math.ceil(wanted), math.ceil(8.0 * sweep / math.tau), 1)


def arc(centre: Sequence[float], radius: float, start: float, end: float, chord: float) -> FloatArray:
    """Return the points of a counter-clockwise arc between two angles in degrees; equal angles: a circle."""
    if radius <= 0.0:
        raise InputError("圆的半径为零", remedy="请核对图形")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InputError("圆弧的角度不是有限的数字", remedy="请核对图形")
    span = (end - start) % 360.0
    span = 360.0 if math.isclose(span, 0.0, abs_tol=1e-9) else span
    sweep = math.radians(span)
    turn = math.radians(start) + np.linspace(0.0, sweep, _segments(sweep, radius, chord) + 1)
    points = np.column_stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)])
    if span == 360.0:
        points[-1] = points[0]
    return points


def _ellipse(
    axes: tuple[Sequence[float], Sequence[float], Sequence[float]], start: float, end: float, chord: float
) -> tuple[FloatArray, bool]:
    centre, major, minor = (np.array(one, dtype=np.float64)[:2] for one in axes)
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InputError("椭圆的参数不是有限的数字", remedy="请核对图形")
    radius = max(math.hypot(*major), math.hypot(*minor))
    if not radius > 0.0:
        raise InputError("椭圆的轴长为零", remedy="请核对图形")
    sweep = (end - start) % math.tau
    full = math.isclose(sweep, 0.0, abs_tol=1e-9) or math.isclose(sweep, math.tau, abs_tol=1e-9)
    sweep = math.tau if full else sweep
    turn = (start + np.linspace(0.0, sweep, _segments(sweep, radius, chord) + 1))[:, None]
    points = centre + np.cos(turn) * major + np.sin(turn) * minor
    if full:
        points[-1] = points[0]
    return points, full


def _hatch(held: Any, chord: float, snap: float) -> Geometry:
    rings = [ring for path in held.paths.paths for ring in _rings(path, chord, snap)]
    rings = [_world(held, _finite(ring), held.dxf.elevation.z) for ring in rings]
    if not rings:
        raise InputError("填充没有边界", remedy="请补画边界")
    if len(rings) <= _MAX_NESTED_RINGS:
        return assemble(rings, "填充")[0]
    polygon = shapely.build_area(shapely.MultiLineString([ring_polygon(ring).exterior for ring in rings]))
    if polygon.is_empty:
        raise InputError("填充的边界围不成面", remedy="请重新填充")
    return polygon


def _rings(path: Any, chord: float, snap: float) -> list[FloatArray]:
    if hasattr(path, "vertices"):
        rows = np.array([tuple(one)[:3] for one in path.vertices], dtype=np.float64).reshape(-1, 3)
        return [bulged(rows, True, chord)] if len(rows) else []
    rings: list[FloatArray] = []
    chain: list[FloatArray] = []
    for edge in path.edges:
        points = _finite(_edge(edge, chord))
        if chain and not _near(chain[-1][-1], points[0], snap):
            if _near(chain[-1][-1], points[-1], snap):
                points = points[::-1]
            elif len(chain) == 1 and _near(chain[0][0], points[0], snap):
                chain = [chain[0][::-1]]
            elif len(chain) == 1 and _near(chain[0][0], points[-1], snap):
                chain, points = [chain[0][::-1]], points[::-1]
            else:
                raise InputError("填充的边界不闭合", remedy="请补画闭合的边界")
        chain.append(points)
        if (len(chain) > 1 or len(points) > 2) and _near(chain[0][0], chain[-1][-1], snap):
            rings.append(np.vstack(chain))
            chain = []
    if chain:
        raise InputError("填充的边界不闭合", remedy="请补画闭合的边界")
    return rings


def _near(one: FloatArray, other: FloatArray, snap: float) -> bool:
    return math.hypot(*(one - other)) <= snap


def _edge(edge: Any, chord: float) -> FloatArray:
    name = type(edge).__name__
    if name == "LineEdge":
        return np.array([edge.start, edge.end], dtype=np.float64)
    if name == "SplineEdge":
        return edge_points(edge, chord)
    if name == "ArcEdge":
        points = arc(edge.center, abs(edge.radius), edge.start_angle, edge.end_angle, chord)
    else:
        major = edge.major_axis
        minor = (-major[1] * edge.ratio, major[0] * edge.ratio)
        points, _ = _ellipse((edge.center, major, minor), edge.start_param, edge.end_param, chord)
    return points if edge.ccw else points[::-1]
