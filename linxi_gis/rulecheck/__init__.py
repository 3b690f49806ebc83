"""Prove a rule pack: its texts, dates, words, answers, and that no hit is left without a word.

What is proved, by the functions that judge (`weigh`, `zonelaw`, `Rulebook.match`):

1. the pack can be read: keys, types, attributes, themes, classes, links (`rulebook.read`, every fault of it);
2. a quotation marked verbatim stands in the article that travels with the pack, in the very clause or item cited;
   only such a text forbids (`texts`);
3. versions of a rule neither overlap nor leave a gap; rules and penalties keep to the dates of their laws (`versions`);
4. zones are themes or said to have no layer, attributes have questions (`words`);
5. each rule over all answers, yes, no and unknown (`truths`);
6. each theme, class, relation and span of days, a hit with all answers unknown, all yes and all no (`cascade`).

What a record excuses (`records`) is no fault; a record that excuses nothing is one. Of a local pack everything but the
last is proved, over the national one: a rule that is added leaves no hole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from linxi_gis import localpack, rulebook
from linxi_gis.articles import Statute
from linxi_gis.errors import RuleError
from linxi_gis.rulecheck import cascade, records, texts, truths, versions, words
from linxi_gis.rulecheck.problem import KIND_TITLES, Kind, Problem, refused

__all__ = ["KIND_TITLES", "Kind", "Problem", "Proof", "prove", "prove_local"]


@dataclass(frozen=True, slots=True)
class Proof:
    """How much was proved, and what is wrong; nothing wrong is a proof.

    `whole` is False when the pack could not be read whole: what then follows from all of it (answers, holes,
    records) was not looked at. `overrides` is how many rules of the packs above local ones answer more mildly.
    """

    rules: int
    articles: int
    problems: tuple[Problem, ...]
    whole: bool
    overrides: int = 0


def _rest(pack: rulebook.Pack, known: records.Records) -> Iterator[Problem]:
    yield from versions.check(pack, known, pack.instruments)
    yield from words.check(pack)
    yield from truths.check(pack, known)
    yield from cascade.check(pack, known)
    yield from known.unneeded()


def prove(folder: Path) -> Proof:
    """Return what is proved of the rule pack in a folder, and every problem found."""
    refusals = rulebook.Refusals(all_of_them=True)
    try:
        pack = rulebook.read(folder, refusals=refusals)
    except RuleError as error:
        return Proof(0, 0, tuple(refused(one) for one in (*refusals.found, error)), False)
    problems = [refused(one) for one in refusals.found]
    whole = not problems
    known, wrong = texts.statutes(folder, pack.instruments)
    problems += [*wrong, *texts.check(pack, known)]
    try:
        problems += _rest(pack, records.read(folder)) if whole else ()
    except RuleError as error:
        problems.append(refused(error))
    return Proof(len(pack.entries), sum(len(one.articles) for one in known.values()), tuple(problems), whole)


def _local_rest(pack: rulebook.Pack, base: rulebook.Pack, known: records.Records) -> Iterator[Problem]:
    fresh = {key: law for key, law in pack.instruments.items() if key not in base.instruments}
    yield from versions.check(pack, known, fresh)
    yield from words.check(pack)
    yield from truths.check(pack, known)
    yield from known.unneeded()


def prove_local(national: Path, folders: Sequence[Path]) -> Proof:
    """Return what is proved of local packs put on the national one, and every problem of theirs."""
    refusals = rulebook.Refusals(all_of_them=True)
    problems: list[Problem] = []
    known: dict[str, Statute] = {}
    try:
        base = rulebook.read(national)
        joined = localpack.extend(base, folders, refusals)
        own = {id: entry for id, entry in joined.entries.items() if id in joined.rulebook.local}
        pack = rulebook.Pack(joined.rulebook, own, joined.instruments)
        labels = {national: "", **{folder: f"{folder.resolve().name}/" for folder in folders}}
        for folder, label in labels.items():
            found, wrong = texts.statutes(folder, pack.instruments, label)
            known |= found
            problems += wrong
        problems += texts.check(pack, known)
        excuses = records.Records()
        for folder in folders:
            excuses = excuses.with_(records.read(folder, labels[folder]))
        if not refusals.found:
            problems += _local_rest(pack, base, excuses)
    except RuleError as error:
        return Proof(0, 0, tuple(refused(one) for one in (*refusals.found, error)), False)
    gathered = (*(refused(one) for one in refusals.found), *problems)
    articles = sum(len(one.articles) for one in known.values())
    return Proof(len(own), articles, gathered, not refusals.found, len(joined.rulebook.overrides))
