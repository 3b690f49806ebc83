"""Templates of clause tables, and `linxi layers import`: nothing is replaced, lost or rewritten unasked."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from test_clause_table import held, row, sheets, told, written
from test_clauses import GENERAL, KEY
from test_cli import EXAMPLES, linxi
from yard import entry, square, write_catalog, write_layer

from linxi_gis import catalog
from linxi_gis.clausefile import COLUMNS, cells_of, table_text, write_template
from linxi_gis.clauses import DIMENSIONS, LEVELS
from linxi_gis.errors import CatalogError


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_a_template_has_every_column_and_is_itself_a_table_without_clauses(tmp_path: Path, name: str) -> None:
    write_template(tmp_path / name)
    assert cells_of(tmp_path / name) == []
    assert "没有条款" in told(tmp_path / name)


def test_both_templates_come_from_one_definition(tmp_path: Path) -> None:
    for name in ("t.csv", "t.xlsx"):
        write_template(tmp_path / name)
    text = (tmp_path / "t.csv").read_text(encoding="utf-8-sig")
    head = next(csv.reader(io.StringIO(text)))
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert head == [column.name for column in COLUMNS] == [cell.value for cell in book["准入清单"][1]]
    about = [str(cell.value) for cell in book["填写说明"]["A"]]
    assert [f'"# {line}"' for line in about] == text.splitlines()[1:]
    choices = {str(one.formula1).strip('"') for one in book["准入清单"].data_validations.dataValidation}
    assert {",".join(LEVELS), ",".join(DIMENSIONS)} <= choices
    with pytest.raises(CatalogError, match="csv"):
        write_template(tmp_path / "t.docx")
    for name in ("t.csv", "t.xlsx"):
        with pytest.raises(CatalogError, match="模板写不出来"):
            write_template(tmp_path / "没有" / name)


def county(folder: Path, *codes: str, **head: Any) -> Path:
    folder.mkdir()
    write_layer(folder / "units.gpkg", [square(n * 100, 0, 100) for n in range(len(codes))], BM=list(codes))
    return write_catalog(folder, [entry("units", "control_unit", "units.gpkg")], **head)


def test_import_checks_keeps_and_names_the_table(tmp_path: Path) -> None:
    own = county(tmp_path / "own", KEY, GENERAL)
    own.write_text("# 我的目录\n" + own.read_text(encoding="utf-8"), encoding="utf-8")
    source = written(tmp_path, row(), row(单元编码="ZH15042420099"), name="清单.csv")
    done = linxi("layers", "import", "--clauses", str(source), "--catalog", str(own))
    assert done.stdout.strip() == str(own.with_name("clauses.csv"))
    assert "共 2 条：单元 2" in done.stderr
    assert f"图层里的单元没有条款（研判时为未核查）：{GENERAL}" in done.stderr
    assert "条款所写的单元在图层里没有：ZH15042420099" in done.stderr
    text = own.read_text(encoding="utf-8")
    assert text.startswith("# 我的目录\n[catalog]\nclauses = \"clauses.csv\"\n")
    assert catalog.read(own).clauses == own.with_name("clauses.csv").resolve()
    assert held(own.with_name("clauses.csv")).clauses == held(source).clauses
    linxi("layers", "import", "--clauses", str(source), "--catalog", str(own))  # again: nothing to replace
    assert own.read_text(encoding="utf-8") == text


def test_import_writes_nothing_while_anything_is_wrong_and_replaces_only_when_told(tmp_path: Path) -> None:
    own = county(tmp_path / "own", KEY)
    before = own.read_text(encoding="utf-8")
    bad = linxi("layers", "import", "--clauses", str(written(tmp_path, row(维度="水"))), "--catalog", str(own), code=3)
    assert "第 2 行“维度”" in bad.stderr and own.read_text(encoding="utf-8") == before
    assert not own.with_name("clauses.csv").exists()
    linxi("layers", "import", "--clauses", str(written(tmp_path, row())), "--catalog", str(own))
    other = written(tmp_path, row(条款="示意：另一条"))
    refused = linxi("layers", "import", "--clauses", str(other), "--catalog", str(own), code=2)
    assert "--force" in refused.stderr
    linxi("layers", "import", "--clauses", str(other), "--catalog", str(own), "--force")
    assert held(own.with_name("clauses.csv")).clauses[0].text == "示意：另一条"


def test_a_template_never_replaces_a_table_unasked(tmp_path: Path) -> None:
    for path in (written(tmp_path, row(), name="准入清单.csv"), sheets(tmp_path / "准入清单.xlsx", 准入清单=[row()])):
        before = path.read_bytes()
        refused = linxi("layers", "import", "--template", str(path), code=2)
        assert "已经存在" in refused.stderr and "--force" in refused.stderr and path.read_bytes() == before
        linxi("layers", "import", "--template", str(path), "--force")
        assert cells_of(path) == []


def test_a_table_an_old_excel_saved_beside_the_catalogue_is_compared_by_its_bytes(tmp_path: Path) -> None:
    own = county(tmp_path / "own", KEY, clauses="clauses.csv")
    old = own.with_name("clauses.csv")
    old.write_bytes(table_text([row()]).removeprefix("\ufeff").encode("gb18030"))
    source = str(written(tmp_path, row()))
    assert "--force" in linxi("layers", "import", "--clauses", source, "--catalog", str(own), code=2).stderr
    linxi("layers", "import", "--clauses", source, "--catalog", str(own), "--force")
    assert old.read_bytes() == Path(source).read_bytes()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("named", ["", 'clauses = "old.xlsx" # 旧表\n'])
def test_import_leaves_line_ends_and_the_byte_order_mark_of_a_catalogue(
    tmp_path: Path, end: str, mark: str, named: str
) -> None:
    own = county(tmp_path / "own", KEY)
    text = own.read_text(encoding="utf-8").replace("[catalog]\n", f"[catalog] # 本县\n{named}\n")
    own.write_bytes((mark + text.replace("\n", end)).encode())
    linxi("layers", "import", "--clauses", str(written(tmp_path, row())), "--catalog", str(own))
    target = "old.csv" if named else "clauses.csv"
    line = f'clauses = "{target}"\n'
    wanted = text.replace(named, line) if named else text.replace("# 本县\n", f"# 本县\n{line}")
    assert own.read_bytes() == (mark + wanted.replace("\n", end)).encode()
    assert catalog.read(own).clauses == own.with_name(target).resolve()


def test_import_says_that_a_catalogue_has_no_control_units(tmp_path: Path) -> None:
    write_layer(tmp_path / "redline.gpkg", [square(0, 0, 100)])
    own = write_catalog(tmp_path, [entry("redline", "ecological_redline", "redline.gpkg")])
    done = linxi("layers", "import", "--clauses", str(written(tmp_path, row())), "--catalog", str(own))
    assert "目录里没有管控单元图层" in done.stderr and "读不出来" not in done.stderr


def test_import_puts_a_named_workbook_aside_for_a_table(tmp_path: Path) -> None:
    own = county(tmp_path / "own", KEY, clauses="lists/a.xlsx")
    (own.parent / "lists").mkdir()
    linxi("layers", "import", "--clauses", str(written(tmp_path, row())), "--catalog", str(own))
    text = own.read_text(encoding="utf-8")
    assert 'clauses = "lists/a.csv"' in text and "a.xlsx" not in text and text.count("clauses =") == 1
    assert len(held(own.parent / "lists" / "a.csv").clauses) == 1


def test_the_bundled_county_is_not_written_to_and_one_option_is_asked_for(tmp_path: Path) -> None:
    refused = linxi("layers", "import", "--clauses", str(written(tmp_path, row())), code=2)
    assert "示意目录不能改" in refused.stderr
    assert "--template" in linxi("layers", "import", code=2).stderr
    linxi("layers", "import", "--template", str(tmp_path / "模板.xlsx"))
    assert (tmp_path / "模板.xlsx").is_file()


def test_a_catalogue_whose_table_is_wrong_does_not_open_and_says_why(tmp_path: Path) -> None:
    own = county(tmp_path / "own", KEY, clauses="t.csv")
    assert "准入清单打不开" in linxi("check", str(EXAMPLES / "farm.kml"), "--catalog", str(own), code=3).stderr
    written(own.parent, row(维度="水"))
    assert "第 2 行“维度”" in linxi("check", str(EXAMPLES / "farm.kml"), "--catalog", str(own), code=3).stderr
