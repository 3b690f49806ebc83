"""What changed between two versions: squares counted in the head, areas by another program's geodesics."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
import shapely.affinity
from pyproj import Geod, Transformer
from test_cli import linxi
from yard import GK, entry, line, point, site, square, write_catalog, write_layer

from linxi_gis import crs, datum
from linxi_gis.importing import differ, touching
from linxi_gis.importing.editions import Edition, Zone

OLD = {"Z1": square(0, 0, 100), "Z2": square(200, 0, 100), "Z3": square(400, 0, 100), "Z4": square(600, 0, 100)}
# Z1 as it was; Z2 wider by 50 m; Z3 gone; Z4 renamed; Z5 new.
NEW = {"Z1": square(0, 0, 100), "Z2": square(200, 0, 150, 100), "Z4": square(600, 0, 100), "Z5": square(800, 0, 10)}


def geodesic_m2(shape: shapely.Polygon) -> float:
    """The area by PROJ's geodesics, edges cut every metre."""
    to_degrees = Transformer.from_crs(GK, "EPSG:4490", always_xy=True).transform
    cut = shapely.orient_polygons(shapely.segmentize(shape, 1.0))
    return abs(float(Geod(ellps="GRS80").polygon_area_perimeter(*to_degrees(*cut.exterior.xy))[0]))


def geodesic_m(shape: shapely.LineString) -> float:
    """The length by PROJ's geodesics."""
    to_degrees = Transformer.from_crs(GK, "EPSG:4490", always_xy=True).transform
    return float(Geod(ellps="GRS80").line_length(*to_degrees(*shape.xy)))


@pytest.fixture
def held(tmp_path: Path) -> Path:
    names = {"Z1": "一", "Z2": "二", "Z3": "三", "Z4": "四", "Z5": "五"}
    entries = []
    for version, zones, since, until in (("1", OLD, None, date(2023, 12, 30)), ("2", NEW, date(2023, 12, 31), None)):
        texts = [("新四" if version == "2" and zone == "Z4" else names[zone]) for zone in zones]
        write_layer(tmp_path / f"{version}.gpkg", list(zones.values()), BM=list(zones), MC=texts)
        days = {"effective_from": since, "effective_to": until}
        entries.append(entry("wet", "wetland", f"{version}.gpkg", version=version, required=False, **days))
    return write_catalog(tmp_path, entries)


def test_added_removed_and_changed_zones_with_their_areas(held: Path) -> None:
    words = ("layers", "diff", "wet@1", "wet@2", "--catalog", str(held))
    told = json.loads(linxi(*words, "--format", "json").stdout)
    rows = {row["zone"]: row for row in told["changes"]}
    assert told["same"] == 1
    assert {zone: row["kind"] for zone, row in rows.items()} == {
        "Z2": "changed", "Z3": "removed", "Z4": "changed", "Z5": "added"
    }  # fmt: skip
    assert rows["Z2"]["grown_m2"] == pytest.approx(geodesic_m2(square(300, 0, 50, 100)), rel=1e-6)
    assert rows["Z2"]["shrunk_m2"] == pytest.approx(0.0, abs=1e-3)
    assert rows["Z3"]["before_m2"] == pytest.approx(geodesic_m2(OLD["Z3"]), rel=1e-6)
    assert rows["Z5"]["after_m2"] == pytest.approx(geodesic_m2(NEW["Z5"]), rel=1e-6)
    assert (rows["Z4"]["what"], rows["Z4"]["grown_m2"]) == ("名称：四 → 新四", 0.0)
    assert told["after_m2"] == pytest.approx(sum(map(geodesic_m2, NEW.values())), rel=1e-6)
    table = linxi(*words).stdout
    assert "新增" in table and "取消" in table and "未变 1 个" in table


def test_the_geopackage_holds_the_ground_that_changed(held: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.gpkg"
    words = ("layers", "diff", "wet@1", "wet@2", "--catalog", str(held), "--format", "gpkg", "--out", str(out))
    linxi(*words)
    _, _, wkb, columns = pyogrio.raw.read(out)
    assert list(zip(columns[2], columns[1], strict=True)) == [("Z2", "增"), ("Z3", "减"), ("Z5", "增")]
    assert 118.0 < shapely.from_wkb(wkb[0]).centroid.x < 118.02
    assert "没有覆盖" in linxi(*words, code=2).stderr


def test_the_page_names_both_versions_and_every_change(held: Path, tmp_path: Path) -> None:
    """What it draws is looked at in a browser elsewhere; the stamp is there where the catalogue is a demonstration."""
    out = tmp_path / "变化.html"
    words = ("layers", "diff", "wet@1", "wet@2", "--catalog", str(held), "--format", "html", "--out", str(out))
    linxi(*words)
    text = out.read_text(encoding="utf-8")
    for word in ("湿地 变化图", "wet@1（至 2023-12-30）", "wet@2（2023-12-31 起）", "三（Z3）", "名称：四 → 新四"):
        assert word in text, word
    assert "结论无效力" not in text
    assert "没有覆盖" in linxi(*words, code=2).stderr
    linxi("layers", "diff", "wet@1", "wet@2", "--catalog", str(held), "--format", "html", code=2)


def told(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(linxi("layers", "diff", *words, "--format", "json").stdout)
    return found


def kinds(found: dict[str, Any]) -> dict[str, str]:
    return {row["zone"]: row["kind"] for row in found["changes"]}


def test_two_files_give_what_two_versions_give(held: Path, tmp_path: Path) -> None:
    """A GBK shapefile and a GeoPackage without a catalogue: ids by the alias table, whatever the case of its names."""
    pyogrio.raw.write(
        tmp_path / "旧.shp", np.array([shapely.to_wkb(one) for one in OLD.values()], dtype=object),
        [np.array(list(OLD), dtype=object), np.array(["一", "二", "三", "四"], dtype=object)], ["bm", "mc"],
        geometry_type="Polygon", crs=GK, encoding="GBK",
    )  # fmt: skip
    (tmp_path / "旧.cpg").unlink()
    names = ("旧.shp", "2.gpkg")
    from_files = told(*(str(tmp_path / name) for name in names))
    from_catalogue = told("wet@1", "wet@2", "--catalog", str(held))
    assert kinds(from_files) == kinds(from_catalogue) and from_files["same"] == 1
    for one, other in zip(from_files["changes"], from_catalogue["changes"], strict=True):
        assert [one[key] for key in ("before_m2", "after_m2", "grown_m2", "shrunk_m2")] == pytest.approx(
            [other[key] for key in ("before_m2", "after_m2", "grown_m2", "shrunk_m2")], rel=1e-7, abs=1e-3
        )
    assert any("按 bm 列作编号" in note.lower() for note in from_files["before"]["notes"])
    assert kinds(told(str(tmp_path / "旧.shp"), "wet@2", "--catalog", str(held))) == kinds(from_catalogue)


def test_files_without_ids_are_paired_by_their_shapes(tmp_path: Path) -> None:
    """97 of 100 m is the same zone, changed; 94 of 100 m is another one. The rows of the second file are turned round."""
    old = [square(0, 0, 100), square(200, 0, 100), square(400, 0, 100)]
    new = [square(400, 0, 94, 100), square(200, 0, 97, 100), square(0, 0, 100)]
    for name, shapes in (("a.gpkg", old), ("b.gpkg", new)):
        count = [str(n) for n in range(3)]
        write_layer(tmp_path / name, shapes, BM=["", "", ""], MC=count)
    words = (str(tmp_path / "a.gpkg"), str(tmp_path / "b.gpkg"))
    found = told(*words)
    assert found["matched_by"] == "shape" and any("BM 列有空值" in note for note in found["before"]["notes"])
    assert kinds(found) == {
        "第 2 个": "changed", "第 1 个 → 第 3 个": "changed", "原：第 3 个": "removed", "新：第 1 个": "added"
    }  # fmt: skip
    second = next(row for row in found["changes"] if row["zone"] == "第 2 个")
    assert second["shrunk_m2"] == pytest.approx(geodesic_m2(square(297, 0, 3, 100)), rel=1e-6)
    assert "按图形配对" in linxi("layers", "diff", *words).stderr
    by_name = told(*words, "--id", "mc")
    assert by_name["matched_by"] == "id" and "编号相同而图形不相交的有 2 个" in by_name["doubts"][0]


def test_ids_that_have_nothing_in_common_are_doubted(tmp_path: Path) -> None:
    for name, mark in (("a.gpkg", "A"), ("b.gpkg", "B")):
        write_layer(tmp_path / name, [square(0, 0, 100)], BM=[f"{mark}1"], MC=["一"])
    words = (str(tmp_path / "a.gpkg"), str(tmp_path / "b.gpkg"))
    assert "没有一个相同" in told(*words)["doubts"][0]
    found = told(*words, "--by-shape")
    assert (found["same"], found["changes"], found["doubts"]) == (1, [], [])


def test_a_file_of_many_faults_tells_a_dozen_and_how_many_more(tmp_path: Path) -> None:
    bows = [shapely.Polygon([(x, y), (x + 90, y + 90), (x + 90, y), (x, y + 90)]) for x, y in
            ((square(200 * n, 0, 1).bounds[:2]) for n in range(20))]  # fmt: skip
    path = str(write_layer(tmp_path / "a.gpkg", bows))
    notes = told(path, path)["before"]["notes"]
    assert len(notes) == 15 and any("另有 8 条" in note for note in notes)


def test_the_whole_counts_overlaps_once(tmp_path: Path) -> None:
    path = str(write_layer(tmp_path / "a.gpkg", [square(0, 0, 100), square(50, 0, 100), square(500, 0, 10)]))
    whole = geodesic_m2(square(0, 0, 150, 100)) + geodesic_m2(square(500, 0, 10))
    assert told(path, path)["before_m2"] == pytest.approx(whole, rel=1e-6)


def test_what_files_do_not_tell_is_asked_for(tmp_path: Path) -> None:
    without_zone = shapely.affinity.translate(square(0, 0, 100), -39_000_000.0)
    bare = str(write_layer(tmp_path / "a.shp", [without_zone], crs="EPSG:4548"))
    (tmp_path / "a.prj").unlink()
    lines = str(write_layer(tmp_path / "l.gpkg", [line((0, 0), (100, 0))], BM=[""]))
    unsure = linxi("layers", "diff", bare, bare, code=3).stderr
    assert "EPSG:4548" in unsure and "--crs" in unsure
    assert told(bare, bare, "--crs", "EPSG:4548")["same"] == 1
    whole = str(write_layer(tmp_path / "b.gpkg", [square(0, 0, 100)]))
    assert told(bare, whole, "--crs", "EPSG:4548", "--crs", GK)["same"] == 1
    assert "文件里有：BM、MC" in linxi("layers", "diff", whole, whole, "--id", "XX", code=2).stderr
    assert "--id" in linxi("layers", "diff", lines, lines, code=2).stderr
    assert "不存在" in linxi("layers", "diff", "没有.shp", bare, code=3).stderr


def test_sites_on_the_ground_that_changed(held: Path, tmp_path: Path) -> None:
    """Half a site on the strip that Z2 gained, a line through Z3 that went, a point in Z4 that was renamed, one beside all."""
    shapes = {"half": square(340, 20, 20), "line": line((380, 50), (520, 50)), "spot": point(650, 50),
              "edge": square(350, 0, 20), "away": square(2_000, 0, 50)}  # fmt: skip
    rows = [
        {"type": "Feature", "id": name, "properties": {"name": name},
         "geometry": json.loads(shapely.to_geojson(crs.to_lonlat(shapely.segmentize(shape, 1.0), GK)))}
        for name, shape in shapes.items()
    ]  # fmt: skip
    sites = tmp_path / "sites.geojson"
    sites.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
    words = ("wet@1", "wet@2", "--catalog", str(held), "--sites", str(sites), "--sites-crs", "EPSG:4490")
    met = {one["id"]: one["touches"] for one in told(*words)["sites"]}
    assert {name: [(one["zone"], one["kind"], one["part"]) for one in held] for name, held in met.items()} == {
        "half": [("Z2", "changed", "grown")], "line": [("Z3", "removed", "shrunk")],
        "spot": [("Z4", "changed", "words")], "edge": [("Z2", "changed", "grown")], "away": [],
    }  # fmt: skip
    assert met["half"][0]["area_m2"] == pytest.approx(geodesic_m2(square(340, 20, 10, 20)), rel=1e-6)
    assert met["line"][0]["length_m"] == pytest.approx(geodesic_m(line((400, 50), (500, 50))), rel=1e-7)
    assert met["edge"][0]["area_m2"] == 0.0
    table = linxi("layers", "diff", *words).stdout
    assert "5 个地块，4 个涉及变化；不涉及：away" in table and "在内或相接" in table
    assert "sites" not in told("wet@1", "wet@2", "--catalog", str(held))


def test_a_site_of_an_unnamed_datum_is_looked_at_both_ways(held: Path, tmp_path: Path) -> None:
    """Degrees that nobody named: read as GCJ-02 the site lies some 550 m off, off the zone that went."""
    ring = crs.to_lonlat(square(420, 20, 20), GK)
    sites = tmp_path / "s.csv"
    rows = "\n".join(f"{n},{x:.9f},{y:.9f}" for n, (x, y) in enumerate(ring.exterior.coords[:4], 1))
    sites.write_text(f"点号,经度,纬度\n{rows}\n", encoding="utf-8")
    (met,) = told("wet@1", "wet@2", "--catalog", str(held), "--sites", str(sites))["sites"]
    assert [(one["zone"], one["reading"]) for one in met["touches"]] == [("Z3", "")]
    moved = datum.gcj02_of_wgs84(shapely.get_coordinates(ring))[:4].tolist()
    rows = "\n".join(f"{n},{x:.9f},{y:.9f}" for n, (x, y) in enumerate(moved, 1))
    sites.write_text(f"点号,经度,纬度\n{rows}\n", encoding="utf-8")
    (met,) = told("wet@1", "wet@2", "--catalog", str(held), "--sites", str(sites))["sites"]
    assert [(one["zone"], one["reading"]) for one in met["touches"]] == [("Z3", "GCJ-02")]


def test_an_unknown_version_is_told_with_those_there_are(held: Path) -> None:
    done = linxi("layers", "diff", "wet@1", "wet@9", "--catalog", str(held), code=2)
    assert "wet@9" in done.stderr and "wet@2" in done.stderr


def test_numbers_with_a_hash_stay_what_they_are_and_a_repeated_one_is_one_zone(tmp_path: Path) -> None:
    ponds = {"1#": square(0, 0, 100), "2#": square(200, 0, 100), "3#东": square(400, 0, 100)}
    write_layer(tmp_path / "a.gpkg", [*ponds.values(), square(600, 0, 100)], BM=[*ponds, "3#东"])
    write_layer(tmp_path / "b.gpkg", list(ponds.values())[:2], BM=["1#", "4#"])
    held = write_catalog(tmp_path, [
        entry("pond", "tailings", f"{name}.gpkg", version=name, required=False, effective_from=since, effective_to=until)
        for name, since, until in (("a", None, date(2023, 12, 30)), ("b", date(2023, 12, 31), None))
    ])  # fmt: skip
    found = told("pond@a", "pond@b", "--catalog", str(held))
    assert kinds(found) == {"2#": "removed", "3#东": "removed", "4#": "added"}
    (gone,) = [row for row in found["changes"] if row["zone"] == "3#东"]
    assert gone["before_m2"] == pytest.approx(geodesic_m2(ponds["3#东"]) + geodesic_m2(square(600, 0, 100)), rel=1e-6)


def test_ids_of_files_are_those_of_layers_without_blanks_about_them(tmp_path: Path) -> None:
    for name, ids in (("a.gpkg", ["A", "B"]), ("b.gpkg", ["A ", "\u3000B"])):
        write_layer(tmp_path / name, [crs.to_lonlat(square(0, 0, 100), GK), crs.to_lonlat(square(200, 0, 100), GK)],
                    crs="EPSG:4490", BM=ids)  # fmt: skip
    found = told(str(tmp_path / "a.gpkg"), str(tmp_path / "b.gpkg"), "--id", "BM")
    assert found["changes"] == [] and found["same"] == 2


@pytest.mark.parametrize(("reach", "length"), [(0.0005, 0.0), (0.5, 0.5)])
def test_a_line_that_ends_on_the_border_lies_on_nothing(reach: float, length: float) -> None:
    def edition(*zones: Zone) -> Edition:
        return Edition("wet", "湿地", "", demonstration=False, keyed=True, zones=zones)

    found = differ.compare(edition(), edition(Zone("甲", "甲", "", crs.to_plane(square(0, 0, 100), GK))))
    (met,) = touching.touched(found, [site(line((100 - reach, 50), (300, 50)))])
    assert [touch.length_m for touch in met.touches] == [pytest.approx(length, abs=1e-4)]
