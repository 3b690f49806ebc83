"""Every quotation marked verbatim stands in its article; only such a text forbids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from linxi_gis import articles
from linxi_gis.articles import Statute
from linxi_gis.errors import RuleError
from linxi_gis.law import Citation, Verdict
from linxi_gis.rulebook import Pack
from linxi_gis.rulecheck.problem import Problem, problem, refused
from linxi_gis.rulefile import Entry, Instrument

_SHOWN = 40  # characters of a quotation that a message repeats


def statutes(
    folder: Path, instruments: Mapping[str, Instrument], label: str = ""
) -> tuple[dict[str, Statute], list[Problem]]:
    """Return the articles that travel with a pack by instrument, and what is wrong with their files.

    `label` is the local pack the files are of, with a slash; "" for the national one.
    """
    found: dict[str, Statute] = {}
    problems: list[Problem] = []
    for path in sorted((folder / articles.FOLDER).glob("*.toml")):
        try:
            statute = articles.read(path)
        except RuleError as error:
            problems.append(refused(RuleError(error.what, where=f"{label}{error.where}", remedy=error.remedy)))
            continue
        problems += _statute(statute, f"{label}{articles.FOLDER}/{path.name}", path.stem, instruments)
        found[statute.instrument] = statute
    return found, problems


def _statute(statute: Statute, where: str, stem: str, instruments: Mapping[str, Instrument]) -> Iterator[Problem]:
    law = instruments.get(statute.instrument)
    if law is None or statute.instrument != stem:
        what = f"{statute.instrument!r} 不是 instruments.toml 里的键，或与文件名不同"
        yield problem("article", where, "instrument", what, "请更正")
    elif (law.title, law.text_as_of) != (statute.title, statute.text_as_of):
        yield problem("article", where, "title", "名称或 text_as_of 与 instruments.toml 不同", "请核对两处")
    for number in (*statute.incomplete, *statute.word_for_word):
        if number not in statute.articles:
            yield problem("article", where, "incomplete", f"没有{number}", "请更正 incomplete、word_for_word")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _quotation(
    citation: Citation, key: str, instrument: str, where: str, known: Mapping[str, Statute]
) -> Iterator[Problem]:
    if citation.text_status != "verbatim":
        return
    if instrument not in known:
        what = f"没有《{citation.instrument}》的全文，引文无从核对"
        yield problem("article", where, key, what, f"请加 {articles.FOLDER}/{instrument}.toml，或改 text_status")
        return
    try:
        places = articles.passages(citation.article, known[instrument].articles)
    except LookupError as error:
        what = f"《{citation.instrument}》{error.args[0]}"
        yield problem("article", where, key, what, f"请核对条号，或在 {articles.FOLDER}/{instrument}.toml 补上全文")
        return
    lost = articles.missing(citation.quote, places)
    if lost is not None:
        what = f"“{_short(lost)}”不在{citation.article}里"
        yield problem("quote", where, key, what, "请按原文改正引文或条号；不是原文的，text_status 改为 paraphrase")


def _prohibition(entry: Entry) -> Iterator[Problem]:
    status = entry.rule.basis.text_status
    if entry.rule.effect is Verdict.PROHIBITED and status != "verbatim":
        what = f"effect 为“禁止”，而 text_status 为 {status}"
        yield problem("prohibition", entry.where, "effect", what, "只有原文能得出“禁止”：请核对原文，或改轻 effect")


def check(pack: Pack, known: Mapping[str, Statute]) -> Iterator[Problem]:
    """Yield the quotations of rules and penalties that do not stand in the place they name, and bans without a text.

    How ellipses and several clauses count: `articles.missing`, `articles.passages`.
    """
    for entry in pack.entries.values():
        yield from _quotation(entry.rule.basis, "quote", entry.instrument, entry.where, known)
        if entry.penalty is not None:
            yield from _quotation(entry.penalty, "penalty", entry.penalty_instrument, entry.where, known)
        yield from _prohibition(entry)
