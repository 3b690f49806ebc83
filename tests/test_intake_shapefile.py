"""Shapefiles and zips: text encodings whatever the header says, .prj or none, hostile archives."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import shapely

from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import AmbiguousCrsError, Limits, Options, Reading, read, read_bytes

NAMES = ("大冷山自然保护区", "尾矿库", "模样")  # 模样 in GBK happens to be valid UTF-8 (Latin letters)
SQUARES = [shapely.box(118.0 + i / 10, 43.6, 118.002 + i / 10, 43.602) for i in range(3)]
OLD_PRJ = (
    'GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
KRASSOVSKY_PRJ = (
    'GEOGCS["GCS_Krasovsky_1940",DATUM["D_Krasovsky_1940",SPHEROID["Krasovsky_1940",6378245.0,298.3]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)


def write(
    path: Path,
    shapes: Sequence[shapely.geometry.base.BaseGeometry | None],
    names: tuple[str, ...] = NAMES,
    crs: str = "EPSG:4490",
    encoding: str = "GBK",
) -> Path:
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(np.array(shapes, dtype=object)),
        field_data=[
            np.array(names, dtype=object),
            np.arange(len(names)),
            np.array([1.5, np.nan, 2.0])[: len(names)],
        ],
        fields=["名称", "序", "面积"],
        geometry_type="Polygon",
        crs=crs,
        driver="ESRI Shapefile",
        encoding=encoding,
    )
    return path


def patched(folder: Path, encoding: str, ldid: int | None, names: tuple[str, ...] = NAMES) -> Path:
    """A shapefile in an encoding its .dbf header does not admit."""
    path = write(folder / "图.shp", SQUARES[: len(names)], names, encoding=encoding)
    if ldid is not None:
        path.with_suffix(".cpg").unlink(missing_ok=True)
        table = bytearray(path.with_suffix(".dbf").read_bytes())
        table[29] = ldid
        path.with_suffix(".dbf").write_bytes(table)
    return path


def zipped(folder: Path, under: str = "", only: tuple[str, ...] = ()) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            if not only or file.suffix in only:
                archive.write(file, f"{under}{file.name}")
    return made.getvalue()


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in reading.issues}


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
@pytest.mark.parametrize("ldid", [0x00, 0x57, 0x4D, 0x03, None])
def test_names_survive_whatever_the_header_byte_says(tmp_path: Path, encoding: str, ldid: int | None) -> None:
    reading = read(patched(tmp_path, encoding, ldid))
    assert tuple(site.name for site in reading.sites) == NAMES
    assert dict(reading.sites[1].attributes) == {"名称": "尾矿库", "序": "1", "面积": ""}
    assert ("encoding_guessed" in codes(reading)) is (ldid is not None)


def test_gbk_words_that_are_valid_utf8_by_chance(tmp_path: Path) -> None:
    assert "模".encode("gbk").decode("utf-8") == "ģ"
    path = patched(tmp_path, "GBK", 0x57, ("模",))
    assert read(path).sites[0].name == "模"


def test_a_wrong_cpg_is_found_out(tmp_path: Path) -> None:
    path = patched(tmp_path, "GBK", 0x00)
    path.with_suffix(".cpg").write_text("UTF-8", encoding="ascii")
    reading = read(path)
    assert reading.sites[0].name == NAMES[0]
    assert any(".cpg 写明 UTF-8" in issue.text for issue in reading.issues)


def test_text_cut_in_the_middle_of_a_character_is_still_read(tmp_path: Path) -> None:
    """Ten bytes of a column name hold three UTF-8 characters and a third of the fourth."""
    path = patched(tmp_path, "UTF-8", 0x00)
    table = path.with_suffix(".dbf").read_bytes()
    cut = "保护区名".encode()[:10]
    path.with_suffix(".dbf").write_bytes(table.replace("名称".encode().ljust(10, b"\0"), cut, 1))
    assert dict(read(path).sites[0].attributes)["保护区"] == NAMES[0]


@pytest.mark.parametrize("crs", ["EPSG:4527", "EPSG:4548", "EPSG:4490", "EPSG:4326", "EPSG:32650"])
def test_prj_is_obeyed(tmp_path: Path, crs: str) -> None:
    to = pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True)
    shape = shapely.transform(SQUARES[0], lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))
    site = read(write(tmp_path / "a.shp", [shape], ("甲",), crs)).sites[0]
    assert site.reference.source == crs and site.reference.how == ".prj 写明" and site.reference.declared
    # A millimetre; UTM is in WGS84, which PROJ takes as CGCS2000.
    assert shapely.hausdorff_distance(site.geometry, SQUARES[0]) * 111_320 < 0.001


@pytest.mark.parametrize("prj", [OLD_PRJ, KRASSOVSKY_PRJ])
def test_prj_of_an_old_datum_is_refused(tmp_path: Path, prj: str) -> None:
    path = write(tmp_path / "a.shp", SQUARES[:1], ("甲",))
    path.with_suffix(".prj").write_text(prj, encoding="ascii")
    with pytest.raises(CrsError, match="七参数"):
        read(path)
    path.with_suffix(".prj").write_text("what is this", encoding="ascii")
    with pytest.raises(CrsError, match="prj"):
        read(path)


def test_prj_zone_against_prefix_asks(tmp_path: Path) -> None:
    to = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4528", always_xy=True)
    shape = shapely.transform(SQUARES[0], lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))
    path = write(tmp_path / "a.shp", [shape], ("甲",), "EPSG:4527")
    with pytest.raises(AmbiguousCrsError, match="带号矛盾"):
        read(path)


def test_without_prj_the_figures_decide_or_we_ask(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES[:1], ("甲",))
    path.with_suffix(".prj").unlink()
    reading = read(path)
    assert "datum_assumed" in codes(reading) and reading.sites[0].reference.source == "EPSG:4490"
    to = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4548", always_xy=True)
    shape = shapely.transform(SQUARES[0], lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))
    path = write(tmp_path / "b.shp", [shape], ("甲",), "EPSG:4548")
    path.with_suffix(".prj").unlink()
    with pytest.raises(AmbiguousCrsError):
        read(path)


def test_sample_without_prj_asks_and_reads_gbk(shared: Path) -> None:
    path = shared / "samples" / "shp_gbk" / "liaoheziliuyu.shp"
    with pytest.raises(AmbiguousCrsError, match="--crs"):
        read(path)
    albers = "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=GRS80"
    reading = read(path, Options(crs=albers))
    assert [s.name for s in reading.sites] == ["内流区", "东辽河", "辽河中游", "辽河下游", "大凌河", "西辽河"]
    # The file's own AREA column was computed by whoever drew it (on the same plane).
    for site in reading.sites:
        assert site.area_m2 == pytest.approx(float(dict(site.attributes)["AREA"]), rel=2e-4)


def test_a_zip_of_several_at_any_depth(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "地块.shp", SQUARES[:2], NAMES[:2])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for file in sorted(tmp_path.rglob("*.*")):
            archive.write(file, f"深/{file.parent.name}/更深/{file.name}")
        archive.writestr("__MACOSX/._地块.shp", b"junk")
        archive.writestr("readme.pdf", b"junk")
    reading = read_bytes(made.getvalue(), "全部.zip")
    assert [site.name for site in reading.sites] == [*NAMES[:2], *NAMES[:2]]
    assert len({site.id for site in reading.sites}) == 4
    assert reading.source == "全部.zip" and reading.sites[0].source.startswith("全部.zip/深/one/")


def test_a_zip_written_by_chinese_windows(tmp_path: Path) -> None:
    write(tmp_path / "a.shp", SQUARES[:1], ("甲",))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for file in sorted(tmp_path.iterdir()):
            info = zipfile.ZipInfo("x" * 4 + file.suffix.upper())
            archive.writestr(info, file.read_bytes())
    data = made.getvalue().replace(b"xxxx", "红线".encode("gbk"))
    reading = read_bytes(data, "b.zip")
    assert reading.sites[0].source.startswith("b.zip/红线.SHP")


def test_a_zip_path_reads_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.shp", SQUARES[:1], ("甲",))
    (tmp_path / "a.zip").write_bytes(zipped(tmp_path / "in"))
    assert read(tmp_path / "a.zip").sites[0].name == "甲"


@pytest.mark.parametrize(
    "name", ["../evil.shp", "/evil.shp", "a/../../evil.shp", "..\\evil.shp", "C:\\evil.shp"]
)
def test_names_that_climb_out_are_refused(name: str) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(InputError, match="越界"):
        read_bytes(made.getvalue(), "a.zip")


def test_limits_and_broken_zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for i in range(1001):
            archive.writestr(f"{i}.txt", b"")
    with pytest.raises(InputError, match="1000 个"):
        read_bytes(made.getvalue(), "a.zip")
    with pytest.raises(InputError, match="损坏"):
        read_bytes(b"PK\x03\x04 not a zip", "a.zip")
    write(tmp_path / "a.shp", SQUARES[:1], ("甲",))
    data = zipped(tmp_path)
    with pytest.raises(InputError, match=r"没有 \.shp"):
        read_bytes(zipped(tmp_path, only=(".dbf", ".prj")), "a.zip")
    assert "shx_rebuilt" in codes(read_bytes(zipped(tmp_path, only=(".shp", ".dbf")), "a.zip"))
    locked = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = locked.find(mark)
        while at >= 0:
            locked[at + offset] |= 1
            at = locked.find(mark, at + 4)
    with pytest.raises(InputError, match="密码"):
        read_bytes(bytes(locked), "a.zip")
    with pytest.raises(InputError, match="解压后超过上限"):
        read_bytes(data, "a.zip", Options(limits=Limits(unpacked_bytes=100)))


def test_missing_table_null_shapes_and_garbage(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES[:1], ("甲",))
    path.with_suffix(".dbf").unlink()
    reading = read(path)
    assert reading.sites[0].id == "a-1" and "attributes_missing" in codes(reading)
    path = write(tmp_path / "b.shp", [SQUARES[0], None, SQUARES[1]])
    reading = read(path)
    assert [site.name for site in reading.sites] == [NAMES[0], NAMES[2]]
    assert [i.severity for i in reading.issues if i.code == "feature_unreadable"] == ["error"]
    path.write_bytes(struct.pack(">I", 1) + b"garbage")
    with pytest.raises(InputError, match=r"b\.shp"):
        read(path)


def test_upper_case_parts_and_a_shp_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.shp", SQUARES[:1], ("甲",))
    for file in list(tmp_path.iterdir()):
        file.rename(file.with_name(file.name.upper()))
    assert read(tmp_path / "A.SHP").sites[0].name == "甲"
    with pytest.raises(InputError, match="zip"):
        read_bytes((tmp_path / "A.SHP").read_bytes(), "A.SHP")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_a_damaged_zip_is_a_sentence_whatever_its_method(tmp_path: Path, method: int) -> None:
    write(tmp_path / "a.shp", SQUARES)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for file in sorted(tmp_path.iterdir()):
            archive.write(file, file.name)
    whole = made.getvalue()
    assert len(read_bytes(whole, "a.zip").sites) == 3
    refused = 0
    for start in range(0, min(400, len(whole) - 60), 7):
        damaged = whole[:start] + bytes(byte ^ 0xFF for byte in whole[start : start + 30]) + whole[start + 30 :]
        try:
            read_bytes(damaged, "a.zip")
        except InputError:
            refused += 1
    assert refused > 10
    start = whole.index(b"a.cpg") + 5
    with pytest.raises(InputError, match="zip 文件损坏"):
        read_bytes(whole[:start] + bytes(byte ^ 0xFF for byte in whole[start : start + 9]) + whole[start + 9 :], "a.zip")


def test_points_of_one_record_are_sites_of_their_own(tmp_path: Path) -> None:
    pyogrio.raw.write(
        tmp_path / "p.shp",
        geometry=np.array([shapely.to_wkb(shapely.MultiPoint([(118.0, 43.6), (118.1, 43.7)]))], dtype=object),
        field_data=[np.array(["W"], dtype=object)], fields=["id"], geometry_type="MultiPoint", crs="EPSG:4490",
    )  # fmt: skip
    reading = read(tmp_path / "p.shp")
    assert [(s.id, s.kind) for s in reading.sites] == [("W-1", "point"), ("W-2", "point")]
    assert all("multipoint_split" in {i.code for i in s.issues} for s in reading.sites)


def records(path: Path) -> list[tuple[int, int]]:
    """Offset and length in bytes of each record's content, by the .shp alone."""
    data, at, found = path.read_bytes(), 100, []
    while at < len(data):
        length = struct.unpack_from(">i", data, at + 4)[0] * 2
        found.append((at, length))
        at += 8 + length
    return found


@pytest.mark.parametrize("how", ["absent", "empty", "swapped", "short", "wild"])
def test_a_missing_or_contradicting_index_is_made_anew(tmp_path: Path, how: str) -> None:
    path = write(tmp_path / "a.shp", SQUARES)
    index = path.with_suffix(".shx")
    whole = index.read_bytes()
    made = {
        "empty": b"", "swapped": whole[:100] + whole[108:116] + whole[100:108] + whole[116:], "short": whole[:108],
        "wild": whole[:100] + b"\x7f" * 24,
    }  # fmt: skip
    index.unlink() if how == "absent" else index.write_bytes(made[how])
    reading = read(path)
    assert [site.name for site in reading.sites] == list(NAMES) and "shx_rebuilt" in codes(reading)
    assert all(site.geometry.equals(truth) for site, truth in zip(reading.sites, SQUARES, strict=True))
    assert index.exists() is (how != "absent")


def test_an_index_is_trusted_where_an_editor_left_a_gap(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES)
    (_, _), (second, length), _ = records(path)
    data = bytearray(path.read_bytes())
    data[second + 4 : second + 8] = b"\xff\xff\xff\xff"  # what was record 2 is now nothing
    path.write_bytes(data)
    index = path.with_suffix(".shx")
    held = bytearray(index.read_bytes())
    del held[108:116]
    held[24:28] = struct.pack(">i", len(held) // 2)
    index.write_bytes(held)
    table = path.with_suffix(".dbf")
    rows = bytearray(table.read_bytes())
    head, width = struct.unpack_from("<HH", rows, 8)
    del rows[head + width : head + 2 * width]
    rows[4:8] = struct.pack("<I", 2)
    table.write_bytes(rows)
    assert length > 0 and [site.name for site in read(path).sites] == [NAMES[0], NAMES[2]]


def test_a_truncated_shp_is_refused_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES)
    whole = path.read_bytes()
    for keep in range(1, len(whole), 13):
        path.write_bytes(whole[:keep])
        with pytest.raises(InputError, match=r"a\.shp：.*(不完整|不是有效)"):
            read(path)


def test_a_table_of_another_length_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES)
    table = path.with_suffix(".dbf")
    whole = table.read_bytes()
    for count in (2, 4):
        table.write_bytes(whole[:4] + struct.pack("<I", count) + whole[8:])
        (issue,) = [i for i in read(path).issues if i.code == "dbf_mismatch"]
        assert issue.severity == "error" and f"{count} 条" in issue.text and "3 个" in issue.text
    table.write_bytes(whole[:-60])
    with pytest.raises(InputError, match=r"属性表（\.dbf）不完整"):
        read(path)


def test_rows_marked_deleted_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES)
    table = path.with_suffix(".dbf")
    rows = bytearray(table.read_bytes())
    head, width = struct.unpack_from("<HH", rows, 8)
    rows[head + width] = ord("*")
    table.write_bytes(rows)
    reading = read(path)
    assert [site.name for site in reading.sites] == [NAMES[0], NAMES[2]]
    assert any(i.code == "features_lost" for i in reading.issues)


@pytest.mark.parametrize(("z", "told"), [(0.0, False), (812.5, True)])
def test_heights_and_measures(tmp_path: Path, z: float, told: bool) -> None:
    pyogrio.raw.write(
        tmp_path / "z.shp", geometry=np.array([shapely.to_wkb(shapely.force_3d(SQUARES[0], z))], dtype=object),
        field_data=[np.array(["W"], dtype=object)], fields=["id"], geometry_type="Polygon Z", crs="EPSG:4490",
    )  # fmt: skip
    reading = read(tmp_path / "z.shp")
    assert reading.sites[0].geometry.equals(SQUARES[0]) and ("z_dropped" in codes(reading)) is told


def test_a_hole_is_told_by_its_direction(tmp_path: Path) -> None:
    outer, inner = shapely.box(118.0, 43.6, 118.01, 43.61), shapely.box(118.002, 43.602, 118.004, 43.604)
    holed = shapely.Polygon(outer.exterior, [inner.exterior])
    apart = shapely.MultiPolygon([holed, shapely.box(118.02, 43.6, 118.03, 43.61)])
    reading = read(write(tmp_path / "a.shp", [holed, apart], NAMES[:2]))
    assert reading.sites[0].geometry.equals(holed) and reading.sites[1].geometry.equals(apart)


def test_surfaces_in_space_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES)
    data = bytearray(path.read_bytes())
    data[32:36] = struct.pack("<i", 31)
    path.write_bytes(data)
    with pytest.raises(InputError, match="MultiPatch"):
        read(path)


def test_nul_and_control_characters_are_not_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES[:1], ("AxxB",), encoding="UTF-8")
    table = path.with_suffix(".dbf")
    table.write_bytes(table.read_bytes().replace(b"AxxB", b"A\x01\x07B"))
    assert dict(read(path).sites[0].attributes)["名称"] == "AB"


@pytest.mark.parametrize("stated", ["ISO-8859-1", "1252", "zlib", "punycode", "x" * 5000, "UTF-16"])
def test_a_cpg_that_no_chinese_fits_is_found_out(tmp_path: Path, stated: str) -> None:
    path = patched(tmp_path, "GBK", 0x78)
    path.with_suffix(".cpg").write_text(stated, encoding="ascii")
    reading = read(path)
    assert tuple(site.name for site in reading.sites) == NAMES and "encoding_guessed" in codes(reading)


def test_a_prj_nobody_knows_can_be_overruled(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", SQUARES[:1], ("甲",))
    path.with_suffix(".prj").write_text("某地方坐标系", encoding="gbk")
    with pytest.raises(CrsError, match="某地方坐标系"):
        read(path)
    assert read(path, Options(crs="EPSG:4490")).sites[0].geometry.equals(SQUARES[0])
