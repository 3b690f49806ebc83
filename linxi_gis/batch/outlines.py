"""Plain polygons from their own system to the area plane, all of a block at once on flat arrays of coordinates.

The steps and the figures are those of `footprint.measure`; what takes its time there is making geometries for
each step, and asking GEOS whether they are valid. Most parcels are seen from some point inside to be so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, edgearea
from linxi_gis.crs import FloatArray
from linxi_gis.engine import rings
from linxi_gis.engine.rings import Rings
from linxi_gis.footprint import MAX_EXTENT_DEG
from linxi_gis.model import GeometryArray
from linxi_gis.projection import A_M

_POLYGON = 3  # shapely's type id
# Twice the bound on the rounding of a cross product, against the sum of its terms: Shewchuk 1997, ccwerrboundA.
_TURN = 2.0 * (3.0 + 16.0 * 2.0**-53) * 2.0**-53


@dataclass(frozen=True, slots=True, eq=False)
class Plots:
    """Polygons of a batch in the area plane: `rows` are their places in it, `outlines` those of `ground`."""

    rows: NDArray[np.intp]
    ground: GeometryArray
    outlines: Rings
    area_m2: FloatArray


def measured(drawn: GeometryArray, system: str) -> Plots:
    """Return the polygons that can be measured as drawn: valid in degrees and in the plane, of an area above zero.

    What is not among them (lines, points, several parts, what needs repair) is for `footprint`. Raises CrsError
    when one is out of reach of `system`.
    """
    rows = np.flatnonzero((shapely.get_type_id(drawn) == _POLYGON) & ~shapely.is_empty(drawn))
    rows = rows[_finite(drawn[rows])]
    own = rings.of(drawn[rows])
    if not len(rows):
        return Plots(rows, _shapes(own), own, np.empty(0))
    degrees = Rings(crs.lonlat_of_points(own.xy, system), own.ring, own.shape, own.solid)
    fine, first = _cut(own, crs.longest_edge(system))
    lonlat = fine.xy if system == crs.LONLAT else _again(fine.xy, first, degrees.xy, system)
    xy, height = crs.plane_of_points_with_height(lonlat)
    ground = Rings(xy, fine.ring, fine.shape, fine.solid)
    shapes = _shapes(ground)
    area = _true_areas(fine.xy, height, ground, system)
    keep = (area > 0.0) & _narrow(degrees) & _valid(degrees, drawn[rows] if system == crs.LONLAT else None)
    keep &= _valid(ground, shapes)
    if keep.all():
        return Plots(rows, shapes, ground, area)
    return Plots(rows[keep], shapes[keep], rings.of(shapes[keep]), area[keep])


def _finite(shapes: GeometryArray) -> NDArray[np.bool_]:
    """Whether all coordinates of each shape are numbers."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    finite = np.ones(len(shapes), dtype=bool)
    finite[owner[~np.isfinite(xy).all(axis=1)]] = False
    return finite


def _shapes(own: Rings) -> GeometryArray:
    if not len(own):
        return np.empty(0, dtype=object)
    made = shapely.from_ragged_array(shapely.GeometryType.POLYGON, own.xy, (own.ring, own.shape))
    return np.asarray(made, dtype=object)


def _narrow(degrees: Rings) -> NDArray[np.bool_]:
    first = degrees.ring[degrees.shape[:-1]]
    extent = np.maximum.reduceat(degrees.xy, first) - np.minimum.reduceat(degrees.xy, first)
    return np.asarray((extent <= MAX_EXTENT_DEG).all(axis=1), dtype=np.bool_)


# --- cutting ------------------------------------------------------------------------------------------


def _cut(own: Rings, step: float) -> tuple[Rings, NDArray[np.intp]]:
    """Return rings with no edge longer than `step`, as `crs.cut` has it, and where each old vertex is in them."""
    along = own.xy[1:] - own.xy[:-1]
    pieces = np.ones(len(own.xy), dtype=np.intp)
    pieces[:-1] = np.maximum(np.ceil(np.sqrt(along[:, 0] ** 2 + along[:, 1] ** 2) / step), 1.0)
    pieces[own.ring[1:] - 1] = 1  # from the end of a ring to the next there is no edge
    first = np.zeros(len(pieces) + 1, dtype=np.intp)
    np.cumsum(pieces, out=first[1:])
    if first[-1] == len(pieces):
        return own, first[:-1]
    # A pair of coordinates as one complex number: half the work of handing them on.
    z = np.repeat(np.ascontiguousarray(own.xy).view(np.complex128)[:, 0], pieces)
    added = np.ones(first[-1], dtype=bool)
    added[first[:-1]] = False
    between = np.flatnonzero(added)
    edge = np.repeat(np.arange(len(pieces)), pieces - 1)
    part = (between - first[edge]) / pieces[edge]
    z[between] += part * np.ascontiguousarray(along).view(np.complex128)[edge, 0]
    return Rings(z.view(np.float64).reshape(-1, 2), first[own.ring], own.shape, own.solid), first[:-1]


def _again(fine: FloatArray, first: NDArray[np.intp], known: FloatArray, system: str) -> FloatArray:
    """Cut coordinates as longitude latitude, of which those at `first` are known."""
    if len(fine) == len(known):
        return known
    added = np.ones(len(fine), dtype=bool)
    added[first] = False
    lonlat = np.empty((len(fine), 2))
    lonlat[first], lonlat[added] = known, crs.lonlat_of_points(fine[added], system)
    return lonlat


# --- area ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Of rings in the plane: the shape of each vertex, the way to the next one, and whether that is no edge."""

    shape: NDArray[np.intp]
    start: NDArray[np.intp]
    along: FloatArray
    between: NDArray[np.intp]

    def sums(self, values: FloatArray) -> FloatArray:
        """Add up what each vertex has of the edge that begins there."""
        values[self.between] = 0.0
        return np.asarray(np.add.reduceat(values, self.start), dtype=np.float64)


def _edges(own: Rings) -> _Edges:
    start = own.ring[own.shape[:-1]]
    shape = np.repeat(np.arange(len(own)), np.diff(own.ring[own.shape]))
    along = np.zeros_like(own.xy)
    np.subtract(own.xy[1:], own.xy[:-1], out=along[:-1])
    return _Edges(shape, start, along, own.ring[1:] - 1)


def _true_areas(fine: FloatArray, height: FloatArray, ground: Rings, system: str) -> FloatArray:
    """As `edgearea.true_areas`; rings that run the right way round add and take away by themselves."""
    edges = _edges(ground)
    xy, along = ground.xy, edges.along
    local = xy - np.repeat(xy[edges.start], np.diff(ground.ring[ground.shape]), axis=0)
    flat = edges.sums(local[:, 0] * along[:, 1] - local[:, 1] * along[:, 0]) / 2.0
    length = np.sqrt(along[:, 0] ** 2 + along[:, 1] ** 2)
    told = edges.sums(edgearea.hair_m2(length, system)) > edgearea.TELLING_M2
    if not told.any():
        return flat
    exact = _of_degrees(fine, height, edges) if system == crs.LONLAT else flat + _hair(fine, xy, edges, system)
    return np.where(told & (exact > 0.5 * flat), exact, flat)


def _of_degrees(lonlat: FloatArray, height: FloatArray, edges: _Edges) -> FloatArray:
    """Areas between edges straight in degrees, in the cylindrical equal-area projection.

    Longitude grows evenly along such an edge and the height nearly so: its mean is that of the ends and a twelfth
    of its bend, to 1e-17 for edges of 70 m.
    """
    step = np.zeros_like(lonlat)
    np.subtract(lonlat[1:], lonlat[:-1], out=step[:-1])
    middle = height.copy()
    middle[:-1] += height[1:]
    middle *= 0.5
    middle -= height[edges.start][edges.shape]
    bend = np.radians(1.0) ** 2 / 12.0 * crs.sag(lonlat[edges.start, 1])
    middle += bend[edges.shape] * step[:, 1] ** 2
    return edges.sums(-A_M * np.radians(1.0) * step[:, 0] * middle)


def _hair(fine: FloatArray, xy: FloatArray, edges: _Edges, system: str) -> FloatArray:
    """What lies between edges and their chords: 4/3 of the triangle with the middle of the edge."""
    middle = fine.copy()
    middle[:-1] = (fine[:-1] + fine[1:]) / 2.0
    middle[edges.between] = fine[edges.between]
    way = crs.plane_of_points(crs.lonlat_of_points(middle, system)) - xy
    return edges.sums(2.0 / 3.0 * (way[:, 0] * edges.along[:, 1] - way[:, 1] * edges.along[:, 0]))


# --- validity -----------------------------------------------------------------------------------------


def _valid(own: Rings, shapes: GeometryArray | None) -> NDArray[np.bool_]:
    """Return which polygons are valid: those without holes that a point inside sees whole, the others by GEOS."""
    valid = _seen(own)
    rest = np.flatnonzero(~valid)
    if len(rest):
        asked = _shapes(own)[rest] if shapes is None else shapes[rest]
        valid[rest] = shapely.is_valid(asked)
    return valid


def _seen(own: Rings) -> NDArray[np.bool_]:
    """Return which polygons are one ring that turns once, and ever leftward, around the mean of its vertices.

    Such a ring crosses itself nowhere. A turn counts only where rounding cannot have made it.
    """
    count = len(own)
    single = np.diff(own.shape) == 1
    if not single.any():
        return np.zeros(count, dtype=bool)
    size = np.diff(own.ring[own.shape])
    start = own.ring[own.shape[:-1]]
    shape = np.repeat(np.arange(count), size)
    middle = np.add.reduceat(own.xy, start) / size[:, None]
    x, y = own.xy[:, 0] - middle[shape, 0], own.xy[:, 1] - middle[shape, 1]
    left, right = x[:-1] * y[1:], y[:-1] * x[1:]
    leftward = left - right > _TURN * (np.abs(left) + np.abs(right))
    rising = (y[:-1] < 0.0) & (y[1:] >= 0.0)
    ends = own.ring[1:-1] - 1  # no edge, but the way to the next ring
    leftward[ends], rising[ends] = True, False
    ever = np.logical_and.reduceat(np.append(leftward, True), start)
    turns = np.add.reduceat(np.append(rising, False).astype(np.intp), start)
    return np.asarray(single & ever & (turns == 1), dtype=np.bool_)
