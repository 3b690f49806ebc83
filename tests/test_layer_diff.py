"""What changed between two versions: squares counted in the head, areas by another program's geodesics."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyogrio
import pytest
import shapely
from pyproj import Geod, Transformer
from test_cli import linxi
from yard import GK, entry, square, write_catalog, write_layer

OLD = {"Z1": square(0, 0, 100), "Z2": square(200, 0, 100), "Z3": square(400, 0, 100), "Z4": square(600, 0, 100)}
# Z1 as it was; Z2 wider by 50 m; Z3 gone; Z4 renamed; Z5 new.
NEW = {"Z1": square(0, 0, 100), "Z2": square(200, 0, 150, 100), "Z4": square(600, 0, 100), "Z5": square(800, 0, 10)}


def geodesic_m2(shape: shapely.Polygon) -> float:
    """The area by PROJ's geodesics, edges cut every metre."""
    to_degrees = Transformer.from_crs(GK, "EPSG:4490", always_xy=True).transform
    cut = shapely.orient_polygons(shapely.segmentize(shape, 1.0))
    return abs(float(Geod(ellps="GRS80").polygon_area_perimeter(*to_degrees(*cut.exterior.xy))[0]))


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


def test_an_unknown_version_is_told_with_those_there_are(held: Path) -> None:
    done = linxi("layers", "diff", "wet@1", "wet@9", "--catalog", str(held), code=2)
    assert "wet@9" in done.stderr and "wet@2" in done.stderr
