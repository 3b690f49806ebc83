"""The map of a difference: what came, what went and what changed between two editions, and the sites on that ground."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.crs import Geometry
from linxi_gis.importing.differ import TITLES, Change, Difference, Kind
from linxi_gis.importing.editions import Edition
from linxi_gis.importing.touching import PARTS, Met, Part, Touch
from linxi_gis.model import GeometryArray
from linxi_gis.units import area_text, distance_text
from linxi_maps import panels
from linxi_maps.drawing import outline_of
from linxi_maps.escape import safe
from linxi_maps.layers import SITE_TOLERANCE_M, rounded, simplified
from linxi_maps.page import Drawn, Page, Zone, render
from linxi_maps.styles import BASE, LAND, Style

# Blue comes, orange goes: told apart without red and green, and the dash without colour.
GAINED, LOST, RENAMED, SITE = "#0b5fa5", "#b24700", "#6b4c9a", "#111111"
_LOOKS = {
    "old": Style("原有的全部图斑", LAND, "#8a8a8a", "#ffffff", 0.0, 1.2, "2 3", 20),
    "new": Style("新有的全部图斑", LAND, "#9a9a9a", "#dfe3e5", 0.35, 0.8, "", 10),
    "words": Style("改变：名称或类别", BASE, RENAMED, "#cbb9ea", 0.30, 1.6, "1 4", 30),
    "shrunk": Style("改变：划出的部分", BASE, LOST, "#f5a35c", 0.45, 1.6, "4 3", 40),
    "grown": Style("改变：划入的部分", BASE, GAINED, "#6fb1e4", 0.50, 1.6, "", 41),
    "removed": Style("取消的图斑", BASE, LOST, "#f5a35c", 0.60, 2.4, "7 4", 42),
    "added": Style("新增的图斑", BASE, GAINED, "#6fb1e4", 0.65, 2.4, "", 43),
    "places": Style("细小变化的位置", BASE, "#111111", "#ffd23f", 0.9, 1.6, "", 50),
    "sites": Style("涉及的地块", BASE, SITE, "#ffffff", 0.25, 2.6, "", 60),
}
_SHADES: dict[Kind, str] = {"added": GAINED, "removed": LOST, "changed": "#2f4858"}
LISTED, DRAWN = 300, 4_000  # changes told in the list, and drawn
_SMALL = 1 / 60  # of the view: what is smaller gets a spot, or nobody sees it
_AROUND = 0.15  # of the extent of the changes, shown round them
_LEAST_DEG = 0.004
_NO_DISTANCE = "地块只看是否与变化的地方相交或相接，不看远近；涉及的地块以前的研判结果应重新核对。"


def diff_map(found: Difference, *, met: Sequence[Met] | None = None, outline: Geometry | None) -> str:
    """Return the map of a difference as the text of one HTML file that needs no network.

    `met` are the sites that were asked about, None when nobody asked; `outline` is the county's border in longitude
    latitude, or None. Raises LinxiError when the browser libraries are not installed.
    """
    view = _view(found, met or ())
    drawn = [_changes(found, key) for key in ("words", "shrunk", "grown", "removed", "added")]
    pictures = [_whole("new", found.after), _whole("old", found.before), *drawn, _places(found, view), _sites(met or ())]
    layers = ([outline_of(outline)] if outline is not None else []) + [one for one in pictures if one.zones]
    title = _title(found)
    return render(
        Page(
            title=safe(title),
            head=_head(title, found),
            side=panels.side(
                _editions(found), _summary(found), _met(met), _list(found), _legend(layers), panels.notes(_notes(found, met))
            ),
            layers=tuple(layers),
            view=view,
            outline=outline,
            demonstration=found.demonstration,
        )
    )


def _title(found: Difference) -> str:
    old, new = found.before, found.after
    return f"{new.title} 变化图" if old.title == new.title else f"{old.title} 与 {new.title} 变化图"


def _head(title: str, found: Difference) -> str:
    counts = [(TITLES[kind], sum(one.kind == kind for one in found.changes)) for kind in TITLES]
    banner = "， ".join(f"{word}\u00a0{count}" for word, count in counts if count) or "没有变化"
    stamp = f'<div class="lx-demo">{panels.STAMP}</div>' if found.demonstration else ""
    return (
        f'<header class="lx-head" style="--lx-verdict: #2f4858"><div class="lx-titles"><h1>{safe(title)}</h1>'
        f"<p>{safe(_side_text(found.before))}　→　{safe(_side_text(found.after))}</p></div>{stamp}"
        f'<div class="lx-banner"><span class="lx-verdict">{safe(banner)}</span>'
        "<small>只比较图形和名称，不作研判</small></div></header>"
    )


def _side_text(one: Edition) -> str:
    return f"{one.label}（{one.days}）" if one.days else one.label


def _editions(found: Difference) -> str:
    def told(one: Edition, m2: float) -> str:
        words = (one.label, one.days, f"{len(one.zones)} 个图斑，{_km2(m2)}", "示意" if one.demonstration else "")
        return "；".join(filter(None, words))

    rows = [("原", told(found.before, found.before_m2)), ("新", told(found.after, found.after_m2))]
    return f"<section><h2>比较的两份</h2>{panels.facts(rows)}</section>"


def _summary(found: Difference) -> str:
    gained, lost = (sum(getattr(one, part).area for one in found.changes) for part in ("grown", "shrunk"))
    rows = [
        (TITLES[kind], f"{sum(one.kind == kind for one in found.changes)} 个") for kind in TITLES
    ] + [
        ("未变", f"{found.same} 个"), ("各图斑划入", area_text(gained)), ("各图斑划出", area_text(lost)),
        ("全层净变化", f"{round((found.after_m2 - found.before_m2) / 1e6, 4) + 0.0:+.4f} km²"),
    ]  # fmt: skip
    return f"<section><h2>汇总</h2>{panels.facts(rows)}</section>"


def _km2(m2: float) -> str:
    return f"{m2 / 1e6:.4f} km²"


def _list(found: Difference) -> str:
    order = list(TITLES)
    every = sorted(found.changes, key=lambda one: (order.index(one.kind), -(one.grown.area + one.shrunk.area)))
    rows = [
        f'<div class="lx-finding" style="--lx-verdict: {_SHADES[one.kind]}"{_zoom(one.shape, one.grown, one.shrunk)}>'
        f"<p><b>{TITLES[one.kind]}</b> {safe(_named(one))}</p><p>{safe(_figures(one))}</p></div>"
        for one in every[:LISTED]
    ]
    more = f'<p class="lx-note">另有 {len(every) - LISTED} 个没有列出。</p>' if len(every) > LISTED else ""
    return f"<section><h2>变化的图斑</h2>{''.join(rows) or '<p>没有变化。</p>'}{more}</section>"


def _named(one: Change) -> str:
    return f"{one.name}（{one.zone}）" if one.name else one.zone


def _figures(one: Change) -> str:
    if one.kind != "changed":
        return area_text(one.after_m2 if one.kind == "added" else one.before_m2) if one.before_m2 + one.after_m2 else ""
    moved = not (one.grown.is_empty and one.shrunk.is_empty)
    words = [f"{area_text(one.before_m2)} → {area_text(one.after_m2)}" if moved and one.before_m2 + one.after_m2 else ""]
    words += [f"{PARTS[part]} {area_text(shape.area)}" for part, shape in _sides(one) if shape.area]
    return "；".join(filter(None, (*words, one.what)))


def _sides(one: Change) -> Iterable[tuple[Part, Geometry]]:
    return (("grown", one.grown), ("shrunk", one.shrunk))


def _met(met: Sequence[Met] | None) -> str:
    if met is None:
        return ""
    rows = [
        f'<div class="lx-finding" style="--lx-verdict: {SITE}"{_zoom(one.site.ground)}><p><b>{safe(one.site.name)}</b></p>'
        f"{''.join(f'<p>{safe(touch_text(touch))}</p>' for touch in one.touches)}</div>"
        for one in met
        if one.touches
    ]
    free = [one.site.name for one in met if not one.touches]
    rest = f"<p>不涉及：{safe('、'.join(free))}</p>" if free else ""
    return f"<section><h2>涉及变化的地块（{len(rows)}／{len(met)}）</h2>{''.join(rows)}{rest}</section>"


def touch_text(touch: Touch) -> str:
    """Return what a site shares with a change as a sentence."""
    size = area_text(touch.area_m2) if touch.area_m2 else f"长 {distance_text(touch.length_m)}" if touch.length_m else ""
    datum = f"（按 {touch.reading} 读）" if touch.reading else ""
    return f"{TITLES[touch.change.kind]} {_named(touch.change)}：{PARTS[touch.part]}{' ' + size if size else ''}{datum}"


def _zoom(*shapes: Geometry) -> str:
    """Return the attribute that leads to the ground that changed, else to the whole zone (the first)."""
    moved = [shape for shape in shapes[1:] if not shape.is_empty] or [shape for shape in shapes[:1] if not shape.is_empty]
    if not moved:
        return ""
    west, south, east, north = _bounds(moved)
    dx, dy = max(0.0004, (east - west) * 0.1), max(0.0004, (north - south) * 0.1)
    return f' data-zoom="{west - dx:.6f},{south - dy:.6f},{east + dx:.6f},{north + dy:.6f}"'


def _bounds(plane: Sequence[Geometry]) -> tuple[float, float, float, float]:
    boxes = np.array([shapely.envelope(shape) for shape in plane], dtype=object)
    west, south, east, north = (float(one) for one in shapely.total_bounds(crs.lonlat_of_plane(boxes)))
    return west, south, east, north


def _view(found: Difference, met: Sequence[Met]) -> tuple[float, float, float, float]:
    shapes = [one.shape for one in found.changes] + [one.site.ground for one in met if one.touches]
    shapes = [one for one in shapes or [zone.shape for zone in found.after.zones] if not one.is_empty]
    if not shapes:
        return 117.63, 43.23, 118.62, 44.25
    west, south, east, north = _bounds(shapes)
    dx, dy = (max(_LEAST_DEG, extent * _AROUND) for extent in (east - west, north - south))
    return west - dx, south - dy, east + dx, north + dy


def _light(shapes: Sequence[Geometry]) -> GeometryArray:
    """Return plane shapes as they are drawn: thinned where they are very many, in longitude latitude."""
    held: GeometryArray = np.array(shapes, dtype=object)
    thinned, _ = simplified(held, "", SITE_TOLERANCE_M)
    return rounded(crs.lonlat_of_plane(thinned))


def _drawn(key: str, rows: Sequence[tuple[Geometry, str, str]], *, shown: bool = True) -> Drawn:
    """Return a layer of (shape in the plane, name, popup), the latter two as HTML."""
    look = _LOOKS[key]
    rows = [row for row in rows if not row[0].is_empty][:DRAWN]
    shapes = _light([shape for shape, _, _ in rows])
    zones = tuple(Zone(shape, look, name, popup, name) for shape, (_, name, popup) in zip(shapes, rows, strict=True))
    return Drawn(key, look.title, look.group, look.order, zones, shown)


def _whole(key: str, one: Edition) -> Drawn:
    return _drawn(key, [(zone.shape, safe(f"{zone.name or zone.id}（{one.label}）"), "") for zone in one.zones])


_SHAPES: dict[str, Callable[[Change], Geometry]] = {
    "added": lambda one: one.shape if one.kind == "added" else shapely.Point(),
    "removed": lambda one: one.shape if one.kind == "removed" else shapely.Point(),
    "grown": lambda one: one.grown if one.kind == "changed" else shapely.Point(),
    "shrunk": lambda one: one.shrunk if one.kind == "changed" else shapely.Point(),
    "words": lambda one: one.shape if one.what else shapely.Point(),
}


def _changes(found: Difference, key: str) -> Drawn:
    return _drawn(key, [(_SHAPES[key](one), safe(_named(one)), _popup(one)) for one in found.changes])


def _popup(one: Change) -> str:
    rows = [("变化", TITLES[one.kind]), ("原面积", area_text(one.before_m2) if one.before_m2 else "")]
    rows.append(("新面积", area_text(one.after_m2) if one.after_m2 else ""))
    rows += [(PARTS[part], area_text(shape.area)) for part, shape in _sides(one) if one.kind == "changed" and shape.area]
    return f'<div class="lx-popup"><h3>{safe(_named(one))}</h3>{panels.facts([*rows, ("说明", one.what)])}</div>'


def _places(found: Difference, view: tuple[float, float, float, float]) -> Drawn:
    """A spot of fixed size where what changed is too small to be seen at first."""
    least = (view[2] - view[0]) * _SMALL * 80_000.0  # m: a degree of longitude is some 80 km here
    rows = []
    for one in found.changes:
        parts = [shape for _, shape in _sides(one) if not shape.is_empty]
        small = parts and max(np.ptp(np.reshape(shape.bounds, (2, 2)), axis=0).max() for shape in parts) < least
        if small:
            rows.append((parts[0].representative_point(), safe(_named(one)), _popup(one)))
    return _drawn("places", rows)


def _sites(met: Sequence[Met]) -> Drawn:
    rows = []
    for one in met:
        if one.touches:
            lines = "".join(f"<p>{safe(touch_text(touch))}</p>" for touch in one.touches)
            popup = f'<div class="lx-popup"><h3>{safe(one.site.name)}</h3>{lines}</div>'
            rows.append((one.site.ground, safe(one.site.name), popup))
    return _drawn("sites", rows)


def _legend(layers: Sequence[Drawn]) -> str:
    rows = []
    for number, layer in enumerate(layers):
        kind = int(shapely.get_dimensions(np.array([zone.geometry for zone in layer.zones], dtype=object)).max())
        rows.append(f'<li data-layer="{number}">{panels.swatch(layer.zones[0].style, kind)}<span>{layer.title}</span></li>')
    return f'<section><h2>图例</h2><ul class="lx-legend">{"".join(reversed(rows))}</ul></section>'


def _notes(found: Difference, met: Sequence[Met] | None) -> list[str]:
    how = (
        "图斑按图形配对（互相覆盖 95 % 以上的为同一个）；重叠不到 95 % 的列为一个取消和一个新增。"
        if found.by_shape
        else "图斑按编号配对，同一编号的几块合为一个；界线移动不到 1 mm 的算没有变。"
    )
    undrawn = sum(
        max(sum(not shape(one).is_empty for one in found.changes) - DRAWN, 0) for shape in _SHAPES.values()
    )
    uncounted = max(len(found.before.zones), len(found.after.zones)) > DRAWN
    return [
        *found.doubts, how, "面积为椭球面积；全层面积里重叠只算一次。", panels.DISPLAY_NOTE,
        *([_NO_DISTANCE] if met is not None else []),
        *([f"原有、新有的全部图斑各只画前 {DRAWN} 个作底图。"] if uncounted else []),
        *([f"图上每种变化只画前 {DRAWN} 个，共 {undrawn} 个没有画出。"] if undrawn > 0 else []),
        *found.before.notes, *found.after.notes,
    ]  # fmt: skip
