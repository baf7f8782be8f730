"""Decides from where each network of an audit is looked at: from this computer, or from a node of the site over SSH."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from wizara.audit.job import Station
from wizara.cli.world import Scene, refuse_unenrolled
from wizara.engine.collect import attached
from wizara.engine.reach import PROVISIONER
from wizara.errors import Refusal, UsageFault
from wizara.inventory.models import Ministry, Site
from wizara.place import did_you_mean
from wizara.record.world import World
from wizara.text import N_, _

HERE = N_("this computer")


@dataclass(frozen=True)
class Leg:
    """One part of an audit: networks that are looked at from one place."""

    vantage: str
    networks: tuple[IPv4Network, ...]
    namespace: Path | None = None
    """Where this computer's share is done: the auditor's place of a lab, or the operator's, who reaches the nodes."""
    station: Station | None = None
    routed: bool = False


@dataclass(frozen=True)
class Ground:
    """What there is to choose from."""

    ministry: Ministry | None
    site: str | None
    world: World
    networks: tuple[IPv4Network, ...]
    namespace: Path | None
    """The place that this computer audits from itself."""

    @property
    def declared(self) -> Site | None:
        """The audited site."""
        return self.ministry.sites[self.site] if self.ministry and self.site else None


def choose(ground: Ground, source: str | None, interface: str | None) -> tuple[Leg, ...]:
    """Return the legs of the audit; networks that are in none of them cannot be looked at. Nothing is sent.

    Refusal when there is no place at all to look from: routed there from elsewhere, another's machines may answer.
    """
    if source:
        if interface:
            raise UsageFault(_("--interface is of this computer, --from names a node"))
        return (replace(_from(ground, _known(ground, source)), networks=ground.networks, routed=True),)
    here = attached(ground.networks, interface, ground.namespace)
    own = tuple(one for one in ground.networks if one in here)
    legs = [Leg(HERE, own, ground.namespace)] if own else []
    stations: dict[str, tuple[IPv4Network, ...]] = {}
    for network in ground.networks:
        node = None if network in here or interface else _node_on(ground, network)
        if node:
            stations[node] = (*stations.get(node, ()), network)
    legs += [replace(_from(ground, node), networks=networks) for node, networks in stations.items()]
    if ground.networks and not legs:
        raise Refusal(
            _("this computer stands on none of {networks}").format(networks=", ".join(map(str, ground.networks))),
            hint=_("plug it into the network that is audited, or declare a node there with vantage: true; nothing was sent"),
        )  # fmt: skip
    return tuple(legs)


def _known(ground: Ground, source: str) -> str:
    nodes = ground.declared.nodes if ground.declared else {}
    if source not in nodes:
        near = did_you_mean(source, nodes)
        hint = _("did you mean '{word}'?").format(word=near) if near else None
        message = _("{site} has no node '{name}' to look from")
        raise UsageFault(message.format(site=ground.site or "–", name=source), hint=hint)
    return source


def _node_on(ground: Ground, network: IPv4Network) -> str | None:
    """Return a met node that was declared as a vantage and is plugged into *network*."""
    if ground.ministry is None or ground.declared is None:
        return None
    lans = {name for name, lan in ground.declared.lans.items() if lan.network == network}
    for name, node in ground.declared.nodes.items():
        plugged = any(port in lans and interface.address for port, interface in node.ports.items())
        if node.vantage and plugged and name in ground.ministry.enrolled.nodes:
            return name
    return None


def _from(ground: Ground, node: str) -> Leg:
    assert ground.ministry is not None
    assert ground.declared is not None
    refuse_unenrolled(ground.ministry, (node,))
    scene = Scene(ground.ministry, ground.world)
    station = Station(
        name=node, address=ground.declared.nodes[node].manage,
        host_key=ground.ministry.enrolled.nodes[node].host_key, user=PROVISIONER, key_file=scene.ssh_key,
    )  # fmt: skip
    return Leg(node, (), ground.world.namespace, station)
