"""``wizara schema``: prints the JSON Schema that editors check inventories with."""

from __future__ import annotations

import json

import click

from wizara.errors import ExitCode


@click.command()
@click.argument("kind", type=click.Choice(["ministry", "site"]), default="ministry")
def command(kind: str) -> int:
    """Print the JSON Schema of ministry.yaml or of a site's file."""
    from wizara.inventory.schema import schema

    click.echo(json.dumps(schema(kind), ensure_ascii=False, indent=2))
    return ExitCode.DONE
