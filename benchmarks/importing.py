"""Time of importing a GBK shapefile package of 1,000,000 vertices against what others take to read the same zip.

Run: python benchmarks/importing.py [ROUNDS]   (default: 5)
The import is whole: SHA-256 of the source, reading, reference system, validity, GeoPackage with its index, SHA-256,
manifest, catalogue. Beside it, in turn with it and in the same process:
  raw       pyogrio.raw.read: arrays of WKB and texts, no geometry is made of them; the quickest there is
  geopandas geopandas.read_file: what a person would call reading
  same job  geopandas.read_file, is_valid, to_crs, to_file: about what the import does, nothing told and nothing hashed
and as processes of their own, started cold: python reading by geopandas, and `linxi layers import`.
Prints the least of the rounds for each layer, and in brackets the least time of all cores together, which a busy machine
lengthens less; nothing is asserted. Seeded data in a temporary folder: stars of so many
corners, each corner at a random distance (harder on GEOS than any outline that was surveyed), and real outlines of
counties from ../shared, where it is there, drawn at a tenth of their size within the county.
"""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "scale" / "inner_mongolia_counties_amap_wgs84.fgb"
SOURCES = [str(ROOT / name) for name in ("", "layers", "maps", "api")]
VERTICES, SEED = 1_000_000, 20260901
CORNERS = (9, 99, 999)
SYSTEMS = ("EPSG:4490", "EPSG:4527")
PLANE = SYSTEMS[1]


def stars(corners: int) -> Any:
    """Return VERTICES in polygons of so many corners, in EPSG:4527."""
    import numpy as np
    import shapely

    rng = np.random.default_rng(SEED)
    count = VERTICES // (corners + 1)
    middle = rng.uniform((39_550_000, 4_800_000), (39_610_000, 4_890_000), (count, 1, 2))
    radius = rng.uniform(20, 200, (count, 1)) * rng.uniform(0.7, 1.3, (count, corners))
    turn = np.linspace(0, 2 * np.pi, corners + 1)[:-1]
    ring = middle + np.stack((radius * np.cos(turn), radius * np.sin(turn)), axis=2)
    return shapely.polygons(np.concatenate((ring, ring[:, :1]), axis=1))


def counties() -> Any:
    """Return real outlines with VERTICES or a few more, in EPSG:4527: each a tenth of its size, somewhere in the county."""
    import numpy as np
    import pyogrio
    import shapely

    rng = np.random.default_rng(SEED)
    drawn = shapely.from_wkb(pyogrio.raw.read(REAL, columns=[])[2])
    some = list(itertools.islice(itertools.cycle(drawn), -(-VERTICES * len(drawn) // shapely.get_num_coordinates(drawn).sum())))
    places = rng.uniform((39_560_000, 4_810_000), (39_600_000, 4_880_000), (len(some), 2))
    east = 111_320.0 * np.cos(np.radians(43.6))

    def placed(shape: Any, place: Any) -> Any:
        middle = np.array(shape.centroid.coords[0])
        return shapely.transform(shape, lambda xy: place + (xy - middle) * (east / 10, 11_132.0))

    return np.array([placed(shape, place) for shape, place in zip(some, places, strict=True)], dtype=object)


def make(folder: Path, shapes: Any, system: str) -> Path:
    """Write a zip of a GBK shapefile without .cpg: shapes in EPSG:4527, in another system where it is asked for."""
    import numpy as np
    import pyogrio
    import shapely

    from linxi_gis import crs

    if system != PLANE:
        shapes = crs.to_lonlat(shapes, PLANE)
    columns = {
        "HJGKDYBM": [f"ZH150424{n % 3 + 1}{n % 10_000:04d}" for n in range(len(shapes))],
        "HJGKDYMC": [f"林西县管控单元{n}" for n in range(len(shapes))],
        "COUNTY": ["林西县"] * len(shapes),
    }
    folder.mkdir(parents=True)
    path = folder / "units.shp"
    pyogrio.raw.write(
        path, shapely.to_wkb(shapes), [np.array(one, dtype=object) for one in columns.values()], list(columns),
        geometry_type="Polygon", crs=system, encoding="GBK",
    )  # fmt: skip
    path.with_suffix(".cpg").unlink()
    packed = folder / "package.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as held:
        for file in sorted(folder.glob("units.*")):
            held.write(file, file.name)
    return packed


def least(rounds: int, works: dict[str, Callable[[int], object]]) -> dict[str, tuple[float, float]]:
    """Return the least time of so many rounds of each work, s: by the clock, and of this process on all cores.

    They take turns, so that a busy spell strikes all.
    """
    best = dict.fromkeys(works, (float("inf"), float("inf")))
    for number in range(rounds):
        for name, work in works.items():
            gc.collect()
            clock, cores = time.perf_counter(), time.process_time()
            work(number)
            took = time.perf_counter() - clock, time.process_time() - cores
            best[name] = min(best[name][0], took[0]), min(best[name][1], took[1])
    return best


def works(folder: Path, packed: Path) -> dict[str, Callable[[int], object]]:
    """Return what is timed, by name."""
    import geopandas
    import pyogrio

    from linxi_gis.cli import layerimport
    from linxi_gis.importing import starting

    def bring(number: int) -> None:
        path = starting.start(folder / f"local{number}")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            layerimport.bring_in([str(packed)], path, layerimport.Wish(version="1", yes=True))

    def same_job(number: int) -> None:
        read = geopandas.read_file(packed, encoding="GBK")
        read.geometry.is_valid.all()
        read.to_crs(SYSTEMS[0]).to_file(folder / f"job{number}.gpkg")

    def cold_read(number: int) -> None:
        words = f"import geopandas; geopandas.read_file({str(packed)!r}, encoding='GBK')"
        subprocess.run([sys.executable, "-c", words], check=True)

    def cold_import(number: int) -> None:
        path = starting.start(folder / f"cold{number}")
        words = ("layers", "import", str(packed), "--catalog", str(path), "--version", "1", "--yes")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(SOURCES)}
        subprocess.run([sys.executable, "-m", "linxi_gis.cli", *words], check=True, env=environment, capture_output=True)

    return {
        "raw": lambda _: pyogrio.raw.read(packed, encoding="GBK"),
        "geopandas": lambda _: geopandas.read_file(packed, encoding="GBK"),
        "same job": same_job, "import": bring, "cold read": cold_read, "cold import": cold_import,
    }  # fmt: skip


def main() -> None:
    """Print a row for each layer and system."""
    import shapely

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    layers: dict[str, Callable[[], Any]] = {f"stars of {n}": lambda n=n: stars(n) for n in CORNERS}
    if REAL.is_file():
        layers["counties"] = counties
    else:
        print(f"no real outlines: {REAL.name} is not in ../shared", file=sys.stderr)
    for name, drawn in layers.items():
        shapes = drawn()
        vertices = int(shapely.get_num_coordinates(shapes).sum())
        for system in SYSTEMS:
            with tempfile.TemporaryDirectory() as held:
                folder = Path(held) / "layer"
                took = least(rounds, works(folder, make(folder, shapes, system)))
            told(f"{name}, {len(shapes)} zones, {vertices} vertices, {system}", took)


def told(what: str, took: dict[str, tuple[float, float]]) -> None:
    """Print the times of one layer, and how many times longer the import is."""
    inside = {name: times for name, times in took.items() if not name.startswith("cold")}
    print(f"{what}: {', '.join(f'{name} {clock:.2f} s ({cores:.2f})' for name, (clock, cores) in inside.items())}")
    others = ", ".join(
        f"{took['import'][0] / clock:.1f} ({took['import'][1] / cores:.1f}) x {name}"
        for name, (clock, cores) in inside.items() if name != "import"
    )  # fmt: skip
    read, ours = took["cold read"][0], took["cold import"][0]
    print(f"    import = {others}; as processes: read {read:.2f} s, import {ours:.2f} s, {ours / read:.1f} x", flush=True)


if __name__ == "__main__":
    sys.path[:0] = SOURCES
    main()
