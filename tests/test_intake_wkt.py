"""WKT and EWKT, hex WKB: one or many, over several lines, with systems of their own, broken ones."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis.errors import InputError
from linxi_gis.intake import Reading, read_bytes, read_text
from linxi_gis.intake.wkt import read_shape

SQUARE = shapely.box(118.0, 43.6, 118.002, 43.602)


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for s in reading.sites for i in s.issues))}


@pytest.mark.parametrize(
    "text",
    [
        SQUARE.wkt,
        SQUARE.wkt.lower(),
        f"SRID=4490;{SQUARE.wkt}",
        SQUARE.wkt.replace(", ", ",\n  "),
        SQUARE.wkt.replace("(", "（").replace(",", "，"),
        "POLYGON Z ((118 43.6 900,118.002 43.6 900,118.002 43.602 901,118 43.602 900,118 43.6 900))",
        "POLYGONZM((118 43.6 1 2,118.002 43.6 1 2,118.002 43.602 1 2,118 43.602 1 2,118 43.6 1 2))",
        "MULTIPOLYGON(((118 43.6,118.002 43.6,118.002 43.602,118 43.602,118 43.6)))",
    ],
)
def test_one_square(text: str) -> None:
    reading = read_text(text)
    assert reading.format == "WKT" and reading.sites[0].kind == "polygon"
    assert shapely.equals(reading.sites[0].geometry, SQUARE)
    assert ("datum_assumed" in codes(reading)) is not text.startswith("SRID")


def test_many_kinds_each_with_its_own_system() -> None:
    e, n = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4527", always_xy=True).transform(118.05, 43.61)
    text = (
        f"SRID=4527;POINT({e:.4f} {n:.4f})\nLINESTRING(118 43.6,118.1 43.6)\n"
        "SRID=4490;GEOMETRYCOLLECTION(POINT(118.2 43.7),LINESTRING(118 43.7,118.1 43.7))"
    )
    sites = read_bytes(text.encode(), "a.wkt").sites
    assert sorted(site.kind for site in sites) == ["line", "line", "point", "point"]
    assert shapely.get_coordinates(sites[0].geometry)[0] == pytest.approx((118.05, 43.61), abs=2e-9)
    assert sites[0].reference.declared and sites[0].reference.source == "EPSG:4527"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("POLYGON((118 43.6,118.1 43.6", "括号"),
        ("POLYGON((118 43.6,118.1 43.6,118.1 43.7,118 43.7))", "闭合"),
        ("CIRCULARSTRING(118 43.6,118.1 43.7,118.2 43.6)", "曲线"),
        ("CURVEPOLYGON(COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,2 0),(2 0,0 0)))", "曲线"),
        ("TIN(((0 0 0,1 0 0,0 1 0,0 0 0)))", "曲面"),
        ("POINT EMPTY", "为空"),
        ("POINT(118 abc)", "WKT"),
        ("GEOMETRYCOLLECTION(" * 5000 + "POINT(1 1)" + ")" * 5000, "嵌套"),
    ],
)
def test_a_broken_one_is_told_and_the_others_are_read(bad: str, said: str) -> None:
    reading = read_text(f"{SQUARE.wkt}\n{bad}\nPOINT(118.05 43.61)")
    told = [issue for issue in reading.issues if issue.code == "feature_unreadable"]
    assert told and said in told[0].text and "第 2 行" in told[0].text
    assert reading.sites[0].geometry.equals(SQUARE)
    with pytest.raises(InputError, match=said):
        read_text(bad)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("flavor", ["extended", "iso"])
def test_hex_wkb_as_another_program_writes_it(order: int, flavor: str) -> None:
    shapes = [
        shapely.Point(118, 43, 5), shapely.LineString([(118, 43, 1), (118.5, 43, 2)]), SQUARE,
        SQUARE.difference(shapely.box(118.0005, 43.6005, 118.001, 43.601)),
        shapely.MultiPolygon([SQUARE]), shapely.MultiPoint([(118, 43), (118.1, 43)]),
    ]  # fmt: skip
    for shape in shapes:
        text = shapely.to_wkb(shape, hex=True, byte_order=order, flavor=flavor)
        read = read_shape(text, "x")
        assert read is not None and read.geometry.equals(shapely.force_2d(shape))
        for end in range(44, len(text) - 1, 2):
            with pytest.raises(InputError):
                read_shape(text[:end], "x")


def test_a_csv_with_a_wkt_column_however_long() -> None:
    ring = [(118 + 0.01 * np.cos(a), 43.6 + 0.01 * np.sin(a)) for a in np.linspace(0, 6.28, 9000)]
    text = f'id,名称,wkt\n7,甲,"{SQUARE.wkt}"\n8,乙,"{shapely.Polygon(ring).wkt}"\n'
    reading = read_bytes(text.encode(), "a.csv")
    assert [(site.id, site.name) for site in reading.sites] == [("7", "甲"), ("8", "乙")]
    assert len(shapely.get_coordinates(reading.sites[1].geometry)) == 9001


def test_a_column_of_coordinate_strings() -> None:
    reading = read_text("名称\t坐标串\n甲\t118.0,43.6;118.002,43.6;118.002,43.602;118.0,43.602")
    assert reading.sites[0].name == "甲" and reading.sites[0].geometry.equals(SQUARE)
    assert "geometry_kind_assumed" in codes(reading)
