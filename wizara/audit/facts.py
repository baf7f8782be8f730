"""What a ministry declared about the machines on its LANs, in the form that LAN rules compare with what is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network

from pydantic import Field

from wizara.inventory.models import Device, Host, Ministry, Node, Site
from wizara.inventory.types import IPv4Address
from wizara.record.run import Record


class DeclaredHost(Record):
    """A node, device or host of the inventory, at one address."""

    name: str
    site: str
    lan: str
    address: IPv4Address
    address6: IPv6Address | None = None
    mac: str | None = None
    role: str
    """``node``, a device's platform, or a host's role."""
    os: str | None = None
    """The operating system that it is declared to run; None when that is not known here, and so not judged."""
    services: tuple[str, ...] | None = None
    """What it is declared to serve, as ``tcp/443``; None when that is not known here, and so not judged."""
    tolerated: tuple[str, ...] = ()
    """What it may answer besides: services that its filter lets in, though they are meant for another address of it."""


class DeclaredLan(Record):
    """A local network of the audited site."""

    name: str
    network: IPv4Network


class DeclaredFlow(Record):
    """Traffic that may pass between LANs."""

    sources: tuple[IPv4Network, ...]
    targets: tuple[IPv4Network, ...]
    services: tuple[str, ...]
    """As ``tcp/443``."""


class LanFacts(Record):
    """Everything the LAN rules need beside the observations."""

    site: str | None = None
    networks: tuple[IPv4Network, ...] = ()
    """The networks that were audited."""
    networks6: tuple[IPv6Network, ...] = ()
    """The IPv6 networks of the same LANs, where those have some."""
    hosts: tuple[DeclaredHost, ...] = ()
    elsewhere: tuple[DeclaredHost, ...] = ()
    """The machines of the site's other LANs: one of them may be found here."""
    lans: tuple[DeclaredLan, ...] = ()
    """All LANs of the site, and in *flows* what may pass between them."""
    flows: tuple[DeclaredFlow, ...] = ()
    segmentation: bool = False
    """Whether the audit was asked to try what passes between the LANs."""
    inventory: bool = True
    """False on an auditor's laptop without an inventory: nothing is undeclared or missing there."""
    moment: str = Field(default="1970-01-01T00:00:00+00:00")
    """When the run began (ISO 8601): rules about dates compare with it, so a report can be made again years later."""

    def at(self, ip: str) -> DeclaredHost | None:
        """Return what is declared at *ip*, of either family."""
        return next((host for host in self.hosts if ip in {str(host.address), str(host.address6)}), None)

    def with_mac(self, mac: str | None) -> DeclaredHost | None:
        """Return the machine of the site that is declared with the card *mac*."""
        return next((host for host in (*self.hosts, *self.elsewhere) if mac and host.mac == mac), None)


@dataclass(frozen=True)
class Brought:
    """What the parts of a node serve at one address to the LAN that it stands on."""

    services: tuple[str, ...]
    tolerated: tuple[str, ...]


#: By node and LAN.
Services = Mapping[tuple[str, str], Brought]


def lan_facts(
    ministry: Ministry, site: str, lans: tuple[str, ...], moment: str, node_services: Services | None = None
) -> LanFacts:
    """Return the declared facts of *lans* of *site*; *node_services*: what each node's parts bring to a LAN."""
    declared = ministry.sites[site]
    hosts = [*_nodes(declared, site, node_services or {}), *_others(declared, site)]
    networks = tuple(declared.lans[name].network for name in lans)
    networks6 = tuple(one for one in (declared.lans[name].network6 for name in lans) if one)
    return LanFacts(
        site=site, networks=networks, networks6=networks6, moment=moment,
        hosts=tuple(host for host in hosts if host.lan in lans),
        elsewhere=tuple(host for host in hosts if host.lan not in lans),
    )  # fmt: skip


def _nodes(declared: Site, site: str, brought: Services) -> list[DeclaredHost]:
    def services(name: str, lan: str, node: Node) -> tuple[str, ...] | None:
        found = brought.get((name, lan))
        return (*found.services, *map(str, node.services)) if found else None

    return [
        DeclaredHost(
            name=name,
            site=site,
            lan=port,
            address=interface.address,
            address6=interface.address6,
            mac=interface.mac,
            role="node",
            os=f"debian-{node.release}",
            services=services(name, port, node),
            tolerated=brought[(name, port)].tolerated if (name, port) in brought else (),
        )
        for name, node in declared.nodes.items()
        for port, interface in node.ports.items()
        if port in declared.lans and interface.address
    ]


def _others(declared: Site, site: str) -> list[DeclaredHost]:
    """Return the devices and hosts, which both stand at one address of one LAN."""
    standing: list[tuple[str, Device | Host, str]] = [
        (name, one, one.platform) for name, one in declared.devices.items()
    ]
    standing += [(name, host, host.role) for name, host in declared.hosts.items()]
    return [
        DeclaredHost(
            name=name,
            site=site,
            lan=one.lan,
            address=one.address,
            address6=one.address6,
            mac=one.mac,
            role=role,
            os=one.os if isinstance(one, Host) else None if one.platform == "other" else one.platform,
            services=tuple(map(str, one.services)),
        )
        for name, one, role in standing
    ]
