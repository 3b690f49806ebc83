"""Spreadsheets, Word tables, WKT, stations along a route."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import shapely

from tests.variants.ground import EAST, NORTH, Truth, add, plot, ring, rounded, route, rows, text, true

PLOT = true(plot())
PAIRS = [(round(n, 3), round(e, 3)) for e, n in ring(plot())]
HEADED: list[list[Any]] = [["点号", "X", "Y"], *([f"J{i}", n, e] for i, (n, e) in enumerate(PAIRS, 1))]
ONE = Truth((PLOT,))
Cells = Sequence[Sequence[Any]]


def book(*sheets: tuple[str, Cells], merged: Sequence[str] = ()) -> Callable[[Path], None]:
    """An .xlsx of sheets of cells; `merged` are ranges of the first sheet."""

    def write(path: Path) -> None:
        import openpyxl

        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for name, cells in sheets:
            sheet = workbook.create_sheet(name)
            for row in cells:
                sheet.append(list(row))
        for cells_range in merged:
            workbook.worksheets[0].merge_cells(cells_range)
        workbook.save(path)

    return write


def old_book(cells: Cells) -> Callable[[Path], None]:
    """An .xls of one sheet."""

    def write(path: Path) -> None:
        import xlwt

        workbook = xlwt.Workbook(encoding="utf-8")
        sheet = workbook.add_sheet("坐标")
        for i, row in enumerate(cells):
            for j, value in enumerate(row):
                sheet.write(i, j, value)
        workbook.save(str(path))

    return write


def document(*parts: str | Cells) -> Callable[[Path], None]:
    """A .docx of paragraphs and tables."""

    def write(path: Path) -> None:
        import docx

        held = docx.Document()
        for part in parts:
            if isinstance(part, str):
                held.add_paragraph(part)
                continue
            table = held.add_table(rows=len(part), cols=max(len(row) for row in part))
            for i, row in enumerate(part):
                for j, value in enumerate(row):
                    table.cell(i, j).text = str(value)
        held.save(str(path))

    return write


def _books() -> None:
    add("sheet.xlsx", book(("坐标", HEADED)), ONE)
    add("sheet-old.xls", old_book(HEADED), ONE)
    titled = [["尾矿库拐点坐标表（2000国家大地坐标系）"], [], *HEADED]
    add("sheet-title.xlsx", book(("坐标", titled)), ONE)
    two = [["序号", "坐标", None], [None, "X", "Y"], *([i, n, e] for i, (n, e) in enumerate(PAIRS, 1))]
    add("sheet-two-row-heading.xlsx", book(("坐标", two), merged=("A1:A2", "B1:C1")), ONE)
    other = [
        ["点号", "X", "Y"],
        *([f"J{i}", round(n, 3), round(e, 3)] for i, (e, n) in enumerate(ring(plot(400)), 1)),
    ]
    both = Truth((PLOT, true(plot(400))))
    add("sheet-two-sheets.xlsx", book(("一期", HEADED), ("二期", other), ("说明", [["无坐标"]])), both)
    grouped = [["地块名称", "点号", "X", "Y"]]
    for name, dx in (("甲", 0.0), ("乙", 400.0)):
        held = [(round(n, 3), round(e, 3)) for e, n in ring(plot(dx))]
        grouped += [[name if i == 1 else None, f"J{i}", n, e] for i, (n, e) in enumerate(held, 1)]
    named = Truth((PLOT, true(plot(400))), ("甲", "乙"))
    add("sheet-merged-groups.xlsx", book(("坐标", grouped), merged=("A2:A6", "A7:A11")), named)
    as_text = [["点号", "X", "Y"], *([f"J{i}", f"{n:.3f}", f"{e:.3f}"] for i, (n, e) in enumerate(PAIRS, 1))]
    add("sheet-numbers-as-text.xlsx", book(("坐标", as_text)), ONE)
    beside: list[list[Any]] = [["序号", "X", "Y", "序号", "X", "Y"]]
    left, right = PAIRS[:3], PAIRS[3:]
    for i in range(3):
        tail = [i + 4, *right[i]] if i < len(right) else [None, None, None]
        beside.append([i + 1, *left[i], *tail])
    add("sheet-side-by-side.xlsx", book(("坐标", beside)), ONE)
    noted = [*HEADED, ["注：坐标系为2000国家大地坐标系", None, None]]
    add("sheet-note-below.xlsx", book(("坐标", noted)), ONE)
    broken = [*HEADED[:3], ["J3", "=1/0", HEADED[3][2]], *HEADED[4:]]
    add("sheet-formula-without-value.xlsx", book(("坐标", broken)), Truth(error="J3|第 4 行|B4"))


def _documents() -> None:
    add("word.docx", document("表1 尾矿库拐点坐标表（2000国家大地坐标系）", HEADED), ONE)
    other = [
        ["点号", "X", "Y"],
        *([f"J{i}", f"{n:.3f}", f"{e:.3f}"] for i, (e, n) in enumerate(ring(plot(400)), 1)),
    ]
    two = Truth((PLOT, true(plot(400))))
    add("word-two-tables.docx", document("表1 甲地块", HEADED, "正文", "表2 乙地块", other), two)
    add("word-other-tables.docx", document([["项目", "尾矿库"], ["投资", "100 万元"]], "坐标", HEADED), ONE)
    add(
        "word-no-coordinates.docx",
        document("没有坐标的报告", [["项目", "尾矿库"]]),
        Truth(error="没有找到坐标"),
    )


def _wkt() -> None:
    nine = rounded(PLOT, 9)
    body = shapely.to_wkt(nine, rounding_precision=9)
    text("wkt.wkt", body, Truth((PLOT,), codes=("datum_assumed",)))
    text("wkt-pasted.txt", body, Truth((PLOT,)))
    text("ewkt-4490.wkt", f"SRID=4490;{body}", Truth((PLOT,)))
    text("ewkt-4527.wkt", f"SRID=4527;{shapely.to_wkt(plot(), rounding_precision=4)}", Truth((PLOT,)))
    multi = shapely.to_wkt(rounded(true(shapely.MultiPolygon([plot(), plot(400)])), 9), rounding_precision=9)
    text("wkt-multi.wkt", multi, Truth((true(shapely.MultiPolygon([plot(), plot(400)])),)))
    text("wkt-column.csv", f'名称,geometry\n尾矿库,"{body}"\n', Truth((PLOT,), ("尾矿库",)))
    height = (
        "POLYGON Z ((" + ", ".join(f"{x:.9f} {y:.9f} 800" for x, y in shapely.get_coordinates(nine)) + "))"
    )
    text("wkt-z.wkt", height, Truth((PLOT,)))
    text("wkt-two.wkt", f"{body}\n{shapely.to_wkt(rounded(true(route()), 9), rounding_precision=9)}",
         Truth((PLOT, true(route()))))  # fmt: skip


def _stations() -> None:
    line = route()
    xy = ring(line)
    along = [0.0]
    for a, b in itertools.pairwise(xy):
        along.append(along[-1] + shapely.Point(a).distance(shapely.Point(b)))
    marks = [f"K{int(s // 1000)}+{s % 1000:07.3f}" for s in along]
    lines = [f"{m},{n:.3f},{e:.3f}" for m, (e, n) in zip(marks, xy, strict=True)]
    text("stations.csv", "桩号,X,Y\n" + "\n".join(lines), Truth((true(line),)))
    left = [(EAST + 0.0 + 100.0 * i, NORTH + 10.0 + 2.0 * i) for i in range(4)]
    right = [(EAST + 0.0 + 100.0 * i, NORTH - 10.0 + 2.0 * i) for i in range(4)]
    band = shapely.Polygon([*left, *reversed(right)])
    body = [
        f"K0+{100 * i:03d},{a[1]:.3f},{a[0]:.3f},{b[1]:.3f},{b[0]:.3f}"
        for i, (a, b) in enumerate(zip(left, right, strict=True))
    ]
    text("stations-banks.csv", "桩号,左岸X,左岸Y,右岸X,右岸Y\n" + "\n".join(body), Truth((true(band),)))
    axis = [(EAST + 100.0 * i, NORTH) for i in range(4)]
    wide = [f"K0+{100 * i:03d},{n:.3f},{e:.3f},12.5,7.5" for i, (e, n) in enumerate(axis)]
    strip = shapely.Polygon(
        [(EAST, NORTH - 7.5), (EAST + 300, NORTH - 7.5), (EAST + 300, NORTH + 12.5), (EAST, NORTH + 12.5)]
    )
    text("stations-widths.csv", "桩号,X,Y,左宽,右宽\n" + "\n".join(wide), Truth((true(strip),)))


_books()
_documents()
_wkt()
_stations()
_ = rows
