"""Rasters on a site: cells cut by shapely, slope by hand, what is missing told, and the prepared tiles."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine

import linxi_layers
from linxi_gis import catalog, crs, prepared, raster, rastershelf, siteground
from linxi_gis.assess import assess
from linxi_gis.catalog import RasterEntry
from linxi_gis.cli import roof
from linxi_gis.errors import LayerError
from linxi_gis.intake import Options, read
from linxi_gis.report import extract, ground
from linxi_maps.findings import brief

GK = "EPSG:4509"
EAST, NORTH, SIZE = 500_000.0, 4_830_000.0, 20.0
DAY = date(2026, 11, 23)
ROOT = Path(__file__).resolve().parents[1]
ROOMY = prepared.Cache()


def held(path: Path, kind: str = "landcover", **more: object) -> RasterEntry:
    base = RasterEntry(
        id=kind, kind=kind, title="栅格", path=path, version="1", status="approved", demonstration=False,
        effective_from=None, effective_to=None, authority="", document="", crs=None, band=1, nodata=None,
        classes=((1, "森林"), (2, "草地")), forest=(1,),
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def write(path: Path, cells: NDArray[np.generic], nodata: float | None = None) -> Path:
    profile = {"driver": "GTiff", "height": cells.shape[0], "width": cells.shape[1], "count": 1, "dtype": cells.dtype.name}
    with rasterio.open(
        path, "w", **profile, crs=GK, nodata=nodata, transform=Affine(SIZE, 0, EAST, 0, -SIZE, NORTH)
    ) as file:
        file.write(cells, 1)
    return path


def plane(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape in metres east and south of the raster's corner, in the area plane, its long edges cut."""
    moved = shapely.transform(shape, lambda xy: xy * [1, -1] + [EAST, NORTH])
    return crs.to_plane(moved, GK)


def cell(row: int, col: int) -> shapely.Geometry:
    return shapely.box(col * SIZE, row * SIZE, (col + 1) * SIZE, (row + 1) * SIZE)


def noise(rows: int, columns: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(1, 4, (rows, columns)).astype(np.uint8)


SLANTED = shapely.Polygon([(33, 41), (871, 127), (640, 903), (411, 333), (90, 777)])


@pytest.mark.parametrize("folder", [None, "cache"])
def test_shares_are_those_of_cells_cut_as_polygons(folder: str | None, tmp_path: Path) -> None:
    cells = noise(50, 50)
    entry = held(write(tmp_path / "cover.tif", cells))
    cache = prepared.Cache(None if folder is None else tmp_path / folder)
    (found,) = siteground.surfaces(plane(SLANTED), [entry], DAY, cache)
    cut = np.array([[cell(r, c).intersection(SLANTED).area for c in range(50)] for r in range(50)])
    for one in found.classes:
        assert one.share == pytest.approx(cut[cells == one.value].sum() / SLANTED.area, abs=1e-6)
    assert found.forest_share == found.classes[0].share and found.classes[1].word == "草地"
    assert sum(one.share for one in found.classes) == pytest.approx(1.0, abs=1e-14)
    assert (found.known_share, found.nodata_share, found.outside_share, found.why) == (1.0, 0.0, 0.0, "")


def test_a_site_all_of_one_class_is_one_and_not_a_hair_more(tmp_path: Path) -> None:
    entry = held(write(tmp_path / "cover.tif", np.ones((600, 600), dtype=np.uint8)))
    for corner in range(0, 9000, 1500):
        (found,) = siteground.surfaces(plane(shapely.box(corner, corner, corner + 2000, corner + 2500)), [entry], DAY, ROOMY)
        assert found.classes[0].share == found.forest_share == 1.0


def test_a_line_counts_by_its_length_in_each_cell(tmp_path: Path) -> None:
    cells = noise(50, 50)
    line = shapely.LineString([(33, 41), (871, 127), (640, 903)])
    (found,) = siteground.surfaces(plane(line), [held(write(tmp_path / "cover.tif", cells))], DAY, ROOMY)
    cut = np.array([[cell(r, c).intersection(line).length for c in range(50)] for r in range(50)])
    for one in found.classes:
        assert one.share == pytest.approx(cut[cells == one.value].sum() / line.length, abs=1e-6)
    heights = (cells * 100.0).astype(np.float32)
    profile = held(write(tmp_path / "height.tif", heights), "elevation")
    (high,) = siteground.surfaces(plane(line), [profile], DAY, ROOMY)
    assert high.mean_m == pytest.approx((cut * heights).sum() / line.length, rel=1e-6)
    assert (high.minimum_m, high.maximum_m) == (heights[cut > 0].min(), heights[cut > 0].max())


def test_a_point_has_the_value_of_its_cell_and_the_slope_by_hand(tmp_path: Path) -> None:
    heights = np.add.outer(np.arange(9.0) * 4.0, np.arange(9.0) * 3.0).astype(np.float32)  # 4 m down, 3 m across a cell
    entry = held(write(tmp_path / "height.tif", heights), "elevation")
    (found,) = siteground.surfaces(plane(shapely.Point(90, 70)), [entry], DAY, prepared.Cache(tmp_path / "c"))
    assert found.minimum_m == found.mean_m == found.maximum_m == 4 * 3.0 + 3 * 4.0
    assert found.slope_max_deg == pytest.approx(np.degrees(np.arctan(5.0 / SIZE)), rel=2e-3)  # the plane's scale
    assert "坡度" in ground.lines([found])[0][1] and "～" not in ground.lines([found])[0][1]


def test_what_is_missing_is_told_with_its_share_and_never_zero(tmp_path: Path) -> None:
    cells = np.ones((10, 10), dtype=np.uint8)
    cells[:, :5] = 0
    entry = held(write(tmp_path / "cover.tif", cells, nodata=0))
    whole = plane(shapely.box(0, 0, 400, 200))  # a quarter without data, a quarter forest, half beyond the raster
    (found,) = siteground.surfaces(whole, [entry], DAY, ROOMY)
    assert (found.nodata_share, found.outside_share) == pytest.approx((0.25, 0.5), abs=1e-5)
    assert found.forest_share == pytest.approx(0.25, abs=1e-5)
    assert "无数据 25.00 %" in found.why and "在栅格以外 50.00 %" in found.why
    assert ground.body(found)["status"] == "partial"
    heights = held(write(tmp_path / "height.tif", cells.astype(np.float32), nodata=0), "elevation")
    (high,) = siteground.surfaces(whole, [heights], DAY, ROOMY)
    assert (high.nodata_share, high.minimum_m) == (pytest.approx(0.25, abs=1e-5), 1.0)
    for nothing in (shapely.box(10, 10, 90, 90), shapely.box(5000, 0, 5100, 50), shapely.Point(30, 30)):
        for none in siteground.surfaces(plane(nothing), [entry, heights], DAY, ROOMY):
            assert none.unchecked and none.forest_share is None and none.mean_m is None and none.why
            assert ground.lines([none])[0][1].startswith("未核查")


def test_a_raster_that_cannot_be_read_or_is_not_in_force_is_unchecked(tmp_path: Path) -> None:
    (tmp_path / "broken.tif").write_bytes(b"II*\0 no raster")
    rasters = [
        held(tmp_path / "none.tif", id="a"), held(tmp_path / "broken.tif", id="b"),
        held(tmp_path / "none.tif", id="c", effective_to=date(2020, 1, 1)), held(tmp_path / "x.tif", id="d", status="draft"),
    ]  # fmt: skip
    for cache in (ROOMY, prepared.Cache(tmp_path / "cache")):
        found = siteground.surfaces(plane(SLANTED), rasters, DAY, cache)
        assert [one.id for one in found] == ["a", "b", "c"] and all(one.unchecked for one in found)
        assert ["不存在" in found[0].why, "读不出来" in found[1].why, "没有生效的版本" in found[2].why] == [True] * 3


def test_tiles_hold_what_the_file_holds_and_are_made_again_when_it_changes(tmp_path: Path) -> None:
    cells = noise(300, 520)
    entry = held(write(tmp_path / "cover.tif", cells, nodata=3))
    cache = prepared.Cache(tmp_path / "cache")
    box = raster.Window(250, 300, 200, 520)  # over four tiles, to the raster's end
    for _ in range(2):
        with rastershelf.opened(entry, cache) as tiles, raster.opened(entry) as file:
            (ours, known), (theirs, there) = tiles.values(box), file.values(box)
            assert type(tiles.cells) is not type(file.cells)
            assert np.array_equal(ours, theirs) and np.array_equal(known, there) and not known.all()
    assert len(list((tmp_path / "cache" / "layers").iterdir())) == 1
    write(entry.path, np.full_like(cells, 2))
    with rastershelf.opened(entry, cache) as tiles:
        assert set(tiles.values(box)[0].ravel().tolist()) == {2}
    assert prepared.clean(tmp_path / "cache", everything=True).files >= 2


def test_a_raster_that_changes_while_it_is_cut_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = held(write(tmp_path / "cover.tif", noise(50, 50)))
    cut = rastershelf._cut

    def cut_and_changed(read: raster.Raster, row: int, col: int) -> object:
        tile = cut(read, row, col)
        entry.path.write_bytes(entry.path.read_bytes() + b"more")
        return tile

    monkeypatch.setattr(rastershelf, "_cut", cut_and_changed)
    with pytest.raises(LayerError, match="正在变动"), rastershelf.opened(entry, prepared.Cache(tmp_path / "cache")):
        pass
    assert not list((tmp_path / "cache").rglob("*.blob"))


def test_a_damaged_tile_is_never_used(tmp_path: Path) -> None:
    cells = noise(50, 50)
    entry = held(write(tmp_path / "cover.tif", cells))
    told: list[str] = []
    cache = prepared.Cache(tmp_path / "cache", told.append)
    whole = siteground.surfaces(plane(SLANTED), [entry], DAY, cache)
    (kept,) = (tmp_path / "cache" / "layers").iterdir()
    spoilt = bytearray(kept.read_bytes())
    at = spoilt.index(cells[3, :50].tobytes())
    spoilt[at + 9] ^= 3
    kept.write_bytes(bytes(spoilt))
    assert siteground.surfaces(plane(SLANTED), [entry], DAY, cache) == whole
    assert told and not kept.exists()


def test_the_extract_the_terminal_and_the_map_say_it_and_the_verdict_does_not_care(tmp_path: Path) -> None:
    office = roof.open_office(str(linxi_layers.demo_catalog()))
    outline = office.library.county_lonlat(DAY)
    sites = read(ROOT / "examples" / "tailings_zone39.txt", Options(county=outline)).sites
    library = replace(office.library, cache=prepared.Cache(tmp_path / "cache"))
    bare = replace(library, catalog=replace(library.catalog, rasters=()))
    mine, none = (assess(sites, one, office.rulebook, DAY)[0] for one in (library, bare))
    body, plain = extract.build(mine), extract.build(none)
    jsonschema.validate(body, extract.schema())
    assert [one["id"] for one in body["rasters"]] == [one.id for one in catalog.read(linxi_layers.demo_catalog()).rasters]
    assert all(one["status"] == "measured" for one in body["rasters"]) and "rasters" not in plain
    same = [{k: v for k, v in one.items() if k not in ("rasters", "digest")} for one in (body, plain)]
    assert json.dumps(same[0]) == json.dumps(same[1])
    told = ground.lines(mine.surfaces)
    assert all(words in brief(mine) and words not in brief(none) for _, words in told)
