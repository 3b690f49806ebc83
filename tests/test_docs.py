"""The pages show what the commands print, and name only what exists."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from linxi_gis import intake
from linxi_gis.cli import linxi
from linxi_gis.intake import formats
from linxi_gis.intake.reading import Limits

ROOT = Path(__file__).resolve().parents[1]
# Where Issues of what was read are made; layers and rules have others, which are not the intake's.
MAKERS = ("linxi_gis/intake/**/*.py", "linxi_gis/footprint.py", "linxi_gis/geometry.py",
          "linxi_gis/report/issuefile.py")  # fmt: skip
PAGES = ["README.md", "README.en.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md", "docs/intake.md"]
SEVERITIES = {"error": "错误", "warning": "警告", "info": "提示"}


@pytest.fixture(scope="module")
def maker() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "make_examples.py")))


def test_the_examples_page_is_what_the_examples_print(maker: SimpleNamespace) -> None:
    assert (ROOT / "docs" / "examples.md").read_text(encoding="utf-8") == maker.examples_page()


def test_the_readme_shows_a_real_output(maker: SimpleNamespace) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert page == maker.readme(page)
    assert "禁止" in page.partition("<!-- example -->")[2].partition("<!-- /example -->")[0]


def commands(group: click.Group, prefix: str = "linxi") -> set[str]:
    """Every command a user can type."""
    names = set()
    for name, command in group.commands.items():
        names.add(f"{prefix} {name}")
        if isinstance(command, click.Group):
            names |= commands(command, f"{prefix} {name}")
    return names


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_only_commands_that_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    known = commands(linxi)
    groups = {name for name in known if any(other.startswith(f"{name} ") for other in known)}
    for match in re.finditer(r"\blinxi ((?:[a-z]+)(?: [a-z]+)?)", text):
        words = match[1].split()
        first = f"linxi {words[0]}"
        assert first in known, f"{page}: {match[0]}"
        if first in groups and len(words) > 1:
            assert f"{first} {words[1]}" in known, f"{page}: {match[0]}"


def options(name: str) -> set[str]:
    """Every --option of a command, --help aside."""
    found = {word for parameter in linxi.commands[name].params for word in parameter.opts if word.startswith("--")}
    return found - {"--help"}


@pytest.mark.parametrize("command", ["check", "read", "screen"])
def test_every_option_is_in_the_readme(command: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    wanted = options(command)
    assert {"--crs", "--transform", "--limit"} <= wanted  # the list itself is not empty
    assert not {option for option in wanted if not re.search(rf"{option}(?![\w-])", text)}


def test_both_readmes_name_the_same_commands() -> None:
    """In their own words, but what one tells a reader to type the other tells too."""
    chinese, english = (
        {name for name in commands(linxi) if re.search(rf"{name}(?![\w-])", _spelt(page))}
        for page in ("README.md", "README.en.md")
    )
    assert chinese == english
    assert {"linxi check", "linxi read"} <= chinese


def _spelt(page: str) -> str:
    """A page with `linxi rules list|show` and `linxi rules list / show` written out."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(
        r"linxi (\w+) (\w+(?:(?: / |\|)\w+)+)",
        lambda found: " ".join(f"linxi {found[1]} {word}" for word in re.split(r" / |\|", found[2])),
        text,
    )


# --- docs/intake.md ---------------------------------------------------------------------------------------


def table(heading: str) -> list[list[str]]:
    """The rows of the table of docs/intake.md whose first heading is this, cells stripped."""
    text = (ROOT / "docs" / "intake.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| {heading} \|[^\n]*\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", text, re.M)
    assert found, f"docs/intake.md has no table that begins with {heading}"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]


def test_every_suffix_stands_in_the_table_of_formats() -> None:
    named = {suffix for row in table("格式") for suffix in re.findall(r"`(\.\w+)`", row[1])}
    assert set(formats.SUFFIXES) <= named
    assert named - set(formats.SUFFIXES) == {".gdb"}  # a folder: it has no reader of bytes
    assert all(len(row) == 5 and all(row) for row in table("格式"))


def literals(node: ast.expr | None, known: Mapping[str, list[str]]) -> list[str] | None:
    """The texts an expression can be; None when it is more than literals, names of them and calls that return them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        sides = literals(node.body, known), literals(node.orelse, known)
        return None if None in sides else [text for side in sides for text in side or []]
    named = node.func if isinstance(node, ast.Call) else node
    return known.get(named.id) if isinstance(named, ast.Name) else None


def named_literals(tree: ast.Module) -> dict[str, list[str]]:
    """The names and the functions of a file that stand for texts, with all the texts they can be."""
    given: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for name in node.targets:
                if isinstance(name, ast.Name):
                    given.setdefault(name.id, []).append(node.value)
        elif isinstance(node, ast.FunctionDef):
            ends = [end.value for end in ast.walk(node) if isinstance(end, ast.Return)]
            given.setdefault(node.name, []).extend(ends)
    found = {name: [literals(value, {}) for value in values] for name, values in given.items()}
    return {
        name: [text for texts in each for text in texts or []]
        for name, each in found.items() if each and None not in each
    }  # fmt: skip


def made(path: Path) -> Iterator[tuple[str, set[str]]]:
    """The code and the severities of every Issue a file makes, also of those it gives another code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = named_literals(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = {word.arg: word.value for word in node.keywords}
        if name != "Issue" and not (name == "replace" and "code" in words):
            continue
        given = [words.get("code") or (node.args[0] if node.args else None)]
        given.append(words.get("severity") or (node.args[1] if len(node.args) > 1 and name == "Issue" else None))
        code, severity = (literals(one, known) for one in given)
        assert code is not None, f"{path.name}, line {node.lineno}: the code of an Issue is no literal"
        for one in code:
            yield one, set(severity or ())


def codes() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pattern in MAKERS:
        paths = sorted(ROOT.glob(pattern))
        assert paths, pattern
        for path in paths:
            for code, severities in made(path):
                found.setdefault(code, set()).update(severities)
    return found


def test_the_table_of_codes_is_that_of_the_code() -> None:
    rows = table("代码")
    named = [row[0].strip("`") for row in rows]
    known = codes()
    assert len(known) > 100 and "datum_assumed" in known and "crs_ambiguous" in known
    assert len(named) == len(set(named))
    assert sorted(set(known) - set(named)) == []  # in the code, not on the page
    assert sorted(set(named) - set(known)) == []  # on the page, not in the code
    assert all(len(row) == 4 and all(row) for row in rows)


def test_the_table_of_codes_tells_the_severities() -> None:
    known = codes()
    wrong = {}
    for row in table("代码"):
        code, told = row[0].strip("`"), set(row[1].split("、"))
        assert told <= set(SEVERITIES.values()), row
        wanted = {SEVERITIES[severity] for severity in known.get(code, ())}
        if wanted and told != wanted:
            wrong[code] = (told, wanted)
    assert not wrong


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    told = {row[0].strip("`"): row[1] for row in table("项")}
    limits = Limits()
    assert set(told) == set(Limits.__dataclass_fields__)
    sizes = {"MB": 1024**2, "GB": 1024**3}
    for name, text in told.items():
        figure, _, unit = text.replace("\u00a0", " ").rpartition(" ") if text[-1] == "B" else (text, "", "")
        assert float(figure.replace(" ", "")) * sizes.get(unit, 1) == getattr(limits, name), name


def test_the_page_counts_the_corpus_right() -> None:
    from tests.variants.corpus import all_variants

    text = (ROOT / "docs" / "intake.md").read_text(encoding="utf-8")
    assert re.findall(r"(\d+) 个变体", text) == [str(len(all_variants()))]


# --- examples ---------------------------------------------------------------------------------------------


def test_every_example_is_in_its_table_and_is_a_demonstration() -> None:
    folder = ROOT / "examples"
    text = (folder / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in folder.iterdir() if path.is_file()} - {"README.md"}
    assert set(re.findall(r"^\| `([\w.]+)` \|", text, re.M)) == files
    assert text.startswith("# ") and "示意" in text.splitlines()[0]


def test_the_drawn_examples_read_as_their_table_says() -> None:
    folder = ROOT / "examples"
    read = {name: intake.read(folder / name) for name in ("farm.kml", "corners.xlsx", "stations.csv")}
    assert all(len(reading.sites) == 1 for reading in read.values())
    kml, sheet, route = (reading.sites[0] for reading in read.values())
    assert kml.others and not sheet.others  # only degrees may be GCJ-02
    assert sheet.reference.source == route.reference.source == "EPSG:4527"
    assert "corridor_from_stations" in {issue.code for issue in route.issues}
    with pytest.raises(intake.AmbiguousCrsError) as asked:
        intake.read(folder / "no_zone.dxf")
    assert "EPSG:4548" in {candidate.crs for candidate in asked.value.candidates}
    (drawn,) = intake.read(folder / "no_zone.dxf", intake.Options(crs="EPSG:4548")).sites
    # The shoelace formula over the corners of make_samples.py, a plane area of zone 39.
    corners = runpy.run_path(str(folder / "make_samples.py"))["YARD"]
    pairs = zip(corners, (*corners[1:], corners[0]), strict=True)
    area = abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2.0
    assert [site.planar_area_m2 for site in (drawn, sheet)] == pytest.approx([area, area], abs=0.5)


def test_the_drawn_examples_are_what_their_script_writes(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "examples" / "make_samples.py"))
    script["main"](tmp_path)
    for name in ("farm.kml", "stations.csv"):  # the others hold the time of writing
        assert (tmp_path / name).read_bytes() == (ROOT / "examples" / name).read_bytes()
    for name in ("corners.xlsx", "no_zone.dxf"):
        held = [intake.read(folder / name, intake.Options(crs=crs)) for folder in (tmp_path, ROOT / "examples")
                for crs in ["EPSG:4548" if name.endswith("dxf") else None]]  # fmt: skip
        assert held[0].sites[0].geometry.equals(held[1].sites[0].geometry)
