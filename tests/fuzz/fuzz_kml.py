"""Fuzz KML: any bytes under the suffix .kml."""

from __future__ import annotations

from common import read


def target(data: bytes) -> None:
    """Read the bytes as a .kml file; raises what nobody foresaw."""
    read(data, "fuzz.kml")
