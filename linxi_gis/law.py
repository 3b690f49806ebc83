"""The words of law: verdicts, three-valued conditions, citations, rules. No geometry."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Truth = bool | None  # Kleene's three values; None is unknown
Value = bool | str


class Verdict(enum.Enum):
    """What a finding amounts to. Ordered, but for NOT_CHECKED, which stands beside the order.

    >>> Verdict.PROHIBITED > Verdict.NOTICE, Verdict.NOTICE.label
    (True, '提示')
    >>> Verdict.NOT_CHECKED > Verdict.CLEAR
    Traceback (most recent call last):
        ...
    TypeError: 未核查不参与排序
    """

    CLEAR = (0, "未命中")
    NOTICE = (1, "提示")
    TO_JUSTIFY = (2, "须论证")
    RESTRICTED = (3, "限制")
    PROHIBITED = (4, "禁止")
    NOT_CHECKED = (None, "未核查")

    def __init__(self, place: int | None, label: str) -> None:
        self._place = place
        self.label = label  # the Chinese word printed everywhere

    @property
    def rank(self) -> int:
        """Place in the order; raises TypeError for NOT_CHECKED."""
        if self._place is None:
            raise TypeError("未核查不参与排序")
        return self._place

    @classmethod
    def from_label(cls, label: str) -> Verdict:
        """Return the verdict of a Chinese word; raises KeyError when there is none."""
        return {verdict.label: verdict for verdict in cls}[label]

    def __lt__(self, other: Verdict) -> bool:
        return self.rank < other.rank

    def __gt__(self, other: Verdict) -> bool:
        return self.rank > other.rank

    def __le__(self, other: Verdict) -> bool:
        return self.rank <= other.rank

    def __ge__(self, other: Verdict) -> bool:
        return self.rank >= other.rank


TextStatus = Literal["verbatim", "paraphrase", "unverified"]
Trigger = Literal[
    "intersects", "outside", "crosses", "no_hit_inside_county", "within_distance",
    "attribute", "date", "aggregate", "data_quality", "downstream_flow_path", "upstream_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Is:
    """The condition "attribute has this value"."""

    attribute: str
    value: Value

    def truth(self, facts: Mapping[str, Value]) -> Truth:
        """True or False when the fact is known, None when it is not."""
        known = facts.get(self.attribute)
        return None if known is None else known == self.value


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; the unknown stays unknown."""

    part: Condition

    def truth(self, facts: Mapping[str, Value]) -> Truth:
        inner = self.part.truth(facts)
        return None if inner is None else not inner


@dataclass(frozen=True, slots=True)
class All:
    """Conjunction; of nothing, it is true.

    >>> All((Is("a", True), Is("b", True))).truth({"a": False}), All(()).truth({})
    (False, True)
    """

    parts: tuple[Condition, ...]

    def truth(self, facts: Mapping[str, Value]) -> Truth:
        values = [part.truth(facts) for part in self.parts]
        if any(value is False for value in values):
            return False
        return None if any(value is None for value in values) else True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Disjunction; of nothing, it is false.

    >>> AnyOf((Is("a", True), Is("b", True))).truth({"a": True})
    True
    """

    parts: tuple[Condition, ...]

    def truth(self, facts: Mapping[str, Value]) -> Truth:
        values = [part.truth(facts) for part in self.parts]
        if any(value is True for value in values):
            return True
        return None if any(value is None for value in values) else False


Condition = Is | Not | All | AnyOf


def comparisons(condition: Condition) -> Iterator[Is]:
    """Yield the comparisons of a condition in the order they stand, with repeats.

    >>> [one.attribute for one in comparisons(All((Is("a", True), Not(Is("b", True)))))]
    ['a', 'b']
    """
    match condition:
        case Is():
            yield condition
        case Not(part):
            yield from comparisons(part)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from comparisons(part)


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a rule comes from, word for word, and when it is in force.

    `number` is the document number where one is verified, else empty. `text_status` tells whether
    `quote` was found in the article (verbatim), condenses it (paraphrase), or nobody has seen it
    (unverified).
    """

    instrument: str
    number: str
    article: str
    quote: str
    text_status: TextStatus
    effective_from: date | None
    effective_to: date | None
    legal_force: str


@dataclass(frozen=True, slots=True)
class Band:
    """A statutory distance for some kinds of zone (e.g. 国道 100 m)."""

    zones: tuple[str, ...]
    distance_m: float


@dataclass(frozen=True, slots=True)
class Attribute:
    """A fact that rules ask for: yes, no or unknown."""

    name: str
    label: str
    question: str
    type: Literal["boolean", "string"]
    origin: Literal["user", "layer", "engine", "clause_comparison"]

    @property
    def askable(self) -> bool:
        """Whether a person can answer it; nobody can answer for a layer's column or the engine."""
        return self.origin in ("user", "clause_comparison")


@dataclass(frozen=True, slots=True)
class Rule:
    """One dated rule: in which zones, for which activity, with what effect.

    `themes` and `classes` name the layers and zone classes it looks at; no class means every class;
    no theme means the rule looks at the project alone. `unknown_effect` is what to answer while the
    condition cannot be decided. `missing_themes` are Chinese zone words of the text that the
    catalogue has no theme for: the rule is told as unevaluated there.

    `screening_m` is our own distance (never the law's) within which a 周边 or a flow path is looked
    into; `at_most` caps a rule whose layer only approximates the zone the text speaks of; `always_say`
    stands in every finding of the rule; a `tool` rule is ours and cites no text.
    """

    id: str
    subject: str
    zone_words: str
    class_words: str
    themes: tuple[str, ...]
    classes: tuple[str, ...]
    trigger: Trigger
    bands: tuple[Band, ...]
    located_by: str
    activity: str
    effect: Verdict
    condition: Condition
    unknown_effect: Verdict | None
    unknown_say: str
    exempting: bool
    applies_in_linxi: bool
    basis: Citation
    exception: str
    note: str
    related: tuple[str, ...]
    missing_themes: tuple[str, ...]
    screening_m: float | None = None
    always_say: str = ""
    at_most: Verdict | None = None
    tool: bool = False

    def in_force(self, day: date) -> bool:
        """Whether the text is in force on a day; a rule without a first day has always been."""
        since, until = self.basis.effective_from, self.basis.effective_to
        return (since is None or since <= day) and (until is None or day <= until)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes its condition reads, each once, in order."""
        return tuple(dict.fromkeys(one.attribute for one in comparisons(self.condition)))
