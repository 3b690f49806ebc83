"""A folder or an unpacked zip to drafts: files that belong together are read together, each part told."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from linxi_gis.errors import CrsError, InputError
from linxi_gis.finding import Issue
from linxi_gis.intake import shapefile
from linxi_gis.intake.disk import beside, guarded
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.reading import Draft, Limits
from linxi_gis.intake.unpack import ARCHIVES, Member, litter, members

# As containers has them; that module waits until such a file is met.
_SETS = {".shp": shapefile.PARTS, ".tab": (".tab", ".dat", ".map", ".id"), ".mif": (".mif", ".mid")}
_GDB_FIRST = "a00000001.gdbtable"
# Formats that also hold words: one without figures in pairs is no site (a read-me).
_PROSE = (".txt", ".csv", ".tsv", ".json")
_FIGURES = re.compile(
    rb"\d{2}[\d.]{0,20}[\"'\xb0NSEW]{0,3}(?:[,;\t ]|\xa3\xac|\xef\xbc\x8c){1,20}[-+\"'NSEW]{0,3}\d{2}"
    rb"|\d ?(?:\xc2\xb0|\xa1\xe3|\xe5\xba\xa6|\xb6\xc8)"
)
_PROSE_BYTES = 1024**2
_LISTED = 12

Draw = Callable[[], Sequence[Draft]]


@dataclass(frozen=True, slots=True)
class _Group:
    """Files that make one dataset: its name, how to read it, and the members it uses."""

    name: str
    draw: Draw
    used: frozenset[PurePosixPath]


def draft_zip(data: bytes, source: str, limits: Limits) -> list[Draft]:
    """Return the drafts of every dataset in a zip, in order of their names.

    Files that are no site are told in one Issue; a dataset that cannot be read is an error Issue while others
    are read. Raises InputError when there is nothing to read, and as `unpack.members`.
    """
    with tempfile.TemporaryDirectory(prefix="linxi-", ignore_cleanup_errors=True) as folder:
        held = members(data, source, limits, Path(folder))
        return _drafts(held, source, limits, "zip")


def draft_folder(path: Path, source: str, limits: Limits) -> list[Draft]:
    """Return the drafts of every dataset in a folder (a .gdb, shapefiles, ...); links out of it are not followed."""
    held = guarded(lambda: _listed(path, source, limits), source)
    if any(member.name.as_posix().lower() == _GDB_FIRST for member in held):
        held = [replace(member, name=PurePosixPath(path.name) / member.name) for member in held]
        return _drafts(held, source, limits, "文件夹", inside=path.name)
    return _drafts(held, source, limits, "文件夹")


def _listed(path: Path, source: str, limits: Limits) -> list[Member]:
    found: list[Member] = []
    size = 0
    for file in path.rglob("*"):
        name = PurePosixPath(file.relative_to(path).as_posix())
        if file.is_symlink() or not file.is_file() or litter(name):
            continue
        found.append(Member(name, file))
        size += file.stat().st_size
        if len(found) > limits.zip_entries:
            text = f"文件夹里的文件超过上限 {limits.zip_entries} 个（--limit zip_entries=）"
            raise InputError(text, where=source, remedy="请只提交项目范围的文件")
    if size > limits.unpacked_bytes:
        text = f"文件夹共有 {size / 2**30:.1f} GB，超过上限 {limits.unpacked_bytes / 2**30:g} GB（--limit unpacked_bytes=）"
        raise InputError(text, where=source, remedy="请只提交项目范围的文件")
    return sorted(found, key=lambda member: str(member.name))


def _drafts(held: list[Member], source: str, limits: Limits, kind: str, inside: str = "") -> list[Draft]:
    groups = sorted(_groups(held, source, limits, inside), key=lambda group: group.name)
    used = frozenset[PurePosixPath]().union(*(group.used for group in groups))
    rest = [member for member in held if member.name not in used]
    if not groups:
        raise _nothing(rest, source, kind)
    drawn: list[Draft] = []
    errors: list[InputError] = []
    for group in groups:
        try:
            drawn += group.draw()
        except CrsError:
            raise
        except InputError as error:
            errors.append(error)
    if not drawn:
        raise errors[0]
    told = [replace(unreadable(error), code="file_unreadable") for error in errors]
    if rest:
        names = "、".join(str(member.name) for member in rest[:_LISTED])
        more = f"等 {len(rest)} 个文件" if len(rest) > _LISTED else ""
        told.append(Issue("zip_ignored", "info", f"{source} 里的 {names}{more}不是项目范围，未读取"))
        inner = [str(member.name) for member in rest if member.name.suffix.lower() in ARCHIVES]
        if inner:
            text = f"{source} 里还有压缩包 {'、'.join(inner[:_LISTED])}，没有打开，里面可能有项目范围"
            told.append(Issue("nested_archive", "warning", text, "请解压后与其他文件一起打包提交"))
    return [replace(drawn[0], issues=(*told, *drawn[0].issues)), *drawn[1:]]


def _nothing(rest: list[Member], source: str, kind: str) -> InputError:
    archives = [member for member in rest if member.name.suffix.lower() in ARCHIVES]
    if archives:
        names = "、".join(str(member.name) for member in archives[:5])
        return InputError(f"{kind}里还有压缩包（{names}）", where=source, remedy="请解压后提交里面的 zip 或文件")
    listing = "、".join(str(member.name) for member in rest[:_LISTED]) or "空"
    return InputError(
        f"{kind}里没有 .shp 或其他可读的文件（内有：{listing}）",
        where=source,
        remedy="请打包完整的 shapefile（.shp、.shx、.dbf、.prj），或 GeoPackage、KML 等",
    )


def _groups(held: Sequence[Member], source: str, limits: Limits, inside: str) -> Iterator[_Group]:
    bases = {member.name.parent for member in held if member.name.name.lower() == _GDB_FIRST}
    for base in bases:
        yield _gdb(base, [member for member in held if member.name.parent == base], source, limits, inside)
    loose = [member for member in held if member.name.parent not in bases]
    by_stem: dict[str, dict[str, Member]] = {}
    for member in loose:
        parts = by_stem.setdefault(str(member.name.with_suffix("")).casefold(), {})
        suffix = member.name.suffix.lower()
        if suffix in parts and any(suffix in names for names in _SETS.values()):
            text = f"{parts[suffix].name} 与 {member.name} 只有大小写不同"
            raise InputError(text, where=source, remedy="请改名后重新提交")
        parts[suffix] = member
    taken: set[PurePosixPath] = set()
    for parts in by_stem.values():
        for head, suffixes in _SETS.items():
            if head in parts:
                group = _set(head, {s: parts[s] for s in suffixes if s in parts}, source, limits)
                taken |= group.used
                yield group
    for member in loose:
        if member.name not in taken and _alone(member):
            yield _single(member, source, limits)


def _gdb(base: PurePosixPath, held: list[Member], source: str, limits: Limits, inside: str) -> _Group:
    from linxi_gis.intake.containers import draft_gdb

    where = source if str(base) in (".", inside) else f"{source}/{base}"
    files = {member.name.name: member.path for member in held}
    return _Group(where, lambda: draft_gdb(files, where, limits), frozenset(member.name for member in held))


def _set(head: str, parts: dict[str, Member], source: str, limits: Limits) -> _Group:
    where = f"{source}/{parts[head].name}"
    paths = {suffix: member.path for suffix, member in parts.items()}
    return _Group(where, lambda: _of_set(head, paths, where, limits), frozenset(m.name for m in parts.values()))


def _of_set(head: str, paths: dict[str, Path], where: str, limits: Limits) -> Sequence[Draft]:
    if head == ".shp":
        return [shapefile.draft_bundle(shapefile.Bundle(where, paths), limits)]
    from linxi_gis.intake import containers

    return (containers.draft_tab if head == ".tab" else containers.draft_mif)(paths, where, limits)


def _alone(member: Member) -> bool:
    """Whether a file is of a format that stands alone, and not merely a read-me."""
    from linxi_gis.intake import formats

    suffix = member.name.suffix.lower()
    if suffix in ARCHIVES or suffix not in formats.SUFFIXES:
        return False
    if suffix not in _PROSE:
        return True
    with member.path.open("rb") as file:
        return bool(_FIGURES.search(file.read(_PROSE_BYTES).replace(b"\0", b"")))


def _single(member: Member, source: str, limits: Limits) -> _Group:
    where = f"{source}/{member.name}"
    return _Group(where, lambda: _of_single(member, where, limits), frozenset((member.name,)))


def _of_single(member: Member, where: str, limits: Limits) -> Sequence[Draft]:
    from linxi_gis.intake import formats

    size = guarded(member.path.stat, where).st_size
    if size == 0:
        raise InputError("文件是空的", where=where, remedy="请检查导出是否成功")
    if size > limits.file_bytes:
        text = f"文件有 {size / 2**20:.0f} MB，超过上限 {limits.file_bytes / 2**20:.0f} MB（--limit file_bytes=）"
        raise InputError(text, where=where, remedy="请只提交项目范围")
    return guarded(lambda: formats.drafts_at(member.path, where, limits, member.name.name), where)


def read_set(path: Path, source: str, limits: Limits) -> Sequence[Draft]:
    """Return the drafts of a .shp, .tab or .mif at a path, with the files beside it that belong to it."""
    head = path.suffix.lower()
    paths = guarded(lambda: beside(path, _SETS[head]), source)
    size = guarded(lambda: sum(file.stat().st_size for file in paths.values()), source)
    if size > limits.file_bytes:
        text = f"整套文件有 {size / 2**20:.0f} MB，超过上限 {limits.file_bytes / 2**20:.0f} MB（--limit file_bytes=）"
        raise InputError(text, where=source, remedy="请只提交项目范围")
    return _of_set(head, paths, source, limits)
