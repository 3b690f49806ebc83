"""One site's case: the rules of the day, the facts, and which layers may speak for a theme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from linxi_gis.decisive import Balance
from linxi_gis.finding import Decisive, Hit, LayerResult, Relation
from linxi_gis.law import Rule, Truth, Value, Verdict
from linxi_gis.project import Project
from linxi_gis.rulebook import Rulebook
from linxi_gis.weigh import Limit, Weighed

WHOLE = 0.999999  # a share this near 1 is the whole site: slivers below a millionth are arithmetic
TILING = 1.0 - 1e-4  # zones that tile a county leave slivers along drawn borders; more is a hole
IN_RESERVE_CORE = "engine.in_reserve_core"
TILED, FLOW_PATH = "no_hit_inside_county", "downstream_flow_path"


@dataclass(frozen=True, slots=True)
class Memo:
    """What was found before under one rulebook; sites of a batch share it.

    `any_project` tells of a rule, by its id, whether it speaks of every building project.
    """

    weighed: dict[tuple[str, tuple[tuple[str, Value | None], ...], Verdict], Weighed] = field(default_factory=dict)
    asked: dict[Balance, tuple[Decisive, ...]] = field(default_factory=dict)
    any_project: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """What is the same for every zone of one site; `memo` holds what was weighed before.

    `accuracy_m` is the positional accuracy of the site; `inside_county` is None when nobody knows. `zone_facts`
    are facts of one zone alone, by layer and zone id: what the comparison with an access list came to. `lowered` are
    the rules that a local pack overrides, and how; of the others nothing is in it.
    """

    rulebook: Rulebook
    rules: tuple[Rule, ...]
    facts: Mapping[str, Value]
    layers: tuple[LayerResult, ...]
    point: bool
    inside_county: bool | None
    accuracy_m: float
    memo: Memo
    zone_facts: Mapping[tuple[str, str], Mapping[str, Value]] = field(default_factory=dict)
    lowered: Mapping[str, Limit] = field(default_factory=dict)

    @property
    def themes(self) -> tuple[str, ...]:
        """The themes of the layers, each once, in order."""
        return tuple(dict.fromkeys(layer.theme for layer in self.layers))


def open_case(
    layers: Sequence[LayerResult],
    project: Project,
    rulebook: Rulebook,
    day: date,
    *,
    point: bool,
    inside_county: bool | None,
    accuracy_m: float,
    zone_facts: Mapping[tuple[str, str], Mapping[str, Value]],
    memo: Memo,
) -> Case:
    """Return the case of a site on a day, with the facts the engine itself can tell."""
    rules = tuple(rule for rule in rulebook.in_force(day) if rule.applies_in_linxi)
    facts = project.facts()
    in_core = in_reserve_core(layers, rulebook)
    if in_core is not None:
        facts[IN_RESERVE_CORE] = in_core
    lowered = _lowered(rulebook, day) if rulebook.overrides else {}
    return Case(
        rulebook, rules, facts, tuple(layers), point, inside_county, accuracy_m, memo, zone_facts, lowered
    )


def _lowered(rulebook: Rulebook, day: date) -> dict[str, Limit]:
    """Return what overrides make of their rules: one in force caps the verdict, any other adds its words alone."""
    ordered = sorted(rulebook.overrides, key=lambda one: one.in_force(day))  # the one in force is put last
    return {
        one.rule: Limit(
            one.effect if one.in_force(day) else Verdict.PROHIBITED, one.words(rulebook.rule(one.rule), day)
        )
        for one in ordered
    }


def met(layer: LayerResult) -> list[Hit]:
    """Return the zones of a layer that hold something of the site."""
    return [hit for hit in layer.hits if hit.relation.hit]


def told_zones(layer: LayerResult) -> Iterator[Hit]:
    """Yield the zones a layer tells of, each once, far ones left out."""
    seen = {hit.zone_id for hit in layer.hits}
    others = [layer.nearest] if layer.nearest and layer.nearest.zone_id not in seen else []
    for hit in (*layer.hits, *others):
        if hit.relation is not Relation.DISJOINT:
            yield hit


def of_theme(case: Case, theme: str) -> list[LayerResult]:
    """Return the layers of a theme."""
    return [layer for layer in case.layers if layer.theme == theme]


def speaking(case: Case, theme: str) -> list[LayerResult]:
    """Return the layers whose "no zone" counts; a draft only speaks where nothing else does."""
    usable = [layer for layer in of_theme(case, theme) if not layer.unchecked]
    return [layer for layer in usable if layer.legal_status != "draft"] or usable


def holds(case: Case, layer: LayerResult) -> bool:
    """Whether the whole site lies in the zones of a layer."""
    return bool(met(layer)) if case.point else layer.share_of_site >= WHOLE


def has_hole(case: Case, theme: str) -> bool:
    """Whether zones that should tile the county leave part of the site out: a hole in the data.

    The shares of all layers of the theme are added up (a county may come in several files). Only
    the known fact that the site is outside the county excuses a hole.
    """
    whole = speaking(case, theme)
    if not whole or case.inside_county is False:
        return False
    legal = {layer.legal_status == "draft" for layer in whole}
    current = [
        layer
        for layer in of_theme(case, theme)
        if layer.status in ("hit", "near", "clear") and (layer.legal_status == "draft") in legal
    ]
    if case.point:
        return not any(met(layer) for layer in current)
    return sum(layer.share_of_site for layer in current) < TILING


def tiled_themes(case: Case) -> set[str]:
    """Return the themes whose zones should cover the whole county."""
    return {theme for rule in case.rules if rule.trigger == TILED for theme in rule.themes}


def in_reserve_core(layers: Sequence[LayerResult], rulebook: Rulebook) -> Truth:
    """Whether the site hits the core zone of a reserve; None while a class or a layer is unsure."""
    reserves = [layer for layer in layers if layer.theme == "protected_area"]
    theme = rulebook.themes.get("protected_area")
    if theme is None or not reserves:
        return None
    sure = all(not layer.unchecked and layer.legal_status != "draft" for layer in reserves)
    for layer in reserves:
        for hit in told_zones(layer):
            known = theme.class_of(hit.zone_class)
            maybe = known is None or known.code == "core" or "core" in known.may_be
            if hit.relation.hit and known and known.code == "core" and layer.legal_status != "draft":
                return True
            sure = sure and not (maybe and (hit.relation.hit or hit.critical))
    return False if sure else None
