"""GPX: waypoints, routes and tracks in any version and prefix."""

from __future__ import annotations

import pytest
import shapely

from linxi_gis.errors import InputError
from linxi_gis.intake import Limits, Reading, read_bytes
from linxi_gis.intake.gpx import drafts_gpx

WAYPOINT = '<wpt lat="43.6" lon="118.05"><ele>812.5</ele><name>井口</name><cmt>c</cmt><sym>Flag</sym></wpt>'
ROUTE = '<rte><name>道路</name><rtept lat="43.6" lon="118.05"/><rtept lat="43.61" lon="118.06"/></rte>'
TRACK = (
    "<trk><name>管线</name><type>walk</type><extensions><x:colour>red</x:colour></extensions>"
    '<trkseg><trkpt lat="43.6" lon="118.05"/><trkpt lat="43.6" lon="118.06"/></trkseg>'
    '<trkseg><trkpt lat="43.7" lon="118.05"/><trkpt lat="43.7" lon="118.06"/></trkseg></trk>'
)


def given(
    *parts: str, root: str = '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'
) -> Reading:
    text = f'<?xml version="1.0" encoding="UTF-8"?>{root}{"".join(parts)}</gpx>'
    return read_bytes(text.encode(), "f.gpx")


def test_waypoints_routes_and_tracks_become_points_and_lines() -> None:
    point, route, track = given(WAYPOINT, ROUTE, TRACK).sites
    assert (point.kind, route.kind, track.kind) == ("point", "line", "line")
    assert point.geometry.equals(shapely.Point(118.05, 43.6))
    assert route.geometry.equals(shapely.LineString([(118.05, 43.6), (118.06, 43.61)]))
    expected = shapely.from_wkt("MULTILINESTRING ((118.05 43.6, 118.06 43.6), (118.05 43.7, 118.06 43.7))")
    assert track.geometry.equals(expected)
    assert [site.name for site in (point, route, track)] == ["井口", "道路", "管线"]
    assert dict(point.attributes) == {
        "类型": "航点",
        "ele": "812.5",
        "name": "井口",
        "cmt": "c",
        "sym": "Flag",
    }
    assert dict(track.attributes)["colour"] == "red" and dict(track.attributes)["type"] == "walk"
    assert "z_dropped" in [issue.code for issue in point.issues]
    assert "z_dropped" not in [issue.code for issue in route.issues]
    assert "WGS84" in point.reference.how


@pytest.mark.parametrize("root", ['<gpx version="1.0" xmlns="http://www.topografix.com/GPX/1/0">', "<gpx>"])
def test_older_versions_and_bare_files(root: str) -> None:
    assert len(given(WAYPOINT, ROUTE, TRACK, root=root).sites) == 3


def test_prefixes() -> None:
    text = f"<g:gpx>{WAYPOINT.replace('<', '<g:').replace('<g:/', '</g:')}</g:gpx>"
    assert read_bytes(text.encode(), "f.gpx").sites[0].name == "井口"


@pytest.mark.parametrize(
    "bad", ['lat="x" lon="118"', 'lon="118"', 'lat="nan" lon="118"', 'lat="4_3" lon="118"']
)
def test_a_bad_point_is_told_and_the_rest_is_read(bad: str) -> None:
    reading = given(f"<wpt {bad}><name>坏</name></wpt>", ROUTE)
    assert [site.name for site in reading.sites] == ["道路"]
    assert "坏" in next(issue.text for issue in reading.issues if issue.code == "feature_unreadable")


def test_a_segment_of_one_point_is_told() -> None:
    single = TRACK.replace('<trkpt lat="43.7" lon="118.06"/>', "")
    site = given(single).sites[0]
    assert site.parts == 1 and "short_segment" in [issue.code for issue in site.issues]
    with pytest.raises(InputError, match="航迹段"):
        given('<trk><trkseg><trkpt lat="43.7" lon="118"/></trkseg></trk>')


def test_a_track_round_a_plot_stays_a_line_and_is_told() -> None:
    corners = ((43.6, 118.0), (43.6, 118.1), (43.7, 118.1), (43.6, 118.0))
    points = "".join(f'<trkpt lat="{lat}" lon="{lon}"/>' for lat, lon in corners)
    site = given(f"<trk><trkseg>{points}</trkseg></trk>").sites[0]
    assert site.kind == "line" and "closed_line" in [issue.code for issue in site.issues]


def test_hostile_and_foreign_files_are_refused() -> None:
    with pytest.raises(InputError, match="DOCTYPE"):
        read_bytes(b'<!DOCTYPE gpx [<!ENTITY a "b">]><gpx>&a;</gpx>', "f.gpx")
    with pytest.raises(InputError, match="不是 GPX"):
        drafts_gpx(b"<kml/>", "f.gpx", Limits())
    with pytest.raises(InputError, match="XML"):
        read_bytes(f"<gpx>{WAYPOINT}".encode(), "f.gpx")
    with pytest.raises(InputError, match="超过上限 1 个"):
        drafts_gpx(f"<gpx>{WAYPOINT}{WAYPOINT}</gpx>".encode(), "f", Limits(features=1))
