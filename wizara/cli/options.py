"""Arguments and options that several verbs share, and help in the language of the person who asks."""

from __future__ import annotations

import errno
import inspect
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import click

from wizara.errors import UsageFault
from wizara.text import _

#: Click keeps the option that it made first, for whatever context.
HELP_NAMES = ["-h", "--help"]
ministry_argument = click.argument("ministry")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
lab_option = click.option("--lab", "lab", is_flag=False, flag_value="", default=None, metavar="[NAME]",
                          help="Act in the lab of that name (default: the ministry's) instead of the field.")  # fmt: skip


def _give_back(ctx: click.Context, _option: click.Parameter, value: str) -> str:
    """See to it that records which root writes for a person behind sudo are his own in the end."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        runs = Path(value).absolute()
        made = next((folder for folder in (*reversed(runs.parents), runs) if not folder.exists()), None)

        def close() -> None:
            from wizara.lab.ownership import give_back_runs

            give_back_runs(runs, made)

        ctx.call_on_close(close)
    return value


class RunsFolder(click.Path):
    """A folder of run records that is there, or may be made; what is no folder is told in one line."""

    def __init__(self) -> None:
        super().__init__(file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return *value*; UsageFault when no folder is there and none could be."""
        for path in (given := Path(value).absolute(), *given.parents):
            try:
                kind = path.stat().st_mode
            except (FileNotFoundError, NotADirectoryError):  # a folder above it tells
                continue
            except OSError as fault:
                raise _no_folder(value, fault.strerror or str(fault)) from fault
            if not stat.S_ISDIR(kind):
                raise _no_folder(value, _("{path} is no folder").format(path=path))
            if not os.access(path, os.R_OK | os.X_OK, effective_ids=True):
                raise _no_folder(value, os.strerror(errno.EACCES))
            break
        return value


def _no_folder(value: Any, reason: str) -> UsageFault:
    words = _("run records cannot be kept in {folder}: {reason}").format(folder=value, reason=reason)
    return UsageFault(words, hint=_("--runs names a folder, which is made where there is none"))


runs_option = click.option("--runs", "runs", type=RunsFolder(), default="runs", show_default=True,
                           callback=_give_back, help="Folder that run records are kept in.")  # fmt: skip
limit_option = click.option("--limit", multiple=True, metavar="NAMES",
                            help="Only these nodes, sites or parts (comma-separated, repeatable).")  # fmt: skip
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


class Commands(click.Group):
    """A verb with commands below it; its help tells the whole first sentence of each, where Click would cut it to the line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, one.get_short_help_str(1000)) for name, one in sorted(self.commands.items())])


class Forked(Commands):
    """A verb that does something by itself, with commands below it that a reserved first word leads to."""

    allow_extra_args = False
    allow_interspersed_args = True
    parse_args = click.Command.parse_args
    invoke = click.Command.invoke
    collect_usage_pieces = click.Command.collect_usage_pieces

    def __init__(self, **settings: Any) -> None:
        super().__init__(invoke_without_command=True, no_args_is_help=False, **settings)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Give the line to the command that its first word names, else keep it."""
        below = self.commands.get(args[0]) if args else None
        if below is None:
            return super().make_context(info_name, args, parent, **extra)
        return below.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)


#: What each command and option says of itself in its source: a process may change its language.
_SOURCE: WeakKeyDictionary[click.Command | click.Option, str] = WeakKeyDictionary()


def helped(command: click.Command, ctx: click.Context) -> Iterator[click.Command | click.Option]:
    """Yield everything that has a help text: *command*, its options, and the commands below it."""
    yield command
    yield from (one for one in command.params if isinstance(one, click.Option))
    own = command.get_help_option(click.Context(command, parent=ctx, help_option_names=HELP_NAMES))
    if own is not None:
        yield own
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from helped(one, ctx)


def speak(command: click.Command, ctx: click.Context) -> None:
    """Let *command*, and all that is below it, tell its help in the language of this process."""
    for one in helped(command, ctx):
        source = _SOURCE.setdefault(one, inspect.cleandoc(one.help or ""))
        one.help = _(source) if source else None
