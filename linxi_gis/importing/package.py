"""Read a package of layers with the intake's own readers: geometries in CGCS2000, columns as texts, all repairs told."""

from __future__ import annotations

import gc
import hashlib
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs, repairs
from linxi_gis.catalog import DEFAULT_ACCURACY_M
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.geometry import check_tangle, heal
from linxi_gis.importing.degrees import to_degrees
from linxi_gis.importing.threads import are_valid
from linxi_gis.intake.amounts import check_amounts
from linxi_gis.intake.court import Ruling, decide, finite
from linxi_gis.intake.disk import beside, guarded
from linxi_gis.intake.formats import drafts_at
from linxi_gis.intake.placing import east_first
from linxi_gis.intake.reading import Draft, Drawn, Limits, Options, Rows, shapes_of
from linxi_gis.intake.rulings import rule

# A county's layers are large: eight times what a site may be. A person brings in her own files.
LIMITS = Limits(file_bytes=2 * 1024**3, unpacked_bytes=8 * 1024**3, features=4_000_000, vertices=100_000_000)
_SETS = (
    (".shp", (".shp", ".shx", ".dbf", ".prj", ".cpg")),
    (".tab", (".tab", ".dat", ".map", ".id")),
    (".mif", (".mif", ".mid")),
)
_NO_SHAPE = "feature_unreadable"
_NAMED = 5  # zones named in an error
_SHOWN = 200  # repairs written one by one into the manifest; beyond it they are counted
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was handed in: its name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """One layer of a package, ready to be written.

    `shapes` are in EPSG:4490 longitude latitude, valid, shape (n,); None where the source has no usable shape:
    such a row stays, so that the layer cannot vouch for "no zone here". `wkb` is the same as bytes. `columns` are
    texts, shape (n,) each.
    """

    name: str
    format: str
    shapes: NDArray[np.object_]
    columns: dict[str, list[str]]
    system: str
    how: str
    files: tuple[SourceFile, ...]
    issues: tuple[Issue, ...]
    wkb: NDArray[np.object_]


def read(path: Path, options: Options, step: Step, accuracy_m: float = DEFAULT_ACCURACY_M) -> list[Parcel]:
    """Return every layer of a file, a set of files, a folder or a zip.

    Raises InputError for what cannot be read, and for zones that no repair makes sure to `accuracy_m` (see
    `repairs.doubt_m`); CrsError (AmbiguousCrsError with its readings) for a reference
    system that is not stated or cannot be used.
    """
    if not path.exists():
        raise InputError("文件不存在", where=str(path), remedy="请检查路径")
    step(f"读取 {path.name}")
    before = _stamp(path)
    with _uncollected(), ThreadPoolExecutor(1) as beside_it:
        hashed = beside_it.submit(lambda: guarded(lambda: _files(path), path.name))
        drafts = list(guarded(lambda: drafts_at(path, path.name, options.limits), path.name))
        check_amounts(drafts, path.name, options.limits)
        parcels = [_parcel(draft, options, hashed.result(), step, accuracy_m) for draft in drafts if draft.drawn]
    if not parcels:
        raise InputError("文件里没有任何要素", where=path.name, remedy="请核对是否导出完整")
    if _stamp(path) != before:
        raise InputError("文件正在变动", where=path.name, remedy="请等文件写完后重试")
    return parcels


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for circles among a million pairs of texts, of which it finds none."""
    running = gc.isenabled()
    gc.disable()  # of the whole process; a command does nothing else meanwhile
    try:
        yield
    finally:
        if running:
            gc.enable()


def _members(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    parts = next((parts for head, parts in _SETS if path.suffix.lower() == head), None)
    return [path] if parts is None else sorted(beside(path, parts).values())


def _stamp(path: Path) -> list[tuple[int, int]]:
    return [(stat.st_size, stat.st_mtime_ns) for stat in (file.stat() for file in _members(path))]


def _files(path: Path) -> tuple[SourceFile, ...]:
    found = []
    for file in _members(path):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        name = file.relative_to(path.parent).as_posix()
        found.append(SourceFile(name, digest, file.stat().st_size))
    return tuple(found)


def _parcel(draft: Draft, options: Options, files: tuple[SourceFile, ...], step: Step, accuracy_m: float) -> Parcel:
    lost = next((one for one in draft.issues if one.severity == "error" and one.code != _NO_SHAPE), None)
    if lost is not None:
        raise InputError(lost.text, remedy=lost.remedy or "请重新索取完整的文件")
    step(f"核对 {draft.source}")
    drawn, shapes, rulings, told = _placed(draft, options)
    flat = _turned(shapes, rulings)
    healed = _healed(flat, rulings, drawn, accuracy_m)
    blank = [one for one in draft.issues if one.code == _NO_SHAPE]
    blank += [Issue("zone_empty", "error", one.what) for one in told if isinstance(one, InputError)]
    step(f"换算 {draft.source}")
    degrees = np.concatenate([_degrees(flat, rulings), np.full(len(blank), None, dtype=object)])
    held = _columns(drawn, len(blank))
    columns = dict(zip(field_names(held), held.values(), strict=True))
    issues = [*(one for one in draft.issues if one.code != _NO_SHAPE), *blank, *healed]
    issues += dict.fromkeys(issue for ruling in rulings[1] for issue in ruling.issues)
    if blank:
        text = f"{len(blank)} 个要素没有可用的图形，保留为空行，本图层不能证明“没有”"
        issues.append(Issue("layer_lossy", "warning", text, "请索取完整的图形"))
    first = rulings[1][0]
    name = PurePath(draft.source).name
    wkb = _wkb(degrees, drawn)
    return Parcel(name, draft.format, degrees, columns, first.source, first.how, files, tuple(dict.fromkeys(issues)), wkb)


def _wkb(shapes: NDArray[np.object_], drawn: Sequence[Drawn]) -> NDArray[np.object_]:
    """Return shapes as WKB: that of the source where every one of them is still the source's."""
    held = drawn.wkb if isinstance(drawn, Rows) and len(shapes) == len(drawn) else None
    if held is not None and all(map(operator.is_, shapes, shapes_of(drawn))):
        return held
    return np.asarray(shapely.to_wkb(shapes), dtype=object)


# For each feature the number of its ruling, and the rulings.
_Rulings = tuple[NDArray[np.intp], list[Ruling]]


def _placed(
    draft: Draft, options: Options
) -> tuple[Sequence[Drawn], NDArray[np.object_], _Rulings, list[InputError]]:
    """Return features, their shapes as drawn, their rulings; those that cannot be placed are told.

    Where the file states its system and the figures of the whole layer fit it, one ruling serves all.
    """
    shapes = shapes_of(draft.drawn)
    one = _common(draft, shapes, options)
    if one is not None:
        return draft.drawn, shapes, (np.zeros(len(shapes), dtype=np.intp), [one]), []
    pairs, bad = rule(draft, options)
    if not pairs:
        raise bad[0] if bad else InputError("没有一个要素有图形", where=draft.source)
    kinds: dict[tuple[object, ...], int] = {}
    rulings: list[Ruling] = []
    at = np.zeros(len(pairs), dtype=np.intp)
    for row, (_, ruling) in enumerate(pairs):
        key = (ruling.system, ruling.east, ruling.shift_m, ruling.datum, ruling.packed)
        if key not in kinds:
            kinds[key] = len(rulings)
            rulings.append(ruling)
        at[row] = kinds[key]
    drawn = [feature for feature, _ in pairs]
    return drawn, shapes_of(drawn), (at, rulings), bad


def _common(draft: Draft, shapes: NDArray[np.object_], options: Options) -> Ruling | None:
    """Return the one ruling of a layer that states its system, None where features have to be looked at singly."""
    own = not isinstance(draft.drawn, Rows) and any(one.claim is not None for one in draft.drawn)
    if options.crs or not draft.claim.system or own:
        return None
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    bounds = (west, south, east, north)
    if not finite(bounds) or shapely.is_empty(shapes).any() or not np.isfinite(shapely.get_coordinates(shapes)).all():
        return None
    try:
        found = decide(bounds, draft.claim, None, draft.east, options.transform)
    except CrsError as error:
        raise CrsError(error.what, where=error.where or draft.source, remedy=error.remedy) from error
    return found if isinstance(found, Ruling) else None


def _healed(shapes: NDArray[np.object_], rulings: _Rulings, drawn: Sequence[Drawn], accuracy_m: float) -> list[Issue]:
    """Repair what is not valid, in place and in its own system, so that edges stay straight there.

    Raises InputError where that could move a border by more than the layer's accuracy.
    """
    told: list[Issue] = []
    bad = np.flatnonzero(~are_valid(shapes))
    _require_sure(shapes, bad, rulings, drawn, accuracy_m)
    for row in bad.tolist():
        system = rulings[1][rulings[0][row]].system
        shapes[row], issues = heal(shapes[row], drawn[row].label)
        for issue in issues:
            if len(told) < _SHOWN:
                told.append(Issue(issue.code, issue.severity, issue.text, issue.remedy, _place(issue, system)))
    if len(bad) > _SHOWN:
        told.append(Issue("geometry_healed", "warning", f"共修复 {len(bad)} 个图形，只列前 {_SHOWN} 个", "请逐个核对"))
    return told


def _require_sure(
    shapes: NDArray[np.object_], bad: NDArray[np.intp], rulings: _Rulings, drawn: Sequence[Drawn], accuracy_m: float
) -> None:
    for row in bad.tolist():
        check_tangle(shapes[row], drawn[row].label)
    doubts = {
        row: repairs.doubt_m(crs.plane_of_lonlat(crs.to_lonlat(shapes[row], rulings[1][rulings[0][row]].system)))
        for row in bad.tolist()
    }
    unsure = [row for row, doubt in doubts.items() if doubt > accuracy_m]
    if not unsure:
        return
    widest = max(doubts.values())
    named = "、".join(drawn[row].label for row in unsure[:_NAMED]) + ("等" if len(unsure) > _NAMED else "")
    far = f"最宽 {widest:.2f} m" if np.isfinite(widest) else "说不清多少"
    raise InputError(
        f"{len(unsure)} 个图形自相交，几种修复法相差{far}，超过界线精度 {accuracy_m:g} m，不能替您决定", where=named,
        remedy="请在 GIS 软件里按原件改正拐点后再导入；界线精度用 --accuracy 写明",
    )  # fmt: skip


def _place(issue: Issue, system: str) -> str | None:
    if issue.geometry_wkt is None:
        return None
    place: Any = crs.to_lonlat(shapely.from_wkt(issue.geometry_wkt), system)
    return str(shapely.to_wkt(place, rounding_precision=9))


def _turned(shapes: NDArray[np.object_], rulings: _Rulings) -> NDArray[np.object_]:
    """Return shapes in the systems of their rulings, x east, without heights."""
    made = np.empty(len(shapes), dtype=object)
    for number, ruling in enumerate(rulings[1]):
        rows = np.flatnonzero(rulings[0] == number)
        made[rows] = east_first(shapes[rows], ruling)
    return made


def _degrees(shapes: NDArray[np.object_], rulings: _Rulings) -> NDArray[np.object_]:
    """Return valid shapes in EPSG:4490."""
    made = np.empty(len(shapes), dtype=object)
    for number, ruling in enumerate(rulings[1]):
        rows = np.flatnonzero(rulings[0] == number)
        made[rows] = to_degrees(shapes[rows], ruling.system)
    return made


def _columns(drawn: Sequence[Drawn], blank: int) -> dict[str, list[str]]:
    """Return the attributes as columns of texts, in the order they first come; an absent one is ""."""
    if isinstance(drawn, Rows):
        return {name: [*texts, *[""] * blank] for name, texts in drawn.columns.items()}
    names = drawn[0].attributes
    heads = [name for name, _ in names]
    if all(len(one.attributes) == len(heads) for one in drawn):
        rows = [one.attributes for one in drawn]
        if all([pair[0] for pair in row] == heads for row in rows):
            turned = zip(*rows, strict=True)
            return {head: [*(pair[1] for pair in pairs), *[""] * blank] for head, pairs in zip(heads, turned, strict=True)}
    every = dict.fromkeys(name for one in drawn for name, _ in one.attributes)
    held = [dict(one.attributes) for one in drawn]
    return {name: [*(row.get(name, "") for row in held), *[""] * blank] for name in every}


def field_names(names: Iterable[str]) -> list[str]:
    """Return names a GeoPackage can hold: none empty, none twice whatever their case, none of ours.

    >>> field_names(["BM", "bm", "", "linxi_row"])
    ['BM', 'bm_2', '字段3', 'linxi_row_2']
    """
    taken = {"linxi_row", "linxi_shape"}
    found = []
    for number, name in enumerate(names, 1):
        base = name.strip() or f"字段{number}"
        made, count = base, 1
        while made.casefold() in taken:
            count += 1
            made = f"{base}_{count}"
        taken.add(made.casefold())
        found.append(made)
    return found
