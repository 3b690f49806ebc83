"""The rule pack: dated rules from TOML, the words of zones, and those in force on a day."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from linxi_gis import shelf
from linxi_gis.errors import RuleError
from linxi_gis.law import Attribute, Citation, Condition, Rule, Verdict, comparisons
from linxi_gis.rulefile import RULE_KEYS, Entry, Instrument, Record, read_rule

_TABLES = ("pack", "zones", "attributes", "instruments")
_PACK_KEYS = frozenset(("name", "version", "date", "disclaimer"))
_ATTRIBUTE_KEYS = frozenset(("name", "label", "question", "type", "origin"))
_INSTRUMENT_KEYS = frozenset(
    ("title", "short", "number", "legal_force", "effective_from", "effective_to", "text_as_of")
)
_TYPES: dict[str, Literal["boolean", "string"]] = {"boolean": "boolean", "string": "string"}
_ORIGINS: dict[str, Literal["user", "layer", "engine", "clause_comparison"]] = {
    "user": "user",
    "layer": "layer",
    "engine": "engine",
    "clause_comparison": "clause_comparison",
}
Match = Literal["yes", "maybe", "no"]


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
class Rulebook:
    """All rules of a pack with the tables they refer to. `sha256` is over every file of the pack."""

    name: str
    version: str
    issued: date | None
    disclaimer: str
    sha256: str
    rules: tuple[Rule, ...]
    attributes: Mapping[str, Attribute]
    themes: Mapping[str, Theme]
    caps: tuple[Cap, ...] = ()
    penalties: Mapping[str, Citation] | None = None

    def in_force(self, day: date) -> tuple[Rule, ...]:
        """Return the rules in force on a day, in the order of their ids."""
        return tuple(rule for rule in self.rules if rule.in_force(day))

    def rule(self, id: str) -> Rule:
        """Return the rule of an id; raises RuleError when there is none."""
        for rule in self.rules:
            if rule.id == id:
                return rule
        raise RuleError(f"规则包里没有 {id!r}", where=self.name, remedy="用 linxi rules list 查看全部规则")

    def penalty(self, id: str) -> Citation | None:
        """Return what breaking a rule costs, None when the pack does not say."""
        return (self.penalties or {}).get(id)

    def match(self, rule: Rule, theme: str, zone_class: str) -> Match:
        """Tell whether a zone of this theme and class is of the kind the rule speaks of.

        "maybe" when the class is empty or unknown to the theme, or when a zone of that class may be
        one of the rule's as well (reserves zoned under the law before or after 2026-03-15).
        """
        known = self.themes.get(theme)
        wanted = {c.code for c in known.classes if c.code in rule.classes} if known else set()
        if known is None or not wanted:
            return "yes"
        found = known.class_of(zone_class)
        if found is None:
            return "maybe"
        if found.code in wanted:
            return "yes"
        return "maybe" if wanted.intersection(found.may_be) else "no"


def _tables(folder: Path, paths: Sequence[Path], kept: Path | None) -> dict[str, Mapping[str, object]]:
    """Return every file of the pack by its stem; of one that was read before, what was kept of it.

    Reading the TOML takes half of what a pack takes. What is kept is named by the SHA-256 of the files'
    bytes and begins with its own: a damaged one is not believed.
    """
    place = None if kept is None else _place(kept, paths)
    if place is not None:
        with contextlib.suppress(OSError, ValueError):
            digest, _, text = place.read_text(encoding="utf-8").partition("\n")
            if hashlib.sha256(text.encode()).hexdigest() == digest:
                found: dict[str, Mapping[str, object]] = json.loads(text, object_hook=_with_days)
                return found
    tables = {stem: _read(folder / f"{stem}.toml") for stem in _TABLES}
    tables |= {path.stem: _read(path) for path in paths if path.stem not in _TABLES}
    if place is not None:
        text = json.dumps(tables, ensure_ascii=False, default=lambda day: {_DAY: day.isoformat()})
        with contextlib.suppress(OSError):
            shelf.write_text(place, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    return tables


_DAY = "$date"


def _place(kept: Path, paths: Sequence[Path]) -> Path | None:
    """Return where files of these names and bytes are kept, None when one cannot be read."""
    total = hashlib.sha256()
    try:
        for path in paths:
            content = path.read_bytes()
            total.update(f"{path.name} {len(content)} ".encode() + content)
    except OSError:
        return None  # whoever reads it says so
    return kept / f"{total.hexdigest()}.json"


def _with_days(table: dict[str, object]) -> object:
    """Return a table, or the date that stands for one."""
    day = table.get(_DAY)
    return date.fromisoformat(day) if isinstance(day, str) else table


def _read(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RuleError("规则文件打不开", where=str(path), remedy="请检查规则包文件夹") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"不是有效的 UTF-8 TOML（{error}）", where=path.name) from error


def _digest(paths: Iterable[Path]) -> str:
    """SHA-256 over names and bytes, with CRLF and CR as LF: the same on every system."""
    total = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        total.update(path.name.encode() + b"\0" + content + b"\0")
    return total.hexdigest()


def _attributes(raw: Mapping[str, object]) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    top = Record.of(raw, "attributes.toml", frozenset(("attribute",)))
    for record in top.tables("attribute", _ATTRIBUTE_KEYS):
        name = record.text("name")
        if name in found:
            record.fail("name", "重复的属性")
        kind, origin = record.text("type"), record.text("origin")
        if kind not in _TYPES:
            record.fail("type", f"{kind!r} 不认识", "可用：" + "、".join(_TYPES))
        if origin not in _ORIGINS:
            record.fail("origin", f"{origin!r} 不认识", "可用：" + "、".join(_ORIGINS))
        found[name] = Attribute(
            name, record.text("label"), record.text("question"), _TYPES[kind], _ORIGINS[origin]
        )
    return found


def _instruments(raw: Mapping[str, object]) -> dict[str, Instrument]:
    found = {}
    for key, value in raw.items():
        record = Record.of(value, f"instruments.toml {key}", _INSTRUMENT_KEYS)
        found[key] = Instrument(
            key,
            record.text("title"),
            record.text("number", ""),
            record.text("legal_force"),
            record.day("effective_from"),
            record.day("effective_to"),
        )
    return found


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


def _zones(raw: Mapping[str, object]) -> tuple[dict[str, Theme], tuple[Cap, ...]]:
    top = Record.of(raw, "zones.toml", frozenset(("theme", "cap")))
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
    return themes, tuple(caps)


def _entries(
    files: Iterable[tuple[Path, Mapping[str, object]]], instruments: Mapping[str, Instrument]
) -> Iterator[Entry]:
    for path, table in files:
        top = Record.of(table, path.name, frozenset(("subject", "rule")))
        subject = top.text("subject")
        for record in top.tables("rule", RULE_KEYS):
            yield read_rule(record, subject, instruments)


def _check_attributes(condition: Condition, attributes: Mapping[str, Attribute], where: str) -> None:
    for one in comparisons(condition):
        known = attributes.get(one.attribute)
        if known is None:
            raise RuleError(
                f"没有定义属性 {one.attribute!r}", where=where, remedy="请在 attributes.toml 中加入"
            )
        if (known.type == "string") is not isinstance(one.value, str):
            raise RuleError(f"{one.attribute} 是 {known.type}，不能与 {one.value!r} 比较", where=where)


def _check_places(entry: Entry, themes: Mapping[str, Theme]) -> None:
    rule, where = entry.rule, entry.where
    for name in rule.themes:
        if name not in themes:
            raise RuleError(f"没有主题 {name!r}", where=f"{where} themes", remedy="见 zones.toml")
    codes = {c.code for name in rule.themes for c in themes[name].classes}
    for code in rule.classes:
        if code not in codes:
            raise RuleError(f"所列主题没有分区 {code!r}", where=f"{where} classes", remedy="见 zones.toml")
    project_alone = rule.trigger in ("attribute", "date", "aggregate", "data_quality")
    if not (rule.themes or rule.missing_themes or project_alone):
        raise RuleError("既没有主题也没有 missing_themes", where=f"{where} themes")
    words = {word for name in rule.themes for c in themes[name].classes for word in c.words}
    for band in rule.bands:
        for word in band.zones:
            if rule.themes and word not in words:
                raise RuleError(f"zones.toml 里没有分区用语 {word!r}", where=f"{where} bands")


def _check_versions(entries: Mapping[str, Entry]) -> None:
    for entry in entries.values():
        until = entry.rule.basis.effective_to
        for id in entry.replaced_by:
            where = f"{entry.where} replaced_by"
            if id not in entries:
                raise RuleError(f"没有规则 {id!r}", where=where)
            since = entries[id].rule.basis.effective_from
            if until is None or since is None or since <= until:
                raise RuleError(f"与接续的 {id} 时间重叠", where=where, remedy="请核对 effective_from/_to")
        for id in entry.rule.related:
            if id not in entries:
                raise RuleError(f"没有规则 {id!r}", where=f"{entry.where} related")


def load(folder: Path, kept: Path | None = None) -> Rulebook:
    """Read a rule pack; raises RuleError naming the file, the rule and the key that is wrong.

    `kept` is a folder for what the files hold, so that they need not be parsed each time; None for none.
    """
    paths = sorted(folder.glob("*.toml"), key=lambda path: path.name)
    tables = _tables(folder, paths, kept)
    pack = Record.of(tables["pack"], "pack.toml", _PACK_KEYS)
    attributes, instruments = _attributes(tables["attributes"]), _instruments(tables["instruments"])
    themes, caps = _zones(tables["zones"])
    for cap in caps:
        _check_attributes(cap.condition, attributes, "zones.toml cap")
    entries: dict[str, Entry] = {}
    for entry in _entries(((path, tables[path.stem]) for path in paths if path.stem not in _TABLES), instruments):
        if entry.rule.id in entries:
            first = entries[entry.rule.id].where
            raise RuleError("重复的规则编号", where=entry.where, remedy=f"另见 {first}")
        _check_attributes(entry.rule.condition, attributes, f"{entry.where} when")
        _check_places(entry, themes)
        entries[entry.rule.id] = entry
    _check_versions(entries)
    return Rulebook(
        name=pack.text("name"),
        version=pack.text("version"),
        issued=pack.day("date"),
        disclaimer=pack.text("disclaimer"),
        sha256=_digest(paths),
        rules=tuple(entries[id].rule for id in sorted(entries)),
        attributes=attributes,
        themes=themes,
        caps=caps,
        penalties={id: e.penalty for id, e in entries.items() if e.penalty is not None},
    )
