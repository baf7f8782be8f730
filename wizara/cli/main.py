"""The entry point: finds the verb, loads only that one, and turns every fault into one clear line and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from typing import Any

import click

from wizara import __version__, text
from wizara.audit.untrusted import harmless
from wizara.cli import phrases
from wizara.cli.options import HELP_NAMES, speak
from wizara.cli.output import Output, unfailing, watched
from wizara.errors import ExitCode, InventoryFaults, WizaraError, worst
from wizara.place import did_you_mean
from wizara.text import N_, _

#: verb → (module of wizara.cli that holds its ``command``, summary)
VERBS: dict[str, tuple[str, str]] = {
    "init": ("init", N_("write a commented, valid inventory to start from")),
    "check": ("check", N_("read an inventory and name every fault in it")),
    "show": ("show", N_("draw or list what follows from an inventory")),
    "schema": ("schema", N_("print the JSON Schema that editors check inventories with")),
    "secrets": ("secrets", N_("make, show and change the secrets of a ministry")),
    "enrol": ("enrol", N_("meet new machines: check and pin their keys, create the provisioning account")),
    "plan": ("plan", N_("show what apply would change")),
    "apply": ("apply", N_("bring the nodes to what is declared")),
    "verify": ("verify", N_("prove that what was promised holds")),
    "audit": ("audit", N_("look at a local network and judge what is found")),
    "report": ("report", N_("write the report of an audit or verification")),
    "drift": ("drift", N_("tell what on the nodes is no longer as declared")),
    "run": ("run", N_("show what a past run did")),
    "log": ("log", N_("who did what, where and when; prove that the record is whole")),
    "restore-original": ("restore", N_("put back a file as it was before wizara first replaced it")),
    "lab": ("lab", N_("the ministry as machines on this computer")),
    "demo": ("demo", N_("rehearse, build, prove and audit the shipped ministry")),
    "test": ("test", N_("run wizara's own tests")),
    "bench": ("bench", N_("measure wizara beside pyinfra and Ansible")),
}


class Verbs(click.Group):
    """A group that imports a verb only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a ministry's way through them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the verb *cmd_name*."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"wizara.cli.{VERBS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        command.name = cmd_name
        speak(command, ctx)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a misspelt one is told with its nearest neighbour."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = did_you_mean(args[0], VERBS)
            hint = _("did you mean '{word}'?").format(word=near) if near else _("see wizara --help")
            raise click.UsageError(_("no verb '{word}' — {hint}").format(word=args[0], hint=hint), ctx)
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Tell the help in the language that was asked for."""
        speak(self, ctx.parent or ctx)
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table, so that help imports none of them."""
        with formatter.section(_("Verbs")):
            formatter.write_dl([(name, _(summary)) for name, (_module, summary) in VERBS.items()])


def _speak(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    text.use(value or text.from_environment())


@click.group(cls=Verbs, context_settings={"help_option_names": HELP_NAMES, "max_content_width": 110})
@click.version_option(__version__, prog_name="wizara")
@click.option("--lang", type=click.Choice(text.CLI_LANGUAGES), is_eager=True, expose_value=False, callback=_speak,
              help="Language of wizara's words (default: by LANG).")  # fmt: skip
@click.option("--no-color", is_flag=True, help="No colours, whatever the terminal can do (NO_COLOR does the same).")
@click.option("--debug", is_flag=True, help="Show the traceback of a fault.")
def command(no_color: bool, debug: bool) -> None:
    """A ministry is declared once; wizara rehearses it, builds it, proves it, audits it and reports on it."""
    if no_color:
        os.environ["NO_COLOR"] = "1"


def complain(fault: WizaraError) -> None:
    """Write *fault* to stderr, a line each."""
    faults = fault.faults if isinstance(fault, InventoryFaults) else (fault,)
    for one in faults:  # what a machine said may be in it
        _say("\n".join(map(harmless, str(one).split("\n"))))


def _say(words: str) -> None:
    """Write *words* to stderr; where that cannot be, the exit code tells alone."""
    with contextlib.suppress(OSError):
        click.echo(words, err=True)


def main(arguments: list[str] | None = None) -> Any:
    """Run wizara and leave the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if sys.stdin is None:  # closed by whoever started us: nobody to ask
        sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 - for as long as the process lives
    text.use(text.from_environment())
    phrases.teach()
    unfailing()
    output = watched()
    code = _outcome(arguments, output)
    if reason := output.unwritten() if output else "":
        _say(_("standard output cannot be written: {reason}").format(reason=reason))
        code = worst((*(one for one in ExitCode if one == code), ExitCode.UNFINISHED))
    sys.exit(int(code))


def _outcome(arguments: list[str], output: Output | None) -> int:
    """Run the verb and return its exit code; tell what went wrong, apart from a result that *output* did not take."""
    debug = "--debug" in arguments
    try:
        return int(command.main(args=arguments, prog_name="wizara", standalone_mode=False) or 0)
    except click.ClickException as fault:
        with contextlib.suppress(OSError):
            fault.show()
        return ExitCode.USAGE
    except WizaraError as fault:
        if debug:
            traceback.print_exc()
        complain(fault)
        return fault.code
    except (KeyboardInterrupt, click.Abort):
        _say(_("interrupted"))
        return ExitCode.INTERRUPTED
    except Exception as fault:  # noqa: BLE001 - the last line of defence: never a traceback unasked
        if debug:
            traceback.print_exc()
        if output and fault is output.fault:
            return ExitCode.UNFINISHED
        words = _("internal fault: {kind}: {fault} — please report it; --debug shows where")
        _say(words.format(kind=type(fault).__name__, fault=fault))
        return ExitCode.INTERNAL
