"""One self-contained page: folium draws the map, everything it needs is inside, nothing may be fetched."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import folium
import shapely
from branca.element import Element
from folium import plugins
from folium.elements import JSCSSMixin
from folium.map import CustomPane
from folium.utilities import JsCode

from linxi_gis.crs import Geometry
from linxi_maps import assets
from linxi_maps.styles import GROUPS, Style

Json = dict[str, object]
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A feature to draw; `geometry` in longitude latitude. All texts are HTML already (see `escape`)."""

    geometry: Geometry
    style: Style
    name: str = ""
    popup: str = ""
    search: str = ""
    label: str = ""
    label_class: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Zones that are switched on and off together; `title` is HTML already, `order` as in `Style`.

    `key` names the pane and the variable: ASCII letters and digits only.
    """

    key: str
    title: str
    group: str
    order: int
    zones: tuple[Zone, ...]
    shown: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Everything a page shows. Texts are HTML already; `view` is west, south, east, north.

    `outline` is the county's (longitude latitude) or None; `centre` marks the site on the small map.
    """

    title: str
    head: str
    side: str
    layers: tuple[Drawn, ...]
    view: tuple[float, float, float, float]
    outline: Geometry | None
    centre: tuple[float, float] | None = None
    demonstration: bool = False
    tools: bool = False


def _path_options(style: Style) -> Json:
    options: Json = {
        "color": style.stroke,
        "weight": style.weight,
        "fillColor": style.fill,
        "fillOpacity": style.fill_opacity,
        "opacity": 1.0,
    }
    return {**options, "dashArray": style.dash} if style.dash else options


def _feature(number: int, zone: Zone) -> Json:
    texts = {
        "name": zone.name,
        "popup": zone.popup,
        "search": zone.search,
        "label": zone.label,
        "labelClass": zone.label_class,
    }
    return {
        "type": "Feature",
        "id": str(number),
        "geometry": json.loads(shapely.to_geojson(zone.geometry)),
        "properties": {
            **{key: text for key, text in texts.items() if text},
            "look": _path_options(zone.style),
        },
    }


def _look(feature: dict[str, dict[str, Json]]) -> Json:
    return feature["properties"]["look"]


def _named(element: Element, key: str) -> None:
    """Give an element a name of ours; folium's own are random, and a page must be the same every time."""
    element._id = key


def _pane(drawn: Drawn) -> str:
    return f"lx-{drawn.key}"


def _geojson(drawn: Drawn) -> folium.GeoJson:
    marker = folium.CircleMarker(radius=6)
    marker.options["pane"] = _pane(drawn)
    layer = folium.GeoJson(
        {
            "type": "FeatureCollection",
            "features": [_feature(number, zone) for number, zone in enumerate(drawn.zones)],
        },
        name=drawn.title,
        style_function=_look,
        on_each_feature=JsCode("linxi.each"),
        marker=marker,
        smooth_factor=0.5,
        show=drawn.shown,
        pane=_pane(drawn),
    )
    _named(layer, drawn.key)
    return layer


def _base_map(page: Page) -> folium.Map:
    west, south, east, north = page.view
    chart = folium.Map(
        location=[(south + north) / 2.0, (west + east) / 2.0],
        tiles=None,
        zoom_start=11,
        zoom_control=True,
        attribution_control=False,
        zoom_snap=0.25,
        wheel_px_per_zoom_level=90,
    )
    chart.options.update({"min_zoom": 7, "max_zoom": 19})
    _named(chart, "linxi")
    panes = [("lx-graticule", 300), *((_pane(drawn), 400 + drawn.order) for drawn in page.layers)]
    for number, (name, z_index) in enumerate(panes):
        pane = CustomPane(name, z_index=z_index, pointer_events=True)
        _named(pane, str(number))
        pane.add_to(chart)
    bounds = folium.FitBounds([[south, west], [north, east]], max_zoom=16, padding=(24, 24))
    _named(bounds, "view")
    bounds.add_to(chart)
    return chart


def _tool(name: str, **options: object) -> JSCSSMixin:
    tool: JSCSSMixin = getattr(plugins, name)(**options)
    return tool


def _controls(page: Page, layers: Sequence[folium.GeoJson]) -> list[JSCSSMixin]:
    """Return the tools; the layer switch comes last, so that every layer is there when it is made."""
    tools = [
        _tool(
            "Fullscreen",
            position="topleft",
            title="全屏",
            title_cancel="退出全屏",
            force_separate_button=True,
            fullscreen_element=JsCode("document.documentElement"),
        ),
        _tool(
            "MeasureControl",
            position="topleft",
            primary_length_unit="meters",
            secondary_length_unit="kilometers",
            primary_area_unit="hectares",
            secondary_area_unit="mu",
            units={"mu": {"factor": 0.0015, "display": "亩", "decimals": 2}},
            active_color="#c81e1e",
            completed_color="#a50f15",
        ),
        _tool(
            "MousePosition",
            position="bottomleft",
            prefix="经度 / 纬度（CGCS2000）",
            separator=" ，",
            empty_string="移动鼠标显示经纬度",
            lng_first=True,
            lng_formatter="linxi.degrees",
            lat_formatter="linxi.degrees",
        ),
    ]
    if page.tools:
        shapes = {"circle": False, "circlemarker": False, "rectangle": {"showArea": False}}
        tools.append(
            _tool("Draw", export=False, position="topleft", show_geometry_on_click=False, draw_options=shapes)
        )
    groups: dict[str, list[folium.GeoJson]] = {}
    for drawn, layer in sorted(zip(page.layers, layers, strict=True), key=lambda p: GROUPS.index(p[0].group)):
        groups.setdefault(drawn.group, []).append(layer)
    switch = _tool("GroupedLayerControl", groups=groups, exclusive_groups=False, position="topright")
    # Those not shown were never added; folium would remove them in the order of a set, which changes.
    vars(switch)["layers_untoggle"] = ()
    return [*tools, switch]


def _body_script(page: Page, chart: folium.Map, layers: Sequence[folium.GeoJson], draw: str) -> str:
    names = ", ".join(layer.get_name() for layer in layers)
    outline = next(
        (n.get_name() for d, n in zip(page.layers, layers, strict=True) if d.key == "outline"), "null"
    )
    centre = "null" if page.centre is None else json.dumps([page.centre[1], page.centre[0]])
    start = f"linxi.start({chart.get_name()}, {{ layers: [{names}], outline: {outline}, centre: {centre} }});"
    return f"{start}\n{draw}" if draw else start


def _sealed(html: str) -> str:
    """Return the page with a policy that runs its own scripts only, and fetches nothing at all.

    Each script is named by its SHA-256. leaflet-measure compiles its templates, hence unsafe-eval.
    """
    digests = [hashlib.sha256(text.encode()).digest() for text in _SCRIPT.findall(html)]
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in dict.fromkeys(digests))
    policy = (
        f"default-src 'none'; script-src 'unsafe-eval' {allowed}; style-src 'unsafe-inline'; "
        "img-src data:; form-action 'none'; base-uri 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return html.replace("<head>", f'<head>\n<meta charset="utf-8">\n{meta}', 1)


def render(page: Page) -> str:
    """Return the page as HTML text, the same text for the same page.

    Raises LinxiError when the browser libraries are not installed.
    """
    head = assets.head()
    chart = _base_map(page)
    layers = [_geojson(drawn) for drawn in page.layers]
    tools = _controls(page, layers)
    for number, tool in enumerate(tools):
        _named(tool, str(number))
    for element in (*layers, *tools):
        element.add_to(chart)
    for element in (chart, *tools):
        # Instance attributes: folium's CDN addresses stay in its classes and out of our page.
        element.default_js, element.default_css = [], []
    figure = chart.get_root()
    html = figure.render()
    draw = next(
        (
            f"linxi.exporter({chart.get_name()}, drawnItems_{t.get_name()});"
            for t in tools
            if t.get_name().startswith("draw_control")
        ),
        "",
    )
    stamp = (
        '<div class="lx-stamp" aria-hidden="true">示意数据，结论无效力</div>' if page.demonstration else ""
    )
    html = html.replace("<html>", '<html lang="zh-CN">', 1)
    html = html.replace("</head>", f"<title>{page.title}</title>\n{head}\n</head>", 1)
    html = html.replace("<body>", f"<body>\n{page.head}", 1)
    html = f"{stamp}\n{page.side}\n</body>".join(html.rsplit("</body>", 1))
    last = f"<script>{_body_script(page, chart, layers, draw)}</script>\n</html>"
    return _sealed(last.join(html.rsplit("</html>", 1)))
