"""What was read as canonical JSON, and what is odd in it as GeoJSON for a map program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import shapely

from linxi_gis.errors import LinxiError
from linxi_gis.finding import Issue
from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.intake.reading import Candidate, Reading
from linxi_gis.model import Site
from linxi_gis.report import extract

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one file gave: its sites, what was told of the file itself, or why it could not be read."""

    file: str
    sites: tuple[Site, ...] = ()
    issues: tuple[Issue, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    error: LinxiError | None = None
    format: str = ""


def told_of(file: str, reading: Reading) -> Told:
    """Return what a reading tells of its file."""
    return Told(file, reading.sites, reading.issues, format=reading.format)


def refused(file: str, error: LinxiError) -> Told:
    """Return what an error tells of a file, with the readings it could not choose between."""
    found = error.candidates if isinstance(error, AmbiguousCrsError) else ()
    return Told(file, candidates=found, error=error)


def with_sites(files: Sequence[Told], sites: Sequence[Site]) -> list[Told]:
    """Return the files with their sites as a run made them (ids made unique, lines widened), in the same order."""
    answer, first = [], 0
    for told in files:
        answer.append(replace(told, sites=tuple(sites[first : first + len(told.sites)])))
        first += len(told.sites)
    return answer


def collection(files: Sequence[Told]) -> str:
    """Return the issues of files and sites as a GeoJSON FeatureCollection, EPSG:4490 degrees; one line a feature.

    An issue lies at its own place, else in its site, else nowhere (geometry null). Candidates come as
    outlines with ``kind: "candidate"``.
    """
    features = [feature for told in files for feature in _features(told)]
    lines = ",\n".join(extract.canonical(feature) for feature in features)
    return f'{{"features":[\n{lines}\n],"type":"FeatureCollection"}}\n' if features else _EMPTY


_EMPTY = '{"features":[],"type":"FeatureCollection"}\n'


def _features(told: Told) -> list[Json]:
    found: list[Json] = []
    if told.error is not None:
        found.append(_issue_feature(_refusal(told.error), told.file, None))
    on_sites = {issue for site in told.sites for issue in site.issues}
    found += [_issue_feature(issue, told.file, None) for issue in told.issues if issue not in on_sites]
    for site in told.sites:
        found += [_issue_feature(issue, told.file, site) for issue in site.issues]
        found += [_candidate_feature(one, told.file, site.id) for one in site.candidates]
    return [*found, *(_candidate_feature(one, told.file, "") for one in told.candidates)]


def why(error: LinxiError) -> str:
    """What is wrong, without the list of candidates that a sentence for a terminal carries."""
    return error.why if isinstance(error, AmbiguousCrsError) else error.what


def code_of(error: LinxiError) -> str:
    """The code of the error of a file: it can be read in more ways than one, or not at all."""
    return "crs_ambiguous" if isinstance(error, AmbiguousCrsError) else "file_unreadable"


def _refusal(error: LinxiError) -> Issue:
    return Issue(code_of(error), "error", why(error), error.remedy)


def _issue_feature(issue: Issue, file: str, site: Site | None) -> Json:
    place = None if issue.geometry_wkt is None else extract.geometry(shapely.from_wkt(issue.geometry_wkt))
    if place is None and site is not None:
        place = extract.geometry(shapely.point_on_surface(site.geometry))
    properties = {
        "kind": "issue", "code": issue.code, "severity": issue.severity, "text": issue.text,
        "remedy": issue.remedy, "site": "" if site is None else site.id, "file": file,
    }  # fmt: skip
    return {"type": "Feature", "geometry": place, "properties": properties}


def _candidate_feature(one: Candidate, file: str, site: str) -> Json:
    body = {key: value for key, value in extract.candidate(one).items() if key != "geometry"}
    shape = shapely.Point(one.lon, one.lat) if one.geometry_wkt is None else shapely.from_wkt(one.geometry_wkt)
    properties = {**body, "kind": "candidate", "site": site, "file": file}
    return {"type": "Feature", "geometry": extract.geometry(shape), "properties": properties}


def readings(files: Sequence[Told]) -> str:
    """Return what files gave as one JSON array, a file a line (schema reading-1).

    A site has the fields it has in the extract, and its candidates; a file that could not be read has
    no sites, and its error.
    """
    lines = [extract.canonical(reading(told)) for told in files]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def reading(told: Told) -> dict[str, Any]:
    """Return what one file gave as JSON values."""
    error = told.error
    return {
        "schema": "reading-1",
        "source": told.file,
        "format": told.format,
        "sites": [extract.site_body(site) for site in told.sites],
        "issues": [extract.issue(issue) for issue in told.issues],
        "candidates": [extract.candidate(one) for one in told.candidates],
        "error": None
        if error is None
        else {"code": code_of(error), "what": why(error), "where": error.where, "remedy": error.remedy},
    }
