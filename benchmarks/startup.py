"""Time `linxi --help` and one `linxi check` as processes against `import geopandas`, in one run.

Run: python benchmarks/startup.py [ROUNDS]   (in the environment linxi is installed in)
Prints medians in seconds and the ratio to `python -c "import geopandas"`; nothing is asserted.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    'python -c "import geopandas"': ("-c", "import geopandas"),
    "linxi --help": ("-m", "linxi_gis.cli", "--help"),
    "linxi check examples/east_zone40.txt --format json": (
        "-m", "linxi_gis.cli", "check", "examples/east_zone40.txt", "--format", "json",
    ),
}  # fmt: skip


def median_s(words: tuple[str, ...], rounds: int) -> float:
    """Return the median wall time (s) of a process; the first run, which fills caches, is left out."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Print one line a command."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    peer = 0.0
    for name, words in COMMANDS.items():
        seconds = median_s(words, rounds)
        peer = peer or seconds
        print(f"{seconds:6.3f} s  {seconds / peer:5.2f} x  {name}")


if __name__ == "__main__":
    main()
