"""From layers to what a page draws: styles, names for search, labels of towns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import shapely

from linxi_gis import crs, geodesy
from linxi_gis.crs import Geometry
from linxi_gis.themes import class_title
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer, rounded
from linxi_maps.page import Drawn, Zone
from linxi_maps.styles import BASE, STYLES, Style, style_of

_LABELS = {"admin_town": "lx-label", "settlement": "lx-place"}
FRAME = Style("本图数据范围", BASE, "#8c8c8c", "#ffffff", 0.0, 1.0, "2 6", 2)
# Whole-county zonings lie over everything else: off until somebody asks for them.
QUIET = {"air_zone", "water_zone", "soil_zone", "resource_zone", "noise_zone", "grassland", "forest_land"}

# The small map as page.js makes it: its side, and how many of its pixels a degree of longitude has (zoom 7).
_SMALL_PX = 130.0
_DEGREE_PX = 256.0 * 2**7 / 360.0
# The foot of the map, on the screen (a grid) and in print (where it comes right after the map), and above the
# small map there.
_FOOT = "grid-area: map; z-index: 650; align-self: end; position: relative; height: 0;"
_ABOVE_SMALL_MAP = (
    "position: absolute; right: 11px; bottom: 150px; width: max-content; max-width: 250px; padding: 4px 10px; "
    "border: 1px solid #c81e1e; border-radius: 4px; background: #ffffff; color: #a50f15; font-size: 13px;"
)

Popup = Callable[[MapLayer, int], str]


def plain_popup(layer: MapLayer, row: int) -> str:
    """Return the popup of a zone that nothing was measured of."""
    word = class_title(layer.theme, layer.classes[row])
    sub = " · ".join(text for text in (layer.title, word, layer.ids[row]) if text)
    name = layer.names[row] or "（未命名）"
    return f'<div class="lx-popup"><h3>{safe(name)}</h3><p class="lx-sub">{safe(sub)}</p></div>'


def dimension(layer: MapLayer) -> int:
    """Return what most of a layer's zones are: 0 points, 1 lines, 2 areas."""
    return int(np.bincount(np.maximum(shapely.get_dimensions(layer.geometry), 0)).argmax())


def drawn(number: int, layer: MapLayer, popup: Popup, *, shown: bool = True, title: str = "") -> Drawn:
    """Return a layer as a page draws it; `number` makes its key, `title` replaces its own."""
    look = style_of(layer.theme)
    zones = tuple(
        _zone(layer, row, popup) for row in range(len(layer.geometry)) if not layer.geometry[row].is_empty
    )
    return Drawn(f"layer{number}", safe(title or layer.title), look.group, look.order, zones, shown)


def _zone(layer: MapLayer, row: int, popup: Popup) -> Zone:
    name = layer.names[row]
    return Zone(
        geometry=layer.geometry[row],
        style=style_of(layer.theme, layer.classes[row]),
        name=safe(f"{name or layer.ids[row]}（{layer.title}）"),
        popup=popup(layer, row),
        search=safe(f"{name or layer.ids[row]}（{layer.title}）"),
        label=safe(name) if layer.theme in _LABELS else "",
        label_class=_LABELS.get(layer.theme, ""),
    )


def unique_titles(layers: Sequence[MapLayer]) -> list[str]:
    """Return the titles, those that occur twice with their id: the layer switch knows layers by title."""
    titles = [layer.title for layer in layers]
    return [
        title if titles.count(title) == 1 else f"{title}（{layer.id}）"
        for title, layer in zip(titles, layers, strict=True)
    ]


def outline_of(outline: Geometry) -> Drawn:
    """Return the county's outline; its key is the one the small map looks for."""
    style = STYLES["admin_county"]
    line = rounded(np.array([outline], dtype=object))[0]
    return Drawn("outline", "县界", BASE, style.order, (Zone(line, style),))


def frame_of(frame: Geometry) -> Drawn:
    """Return the edge of the data on the map of a site, so that the cut is not taken for a border."""
    return Drawn("frame", "本图数据范围", BASE, FRAME.order, (Zone(frame, FRAME),))


def beyond_small_map(outline: Geometry | None, shape: Geometry, word: str) -> str:
    """Return HTML that says why the small map of the county shows no spot for a shape, "" when it shows one.

    `outline` and `shape` are in longitude latitude; the spot is the shape's centroid. `word` says what the shape is.
    """
    if outline is None or shape.is_empty or _on_small_map(outline, shape.centroid):
        return ""
    away = _distance_km(outline, shape)
    place = f"在县域以外 {away:.0f} km" if away >= 1.0 else "的中心离县域较远"
    words = f'<p class="lx-afar" style="margin: 0; {_ABOVE_SMALL_MAP}">{safe(word)}{place}，县图上不显示</p>'
    return f'<div style="{_FOOT}">{words}</div>'


def _on_small_map(outline: Geometry, centre: Geometry) -> bool:
    west, south, east, north = outline.bounds
    across = (float(shapely.get_x(centre)) - (west + east) / 2.0) * _DEGREE_PX
    up = (_mercator_deg(float(shapely.get_y(centre))) - _mercator_deg((south + north) / 2.0)) * _DEGREE_PX
    return max(abs(across), abs(up)) < _SMALL_PX / 2.0


def _mercator_deg(latitude: float) -> float:
    """How far north a latitude lies on a Mercator map, in degrees of the equator."""
    return float(np.degrees(np.arcsinh(np.tan(np.radians(latitude)))))


def _distance_km(outline: Geometry, shape: Geometry) -> float:
    """Geodesic kilometres between the places nearest each other in the county's plane; 0.0 where the two meet."""
    line = shapely.shortest_line(crs.plane_of_lonlat(outline), crs.plane_of_lonlat(shape))
    ends = crs.points_lonlat(shapely.get_coordinates(line))
    metres, _ = geodesy.distances(ends[:1], ends[1:])
    return float(metres[0]) / 1000.0
