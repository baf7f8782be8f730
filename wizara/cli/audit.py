"""``wizara audit``: look at a local network under a mandate, judge what is found, keep the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wizara.cli.audit_screen import say_from_where, say_order, show, tell
from wizara.cli.exported import command as config
from wizara.cli.imported import command as imported
from wizara.cli.new_rule import command as new_rule
from wizara.cli.options import Forked, json_option, lab_option, runs_option
from wizara.text import _, ngettext
from wizara.tree import load

_SEVERITIES = ("critical", "high", "medium", "low", "info")


def _ports(text: str | None) -> tuple[int, ...]:
    """Read ``22,80,1-1000``."""
    if text is None:
        return ()
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = [_port(first), _port(last if dash else first)]
        if not 0 < ends[0] <= ends[1]:
            raise click.UsageError(_("'{text}' are no ports; they are written 22,80,8000-8100").format(text=part))
        found += range(ends[0], ends[1] + 1)
    return _left_out(tuple(dict.fromkeys(found)))


def _port(text: str) -> int:
    """Return the port that *text* is, 0 where it is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return number if number <= 65535 else 0


def _left_out(ports: tuple[int, ...]) -> tuple[int, ...]:
    """Return the *ports* that may be tried, and tell of the others; a usage error when none is left."""
    never = load("audits.lan.ports").FORBIDDEN
    left = tuple(port for port in ports if port not in never)
    if left != ports:
        shown = ", ".join(str(port) for port in ports if port in never)
        told = _("never tried, for printers print what they hear: {ports}").format(ports=shown)
        if not left:
            raise click.UsageError(told)
        click.echo(told, err=True)
    return left


@click.command(cls=Forked)
@click.argument("ministry", required=False)
@click.argument("site", required=False)
@click.option("--lan", "lans", multiple=True, metavar="NAME", help="Only this LAN of the site (repeatable).")
@click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="Audit this network without an inventory (repeatable)."
)
@click.option("--from", "source", metavar="NODE|LAN",
              help="Look from this node of the site, over SSH, or from this LAN, which this computer is in "
                   "(default: here, else a vantage node).")  # fmt: skip
@click.option("--interface", metavar="IF", help="Look from this network interface only.")
@click.option("--mandate", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="The written order (default: mandate.yaml of the inventory).")  # fmt: skip
@click.option("--credentials", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="YAML: device → username, password, enable, host_key, snmp; to read the switches.")  # fmt: skip
@click.option("--profile", type=click.Choice(["polite", "fast"]), default="polite", show_default=True,
              help="How gently: polite sends at most 1,000 frames a second to a LAN and 50 to a host, fast 8,000 and 2,000.")  # fmt: skip
@click.option("--ports", metavar="LIST", help="Try these TCP ports, as 22,80,1-1000, instead of wizara's own list.")
@click.option("--listen", type=click.FloatRange(0, 86400), default=0.0, metavar="SECONDS",
              help="Listen to what is said unasked for so long, at least; it is listened to as long as the audit lasts.")  # fmt: skip
@click.option("--default-logins", "logins", is_flag=True,
              help="Also try logins that everybody knows, if the mandate allows it: "
                   "twice an account and machine, none after a lockout.")  # fmt: skip
@click.option("--passive", is_flag=True, help="Only listen (60 seconds, or as --listen says): not a frame is sent.")
@click.option(
    "--over-wan",
    is_flag=True,
    help="Audit a site from a node of another, over a slow link: little is sent, and slowly.",
)
@click.option("--resume", metavar="RUN", help="Take up this interrupted audit again: what is done is not asked again.")
@click.option(
    "--append", metavar="RUN", help="Add what is seen from here to this audit, which looked from another place."
)
@click.option("--segmentation", is_flag=True,
              help="Try what passes from here to the site's other LANs, and compare it with the declared flows.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(_SEVERITIES), default="high", show_default=True,
              help="Exit with 4 when a finding is at least this severe.")  # fmt: skip
@click.option("--baseline", metavar="RUN", help="Compare with this audit (default: the last one of the same networks).")
@click.option("--propose-inventory", "proposal", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write what was found as a draft of the site's file, to read and keep.")  # fmt: skip
@lab_option
@json_option
@runs_option
def command(ports: str | None, runs: str, fail_on: str, as_json: bool, proposal: Path | None, **choices: Any) -> int:
    """Audit SITE of MINISTRY, or a --network without an inventory."""
    from wizara.cli import auditing, proposing

    order = auditing.Order(runs=Path(runs), ports=_ports(ports), **choices)
    if bool(order.ministry and order.site) == bool(order.networks):
        raise click.UsageError(_("name MINISTRY and SITE, or --network with --interface and --mandate"))
    if order.networks and not (order.interface and order.mandate):
        raise click.UsageError(_("--network needs --interface and --mandate"))
    if order.source and not order.site:
        raise click.UsageError(_("--from needs MINISTRY and SITE"))
    if proposal:
        proposing.refuse_existing(proposal)
    prepared = auditing.prepare(order)
    say_order(prepared)
    say_from_where(prepared)
    try:
        done = auditing.run(prepared, fail_on, tell)
    except KeyboardInterrupt:
        click.echo(_("what was seen is kept: --resume {run} goes on").format(run=prepared.folder.run.id), err=True)
        raise
    if as_json:
        click.echo(auditing.summary(done).model_dump_json(indent=2))
    else:
        show(done)
    if proposal:
        count = proposing.propose(prepared, done, proposal)
        words = ngettext(
            "draft with {count} machine that was not declared: {path}",
            "draft with {count} machines that were not declared: {path}",
            count,
        )
        click.echo(words.format(count=count, path=proposal), err=True)
    return done.code


command.add_command(new_rule, "new-rule")
command.add_command(config, "config")
command.add_command(imported, "import")
