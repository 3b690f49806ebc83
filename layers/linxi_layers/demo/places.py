"""Where things stand in the demonstration county: constants, each with its source or marked 示意.

Longitude latitude, EPSG:4490. Station positions are public (0.01°); everything else is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

LonLat = tuple[float, float]

# The plan (林西县“十四五”生态环境保护规划，专栏1，2020 年): shares of the county's area in percent.
STATUTORY_AREA_KM2 = 3933.0
REDLINE_PERCENT = 17.89
RESERVE_PERCENT = 14.43
# 规划建设面积 6000 公顷 is what a public page says of the forest park; its place here is invented.
PARK_KM2 = 60.0
CORE_KM2 = 210.0  # invented


@dataclass(frozen=True, slots=True)
class Town:
    """A town: its name, seat, half axes of the built-up patch in metres, and where the seat is from."""

    name: str
    seat: LonLat
    built_m: tuple[float, float]
    kind: str
    source: str


STATION = "气象站点公开坐标（0.01°）"
INVENTED = "示意位置"
TOWNS = (
    Town("林西镇", (118.03, 43.63), (3600.0, 2300.0), "镇", STATION),
    Town("新城子镇", (118.22, 43.32), (900.0, 620.0), "镇", STATION),
    Town("新林镇", (117.84, 43.785), (800.0, 560.0), "镇", INVENTED),
    Town("五十家子镇", (118.20, 44.08), (950.0, 600.0), "镇", STATION),
    Town("大井镇", (118.27, 43.65), (1100.0, 700.0), "镇", STATION),
    Town("统部镇", (117.94, 43.91), (900.0, 600.0), "镇", STATION),
    Town("官地镇", (118.16, 43.81), (850.0, 560.0), "镇", INVENTED),
    Town("大营子乡", (118.00, 43.52), (700.0, 480.0), "乡", INVENTED),
)

# The border river runs along these stretches of the outline (nearest vertices are taken).
BORDER_RIVER_ENDS: tuple[LonLat, LonLat] = ((118.0789, 43.2563), (118.5759, 43.2681))


@dataclass(frozen=True, slots=True)
class Stream:
    """A river: its name, course, and the half width of its managed strip and its floodway (m)."""

    name: str
    course: tuple[LonLat, ...]
    managed_m: float
    floodway_m: float


STREAMS = (
    Stream(
        "查干沐沦河（示意）",
        (
            (117.93, 44.085), (118.02, 44.055), (118.12, 44.068),
            (118.20, 44.070), (118.29, 44.035), (118.44, 43.975),
        ),
        150.0,
        70.0,
    ),
    Stream(
        "统部河（示意）",
        (
            (117.72, 43.985), (117.83, 43.935), (117.94, 43.902), (118.05, 43.868),
            (118.14, 43.82), (118.21, 43.79), (118.34, 43.735),
        ),
        120.0,
        55.0,
    ),
    Stream(
        "林西城区河（示意）",
        (
            (117.80, 43.82), (117.86, 43.765), (117.95, 43.70), (118.005, 43.62),
            (118.02, 43.54), (118.045, 43.465), (118.09, 43.37), (118.12, 43.249),
        ),
        130.0,
        60.0,
    ),
    Stream(
        "大井沟（示意）",
        ((118.22, 43.745), (118.245, 43.655), (118.19, 43.60), (118.11, 43.545), (118.045, 43.465)),
        80.0,
        35.0,
    ),
    Stream(
        "新城子沟（示意）",
        ((118.19, 43.43), (118.205, 43.36), (118.235, 43.31), (118.29, 43.288)),
        80.0,
        35.0,
    ),
)  # fmt: skip
BORDER_RIVER = Stream("西拉沐沦河（示意）", (), 420.0, 190.0)


@dataclass(frozen=True, slots=True)
class Source:
    """A drinking-water source: wells, and half axes and turn of zones two and quasi (metres, degrees)."""

    code: str
    name: str
    wells: tuple[LonLat, ...]
    grade1_m: float
    grade2_m: tuple[float, float]
    quasi_m: tuple[float, float] | None
    turn_deg: float


SOURCES = (
    Source(
        "SY-01", "林西城区新水源地（示意）",
        ((117.975, 43.672), (117.983, 43.667), (117.968, 43.678), (117.979, 43.679)),
        160.0, (2300.0, 1250.0), (5200.0, 2300.0), 128.0,
    ),
    Source("SY-02", "五十家子村镇水源地（示意）", ((118.165, 44.073),), 80.0, (1100.0, 520.0), None, 175.0),
    Source(
        "SY-03", "新城子村镇水源地（示意）",
        ((118.213, 43.345), (118.216, 43.341)),
        80.0, (900.0, 520.0), (1900.0, 850.0), 105.0,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mine:
    """A mining right: licence (示意), name, mineral, centre, half sides of its grid box (metres)."""

    code: str
    name: str
    mineral: str
    centre: LonLat
    half_m: tuple[float, float]


MINES = (
    Mine("示意C1504240001", "大井矿区一号矿（示意）", "铜矿、锡矿", (118.300, 43.668), (1150.0, 760.0)),
    Mine("示意C1504240002", "大井矿区二号矿（示意）", "银矿、铅锌矿", (118.300, 43.690), (900.0, 640.0)),
    Mine("示意C1504240003", "大井矿区三号矿（示意）", "锡矿", (118.262, 43.688), (820.0, 900.0)),
    Mine("示意C1504240004", "大井矿区四号矿（示意）", "铜矿", (118.330, 43.650), (700.0, 560.0)),
    Mine("示意C1504240005", "黑山头矿（示意）", "铅锌矿", (118.215, 43.662), (760.0, 620.0)),
    Mine("示意C1504240006", "北山萤石矿（示意）", "萤石", (118.262, 44.112), (820.0, 600.0)),
    Mine("示意C1504240007", "西岭铅锌矿（示意）", "铅锌矿", (117.775, 43.93), (950.0, 700.0)),
    Mine("示意C1504240008", "官地采石场（示意）", "建筑用石料", (118.205, 43.842), (420.0, 360.0)),
    Mine("示意C1504240009", "南沟萤石矿（示意）", "萤石", (118.140, 43.430), (600.0, 520.0)),
    Mine("示意C1504240010", "碧流汰银矿（示意）", "银矿", (117.885, 43.965), (700.0, 620.0)),
)


@dataclass(frozen=True, slots=True)
class Pond:
    """A tailings pond: code, name, ore, dam type, centre of the pond, half axes, valley direction."""

    code: str
    name: str
    ore: str
    dam: str
    centre: LonLat
    half_m: tuple[float, float]
    down_deg: float  # direction the valley falls, degrees counter-clockwise from east


PONDS = (
    Pond("WK-01", "大井一号尾矿库（示意）", "铜锡矿尾矿", "上游式", (118.284, 43.662), (520.0, 260.0), 205.0),
    Pond("WK-02", "大井二号尾矿库（示意）", "铅锌银矿尾矿", "上游式", (118.281, 43.684), (430, 230), 190),
    Pond("WK-03", "黑山头尾矿库（示意）", "铅锌矿尾矿", "中线式", (118.226, 43.646), (360.0, 200.0), 330.0),
    Pond("WK-04", "北山尾矿库（示意）", "萤石矿尾矿", "一次性筑坝", (118.247, 44.100), (300.0, 190.0), 250.0),
    Pond("WK-05", "西岭尾矿库（示意）", "铅锌矿尾矿", "上游式", (117.795, 43.926), (340.0, 210.0), 20.0),
)

PARK_CENTRE = (118.060, 43.585)  # 林西工业园区, invented
RELIC_CENTRE = (118.318, 43.679)  # 大井古铜矿遗址, invented position near the mines
WALL_COURSE: tuple[LonLat, ...] = (  # 金界壕, invented course across the north
    (117.66, 43.995), (117.78, 43.965), (117.90, 43.995), (118.02, 44.015),
    (118.14, 44.045), (118.24, 44.125), (118.31, 44.17),
)  # fmt: skip

# Roads: code, name, class, and what they join: towns by name, places on the way and border crossings by position.
# No number of a real route is used; where they run is found by `routes`.
ROADS: tuple[tuple[str, str, str, tuple[str | LonLat, ...]], ...] = (
    ("GL-01", "东西国道", "国道", ((117.80, 43.735), "林西镇", "大井镇", (118.385, 43.655))),
    ("GL-02", "南北省道", "省道", ((118.25, 43.275), "新城子镇", "大营子乡", "林西镇", "新林镇", "统部镇")),
    ("GL-03", "林西至五十家子省道", "省道", ("林西镇", "官地镇", "五十家子镇")),
    ("GL-04", "大井至官地县道", "县道", ("大井镇", "官地镇")),
    ("GL-05", "统部至官地县道", "县道", ("统部镇", "官地镇")),
    ("GL-06", "西岭矿区乡道", "乡道", ("统部镇", (117.785, 43.925))),
    ("GL-07", "大井矿区乡道", "乡道", ("大井镇", (118.292, 43.676))),
    ("GL-08", "北山矿区乡道", "乡道", ("五十家子镇", (118.256, 44.106))),
    ("GL-09", "新城子至南沟乡道", "乡道", ("新城子镇", (118.140, 43.430))),
)
LISTED: tuple[tuple[str, LonLat, tuple[float, float]], ...] = (
    ("原县冶炼厂地块", (118.012, 43.608), (190.0, 130.0)),
    ("原大井选厂地块", (118.259, 43.641), (150.0, 120.0)),
)
# Prospecting rights: name, ore, south-west corner, columns and rows of 15-second cells.
SURVEYS: tuple[tuple[str, str, LonLat, int, int], ...] = (
    ("大井外围铜锡矿普查", "铜矿、锡矿", (118.30, 43.705), 12, 9),
    ("黑山头外围铅锌矿详查", "铅锌矿", (118.165, 43.675), 9, 8),
    ("西岭外围铅锌矿普查", "铅锌矿", (117.725, 43.89), 11, 8),
    ("南沟萤石矿普查", "萤石", (118.09, 43.40), 8, 7),
)
# Full volume (10,000 m³) and total dam height (m) of each pond, invented.
POND_SIZES: dict[str, tuple[float, float]] = {
    "WK-01": (820.0, 58.0), "WK-02": (560.0, 46.0), "WK-03": (240.0, 38.0), "WK-04": (95.0, 24.0), "WK-05": (310.0, 27.0),
}  # fmt: skip
