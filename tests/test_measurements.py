"""Measuring without judging: a dragged site asks the service, from layers that stay open."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pyproj
import pytest
from test_api import feature, problem, serving
from yard import (
    DAY,
    EAST,
    HUNDRED,
    NORTH,
    RULES,
    entry,
    line,
    open_library,
    point,
    red_line,
    site,
    square,
    write_layer,
)

from linxi_gis import benches, prepared, screening, shelf
from linxi_gis.assess import assess
from linxi_gis.errors import CacheError, NothingCheckedError
from linxi_gis.gauge import Gauge
from linxi_gis.library import Library
from linxi_gis.report import extract, measured

SCHEMA = jsonschema.Draft202012Validator(extract.schema("measurement-1"))


def yard(folder: Path, **more: Any) -> Library:
    write_layer(folder / "redline.gpkg", [square(50, 0, 100), square(60, 0, 100), square(3_000, 0, 100)])
    write_layer(folder / "rivers.gpkg", [line((-500, 50), (900, 50))])
    write_layer(folder / "wells.gpkg", [point(400, 0), point(-90_000, 0)])
    listed = [
        entry("redline", "ecological_redline", "redline.gpkg"),
        entry("rivers", "river", "rivers.gpkg", required=False),
        entry("wells", "water_source", "wells.gpkg", coverage="unknown"),
        entry("gone", "protected_area", "gone.gpkg", required=True),
    ]
    return open_library(folder, listed, **more)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return yard(tmp_path_factory.mktemp("county"))


def layer_of(body: dict[str, Any], layer: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in body["layers"] if one["id"] == layer)
    return found


def test_it_says_what_one_can_compute_in_the_head(library: Library) -> None:
    body = measured.build(Gauge(library).measure([site(HUNDRED)], DAY)[0])
    SCHEMA.validate(body)
    true = body["site"]["area_m2"] / 10_000
    red = layer_of(body, "redline")
    assert (red["status"], [zone["zone_id"] for zone in red["zones"]]) == ("hit", ["Z1", "Z2"])
    assert red["area_m2"] == pytest.approx(5_000 * true, rel=5e-7), "two zones overlap: 50 m and 40 m, together 50 m"
    assert red["share_of_site"] == pytest.approx(0.5, abs=2e-7) and red["nearest"] is None
    river = layer_of(body, "rivers")
    assert river["length_m"] == pytest.approx(100, rel=1e-3) and river["area_m2"] == 0
    wells = layer_of(body, "wells")["nearest"]
    ends = [(point(x, 0).x, point(x, 0).y) for x in (100, 400)]
    to = pyproj.Transformer.from_crs("EPSG:4527", "EPSG:4490", always_xy=True)
    _, _, metres = pyproj.Geod(ellps="GRS80").inv(*to.transform(*ends[0]), *to.transform(*ends[1]))
    assert wells["distance_m"] == pytest.approx(metres, abs=1e-3) and wells["wind"] == "东"
    assert wells["lies"] == "位于场界东侧 299.98 m"


def test_what_is_not_known_is_never_clear(library: Library) -> None:
    far = measured.build(Gauge(library).measure([site(square(-8_000, -8_000, 100))], DAY)[0])
    SCHEMA.validate(far)
    assert far["hits"] == [] and far["unchecked"] == ["wells", "gone"]
    gone = layer_of(far, "gone")
    assert gone["status"] == "not_checked" and gone["issues"][0]["severity"] == "error"
    assert [gone[key] for key in ("area_m2", "length_m", "share_of_site", "covered_share")] == [None] * 4
    assert "没有命中不等于没有限制" in far["disclaimer"] and "verdict" not in far
    beyond = measured.build(Gauge(library).measure([site(square(19_950, 0, 100))], DAY)[0])
    assert layer_of(beyond, "redline")["status"] == "not_covering"
    assert {"not_covering"} <= {issue["code"] for issue in layer_of(beyond, "redline")["issues"]}
    assert "redline" in beyond["unchecked"]


def test_it_measures_as_the_assessment_does(library: Library) -> None:
    drawn = [
        HUNDRED, square(140, 40, 30), square(2_950, -60, 49), square(19_950, 0, 100), square(62, 3, 20),
        line((-50, 50), (250, 60)), line((0, 900), (0, 300)), point(70, 50), point(155, 300), point(400, 0),
    ]  # fmt: skip
    sites = [site(one, f"{n}") for n, one in enumerate(drawn)]
    assessed = assess(sites, library, RULES, DAY)
    for one, judged in zip(Gauge(library).measure(sites, DAY), assessed, strict=True):
        for figures, layer in zip(one.layers, judged.layers, strict=True):
            told = (one.site.id, layer.id)
            assert (figures.identity.id, figures.status, figures.unchecked) == (layer.id, layer.status, layer.unchecked), told
            assert [zone for zone, _ in figures.zones] == [hit.zone_id for hit in layer.hits if hit.relation.hit], told
            assert (figures.issues, figures.sha256) == (layer.issues, layer.sha256), told
            if layer.status == "not_checked":
                continue
            assert figures.area_m2 == pytest.approx(layer.area_m2, rel=1e-9, abs=1e-6), told
            assert figures.length_m == pytest.approx(layer.length_m, rel=1e-9), told
            assert figures.share_of_site == pytest.approx(layer.share_of_site, abs=1e-9), told
            assert figures.covered_share == pytest.approx(layer.covered_share, abs=1e-12), told
            assert (figures.nearest is None) == (layer.nearest is None), told
            if figures.nearest is not None and layer.nearest is not None:
                assert figures.nearest.zone_id == layer.nearest.zone_id, told
                assert figures.nearest.distance_m == pytest.approx(layer.nearest.distance_m, abs=1e-4), told


def test_a_coarse_site_is_told_what_is_within_its_accuracy(tmp_path: Path) -> None:
    """Coordinates to the minute: what lies 350 m away may be here, whatever the range of the layer."""
    library = red_line(tmp_path, [square(450, 0, 100)], range_m=100.0)
    sites = [site(HUNDRED, "coarse", accuracy_m=900.0), site(HUNDRED, "fine")]
    assessed, found = assess(sites, library, RULES, DAY), Gauge(library).measure(sites, DAY)
    assert [one.layers[0].status for one in assessed] == ["near", "clear"]
    assert [one.layers[0].status for one in found] == ["near", "clear"]
    near = found[0].layers[0].nearest
    assert near is not None and near.distance_m == pytest.approx(350.0, rel=1e-3)


def test_a_damaged_index_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gauge = Gauge(yard(tmp_path))
    right = gauge.measure([site(HUNDRED)], DAY)[0].layers
    real, asked = screening.measure_block, []

    def damaged(*given: Any, **more: Any) -> Any:
        asked.append(given[3])
        if len(asked) == 1:
            raise CacheError("损坏")
        return real(*given, **more)

    monkeypatch.setattr(screening, "measure_block", damaged)
    assert gauge.measure([site(HUNDRED)], DAY)[0].layers == right
    assert len(asked) == 2 and asked[0] is not asked[1]


def cached(folder: Path) -> Library:
    """Three layers, a county and their indexes, mapped from disk."""
    (folder / "county").mkdir()
    library = yard(folder / "county")
    return Library(library.catalog, library.outline, prepared.Cache(folder / "cache"))


def mapped(folder: Path) -> list[Path]:
    return sorted((folder / "cache" / "layers").glob(f"*{shelf.SUFFIX}"))


@pytest.mark.parametrize("kind", ["fast", "plain"])
def test_a_prepared_layer_that_is_written_over_while_it_is_open_is_made_anew(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place: what is mapped shows it at once, and its checksums were looked at long ago."""
    if kind == "fast":
        pytest.importorskip("numba")
    monkeypatch.setattr("linxi_gis.engine.choose", lambda: kind)
    library = cached(tmp_path)
    gauge, sites = Gauge(library), [site(HUNDRED, "a"), site(square(3_050, 0, 100), "b"), site(line((-50, 50), (250, 60)), "c")]
    right = [one.layers for one in gauge.measure(sites, DAY)]
    judged = [extract.build(one) for one in assess(sites, library, RULES, DAY)]
    assert len(mapped(tmp_path)) == 7
    for path in mapped(tmp_path):
        size = path.stat().st_size
        for start in range(0, size, -(-size // 4)):
            with path.open("r+b") as stream:
                stream.seek(start)
                held = bytes(255 - byte for byte in stream.read(size // 4))
                stream.seek(start)
                stream.write(held)
            assert [one.layers for one in gauge.measure(sites, DAY)] == right, (path.name, start)
    path = mapped(tmp_path)[0]
    path.write_bytes(bytes(path.stat().st_size))
    assert [extract.build(one) for one in assess(sites, library, RULES, DAY)] == judged


_CUT = """
import os, sys
from pathlib import Path
from test_measurements import *
library = cached(Path(sys.argv[1]))
gauge = Gauge(library)
right = [one.layers for one in gauge.measure([site(HUNDRED)], DAY)]
for path in mapped(Path(sys.argv[1])):
    os.truncate(path, 100)
    assert [one.layers for one in gauge.measure([site(HUNDRED)], DAY)] == right
for path in mapped(Path(sys.argv[1])):
    os.truncate(path, 100)
    library.mend()
    assert assess([site(HUNDRED)], library, RULES, DAY)[0].layers[0].status == "hit"
"""


def test_a_prepared_layer_that_is_cut_short_while_it_is_open_ends_nothing(tmp_path: Path) -> None:
    """In another process, for what is mapped beyond the end of a file ends the one that reads it."""
    asked = subprocess.run(
        [sys.executable, "-c", _CUT, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr[-2_000:]


def test_to_be_marked_as_used_today_is_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = cached(tmp_path)
    Gauge(library).measure([site(HUNDRED)], DAY)
    for path in mapped(tmp_path):
        os.utime(path, (time.time() - 3 * 86_400,) * 2)
    made: list[int] = []
    build = benches.benches
    monkeypatch.setattr("linxi_gis.gauge.benches", lambda *given: made.append(1) or build(*given))
    gauge = Gauge(Library(library.catalog, library.outline, library.cache))
    for _ in range(3):
        gauge.measure([site(HUNDRED)], DAY)
    assert len(made) == 1
    assert all(path.stat().st_mtime > time.time() - 3_600 for path in mapped(tmp_path))


def test_the_layers_stay_open_until_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    build = benches.benches

    def counted(*given: Any) -> tuple[benches.Bench, ...]:
        made.append(1)
        return build(*given)

    monkeypatch.setattr("linxi_gis.gauge.benches", counted)
    library = yard(tmp_path)
    gauge = Gauge(library)
    for x in range(5):
        gauge.measure([site(square(x, 0, 100))], DAY)
    assert len(made) == 1
    write_layer(tmp_path / "redline.gpkg", [square(-50, 0, 300)])
    now = measured.build(gauge.measure([site(HUNDRED)], DAY)[0])
    assert layer_of(now, "redline")["share_of_site"] == 1.0 and len(made) == 2
    (tmp_path / "redline.gpkg").unlink()
    lost = measured.build(gauge.measure([site(HUNDRED)], DAY)[0])
    assert layer_of(lost, "redline")["status"] == "not_checked" and "redline" in lost["unchecked"]
    for name in ("rivers", "wells", "county"):
        (tmp_path / f"{name}.gpkg").unlink()
    with pytest.raises(NothingCheckedError, match="没有任何图层可以比对"):
        gauge.measure([site(HUNDRED)], DAY)


def test_a_version_is_measured_on_its_day(tmp_path: Path) -> None:
    write_layer(tmp_path / "old.gpkg", [square(0, 0, 100)])
    write_layer(tmp_path / "new.gpkg", [square(500, 0, 100)])
    old = entry("redline", "ecological_redline", "old.gpkg", effective_from=date(2023, 1, 1), effective_to=date(2024, 12, 31))
    new = entry("redline", "ecological_redline", "new.gpkg", effective_from=date(2025, 1, 1), version="新")
    gauge = Gauge(open_library(tmp_path, [old, new]))
    days = {day: gauge.measure([site(HUNDRED)], day)[0].layers[0].status for day in (date(2024, 6, 1), date(2026, 6, 1))}
    assert list(days.values()) == ["hit", "near"]
    assert gauge.measure([site(HUNDRED)], date(2024, 6, 1))[0].layers[0].status == "hit"


def test_threads_do_not_disturb_each_other(library: Library) -> None:
    gauge = Gauge(library)
    sites = [site(square(3.0 * i, 0, 100), f"{i}") for i in range(60)]
    alone = [measured.build(gauge.measure([one], DAY)[0]) for one in sites]
    barrier = threading.Barrier(6)

    def ask(part: int) -> list[dict[str, Any]]:
        barrier.wait()
        return [measured.build(gauge.measure([one], DAY)[0]) for one in sites[part::6]]

    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(ask, range(6)))
    assert [together[n % 6][n // 6] for n in range(60)] == alone


def test_a_site_of_unsure_datum_is_measured_as_that_too(tmp_path: Path) -> None:
    library = yard(tmp_path)
    gauge = Gauge(library)
    with serving(library) as client:
        centre = pyproj.Transformer.from_crs("EPSG:4527", "EPSG:4490", always_xy=True).transform(EAST, NORTH)
        ring = [[centre[0] + dx, centre[1] + dy] for dx, dy in ((0, 0), (0.001, 0), (0.001, 0.001), (0, 0))]
        text = "\n".join(f"{n},{x:.6f},{y:.6f}" for n, (x, y) in enumerate(ring[:3], 1))
        body = client.post(
            "/v1/measurements", content=f"点号,经度,纬度\n{text}\n", headers={"content-type": "text/csv"},
            params={"on": DAY.isoformat()},
        ).json()  # fmt: skip
    (one,) = body["measurements"]
    SCHEMA.validate(one)
    (other,) = one["other_readings"]
    assert other["crs"] == "GCJ-02" and [layer["id"] for layer in other["layers"]] == ["redline", "rivers", "wells", "gone"]
    assert other["layers"] != one["layers"]
    assert gauge.measure([], DAY) == []


def test_the_route_answers_as_the_core_does(library: Library) -> None:
    with serving(library) as client:
        collection = {"type": "FeatureCollection", "features": [feature(HUNDRED, "甲"), feature(square(3_050, 0, 100), "乙")]}
        sent = client.post("/v1/measurements", json=collection, params={"on": DAY.isoformat()})
        assert sent.status_code == 200, sent.text
        told = sent.json()
        for one in told["measurements"]:
            SCHEMA.validate(one)
        assert [one["site"]["name"] for one in told["measurements"]] == ["甲", "乙"]
        assert [one["hits"] for one in told["measurements"]] == [["redline", "rivers"], ["redline"]]
        wide = client.post(
            "/v1/measurements", json=feature(line((0, -300), (0, 300)), "管线"), params={"on": DAY.isoformat(), "width": "20"}
        ).json()["measurements"][0]
        assert wide["site"]["kind"] == "corridor" and layer_of(wide, "rivers")["length_m"] == pytest.approx(20, rel=1e-3)
        problem(client.post("/v1/measurements", json={"type": "FeatureCollection", "features": []}), 422)
        problem(client.post("/v1/measurements", json=feature(HUNDRED), params={"width": "-1"}), 400)
        assert client.get("/schemas/measurement-1.json").json() == extract.schema("measurement-1")
