"""Ours: the engine's own functions on arrays, compiled or plain, in one thread or several."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from benchmarks.engine.answers import FAR_M, Answers, Columns, columns
from benchmarks.engine.data import Geometries


def build(zones: Geometries, fast: bool) -> dict[str, Any]:
    """Return the index of a layer as named arrays."""
    from linxi_gis import engine

    made: dict[str, Any] = engine.build(zones, "fast" if fast else "plain")
    return made


def write(index: dict[str, Any], folder: Path) -> None:
    """Write an index as .npy files, as a prepared layer is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in index.items():
        np.save(folder / f"{name}.npy", array)


def prepare(zones: Geometries, fast: bool, folder: Path) -> None:
    """Build the index of a layer and write it."""
    write(build(zones, fast), folder)


def open_(folder: Path) -> dict[str, Any]:
    """Open a written index by memory map."""
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}


class Ours:
    """linxi_gis.engine: overlaps and near of every layer; it shares its work among threads itself."""

    whole = True

    def __init__(self, fast: bool, threads: int) -> None:
        import linxi_gis
        from linxi_gis import engine

        self._engine: Any = engine
        self._fast, self._threads = fast, threads
        kind = "编译内核" if fast else "不编译（只用 shapely）"
        self.name = f"linxi_gis {kind}，{threads} 线程"
        self.version = f"linxi_gis {linxi_gis.__version__}, shapely {shapely.__version__}"
        if fast:
            import numba

            engine.warm()
            self.version += f", numba {numba.__version__}"
        self._layers: dict[str, tuple[bool, Any]] = {}

    def prepare(self, layers: dict[str, Geometries]) -> None:
        """Build the index of every layer, and open it."""
        for layer, zones in layers.items():
            area = bool((shapely.get_dimensions(zones) == 2).all())
            self._layers[layer] = (area, self._engine.open_index(build(zones, self._fast)))

    def load(self, sites: Geometries) -> tuple[Geometries, Any]:
        """Make rings of the sites for the compiled kernel."""
        from linxi_gis.engine import rings

        return sites, rings.of(sites) if self._fast else sites

    def batch(self, sites: tuple[Geometries, Any]) -> Any:
        """Do layer after layer."""
        shapes, mine = sites
        both, threads = self._engine.both, self._threads
        found = {layer: both(index, mine, 0.0, FAR_M, threads=threads) for layer, (_, index) in self._layers.items()}
        return len(shapes), found

    def answers(self, made: Any) -> Answers:
        """Return the engine's columns as the benchmark's."""
        count, found = made
        return {layer: answer(*both, self._layers[layer][0], count) for layer, both in found.items()}

    def check(self, site: shapely.Polygon) -> None:
        """One site, from its geometry."""
        self.batch(self.load(np.array([site], dtype=object)))

    def close(self) -> None:
        """Let the indexes go."""
        self._layers = {}


def answer(common: Any, near: Any, area: bool, count: int) -> Columns:
    """Return the engine's columns as the benchmark's; what meets a line or a point has no area in common with it."""
    distance = np.full(count, np.inf)
    np.minimum.at(distance, near.site, near.distance_m)
    if area:
        return columns(common.site, common.zone, common.area_m2, distance)
    met = near.distance_m == 0.0
    return columns(near.site[met], near.zone[met], np.zeros(int(met.sum())), distance)


def site_of(shape: shapely.Polygon) -> Any:
    """Return a site of a geometry in the area plane."""
    from linxi_gis import crs
    from linxi_gis.footprint import make_site
    from linxi_gis.model import Reference

    return make_site(crs.lonlat_of_plane(shape), Reference(crs.LONLAT, "人造"), site_id="人造")


def layers(catalog: Path) -> list[Any]:
    """Return the layers of a catalogue that can be used, as the tool opens them."""
    from linxi_gis import catalog as catalogs
    from linxi_gis.library import Library
    from linxi_gis.model import Layer

    found = Library(catalogs.read(catalog)).layers(date(2026, 11, 24))
    return [layer for layer in found if isinstance(layer, Layer)]


def opening(catalog: Path, layer: str) -> Callable[[], Any]:
    """Return what makes one layer in memory ready for measuring, with nothing kept, as a function."""
    from linxi_gis.benches import benches

    wanted = [one for one in layers(catalog) if one.identity.id == layer]
    return lambda: benches(wanted)


def screening(opened: list[Any]) -> Callable[[Any], None]:
    """Return what `linxi screen` says of a site, and the service's measurements, as a function of one site."""
    from linxi_gis import screening as screened
    from linxi_gis.benches import benches

    ready = benches(opened)

    def check(site: Any) -> None:
        ground = np.array([site.ground], dtype=object)
        screened.measure_block(ground, np.array([2], dtype=np.int8), np.array([site.area_m2]), ready)

    return check


def measuring(opened: list[Any]) -> Callable[[Any], None]:
    """Return what a report says of a site as a function of one site."""
    from linxi_gis import overlay

    def check(site: Any) -> None:
        for layer in opened:
            overlay.measure([site], layer)

    return check
