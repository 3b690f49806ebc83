"""The ledger of conflicts as a workbook, as JSON and as GeoJSON: one row an object and zone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import xlsxwriter

from linxi_gis import __version__
from linxi_gis.finding import Hit
from linxi_gis.law import Verdict
from linxi_gis.ledger import Item, Ledger, Row, Said
from linxi_gis.ponds import TABLE_STATUS
from linxi_gis.report import extract, sheet
from linxi_gis.report.provisos import DISCLAIMER, STAMP
from linxi_gis.themes import TEXT_STATUS_TITLES, class_title
from linxi_gis.units import wind

SCHEMA = "ledger-1"
_COUNTS = ("结论", "对象数", "对象×图斑行数")
_OBJECTS = ("编号", "名称", "结论", "完整", "行数", "禁止", "限制", "须论证", "未核查", "提示", "未命中", "面积 m²",
            "未核查图层")  # fmt: skip
_ROWS = ("编号", "名称", "图层", "图斑编号", "图斑", "类别", "关系", "面积 m²", "长度 m", "占对象 %", "距离 m", "方位", "临界",
         "结论", "规则", "依据", "条文状态", "说明", "待答问题")  # fmt: skip
_UNSEEN = ("图层", "必备", "影响对象数", "原因")
_PONDS = ("编号", "名称", "结论", "等别（推算）", "推算依据", "头顶库", "矛盾", "已登记", "未登记")
_SHOWN = (
    Verdict.PROHIBITED, Verdict.RESTRICTED, Verdict.TO_JUSTIFY, Verdict.NOT_CHECKED, Verdict.NOTICE, Verdict.CLEAR,
)  # fmt: skip


def note(ledger: Ledger) -> str:
    """Return the sentence every face of a ledger carries."""
    return f"{STAMP}；{DISCLAIMER}" if ledger.demonstration else DISCLAIMER


def write(ledger: Ledger, path: Path) -> None:
    """Write the workbook. Text that begins like a formula stays text."""
    said = f"{note(ledger)}；{ledger.layer.title}存量排查，{ledger.day.isoformat()}，{ledger.catalog_title}"
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    pond_rows = [_pond(item) for item in ledger.items if item.pond is not None]
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet.table(book, "汇总", _COUNTS, summary(ledger), said)
        sheet.table(book, "对象", _OBJECTS, [*map(_object, ledger.items), *_failed(ledger)], said)
        sheet.table(book, "对象×图斑", _ROWS, [_row(row) for row in ledger.rows], said)
        unseen = [(one.title, "是" if one.required else "否", one.objects, one.why) for one in ledger.unseen]
        sheet.table(book, "未核查图层", _UNSEEN, unseen or [("（没有）", "", None, "")], said)
        if pond_rows:
            sheet.table(book, "一库一档", _PONDS, pond_rows, f"{said}；{TABLE_STATUS}")


def summary(ledger: Ledger) -> list[tuple[str, int, int]]:
    """Return verdict, objects, rows, worst first, and their sums."""
    counts = ledger.counts()
    total = ("合计", sum(one[1] for one in counts), sum(one[2] for one in counts))
    return [*((verdict.label, objects, rows) for verdict, objects, rows in counts), total]


def _object(item: Item) -> sheet.Row:
    counted = [sum(row.verdict is verdict for row in item.rows) for verdict in _SHOWN]
    return (
        item.site.id, item.site.name, item.label, "是" if item.complete else "否", len(item.rows), *counted,
        round(item.site.area_m2, 2) if item.site.area_m2 else None, "、".join(item.unchecked),
    )  # fmt: skip


def _failed(ledger: Ledger) -> list[sheet.Row]:
    return [(one, name, "未核查", "否", 0, *[0] * len(_SHOWN), None, why) for one, name, why in ledger.failed]


def _row(row: Row) -> sheet.Row:
    hit, said = row.hit, [one for one in row.said if one.rule]
    return (
        row.object_id, row.object_name, row.layer_title, *_zone(row.theme, hit), row.verdict.label,
        "；".join(f"{one.rule}（{one.verdict.label}）" for one in said), "；".join(_basis(one) for one in said if one.basis),
        "、".join(dict.fromkeys(TEXT_STATUS_TITLES[one.basis.text_status] for one in said if one.basis)),
        "；".join(dict.fromkeys(one.say for one in row.said if one.say)),
        "；".join(dict.fromkeys(question for one in said for question in one.questions)),
    )  # fmt: skip


def _zone(theme: str, hit: Hit | None) -> sheet.Row:
    if hit is None:
        return "", "（没有对应图斑）", "", "", None, None, None, None, "", ""
    met = hit.relation.hit
    bearing = "" if hit.bearing_deg is None else wind(hit.bearing_deg)
    return (
        hit.zone_id, hit.zone_name, class_title(theme, hit.zone_class), hit.relation.label,
        round(hit.area_m2, 2) if met else None, round(hit.length_m, 2) if hit.length_m else None,
        round(hit.share_of_site * 100.0, 4) if met else None, None if met else round(hit.distance_m, 2), bearing,
        "临界" if hit.critical else "",
    )  # fmt: skip


def _basis(said: Said) -> str:
    basis = said.basis
    return "" if basis is None else f"{basis.instrument}{basis.article}"


def _pond(item: Item) -> sheet.Row:
    pond = item.pond
    if pond is None:
        return (item.site.id,)
    return (
        item.site.id, item.site.name, item.label, pond.grade_label, pond.why, pond.below_houses,
        "；".join(pond.doubts), "；".join(f"{title}：{value}" for title, value in pond.fields), "、".join(pond.missing),
    )  # fmt: skip


def body(ledger: Ledger) -> dict[str, Any]:
    """Return the ledger as plain JSON values; figures rounded as in the extract of a site."""
    return {
        "schema": SCHEMA,
        "engine": {"name": "linxi-gis", "version": __version__},
        "on": ledger.day.isoformat(),
        "disclaimer": DISCLAIMER,
        "demonstration": ledger.demonstration,
        "catalog": ledger.catalog_title,
        "layer": {**asdict(ledger.layer), "sha256": ledger.sha256},
        "known": list(ledger.known),
        "notes": list(ledger.notes),
        "rules": {"pack": ledger.rules.name, "sha256": ledger.rules.sha256},
        "summary": [{"verdict": label, "objects": many, "rows": rows} for label, many, rows in summary(ledger)],
        "objects": [_object_body(item) for item in ledger.items],
        "failed": [{"id": one, "name": name, "why": why} for one, name, why in ledger.failed],
        "unchecked": [asdict(one) for one in ledger.unseen],
    }


def _object_body(item: Item) -> dict[str, Any]:
    return {
        "id": item.site.id,
        "name": item.site.name,
        "verdict": {"code": item.shown.name, "label": item.label, "complete": item.complete,
                    "unchecked": list(item.unchecked)},
        "area_m2": extract.rounded(item.site.area_m2, 4),
        "rows": [_row_body(row) for row in item.rows],
        "pond": None if item.pond is None else {**asdict(item.pond), "grade_label": item.pond.grade_label},
    }  # fmt: skip


def _row_body(row: Row) -> dict[str, Any]:
    hit = row.hit
    zone = None if hit is None else {
        "id": hit.zone_id, "name": hit.zone_name, "class": hit.zone_class, "relation": hit.relation.value,
        "area_m2": extract.rounded(hit.area_m2, 4), "length_m": extract.rounded(hit.length_m, 4),
        "share": extract.rounded(hit.share_of_site, 8), "distance_m": extract.rounded(hit.distance_m, 4),
        "bearing_deg": extract.rounded(hit.bearing_deg, 4), "critical": hit.critical,
    }  # fmt: skip
    said = [
        {"rule": one.rule, "verdict": one.verdict.name, "basis": _basis(one), "say": one.say,
         "text_status": one.basis.text_status if one.basis else None, "questions": list(one.questions)}
        for one in row.said
    ]  # fmt: skip
    return {"layer": row.layer, "title": row.layer_title, "theme": row.theme, "verdict": row.verdict.name,
            "zone": zone, "rules": said}  # fmt: skip


def collection(ledger: Ledger) -> dict[str, Any]:
    """Return the objects as a GeoJSON FeatureCollection with their verdicts, for other map programs."""
    return {"type": "FeatureCollection", "features": [_feature(item, ledger) for item in ledger.items]}


def _feature(item: Item, ledger: Ledger) -> dict[str, Any]:
    pond = {} if item.pond is None else {"等别": item.pond.grade_label, "头顶库": "待核"}
    return {
        "type": "Feature",
        "id": item.site.id,
        "geometry": extract.geojson(item.site),
        "properties": {
            "id": item.site.id, "name": item.site.name, "verdict": item.shown.name, "结论": item.label,
            "complete": item.complete, "on": ledger.day.isoformat(), "未核查": list(item.unchecked), **pond,
            "冲突": [f"{r.layer_title}：{r.hit.zone_name if r.hit else ''}（{r.verdict.label}）" for r in item.rows],
            "说明": note(ledger),
        },
    }  # fmt: skip
