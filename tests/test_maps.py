"""Maps: what a page says, that nothing of it is fetched, and that no name is ever more than a name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis import crs
from linxi_gis.errors import LinxiError
from linxi_gis.finding import Finding, Hit, Issue, LayerResult, LayerStatus, Overall, Question, Relation
from linxi_gis.footprint import make_site
from linxi_gis.law import Citation, Verdict
from linxi_gis.model import Assessment, Candidate, Gap, Layer, LayerIdentity, Reference, RulePack, Site
from linxi_gis.project import Project
from linxi_maps import MapLayer, assets, county_map, map_layer, reading_page, site_map
from linxi_maps.escape import safe
from linxi_maps.layers import site_frame, within

OUTLINE = shapely.Polygon([(117.65, 43.3), (118.5, 43.25), (118.6, 43.9), (118.1, 44.2), (117.7, 43.9)])
X, Y = 118.05, 43.61

needs_assets = pytest.mark.skipif(
    not (assets.STATIC / "assets.json").is_file(), reason="前端资源未取回：在源码目录运行 pip install -e ."
)


def square(x: float, y: float, half: float = 0.004) -> shapely.Polygon:
    return shapely.box(x - half * 1.38, y - half, x + half * 1.38, y + half)


def a_site(name: str = "铅锌选厂扩建地块") -> Site:
    return make_site(square(X, Y), Reference("EPSG:4490", "测试"), site_id="S1", name=name)


def a_layer(
    key: str, theme: str, title: str, shapes: list[shapely.Geometry], names: list[str], classes: list[str]
) -> MapLayer:
    ids = tuple(f"{key}-{n}" for n in range(len(shapes)))
    return MapLayer(
        key,
        theme,
        title,
        np.array(shapes, dtype=object),
        tuple(names),
        tuple(classes),
        ids,
        demonstration=True,
    )


def some_layers() -> list[MapLayer]:
    west = shapely.box(X - 0.05, Y - 0.04, X + 0.002, Y + 0.05)
    east = shapely.box(X + 0.002, Y - 0.04, X + 0.06, Y + 0.05)
    river = shapely.LineString([(X - 0.06, Y - 0.03), (X - 0.01, Y - 0.018), (X + 0.06, Y - 0.026)])
    return [
        a_layer("units", "control_unit", "环境管控单元", [west, east],
                ["西部优先单元", "东部重点单元"], ["priority", "key"]),
        a_layer("redline", "ecological_redline", "生态保护红线", [square(X - 0.012, Y + 0.004, 0.009)],
                ["大兴安岭南段水源涵养红线"], [""]),
        a_layer("source", "water_source", "饮用水水源保护区", [square(X + 0.025, Y + 0.006, 0.006)],
                ["城北水源地"], ["grade2"]),
        a_layer("river", "river", "河湖管理范围", [river], ["嘎斯汰河"], ["managed"]),
        a_layer("villages", "settlement", "居民点", [shapely.Point(X + 0.018, Y - 0.012)], ["新林屯"], [""]),
        a_layer("far", "heritage", "文物保护单位", [square(X + 0.4, Y + 0.2)], ["远处城址"], ["protected"]),
    ]  # fmt: skip


BASIS = Citation(
    "测试办法",
    "测字〔2026〕1号",
    "第三条",
    "测试用条文，不是法律。",
    "paraphrase",
    date(2020, 1, 1),
    None,
    "test",
)


def result(
    layer: MapLayer, status: LayerStatus, hits: tuple[Hit, ...] = (), nearest: Hit | None = None
) -> LayerResult:
    return LayerResult(
        layer.id, layer.theme, layer.title, status, True, "2023", "0" * 64, "demonstration", True, 5.0,
        3000.0, hits=hits, nearest=nearest,
    )  # fmt: skip


def hits_of(units: MapLayer, redline: MapLayer, source: MapLayer) -> tuple[Hit, Hit, Hit]:
    a, b = (X + 0.00552, Y + 0.004), (X + 0.01672, Y + 0.004)
    bearing, _, metres = pyproj.Geod(ellps="GRS80").inv(*a, *b)
    overlaps = Relation.OVERLAPS
    return (
        Hit("redline", redline.ids[0], redline.names[0], "", overlaps, 251234.5, 0, 0.3171, 0, None, 320,
            False),
        Hit("units", units.ids[1], units.names[1], "key", overlaps, 5e5, 0, 0.6313, 0, None, 700, False),
        Hit("source", source.ids[0], source.names[0], "grade2", Relation.NEAR, 0, 0, 0, metres, bearing,
            metres, False, a, b),
    )  # fmt: skip


def an_assessment(site: Site | None = None, layers: list[MapLayer] | None = None) -> Assessment:
    site = site or a_site()
    units, redline, source, river, villages, far = layers or some_layers()
    hit, unit, near = hits_of(units, redline, source)
    question = Question("has_outfall", "是否设置排污口？", Verdict.PROHIBITED, Verdict.NOTICE)
    findings = (
        Finding("redline", hit, Verdict.PROHIBITED, "test-redline", BASIS, "位于红线内，测试结论"),
        Finding("units", unit, Verdict.TO_JUSTIFY, "test-unit", BASIS, "须对照准入清单", (question,)),
        Finding("source", near, Verdict.NOTICE, None, None, "邻近水源保护区"),
        Finding("mines", None, Verdict.NOT_CHECKED, None, None),
    )
    gap = LayerResult(
        "mines", "mining_right", "采矿权登记范围", "not_checked", True, "", "", "approved", False,
        5.0, 2000.0,
        issues=(Issue("missing", "error", "文件不存在：mining.gpkg"),),
    )  # fmt: skip
    return Assessment(
        site=site, project=Project(name="林西县某铅锌矿选矿扩建项目"), on=date(2026, 9, 1),
        overall=Overall(Verdict.PROHIBITED, "禁止（另有 1 个图层未核查）", False, ("采矿权登记范围",)),
        findings=findings, reminders=(),
        layers=(
            result(units, "hit", hits=(unit,)), result(redline, "hit", hits=(hit,)),
            result(source, "near", nearest=near), result(river, "clear"), result(villages, "clear"),
            result(far, "clear"), gap,
        ),
        partition=(), rules=RulePack("测试规则包", "1" * 64, 12), catalog_title="林西县管控图层（示意）",
        demonstration=True, engine_version="0.1.0",
    )  # fmt: skip


HOSTILE = (
    "甲{{ 7*7 }}",
    "{{ 7777*7777 }}",
    "{% raw %}",
    "{# gone #}",
    "<script>window.pwned = 1</script>",
    "<img src=x onerror=\"window.pwned = 1\">",
    "`${window.pwned = 1}`",
    "</script><script>window.pwned = 1</script>",
    "\x00\x1b\"'\\ \u202e",
    "');window.pwned = 1;//",
)  # fmt: skip


def hostile_assessment(text: str) -> tuple[Assessment, list[MapLayer]]:
    layers = [
        replace(layer, title=f"{text}{n}", names=tuple(text for _ in layer.names), note=text)
        for n, layer in enumerate(some_layers())
    ]
    layers = [replace(layer, ids=tuple(f"{text}{n}" for n, _ in enumerate(layer.ids))) for layer in layers]
    plain = an_assessment(a_site(text), layers)
    basis = replace(BASIS, instrument=text, article=text, quote=text, number=text)
    question = Question("a", text, Verdict.NOTICE, Verdict.CLEAR)
    findings = tuple(
        replace(finding, say=text, rule=text, basis=basis, questions=(question,))
        for finding in plain.findings
    )
    gap = replace(plain.layers[-1], title=text, issues=(Issue("x", "error", text),))
    rules = replace(plain.rules, name=text)
    overall = replace(plain.overall, label=text)
    return replace(
        plain, findings=findings, project=Project(name=text), catalog_title=text, rules=rules,
        overall=overall,
        layers=(*plain.layers[:-1], gap),
    ), layers  # fmt: skip


def legend_of(html: str) -> str:
    return html[html.index("<h2>图例</h2>") : html.index("<h2>说明</h2>")]


@pytest.mark.parametrize("text", HOSTILE)
def test_safe_leaves_nothing_that_html_script_or_jinja_could_read(text: str) -> None:
    assert not set(safe(text)) & set("<>\"'`{}$\\\x00\x1b\u202e")


def test_safe_keeps_ordinary_names_as_they_are() -> None:
    assert safe("大井镇（2号）尾矿库 No.3-甲") == "大井镇（2号）尾矿库 No.3-甲"


def test_county_layer_keeps_shared_edges_when_simplified() -> None:
    edge = [(118.0 + 0.00001 * (n % 2), 43.6 + 0.0002 * n) for n in range(101)]
    west = shapely.Polygon([(117.9, 43.6), *edge, (117.9, 43.62)])
    east = shapely.Polygon([(118.1, 43.62), *reversed(edge), (118.1, 43.6)])
    shown = map_layer(a_prepared([west, east], "control_unit"))
    assert shapely.get_num_coordinates(shown.geometry).sum() < 0.5 * 2 * len(edge) + 3000
    left, right = crs.to_plane(shown.geometry)
    assert left.intersection(right).area < 0.5 * left.length * 0.01  # rounding, no slivers
    assert shown.tolerance_m == 20.0


def a_prepared(shapes: list[shapely.Geometry], theme: str, coverage: bool = True) -> Layer:
    zones = crs.to_plane(np.array(shapes, dtype=object))
    identity = LayerIdentity("one", theme, "图层", True, demonstration=True)
    count = len(shapes)
    whole = shapely.box(-1e6, -1e6, 1e6, 1e6) if coverage else None
    return Layer(
        identity, "0" * 64, zones, shapely.STRtree(zones), tuple(f"z{n}" for n in range(count)),
        tuple(f"图斑{n}" for n in range(count)), ("",) * count, ((),) * count, whole,
    )  # fmt: skip


def test_small_zone_is_not_simplified_away() -> None:
    ring = shapely.Point(X, Y).buffer(0.0001)
    shown = map_layer(a_prepared([ring], "heritage"))
    before, after = ring.area, shown.geometry[0].area
    assert after == pytest.approx(before, rel=0.05)


def test_layer_of_unknown_coverage_says_so_on_the_map() -> None:
    assert "空白处不等于没有" in map_layer(a_prepared([square(X, Y)], "mine", coverage=False)).note
    assert map_layer(a_prepared([square(X, Y)], "mine")).note == ""


def test_near_a_site_only_ten_kilometres_are_kept_and_rows_stay_together() -> None:
    site = a_site()
    layer = a_prepared([square(X + 1.0, Y), square(X + 0.02, Y), shapely.box(X - 2, Y, X, Y + 2)], "mine")
    shown = map_layer(layer, near=site)
    assert shown.ids == ("z1", "z2") and shown.names == ("图斑1", "图斑2")
    north = shapely.total_bounds(shown.geometry)[3]
    reach = pyproj.Geod(ellps="GRS80").line_length([X, X], [site.geometry.bounds[3], north])
    assert reach == pytest.approx(10_000.0, rel=0.02)
    again = within(shown, site_frame(site))
    assert again.ids == shown.ids


def test_layer_over_the_vertex_budget_is_simplified_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linxi_maps.layers.VERTEX_BUDGET", 500)
    angles = np.linspace(0.0, 2.0 * np.pi, 4_000, endpoint=False)
    radius = 0.2 + 0.0005 * (np.arange(4_000) % 2)
    star = shapely.Polygon(np.column_stack([X + radius * np.cos(angles), Y + radius * np.sin(angles)]))
    shown = map_layer(a_prepared([star], "mine"))
    assert shapely.get_num_coordinates(shown.geometry).sum() <= 500 and shown.tolerance_m > 20.0


def test_missing_assets_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    assets.head.cache_clear()
    with pytest.raises(LinxiError, match=r"leaflet\.css.*start\.py.*重新安装"):
        county_map(some_layers(), title="图", demonstration=True, outline=OUTLINE)
    assets.head.cache_clear()


@needs_assets
def test_site_map_says_the_verdict_the_stamp_and_the_proviso() -> None:
    html = site_map(an_assessment(), some_layers(), outline=OUTLINE)
    for words in ("禁止（另有 1 个图层未核查）", "示意数据，结论无效力", "初步研判，不替代主管部门认定",
                  "904.",
                  "25.1234 hm²", "31.71 %", "测试用条文，不是法律。", "是否设置排污口？"):  # fmt: skip
        assert words in html or words.encode("ascii", "backslashreplace").decode() in html, words
    real = site_map(replace(an_assessment(), demonstration=False), some_layers(), outline=OUTLINE)
    assert "结论无效力" not in real and "初步研判，不替代主管部门认定" in real


@needs_assets
def test_legend_lists_exactly_what_is_drawn_and_what_was_not_checked() -> None:
    html = site_map(an_assessment(), some_layers(), outline=OUTLINE)
    legend = legend_of(html)
    rows = re.findall(r"<li[^>]*>.*?<span>(.*?)</span></li>", legend)
    names = [re.sub(r"<em>（示意）</em>", "", row) for row in rows]
    assert names == [
        "场址", "至最近图斑的连线与距离", "县界", "本图数据范围",
        "生态保护红线", "饮用水水源保护区", "河湖管理范围",
        "环境管控单元：优先保护单元", "环境管控单元：重点管控单元", "居民点",
        "<b>未核查</b> 采矿权登记范围（必查）<br><em>文件不存在：mining.gpkg</em>",
    ]  # fmt: skip
    assert "stroke-dasharray" in legend[legend.index("未核查图层") :]
    assert "已核查、本图范围内没有图斑：文物保护单位" in html


@needs_assets
def test_where_nothing_was_checked_the_map_does_not_say_there_is_nothing() -> None:
    whole = an_assessment()
    gaps = tuple(replace(r, status="not_covering", covered_share=0.0, hits=(), nearest=None) for r in whole.layers)
    nowhere = replace(whole, findings=(), layers=gaps)
    assert "不能说没有命中" in site_map(nowhere, some_layers(), outline=None)
    assert "没有命中，也没有须说明的事项" not in site_map(nowhere, some_layers(), outline=None)
    seen = replace(whole, findings=())
    assert "没有命中，也没有须说明的事项" in site_map(seen, some_layers(), outline=None)


def test_the_map_tells_guesses_and_repairs_escaped() -> None:
    whole = an_assessment()
    guess = Issue("datum_assumed", "info", "没有注明基准 {{ 7*7 }} <b>")
    repair = Issue("geometry_healed", "warning", "图形自相交，已修复后使用")
    told = replace(
        whole,
        site=replace(whole.site, issues=(guess,)),
        layers=(replace(whole.layers[0], issues=(repair,)), *whole.layers[1:]),
    )
    page = site_map(told, some_layers(), outline=None)
    assert safe(guess.text) in page and "49" not in legend_of(page)
    assert "没有注明基准" in page and "<b>没有" not in page
    assert "图形自相交，已修复后使用" in page
    assert told.site.reference.how in page
    assert "是：最重到禁止；否：最重到提示" in page


def test_county_map_lists_gaps_and_layers_without_zones() -> None:
    empty = a_layer("mines", "mine", "矿山", [], [], [])
    gap = Gap(
        LayerIdentity("farm", "permanent_farmland", "永久基本农田", True), Issue("x", "error", "尚未配置")
    )
    html = county_map([*some_layers(), empty], title="总图", demonstration=False, outline=None, gaps=[gap])
    assert "未核查</b> 永久基本农田（必查）" in html and "尚未配置" in html
    assert "没有图斑的图层：矿山" in html and "结论无效力" not in html
    assert county_map([], title="空", demonstration=False, outline=None)


@needs_assets
def test_layers_of_one_title_stay_apart() -> None:
    one, two = some_layers()[1], replace(some_layers()[1], id="redline2")
    html = county_map([one, two], title="总图", demonstration=True, outline=None)
    switch = html[html.rindex("L.control.groupedLayers(") :]
    titles = dict(re.findall(r'("[^"]+") : (geo_json_layer\d)', switch))
    assert sorted(titles.values()) == ["geo_json_layer0", "geo_json_layer1"]


@needs_assets
def test_page_names_no_address_and_is_the_same_every_time() -> None:
    def pages() -> tuple[str, str]:
        return (
            site_map(an_assessment(), some_layers(), outline=OUTLINE),
            county_map(some_layers(), title="总图", demonstration=True, outline=OUTLINE),
        )

    for html, again in zip(pages(), pages(), strict=True):
        markup = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
        assert not re.search(r"(?:src|href|url)\s*[=(]\s*['\"]?\s*(?:https?:)?//", markup, re.IGNORECASE)
        assert "<script src" not in html and "<link" not in html and "sourceMappingURL" not in html
        assert "default-src 'none'" in html and html == again
        assert len(html.encode()) < 3_000_000


@needs_assets
def test_licences_travel_with_the_page() -> None:
    html = county_map([], title="空", demonstration=False, outline=None)
    notices = html[html.index('id="licences"') :]
    assert "Volodymyr Agafonkin" in notices and "leaflet-measure" in notices and "lodash" in notices


@needs_assets
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_never_executed_on_the_server(text: str) -> None:
    assessment, layers = hostile_assessment(text)
    plain = site_map(an_assessment(), some_layers(), outline=None)
    for html in (
        site_map(assessment, layers, outline=None),
        county_map(layers, title=text, demonstration=True, outline=None),
    ):
        body = html[html.index("<header") :]
        assert text not in body.replace(assets.head(), "")
        assert "60481729" not in body and "甲49" not in body and "\\u753249" not in body
        assert html.count("<script>") <= plain.count("<script>")


# --- what the small map and the reading's map leave out ----------------------------------------------------


def moved(lon: float, lat: float) -> Assessment:
    there = make_site(square(lon, lat), Reference("EPSG:4490", "测试"), site_id="S1", name="地块")
    return replace(an_assessment(), site=there)


def beside(html: str) -> str:
    """The words above the small map, "" when there are none."""
    found = re.search(r'<p class="lx-afar"[^>]*>(.*?)</p>', html)
    return found[1] if found else ""


@needs_assets
def test_a_site_far_from_the_county_is_said_not_to_be_on_the_small_map() -> None:
    html = site_map(moved(121.0, 41.0), some_layers(), outline=OUTLINE)
    # From the nearest corner of the county, its south-east, to that of the site: no edge comes nearer.
    away = pyproj.Geod(ellps="GRS80").inv(118.5, 43.25, 121.0 - 0.004 * 1.38, 41.0 + 0.004)[2] / 1000.0
    assert beside(html) == f"场址在县域以外 {away:.0f} km，县图上不显示" and 300 < away < 350


@needs_assets
def test_a_site_whose_spot_is_on_the_small_map_needs_no_words() -> None:
    """In the county, and 10 km east of it, where the small map still reaches."""
    for lon, lat in ((X, Y), (118.70, 43.7)):
        assert beside(site_map(moved(lon, lat), some_layers(), outline=OUTLINE)) == ""
    assert beside(site_map(moved(121.0, 41.0), some_layers(), outline=None)) == ""  # no small map at all


@needs_assets
def test_the_small_map_is_as_large_as_is_thought() -> None:
    script = (Path(assets.__file__).parent / "browser" / "page.js").read_text(encoding="utf-8")
    width, zoom = (int(figure) for figure in re.findall(r"width: (\d+), height: \1, zoomLevelFixed: (\d+)", script)[0])
    assert "centerFixed: outline.getBounds().getCenter()" in script
    west, _, east, _ = OUTLINE.bounds
    edge = (west + east) / 2 + width / 2 / (256 * 2**zoom / 360)
    for lon, seen in ((edge - 0.01, True), (edge + 0.01, False)):
        assert (beside(site_map(moved(lon, 43.6), some_layers(), outline=OUTLINE)) == "") is seen


def looking(html: str, fill: str) -> int:
    """How many features a page draws with a colour."""
    return len(re.findall(rf'"look": {{[^}}]*"fillColor": "{fill}"', html))


@needs_assets
def test_the_reading_map_draws_so_many_and_tells_the_rest() -> None:
    few = [replace(a_site(f"块{n}"), id=f"S{n}") for n in range(3)]
    place = Issue("spike", "warning", "尖刺", "", "POINT (118.05 43.61)")
    many = [few[n % 3] for n in range(reading_page.DRAWN + 5)]
    issues = [replace(place, text=f"尖刺 {n}") for n in range(reading_page.DRAWN + 7)]
    html = reading_page.reading_map("甲.txt", many, issues, [], outline=OUTLINE)
    head = html[html.index("<header") : html.index("</header>")]
    assert f"图形共 {len(many)} 个，图上只画前 {reading_page.DRAWN} 个，其余 5 个没有画出" in head
    assert f"问题位置共 {len(issues)} 个，图上只画前 {reading_page.DRAWN} 个，其余 7 个没有画出" in head
    assert looking(html, "#8fb7d9") == looking(html, "#ffb703") == reading_page.DRAWN
    whole = reading_page.reading_map("甲.txt", few, [place], [], outline=OUTLINE)
    assert "没有画出" not in whole and looking(whole, "#8fb7d9") == 3 and looking(whole, "#ffb703") == 1


@needs_assets
def test_the_reading_map_tells_readings_left_out_of_its_list() -> None:
    one = Candidate("读法", "EPSG:4527", X, Y, True, 0.0, 0.0, ())
    html = reading_page.reading_map("甲", [], [], [one] * (reading_page.LISTED + 4), outline=OUTLINE)
    assert "另有 4 条" in html


@needs_assets
def test_a_reading_far_from_the_county_is_told_beside_the_small_map() -> None:
    there = make_site(square(121.0, 41.0), Reference("EPSG:4490", "测试"), site_id="S1", name="地块")
    html = reading_page.reading_map("甲", [there], [], [], outline=OUTLINE)
    assert re.fullmatch(r"图形在县域以外 3\d\d km，县图上不显示", beside(html))
    assert beside(reading_page.reading_map("甲", [a_site()], [], [], outline=OUTLINE)) == ""
