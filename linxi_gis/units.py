"""Units, rounding and plain words as the field prints them: m², hm², 亩, percent, chainage, eight winds, 点线面."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

M2_PER_HM2 = 10_000.0
M2_PER_MU = 2_000.0 / 3.0  # 15 亩 = 1 hm²
# Control characters, and those that turn the direction of writing: a name may hold them, a terminal obeys.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What a site or a zone is, by the name of its kind; a geometry, by its dimension.
KIND_WORDS = {"polygon": "面", "line": "线", "point": "点", "corridor": "走廊"}
DIMENSION_WORDS = ("点", "线", "面")
_WINDS = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")


def wind(bearing_deg: float) -> str:
    """Return the wind (one of eight) of a bearing in degrees clockwise from north.

    >>> wind(0.0), wind(22.4), wind(22.5), wind(359.9)
    ('北', '北', '东北', '北')
    """
    return _WINDS[math.floor((bearing_deg % 360.0) / 45.0 + 0.5) % 8]


def lies(bearing_deg: float, distance_m: float, of: str = "场界") -> str:
    """Return where something lies, as a report says it: seen from the site's border.

    >>> lies(45.0, 1234.0), lies(337.4, 93.617), lies(337.5, 0.5)
    ('位于场界东北侧 1.234 km', '位于场界西北侧 93.62 m', '位于场界北侧 0.50 m')
    """
    return f"位于{of}{wind(bearing_deg)}侧 {distance_text(distance_m)}"


def chainage(metres: float) -> str:
    """Return a chainage (桩号) to the metre.

    >>> chainage(1230.4), chainage(0.0), chainage(999.6)
    ('K1+230', 'K0+000', 'K1+000')
    """
    whole = math.floor(metres + 0.5)
    return f"K{whole // 1000}+{whole % 1000:03d}"


def area_text(area_m2: float) -> str:
    """Return an area as reports print it: m² to 2 decimals below 1 hm², else hm² to 4.

    >>> area_text(360.0), area_text(12345.678)
    ('360.00 m²', '1.2346 hm²')
    """
    if area_m2 < M2_PER_HM2:
        return f"{area_m2:.2f} m²"
    return f"{area_m2 / M2_PER_HM2:.4f} hm²"


def distance_text(distance_m: float) -> str:
    """Return a distance: metres to 2 decimals below 1 km, else km to 3.

    >>> distance_text(2.0), distance_text(1234.5)
    ('2.00 m', '1.234 km')
    """
    return f"{distance_m:.2f} m" if distance_m < 1000.0 else f"{distance_m / 1000.0:.3f} km"


def largest_remainder(parts: Sequence[float], total: float = 100.0, decimals: int = 2) -> list[float]:
    """Round parts of a whole to shares that add up to `total` exactly (Hamilton's method).

    Parameters
    ----------
    parts : non-negative amounts in one unit
    total : what the rounded shares add up to
    decimals : digits kept

    >>> largest_remainder([1.0, 1.0, 1.0])
    [33.34, 33.33, 33.33]
    >>> largest_remainder([]), largest_remainder([0.0])
    ([], [0.0])
    """
    whole = math.fsum(parts)
    if whole <= 0.0:
        return [0.0 for _ in parts]
    scale = 10**decimals
    exact = [part / whole * total * scale for part in parts]
    units = [math.floor(value) for value in exact]
    missing = round(total * scale) - sum(units)
    order = sorted(range(len(parts)), key=lambda i: (units[i] - exact[i], i))
    for i in order[:missing]:
        units[i] += 1
    return [unit / scale for unit in units]


def plain(text: str) -> str:
    """Return a text without characters that steer a terminal.

    >>> plain("甲\\x1b[2J\\u202e乙")
    '甲[2J乙'
    """
    return _STEERING.sub("", text)
