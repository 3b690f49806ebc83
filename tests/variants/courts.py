"""Reference systems: stated, contradicted, shifted, old, and not stated at all."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import shapely

from tests.variants.ground import LONLAT, PLANE, Truth, moved, plot, point, ring, rounded, rows, text, true

PLOT = true(plot())


def table(shape: shapely.Polygon | shapely.Point, digits: int = 3, title: str = "") -> str:
    """A table of northing and easting (or latitude and longitude) under a title."""
    lines = "\n".join(f"J{n},{b},{a}" for n, (a, b) in enumerate(rows(ring(shape), digits), 1))
    return f"{title}\n点号,X,Y\n{lines}" if title else f"点号,X,Y\n{lines}"


def in_system(system: str, digits: int = 3) -> shapely.Polygon:
    """The plot in a system, as a file with so many decimals says it."""
    return rounded(moved(plot(), PLANE, system), digits)  # type: ignore[return-value]


def _planes() -> None:
    for zone, code in ((39, "EPSG:4527"), (40, "EPSG:4528"), (38, "EPSG:4526")):
        held = in_system(code)
        text(f"court-zone-{zone}.csv", table(held), Truth((true(held, code),), codes=("datum_assumed",)))
    six = in_system("EPSG:4498")
    text("court-six-20.csv", table(six), Truth((true(six, "EPSG:4498"),)))
    for code in ("EPSG:4548", "EPSG:4549", "EPSG:4509", "EPSG:32650"):
        held = in_system(code)
        shape = true(held, code)
        if code != "EPSG:4509":  # 117°E for 3° and 6° alike
            text(f"court-crs-{code[5:]}.csv", table(held), Truth((shape,), crs=code))
        text(f"court-bare-{code[5:]}.csv", table(held), Truth(ask=("EPSG:4548", "EPSG:4549")))
    mercator = in_system("EPSG:3857", 4)
    lines = "\n".join(f"{n},{a},{b}" for n, (a, b) in enumerate(rows(ring(mercator), 4), 1))
    text("court-mercator.csv", f"点号,东坐标,北坐标\n{lines}", Truth(ask=("EPSG:3857",)))
    text("court-mercator-crs.csv", f"点号,东坐标,北坐标\n{lines}", Truth((PLOT,), crs="EPSG:3857"))
    contradicting = table(in_system("EPSG:4527"), title="2000国家大地坐标系 3度带40带")
    text("court-title-contradicts.csv", contradicting, Truth(ask=("EPSG:4527", "EPSG:4528")))


def _shifted() -> None:
    """GCJ-02 by the published formula, written again here, forwards."""
    shifted = shapely.transform(PLOT, lambda xy: [_gcj(lon, lat) for lon, lat in xy])
    lines = "经度,纬度\n" + "\n".join(f"{a:.10f},{b:.10f}" for a, b in ring(shifted))
    text("court-gcj02.csv", lines, Truth((PLOT,), crs="GCJ-02"))
    text("court-gcj02-undeclared.csv", lines, Truth((shifted,), codes=("datum_assumed",)))
    text("court-gcj02-named.csv", "高德地图 GCJ-02 坐标\n" + lines, Truth(error="GCJ-02"))


def _gcj(lon: float, lat: float) -> tuple[float, float]:
    x, y, pi = lon - 105.0, lat - 35.0, math.pi
    waves = 20 * math.sin(6 * x * pi) + 20 * math.sin(2 * x * pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + waves * 2 / 3
    north += (20 * math.sin(y * pi) + 40 * math.sin(y / 3 * pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * pi) + 320 * math.sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + waves * 2 / 3
    east += (20 * math.sin(x * pi) + 40 * math.sin(x / 3 * pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * pi) + 300 * math.sin(x / 30 * pi)) * 2 / 3
    a, e2, phi = 6378245.0, 0.00669342162296594323, math.radians(lat)
    w = 1 - e2 * math.sin(phi) ** 2
    return lon + math.degrees(east * math.sqrt(w) / (a * math.cos(phi))), lat + math.degrees(
        north * w**1.5 / (a * (1 - e2))
    )


SHIFT = "-120.5,80.25,35.75,0.8,-0.6,1.2,2.5"


def _old() -> None:
    """西安80 and where a hand-written Bursa-Wolf step takes it."""
    plane = rounded(moved(shapely.transform(PLOT, lambda xy: xy - 0.001), "EPSG:4610", "EPSG:2363"), 4)
    old = moved(plane, "EPSG:2363", "EPSG:4610")
    new = shapely.transform(old, lambda xy: [_forward(lon, lat) for lon, lat in xy])
    title = "西安80坐标系 3度带39带"
    shifted = Truth((new,), transform=SHIFT, codes=("datum_transformed",))
    text("court-xian80.csv", table(plane, 4, title), Truth(error="80"))
    text("court-xian80-transform.csv", table(plane, 4, title), shifted)
    misplaced = table(plot(), title="2000国家大地坐标系 39带")
    text("court-transform-misplaced.csv", misplaced, Truth(error="转换参数", transform=SHIFT))


def _forward(lon: float, lat: float) -> tuple[float, float]:
    """new = T + (1+s)·R·old at height 0, R the coordinate-frame rotation of the Chinese 布尔沙 model."""
    turn = "+proj=unitconvert +xy_in={} +xy_out={}"
    there = pyproj.Transformer.from_pipeline(
        f"+proj=pipeline +step {turn.format('deg', 'rad')} +step +proj=cart +a=6378140 +rf=298.257"
    )
    old = np.array(there.transform(lon, lat, 0.0))
    dx, dy, dz, rx, ry, rz, s = (float(v) for v in SHIFT.split(","))
    a, b, c = (math.radians(v / 3600) for v in (rx, ry, rz))
    rotation = np.array([[1, c, -b], [-c, 1, a], [b, -a, 1]])
    new = np.array([dx, dy, dz]) + (1 + s * 1e-6) * rotation @ old
    back = pyproj.Transformer.from_pipeline(
        f"+proj=pipeline +step +inv +proj=cart +ellps=GRS80 +step {turn.format('rad', 'deg')}"
    )
    east, north, _ = back.transform(*new)
    return float(east), float(north)


def _packed() -> None:
    """DD.MMSS: three corners written so leave no room for accident; one point does."""

    def packed(value: float) -> str:
        seconds = round(value * 3600)
        return f"{seconds // 3600}.{seconds // 60 % 60:02d}{seconds % 60:02d}"

    lines = "\n".join(f"{packed(a)},{packed(b)}" for a, b in ring(PLOT))
    text("court-packed-dms.csv", "经度,纬度\n" + lines, Truth(ask=("DMS", "EPSG:4490")))
    x, y = ring(true(point()))[0]
    text(
        "court-packed-point.csv",
        f"经度,纬度\n{packed(x)},{packed(y)}",
        Truth((shapely.Point(float(packed(x)), float(packed(y))),), codes=("packed_dms_possible",)),
    )


_planes()
_shifted()
_old()
_packed()
_ = LONLAT
