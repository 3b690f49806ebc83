"""图斑椭球面积: the national land survey's formula, an independent check of the area plane.

国土调查办发〔2008〕32号, 图斑椭球面积计算公式: the sum over edges of the ellipsoidal trapezoid
between the edge and a meridian. Its coefficients are the series of the authalic integral in e².
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry, points_lonlat
from linxi_gis.finding import Issue
from linxi_gis.model import Site

# CGCS2000 (GB 22021-2008): a = 6378137 m, f = 1/298.257222101.
_A, _F = 6_378_137.0, 1.0 / 298.257222101
_B = _A * (1.0 - _F)
_E2 = _F * (2.0 - _F)
_SERIES = (
    1.0 + 3.0 / 6.0 * _E2 + 30.0 / 80.0 * _E2**2 + 35.0 / 112.0 * _E2**3 + 630.0 / 2304.0 * _E2**4,
    1.0 / 6.0 * _E2 + 15.0 / 80.0 * _E2**2 + 21.0 / 112.0 * _E2**3 + 420.0 / 2304.0 * _E2**4,
    3.0 / 80.0 * _E2**2 + 7.0 / 112.0 * _E2**3 + 180.0 / 2304.0 * _E2**4,
    1.0 / 112.0 * _E2**3 + 45.0 / 2304.0 * _E2**4,
    5.0 / 2304.0 * _E2**4,
)
# An edge is taken as a chord of (L, B): cut this short, 1 km of edges is off by 0.0013 m² at most.
STEP_M = 10.0
_MOST_VERTICES = 200_000
# The bound that is told: beyond it one of two independent ways to the area is wrong.
TOLERANCE, TOLERANCE_M2 = 1e-6, 0.01


def ring_areas(lonlat: FloatArray, ring: np.ndarray[tuple[int], np.dtype[np.intp]], rings: int) -> FloatArray:
    """Return the signed ellipsoidal areas (m²) of closed rings by the survey's formula, shape (rings,).

    `lonlat` are the vertices, shape (n, 2), degrees, EPSG:4490; `ring` the ring of each, ascending. An edge is
    the chord in longitude and latitude. Longitudes count from the ring's own first vertex (the formula's L0:
    any will do), so that small rings keep their digits. Counter-clockwise rings are positive.

    >>> cell = np.array([[118.0, 43.0], [119.0, 43.0], [119.0, 44.0], [118.0, 44.0], [118.0, 43.0]])
    >>> round(float(ring_areas(cell, np.zeros(5, dtype=np.intp), 1)[0]), 1)
    8985483100.9
    """
    radians = np.radians(lonlat)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    first = np.searchsorted(ring, ring[edge])
    lon = (radians[edge, 0] + radians[edge + 1, 0]) / 2.0 - radians[first, 0]
    rise, middle = radians[edge + 1, 1] - radians[edge, 1], (radians[edge + 1, 1] + radians[edge, 1]) / 2.0
    band = np.zeros(len(edge))
    for n, coefficient in enumerate(_SERIES):
        k = 2 * n + 1
        band += (-1.0) ** n * coefficient * np.sin(k * rise / 2.0) * np.cos(k * middle)
    return np.bincount(ring[edge], 2.0 * _B**2 * lon * band, rings).astype(np.float64)


def area_m2(lonlat: Geometry) -> float:
    """Return the 图斑椭球面积 (m²) of a polygon in EPSG:4490 degrees, its edges taken as drawn (not cut)."""
    parts, _ = shapely.get_parts(lonlat, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return 0.0
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    sizes = np.abs(ring_areas(xy, ring, len(rings)))
    outer = np.concatenate([[True], part[1:] != part[:-1]])
    return float(sizes[outer].sum() - sizes[~outer].sum())


def of_plane(ground: Geometry) -> float:
    """Return the 图斑椭球面积 (m²) of a polygon given in the area plane, its edges cut at 10 m first.

    A very long outline is cut at 1/200,000 of its length.
    """
    step = max(STEP_M, float(shapely.length(ground)) / _MOST_VERTICES)
    return area_m2(shapely.transform(shapely.segmentize(ground, step), points_lonlat))


def beside(site: Site) -> Site:
    """Return an area site with its survey area, and an Issue where that differs from the area of the engine.

    A line or a point is returned as it is.
    """
    if site.kind not in ("polygon", "corridor"):
        return site
    survey = of_plane(site.ground)
    made = replace(site, survey_area_m2=survey, others=tuple((name, beside(other)) for name, other in site.others))
    if abs(survey - site.area_m2) <= TOLERANCE * site.area_m2 + TOLERANCE_M2:
        return made
    issue = Issue(
        "area_methods_differ",
        "warning",
        f"图斑椭球面积 {survey:.2f} m² 与椭球面积 {site.area_m2:.2f} m² 相差 {survey - site.area_m2:+.2f} m²，"
        f"超过 {TOLERANCE:g} 加 {TOLERANCE_M2:g} m² 的限差",
        "两种独立算法应当一致，请把地块文件反馈给开发者",
    )
    return replace(made, issues=(*made.issues, issue))
