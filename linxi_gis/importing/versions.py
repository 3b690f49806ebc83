"""Write a version of a layer once and for all: a GeoPackage and its manifest in a folder that never changes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely

from linxi_gis.crs import LONLAT
from linxi_gis.errors import CatalogError
from linxi_gis.importing.package import Parcel

FOLDER = "versions"
MANIFEST = "manifest.json"
SCHEMA = "linxi-layer-version-1"
_DRAFT = ".importing-"
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x20.]+')
# GeoPackage wants a time of change; of the same source the same bytes shall come.
_SAME_TIME = "2000-01-01T00:00:00.000Z"
# SQLite need not flush to disk what `_synced` flushes once, when it is whole and before it has its name.
_SETTINGS = {"OGR_CURRENT_DATE": _SAME_TIME, "OGR_SQLITE_SYNCHRONOUS": "OFF"}
_KINDS = {0: "MultiPoint", 1: "MultiLineString", 2: "MultiPolygon"}


@dataclass(frozen=True, slots=True)
class Deed:
    """Who brought a version in, when (ISO 8601 with its zone), and with what."""

    by: str
    at: str
    tool: str


@dataclass(frozen=True, slots=True)
class Written:
    """A version in its place: the GeoPackage, its SHA-256, and whether it was there already."""

    data: Path
    sha256: str
    there: bool


def write(folder: Path, layer_id: str, version: str, parcel: Parcel, deed: Deed, told: dict[str, object]) -> Written:
    """Write a version under FOLDER/versions/<id>/<version>-<sha8>/; raises CatalogError when the disk refuses.

    It is made in a folder beside and moved as a whole: what has a name is complete, whenever the process ends.
    `told` is what else the manifest says (theme, title, columns, ...).
    """
    home = folder / FOLDER / layer_id
    try:
        home.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder / FOLDER))
        try:
            return _moved(home, draft, layer_id, version, parcel, deed, told)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        what = f"写不出来（{error.strerror or type(error).__name__}）"
        raise CatalogError(what, where=str(home), remedy="请检查磁盘空间和权限后重试，目录没有改动") from error


def _moved(
    home: Path, draft: Path, layer_id: str, version: str, parcel: Parcel, deed: Deed, told: dict[str, object]
) -> Written:
    data = draft / f"{layer_id}.gpkg"
    _geopackage(data, layer_id, parcel)
    with data.open("rb") as stream:
        sha = hashlib.file_digest(stream, "sha256").hexdigest()
    target = home / f"{safe(version)}-{sha[:8]}"
    final = target / data.name
    if target.exists():
        _same(final, sha)
        return Written(final, sha, there=True)
    words = manifest(layer_id, version, sha, data, parcel, deed, told)
    (draft / MANIFEST).write_text(words, encoding="utf-8", newline="\n")
    _synced([data, draft / MANIFEST])
    draft.chmod(0o755)  # mkdtemp's is the maker's alone
    os.rename(draft, target)
    return Written(final, sha, there=False)


def safe(version: str) -> str:
    """Return a version as a name of a folder on every system.

    >>> safe("2023 年/动态更新"), safe("...")
    ('2023-年-动态更新', 'v')
    """
    return _UNSAFE.sub("-", version).strip("-")[:60] or "v"


def _same(data: Path, sha256: str) -> None:
    if not data.is_file() or hashlib.sha256(data.read_bytes()).hexdigest() != sha256:
        raise CatalogError("已入库的版本被人改动过", where=str(data), remedy="请从备份恢复，或换一个 --version 重新入库")


def _geopackage(path: Path, layer_id: str, parcel: Parcel) -> None:
    dimensions = np.unique(shapely.get_dimensions(parcel.shapes[~shapely.is_missing(parcel.shapes)]))
    kind = _KINDS.get(int(dimensions[0]), "Unknown") if len(dimensions) == 1 else "Unknown"
    fields = [np.array(column, dtype=object) for column in parcel.columns.values()]
    # Settings of the whole process; a command does nothing else meanwhile.
    pyogrio.set_gdal_config_options(_SETTINGS)
    try:
        pyogrio.raw.write(
            path, parcel.wkb, fields, list(parcel.columns), geometry_type=kind, crs=LONLAT, layer=layer_id,
            driver="GPKG", promote_to_multi=kind != "Unknown", FID="linxi_row", GEOMETRY_NAME="linxi_shape",
        )  # fmt: skip
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise CatalogError(f"GeoPackage 写不出来（{error}）", where=path.name, remedy="请检查磁盘空间") from error
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(_SETTINGS))


def manifest(
    layer_id: str, version: str, sha256: str, data: Path, parcel: Parcel, deed: Deed, told: dict[str, object]
) -> str:
    """Return the manifest of a version as JSON."""
    body = {
        "schema": SCHEMA, "id": layer_id, "version": version, **told,
        "data": {"file": data.name, "sha256": sha256, "bytes": data.stat().st_size, "crs": LONLAT,
                 "zones": len(parcel.shapes), "vertices": int(shapely.get_num_coordinates(parcel.shapes).sum())},
        "source": {"layer": parcel.name, "format": parcel.format, "crs": parcel.system, "how": parcel.how,
                   "files": [asdict(file) for file in parcel.files]},
        "imported": asdict(deed),
        "repairs": [asdict(issue) for issue in parcel.issues],
    }  # fmt: skip
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _synced(files: Sequence[Path]) -> None:
    for file in files:
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
