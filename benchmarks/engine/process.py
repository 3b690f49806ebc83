"""Whole processes: one `linxi check` against a minimal geopandas script, and a million sites from file to file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import shapely

from benchmarks.engine import data
from benchmarks.engine.data import Geometries
from benchmarks.engine.timing import Times, runs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SITE = (1_500.0, 2_000.0)  # a parcel near the middle of the county
THEMES = {
    "redline": "ecological_redline", "units": "control_unit", "water": "water_source",
    "mines": "mining_right", "rivers": "river", "points": "heritage",
}  # fmt: skip
_CATALOG = '[catalog]\ntitle = "基准测试图层（人造，无法律效力）"\ndemonstration = true\nrequired_themes = []\n'
_LAYER = """
[[layer]]
id = "{id}"
theme = "{theme}"
title = "{id}（人造）"
path = "layers/{id}.gpkg"
version = "1"
status = "demonstration"
accuracy_m = 1.0
range_m = 2000
coverage = "extent.gpkg"
columns = {{ id = "code" }}
"""


def _environment() -> dict[str, str]:
    words = [str(ROOT), *(str(ROOT / name) for name in ("layers", "maps", "api"))]
    # Installed packages come with their bytecode; ours is to have it too, as in a user's checkout.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(words)}


def _gpkg(path: Path, shapes: Geometries) -> None:
    import pyogrio

    from linxi_gis import crs

    kinds = set(shapely.get_type_id(shapes).tolist())
    kind = "MultiPolygon" if kinds & {3, 6} else "Point"
    codes = np.array([f"ZH150424{n % 3 + 1}{n:04d}" for n in range(1, len(shapes) + 1)], dtype=object)
    shown = crs.lonlat_of_plane(shapes)
    if kind == "MultiPolygon":
        shown = np.array([shapely.multipolygons(shapely.get_parts(shape)) for shape in shown], dtype=object)
    pyogrio.raw.write(
        path, shapely.to_wkb(shown), [codes], ["code"], geometry_type=kind, crs="EPSG:4490", driver="GPKG"
    )


def folder(size: str, cache: Path) -> Path:
    """Return a folder with the layers as GPKG in EPSG:4490, a catalogue and a site, written once."""
    from linxi_gis import crs

    made = cache / f"{size}-{data.SEED}-{data.VERSION}" / "check"
    if (made / "catalog.toml").exists():
        return made
    (made / "layers").mkdir(parents=True, exist_ok=True)
    for layer, zones in data.cached(size, cache).items():
        _gpkg(made / "layers" / f"{layer}.gpkg", zones)
    _gpkg(made / "extent.gpkg", np.array([shapely.box(-30_000, -45_000, 30_000, 45_000)]))
    parcels = data.sites(data.SITE_BLOCK)
    near = int(np.argmin(shapely.distance(parcels, shapely.Point(*SITE))))
    feature = {"type": "Feature", "properties": {"name": "人造地块"}}
    feature["geometry"] = json.loads(shapely.to_geojson(crs.lonlat_of_plane(parcels[near])))
    (made / "site.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    words = [_LAYER.format(id=layer, theme=theme) for layer, theme in THEMES.items()]
    (made / "catalog.toml").write_text(_CATALOG + "".join(words), encoding="utf-8")
    return made


def check_times(size: str, cache: Path, rounds: int) -> dict[str, Times]:
    """Return the times of whole processes, from start to exit; the first run of each is not counted."""
    at = folder(size, cache)
    site = str(at / "site.geojson")
    words = {
        "linxi check（JSON）": ["-m", "linxi_gis.cli", "check", site, "--catalog", str(at / "catalog.toml"), "--format", "json"],
        "最小 geopandas 脚本，整层读入": [str(HERE / "minimal.py"), str(at / "layers"), site, "whole"],
        "最小 geopandas 脚本，只读 2 km 以内": [str(HERE / "minimal.py"), str(at / "layers"), site, "window"],
        "import geopandas": ["-c", "import geopandas"],
    }

    def run(command: list[str]) -> None:
        subprocess.run([sys.executable, *command], cwd=at, env=_environment(), check=True, capture_output=True)

    return {name: runs(partial(run, command), rounds, 120.0) for name, command in words.items()}


# --- a million sites ---------------------------------------------------------------------------------------


def sites_file(count: int, cache: Path) -> Path:
    """Write parcels as GeoParquet in EPSG:4490, block by block."""
    import geopandas
    import pyarrow
    from pyarrow import parquet

    from linxi_gis import crs

    path = cache / f"sites-{data.SEED}-{data.VERSION}-{count}.parquet"
    if path.exists():
        return path
    writer, first = None, 0
    part = path.with_suffix(".part")
    for block in data.site_blocks(count):
        lonlat = crs.lonlat_of_plane(block)
        frame = geopandas.GeoDataFrame({"id": np.arange(first, first + len(block))}, geometry=lonlat, crs="EPSG:4490")
        first += len(block)
        if writer is None:
            frame.head(1).to_parquet(part, index=False)
            schema = parquet.read_schema(part)
            geo = json.loads(schema.metadata[b"geo"])
            geo["columns"]["geometry"].pop("bbox", None)  # of the first parcel alone
            schema = schema.with_metadata({b"geo": json.dumps(geo).encode()})
            writer = parquet.ParquetWriter(part, schema)
        columns = [pyarrow.array(frame["id"]), pyarrow.array(shapely.to_wkb(lonlat), type=pyarrow.binary())]
        writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
    assert writer is not None
    writer.close()
    shutil.move(part, path)
    return path


# A process between: on Linux the peak of a child begins at what its parent held.
_WATCHED = """
import json, os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
told = child.stderr.read().decode(errors="replace")[-400:]
_, status, used = os.wait4(child.pid, 0)
scale = 2**20 if sys.platform == "darwin" else 2**10
print(json.dumps([time.perf_counter() - start, used.ru_maxrss / scale, os.waitstatus_to_exitcode(status), told]))
"""


def watched(command: list[str], cwd: Path) -> tuple[float, float]:
    """Run a command; return its seconds and the peak memory (MB) of its largest process.

    Raises RuntimeError with the end of its stderr when it fails.
    """
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, *command], cwd=cwd, env=_environment(), check=True, capture_output=True, text=True
    )
    seconds, peak_mb, code, told = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"退出码 {code}：{' '.join(told.split())[-200:]}")
    return float(seconds), float(peak_mb)


def file_to_file(size: str, cache: Path, count: int) -> tuple[float, float]:
    """Screen `count` sites with the command line: seconds and peak megabytes of a process."""
    at = folder(size, cache)
    out = cache / "screened.parquet"
    out.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "linxi_gis.cli", "screen", str(sites_file(count, cache)),
        "--catalog", str(at / "catalog.toml"), "--out", str(out),
    ]  # fmt: skip
    return watched(command, at)


