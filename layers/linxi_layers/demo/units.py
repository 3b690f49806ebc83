"""Control units (环境管控单元): every square metre of the county in exactly one. 示意."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from . import shapes
from .works import faces_of
from .zones import Zone

_DIGITS = {"优先保护单元": "1", "重点管控单元": "2", "一般管控单元": "3"}
_REGIONS = {
    "北部": ("五十家子镇",), "西部": ("统部镇", "新林镇"), "中部": ("林西镇", "官地镇", "大井镇"),
    "南部": ("大营子乡", "新城子镇"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A unit's claim on land; an earlier claim goes before a later one."""

    kind: str
    name: str
    area: Geometry


def claims(
    waters: Sequence[tuple[str, Geometry]],
    reserve: Geometry,
    redline: Geometry,
    keys: Sequence[tuple[str, Geometry]],
    towns: Mapping[str, Geometry],
) -> list[Claim]:
    """Return the claims in order: water sources, protected areas, red line, key areas, towns."""
    first, second, third = _DIGITS
    result = [Claim(first, f"{name}优先保护单元", area) for name, area in waters]
    result.append(Claim(first, "大冷山自然保护地（示意）优先保护单元", reserve))
    for region, names in _REGIONS.items():
        area = shapes.within(redline, shapely.union_all([towns[name] for name in names]))
        result.append(Claim(first, f"{region}生态保护红线（示意）优先保护单元", area))
    result += [Claim(second, f"{name}（示意）重点管控单元", area) for name, area in keys]
    result += [Claim(third, f"{name}（示意）一般管控单元", area) for name, area in towns.items()]
    return result


def shares(outline: Geometry, wanted: Sequence[Claim]) -> list[tuple[Claim, Geometry]]:
    """Return what each claim gets of the outline, nothing twice and nothing left out; a claim that gets nothing is left out.

    All lines are noded together once, then every face goes to the first claim that holds it, so neighbours share
    their border vertex by vertex.
    """
    lines = [claim.area.boundary for claim in wanted]
    network = shapely.union_all([*lines, outline.boundary], grid_size=shapes.GRID_DEG)
    faces = faces_of(network, outline)
    middle = shapely.point_on_surface(np.array(faces))
    x, y = shapely.get_x(middle), shapely.get_y(middle)
    owner = np.full(len(faces), -1)
    for number, claim in enumerate(wanted):
        shapely.prepare(claim.area)
        owner[(owner < 0) & shapely.contains_xy(claim.area, x, y)] = number
    # A sliver that rounding left between two towns goes to the nearest claim.
    for face in np.flatnonzero(owner < 0):
        owner[face] = int(np.argmin([claim.area.distance(middle[face]) for claim in wanted]))
    held = [[faces[i] for i in np.flatnonzero(owner == number)] for number in range(len(wanted))]
    return [(claim, shapely.coverage_union_all(parts)) for claim, parts in zip(wanted, held, strict=True) if parts]


def tile(outline: Geometry, wanted: Sequence[Claim]) -> list[Zone]:
    """Return units that tile the outline, numbered by class."""
    zones: list[Zone] = []
    for claim, area in shares(outline, wanted):
        serial = 1 + sum(zone.kind == claim.kind for zone in zones)
        code = f"ZH150424{_DIGITS[claim.kind]}{serial:04d}"
        facts = {"管控要求": "示意单元，准入清单为虚构，见 clauses.csv"}
        zones.append(Zone(code, claim.name, claim.kind, area, facts))
    return zones
