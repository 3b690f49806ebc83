"""界址点 TXT in its dialects."""

from __future__ import annotations

from collections.abc import Sequence

import shapely

from tests.variants.ground import (
    PLANE,
    Truth,
    dms,
    dms_shape,
    holed,
    moved,
    plot,
    point,
    ring,
    rounded,
    route,
    text,
    true,
)

HEAD = {"格式版本号": "1.01版本", "数据产生单位": "示意测绘队", "坐标系": "2000国家大地坐标系", "几度分带": "3",
        "投影类型": "高斯克吕格", "计量单位": "米", "带号": "39", "精度": "0.01", "转换参数": ",,,,,,"}  # fmt: skip
PLOT = true(plot())


def header(**changes: str | None) -> str:
    """The [属性描述] lines with some changed (None: left out)."""
    held = {**HEAD, **changes}
    return "[属性描述]\n" + "".join(f"{key}={value}\n" for key, value in held.items() if value is not None)


def points(
    shape: shapely.Polygon | shapely.LineString | shapely.Point, ring_no: int = 1, start: int = 1, mark: str = "J{}",
    close: bool = True, digits: int = 3, swap: bool = False,
) -> list[str]:  # fmt: skip
    """Point lines 点号,圈号,X(北),Y(东) of one ring."""
    xy = ring(shape)
    named = [(mark.format(start + n), p) for n, p in enumerate(xy)]
    if close and isinstance(shape, shapely.Polygon):
        named.append(named[0])
    pairs = [(label, (e, n) if swap else (n, e)) for label, (e, n) in named]
    return [f"{label},{ring_no},{a:.{digits}f},{b:.{digits}f}" for label, (a, b) in pairs]


def body(lines: Sequence[str], head: str = "5,2.1,DK1,尾矿库,面,J50G,工业用地,,@") -> str:
    """[地块坐标] with one plot."""
    return "[地块坐标]\n" + head + "\n" + "\n".join(lines) + "\n"


def _file(
    lines: Sequence[str] | None = None,
    head: str = "5,2.1,DK1,尾矿库,面,J50G,工业用地,,@",
    **changes: str | None,
) -> str:
    return header(**changes) + body(points(plot()) if lines is None else lines, head)


ONE = Truth((PLOT,), ("尾矿库",), ("DK1",))
TWO_PARTS = true(shapely.MultiPolygon([plot(), plot(dx=400)]))
ZONE40 = moved(plot(), PLANE, "EPSG:4528")


def _hole() -> list[list[tuple[float, float]]]:
    return [ring(shapely.Polygon(interior)) for interior in holed().interiors]


def _dialects() -> None:
    text("txt-plain.txt", _file(), ONE)
    text("txt-gbk.txt", _file(), Truth((PLOT,), ("尾矿库",), codes=("encoding_guessed",)), "gbk")
    text("txt-utf8-bom.txt", _file(), ONE, "utf-8-sig")
    text("txt-utf16.txt", _file(), ONE, "utf-16")
    text("txt-utf16be-no-bom.txt", _file(), Truth((PLOT,), codes=("encoding_guessed",)), "utf-16-be")
    text("txt-crlf.txt", _file().replace("\n", "\r\n"), ONE)
    text(
        "txt-full-width.txt",
        _file().replace("[", "【").replace("]", "】").replace(",", "，").replace("=", "＝"),
        ONE,
    )
    text("txt-full-width-brackets.txt", _file().replace("[", "［").replace("]", "］").replace("@", "＠"), ONE)
    text("txt-zone-empty.txt", _file(带号=""), ONE)
    text("txt-zone-absent.txt", _file(带号=None), ONE)
    text("txt-fendai.txt", _file(几度分带=None, 分带="3"), ONE)
    text("txt-width-in-words.txt", _file(几度分带="三度分带"), ONE)
    text("txt-provincial-extras.txt", _file(数据产生日期="2026-05-01", 所属行政区="林西县", 备注="示意"), ONE)
    text("txt-no-header.txt", body(points(plot())), Truth((PLOT,), codes=("datum_assumed",)))
    text("txt-crowded-tail.txt", "\n\n" + _file() + "\n\n  \n", ONE)


def _heads() -> None:
    for count, head in (
        (9, "5,2.1,DK1,尾矿库,面,J50G,工业用地,061201,@"),
        (12, "5,2.1,DK1,尾矿库,面,J50G,工业用地,061201,示意,,2026,@"),
        (14, "5,2.1,DK1,尾矿库,面,J50G,工业用地,061201,示意,,2026,a,b,@"),
        (8, ",,,尾矿库,,,,@"),
    ):
        text(f"txt-head-{count}.txt", _file(head=head), Truth((PLOT,), ("尾矿库",)))
    hectares = round(plot().area / 1e4, 4)
    for unit, value, square in (
        ("公顷", hectares, hectares * 1e4), ("亩", round(plot().area / 666.6667, 3), None),
        ("平方米", round(plot().area, 2), round(plot().area, 2)),
    ):  # fmt: skip
        head = f"5,{value}{unit},DK1,尾矿库,面,,,,@"
        text(f"txt-area-{unit}.txt", _file(head=head), Truth((PLOT,), declared_m2=square))
    text("txt-area-no-unit.txt", _file(head=f"5,{hectares},DK1,尾矿库,面,,,,@"),
         Truth((PLOT,), codes=("declared_area_unit",), declared_m2=hectares * 1e4))  # fmt: skip
    text(
        "txt-area-wrong.txt",
        _file(head="5,9.9公顷,DK1,尾矿库,面,,,,@"),
        Truth((PLOT,), codes=("declared_area_differs",)),
    )
    text("txt-line.txt", _file(points(route()), "4,,GX1,管线,线,,,,@"), Truth((true(route()),), ("管线",)))
    text("txt-point.txt", _file(points(point()), "1,,ZK1,钻孔,点,,,,@"), Truth((true(point()),), ("钻孔",)))


def _numbers() -> None:
    for name, mark in (("j1", "J{}"), ("bare", "{}"), ("j01", "J{:02d}"), ("jzd", "JZD{}")):
        text(f"txt-number-{name}.txt", _file(points(plot(), mark=mark)), ONE)
    text("txt-unclosed.txt", _file(points(plot(), close=False)), Truth((PLOT,), codes=("ring_closed",)))
    outer, inner = points(plot()), next(shapely.Polygon(r) for r in _hole())
    hole = Truth((true(holed()),), codes=("rings_nested",))
    text("txt-hole-numbering-restarts.txt", _file([*outer, *points(inner, 2, 1)]), hole)
    text("txt-hole-numbering-runs-on.txt", _file([*outer, *points(inner, 2, 6)]), hole)
    second = points(plot(dx=400), 2, 6)
    text("txt-second-part.txt", _file([*outer, *second]), Truth((TWO_PARTS,), codes=("rings_nested",)))
    two = _file() + "\n".join(["5,,DK2,办公区,面,,,,@", *points(plot(dx=400)), ""])
    text("txt-two-plots.txt", two, Truth((PLOT, true(plot(dx=400))), ("尾矿库", "办公区"), ("DK1", "DK2")))
    for name, mark in (("tab", "\t"), ("semicolon", ";"), ("dunhao", "、")):
        text(f"txt-separator-{name}.txt", _file([line.replace(",", mark) for line in points(plot())]), ONE)
    text("txt-trailing-commas.txt", _file([line + ",," for line in points(plot())]), ONE)


def _systems() -> None:
    text("txt-swapped.txt", _file(points(plot(), swap=True)), Truth((PLOT,), codes=("axes_swapped",)))
    bare = shapely.transform(plot(), lambda xy: xy - [39e6, 0])
    text("txt-bare-zone-in-header.txt", _file(points(bare)), ONE)
    text("txt-bare-meridian.txt", _file(points(bare), 带号=None, 中央经线="117"), ONE)
    text("txt-bare-nothing.txt", _file(points(bare), 带号="", 几度分带=""), Truth(ask=("EPSG:4548",)))
    text("txt-zone-40.txt", _file(points(rounded(ZONE40, 3)), 带号="40"), Truth((PLOT,)))
    text("txt-zone-contradicts.txt", _file(带号="40"), Truth(ask=("EPSG:4527", "EPSG:4528")))
    six = rounded(moved(plot(), PLANE, "EPSG:4498"), 3)
    text("txt-six-degrees.txt", _file(points(six), 几度分带="6", 带号="20"), Truth((true(six, "EPSG:4498"),)))
    text(
        "txt-lonlat.txt",
        _file(points(rounded(PLOT, 9), digits=9), 带号="", 几度分带="", 计量单位="度"),
        Truth((PLOT,)),
    )
    d, m, s = zip(*(dms(v) for p in ring(PLOT) for v in p), strict=True)
    cells = [f"{a}°{b}′{c:.5f}″" for a, b, c in zip(d, m, s, strict=True)]
    lines = [f"J{n + 1},1,{cells[2 * n + 1]},{cells[2 * n]}" for n in range(5)]
    text("txt-dms.txt", _file(lines, 带号="", 几度分带=""), Truth((dms_shape(PLOT),), codes=("ring_closed",)))
    text("txt-xian80.txt", _file(坐标系="西安80坐标系"), Truth(error="80"))
    text("txt-local-system.txt", _file(坐标系="林西县独立坐标系"), Truth(error="独立坐标系"))


def _blocks() -> None:
    both = _file() + "\n" + header(带号="40") + body(points(rounded(ZONE40, 3)), "5,,DK2,二期,面,,,,@")
    text("txt-two-headers.txt", both, Truth((PLOT, PLOT), ("尾矿库", "二期")))
    small = shapely.transform(plot(), lambda xy: xy - [39_000_000.0, 4_000_000.0])
    told = _file(points(small), 横坐标减大数="39000000", 纵坐标减大数="4000000")
    text("txt-constants.txt", told, Truth((PLOT,), codes=("constant_applied",)))
    text("txt-point-lost.txt", _file([*points(plot())[:2], "J3,1,4829720.75"]), Truth(error="缺少"))


_dialects()
_heads()
_numbers()
_systems()
_blocks()
_ = PLANE
