"""Distances by the metric of a `Bend`, of geometries that are near each other in the plane."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely

from linxi_gis.engine.answers import Bend, Rows
from linxi_gis.engine.rings import FloatArray, GeometryArray

CHUNK = 1 << 18  # pairs of a vertex and an edge that are looked at together


def ways(
    mine: GeometryArray, theirs: GeometryArray, plane_m: FloatArray, bend: Bend
) -> tuple[FloatArray, FloatArray]:
    """Return the distances (m) of pairs that do not meet, shape (n,), and the nearest points, shape (n, 2, 2).

    Of two edges that do not meet one is nearest at an end. The feet are those of the plane, in which the pairs are
    `plane_m` apart; only ways that may be shortest by the metric are looked at.
    """
    metres, ends = np.full(len(mine), np.inf), np.zeros((len(mine), 2, 2))
    r = np.abs(shapely.bounds(mine)).reshape(-1, 4).max(axis=1, initial=0.0) * 2.0 + 2.0 * plane_m
    most = (plane_m * slack(r, bend) + 1e-9) ** 2
    for one, other, side in ((mine, theirs, 0), (theirs, mine, 1)):
        corner, first = _corners(one)
        edge, start = _edges(other)
        count = (first[1:] - first[:-1]) * (start[1:] - start[:-1])
        for a, b in _chunks(count):
            pair, p, q = _all_pairs(first, start, a, b)
            at, foot = corner[p], _feet(corner[p], edge[q])
            near = (((foot - at) ** 2).sum(axis=1) <= most[pair]).nonzero()[0]
            pair, found = pair[near], np.stack([at[near], foot[near]], axis=1)
            way = np.sqrt(squares(found, bend))
            order = np.lexsort((way, pair))
            best = order[np.diff(pair[order], prepend=-1) > 0]
            best = best[way[best] < metres[pair[best]]]
            metres[pair[best]] = way[best]
            ends[pair[best]] = found[best, ::-1] if side else found[best]
    return metres, ends


def squares(ends: FloatArray, bend: Bend) -> FloatArray:
    """Return the squares of the lengths of ways from point to point, shape (n, 2, 2), by the metric half-way."""
    dx, dy = (ends[:, 1] - ends[:, 0]).T
    x, y = (0.5 * (ends[:, 0] + ends[:, 1])).T
    slope = bend.slope + bend.curve * y
    a, b = bend.square * (x * x - y * y) + slope * y, 2.0 * bend.square * x * y - slope * x
    return np.asarray(np.maximum((1.0 + a) * dx * dx + 2.0 * b * dx * dy + (1.0 - a) * dy * dy, 0.0))


def slack(distance_m: FloatArray, bend: Bend) -> FloatArray:
    """Return how many times longer a way may be in the plane than one that is no shorter by the metric, shape (n,)."""
    part = abs(bend.slope) * distance_m + abs(bend.curve) * distance_m**2
    return np.asarray(1.0 + 4.0 * (bend.square * distance_m**2 + part))


def _corners(shapes: GeometryArray) -> tuple[FloatArray, Rows]:
    """Return the vertices of shapes, shape (m, 2), and where those of each begin, shape (n + 1,)."""
    xy, of = shapely.get_coordinates(shapes, return_index=True)
    return xy, np.searchsorted(of, np.arange(len(shapes) + 1))


def _edges(shapes: GeometryArray) -> tuple[FloatArray, Rows]:
    """Return the edges of shapes, shape (m, 2, 2), and where those of each begin; a point is an edge of no length."""
    part, of = shapely.get_parts(shapes, return_index=True)
    flat = shapely.get_dimensions(part) < 2
    rings, area = shapely.get_rings(part[~flat], return_index=True)
    lines, owner = np.concatenate([part[flat], rings]), np.concatenate([of[flat], of[~flat][area]])
    xy, line = shapely.get_coordinates(lines, return_index=True)
    alone = np.bincount(line, minlength=len(lines))[line] == 1
    xy, line = np.repeat(xy, 1 + alone, axis=0), np.repeat(line, 1 + alone)
    start = (line[1:] == line[:-1]).nonzero()[0]
    order = np.argsort(owner[line[start]], kind="stable")
    edges = np.stack([xy[start[order]], xy[start[order] + 1]], axis=1)
    return edges, np.searchsorted(owner[line[start[order]]], np.arange(len(shapes) + 1))


def _feet(point: FloatArray, edge: FloatArray) -> FloatArray:
    """Return the points of edges nearest to points in the plane, shape (n, 2)."""
    way, to = edge[:, 1] - edge[:, 0], point - edge[:, 0]
    square = (way * way).sum(axis=1)
    share = np.clip((to * way).sum(axis=1) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)[:, None]
    return np.asarray(np.where(share == 1.0, edge[:, 1], edge[:, 0] + share * way))


def _chunks(count: Rows) -> list[tuple[int, int]]:
    """Return ranges of pairs, of no more than `CHUNK` vertices and edges together unless it is one pair."""
    nth = (np.cumsum(count) - 1) // CHUNK
    cuts = [0, *(np.diff(nth).nonzero()[0] + 1).tolist(), len(count)] if len(count) else []
    return list(pairwise(cuts))


def _all_pairs(first: Rows, start: Rows, a: int, b: int) -> tuple[Rows, Rows, Rows]:
    """Return rows of pair, vertex and edge: for each pair from a to b every vertex with every edge."""
    corners, edges = np.diff(first[a : b + 1]), np.diff(start[a : b + 1])
    count = corners * edges
    pair = np.repeat(np.arange(a, b), count)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    wide = edges[pair - a]
    return pair, first[pair] + place // wide, start[pair] + place % wide
