"""Compare the engines with GEOS on real polygons: `python tests/engine_real.py [pairs] [seed] [--every]`.

Zones are the county outlines and inland waters of ../shared/data/scale, invalid ones healed as a layer's are; sites
are parcels on their borders, parts of their outlines, and the polygons themselves, shifted by 0.1 mm to 1 m, turned,
scaled, or as they are. Prints every difference (`--every`: every undecided pair too) and, at the end, how many pairs
were compared and how far apart the two were at most. Not part of the test run, which does a few thousand
pairs (test_engine_real.py). ODbL, © OpenStreetMap contributors; nothing of the data is kept.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import real_ellipsoid
import real_sites
import shapely
from numpy.typing import NDArray
from real_world import Country, load, plane, world

from linxi_gis import crs, engine, overlay, screening, zonestore
from linxi_gis.benches import benches
from linxi_gis.model import Layer, LayerIdentity, Reference, Site

Shapes = NDArray[np.object_]
Rows = NDArray[np.intp]
REACH_M, RANGE_M = 300.0, 50_000.0
AREA_SHARE, GAP_M = 1e-9, 1e-9
DEEP_VERTICES = 2_000  # sites with more are left to the engines: `overlay` looks for inscribed circles


@dataclass
class Tally:
    """What was compared, the worst of what agreed or not, and a line for each difference."""

    pairs: int = 0  # whose boxes lie within reach of each other, or that are nearest
    strewn: int = 0  # all sites by all zones
    met: int = 0
    shared: int = 0
    of_invalid: int = 0
    unions: int = 0
    checks: int = 0
    area: float = 0.0  # of the site
    gap_m: float = 0.0
    union: float = 0.0
    girth: float = np.inf  # of the outline of the common ground, the least; never below 1
    different: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take over what another counted."""
        for name in ("pairs", "strewn", "met", "shared", "of_invalid", "unions", "checks"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("area", "gap_m", "union"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.girth = min(self.girth, other.girth)
        self.different += other.different
        self.undecided += other.undecided


@dataclass(frozen=True, eq=False)
class Truth:
    """What GEOS says of the pairs whose boxes lie within reach, sorted: rows, whether they meet, area, distance."""

    site: Rows
    zone: Rows
    meets: NDArray[np.bool_]
    area: NDArray[np.float64]
    gap: NDArray[np.float64]
    common: Shapes


def truth(sites: Shapes, zones: Shapes) -> Truth:
    """Ask GEOS about every pair whose boxes lie within reach."""
    wide = shapely.bounds(sites) + np.array([-REACH_M, -REACH_M, REACH_M, REACH_M])
    site, zone = shapely.STRtree(zones).query(shapely.box(*wide.T))
    order = np.lexsort((zone, site))
    site, zone = site[order], zone[order]
    shapely.prepare(zones)
    meets = shapely.intersects(zones[zone], sites[site])
    common = np.full(len(site), shapely.Polygon(), dtype=object)
    common[meets] = shapely.intersection(sites[site[meets]], zones[zone[meets]])
    gap = np.zeros(len(site))
    gap[~meets] = shapely.length(shapely.shortest_line(zones[zone[~meets]], sites[site[~meets]]))
    return Truth(site, zone, meets, shapely.area(common), gap, common)


def keys(site: Any, zone: Any) -> NDArray[np.int64]:
    """Return one number a pair, in order of the pairs."""
    return np.asarray(site, dtype=np.int64) * 2**32 + np.asarray(zone, dtype=np.int64)


def told_of(true: Truth, site: Any, zone: Any, value: NDArray[np.float64], missing: float) -> NDArray[np.float64]:
    """Return what an engine said of each true pair, `missing` where it named none; NaN is left for no pair at all."""
    mine, said = keys(true.site, true.zone), np.full(len(true.site), missing)
    at = np.searchsorted(mine, keys(site, zone))
    known = (at < len(mine)) & (mine[np.minimum(at, max(len(mine) - 1, 0))] == keys(site, zone)) if len(mine) else at < 0
    said[at[known]] = value[known]
    return said


def overlaps(sites: Shapes, zones: Shapes, true: Truth, got: engine.Overlaps, tally: Tally) -> Iterator[str]:
    """Tell where the areas, or which pairs have one, are not those of GEOS."""
    pairs = keys(got.site, got.zone)
    if (np.diff(pairs) <= 0).any():
        yield "overlaps are not sorted, or not each once"
    yield from (f"hit beyond the boxes {key >> 32} {key % 2**32}" for key in np.setdiff1d(pairs, keys(true.site, true.zone)))
    mine = told_of(true, got.site, got.zone, got.area_m2, 0.0)
    whole = shapely.area(sites)[true.site]
    rounding = 16.0 * _last_bit(sites, zones) * np.minimum(shapely.length(sites)[true.site], shapely.length(zones)[true.zone])
    off = np.abs(mine - true.area)
    tally.area = max(tally.area, float((off / whole).max(initial=0.0)))
    for k in np.flatnonzero(off > AREA_SHARE * whole):
        text = f"area {_pair(true, k)}: {mine[k]!r} for {true.area[k]!r} of {whole[k]!r}, rounding makes {rounding[k]:.1e}"
        if off[k] > rounding[k]:
            yield text
        else:
            tally.undecided.append(text)
    for k in np.flatnonzero((mine > 0.0) != (true.area > 0.0)):
        text = f"hit {_pair(true, k)}: {mine[k]!r} for {true.area[k]!r}, rounding makes {rounding[k]:.1e}"
        if max(mine[k], true.area[k]) > rounding[k]:
            yield text
        else:
            tally.undecided.append(text)


def girths(true: Truth, got: engine.Overlaps, rng: np.random.Generator, tally: Tally) -> Iterator[str]:
    """Tell where what an engine says of the outline of the common ground is too little, by GEOS.

    Of pairs that hit by more than 1 mm, for below it rounding makes outlines of its own; of some that
    2 · area / girth is no more than the largest inscribed circle.
    """
    girth = told_of(true, got.site, got.zone, got.girth_m, 0.0)
    thick = np.array([overlay.thickness(piece) for piece in true.common])
    length = np.array([_outline(piece) for piece in true.common])
    rows = np.flatnonzero((thick >= overlay.RESOLUTION_M) & (girth > 0.0))
    ratio = girth[rows] / length[rows]
    tally.girth = min(tally.girth, float(ratio.min(initial=np.inf)))
    for k in rows[ratio < 1.0 - 1e-9]:
        yield f"girth {_pair(true, k)}: {girth[k]!r} for {length[k]!r}"
    bound = 2.0 * true.area / np.where(girth > 0.0, girth, np.inf)
    for k in rows[bound[rows] > thick[rows] * (1.0 + 1e-9)]:
        yield f"thickness {_pair(true, k)}: {bound[k]!r} for {thick[k]!r}"
    small = rows[shapely.get_num_coordinates(true.common[rows]) < 300]
    for k in rng.choice(small, min(len(small), 20), replace=False):
        parts = [part for part in shapely.get_parts(true.common[k]) if part.area > 0.0]
        widest = max(2.0 * shapely.maximum_inscribed_circle(part, 1e-3 * np.sqrt(part.area)).length for part in parts)
        if bound[k] > widest * 1.01 + 2e-3 * np.sqrt(true.area[k]):
            yield f"inscribed {_pair(true, k)}: {bound[k]!r} for {widest!r}"


def _outline(piece: Any) -> float:
    parts = shapely.get_parts(piece)
    return float(shapely.length(parts[shapely.get_dimensions(parts) == 2]).sum())


def _last_bit(sites: Shapes, zones: Shapes) -> float:
    far = max(float(np.abs(shapely.get_coordinates(both)).max(initial=0.0)) for both in (sites, zones))
    return float(np.spacing(far))


def _pair(true: Truth, k: int) -> str:
    return f"{true.site[k]} {true.zone[k]}"


def gaps(sites: Shapes, zones: Shapes, true: Truth, near: engine.Near, tally: Tally) -> Iterator[str]:
    """Tell where the distances, the pairs in reach or the nearest of the rest are not those of GEOS."""
    slack = GAP_M + 2.0 * _last_bit(sites, zones)
    mine = told_of(true, near.site, near.zone, near.distance_m, np.inf)
    inside, said = true.gap <= REACH_M, np.isfinite(mine) & (mine <= REACH_M)
    for k in np.flatnonzero((inside != said) & (np.abs(true.gap - REACH_M) > slack)):
        yield f"reach {_pair(true, k)}: {mine[k]!r} for {true.gap[k]!r}"
    both = inside & said
    off = np.abs(np.where(both, mine, 0.0) - np.where(both, true.gap, 0.0))
    tally.gap_m = max(tally.gap_m, float(off.max(initial=0.0)))
    for k in np.flatnonzero(off > slack):
        yield f"distance {_pair(true, k)}: {mine[k]!r} for {true.gap[k]!r}"
    for k in np.flatnonzero(both & ((mine == 0.0) != true.meets)):
        yield f"meets {_pair(true, k)}: {mine[k]!r}, intersects says {true.meets[k]}"
    alone = np.setdiff1d(np.arange(len(sites)), true.site[inside])
    yield from _nearest(sites, zones, alone, near, slack, tally)
    apart = near.distance_m > 0.0
    between = np.hypot(*(near.site_xy - near.zone_xy).T)
    for k in np.flatnonzero(np.abs(between - near.distance_m) > slack):
        yield f"points {near.site[k]} {near.zone[k]}: {between[k]!r} for {near.distance_m[k]!r}"
    for xy, of, row in ((near.site_xy, sites, near.site), (near.zone_xy, zones, near.zone)):
        shapely.prepare(of)
        lost = ~shapely.dwithin(of[row[apart]], shapely.points(xy[apart]), slack)
        yield from (f"point off {row[apart][k]}: {xy[apart][k].tolist()}" for k in np.flatnonzero(lost))


def _nearest(sites: Shapes, zones: Shapes, alone: Rows, near: engine.Near, slack: float, tally: Tally) -> Iterator[str]:
    (row, _), least = shapely.STRtree(zones).query_nearest(
        sites[alone], max_distance=RANGE_M, all_matches=False, return_distance=True
    )
    true = np.full(len(sites), np.inf)
    true[alone[row]] = least
    told = np.isin(near.site, alone)
    mine = np.full(len(sites), np.inf)
    mine[near.site[told]] = near.distance_m[told]
    tally.pairs += len(alone)
    if len(np.unique(near.site[told])) != told.sum():
        yield "more than one nearest zone"
    for i in alone:
        if np.isfinite(true[i]) != np.isfinite(mine[i]):
            yield f"nearest {i}: {mine[i]!r} for {true[i]!r}"
        elif np.isfinite(true[i]):
            tally.gap_m = max(tally.gap_m, abs(float(mine[i] - true[i])))
            if abs(mine[i] - true[i]) > slack:
                yield f"nearest {i}: {mine[i]!r} for {true[i]!r}"


def layer_of(zones: Shapes) -> Layer:
    """Return a layer of zones in the plane, as the commands measure against."""
    held, names = zonestore.Zones.of(zones), tuple(map(str, range(len(zones))))
    identity = LayerIdentity("real", "river", "水面", True, accuracy_m=0.0)
    return Layer(identity, "0" * 64, held, held, names, names, names, ((),) * len(names), None)


def unions(sites: Shapes, true: Truth) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the area of the union of the layer in each site by GEOS, and which pairs are hits (thickness 1 mm)."""
    hit = np.array([overlay.thickness(piece) >= overlay.RESOLUTION_M for piece in true.common], dtype=bool)
    area = np.zeros(len(sites))
    for i in np.unique(true.site[hit]):
        area[i] = shapely.union_all(true.common[hit & (true.site == i)]).area
    return area, hit


def columns(sites: Shapes, true: Truth, layer: Layer, deep: Rows, tally: Tally) -> Iterator[str]:
    """Tell where `screening.measure_block`, and `overlay.measure` of some, are not what GEOS makes of the union."""
    union, hit = unions(sites, true)
    whole = shapely.area(sites)
    kinds = np.full(len(sites), 2, dtype=np.int8)
    (said,) = screening.measure_block(sites, kinds, whole, benches([layer]))
    tally.unions += len(sites)
    yield from _union("screen", np.arange(len(sites)), said.area_m2, union, sites, tally)
    pairs = keys(true.site, true.zone)[hit]
    for key in np.setxor1d(pairs, keys(said.hit_site, said.hit_zone)):
        yield f"screen hit {key >> 32} {key % 2**32}: {key not in pairs} for {key in pairs}"
    reference = Reference("", "")
    parcels = [Site("", "", "polygon", sites[i], sites[i], reference, float(whole[i]), 0.0, 0.0) for i in deep]
    told = overlay.measure(parcels, layer)
    tally.checks += len(deep)
    yield from _union("check", deep, told.union_area_m2, union[deep], sites[deep], tally)
    mine = [relation.hit for relation in told.relation]
    at = np.isin(true.site, deep)
    for key in np.setxor1d(keys(true.site, true.zone)[hit & at], keys(deep[told.site[mine]], told.zone[mine])):
        yield f"check hit {key >> 32} {key % 2**32}"
    area = told_of(true, deep[told.site], told.zone, told.area_m2, 0.0)
    off = np.where(at & hit, np.abs(area - true.area), 0.0)
    for k in np.flatnonzero(off > AREA_SHARE * whole[true.site]):
        if abs(area[k] - whole[true.site[k]]) > 1e-12 * area[k]:  # a rest thinner than 1 mm: told as the whole site
            yield f"check area {_pair(true, k)}: {area[k]!r} for {true.area[k]!r}"


def _union(
    who: str, rows: Rows, mine: NDArray[np.float64], true: NDArray[np.float64], sites: Shapes, tally: Tally
) -> Iterator[str]:
    whole = shapely.area(sites)
    length = shapely.length(sites)
    for k, i in enumerate(rows):
        off = abs(float(mine[k] - true[k])) / whole[k]
        if mine[k] == whole[k] and whole[k] - true[k] <= overlay.RESOLUTION_M * length[k]:
            continue  # within but for a rest thinner than 1 mm
        tally.union = max(tally.union, off)
        if off > AREA_SHARE:
            yield f"{who} union {i}: {mine[k]!r} for {true[k]!r} of {whole[k]!r}"


def compare(country: Country, seed: int, count: int, deep: int, kinds: tuple[engine.Kind, ...]) -> Tally:
    """Compare so many sites in the world of a seed, `deep` of them by the commands' own columns too."""
    there, rng, tally = world(country, seed), np.random.default_rng(seed + 1_000_000), Tally()
    if len(there.zones) < 3:
        return tally
    sites = real_sites.make(rng, there.zones, there.healed, count)
    true = truth(sites, there.zones)
    tally.strewn, tally.met, tally.shared = len(sites) * len(there.zones), int(true.meets.sum()), int((true.area > 0.0).sum())
    tally.of_invalid = int(there.healed[true.zone].sum())
    told = list[str]()
    for kind in kinds:
        index = engine.open_index(engine.build(there.zones, kind))
        got = engine.overlaps(index, sites)
        told += [f"{kind} {one}" for one in overlaps(sites, there.zones, true, got, tally)]
        told += [f"{kind} {one}" for one in girths(true, got, rng, tally)]
        tally.pairs = len(true.site)
        near = engine.near(index, sites, REACH_M, RANGE_M, got)
        told += [f"{kind} {one}" for one in gaps(sites, there.zones, true, near, tally)]
    if not there.offset and deep:
        small = np.flatnonzero(shapely.get_num_coordinates(sites) < DEEP_VERTICES)
        some = np.sort(rng.choice(small, min(deep, len(small)), replace=False))
        told += columns(sites, true, layer_of(there.zones), some, tally)
    tally.different += [f"seed {seed} {there.name}: {one}" for one in told]
    tally.undecided = [f"seed {seed} {there.name}: {one}" for one in tally.undecided]
    return tally


def ellipsoid(country: Country, seed: int, count: int, kinds: tuple[engine.Kind, ...]) -> real_ellipsoid.Found:
    """Compare the nearest waters on the ellipsoid of so many sites within 80 km of the middle of the county.

    There are ten real ones: to these come others, brought here from where they are.
    """
    rng, found = np.random.default_rng(seed + 2_000_000), real_ellipsoid.Found()
    here = (np.abs(country.centre - crs.PLANE_CENTRE) < (0.9, 0.65)).all(axis=1) & ~country.county
    made = [*plane(country.shapes[here], None)]
    for row in rng.choice(np.flatnonzero(~country.county), 40, replace=False):
        (one,) = plane(country.shapes[[row]], country.centre[row])
        made.append(real_sites.valid(real_sites.affinity.translate(one, *rng.uniform(-55e3, 55e3, 2))))
    waters = real_sites.column(made)
    drawn = real_sites.make(rng, waters, np.zeros(len(waters), dtype=bool), count)
    middle, turn = shapely.get_coordinates(shapely.centroid(drawn)), rng.uniform(0.0, 2.0 * np.pi, len(drawn))
    far = rng.uniform(0.0, 9e3, len(drawn))
    step = np.c_[far * np.cos(turn), far * np.sin(turn)]
    keep = (np.hypot(*(middle + step).T) < 75e3) & (shapely.length(drawn) < 20e3)
    moved = [real_sites.affinity.translate(shape, *way) for shape, way in zip(drawn[keep], step[keep], strict=True)]
    sites = real_sites.column(moved)
    zones = np.concatenate([waters, real_ellipsoid.rivals(rng, sites, waters, len(sites) // 2)])
    for kind in kinds:
        real_ellipsoid.compare(zones[shapely.is_valid(zones)], sites, kind, found)
    found.different = [f"seed {seed} {one}" for one in found.different]
    return found


def engines() -> tuple[engine.Kind, ...]:
    """Return the engines there are."""
    return ("fast", "plain") if engine.choose() == "fast" else ("plain",)


# The engines that know the ellipsoid.
BENT = engines()


def main(pairs: int, seed: int, every: bool) -> int:
    """Compare at least so many pairs; return how many differences there were."""
    country, total, bent = load(), Tally(), real_ellipsoid.Found()
    start, first = time.monotonic(), seed
    print(f"polygons {len(country.shapes)}, invalid {len(country.invalid)}, healings told {len(country.told)}")
    while total.pairs < pairs:
        one = compare(country, seed, 400, 60, engines())
        total.add(one)
        if BENT and seed % 3 == 0:
            found = ellipsoid(country, seed, 100, BENT)
            bent.add(found)
            one.different += found.different
        for line in one.different + one.undecided * every:
            print(line, flush=True)
        seed += 1
    wrong = len(total.different) + len(bent.different)
    print(
        f"engines {' '.join(engines())}, seeds {first} to {seed - 1}: {total.pairs} pairs near each other (of {total.strewn}), "
        f"{total.met} that meet, {total.shared} with area in common, {total.of_invalid} with a healed zone\n"
        f"worst: area {total.area:.1e} of the site, distance {total.gap_m:.1e} m, union {total.union:.1e} of the site "
        f"({total.unions} sites screened, {total.checks} checked); girth at least {total.girth:.9f} of the outline\n"
        f"on the ellipsoid ({' '.join(BENT)}): {bent.pairs} pairs, {bent.sites} nearest, of {bent.turned} another than in the "
        f"plane; worst {bent.worst_m:.1e} m\n"
        f"differences {wrong}, undecided within rounding {len(total.undecided)}, {time.monotonic() - start:.0f} s"
    )
    return wrong


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--every"]
    asked = [int(word) for word in words] + [100_000, 0][len(words) :]
    sys.exit(min(main(asked[0], asked[1], "--every" in sys.argv), 1))
