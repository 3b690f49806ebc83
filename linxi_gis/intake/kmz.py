"""KMZ: the KML files inside a zip, in memory."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.kml import draft_kml
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.unpack import Archive, Kind, opened, without_litter

_KMZ = Kind("kmz ", "kmz 文件损坏，无法解压", "请重新导出后提交", wanted=(".kml", ".kmz"))


def drafts_kmz(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return a draft for every KML in a KMZ, doc.kml first, else in the archive's order.

    Raises InputError for one with a KMZ inside or no KML that can be read, and as `unpack.opened`.
    """
    if not data.startswith(b"PK") and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return [draft_kml(data, source, limits)]  # a KML under the wrong suffix
    with opened(data, source, limits, _KMZ) as archive:
        files = _files(archive)
    if len(files) == 1:
        name, content = files[0]
        return [draft_kml(content, source, limits, frozenset({name.casefold()}))]
    return _several(files, source, limits)


def _several(files: Sequence[tuple[str, bytes]], source: str, limits: Limits) -> list[Draft]:
    held = frozenset(posixpath.normpath(name).casefold() for name, _ in files)
    drafts: list[Draft] = []
    errors: list[InputError] = []
    for name, content in files:
        try:
            drafts.append(draft_kml(content, f"{source}/{name}", limits, held))
        except InputError as error:
            errors.append(error)
    drafts = [draft for draft in drafts if draft.drawn or draft.issues]
    if not drafts:
        raise (
            errors[0]
            if errors
            else InputError("文件里没有任何图形", where=source, remedy="请检查导出是否成功")
        )
    text = f"{source} 里有 {len(files)} 个 KML，读取了其中的 {len(drafts)} 个"
    told = (Issue("kmz_parts", "info", text), *(unreadable(error) for error in errors))
    return [replace(drafts[0], issues=(*told, *drafts[0].issues)), *drafts[1:]]


def _files(archive: Archive) -> list[tuple[str, bytes]]:
    """The name and content of every KML."""
    entries = without_litter(archive.entries())
    inner = [str(entry.name) for entry in entries if entry.name.name.lower().endswith(".kmz")]
    if inner:
        raise InputError(
            f"kmz 里还有 kmz（{inner[0]:.80}），不逐层解压", where=archive.source, remedy="请把里面的 kmz 单独提交"
        )
    if not entries:
        raise InputError("kmz 里没有 .kml", where=archive.source, remedy="请重新导出 KMZ")
    entries.sort(key=lambda entry: str(entry.name).lower() != "doc.kml")
    return [(str(entry.name), archive.content(entry)) for entry in entries]
