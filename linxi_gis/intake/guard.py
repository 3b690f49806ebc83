"""Read strangers' files in a child process: bounded in time and memory, and a crash there is only an error."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import TYPE_CHECKING

from linxi_gis.errors import InputError, LinxiError
from linxi_gis.intake import reader
from linxi_gis.intake.reading import Options, Reading
from linxi_gis.intake.sniff import by_content

if TYPE_CHECKING:  # with what they bring, 30 ms to load: only where a child is started
    import tempfile
    from concurrent.futures import Future

    from pebble import ProcessPool

# Our choice: what a 200 MB shapefile takes, three times over. A child that wants more is ended.
MEMORY_BYTES = 4 * 1024**3
# Text of this size is read where we are: reading takes milliseconds, a child 0.45 s to start.
SMALL_BYTES = 64 * 1024
# Read by our own pure Python, which has no memory to corrupt.
_OWN = (".geojson", ".json", ".txt", ".csv", ".tsv", ".wkt")
# A worker is replaced after so many files, so that no leak of a library adds up.
_TASKS = 50
_NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class _Bug:
    """An exception nobody foresaw, as text: it need not survive pickling."""

    name: str
    text: str
    trace: str


_Answer = Reading | LinxiError | _Bug


class Reader:
    """Reads as `intake.read`, `read_bytes` and `read_text` do; heavy or binary files in child processes.

    Small text files (see `light`) are read in this process; everything else by one of `workers`
    children, which are started when the first such file comes, kept warm, and ended by `close`.
    A file that takes longer than `options.limits.seconds` ends its child and is an InputError, as is
    one that crashes it (a segmentation fault in GDAL or GEOS, memory beyond `memory_bytes`).

    Starting a child takes 0.43-0.48 s on a 2-core Linux desk (three fresh pools of one spawned
    worker, time to the first answer of a function that imports `linxi_gis.intake.reader`); a warm one
    answers in 0.6 ms. Children are spawned on every system, because the service has threads; so a
    script that uses this class needs its `if __name__ == "__main__":`. The memory bound is the
    kernel's RLIMIT_DATA on Linux; macOS does not enforce it, Windows has none: there only time binds.
    Requests and answers cross by pickle through files of a private temporary folder: no pipe is
    left half-written by a crash, and an answer is whole or not there. Safe to share between threads.
    """

    def __init__(self, workers: int = 1, memory_bytes: int = MEMORY_BYTES) -> None:
        self._workers, self._memory_bytes = workers, memory_bytes
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()
        self._waiting: set[Future[None]] = set()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, path: Path, options: Options = _NO_OPTIONS) -> Reading:
        """Return the reading of a file or folder on disk; errors as `intake.read`, and InputError as above."""
        if not path.exists() or (path.is_file() and _light_at(path)):
            return reader.read(path, options)
        return self._apart(reader.read, path.absolute(), options, options.source_name or path.name)

    def read_bytes(self, data: bytes, filename: str, options: Options = _NO_OPTIONS) -> Reading:
        """Return the reading of an upload; errors as `intake.read_bytes`, and InputError as above."""
        name = PurePath(filename.replace("\\", "/")).name
        if light(name, data) or not data or len(data) > options.limits.file_bytes:
            return reader.read_bytes(data, filename, options)
        return self._apart(_read_upload, (data, filename), options, options.source_name or name)

    def read_text(self, text: str, options: Options = _NO_OPTIONS) -> Reading:
        """Return the reading of a pasted text; errors as `intake.read_text`, and InputError as above."""
        if len(text) <= SMALL_BYTES // 4 or len(text) > options.limits.file_bytes:
            return reader.read_text(text, options)
        return self._apart(reader.read_text, text, options, options.source_name or "粘贴的文本")

    def close(self) -> None:
        """End the children, whatever they are doing; a later read starts new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
            folder, self._folder = self._folder, None
        if pool is not None:
            self._end(pool)
        if folder is not None:
            folder.cleanup()

    def _end(self, pool: ProcessPool) -> None:
        for future in tuple(self._waiting):  # pebble's stop leaves them open: who waits would wait for ever
            future.cancel()
        pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves this one untyped
        pool.join()

    def _apart(self, work: Callable[..., Reading], what: object, options: Options, where: str) -> Reading:
        number = next(self._numbers)
        import shutil

        pool, folder = self._started()
        asked, told, desk = (folder / f"{number}.{kind}" for kind in ("asked", "told", "desk"))
        try:
            desk.mkdir()
            with asked.open("wb") as stream:
                pickle.dump((work, what, options), stream, pickle.HIGHEST_PROTOCOL)
            self._run(pool, (asked, told, desk), options.limits.seconds, where)
            with told.open("rb") as stream:
                answer: _Answer = pickle.load(stream)
        finally:
            # What a child that was ended left open, Windows frees a moment later: the folder goes with `close`.
            shutil.rmtree(desk, ignore_errors=True)
            for path in (asked, told):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        if isinstance(answer, LinxiError):
            raise answer
        if isinstance(answer, _Bug):
            bug = RuntimeError(f"{answer.name}：{answer.text}")
            bug.add_note(answer.trace)
            raise bug
        return answer

    def _run(self, pool: ProcessPool, paths: tuple[Path, Path, Path], seconds: float, where: str) -> None:
        """Have a child answer; raises InputError when it runs out of time or dies."""
        from concurrent.futures import BrokenExecutor, CancelledError
        from concurrent.futures import TimeoutError as OutOfTime

        from pebble import ProcessExpired

        future = pool.schedule(_answer, args=paths, timeout=seconds)
        self._waiting.add(future)
        try:
            future.result()
        except CancelledError as error:
            raise InputError("读取已中止：程序正在退出，或读取程序已重启", where=where, remedy="请重新提交") from error
        except OutOfTime as error:
            raise InputError(
                f"读取超过 {seconds:g} 秒的时限（limit seconds），已中止",
                where=where,
                remedy="请拆分文件或只提交项目范围；确需更久时用 --limit seconds=秒数 放宽",
            ) from error
        except (ProcessExpired, BrokenExecutor, MemoryError) as error:
            raise InputError(
                "读取该文件的程序异常退出，文件可能已损坏，或占用内存过多",
                where=where,
                remedy="请在原软件中打开检查并重新导出，或只提交项目范围",
            ) from error
        finally:
            self._waiting.discard(future)

    def _started(self) -> tuple[ProcessPool, Path]:
        """Return the pool, a new one if there is none or an idle child's death broke the old one."""
        import multiprocessing
        import tempfile

        from pebble import ProcessPool

        with self._lock:
            if self._pool is not None and not self._pool.active:
                self._end(self._pool)
                self._pool = None
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True)
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPool(self._workers, _TASKS, _bounded, (self._memory_bytes,), context)
            return self._pool, Path(self._folder.name)


def light(name: str, data: bytes) -> bool:
    """Whether a file of this name and content is read without a child: small, and text whatever it is called.

    >>> light("地块.TXT", b"118.0,43.6"), light("地块.txt", b"PK\\x03\\x04"), light("地块.kml", b"<kml/>")
    (True, False, False)
    """
    if len(data) > SMALL_BYTES or PurePath(name).suffix.lower() not in _OWN:
        return False
    try:
        suffix, _ = by_content(io.BytesIO(data), name, name)
    except InputError:
        return False
    return suffix in _OWN


def _light_at(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return light(path.name, stream.read(SMALL_BYTES + 1))
    except OSError:
        return True  # whose reader says what is wrong


def _read_upload(sent: tuple[bytes, str], options: Options) -> Reading:
    data, filename = sent
    return reader.read_bytes(data, filename, options)


def _bounded(memory_bytes: int) -> None:
    """Set up a child: end at once when told to, and get no more memory than this."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a handler would wait for GEOS to come back
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):  # macOS, or a lower limit that is set already
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no dump of somebody's file on the disk


def _answer(asked: Path, told: Path, desk: Path) -> None:
    """Read in the child; what is unpacked lies on `desk`, which the parent clears when the child is ended."""
    import tempfile

    tempfile.tempdir = str(desk)
    with asked.open("rb") as stream:
        work, what, options = pickle.load(stream)
    answer: _Answer
    # Reading makes many objects and few cycles: at Python's own thresholds a third of the time of 10,000 plots
    # goes into looking for cycles. A child looks before each file instead, when nearly nothing is held.
    gc.collect()
    gc.disable()
    try:
        answer = work(what, options)
    except LinxiError as error:
        answer = error
    except MemoryError:
        raise
    except Exception as error:  # the process's edge: what cannot be pickled would break the pool
        trace = "".join(traceback.format_exception(error))
        answer = _Bug(type(error).__name__, str(error), trace)
    with told.open("wb") as stream:
        pickle.dump(answer, stream, pickle.HIGHEST_PROTOCOL)
