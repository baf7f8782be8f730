"""``wizara secrets``: makes the secrets that a ministry needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import json_option, lab_option, ministry_argument
from wizara.errors import ExitCode
from wizara.text import _

if TYPE_CHECKING:
    from wizara.inventory.models import Ministry


@click.group()
def command() -> None:
    """Make the secrets that a ministry needs."""


@command.command()
@ministry_argument
@lab_option
@click.option(
    "--identity", type=click.Path(path_type=Path), help="Key that opens secrets: an age identity or ssh-ed25519."
)
@json_option
def generate(ministry: str, lab: str | None, identity: Path | None, as_json: bool) -> int:
    """Make the keys, certificates and passwords that are missing in MINISTRY; what is there stays as it is."""
    from wizara.inventory.generate import Generation

    found, base, key = _where(ministry, lab)
    generation = Generation(found, base, identity or key, _ask if sys.stdin.isatty() else None)
    generation.run(lambda path: None if as_json else click.echo(_("making {path}").format(path=path), err=True))
    if as_json:
        click.echo(json.dumps({"made": generation.made, "present": generation.present}, indent=2))
    else:
        sentence = _("{made} secrets made, {present} were there: {folder}")
        numbers = {"made": len(generation.made), "present": len(generation.present)}
        click.echo(sentence.format(**numbers, folder=base / "secrets"))
    return ExitCode.DONE


def _where(argument: str, lab: str | None) -> tuple[Ministry, Path, Path | None]:
    """Return the ministry, the folder its secrets stand in, and the key of a lab."""
    if lab is None:
        from wizara.inventory import load, resolve

        folder = resolve(argument)
        return load(folder), folder, None
    from wizara.cli.world import scene

    found = scene(argument, lab)
    return found.ministry, found.secrets.parent, found.identity


def _ask(file: str) -> str:
    answer = click.prompt(_("Passphrase of {file}").format(file=file), hide_input=True, err=True)
    assert isinstance(answer, str)
    return answer
