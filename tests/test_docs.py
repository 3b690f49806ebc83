"""The pages show what the commands print, and name only what exists."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from linxi_gis.cli import linxi

ROOT = Path(__file__).resolve().parents[1]


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


@pytest.mark.parametrize("page", ["README.md", "README.en.md", "CHANGELOG.md", "examples/README.md"])
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


def test_every_option_of_check_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for option in ("--project", "--set", "--catalog", "--on", "--crs", "--out", "--format", "--fail-on", "--width"):
        assert option in text
