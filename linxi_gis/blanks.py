"""The blanks: layers whose silence proves nothing, rules that nobody could evaluate."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from linxi_gis.case import FLOW_PATH, Case, has_hole, of_theme, tiled_themes
from linxi_gis.finding import LayerResult
from linxi_gis.law import Rule, Verdict

_BEYOND_GEOMETRY = {
    "data_quality": "工具规则，由各图层的核查状态体现，不另作结论",
    FLOW_PATH: "须给出初期坝坡脚和下游流径，平面叠加不能代替",
    "upstream_of": "须知道汇流方向，平面叠加不能代替",
}
_BUILDS = ("is_new_build", "is_reconstruction", "is_expansion")


def _band_gaps(rule: Rule, case: Case) -> Iterator[str]:
    """Tell where the distances known do not reach as far as the law does."""
    reach = max((band.distance_m for band in rule.bands), default=0.0)
    for layer in case.layers:
        if layer.theme not in rule.themes or layer.unchecked:
            continue
        if layer.range_m < reach:
            yield f"“{layer.title}”只量到 {layer.range_m:g} m，法定最大距离为 {reach:g} m"
        elif layer.nearest and layer.nearest.distance_m <= reach and layer.nearest not in layer.hits:
            yield f"“{layer.title}”只量了最近一处，{reach:g} m 内的其他各处未核"


def _screens(rule: Rule, layer: LayerResult) -> bool:
    """Whether a layer was seen, and as far as the rule's screening goes."""
    return (
        not layer.unchecked and layer.legal_status != "draft" and layer.range_m >= (rule.screening_m or 0.0)
    )


def _flow_gap(rule: Rule, case: Case, told: Collection[str]) -> str:
    """Say what the straight line could not decide, or what it did exclude."""
    seen = [layer for name in rule.themes for layer in of_theme(case, name) if _screens(rule, layer)]
    if not seen or rule.id in told:
        return _BEYOND_GEOMETRY[FLOW_PATH]
    names = "、".join(sorted({layer.title for layer in seen}))
    return f"“{names}”直线 {rule.screening_m:g} m 内没有，流径不短于直线，可以排除"


def _theme_gap(case: Case, rule: Rule, theme: str, told: Collection[str]) -> str:
    """Say why the layers of a theme could not speak for a rule, "" when one could."""
    named = of_theme(case, theme)
    if not named:
        return f"图层目录中没有“{case.rulebook.themes[theme].title}”图层"
    if not all(layer.unchecked for layer in named):
        return ""
    titles = "、".join(sorted({layer.title for layer in named}))
    if rule.id not in told or not any(hit.relation.hit for layer in named for hit in layer.hits):
        return f"“{titles}”图层未核查"
    if any(layer.status == "stale" for layer in named):
        doubt = all(layer.outdated for layer in named if layer.status == "stale")
        return f"“{titles}”图层{'数据可能过期' if doubt else '已过期'}，命中照判"
    return f"“{titles}”图层没有覆盖整个场址，命中照判，其余部分未核查"


def _gaps(rule: Rule, case: Case, told: Collection[str]) -> Iterator[str]:
    """Yield why a rule could not, or not wholly, be evaluated."""
    if rule.trigger == FLOW_PATH:
        yield _flow_gap(rule, case, told)
    elif rule.trigger in _BEYOND_GEOMETRY:
        yield _BEYOND_GEOMETRY[rule.trigger]
    if rule.missing_themes:
        yield f"{'部分未评估：' if rule.themes else ''}没有“{'、'.join(rule.missing_themes)}”图层"
    for name in rule.themes:
        gap = _theme_gap(case, rule, name, told)
        if gap:
            yield gap
    if rule.themes and rule.located_by == "outfall" and not case.point:
        yield "以排污口点位判断，请另以排污口点位作为点状场址核查"
    if rule.trigger == "no_hit_inside_county" and case.inside_county is None:
        yield "不知道场址是否在县域内，按在县域内判断"
    yield from _band_gaps(rule, case)


def unevaluated(case: Case, told: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (rule id, reason) of the rules not wholly evaluated; `told` are the ids of those that fired."""
    for rule in case.rules:
        if rule.condition.truth(case.facts) is False:
            continue
        gaps = list(dict.fromkeys(_gaps(rule, case, told)))
        if gaps:
            yield rule.id, "；".join(gaps)


def unchecked_layers(case: Case) -> tuple[str, ...]:
    """Return the titles of required layers whose "no zone" cannot be believed."""
    holes = {theme for theme in tiled_themes(case) if has_hole(case, theme)}

    def open_draft(layer: LayerResult) -> bool:
        """Only a draft speaks for this theme."""
        return layer.legal_status == "draft" and not any(
            other.legal_status != "draft" and not other.unchecked for other in of_theme(case, layer.theme)
        )

    nothing = all(layer.unchecked for layer in case.layers)
    return tuple(
        layer.title
        for layer in case.layers
        if nothing
        or _lawless(layer, case)
        or (layer.required and (layer.unchecked or open_draft(layer) or layer.theme in holes))
    )


def _lawless(layer: LayerResult, case: Case) -> bool:
    """Whether the site hits a layer that the pack has rules for, but none of that day.

    The law of that day was another text, which the pack does not hold: silence is not permission, and a
    local rule in its place is none either.
    """
    if not any(hit.relation.hit for hit in layer.hits):
        return False
    local = case.rulebook.local
    known = any(layer.theme in rule.themes for rule in case.rulebook.rules if rule.id not in local)
    return known and not any(layer.theme in rule.themes for rule in case.rules if rule.id not in local)


def _any_project(rule: Rule) -> bool:
    """Whether a rule speaks of every building project (地质灾害危险区内禁止工程建设).

    It says nothing of this project; whether its layer is needed is for the catalogue to say
    (`required_themes`). Were it counted, to state 新建 would leave no site 未命中 anywhere.
    """
    return any(rule.condition.truth(facts) is True for facts in ({}, *({name: True} for name in _BUILDS)))


def unseen_bans(case: Case) -> Iterator[Rule]:
    """Yield the bans and restrictions that concern the project, or may, while nobody looked where they apply."""
    for rule in case.rules:
        if rule.effect < Verdict.RESTRICTED or not (rule.themes or rule.missing_themes):
            continue
        named = [layer for name in rule.themes for layer in of_theme(case, name)]
        told = any(layer.required and (layer.unchecked or layer.legal_status == "draft") for layer in named)
        if told or any(_screens(rule, layer) for layer in named):
            continue
        if rule.condition.truth(case.facts) is False:
            continue
        if rule.id not in case.memo.any_project:
            case.memo.any_project[rule.id] = _any_project(rule)
        if not case.memo.any_project[rule.id]:
            yield rule


def blind_bans(case: Case, unseen: Collection[Rule]) -> tuple[str, ...]:
    """Return the zones of bans whose condition is true and that no layer was seen for, with the rules.

    E.g. 永久基本农田集中区域（PBF-002、PBF-003，无图层）; `unseen` are the rules of `unseen_bans`. A required layer
    that was not seen is told by `unchecked_layers` already.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for rule in unseen:
        if rule.condition.truth(case.facts) is True:
            titles = [case.rulebook.themes[name].title for name in rule.themes]
            state = "未核查" if any(of_theme(case, name) for name in rule.themes) else "无图层"
            found.setdefault(("、".join((*titles, *rule.missing_themes)), state), []).append(rule.id)
    return tuple(f"{words}（{'、'.join(ids)}，{state}）" for (words, state), ids in found.items())
