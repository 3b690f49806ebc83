"""`linxi read` and `linxi check --issues` as a user runs them: streams, files, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyproj
import pytest
import shapely
from rich.console import Console

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.footprint import make_site
from linxi_gis.intake.reading import Candidate, Reading
from linxi_gis.model import Reference
from linxi_gis.report import extract, issuefile
from linxi_gis.report import reading as pages

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
SOURCES = os.pathsep.join(str(ROOT / name) for name in ("", "layers", "maps", "api"))
BARE = "点号,X,Y\nJ1,4829864,580743\nJ2,4829864,580943\nJ3,4830064,580943\nJ4,4830064,580743\n"
LON, LAT = 118.05, 43.61
DEGREES = [(LON, LAT), (LON + 0.001, LAT + 0.001), (LON + 0.001, LAT), (LON, LAT + 0.001)]  # a bow-tie


def linxi(*words: str, cwd: Path = EXAMPLES, stdin: str | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `linxi WORDS` and check its exit code; no traceback ever reaches a user."""
    environment = {key: value for key, value in os.environ.items() if key != "LINXI_CATALOG"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "linxi_gis.cli", *words],
        cwd=cwd, input=stdin, capture_output=True, encoding="utf-8", timeout=120,
        env=environment | {"PYTHONPATH": SOURCES, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def bow_tie(folder: Path, name: str = "蝴蝶结") -> Path:
    ring = [list(place) for place in [*DEGREES, DEGREES[0]]]
    feature = {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path = folder / "odd.geojson"
    path.write_text(json.dumps(feature, ensure_ascii=False), encoding="utf-8")
    return path


def features(path: Path) -> list[dict[str, Any]]:
    body = json.loads(path.read_text(encoding="utf-8"))
    assert body["type"] == "FeatureCollection"
    found: list[dict[str, Any]] = body["features"]
    return found


def test_reading_alone_is_shown_without_a_verdict(tmp_path: Path) -> None:
    done = linxi("read", "tailings_zone39.txt", "pipeline.geojson")
    for word in ("界址点 TXT", "EPSG:4527", "X=北, Y=东", "DK01", "西岭尾矿库扩建库区（示意）", "71.7269 hm²", "在内",
                 "地类编码=0601", "declared_area_unit", "长 24.434 km", "13 个坐标"):  # fmt: skip
        assert word in done.stdout, word
    assert "初步研判" not in done.stdout and "禁止" not in done.stdout


def test_json_has_the_sites_of_the_extract_and_their_candidates(tmp_path: Path) -> None:
    path = bow_tie(tmp_path)
    (answer,) = json.loads(linxi("read", str(path), "--format", "json").stdout)
    (site,) = answer["sites"]
    assert answer["error"] is None and answer["format"] == "GeoJSON"
    names = set(extract.schema()["properties"]["site"]["required"])
    assert names <= set(site)
    (candidate,) = [one for one in site["candidates"] if one["code"] == "hull_order"]
    assert candidate["geometry"]["type"] == "Polygon" and candidate["in_county"] is True
    assert {"geometry_healed", "point_order_suspect"} <= {issue["code"] for issue in site["issues"]}


def test_an_ambiguous_file_exits_3_with_its_candidates_in_every_face(tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text(BARE, encoding="utf-8")
    page, odd = tmp_path / "map.html", tmp_path / "issues.geojson"
    done = linxi("read", str(path), "--map", str(page), "--issues", str(odd), code=3)
    assert "可能的读法" in done.stdout and "--crs EPSG:4548" in done.stdout and "在外" in done.stdout
    assert "坐标系" in done.stderr
    assert "EPSG:4548" in page.read_text(encoding="utf-8")
    first, *others = features(odd)
    assert (first["geometry"], first["properties"]["code"]) == (None, "crs_ambiguous")
    assert {one["properties"]["kind"] for one in others} == {"candidate"}
    (right,) = [one for one in others if one["properties"]["crs"] == "EPSG:4548"]
    to_lonlat = pyproj.Transformer.from_crs("EPSG:4548", "EPSG:4490", always_xy=True)
    lon, lat = to_lonlat.transform(580843, 4829964)
    centre = shapely.from_geojson(json.dumps(right["geometry"])).centroid
    assert abs(centre.x - lon) < 1e-6 and abs(centre.y - lat) < 1e-6
    (answer,) = json.loads(linxi("read", str(path), "--format", "json", code=3).stdout)
    assert answer["sites"] == [] and answer["error"]["code"] == "crs_ambiguous" and len(answer["candidates"]) >= 4
    assert json.loads(linxi("read", str(path), "--crs", "EPSG:4548", "--format", "json").stdout)[0]["sites"]


def test_standard_input_and_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.geojson").write_text("{", encoding="utf-8")
    done = linxi("read", "-", "broken.geojson", "--format", "json", cwd=tmp_path, stdin=f"{LON},{LAT}\n", code=3)
    first, second = json.loads(done.stdout)
    assert first["sites"][0]["kind"] == "point" and second["error"]["code"] == "file_unreadable"


def test_check_writes_the_issues_of_sites_and_of_files_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "broken.geojson").write_text("{", encoding="utf-8")
    odd = tmp_path / "out" / "issues.geojson"
    linxi("check", "broken.geojson", str(bow_tie(tmp_path)), "--issues", str(odd), "--format", "json",
          cwd=tmp_path, code=3)  # fmt: skip
    found = {feature["properties"]["code"]: feature for feature in features(odd)}
    assert found["file_unreadable"]["geometry"] is None
    assert found["file_unreadable"]["properties"]["file"] == "broken.geojson"
    crossing = found["geometry_healed"]
    assert crossing["geometry"]["type"] == "Point" and crossing["properties"]["site"] == "odd-1"
    assert crossing["geometry"]["coordinates"] == pytest.approx([LON + 0.0005, LAT + 0.0005], abs=1e-9)
    datum = shapely.from_geojson(json.dumps(found["datum_assumed"]["geometry"]))
    assert datum.within(shapely.box(LON, LAT, LON + 0.001, LAT + 0.001))
    assert found["hull_order"]["properties"]["kind"] == "candidate" and found["hull_order"]["properties"]["evidence"]
    assert found["hull_order"]["geometry"]["type"] == "Polygon"


def test_an_issue_file_is_written_even_when_there_is_nothing(tmp_path: Path) -> None:
    odd = tmp_path / "issues.geojson"
    linxi("check", "east_zone40.txt", "--issues", str(odd))
    assert features(odd) == [] or all(one["properties"]["kind"] == "issue" for one in features(odd))
    assert json.loads(issuefile.collection([])) == {"type": "FeatureCollection", "features": []}


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    done = linxi("read", "well_point.csv", "--issues", str(tmp_path), code=2)
    assert "写不出来" in done.stderr


def square_site(name: str, *issues: Issue, candidates: tuple[Candidate, ...] = ()) -> Any:
    site = make_site(
        shapely.box(LON, LAT, LON + 0.001, LAT + 0.001), Reference("EPSG:4490", "测试"), site_id=name, name=name,
        attributes=(("用途", "尾矿库" * 20),), issues=issues,
    )  # fmt: skip
    return site


def printed(reading: Reading, width: int) -> str:
    console = Console(width=width, record=True, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    try:
        console.print(pages.render(reading, None))
    finally:
        console.file.close()
    return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_keeps_its_width_and_puts_the_gravest_first(width: int) -> None:
    mild, grave = Issue("a_hint", "info", "小事" * 50), Issue("bad_thing", "error", "大事", "请改\x1b[2J")
    reading = Reading("甲.txt", "测试", (square_site("很长的名字" * 8, mild), square_site("乙", mild)), (grave, mild))
    text = printed(reading, width)
    assert text.index("bad_thing") < text.index("a_hint")
    assert text.count("a_hint") == 1 and "\x1b" not in text
    assert "乙" in text.split("a_hint")[0]
    from rich.cells import cell_len

    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_ten_thousand_sites_are_cut_short_on_a_terminal() -> None:
    one = square_site("甲")
    text = printed(Reading("甲.txt", "测试", (one,) * 10_000), 80)
    assert "10000 个地块" in text and "另有 9960 个" in text and text.count("\n") < 400


def test_an_error_without_candidates_is_unreadable() -> None:
    told = issuefile.refused("甲.txt", InputError("坏", where="甲.txt", remedy="重来"))
    (feature,) = json.loads(issuefile.collection([told]))["features"]
    assert feature["properties"] == {
        "kind": "issue", "code": "file_unreadable", "severity": "error", "text": "坏", "remedy": "重来", "site": "",
        "file": "甲.txt",
    }  # fmt: skip
