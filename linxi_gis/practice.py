"""What practice asks of a site beside the verdict: what the red line comes to, and what the EIA catalogue tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linxi_gis.law import Citation


@dataclass(frozen=True, slots=True)
class RedLine:
    """What the red line comes to as practice words it, and why; `questions` (attribute, text) would tell more."""

    outcome: Literal[
        "not_involved", "crosses_without_land", "limited_activity", "national_project", "prohibited", "unclear",
        "not_checked",
    ]  # fmt: skip
    label: str
    why: str
    questions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SensitiveArea:
    """A kind of sensitive area of the EIA catalogue on the site, or perhaps on it, and the titles of the layers."""

    item: str
    area: str
    sure: bool
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EiaHint:
    """What the text of the EIA catalogue tells of a site: the sensitive areas, never the category itself.

    `unseen` are the titles of themes with sensitive areas that were not, or not wholly, checked.
    """

    basis: Citation
    areas: tuple[SensitiveArea, ...]
    unseen: tuple[str, ...]

    @property
    def label(self) -> str:
        """The hint in one sentence."""
        named = "、".join(f"{one.item}{'' if one.sure else '可能为'}{one.area}" for one in self.areas)
        told = f"涉及名录{self.basis.article}环境敏感区：{named}" if named else f"没有命中名录{self.basis.article}的环境敏感区"
        left = f"（{'、'.join(self.unseen)}未核查）" if self.unseen else ""
        return f"{told}{left}；名录附表没有收入，报告书还是报告表须按行业对照附表"
