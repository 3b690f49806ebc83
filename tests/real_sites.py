"""Sites made of real polygons: on their borders, along them, and the polygons themselves all but where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity

Shapes = NDArray[np.object_]
Rng = np.random.Generator
LARGE = 4_000  # vertices: a polygon with more is taken as a site less often, or the oracle takes hours


def column(shapes: Sequence[Any]) -> Shapes:
    """Return an array of geometries."""
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def valid(shape: Any) -> Any:
    """Return what has area of a shape, valid."""
    if shape.is_valid and shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    made = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    areas = [part for part in shapely.get_parts(made) if part.area > 0.0]
    return shapely.union_all(areas) if areas else shapely.Polygon()


def moved(rng: Rng, zone: Any) -> Any:
    """Return a polygon as it is, or shifted by 0.1 mm, 1 mm or 1 m, or turned, or scaled, or mirrored."""
    how = int(rng.integers(7))
    angle = rng.uniform(0.0, 2.0 * np.pi)
    if how < 3:
        step = (1e-4, 1e-3, 1.0)[how]
        return valid(affinity.translate(zone, step * np.cos(angle), step * np.sin(angle)))
    if how == 3:
        return valid(affinity.rotate(zone, rng.choice([1e-6, 0.01, 30.0, 180.0])))
    if how == 4:
        return valid(affinity.scale(zone, *rng.choice([0.5, 1.0 - 1e-9, 1.0 + 1e-6, 2.0], 2)))
    if how == 5:
        return valid(affinity.scale(zone, -1.0, 1.0))
    return zone


def _vertex(rng: Rng, zone: Any) -> NDArray[np.float64]:
    xy = shapely.get_coordinates(zone)
    return np.asarray(xy[rng.integers(len(xy))])


def _ring(rng: Rng, zone: Any) -> NDArray[np.float64]:
    """Return the corners of one of the zone's rings, from any of them on."""
    rings = shapely.get_rings(shapely.get_parts(zone))
    xy = shapely.get_coordinates(rings[int(rng.integers(len(rings)))])[:-1]
    return np.roll(xy, int(rng.integers(len(xy))), axis=0)


def parcel(rng: Rng, zone: Any) -> Any:
    """A parcel of 33 corners and 0.5 to 50 ha over, beside or far from the zone's border."""
    radius = np.sqrt(10.0 ** rng.uniform(3.7, 5.7) / np.pi)
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, 33))
    far = radius * rng.uniform(0.5, 1.2, 33)
    place = _vertex(rng, zone) + rng.choice([0.0, 1.0, 3.0, 30.0], p=[0.5, 0.3, 0.1, 0.1]) * radius * rng.normal(size=2)
    return valid(shapely.Polygon(place + np.c_[far * np.cos(angle), far * np.sin(angle)]))


def cornered(rng: Rng, zone: Any) -> Any:
    """A box with a corner on a corner of the zone."""
    at, size = _vertex(rng, zone), rng.choice([1.0, 30.0, 300.0, 3000.0]) * rng.choice([-1.0, 1.0], 2)
    return shapely.box(*np.minimum(at, at + size), *np.maximum(at, at + size))


def along(rng: Rng, zone: Any) -> Any:
    """A polygon some of whose edges are edges of the zone, on either side of them."""
    run = _ring(rng, zone)[: int(rng.integers(2, 40))]
    chord = run[-1] - run[0]
    away = np.array([-chord[1], chord[0]]) * rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 1.0)
    return valid(shapely.Polygon(np.concatenate([run, [run[-1] + away, run[0] + away]])))


def halved(rng: Rng, zone: Any) -> Any:
    """A polygon between corners of the zone: its corners on the zone's, its edges across."""
    run = _ring(rng, zone)
    some = np.sort(rng.choice(len(run), min(len(run), int(rng.integers(3, 9))), replace=False))
    return valid(shapely.Polygon(run[some])) if len(some) > 2 else shapely.Polygon()


def strip(rng: Rng, zone: Any) -> Any:
    """A corridor along a border: half of it in, half out."""
    run = _ring(rng, zone)[: int(rng.integers(2, 60))]
    wide = float(rng.choice([0.5, 10.0, 50.0]))
    return valid(shapely.buffer(shapely.LineString(run), wide, cap_style="flat", join_style="bevel", quad_segs=2))


def in_two(rng: Rng, zone: Any) -> Any:
    """A parcel with a hole, and another apart from it."""
    one, other = parcel(rng, zone), parcel(rng, zone)
    hole = shapely.buffer(shapely.point_on_surface(one), 0.1 * np.sqrt(one.area), quad_segs=2)
    return valid(shapely.union(shapely.difference(one, hole), other))


def between(rng: Rng, zone: Any) -> Any:
    """A parcel cut along the zone's border by GEOS: its edges lie within last bits of the border."""
    one = parcel(rng, zone)
    rest = shapely.difference(one, zone) if rng.random() < 0.5 else shapely.intersection(one, zone)
    return valid(rest)


MAKERS: tuple[Callable[[Rng, Any], Any], ...] = (
    parcel, parcel, parcel, cornered, along, halved, strip, in_two, between, moved, moved,
)  # fmt: skip


def make(rng: Rng, zones: Shapes, healed: NDArray[np.bool_], count: int) -> Shapes:
    """Return valid sites made of real zones, those that were invalid first; large ones are seldom sites whole."""
    size = shapely.get_num_coordinates(zones)
    usable = np.flatnonzero(~shapely.is_empty(zones))
    small = usable[size[usable] <= LARGE]
    small = small if len(small) else usable
    first = np.flatnonzero(healed & ~shapely.is_empty(zones))
    made = [zones[k] for k in first][: count // 4]
    while len(first) and len(made) < count // 3:
        made += [maker(rng, zones[int(rng.choice(first))]) for maker in MAKERS]
    large = usable[size[usable] > LARGE]
    made += [moved(rng, zones[k]) for k in large[:1]]
    while len(made) < count:
        maker = MAKERS[int(rng.integers(len(MAKERS)))]
        of = small if maker is moved else usable
        made.append(maker(rng, zones[int(rng.choice(of))]))
    sites = column(made)
    return np.asarray(sites[shapely.is_valid(sites) & (shapely.area(sites) > 0.0)], dtype=object)
