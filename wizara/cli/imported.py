"""``wizara audit import``: judge what nmap found elsewhere, with the inventory where there is one; nothing is contacted."""

from __future__ import annotations

from pathlib import Path

import click

from wizara.cli.options import json_option, runs_option
from wizara.text import _, ngettext


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("ministry", required=False)
@click.argument("site", required=False)
@click.option("--fail-on", type=click.Choice(("critical", "high", "medium", "low", "info")), default="high",
              show_default=True, help="Exit with 4 when a finding is at least this severe.")  # fmt: skip
@json_option
@runs_option
def command(file: Path, ministry: str | None, site: str | None, fail_on: str, as_json: bool, runs: str) -> int:
    """Judge FILE, the XML output of nmap (-oX), beside SITE of MINISTRY where they are named."""
    from wizara.cli import auditing
    from wizara.cli.audit_screen import show
    from wizara.cli.files import judge_scan

    if bool(ministry) != bool(site):
        raise click.UsageError(_("name both MINISTRY and SITE, or neither"))
    done = judge_scan(file, ministry, site, fail_on, Path(runs))
    hosts = len({one.target.ip for one in done.case.seen.answered("host")})
    click.echo(
        ngettext("{count} machine in the file", "{count} machines in the file", hosts).format(count=hosts), err=True
    )
    click.echo(_("ports and greetings are judged; what nmap's own services and scripts say is not read"), err=True)
    if as_json:
        click.echo(auditing.summary(done).model_dump_json(indent=2))
    else:
        show(done)
    return done.code
