"""`linxi read`: how files are read, and nothing more; no layer is opened, nothing is judged."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import reading as readings
from linxi_gis.cli import roof, words
from linxi_gis.errors import InputError, LinxiError, UsageError
from linxi_gis.units import plain

if TYPE_CHECKING:
    from linxi_gis.crs import Geometry
    from linxi_gis.intake import Options, Reading
    from linxi_gis.intake.guard import Reader
    from linxi_gis.report.issuefile import Told

ISSUES_HELP = "把全部问题和另一种读法写成 GeoJSON（EPSG:4490），可在 QGIS 中打开"
_NARROW = 120  # columns when nobody watches


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A file by the name it was given, and its reading or why there is none."""

    name: str
    reading: Reading | None
    error: LinxiError | None

    @property
    def told(self) -> Told:
        """What it gives to be written."""
        from linxi_gis.report import issuefile

        if self.reading is None:
            return issuefile.refused(self.name, self.error or InputError("没有读取"))
        return issuefile.told_of(self.name, self.reading)


@click.command("read", cls=words.Command)
@click.argument("files", nargs=-1, required=True, metavar="文件...")
@click.option("--crs", metavar="坐标系", help=readings.CRS_HELP)
@click.option("--transform", metavar="参数", help=readings.TRANSFORM_HELP)
@click.option("--limit", "limits", multiple=True, metavar="项目=数值", help=readings.LIMIT_HELP)
@click.option("--catalog", metavar="C.toml", help="图层目录，只用其中的县界；不写时用自带的县界")
@click.option("--map", "map_file", metavar="地图.html", help="画成一页离线地图：图形、拐点编号、问题位置、另一种读法")
@click.option("--issues", "issues_file", metavar="问题.geojson", help=ISSUES_HELP)
@click.option("--format", "form", type=click.Choice(["json"]), metavar="格式", help="json：在标准输出打印一个 JSON 数组")
def read(
    files: tuple[str, ...], crs: str | None, transform: str | None, limits: tuple[str, ...],
    catalog: str | None, map_file: str | None, issues_file: str | None, form: str | None,
) -> int:  # fmt: skip
    """只看怎么读：格式、坐标系、图形、属性、问题和别的读法；不比对图层，不作研判。

    可一次给多个文件；写 - 从标准输入粘贴坐标。坐标系说不清的文件列出各种读法，退出码为 3。
    """
    county = _county(catalog)
    outcomes = _read_all(files, replace(readings.options_of(crs, transform, limits), county=county))
    if form == "json":
        from linxi_gis.report import issuefile

        click.echo(issuefile.readings([one.told for one in outcomes]), nl=False)
    else:
        _show(outcomes, county)
    if map_file is not None:
        write_text(Path(map_file), _map(outcomes, county))
    if issues_file is not None:
        write_issues(Path(issues_file), [one.told for one in outcomes])
    failed = [one for one in outcomes if one.reading is None or _has_errors(one.reading)]
    return InputError.exit_code if failed else 0


def _county(catalog: str | None) -> Geometry | None:
    """The county's outline: the bundled one, or that of a catalogue somebody keeps. Raises CatalogError.

    Without a catalogue no layer library is opened: it takes a second.
    """
    import shapely

    from linxi_layers import demo_catalog, demo_outline

    path = roof.catalog_path(catalog, tell=False)
    drawn = shapely.from_geojson(demo_outline().read_text(encoding="utf-8"))
    bundled: Geometry = shapely.union_all(shapely.get_parts(drawn))
    if path == demo_catalog():
        return bundled
    from linxi_gis import catalog as catalogs
    from linxi_gis.library import Library

    kept = catalogs.read(path)
    own = bundled if kept.county == roof.OUTLINE_COUNTY else None
    return Library(kept, own).county_lonlat(datetime.now().date())


def _read_all(names: Sequence[str], options: Options) -> list[Outcome]:
    from linxi_gis.intake.guard import Reader

    with Reader() as reader:
        return [_read_one(name, options, reader) for name in names]


def _read_one(name: str, options: Options, reader: Reader) -> Outcome:
    from linxi_gis.intake.errors import UNFORESEEN

    try:
        return Outcome(name, readings.read_site_file(name, options, reader), None)
    except LinxiError as error:
        return Outcome(name, None, error)
    except UNFORESEEN as error:
        told = InputError(f"程序内部错误（{type(error).__name__}：{error}），该文件没有读出", where=name, remedy="请反馈")
        return Outcome(name, None, told)


def _has_errors(reading: Reading) -> bool:
    return any(issue.severity == "error" for issue in reading.issues)


def _show(outcomes: Sequence[Outcome], county: Geometry | None) -> None:
    from rich.console import Console

    from linxi_gis.report import issuefile
    from linxi_gis.report import reading as pages

    console = Console(width=None if sys.stdout.isatty() else _NARROW)
    for one in outcomes:
        if one.reading is not None:
            console.print(pages.render(one.reading, county))
            continue
        found = one.told.candidates
        error = one.error
        if error is not None and found:
            click.echo(plain(f"错误：{error.where or one.name}：{issuefile.why(error)}；{error.remedy}"), err=True)
            console.print(pages.candidates(found, f"{one.name}：可能的读法", county is not None))
        else:
            click.echo(plain(f"错误：{error}"), err=True)


def _map(outcomes: Sequence[Outcome], county: Geometry | None) -> str:
    from linxi_gis.report import issuefile
    from linxi_maps.reading_page import reading_map

    sites = [site for one in outcomes for site in one.told.sites]
    issues = [issue for one in outcomes for issue in one.told.issues]
    found = [candidate for one in outcomes for candidate in one.told.candidates]
    failed = [(one.name, one.error) for one in outcomes if one.error is not None]
    errors = [f"{error.where or name}：{issuefile.why(error)}；{error.remedy}" for name, error in failed]
    names = [one.reading.source if one.reading is not None else one.name for one in outcomes]
    return reading_map("、".join(names), sites, issues, found, outline=county, errors=errors)


def write_issues(path: Path, told: Sequence[Told]) -> None:
    """Write the issues of files as GeoJSON, even when there are none. Raises UsageError."""
    from linxi_gis.report import issuefile

    write_text(path, issuefile.collection(told))


def write_text(path: Path, text: str) -> None:
    """Write a text and tell its path on stderr; raises UsageError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"{path} 写不出来（{error.strerror}）", remedy="请关闭正在打开它的程序，或换一个位置"
        ) from error
    click.echo(f"已写出 {path}", err=True)
