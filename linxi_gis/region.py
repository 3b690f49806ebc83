"""A large area asked of many sites whether they lie in it: a lattice answers for all but those at its border."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from linxi_gis import overlay
from linxi_gis.crs import FloatArray, Geometry
from linxi_gis.geometry import own
from linxi_gis.model import GeometryArray

_CELLS = 128  # along each side: some 50 ms to make, and of parcels a hundredth is left to ask
_SLACK_M = 1e-3  # more than rounding moves a line of the lattice
_OUT, _ASK, _IN = -1, 0, 1


class Region:
    """An area of the plane. Not for two threads at once."""

    def __init__(self, area: Geometry) -> None:
        self.area = area
        self._box = np.array(shapely.bounds(area), dtype=np.float64)
        self._side = np.maximum((self._box[2:] - self._box[:2]) / _CELLS, _SLACK_M)
        low = self._box[:2] + self._side * np.stack(np.meshgrid(*[np.arange(_CELLS)] * 2, indexing="ij"), axis=-1)
        cells = shapely.box(low[..., 0], low[..., 1], *np.moveaxis(low + self._side, -1, 0))
        mine = own(area)
        self._full = _summed(shapely.covers(mine, cells))
        self._met = _summed(shapely.intersects(mine, cells))

    def covered_share(self, grounds: GeometryArray) -> FloatArray:
        """As `overlay.covered_share`: how much of each site lies here, 0..1."""
        known = self._known(grounds)
        share: FloatArray = (known == _IN).astype(np.float64)
        asked = np.flatnonzero(known == _ASK)
        if len(asked):
            share[asked] = overlay.covered_share(grounds[asked], self.area)
        return share

    def sides(self, grounds: GeometryArray) -> NDArray[np.int8]:
        """Return for each site 0 where all of it lies here, 1 where some, 2 where nothing."""
        known = self._known(grounds)
        side = np.where(known == _IN, 0, 2).astype(np.int8)
        asked = np.flatnonzero(known == _ASK)
        if len(asked):
            mine = own(self.area)
            met = np.where(shapely.intersects(mine, grounds[asked]), 1, 2)
            side[asked] = np.where(shapely.covers(mine, grounds[asked]), 0, met)
        return side

    def _known(self, grounds: GeometryArray) -> NDArray[np.int8]:
        """Return what the cells under the box of each site tell: all are full, none is met, or neither."""
        box = shapely.bounds(grounds) + _SLACK_M * np.array([-1.0, -1.0, 1.0, 1.0])
        first = np.floor((box[:, :2] - self._box[:2]) / self._side)
        last = np.floor((box[:, 2:] - self._box[:2]) / self._side)
        within = (first >= 0.0).all(axis=1) & (last < _CELLS).all(axis=1)
        apart = ~((last >= 0.0).all(axis=1) & (first < _CELLS).all(axis=1))
        a = np.clip(first, 0, _CELLS - 1).astype(np.intp)
        b = np.clip(last, 0, _CELLS - 1).astype(np.intp) + 1
        full = within & (_total(self._full, a, b) == (b - a).prod(axis=1))
        none = apart | (_total(self._met, a, b) == 0)
        known = np.full(len(grounds), _ASK, dtype=np.int8)
        known[full], known[none] = _IN, _OUT
        return known


def _summed(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many are set to the left of and below each corner of the lattice."""
    made = np.zeros((_CELLS + 1, _CELLS + 1), dtype=np.int64)
    made[1:, 1:] = flags.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    return made


def _total(summed: NDArray[np.int64], a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return how many are set from corner a to corner b."""
    (i, j), (k, m) = a.T, b.T
    return np.asarray(summed[k, m] - summed[i, m] - summed[k, j] + summed[i, j])
