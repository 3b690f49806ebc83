"""The rasters of a catalogue on a site: one `Surface` each, whatever happens to the file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import shapely

from linxi_gis import prepared, raster, rastershelf
from linxi_gis.catalog import RasterEntry
from linxi_gis.crs import Geometry
from linxi_gis.errors import CacheError, LinxiError
from linxi_gis.raster import Raster
from linxi_gis.surface import Cover, Surface

_MISSING = 1e-6  # of the site: what rounding leaves of nothing
_REMEDY = "请补充有数据的栅格后重算"


def surfaces(shape: Geometry, rasters: Sequence[RasterEntry], day: date, cache: prepared.Cache) -> tuple[Surface, ...]:
    """Return what the rasters of a day say of a site given in the area plane, in catalogue order, drafts left out.

    One that cannot be read, or has no version in force, is there as such: never as zero.
    """
    held = [entry for entry in rasters if entry.status != "draft"]
    found = []
    for name in dict.fromkeys(entry.id for entry in held):
        versions = [entry for entry in held if entry.id == name]
        entry = next((one for one in versions if one.in_force(day)), None)
        if entry is None:
            found.append(_unread(versions[-1], f"{day.isoformat()} 没有生效的版本", "请补充当日有效的版本"))
        else:
            found.append(_surface(shape, entry, cache))
    return tuple(found)


def _surface(shape: Geometry, entry: RasterEntry, cache: prepared.Cache) -> Surface:
    try:
        try:
            return _measured(shape, entry, cache)
        except CacheError:
            rastershelf.discard(entry, cache)
            return _measured(shape, entry, prepared.Cache())
    except LinxiError as error:
        return _unread(entry, error.what, error.remedy)
    except shapely.errors.GEOSException as error:
        return _unread(entry, f"与地块叠加时出错（{str(error)[:80]}）", "请检查地块图形")


def _unread(entry: RasterEntry, why: str, remedy: str) -> Surface:
    return Surface(
        entry.id, entry.kind, entry.title, entry.version, "", entry.demonstration, readable=False, why=why, remedy=remedy
    )


def _measured(shape: Geometry, entry: RasterEntry, cache: prepared.Cache) -> Surface:
    with rastershelf.opened(entry, cache) as opened:
        digest = rastershelf.sha256(entry, cache)
        return (_relief if entry.kind == "elevation" else _cover)(shape, opened, digest)


def _cover(shape: Geometry, opened: Raster, digest: str) -> Surface:
    entry = opened.entry
    found = raster.tally(opened, shape)
    words = dict(entry.classes)
    whole = _whole(found.known_m2 + found.nodata_m2, found.area_m2)
    known, nodata, outside = _parts(found.known_m2, found.nodata_m2, whole)
    forest = min(found.of(entry.forest) / whole, 1.0) if entry.forest and known > 0.0 else None
    return Surface(
        entry.id, entry.kind, entry.title, entry.version, digest, entry.demonstration, readable=True,
        known_share=known, nodata_share=nodata, outside_share=outside,
        classes=tuple(Cover(value, words.get(value, ""), min(area / whole, 1.0)) for value, area in found.by_value),
        forest_share=forest, why=_why(nodata, outside), remedy=_REMEDY if known < 1.0 else "",
    )  # fmt: skip


def _relief(shape: Geometry, opened: Raster, digest: str) -> Surface:
    entry = opened.entry
    found = raster.relief(opened, shape)
    known, nodata, outside = _parts(found.known_m2, found.nodata_m2, _whole(found.known_m2 + found.nodata_m2, found.area_m2))
    return Surface(
        entry.id, entry.kind, entry.title, entry.version, digest, entry.demonstration, readable=True,
        known_share=known, nodata_share=nodata, outside_share=outside,
        minimum_m=found.minimum_m, mean_m=found.mean_m, maximum_m=found.maximum_m,
        slope_mean_deg=found.slope_mean_deg, slope_max_deg=found.slope_max_deg,
        why=_why(nodata, outside), remedy=_REMEDY if known < 1.0 else "",
    )  # fmt: skip


def _whole(met: float, whole: float) -> float:
    """Return what shares are of: where the raster has all of the site, the sum of its cells, so that they add up to 1.

    Areas of cells are good to 1e-8, so that a site all of one class would come to more than itself.
    """
    return met if abs(whole - met) <= _MISSING * whole else whole


def _parts(known: float, nodata: float, whole: float) -> tuple[float, float, float]:
    """Return the shares that are known, without data, and outside of the raster; they add up to 1."""
    if whole <= 0.0:
        return 0.0, 0.0, 1.0
    empty, beyond = nodata / whole, 1.0 - (known + nodata) / whole
    empty, beyond = (share if share > _MISSING else 0.0 for share in (empty, beyond))
    left = 1.0 - empty - beyond
    return left if left > _MISSING else 0.0, empty, beyond


def _why(nodata: float, outside: float) -> str:
    if outside >= 1.0 - _MISSING:
        return "不覆盖本地块，这里没有数据"
    if nodata >= 1.0 - _MISSING:
        return "在本地块处全是无数据"
    told = [f"{word} {share * 100.0:.2f} %" for word, share in (("无数据", nodata), ("在栅格以外", outside)) if share]
    if nodata + outside >= 1.0 - _MISSING:
        return f"本地块{'、'.join(told)}，没有一处有数据"
    return f"本地块{'、'.join(told)}，其余部分的数只是有数据处的" if told else ""
