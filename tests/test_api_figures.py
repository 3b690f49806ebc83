"""GET /v1/indicators over a real server: the same figures as the command line, on the same day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from test_api import serving

import linxi_layers
from linxi_gis import catalog
from linxi_gis.cli import linxi
from linxi_gis.library import Library

DAY = "2026-11-23"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving(Library(catalog.read(linxi_layers.demo_catalog()))) as connected:
        yield connected


def test_the_figures_are_those_of_the_command_line(client: httpx.Client, tmp_path: Path) -> None:
    told = client.get("/v1/indicators", params={"on": DAY, "by": "town", "without": "BH-02"})
    assert told.status_code == 200
    words = ["indicators", "--on", DAY, "--by", "town", "--without", "BH-02", "--format", "json", "--out", str(tmp_path)]
    done = CliRunner().invoke(linxi, [*words, "--catalog", str(linxi_layers.demo_catalog())])
    assert done.exit_code == 0, done.output
    assert told.json() == json.loads((tmp_path / "indicators.json").read_text(encoding="utf-8"))


def test_the_document_holds_all_twenty_with_every_denominator_and_closes(client: httpx.Client) -> None:
    told = client.get("/v1/indicators", params={"on": DAY}).json()
    assert (told["day"], told["demonstration"], len(told["indicators"])) == (DAY, True, 20)
    (line,) = [one for one in told["indicators"] if one["figure"]["id"] == "redline_share"]
    assert [one["denominator"]["id"] for one in line["ratios"]] == ["statutory", "outline_computed"]
    assert line["ratios"][0]["percent"] == pytest.approx(line["net_km2"] / 3933.0 * 100.0, rel=1e-12)
    assert told["checks"] and all(one["closes"] for one in told["checks"])
    assert told["what_if"] == []


@pytest.mark.parametrize(("query", "told"), [
    ({"without": "没有这个"}, "没有这个"), ({"figure": "redline_share"}, "without"), ({"by": "village"}, "by"),
    ({"on": "昨天"}, "on"),
])  # fmt: skip
def test_a_wrong_question_is_refused(client: httpx.Client, query: dict[str, str], told: str) -> None:
    answer = client.get("/v1/indicators", params=query)
    assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"
    assert told in answer.text
