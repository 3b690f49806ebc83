"""Errors of the intake: what cannot be read as an Issue, and the file that can be read in more than one place on Earth."""

from __future__ import annotations

from collections.abc import Sequence

from shapely.errors import ShapelyError

from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.reading import Candidate
from linxi_gis.units import area_text

# What the libraries under intake (numpy, shapely, pyproj, pyogrio) raise where a file meets a fault of
# ours; pyproj's and pyogrio's are RuntimeErrors. Caught per file only, so that the others are judged.
UNFORESEEN = (ArithmeticError, LookupError, OSError, RuntimeError, ShapelyError, TypeError, ValueError)


def unreadable(error: InputError, where: str = "") -> Issue:
    """Return the Issue of a feature that could not be read while others could; `where` is used rather than the error's."""
    place = where or error.where
    return Issue("feature_unreadable", "error", f"{place}：{error.what}" if place else error.what, error.remedy)


class AmbiguousCrsError(CrsError):
    """The reference system cannot be known; `candidates` are the readings to choose from.

    `county` tells whether there was an outline to judge them by.
    """

    def __init__(self, why: str, *, where: str, candidates: tuple[Candidate, ...], county: bool) -> None:
        self.why, self.candidates, self.county = why, candidates, county
        what = f"{why}。{_listing(candidates, county)}" if candidates else why
        super().__init__(what, where=where, remedy=_remedy(candidates))

    def with_candidates(self, candidates: Sequence[Candidate]) -> AmbiguousCrsError:
        """Return the same error with other candidates: the same ones, with more evidence."""
        return AmbiguousCrsError(self.why, where=self.where, candidates=tuple(candidates), county=self.county)


def _listing(candidates: tuple[Candidate, ...], county: bool) -> str:
    lines = [f"{n}) {_line(candidate, county)}" for n, candidate in enumerate(candidates, 1)]
    inside = [str(n) for n, candidate in enumerate(candidates, 1) if candidate.in_county]
    if not county:
        verdict = "没有与县界比较落点"
    elif inside:
        verdict = f"落在县界内的读法：第 {'、'.join(inside)} 种"
    else:
        verdict = "没有一种读法落在县界内"
    return "可能的读法有：\n  " + "\n  ".join(lines) + f"\n  {verdict}"


def _line(candidate: Candidate, county: bool) -> str:
    place = f"中心 {candidate.lon:.5f}°E {candidate.lat:.5f}°N"
    area = f"，面积 {area_text(candidate.area_m2)}" if candidate.area_m2 else ""
    where = ""
    if county:
        where = "，在县界内" if candidate.in_county else f"，距县界 {candidate.distance_km or 0.0:.1f} km"
    head = f"{candidate.label}：{place}{area}{where}（--crs {candidate.crs}）"
    return "\n     ".join((head, *(f"· {text}" for text in candidate.evidence)))


def _remedy(candidates: tuple[Candidate, ...]) -> str:
    if not candidates:
        return "请向提供单位问明坐标系，用 --crs EPSG:编号 指明，或补交 .prj 等坐标系说明"
    return "请向提供单位问明坐标系，再用 --crs 指明（取所列读法之一）"
