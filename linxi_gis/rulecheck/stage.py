"""A site, a zone and a layer made up to hear what the judge says of them: words only, no geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linxi_gis.case import Case, Memo
from linxi_gis.finding import Finding, Hit, LayerResult, Relation
from linxi_gis.law import Rule, Truth, Value
from linxi_gis.rulebook import Rulebook
from linxi_gis.zonelaw import absences, near_miss, true_hit

ACCURACY_M = 5.0
_RANGE_M = 5000.0  # farther than any distance of the pack: what is beside the site is told of


def zone(theme: str, zone_class: str) -> Hit:
    """Return a zone that holds half of the site."""
    return Hit(theme, "1", "", zone_class, Relation.OVERLAPS, 500.0, 0.0, 0.5, 0.0, None, 50.0, False)


def beside(theme: str, zone_class: str, distance_m: float) -> Hit:
    """Return a zone beside the site, critical when it is nearer than the accuracy of the layer."""
    critical = distance_m < ACCURACY_M
    return Hit(
        theme, "1", "", zone_class, Relation.NEAR, 0.0, 0.0, 0.0, distance_m, 0.0, distance_m, critical
    )


def layer(theme: str, hit: Hit | None) -> LayerResult:
    """Return an approved, usable layer of a theme with one zone, or with none."""
    near = hit if hit is not None and not hit.relation.hit else None
    return LayerResult(
        id=theme, theme=theme, title=theme, status="clear" if hit is None else "near" if near else "hit", required=True,
        version="", sha256="", legal_status="approved", demonstration=False, accuracy_m=ACCURACY_M, range_m=_RANGE_M,
        share_of_site=hit.share_of_site if hit else 0.0, hits=(hit,) if hit else (), nearest=near,
    )  # fmt: skip


def answers(
    book: Rulebook, rules: Sequence[Rule], facts: Mapping[str, Value], theme: str, hit: Hit | None, memo: Memo
) -> list[Finding]:
    """Return what the judge's own functions say of a zone on the site, beside it, or nowhere (None).

    The site is a point, so that a rule on outfalls is not capped for want of the outfall.
    """
    one = layer(theme, hit)
    case = Case(book, tuple(rules), facts, (one,), True, True, 0.0, memo)
    if hit is None:
        return list(absences(case, theme))
    return true_hit(case, one, hit) if hit.relation.hit else near_miss(case, one, hit)


def truth_words(truth: Truth) -> str:
    """Return yes, no or unknown in Chinese."""
    return {True: "是", False: "否", None: "未知"}[truth]
