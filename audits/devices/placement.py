"""Which machine is at which port of a switch, by what the switches learned; ports that lead to other switches are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from audits.devices.ports import port_key
from audits.devices.telling import Telling
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen


@dataclass(frozen=True)
class Placed:
    """A machine alone at a port of a switch."""

    device: str
    port: str
    vlan: str
    card: str
    ip: str = ""
    name: str = ""
    """As declared, or an empty text."""


@dataclass(frozen=True)
class Crowd:
    """A port that leads to several machines, or a bundle, and to no neighbour that tells of itself."""

    device: str
    port: str
    machines: int


Busy = set[tuple[str, str]]
"""(key of a device, its port) of whatever leads to a neighbour."""


def place(told: Mapping[str, Telling], busy: Busy, seen: Seen, facts: LanFacts) -> tuple[list[Placed], list[Crowd]]:
    """Return the machines alone at a port, and the ports with several; a card that is alone at two ports is placed at none."""
    own = {card for one in told.values() for card in one.cards}
    taken = busy | _bundled(told, busy)
    behind: dict[tuple[str, str], dict[str, str]] = {}
    for one in told.values():
        for card, port, vlan in one.learned:
            if card not in own and (one.key, port_key(port)) not in taken:
                behind.setdefault((one.key, port), {}).setdefault(card, vlan)
    bundles = {(one.key, port_key(bundle)) for one in told.values() for bundle in one.bundles.values()}
    alone = {
        (key, port): next(iter(cards.items()))
        for (key, port), cards in behind.items()
        if len(cards) == 1 and (key, port_key(port)) not in bundles
    }
    claims = Counter(card for card, _vlan in alone.values())
    addresses = _addresses(told, seen)
    machines = [
        _machine(told[key].name, port, card, vlan, addresses.get(card, ""), facts)
        for (key, port), (card, vlan) in alone.items()
        if claims[card] == 1
    ]
    crowds = [
        Crowd(told[key].name, port, len(cards)) for (key, port), cards in behind.items() if (key, port) not in alone
    ]
    return machines, crowds


def _bundled(told: Mapping[str, Telling], busy: Busy) -> Busy:
    """Return the bundles that a busy port belongs to, with all their members."""
    found: Busy = set()
    for one in told.values():
        joined = {bundle for port, bundle in one.bundles.items() if (one.key, port_key(port)) in busy}
        for port, bundle in one.bundles.items():
            found |= {(one.key, port_key(name)) for name in (port, bundle)} if bundle in joined else set()
    return found


def _addresses(told: Mapping[str, Telling], seen: Seen) -> dict[str, str]:
    """Return card → IPv4 address: as it was seen to answer, else as routers know it."""
    known = {card: ip for one in told.values() for card, ip in one.arp.items()}
    for one in seen.answered("host"):
        if one.target.mac and one.target.ip and ":" not in one.target.ip:
            known[one.target.mac] = one.target.ip
    return known


def _machine(device: str, port: str, card: str, vlan: str, ip: str, facts: LanFacts) -> Placed:
    declared = facts.with_mac(card) or (facts.at(ip) if ip else None)
    known = ip or (str(declared.address) if declared else "")
    return Placed(device, port, vlan, card, known, declared.name if declared else "")
