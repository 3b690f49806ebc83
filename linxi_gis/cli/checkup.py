"""`linxi layers check`: the check-up of the layers, as a table, JSON, a GeoPackage or a map."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import roof, words
from linxi_gis.errors import UsageError

if TYPE_CHECKING:
    from linxi_gis.checkup.record import Checkup
    from linxi_gis.library import Library


@click.command("check", cls=words.Command)
@click.argument("layers", nargs=-1, metavar="[图层编号]...")
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--on", metavar="日期", help=roof.ON_HELP)
@click.option("--format", "form", type=click.Choice(["table", "json", "gpkg", "html"]), default="table", metavar="格式",
              help="table、json、gpkg（每个问题一个图形）或 html（离线地图）")  # fmt: skip
@click.option("--out", metavar="文件", help="写到哪个文件；gpkg 和 html 必须写")
@click.option("--record", is_flag=True, help="把结论记在目录旁边；记为不可用的图层研判时按未核查，直到重新体检并记录")
def layers_check(
    layers: tuple[str, ...], catalog: str | None, on: str | None, form: str, out: str | None, record: bool
) -> None:
    """图层体检：每个问题在哪里、多严重、怎么改；每个图层能不能用于研判。"""
    from linxi_gis.checkup import run

    if form in ("gpkg", "html") and not out:
        raise UsageError(f"{form} 要写到文件", remedy=f"请加 --out 体检.{form}")
    if out and Path(out).exists():
        raise UsageError(f"{out} 已经有了，没有覆盖", remedy="请换一个 --out")
    if record and roof.is_bundled(roof.catalog_path(catalog, tell=False)):
        raise UsageError("自带的示意目录不能改", remedy="请把目录连同图层复制出来，再用 --catalog 指明")
    office = roof.open_office(catalog)
    day = roof.day_of(on)
    unknown = [one for one in layers if one not in office.library.catalog.ids()]
    if unknown:
        raise UsageError(f"目录里没有图层 {unknown[0]}", remedy="用 linxi layers list 查看编号")
    library = replace(office.library, heeding=False)  # what was said before must not decide what is said now
    county = library.county(day)
    if county is None:
        raise UsageError("不知道县界，无法体检", remedy="请在目录中加入 admin_county 图层")
    done = run.check(office.library.catalog, day, county, layers, lambda line: click.echo(line, err=True))
    _tell(done, form, out, library, day)
    if record:
        _record(done, office.library.catalog.path, day)


def _tell(done: Checkup, form: str, out: str | None, library: Library, day: date) -> None:
    if form == "gpkg":
        _write_gpkg(done, Path(str(out)))
        return
    text = _page(done, library, day) if form == "html" else _json(done) if form == "json" else _text(done)
    if out:
        try:
            Path(out).write_text(text + "\n", encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"文件 {out} 写不出来", remedy="请换一个 --out") from error
    else:
        click.echo(text)


def _record(done: Checkup, catalog: Path, day: date) -> None:
    """Keep the scores beside the catalogue; of a file that cannot be opened there is no content to keep one for."""
    from linxi_gis import fitness

    scores = [
        fitness.Score(card.layer, card.version, card.sha256, card.sublayer, card.score, card.reasons, day.isoformat())
        for card in done.cards if card.sha256
    ]  # fmt: skip
    fitness.record(catalog, scores)
    bad = [one.layer for one in scores if one.score == fitness.UNFIT]
    told = f"，其中不可用 {len(bad)} 个（{'、'.join(bad)}），研判时按未核查" if bad else ""
    click.echo(f"{len(scores)} 个图层的结论记入 {fitness.path_of(catalog)}{told}", err=True)


def _page(done: Checkup, library: Library, day: date) -> str:
    """The map; beneath the findings the layers that have any, where they can be drawn at all."""
    import linxi_maps
    from linxi_gis.model import Layer

    named = {fault.layer for fault in done.faults} | {fault.other for fault in done.faults}
    layers = [one for one in library.layers(day) if isinstance(one, Layer) and one.identity.id in named]
    shown = [linxi_maps.map_layer(layer) for layer in layers]
    return linxi_maps.checkup_map(done, shown, outline=library.county_lonlat(day))


def _text(done: Checkup) -> str:
    lines = []
    for one in done.cards:
        grave, common, hints = one.counts
        lines.append(f"{one.score}  {one.title}（{one.layer}）：严重 {grave}，一般 {common}，提示 {hints}")
        for fault in done.faults:
            if fault.layer == one.layer:
                figure = f"（{fault.figure}）" if fault.figure else ""
                lines += [f"  [{fault.severity}] {fault.text}{figure}", f"      {fault.remedy}"]
    if done.demonstration:
        lines.append("示意数据，结论无效力")
    return "\n".join(lines)


def _json(done: Checkup) -> str:
    from dataclasses import asdict

    import shapely

    faults = [
        {"code": f.code, "severity": f.severity, "layer": f.layer, "other": f.other, "zones": f.zones, "figure": f.figure,
         "text": f.text, "remedy": f.remedy, "geometry": json.loads(shapely.to_geojson(f.geometry))}
        for f in done.faults
    ]  # fmt: skip
    return json.dumps({"faults": faults, "cards": [asdict(one) for one in done.cards]}, ensure_ascii=False, indent=1)


def _write_gpkg(done: Checkup, path: Path) -> None:
    import geopandas as gpd
    import pyogrio
    from pyogrio.errors import DataSourceError

    rows = {"代码": [f.code for f in done.faults], "级别": [f.severity for f in done.faults],
            "图层": [f.layer for f in done.faults], "图斑": ["、".join(f.zones) for f in done.faults],
            "数值": [f.figure for f in done.faults], "说明": [f.text for f in done.faults],
            "处理": [f.remedy for f in done.faults]}  # fmt: skip
    frame = gpd.GeoDataFrame(rows, geometry=[f.geometry for f in done.faults], crs="EPSG:4490")
    if path.exists():
        raise UsageError(f"文件 {path} 已经存在", remedy="请换一个 --out")
    try:
        pyogrio.write_dataframe(frame, path, layer="体检", driver="GPKG", geometry_type="Unknown")
    except DataSourceError as error:
        raise UsageError(f"文件 {path} 写不出来", remedy="请换一个 --out") from error
    click.echo(str(path))
