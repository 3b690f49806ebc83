"""Local packs: rules of a province, city, county or court reading added to the national ones, never against them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from linxi_gis import packfiles
from linxi_gis.errors import RuleError
from linxi_gis.override import Override, read_overrides
from linxi_gis.packfiles import Refusals
from linxi_gis.rulebook import (
    Pack,
    Rulebook,
    check_entries,
    read,
    read_attributes,
    read_entries,
    read_instruments,
)
from linxi_gis.rulefile import Record

LEVELS = {"province": "自治区", "city": "市", "county": "县", "court": "司法"}
_KEYS = frozenset(("name", "version", "date", "level"))
_TABLES = ("pack", "attributes", "instruments", "overrides")


@dataclass(frozen=True, slots=True)
class _Local:
    """A local pack's folder and what its pack.toml says of it; `label` goes before its files in messages."""

    folder: Path
    label: str
    head: Record
    level: int


def is_local(folder: Path) -> bool:
    """Whether a folder says that it is a local pack: its pack.toml has a level."""
    try:
        return "level" in packfiles.read_table(folder / "pack.toml")
    except RuleError:
        return False


def _local(folder: Path) -> _Local:
    label = folder.resolve().name
    head = Record.of(packfiles.read_table(folder / "pack.toml"), f"{label}/pack.toml", _KEYS)
    level = head.text("level")
    if level not in LEVELS:
        head.fail("level", f"{level!r} 不认识", "可用：" + "、".join(LEVELS))
    if (folder / "zones.toml").exists():
        raise RuleError("地方规则包不能改区域用语", where=f"{label}/zones.toml", remedy="请删除，只用国家规则包的主题和分区")
    return _Local(folder, label, head, list(LEVELS).index(level))


def _fresh(kind: str, found: Iterable[str], known: Iterable[str], where: str) -> None:
    taken = sorted(set(found) & set(known))
    if taken:
        raise RuleError(f"{kind} {'、'.join(taken)} 上级规则包里已有", where=where, remedy="请换一个名字；已有的直接引用即可")


def _overrides(
    tables: Mapping[str, Mapping[str, object]], local: _Local, pack: Pack, name: str, refusals: Refusals
) -> tuple[Override, ...]:
    known = pack.rulebook.overrides
    rules = {rule.id: rule for rule in pack.rulebook.rules}
    with refusals.one():
        found = read_overrides(tables.get("overrides", {}), f"{local.label}/overrides.toml", name, rules, known)
        return (*known, *found)
    return known


def _extend(pack: Pack, local: _Local, refusals: Refusals) -> Pack:
    paths = sorted(local.folder.glob("*.toml"), key=lambda path: path.name)
    tables = packfiles.tables(local.folder, paths, ("pack",), None, refusals)
    book, name = pack.rulebook, local.head.text("name")
    attributes = read_attributes(tables.get("attributes", {}), f"{local.label}/attributes.toml")
    instruments = read_instruments(tables.get("instruments", {}), f"{local.label}/instruments.toml")
    _fresh("属性", attributes, book.attributes, f"{local.label}/attributes.toml")
    _fresh("文件", instruments, pack.instruments, f"{local.label}/instruments.toml")
    every_attribute = {**book.attributes, **attributes}
    every_instrument = {**pack.instruments, **instruments}
    subjects = ((f"{local.label}/{stem}.toml", table) for stem, table in tables.items() if stem not in _TABLES)
    found = read_entries(subjects, every_instrument, refusals)
    entries = check_entries(found, every_attribute, book.themes, refusals, pack.entries)
    total = hashlib.sha256(f"{book.sha256} {packfiles.digest(paths)}".encode()).hexdigest()
    joined = replace(
        book,
        name=f"{book.name}＋{name}",
        version=f"{book.version}＋{local.head.text('version')}",
        sha256=total,
        rules=tuple(entries[id].rule for id in sorted(entries)),
        attributes=every_attribute,
        penalties={id: one.penalty for id, one in entries.items() if one.penalty is not None},
        replaced_by={id: one.replaced_by for id, one in entries.items() if one.replaced_by},
        folders=(*book.folders, local.folder),
        overrides=_overrides(tables, local, pack, name, refusals),
        local=book.local | (entries.keys() - pack.entries.keys()),
    )
    return Pack(joined, entries, every_instrument)


def extend(pack: Pack, folders: Iterable[Path], refusals: Refusals | None = None) -> Pack:
    """Return a pack with local ones added, in the order of their levels; raises RuleError.

    A local pack adds attributes, instruments and rules under new names; it changes none that is there. A finding
    is each rule's own and the worst counts, so an added rule can only make an answer graver. What would make one
    milder is an override (docs/decisions/0010-local-packs.md).
    """
    refusals = refusals or Refusals()
    for local in sorted((_local(folder) for folder in folders), key=lambda one: one.level):
        pack = _extend(pack, local, refusals)
    return pack


def load(national: Path, folders: Iterable[Path], kept: Path | None = None) -> Rulebook:
    """Return the rulebook of the national pack with local ones added; raises RuleError."""
    return extend(read(national, kept), folders).rulebook
