"""``wizara enrol``: the first meeting with machines."""

from __future__ import annotations

import queue
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import lab_option, ministry_argument
from wizara.errors import ExitCode, Interrupted, UsageFault, WizaraError, worst
from wizara.text import _

if TYPE_CHECKING:
    from wizara.cli.meeting import Appointment, Host
    from wizara.cli.world import Scene
    from wizara.engine.reach import HostKey

_AT_ONCE = 8


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
    from wizara.cli.meeting import Host, arrange, ask_login
    from wizara.cli.provision import safe
    from wizara.cli.world import chosen, scene

    found = scene(ministry, lab)
    names = chosen(found.ministry, nodes)
    if (address or fingerprint) and len(names) != 1:
        raise UsageFault(_("--address and --fingerprint are for one node"))
    click.echo(
        _("{verb} {ministry} — {world}").format(verb="enrol", ministry=found.ministry.name, world=found.world), err=True
    )
    asked = None if found.world.is_lab else ask_login(user, Path(key) if key else None, sudo=sudo_password)
    codes: list[ExitCode] = []
    appointments: list[Appointment] = []
    for name in names:
        try:
            appointments.append(arrange(found, Host(name, asked, address, fingerprint), _agree))
        except Interrupted:
            raise
        except WizaraError as fault:
            click.echo(f"{name}: {fault}", err=True)
            codes.append(fault.code)
    ends = _side_by_side(found, appointments)
    for name, end in ends.items():
        click.echo(
            f"{name}: {end}" if isinstance(end, str) else f"{name}: {safe(str(end))}", err=not isinstance(end, str)
        )
    codes += [end.code for end in ends.values() if isinstance(end, WizaraError)]
    return worst(codes)


def _side_by_side(scene: Scene, appointments: list[Appointment]) -> dict[str, str | WizaraError]:
    """Meet all at once; return node → what came of it, in words or as the fault that it was.

    The threads are daemons: an interrupted enrolment ends at once, and is completed by the next one.
    """
    from wizara.cli.meeting import meet
    from wizara.cli.progress import Board

    ends: queue.Queue[tuple[str, str | WizaraError]] = queue.Queue()
    slots = threading.Semaphore(_AT_ONCE)

    def one(appointment: Appointment, board: Board) -> None:
        name = appointment.host.node
        try:
            with slots:
                board.step(name, _("connecting"))
                changed = meet(scene, appointment, lambda words: board.step(name, words))
            ends.put((name, _("enrolled") if changed else _("already enrolled, nothing changed")))
        except WizaraError as fault:
            ends.put((name, fault))
        except Exception as fault:  # noqa: BLE001 - one machine's trouble is told, and stops no other
            ends.put((name, WizaraError(f"{type(fault).__name__}: {fault}")))

    found: dict[str, str | WizaraError] = {}
    with Board() as board:
        for appointment in appointments:
            threading.Thread(target=one, args=(appointment, board), daemon=True).start()
        for _each in appointments:
            name, end = ends.get()
            found[name] = end
            board.step(name, end if isinstance(end, str) else _("failed"), done=True)
    return {one.host.node: found[one.host.node] for one in appointments}


def _agree(host: Host, key: HostKey) -> None:
    """Ask a person whether the machine's console shows the same fingerprint."""
    kind = "ed25519" if key.kind == "ssh-ed25519" else "rsa"
    click.echo(
        _("{node} shows the host key {fingerprint}").format(node=host.node, fingerprint=key.fingerprint), err=True
    )
    words = _("compare it with what the machine's own console prints: {command}")
    click.echo(words.format(command=f"ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub"), err=True)
    if not sys.stdin.isatty():
        raise UsageFault(_("there is no terminal to ask on"), hint=_("--fingerprint SHA256:… says what to expect"))
    if not click.confirm(_("are they the same?"), err=True):
        raise Interrupted(_("nothing was sent to the machine"))
