"""The map of a ledger of conflicts: every object in the colour of its verdict, the list beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from linxi_gis.crs import Geometry
from linxi_gis.law import Verdict
from linxi_gis.ledger import Item, Ledger, Row
from linxi_gis.themes import class_title
from linxi_gis.units import area_text, distance_text
from linxi_maps import panels
from linxi_maps.drawing import QUIET, dimension, drawn, outline_of, plain_popup, unique_titles
from linxi_maps.escape import safe
from linxi_maps.layers import MapLayer, rounded
from linxi_maps.page import Drawn, Page, Zone, render
from linxi_maps.styles import BASE, VERDICT_COLOURS, Style

_LISTED = 12  # rows of one object told in its popup; the workbook has all
_AROUND = 0.03  # degrees of ground shown round the objects


def ledger_map(ledger: Ledger, layers: Sequence[MapLayer], *, outline: Geometry | None) -> str:
    """Return the map of a ledger as the text of one HTML file that needs no network.

    `layers` are those the objects were held against, as `map_layer` gives them; `outline` is the county's border in
    longitude latitude, or None. Raises LinxiError when the browser libraries are not installed.
    """
    shown = [layer for layer in layers if len(layer.geometry) and layer.id != ledger.layer.id]
    ground = (outline_of(outline),) if outline is not None else ()
    pictures = [
        drawn(n, layer, plain_popup, shown=layer.theme not in QUIET, title=name)
        for n, (layer, name) in enumerate(zip(shown, unique_titles(shown), strict=True))
    ]
    entries = [(n + len(ground), layer, dimension(layer)) for n, layer in enumerate(shown)]
    own = [_objects(ledger, verdict) for verdict, _, _ in reversed(ledger.counts())]
    unseen = [panels.Unchecked(one.title, f"{one.why}（影响 {one.objects} 个对象）", one.required) for one in ledger.unseen]
    return render(
        Page(
            title=safe(f"{ledger.layer.title} 存量排查图"),
            head=panels.head(
                f"{ledger.layer.title} 存量排查图", [f"{ledger.day.isoformat()}　·　{ledger.catalog_title}"],
                f'<span class="lx-verdict">{safe(_banner(ledger))}</span>',
                attributes=panels.colour(_worst(ledger)), demonstration=ledger.demonstration,
            ),
            side=panels.side(_summary(ledger), _list(ledger), panels.legend(entries, unseen, panels.ground_rows(ground)),
                             panels.notes([panels.DISPLAY_NOTE, *ledger.notes])),
            layers=(*ground, *pictures, *(one for one in own if one.zones)),
            view=_view(ledger),
            outline=outline,
            demonstration=ledger.demonstration,
        )
    )  # fmt: skip


def _worst(ledger: Ledger) -> Verdict:
    return next((verdict for verdict, objects, _ in ledger.counts() if objects), Verdict.CLEAR)


def _banner(ledger: Ledger) -> str:
    told = [f"{verdict.label} {objects}" for verdict, objects, _ in ledger.counts() if objects]
    return f"{len(ledger.items) + len(ledger.failed)} 个对象：{'，'.join(told)}"


def _objects(ledger: Ledger, verdict: Verdict) -> Drawn:
    colour = VERDICT_COLOURS[verdict]
    title = f"{ledger.layer.title}：{verdict.label}"
    look = Style(title, BASE, colour, colour, 0.35, 3.0, "", 80)
    zones = []
    for item in ledger.items:
        if item.shown is verdict:
            shape = rounded(np.array([item.site.geometry], dtype=object))[0]
            name = safe(f"{item.site.name}（{item.label}）")
            zones.append(Zone(shape, look, name=name, popup=_popup(item), search=name))
    return Drawn(f"verdict{verdict.name.replace('_', '').lower()}", safe(title), BASE, 80, tuple(zones))


def _popup(item: Item) -> str:
    rows = "".join(_row(row) for row in item.rows[:_LISTED])
    more = f'<p class="lx-note">另有 {len(item.rows) - _LISTED} 行，见电子表格。</p>' if len(item.rows) > _LISTED else ""
    known = [("结论", item.label), ("面积", area_text(item.site.area_m2) if item.site.area_m2 else "")]
    if item.pond is not None:
        known += [("等别（推算）", item.pond.grade_label), ("推算依据", item.pond.why), ("头顶库", item.pond.below_houses)]
    return (
        f'<div class="lx-popup"><h3>{safe(item.site.name)}</h3><p class="lx-sub">{safe(item.site.id)}</p>'
        f"{panels.facts(known)}{rows}{more}</div>"
    )


def _row(row: Row) -> str:
    rules = "、".join(one.rule for one in row.said if one.rule)
    tail = f'<p class="lx-sub">规则 {safe(rules)}</p>' if rules else ""
    words = f"<b>{row.verdict.label}</b> {safe(row.layer_title)} {safe(_measured(row))}"
    return f'<div class="lx-rule" {panels.colour(row.verdict)}>{words}{tail}</div>'


def _measured(row: Row) -> str:
    hit = row.hit
    if hit is None:
        return ""
    word = class_title(row.theme, hit.zone_class)
    if not hit.relation.hit:
        return f"{hit.zone_name} {word} {hit.relation.label} {distance_text(hit.distance_m)}"
    area = f" {area_text(hit.area_m2)}，占 {hit.share_of_site * 100.0:.2f} %" if hit.area_m2 else ""
    return f"{hit.zone_name} {word} {hit.relation.label}{area}"


def _summary(ledger: Ledger) -> str:
    counts = [(verdict.label, f"{objects} 个对象，{rows} 行") for verdict, objects, rows in ledger.counts() if objects or rows]
    total = [("合计", f"{len(ledger.items) + len(ledger.failed)} 个对象，{len(ledger.rows)} 行")]
    return f"<section><h2>汇总</h2>{panels.facts([*counts, *total])}</section>"


def _list(ledger: Ledger) -> str:
    rows = []
    for item in ledger.items:
        west, south, east, north = item.site.geometry.bounds
        grave = [row.layer_title for row in item.rows if row.verdict is item.verdict and row.verdict > Verdict.CLEAR]
        why = "、".join(dict.fromkeys(grave))
        rows.append(
            f'<div class="lx-finding" {panels.colour(item.shown)} data-zoom="{west},{south},{east},{north}">'
            f"<p><b>{safe(item.label)}</b> {safe(item.site.name)}</p><p>{safe(why)}</p></div>"
        )
    rows += [
        f'<div class="lx-finding" {panels.colour(Verdict.NOT_CHECKED)}><p><b>未核查</b> {safe(name or zone)}</p>'
        f"<p>{safe(why)}</p></div>"
        for zone, name, why in ledger.failed
    ]
    return f"<section><h2>对象（最重的在前）</h2>{''.join(rows)}</section>"


def _view(ledger: Ledger) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(np.array([item.site.geometry for item in ledger.items], dtype=object))
    return float(west) - _AROUND, float(south) - _AROUND, float(east) + _AROUND, float(north) + _AROUND
