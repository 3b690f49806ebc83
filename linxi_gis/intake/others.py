"""The other place a site may lie: degrees of a datum nobody named may be GCJ-02."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.datum import to_cgcs2000
from linxi_gis.errors import InputError
from linxi_gis.footprint import Sketch, make_sites
from linxi_gis.intake.court import ASSUMED_DEGREES, Ruling
from linxi_gis.intake.figures import in_china
from linxi_gis.model import Reference, Site

GCJ = "GCJ-02"
_CHUNK = 20_000


def with_others(sites: Sequence[Site | InputError], rulings: Sequence[Ruling]) -> list[Site | InputError]:
    """Return sites, each of an assumed datum with what it would be if its degrees were GCJ-02.

    BD-09 is not tried: the question costs a second judgement, and the Issue names it. Sites outside
    China have no other reading, for GCJ-02 shifts nothing there.
    """
    found = list(sites)
    rows = [
        row
        for row, (site, ruling) in enumerate(zip(sites, rulings, strict=True))
        if isinstance(site, Site) and ASSUMED_DEGREES in ruling.issues and in_china(site.geometry.bounds, 0)
    ]
    for start in range(0, len(rows), _CHUNK):
        _fill(found, rows[start : start + _CHUNK])
    return found


def _fill(found: list[Site | InputError], rows: Sequence[int]) -> None:
    held = [site for row in rows if isinstance(site := found[row], Site)]
    drawn = shapely.transform(np.array([site.geometry for site in held], dtype=object), lambda xy: to_cgcs2000(xy, GCJ))
    sketches = [
        Sketch(geometry, Reference(GCJ, "另一种读法", site.reference.axes, False), site.id, site.name, site.source, crs.LONLAT)
        for site, geometry in zip(held, drawn, strict=True)
    ]
    for row, site, other in zip(rows, held, make_sites(sketches), strict=True):
        if isinstance(other, Site):
            other = replace(other, accuracy_m=site.accuracy_m, declared_area_m2=site.declared_area_m2)
            found[row] = replace(site, others=((GCJ, other),))
