"""Pieces of zones are the zones: nothing lost, nothing in the wrong place, each of one part; prepared arrays are an index."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from linxi_gis import engine, pieces, zonestore
from linxi_gis.errors import CacheError

# The upper half of it is two triangles. Asked for what is in the box from (7, 12) to (9, 13), on whose sides corners
# lie, clip_by_rect of GEOS 3.14 gives the triangle between them, which has the same area.
NOTCHED = shapely.Polygon([(9, 12), (9, 11), (8, 11), (7, 11), (7, 12), (7, 13), (8, 12), (9, 13), (9, 12)])


def one(shape: shapely.Geometry) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
    column = np.empty(1, dtype=object)
    column[0] = shape
    return column


@pytest.mark.parametrize("size", [1.0, 100.0, 4096.0])
def test_pieces_lie_where_the_zone_does(size: float) -> None:
    zone = shapely.transform(NOTCHED, lambda xy: xy * size)
    made, rows = pieces.cut(one(zone), 5)
    assert len(made) > 2
    assert rows.tolist() == [0] * len(made)
    assert shapely.area(shapely.symmetric_difference(shapely.union_all(made), zone)) == 0.0


def test_pieces_in_the_wrong_place_are_noticed_and_cut_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def beside(area: shapely.Geometry, box: pieces.Box) -> shapely.Geometry:
        return shapely.transform(shapely.clip_by_rect(area, *box), lambda xy: xy + 1.0)

    monkeypatch.setattr(pieces, "_clipped", beside)
    made, _ = pieces.cut(one(NOTCHED), 5)
    assert len(made) > 2
    assert shapely.area(shapely.symmetric_difference(shapely.union_all(made), NOTCHED)) == 0.0


def test_parts_are_apart() -> None:
    two = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(1e5, 0, 1e5 + 1, 1)])
    made, rows = pieces.cut(np.array([shapely.box(5, 5, 6, 6), two, shapely.Point(0, 0)], dtype=object))
    assert rows.tolist() == [0, 1, 1, 2]
    assert shapely.get_type_id(made).tolist() == [3, 3, 3, 0]


def test_a_prepared_layer_is_the_plain_index_and_is_checked_when_read() -> None:
    circles = np.asarray(shapely.buffer(shapely.points([[0, 0], [500, 0]]), 100.0, quad_segs=200), dtype=object)
    zones = zonestore.Zones.of(circles)
    index = engine.open_index(dict(zones.arrays))
    site = one(shapely.box(-10, -10, 10, 10))
    met, near = engine.both(index, site, 450.0, 1000.0)
    assert met.zone.tolist() == [0]
    assert met.area_m2[0] == pytest.approx(400.0, rel=1e-12)
    assert near.distance_m.tolist() == pytest.approx([0.0, 390.0])
    for kind in ("piece", "zone"):
        arrays = dict(zones.arrays)
        arrays[f"{kind}.blob"] = arrays[f"{kind}.blob"].copy()
        arrays[f"{kind}.blob"][64::50] ^= 1
        with pytest.raises(CacheError):  # outlines are read from the zones themselves
            engine.both(engine.open_index(arrays), site, 450.0, 1000.0)
