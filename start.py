#!/usr/bin/env python3
"""Set up and run linxi_gis from a bare checkout: `python start.py`, or `python start.py test`.

Standard library only, and written so that Python 3.8 can still read it and say that it is too old.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "linxi-stamp.txt"
LOCKS = {"run": "requirements.lock", "test": "requirements-test.lock"}
KERNEL = ("linxi_gis/engine/kernels.py", "linxi_gis/engine/gaps.py")
STAMPED = (*LOCKS.values(), "pyproject.toml", "hatch_build.py", "package.json", "package-lock.json", *KERNEL)
ASSETS = ("maps/linxi_maps/static/assets.json", "api/linxi_api/static/assets.json")

EXAMPLE_SITES = ("examples/tailings_zone39.txt",)
EXAMPLE_PROJECT = "examples/project.toml"
DEMO_OUT = "out/demo"

CHECKS = (
    ("ruff", ("-m", "ruff", "check", ".")),
    ("mypy", ("-m", "mypy")),
    ("import-linter", ("-c", "from importlinter.cli import lint_imports_command as run; run()")),
    ("pytest", ("-m", "pytest")),
)

HELP = """用法：
  python start.py                  准备环境，并用自带示例做一次研判
  python start.py test             准备环境，并运行全部检查（ruff、mypy、import-linter、pytest）
  python start.py help             显示本说明

选项：
  --offline 文件夹                 不联网：只用该文件夹里的安装包

环境装在本目录的 .venv 里；重复运行只补缺少的部分。已装有 uv 时用 uv，否则用 pip。
慢或连不上时，把环境变量 PIP_INDEX_URL 设为可用的 PyPI 镜像，npm_config_registry 设为可用的 npm 镜像。

不能联网的电脑：先在一台系统和 Python 版本相同的联网电脑上运行
  python start.py
  python -m pip download --require-hashes --only-binary :all: -r requirements-test.lock -d wheels
再把整个目录（不含 .venv）拷过去，运行
  python start.py --offline wheels"""

TOO_OLD = "需要 Python 3.11 或更新的版本，现在用的是 {0}（{1}）；请安装新版后再运行 python start.py。"
NO_VENV = "这个 Python 没有 venv 模块；Debian/Ubuntu 请先 apt install python3-venv，其他系统请重装 Python。"

# Words that pip, uv and npm use, and what to do about them; the first row that matches is said.
REMEDIES = (
    (
        ("no space left", "errno 28", "winerror 112", "not enough space"),
        "磁盘空间不够；请腾出约 2 GB 后重新运行。",
    ),
    (
        ("permission denied", "winerror 5]", "winerror 32]", "access is denied", "errno 13"),
        "文件写不进去；请关闭正在使用 .venv 的程序，确认对本目录有写权限，再重新运行。",
    ),
    (
        ("do not match the hashes", "hash mismatch", "mismatched hash"),
        "下载到的安装包与清单里的校验值不符；请换一个镜像（环境变量 PIP_INDEX_URL）后重新运行。",
    ),
    (
        ("npm error", "npm_config_registry", "npm ci"),
        "前端资源没有取到；请确认能访问 npm 仓库，或把环境变量 npm_config_registry 设为可用镜像后重新运行。",
    ),
    (
        (
            "connection",
            "timed out",
            "name resolution",
            "getaddrinfo",
            "dns error",
            "sending request",
            "proxyerror",
            "sslerror",
            "certificate",
            "failed to fetch",
        ),
        "连不上安装包仓库；请检查网络，或把环境变量 PIP_INDEX_URL 设为可用的 PyPI 镜像后重新运行；"
        "不能联网时见 python start.py help 的 --offline。",
    ),
    (
        ("no matching distribution", "no solution found", "no usable wheels", "not supported wheel"),
        "取不到合适的安装包；请检查网络或镜像（环境变量 PIP_INDEX_URL），并确认是 64 位的 Python 3.11–3.14"
        "（macOS 需 15 以上）；用 --offline 时请确认文件夹里的安装包齐全。",
    ),
)


class Trouble(Exception):
    """One sentence for the person: what happened and what to do."""


class Order(NamedTuple):
    """What was asked for on the command line."""

    command: str
    wheels: Path | None


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def parse(words: Sequence[str]) -> Order:
    """Read the command line; raises Trouble on a word that is not known."""
    command, wheels = "run", None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("help", "-h", "--help"):
            return Order("help", None)
        if word == "test":
            command = "test"
        elif word == "--offline" and rest:
            wheels = Path(rest.pop(0)).resolve()
            if not any(wheels.glob("*.whl")):
                raise Trouble(f"{wheels} 里没有安装包（*.whl）；准备办法见 python start.py help。")
        else:
            raise Trouble(f"不认识 {word}；请看 python start.py help。")
    return Order(command, wheels)


def check_python() -> None:
    """Raise Trouble when this Python cannot run the project."""
    if sys.version_info < (3, 11):
        raise Trouble(TOO_OLD.format(sys.version.split()[0], sys.executable))
    if sys.maxsize < 2**32:
        raise Trouble("这是 32 位的 Python，地理计算库没有 32 位安装包；请安装 64 位的 Python 后再运行。")


def venv_python() -> Path:
    """Return the path of the environment's Python."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def child_env() -> dict[str, str]:
    """Return the environment for the programs we start: ours, with .venv active and nothing leaking in."""
    dropped = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
    env = {key: value for key, value in os.environ.items() if key not in dropped}
    env["VIRTUAL_ENV"] = str(VENV)
    env["PATH"] = str(venv_python().parent) + os.pathsep + env.get("PATH", "")
    env["PYTHONIOENCODING"] = "utf-8"
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    env["PIP_USER"] = "0"
    if "PIP_INDEX_URL" in env:  # uv does not read pip's word for the mirror
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])
    return env


def digest() -> str:
    """Return the SHA-256 of all that decides what .venv holds."""
    known = hashlib.sha256(f"{ROOT}|{sys.version_info[:2]}|{sys.platform}".encode())
    for name in STAMPED:
        path = ROOT / name
        known.update(path.read_bytes() if path.is_file() else b"")
    return known.hexdigest()


def is_ready(command: str) -> bool:
    """Whether .venv already holds what the command needs; the test environment serves both."""
    if not venv_python().exists() or not all((ROOT / name).is_file() for name in ASSETS):
        return False
    try:
        stamped, _, kind = STAMP.read_text(encoding="utf-8").partition(" ")
    except (OSError, UnicodeDecodeError):
        return False
    return stamped == digest() and kind in (command, "test")


def advice(output: str) -> str:
    """Return the sentence that fits what a failed installer printed.

    >>> advice("OSError: [Errno 28] No space left on device")
    '磁盘空间不够；请腾出约 2 GB 后重新运行。'
    """
    text = output.lower()
    for words, remedy in REMEDIES:
        if any(word in text for word in words):
            return remedy
    return "安装没有成功，原因见上面几行；处理后重新运行即可，已装好的部分不会重装。"


def stream(command: Sequence[str], done: Callable[[str], str]) -> None:
    """Run an installer, showing one moving line on a terminal; raises Trouble with its last lines.

    `done` makes the moving line from each line the installer prints ("" to leave it).
    """
    lines: list[str] = []
    with subprocess.Popen(
        list(command),
        cwd=str(ROOT),
        env=child_env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            shown = done(lines[-1])
            if shown and sys.stdout.isatty():
                print(f"\r      {shown[:60]:<60}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r" + " " * 70 + "\r", end="", flush=True)
    if process.returncode:
        for line in lines[-15:]:
            say("      | " + line)
        raise Trouble(advice("\n".join(lines[-200:])))


def counter(lock: Path) -> Callable[[str], str]:
    """Return what turns an installer's lines into "12/48 numpy"."""
    total = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
    seen = set()

    def done(line: str) -> str:
        words = line.split()
        if len(words) > 1 and words[0] == "Collecting":
            seen.add(words[1])
            return f"{len(seen)}/{total} {words[1].partition('==')[0]}"
        return line.strip()

    return done


def make_venv() -> None:
    """Make .venv, or make it anew when another Python made it; raises Trouble."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return  # started from inside it
    ask = ("-c", "import sys; print(*sys.version_info[:2])")
    wanted = f"{sys.version_info[0]} {sys.version_info[1]}"
    try:
        answer = subprocess.run([str(venv_python()), *ask], capture_output=True, text=True, check=False)
        if answer.stdout.strip() == wanted:
            return
    except OSError:
        pass  # there is none yet, or its Python is gone
    uv = shutil.which("uv")
    if uv:
        stream([uv, "venv", "--clear", "--python", sys.executable, str(VENV)], str)
    elif importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Trouble(NO_VENV)
    else:
        stream([sys.executable, "-m", "venv", "--clear", str(VENV)], str)


def installer() -> list[str]:
    """Return the head of an install command: uv where it is, else the environment's own pip."""
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", str(venv_python())]
    python = str(venv_python())
    probe = [python, "-c", "import pip"]
    if subprocess.run(probe, capture_output=True, env=child_env(), check=False).returncode:
        if importlib.util.find_spec("ensurepip") is None:
            raise Trouble(NO_VENV)
        stream([python, "-m", "ensurepip", "--upgrade"], str)  # made by uv, which is gone
    return [python, "-m", "pip", "install", "--no-input", "--progress-bar", "off"]


def install_lock(order: Order) -> None:
    """Install the locked dependencies, each checked by its hash."""
    lock = ROOT / LOCKS[order.command]
    words = ["--require-hashes", "--only-binary", ":all:", *offline(order), "-r", str(lock)]
    stream([*installer(), *words], counter(lock))


def install_self(order: Order) -> None:
    """Install the checkout itself, editable; hatch_build.py brings in the front-end assets."""
    missing = [name for name in ASSETS if not (ROOT / name).is_file()]
    if order.wheels and missing:
        raise Trouble(
            f"不联网安装还缺前端资源 {missing[0]}；请在联网的电脑上运行 python start.py 后，把整个目录拷来。"
        )
    stream([*installer(), "--no-deps", *offline(order), "-e", "."], str)


def compile_kernel() -> None:
    """Compile what batches are measured with, so that nobody waits for it later; it is kept beside its source."""
    code = "import sys; from linxi_gis import engine; sys.exit(0 if engine.warm() else 3)"
    done = subprocess.run([str(venv_python()), "-c", code], cwd=str(ROOT), env=child_env(), check=False)
    if done.returncode == 3:
        say("      这里不用编译内核（没有 numba，或设了 LINXI_ENGINE=plain）：成批筛查用 shapely，较慢，答案相同。")
    elif done.returncode:
        say("      没有编译成，原因见上；单个地块的研判不受影响，成批筛查前请设环境变量 LINXI_ENGINE=plain（较慢，答案相同）。")


def offline(order: Order) -> list[str]:
    """Return the words that keep an installer off the network."""
    return ["--no-index", "--find-links", str(order.wheels)] if order.wheels else []


def set_up(order: Order) -> None:
    """Bring .venv to what the command needs, telling each step and its time."""
    if is_ready(order.command):
        say("[1–4/5] 环境已就绪（.venv）")
        return
    STAMP.unlink(missing_ok=True)
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("建立环境 .venv", make_venv),
        (f"安装依赖（{LOCKS[order.command]}，首次需几分钟）", lambda: install_lock(order)),
        ("安装 linxi_gis 与前端资源", lambda: install_self(order)),
        ("编译叠加内核（约一分钟，只此一次）", compile_kernel),
    )
    for number, (title, step) in enumerate(steps, start=1):
        say(f"[{number}/5] {title} …")
        begun = time.monotonic()
        step()
        say(f"      完成，用时 {time.monotonic() - begun:.0f} 秒")
    STAMP.write_text(f"{digest()} {order.command}", encoding="utf-8")


def run_demo() -> int:
    """Assess the bundled example, and say where the map and the extract are."""
    words = ["check", *EXAMPLE_SITES, "--project", EXAMPLE_PROJECT]
    words += ["--out", DEMO_OUT, "--format", "json,html"]
    say("[5/5] 示例研判：linxi " + " ".join(words))
    begun = time.time()
    code = "import sys; from linxi_gis.cli import main; sys.argv[0] = 'linxi'; sys.exit(main())"
    status = subprocess.run(
        [str(venv_python()), "-c", code, *words], cwd=str(ROOT), env=child_env(), check=False
    ).returncode
    if status:
        raise Trouble(f"示例没有跑通（退出码 {status}），原因见上；请运行 python start.py test 查看是哪一处")
    # 2 s: the coarsest clock of a file system we may stand on (FAT).
    fresh = [p for p in sorted((ROOT / DEMO_OUT).glob("*")) if p.stat().st_mtime >= begun - 2]
    for suffix, title in ((".html", "地图"), (".json", "研判结果")):
        for path in fresh:
            if path.suffix == suffix:
                say(f"{title}：{path.relative_to(ROOT)}")
    say("用浏览器打开地图即可，不需要联网。以上均为示意数据，结论无效力。")
    return 0


def run_checks() -> int:
    """Run every check, also after one has failed; the last line says how they went."""
    begun = time.monotonic()
    failed = []
    for name, words in CHECKS:
        say(f"[5/5] {name}")
        command = [str(venv_python()), *words]
        if subprocess.run(command, cwd=str(ROOT), env=child_env(), check=False).returncode:
            failed.append(name)
    took = f"用时 {time.monotonic() - begun:.0f} 秒"
    if failed:
        say(f"检查未通过：{'、'.join(failed)}（共 {len(CHECKS)} 项，{took}）")
        return 1
    say(f"检查全部通过：{'、'.join(name for name, _ in CHECKS)}（{took}）")
    return 0


def main(words: Sequence[str]) -> int:
    """Do what the words ask; returns the exit code."""
    for flow in (sys.stdout, sys.stderr):
        if hasattr(flow, "reconfigure"):
            flow.reconfigure(encoding="utf-8", errors="replace")
    try:
        check_python()
        order = parse(words)
        if order.command == "help":
            say(HELP)
            return 0
        set_up(order)
        return run_checks() if order.command == "test" else run_demo()
    except Trouble as trouble:
        print(f"没有完成：{trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\n已中断；重新运行会接着做。", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
