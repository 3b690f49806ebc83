"""KML and KMZ: placemark by placemark, whatever the namespace and the encoding, hostile ones too."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely

from linxi_gis.errors import InputError
from linxi_gis.intake import Limits, Reading, read, read_bytes
from linxi_gis.intake.kml import drafts_kml
from linxi_gis.intake.kmz import drafts_kmz
from linxi_gis.intake.reading import Draft

SQUARE = "118.05,43.6,0 118.06,43.6,0 118.06,43.61,0 118.05,43.61,0 118.05,43.6,0"
HOLES = (
    "118.051,43.601 118.052,43.601 118.052,43.602 118.051,43.601",
    "118.055,43.605 118.056,43.605 118.056,43.606 118.055,43.605",
)


def polygon(coordinates: str = SQUARE) -> str:
    return (
        "<Polygon><outerBoundaryIs><LinearRing><coordinates>"
        f"{coordinates}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    )


def mark(body: str, name: str = "地块") -> str:
    return f"<Placemark><name>{name}</name>{body}</Placemark>"


def kml(*parts: str, root: str = '<kml xmlns="http://www.opengis.net/kml/2.2">') -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}<Document>{"".join(parts)}</Document></kml>'


def given(text: str | bytes) -> Reading:
    return read_bytes(text.encode() if isinstance(text, str) else text, "f.kml")


def draft(text: str) -> Draft:
    return drafts_kml(text.encode(), "f.kml", Limits())[0]


def codes(found: Reading | Draft) -> list[str]:
    return [issue.code for issue in found.issues]


def exact(geometry: shapely.Geometry, expected: shapely.Geometry) -> bool:
    return bool(np.array_equal(shapely.get_coordinates(geometry), shapely.get_coordinates(expected)))


@pytest.mark.parametrize(
    "root",
    [
        '<kml xmlns="http://www.opengis.net/kml/2.2">',
        '<kml xmlns="http://earth.google.com/kml/2.0">',
        '<kml xmlns="http://earth.google.com/kml/2.1">',
        "<kml>",
    ],
)
def test_any_namespace_or_none_is_read_the_same(root: str) -> None:
    reading = given(kml(mark(polygon()), root=root))
    assert [site.name for site in reading.sites] == ["地块"]
    assert exact(reading.sites[0].geometry, shapely.Polygon([p.split(",")[:2] for p in SQUARE.split()]))
    assert reading.sites[0].reference.how == "KML 标准为 WGS84，按 CGCS2000 经纬度"
    assert "datum_assumed" in [issue.code for issue in reading.sites[0].issues]


def test_prefixes_bound_or_not_are_read_by_their_local_names() -> None:
    bound = kml(mark(polygon())).replace("<", "<k:").replace("<k:/", "</k:").replace("<k:?", "<?")
    assert given(bound.replace("<k:kml", '<k:kml xmlns:k="x"')).sites[0].name == "地块"
    track = "<gx:Track><gx:coord>118.1 43.6 0</gx:coord><gx:coord>118.2 43.7 0</gx:coord></gx:Track>"
    site = given(kml(mark(track))).sites[0]  # gx: is not declared anywhere
    assert site.kind == "line" and exact(site.geometry, shapely.LineString([(118.1, 43.6), (118.2, 43.7)]))


def test_folders_ids_and_extended_data_are_kept_as_attributes() -> None:
    body = (
        "<Folder><name>林西</name><Folder><name>一期</name><Placemark id='pm-7'><name> 尾矿库\n</name>"
        "<description><![CDATA[<b>说明</b>]]></description><TimeStamp><when>2024-05-01</when></TimeStamp>"
        "<ExtendedData><Data name='面积'><value>12</value></Data><SchemaData schemaUrl='#s'>"
        "<SimpleData name='批次'>3</SimpleData></SchemaData></ExtendedData>"
        f"{polygon()}</Placemark></Folder>{mark(polygon(), '乙')}</Folder>{mark(polygon(), '丙')}"
    )
    first, second, third = given(kml("<name>工程</name>", body)).sites
    assert first.id == "pm-7" and first.name == "尾矿库"
    held = dict(first.attributes)
    assert held["文件夹"] == "工程/林西/一期" and held["description"] == "<b>说明</b>"
    assert (held["面积"], held["批次"], held["when"]) == ("12", "3", "2024-05-01")
    assert dict(second.attributes)["文件夹"] == "工程/林西"
    assert dict(third.attributes)["文件夹"] == "工程"


def test_several_inner_rings_in_one_boundary_are_all_holes() -> None:
    rings = "".join(f"<LinearRing><coordinates>{hole}</coordinates></LinearRing>" for hole in HOLES)
    body = polygon().replace("</Polygon>", f"<innerBoundaryIs>{rings}</innerBoundaryIs></Polygon>")
    geometry = given(kml(mark(body))).sites[0].geometry
    assert len(geometry.interiors) == 2
    assert shapely.area(geometry) == pytest.approx(1e-4 - 2 * 0.5e-6, abs=1e-12)


def test_a_multigeometry_of_mixed_kinds_is_split_and_told() -> None:
    point, line = "<Point><coordinates>118.1,43.6</coordinates></Point>", "118.1,43.6 118.2,43.6"
    inner = f"<MultiGeometry>{polygon()}<LineString><coordinates>{line}</coordinates></LineString></MultiGeometry>"
    reading = given(kml(mark(f"<MultiGeometry>{point}{inner}</MultiGeometry>")))
    assert sorted(site.kind for site in reading.sites) == ["line", "point", "polygon"]
    assert all("collection_split" in [i.code for i in site.issues] for site in reading.sites)
    two = f"<MultiGeometry>{polygon()}{polygon(SQUARE.replace('118', '119'))}</MultiGeometry>"
    assert given(kml(mark(two))).sites[0].parts == 2


def test_a_multitrack_is_a_line_of_its_tracks() -> None:
    one = "<gx:Track><when>x</when><gx:coord>118.1 43.6 900</gx:coord><gx:coord>118.2 43.6 0</gx:coord></gx:Track>"
    site = given(kml(mark(f"<gx:MultiTrack>{one}{one.replace('118', '119')}</gx:MultiTrack>"))).sites[0]
    assert site.parts == 2 and "z_dropped" in [issue.code for issue in site.issues]


@pytest.mark.parametrize(
    "text",
    [
        "\n\t118.05,43.6,0\n\t118.06,43.6,0\n118.06,43.61,0\r\n118.05,43.61,0 118.05,43.6,0\n",
        "118.05, 43.6, 0 118.06, 43.6, 0 118.06, 43.61, 0 118.05, 43.61, 0 118.05, 43.6, 0",
        "118.05，43.6 118.06，43.6 118.06，43.61 118.05，43.61 118.05，43.6",
        "118.05,43.6 118.06,43.6 118.06,43.61 118.05,43.61 118.05,43.6,",
    ],
)
def test_coordinates_in_every_usual_spelling(text: str) -> None:
    geometry = given(kml(mark(polygon(text)))).sites[0].geometry
    assert exact(
        geometry, shapely.Polygon([(118.05, 43.6), (118.06, 43.6), (118.06, 43.61), (118.05, 43.61)])
    )


@pytest.mark.parametrize(
    "bad",
    ["118.05,43.6 118.06", "118.05,43.6 118.06,x", "118.05,43.6 nan,43", "118.05,43.6 1_1,43", "1,2,3,4 1,2",
     "118.05 43.6", "118.05,43.6 1e999,43", ""],
)  # fmt: skip
def test_one_bad_placemark_is_told_and_the_rest_is_read(bad: str) -> None:
    line = f"<LineString><coordinates>{bad}</coordinates></LineString>"
    reading = given(kml(mark(line, "坏"), mark(polygon(), "好")))
    assert [site.name for site in reading.sites] == ["好"]
    told = [issue for issue in reading.issues if issue.severity == "error"]
    assert [issue.code for issue in told] == ["feature_unreadable"] and "坏" in told[0].text
    with pytest.raises(InputError, match="没有可用的图形"):
        given(kml(mark(line, "坏")))


def test_heights_are_told_only_when_they_are_not_zero() -> None:
    flat, high = given(kml(mark(polygon()), mark(polygon(SQUARE.replace(",0 ", ",812.5 "))))).sites
    assert "z_dropped" not in [issue.code for issue in flat.issues]
    assert "z_dropped" in [issue.code for issue in high.issues]
    assert exact(flat.geometry, high.geometry)


def test_a_closed_line_stays_a_line_and_is_told() -> None:
    site = given(kml(mark(f"<LineString><coordinates>{SQUARE}</coordinates></LineString>"))).sites[0]
    assert site.kind == "line" and "closed_line" in [issue.code for issue in site.issues]


def test_network_links_and_pictures_are_told_and_never_followed() -> None:
    link = "<NetworkLink><name>n</name><Link><href>http://127.0.0.1:1/x.kml</href></Link></NetworkLink>"
    picture = "<GroundOverlay><name>影像</name><gx:LatLonQuad><coordinates>1,2 3,4</coordinates></gx:LatLonQuad></GroundOverlay>"
    reading = given(kml(link, picture, mark(polygon())))
    told = {issue.code: issue for issue in reading.issues}
    assert "http://127.0.0.1:1/x.kml" in told["network_link"].text
    assert told["network_link"].severity == "warning" and "影像" in told["overlay_ignored"].text
    with pytest.raises(InputError, match="网络链接"):
        given(kml(link))
    model = "<Model><Location><longitude>1</longitude></Location></Model>"
    assert "feature_unreadable" in codes(given(kml(mark(model, "模型"), mark(polygon()))))


def test_shapes_outside_placemarks_are_told() -> None:
    edit = (
        f"<NetworkLinkControl><Update><Create>{mark(polygon(), '改')}</Create></Update></NetworkLinkControl>"
    )
    reading = given(kml(polygon(), edit, mark(polygon())))
    assert len(reading.sites) == 1
    assert next(issue for issue in reading.issues if issue.code == "stray_geometry").text.startswith(
        "有 2 个"
    )


@pytest.mark.parametrize("codec", ["gbk", "gb2312", "utf-16", "utf-8-sig", "gb18030", "big5"])
def test_the_declared_encoding_is_followed(codec: str) -> None:
    name = "尾礦庫" if codec == "big5" else "大冷山尾矿库"
    text = kml(mark(polygon(), name)).replace("UTF-8", codec.removesuffix("-sig"))
    reading = given(text.encode(codec))
    assert reading.sites[0].name == name and "encoding_guessed" not in codes(reading)


@pytest.mark.parametrize(("said", "real"), [("UTF-8", "gbk"), ("GBK", "utf-8"), ("ISO-8859-1", "gbk")])
def test_a_wrong_declared_encoding_is_guessed_and_told(said: str, real: str) -> None:
    text = kml(mark(polygon(), "大冷山尾矿库")).replace("UTF-8", said)
    reading = given(text.encode(real))
    assert reading.sites[0].name == "大冷山尾矿库" and "encoding_guessed" in codes(reading)


def test_control_characters_do_not_join_two_numbers() -> None:
    reading = given(kml(mark(polygon(), "甲\0乙"), mark(polygon(SQUARE.replace("118.06", "118\0.06")), "坏")))
    assert [site.name for site in reading.sites] == ["甲乙"]
    assert {"control_characters", "feature_unreadable"} <= set(codes(reading))


def test_names_are_only_names() -> None:
    body = mark(polygon(), "&lt;script&gt;alert(1)&lt;/script&gt;{{ x }}")
    assert given(kml(body)).sites[0].name == "<script>alert(1)</script>{{ x }}"


@pytest.mark.parametrize(
    "doctype",
    ["<!DOCTYPE kml>", '<!DOCTYPE kml SYSTEM "http://127.0.0.1:1/x.dtd">',
     '<!DOCTYPE kml [<!ENTITY a "b">]>', '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'],
)  # fmt: skip
def test_doctype_and_entities_are_refused(doctype: str) -> None:
    with pytest.raises(InputError, match="DOCTYPE"):
        given(kml(mark(polygon(), "&x;")).replace("?>\n", f"?>{doctype}"))


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
def test_a_file_broken_in_the_middle_is_never_read_in_part(cut: float) -> None:
    text = kml(mark(polygon()), mark(polygon()))
    with pytest.raises(InputError):
        given(text[: int(len(text) * cut)])


def test_other_xml_and_deep_nesting_are_refused() -> None:
    with pytest.raises(InputError, match="不是 KML"):
        given("<html><body>404</body></html>")
    with pytest.raises(InputError, match="嵌套"):
        given(kml("<Folder>" * 5000 + "</Folder>" * 5000))
    deep = "<MultiGeometry>" * 5000 + "</MultiGeometry>" * 5000
    with pytest.raises(InputError, match="嵌套"):
        given(kml(mark(deep)))


def test_limits_are_named() -> None:
    with pytest.raises(InputError, match="图形超过上限 1 个"):
        drafts_kml(kml(mark(polygon()), mark(polygon())).encode(), "f", Limits(features=1))
    with pytest.raises(InputError, match="拐点超过上限 4 个"):
        drafts_kml(kml(mark(polygon())).encode(), "f", Limits(vertices=4))


def test_a_kml_in_pieces_is_read_like_one_in_a_piece() -> None:
    """Text longer than the parser's piece, so that coordinates are cut in the middle."""
    points = [(118 + i / 1e5, 43 + (i * i % 977) / 1e4) for i in range(60_000)]
    line = " ".join(f"{x!r},{y!r}" for x, y in points)
    text = kml(mark(f"<LineString><coordinates>{line}</coordinates></LineString>"))
    assert len(text) > 1 << 20
    assert exact(draft(text).drawn[0].geometry, shapely.LineString(points))


def kmz(files: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_kmz_reads_doc_kml_first_and_the_others_too() -> None:
    link = "<NetworkLink><Link><href>files/b.kml</href></Link></NetworkLink>"
    files = {
        "files/b.kml": kml(mark(polygon(), "乙")),
        "doc.kml": kml(link, mark(polygon(), "甲")),
        "x.png": b"x",
    }
    reading = read_bytes(kmz(files), "f.kmz")
    assert [site.name for site in reading.sites] == ["甲", "乙"]
    assert "kmz_parts" in codes(reading) and "network_link" not in codes(reading)
    assert [s.name for s in read_bytes(kmz({"任意.kml": files["files/b.kml"]}), "f.kmz").sites] == ["乙"]
    assert len(read_bytes(kmz(files), "f.kml").sites) == 2  # wrong suffix
    assert len(given(kml(mark(polygon()))).sites) == len(
        read_bytes(kml(mark(polygon())).encode(), "f.kmz").sites
    )


def test_kmz_tells_a_part_that_is_broken() -> None:
    reading = read_bytes(kmz({"doc.kml": kml(mark(polygon())), "b.kml": "<kml><Doc"}), "f.kmz")
    assert len(reading.sites) == 1 and "feature_unreadable" in codes(reading)


def test_hostile_kmz_are_refused() -> None:
    good = kml(mark(polygon()))
    for files, why in (
        ({"doc.kml": good, "in.kmz": kmz({"doc.kml": good})}, "kmz 里还有 kmz"),
        ({"a.png": b""}, "没有 .kml"),
        ({f"{n}.png": b"" for n in range(1001)}, "超过上限 1000"),
    ):
        with pytest.raises(InputError, match=why):
            drafts_kmz(kmz(files), "f.kmz", Limits())
    with pytest.raises(InputError, match="损坏"):
        read_bytes(kmz({"doc.kml": good})[:-30], "f.kmz")
    locked = bytearray(kmz({"doc.kml": good}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(magic) + offset] |= 1
    with pytest.raises(InputError, match="密码"):
        read_bytes(bytes(locked), "f.kmz")


def test_a_kmz_bomb_stops_at_the_limit() -> None:
    bomb = kmz({"doc.kml": kml(mark(polygon())) + " " * 5_000_000})
    assert len(bomb) < 20_000
    with pytest.raises(InputError, match="解压后超过上限"):
        drafts_kmz(bomb, "f", Limits(unpacked_bytes=1_000_000))


def test_names_that_climb_touch_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="kmz 里有越界的路径"):
        read_bytes(kmz({"../../evil.kml": kml(mark(polygon()))}), "f.kmz")
    assert not list(tmp_path.iterdir())


def test_a_kmz_is_not_asked_about_what_is_not_read() -> None:
    """Photos of a telephone have colons in their names; what a Mac leaves beside a KML is none."""
    files = {"files/IMG 10:20:30.jpg": b"x", "__MACOSX/._doc.kml": b"x", "doc.kml": kml(mark(polygon()))}
    reading = read_bytes(kmz(files), "f.kmz")
    assert len(reading.sites) == 1 and "kmz_parts" not in codes(reading)


def test_real_files(shared: Path) -> None:
    folder = shared / "samples" / "kml"
    box = read(folder / "polygon.kml").sites[0]
    assert box.name == "hollow box" and len(box.geometry.interiors) == 1
    assert exact(shapely.Point(box.geometry.exterior.coords[0]), shapely.Point(-122.366278, 37.818844))
    harbour = read(folder / "multigeometry_discrete.kml")
    assert [site.kind for site in harbour.sites] == ["line", "point"]
    ring = drafts_kml((folder / "linear_ring.kml").read_bytes(), "linear_ring.kml", Limits())[0].drawn[0]
    assert ring.geometry.bounds == (-126.0, 24.0, -66.0, 50.0) and ring.geometry.geom_type == "Polygon"
    assert [issue.code for issue in ring.issues] == ["ring_as_polygon"]
    assert dict(ring.attributes)["文件夹"].endswith("/Area of Interest Boundary")
    with pytest.raises(InputError, match="没有图形"):
        read(folder / "null_geometry.kml")
    styles = read(folder / "styles.kml")
    assert [site.kind for site in styles.sites] == ["point", "polygon"]


def test_an_unclosed_ring_is_closed_and_told() -> None:
    ring = f"<LinearRing><coordinates>{' '.join(SQUARE.split()[:4])}</coordinates></LinearRing>"
    for body in (ring, polygon(" ".join(SQUARE.split()[:4]))):
        site = given(kml(mark(body))).sites[0]
        assert shapely.area(site.geometry) == pytest.approx(1e-4)
        assert "ring_closed" in [issue.code for issue in site.issues]
