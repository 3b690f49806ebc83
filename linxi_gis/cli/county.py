"""What the county holds: `linxi layers`, `linxi map`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linxi_gis.cli import roof, words
from linxi_gis.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from linxi_gis.model import Gap, Layer

_CATALOG = click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
_ON = click.option("--on", metavar="日期", help=roof.ON_HELP)


@click.group(cls=words.Group)
def layers() -> None:
    """图层目录：有哪些图层，哪些用不了、为什么。"""


@dataclass(frozen=True, slots=True)
class _Holding:
    """One row of `layers list`."""

    id: str
    theme: str
    title: str
    required: bool
    version: str
    status: str
    zones: int
    sha256: str
    issues: tuple[str, ...]
    sensitivity: str


def _holding(layer: Layer | Gap) -> _Holding:
    from linxi_gis.model import Gap

    identity = layer.identity
    issues: tuple[str, ...]
    if isinstance(layer, Gap):
        status, zones, sha256, issues = "not_checked", 0, "", (layer.issue.text,)
    else:
        status, zones, sha256 = ("stale" if layer.stale else "usable"), len(layer.zone_ids), layer.sha256
        issues = tuple(text for text in (layer.stale, *(issue.text for issue in layer.issues)) if text)
    return _Holding(
        identity.id, identity.theme, identity.title, identity.required, identity.version, status, zones, sha256, issues,
        identity.sensitivity,
    )  # fmt: skip


@layers.command("list", cls=words.Command)
@_CATALOG
@_ON
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", metavar="格式", help="table 或 json")
def layers_list(catalog: str | None, on: str | None, form: str) -> None:
    """列出全部图层和状态；读不出来的也列出，并说明原因。"""
    from linxi_gis.model import Gap

    office, day = roof.open_office(catalog), roof.day_of(on)
    opened, rows = office.library.trying(lambda: _held(office, day))
    for layer in opened:
        if isinstance(layer, Gap):
            click.echo(f"未核查：{layer.issue.text}；{layer.issue.remedy}", err=True)
    if form == "json":
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
        return
    labels = {"usable": "可用", "stale": "过期", "not_checked": "未核查"}
    print_table(
        ("编号", "主题", "名称", "必备", "版本", "状态", "个数", "密级", "说明"),
        [
            (r.id, r.theme, r.title, "是" if r.required else "", r.version, labels[r.status], str(r.zones),
             r.sensitivity, "；".join(r.issues))
            for r in rows
        ],
    )  # fmt: skip


def _held(office: roof.Office, day: date) -> tuple[Sequence[Layer | Gap], list[_Holding]]:
    opened = office.library.layers(day)
    return opened, [_holding(layer) for layer in opened]


class _Days(click.FloatRange):
    """A number of days; NaN is none, and of infinity nothing is older."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail as a range does."""
        days = float(super().convert(value, param, ctx))
        if not math.isfinite(days):
            self.fail("应为不小于 0 的数", param, ctx)
        return days


@layers.command("clean", cls=words.Command)
@click.option("--all", "everything", is_flag=True, help="全部删除，下次使用时重做")
@click.option("--older", type=_Days(min=0), metavar="天数", help="删除这么多天没有用过的")
def layers_clean(everything: bool, older: float | None) -> int:
    """清理预处理缓存；不写选项时只删别的版本留下的和损坏的。图层文件本身不动。"""
    from linxi_gis import prepared

    if everything and older is not None:
        raise UsageError("--all 和 --older 只能写一个")
    folder = roof.cache_folder()
    if not folder.is_dir():
        what = "不是文件夹" if folder.exists() else "还不存在"
        click.echo(f"没有可清理的：预处理缓存 {folder} {what}（位置由 LINXI_CACHE 指定，没有指定时在用户的缓存目录）")
        return 0
    done = prepared.clean(folder, everything=everything, older_days=older)
    click.echo(f"删除 {done.files} 个文件，{done.size / 1e6:.1f} MB：{folder}")
    if done.kept:
        click.echo(f"有 {done.kept} 个文件正被使用，没有删除；请关闭其他 linxi 后重试", err=True)
    return 0


@click.command("map", cls=words.Command)
@_CATALOG
@_ON
@click.option("--out", default="map.html", show_default="map.html", metavar="文件", help="写到哪个 HTML 文件")
def map_(catalog: str | None, on: str | None, out: str) -> None:
    """全县图层地图：单个 HTML 文件，离线可看。"""
    import linxi_maps
    from linxi_gis.model import Gap, Layer

    office, day = roof.open_office(catalog), roof.day_of(on)
    def drawn() -> tuple[Sequence[Layer | Gap], list[linxi_maps.MapLayer]]:
        opened = office.library.layers(day)
        return opened, [linxi_maps.map_layer(layer) for layer in opened if isinstance(layer, Layer)]

    opened, shown = office.library.trying(drawn)
    gaps = [layer for layer in opened if isinstance(layer, Gap)]
    for gap in gaps:
        click.echo(f"未核查：{gap.issue.text}；{gap.issue.remedy}", err=True)
    page = linxi_maps.county_map(
        shown,
        title=office.library.catalog.title,
        demonstration=any(layer.demonstration for layer in shown),
        outline=office.library.county_lonlat(day),
        gaps=gaps,
    )
    path = Path(out)
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"文件 {out} 写不出来", remedy="请换一个 --out") from error
    click.echo(str(path))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], figures: Sequence[str] = ()) -> None:
    """Print rows below their head; long cells wrap, but for the columns that are named as `figures`."""
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold", no_wrap=name in figures)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
