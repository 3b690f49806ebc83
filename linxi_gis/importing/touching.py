"""Which sites lie on the ground that changed between two editions: their earlier answers have to be looked at again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely

from linxi_gis import geodesy
from linxi_gis.crs import Geometry
from linxi_gis.importing.differ import SAME_M, Change, Difference
from linxi_gis.model import Site

Part = Literal["grown", "shrunk", "words"]
PARTS: dict[Part, str] = {"grown": "划入", "shrunk": "划出", "words": "名称或类别改变"}


@dataclass(frozen=True, slots=True, eq=False)
class Touch:
    """A site on one part of one change: ground that was gained, lost, or only named anew.

    `area_m2` is ellipsoidal, `length_m` geodesic, where either of the two is a line; both are 0 where the two only share a
    border, and for a point. `reading` names the datum where it is not the site's first reading.
    """

    change: Change
    part: Part
    area_m2: float
    length_m: float
    reading: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """A site and what it touches, nothing when it touches nothing."""

    site: Site
    touches: tuple[Touch, ...]


def touched(found: Difference, sites: Sequence[Site]) -> tuple[Met, ...]:
    """Return every site with the changes whose ground it shares, in the order of the changes."""
    parts = [(one, part, shape) for one in found.changes for part, shape in _parts(one)]
    tree = shapely.STRtree(np.array([shape for _, _, shape in parts], dtype=object))
    return tuple(Met(site, tuple(_touches(site, parts, tree))) for site in sites)


def _parts(one: Change) -> Iterator[tuple[Part, Geometry]]:
    if not one.grown.is_empty:
        yield "grown", one.grown
    if not one.shrunk.is_empty:
        yield "shrunk", one.shrunk
    if one.what and not one.shape.is_empty:
        yield "words", one.shape


def _touches(site: Site, parts: Sequence[tuple[Change, Part, Geometry]], tree: shapely.STRtree) -> Iterator[Touch]:
    for reading, one in (("", site), *site.others):
        for row in sorted(tree.query(one.ground, predicate="intersects").tolist()):
            change, part, shape = parts[row]
            common = shapely.intersection(one.ground, shape)
            area = 0.0 if common.area <= SAME_M * common.length else float(common.area)
            thread = 1 in (shapely.get_dimensions(one.ground), shapely.get_dimensions(shape))
            length = geodesy.length_m(common) if thread and not area else 0.0
            yield Touch(change, part, area, length if length > SAME_M else 0.0, reading)
