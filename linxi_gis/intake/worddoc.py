"""Word documents: every table that holds coordinates is a draft; coordinates in running text are told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.blocks import serial
from linxi_gis.intake.celllists import drafts_page, holds_list
from linxi_gis.intake.office import MAX_DEPTH, OLE, attribute, local, parse, parts_of, targets
from linxi_gis.intake.prose import draft_prose, pairs_in
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.rows import TWO_REMEDY, Line, Listed, Page
from linxi_gis.intake.sheets import lines_of
from linxi_gis.intake.words import plain

_REMEDY = "请用 Word 或 WPS 打开后另存为 .docx 再提交"
_NEAR = 80  # a caption is shorter than this many characters; a longer paragraph is running text
_CONTINUED = re.compile(r"\s*(?:续|接上)?\s*(?:续表|上表|表)?[\d\s.\-－—]*(?:[（(]?续[表）)]*)?\s*")
_NOTE = re.compile(r"(?:注|说明|备注|坐标系|坐标采用|以上坐标)")
_CAPTION_PARTS = re.compile(
    r"^(?:附?表\s*[\d一二三四五六七八九十]*(?:[-－—.]\d+)*|续表)\s*|[（(][^（）()]*[）)]|[:：。]\s*$"
    r"|(?:(?:拐点|界址点|边界|范围|用地|控制点|中心|项目)*坐标(?:一览表|成果表|统计表|表)?|一览表|统计表)\s*[:：]?$"
)
_SYMBOLS = {"F0B0": "°", "F0A2": "′", "F0B2": "″", "00B0": "°"}
_SKIPPED = ("txbxContent", "moveFrom", "del", "instrText", "delText", "Fallback", "footnoteReference")


@dataclass(slots=True)
class _Cells:
    """A table's texts, row by row, and the cells that may list coordinates."""

    rows: list[list[str]] = field(default_factory=list)
    lists: list[Listed] = field(default_factory=list)


@dataclass(slots=True)
class _Story:
    """A document in order: words and tables, and what was seen on the way."""

    items: list[str | _Cells] = field(default_factory=list)
    boxes: bool = False
    changes: bool = False


def drafts_document(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return a draft for every table with coordinates; without one, the coordinates in the text as points.

    Raises InputError for a file that is no .docx or holds no coordinates.
    """
    if data.startswith(OLE):
        secret = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data
        what = "文档有密码" if secret else "这是旧版 Word 文档"
        raise InputError(what, where=source, remedy="请去掉密码后提交" if secret else _REMEDY)
    if not data.startswith(b"PK"):
        raise InputError("文件内容不是 Word 文档", where=source, remedy=_REMEDY)
    parts = parts_of(data, source, limits)
    main = [name for kind, name in targets(parts, "_rels/.rels", source).values() if kind == "officeDocument"]
    if not main or main[0] not in parts:
        raise InputError("文件里没有正文", where=source, remedy=_REMEDY)
    story = _Story()
    for child in parse(parts[main[0]], source):
        if local(child) == "body":
            _tell(child, story, source, 0)
    return _drafts(story, source)


def _drafts(story: _Story, source: str) -> list[Draft]:
    pages, joined = _continued(_pages(story), source)
    made: list[Draft] = []
    failed: list[InputError] = []
    for number, page in pages:
        try:
            made += drafts_page(page, f"{source}：第 {number} 个表格", "Word 表格")
        except InputError as error:
            if page.lists or error.remedy == TWO_REMEDY or ("没有找到坐标" not in error.what and _speaks_of_coordinates(page)):
                failed.append(error)
    told = [*joined, *_seen(story, source)]
    words = "\n".join(item for item in story.items if isinstance(item, str))
    if not made:
        if failed:
            raise failed[0]
        return [draft_prose(words, source, "Word 正文", tuple(told))]
    found = pairs_in(words)
    if found:
        text = f"{source} 的正文里另有 {len(found)} 处坐标（如“{found[0].text[:40]}”），已有坐标表，未采用正文的坐标"
        told.append(Issue("text_coordinates_unused", "info", text))
    told += [Issue("table_unreadable", "error", f"{e.where}：{e.what}", e.remedy) for e in failed]
    return [replace(made[0], issues=(*told, *made[0].issues)), *made[1:]]


def _speaks_of_coordinates(page: Page) -> bool:
    """Whether a table that could not be read was meant to hold coordinates."""
    words = page.preface + " ".join(cell for line in page.lines[:3] for cell in line.cells)
    return re.search("坐标|经度|拐点|界址", words) is not None


def _seen(story: _Story, source: str) -> Iterator[Issue]:
    if story.boxes:
        yield Issue("text_boxes_unread", "info", f"{source} 里的文本框未读取", "若坐标写在文本框里，请移到正文的表格中")
    if story.changes:
        yield Issue(
            "tracked_changes", "info", f"{source} 含未处理的修订，按接受全部修订后的内容读取", "请核对修订后重新提交"
        )


# --- the body in order ---------------------------------------------------------------------------------


def _tell(parent: Element, story: _Story, source: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError("文档嵌套过深", where=source, remedy=_REMEDY)
    for child in parent:
        name = local(child)
        if name == "p":
            words = _words(child, story, source)
            if words:
                story.items.append(words)
        elif name == "tbl":
            _table(child, story, source, depth)
        elif name not in _SKIPPED:
            _tell(child, story, source, depth + 1)


def _words(element: Element, story: _Story, source: str) -> str:
    return _on_one_line(_broken(element, story, source))


def _on_one_line(text: str) -> str:
    return plain(text.replace("\n", " ")) if text else ""


def _broken(element: Element, story: _Story, source: str) -> str:
    """The text of a paragraph with its line breaks."""
    pieces: list[str] = []
    _gather(element, story, pieces, source, 0)
    return "".join(pieces)


def _gather(element: Element, story: _Story, pieces: list[str], source: str, depth: int) -> None:
    """Collect the text of a paragraph as it is seen: changes accepted, boxes and nested tables left out."""
    if depth > MAX_DEPTH:
        raise InputError("文档嵌套过深", where=source, remedy=_REMEDY)
    raised = hidden = False
    for child in element:
        name = local(child)
        if name == "rPr":
            raised = any(local(mark) == "vertAlign" and attribute(mark, "val") == "superscript" for mark in child)
            hidden = any(local(mark) == "vanish" and attribute(mark, "val") not in ("0", "false") for mark in child)
        elif name == "t" and not hidden:
            text = child.text or ""
            pieces.append("°" if raised and text.strip() in ("0", "o", "O", "○", "。") else text)
        elif name in ("tab", "br", "cr"):
            pieces.append(" " if name == "tab" else "\n")
        elif name == "noBreakHyphen":
            pieces.append("-")
        elif name == "sym":
            pieces.append(_SYMBOLS.get(attribute(child, "char").upper(), ""))
        elif name in _SKIPPED:
            story.boxes |= name == "txbxContent"
            story.changes |= name in ("del", "moveFrom")
        elif name != "tbl":
            story.changes |= name in ("ins", "moveTo") and len(child) > 0
            _gather(child, story, pieces, source, depth + 1)


def _table(table: Element, story: _Story, source: str, depth: int) -> None:
    """Add a table as rows of cells, merged cells repeated, and the tables nested in it after it."""
    held = _Cells()
    rows = held.rows
    nested: list[Element] = []
    for row in _within(table, "tr", source):
        cells: list[str] = []
        for cell in _within(row, "tc", source):
            span, below = _merging(cell)
            paragraphs = [_broken(p, story, source) for p in _within(cell, "p", source)]
            text = " ".join(filter(None, map(_on_one_line, paragraphs)))
            nested += _within(cell, "tbl", source)
            if below and rows and len(cells) < len(rows[-1]):
                text = rows[-1][len(cells)]
            elif holds_list(text):
                name = f"第 {len(rows) + 1} 行第 {len(cells) + 1} 列的单元格"
                held.lists.append(Listed(len(rows), len(cells), "\n".join(paragraphs), name))
            cells += [text] * span
        rows.append(cells)
    story.items.append(held)
    for inner in nested:
        if depth > MAX_DEPTH // 4:
            raise InputError("表格嵌套过深", where=source, remedy=_REMEDY)
        _table(inner, story, source, depth + 1)


def _within(parent: Element, wanted: str, source: str, depth: int = 0) -> list[Element]:
    """The children of a name, also inside content controls and revisions, not inside tables."""
    if depth > MAX_DEPTH:
        raise InputError("文档嵌套过深", where=source, remedy=_REMEDY)
    found: list[Element] = []
    for child in parent:
        name = local(child)
        if name == wanted:
            found.append(child)
        elif name in ("sdt", "sdtContent", "customXml", "ins", "smartTag"):
            found += _within(child, wanted, source, depth + 1)
    return found


def _merging(cell: Element) -> tuple[int, bool]:
    """How many columns a cell spans, and whether it goes on from the one above."""
    span, below = 1, False
    for properties in cell:
        if local(properties) == "tcPr":
            for mark in properties:
                value = attribute(mark, "val")
                if local(mark) == "gridSpan" and value.isdecimal():
                    span = min(max(int(value[:4]), 1), 100)
                elif local(mark) == "vMerge":
                    below = value != "restart"
    return span, below


# --- pages ---------------------------------------------------------------------------------------------


def _pages(story: _Story) -> list[tuple[int, Page, bool]]:
    """Every table with its number, and whether only a mark of continuation stands before it."""
    found: list[tuple[int, Page, bool]] = []
    number = 0
    above: list[str] = []
    for place, item in enumerate(story.items):
        if isinstance(item, str):
            above.append(item)
            continue
        number += 1
        near = [words for words in above[-2:] if len(words) <= _NEAR]
        after = story.items[place + 1] if place + 1 < len(story.items) else ""
        notes = [after] if isinstance(after, str) and _NOTE.match(after) and len(after) <= 2 * _NEAR else []
        page = Page(
            tuple(lines_of(item.rows)),
            lists=tuple(item.lists),
            preface="\n".join([*near, *notes]),
            caption=caption(near[-1]) if near and near[-1:] == above[-1:] else "",
        )
        goes_on = number > 1 and all(_CONTINUED.fullmatch(words) for words in above)
        found.append((number, page, goes_on))
        above = []
    return found


def caption(words: str) -> str:
    """Return what a table's caption calls the site, "" when it only says 坐标表.

    >>> caption("表1-2 尾矿库拐点坐标表（2000国家大地坐标系）"), caption("表3 拐点坐标一览表"), caption("二期工程：")
    ('尾矿库', '', '二期工程')
    """
    before = ""
    while words != before:
        before, words = words, _CAPTION_PARTS.sub("", words.strip()).strip()
    return words if len(words) <= 40 and not re.search(r"[,，;；]", words) else ""


def _continued(
    pages: Sequence[tuple[int, Page, bool]], source: str
) -> tuple[list[tuple[int, Page]], list[Issue]]:
    """Join a table to the one before it when its numbers go on: a table over two pages."""
    joined: list[tuple[int, Page]] = []
    told: list[Issue] = []
    for number, page, goes_on in pages:
        if goes_on and joined and _goes_on(joined[-1][1], page):
            before, held = joined[-1]
            heads = {line.cells for line in held.lines[:3]}
            last = held.lines[-1].number
            more = [Line(last + line.number, line.cells) for line in page.lines if line.cells not in heads]
            joined[-1] = before, replace(held, lines=(*held.lines, *more))
            text = f"{source} 第 {number} 个表格的点号接着第 {before} 个表格，已接成一个表读取"
            told.append(Issue("table_continued", "info", text, "若是另一个地块，请重新编号"))
        else:
            joined.append((number, page))
    return joined, told


def _goes_on(before: Page, page: Page) -> bool:
    ends = _numbers(before)
    starts = _numbers(page)
    return bool(ends and starts) and starts[0] == ends[-1] + 1


def _numbers(page: Page) -> list[int]:
    """The serial numbers of a page's rows of figures, of either of its first two columns."""
    for column in (0, 1):
        rows = [line.cells for line in page.lines if len(line.cells) > column + 2]
        found = [n for cells in rows if len(cells[column]) < 8 and (n := serial(cells[column])) is not None]
        if found and len(found) >= len(rows) - 3:
            return found
    return []


