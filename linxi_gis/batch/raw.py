"""A block of features as read from a file: plain values, ready to be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from linxi_gis.intake.reading import Claim

NO_CLAIM = Claim()


@dataclass(frozen=True, slots=True)
class Settled:
    """A site that intake has made already, or the reason why there is none (`problem`)."""

    kind: str
    area_m2: float
    length_m: float
    notes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Features of one file, in order.

    `number` counts blocks over all files, `first` is the row of the first feature in its file, from 1.
    `wkb` are geometries as bytes (None: none), shape (n,): as drawn, in the system that `claim` tells, or,
    where `settled` has one for each, in the area plane.
    """

    number: int
    file: str
    first: int
    wkb: NDArray[Any]
    ids: tuple[str, ...]
    names: tuple[str, ...]
    claim: Claim = NO_CLAIM
    settled: tuple[Settled, ...] | None = None

    def row(self, place: int) -> Raw:
        """Return one row as a block of its own."""
        at = slice(place, place + 1)
        settled = None if self.settled is None else self.settled[at]
        return Raw(
            self.number, self.file, self.first + place, self.wkb[at], self.ids[at], self.names[at], self.claim, settled
        )
