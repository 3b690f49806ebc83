"""Borders that coincide, nearly or not quite: one truth table for both engines and for what the commands measure.

And that nobody waits for the compiler twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import real_sites
import shapely
from engine_real import layer_of
from shapely import affinity

from linxi_gis import engine, overlay, screening
from linxi_gis.benches import benches
from linxi_gis.finding import Relation
from linxi_gis.model import Reference, Site

ROOT = Path(__file__).resolve().parents[1]
box, Polygon = shapely.box, shapely.Polygon
ZONE = box(0, 0, 100, 100)


@dataclass(frozen=True)
class Case:
    """A site beside or in the zone: relation, area in common (m²), distance (m), all by mental arithmetic."""

    site: shapely.Geometry
    relation: Relation
    area_m2: float
    gap_m: float = 0.0


CASES = {
    "a gap of 0.1 mm": Case(box(100.0001, 20, 150, 60), Relation.NEAR, 0.0, 1e-4),
    "an overlap of 0.1 mm": Case(box(99.9999, 20, 150, 60), Relation.TOUCHES, 0.004),
    "an overlap of 2 mm": Case(box(99.998, 20, 150, 60), Relation.OVERLAPS, 0.08),
    "a shared border": Case(box(100, 0, 150, 100), Relation.TOUCHES, 0.0),
    "a part of a border": Case(box(100, 20, 150, 60), Relation.TOUCHES, 0.0),
    "a border with other vertices": Case(
        Polygon([(100, 20), (150, 40), (100, 60), (100, 37.3), (100, 30)]), Relation.TOUCHES, 0.0
    ),
    "a corner on an edge": Case(Polygon([(100, 50), (150, 20), (150, 80)]), Relation.TOUCHES, 0.0),
    "a corner on a corner": Case(box(100, 100, 120, 120), Relation.TOUCHES, 0.0),
    "around a corner": Case(Polygon([(100, 0), (100, 100), (0, 100), (0, 110), (110, 110), (110, 0)]), Relation.TOUCHES, 0.0),
    "inside, two edges shared": Case(box(60, 0, 100, 40), Relation.WITHIN, 1600.0),
    "inside, corners on the edges": Case(Polygon([(50, 0), (100, 50), (50, 100), (0, 50)]), Relation.WITHIN, 5000.0),
    "the zone itself": Case(ZONE, Relation.WITHIN, 10_000.0),
    "the zone itself, 0.1 mm off": Case(box(1e-4, 0, 100.0001, 100), Relation.WITHIN, 9999.99),
    "the zone and more, two edges shared": Case(box(-10, 0, 110, 100), Relation.CONTAINS, 10_000.0),
    "from edge to edge": Case(box(20, 0, 60, 100), Relation.WITHIN, 4000.0),
    "across, a corner on the far edge": Case(Polygon([(100, 50), (-50, 0), (-50, 100)]), Relation.OVERLAPS, 10_000 / 3),
}
PLACES = [(0.0, (0.0, 0.0)), (0.0, (31_234.5, -40_321.25)), (17.0, (31_234.567, -40_321.123)), (133.7, (-9_876.5, 22_222.2))]


def laid(shape: shapely.Geometry, angle: float, away: tuple[float, float]) -> shapely.Geometry:
    return affinity.translate(affinity.rotate(shape, angle, origin=(0, 0)), *away)


def site_of(shape: shapely.Geometry) -> Site:
    return Site("", "", "polygon", shape, shape, Reference("", ""), float(shape.area), 0.0, 0.0)


def kinds() -> tuple[engine.Kind, ...]:
    return ("fast", "plain") if engine.choose() == "fast" else ("plain",)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]:g} degrees")
@pytest.mark.parametrize("name", CASES)
def test_borders(name: str, place: tuple[float, tuple[float, float]]) -> None:
    """Turned, a corner on an edge is off it by a last bit: then it may meet or miss, by no more than that."""
    case, (angle, away) = CASES[name], place
    zones, sites = (real_sites.column([laid(shape, angle, away)]) for shape in (ZONE, case.site))
    exact, slack = angle == 0.0 and away == (0.0, 0.0), 1e-9 if angle == 0.0 else 2e-8
    for kind in kinds():
        got = engine.overlaps(engine.open_index(engine.build(zones, kind)), sites)
        near = engine.near(engine.open_index(engine.build(zones, kind)), sites, 1.0, 10.0)
        assert got.area_m2.sum() == pytest.approx(case.area_m2, abs=slack), kind
        assert len(got.site) == (case.area_m2 > 0.0) or not exact
        assert near.distance_m[0] == pytest.approx(case.gap_m, abs=1e-10 if angle == 0.0 else 1e-9)
        assert (near.distance_m[0] == 0.0) == bool(shapely.intersects(zones[0], sites[0]))
    layer = layer_of(zones)
    told = overlay.measure([site_of(sites[0])], layer)
    assert told.relation == (case.relation,)
    hit = case.relation.hit
    whole = float(shapely.area(sites[0]))
    area = whole if case.relation is Relation.WITHIN else case.area_m2 if hit else 0.0
    assert told.area_m2[0] == pytest.approx(area, abs=slack)
    assert told.union_area_m2[0] == pytest.approx(area, abs=slack)
    assert told.distance_m[0] == pytest.approx(case.gap_m, abs=1e-8)
    (columns,) = screening.measure_block(sites, np.array([2], dtype=np.int8), shapely.area(sites), benches([layer]))
    assert len(columns.hit_site) == hit
    assert columns.area_m2[0] == pytest.approx(area, abs=slack)


LAYERS = {
    "a shared border": ([box(0, 0, 50, 100), box(50, 0, 100, 100)], 3600.0),
    "a gap of 0.1 mm": ([box(0, 0, 50, 100), box(50.0001, 0, 100, 100)], 3600.0 - 60e-4),
    "an overlap of 0.1 mm": ([box(0, 0, 50.0001, 100), box(50, 0, 100, 100)], 3600.0),
    "borders that meet in a T": ([box(0, 0, 50, 100), box(50, 0, 100, 55), box(50, 55, 100, 100)], 3600.0),
    "one zone twice": ([box(0, 0, 50, 100)] * 2, 1800.0),
    "a zone in the hole of another": ([ZONE.difference(box(40, 40, 60, 60)), box(40, 40, 60, 60)], 3600.0),
    "one in another": ([ZONE.difference(box(79, 20, 80, 80)), box(30, 30, 40, 40)], 3540.0),
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]:g} degrees")
@pytest.mark.parametrize("name", LAYERS)
def test_unions_of_zones_that_touch(name: str, place: tuple[float, tuple[float, float]]) -> None:
    """Of a site of 60 by 60 m: nothing twice, nothing lost, the zones each told."""
    shapes, union = LAYERS[name]
    zones = real_sites.column([laid(shape, *place) for shape in shapes])
    sites = real_sites.column([laid(box(20, 20, 80, 80), *place)])
    layer = layer_of(zones)
    told = overlay.measure([site_of(sites[0])], layer)
    assert all(relation.hit for relation in told.relation) and len(told.relation) == len(zones)
    assert told.union_area_m2[0] == pytest.approx(union, rel=1e-9)
    (columns,) = screening.measure_block(sites, np.array([2], dtype=np.int8), shapely.area(sites), benches([layer]))
    assert columns.hit_zone.tolist() == list(range(len(zones)))
    assert columns.area_m2[0] == pytest.approx(union, rel=1e-9)
    parts = [shapely.intersection(sites[0], zone).area for zone in zones]
    for kind in kinds():
        got = engine.overlaps(engine.open_index(engine.build(zones, kind)), sites)
        assert got.area_m2 == pytest.approx(parts, rel=1e-11, abs=1e-9)


# --- nobody waits for the compiler twice -------------------------------------------------------------------

WORK = """
import sys, time
import numpy as np, shapely
from linxi_gis import engine, nearest
from linxi_gis.engine import fast, gaps, grid, kernels

def compiled():
    made = {}
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("linxi_gis.engine"):
            made |= {id(one): one for one in vars(module).values() if hasattr(one, "overloads")}
    return list(made.values())

start = time.monotonic()
engine.warm()
took = time.monotonic() - start
forms = sum(len(one.overloads) for one in compiled())
zones = np.array([shapely.box(0, 0, 9, 9), shapely.LineString([(0, 20), (9, 20)]), shapely.Point(40, 0)], dtype=object)
for name, array in engine.build(zones, "fast").items():
    np.save(f"{sys.argv[1]}/{name}.npy", array)
mapped = {}
for name, array in engine.build(zones, "fast").items():
    mapped[name] = np.load(f"{sys.argv[1]}/{name}.npy", mmap_mode="r") if array.size else array
corner = np.random.default_rng(1).uniform(0, 50, (3000, 2))
for sites in (zones[:1], zones[1:2], shapely.box(*corner.T, *(corner + 3).T)):
    for index in (mapped, engine.build(zones, "fast")):
        got = engine.overlaps(index, sites)
        engine.near(index, sites, 3, 50.0, got)
        engine.both(index, sites, 3.0, 50, bend=nearest.BEND)
more = sum(len(one.overloads) for one in compiled()) - forms
missed = sum(sum(one.stats.cache_misses.values()) for one in compiled())
kept = sum(sum(one.stats.cache_hits.values()) for one in compiled())
print(more, missed, kept, took)
"""


def test_a_warm_kernel_is_compiled_no_more(tmp_path: Path) -> None:
    """Warming compiles every form that work asks for; the next process reads them all from disk, in a few seconds."""
    pytest.importorskip("numba")
    path = os.pathsep.join([str(ROOT), *map(str, sys.path)])
    for nth in range(2):
        done = subprocess.run(
            [sys.executable, "-c", WORK, str(tmp_path)], env={**os.environ, "PYTHONPATH": path, "LINXI_ENGINE": ""},
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        more, missed, kept, took = done.stdout.split()
        assert more == "0", "work asked for a form that warming had not compiled"
        if nth:
            assert missed == "0" and int(kept) > 3
            assert float(took) < 10.0  # compiling takes 20 s and more, reading half a second
