"""The polygons behind the indicators as GeoJSON features, EPSG:4490."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.crs import Geometry
from linxi_gis.indicators_model import County, Places
from linxi_gis.indicators_tables import km2, sound
from linxi_gis.model import Gap, Layer
from linxi_gis.report import extract
from linxi_gis.report.provisos import STAMP


def features(
    county: County, opened: Sequence[Layer | Gap], places: Places | None, outline: Geometry | None
) -> list[dict[str, object]]:
    """Return every zone of a numerator, what of it lies outside the county, and the places with their shares."""
    stamp = STAMP if county.demonstration else ""
    found = [_feature(shape, {**told, "说明": stamp}) for shape, told in _zones(county, opened, outline)]
    if places is None:
        return found
    for row, shape in enumerate(places.shapes):
        told: dict[str, object] = {"kind": "place", "id": places.ids[row], "name": places.names[row], "area_km2": km2(shape)}
        for one in county.indicators:
            if one.parts:
                told[one.figure.id] = one.parts[row].percent
        found.append(_feature(shape, {**told, "说明": stamp}))
    return found


def _zones(
    county: County, opened: Sequence[Layer | Gap], outline: Geometry | None
) -> Iterator[tuple[Geometry, dict[str, object]]]:
    for one in county.indicators:
        if not one.ratios or not one.figure.theme:
            continue
        for layer in sound(opened, one.figure.theme):
            columns = zip(np.asarray(layer.zones), layer.zone_ids, layer.zone_names, layer.zone_classes, strict=True)
            for shape, code, name, word in columns:
                told: dict[str, object] = {"kind": "zone", "figure": one.figure.id, "id": code, "name": name, "class": word}
                yield shape, {**told, "area_km2": km2(shape)}
                beyond = shapely.Polygon() if outline is None else shapely.difference(shape, outline)
                if km2(beyond) >= 1e-4:  # 100 m²: less is the rounding of a border
                    yield beyond, {**told, "kind": "outside", "area_km2": km2(beyond)}


def _feature(plane: Geometry, properties: dict[str, object]) -> dict[str, object]:
    return {"type": "Feature", "geometry": extract.geometry(crs.lonlat_of_plane(plane)), "properties": properties}
