"""Intake: every file a reviewer gets, to sites and issues."""

from linxi_gis.intake.errors import AmbiguousCrsError
from linxi_gis.intake.formats import SUFFIXES
from linxi_gis.intake.reader import read, read_bytes, read_geojson, read_text
from linxi_gis.intake.reading import Candidate, Limits, Options, Reading

__all__ = [
    "SUFFIXES",
    "AmbiguousCrsError",
    "Candidate",
    "Limits",
    "Options",
    "Reading",
    "read",
    "read_bytes",
    "read_geojson",
    "read_text",
]
