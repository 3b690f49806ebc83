"""What the rules in force make of one zone, of its absence, of its nearness, of the project alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from linxi_gis.case import FLOW_PATH, IN_RESERVE_CORE, TILED, Case, has_hole, holds, met, speaking
from linxi_gis.finding import Finding, Hit, LayerResult, Relation
from linxi_gis.law import Rule, Value, Verdict
from linxi_gis.rulebook import Match
from linxi_gis.themes import CLASS_TITLES
from linxi_gis.weigh import Limit, verdict_of, weigh

_ON_HIT = ("intersects", "crosses", "attribute", "within_distance")
_LOCATED = {
    "route": "以场址范围代替线位判断",
    "pipeline": "以场址范围代替排尾、回水管线判断",
    "dam_toe": "以场址范围代替坝脚判断",
    "buildings": "以场址范围代替建筑物位置判断",
    "working_area": "以场址范围代替作业范围判断",
}
_BARE = "命中该图层，当日规则包中没有对应条文产生结论"
_IN_CORE = "按场址同时命中自然保护地核心保护区判断，两者是否重叠须核"
_SLIVER = 1e-3  # our choice: so small a share outside a boundary may be the accuracy of its line


def _finding(
    case: Case,
    rule: Rule,
    layer: str,
    hit: Hit | None,
    facts: Mapping[str, Value],
    limits: Sequence[Limit],
) -> Finding | None:
    """Return what one rule makes of one zone (or of the project), None when its condition is false."""
    limits = [Limit(rule.at_most or Verdict.PROHIBITED, rule.always_say), *limits]
    if rule.basis.text_status != "verbatim" and not rule.tool:
        limits.append(Limit(Verdict.TO_JUSTIFY, "条文待核"))
    if rule.id in case.lowered:
        limits.append(case.lowered[rule.id])
    at_most = min(limit.at_most for limit in limits)
    read = tuple((name, facts.get(name)) for name in rule.attributes)
    key = (rule.id, read, at_most)
    if key not in case.memo.weighed:
        case.memo.weighed[key] = weigh(rule, facts, at_most, case.rulebook.attributes)
    truth, verdict, questions = case.memo.weighed[key]
    if truth is False:
        return None
    words = [rule.unknown_say if truth is None else "", *(limit.say for limit in limits)]
    if rule.located_by == "outfall" and truth and not case.point:
        words.append("请给出排污口点位")
    if hit is not None and rule.located_by in _LOCATED:
        words.append(_LOCATED[rule.located_by])
    if IN_RESERVE_CORE in rule.attributes:
        words.append(_IN_CORE if facts.get(IN_RESERVE_CORE) else "是否同时命中核心保护区尚未查明")
    say = "；".join(dict.fromkeys(word for word in words if word))
    ours = [limit.at_most for limit in limits if limit is not case.lowered.get(rule.id)]
    before = verdict_of(rule, facts, min(ours))[1]
    return Finding(
        layer, hit, verdict, rule.id, rule.basis, say, questions, read, min(rule.effect, at_most),
        before if before > verdict else None,
    )  # fmt: skip


def _class_limits(case: Case, rule: Rule, layer: LayerResult, hit: Hit, match: Match) -> list[Limit]:
    if match != "maybe":
        return []
    known = case.rulebook.themes[layer.theme].class_of(hit.zone_class)
    if known is None:
        say = f"分区类别不明（{hit.zone_class.strip() or '未填'}），按“{rule.class_words}”从严初判"
    else:
        word = CLASS_TITLES.get((layer.theme, known.code), (*known.words, known.code)[0])
        say = f"图层分区“{word}”与条文“{rule.class_words}”不能直接对应，分区类别不明，须核"
    return [Limit(Verdict.TO_JUSTIFY, say)]


def _layer_limits(layer: LayerResult) -> list[Limit]:
    limits = []
    if layer.legal_status == "draft":
        limits.append(Limit(Verdict.NOTICE, "图层为草案，只作提示"))
    if layer.status == "stale":
        limits.append(Limit(Verdict.PROHIBITED, f"图层{'数据可能过期' if layer.outdated else '版本已过期'}"))
    return limits


def _band_limits(case: Case, rule: Rule, layer: LayerResult, hit: Hit) -> list[Limit] | None:
    """Return the limits of a rule with statutory distances, None when the zone lies too far away."""
    known = case.rulebook.themes[layer.theme].class_of(hit.zone_class)
    words = {hit.zone_class.strip(), *(known.words if known else ())}
    fitting = [band.distance_m for band in rule.bands if words.intersection(band.zones)]
    reach = max(fitting or [band.distance_m for band in rule.bands])
    limits = [] if fitting else [
        Limit(Verdict.TO_JUSTIFY, f"分区类别不明（{hit.zone_class.strip() or '未填'}），按最大距离 {reach:g} m 初判")
    ]  # fmt: skip
    if hit.relation.hit or hit.distance_m <= reach:
        return [*limits, Limit(Verdict.PROHIBITED, f"距离 {hit.distance_m:.2f} m，法定 {reach:g} m")]
    if hit.distance_m <= reach + layer.accuracy_m + case.accuracy_m:
        say = f"临界：距离 {hit.distance_m:.2f} m，与法定 {reach:g} m 之差小于合成精度，须实测核定"
        return [*limits, Limit(Verdict.TO_JUSTIFY, say)]
    return None


def _zone_facts(case: Case, layer: LayerResult, hit: Hit) -> tuple[dict[str, Value], list[Limit]]:
    """Return the project's facts with the zone's own, and the caps those facts bring."""
    own = {name: value for name, value in hit.facts if name.startswith("zone.")}
    facts = {**case.facts, **own, **case.zone_facts.get((layer.id, hit.zone_id), {})}
    caps = [cap for cap in case.rulebook.caps if cap.theme == layer.theme]
    return facts, [Limit(cap.at_most, cap.say) for cap in caps if cap.condition.truth(facts) is True]


def _on_zone(
    case: Case, layer: LayerResult, hit: Hit, extra: Sequence[Limit], *, banded: bool
) -> Iterator[Finding]:
    """Yield what the rules with statutory distances (or those without) make of a zone.

    A rule with a screening distance judges a zone beside the site in `_screened` alone.
    """
    facts, caps = _zone_facts(case, layer, hit)
    for rule in case.rules:
        if layer.theme not in rule.themes or rule.trigger not in _ON_HIT or bool(rule.bands) is not banded:
            continue
        match: Match = "yes" if banded else case.rulebook.match(rule, layer.theme, hit.zone_class)
        near = _band_limits(case, rule, layer, hit) if banded else []
        if match == "no" or near is None or (rule.screening_m and not hit.relation.hit):
            continue
        limits = [*_class_limits(case, rule, layer, hit, match), *near, *_layer_limits(layer), *caps, *extra]
        if rule.located_by == "outfall" and not case.point:
            limits.append(Limit(Verdict.TO_JUSTIFY, ""))
        found = _finding(case, rule, layer.id, hit, facts, limits)
        if found is not None:
            yield found


def _screening(case: Case, rule: Rule, layer: LayerResult, hit: Hit) -> str:
    """Return why a zone falls within a rule's screening distance, "" when it does not."""
    if rule.screening_m is None or layer.theme not in rule.themes:
        return ""
    if rule.trigger == FLOW_PATH:
        # The straight line is never longer than the flow path, so the circle holds all that counts.
        slack = layer.accuracy_m + case.accuracy_m
        inside = hit.relation.hit or hit.distance_m <= rule.screening_m + slack
        return (
            f"最近距离 {hit.distance_m:.2f} m，在直线筛查距离 {rule.screening_m:g} m 之内" if inside else ""
        )
    if hit.relation.hit or hit.distance_m > rule.screening_m:
        return ""
    return (
        f"最近距离 {hit.distance_m:.2f} m；“{rule.class_words}”没有法定距离，"
        f"按筛查距离 {rule.screening_m:g} m 列出，由主管部门认定"
    )


def _screened(case: Case, layer: LayerResult, hit: Hit, extra: Sequence[Limit]) -> Iterator[Finding]:
    """Yield what rules with a screening distance make of a zone on the site, or of the nearest one."""
    if not hit.relation.hit and hit != layer.nearest:
        return
    facts, caps = _zone_facts(case, layer, hit)
    for rule in case.rules:
        say = _screening(case, rule, layer, hit)
        if not say:
            continue
        limits = [Limit(Verdict.PROHIBITED, say), *_layer_limits(layer), *caps, *extra]
        if rule.located_by == "outfall" and not case.point:
            limits.append(Limit(Verdict.TO_JUSTIFY, ""))
        found = _finding(case, rule, layer.id, hit, facts, limits)
        if found is not None:
            yield found


def _bare(case: Case, layer: LayerResult, hit: Hit, verdict: Verdict, say: str) -> Finding:
    """Return a measurement no rule speaks of; an administrative outline is never worth a notice."""
    theme = case.rulebook.themes.get(layer.theme)
    if theme is not None and theme.context:
        verdict, say = Verdict.CLEAR, "只供定位"
    words = [say, *(limit.say for limit in _layer_limits(layer))]
    return Finding(layer.id, hit, verdict, None, None, "；".join(word for word in words if word))


def _good_inside(case: Case, layer: LayerResult) -> bool:
    """Whether all law on a theme is about lying outside its zones (a development boundary)."""
    triggers = {rule.trigger for rule in case.rulebook.rules if layer.theme in rule.themes}
    return triggers == {"outside"}


def true_hit(case: Case, layer: LayerResult, hit: Hit) -> list[Finding]:
    """Judge a zone that holds something of the site."""
    thin = f"临界：重叠厚度 {hit.margin_m:.2f} m 小于合成精度，须实测核定"
    extra = [Limit(Verdict.PROHIBITED, thin)] if hit.critical else []
    found = [f for banded in (False, True) for f in _on_zone(case, layer, hit, extra, banded=banded)]
    found += _screened(case, layer, hit, extra)
    return found or [_bare_hit(case, layer, hit, thin if hit.critical else "")]


def _bare_hit(case: Case, layer: LayerResult, hit: Hit, thin: str) -> Finding:
    """Return a hit that no rule speaks of."""
    verdict, say = Verdict.NOTICE, _BARE
    if _good_inside(case, layer):
        part = "" if holds(case, layer) else "部分"
        verdict, say = Verdict.CLEAR, f"{part}位于{case.rulebook.themes[layer.theme].title}之内"
    return _bare(case, layer, hit, verdict, f"{say}；{thin}" if thin else say)


def bare_verdict(case: Case, layer: LayerResult, hit: Hit) -> Verdict:
    """Return what is left of a zone when every rule falls away."""
    if hit.relation.hit:
        return _bare_hit(case, layer, hit, "").verdict
    return _bare(case, layer, hit, Verdict.NOTICE if hit.critical else Verdict.CLEAR, "").verdict


def near_miss(case: Case, layer: LayerResult, hit: Hit) -> list[Finding]:
    """Judge a zone beside the site: distances in full, a hit within accuracy as a maybe of every rule."""
    say = f"临界：距离 {hit.distance_m:.2f} m 小于合成精度，须实测核定"
    limit = [Limit(Verdict.TO_JUSTIFY, say)]
    found = list(_on_zone(case, layer, hit, (), banded=True))
    found += _screened(case, layer, hit, limit if hit.critical else ())
    if hit.critical:
        found += _on_zone(case, layer, hit, limit, banded=False)
        if not found:
            found.append(_bare(case, layer, hit, Verdict.NOTICE, say))
    elif not found and hit == layer.nearest:
        found.append(_bare(case, layer, hit, Verdict.CLEAR, ""))
    return found


def _edge(case: Case, layers: Sequence[LayerResult]) -> list[Limit] | None:
    """Return the limits of lying outside all layers of a theme, None when one surely holds the site."""
    holding = [layer for layer in layers if holds(case, layer)]
    if any(not hit.critical for layer in holding for hit in met(layer)):
        return None
    if holding:
        margin = max(hit.margin_m for layer in holding for hit in met(layer))
        say = f"临界：位于边界之内，厚度 {margin:.2f} m 小于合成精度，须实测核定"
        return [Limit(Verdict.TO_JUSTIFY, say)]
    outside = 1.0 - max(layer.share_of_site for layer in layers)
    if case.point or outside > _SLIVER:
        return []
    return [Limit(Verdict.TO_JUSTIFY, f"临界：边界之外只占场址的 {outside * 100:.4f} %，须实测核定")]


def absences(case: Case, theme: str) -> Iterator[Finding]:
    """Yield what follows from the site lying outside the zones of a theme, however many its files."""
    layers = speaking(case, theme)
    if not layers:
        return
    edge, hole = _edge(case, layers), has_hole(case, theme)
    closest = min(
        layers, key=lambda one: (-one.share_of_site, one.nearest.distance_m if one.nearest else 1e9, one.id)
    )
    for rule in case.rules:
        fits = (rule.trigger == "outside" and edge is not None) or (rule.trigger == TILED and hole)
        if theme in rule.themes and fits:
            limits = [*(edge or ()), *_layer_limits(closest)] if rule.trigger == "outside" else []
            found = _finding(case, rule, closest.id, closest.nearest, case.facts, limits)
            if found is not None:
                yield found


def vicinity(case: Case, layer: LayerResult) -> Iterator[Finding]:
    """Yield reminders of rules on a 周边 that no text gives a distance for, beyond our screening."""
    hit = layer.nearest
    if hit is None or hit.relation.hit or hit.relation is Relation.DISJOINT:
        return
    say = f"最近距离 {hit.distance_m:.2f} m；条文没有法定距离，只作提醒"
    limits = [Limit(Verdict.NOTICE, say), *_layer_limits(layer)]
    for rule in case.rules:
        if layer.theme not in rule.themes or rule.trigger != "within_distance" or rule.bands:
            continue
        told = hit.critical if rule.screening_m is None else hit.distance_m <= rule.screening_m
        found = None if told else _finding(
            case, rule, layer.id, hit, _zone_facts(case, layer, hit)[0], limits
        )  # fmt: skip
        if found is not None:
            yield found


def of_project(case: Case, triggers: tuple[str, ...], facts: Mapping[str, Value]) -> Iterator[Finding]:
    """Yield what the rules that look at the project alone make of it."""
    for rule in case.rules:
        if rule.trigger in triggers and not rule.themes and not rule.missing_themes:
            found = _finding(case, rule, "", None, facts, ())
            if found is not None:
                yield found
