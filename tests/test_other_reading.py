"""Degrees of a datum nobody named: what GCJ-02 would change is measured, judged, and told on every face."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pyproj
import pytest
import shapely
from rich.console import Console
from yard import DAY, GK, HUNDRED, RULES, entry, line, open_library, point, red_line, square, write_layer

import linxi_maps
from linxi_gis import crs
from linxi_gis.assess import assess, landmarks
from linxi_gis.datum import gcj02_of_wgs84, to_cgcs2000, wgs84_of_gcj02
from linxi_gis.finding import Overall
from linxi_gis.footprint import corridor
from linxi_gis.intake import Options, read_geojson, read_text
from linxi_gis.law import Verdict
from linxi_gis.model import Assessment, Layer, Site
from linxi_gis.report import extract, text
from linxi_layers import demo_outline

SCHEMA = jsonschema.Draft202012Validator(extract.schema())
GEOD = pyproj.Geod(ellps="GRS80")


def lonlat(drawn: shapely.Geometry) -> shapely.Geometry:
    return crs.to_lonlat(drawn, GK)


def read_site(drawn: shapely.Geometry, options: Options | None = None) -> Site:
    """A site of the yard as a GeoJSON that names no datum."""
    (site,) = read_geojson(shapely.to_geojson(lonlat(drawn)), options or Options()).sites
    return site


def gcj02_by_hand(lon: float, lat: float) -> tuple[float, float]:
    """GCJ-02 degrees of one WGS84 place, in scalar arithmetic, as the project eviltransform describes the formula.

    A polynomial and a row of sines in degrees from (105, 35) give metres north and east; they are divided by
    the radii of curvature of Krassovsky's ellipsoid there.
    """

    def sines(*terms: tuple[float, float]) -> float:
        return sum(amplitude * math.sin(math.pi * argument) for amplitude, argument in terms) * 2.0 / 3.0

    x, y = lon - 105.0, lat - 35.0
    root = abs(x) ** 0.5
    north = (((0.2 * y + 3.0 + 0.1 * x) * y) + 2.0 * x - 100.0) + 0.2 * root
    north += sines((20, 6 * x), (20, 2 * x), (20, y), (40, y / 3), (160, y / 12), (320, y / 30))
    east = (((0.1 * x + 1.0 + 0.1 * y) * x) + 2.0 * y + 300.0) + 0.1 * root
    east += sines((20, 6 * x), (20, 2 * x), (20, x), (40, x / 3), (150, x / 12), (300, x / 30))
    semi_major, eccentricity2 = 6378245.0, 0.00669342162296594323
    curved = 1.0 - eccentricity2 * math.sin(math.radians(lat)) ** 2
    across = semi_major / math.sqrt(curved)  # prime vertical
    along = across * (1.0 - eccentricity2) / curved  # meridian
    return lon + math.degrees(east / (across * math.cos(math.radians(lat)))), lat + math.degrees(north / along)


def wgs84_by_hand(lon: float, lat: float) -> tuple[float, float]:
    """The place whose GCJ-02 degrees these are: Newton's method in two unknowns, slopes from differences."""
    step, x, y = 1e-6, lon, lat
    for _ in range(8):
        fx, fy = gcj02_by_hand(x, y)
        (ax, ay), (bx, by) = gcj02_by_hand(x + step, y), gcj02_by_hand(x, y + step)
        slopes = np.array([[ax - fx, bx - fx], [ay - fy, by - fy]]) / step
        dx, dy = np.linalg.solve(slopes, [lon - fx, lat - fy])
        x, y = x + float(dx), y + float(dy)
    return x, y


def shifted(drawn: shapely.Geometry) -> shapely.Geometry:
    """Where the ground is if the drawing's degrees are GCJ-02, in the yard's plane; nothing of ours is asked."""
    degrees = shapely.transform(lonlat(drawn), lambda xy: np.array([wgs84_by_hand(*place) for place in xy.tolist()]))
    to = pyproj.Transformer.from_crs("EPSG:4490", GK, always_xy=True)
    return shapely.transform(degrees, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))


def around(drawn: shapely.Geometry) -> shapely.Polygon:
    return shapely.envelope(drawn).buffer(50.0, join_style="mitre")


def judged(folder: Path, zones: list[shapely.Geometry], drawn: shapely.Geometry = HUNDRED) -> Assessment:
    return assess([read_site(drawn)], red_line(folder, zones), RULES, DAY)[0]


def test_the_shift_over_the_county_is_as_the_issue_says() -> None:
    county = shapely.union_all(shapely.get_parts(shapely.from_geojson(demo_outline().read_text(encoding="utf-8"))))
    west, south, east, north = county.bounds
    xx, yy = np.meshgrid(np.linspace(west, east, 150), np.linspace(south, north, 150))
    grid = np.column_stack((xx.ravel(), yy.ravel()))
    grid = np.concatenate((grid[shapely.contains_xy(county, grid)], shapely.get_coordinates(county)))
    moved = wgs84_of_gcj02(grid)  # the degrees of the file taken for GCJ-02
    _, _, metres = GEOD.inv(grid[:, 0], grid[:, 1], moved[:, 0], moved[:, 1])
    # The Issue says 549-631 m: that holds for the county's bounding box and a little more; inside it is 565-631.
    assert 549.0 <= metres.min() < 570.0 and 630.5 < metres.max() < 631.5
    left_m = np.abs(gcj02_of_wgs84(moved) - grid).max() * 111_320
    assert left_m < 1e-6
    baidu = to_cgcs2000(grid[::50], "BD-09")
    _, _, far = GEOD.inv(grid[::50, 0], grid[::50, 1], baidu[:, 0], baidu[:, 1])
    assert far.min() > 1200.0 and far.max() < 1600.0


def test_the_shift_is_that_of_the_published_formula() -> None:
    # Pairs of the test set of eviltransform (WGS84, then GCJ-02; longitude first here).
    for wgs84, gcj02 in (
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ):
        assert gcj02_by_hand(*wgs84) == pytest.approx(gcj02, abs=1e-6)
    places = np.random.default_rng(11).uniform((117.5, 43.1), (118.7, 44.4), (200, 2))
    by_hand = np.array([wgs84_by_hand(*place) for place in places.tolist()])
    _, _, metres = GEOD.inv(*by_hand.T, *wgs84_of_gcj02(places).T)
    assert metres.max() < 1e-5
    there = np.array([gcj02_by_hand(*place) for place in by_hand.tolist()])
    assert np.abs(there - places).max() < 1e-11


def test_a_point_comes_home_alike_alone_and_among_others() -> None:
    degrees = np.random.default_rng(3).uniform((117.7, 43.3), (118.5, 44.2), (500, 2))
    together = wgs84_of_gcj02(degrees)
    alone = np.concatenate([wgs84_of_gcj02(one[None]) for one in degrees[:40]])
    assert np.array_equal(together[:40], alone)


@pytest.mark.parametrize("drawn", [HUNDRED, line((0, 0), (3000, 50)), point(10, 10)])
def test_the_other_reading_is_what_crs_gcj02_reads(drawn: shapely.Geometry) -> None:
    site = read_site(drawn)
    ((name, other),) = site.others
    told = read_site(drawn, Options(crs="GCJ-02"))
    assert name == "GCJ-02" and told.others == ()
    assert shapely.equals_exact(other.geometry, told.geometry, 0.0)
    assert (other.kind, other.area_m2, other.length_m) == (told.kind, told.area_m2, told.length_m)
    assert shapely.equals_exact(other.ground, told.ground, 0.0)


@pytest.mark.parametrize("said", ["2000国家大地坐标系", "GCJ"])
def test_a_named_datum_has_no_other_reading(said: str) -> None:
    rows = "118.0512345,43.6112345\n118.0532345,43.6112345\n118.0532345,43.6132345"
    if said == "GCJ":
        site = read_text(f"经度,纬度\n{rows}", Options(crs="GCJ-02")).sites[0]
    else:
        site = read_text(f"{said}\n经度,纬度\n{rows}").sites[0]
    assert site.others == () and "datum_assumed" not in {issue.code for issue in site.issues}


def test_a_hit_that_only_gcj02_makes_is_in_the_verdict(tmp_path: Path) -> None:
    answer = judged(tmp_path, [around(shifted(HUNDRED))])
    overall = answer.overall
    (other,) = overall.others
    assert overall.verdict is Verdict.CLEAR and overall.complete
    assert other.differs and other.verdict > Verdict.NOTICE and other.layers == ("redline",)
    assert overall.label == f"未命中（若坐标实为 GCJ-02，则为 {other.label}）"
    assert any("GCJ-02" in reason and "生态保护红线" in reason and "第1块" in reason for reason in overall.reasons)
    assert answer.red_line is not None and answer.red_line.outcome == "unclear" and "GCJ-02" in answer.red_line.why
    assert "不涉及" not in answer.red_line.label
    # As if the file had said so.
    told = assess([read_site(HUNDRED, Options(crs="GCJ-02"))], red_line(tmp_path, [around(shifted(HUNDRED))]), RULES, DAY)
    assert told[0].overall.label == other.label and told[0].overall.others == ()


def test_a_hit_that_only_cgcs2000_makes_is_in_the_verdict(tmp_path: Path) -> None:
    overall = judged(tmp_path, [around(HUNDRED)]).overall
    (other,) = overall.others
    assert other.verdict is Verdict.CLEAR and other.differs
    assert overall.verdict > Verdict.NOTICE and overall.label.endswith("（若坐标实为 GCJ-02，则为 未命中）")


def test_another_zone_with_the_same_verdict_is_told(tmp_path: Path) -> None:
    overall = judged(tmp_path, [around(HUNDRED), around(shifted(HUNDRED))]).overall
    (other,) = overall.others
    assert other.verdict is overall.verdict and other.differs
    assert overall.label == f"{overall.verdict.label}（若坐标实为 GCJ-02，所涉图斑不同）"
    assert "第1块" in other.changes[0] and "第2块" in other.changes[0]


def test_two_readings_in_one_zone_leave_the_verdict_alone(tmp_path: Path) -> None:
    overall = judged(tmp_path, [square(-3000, -3000, 6000)]).overall
    (other,) = overall.others
    assert not other.differs and other.layers == () and overall.label == overall.verdict.label
    assert not any("GCJ-02" in reason for reason in overall.reasons)


def test_a_zone_near_by_that_no_rule_speaks_of_is_no_difference(tmp_path: Path) -> None:
    """200 m from the site as read, 600 m from where it may be: told as near, judged as nothing."""
    overall = judged(tmp_path, [square(300, 0, 100)]).overall
    assert overall.verdict is Verdict.CLEAR and not overall.others[0].differs and "GCJ-02" not in overall.label


def test_an_incomplete_other_reading_counts(tmp_path: Path) -> None:
    """The layer covers the site as read and not where it may be: unknown is never clear."""
    write_layer(tmp_path / "redline.gpkg", [square(9000, 9000, 100)])
    write_layer(tmp_path / "extent.gpkg", [around(HUNDRED), square(8990, 8990, 200)])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg", coverage="extent.gpkg")])
    overall = assess([read_site(HUNDRED)], library, RULES, DAY)[0].overall
    (other,) = overall.others
    assert overall.complete and overall.verdict is Verdict.CLEAR
    assert not other.complete and other.differs and "未核查" in overall.label
    assert overall.reaches(Verdict.PROHIBITED)
    assert not replace(overall, others=()).reaches(Verdict.PROHIBITED)


def test_the_worse_reading_reaches_the_bar(tmp_path: Path) -> None:
    overall = judged(tmp_path, [around(shifted(HUNDRED))]).overall
    assert overall.reaches(Verdict.TO_JUSTIFY)
    assert not Overall(overall.verdict, overall.label, True).reaches(Verdict.TO_JUSTIFY)


def test_a_batch_gives_what_its_sites_give_alone(tmp_path: Path) -> None:
    library = red_line(tmp_path, [around(shifted(HUNDRED)), square(2000, 0, 300)])
    drawn = [HUNDRED, square(2000, 0, 80), line((0, 0), (2500, 0)), point(2050, 50), square(6000, 0, 10)]
    sites = [replace(read_site(shape), id=f"s{n}") for n, shape in enumerate(drawn)]
    sites.insert(2, replace(read_site(HUNDRED, Options(crs="GCJ-02")), id="told"))
    together = assess(sites, library, RULES, DAY)
    for site, one in zip(sites, together, strict=True):
        (alone,) = assess([site], library, RULES, DAY)
        assert extract.canonical(extract.build(one)) == extract.canonical(extract.build(alone))


def test_a_corridor_is_widened_in_both_readings(tmp_path: Path) -> None:
    site = corridor(read_site(line((0, 0), (1000, 0))), 40.0)
    ((_, other),) = site.others
    assert other.kind == "corridor" and other.area_m2 == pytest.approx(40_000, rel=1e-2)  # GCJ-02 stretches by 0.4 %
    beside = shapely.LineString(shapely.get_coordinates(shifted(line((0, 0), (1000, 0))))).parallel_offset(15, "left")
    overall = assess([site], red_line(tmp_path, [shapely.buffer(beside, 1.0)]), RULES, DAY)[0].overall
    assert overall.verdict is Verdict.CLEAR and overall.others[0].verdict > Verdict.CLEAR


def test_every_face_tells_it(tmp_path: Path) -> None:
    answer = judged(tmp_path, [around(shifted(HUNDRED))])
    body = json.loads(extract.canonical(extract.build(answer)))
    SCHEMA.validate(body)
    (told,) = body["verdict"]["other_readings"]
    other = answer.overall.others[0]
    assert told == {
        "crs": "GCJ-02", "code": other.verdict.name, "label": other.label, "complete": other.complete,
        "differs": True, "layers": ["redline"], "changes": list(other.changes),
    }  # fmt: skip
    console = Console(width=160)
    with console.capture() as caught:
        console.print(text.render(answer))
    printed = caught.get()
    assert answer.overall.label in printed and "若实为 GCJ-02，结论为" in printed
    layers = [layer for layer in red_line(tmp_path, [around(shifted(HUNDRED))]).layers(DAY) if isinstance(layer, Layer)]
    page = linxi_maps.site_map(answer, [linxi_maps.map_layer(layer, near=answer.site) for layer in layers], outline=None)
    assert answer.overall.label in page and "若实为 GCJ-02，结论为" in page


def test_candidates_are_in_the_extract_and_on_the_terminal(tmp_path: Path) -> None:
    site = read_text("经度,纬度\n118.0327,43.3703").sites[0]
    answer = assess([site], red_line(tmp_path, [square(0, 0, 100)]), RULES, DAY)[0]
    body = json.loads(extract.canonical(extract.build(answer)))
    SCHEMA.validate(body)
    (candidate,) = body["site"]["candidates"]
    assert candidate["code"] == "packed_dms" and candidate["crs"] == "DMS" and candidate["distance_km"] is None
    assert candidate["centre"] == pytest.approx([118.0575, 43.6175], abs=1e-9)
    assert candidate["geometry"] == {"type": "Point", "coordinates": pytest.approx(candidate["centre"], abs=1e-8)}
    console = Console(width=160)
    with console.capture() as caught:
        console.print(text.render(answer))
    assert "其他可能的读法（未采用）" in caught.get() and "--crs DMS" in caught.get()


def test_the_landmarks_are_the_zones_of_the_layers(tmp_path: Path) -> None:
    library = red_line(tmp_path, [square(0, 0, 100), square(500, 0, 100)])
    found = landmarks(library, DAY)
    assert [title for title, _ in found] == ["生态保护红线 第1块", "生态保护红线 第2块"]
    assert shapely.hausdorff_distance(found[0][1].boundary, lonlat(HUNDRED).boundary) < 1e-7
