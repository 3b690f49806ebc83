"""Bytes to text: find the encoding, say so when it was a guess, refuse what would be mojibake."""

from __future__ import annotations

import codecs
import re
from collections import Counter
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
    >>> choose(["118.05°".encode("utf-8")]), choose(["118.05°".encode("gbk")])
    ('utf-8', 'gb18030')
    """
    utf8, gbk = _try(samples, "utf-8"), _try(samples, "gb18030")
    if utf8 is not None and (any(ord(c) >= 0x2000 for c in utf8) or set(filter(_beyond_ascii, utf8)) <= _SIGNS):
        return "utf-8"
    chinese = gbk is not None and _common(gbk)
    if utf8 is not None:
        return "gb18030" if chinese else "utf-8"
    return "gb18030" if chinese else None


# Signs among figures whose UTF-8 is, as GBK, a word nobody writes there (掳, 虏, 脳); · and ³ would be 路 and 鲁.
_SIGNS = frozenset("°²×")


def _beyond_ascii(character: str) -> bool:
    return not character.isascii()


def trimmed(data: bytes, encoding: str) -> str:
    """Decode a fixed-width field, whose last character may have been cut in two; strict otherwise."""
    return codecs.getincrementaldecoder(encoding)().decode(data, final=False)


def chosen(samples: Sequence[bytes], stated: str, what: str, how: str) -> tuple[str, tuple[Issue, ...]]:
    """Return the encoding of a table's texts, `stated` if it fits, and the Issue of a guess.

    `what` is the table and `how` where the encoding is stated, in Chinese ("a.shp 的 .cpg"). A stated
    single-byte encoding fits anything, so what the bytes themselves show wins over it. Raises
    InputError when nothing explains the bytes.
    """
    if all(sample.isascii() for sample in samples):
        return "ascii", ()
    codec = _CODECS.get(re.sub(r"^(cp|ansi|windows)|[\s_-]", "", stated.lower()), stated)
    found = choose(samples)
    if stated and _fits(samples, codec) and not (found and _single_byte(codec)):
        return codec, ()
    if found is None:
        raise InputError(f"{what}的文字编码无法识别", remedy=_REMEDY)
    if not stated:
        return found, (guessed(what, found.upper()),)
    text = f"{how}写明 {stated[:40]}，与属性文字不符，按 {found.upper()} 读取"
    return found, (Issue("encoding_guessed", "warning", text, "请核对名称"),)


_CODECS = {
    "936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "simpchinese": "gb18030", "65001": "utf-8",
    "utf8": "utf-8", "950": "cp950", "tradchinese": "cp950", "latin1": "cp1252", "iso88591": "latin-1", "1252": "cp1252",
    "neutral": "", "437": "cp437",
}  # fmt: skip


# Python has other "encodings" (zlib, punycode): a file may not call on them.
_TEXT_CODEC = re.compile(r"(utf|gb|hz|big5|cp\d|iso8859|iso-8859|koi8|latin|euc|shift|mac)[\w-]*|ascii")


def _fits(samples: Sequence[bytes], codec: str) -> bool:
    if not _TEXT_CODEC.fullmatch(codec.lower()):
        return False
    try:
        return _try(samples, codec) is not None
    except LookupError:
        return False


def _single_byte(codec: str) -> bool:
    """Whether the encoding reads each byte as a character, so that nothing contradicts it."""
    return len(bytes(range(0xA0, 0x100)).decode(codec, "ignore")) > 64


# A mangled character to the byte it was: Latin-1, and the places where Windows-1252 differs from it.
_BYTE_OF = {chr(byte): byte for byte in range(256)} | {
    bytes([byte]).decode("cp1252"): byte
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}


def repaired(text: str) -> str | None:
    """Return what a text was before its UTF-8 or GBK bytes were taken for Latin-1 (or Windows-1252), or None.

    Only where it is sure: every character is a Latin-1 or Windows-1252 one, and the bytes are valid UTF-8 with
    Chinese in it, or GBK of at least two characters, all of them common (GB 2312 level 1) or its marks.

    >>> repaired("å°¾çŸ¿åº“"), repaired("Î²¿ó¿â"), repaired("尾矿库"), repaired("Müller"), repaired("")
    ('尾矿库', '尾矿库', None, None, None)
    """
    if not suspect(text) or any(character not in _BYTE_OF for character in text):
        return None
    data = bytes(_BYTE_OF[character] for character in text)
    for codec in ("utf-8", "gbk"):
        try:
            found = trimmed(data, codec)
        except UnicodeDecodeError:
            continue
        special = [character for character in found if not character.isascii()]
        if special and codec == "utf-8" and any("\u4e00" <= c <= "\u9fff" for c in special):
            return found
        if len(special) > 1 and codec == "gbk" and all(_everyday(c) for c in special):
            return found
    return None


def mangled(text: str) -> str | None:
    """Return what a text was before its UTF-8 bytes were taken for GBK, or None.

    Only where it is sure: at least two Chinese characters, all of them common, and nothing else beyond ASCII. The
    last one may be lost, where GBK could make nothing of half a character (U+FFFD, ?).

    >>> mangled("大冷山自然保护区".encode().decode("gbk", "replace"))
    '大冷山自然保护区'
    >>> mangled("大冷山自然保护区"), mangled("联通"), mangled("Müller")
    (None, None, None)
    """
    try:
        found = trimmed(text.rstrip("?\ufffd").encode("gbk"), "utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
    special = [character for character in found if not character.isascii()]
    sure = len(special) > 1 and all("\u4e00" <= c <= "\u9fff" and _everyday(c) for c in special)
    return found if sure else None


_HIGH = re.compile(r"[\x80-\xff]")


def suspect(text: str) -> bool:
    """Whether a text (or many, joined) holds a Latin-1 character: without one `repaired` finds nothing."""
    return _HIGH.search(text) is not None


def _everyday(character: str) -> bool:
    """Whether a character is in GB 2312 level 1 (rows 16-55) or among its marks (rows 1-3)."""
    try:
        row = character.encode("gb2312")[0] - 0xA0
    except UnicodeEncodeError:
        return False
    return row <= 3 or 16 <= row <= 55


def _try(samples: Sequence[bytes], encoding: str) -> str | None:
    try:
        return b"\n".join(samples).decode(encoding)  # at once, unless a field was cut in a character
    except UnicodeError:
        pass
    try:
        return "".join(trimmed(sample, encoding) for sample in samples)
    except UnicodeError:
        return None


def _common(text: str) -> bool:
    try:
        text.encode("gb2312")  # nearly always all of it, and then the characters need not be counted
    except UnicodeEncodeError:
        pass
    else:
        return not text.isascii()
    special = {character: number for character, number in Counter(text).items() if not character.isascii()}
    common = 0
    for character, number in special.items():
        try:
            character.encode("gb2312")
        except UnicodeEncodeError:
            continue
        common += number
    return bool(special) and common >= _COMMON_SHARE * sum(special.values())


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
