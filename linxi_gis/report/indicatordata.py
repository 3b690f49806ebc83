"""The county's figures as data: what `linxi indicators --format json --out` writes and `GET /v1/indicators` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from linxi_gis.indicators_model import Change, County


def document(county: County, changes: Sequence[Change]) -> dict[str, object]:
    """Return a day's figures: areas in km², shares in percent (0..100), differences in percentage points and km².

    `checks` are the proofs that parts add up to wholes, those of `what_if` among them.
    """
    checks = [*county.checks, *(one.check for one in changes)]
    return {
        **asdict(county),
        "day": county.day.isoformat(),
        "checks": [{**asdict(one), "difference": one.difference, "closes": one.closes} for one in checks],
        "what_if": [asdict(one) for one in changes],
    }
