"""GeoPackage, FlatGeobuf, File Geodatabase and MapInfo: every layer, its own system, nothing followed."""

from __future__ import annotations

import io
import sqlite3
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

SQUARE = shapely.box(118.0, 43.6, 118.002, 43.602)
OTHER = shapely.box(118.1, 43.6, 118.102, 43.602)
NAMES = ("大冷山自然保护区", "尾矿库")
DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".gdb": "OpenFileGDB", ".tab": "MapInfo File", ".mif": "MapInfo File"}
# 1e-8 degrees is a millimetre; MapInfo writes whole steps of its own grid.
MM_DEG = 1e-8


def projected(shape: shapely.geometry.base.BaseGeometry, crs: str) -> shapely.geometry.base.BaseGeometry:
    to = pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True)
    return shapely.transform(shape, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))


def write(
    path: Path,
    shapes: Sequence[shapely.geometry.base.BaseGeometry | None],
    names: Sequence[str] = NAMES,
    crs: str | None = "EPSG:4490",
    kind: str = "Unknown",
    field: str = "名称",
    **more: object,
) -> Path:
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(np.array(shapes, dtype=object)) if kind != "None" else None,
        field_data=[np.array(names[: len(shapes)], dtype=object), np.array([1.5] * len(shapes))],
        fields=[field, "面积" if field == "名称" else "AREA"],
        geometry_type=None if kind == "None" else kind,
        crs=crs,
        driver=DRIVERS[path.suffix],
        **more,
    )
    return path


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in reading.issues} | {i.code for s in reading.sites for i in s.issues}


def off_deg(site_shape: shapely.geometry.base.BaseGeometry, truth: shapely.geometry.base.BaseGeometry) -> float:
    return shapely.hausdorff_distance(site_shape, truth)


def zipped(folder: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"上报/深处/{file.relative_to(folder).as_posix()}")
    return made.getvalue()


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4527", "EPSG:4548", "EPSG:32650"])
@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".gdb"])
def test_a_layer_is_read_in_its_own_system(tmp_path: Path, suffix: str, crs: str) -> None:
    shapes = [projected(shape, crs) for shape in (SQUARE, OTHER)]
    path = write(tmp_path / f"地块{suffix}", shapes, crs=crs, kind="MultiPolygon" if suffix == ".gdb" else "Polygon")
    reading = read(path)
    # FlatGeobuf keeps features in the order of its index, not of the writer.
    sites = sorted(reading.sites, key=lambda site: site.geometry.bounds)
    assert [site.name for site in sites] == list(NAMES)
    assert dict(sites[0].attributes) == {"名称": NAMES[0], "面积": "1.5"}
    for site, truth in zip(sites, (SQUARE, OTHER), strict=True):
        assert off_deg(site.geometry, truth) < MM_DEG
        assert site.reference.declared and site.reference.how.endswith("写明")
    if suffix != ".gdb":
        uploaded = read_bytes(path.read_bytes(), path.name)
        assert uploaded.sites[1].geometry.equals(reading.sites[1].geometry)


@pytest.mark.parametrize("suffix", [".gpkg", ".gdb"])
def test_every_layer_with_its_own_system_and_tables_are_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    kind = "MultiPolygon"
    write(path, [projected(SQUARE, "EPSG:4527")], crs="EPSG:4527", layer="红线", kind=kind)
    write(path, [OTHER], NAMES[1:], layer="林地", kind=kind, append=True)
    write(path, [None], layer="台账", kind="None", crs=None, append=True)
    reading = read(path)
    assert [dict(site.attributes)["图层"] for site in reading.sites] == ["红线", "林地"]
    assert [site.reference.source for site in reading.sites] == ["EPSG:4527", "EPSG:4490"]
    assert off_deg(reading.sites[0].geometry, SQUARE) < MM_DEG
    assert "图层 红线" in reading.sites[0].reference.how
    assert {"several_layers", "table_without_geometry"} <= codes(reading)
    assert any("台账" in issue.text for issue in reading.issues)


def test_a_table_alone_is_no_site(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="台账"):
        read(write(tmp_path / "a.gpkg", [None], layer="台账", kind="None", crs=None))


@pytest.mark.parametrize("srs_id", [0, -1])
def test_an_undefined_system_goes_to_the_court(tmp_path: Path, srs_id: int) -> None:
    path = write(tmp_path / "a.gpkg", [projected(SQUARE, "EPSG:4548")], kind="Polygon", crs="EPSG:4548")
    with sqlite3.connect(path) as database:
        for trigger in database.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger[0]}"')
        database.execute("UPDATE gpkg_contents SET srs_id=?", (srs_id,))
        database.execute("UPDATE gpkg_geometry_columns SET srs_id=?", (srs_id,))
    database.close()
    with pytest.raises(AmbiguousCrsError):
        read(path)
    site = read(path, Options(crs="EPSG:4548")).sites[0]
    assert off_deg(site.geometry, SQUARE) < MM_DEG


def test_views_and_triggers_are_taken_out_before_gdal_looks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], kind="Polygon", layer="t")
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x AS fid, NULL AS geom FROM c"
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE VIEW v AS {endless}")
        database.execute("INSERT INTO gpkg_contents(table_name, data_type, identifier, srs_id) VALUES('v','features','v',4490)")
        database.execute("INSERT INTO gpkg_geometry_columns VALUES('v','geom','POLYGON',4490,0,0)")
        database.execute("CREATE TRIGGER evil BEFORE DELETE ON gpkg_contents BEGIN SELECT * FROM v; END")
    database.close()
    before = path.read_bytes()
    reading = read(path)
    assert len(reading.sites) == 1 and "views_ignored" in codes(reading)
    assert path.read_bytes() == before


def test_a_virtual_table_or_a_bare_database_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], kind="Polygon")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA writable_schema=ON")
        database.execute(
            "INSERT INTO sqlite_master VALUES('table','w','w',0,'CREATE VIRTUAL TABLE w USING VirtualOGR(''/etc/passwd'')')"
        )
    database.close()
    with pytest.raises(InputError, match="virtualogr"):
        read(path)
    bare = tmp_path / "b.gpkg"
    with sqlite3.connect(bare) as database:
        database.execute("CREATE TABLE t(a)")
    database.close()
    with pytest.raises(InputError, match="不是 GeoPackage"):
        read(bare)


def test_unsaved_edits_beside_a_package_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], kind="Polygon")
    (tmp_path / "a.gpkg-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(60))
    assert "unsaved_edits" in codes(read(path))


def test_arcs_become_chords_and_are_told(tmp_path: Path) -> None:
    """A circle of 100 m radius given as two arcs: its area is pi r², the chords lie within a millimetre."""
    path = write(tmp_path / "a.gpkg", [projected(SQUARE, "EPSG:4548")], kind="Unknown", crs="EPSG:4548", layer="t")
    x, y, r = 580_000.0, 4_830_000.0, 100.0
    points = [(x + r, y), (x, y + r), (x - r, y), (x, y - r), (x + r, y)]
    ring = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<dd", *point) for point in points)
    blob = b"GP\0\x01" + struct.pack("<i", 4548) + struct.pack("<BII", 1, 10, 1) + ring
    with sqlite3.connect(path) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE t SET geom=?", (blob,))
    database.close()
    reading = read(path)
    assert "curves_linearised" in codes(reading)
    assert reading.sites[0].planar_area_m2 == pytest.approx(np.pi * r * r, rel=1e-5)


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".gdb"])
def test_heights_are_told_when_they_are_not_zero(tmp_path: Path, suffix: str) -> None:
    for name, z, told in (("flat", 0.0, False), ("high", 812.5, True)):
        shape = shapely.force_3d(SQUARE, z)
        path = write(tmp_path / f"{name}{suffix}", [shape], kind="MultiPolygon Z" if suffix == ".gdb" else "Polygon Z")
        reading = read(path)
        assert ("z_dropped" in codes(reading)) is told
        assert off_deg(reading.sites[0].geometry, SQUARE) < MM_DEG and not reading.sites[0].geometry.has_z


def test_mixed_kinds_and_null_shapes(tmp_path: Path) -> None:
    mixed = shapely.GeometryCollection([SQUARE, shapely.Point(118.3, 43.6)])
    reading = read(write(tmp_path / "a.gpkg", [mixed, None], NAMES))
    assert [site.kind for site in reading.sites] == ["polygon", "point"]
    assert [i.code for i in reading.issues if i.severity == "error"] == ["feature_unreadable"]


def test_text_broken_before_it_came_is_repaired_in_the_label_alone(tmp_path: Path) -> None:
    broken = "尾矿库".encode().decode("latin-1")
    site = read(write(tmp_path / "a.gpkg", [SQUARE], (broken,), kind="Polygon")).sites[0]
    assert site.name == "尾矿库" and dict(site.attributes)["名称"] == broken
    assert "mojibake_suspected" in {issue.code for issue in site.issues}


@pytest.mark.parametrize("how", ["folder", "zip", "zip of the contents", "renamed folder"])
def test_a_geodatabase_however_it_is_packed(tmp_path: Path, how: str) -> None:
    (tmp_path / "in").mkdir()
    folder = write(tmp_path / "in" / "项目.gdb", [SQUARE], kind="MultiPolygon")
    (folder / "a00000009.gdbtable.sr.lock").write_bytes(b"")
    if how == "folder":
        reading = read(tmp_path / "in")
    elif how == "renamed folder":
        reading = read(folder.rename(tmp_path / "数据"))
    else:
        reading = read_bytes(zipped(tmp_path / "in" if how == "zip" else folder), "a.zip")
    assert [site.name for site in reading.sites] == [NAMES[0]]
    assert off_deg(reading.sites[0].geometry, SQUARE) < MM_DEG


def test_a_geodatabase_without_its_first_table_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gdb", [SQUARE], kind="MultiPolygon")
    (path / "a00000001.gdbtable").unlink()
    with pytest.raises(InputError, match=r"a\.gdb"):
        read(path)


def mapinfo(folder: Path, suffix: str, crs: str | None = "EPSG:4548", encoding: str = "GBK", charset: str = "") -> Path:
    """A MapInfo table whose texts are in `encoding`, whatever its charset line says."""
    shape = projected(SQUARE, crs) if crs else SQUARE
    # Latin letters for bytes: the writer passes them through its 8-bit charset.
    path = write(folder / f"地块{suffix}", [shape], ("x" * 6,), crs=crs, field="MC")
    data = path.with_suffix(".dat" if suffix == ".tab" else ".mid")
    data.write_bytes(data.read_bytes().replace(b"x" * 6, "尾矿库".encode(encoding).ljust(6)))
    text = path.read_bytes().replace(b'"Neutral"', f'"{charset or "Neutral"}"'.encode())
    path.write_bytes(text.replace(b"\n  MC ", "\n  名称 ".encode(encoding)).replace(b"    MC ", "    名称 ".encode(encoding)))
    return path


@pytest.mark.parametrize("charset", ["Neutral", "WindowsSimpChinese", "WindowsLatin1"])
@pytest.mark.parametrize("suffix", [".tab", ".mif"])
def test_mapinfo_texts_whatever_the_charset_says(tmp_path: Path, suffix: str, charset: str) -> None:
    path = mapinfo(tmp_path, suffix, charset=charset)
    assert charset.encode() in path.read_bytes()
    reading = read(path)
    assert reading.sites[0].name == "尾矿库" and dict(reading.sites[0].attributes)["名称"] == "尾矿库"
    assert ("encoding_guessed" in codes(reading)) is (charset != "WindowsSimpChinese")
    # GDAL writes a .tab in steps of 14 mm: the bounds of the projection in 2**32 parts.
    assert off_deg(reading.sites[0].geometry, SQUARE) < (2e-7 if suffix == ".tab" else MM_DEG)
    again = read_bytes(zipped(tmp_path), "a.zip")
    assert again.sites[0].geometry.equals(reading.sites[0].geometry)


@pytest.mark.parametrize("suffix", [".tab", ".mif", ".gpkg", ".fgb", ".gdb"])
@pytest.mark.parametrize(
    ("crs", "said"), [("EPSG:4610", "西安80"), ("EPSG:4214", "北京54"), ("EPSG:2363", "西安80"), ("EPSG:2431", "北京54")]
)
def test_an_old_datum_is_refused(tmp_path: Path, suffix: str, crs: str, said: str) -> None:
    kind = "MultiPolygon" if suffix == ".gdb" else "Unknown"
    with pytest.raises(CrsError, match=said):
        read(write(tmp_path / f"a{suffix}", [projected(SQUARE, crs)], ("A",), crs=crs, field="MC", kind=kind))


def test_mapinfo_of_no_system_asks(tmp_path: Path) -> None:
    path = mapinfo(tmp_path, ".mif")
    path.write_bytes(b"".join(line for line in path.read_bytes().splitlines(True) if b"CoordSys" not in line))
    with pytest.raises(AmbiguousCrsError):
        read(path)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("Type NATIVE", "Type LINKED", "LINKED"),
        ("Type NATIVE", 'File "/etc/passwd"\n  Type "RASTER"', "RASTER"),
        ("Definition Table", "create view x as\nOpen Table \"C:\\x\"", "引用"),
        ("Fields", 'File "x.dat"\n  Fields', "引用"),
        ("!version", 'begin_metadata\n"\\IsSeamless" = "TRUE"\nend_metadata\n!version', "无缝"),
        ("!table", "?table", "不支持|不是|编码|二进制|坐标"),
    ],
)
def test_a_tab_that_refers_elsewhere_is_refused(tmp_path: Path, was: str, now: str, said: str) -> None:
    path = mapinfo(tmp_path, ".tab")
    text = path.read_bytes()
    assert was.encode() in text
    path.write_bytes(text.replace(was.encode(), now.encode(), 1))
    with pytest.raises(InputError, match=said):
        read(path)


def test_parts_of_mapinfo_alone_ask_for_the_rest(tmp_path: Path) -> None:
    path = mapinfo(tmp_path, ".tab")
    with pytest.raises(InputError, match="zip"):
        read_bytes(path.read_bytes(), "地块.tab")
    path.with_suffix(".map").unlink()
    with pytest.raises(InputError, match=r"缺少 \.map"):
        read(path)


def test_a_mif_that_stops_before_its_table_does_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mif", [SQUARE, OTHER], ("A", "B"), field="MC")
    path.write_bytes(path.read_bytes().replace(b"\nRegion", b"\nRaeion").replace(b"\nRaeion", b"\nRegion", 1))
    reading = read(path, Options(crs="EPSG:4490"))
    (issue,) = [issue for issue in reading.issues if issue.code == "features_lost"]
    assert issue.severity == "error" and "应有 2 个要素，只读出 1 个" in issue.text and len(reading.sites) == 1


@pytest.mark.parametrize("text", [b"<OGRVRTDataSource></OGRVRTDataSource>", b"PRJ", b"{}", b"SQLite format 3\0"])
@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".mif"])
def test_what_is_not_of_the_format_never_reaches_gdal(tmp_path: Path, suffix: str, text: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(text)
    path.with_suffix(".mid").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\."):
        read(path)


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb"])
def test_a_truncated_file_is_never_a_whole_one(tmp_path: Path, suffix: str) -> None:
    shapes = [shapely.affinity.translate(SQUARE, i / 1000) for i in range(60)]
    path = write(tmp_path / f"a{suffix}", shapes, [f"甲{i}" for i in range(60)], kind="Polygon")
    whole = path.read_bytes()
    for keep in range(0, len(whole) - 1, len(whole) // 25):
        try:
            reading = read_bytes(whole[:keep], path.name)
        except InputError:
            continue
        assert len(reading.sites) == 60 or any(issue.severity == "error" for issue in reading.issues)


def test_limits_hold_before_the_features_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE, OTHER], kind="Polygon")
    with pytest.raises(InputError, match="个图形，超过上限 1 个"):
        read(path, Options(limits=Limits(features=1)))


def test_an_empty_layer_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    full = shapely.to_wkb(np.array([shapely.box(118.0, 43.6, 118.01, 43.61)], dtype=object))
    for layer, shapes in (("one", full), ("none", np.array([], dtype=object))):
        pyogrio.raw.write(
            path, shapes, [np.array(["甲"] * len(shapes), dtype=object)], ["name"], layer=layer, driver="GPKG",
            geometry_type="Polygon", crs="EPSG:4490", append=layer == "none",
        )  # fmt: skip
    reading = read(path)
    assert len(reading.sites) == 1 and "layer_empty" in {issue.code for issue in reading.issues}
