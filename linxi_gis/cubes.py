"""A three-valued condition as cubes: which yes and no answers make it true, false, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linxi_gis.law import All, AnyOf, Condition, Is, Not, Value

# (attributes that must be yes, attributes that must be no), each a set of bits. No bit: whatever is answered.
Cube = tuple[int, int]
ALWAYS: tuple[Cube, ...] = ((0, 0),)
NEVER: tuple[Cube, ...] = ()
MOST_CUBES = 512  # our choice: the longest condition of the pack has fewer than ten


class TooManyCubes(Exception):
    """A condition has more cubes than are worth listing."""


def cubes(
    condition: Condition, facts: Mapping[str, Value], bits: Mapping[str, int], *, truth: bool, sure: bool
) -> tuple[Cube, ...]:
    """Return the answers under which a condition has a truth value, once all of `bits` are answered.

    `facts` are known; `bits` are the attributes that can be answered, one bit each; any other attribute stays
    unknown for ever. With `sure` the condition is `truth`; without it, it is not the opposite. An assignment
    satisfies the condition just when it fits one of the cubes. Raises TooManyCubes beyond `MOST_CUBES`.

    >>> a_or_b = AnyOf((Is("a", True), Is("b", True)))
    >>> cubes(a_or_b, {}, {"a": 1, "b": 2}, truth=False, sure=True)
    ((0, 3),)
    >>> cubes(a_or_b, {}, {"a": 1}, truth=True, sure=False)  # b may be: nobody can tell
    ((0, 0),)
    """
    match condition:
        case Is(name, value):
            known = facts.get(name)
            if known is not None:
                return ALWAYS if (known == value) is truth else NEVER
            if name not in bits:
                return NEVER if sure else ALWAYS
            return ((bits[name], 0),) if value is truth else ((0, bits[name]),)
        case Not(part):
            return cubes(part, facts, bits, truth=not truth, sure=sure)
        case All(parts) | AnyOf(parts):
            each = [cubes(part, facts, bits, truth=truth, sure=sure) for part in parts]
            return _both(each) if isinstance(condition, All) is truth else _either(each)


def merged(one: Cube, other: Cube) -> Cube | None:
    """Return the cube of the assignments that fit both, None when there are none.

    >>> merged((1, 0), (0, 2)), merged((1, 0), (0, 1))
    ((1, 2), None)
    """
    yes, no = one[0] | other[0], one[1] | other[1]
    return None if yes & no else (yes, no)


def given(found: Sequence[Cube], bit: int, answer: bool) -> list[Cube]:
    """Return the cubes that fit an answer, without it.

    >>> given([(1, 2), (0, 1)], 1, True)
    [(0, 2)]
    """
    return [(yes & ~bit, no & ~bit) for yes, no in found if not (no if answer else yes) & bit]


def _either(each: Sequence[Sequence[Cube]]) -> tuple[Cube, ...]:
    return _fewest({cube for some in each for cube in some})


def _both(each: Sequence[Sequence[Cube]]) -> tuple[Cube, ...]:
    found: tuple[Cube, ...] = ALWAYS
    for some in each:
        pairs = (merged(one, other) for one in found for other in some)
        found = _fewest({pair for pair in pairs if pair is not None})
    return found


def _fewest(found: set[Cube]) -> tuple[Cube, ...]:
    """Return the cubes without those that another holds, those with the fewest answers first."""
    if len(found) > MOST_CUBES:
        raise TooManyCubes
    kept: list[Cube] = []
    for yes, no in sorted(found, key=lambda cube: ((cube[0] | cube[1]).bit_count(), cube)):
        if not any(y & yes == y and n & no == n for y, n in kept):
            kept.append((yes, no))
    return tuple(kept)
