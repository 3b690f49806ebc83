"""Word documents: captions, several tables, merged cells, tables over two pages, coordinates in the text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import docx
import numpy as np
import pytest
import shapely
from docx.document import Document

from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import Reading, read_bytes

LONLAT = ((118.0, 43.6), (118.002, 43.6), (118.002, 43.602), (118.0, 43.602))
HEAD = ("点号", "经度", "纬度")


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for s in reading.sites for i in s.issues))}


def corners(reading: Reading, site: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return shapely.get_coordinates(reading.sites[site].geometry)[:-1]


def add(document: Document, rows: Sequence[Sequence[object]]) -> docx.table.Table:
    table = document.add_table(len(rows), max(map(len, rows)))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            table.cell(r, c).text = str(cell)
    return table


def saved(document: Document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def points(start: int = 1, stop: int = 5, shift: float = 0.0) -> list[tuple[object, ...]]:
    return [(i, LONLAT[i - 1][0] + shift, LONLAT[i - 1][1]) for i in range(start, stop)]


def test_captions_name_the_sites_and_their_system() -> None:
    document = docx.Document()
    document.add_paragraph("项目组成见表1。")
    add(document, [("名称", "规模"), ("尾矿库", "10万m3")])
    for name, shift in (("尾矿库", 0.0), ("选矿厂", 0.01)):
        document.add_paragraph(f"表2 {name}拐点坐标表（2000国家大地坐标系）")
        add(document, [HEAD, *points(shift=shift)])
    reading = read_bytes(saved(document), "报告.docx")
    assert [site.name for site in reading.sites] == ["尾矿库", "选矿厂"]
    assert corners(reading, 1) == pytest.approx(np.add(LONLAT, (0.01, 0.0)))
    assert all(site.reference.declared for site in reading.sites) and reading.format == "Word 表格"


def test_an_old_system_in_the_caption_is_refused() -> None:
    document = docx.Document()
    document.add_paragraph("表1 拐点坐标表（1980西安坐标系）")
    add(document, [("点号", "X", "Y"), (1, 4829864, 39580743), (2, 4829864, 39580843), (3, 4829964, 39580843)])
    with pytest.raises(CrsError):
        read_bytes(saved(document), "a.docx")


def test_merged_cells_and_blocks_side_by_side() -> None:
    document = docx.Document()
    rows = [("地块", "点号", "坐标", ""), ("", "", "经度", "纬度")]
    body = [(name if i == 1 else "", i, lon + shift, lat) for name, shift in (("甲", 0.0), ("乙", 0.01))
            for i, (lon, lat) in enumerate(LONLAT, 1)]  # fmt: skip
    table = add(document, [*rows, *body])
    for top, left, bottom, right in ((0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 0, 3), (2, 0, 5, 0), (6, 0, 9, 0)):
        table.cell(top, left).merge(table.cell(bottom, right))
    reading = read_bytes(saved(document), "a.docx")
    assert [site.name for site in reading.sites] == ["甲", "乙"]
    beside = docx.Document()
    add(beside, [HEAD + HEAD, *((*a, *b) for a, b in zip(points(1, 3), points(3, 5), strict=True))])
    assert corners(read_bytes(saved(beside), "a.docx")) == pytest.approx(np.array(LONLAT))


@pytest.mark.parametrize(("between", "head"), [("续表1", True), ("", True), ("续表", False)])
def test_a_table_over_two_pages_is_one(between: str, head: bool) -> None:
    document = docx.Document()
    document.add_paragraph("表1 采区拐点坐标")
    add(document, [HEAD, *points(1, 3)])
    document.add_paragraph(between)
    add(document, [*([HEAD] if head else []), *points(3, 5)])
    reading = read_bytes(saved(document), "a.docx")
    assert len(reading.sites) == 1 and corners(reading) == pytest.approx(np.array(LONLAT))
    assert "table_continued" in codes(reading) and reading.sites[0].name == "采区"


def test_a_nested_table_and_superscript_degrees() -> None:
    document = docx.Document()
    outer = document.add_table(1, 2)
    outer.cell(0, 0).text = "坐标"
    inner = outer.cell(0, 1).add_table(4, 3)
    for r, row in enumerate([HEAD, ("1", "118", "43"), ("2", "118", "43"), ("3", "118", "43")]):
        for c, text in enumerate(row):
            paragraph = inner.cell(r, c).paragraphs[0]
            paragraph.add_run(text)
            if r and c:
                mark = paragraph.add_run("0")
                mark.font.superscript = True
                paragraph.add_run(f"{(3, 4, 4)[r - 1] if c == 1 else (36, 36, 37)[r - 1]:02d}′27.05″")
    reading = read_bytes(saved(document), "a.docx")
    expected = [(118 + m / 60 + 27.05 / 3600, 43 + n / 60 + 27.05 / 3600) for m, n in ((3, 36), (4, 36), (4, 37))]
    assert corners(reading) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("between", ["paragraph", "break"])
def test_all_coordinates_in_one_cell_of_a_form(between: str) -> None:
    document = docx.Document()
    table = add(document, [("项目名称", "甲矿"), ("建设地点", "林西县"), ("拐点坐标", "")])
    texts = [f"{lon:.3f}，{lat:.3f}" for lon, lat in LONLAT]
    if between == "break":
        table.cell(2, 1).text = "\n".join(texts)  # line breaks, as python-docx writes them
    else:
        table.cell(2, 1).text = texts[0]
        for text in texts[1:]:
            table.cell(2, 1).add_paragraph(text)
    reading = read_bytes(saved(document), "a.docx")
    assert corners(reading) == pytest.approx(np.array(LONLAT), abs=1e-12) and reading.sites[0].name == "甲矿"
    assert "第 3 行第 2 列的单元格" in reading.sites[0].source and "coordinates_in_cell" in codes(reading)


def test_coordinates_in_the_text_are_points_or_told() -> None:
    words = "项目中心坐标：东经118°03′27″，北纬43°36′00″。县域东经117°38′～118°37′，北纬43°14′～44°15′。"
    document = docx.Document()
    document.add_paragraph(words)
    reading = read_bytes(saved(document), "a.docx")
    assert [site.kind for site in reading.sites] == ["point"] and "coordinates_in_text" in codes(reading)
    assert shapely.get_coordinates(reading.sites[0].geometry)[0] == pytest.approx((118 + 3 / 60 + 27 / 3600, 43.6))
    add(document, [HEAD, *points()])
    reading = read_bytes(saved(document), "a.docx")
    assert [site.kind for site in reading.sites] == ["polygon"] and "text_coordinates_unused" in codes(reading)


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w") as made:
        for entry in source.infolist():
            made.writestr(entry.filename, source.read(entry).replace(old, new))
    return stream.getvalue()


def test_deleted_text_is_not_read_and_changes_are_told() -> None:
    document = docx.Document()
    add(document, [HEAD, *points(1, 4), (99, 118.5, 43.603)])
    run = b"<w:r><w:t>118.5</w:t></w:r>"
    data = replaced(saved(document), run, b"<w:del><w:r><w:delText>118.5</w:delText></w:r></w:del>"
                    b"<w:ins><w:r><w:t>118.0</w:t></w:r></w:ins>")  # fmt: skip
    reading = read_bytes(data, "a.docx")
    assert corners(reading)[-1] == pytest.approx((118.0, 43.603)) and "tracked_changes" in codes(reading)


def test_text_boxes_are_told() -> None:
    document = docx.Document()
    document.add_paragraph("MARK")
    add(document, [HEAD, *points()])
    box = b"<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>E118.1</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
    reading = read_bytes(replaced(saved(document), b"<w:r><w:t>MARK</w:t></w:r>", box), "a.docx")
    assert "text_boxes_unread" in codes(reading)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [(b"PK\x03\x04", "a.docx", "."), (b"x", "a.docx", "不是"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", "docx")],
)
def test_what_is_no_document(data: bytes, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_bytes(data, name)


def test_entities_and_an_empty_document_are_refused() -> None:
    document = docx.Document()
    document.add_paragraph("没有坐标")
    data = saved(document)
    with pytest.raises(InputError, match="没有找到坐标"):
        read_bytes(data, "a.docx")
    with pytest.raises(InputError, match="XML"):
        read_bytes(replaced(data, b"<w:document ", b'<!DOCTYPE a [<!ENTITY b "c">]><w:document '), "a.docx")
