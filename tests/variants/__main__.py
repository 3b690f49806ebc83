"""`python -m tests.variants DIR`: write every variant with its truth beside it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import shapely

from tests.variants import corpus


def main(folder: Path) -> None:
    """Write the corpus into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for variant in corpus.all_variants():
        variant.write(folder / variant.name)
        truth = {key: getattr(variant.truth, key) for key in variant.truth.__slots__}
        truth["shapes"] = [shapely.to_wkt(shape, rounding_precision=12) for shape in variant.truth.shapes]
        body = json.dumps(truth, ensure_ascii=False, indent=1)
        (folder / f"{variant.name}.truth.json").write_text(body + "\n", encoding="utf-8")
    print(f"{len(corpus.all_variants())} 个样本写到 {folder}")


main(Path(sys.argv[1]))
