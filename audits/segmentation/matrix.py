"""Which connections show what passes from one LAN of a site to another, and which of them are permitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from audits.lan.ports import FORBIDDEN
from wizara.audit.facts import DeclaredHost, LanFacts

PORTS = (21, 22, 23, 25, 53, 80, 110, 139, 143, 389, 443, 445, 993, 1433, 3306, 3389, 5432, 5900, 8080, 8443)
"""Tried at each machine, with those it is declared to serve."""
FRAGILE = frozenset({"printer", "controller"})
"""Roles of machines that are never tried."""
MOST = 8
"""Machines of a LAN that are tried."""


@dataclass(frozen=True)
class Way:
    """A TCP connection from a LAN to a machine of another."""

    source: str
    target: str
    name: str
    ip: str
    port: int


def ways(facts: LanFacts, source: str) -> Iterator[Way]:
    """Yield what to try from the LAN *source*."""
    for lan in facts.lans:
        if lan.name != source:
            for host in standing(facts, lan.name)[:MOST]:
                for port in ports(host):
                    yield Way(source, lan.name, host.name, str(host.address), port)


def standing(facts: LanFacts, lan: str) -> list[DeclaredHost]:
    """Return the machines of *lan* that may be tried, those that are declared to serve something first."""
    hosts = [one for one in (*facts.hosts, *facts.elsewhere) if one.lan == lan and one.role not in FRAGILE]
    return sorted(hosts, key=lambda one: not one.services)


def ports(host: DeclaredHost) -> tuple[int, ...]:
    """Return the TCP ports that are tried at *host*."""
    served = {int(one.removeprefix("tcp/")) for one in host.services or () if one.startswith("tcp/")}
    return tuple(sorted({*PORTS, *served} - FORBIDDEN))


def permits(facts: LanFacts, source: str, ip: str, port: int) -> Literal["all", "some", "none"]:
    """Say whether declared flows let all machines of the LAN *source* reach TCP *port* of *ip*, or some of them only."""
    network = next(one.network for one in facts.lans if one.name == source)
    address = IPv4Address(ip)
    sources = [
        one
        for flow in facts.flows
        if f"tcp/{port}" in flow.services and any(address in target for target in flow.targets)
        for one in flow.sources
        if network.overlaps(one)
    ]
    if any(network.subnet_of(one) for one in sources):
        return "all"
    return "some" if sources else "none"
