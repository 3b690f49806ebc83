"""Prepared layers: what is kept gives the answers of what it was made of, or is not used."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from yard import DAY, HUNDRED, RULES, entry, line, point, site, square, write_catalog, write_layer

from linxi_gis import (
    catalog,
    crs,
    overlay,
    pieces,
    prepared,
    rulebook,
    shelf,
    vectorfile,
    zoneindex,
    zonestore,
)
from linxi_gis.assess import assess
from linxi_gis.cli import linxi, words
from linxi_gis.errors import CacheError
from linxi_gis.library import Library
from linxi_gis.model import Gap, Layer, LayerIdentity, Site
from linxi_gis.report import extract
from linxi_layers import rules_dir

ROOT = Path(__file__).resolve().parents[1]
BOW_TIE = shapely.Polygon([(580_800.0 + 39e6 + x, 4_829_900.0 + y) for x, y in ((0, 0), (60, 60), (60, 0), (0, 60))])


def star(vertices: int, seed: int, east: float = 0.0, north: float = 0.0, radius: float = 5_000.0) -> shapely.Polygon:
    """A ragged area with a hole, in the plane or the yard."""
    chance = np.random.default_rng(seed)
    turn = np.linspace(0.0, 2.0 * np.pi, vertices, endpoint=False)
    waves = np.arange(1, vertices // 2 + 1)
    spectrum = np.zeros(vertices // 2 + 1, dtype=complex)
    spectrum[1:] = (chance.normal(size=waves.size) + 1j * chance.normal(size=waves.size)) * waves**-1.4
    wave = np.fft.irfft(spectrum, vertices)
    reach = radius * (1.0 + 0.5 * wave / np.abs(wave).max())
    outer = np.column_stack([east + reach * np.cos(turn), north + reach * np.sin(turn)])
    hole = np.column_stack([east + radius / 5 * np.cos(turn[::-1]), north + radius / 5 * np.sin(turn[::-1])])
    return shapely.Polygon(outer, [hole])


def a_county(folder: Path) -> list[dict[str, Any]]:
    """Layers of areas, lines and points, an invalid one, one without a shape; written in the past."""
    write_layer(folder / "redline.gpkg", [star(3000, 1, 39_580_900.0, 4_829_900.0, 900.0), square(90, 0, 50, 100)])
    write_layer(folder / "river.gpkg", [line((-50, 50), (150, 50)), line((900, 0), (900, 900))])
    write_layer(folder / "heritage.gpkg", [point(50, 50), point(400, 50)])
    write_layer(folder / "park.gpkg", [BOW_TIE, None, square(500, 500, 20)], LX=["核心", "外围", "核心"])
    settled(folder)
    return [
        entry("redline", "ecological_redline", "redline.gpkg"),
        entry("river", "river", "river.gpkg", required=False),
        entry("heritage", "heritage", "heritage.gpkg", required=False),
        entry("park", "protected_area", "park.gpkg", classes={"核心": "core"},
              columns={"id": "BM", "name": "MC", "class": "LX"}),
    ]  # fmt: skip


def settled(folder: Path) -> None:
    """Make the files old enough for their times to be believed."""
    for path in folder.iterdir():
        if path.is_file():
            then = path.stat().st_mtime_ns - 60_000_000_000
            os.utime(path, ns=(then, then))


def opened(folder: Path, cache: Path | None, told: list[str] | None = None) -> Library:
    read = catalog.read(folder / "catalog.toml")
    lines = told if told is not None else []
    return Library(read, cache=prepared.Cache(cache, lines.append))


SITES = [
    site(HUNDRED, "area"), site(line((-20, 20), (300, 60)), "line"), site(point(50, 50), "point"),
    site(square(2_000, 2_000, 30), "far"), site(star(400, 5, 39_580_950.0, 4_829_950.0, 600.0), "ragged"),
]  # fmt: skip


def answers(library: Library) -> str:
    """Everything that is said of the sites, as it is written."""
    return extract.array([extract.build(one) for one in assess(SITES, library, RULES, DAY)])


@pytest.fixture
def county(tmp_path: Path) -> Path:
    folder = tmp_path / "county"
    folder.mkdir()
    entries = a_county(folder)
    write_catalog(folder, entries)
    settled(folder)
    return folder


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "layers").glob("*"))


def test_answers_are_the_same_without_a_cache_with_an_empty_one_and_with_a_full_one(county: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    without = answers(opened(county, None))
    assert "修复" in without and "没有图形" in without
    assert answers(opened(county, cache)) == without
    assert len(kept(cache)) == 5 and all(path.suffix == shelf.SUFFIX for path in kept(cache))
    assert answers(opened(county, cache)) == without


def test_a_full_cache_reads_no_layer_and_hashes_none(
    county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = answers(opened(county, cache))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a source was read")

    monkeypatch.setattr(vectorfile, "read", never)
    monkeypatch.setattr(vectorfile, "sha256", never)
    assert answers(opened(county, cache)) == first


def test_opening_reads_a_header_and_not_the_zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size: one file is opened, and of it the header is read."""
    count = 40_000
    corners = np.random.default_rng(1).uniform(0, 1e5, (count, 2))
    zones = zonestore.Zones.of(shapely.box(*corners.T, *(corners + 9.0).T))
    texts = shelf.Texts.of([str(n) for n in range(count)])
    path = tmp_path / f"big{shelf.SUFFIX}"
    shelf.write(path, prepared.ENGINE, {}, {**zones.arrays, **texts.save("ids")})
    real, read = Path.open, []

    class Counting:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __enter__(self) -> Counting:
            return self

        def __exit__(self, *_: object) -> None:
            self.stream.close()

        def read(self, size: int) -> bytes:
            read.append(size)
            return bytes(self.stream.read(size))

        def fileno(self) -> int:
            return int(self.stream.fileno())

    monkeypatch.setattr(Path, "open", lambda self, mode: Counting(real(self, mode)))
    found = shelf.open_shelf(path, prepared.ENGINE)
    assert found is not None and len(read) == 2 and sum(read) < 10_000 < path.stat().st_size / 1_000
    assert zonestore.Zones(found)[7].equals(shapely.box(*corners[7], *(corners[7] + 9.0)))
    assert shelf.Texts(found, "ids")[-1] == str(count - 1)


def test_a_changed_source_is_prepared_anew(county: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = answers(opened(county, cache))
    write_layer(county / "redline.gpkg", [square(5_000, 5_000, 10)])
    after = answers(opened(county, cache))
    assert after != before and after == answers(opened(county, None))


def test_a_source_changed_within_its_time_stamp_is_noticed(tmp_path: Path) -> None:
    """Same name, same size, same time: believed only of a file that was old when it was hashed."""
    source, cache = tmp_path / "a.bin", prepared.Cache(tmp_path / "cache")
    source.write_bytes(b"one")
    then = source.stat().st_mtime_ns
    assert cache.sha256(source, vectorfile.signature(source)) == vectorfile.sha256(source)
    source.write_bytes(b"two")
    os.utime(source, ns=(then, then))
    assert cache.sha256(source, vectorfile.signature(source)) == vectorfile.sha256(source)


@pytest.mark.parametrize("change", ["classes", "columns", "encoding", "title", "crs"])
def test_another_way_to_read_the_same_file_is_another_prepared_layer(change: str, county: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    library = opened(county, cache)
    library.layers(DAY)
    before = set(kept(cache))
    (park,) = library.catalog.versions("park")
    changed = {
        "classes": replace(park, classes=(("核心", "general"),)),
        "columns": replace(park, columns=replace(park.columns, name="LX")),
        "encoding": replace(park, encoding="UTF-8"),
        "title": replace(park, identity=replace(park.identity, title="另一个名字")),
        "crs": replace(park, crs="EPSG:4527"),
    }[change]
    read = replace(library.catalog, entries=(changed,))
    Library(read, cache=prepared.Cache(cache)).layers(DAY)
    assert len(set(kept(cache)) - before) == 1


def test_a_cache_of_another_version_is_not_read(county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    first = answers(opened(county, cache))
    old = kept(cache)
    engine = prepared.ENGINE
    monkeypatch.setattr(prepared, "ENGINE", "0.0.0/0")
    told: list[str] = []
    assert answers(opened(county, cache, told)) == first and told == []
    assert len(kept(cache)) == 2 * len(old)
    # Even under the name this version would give it, another version's file is none of ours.
    assert shelf.open_shelf(old[0], "0.0.0/0") is None
    monkeypatch.setattr(prepared, "ENGINE", engine)
    assert prepared.clean(cache).files == len(old)
    assert kept(cache) == old


def whole(path: Path) -> bool:
    found = shelf.open_shelf(path, prepared.ENGINE)
    return found is not None and found.is_whole()


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


def array_at(path: Path, name: str) -> int:
    """Where an array stands in a file: its bytes are looked for."""
    found = shelf.open_shelf(path, prepared.ENGINE)
    assert found is not None
    return path.read_bytes().index(found[name].tobytes())


DAMAGE: dict[str, Callable[[Path], None]] = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-64]),
    "nothing in it": lambda path: path.write_bytes(b""),
    "header": lambda path: flipped(path, 40),
    "piece": lambda path: flipped(path, array_at(path, "piece.blob") + 30),
    "box": lambda path: flipped(path, array_at(path, "piece.bounds") + 6),
    "name": lambda path: flipped(path, array_at(path, "names.text")),
    "checksum": lambda path: flipped(path, array_at(path, "piece.crc")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_made_anew_and_told(damage: str, county: Path, tmp_path: Path) -> None:
    cache, told = tmp_path / "cache", list[str]()
    first = answers(opened(county, cache))
    for path in kept(cache):
        DAMAGE[damage](path)
    assert answers(opened(county, cache, told)) == first
    assert told and all("损坏" in one for one in told)
    told.clear()
    assert answers(opened(county, cache, told)) == first and told == []
    assert all(whole(path) for path in kept(cache))


def test_a_prepared_layer_under_the_name_of_another_is_not_believed(county: Path, tmp_path: Path) -> None:
    """Whole in itself, and of this version: only what it was made for tells that it is another layer's."""
    cache, told = tmp_path / "cache", list[str]()
    first = answers(opened(county, cache))
    made = {path.name: path.read_bytes() for path in kept(cache)}
    one, other, *_ = kept(cache)
    shutil.copyfile(one, other)
    assert whole(other)
    assert answers(opened(county, cache, told)) == first
    assert told == [f"预处理缓存是由别的图层改名而来（{other.name}），重新预处理"]
    assert {path.name: path.read_bytes() for path in kept(cache)} == made
    stray = other.with_name(f"{'0' * 64}{shelf.SUFFIX}")
    shutil.copyfile(one, stray)
    assert prepared.clean(cache).files == 1 and not stray.exists()


def test_what_was_prepared_by_another_gdal_or_proj_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Their wheels' versions, as the package registry's own reader tells them, are part of every key."""
    for package in ("pyogrio", "pyproj"):
        assert f"{package}-{importlib.metadata.version(package)}." in prepared.ENGINE
        for folder in (package, f"{package}-9.9.9.dist-info", f"{package}-stubs", f"{package}.libs"):
            (tmp_path / folder).mkdir()
        (tmp_path / package / "__init__.py").touch()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [str(tmp_path)])
            patch.delitem(sys.modules, package, raising=False)
            assert prepared.package(package) == f"{package}-9.9.9.dist-info"
    assert prepared.package("no_such_package") == "no_such_package"


def test_a_damaged_county_outline_is_made_anew(county: Path, tmp_path: Path) -> None:
    """Sites are read by the outline before any layer is measured."""
    cache, told = tmp_path / "cache", list[str]()
    first = opened(county, cache).county_lonlat(DAY)
    for path in kept(cache):
        flipped(path, array_at(path, "zone.blob") + 30)
    again = opened(county, cache, told).county_lonlat(DAY)
    assert first is not None and first.equals(again) and told


def test_a_damaged_zone_is_an_error_never_another_zone(tmp_path: Path) -> None:
    zones = zonestore.Zones.of(np.array([star(500, 2), square(0, 0, 9)], dtype=object))
    path = tmp_path / f"one{shelf.SUFFIX}"
    shelf.write(path, "e", {}, zones.arrays)
    flipped(path, array_at_of(path, "zone.blob") + 100)
    found = shelf.open_shelf(path, "e")
    assert found is not None and not found.is_whole()
    with pytest.raises(CacheError, match="损坏"):
        zonestore.Zones(found)[0]
    with pytest.raises(CacheError):
        zonestore.Zones(found).zone(0, np.empty(0, dtype=object)).border_gaps(np.array([shapely.Point(9e3, 0)]))
    assert zonestore.Zones(found)[1].equals(square(0, 0, 9))


def array_at_of(path: Path, name: str) -> int:
    found = shelf.open_shelf(path, "e")
    assert found is not None
    return path.read_bytes().index(found[name].tobytes())


def test_a_folder_that_cannot_be_written_is_told_and_does_no_harm(county: Path, tmp_path: Path) -> None:
    blocked, told = tmp_path / "cache", list[str]()
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    assert answers(opened(county, blocked, told)) == answers(opened(county, None))
    assert told and all("存不下来" in one for one in told)


SEVERAL = """
import hashlib, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_prepared as t
while not Path(sys.argv[4]).exists():
    time.sleep(0.005)
told = []
print(hashlib.sha256(t.answers(t.opened(Path(sys.argv[2]), Path(sys.argv[3]), told)).encode()).hexdigest())
assert not told, told
"""


def test_several_processes_may_prepare_at_once(county: Path, tmp_path: Path) -> None:
    """They start together on an empty cache; each answers, nothing half-written is left."""
    cache, go = tmp_path / "cache", tmp_path / "go"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in (".", "layers", "maps", "api"))}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SEVERAL, str(ROOT / "tests"), str(county), str(cache), str(go)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=env,
        )
        for _ in range(3)
    ]  # fmt: skip
    go.touch()
    said = [run.communicate(timeout=240) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert len(kept(cache)) == 5 and not list(cache.rglob("*.tmp"))
    assert all(whole(path) for path in kept(cache))


def test_layers_clean(county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("LINXI_CACHE", str(cache))
    opened(county, cache).layers(DAY)
    (cache / "layers" / "mine.txt").write_text("not ours", encoding="utf-8")
    run = CliRunner()
    assert "删除 0 个文件" in run.invoke(linxi, ["layers", "clean"]).output
    stale = kept(cache)[0]
    os.utime(stale, (1.0e9, 1.0e9))
    assert "删除 1 个文件" in run.invoke(linxi, ["layers", "clean", "--older", "30"]).output
    assert not stale.exists() and len(kept(cache)) == 5
    assert run.invoke(linxi, ["layers", "clean", "--all", "--older", "3"]).exit_code != 0
    run.invoke(linxi, ["layers", "clean", "--all"])
    assert [path.name for path in kept(cache)] == ["mine.txt"]
    assert not list((cache / "sources").iterdir())


@pytest.mark.parametrize("days", ["nan", "-1", "-inf", "inf", "x", ""])
def test_layers_clean_wants_a_number_of_days(
    days: str, county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("LINXI_CACHE", str(cache))
    opened(county, cache).layers(DAY)
    before = kept(cache)
    monkeypatch.setattr(sys, "argv", ["linxi", "layers", "clean", "--older", days])
    assert words.run(linxi) == 2
    assert "--older 的值不对：应为不小于 0 的数" in capsys.readouterr().err
    assert kept(cache) == before


def test_layers_clean_says_that_there_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for name, told in (("none", "还不存在"), ("file", "不是文件夹")):
        monkeypatch.setenv("LINXI_CACHE", str(tmp_path / name))
        run = CliRunner().invoke(linxi, ["layers", "clean", "--all"])
        assert run.exit_code == 0 and told in run.output and str(tmp_path / name) in run.output.replace("\n", "")
    assert not (tmp_path / "none").exists() and (tmp_path / "file").is_file()


def test_rules_that_were_kept_are_those_of_the_files(tmp_path: Path) -> None:
    first, again = rulebook.load(rules_dir(), tmp_path), rulebook.load(rules_dir(), tmp_path)
    assert first == again == rulebook.load(rules_dir())
    (note,) = tmp_path.iterdir()
    text = note.read_text(encoding="utf-8")
    note.write_text(text.replace("生态保护红线", "生态保护蓝线"), encoding="utf-8")
    assert rulebook.load(rules_dir(), tmp_path) == first


def layer_of(zones: zonestore.Zones) -> Layer:
    names = tuple(str(i) for i in range(len(zones)))
    identity = LayerIdentity("a", "ecological_redline", "红线", True, accuracy_m=0.0)
    return Layer(identity, "0" * 64, zones, zones, names, names, names, ((),) * len(names), None)


def grounds(chance: np.random.Generator, count: int, spread: float) -> list[Site]:
    """Areas, lines and points strewn over the plane, some from vertex to vertex of what lies there."""
    made = []
    xs, ys = chance.uniform(-spread, spread, (2, count))
    for n, (x, y, size) in enumerate(zip(xs, ys, chance.uniform(2, 900, count), strict=True)):
        shape: Any = shapely.Point(x, y)
        if n % 3:
            shape = shapely.buffer(shape, size, quad_segs=3)
        if n % 3 == 1:
            shape = shapely.LineString(shapely.get_coordinates(shape)[: 4 + n % 5])
        lonlat = crs.lonlat_of_plane(shape)
        kind = ("point", "line", "polygon")[int(shapely.get_dimensions(shape))]
        size_m2, length = float(shape.area), float(shape.length)
        made.append(replace(SITES[0], kind=kind, geometry=lonlat, ground=shape, area_m2=size_m2, length_m=length))
    return made


@pytest.mark.parametrize("many", [False, True], ids=["a few at a time", "all at once"])
def test_pieces_give_what_whole_zones_give(many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large ragged areas, a long line and many points, measured in pieces and whole: the same answers."""
    turn = np.linspace(0, 40, 2_000)
    spiral = shapely.LineString(np.column_stack([100 * turn * np.cos(turn), 100 * turn * np.sin(turn)]))
    shapes = np.array(
        [star(20_000, 3), star(3_000, 4, 4_000.0, 3_000.0, 2_500.0), spiral, shapely.Point(100, 100), shapely.Polygon()],
        dtype=object,
    )
    assert shapely.is_valid(shapes).all()
    cut = layer_of(zonestore.Zones.of(shapes))
    assert len(cut.tree.arrays["piece.zone"]) > 300  # type: ignore[attr-defined]  # a Zones
    used = np.flatnonzero(~shapely.is_empty(shapes))
    monkeypatch.setattr(pieces, "cut", lambda zones, most: (zones[used], used.astype(np.int32)))
    monkeypatch.setattr(zonestore, "_RUN", 1_000_000)
    whole = layer_of(zonestore.Zones.of(shapes))
    assert len(whole.tree.arrays["piece.zone"]) == 4  # type: ignore[attr-defined]
    sites = grounds(np.random.default_rng(9), 240, 9_000.0)
    batches = [sites] if many else [sites[i : i + 1] for i in range(0, 240, 2)]
    for batch in batches:
        a, b = overlay.measure(batch, cut), overlay.measure(batch, whole)
        assert list(a.site) == list(b.site) and list(a.zone) == list(b.zone) and a.relation == b.relation
        for one, other, tolerance in (
            (a.area_m2, b.area_m2, 1e-6), (a.length_m, b.length_m, 1e-6), (a.distance_m, b.distance_m, 1e-9),
            (a.union_area_m2, b.union_area_m2, 1e-6), (a.union_length_m, b.union_length_m, 1e-6),
        ):  # fmt: skip
            assert np.abs(one - other).max(initial=0.0) <= tolerance
        close = np.isclose(a.margin_m, b.margin_m, rtol=0.011, atol=0.021)  # the circle is found to 1 % or 1 cm
        assert close.all()
        assert [len(one) for one in a.intervals_m] == [len(one) for one in b.intervals_m]


def test_real_polygons_lose_nothing_in_pieces(shared: Path) -> None:
    """Real lakes, invalid ones among them, and county outlines: pieces add up, and every zone comes back."""
    table = vectorfile.read(shared / "scale" / "osm_inland_water_china_100m.fgb")
    invalid = np.flatnonzero(~shapely.is_valid(table.geometries))
    assert len(invalid) >= 10
    largest = np.argsort(-shapely.get_num_coordinates(table.geometries))[:200]
    counties = vectorfile.read(shared / "scale" / "inner_mongolia_counties_amap_wgs84.fgb")
    drawn = np.concatenate([table.geometries[np.union1d(invalid, largest)], counties.geometries])
    plane, zones, _ = zoneindex.prepare(drawn, "EPSG:4326", tuple(map(str, range(len(drawn)))))
    rows = zones.arrays["piece.zone"]
    cut = zones._pieces(np.arange(len(rows)))
    assert shapely.is_valid(cut).all()
    by_zone = np.bincount(rows, weights=shapely.area(cut), minlength=len(plane))
    assert np.abs(by_zone - shapely.area(plane)).max() <= 1e-12 * shapely.area(plane).max()
    assert shapely.equals_exact(np.asarray(zones), plane, 0.0).all()
    borders = zonestore.runs(zones.arrays, np.arange(len(zones.arrays["run.zone"])))
    lengths = np.bincount(zones.arrays["run.zone"], weights=shapely.length(borders), minlength=len(plane))
    assert np.abs(lengths - shapely.length(plane)).max() < 1e-6


@pytest.mark.parametrize(
    ("shape", "looks"),
    [
        (HUNDRED, 'crs = "EPSG:4527"'),
        (shapely.transform(HUNDRED, lambda xy: xy + np.array([1e6, 0.0])), 'crs = "EPSG:4528"'),
        (shapely.transform(HUNDRED, lambda xy: xy - np.array([19e6, 0.0])), 'crs = "EPSG:4498"'),
        (shapely.transform(HUNDRED, lambda xy: xy - np.array([39e6, 0.0])), "没有带号"),
        (shapely.box(118.0, 43.6, 118.01, 43.61), 'crs = "EPSG:4490"'),
    ],
)  # fmt: skip
def test_a_layer_without_a_reference_system_is_asked_for_the_one_it_looks_like(
    shape: shapely.Geometry, looks: str, tmp_path: Path
) -> None:
    write_layer(tmp_path / "redline.shp", [shape], crs="EPSG:4527")
    (tmp_path / "redline.prj").unlink()
    (tmp_path / "redline.gpkg").unlink(missing_ok=True)
    write_catalog(tmp_path, [entry("redline", "ecological_redline", "redline.shp")])
    gap = opened(tmp_path, None).layers(DAY)[0]
    assert isinstance(gap, Gap) and "没有坐标系信息" in gap.issue.text and looks in gap.issue.remedy
    assert ("EPSG:4490" in gap.issue.remedy) == ("4490" in looks)


def test_texts_of_every_kind_come_back() -> None:
    texts = ("", "甲", "a\nb", "\ud800", "林西县" * 50)
    assert shelf.Texts.of(texts) == texts and shelf.Texts.of(texts)[1:3] == texts[1:3]
    with pytest.raises(IndexError):
        shelf.Texts.of(texts)[5]
