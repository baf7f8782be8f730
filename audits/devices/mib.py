"""What the tables of a switch's agent say of its cables: IF, LLDP, LLDP-V2, CDP, BRIDGE, Q-BRIDGE, IP and LAG MIB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from pydantic import JsonValue

from audits.devices.agent import Oid, Value
from audits.devices.walk import Walk
from wizara.audit.untrusted import untrusted

_LLDP: Oid = (1, 0, 8802, 1, 1, 2, 1)
_LLDP_V2: Oid = (1, 3, 111, 2, 802, 1, 1, 13, 1)
_CDP: Oid = (1, 3, 6, 1, 4, 1, 9, 9, 23, 1, 2, 1, 1)
_MIB2: Oid = (1, 3, 6, 1, 2, 1)
_BRIDGE: Oid = (*_MIB2, 17)
_LAG: Oid = (1, 2, 840, 10006, 300, 43, 1, 2, 1, 1)
#: What an answer is kept as → (the object or column, its place).
SYSTEM_NAME: Oid = (*_MIB2, 1, 5)
_PORTS = {"names": (*_MIB2, 31, 1, 1, 1, 1), "descriptions": (*_MIB2, 2, 2, 1, 2), "cards": (*_MIB2, 2, 2, 1, 6)}
_LEARNED = frozenset({3, 5})
"""Learned, or kept by the administration: port security does so."""
_MAC = 6
Columns = Mapping[str, Mapping[Oid, Value]]
_HEX = re.compile(r"[0-9A-Fa-f]{12}")


async def read(walk: Walk) -> dict[str, JsonValue]:
    """Return everything that the agent behind *walk* tells of its cables, in words of its own ports' names."""
    name = await walk.column("name", SYSTEM_NAME)
    columns = {key: await walk.column(key, oid) for key, oid in _PORTS.items()}
    ports = _ports(columns)
    names = {index: str(one["name"]) for index, one in ports.items()}
    neighbours = await _lldp(walk, "lldp", _LLDP, columns, names)
    neighbours += await _lldp(walk, "lldp-v2", _LLDP_V2, columns, names)
    neighbours += await _cdp(walk, names)
    chassis = [await walk.column("chassis", (*base, 3, 2)) for base in (_LLDP, _LLDP_V2)]
    told: dict[str, JsonValue] = {
        "name": next((_text(one) for one in name.values()), ""),
        "chassis": next((_identity(one, 4) for found in chassis for one in found.values()), ""),
        "ports": [*ports.values()], "neighbours": [*neighbours], "macs": await _forwarding(walk, names),
        "arp": await _arp(walk), "bundles": await _bundles(walk, names),
    }  # fmt: skip
    return told | {"cut": [*walk.cut]}


def _ports(columns: Columns) -> dict[int, dict[str, JsonValue]]:
    indexes = sorted({index[0] for found in columns.values() for index in found if len(index) == 1})
    return {
        index: {
            "index": index,
            "name": _text(columns["names"].get((index,)))
            or _text(columns["descriptions"].get((index,)))
            or f"port {index}",
            "description": _text(columns["descriptions"].get((index,))),
            "mac": mac_text(columns["cards"].get((index,))) or "",
        }
        for index in indexes
    }


async def _lldp(walk: Walk, source: str, base: Oid, columns: Columns, names: Mapping[int, str]) -> list[JsonValue]:
    """Read the neighbours of LLDP-MIB, or of LLDP-V2-MIB, whose columns stand one further and whose ports are interfaces."""
    two = source == "lldp-v2"
    shift = 1 if two else 0
    place = (*base, 4, 1, 1)
    labels = ("chassis-kind", "chassis", "port-kind", "port", "description", "name")
    found = {
        label: await walk.column(f"{source} {label}", (*place, 4 + shift + at))
        for at, label in enumerate(labels)
    }  # fmt: skip
    if not found["port"]:
        return []
    local = {
        label: await walk.column(f"{source} own {label}", (*base, 3, 7, 1, at))
        for at, label in ((2, "kind"), (3, "port"), (4, "description"))
    }
    known = {index: _own(index, local, columns, names, interface=two) for index in {key[1] for key in found["port"]}}
    addresses = await _addresses(walk, source, base, 4 if two else 3)
    return [
        {
            "source": source, "port": known[index[1]], "neighbour": _text(found["name"].get(index)),
            "chassis": _identity(found["chassis"].get(index), found["chassis-kind"].get(index)),
            "far_port": _port(found["port"].get(index), found["port-kind"].get(index)),
            "far_description": _text(found["description"].get(index)), "address": addresses.get(index, ""),
        }
        for index in found["port"] if len(index) == 3 + shift
    ]  # fmt: skip


def _own(number: int, local: Columns, columns: Columns, names: Mapping[int, str], *, interface: bool) -> str:
    """Return the name of the port that LLDP knows by *number*: its identity there, or of the interface that it means."""
    kind, raw = local["kind"].get((number,)), local["port"].get((number,))
    if kind == 5 and _text(raw):
        return _text(raw)
    if kind == 3:
        card = mac_text(raw)
        same = [index for index, one in columns["cards"].items() if card and mac_text(one) == card]
        if len(same) == 1:
            return names[same[0][0]]
    description = _text(local["description"].get((number,)))
    if description and description in names.values():
        return description
    alike = [index[0] for index, one in columns["descriptions"].items() if description and _text(one) == description]
    if len(alike) == 1:
        return names[alike[0]]
    if interface or kind is None or (_text(raw) == str(number) and number in names):
        return names.get(number) or _text(raw) or f"port {number}"
    return _text(raw) or description or f"port {number}"


async def _addresses(walk: Walk, source: str, base: Oid, parts: int) -> dict[Oid, str]:
    """Return the IPv4 address of each neighbour's management, which stands in the index: kind, length, octets."""
    shift = parts - 3
    found: dict[Oid, str] = {}
    for index in await walk.column(f"{source} addresses", (*base, 4, 2, 1, 3 + shift)):
        tail = index[parts:]
        octets = tail[-4:]
        if tail[:2] == (1, 4) and len(tail) == 6 and max(octets) < 256:
            found.setdefault(index[:parts], ".".join(map(str, octets)))
    return found


async def _cdp(walk: Walk, names: Mapping[int, str]) -> list[JsonValue]:
    """Read cdpCacheTable (CISCO-CDP-MIB): its index is the interface and a number."""
    devices = await walk.column("cdp name", (*_CDP, 6))
    if not devices:
        return []
    ports = await walk.column("cdp port", (*_CDP, 7))
    addresses = await walk.column("cdp address", (*_CDP, 4))
    return [
        {
            "source": "cdp", "port": names.get(index[0], f"port {index[0]}"), "neighbour": _text(device), "chassis": "",
            "far_port": _text(ports.get(index)), "far_description": "", "address": _address(addresses.get(index)),
        }
        for index, device in devices.items() if len(index) == 2
    ]  # fmt: skip


async def _forwarding(walk: Walk, names: Mapping[int, str]) -> list[JsonValue]:
    """Read what was learned on which port: Q-BRIDGE-MIB by VLAN, else BRIDGE-MIB."""
    rows: list[JsonValue] = []
    ports = await walk.column("bridge ports", (*_BRIDGE, 1, 4, 1, 2))
    for name, oid in (("vlan", (*_BRIDGE, 7, 1, 2, 2, 1)), ("bridge", (*_BRIDGE, 4, 3, 1))):
        learned = await walk.column(f"{name} macs", (*oid, 2))
        kinds = await walk.column(f"{name} kinds", (*oid, 3)) if learned else {}
        for index, port in learned.items():
            octets = index[-_MAC:]
            interface = ports.get((port,)) if isinstance(port, int) else None
            usable = len(octets) == _MAC and max(octets) < 256 and kinds.get(index, 3) in _LEARNED
            if usable and isinstance(interface, int):
                vlan = str(index[0]) if len(index) == _MAC + 1 else ""
                rows.append(
                    {"mac": bytes(octets).hex(":"), "port": names.get(interface, f"port {interface}"), "vlan": vlan}
                )
        if rows:
            break
    return rows


async def _arp(walk: Walk) -> list[JsonValue]:
    """Read who has which IPv4 address: ipNetToMediaTable (RFC 1213), and ipNetToPhysicalTable (RFC 4293)."""
    found: dict[str, str] = {}
    old = await walk.column("arp", (*_MIB2, 4, 22, 1, 2))
    new = {} if old else await walk.column("arp", (*_MIB2, 4, 35, 1, 4))
    for index, card in (*old.items(), *((index, card) for index, card in new.items() if index[1:3] == (1, 4))):
        mac, octets = mac_text(card), index[-4:]
        if mac and len(index) >= 5 and max(octets) < 256:
            found[".".join(map(str, octets))] = mac
    return [{"ip": ip, "mac": mac} for ip, mac in found.items()]


async def _bundles(walk: Walk, names: Mapping[int, str]) -> list[JsonValue]:
    """Read which bundle each port belongs to: IEEE8023-LAG-MIB, else the stack of interfaces (RFC 2863) over those of the kind LAG."""
    attached = await walk.column("bundles", (*_LAG, 13))
    pairs = [(index[0], one) for index, one in attached.items() if len(index) == 1 and isinstance(one, int)]
    if not any(bundle for _port, bundle in pairs):
        kinds = await walk.column("kinds of ports", (*_MIB2, 2, 2, 1, 3))
        if 161 in kinds.values():
            stack = await walk.column("stack of ports", (*_MIB2, 31, 1, 2, 1, 3))
            pairs = [(low, high) for high, low in _twos(stack) if kinds.get((high,)) == 161]
    return [
        {"port": names[port], "bundle": names[bundle]}
        for port, bundle in pairs
        if bundle and port and bundle != port and port in names and bundle in names
    ]


def _twos(indexes: Iterable[Oid]) -> Iterator[tuple[int, int]]:
    return ((index[0], index[1]) for index in indexes if len(index) == 2)


def mac_text(value: Value | str | None) -> str | None:
    """Return *value*, six octets or a card's address in any spelling, as ``aa:bb:…``; None when it is no such address."""
    if isinstance(value, bytes) and len(value) == _MAC:
        return value.hex(":")
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""
    digits = re.sub(r"[.:\-\s]", "", text)
    if not _HEX.fullmatch(digits):
        return None
    return bytes.fromhex(digits).hex(":")


def _text(value: Value | None) -> str:
    return untrusted(value) if isinstance(value, bytes) else ""


def _identity(value: Value | None, kind: Value | None) -> str:
    """Return the identity of a device: its card where it is one (*kind* 4), its address, else its text."""
    card = mac_text(value) if kind == 4 else None
    return card or _address(value, skip=1) or _text(value)


def _port(value: Value | None, kind: Value | None) -> str:
    return (mac_text(value) if kind == 3 else None) or _text(value)


def _address(value: Value | None, skip: int = 0) -> str:
    """Return four octets, behind *skip* octets that tell their kind, as an IPv4 address."""
    if isinstance(value, bytes) and len(value) == 4 + skip and (not skip or value[0] == 1):
        return str(ip_address(value[skip:]))
    return ""
