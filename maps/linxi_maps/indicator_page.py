"""The map of the indicators: shares by town or unit as shades, the zones that make them, the figures beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from linxi_gis import crs
from linxi_gis.crs import Geometry
from linxi_gis.indicators_model import County, Indicator, Places
from linxi_maps import panels
from linxi_maps.drawing import dimension, drawn, outline_of, plain_popup, unique_titles
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer, rounded
from linxi_maps.page import Drawn, Page, Zone, render
from linxi_maps.styles import BASE, CONTROL, Style

# Five shades from pale to dark, told apart by lightness alone (ColorBrewer's steps in grey-green, drawn anew).
_SHADES = ("#f3f6ee", "#d3e2c4", "#a5c797", "#6ba170", "#35734c")
_STEPS = (0.0, 5.0, 15.0, 30.0, 50.0)  # percent from which on a shade holds


def indicator_map(county: County, layers: Sequence[MapLayer], places: Places | None, outline: Geometry | None) -> str:
    """Return the page of the indicators as the text of one HTML file that needs no network.

    `layers` are those the numerators come from; `places` the towns or units the parts are of, None without any;
    `outline` the county's border in longitude latitude. Raises LinxiError when the browser libraries are not there.
    """
    shown = [layer for layer in layers if len(layer.geometry)]
    ground = (outline_of(outline),) if outline is not None else ()
    parts = [one for one in county.indicators if one.parts and places is not None]
    shades = [_shaded(n, one, places, shown=n == 0) for n, one in enumerate(parts) if places is not None]
    zones = [
        drawn(n, layer, plain_popup, shown=False, title=name)
        for n, (layer, name) in enumerate(zip(shown, unique_titles(shown), strict=True))
    ]
    first = len(ground) + len(shades)
    entries = [(n + first, layer, dimension(layer)) for n, layer in enumerate(shown)]
    word = "" if places is None else places.word
    return render(
        Page(
            title=safe("林西县规划指标"),
            head=panels.head("规划指标与图层对照", [county.plan_title, f"按 {county.day.isoformat()} 的图层"], "",
                             attributes="", demonstration=county.demonstration),
            side=panels.side(
                _figures(county),
                _scale(word) if shades else "",
                panels.legend(entries, [], panels.ground_rows(ground)),
                panels.notes([panels.DISPLAY_NOTE, *(one.figure.note for one in county.indicators if one.figure.note)]),
            ),
            layers=(*ground, *shades, *zones),
            view=outline.bounds if outline is not None else (117.63, 43.23, 118.62, 44.25),
            outline=outline,
            demonstration=county.demonstration,
        )
    )  # fmt: skip


def _figures(county: County) -> str:
    sections = []
    for one in county.indicators:
        if not one.figure.computed:
            continue
        rows = [("未核查", one.unchecked)]
        if one.ratios:
            rows = [("分子", f"{one.net_km2:.2f} km²")]
            rows += [(f"占{r.denominator.title} {r.denominator.area_km2:.2f} km²", f"{r.percent:.2f} %") for r in one.ratios]
            rows.append(("规划 2020 年", f"{one.figure.percent_2020:.2f} %"))
            rows.append(("规划 2025 年", one.figure.target_2025 + ("" if "不变" in one.figure.target_2025 else " %")))
        sections.append(f"<h3>{safe(one.figure.title)}</h3>{panels.facts(rows)}")
    others = sum(1 for one in county.indicators if not one.figure.computed)
    given = sum(1 for one in county.indicators if one.entered)
    told = f'<p class="lx-note">规划另有 {others} 项图上算不出，已填报 {given} 项，见表格。</p>'
    return f"<section><h2>图上能算的指标</h2>{''.join(sections)}{told}</section>"


def _scale(word: str) -> str:
    rows = []
    for n, shade in enumerate(_SHADES):
        until = f"～{_STEPS[n + 1]:g} %" if n + 1 < len(_STEPS) else " % 以上"
        rows.append(f"<li>{panels.swatch(_look(shade), 2)}<span>{_STEPS[n]:g}{until}</span></li>")
    return f'<section><h2>占各{safe(word)}面积</h2><ul class="lx-legend">{"".join(rows)}</ul></section>'


def _look(shade: str) -> Style:
    return Style("占比", CONTROL, "#4d4d4d", shade, 0.85, 1.0, "", 8)


def _shaded(number: int, one: Indicator, places: Places, *, shown: bool) -> Drawn:
    """Return places shaded by a figure's share, each with the share for a label."""
    shapes = rounded(crs.lonlat_of_plane(np.array(places.shapes, dtype=object)))
    zones = []
    for shape, part in zip(shapes, one.parts, strict=False):
        percent = part.percent or 0.0
        shade = _SHADES[int(np.searchsorted(_STEPS, percent, side="right")) - 1]
        told = f"{part.net_km2:.2f} km²，占 {part.area_km2:.2f} km² 的 {percent:.2f} %"
        label = f"{part.name.removesuffix('（示意）')} {percent:.1f} %" if places.word == "乡镇" else ""
        sub = safe(f"{one.figure.title}：{told}")
        zones.append(Zone(
            geometry=shape, style=_look(shade), name=safe(f"{part.name} {percent:.1f} %"),
            popup=f'<div class="lx-popup"><h3>{safe(part.name)}</h3><p class="lx-sub">{sub}</p></div>',
            search=safe(part.name), label=safe(label),
        ))  # fmt: skip
    title = safe(f"{one.figure.title}（按{places.word}）")
    return replace(Drawn(f"shade{number}", title, BASE, 8, tuple(zones)), shown=shown)
