"""A GeoPackage made safe to open: our own copy, with every view and trigger taken out and its rows counted.

A view may run any query, a virtual table may reach other files: neither is needed to read feature tables
(OGC 12-128r19, gpkg_contents and gpkg_geometry_columns).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.sniff import SQLITE

_REMEDY = "请用 QGIS 另存为新的 GeoPackage 后提交"
# Instructions of SQLite's machine between two looks at the budget, and how often we look: some seconds.
_STEP, _LOOKS = 1_000_000, 5000
# Bytes of the envelope by its code in the flags (OGC 12-128r19, 2.1.3).
_ENVELOPE = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_CURVE_KINDS = frozenset((8, 9, 10, 11, 12, 13, 14))
_STRAIGHT = ("POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON")
_HEAD = 8 + 64 + 5


@dataclass(frozen=True, slots=True)
class Package:
    """What was found in a GeoPackage: the rows of its feature tables, and what is to be told."""

    rows: int
    issues: tuple[Issue, ...]


def prepared(path: Path, where: str) -> Package:
    """Take views and triggers out of a GeoPackage (our own copy of it) and count its rows.

    Raises InputError when it is no GeoPackage, holds virtual tables other than the spatial index, or is broken.
    """
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(SQLITE):
        raise InputError("不是有效的 GeoPackage（SQLite）文件", where=where, remedy=_REMEDY)
    try:
        # Closed before GDAL opens it, also when something raises.
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            return _prepared(database, where)
    except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError) as error:
        raise InputError("GeoPackage 已损坏，无法打开", where=where, remedy=_REMEDY) from error


def _prepared(database: sqlite3.Connection, where: str) -> Package:
    looks = iter(range(_LOOKS))
    database.set_progress_handler(lambda: int(next(looks, None) is None), _STEP)
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    database.execute("PRAGMA trusted_schema=OFF")
    database.execute("PRAGMA journal_mode=MEMORY")
    held = list(database.execute("SELECT type, name, rootpage, sql FROM sqlite_master"))
    tables = {str(name).lower() for kind, name, *_ in held if kind == "table"}
    if "gpkg_contents" not in tables or "gpkg_geometry_columns" not in tables:
        raise InputError("是 SQLite 数据库，但不是 GeoPackage", where=where, remedy=_REMEDY)
    for kind, name, page, sql in held:
        module = _module(str(sql or ""))
        # A table without a page of its own is virtual, however its statement is written.
        if kind == "table" and module != "rtree" and (module or not page):
            raise InputError(f"含有虚拟表（{module or name}），不能读取", where=where, remedy=_REMEDY)
    _without(database, [(str(kind), str(name)) for kind, name, *_ in held if kind in ("trigger", "view")])
    views = [str(name) for kind, name, *_ in held if kind == "view"]
    issues = [_views(views, where)] if views else []
    rows, curves = _counted(database, tables, where)
    if curves:
        from linxi_gis.intake.gdalread import curves_linearised

        issues.append(curves_linearised(where))
    return Package(rows, tuple(issues))


def _module(sql: str) -> str:
    """The module of a virtual table in lower case, "" for a plain one."""
    bare = re.sub(r"/\*.*?\*/|--[^\n]*", " ", sql[:4000], flags=re.DOTALL)
    found = re.match(r"\s*CREATE\s+VIRTUAL\s+TABLE\b.*?\bUSING\s+(\w+)", bare, re.IGNORECASE | re.DOTALL)
    return found[1].lower() if found else ""


def _views(names: Sequence[str], where: str) -> Issue:
    listing = "、".join(names[:5])
    return Issue("views_ignored", "info", f"{where} 里的视图（{listing}）不读取，只读图层本身的表")


def _without(database: sqlite3.Connection, held: Sequence[tuple[str, str]]) -> None:
    for kind, name in sorted(held):  # triggers first: none may run while views go
        quoted = _quoted(name)
        database.execute(f"DROP {'TRIGGER' if kind == 'trigger' else 'VIEW'} IF EXISTS {quoted}")
        if kind == "view":
            for table in ("gpkg_contents", "gpkg_geometry_columns"):
                database.execute(f"DELETE FROM {table} WHERE lower(table_name) = lower(?)", (name,))


def _counted(database: sqlite3.Connection, tables: set[str], where: str) -> tuple[int, bool]:
    """The rows of all feature tables, and whether any geometry has arcs."""
    rows, curves = 0, False
    columns = list(
        database.execute("SELECT table_name, column_name, geometry_type_name FROM gpkg_geometry_columns")
    )
    for table, column, kind in columns:
        if str(table).lower() not in tables:
            raise InputError(f"登记的图层 {str(table)[:60]} 不存在", where=where, remedy=_REMEDY)
        named, held = _quoted(str(table)), _quoted(str(column))
        (count,) = database.execute(f"SELECT count(*) FROM {named}").fetchone()
        rows += int(count)
        if str(kind).upper() in _STRAIGHT:
            continue
        heads = database.execute(f"SELECT substr({held}, 1, {_HEAD}) FROM {named} WHERE typeof({held}) = 'blob'")
        curves = curves or any(_curved(head) for (head,) in heads)
    return rows, curves


def _curved(head: bytes) -> bool:
    """Whether a geometry is of a kind with arcs, by the type code after the GeoPackage header."""
    if len(head) < 8 or head[:2] != b"GP":
        return False
    at = 8 + _ENVELOPE.get(head[3] >> 1 & 7, 0)
    if len(head) < at + 5:
        return False
    code = int.from_bytes(head[at + 1 : at + 5], "little" if head[at] else "big")
    return code % 1000 in _CURVE_KINDS


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
