"""Judge measured hits by the rules in force on a day: pure, three-valued, and blind to geometry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from linxi_gis.finding import Finding, Hit, LayerResult, Overall, Relation
from linxi_gis.law import Rule, Truth, Value, Verdict
from linxi_gis.project import Project
from linxi_gis.rulebook import Match, Rulebook
from linxi_gis.weigh import Limit, Weighed, weigh

WHOLE = 0.999999  # a share this near 1 is the whole site: slivers below a millionth are arithmetic
IN_RESERVE_CORE = "engine.in_reserve_core"
ANY_PROHIBITION = "engine.any_prohibition"
_ON_HIT = ("intersects", "crosses", "attribute", "within_distance")
_LOCATED = {
    "route": "以场址范围代替线位判断",
    "pipeline": "以场址范围代替排尾、回水管线判断",
    "dam_toe": "以场址范围代替坝脚判断",
    "buildings": "以场址范围代替建筑物位置判断",
    "working_area": "以场址范围代替作业范围判断",
}
_BEYOND_GEOMETRY = {
    "data_quality": "工具规则，由各图层的核查状态体现，不另作结论",
    "downstream_flow_path": "须给出初期坝坡脚和下游流径，平面叠加不能代替",
    "upstream_of": "须知道汇流方向，平面叠加不能代替",
}
_BARE = "命中该图层，当日规则包中没有对应条文产生结论"
_IN_CORE = "按场址同时命中自然保护地核心保护区判断，两者是否重叠须核"
_MAX_REASONS = 5

Layers = Sequence[LayerResult]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The findings that make the verdict, the reminders that do not, and what nobody evaluated.

    `unevaluated` holds (rule id, reason in one Chinese sentence) of rules in force that could not,
    or not wholly, be evaluated; a rule whose condition is known to be false is not among them.
    """

    findings: tuple[Finding, ...]
    reminders: tuple[Finding, ...]
    overall: Overall
    unevaluated: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """What is the same for every zone of one site; `memo` holds what was weighed before."""

    rulebook: Rulebook
    rules: tuple[Rule, ...]
    facts: Mapping[str, Value]
    point: bool
    memo: dict[tuple[str, tuple[tuple[str, Value | None], ...], Verdict], Weighed] = field(
        default_factory=dict
    )


def _finding(
    case: _Case,
    rule: Rule,
    layer: str,
    hit: Hit | None,
    facts: Mapping[str, Value],
    limits: Sequence[Limit],
) -> Finding | None:
    """Return what one rule makes of one zone (or of the project), None when its condition is false."""
    if rule.basis.text_status != "verbatim":
        limits = [*limits, Limit(Verdict.TO_JUSTIFY, "条文待核")]
    at_most = min((limit.at_most for limit in limits), default=Verdict.PROHIBITED)
    read = tuple((name, facts.get(name)) for name in rule.attributes)
    key = (rule.id, read, at_most)
    if key not in case.memo:
        case.memo[key] = weigh(rule, facts, at_most, case.rulebook.attributes)
    truth, verdict, questions = case.memo[key]
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
    return Finding(layer, hit, verdict, rule.id, rule.basis, say, questions, read)


def _class_limits(case: _Case, rule: Rule, layer: LayerResult, hit: Hit, match: Match) -> list[Limit]:
    if match != "maybe":
        return []
    known = case.rulebook.themes[layer.theme].class_of(hit.zone_class)
    if known is None:
        say = f"分区类别不明（{hit.zone_class or '未填'}），按“{rule.class_words}”从严初判"
    else:
        word = known.words[0] if known.words else known.code
        say = f"图层分区“{word}”与条文“{rule.class_words}”不能直接对应，分区类别不明，须核"
    return [Limit(Verdict.TO_JUSTIFY, say)]


def _layer_limits(layer: LayerResult) -> list[Limit]:
    limits = []
    if layer.legal_status == "draft":
        limits.append(Limit(Verdict.NOTICE, "图层为草案，只作提示"))
    if layer.status == "stale":
        limits.append(Limit(Verdict.PROHIBITED, "图层版本已过期"))
    return limits


def _band_limits(case: _Case, rule: Rule, layer: LayerResult, hit: Hit) -> list[Limit] | None:
    """Return the limits of a rule with statutory distances, None when the zone lies too far away."""
    known = case.rulebook.themes[layer.theme].class_of(hit.zone_class)
    words = {hit.zone_class, *(known.words if known else ())}
    fitting = [band.distance_m for band in rule.bands if words.intersection(band.zones)]
    reach = max(fitting or [band.distance_m for band in rule.bands])
    limits = [] if fitting else [
        Limit(Verdict.TO_JUSTIFY, f"分区类别不明（{hit.zone_class or '未填'}），按最大距离 {reach:g} m 初判")
    ]  # fmt: skip
    if hit.relation.hit or hit.distance_m <= reach:
        return [*limits, Limit(Verdict.PROHIBITED, f"距离 {hit.distance_m:.2f} m，法定 {reach:g} m")]
    if hit.distance_m <= reach + layer.accuracy_m:
        say = f"临界：距离 {hit.distance_m:.2f} m，与法定 {reach:g} m 之差小于图层精度，须实测核定"
        return [*limits, Limit(Verdict.TO_JUSTIFY, say)]
    return None


def _zone_facts(case: _Case, layer: LayerResult, hit: Hit) -> tuple[dict[str, Value], list[Limit]]:
    """Return the project's facts with the zone's own, and the caps those facts bring."""
    own = {name: value for name, value in hit.facts if name.startswith("zone.")}
    facts = {**case.facts, **own}
    caps = [cap for cap in case.rulebook.caps if cap.theme == layer.theme]
    return facts, [Limit(cap.at_most, cap.say) for cap in caps if cap.condition.truth(facts) is True]


def _on_zone(
    case: _Case, layer: LayerResult, hit: Hit, extra: Sequence[Limit], *, banded: bool
) -> Iterator[Finding]:
    """Yield what the rules with statutory distances (or those without) make of a zone."""
    facts, caps = _zone_facts(case, layer, hit)
    for rule in case.rules:
        if layer.theme not in rule.themes or rule.trigger not in _ON_HIT or bool(rule.bands) is not banded:
            continue
        match: Match = "yes" if banded else case.rulebook.match(rule, layer.theme, hit.zone_class)
        near = _band_limits(case, rule, layer, hit) if banded else []
        if match == "no" or near is None:
            continue
        limits = [*_class_limits(case, rule, layer, hit, match), *near, *_layer_limits(layer), *caps, *extra]
        if rule.located_by == "outfall" and not case.point:
            limits.append(Limit(Verdict.TO_JUSTIFY, ""))
        found = _finding(case, rule, layer.id, hit, facts, limits)
        if found is not None:
            yield found


def _bare(case: _Case, layer: LayerResult, hit: Hit, verdict: Verdict, say: str) -> Finding:
    """Return a measurement no rule speaks of; an administrative outline is never worth a notice."""
    theme = case.rulebook.themes.get(layer.theme)
    if theme is not None and theme.context:
        verdict, say = Verdict.CLEAR, "只供定位"
    words = [say, *(limit.say for limit in _layer_limits(layer))]
    return Finding(layer.id, hit, verdict, None, None, "；".join(word for word in words if word))


def _order(found: Finding) -> tuple[int, str]:
    return -found.verdict.rank, found.rule or ""


def _true_hit(case: _Case, layer: LayerResult, hit: Hit) -> list[Finding]:
    thin = f"临界：重叠厚度 {hit.margin_m:.2f} m 小于合成精度，须实测核定"
    extra = [Limit(Verdict.PROHIBITED, thin)] if hit.critical else []
    found = [f for banded in (False, True) for f in _on_zone(case, layer, hit, extra, banded=banded)]
    say = f"{_BARE}；{thin}" if hit.critical else _BARE
    return found or [_bare(case, layer, hit, Verdict.NOTICE, say)]


def _near_miss(case: _Case, layer: LayerResult, hit: Hit) -> list[Finding]:
    """Judge a zone beside the site: statutory distances in full, a hit within accuracy as a maybe."""
    found = list(_on_zone(case, layer, hit, (), banded=True))
    if hit.critical:
        say = f"临界：距离 {hit.distance_m:.2f} m 小于合成精度，须实测核定"
        limit = Limit(Verdict.TO_JUSTIFY, say)
        worst = min(_on_zone(case, layer, hit, (), banded=False), key=_order, default=None)
        if worst is not None:
            found += [f for f in _on_zone(case, layer, hit, [limit], banded=False) if f.rule == worst.rule]
        elif not found:
            found.append(_bare(case, layer, hit, Verdict.NOTICE, say))
    elif not found and hit == layer.nearest:
        found.append(_bare(case, layer, hit, Verdict.CLEAR, ""))
    return found


def _zones(layer: LayerResult) -> Iterator[Hit]:
    """Yield the zones a layer tells of, each once, far ones left out."""
    seen = {hit.zone_id for hit in layer.hits}
    others = [layer.nearest] if layer.nearest and layer.nearest.zone_id not in seen else []
    for hit in (*layer.hits, *others):
        if hit.relation is not Relation.DISJOINT:
            yield hit


def _usable(layer: LayerResult) -> bool:
    return layer.status in ("hit", "near", "clear") and layer.covered_share >= WHOLE


def _no_unit(layer: LayerResult, inside_county: bool | None) -> bool:
    """Whether a layer that should cover the county has no zone here: a hole in the data."""
    empty = layer.status in ("near", "clear") and not any(hit.relation.hit for hit in layer.hits)
    return layer.theme == "control_unit" and empty and inside_county is True


def _absences(case: _Case, layer: LayerResult, inside_county: bool | None) -> Iterator[Finding]:
    """Yield what follows from the site lying outside the zones of a layer."""
    hit = any(hit.relation.hit for hit in layer.hits)
    inside = hit if case.point else layer.share_of_site >= WHOLE
    outside, hole = _usable(layer) and not inside, _no_unit(layer, inside_county)
    triggers = {"outside": outside, "no_hit_inside_county": hole}
    for rule in case.rules:
        if layer.theme in rule.themes and triggers.get(rule.trigger, False):
            found = _finding(case, rule, layer.id, layer.nearest, case.facts, _layer_limits(layer))
            if found is not None:
                yield found


def _vicinity(case: _Case, layer: LayerResult) -> Iterator[Finding]:
    """Yield reminders of rules on a 周边 that no text gives a distance for."""
    hit = layer.nearest
    if hit is None or hit.relation.hit or hit.relation is Relation.DISJOINT:
        return
    say = f"最近距离 {hit.distance_m:.2f} m；条文没有法定距离，只作提醒"
    limits = [Limit(Verdict.NOTICE, say), *_layer_limits(layer)]
    for rule in case.rules:
        if layer.theme in rule.themes and rule.trigger == "within_distance" and not rule.bands:
            found = _finding(case, rule, layer.id, hit, _zone_facts(case, layer, hit)[0], limits)
            if found is not None:
                yield found


def _of_project(case: _Case, triggers: tuple[str, ...], facts: Mapping[str, Value]) -> Iterator[Finding]:
    for rule in case.rules:
        if rule.trigger in triggers and not rule.themes and not rule.missing_themes:
            found = _finding(case, rule, "", None, facts, ())
            if found is not None:
                yield found


def _in_reserve_core(layers: Layers, rulebook: Rulebook) -> Truth:
    """Whether the site hits the core zone of a reserve; None while a class or a layer is unsure."""
    reserves = [layer for layer in layers if layer.theme == "protected_area"]
    theme = rulebook.themes.get("protected_area")
    if theme is None or not reserves:
        return None
    sure = all(_usable(layer) and layer.legal_status != "draft" for layer in reserves)
    for layer in reserves:
        for hit in _zones(layer):
            known = theme.class_of(hit.zone_class)
            maybe = known is None or known.code == "core" or "core" in known.may_be
            if hit.relation.hit and known and known.code == "core" and layer.legal_status != "draft":
                return True
            sure = sure and not (maybe and (hit.relation.hit or hit.critical))
    return False if sure else None


def _band_gaps(rule: Rule, layers: Layers) -> Iterator[str]:
    """Tell where the distances known do not reach as far as the law does."""
    reach = max((band.distance_m for band in rule.bands), default=0.0)
    for layer in layers:
        if layer.theme not in rule.themes or layer.unchecked:
            continue
        if layer.range_m < reach:
            yield f"“{layer.title}”只量到 {layer.range_m:g} m，法定最大距离为 {reach:g} m"
        elif layer.nearest and layer.nearest.distance_m <= reach and layer.nearest not in layer.hits:
            yield f"“{layer.title}”只量了最近一处，{reach:g} m 内的其他各处未核"


def _gaps(rule: Rule, case: _Case, layers: Layers, inside_county: bool | None) -> Iterator[str]:
    """Yield why a rule could not, or not wholly, be evaluated."""
    if rule.trigger in _BEYOND_GEOMETRY:
        yield _BEYOND_GEOMETRY[rule.trigger]
    if rule.missing_themes:
        yield f"{'部分未评估：' if rule.themes else ''}没有“{'、'.join(rule.missing_themes)}”图层"
    for name in rule.themes:
        named = [layer for layer in layers if layer.theme == name]
        if not named:
            yield f"图层目录中没有“{case.rulebook.themes[name].title}”图层"
        elif all(layer.unchecked for layer in named):
            yield f"“{'、'.join(sorted(layer.title for layer in named))}”图层未核查"
    if rule.themes and rule.located_by == "outfall" and not case.point:
        yield "以排污口点位判断，请另以排污口点位作为点状场址核查"
    if rule.trigger == "no_hit_inside_county" and inside_county is None:
        yield "不知道场址是否在县域内"
    yield from _band_gaps(rule, layers)


def _unevaluated(case: _Case, layers: Layers, inside_county: bool | None) -> Iterator[tuple[str, str]]:
    for rule in case.rules:
        if rule.condition.truth(case.facts) is False:
            continue
        gaps = list(dict.fromkeys(_gaps(rule, case, layers, inside_county)))
        if gaps:
            yield rule.id, "；".join(gaps)


def _unchecked(layers: Layers, inside_county: bool | None) -> tuple[str, ...]:
    """Return the titles of required layers whose "no zone" cannot be believed."""

    def open_draft(layer: LayerResult) -> bool:
        """Only a draft speaks for this theme."""
        return layer.legal_status == "draft" and not any(
            other.theme == layer.theme and other.legal_status != "draft" and not other.unchecked
            for other in layers
        )

    nothing = all(layer.unchecked for layer in layers)
    return tuple(
        layer.title
        for layer in layers
        if nothing
        or (layer.required and (layer.unchecked or open_draft(layer) or _no_unit(layer, inside_county)))
    )


def _reasons(findings: Sequence[Finding], titles: Mapping[str, str], worst: Verdict) -> tuple[str, ...]:
    lines = []
    for found in findings:
        if found.verdict is worst and worst > Verdict.CLEAR:
            zone = f"{found.hit.zone_name or found.hit.zone_id}，" if found.hit else ""
            rule = f"{found.rule}，" if found.rule else ""
            lines.append(f"{titles.get(found.layer, '项目')}：{zone}{rule}{worst.label}")
    return tuple(dict.fromkeys(lines))[:_MAX_REASONS]


def _overall(findings: Sequence[Finding], layers: Layers, unchecked: tuple[str, ...]) -> Overall:
    """Take the worst finding; while anything required is unchecked, nothing mild is believed."""
    worst = max((found.verdict for found in findings), default=Verdict.CLEAR)
    reasons = _reasons(findings, {layer.id: layer.title for layer in layers}, worst)
    if layers and not unchecked:
        return Overall(worst, worst.label, True, (), reasons)
    count = f"{len(unchecked)} 个图层"
    if worst > Verdict.NOTICE:
        left = f"另有 {count}未核查" if layers else "没有可查的图层"
        return Overall(worst, f"{worst.label}（{left}）", False, unchecked, reasons)
    tail = f"；已查图层中最高为“{worst.label}”" if worst > Verdict.CLEAR else ""
    label = f"未核查（{count if layers else '没有可查的图层'}{tail}）"
    return Overall(Verdict.NOT_CHECKED, label, False, unchecked, reasons)


def judge(
    layers: Layers,
    project: Project,
    rulebook: Rulebook,
    day: date,
    *,
    site_kind: str,
    inside_county: bool | None,
) -> Judgement:
    """Judge one site's measured layers by the rules in force on `day`.

    `site_kind` is polygon, line, point or corridor; `inside_county` is None when nobody knows.
    A condition that cannot be decided yields the rule's own answer for the unknown, with the
    questions that would decide it: an unknown never lowers a verdict. See
    docs/decisions/0003-three-valued-law.md.
    """
    rules = tuple(rule for rule in rulebook.in_force(day) if rule.applies_in_linxi)
    facts = project.facts()
    in_core = _in_reserve_core(layers, rulebook)
    if in_core is not None:
        facts[IN_RESERVE_CORE] = in_core
    case = _Case(rulebook, rules, facts, site_kind == "point")
    findings: list[Finding] = []
    reminders: list[Finding] = []
    for layer in layers:
        for hit in _zones(layer):
            findings += (_true_hit if hit.relation.hit else _near_miss)(case, layer, hit)
        findings += _absences(case, layer, inside_county)
        reminders += _vicinity(case, layer)
    for found in _of_project(case, ("attribute", "date"), facts):
        (findings if found.verdict > Verdict.NOTICE else reminders).append(found)
    banned = any(found.verdict is Verdict.PROHIBITED for found in findings)
    reminders += _of_project(case, ("aggregate",), {**facts, ANY_PROHIBITION: banned})
    place = {layer.id: number for number, layer in enumerate(layers)}

    def position(found: Finding) -> tuple[int, int, str, str]:
        zone = found.hit.zone_id if found.hit else ""
        return -found.verdict.rank, place.get(found.layer, len(place)), zone, found.rule or ""

    findings.sort(key=position)
    reminders.sort(key=position)
    return Judgement(
        tuple(findings),
        tuple(reminders),
        _overall(findings, layers, _unchecked(layers, inside_county)),
        tuple(_unevaluated(case, layers, inside_county)),
    )
