"""The county outlines and inland waters of ../shared/data/scale as zones of a layer, around the county or any place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import real_sites
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, geometry, projection, vectorfile, zoneindex
from linxi_gis.finding import Issue

Shapes = NDArray[np.object_]
SCALE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "scale"
WATERS, COUNTIES = "osm_inland_water_china_100m.fgb", "inner_mongolia_counties_amap_wgs84.fgb"
HOME_M = 400_000.0  # the true plane is used so far around the county


@dataclass(frozen=True, eq=False)
class Country:
    """The real polygons in longitude latitude, valid; which were not, and what was told of their healing."""

    shapes: Shapes
    county: NDArray[np.bool_]
    invalid: NDArray[np.intp]
    drawn: Shapes
    told: tuple[Issue, ...]
    centre: NDArray[np.float64]


def load(folder: Path = SCALE) -> Country:
    """Return all real polygons of a folder."""
    tables = [vectorfile.read(folder / name).geometries for name in (COUNTIES, WATERS)]
    drawn = np.concatenate(tables)
    shapes, told = drawn.copy(), list[Issue]()
    invalid = np.flatnonzero(~shapely.is_valid(drawn))
    for row in invalid:
        shapes[row], issues = geometry.heal(drawn[row], f"第 {row} 个")
        told += issues
    county = np.arange(len(drawn)) < len(tables[0])
    box = shapely.bounds(shapes)
    return Country(shapes, county, invalid, drawn[invalid], tuple(told), (box[:, :2] + box[:, 2:]) / 2.0)


@dataclass(frozen=True, eq=False)
class World:
    """Zones in a plane: real ones, and after them copies of some; `healed` tells which were invalid."""

    name: str
    zones: Shapes
    healed: NDArray[np.bool_]
    offset: float


def world(country: Country, seed: int) -> World:
    """Return the world of a seed: at home, or around any polygon (each invalid one in turn), far from the origin too."""
    rng = np.random.default_rng(seed)
    at_home, offset = seed % 3 == 0, (0.0, 0.0, 4.5e6)[seed // 3 % 3]
    if at_home:
        middle, reach, offset = np.array(crs.PLANE_CENTRE), rng.uniform(60e3, HOME_M), 0.0
    elif seed % 3 == 1:
        middle, reach = country.centre[country.invalid[seed // 3 % len(country.invalid)]], rng.uniform(20e3, 150e3)
    else:
        middle, reach = country.centre[rng.integers(len(country.shapes))], rng.uniform(20e3, 150e3)
    degrees = reach / 111_000.0 / np.array([np.cos(np.radians(middle[1])), 1.0])
    rows = np.flatnonzero((np.abs(country.centre - middle) < degrees).all(axis=1))
    if seed % 3 != 1 and rng.random() < 0.6:  # counties alone, or waters alone: then most sites meet none
        rows = rows[country.county[rows] == (seed % 2 == 0)]
    counties = rows[country.county[rows]]
    rows = np.concatenate([counties[:25], rows[~country.county[rows]]])  # a county has 20,000 vertices
    zones = plane(country.shapes[rows], None if at_home else middle)
    healed = np.isin(rows, country.invalid)
    copied = rng.integers(0, max(len(zones), 1), max(len(zones) // 10, 2 * bool(len(zones))))
    copies = real_sites.column([real_sites.moved(rng, zones[k]) for k in copied])
    zones, healed = np.concatenate([zones, copies]), np.concatenate([healed, healed[copied]])
    if offset:
        zones = shapely.transform(zones, lambda xy: xy + offset)
        zones = real_sites.column([real_sites.valid(zone) for zone in zones])
    where = "at home" if at_home else f"around {middle[0]:.2f} {middle[1]:.2f}"
    return World(f"{where} {reach / 1e3:.0f} km + {offset:g}", zones, healed, offset)


def plane(lonlat: Shapes, middle: NDArray[np.float64] | None) -> Shapes:
    """Return polygons as a layer has them in the area plane, or in the same plane centred elsewhere."""
    if middle is None:
        return zoneindex.prepare(lonlat, crs.LONLAT, tuple(map(str, range(len(lonlat)))))[0]
    flat = projection.EqualArea(*middle.tolist())
    fine = crs.densify(lonlat, crs.LONLAT)
    shapes = shapely.transform(fine, lambda xy: np.column_stack(flat.forward(xy[:, 0], xy[:, 1])))
    for row in np.flatnonzero(~shapely.is_valid(shapes)):
        shapes[row], _ = geometry.heal(shapes[row], str(row))
    return np.asarray(shapes, dtype=object)
