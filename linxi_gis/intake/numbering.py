"""Numbers that are left out where points are numbered on: J1, J2, J4 may have lost J3."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from linxi_gis.finding import Issue

# Our choice: of four points one may be lost and still be noticed; more gaps are a thinned-out survey.
_SHARE = 4
_SHOWN = 5


def left_out(numbers: Sequence[int | None]) -> tuple[int, ...]:
    """Return the numbers a rising row of numbers leaves out; none when it is no plain count, or full of gaps.

    >>> left_out([1, 2, 4]), left_out([1, 2, 4, 5, 1]), left_out([1, 5, 9]), left_out([3, 2, 5]), left_out([1, None])
    ((3,), (3,), (), (), ())
    """
    held = [number for number in numbers if number is not None]
    if len(held) != len(numbers):
        return ()
    if len(held) > 1 and held[-1] == held[0]:
        held.pop()  # the first corner again
    if len(held) < 3 or any(after <= before for before, after in pairwise(held)):
        return ()
    missing = held[-1] - held[0] + 1 - len(held)
    if not 0 < missing <= max(1, len(held) // _SHARE):
        return ()
    return tuple(sorted(set(range(held[0], held[-1])) - set(held)))


def skipped(label: str, missing: Sequence[int]) -> tuple[Issue, ...]:
    """Tell of numbers left out, if any."""
    if not missing:
        return ()
    names = "、".join(map(str, missing[:_SHOWN])) + (f" 等 {len(missing)} 个" if len(missing) > _SHOWN else "")
    text = f"{label} 的点号不连续，缺 {names}，按现有各点依次相连"
    return (Issue("point_numbers_skipped", "warning", text, "请核对是否缺漏拐点"),)
