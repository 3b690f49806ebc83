"""An input file as it was when it was opened: what is read of it later must be of the same file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from linxi_gis import vectorfile
from linxi_gis.errors import InputError, LayerError, LinxiError
from linxi_gis.intake.errors import UNFORESEEN

REMEDY = "请用生成它的软件打开检查，重新导出后提交"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file by names, sizes and times, taken before its SHA-256."""

    path: Path
    signature: vectorfile.Signature
    sha256: str


def stamped(path: Path) -> Stamp:
    """Return the stamp of a file as it is now. Raises InputError when it cannot be read."""
    signature = _signature(path)
    try:
        return Stamp(path, signature, vectorfile.sha256(path))
    except LayerError as error:
        raise _closed(path) from error


def read_whole(path: Path, read: Callable[[], T]) -> tuple[T, Stamp]:
    """Return what `read` gives and the stamp of the file it read. Raises InputError when the file changes meanwhile."""
    before = _signature(path)
    found = read()
    stamp = stamped(path)
    if stamp.signature != before:
        raise changed(path)
    check(stamp, content=False)
    return found, stamp


def changed(path: Path) -> InputError:
    """Return the error of a file that is not what it was."""
    return InputError("文件在筛查期间变动了", where=path.name, remedy="请等文件写完后重做")


def check(stamp: Stamp, *, content: bool) -> None:
    """Raise InputError for a file that is not what it was, by its sizes and times, and by its `content` where asked.

    Times alone do not tell of a file that is written within one tick of the clock, or through a map of it.
    """
    try:
        if vectorfile.signature(stamp.path) == stamp.signature and (
            not content or vectorfile.sha256(stamp.path) == stamp.sha256
        ):
            return
    except LayerError:
        pass  # gone, or not to be had
    raise changed(stamp.path)


def _signature(path: Path) -> vectorfile.Signature:
    try:
        return vectorfile.signature(path)
    except LayerError as error:
        raise _closed(path) from error


def _closed(path: Path) -> InputError:
    return InputError("文件无法打开", where=path.name, remedy="请检查文件权限")


def watched(read: Iterator[T], stamp: Stamp, where: str) -> Iterator[T]:
    """Yield what is read of a file while it is what it was.

    Raises InputError when it changes, and for whatever a reader stumbles over: of a file that changed that first.
    """
    while True:
        try:
            one = next(read, None)
        except (LinxiError, *UNFORESEEN) as error:
            check(stamp, content=True)
            if isinstance(error, LinxiError):
                raise
            told = f"读到一半出错（{type(error).__name__}：{str(error)[:120]}），文件可能已损坏"
            raise InputError(told, where=where, remedy=REMEDY) from error
        check(stamp, content=False)
        if one is None:
            return
        yield one
