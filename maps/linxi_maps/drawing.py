"""From layers to what a page draws: styles, names for search, labels of towns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import shapely

from linxi_gis.crs import Geometry
from linxi_gis.themes import class_title
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer, rounded
from linxi_maps.page import Drawn, Zone
from linxi_maps.styles import BASE, STYLES, Style, style_of

_LABELLED = {"admin_town", "settlement"}
FRAME = Style("本图数据范围", BASE, "#8c8c8c", "#ffffff", 0.0, 1.0, "2 6", 2)
# Whole-county zonings lie over everything else: off until somebody asks for them.
QUIET = {"air_zone", "water_zone", "soil_zone", "resource_zone", "noise_zone", "grassland", "forest_land"}

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
        label=safe(name) if layer.theme in _LABELLED else "",
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
