"""西安80 and 北京54 to CGCS2000: the parameters are those of China's standards, and are never skipped."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis import crs
from linxi_gis.errors import CrsError, UsageError
from linxi_gis.intake import Options, read, read_text
from linxi_gis.intake.transform import Transform, carried, parse_transform, transformed
from linxi_gis.intake.zones import Zone

GEOD = pyproj.Geod(ellps="GRS80")
SEVEN = "-120.5,80.25,35.75,0.8,-0.6,1.2,2.5"
THREE = "-17,140,75"
KRASSOVSKY, IAG75, GRS80 = (6378245.0, 298.3), (6378140.0, 298.257), (6378137.0, 298.257222101)
# A plot of the county in zone 39 as a surveyor's list has it: X north, Y east with prefix.
ROWS = ((4829600.0, 39578200.0), (4829608.5, 39578360.25), (4829720.75, 39578371.4), (4829750.1, 39578264.3))
LISTED = "\n".join(f"J{n},1,{x:.3f},{y:.3f}" for n, (x, y) in enumerate(ROWS, 1))


def plot_file(system: str, zone: str = "39", listed: str = LISTED) -> str:
    return f"[属性描述]\n坐标系={system}\n几度分带=3\n带号={zone}\n[地块坐标]\n4,,DK,块,面,,,,@\n{listed}\n"


def geocentric(lon: float, lat: float, figure: tuple[float, float]) -> np.ndarray:
    """The textbook formula, height 0."""
    a, f = figure[0], 1.0 / figure[1]
    e2 = f * (2.0 - f)
    phi, lam = math.radians(lat), math.radians(lon)
    n = a / math.sqrt(1.0 - e2 * math.sin(phi) ** 2)
    return np.array([n * math.cos(phi) * math.cos(lam), n * math.cos(phi) * math.sin(lam), n * (1.0 - e2) * math.sin(phi)])


def geodetic(xyz: np.ndarray, figure: tuple[float, float]) -> tuple[float, float]:
    """The same backwards, by fixed point; the height is dropped."""
    a, f = figure[0], 1.0 / figure[1]
    e2 = f * (2.0 - f)
    x, y, z = (float(value) for value in xyz)
    p = math.hypot(x, y)
    phi = math.atan2(z, p * (1.0 - e2))
    for _ in range(30):
        n = a / math.sqrt(1.0 - e2 * math.sin(phi) ** 2)
        phi = math.atan2(z + e2 * n * math.sin(phi), p)
    return math.degrees(math.atan2(y, x)), math.degrees(phi)


def by_hand(lon: float, lat: float, text: str, figure: tuple[float, float]) -> tuple[float, float]:
    """Bursa-Wolf with China's matrix: X' = T + (1+m) R X, R = [[1, rz, -ry], [-rz, 1, rx], [ry, -rx, 1]]."""
    dx, dy, dz, rx, ry, rz, s = [*map(float, text.split(",")), 0.0, 0.0, 0.0, 0.0][:7]
    a, b, c = (math.radians(value / 3600.0) for value in (rx, ry, rz))
    rotation = np.array([[1.0, c, -b], [-c, 1.0, a], [b, -a, 1.0]])
    return geodetic(np.array([dx, dy, dz]) + (1.0 + s * 1e-6) * rotation @ geocentric(lon, lat, figure), GRS80)


def off_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float(GEOD.inv(*one, *other)[2])


@pytest.mark.parametrize("text", [SEVEN, THREE])
@pytest.mark.parametrize(
    ("system", "code", "figure"), [("1980西安坐标系", 2363, IAG75), ("1954年北京坐标系", 2415, KRASSOVSKY)]
)
def test_a_stated_old_datum_is_converted_by_the_matrix(system: str, code: int, figure: tuple[float, float], text: str) -> None:
    reading = read_text(plot_file(system), Options(transform=parse_transform(text)))
    site = reading.sites[0]
    # The plane of the old ellipsoid, by PROJ's own transverse Mercator.
    plane = pyproj.Proj(proj="tmerc", lon_0=117, x_0=39_500_000, k=1, a=figure[0], rf=figure[1])
    corners = shapely.get_coordinates(site.geometry)[: len(ROWS)]
    for (north, east), found in zip(ROWS, corners, strict=True):
        old = plane(east, north, inverse=True)
        assert off_m(by_hand(*old, text, figure), tuple(found)) < 1e-4
        assert off_m(old, tuple(found)) > 30.0  # what pyproj alone gives back, unchanged
    assert site.reference.source == f"EPSG:{code}" and "--transform" in site.reference.how
    told = next(issue for issue in site.issues if issue.code == "datum_transformed")
    moved = off_m(plane(ROWS[0][1], ROWS[0][0], inverse=True), tuple(corners[0]))
    assert told.severity == "info" and parse_transform(text).text in told.text
    assert float(re.search(r"移动 ([\d.]+) m", told.text)[1]) == pytest.approx(moved, abs=0.2)  # type: ignore[index]


def test_pyproj_alone_moves_nothing_and_says_nothing() -> None:
    """Why parameters are asked for, and why TOWGS84 is not used: both ways the shift is lost."""
    parameters = "+towgs84=-120.5,80.25,35.75,-0.8,0.6,-1.2,2.5"
    text = "+proj=tmerc +lon_0=117 +k=1 +x_0=39500000 +a=6378140 +rf=298.257 +units=m"
    old = pyproj.Proj(text)(ROWS[0][1], ROWS[0][0], inverse=True)
    for source in ("EPSG:2363", text, f"{text} {parameters}"):
        alone = pyproj.Transformer.from_crs(source, "EPSG:4490", always_xy=True).transform(ROWS[0][1], ROWS[0][0])
        assert off_m(old, alone) < 1e-3
    ours = crs.points_of(transformed("EPSG:2363", parse_transform(SEVEN)), ROWS[0][1], ROWS[0][0])
    assert off_m(old, ours) > 30.0


def test_the_convention_is_pyprojs_coordinate_frame() -> None:
    dx, dy, dz, rx, ry, rz, s = SEVEN.split(",")
    pipeline = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +a=6378140 +rf=298.257 "
        f"+step +proj=helmert +x={dx} +y={dy} +z={dz} +rx={rx} +ry={ry} +rz={rz} +s={s} +convention=coordinate_frame "
        "+step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    lon, lat, _ = pipeline.transform(118.0, 43.6, 0.0)
    assert off_m((lon, lat), by_hand(118.0, 43.6, SEVEN, IAG75)) < 1e-4
    assert off_m((lon, lat), crs.points_of(transformed("EPSG:4610", parse_transform(SEVEN)), 118.0, 43.6)) < 1e-6


@pytest.mark.parametrize("crs_text", ["EPSG:2363", "EPSG:2384", "西安80", "Xian_1980"])
def test_the_person_may_name_the_datum(crs_text: str) -> None:
    bare = "\n".join(f"J{n},1,{x:.3f},{y - 39e6:.3f}" for n, (x, y) in enumerate(ROWS, 1))
    listed = LISTED if crs_text != "EPSG:2384" else bare
    truth = read_text(plot_file("西安80"), Options(transform=parse_transform(SEVEN))).sites[0].geometry
    options = Options(crs=crs_text, transform=parse_transform(SEVEN))
    found = read_text("点号,圈号,X,Y\n" + listed, options).sites[0].geometry
    assert shapely.hausdorff_distance(truth.boundary, found.boundary) < 1e-10


def test_every_old_zone_is_the_epsg_code_of_its_name() -> None:
    names = {"西安80": "Xian 1980", "北京54": "Beijing 1954"}
    for datum, name in names.items():
        for width, numbers in ((3, range(25, 46)), (6, range(13, 24))):
            for number in numbers:
                zone = Zone(width, number)
                kind = "3-degree Gauss-Kruger" if width == 3 else "Gauss-Kruger"
                wanted = (f"{name} / {kind} zone {number}", f"{name} / {kind} CM {zone.meridian_deg}E")
                found = tuple(crs.parse(zone.on(datum, prefixed=one)).name for one in (True, False))
                assert found == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,2", "3 个或 7 个"), ("1,2,3,4", "3 个或 7 个"), ("a,b,c", "3 个或 7 个"), ("1,2,nan", "3 个或 7 个"),
        ("1001,0,0", "dx=1001"), ("1,2,3,0,0,61,0", "rz=61"), ("1,2,3,0,0,0,1e6", "尺度"), ("0,0,0", "全为 0"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_are_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_transform(text)


def test_parameters_for_a_datum_that_needs_none_are_refused() -> None:
    shift = parse_transform(SEVEN)
    for system, crs_text in (("2000国家大地坐标系", None), ("", None), ("西安80", "EPSG:4527")):
        with pytest.raises(CrsError, match="只用于西安80"):
            read_text(plot_file(system), Options(crs=crs_text, transform=shift))
    for crs_text in ("GCJ-02", "DMS", "EPSG:4490"):
        with pytest.raises(CrsError, match="只用于西安80"):
            read_text("118.05,43.6", Options(crs=crs_text, transform=shift))


def test_a_header_that_names_two_datums_is_refused_and_crs_decides() -> None:
    text = plot_file("2000国家大地坐标系（由西安80转换）")
    with pytest.raises(CrsError, match="西安80、CGCS2000"):
        read_text(text, Options(transform=parse_transform(SEVEN)))
    assert read_text(text, Options(crs="EPSG:4527")).sites[0].reference.source == "EPSG:4527"


def test_an_old_datum_without_a_zone_is_a_question_of_old_zones() -> None:
    bare = "\n".join(f"J{n},1,{x:.3f},{y - 39e6:.3f}" for n, (x, y) in enumerate(ROWS, 1))
    text = plot_file("西安80", "", bare).replace("几度分带=3\n", "")
    with pytest.raises(CrsError, match="没有写明投影带") as asked:
        read_text(text, Options(transform=parse_transform(SEVEN)))
    assert "--crs EPSG:2384" in str(asked.value)


def shapefile(folder: Path, prj: str) -> Path:
    import pyogrio.raw

    shape = shapely.Polygon([(east, north) for north, east in ROWS])
    path = folder / "a.shp"
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(shape)]), [np.array(["甲"], dtype=object)], ["name"],
        geometry_type="Polygon", crs="EPSG:4527", encoding="UTF-8",
    )  # fmt: skip
    path.with_suffix(".prj").write_text(prj, encoding="utf-8")
    return path


XIAN = pyproj.CRS("EPSG:2363")


def test_a_prj_with_its_own_towgs84_is_quoted_not_used(tmp_path: Path) -> None:
    spheroid = 'SPHEROID["IAG 1975",6378140,298.257,AUTHORITY["EPSG","7049"]]'
    given = XIAN.to_wkt("WKT1_GDAL")
    prj = given.replace(spheroid, f"{spheroid},TOWGS84[-120.5,80.25,35.75,-0.8,0.6,-1.2,2.5]")
    assert prj != given
    path = shapefile(tmp_path, prj)
    # TOWGS84 is a position vector: its rotations have the other sign.
    with pytest.raises(CrsError, match=f"--transform {SEVEN}"):
        read(path)
    taken = read(path, Options(transform=parse_transform(SEVEN))).sites[0]
    truth = read_text(plot_file("西安80"), Options(transform=parse_transform(SEVEN))).sites[0].geometry
    assert shapely.hausdorff_distance(taken.geometry.boundary, truth.boundary) < 1e-9


@pytest.mark.parametrize("version", ["WKT1_ESRI", "WKT1_GDAL", "WKT2_2019"])
def test_a_prj_on_an_old_datum_asks(version: str, tmp_path: Path) -> None:
    path = shapefile(tmp_path, str(XIAN.to_wkt(version)))
    with pytest.raises(CrsError, match="--transform"):
        read(path)
    assert read(path, Options(transform=Transform(10.0, 20.0, 30.0))).sites[0].kind == "polygon"


def test_a_prj_without_parameters_carries_none() -> None:
    assert carried(XIAN) is None


def test_parameters_that_move_a_kilometre_are_not_believed() -> None:
    with pytest.raises(CrsError, match="不可信"):
        read_text(plot_file("西安80"), Options(transform=Transform(1000.0, 1000.0, 1000.0)))


def test_edges_stay_straight_in_the_old_plane() -> None:
    """A 20 km edge bends 6 m in degrees: it is cut in the plane it was drawn in, then converted."""
    listed = "\n".join(f"J{n},1,{x},{y}" for n, (x, y) in enumerate(((4829600, 39570000), (4829600, 39590000)), 1))
    text = plot_file("西安80", listed=listed).replace("面", "线")
    site = read_text(text, Options(transform=parse_transform(SEVEN))).sites[0]
    middle = by_hand(*crs_inverse(39_580_000.0, 4_829_600.0), SEVEN, IAG75)
    plane = crs.plane_of_lonlat(shapely.Point(middle))
    assert shapely.distance(site.ground, plane) < 1e-3


def crs_inverse(east: float, north: float) -> tuple[float, float]:
    plane = pyproj.Proj(proj="tmerc", lon_0=117, x_0=39_500_000, k=1, a=IAG75[0], rf=IAG75[1])
    lon, lat = plane(east, north, inverse=True)
    return float(lon), float(lat)


def test_the_command_line_takes_and_records_them(tmp_path: Path) -> None:
    import json

    from click.testing import CliRunner

    from linxi_gis.cli.check import check

    path = tmp_path / "旧.txt"
    path.write_text(plot_file("1980西安坐标系"), encoding="utf-8")
    words = [str(path), "--on", "2026-11-23", "--format", "json"]
    refused = CliRunner().invoke(check, words, standalone_mode=False)
    assert refused.return_value == 3 and "--transform" in refused.stderr
    done = CliRunner().invoke(check, [*words, f"--transform={SEVEN}"], standalone_mode=False)
    (answer,) = json.loads(done.stdout)
    assert answer["site"]["crs"]["source"] == "EPSG:2363" and "--transform" in answer["site"]["crs"]["how"]
    assert SEVEN in next(i["text"] for i in answer["site"]["issues"] if i["code"] == "datum_transformed")
    wrong = CliRunner().invoke(check, [*words, "--transform", "1,2"], standalone_mode=False)
    assert isinstance(wrong.exception, UsageError)


def test_an_ambiguous_file_prints_its_candidates_with_landmarks_and_exits_3(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from linxi_gis.cli.check import check

    good, bare = tmp_path / "good.csv", tmp_path / "bare.csv"
    good.write_text("2000国家大地坐标系\nX,Y\n" + "\n".join(f"{x},{y}" for x, y in ROWS), encoding="utf-8")
    bare.write_text("X,Y\n" + "\n".join(f"{x},{y - 39e6}" for x, y in ROWS), encoding="utf-8")
    words = ["--on", "2026-11-23", "--format", "json"]
    alone = CliRunner().invoke(check, [str(bare), *words], standalone_mode=False)
    assert alone.return_value == 3 and alone.stdout == "[]\n"
    for told in ("--crs EPSG:4548", "落在县界内", "邻近的已知图斑", "横坐标 578200～578371"):
        assert told in alone.stderr
    both = CliRunner().invoke(check, [str(bare), str(good), *words], standalone_mode=False)
    assert both.return_value == 3 and both.stdout.startswith("[\n{") and both.stdout.count('"schema"') == 1
