"""Degrees that may be written DD.MMSS: how likely every figure would read so by accident."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely

from linxi_gis.intake.angles import packed_dms
from linxi_gis.intake.reading import Drawn

# Minutes below 60 and seconds below 60 each come by accident in 60 of 100 cases.
_BY_ACCIDENT = 0.36
SURE = 1e-3
_WRITTEN = 1.0001e-4  # a step: four decimals hold minutes and seconds


def suspects(features: Sequence[Drawn]) -> list[bool | None]:
    """Return for each feature of degrees: True when packed writing must be asked about, False when it
    is possible but accident likelier than 1 in 1000, None when it is out of the question.

    A file is written in one way, so that the figures of all its features count together when all of
    them read as packed. When some do not, one alone must be unlikely even among as many as there are.
    """
    chances = [_chance(feature) for feature in features]
    told = [chance for chance in chances if chance is not None]
    if not told:
        return [None] * len(features)
    if len(told) == len(features):
        together = math.prod(told)
        return [together < SURE] * len(features)
    return [True if chance is not None and chance * len(features) < SURE else None for chance in chances]


def _chance(feature: Drawn) -> float | None:
    """The chance that all figures read as packed by accident; None when they do not, or none tells."""
    if feature.step is None or not 0.0 < feature.step <= _WRITTEN:
        return None
    decimals = -math.log10(feature.step)
    if abs(decimals - round(decimals)) > 1e-6:
        return None  # minutes and seconds are written out, or the figures were scaled
    telling = 0
    for value in np.unique(shapely.get_coordinates(feature.geometry)).tolist():
        if packed_dms(value, feature.step) is None:
            return None
        # 118.05 was written with fewer decimals, or by a ruler: it tells nothing.
        telling += abs(value * 1e3 - round(value * 1e3)) > 1e-7
    return _BY_ACCIDENT**telling if telling else None
