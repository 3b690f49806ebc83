"""What the targets share: a reader that lets only our own errors through, and now and then the county."""

from __future__ import annotations

import functools

import shapely

from linxi_gis.errors import LinxiError
from linxi_gis.intake import Limits, Options, read_bytes
from linxi_layers import demo_outline

# A fuzzer's inputs are a few kilobytes; these bounds keep each below a second and still meet every limit.
LIMITS = Limits(file_bytes=1 << 20, unpacked_bytes=1 << 22, zip_entries=50, vertices=20_000, features=2_000)
_COUNTY_SHARE = 8  # one input in eight is judged against the county outline


@functools.cache
def county() -> shapely.Geometry:
    """The bundled outline, EPSG:4490."""
    drawn = shapely.from_geojson(demo_outline().read_text(encoding="utf-8"))
    return shapely.union_all(shapely.get_parts(drawn))


def options(data: bytes) -> Options:
    """Options for an input: the same for the same bytes, so that a crash can be repeated."""
    near = bool(data) and sum(data) % _COUNTY_SHARE == 0
    return Options(county=county() if near else None, limits=LIMITS)


def read(data: bytes, name: str) -> None:
    """Read to the end, sites and all; only a LinxiError is an answer, and each site is whole."""
    try:
        reading = read_bytes(data, name, options(data))
    except LinxiError as error:
        assert str(error)
        return
    for site in reading.sites:
        assert site.id and not site.geometry.is_empty and site.geometry.is_valid, site.id
        assert all(abs(bound) < 1e9 for bound in site.ground.bounds), site.id
