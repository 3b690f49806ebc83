"""One check as a process: what it loads. Time is told by the benchmark, not here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    "geopandas", "pandas", "folium", "pyogrio", "pyarrow", "pydantic", "xlsxwriter", "ezdxf", "jinja2", "fastapi",
    "rasterio", "numba", "rich", "pebble", "multiprocessing", "importlib.resources", "defusedxml", "pyproj",
)  # fmt: skip
SCRIPT = """
import contextlib, io, json, sys
from linxi_gis.cli import linxi
said = io.StringIO()
with contextlib.redirect_stdout(said):
    linxi.main(sys.argv[1:], standalone_mode=False)
print(json.dumps([sorted(sys.modules), [one["verdict"]["code"] for one in json.loads(said.getvalue())]]))
"""


def loaded(*arguments: str) -> tuple[set[str], list[str]]:
    """The modules a run of the command line ends with, and its verdicts."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths()))},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    modules, verdicts = json.loads(run.stdout)
    return set(modules), verdicts


def paths() -> list[Path]:
    """The source roots."""
    return [ROOT, ROOT / "layers", ROOT / "maps", ROOT / "api"]


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A square of CGCS2000 degrees in the county."""
    ring = [[118.05, 43.6], [118.06, 43.6], [118.06, 43.61], [118.05, 43.61], [118.05, 43.6]]
    feature = {"type": "Feature", "properties": {"name": "甲"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path = tmp_path_factory.mktemp("site") / "site.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["geojson", "txt"])
def test_a_check_to_json_loads_nothing_heavy(kind: str, square: Path) -> None:
    site = str(square) if kind == "geojson" else str(ROOT / "examples" / "tailings_zone39.txt")
    arguments = ("check", site, "--format", "json", "--on", "2026-11-23")
    _, first = loaded(*arguments)  # prepares the layers, which takes what reads them
    modules, again = loaded(*arguments)
    assert again == first and first
    assert not modules.intersection(HEAVY)


def test_importing_the_package_loads_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import sys, linxi_gis; print('numpy' in sys.modules)"],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert run.stdout.strip() == "False"
