"""Draw up the ledger of conflicts (存量排查): what stands on one layer, against every zone of every other one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import shapely

from linxi_gis import crs, ponds, vectorfile, zoneindex
from linxi_gis.assess import judged
from linxi_gis.errors import InputError, LayerError, UsageError
from linxi_gis.finding import Finding, Hit, LayerResult
from linxi_gis.footprint import make_site
from linxi_gis.law import Value, Verdict
from linxi_gis.ledger import ORDER, Item, Ledger, Row, Said, Unseen
from linxi_gis.library import Library
from linxi_gis.measuring import measure
from linxi_gis.model import Assessment, Gap, Layer, LayerIdentity, Reference, Site
from linxi_gis.project import Project
from linxi_gis.rulebook import Rulebook
from linxi_gis.themes import THEMES

# What a theme surely says of every one of its zones. A mine may be shut, and anything may already be there or
# not: that stays unknown.
CERTAIN: Mapping[str, Mapping[str, Value]] = {
    "mining_right": {"is_mineral_extraction": True},
    "prospecting_right": {"is_mineral_exploration": True},
    "tailings": {"is_tailings_facility": True, "is_mine_waste_storage": True},
    "mine": {},
}


def draw_up(library: Library, rulebook: Rulebook, layer_id: str, day: date) -> Ledger:
    """Measure every zone of a layer against all other layers and judge it by the rules in force on a day.

    Raises UsageError for a layer that is no holding of mines, rights or ponds, InputError for one that cannot be
    read, NothingCheckedError where no layer at all can be used.
    """
    identity = library.catalog.versions(layer_id)[0].identity
    if identity.theme not in CERTAIN:
        able = "、".join(f"{THEMES[theme]}（{theme}）" for theme in CERTAIN)
        raise UsageError(f"图层 {layer_id}（{THEMES[identity.theme]}）不能作存量排查", remedy=f"可排查的主题：{able}")
    return library.trying(lambda: _drawn_up(library, rulebook, layer_id, day))


def _drawn_up(library: Library, rulebook: Rulebook, layer_id: str, day: date) -> Ledger:
    layer = next(one for one in library.layers(day) if one.identity.id == layer_id)
    if isinstance(layer, Gap):
        raise InputError(layer.issue.text, where=layer_id, remedy=layer.issue.remedy)
    columns, notes = _columns(library, layer)
    sites, failed = _sites(layer, columns)
    if not sites:
        raise InputError("没有一个要素有可用的图形", where=layer.identity.title, remedy="请检查图层图形")
    facts = CERTAIN[layer.identity.theme]
    batch = measure(sites, library, day, detailed=False)
    answers = judged(batch, rulebook, Project(attributes=dict(facts)))
    items = sorted((_item(answer, layer.identity) for answer in answers), key=_severity)
    stale = (f"{layer.identity.title}：{layer.stale}",) if layer.stale else ()
    return Ledger(
        layer.identity, layer.sha256, day, tuple(items), failed, _unseen(answers, layer_id),
        tuple(rulebook.attributes[name].label for name in facts), answers[0].rules, batch.catalog_title,
        batch.demonstration, (*stale, *notes, *(issue.text for issue in layer.issues)),
    )  # fmt: skip


Columns = Sequence[tuple[tuple[str, str], ...]]


def _columns(library: Library, layer: Layer) -> tuple[Columns, tuple[str, ...]]:
    """Return the attribute table as (column, text) a zone; nothing, and a note, where it is not the file measured."""
    nothing = ((),) * len(layer.zone_ids)
    for entry in library.catalog.versions(layer.identity.id):
        try:
            if entry.identity != layer.identity or vectorfile.sha256(entry.path) != layer.sha256:
                continue
            table = vectorfile.read(entry.path, sublayer=entry.sublayer, encoding=entry.encoding)
        except LayerError:
            continue
        _, rows = zoneindex.exploded(table.geometries)
        if len(rows) == len(layer.zone_ids):
            texts = {name: [vectorfile.text(value) for value in column] for name, column in table.columns.items()}
            return [tuple((name, column[row]) for name, column in texts.items()) for row in rows.tolist()], ()
    return nothing, (f"{layer.identity.title}的属性表没有读出来，登记信息空缺",)


def _sites(layer: Layer, columns: Columns) -> tuple[list[Site], tuple[tuple[str, str, str], ...]]:
    """Return the zones as sites, and those that cannot be (id, name, why)."""
    shapes = crs.lonlat_of_plane(np.asarray(layer.zones))
    reference = Reference(crs.LONLAT, f"取自图层 {layer.identity.title}")
    sites: list[Site] = []
    failed: list[tuple[str, str, str]] = []
    for row, shape in enumerate(shapes):
        zone_id, name = layer.zone_ids[row], layer.zone_names[row]
        try:
            if shape is None or shapely.is_empty(shape):
                raise InputError("没有图形", remedy="请补充图形后重做")
            site = make_site(
                shape, reference, site_id=zone_id, name=name, where=layer.identity.title,
                accuracy_m=layer.identity.accuracy_m, attributes=columns[row],
            )  # fmt: skip
        except InputError as error:
            failed.append((zone_id, name, f"{error.what}；{error.remedy}" if error.remedy else error.what))
        else:
            sites.append(replace(site, source=layer.identity.id))
    return sites, tuple(failed)


def _item(answer: Assessment, own: LayerIdentity) -> Item:
    rows = sorted(_rows(answer, own.id), key=_row_severity)
    ranked = [row.verdict for row in rows if row.verdict is not Verdict.NOT_CHECKED]
    unchecked = list(answer.overall.unchecked)
    if own.title in unchecked and any(layer.id == own.id and layer.unchecked for layer in answer.layers):
        unchecked.remove(own.title)
    pond = _pond(answer.site) if own.theme == "tailings" else None
    return Item(answer.site, max(ranked, default=Verdict.CLEAR), not unchecked, tuple(unchecked), tuple(rows), pond)


def _pond(site: Site) -> ponds.Pond | None:
    """Return the file of a pond; None for a point or line that has no place for its figures: the toe of a dam."""
    filed = site.kind == "polygon" or ponds.registered(site.attributes)
    return ponds.read(site.attributes) if filed else None


def _rows(answer: Assessment, own: str) -> Iterable[Row]:
    """Yield a row for every zone met, and for every zone, layer or project a rule speaks of; not for the own layer."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in answer.findings:
        found.setdefault((finding.layer, finding.hit.zone_id if finding.hit else ""), []).append(finding)
    layers = {layer.id: layer for layer in answer.layers}
    met = {(layer.id, hit.zone_id): hit for layer in answer.layers for hit in layer.hits if hit.relation.hit}
    for key in dict.fromkeys((*met, *found)):
        mine = found.get(key, [])
        verdict = _worst(finding.verdict for finding in mine)
        if key[0] == own or (key not in met and verdict is Verdict.CLEAR):
            continue
        hit = met.get(key) or next((one.hit for one in mine if one.hit), None)
        yield _row(answer.site, layers.get(key[0]), hit, verdict, mine)


def _row(site: Site, layer: LayerResult | None, hit: Hit | None, verdict: Verdict, found: Sequence[Finding]) -> Row:
    said = [
        Said(one.rule or "", one.verdict, one.basis, one.say, tuple(f"{q.text}（{q.outcomes}）" for q in one.questions))
        for one in found
        if one.rule or one.say
    ]
    said.sort(key=lambda one: ORDER.index(one.verdict))
    where = ("", "（项目本身）", "") if layer is None else (layer.id, layer.title, layer.theme)
    return Row(site.id, site.name, *where, hit, verdict, tuple(said))


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    return min(verdicts, key=ORDER.index, default=Verdict.CLEAR)


def _row_severity(row: Row) -> tuple[int, float, str, str]:
    area = row.hit.share_of_site if row.hit else 0.0
    return ORDER.index(row.verdict), -area, row.layer, row.hit.zone_id if row.hit else ""


def _severity(item: Item) -> tuple[int, int, str]:
    grave = sum(row.verdict is item.verdict for row in item.rows)
    return ORDER.index(item.shown), -grave, item.site.id


def _unseen(answers: Sequence[Assessment], own: str) -> tuple[Unseen, ...]:
    """Return what could not speak: layers with their reason, then kinds of zone no layer holds."""
    layers: dict[str, list[LayerResult]] = {}
    named: Counter[str] = Counter()
    for answer in answers:
        titles = {layer.title for layer in answer.layers}
        for layer in answer.layers:
            if layer.unchecked and layer.id != own:
                layers.setdefault(layer.id, []).append(layer)
        named.update(title for title in answer.overall.unchecked if title not in titles)
    told = [Unseen(of[0].title, _why(of[0]), of[0].required, len(of)) for of in layers.values()]
    return (*told, *(Unseen(title, "没有图层可查", True, count) for title, count in named.items()))


def _why(layer: LayerResult) -> str:
    return "；".join(issue.text for issue in layer.issues if issue.severity != "info") or layer.status_label
