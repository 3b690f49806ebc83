"""What the roof hands down: which catalogue, which rules, which day. Only here the environment is read."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.errors import LinxiError, UsageError
from linxi_gis.units import plain

if TYPE_CHECKING:
    from linxi_gis.catalog import Catalog
    from linxi_gis.clauses import ClauseBook
    from linxi_gis.crs import Geometry
    from linxi_gis.library import Library
    from linxi_gis.project import Project
    from linxi_gis.rulebook import Rulebook

CATALOG_HELP = (
    "图层目录 catalog.toml；不写时依次找 LINXI_CATALOG、./catalog.toml、./layers/local/catalog.toml，最后用示意图层；"
    "写 demo-defects 用自带的缺陷示例"
)
RULES_HELP = "地方规则包的文件夹（自治区、市、县、司法），加在国家规则包之上，可多次"
ON_HELP = "研判日期 YYYY-MM-DD，默认今天；按当日有效的图层和条文"
_SOON_S = 3.0  # set-up compiles the engine; where it did not, whoever waits longer is told why
OUTLINE_COUNTY = "150424"  # the bundled outline is that of 林西县
DEFECTS = "demo-defects"


@dataclass(frozen=True, slots=True)
class Office:
    """An opened county: its layers and its rules."""

    library: Library
    rulebook: Rulebook


def catalog_path(given: str | None, *, tell: bool = True) -> Path:
    """Return the catalogue to use; the bundled demonstration county, and `tell` so, when nobody names another.

    `demo-defects` names the bundled county with planted defects.
    """
    named = given or os.environ.get("LINXI_CATALOG")
    if named == DEFECTS:
        from linxi_layers import defects_catalog

        return defects_catalog()
    if named:
        return Path(named)
    for candidate in (Path("catalog.toml"), Path("layers/local/catalog.toml")):
        if candidate.is_file():
            return candidate
    from linxi_layers import demo_catalog

    path = demo_catalog()
    if tell:
        click.echo("未指定图层目录，使用自带的示意图层（结论无效力）；正式图层请用 --catalog", err=True)
    return path


def is_bundled(path: Path) -> bool:
    """Whether a catalogue came with the program: nothing is written beside it."""
    from linxi_layers import defects_catalog, demo_catalog

    return path.resolve() in (demo_catalog().resolve(), defects_catalog().resolve())


def open_office(catalog: str | None, local: Sequence[str] = ()) -> Office:
    """Open the catalogue and the rule packs; raises CatalogError or RuleError."""
    from linxi_gis import catalog as catalogs
    from linxi_gis.library import Library
    from linxi_gis.prepared import Cache

    path = catalog_path(catalog)
    catalog_read = catalogs.read(path)
    told: set[str] = set()

    def tell(line: str) -> None:
        if line not in told:  # what holds for every layer is said once
            told.add(line)
            click.echo(plain(line), err=True)

    cache = Cache(cache_folder(), tell)
    rules = open_rulebook(local)
    return Office(Library(catalog_read, outline_of(catalog_read), cache, access_list_of(catalog_read.clauses, rules)), rules)


def outline_of(catalog: Catalog) -> Geometry | None:
    """Return the bundled outline of the catalogue's county, longitude latitude, None where it is another county's."""
    import shapely

    from linxi_layers import demo_outline

    if catalog.county != OUTLINE_COUNTY:
        return None
    drawn = shapely.from_geojson(demo_outline().read_text(encoding="utf-8"))
    outline: Geometry = shapely.union_all(shapely.get_parts(drawn))
    return outline


def open_rulebook(local: Sequence[str] = ()) -> Rulebook:
    """Open the national rule pack and the local ones of these folders; raises RuleError, UsageError."""
    from linxi_gis import localpack
    from linxi_layers import rules_dir

    return localpack.load(rules_dir(), rule_folders(local), cache_folder() / "rules")


def rule_folders(given: Sequence[str]) -> list[Path]:
    """Return the folders of --rules; raises UsageError when one is not there."""
    folders = [Path(one) for one in given]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"没有文件夹 {folder}", remedy="--rules 写规则包所在的文件夹")
    return folders


def access_list_of(path: Path | None, rules: Rulebook) -> ClauseBook | None:
    """Return the clauses of a table, None where the catalogue names none; raises CatalogError."""
    from linxi_gis import clausefile, industry
    from linxi_layers import industry_file

    return None if path is None else clausefile.read(path, rules.attributes, industry.read(industry_file()))


def cache_folder() -> Path:
    """Return where prepared layers are kept: LINXI_CACHE, else the place this system has for such things.

    Windows: %LOCALAPPDATA%; macOS: ~/Library/Caches; else XDG_CACHE_HOME or ~/.cache (XDG Base Directory 0.8).
    """
    named = os.environ.get("LINXI_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    try:
        home = Path.home()
    except RuntimeError:  # a service without a home and a name
        return _homeless()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "linxi" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "linxi"
    base = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return (base if base.is_absolute() else home / ".cache") / "linxi"


@lru_cache(maxsize=1)
def _homeless() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="linxi-"))


def day_of(text: str | None, word: str = "--on") -> date:
    """Return the day of assessment; today when none is given. Raises UsageError that names the option or argument."""
    if not text:
        return datetime.now().date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{word} {text!r} 不是日期", remedy="写成 YYYY-MM-DD，例如 2026-08-15") from error


def with_landmarks(error: LinxiError, office: Office, day: date) -> LinxiError:
    """Return an error with what lies beside its candidate readings; any other error as it is."""
    from linxi_gis.assess import landmarks
    from linxi_gis.intake.candidates import with_landmarks as beside
    from linxi_gis.intake.errors import AmbiguousCrsError

    if not isinstance(error, AmbiguousCrsError) or not error.candidates:
        return error
    return error.with_candidates(beside(error.candidates, landmarks(office.library, day)))


def project_of(path: str | None, sets: tuple[str, ...], rules: Rulebook) -> Project:
    """Return the project of a file and --set words, the latter winning. Raises UsageError."""
    from dataclasses import replace

    from linxi_gis import industry
    from linxi_gis import project as projects
    from linxi_layers import industry_file

    base = projects.read(Path(path), rules.attributes) if path else projects.Project()
    project = projects.with_values(base, projects.parse_sets(sets), rules.attributes, "--set")
    if not project.industry:
        return project
    where = "--set" if project.industry != base.industry else str(path)
    return replace(project, industry=industry.checked(project.industry, industry.read(industry_file()), where))


def warm_engine(*, here: bool = False) -> None:
    """Compile the engine where set-up did not, once for all processes; another time not even look.

    `here`: have it loaded in this process as well, so that no question waits for that.
    """
    import hashlib
    import platform
    from importlib.metadata import version

    from linxi_gis import benches, engine
    from linxi_gis.shelf import write_text

    if engine.choose() != "fast":
        return
    # What is compiled stands beside the source, for one Python on one kind of processor.
    place = f"{Path(engine.__file__).resolve()} {os.environ.get('NUMBA_CACHE_DIR', '')}"
    words = (benches.maker(), version("numba"), str(sys.implementation.cache_tag), platform.machine(), place)
    mark = cache_folder() / "engine" / f"{hashlib.sha256(' '.join(words).encode()).hexdigest()[:32]}.mark"
    if mark.exists() and not here:
        return
    told = threading.Timer(_SOON_S, click.echo, ("正在编译量算内核（一分钟左右，只此一次）…",), {"err": True})
    told.start()
    try:
        engine.warm()
    finally:
        told.cancel()
    with suppress(OSError):  # then it is looked for again next time
        write_text(mark, "")
