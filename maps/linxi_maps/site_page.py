"""The map of one site: the verdict on top, the zones round it, why, and what is still unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from linxi_gis.crs import Geometry
from linxi_gis.finding import Finding, Hit
from linxi_gis.model import Assessment, Site
from linxi_gis.report.text import avoided, other_readings
from linxi_gis.units import distance_text
from linxi_maps import panels
from linxi_maps.clauses import clause_list
from linxi_maps.drawing import (
    beyond_small_map,
    dimension,
    drawn,
    frame_of,
    outline_of,
    plain_popup,
    unique_titles,
)
from linxi_maps.escape import safe
from linxi_maps.findings import brief, finding_list, site_facts, unchecked_layers, zone_popup
from linxi_maps.layers import MapLayer, cut_one, rounded, site_frame, within
from linxi_maps.page import Drawn, Page, Zone, render
from linxi_maps.styles import BASE, Style

_HALO = Style("场址", BASE, "#ffffff", "#ffffff", 0.0, 7.0, "", 80)
_SITE = Style("场址", BASE, "#111111", "#ffffff", 0.35, 3.0, "", 80)
_NEAR = Style("最近距离线", BASE, "#1e2429", "#1e2429", 0.0, 1.6, "5 4", 79)
_UNSEEN = Style("名称", BASE, "#ffffff", "#ffffff", 0.0, 0.0, "", 50)
_VIEW_M = 1500.0  # least half-width of the first view
_NEAR_SHOWN_M = 5000.0  # nearest lines longer than this would leave the first view
_DEGREE_M = 111_000.0
_LISTED = 6  # candidate readings told beside a map


def site_map(assessment: Assessment, layers: Sequence[MapLayer], *, outline: Geometry | None) -> str:
    """Return the map of an assessed site as the text of one HTML file that needs no network.

    Parameters
    ----------
    layers : the layers of the assessment as `map_layer` gives them (best with `near=assessment.site`); they
        are matched by id, and cut 10 km round the site
    outline : the county's border in longitude latitude, or None

    Raises LinxiError when the browser libraries are not installed.
    """
    site = assessment.site
    frame = site_frame(site)
    cuts = [within(layer, frame) for layer in layers]
    shown = [layer for layer in cuts if len(layer.geometry)]
    ground = [*([outline_of(outline)] if outline is not None else []), frame_of(frame)]
    titles = unique_titles(shown)
    popups = _Popups(assessment)
    pictures = [
        popups.labelled(drawn(n, layer, popups.of, title=name), layer, site)
        for n, (layer, name) in enumerate(zip(shown, titles, strict=True))
    ]
    entries = [(n + len(ground), layer, dimension(layer)) for n, layer in enumerate(shown)]
    top = [*_near_lines(assessment), *_site_pictures(site)]
    return render(
        Page(
            title=safe(f"{site.name} 选址研判图"),
            head=_head(assessment),
            side=beyond_small_map(outline, site.geometry, "场址")
            + _side(assessment, shown, entries, panels.ground_rows(ground)),
            layers=(*ground, *pictures, *top),
            view=_view(site),
            outline=outline,
            centre=(float(site.geometry.centroid.x), float(site.geometry.centroid.y)),
            demonstration=assessment.demonstration,
        )
    )


class _Popups:
    """The popup of each zone: what was measured of it, if anything was."""

    def __init__(self, assessment: Assessment) -> None:
        self._hits: dict[tuple[str, str], Hit] = {}
        for result in assessment.layers:
            nearest = (result.nearest,) if result.nearest is not None else ()
            for hit in (*nearest, *result.hits):
                self._hits[result.id, hit.zone_id] = hit
        self._findings: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for finding in assessment.findings:
            if finding.hit is not None:
                self._hits.setdefault((finding.layer, finding.hit.zone_id), finding.hit)
                self._findings[finding.layer, finding.hit.zone_id].append(finding)

    def of(self, layer: MapLayer, row: int) -> str:
        key = (layer.id, layer.ids[row])
        hit = self._hits.get(key)
        return plain_popup(layer, row) if hit is None else zone_popup(layer, row, hit, self._findings[key])

    def labelled(self, picture: Drawn, layer: MapLayer, site: Site) -> Drawn:
        """Return a layer with a name written into each zone the site meets, beside the site."""
        around = shapely.box(*_view(site)).difference(shapely.envelope(site.geometry))
        labels = []
        for shape, zone_id, name in zip(layer.geometry, layer.ids, layer.names, strict=True):
            hit = self._hits.get((layer.id, zone_id))
            room = cut_one(shape, around) if hit is not None and hit.relation.hit else shapely.Point()
            if not room.is_empty:
                text = safe(name or layer.title)
                spot = shapely.point_on_surface(room)
                labels.append(Zone(spot, _UNSEEN, label=text, label_class="lx-zone"))
        return replace(picture, zones=(*picture.zones, *labels))


def _head(assessment: Assessment) -> str:
    site, project, overall = assessment.site, assessment.project, assessment.overall
    subject = f"{project.name}　·　" if project.name else ""
    banner = f'<span class="lx-verdict">{safe(overall.label)}</span>'
    return panels.head(
        f"{site.name} 选址研判图",
        [f"{subject}研判日期 {assessment.on.isoformat()}　·　{assessment.catalog_title}"],
        banner,
        attributes=panels.colour(overall.verdict),
        demonstration=assessment.demonstration,
    )


def _side(
    assessment: Assessment,
    shown: Sequence[MapLayer],
    entries: Sequence[tuple[int, MapLayer, int]],
    ground: str,
) -> str:
    site = assessment.site
    boxes = {
        (layer.id, zone_id): ",".join(f"{value:.6f}" for value in _joined(shape, site).bounds)
        for layer in shown
        for shape, zone_id in zip(layer.geometry, layer.ids, strict=True)
    }
    kind = {"polygon": 2, "corridor": 2, "line": 1, "point": 0}[site.kind]
    rows = f"<li>{panels.swatch(_SITE, kind)}<span>场址</span></li>"
    if any(_near_hits(assessment)):
        rows += f"<li>{panels.swatch(_NEAR, 1)}<span>至最近图斑的连线与距离</span></li>"
    lines = [panels.DISPLAY_NOTE, "虚线方框为本图数据范围：场址外扩 10 km。"]
    results = {result.id: result for result in assessment.layers}
    checked = {r.id for r in results.values() if not r.unchecked}
    quiet = [r.title for r in results.values() if r.id in checked - {layer.id for layer in shown}]
    if quiet:
        lines.append(f"已核查、本图范围内没有图斑：{'、'.join(quiet)}。")
    told = (i.text for r in results.values() if not r.unchecked for i in r.issues if i.severity != "info")
    lines += avoided(assessment)[1:]
    lines += [f"读法：{text}" for text in other_readings(assessment)]
    lines += [f"另一种读法（未采用）：{one.label}，{'；'.join(one.evidence)}" for one in site.candidates[:_LISTED]]
    lines += [f"图层说明：{text}" for text in dict.fromkeys(told)]
    if assessment.reminders:
        lines.append(f"另有 {len(assessment.reminders)} 条与图形无关的提醒，见研判报告。")
    pack = assessment.rules
    lines.append(f"规则包 {pack.name}（{pack.in_force} 条现行），linxi_gis {assessment.engine_version}。")
    return panels.side(
        brief(assessment),
        f"<section><h2>场址</h2>{panels.facts(site_facts(site))}</section>",
        finding_list(assessment, boxes) + clause_list(assessment.access),
        panels.legend(entries, unchecked_layers(assessment.layers, assessment.overall.unchecked), rows + ground),
        panels.notes([*lines, *panels.layer_notes(shown)]),
    )


def _joined(shape: Geometry, site: Site) -> Geometry:
    """Return the box to look at for a zone: the part near the site with the site itself."""
    west, south, east, north = site.geometry.bounds
    reach = max(east - west, north - south, 0.02)
    close = shapely.clip_by_rect(shape, west - reach, south - reach, east + reach, north + reach)
    return shapely.box(
        *shapely.total_bounds(np.array([close if not close.is_empty else shape, site.geometry]))
    )


def _site_pictures(site: Site) -> list[Drawn]:
    shape = rounded(np.array([site.geometry], dtype=object))[0]
    popup = f'<div class="lx-popup"><h3>{safe(site.name)}</h3>{panels.facts(site_facts(site)[1:])}</div>'
    zones = (Zone(shape, _HALO), Zone(shape, _SITE, safe(site.name), popup))
    return [Drawn("site", "场址", BASE, _SITE.order, zones)]


def _near_hits(assessment: Assessment) -> list[tuple[str, Hit]]:
    """Return the nearest zone of each layer that the site does not meet, with the layer's title."""
    found = []
    for result in assessment.layers:
        hit = result.nearest
        if hit is None or result.status == "hit" or result.unchecked or hit.relation.hit:
            continue
        if (
            hit.nearest_site
            and hit.nearest_zone
            and 0.0 < hit.distance_m <= min(result.range_m, _NEAR_SHOWN_M)
        ):
            found.append((result.title, hit))
    return found


def _near_lines(assessment: Assessment) -> list[Drawn]:
    zones = []
    for title, hit in _near_hits(assessment):
        if hit.nearest_site is None or hit.nearest_zone is None:
            continue
        line = shapely.LineString([hit.nearest_site, hit.nearest_zone])
        label = safe(f"{title} {distance_text(hit.distance_m)}")
        zones.append(Zone(line, _NEAR, label=label, label_class="lx-distance"))
    return [Drawn("near", "最近距离", BASE, _NEAR.order, tuple(zones))] if zones else []


def _view(site: Site) -> tuple[float, float, float, float]:
    west, south, east, north = site.geometry.bounds
    up = max(_VIEW_M / _DEGREE_M, (north - south) * 0.35)
    across = max(_VIEW_M / _DEGREE_M / float(np.cos(np.radians(north))), (east - west) * 0.35)
    return west - across, south - up, east + across, north + up
