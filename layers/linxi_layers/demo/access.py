"""The demonstration county's access list (生态环境准入清单): made-up clauses, so that the whole path is seen. 示意."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from .zones import Zone

_HEAD = ("层级", "单元编码", "维度", "编号", "条款", "不符合时", "依据文件", "有效期起", "有效期止", "适用行业", "适用条件",
         "不符合条件", "阈值", "文字")  # fmt: skip
_SOURCE = "示意清单（虚构，无效力）"
_SINCE = "2015-01-01"
_SPACE, _DISCHARGE, _RISK, _RESOURCE = "空间布局约束", "污染物排放管控", "环境风险防控", "资源利用效率"

# Level, units, dimension, number, text, effect, industries, applies, violated, threshold.
_ABOVE = (
    ("自治区", "全部", _SPACE, "1", "示意条款：新建水泥、石灰和石膏制造项目不予准入", "禁止",
     "301", "is_new_build", "always", ""),
    ("自治区", "全部", _SPACE, "2", "示意条款：布局应与上位规划相衔接", "须论证", "", "", "", ""),
    ("自治区", "优先保护单元", _SPACE, "3", "示意条款：优先保护单元内新建、扩建矿产开采项目从严", "限制",
     "", "is_new_build or is_expansion", "is_mineral_extraction", ""),
    ("自治区", "全部", _RESOURCE, "1", "示意条款：采矿业年取用新鲜水量不大于 30 万立方米", "限制",
     "B", "", "", "fresh_water_m3_a <= 300000"),
    ("赤峰市", "全部", _DISCHARGE, "1", "示意条款：新建排污口应先论证", "须论证", "", "", "has_new_outfall", ""),
    ("赤峰市", "重点管控单元", _RISK, "1", "示意条款：尾矿库应有防渗措施和监测井", "限制", "", "is_tailings_facility", "", ""),
    ("赤峰市", "全部", _RESOURCE, "1", "示意条款（已废止）：年用煤量不大于 1 万吨", "限制", "", "", "", "coal_t_a <= 10000"),
    ("林西县", "全部", _RISK, "1", "示意条款：贮存危险化学品的项目应编制应急预案", "须论证", "", "", "", ""),
)  # fmt: skip
_REPEALED = ("赤峰市", _RESOURCE, "1")
_KINDS = {
    "优先保护单元": (
        (_SPACE, "1", "示意条款：不得新建工业项目", "禁止", "", "is_industrial", "is_new_build", ""),
        (_DISCHARGE, "1", "示意条款：不得新设排污口", "禁止", "", "", "has_new_outfall", ""),
        (_RISK, "1", "示意条款：已有风险源应逐步退出", "须论证", "", "", "", ""),
        (_RESOURCE, "1", "示意条款：保持水源涵养功能", "须论证", "", "", "", ""),
    ),
    "重点管控单元": (
        (_SPACE, "1", "示意条款：有色金属矿采选项目应符合矿区布局", "限制", "09", "", "", ""),
        (_DISCHARGE, "1", "示意条款：年废水排放量不大于 10 万立方米", "限制", "", "", "", "waste_water_m3_a <= 100000"),
        (_RISK, "1", "示意条款：可能污染土壤的项目应先做土壤现状调查", "须论证", "", "may_pollute_soil", "", ""),
        (_RESOURCE, "1", "示意条款：提高废水回用率", "须论证", "", "", "", ""),
    ),
    "一般管控单元": (
        (_SPACE, "1", "示意条款：执行上级普适性要求", "须论证", "", "", "", ""),
    ),
}  # fmt: skip


def _rows(units: Sequence[Zone]) -> Iterator[tuple[str, ...]]:
    for level, whom, dimension, number, text, effect, groups, applies, violated, limit in _ABOVE:
        until = "2020-12-31" if (level, dimension, number) == _REPEALED else ""
        yield level, whom, dimension, number, text, effect, _SOURCE, _SINCE, until, groups, applies, violated, limit, "原文"
    # The last general unit has no clause: what a unit without a list looks like is seen as well.
    for unit in units[:-1]:
        for dimension, number, text, effect, groups, applies, violated, limit in _KINDS[unit.kind]:
            yield ("单元", unit.code, dimension, number, text, effect, _SOURCE, _SINCE, "", groups, applies, violated,
                   limit, "原文")  # fmt: skip


def write(units: Sequence[Zone], path: Path) -> None:
    """Write the clauses of the units, and of the levels above them, as a table `linxi layers import` would take."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEAD)
        writer.writerows(_rows(units))
