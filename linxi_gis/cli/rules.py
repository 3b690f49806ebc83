"""`linxi rules`: the pack in force on a day, one rule whole, what changed, and the proof of the pack."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import roof, words
from linxi_gis.errors import UsageError
from linxi_gis.themes import TEXT_STATUS_TITLES

if TYPE_CHECKING:
    from linxi_gis.report.rulepage import Line
    from linxi_gis.rulecheck import Proof

_ON = click.option("--on", metavar="日期", help=roof.ON_HELP)
_RULES = click.option("--rules", "local", multiple=True, metavar="文件夹", help=roof.RULES_HELP)
_FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="text（默认）或 json")
_CHECK_HELP = "核对哪个规则包，默认自带的；地方规则包可多次，与自带的一起核对"
_LABEL = 10  # columns of the longest label of a page (罚则全文) and a gap
_WHOLE = 160  # columns where nobody looks: a file, a pipe


@click.group(cls=words.Group)
def rules() -> None:
    """规则包：当日有效的条文、一条规则的全部、两日之间的变化，以及核对。"""


@rules.command("list", cls=words.Command)
@_ON
@_RULES
def list_(on: str | None, local: tuple[str, ...]) -> None:
    """列出某日有效的规则。"""
    day = roof.day_of(on)
    _table(
        ("编号", "结论", "区域和类别", "依据", "原文"),
        [
            (rule.id, rule.effect.label, f"{rule.zone_words} / {rule.class_words}",
             f"{rule.basis.instrument.removeprefix('中华人民共和国')} {rule.basis.article}",
             TEXT_STATUS_TITLES[rule.basis.text_status])
            for rule in roof.open_rulebook(local).in_force(day)
        ],
    )  # fmt: skip


@rules.command("show", cls=words.Command)
@click.argument("rule_id", metavar="编号")
@_RULES
@_FORMAT
def show(rule_id: str, local: tuple[str, ...], form: str) -> None:
    """显示一条规则：原文、日期、条件、要问的问题、罚则、前后各版、条文全文。"""
    from linxi_gis.report import rulepage

    book = roof.open_rulebook(local)
    if all(rule.id != rule_id for rule in book.rules):
        raise UsageError(f"没有编号为 {rule_id!r} 的规则", remedy="用 linxi rules list 查看编号")
    rule = book.rule(rule_id)
    if form == "json":
        _json(rulepage.body(book, rule))
        return
    _page(rulepage.page(book, rule))


@rules.command("diff", cls=words.Command)
@click.argument("before", metavar="日期1")
@click.argument("after", metavar="日期2")
@_RULES
@_FORMAT
def diff(before: str, after: str, local: tuple[str, ...], form: str) -> None:
    """两日之间规则的变化：谁接续谁、哪里不同，谁失效，谁新增。"""
    from linxi_gis import rulechange
    from linxi_gis.report import rulepage

    book = roof.open_rulebook(local)
    changes = rulechange.between(book, roof.day_of(before, "日期1"), roof.day_of(after, "日期2"))
    if form == "json":
        _json(rulepage.changes_body(changes))
        return
    click.echo(rulepage.headline(changes))
    for title, lines in rulepage.change_pages(book, changes):
        click.echo()
        click.secho(title, bold=True)
        _page(lines)


@rules.command("check", cls=words.Command)
@click.option("--rules", "folders", multiple=True, metavar="文件夹", help=_CHECK_HELP)
@_FORMAT
def check(folders: tuple[str, ...], form: str) -> None:
    """核对规则包：格式、引文与条文、日期与接续、区域、三值、有没有缺口。有问题时退出码为 4。"""
    proof = _proof(roof.rule_folders(folders))
    if form == "json":
        _json({
            "rules": proof.rules, "articles": proof.articles, "whole": proof.whole,
            "problems": [
                {"kind": one.kind, "kind_label": one.kind_title, "file": one.file, "rule": one.rule,
                 "key": one.key, "what": one.what, "remedy": one.remedy}
                for one in proof.problems
            ],
        })  # fmt: skip
    else:
        _told(proof)
    if proof.problems:
        raise click.exceptions.Exit(4)


def _proof(folders: list[Path]) -> Proof:
    """Prove the bundled pack, one pack in its place, or local packs on top of it."""
    from linxi_gis import localpack, rulecheck
    from linxi_layers import rules_dir

    if not folders:
        return rulecheck.prove(rules_dir())
    if len(folders) == 1 and not localpack.is_local(folders[0]):
        return rulecheck.prove(folders[0])
    return rulecheck.prove_local(rules_dir(), folders)


def _told(proof: Proof) -> None:
    for one in proof.problems:
        click.echo(one.line)
    eased = f"、{proof.overrides} 条放宽（override）" if proof.overrides else ""
    count = f"{proof.rules} 条规则、{proof.articles} 条条文{eased}"
    if not proof.problems:
        click.echo(f"已核对 {count}：没有问题")
        return
    rest = "" if proof.whole else "；有规则读不出来，三值、缺口和接续尚未核对，请先改正以上各处"
    click.echo(f"已核对 {count}：{len(proof.problems)} 处问题{rest}")


@rules.command("attributes", cls=words.Command)
@_RULES
def attributes(local: tuple[str, ...]) -> None:
    """列出规则用到的项目属性和对应的问题（写进 project.toml 或 --set）。"""
    known = roof.open_rulebook(local).attributes.values()
    _table(
        ("属性", "含义", "问题"),
        [(a.name, a.label, a.question) for a in known if a.askable],
    )


def _json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _page(lines: Iterable[Line]) -> None:
    """Print a page: on a terminal in two columns, the words wrapped beside their label; else a line each."""
    if not sys.stdout.isatty():
        for line in lines:
            click.echo(f"{line.label}：{line.text}" if line.label else f"  {line.text}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=_LABEL, no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(line.label, Text(line.text))
    Console().print(grid)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else _WHOLE).print(table)
