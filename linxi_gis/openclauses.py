"""What is still open in an access list: which answers would break a clause, and what nobody can be asked yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from linxi_gis.clauses import (
    INDUSTRY,
    VIOLATES,
    Access,
    ClauseResult,
    Outcome,
    UnitCheck,
    capped,
    units_met,
    worst_of,
)  # fmt: skip
from linxi_gis.finding import LayerResult
from linxi_gis.law import All, AnyOf, Condition, Is, Not, Verdict
from linxi_gis.project import AMOUNTS, Project

NEVER_TOLD = Is(VIOLATES, True)  # a leaf for what no question settles: left unread, it stays unknown


@dataclass(frozen=True, slots=True)
class Doubt:
    """An open clause that yes and no can decide: when it is broken, and what it amounts to on the site then."""

    id: str
    result: ClauseResult
    condition: Condition
    effect: Verdict


@dataclass(frozen=True, slots=True)
class Awaited:
    """Open clauses that wait for an industry code or an amount: how many, what for, and the worst they come to."""

    clauses: int
    what: tuple[str, ...]
    worst: Verdict


def doubts(access: Access, project: Project, layers: Sequence[LayerResult]) -> Iterator[Doubt]:
    """Yield the open clauses that yes and no can decide; an industry or an amount nobody told keeps one open."""
    for result in access.results:
        condition = _broken(result, project)
        if condition is not None:
            clause = result.clause
            name = f"{clause.id}（{'、'.join(clause.units)}）"
            yield Doubt(name, result, condition, _effect(result, layers))


def awaited(access: Access, project: Project, layers: Sequence[LayerResult]) -> Awaited | None:
    """Return what open clauses wait for beside yes and no, None when for nothing that could break one."""
    waiting = [one for one in access.results if one.outcome is Outcome.OPEN and _waits(one, project)]
    if not waiting:
        return None
    names = {INDUSTRY: "行业小类代码", **AMOUNTS}
    what = dict.fromkeys(names[ask.attribute] for one in waiting for ask in one.asks if ask.attribute in names)
    return Awaited(len(waiting), tuple(what), max(_effect(one, layers) for one in waiting))


def violated(unit: UnitCheck, access: Access, found: Sequence[Doubt], project: Project) -> Condition:
    """Return under which answers the list of a unit is violated, as `clauses.unit_facts` tells: a ban that is broken.

    It is surely kept to only where every clause is there and settled: else what is not violated stays unknown.
    """
    mine = [one for one in access.results if unit.zone_id in one.units]
    decidable = [one for one in found if unit.zone_id in one.result.units]
    settled = {id(one.result) for one in decidable if not _waits(one.result, project)}
    bans = [_as_told(one) for one in decidable if worst_of(one.result.clause) is Verdict.PROHIBITED]
    milder = [
        All((_as_told(one), NEVER_TOLD)) for one in decidable if worst_of(one.result.clause) is not Verdict.PROHIBITED
    ]
    left = any(one.outcome in (Outcome.OPEN, Outcome.BROKEN) and id(one) not in settled for one in mine)
    loose = [NEVER_TOLD] if unit.unchecked or unit.missing or left else []
    return AnyOf((*bans, *milder, *loose))


def _as_told(doubt: Doubt) -> Condition:
    """When a clause is broken, unknown while nobody knows whether it applies: only then is it open."""
    applies = doubt.result.clause.applies
    return doubt.condition if applies is None else AnyOf((doubt.condition, All((applies, Not(applies)))))


def substituted(condition: Condition, name: str, by: Condition) -> Condition:
    """Return a condition with another in the place of an attribute.

    >>> substituted(Not(Is("a", True)), "a", Is("b", True))
    Not(part=Is(attribute='b', value=True))
    """
    match condition:
        case Is(attribute, value) if attribute == name:
            return by if value is True else Not(by)
        case Is():
            return condition
        case Not(part):
            return Not(substituted(part, name, by))
        case All(parts):
            return All(tuple(substituted(part, name, by) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(substituted(part, name, by) for part in parts))


def _broken(result: ClauseResult, project: Project) -> Condition | None:
    """When an open clause is broken, None when yes and no alone cannot break it."""
    clause = result.clause
    if result.outcome is not Outcome.OPEN or any(ask.attribute == INDUSTRY for ask in result.asks):
        return None
    over = any(one.holds(project.amounts) is False for one in clause.thresholds)
    if clause.violated is None and not over:
        return None
    parts = (clause.applies, None if over else clause.violated)
    return All(tuple(part for part in parts if part is not None))


def _waits(result: ClauseResult, project: Project) -> bool:
    """Whether a clause that can be broken at all waits for an industry code or an amount."""
    clause = result.clause
    machine = clause.violated is not None or bool(clause.thresholds)
    unknown = any(one.holds(project.amounts) is None for one in clause.thresholds)
    return machine and (unknown or any(ask.attribute == INDUSTRY for ask in result.asks))


def _effect(result: ClauseResult, layers: Sequence[LayerResult]) -> Verdict:
    return max(capped(result.clause, layer, hit)[0] for layer, hit in units_met(layers) if hit.zone_id in result.units)
