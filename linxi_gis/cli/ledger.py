"""`linxi screen LAYER`: the ledger of conflicts of what stands already, judged and written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.cli import roof
from linxi_gis.errors import UsageError
from linxi_gis.units import plain

if TYPE_CHECKING:
    from linxi_gis.ledger import Ledger

FORMATS = ("xlsx", "json", "geojson", "html")
_TOLD = 3  # layers named in a line of the table


def is_layer(files: Sequence[str], catalog: str | None) -> bool:
    """Whether the one argument is a layer of the catalogue and no file of that name is there.

    Raises CatalogError where the catalogue cannot be read and the argument looks like an id.
    """
    if len(files) != 1 or not files[0].replace("-", "_").isidentifier() or Path(files[0]).exists():
        return False
    from linxi_gis import catalog as catalogs

    return files[0] in catalogs.read(roof.catalog_path(catalog, tell=False)).ids()


def run(
    layer_id: str, catalog: str | None, local: Sequence[str], on: str | None, out: str | None, formats: str | None
) -> int:
    """Draw up the ledger, print it, and write what was asked for."""
    from linxi_gis import stocktaking
    from linxi_gis.report import extract, ledgersheet

    wanted = _formats(formats, out)
    office, day = roof.open_office(catalog, local), roof.day_of(on)
    made = stocktaking.draw_up(office.library, office.rulebook, layer_id, day)
    if out is None and wanted == ("json",):
        click.echo(extract.canonical(ledgersheet.body(made)))
        return 0
    _show(made)
    if out is not None:
        for path in _write(made, office, Path(out), wanted or FORMATS, day):
            click.echo(str(path))
    return 0


def _formats(text: str | None, out: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    wrong = [name for name in names if name not in FORMATS]
    if wrong:
        raise UsageError(f"--format 不认识 {'、'.join(wrong)}", remedy=f"可用：{','.join(FORMATS)}")
    if out is None and names not in ((), ("json",)):
        raise UsageError("没有写 --out 时 --format 只能是 json", remedy="请加 --out 目录")
    if out is not None and Path(out).is_file():
        raise UsageError(f"--out {out} 是一个文件", remedy="存量排查写到文件夹，请写文件夹名")
    return names


def _write(made: Ledger, office: roof.Office, folder: Path, formats: Sequence[str], day: date) -> list[Path]:
    from xlsxwriter.exceptions import FileCreateError

    from linxi_gis.report import extract, ledgersheet

    path, written = folder, []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form in formats:
            path = folder / f"{made.layer.id}-存量排查.{form}"
            if form == "xlsx":
                ledgersheet.write(made, path)
            else:
                text = (
                    _page(made, office, day) if form == "html"
                    else extract.canonical(ledgersheet.body(made) if form == "json" else ledgersheet.collection(made)) + "\n"
                )  # fmt: skip
                path.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    except (OSError, FileCreateError) as error:
        raise UsageError(f"{path} 写不出来", remedy="请关闭正在打开它的程序（例如 Excel），或换一个 --out 目录") from error
    return written


def _page(made: Ledger, office: roof.Office, day: date) -> str:
    import linxi_maps
    from linxi_gis.model import Layer

    opened = [one for one in office.library.layers(day) if isinstance(one, Layer)]
    shown = [linxi_maps.map_layer(layer) for layer in opened]
    return linxi_maps.ledger_map(made, shown, outline=office.library.county_lonlat(day))


def _show(made: Ledger) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from linxi_gis.report import ledgersheet

    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(Text(f"存量排查：{made.layer.title}　{made.day.isoformat()}　{made.catalog_title}", style="bold"))
    ponds = any(item.pond is not None for item in made.items)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("编号", "名称", "结论", "行", *(("等别",) if ponds else ()), "最重的图层"):
        table.add_column(head, overflow="fold")
    for item in made.items:
        grave = dict.fromkeys(row.layer_title for row in item.rows if row.verdict is item.verdict)
        more = f" 等 {len(grave)} 层" if len(grave) > _TOLD else ""
        words = "、".join(list(grave)[:_TOLD]) + more
        grade = (item.pond.grade_label if item.pond else "",) if ponds else ()
        cells = (item.site.id, item.site.name, item.label, str(len(item.rows)), *grade, words)
        table.add_row(*(Text(plain(cell)) for cell in cells))
    for zone_id, name, why in made.failed:
        table.add_row(*(Text(plain(cell)) for cell in (zone_id, name, "未核查", "0", *(("",) if ponds else ()), why)))
    console.print(table)
    said = [f"{label} {objects} 个（{rows} 行）" for label, objects, rows in ledgersheet.summary(made) if objects or rows]
    console.print(Text(f"\n{'，'.join(said)}"))
    for one in made.unseen:
        console.print(Text(plain(f"未核查图层：{one.title}（影响 {one.objects} 个）：{one.why}")))
    for line in (*made.notes, *_known(made), ledgersheet.note(made)):
        console.print(Text(plain(line)))


def _known(made: Ledger) -> tuple[str, ...]:
    sure = f"按图层主题已知：{'、'.join(made.known)}；其余" if made.known else "项目"
    return (f"{sure}属性（含是否已建成）一律按不明研判",)
