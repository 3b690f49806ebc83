"""click in Chinese: headings, usage errors, and the way errors become exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from linxi_gis.errors import LinxiError
from linxi_gis.units import plain

_HEADINGS = {"Options": "选项", "Commands": "命令", "Arguments": "参数"}


class _Formatter(click.HelpFormatter):
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        args = args.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
        super().write_usage(prog, args, prefix or "用法：")

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        with super().section(_HEADINGS.get(name, name)):
            yield


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """A command whose help is Chinese throughout."""

    context_class = _Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _in_chinese(super().get_help_option(ctx))


class Group(click.Group):
    """A group whose help is Chinese throughout."""

    context_class = _Context
    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _in_chinese(super().get_help_option(ctx))


def _in_chinese(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.help = "显示帮助"
    return option


def run(command: click.Command) -> int:
    """Run a command and return its exit code, printing errors on stderr in one sentence."""
    try:
        result = command.main(standalone_mode=False)
    except click.UsageError as error:
        click.echo(f"用法错误：{_usage(error)}", err=True)
        if error.ctx is not None:
            click.echo(f"用 {error.ctx.command_path} --help 查看用法", err=True)
        return 2
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("已中断", err=True)
        return 130
    except LinxiError as error:
        click.echo(plain(f"错误：{error}"), err=True)
        return error.exit_code
    return result if isinstance(result, int) else 0


def _expected(error: click.BadParameter) -> str:
    match error.param.type if error.param is not None else None:
        case click.Choice(choices=choices):
            return f"应为 {'、'.join(str(choice) for choice in choices)} 之一"
        case click.IntRange(min=low, max=high):
            return f"应为 {low}～{high} 的整数" if high is not None else f"应为不小于 {low} 的整数"
        case click.FloatRange(min=low):
            return f"应为不小于 {low:g} 的数"
        case click.ParamType(name="integer"):
            return "应为整数"
        case click.ParamType(name="float"):
            return "应为数字"
        case _:
            return error.message


def _ranges(ctx: click.Context | None) -> str:
    """What the options of a command say that may stand without a value: of others a minus is read as a value."""
    params = ctx.command.params if ctx is not None else []
    loose = [one for one in params if isinstance(one, click.Option) and not one.is_flag and one.flag_value is not None]
    return "".join(f"；{one.opts[0]}：{one.help}" for one in loose if isinstance(one.flag_value, float))


def _usage(error: click.UsageError) -> str:
    match error:
        case click.NoSuchOption() if error.option_name[1:].replace(".", "", 1).isdecimal():
            return f"选项的数值不能为负（{error.option_name}）{_ranges(error.ctx)}"
        case click.NoSuchOption():
            near = f"，是不是 {'、'.join(error.possibilities)}？" if error.possibilities else ""
            return f"没有选项 {error.option_name}{near}"
        case click.MissingParameter():
            name = error.param.human_readable_name if error.param is not None else ""
            return f"缺少 {name}"
        case click.BadParameter():
            name = error.param.opts[0] if error.param is not None else ""
            return f"{name} 的值不对：{_expected(error)}"
        case _:
            return error.format_message()
