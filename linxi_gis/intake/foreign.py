"""Reference systems a file names that cannot be used as they stand: local grids, shifted datums."""

from __future__ import annotations

import re

_FOREIGN = re.compile(
    r"[^\s,，;；:：=]*(?:独立|地方|城市|城建|工程|假定|任意|自定义|相对|局部|施工|建筑)(?:平面|直角|测量|大地)*坐标系统?"
    r"|(?:独立|地方|假定|自定义)坐标"
    r"|GCJ[-_ ]?02|BD[-_ ]?09|火星坐标系?|百度坐标系?",
    re.IGNORECASE,
)
_NAMED_SYSTEM = re.compile(r"(?:坐标系统?|大地基准)[ \t]*[=:：][ \t]*([^\s,，;；]+)")
# Words that name 2000 or WGS84, or no datum at all but only the kind of coordinates.
_USABLE_WORDS = re.compile(
    r"2000|CGCS|WGS\D*84|^(?:国家)?(?:大地|地理|投影|平面直角)坐标系?统?$|经纬度|^高斯", re.IGNORECASE
)


def foreign_datum(text: str) -> str:
    """Return the system a header or title names that is neither 2000 nor WGS84, or "".

    >>> foreign_datum("地方独立坐标系"), foreign_datum("坐标系：XX矿自定义"), foreign_datum("GCJ-02坐标")
    ('地方独立坐标系', 'XX矿自定义', 'GCJ-02')
    >>> foreign_datum("坐标系=2000国家大地坐标系"), foreign_datum("WGS84 坐标系"), foreign_datum("坐标系：经纬度")
    ('', '', '')
    >>> foreign_datum("尾矿库扩建工程拐点坐标表 2000国家大地坐标系")
    ''
    """
    local = _FOREIGN.search(text)
    if local:
        return local[0]
    for match in _NAMED_SYSTEM.finditer(text):
        if not _USABLE_WORDS.search(match[1]):
            return match[1]
    return ""
