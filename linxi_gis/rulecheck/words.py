"""The words of the pack: zones that can be given as layers, zones that cannot, and questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from linxi_gis.rulebook import Pack, Theme
from linxi_gis.rulecheck.problem import Problem, problem
from linxi_gis.rulefile import Entry
from linxi_gis.themes import THEMES


def _themes(pack: Pack) -> Iterator[Problem]:
    for theme in pack.rulebook.themes.values():
        where = f"zones.toml {theme.name}"
        if theme.name not in THEMES:
            yield problem("words", where, "name", "图层目录没有这个主题", "请更正，可用：" + "、".join(THEMES))
        words = Counter(w.strip().casefold() for c in theme.classes for w in {c.code, *c.words})
        for word, count in words.items():
            if count > 1:
                yield problem("words", where, "classes", f"“{word}”指两个分区", "请只留在一个分区里")


def _names(theme: Theme) -> set[str]:
    return {theme.title, *theme.words, *(word for c in theme.classes for word in c.words)}


def _zones(entry: Entry, themes: dict[str, Theme]) -> Iterator[Problem]:
    """Every zone the text names is a theme's, or said to have no layer; nothing said so has one."""
    rule = entry.rule
    if not (rule.themes or rule.missing_themes):
        return
    known = {word for name in rule.themes for word in _names(themes[name])}
    said = (*rule.zone_words.split("|"), rule.class_words.partition("（")[0])
    for word in rule.zone_words.split("|"):
        if word not in known and not any(word in lost or lost in word for lost in rule.missing_themes):
            # A text that speaks of the outer belt of a reserve names the reserve as well.
            if said[-1] and any(lost.endswith(said[-1]) for lost in rule.missing_themes):
                continue
            what = f"条文说的“{word}”既不是所列主题的用语，也没有列入 missing_themes"
            yield problem("words", entry.where, "themes", what, "请加主题，或列入 missing_themes")
    for lost in rule.missing_themes:
        if not any(lost in word or word in lost for word in said):
            what = f"“{lost}”不在 zone_words、class_words 里"
            yield problem("words", entry.where, "missing_themes", what, "请按条文的用语更正")
        named = [theme.title for theme in themes.values() if lost in _names(theme)]
        if named:
            what = f"“{lost}”有图层主题（{'、'.join(named)}）"
            yield problem("words", entry.where, "missing_themes", what, "请改列入 themes")


def _questions(pack: Pack) -> Iterator[Problem]:
    """A question ends as one, a remark in brackets after it at most."""
    for attribute in pack.rulebook.attributes.values():
        if not attribute.question.rstrip().endswith(("？", "）")):
            where = f"attributes.toml {attribute.name}"
            yield problem("question", where, "question", "不是一个问句", "请写成以“？”结尾的问题")


def check(pack: Pack) -> Iterator[Problem]:
    """Yield themes no catalogue knows, zone words that lead nowhere, and attributes without a question.

    That conditions name known attributes with values of their type is the loader's.
    """
    yield from _themes(pack)
    yield from _questions(pack)
    for entry in pack.entries.values():
        yield from _zones(entry, dict(pack.rulebook.themes))
