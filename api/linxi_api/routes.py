"""Routes as sentences: each reads its input, calls the core, returns its words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import PurePath
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from linxi_api.queries import AvoidQuery, CrsQuery, MethodQuery, OnQuery, TransformQuery, WidthQuery, today
from linxi_gis import __version__, industry
from linxi_gis.assess import assess, landmarks
from linxi_gis.errors import InputError, UsageError
from linxi_gis.finding import Issue
from linxi_gis.footprint import corridor
from linxi_gis.gauge import Gauge
from linxi_gis.intake import Limits, Options, Reading
from linxi_gis.intake.candidates import sites_with_landmarks, with_landmarks
from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.intake.guard import Reader
from linxi_gis.intake.transform import parse_transform
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer
from linxi_gis.moves import with_avoidance
from linxi_gis.project import Project, pairs, with_values
from linxi_gis.report import extract, issuefile, measured, rulepage
from linxi_gis.rulebook import Rulebook
from linxi_gis.survey_area import beside
from linxi_layers import industry_file

router = APIRouter(tags=["选址研判"])
# What a form needs beside its file: boundaries, headers, the project's text.
_FORM_BYTES = 1024 * 1024
# Our choice: a body that says its project itself is parsed before any limit of time holds.
_PROJECT_BYTES = 8 * 1024 * 1024
_PASTED = "粘贴的文本"
_TEXTS = ("text/plain", "text/csv", "text/tab-separated-values")


class NotFoundError(UsageError):
    """There is no such thing at this address."""

    http_status = 404


class TooLargeError(InputError):
    """The request is larger than the server takes."""

    http_status = 413


def _library(request: Request) -> Library:
    library: Library = request.app.state.library
    return library


def _rulebook(request: Request) -> Rulebook:
    rulebook: Rulebook = request.app.state.rulebook
    return rulebook


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who reads what is sent, and how much of it; `turn` keeps a queue of uploads off the threads of other routes."""

    reader: Reader
    limits: Limits
    turn: CapacityLimiter


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a request holds: a file's bytes, its name (never a path), the project's JSON text if given apart."""

    name: str
    data: bytes
    project: str | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an assessment is asked for beside its file: a corridor's width, the survey's area, a shift's radius."""

    width_m: float | None
    survey: bool
    avoid_m: float | None


def _desk(request: Request) -> _Desk:
    return _Desk(request.app.state.reader, request.app.state.limits, request.app.state.turn)


def _gauge(request: Request) -> Gauge:
    gauge: Gauge = request.app.state.gauge
    return gauge


LibraryDep = Annotated[Library, Depends(_library)]
RulesDep = Annotated[Rulebook, Depends(_rulebook)]
GaugeDep = Annotated[Gauge, Depends(_gauge)]
DeskDep = Annotated[_Desk, Depends(_desk)]


_BODY = {
    "requestBody": {
        "required": True,
        "description": (
            "GeoJSON（可带 project 成员：项目属性）；或 multipart：file（任何可读的地块文件）+ project（JSON 文本）；"
            "或 text/plain、text/csv：粘贴的坐标。文件名只作名称，不作路径或网址"
        ),
        "content": {
            "application/geo+json": {"schema": {"type": "object"}},
            "application/json": {"schema": {"type": "object"}},
            "text/plain": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}, "project": {"type": "string"}},
                }
            },
        },
    }
}


@router.post("/v1/assessments", summary="研判地块", openapi_extra=_BODY)
async def assess_sites(
    request: Request, library: LibraryDep, rules: RulesDep, desk: DeskDep,
    on: OnQuery = None, crs: CrsQuery = None, transform: TransformQuery = None, width: WidthQuery = None,
    area_method: MethodQuery = "geodesic", avoid: AvoidQuery = None,
) -> dict[str, Any]:  # fmt: skip
    """每个地块一份摘要（assessment-1），与命令行 `linxi check --format json` 相同。"""
    sent = await _sent(request, desk.limits)
    day = on or today()
    options = await run_in_threadpool(_options, library, desk, day, crs, transform)
    wanted = _Wanted(width, area_method == "survey", avoid)
    work = partial(_assess, sent, library, rules, desk, day, options, wanted)
    return await to_thread.run_sync(work, limiter=desk.turn)


def _options(library: Library, desk: _Desk, day: date, crs: str | None, transform: str | None) -> Options:
    parameters = None if transform is None else parse_transform(transform)
    return Options(crs=crs, county=library.county_lonlat(day), limits=desk.limits, transform=parameters)


def _assess(
    sent: _Sent, library: Library, rules: Rulebook, desk: _Desk, day: date, options: Options, wanted: _Wanted,
) -> dict[str, Any]:  # fmt: skip
    values = _object(sent.project, "project") if sent.project is not None else _member(sent.data)
    project = with_values(Project(), pairs(values, rules.attributes, "project"), rules.attributes, "project")
    if project.industry:
        codes = industry.checked(project.industry, industry.read(industry_file()), "project.industry")
        project = replace(project, industry=codes)
    reading = _located(sent, library, desk, day, options)
    known = sites_with_landmarks(reading.sites, lambda: landmarks(library, day))
    sites = [corridor(site, wanted.width_m) if wanted.width_m else site for site in known]
    sites = [beside(site) if wanted.survey else site for site in sites]
    assessed = assess(sites, library, rules, day, project)
    if wanted.avoid_m is not None:
        assessed = with_avoidance(assessed, library, rules, day, wanted.avoid_m)
    return {
        "assessments": [extract.build(one) for one in assessed],
        "issues": [extract.issue(issue) for issue in reading.issues],
    }


def _located(sent: _Sent, library: Library, desk: _Desk, day: date, options: Options) -> Reading:
    """Read what is sent; readings that could not be chosen between name what lies near each of them."""
    try:
        return _read(sent, desk, options)
    except AmbiguousCrsError as error:
        raise error.with_candidates(with_landmarks(error.candidates, landmarks(library, day))) from error


@router.post("/v1/readings", summary="只读地块文件，不研判", openapi_extra=_BODY)
async def read_sites(
    request: Request, library: LibraryDep, desk: DeskDep, on: OnQuery = None, crs: CrsQuery = None,
    transform: TransformQuery = None,
) -> dict[str, Any]:  # fmt: skip
    """读出的地块、问题和别的读法，与命令行 `linxi read --format json` 的一项相同。"""
    sent = await _sent(request, desk.limits)
    options = await run_in_threadpool(_options, library, desk, on or today(), crs, transform)
    return await to_thread.run_sync(partial(_reading, sent, desk, options), limiter=desk.turn)


def _reading(sent: _Sent, desk: _Desk, options: Options) -> dict[str, Any]:
    reading = _read(sent, desk, options)
    return issuefile.reading(issuefile.told_of(sent.name, reading))


@router.post("/v1/measurements", summary="只量算，不研判：在地图上拖动地块时用", openapi_extra=_BODY)
async def measure_sites(
    request: Request, library: LibraryDep, gauge: GaugeDep, desk: DeskDep, on: OnQuery = None, crs: CrsQuery = None,
    transform: TransformQuery = None, width: WidthQuery = None,
) -> dict[str, Any]:  # fmt: skip
    """每个地块命中哪些图斑、多少、最近的在哪里（measurement-1）；图层常开，毫秒级。没有结论：结论用 `POST /v1/assessments`。"""
    sent = await _sent(request, desk.limits)
    day = on or today()
    options = await run_in_threadpool(_options, library, desk, day, crs, transform)
    return await to_thread.run_sync(partial(_measure, sent, gauge, desk, day, options, width), limiter=desk.turn)


def _measure(
    sent: _Sent, gauge: Gauge, desk: _Desk, day: date, options: Options, width_m: float | None
) -> dict[str, Any]:
    reading = _located(sent, gauge.library, desk, day, options)
    sites = [corridor(site, width_m) if width_m else site for site in reading.sites]
    return {
        "measurements": [measured.build(one) for one in gauge.measure(sites, day)],
        "issues": [extract.issue(issue) for issue in reading.issues],
    }


@router.get("/v1/layers", summary="图层及其状态")
def list_layers(library: LibraryDep, on: OnQuery = None) -> dict[str, Any]:
    """目录里应有的每个图层；用不了的也列出，并说明原因。"""
    return {
        "catalog": library.catalog.title,
        "demonstration": library.catalog.demonstration,
        "layers": [_layer(layer) for layer in library.layers(on or today())],
    }


@router.get("/v1/rules", summary="当日有效的规则")
def list_rules(rules: RulesDep, on: OnQuery = None) -> dict[str, Any]:
    """某日有效的条文，连同原文和条文状态。"""
    day = on or today()
    return {
        "pack": rules.name,
        "sha256": rules.sha256,
        "on": day.isoformat(),
        "rules": [
            {
                "id": rule.id,
                "zones": rule.zone_words,
                "class": rule.class_words,
                "effect": rule.effect.name,
                "effect_label": rule.effect.label,
                "instrument": rule.basis.instrument,
                "article": rule.basis.article,
                "quote": rule.basis.quote,
                "text_status": rule.basis.text_status,
                "attributes": list(rule.attributes),
            }
            for rule in rules.in_force(day)
        ],
    }


@router.get("/v1/rules/{rule_id}", summary="一条规则，连同条文全文")
def show_rule(rules: RulesDep, rule_id: str) -> dict[str, Any]:
    """原文、日期、条件、要问的问题、罚则、前后各版、条文全文，与命令行 `linxi rules show --format json` 相同。"""
    if all(rule.id != rule_id for rule in rules.rules):
        raise NotFoundError(f"没有编号为 {rule_id[:40]!r} 的规则", remedy="用 GET /v1/rules 查看编号")
    return rulepage.body(rules, rules.rule(rule_id))


@router.get("/healthz", summary="是否可用")
def health(library: LibraryDep, rules: RulesDep) -> dict[str, Any]:
    """版本、规则包，以及有几个图层用不了。"""
    opened = library.layers(today())
    gaps = sum(isinstance(layer, Gap) for layer in opened)
    return {
        "status": "ok" if not gaps else "degraded",
        "version": __version__,
        "layers": len(opened),
        "not_checked": gaps,
        "rules": len(rules.rules),
    }


async def _sent(request: Request, limits: Limits) -> _Sent:
    """Return what a request holds: a form, pasted text, or GeoJSON (which may hold its project itself)."""
    length = request.headers.get("content-length", "")
    _check_size(int(length) if length.isdigit() else 0, limits)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        if not length.isdigit():
            raise UsageError("multipart 请求没有 Content-Length", remedy="请带上长度，或直接提交 GeoJSON")
        async with request.form(max_files=1, max_fields=10) as form:
            extra = sorted(set(form) - {"file", "project"})
            if extra:
                told = f"表单里有不认识的字段：{'、'.join(extra)[:100]}"
                raise UsageError(told, remedy="表单只用 file 和 project；其余写在网址里，例如 ?crs=EPSG:4527")
            upload, project = form.get("file"), form.get("project")
            if not isinstance(upload, UploadFile):
                raise UsageError("缺少 file", remedy="multipart 表单里用 file 字段上传地块文件")
            return _Sent(_named(upload.filename or ""), await upload.read(), str(project or "{}"))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _check_size(len(body), limits)
    if kind in _TEXTS:
        return _Sent(_PASTED, bytes(body), "{}")
    return _Sent("body.geojson", bytes(body), None)


def _named(filename: str) -> str:
    """The last part of an upload's name: what stands before it is a stranger's folder, or a trick."""
    return PurePath(filename.replace("\\", "/")).name or "upload"


def _read(sent: _Sent, desk: _Desk, options: Options) -> Reading:
    filename = f"{_PASTED}.txt" if sent.name == _PASTED else sent.name
    return desk.reader.read_bytes(sent.data, filename, replace(options, source_name=sent.name))


def _member(data: bytes) -> dict[str, Any]:
    """Return the `project` member of a GeoJSON body; a body without one says nothing of the project.

    Only a body that has one is parsed here: the rest is the reader's, who does it within limits.
    """
    if b'"project"' not in data:
        return {}
    if len(data) > _PROJECT_BYTES:
        raise TooLargeError(
            f"带 project 成员的请求体超过 {_PROJECT_BYTES / 2**20:g} MB", remedy="请用 multipart 上传：file 与 project 分开"
        )
    values = _object(data, "请求体").get("project") or {}
    if not isinstance(values, dict):
        raise UsageError("project 不是对象", remedy='例如 "project": {"has_outfall": "no"}')
    return values


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.file_bytes + _FORM_BYTES:
        raise TooLargeError(
            f"请求超过上限 {limits.file_bytes / 2**20:g} MB（file_bytes）",
            remedy="请拆成几次提交；服务端可用 linxi serve --limit file_bytes=500MB 放宽",
        )


def _object(text: str | bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=partial(_said_once, what))
    except (ValueError, RecursionError) as error:  # ValueError: no JSON, no UTF-8, a number of 5,000 digits
        raise UsageError(f"{what}不是有效的 JSON（UTF-8）", remedy="请提交 GeoJSON，或用 multipart 上传文件") from error
    if not isinstance(value, dict):
        raise UsageError(f"{what}不是 JSON 对象")
    return value


def _said_once(what: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; the standard reader would keep the last of two values and say nothing."""
    said = dict(pairs)
    if len(said) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise UsageError(f"{what}里 {twice[:40]!r} 写了两次", remedy="同一个键只写一次")
    return said


def _layer(layer: Layer | Gap) -> dict[str, Any]:
    identity = layer.identity
    issues: Sequence[Issue] = layer.issues if isinstance(layer, Layer) else (layer.issue,)
    return {
        "id": identity.id,
        "theme": identity.theme,
        "title": identity.title,
        "required": identity.required,
        "version": identity.version,
        "legal_status": identity.legal_status,
        "demonstration": identity.demonstration,
        **({"sensitivity": identity.sensitivity} if identity.sensitivity else {}),
        "status": ("stale" if layer.stale else "usable") if isinstance(layer, Layer) else "not_checked",
        "zones": len(layer.zone_ids) if isinstance(layer, Layer) else 0,
        "sha256": layer.sha256 if isinstance(layer, Layer) else "",
        "issues": [extract.issue(issue) for issue in issues],
    }
