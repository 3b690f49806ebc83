"""A layer made fit for looking at: simplified, clipped, in longitude latitude. Never measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs
from linxi_gis.crs import Geometry
from linxi_gis.model import GeometryArray, Layer, Site

# 20 m is a quarter of a millimetre on the county sheet (1:80,000); 1 m on the sheet of one site.
COUNTY_TOLERANCE_M = 20.0
SITE_TOLERANCE_M = 1.0
AROUND_M = 10_000.0  # how far round a site its map shows zones
# Beyond this many vertices a page grows past 1 MB a layer, so the tolerance is doubled until it fits.
VERTEX_BUDGET = 40_000
_COVERAGES = {"control_unit", "admin_town"}
_DECIMALS = 6  # 0.1 m


@dataclass(frozen=True, slots=True, eq=False)
class MapLayer:
    """A layer as a page shows it: columns, one row a zone.

    `geometry` holds shapely geometries in longitude latitude (EPSG:4490), shape (n,), simplified by
    `tolerance_m` (0: as measured). `note` is what a reader must know of it, "" when nothing.
    """

    id: str
    theme: str
    title: str
    geometry: GeometryArray
    names: tuple[str, ...]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    demonstration: bool = False
    note: str = ""
    tolerance_m: float = 0.0


def map_layer(layer: Layer, *, near: Site | None = None) -> MapLayer:
    """Return a measured layer as pages show it.

    With `near`, only zones within 10 km of the site's extent, cut there and simplified by 1 m; without, the
    whole layer simplified by 20 m (more where it has very many vertices). Shared edges stay shared in layers
    that are coverages (control units, towns).
    """
    rows, shapes, tolerance = np.arange(len(layer.zones)), np.asarray(layer.zones), COUNTY_TOLERANCE_M
    if near is not None:
        frame = _grown(near.ground.bounds, AROUND_M, AROUND_M)
        rows = np.sort(layer.tree.query(frame))
        shapes, kept = cut(layer.zones[rows], frame)
        rows, tolerance = rows[kept], SITE_TOLERANCE_M
    shapes, tolerance = simplified(shapes, layer.identity.theme, tolerance)
    return MapLayer(
        id=layer.identity.id,
        theme=layer.identity.theme,
        title=layer.identity.title,
        geometry=rounded(crs.lonlat_of_plane(shapes)) if len(shapes) else shapes,
        names=tuple(layer.zone_names[i] for i in rows.tolist()),
        classes=tuple(layer.zone_classes[i] for i in rows.tolist()),
        ids=tuple(layer.zone_ids[i] for i in rows.tolist()),
        demonstration=layer.identity.demonstration,
        note=layer.stale or ("" if layer.coverage is not None else "图层未注明覆盖范围，空白处不等于没有"),
        tolerance_m=tolerance,
    )


def within(layer: MapLayer, frame: Geometry) -> MapLayer:
    """Return the part of a layer inside a frame (longitude latitude)."""
    shapes, kept = cut(layer.geometry, frame)
    return replace(
        layer,
        geometry=shapes,
        names=tuple(layer.names[i] for i in kept),
        classes=tuple(layer.classes[i] for i in kept),
        ids=tuple(layer.ids[i] for i in kept),
    )


def cut(shapes: GeometryArray, frame: Geometry) -> tuple[GeometryArray, NDArray[np.intp]]:
    """Return the non-empty parts of shapes inside a box, of their own dimension, and their row numbers."""
    inside = np.flatnonzero(shapely.intersects(shapely.envelope(shapes), frame))
    parts = np.empty(len(inside), dtype=object)
    for place, row in enumerate(inside):
        parts[place] = cut_one(shapes[row], frame)
    kept = ~shapely.is_empty(parts) if len(parts) else np.zeros(0, dtype=bool)
    return parts[kept], inside[kept]


def cut_one(shape: Geometry, frame: Geometry) -> Geometry:
    """Return the part of a shape inside a frame, of the shape's own dimension; empty when there is none."""
    if frame.contains(shapely.envelope(shape)):
        return shape
    valid = shape if shape.is_valid else shapely.make_valid(shape)
    dimension = shapely.get_dimensions(shape)
    pieces = shapely.get_parts(shapely.intersection(valid, frame))
    same = pieces[shapely.get_dimensions(pieces) == dimension]
    if len(same) == 0:
        return shapely.Point()
    return same[0] if len(same) == 1 else shapely.union_all(same)


def site_frame(site: Site) -> Geometry:
    """Return the box in longitude latitude within which the map of a site shows zones."""
    west, south, east, north = site.geometry.bounds
    up = AROUND_M / 111_000.0
    return _grown((west, south, east, north), up / np.cos(np.radians((south + north) / 2.0)), up)


def _grown(bounds: tuple[float, float, float, float], dx: float, dy: float) -> Geometry:
    west, south, east, north = bounds
    return shapely.box(west - dx, south - dy, east + dx, north + dy)


def rounded(lonlat: GeometryArray) -> GeometryArray:
    """Return geometry with longitudes and latitudes to 6 decimals (0.1 m)."""
    result: GeometryArray = shapely.transform(lonlat, lambda xy: np.round(xy, _DECIMALS))
    return result


def simplified(shapes: GeometryArray, theme: str, tolerance_m: float) -> tuple[GeometryArray, float]:
    """Return plane shapes simplified, and the tolerance (m) that brought them within the vertex budget."""
    if len(shapes) == 0:
        return shapes, tolerance_m
    while True:
        result = _simplify(shapes, theme, tolerance_m)
        if shapely.get_num_coordinates(result).sum() <= VERTEX_BUDGET or tolerance_m >= 500.0:
            return result, tolerance_m
        tolerance_m *= 2.0


def _simplify(shapes: GeometryArray, theme: str, tolerance_m: float) -> GeometryArray:
    if theme in _COVERAGES and (shapely.get_dimensions(shapes) == 2).all():
        # Projecting the shared edges left them 1e-9 m apart; to the centimetre they match again.
        joined = shapely.transform(shapes, lambda xy: np.round(xy, 2))
        if shapely.coverage_is_valid(joined):
            covered: GeometryArray = shapely.coverage_simplify(joined, tolerance_m)
            return covered
    # A small zone keeps its shape: never more than a fiftieth of its extent.
    box = shapely.bounds(shapes)
    extent = np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    plain: GeometryArray = shapely.simplify(shapes, np.minimum(tolerance_m, extent / 50.0))
    return plain
