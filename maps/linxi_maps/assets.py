"""Browser libraries as text for one self-contained page: scripts, style sheets with their images inside."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path

from linxi_gis.errors import LinxiError

STATIC = Path(__file__).parent / "static"
OWN = Path(__file__).parent / "browser"
_REMEDY = "请在源码目录运行 python start.py 取回前端资源，或重新安装 linxi-gis（发布的 wheel 已带全部资源）"
_KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".gif": "image/gif"}
_URL = re.compile(r"url\(\s*['\"]?([^'\")]+?)['\"]?\s*\)")
_SOURCE_MAP = re.compile(r"(//[#@]|/\*[#@])\s*sourceMappingURL=[^\n*]*(\*/)?")

SCRIPTS = (
    "leaflet/dist/leaflet.js",
    "leaflet-draw/dist/leaflet.draw.js",
    "leaflet-measure/dist/leaflet-measure.cn.js",
    "leaflet.fullscreen/Control.FullScreen.js",
    "leaflet-groupedlayercontrol/dist/leaflet.groupedlayercontrol.min.js",
    "leaflet-mouse-position/src/L.Control.MousePosition.js",
    "leaflet-minimap/dist/Control.MiniMap.min.js",
    "leaflet-search/dist/leaflet-search.min.js",
)
STYLES = (
    "leaflet/dist/leaflet.css",
    "leaflet-draw/dist/leaflet.draw.css",
    "leaflet-measure/dist/leaflet-measure.css",
    "leaflet.fullscreen/Control.FullScreen.css",
    "leaflet-groupedlayercontrol/dist/leaflet.groupedlayercontrol.min.css",
    "leaflet-mouse-position/src/L.Control.MousePosition.css",
    "leaflet-minimap/dist/Control.MiniMap.min.css",
    "leaflet-search/dist/leaflet-search.min.css",
)
# Leaflet's own switch, before it loads: moved in 3D every layer is a picture of its own, and a browser that draws
# without a graphics card was seen to show a site's map of 27 layers without the last ones, red line and site among them.
_FLAT = "window.L_DISABLE_3D = true;"
_MARKERS = {
    "iconUrl": "leaflet/dist/images/marker-icon.png",
    "iconRetinaUrl": "leaflet/dist/images/marker-icon-2x.png",
    "shadowUrl": "leaflet/dist/images/marker-shadow.png",
}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LinxiError("缺少前端资源，无法生成离线地图", where=path.name, remedy=_REMEDY) from error


def data_uri(path: Path) -> str:
    """Return an image file as a data: URI; raises LinxiError when the file is missing."""
    return f"data:{_KINDS[path.suffix]};base64,{base64.b64encode(_read(path)).decode('ascii')}"


def script(path: Path) -> str:
    """Return a script that can stand between <script> tags: no map to load, no closing tag inside.

    Raises LinxiError when the file is missing.
    """
    text = _SOURCE_MAP.sub("", _read(path).decode("utf-8"))
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def style(path: Path) -> str:
    """Return a style sheet with the images it names inside it; raises LinxiError when one is missing."""

    def inline(match: re.Match[str]) -> str:
        address = match.group(1)
        if address.startswith(("#", "data:")):
            return match.group(0)
        return f'url("{data_uri(path.parent / address)}")'

    return _URL.sub(inline, _SOURCE_MAP.sub("", _read(path).decode("utf-8"))).replace("</style", "<\\/style")


def _licences() -> str:
    """Return the licences of the libraries a page carries, for a text block inside it."""
    notices = sorted((STATIC / "licenses").glob("*.txt"))
    parts = [f"== {path.stem} ==\n{path.read_text(encoding='utf-8').strip()}" for path in notices]
    return "\n\n".join(parts).replace("</", "<\\/").replace("<!--", "<\\!--")


@cache
def head() -> str:
    """Return what goes into the head of a page: style sheets, libraries, our own script, the licences.

    Raises LinxiError, which says how to get them, when the libraries are not installed.
    """
    sheets = [style(STATIC / name) for name in STYLES] + [style(OWN / "page.css")]
    icons = ", ".join(f'{key}: "{data_uri(STATIC / name)}"' for key, name in _MARKERS.items())
    marker = f'L.Icon.Default.imagePath = "";\nL.Icon.Default.mergeOptions({{ {icons} }});'
    scripts = [_FLAT, script(STATIC / SCRIPTS[0]), marker, *(script(STATIC / name) for name in SCRIPTS[1:])]
    scripts.append(script(OWN / "page.js"))
    return "\n".join(
        [
            *(f"<style>{text}</style>" for text in sheets),
            *(f"<script>{text}</script>" for text in scripts),
            f'<script type="text/plain" id="licences">\n{_licences()}\n</script>',
        ]
    )
