"""Coordinates spelt in running text: 项目中心坐标：东经118°03′27″，北纬43°36′00″."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import shapely

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.angles import Coordinate, read_coordinate
from linxi_gis.intake.foreign import foreign_datum
from linxi_gis.intake.reading import Claim, Draft, Drawn
from linxi_gis.intake.rows import plausible

_SPELT = (
    r"\d{1,3}(?:\.\d{1,15})?(?:[ ]?[°º˚度][ ]?(?:\d{1,2}(?:\.\d{1,12})?[ ]?['′’分][ ]?"
    r"(?:\d{1,2}(?:\.\d{1,12})?(?:[ ]?(?:[\"″”秒]|[′'’]{2}))?)?)?)?"
)
_SIDE_A, _SIDE_B = r"(?:东经|北纬|经度|纬度|[EN])", r"[EN](?![A-Za-z])"
_ONE = rf"(?:{_SIDE_A}[ ]?[:=]?[ ]?{_SPELT}|{_SPELT}[ ]?{_SIDE_B})"
# Between the two only punctuation may stand; a range (118°～119°) is an extent, not a place.
_PAIR = re.compile(rf"(?<![\d.~～至—-])({_ONE})[ ]?[,，、;；和及/]?[ ]?({_ONE})(?![\d.]|[ ]?[~～至—-])")
_NAME = re.compile(r"([^\s,，、;；。:：()（）]{1,30}?)(?:的?(?:地理|中心)?坐标|位于|地处)?(?:为|是)?\s*[:：(（]?\s*$")
_MAX_CHARACTERS = 5_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """A pair found in a text: as written, its figures, and the words before it."""

    text: str
    pair: tuple[Coordinate, Coordinate]
    name: str


def pairs_in(text: str) -> list[Found]:
    """Return the places a text spells with 东经…北纬… or E…N…, once each, in order.

    >>> [(f.text, f.name) for f in pairs_in("项目中心坐标:东经118°03′27″,北纬43°36′00″。")]
    [('东经118°03′27″,北纬43°36′00″', '项目')]
    >>> pairs_in("县域东经117°38′～118°37′,北纬43°14′～44°15′")
    []
    """
    found: dict[tuple[float, float], Found] = {}
    for match in _PAIR.finditer(text[:_MAX_CHARACTERS]):
        first, second = read_coordinate(match[1]), read_coordinate(match[2])
        if first is None or second is None or {first.axis, second.axis} != {"lon", "lat"}:
            continue
        east, north = (first, second) if first.axis == "lon" else (second, first)
        if plausible([(east, north)]):
            before = _NAME.search(text[max(0, match.start() - 40) : match.start()])
            found.setdefault((east.value, north.value), Found(match[0], (east, north), _name(before)))
    return list(found.values())


def _name(match: re.Match[str] | None) -> str:
    return re.sub(r"(?:中心|地理|厂址|经纬度)+$", "", match[1]) if match else ""


def draft_prose(text: str, source: str, form: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the places of a running text as points, told; raises InputError when it spells none."""
    found = pairs_in(text)
    if not found:
        raise InputError(
            "没有找到坐标", where=source, remedy="请提交带坐标表的文件，或写明“东经…，北纬…”"
        )
    told = Issue(
        "coordinates_in_text",
        "warning",
        f"{source} 没有坐标表，从文字里读出 {len(found)} 处坐标，按点读取",
        "若项目是面或线，请提交拐点坐标表",
    )
    left = _left(text, found)
    drawn = [
        Drawn(
            shapely.Point(np.array([one.pair[0].value, one.pair[1].value])),
            one.name or f"第 {number} 处坐标",
            name=one.name,
            attributes=(("原文", one.text),),
            step=min(one.pair[0].step, one.pair[1].step),
        )
        for number, one in enumerate(found, 1)
    ]
    datum = "CGCS2000" if re.search(r"CGCS\s*2000|2000\s*国家|国家\s*2000", text) else ""
    how = "文中写明 2000 国家大地坐标系" if datum else ""
    claim = Claim(datum=datum, foreign=foreign_datum(text), how=how)
    return Draft(source, form, tuple(drawn), claim, 0, ("经度", "纬度"), (*issues, told, *left))


_ANGLE = re.compile(r"(?<![\d.])(?:7[3-9]|[89]\d|1[0-3]\d)[ ]?[°º˚度][ ]?\d{1,2}(?:\.\d{1,12})?[ ]?['′’分]")


def _left(text: str, found: list[Found]) -> tuple[Issue, ...]:
    """Told when the text spells more longitudes than places were made of: they may be an outline's corners."""
    held = sum(bool(_ANGLE.search(one.text)) for one in found)
    spelt = len({match[0] for match in _ANGLE.finditer(text[:_MAX_CHARACTERS])})
    if spelt <= held:
        return ()
    words = f"文字里另有约 {spelt - held} 处经度没有成对写明东经、北纬（或是范围），没有读取"
    return (Issue("coordinates_left", "warning", words, "若是拐点，请改为坐标表后提交"),)
