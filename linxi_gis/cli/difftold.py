"""How `linxi layers diff` tells a difference: a table, JSON, a GeoPackage, a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.errors import UsageError

if TYPE_CHECKING:
    from linxi_gis.crs import Geometry
    from linxi_gis.importing.differ import Change, Difference
    from linxi_gis.importing.editions import Edition
    from linxi_gis.importing.touching import Met, Touch

_STAMP = "示意数据，结论无效力"


def table(found: Difference, met: Sequence[Met] | None) -> None:
    """Print a difference, and the sites that were asked about."""
    from linxi_gis.cli.county import print_table
    from linxi_gis.importing.differ import TITLES

    rows = [
        (TITLES[one.kind], one.zone, one.name, _hm2(one.before_m2), _hm2(one.after_m2), _hm2(one.grown.area),
         _hm2(one.shrunk.area), one.what)
        for one in found.changes
    ]  # fmt: skip
    if rows:
        figures = ("原 hm²", "新 hm²", "增 hm²", "减 hm²")
        print_table(("变化", "编号", "名称", *figures, "说明"), rows, figures=("变化", *figures))
    gain = found.after_m2 - found.before_m2
    whole = f"{found.before_m2 / 1e6:.4f} → {found.after_m2 / 1e6:.4f} km²，{gain / 1e6:+.4f} km²"
    click.echo(f"未变 {found.same} 个；全层（重叠只算一次）{whole}")
    if met is not None:
        _sites(met)
    if found.demonstration:
        click.echo(_STAMP)


def _hm2(m2: float) -> str:
    return f"{m2 / 1e4:.4f}" if m2 else ""


def _sites(met: Sequence[Met]) -> None:
    from linxi_gis.cli.county import print_table
    from linxi_gis.importing.differ import TITLES
    from linxi_gis.importing.touching import PARTS

    rows = [
        (one.site.name, TITLES[touch.change.kind], touch.change.zone, touch.change.name, PARTS[touch.part], _size(touch),
         f"按 {touch.reading} 读" if touch.reading else "")
        for one in met for touch in one.touches
    ]  # fmt: skip
    click.echo("")
    if rows:
        print_table(("地块", "变化", "编号", "图斑", "怎样", "涉及", "说明"), rows)
    free = "、".join(one.site.name for one in met if not one.touches)
    click.echo(f"{len(met)} 个地块，{sum(bool(one.touches) for one in met)} 个涉及变化" + (f"；不涉及：{free}" if free else ""))


def _size(touch: Touch) -> str:
    if touch.area_m2:
        return f"{touch.area_m2:.2f} m²"
    return f"{touch.length_m:.2f} m" if touch.length_m else "在内或相接"


def as_json(found: Difference, met: Sequence[Met] | None) -> str:
    """Return a difference as JSON; `sites` is there when sites were asked about."""
    body: dict[str, object] = {
        "before": _edition(found.before), "after": _edition(found.after), "demonstration": found.demonstration,
        "matched_by": "shape" if found.by_shape else "id", "doubts": list(found.doubts),
        "before_m2": found.before_m2, "after_m2": found.after_m2, "same": found.same,
        "changes": [_row(one) for one in found.changes],
    }  # fmt: skip
    if met is not None:
        body["sites"] = [
            {"id": one.site.id, "name": one.site.name, "source": one.site.source, "touches": [_touch(t) for t in one.touches]}
            for one in met
        ]
    return json.dumps(body, ensure_ascii=False, indent=1)


def _edition(one: Edition) -> dict[str, object]:
    return {"label": one.label, "title": one.title, "days": one.days, "zones": len(one.zones), "notes": list(one.notes)}


def _row(one: Change) -> dict[str, str | float]:
    return {
        "kind": one.kind, "zone": one.zone, "name": one.name, "before_m2": one.before_m2, "after_m2": one.after_m2,
        "grown_m2": float(one.grown.area), "shrunk_m2": float(one.shrunk.area), "what": one.what,
    }  # fmt: skip


def _touch(one: Touch) -> dict[str, str | float]:
    return {
        "zone": one.change.zone, "kind": one.change.kind, "part": one.part, "area_m2": one.area_m2,
        "length_m": one.length_m, "reading": one.reading,
    }  # fmt: skip


def page(found: Difference, met: Sequence[Met] | None, outline: Geometry | None, path: Path) -> None:
    """Write the map of a difference; raises UsageError when the disk refuses."""
    import linxi_maps

    text = linxi_maps.diff_map(found, met=met, outline=outline)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path} 写不出来（{error.strerror}）", remedy="请换一个 --out") from error


def geopackage(found: Difference, met: Sequence[Met] | None, outline: Geometry | None, path: Path) -> None:
    """Write the ground that was gained and lost (EPSG:4490); sites and outline are not written."""
    import numpy as np
    import pyogrio
    import shapely

    from linxi_gis import crs
    from linxi_gis.importing.differ import TITLES

    parts = [(one, side, shape) for one in found.changes for side, shape in (("增", one.grown), ("减", one.shrunk))]
    parts = [(one, side, shape) for one, side, shape in parts if not shape.is_empty]
    if not parts:
        raise UsageError("没有图形变化，不写文件")
    shapes = np.array([shape for _, _, shape in parts], dtype=object)
    columns = {
        "变化": [TITLES[one.kind] for one, _, _ in parts], "部分": [side for _, side, _ in parts],
        "编号": [one.zone for one, _, _ in parts], "名称": [one.name for one, _, _ in parts],
        "面积_m2": [f"{shape.area:.3f}" for _, _, shape in parts],
    }  # fmt: skip
    try:
        pyogrio.raw.write(
            path, shapely.to_wkb(crs.lonlat_of_plane(shapes)), [np.array(c, dtype=object) for c in columns.values()],
            list(columns), geometry_type="Unknown", crs=crs.LONLAT, layer="diff", driver="GPKG",
        )  # fmt: skip
    except pyogrio.errors.DataSourceError as error:
        raise UsageError(f"{path} 写不出来", remedy="请换一个 --out") from error
