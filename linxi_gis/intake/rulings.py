"""Rule on every feature of a draft, or ask: one that cannot be placed stops the file, with its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import packed
from linxi_gis.intake.candidates import build
from linxi_gis.intake.court import Doubt, Ruling, decide, finite
from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.intake.figures import Bounds, examine
from linxi_gis.intake.reading import Draft, Drawn, Options
from linxi_gis.intake.readings import DEGREES, PACKED

Pair = tuple[Drawn, Ruling]


def rule(draft: Draft, options: Options) -> tuple[list[Pair], list[InputError]]:
    """Return the features with their rulings, and the errors of those that cannot be read.

    Raises AmbiguousCrsError when a feature can be read in more than one place and nobody said which,
    CrsError when what was said cannot be.
    """
    pairs: list[Pair] = []
    doubts: list[tuple[Drawn, Doubt]] = []
    bad: list[InputError] = []
    known: dict[tuple[object, ...], Ruling] = {}
    for feature, bounds in zip(draft.drawn, _bounds(draft.drawn), strict=True):
        if not finite(bounds):
            empty = "图形为空" if feature.geometry.is_empty else "坐标含 NaN 或无穷大"
            bad.append(InputError(f"{feature.label}：{empty}", where=draft.source))
            continue
        claim, shape = feature.claim or draft.claim, examine(bounds, draft.east)
        # Of figures that are plain in kind the ruling is the same, wherever they lie; a shift is told by place.
        plain = shape.kind in _PLAIN_KINDS and options.transform is None
        key = (id(claim), *(getattr(shape, name) for name in shape.__slots__))
        if plain and key in known:
            pairs.append((feature, known[key]))
            continue
        try:
            verdict = decide(bounds, claim, options.crs, draft.east, options.transform)
        except CrsError as error:
            raise CrsError(error.what, where=error.where or draft.source, remedy=error.remedy) from error
        if isinstance(verdict, Ruling):
            known[key] = verdict
            pairs.append((feature, verdict))
        else:
            doubts.append((feature, verdict))
    open_doubt = next((doubt for _, doubt in doubts if doubt.options and not doubt.odd), None)
    if open_doubt or (doubts and not pairs):
        doubt = open_doubt or doubts[0][1]
        raise _asked([f for f, d in doubts if d.options == doubt.options], doubt, draft, options)
    bad += [InputError(f"{f.label}：{d.why}", where=draft.source) for f, d in doubts]
    return _packed(pairs, draft, options), bad


_PLAIN_KINDS = ("degrees", "zoned", "bare")


def _bounds(drawn: Sequence[Drawn]) -> list[Bounds]:
    shapes = np.array([feature.geometry for feature in drawn], dtype=object)
    found: list[Bounds] = [(w, s, e, n) for w, s, e, n in shapely.bounds(shapes).reshape(-1, 4).tolist()]
    return found


def _asked(features: Sequence[Drawn], doubt: Doubt, draft: Draft, options: Options) -> AmbiguousCrsError:
    candidates = build(features, doubt, draft, options)
    county = options.county is not None
    return AmbiguousCrsError(doubt.why, where=draft.source, candidates=candidates, county=county)


_BOTH = (replace(DEGREES, stated=True), replace(PACKED, stated=True))
_POSSIBLE = Issue(
    "packed_dms_possible",
    "warning",
    "经纬度的每个数都也能读作度分秒连写（118.0327 即 118°03′27″），按十进制度读取",
    "若确是度分秒连写，请用 --crs DMS",
)


def _packed(pairs: list[Pair], draft: Draft, options: Options) -> list[Pair]:
    """Ask about degrees whose every figure could be degrees, minutes and seconds; tell when chance may do it."""
    rows = [row for row, (_, ruling) in enumerate(pairs) if ruling.degrees and not options.crs]
    told = packed.suspects([pairs[row][0] for row in rows])
    sure = [pairs[row][0] for row, said in zip(rows, told, strict=True) if said]
    if sure:
        why = "经纬度的每个数都能读作度分秒连写（118.0327 即 118°03′27″），不像十进制度的巧合，写法无法确定"
        raise _asked(sure, Doubt(why, _BOTH), draft, options)
    made = list(pairs)
    for row, said in zip(rows, told, strict=True):
        if said is None:
            continue
        feature, ruling = pairs[row]
        found = build([feature], Doubt("", (_BOTH[1],)), draft, options)
        if found:
            issues = (*ruling.issues, _POSSIBLE)
            made[row] = feature, replace(ruling, issues=issues, candidates=(*ruling.candidates, *found))
    return made
