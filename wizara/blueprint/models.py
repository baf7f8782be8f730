"""What follows from a ministry, as frozen values: node plans, zones, tunnels and permitted traffic."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Literal

from wizara.inventory.models import Apt, Part
from wizara.inventory.types import Release, Service


@dataclass(frozen=True)
class Record:
    """One DNS record; *name* is absolute, with the closing dot, *value* in zone-file form."""

    name: str
    type: Literal["A", "AAAA", "PTR", "MX", "TXT", "SRV", "CNAME", "NS", "SOA"]
    value: str


@dataclass(frozen=True)
class Zone:
    """A DNS zone that the ministry's name servers answer for; forward or reverse."""

    name: str
    records: tuple[Record, ...]


@dataclass(frozen=True)
class PermittedFlow:
    """Traffic that may pass between LANs: any of *sources* to any of *targets* on *services*."""

    sources: tuple[IPv4Network, ...]
    targets: tuple[IPv4Network, ...]
    services: tuple[Service, ...]
    source_site: str
    target_site: str
    reason: str
    sources6: tuple[IPv6Network, ...] = ()
    targets6: tuple[IPv6Network, ...] = ()
    declared: bool = False
    """True when a person declared it; False when a part brings it."""


@dataclass(frozen=True)
class PortPlan:
    """A network port of a node as Linux will see it."""

    name: str
    device: str
    kind: Literal["lan", "uplink"]
    address: IPv4Interface | None
    mac: str | None
    purpose: str
    """The LAN's purpose, or the uplink's medium."""
    next_hop: IPv4Address | None = None
    """On an uplink, the operator's router."""
    address6: IPv6Interface | None = None


@dataclass(frozen=True)
class Inbound:
    """One permitted way into a node: from *sources* (none: from anywhere) to *service*."""

    sources: tuple[IPv4Network, ...]
    service: Service
    reason: str
    sources6: tuple[IPv6Network, ...] = ()
    """The same over IPv6; with no *sources* at all it is open to both."""


@dataclass(frozen=True)
class Forward:
    """One permitted way through a gateway."""

    sources: tuple[IPv4Network, ...]
    targets: tuple[IPv4Network, ...]
    service: Service
    reason: str
    sources6: tuple[IPv6Network, ...] = ()
    targets6: tuple[IPv6Network, ...] = ()
    outside: bool = False
    """True when it leaves by an uplink, behind the gateway's own address."""


@dataclass(frozen=True)
class Peer:
    """The other end of a tunnel as seen from one node."""

    node: str
    public_key: str | None
    """None while the peer is not enrolled."""
    allowed: tuple[IPv4Network | IPv6Network, ...]
    endpoint: str | None
    """``address:port``, or None when the peer calls."""


@dataclass(frozen=True)
class Tunnel:
    """A gateway's end of the intranet."""

    address: IPv4Interface
    port: int | None
    """The UDP port it listens on; None for one that only calls."""
    peers: tuple[Peer, ...]
    device: str = "wg0"
    mtu: int = 1420


@dataclass(frozen=True)
class Admin:
    """A person with an administrator's login."""

    login: str
    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Mailbox:
    """A mailbox, its owner's name and everyone who may send as it."""

    local: str
    title: str
    senders: tuple[str, ...]
    """Local parts of the mailboxes whose owners may send under this address, itself included."""


@dataclass(frozen=True)
class MailPlan:
    """What a mail server serves."""

    hostname: str
    domains: tuple[str, ...]
    mailboxes: tuple[Mailbox, ...]
    selector: str
    trusted: tuple[IPv4Network, ...]
    """Networks of the ministry, that clients connect from; they still have to authenticate."""
    speaks6: bool = False
    """True when the server has an IPv6 address."""


@dataclass(frozen=True)
class NamesPlan:
    """What a name server answers, and to whom."""

    zones: tuple[Zone, ...]
    forward: tuple[IPv4Address, ...]
    clients: tuple[IPv4Network | IPv6Network, ...]
    listen: tuple[IPv4Address | IPv6Address, ...]

    @property
    def speaks6(self) -> bool:
        """True when it is asked over IPv6 too."""
        return any(address.version == 6 for address in self.listen)


@dataclass(frozen=True)
class NodePlan:
    """Everything that deploys need to know of one node."""

    name: str
    site: str
    fqdn: str
    domain: str
    release: Release
    parts: tuple[Part, ...]
    manage: IPv4Address
    ports: tuple[PortPlan, ...]
    management: tuple[IPv4Network, ...]
    admins: tuple[Admin, ...]
    provisioners: tuple[str, ...]
    """Public keys that may log in as the provisioning account."""
    resolvers: tuple[IPv4Address, ...]
    time_sources: tuple[IPv4Address, ...]
    time_clients: tuple[IPv4Network | IPv6Network, ...]
    """Networks it serves time to; none means it serves nobody."""
    inbound: tuple[Inbound, ...]
    ministry_networks: tuple[IPv4Network, ...]
    """Every declared LAN and the tunnel network: what may never be seen in clear on an uplink."""
    networks6: tuple[IPv6Network, ...] = ()
    """The IPv6 networks of every declared LAN; none means that the ministry speaks IPv4 only."""
    gateway: str | None = None
    """The node of its site that it reaches the outside through; None for a gateway itself."""
    apt: Apt | None = None
    forwards: tuple[Forward, ...] = ()
    tunnel: Tunnel | None = None
    mail: MailPlan | None = None
    names: NamesPlan | None = None
    vantage: bool = False
    """Audits may look from it."""

    @property
    def uplinks(self) -> tuple[PortPlan, ...]:
        """Its ports that lead outside."""
        return tuple(port for port in self.ports if port.kind == "uplink")

    @property
    def lans(self) -> tuple[PortPlan, ...]:
        """Its ports on LANs."""
        return tuple(port for port in self.ports if port.kind == "lan")

    @property
    def is_gateway(self) -> bool:
        """True when it joins its site's LANs to the outside."""
        return bool(self.uplinks)


@dataclass(frozen=True)
class Blueprint:
    """All that follows from a ministry."""

    ministry: str
    nodes: dict[str, NodePlan] = field(default_factory=dict)
    zones: tuple[Zone, ...] = ()
    flows: tuple[PermittedFlow, ...] = ()
