"""Who does the work: this process, a pool of processes, or a Dask cluster. The same work, the same results."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from linxi_gis.batch.raw import Raw
from linxi_gis.errors import UsageError

# Blocks read ahead for each worker: none waits, and memory does not grow with the file.
_AHEAD = 2
_CONNECT_S = 15.0
DASK_ADVICE = "请安装 dask：pip install dask[distributed]"
Work = Callable[[Raw], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """A block and its rows, packed; None when the worker died with it twice."""

    raw: Raw
    data: bytes | None


def here(work: Work, raws: Iterator[Raw]) -> Iterator[Done]:
    """Work in this process."""
    return (Done(raw, work(raw)) for raw in raws)


def processes(work: Work, raws: Iterator[Raw], jobs: int, told: Callable[[str], None]) -> Iterator[Done]:
    """Work in `jobs` spawned processes; blocks come back as they are finished.

    When a worker dies the pool is made anew, and the blocks that were lost are done once more, each alone, so
    that the one that kills is known: it comes back without data.
    """
    others = set(multiprocessing.active_children())
    pool = _pool(jobs)
    waiting: dict[Future[bytes], Raw] = {}
    try:
        while True:
            while len(waiting) < _AHEAD * jobs and (raw := next(raws, None)) is not None:
                try:
                    waiting[pool.submit(work, raw)] = raw
                except BrokenProcessPool:  # it died between two blocks
                    waiting[_broken()] = raw
            if not waiting:
                return
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            died: list[Raw] = []
            for future in finished:
                raw = waiting.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    died.append(raw)
                else:
                    yield Done(raw, future.result())
            if died:
                died += waiting.values()  # with the pool they are all lost
                waiting.clear()
                told(f"有工作进程意外退出（可能内存不足），涉及 {len(died)} 块，逐块重试一次")
                pool.shutdown(wait=False, cancel_futures=True)
                yield from _alone(work, sorted(died, key=lambda one: one.number))
                pool = _pool(jobs)
    except BaseException:
        # Interrupted: what is being done would be thrown away, and takes seconds to end. Nothing is lost by
        # ending it, for workers write no files.
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _broken() -> Future[bytes]:
    future: Future[bytes] = Future()
    future.set_exception(BrokenProcessPool())
    return future


def _alone(work: Work, lost: list[Raw]) -> Iterator[Done]:
    pool = _pool(1)
    try:
        for raw in lost:
            try:
                yield Done(raw, pool.submit(work, raw).result())
            except BrokenProcessPool:
                pool.shutdown(wait=False, cancel_futures=True)
                yield Done(raw, None)
                pool = _pool(1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(jobs: int) -> ProcessPoolExecutor:
    """A pool whose workers are started, and do not hear Ctrl-C, not even while they are starting."""
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_deaf)
    if threading.current_thread() is not threading.main_thread():
        return pool  # only the main thread may say what signals do
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # children begin as we are
    try:
        pool.submit(int)
    finally:
        signal.signal(signal.SIGINT, before)
    return pool


def _deaf() -> None:
    """Ctrl-C is for the parent: it stops handing out blocks, and what is being done ends in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def dask(work: Work, raws: Iterator[Raw], address: str, told: Callable[[str], None]) -> Iterator[Done]:
    """Work on an existing Dask cluster; its workers must see the catalogue under the same path.

    Dask itself does again what a dead worker had; a block that kills several workers comes back without data.
    Raises UsageError when dask is not installed or nobody answers at the address.
    """
    distributed: Any
    try:
        import distributed
    except ImportError as error:
        raise UsageError("--dask 需要 dask", remedy=DASK_ADVICE) from error
    try:
        client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(f"连不上 Dask 集群 {address}", remedy="请检查地址，例如 tcp://127.0.0.1:8786") from error
    with client:
        cores = sum(client.ncores().values())
        if not cores:
            raise UsageError(f"Dask 集群 {address} 没有工作进程", remedy="请先启动 dask worker")
        told(f"Dask 集群 {address}：{cores} 个线程")
        yield from _on_cluster(work, raws, client, distributed, cores)


def _on_cluster(work: Work, raws: Iterator[Raw], client: Any, distributed: Any, cores: int) -> Iterator[Done]:
    waiting: dict[Any, Raw] = {}
    while True:
        while len(waiting) < _AHEAD * cores and (raw := next(raws, None)) is not None:
            waiting[client.submit(work, raw, pure=False)] = raw
        if not waiting:
            return
        with client.as_current():
            finished = distributed.wait(list(waiting), return_when="FIRST_COMPLETED").done
        for future in finished:
            raw = waiting.pop(future)
            try:
                yield Done(raw, future.result())
            except distributed.KilledWorker:
                yield Done(raw, None)
