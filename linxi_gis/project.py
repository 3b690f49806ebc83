"""What is known of the project: its name, industry, and yes/no/unknown attributes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from linxi_gis.errors import UsageError
from linxi_gis.law import Attribute, Value

_BUILD_WORDS = {"新建": "is_new_build", "改建": "is_reconstruction", "扩建": "is_expansion"}
_BUILD_KEYS = tuple(_BUILD_WORDS.values())
_YES = {"yes", "true", "1", "y", "是", "有"}
_NO = {"no", "false", "0", "n", "否", "无", "没有"}
_UNKNOWN = {"unknown", "", "?", "？", "未知", "不明", "待定", "不知道", "不清楚"}
TEXT_KEYS = ("name", "industry", "build")
# Yearly amounts that clauses of an access list may set a threshold for, with the words they are asked by.
AMOUNTS: Mapping[str, str] = {
    "fresh_water_m3_a": "年取用新鲜水量（m³/a）",
    "waste_water_m3_a": "年废水排放量（m³/a）",
    "energy_tce_a": "年综合能耗（tce/a）",
    "coal_t_a": "年用煤量（t/a）",
    "so2_t_a": "二氧化硫年排放量（t/a）",
    "nox_t_a": "氮氧化物年排放量（t/a）",
    "dust_t_a": "颗粒物年排放量（t/a）",
    "cod_t_a": "化学需氧量年排放量（t/a）",
    "nh3n_t_a": "氨氮年排放量（t/a）",
}


@dataclass(frozen=True, slots=True)
class Project:
    """A project as the consultant describes it.

    `attributes` holds only what is known: an attribute that is absent is unknown.
    `build` is 新建, 改建 or 扩建 (or empty); it also answers the three build attributes.
    `industry` is a GB/T 4754-2017 code, or several joined by 、. `amounts` holds the known ones of AMOUNTS.
    """

    name: str = ""
    industry: str = ""
    build: str = ""
    declared_area_m2: float | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    amounts: Mapping[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, Value]:
        """Return the known facts, with those that `build` implies; what is 新建 alone is not there yet, unless said so.

        >>> Project(build="新建").facts()
        {'is_existing': False, 'is_new_build': True, 'is_reconstruction': False, 'is_expansion': False}
        >>> Project().facts()
        {}
        """
        implied: dict[str, Value] = {}
        if self.build:
            said = {_BUILD_WORDS[word] for word in _build_words(self.build)}
            implied = {key: key in said for key in _BUILD_KEYS}
            if said == {"is_new_build"}:
                implied = {"is_existing": False, **implied}
        return {**implied, **self.attributes}


# Words of filings that stand for others; 技术改造 is 改建 (attributes.toml: 改建（含技术改造）).
_BUILD_SYNONYMS = {"改扩建": "改建扩建", "新改扩建": "新建改建扩建", "技术改造": "改建", "技改": "改建"}
_BUILD_GLUE = re.compile(r"[、，,;；/+和及与或\s（）()]|项目|工程")


def _build_words(text: str) -> list[str]:
    """Return the words of 新建, 改建, 扩建 a text holds; raises UsageError when it holds anything else.

    >>> _build_words("改扩建"), _build_words("技改、新建")
    (['改建', '扩建'], ['新建', '改建'])
    """
    plain = text
    for word in sorted(_BUILD_SYNONYMS, key=len, reverse=True):
        plain = plain.replace(word, _BUILD_SYNONYMS[word])
    words = [word for word in _BUILD_WORDS if word in plain]
    for word in words:
        plain = plain.replace(word, "")
    if not words or _BUILD_GLUE.sub("", plain):
        raise UsageError(f"建设性质 build = {text!r} 不认识", remedy="请写 新建、改建、扩建 或 改扩建")
    return words


def _truth(key: str, raw: object, where: str) -> bool | None:
    if raw is None or isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    if word in _UNKNOWN:
        return None
    raise UsageError(f"{key} = {raw!r} 不是 是/否/未知", where=where, remedy="请写 是、否 或 不知道（yes、no、unknown）")


def _positive(key: str, raw: object, where: str) -> float:
    try:
        value = float(str(raw))
    except ValueError:
        value = -1.0
    if not 0.0 < value < float("inf"):
        raise UsageError(f"{key} = {raw!r} 不是正数（平方米）", where=where, remedy="请写大于 0 的数字，或去掉这一项")
    return value


def _amount(key: str, raw: object, where: str) -> float | None:
    """Return a yearly amount, 0 or more; None when it is said to be unknown."""
    if raw is None or str(raw).strip().lower() in _UNKNOWN:
        return None
    try:
        value = -1.0 if isinstance(raw, bool) else float(str(raw))
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise UsageError(f"{key} = {raw!r} 不是数值：{AMOUNTS[key]}", where=where, remedy="请写数字，或 unknown")
    return value


def with_values(
    project: Project, values: Iterable[tuple[str, object]], known: Mapping[str, Attribute], where: str
) -> Project:
    """Return the project with keys set; None (JSON's null) is unknown. Raises UsageError on an unknown key or value.

    >>> from linxi_gis.law import Attribute
    >>> known = {"has_outfall": Attribute("has_outfall", "设置排污口", "？", "boolean", "user")}
    >>> with_values(Project(), [("has_outfall", "是")], known, "").facts()
    {'has_outfall': True}
    """
    attributes, amounts = dict(project.attributes), dict(project.amounts)
    for key, raw in values:
        if key == "declared_area_m2":
            project = replace(project, declared_area_m2=None if raw is None else _positive(key, raw, where))
        elif key in AMOUNTS:
            amounts.pop(key, None)
            amount = _amount(key, raw, where)
            if amount is not None:
                amounts[key] = amount
        elif key in TEXT_KEYS:
            if key == "industry" and not isinstance(raw, str | None):  # 0711 as a number is 711, another industry
                raise UsageError(f"industry = {raw!r} 不是文字", where=where, remedy='行业代码请加引号，例如 "0711"')
            # JSON can spell half a character (a lone surrogate), which no file could be written with.
            text = ("" if raw is None else str(raw)).strip().encode("utf-8", "replace").decode("utf-8")
            if key == "build" and text:
                _build_words(text)
            project = _with_text(project, key, text)
        elif key in known and known[key].askable:
            truth = _truth(key, raw, where)
            if truth is False and known[key].origin == "clause_comparison":
                raise UsageError(
                    f"{key} 不能自行填“否”", where=where, remedy="须逐条对照准入清单；清单未录入前请留空，结论为须论证"
                )
            attributes.pop(key, None)
            if truth is not None:
                attributes[key] = truth
        else:
            remedy = f"用 linxi rules attributes 查看全部属性；数量有 {'、'.join(AMOUNTS)}"
            raise UsageError(f"没有名为 {key!r} 的项目属性", where=where, remedy=remedy)
    project = replace(project, attributes=attributes, amounts=amounts)
    _check_build(project, where)
    return project


def _check_build(project: Project, where: str) -> None:
    """Raise UsageError when an attribute contradicts `build`: nobody but the user may choose."""
    implied = replace(project, attributes={}).facts()
    for key, value in implied.items():
        if key in _BUILD_KEYS and project.attributes.get(key, value) != value:
            raise UsageError(
                f"build = {project.build} 与 {key} = {'是' if project.attributes[key] else '否'} 矛盾",
                where=where,
                remedy="请改正其中之一",
            )


def _with_text(project: Project, key: str, text: str) -> Project:
    match key:
        case "name":
            return replace(project, name=text)
        case "industry":
            return replace(project, industry=text)
        case _:
            return replace(project, build=text)


def read(path: Path, known: Mapping[str, Attribute]) -> Project:
    """Read a project.toml; attributes may stand at the top or under [attributes].

    Raises UsageError when the file is missing, is not TOML, or holds an unknown key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError("项目文件打不开", where=str(path), remedy="请检查路径") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"项目文件不是有效的 UTF-8 TOML（{error}）", where=str(path)) from error
    return with_values(Project(), pairs(data, known, str(path)), known, str(path))


def pairs(data: Mapping[str, object], known: Mapping[str, Attribute], where: str) -> list[tuple[str, object]]:
    """Return what a project's file or JSON says, key by key; raises UsageError where it says a key two ways.

    >>> pairs({"name": "a", "attributes": {"drills": True}}, {}, "")
    [('name', 'a'), ('drills', True)]
    """
    nested = data.get("attributes") or {}
    if not isinstance(nested, dict):
        raise UsageError("attributes 不是一个表", where=where, remedy="写成 [attributes] 一节（JSON 为对象），每行一个属性")
    flat = {key: raw for key, raw in data.items() if key != "attributes"}
    for key in flat.keys() & nested.keys():
        one, other = (with_values(Project(), [(key, raw)], known, where) for raw in (flat[key], nested[key]))
        if one != other:
            raise UsageError(
                f"{key} 写了两次且值不同：{flat[key]!r} 与 attributes 的 {nested[key]!r}", where=where, remedy="同一属性只写一处"
            )
    return [*flat.items(), *nested.items()]


def parse_sets(pairs: Iterable[str]) -> list[tuple[str, str]]:
    """Split KEY=VALUE words of the command line.

    Raises UsageError where there is no '=', and for a key given twice with different values.

    >>> parse_sets(["name=尾矿库=二期"])
    [('name', '尾矿库=二期')]
    """
    said: dict[str, str] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark:
            raise UsageError(f"--set {pair!r} 缺少等号", remedy="写成 --set 属性=值，例如 --set has_outfall=no")
        key, value = key.strip(), value.strip()
        if said.setdefault(key, value) != value:
            raise UsageError(
                f"--set {key} 写了两次且值不同：{said[key]!r} 与 {value!r}", remedy="同一属性只写一个值"
            )
    return list(said.items())
