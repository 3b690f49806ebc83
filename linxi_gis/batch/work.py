"""What a worker does: one block of features to one block of the table. The library is opened once a thread."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import catalog as catalogs
from linxi_gis import screening
from linxi_gis.batch import table
from linxi_gis.batch.placing import Placed, placed
from linxi_gis.batch.raw import Raw
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import LayerError
from linxi_gis.finding import COVERED
from linxi_gis.intake.errors import UNFORESEEN
from linxi_gis.intake.reading import Options
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer
from linxi_gis.screening import Bench, Columns
from linxi_gis.themes import BACKDROP_THEMES

Prints = tuple[tuple[str, str], ...]
_NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker must know: the catalogue and the day, what is said beside the files, and the
    fingerprints of the layers, so that nobody measures against others. `outline` is the county's as WKB.
    """

    catalog: str
    outline: bytes | None
    day: date
    options: Options = _NO_OPTIONS
    prints: Prints = ()


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """The layers in force, opened for one thread, and the county's outline (prepared), None when unknown."""

    benches: tuple[Bench, ...]
    columns: tuple[table.Column, ...]
    county: Geometry | None
    prints: Prints
    demonstration: bool


def desk(job: Job) -> Desk:
    """Open the library for the thread that calls. Raises CatalogError."""
    outline = None if job.outline is None else shapely.from_wkb(job.outline)
    # How layers are read (fields, classes, sublayers, systems) stands in the catalogue, not in their files.
    read_as = hashlib.sha256(Path(job.catalog).read_bytes()).hexdigest()
    library = Library(catalogs.read(Path(job.catalog)), outline)
    opened = [one for one in library.layers(job.day) if one.identity.theme not in BACKDROP_THEMES]
    county = library.county(job.day)
    if county is not None:
        county = shapely.from_wkb(shapely.to_wkb(county))
        shapely.prepare(county)
    names = [(one.identity.id, one.identity.title) for one in opened]
    return Desk(
        tuple(screening.bench(one) for one in opened), table.columns(names), county,
        (*(_fingerprint(one) for one in opened), ("county", _digest(county)), ("catalog", read_as)),
        library.catalog.demonstration or any(one.identity.demonstration for one in opened),
    )  # fmt: skip


def _fingerprint(layer: Layer | Gap) -> tuple[str, str]:
    """What a layer's columns depend on, as one text."""
    own = layer.identity
    if isinstance(layer, Gap):
        return own.id, f"{own} {layer.issue.text}"
    return own.id, f"{own} {layer.sha256} {layer.stale} {_digest(layer.coverage)}"


def _digest(shape: Geometry | None) -> str:
    return "" if shape is None else hashlib.sha256(shapely.to_wkb(shape)).hexdigest()


@lru_cache(maxsize=8)  # a Dask worker may have several threads
def _own_desk(job: Job, thread: int) -> Desk:
    own = desk(job)
    if own.prints != job.prints:
        raise LayerError(
            "各进程读到的图层不一致", where=Path(job.catalog).name, remedy="图层文件可能在变动，请稍后加 --resume 重试"
        )
    return own


def screened(job: Job, raw: Raw) -> bytes:
    """Return the rows of a block, packed. A feature that nothing foresees is a row with an error."""
    own = _own_desk(job, threading.get_ident())
    try:
        made = rows_of(raw, own, job.options)
    except UNFORESEEN as error:
        if len(raw.wkb) > 1:
            single = [table.unpacked(screened(job, raw.row(place))) for place in range(len(raw.wkb))]
            made = _stacked(single)
        else:
            made = lost(raw, own.columns, f"程序内部错误（{type(error).__name__}：{str(error)[:120]}），请反馈")
    return table.packed(made)


def _stacked(single: Sequence[table.Block]) -> table.Block:
    """Blocks of one row each as one block."""
    lengths = np.concatenate([np.diff(one.offsets, axis=1) for one in single], axis=1)
    texts = [one.text[one.offsets[t, 0] : one.offsets[t, 1]] for t in range(len(lengths)) for one in single]
    edges = np.concatenate([[0], np.cumsum(lengths.ravel())])
    width = lengths.shape[1]
    offsets = np.stack([edges[t * width : (t + 1) * width + 1] for t in range(len(lengths))])
    numbers = np.concatenate([one.numbers for one in single], axis=1)
    return table.Block(numbers, offsets.astype(np.int64), np.concatenate(texts))


def lost(raw: Raw, columns: Sequence[table.Column], why: str) -> table.Block:
    """Return the rows of a block that could not be measured: an error each, no layer checked."""
    count = len(raw.wkb)
    nothing, empty = np.full(count, np.nan), [""] * count
    own: dict[str, Sequence[str] | FloatArray] = {
        **_names(raw),
        "error": ["not_measured"] * count,
        "error_text": [why] * count,
        "unchecked": [";".join(dict.fromkeys(c.layer for c in columns if c.layer))] * count,
    }
    values: list[Sequence[str] | FloatArray] = []
    for column in columns:
        if column.layer and column.key == "status":
            values.append(["not_checked"] * count)
        else:
            missing = empty if column.kind == "text" else nothing
            values.append(own.get(column.key, missing) if not column.layer else missing)
    return table.block(columns, values)


def _names(raw: Raw) -> dict[str, Sequence[str] | FloatArray]:
    count = len(raw.wkb)
    return {
        "file": [raw.file] * count,
        "row": np.arange(raw.first, raw.first + count, dtype=np.float64),
        "id": raw.ids,
        "name": raw.names,
    }


def rows_of(raw: Raw, own: Desk, options: Options) -> table.Block:
    """Return the rows of a block: read, placed, measured against every layer."""
    sites = placed(raw, options)
    measured = screening.measure_block(sites.grounds, sites.kinds, sites.area_m2, own.benches)
    count = len(raw.wkb)
    spread = _Spread(sites.rows, count)
    layers = [_layer_values(one, columns, spread) for one, columns in zip(own.benches, measured, strict=True)]
    values: list[Sequence[str] | FloatArray] = [*_site_values(raw, sites, own, measured, spread)]
    for held in layers:
        values.extend(held)
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

    def texts(self, values: Sequence[str], nothing: str = "") -> list[str]:
        spread = [nothing] * self.count
        for row, text in zip(self.rows.tolist(), values, strict=True):
            spread[row] = text
        return spread


def _site_values(
    raw: Raw, sites: Placed, own: Desk, measured: Sequence[Columns], spread: _Spread
) -> list[Sequence[str] | FloatArray]:
    names = _names(raw)
    ids = [one.identity.id for one in own.benches]
    area = np.where(sites.kinds == 2, sites.area_m2, np.nan)
    length = np.where((sites.kinds == 1) | (sites.length_m > 0.0), sites.length_m, np.nan)
    hit = screening.STATUSES.index("hit")
    hits = [np.isin(np.arange(len(sites.rows)), one.hit_site) | (one.status == hit) for one in measured]
    unchecked = [_unchecked(one) for one in measured]
    return [
        names["file"], names["row"], names["id"], names["name"], sites.kind_names,
        spread.numbers(area), spread.numbers(length), spread.texts(_county(sites, own.county)),
        spread.texts(_listed(hits, ids, len(sites.rows))),
        spread.texts(_listed(unchecked, ids, len(sites.rows)), ";".join(ids)),
        sites.notes, [code for code, _ in sites.errors], [text for _, text in sites.errors],
    ]  # fmt: skip


def _unchecked(one: Columns) -> NDArray[np.bool_]:
    """As `LayerResult.unchecked`: also a layer that hits was not seen where it does not cover the site."""
    codes = [screening.STATUSES.index(name) for name in ("not_checked", "stale", "not_covering")]
    return np.isin(one.status, codes) | ~(one.covered_share >= COVERED)


def _listed(flags: Sequence[NDArray[np.bool_]], ids: Sequence[str], count: int) -> list[str]:
    """For each site the ids of the layers that are flagged."""
    listed: list[list[str]] = [[] for _ in range(count)]
    for one, name in zip(flags, ids, strict=True):
        for row in np.flatnonzero(one).tolist():
            listed[row].append(name)
    return [";".join(names) for names in listed]


def _county(sites: Placed, county: Geometry | None) -> list[str]:
    """Whether sites lie in the county: in, partly, out; "" when nobody knows its outline."""
    if county is None:
        return [""] * len(sites.rows)
    covered, met = shapely.covers(county, sites.grounds), shapely.intersects(county, sites.grounds)
    said: list[str] = np.where(covered, "in", np.where(met, "partly", "out")).tolist()
    return said


def _layer_values(one: Bench, held: Columns, spread: _Spread) -> list[Sequence[str] | FloatArray]:
    status = spread.texts([screening.STATUSES[code] for code in held.status.tolist()], "not_checked")
    zones, near = [""] * len(held.status), [""] * len(held.status)
    if isinstance(one.layer, Layer):
        ids = one.layer.zone_ids
        for site, zone in zip(held.hit_site.tolist(), held.hit_zone.tolist(), strict=True):
            zones[site] = f"{zones[site]};{ids[zone]}" if zones[site] else ids[zone]
        for site in np.flatnonzero(held.near >= 0).tolist():
            near[site] = ids[held.near[site]]
    return [
        status, spread.texts(zones), spread.numbers(held.area_m2), spread.numbers(held.length_m),
        spread.numbers(held.share), spread.numbers(held.covered_share), spread.texts(near),
        spread.numbers(held.distance_m), spread.numbers(held.bearing_deg),
    ]  # fmt: skip


