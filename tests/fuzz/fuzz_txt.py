"""Fuzz 界址点 TXT: bytes of any encoding under the suffix .txt."""

from __future__ import annotations

from common import read


def target(data: bytes) -> None:
    """Read the bytes as a .txt file; raises what nobody foresaw."""
    read(data, "fuzz.txt")
