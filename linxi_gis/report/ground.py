"""What rasters say of a site, in words and as JSON values: the same on the terminal, the map and over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linxi_gis.surface import WORDS, Surface


def lines(surfaces: Sequence[Surface]) -> list[tuple[str, str]]:
    """Return a title and a sentence for each raster; one without data is 未核查, with the reason."""
    return [(one.title or WORDS[one.kind], _line(one)) for one in surfaces]


def _line(one: Surface) -> str:
    if one.unchecked:
        return f"未核查：{one.why}；{one.remedy}"
    told = _height(one) if one.kind == "elevation" else _mix(one)
    return f"{told}（{one.why}）" if one.why else told


def _mix(one: Surface) -> str:
    """Return the forest share of a forest raster; of another the classes, the largest first."""
    forest = f"森林 {one.forest_share * 100.0:.2f} %" if one.forest_share is not None else ""
    if one.kind == "forest":
        return forest
    ordered = sorted(one.classes, key=lambda cover: (-cover.share, cover.value))
    mix = "、".join(f"{cover.word or f'值 {cover.value}'} {cover.share * 100.0:.2f} %" for cover in ordered)
    return f"{mix}；其中算作{forest}" if forest else mix


def _height(one: Surface) -> str:
    if one.minimum_m is None or one.mean_m is None or one.maximum_m is None:
        return ""
    flat = one.minimum_m == one.maximum_m
    told = f"{one.mean_m:.1f} m" if flat else f"{one.minimum_m:.1f}～{one.maximum_m:.1f} m，平均 {one.mean_m:.1f} m"
    if one.slope_mean_deg is None or one.slope_max_deg is None:
        return f"{told}；坡度未知（邻近像元无数据）"
    if one.slope_mean_deg == one.slope_max_deg:
        return f"{told}；坡度 {one.slope_max_deg:.1f}°"
    return f"{told}；坡度平均 {one.slope_mean_deg:.1f}°、最大 {one.slope_max_deg:.1f}°"


def body(one: Surface) -> dict[str, Any]:
    """Return a raster's facts as JSON values: shares to 1e-8, metres and degrees to 1e-4."""
    figures = ("minimum_m", "mean_m", "maximum_m", "slope_mean_deg", "slope_max_deg")
    return {
        "id": one.id,
        "kind": one.kind,
        "title": one.title,
        "version": one.version,
        "sha256": one.sha256,
        "demonstration": one.demonstration,
        "status": "not_checked" if one.unchecked else "partial" if one.why else "measured",
        **{name: round(getattr(one, name), 8) + 0.0 for name in ("known_share", "nodata_share", "outside_share")},
        "classes": [{"value": c.value, "word": c.word, "share": round(c.share, 8) + 0.0} for c in one.classes],
        "forest_share": None if one.forest_share is None else round(one.forest_share, 8) + 0.0,
        **{name: None if (v := getattr(one, name)) is None else round(v, 4) + 0.0 for name in figures},
        "why": one.why,
        "remedy": one.remedy,
    }
