"""The HTTP application: routes over the same `assess` the command line uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from linxi_api import figures, problems, routes
from linxi_gis import __version__
from linxi_gis.errors import LinxiError
from linxi_gis.gauge import Gauge
from linxi_gis.intake import Limits
from linxi_gis.intake.guard import Reader
from linxi_gis.library import Library
from linxi_gis.report.extract import schema
from linxi_gis.rulebook import Rulebook

STATIC = Path(__file__).parent / "static"


# Two uploads are read at once; the next waits. Each child may take `guard.MEMORY_BYTES`.
READERS = 2


def create_app(library: Library, rulebook: Rulebook, limits: Limits | None = None) -> FastAPI:
    """Return the application for one county: its layers, its rules and the limits of uploads are handed in.

    The children that read uploads start with the first upload that needs one and end with the application.
    """
    reader = Reader(READERS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with reader:
            yield

    app = FastAPI(
        lifespan=lifespan,
        title="林西县建设项目选址研判",
        description="地块与管控图层比对，按当日条文给出初步研判；不替代主管部门认定。",
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    app.state.library = library
    app.state.rulebook = rulebook
    app.state.gauge = Gauge(library)
    app.state.reader = reader
    app.state.limits = limits or Limits()
    app.state.turn = CapacityLimiter(2 * READERS)
    app.state.figures_turn = CapacityLimiter(1)  # the whole county's areas: one after another
    app.add_exception_handler(LinxiError, problems.from_linxi)
    app.add_exception_handler(RequestValidationError, problems.from_validation)
    app.add_exception_handler(HTTPException, problems.from_http)
    app.add_exception_handler(Exception, problems.from_bug)
    app.include_router(routes.router)
    app.include_router(figures.router)
    _docs(app)
    return app


def _docs(app: FastAPI) -> None:
    """Serve /docs from our own files: FastAPI's page loads a CDN, an office has none."""
    if STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        if not (STATIC / "swagger-ui-bundle.js").is_file():
            raise LinxiError("接口说明页的前端资源缺失", remedy="运行 python start.py，或重新安装 linxi-gis 的 wheel 包")
        return get_swagger_ui_html(
            openapi_url=app.openapi_url or "/openapi.json",
            title=app.title,
            swagger_js_url="/static/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger-ui.css",
            swagger_favicon_url="/static/favicon-32x32.png",
        )

    @app.get("/schemas/{name}.json", include_in_schema=False)
    def published_schema(name: Literal["assessment-1", "measurement-1", "reading-1"]) -> JSONResponse:
        body: dict[str, Any] = schema(name)
        return JSONResponse(body, media_type="application/schema+json")
