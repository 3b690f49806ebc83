"""`linxi layers metadata`: a version of a layer as ISO 19139 XML."""

from __future__ import annotations

from pathlib import Path

import click

from linxi_gis.cli import roof, words
from linxi_gis.errors import UsageError


@click.command("metadata", cls=words.Command)
@click.argument("said", metavar="编号[@版本]")
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--out", metavar="文件.xml", help="写到哪里；不写时写到标准输出，已有的不覆盖")
def layers_metadata(said: str, catalog: str | None, out: str | None) -> None:
    """导出一个图层版本的 ISO 19115 元数据（ISO 19139 XML）：标题、范围、坐标系、日期、来历、使用限制。"""
    from datetime import datetime

    from linxi_gis import catalog as catalogs
    from linxi_gis.cli.layerdiff import opened, version_of
    from linxi_gis.importing import metadata

    held = catalogs.read(roof.catalog_path(catalog))
    entry = version_of(held, said)
    told = metadata.record(entry, opened(held, entry), metadata.source(entry), datetime.now().date())
    text = metadata.xml(told)
    if out is None:
        click.echo(text)
        return
    try:
        with Path(out).open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text + "\n")
    except FileExistsError as error:
        raise UsageError(f"{out} 已经有了，没有覆盖", remedy="请换一个 --out") from error
    except OSError as error:
        raise UsageError(f"{out} 写不出来（{error.strerror}）", remedy="请换一个 --out") from error
    click.echo(out)
