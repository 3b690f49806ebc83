"""Coordinates as people write them: pasted text and tables of degrees."""

from __future__ import annotations

import shapely

from tests.variants.ground import Truth, dms, dms_shape, plot, point, ring, rounded, rows, text, true

PLOT = true(plot())
AREA = true(plot(), "EPSG:4527")
NINE = rounded(PLOT, 9)
SECONDS = dms_shape(PLOT)
WIDE = str.maketrans("0123456789.-", "０１２３４５６７８９．－")


def _degrees() -> None:
    pairs = rows(ring(NINE), 9)
    heading = "点号,经度,纬度\n"
    lines = [f"J{n},{lon},{lat}" for n, (lon, lat) in enumerate(pairs, 1)]
    one = Truth((PLOT,), codes=("datum_assumed",))
    text("deg-csv.csv", heading + "\n".join(lines), one)
    text("deg-csv-gbk.csv", heading + "\n".join(lines), Truth((PLOT,), codes=("encoding_guessed",)), "gbk")
    text("deg-tsv.tsv", (heading + "\n".join(lines)).replace(",", "\t"), one)
    text(
        "deg-lat-first.csv",
        "点号,纬度,经度\n" + "\n".join(f"J{n},{b},{a}" for n, (a, b) in enumerate(pairs, 1)),
        one,
    )
    text("deg-no-heading.txt", "\n".join(f"{a} {b}" for a, b in pairs), one)
    text("deg-lat-first-no-heading.txt", "\n".join(f"{b} {a}" for a, b in pairs), one)
    text("deg-one-line.txt", "; ".join(f"{a},{b}" for a, b in pairs), one)
    text("deg-full-width.txt", "\n".join(f"{a}，{b}" for a, b in pairs).translate(WIDE), one)
    text("deg-chinese-marks.txt", "；".join(f"{a}，{b}" for a, b in pairs) + "。", one)
    text("deg-labels.txt", "\n".join(f"东经{a}，北纬{b}" for a, b in pairs), one)
    text("deg-letters.txt", "\n".join(f"N{b}, E{a}" for a, b in pairs), one)
    text("deg-letters-behind.txt", "\n".join(f"{a}E {b}N" for a, b in pairs), one)
    text("deg-degree-sign.txt", "\n".join(f"{a}°,{b}°" for a, b in pairs), one)
    text("deg-cgcs2000.csv", "2000国家大地坐标系\n" + heading + "\n".join(lines), Truth((PLOT,)))
    mixed = [f"{a}{mark}{b}" for (a, b), mark in zip(pairs, (" ", ",", " ", "\t", " "), strict=True)]
    text("deg-mixed-separators.txt", "\n".join(mixed), one)
    text("deg-list.txt", "[" + ",".join(f"[{a},{b}]" for a, b in pairs) + "]", one)


def _sexagesimal() -> None:
    one = Truth((SECONDS,), codes=("datum_assumed",))
    held = [(dms(a), dms(b)) for a, b in ring(PLOT)]
    for name, form in (
        ("signs", "{0}°{1:02d}′{2:08.5f}″"),
        ("ascii", "{0}°{1:02d}'{2:08.5f}\""),
        ("quotes", "{0}°{1:02d}’{2:08.5f}”"),
        ("chinese", "{0}度{1}分{2:.5f}秒"),
        ("dashes", "{0}-{1:02d}-{2:08.5f}"),
        ("colons", "{0}:{1:02d}:{2:08.5f}"),
        ("two-primes", "{0}°{1:02d}′{2:08.5f}′′"),
    ):
        lines = [f"{form.format(*a)},{form.format(*b)}" for a, b in held]
        text(f"dms-{name}.txt", "\n".join(lines), one)
    spaced = "{0} {1:02d} {2:08.5f}"
    text(
        "dms-spaces.csv",
        "经度,纬度\n" + "\n".join(f"{spaced.format(*a)},{spaced.format(*b)}" for a, b in held),
        one,
    )
    lead = "东经{0}°{1}′{2:.5f}″，北纬{3}°{4}′{5:.5f}″"
    text("dms-east-north.txt", "\n".join(lead.format(*a, *b) for a, b in held), one)
    letters = "E{0}度{1}分{2:.5f}秒, N{3}度{4}分{5:.5f}秒"
    text("dms-letters.txt", "\n".join(letters.format(*a, *b) for a, b in held), one)
    back = "{3}°{4}'{5:.5f}\"N, {0}°{1}'{2:.5f}\"E"
    text("dms-lat-first.txt", "\n".join(back.format(*a, *b) for a, b in held), one)
    split = [f"{n},{a[0]},{a[1]},{a[2]:.5f},{b[0]},{b[1]},{b[2]:.5f}" for n, (a, b) in enumerate(held, 1)]
    text("dms-three-columns.csv", "点号,经度,,,纬度,,\n,度,分,秒,度,分,秒\n" + "\n".join(split), one)
    whole = Truth((dms_shape(true(point()), 0),), codes=("coarse_coordinates",))
    d, m, s = dms(ring(true(point()))[0][0], 0)
    e, f, g = dms(ring(true(point()))[0][1], 0)
    text("dms-whole-seconds.txt", f"{d}°{m}′{s:.0f}″，{e}°{f}′{g:.0f}″", whole)
    minutes = [(int(a), (a - int(a)) * 60, int(b), (b - int(b)) * 60) for a, b in ring(PLOT)]
    text("dm.txt", "\n".join(f"{a}°{b:.8f}′,{c}°{d:.8f}′" for a, b, c, d in minutes), Truth((PLOT,)))


def _metres() -> None:
    pairs = rows(ring(plot()), 3)
    one = Truth((PLOT,), codes=("datum_assumed",))
    text("m-x-north.csv", "点号,X,Y\n" + "\n".join(f"J{n},{b},{a}" for n, (a, b) in enumerate(pairs, 1)), one)
    text(
        "m-east-first.csv",
        "点号,东坐标,北坐标\n" + "\n".join(f"J{n},{a},{b}" for n, (a, b) in enumerate(pairs, 1)),
        one,
    )
    thousands = [f"{float(b):,.3f}\t{float(a):,.3f}" for a, b in pairs]
    text("m-thousands.tsv", "X\tY\n" + "\n".join(thousands), one)
    quoted = [f'"{float(b):,.3f}","{float(a):,.3f}"' for a, b in pairs]
    text("m-thousands-quoted.csv", "X,Y\n" + "\n".join(quoted), one)
    labelled = [f"X={b} Y={a}" for a, b in pairs]
    text("m-labelled.txt", "\n".join(labelled), one)
    bare = [(f"{float(b):.3f}", f"{float(a) - 39e6:.3f}") for a, b in pairs]
    zone = "2000国家大地坐标系，3度带，39带\n点号,X,Y\n"
    lines = "\n".join(f"J{n},{x},{y}" for n, (x, y) in enumerate(bare, 1))
    text("m-zone-in-title.csv", zone + lines, Truth((PLOT,)))
    text("m-meridian-in-title.csv", "CGCS2000 中央经线117度\n点号,X,Y\n" + lines, Truth((PLOT,)))
    text("m-no-zone.csv", "点号,X,Y\n" + lines, Truth(ask=("EPSG:4548",)))
    text("m-no-zone-crs.csv", "点号,X,Y\n" + lines, Truth((PLOT,), crs="EPSG:4548"))
    group = [f"{name},{n},{b},{a}" for name, dx in (("甲", 0), ("乙", 400))
             for n, (a, b) in enumerate(rows(ring(plot(dx)), 3), 1)]  # fmt: skip
    two = Truth((PLOT, true(plot(400))), ("甲", "乙"))
    text("m-grouped.csv", "地块,点号,X,Y\n" + "\n".join(group), two)
    merged = [line if line.split(",")[1] == "1" else "," + line.split(",", 1)[1] for line in group]
    text("m-grouped-merged.csv", "地块,点号,X,Y\n" + "\n".join(merged), two)
    wells = "\n".join(f"{n}号井,{b},{a}" for n, (a, b) in enumerate(pairs, 1))
    shapes = tuple(true(shapely.Point(p)) for p in ring(plot()))
    text("m-wells.csv", "井名,X,Y\n" + wells, Truth(shapes, tuple(f"{n}号井" for n in range(1, 6))))


_degrees()
_sexagesimal()
_metres()
