"""What intake takes and gives: options, what a file drew and claimed, and the reading of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linxi_gis.crs import Geometry
from linxi_gis.finding import Issue
from linxi_gis.model import Site

# Our limits, so that a bad upload cannot exhaust the machine; a county's red line is about 800 k vertices.
MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_VERTICES = 5_000_000
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_ZIP_ENTRIES = 1000

Unit = Literal["", "m2", "hm2", "mu"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the person who submits says beside the file.

    `crs` is "EPSG:n", any text PROJ knows, "GCJ-02" or "BD-09"; it wins over what the file says.
    `county` is the county outline in EPSG:4490 longitude latitude, used to judge candidate readings.
    `source_name` replaces the file name in messages and in `Site.source`.
    """

    crs: str | None = None
    county: Geometry | None = None
    source_name: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible reading of coordinates whose reference system is not known.

    `crs` is the text to pass to --crs; `lon`, `lat` the centre in EPSG:4490 degrees; `distance_km`
    geodesic from the county outline (0 inside, None when no outline was given); `area_m2` ellipsoidal.
    """

    label: str
    crs: str
    lon: float
    lat: float
    in_county: bool
    distance_km: float | None
    area_m2: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file held.

    `issues` concern the file, or features that could not be read (severity "error"). Guesses that
    touch every site (encoding, datum, axes) stand here and in each site's own issues too, so that an
    assessment tells them without the file; they are equal objects, so a face can show them once.
    """

    source: str
    format: str
    sites: tuple[Site, ...]
    issues: tuple[Issue, ...] = ()
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file itself says of its reference system; empty fields are not said.

    `system` is a CRS text (.prj, "crs" member); `zone`, `width_deg` (3 or 6) and `meridian_deg` come
    from a TXT header; `datum` is "CGCS2000" or "WGS84"; `foreign` names a system that is neither
    (a local grid, GCJ-02), which cannot be used without --crs. `how` is the evidence, in Chinese.
    """

    system: str = ""
    datum: str = ""
    zone: int | None = None
    width_deg: int | None = None
    meridian_deg: float | None = None
    foreign: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """An area as the file declares it; without a unit it may be m² or hm²."""

    value: float
    unit: Unit = ""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A feature as drawn, before its reference system is settled.

    `geometry` holds the file's two columns in the file's own order. `step` is the unit of the last
    digit written (degrees or metres, as the coordinates), None when the format does not tell.
    """

    geometry: Geometry
    label: str
    id: str = ""
    name: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    declared: Declared | None = None
    step: float | None = None
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A whole file as drawn: features, claim, and which column the format says is easting.

    `east` is 0 or 1, None when the format leaves it open; `columns` are the names of the two
    columns as the file's reader knows them.
    """

    source: str
    format: str
    drawn: tuple[Drawn, ...]
    claim: Claim = Claim()
    east: int | None = 0
    columns: tuple[str, str] = ("X", "Y")
    issues: tuple[Issue, ...] = ()
