"""The keys of a catalogue: what each may hold; what is wrong is gathered, and told at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

TABLE = "应为一个表"


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may hold: `take` gives the value, or raises ValueError; `words` say what is wanted."""

    take: Callable[[Any], Any]
    words: str
    default: Any = ...  # ... means that it must be there


def text(least: int = 0) -> Callable[[Any], str]:
    """Take a text of at least so many characters."""

    def take(value: Any) -> str:
        if not isinstance(value, str) or len(value) < least:
            raise ValueError
        return value

    return take


def of(kind: type) -> Callable[[Any], Any]:
    """Take a value of one type."""

    def take(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError
        return value

    return take


def number(least: float, most: float, *, above: bool = False) -> Callable[[Any], float]:
    """Take a number within bounds; `above` leaves out the least."""

    def take(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not least <= value <= most or (above and value == least):
            raise ValueError
        return float(value)

    return take


def day(value: Any) -> date:
    """Return a date; raises ValueError."""
    if isinstance(value, str):
        return date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts; raises ValueError."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError
    return tuple(value)


def words(value: Any) -> dict[str, str]:
    """Return a table of texts by text; raises ValueError."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValueError
    return value


class Checker:
    """Takes values by their keys and gathers what is wrong, so that several faults are told at once."""

    def __init__(self, known: Sequence[str]) -> None:
        """Take all keys there are: what a wrong one is told to look like."""
        self._known = known
        self.wrong: list[str] = []

    def table(self, raw: Any, keys: Mapping[str, Key], place: str = "") -> dict[str, Any]:
        """Return a value for every key; what is wrong is gathered."""
        if not isinstance(raw, dict):
            self.wrong.append(f"{place}：值 {raw!r} 不合要求（{TABLE}）")
            return {}
        head = f"{place}." if place else ""
        for name in raw:
            if name not in keys:
                near = difflib.get_close_matches(name, self._known, n=1)
                self.wrong.append(f"{head}{name}：没有这个键" + (f"，是不是 {near[0]}？" if near else ""))
        return {name: self._one(raw, name, key, head) for name, key in keys.items()}

    def tables(self, raw: Sequence[Any], keys: Mapping[str, Key], place: str) -> list[dict[str, Any]]:
        """As `table`, of each in a list."""
        return [self.table(one, keys, f"{place}.第{number}个") for number, one in enumerate(raw, start=1)]

    def _one(self, raw: Mapping[str, Any], name: str, key: Key, head: str) -> Any:
        if name not in raw:
            if key.default is ...:
                self.wrong.append(f"{head}{name}：缺少这个键")
            return key.default
        try:
            return key.take(raw[name])
        except ValueError:
            self.wrong.append(f"{head}{name}：值 {raw[name]!r} 不合要求（{key.words}）")
            return key.default
