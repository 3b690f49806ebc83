"""`linxi layers import`: check a table of access-list clauses and put it beside the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import layerimport, roof, words
from linxi_gis.errors import CatalogError, UsageError
from linxi_gis.units import plain

if TYPE_CHECKING:
    from linxi_gis.catalog import Catalog
    from linxi_gis.clauses import ClauseBook

_KEPT_AS = "clauses.csv"
_TOLD = 8
_HEAD = re.compile(r"^\ufeff?[ \t]*\[[ \t]*catalog[ \t]*\][ \t]*(?:#[^\r\n]*)?(?=\r?$)", re.MULTILINE)


@click.command("import", cls=words.Command)
@click.argument("files", metavar="[文件]...", nargs=-1)
@click.option("--theme", metavar="主题", help="图层的主题；官方成果包按字段名自动认出")
@click.option("--id", "layer_id", metavar="编号", help="图层在目录里的 id，默认按主题")
@click.option("--title", metavar="名称", help="图层名称，默认为主题的名称")
@click.option("--version", "version", metavar="版本", help="版本名，默认为 --from 或今天的日期")
@click.option("--from", "since", metavar="日期", help="从哪一天起生效；已有版本时必须写，原版本到前一天为止")
@click.option("--coverage", metavar="范围", help="county、unknown 或范围文件：在哪里“没有”就是没有")
@click.option("--accuracy", type=click.FloatRange(min=0), metavar="米", help="界线的点位精度")
@click.option("--crs", metavar="坐标系", help="文件没有写明坐标系时指明，如 EPSG:4527、GCJ-02")
@click.option("--yes", is_flag=True, help="不再询问，直接写入")
@click.option("--catalog", metavar="C.toml", help=roof.CATALOG_HELP)
@click.option("--clauses", metavar="文件", help="生态环境准入清单的条款表（csv、xlsx、xls、ods）")
@click.option("--template", metavar="文件", help="写一份空的条款表模板（.csv 或 .xlsx）")
@click.option("--force", is_flag=True, help="目录已有不同的准入清单时，换成这一份；模板文件已有时，重写成空的")
def layers_import(
    files: tuple[str, ...], catalog: str | None, clauses: str | None, template: str | None, force: bool, yes: bool,
    since: str | None, accuracy: float | None, **said: str | None,
) -> int:  # fmt: skip
    """导入图层：认出官方成果包，写成不再改动的版本，记进目录。也导入准入清单（--clauses、--template）。"""
    from linxi_gis import clausefile

    if (clauses is not None) + (template is not None) + bool(files) != 1:
        raise UsageError(
            "请写图层文件，或 --clauses、--template 之一", remedy="准入清单先用 --template 生成模板，填好后用 --clauses 导入"
        )
    if files:
        wish = layerimport.Wish(**said, since=layerimport.first_day(since), accuracy_m=accuracy, yes=yes)
        layerimport.bring_in(files, _own_catalog(catalog), wish)
        return 0
    if template is not None:
        if Path(template).exists() and not force:  # filled by now, perhaps: weeks of somebody's work
            raise UsageError(f"{template} 已经存在", remedy="请换一个文件名；确要重写成空表，加 --force")
        clausefile.write_template(Path(template))
        click.echo(template)
        return 0
    _install(Path(clauses or ""), _own_catalog(catalog), force)
    return 0


def _own_catalog(given: str | None) -> Path:
    path = roof.catalog_path(given, tell=False)
    if roof.is_bundled(path):
        raise UsageError("自带的示意目录不能改", remedy="请用 --catalog 指明自己的 catalog.toml")
    return path


def _install(table: Path, catalog: Path, force: bool) -> None:
    """Check a table, write it beside the catalogue and name it there; nothing is written while anything is wrong."""
    from linxi_gis import catalog as catalogs
    from linxi_gis import clausefile, industry, rulebook
    from linxi_layers import industry_file, rules_dir

    held = catalogs.read(catalog)
    rules = rulebook.load(rules_dir())
    book = clausefile.read(table, rules.attributes, industry.read(industry_file()))
    catalog = catalog.resolve()
    target = held.clauses or catalog.parent / _KEPT_AS
    if target.suffix.lower() != ".csv":
        target = target.with_suffix(".csv")
    body = clausefile.table_text(clausefile.cells_of(table)).encode()
    try:
        if target.is_file() and target.read_bytes() != body and not force:
            raise UsageError(f"{target} 已有不同的准入清单", remedy="先留一份，再加 --force 换成这一份")
        named = None if held.clauses == target.resolve() else _named(catalog, target)
        target.write_bytes(body)
        if named is not None:
            catalog.write_bytes(named)
    except OSError as error:
        raise CatalogError(f"写不出来（{error.strerror}）", where=str(target), remedy="请关闭正在打开它的程序") from error
    click.echo(f"共 {len(book.clauses)} 条：{'，'.join(f'{level} {count}' for level, count in _levels(book).items())}", err=True)
    for line in _gaps(book, held):
        click.echo(plain(line), err=True)
    click.echo(str(target))


def _gaps(book: ClauseBook, held: Catalog) -> Iterator[str]:
    """Say which units of the catalogue's layers have no clause, and which clauses speak of no unit there."""
    from linxi_gis.clauses import UNIT_LEVEL, UNIT_THEME
    from linxi_gis.library import Library
    from linxi_gis.model import Layer
    from linxi_gis.prepared import Cache

    entries = tuple(entry for entry in held.entries if entry.identity.theme == UNIT_THEME)
    if not entries:
        yield "目录里没有管控单元图层（control_unit），没有核对单元编码；研判时准入清单用不上，请在 catalog.toml 里加上"
        return
    library = Library(replace(held, entries=entries, required_themes=()), cache=Cache(roof.cache_folder()), heeding=False)
    opened = [layer for layer in library.layers(roof.day_of(None)) if isinstance(layer, Layer)]
    if not opened:
        yield "管控单元图层读不出来，没有核对单元编码；请用 linxi layers list 查看原因"
        return
    drawn = list(dict.fromkeys(code for layer in opened for code in layer.zone_ids))
    written = list(dict.fromkeys(unit for one in book.clauses if one.level == UNIT_LEVEL for unit in one.units))
    for what, codes in (
        ("图层里的单元没有条款（研判时为未核查）", [code for code in drawn if code not in written]),
        ("条款所写的单元在图层里没有", [code for code in written if code not in drawn]),
    ):
        if codes:
            yield f"{what}：{'、'.join(codes[:_TOLD])}{f' 等 {len(codes)} 个' if len(codes) > _TOLD else ''}"


def _named(catalog: Path, table: Path) -> bytes:
    """Return the catalogue with the table named in it; all else, its line ends and byte order mark too, stays."""
    text = catalog.read_bytes().decode("utf-8")
    end = "\r\n" if "\r\n" in text else "\n"
    near = table.is_relative_to(catalog.parent)
    name = (table.relative_to(catalog.parent) if near else table).as_posix()
    line = f'clauses = "{name}"'
    head = _HEAD.search(text)
    if head is None:
        raise CatalogError("目录里没有 [catalog] 一节", where=str(catalog), remedy=f"请自行写上 {line}")
    section = text[head.end() :].partition("\n[")[0]
    rest = text[head.end() + len(section) :]
    said = re.sub(r"^[ \t]*clauses[ \t]*=[^\r\n]*", lambda _: line, section, count=1, flags=re.MULTILINE)
    if said == section and line not in section:
        said = f"{end}{line}{section}"
    return (text[: head.end()] + said + rest).encode()


def _levels(book: ClauseBook) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for clause in book.clauses:
        counts[clause.level] = counts.get(clause.level, 0) + 1
    return counts
