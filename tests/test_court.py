"""The court: hard evidence is used and told, contradiction and silence are questions with candidates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import Options, candidates, read, read_text
from linxi_gis.intake.candidates import sites_with_landmarks, with_landmarks
from linxi_gis.intake.court import Doubt, examine
from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.intake.packed import suspects
from linxi_gis.intake.reading import Draft, Drawn
from linxi_gis.intake.readings import every
from linxi_gis.model import Candidate
from linxi_layers import demo_outline

COUNTY = shapely.union_all(
    shapely.get_parts(shapely.from_geojson(demo_outline().read_text(encoding="utf-8")))
)
OPTIONS = Options(county=COUNTY)
GEOD = pyproj.Geod(ellps="GRS80")
SQUARE = ((118.0, 43.6), (118.002, 43.6), (118.002, 43.602), (118.0, 43.602))


def project(system: str, corners: tuple[tuple[float, float], ...] = SQUARE) -> list[tuple[float, float]]:
    """(east, north) of corners."""
    to = pyproj.Transformer.from_crs("EPSG:4490", system, always_xy=True)
    return [to.transform(*corner) for corner in corners]


def listed(pairs: list[tuple[float, float]], digits: int = 3) -> str:
    return "点号,X,Y\n" + "\n".join(f"J{n},{north:.{digits}f},{east:.{digits}f}" for n, (east, north) in enumerate(pairs, 1))


def plots(body: str, **header: str) -> str:
    return "[属性描述]\n" + "".join(f"{key}={value}\n" for key, value in header.items()) + f"[地块坐标]\n{body}"


def plot(pairs: list[tuple[float, float]], name: str = "甲", area: str = "") -> str:
    lines = "".join(f"J{n},1,{north:.3f},{east:.3f}\n" for n, (east, north) in enumerate(pairs, 1))
    return f"{len(pairs)},{area},{name},{name},面,,,,@\n{lines}"


def asked(text: str, options: Options = OPTIONS) -> AmbiguousCrsError:
    with pytest.raises(AmbiguousCrsError) as caught:
        read_text(text, options)
    return caught.value


def codes(issues: tuple) -> set[str]:  # type: ignore[type-arg]
    return {issue.code for issue in issues}


# --- questions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["EPSG:4548", "EPSG:4549", "EPSG:4547", "EPSG:4550", "EPSG:32650"])
def test_bare_eastings_are_a_question_whatever_zone_is_right(system: str) -> None:
    error = asked(listed(project(system)))
    first = [candidate for candidate in error.candidates if candidate.in_county]
    assert system in {candidate.crs for candidate in first}
    assert list(error.candidates[: len(first)]) == first  # those in the county stand first
    for candidate in error.candidates:
        read_as = read_text(listed(project(system)), Options(crs=candidate.crs)).sites[0]
        drawn = shapely.from_wkt(candidate.geometry_wkt)
        assert shapely.hausdorff_distance(drawn.boundary, read_as.geometry.boundary) < 2e-7
        assert candidate.area_m2 == pytest.approx(read_as.area_m2, rel=1e-6)
        assert (candidate.distance_km == 0.0) is candidate.in_county is bool(COUNTY.intersects(read_as.geometry))


def test_one_reading_in_the_county_is_still_a_question() -> None:
    error = asked(listed(project("EPSG:4549")))
    assert sum(candidate.in_county for candidate in error.candidates) == 1 < len(error.candidates)
    assert "落在县界内的读法：第 1 种" in str(error) and "--crs EPSG:4549" in str(error)


def test_the_distance_to_the_county_is_geodesic() -> None:
    # 6° south of the county: the nearest point of the outline is found by walking it.
    error = asked(listed(project("EPSG:4549", tuple((lon, lat - 6) for lon, lat in SQUARE))))
    nearest = min(
        GEOD.inv(lon, lat, *corner)[2]
        for lon, lat in shapely.get_coordinates(shapely.segmentize(COUNTY, 0.002))
        for corner in shapely.get_coordinates(shapely.from_wkt(error.candidates[0].geometry_wkt))[:4]
    )
    assert not any(candidate.in_county for candidate in error.candidates)
    assert error.candidates[0].distance_km == pytest.approx(nearest / 1000, rel=1e-3)
    assert "没有一种读法落在县界内" in str(error) and len(error.candidates) == 5


def test_without_an_outline_every_reading_in_china_is_kept() -> None:
    error = asked(listed(project("EPSG:4548")), Options())
    assert {candidate.crs for candidate in error.candidates} == {
        "EPSG:4546", "EPSG:4547", "EPSG:4548", "EPSG:4549", "EPSG:4550", "EPSG:32650",
    }  # fmt: skip
    assert all(candidate.distance_km is None for candidate in error.candidates)


def test_the_evidence_is_stated() -> None:
    pairs = project("EPSG:4548")
    planar = shapely.Polygon(pairs).area
    text = plots(plot(pairs, area=f"{planar / 1e4:.6f}公顷"), 坐标系="2000国家大地坐标系")
    (candidate, *_) = asked(text).candidates
    lon, lat = zip(*SQUARE, strict=True)
    ellipsoidal = abs(GEOD.polygon_area_perimeter(lon, lat)[0])
    words = "；".join(candidate.evidence)
    west, east = min(p[0] for p in pairs), max(p[0] for p in pairs)
    assert f"横坐标 {west:.0f}～{east:.0f}，不带带号；距中央经线 117°E 约 81 km" in words
    assert "文件头写明 2000国家大地坐标系" in words and "落在县界内" in words
    assert f"平面 {planar / 1e4:.4f} hm²（+0.00 %）" in words
    assert f"椭球 {ellipsoidal / 1e4:.4f} hm²（{(ellipsoidal / planar - 1) * 100:+.2f} %）" in words


def test_prefix_against_header_lists_both_first() -> None:
    error = asked(plots(plot(project("EPSG:4527")), 坐标系="2000国家大地坐标系", 几度分带="3", 带号="40"))
    assert [candidate.crs for candidate in error.candidates[:2]] == ["EPSG:4527", "EPSG:4528"]
    assert "与本读法不一致" in "".join(error.candidates[0].evidence)
    assert "与本读法一致" in "".join(error.candidates[1].evidence)
    assert "不是本带带号" in "".join(error.candidates[1].evidence)


def test_a_header_against_itself_asks() -> None:
    error = asked(plots(plot(project("EPSG:4548")), 坐标系="2000国家大地坐标系", 带号="40", 中央经线="117"))
    assert "自相矛盾" in str(error)
    assert {candidate.crs for candidate in error.candidates[:2]} == {"EPSG:4527", "EPSG:4528"}


def test_prefix_against_an_unusual_meridian_asks() -> None:
    error = asked(plots(plot(project("EPSG:4527")), 坐标系="2000国家大地坐标系", 中央经线="118.5"))
    assert "118.5°E" in str(error) and error.candidates[0].crs == "EPSG:4527"


def test_a_stated_meridian_of_no_zone_is_used_and_told() -> None:
    own = "+proj=tmerc +lon_0=118.5 +k=1 +x_0=500000 +ellps=GRS80"
    east_north = [pyproj.Proj(own)(*corner) for corner in SQUARE]
    site = read_text(plots(plot(east_north), 坐标系="2000国家大地坐标系", 中央经线="118.5"), OPTIONS).sites[0]
    assert shapely.get_coordinates(site.geometry)[:4] == pytest.approx(np.array(SQUARE), abs=2e-8)
    assert "meridian_unusual" in codes(site.issues)


def test_a_prj_against_its_figures_asks_with_degrees(tmp_path: Path) -> None:
    import pyogrio.raw

    path = tmp_path / "a.shp"
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(shapely.Polygon(SQUARE))]), [np.array(["甲"], dtype=object)], ["name"],
        geometry_type="Polygon", crs="EPSG:4527", encoding="UTF-8",
    )  # fmt: skip
    with pytest.raises(AmbiguousCrsError, match="看起来是经纬度") as caught:
        read(path, OPTIONS)
    assert caught.value.candidates[0].crs == "EPSG:4490"


def test_samples_that_cannot_tell_are_asked_about(shared: Path) -> None:
    with pytest.raises(AmbiguousCrsError) as caught:
        read(shared / "samples" / "txt" / "htoooth_TEST1.txt", OPTIONS)
    assert {"EPSG:4548", "EPSG:4549"} <= {candidate.crs for candidate in caught.value.candidates}
    assert not any(candidate.in_county for candidate in caught.value.candidates)
    for options in (OPTIONS, Options()):
        with pytest.raises(AmbiguousCrsError):
            read(shared / "samples" / "shp_gbk" / "liaoheziliuyu.shp", options)


# --- hard evidence --------------------------------------------------------------------------------


def test_each_feature_goes_by_its_own_evidence() -> None:
    three = plot(project("EPSG:4527"), "甲") + plot(project("EPSG:4528"), "乙") + plot(list(SQUARE), "丙")
    text = plots(three, 坐标系="CGCS2000")
    sites = read_text(text.replace("43.600,118.000", "43.6000000,118.0000000"), OPTIONS).sites
    assert [site.reference.source for site in sites] == ["EPSG:4527", "EPSG:4528", "EPSG:4490"]
    for site in sites:
        assert shapely.get_coordinates(site.geometry)[:4] == pytest.approx(np.array(SQUARE), abs=2e-8)


def test_a_prefix_outside_the_usual_zones_is_read_and_told(shared: Path) -> None:
    site = read(shared / "samples" / "txt" / "longjie_testfile.txt", OPTIONS).sites[0]
    assert site.reference.source == "EPSG:4523" and site.candidates == ()
    assert "outside_county" in codes(site.issues) and "reading_outside_county" not in codes(site.issues)


def test_a_stated_zone_that_leads_away_names_the_one_that_does_not() -> None:
    text = plots(plot(project("EPSG:4548")), 坐标系="2000国家大地坐标系", 几度分带="3", 带号="40")
    site = read_text(text, OPTIONS).sites[0]
    assert site.reference.source == "EPSG:4549"  # as stated: told, never changed
    told = next(issue for issue in site.issues if issue.code == "reading_outside_county")
    assert site.candidates[0].crs == "EPSG:4548" and "--crs EPSG:4548" in told.remedy
    assert all(candidate.in_county for candidate in site.candidates)
    drawn = shapely.from_wkt(told.geometry_wkt)
    assert shapely.get_coordinates(drawn)[:4] == pytest.approx(np.array(SQUARE), abs=2e-8)
    # A zone typed wrongly is told alike, and a site in the next county is not.
    forced = read_text(listed(project("EPSG:4527")), Options(crs="EPSG:4528", county=COUNTY)).sites[0]
    assert forced.candidates[0].crs == "EPSG:4527"
    beside = read_text(listed(project("EPSG:4527", tuple((lon - 1.2, lat) for lon, lat in SQUARE))), OPTIONS).sites[0]
    assert "outside_county" in codes(beside.issues) and beside.candidates == ()


# --- degrees, minutes and seconds in one number ---------------------------------------------------


def packed(degrees: float, digits: int = 0) -> str:
    units = round(degrees * 3600 * 10**digits)
    whole, rest = divmod(units, 3600 * 10**digits)
    return f"{whole}.{rest // (60 * 10**digits):02d}{rest % (60 * 10**digits):0{2 + digits}d}"


CORNERS = ((118.0575, 43.6175), (118.0822, 43.6180), (118.0811, 43.6347), (118.0569, 43.6341))


def test_figures_that_are_all_packed_are_a_question() -> None:
    text = "经度,纬度\n" + "\n".join(f"{packed(lon)},{packed(lat)}" for lon, lat in CORNERS)
    error = asked(text)
    assert [candidate.crs for candidate in error.candidates] == ["EPSG:4490", "DMS"]
    assert [candidate.code for candidate in error.candidates] == ["crs", "packed_dms"]
    site = read_text(text, Options(crs="DMS", county=COUNTY)).sites[0]
    truth = [[round(v * 3600) / 3600 for v in corner] for corner in CORNERS]
    assert shapely.get_coordinates(site.geometry)[:4] == pytest.approx(np.array(truth), abs=1e-12)
    # The last digit is a second: 15.4 m of the meridian.
    half = GEOD.inv(118.0, 43.62, 118.0, 43.62 + 0.5 / 3600)[2]
    assert site.accuracy_m == pytest.approx(half, rel=1e-4)
    assert site.others == () and site.reference.declared
    decimal = read_text(text, Options(crs="EPSG:4490")).sites[0]
    assert shapely.get_coordinates(decimal.geometry)[0] == pytest.approx([float(packed(v)) for v in CORNERS[0]])


def test_figures_that_may_be_packed_by_accident_are_told() -> None:
    text = "经度,纬度\n118.0327,43.3703"
    site = read_text(text, OPTIONS).sites[0]
    assert (site.geometry.x, site.geometry.y) == (118.0327, 43.3703)
    assert "packed_dms_possible" in codes(site.issues)
    (candidate,) = site.candidates
    assert candidate.code == "packed_dms" and candidate.crs == "DMS"
    assert (candidate.lon, candidate.lat) == pytest.approx((118 + 3 / 60 + 27 / 3600, 43 + 37 / 60 + 3 / 3600), abs=1e-9)


@pytest.mark.parametrize("row", ["118.0367,43.3603", "118.0327,43.6603", "118.032,43.36", "118°03′27″,43°36′03″"])
def test_figures_that_cannot_be_packed_are_not_told(row: str) -> None:
    site = read_text(f"经度,纬度\n{row}", OPTIONS).sites[0]
    assert site.candidates == () and "packed_dms_possible" not in codes(site.issues)


def test_a_file_is_written_in_one_way() -> None:
    """Among many points some read as packed by accident: when others do not, none is suspected."""
    numbers = np.random.default_rng(7)
    points = [Drawn(shapely.Point(np.round(118 + numbers.random(2), 4)), str(n), step=1e-4) for n in range(400)]
    assert suspects(points) == [None] * 400
    assert suspects([Drawn(shapely.Point(118.0327, 43.3603 + n / 1e4), "", step=1e-4) for n in range(4)]) == [True] * 4
    assert suspects([Drawn(shapely.Point(118.05, 43.6), "", step=1e-4)]) == [None]


def test_dms_that_cannot_be_is_refused() -> None:
    with pytest.raises(CrsError, match="只适用于经纬度"):
        read_text(listed(project("EPSG:4527")), Options(crs="DMS"))
    with pytest.raises(InputError, match="不是度分秒连写"):
        read_text("118.0367,43.3603", Options(crs="dms"))


# --- what lies beside a reading -------------------------------------------------------------------


def test_landmarks_are_evidence_and_never_rank() -> None:
    found = asked(listed(project("EPSG:4548"))).candidates
    near = shapely.Point(118.001, 43.6).buffer(0.01)
    off = shapely.Point(118.0, 43.6 + 5000 / 111_110)
    beside = with_landmarks(found, [("红线 甲", near), ("尾矿库 乙", off)])
    assert [one.crs for one in beside] == [one.crs for one in found]
    assert "红线 甲（相交）" in beside[0].evidence[-1] and "尾矿库 乙（4." in beside[0].evidence[-1]
    assert beside[-1].evidence[-1] == "10 km 内没有已知图斑"
    assert with_landmarks(found, []) == found


def test_landmarks_are_fetched_only_when_a_site_has_candidates() -> None:
    sites = read_text("118.05,43.6", OPTIONS).sites

    def never() -> list[tuple[str, shapely.Geometry]]:
        raise AssertionError("opened for nothing")

    assert sites_with_landmarks(sites, never) == list(sites)


def test_a_candidate_is_drawn_in_few_vertices() -> None:
    angles = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    ring = [(578_000 + 900 * np.cos(a), 4_829_000 + 900 * np.sin(a)) for a in angles]
    candidate: Candidate = asked(listed(ring)).candidates[0]
    drawn = shapely.from_wkt(candidate.geometry_wkt)
    assert 20 < shapely.get_num_coordinates(drawn) <= 500
    assert candidate.area_m2 == pytest.approx(np.pi * 900**2, rel=1e-3)


# --- outlines of absurd size ----------------------------------------------------------------------


def wide_and_narrow() -> Draft:
    """A plot of 40 m and a line as long as China is wide, both in bare metres."""
    narrow = shapely.box(578_000, 4_829_000, 578_040, 4_829_040)
    return Draft("a.txt", "测试", (Drawn(narrow, "甲"), Drawn(shapely.LineString([(3e5, 2.4e6), (7e5, 5.3e6)]), "乙")))


def vertices_of_readings(draft: Draft) -> list[int]:
    shape = examine((3e5, 2.4e6, 7e5, 5.3e6), None)
    reads = [candidates._read(draft.drawn, option, draft, Options()) for option in every(shape)]
    return [int(shapely.get_num_coordinates(read.lonlat).sum()) for read in reads if read is not None]


def test_a_reading_that_no_site_could_be_is_no_candidate() -> None:
    assert asked(listed([(4e5, 3.0e6), (6e5, 3.0e6), (5e5, 4.2e6)])).candidates  # 10.8° of latitude
    assert not asked(listed([(4e5, 3.0e6), (6e5, 3.0e6), (5e5, 4.5e6)])).candidates  # 13.5°


def test_what_is_too_wide_among_others_is_shown_by_its_corners() -> None:
    draft = wide_and_narrow()
    counts = vertices_of_readings(draft)
    assert len(counts) >= 3 and set(counts) == {5 + 2}
    found = candidates.build(draft.drawn, Doubt("", every(examine((3e5, 2.4e6, 7e5, 5.3e6), None))), draft, OPTIONS)
    assert found and shapely.from_wkt(found[0].geometry_wkt).bounds[1] < 22.0


def test_long_edges_are_cut_into_a_bounded_number_of_pieces() -> None:
    zigzag = [(3e5 + 4e5 * (n % 2), 4.2e6 + 2e4 * n) for n in range(50)]  # 20,000 km
    line = Drawn(shapely.LineString(zigzag), "甲")
    for drawn in ((line,), (line, line)):
        counts = vertices_of_readings(Draft("a.txt", "测试", drawn))
        assert len(counts) >= 3 and all(1_000 < count < 6_000 for count in counts)


def test_the_area_of_a_large_reading_is_ellipsoidal() -> None:
    corners = [(4e5, 4.4e6), (8e5, 4.4e6), (8e5, 4.9e6), (4e5, 4.9e6)]
    candidate = next(one for one in asked(listed(corners)).candidates if one.crs == "EPSG:4548")
    fine = shapely.segmentize(shapely.Polygon(corners), 500.0)
    down = pyproj.Transformer.from_crs("EPSG:4548", "EPSG:4490", always_xy=True)
    area, _ = GEOD.polygon_area_perimeter(*down.transform(*shapely.get_coordinates(fine).T))
    assert candidate.area_m2 == pytest.approx(abs(area), rel=1e-6)


@pytest.mark.parametrize("corners", [400, 30_000])
@pytest.mark.parametrize("spiky", [False, True])
@pytest.mark.parametrize("parts", [1, 300])
def test_a_sketch_is_small_whatever_it_is_of(corners: int, spiky: bool, parts: int) -> None:
    angles = np.linspace(0, 2 * np.pi, corners // parts + 4, endpoint=False)
    radius = 0.01 * np.where(spiky & (np.arange(len(angles)) % 2 == 0), 0.6, 1.0)
    one = shapely.Polygon(np.column_stack([118 + radius * np.cos(angles), 43.6 + radius * np.sin(angles)]))
    many = np.array([shapely.transform(one, lambda xy, n=n: xy + np.array([n / 40, 0.0])) for n in range(parts)], dtype=object)
    drawn = candidates.sketch(many)
    assert shapely.get_num_coordinates(drawn) <= 500 and drawn.is_valid
    assert np.abs(np.array(drawn.bounds) - shapely.total_bounds(many)).max() < 1e-3
