"""Faults to plant in a copy of the rule pack: one change each, and what `rules check` must say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from linxi_gis.rulecheck import Kind


@dataclass(frozen=True)
class Fault:
    """One change to one file (in the block of one rule, where named), and what must be said of it."""

    file: str
    block: str
    old: str
    new: str
    kind: Kind
    said: str

    def plant(self, pack: Path) -> None:
        path = pack / self.file
        text = path.read_text(encoding="utf-8")
        start, end = block_of(text, self.block) if self.block else (0, len(text))
        block = text[start:end]
        assert not self.old or self.old in block
        changed = block.replace(self.old, self.new, 1) if self.old else self.new
        path.write_text(text[:start] + changed + text[end:], encoding="utf-8")


def block_of(text: str, id: str) -> tuple[int, int]:
    at = text.index(f'"{id}"\n')
    start = text.rindex("[[", 0, at)
    end = text.find("\n[[", at)
    return start, len(text) if end < 0 else end + 1


WATER, RIVER, RED, NPA, ZONES = "water_source.toml", "river.toml", "redline.toml", "protected_area.toml", "zones.toml"
ATTRIBUTES, LAWS, RECORDS, CODE = "attributes.toml", "instruments.toml", "proof/records.toml", "articles/eco_code_2026.toml"
FIRST, SECOND = "自然保护区和自然公园分为国家级和省级。", "各类自然保护地范围不得交叉重叠。"
ROAD_RECORD = (
    '[[silent]]\nthemes = ["road"]\nbefore = 2011-07-01\n'
    'why = "包里最早的条文是公路安全保护条例，2011-07-01施行。"\n'
)
NEW_CLASS = '{ code = "third", words = ["第三地带"] },'
FAULTS: dict[str, Fault] = {
    # quotations and articles
    "a character in a quotation": Fault(
        WATER, "WSP-002", 'quote = "禁止在饮用水水源一级', 'quote = "禁止在饮用水水源二级', "quote", "WSP-002 quote",
    ),
    "a word dropped from a quotation": Fault(WATER, "WSP-001", "排污口。", "排口。", "quote", "WSP-001 quote"),
    "a comma in a quotation": Fault(RED, "ERL-001", "活动，应当", "活动；应当", "quote", "ERL-001 quote"),
    "a key twice": Fault(WATER, "WSP-004", 'quote = "禁止', 'note = "禁止', "schema", "water_source.toml"),
    "nothing but an ellipsis": Fault(NPA, "NPA-000", f"{FIRST}……{SECOND}", "……", "quote", "NPA-000 quote"),
    "pieces in the wrong order": Fault(
        NPA, "NPA-000", f"{FIRST}……{SECOND}", f"{SECOND}……{FIRST}", "quote", "NPA-000 quote",
    ),
    "a quotation run on into the next clause": Fault(
        WATER, "WSP-002", '责令拆除或者关闭。"', '责令拆除或者关闭。禁止在饮用水水源一级保护区内从事网箱养殖"',
        "quote", "WSP-002 quote",
    ),
    "the wrong clause": Fault(
        WATER, "WSP-002", "第三百一十九条第一款", "第三百一十九条第二款", "quote", "WSP-002 quote",
    ),
    "the wrong article": Fault(
        WATER, "WSP-002", "第三百一十九条第一款", "第三百二十条第一款", "quote", "WSP-002 quote",
    ),
    "an article that does not travel": Fault(
        WATER, "WSP-002", "第三百一十九条第一款", "第三百四十九条第一款", "article", "WSP-002 quote",
    ),
    "a clause that is not there": Fault(
        WATER, "WSP-002", "第三百一十九条第一款", "第三百一十九条第九款", "article", "WSP-002 quote",
    ),
    "a character in a penalty": Fault(
        WATER, "WSP-002", 'quote = "在饮用水水源一级', 'quote = "在饮用水水源二级', "quote", "WSP-002 penalty",
    ),
    "the wrong item of a penalty": Fault(
        WATER, "WSP-002", "第一款第一项", "第一款第二项", "quote", "WSP-002 penalty",
    ),
    "a penalty of a repealed law": Fault(
        WATER, "WSP-002", 'penalty = { instrument = "eco_code_2026", article = "第一千一百四十五条第一款第一项"',
        'penalty = { instrument = "water_2017", article = "第九十一条第一款第一项"', "date", "WSP-002 penalty",
    ),
    "a character in an article": Fault(CODE, "", "禁止设置排污口", "不得设置排污口", "quote", "WSP-001 quote"),
    "an article under another number": Fault(
        CODE, "", '"第三百一十八条" =', '"第三百一十八条之一" =', "article", "WSP-001 quote",
    ),
    "an article file of another version": Fault(
        CODE, "", "text_as_of = 2026-09-10", "text_as_of = 2026-09-11", "article",
        "articles/eco_code_2026.toml title",
    ),
    "an article file that cannot be read": Fault(
        CODE, "", "instrument =", "= instrument", "schema", "articles/eco_code_2026.toml",
    ),
    "an article file of no instrument": Fault(
        CODE, "", '"eco_code_2026"', '"eco_code_2027"', "article", "articles/eco_code_2026.toml instrument",
    ),
    # what may forbid
    "a paraphrase called verbatim": Fault(RED, "ERL-002", '"paraphrase"', '"verbatim"', "article", "ERL-002 quote"),
    "an article number nobody knows called verbatim": Fault(
        NPA, "NPA-002", '"paraphrase"', '"verbatim"', "article", "NPA-002 quote",
    ),
    "a ban on a paraphrase": Fault(NPA, "NPA-002", '"限制"', '"禁止"', "prohibition", "NPA-002 effect"),
    "a ban without a text": Fault(WATER, "WSP-001", '"verbatim"', '"unverified"', "prohibition", "WSP-001 effect"),
    # dates and versions
    "swapped dates": Fault(
        WATER, "WSP-001-OLD", "effective_from = 2018-01-01\neffective_to = 2026-08-14",
        "effective_from = 2026-08-14\neffective_to = 2018-01-01", "date", "WSP-001-OLD effective_to",
    ),
    "a successor a day late": Fault(
        WATER, "WSP-001", "2026-08-15", "2026-08-16", "version", "WSP-001-OLD replaced_by",
    ),
    "a predecessor ended a day early": Fault(
        WATER, "WSP-001-OLD", "2026-08-14", "2026-08-13", "version", "WSP-001-OLD replaced_by",
    ),
    "overlapping versions": Fault(
        NPA, "NPA-004M", "effective_to = 2026-08-14", "effective_to = 2026-08-15", "version", "NPA-004M replaced_by",
    ),
    "a rule before its law": Fault(RIVER, "RIV-001", "2018-03-19", "2018-03-18", "date", "RIV-001 effective_from"),
    "a rule after its law": Fault(
        WATER, "WSP-001-OLD", "effective_to = 2026-08-14\n", "", "date", "WSP-001-OLD effective_to",
    ),
    "a rule that starts late": Fault(RED, "ERL-005", "2026-08-15", "2026-09-15", "date", "ERL-005 effective_from"),
    "a rule that ends for no reason": Fault(
        "farmland.toml", "PBF-001", "effective_from", "effective_to = 2027-01-01\neffective_from", "version",
        "PBF-001 replaced_by",
    ),
    "a law under another name": Fault(
        LAWS, "", '"中华人民共和国防洪法（2016年修正）"', '"中华人民共和国防洪法（2015年修正）"', "article",
        "articles/flood_2016.toml title",
    ),
    "an undated law": Fault(LAWS, "", "effective_from = 2018-03-19\n", "", "instrument", "river_2018 effective_from"),
    "a law repealed before it came": Fault(
        LAWS, "", "effective_from = 2016-02-06\n", "effective_from = 2016-02-06\neffective_to = 2015-01-01\n",
        "instrument", "scenic_2016 effective_to",
    ),
    "an unknown law": Fault(RIVER, "RIV-001", '"river_2018"', '"river_2019"', "instrument", "RIV-001 instrument"),
    # links
    "a deleted successor": Fault(WATER, "WSP-001", "", "", "version", "WSP-001-OLD replaced_by"),
    "a successor not named": Fault(
        WATER, "WSP-001-OLD", 'replaced_by = ["WSP-001"]\n', "", "version", "WSP-001-OLD replaced_by",
    ),
    "a successor not among the related": Fault(
        WATER, "WSP-001-OLD", 'related = ["WSP-001"]\n', "", "link", "WSP-001-OLD related",
    ),
    "a successor on other ground": Fault(
        WATER, "WSP-001-OLD", 'replaced_by = ["WSP-001"]', 'replaced_by = ["ERL-001"]', "version",
        "WSP-001-OLD replaced_by",
    ),
    "a related rule that is not there": Fault(RED, "ERL-002", '"NPA-001"]', '"NPA-999"]', "link", "ERL-002 related"),
    "a rule related to itself": Fault(RED, "ERL-002", '"NPA-001"]', '"ERL-002"]', "link", "ERL-002 related"),
    "one number twice": Fault(RIVER, "RIV-002", 'id = "RIV-002"', 'id = "RIV-001"', "schema", "RIV-001"),
    # words
    "an unknown theme": Fault(
        RIVER, "RIV-001", 'themes = ["river"]', 'themes = ["rivers"]', "words", "RIV-001 themes",
    ),
    "an unknown class": Fault(RIVER, "RIV-001", '"floodway"', '"flood"', "words", "RIV-001 classes"),
    "a zone without a layer that has one": Fault(
        WATER, "WSP-007", '"供水单位周边"]', '"供水单位周边", "饮用水水源保护区"]', "words",
        "WSP-007 missing_themes",
    ),
    "a zone of the text forgotten": Fault("tailings.toml", "TSF-001", '"river"', '"heritage"', "words", "TSF-001"),
    "a missing zone the text does not name": Fault(
        NPA, "NPA-005", '["水体保护区"]', '["水源涵养区"]', "words", "NPA-005",
    ),
    "a theme no catalogue knows": Fault(
        ZONES, "", '"monitoring_section"', '"monitor_section"', "words", "zones.toml monitor_section",
    ),
    "a word for two classes": Fault(
        ZONES, "", '"准保护区", "准保护"', '"准保护区", "一级"', "words", "zones.toml water_source classes",
    ),
    "a band of an unknown road": Fault("road.toml", "MIN-002", '"国道"', '"国路"', "words", "MIN-002 bands"),
    # attributes
    "a missing question": Fault(
        ATTRIBUTES, "", 'question = "项目是否新建？"\n', "", "question", "is_new_build question",
    ),
    "a question that is none": Fault(
        ATTRIBUTES, "", "项目是否新建？", "新建项目", "question", "is_new_build question",
    ),
    "an unknown attribute": Fault(
        RIVER, "RIV-001", 'when = "obstructs', 'when = "obstruct', "condition", "RIV-001 when",
    ),
    "a yes compared with a text": Fault(
        WATER, "WSP-001", 'when = "has_outfall"', "when = \"has_outfall = '有'\"", "condition", "WSP-001 when",
    ),
    "a text compared with a yes": Fault(
        NPA, "NPA-000", "zone.grade = '市级'", "zone.grade", "condition", "NPA-000 when",
    ),
    "a condition nobody can read": Fault(
        WATER, "WSP-001", 'when = "has_outfall"', 'when = "has_outfall and"', "condition", "WSP-001 when",
    ),
    # three values
    "an exemption that lowers while unknown": Fault(
        WATER, "WSP-002", 'unknown = { effect = "禁止"', 'unknown = { effect = "须论证"', "truth",
        "WSP-002 exempting",
    ),
    "an unknown graver than the effect": Fault(
        WATER, "WSP-005", 'unknown = { effect = "提示"', 'unknown = { effect = "禁止"', "truth", "WSP-005 unknown",
    ),
    "an unknown made mild": Fault(
        RED, "ERL-003", 'unknown = { effect = "须论证"', 'unknown = { effect = "提示"', "truth", "ERL-003 unknown",
    ),
    "a condition that never holds": Fault(
        WATER, "WSP-001", 'when = "has_outfall"', 'when = "has_outfall and not has_outfall"', "truth",
        "WSP-001 when",
    ),
    "a condition that always holds": Fault(
        WATER, "WSP-001", 'when = "has_outfall"', 'when = "has_outfall or not has_outfall"', "truth", "WSP-001 when",
    ),
    "a rule the judge never hears": Fault(WATER, "WSP-002", '"intersects"', '"aggregate"', "truth", "WSP-002 when"),
    "a ban that is never judged": Fault(
        WATER, "WSP-002", '"intersects"', '"upstream_of"', "truth", "WSP-002 trigger",
    ),
    # the cascade
    "a class no rule speaks of": Fault(
        ZONES, "", '{ code = "control", words = ["建设控制地带"] },',
        '{ code = "control", words = ["建设控制地带"] }, ' + NEW_CLASS, "cascade", "zones.toml heritage",
    ),
    "a theme whose only rule is not for this county": Fault(
        WATER, "WSP-007", 'located_by', 'applies_in_linxi = false\nlocated_by', "cascade",
        "zones.toml groundwater_recharge",
    ),
    "a boundary whose outside is silent": Fault(
        "urban.toml", "UDB-001L", 'located_by', 'applies_in_linxi = false\nlocated_by', "cascade",
        "zones.toml urban_boundary",
    ),
    "a record taken away": Fault(RECORDS, "", ROAD_RECORD, "", "cascade", "zones.toml road"),
    "a record that ends too late": Fault(
        RECORDS, "", 'themes = ["road"]\nbefore = 2011-07-01', 'themes = ["road"]\nbefore = 2012-07-01', "record",
        "silent[",
    ),
    "a record nobody needs": Fault(
        RECORDS, "", '"WLD-003", "SAND-003"', '"WLD-003", "SAND-003", "WSP-002"', "record", "mild WSP-002",
    ),
    "a record without a reason": Fault(RECORDS, "", "why = ", "y = ", "schema", "proof/records.toml"),
    # the files
    "a key nobody reads": Fault(RIVER, "RIV-001", "trigger =", "triger =", "schema", "river.toml RIV-001"),
    "a date in quotation marks": Fault(
        RIVER, "RIV-001", "= 2018-03-19", '= "2018-03-19"', "date", "RIV-001 effective_from",
    ),
    "a file that cannot be read": Fault("soil.toml", "", "subject =", "= subject", "schema", "soil.toml"),
    "a pack without a version": Fault("pack.toml", "", "version =", "versions =", "schema", "pack.toml"),
}  # fmt: skip
