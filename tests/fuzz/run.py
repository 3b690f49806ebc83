"""Fuzz the readers, guided by coverage: `python tests/fuzz/run.py --seconds 600 [txt coordinates kml dxf]`.

Needs atheris (Linux). Each target runs in a process of its own, from the seeds in `corpus/<target>`, new
inputs in a temporary folder; what crashes, hangs for 10 s or takes more than 2 GB is kept there and named.
Exit code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGETS = ("txt", "coordinates", "kml", "dxf")
_HANG_S, _MEMORY_MB, _MAX_INPUT = 10, 2048, 4096
# What is watched for coverage: ours, and the parsers that strangers' bytes reach.
_WATCHED = ["linxi_gis.intake", "linxi_gis.footprint", "linxi_gis.geometry", "defusedxml", "ezdxf"]
_SOURCES = (HERE, ROOT, ROOT / "layers")


def load(name: str) -> Callable[[bytes], None]:
    """Return the function of a target; no fuzzer is needed to call it."""
    for folder in _SOURCES:
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    target: Callable[[bytes], None] = importlib.import_module(f"fuzz_{name}").target
    return target


def fuzz(name: str, words: list[str]) -> None:
    """Run one target in this process until libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=[*_WATCHED, f"fuzz_{name}"], enable_loader_override=False):
        target = load(name)
        target(b"")  # what readers import when they are first used is watched too
        for seed in sorted((HERE / "corpus" / name).iterdir()):
            target(seed.read_bytes())
    atheris.Setup([f"fuzz_{name}", *words], target)
    atheris.Fuzz()


def watch(name: str, seconds: int, folder: Path) -> bool:
    """Run one target in a child; print its last line and what it found. Returns whether all was well."""
    grown, found = folder / name / "corpus", folder / name / "found"
    grown.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    command = [
        sys.executable, str(Path(__file__).resolve()), "--inside", name, "--",
        str(grown), str(HERE / "corpus" / name), f"-max_total_time={seconds}", f"-timeout={_HANG_S}",
        f"-rss_limit_mb={_MEMORY_MB}", f"-max_len={_MAX_INPUT}", f"-artifact_prefix={found}/",
        "-print_final_stats=1", "-verbosity=1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = done.stderr.splitlines()
    last = next((line for line in reversed(lines) if re.match(r"#\d+\s", line)), "no execution")
    kept = sorted(found.iterdir())
    well = done.returncode == 0 and not kept
    print(f"{name}: {'ok' if well else 'FAILED'}  {last.strip()}", flush=True)
    if not well:
        said = [line for line in lines if not line.startswith(("INFO: Instr", "#"))]
        print("\n".join([*done.stdout.splitlines()[-40:], *said[-30:]]))
        for path in kept:
            print(f"  kept: {path}  {path.read_bytes()[:200]!r}", flush=True)
    return well


def main() -> int:
    """Read the command line; return 1 when a target crashed or hung."""
    if "--inside" in sys.argv:
        at = sys.argv.index("--inside")
        fuzz(sys.argv[at + 1], sys.argv[at + 3 :])
        return 0
    parser = argparse.ArgumentParser(description="Fuzz the intake readers.")
    parser.add_argument("--seconds", type=int, default=60, help="time for each target")
    parser.add_argument("--folder", type=Path, help="where new inputs and crashes go (default: a new one)")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), choices=[*TARGETS, []], metavar="target")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="linxi-fuzz-"))
    print(f"new inputs and crashes: {folder}", flush=True)
    results = [watch(name, given.seconds, folder) for name in given.targets]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
