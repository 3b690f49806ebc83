"""Measured facts, and what the law makes of them. No geometry objects, no drawing."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

from linxi_gis.law import Citation, Value, Verdict
from linxi_gis.themes import STATUS_TITLES


class Relation(enum.StrEnum):
    """How a site lies to a zone; the first five are hits, the last three are not."""

    WITHIN = "within"
    CONTAINS = "contains"
    OVERLAPS = "overlaps"
    CROSSES = "crosses"
    TOUCHES = "touches"
    NEAR = "near"
    DISJOINT = "disjoint"

    @property
    def hit(self) -> bool:
        """Whether something of the site lies inside the zone (a shared border does not count)."""
        return self in (Relation.WITHIN, Relation.CONTAINS, Relation.OVERLAPS, Relation.CROSSES)

    @property
    def label(self) -> str:
        """The Chinese word of tables and reports."""
        return _RELATION_LABELS[self]


_RELATION_LABELS = {
    Relation.WITHIN: "位于其内",
    Relation.CONTAINS: "包含",
    Relation.OVERLAPS: "部分重叠",
    Relation.CROSSES: "穿越",
    Relation.TOUCHES: "边界相接",
    Relation.NEAR: "邻近",
    Relation.DISJOINT: "相离",
}

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that was repaired, guessed or found wrong, with its place where it has one.

    `geometry_wkt` is WKT in EPSG:4490 longitude latitude, or None.
    """

    code: str
    severity: Severity
    text: str
    remedy: str = ""
    geometry_wkt: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """One stretch of a line in a zone: chainages (m), and where it enters and leaves, longitude latitude.

    Where a line crosses a line zone (a river drawn as a line) both chainages are the same.
    """

    from_m: float
    to_m: float
    entry: tuple[float, float]
    exit: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hit:
    """One zone measured against one site.

    Areas are ellipsoidal (CGCS2000) square metres, lengths and distances geodesic metres, bearings
    degrees clockwise from north from the site to the zone, shares 0..1. `margin_m` is the thickness
    of the overlap for a hit and the distance for a miss; `critical` (临界) means it is thinner than
    the combined accuracy of site and layer. `nearest_site` and `nearest_zone` are the two nearest
    points, longitude latitude; None where they overlap. `intervals_m` are chainages along a line.
    `facts` are the zone's own attributes that rules read (`zone.grade`, ...). `flip_m` is the smallest shift
    of the site, in any direction, that turns the hit into a miss or the miss into a hit; `leave_m`, of a site
    wholly within the zone, the smallest one that puts any of it outside; None where not computed.
    `passages` are the stretches of a line in the zone, with their ends. `bank` tells, of a site read from
    two banks, which of them the zone meets, of a miss which is the nearer: left, right, both, or "".
    """

    layer: str
    zone_id: str
    zone_name: str
    zone_class: str
    relation: Relation
    area_m2: float
    length_m: float
    share_of_site: float
    distance_m: float
    bearing_deg: float | None
    margin_m: float
    critical: bool
    nearest_site: tuple[float, float] | None = None
    nearest_zone: tuple[float, float] | None = None
    intervals_m: tuple[tuple[float, float], ...] = ()
    facts: tuple[tuple[str, Value], ...] = ()
    flip_m: float | None = None
    leave_m: float | None = None
    passages: tuple[Passage, ...] = ()
    bank: Literal["left", "right", "both", ""] = ""

    @property
    def bank_label(self) -> str:
        """The bank in words, "" for a site without banks."""
        near = "" if self.relation.hit else "距"
        words = {"left": "左岸", "right": "右岸", "both": "两岸", "": ""}[self.bank]
        return f"{near}{words}{'' if self.relation.hit else '较近'}" if words else ""

    @property
    def flip_label(self) -> str:
        """What the flip distances mean, in words."""
        said = []
        if self.leave_m is not None:
            said.append(f"整体平移 {self.leave_m:.2f} m 即不再全部位于其内")
        if self.flip_m is not None:
            said.append(f"整体平移 {self.flip_m:.2f} m 即{'不再命中' if self.relation.hit else '命中'}")
        elif self.relation.hit:
            said.append("不再命中所需的平移未计算")
        return "，".join(said)


# A site may stick out of a coverage by this share before the layer counts as not covering it:
# rounding of coordinates, not ground.
COVERED = 1.0 - 1e-9
OUTDATED = "layer_outdated"  # the Issue of a layer that predates the last known update

LayerStatus = Literal["hit", "near", "clear", "not_covering", "not_checked", "stale"]


def unchecked(status: LayerStatus, covered_share: float | None) -> bool:
    """Whether "no zone" cannot be believed of a layer, or not on the whole site; None and NaN cover nothing."""
    known = status not in ("not_checked", "stale", "not_covering")
    return not (known and covered_share is not None and covered_share >= COVERED)


def layer_status(*, stale: bool, hit: bool, near: bool, covered: bool) -> LayerStatus:
    """Return what a usable layer says: what was found counts, "nothing found" only where it covers the site.

    >>> layer_status(stale=False, hit=False, near=True, covered=False)
    'not_covering'
    """
    if stale:
        return "stale"
    if hit:
        return "hit"
    if not covered:
        return "not_covering"
    return "near" if near else "clear"


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer against one site: its status, the union of its hits, the nearest zone.

    A layer that could not be used has status `not_checked` and says why in `issues`. `area_m2` and
    `length_m` are of the union of its zones within the site, so `share_of_site` never passes 1.
    `covered_share` tells how much of the site lies where the layer claims to know. `sensitivity` is "" where
    the catalogue says nothing of it.
    """

    id: str
    theme: str
    title: str
    status: LayerStatus
    required: bool
    version: str
    sha256: str
    legal_status: str
    demonstration: bool
    accuracy_m: float
    range_m: float
    area_m2: float = 0.0
    length_m: float = 0.0
    share_of_site: float = 0.0
    covered_share: float = 1.0
    hits: tuple[Hit, ...] = ()
    nearest: Hit | None = None
    issues: tuple[Issue, ...] = ()
    sensitivity: str = ""

    @property
    def outdated(self) -> bool:
        """Whether a stale layer only may be out of date."""
        return any(issue.code == OUTDATED for issue in self.issues)

    @property
    def status_label(self) -> str:
        """The status in words."""
        return "可能过期" if self.outdated else STATUS_TITLES[self.status]

    @property
    def unchecked(self) -> bool:
        """Whether "no zone" cannot be believed here, or not on the whole site.

        A layer may hit and still be unchecked: it was not seen where it does not cover the site.
        """
        return unchecked(self.status, self.covered_share)


@dataclass(frozen=True, slots=True)
class Question:
    """An unknown fact, asked, with the worst verdict of this finding that each answer leaves open.

    `if_yes` and `if_no` are bounds over all answers to the other unknowns: CLEAR means that this
    answer alone makes the rule fall away, anything else is the worst that may still come of it.
    """

    attribute: str
    text: str
    if_yes: Verdict
    if_no: Verdict

    @property
    def outcomes(self) -> str:
        """What each answer leaves open, as people read it.

        >>> Question("has_outfall", "是否设置排污口？", Verdict.PROHIBITED, Verdict.CLEAR).outcomes
        '是：最重到禁止；否：本条不适用'
        """
        said = [
            "本条不适用" if verdict is Verdict.CLEAR else f"最重到{verdict.label}"
            for verdict in (self.if_yes, self.if_no)
        ]
        return f"是：{said[0]}；否：{said[1]}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An overall verdict, and whether everything that had to be checked was."""

    verdict: Verdict
    complete: bool

    @property
    def label(self) -> str:
        """The verdict in words.

        >>> Outcome(Verdict.PROHIBITED, False).label, Outcome(Verdict.NOT_CHECKED, False).label
        ('禁止（另有未核查）', '未核查')
        """
        beside = "" if self.complete or self.verdict is Verdict.NOT_CHECKED else "（另有未核查）"
        return f"{self.verdict.label}{beside}"


@dataclass(frozen=True, slots=True)
class Decisive:
    """An unknown fact that may change the overall verdict, and where each answer would lead.

    `if_yes` and `if_no` are the overall outcomes while all else stays unknown; `worst_yes` and `worst_no` the
    worst verdicts still reachable over all answers to the rest (未核查 is worse than 提示 and milder than
    须论证). `gravest` is the gravest verdict that it may bring about or take away, None where only completeness
    hangs on it. `rules` are the rules that read it, those of the gravest findings first. With `only_yes` no one can
    answer no (that takes an access list, clause by clause): `if_no` is then the outcome as it is.
    """

    attribute: str
    text: str
    if_yes: Outcome
    if_no: Outcome
    worst_yes: Verdict
    worst_no: Verdict
    gravest: Verdict | None
    rules: tuple[str, ...]
    only_yes: bool = False

    @property
    def outcomes(self) -> str:
        """Where each answer leads, as people read it."""
        if self.only_yes:
            return f"是：{_led(self.if_yes, self.worst_yes)}；否：不能直接填，以准入清单逐条对照为准"
        return f"是：{_led(self.if_yes, self.worst_yes)}；否：{_led(self.if_no, self.worst_no)}"


def _led(now: Outcome, worst: Verdict) -> str:
    """Say an outcome, and how grave the rest may still make it.

    >>> _led(Outcome(Verdict.NOTICE, True), Verdict.PROHIBITED), _led(Outcome(Verdict.NOTICE, True), Verdict.NOTICE)
    ('提示，最重可到禁止', '提示')
    """
    return now.label if worst is now.verdict else f"{now.label}，最重可到{worst.label}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the law makes of one hit: a verdict, the rule and its words, what is still unknown.

    `hit` is None for a rule that looks at the project alone; `rule` and `basis` are None for a bare
    measurement (a near miss that no rule speaks of). `at_most` is the least of the rule's effect and its caps:
    what the verdict is when the condition is true. `lowered_from` is the verdict without a local override.
    """

    layer: str
    hit: Hit | None
    verdict: Verdict
    rule: str | None
    basis: Citation | None
    say: str = ""
    questions: tuple[Question, ...] = ()
    attributes: tuple[tuple[str, Value | None], ...] = ()
    at_most: Verdict = Verdict.PROHIBITED
    lowered_from: Verdict | None = None


@dataclass(frozen=True, slots=True)
class OtherReading:
    """The verdict if the site's degrees were of another datum: `differs` when anything of it does.

    `layers` are the ids of the layers whose findings differ, in the order of the catalogue; `changes`
    says what differs, in Chinese, one sentence a layer.
    """

    crs: str
    verdict: Verdict
    label: str
    complete: bool
    differs: bool
    layers: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overall:
    """The verdict on the site: the worst finding, and what was not checked.

    `label` is ready for print, e.g. 禁止（另有 2 个图层未核查）. `questions` are those whose answers may change it,
    the most decisive first. `others` are the verdicts of the readings
    that could not be ruled out; where one differs, `label` and `reasons` say so. `verdict` and
    `complete` are those of the reading in use.
    """

    verdict: Verdict
    label: str
    complete: bool
    unchecked: tuple[str, ...] = ()
    reasons: tuple[str, ...] = field(default_factory=tuple)
    others: tuple[OtherReading, ...] = ()
    questions: tuple[Decisive, ...] = ()

    def reaches(self, bar: Verdict) -> bool:
        """Whether any reading is incomplete or as bad as `bar`: unknown is never clear.

        >>> Overall(Verdict.NOTICE, "提示", True).reaches(Verdict.PROHIBITED)
        False
        >>> Overall(Verdict.NOT_CHECKED, "未核查", False).reaches(Verdict.PROHIBITED)
        True
        """
        answers = ((self.verdict, self.complete), *((one.verdict, one.complete) for one in self.others))
        return any(not complete or verdict >= bar for verdict, complete in answers)
