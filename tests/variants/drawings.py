"""KML, KMZ, GPX and DXF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from tests.variants.ground import Truth, add, holed, plot, point, ring, route, text, true
from tests.variants.vectors import zipped

PLOT, HOLED, LINE, POINT = true(plot()), true(holed()), true(route()), true(point())
KML = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>\n'


def _tuples(shape: BaseGeometry, z: str = ",0") -> str:
    return " ".join(f"{x:.10f},{y:.10f}{z}" for x, y in shapely.get_coordinates(shape))


def _polygon(shape: shapely.Polygon, z: str = ",0") -> str:
    inner = "".join(
        f"<innerBoundaryIs><LinearRing><coordinates>{_tuples(hole, z)}</coordinates></LinearRing></innerBoundaryIs>"
        for hole in shape.interiors
    )
    outer = f"<outerBoundaryIs><LinearRing><coordinates>{_tuples(shape.exterior, z)}</coordinates></LinearRing></outerBoundaryIs>"
    return f"<Polygon>{outer}{inner}</Polygon>"


def _line(shape: BaseGeometry) -> str:
    return f"<LineString><coordinates>{_tuples(shape)}</coordinates></LineString>"


def _mark(name: str, body: str, more: str = "") -> str:
    return f"<Placemark><name>{name}</name>{more}{body}</Placemark>"


def _kml() -> None:
    one = Truth((PLOT,), ("尾矿库",), codes=("datum_assumed",))
    plain = KML.format(_mark("尾矿库", _polygon(PLOT)))
    text("kml.kml", plain, one)
    text("kml-hole.kml", KML.format(_mark("尾矿库", _polygon(HOLED))), Truth((HOLED,)))
    text(
        "kml-height.kml",
        KML.format(_mark("尾矿库", _polygon(PLOT, ",812.5"))),
        Truth((PLOT,), codes=("z_dropped",)),
    )
    text("kml-no-height.kml", KML.format(_mark("尾矿库", _polygon(PLOT, ""))), one)
    text("kml-no-namespace.kml", plain.replace(' xmlns="http://www.opengis.net/kml/2.2"', ""), one)
    text(
        "kml-google.kml",
        plain.replace("http://www.opengis.net/kml/2.2", "http://earth.google.com/kml/2.1"),
        one,
    )
    text("kml-gbk.kml", plain.replace("UTF-8", "GBK"), one, "gbk")
    inner = f"<Folder>{_mark('乙', _line(LINE))}</Folder>"
    folders = f"<Folder><name>一期</name>{_mark('甲', _polygon(PLOT))}{inner}</Folder>"
    text("kml-folders.kml", KML.format(folders), Truth((PLOT, LINE), ("甲", "乙")))
    extra = '<ExtendedData><Data name="用途"><value>示意</value></Data></ExtendedData>'
    text(
        "kml-data.kml",
        KML.format(_mark("尾矿库", _polygon(PLOT), extra)),
        Truth((PLOT,), attributes=(("用途", "示意"),)),
    )
    place = f"<Point><coordinates>{_tuples(POINT)}</coordinates></Point>"
    many = f"<MultiGeometry>{_polygon(PLOT)}{_line(LINE)}{place}</MultiGeometry>"
    text(
        "kml-multi.kml",
        KML.format(_mark("甲", many)),
        Truth((PLOT, LINE, POINT), codes=("collection_split",)),
    )
    bad = _mark(
        "坏",
        "<Polygon><outerBoundaryIs><LinearRing><coordinates>118,x</coordinates></LinearRing></outerBoundaryIs></Polygon>",
    )
    text(
        "kml-one-bad.kml",
        KML.format(bad + _mark("好", _polygon(PLOT))),
        Truth((PLOT,), ("好",), codes=("feature_unreadable",)),
    )
    track = (
        "<gx:Track>"
        + "".join(f"<gx:coord>{x:.10f} {y:.10f} 0</gx:coord>" for x, y in shapely.get_coordinates(LINE))
        + "</gx:Track>"
    )
    spaced = KML.replace("<kml ", '<kml xmlns:gx="http://www.google.com/kml/ext/2.2" ')
    text("kml-track.kml", spaced.format(_mark("轨迹", track)), Truth((LINE,)))
    text("kml-unbound-gx.kml", KML.format(_mark("轨迹", track)), Truth((LINE,)))
    link = "<NetworkLink><name>网络</name><Link><href>http://127.0.0.1:9/a.kml</href></Link></NetworkLink>"
    text(
        "kml-network-link.kml",
        KML.format(link + _mark("甲", _polygon(PLOT))),
        Truth((PLOT,), codes=("network_link",)),
    )
    text(
        "kml-doctype.kml",
        plain.replace("<kml", '<!DOCTYPE kml [<!ENTITY a "b">]>\n<kml'),
        Truth(error="DTD|DOCTYPE|实体"),
    )
    text("kml-cut-off.kml", plain[:-60], Truth(error="XML"))
    add(
        "kmz.kmz",
        lambda path: path.write_bytes(zipped({"doc.kml": plain.encode(), "a.png": b"\x89PNG"})),
        one,
    )


def _gpx() -> None:
    def body(inner: str) -> str:
        return f'<?xml version="1.0"?>\n<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">{inner}</gpx>'

    def points(tag: str, shape: BaseGeometry) -> str:
        return "".join(
            f'<{tag} lat="{y:.10f}" lon="{x:.10f}"><ele>800</ele></{tag}>'
            for x, y in shapely.get_coordinates(shape)
        )

    text(
        "gpx-track.gpx",
        body(f"<trk><name>踏勘</name><trkseg>{points('trkpt', LINE)}</trkseg></trk>"),
        Truth((LINE,), ("踏勘",)),
    )
    text(
        "gpx-route.gpx",
        body(f"<rte><name>线路</name>{points('rtept', LINE)}</rte>"),
        Truth((LINE,), ("线路",)),
    )
    x, y = ring(POINT)[0]
    text(
        "gpx-waypoint.gpx",
        body(f'<wpt lat="{y:.10f}" lon="{x:.10f}"><name>取样点</name></wpt>'),
        Truth((POINT,), ("取样点",)),
    )


def _dxf() -> None:
    def drawn(draw: Callable[[Any], None], version: str = "R2010") -> Callable[[Path], None]:
        def write(path: Path) -> None:
            import ezdxf

            document = ezdxf.new(version)
            draw(document.modelspace())
            document.saveas(path)

        return write

    corners, hole = ring(plot()), list(holed().interiors[0].coords)[:-1]
    one = Truth((PLOT,), codes=("datum_assumed",))
    add("dxf.dxf", drawn(lambda m: m.add_lwpolyline(corners, close=True)), one)
    add("dxf-r12.dxf", drawn(lambda m: m.add_polyline2d(corners, close=True), "R12"), one)
    add("dxf-closed-by-hand.dxf", drawn(lambda m: m.add_lwpolyline([*corners, corners[0]])), one)
    edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    add(
        "dxf-lines.dxf",
        drawn(lambda m: [m.add_line(a, b) for a, b in edges]),
        Truth((PLOT,), codes=("lines_polygonised",)),
    )
    add("dxf-open.dxf", drawn(lambda m: m.add_lwpolyline(ring(route()))), Truth((LINE,)))

    def hatch(m: Any) -> None:
        held = m.add_hatch(color=2)
        held.paths.add_polyline_path(corners, is_closed=True)
        held.paths.add_polyline_path(hole, is_closed=True, flags=16)

    add("dxf-hatch.dxf", drawn(hatch), Truth((HOLED,)))

    def block(m: Any) -> None:
        held = m.doc.blocks.new("地块")
        held.add_lwpolyline([(x - corners[0][0], y - corners[0][1]) for x, y in corners], close=True)
        m.add_blockref("地块", corners[0])

    add("dxf-block.dxf", drawn(block), one)
    bare = [(x - 39e6, y) for x, y in corners]
    add("dxf-no-zone.dxf", drawn(lambda m: m.add_lwpolyline(bare, close=True)), Truth(ask=("EPSG:4548",)))

    def layered(m: Any) -> None:
        m.doc.layers.add("尾矿库范围")
        m.add_lwpolyline(corners, close=True, dxfattribs={"layer": "尾矿库范围"})

    add("dxf-layer.dxf", drawn(layered), Truth((PLOT,)))
    add("dwg.dwg", lambda path: path.write_bytes(b"AC1032" + bytes(200)), Truth(error="DXF"))


_kml()
_gpx()
_dxf()
