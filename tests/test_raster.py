"""Rasters in polygons: shares of cells that can be computed in the head, then exactextract's, then geodesic areas."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from yard import DAY, EAST, GK, NORTH, entry, square, write_catalog, write_layer

import linxi_layers
from linxi_gis import catalog, cellshare, crs, raster
from linxi_gis.catalog import RasterEntry
from linxi_gis.cellshare import Window
from linxi_gis.errors import CatalogError, CrsError, LayerError
from linxi_layers.demo import rasters

GEOD = pyproj.Geod(ellps="GRS80")
DEM = "terrain/dem_30arcsec_linxi.tif"
# exactextract 0.3.0 on the county outline and that elevation model: the sum of its coverage shares (cells), the
# mean of elevation weighted with them (m), the share of cells above 1000 m. Written down, so that no test needs it.
EXACT_CELLS, EXACT_MEAN_M, EXACT_ABOVE = 6084.43679, 981.935723, 0.427092668


def held(path: Path, kind: str = "landcover", **more: object) -> RasterEntry:
    base = RasterEntry(
        id="r", kind=kind, title="栅格", path=path, version="1", status="approved", demonstration=False,
        effective_from=None, effective_to=None, authority="", document="", crs=None, band=1, nodata=None,
        classes=(), forest=(),
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def write(path: Path, cells: NDArray[np.generic], transform: Affine, system: str | None = GK, **more: object) -> Path:
    profile = {"driver": "GTiff", "height": cells.shape[0], "width": cells.shape[1], "count": 1, "dtype": cells.dtype.name}
    with rasterio.open(path, "w", **profile, crs=system, transform=transform, **more) as file:
        file.write(cells, 1)
    return path


def yard_grid(rows: int, columns: int, size: float) -> Affine:
    """A grid whose lower left corner is that of the yard."""
    return Affine(size, 0.0, EAST, 0.0, -size, NORTH + rows * size)


def county() -> shapely.Geometry:
    drawn = shapely.from_geojson(linxi_layers.demo_outline().read_text(encoding="utf-8"))
    return crs.to_plane(shapely.union_all(shapely.get_parts(drawn)))


def test_a_quarter_of_a_cell_counts_as_a_quarter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.array([[1, 2], [3, 4]], dtype=np.uint8), yard_grid(2, 2, 100.0))
    half = crs.to_plane(square(50, 50, 100), GK)  # a quarter of each cell
    with raster.opened(held(path)) as opened:
        found = raster.tally(opened, half)
    assert [value for value, _ in found.by_value] == [1, 2, 3, 4]
    assert [area for _, area in found.by_value] == pytest.approx([2500.0 / 1.00016] * 4, rel=1e-5)
    assert found.known_m2 == pytest.approx(found.area_m2, rel=1e-9)
    assert found.outside_m2 == 0.0 and found.nodata_m2 == 0.0


def test_holes_islands_and_a_shape_over_the_rim_are_exact() -> None:
    ring = shapely.box(-3, -1, 4.5, 3.25).difference(shapely.box(0.5, 0.5, 1.75, 2.0))
    shape = shapely.union_all([ring, shapely.box(6.2, 1.1, 6.3, 1.3)])
    window = Window(0, 3, 0, 7)
    exact = [[shapely.box(i, j, i + 1, j + 1).intersection(shape).area for i in range(7)] for j in range(3)]
    edges = cellshare.edges_of(shape)
    assert cellshare.shares(edges, window) == pytest.approx(np.array(exact), abs=1e-12)
    below = cellshare.shares(edges, Window(2, 3, 1, 6))
    assert below == pytest.approx(np.array(exact)[2:3, 1:6], abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_those_of_cells_cut_as_polygons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blobs = shapely.buffer(shapely.points(rng.random((6, 2)) * 12.0), rng.random(6) * 3.0 + 0.01)
    shape = shapely.difference(shapely.union_all(blobs), shapely.box(5, 5, 6, 7.5))
    exact = [[shapely.box(i, j, i + 1, j + 1).intersection(shape).area for i in range(12)] for j in range(12)]
    assert cellshare.shares(cellshare.edges_of(shape), Window(0, 12, 0, 12)) == pytest.approx(np.array(exact), abs=1e-12)


def test_cells_without_a_value_and_what_lies_beyond_are_told(tmp_path: Path) -> None:
    cells = np.array([[1, 0], [1, 9]], dtype=np.uint8)
    path = write(tmp_path / "a.tif", cells, yard_grid(2, 2, 100.0), nodata=0)
    wide = crs.to_plane(square(0, 0, 300, 200), GK)
    with raster.opened(held(path, nodata=9.0)) as opened:
        found = raster.tally(opened, wide)
    cell = 10_000.0 / 1.00016
    assert found.by_value == ((1, pytest.approx(2 * cell, rel=1e-5)),)
    assert found.nodata_m2 == pytest.approx(2 * cell, rel=1e-5)
    assert found.outside_m2 == pytest.approx(2 * cell, rel=1e-5)
    assert found.known_m2 + found.nodata_m2 + found.outside_m2 == pytest.approx(found.area_m2, rel=1e-12)


@pytest.mark.parametrize("system", ["EPSG:4490", "EPSG:4326", "EPSG:32650", "EPSG:4528", "EPSG:3857"])
def test_the_same_ground_measures_the_same_in_any_system(system: str, tmp_path: Path) -> None:
    shape = crs.to_plane(square(120, 340, 4000, 3000), GK)
    target = pyproj.Transformer.from_crs(GK, system, always_xy=True)
    west, south, east, north = target.transform_bounds(EAST - 500, NORTH - 500, EAST + 5000, NORTH + 5000)
    grid = Affine((east - west) / 90, 0.0, west, 0.0, (south - north) / 70, north)
    path = write(tmp_path / "a.tif", np.ones((70, 90), dtype=np.uint8), grid, system)
    with raster.opened(held(path)) as opened:
        found = raster.tally(opened, shape)
    assert found.known_m2 == pytest.approx(found.area_m2, rel=5e-8) and found.residue < 5e-8


def test_a_turned_raster_measures_as_any_other(tmp_path: Path) -> None:
    turned = Affine.translation(EAST - 3000, NORTH + 2000) @ Affine.rotation(30.0) @ Affine.scale(40.0, -40.0)
    path = write(tmp_path / "a.tif", np.ones((250, 250), dtype=np.uint8), turned)
    with raster.opened(held(path)) as opened:
        found = raster.tally(opened, crs.to_plane(square(0, 0, 1000), GK))
    assert found.residue < 1e-8 and found.known_m2 == pytest.approx(found.area_m2, rel=1e-8)


def _cell_area(west: float, north: float, step: float) -> float:
    lon = np.concatenate([np.linspace(west, west + step, 40), np.linspace(west + step, west, 40)])
    lat = np.repeat([north - step, north], 40)
    return abs(GEOD.polygon_area_perimeter(lon, lat)[0])


def test_a_whole_cell_has_its_geodesic_area(shared: Path) -> None:
    with raster.opened(held(shared / DEM, "elevation")) as opened:
        areas = raster._cell_areas(opened, Window(0, opened.height, 0, opened.width))
        step, _, west, _, _, north = opened.affine
        for row in (0, 57, 239):
            assert areas[row, 100] == pytest.approx(_cell_area(west + 100 * step, north - row * step, step), rel=1e-6)


def test_county_agrees_with_exactextract(shared: Path) -> None:
    with raster.opened(held(shared / DEM, "elevation")) as opened:
        moved = raster._cells(opened, county())
        window = Window(0, opened.height, 0, opened.width)
        share = cellshare.shares(cellshare.edges_of(moved), window)
        heights, _ = opened.values(window)
    assert share.sum() == pytest.approx(EXACT_CELLS, rel=1e-6)
    assert (share * heights).sum() / share.sum() == pytest.approx(EXACT_MEAN_M, rel=1e-6)
    assert share[heights > 1000].sum() / share.sum() == pytest.approx(EXACT_ABOVE, rel=1e-6)


def test_elevation_of_the_county_and_slope_of_a_plane(shared: Path, tmp_path: Path) -> None:
    with raster.opened(held(shared / DEM, "elevation")) as opened:
        found = raster.relief(opened, county())
    assert found.minimum_m == 614.0 and found.mean_m == pytest.approx(981.6, abs=0.5)
    height = np.broadcast_to(np.arange(50, dtype=np.float32) * 10.0, (50, 50))
    path = write(tmp_path / "a.tif", height, yard_grid(50, 50, 100.0))  # 10 m up on 100 m
    with raster.opened(held(path, "elevation")) as opened:
        tilted = raster.relief(opened, crs.to_plane(square(1000, 1000, 2000), GK))
    assert tilted.slope_mean_deg == pytest.approx(np.degrees(np.arctan(0.1)), rel=1e-3)
    assert (tilted.minimum_m, tilted.maximum_m) == (100.0, 290.0) and tilted.mean_m == pytest.approx(195.0, abs=1e-3)


def test_memory_is_that_of_a_strip_not_of_the_raster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.tif"
    profile = {"driver": "GTiff", "height": 40_000, "width": 40_000, "count": 1, "dtype": "uint8", "tiled": True}
    with rasterio.open(path, "w", **profile, crs=GK, transform=yard_grid(40_000, 40_000, 1.0), compress="deflate",
                       sparse_ok=True):  # fmt: skip
        pass
    shape = crs.to_plane(square(10, 10, 2000), GK)  # 4 million cells of 1.6 thousand million
    monkeypatch.setattr(raster, "STRIP_CELLS", 200_000)
    tracemalloc.start()
    with raster.opened(held(path)) as opened:
        found = raster.tally(opened, shape)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.known_m2 == pytest.approx(found.area_m2, rel=1e-8) and peak < 60e6


@pytest.mark.parametrize(("system", "transform", "told"), [
    (None, yard_grid(2, 2, 100.0), "没有坐标系"),
    (GK, Affine.identity(), "没有坐标参照"),
])  # fmt: skip
def test_a_raster_without_a_place_is_refused(
    system: str | None, transform: Affine, told: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write(tmp_path / "a.tif", np.ones((2, 2), dtype=np.uint8), transform, system)
    with pytest.raises(LayerError, match=told), raster.opened(held(path)):
        pass
    with pytest.raises(LayerError, match="不存在"), raster.opened(held(tmp_path / "none.tif")):
        pass
    (tmp_path / "broken.tif").write_bytes(b"II*\0 no raster")
    with pytest.raises(LayerError, match="读不出来"), raster.opened(held(tmp_path / "broken.tif")):
        pass


def add(path: Path, block: str) -> Path:
    path.write_text(path.read_text(encoding="utf-8") + "\n[[raster]]\n" + block + "\n", encoding="utf-8")
    return path


def test_the_catalogue_knows_rasters_and_refuses_unknown_keys(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 100)])
    block = 'id = "f"\nkind = "forest"\ntitle = "森林"\npath = "f.tif"\nforest = [1, 2]\neffective_to = 2024-12-31'
    path = add(write_catalog(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")]), block)
    one = catalog.read(path).rasters[0]
    assert (one.forest, one.path, one.in_force(DAY), one.in_force(date(2024, 12, 31))) == (
        (1, 2), (tmp_path / "f.tif").resolve(), False, True
    )  # fmt: skip
    with pytest.raises(CatalogError, match="重叠"):
        catalog.read(add(path, block.replace("2024-12-31", "2025-12-31")))
    for wrong, told in (("forests = [1]", "没有这个键"), ("nodata = true", "应为数"), ('classes = { "林" = "林" }', "像元值")):
        fresh = add(write_catalog(tmp_path, []), block + "\n" + wrong)
        with pytest.raises(CatalogError, match=told):
            catalog.read(fresh)
    with pytest.raises(CatalogError, match="哪些像元值算森林"):
        catalog.read(add(write_catalog(tmp_path, []), block.replace("forest = [1, 2]", "")))


def test_the_demonstration_rasters_come_from_their_script_and_follow_the_plan() -> None:
    folder = linxi_layers.demo_catalog().parent
    land, _ = rasters.cover(folder)
    height, _ = rasters.elevation(folder)
    for name, cells in (("landcover", land), ("elevation", height)):
        with rasterio.open(folder / f"{name}.tif") as file:
            assert file.crs.to_epsg() == 4490 and "示意" in file.tags()["NATURE"]
            # Another machine's sine may tip a cell that stands on the threshold.
            assert (file.read(1) != cells).mean() < 1e-4
        assert (folder / f"{name}.tif").stat().st_size < 300_000
    held_ = catalog.read(folder / "catalog.toml").rasters
    assert [(one.id, one.kind, one.demonstration) for one in held_] == [
        ("forest", "forest", True), ("landcover", "landcover", True), ("elevation", "elevation", True)
    ]  # fmt: skip
    with raster.opened(held_[0]) as opened:
        found = raster.tally(opened, county())
    assert found.of(held_[0].forest) / 3933e6 * 100.0 == pytest.approx(41.35, abs=0.05)
    assert json.dumps(found.by_value) and found.nodata_m2 < 0.01 * found.area_m2


def test_the_demonstration_land_cover_agrees_with_the_layers_of_what_grows() -> None:
    folder = linxi_layers.demo_catalog().parent
    with rasterio.open(folder / "landcover.tif") as file:
        land, shape, transform = file.read(1), file.shape, file.transform
    for name, least, most in (("forest_land", 0.98, 1.0), ("grassland", 0.0, 0.02), ("urban", 0.0, 0.0)):
        shapes = pyogrio.read_dataframe(folder / f"{name}.gpkg").geometry
        within = rasterize(shapes, shape, transform=transform).astype(bool)
        assert least <= (land[within] == rasters.FOREST).mean() <= most, name


def test_what_a_catalogue_says_of_a_raster_is_held_against_it(tmp_path: Path) -> None:
    folder = linxi_layers.demo_catalog().parent
    entry_ = next(one for one in catalog.read(folder / "catalog.toml").rasters if one.kind == "forest")
    with pytest.raises(CrsError, match="坐标系不一致"), raster.opened(replace(entry_, crs="EPSG:4527")):
        pass
    block = 'id = "f"\nkind = "forest"\ntitle = "森林"\npath = "f.tif"\nforest = [7]\nclasses = { "1" = "森林", "2" = "草地" }'
    with pytest.raises(CatalogError, match="像元值 7 不在 classes 里"):
        catalog.read(add(write_catalog(tmp_path, []), block))
