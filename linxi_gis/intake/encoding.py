"""Bytes to text: find the encoding, say so when it was a guess, refuse what would be mojibake."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 4096
# Of the non-ASCII characters of a GBK file nearly all are in GB 2312; random bytes give rare ones.
_COMMON_SHARE = 0.6
_REMEDY = "请另存为 UTF-8 或 GBK 编码后重新提交"


def decode(data: bytes, where: str) -> tuple[str, tuple[Issue, ...]]:
    """Return the text of a file and, when its encoding had to be guessed, an Issue telling it.

    A byte order mark decides; then UTF-16 without one (by its zero bytes), UTF-8, GB 18030.
    Raises InputError for an empty file, for binary data and for bytes that no encoding explains.
    """
    if not data.strip(b" \t\r\n\0"):
        raise InputError("文件是空的", where=where, remedy="请检查导出是否成功")
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _strictly(data, name, where), ()
    sixteen = _utf16(data)
    if sixteen:
        return _strictly(data, sixteen, where), (guessed(where, sixteen.upper()),)
    if _binary(data):
        raise InputError("文件内容是二进制数据，不是文本", where=where, remedy="请检查文件类型与后缀是否一致")
    found = choose([data])
    if found is None:
        raise InputError("文字编码无法识别", where=where, remedy=_REMEDY)
    return _strictly(data, found, where), () if found == "utf-8" else (guessed(where, found.upper()),)


def guessed(where: str, encoding: str) -> Issue:
    """Return the Issue that tells a guessed encoding."""
    return Issue(
        code="encoding_guessed",
        severity="info",
        text=f"{where} 未注明文字编码，按 {encoding} 读取",
        remedy="若名称显示为乱码，请另存为 UTF-8 后重新提交",
    )


def choose(samples: Sequence[bytes]) -> str | None:
    """Return the encoding ("utf-8" or "gb18030") that explains all samples, or None.

    Some GBK words are valid UTF-8 by chance (Latin letters); there GBK wins if it reads as common
    Chinese throughout.

    >>> choose(["内流区".encode("gbk")]), choose(["内流区".encode("utf-8")]), choose([b"\\xff\\xfe\\x01"])
    ('gb18030', 'utf-8', None)
    """
    utf8, gbk = _try(samples, "utf-8"), _try(samples, "gb18030")
    if utf8 is not None and (utf8.isascii() or any(ord(c) >= 0x2000 for c in utf8)):
        return "utf-8"
    chinese = gbk is not None and _common(gbk)
    if utf8 is not None:
        return "gb18030" if chinese else "utf-8"
    return "gb18030" if chinese else None


def trimmed(data: bytes, encoding: str) -> str:
    """Decode a fixed-width field, whose last character may have been cut in two; strict otherwise."""
    return codecs.getincrementaldecoder(encoding)().decode(data, final=False)


def _try(samples: Sequence[bytes], encoding: str) -> str | None:
    try:
        return "".join(trimmed(sample, encoding) for sample in samples)
    except UnicodeDecodeError:
        return None


def _common(text: str) -> bool:
    special = [character for character in text if not character.isascii()]
    common = 0
    for character in special:
        try:
            character.encode("gb2312")
        except UnicodeEncodeError:
            continue
        common += 1
    return bool(special) and common >= _COMMON_SHARE * len(special)


def _strictly(data: bytes, encoding: str, where: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"不是有效的 {encoding} 文本（第 {error.start} 字节）", where=where, remedy=_REMEDY
        ) from error


def _utf16(data: bytes) -> str | None:
    """Tell UTF-16 without a mark: digits and commas put a zero in every other byte."""
    head = data[:_SAMPLE]
    odd, even = head[1::2].count(0), head[0::2].count(0)
    if max(odd, even) < 0.3 * (len(head) / 2) or min(odd, even) > 0.05 * max(odd, even):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _binary(data: bytes) -> bool:
    head = data[:_SAMPLE]
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1a\x1b" for byte in head)
    return b"\0" in head or control > len(head) // 50
