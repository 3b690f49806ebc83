"""The door: missing, empty, huge, unknown and unreadable files; encodings; limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from linxi_gis.errors import InputError
from linxi_gis.intake import Limits, Options, read, read_bytes, read_geojson, read_text
from linxi_gis.intake.encoding import decode

TABLE = "地块,经度,纬度\n大冷山,118.0,43.6\n大冷山,118.1,43.6\n大冷山,118.1,43.7\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_names_survive_every_encoding(encoding: str) -> None:
    reading = read_bytes(TABLE.encode(encoding), "表.csv")
    assert reading.sites[0].name == "大冷山"
    guessed = {issue.code for issue in reading.issues} & {issue.code for issue in reading.sites[0].issues}
    assert ("encoding_guessed" in guessed) is (encoding in ("gbk", "gb18030", "utf-16-le", "utf-16-be"))


def test_text_that_no_encoding_explains_is_refused() -> None:
    for data in (
        "plot,café,naïve,été\n1,118.0,43.6".encode("latin-1"),
        "北海道,東京都,118".encode("shift-jis"),
        b"\xff\xfe\x00",
    ):
        with pytest.raises(InputError):
            read_bytes(data, "a.csv")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(range(256)) * 8, b"MZ\x90\0\3\0\0\0" * 99]
)
def test_binary_is_refused_whatever_its_suffix(data: bytes) -> None:
    for name in ("a.txt", "a.csv", "a.geojson"):
        with pytest.raises(InputError, match="a\\."):
            read_bytes(data, name)


def test_plain_ascii_needs_no_guess() -> None:
    assert decode(b"118.0,43.6", "a.csv") == ("118.0,43.6", ())


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="不存在"):
        read(tmp_path / "无.csv")
    for name, content in (
        ("a.csv", b""),
        ("b.txt", b" \n\n"),
        ("c.geojson", b""),
        ("d.zip", b""),
        ("e.shp", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name}：文件是空的"):
            read(tmp_path / name)
    for text in ("", "  \n"):
        with pytest.raises(InputError):
            read_text(text)
        with pytest.raises(InputError):
            read_geojson(text)


@pytest.mark.parametrize("name", ["a.pdf", "a.png", "a"])
def test_unknown_formats_say_what_is_known_and_how_to_convert(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match="QGIS") as caught:
        read(tmp_path / name)
    assert ".geojson" in str(caught.value) and ".csv" in str(caught.value)
    with pytest.raises(InputError):
        read_bytes(b"x", name)


def test_parts_of_a_shapefile_ask_for_the_whole() -> None:
    for suffix in (".dbf", ".prj", ".shx", ".cpg"):
        with pytest.raises(InputError, match="shapefile 的一部分"):
            read_bytes(b"x", f"a{suffix}")


def test_limits_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="个拐点，超过上限 2 个"):
        read_text(TABLE, Options(limits=Limits(vertices=2)))
    with pytest.raises(InputError, match="个图形，超过上限 0 个"):
        read_text(TABLE, Options(limits=Limits(features=0)))
    small = Options(limits=Limits(file_bytes=10))
    (tmp_path / "a.csv").write_text(TABLE, encoding="utf-8")
    with pytest.raises(InputError, match="超过上限"):
        read(tmp_path / "a.csv", small)
    with pytest.raises(InputError, match="超过上限"):
        read_text(TABLE, small)
    with pytest.raises(InputError, match="超过上限"):
        read_bytes(b"1" * 11, "a.csv", small)


def test_the_name_given_replaces_the_files_own() -> None:
    reading = read_bytes(TABLE.encode(), "tmp123.csv", Options(source_name="上传：项目.csv"))
    assert reading.source == "上传：项目.csv" and reading.sites[0].source == "上传：项目.csv:大冷山"
    with pytest.raises(InputError, match=r"上传：项目\.csv"):
        read_bytes(b"x", "tmp123.csv", Options(source_name="上传：项目.csv"))


def test_json_under_a_text_suffix_is_still_json() -> None:
    assert read_bytes(b'{"type":"Point","coordinates":[118,43.6]}', "a.txt").format == "GeoJSON"
