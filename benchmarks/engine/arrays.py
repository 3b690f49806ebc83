"""Peers on GEOS in this process: shapely arrays and geopandas, on whole zones or on zones cut into pieces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely

from benchmarks.engine.answers import Answers, Columns, columns, joined
from benchmarks.engine.data import Geometries

PIECE_VERTICES = 128  # as ST_Subdivide(geom, 128)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Zones cut into pieces: the pieces, the zone each is of, and a tree over them."""

    pieces: Geometries
    zone: np.ndarray
    tree: shapely.STRtree


def cut(zones: Geometries, most: int = PIECE_VERTICES) -> Cut:
    """Halve what has more than `most` vertices across its longer side until nothing has."""
    parts, zone = shapely.get_parts(zones, return_index=True)
    done: list[tuple[Geometries, np.ndarray]] = []
    while len(parts):
        small = shapely.get_num_coordinates(parts) <= most
        done.append((parts[small], zone[small]))
        parts, zone = parts[~small], zone[~small]
        halves: list[Geometries] = []
        owners: list[np.ndarray] = []
        for part, owner, (west, south, east, north) in zip(parts, zone, shapely.bounds(parts), strict=True):
            x, y = (west + east) / 2, (south + north) / 2
            boxes = (
                ((west, south, x, north), (x, south, east, north))
                if east - west > north - south
                else ((west, south, east, y), (west, y, east, north))
            )
            for box in boxes:
                half = shapely.get_parts(shapely.clip_by_rect(part, *box))
                half = half[shapely.get_dimensions(half) == 2]
                halves.append(half)
                owners.append(np.full(len(half), owner))
        parts = np.concatenate(halves) if halves else np.empty(0, dtype=object)
        zone = np.concatenate(owners) if owners else np.empty(0, dtype=int)
    pieces = np.concatenate([part for part, _ in done])
    return Cut(pieces, np.concatenate([owner for _, owner in done]), shapely.STRtree(pieces))


def whole(zones: Geometries) -> Cut:
    """Zones as they are, in the same form."""
    return Cut(zones, np.arange(len(zones)), shapely.STRtree(zones))


def summed(site: np.ndarray, zone: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add up the areas of pieces of one zone in one site."""
    key, back = np.unique((site.astype(np.int64) << 32) | zone, return_inverse=True)
    return key >> 32, key & 0xFFFFFFFF, np.bincount(back, weights=area, minlength=len(key))


class Shapely:
    """STRtree, intersection and nearest on arrays, in one thread or several."""

    whole = True
    version = f"shapely {shapely.__version__}, GEOS {shapely.geos_version_string}"

    def __init__(self, subdivided: bool, threads: int = 1) -> None:
        kind = f"分块（≤{PIECE_VERTICES} 顶点）" if subdivided else "整个图斑"
        self.name = f"shapely 数组，{kind}，{threads} 线程"
        self._cut = cut if subdivided else whole
        self._threads = threads
        self._layers: dict[str, Cut] = {}

    def prepare(self, layers: dict[str, Geometries]) -> None:
        """Cut the zones and build the trees."""
        self._layers = {layer: self._cut(zones) for layer, zones in layers.items()}
        for one in self._layers.values():
            one.tree.query(shapely.Point(0, 0))  # a tree is built at its first query

    def load(self, sites: Geometries) -> Geometries:
        """Sites are arrays already."""
        return sites

    def batch(self, sites: Geometries) -> Answers:
        """Share the sites out among the threads."""
        if self._threads == 1 or len(sites) < 2 * self._threads:
            return self._some(sites)
        rows = np.linspace(0, len(sites), 4 * self._threads + 1).astype(int)
        with ThreadPoolExecutor(self._threads) as pool:
            parts = pool.map(lambda k: self._some(sites[rows[k] : rows[k + 1]]), range(len(rows) - 1))
            return joined(list(zip(rows[:-1].tolist(), parts, strict=True)))

    def _some(self, sites: Geometries) -> Answers:
        return {layer: self._layer(sites, prepared) for layer, prepared in self._layers.items()}

    def _layer(self, sites: Geometries, prepared: Cut) -> Columns:
        site, piece = prepared.tree.query(sites, predicate="intersects")
        area = shapely.area(shapely.intersection(sites[site], prepared.pieces[piece]))
        distance = np.full(len(sites), np.nan)
        distance[site] = 0.0
        missed = np.flatnonzero(np.isnan(distance))
        # The piece nearest the middle bounds the search: half the time of query_nearest.
        first = prepared.tree.nearest(shapely.centroid(sites[missed]))
        bound = shapely.distance(sites[missed], prepared.pieces[first])
        distance[missed] = bound
        near, rival = prepared.tree.query(sites[missed], predicate="dwithin", distance=bound)
        np.minimum.at(distance, missed[near], shapely.distance(sites[missed[near]], prepared.pieces[rival]))
        return columns(*summed(site, prepared.zone[piece], area), distance)

    def answers(self, made: Answers) -> Answers:
        """They are columns already."""
        return made

    def check(self, site: shapely.Polygon) -> None:
        """A batch of one."""
        self._some(np.array([site], dtype=object))

    def close(self) -> None:
        """Nothing is held."""
        self._layers = {}
