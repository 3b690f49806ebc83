"""What intake takes and gives: options, what a file drew and claimed, and the reading of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from linxi_gis.crs import Geometry
from linxi_gis.finding import Issue
from linxi_gis.intake.transform import Transform
from linxi_gis.model import Candidate, Site

__all__ = [
    "Candidate", "Claim", "Declared", "Draft", "Drawn", "Limits", "Options", "Reading", "Rows", "Transform", "Unit",
    "shapes_of",
]  # fmt: skip

Unit = Literal["", "m2", "hm2", "mu"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask of the machine; the figures are our choice, and every error names its limit.

    A county's red line is about 800 k vertices; a 200 MB shapefile about 12 million. `seconds` holds for the
    child process that reads a file.
    """

    file_bytes: int = 256 * 1024**2
    unpacked_bytes: int = 2 * 1024**3
    zip_entries: int = 1000
    vertices: int = 20_000_000
    features: int = 1_000_000
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the person who submits says beside the file.

    `crs` is "EPSG:n", any text PROJ knows, "GCJ-02", "BD-09", "西安80", "北京54", or "DMS" (CGCS2000
    degrees written DD.MMSS); it wins over what the file says. `transform` leads from an old datum to
    CGCS2000, and is refused for any other.
    `county` is the county outline in EPSG:4490 longitude latitude, used to judge candidate readings.
    `source_name` replaces the file name in messages and in `Site.source`. `limits` bound what is read.
    """

    crs: str | None = None
    county: Geometry | None = None
    source_name: str = ""
    limits: Limits = Limits()
    transform: Transform | None = None


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


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file itself says of its reference system; empty fields are not said.

    `system` is a CRS text (.prj, "crs" member); `zone`, `width_deg` (3 or 6) and `meridian_deg` come
    from a TXT header; `datum` is "CGCS2000" or "WGS84"; `foreign` names a system that is neither
    (a local grid, GCJ-02), which cannot be used without --crs, or 西安80, 北京54, which need --transform.
    `how` is the evidence, in Chinese.
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


@dataclass(slots=True, eq=False)  # not frozen: a file has thousands, and that makes each three times as slow to build
class Drawn:
    """A feature as drawn, before its reference system is settled.

    `geometry` holds the file's two columns in the file's own order. `step` is the unit of the last
    digit written (degrees or metres, as the coordinates), None when the format does not tell. `claim`
    is what is said of this feature alone (an EWKT's SRID, a header of its own); None: as the draft's.
    """

    geometry: Geometry
    label: str
    id: str = ""
    name: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    declared: Declared | None = None
    step: float | None = None
    issues: tuple[Issue, ...] = ()
    claim: Claim | None = None


class Rows(Sequence[Drawn]):
    """The features of a whole layer, made when the first is asked for: who wants columns never pays for rows.

    `shapes` are their geometries, shape (n,), none of them None, `wkb` what they were made of where it is known;
    `columns` are their attributes by name, n texts each.
    """

    def __init__(
        self, shapes: NDArray[np.object_], wkb: NDArray[np.object_] | None, columns: Mapping[str, list[str]],
        make: Callable[[], tuple[Drawn, ...]],
    ) -> None:  # fmt: skip
        self.shapes, self.wkb, self.columns, self._make = shapes, wkb, columns, make

    @cached_property
    def _made(self) -> tuple[Drawn, ...]:
        return self._make()

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, row: Any) -> Any:
        return self._made[row]


def shapes_of(drawn: Sequence[Drawn]) -> NDArray[np.object_]:
    """Return the geometries of features, shape (n,)."""
    return drawn.shapes if isinstance(drawn, Rows) else np.array([one.geometry for one in drawn], dtype=object)


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A whole file as drawn: features, claim, and which column the format says is easting.

    `east` is 0 or 1, None when the format leaves it open; `columns` are the names of the two
    columns as the file's reader knows them.
    """

    source: str
    format: str
    drawn: Sequence[Drawn]
    claim: Claim = Claim()
    east: int | None = 0
    columns: tuple[str, str] = ("X", "Y")
    issues: tuple[Issue, ...] = ()
