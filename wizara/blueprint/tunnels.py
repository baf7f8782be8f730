"""The hub-and-spoke tunnels between gateways."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Network

from wizara.blueprint.directory import Directory, site_networks, site_networks6
from wizara.blueprint.models import Peer, Tunnel


def tunnel(directory: Directory, name: str) -> Tunnel | None:
    """Return the tunnel end of gateway *name*, or None when it has none."""
    intranet = directory.ministry.declaration.intranet
    node = directory.node(name)
    if intranet is None or "intranet" not in node.parts:
        return None
    return _hub(directory) if intranet.hub == name else _spoke(directory, name)


def hub_address(network: IPv4Network) -> IPv4Address:
    """Return the hub's own tunnel address: the first of the network."""
    return next(network.hosts())


def _key(directory: Directory, name: str) -> str | None:
    enrolled = directory.ministry.enrolled.nodes.get(name)
    return enrolled.vpn_key if enrolled else None


def _hub(directory: Directory) -> Tunnel:
    intranet = directory.ministry.declaration.intranet
    assert intranet is not None
    peers = []
    for site in directory.ministry.sites.values():
        gateway = directory.gateway(site)
        if site.link and gateway:
            allowed: tuple[IPv4Network | IPv6Network, ...] = (
                IPv4Network(site.link.address),
                *site_networks(site),
                *site_networks6(site),
            )
            peers.append(Peer(gateway, _key(directory, gateway), allowed, endpoint=None))
    address = IPv4Interface((hub_address(intranet.network), intranet.network.prefixlen))
    return Tunnel(address, intranet.port, tuple(peers))


def _spoke(directory: Directory, name: str) -> Tunnel | None:
    intranet = directory.ministry.declaration.intranet
    assert intranet is not None
    site = directory.ministry.sites[directory.node_sites[name]]
    if site.link is None:
        return None
    own: set[IPv4Network | IPv6Network] = {*site_networks(site), *site_networks6(site)}
    hub_site = directory.ministry.sites[directory.node_sites[intranet.hub]]
    outside = next(
        hub_site.uplinks[port].address.ip for port in hub_site.nodes[intranet.hub].ports if port in hub_site.uplinks
    )
    every: tuple[IPv4Network | IPv6Network, ...] = (*directory.ministry_networks, *directory.networks6)
    allowed = tuple(network for network in every if network not in own)
    peer = Peer(intranet.hub, _key(directory, intranet.hub), allowed, endpoint=f"{outside}:{intranet.port}")
    return Tunnel(IPv4Interface((site.link.address, intranet.network.prefixlen)), None, (peer,))
