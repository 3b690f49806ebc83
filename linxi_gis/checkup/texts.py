"""The attributes of zones: encoding, codes, class words, areas, dates; and what a new version lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from linxi_gis.checkup.record import COMMON, HINT, Fault
from linxi_gis.checkup.sheet import Sheet
from linxi_gis.intake import encoding
from linxi_gis.tablecells import day_of

# Our choice: a stated area may be rounded, or planar (up to 0.041 % here); 1 % is neither.
AREA_SHARE = 0.01
_UNIT = re.compile(r"^ZH\d{6}([123])\d{4}$")
_DIGIT_CLASS = {"1": "priority", "2": "key", "3": "general"}
# U+FFFD, what it becomes in GBK, and memory that was never written.
_LOST = re.compile("\ufffd|锟斤拷|烫烫烫")
_UNIT_M2 = {
    "平方公里": 1e6, "平方千米": 1e6, "km2": 1e6, "km²": 1e6, "公顷": 1e4, "hm2": 1e4, "hm²": 1e4, "ha": 1e4, "亩": 1e4 / 15.0,
    "平方米": 1.0, "m2": 1.0, "m²": 1.0,
}  # fmt: skip
_AREA_COLUMN = re.compile(rf"面积.*?(万?)({'|'.join(_UNIT_M2)})", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})|(\d{4})(\d{2})(\d{2})(?!\d)")
_SINCE, _UNTIL = re.compile(r"(有效期起|起始日期|批准日期|生效)"), re.compile(r"(有效期止|截止日期|终止日期|失效)")


def check(sheet: Sheet) -> Iterator[Fault]:
    """Yield what is wrong with the words and figures of each zone, and with the dates of the layer."""
    seen: set[str] = set()
    for row, raw in enumerate(sheet.raw_ids):
        yield from _encoding(sheet, row)
        yield from _code(sheet, row, raw in seen)
        seen.add(raw)
        yield from _class(sheet, row)
        yield from _area(sheet, row)
        yield from _dates(sheet, row)
    yield from _entry(sheet)


def _fault(sheet: Sheet, row: int, code: str, figure: str, what: str, remedy: str) -> Fault:
    text = f"{sheet.title}「{sheet.ids[row]}」{what}"
    return Fault(code, COMMON, sheet.id, (sheet.ids[row],), sheet.drawn[row], figure, text, remedy)


def _encoding(sheet: Sheet, row: int) -> Iterator[Fault]:
    for name, column in sheet.columns.items():
        text = column[row]
        if not text.isascii() and (_LOST.search(text) or encoding.repaired(text) or encoding.mangled(text)):
            yield _fault(sheet, row, "encoding", column[row][:20], f"的“{name}”是乱码",
                         '请按原编码重新导出，或在 catalog.toml 写明 encoding = "GBK"')  # fmt: skip
            return


def _code(sheet: Sheet, row: int, again: bool) -> Iterator[Fault]:
    raw = sheet.raw_ids[row]
    if sheet.entry.columns.id and not raw:
        yield _fault(sheet, row, "code_missing", "", "没有编号", "请向提供单位补编号")
    elif sheet.theme == "control_unit" and not _UNIT.match(raw):
        yield _fault(sheet, row, "code_malformed", raw, "的编码不合 ZH+6 位区划+类别+4 位顺序", "请核对管控单元编码")
    elif raw and again:
        yield _fault(sheet, row, "code_repeated", raw, "的编号重复", "请核对编号")


def _class(sheet: Sheet, row: int) -> Iterator[Fault]:
    known = dict(sheet.entry.classes)
    word = sheet.words[row]
    if known and word not in known and word not in known.values():
        yield _fault(sheet, row, "class_unmapped", word or "（空）", f"的类别“{word}”不在对应表中",
                     "请核对原词，在 catalog.toml 的 classes 中补充")  # fmt: skip
        return
    match = _UNIT.match(sheet.raw_ids[row])
    if sheet.theme == "control_unit" and match and word and known.get(word, word) != _DIGIT_CLASS[match[1]]:
        yield _fault(sheet, row, "class_contradicted", f"{sheet.raw_ids[row]} · {word}", "的编码与类别不一致",
                     "请核对是编码错了还是类别错了")  # fmt: skip


def _area(sheet: Sheet, row: int) -> Iterator[Fault]:
    computed = float(sheet.plane[row].area)
    for name, column in sheet.columns.items():
        unit = _AREA_COLUMN.search(name)
        if unit is None or computed == 0.0:
            continue
        try:
            stated = float(column[row]) * _UNIT_M2[unit[2].lower()] * (1e4 if unit[1] else 1.0)
        except ValueError:
            continue
        if abs(stated - computed) > AREA_SHARE * computed:
            yield _fault(sheet, row, "area_differs", f"表列 {stated / 1e4:.2f}，计算 {computed / 1e4:.2f} 公顷",
                         f"的“{name}”与图形面积不符", "请核对面积单位和图形")  # fmt: skip


def _dates(sheet: Sheet, row: int) -> Iterator[Fault]:
    since = [day for name, column in sheet.columns.items() if _SINCE.search(name) and (day := day_of(column[row]))]
    until = [day for name, column in sheet.columns.items() if _UNTIL.search(name) and (day := day_of(column[row]))]
    if since and until and min(until) < max(since):
        yield _fault(sheet, row, "dates", f"{max(since)} 起，{min(until)} 止", "的起止日期颠倒", "请核对有效期")


def _entry(sheet: Sheet) -> Iterator[Fault]:
    entry = sheet.entry
    if entry.effective_from and entry.effective_to and entry.effective_to < entry.effective_from:
        yield Fault("dates", COMMON, sheet.id, (), sheet.box(), f"{entry.effective_from} 起，{entry.effective_to} 止",
                    f"{sheet.title}的生效日期颠倒", "请改正 catalog.toml 的 effective_from、effective_to")  # fmt: skip
    if entry.identity.legal_status == "approved" and not entry.document:
        yield Fault("status", HINT, sheet.id, (), sheet.box(), "approved", f"{sheet.title}写着已批准，没有批准文件",
                    "请在 catalog.toml 写明 document，未批准的写 status = \"draft\"")  # fmt: skip


def lost(old: Sheet, new: Sheet) -> Iterator[Fault]:
    """Yield the zones of the previous version that the new one does not hold, each with its old place."""
    gone = Counter(old.raw_ids) - Counter(new.raw_ids)
    for row, code in enumerate(old.raw_ids):
        if code and gone[code]:
            yield Fault("disappeared", COMMON, new.id, (code,), old.drawn[row], f"{len(old.ids)} → {len(new.ids)} 个",
                        f"{new.title}「{code}」上一版有、这一版没有", "请核对是否依法调整，漏交的请补齐")  # fmt: skip
