"""Judging against measuring: sites over the demonstration county until there are 10,000 findings.

Run: python benchmarks/judging.py [FINDINGS]   (exit code 1 when judging takes more than a tenth of measuring)
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import shapely

from linxi_gis import catalog, rulebook
from linxi_gis.assess import judged
from linxi_gis.footprint import make_site
from linxi_gis.library import Library
from linxi_gis.measuring import Measured, measure
from linxi_gis.model import Reference, Site
from linxi_gis.project import Project
from linxi_layers import demo_catalog, demo_outline, rules_dir

DAY = date(2026, 11, 23)
SEED = 5
LOT = 100  # sites measured at a time
MOST_SHARE = 0.1


def lots(outline: shapely.Geometry) -> Iterator[list[Site]]:
    """Draw one lot of sites after another: squares of 100 m to 2 km, every fourth a line five times as long."""
    chance = np.random.default_rng(SEED)
    west, south, east, north = outline.bounds
    found: list[Site] = []
    for number in itertools.count():
        x, y = chance.uniform(west, east), chance.uniform(south, north)
        size = 10 ** chance.uniform(-3.0, -1.7)  # degrees
        turn = chance.uniform(0.0, np.pi)
        if not shapely.contains_xy(outline, x, y):
            continue
        drawn = shapely.box(x - size / 2, y - size / 2, x + size / 2, y + size / 2)
        if len(found) % 4 == 0:
            step = 5.0 * size
            drawn = shapely.LineString([(x, y), (x + step * np.cos(turn), y + step * np.sin(turn))])
        found.append(make_site(drawn, Reference("EPSG:4490", "评测"), site_id=f"s{number}"))
        if len(found) == LOT:
            yield found
            found = []


def main(wanted: int) -> int:
    """Measure and judge until there are so many findings; print both CPU times and their ratio."""
    outline = shapely.union_all(shapely.get_parts(shapely.from_geojson(demo_outline().read_text("utf-8"))))
    library = Library(catalog.read(demo_catalog()), outline)
    rules = rulebook.load(rules_dir())
    library.layers(DAY)
    measured: list[Measured] = []
    findings, measuring = 0, 0.0
    for drawn in lots(outline):
        start = time.process_time()
        batch = measure(drawn, library, DAY)
        measuring += time.process_time() - start
        measured += batch.sites
        findings += sum(len(one.findings) for one in judged(batch, rules, Project()))
        if findings >= wanted:
            break
    start = time.process_time()
    answers = judged(replace(batch, sites=tuple(measured)), rules, Project())
    judging = time.process_time() - start
    share = judging / measuring
    asked = sum(len(one.overall.questions) for one in answers) / len(answers)
    print(f"{len(answers)} 个地块，{findings} 条结论，平均 {asked:.0f} 个决定性问题")
    print(f"CPU：量算 {measuring:.2f} s，研判 {judging:.2f} s，为量算的 {share:.1%}")
    return int(share > MOST_SHARE)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
