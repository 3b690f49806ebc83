"""The files of a rule pack: TOML read once and kept, their digest, and faults raised or gathered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from linxi_gis import shelf
from linxi_gis.errors import RuleError


@dataclass(slots=True)
class Refusals:
    """What does not hold together: raised at the first fault, or, where `all_of_them`, gathered."""

    all_of_them: bool = False
    found: list[RuleError] = field(default_factory=list)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Take a RuleError of the block: raise it, or keep it and go on after the block."""
        try:
            yield
        except RuleError as error:
            if not self.all_of_them:
                raise
            self.found.append(error)


def tables(
    folder: Path, paths: Sequence[Path], required: Sequence[str], kept: Path | None, refusals: Refusals
) -> dict[str, Mapping[str, object]]:
    """Return every file of a pack by its stem; of one that was read before, what was kept of it.

    The `required` ones must be there and be readable; of the others every fault is for `refusals`.

    Reading the TOML takes half of what a pack takes. What is kept is named by the SHA-256 of the files'
    bytes and begins with its own: a damaged one is not believed.
    """
    place = None if kept is None else _place(kept, paths)
    if place is not None:
        with contextlib.suppress(OSError, ValueError):
            own, _, text = place.read_text(encoding="utf-8").partition("\n")
            if hashlib.sha256(text.encode()).hexdigest() == own:
                known: dict[str, Mapping[str, object]] = json.loads(text, object_hook=_with_days)
                return known
    found = {stem: read_table(folder / f"{stem}.toml") for stem in required}
    for path in paths:
        if path.stem not in required:
            with refusals.one():
                found[path.stem] = read_table(path)
    if place is not None and not refusals.found:
        text = json.dumps(found, ensure_ascii=False, default=lambda day: {_DAY: day.isoformat()})
        with contextlib.suppress(OSError):
            shelf.write_text(place, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    return found


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


def read_table(path: Path) -> Mapping[str, object]:
    """Return one TOML file; raises RuleError naming it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RuleError("规则文件打不开", where=str(path), remedy="请检查规则包文件夹") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"不是有效的 UTF-8 TOML（{error}）", where=path.name) from error


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 over names and bytes, with CRLF and CR as LF: the same on every system."""
    total = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        total.update(path.name.encode() + b"\0" + content + b"\0")
    return total.hexdigest()
