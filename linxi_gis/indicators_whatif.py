"""What a ratio would be with a site added and zones taken away: before and after, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import shapely

from linxi_gis.crs import Geometry
from linxi_gis.errors import LinxiError, UsageError
from linxi_gis.indicators import denominators, ratio
from linxi_gis.indicators_model import Change
from linxi_gis.indicators_plan import PlanFigure
from linxi_gis.indicators_tables import Check, km2, reasons, sound
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer, said_ids


def change(
    library: Library, figures: Sequence[PlanFigure], day: date,
    added: Sequence[Geometry], without: Sequence[str], figure_id: str = "",
) -> Change:  # fmt: skip
    """Return what becomes of a figure's ratios; `added` are plane areas, `without` zone ids of its layers.

    An id that several rows of the file bear takes all of them away; `Change.without` names every one. With no
    `figure_id` it is the figure whose layers hold the zones taken away, else the first (the red line). Raises
    UsageError for a zone or a figure that is not there and for ground wholly outside the county, LinxiError when
    the layers cannot be used.
    """
    opened = library.layers(day)
    choices = [one for one in figures if one.theme and figure_id in ("", one.id)]
    if not choices:
        raise UsageError(f"没有可以假设的指标 {figure_id!r}", remedy=f"可用：{'、'.join(f.id for f in figures if f.theme)}")
    held = {one.id: {zone for layer in opened for zone in _answering(layer, one.theme)} for one in choices}
    having = [one for one in choices if held[one.id].issuperset(without)]
    if not having:
        told = "、".join(without)
        raise UsageError(f"图层里没有编号为 {told} 的图斑", remedy="编号见 linxi indicators --format geojson 或地图")
    figure = having[0]
    layers, doubtful = sound(opened, figure.theme), reasons(opened, figure.theme)
    if doubtful:
        raise LinxiError(f"{figure.title}算不出来，不能假设（{'；'.join(doubtful)}）", remedy="请先修好该图层")
    if not layers:
        raise LinxiError(f"{figure.title}没有可用的图层", remedy="请先用 linxi layers list 看原因")
    shapes = np.concatenate([np.asarray(layer.zones) for layer in layers])
    taken = np.array([
        zone in without or said in without
        for layer in layers for zone, said in zip(layer.zone_ids, said_ids(layer.zone_ids), strict=True)
    ])  # fmt: skip
    ids = [zone for layer in layers for zone in layer.zone_ids]
    union = shapely.union_all(shapes)
    more, outside = _inside(shapely.union_all(list(added)), library.county(day))
    after = shapely.union_all([*shapes[~taken], more])
    gained, lost = km2(shapely.difference(after, union)), km2(shapely.difference(union, after))
    against = denominators(library, day)
    return Change(
        figure, tuple(zone for zone, gone in zip(ids, taken, strict=True) if gone), km2(union), km2(after), gained, lost,
        tuple(ratio(km2(union), one, figure) for one in against), tuple(ratio(km2(after), one, figure) for one in against),
        Check("假设：之前 + 新增 - 减少 = 之后", km2(after), km2(union) + gained - lost), outside,
    )  # fmt: skip


def _answering(layer: Layer | Gap, theme: str) -> set[str]:
    """Return the ids a zone of the theme is asked for by, in doubt or not: a doubt is told, not that there is no zone."""
    if isinstance(layer, Gap) or layer.identity.theme != theme or layer.identity.legal_status == "draft":
        return set()
    return {*layer.zone_ids, *said_ids(layer.zone_ids)}


def _inside(added: Geometry, county: Geometry | None) -> tuple[Geometry, float]:
    """Return the part of the added ground in the county, and how much (km²) lies outside."""
    if county is None or added.is_empty:
        return added, 0.0
    within, outside = shapely.intersection(added, county), km2(shapely.difference(added, county))
    if within.area == 0.0:
        raise UsageError("假设加上的地块不在县域以内", remedy="请核对文件的坐标系（linxi read 文件）")
    return within, outside
