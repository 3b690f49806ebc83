"""From a block as read to sites in the area plane, in columns; a feature that makes none keeps its row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis.batch import outlines
from linxi_gis.batch.raw import Raw
from linxi_gis.batch.table import Coded
from linxi_gis.crs import LONLAT, FloatArray, Geometry
from linxi_gis.engine import Rings
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.footprint import make_site, measure
from linxi_gis.intake.court import Doubt, Ruling, decide
from linxi_gis.intake.figures import Bounds, examine
from linxi_gis.intake.placing import east_first
from linxi_gis.intake.reading import Options
from linxi_gis.intake.settle import of_one_kind
from linxi_gis.model import GeometryArray, Reference

KIND_NAMES = ("point", "line", "polygon")
# Of such figures every feature has the ruling of all of them together: each lies within their bounds.
_PLAIN = ("degrees", "zoned", "bare")


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Sites of a block, shape (m,): `rows` are their places in it, `kinds` the dimensions of `grounds`.

    `outlines` are the rings of `grounds` where they are at hand. `kind_names`, `notes` (codes of what was
    repaired), `errors` (a code) and `error_texts` (a sentence) have one for every row of the block; where there is
    an error there is no site.
    """

    rows: NDArray[np.intp]
    grounds: GeometryArray
    outlines: Rings | None
    kinds: NDArray[np.int8]
    area_m2: FloatArray
    length_m: FloatArray
    kind_names: Coded
    notes: Coded
    errors: Coded
    error_texts: Coded


class _Tray:
    """Where the sites of a block are laid one after another."""

    def __init__(self, count: int) -> None:
        self.grounds: GeometryArray = np.full(count, None, dtype=object)
        self.area, self.length = np.zeros(count), np.zeros(count)
        self.names: dict[int, str] = {}
        self.notes: dict[int, str] = {}
        self.errors: dict[int, tuple[str, str]] = {}
        self.plots: list[tuple[NDArray[np.intp], Rings]] = []

    def placed(self) -> Placed:
        rows = np.flatnonzero(~shapely.is_missing(self.grounds))
        grounds = self.grounds[rows]
        kinds = shapely.get_dimensions(grounds).astype(np.int8)
        count = len(self.grounds)
        codes, texts = ({row: said[k] for row, said in self.errors.items()} for k in range(2))
        return Placed(
            rows, grounds, self._outlines(rows), kinds, self.area[rows], self.length[rows], self._kind_names(rows, kinds),
            Coded.some(count, self.notes), Coded.some(count, codes), Coded.some(count, texts),
        )  # fmt: skip

    def _outlines(self, rows: NDArray[np.intp]) -> Rings | None:
        whole = len(self.plots) == 1 and np.array_equal(self.plots[0][0], rows)
        return self.plots[0][1] if whole else None

    def _kind_names(self, rows: NDArray[np.intp], kinds: NDArray[np.int8]) -> Coded:
        code = np.zeros(len(self.grounds), dtype=np.intp)
        code[rows] = 1 + kinds
        first = 1 + len(KIND_NAMES)
        code[list(self.names)] = np.arange(first, first + len(self.names))
        return Coded(code, ("", *KIND_NAMES, *self.names.values()))


def placed(raw: Raw, options: Options) -> Placed:
    """Return the sites of a block, by the same ways a file takes through intake: court, placing, footprint."""
    tray = _Tray(len(raw.wkb))
    if raw.settled is not None:
        _lay_settled(raw, tray)
        return tray.placed()
    for ruling, rows, shapes in _ruled(raw, options, tray):
        try:
            turned = east_first(shapes, ruling)
        except CrsError as error:  # degrees that cannot be written DD.MMSS
            for row in rows.tolist():
                tray.errors[row] = ("crs", error.what)
            continue
        _lay(turned, rows, ruling, tray)
    return tray.placed()


def _lay_settled(raw: Raw, tray: _Tray) -> None:
    for row, (one, wkb) in enumerate(zip(raw.settled or (), raw.wkb, strict=True)):
        if one.problem:
            tray.errors[row] = ("unreadable", one.problem)
            continue
        tray.grounds[row] = shapely.from_wkb(wkb)
        tray.area[row], tray.length[row] = one.area_m2, one.length_m
        tray.names[row] = one.kind
        if one.notes:
            tray.notes[row] = ";".join(one.notes)


def _ruled(raw: Raw, options: Options, tray: _Tray) -> Iterator[tuple[Ruling, NDArray[np.intp], GeometryArray]]:
    """Yield rulings with the rows they hold for, and the shapes of those rows; the others are errors."""
    shapes = shapely.from_wkb(raw.wkb, on_invalid="ignore")
    bounds = shapely.bounds(shapes)
    lost = shapely.is_missing(shapes)
    for row in np.flatnonzero(lost).tolist():
        broken = raw.wkb[row] is not None
        tray.errors[row] = ("broken_geometry", "图形损坏，读不出来") if broken else ("no_geometry", "没有图形")
    finite = np.isfinite(bounds).all(axis=1)
    for row in np.flatnonzero(~finite & ~lost).tolist():
        empty = bool(shapely.is_empty(shapes[row]))
        tray.errors[row] = ("empty", "图形为空") if empty else ("not_finite", "坐标含 NaN 或无穷大")
    rows = np.flatnonzero(finite)
    if not len(rows):
        return
    rulings = _rulings(bounds[rows], raw, options)
    if isinstance(rulings, Ruling):
        yield rulings, rows, shapes[rows] if len(rows) < len(shapes) else shapes
        return
    by_ruling: dict[int, tuple[Ruling, list[int]]] = {}
    for row, verdict in zip(rows.tolist(), rulings, strict=True):
        if isinstance(verdict, Ruling):
            by_ruling.setdefault(id(verdict), (verdict, []))[1].append(row)
        else:
            tray.errors[row] = ("crs", verdict)
    for ruling, mine in by_ruling.values():
        held = np.array(mine, dtype=np.intp)
        yield ruling, held, shapes[held]


def _rulings(bounds: FloatArray, raw: Raw, options: Options) -> Ruling | list[Ruling | str]:
    """The ruling on each feature, or why there is none; one for all of them where that is the same."""
    west, south, east, north = bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()
    whole: Bounds = (float(west), float(south), float(east), float(north))
    if examine(whole, 0).kind in _PLAIN and options.transform is None:
        verdict = ruling(whole, raw, options)
        if isinstance(verdict, Ruling):
            return verdict
    # Each by itself; rulings that say the same are one, so that their rows stay together.
    known: dict[Ruling, Ruling] = {}
    found: list[Ruling | str] = []
    for w, s, e, n in bounds.tolist():
        single = ruling((w, s, e, n), raw, options)
        found.append(known.setdefault(single, single) if isinstance(single, Ruling) else single)
    return found


def ruling(bounds: Bounds, raw: Raw, options: Options) -> Ruling | str:
    """Return the court's ruling on a feature, or why there is none; one that is not declared is none."""
    try:
        verdict = decide(bounds, raw.claim, options.crs, 0, options.transform)
    except CrsError as error:
        return error.what
    if isinstance(verdict, Doubt):
        return verdict.why
    return verdict if verdict.declared else unstated(verdict.source, verdict.how)


def unstated(system: str, how: str) -> str:
    """Say what the figures suggest of a system that is not stated: a batch does not read them so.

    >>> unstated("EPSG:4527", "横坐标前两位 39 为带号")
    '坐标系没有写明或没有写全；横坐标前两位 39 为带号，像是 EPSG:4527'
    >>> unstated("EPSG:4490", "未注明基准，按 CGCS2000 经纬度")
    '坐标系没有写明或没有写全；数值像经纬度，是 CGCS2000、WGS84 还是 GCJ-02 不清楚'
    """
    guess = "数值像经纬度，是 CGCS2000、WGS84 还是 GCJ-02 不清楚" if system == LONLAT else f"{how}，像是 {system}"
    return f"坐标系没有写明或没有写全；{guess}"


def _lay(drawn: GeometryArray, rows: NDArray[np.intp], ruling: Ruling, tray: _Tray) -> None:
    """Lay plain polygons all at once, then what else can be measured as drawn; what is left is taken alone."""
    try:
        plots = outlines.measured(drawn, ruling.system)
    except CrsError:  # one that no transformation reaches
        left = np.arange(len(rows))
    else:
        plain = rows[plots.rows]
        tray.grounds[plain], tray.area[plain] = plots.ground, plots.area_m2
        tray.plots.append((plain, plots.outlines))
        _note(plain, ruling, tray)
        if len(plain) == len(rows):
            return
        left = np.setdiff1d(np.arange(len(rows)), plots.rows)
    _lay_others(drawn[left], rows[left], ruling, tray)


def _note(rows: NDArray[np.intp], ruling: Ruling, tray: _Tray) -> None:
    told = _codes(ruling.issues)
    if told:
        tray.notes.update(dict.fromkeys(rows.tolist(), told))


def _lay_others(drawn: GeometryArray, rows: NDArray[np.intp], ruling: Ruling, tray: _Tray) -> None:
    """Lay what needs no repair in one go; what does, and what is no site, is taken alone."""
    try:
        measured = measure(drawn, ruling.system)
    except CrsError as error:
        # One that no transformation reaches spoils the batch: halve it until that one stands alone.
        middle = len(rows) // 2
        if middle:
            _lay_others(drawn[:middle], rows[:middle], ruling, tray)
            _lay_others(drawn[middle:], rows[middle:], ruling, tray)
        else:
            tray.errors[int(rows[0])] = ("crs", error.what)
        return
    plain = rows[measured.rows]
    tray.grounds[plain] = measured.ground
    tray.area[plain], tray.length[plain] = measured.area_m2, measured.length_m
    _note(plain, ruling, tray)
    alone = np.setdiff1d(np.arange(len(rows)), measured.rows)
    for place in alone.tolist():
        _lay_alone(drawn[place], int(rows[place]), ruling, tray)


def _lay_alone(drawn: Geometry, row: int, ruling: Ruling, tray: _Tray) -> None:
    try:
        site = make_site(of_one_kind(drawn), Reference(ruling.source, ruling.how), site_id=str(row), system=ruling.system)
    except InputError as error:
        tray.errors[row] = ("unusable", error.what)
        return
    tray.grounds[row] = site.ground
    tray.area[row], tray.length[row] = site.area_m2, site.length_m
    told = _codes((*ruling.issues, *site.issues))
    if told:
        tray.notes[row] = told


def _codes(issues: Iterable[Issue]) -> str:
    return ";".join(dict.fromkeys(issue.code for issue in issues))
