"""What a layer's files are: all that is read with them, and nothing that leads elsewhere."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from linxi_gis import vectorfile
from linxi_gis.errors import CacheError, LayerError
from linxi_gis.library import Library


def _layer(path: Path, east: float, driver: str) -> None:
    frame = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(east, 43.6, east + 0.01, 43.61)], crs="EPSG:4490")
    frame.to_file(path, driver=driver)


def test_what_sqlite_has_not_yet_written_into_the_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "redline.gpkg"
    _layer(path, 118.0, "GPKG")
    alone = vectorfile.sha256(path)
    with sqlite3.connect(path) as held:
        held.execute("PRAGMA journal_mode=wal")
        held.execute("PRAGMA wal_autocheckpoint=0")
        held.execute("CREATE TABLE more (x)")
        held.commit()
        assert path.with_name("redline.gpkg-wal").stat().st_size
        assert vectorfile.sha256(path) != alone
        before = vectorfile.signature(path)
        held.execute("INSERT INTO more VALUES (1)")
        held.commit()
        assert vectorfile.signature(path) != before
    held.close()


def test_every_file_of_a_mapinfo_table_counts(tmp_path: Path) -> None:
    path = tmp_path / "redline.tab"
    _layer(path, 118.0, "MapInfo File")
    before = vectorfile.sha256(path)
    (tmp_path / "other").mkdir()
    _layer(tmp_path / "other" / "redline.tab", 118.2, "MapInfo File")
    (tmp_path / "redline.map").write_bytes((tmp_path / "other" / "redline.map").read_bytes())
    assert vectorfile.sha256(path) != before


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of the last change of an entry")
def test_a_change_under_an_old_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(b"one")
    os.utime(path, ns=(10**18, 10**18))
    before = vectorfile.signature(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(10**18, 10**18))
    assert vectorfile.signature(path) != before


def test_a_file_that_only_points_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.vrt"
    path.write_text("<OGRVRTDataSource/>", encoding="utf-8")
    with pytest.raises(LayerError, match="VRT"):
        vectorfile.read(path)


def test_damage_that_shows_only_layer_by_layer_is_mended_layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [3]

    class Catalog:
        entries = (1, 2, 3)

    library = Library(Catalog())  # type: ignore[arg-type]

    def work() -> str:
        if left[0]:
            left[0] -= 1
            raise CacheError("damaged")
        return "done"

    assert library.trying(work) == "done" and left == [0]
