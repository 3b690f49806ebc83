"""GeoJSON: kinds, names and ids, the old "crs" member, features that cannot be read."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely

from linxi_gis import datum
from linxi_gis.errors import CrsError, InputError
from linxi_gis.intake import Options, Reading, read, read_bytes, read_geojson, read_text

RING = [[118.0, 43.6], [118.002, 43.6], [118.002, 43.602], [118.0, 43.602], [118.0, 43.6]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
COUNTY = shapely.box(117.63, 43.24, 118.58, 44.26)


def feature(geometry: object, id_: object = None, **properties: object) -> dict[str, object]:
    made: dict[str, object] = {"type": "Feature", "properties": properties, "geometry": geometry}
    return made if id_ is None else {**made, "id": id_}


def collection(*features: object, **more: object) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in (*reading.issues, *(i for s in reading.sites for i in s.issues))}


def test_a_collection_a_feature_and_a_bare_geometry() -> None:
    for body in (collection(feature(POLYGON)), feature(POLYGON), POLYGON):
        reading = read_geojson(body)
        site = reading.sites[0]
        assert site.kind == "polygon" and site.id == "GeoJSON-1" and reading.format == "GeoJSON"
        truth = pyproj.Geod(ellps="GRS80").polygon_area_perimeter(*np.array(RING).T)[0]
        assert site.area_m2 == pytest.approx(abs(truth), rel=1e-6)


def test_text_bytes_and_upload_agree() -> None:
    text = json.dumps(collection(feature(POLYGON, 名称="甲")), ensure_ascii=False)
    readings = [
        read_geojson(text),
        read_geojson(text.encode()),
        read_text(text),
        read_bytes(text.encode("gb18030"), "dir\\甲.geojson"),
        read_bytes(text.encode("utf-16"), "甲.json"),
    ]
    assert {reading.sites[0].name for reading in readings} == {"甲"}
    assert readings[3].sites[0].id == "甲-1" and readings[3].sites[0].source == "甲.geojson:甲"


def test_the_datum_is_assumed_and_told_once_in_file_and_site() -> None:
    reading = read_geojson(collection(feature(POLYGON), feature(POLYGON)))
    told = [issue for issue in reading.issues if issue.code == "datum_assumed"]
    assert len(told) == 1 and told[0].severity == "info" and "549～631" in told[0].text
    assert all(told[0] in site.issues for site in reading.sites)
    assert not reading.sites[0].reference.declared and reading.sites[0].reference.source == "EPSG:4490"


def test_names_ids_and_attributes() -> None:
    body = collection(
        feature(POLYGON, 7, Name="甲", 数=1.5, 空=None, 表=[1, "二"], 真=True),
        feature(POLYGON, 编号="B/../x", 项目名称="乙"),
        feature(POLYGON, 7),
        feature(POLYGON),
    )
    sites = read_geojson(body, Options(source_name="站.geojson")).sites
    assert [(s.id, s.name) for s in sites] == [
        ("7", "甲"), ("B_.._x", "乙"), ("7-2", "7"), ("站-4", "站-4")
    ]  # fmt: skip
    assert dict(sites[0].attributes) == {"Name": "甲", "数": "1.5", "空": "", "表": '[1, "二"]', "真": "true"}
    assert len({s.id.casefold() for s in sites}) == 4


def test_mixed_kinds_and_heights() -> None:
    shapes = [
        {"type": "Point", "coordinates": [118.0, 43.6, 900]},
        {"type": "MultiPoint", "coordinates": [[118.0, 43.6], [118.1, 43.6]]},
        {"type": "LineString", "coordinates": [[118.0, 43.6, 1], [118.1, 43.6]]},
        {"type": "MultiLineString", "coordinates": [[[118.0, 43.6], [118.1, 43.6]]]},
        {"type": "Polygon", "coordinates": [RING[:-1]]},
        {"type": "MultiPolygon", "coordinates": [[RING], [[[x + 0.1, y] for x, y in RING]]]},
    ]
    sites = read_geojson(collection(*map(feature, shapes))).sites
    assert [s.kind for s in sites] == ["point"] * 3 + ["line", "line", "polygon", "polygon"]


def test_several_points_are_several_sites() -> None:
    body = feature({"type": "MultiPoint", "coordinates": [[118.0, 43.6], [118.1, 43.7]]}, id="W", name="井群")
    reading = read_geojson(collection(body))
    assert [(s.id, s.name, s.geometry.wkt) for s in reading.sites] == [
        ("W-1", "井群-1", "POINT (118 43.6)"), ("W-2", "井群-2", "POINT (118.1 43.7)")
    ]  # fmt: skip
    for site in reading.sites:
        assert [i.severity for i in site.issues if i.code == "multipoint_split"] == ["info"]


def test_a_scribble_is_refused_in_seconds() -> None:
    spots = np.random.default_rng(1).uniform((118.0, 43.5), (118.2, 43.7), (700, 2)).round(6).tolist()
    body = collection(feature({"type": "Polygon", "coordinates": [[*spots, spots[0]]]}))
    start = time.perf_counter()
    with pytest.raises(InputError, match="互相交叉过多"):
        read_geojson(body)
    assert time.perf_counter() - start < 5.0


@pytest.mark.parametrize(
    "name", ["EPSG:4527", "urn:ogc:def:crs:EPSG::4527"]
)  # fmt: skip
@pytest.mark.parametrize("swapped", [False, True])
def test_the_old_crs_member_is_obeyed(name: str, swapped: bool) -> None:
    to = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4527", always_xy=True)
    ring = [to.transform(corner[0], corner[1])[:: -1 if swapped else 1] for corner in RING]
    body = collection(
        feature({"type": "Polygon", "coordinates": [ring]}),
        crs={"type": "name", "properties": {"name": name}},
    )
    reading = read_geojson(body)
    assert np.abs(shapely.get_coordinates(reading.sites[0].geometry) - np.array(RING)).max() < 1e-9
    reference = reading.sites[0].reference
    assert (reference.source, reference.how) == ("EPSG:4527", "文件 crs 成员写明")
    assert ("axes_swapped" in codes(reading)) is swapped and "datum_assumed" not in codes(reading)


def test_crs84_does_not_rule_out_gcj02() -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert "datum_assumed" in codes(read_geojson(collection(feature(POLYGON), crs=crs)))
    shifted = [datum.gcj02_of_wgs84(np.array(RING)).tolist()]
    body = collection(feature({"type": "Polygon", "coordinates": shifted}), crs=crs)
    drawn = shapely.get_coordinates(read_geojson(body, Options(crs="GCJ-02")).sites[0].geometry)
    assert np.abs(drawn - np.array(RING)).max() < 1e-11


def test_the_command_line_wins_over_the_file_and_it_is_told() -> None:
    crs = {"type": "name", "properties": {"name": "EPSG:4490"}}
    reading = read_geojson(collection(feature(POLYGON), crs=crs), Options(crs="EPSG:4326"))
    assert "crs_overridden" in codes(reading)
    assert "crs_overridden" not in codes(
        read_geojson(collection(feature(POLYGON), crs=crs), Options(crs="EPSG:4490"))
    )


def test_metres_without_a_system_go_through_the_court() -> None:
    to = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4527", always_xy=True)
    ring = [to.transform(corner[0], corner[1]) for corner in RING]
    site = read_geojson({"type": "Polygon", "coordinates": [ring]}).sites[0]
    assert site.reference.source == "EPSG:4527" and "39 为带号" in site.reference.how
    assert site.reference.axes == "X=东, Y=北"


def test_latitude_first_is_swapped_and_told() -> None:
    reading = read_geojson({"type": "Point", "coordinates": [43.6, 118.0]})
    assert reading.sites[0].geometry.equals(shapely.Point(118.0, 43.6)) and "axes_swapped" in codes(reading)


BAD = [
    None,
    {"type": "GeometryCollection", "geometries": []},
    {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": [POLYGON]}]},
    {"type": "Polygon", "coordinates": [[[118.0, 43.6], [118.1, 43.6]]]},
    {"type": "Polygon", "coordinates": []},
    {"type": "Polygon", "coordinates": [[["118.0", "43.6"]] * 4]},
    {"type": "Polygon", "coordinates": [118.0, 43.6]},
    {"type": "Point", "coordinates": [float("nan"), 43.6]},
    {"type": "Point", "coordinates": [118.0]},
    {"type": "Point", "coordinates": [10**400, 43.6]},
    {"type": "Circle", "coordinates": [118.0, 43.6]},
    {"type": "Point"},
    {"type": "Point", "coordinates": [1234.5, 99999.0]},
    {"type": "Polygon", "coordinates": [[[118.0, 43.6]] * 4]},
    {"type": "LineString", "coordinates": [[118.0, 43.6]] * 2},
    {"type": "Polygon", "coordinates": [[[118.0, 43.6], [118.1, 43.6], [118.2, 43.6], [118.0, 43.6]]]},
    "POINT (1 1)",
]


def test_a_collection_of_mixed_kinds_becomes_a_site_for_each_kind() -> None:
    mixed = {
        "type": "GeometryCollection",
        "geometries": [
            POLYGON,
            {"type": "LineString", "coordinates": [[118.0, 43.6], [118.1, 43.6]]},
            {"type": "MultiPoint", "coordinates": [[118.0, 43.6], [118.1, 43.6]]},
        ],
    }
    reading = read_geojson(feature(mixed, "矿区"))
    assert [(site.id, site.kind) for site in reading.sites] == [
        ("矿区-面", "polygon"), ("矿区-线", "line"), ("矿区-点-1", "point"), ("矿区-点-2", "point"),
    ]  # fmt: skip
    assert all("collection_split" in {i.code for i in site.issues} for site in reading.sites)
    alone = read_geojson({"type": "GeometryCollection", "geometries": [POLYGON]})
    assert [site.kind for site in alone.sites] == ["polygon"] and "collection_split" not in codes(alone)


@pytest.mark.parametrize("geometry", BAD)
def test_a_bad_feature_is_an_issue_and_the_others_are_read(geometry: object) -> None:
    reading = read_geojson(
        collection(feature(POLYGON, "好"), feature(geometry, "坏"), feature(POLYGON, "也好"))
    )
    assert [site.id for site in reading.sites] == ["好", "也好"]
    errors = [issue for issue in reading.issues if issue.severity == "error"]
    assert len(errors) == 1 and errors[0].code == "feature_unreadable"
    assert "第 2 个要素" in errors[0].text or "坏" in errors[0].text
    with pytest.raises(InputError):
        read_geojson(collection(feature(geometry)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type": "FeatureCollection",\n "features": [}', "第 2 行"),
        ('{"type": "FeatureCollection", "features": []}', "没有任何图形"),
        ('{"type": "FeatureCollection"}', "features"),
        ('{"type": "Topology"}', "TopoJSON.*mapshaper"),
        ("{}", "type"),
        ('{"a":' * 200_000, "嵌套过深|不是有效"),
        ('{"type": "Point", "coordinates": [' + "9" * 5000 + ", 1]}", "数字过长"),
    ],
)
def test_wrong_texts(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_geojson(text)


@pytest.mark.parametrize("body", ["[1]", "3", "null"])
def test_json_that_is_no_object(body: str) -> None:
    with pytest.raises(InputError, match="不是 GeoJSON 对象"):
        read_geojson(body)


@pytest.mark.parametrize(
    ("crs", "said"),
    [
        ({"type": "link", "properties": {"href": "x"}}, "没有写明"),
        ({"type": "name", "properties": {"name": "EPSG:99"}}, "无法识别"),
        ({"type": "name", "properties": {"name": "EPSG:4610"}}, "七参数"),
        ({"type": "name", "properties": {"name": "EPSG:4527"}}, "看起来是经纬度"),
    ],
)
def test_wrong_crs_members(crs: object, said: str) -> None:
    with pytest.raises(CrsError, match=said) as caught:
        read_geojson(collection(feature(POLYGON), crs=crs), Options(source_name="a.geojson"))
    assert "a.geojson" in str(caught.value)


def test_outside_the_county_says_how_far() -> None:
    reading = read_geojson({"type": "Point", "coordinates": [119.0, 43.6]}, Options(county=COUNTY))
    outside = next(issue for issue in reading.sites[0].issues if issue.code == "outside_county")
    _, _, metres = pyproj.Geod(ellps="GRS80").inv(118.58, 43.6, 119.0, 43.6)
    assert f"{metres / 1000:.1f} km" in outside.text and outside.geometry_wkt is not None
    inside = read_geojson({"type": "Point", "coordinates": [118.0, 43.6]}, Options(county=COUNTY))
    assert "outside_county" not in codes(inside)


def test_a_feature_without_half_a_character() -> None:
    reading = read_geojson(
        '{"type":"Feature","properties":{"name":"a\\ud800"},"geometry":' + json.dumps(POLYGON) + "}"
    )
    reading.sites[0].name.encode("utf-8")


def test_reading_text_formats_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text(json.dumps(POLYGON), encoding="utf-8")
    rows = "\n".join(f"J{i},1,{4829000 + i % 2},{39500000 + i}" for i in range(4))
    (tmp_path / "b.txt").write_text(f"[属性描述]\n坐标系=CGCS2000\n[地块坐标]\n{rows}", encoding="utf-8")
    (tmp_path / "c.csv").write_text("经度,纬度\n118,43.6\n", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from linxi_gis.intake import read\n"
        "for name in ('a.geojson', 'b.txt', 'c.csv'): assert read(Path(sys.argv[1]) / name).sites\n"
        "heavy = {'geopandas', 'pandas', 'pyogrio', 'folium', 'rasterio', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    root = str(Path(__file__).parents[1])
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=root, timeout=60)


def test_a_path_reads_as_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "项目.geojson"
    path.write_text(json.dumps(POLYGON), encoding="utf-8")
    reading = read(path)
    assert reading.source == "项目.geojson" and reading.sites[0].id == "项目-1"


def _square(**properties: object) -> dict[str, object]:
    ring = [[118.0, 43.6], [118.1, 43.6], [118.1, 43.7], [118.0, 43.6]]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


@pytest.mark.parametrize("mark", ["", "\x1e"])
@pytest.mark.parametrize("name", ["a.geojsonl", "a.ndjson", "a.json", "a.txt"])
def test_a_feature_a_line(name: str, mark: str) -> None:
    lines = [mark + json.dumps(_square(name=n), ensure_ascii=False) for n in ("甲", "乙")] + [mark + '{"type": "Fea']
    reading = read_bytes("\n".join(lines).encode(), name)
    assert [site.name for site in reading.sites] == ["甲", "乙"]
    (issue,) = [i for i in reading.issues if i.severity == "error"]
    assert issue.code == "feature_unreadable" and "不是有效的 JSON" in issue.text


@pytest.mark.parametrize(
    ("broken", "truth"),
    [
        ("å°¾çŸ¿åº“", "尾矿库"),
        ("尾矿库".encode("gbk").decode("latin-1"), "尾矿库"),
        ("大冷山".encode().decode("latin-1"), "大冷山"),
    ],
)
def test_text_already_broken_is_repaired_in_the_label_and_told(broken: str, truth: str) -> None:
    key = "名称".encode().decode("latin-1")
    site = read_geojson(json.dumps(_square(**{key: broken}))).sites[0]
    assert site.name == truth and dict(site.attributes) == {key: broken}
    (issue,) = [i for i in site.issues if i.code == "mojibake_suspected"]
    assert broken in issue.text and truth in issue.text


@pytest.mark.parametrize("name", ["Müller", "Çatalhöyük", "café", "Ångström", "尾矿库", "x²", "±0.5", "118°03′"])
def test_text_that_is_right_is_left_alone(name: str) -> None:
    site = read_geojson(json.dumps(_square(name=name))).sites[0]
    assert site.name == name and "mojibake_suspected" not in {i.code for i in site.issues}


@pytest.mark.parametrize(("z", "told"), [(0, False), (0.0, False), (812.5, True)])
def test_heights_are_told_when_they_are_not_zero(z: float, told: bool) -> None:
    feature = _square()
    feature["geometry"]["coordinates"][0][1].append(z)  # type: ignore[index]
    reading = read_geojson(json.dumps(feature))
    assert ("z_dropped" in {i.code for i in reading.issues}) is told


@pytest.mark.parametrize(
    "member",
    [{"type": "EPSG", "properties": {"code": 4490}}, {"type": "name", "name": "EPSG:4490"}, "EPSG:4490"],
)
def test_other_ways_to_write_the_crs_member(member: object) -> None:
    assert read_geojson(json.dumps(_square() | {"crs": member})).sites[0].reference.source == "EPSG:4490"


def test_null_properties_are_no_properties() -> None:
    assert read_geojson(json.dumps(_square() | {"properties": None})).sites[0].attributes == ()


def test_esri_json() -> None:
    outer = [[500000, 4830000], [500000, 4830100], [500100, 4830100], [500100, 4830000], [500000, 4830000]]
    hole = [[500010, 4830010], [500020, 4830010], [500020, 4830020], [500010, 4830020], [500010, 4830010]]
    body = {
        "geometryType": "esriGeometryPolygon",
        "spatialReference": {"wkid": 4548, "latestWkid": 4548},
        "features": [
            {"attributes": {"名称": "甲", "OBJECTID": 1}, "geometry": {"rings": [outer, hole]}},
            {"attributes": None, "geometry": {"paths": [outer[:3]]}},
            {"attributes": {}, "geometry": {"x": 500000.0, "y": 4830000.0}},
            {"attributes": {}, "geometry": {"curveRings": []}},
        ],
    }
    reading = read_geojson(json.dumps(body))
    assert [site.kind for site in reading.sites] == ["polygon", "line", "point"]
    assert reading.sites[0].name == "甲" and reading.sites[0].reference.source == "EPSG:4548"
    assert reading.sites[0].planar_area_m2 == pytest.approx(100 * 100 - 10 * 10, abs=1e-3)
    assert any(i.severity == "error" and "曲线" in i.text for i in reading.issues)


def test_lines_of_geojson_keep_the_system_each_names() -> None:
    line = {**feature(POLYGON, "甲"), "crs": {"type": "name", "properties": {"name": "EPSG:4610"}}}
    body = "\n".join(json.dumps(line) for _ in range(2))
    with pytest.raises(CrsError, match="西安80"):
        read_bytes(body.encode(), "a.geojson")
