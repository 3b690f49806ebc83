"""The ledger of conflicts (存量排查) as values: objects of one layer, zones of the others, what the law makes of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from linxi_gis.finding import Hit, Outcome
from linxi_gis.law import Citation, Verdict
from linxi_gis.model import LayerIdentity, RulePack, Site
from linxi_gis.ponds import Pond

# Worst first; 未核查 is worse than 提示 and milder than 须论证.
ORDER = (
    Verdict.PROHIBITED, Verdict.RESTRICTED, Verdict.TO_JUSTIFY, Verdict.NOT_CHECKED, Verdict.NOTICE, Verdict.CLEAR,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One rule of a row: what it comes to, where it stands (None: no rule speaks), the questions left."""

    rule: str
    verdict: Verdict
    basis: Citation | None
    say: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One object against one zone; `hit` is None where a rule speaks of the whole layer, or of the object alone."""

    object_id: str
    object_name: str
    layer: str
    layer_title: str
    theme: str
    hit: Hit | None
    verdict: Verdict
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Unseen:
    """A layer (or kind of zone) that could not speak, why, and of how many objects."""

    title: str
    why: str
    required: bool
    objects: int


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One object: its worst row, whether all that is required was seen, its rows worst first, its file if a pond."""

    site: Site
    verdict: Verdict
    complete: bool
    unchecked: tuple[str, ...]
    rows: tuple[Row, ...]
    pond: Pond | None

    @property
    def label(self) -> str:
        """The verdict in words: nothing mild is believed while something required is unchecked.

        The same words as of a single site, see `finding.Outcome`.
        """
        return Outcome(self.shown, self.complete).label

    @property
    def shown(self) -> Verdict:
        """What the object is counted under: 未核查 where nothing worse than 提示 was found and not all was seen."""
        return self.verdict if self.complete or self.verdict > Verdict.NOTICE else Verdict.NOT_CHECKED


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """All objects of a layer, worst first. `known` are the attributes taken from the theme; `failed` (id, name, why)
    are objects without a usable shape, which nobody judged. `notes` are Chinese sentences on the layer itself."""

    layer: LayerIdentity
    sha256: str
    day: date
    items: tuple[Item, ...]
    failed: tuple[tuple[str, str, str], ...]
    unseen: tuple[Unseen, ...]
    known: tuple[str, ...]
    rules: RulePack
    catalog_title: str
    demonstration: bool
    notes: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """All rows, those of the worst object first."""
        return [row for item in self.items for row in item.rows]

    def counts(self) -> list[tuple[Verdict, int, int]]:
        """Return (verdict, objects, rows) worst first; objects (with `failed`) and rows add up to all there are."""
        objects = Counter(item.shown for item in self.items)
        objects[Verdict.NOT_CHECKED] += len(self.failed)
        rows = Counter(row.verdict for row in self.rows)
        return [(verdict, objects[verdict], rows[verdict]) for verdict in ORDER]
