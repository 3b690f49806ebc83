"""A batch from files to a file: read, hand out, keep what is finished, put together. Measures, judges nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import shapely

from linxi_gis import __version__
from linxi_gis.batch import pools, sinks, table
from linxi_gis.batch.parts import Parts
from linxi_gis.batch.raw import Raw
from linxi_gis.batch.sources import Source, check_files
from linxi_gis.batch.work import Desk, Job, desk, lost, screened
from linxi_gis.errors import InputError, NothingCheckedError, UsageError
from linxi_gis.model import Gap

FORMAT = 3  # of the parts; another number is another program
BLOCK = 4096
NOTE = "量算结果，不作研判；须按 linxi check 的结论和主管部门认定为准"
DEMONSTRATION = "示意数据，结论无效力"


class Report(Protocol):
    """Who is told how a batch gets on."""

    def told(self, text: str) -> None:
        """Something a person should know."""

    def started(self, total: int, done: int) -> None:
        """So many rows are to be done, so many of them are finished already."""

    def advanced(self, rows: int) -> None:
        """So many rows more are finished."""

    def writing(self) -> None:
        """All rows are finished; the file is being written."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a batch: rows, rows with an error, rows that lie wholly outside the county, hits by layer id;
    `short` tells of sources that gave fewer features than they said they have."""

    rows: int
    bad: int
    outside: int
    hits: tuple[tuple[str, int], ...]
    sheets: int
    short: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a batch is to be done: `jobs` processes, or the Dask cluster at `dask`; blocks of `block` rows."""

    jobs: int
    dask: str = ""
    block: int = BLOCK
    resume: bool = False
    id_column: str = ""


def prepare(job: Job, told: Callable[[str], None] | None = None) -> tuple[Job, Desk]:
    """Return a job with the fingerprints of its layers, and the layers as opened here; what takes long is `told`.

    Raises NothingCheckedError when not one layer can be used.
    """
    own = desk(job, told)
    if all(isinstance(one.layer, Gap) for one in own.benches):
        raise NothingCheckedError("没有任何图层可以比对", where=Path(job.catalog).name, remedy="请检查图层目录和文件")
    return replace(job, prints=own.prints, options=replace(job.options, county=None)), own


def run(job: Job, own: Desk, sources: Sequence[Source], out: Path, plan: Plan, report: Report) -> Summary:
    """Screen every feature of the sources and write the table; `job` and `own` are those of `prepare`.

    An interrupt (KeyboardInterrupt) leaves OUT.parts, from which `plan.resume` goes on. Raises UsageError when
    the output cannot be written, or the parts that are there are of something else, InputError when an input file
    changes while it is read: nothing is left then to go on from.
    """
    write_with = sinks.sink_of(out)
    parts = Parts(out.with_name(f"{out.name}.parts"), _key(job, own, sources, plan))
    finished = parts.open(resume=plan.resume)
    total = sum(source.count for source in sources)
    counted = _Counted(sources, plan.block)
    report.started(total, min(total, _rows_of(finished, sources, plan.block)))
    raws = (raw for raw in counted.raws() if raw.number not in finished)
    with _while_unchanged(sources, parts):
        for done in _done(partial(screened, job), raws, plan, total, report.told):
            data = done.data
            if data is None:
                report.told(
                    f"{done.raw.file} 第 {done.raw.first} 行起的一块使工作进程两次退出，这 {len(done.raw.wkb)} 行记为错误"
                )
                data = table.packed(lost(done.raw, own.columns, "量算这一块的进程两次意外退出"))
            parts.save(done.raw.number, data)
            report.advanced(len(done.raw.wkb))
    report.writing()
    about = _about(job, own, sources)
    blocks = (parts.load(number) for number in range(counted.blocks))
    tally = _written(out, parts.folder, write_with, own.columns, about, blocks)
    short = tuple(f"{s.name} 应有 {s.count} 个要素，只读出 {n} 个" for s, n in counted.short())
    summary = tally.summary(short)
    _sidecar(out, about, summary)
    parts.remove()
    return summary


@contextlib.contextmanager
def _while_unchanged(sources: Sequence[Source], parts: Parts) -> Iterator[None]:
    """Read and measure; raises InputError, and removes the parts, when a file was changed meanwhile."""
    try:
        yield
    except InputError:
        _check(sources, parts)
        raise
    _check(sources, parts)


def _check(sources: Sequence[Source], parts: Parts) -> None:
    try:
        check_files(sources)
    except InputError:
        parts.remove()
        raise


def _done(
    work: pools.Work, raws: Iterator[Raw], plan: Plan, total: int, told: Callable[[str], None]
) -> Iterator[pools.Done]:
    if plan.dask:
        return pools.dask(work, raws, plan.dask, told)
    single = plan.jobs == 1 or total <= plan.block  # one block: nobody to share it with
    return pools.here(work, raws) if single else pools.processes(work, raws, plan.jobs, told)


class _Counted:
    """The blocks of all sources in order, counted as they are read."""

    def __init__(self, sources: Sequence[Source], size: int) -> None:
        self._sources, self._size = sources, size
        self._rows = [0] * len(sources)
        self.blocks = 0

    def raws(self) -> Iterator[Raw]:
        for place, source in enumerate(self._sources):
            for raw in source.raws(self._size, self.blocks):
                self.blocks += 1
                self._rows[place] += len(raw.wkb)
                yield raw

    def short(self) -> list[tuple[Source, int]]:
        """The sources that gave fewer features than they said they have."""
        pairs = zip(self._sources, self._rows, strict=True)
        return [(source, rows) for source, rows in pairs if rows < source.count]


def _rows_of(finished: Iterable[int], sources: Sequence[Source], size: int) -> int:
    """How many rows the finished blocks hold, as far as the sources say."""
    lengths: list[int] = []
    for source in sources:
        whole, rest = divmod(source.count, size)
        lengths += [size] * whole + ([rest] if rest else [])
    return sum(lengths[number] for number in finished if number < len(lengths))


def _key(job: Job, own: Desk, sources: Sequence[Source], plan: Plan) -> dict[str, object]:
    """What the finished blocks depend on."""
    options = job.options
    return {
        "format": FORMAT,
        "engine": f"{__version__} {shapely.geos_version_string}",
        "sources": [[source.name, source.sha256, source.count] for source in sources],
        "layers": [[name, hashlib.sha256(text.encode()).hexdigest()] for name, text in own.prints],
        "day": job.day.isoformat(),
        "options": {"crs": options.crs, "transform": None if options.transform is None else options.transform.text,
                    "id": plan.id_column},
        "block": plan.block,
        "columns": [column.name for column in own.columns],
    }


def _about(job: Job, own: Desk, sources: Sequence[Source]) -> dict[str, object]:
    """Where the table comes from, for whoever finds it later."""
    layers = [
        {
            "id": one.identity.id, "title": one.identity.title, "version": one.identity.version,
            "sha256": "" if isinstance(one.layer, Gap) else one.layer.sha256,
            "not_checked": one.layer.issue.text if isinstance(one.layer, Gap) else "",
            "stale": "" if isinstance(one.layer, Gap) else one.layer.stale,
        }
        for one in own.benches
    ]  # fmt: skip
    return {
        "note": f"{DEMONSTRATION}；{NOTE}" if own.demonstration else NOTE,
        "engine": {"name": "linxi_gis", "version": __version__},
        "on": job.day.isoformat(),
        "demonstration": own.demonstration,
        "sources": [
            {"name": s.name, "features": s.count, "sha256": s.sha256, "crs": job.options.crs or s.claim.system or s.claim.how}
            for s in sources
        ],
        "layers": layers,
    }  # fmt: skip


class _Tally:
    """What the rows hold, counted as they are written."""

    def __init__(self, own: Sequence[table.Column]) -> None:
        texts = [column.name for column in own if column.kind == "text"]
        self._error, self._county = texts.index("error"), texts.index("county")
        self._status = {c.layer: texts.index(c.name) for c in own if c.key == "status"}
        self.rows = self.bad = self.outside = 0
        self.hits = dict.fromkeys(self._status, 0)

    def add(self, held: table.Block) -> None:
        self.rows += held.rows
        self.bad += held.rows - held.count(self._error, "")
        self.outside += held.count(self._county, "out")
        for layer, place in self._status.items():
            self.hits[layer] += held.count(place, "hit")

    def summary(self, short: tuple[str, ...]) -> Summary:
        sheets = max(1, -(-self.rows // sinks.SHEET_ROWS))
        return Summary(self.rows, self.bad, self.outside, tuple(self.hits.items()), sheets, short)


def _written(
    out: Path, folder: Path, write_with: sinks.Open, own: Sequence[table.Column], about: dict[str, object],
    blocks: Iterator[table.Block],
) -> _Tally:  # fmt: skip
    """Write the file beside its place, then put it there in one step. Raises UsageError."""
    made, tally = folder / f"whole{out.suffix}.tmp", _Tally(own)
    try:
        with write_with(made, own, about) as write:
            for held in blocks:
                tally.add(held)
                write(held)
        os.replace(made, out)
    except OSError as error:
        with contextlib.suppress(OSError):
            made.unlink()
        raise UsageError(
            f"{out} 写不出来（{error.strerror or error}）",
            remedy="请关闭正在打开它的程序或腾出空间，再加 --resume 重试（已算的不会重算）",
        ) from error
    return tally


def _sidecar(out: Path, about: dict[str, object], summary: Summary) -> None:
    """Write where the table comes from beside it."""
    body = {**about, "rows": summary.rows, "errors": summary.bad, "out_of_county": summary.outside}
    body["hits"] = dict(summary.hits)
    body["features_lost"] = list(summary.short)
    path = out.with_name(f"{out.name}.about.json")
    try:
        path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path} 写不出来（{error.strerror}）", remedy="请换一个 --out") from error
