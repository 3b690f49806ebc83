"""B-splines of a drawing to points, over the part of their knots where they are defined."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from linxi_gis.crs import FloatArray
from linxi_gis.errors import InputError

_MAX_DEGREE = 15
_MAX_FIT_POINTS = 10_000
_MAX_PIECES = 1 << 14
_FAR = 1e12
_REMEDY = "请在 CAD 中转换为多段线后提交"


def entity_points(held: Any, chord: float) -> FloatArray:
    """Return the points of a SPLINE entity, shape (n, 2); see `curve_points`."""
    if held.dxf.degree > _MAX_DEGREE or held.fit_point_count() > _MAX_FIT_POINTS:
        raise InputError("样条曲线的阶数或拟合点过多", remedy=_REMEDY)
    return _tool_points(held.construction_tool(), chord)


def edge_points(edge: Any, chord: float) -> FloatArray:
    """Return the points of a hatch's spline edge, shape (n, 2); see `curve_points`."""
    from ezdxf.math import BSpline, fit_points_to_cad_cv

    if edge.degree > _MAX_DEGREE or len(edge.fit_points) > _MAX_FIT_POINTS:
        raise InputError("样条曲线的阶数或拟合点过多", remedy=_REMEDY)
    if not edge.control_points:
        return _tool_points(fit_points_to_cad_cv(edge.fit_points), chord)
    tool = BSpline(edge.control_points, edge.degree + 1, edge.knot_values or None, edge.weights or None)
    return _tool_points(tool, chord)


def _tool_points(tool: Any, chord: float) -> FloatArray:
    control = np.array([(point.x, point.y) for point in tool.control_points], dtype=np.float64)
    weights = np.array(list(tool.weights()) or [1.0] * len(control), dtype=np.float64)
    return curve_points(control, np.array(tool.knots(), dtype=np.float64), weights, tool.degree, chord)


def curve_points(
    control: FloatArray, knots: FloatArray, weights: FloatArray, degree: int, chord: float
) -> FloatArray:
    """Return points on a (rational) B-spline whose chords keep within `chord` of it.

    `control` has shape (n, 2), `knots` n + degree + 1 values that never fall, `weights` n values above
    zero. A curve is defined from knot `degree` to knot n only; that matters for periodic curves,
    whose knots are not repeated at the ends. Method: de Boor's recurrence, span by span. Raises InputError.

    >>> line = curve_points(np.array([[0.0, 0], [2, 0]]), np.array([0.0, 0, 1, 1]), np.ones(2), 1, 0.001)
    >>> line[0].tolist(), line[-1].tolist()
    ([0.0, 0.0], [2.0, 0.0])
    """
    count = len(control)
    numbers = np.concatenate([control.ravel(), knots, weights])
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0.0) > _FAR or weights.min() <= 0.0:
        raise InputError("样条曲线的控制点、节点或权重不是有效的数字", remedy="请核对图形")
    sizes = len(knots) == count + degree + 1 and len(weights) == count and 1 <= degree < count
    if not sizes or (np.diff(knots) < 0.0).any() or knots[degree] >= knots[count]:
        raise InputError("样条曲线的节点与控制点不配", remedy=_REMEDY)
    chord = max(chord, float(np.ptp(control, axis=0).max()) * 1e-8)
    # About its own middle: large coordinates would cost digits.
    middle = control.mean(axis=0)
    lifted = np.column_stack([(control - middle) * weights[:, None], weights])
    spans = [span for span in range(degree, count) if knots[span + 1] > knots[span]]
    pieces = [_span(lifted, knots, degree, span, chord) for span in spans]
    points: FloatArray = np.vstack([*(piece[:-1] for piece in pieces[:-1]), pieces[-1]]) + middle
    return points


def _span(lifted: FloatArray, knots: FloatArray, degree: int, span: int, chord: float) -> FloatArray:
    """The points of one knot span, halved until the middle of every chord lies near the curve."""
    pieces = 1 if degree == 1 else 4
    while pieces <= _MAX_PIECES:
        at = np.linspace(knots[span], knots[span + 1], 2 * pieces + 1)
        points = _boor(lifted, knots, degree, span, at)
        ends = points[::2]
        off = points[1::2] - np.array([(a + b) / 2.0 for a, b in pairwise(ends)])
        if float(np.hypot(off[:, 0], off[:, 1]).max()) <= chord:
            return ends
        pieces *= 2
    raise InputError("样条曲线过于弯曲，无法按 1 mm 的精度展开", remedy=_REMEDY)


def _boor(lifted: FloatArray, knots: FloatArray, degree: int, span: int, at: FloatArray) -> FloatArray:
    held = np.repeat(lifted[None, span - degree : span + 1], len(at), axis=0)
    for level in range(1, degree + 1):
        for j in range(degree, level - 1, -1):
            i = j + span - degree
            share = ((at - knots[i]) / (knots[i + degree - level + 1] - knots[i]))[:, None]
            held[:, j] = (1.0 - share) * held[:, j - 1] + share * held[:, j]
    plane: FloatArray = held[:, degree, :2] / held[:, degree, 2:]
    return plane
