"""The benchmark: its county is the same every time and valid, and the engines that are here agree on it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import shapely

pytest.importorskip("benchmarks.engine", reason="a source distribution has no benchmarks")

from benchmarks.engine import arrays, bench, data, frames
from benchmarks.engine.answers import Agreement, Answers, columns, compare
from benchmarks.engine.results import BARS, SECTIONS, Row, Rows, Run, page
from benchmarks.engine.timing import Times, calls, runs

SITES = 60


@pytest.fixture(scope="module")
def county() -> dict[str, data.Geometries]:
    return data.layers("T")


def answered(engine: arrays.Shapely | frames.Geopandas, county: dict[str, data.Geometries]) -> Answers:
    engine.prepare(county)
    return engine.answers(engine.batch(engine.load(data.sites(SITES))))


def fingerprint(geometries: data.Geometries) -> str:
    return hashlib.sha256(b"".join(shapely.to_wkb(geometries))).hexdigest()


def test_the_county_is_drawn_the_same_twice(county: dict[str, data.Geometries]) -> None:
    again = data.layers("T")
    assert tuple(county) == data.LAYERS
    assert [fingerprint(zones) for zones in county.values()] == [fingerprint(zones) for zones in again.values()]
    assert fingerprint(county["redline"]) != fingerprint(county["units"])


def test_the_county_is_valid_ragged_and_a_coverage(county: dict[str, data.Geometries]) -> None:
    assert all(bool(shapely.is_valid(zones).all()) for zones in county.values())
    assert bool(shapely.coverage_is_valid(county["units"]))
    # Shared edges: a coverage without gaps fills the 60 km by 90 km, but for what is moved at its rim.
    assert float(shapely.area(county["units"]).sum()) == pytest.approx(60_000 * 90_000, rel=0.01)
    holes = shapely.get_num_interior_rings(shapely.get_parts(county["redline"]))
    assert int(holes.sum()) > 0
    apart = shapely.area(county["redline"]).sum() - shapely.area(shapely.union_all(county["redline"]))
    assert abs(float(apart)) < 1.0
    assert 3_000 <= data.vertices({"redline": county["redline"]}) < 4_000


def test_parcels_are_as_told_and_a_short_list_begins_a_long_one() -> None:
    parcels = data.sites(200)
    hectares = shapely.area(parcels) / 1e4
    assert bool(shapely.is_valid(parcels).all())
    assert set(shapely.get_num_coordinates(parcels).tolist()) == {33}
    assert 0.5 <= float(hectares.min()) < 1.0 and 25.0 < float(hectares.max()) <= 50.0
    assert fingerprint(data.sites(50)) == fingerprint(parcels[:50])


def test_a_corridor_is_30_km_by_20_m() -> None:
    corridors = data.corridors(3)
    assert bool(shapely.is_valid(corridors).all())
    assert shapely.area(corridors) == pytest.approx(np.full(3, 600_000.0), rel=1e-3)


def test_the_cache_gives_back_what_was_drawn(county: dict[str, data.Geometries], tmp_path: Path) -> None:
    data.save(tmp_path / "zones.npz", county["redline"])
    assert fingerprint(data.load(tmp_path / "zones.npz")) == fingerprint(county["redline"])


def test_pieces_are_small_and_lose_nothing(county: dict[str, data.Geometries]) -> None:
    zones = county["redline"]
    prepared = arrays.cut(zones)
    assert int(shapely.get_num_coordinates(prepared.pieces).max()) <= arrays.PIECE_VERTICES
    kept = np.bincount(prepared.zone, weights=shapely.area(prepared.pieces), minlength=len(zones))
    assert kept == pytest.approx(shapely.area(zones), rel=1e-12)


def test_the_engines_that_need_no_server_agree(county: dict[str, data.Geometries]) -> None:
    base = answered(arrays.Shapely(subdivided=False), county)
    parcels = data.sites(SITES)
    by_hand = [bool(shapely.intersects(parcels[0], zone)) for zone in county["units"]]
    assert base["units"].zone[base["units"].site == 0].tolist() == np.flatnonzero(by_hand).tolist()
    others = (arrays.Shapely(True), arrays.Shapely(True, 2), frames.Geopandas(False), frames.Geopandas(True))
    for engine in others:
        got = compare(base, answered(engine, county), parcels)
        assert got.pairs > SITES and got.distances == SITES * len(county)
        assert got.holds(), engine.name


def test_the_engines_that_are_installed_agree(county: dict[str, data.Geometries], tmp_path: Path) -> None:
    """PostGIS, which wants a server of its own, is left to the benchmark, which compares it in every run."""
    one = bench.Bench("T", 1, (), SITES, 0, tmp_path)
    parcels = data.sites(SITES)
    base = answered(arrays.Shapely(subdivided=False), county)
    for key in ("duckdb", bench.PLAIN):
        with one.open(key, "T") as engine:
            if engine is not None:
                assert compare(base, engine.answers(engine.batch(engine.load(parcels))), parcels).holds(), key


def test_a_pair_only_one_engine_has_and_a_wrong_figure_are_seen() -> None:
    parcels = data.sites(2)
    one = {"units": columns([0, 1], [3, 4], [10.0, 20.0], np.array([0.0, 0.0]))}
    other = {"units": columns([0], [3], [11.0], np.array([0.0, 5.0]))}
    got = compare(one, other, parcels)
    assert (got.pairs, got.differing, got.distance_m) == (1, 1, 5.0)
    assert got.area_of_site == pytest.approx(1.0 / float(parcels[0].area))
    assert not got.holds()
    assert compare(one, one, parcels).holds()


def test_the_page_says_what_was_measured_lost_and_left_out() -> None:
    rows = [
        Row("batch", bench.NAMES[bench.FAST], 900.0, runs=5),
        Row("batch", bench.NAMES["postgis"], 100.0, runs=5),
        Row("batch", bench.NAMES["sedona"], None, note="ImportError: 没有安装"),
        Row("agreement", "linxi_gis ↔ GEOS", agreement=Agreement(10, 20, 0, 1e-15, 60, 1e-12)),
    ]
    run = Run("python benchmarks/engine", "2026-11-24", "T", {"redline": 3}, 10, 5, (0.1, 0.2), {"PostGIS": "3"})
    text = page(rows, run)
    assert "| ≥ 10 倍 | 17 倍 | 9 倍 | **未过** |" in text
    assert "未测：ImportError: 没有安装" in text
    assert "| 命中与 GEOS、PostGIS 不同的对数 | ≤ 0 对 | 0 对 | 0 对 | 达到目标 |" in text
    assert "本次没有测到的：" in text and "本次没有运行。" in text
    assert all(f"### {title}" in text for _, title, *_ in SECTIONS)


def test_every_bar_can_be_had_from_rows_of_the_names_in_use() -> None:
    """A bar looks engines up by the beginning of their names: a renamed one would be "not measured" for ever."""
    figures = {figure for figure, *_ in SECTIONS}
    names = [
        *bench.NAMES.values(), "linxi check（JSON）", "最小 geopandas 脚本，整层读入", "最小 geopandas 脚本，只读 2 km 以内",
        "PostGIS ST_Subdivide(128) + GiST", "linxi screen，1,000,000 个地块",
    ]  # fmt: skip
    rows = [Row(figure, name, 1.0, 1.0, runs=1) for figure in figures for name in names]
    rows.append(Row("agreement", "linxi_gis ↔ GEOS", agreement=Agreement(10, 20, 0, 1e-15, 60, 1e-12)))
    assert [bar.title for bar in BARS if bar.take(Rows(rows)) is None] == []


def test_times_leave_the_first_run_out_and_stop_when_the_time_is_up() -> None:
    done: list[int] = []
    assert runs(lambda: done.append(1), 3, 60.0).runs == 3 and len(done) == 4
    assert runs(lambda: None, 50, 0.0).runs == 1
    assert calls(done.append, [1] * 9, 0.0, warm=2).runs == 5
    assert Times((3.0, 1.0, 2.0)).median == 2.0
