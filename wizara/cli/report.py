"""``wizara report``: write what an audit found or a verification proved, for the minister and for the engineers."""

from __future__ import annotations

from pathlib import Path

import click

from wizara.cli.options import runs_option
from wizara.text import LANGUAGES, _

FORMATS = ("html", "pdf", "csv", "json", "sarif")


def _chosen(value: str, known: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))
    strange = [word for word in words if word not in known]
    if strange or not words:
        raise click.UsageError(
            _("'{value}': choose from {known}, joined by commas").format(value=value, known=", ".join(known))
        )
    return words


@click.command()
@click.argument("run")
@click.option("--lang", "languages", default="fr", show_default=True, metavar="LANG,…", help="Languages: fr, en, ar.")
@click.option(
    "--format",
    "formats",
    default="html,pdf",
    show_default=True,
    metavar="FORMAT,…",
    help="Formats: html, pdf, csv, json, sarif.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to write (default: the run's own folder).",
)
@runs_option
def command(run: str, languages: str, formats: str, out: Path | None, runs: str) -> int:
    """Write the report of RUN: the id of an audit or a verification, or last."""
    from wizara.cli.reporting import interrupted, write

    if run == "last" and (later := interrupted(Path(runs))):
        words = _("a later audit did not come to its verdicts: {run}; wizara audit with --resume takes it up again")
        click.echo(words.format(run=later), err=True)
    for path in write(Path(runs), run, _chosen(languages, LANGUAGES), _chosen(formats, FORMATS), out):
        click.echo(path)
    return 0
