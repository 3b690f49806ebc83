"""How a rule pack changes: what came and went between two days, what a rule followed, what followed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Literal

from linxi_gis.law import Rule
from linxi_gis.rulebook import Rulebook

_ALIKE = 0.5  # below, brackets would stand round nearly everything
Aspect = Literal["effect", "condition", "unknown", "zones", "basis", "quote"]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A rule in force on the first day, one that stands in its place on the second, and in what they differ."""

    old: Rule
    new: Rule
    differs: tuple[Aspect, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two days; `went` and `came` hold what was not replaced by, or did not replace, a rule."""

    before: date
    after: date
    went: tuple[Rule, ...]
    came: tuple[Rule, ...]
    replaced: tuple[Replacement, ...]
    kept: int


def earlier(book: Rulebook, id: str) -> tuple[Rule, ...]:
    """Return every rule that one followed, the nearest first."""
    found: dict[str, Rule] = {}
    ahead = list(book.predecessors(id))
    while ahead:
        name = ahead.pop(0)
        if name not in found:
            found[name] = book.rule(name)
            ahead += book.predecessors(name)
    return tuple(found.values())


def later(book: Rulebook, id: str) -> tuple[Rule, ...]:
    """Return every rule that followed one, the nearest first."""
    found: dict[str, Rule] = {}
    ahead = list(book.replaced_by.get(id, ()))
    while ahead:
        name = ahead.pop(0)
        if name not in found:
            found[name] = book.rule(name)
            ahead += book.replaced_by.get(name, ())
    return tuple(found.values())


def _differs(old: Rule, new: Rule) -> Iterator[Aspect]:
    pairs: tuple[tuple[Aspect, object, object], ...] = (
        ("effect", old.effect, new.effect),
        ("condition", old.condition, new.condition),
        ("unknown", (old.unknown_effect, old.unknown_say), (new.unknown_effect, new.unknown_say)),
        ("zones", (old.themes, old.classes, old.missing_themes), (new.themes, new.classes, new.missing_themes)),
        ("basis", (old.basis.instrument, old.basis.article), (new.basis.instrument, new.basis.article)),
        ("quote", old.basis.quote, new.basis.quote),
    )
    return (name for name, one, other in pairs if one != other)


def between(book: Rulebook, before: date, after: date) -> Changes:
    """Return what changed from one day to a later (or earlier) one, along the successions the pack states."""
    old, new = book.in_force(before), book.in_force(after)
    gone = [rule for rule in old if not rule.in_force(after)]
    fresh = {rule.id: rule for rule in new if not rule.in_force(before)}
    line = later if before <= after else earlier
    pairs = [
        Replacement(rule, next_one, tuple(_differs(rule, next_one)))
        for rule in gone
        for next_one in line(book, rule.id)
        if next_one.id in fresh
    ]
    followed, following = {pair.old.id for pair in pairs}, {pair.new.id for pair in pairs}
    return Changes(
        before, after,
        tuple(rule for rule in gone if rule.id not in followed),
        tuple(rule for name, rule in fresh.items() if name not in following),
        tuple(pairs),
        len(old) - len(gone),
    )  # fmt: skip


def marked(old: str, new: str) -> tuple[str, str]:
    """Return two texts with what only one of them says in brackets 【】; texts with little in common as they are.

    >>> marked("应当采取措施", "应当采取有效措施"), marked("甲乙丙丁", "甲子丑寅")
    (('应当采取措施', '应当采取【有效】措施'), ('甲乙丙丁', '甲子丑寅'))
    """
    parts: tuple[list[str], list[str]] = ([], [])
    match = SequenceMatcher(None, old, new, autojunk=False)
    if match.ratio() < _ALIKE:
        return old, new
    for tag, a, b, c, d in match.get_opcodes():
        for side, text in zip(parts, (old[a:b], new[c:d]), strict=True):
            side.append(text if tag == "equal" or not text else f"【{text}】")
    return "".join(parts[0]), "".join(parts[1])
