"""What measuring without judging says of a site. Frozen; apart from `model`, for a check does without it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from linxi_gis.finding import Issue, LayerStatus, unchecked
from linxi_gis.model import LayerIdentity, Site


@dataclass(frozen=True, slots=True)
class Beside:
    """The zone nearest to a site: geodesic m; degrees from north, from site to zone, None where they touch."""

    zone_id: str
    zone_name: str
    distance_m: float
    bearing_deg: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What one layer says of one site, measured and not judged.

    `zones` are (id, name) of those it hits. `area_m2` (ellipsoidal) and `length_m` (geodesic) are of their union
    within the site, `share_of_site` and `covered_share` (where the layer claims to know) 0..1: all None where the
    layer could not be checked. `nearest` is None where there is a hit, or no zone in range.
    """

    identity: LayerIdentity
    status: LayerStatus
    sha256: str = ""
    zones: tuple[tuple[str, str], ...] = ()
    area_m2: float | None = None
    length_m: float | None = None
    share_of_site: float | None = None
    covered_share: float | None = None
    nearest: Beside | None = None
    issues: tuple[Issue, ...] = ()

    @property
    def unchecked(self) -> bool:
        """Whether "no hit" would not mean that there is none."""
        return unchecked(self.status, self.covered_share)


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """A site measured against every layer of a day; `others` are the layers of what else it may be (`Site.others`)."""

    site: Site
    on: date
    layers: tuple[Figures, ...]
    others: tuple[tuple[str, tuple[Figures, ...]], ...]
    catalog_title: str
    demonstration: bool
    engine_version: str
    engine_kind: str
