"""All variants, each module's registered by importing it."""

from __future__ import annotations

from tests.variants import courts, drawings, spellings, tables, texts, vectors
from tests.variants.ground import VARIANTS, Variant

SUBJECTS = (texts, spellings, tables, vectors, drawings, courts)


def all_variants() -> list[Variant]:
    """Every variant, in the order written."""
    return list(VARIANTS.values())
