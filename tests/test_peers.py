"""What the best tools of the field get wrong (PEERS.md): the truth in every row, by the public path.

Sites and zones are rectangles in Gauss-Krüger zone 39 whose shares follow from their sides.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod
from yard import DAY, EAST, HUNDRED, NORTH, RULES, line, point, red_line, site, square

from linxi_gis.assess import assess
from linxi_gis.finding import LayerResult, Relation
from linxi_gis.law import Verdict
from linxi_gis.model import Assessment

COVER = square(-50, -50, 200)


def judged(folder: Path, zones: list[object], drawn: object = HUNDRED, **more: object) -> Assessment:
    return assess([site(drawn)], red_line(folder, zones, **more), RULES, DAY)[0]


def red(assessment: Assessment) -> LayerResult:
    return assessment.layers[0]


@pytest.mark.parametrize(
    ("zones", "share", "area_gk_m2"),
    [
        pytest.param([COVER], 1.0, 10_000, id="the zone covers the site"),
        pytest.param([COVER, COVER], 1.0, 10_000, id="the same polygon stored twice"),
        pytest.param([square(0, 0, 60, 100), square(40, 0, 60, 100)], 1.0, 10_000, id="60 m + 60 m, overlapping"),
        pytest.param([square(0, 0, 25, 100), square(10, 0, 30, 100)], 0.4, 4_000, id="25 m and 30 m, overlapping by 15"),
        pytest.param(
            [square(5 * i + 1, 5 * j + 1, 0.9**0.5) for i in range(20) for j in range(20)], 0.036, 360.0,
            id="400 pieces of 0.9 m² each",
        ),
    ],
)  # fmt: skip
def test_share_of_the_union(tmp_path: Path, zones: list[object], share: float, area_gk_m2: float) -> None:
    answer = judged(tmp_path, zones)
    assert red(answer).status == "hit"
    assert red(answer).share_of_site == pytest.approx(share, rel=1e-6)
    scale = answer.site.area_m2 / 10_000.0
    assert red(answer).area_m2 == pytest.approx(area_gk_m2 * scale, rel=1e-6)
    assert answer.overall.verdict >= Verdict.TO_JUSTIFY
    assert sum(row.area_m2 for row in answer.partition) == pytest.approx(answer.site.area_m2, rel=1e-9)
    assert sum(row.share_percent for row in answer.partition) == pytest.approx(100.0, abs=1e-9)


def test_a_thousand_overlapping_polygons_are_never_more_than_the_site(tmp_path: Path) -> None:
    chance = np.random.default_rng(20261123)
    zones = [square(*chance.uniform(-20, 80, 2), *chance.uniform(20, 80, 2)) for _ in range(1000)]
    answer = judged(tmp_path, [*zones, COVER])
    assert red(answer).share_of_site == 1.0
    assert all(0.0 <= hit.share_of_site <= 1.0 for hit in red(answer).hits)
    assert [(row.zones, row.share_percent) for row in answer.partition] == [((("redline", "*"),), 100.0)]


def test_a_zone_two_metres_away_is_near_with_distance_and_bearing(tmp_path: Path) -> None:
    answer = judged(tmp_path, [square(102, 0, 50, 100)])
    near = red(answer).nearest
    assert red(answer).status == "near"
    assert near is not None
    # 2 m of Gauss-Krüger plane, 81 km from the meridian: 2 / 1.00008 on the ellipsoid.
    assert near.distance_m == pytest.approx(2.0 / 1.00008, abs=1e-4)
    assert near.bearing_deg == pytest.approx(90.0, abs=1.0)  # grid east; meridian convergence is 0.7°
    assert not near.critical
    assert red(answer).share_of_site == 0.0


def test_two_metres_away_with_five_metres_tolerance_is_critical_not_overlapping(tmp_path: Path) -> None:
    answer = judged(tmp_path, [square(102, 0, 50, 100)], accuracy_m=5.0)
    near = red(answer).nearest
    assert near is not None and near.critical
    assert (red(answer).area_m2, red(answer).share_of_site) == (0.0, 0.0)
    assert answer.overall.verdict is Verdict.TO_JUSTIFY
    assert any("临界" in finding.say for finding in answer.findings)


def test_tolerance_never_inflates_a_covered_site(tmp_path: Path) -> None:
    assert red(judged(tmp_path, [COVER], accuracy_m=5.0)).share_of_site == 1.0


def test_a_bow_tie_in_the_layer_is_answered_and_reported_with_its_place(tmp_path: Path) -> None:
    corners = [(0, 0), (100, 100), (100, 0), (0, 100), (0, 0)]
    bow_tie = shapely.Polygon([(EAST + x, NORTH + y) for x, y in corners])
    answer = judged(tmp_path, [bow_tie, square(500, 500, 10)])
    assert red(answer).share_of_site == pytest.approx(0.5, rel=1e-6)  # two triangles of 2,500 m²
    issue = next(issue for issue in red(answer).issues if issue.code == "geometry_healed")
    assert issue.geometry_wkt is not None
    place = shapely.from_wkt(issue.geometry_wkt)
    assert shapely.distance(place, shapely.centroid(answer.site.geometry)) < 1e-6  # the crossing, in degrees


def test_a_point_inside_is_inside(tmp_path: Path) -> None:
    answer = judged(tmp_path, [COVER], drawn=point(50, 50))
    assert [hit.relation for hit in red(answer).hits] == [Relation.WITHIN]
    assert red(answer).share_of_site == 1.0
    assert answer.partition == ()


def test_a_line_inside_is_inside_with_all_its_length(tmp_path: Path) -> None:
    answer = judged(tmp_path, [COVER], drawn=line((10, 10), (90, 90)))
    hit = red(answer).hits[0]
    (lon1, lat1), (lon2, lat2) = shapely.get_coordinates(answer.site.geometry)
    truth = Geod(ellps="GRS80").inv(lon1, lat1, lon2, lat2)[2]
    assert hit.relation is Relation.WITHIN
    assert hit.length_m == pytest.approx(truth, abs=1e-4)
    assert hit.share_of_site == pytest.approx(1.0)
    assert hit.intervals_m[0] == pytest.approx((0.0, truth), abs=1e-4)


def test_a_line_half_inside_tells_its_chainage(tmp_path: Path) -> None:
    answer = judged(tmp_path, [square(50, -10, 500, 200)], drawn=line((0, 50), (200, 50)))
    hit = red(answer).hits[0]
    assert hit.relation is Relation.CROSSES
    assert hit.intervals_m[0] == pytest.approx((50 / 1.00008, 200 / 1.00008), abs=1e-3)
    assert sum(row.length_m for row in answer.partition) == pytest.approx(answer.site.length_m, rel=1e-9)


def test_neighbours_that_only_touch_are_no_hit(tmp_path: Path) -> None:
    answer = judged(tmp_path, [square(100, 0, 50, 100)])
    assert red(answer).status == "near"
    assert red(answer).nearest is not None and red(answer).nearest.relation is Relation.TOUCHES
    assert red(answer).area_m2 == 0.0


def test_a_gap_of_a_tenth_of_a_millimetre_is_not_dropped(tmp_path: Path) -> None:
    answer = judged(tmp_path, [square(100.0001, 0, 50, 100)], accuracy_m=1.0)
    near = red(answer).nearest
    assert near is not None and near.critical
    assert near.distance_m == pytest.approx(1e-4, abs=2e-5)
    assert answer.overall.verdict is Verdict.TO_JUSTIFY


def test_declared_and_drawn_area_are_both_kept(tmp_path: Path) -> None:
    answer = assess([site(HUNDRED, declared_area_m2=9000.0)], red_line(tmp_path, [COVER]), RULES, DAY)[0]
    assert answer.site.declared_area_m2 == 9000.0
    assert [issue.code for issue in answer.site.issues] == ["declared_area_differs"]
    assert "-9.99 %" in answer.site.issues[0].text  # 9000 / 9998.395 - 1
    assert site(HUNDRED, declared_area_m2=10_000.0).issues == ()
    assert answer.site.planar_area_m2 == pytest.approx(10_000.0, abs=0.01)
    assert answer.site.area_m2 == pytest.approx(10_000.0 / 1.00008**2, rel=2e-6)


def test_a_placeholder_without_shape_is_told(tmp_path: Path) -> None:
    answer = judged(tmp_path, [None, square(500, 0, 10)])
    assert any(issue.code == "zone_empty" for issue in red(answer).issues)
    assert answer.overall.verdict is Verdict.NOT_CHECKED
