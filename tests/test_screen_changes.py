"""A batch whose input, or whose finished blocks, change under its hands: refused, never a mixture of two files."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely
from test_screen import PLOTS, Quiet, catalogue, drawn, opened, parquet_of, rows, screened
from yard import DAY, square, write_layer

from linxi_gis import batch, vectorfile
from linxi_gis.batch import watch, work
from linxi_gis.batch.chunks import Chunk
from linxi_gis.errors import InputError
from linxi_gis.intake import Options
from linxi_gis.intake.guard import Reader

CHANGED = "文件在筛查期间变动了；请等文件写完后重做"
Ready = tuple[batch.Job, batch.Desk]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    return batch.prepare(batch.Job(str(catalogue(tmp_path_factory.mktemp("yard"))), None, DAY))


class Meddler(Quiet):
    """Does something to the input once the first block is finished."""

    def __init__(self, deed: Any) -> None:
        super().__init__()
        self.deed = deed

    def advanced(self, rows: int) -> None:
        super().advanced(rows)
        if self.deed is not None:
            self.deed()
        self.deed = None


def areas(path: Path, shift: float) -> Path:
    """Three thousand squares: no reader has them all in its hands at once."""
    zones = [shapely.affinity.translate(square(0, 0, 20), 3.0 * i + shift, 0.0) for i in range(3_000)]
    if path.suffix == ".parquet":
        return parquet_of(areas(path.with_suffix(".gpkg"), shift), path)
    return write_layer(path, zones, 编号=[f"S{i}" for i in range(3_000)])


def parts_of(path: Path) -> list[Path]:
    return sorted(one for one in path.parent.iterdir() if one.stem == path.stem)


@pytest.mark.parametrize(
    ("suffix", "deed", "jobs"),
    [*((suffix, deed, 1) for suffix in (".fgb", ".gpkg", ".shp", ".parquet") for deed in ("other", "cut", "moved")),
     (".fgb", "other", 2)],
)  # fmt: skip
def test_a_file_that_changes_while_it_is_read_gives_no_result(
    suffix: str, deed: str, jobs: int, ready: Ready, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    source, other = areas(tmp_path / f"a{suffix}", 0.0), areas(tmp_path / "b" / f"a{suffix}", 5_000.0)
    out = tmp_path / "o.parquet"

    def meddle() -> None:
        if deed == "moved":
            other.replace(source)
        for path in parts_of(source) if deed == "cut" else parts_of(other) if deed == "other" else ():
            held = path.read_bytes()
            with (tmp_path / path.name).open("r+b") as stream:  # in place
                stream.write(held)
                stream.truncate(len(held) // 2 if deed == "cut" else len(held))

    with pytest.raises(InputError) as refused:
        screened(ready, source, out, report=Meddler(meddle), jobs=jobs, block=64)
    assert str(refused.value) == f"a{suffix}：{CHANGED}"
    assert not list(tmp_path.glob("o.parquet*"))


def test_the_content_tells_where_times_do_not(ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written within one tick of the clock: seen at the end."""
    monkeypatch.setattr(vectorfile, "signature", lambda path: ((path.name, 1, 1, 1),))
    source = write_layer(tmp_path / "a.gpkg", PLOTS)
    other = write_layer(tmp_path / "b.gpkg", [square(7, 7, 7)] * 5)
    with pytest.raises(InputError, match=CHANGED):
        screened(ready, source, tmp_path / "o.csv", report=Meddler(lambda: shutil.copyfile(other, source)), block=2)
    assert not list(tmp_path.glob("o.csv*"))


@pytest.mark.parametrize("error", [OSError("Couldn't deserialize thrift"), KeyError("编号"), InputError("坏了")])
@pytest.mark.parametrize("touched", [False, True])
def test_what_a_reader_stumbles_over_is_a_sentence(error: Exception, touched: bool, tmp_path: Path) -> None:
    (source,) = opened(write_layer(tmp_path / "a.gpkg", PLOTS))
    real = source.chunks

    def broken(size: int) -> Iterator[Chunk]:
        yield next(real(size))
        if touched:
            write_layer(tmp_path / "a.gpkg", PLOTS[:2])
        raise error

    told = []
    with pytest.raises(InputError) as refused:
        told.extend(replace(source, chunks=broken).raws(2, 0))
    if touched:
        assert CHANGED in str(refused.value) and "a.gpkg" in str(refused.value)
    else:
        assert "坏了" in str(refused.value) or "读到一半出错" in str(refused.value)


def test_a_file_that_is_in_memory_may_change_once_it_is_read(ready: Ready, tmp_path: Path) -> None:
    text = tmp_path / "a.csv"
    text.write_text("编号,经度,纬度\nA,118.0,43.6\nA,118.01,43.6\nA,118.01,43.61\n", encoding="utf-8")
    summary = screened(
        ready, text, tmp_path / "o.parquet", report=Meddler(text.unlink), block=1, crs="EPSG:4490"
    )
    assert summary.rows == 1 and len(rows(tmp_path / "o.parquet")) == 1


def test_a_file_that_changes_while_it_is_read_whole_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "a.csv"
    text.write_text("编号,经度,纬度\nA,118.0,43.6\nA,118.01,43.6\nA,118.01,43.61\n", encoding="utf-8")
    real = Reader.read

    def slow(self: Reader, path: Path, options: Options) -> Any:
        found = real(self, path, options)
        text.write_text("编号,经度,纬度\n", encoding="utf-8")
        return found

    monkeypatch.setattr(Reader, "read", slow)
    with pytest.raises(InputError, match=CHANGED):
        opened(text, crs="EPSG:4490")


def test_the_log_of_a_geopackage_is_no_change(ready: Ready, tmp_path: Path) -> None:
    """GDAL writes what a program left in the log into the file when it opens it."""
    with sqlite3.connect(write_layer(tmp_path / "a.gpkg", PLOTS)) as held:
        held.execute("PRAGMA journal_mode=wal")
        held.execute("UPDATE a SET BM = 'W'")
        held.commit()
        for end in ("", "-wal"):
            shutil.copyfile(tmp_path / f"a.gpkg{end}", tmp_path / f"b.gpkg{end}")
    held.close()
    assert len(vectorfile.signature(tmp_path / "b.gpkg")) == 2
    summary = screened(ready, tmp_path / "b.gpkg", tmp_path / "o.parquet", block=2)
    assert summary.rows == 5 and {row["id"] for row in rows(tmp_path / "o.parquet")} <= {"W", None}


def test_a_stamp_is_taken_before_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_layer(tmp_path / "a.fgb", drawn())
    real = vectorfile.sha256

    def slow(path: Path) -> str:
        told = real(path)
        write_layer(source, PLOTS)
        return told

    with monkeypatch.context() as patch:
        patch.setattr(vectorfile, "sha256", slow)
        stamp = watch.stamped(source)
    with pytest.raises(InputError, match=CHANGED):
        watch.check(stamp, content=False)


def test_a_prepared_layer_that_is_written_over_between_two_blocks_is_made_anew(tmp_path: Path) -> None:
    job, _ = batch.prepare(batch.Job(str(catalogue(tmp_path)), None, DAY, cache=str(tmp_path / "cache")))
    (source,) = opened(write_layer(tmp_path / "a.gpkg", drawn()))
    first, second = source.raws(30, 0)
    right = work.screened(job, second)
    work.screened(job, first)
    for path in (tmp_path / "cache" / "layers").iterdir():
        size = path.stat().st_size
        with path.open("r+b") as stream:
            stream.seek(size // 3)
            stream.write(bytes(size // 2))
    assert work.screened(job, second) == right


# --- finished blocks --------------------------------------------------------------------------------------


def interrupted(ready: Ready, source: Path, out: Path) -> Path:
    """Three blocks of two rows finished, the rest not; returns the folder of parts."""
    with pytest.raises(KeyboardInterrupt):
        screened(ready, source, out, block=2, report=Quiet(stop_after=6))
    return out.with_name(f"{out.name}.parts")


def test_a_block_under_anothers_name_is_done_again(ready: Ready, tmp_path: Path) -> None:
    """Blocks of the same length and kind, each whole: only the number tells them apart."""
    source, out = write_layer(tmp_path / "a.gpkg", drawn()), tmp_path / "o.parquet"
    screened(ready, source, tmp_path / "right.parquet", block=2)
    folder = interrupted(ready, source, out)
    shutil.copyfile(folder / "block-000000.part", folder / "block-000001.part")
    with pytest.raises(InputError, match=r"block-000001.part：第 2 块的结果已损坏，已删除；请加 --resume"):
        screened(ready, source, out, block=2, resume=True)
    screened(ready, source, out, block=2, resume=True)
    assert rows(out) == rows(tmp_path / "right.parquet")


def test_a_block_of_another_batch_is_done_again(ready: Ready, tmp_path: Path) -> None:
    source, other = write_layer(tmp_path / "a.gpkg", drawn()), write_layer(tmp_path / "b.gpkg", drawn()[::-1])
    folder, foreign = interrupted(ready, source, tmp_path / "o.csv"), interrupted(ready, other, tmp_path / "p.csv")
    shutil.copyfile(foreign / "block-000002.part", folder / "block-000002.part")
    with pytest.raises(InputError, match="第 3 块的结果已损坏"):
        screened(ready, source, tmp_path / "o.csv", block=2, resume=True)
