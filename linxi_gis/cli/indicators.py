"""`linxi indicators`: the plan's indicators, what the layers make of them, and the county's holdings in figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import roof, words
from linxi_gis.cli.county import print_table
from linxi_gis.errors import UsageError

if TYPE_CHECKING:
    from linxi_gis.crs import Geometry
    from linxi_gis.indicators_model import Change, County
    from linxi_gis.indicators_plan import PlanFigure
    from linxi_gis.report.indicatorbook import Table

FORMATS = ("table", "json", "xlsx", "geojson", "html")
_VALUES_HELP = "使用单位填报的指标：TOML 的 [[value]]（figure、value、year、source）或同样栏目的 xlsx；没有来源的不收"
_FIGURE_HELP = "--with、--without 算的是哪一项：redline_share（默认）、protected_area_share"


@click.command(cls=words.Command)
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--on", metavar="日期", help=roof.ON_HELP)
@click.option("--by", type=click.Choice(("town", "unit")), metavar="分区", help="分子再按乡镇（town）或管控单元（unit）分")
@click.option("--values", "values_file", metavar="填报.toml", help=_VALUES_HELP)
@click.option("--with", "added", multiple=True, metavar="地块文件", help="假设加上这些地块，列出前后的比例；可多次")
@click.option("--without", "without", multiple=True, metavar="图斑编号", help="假设去掉这些图斑；可多次")
@click.option("--figure", "figure_id", default="", metavar="指标", help=_FIGURE_HELP)
@click.option("--format", "formats", default="table", metavar="格式", help=f"用逗号分开：{','.join(FORMATS)}；后三种需要 --out")
@click.option("--out", metavar="目录", help="写到这个目录：indicators.xlsx、.json、.geojson、.html")
def indicators(
    catalog: str | None, on: str | None, by: str | None, values_file: str | None, added: tuple[str, ...],
    without: tuple[str, ...], figure_id: str, formats: str, out: str | None,
) -> None:  # fmt: skip
    """规划二十项指标：图上能算的与规划数对照，分母逐个写明；其余由使用单位填报。

    另列环境管控单元和各类区域的个数与面积、水源和矿山及尾矿库落在哪里、各部分相加的核对。
    """
    from linxi_gis import indicators as figures
    from linxi_gis import indicators_plan
    from linxi_layers import plan_file

    wanted = _formats(formats, out)
    office, day = roof.open_office(catalog), roof.day_of(on)
    title, planned = figures.read_plan(plan_file())
    entered = indicators_plan.read_values(Path(values_file), planned) if values_file else {}
    county = office.library.trying(lambda: figures.county(office.library, title, planned, day, entered, by or ""))
    changes = _changes(office, planned, day, added, without, figure_id)
    if out is None and wanted == ("json",):
        click.echo(json.dumps([asdict(one) for one in county.indicators], ensure_ascii=False, indent=1))
        return
    if "table" in wanted or out is None:
        _print(county, changes)
    if out is not None:
        for path in _write(county, changes, office, Path(out), wanted):
            click.echo(str(path))


def _formats(text: str, out: str | None) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"没有输出格式 {name!r}", remedy=f"可用：{'、'.join(FORMATS)}")
    if out is None and wanted not in (("table",), ("json",)):
        raise UsageError(f"--format {text} 需要 --out 目录", remedy="加上 --out DIR，或只写 --format json")
    return wanted


def _changes(
    office: roof.Office, planned: Sequence[PlanFigure], day: date,
    added: Sequence[str], without: Sequence[str], figure_id: str,
) -> list[Change]:  # fmt: skip
    if not added and not without:
        if figure_id:
            raise UsageError("--figure 要和 --with 或 --without 一起写", remedy="请补上，或去掉 --figure")
        return []
    from linxi_gis import indicators_whatif

    shapes = [shape for name in added for shape in _areas(name, office, day)]
    return [indicators_whatif.change(office.library, planned, day, shapes, without, figure_id)]


def _areas(name: str, office: roof.Office, day: date) -> Iterator[Geometry]:
    """Yield the areas of a site file in the area plane; raises UsageError where it holds none."""
    from linxi_gis.intake import Options
    from linxi_gis.intake.guard import Reader

    with Reader() as reader:
        reading = reader.read(Path(name), Options(county=office.library.county_lonlat(day)))
    areas = [site.ground for site in reading.sites if site.area_m2 > 0.0]
    if not areas:
        raise UsageError(f"{name} 里没有面", remedy="假设只能加上有面积的地块")
    yield from areas


def _print(county: County, changes: Sequence[Change]) -> None:
    from linxi_gis.report import indicatorbook

    _ratios(county)
    for table in indicatorbook.tables(county, changes):
        if table.title not in ("比例与分母", "合计核对") and table.rows:
            _one_table(table)
    _closing(county, changes)


def _ratios(county: County) -> None:
    rows = []
    for one in county.indicators:
        if not one.figure.computed:
            continue
        if one.unchecked:
            rows.append((one.figure.title, "未核查", one.unchecked, "", "", "", "", ""))
        for number, ratio in enumerate(one.ratios):
            first, figure = number == 0, one.figure
            rows.append((
                figure.title if first else "", f"{one.net_km2:.2f}" if first else "",
                f"{ratio.denominator.title} {ratio.denominator.area_km2:.2f} km²", f"{ratio.percent:.2f} %",
                f"{figure.percent_2020:.2f} %", f"{ratio.planned_km2 or 0.0:.1f}", f"{ratio.difference_points:+.2f}",
                f"{ratio.difference_km2:+.2f}",
            ))  # fmt: skip
    head = ("指标", "分子 km²（去重）", "分母", "比例", "规划 2020", "折合 km²", "差（百分点）", "差 km²")
    print_table(head, rows)
    click.echo(f"规划数出自：{county.plan_title}")
    for one in county.indicators:
        if not one.figure.computed:
            continue
        click.echo(f"· {one.figure.definition}")
        if one.gross_km2 - one.net_km2 >= 0.005:
            click.echo(f"  图斑相加 {one.gross_km2:.2f} km²，其中重叠 {one.gross_km2 - one.net_km2:.2f} km² 只算一次")
        if one.outside_km2 >= 0.005:
            click.echo(f"  分子中有 {one.outside_km2:.2f} km² 在县界图层之外")
        if one.nodata_km2 >= 0.005:
            click.echo(f"  县界内有 {one.nodata_km2:.2f} km² 栅格无数据，没有计入分子")


def _one_table(table: Table) -> None:
    click.echo(f"\n{table.title}" + (f"（{table.note}）" if table.note else ""))
    print_table(table.head, [[_cell(cell) for cell in row] for row in table.rows])


def _cell(cell: str | float | None) -> str:
    return "" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _closing(county: County, changes: Sequence[Change]) -> None:
    checks = [*county.checks, *(one.check for one in changes)]
    bad = [one for one in checks if not one.closes]
    click.echo(f"\n合计核对 {len(checks)} 项，" + ("全部相合" if not bad else f"{len(bad)} 项不合："))
    for one in bad:
        click.echo(f"  {one.title}：{one.whole_km2:.6f} 与 {one.parts_km2:.6f} km²")
    if county.demonstration:
        click.echo("示意数据，结论无效力")


def _write(
    county: County, changes: Sequence[Change], office: roof.Office, folder: Path, wanted: Sequence[str]
) -> Iterator[Path]:
    """Write the files wanted and yield their paths; raises UsageError when one cannot be written."""
    from xlsxwriter.exceptions import FileCreateError

    from linxi_gis.report import indicatorbook, indicatordata

    path = folder
    makers: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(indicatordata.document(county, changes), ensure_ascii=False, indent=1, default=str) + "\n",
        "geojson": lambda: json.dumps(_features(county, office), ensure_ascii=False) + "\n",
        "html": lambda: _page(county, office),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in wanted:
            if name == "table":
                continue
            path = folder / f"indicators.{name}"
            if name == "xlsx":
                indicatorbook.write(county, changes, path)
            else:
                path.write_text(makers[name](), encoding="utf-8", newline="\n")
            yield path
    except (OSError, FileCreateError) as error:
        raise UsageError(f"{path} 写不出来", remedy="请关闭正在打开它的程序，或换一个 --out 目录") from error


def _features(county: County, office: roof.Office) -> dict[str, object]:
    """Return the polygons that explain the figures: every zone of a numerator, and towns or units with their shares."""
    from linxi_gis import indicators as figures
    from linxi_gis.report.indicatorshapes import features

    library, day = office.library, county.day
    opened = library.layers(day)
    places = figures.places(opened, county.by) if county.by else None
    return {"type": "FeatureCollection", "features": features(county, opened, places, library.county(day))}


def _page(county: County, office: roof.Office) -> str:
    import linxi_maps
    from linxi_gis import indicators as figures
    from linxi_gis.indicators_tables import reasons, sound

    library, day = office.library, county.day
    opened = library.layers(day)
    towns = sound(opened, "admin_town") and not reasons(opened, "admin_town")
    places = figures.places(opened, county.by or "town") if county.by or towns else None
    if places is not None and not county.by:
        planned = [one.figure for one in county.indicators]
        county = figures.county(library, county.plan_title, planned, day, {}, "town")
    themes = {one.figure.theme for one in county.indicators if one.figure.theme}
    layers = [linxi_maps.map_layer(one) for theme in sorted(themes) for one in sound(opened, theme)]
    return linxi_maps.indicator_map(county, layers, places, library.county_lonlat(day))
