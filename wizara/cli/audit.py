"""``wizara audit``: look at a local network under a mandate, judge what is found, keep the evidence."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.exported import command as config
from wizara.cli.new_rule import command as new_rule
from wizara.cli.options import Forked, json_option, lab_option, runs_option
from wizara.text import _, ngettext

if TYPE_CHECKING:
    from wizara.audit.observation import Observation
    from wizara.cli.auditing import Audited, Prepared
    from wizara.report.data import FindingData

_SEVERITIES = ("critical", "high", "medium", "low", "info")
_COLOURS = {"critical": "magenta", "high": "red", "medium": "yellow", "low": "blue", "info": "white"}


@click.command(cls=Forked)
@click.argument("ministry", required=False)
@click.argument("site", required=False)
@click.option("--lan", "lans", multiple=True, metavar="NAME", help="Only this LAN of the site (repeatable).")
@click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="Audit this network without an inventory (repeatable)."
)
@click.option("--from", "source", metavar="NODE",
              help="Look from this node of the site, over SSH (default: from here, else from a node with vantage: true).")  # fmt: skip
@click.option("--interface", metavar="IF", help="Look from this network interface only.")
@click.option("--mandate", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="The written order (default: mandate.yaml of the inventory).")  # fmt: skip
@click.option("--credentials", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="YAML: device → username, password, enable, host_key; to read the switches.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(_SEVERITIES), default="high", show_default=True,
              help="Exit with 4 when a finding is at least this severe.")  # fmt: skip
@lab_option
@json_option
@runs_option
def command(
    ministry: str | None, site: str | None, lans: tuple[str, ...], networks: tuple[str, ...], source: str | None,
    interface: str | None, mandate: Path | None, credentials: Path | None, fail_on: str, lab: str | None, as_json: bool, runs: str,
) -> int:  # fmt: skip
    """Audit SITE of MINISTRY, or a --network without an inventory."""
    from wizara.cli import auditing

    if bool(ministry and site) == bool(networks):
        raise click.UsageError(_("name MINISTRY and SITE, or --network with --interface and --mandate"))
    if networks and not (interface and mandate):
        raise click.UsageError(_("--network needs --interface and --mandate"))
    if source and not site:
        raise click.UsageError(_("--from needs MINISTRY and SITE"))
    order = auditing.Order(ministry, site, lans, networks, interface, mandate, credentials, lab, Path(runs), source)
    prepared = auditing.prepare(order)
    click.echo(_("world: {world}").format(world=prepared.world), err=True)
    if mandate_ := prepared.record.mandate:
        words = _("mandate: {reference}, {commissioner}")
        click.echo(words.format(reference=mandate_.reference, commissioner=mandate_.commissioner), err=True)
    _say_from_where(prepared)
    done = auditing.run(prepared, fail_on, _progress)
    if as_json:
        click.echo(auditing.summary(done).model_dump_json(indent=2))
    else:
        _show(done)
    return done.code


command.add_command(new_rule, "new-rule")
command.add_command(config, "config")


def _say_from_where(prepared: Prepared) -> None:
    """One line for each place that is looked from, and for what cannot be looked at."""
    for view in prepared.record.views:
        where = _("{node}, over SSH").format(node=view.vantage) if view.station else _(view.vantage)
        networks = ", ".join(map(str, view.networks))
        click.echo(_("looking from {place}: {networks}").format(place=where, networks=networks), err=True)
    if prepared.unseen:
        words = _("not looked at, for this computer is not attached and no met node with vantage: true is: {networks}")
        click.echo(words.format(networks=", ".join(map(str, prepared.unseen))), err=True)


def _progress(seen: Observation) -> None:
    """One plain line for each thing that takes time."""
    if seen.kind == "sweep" and seen.flag("on_link"):
        living = seen.number("living") or 0
        click.echo(
            ngettext("{network}: {living} machine answered", "{network}: {living} machines answered", living).format(
                network=seen.text("network"), living=living
            ),
            err=True,
        )
    elif seen.kind == "ports" and seen.data.get("open"):
        click.echo(_("{address}: open {ports}").format(address=seen.target.ip, ports=seen.data["open"]), err=True)


def _show(done: Audited) -> None:
    for finding in done.findings:
        accepted = _(" (accepted risk)") if finding.status == "accepted" else ""
        click.echo(heading(finding))
        click.echo(f"          {finding.title}{accepted}\n          {finding.seen}")
    for fault in done.faults:
        click.echo(_("not seen to the end: {fault}").format(fault=fault), err=True)
    counts = ", ".join(f"{count} {name}" for name, count in done.counts.items() if count) or _("none")
    click.echo(
        _("findings: {counts}; proven: {proofs}; not known: {unknown}").format(
            counts=counts, proofs=done.proofs, unknown=done.unknown
        )
    )
    click.echo(_("record: {folder}").format(folder=done.folder), err=True)
    kept = done.folder.parent
    beside = "" if Path("runs").resolve() == kept.resolve() else f" --runs {shlex.quote(str(kept))}"
    command = f"wizara report last --lang fr,en,ar --format html,pdf{beside}"
    click.echo(_("next: {command}").format(command=command), err=True)


def heading(finding: FindingData) -> str:
    """Return the line that a finding begins with: how severe, which, where."""
    subject = finding.subject
    where = " ".join(part for part in (subject.name, subject.ip or "", subject.service or "") if part)
    colour = _COLOURS[finding.severity] if _colours() else None
    return f"{click.style(f'{finding.severity:<8}', fg=colour)}  {finding.id}  {where}"


def _colours() -> bool:
    import os

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
