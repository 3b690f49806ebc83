"""Put what was drawn where a ruling says it lies: columns turned, prefixes shifted, datums undone."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from linxi_gis.crs import FloatArray
from linxi_gis.datum import to_cgcs2000
from linxi_gis.errors import CrsError
from linxi_gis.intake.angles import packed_dms
from linxi_gis.intake.court import Ruling

# Degrees written DD.MMSS: the last digit shown is no finer than this.
_FINEST = 1e-10


def east_first(geometry: Any, ruling: Ruling) -> Any:
    """Return one geometry or an array of them in `ruling.system`, x east, without heights.

    Raises CrsError for degrees that cannot be written DD.MMSS when the ruling says they are.
    """
    flat = shapely.force_2d(geometry) if np.any(shapely.has_z(geometry)) else geometry
    if not (ruling.east or ruling.shift_m or ruling.datum or ruling.packed):
        return flat

    def turn(xy: FloatArray) -> FloatArray:
        turned = xy[:, ::-1] if ruling.east else xy
        turned = turned + np.array([ruling.shift_m, 0.0]) if ruling.shift_m else turned
        turned = unpacked(turned) if ruling.packed else turned
        return to_cgcs2000(turned, ruling.datum) if ruling.datum else turned

    return shapely.transform(flat, turn)


def unpacked(degrees: FloatArray) -> FloatArray:
    """Return the degrees meant by DD.MMSS[ss], of any shape; raises CrsError where there are none.

    >>> unpacked(np.array([[118.0327, 43.3600]])).round(6)
    array([[118.0575, 43.6   ]])
    """
    meant = [packed_dms(float(value), _FINEST) for value in degrees.ravel()]
    if None in meant:
        value = float(degrees.ravel()[meant.index(None)])
        raise CrsError(f"{value:.9g} 不是度分秒连写：分或秒不小于 60", remedy="请去掉 --crs DMS，或核对该坐标")
    return np.array(meant, dtype=np.float64).reshape(degrees.shape)
