"""The map of a check-up: every finding where it lies, in the colour of its severity, the list and the scores beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import shapely

from linxi_gis.checkup.record import COMMON, GRAVE, HINT, KINDS, SEVERITIES, Card, Checkup, Fault
from linxi_gis.crs import Geometry
from linxi_gis.fitness import FIT, RESERVED, UNFIT
from linxi_gis.model import GeometryArray
from linxi_maps import panels
from linxi_maps.drawing import dimension, drawn, outline_of, plain_popup, unique_titles
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer, rounded
from linxi_maps.page import Drawn, Page, Zone, render
from linxi_maps.styles import FOUND, Style

# Told apart by lightness, width and dashes as well as by hue.
_LOOKS = {
    GRAVE: Style("严重", FOUND, "#8f0d13", "#c81e1e", 0.30, 3.4, "", 90),
    COMMON: Style("一般", FOUND, "#a34a00", "#f08a24", 0.35, 2.2, "", 92),
    HINT: Style("提示", FOUND, "#1f66a8", "#8fb7d9", 0.30, 1.6, "4 3", 95),  # mostly small: above the others
}
_KEYS = {GRAVE: "grave", COMMON: "common", HINT: "hint"}
_SCORES = {FIT: "#2f6b46", RESERVED: "#a34a00", UNFIT: "#8f0d13"}
_WHOLE = "整个图层的问题（外框）"
# Our choices: what is smaller than this on the county sheet is marked with a spot; a page stays below some megabytes.
SPOT_DEG = 0.006
DRAWN, LISTED, VERTICES = 3_000, 200, 3_000
_VIEW = (117.63, 43.23, 118.62, 44.25)
_AROUND_DEG = 0.002
_NOTES = (
    "图上边界已作显示简化。每个问题的准确图形见 --format gpkg。",
    "没有列出的只说明体检没有发现，不等于图层正确。",
)


def checkup_map(done: Checkup, layers: Sequence[MapLayer], *, outline: Geometry | None) -> str:
    """Return the map of a check-up as the text of one HTML file that needs no network.

    `layers` are shown beneath the findings when they are switched on, as `map_layer` gives them; `outline` is the county's
    border in longitude latitude, or None. Raises LinxiError when the browser libraries are not installed.
    """
    ground = (outline_of(outline),) if outline is not None else ()
    beneath = [one for one in layers if len(one.geometry)]
    pictures = [
        drawn(n, layer, plain_popup, shown=False, title=name)
        for n, (layer, name) in enumerate(zip(beneath, unique_titles(beneath), strict=True))
    ]
    found = list(_findings(done))
    counts = {word: sum(fault.severity == word for fault in done.faults) for word in SEVERITIES}
    worst = next((one for one in (UNFIT, RESERVED) if any(card.score == one for card in done.cards)), FIT)
    first = len(ground)
    entries = [(n + first + len(found), layer, dimension(layer)) for n, layer in enumerate(beneath)]
    rows = _legend_rows(found, first) + panels.ground_rows(ground)
    return render(
        Page(
            title=safe(f"{done.title} 图层体检"),
            head=panels.head(
                "图层体检", [done.title, f"按 {done.day.isoformat()} 有效的图层"],
                f'<span class="lx-verdict">{"，".join(f"{word} {count}" for word, count in counts.items())}</span>',
                attributes=f'style="--lx-verdict: {_SCORES[worst]}"', demonstration=done.demonstration,
            ),
            side=panels.side(_summary(done), *(_section(done, card) for card in _listed(done)), _fit(done),
                             panels.legend(entries, [], rows), panels.notes([*_cut(counts), *_NOTES])),
            layers=(*ground, *found, *pictures),
            view=outline.bounds if outline is not None else _VIEW,
            outline=outline,
            demonstration=done.demonstration,
        )
    )  # fmt: skip


def _cut(counts: dict[str, int]) -> Iterable[str]:
    """Say what the map leaves out: a blank is not nothing."""
    return [f"{word}的问题共 {n} 个，图上只画前 {DRAWN} 个。" for word, n in counts.items() if n > DRAWN]


def _findings(done: Checkup) -> Iterable[Drawn]:
    """Yield what is wrong with places, the gravest first, then with whole layers."""
    whole = [
        Zone(_shown(fault.geometry.envelope), _frame(fault.severity), **_words(done, fault))
        for fault in done.faults if _is_whole(fault) and not fault.geometry.is_empty
    ]  # fmt: skip
    for word in SEVERITIES:
        look = _LOOKS[word]
        placed = [fault for fault in done.faults if fault.severity == word and not _is_whole(fault)][:DRAWN]
        placed.sort(key=lambda fault: -_extent(fault.geometry))  # a small one lies on the large one round it
        zones = [zone for fault in placed for zone in _zones(done, fault, look)]
        if zones:
            yield Drawn(_KEYS[word], look.title, FOUND, look.order, tuple(zones))
    if whole:
        yield Drawn("whole", _WHOLE, FOUND, 85, tuple(whole[:DRAWN]))


def _is_whole(fault: Fault) -> bool:
    return fault.code == "placeholder_county" or (not fault.zones and fault.code != "gap")


def _frame(severity: str) -> Style:
    """A frame hides nothing of what lies in it."""
    return replace(_LOOKS[severity], fill_opacity=0.0, weight=1.8, dash="10 5")


def _extent(shape: Geometry) -> float:
    west, south, east, north = shape.bounds
    return max(east - west, north - south)


def _zones(done: Checkup, fault: Fault, look: Style) -> Iterable[Zone]:
    """Yield the shape of a finding, and a spot where the shape is too small to be seen."""
    if fault.geometry.is_empty:
        return
    words = _words(done, fault)
    small = _extent(fault.geometry) < SPOT_DEG
    if shapely.get_dimensions(fault.geometry) > 0:
        yield Zone(_shown(fault.geometry), look, **({} if small else words))
    if small:
        yield Zone(shapely.envelope(fault.geometry).centroid, look, **words)


def _shown(shape: Geometry) -> Geometry:
    column: GeometryArray = rounded(np.array([shape], dtype=object))
    step = 2e-4  # degrees: a quarter of a millimetre on the county sheet
    while shapely.get_num_coordinates(column[0]) > VERTICES and step < 0.1:
        column, step = rounded(shapely.simplify(column, step)), 2.0 * step
    shown: Geometry = column[0]
    return shown


def _words(done: Checkup, fault: Fault) -> dict[str, str]:
    title = _title(done, fault.layer)
    kind = KINDS[fault.code]
    rows = [("图层", title), ("图斑", "、".join(fault.zones)), ("数值", fault.figure), ("处理", fault.remedy)]
    colour = _LOOKS[fault.severity].stroke
    head = f'<b style="color: {colour}">{fault.severity}</b>　{safe(kind)}'
    popup = f'<div class="lx-popup"><h3>{head}</h3><p>{safe(fault.text)}</p>{panels.facts(rows)}</div>'
    name = safe(f"{kind}：{'、'.join(fault.zones) or title}")
    return {"name": name, "popup": popup, "search": name}


def _title(done: Checkup, layer: str) -> str:
    return next((card.title for card in done.cards if card.layer == layer), layer)


def _listed(done: Checkup) -> list[Card]:
    """The layers with findings, unfit ones first."""
    order = (UNFIT, RESERVED, FIT)
    return sorted((card for card in done.cards if any(card.counts)), key=lambda card: order.index(card.score))


def _summary(done: Checkup) -> str:
    cards = {score: [card for card in done.cards if card.score == score] for score in (UNFIT, RESERVED, FIT)}
    told = [(score, f"{len(held)} 个图层") for score, held in cards.items() if held]
    return f"<section><h2>结论</h2>{panels.facts(told)}</section>"


def _section(done: Checkup, card: Card) -> str:
    """The score card of a layer and its findings."""
    faults = [fault for fault in done.faults if fault.layer == card.layer]
    counts = "，".join(f"{word} {n}" for word, n in zip(SEVERITIES, card.counts, strict=True) if n)
    score = f'<b style="color: {_SCORES[card.score]}">{card.score}</b>'
    rows = "".join(_entry(fault) for fault in faults[:LISTED])
    more = f'<p class="lx-note">另有 {len(faults) - LISTED} 个。</p>' if len(faults) > LISTED else ""
    version = f"　{card.version}" if card.version else ""
    return (
        f'<section class="lx-card"><h2>{safe(card.title)}</h2><p class="lx-note">{score}　{counts}　'
        f"{safe(card.layer + version)}</p>{rows}{more}</section>"
    )


def _entry(fault: Fault) -> str:
    look = _LOOKS[fault.severity]
    figure = f"<p>{safe(fault.figure)}</p>" if fault.figure else ""
    return (
        f'<div class="lx-finding" style="--lx-verdict: {look.stroke}"{_zoom(fault.geometry)}>'
        f"<p><b>{fault.severity}　{safe(KINDS[fault.code])}</b></p><p>{safe(fault.text)}</p>{figure}"
        f'<p class="lx-basis">{safe(fault.remedy)}</p></div>'
    )


def _zoom(shape: Geometry) -> str:
    if shape.is_empty:
        return ""
    west, south, east, north = shape.bounds
    grow = max(_AROUND_DEG, 0.1 * _extent(shape))
    return f' data-zoom="{west - grow:.6f},{south - grow:.6f},{east + grow:.6f},{north + grow:.6f}"'


def _fit(done: Checkup) -> str:
    names = [card.title for card in done.cards if not any(card.counts)]
    return f"<section><h2>没有发现问题的图层（{len(names)}）</h2><p>{safe('、'.join(names))}</p></section>" if names else ""


def _legend_rows(found: Sequence[Drawn], first: int) -> str:
    """The findings in the page's order; they are its layers from `first` on."""
    rows = [
        f'<li data-layer="{n}">{panels.swatch(one.zones[0].style, 2)}<span>{one.title}</span></li>'
        for n, one in enumerate(found, first)
    ]
    return "".join(rows)
