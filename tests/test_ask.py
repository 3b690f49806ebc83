"""`linxi check --ask`: asked one after another, judged again, written down, and not asked again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from test_cli import DAY as ON
from test_cli import EXAMPLES, SOURCES, linxi
from yard import DAY, HUNDRED, RULES, entry, open_library, site, square, write_layer

from linxi_gis import projectfile
from linxi_gis.assess import judged
from linxi_gis.cli import ask as asking
from linxi_gis.cli import roof
from linxi_gis.errors import UsageError
from linxi_gis.law import Verdict
from linxi_gis.measuring import Batch, measure
from linxi_gis.project import Project, read

WELL = str(EXAMPLES / "well_point.csv")


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """One site in a grade-one water zone, one on the red line."""
    write_layer(tmp_path / "water.gpkg", [square(0, 0, 300)], JB=["grade1"])
    write_layer(tmp_path / "redline.gpkg", [square(2_000, 0, 300)])
    columns = {"id": "BM", "name": "MC", "class": "JB"}
    entries = [
        entry("water", "water_source", "water.gpkg", columns=columns),
        entry("redline", "ecological_redline", "redline.gpkg"),
    ]
    library = open_library(tmp_path, entries)
    return measure([site(HUNDRED, "a"), site(square(2_000, 0, 100), "b")], library, DAY)


class Person:
    """Answers by what is asked, and remembers it; "q" for what nobody foresaw."""

    def __init__(self, answers: dict[str, str], other: str = "") -> None:
        self.answers, self.other, self.asked = answers, other, list[str]()

    def told(self, text: str = "", **_: Any) -> None:
        if text.startswith("问 "):
            self.asked.append(text.partition("：")[2].partition("（还有")[0])

    def __call__(self, *_: Any, **__: Any) -> str:
        return self.answers.get(self.asked[-1], self.other)


class Reader(Person):
    """Answers one line after another, whatever is asked."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__({})
        self.lines = iter(lines)

    def __call__(self, *_: Any, **__: Any) -> str:
        return next(self.lines)


@pytest.fixture
def hear(monkeypatch: pytest.MonkeyPatch) -> Any:
    def meet(person: Person) -> Person:
        monkeypatch.setattr(click, "prompt", person)
        monkeypatch.setattr(click, "echo", person.told)
        return person

    return meet


def question(name: str) -> str:
    return RULES.attributes[name].question


def test_every_question_is_asked_once_for_all_sites_and_then_nothing_is_left(batch: Batch, hear: Any) -> None:
    person = hear(Person({}, "否"))
    first = {one.text for a in judged(batch, RULES, Project()) for one in a.overall.questions}
    project = asking.ask(batch, RULES, Project())
    assert len(person.asked) == len(set(person.asked)) and set(person.asked) <= first
    clauses = question("violates_access_list")
    for assessment in judged(batch, RULES, project):
        assert {one.text for one in assessment.overall.questions} <= {clauses}


def test_what_an_answer_settles_is_not_asked_any_more(batch: Batch, hear: Any) -> None:
    person = hear(Person({question("is_water_supply_related"): "否", question("is_new_build"): "是"}))
    project = asking.ask(batch, RULES, Project())
    assert judged(batch, RULES, project)[0].overall.verdict is Verdict.PROHIBITED
    assert person.asked.index(question("is_water_supply_related")) < 3
    before = {one.attribute for one in judged(batch, RULES, Project())[0].overall.questions}
    after = {one.attribute for one in judged(batch, RULES, project)[0].overall.questions}
    assert after < before


def test_enter_means_unknown_and_nothing_changes(batch: Batch, hear: Any) -> None:
    person = hear(Person({}, ""))
    assert asking.ask(batch, RULES, Project()) == Project()
    texts = {one.text for a in judged(batch, RULES, Project()) for one in a.overall.questions}
    assert set(person.asked) == texts and len(person.asked) == len(texts)


def test_a_word_that_is_no_answer_is_asked_again_and_q_ends_it(batch: Batch, hear: Any) -> None:
    person = hear(Reader(["什么", "不知道", "q"]))
    assert asking.ask(batch, RULES, Project()) == Project()
    assert len(person.asked) == 2


def test_whoever_breaks_off_in_the_prompt_keeps_the_answers(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C, Ctrl-D and the end of the input count as q."""
    lines = iter(["否"])

    def prompt(*_: Any, **__: Any) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise click.Abort from None

    monkeypatch.setattr(click, "prompt", prompt)
    assert list(asking.ask(batch, RULES, Project()).attributes.values()) == [False]
    assert "不再问" in capsys.readouterr().err


# --- the file -------------------------------------------------------------------------------------


OLD = """# 由咨询单位填写
name = "矿石加工"   # 名称
has_outfall = "unknown"  # 还没问
[attributes] # 以下为属性
is_industrial = true
drills = ""
# 末尾的话
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_answers_are_added_and_all_that_was_there_stays(tmp_path: Path, end: str, mark: str) -> None:
    path = tmp_path / "项目.toml"
    path.write_bytes((mark + OLD.replace("\n", end)).encode())
    known = read(path, RULES.attributes)
    more = {**known.attributes, "has_outfall": False, "drills": True, "is_new_build": True}
    left = projectfile.save(path, Project(name=known.name, build="新建", attributes=more), RULES.attributes)
    text = path.read_bytes().decode()
    assert left == ()
    kept = ("# 由咨询单位填写", 'name = "矿石加工"   # 名称', "# 末尾的话")
    for line in (*kept, "has_outfall = false  # 还没问", "drills = true"):
        assert f"{line}{end}" in text
    assert text.startswith(mark) and text.replace("\r\n", "").count("\n") == (text.count("\n") if end == "\n" else 0)
    again = read(path, RULES.attributes)
    assert (again.name, again.build) == ("矿石加工", "新建") and again.facts() == {**again.facts(), **more}


def test_what_the_file_answers_otherwise_is_left_and_told(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("has_outfall = true\n", encoding="utf-8")
    left = projectfile.save(path, Project(attributes={"has_outfall": False, "drills": True}), RULES.attributes)
    assert left == ("has_outfall",)
    assert read(path, RULES.attributes).attributes == {"has_outfall": True, "drills": True}


def test_a_file_written_in_a_strange_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("attributes = { drills = true }\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="has_outfall = false"):
        projectfile.save(path, Project(attributes={"drills": True, "has_outfall": False}), RULES.attributes)
    assert path.read_bytes() == before


SAID = (
    "name=北坡 \u007f", "industry=B0912、铜矿采选", "build=改扩建", "declared_area_m2=1200.5", "coal_t_a=7",
    "fresh_water_m3_a=1e22", "has_outfall=no", "drills=yes", "so2_t_a=unknown",
)  # fmt: skip


@pytest.mark.parametrize("before", ["", 'industry = ""\ncoal_t_a = "unknown" # 待查\n[attributes]\nnox_t_a = 1\n'])
def test_a_run_on_the_saved_file_is_the_run_that_was_saved(tmp_path: Path, before: str) -> None:
    path = tmp_path / "p.toml"
    if before:
        path.write_text(before, encoding="utf-8")
    project = roof.project_of(str(path) if before else None, SAID, RULES)
    asking.save(path, project, RULES)
    again = roof.project_of(str(path), (), RULES)
    assert again == project and again.amounts["coal_t_a"] == 7.0 and again.industry == "0912、0911"
    assert ("# 待查" in path.read_text(encoding="utf-8")) == bool(before)


def test_heads_and_amounts_that_the_file_has_otherwise_are_left_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.toml"
    lines = 'name = "南坡"\nindustry = "B0810"\nbuild = "新建"\ndeclared_area_m2 = 5\ncoal_t_a = 900\nso2_t_a = 3\n'
    path.write_text(lines, encoding="utf-8")
    said = ("name=北坡", "industry=0912", "build=改建", "declared_area_m2=6", "coal_t_a=7", "so2_t_a=3", "nox_t_a=1")
    asking.save(path, roof.project_of(str(path), said, RULES), RULES)
    told = capsys.readouterr().err
    for key in ("name", "industry", "build", "declared_area_m2", "coal_t_a"):
        assert f"{key}、" in told or f"{key}；" in told, told
    assert "so2_t_a" not in told and path.read_text(encoding="utf-8") == f"{lines}nox_t_a = 1.0\n"


def test_one_industry_in_two_spellings_is_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.toml"
    path.write_text('industry = "铜矿采选"\n', encoding="utf-8")
    asking.save(path, roof.project_of(str(path), (), RULES), RULES)
    assert "不同" not in capsys.readouterr().err


def test_a_file_is_never_made_to_contradict_itself(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("is_new_build = false\n", encoding="utf-8")
    project = roof.project_of(str(path), ("is_new_build=yes", "build=新建"), RULES)
    assert {"build", "is_new_build"} <= set(projectfile.save(path, project, RULES.attributes))
    assert read(path, RULES.attributes).facts() == {"is_new_build": False}


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="写不进去"):
        projectfile.save(tmp_path / "没有" / "p.toml", Project(attributes={"drills": True}), RULES.attributes)


# --- the command ----------------------------------------------------------------------------------


def test_without_a_terminal_it_says_so_before_anything_is_read() -> None:
    done = linxi("check", "没有这个文件.csv", "--ask", code=2)
    assert "不是终端" in done.stderr and "--set" in done.stderr
    assert "加上 --ask" in linxi("check", WELL, "--save-answers", "p.toml", code=2).stderr


def test_an_existing_file_that_is_not_the_project_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "is_terminal", lambda: True)
    mine, other = tmp_path / "mine.toml", tmp_path / "other.toml"
    for path in (mine, other):
        path.write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="已经存在"):
        asking.check_options(True, str(other), str(mine), ["a.csv"])
    assert asking.check_options(True, str(mine), str(mine), ["a.csv"]) == str(mine)
    assert asking.check_options(True, str(mine), None, ["a.csv"]) == str(mine)  # what it says counts
    assert asking.check_options(True, str(tmp_path / "new.toml"), str(mine), ["a.csv"]) == str(mine)
    with pytest.raises(UsageError, match="不是终端"):
        asking.check_options(True, None, None, ["-"])


@pytest.mark.only_on("linux")  # pseudo-terminals
def test_on_a_real_terminal_answers_are_kept_and_not_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "答案.toml"
    first = _session(["--save-answers", str(path)], ["否", "", "说不好", "不知道", "否", "q"])
    assert "问 1：" in first and "请写 是、否 或 不知道" in first and "不再问" in first and "林西城区补充水源井" in first
    known = read(path, RULES.attributes).attributes
    assert list(known.values()) == [False, False]
    second = _session(["--project", str(path)], ["q"])
    assert all(question(name) not in second.partition("不再问\r\n")[0] for name in known)
    quiet = json.loads(linxi("check", WELL, "--project", str(path), "--format", "json", *ON).stdout)[0]
    assert not known.keys() & {one["attribute"] for one in quiet["verdict"]["questions"]}


def _session(words: list[str], answers: list[str]) -> str:
    """Run the command on a pseudo-terminal, give an answer at each prompt, and return all it showed."""
    import pty

    person, terminal = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "LINXI_CATALOG"}
    command = [sys.executable, "-m", "linxi_gis.cli", "check", WELL, "--ask", *ON, *words]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=EXAMPLES,
        env=environment | {"PYTHONPATH": SOURCES, "PYTHONUTF8": "1", "COLUMNS": "100"},
    ) as process:  # fmt: skip
        os.close(terminal)
        shown, given, end = b"", 0, time.monotonic() + 60.0
        while time.monotonic() < end:
            try:
                piece = os.read(person, 65_536)
            except OSError:  # the other side has hung up
                break
            if not piece:
                break
            shown += piece
            if shown.count("不再问）：".encode()) > given and given < len(answers):
                os.write(person, f"{answers[given]}\n".encode())
                given += 1
        assert process.wait(timeout=30) == 0
    os.close(person)
    return shown.decode("utf-8", errors="replace")
