"""Access lists (生态环境准入清单) clause by clause: what they hold, and how a project stands to each. No geometry."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from linxi_gis.finding import Finding, Hit, LayerResult
from linxi_gis.industry import Industries, any_within
from linxi_gis.law import Attribute, Citation, Condition, TextStatus, Truth, Value, Verdict, comparisons
from linxi_gis.project import AMOUNTS, Project

UNIT_THEME = "control_unit"
VIOLATES = "violates_access_list"  # the fact that the Code's article on access lists asks for (ZONE-000)
DIMENSIONS = ("空间布局约束", "污染物排放管控", "环境风险防控", "资源利用效率")
UNIT_LEVEL = "单元"
LEVELS = ("自治区", "赤峰市", "林西县", UNIT_LEVEL)
# Lists are made by the province and the city (生态环境法典第六十六条); a county may add none.
NEEDED_LEVELS = LEVELS[:2]
EVERY = "全部"
INDUSTRY = "industry"  # the key of project.toml
# The digit of a unit's code after the county's six that tells its class (ZH150424[123]dddd).
UNIT_CLASSES = {"优先保护单元": "1", "重点管控单元": "2", "一般管控单元": "3"}
NO_FILE = "图层目录没有准入清单（[catalog] clauses）"

Sign = Literal["<=", "<", ">=", ">"]


class Outcome(enum.Enum):
    """How a project stands to a clause. OPEN is never taken for MET."""

    BROKEN = "不符合"
    OPEN = "待论证"
    MET = "符合"
    NOT_APPLICABLE = "不适用"

    @property
    def label(self) -> str:
        """The Chinese word printed everywhere."""
        return self.value


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a clause asks of a yearly amount (`AMOUNTS`): it must stand in this relation to the limit."""

    amount: str
    sign: Sign
    limit: float

    def holds(self, amounts: Mapping[str, float]) -> Truth:
        """Whether the project keeps to it; None while the amount is unknown.

        >>> Threshold("coal_t_a", "<=", 100.0).holds({"coal_t_a": 100.0}), Threshold("coal_t_a", "<", 1.0).holds({})
        (True, None)
        """
        value = amounts.get(self.amount)
        if value is None:
            return None
        match self.sign:
            case "<=":
                return value <= self.limit
            case "<":
                return value < self.limit
            case ">=":
                return value >= self.limit
            case _:
                return value > self.limit

    @property
    def label(self) -> str:
        """The requirement in words."""
        words = {"<=": "不大于", "<": "小于", ">=": "不小于", ">": "大于"}
        return f"{AMOUNTS[self.amount]}应{words[self.sign]} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of an access list, as its table has it.

    `units` are unit codes, classes of units or 全部. `groups` (industry codes, with all below them) and
    `applies` say whom it concerns; `violated` and `thresholds` when it is not met. Without the latter two
    nobody but a person can say that it is met. `effect` is what not meeting it amounts to.
    """

    level: str
    units: tuple[str, ...]
    dimension: str
    number: str
    text: str
    effect: Verdict
    source: str
    text_status: TextStatus = "verbatim"
    effective_from: date | None = None
    effective_to: date | None = None
    groups: tuple[str, ...] = ()
    applies: Condition | None = None
    violated: Condition | None = None
    thresholds: tuple[Threshold, ...] = ()

    @property
    def id(self) -> str:
        """What findings call it."""
        return f"准入清单 {self.level} {self.dimension} {self.number}"

    def in_force(self, day: date) -> bool:
        """Whether it holds on a day; without a first day it always has."""
        since, until = self.effective_from, self.effective_to
        return (since is None or since <= day) and (until is None or day <= until)

    def concerns(self, unit: str) -> bool:
        """Whether it speaks of a unit, by the unit's code."""
        own = next((word for word, digit in UNIT_CLASSES.items() if unit[8:9] == digit), "")
        return EVERY in self.units or unit in self.units or own in self.units

    @property
    def citation(self) -> Citation:
        """Its words as a finding cites them; where it stands is said by its id."""
        return Citation(
            self.source, "", "", self.text, self.text_status, self.effective_from, self.effective_to, "生态环境准入清单"
        )


@dataclass(frozen=True, slots=True)
class ClauseBook:
    """The clauses of a catalogue: the file's name, its SHA-256, and the industries its codes are of."""

    name: str
    sha256: str
    clauses: tuple[Clause, ...]
    industries: Industries


@dataclass(frozen=True, slots=True)
class Ask:
    """An unknown fact that would decide a clause: its key in project.toml, and the question."""

    attribute: str
    text: str


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """How the project stands to one clause, why, and what is still asked; `units` are the zone ids it speaks of."""

    clause: Clause
    outcome: Outcome
    why: str
    asks: tuple[Ask, ...]
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitCheck:
    """A unit the site meets (or may meet, `critical`), and why its list was not checked ("" if it was).

    `missing` are the needed levels above that say nothing of this unit on the day.
    """

    layer: str
    zone_id: str
    zone_name: str
    critical: bool
    unchecked: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Every clause of every unit met and of the levels above; `missing` are needed levels silent on some unit."""

    name: str
    sha256: str
    units: tuple[UnitCheck, ...]
    results: tuple[ClauseResult, ...]
    missing: tuple[str, ...]

    def count(self, outcome: Outcome) -> int:
        """How many clauses came out so."""
        return sum(one.outcome is outcome for one in self.results)


NOTHING = Access("", "", (), (), ())


def units_met(layers: Iterable[LayerResult]) -> Iterator[tuple[LayerResult, Hit]]:
    """Yield the units that hold something of the site, and those nearer than the accuracy."""
    for layer in layers:
        if layer.theme == UNIT_THEME:
            near = [layer.nearest] if layer.nearest is not None and layer.nearest not in layer.hits else []
            yield from ((layer, hit) for hit in (*layer.hits, *near) if hit.relation.hit or hit.critical)


def check(
    layers: Sequence[LayerResult],
    project: Project,
    book: ClauseBook | None,
    attributes: Mapping[str, Attribute],
    day: date,
) -> Access:
    """Compare a project with every clause of the units met; a list that is not there is told, never passed."""
    hits = {(layer.id, hit.zone_id): hit for layer, hit in units_met(layers)}
    units = tuple(_unit(layer, hit, book, day) for (layer, _), hit in hits.items())
    if book is None or not units:
        return Access("", "", units, (), ())
    known = _Known(project, project.facts(), attributes, book.industries, day)
    results = []
    for clause in book.clauses:
        concerned = tuple(dict.fromkeys(zone for _, zone in hits if clause.concerns(zone)))
        if concerned:
            outcome, why, asks = known.compare(clause)
            results.append(ClauseResult(clause, outcome, why, asks, concerned))
    results.sort(key=lambda one: (LEVELS.index(one.clause.level), DIMENSIONS.index(one.clause.dimension)))
    missing = tuple(level for level in NEEDED_LEVELS if any(level in unit.missing for unit in units))
    return Access(book.name, book.sha256, units, tuple(results), missing)


def _unit(layer: str, hit: Hit, book: ClauseBook | None, day: date) -> UnitCheck:
    heard = [one for one in book.clauses if one.concerns(hit.zone_id)] if book is not None else []
    own = [one for one in heard if one.level == UNIT_LEVEL]
    said = {one.level for one in heard if one.in_force(day)}
    if book is None:
        why = NO_FILE
    elif not own:
        why = "准入清单里没有本单元的条款"
    else:
        why = "" if any(clause.in_force(day) for clause in own) else "本单元的条款在研判日都不在有效期内"
    missing = tuple(level for level in NEEDED_LEVELS if level not in said) if book is not None else ()
    return UnitCheck(layer, hit.zone_id, hit.zone_name, not hit.relation.hit, why, missing)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known on a day: the project with its facts, the attributes' words, the table of industries."""

    project: Project
    facts: Mapping[str, Value]
    attributes: Mapping[str, Attribute]
    table: Industries
    day: date

    def compare(self, clause: Clause) -> tuple[Outcome, str, tuple[Ask, ...]]:
        """Return how the project stands to a clause, why, and what to ask; three-valued, unknown is never met."""
        if not clause.in_force(self.day):
            return Outcome.NOT_APPLICABLE, _dates(clause, self.day), ()
        concerned = any_within(self.project.industry, clause.groups, self.table) if clause.groups else True
        applies = clause.applies.truth(self.facts) if clause.applies is not None else True
        if concerned is False:
            groups = "、".join(clause.groups)
            return Outcome.NOT_APPLICABLE, f"项目行业 {self.project.industry} 不在适用行业（{groups}）之内", ()
        if applies is False:
            return Outcome.NOT_APPLICABLE, f"适用条件不成立：{self._told(clause.applies)}", ()
        asks = (*(self._industry() if concerned is None else ()), *(self._asked(clause.applies) if applies is None else ()))
        if clause.violated is None and not clause.thresholds:
            return Outcome.OPEN, "没有可由程序判断的条件，须人工对照", asks
        broken = self._broken(clause)
        if broken is None:
            asks = (*asks, *self._asked(clause.violated), *self._amounts(clause))
        if broken is None or concerned is None or applies is None:
            return Outcome.OPEN, "所需情况未知", tuple(dict.fromkeys(asks))
        return (Outcome.BROKEN if broken else Outcome.MET), self._because(clause), ()

    def _broken(self, clause: Clause) -> Truth:
        """Whether a clause is not met: by its condition, or by any of its thresholds."""
        truths: list[Truth] = [clause.violated.truth(self.facts)] if clause.violated is not None else []
        held = [threshold.holds(self.project.amounts) for threshold in clause.thresholds]
        truths += [None if one is None else not one for one in held]
        return True if True in truths else None if None in truths else False

    def _because(self, clause: Clause) -> str:
        """Say what decided a clause: the industry, the facts its conditions read, the amounts measured."""
        amounts = self.project.amounts
        industry = f"行业 {self.project.industry} 属适用行业（{'、'.join(clause.groups)}）" if clause.groups else ""
        told = [industry, self._told(clause.applies), self._told(clause.violated)]
        told += [f"{t.label}，项目为 {amounts[t.amount]:g}" for t in clause.thresholds if t.amount in amounts]
        return "；".join(text for text in told if text) or (
            "凡在所管单元内即不符合" if self._broken(clause) else "条件恒不成立"
        )

    def _told(self, condition: Condition | None) -> str:
        """Return the known facts of a condition in words, e.g. 扩建：是."""
        names = _names(condition)
        return "，".join(
            f"{self.attributes[name].label}：{'是' if self.facts[name] else '否'}" for name in names if name in self.facts
        )

    def _asked(self, condition: Condition | None) -> Iterator[Ask]:
        """Yield a question for every fact of a condition that nobody has told."""
        for name in _names(condition):
            if name not in self.facts:
                yield Ask(name, self.attributes[name].question)

    def _amounts(self, clause: Clause) -> Iterator[Ask]:
        for threshold in clause.thresholds:
            if threshold.amount not in self.project.amounts:
                yield Ask(threshold.amount, f"{AMOUNTS[threshold.amount]}是多少？")

    def _industry(self) -> tuple[Ask, ...]:
        coarse = f"（{self.project.industry} 过粗）" if self.project.industry else ""
        return (Ask(INDUSTRY, f"项目的行业小类代码（GB/T 4754-2017）是什么？{coarse}"),)


def _names(condition: Condition | None) -> tuple[str, ...]:
    """Return the attributes a condition reads, each once."""
    return tuple(dict.fromkeys(one.attribute for one in comparisons(condition))) if condition is not None else ()


def _dates(clause: Clause, day: date) -> str:
    if clause.effective_from is not None and day < clause.effective_from:
        return f"{clause.effective_from.isoformat()} 起施行，研判日尚未生效"
    return f"有效期至 {clause.effective_to}，研判日已失效"


def unit_facts(access: Access, project: Project) -> dict[tuple[str, str], dict[str, Value]]:
    """Return what the comparison tells the rules of each unit, by layer and zone id.

    A ban that is not met violates the list; a list is kept to only where the unit's own clauses and those of
    the needed levels are all there for that unit, and every one is met or not applicable. What the user said stays.
    """
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for unit in access.units:
        mine = [one for one in access.results if unit.zone_id in one.units]
        if any(one.outcome is Outcome.BROKEN and worst_of(one.clause) is Verdict.PROHIBITED for one in mine):
            found[unit.layer, unit.zone_id] = {VIOLATES: True}
        elif unit.unchecked or unit.missing or VIOLATES in project.facts():
            continue
        elif all(one.outcome in (Outcome.MET, Outcome.NOT_APPLICABLE) for one in mine):
            found[unit.layer, unit.zone_id] = {VIOLATES: False}
    return found


def worst_of(clause: Clause) -> Verdict:
    """The most a clause may amount to: words nobody vouches for ban nothing."""
    return clause.effect if clause.text_status == "verbatim" else min(clause.effect, Verdict.TO_JUSTIFY)


def findings(access: Access, layers: Sequence[LayerResult]) -> Iterator[Finding]:
    """Yield a finding for every clause that is not met, on the unit where it weighs most."""
    for result in access.results:
        if result.outcome is not Outcome.BROKEN:
            continue
        held = [(capped(result.clause, layer, hit), layer, hit) for layer, hit in units_met(layers)
                if hit.zone_id in result.units]  # fmt: skip
        (verdict, caps), layer, hit = max(held, key=lambda one: one[0][0].rank)
        words = [f"不符合：{result.why}", *caps]
        if len(result.units) > 1:
            words.append(f"涉及 {len(result.units)} 个单元")
        yield Finding(layer.id, hit, verdict, result.clause.id, result.clause.citation, "；".join(words))


def capped(clause: Clause, layer: LayerResult, hit: Hit) -> tuple[Verdict, list[str]]:
    """Return what not meeting a clause amounts to on one unit, and why it is no more."""
    verdict, told = worst_of(clause), [] if clause.text_status == "verbatim" else ["条文待核"]
    if not hit.relation.hit:
        verdict = min(verdict, Verdict.TO_JUSTIFY)
        told.append(f"临界：距离 {hit.distance_m:.2f} m 小于合成精度，须实测核定")
    if layer.legal_status == "draft":
        verdict = min(verdict, Verdict.NOTICE)
        told.append("图层为草案，只作提示")
    if layer.status == "stale":
        told.append("图层版本已过期")
    return verdict, told
