"""The county's holdings in figures: control units and zones by class, and what lies in each kind of zone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from linxi_gis import zoneindex
from linxi_gis.crs import Geometry
from linxi_gis.model import Gap, GeometryArray, Layer
from linxi_gis.themes import BACKDROP_THEMES, THEMES, class_title
from linxi_gis.units import largest_remainder

M2_PER_KM2 = 1e6
_TOLD_M2 = 0.01  # areas are told to 0.01 m²: less is what projecting leaves between borders that touch
CLOSES = 1e-9  # parts add up to their whole within this share of it
UNIT_CLASSES = ("priority", "key", "general")
# What is looked for in zones, and as what: a water source is told by its innermost zone where classes are known.
_OBJECTS = (("water_source", "grade1"), ("mine", ""), ("mining_right", ""), ("tailings", ""))
_OBJECT_TITLES = {"water_source": "水源地（以一级保护区计）", "tailings": "尾矿库"}


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of zones: how many, their summed and their dissolved area, and the latter's share (0..100)."""

    theme: str
    layer: str
    zone_class: str
    title: str
    count: int
    gross_km2: float
    net_km2: float
    share_percent: float | None


@dataclass(frozen=True, slots=True)
class UnitTable:
    """Control units by class, as the notices of 生态环境分区管控 print them.

    Shares are of `total_km2`, rounded by largest remainder so that the rows add up to 100.00. Where classes overlap,
    ground counts once, for the stricter class; `overlap_km2` tells how much. `gap_km2` is the part of the county in
    no unit, `outside_km2` the part of the units outside the county; `unchecked` says why there is no table, else "".
    """

    rows: tuple[ClassRow, ...]
    total_km2: float
    overlap_km2: float
    gap_km2: float
    outside_km2: float
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class InsideRow:
    """Objects against one kind of zone: how many there are, wholly inside, partly inside, and their area inside."""

    objects: str
    zones: str
    zone_class: str
    total: int
    inside: int
    partly: int
    area_km2: float


@dataclass(frozen=True, slots=True)
class Check:
    """A proof that parts add up: the whole, their sum, and up to which share of the whole they may differ."""

    title: str
    whole_km2: float
    parts_km2: float
    within: float = CLOSES

    @property
    def difference(self) -> float:
        """Share of the whole, 0 for nothing at all."""
        return abs(self.whole_km2 - self.parts_km2) / self.whole_km2 if self.whole_km2 else abs(self.parts_km2)

    @property
    def closes(self) -> bool:
        """Whether the parts add up."""
        return self.difference <= self.within


def doubts(opened: Layer | Gap) -> list[str]:
    """Return why no figure can be taken from a layer: a sum over part of the zones is a wrong figure."""
    if isinstance(opened, Gap):
        return [opened.issue.text]
    stale = [f"{opened.identity.title}：{opened.stale}"] if opened.stale else []
    return [*stale, *(issue.text for issue in opened.issues if zoneindex.lossy([issue]))]


def reasons(opened: Sequence[Layer | Gap], theme: str) -> list[str]:
    """Return why a theme gives no whole figure: the doubts of its layers, drafts aside."""
    mine = [one for one in opened if one.identity.theme == theme and one.identity.legal_status != "draft"]
    return [reason for one in mine for reason in doubts(one)]


def left_out(opened: Sequence[Layer | Gap]) -> tuple[str, ...]:
    """Return which layers the tables of zones and objects leave out, and why."""
    told = []
    for one in opened:
        if one.identity.theme in BACKDROP_THEMES:
            continue
        if one.identity.legal_status == "draft":
            told.append(f"{one.identity.title}：草案，不计")
        else:
            told += doubts(one)
    return tuple(dict.fromkeys(told))


def km2(shape: Geometry) -> float:
    """Return the ellipsoidal area (km²) of plane geometry."""
    return float(shape.area) / M2_PER_KM2


def sound(opened: Sequence[Layer | Gap], theme: str) -> list[Layer]:
    """Return the layers of a theme that figures can be taken from."""
    return [
        one for one in opened
        if isinstance(one, Layer) and one.identity.theme == theme and one.identity.legal_status != "draft" and not doubts(one)
    ]  # fmt: skip


def units(opened: Sequence[Layer | Gap], county: Geometry | None) -> tuple[UnitTable, tuple[Check, ...]]:
    """Return control units by class, with the proof that the classes add up to their union."""
    layers, why = sound(opened, "control_unit"), reasons(opened, "control_unit")
    if why or not layers:
        return UnitTable((), 0.0, 0.0, 0.0, 0.0, "；".join(why) or "没有可用的环境管控单元图层"), ()
    shapes = np.concatenate([np.asarray(layer.zones) for layer in layers])
    classes = np.array([word for layer in layers for word in layer.zone_classes], dtype=object)
    order = [*UNIT_CLASSES, *sorted(set(classes) - set(UNIT_CLASSES))]
    taken: Geometry = shapely.Polygon()
    rows, areas = [], []
    for word in order:
        mine = shapes[classes == word]
        if not len(mine):
            continue
        union = shapely.union_all(mine)
        areas.append(km2(shapely.difference(union, taken)))
        taken = shapely.union(taken, union)
        rows.append((word, len(mine), float(shapely.area(mine).sum()) / M2_PER_KM2, areas[-1]))
    shares = largest_remainder(areas)
    title = layers[0].identity.title
    table = UnitTable(
        tuple(
            ClassRow("control_unit", title, word, class_title("control_unit", word) or "（未注明类别）", count, gross, net, share)
            for (word, count, gross, net), share in zip(rows, shares, strict=True)
        ),
        km2(taken),
        float(shapely.area(shapes).sum()) / M2_PER_KM2 - km2(taken),
        0.0 if county is None else km2(shapely.difference(county, taken)),
        0.0 if county is None else km2(shapely.difference(taken, county)),
    )
    return table, (Check("管控单元各类之和 = 全部单元合并后的面积", km2(taken), math.fsum(areas)),)


def zones(opened: Sequence[Layer | Gap], county: Geometry | None) -> tuple[ClassRow, ...]:
    """Return every layer's zones by class, but for those `left_out`; shares are of the county outline's own area.

    They are None without an outline.
    """
    rows = []
    for layer in opened:
        theme = layer.identity.theme
        if isinstance(layer, Gap) or theme in BACKDROP_THEMES or theme == "control_unit" or doubts(layer):
            continue
        if layer.identity.legal_status == "draft":
            continue
        shapes, classes = np.asarray(layer.zones), np.array(list(layer.zone_classes), dtype=object)
        for word in dict.fromkeys(classes):
            mine = shapes[classes == word]
            net = km2(shapely.union_all(mine))
            share = None if county is None or not net else net / km2(county) * 100.0
            title = class_title(theme, word) or "（未分类）"
            gross = float(shapely.area(mine).sum()) / M2_PER_KM2
            rows.append(ClassRow(theme, layer.identity.title, str(word), title, len(mine), gross, net, share))
    return tuple(rows)


def objects_in_zones(opened: Sequence[Layer | Gap]) -> tuple[InsideRow, ...]:
    """Return how many water sources, mines, mining rights and ponds lie in each kind of zone, pairs that meet only."""
    rows = []
    unions = tuple(_unions(opened))
    for theme, word in _OBJECTS:
        for layer in sound(opened, theme):
            shapes = _of_class(layer, word)
            title = layer.identity.title if theme != "water_source" else _OBJECT_TITLES[theme]
            for zone_theme, zone_class, union in unions:
                if zone_theme == theme:
                    continue
                row = _inside(shapes, union)
                if row[0] or row[1]:
                    words = class_title(zone_theme, zone_class)
                    rows.append(InsideRow(title, THEMES[zone_theme], words, len(shapes), *row))
    return tuple(rows)


_ZONE_THEMES = ("ecological_redline", "protected_area", "water_source", "control_unit", "permanent_farmland",
                "urban_boundary", "river", "heritage")  # fmt: skip


def _of_class(layer: Layer, word: str) -> GeometryArray:
    shapes = np.asarray(layer.zones)
    rows = [row for row, mine in enumerate(layer.zone_classes) if mine == word]
    return shapes[rows] if word and rows else shapes


def _unions(opened: Sequence[Layer | Gap]) -> Iterator[tuple[str, str, Geometry]]:
    for theme in _ZONE_THEMES:
        told = theme in ("protected_area", "water_source", "control_unit", "river", "heritage")
        kinds: dict[str, list[Geometry]] = {}
        for layer in sound(opened, theme):
            for shape, word in zip(np.asarray(layer.zones), layer.zone_classes, strict=True):
                kinds.setdefault(word if told else "", []).append(shape)
        for word, shapes in kinds.items():
            yield theme, word, shapely.union_all(shapes)


def _inside(shapes: GeometryArray, union: Geometry) -> tuple[int, int, float]:
    """Return how many lie wholly and partly in a union, and their area inside (km²); a touch is neither."""
    shapely.prepare(union)
    near = shapes[shapely.intersects(union, shapes)]
    if not len(near):
        return 0, 0, 0.0
    common = shapely.area(shapely.intersection(near, union))
    whole = shapely.covers(union, near) | ((common > _TOLD_M2) & (shapely.area(near) - common < _TOLD_M2))
    partly = ~whole & (common > _TOLD_M2)
    return int(whole.sum()), int(partly.sum()), km2(shapely.intersection(shapely.union_all(near), union))
