"""Files under names of our own: placed without passing through memory, errors of the disk told as ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from linxi_gis.errors import InputError

_T = TypeVar("_T")


def place(source: Path | bytes, target: Path, *, copy: bool = False) -> None:
    """Put a file under a name of ours: a link where the system allows it, else a copy; never through memory."""
    if isinstance(source, bytes):
        target.write_bytes(source)
        return
    if not copy:
        try:
            os.symlink(source.resolve(), target)
        except OSError:  # Windows without the privilege, a file system without links
            pass
        else:
            return
    shutil.copyfile(source, target)


def beside(path: Path, suffixes: Collection[str]) -> dict[str, Path]:
    """Return the files that belong to one at a path, by suffix, itself included, whatever the case of their names.

    Of several that differ in case only, the one spelt like the file at the path; raises OSError.
    """
    files = sorted(path.parent.iterdir(), key=lambda file: (file.stem == path.stem, file.name))
    found = {
        file.suffix.lower(): file
        for file in files
        if file.stem.casefold() == path.stem.casefold() and file.suffix.lower() in suffixes and file.is_file()
    }
    return {**found, path.suffix.lower(): path}


def guarded(function: Callable[[], _T], where: str) -> _T:
    """Run what touches the disk; an OSError is told as an InputError."""
    try:
        return function()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(f"文件无法打开（{why}）", where=where, remedy="请检查文件权限") from error
