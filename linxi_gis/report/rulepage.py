"""A rule as people and programs read it: text, dates, condition in words, history, the full article."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from linxi_gis import articles, rulechange
from linxi_gis.articles import Statute
from linxi_gis.law import All, AnyOf, Attribute, Citation, Condition, Is, Not, Rule
from linxi_gis.rulebook import Override, Rulebook
from linxi_gis.rulechange import Aspect, Changes
from linxi_gis.themes import TEXT_STATUS_TITLES

TRIGGER_TITLES: Mapping[str, str] = {
    "intersects": "命中",
    "crosses": "穿越",
    "outside": "位于其外",
    "within_distance": "距离之内",
    "no_hit_inside_county": "县域内未命中任何图斑",
    "attribute": "项目或图斑自身的属性",
    "date": "日期",
    "aggregate": "各条结论汇总",
    "data_quality": "图层是否可用",
    "downstream_flow_path": "下游流径",
    "upstream_of": "上游汇水",
}
ASPECT_TITLES: Mapping[Aspect, str] = {
    "effect": "结论",
    "condition": "条件",
    "unknown": "未知时",
    "zones": "图层",
    "basis": "依据",
    "quote": "引文",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page: its label ("" for the rest of a paragraph above) and its words."""

    label: str
    text: str


def condition_words(condition: Condition, attributes: Mapping[str, Attribute]) -> str:
    """Return a condition in Chinese, with the labels of its attributes.

    >>> known = {"a": Attribute("a", "新建", "？", "boolean", "user"), "g": Attribute("g", "等级", "？", "string", "layer")}
    >>> condition_words(All((Not(Is("a", True)), AnyOf((Is("a", True), Is("g", "市级"))))), known)
    '不是“新建” 且 （“新建” 或 “等级”为“市级”）'
    >>> condition_words(All(()), known)
    '无条件'
    """
    match condition:
        case Is(name, value):
            label = f"“{attributes[name].label if name in attributes else name}”"
            return f"{label}为“{value}”" if isinstance(value, str) else label if value else f"不是{label}"
        case Not(part):
            inner = condition_words(part, attributes)
            return f"不是{inner}" if isinstance(part, Is) else f"不是（{inner}）"
        case All(parts) | AnyOf(parts):
            glue = " 且 " if isinstance(condition, All) else " 或 "
            words = [
                f"（{condition_words(one, attributes)}）" if isinstance(one, All | AnyOf) else condition_words(one, attributes)
                for one in parts
            ]  # fmt: skip
            return glue.join(words) or "无条件"


def days(basis: Citation) -> str:
    """Return the days a text is in force in words."""
    return f"{basis.effective_from or '（起始日不详）'} 至 {basis.effective_to or '今'}"


def cite(basis: Citation) -> str:
    """Return a citation in one line: instrument, document number, article, rank, how far it was checked."""
    number = f" {basis.number}" if basis.number else ""
    rank = "，".join((basis.legal_force, TEXT_STATUS_TITLES[basis.text_status]))
    return f"《{basis.instrument}》{number} {basis.article}（{rank}）"


def _why(rule: Rule, book: Rulebook) -> Iterator[Line]:
    zones = "、".join(rule.zone_words.split("|"))
    yield Line("触发", f"{zones}（{rule.class_words}）：{TRIGGER_TITLES[rule.trigger]}")
    for band in rule.bands:
        yield Line("", f"{'、'.join(band.zones)}：{band.distance_m:g} m 之内")
    if rule.screening_m is not None:
        yield Line("", f"筛查距离 {rule.screening_m:g} m（本工具自设，不是法定距离）")
    if rule.missing_themes:
        yield Line("", f"没有图层、列为未评估的区域：{'、'.join(rule.missing_themes)}")
    yield Line("条件", condition_words(rule.condition, book.attributes))
    if rule.unknown_effect is not None:
        yield Line("未知时", f"{rule.unknown_effect.label}：{rule.unknown_say}")
    for name in rule.attributes:
        asked = book.attributes[name]
        label = "要问" if asked.askable else "读图层" if asked.origin == "layer" else "程序判断"
        yield Line(label, f"{name}：{asked.question}")
    for label, text in (("适用活动", rule.activity), ("例外", rule.exception), ("说明", rule.note)):
        if text:
            yield Line(label, text)


def _history(rule: Rule, book: Rulebook) -> Iterator[Line]:
    lines = (("接续自", rulechange.earlier(book, rule.id)), ("由其接续", rulechange.later(book, rule.id)))
    for label, others in lines:
        for other in others:
            yield Line(label, f"{other.id} {other.effect.label}，{_source(other)}，{days(other.basis)}")
    if rule.related:
        yield Line("相关", "、".join(rule.related))


def _full(basis: Citation, book: Rulebook, label: str) -> Iterator[Line]:
    """The articles cited, whole, and where their text was taken from."""
    statute = articles.find(book.folders, basis)
    texts = cited(statute, basis)
    if statute is None or not texts:
        yield Line(label, f"《{basis.instrument}》{basis.article}：规则包里没有全文")
        return
    for number, text in texts.items():
        yield Line(label, f"《{basis.instrument}》{number}{'（不全）' if number in statute.incomplete else ''}")
        yield from (Line("", line) for line in text.splitlines())
    checked = "；逐字比对过两个来源" if set(texts) <= set(statute.word_for_word) else ""
    yield Line("出处", f"{statute.source}；文本截至 {statute.text_as_of or '不详'}{checked}")


def cited(statute: Statute | None, basis: Citation) -> dict[str, str]:
    """Return the articles a citation names, whole, by number; none where the pack has no text of them."""
    if statute is None:
        return {}
    try:
        places = articles.passages(basis.article, statute.articles)
    except LookupError:
        return {}
    return {place.number: statute.articles[place.number] for place in places}


def page(book: Rulebook, rule: Rule) -> Iterator[Line]:
    """Yield a rule with everything that belongs to it, the full articles last."""
    yield Line(rule.id, f"{rule.effect.label}  {rule.zone_words} / {rule.class_words}")
    yield Line("依据", cite(rule.basis))
    yield Line("有效", days(rule.basis))
    yield Line("引文", rule.basis.quote or "（没有取得原文）")
    yield from _why(rule, book)
    penalty = book.penalty(rule.id)
    if penalty is not None:
        yield Line("罚则", cite(penalty))
        yield Line("", penalty.quote)
    for one in book.overrides:
        if one.rule == rule.id:
            span = f"{one.effective_from} 至 {one.effective_to or '今'}"
            signed = f"{one.by}，{one.signed} 签署；{one.reason}"
            yield Line("放宽", f"{one.pack}据{one.document}按“{one.effect.label}”，{span}（{signed}）")
    yield from _history(rule, book)
    yield from _full(rule.basis, book, "全文")
    if penalty is not None:
        yield from _full(penalty, book, "罚则全文")


def _source(rule: Rule) -> str:
    return f"《{rule.basis.instrument}》{rule.basis.article}"


def _brief(rule: Rule) -> str:
    return f"{rule.effect.label}，{rule.zone_words} / {rule.class_words}，{_source(rule)}"


def _said(rule: Rule, book: Rulebook) -> Mapping[Aspect, str]:
    unknown = f"{rule.unknown_effect.label} {rule.unknown_say}" if rule.unknown_effect else "不另定"
    return {
        "effect": rule.effect.label,
        "condition": condition_words(rule.condition, book.attributes),
        "unknown": unknown,
        "zones": f"{rule.zone_words} / {rule.class_words}",
        "basis": _source(rule),
        "quote": rule.basis.quote or "（没有取得原文）",
    }


def _aspects(pair: rulechange.Replacement, book: Rulebook) -> Iterator[Line]:
    old, new = _said(pair.old, book), _said(pair.new, book)
    for aspect in pair.differs:
        both = old[aspect], new[aspect]
        if aspect in ("unknown", "quote") and pair.old.basis.quote and pair.new.basis.quote:
            both = rulechange.marked(*both)
        yield Line(ASPECT_TITLES[aspect], f"旧：{both[0]}")
        yield Line("", f"新：{both[1]}")
    same = [ASPECT_TITLES[aspect] for aspect in ("effect", "condition", "quote") if aspect not in pair.differs]
    if same:
        yield Line("相同", "、".join(same))


def change_pages(book: Rulebook, changes: Changes) -> Iterator[tuple[str, tuple[Line, ...]]]:
    """Yield the changes between two days in paragraphs, each with its heading."""
    for pair in changes.replaced:
        yield f"{pair.old.id} → {pair.new.id}", tuple(_aspects(pair, book))
    for title, rules in (("失效，没有接续的规则", changes.went), ("新增，没有前身的规则", changes.came)):
        if rules:
            yield f"{title}（{len(rules)} 条）", tuple(Line(rule.id, _brief(rule)) for rule in rules)


def headline(changes: Changes) -> str:
    """Return how much changed, in one sentence."""
    return (
        f"{changes.before} 到 {changes.after}：接续 {len(changes.replaced)} 对，失效 {len(changes.went)} 条，"
        f"新增 {len(changes.came)} 条，不变 {changes.kept} 条"
    )


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def citation_body(basis: Citation) -> dict[str, Any]:
    """Return a citation for programs."""
    return {
        "instrument": basis.instrument,
        "number": basis.number,
        "article": basis.article,
        "quote": basis.quote,
        "text_status": basis.text_status,
        "legal_force": basis.legal_force,
        "effective_from": _day(basis.effective_from),
        "effective_to": _day(basis.effective_to),
    }


def _articles_body(book: Rulebook, basis: Citation) -> dict[str, Any] | None:
    statute = articles.find(book.folders, basis)
    texts = cited(statute, basis)
    if statute is None or not texts:
        return None
    return {
        "articles": [
            {"number": number, "text": text, "incomplete": number in statute.incomplete}
            for number, text in texts.items()
        ],
        "source": statute.source,
        "second_source": statute.second_source,
        "quality": statute.quality,
        "text_as_of": _day(statute.text_as_of),
    }


def _override_body(one: Override) -> dict[str, Any]:
    return {
        "pack": one.pack,
        "effect": one.effect.name,
        "effect_label": one.effect.label,
        "by": one.by,
        "signed": one.signed.isoformat(),
        "document": one.document,
        "reason": one.reason,
        "effective_from": one.effective_from.isoformat(),
        "effective_to": _day(one.effective_to),
    }


def body(book: Rulebook, rule: Rule) -> dict[str, Any]:
    """Return a rule for programs, with its full article; the keys of `GET /v1/rules/{id}`."""
    penalty = book.penalty(rule.id)
    return {
        "id": rule.id,
        "zones": rule.zone_words,
        "class": rule.class_words,
        "themes": list(rule.themes),
        "classes": list(rule.classes),
        "missing_themes": list(rule.missing_themes),
        "trigger": rule.trigger,
        "activity": rule.activity,
        "effect": rule.effect.name,
        "effect_label": rule.effect.label,
        "condition": condition_words(rule.condition, book.attributes),
        "unknown": None if rule.unknown_effect is None else {
            "effect": rule.unknown_effect.name, "effect_label": rule.unknown_effect.label, "say": rule.unknown_say,
        },
        "questions": [{"attribute": name, "text": book.attributes[name].question} for name in rule.attributes],
        "exception": rule.exception,
        "note": rule.note,
        "basis": citation_body(rule.basis),
        "full_text": _articles_body(book, rule.basis),
        "penalty": None if penalty is None else {**citation_body(penalty), "full_text": _articles_body(book, penalty)},
        "earlier": [other.id for other in rulechange.earlier(book, rule.id)],
        "later": [other.id for other in rulechange.later(book, rule.id)],
        "related": list(rule.related),
        "local": rule.id in book.local,
        "overrides": [_override_body(one) for one in book.overrides if one.rule == rule.id],
    }  # fmt: skip


def changes_body(changes: Changes) -> dict[str, Any]:
    """Return the changes between two days for programs."""
    return {
        "from": changes.before.isoformat(),
        "to": changes.after.isoformat(),
        "kept": changes.kept,
        "went": [rule.id for rule in changes.went],
        "came": [rule.id for rule in changes.came],
        "replaced": [
            {"old": pair.old.id, "new": pair.new.id, "differs": list(pair.differs)} for pair in changes.replaced
        ],
    }
