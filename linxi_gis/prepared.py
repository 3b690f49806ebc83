"""Prepared layers on disk: found by what they are made of, written whole, checked, made anew when in doubt.

A folder holds ``layers/<key>.lxp`` (see `linxi_gis.shelf`), the key being the SHA-256 of everything that
decides the content, and ``sources/<path>.json``, which remembers what a file hashed to. Everything in it
can be thrown away at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely

from linxi_gis import __version__, shelf, vectorfile
from linxi_gis.errors import CacheError


def package(name: str) -> str:
    """Return what an installed package calls itself, from its folder's name: nothing of it is loaded.

    The wheels of pyogrio and pyproj hold GDAL and PROJ, so that their version is that of those. (importlib.metadata
    would say it too, and takes 40 ms to load.)
    """
    found = importlib.util.find_spec(name)
    folder = Path(found.origin).parent.parent if found is not None and found.origin else None
    beside = os.listdir(folder) if folder is not None and folder.is_dir() else []
    told = sorted(entry for entry in beside if entry.startswith(f"{name}-") and entry.endswith(("-info", ".egg")))
    return " ".join(told) or name


# Raised whenever the same source would be prepared otherwise, or the arrays are named otherwise.
LAYOUT = 4
# Another GDAL may read a file otherwise, another PROJ project it otherwise, another GEOS heal it otherwise.
ENGINE = f"{__version__}/{LAYOUT}/GEOS {shapely.geos_version_string}/{package('pyogrio')}/{package('pyproj')}"
# A file younger than this when it was hashed may have been written again within the same time stamp.
RACY_NS = 2_000_000_000
_DAY_S = 86_400.0


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Where prepared layers are kept; `folder` None keeps none. `told` takes one line for a person."""

    folder: Path | None = None
    told: Callable[[str], None] = _silent

    def sha256(self, path: Path, signature: vectorfile.Signature) -> str:
        """Return what a layer's files hash to; not hashed again while their sizes and times stand.

        Raises LayerError when they cannot be read.
        """
        if self.folder is None:
            return vectorfile.sha256(path)
        note = self.folder / "sources" / f"{hashlib.sha256(str(path).encode('utf-8', 'replace')).hexdigest()[:40]}.json"
        files = [list(one) for one in signature]
        with contextlib.suppress(OSError, ValueError, TypeError):
            said = json.loads(note.read_text(encoding="utf-8"))
            if said["files"] == files and said["path"] == str(path) and _settled(signature, said["at"]):
                return str(said["sha256"])
        at = time.time_ns()
        digest = vectorfile.sha256(path)
        if _settled(signature, at):
            said = {"path": str(path), "files": files, "at": at, "sha256": digest}
            with contextlib.suppress(OSError):
                shelf.write_text(note, json.dumps(said))
        return digest

    def open(self, key: str) -> shelf.Shelf | None:
        """Return the prepared layer of a key, None when there is none.

        A damaged one, and one that was made for another key and copied here, is told and removed.
        """
        path = self._path(key)
        if path is None:
            return None
        with contextlib.suppress(OSError):  # when it was last used, to the day; before it is opened: its times tell a change
            if time.time() - path.stat().st_mtime > _DAY_S:
                os.utime(path)
        try:
            return _own(path)
        except CacheError as error:
            self.discard(path, error.what)
            return None

    def save(self, key: str, meta: Mapping[str, Any], arrays: shelf.Arrays) -> shelf.Shelf | None:
        """Write a prepared layer and return it mapped; None, and told, when it cannot be written."""
        path = self._path(key)
        if path is None:
            return None
        try:
            shelf.write(path, ENGINE, {**meta, "key": key}, arrays)
        except OSError as error:
            self.told(f"预处理结果存不下来（{error.strerror}：{path.parent}），本次照常研判，下次还要重做")
            return None
        found = self.open(key)  # where Windows let a damaged one stand, it still stands there
        return found if found is not None and found.is_whole() else None

    def discard(self, path: Path, why: str = "预处理缓存损坏") -> None:
        """Remove a file that cannot be used and tell it; where it is held open it is written over later."""
        self.told(f"{why}（{path.name}），重新预处理")
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path | None:
        return None if self.folder is None else self.folder / "layers" / f"{key}{shelf.SUFFIX}"


def _own(path: Path) -> shelf.Shelf | None:
    """Return the shelf at a path, None where there is none; raises CacheError where it is damaged, or another's."""
    found = shelf.open_shelf(path, ENGINE)
    if found is not None and found.meta.get("key") != path.stem:
        raise CacheError("预处理缓存是由别的图层改名而来", where=path.name, remedy="请运行 linxi layers clean 后重试")
    return found


def key(parameters: object) -> str:
    """Return the key of a layer made with these parameters (anything JSON can hold) by this engine."""
    text = json.dumps([ENGINE, parameters], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _settled(signature: vectorfile.Signature, at_ns: int) -> bool:
    """Whether files were old enough, when they were hashed, that their times would show a later change."""
    return all(changed + RACY_NS < at_ns for _, _, changed, _ in signature)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a cleaning removed, and what it could not."""

    files: int
    size: int
    kept: int


def clean(folder: Path, *, everything: bool = False, older_days: float | None = None) -> Cleaned:
    """Remove prepared layers: all, those not used for some days, or those this version cannot use.

    Only files of the kinds this module writes are touched. What another process holds open may stay.
    """
    files = size = kept = 0
    for path in _ours(folder):
        try:
            stat = path.stat()
            age_s = time.time() - stat.st_mtime
            if not (everything or _spent(path, age_s, older_days)):
                continue
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError:
            kept += 1
            continue
        files, size = files + 1, size + stat.st_size
    return Cleaned(files, size, kept)


def _ours(folder: Path) -> Iterator[Path]:
    for name, kind in (("layers", shelf.SUFFIX), ("sources", ".json"), ("rules", ".json"), ("engine", ".mark")):
        if (folder / name).is_dir():
            yield from (path for path in sorted((folder / name).iterdir()) if path.suffix in (kind, ".tmp"))


def _spent(path: Path, age_s: float, older_days: float | None) -> bool:
    if older_days is not None:
        return age_s > older_days * _DAY_S
    if path.suffix == ".tmp":  # of a process that died; a living one takes minutes at most
        return age_s > 3600.0
    if path.suffix != shelf.SUFFIX:
        return False
    try:
        return _own(path) is None
    except CacheError:
        return True
