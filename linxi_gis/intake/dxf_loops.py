"""What the lines and labels of a drawing mean together: closed loops, runs, outlines in outlines, names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely

from linxi_gis.crs import FloatArray
from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Drawn

# How many pairs of boxes are looked at: a drawing can be made so that all of them overlap.
_MAX_PAIRS = 200_000
_MAX_TOLD = 20

Node = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Loops:
    """Rings, and runs of several lines, each with the numbers of the lines it was made of; the rest."""

    rings: tuple[tuple[FloatArray, tuple[int, ...]], ...]
    runs: tuple[tuple[FloatArray, tuple[int, ...]], ...]
    single: tuple[int, ...]


def close_loops(lines: Sequence[FloatArray], joinable: Sequence[bool], snap: float) -> Loops:
    """Return the loops that lines close where their ends meet within `snap`, and the runs they form.

    Every smallest face between the lines is a ring; `joinable` lines that close none are strung
    together where exactly two of them meet.

    >>> square = [np.array(p, float) for p in ([[0, 0], [1, 0]], [[1, 0], [1, 1]], [[1, 1], [0, 0]])]
    >>> [made for _, made in close_loops(square, [True] * 3, 1e-3).rings]
    [(0, 1, 2)]
    """
    snapped = _snapped(lines, snap)
    faces = shapely.get_parts(shapely.polygonize([shapely.LineString(line) for line in _distinct(snapped)]))
    owners: dict[bytes, int] = {}
    for number, line in enumerate(snapped):
        for a, b in pairwise(line):
            owners.setdefault(_segment(a, b), number)
    rings: list[tuple[FloatArray, tuple[int, ...]]] = []
    used: set[int] = set()
    for face in faces:
        ring = shapely.get_coordinates(face.exterior)
        made = {owners[key] for a, b in pairwise(ring) if (key := _segment(a, b)) in owners}
        rings.append((ring, tuple(sorted(made))))
        used |= made
    left = [n for n in range(len(snapped)) if n not in used]
    runs = list(_runs(snapped, [n for n in left if joinable[n]], snap))
    closed = [run for run in runs if _is_ring(run[0])]
    several = [run for run in runs if len(run[1]) > 1 and not _is_ring(run[0])]
    taken = {n for _, made in (*closed, *several) for n in made}
    return Loops((*rings, *closed), tuple(several), tuple(n for n in left if n not in taken))


def _is_ring(points: FloatArray) -> bool:
    return len(set(map(tuple, points.tolist()))) > 2 and np.array_equal(points[0], points[-1])


def _segment(a: FloatArray, b: FloatArray) -> bytes:
    one, other = a.tobytes(), b.tobytes()
    return one + other if one < other else other + one


def _node(point: FloatArray, snap: float) -> Node:
    return round(float(point[0]) / snap), round(float(point[1]) / snap)


def _snapped(lines: Sequence[FloatArray], snap: float) -> list[FloatArray]:
    """The lines with ends that lie within one cell of `snap` put on the same point."""
    places: dict[Node, FloatArray] = {}
    found: list[FloatArray] = []
    for line in lines:
        moved = line + 0.0  # no negative zero: it has other bytes
        for end in (0, -1):
            moved[end] = places.setdefault(_node(moved[end], snap), moved[end].copy())
        found.append(moved)
    return found


def _distinct(lines: Sequence[FloatArray]) -> list[FloatArray]:
    """Lines drawn twice once; those without length not at all."""
    kept: dict[bytes, FloatArray] = {}
    for line in lines:
        if len(set(map(tuple, line.tolist()))) > 1:
            kept.setdefault(min(line.tobytes(), line[::-1].tobytes()), line)
    return list(kept.values())


def _runs(
    lines: Sequence[FloatArray], numbers: Sequence[int], snap: float
) -> Iterator[tuple[FloatArray, tuple[int, ...]]]:
    meet: defaultdict[Node, list[int]] = defaultdict(list)
    for n in numbers:
        for end in (0, -1):
            meet[_node(lines[n][end], snap)].append(n)
    done: set[int] = set()
    ends_first = sorted(numbers, key=lambda n: all(len(meet[_node(lines[n][e], snap)]) == 2 for e in (0, -1)))
    for start in ends_first:
        if start in done:
            continue
        done.add(start)
        first = lines[start]
        if len(meet[_node(first[-1], snap)]) != 2:
            first = first[::-1]
        pieces, made, tip = [first], [start], first[-1]
        while len(here := meet[_node(tip, snap)]) == 2:
            following = next((n for n in here if n not in done), None)
            if following is None:
                break
            done.add(following)
            line = lines[following]
            line = line if _node(line[0], snap) == _node(tip, snap) else line[::-1]
            pieces.append(line[1:])
            made.append(following)
            tip = line[-1]
        yield np.vstack(pieces), tuple(made)


def near_ends(lines: Sequence[FloatArray], reach: float) -> tuple[frozenset[int], int, float]:
    """Return which lines end within `reach` of another's end without meeting it, in how many places, and the largest gap.

    Each end is held against the nearest other place where a line ends; lines no longer than `reach` are left out.

    >>> a, b, c = ([[0, 0], [9, 0]], [[9, 0.5], [9, 9]], [[5, 5], [6, 6]])
    >>> near_ends([np.array(line, float) for line in (a, b, c)], 1.0)
    (frozenset({0, 1}), 1, 0.5)
    """
    numbers = [n for n, line in enumerate(lines) if float(np.hypot(*np.diff(line, axis=0).T).sum()) > reach]
    if not numbers:
        return frozenset(), 0, 0.0
    ends = np.vstack([lines[n][[0, -1]] for n in numbers])
    owners = np.repeat(numbers, 2)
    places, at = np.unique(ends, axis=0, return_inverse=True)
    at = at.ravel()
    points = np.asarray(shapely.points(places), dtype=object)
    (near, far), gaps = shapely.STRtree(points).query_nearest(
        points, max_distance=reach, exclusive=True, return_distance=True, all_matches=False
    )
    first, last = np.full(len(places), len(lines)), np.full(len(places), -1)
    np.minimum.at(first, at, owners)
    np.maximum.at(last, at, owners)
    # Both ends of one line: it is told as an outline that nearly closes.
    own = (first[near] == last[near]) & (first[near] == first[far]) & (last[near] == last[far])
    near, far, gaps = near[~own], far[~own], gaps[~own]
    if not len(gaps):
        return frozenset(), 0, 0.0
    meeting = np.isin(at, np.concatenate([near, far]))
    found = len(np.unique(np.sort(np.column_stack([near, far]), axis=1), axis=0))
    return frozenset(owners[meeting].tolist()), found, float(gaps.max())


def name_by_labels(
    areas: Sequence[Drawn], labels: Sequence[tuple[str, float, float]]
) -> tuple[list[Drawn], int]:
    """Return the areas, those with exactly one label inside named by it, and how many labels were used.

    A label belongs to the smallest area it lies in; `labels` are (text, x, y).
    """
    if not areas or not labels:
        return list(areas), 0
    tree = shapely.STRtree([area.geometry for area in areas])
    sizes = shapely.area([area.geometry for area in areas])
    texts: defaultdict[int, list[str]] = defaultdict(list)
    work = 0
    for text, x, y in labels:
        point = shapely.Point(x, y)
        near = tree.query(point)
        work += len(near)
        if work > _MAX_PAIRS:
            return list(areas), 0
        within = [int(n) for n in near if shapely.intersects(areas[n].geometry, point)]
        if within:
            texts[min(within, key=lambda n: float(sizes[n]))].append(text)
    named = list(areas)
    used = 0
    for n, held in texts.items():
        if len(held) == 1 and not areas[n].name:
            told = Issue(
                "label_as_name", "info", f"图形内只有一处文字“{held[0]}”，已用作名称", "若不是名称，请更正"
            )
            named[n] = replace(areas[n], name=held[0], label=held[0], issues=(*areas[n].issues, told))
            used += 1
    return named, used


def drop_doubles(areas: Sequence[Drawn], snap: float) -> tuple[list[Drawn], tuple[Issue, ...]]:
    """Return the areas without those drawn twice (a hatch over its outline), and the Issue that tells it."""
    kept: dict[bytes, Drawn] = {}
    doubles: list[str] = []
    for area in areas:
        coarse = shapely.transform(area.geometry, lambda xy: np.round(xy / (2.0 * snap)) + 0.0)
        key = shapely.to_wkb(shapely.normalize(shapely.remove_repeated_points(coarse)))
        if kept.setdefault(key, area) is not area:
            doubles.append(area.label)
    if not doubles:
        return list(areas), ()
    text = f"有 {len(doubles)} 个图形与另一个完全重合，只读一次：{_listed(doubles)}"
    return list(kept.values()), (Issue("duplicate_outline", "info", text),)


def nested(areas: Sequence[Drawn]) -> tuple[Issue, ...]:
    """Return the Issue that tells which outlines lie in others; they are sites of their own, not holes."""
    shapes = [area.geometry for area in areas]
    tree = shapely.STRtree(shapes)
    pairs: list[str] = []
    work = 0
    for number, shape in enumerate(shapes):
        near = tree.query(shape)
        work += len(near)
        if work > _MAX_PAIRS:
            text = "图形过多，没有逐一核对闭合线是否互相包含"
            return (Issue("nested_unchecked", "info", text, "请自行核对"),)
        others = [n for n in near if n != number]
        shapely.prepare(shape)
        inside = [n for n in others if shapely.contains(shape, shapes[n])] if shape.is_valid else []
        pairs += [f"“{area_label(areas[n])}”在“{area_label(areas[number])}”之内" for n in inside]
    if not pairs:
        return ()
    more = f"等 {len(pairs)} 处" if len(pairs) > _MAX_TOLD else ""
    text = f"有闭合线互相包含：{'；'.join(pairs[:_MAX_TOLD])}{more}。各按单独的地块读取，没有当作孔洞扣除"
    return (Issue("nested_outlines", "warning", text, "若里面的是孔洞，请用填充或带孔的面提交"),)


def area_label(area: Drawn) -> str:
    """What an area is called in messages."""
    return area.name or area.label


def _listed(names: Sequence[str]) -> str:
    return "、".join(names[:_MAX_TOLD]) + ("等" if len(names) > _MAX_TOLD else "")
