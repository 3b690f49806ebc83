"""What is told of a site and a zone beyond their measures: flip distances, and where a line goes in and out."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import shapely

from linxi_gis import flip, intervals
from linxi_gis.crs import Geometry, plane_of_lonlat
from linxi_gis.finding import Hit, Passage, Relation
from linxi_gis.model import BANK_STATIONS, GeometryColumn, Site


def chain_of(site: Site) -> intervals.Chain | None:
    """Return the chain of a line site, None for any other."""
    return intervals.chain(site.ground) if site.kind == "line" else None


def passages(line: intervals.Chain | None, zones: GeometryColumn, row: int, hit: Hit) -> tuple[Passage, ...]:
    """Return the stretches of a line in a zone, with where it goes in and out; none for a miss.

    In an area they are the hit's own; of a line zone, which meets it in points as well, the zone is asked.
    """
    if line is None or not hit.relation.hit:
        return ()
    found = hit.intervals_m if flip.dimension(zones, row) == 2 else intervals.crossings(line, zones[row])
    ends = intervals.places(line, [metres for span in found for metres in span])
    return tuple(
        Passage(start, end, entry, leave)
        for (start, end), entry, leave in zip(found, ends[::2], ends[1::2], strict=True)
    )


Bank = Literal["left", "right", "both", ""]
Banks = tuple[Geometry, Geometry]
# Our choice: of a miss, two banks as near as this are both told.
_AS_NEAR_M = 0.01


def banks_of(site: Site) -> Banks | None:
    """Return the left and the right bank (in the area plane) of a site read from a table of two banks, else None.

    Its ring is the left bank forward and the right one backward (intake/chainage.py). A ring that was repaired
    or cut has other vertices: then nothing is told.
    """
    count = dict(site.attributes).get(BANK_STATIONS, "")
    if site.kind != "polygon" or not count.isdecimal() or site.parts != 1:
        return None
    ring = shapely.get_coordinates(plane_of_lonlat(site.geometry))
    stations = int(count)
    if stations < 2 or len(ring) != 2 * stations + 1:
        return None
    return shapely.LineString(ring[:stations]), shapely.LineString(ring[stations:-1])


def bank(banks: Banks | None, zone: Geometry, relation: Relation) -> Bank:
    """Return which bank a zone meets, or of a miss which is nearer; "" without banks, or between them."""
    if banks is None:
        return ""
    left, right = (float(shapely.distance(line, zone)) for line in banks)
    reach = 0.0 if relation.hit else min(left, right) + _AS_NEAR_M
    names: dict[tuple[bool, bool], Bank] = {(True, True): "both", (True, False): "left", (False, True): "right"}
    return names.get((left <= reach, right <= reach), "")


Known = tuple[intervals.Chain | None, Banks | None]


def added(hit: Hit, site: Site, known: Known, zones: GeometryColumn, row: int) -> Hit:
    """Return a hit with its flip distances, passages and bank; `known` are the site's chain and banks.

    The zone itself is opened only where it is needed: opening a large one takes milliseconds.
    """
    line, banks = known
    if not hit.relation.hit and banks is None:
        return replace(hit, flip_m=hit.distance_m)
    found = flip.of_pair(site.ground, zones, row, hit.relation, hit.distance_m, hit.margin_m)
    side = "" if banks is None else bank(banks, zones[row], hit.relation)
    passed = passages(line, zones, row, hit)
    return replace(hit, flip_m=found.flip_m, leave_m=found.leave_m, passages=passed, bank=side)
