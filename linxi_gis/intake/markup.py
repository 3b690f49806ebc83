"""What KML and GPX have in common: features gathered one by one, element texts as attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import shapely

from linxi_gis.errors import InputError
from linxi_gis.finding import Issue
from linxi_gis.intake.amounts import check_many
from linxi_gis.intake.errors import unreadable
from linxi_gis.intake.reading import Drawn, Limits
from linxi_gis.intake.xmlsafe import Node, clean

CLOSED_LINE = Issue("closed_line", "info", "线的首尾相接，仍按线读取", "若它是地块边界，请改为多边形后提交")
Z_DROPPED = Issue("z_dropped", "info", "坐标带有高程，研判只用平面位置，高程已舍去")


@dataclass(slots=True)
class Gathered:
    """The features met so far in one file, and why others could not be read."""

    source: str
    limits: Limits
    drawn: list[Drawn] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    vertices: int = 0

    def add(self, feature: Drawn) -> None:
        """Take a feature; raises InputError when it is one more than the limits allow, or its points are."""
        self.drawn.append(feature)
        self.vertices += int(shapely.get_num_coordinates(feature.geometry))
        check_many(len(self.drawn), self.vertices, self.source, self.limits)

    def failed(self, label: str, error: InputError) -> None:
        """Tell a feature that could not be read."""
        self.issues.append(unreadable(error, f"{self.source}：{label}"))


def leaves(node: Node) -> Iterator[tuple[str, str]]:
    """The (name, text) of every element under a node, itself included, that holds text and no elements."""
    if not node.children and clean(node.text):
        yield node.tag, clean(node.text)
    for child in node.children:
        yield from leaves(child)
