"""How well the check-up finds a layer that lies shifted: its error, its misses, its false alarms.

    python benchmarks/shift.py

Rings of corners on 40 x 40 km. The rings of one layer follow those of another along a part of their borders and are
their own elsewhere. The layer is moved by a known vector, every corner drawn with normal noise on each axis. All is
seeded; prints the table of docs/layers.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linxi_gis.checkup import shift
from linxi_gis.crs import FloatArray

SHIFTS_M = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
NOISES_M = (0.0, 0.5, 1.0, 2.0, 5.0)
SEEDS, DIRECTIONS = 8, 4
_SIDE_M, _RADIUS_M = 40_000.0, 860.0


@dataclass(frozen=True, slots=True)
class Case:
    """So many rings of so many corners; of each a run of `share` of its corners is the other layer's as well."""

    told: str
    share: float
    rings: int = 40
    corners: int = 120


CASES = (
    Case("全部", 1.0), Case("30 %", 0.3), Case("10 %", 0.1), Case("30 %，拐点相距 9 m", 0.3, 8, 600),
    Case("30 %，只有 2 个图斑", 0.3, 2), Case("没有", 0.0),
)  # fmt: skip


def rims(rng: np.random.Generator, count: int, corners: int) -> FloatArray:
    """Return closed rims with bays, shape (count, corners, 2), in metres."""
    turn = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False)
    waves = sum(
        rng.normal(0.0, 120.0 / k, (count, 1)) * np.cos(k * turn + rng.uniform(0.0, 6.3, (count, 1))) for k in range(2, 16)
    )
    round_them = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    return rng.uniform(0.0, _SIDE_M, (count, 1, 2)) + (_RADIUS_M + waves)[..., np.newaxis] * round_them


def layers(seed: int, case: Case) -> tuple[FloatArray, FloatArray]:
    """Return the corners of two layers over the same ground, shape (n, 2) in metres, the first with a part in common."""
    rng = np.random.default_rng(seed)
    fixed, own = rims(rng, 2 * case.rings, case.corners), rims(rng, case.rings, case.corners)
    common = fixed[: case.rings]
    own += (common.mean(axis=1) - own.mean(axis=1))[:, np.newaxis]
    first = rng.integers(0, case.corners, (case.rings, 1))
    along = (np.arange(case.corners) - first) % case.corners < round(case.share * case.corners)
    return np.where(along[..., np.newaxis], common, own).reshape(-1, 2), fixed.reshape(-1, 2)


def runs(case: Case, size: float, noise: float) -> Iterator[tuple[FloatArray, shift.Estimate | None]]:
    """Yield the shift to be found (m), and what was found, for every seed and direction."""
    for seed in range(SEEDS):
        moved, fixed = layers(seed, case)
        for direction in range(DIRECTIONS):
            rng = np.random.default_rng([seed, direction, round(10 * size), round(10 * noise)])
            turn = 2.0 * np.pi * (direction + rng.uniform()) / DIRECTIONS
            true = size * np.array([np.cos(turn), np.sin(turn)])
            yield true, shift.estimate(moved - true + rng.normal(0.0, noise, moved.shape), fixed)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a case came to: errors (m) of the answers, how many axes were within two standard errors, how many silent."""

    errors: tuple[float, ...]
    covered: int
    silent: int

    def text(self) -> str:
        if not self.errors:
            return "—"
        return f"{float(np.sqrt(np.mean(np.square(self.errors)))):.2f} / {max(self.errors):.2f}"


def tally(case: Case, size: float, noise: float) -> Tally:
    """Hold what was found against what was planted."""
    errors, covered, silent = [], 0, 0
    for true, found in runs(case, size, noise):
        if found is None:
            silent += 1
            continue
        off = np.array([found.dx, found.dy]) - true
        errors.append(float(np.hypot(*off)))
        covered += int((np.abs(off) <= 2.0 * found.error).sum())
    return Tally(tuple(errors), covered, silent)


def row(case: Case, noise: float) -> str:
    """Return the row of the table for a case and a noise."""
    found = [tally(case, size, noise) for size in SHIFTS_M]
    answers, silent = sum(len(one.errors) for one in found), sum(one.silent for one in found)
    sure = f"{sum(one.covered for one in found) / (2 * answers):.0%}" if answers else "—"
    still = [one for _, one in runs(case, 0.0, noise) if one is not None]
    alarms = f"{sum(shift.is_off(one) for one in still)} / {len(still)}"
    cells = [case.told, f"{noise:g}", *(one.text() for one in found), sure, f"{silent} / {answers + silent}", alarms]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    heads = ["共用的拐点", "噪声 m", *(f"{size:g} m" for size in SHIFTS_M), "2σ 内", "不答", "误报 / 零偏移作答"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for case in CASES:
        for noise in NOISES_M:
            print(row(case, noise), flush=True)


if __name__ == "__main__":
    main()
