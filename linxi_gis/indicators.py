"""Area ratios against the plan: dissolved numerator, every denominator by name, the difference."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import shapely

from linxi_gis import zoneindex
from linxi_gis.catalog import Denominator
from linxi_gis.errors import CatalogError
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer

M2_PER_KM2 = 1e6


@dataclass(frozen=True, slots=True)
class PlanFigure:
    """A share the plan states, in percent, with what the plan says of its target."""

    id: str
    title: str
    theme: str
    percent_2020: float
    target_2025: str
    note: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """The share of one denominator: percent, and the difference from the plan in points and km²."""

    denominator: Denominator
    percent: float
    difference_points: float
    difference_km2: float


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator computed from a layer.

    `gross_km2` sums the zones, `net_km2` counts overlaps once (the numerator), `outside_km2` is the
    part of it outside the county outline. `unchecked` says why there is no figure, else "".
    """

    figure: PlanFigure
    layers: tuple[str, ...]
    gross_km2: float
    net_km2: float
    outside_km2: float
    ratios: tuple[Ratio, ...]
    demonstration: bool
    unchecked: str = ""


def read_plan(path: Path) -> tuple[str, tuple[PlanFigure, ...]]:
    """Return the plan's title and its figures; raises CatalogError for a broken file."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        figures = tuple(PlanFigure(**item) for item in data["indicator"])
        return str(data["plan"]["title"]), figures
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise CatalogError(f"规划指标文件有误（{error}）", where=path.name) from error


def compute(library: Library, figures: Sequence[PlanFigure], day: date) -> tuple[Indicator, ...]:
    """Return every figure against every denominator, on a day.

    Numerators are ellipsoidal areas of the union of all layers of the figure's theme. The outline's
    own area is always one of the denominators when there is an outline.
    """
    opened = library.layers(day)
    return tuple(_one(figure, [o for o in opened if o.identity.theme == figure.theme], library, day) for figure in figures)


def _one(figure: PlanFigure, opened: Sequence[Layer | Gap], library: Library, day: date) -> Indicator:
    layers = [x for x in opened if isinstance(x, Layer) and x.identity.legal_status != "draft"]
    gaps = [reason for x in opened for reason in _doubts(x)]
    if opened and not layers and not gaps:
        gaps = ["只有草案图层"]
    if gaps or not layers:
        return Indicator(figure, (), 0.0, 0.0, 0.0, (), False, "；".join(gaps) or f"目录中没有主题 {figure.theme}")
    zones = np.concatenate([np.asarray(layer.zones) for layer in layers])
    union = shapely.union_all(zones)
    net = float(union.area) / M2_PER_KM2
    county = library.county(day)
    outside = 0.0 if county is None else float(shapely.difference(union, county).area) / M2_PER_KM2
    return Indicator(
        figure=figure,
        layers=tuple(f"{layer.identity.title} {layer.identity.version}".strip() for layer in layers),
        gross_km2=float(shapely.area(zones).sum()) / M2_PER_KM2,
        net_km2=net,
        outside_km2=outside,
        ratios=tuple(_ratio(net, denominator, figure) for denominator in denominators(library, day)),
        demonstration=any(layer.identity.demonstration for layer in layers),
    )


def _doubts(opened: Layer | Gap) -> list[str]:
    """Return why no figure can be taken from a layer: a sum over part of the zones is a wrong figure."""
    if isinstance(opened, Gap):
        return [opened.issue.text]
    stale = [f"{opened.identity.title}：{opened.stale}"] if opened.stale else []
    return [*stale, *(issue.text for issue in opened.issues if zoneindex.lossy([issue]))]


def _ratio(net_km2: float, denominator: Denominator, figure: PlanFigure) -> Ratio:
    percent = net_km2 / denominator.area_km2 * 100.0
    planned_km2 = figure.percent_2020 / 100.0 * denominator.area_km2
    return Ratio(denominator, percent, percent - figure.percent_2020, net_km2 - planned_km2)


def denominators(library: Library, day: date) -> tuple[Denominator, ...]:
    """Return the configured denominators, then the outline's own ellipsoidal area."""
    county = library.county(day)
    if county is None:
        return library.catalog.denominators
    own = Denominator(
        "outline_computed", "县界图层椭球面积（实算）", float(county.area) / M2_PER_KM2, "由 admin_county 图层计算"
    )
    return (*library.catalog.denominators, own)
