"""Who is where: addresses, names and networks looked up by the names people use in an inventory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Network

from wizara.inventory.models import Ministry, Node, Site


@dataclass(frozen=True)
class Directory:
    """Look-ups over one ministry."""

    ministry: Ministry

    @cached_property
    def node_sites(self) -> dict[str, str]:
        """Node name → site name."""
        return {name: site for site, name, _node in self.ministry.nodes()}

    @cached_property
    def hosts(self) -> dict[str, tuple[str, IPv4Address]]:
        """Host or device name → (site name, address)."""
        found: dict[str, tuple[str, IPv4Address]] = {}
        for site_name, site in self.ministry.sites.items():
            found.update({name: (site_name, host.address) for name, host in site.hosts.items()})
            found.update({name: (site_name, device.address) for name, device in site.devices.items()})
        return found

    @cached_property
    def ministry_networks(self) -> tuple[IPv4Network, ...]:
        """Every LAN and the tunnel network, sorted."""
        networks = {lan.network for site in self.ministry.sites.values() for lan in site.lans.values()}
        if self.ministry.declaration.intranet:
            networks.add(self.ministry.declaration.intranet.network)
        return tuple(sorted(networks))

    @cached_property
    def hosts6(self) -> dict[str, IPv6Address]:
        """Host or device name → IPv6 address, of those that have one."""
        found: dict[str, IPv6Address] = {}
        for site in self.ministry.sites.values():
            found.update({name: host.address6 for name, host in site.hosts.items() if host.address6})
            found.update({name: device.address6 for name, device in site.devices.items() if device.address6})
        return found

    @cached_property
    def networks6(self) -> tuple[IPv6Network, ...]:
        """The IPv6 network of every LAN that has one, sorted."""
        return tuple(sorted({network for site in self.ministry.sites.values() for network in site_networks6(site)}))

    def node(self, name: str) -> Node:
        """Return the declared node *name*."""
        return self.ministry.sites[self.node_sites[name]].nodes[name]

    def fqdn(self, name: str, site: str) -> str:
        """Return the full name of a node or host of *site*."""
        return f"{name}.{site}.{self.ministry.declaration.domain}"

    def service_address(self, name: str) -> IPv4Address:
        """Return the address that others reach node *name* at: on a LAN for servers before any other, never an uplink."""
        port = self._service_port(name)
        node = self.node(name)
        return (node.ports[port].address if port else None) or node.manage

    def service_address6(self, name: str) -> IPv6Address | None:
        """Return the IPv6 address beside :meth:`service_address`, where it has one."""
        port = self._service_port(name)
        return self.node(name).ports[port].address6 if port else None

    def _service_port(self, name: str) -> str | None:
        site = self.ministry.sites[self.node_sites[name]]
        rank = {"servers": 0, "office": 1, "guests": 2, "administration": 3}
        on_lans = [(rank[site.lans[port].purpose], interface.address, port) for port, interface in site.nodes[name].ports.items()
                   if port in site.lans and interface.address]  # fmt: skip
        return min(on_lans)[2] if on_lans else None

    def addresses(self, name: str) -> tuple[IPv4Interface, ...]:
        """Return every address of node *name* with its prefix length."""
        site = self.ministry.sites[self.node_sites[name]]
        found = []
        for port, interface in site.nodes[name].ports.items():
            if port in site.uplinks:
                found.append(site.uplinks[port].address)
            elif interface.address:
                found.append(IPv4Interface((interface.address, site.lans[port].network.prefixlen)))
        return tuple(found)

    def endpoint(self, name: str) -> tuple[str, tuple[IPv4Network, ...]]:
        """Return (site, networks) that a flow's ``from`` or ``to`` means: a whole site, or one node or host."""
        if name in self.ministry.sites:
            return name, site_networks(self.ministry.sites[name])
        if name in self.node_sites:
            return self.node_sites[name], (IPv4Network(self.service_address(name)),)
        site, address = self.hosts[name]
        return site, (IPv4Network(address),)

    def endpoint6(self, name: str) -> tuple[IPv6Network, ...]:
        """Return the IPv6 networks that a flow's ``from`` or ``to`` means."""
        if name in self.ministry.sites:
            return site_networks6(self.ministry.sites[name])
        address = self.service_address6(name) if name in self.node_sites else self.hosts6.get(name)
        return (IPv6Network(address),) if address else ()

    def with_part(self, part: str) -> tuple[str, ...]:
        """Return the nodes that have *part*, in declared order."""
        return tuple(name for _site, name, node in self.ministry.nodes() if part in node.parts)

    def gateway(self, site: Site) -> str | None:
        """Return the node of *site* that has an uplink."""
        return next((name for name, node in site.nodes.items() if set(node.ports) & set(site.uplinks)), None)


def site_networks(site: Site) -> tuple[IPv4Network, ...]:
    """Return the networks of a site's LANs, sorted."""
    return tuple(sorted(lan.network for lan in site.lans.values()))


def site_networks6(site: Site) -> tuple[IPv6Network, ...]:
    """Return the IPv6 networks of a site's LANs, sorted."""
    return tuple(sorted(lan.network6 for lan in site.lans.values() if lan.network6))
