"""Every figure of the table: what is measured, on which engines, and what may not be measured here and why."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import shapely

from benchmarks.engine import arrays, data, databases, frames, ours, postgis, process
from benchmarks.engine.answers import Answers, Engine, compare
from benchmarks.engine.results import Row
from benchmarks.engine.timing import Times, calls, runs

FAST, FAST1, PLAIN = "fast", "fast1", "plain"
OURS = (FAST, FAST1, PLAIN)
MAKERS: dict[str, Callable[[], Any]] = {
    FAST: lambda: ours.Ours(True, 2),
    FAST1: lambda: ours.Ours(True, 1),
    PLAIN: lambda: ours.Ours(False, 2),
    "postgis": lambda: postgis.PostGIS(2),
    "shapely": lambda: arrays.Shapely(subdivided=False),
    "shapely-pieces": lambda: arrays.Shapely(subdivided=True, threads=2),
    "geopandas": lambda: frames.Geopandas(subdivided=False),
    "geopandas-pieces": lambda: frames.Geopandas(subdivided=True),
    "duckdb": databases.DuckDB,
    "sedona": databases.Sedona,
}
NAMES = {
    FAST: "linxi_gis 编译内核，2 线程", FAST1: "linxi_gis 编译内核，1 线程", PLAIN: "linxi_gis 不编译，2 线程",
    "postgis": "PostGIS + ST_Subdivide，2 个后端", "postgis1": "PostGIS + ST_Subdivide，1 个后端",
    "shapely": "shapely 数组，整个图斑", "shapely-pieces": "shapely 数组，分块，2 线程",
    "geopandas": "geopandas 原图层", "geopandas-pieces": "geopandas 分块图层", "duckdb": "DuckDB spatial", "sedona": "SedonaDB",
    "block": "linxi_gis measure_block（另有测地距离、方位、占比、覆盖），1 线程",
    "measure": "linxi_gis overlay.measure（再加厚度、相交类型、里程、最近点）",
}  # fmt: skip
# A slow engine is asked for fewer sites, and its rate is that of the sample: the table says so.
SAMPLE = {"shapely": 200, "geopandas": 200, "sedona": 2000}
BUDGET_S = 60.0
SIZES = ("S", "M", "L")
PREPARED = "redline"  # the layer that is prepared and opened alone


@dataclass(eq=False)
class Bench:
    """One run: its size, how many rounds, which engines; engines are made once for each size."""

    size: str
    rounds: int
    engines: tuple[str, ...]
    sites: int
    million: int
    cache: Path
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    _layers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def layers(self, size: str) -> dict[str, Any]:
        """Return the layers of a size."""
        if size not in self._layers:
            self._layers[size] = data.cached(size, self.cache)
        return self._layers[size]

    @contextmanager
    def open(self, key: str, size: str) -> Iterator[Engine | None]:
        """Make an engine, prepare it with the layers of a size, and close it; None where it cannot run here."""
        engine: Engine | None = None
        # What a missing package, program or part of ours raises; anything else is a fault of the benchmark.
        try:
            engine = MAKERS[key]()
            engine.prepare(self.layers(size))
        except (ImportError, OSError, AttributeError, RuntimeError) as error:
            self.missing[key] = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
            if engine is not None:
                engine.close()
            yield None
            return
        self.versions[NAMES[key]] = engine.version
        try:
            yield engine
        finally:
            engine.close()

    def forget(self, size: str) -> None:
        """Let the layers of a size go."""
        self._layers.pop(size, None)

    def wanted(self, *among: str) -> list[str]:
        """Return which of these engines were asked for, in order."""
        return [key for key in among if key in self.engines]

    def absent(self, figure: str, key: str) -> Row:
        """Return the row of an engine that could not run."""
        return Row(figure, NAMES[key], None, note=self.missing.get(key, "").replace(str(process.ROOT), "."))


def measured(bench: Bench, rows: tuple[str, ...], tell: Callable[[str], None]) -> list[Row]:
    """Measure the rows asked for, in order."""
    made: list[Row] = []
    for name, measure in ROWS.items():
        if name in rows:
            tell(f"{name} ...")
            start = time.perf_counter()
            made += measure(bench)
            tell(f"{name}: {time.perf_counter() - start:.0f} s")
    return made


# --- whole job: batch, one check, corridor, and whether the answers agree -----------------------------------


def _whole(bench: Bench) -> list[Row]:
    """Measure every engine on a batch, on single sites and on corridors, and compare its answers."""
    parcels = data.sites(max(bench.sites, data.SITE_BLOCK))[: bench.sites]
    corridors = data.corridors(20)
    rows: list[Row] = []
    with ExitStack() as stack:
        jobs: list[_Job] = []
        for key in bench.wanted(*MAKERS):
            engine = stack.enter_context(bench.open(key, bench.size))
            if engine is None:
                rows += [bench.absent(figure, key) for figure in ("batch", "single", "corridor")]
                continue
            jobs.append(_Job(key, engine, parcels[: SAMPLE.get(key, len(parcels))]))
            single = calls(engine.check, parcels[:500], 6.0)
            rows.append(Row("single", NAMES[key], single.median * 1e3, single.p95 * 1e3, runs=single.runs))
            wide = calls(engine.check, corridors, 6.0, warm=3)
            rows.append(Row("corridor", NAMES[key], wide.median * 1e3, wide.p95 * 1e3, runs=wide.runs))
            if isinstance(engine, postgis.PostGIS):
                jobs.append(_Job("postgis1", engine.with_backends(1), parcels))
        _in_turns(jobs, bench.rounds)
        rows += [job.row(len(parcels)) for job in jobs]
        rows += _agreements({job.key: job.found for job in jobs}, parcels)
    return rows + _measure(bench, parcels, corridors)


@dataclass(eq=False)
class _Job:
    """An engine with a batch of sites, the seconds of its runs, and its answers to the first."""

    key: str
    engine: Engine
    sites: Any
    seconds: list[float] = field(default_factory=list)
    found: Answers = field(default_factory=dict)

    def run(self) -> None:
        """Run once; the first run, which warms up, is kept for its answers only."""
        loaded = self.engine.load(self.sites)
        start = time.perf_counter()
        made = self.engine.batch(loaded)
        taken = time.perf_counter() - start
        if self.found:
            self.seconds.append(taken)
        else:
            self.found = self.engine.answers(made)

    def row(self, whole: int) -> Row:
        """Return the rate."""
        told = [] if len(self.sites) == whole else [f"抽 {len(self.sites):,} 个地块折算"]
        told += [] if self.engine.whole else ["只有命中和面积，没有距离"]
        taken = Times(tuple(self.seconds))
        return Row("batch", NAMES[self.key], len(self.sites) / taken.median, runs=taken.runs, note="；".join(told))


def _in_turns(jobs: Sequence[_Job], rounds: int) -> None:
    """Run everybody once a round, so that a busy minute of the machine falls on all alike."""
    for n in range(rounds + 1):
        for job in jobs:
            if n < 2 or sum(job.seconds) < BUDGET_S:
                job.run()


def _measure(bench: Bench, parcels: Any, corridors: Any) -> list[Row]:
    """Measure what a table of a batch and what a report say of a site, on the layers of a catalogue."""
    layers = ours.layers(process.folder(bench.size, bench.cache) / "catalog.toml")
    rows = []
    for key, check in (("block", ours.screening(layers)), ("measure", ours.measuring(layers))):
        for figure, shapes in (("single", parcels[:300]), ("corridor", corridors)):
            sites = [ours.site_of(shape) for shape in shapes]
            taken = calls(check, sites, 10.0, warm=3)
            rows.append(Row(figure, NAMES[key], taken.median * 1e3, taken.p95 * 1e3, runs=taken.runs))
    return rows


def _agreements(found: dict[str, Answers], parcels: Any) -> list[Row]:
    """Compare everybody with PostGIS, and with GEOS on whole zones on a sample."""
    rows = []
    for base in (base for base in ("shapely", "postgis") if base in found):
        for key in (key for key in found if key not in ("postgis1", base) and (base, key) != ("postgis", "shapely")):
            count = min(SAMPLE.get(key, len(parcels)), SAMPLE.get(base, len(parcels)))
            got = compare(_first(found[base], count), _first(found[key], count), parcels[:count])
            rows.append(Row("agreement", f"{NAMES[key]} ↔ {NAMES[base]}", agreement=got))
    return rows


def _first(answers: Answers, count: int) -> Answers:
    """Return the answers about the first sites."""
    return {
        layer: type(c)(
            c.site[c.site < count], c.zone[c.site < count], c.area_m2[c.site < count],
            None if c.distance_m is None else c.distance_m[:count],
        )
        for layer, c in answers.items()
    }  # fmt: skip


# --- growth, preparing, opening -----------------------------------------------------------------------------


def _growth(bench: Bench) -> list[Row]:
    """Measure the batch rate on all three sizes, in turns, so that a busy minute falls on all alike."""
    parcels = data.sites(data.SITE_BLOCK)[: min(bench.sites, 5000)]
    rows = []
    for key in bench.wanted(FAST1, PLAIN, "postgis", "duckdb"):
        with ExitStack() as stack:
            jobs: dict[str, _Job] = {}
            for size in SIZES:
                engine = stack.enter_context(bench.open(key, size))
                if engine is None:
                    rows.append(bench.absent(f"growth-{size}", key))
                else:
                    jobs[size] = _Job(key, engine, parcels)
            _in_turns(list(jobs.values()), bench.rounds)
            for size, job in jobs.items():
                row = job.row(len(parcels))
                rows.append(replace(row, figure=f"growth-{size}", vertices=data.vertices(bench.layers(size))))
    for size in SIZES:
        if size != bench.size:
            bench.forget(size)
    return rows


def _prepare(bench: Bench) -> list[Row]:
    """Measure preparing the red line: valid zones in memory to an index on disk (in the server for PostGIS)."""
    zones = bench.layers(bench.size)[PREPARED]
    vertices = int(shapely.get_num_coordinates(zones).sum())
    rows = []
    for key in bench.wanted(FAST, PLAIN):
        with tempfile.TemporaryDirectory() as folder:
            at = Path(folder) / key
            try:
                taken = runs(partial(ours.prepare, zones, key == FAST, at), bench.rounds, BUDGET_S)
            except (ImportError, AttributeError) as error:
                bench.missing.setdefault(key, f"{type(error).__name__}: {error}")
                rows += [bench.absent("prepare", key), bench.absent("open", key)]
                continue
            size = sum(path.stat().st_size for path in at.iterdir())
            note = f"索引 {size / vertices:.0f} 字节/顶点"
            rows.append(Row("prepare", NAMES[key], taken.median, runs=taken.runs, vertices=vertices, note=note))
            opened = runs(partial(ours.open_, at), max(bench.rounds, 20), 10.0)
            rows.append(Row("open", NAMES[key], opened.median * 1e3, runs=opened.runs, vertices=vertices))
    rows.append(_open_whole(bench, vertices))
    if "shapely-pieces" in bench.engines:
        taken = runs(lambda: arrays.cut(zones), bench.rounds, BUDGET_S)
        rows.append(Row("prepare", NAMES["shapely-pieces"], taken.median, runs=taken.runs, vertices=vertices))
    if "postgis" in bench.engines:
        rows.append(_subdivide(bench, zones, vertices))
    return rows + _open_files(bench, vertices)


def _open_whole(bench: Bench, vertices: int) -> Row:
    """What the tool does before it measures where nothing is kept: build the index, and the coverage's lattice."""
    one = ours.opening(process.folder(bench.size, bench.cache) / "catalog.toml", PREPARED)
    taken = runs(one, bench.rounds, 10.0)
    name = "linxi_gis benches，没有缓存（现建索引和覆盖范围的格表）"
    return Row("open", name, taken.median * 1e3, runs=taken.runs, vertices=vertices)


def _subdivide(bench: Bench, zones: Any, vertices: int) -> Row:
    try:
        engine = postgis.PostGIS(1)
    except (ImportError, OSError, RuntimeError) as error:
        bench.missing["postgis"] = f"{type(error).__name__}: {error}"
        return bench.absent("prepare", "postgis")
    try:
        engine.prepare({PREPARED: zones})
        seconds = [engine.subdivide(PREPARED) for _ in range(bench.rounds)]
    finally:
        engine.close()
    taken = Times(tuple(seconds))
    return Row("prepare", "PostGIS ST_Subdivide(128) + GiST", taken.median, runs=taken.runs, vertices=vertices)


def _open_files(bench: Bench, vertices: int) -> list[Row]:
    """What opening the same layer takes from files, with geopandas."""
    if "geopandas" not in bench.engines:
        return []
    import geopandas

    gpkg = process.folder(bench.size, bench.cache) / "layers" / f"{PREPARED}.gpkg"
    parquet = gpkg.with_suffix(".parquet")
    if not parquet.exists():
        geopandas.read_file(gpkg).to_parquet(parquet)
    readers = {
        "geopandas 读 GPKG": lambda: geopandas.read_file(gpkg),
        "geopandas 读 GeoParquet": lambda: geopandas.read_parquet(parquet),
    }
    rows = []
    for name, read in readers.items():
        taken = runs(read, bench.rounds, 20.0)
        rows.append(Row("open", name, taken.median * 1e3, runs=taken.runs, vertices=vertices))
    return rows


# --- processes ---------------------------------------------------------------------------------------------


def _process(bench: Bench) -> list[Row]:
    times = process.check_times(bench.size, bench.cache, bench.rounds)
    return [Row("process", name, taken.median, taken.p95, runs=taken.runs) for name, taken in times.items()]


def _stream(bench: Bench) -> list[Row]:
    """Screen sites from file to file: a tenth of them, then all, to see that memory is flat."""
    rows = []
    for count in (bench.million // 10, bench.million):
        name = f"linxi screen，{count:,} 个地块"
        try:
            seconds, peak_mb = process.file_to_file(bench.size, bench.cache, count)
        except RuntimeError as error:
            rows.append(Row("stream", name, None, note=str(error)))
            continue
        rows.append(Row("stream", name, seconds, peak_mb, runs=1))
    return rows


ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "whole": _whole, "growth": _growth, "prepare": _prepare, "process": _process, "stream": _stream,
}  # fmt: skip
