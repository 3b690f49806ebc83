"""Take times: medians of several runs, and of many single calls."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of every run, in the order they were taken."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median (s)."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """The 95th percentile (s)."""
        return float(np.percentile(self.seconds, 95))

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return len(self.seconds)


def runs(work: Callable[[], Any], rounds: int, budget_s: float) -> Times:
    """Run `rounds` times after one run to warm up, fewer (but one) when `budget_s` is used up."""
    begun = time.perf_counter()
    taken = []
    for n in range(rounds + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
        if time.perf_counter() - begun > budget_s and n:
            break
    return Times(tuple(taken[1:]))


def calls(work: Callable[[Any], Any], items: Any, budget_s: float, warm: int = 10) -> Times:
    """Call once for each item (a list or an array) after `warm` calls, as many as fit into `budget_s` but five."""
    for item in items[:warm]:
        work(item)
    begun = time.perf_counter()
    taken = []
    for item in items:
        start = time.perf_counter()
        work(item)
        taken.append(time.perf_counter() - start)
        if time.perf_counter() - begun > budget_s and len(taken) >= 5:
            break
    return Times(tuple(taken))
