"""Area ratios against the plan: dissolved numerator, every denominator by name, the difference, the parts by town."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely

from linxi_gis import indicators_tables, raster
from linxi_gis.catalog import Denominator
from linxi_gis.crs import Geometry
from linxi_gis.errors import LinxiError
from linxi_gis.indicators_model import County, Indicator, Part, Places, Ratio
from linxi_gis.indicators_plan import Entered, PlanFigure
from linxi_gis.indicators_plan import read_plan as read_plan
from linxi_gis.indicators_tables import M2_PER_KM2, Check, doubts, km2, sound
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer

_CELLS_CLOSE = 1e-6  # cells have areas of their own, interpolated: they prove the outline's, they are not made from it
# Our choice: drawn borders of county and zones differ by less; a layer in the wrong zone (带号) lies outside wholly.
# As much of the county may lie where a raster says nothing.
_ASTRAY = 0.05
BY = {"town": ("admin_town", "乡镇"), "unit": ("control_unit", "管控单元")}


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    library: Library
    day: date
    opened: Sequence[Layer | Gap]
    county: Geometry | None
    places: Places | None
    against: tuple[Denominator, ...]


def compute(
    library: Library,
    figures: Sequence[PlanFigure],
    day: date,
    entered: Mapping[str, Entered] | None = None,
    by: str = "",
) -> tuple[Indicator, ...]:
    """Return every figure against every denominator, on a day; `by` "town" or "unit" cuts the numerators.

    Numerators are ellipsoidal areas of the union of all layers of the figure's theme, or of the cells of the raster
    in force that count. The outline's own area is always one of the denominators when there is an outline.
    """
    opened, county = library.layers(day), library.county(day)
    ground = _Ground(library, day, opened, county, places(opened, by) if by else None, denominators(library, day))
    given = entered or {}
    return tuple(_one(figure, ground, given.get(figure.id)) for figure in figures)


def county(
    library: Library, plan_title: str, figures: Sequence[PlanFigure], day: date,
    entered: Mapping[str, Entered] | None = None, by: str = "",
) -> County:  # fmt: skip
    """Return the indicators with the tables beside them, and the proofs that parts add up to wholes."""
    computed = compute(library, figures, day, entered, by)
    opened, outline = library.layers(day), library.county(day)
    units, checks = indicators_tables.units(opened, outline)
    return County(
        library.catalog.title, plan_title, day, computed, units,
        indicators_tables.zones(opened, outline), indicators_tables.objects_in_zones(opened),
        (*(check for one in computed for check in one.checks), *checks),
        library.catalog.demonstration or any(one.demonstration for one in computed), by,
        indicators_tables.left_out(opened),
    )  # fmt: skip


def _one(figure: PlanFigure, ground: _Ground, entered: Entered | None) -> Indicator:
    if figure.raster:
        return _of_raster(figure, ground, entered)
    if figure.theme:
        return _of_layers(figure, ground, entered)
    return _none(figure, "" if entered else "未填：由使用单位填报并写明来源", entered)


def _none(figure: PlanFigure, why: str, entered: Entered | None) -> Indicator:
    return Indicator(figure, (), 0.0, 0.0, 0.0, (), False, why, entered=entered)


def _of_layers(figure: PlanFigure, ground: _Ground, entered: Entered | None) -> Indicator:
    opened = [one for one in ground.opened if one.identity.theme == figure.theme]
    layers = [one for one in opened if isinstance(one, Layer) and one.identity.legal_status != "draft"]
    gaps = [reason for one in opened for reason in doubts(one)]
    if opened and not layers and not gaps:
        gaps = ["只有草案图层"]
    if gaps or not layers:
        return _none(figure, "；".join(gaps) or f"目录中没有主题 {figure.theme}", entered)
    zones = np.concatenate([np.asarray(layer.zones) for layer in layers])
    union = shapely.union_all(zones)
    net, county = km2(union), ground.county
    outside = 0.0 if county is None else km2(shapely.difference(union, county))
    if outside > _ASTRAY * net:
        text = f"分子 {net:.2f} km² 中有 {outside:.2f} km² 在县界图层之外：坐标系、县界或图层有误，先用 linxi layers check 体检"
        return _none(figure, text, entered)
    checks = []
    if county is not None:
        inside = km2(shapely.intersection(union, county))
        checks.append(Check(f"{figure.title}：县界内 + 县界外 = 分子", net, inside + outside))
    parts: tuple[Part, ...] = ()
    if ground.places is not None:
        parts = _parts(ground.places, [km2(shapely.intersection(union, one)) for one in ground.places.shapes],
                       km2(shapely.difference(union, ground.places.whole)))  # fmt: skip
        checks.append(Check(f"{figure.title}：各{ground.places.word} + 其外 = 分子", net, math.fsum(p.net_km2 for p in parts)))
    return Indicator(
        figure=figure,
        layers=tuple(f"{layer.identity.title} {layer.identity.version}".strip() for layer in layers),
        gross_km2=float(shapely.area(zones).sum()) / M2_PER_KM2,
        net_km2=net,
        outside_km2=outside,
        ratios=tuple(ratio(net, denominator, figure) for denominator in ground.against),
        demonstration=any(layer.identity.demonstration for layer in layers),
        entered=entered,
        parts=parts,
        checks=tuple(checks),
    )


def _of_raster(figure: PlanFigure, ground: _Ground, entered: Entered | None) -> Indicator:
    named = [entry for entry in ground.library.catalog.rasters if entry.kind == figure.raster and entry.status != "draft"]
    entry = next((one for one in named if one.in_force(ground.day)), None)
    if entry is None or ground.county is None:
        why = "没有县界" if named and entry else "当日没有生效的版本" if named else f"目录中没有种类为 {figure.raster} 的栅格"
        return _none(figure, why, entered)
    places_, cut = ground.places, []
    try:
        with raster.opened(entry) as opened:
            whole = raster.tally(opened, ground.county)
            if places_ is not None:
                rest = shapely.difference(ground.county, places_.whole)
                shapes = [shapely.intersection(one, ground.county) for one in places_.shapes]
                cut = [raster.tally(opened, one).of(entry.forest) / M2_PER_KM2 for one in (*shapes, rest)]
    except LinxiError as error:
        return _none(figure, str(error), entered)
    net = whole.of(entry.forest) / M2_PER_KM2
    spoken = {value for value, _ in entry.classes}
    listed = bool(spoken - set(entry.forest))  # classes beside the forest: what they leave out is not known
    unsaid = whole.known_m2 - whole.of(tuple(spoken)) if listed else 0.0
    beyond = (whole.nodata_m2 + whole.outside_m2 + unsaid) / M2_PER_KM2
    if beyond > _ASTRAY * km2(ground.county):
        text = f"县界内有 {beyond:.2f} km² 栅格没有数据或像元值不在 classes 里（共 {km2(ground.county):.2f} km²）"
        return _none(figure, f"{text}，算不出全县的比例", entered)
    cells = (whole.known_m2 + whole.nodata_m2 + whole.outside_m2) / M2_PER_KM2
    known = Check(f"{figure.title}：各类像元 + 无数据 = 县界面积", km2(ground.county), cells, _CELLS_CLOSE)
    parts: tuple[Part, ...] = ()
    checks = [known]
    if places_ is not None:
        parts = _parts(places_, cut[:-1], cut[-1])
        checks.append(Check(f"{figure.title}：各{places_.word} + 其外 = 分子", net, math.fsum(cut)))
    return Indicator(
        figure, (f"{entry.title} {entry.version}".strip(),), net, net, 0.0,
        tuple(ratio(net, one, figure) for one in ground.against), entry.demonstration,
        nodata_km2=beyond, entered=entered, parts=parts, checks=tuple(checks),
    )  # fmt: skip


def places(opened: Sequence[Layer | Gap], by: str) -> Places:
    """Return the towns or units of a day; ground that two of them claim goes to the first. Raises LinxiError."""
    theme, word = BY[by]
    layers, doubtful = sound(opened, theme), indicators_tables.reasons(opened, theme)
    if doubtful:
        raise LinxiError(f"{word}图层有问题，不能按它分（{'；'.join(doubtful)}）", remedy="请先修好该图层，或去掉 --by")
    if not layers:
        raise LinxiError(f"没有可用的{word}图层（主题 {theme}）", remedy="请在目录中加入该图层，或去掉 --by")
    shapes = [shape for layer in layers for shape in np.asarray(layer.zones)]
    taken: Geometry = shapely.Polygon()
    own = []
    for shape in shapes:
        own.append(shapely.difference(shape, taken))
        taken = shapely.union(taken, shape)
    ids = [code for layer in layers for code in layer.zone_ids]
    names = [name for layer in layers for name in layer.zone_names]
    return Places(word, tuple(own), tuple(ids), tuple(names), taken)


def _parts(where: Places, nets: Sequence[float], rest: float) -> tuple[Part, ...]:
    rows = [
        Part(code, name, km2(shape), net, net / km2(shape) * 100.0 if shape.area else None)
        for code, name, shape, net in zip(where.ids, where.names, where.shapes, nets, strict=True)
    ]
    return (*rows, Part("", f"不在任何{where.word}内", 0.0, rest, None))


def ratio(net_km2: float, denominator: Denominator, figure: PlanFigure) -> Ratio:
    """Return a numerator as a share of a denominator, held against the plan's figures."""
    percent = net_km2 / denominator.area_km2 * 100.0
    planned = None if figure.percent_2020 is None else figure.percent_2020 / 100.0 * denominator.area_km2
    target = figure.target_percent
    return Ratio(
        denominator,
        percent,
        0.0 if figure.percent_2020 is None else percent - figure.percent_2020,
        0.0 if planned is None else net_km2 - planned,
        planned,
        None if target is None else percent - target,
        None if target is None else net_km2 - target / 100.0 * denominator.area_km2,
    )


def denominators(library: Library, day: date) -> tuple[Denominator, ...]:
    """Return the configured denominators, then the outline's own ellipsoidal area."""
    county = library.county(day)
    if county is None:
        return library.catalog.denominators
    own = Denominator(
        "outline_computed", "县界图层椭球面积（实算）", float(county.area) / M2_PER_KM2, "由 admin_county 图层计算"
    )
    return (*library.catalog.denominators, own)
