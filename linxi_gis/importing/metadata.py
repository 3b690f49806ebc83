"""Describe a version of a layer as ISO 19115 metadata, written as ISO 19139 XML by pygeometa."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import shapely

from linxi_gis import crs, geoparquet, vectorfile
from linxi_gis.catalog import Entry
from linxi_gis.errors import LayerError, UsageError
from linxi_gis.importing.versions import MANIFEST, SCHEMA
from linxi_gis.model import Layer
from linxi_gis.themes import THEMES

ADVICE = '请安装：pip install pygeometa'
_KINDS = {0: "point", 1: "curve", 2: "surface"}
_LIMITS = {"公开": "公开", "内部": "内部：只供本单位使用", "不得导出": "不得导出：图层数据不离开本机", "": "敏感性未注明"}
# XML 1.0 (2.2) has no place for these, not even escaped.
_NO_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
# What pygeometa calls an MCF: the metadata as nested tables, of which its templates make XML.
Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """What the file itself says: its EPSG code and its extent in it (west, south, east, north)."""

    epsg: int
    bounds: tuple[float, float, float, float]


def source(entry: Entry) -> Source:
    """Return system and extent of a version's file; raises LayerError where it has no EPSG code or cannot be read."""
    import pyogrio

    if entry.path.suffix.lower() in geoparquet.SUFFIXES:
        table = vectorfile.read(entry.path)
        return _source(entry, entry.crs or table.crs, [float(one) for one in shapely.total_bounds(table.geometries)])
    try:
        told = pyogrio.read_info(entry.path, layer=entry.sublayer, force_total_bounds=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise LayerError("图层文件打不开", where=str(entry.path), remedy="请检查路径") from error
    return _source(entry, entry.crs or told["crs"], [float(one) for one in told["total_bounds"] or [math.nan] * 4])


def _source(entry: Entry, system: str | None, bounds: Sequence[float]) -> Source:
    code = crs.parse(system).to_epsg() if system else None
    west, south, east, north = bounds
    if code is None or not math.isfinite(west + south + east + north):
        what = "坐标系没有 EPSG 编号" if code is None else "没有范围"
        raise LayerError(what, where=str(entry.path), remedy="请先用 linxi layers import 入库")
    return Source(code, (west, south, east, north))


def record(entry: Entry, layer: Layer, file: Source, day: date) -> Record:
    """Return the metadata of a version as pygeometa reads it; `day` is that of the metadata.

    The second extent is the bounding box in degrees, which ISO 19139 keeps without a system: EPSG:4326 is only how
    pygeometa is asked for one. CGCS2000 degrees are meant, less than 1 m away.
    """
    told = _manifest(entry.path)
    own = entry.identity
    until = "now" if entry.effective_to is None else entry.effective_to.isoformat()
    spans = [] if entry.effective_from is None else [{"begin": entry.effective_from.isoformat(), "end": until}]
    shapes = np.array(list(layer.zones), dtype=object)
    party = {"organization": entry.authority or "（目录没有写批准机关）"}
    limits = _LIMITS[own.sensitivity] + ("；示意数据，结论无效力" if own.demonstration else "")
    boxes: list[Record] = [{"bbox": list(file.bounds), "crs": str(file.epsg)}] if file.epsg != 4326 else []
    degrees = [round(float(one), 7) for one in shapely.total_bounds(crs.lonlat_of_plane(shapes))]
    boxes.append({"bbox": degrees, "crs": 4326})
    return {
        "mcf": {"version": 1.0},
        "metadata": {
            "identifier": escape(f"{own.id}@{own.version}" if own.version else own.id), "language": "zho",
            "charset": "utf8", "hierarchylevel": "dataset", "dataseturi": "",
            "datestamp": day.isoformat(), "dates": {"creation": day.isoformat()},  # before pygeometa 0.20, and since
        },
        "spatial": {"datatype": "vector", "geomtype": _kind(shapes)},
        "identification": {
            "title": own.title, "abstract": _abstract(entry, layer), "edition": own.version, "language": "zho",
            "charset": "utf8", "url": "", "status": _progress(entry, day),
            "maintenancefrequency": "unknown", "rights": limits,
            "accessconstraints": "restricted" if own.sensitivity in ("内部", "不得导出") else "otherRestrictions",
            "license": {"name": limits}, "dates": _dates(entry, told),
            "extents": {"spatial": boxes, "temporal": spans},
            "keywords": {"default": {"keywords": [THEMES[own.theme], own.theme], "keywords_type": "theme"}},
            "topiccategory": ["environment"],
        },
        "contact": {"pointOfContact": party, "custodian": party},
        "distribution": {},
        "dataquality": {"scope": {"level": "dataset"}, "lineage": {"statement": _lineage(layer, told)}},
    }  # fmt: skip


def xml(told: Record) -> str:
    """Return a record as ISO 19139 XML; raises UsageError where pygeometa is not installed."""
    try:
        from lxml import etree
        from pygeometa.schemas.iso19139 import ISO19139OutputSchema
    except ImportError as error:
        raise UsageError("导出元数据要用 pygeometa，还没有安装", remedy=ADVICE) from error
    root = etree.fromstring(ISO19139OutputSchema().write(_legible(told)).encode())
    # pygeometa takes the reference system from the first extent; readers (owslib, pycsw) take the first one alone.
    for box in root.iterfind(".//{*}EX_Extent/{*}geographicElement[{*}EX_GeographicBoundingBox]"):
        box.getparent().insert(0, box)
    return str(etree.tostring(root, encoding="unicode"))


def _legible(told: Record) -> Record:
    return {key: _cleaned(value) for key, value in told.items()}


def _cleaned(value: object) -> object:
    """Return a value of a record without the characters that XML cannot hold."""
    if isinstance(value, str):
        return _NO_XML.sub("", value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return _legible(value) if isinstance(value, dict) else value


def _progress(entry: Entry, day: date) -> str:
    """Return how far the data are, in the words of MD_ProgressCode (ISO 19115)."""
    if entry.effective_to is not None and entry.effective_to < day:
        return "obsolete"
    return "underDevelopment" if entry.identity.legal_status == "draft" else "completed"


def _manifest(data: Path) -> Mapping[str, object]:
    """Return the manifest of an imported version, empty for a file that was catalogued by hand."""
    try:
        told = json.loads((data.parent / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LayerError("入库清单读不出来", where=str(data.parent / MANIFEST), remedy="请从备份恢复") from error
    return told if isinstance(told, dict) and told.get("schema") == SCHEMA else {}


def _kind(shapes: np.ndarray[tuple[int, ...], np.dtype[np.object_]]) -> str:
    kinds = {int(one) for one in shapely.get_dimensions(shapes)}
    return _KINDS.get(kinds.pop(), "complex") if len(kinds) == 1 else "complex"


def _abstract(entry: Entry, layer: Layer) -> str:
    own = entry.identity
    lines = [f"{own.title}，{len(layer.zone_ids)} 个图斑"]
    lines += [f"{word}：{said}" for word, said in (("批准机关", entry.authority), ("文号", entry.document)) if said]
    lines.append(f"界线精度 {own.accuracy_m:g} m" + ("" if entry.accuracy_stated else "（目录未写，按此计）"))
    lines += ["示意数据，无效力"] if own.demonstration else []
    lines += ["草案"] if own.legal_status == "draft" else []
    return "；".join(lines)


def _dates(entry: Entry, told: Mapping[str, object]) -> dict[str, str]:
    """Return the day of import as that of creation; of a file catalogued by hand, when it last changed."""
    deed = told.get("imported")
    if isinstance(deed, dict) and deed.get("at"):
        return {"creation": str(deed["at"])[:10]}
    return {"revision": date.fromtimestamp(entry.path.stat().st_mtime).isoformat()}


def _lineage(layer: Layer, told: Mapping[str, object]) -> str:
    lines = [f"数据文件 SHA-256 {layer.sha256}"]
    if not told:
        return "；".join([*lines, "不是用 linxi layers import 入库的，没有来源和修复的记录"])
    origin, deed, repairs = told.get("source"), told.get("imported"), told.get("repairs")
    if isinstance(origin, dict):
        lines.append(f"来源 {origin['layer']}（{origin['format']}，{origin['crs']}，{origin['how']}）")
        lines += [f"来源文件 {one['name']} SHA-256 {one['sha256']}" for one in origin["files"]]
    if isinstance(deed, dict):
        lines.append(f"{deed['by']} 于 {deed['at']} 用 {deed['tool']} 入库")
    texts = [str(one["text"]) for one in repairs] if isinstance(repairs, list) else []
    return "；".join([*lines, *(texts or ["没有修复"])])
