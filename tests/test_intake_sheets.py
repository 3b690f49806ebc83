"""Excel workbooks: headings, merged cells, blocks side by side, several sheets, what is not read."""

from __future__ import annotations

import contextlib
import datetime
import io
import time
import zipfile
from collections.abc import Callable

import numpy as np
import openpyxl
import pyproj
import pytest
import shapely
import xlsxwriter
import xlwt

from linxi_gis.errors import InputError
from linxi_gis.intake import AmbiguousCrsError, Reading, read_bytes, sheetscan
from linxi_gis.intake.reading import Limits
from linxi_gis.intake.sheets import drafts_workbook

LONLAT = ((118.0, 43.6), (118.002, 43.6), (118.002, 43.602), (118.0, 43.602))
GK = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4527", always_xy=True)
METRES = [(n, e) for e, n in (GK.transform(*corner) for corner in LONLAT)]
MM = 0.001 / 80_000.0
Cells = list[list[object]]


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for s in reading.sites for i in s.issues))}


def corners(reading: Reading, site: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return shapely.get_coordinates(reading.sites[site].geometry)[:-1]


def xlsx(*sheets: tuple[str, Cells], merges: tuple[str, ...] = (), hidden: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for area in merges:
            sheet.merge_cells(area)
        if name in hidden:
            sheet.sheet_state = "hidden"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def xls(rows: Cells) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("坐标")
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell is not None:
                sheet.write(r, c, cell)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


PLAIN: Cells = [["序号", "X坐标(m)", "Y坐标(m)", "测量日期"]] + [
    [i, n, e, datetime.date(2024, 5, i)] for i, (n, e) in enumerate(METRES, 1)
]


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".xlsm", ".et"])
def test_a_plain_sheet(suffix: str) -> None:
    data = xlsx(("Sheet1", PLAIN)) if suffix in (".xlsx", ".xlsm") else xls([row[:3] for row in PLAIN])
    reading = read_bytes(data, f"坐标{suffix}")
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=MM)
    assert reading.format == "Excel 表格"
    assert "coarse_coordinates" not in codes(reading)


def test_a_title_block_and_two_heading_rows_with_merged_cells() -> None:
    rows: Cells = [
        ["某矿山拐点坐标表", None, None, None],
        ["坐标系统：", "2000国家大地坐标系", None, None],
        ["中央经线", 117, None, None],
        ["拐点编号", "坐标", None, "备注"],
        [None, "X", "Y", None],
        *[[f"J{i}", f"{n:.3f}", f"{e:.3f}", ""] for i, (n, e) in enumerate(METRES, 1)],
        ["合计", 3.5, None, None],
        ["注：坐标由测绘单位提供", None, None, None],
    ]
    merges = ("A1:D1", "A4:A5", "B4:C4", "D4:D5")
    reading = read_bytes(xlsx(("坐标表", rows), merges=merges), "a.xlsx")
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=2 * MM)
    assert reading.sites[0].reference.declared
    assert "rows_not_coordinates" in codes(reading)


def dms(value: float) -> tuple[int, int, float]:
    whole, rest = divmod(round(value * 360_000), 360_000)
    minutes, hundredths = divmod(rest, 6000)
    return whole, minutes, hundredths / 100


@pytest.mark.parametrize("merged", [True, False])
def test_degrees_minutes_and_seconds_in_three_columns(merged: bool) -> None:
    rows: Cells = [["点号", "经度", None, None, "纬度", None, None], [None, *"度分秒" * 2]]
    rows[1] = [None, "度", "分", "秒", "度", "分", "秒"]
    rows += [[i, *dms(lon), *dms(lat)] for i, (lon, lat) in enumerate(LONLAT, 1)]
    merges = ("A1:A2", "B1:D1", "E1:G1") if merged else ()
    reading = read_bytes(xlsx(("Sheet1", rows), merges=merges), "a.xlsx")
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=1e-9)


def test_numbers_as_text_full_width_and_thousands() -> None:
    rows: Cells = [["点号", "X", "Y"]]
    wide = str.maketrans("0123456789.", "０１２３４５６７８９．")
    rows += [[i, f"{n:,.3f}", f"{e:.3f}".translate(wide)] for i, (n, e) in enumerate(METRES, 1)]
    reading = read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=2 * MM)


def test_plots_named_in_merged_cells_and_a_blank_column() -> None:
    rows: Cells = [["地块名称", None, "点号", "经度", "纬度"]]
    for name, shift in (("甲", 0.0), ("乙", 0.01)):
        rows += [
            [name if i == 1 else None, None, i, lon + shift, lat] for i, (lon, lat) in enumerate(LONLAT, 1)
        ]
    reading = read_bytes(xlsx(("Sheet1", rows), merges=("A2:A5", "A6:A9")), "a.xlsx")
    assert [site.name for site in reading.sites] == ["甲", "乙"]
    assert corners(reading, 1) == pytest.approx(np.add(LONLAT, (0.01, 0.0)), abs=1e-12)


def test_blocks_side_by_side_go_on_or_are_plots() -> None:
    one: Cells = [["序号", "经度", "纬度", None, "序号", "经度", "纬度"]]
    one += [[i + 1, *LONLAT[i], None, i + 3, *LONLAT[i + 2]] for i in range(2)]
    reading = read_bytes(xlsx(("Sheet1", one)), "a.xlsx")
    assert len(reading.sites) == 1 and corners(reading) == pytest.approx(np.array(LONLAT))
    assert "blocks_side_by_side" in codes(reading)
    across: Cells = [one[0], [1, *LONLAT[0], None, 2, *LONLAT[1]], [3, *LONLAT[2], None, 4, *LONLAT[3]]]
    assert corners(read_bytes(xlsx(("Sheet1", across)), "a.xlsx")) == pytest.approx(np.array(LONLAT))
    two: Cells = [["一号地块", None, None, "二号地块", None, None], ["序号", "经度", "纬度"] * 2]
    two += [[i, lon, lat, i, lon + 0.01, lat] for i, (lon, lat) in enumerate(LONLAT, 1)]
    reading = read_bytes(xlsx(("Sheet1", two), merges=("A1:C1", "D1:F1")), "a.xlsx")
    assert [site.name for site in reading.sites] == ["一号地块", "二号地块"]
    assert corners(reading, 1) == pytest.approx(np.add(LONLAT, (0.01, 0.0)))


def test_blocks_without_numbers_are_asked_about() -> None:
    rows: Cells = [["经度", "纬度", "经度", "纬度"]] + [[lon, lat, lon + 0.01, lat] for lon, lat in LONLAT]
    with pytest.raises(InputError, match="几个地块"):
        read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")


def test_two_systems_for_one_point_take_the_modern_one() -> None:
    rows: Cells = [["序号", "1980西安坐标系", None, "2000国家大地坐标系", None], [None, "X", "Y", "X", "Y"]]
    rows += [[i, n + 20, e + 100, n, e] for i, (n, e) in enumerate(METRES, 1)]
    reading = read_bytes(xlsx(("Sheet1", rows), merges=("A1:A2", "B1:C1", "D1:E1")), "a.xlsx")
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=MM)
    assert "second_coordinates_unused" in codes(reading) and reading.sites[0].reference.declared


def test_several_sheets_and_a_hidden_one() -> None:
    body = [["序号", "经度", "纬度"], *([i, lon, lat] for i, (lon, lat) in enumerate(LONLAT, 1))]
    data = xlsx(("一期", body), ("说明", [["没有数字"]]), ("二期", body), ("旧", body), hidden=("旧",))
    reading = read_bytes(data, "a.xlsx")
    assert [site.name for site in reading.sites] == ["一期", "二期"]
    assert {"sheets_without_coordinates", "hidden_sheets"} <= codes(reading)


def test_an_error_cell_spoils_its_plot_and_no_other() -> None:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet("坐标")
    sheet.write_row(0, 0, ["地块", "经度", "纬度"])
    for r, (name, (lon, lat)) in enumerate([("甲", p) for p in LONLAT] + [("乙", p) for p in LONLAT], 1):
        sheet.write_row(r, 0, [name, lon, lat])
    sheet.write_formula(2, 1, "=NA()", None, "#N/A")
    book.close()
    reading = read_bytes(stream.getvalue(), "a.xlsx")
    assert [site.name for site in reading.sites] == ["乙"]
    told = next(issue for issue in reading.issues if issue.code == "feature_unreadable")
    assert "第 3 行" in told.text and "#N/A" in told.text and told.severity == "error"


def test_a_row_of_nothing_but_errors_is_not_a_blank_row() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["经度", "纬度"])
    for point in LONLAT[:3]:
        sheet.append(point)
    sheet.append(["=A2+0", "=B2+0.1"])  # openpyxl saves no value for a formula
    stream = io.BytesIO()
    book.save(stream)
    with pytest.raises(InputError, match=r"第 5 行.*公式无值"):
        read_bytes(stream.getvalue(), "a.xlsx")


def test_formula_text_is_text_and_hours_are_degrees() -> None:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet, hours = book.add_worksheet("坐标"), book.add_format({"num_format": "[h]:mm:ss"})
    sheet.write_row(0, 0, ["名称", "经度", "纬度"])
    for r, name in enumerate(('=HYPERLINK("http://x","a")', "<script>{{ 1 }}"), 1):
        sheet.write_string(r, 0, name)
        sheet.write_number(r, 1, (118 + r / 60 + 27.05 / 3600) / 24, hours)
        sheet.write_number(r, 2, (43 + 36 / 60) / 24, hours)
    book.close()
    sites = read_bytes(stream.getvalue(), "a.xlsx").sites
    assert [site.name for site in sites] == ['=HYPERLINK("http://x","a")', "<script>{{ 1 }}"]
    assert shapely.get_coordinates(sites[0].geometry)[0] == pytest.approx(
        (118 + 1 / 60 + 27.05 / 3600, 43.6), abs=1e-9
    )


def test_round_numbers_of_a_few_points_are_not_called_coarse() -> None:
    rows: Cells = [["名称", "经度", "纬度"], ["一号井", 118.05, 43.6], ["二号井", 118.1, 43.7]]
    reading = read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    assert "coarse_coordinates" not in codes(reading) and reading.sites[0].accuracy_m == 0.0
    text = read_bytes(xlsx(("Sheet1", [["名称", "经度", "纬度"], ["一号井", "118.05", "43.6"]])), "a.xlsx")
    assert "coarse_coordinates" in codes(text)


def test_both_coordinates_in_one_cell() -> None:
    rows: Cells = [["点位", "经纬度"]] + [[f"{i}号井", f"E{lon}°，N{lat}°"] for i, (lon, lat) in enumerate(LONLAT)]
    reading = read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    assert [site.kind for site in reading.sites] == ["point"] * 4
    assert shapely.get_coordinates(reading.sites[2].geometry)[0] == pytest.approx(LONLAT[2])


def test_a_wkt_column() -> None:
    square = shapely.Polygon(LONLAT)
    rows: Cells = [["编号", "名称", "geom"], ["A1", "甲", f"SRID=4490;{square.wkt}"], ["A2", "乙", "POLYGON((1"]]
    rows += [["A3", "丙", shapely.to_wkb(shapely.set_srid(square, 4490), hex=True, include_srid=True)]]
    reading = read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    assert [(s.id, s.name) for s in reading.sites] == [("A1", "甲"), ("A3", "丙")]
    assert all(site.geometry.equals(square) and site.reference.declared for site in reading.sites)
    assert "feature_unreadable" in codes(reading)


# --- what nobody sees ---------------------------------------------------------------------------------


def told(reading: Reading, code: str) -> str:
    texts = [i.text for i in reading.issues if i.code == code and i.severity == "warning"]
    assert len(texts) == 1, codes(reading)
    return texts[0]


def hidden_xlsx() -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(xlsx(("坐标", PLAIN))))
    sheet = book["坐标"]
    sheet.column_dimensions["C"].hidden = True
    sheet.column_dimensions["H"].hidden = True  # nothing stands in it
    sheet.row_dimensions[4].hidden = True
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def hidden_xls() -> bytes:
    book = xlwt.Workbook()
    book.add_sheet("说明").write(0, 0, "没有数字")
    sheet = book.add_sheet("坐标")
    for r, row in enumerate(PLAIN):
        for c, cell in enumerate(row[:3]):
            sheet.write(r, c, cell)
    sheet.col(2).hidden = True
    sheet.col(7).hidden = True
    sheet.row(3).hidden = True
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(("make", "name"), [(hidden_xlsx, "a.xlsx"), (hidden_xls, "a.xls")])
def test_hidden_columns_and_rows_are_read_and_told(make: Callable[[], bytes], name: str) -> None:
    reading = read_bytes(make(), name)
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=MM)
    assert "第 C 列" in told(reading, "hidden_columns") and "H" not in told(reading, "hidden_columns")
    assert "第 4 行" in told(reading, "hidden_rows")


def test_nothing_hidden_is_not_told_and_a_title_over_a_hidden_blank_column_is_no_content() -> None:
    assert not {"hidden_columns", "hidden_rows"} & codes(read_bytes(xlsx(("坐标", PLAIN)), "a.xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(xlsx(("坐标", [["拐点坐标表"], *PLAIN]), merges=("A1:F1",))))
    book["坐标"].column_dimensions["F"].hidden = True
    stream = io.BytesIO()
    book.save(stream)
    assert "hidden_columns" not in codes(read_bytes(stream.getvalue(), "a.xlsx"))


# --- all coordinates in one cell ----------------------------------------------------------------------

LIST = "118°00′00″，43°36′00″；118°00′07.2″，43°36′00″；\n118°00′07.2″，43°36′07.2″；118°00′00″，43°36′07.2″"


@pytest.mark.parametrize(
    ("rows", "cell", "name"),
    [
        ([["项目名称", "拐点坐标"], ["甲矿", LIST]], "B2", "甲矿"),
        ([["项目名称", "甲矿"], ["占地面积（公顷）", 3.5], ["拐点坐标", LIST]], "B3", "甲矿"),
        ([[None], [LIST]], "A2", "a-1"),
        ([["118.0,43.6\n118.002,43.6\n118.002,43.602\n118.0,43.602"]], "A1", "a-1"),
    ],
)
def test_all_coordinates_in_one_cell(rows: Cells, cell: str, name: str) -> None:
    reading = read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    assert len(reading.sites) == 1 and reading.sites[0].kind == "polygon" and reading.sites[0].name == name
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=1e-12)
    assert f"单元格 {cell}" in reading.sites[0].source and "coordinates_in_cell" in codes(reading)


def test_every_cell_that_lists_coordinates_is_a_site_in_the_system_the_sheet_names() -> None:
    lists = [";".join(f"{n + shift:.3f},{e - 39e6:.3f}" for n, e in METRES) for shift in (0.0, 2000.0)]
    rows: Cells = [["坐标系：2000国家大地坐标系 3度带 39带"], ["地块名称", "界址点坐标"]]
    rows += [["甲", lists[0]], ["乙", lists[1]], ["丙", lists[0].replace(".", "x", 1)]]
    reading = read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    assert [site.name for site in reading.sites] == ["甲", "乙"]
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=2 * MM)
    assert all(site.reference.declared for site in reading.sites)
    bad = [issue for issue in reading.issues if issue.severity == "error"]
    assert len(bad) == 1 and "单元格 B5" in bad[0].text


def test_a_list_beside_a_table_is_told_and_a_broken_table_is_not_replaced_by_it() -> None:
    rows: Cells = [["备注", LIST], ["序号", "经度", "纬度"], *([i, *p] for i, p in enumerate(LONLAT, 1))]
    reading = read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    assert len(reading.sites) == 1 and "单元格 B1" in told(reading, "cell_coordinates_unused")
    rows[3] = [2, "118.00x", 43.6]
    with pytest.raises(InputError, match="第 4 行"):
        read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")


def test_rows_of_two_pairs_without_headings_are_asked_about() -> None:
    rows: Cells = [[*LONLAT[0], *LONLAT[1]], [*LONLAT[1], *LONLAT[2]], [*LONLAT[2], *LONLAT[3]]]
    with pytest.raises(InputError, match=r"第 1 行起每行有两对坐标.*线段"):
        read_bytes(xlsx(("Sheet1", rows)), "a.xlsx")
    numbered: Cells = [[1, *LONLAT[0], 3, *LONLAT[2]], [2, *LONLAT[1], 4, *LONLAT[3]]]
    assert corners(read_bytes(xlsx(("Sheet1", numbered)), "a.xlsx")) == pytest.approx(np.array(LONLAT))


def test_a_sheet_whose_system_is_open_stops_the_file_and_names_the_others() -> None:
    clear = [["序号", "经度", "纬度"], *([i, *p] for i, p in enumerate(LONLAT, 1))]
    open_ = [["序号", "X", "Y"], *([i, n, e - 39e6] for i, (n, e) in enumerate(METRES, 1))]
    data = xlsx(("一期", clear), ("二期", open_), ("三期", open_), ("四期", clear))
    with pytest.raises(AmbiguousCrsError) as caught:
        read_bytes(data, "a.xlsx")
    assert "工作表“二期”" in caught.value.where and caught.value.candidates
    fine, asking = caught.value.why.split("读得出")
    assert "一期" in fine and "四期" in fine and "三期" in asking and "--crs" in asking and "拆成" in asking
    with pytest.raises(AmbiguousCrsError) as alone:
        read_bytes(xlsx(("二期", open_)), "a.xlsx")
    assert "同一文件" not in alone.value.why


# --- hostile ----------------------------------------------------------------------------------------


def swapped(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if "sheet1" in entry.filename else content)
    return stream.getvalue()


def test_a_cell_at_the_far_corner_is_refused_before_it_is_laid_out() -> None:
    data = swapped(xlsx(("Sheet1", PLAIN)), lambda c: c.replace(b'r="A2"', b'r="XFD1048576"'))
    with pytest.raises(InputError, match="超过上限"):
        read_bytes(data, "a.xlsx")


@pytest.mark.parametrize("cell", ["XFD300", "J500000"])
def test_a_stray_cell_within_the_limit_is_read_past_quickly(cell: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx(("坐标", PLAIN))))
    book["坐标"][cell] = " "  # a blank that somebody typed
    stream = io.BytesIO()
    book.save(stream)
    began = time.process_time()
    drafts = drafts_workbook(stream.getvalue(), "a.xlsx", Limits())
    assert time.process_time() - began < 8.0  # 1-2 s here; cell by cell it was 17 s and more
    assert shapely.get_num_coordinates(drafts[0].drawn[0].geometry) == 5


def test_a_stray_cell_beyond_the_limit_names_the_limit_at_once() -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("坐标")
    for r, row in enumerate(PLAIN):
        for c, cell in enumerate(row[:3]):
            sheet.write(r, c, cell)
    sheet.write(65535, 255, "x")
    stream = io.BytesIO()
    book.save(stream)
    with pytest.raises(InputError, match=r"超过上限 10000000 格.*远处"):
        drafts_workbook(stream.getvalue(), "a.xls", Limits())


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600])
def test_what_is_no_workbook(data: bytes) -> None:
    for name in ("a.xlsx", "a.xls"):
        with pytest.raises(InputError):
            read_bytes(data, name)


def test_an_encrypted_workbook_says_so() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 500
    with pytest.raises(InputError, match="密码"):
        drafts_workbook(ole, "a.xlsx", Limits())


def test_an_entity_in_the_workbook_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx(("Sheet1", PLAIN)))) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "xl/workbook.xml":
                content = b'<!DOCTYPE x [<!ENTITY a "b">]>' + content
            new.writestr(entry.filename, content)
    with pytest.raises(InputError):
        read_bytes(stream.getvalue(), "a.xlsx")


def test_an_old_workbook_whose_sectors_run_in_a_circle_is_refused() -> None:
    data = bytearray(xls([row[:3] for row in PLAIN]))
    table = (int.from_bytes(data[76:80], "little") + 1) * 512
    data[table : table + 4] = (0).to_bytes(4, "little")  # the first sector follows itself
    with pytest.raises(InputError, match="损坏"):
        read_bytes(bytes(data), "a.xls")


def test_an_old_workbook_that_the_library_panics_on_is_an_error() -> None:
    data = xls([row[:3] for row in PLAIN])
    for cut in range(600, len(data), 97):
        with contextlib.suppress(InputError):
            read_bytes(data[:cut], "a.xls")


def test_an_old_workbook_that_claims_a_vast_sheet_is_refused() -> None:
    data = bytearray(xls([row[:3] for row in PLAIN]))
    at = data.index(b"\x00\x02\x0e\x00")  # DIMENSIONS, 14 bytes
    data[at + 8 : at + 12] = (0x7FFFFFFF).to_bytes(4, "little")
    with pytest.raises(InputError, match="超过上限"):
        read_bytes(bytes(data), "a.xls")


def test_an_error_behind_an_empty_cell_that_only_carries_a_format_is_seen() -> None:
    part = b'<row r="1"><c r="A1" s="3"/><c r="B1" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    assert dict(sheetscan.scanned(part, "sheet1.xml").odd) == {(0, 1): "#DIV/0!"}
