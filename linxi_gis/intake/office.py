"""Office files (.xlsx, .docx) as the zips they are: sizes checked, parts read, no link followed."""

from __future__ import annotations

import posixpath
from collections import deque
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from linxi_gis.errors import InputError
from linxi_gis.intake.reading import Limits
from linxi_gis.intake.unpack import Kind, opened

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_REMEDY = "请用 Office 或 WPS 打开后另存一份再提交"
_OFFICE = Kind("文件", "文件损坏，无法打开", _REMEDY, rooted=True)
# Deeper than any document; expat itself would go on.
MAX_DEPTH = 200


def parts_of(data: bytes, source: str, limits: Limits) -> dict[str, bytes]:
    """Return the XML parts of an Office file by name, "word/document.xml" and so on.

    The size an entry declares is not trusted. Raises InputError for a zip that is broken, encrypted,
    or larger than the limits once unpacked; pictures are counted in but not kept.
    """
    held: dict[str, bytes] = {}
    with opened(data, source, limits, _OFFICE) as archive:
        for entry in archive.entries():
            if entry.name.name.lower().endswith((".xml", ".rels")):
                held[str(entry.name)] = archive.content(entry)
            else:
                deque(archive.pieces(entry), maxlen=0)
    return held


def parse(part: bytes, source: str) -> Element:
    """Return the root of an XML part; raises InputError for broken XML, a DTD or entities."""
    try:
        root: Element = fromstring(part, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise InputError("文件内容不是有效的 Office XML", where=source, remedy=_REMEDY) from error
    return root


def local(element: Element) -> str:
    """The name of an element without its namespace: strict and transitional files differ only there."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """The value of an attribute by its name without the namespace, "" when absent."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def targets(parts: dict[str, bytes], rels: str, source: str) -> dict[str, tuple[str, str]]:
    """Return id -> (kind, part name) of the relationships in `rels` that stay inside the file."""
    if rels not in parts:
        return {}
    base = posixpath.dirname(posixpath.dirname(rels))
    found: dict[str, tuple[str, str]] = {}
    for relation in parse(parts[rels], source):
        if attribute(relation, "TargetMode").lower() == "external":
            continue
        target = attribute(relation, "Target")
        inside = target if target.startswith("/") else posixpath.normpath(posixpath.join(base, target))
        name = inside.lstrip("/")
        found[attribute(relation, "Id")] = (attribute(relation, "Type").rpartition("/")[2], name)
    return found
