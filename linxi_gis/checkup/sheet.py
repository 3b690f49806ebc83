"""A layer opened for its check-up: as drawn, unhealed, beside what measuring would make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from linxi_gis import crs, vectorfile
from linxi_gis.catalog import Entry
from linxi_gis.checkup import placing
from linxi_gis.checkup.record import GRAVE, Fault
from linxi_gis.crs import Geometry
from linxi_gis.errors import LinxiError
from linxi_gis.intake import zones
from linxi_gis.model import GeometryArray


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One version of a layer, a row a feature.

    `drawn` are the geometries as they stand in the file, in longitude latitude, valid or not; `plane` the same
    made valid, in the area plane; empty where there is no shape. `columns` are texts by the file's own names.
    `ids` are never empty: row numbers stand in, `bare` rows have none of their own.
    """

    entry: Entry
    sha256: str
    drawn: GeometryArray
    plane: GeometryArray
    ids: tuple[str, ...]
    raw_ids: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]

    @property
    def id(self) -> str:
        return self.entry.identity.id

    @property
    def theme(self) -> str:
        return self.entry.identity.theme

    @property
    def title(self) -> str:
        return self.entry.identity.title

    def areal(self) -> bool:
        """Whether the zones are areas."""
        return bool((shapely.get_dimensions(self.plane) == 2).any())

    def box(self) -> Geometry:
        """The box round all zones, longitude latitude."""
        west, south, east, north = shapely.total_bounds(self.drawn).tolist()
        whole: Geometry = shapely.box(west, south, east, north)
        return whole


def open_sheet(entry: Entry, county: Geometry) -> Sheet | Fault:
    """Open a version; a Fault when it cannot be read or placed: of the extent of the county (area plane), or of
    where the layer lies when it is read another way.
    """
    try:
        sha256 = vectorfile.sha256(entry.path)
        table = vectorfile.read(entry.path, sublayer=entry.sublayer, encoding=entry.encoding)
        if not len(table.geometries):
            return _unusable(entry, county, "unreadable", "文件里没有任何要素", "请核对是否导出完整")
        system = table.crs or entry.crs
        if system is None:
            remedy = "请向提供单位问明坐标系，补上 .prj 或在 catalog.toml 写明 crs"
            return _unusable(entry, county, "crs_missing", "没有坐标系信息，不知道图斑在哪里", remedy)
        if table.crs is not None and entry.crs is not None:
            crs.same_crs(table.crs, entry.crs)
        crs.require_transformable(crs.parse(system))
        flat = np.array([shape if shape is not None else shapely.Polygon() for shape in table.geometries], dtype=object)
        flat = shapely.force_2d(flat)
        if shapely.is_empty(flat).all():
            return _unusable(entry, county, "empty", "所有要素都没有图形", "请向图层提供单位索取完整图形")
        readings = placing.better(flat, system, county)
        if readings:
            return _misread(entry, system, readings, table.crs is not None)
        drawn = crs.to_lonlat(flat, system)
        bad = ~shapely.is_valid(flat)
        valid = flat.copy()
        valid[bad] = shapely.make_valid(flat[bad], method="structure", keep_collapsed=True)  # by linework a tangle takes minutes
        plane = crs.to_plane(valid, system)
    except LinxiError as error:
        return _unusable(entry, county, "unreadable", error.what, error.remedy)
    columns = {name: tuple(vectorfile.text(v) for v in column) for name, column in table.columns.items()}
    return _sheet(entry, sha256, drawn, plane, columns)


def _sheet(
    entry: Entry, sha256: str, drawn: GeometryArray, plane: GeometryArray, columns: dict[str, tuple[str, ...]]
) -> Sheet:
    blank = ("",) * len(drawn)
    raw = columns.get(entry.columns.id, blank)
    counts: Counter[str] = Counter()
    ids = []
    for row, value in enumerate(raw, start=1):
        counts[value] += 1
        again = f"#{counts[value]}" if value and counts[value] > 1 else ""
        ids.append(f"{value or row}{again}")
    return Sheet(
        entry, sha256, drawn, plane, tuple(ids), raw, columns.get(entry.columns.name, blank),
        columns.get(entry.columns.cls, blank), columns,
    )  # fmt: skip


def _misread(entry: Entry, system: str, readings: Sequence[tuple[placing.Reading, Geometry]], in_file: bool) -> Fault:
    first, place = readings[0]
    words = "；或".join(one.label() for one, _ in readings)
    text = f"{entry.identity.title}：按声明的坐标系（{zones.name_of(system)}）不在县域，改按{words}就在县域以内"
    return Fault("crs_wrong", GRAVE, entry.identity.id, (), place, f"声明 {zones.name_of(system)}，像 {first.system}", text,
                 first.remedy(in_file))  # fmt: skip


def _unusable(entry: Entry, county: Geometry, code: str, what: str, remedy: str) -> Fault:
    frame = crs.lonlat_of_plane(county).envelope
    return Fault(code, GRAVE, entry.identity.id, (), frame, "", f"{entry.identity.title}：{what}", remedy)
