"""Zips and folders: several formats at once, what is ignored, hostile archives, suffixes that lie."""

from __future__ import annotations

import inspect
import io
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely
import xlsxwriter

from linxi_gis.errors import InputError
from linxi_gis.intake import Limits, Options, Reading, formats, read, read_bytes

SQUARE = shapely.box(118.0, 43.6, 118.002, 43.602)
GEOJSON = (
    '{"type":"Feature","properties":{"name":"乙"},"geometry":{"type":"Polygon","coordinates":'
    "[[[118.1,43.6],[118.2,43.6],[118.2,43.7],[118.1,43.6]]]}}"
)
KML = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>丁</name><Point><coordinates>118.3,43.6</coordinates>'
    "</Point></Placemark></kml>"
)
CSV = "地块,经度,纬度\n丙,118.0,43.6\n丙,118.1,43.6\n丙,118.1,43.7\n"
DRIVERS = {".shp": "ESRI Shapefile", ".gpkg": "GPKG", ".fgb": "FlatGeobuf"}


def write(path: Path, name: str = "甲") -> Path:
    pyogrio.raw.write(
        path, geometry=np.array([shapely.to_wkb(SQUARE)], dtype=object), field_data=[np.array([name], dtype=object)],
        fields=["name"], geometry_type="Polygon", crs="EPSG:4490", driver=DRIVERS[path.suffix], encoding="UTF-8",
    )  # fmt: skip
    return path


def packed(entries: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return made.getvalue()


def parts(folder: Path, under: str = "") -> dict[str, bytes | str]:
    return {f"{under}{file.name}": file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in reading.issues}


def test_a_zip_of_every_format_at_once_in_order_of_names(tmp_path: Path) -> None:
    write(tmp_path / "s.shp", "壬")
    entries = {
        "1/a.csv": CSV, "2/b.geojson": GEOJSON, "3/c.kmz": packed({"doc.kml": KML}), "4/d.kml": KML,
        **parts(tmp_path, "5/"), "readme.pdf": b"%PDF", "5/s.shp.xml": b"<x/>", "5/s.sbn": b"x",
        "Thumbs.db": b"x", ".DS_Store": b"x", "__MACOSX/5/._s.shp": b"x", "说明.txt": "本资料由某单位提供，2023年10月。",
    }  # fmt: skip
    reading = read_bytes(packed(entries), "全.zip")
    assert [site.name for site in reading.sites] == ["丙", "乙", "丁", "丁", "壬"]
    assert reading.sites[1].source.startswith("全.zip/2/b.geojson")
    (told,) = [issue.text for issue in reading.issues if issue.code == "zip_ignored"]
    assert all(name in told for name in ("readme.pdf", "s.shp.xml", "s.sbn", "说明.txt"))
    assert not any(name in told for name in ("Thumbs", "DS_Store", "MACOSX"))


def test_one_that_cannot_be_read_is_an_error_and_the_others_are_read(tmp_path: Path) -> None:
    write(tmp_path / "s.shp")
    reading = read_bytes(packed({**parts(tmp_path), "b.gpkg": b"broken"}), "a.zip")
    (issue,) = [issue for issue in reading.issues if issue.code == "file_unreadable"]
    assert issue.severity == "error" and "a.zip/b.gpkg" in issue.text and len(reading.sites) == 1
    with pytest.raises(InputError, match=r"b\.gpkg"):
        read_bytes(packed({"b.gpkg": b"broken"}), "a.zip")


def test_a_zip_in_a_zip_is_refused_with_what_to_do() -> None:
    inner = packed({"a.geojson": GEOJSON})
    with pytest.raises(InputError, match=r"里\.zip.*请解压后提交里面的 zip"):
        read_bytes(packed({"里.zip": inner}), "a.zip")
    reading = read_bytes(packed({"里.zip": inner, "b.geojson": GEOJSON}), "a.zip")
    assert any(i.code == "zip_ignored" and "里.zip" in i.text for i in reading.issues)


@pytest.mark.parametrize(("magic", "said"), [(b"Rar!\x1a\x07\x01\0", "RAR"), (b"7z\xbc\xaf\x27\x1c\0\4", "7z")])
def test_other_archives_are_named(magic: bytes, said: str) -> None:
    for name in ("a.zip", "a.rar", "a.shp", "a"):
        with pytest.raises(InputError, match=f"{said}.*请改用 zip"):
            read_bytes(magic + bytes(50), name)


def test_links_and_doubles_are_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("a.geojson")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="链接"):
        read_bytes(made.getvalue(), "a.zip")
    doubled = packed({"a.geojson": GEOJSON, "A.GEOJSON": GEOJSON})
    with pytest.raises(InputError, match="两个文件都叫"):
        read_bytes(doubled, "a.zip")


def test_a_bomb_is_stopped_by_what_comes_out_not_by_what_it_declares() -> None:
    bomb = bytearray(packed({"a.geojson": bytes(40 * 1024**2)}))
    with pytest.raises(InputError, match="压缩比"):
        read_bytes(bytes(bomb), "a.zip")
    with pytest.raises(InputError, match="解压后超过上限"):
        read_bytes(bytes(bomb), "a.zip", Options(limits=Limits(unpacked_bytes=1024)))
    at = bomb.index(b"PK\x01\x02") + 24
    bomb[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(InputError):
        read_bytes(bytes(bomb), "a.zip")


def test_gbk_names_inside() -> None:
    data = packed({"xxxx.geojson": GEOJSON, "yyyy.pdf": b"x"})
    data = data.replace(b"xxxx", "红线".encode("gbk")).replace(b"yyyy", "说明".encode("gbk"))
    reading = read_bytes(data, "a.zip")
    assert reading.sites[0].source.startswith("a.zip/红线.geojson")
    assert any("说明.pdf" in issue.text for issue in reading.issues)


def test_a_folder_reads_as_a_zip_does(tmp_path: Path) -> None:
    for name in ("一", "二"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "a.shp", name)
    write(tmp_path / "三.gpkg", "三")
    (tmp_path / "readme.pdf").write_bytes(b"x")
    reading = read(tmp_path)
    assert sorted(site.name for site in reading.sites) == sorted(["一", "二", "三"])
    assert "zip_ignored" in codes(reading)
    with pytest.raises(InputError, match="文件夹里的文件超过上限 3 个"):
        read(tmp_path, Options(limits=Limits(zip_entries=3)))
    with pytest.raises(InputError, match="超过上限"):
        read(tmp_path, Options(limits=Limits(unpacked_bytes=100)))


def test_an_empty_folder_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="空"):
        read(tmp_path)
    (tmp_path / "图.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match=r"图\.jpg"):
        read(tmp_path)


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "out" / "a.geojson").write_text(GEOJSON, encoding="utf-8")
    try:
        (tmp_path / "in" / "a.geojson").symlink_to(tmp_path / "out" / "a.geojson")
    except OSError:
        pytest.skip("links need a privilege here")
    with pytest.raises(InputError, match="空"):
        read(tmp_path / "in")


@pytest.mark.parametrize("name", ["a.txt", "a.shp", "a.zip", "a", "a.dat"])
@pytest.mark.parametrize("suffix", [".gpkg", ".fgb"])
def test_content_wins_over_a_suffix_that_lies(tmp_path: Path, suffix: str, name: str) -> None:
    data = write(tmp_path / f"in{suffix}").read_bytes()
    (tmp_path / name).write_bytes(data)
    for reading in (read_bytes(data, name), read(tmp_path / name)):
        assert reading.sites[0].name == "甲" and "suffix_mismatch" in codes(reading)


def test_zips_under_other_suffixes(tmp_path: Path) -> None:
    write(tmp_path / "a.shp")
    data = packed(parts(tmp_path))
    for name in ("a.shp", "a.kmz", "a.rar", "a.geojson"):
        reading = read_bytes(data, name)
        assert reading.sites[0].name == "甲" and "suffix_mismatch" in codes(reading)
    assert "suffix_mismatch" not in codes(read_bytes(data, "A.ZIP"))
    data = (tmp_path / "a.shp").read_bytes()
    (tmp_path / "b.txt").write_bytes(data)
    with pytest.raises(InputError, match=r"单独的 \.shp"):
        read_bytes(data, "a.txt")
    with pytest.raises(InputError, match=r"单独的 \.shp"):
        read(tmp_path / "b.txt")
    with pytest.raises(InputError, match=r"单独的 \.shp"):
        read_bytes(packed({"b.txt": data + b" 118.00,43.60"}), "a.zip")


def test_every_reader_that_is_imported_later_exists() -> None:
    named = re.findall(r'_later\("(\w+)", "(\w+)"\)', inspect.getsource(formats))
    assert {"sheets", "worddoc", "bundle", "containers", "kml", "kmz", "gpx", "dxf"} <= {module for module, _ in named}
    for module, name in named:
        read = getattr(import_module(f"linxi_gis.intake.{module}"), name)
        assert [p.kind.name for p in inspect.signature(read).parameters.values()] == ["POSITIONAL_OR_KEYWORD"] * 3


# --- one reader for every kind of zip ----------------------------------------------------------------------


def workbook() -> dict[str, bytes | str]:
    """The entries of a workbook with three corners."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate(CSV.splitlines()):
            sheet.write_row(row, 0, line.split(","))
    with zipfile.ZipFile(made) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# What a good one holds, and the suffix of an entry that is read.
KINDS: dict[str, tuple[Callable[[], dict[str, bytes | str]], str]] = {
    "a.zip": (lambda: {"a.geojson": GEOJSON}, ".geojson"),
    "a.kmz": (lambda: {"doc.kml": KML}, ".kml"),
    "a.xlsx": (workbook, ".xml"),
}
every_kind = pytest.mark.parametrize("name", list(KINDS))


def entry(name: str, link: bool = False) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = ((stat.S_IFLNK | 0o777) if link else 0o644) << 16
    return info


def with_more(name: str, *more: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    made = io.BytesIO(packed(KINDS[name][0]()))
    with zipfile.ZipFile(made, "a") as archive:
        for info, content in more:
            archive.writestr(info, content)
    return made.getvalue()


@every_kind
def test_a_good_one_of_each_kind_is_read(name: str) -> None:
    assert len(read_bytes(with_more(name), name).sites) == 1


@every_kind
@pytest.mark.parametrize("path", ["../evil", "x/../../evil", "..\\evil", "C:\\evil", ".\u202e./evil"])
def test_no_kind_takes_names_that_climb(name: str, path: str) -> None:
    with pytest.raises(InputError, match="越界的路径"):
        read_bytes(with_more(name, (entry(path + KINDS[name][1]), b"x")), name)


@every_kind
def test_an_absolute_name_is_refused_where_names_have_no_root(name: str) -> None:
    """In Office files a slash in front is only a way of writing."""
    data = with_more(name, (entry("/evil" + KINDS[name][1]), b"<x/>"))
    if name == "a.xlsx":
        assert len(read_bytes(data, name).sites) == 1
    else:
        with pytest.raises(InputError, match="越界的路径"):
            read_bytes(data, name)


@every_kind
def test_no_kind_takes_links_or_doubles(name: str) -> None:
    suffix = KINDS[name][1]
    with pytest.raises(InputError, match="是链接，不是文件"):
        read_bytes(with_more(name, (entry("b" + suffix, link=True), b"x")), name)
    with pytest.raises(InputError, match="两个文件都叫"):
        read_bytes(with_more(name, (entry("b" + suffix), b"x"), (entry("B" + suffix.upper()), b"y")), name)


@every_kind
def test_every_kind_is_bounded(name: str) -> None:
    count = len(KINDS[name][0]())
    with pytest.raises(InputError, match=rf"里有 {count + 1} 个文件，超过上限 {count} 个（--limit zip_entries=）"):
        read_bytes(with_more(name, (entry("b" + KINDS[name][1]), b"x")), name, Options(limits=Limits(zip_entries=count)))
    with pytest.raises(InputError, match="解压后超过上限"):
        read_bytes(with_more(name), name, Options(limits=Limits(unpacked_bytes=100)))
    bomb = with_more(name, (entry("b" + KINDS[name][1]), bytes(40 * 1024**2)))
    with pytest.raises(InputError, match="压缩比超过上限 300 倍"):
        read_bytes(bomb, name)


@every_kind
def test_every_kind_tells_a_password_and_damage(name: str) -> None:
    locked = bytearray(with_more(name))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := locked.find(magic, at + 1)) >= 0:
            locked[at + offset] |= 1
    with pytest.raises(InputError, match="有密码"):
        read_bytes(bytes(locked), name)
    with pytest.raises(InputError, match="损坏"):
        read_bytes(with_more(name)[:-30], name)


def test_pictures_of_an_office_file_count() -> None:
    """What opens the file afterwards unpacks them all."""
    data = with_more("a.xlsx", (entry("xl/media/a.bmp"), bytes(range(256)) * 4000))
    with pytest.raises(InputError, match="解压后超过上限"):
        read_bytes(data, "a.xlsx", Options(limits=Limits(unpacked_bytes=1_000_000)))
