"""The access list of a site as people read it: every clause under its level and unit; the same on every face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from linxi_gis.clauses import UNIT_LEVEL, Access, ClauseResult, Outcome, UnitCheck

_SHORT = {"空间布局约束": "空间", "污染物排放管控": "污染", "环境风险防控": "风险", "资源利用效率": "资源"}


@dataclass(frozen=True, slots=True)
class Part:
    """The clauses of one level, or of one unit; `unchecked` says why there are none to go by."""

    title: str
    results: tuple[ClauseResult, ...]
    unchecked: str = ""


def parts(access: Access) -> tuple[Part, ...]:
    """Return the clauses by level, then by unit; what was not checked stands in its place."""
    above: dict[str, list[ClauseResult]] = {level: [] for level in access.missing}
    for one in access.results:
        if one.clause.level != UNIT_LEVEL:
            above.setdefault(one.clause.level, []).append(one)
    found = [
        Part(level, tuple(results), "没有该级清单的条款（研判日有效的）" if level in access.missing else "")
        for level, results in above.items()
    ]
    return (*found, *(_unit(unit, access) for unit in access.units))


def _unit(unit: UnitCheck, access: Access) -> Part:
    own = [one for one in access.results if one.clause.level == UNIT_LEVEL and unit.zone_id in one.units]
    near = "，临界" if unit.critical else ""
    return Part(f"{unit.zone_name or unit.zone_id}（{unit.zone_id}{near}）", tuple(own), unit.unchecked)


def summary(access: Access) -> str:
    """Return how many clauses came out how, and how many units were not checked."""
    counts = "，".join(f"{outcome.label} {n}" for outcome in Outcome if (n := access.count(outcome)))
    said = f"生态环境准入清单 {len(access.results)} 条：{counts}" if counts else "生态环境准入清单：没有条款"
    left = sum(bool(unit.unchecked) for unit in access.units) + len(access.missing)
    return f"{said}；未核查 {left} 份清单" if left else said


def asks(access: Access) -> tuple[tuple[str, str, int], ...]:
    """Return (attribute, question, number of clauses it would decide), the most telling first."""
    counted: dict[tuple[str, str], int] = {}
    for one in access.results:
        for ask in one.asks:
            counted[ask.attribute, ask.text] = counted.get((ask.attribute, ask.text), 0) + 1
    ranked = sorted(counted.items(), key=lambda item: -item[1])
    return tuple((attribute, text, count) for (attribute, text), count in ranked)


def short_id(one: ClauseResult) -> str:
    """Return a clause's dimension and number in few characters."""
    return f"{_SHORT[one.clause.dimension]} {one.clause.number}"


def rows(access: Access, site: str) -> Iterator[tuple[str, ...]]:
    """Yield a row a clause, and one for every list that was not checked, for a spreadsheet."""
    for part in parts(access):
        if part.unchecked:
            yield (site, part.title, "", "", "", "未核查", part.unchecked, "", "", "", "")
        for one in part.results:
            clause = one.clause
            yield (
                site, part.title, clause.dimension, clause.number, clause.text, one.outcome.label, one.why,
                clause.effect.label, clause.source, _span(one), "；".join(ask.text for ask in one.asks),
            )  # fmt: skip


HEAD = ("地块", "层级或单元", "维度", "编号", "条款", "结果", "理由", "不符合时", "依据文件", "有效期", "待答问题")


def _span(one: ClauseResult) -> str:
    since, until = one.clause.effective_from, one.clause.effective_to
    return f"{since or ''}～{until or ''}" if since or until else ""


def body(access: Access) -> Mapping[str, Any]:
    """Return the list as JSON values for the extract."""
    return {
        "summary": summary(access),
        "file": access.name,
        "sha256": access.sha256,
        "levels_missing": list(access.missing),
        "units": [
            {
                "layer": unit.layer,
                "zone_id": unit.zone_id,
                "zone_name": unit.zone_name,
                "critical": unit.critical,
                "status": "not_checked" if unit.unchecked else "checked",
                "why": unit.unchecked,
            }
            for unit in access.units
        ],
        "clauses": [_clause(one) for one in access.results],
    }


def _clause(one: ClauseResult) -> Mapping[str, Any]:
    clause = one.clause
    since = clause.effective_from.isoformat() if clause.effective_from else ".."
    until = clause.effective_to.isoformat() if clause.effective_to else ".."
    return {
        "level": clause.level,
        "units": list(one.units),
        "dimension": clause.dimension,
        "number": clause.number,
        "text": clause.text,
        "text_status": clause.text_status,
        "status": one.outcome.name,
        "status_label": one.outcome.label,
        "why": one.why,
        "effect": clause.effect.name,
        "effect_label": clause.effect.label,
        "source": clause.source,
        "in_force": f"{since}/{until}",
        "industries": list(clause.groups),
        "questions": [{"attribute": ask.attribute, "text": ask.text} for ask in one.asks],
    }
