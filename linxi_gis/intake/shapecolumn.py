"""A table with a column of shapes (WKT, EWKB, 坐标串, GeoJSON): one row, one feature."""

from __future__ import annotations

import json
import re

import numpy as np
import shapely

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.geojson import ID_KEYS, NAME_KEYS, build, pick
from linxi_gis.intake.grid import lay_out
from linxi_gis.intake.kinds import assumed, stated
from linxi_gis.intake.reading import Draft, Drawn
from linxi_gis.intake.rows import Line, Page
from linxi_gis.intake.wkt import Shape, read_shape

_HEADING = re.compile(
    r"(?:ewkt|wkt|ewkb|wkb|the_geom|geom|geometry|shape|wkt_geom|geojson|空间信息|几何|图形|坐标串|坐标集|范围坐标|边界坐标)",
    re.IGNORECASE,
)
_SEARCHED = 20


def shape_column(page: Page) -> tuple[int, int] | None:
    """Return (row index of the headings, column) of a column of shapes, or None."""
    for index, line in enumerate(page.lines[:_SEARCHED]):
        for column, cell in enumerate(line.cells):
            if not _HEADING.fullmatch(cell.strip().strip('"')):
                continue
            below = (_cell(other, column) for other in page.lines[index + 1 : index + _SEARCHED])
            first = next((text for text in below if text), "")
            if re.match(r"\s*(?:SRID|[A-Za-z]{3,}\s*(?:Z|M|ZM)?\s*\(|\{|0[01][0-9A-Fa-f]{20})", first) or (
                len(re.findall(r"\d+\.?\d*", first)) >= 4
            ):
                return index, column
    return None


def draft_shapes(page: Page, at: tuple[int, int], source: str, form: str, issues: tuple[Issue, ...]) -> Draft:
    """Return a draft with one feature a row; a shape that cannot be read is an error Issue naming its row."""
    index, column = at
    header = page.lines[index].cells
    drawn: list[Drawn] = []
    bad: list[Issue] = []
    for number, line in enumerate(page.lines[index + 1 :], 1):
        if len(line.cells) < 2 and len(header) > 1:
            continue
        where = f"{source}：{page.at(line.number)}"
        try:
            drawn.append(_drawn(line, header, column, number, where))
        except InputError as error:
            bad.append(unreadable(error))
    return Draft(source, form, tuple(drawn), issues=(*issues, *page.told, *bad))


def _cell(line: Line, column: int) -> str:
    return line.cells[column] if column < len(line.cells) else ""


def _drawn(line: Line, header: tuple[str, ...], column: int, number: int, where: str) -> Drawn:
    attributes = tuple(
        (name, _cell(line, k)) for k, name in enumerate(header) if k != column and name and _cell(line, k)
    )
    cell = _cell(line, column)
    if not cell:
        raise InputError("没有图形", where=where, remedy="请补画图形")
    identity, name = pick(attributes, ID_KEYS), pick(attributes, NAME_KEYS)
    kind = next((kind for _, value in attributes if (kind := stated(value)) is not None), None)
    shape, told = _shape(cell, kind, where)
    label = name or identity or f"第 {number} 个图形"
    return Drawn(shape.geometry, label, identity, name, attributes, step=shape.step, issues=told, claim=shape.claim)


def _shape(cell: str, kind: str | None, where: str) -> tuple[Shape, tuple[Issue, ...]]:
    shape = read_shape(cell, where)
    if shape is not None:
        return shape, ()
    if cell.startswith("{"):
        try:
            return Shape(build(json.loads(cell)), None, None), ()
        except (ValueError, RecursionError) as error:
            raise InputError("GeoJSON 写法不对", where=where, remedy="请重新导出") from error
    grid = lay_out(cell, where)
    if any(row.fault for row in grid.rows):
        raise InputError(f"坐标串无法读懂：{cell[:60]!r}", where=where, remedy="请写成“经度,纬度;经度,纬度;…”")
    xy = np.array([row.values for row in grid.rows], dtype=np.float64)
    step = min(one.step for row in grid.rows for one in row.pair)
    if len(xy) == 1:
        return Shape(shapely.Point(xy[0]), None, step), ()
    if kind == "point":
        return Shape(shapely.MultiPoint(xy), None, step), ()
    line = kind == "line" or (kind is None and len(xy) < 3)
    told = () if kind else (assumed("line" if line else "polygon", f"坐标串有 {len(xy)} 个点"),)
    return Shape(shapely.LineString(xy) if line else shapely.Polygon(xy), None, step), told
