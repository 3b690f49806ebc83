"""XML from strangers: whatever its encoding and prefixes, no DTD, no entities, one feature at a time."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.handler import ContentHandler

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding

MAX_DEPTH = 100  # our choice: KML folders nest a dozen deep at most
_CHUNK = 1 << 20
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z][\w.:-]{0,40})["']""")
# XML 1.0, 2.2: characters that no document may hold. They become U+FFFD, so that two halves of a
# number around a damaged byte are never joined into another number.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")
_CHINESE = {"gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "hz": "gb18030", "cp936": "gb18030"}
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_CODECS = re.compile(
    r"utf-(?:8|16|32)(?:-[lb]e)?|gb18030|big5|cp\d+|iso8859-\d+|latin-1|ascii|shift_jis|euc_\w+"
)


@dataclass(slots=True)
class Node:
    """An element while it is read: its name without prefix, attributes likewise, own text, children."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def each(self, *tags: str) -> Iterator[Node]:
        """The children with one of these names."""
        return (child for child in self.children if child.tag in tags)

    def first(self, tag: str) -> Node | None:
        """The first child of a name, or None."""
        return next(self.each(tag), None)

    def value(self, tag: str) -> str:
        """The cleaned text of the first child of a name, or ""."""
        child = self.first(tag)
        return clean(child.text) if child else ""


# Called at the end of an element that is not inside a kept one, with the elements around it.
Closed = Callable[[Node, Sequence[Node]], None]


def clean(text: str) -> str:
    """Return a text without control characters, trimmed.

    >>> clean(" 尾矿库\\x00\\n")
    '尾矿库'
    """
    return _CONTROL.sub("", text).strip()


def walk(text: str, source: str, keep: frozenset[str], closed: Closed) -> None:
    """Go through an XML text; `closed` gets each element of `keep` whole, any other bare.

    Elements that are not kept have no children when they are handed over, so a big file is never in
    memory at once. Raises InputError for broken XML, a DOCTYPE or entities, and for elements nested deeper than
    `MAX_DEPTH`; whatever was handed over before the error must then be thrown away.
    """
    # Only XML formats need it.
    from xml.sax import SAXParseException

    from defusedxml.common import DefusedXmlException
    from defusedxml.expatreader import DefusedExpatParser

    declared = _DECLARATION.match(text)
    if declared:  # it would name an encoding that is decoded already; the line numbers stay
        text = "\n" * declared[0].count("\n") + text[declared.end() :]
    parser = DefusedExpatParser(namespaceHandling=0, forbid_dtd=True)
    parser.setContentHandler(_Handler(source, keep, closed))
    try:
        for start in range(0, len(text), _CHUNK):
            parser.feed(text[start : start + _CHUNK])
        parser.close()
    except SAXParseException as error:
        raise InputError(
            f"第 {error.getLineNumber()} 行第 {(error.getColumnNumber() or 0) + 1} 列不是有效的 XML"
            f"（{error.getMessage()}）",
            where=source,
            remedy="文件可能不完整或已损坏，请用生成它的软件重新导出",
        ) from error
    except DefusedXmlException as error:
        raise InputError(
            "文件含有 DOCTYPE 或实体定义，为安全起见不读取",
            where=source,
            remedy="请删去 <!DOCTYPE …> 后重新提交",
        ) from error


class _Handler(ContentHandler):
    def __init__(self, source: str, keep: frozenset[str], closed: Closed) -> None:
        super().__init__()
        self._source, self._keep, self._closed = source, keep, closed
        self._open: list[Node] = []
        self._texts: list[list[str]] = []
        self._kept = 0  # how many open elements lie inside a kept one, itself counted

    def startElement(self, name: str, attrs: Mapping[str, str]) -> None:  # type: ignore[override]
        if len(self._open) >= MAX_DEPTH:
            raise InputError(
                f"XML 嵌套超过 {MAX_DEPTH} 层", where=self._source, remedy="请用生成它的软件重新导出"
            )
        node = Node(_local(name), {_local(key): value for key, value in attrs.items()})
        if self._kept or node.tag in self._keep:
            self._kept += 1
        self._open.append(node)
        self._texts.append([])

    def characters(self, content: str) -> None:
        if self._texts:
            self._texts[-1].append(content)

    def endElement(self, name: str) -> None:
        node = self._open.pop()
        node.text = "".join(self._texts.pop())
        if self._kept > 1:
            self._open[-1].children.append(node)
        else:
            self._closed(node, self._open)
        self._kept = max(0, self._kept - 1)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def decode(data: bytes, source: str) -> tuple[str, tuple[Issue, ...]]:
    """Return the text of an XML file and an Issue for everything about its bytes that was guessed.

    A byte order mark decides, then the declared encoding if the bytes fit it, then the bytes alone.
    Raises InputError for an empty file and for bytes that no encoding explains.
    """
    match = _DECLARED.match(data[:400])
    name = match[1].decode("ascii") if match else ""
    codec = _codec(name)
    text = _declared_text(data, codec)
    issues: tuple[Issue, ...] = ()
    if text is None:
        text, issues = encoding.decode(data, source)
        if name and not data.startswith(_MARKS):
            told = f"{source} 声明编码为 {name}，与内容不符，已按内容判断编码读取"
            issues = (Issue("encoding_guessed", "info", told, "若名称显示为乱码，请另存为 UTF-8 后重新提交"),)
    text = text.lstrip("\ufeff \t\r\n").rstrip("\0 \t\r\n\x1a")
    text, damaged = _FORBIDDEN.subn("\ufffd", text)
    if damaged:
        told = f"{source} 含有 {damaged} 个 XML 不允许的控制字符，已剔除"
        issues = (*issues, Issue("control_characters", "info", told, "请核对名称与坐标"))
    return text, issues


def _codec(name: str) -> str:
    try:
        found = codecs.lookup(name).name if name else ""
    except LookupError:
        return ""
    found = _CHINESE.get(found, found)
    return found if _CODECS.fullmatch(found) else ""


def _declared_text(data: bytes, codec: str) -> str | None:
    """The text in the declared encoding, or None when the bytes speak for another."""
    if not codec or codec.startswith(("utf-16", "utf-32")) or data.startswith(_MARKS):
        return None
    if codec not in ("utf-8", "ascii"):
        special = [line for line in data.split(b"\n") if not line.isascii()]
        seen = encoding.choose(special) if special else None
        if seen == "utf-8" or (seen == "gb18030" and codec.startswith(("iso8859", "cp125", "latin"))):
            return None
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None
