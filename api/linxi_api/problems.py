"""Errors over HTTP: RFC 9457 problem+json, one table from exception to status."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from linxi_gis.errors import InputError, LinxiError
from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.report import extract, issuefile

_TITLES = {
    400: "请求有误", 404: "没有这个地址", 405: "方法不对", 413: "文件太大", 415: "格式不支持",
    422: "输入读不出来", 500: "服务端数据有误", 503: "没有图层可以比对",
}  # fmt: skip
MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, request: Request, **more: Any) -> JSONResponse:
    """Return a problem document; `more` are extension members (remedy, candidates)."""
    body = {
        "type": "about:blank",
        "title": _TITLES.get(status, "出错了"),
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        **more,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


async def from_linxi(request: Request, error: Exception) -> JSONResponse:
    """Return the problem of one of our own errors, with the candidate readings where there are any."""
    assert isinstance(error, LinxiError)
    more: dict[str, Any] = {"remedy": error.remedy} if error.remedy else {}
    if isinstance(error, InputError):
        more["code"] = issuefile.code_of(error)
    if isinstance(error, AmbiguousCrsError):
        more["candidates"] = [extract.candidate(one) for one in error.candidates]
    where = f"{error.where}：" if error.where else ""
    tail = f"；{error.remedy}" if error.remedy else ""
    return problem(error.http_status, f"{where}{issuefile.why(error)}{tail}", request, **more)


async def from_validation(request: Request, error: Exception) -> JSONResponse:
    """Return the problem of a request that does not fit the route's parameters."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return problem(400, f"{place}：{first['msg']}", request, remedy="参数说明见 /docs")


async def from_bug(request: Request, error: Exception) -> JSONResponse:
    """Return a problem for what nobody foresaw; the traceback goes to the server's log."""
    return problem(500, f"程序内部错误（{type(error).__name__}），没有给出结论", request, remedy="请把输入文件反馈给开发者")


async def from_http(request: Request, error: Exception) -> JSONResponse:
    """Return the problem of a plain HTTP error (404, 405 ...)."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), request)
