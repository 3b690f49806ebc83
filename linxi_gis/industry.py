"""Industries by GB/T 4754-2017: a table of codes and names, what stands above and below a code, near names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from linxi_gis.errors import CatalogError, UsageError
from linxi_gis.law import Truth

LEVELS = ("门类", "大类", "中类", "小类")
_CODE = re.compile(r"(?:[A-T])?([0-9]{2,4})|([A-T])", re.ASCII)
_BETWEEN = re.compile(r"[\s、，,;；/]+")
_NEAR = 5  # near names told of a word that is none


@dataclass(frozen=True, slots=True)
class Industry:
    """One section, division, group or class; `parent` is "" for a section."""

    code: str
    level: str
    parent: str
    name: str


@dataclass(frozen=True, slots=True)
class Industries:
    """The table, by code, in the order of the standard."""

    by_code: Mapping[str, Industry]

    def ancestors(self, code: str) -> tuple[Industry, ...]:
        """Return what stands above a code, the section first."""
        found: list[Industry] = []
        parent = self.by_code[code].parent
        while parent:
            found.insert(0, self.by_code[parent])
            parent = self.by_code[parent].parent
        return tuple(found)

    def children(self, code: str) -> tuple[Industry, ...]:
        """Return what stands directly below a code."""
        return tuple(one for one in self.by_code.values() if one.parent == code)

    def descendants(self, code: str) -> tuple[Industry, ...]:
        """Return everything below a code, in the order of the standard."""
        return tuple(one for one in self.by_code.values() if code in [up.code for up in self.ancestors(one.code)])

    def within(self, code: str, group: str) -> Truth:
        """Whether an industry belongs to a group: None where it is too coarse to say (09 of 0912).

        Raises KeyError for a code that is none.
        """
        if code == group or group in [up.code for up in self.ancestors(code)]:
            return True
        return None if code in [up.code for up in self.ancestors(group)] else False

    def named(self, word: str) -> tuple[Industry, ...]:
        """Return the industries whose name holds a word, in the order of the standard."""
        plain = _plain(word)
        return tuple(one for one in self.by_code.values() if plain and plain in _plain(one.name))

    def near(self, word: str) -> tuple[Industry, ...]:
        """Return the industries a wrong code or word may mean, the likeliest first; none without likeness."""
        code = _code_of(word)
        if code:
            upper = [code[:length] for length in range(len(code) - 1, 1, -1)]
            known = next((up for up in upper if up in self.by_code), "")
            return self.children(known)[:_NEAR] if known else ()
        plain, names = _plain(word), [_plain(one.name) for one in self.by_code.values()]
        rare = {sign: 1.0 / (1 + sum(sign in name for name in names)) for sign in set(plain)}
        scored = [
            (_likeness(plain, name, rare), one) for name, one in zip(names, self.by_code.values(), strict=True)
        ]
        ranked = sorted((pair for pair in scored if pair[0] > 0.0), key=lambda pair: -pair[0])
        finest = {one.name: one for _, one in ranked}  # a group with one class bears its name
        return tuple(finest.values())[:_NEAR]


def _plain(name: str) -> str:
    """Return a name without what people write in different ways: spaces, full-width brackets."""
    return re.sub(r"\s+", "", name).translate(str.maketrans("（）", "()"))


def _likeness(word: str, name: str, rare: Mapping[str, float]) -> float:
    """Return 0 where a name holds less than half of a word's characters, else more for rarer ones and closer names."""
    shared = set(word) & set(name)
    if not shared or 2 * len(shared) < len(set(word)):
        return 0.0
    return sum(rare[sign] for sign in shared) + difflib.SequenceMatcher(None, word, name, autojunk=False).ratio() / 10


def _code_of(text: str) -> str:
    match = _CODE.fullmatch(text.strip().upper())
    return (match.group(1) or match.group(2)) if match else ""


@lru_cache(maxsize=4)
def read(path: Path) -> Industries:
    """Read a table of industries (UTF-8, tab-separated); raises CatalogError naming file and line."""
    by_code: dict[str, Industry] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    head = next((number for number, line in enumerate(lines) if not line.startswith("#")), 0)
    for number, line in enumerate(lines[head + 1 :], start=head + 2):
        cells = line.split("\t")
        if len(cells) != 4 or cells[1] not in LEVELS or (cells[2] and cells[2] not in by_code):
            raise CatalogError(f"行业表第 {number} 行读不懂：{line[:40]!r}", where=path.name)
        by_code[cells[0]] = Industry(*cells)
    return Industries(by_code)


def codes(text: str) -> tuple[str, ...]:
    """Return the codes of a list that was checked before.

    >>> codes("0912、0810"), codes("")
    (('0912', '0810'), ())
    """
    return tuple(code for code in _BETWEEN.split(text) if code)


def checked(text: str, table: Industries, where: str) -> str:
    """Return a project's industry as codes joined by 、; raises UsageError with near names where one is unknown.

    A code may carry its section's letter (B0912) or be an industry's full name; several stand side by side.
    """
    stripped = text.strip()
    exact = [one for one in table.named(stripped) if _plain(one.name) == _plain(stripped)]
    if exact:  # a full name may hold the very characters that lists are divided by
        return exact[-1].code
    return "、".join(dict.fromkeys(_one(word, table, where) for word in _BETWEEN.split(stripped) if word))


def _one(word: str, table: Industries, where: str) -> str:
    code = _code_of(word)
    if code in table.by_code:
        section = word.strip().upper()[0]
        if section.isalpha() and len(word.strip()) > 1 and table.ancestors(code)[0].code != section:
            right = table.ancestors(code)[0]
            raise UsageError(f"行业 {word!r} 的门类不对：{code} 属于 {right.code} {right.name}", where=where)
        return code
    exact = [one for one in table.named(word) if _plain(one.name) == _plain(word)]
    if exact:
        return exact[-1].code  # a group with one class bears its name: the class says more
    near = table.named(word)[:_NEAR] or table.near(word)
    raise UsageError(f"没有行业代码 {word!r}（GB/T 4754-2017）", where=where, remedy=_advice(near))


def _advice(near: Sequence[Industry]) -> str:
    told = "、".join(f"{one.code} {one.name}" for one in near)
    return f"相近的有 {told}；也可用 linxi industry 查找" if told else "用 linxi industry 按名称查找"


def any_within(project: str, groups: Iterable[str], table: Industries) -> Truth:
    """Whether any of a project's industries belongs to any of the groups; None while nobody can say.

    An unnamed industry is unknown, and so is one that is coarser than a group below it.
    """
    truths = [table.within(code, group) for code in codes(project) for group in groups]
    if any(truth is True for truth in truths):
        return True
    return None if not truths or any(truth is None for truth in truths) else False
