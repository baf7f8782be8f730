"""Networks that may not overlap, and VLAN numbers that may not repeat."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from wizara.errors import UsageFault
from wizara.inventory.cross.whole import Whole, twice
from wizara.place import Place
from wizara.text import _


class Claim(NamedTuple):
    """A network, and who says it is his."""

    first: int
    last: int
    network: IPv4Network | IPv6Network
    site: str
    place: Callable[[], Place]


def _claim(network: IPv4Network | IPv6Network, site: str, place: Callable[[], Place]) -> Claim:
    return Claim(int(network.network_address), int(network.broadcast_address), network, site, place)


def overlaps(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each network that lies within another one.

    An uplink behind its operator's address translation is private to its site: two sites may have the same one, but
    no LAN anywhere may, because tunnels lead there.
    """
    own, translated = _claims(whole)
    disjoint: list[Claim] = []
    yield from _overlapping(_claims6(whole), [])
    yield from _overlapping(own, disjoint)
    starts = [claim.first for claim in disjoint]
    at_site: dict[str, list[Claim]] = {}
    for claim in translated:
        near = bisect_right(starts, claim.last) - 1
        if near >= 0 and disjoint[near].last >= claim.first:
            yield _overlap(claim, disjoint[near])
        same = at_site.setdefault(claim.site, [])
        yield from (_overlap(claim, other) for other in same if claim.first <= other.last and other.first <= claim.last)
        same.append(claim)


def _overlapping(claims: list[Claim], disjoint: list[Claim]) -> Iterator[UsageFault]:
    """Yield a fault for each of *claims* that lies within another; the others are added to *disjoint*, sorted."""
    for claim in sorted(claims, key=lambda one: (one.first, -one.last)):
        if disjoint and claim.first <= disjoint[-1].last:
            yield _overlap(claim, disjoint[-1])
        else:
            disjoint.append(claim)


def _overlap(claim: Claim, other: Claim) -> UsageFault:
    message = _("network {network} overlaps {other}, declared at {first}")
    return UsageFault(
        message.format(network=claim.network, other=other.network, first=other.place()), place=claim.place()
    )


def _claims(whole: Whole) -> tuple[list[Claim], list[Claim]]:
    """Return the networks that are the ministry's alone, and those behind an operator's address translation."""
    own: list[Claim] = []
    translated: list[Claim] = []
    if whole.declaration.intranet:
        own.append(_claim(whole.declaration.intranet.network, "", lambda: whole.place("intranet", "network")))
    for name, site in whole.sites.items():
        for lan_name, lan in site.lans.items():
            own.append(_claim(lan.network, name, _at(whole, name, "lans", lan_name, "network")))
        for uplink_name, uplink in site.uplinks.items():
            claim = _claim(uplink.address.network, name, _at(whole, name, "uplinks", uplink_name, "address"))
            (own if uplink.nat == "none" else translated).append(claim)
    return own, translated


def _claims6(whole: Whole) -> list[Claim]:
    return [
        _claim(lan.network6, name, _at(whole, name, "lans", lan_name, "network6"))
        for name, site in whole.sites.items()
        for lan_name, lan in site.lans.items()
        if lan.network6
    ]


def _at(whole: Whole, site: str, *path: str) -> Callable[[], Place]:
    return lambda: whole.site_place(site, *path)


def vlans(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each VLAN number that two LANs of one site have."""
    for name, site in whole.sites.items():
        seen: dict[int, str] = {}
        for lan_name, lan in site.lans.items():
            if lan.vlan is None:
                continue
            if lan.vlan in seen:
                first = whole.site_place(name, "lans", seen[lan.vlan], "vlan")
                what = _("VLAN {number}").format(number=lan.vlan)
                yield twice(whole.site_place(name, "lans", lan_name, "vlan"), first, what)
            seen.setdefault(lan.vlan, lan_name)


def gateways(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each uplink whose next hop is not its neighbour."""
    for name, site in whole.sites.items():
        for uplink_name, uplink in site.uplinks.items():
            place = whole.site_place(name, "uplinks", uplink_name, "gateway")
            network = uplink.address.network
            if uplink.gateway == uplink.address.ip:
                yield UsageFault(_("the operator's next hop is the gateway's own address"), place=place)
            elif network.prefixlen < 32 and uplink.gateway not in network:
                message = _("{address} is not in the uplink's network {network}")
                yield UsageFault(message.format(address=uplink.gateway, network=network), place=place)


def management(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault when nobody may reach the nodes."""
    if not whole.declaration.management:
        message = _("no network may reach SSH: nobody could manage a node")
        yield UsageFault(message, place=whole.place("management"), hint=_("name at least one network"))
