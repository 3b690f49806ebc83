"""The map of a check-up in a real browser, cut off from every network."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest
import shapely
from click.testing import CliRunner
from test_maps import HOSTILE, OUTLINE, needs_assets
from test_maps_browser import CHROME, Opener, browser, visit  # noqa: F401  # fixtures

import linxi_gis.checkup
from linxi_gis.checkup.record import COMMON, GRAVE, HINT, KINDS, Card, Checkup, Fault, card
from linxi_gis.cli.checkup import layers_check
from linxi_maps import checkup_map

pytestmark = [needs_assets]
in_a_browser = pytest.mark.skipif(CHROME is None, reason="本机没有 Chromium 或 Chrome")
X, Y = 118.05, 43.61


def a_checkup(text: str = "") -> Checkup:
    large, small = (shapely.box(X, Y, X + side, Y + side) for side in (0.3, 0.02))
    faults = (
        Fault("shift", GRAVE, "redline", (), large, "dx +16.00 m", f"{text}整体偏移 20 m", "请核对参数"),
        Fault("overlap", COMMON, "units", (f"{text}A", "B"), small, "重叠 3.2 公顷", "重叠", "请核对"),
        Fault("spike", HINT, "units", ("C",), shapely.Point(X + 0.2, Y), "尖角", "有尖刺", "请核对拐点"),
        Fault("status", HINT, "units", (), shapely.Polygon(), "", "没有批准文件", "请写明"),
    )  # fmt: skip
    titles = {"redline": f"{text}红线", "units": "单元", "farm": "农田"}
    cards: list[Card] = [card(n, t, "1", "ab", [f for f in faults if f.layer == n]) for n, t in titles.items()]
    return Checkup(f"{text}目录", date(2026, 9, 1), True, faults, tuple(cards))


@in_a_browser
def test_every_finding_is_listed_drawn_and_led_to(visit: Opener) -> None:  # noqa: F811
    seen = visit(checkup_map(a_checkup(), [], outline=OUTLINE))
    page = seen.page
    assert page.locator(".lx-verdict").inner_text() == "严重 1，一般 1，提示 2"
    assert page.locator(".lx-demo").is_visible() and page.locator(".lx-stamp").is_visible()
    cards = page.locator(".lx-card h2").all_inner_texts()
    assert cards == ["红线", "单元"], "the unfit layer first"
    words = page.locator(".lx-side").inner_text()
    told = ("不可用", "有保留", "整体偏移 20 m", "dx +16.00 m", "请核对参数", "同层重叠", "3.2 公顷", "图层（1）", "农田")
    assert [word for word in told if word not in words] == []
    legend = page.locator(".lx-legend li").all_inner_texts()
    assert [row.strip() for row in legend] == ["一般", "提示", "整个图层的问题（外框）", "县界"]
    page.locator(".lx-finding[data-zoom]").nth(1).click()
    page.wait_for_timeout(300)
    assert page.evaluate(f"linxi.map.getBounds().contains([{Y + 0.01}, {X + 0.01}])")
    assert page.evaluate("linxi.map.getZoom()") > 10
    colours = page.evaluate("[geo_json_whole, geo_json_common].map(g => g.getLayers()[0].options.color)")
    assert len(set(colours)) == 2
    page.evaluate("geo_json_hint.getLayers()[0].openPopup()")
    popup = page.locator(".leaflet-popup-content").inner_text()
    for word in ("提示", "尖刺", "有尖刺", "单元", "C", "请核对拐点"):
        assert word in popup
    assert seen.quiet(), (seen.asked, seen.complaints)


@in_a_browser
def test_on_a_narrow_screen_the_map_and_the_list_stand_below_each_other(visit: Opener) -> None:  # noqa: F811
    seen = visit(checkup_map(a_checkup(), [], outline=OUTLINE))
    seen.page.set_viewport_size({"width": 400, "height": 800})
    chart, side = (seen.page.locator(name).bounding_box() for name in (".folium-map", ".lx-side"))
    assert chart is not None and side is not None
    assert chart["width"] == pytest.approx(400, abs=20) and side["y"] >= chart["y"] + chart["height"] - 1
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 400


@in_a_browser
@pytest.mark.parametrize("text", [" ".join(HOSTILE), HOSTILE[8]])
def test_hostile_names_are_shown_and_never_run(visit: Opener, text: str) -> None:  # noqa: F811
    seen = visit(checkup_map(a_checkup(text), [], outline=OUTLINE))
    seen.page.evaluate("linxi.map.eachLayer(function (l) { if (l.openPopup && l.getPopup && l.getPopup()) l.openPopup(); })")
    assert seen.page.evaluate("window.pwned") is None
    assert "60481729" not in seen.page.locator("body").inner_text()
    assert seen.quiet(), (seen.asked, seen.complaints)


def test_small_findings_get_a_spot_and_large_shapes_are_thinned() -> None:
    speck = Fault("tiny", HINT, "units", ("C",), shapely.box(X, Y, X + 1e-5, Y + 1e-5), "2 m²", "碎块", "删去")
    many = Fault("duplicate", COMMON, "units", ("D",), shapely.Point(X, Y).buffer(0.1, 20_000), "", "重复", "删去")
    done = Checkup("目录", date(2026, 9, 1), False, (speck, many), (card("units", "单元", "1", "", [speck, many]),))
    page = checkup_map(done, [], outline=OUTLINE)
    assert '"Point"' in page and len(page) < 1_000_000
    assert "示意数据" not in page
    assert page == checkup_map(done, [], outline=OUTLINE)


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    out = tmp_path / "体检.html"
    told = CliRunner().invoke(
        layers_check, ["urban", "--catalog", "demo-defects", "--on", "2026-09-01", "--format", "html", "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    page = out.read_text(encoding="utf-8")
    assert "重复" in page and "示意数据，结论无效力" in page and "城镇开发边界" in page
    none = CliRunner().invoke(layers_check, ["--catalog", "demo-defects", "--format", "html"])
    assert "体检.html" in str(getattr(none.exception, "remedy", ""))


def test_every_code_has_a_word() -> None:
    folder = Path(linxi_gis.checkup.__file__).parent
    given = {
        node.args[0].value if isinstance(node.func, ast.Name) and node.func.id == "Fault" else node.args[2].value
        for file in folder.glob("*.py") for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Fault", "_fault", "_unusable")
        and isinstance(node.args[0 if node.func.id == "Fault" else 2], ast.Constant)
    }  # fmt: skip
    assert given | {"overlap", "tile_overlap"} == set(KINDS)
