"""Derives a lab's networks from a ministry: which namespaces there are, what is plugged in where, and with which addresses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface

from wizara.errors import UsageFault
from wizara.inventory.models import Device, Host, Ministry, Node, Site
from wizara.inventory.types import IPv4Address
from wizara.lab.rehearsal import Figures, Rehearsal
from wizara.text import _

#: Namespaces that every lab has beside those of its nodes and hosts.
CORE, INTERNET, OPERATOR, AUDITOR = "core", "internet", "operator", "auditor"


@dataclass(frozen=True)
class Port:
    """One interface in a namespace."""

    name: str
    mac: str
    address: IPv4Interface | None
    lan: str | None
    """``site.lan`` it is plugged into; None for the near end of a link to the outside."""
    address6: IPv6Interface | None = None


@dataclass(frozen=True)
class Space:
    """One network namespace: a node's, a host's or an observer's."""

    name: str
    ports: tuple[Port, ...]
    routes: tuple[str, ...] = ()
    """Words of ``ip route add``, one route each."""

    def commands(self) -> list[str]:
        """Return the lines of an ``ip -batch`` that give the namespace what the lab wires."""
        lines = ["link set lo up"]
        for port in self.ports:
            lines += [f"addr add {port.address} dev {port.name}"] if port.address else []
            lines += [f"link set {port.name} up"]
            lines += [f"addr add {port.address6} dev {port.name} nodad"] if port.address6 else []
        six = any(port.address6 for port in self.ports)
        return lines + [f"route add {route}" for route in self.routes if six or "::/0" not in route]


@dataclass(frozen=True)
class Link:
    """One routed way from a site to the outside."""

    name: str
    """``site.uplink``."""
    space: str
    port: str
    """The gateway's own port."""
    interface: str
    """Its far end in the internet namespace."""
    near: IPv4Interface
    far: IPv4Interface
    figures: Figures


@dataclass
class Wiring:
    """Everything that is plugged together in one lab."""

    lans: dict[str, str] = field(default_factory=dict)
    """``site.lan`` → its bridge in the core namespace."""
    spaces: dict[str, Space] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)


def wire(ministry: Ministry, rehearsal: Rehearsal) -> Wiring:
    """Return the wiring of *ministry* as it is rehearsed."""
    wiring = Wiring()
    for site_name, site in ministry.sites.items():
        for lan in site.lans:
            key = f"{site_name}.{lan}"
            wiring.lans[key] = key if len(key) <= 15 else f"b{len(wiring.lans)}"
        for name, node in site.nodes.items():
            _add_node(wiring, rehearsal, site_name, name, node, site)
    _add_hosts(wiring, ministry, rehearsal)
    _add_observers(wiring, ministry, rehearsal)
    return wiring


def derived_mac(*parts: str) -> str:
    """Return a locally administered MAC address that always follows from *parts*."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x52, 0x54, *digest[:4]))


def _on(address: IPv4Address, site: Site, lan: str) -> IPv4Interface:
    return IPv4Interface(f"{address}/{site.lans[lan].network.prefixlen}")


def _add_node(wiring: Wiring, rehearsal: Rehearsal, site_name: str, name: str, node: Node, site: Site) -> None:
    ports: list[Port] = []
    routes: list[str] = []
    for label, interface in node.ports.items():
        device = interface.device or label
        mac = interface.mac or derived_mac(name, label)
        if label in site.uplinks:
            uplink = site.uplinks[label]
            metric = f" metric {100 * len(routes)}" if routes else ""
            routes.append(f"default via {uplink.gateway} dev {device}{metric}")
            ports.append(Port(device, mac, uplink.address, None))
            key = f"{site_name}.{label}"
            far = IPv4Interface(f"{uplink.gateway}/{uplink.address.network.prefixlen}")
            outer = key if len(key) <= 15 else f"l{len(wiring.links)}"
            figures = rehearsal.links.get(key, Figures())
            wiring.links[key] = Link(key, name, device, outer, uplink.address, far, figures)
        else:
            address = _on(interface.address, site, label) if interface.address else None
            ports.append(Port(device, mac, address, f"{site_name}.{label}", _six(interface.address6)))
    if not routes:
        routes = _way_out(site, name, [label for label in node.ports if label in site.lans])
    wiring.spaces[name] = Space(name, tuple(ports), tuple(routes))


def _way_out(site: Site, name: str, lans: list[str]) -> list[str]:
    """Return the default route over the site's gateway, over a LAN that is not the administration's where there is one."""
    for lan in sorted(lans, key=lambda lan: site.lans[lan].purpose == "administration"):
        for other, node in site.nodes.items():
            if (
                other != name
                and lan in node.ports
                and node.ports.keys() & site.uplinks.keys()
                and node.ports[lan].address
            ):
                six = node.ports[lan].address6
                return [f"default via {node.ports[lan].address}", *([f"::/0 via {six}"] if six else [])]
    return []


def _six(address: IPv6Address | None) -> IPv6Interface | None:
    return IPv6Interface((address, 64)) if address else None


def _add_hosts(wiring: Wiring, ministry: Ministry, rehearsal: Rehearsal) -> None:
    for site_name, site in ministry.sites.items():
        declared: dict[str, Host | Device] = {**site.hosts, **site.devices}
        for name, host in declared.items():
            if name not in rehearsal.absent:
                place = (site_name, host.lan, host.address, host.mac, host.address6)
                _add_host(wiring, ministry, name, *place)
    for name, resident in rehearsal.population.items():
        if name in wiring.spaces:
            continue
        if not (
            resident.site in ministry.sites and resident.lan in ministry.sites[resident.site].lans and resident.address
        ):
            raise UsageFault(
                _("rehearsal: {name} is not declared, so it needs site, lan and address").format(name=name),
                hint=_("or correct its name"),
            )
        _add_host(wiring, ministry, name, resident.site, resident.lan, resident.address, resident.mac)


def _add_host(
    wiring: Wiring, ministry: Ministry, name: str, site_name: str, lan: str, address: IPv4Address, mac: str | None,
    address6: IPv6Address | None = None,
) -> None:  # fmt: skip
    site = ministry.sites[site_name]
    port = Port("eth0", mac or derived_mac(name, lan), _on(address, site, lan), f"{site_name}.{lan}", _six(address6))
    wiring.spaces[name] = Space(name, (port,), tuple(_way_out(site, name, [lan])))


def _add_observers(wiring: Wiring, ministry: Ministry, rehearsal: Rehearsal) -> None:
    """Add the operator's workstation and the auditor's laptop at headquarters."""
    outside = rehearsal.outside
    operator = [Port("wan", derived_mac(OPERATOR, "wan"), outside.operator, None)]
    headquarters = next((name for name, site in ministry.sites.items() if site.kind == "headquarters"), None)
    if headquarters:
        site = ministry.sites[headquarters]
        administration = next((name for name, lan in site.lans.items() if lan.purpose == "administration"), None)
        office = next((name for name, lan in site.lans.items() if lan.purpose == "office"), None)
        if administration:
            operator.append(_observer(wiring, site, headquarters, administration, "adm", OPERATOR))
        if office:
            port = _observer(wiring, site, headquarters, office, "eth0", AUDITOR)
            wiring.spaces[AUDITOR] = Space(AUDITOR, (port,), tuple(_way_out(site, AUDITOR, [office])))
    # No route to a LAN: the operator never speaks through a tunnel that his own run may change.
    wiring.spaces[OPERATOR] = Space(OPERATOR, tuple(operator), (f"default via {outside.gateway.ip}",))


def _observer(wiring: Wiring, site: Site, site_name: str, lan: str, device: str, name: str) -> Port:
    network = site.lans[lan].network
    used = {port.address.ip for space in wiring.spaces.values() for port in space.ports if port.address}
    free = next(address for number in range(6, network.num_addresses) if (address := network[-number]) not in used)
    six = site.lans[lan].network6
    own6 = IPv6Interface((six[int(free) - int(network.network_address)], 64)) if six else None
    return Port(device, derived_mac(name, lan), _on(free, site, lan), f"{site_name}.{lan}", own6)
