"""The peer most people use: geopandas, on whole layers (overlay) or on layers cut into pieces (sjoin)."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from benchmarks.engine.answers import Answers, columns
from benchmarks.engine.arrays import PIECE_VERTICES, cut, summed
from benchmarks.engine.data import Geometries

PLANE = "+proj=laea +lon_0=118.05 +lat_0=43.75 +ellps=GRS80 +units=m"


class Geopandas:
    """`overlay` and `sjoin_nearest` on the layers as they come; `sjoin`, intersection and `groupby` on pieces."""

    whole = True

    def __init__(self, subdivided: bool) -> None:
        import geopandas

        self.version = f"geopandas {geopandas.__version__}, shapely {shapely.__version__}"
        kind = f"分块图层（≤{PIECE_VERTICES} 顶点），sjoin" if subdivided else "原图层，overlay"
        self.name = f"geopandas {kind} + sjoin_nearest"
        self._subdivided = subdivided
        self._layers: dict[str, Any] = {}

    def prepare(self, layers: dict[str, Geometries]) -> None:
        """Make a frame of each layer and build its index."""
        import geopandas

        for layer, zones in layers.items():
            shapes, zone = (
                ((prepared := cut(zones)).pieces, prepared.zone) if self._subdivided else (zones, np.arange(len(zones)))
            )
            self._layers[layer] = geopandas.GeoDataFrame({"zone": zone}, geometry=shapes, crs=PLANE)
            assert self._layers[layer].has_sindex is not None and len(self._layers[layer].sindex)

    def load(self, sites: Geometries) -> Any:
        """Make a frame of the sites."""
        import geopandas

        return geopandas.GeoDataFrame({"site": np.arange(len(sites))}, geometry=sites, crs=PLANE)

    def batch(self, sites: Any) -> Answers:
        """Do layer after layer."""
        return {layer: self._layer(sites, zones) for layer, zones in self._layers.items()}

    def _layer(self, sites: Any, zones: Any) -> Any:
        polygons = shapely.get_dimensions(zones.geometry.values[0]) == 2
        if self._subdivided or not polygons:
            pairs = sites.sjoin(zones, predicate="intersects")
            pieces = zones.geometry.values[pairs["index_right"].to_numpy()]
            area = pairs.geometry.values.intersection(pieces).area
            found = summed(pairs["site"].to_numpy(), pairs["zone"].to_numpy(), area)
        else:
            parts = sites.overlay(zones, how="intersection", keep_geom_type=True)
            found = (parts["site"].to_numpy(), parts["zone"].to_numpy(), parts.geometry.area.to_numpy())
        distance = np.zeros(len(sites))
        missed = sites[~sites["site"].isin(found[0])]
        if len(missed):
            near = missed.sjoin_nearest(zones, distance_col="metres").drop_duplicates("site")
            distance[near["site"].to_numpy()] = near["metres"].to_numpy()
        return columns(*found, distance)

    def answers(self, made: Answers) -> Answers:
        """They are columns already."""
        return made

    def check(self, site: shapely.Polygon) -> None:
        """A frame of one row."""
        self.batch(self.load(np.array([site], dtype=object)))

    def close(self) -> None:
        """Let the frames go."""
        self._layers = {}
