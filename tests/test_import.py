"""Bringing layers in: recognised by their fields, written once, named in a catalogue that is never half changed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from test_cli import ROOT, SOURCES, linxi
from yard import EAST, GK, NORTH, square, write_layer

import linxi_layers
from linxi_gis import catalog, vectorfile
from linxi_gis.cli import layerimport
from linxi_gis.errors import CatalogError
from linxi_gis.importing import aliases, recognise
from linxi_gis.library import Library
from linxi_gis.model import Layer
from linxi_gis.themes import THEMES
from linxi_layers import aliases_file

CODES = ["ZH15042410001", "ZH15042420002", "ZH15042430003"]
WORDS = ["优先保护单元", "重点管控单元", "一般管控单元"]
SQUARES = [square(0, 0, 100), square(100, 0, 100), square(200, 0, 100)]
TABLE = aliases.read(aliases_file())


def package(folder: Path, zones: list[object] | None = None, **more: list[str]) -> Path:
    """An official package as it comes: a zip of a GBK shapefile whose .dbf does not say so."""
    folder.mkdir(exist_ok=True)
    path = folder / "管控单元.shp"
    shapes = SQUARES if zones is None else zones
    columns = {"HJGKDYBM": CODES, "HJGKDYMC": ["甲区", "乙区", "丙区"], "REMARKS": WORDS, **more}
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(one) for one in shapes], dtype=object),
        [np.array(column, dtype=object) for column in columns.values()], list(columns),
        geometry_type="Polygon", crs=GK, encoding="GBK",
    )  # fmt: skip
    path.with_suffix(".cpg").unlink()
    packed = folder / "package.zip"
    with zipfile.ZipFile(packed, "w") as held:
        for file in sorted(folder.glob("管控单元.*")):
            held.write(file, file.name)
    return packed


def started(folder: Path) -> Path:
    """A catalogue as `init` writes it, with a comment of its owner."""
    linxi("layers", "init", str(folder))
    path = folder / "catalog.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n# 我的批注\n", encoding="utf-8")
    return path


def test_init_shows_every_theme_and_never_overwrites(tmp_path: Path) -> None:
    path = Path(linxi("layers", "init", str(tmp_path / "local")).stdout.strip())
    text = path.read_text(encoding="utf-8")
    assert catalog.read(path).entries == ()
    assert all(f'# theme = "{theme}"' in text for theme in THEMES)
    bare = "\n".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ") and "=" in line)
    assert bare.count("theme = ") == len(THEMES)
    assert (tmp_path / "local" / ".gitignore").read_text(encoding="utf-8").endswith("*\n")
    again = linxi("layers", "init", str(tmp_path / "local"), code=2)
    assert "已经有了" in again.stderr and path.read_text(encoding="utf-8") == text


def test_every_example_of_the_catalogue_is_one_when_it_is_uncommented(tmp_path: Path) -> None:
    text = started(tmp_path).read_text(encoding="utf-8").partition("# --- ")[2]
    keys = ("[[layer]]", *(f"{key} =" for key in catalog._LAYER_KEYS))
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    body = "[catalog]\n" + "\n".join(line for line in lines if line.startswith(keys))
    (tmp_path / "all.toml").write_text(body, encoding="utf-8")
    held = catalog.read(tmp_path / "all.toml")
    assert [one.identity.theme for one in held.entries] == list(THEMES)
    assert held.entries[0].identity.sensitivity == "内部"


def test_a_gbk_package_becomes_a_version_the_library_reads(tmp_path: Path) -> None:
    path, source = started(tmp_path / "local"), package(tmp_path / "in")
    words = ("--version", "2023", "--accuracy", "5", "--coverage", "county", "--yes")
    done = linxi("layers", "import", str(source), "--catalog", str(path), *words)
    data = Path(done.stdout.strip())
    sha = hashlib.sha256(data.read_bytes()).hexdigest()
    assert data == path.parent / "versions" / "units" / f"2023-{sha[:8]}" / "units.gpkg"
    text = path.read_text(encoding="utf-8")
    assert "# 我的批注" in text and f'path = "versions/units/2023-{sha[:8]}/units.gpkg"' in text
    held = catalog.read(path)
    assert held.entries[0].coverage == "county" and held.entries[0].identity.accuracy_m == 5.0
    (layer, *_) = Library(held).layers(date(2026, 11, 24))
    assert isinstance(layer, Layer) and layer.sha256 == sha
    assert tuple(layer.zone_ids) == tuple(CODES) and tuple(layer.zone_names) == ("甲区", "乙区", "丙区")
    assert tuple(layer.zone_classes) == ("priority", "key", "general")
    told = json.loads((data.parent / "manifest.json").read_text(encoding="utf-8"))
    assert told["data"]["sha256"] == sha and told["data"]["zones"] == 3
    assert told["source"]["files"][0]["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert told["imported"]["by"] and told["imported"]["at"].startswith("20")


@pytest.mark.parametrize(("whole", "coverage"), [(True, "county"), (False, "unknown")])
def test_units_are_said_to_cover_the_county_only_where_they_fill_it(tmp_path: Path, whole: bool, coverage: str) -> None:
    path = started(tmp_path / "local")
    units = gpd.read_file(linxi_layers.demo_catalog().parent / "units.gpkg")
    mine = units if whole else units.iloc[:3]
    source = write_layer(tmp_path / "管控单元.gpkg", list(mine.geometry), crs="EPSG:4490", HJGKDYBM=list(mine["编号"]))
    linxi("layers", "import", str(source), "--catalog", str(path), "--theme", "control_unit", "--yes")
    assert catalog.read(path).entries[0].coverage == coverage


def test_edges_straight_in_the_plane_of_the_source_stay_so(tmp_path: Path) -> None:
    # 20 km east to west: straight in degrees it would leave the source's edge by 7 m.
    path, wide = started(tmp_path / "local"), square(-10_000, 0, 20_000, 1000)
    source = write_layer(tmp_path / "红线.gpkg", [wide])
    done = linxi("layers", "import", str(source), "--theme", "ecological_redline", "--catalog", str(path), "--yes")
    table = vectorfile.read(Path(done.stdout.strip()))
    from pyproj import Transformer

    back = Transformer.from_crs("EPSG:4490", GK, always_xy=True).transform
    xy = shapely.get_coordinates(shapely.segmentize(table.geometries[0], 1e-4))
    ring = np.column_stack(back(xy[:, 0], xy[:, 1]))
    off = shapely.distance(shapely.points(ring), shapely.get_exterior_ring(wide))
    assert float(off.max()) < 2e-4


def test_what_is_repaired_and_what_has_no_shape_is_told_and_stays_in_the_layer(tmp_path: Path) -> None:
    loop = ((0, 0), (100, 0), (100, 100), (50.4, 100), (50, 100.4), (50, 100), (50.4, 100.4), (0, 100))
    source = write_layer(tmp_path / "p.gpkg", [shapely.Polygon([(EAST + x, NORTH + y) for x, y in loop]), None])
    path = started(tmp_path / "local")
    done = linxi(
        "layers", "import", str(source), "--theme", "wetland", "--coverage", "county", "--catalog", str(path), "--yes"
    )
    data = Path(done.stdout.strip())
    told = json.loads((data.parent / "manifest.json").read_text(encoding="utf-8"))["repairs"]
    healed = next(one for one in told if one["code"] == "geometry_healed")
    assert healed["geometry_wkt"].startswith("POINT (118.0")
    assert any(one["code"] == "layer_lossy" for one in told)
    (layer, *_) = Library(catalog.read(path)).layers(date(2026, 11, 24))
    assert isinstance(layer, Layer) and layer.coverage is None  # it cannot vouch for "no zone"


def test_what_no_repair_makes_sure_is_refused_and_named_until_the_accuracy_allows_it(tmp_path: Path) -> None:
    bow = shapely.Polygon([(EAST + x, NORTH + y) for x, y in ((0, 0), (10, 10), (10, 0), (0, 10))])
    source = write_layer(tmp_path / "p.gpkg", [square(500, 0, 100), bow])
    path = started(tmp_path / "local")
    words = ("layers", "import", str(source), "--theme", "wetland", "--coverage", "county", "--catalog", str(path), "--yes")
    before = sorted((tmp_path / "local").rglob("*"))
    told = linxi(*words, code=3).stderr
    assert re.search(r"第2块：1 个图形自相交.*最宽 4\.1\d m，超过界线精度 1 m", told)
    assert sorted((tmp_path / "local").rglob("*")) == before
    assert Path(linxi(*words, "--accuracy", "5").stdout.strip()).is_file()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_progress_bar_names_every_step_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, source = started(tmp_path / "local"), package(tmp_path / "in")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    layerimport.bring_in([str(source)], path, layerimport.Wish(version="1", yes=True))
    drawn = [line for line in screen.getvalue().split("\r") if "[#" in line or "[-" in line]
    for step, percent in (("读取 package.zip", 25), ("核对", 50), ("换算", 75), ("GeoPackage units", 33), ("目录", 66)):
        assert any(step in line and f"{percent}%" in line for line in drawn), (step, drawn)
    assert sum("100%" in line and "完成" in line for line in drawn) == 2


def test_nothing_is_written_without_a_yes(tmp_path: Path) -> None:
    path, source = started(tmp_path / "local"), package(tmp_path / "in")
    before = path.read_bytes()
    done = linxi("layers", "import", str(source), "--catalog", str(path), code=2)
    assert 'theme = "control_unit"' in done.stderr and "--yes" in done.stderr and done.stdout == ""
    assert path.read_bytes() == before and not (path.parent / "versions").exists()


def test_versions_stand_side_by_side_and_the_day_picks(tmp_path: Path) -> None:
    path, source = started(tmp_path / "local"), package(tmp_path / "in")
    words = ("layers", "import", str(source), "--catalog", str(path), "--yes")
    first = Path(linxi(*words, "--version", "2021", "--from", "2021-06-01").stdout.strip())
    kept = first.read_bytes()
    assert "不能覆盖" in linxi(*words, "--version", "2021", "--from", "2024-01-01", code=2).stderr
    assert "--from" in linxi(*words, "--version", "2023", code=2).stderr
    newer = package(tmp_path / "new", REMARKS=[WORDS[1]] * 3)
    linxi(*(str(newer) if one == str(source) else one for one in words), "--version", "2023", "--from", "2023-12-31")
    entries = catalog.read(path).entries
    assert [(one.identity.version, one.effective_from, one.effective_to) for one in entries] == [
        ("2021", date(2021, 6, 1), date(2023, 12, 30)), ("2023", date(2023, 12, 31), None),
    ]  # fmt: skip
    library = Library(catalog.read(path))
    assert library.layers(date(2022, 1, 1))[0].identity.version == "2021"
    assert library.layers(date(2024, 1, 1))[0].identity.version == "2023"
    assert first.read_bytes() == kept and "# 我的批注" in path.read_text(encoding="utf-8")


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = package(tmp_path / "in")
    made = []
    for name in ("a", "b"):
        words = ("layers", "import", str(source), "--catalog", str(started(tmp_path / name)), "--version", "1", "--yes")
        made.append(Path(linxi(*words).stdout.strip()))
    assert made[0].read_bytes() == made[1].read_bytes() and made[0].parent.name == made[1].parent.name


def test_without_a_reference_system_it_asks(tmp_path: Path) -> None:
    path = started(tmp_path / "local")
    source = write_layer(tmp_path / "p.shp", [shapely.box(580743, 4829864, 580843, 4829964)])
    source.with_suffix(".prj").unlink()
    done = linxi("layers", "import", str(source), "--theme", "mine", "--catalog", str(path), "--yes", code=3)
    assert "EPSG:4548" in done.stderr and "--crs" in done.stderr
    linxi("layers", "import", str(source), "--theme", "mine", "--crs", "EPSG:4548", "--catalog", str(path), "--yes")
    assert "--theme" in linxi("layers", "import", str(source), "--crs", "EPSG:4548", "--catalog", str(path), code=3).stderr


def test_an_id_or_a_coverage_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path, source = started(tmp_path / "local"), package(tmp_path / "in")
    words = ("layers", "import", str(source), "--catalog", str(path), "--yes")
    assert "../x" in linxi(*words, "--id", "../x", code=2).stderr
    assert "nowhere.gpkg" in linxi(*words, "--coverage", "nowhere.gpkg", code=2).stderr
    assert not (path.parent / "versions").exists()
    reach = write_layer(tmp_path / "reach.gpkg", [square(0, 0, 1000)])
    linxi(*words, "--coverage", str(reach))
    assert catalog.read(path).entries[0].extent_path == reach.resolve()


# --- recognising ----------------------------------------------------------------------------------


def test_units_are_known_by_their_fields_whatever_their_case() -> None:
    fields = {"hjgkdybm": CODES, "hjgkdymc": ["甲", "乙", "丙"], "ZHGKDYFL": ["优先保护", "重点管控", "一般管控"]}
    found = recognise.recognise("x", fields, TABLE, "150424")
    assert (found.theme, found.layer_id, found.county, found.sure) == ("control_unit", "units", True, True)
    assert dict(found.columns) == {"id": "hjgkdybm", "name": "hjgkdymc", "class": "ZHGKDYFL"}
    assert dict(found.classes)["重点管控"] == "key" and found.issues == ()


def test_class_words_nobody_knows_leave_the_class_to_the_code() -> None:
    found = recognise.recognise("x", {"HJGKDYBM": CODES, "REMARKS": ["1", "2", "3"]}, TABLE, "150424")
    assert "class" not in dict(found.columns) and [one.code for one in found.issues] == ["class_unmapped", "column_unknown"]


def test_a_malformed_code_is_told_and_vouches_for_no_county() -> None:
    found = recognise.recognise("x", {"HJGKDYBM": [*CODES[:2], "ZH1504244000"]}, TABLE, "150424")
    assert not found.county and "ZH1504244000" in found.issues[0].text


def test_element_zones_are_only_a_guess(tmp_path: Path) -> None:
    fields = {"HJYSGKFQBM": ["YS1504241310001", "YS1504242310002"], "HJYSGKFQMC": ["a", "b"]}
    found = recognise.recognise("x", fields, TABLE, "150424")
    assert (found.theme, found.sure) == ("air_zone", False) and found.issues == ()
    assert recognise.recognise("x", fields, TABLE, "150424", "air_zone").sure
    source = write_layer(tmp_path / "p.gpkg", SQUARES[:2], **fields)
    done = linxi("layers", "import", str(source), "--catalog", str(started(tmp_path / "l")), "--yes", code=2)
    assert "air_zone" in done.stderr and "--theme" in done.stderr


def test_a_table_beside_the_catalogue_takes_the_place_of_ours(tmp_path: Path) -> None:
    path = started(tmp_path / "local")
    (path.parent / "aliases.toml").write_text(
        '[[package]]\ntheme = "wetland"\nid = "wet"\nany_of = ["SDBM"]\ncolumns.id = ["SDBM"]\n', encoding="utf-8"
    )
    source = write_layer(tmp_path / "p.gpkg", SQUARES[:1], SDBM=["S1"])
    linxi("layers", "import", str(source), "--catalog", str(path), "--yes")
    (entry,) = catalog.read(path).entries
    assert (entry.identity.id, entry.identity.theme, entry.columns.id) == ("wet", "wetland", "SDBM")
    (path.parent / "aliases.toml").write_text('[[package]]\ntheme = "swamp"\nany_of = ["X"]\n', encoding="utf-8")
    with pytest.raises(CatalogError, match="swamp"):
        aliases.read(path.parent / "aliases.toml")


# --- interrupted ----------------------------------------------------------------------------------

# Runs an import in a process and ends it, with nothing said, at the n-th call made by what writes; 0: count them.
KILLED = """
import os, signal, sys
from pathlib import Path
from linxi_gis.cli import layerimport
from linxi_gis.importing import cataloguing, package, versions
source, catalogue, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
calls = 0
def watch(frame, event, what):
    global calls
    if event in ("call", "c_call", "c_return"):
        calls += 1
        if calls == last:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
real = versions.write
def write(*words):
    sys.setprofile(watch)
    return real(*words)
versions.write = write
layerimport.bring_in([str(source)], catalogue, layerimport.Wish(version="2023", yes=True))
sys.setprofile(None)
print(calls)
"""


def _killed(source: Path, path: Path, moment: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(source), str(path), str(moment)],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120,
        env=os.environ | {"PYTHONPATH": SOURCES, "PYTHONUTF8": "1"},
    )  # fmt: skip


def test_a_process_killed_at_any_moment_leaves_the_catalogue_as_it_was(tmp_path: Path) -> None:
    source = package(tmp_path / "in")
    whole = _killed(source, started(tmp_path / "whole"), 0)
    assert whole.returncode == 0, whole.stderr
    calls = int(whole.stdout.split()[-1])
    path = started(tmp_path / "local")
    before = path.read_bytes()
    moments = sorted({*np.linspace(1, calls - 90, 10).astype(int).tolist(), *range(calls - 90, calls, 15)})
    done = 0
    for moment in moments:
        ended = _killed(source, path, moment)
        assert ended.returncode != 0, f"{moment} of {calls}: {ended.stderr}"
        if path.read_bytes() != before:  # killed after the replace: then all of it is there
            done += 1
            assert _complete(path)
            path.write_bytes(before)
        for folder in (path.parent / "versions").glob("units/*"):
            assert {file.name for file in folder.iterdir()} == {"units.gpkg", "manifest.json"}
        shutil.rmtree(path.parent / "versions", ignore_errors=True)  # else the next run has less to do
    assert done < len(moments) // 2
    linxi("layers", "import", str(source), "--catalog", str(path), "--version", "2023", "--yes")
    assert _complete(path)


def _complete(path: Path) -> bool:
    (entry,) = catalog.read(path).entries
    told = json.loads((entry.path.parent / "manifest.json").read_text(encoding="utf-8"))
    return hashlib.sha256(entry.path.read_bytes()).hexdigest() == told["data"]["sha256"]


def test_the_sensitivity_of_a_layer_is_listed(tmp_path: Path) -> None:
    path = started(tmp_path / "local")
    linxi("layers", "import", str(package(tmp_path / "in")), "--catalog", str(path), "--yes")
    text = path.read_text(encoding="utf-8")
    path.write_text(text + 'sensitivity = "不得导出"\n', encoding="utf-8")
    listed = json.loads(linxi("layers", "list", "--catalog", str(path), "--format", "json").stdout)
    assert listed[0]["sensitivity"] == "不得导出" and listed[1]["sensitivity"] == ""
    path.write_text(text + 'sensitivity = "绝密"\n', encoding="utf-8")
    assert "不得导出" in linxi("layers", "list", "--catalog", str(path), code=3).stderr
