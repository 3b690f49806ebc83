"""DXF bytes, text or binary, to plain ASCII tags: encoding settled, complete, no block bombs."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import encoding
from linxi_gis.intake.reading import Limits

SENTINEL = b"AutoCAD Binary DXF\r\n\x1a\x00"
MAX_NESTING = 32  # our choice: blocks in blocks go a few levels deep in practice
_MAX_PATHS = 1_000_000
_REMEDY = "请在 CAD 中打开检查（AUDIT），另存为 DXF（2000 或更新版）后提交"
_NUMBER = re.compile(rb"\s*[+-]?\d{1,5}\s*")

_HEADER = (b"$ACADVER", b"$DWGCODEPAGE")

Tag = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Tags:
    """The file again, as ASCII text with \\U+XXXX, and what was guessed about its text encoding."""

    data: bytes
    issues: tuple[Issue, ...]


def plain_tags(data: bytes, source: str, limits: Limits) -> Tags:
    """Return a DXF as ASCII text DXF.

    Raises InputError for a file that is not DXF, that ends before its EOF, and for blocks that insert
    themselves or multiply beyond the limits.
    """
    tags = _binary(data, source) if data.startswith(SENTINEL) else _text(data, source)
    held = list(tags)
    samples = [value for _, value in held if not value.isascii()]
    codec, issues = _codec(samples, _header(held), source)
    if samples:
        held = [(code, value if value.isascii() else _escaped(value, codec)) for code, value in held]
    _check_blocks(held, source, limits)
    lines = bytearray()
    page = False
    for code, value in held:
        # The text is ASCII now, whatever the header says.
        lines += b"%d\n%b\n" % (code, b"ANSI_1252" if page and code == 3 else value)
        page = code == 9 and value == b"$DWGCODEPAGE"
    return Tags(bytes(lines), issues)


def _text(data: bytes, source: str) -> Iterator[Tag]:
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    lines = (data if b"\n" in data else data.replace(b"\r", b"\n")).split(b"\n")
    for row in range(0, len(lines) - 1, 2):
        if not _NUMBER.fullmatch(lines[row]):
            what = f"第 {row + 1} 行应为组码，却是“{lines[row][:20].decode('ascii', 'replace').strip()}”"
            raise InputError(f"不是有效的 DXF：{what}", where=source, remedy=_REMEDY)
        code, value = int(lines[row]), lines[row + 1].rstrip(b"\r").replace(b"\r", b" ")
        if code == 0:
            value = value.strip().upper()
        if code != 999:
            yield code, value
        if code == 0 and value == b"EOF":
            return
    raise _incomplete(source)


def _incomplete(source: str) -> InputError:
    return InputError("DXF 没有结束标记（EOF），文件不完整", where=source, remedy=_REMEDY)


def _binary(data: bytes, source: str) -> Iterator[Tag]:
    from ezdxf.lldxf.const import DXFError
    from ezdxf.lldxf.tagger import binary_tags_loader

    header: dict[bytes, bytes] = {}
    name = b""
    try:
        for tag in binary_tags_loader(data):
            value = _bytes_of(tag.value, header)
            if name in _HEADER:
                header[name] = value
            name = value if tag.code == 9 else b""
            yield tag.code, value
            if tag.code == 0 and value == b"EOF":
                return
    except (DXFError, struct.error, ValueError, LookupError, TypeError) as error:
        raise InputError("二进制 DXF 已损坏或不完整", where=source, remedy=_REMEDY) from error
    raise _incomplete(source)


def _bytes_of(value: object, header: dict[bytes, bytes]) -> bytes:
    if isinstance(value, bytes):
        return value.hex().upper().encode("ascii")
    if isinstance(value, float):
        return repr(value).encode("ascii")
    text = re.sub(r"[\r\n]", " ", str(value))
    if text.isascii():
        return text.encode("ascii")
    for codec in (_stated(header), "cp1252"):  # the library decoded by the header: take the bytes back
        try:
            return text.encode(codec or "cp1252", "surrogateescape")
        except UnicodeEncodeError:
            continue
    return text.encode("utf-8", "surrogatepass")


def _header(tags: list[Tag]) -> dict[bytes, bytes]:
    """The header variables that tell version and code page."""
    return {name: value for (code, name), (_, value) in pairwise(tags) if code == 9 and name in _HEADER}


def _page(header: dict[bytes, bytes]) -> str:
    return header.get(b"$DWGCODEPAGE", b"").decode("ascii", "replace").strip()


def _modern(header: dict[bytes, bytes]) -> bool:
    return header.get(b"$ACADVER", b"").strip() >= b"AC1021"  # 2007: UTF-8 from here on


def _stated(header: dict[bytes, bytes]) -> str:
    """The encoding the header states, "" when it states none."""
    from ezdxf.tools.codepage import toencoding

    page = _page(header)
    return "utf-8" if _modern(header) else toencoding(page) if page else ""


def _codec(samples: list[bytes], header: dict[bytes, bytes], source: str) -> tuple[str, tuple[Issue, ...]]:
    page, modern, stated = _page(header), _modern(header), _stated(header)
    stated = {"gbk": "gb18030", "cp936": "gb18030", "gb2312": "gb18030"}.get(stated, stated)
    if not samples:
        return stated or "cp1252", ()
    found = encoding.choose(samples)
    if found is None:
        return stated or "cp1252", () if stated else (encoding.guessed(source, "CP1252"),)
    if found == stated:
        return found, ()
    said = "2007 及以后版本应为 UTF-8" if modern else f"图头写明 {page}" if page else "图头没有写明代码页"
    text = f"{source} 的{said}，文字内容却是 {found.upper()}，按内容读取"
    return found, (Issue("encoding_guessed", "info", text, "若图层名、文字显示为乱码，请另存后重新提交"),)


def _escaped(value: bytes, codec: str) -> bytes:
    text = value.decode(codec, "replace")
    letters = (c if c.isascii() else f"\\U+{min(ord(c), 0xFFFF):04X}" for c in text)
    return "".join(letters).encode("ascii")


def _check_blocks(tags: list[Tag], source: str, limits: Limits) -> None:
    """Refuse blocks that insert themselves, nest too deep, or multiply beyond the limits.

    The library looks for such circles itself, but a path at a time: a few dozen blocks would keep it busy for ever.
    """
    inserts = _inserts(tags)
    sizes: dict[str, tuple[int, int, int]] = {}  # inserts when exploded, paths, height
    open_names: list[str] = []

    def visit(name: str) -> tuple[int, int, int]:
        if name in sizes:
            return sizes[name]
        if name in open_names:
            raise InputError(f"块“{name:.40}”引用了自身", where=source, remedy=_REMEDY)
        if len(open_names) > MAX_NESTING:
            raise InputError(f"块嵌套超过 {MAX_NESTING} 层", where=source, remedy="请在 CAD 中分解块后提交")
        open_names.append(name)
        below = [(count, visit(child)) for child, count in inserts[name].items()]
        open_names.pop()
        total = sum(count * (1 + size) for count, (size, _, _) in below)
        sizes[name] = (
            total, 1 + sum(paths for _, (_, paths, _) in below), 1 + max((h for _, (_, _, h) in below), default=0)
        )  # fmt: skip
        return sizes[name]

    for name in list(inserts):
        total, _, height = visit(name)
        if height > MAX_NESTING:
            raise InputError(f"块嵌套超过 {MAX_NESTING} 层", where=source, remedy="请在 CAD 中分解块后提交")
        if total > limits.features:
            raise InputError(
                f"块展开后超过上限 {limits.features} 个（--limit features=）",
                where=source,
                remedy="请拆分文件或只提交项目范围",
            )
    if sum(paths for _, paths, _ in sizes.values()) > _MAX_PATHS:
        raise InputError("块之间的引用过于复杂", where=source, remedy="请在 CAD 中分解块后提交")


def _inserts(tags: list[Tag]) -> defaultdict[str, dict[str, int]]:
    """Which blocks each block inserts and how often; "" is everything outside blocks."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    inside, kind, target, times = "", b"", "", 1
    for code, value in tags:
        if code == 0:
            if kind == b"INSERT" and target:
                found[inside][target] = found[inside].get(target, 0) + times
            kind, target, times = value, "", 1
            inside = "" if value == b"ENDBLK" else inside
        elif kind == b"BLOCK" and code == 2:
            inside, kind = _key(value), b""
        elif kind == b"INSERT":
            if code == 2:
                target = _key(value)
            elif code in (70, 71) and _NUMBER.fullmatch(value):
                times *= max(1, int(value))
    for children in list(found.values()):
        for child in children:
            found.setdefault(child, {})
    return found


def _key(value: bytes) -> str:
    from ezdxf.lldxf.encoding import decode_dxf_unicode, decode_mif_to_unicode

    return decode_mif_to_unicode(decode_dxf_unicode(value.decode("ascii", "replace"))).lower()
