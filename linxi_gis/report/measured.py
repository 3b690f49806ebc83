"""Sites as measured, without a judgement, as JSON values (schema measurement-1)."""

from __future__ import annotations

from typing import Any

from linxi_gis.figures import Beside, Figures, Measurement
from linxi_gis.report import extract
from linxi_gis.units import lies, wind

SCHEMA = "measurement-1"
DISCLAIMER = "只量算，不研判：没有命中不等于没有限制，禁止与限制以研判结果为准"


def build(one: Measurement) -> dict[str, Any]:
    """Return a measurement as plain JSON values, rounded as in the extract; what was not checked is null."""
    return {
        "schema": SCHEMA,
        "engine": {"name": "linxi-gis", "version": one.engine_version, "kind": one.engine_kind},
        "on": one.on.isoformat(),
        "disclaimer": DISCLAIMER,
        "demonstration": one.demonstration,
        "catalog": one.catalog_title,
        "site": extract.site_body(one.site),
        "hits": [figures.identity.id for figures in one.layers if figures.zones],
        "unchecked": [figures.identity.id for figures in one.layers if figures.unchecked],
        "layers": [_layer(figures) for figures in one.layers],
        "other_readings": [{"crs": name, "layers": [_layer(figures) for figures in layers]} for name, layers in one.others],
    }


def _layer(one: Figures) -> dict[str, Any]:
    identity = one.identity
    return {
        "id": identity.id,
        "theme": identity.theme,
        "title": identity.title,
        "status": one.status,
        "required": identity.required,
        "version": identity.version,
        "legal_status": identity.legal_status,
        "demonstration": identity.demonstration,
        "sha256": one.sha256,
        "accuracy_m": extract.rounded(identity.accuracy_m, 4),
        "range_m": extract.rounded(identity.range_m, 4),
        "zones": [{"zone_id": zone, "zone_name": name} for zone, name in one.zones],
        "area_m2": extract.rounded(one.area_m2, 4),
        "length_m": extract.rounded(one.length_m, 4),
        "share_of_site": extract.rounded(one.share_of_site, 8),
        "covered_share": extract.rounded(one.covered_share, 8),
        "nearest": None if one.nearest is None else _nearest(one.nearest),
        "issues": [extract.issue(issue) for issue in one.issues],
    }


def _nearest(one: Beside) -> dict[str, Any]:
    bearing = one.bearing_deg
    return {
        "zone_id": one.zone_id,
        "zone_name": one.zone_name,
        "distance_m": extract.rounded(one.distance_m, 4),
        "bearing_deg": extract.rounded(bearing, 3),
        "wind": "" if bearing is None else wind(bearing),
        "lies": "" if bearing is None else lies(bearing, one.distance_m),
    }
