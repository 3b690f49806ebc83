"""The extract: an assessment as canonical JSON. Same inputs give the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from linxi_gis.crs import Geometry
from linxi_gis.finding import (
    Decisive,
    Finding,
    Hit,
    Issue,
    LayerResult,
    OtherReading,
    Outcome,
    Passage,
    Question,
)
from linxi_gis.law import Citation, Value, Verdict
from linxi_gis.model import Assessment, Avoidance, Candidate, Partition, Site
from linxi_gis.practice import EiaHint, RedLine
from linxi_gis.report import access, ground, paragraph
from linxi_gis.report.provisos import DISCLAIMER, NO_ADVICE
from linxi_gis.units import lies, wind

SCHEMA = "assessment-1"
Json = Mapping[str, Any]


def build(assessment: Assessment) -> dict[str, Any]:
    """Return the extract as plain JSON values (schema: `schema()`), with its digest.

    Areas and lengths are rounded to 0.1 mm (m², m), degrees to 1e-9, shares to 1e-8: finer than any
    survey, coarser than the noise of floating point.
    """
    site = assessment.site
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "engine": {"name": "linxi-gis", "version": assessment.engine_version},
        "on": assessment.on.isoformat(),
        "disclaimer": DISCLAIMER,
        "demonstration": assessment.demonstration,
        "catalog": assessment.catalog_title,
        "site": site_body(site),
        "project": {
            "name": assessment.project.name,
            "industry": assessment.project.industry,
            "build": assessment.project.build,
            "declared_area_m2": rounded(assessment.project.declared_area_m2, 4),
            "attributes": dict(sorted(assessment.project.facts().items())),
            **({"amounts": dict(sorted(assessment.project.amounts.items()))} if assessment.project.amounts else {}),
        },
        "verdict": {
            "code": assessment.overall.verdict.name,
            "label": assessment.overall.label,
            "complete": assessment.overall.complete,
            "unchecked": list(assessment.overall.unchecked),
            "reasons": list(assessment.overall.reasons),
            "other_readings": [_other(reading) for reading in assessment.overall.others],
            "questions": [_decisive(one) for one in assessment.overall.questions],
        },
        "summary": paragraph.summary(assessment),
        "findings": [_finding(finding) for finding in assessment.findings],
        "reminders": [_finding(finding) for finding in assessment.reminders],
        "layers": [_layer(layer) for layer in assessment.layers],
        "partition": [_part(part) for part in assessment.partition],
        "rules": {
            "pack": assessment.rules.name,
            "sha256": assessment.rules.sha256,
            "in_force": assessment.rules.in_force,
            "unevaluated": [{"rule": rule, "why": why} for rule, why in assessment.rules.unevaluated],
        },
    }
    if assessment.access.units:
        body["access_list"] = access.body(assessment.access)
    if assessment.red_line is not None:
        body["redline"] = _red_line(assessment.red_line)
    if assessment.eia is not None:
        body["eia"] = _eia(assessment.eia)
    if assessment.surfaces:
        body["rasters"] = [ground.body(one) for one in assessment.surfaces]
    if assessment.avoidance is not None:
        body["avoidance"] = _avoidance(assessment.avoidance)
    return {**body, "digest": hashlib.sha256(canonical(body).encode()).hexdigest()}


def canonical(value: Any) -> str:
    """Return canonical JSON: sorted keys, no spaces, UTF-8 text, no NaN.

    >>> canonical({"b": 1, "a": "红线"})
    '{"a":"红线","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def array(extracts: Sequence[Json]) -> str:
    """Return extracts as one JSON array, one extract a line."""
    return "[\n" + ",\n".join(canonical(extract) for extract in extracts) + "\n]\n" if extracts else "[]\n"


def schema(name: str = SCHEMA) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12): of every extract, of a reading ("reading-1"), of a "measurement-1"."""
    from importlib import resources  # 15 ms to load, and seldom asked for

    text = resources.files("linxi_gis").joinpath(f"schemas/{name}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def rounded(value: float | None, digits: int) -> float | None:
    """Return a value rounded, -0.0 as 0.0; None stays None."""
    return None if value is None else round(float(value), digits) + 0.0


def geojson(site: Site) -> dict[str, Any]:
    """Return the geometry of a site as GeoJSON in EPSG:4490 degrees."""
    return geometry(site.geometry)


def geometry(shape: Geometry) -> dict[str, Any]:
    """Return a geometry as GeoJSON, 9 decimals (0.1 mm)."""
    rounded = shapely.transform(shape, lambda xy: xy.round(9) + 0.0)
    loaded: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return loaded


def site_body(site: Site) -> dict[str, Any]:
    """Return a site as JSON values; the same in the extract and in a reading."""
    return {
        "id": site.id,
        "name": site.name,
        "kind": site.kind,
        "geometry": geojson(site),
        "parts": site.parts,
        "area_m2": rounded(site.area_m2, 4),
        "planar_area_m2": rounded(site.planar_area_m2, 4),
        **({} if site.survey_area_m2 is None else {"survey_area_m2": rounded(site.survey_area_m2, 4)}),
        "declared_area_m2": rounded(site.declared_area_m2, 4),
        "length_m": rounded(site.length_m, 4),
        "width_m": rounded(site.width_m, 4),
        "accuracy_m": rounded(site.accuracy_m, 4),
        "source": site.source,
        "attributes": dict(site.attributes),
        "crs": {
            "source": site.reference.source,
            "how": site.reference.how,
            "axes": site.reference.axes,
            "declared": site.reference.declared,
        },
        "issues": [issue(one) for one in site.issues],
        "candidates": [candidate(one) for one in site.candidates],
    }


def candidate(one: Candidate) -> dict[str, Any]:
    """Return a candidate reading as JSON values; the same in the extract and in the problem of a request."""
    return {
        "code": one.code,
        "label": one.label,
        "crs": one.crs,
        "centre": _point((one.lon, one.lat)),
        "in_county": one.in_county,
        "distance_km": rounded(one.distance_km, 4),
        "area_m2": rounded(one.area_m2, 4),
        "evidence": list(one.evidence),
        "geometry": _wkt(one.geometry_wkt),
    }


def _wkt(text: str | None) -> Json | None:
    return None if text is None else geometry(shapely.from_wkt(text))


def _other(reading: OtherReading) -> Json:
    return {
        "crs": reading.crs,
        "code": reading.verdict.name,
        "label": reading.label,
        "complete": reading.complete,
        "differs": reading.differs,
        "layers": list(reading.layers),
        "changes": list(reading.changes),
    }


def issue(one: Issue) -> dict[str, Any]:
    """Return an Issue as JSON values; the same on every face."""
    return {
        "code": one.code,
        "severity": one.severity,
        "text": one.text,
        "remedy": one.remedy,
        "geometry": _wkt(one.geometry_wkt),
    }


def _measured(hit: Hit | None) -> Json:
    """Return the measured half of a finding; a finding without a zone measures nothing."""
    if hit is None:
        return {
            "zone_id": "", "zone_name": "", "zone_class": "", "relation": "disjoint", "area_m2": 0.0,
            "length_m": 0.0, "share_of_site": 0.0, "distance_m": None, "bearing_deg": None, "margin_m": None,
            "critical": False, "intervals_m": [], "nearest_zone": None, "nearest_site": None,
        }  # fmt: skip
    return {
        "zone_id": hit.zone_id,
        "zone_name": hit.zone_name,
        "zone_class": hit.zone_class,
        "relation": hit.relation.value,
        "area_m2": rounded(hit.area_m2, 4),
        "length_m": rounded(hit.length_m, 4),
        "share_of_site": rounded(hit.share_of_site, 8),
        "distance_m": rounded(hit.distance_m, 4),
        "bearing_deg": rounded(hit.bearing_deg, 3),
        "margin_m": rounded(hit.margin_m, 4),
        "critical": hit.critical,
        "intervals_m": [[rounded(start, 4), rounded(end, 4)] for start, end in hit.intervals_m],
        "nearest_zone": _point(hit.nearest_zone),
        "nearest_site": _point(hit.nearest_site),
        "flip_m": rounded(hit.flip_m, 4),
        "leave_m": rounded(hit.leave_m, 4),
        **({"passages": [_passage(one) for one in hit.passages]} if hit.passages else {}),
        **({"bank": hit.bank} if hit.bank else {}),
    }


def _passage(one: Passage) -> Json:
    return {
        "from_m": rounded(one.from_m, 4),
        "to_m": rounded(one.to_m, 4),
        "entry": _point(one.entry),
        "exit": _point(one.exit),
    }


def _avoidance(one: Avoidance) -> Json:
    shift = one.shift
    return {
        "note": NO_ADVICE,
        "radius_m": rounded(one.radius_m, 4),
        "zones": [{"layer": layer, "zone_id": zone} for layer, zone in one.zones],
        "free_m2": rounded(one.free_m2, 4),
        "pieces": one.pieces,
        "largest_m2": rounded(one.largest_m2, 4),
        "slivers": one.slivers,
        "geometry": None if one.geometry is None else geometry(one.geometry),
        "shift": None
        if shift is None
        else {
            "found": shift.found,
            "complete": shift.complete,
            "searched_m": rounded(shift.searched_m, 4),
            "distance_m": rounded(shift.distance_m, 4) if shift.found else None,
            "bearing_deg": rounded(shift.bearing_deg, 3) if shift.found else None,
            "verdict": one.moved_verdict or None,
            "label": one.moved_label or None,
        },
    }


def _point(lonlat: tuple[float, float] | None) -> list[float | None] | None:
    return None if lonlat is None else [rounded(lonlat[0], 9), rounded(lonlat[1], 9)]


def _finding(finding: Finding) -> Json:
    return {
        "layer": finding.layer,
        **_measured(finding.hit),
        "verdict": finding.verdict.name,
        "verdict_label": finding.verdict.label,
        "rule": finding.rule,
        "basis": None if finding.basis is None else _basis(finding.basis),
        "say": finding.say,
        "attributes": {name: _truth(value) for name, value in finding.attributes},
        "questions": [_question(question) for question in finding.questions],
    }


def _truth(value: Value | None) -> Value:
    return "unknown" if value is None else value


def _basis(basis: Citation) -> Json:
    since = basis.effective_from.isoformat() if basis.effective_from else ".."
    until = basis.effective_to.isoformat() if basis.effective_to else ".."
    return {
        "instrument": basis.instrument,
        "number": basis.number,
        "article": basis.article,
        "quote": basis.quote,
        "text_status": basis.text_status,
        "in_force": f"{since}/{until}",
        "legal_force": basis.legal_force,
    }


def _question(question: Question) -> Json:
    return {
        "attribute": question.attribute,
        "text": question.text,
        "if_yes": question.if_yes.name,
        "if_no": question.if_no.name,
    }


def _decisive(asked: Decisive) -> Json:
    return {
        "attribute": asked.attribute,
        "text": asked.text,
        "if_yes": _outcome(asked.if_yes, asked.worst_yes),
        "if_no": _outcome(asked.if_no, asked.worst_no),
        "gravest": None if asked.gravest is None else asked.gravest.name,
        "rules": list(asked.rules),
        "only_yes": asked.only_yes,
    }


def _outcome(now: Outcome, worst: Verdict) -> Json:
    return {"code": now.verdict.name, "label": now.label, "complete": now.complete, "worst": worst.name}


def _red_line(line: RedLine) -> Json:
    asked = [{"attribute": name, "text": text} for name, text in line.questions]
    return {"outcome": line.outcome, "label": line.label, "why": line.why, "questions": asked}


def _eia(hint: EiaHint) -> Json:
    areas = [{"item": one.item, "area": one.area, "sure": one.sure, "layers": list(one.layers)} for one in hint.areas]
    basis = {"instrument": hint.basis.instrument, "article": hint.basis.article}
    return {"basis": basis, "areas": areas, "unseen": list(hint.unseen), "label": hint.label}


def _layer(layer: LayerResult) -> Json:
    near = layer.nearest
    return {
        "id": layer.id,
        "theme": layer.theme,
        "title": layer.title,
        "status": layer.status,
        "required": layer.required,
        "version": layer.version,
        "legal_status": layer.legal_status,
        "demonstration": layer.demonstration,
        **({"sensitivity": layer.sensitivity} if layer.sensitivity else {}),
        "sha256": layer.sha256,
        "accuracy_m": layer.accuracy_m,
        "range_m": layer.range_m,
        "area_m2": rounded(layer.area_m2, 4),
        "length_m": rounded(layer.length_m, 4),
        "share_of_site": rounded(layer.share_of_site, 8),
        "covered_share": rounded(layer.covered_share, 8),
        "nearest": None
        if near is None
        else {
            "zone_id": near.zone_id,
            "zone_name": near.zone_name,
            "distance_m": rounded(near.distance_m, 4),
            "bearing_deg": rounded(near.bearing_deg, 3),
            "wind": "" if near.bearing_deg is None else wind(near.bearing_deg),
            "lies": "" if near.bearing_deg is None else lies(near.bearing_deg, near.distance_m),
            "nearest_site": _point(near.nearest_site),
            "nearest_zone": _point(near.nearest_zone),
            "flip_m": rounded(near.flip_m, 4),
        },
        "issues": [issue(one) for one in layer.issues],
    }


def _part(part: Partition) -> Json:
    return {
        "zones": [{"layer": layer, "zone_id": zone} for layer, zone in part.zones],
        "area_m2": rounded(part.area_m2, 4),
        "length_m": rounded(part.length_m, 4),
        "share_percent": part.share_percent,
        **({"sliver": True} if part.sliver else {}),
    }
