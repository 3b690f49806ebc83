"""Fuzz DXF: any bytes under the suffix .dxf."""

from __future__ import annotations

from common import read


def target(data: bytes) -> None:
    """Read the bytes as a .dxf file; raises what nobody foresaw."""
    read(data, "fuzz.dxf")
