"""Addresses that lie outside their network or stand twice."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from wizara.errors import UsageFault
from wizara.inventory.cross.whole import Whole, twice
from wizara.inventory.models import Device, Host, Interface, Lan, Node, Site
from wizara.place import Place
from wizara.text import _

Where = tuple[str, tuple[str, ...]]
"""A site, and the path in its file."""


def outside(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each address that its LAN does not hold, and for each LAN that is not there."""
    for name, site in whole.sites.items():
        for node_name, node in site.nodes.items():
            yield from _ports(whole, name, node_name, node)
        machines: tuple[tuple[str, dict[str, Device] | dict[str, Host]], ...]
        machines = (("devices", site.devices), ("hosts", site.hosts))
        for group, members in machines:
            for member_name, member in members.items():
                lan = site.lans.get(member.lan)
                if lan is None:
                    place = whole.site_place(name, group, member_name, "lan")
                    yield whole.unknown(place, _("LAN of this site"), member.lan, site.lans)
                else:
                    place = whole.site_place(name, group, member_name, "address")
                    yield from _within(member.address, lan, place)
                    yield from _within6(member.address6, lan, whole.site_place(name, group, member_name, "address6"))


def _ports(whole: Whole, site_name: str, node_name: str, node: Node) -> Iterator[UsageFault]:
    site = whole.sites[site_name]
    for port, interface in node.ports.items():
        path = ("nodes", node_name, "ports", port)
        if port in site.lans:
            if interface.address is None:
                message = _("a port on a LAN needs its address")
                yield UsageFault(message, place=whole.site_place(site_name, *path, key=True))
            else:
                place = whole.site_place(site_name, *path, "address")
                yield from _within(interface.address, site.lans[port], place)
                yield from _within6(interface.address6, site.lans[port], whole.site_place(site_name, *path, "address6"))
        elif port not in site.uplinks:
            place = whole.site_place(site_name, *path, key=True)
            yield whole.unknown(place, _("LAN or uplink of this site"), port, [*site.lans, *site.uplinks])
        elif interface.address is not None or interface.address6 is not None:
            message = _("the address of an uplink stands with the uplink, not with the port")
            key = "address" if interface.address is not None else "address6"
            yield UsageFault(message, place=whole.site_place(site_name, *path, key))


def _within(address: IPv4Address, lan: Lan, place: Place) -> Iterator[UsageFault]:
    if address not in lan.network:
        message = _("{address} is outside its LAN {network}").format(address=address, network=lan.network)
        yield UsageFault(message, place=place)
    elif lan.network.prefixlen < 31 and address in {lan.network.network_address, lan.network.broadcast_address}:
        message = _("{address} names the whole LAN {network}, no machine on it")
        yield UsageFault(message.format(address=address, network=lan.network), place=place)


def _within6(address: IPv6Address | None, lan: Lan, place: Place) -> Iterator[UsageFault]:
    if address is None:
        return
    if lan.network6 is None:
        yield UsageFault(_("its LAN has no network6"), place=place, hint=_("declare the LAN's IPv6 network, a /64"))
    elif address not in lan.network6:
        message = _("{address} is outside its LAN {network}").format(address=address, network=lan.network6)
        yield UsageFault(message, place=place)
    elif address == lan.network6.network_address:
        message = _("{address} names the whole LAN {network}, no machine on it")
        yield UsageFault(message.format(address=address, network=lan.network6), place=place)


def duplicates(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each address that two machines have; behind address translation a site counts for itself."""
    seen: dict[tuple[IPv4Address | IPv6Address, str], Where] = {}
    for address, scope, where in _addresses(whole):
        first = seen.get((address, "")) or seen.get((address, scope))
        if first:
            what = _("address {address}").format(address=address)
            yield twice(_place(whole, where), _place(whole, first), what)
        else:
            seen[address, scope] = where


def _place(whole: Whole, where: Where) -> Place:
    return whole.site_place(where[0], *where[1])


def _addresses(whole: Whole) -> Iterator[tuple[IPv4Address | IPv6Address, str, Where]]:
    for name, site in whole.sites.items():
        for uplink_name, uplink in site.uplinks.items():
            scope = "" if uplink.nat == "none" else name
            yield uplink.address.ip, scope, (name, ("uplinks", uplink_name, "address"))
        for node_name, node in site.nodes.items():
            for port, interface in node.ports.items():
                if port in site.lans:
                    yield from _both(interface, (name, ("nodes", node_name, "ports", port)))
        for device_name, device in site.devices.items():
            yield from _both(device, (name, ("devices", device_name)))
        for host_name, host in site.hosts.items():
            yield from _both(host, (name, ("hosts", host_name)))
        if site.link:
            yield site.link.address, "", (name, ("link", "address"))


def _both(machine: Interface | Device | Host, where: Where) -> Iterator[tuple[IPv4Address | IPv6Address, str, Where]]:
    if machine.address:
        yield machine.address, "", (where[0], (*where[1], "address"))
    if machine.address6:
        yield machine.address6, "", (where[0], (*where[1], "address6"))


def macs(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each MAC address that two machines have; one node may carry several VLANs on one card."""
    seen: dict[str, tuple[str, Where]] = {}
    for mac, machine, where in _macs(whole):
        first = seen.setdefault(mac, (machine, where))
        if first[0] != machine:
            what = _("MAC address {address}").format(address=mac)
            yield twice(_place(whole, where), _place(whole, first[1]), what)


def _macs(whole: Whole) -> Iterator[tuple[str, str, Where]]:
    for name, site in whole.sites.items():
        for node_name, node in site.nodes.items():
            for port, interface in node.ports.items():
                if interface.mac:
                    yield interface.mac, f"{name}/{node_name}", (name, ("nodes", node_name, "ports", port, "mac"))
        for group, members in (("devices", site.devices), ("hosts", site.hosts)):
            for member_name, member in members.items():
                if member.mac:
                    yield member.mac, f"{name}/{group}/{member_name}", (name, (group, member_name, "mac"))


def manage(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each ``manage`` that is no address of its node, and for each uplink that two nodes have."""
    for name, site in whole.sites.items():
        taken: dict[str, str] = {}
        for node_name, node in site.nodes.items():
            own = _own(site, node)
            if node.manage not in own:
                listed = ", ".join(str(address) for address in own) or "-"
                message = _("{address} is no address of this node ({known})").format(address=node.manage, known=listed)
                yield UsageFault(message, place=whole.site_place(name, "nodes", node_name, "manage"))
            for port in node.ports:
                if port in site.uplinks and taken.setdefault(port, node_name) != node_name:
                    first = whole.site_place(name, "nodes", taken[port], "ports", port, key=True)
                    place = whole.site_place(name, "nodes", node_name, "ports", port, key=True)
                    yield twice(place, first, _("uplink '{name}'").format(name=port))


def _own(site: Site, node: Node) -> list[IPv4Address]:
    own = []
    for port, interface in node.ports.items():
        if port in site.uplinks:
            own.append(site.uplinks[port].address.ip)
        elif interface.address:
            own.append(interface.address)
    return own
