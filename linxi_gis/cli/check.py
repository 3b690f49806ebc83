"""`linxi check`: assess every feature of every file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import ask as asking
from linxi_gis.cli import read as reads
from linxi_gis.cli import reading as readings
from linxi_gis.cli import roof, words
from linxi_gis.errors import InputError, LinxiError, UsageError
from linxi_gis.law import Verdict
from linxi_gis.units import plain

if TYPE_CHECKING:
    from linxi_gis.intake import Options, Reading
    from linxi_gis.intake.guard import Reader
    from linxi_gis.model import Assessment, Site
    from linxi_gis.project import Project
    from linxi_gis.report.issuefile import Told

FORMATS = ("json", "html", "geojson", "xlsx")
AREA_METHOD_HELP = "geodesic：椭球面积；survey：旁边再列图斑椭球面积（国土调查公式），两者对不上时提示"
AVOID_HELP = (
    "避开禁止类图斑的设想：图斑以外还有多少，半径内（大于 0、不超过 20000 m；默认 500 m，写成 --avoid=300）最少平移多少；"
    "只供参考"
)
MAX_AVOID_M = 20_000.0
_FAIL_ON = [v.label for v in (Verdict.PROHIBITED, Verdict.RESTRICTED, Verdict.TO_JUSTIFY, Verdict.NOTICE)]


@click.command(cls=words.Command)
@click.argument("sites", nargs=-1, required=True, metavar="地块文件...")
@click.option("--project", "project_file", metavar="P.toml", help="项目情况文件")
@click.option("--set", "sets", multiple=True, metavar="属性=值", help="项目属性（是/否/未知），可多次；见 linxi rules attributes")
@click.option("--ask", is_flag=True, help=asking.ASK_HELP)
@click.option("--save-answers", "answers_file", metavar="P.toml", help=asking.SAVE_HELP)
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--rules", "local", multiple=True, metavar="文件夹", help=roof.RULES_HELP)
@click.option("--on", metavar="日期", help=roof.ON_HELP)
@click.option("--crs", metavar="坐标系", help=readings.CRS_HELP)
@click.option("--transform", metavar="参数", help=readings.TRANSFORM_HELP)
@click.option("--limit", "limits", multiple=True, metavar="项目=数值", help=readings.LIMIT_HELP)
@click.option("--width", type=float, metavar="米", help="线路走廊总宽度：把线变成走廊")
@click.option("--area-method", "area_method", type=click.Choice(("geodesic", "survey")), default="geodesic",
              metavar="方法", help=AREA_METHOD_HELP)
@click.option("--avoid", "avoid", type=float, is_flag=False, flag_value=500.0, metavar="[米]", help=AVOID_HELP)
@click.option("--out", metavar="目录", help="结果写到这个目录")
@click.option("--format", "formats", metavar="格式", help=f"用逗号分开：{','.join(FORMATS)}；不写 --out 时只能是 json")
@click.option("--issues", "issues_file", metavar="问题.geojson", help=reads.ISSUES_HELP)
@click.option("--fail-on", type=click.Choice(_FAIL_ON), metavar="结论", help="有地块达到该结论时退出码为 1")
def check(
    sites: tuple[str, ...], project_file: str | None, sets: tuple[str, ...], ask: bool, answers_file: str | None,
    catalog: str | None, local: tuple[str, ...], on: str | None, crs: str | None, transform: str | None,
    limits: tuple[str, ...], width: float | None, area_method: str, avoid: float | None, out: str | None,
    formats: str | None, issues_file: str | None, fail_on: str | None,
) -> int:  # fmt: skip
    """研判地块：读入坐标文件，与全部图层比对，按当日条文给出初步结论。

    \b
    地块文件：Shapefile、GeoJSON、GeoPackage、FlatGeobuf、GDB、MapInfo、KML/KMZ、GPX、DXF、
    界址点 TXT、CSV/Excel/Word 坐标表、WKT，或装着它们的 zip、文件夹；
    写 - 从标准输入粘贴坐标。只想看怎么读的，用 linxi read。
    """
    wanted = _formats(formats, out)
    project_file = asking.check_options(ask, answers_file, project_file, sites)
    asked = readings.options_of(crs, transform, limits)
    day = roof.day_of(on)
    office = roof.open_office(catalog, local)
    project = roof.project_of(project_file, sets, office.rulebook)
    if avoid is not None and not 0.0 < avoid <= MAX_AVOID_M:
        raise UsageError(
            f"--avoid {avoid:g}：半径须大于 0 m、不超过 {MAX_AVOID_M:g} m", remedy="写成 --avoid=500，或只写 --avoid（500 m）"
        )
    read, failed, told = _read_all(sites, asked, width, office, day)
    if area_method == "survey":
        from linxi_gis.survey_area import beside

        read = [beside(site) for site in read]
    if issues_file is not None:
        reads.write_issues(Path(issues_file), told)
    if not read:
        if out is None and wanted == ("json",):
            click.echo("[]")
        return InputError.exit_code

    assessments = _assessed(read, office, day, project, ask=ask, answers_file=answers_file, avoid=avoid)
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


def _assessed(
    sites: Sequence[Site], office: roof.Office, day: date, project: Project,
    *, ask: bool, answers_file: str | None, avoid: float | None,
) -> list[Assessment]:  # fmt: skip
    """Measure once, ask and judge as often as need be, and look for ways round where that was asked for."""
    from linxi_gis.assess import judged
    from linxi_gis.measuring import measure

    batch = measure(sites, office.library, day)
    if ask:
        project = asking.ask(batch, office.rulebook, project)
    if answers_file is not None:
        asking.save(Path(answers_file), project, office.rulebook)
    assessments = judged(batch, office.rulebook, project)
    if avoid is None:
        return assessments
    from linxi_gis.moves import with_avoidance

    return with_avoidance(assessments, office.library, office.rulebook, day, avoid)


def _formats(text: str | None, out: str | None) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip().lower() for part in (text or "").split(",") if part.strip()))
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"没有输出格式 {name!r}", remedy=f"可用：{'、'.join(FORMATS)}")
    if out is None and wanted not in ((), ("json",)):
        raise UsageError(f"--format {text} 需要 --out 目录", remedy="加上 --out DIR，或只写 --format json")
    return wanted


def _read_all(
    names: Sequence[str], asked: Options, width: float | None, office: roof.Office, day: date
) -> tuple[list[Site], bool, list[Told]]:
    """Read every file; a file or feature that fails is told and the others go on."""
    from linxi_gis.assess import landmarks
    from linxi_gis.footprint import MIN_WIDTH_M, corridor
    from linxi_gis.intake.candidates import sites_with_landmarks
    from linxi_gis.intake.guard import Reader
    from linxi_gis.report.issuefile import with_sites

    if width is not None and not width >= MIN_WIDTH_M:
        raise UsageError(f"走廊宽度 {width:g} m 不合理", remedy=f"--width 是总宽度（米），不小于 {MIN_WIDTH_M:g}")
    options = replace(asked, county=office.library.county_lonlat(day))
    with Reader() as reader:
        told, failed = _read_each(names, options, reader, lambda error: roof.with_landmarks(error, office, day))
    read = [site for one in told for site in one.sites]
    read = sites_with_landmarks(read, lambda: landmarks(office.library, day))
    wide = _unique([corridor(site, width) if width is not None else site for site in read])
    return wide, failed, with_sites(told, wide)


def _read_each(
    names: Sequence[str], options: Options, reader: Reader, explained: Callable[[LinxiError], LinxiError]
) -> tuple[list[Told], bool]:
    from linxi_gis.intake.errors import UNFORESEEN
    from linxi_gis.report import issuefile

    told: list[Told] = []
    failed = False
    for number, name in enumerate(names, start=1):
        if len(names) > 1:
            click.echo(plain(f"读取 {number}/{len(names)}：{name}"), err=True)
        try:
            reading, bad = _read_one(name, options, reader)
        except LinxiError as error:
            error = explained(error)
            click.echo(plain(f"错误：{error}"), err=True)
            told.append(issuefile.refused(name, error))
            failed = True
            continue
        except UNFORESEEN as error:
            what = f"程序内部错误（{type(error).__name__}：{error}），该文件未研判，请反馈"
            click.echo(plain(f"错误：{name}：{what}"), err=True)
            told.append(issuefile.refused(name, InputError(what, where=name)))
            failed = True
            continue
        failed = failed or bad
        told.append(issuefile.told_of(name, reading))
    return told, failed


def _read_one(name: str, options: Options, reader: Reader) -> tuple[Reading, bool]:
    """Read one file or standard input; print what it says of itself. The flag tells of bad features."""
    reading = readings.read_site_file(name, options, reader)
    on_sites = {issue for site in reading.sites for issue in site.issues}  # those stand in the table
    for issue in reading.issues:
        if issue not in on_sites:
            word = "错误" if issue.severity == "error" else "提示"
            click.echo(plain(f"{word}：{issue.text}；{issue.remedy}"), err=True)
    return reading, any(issue.severity == "error" for issue in reading.issues)


def _unique(sites: Sequence[Site]) -> list[Site]:
    """Give sites of one run different ids (they name the files that are written), and tell it."""
    from linxi_gis.intake.settle import unique

    result, doubled = unique(list(sites), "全部文件")
    for issue in doubled:
        click.echo(plain(f"提示：{issue.text}"), err=True)
    return result


def _show(assessments: Sequence[Assessment]) -> None:
    from rich.console import Console

    from linxi_gis.report import text

    console = Console(width=None if sys.stdout.isatty() else 120)
    for assessment in assessments:
        console.print(text.render(assessment))


def _failing(assessments: Sequence[Assessment], fail_on: str | None) -> int:
    """Return 1 when a verdict, as read or as it may be, reaches the bar; an incomplete answer always does."""
    if fail_on is None:
        return 0
    bar = Verdict.from_label(fail_on)
    return int(any(one.overall.reaches(bar) for one in assessments))
