"""The guard: children that hang, crash, grow or die become errors; small text never starts one."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely
from yard import GK, HUNDRED, entry, open_library, square, write_layer

from linxi_gis.errors import CrsError, InputError, LinxiError, UsageError
from linxi_gis.intake import AmbiguousCrsError, Candidate, Limits, Options, Reading, read, read_bytes
from linxi_gis.intake.guard import SMALL_BYTES, Reader, light

ROOT = Path(__file__).resolve().parents[1]
TABLE = "地块,经度,纬度\n大冷山,118.0,43.6\n大冷山,118.1,43.6\n大冷山,118.1,43.7\n"
LINES = [HUNDRED, square(500, 0, 30, 70)]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as opened:
        yield opened


@pytest.fixture(scope="module")
def shapefile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layer(tmp_path_factory.mktemp("地块") / "两块.shp", LINES)


# Work for a child: it is looked up there by name, so it stands at the top of a module.
def _sleep(what: object, options: Options) -> Reading:
    time.sleep(60.0)
    raise AssertionError


def _die(what: Any, options: Options) -> Reading:
    if what == "segv":
        signal.raise_signal(signal.SIGSEGV)
    os._exit(int(what))


def _grow(what: Any, options: Options) -> Reading:
    held = [b"x" * 2**20 for _ in range(int(what))]
    raise AssertionError(len(held))


def _fail(what: Any, options: Options) -> Reading:
    raise what


class Odd(Exception):
    """An exception that cannot be made again from its pickle: such a one breaks a pool that is not careful."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def _odd(what: object, options: Options) -> Reading:
    raise Odd("甲", "乙")


def _apart(reader: Reader, work: Any, what: object = None, seconds: float = 30.0) -> Reading:
    return reader._apart(work, what, Options(limits=Limits(seconds=seconds)), "坏.zip")


def facts(reading: Reading) -> list[object]:
    return [
        (s.id, s.name, s.kind, s.geometry.wkb, s.ground.wkb, s.area_m2, s.attributes, s.issues, s.reference, s.source)
        for s in reading.sites
    ]


def test_a_child_reads_as_we_do(reader: Reader, shapefile: Path) -> None:
    here, there = read(shapefile), reader.read(shapefile)
    assert len(here.sites) == 2 and facts(there) == facts(here)
    assert there.issues == here.issues and there.format == here.format
    assert all(shapely.get_srid(site.geometry) == 0 and not site.geometry.has_z for site in there.sites)


def test_a_relative_path_is_that_of_the_caller(
    reader: Reader, shapefile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shapefile.parent)
    assert len(reader.read(Path(shapefile.name)).sites) == 2


def test_large_text_and_uploads_go_to_the_child(reader: Reader) -> None:
    rows = "".join(f"块{i},{118.0 + i * 1e-4:.4f},43.6\n" for i in range(5_000))
    text = "名称,经度,纬度\n" + rows
    here, there = read_bytes(text.encode(), "点.csv"), reader.read_bytes(text.encode(), "点.csv")
    assert len(text.encode()) > SMALL_BYTES and facts(there) == facts(here)
    assert len(reader.read_text(text).sites) == len(here.sites)


def test_small_text_starts_no_child() -> None:
    before = set(multiprocessing.active_children())
    with Reader() as fresh:
        assert fresh.read_bytes(TABLE.encode(), "a.csv").sites[0].name == "大冷山"
        assert fresh.read_text(TABLE).sites
        assert set(multiprocessing.active_children()) == before
        with pytest.raises(InputError):
            fresh.read_bytes(b"PK", "a.zip")
        assert len(set(multiprocessing.active_children()) - before) == 1
    assert set(multiprocessing.active_children()) == before, "close leaves no child behind"


def test_only_our_own_text_readers_count_as_light() -> None:
    text = b"118.0,43.6\n"
    assert light("A.CSV", text.ljust(SMALL_BYTES)) and not light("a.csv", text.ljust(SMALL_BYTES + 1))
    assert not any(light(f"a{suffix}", text) for suffix in (".kml", ".dxf", ".zip", ".gpkg", ".xlsx", ".shp", ""))
    for disguised in (b"PK\x03\x04", b"SQLite format 3\0", b"Rar!\x1a\x07", b"<kml></kml>", b"!table"):
        assert not light("a.txt", disguised), disguised


def test_a_file_that_takes_too_long_is_an_error_and_the_next_is_read(reader: Reader, shapefile: Path) -> None:
    reader.read(shapefile)
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"坏\.zip：读取超过 0\.5 秒.*--limit seconds="):
        _apart(reader, _sleep, seconds=0.5)
    assert time.monotonic() - begun < 15.0
    assert len(reader.read(shapefile).sites) == 2


def _litter(what: object, options: Options) -> Reading:
    """Unpack something into the temporary folder, and take too long."""
    (Path(tempfile.mkdtemp(prefix="linxi-")) / "big").write_bytes(b"x" * 1000)
    time.sleep(60.0)
    raise AssertionError


def test_what_a_child_unpacked_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Reader() as fresh:
        with pytest.raises(InputError, match="读取超过"):
            _apart(fresh, _litter, seconds=3.0)
        assert not list(tmp_path.rglob("big"))
    assert not list(tmp_path.rglob("linxi-*"))


def test_closing_while_a_file_is_read_lets_nobody_wait_for_ever() -> None:
    fresh = Reader()
    told: list[str] = []

    def ask() -> None:
        try:
            _apart(fresh, _sleep)
        except InputError as error:
            told.append(error.what)

    waiting = [threading.Thread(target=ask) for _ in range(3)]
    for thread in waiting:
        thread.start()
    time.sleep(3.0)
    fresh.close()
    for thread in waiting:
        thread.join(timeout=20.0)
    assert not any(thread.is_alive() for thread in waiting) and len(told) == 3


@pytest.mark.parametrize("how", ["segv", "1", "137"])
def test_a_crash_is_an_error_and_the_next_file_is_read(reader: Reader, shapefile: Path, how: str) -> None:
    with pytest.raises(InputError, match=r"坏\.zip：读取该文件的程序异常退出，文件可能已损坏"):
        _apart(reader, _die, how)
    assert len(reader.read(shapefile).sites) == 2


@pytest.mark.only_on("linux")
def test_a_file_that_wants_too_much_memory_is_an_error() -> None:
    with Reader(memory_bytes=600 * 2**20) as small, pytest.raises(InputError, match="占用内存过多"):
        _apart(small, _grow, 2_000)


@pytest.mark.only_on("linux")
def test_the_death_of_an_idle_child_is_survived(shapefile: Path) -> None:
    with Reader() as fresh:
        before = set(multiprocessing.active_children())
        fresh.read(shapefile)
        for child in set(multiprocessing.active_children()) | before:
            if child.name.startswith("pebble") and fresh._pool is not None and child.pid is not None:
                workers = fresh._pool._pool_manager.worker_manager.workers
                if child.pid in workers:
                    os.kill(child.pid, signal.SIGKILL)
        time.sleep(0.5)
        assert len(fresh.read(shapefile).sites) == 2


CANDIDATE = Candidate("39 带", "EPSG:4527", 118.0, 43.6, True, 0.0, 1.5, ("证据",), "POINT (118 43.6)")


@pytest.mark.parametrize(
    "error",
    [
        InputError("坏了", where="a.kml", remedy="重来"),
        UsageError("用错"),
        CrsError("带号", where="b.txt"),
        AmbiguousCrsError("说不清", where="c.txt", candidates=(CANDIDATE,), county=True),
    ],
)
def test_errors_cross_whole(reader: Reader, error: LinxiError) -> None:
    with pytest.raises(type(error)) as caught:
        _apart(reader, _fail, error)
    found = caught.value
    assert type(found) is type(error) and str(found) == str(error)
    assert (found.what, found.where, found.remedy) == (error.what, error.where, error.remedy)
    assert getattr(found, "candidates", ()) == getattr(error, "candidates", ())


def test_an_ambiguous_file_keeps_its_candidates(reader: Reader, tmp_path: Path) -> None:
    ring = [(580_743, 4_829_864), (580_843, 4_829_864), (580_843, 4_829_964)]
    path = write_layer(tmp_path / "无.shp", [shapely.Polygon(ring)])
    path.with_suffix(".prj").unlink()
    with pytest.raises(AmbiguousCrsError) as here:
        read(path)
    with pytest.raises(AmbiguousCrsError) as there:
        reader.read(path)
    assert len(here.value.candidates) > 1 and there.value.candidates == here.value.candidates
    with pytest.raises(CrsError):
        reader.read(path, Options(crs="EPSG:4610"))


def test_a_fault_of_ours_in_the_child_is_no_hang_and_no_input_error(reader: Reader) -> None:
    with pytest.raises(RuntimeError, match="Odd：甲乙") as caught:
        _apart(reader, _odd)
    assert "_odd" in "".join(caught.value.__notes__)


def test_candidates_and_sites_survive_pickling(shapefile: Path) -> None:
    reading = read(shapefile)
    reading = replace(reading, sites=tuple(replace(site, candidates=(CANDIDATE,)) for site in reading.sites))
    again = pickle.loads(pickle.dumps(reading))
    assert facts(again) == facts(reading) and again.sites[0].candidates == (CANDIDATE,)


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    folders = os.pathsep.join(str(ROOT / folder) for folder in (".", "layers", "maps", "api"))
    environment = {**os.environ, "PYTHONPATH": folders, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "linxi_gis.cli", *words],
        capture_output=True, text=True, encoding="utf-8", env=environment, check=False, timeout=120, **more,
    )  # fmt: skip


def test_the_command_reads_through_a_child_and_keeps_stdout_clean(shapefile: Path) -> None:
    import json

    done = run("check", str(shapefile), "--format", "json", "--limit", "seconds=60")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("features=1",), r"上限 1 个.*--limit features="),
        (("vertices=9",), r"上限 9 个.*--limit vertices="),
        (("file_bytes=0.1KB",), r"上限.*MB.*--limit file_bytes="),
        (("seconds=0.001",), r"0\.001 秒.*--limit seconds="),
    ],
)
def test_limits_of_the_command_line_are_kept_and_named(
    shapefile: Path, words: tuple[str, ...], told: str
) -> None:
    from linxi_gis.cli.reading import limits_of, read_site_file

    with Reader() as fresh, pytest.raises(InputError, match=told):
        read_site_file(str(shapefile), Options(crs=GK, limits=limits_of(words)), fresh)


def test_limit_words() -> None:
    from linxi_gis.cli.reading import limits_of

    limits = limits_of(["file_bytes=500MB", "unpacked_bytes=1.5 gb", "seconds=0.5", "zip_entries=7"])
    assert (limits.file_bytes, limits.unpacked_bytes) == (500 * 2**20, 3 * 2**29)
    assert (limits.seconds, limits.zip_entries, limits.vertices) == (0.5, 7, Limits().vertices)
    for wrong in ("seconds", "seconds=", "seconds=-1", "seconds=nan", "vertices=1e99", "vertices=5MB", "memory=1", ""):
        with pytest.raises(UsageError, match="--limit"):
            limits_of([wrong])


@pytest.mark.only_on("linux")
def test_ctrl_c_ends_the_child_too(tmp_path: Path) -> None:
    script = tmp_path / "hold.py"
    script.write_text(
        # Whoever runs us in the background may have us ignore the signal this is about.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import sys\nfrom pathlib import Path\nfrom linxi_gis.intake import Options\n"
        "from linxi_gis.intake.guard import Reader\nimport test_intake_guard as work\n"
        "def main():\n"
        "    with Reader() as reader:\n"
        "        try:\n"
        "            reader._apart(work._die, '3', Options(), 'a')\n"
        "        except Exception:\n"
        "            print([p for p in reader._pool._pool_manager.worker_manager.workers], flush=True)\n"
        "        reader._apart(work._sleep, None, Options(), 'a')\n"
        "if __name__ == '__main__':\n    main()\n",
        encoding="utf-8",
    )
    folders = os.pathsep.join(str(ROOT / folder) for folder in (".", "layers", "maps", "api", "tests"))
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": folders}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline()
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to parent and child alike
    assert process.wait(20.0) != 0
    process.stdout.close()
    deadline = time.monotonic() + 15.0
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.1)


def test_the_service_ends_its_children(tmp_path: Path) -> None:
    import asyncio

    import httpx
    from yard import RULES

    from linxi_api.app import create_app

    write_layer(tmp_path / "redline.gpkg", [HUNDRED])
    library = open_library(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
    before = set(multiprocessing.active_children())

    async def serve() -> None:
        app = create_app(library, RULES)
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://t") as asking:
            assert set(multiprocessing.active_children()) == before, "no child before an upload needs one"
            answer = await asking.post("/v1/readings", files={"file": ("a.zip", b"PK")})
            assert answer.status_code == 422, answer.text
            assert set(multiprocessing.active_children()) > before

    asyncio.run(serve())
    assert set(multiprocessing.active_children()) == before
