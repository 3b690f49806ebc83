"""Decisive questions: the unknown facts that may change the overall verdict, and where each answer leads. Pure.

The overall verdict is the worst of what many conditions come to, and complete unless a required layer or the
zone of a ban was not seen. An attribute counts when two complete sets of answers that differ in it alone lead
to different outcomes. Level by level of gravity: an answer raises the verdict to a level just when it makes
one condition speak that loud while, under the other answer, all conditions stay below. Both are read off the
conditions' cubes, so nothing is enumerated over all attributes. What is left of the rest cannot matter, and
an answer never makes another attribute matter: restricted, the same conditions have fewer assignments.

Attributes count as independent (nothing knows that who sets a new outfall sets an outfall). A condition with
too many cubes, or a search that takes too many steps, counts as mattering: then a question may be too many,
and stay after an answer that settles it, but none is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from linxi_gis.cubes import ALWAYS, Cube, TooManyCubes, cubes, given, merged
from linxi_gis.finding import Decisive, Outcome
from linxi_gis.law import Attribute, Condition, Value, Verdict

_BY_CLAUSES = "clause_comparison"  # yes is for people to say; no takes the comparison clause by clause
_LEVELS = (Verdict.PROHIBITED, Verdict.RESTRICTED, Verdict.TO_JUSTIFY, Verdict.NOTICE)
_MOST_STEPS = 20_000
_GRAVITY = (
    Verdict.CLEAR, Verdict.NOTICE, Verdict.NOT_CHECKED, Verdict.TO_JUSTIFY, Verdict.RESTRICTED, Verdict.PROHIBITED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stake:
    """A condition that has a say: what it comes to when true and while unknown (false, it comes to nothing).

    `read` are all attributes it reads, None where unknown. The rule's id stands for the condition when stakes
    are compared, with the `place` where a place has a condition of its own. Where other conditions stand in for an
    attribute, `said` is that attribute and what the rule says of a plain yes to it.
    """

    rule: str
    read: tuple[tuple[str, Value | None], ...]
    if_true: Verdict
    if_unknown: Verdict
    condition: Condition = field(compare=False)
    place: str = ""
    said: tuple[str, Condition] | None = field(default=None, compare=False)

    def now(self, answered: Mapping[str, Value]) -> Verdict:
        """What it comes to with these answers, all else as it is."""
        condition = self.condition
        if self.said is not None and answered.get(self.said[0]) is True:
            condition = self.said[1]
        truth = condition.truth({**{k: v for k, v in self.read if v is not None}, **answered})
        return Verdict.CLEAR if truth is False else self.if_true if truth else self.if_unknown


@dataclass(frozen=True, slots=True)
class Balance:
    """All that the overall verdict of a site hangs on.

    `voices` speak of the site. `blinds` are bans on zones nobody saw: one that is true leaves the verdict
    incomplete. `floor` is what holds without any rule; `unchecked` that something required was not seen.
    """

    voices: tuple[Stake, ...]
    blinds: tuple[Stake, ...]
    floor: Verdict
    unchecked: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stakes come to as things stand, the worst first, and which of them an attribute is open in."""

    ends: Sequence[tuple[Verdict, Stake]]
    unknown: Mapping[str, Sequence[Stake]]

    @property
    def now(self) -> Verdict:
        """The worst of all."""
        return self.ends[0][0] if self.ends else Verdict.CLEAR

    def worst(self, name: str, answer: bool) -> Verdict:
        """The worst of all with one more answer."""
        moved = self.unknown.get(name, ())
        kept = next((end for end, stake in self.ends if (name, None) not in stake.read), Verdict.CLEAR)
        return max([kept, *(stake.now({name: answer}) for stake in moved)])


def _standing(stakes: Iterable[Stake]) -> _Standing:
    ends = sorted(((stake.now({}), stake) for stake in stakes), key=lambda pair: -pair[0].rank)
    unknown: dict[str, list[Stake]] = {}
    for _, stake in ends:
        for name, value in stake.read:
            if value is None:
                unknown.setdefault(name, []).append(stake)
    return _Standing(ends, unknown)


@dataclass(frozen=True, slots=True)
class _Gate:
    """One condition at one level: the cubes under which it is at least that grave, and under which it is not.

    `reads` are the attributes in them; a loose gate has too many cubes to list.
    """

    on: Sequence[Cube]
    off: Sequence[Cube]
    reads: int
    loose: bool = False

    def shut(self, bit: int, answer: bool) -> Sequence[Cube]:
        """The cubes under which it is not, with an answer to one attribute, which is left out of them."""
        return given(self.off, bit, answer) if self.reads & bit else self.off


def overall(worst: Verdict, complete: bool) -> Outcome:
    """Return the outcome of the worst finding: while anything is unchecked, nothing mild is believed."""
    if complete or worst > Verdict.NOTICE:
        return Outcome(worst, complete)
    return Outcome(Verdict.NOT_CHECKED, False)


def questions(balance: Balance, attributes: Mapping[str, Attribute]) -> tuple[Decisive, ...]:
    """Return the unknown attributes that may change the overall verdict, the most decisive first.

    First come those whose answers differ most in what they leave reachable, then in what they lead to at once,
    then those that may bring about or take away the gravest verdict, then as the findings stand. Those on which
    only completeness hangs come last.
    """
    bits = _bits((*balance.voices, *balance.blinds), attributes)
    levels = [_gates(balance.voices, bits, level) if level > balance.floor else None for level in _LEVELS]
    blinds = None if balance.unchecked else _gates(balance.blinds, bits, Verdict.NOTICE)
    standing = _standing(balance.voices), _standing(balance.blinds)
    asked = []
    for name, bit in bits.items():
        counts, gravest = _counts(bit, levels, blinds)
        if counts:
            asked.append(_asked(attributes[name], bit, gravest, balance, standing, levels, blinds))
    return tuple(sorted(asked, key=effect))


def _bits(stakes: Iterable[Stake], attributes: Mapping[str, Attribute]) -> dict[str, int]:
    names = dict.fromkeys(name for stake in stakes for name, value in stake.read if value is None)
    askable = [n for n in names if attributes[n].askable and attributes[n].type == "boolean"]
    return {name: 1 << number for number, name in enumerate(askable)}


def _gates(stakes: Iterable[Stake], bits: Mapping[str, int], level: Verdict) -> list[_Gate] | None:
    """Return the conditions at a level, None when one of them is surely that grave."""
    gates = []
    for stake in stakes:
        if max(stake.if_true, stake.if_unknown) < level:
            continue
        facts = {name: value for name, value in stake.read if value is not None}
        sure = stake.if_unknown < level
        try:
            on = cubes(stake.condition, facts, bits, truth=True, sure=sure)
            off = cubes(stake.condition, facts, bits, truth=False, sure=not sure)
            gate = _Gate(on, off, reduce(or_, (yes | no for yes, no in (*on, *off)), 0))
        except TooManyCubes:
            gate = _Gate((), (), sum(bits.get(name, 0) for name, _ in stake.read), loose=True)
        if gate.on == ALWAYS:
            return None
        if gate.on or gate.loose:
            gates.append(gate)
    return gates


def _counts(
    bit: int, levels: Sequence[list[_Gate] | None], blinds: list[_Gate] | None
) -> tuple[bool, Verdict | None]:
    """Whether an attribute may change the outcome, and the gravest verdict it may bring about or take away."""
    *grave, mild = levels
    for level, gates in zip(_LEVELS, grave, strict=False):
        if gates is not None and _changes(bit, gates, [()]):
            return True, level
    if blinds is None:
        return False, None  # 提示 or nothing: both are 未核查 while anything is unchecked
    seen = [[gate.shut(bit, answer) for gate in blinds if not gate.loose] for answer in (True, False)]
    if mild is not None and _changes(bit, mild, seen):
        return True, Verdict.NOTICE
    return _changes(bit, blinds, [()]), None


def _changes(bit: int, gates: Sequence[_Gate], beside: Sequence[Sequence[Sequence[Cube]]]) -> bool:
    """Whether flipping an attribute may open the first gate, one of the lists in `beside` holding as well."""
    for number, gate in enumerate(gates):
        if not gate.reads & bit:
            continue
        if gate.loose:
            return True
        for answer in (True, False):
            on = [(y & ~bit, n & ~bit) for y, n in gate.on if (y if answer else n) & bit]
            off = [(y & ~bit, n & ~bit) for y, n in gate.off if (n if answer else y) & bit]
            both = [cube for one in on for other in off if (cube := merged(one, other)) is not None]
            if not both:
                continue
            others = [
                other.shut(bit, not answer)
                for place, other in enumerate(gates)
                if place != number and not other.loose
            ]
            if any(_agree([both, *others, *more]) for more in beside):
                return True
    return False


def _agree(lists: Sequence[Sequence[Cube]]) -> bool:
    """Whether one cube of each list can hold at once; True as well when that takes too long to tell."""
    lists = sorted(lists, key=len)
    steps = 0

    def search(place: int, held: Cube) -> bool:
        nonlocal steps
        if place == len(lists):
            return True
        for cube in lists[place]:
            steps += 1
            if steps > _MOST_STEPS:
                return True
            both = merged(held, cube)
            if both is not None and search(place + 1, both):
                return True
        return False

    return search(0, (0, 0))


def _asked(
    known: Attribute, bit: int, gravest: Verdict | None, balance: Balance,
    standing: tuple[_Standing, _Standing], levels: Sequence[list[_Gate] | None], blinds: list[_Gate] | None,
) -> Decisive:  # fmt: skip
    name, only_yes = known.name, known.origin == _BY_CLAUSES
    yes = _now(name, True, balance, standing)
    no = _as_it_is(balance, standing) if only_yes else _now(name, False, balance, standing)
    reading = [stake.rule for one in standing for stake in one.unknown.get(name, ())]
    return Decisive(
        name, known.question, yes, no,
        max(yes.verdict, _worst(bit, True, levels, blinds, balance.floor), key=_GRAVITY.index),
        max(no.verdict, _worst(bit, False, levels, blinds, balance.floor), key=_GRAVITY.index),
        gravest,
        tuple(dict.fromkeys(reading)),
        only_yes,
    )  # fmt: skip


def _now(name: str, answer: bool, balance: Balance, standing: tuple[_Standing, _Standing]) -> Outcome:
    """The outcome with one more answer, all else as it is (`standing`)."""
    blind = standing[1].worst(name, answer) > Verdict.CLEAR
    return overall(max(standing[0].worst(name, answer), balance.floor), not (balance.unchecked or blind))


def _as_it_is(balance: Balance, standing: tuple[_Standing, _Standing]) -> Outcome:
    voices, blinds = standing
    return overall(max(voices.now, balance.floor), not (balance.unchecked or blinds.now > Verdict.CLEAR))


def _worst(
    bit: int, answer: bool, levels: Sequence[list[_Gate] | None], blinds: list[_Gate] | None, floor: Verdict
) -> Verdict:
    """The worst outcome reachable with an answer, over all answers to the rest."""

    def opens(gates: list[_Gate] | None) -> bool:
        return gates is None or any(gate.loose or given(gate.on, bit, answer) for gate in gates)

    worst = next((level for level, gates in zip(_LEVELS, levels, strict=True) if level <= floor or opens(gates)), floor)
    return Verdict.NOT_CHECKED if worst <= Verdict.NOTICE and opens(blinds) else worst


def effect(asked: Decisive) -> tuple[bool, int, int, int]:
    """Return where a question stands in the order: the least is the most decisive."""
    worst = _GRAVITY.index(asked.worst_yes), _GRAVITY.index(asked.worst_no)
    now = _GRAVITY.index(asked.if_yes.verdict), _GRAVITY.index(asked.if_no.verdict)
    gravest = -1 if asked.gravest is None else _GRAVITY.index(asked.gravest)
    return asked.gravest is None, -abs(worst[0] - worst[1]), -abs(now[0] - now[1]), -gravest
