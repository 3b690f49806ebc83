"""What all tests share: the data beside the checkout, a browser, and no silent skips in CI."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Makers of files and targets of the fuzzer: imported by tests, no tests themselves.
collect_ignore = ["variants", "fuzz"]

ROOT = Path(__file__).resolve().parents[1]
CI = os.environ.get("CI", "").lower() in ("1", "true")
REQUIRE_ALL = os.environ.get("LINXI_REQUIRE_ALL") == "1"

# Other people's machines are slow at times: too slow is told by a benchmark, not by a property.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if CI else "desk")

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_BROWSER_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "{PROGRAMFILES}/Google/Chrome/Application/chrome.exe",
    "{PROGRAMFILES(X86)}/Microsoft/Edge/Application/msedge.exe",
)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Prepared layers of tests, and of the processes they start, go to a folder of this run."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINXI_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real-world sample data, which lies beside the checkout and is not part of it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the sample data (../shared/data) is not beside this checkout")
    return folder


def find_browser() -> Path | None:
    """Return a Chromium of this machine: LINXI_BROWSER, else one on PATH, else in the usual places."""
    named = os.environ.get("LINXI_BROWSER")
    found = [named] if named else [shutil.which(name) for name in _BROWSERS]
    upper = {key.upper(): value for key, value in os.environ.items()}
    for place in _BROWSER_PLACES:
        variable, mark, rest = place.removeprefix("{").partition("}")
        if not mark:
            found.append(place)
        elif variable in upper:
            found.append(upper[variable] + rest)
    return next((Path(path) for path in found if path and Path(path).is_file()), None)


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """A Chromium to hand to Playwright: ``chromium.launch(executable_path=..., args=["--no-sandbox"])``."""
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium, Chrome or Edge on this machine (set LINXI_BROWSER to name one)")
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are about another system."""
    away = [
        item
        for item in items
        if (mark := item.get_closest_marker("only_on")) and not sys.platform.startswith(mark.args[0])
    ]
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if item not in away]


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that keeps its reason; an expected failure stays as it is."""
    if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here (LINXI_REQUIRE_ALL=1), but: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one."""
    report = yield
    if REQUIRE_ALL:
        refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a module that skips itself is a failed one."""
    report = yield
    if REQUIRE_ALL:
        refuse_skip(report)
    return report
