"""What already lives on a machine that wizara meets for the first time: a used server is not a blank one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from pyinfra.api import FactBase, StringCommand

from wizara.blueprint import NodePlan
from wizara.operations.command import program
from wizara.record.progress import PlannedChange, Standing

#: Services that fight with what a part brings, whatever they listen on.
_RIVALS = {
    "names": ("named", "bind9", "dnsmasq", "pdns-recursor", "systemd-resolved"),
    "mail": ("exim4", "sendmail", "opensmtpd", "courier-imap"),
    "node": ("ufw", "firewalld", "netfilter-persistent", "docker", "NetworkManager", "shorewall"),
}
#: Sockets of a plain Debian that nobody misses from outside: DHCP client, NTP client, mDNS, LLMNR.
_QUIET = {"udp/68", "udp/546", "udp/123", "udp/5353", "udp/5355", "udp/323"}

_LOOK = r"""
grep -qs 'wizara' /etc/nftables.conf && echo applied
ss -Htulnp 2>/dev/null | sed 's/^/listen /'
ss -Htnp state established 2>/dev/null | sed 's/^/peer /'
for service in named bind9 dnsmasq pdns-recursor systemd-resolved exim4 sendmail opensmtpd courier-imap \
  ufw firewalld netfilter-persistent docker NetworkManager shorewall; do
  systemctl is-active --quiet "$service" 2>/dev/null && echo "service $service"
done
if command -v nft >/dev/null; then nft list ruleset 2>/dev/null | grep -E '^table' | sed 's/^/rules /'; fi
true
"""


@dataclass(frozen=True)
class Look:
    """What was seen on the machine, before wizara ever applied to it or after."""

    first_time: bool
    sockets: tuple[tuple[str, str, str], ...] = ()
    """(``tcp/5432``, local address, program)"""
    peers: tuple[tuple[str, str, str], ...] = ()
    """(``tcp/5432`` of our side, remote address, program)"""
    services: frozenset[str] = frozenset()
    tables: tuple[str, ...] = ()


class StandingFact(FactBase[Look]):
    """Listening sockets, established peers, rival services and packet-filter tables of a machine."""

    def command(self) -> StringCommand:
        """Return the question."""
        return program(_LOOK)

    def process(self, output: Iterable[str]) -> Look:
        """Return the answer."""
        lines = list(output)
        return Look(
            first_time="applied" not in lines,
            sockets=tuple(_socket(line.split()[1:]) for line in lines if line.startswith("listen ")),
            peers=tuple(_peer(line.split()[1:]) for line in lines if line.startswith("peer ")),
            services=frozenset(line.split()[1] for line in lines if line.startswith("service ")),
            tables=tuple(line.removeprefix("rules table ").rstrip(" {") for line in lines if line.startswith("rules ")),
        )


def _split(endpoint: str) -> tuple[str, str]:
    address, _colon, port = endpoint.rpartition(":")
    return address.strip("[]").partition("%")[0], port


def _program(words: list[str]) -> str:
    found = re.search(r'\(\("([^"]+)"', " ".join(words))
    return found.group(1) if found else "?"


def _socket(words: list[str]) -> tuple[str, str, str]:
    address, port = _split(words[4])
    return f"{words[0]}/{port}", address, _program(words[5:])


def _peer(words: list[str]) -> tuple[str, str, str]:
    _own, port = _split(words[2])
    remote, _port = _split(words[3])
    return f"tcp/{port}", remote, _program(words[4:])


def undeclared(plan: NodePlan, look: Look, changes: Iterable[PlannedChange]) -> tuple[Standing, ...]:
    """Return what a first run on the machine would cut, replace or fight with, and that *plan* does not declare."""
    return (*_sockets(plan, look), *_peers(plan, look), *_conflicts(plan, look), *_replaced(changes))


def _declared(plan: NodePlan) -> set[str]:
    return {str(rule.service) for rule in plan.inbound}


def _is_local(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _sockets(plan: NodePlan, look: Look) -> Iterable[Standing]:
    known = _declared(plan) | _QUIET
    cut: dict[str, set[str]] = {}
    for service, address, process in look.sockets:
        if service not in known and not _is_local(address):
            cut.setdefault(service, set()).add(f"{process} on {address}")
    return [
        Standing(kind="socket", subject=service, detail=", ".join(sorted(what)))
        for service, what in sorted(cut.items())
    ]


def _peers(plan: NodePlan, look: Look) -> Iterable[Standing]:
    listening = {service for service, _address, _program in look.sockets}
    known = _declared(plan)
    cut: dict[str, set[str]] = {}
    for service, remote, process in look.peers:
        if service in listening and service not in known and not _is_local(remote):
            cut.setdefault(service, set()).add(f"{remote} ({process})")
    return [
        Standing(kind="peer", subject=service, detail=", ".join(sorted(who))) for service, who in sorted(cut.items())
    ]


def _conflicts(plan: NodePlan, look: Look) -> Iterable[Standing]:
    rivals = {rival for part in plan.parts for rival in _RIVALS.get(part, ())}
    found = [
        Standing(kind="conflict", subject=name, detail="active service") for name in sorted(look.services & rivals)
    ]
    foreign = [table for table in look.tables if table.split()[-1] != "wizara"]
    if foreign:
        found.append(
            Standing(kind="conflict", subject="firewall", detail="rules already loaded: " + ", ".join(foreign))
        )
    return found


def _replaced(changes: Iterable[PlannedChange]) -> Iterable[Standing]:
    return [Standing(kind="file", subject=one.subject, detail="will be replaced; the original is kept") for one in changes
            if one.operation == "file" and one.kind == "modify"]  # fmt: skip
