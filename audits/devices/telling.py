"""What one device tells of its cables, in one form, whether it was read by its command line, by SNMP, or by both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from audits.devices.ports import card_key, name_key, port_key
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Seen

_NAME = re.compile(r"(?:hostname|sysname) (\S+)")
_NOT_LEARNED = re.compile(r"(?i)self|cpu\b|router$|switch$|multicast|blackhole|\bdrop|igmp|system|vlan")
Row = dict[str, JsonValue]


@dataclass(frozen=True)
class Neighbour:
    """A neighbour at one port."""

    port: str
    name: str
    card: str | None
    """The card by which LLDP knows it."""
    address: str
    far_ports: tuple[str, ...]
    """Its port in all spellings that were told, the best first."""
    source: str
    """``lldp`` or ``cdp``."""
    evidence: str
    """Id of the observation."""


@dataclass
class Telling:
    """What one device tells."""

    key: str
    """Its address."""
    name: str
    names: set[str] = field(default_factory=set)
    chassis: str | None = None
    """The card by which LLDP knows it, where it told."""
    cards: set[str] = field(default_factory=set)
    """All cards that are its own."""
    ports: dict[str, str] = field(default_factory=dict)
    """Any spelling of a port, its card included → the name that it is shown by."""
    neighbours: list[Neighbour] = field(default_factory=list)
    bundles: dict[str, str] = field(default_factory=dict)
    """Port → bundle."""
    learned: list[tuple[str, str, str]] = field(default_factory=list)
    """(card, port, VLAN) of its forwarding table."""
    arp: dict[str, str] = field(default_factory=dict)
    """Card → address."""

    def port(self, name: str) -> str:
        """Return the name by which the port *name* is shown."""
        return self.ports.setdefault(port_key(name), name)


def tellings(seen: Seen, facts: LanFacts) -> dict[str, Telling]:
    """Return what each read device tells, by its address: what SNMP and the command line tell of one device is one."""
    found: dict[str, Telling] = {}
    for one in (*seen.answered("tables"), *seen.answered("config")):
        ip = one.target.ip
        if ip is None:
            continue
        if ip not in found:
            declared = facts.at(ip)
            found[ip] = Telling(ip, declared.name if declared else "")
            _own_cards(found[ip], seen, declared.mac if declared else None)
        (_from_tables if one.kind == "tables" else _from_commands)(found[ip], one)
    for one_ in found.values():
        one_.names |= {name_key(one_.name)} if one_.name else set()
        one_.name = one_.name or next(iter(sorted(one_.names)), "") or one_.key
    return found


def _own_cards(telling: Telling, seen: Seen, declared: str | None) -> None:
    cards = {one.target.mac for one in seen.answered("host", ip=telling.key)} | {declared}
    telling.cards |= {card for card in (card_key(one or "") for one in cards) if card}


def _from_tables(telling: Telling, one: Observation) -> None:
    if one.text("name"):
        telling.names.add(name_key(one.text("name")))
        telling.name = telling.name or one.text("name")
    telling.chassis = card_key(one.text("chassis"))
    telling.cards |= {telling.chassis} if telling.chassis else set()
    for row in _rows(one, "ports"):
        shown = telling.port(_word(row, "name"))
        telling.ports.setdefault(port_key(_word(row, "description") or shown), shown)
        card = card_key(_word(row, "mac"))
        if card:
            telling.ports.setdefault(card, shown)
            telling.cards.add(card)
    for row in _rows(one, "neighbours"):
        source = _word(row, "source").partition("-")[0]
        far = (_word(row, "far_port"), _word(row, "far_description"))
        _add(telling, row, _word(row, "port"), _word(row, "neighbour"), _word(row, "address"), far, source, one)
    for row in _rows(one, "bundles"):
        telling.bundles.setdefault(telling.port(_word(row, "port")), telling.port(_word(row, "bundle")))
    for row in _rows(one, "macs"):
        _learn(telling, _word(row, "mac"), _word(row, "port"), _word(row, "vlan"))
    telling.arp |= dict(_arp(_rows(one, "arp"), "ip", "mac"))


def _from_commands(telling: Telling, one: Observation) -> None:
    named = (_NAME.fullmatch(line) for line in one.texts("config"))
    own = next((match[1] for match in named if match), "")
    telling.names |= {name_key(own)} if own else set()
    telling.name = telling.name or own
    for source in ("lldp", "cdp"):
        for row in _rows(one, f"{source}_table"):
            names = ("neighbor_interface", "neighbor_port_id", "neighbor_interface_description")
            _add(
                telling, row, _word(row, "local_interface"), _word(row, "neighbor_name"), _word(row, "mgmt_address"),
                tuple(_word(row, name) for name in names), source, one, _word(row, "chassis_id"),
            )  # fmt: skip
    _from_routeros(telling, one)
    for port, bundle in _bundles(one):
        telling.bundles.setdefault(telling.port(port), telling.port(bundle))
    for row in _rows(one, "macs_table"):
        ports = row.get("destination_port") or row.get("on_interface") or row.get("interface") or row.get("port")
        where = ports[0] if isinstance(ports, list) and len(ports) == 1 else ports
        kind = f"{_word(row, 'type')} {_word(row, 'state')} {where}"
        if isinstance(where, str) and not _NOT_LEARNED.search(kind) and not _word(row, "local"):
            _learn(
                telling, _word(row, "destination_address") or _word(row, "mac_address"), where, _word(row, "vlan_id")
            )
    telling.arp |= dict(_arp(_rows(one, "arp_table"), "ip_address", "mac_address"))


def _from_routeros(telling: Telling, one: Observation) -> None:
    """Read the neighbours that RouterOS lists; other switches carry some of their frames on, so only one that is alone is a cable."""
    rows = [*_rows(one, "neighbours_table")]
    alone = Counter(_word(row, "interface") for row in rows)
    for row in rows:
        if alone[_word(row, "interface")] == 1:
            address = _word(row, "ipv4_address") or _word(row, "ip_address")
            far = (_word(row, "interface_name"),)
            name, card = _word(row, "identity"), _word(row, "mac_address")
            _add(telling, row, _word(row, "interface"), name, address, far, "routeros", one, card)


def _bundles(one: Observation) -> Iterator[tuple[str, str]]:
    """Yield (port, bundle) of each member, in the words of whichever platform it is."""
    for row in _rows(one, "bundles_table"):
        trunk = _word(row, "eth_trunk")
        bundle = _word(row, "bundle_name") or _word(row, "group") or _word(row, "interface") or _word(row, "name")
        told = row.get("member_interface") or row.get("local_interfaces")
        members = told if isinstance(told, list) else [told, *_word(row, "slaves").split(",")]
        if trunk:
            members, bundle = [row.get("interface")], f"Eth-Trunk{trunk}" if trunk.isdecimal() else trunk
        for member in members:
            if isinstance(member, str) and member.strip() and bundle:
                yield member.strip(), bundle


def _add(
    telling: Telling, row: Row, port: str, name: str, address: str, far: tuple[str, ...], source: str, one: Observation,
    chassis: str = "",
) -> None:  # fmt: skip
    chassis = chassis or _word(row, "chassis")
    if not port or not (name or chassis):
        return
    spellings = tuple(dict.fromkeys(text for text in far if text))
    telling.neighbours.append(
        Neighbour(telling.port(port), name or chassis, card_key(chassis), address, spellings, source, one.id)
    )


def _learn(telling: Telling, card: str, port: str, vlan: str) -> None:
    known = card_key(card)
    if known and port and not int(known[:2], 16) & 1:
        telling.learned.append((known, telling.port(port), vlan))


def _arp(rows: Iterable[Row], ip: str, mac: str) -> Iterator[tuple[str, str]]:
    for row in rows:
        card = card_key(_word(row, mac))
        if card and _word(row, ip):
            yield card, _word(row, ip)


def _rows(one: Observation, name: str) -> Iterator[Row]:
    rows = one.data.get(name)
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else iter(())


def _word(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
