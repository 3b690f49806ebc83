"""The check-up of a catalogue on a day: every layer in force, alone, among the others, against its last version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from linxi_gis import vectorfile
from linxi_gis.catalog import Catalog, Entry
from linxi_gis.checkup import overlaps, shapes, shift, texts
from linxi_gis.checkup.record import GRAVE, HINT, Checkup, Fault, card, ordered
from linxi_gis.checkup.sheet import Sheet, open_sheet
from linxi_gis.crs import Geometry
from linxi_gis.errors import LinxiError


def check(
    catalog: Catalog, day: date, county: Geometry, only: Sequence[str] = (), tell: Callable[[str], object] = str
) -> Checkup:
    """Check the layers in force on a day; `county` is its outline in the area plane, `only` layer ids to report.

    Layers are always compared with all others in force; a layer not in force that day is not looked at.
    """
    held = [entry for entry in catalog.entries if entry.in_force(day)]
    opened = [(entry, open_sheet(entry, county)) for entry in held]
    sheets = [one for _, one in opened if isinstance(one, Sheet)]
    faults = [one for _, one in opened if isinstance(one, Fault)]
    for sheet in sheets:
        if not only or sheet.id in only:
            tell(f"体检「{sheet.title}」…")
            faults += [*shapes.check(sheet, county), *overlaps.within(sheet, county, day), *texts.check(sheet)]
            faults += [*overlaps.outside(sheet, county), *_lost(catalog, sheet, county)]
    faults += [*overlaps.between(sheets, day), *shift.check(sheets)]
    # What lies off as a whole leaves gaps along the border: told once, as what it is.
    off = {fault.layer for fault in faults if fault.code in ("shift", "gcj02") and fault.severity == GRAVE}
    faults = [fault for fault in faults if fault.layer not in off or fault.code not in ("gap", "outside")]
    kept = ordered(fault for fault in faults if not only or fault.layer in only)
    hashes = {entry.identity.id: one.sha256 if isinstance(one, Sheet) else _hash(entry) for entry, one in opened}
    cards = tuple(
        card(one.id, one.title, one.version, hashes.get(one.id, ""), [f for f in kept if f.layer == one.id], part or "")
        for one, part in ((entry.identity, entry.sublayer) for entry in held) if not only or one.id in only
    )  # fmt: skip
    return Checkup(catalog.title, day, catalog.demonstration, kept, cards)


def _hash(entry: Entry) -> str:
    """Return the hash of a file that could not be checked: what keeps it out holds for this content alone."""
    try:
        return vectorfile.sha256(entry.path)
    except LinxiError:
        return ""


def _lost(catalog: Catalog, sheet: Sheet, county: Geometry) -> list[Fault]:
    before = [entry for entry in catalog.versions(sheet.id) if _began(entry) < _began(sheet.entry)]
    if not before:
        return []
    last = max(before, key=_began)
    old = open_sheet(last, county)
    if isinstance(old, Sheet):
        return list(texts.lost(old, sheet))
    text = f"{sheet.title}的上一版（{last.identity.version}）读不出来，没有比较哪些图斑消失"
    return [Fault("previous_unread", HINT, sheet.id, (), sheet.box(), last.identity.version, text, "请修好上一版的文件再体检")]


def _began(entry: Entry) -> date:
    return entry.effective_from or date.min
