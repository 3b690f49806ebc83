"""Plant one defect of each kind in copies of the demonstration layers, and list the truth.

    python -m linxi_layers.demo_defects.build

Nothing is random: the demonstration county is (its seed stands in demo/build.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry as Geometry

from linxi_gis import crs, datum
from linxi_layers.demo.build import CLASS_COLUMNS, make_layers, read_outline
from linxi_layers.demo.zones import Zone, write

_HERE = Path(__file__).parent
SHIFT_M = (16.0, 12.0)  # 20 m
_FIELDS = 60  # of 665: enough to teach by
Planted = tuple[str, str, str, Geometry]  # code, layer, zone id, place
# Layers that are written as text in one system, and said to be in another.
MISREAD = {
    "mine": ("EPSG:4548", False, "EPSG:4549"),  # another zone
    "soil_supervised_site": ("EPSG:4548", False, "EPSG:4527"),  # no zone number in the eastings
    "monitoring_section": ("EPSG:4527", True, "EPSG:4527"),  # northing first
    "settlement": ("EPSG:4490", False, "EPSG:4527"),  # degrees, said to be metres
    "tailings_dam": ("EPSG:4527", False, "EPSG:4490"),  # metres, said to be degrees
}
Layers = dict[str, list[Zone]]


def _moved(shape: Geometry, change: Callable[[crs.FloatArray], crs.FloatArray]) -> Geometry:
    moved: Geometry = shapely.transform(shape, change)
    return moved


def _shifted(lonlat: crs.FloatArray) -> crs.FloatArray:
    return crs.points_lonlat(crs.plane_of_points(lonlat) + np.array(SHIFT_M))


def _square(lonlat: shapely.Point, side_deg: float) -> Geometry:
    x, y = lonlat.x, lonlat.y
    return shapely.Polygon([(x, y), (x + side_deg, y + side_deg / 9), (x + side_deg, y + side_deg), (x, y + side_deg)])


def _inner(shape: Geometry) -> shapely.Point:
    area: Any = shape  # stubs want a column
    radius = shapely.maximum_inscribed_circle(area)
    return shapely.Point(shapely.get_coordinates(radius)[0])


def _units(layers: Layers) -> list[Planted]:
    units = layers["units"]
    hole, grown = _square(_inner(units[-1].geometry), 0.003), _square(_inner(units[-2].geometry), 0.003)
    units[-1] = replace(units[-1], geometry=units[-1].geometry.difference(hole))
    units[-3] = replace(units[-3], geometry=units[-3].geometry.union(grown))
    units[0] = replace(units[0], code=units[0].code[:8] + "3" + units[0].code[9:])
    units[1] = replace(units[1], code="ZH1504241X002")
    units[2] = replace(units[2], code="")
    return [
        ("gap", "units", "", hole), ("tile_overlap", "units", units[-3].code, grown),
        ("class_contradicted", "units", units[0].code, units[0].geometry),
        ("code_malformed", "units", units[1].code, units[1].geometry),
        ("code_missing", "units", "3", units[2].geometry),
    ]  # fmt: skip


def _fields(layers: Layers) -> list[Planted]:
    fields = layers["farmland"] = [
        replace(zone, facts={"面积公顷": f"{crs.to_plane(zone.geometry).area / 1e4:.4f}"})
        for zone in layers["farmland"][:_FIELDS]
    ]  # fmt: skip
    start = _inner(fields[10].geometry)
    spots = {n: _inner(fields[n].geometry) for n in (1, 2, 3)}
    strip = shapely.box(start.x, start.y - 0.02, start.x + 0.004, start.y - 0.02 + 4e-6)
    crumb = _square(shapely.Point(start.x, start.y - 0.03), 1e-5)
    overlap = _square(spots[1], 0.0005)
    tip = shapely.Point(spots[2].x, fields[2].geometry.bounds[3] + 0.002)
    needle = shapely.Polygon([(spots[2].x, spots[2].y), (spots[2].x + 2e-5, spots[2].y), (tip.x, tip.y)])
    fields[2] = replace(fields[2], geometry=fields[2].geometry.union(needle))
    fields[3] = replace(fields[3], facts={"面积公顷": "9999"})
    fields += [
        Zone("SL", "碎条（示意）", "永久基本农田", strip), Zone("TN", "碎块（示意）", "永久基本农田", crumb),
        Zone("OV", "重叠（示意）", "永久基本农田", overlap),
    ]  # fmt: skip
    return [
        ("sliver", "farmland", "SL", strip), ("tiny", "farmland", "TN", crumb), ("overlap", "farmland", "OV", overlap),
        ("spike", "farmland", fields[2].code, tip), ("area_differs", "farmland", fields[3].code, fields[3].geometry),
    ]  # fmt: skip


def _others(layers: Layers, outline: Geometry) -> list[Planted]:
    rights, urban, kept = layers["mining_right"], layers["urban"], layers["reserve"]
    a, b = rights[0].geometry.centroid.x, rights[0].geometry.centroid.y
    bow = shapely.Polygon([(a, b), (a + 0.01, b + 0.01), (a + 0.01, b), (a, b + 0.01)])
    rights[0] = replace(rights[0], geometry=bow)
    rights[1] = replace(rights[1], facts={"有效期起": "2024-01-01", "有效期止": "2020-01-01"})
    urban.append(replace(urban[0], code="DUP"))
    park = _square(_inner(kept[0].geometry), 0.01)
    layers["nature_park"] = [Zone("GY", "自然公园（示意）", "自然公园", park)]
    layers["redline"] = [replace(z, geometry=_moved(z.geometry, _shifted)) for z in layers["redline"]]
    layers["towns"] = [replace(z, geometry=_moved(z.geometry, datum.gcj02_of_wgs84)) for z in layers["towns"]]
    water, heritage, ponds = layers["water"], layers["heritage"], layers["tailings"]
    water[0] = replace(water[0], kind="三级保护区")
    heritage[0] = replace(heritage[0], name="锟斤拷锟斤拷")
    heritage[1] = replace(heritage[1], name="无数据")
    heritage[2] = replace(heritage[2], geometry=shapely.box(*heritage[2].geometry.bounds))
    ponds[2] = replace(ponds[2], code=ponds[1].code)
    away = _moved(ponds[0].geometry, lambda xy: xy + np.array([0.9, 0.0]))
    ponds[0] = replace(ponds[0], geometry=away)
    gone = layers["river"].pop(0)
    layers["noise"] = [Zone("SH", "声环境功能区（示意）", "2类", outline)]
    red = shapely.box(*shapely.total_bounds([z.geometry for z in layers["redline"]]))
    layers["redline"].append(Zone("KT", "没有图形（示意）", layers["redline"][0].kind, shapely.Polygon()))
    box = shapely.box(*outline.bounds)
    return [
        ("invalid", "mining_right", rights[0].code, shapely.Point(a + 0.005, b + 0.005)),
        ("dates", "mining_right", rights[1].code, rights[1].geometry),
        ("duplicate", "urban", "DUP", urban[0].geometry), ("exclusive", "reserve", "GY", park),
        ("shift", "redline", "", red),
        ("gcj02", "towns", "", shapely.box(*shapely.total_bounds([z.geometry for z in layers["towns"]]))),
        ("class_unmapped", "water", water[0].code, water[0].geometry),
        ("encoding", "heritage", heritage[0].code, heritage[0].geometry),
        ("placeholder_word", "heritage", heritage[1].code, heritage[1].geometry),
        ("placeholder_box", "heritage", heritage[2].code, heritage[2].geometry),
        ("code_repeated", "tailings", f"{ponds[2].code}#2", ponds[2].geometry), ("empty", "redline", "KT", red),
        ("outside", "tailings", ponds[0].code, away), ("disappeared", "river", gone.code, gone.geometry),
        ("placeholder_county", "noise", "SH", box), ("crs_missing", "park", "", box),
    ]  # fmt: skip


def _figures(system: str, swapped: bool, lonlat: crs.FloatArray) -> crs.FloatArray:
    way = pyproj.Transformer.from_crs("EPSG:4490", system, always_xy=True)
    east, north = way.transform(*lonlat.T)
    return np.column_stack([north, east] if swapped else [east, north])


def _misread(layers: Layers, out: Path) -> list[Planted]:
    """Write layers whose system is said wrongly, as tables."""
    planted: list[Planted] = []
    for name, (system, swapped, _) in MISREAD.items():
        digits = 7 if system == "EPSG:4490" else 2
        rows: dict[str, list[str]] = {"编号": [], "名称": [], CLASS_COLUMNS.get(name, "类别"): [], "WKT": []}
        for zone in layers[name]:
            drawn = _moved(zone.geometry, partial(_figures, system, swapped))
            cells = (zone.code, zone.name, zone.kind, shapely.to_wkt(drawn, digits, trim=False))
            for key, value in zip(rows, cells, strict=True):
                rows[key].append(value)
        frame = gpd.GeoDataFrame(rows, geometry=None)
        frame.to_csv(out / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
        planted.append(("crs_wrong", name, "", shapely.box(*shapely.total_bounds([z.geometry for z in layers[name]]))))
    return planted


def build(out: Path) -> list[Planted]:
    """Write the layers, the catalogue and truth.toml into a folder; return what was planted."""
    outline = read_outline()
    layers = make_layers(outline)
    told_wrong = _misread(layers, out)
    truth = [*_units(layers), *_fields(layers), *_others(layers, outline)]
    for name in sorted({layer for _, layer, _, _ in truth} - {"reserve", "park"} | {"nature_park"}):
        write(layers[name], out / f"{name}.gpkg", CLASS_COLUMNS.get(name, "类别"))
    park = gpd.GeoDataFrame({"编号": ["YQ-01"], "WKT": [layers["park"][0].geometry.wkt]}, geometry=None)
    park.to_csv(out / "park.csv", index=False, lineterminator="\n", encoding="utf-8")
    truth += told_wrong
    (out / "catalog.toml").write_text(_catalog(set(layers)), encoding="utf-8", newline="\n")
    rows = [
        f'[[defect]]\nkind = "{kind}"\nlayer = "{layer}"\nzone = "{zone}"\nplace = "{shapely.to_wkt(place.centroid, 6)}"\n'
        f"box = {[round(v, 6) for v in place.bounds]}\n" for kind, layer, zone, place in truth
    ]  # fmt: skip
    (out / "truth.toml").write_text("# 埋设的缺陷：种类、图层、图斑、位置。\n" + "\n".join(rows), "utf-8", newline="\n")
    return truth


def _catalog(named: set[str]) -> str:
    text = (_HERE.parent / "demo" / "catalog.toml").read_text(encoding="utf-8")
    text = text.replace("林西县示意图层（", "林西县缺陷示例（").replace('"clauses.csv"', '"../demo/clauses.csv"')
    here = {"units", "farmland", "mining_right", "urban", "redline", "towns", "water", "heritage", "tailings", "river"}
    text = re.sub(r'path = "(\w+)\.(gpkg|tif)"', lambda m: m[0] if m[1] in here else f'path = "../demo/{m[1]}.{m[2]}"', text)
    for name, (_, _, said) in MISREAD.items():
        text = text.replace(f'path = "../demo/{name}.gpkg"', f'path = "{name}.csv"\ncrs = "{said}"')
    text = text.replace('path = "../demo/park.gpkg"', 'path = "park.csv"')
    head, *blocks = text.split("[[layer]]")
    river, reserve = (next(b for b in blocks if f'id = "{name}"' in b) for name in ("river", "reserve"))
    old = river.replace('"river.gpkg"', '"../demo/river.gpkg"').replace("示意-1", "示意-0")
    old = old.replace("effective_from = 2015-01-01", "effective_from = 2010-01-01\neffective_to = 2014-12-31")
    nature = reserve.replace('"reserve"', '"nature_park"').replace("../demo/reserve", "nature_park")
    nature = re.sub(r"columns = .*", 'columns = { id = "编号", name = "名称", class = "类别" }', nature)
    noise = nature.replace("nature_park.gpkg", "noise.gpkg").replace('id = "nature_park"', 'id = "noise"', 1)
    noise = re.sub(r"classes = .*\n?", "", noise).replace('"protected_area"', '"noise_zone"').replace("自然保护地", "声功能区")
    added = [f"\n{block.strip()}\n\n" for block in (old, nature, noise)]
    return "[[layer]]".join([head, *blocks, *added]).rstrip() + "\n"


if __name__ == "__main__":
    print(f"埋设 {len(build(_HERE))} 处缺陷")
