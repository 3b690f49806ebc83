"""GeoJSON (RFC 7946, the older dialect with a "crs" member, and a feature a line, RFC 8142) to sites."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely

from linxi_gis import crs
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.esrijson import draft_esri, is_esri
from linxi_gis.intake.reading import Claim, Draft, Drawn

NAME_KEYS = ("name", "名称", "项目名称", "地块名称", "mc", "xmmc", "dkmc", "title")
ID_KEYS = ("id", "编号", "地块编号", "项目编号", "bh", "dkbh")
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
# C1 controls stay: they may be bytes of a mangled text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FIRST_EAST = re.compile(r"CRS:?84", re.IGNORECASE)


def draft_geojson_text(text: str, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the sites of a GeoJSON text, whole or a feature a line; raises InputError with the line of broken JSON."""
    if "\x1e" in text:
        return _sequence(text.split("\x1e"), "条", source, issues)
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _is_feature(text.partition("\n")[0]):
            return _sequence(text.split("\n"), "行", source, issues)
        raise InputError(
            f"第 {error.lineno} 行第 {error.colno} 列不是有效的 JSON（{error.msg}）",
            where=source,
            remedy="请用生成它的软件重新导出 GeoJSON",
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError("JSON 嵌套过深或数字过长", where=source, remedy="请重新导出 GeoJSON") from error
    return draft_geojson(body, source, issues)


def _is_feature(line: str) -> bool:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, Mapping) and "type" in body


def _sequence(texts: Sequence[str], word: str, source: str, issues: tuple[Issue, ...]) -> Draft:
    """Return the sites of a text sequence; one that is broken becomes an error Issue while others are read."""
    drawn: list[Drawn] = []
    bad: list[Issue] = []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        try:
            draft = draft_geojson(json.loads(text), source)
        except (ValueError, RecursionError):
            error = InputError(f"第 {number} {word}不是有效的 JSON", where=source, remedy="请重新导出")
            bad.append(unreadable(error))
            continue
        except InputError as error:
            bad.append(unreadable(InputError(f"第 {number} {word}：{error.what}", where=source)))
            continue
        drawn += [replace(one, claim=one.claim or draft.claim) for one in draft.drawn]
        bad += draft.issues
    # Labels count from 1 in each text; here they count through.
    drawn = [
        replace(one, label=f"第 {n} 个要素") if not (one.id or one.name) else one for n, one in enumerate(drawn, 1)
    ]
    return Draft(source, "GeoJSON 序列", tuple(drawn), Claim(), 0, issues=(*issues, *dict.fromkeys(bad)))


def draft_geojson(body: object, source: str, issues: tuple[Issue, ...] = ()) -> Draft:
    """Return the sites of a parsed GeoJSON: FeatureCollection, Feature or bare geometry.

    A feature that cannot be read becomes an error Issue while others are read. Raises InputError
    when nothing can be read, CrsError for a "crs" member that names no usable system.
    """
    if not isinstance(body, Mapping):
        raise InputError("不是 GeoJSON 对象", where=source, remedy=_KINDS_REMEDY)
    if is_esri(body):
        return draft_esri(body, source, issues)
    if body.get("type") == "Topology":
        raise InputError("是 TopoJSON，不是 GeoJSON", where=source, remedy="请用 QGIS 或 mapshaper 另存为 GeoJSON")
    high = False
    drawn: list[Drawn] = []
    bad: list[Issue] = []
    for number, feature in enumerate(_features(body, source), 1):
        try:
            drawn.append(_drawn(feature, number))
            high = high or (isinstance(feature, Mapping) and _height(feature.get("geometry")))
        except InputError as error:
            bad.append(
                unreadable(InputError(f"第 {number} 个要素：{error.what}", where=source, remedy=error.remedy))
            )
    if high:
        bad.append(Issue("z_dropped", "info", f"{source} 带有高程（Z 值），研判只用平面位置"))
    return Draft(source, "GeoJSON", tuple(drawn), _claim(body, source), 0, issues=(*issues, *bad))


def _height(held: object) -> bool:
    """Whether any position of a geometry (one that has been built) has a third number that is not zero."""
    if isinstance(held, Mapping):
        return any(_height(held.get(key)) for key in ("coordinates", "geometries"))
    if not isinstance(held, list | tuple) or not held:
        return False
    if isinstance(held[0], list | tuple | Mapping):
        return any(_height(part) for part in held)
    return len(held) > 2 and isinstance(held[2], int | float) and held[2] != 0


_KINDS_REMEDY = "应为 FeatureCollection、Feature 或单个几何对象（Polygon、LineString、Point 等）"


def _features(body: Mapping[str, object], source: str) -> Iterator[object]:
    kind = body.get("type")
    if kind == "FeatureCollection":
        features = body.get("features")
        if not isinstance(features, list | tuple):
            raise InputError("FeatureCollection 缺少 features 数组", where=source, remedy=_KINDS_REMEDY)
        yield from features
    elif kind == "Feature":
        yield body
    elif kind in _GEOMETRIES or kind == "GeometryCollection":
        yield {"type": "Feature", "properties": {}, "geometry": body}
    else:
        raise InputError(f"GeoJSON 的 type 是 {kind!r}，不认识", where=source, remedy=_KINDS_REMEDY)


def _drawn(feature: object, number: int) -> Drawn:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise InputError("不是 Feature 对象", remedy=_KINDS_REMEDY)
    geometry = feature.get("geometry")
    if geometry is None:
        raise InputError("没有图形（geometry 为 null）", remedy="请补画图形")
    properties = feature.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise InputError("properties 不是对象", remedy="请重新导出 GeoJSON")
    attributes = tuple((str(key), text_of(value)) for key, value in properties.items())
    own = feature.get("id")
    identity = text_of(own) if own is not None else pick(attributes, ID_KEYS)
    name = pick(attributes, NAME_KEYS)
    identity, name, told = relabelled(identity or "", name)
    label = identity or name or f"第 {number} 个要素"
    return Drawn(build(geometry), label, id=identity, name=name, attributes=attributes, issues=told)


def relabelled(identity: str, name: str) -> tuple[str, str, tuple[Issue, ...]]:
    """Return id and name with mangled text repaired, and the Issue that tells both spellings.

    Labels only: the attributes stay as the file has them.
    """
    found = [(text, encoding.repaired(text)) for text in (identity, name)]
    told = [
        Issue(
            "mojibake_suspected",
            "warning",
            f"“{was}”疑为乱码，按“{now}”显示；属性仍为文件原文",
            "请核对名称；最好从原始数据重新导出为 UTF-8",
        )
        for was, now in dict.fromkeys(found)
        if now is not None
    ]
    return found[0][1] or identity, found[1][1] or name, tuple(told)


def pick(attributes: Sequence[tuple[str, str]], keys: Sequence[str]) -> str:
    """Return the first non-empty value under one of `keys` (in their order, case aside), or "".

    >>> pick((("NAME", "甲"), ("项目名称", "乙")), NAME_KEYS)
    '甲'
    """
    held = {(encoding.repaired(key) or key).strip().lower(): value for key, value in attributes}
    return next((held[key] for key in keys if held.get(key)), "")


def text_of(value: object) -> str:
    """Return a property as text: null is "", objects are JSON.

    >>> text_of(None), text_of(True), text_of(3), text_of(["甲"])
    ('', 'true', '3', '["甲"]')
    """
    if value is None:
        return ""
    text = _CONTROL.sub("", value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # JSON can spell half a character (a lone surrogate), which no file could be written with.
    return text.encode("utf-8", "replace").decode("utf-8")


def build(geometry: object) -> Geometry:
    """Return the shapely geometry of a GeoJSON geometry object; raises InputError when it is wrong.

    Rings that are not closed are closed; heights are dropped.
    """
    if not isinstance(geometry, Mapping):
        raise InputError("geometry 不是对象", remedy=_KINDS_REMEDY)
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        members = geometry.get("geometries")
        if not isinstance(members, list | tuple) or not members:
            raise InputError("图形没有坐标", remedy="请补画图形")
        return _collection(members)
    if kind not in _GEOMETRIES:
        raise InputError(f"几何类型 {kind!r} 不认识", remedy=_KINDS_REMEDY)
    held = geometry.get("coordinates")
    if not isinstance(held, list | tuple) or not held:
        raise InputError("图形没有坐标", remedy="请补画图形")
    try:
        return _shape(str(kind), list(held))
    except (ValueError, TypeError, IndexError, OverflowError, shapely.GEOSException) as error:
        raise InputError(f"{kind} 的坐标结构不对（{error}）", remedy="请重新导出 GeoJSON") from error


def _collection(members: Sequence[object]) -> Geometry:
    """Return the members as one collection; a collection inside it (RFC 7946 §3.1.8 advises against) is refused."""
    if any(isinstance(member, Mapping) and member.get("type") == "GeometryCollection" for member in members):
        raise InputError("GeometryCollection 里又套着 GeometryCollection", remedy="请拆成几个要素分别提交")
    return shapely.GeometryCollection([build(member) for member in members])


def _shape(kind: str, held: list[object]) -> Geometry:
    if kind == "Point":
        return shapely.Point(_positions([held])[0])
    if kind == "MultiPoint":
        return shapely.MultiPoint(_positions(held))
    if kind == "LineString":
        return shapely.LineString(_positions(held))
    if kind == "MultiLineString":
        return shapely.MultiLineString([_positions(line) for line in held])
    if kind == "Polygon":
        return _polygon(held)
    return shapely.MultiPolygon([_polygon(rings) for rings in held])


def _positions(held: object) -> FloatArray:
    positions = [_list(position) for position in _list(held)]
    pairs = [(_number(position[0]), _number(position[1])) for position in positions]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _polygon(held: object) -> shapely.Polygon:
    shell, *holes = [_positions(ring) for ring in _list(held)]
    for ring in (shell, *holes):
        if len(ring) < 3:
            raise ValueError("一圈不足 3 个点")
    return shapely.Polygon(shell, holes)


def _list(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r:.40} 不是数组")
    return list(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"坐标 {value!r:.40} 不是数字")
    return float(value)


def _crs_name(member: object) -> object:
    """The name in a "crs" member: {"type": "name"}, {"type": "EPSG"} (GeoJSON 2008 drafts), or a bare text."""
    if not isinstance(member, Mapping):
        return member
    properties = member.get("properties")
    held = properties if isinstance(properties, Mapping) else member
    code = held.get("code")
    if str(member.get("type")).upper() == "EPSG" and isinstance(code, int | str):
        return f"EPSG:{code}"
    return held.get("name")


def _claim(body: Mapping[str, object], source: str) -> Claim:
    member = body.get("crs")
    if member is None:
        return Claim()
    name = _crs_name(member)
    if not isinstance(name, str) or not name:
        raise CrsError(
            "crs 成员没有写明坐标系名称", where=source, remedy="请用 --crs 指明坐标系，或删去 crs 成员"
        )
    if _FIRST_EAST.search(name):
        # Every export by GDAL says CRS84, whatever the data are: WGS84 stated, GCJ-02 not excluded.
        return Claim(datum="WGS84", how="文件 crs 成员写明 CRS84（WGS84），按 CGCS2000 经纬度")
    try:
        crs.parse(name)
    except CrsError as error:
        raise CrsError(error.what, where=source, remedy=error.remedy) from error
    return Claim(system=name, how="文件 crs 成员写明")
