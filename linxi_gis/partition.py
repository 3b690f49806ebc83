"""Cut a site into disjoint pieces by the exact set of zones that cover each; the parts add up."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from linxi_gis import intervals
from linxi_gis.crs import Geometry
from linxi_gis.errors import GeometryError
from linxi_gis.finding import Issue
from linxi_gis.model import GeometryArray, Partition
from linxi_gis.units import largest_remainder

Zone = tuple[str, str]  # layer id, zone id
# Borders are noded on this grid; the wider ones are for linework the finer cannot close.
GRIDS_M = (1e-7, 1e-6, 1e-5)
# The faces must add up to the site within this share, or a face was lost.
CLOSURE = 1e-7
# A face thinner than this is rounding of coordinates, not ground. Such faces, and what the grid
# moved, are counted with the largest piece, so that the sum stays exactly the site's; `Cut` tells how much.
NOISE_M = 2e-6
# Chainages nearer to each other than this are one: adding up rounds to less, on lines of 1,000 km.
ROUNDING_M = 1e-9
# A row thinner than this everywhere is told as a sliver (overlay.RESOLUTION_M).
THIN_M = 1e-3
# One layer with more pieces than this on a site enters as its union, under the zone "*".
MANY_PIECES = 100
# So does one whose pieces lie this many deep on average: their borders would cut the site to dust.
DEEP = 8.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A partition, and what it counted with its largest row: faces of rounding, their number and area (m²).

    `moved_m2` is what the grid the borders were noded on added (or took), m².
    """

    rows: tuple[Partition, ...]
    noise_faces: int
    noise_m2: float
    moved_m2: float


def areas(ground: Geometry, pieces: Sequence[tuple[Zone, Geometry]]) -> tuple[Partition, ...]:
    """Return the partition of an area site; `pieces` are zones clipped to it, in the area plane.

    Rows are sorted by area; their areas add up to the site's (1e-9 relative), their percentages to
    100.00 by the largest remainder.

    >>> left, right = shapely.box(0, 0, 6, 10), shapely.box(4, 0, 10, 10)
    >>> rows = areas(shapely.box(0, 0, 10, 10), [(("a", "1"), left), (("a", "2"), right)])
    >>> [(row.zones, round(row.area_m2, 6), row.share_percent) for row in rows]
    [((('a', '1'),), 40.0, 40.0), ((('a', '2'),), 40.0, 40.0), ((('a', '1'), ('a', '2')), 20.0, 20.0)]
    """
    return cut(ground, pieces).rows


def cut(ground: Geometry, pieces: Sequence[tuple[Zone, Geometry]], area_m2: float | None = None) -> Cut:
    """Return the partition as `areas` does, and what was counted with its largest row.

    `area_m2` is the site's true area, where it is known better than the plane's polygon tells (1e-7 of it): rows
    are in proportion.
    """
    pieces = _thinned(pieces)
    faces = _faces(ground, [piece for _, piece in pieces])
    inside = shapely.point_on_surface(faces)
    covering: list[list[Zone]] = [[] for _ in faces]
    if pieces:
        tree = shapely.STRtree([piece for _, piece in pieces])
        face, piece = tree.query(inside, predicate="intersects")
        for f, p in zip(face, piece, strict=True):
            covering[f].append(pieces[p][0])
    true = 1.0 if area_m2 is None else area_m2 / float(ground.area)
    amounts: dict[tuple[Zone, ...], float] = defaultdict(float)
    thick: dict[tuple[Zone, ...], float] = defaultdict(float)
    noise: list[float] = []
    for zones, area, perimeter in zip(covering, shapely.area(faces), shapely.length(faces), strict=True):
        width = 2.0 * float(area) / float(perimeter) if perimeter > 0.0 else 0.0
        if width < NOISE_M:
            noise.append(float(area) * true)
            continue
        key = tuple(sorted(zones))
        amounts[key] += float(area) * true
        thick[key] = max(thick[key], width)
    left = float(ground.area) * true - math.fsum(amounts.values())
    slivers = {key for key, width in thick.items() if width < THIN_M}
    rows = _rows(amounts, left, slivers, by_area=True)
    return Cut(rows, len(noise), math.fsum(noise), left - math.fsum(noise))


def lines(line: intervals.Chain, met: Sequence[tuple[Zone, tuple[intervals.Interval, ...]]]) -> tuple[Partition, ...]:
    """Return the partition of a line site from the chainage intervals of its zones.

    >>> square = intervals.chain(shapely.LineString([(0, 0), (30, 0)]))
    >>> [(row.zones, row.share_percent) for row in lines(square, [(("a", "1"), ((0.0, square.total_m / 3),))])]
    [((), 66.67), ((('a', '1'),), 33.33)]
    """
    marks = sorted({0.0, line.total_m, *(edge for _, spans in met for span in spans for edge in span)})
    amounts: dict[tuple[Zone, ...], float] = defaultdict(float)
    for start, end in pairwise(marks):
        if end - start < ROUNDING_M and len(marks) > 2:
            continue  # an end of a stretch and that of the line, added up in another order
        middle = (start + end) / 2.0
        zones = (zone for zone, spans in met if any(a <= middle <= b for a, b in spans))
        amounts[tuple(sorted(zones))] += end - start
    slivers = {zones for zones, metres in amounts.items() if metres < THIN_M}
    return _rows(amounts, 0.0, slivers, by_area=False)


def _thinned(pieces: Sequence[tuple[Zone, Geometry]]) -> list[tuple[Zone, Geometry]]:
    """Replace a layer's pieces by their union where there are very many of them."""
    by_layer: dict[str, list[tuple[Zone, Geometry]]] = defaultdict(list)
    for zone, piece in pieces:
        by_layer[zone[0]].append((zone, piece))
    result: list[tuple[Zone, Geometry]] = []
    for layer, mine in by_layer.items():
        shapes = [piece for _, piece in mine]
        union = shapely.union_all(shapes)
        if len(mine) > MANY_PIECES or float(shapely.area(shapes).sum()) > DEEP * float(union.area):
            result.append(((layer, "*"), union))
        else:
            result.extend(mine)
    return result


def _faces(ground: Geometry, pieces: Iterable[Geometry]) -> GeometryArray:
    """Return the faces into which the outlines of pieces cut the ground.

    Floating-point noding can leave nearly coincident borders crossing without a node, and a face is
    lost. Snap-rounding to a grid cannot; the grid is widened until the faces add up to the ground.
    Raises GeometryError when they never do.
    """
    outlines = shapely.boundary(np.array([ground, *pieces], dtype=object))
    for grid_m in GRIDS_M:
        linework = shapely.union_all(outlines, grid_size=grid_m)
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(linework)))
        faces = faces[shapely.intersects(ground, shapely.point_on_surface(faces))]
        if abs(float(shapely.area(faces).sum()) - ground.area) <= CLOSURE * ground.area + grid_m:
            return faces
    raise GeometryError(
        "地块与图层叠加后各部分面积之和与地块面积不符", remedy="请把地块文件和图层目录一并反馈给开发者"
    )


def _rows(
    amounts: dict[tuple[Zone, ...], float], noise: float, slivers: set[tuple[Zone, ...]], *, by_area: bool
) -> tuple[Partition, ...]:
    order = sorted(amounts, key=lambda zones: (-amounts[zones], zones))
    if order:
        amounts[order[0]] += noise
    values = [amounts[zones] for zones in order]
    shares = largest_remainder(values)
    return tuple(
        Partition(zones, value if by_area else 0.0, 0.0 if by_area else value, percent, zones in slivers)
        for zones, value, percent in zip(order, values, shares, strict=True)
    )


def slivers(cut: Cut) -> tuple[Issue, ...]:
    """Tell what is no ground but borders that should be one and are not, and what was counted as rounding."""
    thin = [row for row in cut.rows if row.sliver]
    said = []
    if thin:
        said.append(f"划分中有 {len(thin)} 行处处薄于 1 mm（共 {sum(row.area_m2 for row in thin):.4f} m²），是没有对齐的边界")
    if cut.noise_faces:
        said.append(f"{cut.noise_faces} 个碎面薄于 2 µm（共 {cut.noise_m2:.6f} m²），计入面积最大的一行")
    if not said:
        return ()
    return (Issue("sliver", "info", "；".join(said), "请核对相邻图斑的公共边界；面积以测绘成果为准"),)


def total(rows: Sequence[Partition]) -> float:
    """Return the sum of all rows, area or length."""
    return math.fsum(row.area_m2 + row.length_m for row in rows)
