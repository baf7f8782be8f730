"""``wizara init``: writes a commented, valid inventory to start from."""

from __future__ import annotations

from pathlib import Path

import click

from wizara.errors import ExitCode, UsageFault
from wizara.text import _


@click.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="Folder to write (default: inventories/NAME).")
def command(name: str, folder: Path | None) -> int:
    """Write a commented, valid inventory of the ministry NAME to start from."""
    from pydantic import TypeAdapter, ValidationError

    from wizara.inventory.starter import write_starter
    from wizara.inventory.types import Name

    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        known = _(str(error.errors()[0]["ctx"]["error"]))
        raise UsageFault(_("the name of a ministry {message}").format(message=known)) from None
    where = folder or Path("inventories") / name
    for path in write_starter(where, name):
        click.echo(path)
    click.echo(_("next: edit these files, then: wizara check {folder}").format(folder=where), err=True)
    return ExitCode.DONE
