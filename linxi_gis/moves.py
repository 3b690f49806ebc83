"""Avoiding what prohibits: what of the site is left, and where the smallest shift would lead. An idea, no advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import shapely

from linxi_gis import avoidance, crs
from linxi_gis.assess import assess
from linxi_gis.crs import Geometry
from linxi_gis.law import Verdict
from linxi_gis.library import Library
from linxi_gis.model import Assessment, Avoidance, Layer, Shift, Site
from linxi_gis.rulebook import Rulebook

# A shift may lead into other zones that prohibit: those are added and the search repeated, this often.
ROUNDS = 6
_Zone = tuple[str, str]


def with_avoidance(
    assessments: Sequence[Assessment], library: Library, rulebook: Rulebook, day: date, radius_m: float
) -> list[Assessment]:
    """Return the assessments with what avoiding their prohibiting zones would come to, within `radius_m`.

    The zones are those of findings 禁止 that the site meets. A shifted site is judged again on all layers.
    """
    layers = [layer for layer in library.layers(day) if isinstance(layer, Layer)]
    return [replace(one, avoidance=_avoided(one, layers, library, rulebook, radius_m)) for one in assessments]


def _avoided(
    one: Assessment, layers: Sequence[Layer], library: Library, rulebook: Rulebook, radius_m: float
) -> Avoidance:
    site, banned = one.site, _prohibiting(one)
    if not banned:
        return Avoidance(radius_m, (), site.area_m2, int(site.kind in ("polygon", "corridor")), site.area_m2, 0, None)
    zones = _zones(banned, layers, site.ground, radius_m)
    rest = avoidance.Free((), ())
    true = 1.0
    if site.kind in ("polygon", "corridor"):
        rest = avoidance.free(site.ground, [zone for zone in zones if shapely.get_dimensions(zone) == 2])
        true = site.area_m2 / float(site.ground.area)
    shift, there = _shift(one, banned, layers, library, rulebook, radius_m)
    pieces: Any = [*rest.pieces, *rest.slivers]
    return Avoidance(
        radius_m=radius_m,
        zones=tuple(sorted(banned)),
        free_m2=rest.area_m2 * true,
        pieces=len(rest.pieces),
        largest_m2=max((float(piece.area) for piece in rest.pieces), default=0.0) * true,
        slivers=len(rest.slivers),
        geometry=crs.lonlat_of_plane(shapely.MultiPolygon(pieces)) if pieces else None,
        shift=shift,
        moved_verdict=there.overall.verdict.name if there else "",
        moved_label=there.overall.label if there else "",
    )


def _shift(
    one: Assessment, banned: set[_Zone], layers: Sequence[Layer], library: Library, rulebook: Rulebook, radius_m: float
) -> tuple[Shift, Assessment | None]:
    """The smallest shift to where nothing prohibits, judged there; an incomplete one when the rounds run out."""
    avoid = set(banned)
    shift = Shift(found=False, complete=False, searched_m=0.0)
    for _ in range(ROUNDS):
        shift = avoidance.smallest_shift(one.site.ground, _zones(avoid, layers, one.site.ground, radius_m), radius_m)
        if not shift.found:
            return shift, None
        there = assess([_moved(one.site, shift)], library, rulebook, one.on, one.project, detailed=False)[0]
        still = _prohibiting(there)
        if not still:
            return shift, there
        if still <= avoid:
            break  # clear in the plane and not by the measure: that is no way out to tell of
        avoid |= still
    return Shift(found=False, complete=False, searched_m=shift.searched_m), None


def _prohibiting(one: Assessment) -> set[_Zone]:
    return {
        (found.layer, found.hit.zone_id)
        for found in one.findings
        if found.verdict is Verdict.PROHIBITED and found.hit is not None and found.hit.relation.hit
    }


def _zones(wanted: set[_Zone], layers: Sequence[Layer], ground: Geometry, reach_m: float) -> list[Geometry]:
    """The geometries of zones, in the area plane, as far as they lie within reach of the site."""
    found: list[Geometry] = []
    west, south, east, north = ground.bounds
    around = shapely.box(west - reach_m, south - reach_m, east + reach_m, north + reach_m)
    for layer in layers:
        rows = np.sort(layer.tree.query(around))
        zones = (layer.zones[row] for row in rows if (layer.identity.id, layer.zone_ids[row]) in wanted)
        found.extend(zone for zone in zones if shapely.dwithin(zone, ground, reach_m))
    return found


def _moved(site: Site, shift: Shift) -> Site:
    step = np.array([shift.east_m, shift.north_m])
    drawn = shapely.transform(crs.plane_of_lonlat(site.geometry), lambda xy: xy + step)
    return replace(
        site, ground=shapely.transform(site.ground, lambda xy: xy + step), geometry=crs.lonlat_of_plane(drawn),
        others=tuple((name, _moved(other, shift)) for name, other in site.others),
    )
