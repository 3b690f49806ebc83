"""A zone of a demonstration layer and how a list of zones becomes a GeoPackage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

NATURE = "示意"  # what the column 数据性质 of every feature says
_WRITTEN = "2026-01-01T00:00:00.000Z"  # GeoPackage stores a date of change; a fixed one keeps runs alike


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """One feature: 编号, 名称, its class in the layer's own words, further columns, lon/lat geometry."""

    code: str
    name: str
    kind: str
    geometry: Geometry
    facts: Mapping[str, str] = field(default_factory=dict)


def write(zones: Sequence[Zone], path: Path, class_column: str = "类别") -> None:
    """Write zones as a GeoPackage in EPSG:4490; an existing file is replaced."""
    columns: dict[str, list[str]] = {
        "编号": [zone.code for zone in zones],
        "名称": [zone.name for zone in zones],
        class_column: [zone.kind for zone in zones],
    }
    for key in dict.fromkeys(key for zone in zones for key in zone.facts):
        columns[key] = [zone.facts.get(key, "") for zone in zones]
    columns["数据性质"] = [NATURE for _ in zones]
    areal = any(shapely.get_dimensions(zone.geometry) == 2 for zone in zones)
    shapes = [_multi(zone.geometry) if areal else zone.geometry for zone in zones]
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4490")
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN})
    try:
        pyogrio.write_dataframe(frame, path, layer=path.stem, driver="GPKG", encoding="UTF-8")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _multi(geometry: Geometry) -> Geometry:
    """Return an area as a MultiPolygon, parts and rings in a fixed order."""
    parts = [part for part in shapely.get_parts(geometry) if shapely.get_dimensions(part) == 2]
    multi: Geometry = shapely.normalize(shapely.MultiPolygon(parts))
    return multi
