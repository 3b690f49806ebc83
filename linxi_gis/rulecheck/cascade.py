"""No hole: of every theme, class, relation and day some rule speaks, or a record says why none does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from linxi_gis.case import TILED, Memo
from linxi_gis.finding import Finding
from linxi_gis.law import Rule, Value, Verdict
from linxi_gis.rulebook import Pack, Rulebook, Theme
from linxi_gis.rulecheck import stage
from linxi_gis.rulecheck.problem import Problem, problem
from linxi_gis.rulecheck.records import FILE, Place, Records, Relation, Voice

_UNMAPPED = "?"  # a word no class of any theme has


@dataclass(frozen=True, slots=True)
class _Days:
    """Days on which the same rules are in force for a theme, the first and the last included."""

    first: date
    last: date

    @property
    def words(self) -> str:
        """The days as people read them."""
        first = "最早" if self.first == date.min else str(self.first)
        return f"{first} 至 {'今后' if self.last == date.max else self.last}"


def _spans(rules: Sequence[Rule]) -> list[_Days]:
    """Return the spans of days between which some rule comes or goes."""
    starts = {date.min}
    for rule in rules:
        if rule.basis.effective_from is not None:
            starts.add(rule.basis.effective_from)
        if rule.basis.effective_to is not None:
            starts.add(rule.basis.effective_to + timedelta(1))
    ordered = sorted(starts)
    ends = [day - timedelta(1) for day in ordered[1:]] + [date.max]
    return [_Days(first, last) for first, last in zip(ordered, ends, strict=True)]


def _ids(findings: Sequence[Finding]) -> set[str]:
    return {found.rule for found in findings if found.rule is not None}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One theme on the days of one span, and the rules in force then."""

    book: Rulebook
    theme: Theme
    days: _Days
    rules: tuple[Rule, ...]
    memo: Memo

    @property
    def where(self) -> str:
        """The entry of zones.toml, as problems name a place."""
        return f"zones.toml {self.theme.name}"

    def hit(self, zone_class: str, facts: dict[str, Value] | None = None) -> list[Finding]:
        """What is said of a zone of a class on the site."""
        place = stage.zone(self.theme.name, zone_class)
        return stage.answers(self.book, self.rules, facts or {}, self.theme.name, place, self.memo)

    def beside(self, zone_class: str, distance_m: float) -> list[Finding]:
        """What is said of a zone of a class beside the site."""
        place = stage.beside(self.theme.name, zone_class, distance_m)
        return stage.answers(self.book, self.rules, {}, self.theme.name, place, self.memo)

    def outside(self) -> list[Finding]:
        """What is said where the theme has no zone."""
        return stage.answers(self.book, self.rules, {}, self.theme.name, None, self.memo)


def _name(cell: _Cell, zone_class: str) -> str:
    return f"{cell.theme.title}（{zone_class or '类别不明'}）" if cell.theme.classes else cell.theme.title


def _voice(book: Rulebook, findings: Sequence[Finding]) -> Voice:
    effects = [book.rule(name).effect for name in _ids(findings)]
    if not effects:
        return "silent"
    return "notice" if max(effects) <= Verdict.NOTICE else "law"


def _spoken(
    cell: _Cell, zone_class: str, relation: Relation, told: Sequence[Finding], records: Records
) -> Iterator[Problem]:
    """A place that no rule speaks of, or that notices alone do, has its record; no record says otherwise."""
    place = Place(cell.theme.name, zone_class, relation, cell.days.first, cell.days.last)
    voice, name = _voice(cell.book, told), _name(cell, zone_class)
    what = f"命中{name}" if relation == "hit" else f"位于{cell.theme.title}之外"
    if voice != "law" and not records.silent(place, voice):
        lack = {"silent": "没有规则", "notice": "只有“提示”的规则"}[voice]
        remedy = f"请补规则；本就没有条文的，在 {FILE} 的 {voice} 里写明原因"
        yield problem("cascade", cell.where, "", f"{what}，{cell.days.words} {lack}", remedy)
    for record in records.wrong(place, voice):
        wrong = f"与规则不符：{what}，{cell.days.words} 另有规则"
        yield problem("record", f"{FILE} {record}", "", wrong, "请更正记录的主题、分区或日期")


def _hits(cell: _Cell, zone_class: str, good_inside: bool, records: Records) -> Iterator[Problem]:
    """A hit is spoken of, and never becomes nothing when all is unknown, yes or no; one within accuracy brings the same rules."""
    name, told = _name(cell, zone_class), cell.hit(zone_class)
    yield from _spoken(cell, zone_class, "hit", told, records)
    flat = [(name, a.type == "boolean") for name, a in cell.book.attributes.items()]
    for answer in (None, True, False):
        facts: dict[str, Value] = {} if answer is None else {key: answer for key, boolean in flat if boolean}
        worst = max((found.verdict for found in cell.hit(zone_class, facts)), default=Verdict.CLEAR)
        if worst is Verdict.CLEAR and not good_inside:
            what = f"命中{name}，属性全答“{stage.truth_words(answer)}”时没有结论（{cell.days.words}）"
            yield problem("cascade", cell.where, "", what, "请核对该主题的规则")
    edge = cell.beside(zone_class, stage.ACCURACY_M / 2)
    lost = _ids(told) - _ids(edge)
    if lost:
        what = f"{name}在精度之内邻近时，{'、'.join(sorted(lost))} 不说话（{cell.days.words}）"
        yield problem("cascade", cell.where, "", what, "临界应与命中引出同样的规则")


def _unknown_class(cell: _Cell) -> Iterator[Problem]:
    """A zone whose class nobody knows is spoken of by every rule that some class would bring."""
    every = set().union(*(_ids(cell.hit(one.code)) for one in cell.theme.classes))
    for word in ("", _UNMAPPED):
        lost = every - _ids(cell.hit(word))
        if lost:
            what = f"分区类别不明时，{'、'.join(sorted(lost))} 不说话（{cell.days.words}）"
            yield problem("cascade", cell.where, "classes", what, "类别不明应引出任一类别的规则")


def _cells(book: Rulebook, theme: Theme, memo: Memo) -> Iterator[_Cell]:
    own = [rule for rule in book.rules if theme.name in rule.themes]
    for days in _spans(own):
        rules = tuple(rule for rule in book.in_force(days.first) if rule.applies_in_linxi)
        yield _Cell(book, theme, days, rules, memo)


def check(pack: Pack, records: Records) -> Iterator[Problem]:
    """Yield what nobody speaks of, over theme, class, relation and the days on which something changes.

    Relations: a zone on the site, beside it within the accuracy, and none where the theme has law about
    lying outside. Beside it and farther off, a distance is told and nothing is judged but by the rules
    that name a distance, whose reach `truths` tries. Themes that only help to find the way have no law.
    """
    book, memo = pack.rulebook, Memo()
    for theme in book.themes.values():
        if theme.context:
            continue
        triggers = {rule.trigger for rule in book.rules if theme.name in rule.themes}
        for cell in _cells(book, theme, memo):
            for zone_class in (*(one.code for one in theme.classes), ""):
                yield from _hits(cell, zone_class, triggers == {"outside"}, records)
            yield from _unknown_class(cell)
            if triggers & {"outside", TILED}:
                yield from _spoken(cell, "", "outside", cell.outside(), records)
