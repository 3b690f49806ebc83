"""Point rows of 界址点 TXT: plain ones by columns for many plots at once, odd ones row by row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.numbering import left_out

Rows = Sequence[tuple[int, str]]
_SPLIT = re.compile(r"[,;、\t|]")
_NUMBER = re.compile(r"(\d{1,9})\D*$")
_INTEGER = re.compile(r"\d{1,3}")
# Fifteen digits and a point: their integer is exact in a double, and one division rounds right.
_WIDEST = 16
_DECIMALS = 12
_MIN_RING = 3
_TENS = 10.0 ** np.arange(_WIDEST + 1)
_POINT = (ord(".") - 48) % 256


@dataclass(slots=True, eq=False)  # not frozen, for speed: one is built for every plot
class Points:
    """The points of one plot by ring, each ring of shape (n, 2) as written, and the finest step.

    `whole` is the polygon when there is one ring and nothing to decide; `closed` whether it was written
    closed. `restarted` counts rings that only their numbering told apart; `missing` are the point numbers left out.
    """

    rings: Sequence[FloatArray]
    step: float
    count: int
    whole: Geometry | None = None
    closed: bool = True
    restarted: int = 0
    missing: tuple[int, ...] = ()


def read_plain(bodies: Sequence[str]) -> list[Points | None]:
    """Return the points of each body, None for those that must be read row by row.

    Plain means rows of 点号,圈号,X,Y with ASCII figures, one ring a plot. Bodies are read together;
    an odd one is found by halving, so a few cost little.
    """
    if not bodies:
        return []
    found = _columns(bodies)
    if found is not None or len(bodies) == 1:
        return found or [None]
    middle = len(bodies) // 2
    return [*read_plain(bodies[:middle]), *read_plain(bodies[middle:])]


def _columns(bodies: Sequence[str]) -> list[Points | None] | None:
    """The plots of bodies of plain rows; None when any row of any of them is not plain."""
    text = "\n".join(bodies) + "\n"
    if not text.isascii():
        return None
    buffer = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    ends = np.flatnonzero((buffer == 44) | (buffer == 10))
    if len(ends) % 4 or (buffer[ends].reshape(-1, 4) != (44, 44, 44, 10)).any():
        return None
    end = ends.reshape(-1, 4)
    start = np.concatenate(([0], ends[:-1] + 1)).reshape(-1, 4)
    figures = _figures(buffer, start[:, 2:].ravel(), end[:, 2:].ravel())
    rings = _figures(buffer, start[:, 1], end[:, 1])
    if figures is None or rings is None or rings[1].any() or (end[:, 2:] == start[:, 2:]).any():
        return None
    counts = np.array([body.count("\n") + 1 for body in bodies], dtype=np.int64)
    numbers = _numbers(buffer, start[:, 0], end[:, 0])
    xy = figures[0].reshape(-1, 2)
    return _plots(xy, figures[1].reshape(-1, 2), rings[0], numbers, counts)


def _figures(
    buffer: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> tuple[FloatArray, NDArray[np.int64]] | None:
    """Values and decimals of cells of digits with at most one point; None when any cell is more."""
    widths = ends - starts
    narrowest, widest = (int(widths.min()), int(widths.max())) if len(widths) else (0, 0)
    if widest > _WIDEST:
        return None
    mantissa = np.zeros(len(starts), dtype=np.int64)
    decimals = np.zeros(len(starts), dtype=np.int64)
    pointed = np.zeros(len(starts), dtype=bool)
    for column in range(widest):
        value = buffer.take(starts + column, mode="clip") - np.uint8(48)  # below "0" it wraps to above 9
        digit, point = value < 10, value == _POINT
        other = ~(digit | point)
        if column >= narrowest:
            held = column < widths
            digit, point, other = digit & held, point & held, other & held
        if other.any() or (point & pointed).any():
            return None
        mantissa = np.where(digit, mantissa * 10 + value, mantissa)
        decimals += digit & pointed
        pointed |= point
    if (pointed & (widths == 1)).any():  # a point alone is no figure
        return None
    return mantissa / _TENS[decimals], decimals


def _numbers(
    buffer: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.int64]:
    """The last (at most six) digits of each point's name as a number; letters count for nothing."""
    number = np.zeros(len(starts), dtype=np.int64)
    for back in range(6, 0, -1):
        place = ends - back
        character = buffer[np.maximum(place, 0)].astype(np.int64)
        digit = (place >= starts) & (character >= 48) & (character <= 57)
        number = np.where(digit, number * 10 + character - 48, number)
    return number


def _plots(
    xy: FloatArray,
    decimals: NDArray[np.int64],
    rings: FloatArray,
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> list[Points | None]:
    last = np.cumsum(counts)
    first = last - counts
    owner = np.repeat(np.arange(len(counts)), counts)
    inner = np.ones(len(xy), dtype=bool)
    inner[first] = False
    at_start = (xy == xy[first][owner]).all(axis=1)
    # What needs a decision: another ring number, the start met before the end, numbers that fall back.
    back = np.concatenate(([False], numbers[1:] <= numbers[:-1])) & inner & ~at_start
    odd = inner & (np.concatenate(([False], rings[1:] != rings[:-1])) | back)
    ending = np.zeros(len(xy), dtype=bool)
    ending[last - 1] = True
    ok = np.bincount(owner, odd | (at_start & inner & ~ending), len(counts)) == 0
    ok &= (counts >= _MIN_RING) & _triangles(xy, first)
    step = 10.0 ** -np.minimum(np.maximum.reduceat(decimals.max(axis=1), first), _DECIMALS)
    closed = at_start[last - 1]
    shapes = _polygons(xy, owner, ok)
    jumps = np.concatenate(([False], np.diff(numbers) > 1)) & inner
    gaps = np.bincount(owner, jumps, len(counts)) > 0
    return [
        Points((xy[a:b],), s, b - a, shape, shut, missing=left_out(numbers[a:b].tolist()) if gap else ())
        if shape is not None
        else None
        for a, b, s, shape, shut, gap in zip(
            first.tolist(), last.tolist(), step.tolist(), shapes, closed.tolist(), gaps.tolist(), strict=True
        )
    ]


def _triangles(xy: FloatArray, first: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the first three points of each plot differ: then it encloses something, or lies on a line."""
    limit = len(xy) - 1
    one, two, three = xy[first], xy[np.minimum(first + 1, limit)], xy[np.minimum(first + 2, limit)]
    differ: NDArray[np.bool_] = (
        (one != two).any(axis=1) & (two != three).any(axis=1) & (one != three).any(axis=1)
    )
    return differ


def _polygons(xy: FloatArray, owner: NDArray[np.intp], ok: NDArray[np.bool_]) -> list[Geometry | None]:
    shapes = np.full(len(ok), None, dtype=object)
    if ok.any():
        held = ok[owner]
        rank = np.cumsum(ok) - 1
        shapes[ok] = shapely.polygons(shapely.linearrings(xy[held], indices=rank[owner[held]]))
    found: list[Geometry | None] = shapes.tolist()
    return found


def cells_of(line: str) -> list[str]:
    """The cells of a row by comma, semicolon, 、, bar or tab, else by spaces; empty ones at its end dropped.

    >>> cells_of("J1, 1,4.8,39.5,,"), cells_of("J1 1 4.8 39.5")
    (['J1', '1', '4.8', '39.5'], ['J1', '1', '4.8', '39.5'])
    """
    cells = [cell.strip() for cell in _SPLIT.split(line)]
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    if len(cells) < 2 or (len(cells) == 2 and not cells[-1]):
        cells = line.split()
    return cells


def read_rows(rows: Rows, source: str) -> Points:
    """Return the points of a plot row by row; raises InputError naming a bad line."""
    table = [(number, line, cells_of(line)) for number, line in rows]
    numbered = _has_rings([cells for _, _, cells in table])
    width = min(4 if numbered else 3, max(len(cells) for _, _, cells in table))
    rings: dict[str, list[tuple[Coordinate, Coordinate]]] = {}
    names: dict[str, list[str]] = {}
    ring = "1"
    for number, line, cells in table:
        if numbered and len(cells) >= 4:
            ring = cells[1].lstrip("0") or ring
        pair = _pair(cells, numbered)
        # A line shorter than its neighbours lacks a figure: its last two cells are not X and Y.
        whole = len(pair) == 2 and len(cells) >= width
        one, two = (read_coordinate(cell) for cell in pair) if whole else (None, None)
        if one is None or two is None:
            raise InputError(
                f"第 {number} 行的坐标无法读懂：{line[:60]!r}{'' if whole else '，缺少一项'}",
                where=source,
                remedy="界址点行应为“点号,圈号,X,Y”，坐标为数字",
            )
        rings.setdefault(ring, []).append((one, two))
        names.setdefault(ring, []).append(cells[0] if len(cells) > 2 else "")
    pieces = [piece for key in rings for piece in _restarts(_array(rings[key]), names[key])]
    step = min(cell.step for points in rings.values() for pair in points for cell in pair)
    restarted = len(pieces) - len(rings)
    missing = () if restarted else left_out([_serial(name) for held in names.values() for name in held])
    return Points(pieces, step, len(table), restarted=restarted, missing=missing)


def _serial(name: str) -> int | None:
    match = _NUMBER.search(name)
    return int(match[1]) if match else None


def _array(ring: Sequence[tuple[Coordinate, Coordinate]]) -> FloatArray:
    return np.array([(a.value, b.value) for a, b in ring], dtype=np.float64)


def _has_rings(table: Sequence[list[str]]) -> bool:
    """Whether the second cell of rows is a ring number (or blank), not the first coordinate."""
    longer = [cells for cells in table if len(cells) >= 4]
    return bool(longer) and all(_INTEGER.fullmatch(cells[1] or "0") for cells in longer)


def _pair(cells: list[str], numbered: bool) -> list[str]:
    if numbered and len(cells) >= 4:
        return cells[2:4]
    if len(cells) >= 4 and not numbered:
        return cells[1:3]
    return cells[-2:]


def _restarts(ring: FloatArray, names: Sequence[str]) -> list[FloatArray]:
    """Cut one ring number where the points are numbered from the start again, three points or more each.

    Only an open ring is cut: a ring that closes is cut by its closing point (`rings.split_closed`).
    """
    found = [_serial(name) for name in names]
    start, pieces = 0, []
    for n in range(1, len(ring)):
        number, before = found[n], found[n - 1]
        again = number is not None and number == found[start] and before is not None and before > number
        if again and n - start >= _MIN_RING and len(ring) - n >= _MIN_RING:
            shut = bool((ring[start] == ring[n]).all()) or bool((ring[start] == ring[n - 1]).all())
            if not shut:
                pieces.append(ring[start:n])
                start = n
    return [*pieces, ring[start:]]
