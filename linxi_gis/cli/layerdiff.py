"""`linxi layers diff`: what changed between two versions of a layer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import roof, words
from linxi_gis.errors import LayerError, UsageError

if TYPE_CHECKING:
    from linxi_gis.catalog import Catalog, Entry
    from linxi_gis.importing.differ import Change, Difference
    from linxi_gis.model import Layer


@click.command("diff", cls=words.Command)
@click.argument("before", metavar="编号@原版本")
@click.argument("after", metavar="编号@新版本")
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--format", "form", type=click.Choice(["table", "json", "gpkg"]), default="table", metavar="格式",
              help="table、json 或 gpkg（要 --out）")  # fmt: skip
@click.option("--out", metavar="文件", help="gpkg 写到哪里")
def layers_diff(before: str, after: str, catalog: str | None, form: str, out: str | None) -> None:
    """比较同一图层的两个版本：新增、取消、改变的图斑和椭球面积（m²）。"""
    from linxi_gis import catalog as catalogs
    from linxi_gis.importing import differ

    if (form == "gpkg") != (out is not None):
        raise UsageError("--format gpkg 与 --out 要一起写")
    held = catalogs.read(roof.catalog_path(catalog))
    found = differ.compare(_opened(held, before), _opened(held, after))
    if out is not None:
        _geopackage(found, Path(out))
        click.echo(out)
    elif form == "json":
        click.echo(json.dumps(_plain(found), ensure_ascii=False, indent=1))
    else:
        _table(found)


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


def _opened(held: Catalog, said: str) -> Layer:
    entry = version_of(held, said)
    if not entry.columns.id:
        raise UsageError(f"{said} 没有写明编号列，不能逐个比较", remedy='请在 catalog.toml 的 columns 里写明 id = "..."')
    return opened(held, entry)


def _row(one: Change) -> dict[str, str | float]:
    return {
        "kind": one.kind, "zone": one.zone, "name": one.name, "before_m2": one.before_m2, "after_m2": one.after_m2,
        "grown_m2": float(one.grown.area), "shrunk_m2": float(one.shrunk.area), "what": one.what,
    }  # fmt: skip


def _plain(found: Difference) -> dict[str, object]:
    return {
        "before_m2": found.before_m2, "after_m2": found.after_m2, "same": found.same,
        "changes": [_row(one) for one in found.changes],
    }  # fmt: skip


def _table(found: Difference) -> None:
    from linxi_gis.cli.county import print_table
    from linxi_gis.importing.differ import TITLES

    rows = [
        (TITLES[one.kind], one.zone, one.name, f"{one.before_m2:.2f}", f"{one.after_m2:.2f}", f"{one.grown.area:.2f}",
         f"{one.shrunk.area:.2f}", one.what)
        for one in found.changes
    ]  # fmt: skip
    print_table(("变化", "编号", "名称", "原面积 m²", "新面积 m²", "增 m²", "减 m²", "说明"), rows)
    gain = found.after_m2 - found.before_m2
    whole = f"{found.before_m2 / 1e6:.4f} → {found.after_m2 / 1e6:.4f} km²，{gain / 1e6:+.4f} km²"
    click.echo(f"未变 {found.same} 个；全层（重叠只算一次）{whole}")


def _geopackage(found: Difference, path: Path) -> None:
    import numpy as np
    import pyogrio
    import shapely

    from linxi_gis import crs
    from linxi_gis.importing.differ import TITLES

    if path.exists():
        raise UsageError(f"{path} 已经有了，没有覆盖", remedy="请换一个 --out")
    parts = [(one, side, shape) for one in found.changes for side, shape in (("增", one.grown), ("减", one.shrunk))]
    parts = [(one, side, shape) for one, side, shape in parts if not shape.is_empty]
    if not parts:
        raise UsageError("没有图形变化，不写文件")
    shapes = np.array([shape for _, _, shape in parts], dtype=object)
    columns = {
        "变化": [TITLES[one.kind] for one, _, _ in parts], "部分": [side for _, side, _ in parts],
        "编号": [one.zone for one, _, _ in parts], "名称": [one.name for one, _, _ in parts],
        "面积_m2": [f"{shape.area:.3f}" for _, _, shape in parts],
    }  # fmt: skip
    try:
        pyogrio.raw.write(
            path, shapely.to_wkb(crs.lonlat_of_plane(shapes)), [np.array(c, dtype=object) for c in columns.values()],
            list(columns), geometry_type="Unknown", crs=crs.LONLAT, layer="diff", driver="GPKG",
        )  # fmt: skip
    except pyogrio.errors.DataSourceError as error:
        raise UsageError(f"{path} 写不出来", remedy="请换一个 --out") from error
