"""The command line as a user runs it: a process, its streams, its files, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import jsonschema
import openpyxl
import pytest
from yard import entry, square, write_catalog, write_layer

from linxi_gis.report import extract

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
SCHEMA = jsonschema.Draft202012Validator(extract.schema())
SOURCES = os.pathsep.join(str(ROOT / name) for name in ("", "layers", "maps", "api"))
TAILINGS = ("check", str(EXAMPLES / "tailings_zone39.txt"), "--project", str(EXAMPLES / "project.toml"))
DAY = ("--on", "2026-11-23")


def linxi(
    *words: str, cwd: Path = EXAMPLES, stdin: str | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
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


def test_the_main_job_prints_a_valid_array_and_nothing_else() -> None:
    names = ("tailings_zone39.txt", "pipeline.geojson", "well_point.csv", "east_zone40.txt")
    done = linxi("check", *names, "--format", "json", *DAY)
    answers = json.loads(done.stdout)
    for answer in answers:
        SCHEMA.validate(answer)
        assert answer["demonstration"] is True
    assert [answer["site"]["kind"] for answer in answers] == ["polygon", "polygon", "line", "point", "polygon"]
    assert len({answer["site"]["id"] for answer in answers}) == 5
    assert answers[0]["site"]["crs"]["source"] == "EPSG:4527"
    assert answers[4]["site"]["crs"]["source"] == "EPSG:4528"


def test_the_same_run_gives_the_same_bytes() -> None:
    first, second = (linxi(*TAILINGS, "--format", "json", *DAY).stdout for _ in range(2))
    assert first == second


def test_out_writes_every_format_and_the_summaries(tmp_path: Path) -> None:
    done = linxi(*TAILINGS, "--out", str(tmp_path), "--format", "json,html,geojson,xlsx", *DAY)
    written = {Path(line).name for line in done.stdout.splitlines() if line.startswith(str(tmp_path))}
    assert written == {path.name for path in tmp_path.iterdir()} == {
        "DK01.json", "DK01.html", "DK01.geojson", "DK01.xlsx", "DK02.json", "DK02.html", "DK02.geojson", "DK02.xlsx",
        "summary.geojson", "summary.xlsx",
    }  # fmt: skip
    body = json.loads((tmp_path / "DK01.json").read_text(encoding="utf-8"))
    SCHEMA.validate(body)
    assert body["verdict"]["code"] == "PROHIBITED"
    page = (tmp_path / "DK01.html").read_text(encoding="utf-8")
    assert "示意数据，结论无效力" in page and "西岭尾矿库扩建库区" in page
    features = json.loads((tmp_path / "summary.geojson").read_text(encoding="utf-8"))["features"]
    assert [feature["properties"]["verdict"] for feature in features] == ["PROHIBITED", "TO_JUSTIFY"]
    assert openpyxl.load_workbook(tmp_path / "summary.xlsx")["地块"].max_row == 4


def test_the_terminal_names_verdict_paths_and_stamp(tmp_path: Path) -> None:
    done = linxi(*TAILINGS, "--out", str(tmp_path), *DAY)
    for word in ("禁止", "生态保护红线（示意）", "TSF-001", "示意数据，结论无效力", "初步研判", "DK01.html", "DK01.json"):
        assert word in done.stdout
    assert "使用自带的示意图层" in done.stderr


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    (tmp_path / "nan.csv").write_text("点号,经度,纬度\n1,nan,43.6\n2,118.1,43.6\n3,118.1,43.7\n", encoding="utf-8")
    good = str(EXAMPLES / "well_point.csv")
    words = ("check", "empty.txt", good, "nan.csv", "missing.shp", "--format", "json", *DAY)
    done = linxi(*words, cwd=tmp_path, code=3)
    assert len(json.loads(done.stdout)) == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("错误：")]
    assert len(errors) == 3
    assert all(name in " ".join(errors) for name in ("empty.txt", "nan.csv", "missing.shp"))


def test_nothing_readable_is_exit_code_3(tmp_path: Path) -> None:
    assert linxi("check", "missing.txt", cwd=tmp_path, code=3).stdout == ""


def test_an_unknowable_zone_is_asked_about(shared: Path) -> None:
    sample = str(shared / "samples" / "txt" / "htoooth_TEST1.txt")
    done = linxi("check", sample, code=3)
    for word in ("htoooth_TEST1.txt", "可能的读法", "没有一种读法落在县界内", "--crs"):
        assert word in done.stderr
    told = linxi("check", sample, "--crs", "EPSG:4549", "--format", "json", *DAY)
    answer = json.loads(told.stdout)[0]
    assert answer["site"]["crs"] == {**answer["site"]["crs"], "source": "EPSG:4549"}
    assert answer["verdict"]["code"] == "NOT_CHECKED"  # far outside the county: nothing covers it


def test_pasted_coordinates() -> None:
    text = "118°00′00″,43°36′00″\n118°00′10″,43°36′00″\n118°00′10″,43°36′10″\n"
    answer = json.loads(linxi("check", "-", "--format", "json", *DAY, stdin=text).stdout)[0]
    assert answer["site"]["kind"] == "polygon"
    assert answer["site"]["accuracy_m"] > 10.0  # whole seconds


def test_gcj02_moves_the_site_by_what_it_should() -> None:
    text = "118.0,43.6\n118.01,43.6\n118.01,43.61\n"
    plain, moved = (
        json.loads(linxi("check", "-", "--format", "json", *DAY, *more, stdin=text).stdout)[0]["site"]
        for more in ((), ("--crs", "GCJ-02"))
    )
    (lon, lat), (lon2, lat2) = plain["geometry"]["coordinates"][0][0], moved["geometry"]["coordinates"][0][0]
    metres = (((lon - lon2) * 80_600) ** 2 + ((lat - lat2) * 111_100) ** 2) ** 0.5
    assert 549 <= metres <= 631
    assert moved["crs"]["source"] == "GCJ-02"


def test_width_makes_a_corridor() -> None:
    answer = json.loads(linxi("check", "pipeline.geojson", "--width", "20", "--format", "json", *DAY).stdout)[0]
    site = answer["site"]
    assert (site["kind"], site["width_m"]) == ("corridor", 20.0)
    assert site["area_m2"] == pytest.approx(site["length_m"] * 20.0, rel=1e-3)


def test_set_and_on_decide(tmp_path: Path) -> None:
    well = ("check", "well_point.csv", "--format", "json")
    late = json.loads(linxi(*well, *DAY).stdout)[0]
    early = json.loads(linxi(*well, "--on", "2026-08-14").stdout)[0]
    cited = [{f["basis"]["instrument"] for f in one["findings"] if f["basis"]} for one in (early, late)]
    assert "中华人民共和国生态环境法典" in cited[1] - cited[0]
    worse = json.loads(linxi(*well, *DAY, "--set", "build=新建", "--set", "discharges_pollutants=是").stdout)[0]
    assert worse["verdict"]["code"] == "PROHIBITED"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("chek",), "chek"),
        (("check",), "地块文件"),
        (("check", "a.txt", "--fromat", "json"), "是不是 --format"),
        (("check", "well_point.csv", "--format", "docx"), "没有输出格式"),
        (("check", "well_point.csv", "--format", "html"), "需要 --out"),
        (("check", "well_point.csv", "--on", "2026-02-30"), "不是日期"),
        (("check", "well_point.csv", "--set", "has_outfal=no"), "has_outfal"),
        (("check", "well_point.csv", "--set", "has_outfall"), "缺少等号"),
        (("check", "well_point.csv", "--project", "none.toml"), "打不开"),
        (("check", "well_point.csv", "--width", "-1"), "宽度"),
        (("rules", "show", "ERL-999"), "ERL-999"),
        (("check", "well_point.csv", "--fail-on", "大"), "--fail-on 的值不对：应为 禁止、"),
        (("check", "well_point.csv", "--width", "宽"), "--width 的值不对：应为数字"),
        (("check", "well_point.csv", "--set", "has_outfall=no", "--set", "has_outfall=yes"), "写了两次"),
    ],
)
def test_usage_errors_are_chinese_sentences(words: tuple[str, ...], told: str) -> None:
    done = linxi(*words, code=2)
    assert told in done.stderr


def test_catalogue_errors_and_gaps(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(5_000, 0, 100)])
    layer = entry("redline", "ecological_redline", "redline.gpkg")
    (tmp_path / "site.csv").write_text("点号,经度,纬度\n1,118.0,43.6\n2,118.001,43.6\n3,118.001,43.601\n", encoding="utf-8")
    path = write_catalog(tmp_path, [{**layer, "pth": "x"}])
    assert "pth" in linxi("check", "site.csv", "--catalog", str(path), cwd=tmp_path, code=3).stderr
    path = write_catalog(tmp_path, [layer])
    found = linxi("check", "site.csv", "--format", "json", *DAY, cwd=tmp_path)  # ./catalog.toml is found
    assert json.loads(found.stdout)[0]["verdict"]["code"] == "CLEAR"
    assert "示意" not in found.stderr
    (tmp_path / "redline.gpkg").write_bytes(b"not a layer")
    assert "没有任何图层可以比对" in linxi("check", "site.csv", cwd=tmp_path, code=4).stderr
    listed = json.loads(linxi("layers", "list", "--format", "json", cwd=tmp_path).stdout)
    assert [(row["id"], row["status"]) for row in listed] == [("redline", "not_checked"), ("county", "usable")]
    assert linxi("doctor", cwd=tmp_path, code=4).stdout.count("不通过  图层目录") == 1


def test_fail_on_counts_the_unchecked() -> None:
    linxi(*TAILINGS, *DAY, "--fail-on", "禁止", code=1)
    linxi("check", "east_zone40.txt", *DAY, "--fail-on", "禁止", code=0)
    linxi("check", "east_zone40.txt", *DAY, "--fail-on", "须论证", code=1)
    # the partly checked answer of a missing layer is no pass either
    far = "100.0,30.0\n100.1,30.0\n100.1,30.1\n"
    linxi("check", "-", *DAY, "--fail-on", "禁止", stdin=far, code=1)


def test_fail_on_does_not_pass_an_incomplete_answer(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(-500, -500, 2_000)])
    layers = [entry("redline", "ecological_redline", "redline.gpkg"), entry("heritage", "heritage", "none.gpkg")]
    write_catalog(tmp_path, layers)
    text = "118.0,43.6\n118.001,43.6\n118.001,43.601\n"
    done = linxi("check", "-", *DAY, "--fail-on", "禁止", cwd=tmp_path, stdin=text, code=1)
    assert "另有 1 个图层未核查" in done.stdout


def test_a_file_that_is_open_elsewhere_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "summary.xlsx").mkdir()
    done = linxi("check", "east_zone40.txt", *DAY, "--out", str(tmp_path), "--format", "json", code=2)
    assert "summary.xlsx 写不出来" in done.stderr


def test_pasted_text_in_gbk() -> None:
    data = "地块,经度,纬度\n甲,118.0,43.6\n甲,118.001,43.6\n甲,118.001,43.601\n".encode("gbk")
    done = subprocess.run(
        [sys.executable, "-m", "linxi_gis.cli", "check", "-", "--format", "json", *DAY],
        cwd=EXAMPLES, input=data, capture_output=True, timeout=120,
        env=os.environ | {"PYTHONPATH": SOURCES, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert json.loads(done.stdout.decode("utf-8"))[0]["site"]["name"] == "甲"


def test_a_site_as_large_as_a_province_is_refused() -> None:
    done = linxi("check", "-", *DAY, stdin="100.0,40.0\n120.0,40.0\n120.0,46.0\n", code=3)
    assert "超过 12° 的上限" in done.stderr


def test_the_same_answer_under_another_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "linxi_gis.cli", "check", "pipeline.geojson", "--format", "json", *DAY],
            cwd=EXAMPLES, capture_output=True, timeout=120,
            env=os.environ | {"PYTHONPATH": SOURCES, "PYTHONUTF8": "1", "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(outputs) == 1 and len(outputs.pop()) > 1000


def test_indicators_reconcile_with_the_plan() -> None:
    computed = {one["figure"]["id"]: one for one in json.loads(linxi("indicators", "--format", "json").stdout)}
    for key, planned in (("redline_share", 17.89), ("protected_area_share", 14.43)):
        ratios = {ratio["denominator"]["id"]: ratio for ratio in computed[key]["ratios"]}
        assert ratios["statutory"]["percent"] == pytest.approx(planned, abs=0.01)
        assert ratios["statutory"]["denominator"]["area_km2"] == 3933.0
        own = ratios["outline_computed"]
        assert own["denominator"]["area_km2"] == pytest.approx(3780.87, abs=0.01)
        assert own["percent"] == pytest.approx(planned * 3933.0 / 3780.87, abs=0.01)
        assert computed[key]["net_km2"] <= computed[key]["gross_km2"] + 1e-9
    table = linxi("indicators").stdout
    for word in ("17.89 %", "14.43 %", "3933.00", "3780.87", "示意数据，结论无效力"):
        assert word in table


def test_an_indicator_without_its_layer_is_unchecked(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 1000)])
    write_catalog(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")], statutory_area_km2=100.0)
    computed = {one["figure"]["id"]: one for one in json.loads(linxi("indicators", "--format", "json", cwd=tmp_path).stdout)}
    assert computed["redline_share"]["ratios"][0]["percent"] == pytest.approx(1.0 / 1.00016, rel=1e-5)
    assert "protected_area" in computed["protected_area_share"]["unchecked"]
    assert computed["protected_area_share"]["ratios"] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"effective_to": date(2020, 1, 1)}, "失效"),
        ({"status": "draft"}, "草案"),
        ({"path": "lossy.gpkg"}, "没有图形"),
    ],
)
def test_an_indicator_from_a_doubtful_layer_is_unchecked(tmp_path: Path, change: dict[str, object], told: str) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 1000)])
    write_layer(tmp_path / "lossy.gpkg", [square(0, 0, 1000), None])
    layer = entry("redline", "ecological_redline", "redline.gpkg") | change
    write_catalog(tmp_path, [layer], statutory_area_km2=100.0)
    done = linxi("indicators", "--format", "json", *DAY, cwd=tmp_path)
    redline = json.loads(done.stdout)[0]
    assert redline["ratios"] == []
    assert told in redline["unchecked"]


def test_an_indicator_tells_what_lies_outside_the_county(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(18_000, 0, 2_040, 1_000)])  # the yard ends at 20,000 m
    layer = entry("redline", "ecological_redline", "redline.gpkg")
    write_catalog(tmp_path, [layer], statutory_area_km2=100.0)
    assert "0.04 km² 在县界图层之外" in linxi("indicators", *DAY, cwd=tmp_path).stdout


def test_map_rules_and_doctor(tmp_path: Path) -> None:
    assert linxi("map", "--out", "county.html", cwd=tmp_path).stdout.strip() == "county.html"
    assert "示意数据，结论无效力" in (tmp_path / "county.html").read_text(encoding="utf-8")
    assert "WSP-002-OLD" in linxi("rules", "list", "--on", "2026-08-14").stdout
    shown = linxi("rules", "show", "WSP-002").stdout
    assert "第三百一十九条" in shown and "2026-08-15" in shown and "is_water_supply_related" in shown
    assert "has_outfall" in linxi("rules", "attributes").stdout
    assert "全部通过" in linxi("doctor").stdout


def test_json_check_of_a_text_site_loads_no_drawing_library() -> None:
    code = (
        "import sys; from linxi_gis.cli import words, linxi; sys.argv = ['linxi', *sys.argv[1:]]; words.run(linxi);"
        "print(sorted({'folium', 'matplotlib', 'fastapi', 'rasterio'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "east_zone40.txt", "--format", "json"],
        cwd=EXAMPLES, capture_output=True, encoding="utf-8", timeout=120,
        env=os.environ | {"PYTHONPATH": SOURCES, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"


def test_ids_stay_apart_over_all_files(tmp_path: Path) -> None:
    for name, ids in (("a.csv", ("W", "W-2")), ("b.csv", ("W", "w-2"))):
        rows = "".join(f"{one},{one}号井,118.0,43.{n + 6}\n" for n, one in enumerate(ids))
        (tmp_path / name).write_text(f"编号,名称,经度,纬度\n{rows}", encoding="utf-8")
    done = linxi("check", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--format", "json", *DAY)
    ids_found = [answer["site"]["id"].casefold() for answer in json.loads(done.stdout)]
    assert len(set(ids_found)) == len(ids_found) == 4
    assert "编号 W 重复" in done.stderr


def test_a_fault_of_ours_loses_one_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from linxi_gis import intake
    from linxi_gis.cli import linxi as program
    from linxi_gis.intake import reader

    honest = intake.read

    def faulty(path: Path, options: intake.Options) -> intake.Reading:
        if path.name == "bad.csv":
            raise ZeroDivisionError("试验")
        return honest(path, options)

    monkeypatch.setattr(reader, "read", faulty)
    words = ["check", "bad.csv", str(EXAMPLES / "well_point.csv"), "--format", "json", *DAY]
    done = CliRunner().invoke(program, words, standalone_mode=False)
    assert done.return_value == 3
    assert "bad.csv：程序内部错误（ZeroDivisionError：试验），该文件未研判，请反馈" in done.stderr
    assert len(json.loads(done.stdout)) == 1
