"""A square yard for tests: sites and layers of squares whose answers can be computed in the head.

The corner is 118°E 43.6°N in CGCS2000 3° zone 39 (EPSG:4527); metres are Gauss-Krüger metres there,
which are 0.016 % larger than metres on the ellipsoid (k = 1.00008 at 81 km from the meridian).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

from linxi_gis import catalog, rulebook, themes
from linxi_gis.footprint import make_site
from linxi_gis.library import Library
from linxi_gis.model import Reference, Site
from linxi_layers import rules_dir

GK = "EPSG:4527"
EAST, NORTH = 39580743.283, 4829864.978
DAY = date(2026, 11, 23)
RULES = rulebook.load(rules_dir())


def square(x: float, y: float, width: float, height: float | None = None) -> shapely.Polygon:
    """A rectangle with its lower left corner at (x, y) of the yard."""
    return shapely.box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + (width if height is None else height))


def line(*points: tuple[float, float]) -> shapely.LineString:
    """A line through points of the yard."""
    return shapely.LineString([(EAST + x, NORTH + y) for x, y in points])


def point(x: float, y: float) -> shapely.Point:
    """A point of the yard."""
    return shapely.Point(EAST + x, NORTH + y)


def site(geometry: Any, site_id: str = "site", **more: Any) -> Site:
    """A site drawn in the yard."""
    return make_site(geometry, Reference(GK, "测试"), site_id=site_id, **more)


HUNDRED = square(0, 0, 100)


def write_layer(
    path: Path, zones: Sequence[Any], *, crs: str | None = GK, layer: str | None = None, append: bool = False,
    **columns: Sequence[Any],
) -> Path:  # fmt: skip
    """Write zones with text columns (default: BM, MC numbered) to any GDAL vector format."""
    count = len(zones)
    values = {
        "BM": [f"Z{i + 1}" for i in range(count)],
        "MC": [f"第{i + 1}块" for i in range(count)],
        **columns,
    }
    wkb = np.array([None if zone is None else shapely.to_wkb(zone) for zone in zones], dtype=object)
    fields = [np.array(column, dtype=object) for column in values.values()]
    options = {} if path.suffix == ".shp" else {"spatial_index": False}
    kind = "Polygon" if path.suffix == ".shp" else "Unknown"
    pyogrio.raw.write(
        path, wkb, fields, list(values), geometry_type=kind, crs=crs, layer=layer, append=append, **options
    )
    return path


def entry(layer_id: str, theme: str, path: str, **more: Any) -> dict[str, Any]:
    """A catalogue entry as a plain dict; keys can be overridden or dropped with None."""
    base = {
        "id": layer_id, "theme": theme, "title": themes.THEMES[theme], "path": path, "required": True,
        "version": "测试", "accuracy_m": 0.0, "range_m": 2000.0, "coverage": "county",
        "columns": {"id": "BM", "name": "MC"},
    }  # fmt: skip
    return {key: value for key, value in {**base, **more}.items() if value is not None}


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {_toml(item)}' for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, int | float) else f'"{value}"'


def write_catalog(folder: Path, entries: Sequence[dict[str, Any]], **head: Any) -> Path:
    """Write catalog.toml (required_themes defaults to those of the entries) and the yard's county."""
    county = folder / "county.gpkg"
    if not county.exists():
        write_layer(county, [square(-20_000, -20_000, 40_000)])
    head = {
        "title": "测试图层",
        "required_themes": sorted({one["theme"] for one in entries if one.get("required")}),
        **head,
    }
    blocks = ["[catalog]", *(f"{key} = {_toml(value)}" for key, value in head.items())]
    county_entry = entry("county", "admin_county", "county.gpkg", required=False)
    for one in (*entries, county_entry):
        blocks += ["", "[[layer]]", *(f"{key} = {_toml(value)}" for key, value in one.items())]
    path = folder / "catalog.toml"
    path.write_text("\n".join(blocks) + "\n", encoding="utf-8")
    return path


def red_line(folder: Path, zones: Sequence[Any], **more: Any) -> Library:
    """A library whose only judged layer is a red line of these zones."""
    write_layer(folder / "redline.gpkg", zones)
    return open_library(folder, [entry("redline", "ecological_redline", "redline.gpkg", **more)])


def open_library(folder: Path, entries: Sequence[dict[str, Any]], **head: Any) -> Library:
    """Write a catalogue and open it."""
    return Library(catalog.read(write_catalog(folder, entries, **head)))
