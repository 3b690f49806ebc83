"""Read one coordinate: decimal degrees, degrees-minutes-seconds in the usual spellings, metres."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

Axis = Literal["", "lon", "lat"]

_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_DEGREE, _MINUTE, _SECOND = r"°ºo˚度", r"'′‘’´`＇分", r"\"″“”＂秒"
_MARKED = re.compile(
    rf"(?P<d>{_NUMBER})\s*[{_DEGREE}](?:\s*(?P<m>{_NUMBER})\s*(?:[{_MINUTE}](?!\s*[{_MINUTE}])"
    rf"(?:\s*(?P<s>{_NUMBER})\s*(?:[{_SECOND}]|[{_MINUTE}]{{2}})?)?)?)?"
)
_DASHED = re.compile(rf"(?P<d>\d{{1,3}})[-:](?P<m>\d{{1,2}})[-:](?P<s>{_NUMBER})")
_SPACED = re.compile(rf"(?P<d>\d{{1,3}})\s+(?P<m>\d{{1,2}})\s+(?P<s>{_NUMBER})")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?0*\d{1,2})?")
_LABEL = re.compile(r"^(?P<word>东经|西经|北纬|南纬|经度|纬度|[EWNSewns]|[XYxy](?=\s*[=:]))\s*[=:]?\s*")
_TAIL = re.compile(r"\s*(?P<word>[EWNSewns]|米|m)$")
_SIDES: dict[str, tuple[Axis, int]] = {
    "东经": ("lon", 1), "西经": ("lon", -1), "北纬": ("lat", 1), "南纬": ("lat", -1),
    "经度": ("lon", 1), "纬度": ("lat", 1),
    "e": ("lon", 1), "w": ("lon", -1), "n": ("lat", 1), "s": ("lat", -1),
}  # fmt: skip
_MAX_DECIMALS = 12


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A number as written: `step` is the unit of its last digit, `axis` what a letter beside it said."""

    value: float
    step: float
    axis: Axis = ""
    sexagesimal: bool = False


def read_coordinate(text: str) -> Coordinate | None:
    """Return the coordinate a text spells, or None when it spells none.

    Values are degrees or metres, as written; minutes or seconds of 60 and more spell none.

    >>> read_coordinate("118度3分27.05秒").value == 118 + 3 / 60 + 27.05 / 3600
    True
    >>> read_coordinate("东经118-03-27.05").axis, read_coordinate("4829864.978").step
    ('lon', 0.001)
    >>> read_coordinate("118°63′00″") is None, read_coordinate("J1") is None
    (True, True)
    """
    body, axis, sign = _peel(text.strip())
    plain = _PLAIN.fullmatch(body)
    if plain:
        value = float(body)
        return Coordinate(sign * value, _step(body), axis) if math.isfinite(value) else None
    for pattern in (_MARKED, _DASHED, _SPACED):
        match = pattern.fullmatch(body.lstrip("+-"))
        if match:
            return _sexagesimal(match, axis, -sign if body.startswith("-") else sign)
    return None


def format_dms(degrees: float, decimals: int = 2) -> str:
    """Return degrees as °′″ with seconds rounded to `decimals`.

    >>> format_dms(118.0575139, 2), format_dms(-0.5, 0), format_dms(35.9999999, 1)
    ('118°03′27.05″', '-0°30′00″', '36°00′00.0″')
    """
    scale = 10**decimals
    units = round(abs(degrees) * 3600 * scale)
    whole, rest = divmod(units, 3600 * scale)
    minutes, seconds = divmod(rest, 60 * scale)
    width = 3 + decimals if decimals else 2
    sign = "-" if degrees < 0 and units else ""
    return f"{sign}{whole}°{minutes:02d}′{seconds / scale:0{width}.{decimals}f}″"


def half_step_m(step: float, latitude_deg: float | None) -> float:
    """Return half a unit of the last digit in metres: what rounding alone leaves open.

    `latitude_deg` None: `step` is metres already. Else `step` is degrees and the longer of the two
    arcs is taken, that of the meridian M(φ)·Δ or of the parallel N(φ)·cos φ·Δ on GRS80. A whole
    second at 35.8° is ± 15.41 m.

    >>> round(half_step_m(1 / 3600, 35.84), 1), half_step_m(0.001, None)
    (15.4, 0.0005)
    """
    if latitude_deg is None:
        return step / 2.0
    a, e2 = 6_378_137.0, 0.006_694_380_022_901
    phi = math.radians(latitude_deg)
    w = 1.0 - e2 * math.sin(phi) ** 2
    meridian, parallel = a * (1.0 - e2) / w**1.5, a / math.sqrt(w) * math.cos(phi)
    return float(max(meridian, parallel) * math.radians(step) / 2.0)


def _peel(text: str) -> tuple[str, Axis, int]:
    axis: Axis = ""
    sign = 1
    for pattern in (_LABEL, _TAIL):
        match = pattern.search(text)
        if match:
            axis, sign = _SIDES.get(match["word"].lower(), (axis, sign))
            text = (text[: match.start()] + text[match.end() :]).strip()
    return text, axis, sign


def _sexagesimal(match: re.Match[str], axis: Axis, sign: int) -> Coordinate | None:
    parts = [(match[key], unit) for key, unit in (("d", 1.0), ("m", 60.0), ("s", 3600.0)) if match[key]]
    if any(float(part) >= 60.0 for part, _ in parts[1:]):
        return None
    if any("." in part for part, _ in parts[:-1]):
        return None
    value = sum(float(part) / unit for part, unit in parts)
    last, unit = parts[-1]
    return Coordinate(sign * value, _step(last) / unit, axis, sexagesimal=True)


def _step(digits: str) -> float:
    mantissa, _, exponent = digits.lower().partition("e")
    decimals = min(len(mantissa.partition(".")[2]), _MAX_DECIMALS)
    return float(10.0 ** (int(exponent or 0) - decimals))
