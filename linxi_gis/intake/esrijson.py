"""Esri JSON (ArcGIS REST feature sets, "Features To JSON") to a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import shapely

from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.reading import Claim, Draft, Drawn
from linxi_gis.intake.rings import assemble

_SHAPES = ("rings", "paths", "points", "x", "curveRings", "curvePaths")
# Every ring is held against every other; our choice.
_RINGS = 300
# Esri's own numbers begin here; below they are EPSG's.
_ESRI_CODES = 32768
_REMEDY = "请在 ArcGIS 中另存为 GeoJSON 或 Shapefile"


def is_esri(body: Mapping[str, object]) -> bool:
    """Whether a JSON object is Esri's: a feature set, a feature or a bare geometry."""
    if "type" in body:
        return False
    if any(key in body for key in ("rings", "paths", "curveRings", "curvePaths")):
        return True
    features = body.get("features")
    if isinstance(features, list) and ("geometryType" in body or "spatialReference" in body):
        return True
    shape = body.get("geometry")
    return isinstance(shape, Mapping) and any(key in shape for key in _SHAPES)


def draft_esri(body: Mapping[str, object], source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the draft of an Esri JSON; a feature that cannot be read becomes an error Issue."""
    features = body.get("features")
    held: Sequence[object] = features if isinstance(features, list) else [body]
    if not isinstance(features, list) and "geometry" not in body:
        held = [{"geometry": body}]
    drawn: list[Drawn] = []
    bad: list[Issue] = []
    for number, feature in enumerate(held, 1):
        try:
            drawn.append(_drawn(feature, number))
        except InputError as error:
            bad.append(unreadable(error, f"{source}：第 {number} 个要素"))
    return Draft(source, "Esri JSON", tuple(drawn), _claim(body, held), 0, issues=(*issues, *bad))


def _drawn(feature: object, number: int) -> Drawn:
    # They need this module to tell Esri's JSON from GeoJSON.
    from linxi_gis.intake.geojson import ID_KEYS, NAME_KEYS, pick, relabelled, text_of

    if not isinstance(feature, Mapping) or not isinstance(feature.get("geometry"), Mapping):
        raise InputError("没有图形", remedy="请补画图形")
    properties = feature.get("attributes") or {}
    if not isinstance(properties, Mapping):
        raise InputError("attributes 不是对象", remedy=_REMEDY)
    attributes = tuple((str(key), text_of(value)) for key, value in properties.items())
    identity, name, told = relabelled(pick(attributes, ID_KEYS), pick(attributes, NAME_KEYS))
    label = identity or name or f"第 {number} 个要素"
    try:
        geometry, nested = _geometry(feature["geometry"], label)
    except (ValueError, TypeError, IndexError, OverflowError, shapely.GEOSException) as error:
        raise InputError(f"坐标结构不对（{error}）", remedy=_REMEDY) from error
    return Drawn(geometry, label, identity, name, attributes, issues=(*told, *nested))


def _geometry(held: Mapping[str, object], label: str) -> tuple[Geometry, tuple[Issue, ...]]:
    if "curveRings" in held or "curvePaths" in held:
        raise InputError("含有曲线（curveRings、curvePaths）", remedy="请在 ArcGIS 中把曲线打断成折线后导出")
    if "rings" in held:
        rings = [_positions(ring) for ring in _list(held["rings"])]
        if not 0 < len(rings) <= _RINGS:
            raise InputError(f"有 {len(rings)} 个环，须为 1 至 {_RINGS} 个", remedy=_REMEDY)
        return assemble(rings, label)
    if "paths" in held:
        lines = [shapely.LineString(_positions(path)) for path in _list(held["paths"])]
        return (lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)), ()
    if "points" in held:
        return shapely.MultiPoint(_positions(held["points"])), ()
    return shapely.Point(_positions([[held.get("x"), held.get("y")]])[0]), ()


def _positions(held: object) -> FloatArray:
    pairs = [tuple(_number(value) for value in _list(position)[:2]) for position in _list(held)]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40} 不是数组")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"坐标 {value!r:.40} 不是数字")
    return float(value)


def _claim(body: Mapping[str, object], features: Sequence[object]) -> Claim:
    """The set's spatialReference, or that of the first geometry when the set has none."""
    stated = body.get("spatialReference")
    if stated is None and features and isinstance(features[0], Mapping):
        shape = features[0].get("geometry")
        stated = shape.get("spatialReference") if isinstance(shape, Mapping) else None
    if not isinstance(stated, Mapping):
        return Claim()
    code = stated.get("latestWkid", stated.get("wkid"))
    if isinstance(code, int) and not isinstance(code, bool):
        system = f"{'ESRI' if code >= _ESRI_CODES else 'EPSG'}:{code}"
        return Claim(system=system, how="文件 spatialReference 写明")
    wkt = stated.get("wkt", stated.get("wkt2"))
    return Claim(system=wkt, how="文件 spatialReference 写明") if isinstance(wkt, str) and wkt else Claim()
