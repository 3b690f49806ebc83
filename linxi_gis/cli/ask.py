"""Ask the questions that decide, one after another on the terminal, and judge again after each answer."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linxi_gis.errors import UsageError
from linxi_gis.finding import Decisive
from linxi_gis.units import plain

if TYPE_CHECKING:
    from linxi_gis.measuring import Batch
    from linxi_gis.model import Assessment
    from linxi_gis.project import Project
    from linxi_gis.rulebook import Rulebook

ASK_HELP = "在终端上逐个提问会改变结论的问题（是/否/不知道），答一个重判一次；几个地块一起问"
SAVE_HELP = "把回答（连同 --set 的属性、数量等）写进项目文件，下次用 --project 就不必再问；文件里原有的内容不动"
_STOP = ("q", "Q", "ｑ", "退出")
_LABELS_TOLD = 3


def check_options(ask: bool, save: str | None, project_file: str | None, names: Sequence[str]) -> str | None:
    """Return the project file to begin with; raises UsageError where nobody could be asked or nothing be saved."""
    if ask and (not is_terminal() or "-" in names):
        raise UsageError(
            "--ask 要在终端上提问，现在的标准输入不是终端（或用来读坐标）",
            remedy="去掉 --ask，用 --project 或 --set 回答；要答的问题见 --format json 的 verdict.questions",
        )
    if save is None:
        return project_file
    if not ask:
        raise UsageError("--save-answers 要与 --ask 同用", remedy="加上 --ask")
    target = Path(save)
    if target.exists() and project_file is not None and target.resolve() != Path(project_file).resolve():
        raise UsageError(
            f"--save-answers 的 {save} 已经存在，又不是 --project 的文件",
            remedy="请写成同一个文件，或换一个还没有的文件名",
        )
    return save if target.exists() else project_file


def is_terminal() -> bool:
    """Whether a person can be asked: questions go to stderr, answers come from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(batch: Batch, rulebook: Rulebook, project: Project) -> Project:
    """Ask until nothing is left that decides, or the person has had enough; return what is known then."""
    from linxi_gis.assess import judged

    passed: set[str] = set()
    assessments = judged(batch, rulebook, project)
    left = _left(assessments, passed)
    number = 0
    while left:
        number += 1
        site, question = left[0]
        beside = f"（{plain(site)}）" if len(assessments) > 1 else ""
        click.echo(f"问 {number}：{question.text}（还有 {len(left) - 1} 问）\n  {question.outcomes}{beside}", err=True)
        answered = _answer(question, rulebook, project)
        if answered is None:
            break
        if answered == project:
            passed.add(question.attribute)
        else:
            project = answered
            assessments = judged(batch, rulebook, project)
        before, left = len(left), _left(assessments, passed)
        click.echo(f"  现在：{_labels(assessments)}", err=True)
        if len(left) >= before:
            click.echo("  剩下的问题没有减少：有的条件过于复杂，问题数只是上限", err=True)
    click.echo("没有要问的了（行业、数量不在问答里，见准入清单和 --project）" if not left else "不再问", err=True)
    return project


def _left(assessments: Sequence[Assessment], passed: set[str]) -> list[tuple[str, Decisive]]:
    """Return what is left to ask of any site, each question once: of the site where it weighs most, that first."""
    from linxi_gis.decisive import effect

    found: dict[str, tuple[str, Decisive]] = {}
    for one in assessments:
        for question in one.overall.questions:
            held = found.get(question.attribute)
            if question.attribute not in passed and (held is None or effect(question) < effect(held[1])):
                found[question.attribute] = one.site.name, question
    return sorted(found.values(), key=lambda pair: effect(pair[1]))


def _answer(question: Decisive, rulebook: Rulebook, project: Project) -> Project | None:
    """Return the project with the answer (the same for 不知道), None when the person stops."""
    from linxi_gis.project import with_values

    choices = "是/不知道" if question.only_yes else "是/否/不知道"
    while True:
        try:
            said = click.prompt(
                f"  {choices}（回车为不知道，q 不再问）", default="", show_default=False, err=True, prompt_suffix="："
            )
        except click.Abort:  # Ctrl-C, Ctrl-D, Ctrl-Z: what was answered before is kept all the same
            click.echo(err=True)
            return None
        if said.strip() in _STOP:
            return None
        try:
            return with_values(project, [(question.attribute, said)], rulebook.attributes, "回答")
        except UsageError as error:
            click.echo(plain(f"  {error.remedy or error.what}"), err=True)


def _labels(assessments: Sequence[Assessment]) -> str:
    """The verdicts as they stand: of a few sites each, of many how many of each."""
    if len(assessments) == 1:
        return assessments[0].overall.label
    if len(assessments) <= _LABELS_TOLD:
        return "；".join(plain(f"{one.site.name} {one.overall.label}") for one in assessments)
    return "，".join(f"{label} {n} 个" for label, n in Counter(one.overall.label for one in assessments).items())


def save(path: Path, project: Project, rulebook: Rulebook) -> None:
    """Write what is known into a project file and tell it."""
    from linxi_gis import industry, projectfile
    from linxi_layers import industry_file

    left = projectfile.save(path, project, rulebook.attributes, industry.read(industry_file()))
    click.echo(plain(f"已写入 {path}，下次：--project {path}"), err=True)
    if left:
        click.echo(
            f"文件里与本次不同、没有改动的：{'、'.join(left)}；下次按文件里的算，要按本次的请改文件（或仍用 --set）", err=True
        )
