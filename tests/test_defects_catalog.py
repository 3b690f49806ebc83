"""`demo-defects` is a catalogue for every command that reads one, and for none that writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import linxi_layers
from linxi_gis.cli import linxi, roof
from linxi_gis.errors import UsageError
from linxi_layers.demo_defects.build import MISREAD

DEFECTS = ("--catalog", "demo-defects")


def said(*words: str) -> Result:
    return CliRunner().invoke(linxi, words)


def test_the_name_stands_for_the_bundled_catalogue_in_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert roof.catalog_path("demo-defects") == linxi_layers.defects_catalog()
    monkeypatch.setenv("LINXI_CATALOG", "demo-defects")
    assert roof.catalog_path(None) == linxi_layers.defects_catalog()


def test_layers_are_listed_and_those_of_no_or_a_wrong_system_are_not_checked() -> None:
    done = said("layers", "list", *DEFECTS, "--format", "json", "--on", "2026-09-01")
    assert done.exit_code == 0, done.output
    assert {row["id"] for row in json.loads(done.stdout) if row["status"] == "not_checked"} == {"park", *MISREAD}


def test_versions_are_compared() -> None:
    done = said("layers", "diff", "river@示意-0", "river@示意-1", *DEFECTS, "--format", "json")
    assert done.exit_code == 0, done.output
    assert "HD-01-1" in done.stdout


@pytest.mark.parametrize("catalog", ["demo-defects", str(linxi_layers.demo_catalog())])
def test_nothing_is_brought_into_a_bundled_catalogue(catalog: str, tmp_path: Path) -> None:
    table = tmp_path / "清单.csv"
    table.write_text("", encoding="utf-8")
    done = said("layers", "import", "--clauses", str(table), "--catalog", catalog)
    assert isinstance(done.exception, UsageError)
    assert "自带的示意目录不能改" in done.exception.what
