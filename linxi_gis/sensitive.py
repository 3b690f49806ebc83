"""What the EIA catalogue's text tells of a site: the sensitive areas (环境敏感区) of its article 3 that are met.

建设项目环境影响评价分类管理名录（2021年版）: article 3 lists the areas; which trade needs a 报告书 for which of them
stands in its annex, which the pack does not hold. So the areas are told, and no category is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from linxi_gis.case import told_zones
from linxi_gis.finding import Hit, LayerResult
from linxi_gis.practice import EiaHint, SensitiveArea
from linxi_gis.rulebook import Rulebook
from linxi_gis.zonewords import Sensitive, Theme

INSTRUMENT = "建设项目环境影响评价分类管理名录"


def hint(layers: Sequence[LayerResult], rulebook: Rulebook, day: date) -> EiaHint | None:
    """Return the hint, None on a day when the pack has no such catalogue.

    A zone of an unknown class, of a draft or of an old version, or one nearer than the accuracies, may be an area.
    """
    basis = next((r.basis for r in rulebook.in_force(day) if r.basis.instrument.startswith(INSTRUMENT)), None)
    if basis is None:
        return None
    met: dict[tuple[str, str], tuple[bool, list[str]]] = {}
    for one in rulebook.sensitive:
        for layer in layers:
            sure = _meets(one, layer, rulebook.themes[one.theme]) if layer.theme == one.theme else None
            if sure is not None:
                known, titles = met.get((one.item, one.area), (False, []))
                met[one.item, one.area] = known or sure, [*titles, *([] if layer.title in titles else [layer.title])]
    areas = (SensitiveArea(*key, sure, tuple(titles)) for key, (sure, titles) in met.items())
    themes = dict.fromkeys(one.theme for one in rulebook.sensitive)
    unseen = tuple(rulebook.themes[name].title for name in themes if not _seen(layers, name))
    return EiaHint(basis, tuple(sorted(areas, key=_place)), unseen)


def _meets(one: Sensitive, layer: LayerResult, theme: Theme) -> bool | None:
    """Whether a layer surely shows such an area on the site; None when it shows none."""
    found = [sure for hit in told_zones(layer) if (sure := _is(one, hit, theme)) is not None]
    firm = layer.status == "hit" and layer.legal_status != "draft"
    return any(found) and firm if found else None


def _is(one: Sensitive, hit: Hit, theme: Theme) -> bool | None:
    """Whether a zone on the site surely is such an area; None when it is none."""
    if not (hit.relation.hit or hit.critical):
        return None
    known = theme.class_of(hit.zone_class)
    if one.classes and known is not None and known.code not in one.classes:
        return None
    return one.sure and hit.relation.hit and (not one.classes or known is not None)


def _seen(layers: Sequence[LayerResult], theme: str) -> bool:
    return any(layer.theme == theme and not layer.unchecked and layer.legal_status != "draft" for layer in layers)


def _place(area: SensitiveArea) -> tuple[int, bool]:
    return "（一）（二）（三）".find(area.item), not area.sure
