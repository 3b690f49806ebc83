"""What the red line comes to in the words of practice, from the findings and from what is known of the project.

The outcomes are those of a land-use review under 自然资发〔2022〕142号: not involved, crossed without taking land,
a permitted limited activity yet to be recognised by the province, a national major project yet to be argued,
prohibited; and two for what is not known. Of its ten kinds of limited activity the pack holds the words of the
first four; of those only the third (…文物保护活动) answers to an attribute. Nothing else is matched: it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from linxi_gis.case import in_reserve_core
from linxi_gis.finding import Finding, Hit, LayerResult
from linxi_gis.law import Attribute, Citation, Value, Verdict
from linxi_gis.practice import RedLine
from linxi_gis.rulebook import Rulebook

THEME, RESERVES = "ecological_redline", "protected_area"
DEVELOPS, LIMITED, NATIONAL = (
    "is_development_or_production", "limited_activity_confirmed", "national_major_project_confirmed",
)  # fmt: skip
LINEAR, OCCUPIES, KEY_PROJECT, RELICS = (
    "is_linear_infrastructure", "occupies_land", "is_key_national_infrastructure", "is_relic_protection_work",
)  # fmt: skip
_TEN = "十类允许的有限人为活动中，规则包只有前四类的原文，其余不能自动对应"
_AWAIT_LIMITED = "有限人为活动待认定（省级意见）"
_AWAIT_NATIONAL = "国家重大项目不可避让待论证"


@dataclass(frozen=True, slots=True)
class _Met:
    """A red line that is hit: what is known of the project, what the rules say, the text that rules.

    `in_core` is whether a reserve's core is hit too, None while a class or a layer is unsure.
    """

    facts: Mapping[str, Value]
    findings: Sequence[Finding]
    layers: Sequence[LayerResult]
    text: str
    in_core: bool | None
    attributes: Mapping[str, Attribute]

    def ask(self, *names: str) -> tuple[tuple[str, str], ...]:
        """The questions of those attributes that are unknown."""
        return tuple((name, self.attributes[name].question) for name in names if name not in self.facts)


def outcome(
    layers: Sequence[LayerResult],
    findings: Sequence[Finding],
    facts: Mapping[str, Value],
    rulebook: Rulebook,
    day: date,
) -> RedLine | None:
    """Return the outcome, None on a day when no text knew it (before 2022-08-16).

    An unknown never gives 不涉及: that takes an approved layer that was seen on the whole site and has nothing
    there, nor nearer than the accuracies. `facts` are those of the project.
    """
    basis = _basis(rulebook, day)
    if basis is None:
        return None
    lines = [layer for layer in layers if layer.theme == THEME]
    official = [layer for layer in lines if layer.legal_status != "draft"]
    if any(hit.relation.hit for layer in official for hit in layer.hits):
        text = f"{basis.number or basis.instrument}{basis.article}"
        return _met(_Met(facts, findings, layers, text, in_reserve_core(layers, rulebook), rulebook.attributes))
    close = min((hit.distance_m for layer in official for hit in _told(layer) if hit.critical), default=None)
    if close is not None:
        return RedLine("unclear", "临界，须实测核定", f"距红线 {close:.2f} m，小于图层与场址的精度之和")
    drafted = "；红线草案图层命中，只作提示" if any(h.relation.hit for one in lines for h in one.hits) else ""
    unseen = [layer.title for layer in official if layer.unchecked]
    if unseen or not official:
        why = f"“{'、'.join(unseen)}”未核查" if unseen else "没有可用的生态保护红线图层"
        return RedLine("not_checked", "未核查", f"{why}，不能写不涉及{drafted}")
    return RedLine("not_involved", "不涉及", f"已核查的红线图层没有命中{drafted}")


def _basis(rulebook: Rulebook, day: date) -> Citation | None:
    """Return the text in force that knows limited activities, None when there is none yet."""
    known = (r for r in rulebook.in_force(day) if THEME in r.themes and {LIMITED, NATIONAL} <= set(r.attributes))
    return next((rule.basis for rule in known), None)


def _told(layer: LayerResult) -> list[Hit]:
    return [*layer.hits, *([layer.nearest] if layer.nearest else [])]


def _met(met: _Met) -> RedLine:
    """Go down the cascade of a hit: what bans, what is not known of the core, then the ways through."""
    return _banned(met) or _relaxed(met) or _in_core(met) or _shown(met) or _open(met)


def _of_theme(met: _Met, theme: str) -> list[Finding]:
    ids = {layer.id for layer in met.layers if layer.theme == theme}
    return [finding for finding in met.findings if finding.layer in ids]


def _banned(met: _Met) -> RedLine | None:
    bans = [one for one in _of_theme(met, THEME) if one.verdict is Verdict.PROHIBITED and one.basis is not None]
    if not bans:
        return None
    names = dict.fromkeys(f"《{one.basis.instrument}》{one.basis.article}" for one in bans if one.basis is not None)
    return RedLine("prohibited", "禁止", "、".join(names))


def _relaxed(met: _Met) -> RedLine | None:
    """A ban that a local pack made milder is told as what it was."""
    found = _of_theme(met, THEME)
    names = dict.fromkeys(one.rule for one in found if one.lowered_from is Verdict.PROHIBITED and one.rule)
    if not names:
        return None
    return RedLine("unclear", "原为禁止，已由地方规则包放宽，须核", f"{'、'.join(names)} 的放宽依据见该条结论")


def _in_core(met: _Met) -> RedLine | None:
    """A core zone of a reserve is outside the list of limited activities: reserve law decides there."""
    if met.in_core is False:
        return None
    if met.in_core is None:
        return RedLine("unclear", "命中，待明确", "是否同时位于自然保护地核心保护区尚未查明，核心保护区不适用有限人为活动清单")
    if any(one.verdict is Verdict.PROHIBITED for one in _of_theme(met, RESERVES)):
        return RedLine("prohibited", "禁止", "同时命中自然保护地核心保护区，依自然保护地条文禁止")
    return RedLine("unclear", "命中，待明确", "同时命中自然保护地核心保护区，不适用有限人为活动清单，依自然保护地条文")


def _shown(met: _Met) -> RedLine | None:
    """The ways through that what was answered already points to."""
    facts = met.facts
    if facts.get(LINEAR) is True and facts.get(OCCUPIES) is False:
        return RedLine("crosses_without_land", "跨越不占地", "线性工程，已填不占用土地（永久或临时），须附跨越方式")
    if facts.get(NATIONAL) is True:
        label = "国家重大项目，已填取得不可避让论证意见"
        return RedLine("national_project", label, f"须核论证意见原件；{met.text}")
    if facts.get(LIMITED) is True:
        label = "有限人为活动，已填取得省级认定意见"
        return RedLine("limited_activity", label, f"须核认定意见原件；{met.text}")
    if facts.get(KEY_PROJECT) is True:
        return RedLine("national_project", _AWAIT_NATIONAL, "已填属国家重点建设项目，须取得不可避让论证意见", met.ask(NATIONAL))
    if facts.get(LIMITED) is False:
        return None
    if facts.get(RELICS) is True:
        why = f"文物保护工程，与{met.text}第3类（经依法批准的……文物保护活动）对应，须省级认定"
        return RedLine("limited_activity", _AWAIT_LIMITED, why, met.ask(LIMITED))
    if facts.get(DEVELOPS) is False:
        why = f"已填不属开发性、生产性建设活动；{_TEN}，须省级认定"
        return RedLine("limited_activity", _AWAIT_LIMITED, why, met.ask(LIMITED))
    if facts.get(NATIONAL) is False:
        return RedLine("limited_activity", _AWAIT_LIMITED, f"{_TEN}，须省级认定", met.ask(LIMITED))
    return None


def _open(met: _Met) -> RedLine:
    """Nothing points the way: ask."""
    crossing = () if met.facts.get(LINEAR) is False or met.facts.get(OCCUPIES) is True else (LINEAR, OCCUPIES)
    asked = met.ask(DEVELOPS, LIMITED, NATIONAL, *crossing)
    return RedLine("unclear", "命中，待明确", f"{_TEN}；{met.text}", asked)
