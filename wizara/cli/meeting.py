"""How the CLI meets one machine: whose word stands for its key, which login comes first, what is written down."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from wizara.blueprint import derive
from wizara.cli.world import Scene
from wizara.engine import PROVISIONER
from wizara.engine.enrolment import Meeting, enrol
from wizara.engine.reach import HostKey, Login
from wizara.errors import Refusal, UsageFault
from wizara.inventory import load
from wizara.inventory.enrolled import write_enrolled
from wizara.inventory.models import EnrolledNode
from wizara.inventory.secrets import Secret
from wizara.text import _

#: Machines may be met side by side; the file is written by one at a time.
_WRITING = threading.Lock()


@dataclass(frozen=True)
class Host:
    """A machine to be met."""

    node: str
    login: Login | None
    """The first login; None in a lab, which knows it."""
    address: str | None = None
    fingerprint: str | None = None


def ask_login(user: str, key: Path | None, *, sudo: bool) -> Login:
    """Return the first login; a password is asked on the terminal and kept in memory only."""
    if key is None and not sys.stdin.isatty():
        raise UsageFault(_("there is no terminal to ask for a password on"), hint=_("--key FILE logs in by key"))
    password = (
        None if key else Secret(click.prompt(_("password of {user}").format(user=user), hide_input=True, err=True))
    )
    wanted = (
        Secret(click.prompt(_("password that sudo asks {user} for").format(user=user), hide_input=True, err=True))
        if sudo
        else None
    )
    return Login(user, key, password, wanted or (password if user != "root" else None))


@dataclass(frozen=True)
class Appointment:
    """A meeting whose host key somebody vouches for; nothing more has to be asked."""

    host: Host
    meeting: Meeting
    expected: HostKey


def arrange(scene: Scene, host: Host, agree: Callable[[Host, HostKey], None]) -> Appointment:
    """Find out which host key the machine must hold; this may ask a person."""
    plan = derive(scene.ministry).nodes[host.node]
    first, known = _first_way(scene, host)
    pinned = scene.ministry.enrolled.nodes.get(host.node)
    ours = Login(PROVISIONER, scene.ssh_key)
    meeting = Meeting(plan, first, ours, scene.world.namespace, host.address, met=pinned is not None)
    return Appointment(
        host, meeting, _expected(meeting, host, HostKey.parse(pinned.host_key) if pinned else known, agree)
    )


def meet(scene: Scene, appointment: Appointment, progress: Callable[[str], None]) -> bool:
    """Meet one machine and write down what was learned of it; return whether anything changed."""
    name = appointment.host.node
    return enrol(appointment.meeting, appointment.expected, lambda node: _write_down(scene, name, node), progress)


def _first_way(scene: Scene, host: Host) -> tuple[Login, HostKey | None]:
    """Return the first login, and in a lab the host key that its console shows."""
    if host.login:
        return host.login, None
    from wizara.lab import find, rehearsal

    assert scene.world.name is not None
    lab = find(scene.world.name)
    left = rehearsal.read(lab.kept.folder).logins.get(host.node, rehearsal.Login(key=True))
    password = Secret(left.password) if left.password else None
    login = Login(
        left.user,
        lab.folder / "operator_ed25519" if left.key else None,
        None if left.key else password,
        password if left.sudo == "password" else None,
    )
    return login, HostKey.parse((lab.folder / "machines" / host.node / "host_key.pub").read_text())


def _expected(meeting: Meeting, host: Host, known: HostKey | None, agree: Callable[[Host, HostKey], None]) -> HostKey:
    """Return the host key that the machine must hold; nothing is sent to one that shows another.

    A fingerprint that was read at the console and given counts more than what was pinned: the machine may have been reinstalled.
    """
    wanted = host.fingerprint.removeprefix("SHA256:").rstrip("=") if host.fingerprint else None
    if known and wanted in {None, known.fingerprint.removeprefix("SHA256:")}:
        return known
    with meeting.open() as machine:
        seen = machine.host_key
    if wanted is None:
        agree(host, seen)
    elif wanted != seen.fingerprint.removeprefix("SHA256:"):
        message = _("{node} shows {seen}, not {expected}: no login was tried")
        raise Refusal(message.format(node=host.node, seen=seen.fingerprint, expected=host.fingerprint))
    return seen


def _write_down(scene: Scene, name: str, node: EnrolledNode) -> bool:
    """Write what was learned into enrolled.yaml, read afresh; return whether it was news."""
    with _WRITING:
        now = load(scene.folder, enrolled=scene.enrolled).enrolled
        if now.nodes.get(name) == node:
            return False
        write_enrolled(scene.enrolled, now.model_copy(update={"nodes": {**now.nodes, name: node}}))
        return True
