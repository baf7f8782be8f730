"""Which connections to try, and what must come of each: permitted ones must pass, undeclared ones must not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from wizara.blueprint import Blueprint
from wizara.inventory.models import Ministry

SAMPLE = (22, 443, 445, 8080)
"""Undeclared services that are tried between institutions."""


@dataclass(frozen=True)
class Way:
    """A TCP connection from a site to an address, and whether it is permitted."""

    source: str
    target: str
    target_name: str
    address: str
    port: int
    purpose: str
    """``flow``, ``undeclared`` or ``management``."""


def permits(blueprint: Blueprint, source: IPv4Address, target: IPv4Address, port: int) -> bool:
    """Say whether a flow of the blueprint lets *source* reach *target* on TCP *port*."""
    return any(
        str(service) == f"tcp/{port}"
        for flow in blueprint.flows
        if any(source in network for network in flow.sources) and any(target in network for network in flow.targets)
        for service in flow.services
    )


def ways(ministry: Ministry, blueprint: Blueprint, sources: dict[str, IPv4Address]) -> Iterator[Way]:
    """Yield what to try from *sources*: site → the address that looks from there."""
    yield from _flows(ministry, blueprint, sources)
    institutions = [name for name, site in ministry.sites.items() if site.kind == "institution"]
    for source in institutions:
        for target in institutions:
            if source != target and source in sources:
                yield from _undeclared(ministry, blueprint, sources[source], source, target)
    for source, address in sources.items():
        for name, plan in blueprint.nodes.items():
            managed = any(address in network for network in plan.management)
            for port in plan.lans:
                if port.address and not managed and (plan.site == source or plan.is_gateway):
                    yield Way(source, plan.site, name, str(port.address.ip), 22, "management")


def _flows(ministry: Ministry, blueprint: Blueprint, sources: dict[str, IPv4Address]) -> Iterator[Way]:
    for flow in blueprint.flows:
        address = sources.get(flow.source_site)
        if address is None or not any(address in network for network in flow.sources):
            continue
        for target in flow.targets:
            for service in flow.services:
                if target.prefixlen == 32 and service.protocol == "tcp":
                    name = _name(ministry, blueprint, target.network_address)
                    yield Way(
                        flow.source_site, flow.target_site, name, str(target.network_address), service.port, "flow"
                    )


def _undeclared(
    ministry: Ministry, blueprint: Blueprint, looks_from: IPv4Address, source: str, target: str
) -> Iterator[Way]:
    site = ministry.sites[target]
    ends = {name: host.address for name, host in site.hosts.items()}
    ends |= {name: port.address for name, node in site.nodes.items() for port in node.ports.values() if port.address}
    for name, address in list(ends.items())[:4]:
        for port in SAMPLE:
            if not permits(blueprint, looks_from, address, port):
                yield Way(source, target, name, str(address), port, "undeclared")


def _name(ministry: Ministry, blueprint: Blueprint, address: IPv4Address) -> str:
    for site in ministry.sites.values():
        for name, host in site.hosts.items():
            if host.address == address:
                return name
    for name, plan in blueprint.nodes.items():
        if any(port.address and port.address.ip == address for port in plan.ports):
            return name
    return str(address)
