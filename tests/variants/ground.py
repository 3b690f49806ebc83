"""The truth: shapes in the plane of zone 39 to whole centimetres, and where pyproj puts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

PLANE, LONLAT = "EPSG:4527", "EPSG:4490"
# A corner of a plot in the county, zone 39 with prefix: easting, northing in metres.
EAST, NORTH = 39_578_200.0, 4_829_600.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What the intake must make of a file.

    `shapes` in EPSG:4490 and in the file's order, or `ask`: the --crs of candidates that must be among those
    offered, or `error`: a pattern of the message. `codes` must be among the Issues; `names` in order.
    """

    shapes: tuple[BaseGeometry, ...] = ()
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    error: str = ""
    crs: str = ""
    transform: str = ""
    attributes: tuple[tuple[str, str], ...] = ()  # of the first site
    tolerance_m: float = 1e-3
    declared_m2: float | None = None
    any_order: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """A file (or folder) of a name, written by `write(path)`, and its truth."""

    name: str
    write: Callable[[Path], None] = field(compare=False)
    truth: Truth = field(compare=False)


VARIANTS: dict[str, Variant] = {}


def add(name: str, write: Callable[[Path], None], truth: Truth) -> None:
    """Register a variant; two of one name are a mistake."""
    if name in VARIANTS:
        raise ValueError(f"two variants are called {name}")
    VARIANTS[name] = Variant(name, write, truth)


def text(name: str, body: str, truth: Truth, encoding: str = "utf-8") -> None:
    """Register a text file; its line ends are written as they stand."""
    add(name, lambda path: _bytes(path, body.encode(encoding)), truth)


def _bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@cache
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def moved(shape: BaseGeometry, source: str, target: str) -> BaseGeometry:
    """Return a shape in another reference system, vertex by vertex."""
    if source == target:
        return shape
    transformer = _transformer(source, target)
    return shapely.transform(shape, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def true(shape: BaseGeometry, system: str = PLANE) -> BaseGeometry:
    """Return a shape of the plane (or of `system`) in EPSG:4490."""
    return moved(shape, system, LONLAT)


def plot(dx: float = 0.0, dy: float = 0.0) -> shapely.Polygon:
    """A five-cornered plot of about 2 ha in the plane, moved by (dx, dy) metres."""
    corners = ((0, 0), (160.25, 8.5), (171.4, 120.75), (64.3, 150.1), (-12.6, 88.95))
    return shapely.Polygon([(EAST + dx + x, NORTH + dy + y) for x, y in corners])


def holed() -> shapely.Polygon:
    """The plot with a square hole."""
    hole = [(EAST + x, NORTH + y) for x, y in ((50, 40), (80, 40), (80, 70), (50, 70))]
    return shapely.Polygon(plot().exterior, [hole])


def route() -> shapely.LineString:
    """A route of four vertices in the plane."""
    return shapely.LineString(
        [(EAST + x, NORTH + y) for x, y in ((0, 0), (120.5, 33.2), (260.1, 20.7), (390.4, 81.9))]
    )


def point(dx: float = 0.0, dy: float = 0.0) -> shapely.Point:
    """A point in the plane."""
    return shapely.Point(EAST + dx, NORTH + dy)


def ring(shape: BaseGeometry) -> list[tuple[float, float]]:
    """The corners of a polygon's shell without the closing one, or the vertices of a line or point."""
    held = shape.exterior if isinstance(shape, shapely.Polygon) else shape
    xy = [(float(x), float(y)) for x, y in shapely.get_coordinates(held)]
    return xy[:-1] if isinstance(shape, shapely.Polygon) else xy


def rounded(shape: BaseGeometry, digits: int) -> BaseGeometry:
    """A shape with its coordinates rounded: what a file with that many decimals really says."""
    return shapely.transform(shape, lambda xy: np.round(xy, digits))


def dms(value: float, digits: int = 5) -> tuple[int, int, float]:
    """Degrees, minutes and seconds of an angle, the seconds rounded."""
    units = round(value * 3600 * 10**digits)
    degrees, rest = divmod(units, 3600 * 10**digits)
    minutes, seconds = divmod(rest, 60 * 10**digits)
    return degrees, minutes, seconds / 10**digits


def dms_shape(shape: BaseGeometry, digits: int = 5) -> BaseGeometry:
    """A shape in degrees as its DMS writing with rounded seconds means it."""

    def one(value: float) -> float:
        degrees, minutes, seconds = dms(value, digits)
        return degrees + minutes / 60 + seconds / 3600

    return shapely.transform(shape, lambda xy: np.array([[one(a), one(b)] for a, b in xy]))


def rows(pairs: Iterable[Sequence[float]], digits: int) -> list[tuple[str, str]]:
    """Pairs of numbers as text with a fixed number of decimals."""
    return [(f"{a:.{digits}f}", f"{b:.{digits}f}") for a, b in pairs]
