"""Reference systems a file names that cannot be used as they stand: local grids, shifted datums."""

from __future__ import annotations

import re

_FOREIGN = re.compile(
    r"[^\s,，;；:：=]*(?:独立|地方|城市|城建|工程|假定|任意|自定义|相对|局部|施工|建筑)(?:平面|直角|测量|大地)*坐标系统?"
    r"|(?:独立|地方|假定|自定义)坐标"
    r"|GCJ[-_ ]?02|BD[-_ ]?09|火星坐标系?|百度坐标系?",
    re.IGNORECASE,
)
# How an old datum is written; a bare 80 or 54 counts only right after 坐标系=.
_OLD = {
    "西安80": r"西安\s*_?(?:19)?80|西安八[〇零○]|国家\s*(?:19)?80(?!\d)|XA[-_ ]?(?:19)?80(?!\d)"
    r"|(?:19)?80\s*年?\s*西安|西安坐标系|xian[\s_]*(?:19)?80|坐标系\s*[=:]\s*\D{0,4}(?:19)?80(?!\d)",
    "北京54": r"北京\s*_?(?:19)?54|北京五四|(?<![A-Za-z])BJ[-_ ]?(?:19)?54(?!\d)|pulkovo[\s_]*(?:19)?42"
    r"|(?:19)?54\s*年?\s*(?:新\s*)?北京|北京坐标系|beijing[\s_]*(?:19)?54"
    r"|坐标系\s*[=:]\s*\D{0,4}(?:19)?54(?!\d)",
}
_BARE_OLD = r"|(?<![\d.])(?:19)?{}\s*年?(?:国家)?(?:大地|平面|直角)*坐标系"  # 80坐标系, 54大地坐标系
_OLD_PATTERNS = {
    name: re.compile(pattern + _BARE_OLD.format(name[-2:]), re.IGNORECASE) for name, pattern in _OLD.items()
}
# A plane laid at a height: there a metre is longer, and a northing of 4,830 km some 150 m off for every 200 m.
_RAISED = re.compile(
    r"抵偿[^\s,，;；。]{0,12}"
    r"|投影面?(?:大地|平均)?(?:高程|高)面?(?:[（(]?(?:m|米)[)）]?)?\s*[=:：为]?\s*\d+(?:\.\d+)?\s*(?:m|米)?",
    re.IGNORECASE,
)
# Whose map the coordinates were picked from; a base map alone (底图为百度地图) says nothing of them.
_MAPS = r"(?P<{}>高德|腾讯|百度)(?:地图)?"
_PICKED = re.compile(
    _MAPS.format("one") + r"(?:上|中)?(?:拾取|选取|取点|坐标|经纬度)"
    r"|坐标[^\n。；;]{0,6}(?:取自|来自|源自|采自|来源|采用|[=:：])[^\n。；;]{0,6}?" + _MAPS.format("two")
)
_NAMED_SYSTEM = re.compile(r"(?:坐标系统?|大地基准)[ \t]*[=:：][ \t]*([^\s,，;；]+)")
# Words that name 2000 or WGS84, or no datum at all but only the kind of coordinates.
_USABLE_WORDS = re.compile(
    r"2000|CGCS|WGS\D*84|^(?:国家)?(?:大地|地理|投影|平面直角)坐标系?统?$|经纬度|^高斯", re.IGNORECASE
)


def foreign_datum(text: str) -> str:
    """Return the system a header or title names that is neither 2000 nor WGS84, or "".

    An old datum is returned by its usual name, whatever its spelling: 西安80, 北京54.

    >>> foreign_datum("地方独立坐标系"), foreign_datum("坐标系：XX矿自定义"), foreign_datum("GCJ-02坐标")
    ('地方独立坐标系', 'XX矿自定义', 'GCJ-02')
    >>> foreign_datum("坐标系=2000国家大地坐标系"), foreign_datum("WGS84 坐标系"), foreign_datum("坐标系：经纬度")
    ('', '', '')
    >>> foreign_datum("坐标系=80国家大地坐标系"), foreign_datum("1954年北京坐标系 3度带")
    ('西安80', '北京54')
    >>> foreign_datum("尾矿库扩建工程拐点坐标表 2000国家大地坐标系")
    ''
    >>> foreign_datum("注:坐标取自高德地图"), foreign_datum("百度地图坐标"), foreign_datum("底图为百度地图")
    ('GCJ-02（坐标取自高德地图）', 'BD-09（百度地图坐标）', '')
    >>> foreign_datum("80坐标系"), foreign_datum("BJ-54"), foreign_datum("共计1280坐标系")
    ('西安80', '北京54', '')
    """
    local = _FOREIGN.search(text)
    if local:
        return local[0]
    picked = _PICKED.search(text)
    if picked:
        return f"{'BD-09' if '百度' in (picked['one'], picked['two']) else 'GCJ-02'}（{picked[0]}）"
    raised = raised_plane(text)
    if raised:
        return raised
    old = old_datums(text)
    if old:
        return "、".join(old)
    for match in _NAMED_SYSTEM.finditer(text):
        if not _USABLE_WORDS.search(match[1]):
            return match[1]
    return ""


def old_datums(text: str) -> tuple[str, ...]:
    """Return the old datums a text names, 西安80 and 北京54: they need parameters to become CGCS2000.

    >>> old_datums("Xian_1980"), old_datums("由北京54转换为西安80"), old_datums("西安独立坐标系")
    (('西安80',), ('西安80', '北京54'), ())
    """
    return tuple(name for name, pattern in _OLD_PATTERNS.items() if pattern.search(text))


def raised_plane(text: str) -> str:
    """Return the words that put a projection at a height other than the ellipsoid, or "".

    >>> raised_plane("投影面高程：1000m"), raised_plane("抵偿高程面坐标"), raised_plane("投影面高程 0 米")
    ('投影面高程：1000m', '抵偿高程面坐标', '')
    >>> raised_plane("1985国家高程基准，投影面高程：无")
    ''
    """
    for match in _RAISED.finditer(text):
        figure = re.search(r"\d+(?:\.\d+)?", match[0])
        if figure is None or float(figure[0]) > 0.0:
            return match[0]
    return ""
