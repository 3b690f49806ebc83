"""Keep what is known of a project in its file, so that the next run need not ask; what stands there stays."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from linxi_gis.errors import UsageError
from linxi_gis.industry import Industries, checked
from linxi_gis.law import Attribute, Value
from linxi_gis.project import TEXT_KEYS, Project, read

_TABLE = re.compile(r"^[ \t]*\[[ \t]*attributes[ \t]*\][^\r\n]*\r?$", re.MULTILINE)
_HEAD = "# 项目情况，供 linxi check --project 使用。没有写的属性按“未知”处理。\n"


def save(
    path: Path, project: Project, known: Mapping[str, Attribute], table: Industries | None = None
) -> tuple[str, ...]:
    """Write into a project file what it does not say yet; create it when there is none.

    Returns the keys that the file says otherwise: those are left as they stand, as is every comment. `table`
    knows an industry by its code, its section and its name. Raises UsageError when the file cannot be read,
    changed or written.
    """
    there = path.exists()
    old = read(path, known) if there else Project()
    attributes = {name: value for name, value in project.attributes.items() if name not in old.facts()}
    now, before = _heads(project), _heads(_plain(old, table))
    heads = {key: value for key, value in now.items() if key not in before}
    if not _may_say(old, project.build):
        heads.pop("build", None)
    try:
        raw = path.read_bytes().decode("utf-8") if there else _HEAD
        text = _filled(raw, heads, attributes, known, path)
        path.write_bytes(text.encode())
    except OSError as error:
        raise UsageError("项目文件写不进去", where=str(path), remedy="请检查路径和权限，或换一个文件名") from error
    facts = old.facts()
    otherwise = [key for key, value in now.items() if key not in heads and before.get(key) != value]
    return (*otherwise, *(name for name, value in project.facts().items() if facts.get(name, value) != value))


def _plain(project: Project, table: Industries | None) -> Project:
    """Return a file's project with its industry as codes, as a run has it (B0912 and 铜矿采选 are 0912)."""
    if table is None or not project.industry:
        return project
    try:
        return replace(project, industry=checked(project.industry, table, ""))
    except UsageError:  # --set says another one: what stands there is no industry
        return project


def _may_say(old: Project, build: str) -> bool:
    """Whether a file may come to say `build`: not against the attributes it has."""
    implied = Project(build=build).facts()
    return all(old.attributes.get(name, value) == value for name, value in implied.items())


def _heads(project: Project) -> dict[str, str]:
    """Return the keys above the attributes that a project has, each as TOML; yearly amounts are among them."""
    texts = {key: getattr(project, key) for key in TEXT_KEYS}
    # TOML knows no bare DEL, which JSON lets through.
    found = {key: json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f") for key, text in texts.items() if text}
    numbers = {} if project.declared_area_m2 is None else {"declared_area_m2": project.declared_area_m2}
    return found | {key: repr(float(value)) for key, value in {**numbers, **project.amounts}.items()}


def _filled(
    raw: str, heads: Mapping[str, str], attributes: Mapping[str, Value], known: Mapping[str, Attribute], path: Path
) -> str:
    """Return the text with more in it; raises UsageError unless it then says just that and all it said before."""
    end = "\r\n" if "\r\n" in raw else "\n"
    text = raw if not raw or raw.endswith("\n") else raw + end
    lines = ""
    for key, written in heads.items():
        text, count = _answered(text, key, written)
        lines += "" if count else f"{key} = {written}{end}"
    if lines:
        table = _TABLE.search(text)
        at = table.start() if table else len(text)
        text = text[:at] + lines + text[at:]
    fresh = []
    for name, value in attributes.items():
        word = "true" if value is True else "false"
        text, count = _answered(text, name, word)
        if not count:
            fresh.append(f"{name} = {word}  # {known[name].question}{end}")
    if fresh:
        text += ("" if _TABLE.search(text) else f"{end}[attributes]{end}") + "".join(fresh)
    _check(raw, text, heads, attributes, path)
    return text


def _answered(text: str, name: str, word: str) -> tuple[str, int]:
    """Return the text with a word for what it calls unknown, and how often it did (once or not at all)."""
    return _line(name).subn(lambda found: f"{found[1]}{word}{found[2]}", text, count=1)


def _line(name: str) -> re.Pattern[str]:
    """The line that says a key is unknown: what stands before its value, and after."""
    value = r"\"[^\"\r\n]*\"|'[^'\r\n]*'"
    return re.compile(rf"^([ \t]*{re.escape(name)}[ \t]*=[ \t]*)(?:{value})([ \t]*(?:#[^\r\n]*)?\r?)$", re.MULTILINE)


def _check(
    raw: str, text: str, heads: Mapping[str, str], attributes: Mapping[str, Value], path: Path
) -> None:
    flat, made = _said(raw), None
    with contextlib.suppress(tomllib.TOMLDecodeError):
        made = _said(text)
    values = {key: tomllib.loads(f"value = {value}")["value"] for key, value in heads.items()}
    if made != {**flat, **values, **attributes}:
        said = (f"{name} = {'true' if value is True else 'false'}" for name, value in attributes.items())
        lines = "；".join((*(f"{key} = {value}" for key, value in heads.items()), *said))
        raise UsageError("项目文件的写法特殊，不能自动补写", where=str(path), remedy=f"请手工写入：{lines}")


def _said(text: str) -> dict[str, object]:
    """Return what a project file says, the attributes beside the rest."""
    data = tomllib.loads(text.removeprefix("\ufeff"))
    nested = data.pop("attributes", {})
    return {**data, **(nested if isinstance(nested, dict) else {"attributes": nested})}
