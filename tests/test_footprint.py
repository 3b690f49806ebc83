"""Sites in batches: a batch gives bit for bit what its members give one by one, errors too."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from linxi_gis import footprint
from linxi_gis.errors import CrsError, InputError
from linxi_gis.footprint import Sketch, make_site, make_sites
from linxi_gis.intake import read_text
from linxi_gis.model import Reference, Site

CENTRES = {
    "EPSG:4490": (118.05, 43.7, 1e-5), "EPSG:4527": (39_560_000.0, 4_840_000.0, 1.0),
    "EPSG:3857": (13_140_000.0, 5_430_000.0, 1.0), "EPSG:999999": (118.0, 43.6, 1e-5),
}  # fmt: skip


def shape(kind: int, generator: np.random.Generator, system: str) -> shapely.Geometry:
    """A geometry of one of nineteen kinds, sound and broken, some metres to kilometres wide."""
    x, y, unit = CENTRES[system]
    centre = np.array([x, y]) + unit * generator.uniform(-30_000, 30_000, 2)
    size = unit * 10 ** generator.uniform(0, 4)

    def wild(n: int) -> np.ndarray:
        return centre + size * generator.uniform(-1, 1, (n, 2))

    def star(n: int, scale: float = 1.0) -> np.ndarray:
        turn = (np.arange(n) + generator.uniform(0, 0.9, n)) * 2 * np.pi / n
        return centre + scale * size * np.column_stack((np.cos(turn), np.sin(turn)))

    made = {
        0: lambda: shapely.Point(centre),
        1: lambda: shapely.MultiPoint(wild(1)),
        2: lambda: shapely.MultiPoint(wild(3)),
        3: lambda: shapely.LineString(wild(5)),
        4: lambda: shapely.MultiLineString([wild(3), wild(4)]),
        5: lambda: shapely.LineString([centre, centre]),
        6: lambda: shapely.Polygon(wild(6)),
        7: lambda: shapely.Polygon([centre, centre + size, centre + 2 * size]),
        8: lambda: shapely.GeometryCollection([shapely.Point(centre), shapely.LineString(wild(2))]),
        9: lambda: shapely.Polygon(),
        10: lambda: shapely.Point(np.nan, 1.0),
        11: lambda: shapely.Point(1e12, 1e30),
        12: lambda: shapely.MultiPolygon([shapely.Polygon(star(7)), shapely.Polygon(star(5) + 3 * size)]),
        13: lambda: shapely.force_3d(shapely.Polygon(star(7)), 3.0),
        14: lambda: shapely.Polygon(centre + unit * 3e6 * generator.uniform(-1, 1, (4, 2))),
        15: lambda: shapely.Polygon(star(9), [star(5, 0.1)]),
        16: lambda: shapely.MultiPolygon([shapely.Polygon(star(7))]),
        17: lambda: shapely.MultiLineString([wild(3)]),
        18: lambda: shapely.MultiLineString([wild(3), [centre, centre], wild(7)]),
    }
    return made[kind]()


def bits(made: Site | InputError) -> tuple[object, ...]:
    if isinstance(made, InputError):
        return type(made), str(made)
    values = [getattr(made, field.name) for field in dataclasses.fields(made)]
    return tuple(shapely.to_wkb(v) if isinstance(v, shapely.Geometry) else repr(v) for v in values)


def alone(sketch: Sketch) -> Site | InputError:
    fields = {field.name: getattr(sketch, field.name) for field in dataclasses.fields(sketch)}
    drawn, reference = fields.pop("drawn"), fields.pop("reference")
    try:
        return make_site(drawn, reference, **fields)
    except InputError as error:
        return error


@settings(max_examples=40)
@given(
    kinds=st.lists(st.tuples(st.integers(0, 18), st.sampled_from(list(CENTRES))), min_size=1, max_size=30),
    seed=st.integers(0, 10**6),
    chunk=st.sampled_from([1, 10, 100_000]),
)
def test_a_batch_is_many_ones(kinds: list[tuple[int, str]], seed: int, chunk: int) -> None:
    generator = np.random.default_rng(seed)
    sketches = [
        Sketch(shape(kind, generator, system), Reference(system, "测试"), f"s{n}", where=f"a:{n}",
               declared_area_m2=100.0 if n % 3 else None, attributes=(("n", str(n)),))
        for n, (kind, system) in enumerate(kinds)
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(footprint, "CHUNK_VERTICES", chunk)
        batch = make_sites(sketches)
    assert [bits(made) for made in batch] == [bits(alone(sketch)) for sketch in sketches]


def test_a_plain_batch_has_the_areas_and_lengths_of_the_ellipsoid() -> None:
    geod = pyproj.Geod(ellps="GRS80")
    west = [117.7 + 0.01 * n for n in range(80)]  # both 3° zones
    squares = [shapely.box(x, 43.6, x + 0.0005, 43.6005) for x in west]
    lines = [shapely.LineString([(x, 43.7), (x + 0.0005, 43.7005)]) for x in west]
    sketches = [Sketch(g, Reference("EPSG:4490", "测试"), str(n)) for n, g in enumerate((*squares, *lines))]
    made = make_sites(sketches)
    for site, drawn in zip(made, (*squares, *lines), strict=True):
        assert isinstance(site, Site)
        if drawn.geom_type == "Polygon":
            area = abs(geod.geometry_area_perimeter(drawn)[0])
            assert site.area_m2 == pytest.approx(area, rel=1e-6) and site.planar_area_m2 > site.area_m2
        else:
            assert site.length_m == pytest.approx(geod.geometry_length(drawn), abs=1e-4)


def test_one_that_no_transformation_reaches_spoils_no_other() -> None:
    far = Sketch(shapely.Point(1e12, 1e30), Reference("EPSG:4527", "测试"), "far", where="far")
    near = [
        Sketch(shapely.Point(39_560_000.0 + n, 4_840_000.0), Reference("EPSG:4527", "测试"), str(n))
        for n in range(9)
    ]
    made = make_sites([*near[:4], far, *near[4:]])
    assert isinstance(made[4], CrsError)
    assert [m.id for m in made if isinstance(m, Site)] == [str(n) for n in range(9)]


def test_a_ring_that_vanishes_in_the_plane_is_an_error_not_a_crash() -> None:
    # Three corners on a line, exactly as a search met them: valid in degrees, nothing in the plane. Which they
    # are hangs on the last bit of a sine, so there are several.
    found = (
        "0x1.92af2282df5e8p+23 0x1.4574f229fb8cfp+22 "
        "0x1.92ae6b3b1d5eep+23 0x1.4575fd47f8c4bp+22 "
        "0x1.92adb3f35b5f3p+23 0x1.45770865f5fc8p+22",
        "0x1.928aaf277a9abp+23 0x1.46ec20a8e8ba5p+22 "
        "0x1.928a45ff9d51ap+23 0x1.46ea3eb44f0b3p+22 "
        "0x1.9289dcd7c008ap+23 0x1.46e85cbfb55c2p+22",
        "0x1.92c8d49ee99d5p+23 0x1.461bf723d0f8ep+22 "
        "0x1.92c81e04e2daap+23 0x1.461acf663cb7bp+22 "
        "0x1.92c7676adc17fp+23 0x1.4619a7a8a8767p+22",
        "0x1.92cb990601e9ep+23 0x1.45b4b4828388ap+22 "
        "0x1.92ccb9a27b621p+23 0x1.45b2a968451a9p+22 "
        "0x1.92cdda3ef4da5p+23 0x1.45b09e4e06ac9p+22",
        "0x1.9298a25ed94c8p+23 0x1.48537c6e02837p+22 "
        "0x1.9299868a0f98cp+23 0x1.4853019326e33p+22 "
        "0x1.929a6ab545e50p+23 0x1.485286b84b42ep+22",
        "0x1.92a7ed483794cp+23 0x1.478b68801919bp+22 "
        "0x1.92a9acb86df01p+23 0x1.478ee76085d05p+22 "
        "0x1.92ab6c28a44b6p+23 0x1.47926640f286ep+22",
    )  # fmt: skip
    thin = [shapely.Polygon(np.reshape([float.fromhex(one) for one in corners.split()], (3, 2))) for corners in found]
    sketches = [Sketch(one, Reference("EPSG:3857", "测试"), "thin", where="a:1") for one in thin]
    errors = [one for one in make_sites(sketches) if isinstance(one, InputError)]
    assert errors and all("为零" in str(one) for one in errors)


def test_nothing_makes_nothing() -> None:
    assert make_sites([]) == []


def test_a_sliver_of_400_km_is_shown_valid_alone_and_in_a_batch() -> None:
    rows = ("J3,1,4829965.978,39180843.283", "J4,1,4829964.978,39580743,4829964.97", "J4,1,4829964.978,39580743.283")
    (site,) = read_text("[地块坐标]\n" + "\n".join(rows)).sites
    assert site.geometry.is_valid and site.kind == "polygon"
