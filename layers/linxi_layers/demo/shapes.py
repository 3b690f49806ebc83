"""Natural-looking shapes: fractal lines, blobs, and level sets of a random landscape on a mesh.

Shapes are longitude latitude (EPSG:4490) unless a name says `xy`: then metres in an equal-area
plane on the CGCS2000 ellipsoid, centred on the county.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry as Geometry

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID_DEG = 1e-8  # coordinates are rounded to this, about 1 mm
_STEP_DEG = 70.0 / 111_320.0  # a 70 m edge straight in degrees bends in the plane by 0.1 mm
_PLANE = pyproj.Proj(proj="laea", lon_0=118.05, lat_0=43.75, ellps="GRS80", units="m")


def to_xy(geometry: Geometry) -> Geometry:
    """Return a longitude-latitude geometry in the plane, vertex by vertex."""
    return shapely.transform(geometry, lambda c: np.column_stack(_PLANE(c[:, 0], c[:, 1])))


def to_lonlat(geometry: Geometry) -> Geometry:
    """Return a plane geometry in longitude latitude, rounded to the grid, valid."""
    back = shapely.transform(
        geometry, lambda c: np.column_stack(_PLANE(c[:, 0], c[:, 1], inverse=True))
    )
    return snap(back)


def snap(geometry: Geometry) -> Geometry:
    """Return geometry with coordinates rounded to the grid, kept valid.

    >>> shapely.get_coordinates(snap(shapely.Point(118.123456789, 43.0))).tolist()
    [[118.12345679, 43.0]]
    """
    rounded = shapely.set_precision(geometry, GRID_DEG)
    # set_precision divides by a scale; np.round gives the shortest decimal of the same grid point.
    exact: Geometry = shapely.transform(rounded, lambda c: np.round(c, 8))
    return exact


def points_xy(lonlat: Sequence[tuple[float, float]]) -> Floats:
    """Return longitude latitude pairs as plane coordinates, shape (n, 2)."""
    array = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    return np.column_stack(_PLANE(array[:, 0], array[:, 1]))


def area_km2(geometry: Geometry) -> float:
    """Return the ellipsoidal area (km²): long edges are cut before projecting."""
    return float(to_xy(shapely.segmentize(geometry, _STEP_DEG)).area) / 1e6


def polygons(geometry: Geometry) -> Geometry:
    """Return only the areas of a geometry: overlays may leave lines and points behind."""
    parts = [part for part in shapely.get_parts(geometry) if shapely.get_dimensions(part) == 2]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def union(*parts: Geometry) -> Geometry:
    """Return the union of areas on the grid."""
    return snap(polygons(shapely.union_all(list(parts), grid_size=GRID_DEG)))


def without(whole: Geometry, *cuts: Geometry) -> Geometry:
    """Return an area less others, on the grid."""
    return snap(polygons(shapely.difference(whole, shapely.union_all(list(cuts)), grid_size=GRID_DEG)))


def within(part: Geometry, whole: Geometry) -> Geometry:
    """Return the common area of two, on the grid."""
    return snap(polygons(shapely.intersection(part, whole, grid_size=GRID_DEG)))


def buffer_m(geometry: Geometry, metres: float) -> Geometry:
    """Return a buffer in metres of a longitude-latitude geometry."""
    return to_lonlat(shapely.buffer(to_xy(geometry), metres, quad_segs=6))


def rough_line(xy: Floats, rng: np.random.Generator, rough: float, step_m: float) -> Floats:
    """Return a line displaced at its midpoints until no edge is longer than `step_m`.

    `rough` is the greatest displacement as a share of the edge; the ends stay where they are.
    Fournier, Fussell, Carpenter: Computer rendering of stochastic models, CACM 25 (1982).
    """
    line = xy
    while True:
        edge = np.diff(line, axis=0)
        length = np.hypot(edge[:, 0], edge[:, 1])
        split = length > step_m
        if not split.any():
            return line
        normal = np.column_stack([-edge[:, 1], edge[:, 0]])
        shift = (rng.random(len(edge)) * 2.0 - 1.0) * rough
        middle = (line[:-1] + line[1:]) / 2.0 + normal * shift[:, None]
        where = np.flatnonzero(split) + 1
        line = np.insert(line, where, middle[split], axis=0)


def blob(
    centre: tuple[float, float],
    half_axes_m: tuple[float, float],
    rng: np.random.Generator,
    *,
    turn_deg: float = 0.0,
    rough: float = 0.25,
    vertices: int = 240,
) -> Geometry:
    """Return a star-shaped patch with a fractal rim around a longitude-latitude centre."""
    angle = np.linspace(0.0, 2.0 * math.pi, vertices, endpoint=False)
    radius = np.ones(vertices)
    for wave in range(2, 48):
        phase = rng.random() * 2.0 * math.pi
        radius += rough * wave**-1.15 * (2.0 * rng.random() - 1.0) * np.cos(wave * angle + phase)
    radius = np.maximum(radius, 0.3)
    turn = math.radians(turn_deg)
    along, across = half_axes_m[0] * radius * np.cos(angle), half_axes_m[1] * radius * np.sin(angle)
    x = along * math.cos(turn) - across * math.sin(turn)
    y = along * math.sin(turn) + across * math.cos(turn)
    return to_lonlat(shapely.Polygon(points_xy([centre])[0] + np.column_stack([x, y])))


def noise(xy: Floats, rng: np.random.Generator, cells_m: Sequence[float], fall: float) -> Floats:
    """Return fractal value noise at points: one random lattice a cell size, weighted size**fall."""
    total = np.zeros(len(xy))
    low = xy.min(axis=0)
    for cell in cells_m:
        place = (xy - low) / cell
        base = np.floor(place).astype(np.int64)
        part = place - base
        ease = part * part * part * (part * (part * 6.0 - 15.0) + 10.0)
        lattice = rng.random((int(base[:, 0].max()) + 2, int(base[:, 1].max()) + 2)) * 2.0 - 1.0
        i, j = base[:, 0], base[:, 1]
        south = lattice[i, j] * (1 - ease[:, 0]) + lattice[i + 1, j] * ease[:, 0]
        north = lattice[i, j + 1] * (1 - ease[:, 0]) + lattice[i + 1, j + 1] * ease[:, 0]
        total += (south * (1 - ease[:, 1]) + north * ease[:, 1]) * (cell / cells_m[0]) ** fall
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A jittered triangle mesh over the county: nodes (n, 2) in both systems, triangles (m, 3)."""

    lonlat: Floats
    xy: Floats
    triangles: Ints


def make_mesh(outline: Geometry, rng: np.random.Generator, step_m: float) -> Mesh:
    """Return a mesh covering the outline's extent; nodes are jittered so that no grid shows."""
    west, south, east, north = to_xy(outline).bounds
    columns = int((east - west) / step_m) + 3
    rows = int((north - south) / step_m) + 3
    jj, ii = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    # Below a quarter of the step either way no cell turns concave, so no triangle turns over.
    jitter = (rng.random((rows * columns, 2)) - 0.5) * 0.48
    xy = np.column_stack([ii.ravel(), jj.ravel()]) + jitter
    xy = xy * step_m + np.array([west - step_m, south - step_m])
    corner = (jj[:-1, :-1] * columns + ii[:-1, :-1]).ravel()
    one = np.column_stack([corner, corner + 1, corner + columns + 1])
    two = np.column_stack([corner, corner + columns + 1, corner + columns])
    lonlat = np.column_stack(_PLANE(xy[:, 0], xy[:, 1], inverse=True))
    return Mesh(lonlat, xy, np.concatenate([one, two]).astype(np.int64))


def level_set(mesh: Mesh, field: Floats, threshold: float) -> Geometry:
    """Return where a field, linear in each triangle, exceeds a threshold.

    >>> points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> level_set(Mesh(points, points, np.array([[0, 1, 2]])), np.array([1.0, 0.0, 0.0]), 0.5).area
    0.125
    """
    inside = field[mesh.triangles] > threshold
    count = inside.sum(axis=1)
    pieces = [shapely.polygons(mesh.lonlat[mesh.triangles[count == 3]])]
    for wanted in (1, 2):
        mask = count == wanted
        triangles = mesh.triangles[mask]
        odd = np.argmax(inside[mask] == (wanted == 1), axis=1)
        rows = np.arange(len(triangles))
        a, b, c = (triangles[rows, (odd + k) % 3] for k in range(3))
        ab, ac = _crossing(mesh, field, threshold, a, b), _crossing(mesh, field, threshold, a, c)
        if wanted == 1:
            rings = np.stack([mesh.lonlat[a], ab, ac], axis=1)
        else:
            rings = np.stack([ab, mesh.lonlat[b], mesh.lonlat[c], ac], axis=1)
        pieces.append(shapely.polygons(rings))
    return snap(shapely.coverage_union_all(np.concatenate(pieces)))


def _crossing(mesh: Mesh, field: Floats, threshold: float, one: Ints, two: Ints) -> Floats:
    """Return where the level crosses edges; an edge is always taken from its lower node number,
    so both of its triangles get the same point to the last bit."""
    low, high = np.minimum(one, two), np.maximum(one, two)
    share = (threshold - field[low]) / (field[high] - field[low])
    result: Floats = mesh.lonlat[low] + share[:, None] * (mesh.lonlat[high] - mesh.lonlat[low])
    return result


def solve(value: Callable[[float], float], target: float, low: float, high: float, near: float) -> float:
    """Return x with value(x) within `near` of target; `value` is monotone, target lies between.

    Regula falsi, Illinois variant. Raises ValueError when the target is not bracketed.

    >>> round(solve(lambda x: x * x, 2.0, 1.0, 2.0, 1e-9), 6)
    1.414214
    """
    at_low, at_high = value(low) - target, value(high) - target
    if at_low * at_high > 0.0:
        raise ValueError(f"目标 {target} 不在区间内：{at_low + target}、{at_high + target}")
    for _ in range(60):
        x = high - at_high * (high - low) / (at_high - at_low)
        at = value(x) - target
        if abs(at) <= near:
            return x
        if at * at_high < 0.0:
            low, at_low = high, at_high
        else:
            at_low /= 2.0
        high, at_high = x, at
    raise ValueError(f"目标 {target} 未能逼近，最后一次偏差 {at}")
