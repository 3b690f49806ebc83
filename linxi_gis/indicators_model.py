"""The nouns of the indicators: ratios, parts, what a county's figures come to. No library, no file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from linxi_gis.catalog import Denominator
from linxi_gis.crs import Geometry
from linxi_gis.indicators_plan import Entered, PlanFigure
from linxi_gis.indicators_tables import Check, ClassRow, InsideRow, UnitTable


@dataclass(frozen=True, slots=True)
class Ratio:
    """The share of one denominator: percent, and the difference from the plan in points and km².

    The first two differences are from the plan's figure of 2020, the target's from its figure of 2025; 0 and None
    where the plan states no number. `planned_km2` is what the plan's percentage makes of this denominator.
    """

    denominator: Denominator
    percent: float
    difference_points: float
    difference_km2: float
    planned_km2: float | None = None
    target_points: float | None = None
    target_km2: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A numerator's part in one town or unit: the area of that place, the part, and its share of the place (0..100).

    The last one, without an id, is what lies in none of them.
    """

    id: str
    name: str
    area_km2: float
    net_km2: float
    percent: float | None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of the plan, computed from layers or a raster, entered, or neither.

    `gross_km2` sums the zones, `net_km2` counts overlaps once (the numerator), `outside_km2` is the
    part of it outside the county outline; `nodata_km2` the part of the county where a raster says nothing.
    `unchecked` says why there is no figure, else "". `entered` is what a user filled in.
    """

    figure: PlanFigure
    layers: tuple[str, ...]
    gross_km2: float
    net_km2: float
    outside_km2: float
    ratios: tuple[Ratio, ...]
    demonstration: bool
    unchecked: str = ""
    nodata_km2: float = 0.0
    entered: Entered | None = None
    parts: tuple[Part, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class County:
    """Everything `linxi indicators` says of a day; `left_out` are layers that `zones` and `inside` leave out, and why."""

    catalog_title: str
    plan_title: str
    day: date
    indicators: tuple[Indicator, ...]
    units: UnitTable
    zones: tuple[ClassRow, ...]
    inside: tuple[InsideRow, ...]
    checks: tuple[Check, ...]
    demonstration: bool
    by: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Towns or units that a numerator is cut by: plane geometry without overlaps, shape (n,), ids and names."""

    word: str
    shapes: tuple[Geometry, ...]
    ids: tuple[str, ...]
    names: tuple[str, ...]
    whole: Geometry


@dataclass(frozen=True, slots=True)
class Change:
    """A numerator before and after: `added_km2` is new ground, `removed_km2` ground no other zone covers.

    `outside_km2` of what should be added lies outside the county and is not counted.
    """

    figure: PlanFigure
    without: tuple[str, ...]
    before_km2: float
    after_km2: float
    added_km2: float
    removed_km2: float
    before: tuple[Ratio, ...]
    after: tuple[Ratio, ...]
    check: Check
    outside_km2: float = 0.0
