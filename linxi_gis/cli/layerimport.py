"""`linxi layers init` and the vector side of `linxi layers import`."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linxi_gis import __version__
from linxi_gis.cli import roof, words
from linxi_gis.errors import InputError, UsageError
from linxi_gis.units import plain

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from linxi_gis.catalog import Catalog
    from linxi_gis.importing.cataloguing import Listing
    from linxi_gis.importing.package import Parcel
    from linxi_gis.importing.recognise import Proposal
    from linxi_gis.importing.versions import Written

_TOLD = 12
_FILLED = 0.98  # our choice: borders of two sources differ by less


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says of the layers she brings in; empty is not said."""

    theme: str | None = None
    layer_id: str | None = None
    title: str | None = None
    version: str | None = None
    since: date | None = None
    coverage: str | None = None
    accuracy_m: float | None = None
    crs: str | None = None
    yes: bool = False


@click.command("init", cls=words.Command)
@click.argument("folder", metavar="文件夹", default="layers/local")
def layers_init(folder: str) -> None:
    """写一份带注释的空目录 catalog.toml（默认在 layers/local，每个主题一个例子）；已有的不覆盖。"""
    from linxi_gis.importing import starting

    click.echo(str(starting.start(Path(folder))))


def first_day(text: str | None) -> date | None:
    """Return the day of --from; raises UsageError."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--from {text!r} 不是日期", remedy="写成 YYYY-MM-DD，例如 2023-12-31") from error


def bring_in(files: Sequence[str], catalog: Path, wish: Wish) -> None:
    """Read, recognise, show, ask, write: every layer of every file becomes a version the catalogue names."""
    from linxi_gis import catalog as catalogs
    from linxi_gis.catalog import DEFAULT_ACCURACY_M
    from linxi_gis.importing import package
    from linxi_gis.intake.reading import Options

    catalog = catalog.resolve()
    held = catalogs.read(catalog)
    options = Options(crs=wish.crs, limits=package.LIMITS)
    with _bar(3 * len(files), "入库") as bar:
        accuracy = DEFAULT_ACCURACY_M if wish.accuracy_m is None else wish.accuracy_m
        read = (package.read(Path(name), options, lambda said: bar.update(1, said), accuracy) for name in files)
        parcels = [one for parcels_ in read for one in parcels_]
        bar.update(1, "完成")
    plans = _plans(parcels, held, wish)
    for parcel, proposal, listing in plans:
        _show(parcel, proposal, listing, held)
    _agreed(wish, plans)
    written: list[Written] = []
    try:
        with _bar(2 * len(plans), "写入") as bar:
            for parcel, _, listing in plans:
                written.append(_write(parcel, listing, catalog, lambda said: bar.update(1, said)))
            bar.update(1, "完成")
    finally:  # what is in the catalogue is told, whatever became of the next
        for one in written:
            if one.there:
                click.echo("同样的数据已在库中，只补目录", err=True)
            click.echo(str(one.data))


def _bar(steps: int, label: str) -> ProgressBar[str]:
    """Return a progress bar on stderr: each step that begins, and the end. Three steps a file; a further layer of it
    moves the bar no further."""
    return click.progressbar(
        length=steps + 1, label=label, file=sys.stderr, show_eta=False, item_show_func=lambda said: said or ""
    )


_Plan = tuple["Parcel", "Proposal", "Listing"]


def _plans(parcels: Sequence[Parcel], held: Catalog, wish: Wish) -> list[_Plan]:
    from linxi_gis.importing import aliases, recognise
    from linxi_layers import aliases_file

    beside = held.path.parent / aliases.FILE
    table = aliases.read(beside if beside.is_file() else aliases_file())
    if len(parcels) > 1 and (wish.layer_id or wish.title or wish.theme):
        names = "、".join(one.name for one in parcels)
        raise UsageError(f"共有 {len(parcels)} 个图层（{names}），--theme、--id、--title 只能用于一个", remedy="请分次导入")
    plans: list[_Plan] = []
    for parcel in parcels:
        try:
            found = recognise.recognise(parcel.name, parcel.columns, table, held.county, wish.theme)
        except InputError as error:
            if len(parcels) == 1:
                raise
            click.echo(plain(f"跳过：{error}"), err=True)
            continue
        plans.append((parcel, found, _listing(parcel, found, held, wish)))
    ids = [listing.layer_id for _, _, listing in plans]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise UsageError(f"几个图层都会叫 {twice}", remedy="请分次导入，用 --id 分别起名")
    if not plans:
        raise InputError("没有一个图层认得出来", remedy="请逐个导入，用 --theme 写明主题")
    return plans


def _listing(parcel: Parcel, found: Proposal, held: Catalog, wish: Wish) -> Listing:
    from linxi_gis.importing.cataloguing import Listing, neighbours
    from linxi_gis.themes import THEMES

    layer_id = wish.layer_id or found.layer_id or Path(parcel.name).stem
    version = wish.version or (wish.since or datetime.now().date()).isoformat()
    until, closes = neighbours(held, layer_id, version, wish.since)
    if wish.layer_id and not re.fullmatch(r"[A-Za-z0-9_\-]+", wish.layer_id):
        raise UsageError(f"--id {wish.layer_id!r} 不能用", remedy="只能用字母、数字、下划线和连字符")
    coverage = _reach(wish.coverage) or ("county" if found.county and _fills(parcel, held) else "unknown")
    title = wish.title or THEMES.get(found.theme, parcel.name)
    return Listing(
        layer_id, found.theme, title, version, wish.since, until, closes, coverage, wish.accuracy_m,
        found.columns, found.classes,
    )  # fmt: skip


def _fills(parcel: Parcel, held: Catalog) -> bool:
    """Whether the zones' areas add up to the county's: in degrees, for both lie at the same latitudes."""
    import shapely

    from linxi_gis.library import Library

    county = Library(held, roof.outline_of(held)).county_lonlat(datetime.now().date())
    return county is not None and float(shapely.area(parcel.shapes).sum()) >= _FILLED * county.area


def _reach(said: str | None) -> str | None:
    """Return a coverage as the catalogue shall have it: a word, or a file by its whole path."""
    if said is None or said in ("county", "unknown"):
        return said
    if not Path(said).exists():
        raise UsageError(f"没有覆盖范围文件 {said}", remedy="--coverage 写 county、unknown 或一个范围文件")
    return Path(said).resolve().as_posix()


def _show(parcel: Parcel, found: Proposal, listing: Listing, held: Catalog) -> None:
    """Say on stderr what was read and what would be written."""
    from linxi_gis.importing.cataloguing import block

    def say(line: str) -> None:
        click.echo(plain(line), err=True)

    say(f"{parcel.name}：{parcel.format}，{len(parcel.shapes)} 个要素，{parcel.system}（{parcel.how}）")
    issues = [*parcel.issues, *found.issues]
    for issue in issues[:_TOLD]:
        say(f"! {issue.text}（{issue.code}）")
    if len(issues) > _TOLD:
        say(f"! 另有 {len(issues) - _TOLD} 条，全部写在版本的 manifest.json")
    if listing.closes is not None:
        say(f"原版本“{listing.closes or '（未写）'}”到 {listing.since} 的前一天为止")
    if listing.accuracy_m is None:
        say("界线精度没有写（--accuracy），按 1 m 计")
    if listing.coverage == "unknown":
        say("覆盖范围未知：没有命中不等于没有；提供单位保证覆盖全县的，用 --coverage county")
    say(f"将写入 {held.path}：")
    say(block(listing, f"versions/{listing.layer_id}/…/{listing.layer_id}.gpkg").rstrip())


def _agreed(wish: Wish, plans: Sequence[_Plan]) -> None:
    """Raise UsageError where nobody said yes, or a theme is no more than a guess."""
    unsure = [(parcel, found) for parcel, found, _ in plans if not found.sure or not found.theme]
    if unsure:
        parcel, found = unsure[0]
        guess = f"（像 {found.theme}）" if found.theme else ""
        raise UsageError(f"{parcel.name} 的主题要人来定{guess}", remedy="请用 --theme 写明主题")
    if wish.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("没有确认，什么也没有写", remedy="核对以上内容后加 --yes 再运行")
    if not click.confirm("写入？", default=False, err=True):
        raise click.Abort


def _write(parcel: Parcel, listing: Listing, catalog: Path, step: Callable[[str], None]) -> Written:
    from linxi_gis.importing import cataloguing, versions

    deed = versions.Deed(_who(), datetime.now().astimezone().isoformat(timespec="seconds"), f"linxi-gis {__version__}")
    told: dict[str, Any] = {
        "theme": listing.theme, "title": listing.title, "columns": dict(listing.columns),
        "classes": dict(listing.classes),
    }  # fmt: skip
    step(f"GeoPackage {listing.layer_id}")
    written = versions.write(catalog.parent, listing.layer_id, listing.version, parcel, deed, told)
    step(f"目录 {catalog.name}")
    cataloguing.add(catalog, listing, written.data)
    return written


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a service without a name
        return "（未知）"
