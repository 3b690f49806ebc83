"""The access list on the terminal: a line a clause, under its level and unit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linxi_gis.clauses import Access, ClauseResult, Outcome
from linxi_gis.report.access import asks, parts, short_id, summary
from linxi_gis.units import plain

COLOURS = {
    Outcome.BROKEN: "bold red",
    Outcome.OPEN: "yellow",
    Outcome.MET: "green",
    Outcome.NOT_APPLICABLE: "dim",
}
_UNCHECKED_STYLE = "bold magenta"


def render(access: Access) -> RenderableType:
    """Return the list for a terminal: a line a clause, and why where it is not met. Nothing is boxed."""
    lines: list[RenderableType] = [Text(summary(access), style="bold")]
    for part in parts(access):
        lines.append(Text(plain(part.title)))
        if part.unchecked:
            lines.append(Text(plain(f"  未核查：{part.unchecked}"), style=_UNCHECKED_STYLE))
        if part.results:
            lines.append(_table(part.results))
    lines += [Text(plain(f"问：{text}（{attribute}，{n} 条）"), style="cyan") for attribute, text, n in asks(access)]
    return Group(*lines)


def _table(results: Sequence[ClauseResult]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in results:
        text = Text(plain(one.clause.text), no_wrap=True, overflow="ellipsis")
        table.add_row(Text(f"  {plain(short_id(one))}"), Text(one.outcome.label, style=COLOURS[one.outcome]), text)
        if one.outcome is Outcome.BROKEN:
            told = f"{one.clause.effect.label}：{one.why}（{one.clause.source}）"
            table.add_row("", "", Text(plain(told), style="red"))
    return table
