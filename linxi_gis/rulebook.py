"""The rule pack: dated rules from TOML, the words of zones, and those in force on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from linxi_gis import packfiles
from linxi_gis.errors import RuleError
from linxi_gis.law import Attribute, Citation, Condition, Rule, comparisons
from linxi_gis.override import Override
from linxi_gis.packfiles import Refusals
from linxi_gis.rulefile import RULE_KEYS, Entry, Instrument, Record, read_rule
from linxi_gis.zonewords import Cap, Sensitive, Theme, ZoneClass, read_zones

__all__ = ["Cap", "Override", "Pack", "Refusals", "Rulebook", "Theme", "ZoneClass", "load", "read"]

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
class Rulebook:
    """All rules of a pack with the tables they refer to. `sha256` is over every file of the pack.

    `replaced_by` names the rules that followed an ended one; `folders` is where the full articles lie;
    `overrides` are what local packs answer more mildly, in force or not, `local` the ids of the rules they add.
    `sensitive` are the kinds of area of the EIA catalogue that layers show.
    """

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
    replaced_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[Path, ...] = field(default=(), compare=False)
    overrides: tuple[Override, ...] = ()
    local: frozenset[str] = frozenset()
    sensitive: tuple[Sensitive, ...] = ()

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

    def predecessors(self, id: str) -> tuple[str, ...]:
        """Return the rules that one followed, in the order of their ids."""
        return tuple(old for old, new in sorted(self.replaced_by.items()) if id in new)

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


def read_attributes(raw: Mapping[str, object], where: str = "attributes.toml") -> dict[str, Attribute]:
    """Return the attributes by name; raises RuleError naming the attribute and the key."""
    found: dict[str, Attribute] = {}
    top = Record.of(raw, where, frozenset(("attribute",)))
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


def read_instruments(raw: Mapping[str, object], where: str = "instruments.toml") -> dict[str, Instrument]:
    """Return the instruments by key; raises RuleError naming the instrument and the key."""
    found = {}
    for key, value in raw.items():
        record = Record.of(value, f"{where} {key}", _INSTRUMENT_KEYS)
        found[key] = Instrument(
            key,
            record.text("title"),
            record.text("number", ""),
            record.text("legal_force"),
            record.day("effective_from"),
            record.day("effective_to"),
            record.day("text_as_of"),
        )
    return found


@dataclass(frozen=True, slots=True)
class Pack:
    """A rule pack as it lies in its files: the rulebook, and every rule with its place and its keys."""

    rulebook: Rulebook
    entries: Mapping[str, Entry]
    instruments: Mapping[str, Instrument]


def read_entries(
    files: Iterable[tuple[str, Mapping[str, object]]],
    instruments: Mapping[str, Instrument],
    refusals: Refusals,
) -> list[Entry]:
    """Return the rules of files named as messages name them; a fault of one rule is for `refusals`."""
    found: list[Entry] = []
    for name, table in files:
        with refusals.one():
            top = Record.of(table, name, frozenset(("subject", "rule")))
            subject = top.text("subject")
            for raw in top.tables("rule"):
                with refusals.one():
                    found.append(read_rule(raw.checked(RULE_KEYS), subject, instruments))
    return found


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


def _check_versions(entry: Entry, entries: Mapping[str, Entry]) -> None:
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


def check_entries(
    found: Iterable[Entry],
    attributes: Mapping[str, Attribute],
    themes: Mapping[str, Theme],
    refusals: Refusals,
    known: Mapping[str, Entry] | None = None,
) -> dict[str, Entry]:
    """Return the rules by id, those `known` with them, each new one checked against the tables and the others."""
    entries = dict(known or {})
    fresh = list(found)
    for entry in fresh:
        with refusals.one():
            if entry.rule.id in entries:
                first = entries[entry.rule.id].where
                raise RuleError("重复的规则编号", where=entry.where, remedy=f"另见 {first}")
            entries[entry.rule.id] = entry
            _check_attributes(entry.rule.condition, attributes, f"{entry.where} when")
        with refusals.one():
            _check_places(entry, themes)
    for entry in fresh:
        with refusals.one():
            _check_versions(entry, entries)
    return entries


def read(folder: Path, kept: Path | None = None, refusals: Refusals | None = None) -> Pack:
    """Read a rule pack; raises RuleError naming the file, the rule and the key that is wrong.

    `kept` is a folder for what the files hold, so that they need not be parsed each time; None for none.
    With `refusals` that gather, a rule that cannot be read is left out and the next one is read.
    """
    refusals = refusals or Refusals()
    paths = sorted(folder.glob("*.toml"), key=lambda path: path.name)
    tables = packfiles.tables(folder, paths, _TABLES, kept, refusals)
    pack = Record.of(tables["pack"], "pack.toml", _PACK_KEYS)
    attributes, instruments = read_attributes(tables["attributes"]), read_instruments(tables["instruments"])
    zones = read_zones(tables["zones"])
    for cap in zones.caps:
        _check_attributes(cap.condition, attributes, "zones.toml cap")
    subjects = ((path.name, tables[path.stem]) for path in paths if path.stem not in _TABLES and path.stem in tables)
    entries = check_entries(read_entries(subjects, instruments, refusals), attributes, zones.themes, refusals)
    book = Rulebook(
        name=pack.text("name"),
        version=pack.text("version"),
        issued=pack.day("date"),
        disclaimer=pack.text("disclaimer"),
        sha256=packfiles.digest(paths),
        rules=tuple(entries[id].rule for id in sorted(entries)),
        attributes=attributes,
        themes=zones.themes,
        caps=zones.caps,
        sensitive=zones.sensitive,
        penalties={id: e.penalty for id, e in entries.items() if e.penalty is not None},
        replaced_by={id: e.replaced_by for id, e in entries.items() if e.replaced_by},
        folders=(folder,),
    )
    return Pack(book, entries, instruments)


def load(folder: Path, kept: Path | None = None) -> Rulebook:
    """Return the rulebook of a pack; raises RuleError like `read`."""
    return read(folder, kept).rulebook
