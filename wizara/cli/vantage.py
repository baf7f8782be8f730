"""Decides from where each network of an audit is looked at: from this computer, or from a node of the site over SSH."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from wizara.audit.job import Station
from wizara.audit.limits import Network
from wizara.cli.world import Scene, refuse_unenrolled
from wizara.engine.collect import attached
from wizara.engine.reach import PROVISIONER
from wizara.errors import Refusal, UsageFault
from wizara.inventory.models import Ministry, Node, Site
from wizara.place import did_you_mean
from wizara.record.world import World
from wizara.text import N_, _

HERE = N_("this computer")
APART = " · "
"""What stands between this computer and the LAN that it was plugged into, where an audit names it."""
SLOW = frozenset({"vsat", "4g", "metered"})
"""Uplinks that may carry less than 2 Mbit/s, or cost by the byte."""


@dataclass(frozen=True)
class Leg:
    """One part of an audit: networks that are looked at from one place."""

    vantage: str
    networks: tuple[Network, ...]
    namespace: Path | None = None
    """Where this computer's share is done: the auditor's place of a lab, or the operator's, who reaches the nodes."""
    station: Station | None = None
    routed: bool = False
    capped: bool = False
    """Whether a slow link lies between: then little is sent."""
    stands: tuple[str, ...] = ()
    """The LANs of the site that the place is plugged into."""


@dataclass(frozen=True)
class Ground:
    """What there is to choose from."""

    ministry: Ministry | None
    site: str | None
    world: World
    networks: tuple[Network, ...]
    namespace: Path | None
    """The place that this computer audits from itself."""

    @property
    def declared(self) -> Site | None:
        """The audited site."""
        return self.ministry.sites[self.site] if self.ministry and self.site else None


def choose(ground: Ground, source: str | None, interface: str | None, *, over_wan: bool = False) -> tuple[Leg, ...]:
    """Return the legs of the audit; networks that are in none of them cannot be looked at. Nothing is sent.

    Refusal when there is no place at all to look from (routed there from elsewhere, another's machines may answer), and
    when a slow link lies between and nobody said *over_wan*.
    """
    if source and ground.declared and source in ground.declared.lans and source not in ground.declared.nodes:
        return (_plugged(ground, source, interface),)
    if source:
        if interface:
            raise UsageFault(_("--interface is of this computer, --from names a node"))
        capped = _crosses(ground, source, over_wan=over_wan)
        return (replace(_from(ground, source), networks=ground.networks, routed=True, capped=capped),)
    twins = _twins(ground)
    first = tuple(one for one in ground.networks if one not in twins)
    here = attached(first, interface, ground.namespace)
    own = tuple(one for one in first if one in here)
    legs = [Leg(HERE, own, ground.namespace, stands=_named(ground, own))] if own else []
    stations: dict[str, tuple[Network, ...]] = {}
    for network in first:
        node = None if network in here or interface else _node_on(ground, network)
        if node:
            stations[node] = (*stations.get(node, ()), network)
    legs += [replace(_from(ground, node), networks=networks) for node, networks in stations.items()]
    if ground.networks and not legs:
        raise Refusal(
            _("this computer stands on none of {networks}").format(networks=", ".join(map(str, ground.networks))),
            hint=_("plug it into the network that is audited, or declare a node there with vantage: true; nothing was sent"),
        )  # fmt: skip
    return tuple(replace(leg, networks=(*leg.networks, *_beside(leg.networks, twins))) for leg in legs)


def _named(ground: Ground, networks: tuple[Network, ...]) -> tuple[str, ...]:
    """Return the names of the LANs that *networks* are."""
    lans = ground.declared.lans if ground.declared else {}
    return tuple(name for name, lan in lans.items() if lan.network in networks)


def _twins(ground: Ground) -> dict[Network, Network]:
    """Return the IPv6 network of each LAN → its IPv4 network: both are on one wire, and looked at from one place."""
    lans = ground.declared.lans.values() if ground.declared else ()
    return {
        one.network6: one.network for one in lans if one.network6 in ground.networks and one.network in ground.networks
    }


def _beside(networks: tuple[Network, ...], twins: dict[Network, Network]) -> tuple[Network, ...]:
    return tuple(six for six, four in twins.items() if four in networks)


def _plugged(ground: Ground, lan: str, interface: str | None) -> Leg:
    """Return the leg of this computer, which must be plugged into *lan*; the site's other LANs are tried by route."""
    assert ground.declared is not None
    network = ground.declared.lans[lan].network
    if not attached((network,), interface, ground.namespace):
        raise Refusal(
            _("this computer is not plugged into {lan} ({network})").format(lan=lan, network=network),
            hint=_("plug it in there, with an address of that network; nothing was sent"),
        )
    return Leg(f"{HERE}{APART}{lan}", ground.networks, ground.namespace, routed=True, stands=(lan,))


def _crosses(ground: Ground, source: str, *, over_wan: bool) -> bool:
    """Say whether a slow link lies between the node *source* and the site; Refusal when nobody said that it may be used."""
    assert ground.ministry is not None
    known = {node: site for site, node, _node in ground.ministry.nodes()}
    if source not in known:
        near = did_you_mean(source, known)
        hint = _("did you mean '{word}'?").format(word=near) if near else None
        message = _("{site} has no node '{name}' to look from")
        raise UsageFault(message.format(site=ground.site or "–", name=source), hint=hint)
    if known[source] == ground.site:
        return False
    between = (known[source], ground.site or "")
    slow = [f"{site}/{name} ({uplink.medium})" for site in between
            for name, uplink in ground.ministry.sites[site].uplinks.items() if uplink.medium in SLOW]  # fmt: skip
    if slow and not over_wan:
        raise Refusal(
            _("between {node} and {site} lies {links}: an audit would fill it").format(
                node=source, site=ground.site, links=", ".join(slow)
            ),
            hint=_("look from a node of {site}, or say --over-wan: then little is sent, and slowly").format(
                site=ground.site
            ),
        )
    return bool(slow)


def _node_on(ground: Ground, network: Network) -> str | None:
    """Return a met node that was declared as a vantage and is plugged into *network*."""
    if ground.ministry is None or ground.declared is None:
        return None
    lans = {name for name, lan in ground.declared.lans.items() if network in {lan.network, lan.network6}}
    for name, node in ground.declared.nodes.items():
        plugged = any(
            port in lans and (interface.address if network.version == 4 else interface.address6)
            for port, interface in node.ports.items()
        )
        if node.vantage and plugged and name in ground.ministry.enrolled.nodes:
            return name
    return None


def _from(ground: Ground, node: str) -> Leg:
    assert ground.ministry is not None
    refuse_unenrolled(ground.ministry, (node,))
    scene = Scene(ground.ministry, ground.world)
    station = Station(
        name=node, address=_declared_node(ground.ministry, node).manage,
        host_key=ground.ministry.enrolled.nodes[node].host_key, user=PROVISIONER, key_file=scene.ssh_key,
    )  # fmt: skip
    lans = ground.declared.lans if ground.declared else {}
    own = ground.declared.nodes[node].ports if ground.declared and node in ground.declared.nodes else {}
    return Leg(node, (), ground.world.namespace, station, stands=tuple(name for name in lans if name in own))


def _declared_node(ministry: Ministry, name: str) -> Node:
    return next(node for _site, known, node in ministry.nodes() if known == name)
