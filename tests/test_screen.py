"""Batches: one row a feature, the figures of measuring one by one, by any number of hands, after any interrupt."""

from __future__ import annotations

import csv
import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow
import pyarrow.parquet as parquet
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from pyarrow import RecordBatch
from yard import DAY, GK, entry, line, point, square, write_catalog, write_layer

from linxi_gis import batch, benches, crs, engine, measuring, overlay, prepared, screening, shelf
from linxi_gis import catalog as catalogs
from linxi_gis.batch import conveyor, parts, pools, raw, sinks, table, work
from linxi_gis.cli import linxi, roof
from linxi_gis.errors import CrsError, InputError, LayerError, UsageError
from linxi_gis.footprint import make_site
from linxi_gis.intake import AmbiguousCrsError, Options
from linxi_gis.intake.guard import Reader
from linxi_gis.library import Library
from linxi_gis.model import Gap, Reference

BOW_TIE = shapely.from_wkt("POLYGON ((0 0, 100 100, 100 0, 0 100, 0 0))")


def catalogue(folder: Path, **redline: Any) -> Path:
    """Every kind of zone and of status: overlaps, a duplicate, a line, wells, stale, half covered, missing."""
    overlapping = [square(0, 0, 100), square(50, 0, 100), square(50, 0, 100), square(400, 400, 30)]
    write_layer(folder / "redline.gpkg", overlapping)
    write_layer(folder / "river.gpkg", [line((-500, 50), (500, 50)), square(900, 900, 50)])
    write_layer(folder / "mine.gpkg", [point(30, 30), point(3000, 3000)])
    write_layer(folder / "old.gpkg", [square(0, 0, 1000)])
    write_layer(folder / "half.gpkg", [square(10, 10, 20)])
    write_layer(folder / "west.gpkg", [square(-5000, -5000, 5050, 10_000)])
    entries = [
        entry("redline", "ecological_redline", "redline.gpkg", **redline),
        entry("river", "river", "river.gpkg", range_m=100),
        entry("mine", "mine", "mine.gpkg", range_m=500),
        entry("old", "wetland", "old.gpkg", effective_to=date(2020, 1, 1)),
        entry("half", "heritage", "half.gpkg", coverage="west.gpkg"),
        entry("lost", "tailings", "nowhere.gpkg"),
    ]
    return write_catalog(folder, entries)


def drawn(count: int = 60) -> list[Any]:
    """Squares, lines and wells, some of which touch, cover or miss by a hair, in the metres of the yard."""
    dice = np.random.default_rng(4)
    shapes: list[Any] = [
        square(0, 0, 100), square(-50, -50, 300), square(100.0, 100.0, 50), square(150.0001, 0, 20), square(60, 10, 20),
        square(150, 0, 50), square(0, 0, 150, 100), square(149.9995, 0, 50), square(0, -1000, 10), square(430, 400, 5),
        square(-30_000, 0, 100), square(-20_050, 0, 100), line((-10, 20), (300, 20)), line((0, 50), (400, 50)),
        line((0, 0), (0, 100)), point(30, 30), point(75, 50), point(100, 100), point(100.0005, 50), point(2000, 0),
        shapely.union_all([square(0, 0, 20), square(500, 500, 20)]),
        square(-100, -100, 400).difference(square(-10, -10, 200)),
    ]  # fmt: skip
    for _ in range(count - len(shapes)):
        x, y = dice.uniform(-600, 1200, 2)
        shapes.append(square(x, y, dice.uniform(1, 300), dice.uniform(1, 300)))
    return shapes


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yard")
    catalogue(folder)
    return folder


@pytest.fixture(scope="module")
def ready(yard: Path) -> tuple[batch.Job, batch.Desk]:
    return batch.prepare(batch.Job(str(yard / "catalog.toml"), None, DAY))


class Quiet:
    """A report that remembers, and interrupts when it is told to."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.texts: list[str] = []
        self.done, self.rows, self.stop_after, self.written = -1, 0, stop_after, False

    def told(self, text: str) -> None:
        self.texts.append(text)

    def started(self, total: int, done: int) -> None:
        self.total, self.done = total, done

    def advanced(self, rows: int) -> None:
        self.rows += rows
        if self.stop_after is not None and self.rows >= self.stop_after:
            raise KeyboardInterrupt

    def writing(self) -> None:
        self.written = True


def opened(path: Path, id_column: str | None = None, **options: Any) -> list[batch.Source]:
    with Reader() as reader:
        return batch.open_sources(path, Options(**options), reader, id_column, lambda text: None)


def screened(
    ready: tuple[batch.Job, batch.Desk], source: Path, out: Path, *, report: Quiet | None = None, jobs: int = 1,
    block: int = 16, resume: bool = False, dask: str = "", **options: Any,
) -> batch.Summary:  # fmt: skip
    job = replace(ready[0], options=replace(ready[0].options, **options))
    plan = batch.Plan(jobs, dask, block, resume)
    return batch.run(job, ready[1], opened(source, **options), out, plan, report or Quiet())


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return found


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty features in a FlatGeobuf, five of which are no site."""
    shapes = drawn()
    shapes[7:7] = [None, shapely.Polygon(), shapely.affinity.translate(BOW_TIE, *square(0, 0, 1).bounds[:2]),
                   square(0, 0, 1, 0), shapely.union_all([point(1, 1), point(2, 2)])]  # fmt: skip
    path = tmp_path_factory.mktemp("many") / "many.gpkg"
    return write_layer(path, shapes, 编号=[f"S{i}" for i in range(len(shapes))], 名称=[f"地块{i}" for i in range(len(shapes))])


@pytest.fixture(scope="module")
def answer(many: Path, ready: tuple[batch.Job, batch.Desk], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The many screened in this process, in blocks."""
    out = tmp_path_factory.mktemp("answer") / "one.parquet"
    screened(ready, many, out)
    return out


# --- measuring --------------------------------------------------------------------------------------------


def test_a_block_says_what_the_measuring_of_one_site_says(yard: Path, ready: tuple[batch.Job, batch.Desk]) -> None:
    """Status, figures, hits and nearest zone against `overlay.measure` and `measuring.layer_result`, site by site."""
    sites = [make_site(shape, Reference(GK, "测试"), site_id=str(i)) for i, shape in enumerate(drawn(160))]
    grounds = np.array([site.ground for site in sites], dtype=object)
    kinds = shapely.get_dimensions(grounds).astype(np.int8)
    areas = np.array([site.area_m2 for site in sites])
    measured = screening.measure_block(grounds, kinds, areas, ready[1].benches)
    seen = set()
    for bench, columns in zip(ready[1].benches, measured, strict=True):
        if isinstance(bench.layer, Gap):
            assert {screening.STATUSES[code] for code in columns.status} == {"not_checked"}
            assert np.isnan(columns.area_m2).all()
            continue
        for i, site in enumerate(sites):
            one = measuring.layer_result(0, site, bench.layer, overlay.measure([site], bench.layer))
            where = (bench.identity.id, i)
            assert screening.STATUSES[columns.status[i]] == one.status, where
            seen.add(one.status)
            assert columns.area_m2[i] == pytest.approx(one.area_m2, rel=1e-12, abs=1e-9), where
            assert columns.length_m[i] == pytest.approx(one.length_m, rel=1e-12, abs=1e-9), where
            assert columns.share[i] == pytest.approx(one.share_of_site, rel=1e-12), where
            assert columns.covered_share[i] == one.covered_share, where
            zones = [bench.layer.zone_ids[z] for z in columns.hit_zone[columns.hit_site == i]]
            assert zones == [hit.zone_id for hit in one.hits if hit.relation.hit], where
            if zones:
                assert columns.near[i] == -1 and np.isnan(columns.distance_m[i])
            elif one.nearest is None:
                assert columns.near[i] == -1, where
            else:
                assert columns.distance_m[i] == pytest.approx(one.nearest.distance_m, rel=1e-9, abs=1e-6), where
                assert bench.layer.zone_ids[columns.near[i]] == one.nearest.zone_id, where
    assert seen == {"hit", "near", "clear", "not_covering", "stale"}  # every status was met


def test_a_block_is_its_sites_one_by_one(ready: tuple[batch.Job, batch.Desk]) -> None:
    grounds = crs.to_plane(np.array(drawn(), dtype=object), GK)
    kinds = shapely.get_dimensions(grounds).astype(np.int8)
    areas = shapely.area(grounds) * (1.0 + 1e-7)
    whole = screening.measure_block(grounds, kinds, areas, ready[1].benches)
    single = [
        screening.measure_block(grounds[i : i + 1], kinds[i : i + 1], areas[i : i + 1], ready[1].benches)
        for i in range(len(grounds))
    ]
    for place, columns in enumerate(whole):
        joined = screening._together([one[place] for one in single])
        for name in screening.Columns.__slots__:
            np.testing.assert_array_equal(getattr(columns, name), getattr(joined, name), err_msg=name)


def test_a_layer_that_geos_cannot_overlay_is_not_checked_at_that_site_only(
    ready: tuple[batch.Job, batch.Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shapely.intersection

    def fussy(a: Any, b: Any, **more: Any) -> Any:
        if any(shape.area > 80_000 for shape in np.atleast_1d(a)):
            raise shapely.errors.GEOSException("TopologyException")
        return real(a, b, **more)

    monkeypatch.setattr(shapely, "intersection", fussy)
    grounds = crs.to_plane(np.array([square(90, 0, 50), square(-50, -50, 300), square(110, 20, 100)], dtype=object), GK)
    (columns,) = screening.measure_block(grounds, np.full(3, 2, np.int8), shapely.area(grounds), ready[1].benches[:1])
    assert [screening.STATUSES[code] for code in columns.status] == ["hit", "not_checked", "hit"]
    assert np.isnan(columns.area_m2).tolist() == [False, True, False]


# --- the whole way ----------------------------------------------------------------------------------------


def test_known_answers(answer: Path) -> None:
    by_id = {row["id"]: row for row in rows(answer)}
    whole, wide = by_id["S0"], by_id["S1"]
    assert whole["redline.status"] == "hit" and whole["redline.zones"] == "Z1;Z2;Z3"
    assert whole["redline.share"] == 1.0 and whole["redline.area_m2"] == whole["area_m2"]
    # Two squares that overlap, one of them twice: 150 m x 100 m of a 300 m square, each metre counted once.
    assert wide["redline.share"] == pytest.approx(15_000 / 90_000, rel=1e-6)
    assert whole["mine.zones"] == "Z1" and whole["river.length_m"] == pytest.approx(100, rel=2e-4)
    assert whole["old.status"] == "stale" and whole["lost.status"] == "not_checked"
    assert set(whole["unchecked"].split(";")) == {"old", "half", "lost"}
    far = next(row for row in by_id.values() if row["county"] == "out")
    assert far["redline.status"] == "not_covering" and far["redline.near_zone"] is None
    assert "partly" in {row["county"] for row in by_id.values()}
    below = next(row for row in by_id.values() if row["redline.status"] == "near" and row["redline.distance_m"] > 900)
    assert below["redline.distance_m"] == pytest.approx(990, rel=2e-4)
    assert min(below["redline.bearing_deg"], 360 - below["redline.bearing_deg"]) < 2.0


def test_one_bad_feature_is_a_row_and_stops_nothing(answer: Path, many: Path) -> None:
    found = rows(answer)
    assert [row["row"] for row in found] == list(range(1, len(found) + 1))
    assert [row["id"] for row in found] == [f"S{i}" for i in range(65)]
    bad = {row["id"]: row["error"] for row in found if row["error"]}
    assert bad == {"S7": "no_geometry", "S8": "empty", "S10": "unusable", "S11": "unusable"}
    assert all(found[int(name[1:])]["redline.status"] == "not_checked" for name in bad)
    assert all("redline" in found[int(name[1:])]["unchecked"].split(";") for name in bad)
    assert found[9]["notes"] == "geometry_healed" and found[9]["area_m2"] == pytest.approx(5000, rel=1e-3)


def test_two_processes_give_the_same_file(
    many: Path, answer: Path, ready: tuple[batch.Job, batch.Desk], tmp_path: Path
) -> None:
    summary = screened(ready, many, tmp_path / "two.parquet", jobs=2, block=8)
    assert (tmp_path / "two.parquet").is_file() and not (tmp_path / "two.parquet.parts").exists()
    assert rows(tmp_path / "two.parquet") == rows(answer)
    assert summary.rows == 65 and summary.bad == 4


def test_many_are_ones(many: Path, answer: Path, ready: tuple[batch.Job, batch.Desk]) -> None:
    """Each feature as a block of its own gives exactly its row."""
    (source,) = opened(many)
    (whole,) = source.raws(1000, 0)
    single = [work.rows_of(whole.row(place), ready[1], Options()) for place in range(len(whole.wkb))]
    names = [column.name for column in ready[1].columns]
    made = [dict(zip(names, row, strict=True)) for one in single for row in table.rows(ready[1].columns, one)]
    assert made == rows(answer)


def test_a_dask_cluster_gives_the_same_file(
    many: Path, answer: Path, ready: tuple[batch.Job, batch.Desk], tmp_path: Path
) -> None:
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        report = Quiet()
        screened(ready, many, tmp_path / "dask.parquet", dask=cluster.scheduler_address, block=8, report=report)
    assert rows(tmp_path / "dask.parquet") == rows(answer)
    assert "2 个线程" in report.texts[0]


def test_no_cluster_is_a_sentence(
    many: Path, ready: tuple[batch.Job, batch.Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_CONNECT_S", 0.2)
    with pytest.raises(UsageError, match="连不上 Dask"):
        screened(ready, many, tmp_path / "a.csv", dask="tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install dask\[distributed\]"):
        screened(ready, many, tmp_path / "b.csv", dask="tcp://127.0.0.1:9")


def test_a_worker_measures_only_against_the_layers_of_its_job(many: Path, tmp_path: Path) -> None:
    catalogue(tmp_path)
    job, _ = batch.prepare(batch.Job(str(tmp_path / "catalog.toml"), None, DAY))
    (source,) = opened(many)
    first = next(source.raws(4, 0))
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 7)])
    with pytest.raises(LayerError, match="图层不一致"):
        work.screened(job, first)


# --- files ------------------------------------------------------------------------------------------------


def figures(path: Path) -> list[dict[str, Any]]:
    """The rows without what tells the file, and what differs in the last digit of a coordinate."""
    kept = []
    for row in rows(path):
        bare = {k: v for k, v in row.items() if k not in ("file", "notes")}
        kept.append({k: round(v, 3) if isinstance(v, float) else v for k, v in bare.items()})
    return kept


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rows say the same but for the last digits."""
    return one.keys() == other.keys() and all(
        value == pytest.approx(other[key], rel=1e-7, abs=1e-6) if isinstance(value, float) else value == other[key]
        for key, value in one.items()
        if not key.endswith("bearing_deg")
    )


PLOTS = [square(0, 0, 100), square(-50, -50, 300), square(400, -300, 50), square(-30_000, 0, 100), square(7, 7, 7)]


def plots(path: Path) -> Path:
    return write_layer(path, PLOTS, 编号=[f"S{i}" for i in range(5)], 名称=["甲", "乙", "", "丁", "戊"])


def parquet_of(source: Path, path: Path, **column: Any) -> Path:
    """A GeoParquet file (1.1) of a GIS file; `column` replaces what it says of its geometry column."""
    meta, _, wkb, fields = pyogrio.raw.read(source)
    said = {"encoding": "WKB", "geometry_types": [], "crs": crs.parse(GK).to_json_dict(), **column}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": said}}
    held = {**dict(zip(meta["fields"].tolist(), fields, strict=True)), "geometry": wkb}
    batched = RecordBatch.from_pydict({key: list(value) for key, value in held.items()})
    with parquet.ParquetWriter(path, batched.schema.with_metadata({"geo": json.dumps(geo)})) as writer:
        for start in (0, 2):  # two row groups, neither as long as a block
            writer.write_batch(batched.slice(start, 2 if start == 0 else None))
    return path


@pytest.fixture(scope="module")
def known(ready: tuple[batch.Job, batch.Desk], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("known")
    screened(ready, plots(folder / "a.fgb"), folder / "a.parquet")
    return figures(folder / "a.parquet")


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".parquet", ".geojson", ".fgb"])
@pytest.mark.parametrize("arrow", [True, False])
def test_every_format_gives_the_same_rows(
    suffix: str, arrow: bool, ready: tuple[batch.Job, batch.Desk], known: list[dict[str, Any]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    source = tmp_path / f"plots{suffix}"
    if suffix == ".parquet":
        parquet_of(plots(tmp_path / "plots.gpkg"), source)
    elif suffix == ".geojson":
        corners = crs.to_lonlat(np.array(PLOTS, dtype=object), GK)
        told = [
            {"type": "Feature", "properties": {"编号": f"S{i}", "名称": name}, "geometry": json.loads(shapely.to_geojson(one))}
            for i, (one, name) in enumerate(zip(corners, ["甲", "乙", "", "丁", "戊"], strict=True))
        ]
        source.write_text(json.dumps({"type": "FeatureCollection", "features": told}), encoding="utf-8")
    else:
        plots(source)
    out = tmp_path / "out.parquet"
    if arrow:
        screened(ready, source, out, block=2, **({"crs": "EPSG:4490"} if suffix == ".geojson" else {}))
    elif suffix != ".parquet":
        with monkeypatch.context() as bare:
            bare.setitem(sys.modules, "pyarrow", None)
            found = opened(source, **({"crs": "EPSG:4490"} if suffix == ".geojson" else {}))
            raws = [one for each in found for one in each.raws(2, 0)]
        assert [text for one in raws for text in one.ids] == [f"S{i}" for i in range(5)]
        assert [len(one.wkb) for one in raws] == [2, 2, 1]
        return
    else:
        with monkeypatch.context() as bare:
            bare.setitem(sys.modules, "pyarrow", None)
            with pytest.raises(InputError, match=r"pip install pyarrow"):
                opened(source)
            with pytest.raises(UsageError, match=r"pip install pyarrow"):
                sinks.sink_of(out)
        return
    named = [{**row, "name": row["name"] or None} for row in figures(out)]
    if suffix == ".geojson":  # degrees are rounded to 1 mm where they are written, and an empty name is the id
        assert [(r["row"], r["id"], r["redline.status"], r["redline.zones"]) for r in named] == [
            (r["row"], r["id"], r["redline.status"], r["redline.zones"]) for r in known
        ]
    else:
        assert named == known


def test_a_shapefile_of_gbk_texts_without_a_codepage(ready: tuple[batch.Job, batch.Desk], tmp_path: Path) -> None:
    fields = [np.array([f"编{i}" for i in range(5)], dtype=object), np.array(["甲地", "乙地", "丙", "丁", "戊"], dtype=object)]
    wkb = np.array([shapely.to_wkb(one) for one in PLOTS], dtype=object)
    pyogrio.raw.write(
        tmp_path / "g.shp", wkb, fields, ["编号", "名称"], geometry_type="Polygon", crs=GK, encoding="GBK"
    )
    (tmp_path / "g.cpg").unlink(missing_ok=True)
    screened(ready, tmp_path / "g.shp", tmp_path / "g.parquet", block=2)
    assert [(row["id"], row["name"]) for row in rows(tmp_path / "g.parquet")][:2] == [("编0", "甲地"), ("编1", "乙地")]


def test_the_id_column_can_be_named(ready: tuple[batch.Job, batch.Desk], tmp_path: Path) -> None:
    (source,) = opened(plots(tmp_path / "a.gpkg"), id_column="名称")
    assert next(source.raws(9, 0)).ids == ("甲", "乙", "", "丁", "戊")
    with pytest.raises(InputError, match=r"没有字段 '项目'.*编号"):
        opened(tmp_path / "a.gpkg", id_column="项目")


def unplaced(path: Path, zones: list[Any]) -> Path:
    """A layer without a reference system."""
    with pytest.warns(UserWarning, match="crs"):
        return write_layer(path, zones, crs=None)


def test_an_unknown_reference_system_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    bare = unplaced(tmp_path / "bare.gpkg", [shapely.affinity.translate(square(0, 0, 9), -39e6, 0)])
    with pytest.raises(AmbiguousCrsError, match="没有带号") as asked:
        opened(bare)
    assert {one.crs for one in asked.value.candidates} >= {"EPSG:4548"}
    with pytest.raises(CrsError, match=r"只认写明的坐标系.*像是 EPSG:4527"):  # a zone prefix is evidence, nobody's word
        opened(unplaced(tmp_path / "zoned.gpkg", [square(0, 0, 9)]))
    degrees = unplaced(tmp_path / "deg.fgb", [shapely.box(118.0, 43.6, 118.01, 43.61)])
    with pytest.raises(CrsError, match="只认写明的坐标系") as refused:
        opened(degrees)
    assert "GCJ-02 不清楚" in refused.value.what and "按 CGCS2000" not in str(refused.value)  # it is not read so
    (source,) = opened(degrees, crs="EPSG:4490")
    assert source.count == 1
    text = tmp_path / "t.csv"
    text.write_text("经度,纬度\n118.0,43.6\n118.01,43.6\n118.01,43.61\n", encoding="utf-8")
    with pytest.raises(CrsError, match="只认写明的坐标系"):
        opened(text)
    old = write_layer(tmp_path / "old.gpkg", [square(0, 0, 9)], crs="EPSG:2363")
    with pytest.raises(CrsError, match="西安80"):
        opened(old)


def test_a_parquet_file_that_says_nothing_of_its_system(tmp_path: Path) -> None:
    source = write_layer(tmp_path / "deg.gpkg", [shapely.box(118.0, 43.6, 118.01, 43.61)] * 5, crs="EPSG:4490")
    unknown = parquet_of(source, tmp_path / "unknown.parquet", crs=None)
    with pytest.raises(CrsError, match="只认写明的坐标系"):
        opened(unknown)
    (wkb,) = opened(parquet_of(source, tmp_path / "epsg.parquet", crs=crs.parse("EPSG:4490").to_json_dict()))
    assert wkb.claim.system == "EPSG:4490" and wkb.count == 5
    with pytest.raises(InputError, match="point 不支持"):
        opened(parquet_of(source, tmp_path / "arrow.parquet", encoding="point"))
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="不是有效的 Parquet"):
        opened(tmp_path / "no.parquet")


def test_a_parquet_file_is_not_kept_in_memory_as_it_is_read(tmp_path: Path) -> None:
    """Row groups of a megabyte each: what Arrow holds does not grow with their number."""
    one = shapely.to_wkb(shapely.Point(118.0, 43.6).buffer(0.01, quad_segs=1000))
    path = tmp_path / "many.parquet"
    said = {"encoding": "WKB", "geometry_types": [], "crs": crs.parse("EPSG:4490").to_json_dict()}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": said}}
    schema = pyarrow.schema([("geometry", pyarrow.binary())], {"geo": json.dumps(geo)})
    with parquet.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for _ in range(24):
            writer.write_table(pyarrow.table({"geometry": [one] * 16}, schema=schema))
    assert path.stat().st_size > 24 * 900_000
    (source,) = opened(path)
    before = pyarrow.total_allocated_bytes()
    held = [pyarrow.total_allocated_bytes() - before for _ in source.chunks(16)]
    assert len(held) == 24 and max(held) < 10_000_000


def test_a_feature_whose_figures_do_not_fit_its_system_is_a_row(ready: tuple[batch.Job, batch.Desk], tmp_path: Path) -> None:
    source = write_layer(tmp_path / "odd.gpkg", [square(0, 0, 100), shapely.box(118.0, 43.6, 118.1, 43.7), square(5, 5, 5)])
    screened(ready, source, tmp_path / "odd.parquet")
    found = rows(tmp_path / "odd.parquet")
    assert [row["error"] for row in found] == [None, "crs", None]
    assert "经纬度" in found[1]["error_text"] and found[2]["redline.status"] == "hit"


def test_features_of_a_text_that_cannot_be_read_are_rows(ready: tuple[batch.Job, batch.Desk], tmp_path: Path) -> None:
    corners = [crs.to_lonlat(one, GK).wkt for one in PLOTS[:2]]
    text = tmp_path / "wkt.csv"
    text.write_text("编号,wkt\nA,\"" + corners[0] + "\"\nB,\"POLYGON((1\"\nC,\"" + corners[1] + "\"\n", encoding="utf-8")
    summary = screened(ready, text, tmp_path / "wkt.parquet", crs="EPSG:4490")
    found = rows(tmp_path / "wkt.parquet")
    assert summary.bad == 1 and [row["error"] for row in found] == [None, None, "unreadable"]
    assert [row["redline.status"] for row in found] == ["hit", "hit", "not_checked"]


def test_a_collection_of_one_kind_is_that_kind(ready: tuple[batch.Job, batch.Desk], tmp_path: Path) -> None:
    """As `linxi check` takes it; one that mixes kinds is no one row."""
    pair = shapely.union_all([square(0, 0, 20), square(500, 500, 20)])
    shapes = [shapely.GeometryCollection([square(0, 0, 100)]), shapely.GeometryCollection(shapely.get_parts(pair)),
              shapely.GeometryCollection([square(0, 0, 9), point(1, 1)]), square(0, 0, 100), pair]  # fmt: skip
    path = tmp_path / "c.gpkg"
    wkb = np.array([shapely.to_wkb(one) for one in shapes], dtype=object)
    pyogrio.raw.write(path, wkb, [], [], geometry_type="Unknown", crs=GK)
    screened(ready, path, tmp_path / "c.parquet")
    found = rows(tmp_path / "c.parquet")
    assert [row["error"] for row in found] == [None, None, "unusable", None, None]
    for one, other in ((0, 3), (1, 4)):
        assert alike({**found[one], "row": 0}, {**found[other], "row": 0})


# --- outputs ----------------------------------------------------------------------------------------------


def test_the_outputs_say_the_same(
    many: Path, answer: Path, ready: tuple[batch.Job, batch.Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "SHEET_ROWS", 40)
    for name in ("a.csv", "a.ndjson", "a.xlsx"):
        summary = screened(ready, many, tmp_path / name)
    assert summary.sheets == 2
    wanted = rows(answer)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        told = list(csv.DictReader(stream))
    lines = [json.loads(text) for text in (tmp_path / "a.ndjson").read_text(encoding="utf-8").splitlines()]
    assert len(told) == len(lines) == len(wanted) == 65
    for row, texts, body in zip(wanted, told, lines, strict=True):
        assert texts == {key: "" if value is None else str(value) for key, value in row.items()}
        flat = {key: value for key, value in body.items() if key != "layers"}
        flat |= {f"{layer}.{key}": v for layer, held in body["layers"].items() for key, v in held.items()}
        assert flat == {key: value for key, value in row.items() if value is not None}
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert [sheet.max_row for sheet in book] == [42, 27]
    first = book["筛查1"]
    heads = {cell.value: cell.column for cell in first[2]}
    assert first.cell(3, heads["生态保护红线 状态"]).value == "命中" and first.cell(3, heads["图形"]).value == "面"
    assert first.cell(3, heads["生态保护红线 命中面积 m²"]).value == pytest.approx(wanted[0]["redline.area_m2"])
    assert "不作研判" in str(first.cell(1, 1).value)


def test_where_the_table_comes_from_lies_beside_it(answer: Path, many: Path) -> None:
    about = json.loads(answer.with_name("one.parquet.about.json").read_text(encoding="utf-8"))
    inside = json.loads(parquet.read_schema(answer).metadata[b"linxi"])
    assert about["sources"] == inside["sources"] and about["sources"][0]["features"] == 65
    assert {one["id"]: bool(one["sha256"]) for one in about["layers"]}["lost"] is False
    assert about["rows"] == 65 and about["errors"] == 4 and about["hits"]["redline"] > 5 and about["on"] == "2026-11-23"


def test_a_formula_stays_text(ready: tuple[batch.Job, batch.Desk], tmp_path: Path) -> None:
    source = write_layer(tmp_path / "f.gpkg", [square(0, 0, 9)], 编号=["=1+1"])
    screened(ready, source, tmp_path / "f.xlsx")
    assert openpyxl.load_workbook(tmp_path / "f.xlsx")["筛查1"].cell(3, 3).data_type == "s"


# --- interrupts -------------------------------------------------------------------------------------------


def test_an_interrupt_leaves_work_that_is_gone_on_with(
    many: Path, answer: Path, ready: tuple[batch.Job, batch.Desk], tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    with pytest.raises(KeyboardInterrupt):
        screened(ready, many, out, report=Quiet(stop_after=30))
    assert not out.exists() and len(list((tmp_path / "out.parquet.parts").glob("block-*.part"))) == 2
    with pytest.raises(UsageError, match="--resume"):
        screened(ready, many, out)
    with pytest.raises(UsageError, match="块的大小与上次不同"):
        screened(ready, many, out, block=20, resume=True)
    with pytest.raises(UsageError, match="选项与上次不同"):
        screened(ready, many, out, crs=GK, resume=True)
    report = Quiet()
    screened(ready, many, out, resume=True, report=report)
    assert (report.done, report.rows) == (32, 33)
    assert rows(out) == rows(answer)
    assert not (tmp_path / "out.parquet.parts").exists()


def test_other_files_and_layers_are_not_gone_on_with(tmp_path: Path) -> None:
    catalogue(tmp_path)
    job = batch.Job(str(tmp_path / "catalog.toml"), None, DAY)
    source, out = plots(tmp_path / "plots.gpkg"), tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        screened(batch.prepare(job), source, out, block=2, report=Quiet(stop_after=1))
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 7)])
    with pytest.raises(UsageError, match="图层（redline）与上次不同"):
        screened(batch.prepare(job), source, out, block=2, resume=True)
    with pytest.raises(UsageError, match="日期"):
        screened(batch.prepare(replace(job, day=date(2026, 1, 1))), source, out, block=2, resume=True)
    write_layer(source, [square(0, 0, 7)])
    with pytest.raises(UsageError, match=r"输入文件（plots.gpkg）"):
        screened(batch.prepare(job), source, out, block=2, resume=True)


def test_a_part_that_was_damaged_is_done_again(
    many: Path, answer: Path, ready: tuple[batch.Job, batch.Desk], tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    with pytest.raises(KeyboardInterrupt):
        screened(ready, many, out, report=Quiet(stop_after=30))
    part = tmp_path / "out.parquet.parts" / "block-000001.part"
    part.write_bytes(part.read_bytes()[:-300] + b"x" * 300)
    with pytest.raises(InputError, match="第 2 块的结果已损坏"):
        screened(ready, many, out, resume=True)
    screened(ready, many, out, resume=True)
    assert rows(out) == rows(answer)


def test_what_is_not_ours_stays_in_the_folder_of_parts(tmp_path: Path) -> None:
    own = parts.Parts(tmp_path / "parts", {"format": 1})
    own.open(resume=False)
    own.save(0, b"x")
    (tmp_path / "parts" / "notes.txt").write_text("x", encoding="utf-8")
    own.remove()
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["notes.txt"]


# --- workers that die -------------------------------------------------------------------------------------


def _deadly(marker: Path | None, one: raw.Raw) -> bytes:
    """Die with block 1, the first time or, without a marker, always."""
    if one.number == 1 and (marker is None or not marker.exists()):
        if marker is not None:
            marker.write_text("x", encoding="utf-8")
        os._exit(3)
    return str(one.number).encode()


def _blocks(count: int) -> Iterator[raw.Raw]:
    for number in range(count):
        yield raw.Raw(number, "a", number + 1, np.array([None], dtype=object), ("",), ("",))


@pytest.mark.parametrize("always", [False, True])
def test_a_worker_that_dies_is_told_and_its_block_done_again(always: bool, tmp_path: Path) -> None:
    told: list[str] = []
    job = partial(_deadly, None if always else tmp_path / "marker")
    done = list(pools.processes(job, _blocks(4), 2, told.append))
    assert {one.raw.number: one.data for one in done} == {0: b"0", 1: None if always else b"1", 2: b"2", 3: b"3"}
    assert any("意外退出" in text for text in told)


def test_a_block_nobody_survives_is_rows_with_an_error(ready: tuple[batch.Job, batch.Desk]) -> None:
    (one,) = _blocks(1)
    held = table.unpacked(table.packed(work.lost(one, ready[1].columns, "两次意外退出")))
    (row,) = table.rows(ready[1].columns, held)
    names = [column.name for column in ready[1].columns]
    found = dict(zip(names, row, strict=True))
    assert found["error"] == "not_measured" and found["redline.status"] == "not_checked" and "redline" in found["unchecked"]


def test_a_fault_of_ours_loses_one_row_only(
    many: Path, ready: tuple[batch.Job, batch.Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = work.rows_of

    def faulty(one: raw.Raw, own: batch.Desk, options: Options) -> table.Block:
        if "S3" in one.ids:
            raise ZeroDivisionError("x")
        return real(one, own, options)

    monkeypatch.setattr(work, "rows_of", faulty)
    (source,) = opened(many)
    held = table.unpacked(work.screened(ready[0], next(source.raws(6, 0))))
    found = [row[:4] + row[11:13] for row in table.rows(ready[1].columns, held)]
    assert [row[4] for row in found] == [None, None, None, "not_measured", None, None]
    assert "ZeroDivisionError" in str(found[3][5]) and found[5][2] == "S5"


def test_every_thread_keeps_its_own_desk(
    yard: Path, many: Path, ready: tuple[batch.Job, batch.Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a Dask worker of twelve threads does: the layers are opened once in each, and the rows are the same."""
    (source,) = opened(many)
    blocks = list(source.raws(6, 0))
    wanted = [work.screened(ready[0], one) for one in blocks]
    made: list[batch.Desk] = []
    real = work.desk

    def counted(job: batch.Job) -> batch.Desk:
        made.append(real(job))
        return made[-1]

    monkeypatch.setattr(work, "desk", counted)
    together = threading.Barrier(12)

    def one_thread(_: int) -> list[bytes]:
        together.wait()
        return [work.screened(ready[0], one) for one in blocks]

    with ThreadPoolExecutor(12) as pool:
        assert all(found == wanted for found in pool.map(one_thread, range(12)))
    assert len(made) == 12


@pytest.mark.parametrize("kind", ["fast", "plain"])
def test_indexes_are_kept_apart_from_prepared_layers(
    kind: str, yard: Path, answer: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run builds nothing; a damaged index is built anew; a check's prepared layers serve the batch."""
    if kind == "fast":
        pytest.importorskip("numba")
    monkeypatch.setattr(engine, "choose", lambda: kind)
    cache = prepared.Cache(tmp_path / "cache")
    Library(catalogs.read(yard / "catalog.toml"), None, cache).layers(DAY)
    before = set((tmp_path / "cache" / "layers").iterdir())
    job = batch.Job(str(yard / "catalog.toml"), None, DAY, cache=str(tmp_path / "cache"))
    first = batch.prepare(job)
    added = set((tmp_path / "cache" / "layers").iterdir()) - before
    assert len(added) == 5 and before <= set((tmp_path / "cache" / "layers").iterdir())
    (source,) = opened(many)
    held = work.rows_of(next(source.raws(65, 0)), first[1], Options())
    names = [column.name for column in first[1].columns]
    told = [dict(zip(names, row, strict=True)) for row in table.rows(first[1].columns, held)]
    for one, other in zip(told, rows(answer), strict=True):
        assert alike(one, other)
    real = benches._built
    built: list[object] = []
    monkeypatch.setattr(benches, "_built", lambda *of: built.append(of) or real(*of))
    batch.prepare(job)
    assert not built
    largest = max(added, key=lambda path: path.stat().st_size)
    data = largest.read_bytes()
    largest.write_bytes(data[:-900] + bytes(255 - byte for byte in data[-900:]))
    again = batch.prepare(job)
    assert len(built) == 1 and again[0].prints == first[0].prints


# --- the command ------------------------------------------------------------------------------------------


def linxi_screen(*words: str) -> Any:
    return CliRunner().invoke(linxi, ["screen", *words], standalone_mode=False)


def test_the_command_writes_the_file_and_says_so(yard: Path, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    said = ("--out", str(out), "--catalog", str(yard / "catalog.toml"), "--on", "2026-11-23", "--jobs", "1")
    done = linxi_screen(str(many), *said)
    assert done.exception is None and done.return_value == 3  # four features could not be measured
    assert done.stdout.splitlines() == [str(out)]
    assert "不研判" in done.stderr and "已筛查 65/65（100 %）" in done.stderr
    assert "4 个没有量算" in done.stderr and "1 个完全在县界外" in done.stderr and "未核查：" in done.stderr


def test_nothing_begins_while_a_file_is_refused(yard: Path, many: Path, tmp_path: Path) -> None:
    bare = unplaced(tmp_path / "bare.fgb", [square(0, 0, 9)])
    out = tmp_path / "out.csv"
    done = linxi_screen(str(many), str(bare), "--out", str(out), "--catalog", str(yard / "catalog.toml"))
    assert done.return_value == 3 and "没有开始" in done.stderr and "--crs" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bare.fgb"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "a.docx"], "可用：.parquet"),
        (["--out", "nowhere/a.csv"], "不存在"),
        (["--out", "a.csv", "--dask", "tcp://x:1", "--jobs", "2"], "不能同时写"),
    ],
)
def test_usage_errors(words: list[str], told: str, many: Path) -> None:
    done = linxi_screen(str(many), *words)
    assert isinstance(done.exception, UsageError) and told in str(done.exception)


def test_a_finished_result_is_not_written_over_unasked(yard: Path, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine", encoding="utf-8")
    words = (str(many), "--out", str(out), "--catalog", str(yard / "catalog.toml"), "--on", "2026-11-23", "--jobs", "1")
    for more in ((), ("--resume",)):
        done = linxi_screen(*words, *more)
        assert isinstance(done.exception, UsageError) and "已存在" in str(done.exception) and "--force" in str(done.exception)
    assert out.read_text(encoding="utf-8") == "mine"
    assert linxi_screen(*words, "--force").return_value == 3
    assert out.read_text(encoding="utf-8-sig").startswith("file,row")


def test_compiling_is_told_once(yard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINXI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine, "choose", lambda: "fast")
    warmed: list[bool] = []
    monkeypatch.setattr(engine, "warm", lambda: warmed.append(True))
    pytest.importorskip("numba")
    for _ in range(2):
        roof.warm_engine()
    assert len(warmed) == 1
    roof.warm_engine(here=True)
    assert len(warmed) == 2
    monkeypatch.setattr(engine, "choose", lambda: "plain")
    monkeypatch.setenv("LINXI_CACHE", str(tmp_path / "other"))
    roof.warm_engine(here=True)
    assert len(warmed) == 2


def test_a_damaged_record_of_a_prepared_layer_is_made_anew(yard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening does not look at every record; the line that needs one finds it damaged."""
    monkeypatch.setenv("LINXI_CACHE", str(tmp_path / "cache"))
    sites = write_layer(tmp_path / "lines.gpkg", [line((-500, 50), (500, 50)), line((20, -500), (20, 500))])
    words = ("--catalog", str(yard / "catalog.toml"), "--on", "2026-11-23", "--jobs", "1")
    first, again = tmp_path / "first.csv", tmp_path / "again.csv"
    linxi_screen(str(sites), "--out", str(first), *words)
    damaged = 0
    for path in (tmp_path / "cache" / "layers").glob(f"*{shelf.SUFFIX}"):
        held = shelf.open_shelf(path, prepared.ENGINE)
        if held is not None and "piece.blob" in held:
            data = bytearray(path.read_bytes())
            data[data.index(held["piece.blob"].tobytes()) + 30] ^= 0xFF
            path.write_bytes(data)
            damaged += 1
    assert damaged
    linxi_screen(str(sites), "--out", str(again), *words)
    assert again.read_bytes() == first.read_bytes()


def test_ctrl_c_says_how_to_go_on(yard: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (str(many), "--out", str(tmp_path / "o.csv"), "--catalog", str(yard / "catalog.toml"), "--on", "2026-11-23",
             "--jobs", "1", "--block", "20")  # fmt: skip
    real = parts.Parts.save

    def stopped(self: parts.Parts, number: int, data: bytes) -> None:
        real(self, number, data)
        if number == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(parts.Parts, "save", stopped)
        done = linxi_screen(*words)
    assert done.return_value == 130 and "--resume" in done.stderr
    done = linxi_screen(*words, "--resume")
    assert done.return_value == 3 and "其中 40 个上次已完成" in done.stderr
    assert conveyor.FORMAT == 3 and (tmp_path / "o.csv").is_file()
