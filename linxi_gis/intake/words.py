"""Lines and column names as people write them, made plain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Role = Literal["east", "north", "x", "y", "ring", "number", "group", "name", "kind", ""]

# Full-width ASCII (U+FF01-FF5E), the ideographic space, and 【】 to their plain twins.
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ", 0x3010: "[", 0x3011: "]", 0x00A0: " ", 0x2009: " ", 0x202F: " ",
    0xFEFF: None, 0x200B: None, 0x1A: None, 0x00: None,
}  # fmt: skip
_MARK = "°ºo˚⁰ᵒ∘゜度'′‘’ˊ分"
_GLUE = re.compile(rf"(?<=\d)\s*([{_MARK}]{{1,2}})\s+(?=\d)")
_LABEL_GLUE = re.compile(r"(东经|西经|北纬|南纬|(?<![A-Za-z])[EWNS])\s*[=:]?\s+(?=\d)")
# Brackets round Chinese words belong to a name, 尾矿库（二期）; others are punctuation.
_ASIDE = re.compile(r"(（[^（）]*[\u4e00-\u9fff][^（）]*）)")
# Anything that making plain could change; most lines of most files have none.
_ODD = re.compile(r"[^\t\x20-\x7e]|[o'][ \t]|(?<![A-Za-z])[EWNS][ \t=:]")
# 118°03′27″N43°36′00″: a second coordinate begins where a mark or a letter ends the first.
_END = r"[°º˚度′分″秒'\"]"
_JOINED = re.compile(
    rf"(?<=\d)(?=东经|北纬|西经|南纬|经度|纬度)|(?<={_END})[ \t]*(?=东经|北纬|西经|南纬|经度|纬度|[LB][=:])"
)
_PREFIXED = re.compile(rf"(?<={_END})\s*(?=[EN]\s*\d)")
_SUFFIXED = re.compile(rf"(?<={_END}[EN])\s*(?=\d)|(?<=\d[EN])\s*(?=\d+\.\d)")
_FULL_STOP = re.compile(r"(?<=[\d°′″'\"秒分度EN])\s*。\s*")
_MAX_HEADING = 40
_BRACKETS = re.compile(r"[(\[<{].*?[)\]>}]")

_ROLES: tuple[tuple[Role, str], ...] = (
    ("east", r"(?!.*经纬度)(?:.*东经|.*经度)[el]?|.*横坐标y?|.*东坐标|lon|lng|long|longitude|easting|east|e|l|l坐标"),
    ("north", r"(?!.*经纬度)(?:.*北纬|.*纬度)[nb]?|.*纵坐标x?|.*北坐标|lat|latitude|northing|north|n|b|b坐标"),
    ("x", r"x|x坐标值?|坐标x|x值|point_x|coord_?x|.*(?:坐标|坐标系|2000)x(?:坐标)?"),
    ("y", r"y|y坐标值?|坐标y|y值|point_y|coord_?y|.*(?:坐标|坐标系|2000)y(?:坐标)?"),
    ("ring", r"圈号|环号|ring"),
    ("group", r"地块|地块名称?|地块编?号|保护区级别|保护区名称|保护区|矿区|矿区名称"
              r"|管线|管线名称|线路|线路名称|路线|路线名称|道路名称|区块|区块名称|分区|功能区|区域|图斑编?号|plot|plot_?id|parcel|group|site|block"),
    ("kind", r"类型|图形类型|几何类型|要素类型|type|kind|geometry"),
    ("name", r"名称|项目名称|井名|井号|站名|水井名称|监测点|监测点名称|点位名称|点位|name"),
    ("number", r"点号|点名|序号|拐点|拐点序号|拐点编?号|拐点号|界址点|界址点号|顶点|桩号|里程|里程桩号|编号|顺序|id|fid|objectid"
               r"|no|num|number|pt|point|vertex|seq|point_?id"),
)  # fmt: skip
_PATTERNS = tuple((role, re.compile(pattern)) for role, pattern in _ROLES)


def normal_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of the lines that hold something, with plain marks and digits.

    >>> list(normal_lines("Ｊ１，１　\\n\\n118° 3′ 27″，尾矿库（二期）"))
    [(1, 'J1,1'), (3, '118°3′27″,尾矿库（二期）')]
    """
    for number, line in enumerate(text.splitlines(), 1):
        bare = plain(line) if _ODD.search(line) else line.strip()
        if bare:
            yield number, bare


def plain(text: str) -> str:
    """Return a line or a cell in plain marks and digits, without blanks inside or round a coordinate.

    >>> plain("东经１１８°　３′　２７″北纬４３°３６′０″。")
    '东经118°3′27″,北纬43°36′0″'
    """
    made = _LABEL_GLUE.sub(r"\1", _GLUE.sub(r"\1", _translated(text))).strip()
    if "。" in made:
        made = _FULL_STOP.sub(";", made).rstrip(";")
    return apart(made)


def apart(text: str) -> str:
    """Put a comma between two coordinates that were written without one."""
    made = _JOINED.sub(",", text)
    if "E" not in made and "N" not in made:
        return made
    if made[-1:] in ("E", "N"):
        return _SUFFIXED.sub(",", made)
    return _PREFIXED.sub(",", made)


def _translated(line: str) -> str:
    """Make a line plain but for its Chinese asides, which split() puts at odd places."""
    parts = _ASIDE.split(line)
    return "".join(part if odd % 2 else part.translate(_PLAIN) for odd, part in enumerate(parts))


def role_of(header: str) -> Role:
    """Return what a column is, by its heading; "" when the heading says nothing we know.

    >>> role_of("东经(°)"), role_of("X（北）"), role_of("拐点序号"), role_of("备注")
    ('east', 'north', 'number', '')
    """
    made = header.translate(_PLAIN).strip().strip('"').lower()
    bare = "".join(_BRACKETS.sub("", made).split()).rstrip(".。")
    if not bare or len(bare) > _MAX_HEADING:
        return ""
    for role, pattern in _PATTERNS:
        if pattern.fullmatch(bare):
            if role in ("x", "y"):
                inside = "".join(_BRACKETS.findall(made))
                return (
                    "north"
                    if re.search("北|纵|纬", inside)
                    else "east"
                    if re.search("东|横|经", inside)
                    else role
                )
            return role
    return ""
