"""Measure the engine against its peers in one run and write benchmarks/RESULTS.md.

Run: python benchmarks/engine [--size S|M|L] [--rounds N] [--peers a,b] [--rows a,b]
Peers come from benchmarks/requirements.txt and, for PostGIS, from the system (Debian: postgresql-15-postgis-3);
one that is not there is a row "未测". Drawn data is kept in out/benchmark.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Run as a folder, Python puts that folder first: its modules are to be found by their full names only.
sys.path[0] = str(ROOT)

from benchmarks.engine import bench, data, results  # noqa: E402


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _words(given: str, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    words = tuple(word for word in given.split(",") if word)
    wrong = [word for word in words if word not in known]
    if wrong:
        raise SystemExit(f"{what}: {', '.join(wrong)}? one of {', '.join(known)}")
    return words or known


def main() -> None:
    """Measure, and write the page."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--size", choices=("S", "M", "L"), default="M")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--peers", default="", help=f"of {', '.join(set(bench.MAKERS) - set(bench.OURS))}")
    asked.add_argument("--rows", default="", help=f"of {', '.join(bench.ROWS)}")
    asked.add_argument("--sites", type=int, default=10_000, help="parcels of a batch")
    asked.add_argument("--million", type=int, default=1_000_000, help="parcels from file to file")
    asked.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "RESULTS.md")
    given = asked.parse_args()
    peers = _words(given.peers, tuple(key for key in bench.MAKERS if key not in bench.OURS), "--peers")
    rows = _words(given.rows, tuple(bench.ROWS), "--rows")
    started = _load()
    one = bench.Bench(
        given.size, given.rounds, (*bench.OURS, *peers), given.sites, given.million, ROOT / "out" / "benchmark"
    )
    made = bench.measured(one, rows, lambda text: print(text, file=sys.stderr, flush=True))
    drawn = {layer: data.vertices({layer: zones}) for layer, zones in one.layers(given.size).items()}
    run = results.Run(
        command=f"python benchmarks/engine --size {given.size} --rounds {given.rounds} --sites {given.sites} "
        f"--peers {','.join(peers)} --rows {','.join(rows)}",
        when=datetime.now(UTC).strftime("%Y-%m-%d"),
        size=given.size, vertices=drawn, sites=given.sites, rounds=given.rounds,
        load=(started, _load()), versions=one.versions,
    )  # fmt: skip
    given.out.write_text(results.page(made, run), encoding="utf-8")
    print(given.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
