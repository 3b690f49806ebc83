"""Maps in a real browser, cut off from every network: they work, they ask for nothing, names stay names."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rasterio
from click.testing import CliRunner
from test_maps import (
    HOSTILE,
    OUTLINE,
    an_assessment,
    hostile_assessment,
    needs_assets,
    some_layers,
)

import linxi_layers
from linxi_gis.cli import linxi
from linxi_maps import county_map, site_map

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Route

playwright = pytest.importorskip("playwright.sync_api", reason="没有安装 playwright")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
CHROME = next((path for name in NAMES if (path := shutil.which(name))), None)
ARGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--no-first-run"]  # fmt: skip
pytestmark = [needs_assets, pytest.mark.skipif(CHROME is None, reason="本机没有 Chromium 或 Chrome")]


@dataclass
class Visit:
    """A page opened offline, and everything it complained of or asked for."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def quiet(self) -> bool:
        """Whether nothing was asked for beyond the file, and nothing went wrong."""
        return self.asked == [] and self.complaints == []


Opener = Callable[[str], Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        chrome = driver.chromium.launch(executable_path=CHROME, args=ARGS)
        yield chrome
        chrome.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    contexts = []

    def opened(html: str) -> Visit:
        path = tmp_path / "map.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
        contexts.append(context)
        seen = Visit(context.new_page())

        def watch(route: Route) -> None:
            if route.request.url != path.as_uri():
                seen.asked.append(route.request.url)
            route.continue_()

        def refuse(box: Dialog) -> None:
            seen.complaints.append(box.message)
            box.dismiss()

        seen.page.route("**/*", watch)
        seen.page.on("console", lambda m: seen.complaints.append(m.text) if m.type != "log" else None)
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", refuse)
        seen.page.goto(path.as_uri())
        seen.page.wait_for_function("window.linxi && linxi.map && linxi.map._loaded")
        return seen

    yield opened
    for context in contexts:
        context.close()


def test_site_map_works_offline_and_asks_for_nothing(visit: Opener) -> None:
    seen = visit(site_map(an_assessment(), some_layers(), outline=OUTLINE))
    page = seen.page
    assert page.locator(".lx-verdict").inner_text() == "禁止（另有 1 个图层未核查）"
    assert page.locator(".lx-demo").is_visible() and page.locator(".lx-stamp").is_visible()
    assert "904.11 m" in page.locator(".lx-distance").inner_text()
    assert page.locator(".leaflet-control-scale-line").inner_text().endswith("m")
    assert page.locator(".leaflet-control-minimap path").count() >= 2
    page.mouse.move(500, 500)
    assert "经度 / 纬度" in page.locator(".leaflet-control-mouseposition").inner_text()
    page.locator(".lx-finding[data-zoom]").first.click()
    page.wait_for_timeout(300)
    assert seen.quiet(), (seen.asked, seen.complaints)
    assert page.locator("a[href^=http], img[src^=http], link").count() == 0


def test_popup_tells_figures_verdict_rule_and_quote(visit: Opener) -> None:
    seen = visit(site_map(an_assessment(), some_layers(), outline=OUTLINE))
    seen.page.evaluate("geo_json_layer1.getLayers()[0].openPopup()")
    words = seen.page.locator(".leaflet-popup-content").inner_text()
    for word in ("大兴安岭南段水源涵养红线", "部分重叠", "25.1234 hm²", "31.71 %", "禁止", "test-redline",
                 "测试用条文，不是法律。", "《测试办法》"):  # fmt: skip
        assert word in words
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_switching_a_layer_off_marks_it_in_the_legend(visit: Opener) -> None:
    seen = visit(county_map(some_layers(), title="总图", demonstration=True, outline=OUTLINE))
    row = seen.page.locator(".lx-legend li", has_text="生态保护红线")
    assert "lx-off" not in (row.get_attribute("class") or "")
    seen.page.mouse.move(1015, 110)
    seen.page.locator(".leaflet-control-layers label", has_text="生态保护红线").locator("input").click()
    assert "lx-off" in (row.get_attribute("class") or "")
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_search_goes_to_the_zone_named(visit: Opener) -> None:
    seen = visit(county_map(some_layers(), title="总图", demonstration=True, outline=OUTLINE))
    seen.page.locator(".search-button").click()
    seen.page.keyboard.insert_text("城北水源")
    tip = seen.page.locator(".search-tip", has_text="城北水源地")
    tip.wait_for(state="visible")
    tip.click()
    seen.page.locator(".leaflet-popup-content", has_text="城北水源地").wait_for(state="visible")
    assert seen.page.evaluate("linxi.map.getBounds().contains([43.616, 118.075])")
    assert seen.quiet(), (seen.asked, seen.complaints)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_site_is_painted_over_all_the_county_s_layers(visit: Opener, tmp_path: Path) -> None:
    sites = Path(__file__).parents[1] / "examples" / "tailings_zone39.txt"
    words = ["check", str(sites), "--catalog", str(linxi_layers.demo_catalog()), "--format", "html", "--out", str(tmp_path)]
    assert CliRunner().invoke(linxi, words).exit_code == 0
    page = visit((tmp_path / "DK02.html").read_text(encoding="utf-8")).page
    page.wait_for_timeout(1000)
    with rasterio.MemoryFile(page.screenshot()) as file, file.open() as picture:
        outline = (picture.read([1, 2, 3]).max(axis=0) == 0x11).sum()  # labels are dark too: #1e2429
    assert outline > 200, "the site's outline (#111111) is not on the screen"


def test_villages_have_names_only_in_a_close_view(visit: Opener) -> None:
    page = visit(county_map(some_layers(), title="总图", demonstration=True, outline=OUTLINE)).page
    name = page.locator(".lx-place", has_text="新林屯")
    page.evaluate("linxi.map.setView([43.598, 118.068], 10, {animate: false})")
    assert not name.is_visible()
    page.evaluate("linxi.map.setView([43.598, 118.068], 13, {animate: false})")
    assert name.is_visible()


def test_measuring_and_drawing_work_in_chinese(visit: Opener) -> None:
    seen = visit(county_map(some_layers(), title="总图", demonstration=True, outline=OUTLINE))
    page = seen.page
    assert page.locator(".leaflet-draw-draw-polygon").get_attribute("title") == "绘制地块"
    page.locator(".leaflet-draw-draw-marker").click()
    page.mouse.click(300, 300)
    page.locator(".leaflet-draw-draw-rectangle").click()
    page.mouse.move(400, 300)
    page.mouse.down()
    page.mouse.move(480, 380, steps=4)
    page.mouse.up()
    with page.expect_download() as download:
        page.locator(".lx-export a").click()
    drawn = Path(download.value.path()).read_text(encoding="utf-8")
    assert '"Polygon"' in drawn and '"Point"' in drawn
    page.locator(".leaflet-control-measure-toggle").first.dispatch_event("mouseover")
    page.locator(".js-start").click()
    for x, y in ((300, 500), (500, 500), (500, 650)):
        page.mouse.click(x, y)
        time.sleep(0.4)  # two clicks within a third of a second end the line
    assert "公里" in page.locator(".leaflet-control-measure").inner_text()
    assert "公顷" in page.locator(".leaflet-control-measure").inner_text()
    assert "亩" in page.locator(".leaflet-control-measure").inner_text()
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_the_policy_of_the_page_stops_injected_script(visit: Opener) -> None:
    html = county_map(some_layers(), title="总图", demonstration=True, outline=OUTLINE)
    seen = visit(
        html.replace(
            "<header", "<script>window.pwned = 1</script><img src=x onerror='window.pwned=1'><header"
        )
    )
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.pwned") is None and seen.complaints


def assert_only_text(seen: Visit, text: str) -> None:
    """Open every popup, label, list and search there is; nothing may run, the text must be there to read."""
    page = seen.page
    page.evaluate(
        "linxi.map.eachLayer(function (l) { if (l.openPopup && l.getPopup && l.getPopup()) l.openPopup();"
        " if (l.openTooltip && l.getTooltip && l.getTooltip()) l.openTooltip(); })"
    )
    page.mouse.move(1015, 110)
    page.evaluate("document.querySelector('.search-button').click()")
    page.keyboard.insert_text("\ufffd" if ord(text[0]) < 32 else text[:4])
    page.locator(".search-tip").first.wait_for(state="visible")
    words = page.locator("body").inner_text()
    assert page.evaluate("window.pwned") is None
    assert "60481729" not in words and "甲49" not in words
    visible = "".join("\ufffd" if ord(c) < 32 or c == "\u202e" else c for c in text)
    assert " ".join(visible.split()) in " ".join(words.split())
    assert seen.quiet(), (seen.asked, seen.complaints)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_on_a_site_map_are_shown_and_never_run(visit: Opener, text: str) -> None:
    assessment, layers = hostile_assessment(text)
    assert_only_text(visit(site_map(assessment, layers, outline=OUTLINE)), text)


def test_hostile_names_on_the_county_map_are_shown_and_never_run(visit: Opener) -> None:
    text = " ".join(HOSTILE)
    _, layers = hostile_assessment(text)
    html = county_map(layers, title=text, demonstration=True, outline=OUTLINE)
    assert_only_text(visit(html), text)
