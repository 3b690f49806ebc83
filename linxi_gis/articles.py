"""The full articles a rule pack cites, and whether a quotation stands in them word for word."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from linxi_gis.errors import RuleError
from linxi_gis.law import Citation
from linxi_gis.rulefile import Record

FOLDER = "articles"  # beside the rules, and not read with them: `linxi check` needs no full text
_KEYS = frozenset((
    "instrument", "title", "text_as_of", "source", "second_source", "quality", "note", "incomplete",
    "word_for_word", "article",
))  # fmt: skip
_DIGITS = {word: number for number, word in enumerate("一二三四五六七八九", 1)}
_PLACE = re.compile(r"(第[^条款项、]+条(?:之[一二三四五六七八九十]+)?)(?:第([^条款项、]+)款)?(?:第([^条款项、]+)项)?")
_ITEM = re.compile(r"\s*[（(][一二三四五六七八九十]+[）)]")
_ELLIPSIS = re.compile(r"…+|\.{3,}")
# One reprint has half-width commas and brackets; a difference in width is no difference in words.
_WIDTHS = str.maketrans(",:;()", "，：；（）")


@dataclass(frozen=True, slots=True)
class Statute:
    """The articles of one instrument that the pack cites, with where the text was taken from.

    `quality` is how the text was checked, in the words of who checked it; `incomplete` names articles
    of which only a part was found, `word_for_word` those that two sources were compared on.
    """

    instrument: str
    title: str
    text_as_of: date | None
    source: str
    second_source: str
    quality: str
    note: str
    incomplete: tuple[str, ...]
    word_for_word: tuple[str, ...]
    articles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Passage:
    """The place a citation names: the article, its number, and the words of the clause or item named."""

    number: str
    text: str


def read(path: Path) -> Statute:
    """Return the articles of one file; raises RuleError naming the file and the key that is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RuleError("条文文件打不开", where=f"{FOLDER}/{path.name}", remedy="请检查规则包文件夹") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"不是有效的 UTF-8 TOML（{error}）", where=f"{FOLDER}/{path.name}") from error
    record = Record.of(raw, f"{FOLDER}/{path.name}", _KEYS)
    texts = record.raw.get("article")
    inner = Record.of(texts, f"{record.where} article", frozenset(texts if isinstance(texts, dict) else ()))
    return Statute(
        record.text("instrument"),
        record.text("title"),
        record.day("text_as_of"),
        record.text("source"),
        record.text("second_source", ""),
        record.text("quality", ""),
        record.text("note", ""),
        record.words("incomplete"),
        record.words("word_for_word"),
        {number: inner.text(number) for number in inner.raw},
    )


def find(folders: Iterable[Path], citation: Citation) -> Statute | None:
    """Return the file that holds a citation's instrument, None when the packs carry none of its text."""
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.toml")):
            statute = read(path)
            if statute.title == citation.instrument:
                return statute
    return None


def _number(words: str) -> int:
    """Return a Chinese number from one to 99; raises KeyError for anything else.

    >>> _number("三"), _number("十"), _number("十二"), _number("二十一")
    (3, 10, 12, 21)
    """
    tens, ten, ones = words.rpartition("十")
    if not ten:
        return _DIGITS[ones]
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)


def _clauses(text: str) -> list[list[str]]:
    """Return the clauses (款) of an article: each the line it opens with, then its items (项)."""
    clauses: list[list[str]] = []
    for line in text.splitlines():
        if clauses and _ITEM.match(line):
            clauses[-1].append(line)
        else:
            clauses.append([line])
    return clauses


def _part(text: str, clause: str | None, item: str | None) -> str:
    """Return the words of a clause, or of an item with the line that opens it; raises IndexError, KeyError."""
    clauses = _clauses(text)
    chosen = clauses if clause is None else [clauses[_number(clause) - 1]]
    if item is None:
        return "\n".join(line for lines in chosen for line in lines)
    lines = next((lines for lines in chosen if len(lines) > _number(item)), None)
    if lines is None:
        raise IndexError(item)
    return f"{lines[0]}\n{lines[_number(item)]}"


def passages(article: str, texts: Mapping[str, str]) -> tuple[Passage, ...]:
    """Return the places a citation names ("第五条第二款、第二十八条"); raises LookupError with what is missing.

    >>> texts = {"第二条": "甲。\\n乙：\\n（一）丙；\\n（二）丁。"}
    >>> [one.text for one in passages("第二条第一款、第二条第二款第二项", texts)]
    ['甲。', '乙：\\n（二）丁。']
    >>> passages("第二条第三款", texts)
    Traceback (most recent call last):
        ...
    LookupError: 第二条没有第三款
    """
    if article in texts:
        return (Passage(article, texts[article]),)
    found = []
    for part in article.split("、"):
        place = _PLACE.fullmatch(part)
        if place is None or place[1] not in texts:
            raise LookupError(f"没有{place[1] if place else part}的全文")
        try:
            found.append(Passage(place[1], _part(texts[place[1]], place[2], place[3])))
        except (IndexError, KeyError):
            raise LookupError(f"{place[1]}没有{part[len(place[1]):]}") from None
    return tuple(found)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text).translate(_WIDTHS)


def pieces(quote: str) -> Iterator[str]:
    """Yield what stands between the ellipses (……) of a quotation, without white space."""
    yield from (piece for piece in _ELLIPSIS.split(_plain(quote)) if piece)


def missing(quote: str, where: Iterable[Passage]) -> str | None:
    """Return the first piece of a quotation that is not where it should be, None when all of it stands.

    Between two ellipses every character must be the article's, white space and the width of
    punctuation aside; the pieces stand in the order of the passages, none across the end of one, none
    over another. A quotation of nothing but ellipses stands nowhere.

    >>> text = [Passage("第一条", "甲乙，丙丁。"), Passage("第二条", "戊己。")]
    >>> missing("甲乙……戊己", text), missing("甲……丁。戊", text), missing("丙……甲", text), missing("……", text)
    (None, '丁。戊', '甲', '……')
    """
    body, at = "\n".join(_plain(one.text) for one in where), 0
    parts = list(pieces(quote))
    for piece in parts:
        found = body.find(piece, at)
        if found < 0:
            return piece
        at = found + len(piece)
    return None if parts else quote
