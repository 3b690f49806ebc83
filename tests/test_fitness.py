"""A layer that the check-up recorded as 不可用 is not checked, says why, and is judged again once it changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from test_api import feature, serving
from yard import DAY, HUNDRED, RULES, entry, open_library, site, square, write_layer

import linxi_layers
from linxi_gis import batch, catalog, fitness, stocktaking
from linxi_gis.assess import assess
from linxi_gis.cli import linxi
from linxi_gis.cli.checkup import layers_check
from linxi_gis.errors import CatalogError, InputError, NothingCheckedError, UsageError
from linxi_gis.gauge import Gauge
from linxi_gis.law import Verdict
from linxi_gis.library import Library
from linxi_gis.model import Assessment, Gap, Layer
from linxi_gis.prepared import Cache
from linxi_gis.report import extract

_TURN = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)
_RADIUS = 900.0 + 120.0 * np.sin(5.0 * _TURN) + 60.0 * np.cos(11.0 * _TURN)


def blob(east: float = 0.0, north: float = 0.0) -> shapely.Polygon:
    """A rim of 60 corners five kilometres from the site, moved by so many metres."""
    middle = shapely.get_coordinates(square(5000.0 + east, 5000.0 + north, 1.0))[0]
    return shapely.Polygon(middle + np.column_stack([_RADIUS * np.cos(_TURN), _RADIUS * np.sin(_TURN)]))


def held(folder: Path, *, shifted: str = "redline") -> Library:
    """Three layers that share a rim; one of them lies 20 m off."""
    themes = {"redline": "ecological_redline", "heritage": "heritage", "park": "industrial_park"}
    for name in themes:
        write_layer(folder / f"{name}.gpkg", [blob(16.0, 12.0) if name == shifted else blob()])
    required = ("redline", "heritage")
    return open_library(folder, [entry(n, t, f"{n}.gpkg", required=n in required) for n, t in themes.items()])


def recorded(library: Library, *layers: str) -> str:
    words = [*layers, "--catalog", str(library.catalog.path), "--on", DAY.isoformat(), "--record"]
    done = CliRunner().invoke(layers_check, words)
    assert done.exit_code == 0, done.output
    return done.stderr


def answer(library: Library) -> Assessment:
    return assess([site(HUNDRED)], library, RULES, DAY)[0]


def test_an_unfit_layer_is_never_clear_and_says_why_while_the_library_stays_open(tmp_path: Path) -> None:
    library = held(tmp_path)
    assert answer(library).overall.verdict is Verdict.CLEAR
    told = recorded(library)
    assert "不可用 1 个（redline）" in told
    judged = answer(library)
    assert (judged.overall.verdict, judged.overall.complete) == (Verdict.NOT_CHECKED, False)
    assert judged.overall.unchecked == ("生态保护红线",)
    (line,) = [one for one in judged.layers if one.id == "redline"]
    assert line.status == "not_checked"
    assert "体检（2026-11-23）为不可用" in line.issues[0].text and "整体偏移 20.0 m" in line.issues[0].text
    assert "--record" in line.issues[0].remedy
    assert "整体偏移 20.0 m" in extract.canonical(extract.build(judged))


def test_what_an_unfit_layer_would_hit_is_unchecked_not_prohibited(tmp_path: Path) -> None:
    library = held(tmp_path)
    recorded(library)
    there = shapely.union_all([blob(16.0, 12.0)]).centroid.buffer(20.0)
    judged = assess([site(there)], library, RULES, DAY)[0]
    assert {one.id: one.status for one in judged.layers}["redline"] == "not_checked"
    assert judged.overall.label.endswith("（另有 1 个图层未核查）")


def test_another_content_is_judged_when_it_was_checked_and_the_old_one_is_still_known(tmp_path: Path) -> None:
    library = held(tmp_path)
    recorded(library)
    bad = (tmp_path / "redline.gpkg").read_bytes()
    (tmp_path / "redline.gpkg").unlink()
    write_layer(tmp_path / "redline.gpkg", [blob()])
    judged = answer(library)
    assert judged.overall.verdict is Verdict.NOT_CHECKED
    (line,) = [one for one in judged.layers if one.id == "redline"]
    assert "文件此后变过，没有重新体检" in line.issues[0].text
    recorded(library)
    assert answer(library).overall.verdict is Verdict.CLEAR
    (tmp_path / "redline.gpkg").write_bytes(bad)
    assert answer(library).overall.verdict is Verdict.NOT_CHECKED


def test_a_new_check_up_of_the_same_content_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    library = held(tmp_path)
    recorded(library)
    for name in ("heritage", "park"):  # it was the others that lay off
        (tmp_path / f"{name}.gpkg").unlink()
        write_layer(tmp_path / f"{name}.gpkg", [blob(16.0, 12.0)])
    assert answer(library).overall.verdict is Verdict.NOT_CHECKED
    recorded(library, "redline")
    assert answer(library).overall.verdict is Verdict.CLEAR


def test_a_layer_with_reservations_is_judged(tmp_path: Path) -> None:
    library = held(tmp_path, shifted="")
    write_layer(tmp_path / "redline.gpkg", [blob(), blob()], append=True)
    recorded(library, "redline")
    assert [one.score for one in fitness.read(library.catalog.path)] == [fitness.RESERVED]
    assert answer(library).overall.verdict is Verdict.CLEAR


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("system", ["EPSG:4549", None], ids=["the wrong zone", "no system"])
def test_a_layer_that_could_not_even_be_checked_is_recorded_as_unfit(tmp_path: Path, system: str | None) -> None:
    library = held(tmp_path, shifted="")
    (tmp_path / "redline.gpkg").unlink()
    write_layer(tmp_path / "redline.gpkg", [blob()], crs=system)
    assert "不可用 1 个（redline）" in recorded(library)
    judged = answer(library)
    assert {one.id: one.status for one in judged.layers}["redline"] == "not_checked"
    assert judged.overall.verdict is Verdict.NOT_CHECKED


def test_another_name_for_the_same_file_does_not_let_it_in(tmp_path: Path) -> None:
    library = held(tmp_path)
    recorded(library)
    text = library.catalog.path.read_text(encoding="utf-8")
    library.catalog.path.write_text(text.replace('id = "redline"', 'id = "hongxian"'), encoding="utf-8")
    judged = answer(Library(catalog.read(library.catalog.path)))
    assert {one.id: one.status for one in judged.layers}["hongxian"] == "not_checked"


def test_with_all_layers_unfit_nothing_can_be_checked(tmp_path: Path) -> None:
    library = held(tmp_path)
    recorded(library)
    scores = fitness.read(library.catalog.path)
    fitness.record(library.catalog.path, [
        fitness.Score(one.layer, one.version, one.sha256, one.sublayer, fitness.UNFIT, ("试",), one.on) for one in scores
    ])  # fmt: skip
    with pytest.raises(NothingCheckedError, match="为不可用：试"):
        answer(library)


def test_an_unfit_county_vouches_for_no_extent(tmp_path: Path) -> None:
    library = held(tmp_path, shifted="")
    recorded(library)
    (county,) = [one for one in fitness.read(library.catalog.path) if one.layer == "county"]
    bad = fitness.Score("county", county.version, county.sha256, "", fitness.UNFIT, ("带号错",), county.on)
    fitness.record(library.catalog.path, [bad])
    assert library.county(DAY) is None
    assert answer(library).overall.verdict is Verdict.NOT_CHECKED
    recorded(library, "county")  # and can be checked all the same
    assert answer(library).overall.verdict is Verdict.CLEAR


def test_the_record_does_not_decide_what_a_comparison_of_versions_reads(tmp_path: Path) -> None:
    library = held(tmp_path)
    recorded(library)
    whole = Library(library.catalog, heeding=False).layers(DAY)
    assert not [one for one in whole if isinstance(one, Gap)]
    done = CliRunner().invoke(linxi, ["layers", "diff", "redline@测试", "redline@测试", "--catalog", str(library.catalog.path)])
    assert done.exit_code == 0, (done.output, done.exception)


_SCORE = {"layer": "a", "version": "", "sha256": "b", "sublayer": "", "score": fitness.UNFIT, "reasons": [], "on": ""}


def written(**wrong: object) -> str:
    return json.dumps({"format": "checkup-1", "layers": [{**_SCORE, **wrong}]}, ensure_ascii=False)


def test_the_record_that_the_damaged_ones_are_made_of_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    fitness.path_of(path).write_text(written(), encoding="utf-8")
    assert [one.layer for one in fitness.read(path)] == ["a"]


@pytest.mark.parametrize("text", [
    "", "{}", "[]", '{"format": "checkup-2", "layers": []}', '{"format": "checkup-1", "layers": {}}',
    '{"format": "checkup-1", "layers": [{}]}',
    written(score="好"), written(reasons="因"), written(reasons=None), written(sha256=1), written(more=""), written()[:-3],
])  # fmt: skip
def test_a_damaged_record_refuses_to_judge(tmp_path: Path, text: str) -> None:
    library = held(tmp_path)
    fitness.path_of(library.catalog.path).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match="体检记录"):
        answer(library)
    with pytest.raises(CatalogError, match="体检记录"):
        library.county(DAY)


def test_two_catalogues_of_a_folder_have_a_record_each(tmp_path: Path) -> None:
    library = held(tmp_path)
    other = tmp_path / "另一份.toml"
    other.write_bytes(library.catalog.path.read_bytes())
    recorded(library)
    assert answer(Library(catalog.read(other))).overall.verdict is Verdict.CLEAR


@pytest.mark.parametrize("bundled", [linxi_layers.demo_catalog(), linxi_layers.defects_catalog()], ids=["demo", "defects"])
def test_nothing_is_recorded_beside_a_bundled_catalogue(bundled: Path) -> None:
    done = CliRunner().invoke(layers_check, ["--catalog", str(bundled), "--record"])
    assert isinstance(done.exception, UsageError)
    assert not fitness.path_of(bundled).exists()


def status(body: dict[str, Any]) -> tuple[str, str]:
    (line,) = [one for one in body["layers"] if one["id"] == "redline"]
    return line["status"], "".join(issue["text"] for issue in line["issues"])


def test_a_service_that_is_running_hears_of_a_new_record(tmp_path: Path) -> None:
    library = held(tmp_path)
    Gauge(library).measure([site(HUNDRED)], DAY)  # where the engine is yet to be compiled, no request waits for it
    with serving(library) as client:
        for path, key in (("assessments", "assessments"), ("measurements", "measurements")):
            fitness.path_of(library.catalog.path).unlink(missing_ok=True)

            def ask(path: str = path, key: str = key) -> tuple[str, str]:
                sent = client.post(f"/v1/{path}", json=feature(HUNDRED), params={"on": DAY.isoformat()})
                assert sent.status_code == 200, sent.text
                return status(sent.json()[key][0])

            assert ask()[0] == "clear"
            recorded(library)
            assert ask()[0] == "not_checked" and "为不可用：" in ask()[1]


def test_what_was_prepared_of_an_unfit_layer_is_not_used(tmp_path: Path) -> None:
    held(tmp_path)
    cache = Cache(tmp_path / "prepared")
    library = Library(catalog.read(tmp_path / "catalog.toml"), cache=cache)
    assert answer(library).overall.verdict is Verdict.CLEAR
    recorded(library)
    fresh = Library(library.catalog, cache=cache)
    assert answer(fresh).overall.verdict is Verdict.NOT_CHECKED


@pytest.mark.parametrize("cached", [False, True], ids=["read", "prepared"])
def test_screening_with_the_engine_does_not_check_an_unfit_layer(tmp_path: Path, cached: bool) -> None:
    library = held(tmp_path)
    job = batch.Job(str(library.catalog.path), None, DAY, cache=str(tmp_path / "prepared") if cached else "")
    before = batch.prepare(job)
    recorded(library)
    after = batch.prepare(job)
    benches = {one.identity.id: one.layer for one in after[1].benches}
    assert isinstance(benches["redline"], Gap) and isinstance(benches["heritage"], Layer)
    assert before[0].prints != after[0].prints, "an interrupted run is not taken up again with another record"


def test_the_ledger_tells_an_unfit_layer_and_draws_up_none_of_one(tmp_path: Path) -> None:
    library = held(tmp_path)
    write_layer(tmp_path / "rights.gpkg", [HUNDRED])
    names = {"redline": "ecological_redline", "heritage": "heritage", "park": "industrial_park", "rights": "mining_right"}
    library = open_library(tmp_path, [entry(n, t, f"{n}.gpkg") for n, t in names.items()])
    recorded(library)
    (unseen,) = [one for one in stocktaking.draw_up(library, RULES, "rights", DAY).unseen if one.title == "生态保护红线"]
    assert "为不可用：" in unseen.why
    (own,) = [one for one in fitness.read(library.catalog.path) if one.layer == "rights"]
    fitness.record(library.catalog.path, [replace(own, score=fitness.UNFIT, reasons=("试",))])
    with pytest.raises(InputError, match="为不可用：试"):
        stocktaking.draw_up(library, RULES, "rights", DAY)


def test_sublayers_of_one_file_are_told_apart(tmp_path: Path) -> None:
    for name, zone in (("旧", blob(16.0, 12.0)), ("新", blob())):
        write_layer(tmp_path / "two.gpkg", [zone], layer=name)
    write_layer(tmp_path / "heritage.gpkg", [blob()])
    write_layer(tmp_path / "park.gpkg", [blob()])
    others = [entry("heritage", "heritage", "heritage.gpkg"), entry("park", "industrial_park", "park.gpkg")]

    def opened(name: str) -> Library:
        return open_library(tmp_path, [entry("redline", "ecological_redline", "two.gpkg", sublayer=name), *others])

    recorded(opened("旧"))
    assert answer(opened("新")).overall.verdict is Verdict.CLEAR
    recorded(opened("新"))
    assert answer(opened("旧")).overall.verdict is Verdict.NOT_CHECKED


def test_the_list_of_layers_says_why(tmp_path: Path) -> None:
    library = held(tmp_path)
    recorded(library)
    listed = CliRunner().invoke(linxi, ["layers", "list", "--catalog", str(library.catalog.path), "--on", DAY.isoformat()])
    assert "为不可用" in listed.output
