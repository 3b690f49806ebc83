"""Fuzz coordinates written as text: one cell alone, and a pasted list."""

from __future__ import annotations

import math

from common import options

from linxi_gis.errors import LinxiError
from linxi_gis.intake import read_text
from linxi_gis.intake.angles import read_coordinate


def target(data: bytes) -> None:
    """Read each line as one coordinate, then all as a pasted text; raises what nobody foresaw."""
    text = data.decode("utf-8", "replace")
    for line in text.splitlines()[:20]:
        found = read_coordinate(line)
        assert found is None or (math.isfinite(found.value) and found.step > 0.0), line
    try:
        read_text(text, options(data))
    except LinxiError as error:
        assert str(error)
