"""``python -m wizara.cli.reference``: the reference of every verb and option, as docs/en/reference.md holds it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import click

from wizara import text
from wizara.cli.main import VERBS
from wizara.cli.main import command as wizara
from wizara.errors import ExitCode

_HEAD = """\
# Reference

Written by `python -m wizara.cli.reference > docs/en/reference.md`; a test fails when it is out of date.

MINISTRY is the path of an inventory's folder, else a name in `./inventories`, else a ministry that comes with wizara.
"""

#: Every environment variable of ours that wizara reads.
ENVIRONMENT = {
    "WIZARA_CACHE": "Folder of what can be fetched again: images, package archives (default: `~/.cache/wizara`).",
    "WIZARA_LANGUAGE": "Set by wizara for its own workers: the language they speak.",
    "WIZARA_CONFIRM_SECONDS": "Seconds that a change of the way to a node waits for its confirmation, 5 to 600 (default: 60).",
    "WIZARA_IDENTITY": "Key that opens secrets, an age identity or ssh-ed25519 (default: `~/.ssh/id_ed25519`).",
    "WIZARA_LAB_STATE": "State folder of the lab that the stock `pyinfra` command acts in; unset means the field.",
    "WIZARA_SCOPE": "Set by wizara itself for the process that it runs in a scope of its own.",
    "WIZARA_STATE": "Folder of lasting state: labs and their keys (default: `~/.local/state/wizara`).",
}

_CODES = {
    ExitCode.DONE: "done, nothing pending or found",
    ExitCode.INTERNAL: "internal fault",
    ExitCode.USAGE: "usage or invalid inventory; nothing was contacted",
    ExitCode.UNFINISHED: "could not finish: an operation failed (put back, or healed by the next run), or the result could not be written",
    ExitCode.PENDING: "finished, and something is pending or found; tests failed",
    ExitCode.UNREACHABLE: "hosts did not answer",
    ExitCode.REFUSED: "refused for safety",
    ExitCode.INTERRUPTED: "interrupted or declined",
}


def reference() -> str:
    """Return the whole page."""
    parts = [_HEAD, *(_section(words, command) for words, command in commands())]
    codes = "\n".join(f"| {int(code)} | {meaning} |" for code, meaning in _CODES.items())
    order = "When several apply, the first of 130, 1, 2, 6, 3, 5, 4 wins."
    parts.append(f"## Exit codes\n\n| code | meaning |\n|---|---|\n{codes}\n\n{order}\n")
    variables = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in sorted(ENVIRONMENT.items()))
    parts.append(f"## Environment\n\n| variable | meaning |\n|---|---|\n{variables}\n")
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield (words, command) of wizara itself, of every verb that is there, and of what stands below it."""
    yield "wizara", wizara
    for verb, (module, _summary) in VERBS.items():
        if importlib.util.find_spec(f"wizara.cli.{module}"):
            found = wizara.get_command(click.Context(wizara), verb)
            assert found is not None
            yield from _below(f"wizara {verb}", found)


def _below(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name, one in sorted(command.commands.items()):
            yield from _below(f"{words} {name}", one)


def _section(words: str, command: click.Command) -> str:
    context = click.Context(command, info_name=words, terminal_width=110, max_content_width=110)
    context.help_option_names = ["-h", "--help"]
    shown = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## {words}\n\n```\n{shown}\n```\n"


if __name__ == "__main__":
    text.use("en")
    click.echo(reference(), nl=False)
