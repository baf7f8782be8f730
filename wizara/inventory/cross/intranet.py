"""The hub, and the links of the institutions to it."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.errors import UsageFault
from wizara.inventory.cross.whole import Whole
from wizara.inventory.models import Site
from wizara.text import _


def hub(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault unless the hub is a node that can be one."""
    intranet = whole.declaration.intranet
    if intranet is None:
        return
    nodes = {name: (site, node) for site, name, node in whole.nodes()}
    place = whole.place("intranet", "hub")
    if intranet.hub not in nodes:
        if whole.complete:
            yield whole.unknown(place, _("node"), intranet.hub, nodes)
        return
    site, node = nodes[intranet.hub]
    where = whole.site_place(site, "nodes", intranet.hub, key=True)
    if "intranet" not in node.parts:
        message = _("the hub '{name}' has not the part 'intranet', see {first}").format(name=intranet.hub, first=where)
        yield UsageFault(message, place=place)
    if not any(port in whole.sites[site].uplinks for port in node.ports):
        message = _("the hub '{name}' has no port on an uplink, see {first}").format(name=intranet.hub, first=where)
        yield UsageFault(message, place=place)


def links(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each institution that is not joined, or whose link cannot work."""
    for name, site in whole.sites.items():
        if site.link:
            yield from _link(whole, name, site)
        elif whole.declaration.intranet and site.kind == "institution":
            message = _("this institution has no link, though an intranet is declared at {first}")
            place = whole.site_place(name, "kind")
            yield UsageFault(message.format(first=whole.place("intranet", key=True)), place=place)


def _link(whole: Whole, name: str, site: Site) -> Iterator[UsageFault]:
    link, intranet = site.link, whole.declaration.intranet
    assert link is not None
    place = whole.site_place(name, "link", key=True)
    if intranet is None:
        yield UsageFault(_("a link needs 'intranet' in ministry.yaml"), place=place)
    elif link.address not in intranet.network:
        message = _("{address} is outside the intranet's network {network}, declared at {first}")
        first = whole.place("intranet", "network")
        message = message.format(address=link.address, network=intranet.network, first=first)
        yield UsageFault(message, place=whole.site_place(name, "link", "address"))
    elif link.address == intranet.network.network_address + 1:
        message = _("{address}, the first of the intranet's network, is the hub's").format(address=link.address)
        yield UsageFault(message, place=whole.site_place(name, "link", "address"))
    elif link.address in {intranet.network.network_address, intranet.network.broadcast_address}:
        message = _("{address} names the whole network {network}, no end of a tunnel")
        message = message.format(address=link.address, network=intranet.network)
        yield UsageFault(message, place=whole.site_place(name, "link", "address"))
    if link.uplink not in site.uplinks:
        uplink = whole.site_place(name, "link", "uplink")
        yield whole.unknown(uplink, _("uplink of this site"), link.uplink, site.uplinks)
    elif not any("intranet" in node.parts and link.uplink in node.ports for node in site.nodes.values()):
        message = _("no node here has the part 'intranet' and a port on uplink '{name}'").format(name=link.uplink)
        yield UsageFault(message, place=whole.site_place(name, "link", "uplink"))
