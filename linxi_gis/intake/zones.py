"""CGCS2000 Gauss-Krüger zones: numbers, meridians and EPSG codes, and which of them a CRS is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from linxi_gis import crs

if TYPE_CHECKING:
    import pyproj

# EPSG: 3° zones 25-45 with prefix 4513-4533, by meridian 75-135°E 4534-4554;
# 6° zones 13-23 with prefix 4491-4501, by meridian 75-135°E 4502-4512.
_FIRST = {3: (25, 45, 4513, 4534), 6: (13, 23, 4491, 4502)}
# The same of the old datums: first code with prefix, first code by meridian.
_OLD_FIRST = {
    "西安80": {3: (2349, 2370), 6: (2327, 2338)},
    "北京54": {3: (2401, 2422), 6: (21413, 21453)},
}
OLD_DEGREES = {"西安80": "EPSG:4610", "北京54": "EPSG:4214"}
_FALSE_EASTING_M = 500_000.0


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: its width in degrees (3 or 6) and its national number."""

    width_deg: int
    number: int

    @property
    def meridian_deg(self) -> int:
        """The central meridian in degrees east."""
        return 3 * self.number if self.width_deg == 3 else 6 * self.number - 3

    @property
    def prefixed(self) -> str:
        """The CRS whose eastings carry the zone number."""
        first, _, code, _ = _FIRST[self.width_deg]
        return f"EPSG:{code + self.number - first}"

    @property
    def bare(self) -> str:
        """The CRS whose eastings carry no zone number."""
        first, _, _, code = _FIRST[self.width_deg]
        return f"EPSG:{code + self.number - first}"

    @property
    def label(self) -> str:
        """The zone in words."""
        return f"CGCS2000 {self.width_deg} 度带第 {self.number} 带（中央经线 {self.meridian_deg}°E）"

    def on(self, datum: str, *, prefixed: bool) -> str:
        """The zone's CRS on an old datum, "西安80" or "北京54".

        >>> Zone(3, 39).on("西安80", prefixed=True), Zone(6, 20).on("北京54", prefixed=False)
        ('EPSG:2363', 'EPSG:21460')
        """
        return f"EPSG:{_OLD_FIRST[datum][self.width_deg][0 if prefixed else 1] + self.number - _FIRST[self.width_deg][0]}"


def zone_of_number(number: int) -> Zone | None:
    """Return the zone of a number; China's 3° (25-45) and 6° (13-23) numbers do not overlap.

    >>> zone_of_number(39).prefixed, zone_of_number(39).bare, zone_of_number(20).bare
    ('EPSG:4527', 'EPSG:4548', 'EPSG:4509')
    >>> zone_of_number(60) is None
    True
    """
    for width, (first, last, _, _) in _FIRST.items():
        if first <= number <= last:
            return Zone(width, number)
    return None


def zone_of_meridian(meridian_deg: float, width_deg: int = 3) -> Zone | None:
    """Return the zone with a central meridian, or None when it is none of China's.

    >>> zone_of_meridian(117.0).number, zone_of_meridian(117.0, 6).number, zone_of_meridian(118.0)
    (39, 20, None)
    """
    number = meridian_deg / 3.0 if width_deg == 3 else (meridian_deg + 3.0) / 6.0
    zone = zone_of_number(int(number)) if number == int(number) else None
    return zone if zone is not None and zone.width_deg == width_deg else None


@dataclass(frozen=True, slots=True)
class Plane:
    """A Gauss-Krüger plane: its meridian, and the zone number its eastings carry (None: none)."""

    zone: Zone
    prefix: int | None


@lru_cache(maxsize=256)
def plane_of(system: str) -> Plane | None:
    """Return the CGCS2000 Gauss-Krüger plane a CRS text means, or None; judged by its numbers.

    Names and `to_epsg` with low confidence pick wrong zones; meridian and false easting cannot lie.

    >>> plane_of("EPSG:4527"), plane_of("EPSG:4548").prefix, plane_of("EPSG:32650")
    (Plane(zone=Zone(width_deg=3, number=39), prefix=39), None, None)
    """
    ours = crs.gauss_krueger(system)
    if ours is not None:
        return _numbered(ours.meridian, ours.false_easting_m)
    if system == crs.LONLAT:
        return None
    parsed = crs.parse(system)
    figure = parsed.ellipsoid
    if figure is None or abs(figure.inverse_flattening - 298.257222101) >= 1e-6:
        return None
    return gauss_krueger(parsed)


def plane_on_any_datum(system: str) -> Plane | None:
    """Return the Gauss-Krüger plane a CRS text means, on whatever datum, or None; raises CrsError.

    >>> plane_on_any_datum("EPSG:2363") == plane_on_any_datum("EPSG:4527"), plane_on_any_datum("EPSG:4490")
    (True, None)
    """
    if system == crs.LONLAT or crs.gauss_krueger(system) is not None:
        return plane_of(system)
    return gauss_krueger(crs.unbound(crs.parse(system)))


def gauss_krueger(system: pyproj.CRS) -> Plane | None:
    """Return the zone a system on any datum is the Gauss-Krüger plane of, or None.

    >>> gauss_krueger(crs.parse("EPSG:2363"))
    Plane(zone=Zone(width_deg=3, number=39), prefix=39)
    """
    operation = system.coordinate_operation
    if operation is None or operation.method_name != "Transverse Mercator" or not system.is_projected:
        return None
    value = {parameter.code: float(parameter.value) for parameter in operation.params}
    if value.get("8801") != 0.0 or value.get("8805") != 1.0 or value.get("8807") != 0.0:
        return None
    return _numbered(value.get("8802", 0.0), value.get("8806", 0.0))


def _numbered(meridian: float, easting: float) -> Plane | None:
    """The plane of a central meridian and a false easting, None where they are of no zone."""
    prefix, rest = divmod(easting, 1_000_000.0)
    zone = zone_of_meridian(meridian, 6 if 13 <= prefix <= 23 else 3)
    if zone is None or rest != _FALSE_EASTING_M or prefix not in (0.0, float(zone.number)):
        return None
    return Plane(zone, int(prefix) or None)


@lru_cache(maxsize=256)
def name_of(system: str) -> str:
    """Return the shortest true name of a CRS text: an EPSG code where it is one, else its name.

    >>> name_of("EPSG:4490"), name_of("+proj=longlat +ellps=GRS80")
    ('EPSG:4490', '+proj=longlat +ellps=GRS80')
    """
    plane = plane_of(system)
    if plane is not None:
        return plane.zone.prefixed if plane.prefix is not None else plane.zone.bare
    parsed = crs.parse(system)
    code = parsed.to_epsg()
    if code is not None:
        return f"EPSG:{code}"
    return system if len(system) <= 60 else parsed.name
