"""What a raster says of a site: the mix of land cover, forest, elevation, slope. Facts beside the verdict, never in it."""

from __future__ import annotations

from dataclasses import dataclass

WORDS = {"forest": "森林", "landcover": "土地覆盖", "elevation": "高程和坡度"}


@dataclass(frozen=True, slots=True)
class Cover:
    """One class of a raster on a site; `share` 0..1 of the whole site."""

    value: int
    word: str
    share: float


@dataclass(frozen=True, slots=True)
class Surface:
    """One raster on one site: shares 0..1 of the site's area, of a line's length, of the number of points.

    `known_share`, `nodata_share` and `outside_share` add up to 1. What is None is not known; elevation (m) and
    slope (degrees, Horn 1981) are of the known part. `why` tells what is missing, "" when nothing is; `remedy` what
    to do then. Not `readable`: it could not be read, and all of the site is without data.
    """

    id: str
    kind: str
    title: str
    version: str
    sha256: str
    demonstration: bool
    readable: bool
    known_share: float = 0.0
    nodata_share: float = 0.0
    outside_share: float = 0.0
    classes: tuple[Cover, ...] = ()
    forest_share: float | None = None
    minimum_m: float | None = None
    mean_m: float | None = None
    maximum_m: float | None = None
    slope_mean_deg: float | None = None
    slope_max_deg: float | None = None
    why: str = ""
    remedy: str = ""

    @property
    def unchecked(self) -> bool:
        """Whether nothing at all is known of the site."""
        return not self.readable or self.known_share <= 0.0
