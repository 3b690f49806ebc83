"""The map of the county: every layer, no site, no verdict."""

from __future__ import annotations

from collections.abc import Sequence

import shapely

from linxi_gis.crs import Geometry
from linxi_gis.model import Gap
from linxi_maps import panels
from linxi_maps.drawing import QUIET, dimension, drawn, outline_of, plain_popup, unique_titles
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer
from linxi_maps.page import Page, render

_COUNTY = (117.63, 43.23, 118.62, 44.25)  # where to look when there is nothing to show


def county_map(
    layers: Sequence[MapLayer],
    *,
    title: str,
    demonstration: bool,
    outline: Geometry | None,
    gaps: Sequence[Gap] = (),
    draw: bool = True,
) -> str:
    """Return the county map as the text of one HTML file that needs no network.

    Parameters
    ----------
    layers : what to show; those without a zone are named in the notes
    outline : the county's border in longitude latitude, or None
    gaps : layers that should be there and are not; the legend lists them as 未核查
    draw : whether shapes can be drawn and saved as GeoJSON

    Raises LinxiError when the browser libraries are not installed.
    """
    shown = [layer for layer in layers if len(layer.geometry)]
    titles = unique_titles(shown)
    ground = (outline_of(outline),) if outline is not None else ()
    pictures = [
        drawn(n, layer, plain_popup, shown=layer.theme not in QUIET, title=name)
        for n, (layer, name) in enumerate(zip(shown, titles, strict=True))
    ]
    entries = [(n + len(ground), layer, dimension(layer)) for n, layer in enumerate(shown)]
    unchecked = [panels.Unchecked(gap.identity.title, gap.issue.text, gap.identity.required) for gap in gaps]
    total = sum(len(layer.geometry) for layer in shown)
    lines = [panels.DISPLAY_NOTE, *panels.layer_notes(shown)]
    empty = [layer.title for layer in layers if not len(layer.geometry)]
    if empty:
        lines.append(f"没有图斑的图层：{'、'.join(empty)}。")
    count = [
        ("图层", f"{len(shown)} 个"),
        ("图斑", f"{total} 个"),
        ("未核查", f"{len(gaps)} 个图层" if gaps else ""),
    ]
    return render(
        Page(
            title=safe(title),
            head=panels.head(title, [], "", attributes="", demonstration=demonstration),
            side=panels.side(
                f"<section><h2>图层概况</h2>{panels.facts(count)}</section>",
                panels.legend(entries, unchecked, panels.ground_rows(ground)),
                panels.notes(lines),
            ),
            layers=(*ground, *pictures),
            view=_view(shown, outline),
            outline=outline,
            demonstration=demonstration,
            tools=draw,
        )
    )


def _view(layers: Sequence[MapLayer], outline: Geometry | None) -> tuple[float, float, float, float]:
    if outline is not None:
        west, south, east, north = outline.bounds
    elif layers:
        boxes = [shapely.total_bounds(layer.geometry) for layer in layers]
        west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
        east, north = max(box[2] for box in boxes), max(box[3] for box in boxes)
    else:
        return _COUNTY
    return float(west), float(south), float(east), float(north)
