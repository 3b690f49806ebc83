"""Judge measured hits by the rules in force on a day: pure, three-valued, and blind to geometry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from linxi_gis import clauses, decisive, openclauses
from linxi_gis.blanks import blind_bans, unchecked_layers, unevaluated, unseen_bans
from linxi_gis.case import Case, Memo, open_case, told_zones
from linxi_gis.clauses import VIOLATES, Access, ClauseBook
from linxi_gis.decisive import Balance, Stake
from linxi_gis.finding import Decisive, Finding, LayerResult, Overall
from linxi_gis.law import Condition, Rule, Value, Verdict, comparisons
from linxi_gis.openclauses import Doubt
from linxi_gis.project import Project
from linxi_gis.rulebook import Rulebook
from linxi_gis.weigh import verdict_while_unknown
from linxi_gis.zonelaw import absences, bare_verdict, near_miss, of_project, true_hit, vicinity

ANY_PROHIBITION = "engine.any_prohibition"
_MAX_REASONS = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """The findings that make the verdict, the reminders that do not, and what nobody evaluated.

    `unevaluated` holds (rule id, reason in one Chinese sentence) of rules in force that could not,
    or not wholly, be evaluated; a rule whose condition is known to be false is not among them. `access` is the
    comparison with the access lists of the control units met.
    """

    findings: tuple[Finding, ...]
    reminders: tuple[Finding, ...]
    overall: Overall
    unevaluated: tuple[tuple[str, str], ...]
    access: Access = clauses.NOTHING


def _reasons(findings: Sequence[Finding], titles: Mapping[str, str], worst: Verdict) -> tuple[str, ...]:
    lines = []
    for found in findings:
        if found.verdict is worst and worst > Verdict.CLEAR:
            zone = f"{found.hit.zone_name or found.hit.zone_id}，" if found.hit else ""
            rule = f"{found.rule}，" if found.rule else ""
            lines.append(f"{titles.get(found.layer, '项目')}：{zone}{rule}{worst.label}")
    return tuple(dict.fromkeys(lines))[:_MAX_REASONS]


def _relaxed(overall: Overall, findings: Sequence[Finding]) -> Overall:
    """Say in the label and the reasons which answers a local pack made milder: both answers stay to be seen."""
    lowered: dict[str, Verdict] = {}
    for one in findings:
        if one.rule and one.lowered_from is not None:
            lowered[one.rule] = max(one.lowered_from, lowered.get(one.rule, Verdict.CLEAR))
    if not lowered:
        return overall
    told = "、".join(f"{rule} 原为“{verdict.label}”" for rule, verdict in lowered.items())
    reasons = (*overall.reasons, f"地方规则包放宽了 {len(lowered)} 条：{told}")
    return replace(overall, label=f"{overall.label}（地方规则包放宽：{told}）", reasons=reasons)


def _overall(
    findings: Sequence[Finding],
    layers: Sequence[LayerResult],
    unchecked: tuple[str, ...],
    blind: tuple[str, ...],
) -> Overall:
    """Take the worst finding; while anything required is unchecked, nothing mild is believed."""
    worst = max((found.verdict for found in findings), default=Verdict.CLEAR)
    reasons = _reasons(findings, {layer.id: layer.title for layer in layers}, worst)
    if layers and not unchecked and not blind:
        return Overall(worst, worst.label, True, (), reasons)
    left = (*unchecked, *blind)
    counted = ((len(unchecked), "个图层"), (len(blind), "类区域"))
    count = "、".join(f"{n} {what}" for n, what in counted if n) if layers else "没有可查的图层"
    if worst > Verdict.NOTICE:
        tail = f"另有 {count}未核查" if layers else count
        return Overall(worst, f"{worst.label}（{tail}）", False, left, reasons)
    tail = f"；已查图层中最高为“{worst.label}”" if worst > Verdict.CLEAR else ""
    return Overall(Verdict.NOT_CHECKED, f"未核查（{count}{tail}）", False, left, reasons)


def judge(
    layers: Sequence[LayerResult],
    project: Project,
    rulebook: Rulebook,
    day: date,
    *,
    site_kind: str,
    inside_county: bool | None,
    site_accuracy_m: float = 0.0,
    access_list: ClauseBook | None = None,
    asking: bool = True,
    memo: Memo | None = None,
) -> Judgement:
    """Judge one site's measured layers by the rules in force on `day`.

    `site_kind` is polygon, line, point or corridor; `inside_county` is None when nobody knows;
    `site_accuracy_m` is added to a layer's accuracy where a distance is compared with the law's.
    A condition that cannot be decided yields the rule's own answer for the unknown, with the
    questions that would decide it: an unknown never lowers a verdict. See
    docs/decisions/0003-three-valued-law.md. `asking` adds the questions that decide the overall verdict;
    `memo` keeps what was weighed for the next site under the same rulebook.
    """
    access = clauses.check(layers, project, access_list, rulebook.attributes, day)
    case = open_case(
        layers, project, rulebook, day, point=site_kind == "point", inside_county=inside_county,
        accuracy_m=site_accuracy_m, zone_facts=clauses.unit_facts(access, project), memo=memo or Memo(),
    )  # fmt: skip
    findings: list[Finding] = [*clauses.findings(access, layers)]
    reminders: list[Finding] = []
    for layer in layers:
        for hit in told_zones(layer):
            findings += (true_hit if hit.relation.hit else near_miss)(case, layer, hit)
        reminders += vicinity(case, layer)
    for theme in case.themes:
        findings += absences(case, theme)
    alone = tuple(of_project(case, ("attribute", "date"), case.facts))
    for found in alone:
        (findings if found.verdict > Verdict.NOTICE else reminders).append(found)
    banned = any(found.verdict is Verdict.PROHIBITED for found in findings)
    reminders += of_project(case, ("aggregate",), {**case.facts, ANY_PROHIBITION: banned})
    place = {layer.id: number for number, layer in enumerate(layers)}

    def position(found: Finding) -> tuple[int, int, str, str]:
        zone = found.hit.zone_id if found.hit else ""
        return -found.verdict.rank, place.get(found.layer, len(place)), zone, found.rule or ""

    findings.sort(key=position)
    reminders.sort(key=position)
    told = {found.rule for found in (*findings, *reminders) if found.rule}
    unchecked, unseen = unchecked_layers(case), tuple(unseen_bans(case))
    overall = _overall(findings, layers, unchecked, blind_bans(case, unseen))
    overall = _relaxed(overall, (*findings, *alone))
    if asking:
        questions = _decisive(case, project, (*findings, *alone), access, unseen, unchecked=bool(unchecked) or not layers)
        overall = replace(overall, questions=questions)
    return Judgement(tuple(findings), tuple(reminders), overall, tuple(unevaluated(case, told)), access)


def _decisive(
    case: Case, project: Project, found: Sequence[Finding], access: Access, unseen: Sequence[Rule], *, unchecked: bool
) -> tuple[Decisive, ...]:
    """Return the questions that decide; `found` is what every rule not known to be false says."""
    rules = {rule.id: rule for rule in case.rules}
    doubts = tuple(openclauses.doubts(access, project, case.layers))
    listed = {(unit.layer, unit.zone_id): openclauses.violated(unit, access, doubts, project) for unit in access.units}
    voices = [_stake(rules[one.rule], one, case, listed) for one in found if one.rule in rules]
    voices += [_open_clause(one, case) for one in doubts]
    blinds = (Stake(rule.id, _read(rule.attributes, case), rule.effect, Verdict.CLEAR, rule.condition) for rule in unseen)
    settled = [one.verdict for one in found if one.rule and one.rule not in rules]  # broken clauses
    settled += [bare_verdict(case, layer, hit) for layer in case.layers for hit in told_zones(layer)]
    balance = Balance(tuple(dict.fromkeys(voices)), tuple(blinds), max(settled, default=Verdict.CLEAR), unchecked)
    if balance not in case.memo.asked:
        case.memo.asked[balance] = decisive.questions(balance, case.rulebook.attributes)
    return case.memo.asked[balance]


def _read(names: Iterable[str], case: Case) -> tuple[tuple[str, Value | None], ...]:
    return tuple((name, case.facts.get(name)) for name in names)


def _open_clause(doubt: Doubt, case: Case) -> Stake:
    names = dict.fromkeys(one.attribute for one in comparisons(doubt.condition))
    return Stake(doubt.id, _read(names, case), doubt.effect, Verdict.CLEAR, doubt.condition)


def _stake(rule: Rule, found: Finding, case: Case, listed: Mapping[tuple[str, str], Condition]) -> Stake:
    """Return what a finding may still come to; what a rule on the project alone says up to 提示 is a reminder.

    Where a rule asks whether an access list is violated, the clauses of the unit (`listed`) answer.
    """
    true, unknown = found.at_most, verdict_while_unknown(rule, found.at_most)
    if not rule.themes:
        true, unknown = (end if end > Verdict.NOTICE else Verdict.CLEAR for end in (true, unknown))
    known = dict(found.attributes)
    place = (found.layer, found.hit.zone_id) if found.hit else ("", "")
    if place not in listed or VIOLATES not in known or known[VIOLATES] is not None:
        return Stake(rule.id, found.attributes, true, unknown, rule.condition)
    condition = openclauses.substituted(rule.condition, VIOLATES, listed[place])
    names = dict.fromkeys(one.attribute for one in comparisons(condition))
    return Stake(rule.id, _read(names, case), true, unknown, condition, "/".join(place), (VIOLATES, rule.condition))
