"""The words round a map as HTML: head, legend, notes. Whatever comes from data passes `safe`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from linxi_gis.law import Verdict
from linxi_gis.themes import class_title
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer
from linxi_maps.page import Drawn
from linxi_maps.styles import GROUPS, VERDICT_COLOURS, Style, style_of

PROVISO = "初步研判，不替代主管部门认定"
STAMP = "示意数据，结论无效力"
DISPLAY_NOTE = "图上边界已作显示简化，图上量算为近似值；面积、距离以研判结果为准。"


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A layer that could not be used, and why."""

    title: str
    why: str
    required: bool


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return a two-column table of plain texts; rows without a value are left out."""
    cells = "".join(f"<tr><th>{safe(key)}</th><td>{safe(value)}</td></tr>" for key, value in rows if value)
    return f'<table class="lx-facts">{cells}</table>'


def colour(verdict: Verdict) -> str:
    """Return a style attribute that sets a verdict's colour for what is inside."""
    return f'style="--lx-verdict: {VERDICT_COLOURS[verdict]}"'


def head(title: str, lines: Sequence[str], banner: str, *, attributes: str, demonstration: bool) -> str:
    """Return the head of a page; `banner` and `attributes` are HTML, the rest plain text."""
    words = "".join(f"<p>{safe(line)}</p>" for line in lines if line)
    stamp = f'<div class="lx-demo">{STAMP}</div>' if demonstration else ""
    return (
        f'<header class="lx-head" {attributes}><div class="lx-titles"><h1>{safe(title)}</h1>{words}</div>'
        f'{stamp}<div class="lx-banner">{banner}<small>{PROVISO}</small></div></header>'
    )


def side(*sections: str) -> str:
    """Return the panel at the right of the map."""
    return f'<aside class="lx-side">{"".join(sections)}</aside>'


def swatch(style: Style, kind: int) -> str:
    """Return a small SVG drawn as the map draws it; `kind` is the dimension: 0 point, 1 line, 2 area."""
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    pen = f'stroke="{style.stroke}" stroke-width="{style.weight}"{dash}'
    ink = f'fill="{style.fill}" fill-opacity="{style.fill_opacity}"'
    shapes = {
        0: f'<circle cx="13" cy="8" r="5" {pen} {ink}/>',
        1: f'<line x1="1" y1="8" x2="25" y2="8" {pen}/>',
        2: f'<rect x="1.5" y="1.5" width="23" height="13" {pen} {ink}/>',
    }
    return f'<svg width="26" height="16" aria-hidden="true">{shapes[kind]}</svg>'


_GAP_SWATCH = (
    '<svg width="26" height="16" aria-hidden="true"><rect x="1.5" y="1.5" width="23" height="13" fill="none" '
    'stroke="#8c8c8c" stroke-width="1.5" stroke-dasharray="4 3"/></svg>'
)


def _legend_rows(number: int, layer: MapLayer, kind: int) -> Iterable[str]:
    """Yield one row for a layer, or one for each class that is drawn differently."""
    looks: dict[Style, list[str]] = {}
    for zone_class in layer.classes:
        words = looks.setdefault(style_of(layer.theme, zone_class), [])
        word = class_title(layer.theme, zone_class)
        if word and word not in words:
            words.append(word)
    for style, words in looks.items():
        told = f"：{'、'.join(words)}" if len(looks) > 1 and words else ""
        version = "（示意）" if layer.demonstration and "示意" not in layer.title else ""
        yield (
            f'<li data-layer="{number}">{swatch(style, kind)}'
            f"<span>{safe(layer.title + told)}<em>{version}</em></span></li>"
        )


def ground_rows(ground: Sequence[Drawn]) -> str:
    """Return legend rows of the county's outline and the like, which come first among a page's layers."""
    return "".join(
        f'<li data-layer="{number}">{swatch(drawn.zones[0].style, 2)}<span>{drawn.title}</span></li>'
        for number, drawn in enumerate(ground)
    )


def legend(
    layers: Sequence[tuple[int, MapLayer, int]], unchecked: Sequence[Unchecked], extra: str = ""
) -> str:
    """Return the legend: exactly the layers on the map, group by group, then those not checked.

    `layers` holds (place among the page's layers, layer, dimension). `extra` is HTML rows put first.
    """
    parts = [f'<ul class="lx-legend">{extra}</ul>' if extra else ""]
    for group in GROUPS:
        mine = [entry for entry in layers if style_of(entry[1].theme).group == group]
        rows = "".join(row for number, layer, kind in mine for row in _legend_rows(number, layer, kind))
        if rows:
            parts.append(f'<h3>{group}</h3><ul class="lx-legend">{rows}</ul>')
    if unchecked:
        rows = "".join(
            f'<li class="lx-unchecked">{_GAP_SWATCH}<span><b>未核查</b> {safe(gap.title)}'
            f"{'（必查）' if gap.required else ''}<br><em>{safe(gap.why)}</em></span></li>"
            for gap in unchecked
        )
        parts.append(f'<h3>未核查图层（空白不等于没有）</h3><ul class="lx-legend">{rows}</ul>')
    return f"<section><h2>图例</h2>{''.join(parts)}</section>"


def notes(lines: Iterable[str]) -> str:
    """Return the notes at the foot of the panel; plain texts."""
    return (
        f"<section><h2>说明</h2>{''.join(f'<p class=lx-note>{safe(line)}</p>' for line in lines)}</section>"
    )


def layer_notes(layers: Iterable[MapLayer]) -> list[str]:
    """Return what a reader must know of the layers shown, each once."""
    return [f"{layer.title}：{layer.note}。" for layer in layers if layer.note]
