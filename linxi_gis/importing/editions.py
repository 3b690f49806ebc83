"""Two things to compare become editions: zones by name in the area plane, from the catalogue or from a plain file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import zoneindex
from linxi_gis.catalog import Entry
from linxi_gis.crs import LONLAT, Geometry
from linxi_gis.errors import UsageError
from linxi_gis.importing import package
from linxi_gis.importing.aliases import Aliases
from linxi_gis.intake.reading import Options
from linxi_gis.model import Layer, said_ids

_LISTED = 12


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A zone of one edition: all pieces of its id as one shape in the area plane (m)."""

    id: str
    name: str
    cls: str
    shape: Geometry


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """One side of a comparison. `days` says in words when it is in force, "" when nobody knows.

    `keyed` is False where no column names the zones: then their ids are row numbers and say nothing of the other
    edition. `notes` are what a reader must know of how it was read, in Chinese sentences.
    """

    label: str
    title: str
    days: str
    demonstration: bool
    keyed: bool
    zones: tuple[Zone, ...]
    notes: tuple[str, ...] = ()


def of_layer(entry: Entry, layer: Layer) -> Edition:
    """Return a version of a layer as an edition; ids lose the number that a repeated one was given (`a#2`)."""
    own = entry.identity
    shapes: NDArray[np.object_] = np.asarray(layer.zones, dtype=object)
    ids = list(said_ids(layer.zone_ids))
    label = f"{own.id}@{own.version}" if own.version else own.id
    keyed = bool(entry.columns.id)
    if not keyed:
        ids = [f"第 {zone} 个" for zone in ids]
    zones = _merged(ids, layer.zone_names, layer.zone_classes, shapes)
    notes = [f"{label}：{issue.text}" for issue in layer.issues if issue.severity == "error"]
    notes += [] if keyed else [f"{label} 在目录里没有写明编号列"]
    return Edition(label, own.title, _days(entry), own.demonstration, keyed, zones, tuple(notes))


def of_file(path: Path, options: Options, table: Aliases, id_column: str | None = None) -> Edition:
    """Return a file as an edition, read as a package is; raises as `package.read`, UsageError for what is not one layer.

    `id_column` names the column of ids; without it that of the alias table serves, where it has no blank.
    """
    parcels = package.read(path, options, lambda said: None, math.inf)  # nothing is kept of it
    if len(parcels) != 1:
        names = "、".join(one.name for one in parcels[:_LISTED])
        raise UsageError(f"{path.name} 里有 {len(parcels)} 个图层（{names}）", remedy="请另存为只有一个图层的文件，再比较")
    (parcel,) = parcels
    rows = [f"第 {number} 个" for number in range(1, len(parcel.shapes) + 1)]
    plane, _, told = zoneindex.prepare(parcel.shapes, LONLAT, tuple(f"{path.name} {row}" for row in rows))
    known = _known(parcel.columns, table)
    column, notes = _id_column(path.name, parcel.columns, known.get("id", ""), id_column)
    ids = rows if not column else [
        value.strip() or f"（空）{row}" for value, row in zip(parcel.columns[column], rows, strict=True)
    ]  # fmt: skip
    blank = [""] * len(rows)
    zones = _merged(
        ids, parcel.columns.get(known.get("name", ""), blank), parcel.columns.get(known.get("class", ""), blank), plane
    )
    how = f"{path.name}：{parcel.format}，{len(rows)} 个要素，{parcel.system}（{parcel.how}）"
    words = list(dict.fromkeys(issue.text for issue in (*parcel.issues, *told)))
    if len(words) > _LISTED:
        words[_LISTED:] = [f"{path.name} 另有 {len(words) - _LISTED} 条，全部见 linxi read"]
    kept = tuple(one for one in zones if not one.shape.is_empty)
    return Edition(path.name, path.stem, "", False, bool(column), kept, (how, *words, *notes))


def _merged(
    ids: Sequence[str], names: Sequence[str], classes: Sequence[str], shapes: NDArray[np.object_]
) -> tuple[Zone, ...]:
    rows: dict[str, list[int]] = {}
    for row, zone in enumerate(ids):
        rows.setdefault(zone, []).append(row)
    return tuple(
        Zone(zone, _joined(names, held), _joined(classes, held), shapely.union_all(shapes[held]))
        for zone, held in rows.items()
    )


def _joined(texts: Sequence[str], rows: Sequence[int]) -> str:
    return "、".join(dict.fromkeys(texts[row] for row in rows if texts[row]))


def _known(fields: Mapping[str, Sequence[str]], table: Aliases) -> dict[str, str]:
    """Return which column holds id, name and class by the alias table, whatever the case; none is left out."""
    have = {field.casefold(): field for field in reversed(list(fields))}
    one = next((one for one in table.packages if any(name.casefold() in have for name in one.any_of)), None)
    found: dict[str, str] = {}
    for what in ("id", "name", "class"):
        names = (*(one.columns.get(what, ()) if one is not None else ()), *table.columns.get(what, ()))
        there = next((have[name.casefold()] for name in names if name.casefold() in have), "")
        if there:
            found[what] = there
    return found


def _id_column(
    where: str, fields: Mapping[str, Sequence[str]], known: str, asked: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return the column of ids, "" when there is none to rely on, and what to say of the choice."""
    if asked is not None:
        column = next((name for name in fields if name.casefold() == asked.casefold()), "")
        if not column:
            have = "、".join(list(fields)[:_LISTED]) or "（没有字段）"
            raise UsageError(f"{where} 没有字段 {asked!r}", remedy=f"--id 写编号所在的字段，文件里有：{have}")
        return column, ()
    if not known:
        return "", (f"{where} 没有认出编号列",)
    if not all(map(str.strip, fields[known])):
        return "", (f"{where} 的 {known} 列有空值，不作编号；要用它请写 --id {known}",)
    return known, (f"{where} 按 {known} 列作编号",)


def _days(entry: Entry) -> str:
    since, until = entry.effective_from, entry.effective_to
    words = (f"{since} 起" if since is not None else "", f"至 {until}" if until is not None else "")
    return "，".join(filter(None, words))
