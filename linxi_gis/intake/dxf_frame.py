"""The drawing's units and, where it has one, its reference system."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linxi_gis import crs
from linxi_gis.errors import CrsError
from linxi_gis.finding import Issue
from linxi_gis.intake.court import examine, in_china
from linxi_gis.intake.dxf_walk import BROKEN
from linxi_gis.intake.reading import Claim

if TYPE_CHECKING:
    from ezdxf.document import Drawing

# $INSUNITS (DXF reference, header variables): name and metres.
_UNITS = {
    1: ("英寸", 0.0254), 2: ("英尺", 0.3048), 4: ("毫米", 0.001), 5: ("厘米", 0.01), 7: ("千米", 1000.0),
    14: ("分米", 0.1), 21: ("美国测量英尺", 1200.0 / 3937.0),
}  # fmt: skip
_CHORD_M, _SNAP_M = 0.0005, 0.001
_PER_DEGREE = 1e5  # metres in a degree, roughly and low
_SAMPLE = 5000
_EPSG = re.compile(
    r"""<Alias\s[^>]{0,200}\bid\s*=\s*["'](\d{4,6})["'][^>]{0,200}>\s*<ObjectId>[^<]{0,200}</ObjectId>\s*"""
    r"<Namespace>\s*EPSG Code\s*</Namespace>"
)
_TEXT_CRS = re.compile(
    r"\s*(?:EPSG:\d{4,6}\s*$|(?:PROJ|GEO|GEOG|BOUND|COMPD|GEOD)(?:CS|CRS)\s*\[)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Frame:
    """Metres per drawing unit, and in drawing units how fine curves are cut and ends are joined."""

    scale: float
    chord: float
    snap: float
    issues: tuple[Issue, ...] = ()


def frame_of(entities: Sequence[Any], doc: Drawing, source: str) -> Frame:
    """Return the frame: the unit of the header is used only where it alone makes the figures fit.

    CAD templates say millimetres while the drawing is in metres, so the header by itself proves
    nothing: it does when the figures are in no usual range as they stand, and are once scaled.
    """
    places = [place for entity in entities[:_SAMPLE] if (place := _anchor(entity)) is not None]
    code = doc.header.get("$INSUNITS", 0)
    name, factor = _UNITS.get(int(code), ("", 1.0))
    plain, scaled = _fits(places, 1.0), _fits(places, factor)
    issues: tuple[Issue, ...] = ()
    scale = 1.0
    if name and not plain and 2 * scaled > len(places):
        scale = factor
        text = f"{source} 图头单位为{name}，坐标按{name}换算为米后才在合理范围内，已换算"
        issues = (Issue("units_scaled", "warning", text, "请核对图形单位"),)
    elif name and plain:
        text = f"{source} 图头单位写为{name}，坐标却是按米的数值，按米读取"
        issues = (Issue("units_header_ignored", "info", text, "请核对图形单位"),)
    elif name and places:
        text = f"{source} 图头单位写为{name}，坐标不在常见范围内，无法证实，按米读取"
        issues = (Issue("units_unclear", "warning", text, "请核对图形单位与坐标系"),)
    degrees = sum(in_china((x, y, x, y), 0) or in_china((x, y, x, y), 1) for x, y in places)
    unit = 1.0 / _PER_DEGREE if 2 * degrees > len(places) else 1.0 / scale
    return Frame(scale, _CHORD_M * unit, _SNAP_M * unit, issues)


def _fits(places: Sequence[tuple[float, float]], factor: float) -> int:
    """How many places are in a usual range of metres or degrees."""
    count = 0
    for x, y in places:
        bounds = (x * factor, y * factor, x * factor, y * factor)
        kind = examine(bounds, None).kind
        count += kind in ("zoned", "bare", "mercator") or in_china(bounds, 0) or in_china(bounds, 1)
    return count


def _anchor(entity: Any) -> tuple[float, float] | None:
    """A point of the entity, if it has one that is cheap to find."""
    try:
        for key in ("start", "center", "location", "insert"):
            if entity.dxf.hasattr(key):
                place = entity.dxf.get(key)
                return float(place.x), float(place.y)
        kind = entity.dxftype()
        if kind == "LWPOLYLINE" and len(entity):
            x, y = entity.get_points("xy")[0]
            return float(x), float(y)
        if kind == "POLYLINE" and len(entity.vertices):
            place = entity.vertices[0].dxf.location
            return float(place.x), float(place.y)
        if kind == "SPLINE" and len(entity.control_points):
            x, y, *_ = entity.control_points[0]
            return float(x), float(y)
        if kind == "HATCH" and entity.paths.paths and hasattr(entity.paths.paths[0], "vertices"):
            x, y, *_ = entity.paths.paths[0].vertices[0]
            return float(x), float(y)
    except BROKEN:
        return None  # told when it is read
    return None


def claim_of(doc: Drawing, source: str) -> tuple[Claim, tuple[Issue, ...]]:
    """Return what the drawing's GEODATA object says of its reference system, and why it was not used.

    It is used when drawing and map coordinates are the same (the design point is its own reference
    point); a local grid laid on a map needs a transformation that nobody has verified.
    """
    held: Any = doc.modelspace().get_geodata()
    text = str(held.coordinate_system_definition) if held is not None else ""
    match = _EPSG.search(text)
    system = f"EPSG:{match[1]}" if match else text.strip() if _TEXT_CRS.match(text) else ""
    if not system:
        return Claim(), ()
    apart = held.dxf.design_point.vec2.distance(held.dxf.reference_point.vec2)
    north = held.dxf.get("north_direction")
    if apart > _SNAP_M or (north is not None and abs(north.x) > 1e-9):
        told = f"{source} 的地理定位（GEODATA）写有 {system:.40}，但图形坐标与地图坐标不同，没有采用"
        return Claim(), (Issue("geodata_unused", "warning", told, "请用 --crs 指明坐标系"),)
    try:
        crs.parse(system)
    except CrsError:
        told = f"{source} 的地理定位（GEODATA）坐标系无法识别，没有采用"
        return Claim(), (Issue("geodata_unused", "warning", told, "请用 --crs 指明坐标系"),)
    return Claim(system=system, how="DXF 地理定位（GEODATA）写明"), ()
