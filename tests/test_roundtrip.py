"""Properties: what an independent writer writes, in any reference system, is read back within 1 mm."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from linxi_gis.intake import Options, read
from tests.variants.ground import LONLAT, moved, ring
from tests.variants.tables import book, document, old_book
from tests.variants.vectors import parts, save, zipped

# The systems a file of the county can be in; degrees and metres alike.
SYSTEMS = ("EPSG:4490", "EPSG:4326", "EPSG:4527", "EPSG:4528", "EPSG:4548", "EPSG:4549", "EPSG:4498", "EPSG:3857")
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

spots = st.tuples(st.floats(117.7, 118.6), st.floats(43.2, 44.3))
radii = st.lists(st.floats(20.0, 200.0), min_size=4, max_size=9)


@st.composite
def plots(draw: st.DrawFn) -> shapely.Polygon:
    """A star-shaped plot of 40-400 m somewhere in the county, EPSG:4490."""
    (lon, lat), held = draw(spots), draw(radii)
    turns = [2 * math.pi * k / len(held) for k in range(len(held))]
    metre = 1 / 111_320.0
    corners = [
        (lon + r * math.cos(t) * metre / math.cos(math.radians(lat)), lat + r * math.sin(t) * metre)
        for r, t in zip(held, turns, strict=True)
    ]
    return shapely.Polygon(corners)


Writer = Callable[[Path, shapely.Polygon, str], None]


def _pairs(shape: shapely.Polygon, system: str, digits: tuple[int, int] = (10, 4)) -> list[tuple[str, str]]:
    decimals = digits[0] if system in ("EPSG:4490", "EPSG:4326") else digits[1]
    return [(f"{x:.{decimals}f}", f"{y:.{decimals}f}") for x, y in ring(moved(shape, LONLAT, system))]  # type: ignore[arg-type]


def _csv(path: Path, shape: shapely.Polygon, system: str) -> None:
    lines = [f"J{n},{x},{y}" for n, (x, y) in enumerate(_pairs(shape, system), 1)]
    path.write_text("点号,东坐标,北坐标\n" + "\n".join(lines), encoding="utf-8")


def _txt(path: Path, shape: shapely.Polygon, system: str) -> None:
    held = _pairs(shape, system)
    lines = [f"J{n},1,{y},{x}" for n, (x, y) in enumerate([*held, held[0]], 1)]
    head = "[属性描述]\n坐标系=2000国家大地坐标系\n[地块坐标]\n"
    path.write_text(f"{head}{len(held)},,DK1,地块,面,,,,@\n" + "\n".join(lines), encoding="gbk")


def _wkt(path: Path, shape: shapely.Polygon, system: str) -> None:
    held = _pairs(shape, system)
    path.write_text("POLYGON ((" + ", ".join(f"{x} {y}" for x, y in [*held, held[0]]) + "))", encoding="utf-8")


def _geojson(path: Path, shape: shapely.Polygon, system: str) -> None:
    body = json.loads(shapely.to_geojson(moved(shape, LONLAT, system)))
    path.write_text(json.dumps(body), encoding="utf-8")


def _kml(path: Path, shape: shapely.Polygon, system: str) -> None:
    text = " ".join(f"{x:.11f},{y:.11f}" for x, y in shapely.get_coordinates(shape))
    outer = f"<outerBoundaryIs><LinearRing><coordinates>{text}</coordinates></LinearRing></outerBoundaryIs>"
    path.write_text(f"<kml><Placemark><Polygon>{outer}</Polygon></Placemark></kml>", encoding="utf-8")


def _tab(path: Path, shape: shapely.Polygon, system: str) -> None:
    """In bounds of its own: MapInfo keeps whole numbers, as fine as the bounds are narrow."""
    west, south, east, north = moved(shape, LONLAT, system).bounds
    bounds = f"{west - 1},{south - 1},{east + 1},{north + 1}"
    save(path, [shape], "MapInfo File", system, ["地块"], ENCODING="CP936", BOUNDS=bounds)


def _kmz(path: Path, shape: shapely.Polygon, system: str) -> None:
    _kml(path.with_suffix(".kml"), shape, system)
    path.write_bytes(zipped({"doc.kml": path.with_suffix(".kml").read_bytes()}))


def _gpx(path: Path, shape: shapely.Polygon, system: str) -> None:
    """The ring as a track: GPX has no areas."""
    points = "".join(f'<trkpt lat="{y:.11f}" lon="{x:.11f}"/>' for x, y in shapely.get_coordinates(shape))
    path.write_text(f'<gpx version="1.1"><trk><trkseg>{points}</trkseg></trk></gpx>', encoding="utf-8")


def _dxf(path: Path, shape: shapely.Polygon, system: str) -> None:
    import ezdxf

    drawing = ezdxf.new("R2010")
    drawing.modelspace().add_lwpolyline(ring(moved(shape, LONLAT, system)), close=True)  # type: ignore[arg-type]
    drawing.saveas(path)


def _table(shape: shapely.Polygon, system: str) -> list[list[object]]:
    held = [[f"J{n}", float(x), float(y)] for n, (x, y) in enumerate(_pairs(shape, system), 1)]
    return [["点号", "东坐标", "北坐标"], *held]


def _gdal(driver: str, **options: str) -> Writer:
    return lambda path, shape, system: save(path, [shape], driver, system, ["地块"], **options)


# Suffix, writer, and whether the file itself says which system it is in.
FORMATS: dict[str, tuple[str, Writer, bool]] = {
    "csv": (".csv", _csv, False),
    "txt": (".txt", _txt, False),
    "wkt": (".wkt", _wkt, False),
    "geojson": (".geojson", _geojson, False),
    "dxf": (".dxf", _dxf, False),
    "xlsx": (".xlsx", lambda path, shape, system: book(("坐标", _table(shape, system)))(path), False),
    "xls": (".xls", lambda path, shape, system: old_book(_table(shape, system))(path), False),
    "docx": (".docx", lambda path, shape, system: document(_table(shape, system))(path), False),
    "shapefile": (".zip", lambda path, shape, system: path.write_bytes(_shp(shape, system)), True),
    "gpkg": (".gpkg", _gdal("GPKG", layer="plots"), True),
    "fgb": (".fgb", _gdal("FlatGeobuf"), True),
    "gdb": (".gdb", _gdal("OpenFileGDB"), True),
    "tab": (".tab", _tab, True),
    "mif": (".mif", _gdal("MapInfo File", ENCODING="CP936", FORMAT="MIF"), True),
    "kml": (".kml", _kml, True),
    "kmz": (".kmz", _kmz, True),
    "gpx": (".gpx", _gpx, True),
}


def _shp(shape: shapely.Polygon, system: str) -> bytes:
    return zipped({f"a{suffix}": data for suffix, data in parts(system, "GBK", shapes=[shape]).items()})


@pytest.mark.parametrize("name", FORMATS)
@FEW
@given(plots(), st.sampled_from(SYSTEMS))
def test_what_is_written_is_read_back(name: str, shape: shapely.Polygon, system: str) -> None:
    suffix, write, says = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"plot{suffix}"
        write(path, shape, system)
        # A file that does not say is read as the person says; one that says needs no word.
        site = read(path, Options(crs=None if says else system)).sites[0]
    a, b = (_outline(moved(s, LONLAT, "EPSG:4527")) for s in (site.geometry, shape))
    assert shapely.hausdorff_distance(a, b) < 1e-3
    if name == "gpx":
        return
    area, around = _measured(shape)
    assert abs(site.area_m2 - area) < 1e-3 * around  # as far as corners a millimetre off can change it


def _outline(shape: BaseGeometry) -> BaseGeometry:
    return shapely.boundary(shapely.normalize(shape)) if shapely.get_dimensions(shape) == 2 else shape


def _measured(shape: shapely.Polygon) -> tuple[float, float]:
    area, around = pyproj.Geod(ellps="GRS80").geometry_area_perimeter(shape)
    return abs(float(area)), float(around)
