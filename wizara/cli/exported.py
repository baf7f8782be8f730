"""``wizara audit config``: judge exported configurations of switches, routers and firewalls; no device is contacted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import json_option, runs_option
from wizara.text import _, ngettext

if TYPE_CHECKING:
    from wizara.cli.auditing import Audited

PLATFORMS = ("cisco_ios", "huawei_vrp", "mikrotik_routeros", "fortinet")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--platform", type=click.Choice(PLATFORMS), help="What the files are of (default: recognised by their content)."
)
@click.option("--fail-on", type=click.Choice(("critical", "high", "medium", "low", "info")), default="high",
              show_default=True, help="Exit with 4 when a finding is at least this severe.")  # fmt: skip
@json_option
@runs_option
def command(files: tuple[Path, ...], platform: str | None, fail_on: str, as_json: bool, runs: str) -> int:
    """Judge exported configurations: what is amiss in which line, and the commands that mend it."""
    from wizara.cli import auditing
    from wizara.cli.files import judge_configurations

    done = judge_configurations(files, platform, fail_on, Path(runs))
    if as_json:
        click.echo(auditing.summary(done).model_dump_json(indent=2))
    else:
        show(done)
    return done.code


def show(done: Audited) -> None:
    """Tell each finding with its lines and commands, worst first."""
    from wizara.cli.audit_screen import heading
    from wizara.cli.severities import summed

    for one in done.findings:
        click.echo(heading(one))
        click.echo(f"          {one.title}\n          {one.seen}")
        for line in one.commands.splitlines():
            click.echo(click.style(f"            {line}", dim=sys.stdout.isatty()))
    read = len([*done.case.seen.of("config")])
    words = ngettext("{count} configuration; findings: {found}", "{count} configurations; findings: {found}", read)
    click.echo(words.format(count=read, found=summed(done.counts)))
    click.echo(_("record: {folder}").format(folder=done.folder), err=True)
