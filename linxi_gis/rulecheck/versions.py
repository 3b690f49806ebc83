"""Versions of a rule follow each other without a gap; rules and penalties keep to the dates of their laws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from linxi_gis.rulebook import Pack
from linxi_gis.rulecheck.problem import Problem, problem
from linxi_gis.rulecheck.records import FILE, Records
from linxi_gis.rulefile import Entry, Instrument


def _covers(law: Instrument, since: date | None, until: date | None) -> bool:
    """Whether a law is in force on every day from `since` to `until`; None is without end."""
    begins = law.effective_from is None or (since is not None and law.effective_from <= since)
    return begins and (law.effective_to is None or (until is not None and until <= law.effective_to))


def _ground(entry: Entry) -> frozenset[str]:
    """What a rule looks at: its themes, the zones without a layer, or the project alone."""
    return frozenset((*entry.rule.themes, *entry.rule.missing_themes)) or frozenset(("",))


def _successor(entry: Entry, next_one: Entry, records: Records) -> Iterator[Problem]:
    until, since = entry.rule.basis.effective_to, next_one.rule.basis.effective_from
    name = next_one.rule.id
    if until and since and since > until + timedelta(1) and not records.excuse("gap", entry.rule.id):
        first, last = until + timedelta(1), since - timedelta(1)
        what = f"与接续的 {name} 之间有空档 {first} 至 {last}"
        yield problem("version", entry.where, "replaced_by", what, f"请核对日期，或在 {FILE} 的 gap 里写明原因")
    if name not in entry.rule.related:
        what = f"接续的 {name} 没有列入 related"
        yield problem("link", entry.where, "related", what, "请加上")
    if not _ground(entry) & _ground(next_one) and not records.excuse("ground", entry.rule.id):
        what = f"接续的 {name} 管的是另一类区域"
        yield problem("version", entry.where, "replaced_by", what, f"请核对规则编号，或在 {FILE} 的 ground 里写明原因")


def _life(entry: Entry, pack: Pack, records: Records) -> Iterator[Problem]:
    basis, law = entry.rule.basis, pack.instruments[entry.instrument]
    dated = (law.effective_from, law.effective_to)
    own = (basis.effective_from, basis.effective_to)
    if own != dated and not records.excuse("dates", entry.rule.id):
        what = f"有效期 {own[0]}～{own[1]} 与所引文件的 {dated[0]}～{dated[1]} 不同"
        yield problem("date", entry.where, "effective_from", what, f"请核对，或在 {FILE} 的 dates 里写明原因")
    if basis.effective_to and not entry.replaced_by and not records.excuse("ended", entry.rule.id):
        what = f"{basis.effective_to} 之后失效，没有接续的规则"
        yield problem("version", entry.where, "replaced_by", what, f"请写明接续的规则，或在 {FILE} 的 ended 里写明原因")
    if entry.penalty is not None:
        cited = pack.instruments[entry.penalty_instrument]
        if cited.effective_from is None or not _covers(cited, *own):
            what = f"罚则所引《{cited.title}》不是在规则的全部有效期内都有效"
            yield problem("date", entry.where, "penalty", what, "请核对罚则所引的文件")


def _twins(pack: Pack) -> Iterator[Problem]:
    """Yield rules that say the same of the same on the same day under two numbers."""
    seen: dict[tuple[object, ...], list[Entry]] = {}
    for entry in pack.entries.values():
        rule = entry.rule
        key = (rule.themes, rule.missing_themes, rule.classes, rule.trigger, rule.condition, rule.basis.instrument,
               rule.basis.article, rule.basis.quote)  # fmt: skip
        for other in seen.setdefault(key, []):
            first, second = other.rule.basis, rule.basis
            apart = (first.effective_to and second.effective_from and first.effective_to < second.effective_from) or (
                second.effective_to and first.effective_from and second.effective_to < first.effective_from
            )
            if not apart:
                what = f"与 {other.rule.id} 是同一条规则，时间重叠"
                yield problem("version", entry.where, "effective_from", what, "请核对日期，或删去一条")
        seen[key].append(entry)


def _instruments(instruments: Mapping[str, Instrument], records: Records) -> Iterator[Problem]:
    for key, law in instruments.items():
        if law.effective_from is None and not records.excuse("undated", key):
            remedy = f"请写明，或在 {FILE} 的 undated 里写明原因"
            yield problem("instrument", f"instruments.toml {key}", "effective_from", "没有施行日", remedy)
        if law.effective_from and law.effective_to and law.effective_to < law.effective_from:
            what = f"失效日 {law.effective_to} 早于施行日 {law.effective_from}"
            yield problem("instrument", f"instruments.toml {key}", "effective_to", what, "请核对日期")


def check(pack: Pack, records: Records, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    """Yield what is wrong with the dates of rules, of their versions, penalties and laws.

    That versions do not overlap and that a successor exists is the loader's: it refuses such a pack.
    `instruments` are those looked at; a rule may cite others of the pack. `related` names what a reader should see too
    and need not be mutual: only a successor must be in it.
    """
    yield from _instruments(instruments, records)
    for entry in pack.entries.values():
        yield from _life(entry, pack, records)
        for name in entry.replaced_by:
            if name in pack.entries:
                yield from _successor(entry, pack.entries[name], records)
        if entry.rule.id in entry.rule.related:
            yield problem("link", entry.where, "related", "列了自己", "请删去")
    yield from _twins(pack)
