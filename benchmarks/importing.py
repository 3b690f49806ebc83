"""Time of importing a GBK shapefile package of 1,000,000 vertices against the bare pyogrio read of the same zip.

Run: python benchmarks/importing.py [ROUNDS]   (default: 3)
The import is whole: SHA-256 of the source, reading, reference system, validity, GeoPackage with its index, SHA-256,
manifest, catalogue. Prints the least of the rounds for each shape of layer; nothing is asserted. Seeded data in a
temporary folder.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERTICES, SEED = 1_000_000, 20260901
CORNERS = (9, 99, 999)


def make(folder: Path, corners: int, system: str) -> Path:
    """Write a zip of a GBK shapefile without .cpg: VERTICES in polygons of so many corners."""
    import numpy as np
    import pyogrio
    import shapely

    from linxi_gis import crs

    rng = np.random.default_rng(SEED)
    count = VERTICES // (corners + 1)
    middle = rng.uniform((39_550_000, 4_800_000), (39_610_000, 4_890_000), (count, 1, 2))
    radius = rng.uniform(20, 200, (count, 1)) * rng.uniform(0.7, 1.3, (count, corners))
    turn = np.linspace(0, 2 * np.pi, corners + 1)[:-1]
    ring = middle + np.stack((radius * np.cos(turn), radius * np.sin(turn)), axis=2)
    shapes = shapely.polygons(np.concatenate((ring, ring[:, :1]), axis=1))
    if system != "EPSG:4527":
        shapes = crs.to_lonlat(shapes, "EPSG:4527")
    columns = {
        "HJGKDYBM": [f"ZH150424{n % 3 + 1}{n % 10_000:04d}" for n in range(count)],
        "HJGKDYMC": [f"林西县管控单元{n}" for n in range(count)],
        "COUNTY": ["林西县"] * count,
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


def least(rounds: int, work: Callable[[int], object]) -> float:
    """Return the least time of so many rounds, s."""
    best = float("inf")
    for number in range(rounds):
        start = time.perf_counter()
        work(number)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print a row for each shape of layer and system."""
    import pyogrio

    from linxi_gis.cli import layerimport
    from linxi_gis.importing import starting

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name:
        for corners in CORNERS:
            for system in ("EPSG:4490", "EPSG:4527"):
                folder = Path(name) / f"{corners}-{system[5:]}"
                packed = make(folder, corners, system)

                def bring(number: int, folder: Path = folder, packed: Path = packed) -> None:
                    path = starting.start(folder / f"local{number}")
                    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                        layerimport.bring_in([str(packed)], path, layerimport.Wish(version="1", yes=True))

                bare = least(rounds, lambda _, packed=packed: pyogrio.read_dataframe(packed, encoding="GBK"))
                ours = least(rounds, bring)
                count = VERTICES // (corners + 1)
                what = f"{count} zones of {corners + 1} vertices, {system}"
                print(f"{what}: bare {bare:.2f} s, import {ours:.2f} s, {ours / bare:.1f} x")


if __name__ == "__main__":
    for root in ("", "layers", "maps", "api"):
        sys.path.insert(0, str(ROOT / root))
    main()
