"""GeoParquet as a site, as a layer and as a package: written by geopandas, whose areas and texts are known."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import shapely.affinity
from test_cli import linxi
from yard import DAY, GK, HUNDRED, RULES, entry, open_library, site, square, write_catalog, write_layer

from linxi_gis import geoparquet, intake, vectorfile
from linxi_gis.assess import assess
from linxi_gis.errors import CrsError, InputError, LayerError
from linxi_gis.intake.reading import Limits, Options

pyarrow = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
parquet = pytest.importorskip("pyarrow.parquet")
ZONES = [square(0, 0, 100), square(200, 0, 50)]
COLUMNS: dict[str, Any] = {"BM": ["湿-1", "湿-2"], "MC": ["一", None], "N": [1, 2], "F": [0.5, np.nan], "开": [True, False]}


def written(path: Path, crs: str | None = GK, **more: Any) -> Path:
    frame = geopandas.GeoDataFrame(COLUMNS, geometry=ZONES, crs=crs)
    frame.to_parquet(path, **more)
    return path


def without_crs_key(path: Path) -> Path:
    """A file that says nothing of its system, which by the standard means OGC:CRS84; geopandas always says."""
    table = parquet.read_table(path)
    meta = json.loads(table.schema.metadata[b"geo"])
    del meta["columns"]["geometry"]["crs"]
    parquet.write_table(table.replace_schema_metadata({b"geo": json.dumps(meta).encode()}), path)
    return path


def test_a_site_with_its_texts_numbers_and_system(tmp_path: Path) -> None:
    """Boxes that only index the geometries are no attributes; a null is an empty text."""
    path = written(tmp_path / "地块.parquet", write_covering_bbox=True)
    for reading in (intake.read(path), intake.read_bytes(path.read_bytes(), path.name)):
        first, second = reading.sites
        assert (reading.format, first.reference.source) == ("GeoParquet", GK)
        assert dict(first.attributes) == {"BM": "湿-1", "MC": "一", "N": "1", "F": "0.5", "开": "True"}
        assert dict(second.attributes)["MC"] == "" and dict(second.attributes)["F"] == ""
        wanted = site(ZONES[0])
        assert first.area_m2 == pytest.approx(wanted.area_m2, rel=1e-12)
        assert shapely.hausdorff_distance(first.ground, wanted.ground) < 1e-6


def test_what_it_says_of_its_system_is_believed_and_what_it_does_not_is_asked(tmp_path: Path) -> None:
    degrees = written(tmp_path / "a.geoparquet", crs="EPSG:4490")
    assert intake.read(written(tmp_path / "b.parquet")).sites[0].reference.how == "GeoParquet 写明"
    frame = geopandas.read_parquet(degrees).set_geometry([shapely.box(118, 43.6, 118.01, 43.61)] * 2, crs="EPSG:4490")
    frame.to_parquet(degrees)
    assert intake.read(degrees).sites[0].reference.source == "EPSG:4490"
    assert "OGC:CRS84" in intake.read(without_crs_key(degrees)).sites[0].reference.how
    shifted = [shapely.affinity.translate(one, -39_000_000.0) for one in ZONES]
    unknown = tmp_path / "u.parquet"
    geopandas.GeoDataFrame(COLUMNS, geometry=shifted).to_parquet(unknown)
    with pytest.raises(CrsError):
        intake.read(unknown)
    assert intake.read(unknown, Options(crs="EPSG:4548")).sites[0].reference.source == "EPSG:4548"


def test_its_content_wins_over_its_suffix(tmp_path: Path) -> None:
    told = intake.read_bytes(written(tmp_path / "a.parquet").read_bytes(), "a.gpkg")
    assert "suffix_mismatch" in {issue.code for issue in told.issues} and len(told.sites) == 2


def test_a_layer_of_the_catalogue_judges_as_its_geopackage_does(tmp_path: Path) -> None:
    written(tmp_path / "wet.parquet")
    write_layer(tmp_path / "wet.gpkg", ZONES, BM=COLUMNS["BM"], MC=["一", ""])
    found = []
    for name in ("wet.parquet", "wet.gpkg"):
        (answer,) = assess([site(HUNDRED, "a")], open_library(tmp_path, [entry("wet", "wetland", name)]), RULES, DAY)
        (layer,) = answer.layers
        found.append((layer.status, layer.area_m2, [(hit.zone_id, hit.zone_name) for hit in layer.hits]))
    assert found[0] == found[1] and found[0][0] == "hit"


def test_a_package_is_imported_and_kept_as_a_geopackage(tmp_path: Path) -> None:
    held = write_catalog(tmp_path, [])
    source = written(tmp_path / "湿地.parquet")
    words = ("--theme", "wetland", "--version", "1", "--catalog", str(held), "--yes")
    made = Path(linxi("layers", "import", str(source), *words).stdout.strip())
    assert made.suffix == ".gpkg"
    table = vectorfile.read(made)
    assert [str(one) for one in table.columns["BM"]] == COLUMNS["BM"] and len(table.geometries) == 2
    assert json.loads((made.parent / "manifest.json").read_text(encoding="utf-8"))["source"]["format"] == "GeoParquet"
    told = json.loads(linxi("layers", "diff", str(source), str(made), "--format", "json").stdout)
    assert (told["same"], told["changes"]) == (2, [])


def test_what_cannot_be_read_is_told_with_what_to_do(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.parquet").read_bytes()
    for name, body, word in (("cut.parquet", whole[:-9], "已损坏"), ("no.parquet", b"PAR1", "已损坏")):
        (tmp_path / name).write_bytes(body)
        with pytest.raises(InputError, match=word):
            intake.read(tmp_path / name)
        with pytest.raises(LayerError, match=word):
            vectorfile.read(tmp_path / name)
    plain = tmp_path / "plain.parquet"
    parquet.write_table(pyarrow.table({"BM": ["1"]}), plain)
    with pytest.raises(InputError, match="geo 元数据"):
        intake.read(plain)
    arrow = written(tmp_path / "arrow.parquet", geometry_encoding="geoarrow", schema_version="1.1.0")
    with pytest.raises(InputError, match="WKB"):
        intake.read(arrow)
    with pytest.raises(InputError, match="超过上限 1 个"):
        intake.read(tmp_path / "a.parquet", Options(limits=Limits(features=1)))
    with pytest.raises(InputError, match="解压后"):
        geoparquet.read(whole, "a.parquet", unpacked_bytes=10)


def test_the_child_that_reads_strange_files_reads_it(tmp_path: Path) -> None:
    told = json.loads(linxi("read", str(written(tmp_path / "a.parquet")), "--format", "json").stdout)
    assert len(told[0]["sites"]) == 2


def test_its_metadata_can_be_exported(tmp_path: Path) -> None:
    pytest.importorskip("pygeometa")
    written(tmp_path / "wet.parquet")
    held = write_catalog(tmp_path, [entry("wet", "wetland", "wet.parquet", required=False)])
    assert "urn:ogc:def:crs:EPSG:4527" in linxi("layers", "metadata", "wet", "--catalog", str(held)).stdout


def test_without_pyarrow_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="pip install pyarrow"):
        intake.read(path)
    with pytest.raises(LayerError, match="pip install pyarrow"):
        vectorfile.read(path)
