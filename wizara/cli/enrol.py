"""``wizara enrol``: the first meeting with machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import lab_option, ministry_argument
from wizara.errors import ExitCode, Interrupted, UsageFault, WizaraError, worst
from wizara.text import _

if TYPE_CHECKING:
    from wizara.cli.meeting import Host


@click.command()
@ministry_argument
@click.argument("nodes", nargs=-1)
@lab_option
@click.option("--user", default="root", show_default=True, help="The login that the installer left.")
@click.option(
    "--key", type=click.Path(dir_okay=False, exists=True), help="Its private key; without one a password is asked for."
)
@click.option("--sudo-password", is_flag=True, help="Ask for the password that its sudo wants.")
@click.option("--address", help="Where the machine answers now, when that is not where it is managed from (one node).")
@click.option("--fingerprint", help="Its host key, SHA256:…, read at the console; without it you are asked (one node).")
def command(
    ministry: str, nodes: tuple[str, ...], lab: str | None, user: str, key: str | None, sudo_password: bool, address: str | None,
    fingerprint: str | None,
) -> int:  # fmt: skip
    """Meet the NODES of MINISTRY for the first time: check and pin their host keys, create the provisioning account, prove it."""
    from wizara.cli.meeting import Host, ask_login, meet
    from wizara.cli.world import chosen, scene

    found = scene(ministry, lab)
    names = chosen(found.ministry, nodes)
    if (address or fingerprint) and len(names) != 1:
        raise UsageFault(_("--address and --fingerprint are for one node"))
    click.echo(
        _("{verb} {ministry} — {world}").format(verb="enrol", ministry=found.ministry.name, world=found.world), err=True
    )
    asked = None if found.world.is_lab else ask_login(user, Path(key) if key else None, sudo=sudo_password)
    codes = []
    for name in names:
        try:
            codes.append(meet(found, Host(name, asked, address, fingerprint), _agree))
        except Interrupted:
            raise
        except WizaraError as fault:
            click.echo(f"{name}: {fault}", err=True)
            codes.append(fault.code)
    return worst(codes) if codes else ExitCode.DONE


def _agree(host: Host, fingerprint: str) -> None:
    """Ask a person whether the machine's console shows the same fingerprint."""
    click.echo(_("{node} shows the host key {fingerprint}").format(node=host.node, fingerprint=fingerprint), err=True)
    click.echo(
        _("compare it with what the machine's own console prints: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"),
        err=True,
    )
    if not sys.stdin.isatty():
        raise UsageFault(_("there is no terminal to ask on"), hint=_("--fingerprint SHA256:… says what to expect"))
    if not click.confirm(_("are they the same?"), err=True):
        raise Interrupted(_("nothing was sent to the machine"))
