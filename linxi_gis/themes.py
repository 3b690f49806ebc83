"""The words of the catalogue: themes of layers, classes of zones, and what every county must hold."""

from __future__ import annotations

from collections.abc import Mapping

THEMES: Mapping[str, str] = {
    "ecological_redline": "生态保护红线",
    "protected_area": "自然保护地",
    "water_source": "饮用水水源保护区",
    "control_unit": "环境管控单元",
    "permanent_farmland": "永久基本农田",
    "urban_boundary": "城镇开发边界",
    "mining_right": "采矿权",
    "mine": "矿山",
    "prospecting_right": "探矿权",
    "tailings": "尾矿库",
    "air_zone": "大气环境管控分区",
    "water_zone": "水环境管控分区",
    "soil_zone": "土壤环境管控分区",
    "resource_zone": "自然资源管控分区",
    "noise_zone": "声环境功能区",
    "river": "河道",
    "groundwater_recharge": "地下水饮用水源补给区",
    "heritage": "文物保护单位",
    "wetland": "湿地",
    "forest_land": "林地",
    "grassland": "草原",
    "contaminated_land": "建设用地土壤污染风险管控和修复名录地块",
    "soil_supervised_site": "土壤污染重点监管单位",
    "industrial_park": "工业园区",
    "settlement": "居民点",
    "road": "公路",
    "monitoring_section": "水质考核断面",
    "admin_county": "县界",
    "admin_town": "乡镇界",
}
# Without these no site can be called clear: the layers every review asks for, plus the two whose
# zones carry bans by law (river, heritage). A catalogue may say otherwise in `required_themes`.
REQUIRED_THEMES = (
    "ecological_redline", "protected_area", "water_source", "control_unit", "permanent_farmland",
    "urban_boundary", "mining_right", "tailings", "river", "heritage",
)  # fmt: skip
# Themes whose zones are areas by law: a line or a point of one (a border drawn, a marker) cannot say what lies in it.
AREAL_THEMES = (
    "ecological_redline", "protected_area", "water_source", "control_unit", "permanent_farmland", "urban_boundary",
    "mining_right", "prospecting_right", "air_zone", "water_zone", "soil_zone", "resource_zone", "noise_zone",
    "groundwater_recharge", "wetland", "forest_land", "grassland", "contaminated_land", "industrial_park",
    "admin_county", "admin_town",
)  # fmt: skip
# Themes that only help to read a map; they are never judged.
BACKDROP_THEMES = ("admin_county", "admin_town")

CLASS_TITLES: dict[tuple[str, str], str] = {
    ("protected_area", "core"): "核心保护区",
    ("protected_area", "general"): "一般控制区",
    ("protected_area", "natural_park"): "自然公园",
    ("protected_area", "old_core"): "核心区（原分区）",
    ("protected_area", "old_buffer"): "缓冲区（原分区）",
    ("protected_area", "old_experimental"): "实验区（原分区）",
    ("water_source", "grade1"): "一级保护区",
    ("water_source", "grade2"): "二级保护区",
    ("water_source", "quasi"): "准保护区",
    ("control_unit", "priority"): "优先保护单元",
    ("control_unit", "key"): "重点管控单元",
    ("control_unit", "general"): "一般管控单元",
    ("river", "floodway"): "行洪区",
    ("river", "managed"): "管理范围",
    ("heritage", "protected"): "保护范围",
    ("heritage", "control"): "建设控制地带",
    ("wetland", "national_important"): "国家重要湿地",
    ("wetland", "natural"): "自然湿地",
    ("grassland", "basic"): "基本草原",
    ("grassland", "degraded"): "荒漠、半荒漠和严重退化、沙化、盐碱化、石漠化、水土流失的草原以及生态脆弱区的草原",
    ("road", "national"): "国道",
    ("road", "provincial"): "省道",
    ("road", "county"): "县道",
    ("road", "township"): "乡道",
    ("road", "expressway"): "高速公路",
    ("road", "bridge_ferry"): "公路渡口、中型以上公路桥梁",
    ("road", "tunnel"): "公路隧道",
}


# What a layer said of a site, and how far the words of an article can be trusted, as people read it.
STATUS_TITLES: Mapping[str, str] = {
    "hit": "命中",
    "near": "邻近",
    "clear": "未命中",
    "not_covering": "未覆盖",
    "not_checked": "未核查",
    "stale": "已过期",
}
TEXT_STATUS_TITLES: Mapping[str, str] = {
    "verbatim": "条文原文",
    "paraphrase": "条文大意",
    "unverified": "条文待核",
}


def class_title(theme: str, zone_class: str) -> str:
    """Return the Chinese word of a class; the class itself where we have none.

    >>> class_title("water_source", "grade1"), class_title("mine", "铅锌矿")
    ('一级保护区', '铅锌矿')
    """
    return CLASS_TITLES.get((theme, zone_class), zone_class)
