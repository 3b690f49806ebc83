"""What a worker does: one block of features to one block of the table. The library is opened once a thread."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import catalog as catalogs
from linxi_gis import screening
from linxi_gis.batch import table
from linxi_gis.batch.placing import Placed, placed
from linxi_gis.batch.raw import Raw
from linxi_gis.batch.table import Coded
from linxi_gis.benches import Bench, benches, stand
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import CacheError, LayerError
from linxi_gis.finding import COVERED
from linxi_gis.intake.errors import UNFORESEEN
from linxi_gis.intake.reading import Options
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer
from linxi_gis.prepared import Cache
from linxi_gis.region import Region
from linxi_gis.screening import Columns
from linxi_gis.themes import BACKDROP_THEMES

Prints = tuple[tuple[str, str], ...]
_NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker must know: the catalogue and the day, what is said beside the files, the folder of prepared
    layers, and the fingerprints of the layers, so that nobody measures against others. `outline` is the county's
    as WKB. A worker on another machine keeps its own `cache` under that path, or none where it cannot.
    """

    catalog: str
    outline: bytes | None
    day: date
    options: Options = _NO_OPTIONS
    prints: Prints = ()
    cache: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """The layers in force, opened for one thread, and the county's outline, None when unknown."""

    benches: tuple[Bench, ...]
    columns: tuple[table.Column, ...]
    county: Region | None
    prints: Prints
    demonstration: bool
    library: Library


def desk(job: Job, told: Callable[[str], None] | None = None) -> Desk:
    """Open the library for the thread that calls; `told` takes what there is to say of it. Raises CatalogError."""
    outline = None if job.outline is None else shapely.from_wkb(job.outline)
    # How layers are read (fields, classes, sublayers, systems) stands in the catalogue, not in their files.
    read_as = hashlib.sha256(Path(job.catalog).read_bytes()).hexdigest()
    cache = Cache(Path(job.cache) if job.cache else None, told or _silent)
    library = Library(catalogs.read(Path(job.catalog)), outline, cache)

    def opened() -> tuple[list[Layer | Gap], tuple[Bench, ...], Geometry | None]:
        layers = [one for one in library.layers(job.day) if one.identity.theme not in BACKDROP_THEMES]
        return layers, benches(layers, cache), library.county(job.day)

    layers, ready, county = library.trying(opened)
    names = [(one.identity.id, one.identity.title) for one in layers]
    return Desk(
        ready, table.columns(names), None if county is None else Region(county),
        (*(_fingerprint(one) for one in layers), ("county", _digest(county)), ("catalog", read_as)),
        library.catalog.demonstration or any(one.identity.demonstration for one in layers), library,
    )  # fmt: skip


def _silent(_: str) -> None:
    """Tell nobody."""


def _fingerprint(layer: Layer | Gap) -> tuple[str, str]:
    """What a layer's columns depend on, as one text."""
    own = layer.identity
    if isinstance(layer, Gap):
        return own.id, f"{own} {layer.issue.text}"
    return own.id, f"{own} {layer.sha256} {layer.stale} {_digest(layer.coverage)}"


def _digest(shape: Geometry | None) -> str:
    return "" if shape is None else hashlib.sha256(shapely.to_wkb(shape)).hexdigest()


class _Own(threading.local):
    """The last job a thread worked on, and its desk."""

    job: Job | None = None
    desk: Desk | None = None


_OWN = _Own()


def _own_desk(job: Job) -> Desk:
    if _OWN.desk is None or _OWN.job != job or not stand(_OWN.desk.benches):
        own = desk(job)
        if own.prints != job.prints:
            raise LayerError(
                "各进程读到的图层不一致", where=Path(job.catalog).name,
                remedy="图层文件可能在变动，请稍后加 --resume 重试",
            )  # fmt: skip
        _OWN.job, _OWN.desk = job, own
    return _OWN.desk


def screened(job: Job, raw: Raw) -> bytes:
    """Return the rows of a block, packed. A feature that nothing foresees is a row with an error.

    What turns out damaged of a prepared layer is made anew, as a single check does.
    """
    try:
        return _screened(job, raw)
    except CacheError:
        if _OWN.desk is None:
            raise
        _OWN.desk.library.mend()
        _OWN.desk = None
    return _screened(job, raw)


def _screened(job: Job, raw: Raw) -> bytes:
    own = _own_desk(job)
    try:
        made = rows_of(raw, own, job.options)
    except UNFORESEEN as error:
        if len(raw.wkb) > 1:
            single = [table.unpacked(_screened(job, raw.row(place))) for place in range(len(raw.wkb))]
            made = table.stacked(own.columns, single)
        else:
            made = lost(raw, own.columns, f"程序内部错误（{type(error).__name__}：{str(error)[:120]}），请反馈")
    return table.packed(made)


def lost(raw: Raw, columns: Sequence[table.Column], why: str) -> table.Block:
    """Return the rows of a block that could not be measured: an error each, no layer checked."""
    count = len(raw.wkb)
    layers = ";".join(dict.fromkeys(c.layer for c in columns if c.layer))
    own: dict[str, table.Values] = {
        **_names(raw),
        "error": Coded.same("not_measured", count),
        "error_text": Coded.same(why, count),
        "unchecked": Coded.same(layers, count),
    }
    values: list[table.Values] = []
    for column in columns:
        if column.layer and column.key == "status":
            values.append(Coded.same("not_checked", count))
        else:
            missing = Coded.same("", count) if column.kind == "text" else np.full(count, np.nan)
            values.append(own.get(column.key, missing) if not column.layer else missing)
    return table.block(columns, values)


def _names(raw: Raw) -> dict[str, table.Values]:
    count = len(raw.wkb)
    return {
        "file": Coded.same(raw.file, count),
        "row": np.arange(raw.first, raw.first + count, dtype=np.float64),
        "id": Coded.of(raw.ids),
        "name": Coded.same("", count) if not any(raw.names) else Coded.of(raw.names),
    }


def rows_of(raw: Raw, own: Desk, options: Options) -> table.Block:
    """Return the rows of a block: read, placed, measured against every layer."""
    sites = placed(raw, options)
    measured = screening.measure_block(sites.grounds, sites.kinds, sites.area_m2, own.benches, sites.outlines)
    spread = _Spread(sites.rows, len(raw.wkb))
    values = _site_values(raw, sites, own, measured, spread)
    for one, columns in zip(own.benches, measured, strict=True):
        values.extend(_layer_values(one, columns, spread))
    return table.block(own.columns, values)


@dataclass(frozen=True, slots=True, eq=False)
class _Spread:
    """Values of sites as values of the rows of their block."""

    rows: NDArray[np.intp]
    count: int

    def numbers(self, values: FloatArray) -> FloatArray:
        spread = np.full(self.count, np.nan)
        spread[self.rows] = values
        return spread

    def texts(self, code: NDArray[Any], words: Sequence[str], nothing: str = "") -> Coded:
        """Texts of sites by their places among words, `nothing` for the rows without a site."""
        spread = np.full(self.count, len(words), dtype=np.intp)
        spread[self.rows] = code
        return Coded(spread, (*words, nothing))


def _site_values(
    raw: Raw, sites: Placed, own: Desk, measured: Sequence[Columns], spread: _Spread
) -> list[table.Values]:
    names = _names(raw)
    ids = [one.identity.id for one in own.benches]
    area = np.where(sites.kinds == 2, sites.area_m2, np.nan)
    length = np.where((sites.kinds == 1) | (sites.length_m > 0.0), sites.length_m, np.nan)
    return [
        names["file"], names["row"], names["id"], names["name"], sites.kind_names,
        spread.numbers(area), spread.numbers(length), _county(sites, own.county, spread),
        spread.texts(*_listed([_hit(one) for one in measured], ids)),
        spread.texts(*_listed([_unchecked(one) for one in measured], ids), ";".join(ids)),
        sites.notes, sites.errors, sites.error_texts,
    ]  # fmt: skip


def _hit(one: Columns) -> NDArray[np.bool_]:
    """Which sites hit a layer, also one that is not in force any more."""
    hit: NDArray[np.bool_] = one.status == screening.STATUSES.index("hit")
    hit[one.hit_site] = True
    return hit


def _unchecked(one: Columns) -> NDArray[np.bool_]:
    """As `LayerResult.unchecked`: also a layer that hits was not seen where it does not cover the site."""
    codes = [screening.STATUSES.index(name) for name in ("not_checked", "stale", "not_covering")]
    return np.isin(one.status, codes) | ~(one.covered_share >= COVERED)


def _listed(flags: Sequence[NDArray[np.bool_]], ids: Sequence[str]) -> tuple[NDArray[np.intp], list[str]]:
    """The ids of the layers that are flagged: for each site its place among the lists there are, and those lists."""
    kept = np.packbits(np.stack(flags), axis=0)
    found, code = np.unique(kept, axis=1, return_inverse=True)
    bits = np.unpackbits(found, axis=0, count=len(ids)).astype(bool).T
    return code.reshape(-1), [";".join(name for name, bit in zip(ids, row, strict=True) if bit) for row in bits.tolist()]


def _county(sites: Placed, county: Region | None, spread: _Spread) -> Coded:
    """Whether sites lie in the county; "" when nobody knows its outline."""
    if county is None:
        return Coded.same("", spread.count)
    return spread.texts(county.sides(sites.grounds), ("in", "partly", "out"))


def _layer_values(one: Bench, held: Columns, spread: _Spread) -> list[table.Values]:
    status = spread.texts(held.status, screening.STATUSES, "not_checked")
    zones = near = Coded.same("", spread.count)
    if isinstance(one.layer, Layer):
        zones = spread.texts(*_zones(held, one.zone_ids))
        used, code = np.unique(held.near, return_inverse=True)
        near = spread.texts(code, [one.zone_ids[zone] if zone >= 0 else "" for zone in used.tolist()])
    return [
        status, zones, spread.numbers(held.area_m2), spread.numbers(held.length_m),
        spread.numbers(held.share), spread.numbers(held.covered_share), near,
        spread.numbers(held.distance_m), spread.numbers(held.bearing_deg),
    ]  # fmt: skip


def _zones(held: Columns, ids: Sequence[str]) -> tuple[NDArray[np.intp], list[str]]:
    """The zones each site hits: its place among the texts, and the texts."""
    code = np.zeros(len(held.status), dtype=np.intp)
    used, place = np.unique(held.hit_zone, return_inverse=True)
    code[held.hit_site] = 1 + place
    words = ["", *(ids[zone] for zone in used.tolist())]
    several = np.flatnonzero(np.bincount(held.hit_site, minlength=len(code)) > 1)
    first, last = np.searchsorted(held.hit_site, several), np.searchsorted(held.hit_site, several, "right")
    named: list[str] = [words[1 + k] for k in place.tolist()]
    code[several] = np.arange(len(words), len(words) + len(several))
    words += [";".join(named[a:b]) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
    return code, words
