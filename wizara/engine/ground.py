"""The ground that promises are proved on: places to look from, and what collectors may use there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal, TypeVar

import paramiko
from pydantic import JsonValue

from wizara.audit.observation import Kind, Observation, Target, now
from wizara.audit.untrusted import untrusted
from wizara.blueprint import Blueprint
from wizara.engine import PROVISIONER
from wizara.engine.reach import HostKey, Login, Machine, dial
from wizara.errors import Unreachable, WizaraError
from wizara.inventory.models import Ministry
from wizara.inventory.secrets import Secret

State = Literal["open", "closed", "silent"]
Capture = Callable[[str], AbstractContextManager[Path]]
"""Records a link ``site.uplink`` of a lab until the block ends."""
_ItemT = TypeVar("_ItemT")
_ResultT = TypeVar("_ResultT")
_AT_ONCE = 32
_CHANNELS = 5
"""Sessions of one SSH connection: sshd allows ten (MaxSessions), and others need some."""


@dataclass(frozen=True)
class Host:
    """A workstation of a lab, or this computer when *namespace* is None."""

    name: str
    site: str
    address: IPv4Address
    namespace: Path | None
    vantage: str

    def connect(self, address: str, port: int, seconds: float = 10) -> socket.socket:
        """Return a connection made from here; OSError when none comes about."""
        try:
            return dial(address, port, self.namespace, seconds)
        except Unreachable as fault:
            raise fault.__cause__ if isinstance(fault.__cause__, OSError) else OSError(str(fault)) from fault

    def knock(self, address: str, port: int, seconds: float) -> State:
        """Say how *address* takes a TCP connection from here."""
        try:
            self.connect(address, port, seconds).close()
        except ConnectionRefusedError:
            return "closed"
        except OSError:
            return "silent"
        return "open"


#: Connects from an address of its own and answers one word; perl-base is essential in Debian, python3 is not.
_KNOCK = r"""exec perl -MIO::Socket::INET -MErrno -e '
my ($from, $to, $port, $seconds) = @ARGV;
my $made = IO::Socket::INET->new(PeerAddr => $to, PeerPort => $port, LocalAddr => $from, Proto => "tcp", Timeout => $seconds);
print $made ? "open" : $!{ECONNREFUSED} ? "closed" : "silent";
' "$@"
"""


@dataclass(frozen=True)
class Gateway:
    """A gateway of the field that knocks from its LAN address, as a machine of its LAN would."""

    name: str
    site: str
    address: IPv4Address
    machine: Machine
    vantage: str
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_CHANNELS))

    def connect(self, address: str, port: int, seconds: float = 10) -> socket.socket:
        """Return a connection that the gateway makes for us through SSH; OSError when none comes about."""
        return bridged(self.machine.through(address, port, seconds))

    def knock(self, address: str, port: int, seconds: float) -> State | None:
        """Say how *address* takes a TCP connection from the LAN address; None when the gateway cannot try."""
        try:
            with self.turns:
                said = self.machine.run(_KNOCK, str(self.address), address, str(port), str(seconds)).strip()
        except WizaraError:
            return None
        words: dict[str, State] = {"open": "open", "closed": "closed", "silent": "silent"}
        return words.get(said)


Place = Host | Gateway


def bridged(channel: paramiko.Channel) -> socket.socket:
    """Return a real socket whose other end is *channel*: TLS and mail libraries need one."""
    ours, theirs = socket.socketpair()

    def carry(receive: Callable[[int], bytes], send: Callable[[bytes], object], end: Callable[[], object]) -> None:
        try:
            while data := receive(32768):
                send(data)
        except (OSError, EOFError):
            pass
        finally:
            end()

    for one in ((theirs.recv, channel.sendall, channel.close), (channel.recv, theirs.sendall, theirs.close)):
        threading.Thread(target=carry, args=one, daemon=True).start()
    return ours


@dataclass
class Ground:
    """Everything that collectors of promises may use; :meth:`saw` records."""

    run: str
    ministry: Ministry
    blueprint: Blueprint
    nodes: tuple[str, ...]
    """The nodes that promises are asked of."""
    lab: bool
    machines: dict[str, Machine] = field(default_factory=dict)
    """The nodes that let us in."""
    places: tuple[Place, ...] = ()
    """Where connections are tried from: workstations, or gateways in their place."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    capture: Capture | None = None
    foreign: tuple[str, str] | None = None
    """A name outside the ministry, and its address."""
    observations: list[Observation] = field(default_factory=list)
    canary: str = ""
    """What the probe message holds and no link may show."""
    kept: dict[str, bytes] = field(default_factory=dict)
    """Files for the run's folder, by name."""
    progress: Callable[[str, str], None] = lambda _who, _what: None

    def saw(
        self, collector: str, kind: Kind, data: dict[str, JsonValue], *, vantage: str, site: str | None = None,
        ip: str | None = None, port: int | None = None,
    ) -> None:  # fmt: skip
        """Record one observation."""
        target = Target(site=site, ip=ip, port=port, proto="tcp" if port else None)
        self.observations.append(
            Observation(run=self.run, time=now(), collector=collector, vantage=vantage, target=target, kind=kind, data=data)
        )  # fmt: skip

    def ask(self, node: str, script: str, *arguments: str, stdin: str = "") -> str | None:
        """Return what *script* says as root on *node*; None when the node cannot be asked."""
        try:
            return self.machines[node].run_as_root(script, *arguments, stdin=stdin) if node in self.machines else None
        except WizaraError as fault:
            self.progress(node, str(fault))
            return None

    def site(self, name: str) -> Place | None:
        """Return a place of site *name*."""
        return next((place for place in self.places if place.site == name), None)


def each(items: Iterable[_ItemT], action: Callable[[_ItemT], _ResultT]) -> list[_ResultT]:
    """Return what *action* gives for each of *items*, many at a time."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        return list(threads.map(action, items))


def meet(ground: Ground, namespace: Path | None, key: Path | None) -> None:
    """Log in to the nodes of *ground*; who does not answer is an observation."""

    def log_in(node: str) -> tuple[str, Machine | str]:
        plan = ground.blueprint.nodes[node]
        try:
            machine = Machine(str(plan.manage), namespace=namespace)
            machine.log_in(
                Login(PROVISIONER, key_file=key), HostKey.parse(ground.ministry.enrolled.nodes[node].host_key)
            )
        except WizaraError as fault:
            return node, str(fault)
        return node, machine

    for node, found in each(ground.nodes, log_in):
        if isinstance(found, Machine):
            ground.machines[node] = found
        said: dict[str, JsonValue] = {"node": node, "answer": isinstance(found, Machine)}
        said |= {"fault": untrusted(found)} if isinstance(found, str) else {}
        plan = ground.blueprint.nodes[node]
        ground.saw("meet", "reachability", said, vantage="operator", site=plan.site, ip=str(plan.manage), port=22)
