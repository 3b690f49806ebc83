"""`linxi screen`: every feature of large files against all layers, measured, not judged; of a layer, the ledger."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import ledger, roof, words
from linxi_gis.cli import reading as readings
from linxi_gis.errors import InputError, LinxiError, UsageError
from linxi_gis.units import plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from linxi_gis.batch import Desk, Job, Source, Summary
    from linxi_gis.intake.reading import Options

# Our choice: beyond eight the reader and the writer, which are one each, are what everybody waits for.
_MOST_JOBS = 8
_LINE_EVERY_S = 10.0
_INTERRUPTED = 130
_JOBS_HELP = f"进程数，默认为处理器个数（不超过 {_MOST_JOBS}）；1 表示不另开进程"
_DASK_HELP = "交给已有的 Dask 集群，如 tcp://127.0.0.1:8786；各机须在同一路径看得到图层目录"
_OUT_HELP = "结果写到哪个文件：.parquet、.xlsx、.ndjson 或 .csv（必写）；存量排查写到哪个目录"
_FORMAT_HELP = f"存量排查：用逗号分开 {','.join(ledger.FORMATS)}；不写 --out 时只能是 json"


@click.command("screen", cls=words.Command)
@click.argument("files", nargs=-1, required=True, metavar="文件...|图层")
@click.option("--out", metavar="结果文件", help=_OUT_HELP)
@click.option("--format", "formats", metavar="格式", help=_FORMAT_HELP)
@click.option("--rules", "local", multiple=True, metavar="文件夹", help=f"存量排查：{roof.RULES_HELP}")
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--on", metavar="日期", help="日期 YYYY-MM-DD，默认今天；按当日有效的图层")
@click.option("--crs", metavar="坐标系", help=readings.CRS_HELP)
@click.option("--transform", metavar="参数", help=readings.TRANSFORM_HELP)
@click.option("--limit", "limits", multiple=True, metavar="项目=数值", help=readings.LIMIT_HELP)
@click.option("--id", "id_column", metavar="字段", help="取哪个字段作编号（GIS 文件）；不写时找 id、编号、地块编号等")
@click.option("--jobs", type=click.IntRange(min=1), metavar="个数", help=_JOBS_HELP)
@click.option("--dask", metavar="地址", help=_DASK_HELP)
@click.option("--block", type=click.IntRange(min=1), metavar="行数", help="一块多少行，默认 4096；内存不足时改小")
@click.option("--force", is_flag=True, help="结果文件已存在时覆盖它")
@click.option("--resume", is_flag=True, help="接着做上次中断的筛查（已完成的块在 结果文件.parts 里）")
@click.pass_context
def screen(
    ctx: click.Context, files: tuple[str, ...], out: str | None, formats: str | None, local: tuple[str, ...],
    catalog: str | None, on: str | None, crs: str | None, transform: str | None,
    limits: tuple[str, ...], id_column: str | None, jobs: int | None, dask: str | None, block: int | None,
    resume: bool, force: bool,
) -> int:  # fmt: skip
    """批量筛查：逐个要素与全部图层量算，一个要素一行写进结果文件；只量算，不研判。

    \b
    只写一个图层编号（目录里有、又没有同名文件）时是存量排查：该图层的每个矿山、矿业权、
    尾矿库与其他全部图层逐个图斑量算并按当日条文研判，列出冲突清单（矿业权退出清单）；
    尾矿库另有一库一档（等别按 GB 39496-2020 推算，头顶库待核）。例：linxi screen mining_right
    \b
    大文件边读边算：GeoParquet、GeoPackage、FlatGeobuf、Shapefile；其余格式照 linxi check 的读法。
    坐标系只认文件写明的或 --crs 指明的。读不出来的要素也占一行，写明错误代码，不影响其余。
    """
    if ledger.is_layer(files, catalog):
        _only_of(ctx, _FILES_ONLY, "只用于筛查文件，存量排查不用")
        return ledger.run(files[0], catalog, local, on, out, formats)
    _only_of(ctx, {"formats": "--format", "local": "--rules"}, "只用于存量排查（参数是图层编号），筛查文件不用")
    if out is None:
        raise UsageError("缺少 --out", remedy="写明结果文件，例如 --out 筛查.parquet；存量排查请写目录里的图层编号")
    from linxi_gis.batch import Plan, run, sinks
    from linxi_gis.batch.conveyor import BLOCK

    if dask and jobs:
        raise UsageError("--dask 与 --jobs 不能同时写", remedy="用 Dask 时进程数由集群决定")
    path = Path(out)
    sinks.sink_of(path)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"文件夹 {path.parent} 不存在", remedy="请先建好，或换一个 --out")
    unfinished = resume and path.with_name(f"{path.name}.parts").is_dir()  # it was asked when that was begun
    if path.exists() and not force and not unfinished:
        raise UsageError(f"结果文件 {path} 已存在", remedy="要覆盖它请加 --force，或换一个 --out")
    asked = readings.options_of(crs, transform, limits)
    roof.warm_engine()
    opened, own = _prepared(catalog, on, asked)
    sources = _opened(files, opened, id_column)
    if not sources:
        return InputError.exit_code
    plan = Plan(jobs or min(os.cpu_count() or 1, _MOST_JOBS), dask or "", block or BLOCK, resume, id_column or "")
    with closing(_report()) as report:
        try:
            summary = run(opened, own, sources, path, plan, report)
        except KeyboardInterrupt:
            report.told(f"已中断。已完成的块保存在 {path}.parts；接着做：同一条命令加 --resume")
            return _INTERRUPTED
    _tell(summary, path, {one.identity.id: one.identity.title for one in own.benches})
    return InputError.exit_code if summary.bad or summary.short else 0


_FILES_ONLY = {
    "crs": "--crs", "transform": "--transform", "limits": "--limit", "id_column": "--id", "jobs": "--jobs",
    "dask": "--dask", "block": "--block", "force": "--force", "resume": "--resume",
}  # fmt: skip


def _only_of(ctx: click.Context, names: Mapping[str, str], why: str) -> None:
    """Raise UsageError where an option was written that the other form of the command takes."""
    written = [word for name, word in names.items() if ctx.params.get(name)]
    if written:
        raise UsageError(f"{'、'.join(written)} {why}", remedy="请去掉；用 linxi screen --help 查看两种用法")


def _prepared(catalog: str | None, on: str | None, asked: Options) -> tuple[Job, Desk]:
    """Open the layers; tell of each that cannot be used. Raises NothingCheckedError when none can."""
    import shapely

    from linxi_gis.batch import Job, prepare
    from linxi_gis.model import Gap

    office, day = roof.open_office(catalog), roof.day_of(on)
    outline = office.library.outline
    job, own = prepare(
        Job(
            str(office.library.catalog.path.absolute()),
            None if outline is None else bytes(shapely.to_wkb(outline)),
            day,
            replace(asked, county=office.library.county_lonlat(day)),
            cache=str(roof.cache_folder()),
        ),
        _say,
    )
    for one in own.benches:
        if isinstance(one.layer, Gap):
            click.echo(plain(f"未核查：{one.layer.issue.text}；{one.layer.issue.remedy}"), err=True)
        elif one.layer.stale:
            word = "可能过期" if one.layer.outdated else "已过期"
            click.echo(plain(f"{word}：{one.identity.title}：{one.layer.stale}"), err=True)
    click.echo("量算，不研判：结果只有命中、面积、距离，没有结论", err=True)
    return job, own


def _opened(files: Sequence[str], job: Job, id_column: str | None) -> list[Source]:
    """Open every file before anything is measured; none when one of them is refused: each is told."""
    from linxi_gis.batch import open_sources
    from linxi_gis.intake.guard import Reader

    sources: list[Source] = []
    failed = False
    with Reader() as reader:
        for name in files:
            try:
                sources += open_sources(Path(name), job.options, reader, id_column, _say)
            except LinxiError as error:
                click.echo(plain(f"错误：{error}"), err=True)
                failed = True
    if failed:
        click.echo("没有开始：请先解决以上文件的问题，或去掉它们", err=True)
    return [] if failed else sources


def _say(text: str) -> None:
    click.echo(plain(f"提示：{text}"), err=True)


def _report() -> _Bar | _Lines:
    return _Bar() if sys.stderr.isatty() else _Lines()


class _Lines:
    """Progress for a log: a line now and then."""

    def __init__(self) -> None:
        self._total = self._before = self._rows = 0
        self._began = self._last = time.monotonic()

    def told(self, text: str) -> None:
        _say(text)

    def started(self, total: int, done: int) -> None:
        self._total, self._before, self._rows = total, done, 0
        self._began = self._last = time.monotonic()
        more = f"，其中 {done} 个上次已完成" if done else ""
        click.echo(f"共 {total} 个要素{more}", err=True)

    def advanced(self, rows: int) -> None:
        self._rows += rows
        now, done = time.monotonic(), self._before + self._rows
        if now - self._last < _LINE_EVERY_S and done < self._total:
            return
        self._last = now
        rate = self._rows / max(now - self._began, 1e-6)
        left = _clock((self._total - done) / rate)
        percent = 100 * done // max(self._total, 1)
        click.echo(f"已筛查 {done}/{self._total}（{percent} %），每秒 {rate:.0f} 个，还要 {left}", err=True)

    def writing(self) -> None:
        click.echo("正在写结果文件", err=True)

    def close(self) -> None:
        """Nothing is open."""


class _Bar:
    """Progress for a person: a bar with rate and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TextColumn("还要"), TimeRemainingColumn(),
        )  # fmt: skip
        self._bar: Progress = Bar(*columns, console=Console(stderr=True))
        self._task: TaskID | None = None
        self._began, self._rows = time.monotonic(), 0

    def told(self, text: str) -> None:
        self._bar.console.print(plain(f"提示：{text}"), markup=False, highlight=False)

    def started(self, total: int, done: int) -> None:
        self._task = self._bar.add_task("筛查", total=total, completed=done, rate="")
        self._began = time.monotonic()
        self._bar.start()

    def advanced(self, rows: int) -> None:
        self._rows += rows
        rate = self._rows / max(time.monotonic() - self._began, 1e-6)
        if self._task is not None:
            self._bar.update(self._task, advance=rows, rate=f"每秒 {rate:.0f} 个")

    def writing(self) -> None:
        self._bar.stop()
        self.told("正在写结果文件")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()


def _clock(seconds: float) -> str:
    """Return a time to go as h:mm:ss.

    >>> _clock(3725.2)
    '1:02:05'
    """
    whole = round(max(seconds, 0.0))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _tell(summary: Summary, path: Path, titles: Mapping[str, str]) -> None:
    """Say what came of it on stderr, and the path on stdout."""
    met = "、".join(f"{titles[layer]} {count}" for layer, count in summary.hits if count)
    told = [f"共 {summary.rows} 行；命中：{met or '无'}"]
    if summary.outside:
        told.append(f"{summary.outside} 个完全在县界外（county 列为 out）")
    if summary.bad:
        told.append(f"{summary.bad} 个没有量算，见 error、error_text 列")
    if summary.sheets > 1 and path.suffix.lower() == ".xlsx":
        told.append(f"一张工作表放不下，分在 {summary.sheets} 张")
    for text in (*told, *summary.short):
        click.echo(plain(text), err=True)
    click.echo(str(path))
