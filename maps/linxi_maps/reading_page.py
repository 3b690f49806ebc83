"""The map of a reading: what was drawn, its corners by number, where something is odd, what else it could be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from linxi_gis import crs
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import CrsError
from linxi_gis.finding import Issue
from linxi_gis.footprint import SHOWN_STEP_M
from linxi_gis.model import Candidate, Site
from linxi_gis.report.reading import SEVERITIES
from linxi_gis.units import KIND_WORDS, area_text, distance_text
from linxi_maps import panels
from linxi_maps.drawing import beyond_small_map, outline_of
from linxi_maps.escape import safe
from linxi_maps.layers import rounded
from linxi_maps.page import Drawn, Page, Zone, render
from linxi_maps.styles import BASE, Style

_SITE = Style("图形", BASE, "#111111", "#8fb7d9", 0.30, 2.6, "", 60)
_OTHER = Style("另一种读法", BASE, "#b5179e", "#b5179e", 0.06, 2.2, "7 5", 55)
# Nothing but its number is seen of a corner: rings round all corners hide a small plot.
_CORNER = Style("拐点编号", BASE, "#111111", "#ffffff", 0.0, 0.0, "", 70)
_CORNER_SWATCH = (
    '<svg width="26" height="16" aria-hidden="true"><rect x="5" y="1" width="16" height="14" rx="3" fill="#1e2429"/>'
    '<text x="13" y="12" fill="#ffffff" font-size="11" text-anchor="middle">1</text></svg>'
)
_PLACE = Style("问题位置", BASE, "#d00000", "#ffb703", 0.55, 2.2, "", 75)
_SHADES = {"error": "#a50f15", "warning": "#b23c00", "info": "#1f66a8"}
_OTHERS = "可能的读法（未采用）"
# Our choices: corners are numbered where numbers can be read, and a page stays below some megabytes.
NUMBERED, NUMBERED_IN_ALL, VERTICES, LISTED = 60, 400, 200_000, 60
DRAWN = 2_000  # features of a layer
_NAMED = 3
_TOLERANCE_DEG = 1e-5
_NEAR_DEG = 3.0  # readings farther off stay outside the first view when others are nearer
_ORDER = re.compile(r"按 ([\d－]+) 的次序")


def reading_map(
    title: str,
    sites: Sequence[Site],
    issues: Sequence[Issue],
    candidates: Sequence[Candidate],
    *,
    outline: Geometry | None,
    errors: Sequence[str] = (),
) -> str:
    """Return the map of what files held as the text of one HTML file that needs no network.

    Parameters
    ----------
    issues : what was told of the files; the sites' own are taken from them
    candidates : readings of files that could not be decided; the sites' own are taken from them
    outline : the county's border in longitude latitude, or None
    errors : why files could not be read, plain texts

    Raises LinxiError when the browser libraries are not installed.
    """
    every = list(dict.fromkeys([*issues, *(issue for site in sites for issue in site.issues)]))
    others = [*candidates, *(one for site in sites for one in site.candidates)]
    placed = [issue for issue in every if issue.geometry_wkt is not None]
    layers = [
        *([outline_of(outline)] if outline is not None else []),
        *_other_layer(others[:DRAWN]),
        *_site_layer(sites[:DRAWN]),
        *_corner_layer(sites[:DRAWN], others[:DRAWN]),
        *_place_layer(placed[:DRAWN]),
    ]
    view = _view(sites, others, outline)
    counts = {"图形": len(sites), "另一种读法": len(others), "问题位置": len(placed)}
    seen = shapely.box(*view) if sites or others else shapely.Point()
    return render(
        Page(
            title=safe(f"{title} 读法图"),
            head=_head(title, sites, others, errors, [_undrawn(word, n) for word, n in counts.items() if n > DRAWN]),
            side=beyond_small_map(outline, seen, "图形") + _side(sites, every, others, errors, layers),
            layers=tuple(layers),
            view=view,
            outline=outline,
            centre=((view[0] + view[2]) / 2.0, (view[1] + view[3]) / 2.0) if sites or others else None,
        )
    )


def _undrawn(word: str, count: int) -> str:
    """What the map leaves out, in words: a blank is not nothing."""
    return f"{word}共 {count} 个，图上只画前 {DRAWN} 个，其余 {count - DRAWN} 个没有画出，全部见 linxi read --format json"


def _head(
    title: str, sites: Sequence[Site], others: Sequence[Candidate], errors: Sequence[str], cut: Sequence[str]
) -> str:
    word, shade = (f"{len(sites)} 个地块", "#2f4858") if sites else ("没有读出", "#a50f15")
    if errors and others and not sites:
        word, shade = "读法待定", "#b5179e"
    return (
        f'<header class="lx-head" style="--lx-verdict: {shade}"><div class="lx-titles"><h1>{safe(title)}</h1>'
        f"<p>读法图：只显示坐标怎样读取，不作研判</p>{''.join(f'<p><b>{line}</b></p>' for line in cut)}"
        f'</div><div class="lx-banner">'
        f'<span class="lx-verdict">{word}</span></div></header>'
    )


def _side(
    sites: Sequence[Site],
    issues: Sequence[Issue],
    others: Sequence[Candidate],
    errors: Sequence[str],
    layers: Sequence[Drawn],
) -> str:
    sections = [_listing("没有读出的文件", [_entry("error", SEVERITIES["error"], text, "") for text in errors])]
    sections.append(_legend(layers))
    sections.append(_listing(_OTHERS, [_other_entry(n, one) for n, one in enumerate(others[:LISTED], 1)], len(others)))
    told = sorted(issues, key=lambda issue: list(_SHADES).index(issue.severity))
    sections.append(_listing("问题", [_issue_entry(issue, sites) for issue in told[:LISTED]], len(told)))
    sections.append(_listing("图形", [_site_entry(site) for site in sites[:LISTED]], len(sites)))
    notes = ["经纬度为 CGCS2000。拐点编号从 1 起，按文件中的次序；拐点多的图形不标编号。"]
    if any(layer.key == "sites" for layer in layers) and _vertices(sites[:DRAWN]) > VERTICES:
        notes.append(panels.DISPLAY_NOTE)
    if any(_healed(site) for site in sites):
        notes.append("自相交的图形按修复后的样子画出；拐点次序有疑问时，编号标在另一种次序的轮廓上。")
    return panels.side(*(section for section in sections if section), panels.notes(notes))


def _listing(title: str, entries: Sequence[str], whole: int = 0) -> str:
    if not entries:
        return ""
    more = f'<p class="lx-note">另有 {whole - LISTED} 条。</p>' if whole > LISTED else ""
    return f"<section><h2>{title}</h2>{''.join(entries)}{more}</section>"


def _entry(severity: str, head: str, text: str, small: str, box: str = "", shade: str = "") -> str:
    zoom = f' data-zoom="{box}"' if box else ""
    lines = f"<p>{safe(text)}</p>" if text else ""
    foot = f'<p class="lx-basis">{safe(small)}</p>' if small else ""
    colour = shade or _SHADES[severity]
    return f'<div class="lx-finding" style="--lx-verdict: {colour}"{zoom}><b>{safe(head)}</b>{lines}{foot}</div>'


def _issue_entry(issue: Issue, sites: Sequence[Site]) -> str:
    place = None if issue.geometry_wkt is None else shapely.from_wkt(issue.geometry_wkt)
    names = [site.name for site in sites if issue in site.issues]
    more = f" 等 {len(names)} 个" if len(names) > _NAMED else ""
    head = f"{SEVERITIES[issue.severity]}　{'、'.join(names[:_NAMED])}{more}"
    foot = "　".join(filter(None, (issue.remedy, issue.code)))
    return _entry(issue.severity, head, issue.text, foot, _box(place))


def _other_entry(number: int, one: Candidate) -> str:
    how = f"--crs {one.crs}" if one.crs else ""
    place = "在县界内" if one.in_county else "" if one.distance_km is None else f"距县界 {one.distance_km:.1f} km"
    area = area_text(one.area_m2) if one.area_m2 else ""
    facts = "，".join(filter(None, (how, place, area)))
    evidence = "；".join(one.evidence)
    return _entry("info", f"{number}　{one.label}", facts, evidence, _box(_shape_of(one)), _OTHER.stroke)


def _site_entry(site: Site) -> str:
    return _entry("info", site.name, _figures(site), f"{site.reference.source}：{site.reference.how}", _box(site.geometry))


def _figures(site: Site) -> str:
    words = [KIND_WORDS[site.kind], f"{site.parts} 部分" if site.parts > 1 else ""]
    words.append(area_text(site.area_m2) if site.area_m2 else "")
    words.append(f"长 {distance_text(site.length_m)}" if site.length_m else "")
    words.append(f"申报 {area_text(site.declared_area_m2)}" if site.declared_area_m2 else "")
    return "，".join(filter(None, words))


def _box(place: Geometry | None) -> str:
    if place is None or place.is_empty:
        return ""
    west, south, east, north = place.bounds
    grow = max(0.0004, (east - west) * 0.1, (north - south) * 0.1)
    return ",".join(f"{value:.6f}" for value in (west - grow, south - grow, east + grow, north + grow))


def _legend(layers: Sequence[Drawn]) -> str:
    rows = []
    for number, layer in enumerate(layers):
        kinds = {int(shapely.get_dimensions(zone.geometry)) for zone in layer.zones}
        kind = 0 if layer.key == "places" else 2 if layer.key == "outline" else max(kinds)
        swatch = _CORNER_SWATCH if layer.key == "corners" else panels.swatch(layer.zones[0].style, kind)
        rows.append(f'<li data-layer="{number}">{swatch}<span>{layer.title}</span></li>')
    return f'<section><h2>图例</h2><ul class="lx-legend">{"".join(reversed(rows))}</ul></section>'


def _site_layer(sites: Sequence[Site]) -> list[Drawn]:
    if not sites:
        return []
    shapes = _light([site.geometry for site in sites])
    zones = tuple(
        Zone(shape, _SITE, safe(site.name), _popup(site), safe(site.name))
        for site, shape in zip(sites, shapes, strict=True)
    )
    return [Drawn("sites", "图形", BASE, _SITE.order, zones)]


def _popup(site: Site) -> str:
    rows = [("大小", _figures(site)), ("坐标系", f"{site.reference.source}（{site.reference.how}）")]
    rows += [("坐标轴", site.reference.axes), *site.attributes[:30]]
    return f'<div class="lx-popup"><h3>{safe(site.name)}</h3>{panels.facts(rows)}</div>'


def _other_layer(others: Sequence[Candidate]) -> list[Drawn]:
    if not others:
        return []
    shapes = _light([_shape_of(one) for one in others])
    drawn = [
        Zone(shape, _OTHER, safe(one.label), _other_popup(one)) for one, shape in zip(others, shapes, strict=True)
    ]
    # A spot of fixed size: seen from far off, where a plot is a dot; an order of corners is told by their numbers.
    drawn += [
        Zone(shapely.Point(one.lon, one.lat), _OTHER, popup=_other_popup(one), label=_short(n, one), label_class="lx-distance")
        for n, one in enumerate(others, 1)
        if one.code != "hull_order"
    ]
    return [Drawn("others", _OTHERS, BASE, _OTHER.order, tuple(drawn))]


def _short(number: int, one: Candidate) -> str:
    """What stands in the map: the number in the list, and the words before any bracket."""
    return safe(f"{number} {re.split('[（(]', one.label)[0]}")


def _other_popup(one: Candidate) -> str:
    rows = [("采用", f"--crs {one.crs}" if one.crs else ""), ("面积", area_text(one.area_m2) if one.area_m2 else "")]
    rows += [("依据", sentence) for sentence in one.evidence]
    return f'<div class="lx-popup"><h3>{safe(one.label)}</h3>{panels.facts(rows)}</div>'


def _shape_of(one: Candidate) -> Geometry:
    return shapely.Point(one.lon, one.lat) if one.geometry_wkt is None else shapely.from_wkt(one.geometry_wkt)


def _corner_layer(sites: Sequence[Site], others: Sequence[Candidate]) -> list[Drawn]:
    zones = list(islice((zone for site in sites for zone in _site_corners(site)), NUMBERED_IN_ALL + 1))
    if len(zones) > NUMBERED_IN_ALL:
        zones = []
    zones += [zone for one in others for zone in _ordered_corners(one)][:NUMBERED_IN_ALL]
    return [Drawn("corners", "拐点编号", BASE, _CORNER.order, tuple(zones))] if zones else []


def _site_corners(site: Site) -> list[Zone]:
    """The corners of a small site by number, as drawn; a repaired one has other corners than its file."""
    if site.kind in ("point", "corridor") or _healed(site):
        return []
    if shapely.get_num_coordinates(site.geometry) > 20 * NUMBERED:
        return []
    rings = [shapely.get_coordinates(chain) for chain in _chains(site.geometry)]
    corners = [xy[_drawn_rows(site, xy)] for xy in rings]
    if site.kind == "polygon":
        corners = [xy[:-1] for xy in corners]
    if sum(len(xy) for xy in corners) > NUMBERED:
        return []
    return [zone for xy in corners for zone in _numbered(xy, range(1, len(xy) + 1))]


def _chains(shape: Geometry) -> list[Geometry]:
    parts = shapely.get_parts(shape)
    return list(shapely.get_rings(parts) if shapely.get_dimensions(shape) == 2 else parts)


def _drawn_rows(site: Site, lonlat: FloatArray) -> NDArray[np.bool_]:
    """Which vertices were in the file: those that cut a long straight edge into equal pieces were not."""
    kept = np.ones(len(lonlat), dtype=bool)
    try:
        system = crs.parse(site.reference.source)
    except CrsError:
        return kept
    if system.is_geographic or len(lonlat) < 3:
        return kept
    there = pyproj.Transformer.from_crs(crs.LONLAT, system, always_xy=True)
    xy = np.column_stack(there.transform(lonlat[:, 0], lonlat[:, 1]))
    back, ahead = xy[1:-1] - xy[:-2], xy[2:] - xy[1:-1]
    near, far = np.hypot(*back.T), np.hypot(*ahead.T)
    even = np.abs(near - far) <= 1e-3
    straight = np.abs(back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]) <= 1e-3 * near
    kept[1:-1] = ~(even & straight & (near <= SHOWN_STEP_M + 1e-3) & (near + far > SHOWN_STEP_M))
    return kept


def _ordered_corners(one: Candidate) -> list[Zone]:
    """The corners of another order, each with the number it has in the file."""
    found = next((m for m in map(_ORDER.search, one.evidence) if m), None)
    if one.code != "hull_order" or found is None or one.geometry_wkt is None:
        return []
    numbers = [int(word) for word in found[1].split("－")]
    return _numbered(shapely.get_coordinates(shapely.from_wkt(one.geometry_wkt))[: len(numbers)], numbers)


def _numbered(xy: FloatArray, numbers: Iterable[int]) -> list[Zone]:
    """A label at each place; corners at one place share it."""
    held: dict[tuple[float, float], list[str]] = {}
    for (lon, lat), number in zip(xy.tolist(), numbers, strict=True):
        held.setdefault((lon, lat), []).append(str(number))
    points = rounded(np.array([shapely.Point(place) for place in held], dtype=object))
    return [
        Zone(point, _CORNER, popup=_corner_popup(word, *place), label=word, label_class="lx-distance")
        for point, (place, word) in zip(points, ((p, "、".join(n)) for p, n in held.items()), strict=True)
    ]


def _corner_popup(word: str, lon: float, lat: float) -> str:
    where = f"{lon:.9f}°E {lat:.9f}°N"
    return f'<div class="lx-popup"><h3>第 {word} 点</h3><p class="lx-sub">{where}</p></div>'


def _healed(site: Site) -> bool:
    return any(issue.code == "geometry_healed" for issue in site.issues)


def _place_layer(issues: Sequence[Issue]) -> list[Drawn]:
    zones = tuple(
        Zone(shapely.from_wkt(issue.geometry_wkt), _PLACE, safe(issue.text), _issue_popup(issue))
        for issue in issues
        if issue.geometry_wkt is not None
    )
    return [Drawn("places", "问题位置", BASE, _PLACE.order, zones)] if zones else []


def _issue_popup(issue: Issue) -> str:
    return (
        f'<div class="lx-popup"><h3>{SEVERITIES[issue.severity]}</h3><p>{safe(issue.text)}</p>'
        f'<p class="lx-sub">{safe(issue.remedy)}　{safe(issue.code)}</p></div>'
    )


def _vertices(sites: Sequence[Site]) -> int:
    return sum(int(shapely.get_num_coordinates(site.geometry)) for site in sites)


def _light(shapes: Sequence[Geometry]) -> list[Geometry]:
    """Shapes for display: rounded, and simplified when a page would grow past some megabytes."""
    held = np.empty(len(shapes), dtype=object)
    held[:] = list(shapes)
    tolerance = _TOLERANCE_DEG
    while shapely.get_num_coordinates(held).sum() > VERTICES and tolerance < 1e-2:
        held, tolerance = shapely.simplify(held, tolerance), tolerance * 2.0
    return list(rounded(held))


def _view(
    sites: Sequence[Site], others: Sequence[Candidate], outline: Geometry | None
) -> tuple[float, float, float, float]:
    """The first view: the sites and their other orders; else the readings near the county; else the county."""
    boxes = [site.geometry.bounds for site in sites]
    if not boxes and others:
        shapes = [_shape_of(one) for one in others]
        near = [
            shape.bounds for shape in shapes if outline is None or shape.distance(outline) < _NEAR_DEG
        ] or [shape.bounds for shape in shapes]
        boxes = [*near, *([outline.bounds] if outline is not None else [])]
    if not boxes:
        boxes = [outline.bounds if outline is not None else (117.6, 43.2, 118.6, 44.3)]
    low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
    west, south, east, north = float(low[0]), float(low[1]), float(high[2]), float(high[3])
    up, across = max(0.0006, (north - south) * 0.15), max(0.0008, (east - west) * 0.15)
    return west - across, south - up, east + across, north + up
