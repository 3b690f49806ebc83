"""Propose a catalogue entry for a version, and write it by an atomic replace; comments stay."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from linxi_gis import catalog
from linxi_gis.catalog import Catalog
from linxi_gis.errors import CatalogError, UsageError


@dataclass(frozen=True, slots=True)
class Listing:
    """What the catalogue shall say of a version, besides its path.

    `until` is the day before the next version there is; `closes` the version whose `effective_to` becomes the day
    before this one's first, "" when there is none.
    """

    layer_id: str
    theme: str
    title: str
    version: str
    since: date | None
    until: date | None
    closes: str | None
    coverage: str
    accuracy_m: float | None
    columns: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str], ...]


def neighbours(held: Catalog, layer_id: str, version: str, since: date | None) -> tuple[date | None, str | None]:
    """Return the last day of a new version and the version it closes; raises UsageError where dates leave no room."""
    others = held.versions(layer_id)
    if any(one.identity.version == version for one in others):
        raise UsageError(f"{layer_id} 已有版本“{version}”，不能覆盖", remedy="请用 --version 另起名字")
    if not others:
        return None, None
    if since is None:
        names = "、".join(one.identity.version or "（未写）" for one in others)
        raise UsageError(f"{layer_id} 已有版本 {names}", remedy="请用 --from 日期 写明新版本从哪一天起生效")
    if any(one.effective_from == since for one in others):
        raise UsageError(f"{layer_id} 已有 {since} 起生效的版本", remedy="请核对 --from")
    later = [one.effective_from for one in others if one.effective_from is not None and one.effective_from > since]
    until = min(later) - timedelta(days=1) if later else None
    before = [one for one in others if one.effective_from is None or one.effective_from < since]
    last = max(before, key=lambda one: one.effective_from or date.min, default=None)
    if last is None or (last.effective_to is not None and last.effective_to < since):
        return until, None
    return until, last.identity.version


def block(listing: Listing, path: str) -> str:
    """Return the entry as the TOML that is written."""
    return tomlkit.dumps({"layer": [_table(listing, path)]})


def _table(listing: Listing, path: str) -> Table:
    table = tomlkit.table()
    words: Mapping[str, object] = {
        "id": listing.layer_id, "theme": listing.theme, "title": listing.title, "path": path,
        "version": listing.version, "effective_from": listing.since, "effective_to": listing.until,
        "status": "approved", "accuracy_m": listing.accuracy_m, "coverage": listing.coverage,
    }  # fmt: skip
    for key, value in words.items():
        if value is not None:
            table.add(key, value)
    for key, pairs in (("columns", listing.columns), ("classes", listing.classes)):
        if pairs:
            inline = tomlkit.inline_table()
            for word, ours in pairs:
                inline.append(word, ours)
            table.add(key, inline)
    return table


def add(path: Path, listing: Listing, data: Path) -> None:
    """Name a version in a catalogue: the file is replaced as a whole, or stays as it was.

    Raises CatalogError when the catalogue cannot be read or written, or would not be valid with the entry.
    """
    near = data.relative_to(path.parent) if data.is_relative_to(path.parent) else data
    try:
        before = path.read_bytes()
        text = _with_entry(before.decode("utf-8-sig"), listing, near.as_posix())
        number, name = tempfile.mkstemp(prefix=".catalog-", suffix=".toml", dir=path.parent)
        draft = Path(name)
        try:
            with os.fdopen(number, "wb") as stream:
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            catalog.read(draft)
            if path.read_bytes() != before:
                raise CatalogError("目录刚被别的程序改动", where=str(path), remedy="请重新运行一次")
            draft.chmod(path.stat().st_mode)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise CatalogError(f"图层目录不是有效的 UTF-8 TOML（{error}）", where=str(path)) from error
    except OSError as error:
        what = f"写不出来（{error.strerror or type(error).__name__}）"
        raise CatalogError(what, where=str(path), remedy="请关闭正在打开它的程序") from error


def _with_entry(text: str, listing: Listing, path: str) -> str:
    document = tomlkit.parse(text)
    held = document.get("layer")
    if listing.closes is not None and isinstance(held, AoT) and listing.since is not None:
        for one in held:
            if one.get("id") == listing.layer_id and one.get("version", "") == listing.closes:
                one["effective_to"] = listing.since - timedelta(days=1)
    end = "\r\n" if "\r\n" in text else "\n"
    base = tomlkit.dumps(document).rstrip()
    made = block(listing, path).strip().replace("\r\n", "\n").replace("\n", end)
    return f"{base}{end}{end}{made}{end}"
