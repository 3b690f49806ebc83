"""Write docs/examples.md and the example in README.md: what the examples really print on a day.

Run: python docs/make_examples.py   (tests/test_docs.py fails when the pages are not what it writes)
"""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import shapely
from rich.console import Console

from linxi_gis import catalog, intake, project, rulebook
from linxi_gis.assess import assess
from linxi_gis.cli import roof
from linxi_gis.library import Library
from linxi_gis.report import text
from linxi_layers import demo_catalog, demo_outline, rules_dir

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2026, 11, 23)
EXAMPLES = ("tailings_zone39.txt", "pipeline.geojson", "well_point.csv", "east_zone40.txt")
WIDTH = 120
_MARKS = re.compile(r"(<!-- example -->\n).*?(<!-- /example -->)", re.DOTALL)


def printed(name: str) -> list[str]:
    """Return what `linxi check examples/NAME --on DAY` prints, one text a site (120 columns)."""
    rules = rulebook.load(rules_dir())
    outline = shapely.union_all(shapely.get_parts(shapely.from_geojson(demo_outline().read_text("utf-8"))))
    held = catalog.read(demo_catalog())
    library = Library(held, outline, access_list=roof.access_list_of(held.clauses, rules))
    known = project.Project()
    if name.startswith("tailings"):
        known = project.read(ROOT / "examples" / "project.toml", rules.attributes)
    reading = intake.read(ROOT / "examples" / name, intake.Options(county=library.county_lonlat(DAY)))
    pages = []
    for assessment in assess(reading.sites, library, rules, DAY, known):
        console = Console(file=io.StringIO(), width=WIDTH, color_system=None, force_terminal=False)
        with console.capture() as capture:
            console.print(text.render(assessment))
        pages.append("\n".join(line.rstrip() for line in capture.get().splitlines()).rstrip())
    return pages


def command(name: str) -> str:
    """Return the command line of an example."""
    more = " --project examples/project.toml" if name.startswith("tailings") else ""
    return f"linxi check examples/{name}{more} --on {DAY}"


def examples_page() -> str:
    """Return docs/examples.md."""
    parts = [
        "# 示例的真实输出\n",
        "由 `python docs/make_examples.py` 写成，`tests/test_docs.py` 核对。图层是示意数据，结论无效力。\n",
    ]
    for name in EXAMPLES:
        parts.append(f"## {name}\n\n```\n$ {command(name)}\n" + "\n\n".join(printed(name)) + "\n```\n")
    return "\n".join(parts)


def readme(old: str) -> str:
    """Return README.md with its example replaced."""
    name = EXAMPLES[0]
    block = (
        f"```\n$ {command(name)}\n{printed(name)[0]}\n```\n\n"
        "（第二个地块和其余示例的输出见 [docs/examples.md](docs/examples.md)。）\n"
    )
    return _MARKS.sub(lambda match: match[1] + block + match[2], old)


def main() -> None:
    """Write both pages."""
    (ROOT / "docs" / "examples.md").write_text(examples_page(), encoding="utf-8", newline="\n")
    page = ROOT / "README.md"
    page.write_text(readme(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
