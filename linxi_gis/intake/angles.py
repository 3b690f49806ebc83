"""Read one coordinate: decimal degrees, degrees-minutes-seconds in the usual spellings, metres."""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple

Axis = Literal["", "lon", "lat"]

_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_DEGREE, _MINUTE, _SECOND = r"°ºo˚度⁰ᵒ∘゜", r"'′‘’´`＇分ˊ", r"\"″“”＂秒〃"
_MARKED = re.compile(
    rf"(?P<d>{_NUMBER})\s*[{_DEGREE}](?:\s*(?P<m>{_NUMBER})\s*(?:[{_MINUTE}](?!\s*[{_MINUTE}])"
    rf"(?:\s*(?P<s>{_NUMBER})\s*(?:[{_SECOND}]|[{_MINUTE}]{{2}})?)?)?)?"
)
_DASHED = re.compile(rf"(?P<d>\d{{1,3}})\s?[-–—:]\s?(?P<m>\d{{1,2}})\s?[-–—:]\s?(?P<s>{_NUMBER})")
_SPACED = re.compile(rf"(?P<d>\d{{1,3}})\s+(?P<m>\d{{1,2}})\s+(?P<s>{_NUMBER})")
_DOTTED = re.compile(r"(?P<d>\d{1,3})\.(?P<m>\d{1,2})\.(?P<s>\d{1,2}(?:\.\d+)?)")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?0*\d{1,2})?")
# Groups of exactly three after a head of one to three: 4,829,864.978; 4 829 864.978 (any kind of space).
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?|[+-]?\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?:\.\d*)?")
_GAPS = re.compile(r"[, \u00a0\u2009\u202f]")
# 27″.05, as old tables write the fraction after the mark.
_LATE_POINT = re.compile(rf"(?<=\d)\s*([{_SECOND}]|[{_MINUTE}]{{2}})\s*(\.\d+)")
_LABEL = re.compile(
    r"^(?P<word>东经|西经|北纬|南纬|经度|纬度|[EWNSewns]|[XYxy](?=\s*[=:])|[LBlb](?=\s*[=:]))\s*[=:]?\s*"
)
_TAIL = re.compile(r"\s*(?P<word>[EWNSewns]|米|m)$")
_SIDES: dict[str, tuple[Axis, int]] = {
    "东经": ("lon", 1), "西经": ("lon", -1), "北纬": ("lat", 1), "南纬": ("lat", -1),
    "经度": ("lon", 1), "纬度": ("lat", 1), "l": ("lon", 1), "b": ("lat", 1),
    "e": ("lon", 1), "w": ("lon", -1), "n": ("lat", 1), "s": ("lat", -1),
}  # fmt: skip
_MAX_DECIMALS = 12
_STEPS = tuple(float(10.0**-n) for n in range(_MAX_DECIMALS + 1))


class Coordinate(NamedTuple):
    """A number as written: `step` is the unit of its last digit, `axis` what a letter beside it said.

    A tuple, because a table makes two for every vertex: it is built in a third of the time.
    """

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
    >>> read_coordinate("39,580,743.28").value, read_coordinate("4 829 864.978").value
    (39580743.28, 4829864.978)
    """
    if _PLAIN.fullmatch(text):  # nearly every cell of nearly every table
        value = float(text)
        return Coordinate(value, _step(text)) if math.isfinite(value) else None
    body, axis, sign = _peel(text.strip())
    if _GROUPED.fullmatch(body):
        body = _GAPS.sub("", body)
    if _PLAIN.fullmatch(body):
        value = float(body)
        return Coordinate(sign * value, _step(body), axis) if math.isfinite(value) else None
    body = _LATE_POINT.sub(r"\2\1", body)
    for pattern in (_MARKED, _DASHED, _SPACED, _DOTTED):
        match = pattern.fullmatch(body.lstrip("+-"))
        if match:
            return _sexagesimal(match, axis, -sign if body.startswith("-") else sign)
    return None


def packed_dms(value: float, step: float) -> float | None:
    """Return the degrees that `value` means when written DD.MMSS[ss], or None when it cannot be.

    `step` is the unit of the last digit written (degrees); four decimals at least hold minutes and
    seconds. Minutes or seconds of 60 and more are no such writing.

    >>> round(packed_dms(118.0327, 1e-4), 9), round(packed_dms(-43.360005, 1e-6), 9)
    (118.0575, -43.600013889)
    >>> packed_dms(118.0367, 1e-4), packed_dms(118.6012, 1e-4), packed_dms(118.03, 1e-2)
    (None, None, None)
    """
    if not math.isfinite(value) or not 0.0 < step <= 1.0001e-4 or abs(value) > 360.0:
        return None
    decimals = min(max(round(-math.log10(step)), 4), _MAX_DECIMALS)
    # Whole units of the last digit: float arithmetic would turn 118.0300 into 118°02′99.99″.
    units = round(abs(value) * 10**decimals)
    whole, rest = divmod(units, 10**decimals)
    minutes, rest = divmod(rest, 10 ** (decimals - 2))
    seconds = rest / 10 ** (decimals - 4)
    if minutes >= 60 or seconds >= 60.0:
        return None
    return math.copysign(whole + minutes / 60.0 + seconds / 3600.0, value)


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
    for pattern in (_LABEL, _LABEL, _TAIL):  # twice, as in 东经E118°
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
    if "e" not in digits and "E" not in digits:
        point = digits.find(".")
        return _STEPS[0] if point < 0 else _STEPS[min(len(digits) - point - 1, _MAX_DECIMALS)]
    mantissa, _, exponent = digits.lower().partition("e")
    decimals = min(len(mantissa.partition(".")[2]), _MAX_DECIMALS)
    return float(10.0 ** (int(exponent) - decimals))
