"""GeoParquet as a file somebody hands in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linxi_gis import geoparquet
from linxi_gis.intake.containers import claim_of
from linxi_gis.intake.features import features
from linxi_gis.intake.gdalread import Layer
from linxi_gis.intake.reading import Draft, Limits

_LABEL = "GeoParquet"


def draft_parquet(content: Path | bytes, where: str, limits: Limits) -> list[Draft]:
    """Return the draft of a GeoParquet file; raises InputError as `geoparquet.read`."""
    table = geoparquet.read(content, where, limits.features, limits.unpacked_bytes)
    said = table.head
    fields = tuple(_bytes(name) for name in table.columns)
    columns = [_column(column) for column in table.columns.values()]
    layer = Layer(where, said.system, "", fields, table.shapes, columns)
    drawn, issues = features(layer, where, "utf-8", f"{where}（Parquet 规定）")
    claim = claim_of(said.system, said.how)
    claim = replace(claim, system=said.code) if claim.system and said.code else claim
    return [Draft(where, _LABEL, drawn, claim, 0, issues=issues)]


def _bytes(text: str) -> str:
    """Return a text as a layer holds it: one character for each byte of UTF-8."""
    return text.encode("utf-8", "replace").decode("latin-1")


def _column(column: NDArray[np.object_]) -> NDArray[np.object_]:
    if column.dtype != object:
        return column
    made = np.empty(len(column), dtype=object)
    made[:] = [_bytes(one) if isinstance(one, str) else one for one in column.tolist()]
    return made
