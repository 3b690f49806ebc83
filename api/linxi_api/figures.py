"""The route of the county's figures."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request

from linxi_api.queries import OnQuery, today
from linxi_api.routes import LibraryDep
from linxi_gis import indicators, indicators_whatif
from linxi_gis.errors import UsageError
from linxi_gis.library import Library
from linxi_gis.report import indicatordata
from linxi_layers import plan_file

router = APIRouter(tags=["县域指标"])
ByQuery = Annotated[Literal["town", "unit"] | None, Query(description="分子再按乡镇（town）或管控单元（unit）分")]
WithoutQuery = Annotated[list[str] | None, Query(description="假设去掉这些图斑（编号），列出前后的比例；可重复")]
FigureQuery = Annotated[str, Query(description="without 算的是哪一项：redline_share（默认）、protected_area_share")]


@router.get("/v1/indicators", summary="县域指标与规划数对照")
async def county_figures(
    request: Request, library: LibraryDep, on: OnQuery = None, by: ByQuery = None, without: WithoutQuery = None,
    figure: FigureQuery = "",
) -> dict[str, Any]:  # fmt: skip
    """规划二十项指标、单元和各类区域的个数与面积、合计核对，与命令行 `linxi indicators --format json --out` 写的相同。"""
    if figure and not without:
        raise UsageError("figure 要和 without 一起写", remedy="请补上，或去掉 figure")
    turn: CapacityLimiter = request.app.state.figures_turn
    return await to_thread.run_sync(_figures, library, on or today(), by or "", without or [], figure, limiter=turn)


def _figures(library: Library, day: date, by: str, without: list[str], figure: str) -> dict[str, Any]:
    title, planned = indicators.read_plan(plan_file())
    county = library.trying(lambda: indicators.county(library, title, planned, day, {}, by))
    changes = [indicators_whatif.change(library, planned, day, [], without, figure)] if without else []
    return indicatordata.document(county, changes)
