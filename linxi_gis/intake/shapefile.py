"""Shapefiles, plain or zipped, to sites; text in .dbf is decoded by what it is, not by what it says."""

from __future__ import annotations

import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import crs
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.geojson import ID_KEYS, NAME_KEYS, pick
from linxi_gis.intake.reading import Claim, Draft, Drawn
from linxi_gis.intake.settle import unreadable

PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
# Each byte one character, so that the bytes come back whole whatever the LDID byte says.
_BYTES = "ISO-8859-1"
# What Python does with warnings is one setting for all threads, and the service has many.
_WARNINGS = threading.Lock()
_REMEDY = "请把 .shp、.shx、.dbf、.prj 一起打成 zip 提交"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The parts of one shapefile: its name for messages, and bytes by suffix (".shp", ...)."""

    name: str
    parts: Mapping[str, bytes]


def bundle_of(path: Path, name: str) -> Bundle:
    """Return the shapefile at a path with the siblings beside it, whatever the case of their names."""
    siblings = {
        file.suffix.lower(): file
        for file in sorted(path.parent.iterdir())
        if file.stem.casefold() == path.stem.casefold() and file.suffix.lower() in PARTS
    }
    return Bundle(name, {suffix: file.read_bytes() for suffix, file in siblings.items()})


def draft_bundle(bundle: Bundle, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the sites of a shapefile.

    Without a .prj the figures decide, or the reader is asked (AmbiguousCrsError). Raises InputError
    for a missing .shx or an unreadable file, CrsError for a .prj that cannot be used.
    """
    for suffix, part in ((".shp", "图形"), (".shx", "索引")):
        if not bundle.parts.get(suffix):
            raise InputError(f"缺少 {suffix}（{part}）文件", where=bundle.name, remedy=_REMEDY)
    geometries, names, columns, driver = _read(bundle)
    told: list[Issue] = [*issues, *driver]
    if not bundle.parts.get(".dbf"):
        told.append(Issue("attributes_missing", "warning", f"{bundle.name} 没有 .dbf，属性为空", _REMEDY))
    rows = _attributes(bundle, names, columns, len(geometries), told)
    drawn: list[Drawn] = []
    for number, (geometry, attributes) in enumerate(zip(geometries, rows, strict=True), 1):
        identity, name = pick(attributes, ID_KEYS), pick(attributes, NAME_KEYS)
        label = identity or name or f"第 {number} 个要素"
        if geometry is None:
            error = InputError(
                f"第 {number} 个要素：没有图形或图形损坏", where=bundle.name, remedy="请补画图形"
            )
            told.append(unreadable(error))
        else:
            drawn.append(Drawn(geometry, label, id=identity, name=name, attributes=attributes))
    return Draft(bundle.name, "Shapefile", tuple(drawn), _claim(bundle), 0, issues=tuple(told))


Columns = list[NDArray[np.object_]]


def _read(bundle: Bundle) -> tuple[list[crs.Geometry | None], list[str], Columns, list[Issue]]:
    """Read through GDAL from a directory of our own, so that no name from outside reaches the disk."""
    # Slow to import (GDAL), and only shapefiles need it.
    import pyogrio.errors
    import pyogrio.raw

    with tempfile.TemporaryDirectory(prefix="linxi-") as folder:
        for suffix, data in bundle.parts.items():
            if suffix in (".shp", ".shx", ".dbf"):
                (Path(folder) / f"layer{suffix}").write_bytes(data)
        with _WARNINGS, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                meta, _, wkb, columns = pyogrio.raw.read(
                    Path(folder) / "layer.shp", encoding=_BYTES, datetime_as_string=True
                )
            except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
                raise InputError(
                    "shapefile 无法打开，文件可能已损坏", where=bundle.name, remedy=_REMEDY
                ) from error
    issues = [
        Issue("driver_warning", "warning", f"{bundle.name}：读取程序提示 {item.message}".replace(folder, ""))
        for item in caught
    ]
    shapes = shapely.from_wkb(wkb, on_invalid="ignore") if wkb is not None else []
    return list(shapes), [str(name) for name in meta["fields"]], list(columns), issues


def _attributes(
    bundle: Bundle, names: Sequence[str], columns: Columns, count: int, told: list[Issue]
) -> list[tuple[tuple[str, str], ...]]:
    samples = [name.encode("latin-1") for name in names]
    samples += [value.encode("latin-1") for column in columns for value in column if isinstance(value, str)]
    codec = _codec(bundle, samples, told)
    heads = [_decoded(name, codec) for name in names]
    texts = [[_text(value, codec) for value in column] for column in columns]
    return [tuple((head, text[i]) for head, text in zip(heads, texts, strict=True)) for i in range(count)]


def _codec(bundle: Bundle, samples: list[bytes], told: list[Issue]) -> str:
    """Return the encoding of the .dbf: .cpg if it fits, else what the bytes themselves show."""
    if all(sample.isascii() for sample in samples):
        return "ascii"
    stated = bundle.parts.get(".cpg", b"").decode("ascii", "replace").strip()
    codec = {"936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "65001": "utf-8"}.get(
        stated.lower().removeprefix("cp").removeprefix("ansi ").strip(), stated
    )
    if stated and _fits(samples, codec):
        return codec
    found = encoding.choose(samples)
    if found is None:
        raise InputError(
            "属性表（.dbf）的文字编码无法识别", where=bundle.name, remedy="请补交正确的 .cpg，或另存为 UTF-8"
        )
    if stated:
        text = f"{bundle.name} 的 .cpg 写明 {stated}，与属性文字不符，按 {found.upper()} 读取"
        told.append(Issue("encoding_guessed", "warning", text, "请核对名称"))
    else:
        told.append(encoding.guessed(f"{bundle.name} 的属性表", found.upper()))
    return found


def _fits(samples: Sequence[bytes], codec: str) -> bool:
    try:
        for sample in samples:
            encoding.trimmed(sample, codec)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _decoded(text: str, codec: str) -> str:
    return encoding.trimmed(text.encode("latin-1"), codec).strip("\0 ")


def _text(value: object, codec: str) -> str:
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, str):
        return _decoded(value, codec)
    if isinstance(value, float | np.floating):
        return f"{float(value):.15g}"
    return str(value)


def _claim(bundle: Bundle) -> Claim:
    text = bundle.parts.get(".prj", b"").decode("utf-8", "replace").strip("\0\r\n\t ")
    if not text:
        return Claim()
    try:
        crs.parse(text)
    except CrsError as error:
        raise CrsError(".prj 的坐标系无法识别", where=bundle.name, remedy="请用 --crs 指明坐标系") from error
    return Claim(system=text, how=".prj 写明")
