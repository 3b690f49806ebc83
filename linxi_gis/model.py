"""The nouns of the house: a site, a layer or the gap where it should be, an assessment. Frozen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

import shapely
from numpy.typing import NDArray

from linxi_gis.clauses import NOTHING, Access
from linxi_gis.crs import Geometry
from linxi_gis.finding import Finding, Issue, LayerResult, Overall
from linxi_gis.law import Value
from linxi_gis.practice import EiaHint, RedLine
from linxi_gis.project import Project
from linxi_gis.surface import Surface

Kind = Literal["polygon", "line", "point", "corridor"]
GeometryArray = NDArray[Any]
# The attribute of an area read from two banks: so many stations of the left bank come first in its ring.
BANK_STATIONS = "左右岸桩数"


@dataclass(frozen=True, slots=True)
class Reference:
    """Which reference system a site was read in, and why we think so.

    `source` is a CRS text (EPSG:4527, GCJ-02, ...); `how` is the evidence in one Chinese sentence;
    `axes` tells which column was taken for what; `declared` is False for anything we inferred.
    """

    source: str
    how: str
    axes: str = "经度, 纬度"
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another way to read what was drawn, for a person to choose.

    `crs` is the text to pass to --crs; `lon`, `lat` the centre in EPSG:4490 degrees; `distance_km`
    geodesic from the county outline (0 inside, None when no outline was given); `area_m2` ellipsoidal.
    `evidence` are Chinese sentences for and against; `geometry_wkt` is the drawing read so, EPSG:4490.
    `code` tells what differs: "crs" (another reference system), "packed_dms" (degrees written as
    DD.MMSS), "hull_order" (the corners in another order; `crs` is empty).
    """

    label: str
    crs: str
    lon: float
    lat: float
    in_county: bool
    distance_km: float | None
    area_m2: float
    evidence: tuple[str, ...] = ()
    geometry_wkt: str | None = None
    code: str = "crs"


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A place somebody wants to build on.

    `geometry` is as drawn, in EPSG:4490 longitude latitude; `ground` is the same in the area plane
    with long edges densified in their own CRS: everything is measured there. `accuracy_m` is the
    positional accuracy of the lines. Areas are m²: `area_m2` ellipsoidal, `planar_area_m2`
    Gauss-Krüger; both 0 for lines and points. `length_m` is geodesic, of a line or of a corridor's
    axis. `candidates` are readings that were not chosen and cannot be ruled out. `others` are the same
    site read with another datum ("GCJ-02"), where nobody named one: they are judged beside it.
    `survey_area_m2` is the area by the land survey's formula, where it was asked for.
    """

    id: str
    name: str
    kind: Kind
    geometry: Geometry
    ground: Geometry
    reference: Reference
    area_m2: float
    planar_area_m2: float
    length_m: float
    accuracy_m: float = 0.0
    declared_area_m2: float | None = None
    width_m: float | None = None
    source: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    issues: tuple[Issue, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    others: tuple[tuple[str, Site], ...] = ()
    survey_area_m2: float | None = None

    @property
    def parts(self) -> int:
        """The number of separate pieces."""
        return int(shapely.get_num_geometries(self.geometry))


@dataclass(frozen=True, slots=True)
class LayerIdentity:
    """What is known of a layer before, or without, opening it.

    `sensitivity` is 公开, 内部 or 不得导出 (`catalog.SENSITIVITIES`), "" where the catalogue does not say.
    """

    id: str
    theme: str
    title: str
    required: bool
    version: str = ""
    legal_status: str = "approved"
    demonstration: bool = False
    accuracy_m: float = 1.0
    range_m: float = 2000.0
    sensitivity: str = ""


MAY_BE_STALE = "数据可能过期"


class GeometryColumn(Protocol):
    """Geometries by row or by an array of rows."""

    def __len__(self) -> int: ...
    def __getitem__(self, row: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __array__(self) -> GeometryArray: ...


class ZoneTree(Protocol):
    """Finds zones by their boxes."""

    def query(self, geometry: Any, /) -> Any:
        """Return the rows of the zones whose box meets that of a geometry."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer in force on the day, ready for measuring: columns, one row a zone.

    `zones` are valid shapely geometries in the area plane, shape (n,): an array, or a column that makes
    them when asked (`zonestore.Zones`); `tree` indexes them. The other columns may be lazy as well.
    `coverage` is the plane geometry where "no zone" really means none, None when unknown.
    `stale` holds the reason when the newest version is out of date on the day, or may be, else "".
    """

    identity: LayerIdentity
    sha256: str
    zones: GeometryColumn
    tree: ZoneTree
    zone_ids: Sequence[str]
    zone_names: Sequence[str]
    zone_classes: Sequence[str]
    zone_facts: Sequence[tuple[tuple[str, Value], ...]]
    coverage: Geometry | None
    stale: str = ""
    issues: tuple[Issue, ...] = ()

    @property
    def outdated(self) -> bool:
        """Whether it only may be out of date: no later version says that it is."""
        return self.stale.endswith(MAY_BE_STALE)


def said_ids(zone_ids: Iterable[str]) -> tuple[str, ...]:
    """Return zone ids as the file says them, without the number that a repeated one was given.

    >>> said_ids(["1#", "2#", "R1", "R1#2", "R1#3", "7#2"])
    ('1#', '2#', 'R1', 'R1', 'R1', '7#2')
    """
    seen: dict[str, int] = {}
    said = []
    for zone in zone_ids:
        base, _, number = zone.rpartition("#")
        repeated = number.isdecimal() and seen.get(base, 0) > 0 and int(number) == seen[base] + 1
        said.append(base if repeated else zone)
        seen[said[-1]] = seen.get(said[-1], 0) + 1
    return tuple(said)


@dataclass(frozen=True, slots=True)
class Gap:
    """A layer that should be there and cannot be used; it shows as 未核查 everywhere."""

    identity: LayerIdentity
    issue: Issue


@dataclass(frozen=True, slots=True)
class Partition:
    """One piece class of the site: the exact set of zones that cover it.

    `zones` are (layer id, zone id) pairs, empty for the part no zone covers. `area_m2` for areas,
    `length_m` for lines. `share_percent` is rounded so that all rows add up to 100.00. `sliver` marks a row
    that is thinner (shorter, of a line) than 1 mm everywhere: borders that should be one and are not.
    """

    zones: tuple[tuple[str, str], ...]
    area_m2: float
    length_m: float
    share_percent: float
    sliver: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """The smallest shift of a site that clears zones: metres east and north in the area plane, geodesic length.

    Not `found` and `complete`: there is none as short as `searched_m`; not `complete`: not computed beyond it.
    """

    found: bool
    complete: bool
    searched_m: float
    east_m: float = 0.0
    north_m: float = 0.0
    distance_m: float = 0.0
    bearing_deg: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Avoidance:
    """What avoiding the prohibiting zones would come to: an idea, never advice to split a project.

    `zones` are (layer id, zone id) of the prohibitions; `free_m2` is the part of the site outside of them,
    in `pieces` pieces of at least 1 m width, the largest `largest_m2`, and `slivers` thinner ones.
    `geometry` is that part in EPSG:4490 (None without any). `shift` is None where nothing prohibits; a
    found one was judged again: `moved_verdict` and `moved_label` are what the rules say there.
    """

    radius_m: float
    zones: tuple[tuple[str, str], ...]
    free_m2: float
    pieces: int
    largest_m2: float
    slivers: int
    geometry: Geometry | None
    shift: Shift | None = None
    moved_verdict: str = ""
    moved_label: str = ""


@dataclass(frozen=True, slots=True)
class RulePack:
    """Which rules judged: name, SHA-256, how many were in force, which could not be evaluated."""

    name: str
    sha256: str
    in_force: int
    unevaluated: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """Everything there is to say of one site on one day; every face is drawn from this.

    `red_line` and `eia` are None on a day when no text knew of such. `surfaces` are what rasters say: no verdict's business.
    """

    site: Site
    project: Project
    on: date
    overall: Overall
    findings: tuple[Finding, ...]
    reminders: tuple[Finding, ...]
    layers: tuple[LayerResult, ...]
    partition: tuple[Partition, ...]
    rules: RulePack
    catalog_title: str
    demonstration: bool
    engine_version: str
    avoidance: Avoidance | None = None
    access: Access = NOTHING
    red_line: RedLine | None = None
    eia: EiaHint | None = None
    surfaces: tuple[Surface, ...] = ()

