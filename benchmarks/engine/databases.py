"""Two analytical databases in this process, on layers cut into pieces: DuckDB spatial and SedonaDB."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import numpy as np
import shapely

from benchmarks.engine.answers import Answers, columns
from benchmarks.engine.arrays import PIECE_VERTICES, cut
from benchmarks.engine.data import Geometries

_HITS = """
SELECT s.site, z.zone, sum(ST_Area(ST_Intersection(s.{g}, z.{g}))) AS area
FROM {sites} s JOIN {layer} z ON ST_Intersects(s.{g}, z.{g}) GROUP BY s.site, z.zone
"""


def _wkb(shapes: Geometries, **numbers: np.ndarray) -> Any:
    import pyarrow

    return pyarrow.table({**numbers, "wkb": pyarrow.array(shapely.to_wkb(shapes), type=pyarrow.binary())})


def spatial_extension() -> str:
    """Return DuckDB's spatial extension out of the wheel duckdb-ext-spatial: no download when it runs."""
    files = importlib.metadata.files("duckdb-ext-spatial") or []
    found = [str(file.locate()) for file in files if str(file).endswith("spatial.duckdb_extension")]
    if not found:
        raise FileNotFoundError("duckdb-ext-spatial 没有安装")
    return found[0]


class DuckDB:
    """The spatial join of DuckDB; it has no index for nearest neighbours, so a batch is hits and areas only."""

    whole = False

    def __init__(self, threads: int = 2) -> None:
        import duckdb

        self._database = duckdb.connect()
        self._database.execute(f"LOAD '{spatial_extension()}'")  # its signature is checked, as by INSTALL
        self._database.execute(f"SET threads = {threads}")
        self.version = f"DuckDB {duckdb.__version__}, duckdb-ext-spatial {importlib.metadata.version('duckdb-ext-spatial')}"
        self.name = f"DuckDB spatial，分块（≤{PIECE_VERTICES} 顶点），{threads} 线程"
        self._layers: tuple[str, ...] = ()

    def _table(self, name: str, shapes: Geometries, **numbers: np.ndarray) -> None:
        rows = _wkb(shapes, **numbers)
        self._database.register("incoming", rows)
        kept = ", ".join(numbers)
        self._database.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {kept}, ST_GeomFromWKB(wkb) AS geom FROM incoming")
        self._database.unregister("incoming")

    def prepare(self, layers: dict[str, Geometries]) -> None:
        """Cut the zones and load the pieces, with an R-tree."""
        for layer, zones in layers.items():
            prepared = cut(zones)
            self._table(layer, prepared.pieces, zone=prepared.zone)
            self._database.execute(f"CREATE INDEX {layer}_tree ON {layer} USING RTREE (geom)")
        self._layers = tuple(layers)

    def load(self, sites: Geometries) -> int:
        """Make a table of the sites."""
        self._table("sites", sites, site=np.arange(len(sites)))
        return len(sites)

    def batch(self, sites: object) -> Any:
        """Hits and areas of every layer; the answers stay DuckDB's own numpy columns."""
        queries = {layer: _HITS.format(sites="sites", layer=layer, g="geom") for layer in self._layers}
        return {layer: self._database.execute(query).fetchnumpy() for layer, query in queries.items()}

    def answers(self, made: Any) -> Answers:
        """Sort the columns."""
        return {layer: columns(rows["site"], rows["zone"], rows["area"], None) for layer, rows in made.items()}

    def check(self, site: shapely.Polygon) -> None:
        """One site, with distances: DuckDB looks at every piece for them."""
        wkb = shapely.to_wkb(site)
        for layer in self._layers:
            hits = self._database.execute(
                f"SELECT zone, sum(ST_Area(ST_Intersection(geom, ST_GeomFromWKB(?)))) FROM {layer} "
                "WHERE ST_Intersects(geom, ST_GeomFromWKB(?)) GROUP BY zone", [wkb, wkb],
            ).fetchall()  # fmt: skip
            if not hits:
                self._database.execute(f"SELECT min(ST_Distance(geom, ST_GeomFromWKB(?))) FROM {layer}", [wkb]).fetchall()

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class Sedona:
    """SedonaDB: spatial join and, for what was missed, the join of nearest neighbours."""

    whole = True

    def __init__(self) -> None:
        import sedona.db

        self._database = sedona.db.connect()
        self.version = f"SedonaDB {importlib.metadata.version('sedonadb')}"
        self.name = f"SedonaDB，分块（≤{PIECE_VERTICES} 顶点），ST_Intersects + ST_KNN"
        self._layers: tuple[str, ...] = ()

    def _view(self, name: str, shapes: Geometries, **numbers: np.ndarray) -> None:
        import geopandas

        frame = geopandas.GeoDataFrame(numbers, geometry=shapes)
        self._database.create_data_frame(frame).to_memtable().to_view(name, overwrite=True)

    def prepare(self, layers: dict[str, Geometries]) -> None:
        """Cut the zones and hand the pieces over."""
        for layer, zones in layers.items():
            prepared = cut(zones)
            self._view(layer, prepared.pieces, zone=prepared.zone)
        self._layers = tuple(layers)

    def load(self, sites: Geometries) -> Geometries:
        """Make a view of the sites."""
        self._view("sites", sites, site=np.arange(len(sites)))
        return sites

    def batch(self, sites: Geometries) -> Answers:
        """Hits and areas, then the nearest of what was missed."""
        return {layer: self._layer(sites, layer) for layer in self._layers}

    def _layer(self, sites: Geometries, layer: str) -> Any:
        hits = self._database.sql(_HITS.format(sites="sites", layer=layer, g="geometry")).to_pandas()
        distance = np.full(len(sites), np.nan)
        distance[hits["site"].to_numpy()] = 0.0
        missed = np.flatnonzero(np.isnan(distance))
        if len(missed):
            self._view("missed", sites[missed], site=missed)
            query = (
                f"SELECT s.site, ST_Distance(s.geometry, z.geometry) AS d FROM missed s JOIN {layer} z "
                "ON ST_KNN(s.geometry, z.geometry, 1, false)"
            )
            near = self._database.sql(query).to_pandas()
            distance[near["site"].to_numpy()] = near["d"].to_numpy()
        return columns(hits["site"], hits["zone"], hits["area"], distance)

    def answers(self, made: Answers) -> Answers:
        """They are columns already."""
        return made

    def check(self, site: shapely.Polygon) -> None:
        """A view of one row."""
        self.batch(self.load(np.array([site], dtype=object)))

    def close(self) -> None:
        """Views go with the session."""
        for layer in self._layers:
            self._database.drop_view(layer)
