"""Write benchmarks/RESULTS.md: every row measured, what could not be measured and why, and who lost."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.answers import Agreement


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one engine. `value` is what the title of the figure says; None is "not measured"."""

    figure: str
    engine: str
    value: float | None = None
    second: float | None = None
    runs: int = 0
    vertices: int = 0
    note: str = ""
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the table of the issue: how a figure is had from the rows, and what it must be.

    `bar` and `reach` are lower limits where `more` is true, else upper ones.
    """

    title: str
    bar: float
    reach: float
    unit: str
    more: bool
    take: Callable[[Rows], float | None]

    def verdict(self, value: float) -> str:
        """Return whether a figure is over the bar, or within reach."""
        sign = 1 if self.more else -1
        met = [sign * value >= sign * limit for limit in (self.reach, self.bar)]
        return "达到目标" if met[0] else "过线" if met[1] else "**未过**"


class Rows:
    """The rows, looked up by figure and the beginning of an engine's name."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.all = tuple(rows)

    def value(self, figure: str, engine: str, second: bool = False) -> float | None:
        """Return a figure, None when it was not measured."""
        for row in self.all:
            if row.figure == figure and row.engine.startswith(engine):
                return row.second if second else row.value
        return None

    def ratio(self, figure: str, over: str, under: str) -> float | None:
        """Return one engine's figure over another's."""
        a, b = self.value(figure, over), self.value(figure, under)
        return None if a is None or b is None else a / b


OURS, POSTGIS = "linxi_gis 编译内核，2", "PostGIS + ST_Subdivide，2"


def _growth(rows: Rows) -> float | None:
    small = rows.value("growth-S", "linxi_gis 编译内核，1")
    large = rows.value("growth-L", "linxi_gis 编译内核，1")
    return None if small is None or large is None else small / large


def _worst(rows: Rows, take: Callable[[Agreement], float]) -> float | None:
    found = [take(r.agreement) for r in rows.all if r.agreement is not None and "linxi_gis" in r.engine]
    return max(found, default=None)


BARS = (
    Bar("1 万地块批量，对 PostGIS（2 个后端）", 10, 17, "倍", True, lambda r: r.ratio("batch", OURS, POSTGIS)),
    Bar("1 万地块批量，对 geopandas 原图层", 700, 1100, "倍", True, lambda r: r.ratio("batch", OURS, "geopandas 原")),
    Bar("1 万地块批量，对 geopandas 分块图层", 25, 40, "倍", True, lambda r: r.ratio("batch", OURS, "geopandas 分块")),
    Bar("不编译的路径，对 PostGIS（2 个后端）", 1, 1, "倍", True, lambda r: r.ratio("batch", "linxi_gis 不编译", POSTGIS)),
    Bar("一次检查（热；命中、面积、最近距离，各引擎同样的活），中位数", 0.2, 0.07, "ms", False,
        lambda r: r.value("single", "linxi_gis 编译内核，1")),
    Bar("同上，p95", 0.4, 0.12, "ms", False, lambda r: r.value("single", "linxi_gis 编译内核，1", True)),
    Bar("linxi check 一个进程", 0.5, 0.3, "s", False, lambda r: r.value("process", "linxi check")),
    Bar("同上，对最小 geopandas 脚本（整层读入）", 0.5, 0.3, "倍", False,
        lambda r: r.ratio("process", "linxi check", "最小 geopandas 脚本，整层")),
    Bar("同上，对最小 geopandas 脚本（只读 2 km 以内）", 0.5, 0.3, "倍", False,
        lambda r: r.ratio("process", "linxi check", "最小 geopandas 脚本，只读")),
    Bar("图斑顶点从 S 到 L，批量速度降到几分之一", 2, 1.4, "倍", False, _growth),
    Bar("走廊 30 km × 20 m，PostGIS 的耗时是几倍", 15, 30, "倍", True,
        lambda r: r.ratio("corridor", POSTGIS, "linxi_gis 编译内核，1")),
    Bar("打开已备好的图层的索引（内存映射）", 20, 5, "ms", False, lambda r: r.value("open", "linxi_gis 编译内核")),
    Bar("备好红线图层，ST_Subdivide + GiST 的耗时是几倍", 4, 7, "倍", True,
        lambda r: r.ratio("prepare", "PostGIS", "linxi_gis 编译内核")),
    Bar("百万地块从文件到文件", 40, 22, "s", False, lambda r: r.value("stream", "linxi screen，1,000,000")),
    Bar("同上，单个进程的内存峰值", 1000, 1000, "MB", False, lambda r: r.value("stream", "linxi screen，1,000,000", True)),
    Bar("命中与 GEOS、PostGIS 不同的对数", 0, 0, "对", False, lambda r: _worst(r, lambda a: a.differing)),
    Bar("面积之差占地块", 1e-12, 1e-12, "", False, lambda r: _worst(r, lambda a: a.area_of_site)),
    Bar("距离之差", 1e-9, 1e-9, "m", False, lambda r: _worst(r, lambda a: a.distance_m)),
)  # fmt: skip

SECTIONS = (
    ("batch", "批量：命中 + 面积 + 最近距离", "地块/s", "", True),
    ("single", "一次检查（热，只量算）", "中位数 ms", "p95 ms", False),
    ("corridor", "走廊 30 km × 20 m（热）", "中位数 ms", "p95 ms", False),
    ("growth-S", "图斑增多：S", "地块/s", "", True),
    ("growth-M", "图斑增多：M", "地块/s", "", True),
    ("growth-L", "图斑增多：L", "地块/s", "", True),
    ("prepare", "备好红线图层（有效图形，从内存到索引）", "s", "", False),
    ("open", "打开红线图层", "ms", "", False),
    ("process", "整个进程，从启动到退出", "中位数 s", "p95 s", False),
    ("stream", "从文件到文件", "s", "进程内存峰值 MB", False),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What a reader must know to repeat a run."""

    command: str
    when: str
    size: str
    vertices: dict[str, int]
    sites: int
    rounds: int
    load: tuple[float, float]
    versions: dict[str, str]


def cpu() -> str:
    """Return the model of the processor, without the name of the machine."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory_gib() -> str:
    """Return how much memory there is, "?" where the system does not tell."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "?"
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f}"


def _number(value: float | None) -> str:
    if value is None:
        return "未测"
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _bars(rows: Rows) -> list[str]:
    lines = ["| 项目 | 门槛 | 目标 | 实测 | 判定 |", "|---|---|---|---|---|"]
    for bar in BARS:
        value = bar.take(rows)
        sign = "≥" if bar.more else "≤"
        limits = f"{sign} {bar.bar:g} {bar.unit} | {bar.reach:g} {bar.unit}"
        got = "未测 | –" if value is None else f"{_number(value)} {bar.unit} | {bar.verdict(value)}"
        lines.append(f"| {bar.title} | {limits} | {got} |")
    return lines


def _section(rows: Rows, figure: str, title: str, unit: str, second: str, more: bool) -> list[str]:
    mine = [row for row in rows.all if row.figure == figure]
    if not mine:
        return [f"\n### {title}\n", "本次没有运行。"]
    ours = next((row.value for row in mine if row.value and row.engine.startswith(("linxi_gis 编译内核", "linxi check"))), None)
    extra = f" {second} |" if second else ""
    head = f"| 引擎 | {unit} |{extra} 对我们 | 次数 | 说明 |"
    lines = [f"\n### {title}\n", head, f"|---|---|{'---|' if second else ''}---|---|---|"]
    for row in sorted(mine, key=lambda r: (r.value is None, (-1 if more else 1) * (r.value or 0.0))):
        share = "–" if ours is None or not row.value else f"{(row.value / ours if more else ours / row.value):.3g} 倍速"
        beside = f" {_number(row.second)} |" if second else ""
        count = str(row.runs) if row.runs else "–"
        note = f"未测：{row.note}" if row.value is None else row.note
        note = "；".join(word for word in (f"{row.vertices:,} 顶点" if row.vertices else "", note) if word).replace("|", "/")
        lines.append(f"| {row.engine} | {_number(row.value)} |{beside} {share} | {count} | {note} |")
    return lines


def _agreements(rows: Rows) -> list[str]:
    found = [row for row in rows.all if row.agreement is not None]
    if not found:
        return ["\n### 答案是否一致\n", "本次没有运行。"]
    head = "| 两方 | 地块 | 命中对数 | 不同的对 | 面积之差最大，占地块 | 距离数 | 距离之差最大 m |"
    lines = ["\n### 答案是否一致\n", head, "|---|---|---|---|---|---|---|"]
    for row in found:
        a = row.agreement
        assert a is not None
        far = _number(a.distance_m) if a.distances else "–"
        lines.append(
            f"| {row.engine} | {a.sites:,} | {a.pairs:,} | {a.differing:,} "
            f"| {_number(a.area_of_site)} | {a.distances:,} | {far} |"
        )
    return lines


def _losses(rows: Rows) -> list[str]:
    lost = [bar.title for bar in BARS if (value := bar.take(rows)) is not None and "未过" in bar.verdict(value)]
    unknown = [bar.title for bar in BARS if bar.take(rows) is None]
    lines = [f"\n没有过线的：{'；'.join(lost) if lost else '无'}。"]
    return [*lines, f"本次没有测到的：{'；'.join(unknown)}。"] if unknown else lines


def page(rows: Sequence[Row], run: Run) -> str:
    """Return the page."""
    found = Rows(rows)
    vertices = "、".join(f"{layer} {count:,}" for layer, count in run.vertices.items())
    lines = [
        "# 引擎的基准测试",
        "",
        "*English: written by `python benchmarks/engine`, never by hand. One machine, one run, one seeded county; whole job",
        "= hits + areas + nearest distance of 6 layers. 未测 = not measured; 未过 = below the bar; 对我们 = speed relative to",
        "ours. Loading sites into PostGIS and fetching its answers are not timed; 抽…折算 = scaled from a sample.*",
        "",
        f"- 命令：`{run.command}`，{run.when}",
        f"- 机器：{cpu()}，{os.cpu_count()} 核，{memory_gib()} GiB，{platform.system()} {platform.machine()}，"
        f"Python {platform.python_version()}",
        f"- 运行前后的平均负载 {run.load[0]:.1f}、{run.load[1]:.1f}（之前大于 0.5 时别的程序也在用机器，只看比值）",
        f"- 规模 {run.size}：{vertices}，共 {sum(run.vertices.values()):,} 顶点",
        f"- 地块 {run.sites:,} 个（0.5–50 ha，33 顶点）；每项取 {run.rounds} 次的中位数（慢的引擎次数较少，见表）",
        *(f"- {name}：{version}" for name, version in run.versions.items()),
        "",
        "## 门槛",
        "",
        *_bars(found),
        *_losses(found),
        "",
        "## 全部数字",
    ]
    for section in SECTIONS:
        lines += _section(found, *section)
    lines += _agreements(found)
    return "\n".join(lines) + "\n"
