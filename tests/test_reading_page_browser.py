"""The map of a reading in a real browser, cut off from every network."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from test_maps import HOSTILE, OUTLINE, needs_assets
from test_maps_browser import CHROME, Opener, browser, visit  # noqa: F401  # fixtures

from linxi_gis.finding import Issue
from linxi_gis.footprint import make_site
from linxi_gis.intake.checks import Subject, examine_one
from linxi_gis.model import Candidate, Reference, Site
from linxi_maps.reading_page import reading_map

pytestmark = [needs_assets, pytest.mark.skipif(CHROME is None, reason="本机没有 Chromium 或 Chrome")]
X, Y = 118.05, 43.61
BOW_TIE = [(X, Y), (X + 0.001, Y + 0.001), (X + 0.001, Y), (X, Y + 0.001)]


def a_site(ring: list[tuple[float, float]], name: str = "地块甲") -> Site:
    drawn = shapely.Polygon(ring)
    reference = Reference("EPSG:4490", name)
    site = make_site(drawn, reference, site_id="A", name=name, attributes=((name, name),))
    return examine_one(Subject(site, drawn, "EPSG:4490"), OUTLINE)


def readings_of_a_doubtful_file(text: str = "") -> list[Candidate]:
    square = shapely.box(X, Y, X + 0.01, Y + 0.01)
    far = shapely.transform(square, lambda xy: xy + np.array([3.0, 0.0]))
    return [
        Candidate(f"{text}第 39 带", "EPSG:4548", X, Y, True, 0.0, 1e6, (f"{text}在县界内",), square.wkt),
        Candidate(f"{text}第 40 带", "EPSG:4549", X + 3, Y, False, 199.8, 1e6, ("距县界 199.8 km",), far.wkt),
        Candidate(f"{text}无图", "EPSG:4547", X - 3, Y, False, 216.7, 0.0),
    ]


def numbers(page: object) -> list[str]:
    found: list[str] = page.locator(".lx-distance").all_inner_texts()  # type: ignore[attr-defined]
    return sorted(found)


def test_corners_are_numbered_and_issues_lead_to_their_place(visit: Opener) -> None:  # noqa: F811
    ring = [(X, Y), (X + 0.002, Y), (X + 0.002, Y), (X + 0.002, Y + 0.001), (X, Y + 0.001)]
    seen = visit(reading_map("甲.txt", [a_site(ring)], [], [], outline=OUTLINE))
    page = seen.page
    assert numbers(page) == ["1", "2、3", "4", "5"]
    words = page.locator(".lx-side").inner_text()
    assert "第 3 点与前后相邻的点重合" in words and "未采用" not in words
    legend = page.locator(".lx-legend li").all_inner_texts()
    assert [row.split()[-1] for row in legend] == ["问题位置", "拐点编号", "图形", "县界"]
    page.locator(".lx-finding[data-zoom]").first.click()
    page.wait_for_timeout(300)
    assert page.evaluate(f"linxi.map.getBounds().contains([{Y}, {X + 0.002}])")
    page.evaluate("geo_json_places.getLayers()[0].openPopup()")
    assert "请删去重复的点" in page.locator(".leaflet-popup-content").inner_text()
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_another_order_is_dashed_and_numbered_as_in_the_file(visit: Opener) -> None:  # noqa: F811
    seen = visit(reading_map("甲.txt", [a_site(BOW_TIE)], [], [], outline=OUTLINE))
    assert numbers(seen.page) == ["1", "2", "3", "4"]
    dashed = seen.page.locator(".leaflet-lx-others-pane path, .leaflet-pane.lx-others path, path[stroke='#b5179e']")
    assert dashed.first.get_attribute("stroke-dasharray")
    place = "geo_json_corners.getLayers().filter(l => l.feature.properties.label === '2')[0].getLatLng()"
    assert seen.page.evaluate(f"[{place}.lng, {place}.lat]") == pytest.approx(BOW_TIE[1], abs=1e-6)
    assert "按 1－3－2－4 的次序不相交" in seen.page.locator(".lx-side").inner_text()
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_a_file_that_cannot_be_decided_shows_its_readings_and_the_county(visit: Opener) -> None:  # noqa: F811
    why = ["bare.csv：坐标系无法确定"]
    seen = visit(reading_map("bare.csv", [], [], readings_of_a_doubtful_file(), outline=OUTLINE, errors=why))
    assert seen.page.locator(".lx-verdict").inner_text() == "读法待定"
    words = seen.page.locator(".lx-side").inner_text()
    for word in ("坐标系无法确定", "--crs EPSG:4548，在县界内", "距县界 199.8 km", "可能的读法（未采用）"):
        assert word in words
    assert "图形" not in seen.page.locator(".lx-legend").inner_text()
    assert seen.page.evaluate(f"linxi.map.getBounds().contains([{Y}, {X}])")
    assert seen.quiet(), (seen.asked, seen.complaints)


@pytest.mark.parametrize("text", [" ".join(HOSTILE), HOSTILE[8]])
def test_hostile_names_on_a_reading_are_shown_and_never_run(visit: Opener, text: str) -> None:  # noqa: F811
    issue = Issue("x", "warning", text, text, f"POINT ({X} {Y})")
    page = reading_map(
        text, [a_site(BOW_TIE, text)], [issue], readings_of_a_doubtful_file(text), outline=OUTLINE, errors=[text]
    )
    seen = visit(page)
    seen.page.evaluate(
        "linxi.map.eachLayer(function (l) { if (l.openPopup && l.getPopup && l.getPopup()) l.openPopup();"
        " if (l.openTooltip && l.getTooltip && l.getTooltip()) l.openTooltip(); })"
    )
    words = seen.page.locator("body").inner_text()
    assert seen.page.evaluate("window.pwned") is None
    assert "60481729" not in words and "甲49" not in words
    visible = "".join("\ufffd" if ord(c) < 32 or c == "\u202e" else c for c in text)
    assert " ".join(visible.split()) in " ".join(words.split())
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_vertices_cut_into_long_edges_get_no_number(visit: Opener) -> None:  # noqa: F811
    drawn = shapely.box(39_580_000, 4_829_000, 39_581_900, 4_830_200)
    site = make_site(drawn, Reference("EPSG:4527", "测试"), site_id="A", name="甲")
    assert shapely.get_num_coordinates(site.geometry) > 5  # 500 m pieces were shown
    seen = visit(reading_map("甲", [site], [], [], outline=None))
    assert numbers(seen.page) == ["1", "2", "3", "4"]
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_a_page_of_very_many_vertices_is_thinned_and_says_so() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 300_000, endpoint=False)
    ring = np.column_stack([X + 0.1 * np.cos(angle), Y + 0.08 * np.sin(angle)])
    site = make_site(shapely.Polygon(ring), Reference("EPSG:4490", "测试"), site_id="A", name="甲")
    page = reading_map("甲", [site], [], [], outline=OUTLINE)
    assert len(page) < 3_000_000 and "已作显示简化" in page


def test_the_same_reading_gives_the_same_bytes() -> None:
    first, second = (reading_map("甲", [a_site(BOW_TIE)], [], [], outline=OUTLINE) for _ in range(2))
    assert first == second
