"""Time and memory of reading 10,000 界址点 plots and a large shapefile against the bare libraries, in one run.

Run: python benchmarks/intake.py [MEGABYTES [ROUNDS]]   (default: a shapefile of 200 MB, 3 rounds)
Each task runs in a process of its own: the call is timed after the imports and a small warm-up read,
the memory is the peak of the whole process. Prints medians and ratios to the first line of each
group, the bare reader; nothing is asserted. The data is made with a seed in a temporary folder.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLOTS, CORNERS, SEED = 10_000, 11, 20260901
BIG_CORNERS = 100
# The equal-area plane our own areas are measured in (linxi_gis/crs.py).
EQUAL_AREA = "+proj=laea +lon_0=118.05 +lat_0=43.75 +ellps=GRS80 +units=m"
GROUPS = {
    "10,000 plots": (
        ("geopandas.read_file, bare (the plots as GeoJSON: text, as the TXT is)", "plots.geojson", "bare"),
        ("geopandas.read_file, bare (the plots as a shapefile)", "plots.shp", "bare"),
        ("pandas.read_csv + shapely.polygons + to_crs(4490), rows only", "plots.txt", "rows"),
        ("geopandas.read_file + to_crs + is_valid + area", "plots.shp", "work"),
        ("linxi, draft of the TXT", "plots.txt", "draft"),
        ("linxi, whole reading of the TXT", "plots.txt", "read"),
    ),
    "large shapefile": (
        ("geopandas.read_file, bare", "big.shp", "bare"),
        ("geopandas.read_file + to_crs + is_valid + area", "big.shp", "work"),
        ("linxi, draft of the shapefile", "big.shp", "draft"),
        ("linxi, whole reading of the shapefile", "big.shp", "read"),
    ),
}


def make(folder: Path, megabytes: int) -> None:
    """Write the plots as TXT and shapefile, and a shapefile of about `megabytes`."""
    import geopandas
    import numpy as np
    import shapely

    rng = np.random.default_rng(SEED)

    def polygons(count: int, corners: int) -> np.ndarray:
        middle = rng.uniform((39_450_000, 4_795_000), (39_620_000, 4_895_000), (count, 1, 2))
        radius = rng.uniform(20, 200, (count, 1)) * rng.uniform(0.7, 1.3, (count, corners))
        turn = np.linspace(0, 2 * np.pi, corners + 1)[:-1]
        ring = middle + np.stack((radius * np.cos(turn), radius * np.sin(turn)), axis=2)
        return np.round(np.concatenate((ring, ring[:, :1]), axis=1), 3)

    def shapefile(rings: np.ndarray, name: str) -> geopandas.GeoDataFrame:
        columns = {"DKBH": [f"DK{n}" for n in range(len(rings))], "DKMC": [f"地块{n}" for n in range(len(rings))]}
        frame = geopandas.GeoDataFrame(columns, geometry=shapely.polygons(rings), crs="EPSG:4527")
        frame.to_file(folder / name, encoding="utf-8")
        return frame

    plots = polygons(PLOTS, CORNERS)
    lines = ["[属性描述]", "坐标系=2000国家大地坐标系", "几度分带=3", "带号=39", "计量单位=米", "[地块坐标]"]
    for n, ring in enumerate(plots):
        lines.append(f"{len(ring)},,DK{n},地块{n},面,,,,@")
        lines += [f"J{k % CORNERS + 1},1,{north:.3f},{east:.3f}" for k, (east, north) in enumerate(ring)]
    (folder / "plots.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    frame = shapefile(plots, "plots.shp")
    frame.to_file(folder / "plots.geojson", driver="GeoJSON", COORDINATE_PRECISION=3)
    shapefile(polygons(int(megabytes * 2**20 / (16 * (BIG_CORNERS + 1) + 56)), BIG_CORNERS), "big.shp")


def bare(path: Path) -> object:
    """What the library alone takes for the same file."""
    import geopandas

    return geopandas.read_file(path)


def work(path: Path) -> object:
    """The same work with the library: degrees, the equal-area plane, validity and area."""
    import geopandas

    frame = geopandas.read_file(path)
    plane = frame.to_crs(EQUAL_AREA)
    return frame.to_crs(4490), plane.is_valid, plane.area


def rows(path: Path) -> object:
    """The point rows of the TXT alone, with its ring lengths known beforehand."""
    import io

    import geopandas
    import numpy as np
    import pandas
    import shapely

    points = "".join(line for line in path.open(encoding="utf-8") if line.startswith("J"))
    table = pandas.read_csv(io.StringIO(points), header=None)
    plot = np.arange(len(table)) // (CORNERS + 1)
    rings = shapely.linearrings(table[[3, 2]].to_numpy(), indices=plot)
    return geopandas.GeoSeries(shapely.polygons(rings), crs="EPSG:4527").to_crs(4490)


def draft(path: Path) -> object:
    """Our parsing alone: no reference system, no checks."""
    from linxi_gis.intake import formats
    from linxi_gis.intake.reading import Limits

    if path.suffix == ".shp":
        from linxi_gis.intake.bundle import read_set

        return read_set(path, path.name, Limits(file_bytes=8 * path.stat().st_size))[0]
    return formats.drafts(path.read_bytes(), path.name, path.name, Limits())


def read(path: Path) -> object:
    """Our reading: court, repair, degrees, the equal-area plane, areas, checks."""
    import linxi_gis.intake
    from linxi_gis.intake.reading import Limits, Options

    size = 4 * path.stat().st_size
    return linxi_gis.intake.read(path, Options(limits=Limits(file_bytes=size)))


TASKS: dict[str, Callable[[Path], object]] = {
    "bare": bare, "work": work, "rows": rows, "draft": draft, "read": read,
}  # fmt: skip


def peak_mb() -> float:
    """Peak memory (MB) of this process; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def once(task: str, path: Path) -> None:
    """Run one task in this process, without looking for cycles, and print seconds and megabytes."""
    gc.disable()  # as our children read (linxi_gis.intake.guard); for the peers too
    TASKS[task](path.with_name(f"small{path.suffix}"))
    start = time.perf_counter()
    kept = TASKS[task](path)
    seconds = time.perf_counter() - start
    print(json.dumps((seconds, peak_mb())), end="" if kept is not None else "\n")


def small(folder: Path) -> None:
    """Two files of one plot each, read first so that imports and first calls are not timed."""
    import geopandas

    lines = (folder / "plots.txt").read_text(encoding="utf-8").splitlines()
    (folder / "small.txt").write_text("\n".join(lines[: 7 + CORNERS + 1]) + "\n", encoding="utf-8")
    one = geopandas.read_file(folder / "plots.shp", rows=1)
    one.to_file(folder / "small.shp", encoding="utf-8")
    one.to_file(folder / "small.geojson", driver="GeoJSON")


def median(task: str, path: Path, rounds: int) -> tuple[float, float]:
    """Return the median seconds and megabytes of a task, each round a new process."""
    found = []
    for _ in range(rounds):
        words = [sys.executable, __file__, "--once", task, str(path)]
        answer = subprocess.run(words, cwd=ROOT, capture_output=True, check=True, text=True)
        found.append(json.loads(answer.stdout))
    return statistics.median(s for s, _ in found), statistics.median(m for _, m in found)


def main() -> None:
    """Print one table a group; the two inner words make the data and run one task."""
    if sys.argv[1:2] == ["--once"]:
        once(sys.argv[2], Path(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--make"]:
        make(Path(sys.argv[2]), int(sys.argv[3]))
        small(Path(sys.argv[2]))
        return
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: on Linux a child's peak begins at its parent's.
        subprocess.run([sys.executable, __file__, "--make", name, str(megabytes)], cwd=ROOT, check=True)
        for group, tasks in GROUPS.items():
            print(f"\n{group}\n   time    ratio   peak memory  ratio")
            peer: tuple[float, float] | None = None
            for label, file, task in tasks:
                seconds, memory = median(task, folder / file, rounds)
                peer = peer or (seconds, memory)
                ratio = f"{memory / peer[1]:5.2f} x" if peer[1] else "      -"
                print(f"{seconds:7.3f} s {seconds / peer[0]:5.2f} x  {memory:7.0f} MB  {ratio}  {label}")


if __name__ == "__main__":
    main()
