"""The fuzz targets over their corpus, everywhere; and a few seconds of real fuzzing where atheris runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
TARGETS = ("txt", "coordinates", "kml", "dxf")
SEEDS = [pytest.param(path.parent.name, path, id=f"{path.parent.name}/{path.name}")
         for path in sorted(FUZZ.glob("corpus/*/*"))]  # fmt: skip


def _run() -> object:
    spec = importlib.util.spec_from_file_location("fuzz_run", FUZZ / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUN = _run()


def test_every_target_has_its_seeds_and_they_are_small() -> None:
    assert tuple(sorted(TARGETS)) == tuple(sorted(path.name for path in (FUZZ / "corpus").iterdir()))
    assert sorted(path.stem for path in FUZZ.glob("fuzz_*.py")) == sorted(f"fuzz_{name}" for name in TARGETS)
    for name in TARGETS:
        seeds = list((FUZZ / "corpus" / name).iterdir())
        assert 20 <= len(seeds) <= 100 and all(seed.stat().st_size <= 2048 for seed in seeds)


@pytest.mark.parametrize(("name", "path"), SEEDS)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_seed_is_read_or_refused_at_once(name: str, path: Path) -> None:
    target = RUN.load(name)  # type: ignore[attr-defined]
    begun = time.monotonic()
    target(path.read_bytes())
    assert time.monotonic() - begun < 10.0


def test_most_seeds_are_really_read() -> None:
    """Seeds that all end in the first error would lead the fuzzer nowhere."""
    from linxi_gis.errors import LinxiError
    from linxi_gis.intake import read_bytes

    for name, suffix in (("txt", ".txt"), ("kml", ".kml"), ("dxf", ".dxf"), ("coordinates", ".txt")):
        read = 0
        seeds = sorted((FUZZ / "corpus" / name).iterdir())
        for seed in seeds:
            try:
                read += bool(read_bytes(seed.read_bytes(), f"seed{suffix}").sites)
            except LinxiError:
                continue
        assert read >= len(seeds) // 4, (name, read, len(seeds))


@pytest.mark.only_on("linux")
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python")
@pytest.mark.parametrize("name", TARGETS)
def test_a_few_seconds_of_fuzzing_find_nothing(name: str, tmp_path: Path) -> None:
    words = [sys.executable, str(FUZZ / "run.py"), "--seconds", "5", "--folder", str(tmp_path), name]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}: ok" in done.stdout


@pytest.mark.only_on("linux")
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python")
def test_the_runner_reports_a_crash(tmp_path: Path) -> None:
    """A fuzzer that finds nothing may be one that does not look: a planted fault must be found."""
    folder = tmp_path / "fuzz"
    (folder / "corpus" / "txt").mkdir(parents=True)
    (folder / "corpus" / "txt" / "seed").write_bytes(b"a")
    (folder / "run.py").write_bytes((FUZZ / "run.py").read_bytes())
    (folder / "fuzz_txt.py").write_text(
        "def target(data):\n    if data[:1] == b'K' and data[1:2] == b'M':\n        raise ValueError('planted')\n",
        encoding="utf-8",
    )
    words = [sys.executable, str(folder / "run.py"), "--seconds", "60", "--folder", str(tmp_path / "out"), "txt"]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False, timeout=180)
    assert done.returncode == 1 and "txt: FAILED" in done.stdout and "kept:" in done.stdout, done.stdout
