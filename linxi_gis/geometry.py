"""Heal geometry: every repair is an Issue that carries the place."""

from __future__ import annotations

import shapely
from shapely.validation import explain_validity

from linxi_gis.crs import Geometry
from linxi_gis.finding import Issue

# Linework takes seconds for a few hundred random vertices, minutes for a thousand.
LINEWORK_VERTICES = 60


def heal(geometry: Geometry, what: str) -> tuple[Geometry, tuple[Issue, ...]]:
    """Return a valid geometry of the same dimension, and an Issue when it had to be repaired.

    `geometry` is longitude latitude (the Issue's WKT is written as it is given). A self-crossing
    polygon becomes the areas it encloses (GEOS MakeValid, "structure" method keeps rings as rings);
    pieces of lower dimension that the repair leaves behind are dropped and the Issue says so.

    >>> bow_tie = shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")
    >>> healed, issues = heal(bow_tie, "地块1")
    >>> healed.area, issues[0].code, issues[0].geometry_wkt
    (2.0, 'geometry_healed', 'POINT (1 1)')
    """
    flat = shapely.force_2d(geometry)
    if flat.is_valid:
        return flat, ()
    reason = explain_validity(flat)
    dimension = int(shapely.get_dimensions(flat))
    repaired = shapely.make_valid(flat, method="structure", keep_collapsed=True)
    kept = [part for part in shapely.get_parts(repaired) if shapely.get_dimensions(part) == dimension]
    kept = [piece for part in kept for piece in shapely.get_parts(part)]
    healed = shapely.union_all(kept) if kept else type(flat)()
    if healed.is_empty and shapely.get_num_coordinates(flat) < LINEWORK_VERTICES:
        # MakeValid's structure method finds no area; linework keeps both lobes of a bow-tie.
        lobes = [p for p in shapely.get_parts(shapely.make_valid(flat)) if p.area > 0.0]
        healed = shapely.union_all(lobes)
    place = _place(reason)
    return healed, (
        Issue(
            code="geometry_healed",
            severity="warning",
            text=f"{what}的图形自相交或不合规（{reason}），已修复后使用",
            remedy="请核对拐点顺序，用修正后的图形重新提交",
            geometry_wkt=place or shapely.to_wkt(shapely.centroid(flat), rounding_precision=9),
        ),
    )


def _place(reason: str) -> str | None:
    """Return the WKT point that GEOS names in brackets, or None."""
    inner = reason.partition("[")[2].partition("]")[0].split()
    if len(inner) < 2:
        return None
    try:
        return shapely.to_wkt(shapely.Point(float(inner[0]), float(inner[1])), rounding_precision=9)
    except ValueError:
        return None
