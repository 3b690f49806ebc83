"""Why what looks like a hole in the pack is none: records with a reason, each of which must be needed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from linxi_gis.errors import RuleError
from linxi_gis.rulecheck.problem import Problem, problem
from linxi_gis.rulefile import Record

FILE = "proof/records.toml"  # beside the rules, and not read with them
Relation = Literal["hit", "outside"]
Voice = Literal["silent", "notice", "law"]  # how a place is spoken of: by no rule, by notices alone, by law
Sort = Literal["gap", "ended", "ground", "dates", "undated", "mild"]
_VOICES: tuple[Voice, ...] = ("silent", "notice")
_RELATIONS: dict[str, Relation] = {"hit": "hit", "outside": "outside"}
_SORTS: dict[Sort, str] = {
    "gap": "rules", "ended": "rules", "ground": "rules", "dates": "rules", "undated": "instruments", "mild": "rules",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One class of zone of a theme, a relation to it, and days on which the same rules are in force."""

    theme: str
    zone_class: str
    relation: Relation
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Silence:
    """Where no rule speaks, or none above 提示, on which days: `since` is the first, `before` the day after the last.

    No classes are all classes of the themes, the unknown one with them.
    """

    number: int
    voice: Voice
    themes: tuple[str, ...]
    classes: tuple[str, ...]
    relation: Relation
    since: date | None
    before: date | None
    file: str = FILE

    def _speaks_of(self, place: Place) -> bool:
        same_class = not self.classes or place.zone_class in self.classes
        return place.theme in self.themes and same_class and place.relation == self.relation

    def holds(self, place: Place) -> bool:
        """Whether it speaks of a place on all of its days."""
        since, before = self.since or date.min, self.before
        return self._speaks_of(place) and since <= place.first and (before is None or place.last < before)

    def meets(self, place: Place) -> bool:
        """Whether it speaks of a place on some of its days."""
        since, before = self.since or date.min, self.before
        return self._speaks_of(place) and since <= place.last and (before is None or place.first < before)


@dataclass(slots=True)
class Records:
    """The records of a pack, each excuse with the file it stands in, and which of them were needed so far."""

    excuses: Mapping[tuple[Sort, str], str] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    used: set[tuple[str, ...]] = field(default_factory=set)

    def with_(self, other: Records) -> Records:
        """Return the records of both, none of them needed yet."""
        return Records({**self.excuses, **other.excuses}, (*self.silences, *other.silences))

    def excuse(self, sort: Sort, name: str) -> bool:
        """Whether a record excuses a rule or an instrument; it then counts as needed."""
        if (sort, name) not in self.excuses:
            return False
        self.used.add((sort, name))
        return True

    def silent(self, place: Place, voice: Voice) -> bool:
        """Whether a record says why a place is spoken of as it is; it then counts as needed."""
        holding = [one for one in self.silences if one.voice == voice and one.holds(place)]
        self.used |= {(one.file, one.voice, str(one.number)) for one in holding[:1]}
        return bool(holding)

    def wrong(self, place: Place, voice: Voice) -> Iterator[str]:
        """Yield the records that say a place is spoken of otherwise than it is."""
        for one in self.silences:
            if one.voice != voice and one.meets(place):
                yield f"{one.voice}[{one.number}]"

    def unneeded(self) -> Iterator[Problem]:
        """Yield the records that excuse nothing: what they say of the pack is not so."""
        for sort, name in sorted(self.excuses.keys() - self.used):
            what = "这条记录没有用处：包里没有它所说的情形"
            yield problem("record", self.excuses[sort, name], f"{sort} {name}", what, "请删除或更正")
        for one in self.silences:
            if (one.file, one.voice, str(one.number)) not in self.used:
                what = "这条记录没有用处：它所说的区域和日期都有规则，或已有别的记录"
                yield problem("record", one.file, f"{one.voice}[{one.number}]", what, "请删除或更正")


def _silence(record: Record, number: int, voice: Voice, file: str) -> Silence:
    relation = record.text("relation", "hit")
    if relation not in _RELATIONS:
        record.fail("relation", f"{relation!r} 不认识", "可用：" + "、".join(_RELATIONS))
    if not record.words("themes"):
        record.fail("themes", "缺少主题")
    record.text("why")
    return Silence(
        number, voice, record.words("themes"), record.words("classes"), _RELATIONS[relation],
        record.day("from"), record.day("before"), file,
    )  # fmt: skip


def read(folder: Path, label: str = "") -> Records:
    """Return the records of a pack, none when it has no such file; raises RuleError.

    `label` is the local pack the file is of, with a slash; "" for the national one.
    """
    file = f"{label}{FILE}"
    path = folder / FILE
    if not path.is_file():
        return Records()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"不是有效的 UTF-8 TOML（{error}）", where=file, remedy="请改正，或用 UTF-8 另存") from error
    top = Record.of(raw, file, frozenset((*_SORTS, *_VOICES)))
    excuses: dict[tuple[Sort, str], str] = {}
    for sort, key in _SORTS.items():
        for record in top.tables(sort, frozenset((key, "why"))):
            record.text("why")
            excuses |= {(sort, name): file for name in record.words(key)}
    allowed = frozenset(("themes", "classes", "relation", "from", "before", "why"))
    silences = [
        _silence(one, number, voice, file)
        for voice in _VOICES
        for number, one in enumerate(top.tables(voice, allowed), 1)
    ]
    return Records(excuses, tuple(silences))
