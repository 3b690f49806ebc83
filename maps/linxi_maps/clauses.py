"""The access list beside a map: every clause under its level and unit. Whatever comes from data passes `safe`."""

from __future__ import annotations

from linxi_gis.clauses import Access, ClauseResult, Outcome
from linxi_gis.law import Verdict
from linxi_gis.report.access import asks, parts, short_id, summary
from linxi_maps.escape import safe
from linxi_maps.panels import colour

_LIKE = {Outcome.OPEN: Verdict.TO_JUSTIFY, Outcome.MET: Verdict.CLEAR, Outcome.NOT_APPLICABLE: Verdict.CLEAR}


def clause_list(access: Access) -> str:
    """Return the clauses as a section of the side panel, "" where no control unit is met."""
    if not access.units:
        return ""
    told = [f'<p class="lx-note">{safe(summary(access))}</p>']
    for part in parts(access):
        told.append(f"<h3>{safe(part.title)}</h3>")
        if part.unchecked:
            told.append(f'<p class="lx-note"><b>未核查</b>：{safe(part.unchecked)}</p>')
        told += [_clause(one) for one in part.results]
    told += [f'<p class="lx-basis">待明确：{safe(text)}（{safe(name)}，{n} 条）</p>' for name, text, n in asks(access)]
    return f"<section><h2>生态环境准入清单</h2>{''.join(told)}</section>"


def _clause(one: ClauseResult) -> str:
    like = one.clause.effect if one.outcome is Outcome.BROKEN else _LIKE[one.outcome]
    head = f"<p><b>{one.outcome.label}</b> {safe(short_id(one))}　{safe(one.clause.text)}</p>"
    why = f'<p class="lx-basis">{safe(one.why)}（{safe(one.clause.source)}）</p>'
    return f'<div class="lx-finding" {colour(like)}>{head}{why}</div>'
