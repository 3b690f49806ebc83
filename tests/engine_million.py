"""Compare the engines with GEOS on random and adversarial pairs: `python tests/engine_million.py [pairs] [seed]`.

Prints every difference and, at the end, how many pairs were compared. Not part of the test run, which does a
few thousand of them (test_engine_kernel.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import engine
from linxi_gis.engine import Near, Overlaps, grid, pieces, plain

Shapes = NDArray[np.object_]


@dataclass(frozen=True)
class World:
    """How hard a case is made: its size (m), the lattice coordinates are snapped to, an offset, the grid's cell."""

    size: float
    lattice: float
    offset: float
    cell_m: float | None
    reach: float
    limit: float
    vertices: int  # of a piece of the plain index


def worlds(seed: int) -> World:
    """Return the world of a seed; in a row of 540 all combinations come up."""
    size, lattice, offset = (
        (1000.0, 0.0, 0.0),
        (16.0, 1.0, 0.0),  # vertices on vertices, edges on edges and on the lines of the grid
        (1000.0, 0.0, 4.5e6),
        (32.0, 1.0, 4096.0),
        (1000.0, 0.001, 123_456.789),
        (16.0, 0.5, -1000.0),
    )[seed % 6]
    cell = (None, 1.0, 4.0, size / 8.0, size)[seed // 6 % 5]
    return World(
        size, lattice, offset, cell, (0.0, 0.02 * size, 0.2 * size)[seed // 30 % 3],
        (0.1 * size, 10.0 * size)[seed // 90 % 2], (6, 12, 128)[seed // 180 % 3],
    )  # fmt: skip


def _star(rng: np.random.Generator, world: World, centre: NDArray[np.float64], radius: float) -> shapely.Geometry:
    corners = int(rng.integers(3, 14))
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, corners))
    far = radius * rng.uniform(0.3, 1.0, corners)
    xy = centre + np.c_[far * np.cos(angle), far * np.sin(angle)]
    return _valid(shapely.Polygon(np.round(xy / world.lattice) * world.lattice if world.lattice else xy))


def _valid(shape: shapely.Geometry) -> shapely.Geometry:
    shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    areas = [part for part in shapely.get_parts(shape) if part.area > 0.0]
    return shapely.union_all(areas) if areas else shapely.Polygon()


def _thin(rng: np.random.Generator, world: World, centre: NDArray[np.float64], radius: float) -> shapely.Geometry:
    """Return a point, points, a line, or lines, some of them closed."""
    xy = centre + rng.uniform(-radius, radius, (int(rng.integers(2, 9)), 2))
    xy = np.round(xy / world.lattice) * world.lattice if world.lattice else xy
    kind = int(rng.integers(0, 5))
    if kind < 2:
        return shapely.Point(xy[0]) if kind else shapely.MultiPoint(np.unique(xy, axis=0))
    line = shapely.LineString(np.concatenate([xy, xy[:1]]) if kind == 2 else xy)
    other = shapely.LineString(xy[::-1] + 0.5 * radius if not world.lattice else xy[::-1] + world.lattice)
    return shapely.MultiLineString([line, other]) if kind == 3 else line


def shapes(rng: np.random.Generator, world: World, count: int, thin: float = 0.15) -> Shapes:
    """Return valid polygons with holes, in parts, of very different sizes, a share of lines and points, and some twice."""
    made: list[shapely.Geometry] = []
    for _ in range(count):
        centre, radius = rng.uniform(0.0, world.size, 2), world.size * rng.choice([0.02, 0.1, 0.5, 2.0], p=[0.3, 0.3, 0.35, 0.05])
        if rng.random() < thin:
            made.append(_thin(rng, world, centre, radius))
            continue
        shape = _star(rng, world, centre, radius)
        if rng.random() < 0.3:
            shape = shapely.difference(shape, _star(rng, world, centre, 0.5 * radius))
        if rng.random() < 0.2:
            shape = shapely.union(shape, _star(rng, world, rng.uniform(0.0, world.size, 2), radius))
        if rng.random() < 0.1 and made and shapely.get_dimensions(made[-1]) == 2:
            shape = made[-1]
        if world.lattice:
            shape = shapely.set_precision(shape, world.lattice)
        made.append(_valid(shape))
    column = np.empty(len(made), dtype=object)
    column[:] = made
    moved = shapely.transform(column, lambda xy: xy + world.offset)
    return np.asarray(moved[shapely.is_valid(moved) & ~shapely.is_empty(moved)], dtype=object)


def differences(
    sites: Shapes, zones: Shapes, got: Overlaps, near: Near, reach: float, limit: float
) -> Iterator[str]:
    """Tell where the answers are not those of GEOS.

    A hit may be missed, or invented, only where its area is what rounding the coordinates along the shorter
    outline makes; areas agree to 1e-12 of the site and that; distances to 1e-9 m and a last bit of the
    coordinates; the distance is 0 exactly where `intersects` says so.
    """
    far = max(float(np.abs(shapely.get_coordinates(both)).max(initial=0.0)) for both in (sites, zones))
    girth = np.minimum(shapely.length(sites)[:, None], shapely.length(zones)[None])
    common = shapely.intersection(sites[:, None], zones[None])
    area = shapely.area(common)
    mine = np.zeros(area.shape)
    mine[got.site, got.zone] = got.area_m2
    if not np.array_equal(np.lexsort((got.zone, got.site)), np.arange(len(got.site))):
        yield "overlaps are not sorted"
    hit = mine > 0.0
    rounding = 4.0 * np.spacing(far) * girth
    for i, j in np.argwhere((hit != (area > 0.0)) & (np.maximum(area, mine) > 4.0 * rounding)):
        yield f"hit {i} {j}: {mine[i, j]} for {area[i, j]}"
    for i, j in np.argwhere(np.abs(mine - area) > 1e-12 * shapely.area(sites)[:, None] + 4.0 * rounding):
        yield f"area {i} {j}: {mine[i, j]} for {area[i, j]}"
    part, of = shapely.get_parts(common[got.site, got.zone], return_index=True)
    solid = shapely.get_dimensions(part) == 2  # where outlines run along each other there are lines beside
    outline = np.bincount(of[solid], shapely.length(part[solid]), minlength=len(got.site))
    for k in np.flatnonzero(got.girth_m < outline - 1e-9 * outline - 16.0 * np.spacing(far)):
        yield f"girth {got.site[k]} {got.zone[k]}: {got.girth_m[k]} for {outline[k]}"
    yield from _distances(sites, zones, near, reach, limit, 1e-9 + 2.0 * np.spacing(far))


def _distances(sites: Shapes, zones: Shapes, near: Near, reach: float, limit: float, slack: float) -> Iterator[str]:
    true = shapely.distance(sites[:, None], zones[None])
    mine = np.full(true.shape, np.nan)
    mine[near.site, near.zone] = near.distance_m
    told = np.isfinite(mine)
    for i in range(len(sites)):
        inside = true[i] <= reach
        if inside.any():
            wrong = (told[i] != inside) & (np.abs(true[i] - reach) > slack)
            yield from (f"reach {i} {j}: {mine[i, j]} for {true[i, j]}" for j in np.flatnonzero(wrong))
        elif (least := float(true[i].min(initial=np.inf))) > limit + slack:
            yield from (f"beyond the range {i} {j}: {mine[i, j]}" for j in np.flatnonzero(told[i]))
        elif least < limit - slack and (told[i].sum() != 1 or abs(true[i, told[i]][0] - least) > slack):
            yield f"nearest {i}: {np.flatnonzero(told[i])} {true[i, told[i]]} for {least}"
    for i, j in np.argwhere(told & (np.abs(mine - true) > slack)):
        yield f"distance {i} {j}: {mine[i, j]} for {true[i, j]}"
    meets = shapely.intersects(sites[near.site], zones[near.zone])
    for k in np.flatnonzero((near.distance_m == 0.0) != meets):
        yield f"meets {near.site[k]} {near.zone[k]}: {near.distance_m[k]} for {meets[k]}"
    between = np.hypot(*(near.site_xy - near.zone_xy).T)
    for k in np.flatnonzero(np.abs(between - near.distance_m) > slack):
        yield f"points {near.site[k]} {near.zone[k]}: {between[k]} for {near.distance_m[k]}"
    on_site = shapely.distance(shapely.points(near.site_xy), sites[near.site])
    for k in np.flatnonzero(on_site > slack):
        yield f"point off the site {near.site[k]} {near.zone[k]}: {on_site[k]}"
    apart = near.distance_m > 0.0
    on_zone = np.where(apart, shapely.distance(shapely.points(near.zone_xy), zones[near.zone]), 0.0)
    for k in np.flatnonzero(on_zone > slack):
        yield f"point off the zone {near.site[k]} {near.zone[k]}: {on_zone[k]}"


def compare(seed: int, sites: int, zones: int, kind: engine.Kind) -> tuple[int, list[str]]:
    """Return how many pairs were compared with GEOS in the world of a seed, and the differences."""
    world, rng = worlds(seed), np.random.default_rng(seed)
    ground, law = shapes(rng, world, sites), shapes(rng, world, zones)
    if kind == "fast":
        index = engine.open_index(grid.build(law, world.cell_m))
    else:
        index = engine.open_index(pieces.build(law, world.vertices))
        # Sites are cut as small, and boxes compared where else a tree would be asked, and the other way round.
        plain.WHOLE = plain.PART = world.vertices
        pieces.FEW = 1000 if seed % 2 else 0
    got = engine.overlaps(index, ground)
    near = engine.near(index, ground, world.reach, world.limit, got)
    told = differences(ground, law, got, near, world.reach, world.limit)
    return len(ground) * len(law), [f"seed {seed} {kind} {world}: {what}" for what in told]


def main(pairs: int, seed: int) -> int:
    """Compare at least so many pairs with each engine; return how many differences there were."""
    done, wrong = dict.fromkeys(("fast", "plain"), 0), 0
    kinds: tuple[engine.Kind, ...] = ("fast", "plain") if engine.choose() == "fast" else ("plain",)
    while min(done[kind] for kind in kinds) < pairs:
        for kind in kinds:
            count, told = compare(seed, 100, 50, kind)
            done[kind] += count
            wrong += len(told)
            for line in told:
                print(line)
        seed += 1
    print(f"pairs {done}, differences {wrong}, seeds to {seed}")
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(int(([*sys.argv, "1000000"])[1]), int(([*sys.argv, "", "0"])[2])), 1))
