"""`linxi industry`: look an industry up by code or by a word of its name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import words

if TYPE_CHECKING:
    from linxi_gis.industry import Industries, Industry

_NO_HINT = "环评类别（报告书、报告表）不在这里提示：《建设项目环境影响评价分类管理名录》的附表没有收入，请对照名录原文。"


@click.command(cls=words.Command)
@click.argument("asked", nargs=-1, required=True, metavar="代码或名称...")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", metavar="格式", help="table 或 json")
def industry(asked: tuple[str, ...], form: str) -> int:
    """查行业代码（GB/T 4754-2017）：按代码看上级和下级，按名称里的词查找。"""
    from linxi_gis import industry as industries
    from linxi_layers import industry_file

    table = industries.read(industry_file())
    found = [(word, *_found(word, table)) for word in asked]
    if form == "json":
        body = [
            {"asked": word, "exact": exact, "industries": [_body(one, table) for one in hits]}
            for word, exact, hits in found
        ]
        click.echo(json.dumps(body, ensure_ascii=False, indent=1))
    else:
        for word, exact, hits in found:
            _show(word, exact, hits, table)
        click.echo(_NO_HINT, err=True)
    return 0


def _found(word: str, table: Industries) -> tuple[bool, Sequence[Industry]]:
    """Return what a word means, or, after False, what it may mean."""
    from linxi_gis.errors import UsageError
    from linxi_gis.industry import checked, codes

    try:
        by_code = codes(checked(word, table, ""))
    except UsageError:
        by_code = ()
    if by_code:
        return True, [table.by_code[code] for code in by_code]
    named = table.named(word)
    return bool(named), named or table.near(word)


def _show(word: str, exact: bool, hits: Sequence[Industry], table: Industries) -> None:
    if not exact:
        click.echo(f"没有名称含“{word}”的行业，也没有这个代码" + ("；相近的有：" if hits else ""))
    for one in hits:
        above = " › ".join(f"{up.code} {up.name}" for up in table.ancestors(one.code))
        click.echo(f"{one.code}  {one.name}（{one.level}）" + (f"  {above}" if above else ""))
        if exact and len(hits) == 1:
            click.echo("".join(f"      {line}\n" for line in _lines(table.descendants(one.code))), nl=False)


def _lines(below: Iterable[Industry]) -> list[str]:
    return [f"{one.code}  {one.name}" for one in below]


def _body(one: Industry, table: Industries) -> dict[str, object]:
    return {
        **asdict(one),
        "ancestors": [up.code for up in table.ancestors(one.code)],
        "children": [down.code for down in table.children(one.code)],
    }
