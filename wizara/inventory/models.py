"""What a ministry declares: its sites, LANs, uplinks, nodes, devices, hosts, people, functions and permitted flows."""

# ruff: noqa: RUF012 - pydantic copies a default for each model

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from wizara.inventory.types import (
    Address6,
    Certificate,
    Fqdn,
    HttpUrl,
    InterfaceName,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    Language,
    LanNetwork6,
    Line,
    LocalPart,
    Mac,
    Model,
    Name,
    Port,
    Recipient,
    Release,
    Service,
    SshPublicKey,
    Titles,
    Vlan,
    WireguardKey,
)

Part = Literal["node", "names", "mail", "intranet"]


class Person(Model):
    """Somebody of the ministry; the key in ``people`` is his login."""

    name: Titles
    site: Name
    mail: LocalPart
    ssh_keys: tuple[SshPublicKey, ...] = ()


class Function(Model):
    """A post with a mailbox, whoever holds it; the key in ``functions`` is its local part."""

    title: Titles
    holder: Name
    deputies: tuple[Name, ...] = ()


class Apt(Model):
    """Where nodes fetch Debian packages; without it a node's own sources stay."""

    mirror: HttpUrl
    security: HttpUrl
    proxy: HttpUrl | None = None


class Intranet(Model):
    """The hub-and-spoke network that joins the institutions to headquarters."""

    hub: Name
    """The gateway node that is the hub."""
    network: IPv4Network
    """Addresses of the tunnel ends."""
    port: Port = 51820
    """UDP port of the hub."""


class Dns(Model):
    """How names outside the ministry are resolved."""

    forward: tuple[IPv4Address, ...] = ()
    """Resolvers asked for foreign names; none means recursion from the root."""


class Mail(Model):
    """The ministry's mail system, ministry-wide settings."""

    selector: Name = "wz1"
    """DKIM selector (RFC 6376)."""
    probe: LocalPart = "probe"
    """Mailbox that proofs write to."""


class Flow(Model):
    """Declared permitted traffic; everything else between sites is refused."""

    source: Name = Field(alias="from")
    """A site, or a node or host by name."""
    target: Name = Field(alias="to")
    """A site, or a node or host by name."""
    services: tuple[Service, ...]
    reason: Line


class Lan(Model):
    """One local network of a site."""

    network: IPv4Network
    network6: LanNetwork6 | None = None
    """Its IPv6 network, where it has one; names, filters and tunnels then carry both."""
    purpose: Literal["administration", "servers", "office", "guests"] = "office"
    vlan: Vlan | None = None


class Uplink(Model):
    """One way from a site to the outside."""

    medium: Literal["fibre", "4g", "vsat", "metered"] = Field(alias="class")
    address: IPv4Interface
    """The gateway's own address with prefix length."""
    gateway: IPv4Address
    """The operator's next hop."""
    nat: Literal["none", "spoke", "cgnat"] = "none"


class Interface(Model):
    """One port of a node, named after the LAN or uplink it is plugged into."""

    address: IPv4Address | None = None
    """Its address on a LAN; an uplink's address is declared with the uplink."""
    address6: Address6 | None = None
    mac: Mac | None = None
    device: InterfaceName | None = None
    """The name Linux gives it; found by MAC at enrolment when absent, else the port's own name."""


class Node(Model):
    """A Linux machine that wizara runs deploys on."""

    release: Release
    parts: tuple[Part, ...] = ("node",)
    manage: IPv4Address
    """The address that provisioning speaks to."""
    ports: dict[Name, Interface]
    mail_domains: tuple[Fqdn, ...] = ()
    """Domains it receives mail for; none means the ministry's, when it has the part ``mail``."""
    services: tuple[Service, ...] = ()
    """Further services that other LANs may reach, beyond those its parts bring."""
    vantage: bool = False
    """Audits may look from it at the LANs it is plugged into; then it gets Debian's python3."""


class Snmp(Model):
    """How the tables of a device are read by SNMP; its community or passphrases are secrets, and stand elsewhere."""

    version: Literal["2c", "3"]
    user: Name | None = None
    """The user of version 3 (RFC 3414); the device's ``username`` when absent."""
    authentication: Literal["sha", "sha224", "sha256", "sha384", "sha512"] = "sha256"
    privacy: Literal["aes128", "aes192", "aes256", "none"] = "aes128"
    """``none`` is authentication without encryption (authNoPriv)."""


class Device(Model):
    """A switch or router reached by its command line, by SNMP, or by both."""

    platform: Literal["cisco_ios", "huawei_vrp", "mikrotik_routeros", "fortinet", "hp_comware", "aruba_aoscx", "other"]
    lan: Name
    address: IPv4Address
    address6: Address6 | None = None
    mac: Mac | None = None
    username: Name = "audit"
    access: Literal["ssh", "telnet", "legacy-ssh"] = "ssh"
    """How it is read: Telnet, or SSH with algorithms of old, only where it can do no better; each is a finding."""
    snmp: Snmp | None = None
    """Where it is declared, neighbours, address tables and bundles are read by SNMP, too."""
    services: tuple[Service, ...] = ()


class Host(Model):
    """Any other machine on a LAN that the ministry knows."""

    lan: Name
    address: IPv4Address
    address6: Address6 | None = None
    mac: Mac | None = None
    role: Literal["workstation", "printer", "camera", "phone", "server", "controller"] = "workstation"
    os: Literal["debian", "ubuntu", "linux", "windows", "macos", "freebsd", "embedded"] | None = None
    """What it is expected to run; judged where the machine says what it runs."""
    services: tuple[Service, ...] = ()
    """What it is expected to serve."""


class Link(Model):
    """The tunnel from an institution's gateway to the hub."""

    uplink: Name
    address: IPv4Address
    """The institution's end, within ``intranet.network``."""


class Site(Model):
    """Headquarters or an institution."""

    title: Titles
    kind: Literal["headquarters", "institution"]
    lans: dict[Name, Lan]
    uplinks: dict[Name, Uplink] = {}
    nodes: dict[Name, Node] = {}
    devices: dict[Name, Device] = {}
    hosts: dict[Name, Host] = {}
    link: Link | None = None


class EnrolledNode(Model):
    """What wizara learned of a node at enrolment."""

    host_key: SshPublicKey
    vpn_key: WireguardKey | None = None
    devices: dict[Name, InterfaceName] = {}
    """Port name → interface name, where it was found by MAC."""


class Dkim(Model):
    """The public half of a mail domain's signing key."""

    selector: Name
    public: str = Field(pattern=r"^[A-Za-z0-9+/]{100,800}={0,2}$")
    """Base64 of the DER SubjectPublicKeyInfo (RFC 6376 ``p=``)."""


class Enrolled(Model):
    """``enrolled.yaml``: written by wizara only, whole."""

    nodes: dict[Name, EnrolledNode] = {}
    dkim: dict[Fqdn, Dkim] = {}
    authority: Certificate | None = None
    """The ministry's CA certificate, PEM."""
    operator_keys: tuple[SshPublicKey, ...] = ()
    """Further keys that may provision: in a lab, those of its operator."""
    recipients: tuple[Recipient, ...] = ()
    """Further recipients of secrets: in a lab, its own identity."""


class Declaration(Model):
    """``ministry.yaml``: what holds for the whole ministry."""

    name: Name
    title: Titles
    country: str = Field(pattern=r"^[A-Z]{2}$")
    """ISO 3166-1 alpha-2."""
    domain: Fqdn
    languages: tuple[Language, ...] = ("fr",)
    management: tuple[IPv4Network, ...]
    """Networks that may reach SSH on every node."""
    engineers: tuple[Name, ...]
    """People with an administrator's login on every node."""
    recipients: tuple[Recipient, ...] = ()
    """Who can open the secrets."""
    apt: Apt | None = None
    dns: Dns = Dns()
    mail: Mail = Mail()
    intranet: Intranet | None = None
    people: dict[Name, Person]
    functions: dict[LocalPart, Function] = {}
    flows: tuple[Flow, ...] = ()


class Ministry(Model):
    """A whole ministry as it was read: the declaration, its sites, and what was enrolled."""

    declaration: Declaration
    sites: dict[Name, Site]
    enrolled: Enrolled = Enrolled()
    folder: str
    """Where it was read from."""

    @property
    def name(self) -> str:
        """The ministry's short name."""
        return self.declaration.name

    def nodes(self) -> Iterator[tuple[str, str, Node]]:
        """Yield (site, name, node) of every node, in declared order."""
        for site_name, site in self.sites.items():
            for name, node in site.nodes.items():
                yield site_name, name, node
