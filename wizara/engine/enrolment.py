"""The first meeting with a machine: look, refuse what cannot work, make our own way in, prove it, then close the first one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wizara.blueprint import NodePlan
from wizara.blueprint.models import PortPlan
from wizara.engine import PROVISIONER, programs
from wizara.engine.reach import HostKey, Login, LoginRefused, Machine
from wizara.errors import Refusal, Unfinished, Unreachable
from wizara.inventory.models import EnrolledNode
from wizara.operations.render import render
from wizara.text import _

_CLOCK_SECONDS = 300
_FREE_KIB = 1024 * 1024
_SETTLE_SECONDS = 15
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Meeting:
    """What is needed to meet one machine."""

    plan: NodePlan
    first: Login
    """The login that the installer left."""
    ours: Login
    """How the provisioning account is logged in to."""
    namespace: Path | None = None
    address: str | None = None
    """Where it answers now, when that is not where it is managed from."""
    met: bool = False
    """True when its key was pinned before: then our own way leads in."""

    def open(self) -> Machine:
        """Connect, and say nothing yet."""
        return Machine(self.address or str(self.plan.manage), namespace=self.namespace)


def enrol(meeting: Meeting, expected: HostKey, pin: Callable[[EnrolledNode], bool], progress: Progress) -> bool:
    """Meet a machine that holds the key *expected*; return whether anything changed, there or in what *pin* writes down.

    Refusal says what hinders, and then nothing was changed. The first way in is closed last, after our own was proved over a new
    connection and pinned, so a meeting that is cut short can always be begun again.
    """
    plan = meeting.plan
    changed = False
    with _come_in(meeting, expected, progress) as machine:
        facts = _look(machine, meeting)
        devices = _devices(plan, facts)
        bare = _bare_ports(plan, facts, devices)
        changed |= _mend_apt(machine, plan, facts)
        progress(_("account {login}").format(login=PROVISIONER))
        changed |= "changed" in machine.run_as_root(programs.SUDO)
        changed |= "changed" in machine.run_as_root(programs.ACCOUNT, PROVISIONER, stdin="\n".join(plan.provisioners))
    progress(_("proving the new way in"))
    with meeting.open() as machine:
        machine.log_in(meeting.ours, expected)
        _prove_root(machine, plan)
        for port in bare:
            progress(_("giving {port} its address {address}").format(port=port.name, address=port.address))
            _give_address(machine, port, devices[port.name], facts.one("network"))
            changed = True
        vpn_key = None
        if plan.tunnel:
            progress(_("the tunnel's key"))
            vpn_key = machine.run_as_root(programs.TUNNEL_KEY, plan.tunnel.device).strip()
        changed |= pin(EnrolledNode(host_key=str(expected), vpn_key=vpn_key, devices=devices))
        progress(_("closing the first way in"))
        changed |= "changed" in machine.run_as_root(programs.CLOSE, stdin=render("node/sshd.conf.j2", {"node": plan}))
    _prove_again(meeting, expected)
    return changed


def _prove_root(machine: Machine, plan: NodePlan) -> None:
    if machine.run_as_root("id -u").strip() != "0":
        raise Refusal(_("{node}: sudo does not give root to {login}").format(node=plan.name, login=PROVISIONER))


def _come_in(meeting: Meeting, expected: HostKey, progress: Progress) -> Machine:
    """Log in by the installer's way, or by our own where an earlier meeting made it; each try over a connection of its own.

    The likelier way comes first: a server counts what fails, and shuts its door for a while after a few.
    """
    ways = (meeting.ours, meeting.first) if meeting.met else (meeting.first, meeting.ours)
    refused: list[LoginRefused | Unfinished] = []
    for way in ways:
        progress(_("logging in as {user}").format(user=way.user))
        machine = meeting.open()
        try:
            machine.log_in(way, expected)
            if way is meeting.ours:
                machine.run_as_root("true")
        except (LoginRefused, Unfinished) as fault:
            machine.close()
            refused.append(fault)
        else:
            return machine
    raise refused[ways.index(meeting.first)]


def _prove_again(meeting: Meeting, expected: HostKey) -> None:
    """Log in once more after the server took its new settings; it may be a moment before it listens again."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        try:
            with meeting.open() as machine:
                return machine.log_in(meeting.ours, expected)
        except Unreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


class Facts:
    """What a machine says of itself: words by their first one."""

    def __init__(self, answer: str) -> None:
        self._words: dict[str, list[list[str]]] = {}
        for line in answer.splitlines():
            if line.strip():
                word, *rest = line.split()
                self._words.setdefault(word, []).append(rest)

    def all(self, word: str) -> list[list[str]]:
        """Return what followed *word*, each time it was said."""
        return self._words.get(word, [])

    def one(self, word: str) -> str:
        """Return the one thing that followed *word*; nothing when it was not said."""
        said = self.all(word)
        return said[0][0] if said and said[0] else ""


def _look(machine: Machine, meeting: Meeting) -> Facts:
    """Return what the machine says of itself, after refusing what cannot work."""
    before = time.time()
    facts = Facts(machine.run(programs.LOOK))
    now = (before + time.time()) / 2
    name = meeting.plan.name
    if facts.one("release") != meeting.plan.release:
        message = _("{node} runs {found}, declared is {declared}")
        raise Refusal(message.format(node=name, found=facts.one("release"), declared=meeting.plan.release))
    skew = int(facts.one("clock")) - now
    if abs(skew) > _CLOCK_SECONDS:
        raise Refusal(
            _("{node}: its clock is {seconds} s off").format(node=name, seconds=round(skew)),
            hint=_("set it first: timedatectl set-time"),
        )
    free = int(facts.one("free"))
    if free < _FREE_KIB:
        raise Refusal(_("{node}: {mib} MiB free on /var, 1024 are needed").format(node=name, mib=free // 1024))
    if not facts.one("sources") and meeting.plan.apt is None:
        raise Refusal(
            _("{node}: its apt has no source but the installer's disc").format(node=name),
            hint=_("declare apt: {mirror, security} in ministry.yaml"),
        )
    _refuse_without_sudo(facts, machine, name)
    return facts


def _refuse_without_sudo(facts: Facts, machine: Machine, name: str) -> None:
    if facts.one("uid") == "0":
        return
    sudo = [words[0] for words in facts.all("sudo")]
    if "absent" in sudo:
        raise Refusal(_("{node} has no sudo").format(node=name), hint=_("log in as root, or install it at the console"))
    if "free" in sudo:
        # It would not read a password, and the program behind it would.
        machine.forget_sudo_password()
        return
    try:
        machine.run_as_root("true")
    except Unfinished as fault:
        raise Refusal(
            _("{node}: this login may not use sudo").format(node=name),
            hint=_("--sudo-password asks for its password"),
        ) from fault


def _mend_apt(machine: Machine, plan: NodePlan, facts: Facts) -> bool:
    arguments = (plan.apt.mirror, plan.apt.security, plan.apt.proxy or "") if plan.apt else ("", "", "")
    return "mended" in machine.run_as_root(programs.MEND_APT, plan.release, *arguments)


def _devices(plan: NodePlan, facts: Facts) -> dict[str, str]:
    """Return port → interface name, for the ports whose MAC was declared and found."""
    by_mac = {words[1]: words[0] for words in facts.all("nic") if len(words) > 1}
    missing = [port.name for port in plan.ports if port.mac and port.mac not in by_mac]
    if missing:
        raise Refusal(
            _("{node}: no interface has the declared MAC of {ports}").format(node=plan.name, ports=", ".join(missing))
        )
    return {port.name: by_mac[port.mac] for port in plan.ports if port.mac}


def _bare_ports(plan: NodePlan, facts: Facts, devices: dict[str, str]) -> tuple[PortPlan, ...]:
    """Return the ports that were found by MAC and have no address yet; the session's own interface has one, and stays as it is."""
    addresses = {words[0]: words[2].split(",") if len(words) > 2 else [] for words in facts.all("nic")}
    session = {name for name, own in addresses.items() if facts.one("session") in own}
    bare = [port for port in plan.ports if port.name in devices and port.address and not addresses[devices[port.name]]]
    bare = [port for port in bare if devices[port.name] not in session]
    if bare and not facts.one("network"):
        names = ", ".join(f"{port.name} ({devices[port.name]})" for port in bare)
        raise Refusal(
            _(
                "{node}: {ports} has no address, and neither ifupdown nor systemd-networkd is there to give it one"
            ).format(node=plan.name, ports=names),
            hint=_("give it its address at the console"),
        )
    return tuple(bare)


def _give_address(machine: Machine, port: PortPlan, device: str, network: str) -> None:
    program = {"networkd": programs.NETWORKD, "ifupdown": programs.IFUPDOWN}[network]
    machine.run_as_root(program, port.name, device, port.mac or "", str(port.address), str(port.next_hop or ""))
