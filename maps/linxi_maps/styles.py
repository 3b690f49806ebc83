"""How each theme is drawn and what its classes are called: one table, readable without colour vision.

Neighbours in the drawing order differ in lightness and in line pattern, not in hue alone. Fills stay pale so
that a site's outline is always the strongest line on the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from linxi_gis.law import Verdict


@dataclass(frozen=True, slots=True)
class Style:
    """The look of a theme, or of one class of it.

    `order` decides what lies on top (higher is later). Colours are CSS hex, `weight` is pixels, `dash`
    an SVG dash array or empty.
    """

    title: str
    group: str
    stroke: str
    fill: str
    fill_opacity: float = 0.35
    weight: float = 1.5
    dash: str = ""
    order: int = 50


ECOLOGY, WATER, CONTROL = "生态空间", "水环境", "分区管控"
LAND, MINING, RISK, BASE = "国土空间", "矿产与尾矿", "土壤与文物", "基础地理"
FOUND = "体检问题"
GROUPS = (FOUND, ECOLOGY, WATER, CONTROL, LAND, MINING, RISK, BASE)

STYLES: dict[str, Style] = {
    "admin_county": Style("县级行政区", BASE, "#4d4d4d", "#ffffff", 0.0, 2.0, "10 4 2 4", 5),
    "admin_town": Style("乡镇行政区", BASE, "#8c8c8c", "#ffffff", 0.0, 1.0, "4 3", 6),
    "control_unit": Style("环境管控单元", CONTROL, "#7a6a3a", "#efe3b0", 0.30, 1.0, "", 10),
    "air_zone": Style("大气环境分区", CONTROL, "#5b7fa6", "#d5e3f2", 0.20, 1.0, "6 3", 11),
    "water_zone": Style("水环境分区", CONTROL, "#2f8f9d", "#cfeaec", 0.20, 1.0, "6 3", 12),
    "soil_zone": Style("土壤环境分区", CONTROL, "#8a6d4b", "#eadfce", 0.20, 1.0, "6 3", 13),
    "resource_zone": Style("资源利用分区", CONTROL, "#7f7f9c", "#dedeeb", 0.20, 1.0, "6 3", 14),
    "noise_zone": Style("声环境功能区", CONTROL, "#9a6fb0", "#e6d8ee", 0.20, 1.0, "2 3", 15),
    "grassland": Style("草原", ECOLOGY, "#7d9b3c", "#e2ecbf", 0.35, 0.8, "", 20),
    "forest_land": Style("林地", ECOLOGY, "#3f7f3f", "#c3dfc0", 0.35, 0.8, "", 21),
    "groundwater_recharge": Style("地下水补给区", WATER, "#4a86b8", "#d3e5f4", 0.25, 1.2, "1 4", 22),
    "permanent_farmland": Style("永久基本农田", LAND, "#b38a00", "#ffe680", 0.45, 1.0, "", 25),
    "urban_boundary": Style("城镇开发边界", LAND, "#c0448f", "#f7d3e8", 0.25, 1.8, "8 3", 26),
    "industrial_park": Style("工业园区", LAND, "#6b4c9a", "#ddd0f0", 0.35, 1.5, "", 27),
    "ecological_redline": Style("生态保护红线", ECOLOGY, "#c81e1e", "#f3998a", 0.38, 2.4, "", 30),
    "protected_area": Style("自然保护地", ECOLOGY, "#00603a", "#8fcfa8", 0.35, 1.8, "7 3", 31),
    "wetland": Style("湿地", ECOLOGY, "#157f8a", "#b5e2e4", 0.45, 1.0, "2 2", 32),
    "river": Style("河湖管理范围", WATER, "#1f6fb4", "#b9dcf5", 0.60, 1.4, "", 35),
    "water_source": Style("饮用水水源保护区", WATER, "#08418f", "#84b6e8", 0.45, 1.8, "", 36),
    "mine": Style("矿山", MINING, "#7a3b12", "#dfb08c", 0.40, 1.3, "", 40),
    "prospecting_right": Style("探矿权", MINING, "#a0703f", "#f0ddc6", 0.20, 1.3, "3 4", 41),
    "mining_right": Style("采矿权", MINING, "#8c4a1b", "#e9c4a0", 0.30, 1.6, "9 3", 42),
    "tailings": Style("尾矿库", MINING, "#4a1f3d", "#b98aa8", 0.55, 1.6, "", 43),
    "contaminated_land": Style("建设用地土壤污染风险管控地块", RISK, "#5c1a1a", "#c79a9a", 0.50, 1.4, "", 45),
    "soil_supervised_site": Style("土壤污染重点监管单位", RISK, "#80511f", "#dcc2a3", 0.55, 1.4, "", 46),
    "heritage": Style("文物保护单位", RISK, "#a3123f", "#f3c6d1", 0.40, 1.5, "3 2", 47),
    "settlement": Style("居民点", BASE, "#3d3d3d", "#9a9a9a", 0.60, 1.0, "", 60),
    "road": Style("道路", BASE, "#9b5a00", "#9b5a00", 0.0, 1.8, "", 61),
    "monitoring_section": Style("监测断面", WATER, "#003c73", "#ffffff", 0.90, 1.8, "", 62),
}
_UNKNOWN = Style("其他图层", BASE, "#555555", "#dddddd", 0.30, 1.2, "", 50)

# stroke, fill, fill opacity of the classes that are told apart on a map.
_CLASS_COLOURS: dict[tuple[str, str], tuple[str, str, float]] = {
    ("control_unit", "priority"): ("#4e7d4e", "#bcd9b4", 0.34),
    ("control_unit", "key"): ("#b0652a", "#f5cfae", 0.36),
    ("control_unit", "general"): ("#8b8567", "#f4efd9", 0.45),
    ("protected_area", "core"): ("#00492c", "#5fae80", 0.48),
    ("protected_area", "old_core"): ("#00492c", "#5fae80", 0.48),
    ("water_source", "grade1"): ("#041f63", "#4f86cf", 0.60),
    ("water_source", "quasi"): ("#3568ae", "#cfe2f6", 0.40),
    ("river", "floodway"): ("#0c4f8a", "#7fbce8", 0.75),
    ("heritage", "protected"): ("#7d0a2e", "#e38fa6", 0.55),
}

# White text on each is at least 4.5 : 1 (WCAG 2.1, 1.4.3).
VERDICT_COLOURS: dict[Verdict, str] = {
    Verdict.PROHIBITED: "#a50f15",
    Verdict.RESTRICTED: "#b23c00",
    Verdict.TO_JUSTIFY: "#825d00",
    Verdict.NOTICE: "#1f66a8",
    Verdict.CLEAR: "#1b6e36",
    Verdict.NOT_CHECKED: "#595959",
}


def style_of(theme: str, zone_class: str = "") -> Style:
    """Return how a theme, or one class of it, is drawn; a neutral grey for a theme we do not know.

    >>> style_of("ecological_redline").title, style_of("nonsense").title
    ('生态保护红线', '其他图层')
    """
    base = STYLES.get(theme, _UNKNOWN)
    colours = _CLASS_COLOURS.get((theme, zone_class))
    if colours is None:
        return base
    stroke, fill, opacity = colours
    return Style(base.title, base.group, stroke, fill, opacity, base.weight, base.dash, base.order)
