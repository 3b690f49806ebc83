"""`linxi layers diff`: what changed between two versions of a layer, or two plain files, and which sites that touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import reading as readings
from linxi_gis.cli import roof, words
from linxi_gis.errors import LayerError, UsageError
from linxi_gis.units import plain

if TYPE_CHECKING:
    from linxi_gis.catalog import Catalog, Entry
    from linxi_gis.crs import Geometry
    from linxi_gis.importing.editions import Edition
    from linxi_gis.model import Layer, Site

_CRS_HELP = "两个文件的坐标系（文件自己写明的不用写）：写一次两个都用，写两次先原后新；EPSG:编号、GCJ-02 等，同 linxi check"
_FILES = ("gpkg", "html")


@dataclass(frozen=True, slots=True)
class _Wish:
    """How plain files are read and paired; empty is not said."""

    crs: tuple[str, ...]
    id_column: str | None
    by_shape: bool


@click.command("diff", cls=words.Command)
@click.argument("before", metavar="原")
@click.argument("after", metavar="新")
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--id", "id_column", metavar="列名", help="文件里编号所在的字段；不写时按字段对照表找，找不到的按图形配对")
@click.option("--by-shape", is_flag=True, help="不看编号，按图形配对（互相覆盖 95 % 以上的为同一个）")
@click.option("--crs", "crs", multiple=True, metavar="坐标系", help=_CRS_HELP)
@click.option("--sites", multiple=True, metavar="地块文件", help="看哪些地块涉及变化的地方，可多次；读法同 linxi check")
@click.option("--sites-crs", metavar="坐标系", help="地块文件的坐标系，文件自己写明的不用写")
@click.option("--format", "form", type=click.Choice(["table", "json", *_FILES]), default="table", metavar="格式",
              help="table、json，或要 --out 的 gpkg、html（离线地图）")  # fmt: skip
@click.option("--out", metavar="文件", help="gpkg、html 写到哪里；已有的不覆盖")
def layers_diff(
    before: str, after: str, catalog: str | None, id_column: str | None, by_shape: bool, crs: tuple[str, ...],
    sites: tuple[str, ...], sites_crs: str | None, form: str, out: str | None,
) -> None:  # fmt: skip
    """比较两份图层：新增、取消、改变的图斑和椭球面积。

    原、新各写目录里的 编号@版本，或一个文件（shapefile、GeoPackage 等，读法同 linxi layers import）。
    """
    from linxi_gis.cli import difftold
    from linxi_gis.importing import differ, touching

    if (form in _FILES) != (out is not None):
        raise UsageError("--format gpkg 或 html 与 --out 要一起写")
    if out is not None and Path(out).exists():
        raise UsageError(f"{out} 已经有了，没有覆盖", remedy="请换一个 --out")
    old, new = _editions(before, after, catalog, _Wish(crs, id_column, by_shape))
    found = differ.compare(old, new, by_shape=by_shape)
    for line in (*old.notes, *new.notes, *found.doubts, *(["按图形配对"] if found.by_shape else [])):
        click.echo(plain(f"提示：{line}"), err=True)
    outline = _outline(catalog) if sites or form == "html" else None
    met = touching.touched(found, _sites(sites, sites_crs, outline)) if sites else None
    if out is not None:
        write = difftold.geopackage if form == "gpkg" else difftold.page
        write(found, met, outline, Path(out))
        click.echo(out)
    elif form == "json":
        click.echo(difftold.as_json(found, met))
    else:
        difftold.table(found, met)


def _editions(before: str, after: str, catalog: str | None, wish: _Wish) -> tuple[Edition, Edition]:
    """Return both sides; raises UsageError for what is neither a version nor a file, and for options that fit neither."""
    from linxi_gis import catalog as catalogs

    files = [_is_file(said) for said in (before, after)]
    if len(wish.crs) > 2:
        raise UsageError("--crs 最多写两次", remedy="先原后新")
    if not any(files) and (wish.crs or wish.id_column):
        raise UsageError("--crs、--id 只用于文件", remedy="目录里的图层请在 catalog.toml 写明 crs 和 columns")
    held = None if all(files) else catalogs.read(roof.catalog_path(catalog))
    systems = (wish.crs * 2)[:2] or (None, None)
    made = [
        _of_file(said, system, wish.id_column, held) if is_file or held is None else _of_version(held, said)
        for said, is_file, system in zip((before, after), files, systems, strict=True)
    ]
    return made[0], made[1]


def _is_file(said: str) -> bool:
    """Whether an argument is meant as a file: it is there, or it is written like one."""
    return Path(said).exists() or ("." in said and "@" not in said) or "/" in said or "\\" in said


def _of_file(said: str, system: str | None, id_column: str | None, held: Catalog | None) -> Edition:
    from linxi_gis.importing import aliases, editions, package
    from linxi_gis.intake.reading import Options
    from linxi_layers import aliases_file

    beside = None if held is None else held.path.parent / aliases.FILE
    table = aliases.read(beside if beside is not None and beside.is_file() else aliases_file())
    return editions.of_file(Path(said), Options(crs=system, limits=package.LIMITS), table, id_column)


def _of_version(held: Catalog, said: str) -> Edition:
    from linxi_gis.importing import editions

    entry = version_of(held, said)
    return editions.of_layer(entry, opened(held, entry))


def version_of(held: Catalog, said: str) -> Entry:
    """Return the version that `id@version` names, or `id` where it has but one; raises UsageError."""
    layer_id, at, version = said.partition("@")
    found = [one for one in held.versions(layer_id) if not at or one.identity.version == version]
    if len(found) != 1:
        have = "、".join(f"{one.identity.id}@{one.identity.version}" for one in held.entries)
        what = f"{said} 有几个版本" if found else f"目录里没有 {said}"
        raise UsageError(what, remedy=f"写成 编号@版本；有：{have or '（没有图层）'}")
    return found[0]


def opened(held: Catalog, entry: Entry) -> Layer:
    """Return a version ready for use, whatever the day; raises LayerError where it cannot be used."""
    from linxi_gis.library import Library
    from linxi_gis.model import Layer
    from linxi_gis.prepared import Cache

    alone = replace(held, entries=(replace(entry, effective_from=None, effective_to=None),), required_themes=())
    (layer,) = Library(alone, cache=Cache(roof.cache_folder()), heeding=False).layers(date.max)
    if not isinstance(layer, Layer):
        raise LayerError(layer.issue.text, remedy=layer.issue.remedy)
    return layer


def _outline(catalog: str | None) -> Geometry | None:
    """Return the county's outline in longitude latitude, that of the catalogue or the bundled one."""
    path = roof.catalog_path(catalog, tell=False)
    return roof.open_office(str(path)).library.county_lonlat(datetime.now().date())


def _sites(files: Sequence[str], system: str | None, county: Geometry | None) -> list[Site]:
    """Return every site of the files; raises as `linxi check` refuses a file, and tells what was guessed."""
    from linxi_gis.intake.guard import Reader

    options = replace(readings.options_of(system, None, ()), county=county)
    found: list[Site] = []
    with Reader() as reader:
        for name in files:
            reading = readings.read_site_file(name, options, reader)
            for issue in reading.issues:
                click.echo(plain(f"提示：{name}：{issue.text}"), err=True)
            found += reading.sites
    return found
