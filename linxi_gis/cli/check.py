"""`linxi check`: assess every feature of every file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import roof, words
from linxi_gis.errors import InputError, LinxiError, UsageError
from linxi_gis.law import Verdict

if TYPE_CHECKING:
    from linxi_gis.intake import Options
    from linxi_gis.model import Assessment, Site

FORMATS = ("json", "html", "geojson", "xlsx")
_FAIL_ON = [v.label for v in (Verdict.PROHIBITED, Verdict.RESTRICTED, Verdict.TO_JUSTIFY, Verdict.NOTICE)]


@click.command(cls=words.Command)
@click.argument("sites", nargs=-1, required=True, metavar="地块文件...")
@click.option("--project", "project_file", metavar="P.toml", help="项目情况文件")
@click.option("--set", "sets", multiple=True, metavar="属性=值", help="项目属性（是/否/未知），可多次；见 linxi rules attributes")
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--on", metavar="日期", help=roof.ON_HELP)
@click.option("--crs", metavar="坐标系", help="EPSG:编号、GCJ-02 或 BD-09；文件自己说不清时必须写")
@click.option("--width", type=float, metavar="米", help="线路走廊总宽度：把线变成走廊")
@click.option("--out", metavar="目录", help="结果写到这个目录")
@click.option("--format", "formats", metavar="格式", help=f"用逗号分开：{','.join(FORMATS)}；不写 --out 时只能是 json")
@click.option("--fail-on", type=click.Choice(_FAIL_ON), metavar="结论", help="有地块达到该结论时退出码为 1")
def check(
    sites: tuple[str, ...], project_file: str | None, sets: tuple[str, ...], catalog: str | None,
    on: str | None, crs: str | None, width: float | None, out: str | None, formats: str | None, fail_on: str | None,
) -> int:  # fmt: skip
    """研判地块：读入坐标文件，与全部图层比对，按当日条文给出初步结论。

    地块文件可以是 GeoJSON、Shapefile（.shp 或 .zip）、界址点 TXT、CSV 坐标表；写 - 从标准输入粘贴坐标。
    """
    wanted = _formats(formats, out)
    day = roof.day_of(on)
    office = roof.open_office(catalog)
    project = roof.project_of(project_file, sets, office.rulebook)
    read, failed = _read_all(sites, crs, width, office, day)
    if not read:
        return InputError.exit_code

    from linxi_gis.assess import assess

    assessments = assess(read, office.library, office.rulebook, day, project)
    if out is None and wanted == ("json",):
        from linxi_gis.report import extract

        click.echo(extract.array([extract.build(one) for one in assessments]), nl=False)
    else:
        _show(assessments)
    if out is not None:
        from linxi_gis.cli import output

        for path in output.write(assessments, office, Path(out), wanted or ("json", "html"), day):
            click.echo(str(path))
    if failed:
        return InputError.exit_code
    return _failing(assessments, fail_on)


def _formats(text: str | None, out: str | None) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip().lower() for part in (text or "").split(",") if part.strip()))
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"没有输出格式 {name!r}", remedy=f"可用：{'、'.join(FORMATS)}")
    if out is None and wanted not in ((), ("json",)):
        raise UsageError(f"--format {text} 需要 --out 目录", remedy="加上 --out DIR，或只写 --format json")
    return wanted


def _read_all(
    names: Sequence[str], crs: str | None, width: float | None, office: roof.Office, day: date
) -> tuple[list[Site], bool]:
    """Read every file; a file or feature that fails is told and the others go on."""
    from linxi_gis.footprint import MIN_WIDTH_M, corridor
    from linxi_gis.intake import Options
    from linxi_gis.intake.errors import UNFORESEEN

    if width is not None and not width >= MIN_WIDTH_M:
        raise UsageError(f"走廊宽度 {width:g} m 不合理", remedy=f"--width 是总宽度（米），不小于 {MIN_WIDTH_M:g}")
    read: list[Site] = []
    failed = False
    options = Options(crs=crs, county=office.library.county_lonlat(day))
    for number, name in enumerate(names, start=1):
        if len(names) > 1:
            click.echo(f"读取 {number}/{len(names)}：{name}", err=True)
        try:
            reading_sites, bad = _read_one(name, options)
        except LinxiError as error:
            click.echo(f"错误：{error}", err=True)
            failed = True
            continue
        except UNFORESEEN as error:
            click.echo(
                f"错误：{name}：程序内部错误（{type(error).__name__}：{error}），该文件未研判，请反馈", err=True
            )
            failed = True
            continue
        failed = failed or bad
        read.extend(corridor(site, width) if width is not None else site for site in reading_sites)
    return _unique(read), failed


def _read_one(name: str, options: Options) -> tuple[Sequence[Site], bool]:
    """Read one file or standard input; print what it says of itself. The flag tells of bad features."""
    from linxi_gis import intake
    from linxi_gis.intake.encoding import decode

    if name == "-":
        pasted, guesses = decode(sys.stdin.buffer.read(), "标准输入")
        reading = intake.read_text(pasted, replace(options, source_name="标准输入"))
        reading = replace(reading, issues=(*guesses, *reading.issues))
    else:
        reading = intake.read(Path(name), options)
    on_sites = {issue for site in reading.sites for issue in site.issues}  # those stand in the table
    for issue in reading.issues:
        if issue not in on_sites:
            click.echo(f"{'错误' if issue.severity == 'error' else '提示'}：{issue.text}；{issue.remedy}", err=True)
    return reading.sites, any(issue.severity == "error" for issue in reading.issues)


def _unique(sites: Sequence[Site]) -> list[Site]:
    """Give sites of one run different ids (they name the files that are written), and tell it."""
    from linxi_gis.intake.settle import unique

    result, doubled = unique(list(sites), "全部文件")
    for issue in doubled:
        click.echo(f"提示：{issue.text}", err=True)
    return result


def _show(assessments: Sequence[Assessment]) -> None:
    from rich.console import Console

    from linxi_gis.report import text

    console = Console(width=None if sys.stdout.isatty() else 120)
    for assessment in assessments:
        console.print(text.render(assessment))


def _failing(assessments: Sequence[Assessment], fail_on: str | None) -> int:
    """Return 1 when a verdict reaches the bar; an incomplete answer always does: unknown is not clear."""
    if fail_on is None:
        return 0
    bar = Verdict.from_label(fail_on)
    return int(any(not one.overall.complete or one.overall.verdict >= bar for one in assessments))
