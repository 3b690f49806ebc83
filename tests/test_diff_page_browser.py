"""The map of a difference in a real browser, cut off from every network."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from test_layer_diff import geodesic_m, geodesic_m2
from test_maps import HOSTILE, OUTLINE, needs_assets
from test_maps_browser import CHROME, Opener, browser, visit  # noqa: F401  # fixtures
from yard import GK, line, site, square

from linxi_gis import crs
from linxi_gis.importing import differ, touching
from linxi_gis.importing.editions import Edition, Zone
from linxi_maps import diff_map

pytestmark = [needs_assets, pytest.mark.skipif(CHROME is None, reason="本机没有 Chromium 或 Chrome")]


def edition(label: str, zones: dict[str, Any], text: str = "", **more: Any) -> Edition:
    held = tuple(Zone(zone, f"{text}{zone}", "", crs.to_plane(shape, GK)) for zone, shape in zones.items())
    return Edition(label, f"{text}湿地", "2023-12-31 起", **{"demonstration": True, "keyed": True, **more}, zones=held)


def a_difference(text: str = "") -> differ.Difference:
    """甲 wider by 50 m, 乙 gone, 丙 as it was, 丁 and the small 戊 new."""
    old = {"甲": square(0, 0, 2000), "乙": square(4000, 0, 2000), "丙": square(8000, 0, 2000)}
    new = {"甲": square(0, 0, 2050, 2000), "丙": square(8000, 0, 2000), "丁": square(0, 9000, 2000), "戊": square(0, -99, 30)}
    return differ.compare(edition("wet@1", old, text), edition("wet@2", new, text))


def test_the_page_shows_what_came_and_went_and_leads_there(visit: Opener) -> None:  # noqa: F811
    found = a_difference()
    met = touching.touched(found, [site(line((5000, 1000), (6500, 1000)), "p", name="管线"), site(square(0, 0, 10), "free")])
    seen = visit(diff_map(found, met=met, outline=OUTLINE))
    page = seen.page
    assert page.locator(".lx-verdict").inner_text().replace("\u00a0", " ") == "新增 2， 取消 1， 改变 1"
    assert page.locator(".lx-demo").is_visible() and page.locator(".lx-stamp").is_visible()
    legend = page.locator(".lx-legend li").all_inner_texts()
    assert legend == ["涉及的地块", "细小变化的位置", "新增的图斑", "取消的图斑", "改变：划入的部分", "原有的全部图斑",
                      "新有的全部图斑", "县界"]  # fmt: skip
    words = page.locator(".lx-side").inner_text()
    thread = geodesic_m(line((5000, 1000), (6000, 1000)))
    for word in ("涉及变化的地块（1／2）", "不涉及：free", f"取消 乙（乙）：划出 长 {thread:.2f} m", "划入 9.99", "12-31 起"):
        assert word in words, word
    entry = page.locator(".lx-finding[data-zoom]", has_text="改变")
    entry.click()
    page.wait_for_timeout(300)
    lon, lat = (float(one) for one in crs.to_lonlat(square(2025, 1000, 1), GK).exterior.coords[0])
    assert page.evaluate(f"linxi.map.getBounds().contains([{lat}, {lon}])")
    assert page.evaluate("linxi.map.getBounds().getEast() - linxi.map.getBounds().getWest()") < 0.05
    page.evaluate("geo_json_removed.getLayers()[0].openPopup()")
    assert "取消" in page.locator(".leaflet-popup-content").inner_text()
    assert page.locator(".leaflet-popup-content").inner_text().count(f"{geodesic_m2(square(4000, 0, 2000)) / 1e4:.4f}") == 1
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_the_page_of_no_difference_says_so(visit: Opener) -> None:  # noqa: F811
    one = edition("a.shp", {"甲": square(0, 0, 100)}, demonstration=False)
    seen = visit(diff_map(differ.compare(one, one), outline=None))
    assert seen.page.locator(".lx-verdict").inner_text() == "没有变化"
    assert seen.page.locator(".lx-demo").count() == 0
    assert seen.quiet(), (seen.asked, seen.complaints)


@pytest.mark.parametrize("text", [" ".join(HOSTILE), HOSTILE[8]])
def test_hostile_names_of_zones_and_sites_are_shown_and_never_run(visit: Opener, text: str) -> None:  # noqa: F811
    found = a_difference(text)
    met = touching.touched(found, [site(shapely.union_all([square(5000, 0, 99)]), "p", name=text)])
    seen = visit(diff_map(found, met=met, outline=OUTLINE))
    seen.page.evaluate("linxi.map.eachLayer(function (l) { if (l.openPopup && l.getPopup && l.getPopup()) l.openPopup(); })")
    words = seen.page.locator("body").inner_text()
    assert seen.page.evaluate("window.pwned") is None
    assert "60481729" not in words and "甲49" not in words
    visible = "".join("\ufffd" if ord(c) < 32 or c == "\u202e" else c for c in text)
    assert " ".join(visible.split()) in " ".join(words.split())
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_the_same_difference_gives_the_same_bytes() -> None:
    assert diff_map(a_difference(), outline=OUTLINE) == diff_map(a_difference(), outline=OUTLINE)
