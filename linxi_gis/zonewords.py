"""The words of zones: themes, the classes of their zones, what else a class may be, and caps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from linxi_gis.law import Condition, Verdict
from linxi_gis.rulefile import Record


@dataclass(frozen=True, slots=True)
class ZoneClass:
    """A class of zone: our code, the words of law and of layers for it, what else it may be."""

    code: str
    words: tuple[str, ...]
    may_be: tuple[str, ...]


def _spellings(known: ZoneClass) -> tuple[str, ...]:
    return tuple(word.strip().casefold() for word in (known.code, *known.words))


@dataclass(frozen=True, slots=True)
class Theme:
    """What a theme is called and which classes its zones have; a context theme carries no law."""

    name: str
    title: str
    words: tuple[str, ...]
    classes: tuple[ZoneClass, ...]
    context: bool

    def class_of(self, word: str) -> ZoneClass | None:
        """Return the class with this code or one of whose words it is, None when there is none.

        White space round the word and the case of letters do not matter.
        """
        plain = word.strip().casefold()
        return next((c for c in self.classes if plain and plain in _spellings(c)), None)


@dataclass(frozen=True, slots=True)
class Cap:
    """A known fact of a zone that limits every verdict on it (an unapproved circle has no force)."""

    theme: str
    condition: Condition
    at_most: Verdict
    say: str


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A kind of sensitive area (环境敏感区) of the EIA catalogue, art. 3: its item, its word, and which zones are it.

    No classes are all classes. `sure` is false where a layer alone cannot tell that a zone is one.
    """

    item: str
    area: str
    theme: str
    classes: tuple[str, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class ZoneTables:
    """What zones.toml holds."""

    themes: Mapping[str, Theme]
    caps: tuple[Cap, ...]
    sensitive: tuple[Sensitive, ...]


def _sensitive(record: Record, themes: Mapping[str, Theme]) -> Sensitive:
    theme = themes.get(record.text("theme"))
    if theme is None:
        record.fail("theme", f"没有主题 {record.text('theme')!r}")
    classes = record.words("classes")
    for code in classes:
        if code not in {one.code for one in theme.classes}:
            record.fail("classes", f"{theme.name} 没有分区 {code!r}")
    return Sensitive(record.text("item"), record.text("area"), theme.name, classes, record.flag("sure"))


def _theme(record: Record) -> Theme:
    classes = tuple(
        ZoneClass(c.text("code"), c.words("words"), c.words("may_be"))
        for c in record.tables("classes", frozenset(("code", "words", "may_be")))
    )
    codes = {c.code for c in classes}
    for one in classes:
        for other in one.may_be:
            if other not in codes:
                record.fail("classes", f"{one.code} 的 may_be 里没有定义 {other!r}")
    return Theme(
        record.text("name"), record.text("title"), record.words("words"), classes, record.flag("context")
    )


def read_zones(raw: Mapping[str, object]) -> ZoneTables:
    """Return the tables of zones.toml; raises RuleError naming the theme and the key."""
    top = Record.of(raw, "zones.toml", frozenset(("theme", "cap", "sensitive")))
    themes: dict[str, Theme] = {}
    for record in top.tables("theme", frozenset(("name", "title", "words", "classes", "context"))):
        theme = _theme(record)
        if theme.name in themes:
            record.fail("name", f"重复的主题 {theme.name!r}")
        themes[theme.name] = theme
    caps = []
    for record in top.tables("cap", frozenset(("theme", "when", "at_most", "say"))):
        if record.text("theme") not in themes:
            record.fail("theme", f"没有主题 {record.text('theme')!r}")
        caps.append(
            Cap(
                record.text("theme"),
                record.condition("when"),
                record.verdict("at_most"),
                record.text("say"),
            )
        )
    listed = top.tables("sensitive", frozenset(("item", "area", "theme", "classes", "sure")))
    return ZoneTables(themes, tuple(caps), tuple(_sensitive(record, themes) for record in listed))
