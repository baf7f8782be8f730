"""SNMP agents of planted switches: an own one that speaks v2c, and what Debian's snmpd asks by ``pass_persist``.

Run as ``python agents.py stub FILE ADDRESS COMMUNITY LOG`` or ``python agents.py pass FILE LOG``. FILE holds the objects as
JSON; LOG gets a line for each PDU (its tag), or for each word that snmpd said.
"""

from __future__ import annotations

import json
import socket
import sys
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

Oid = tuple[int, ...]
LLDP, LLDP_V2 = "1.0.8802.1.1.2.1", "1.3.111.2.802.1.1.13.1"
MIB2, BRIDGE, LAG = "1.3.6.1.2.1", "1.3.6.1.2.1.17", "1.2.840.10006.300.43.1.2.1.1"
CDP = "1.3.6.1.4.1.9.9.23.1.2.1.1"
TAGS = {"integer": 0x02, "string": 0x04, "octets": 0x04, "address": 0x40}


@dataclass
class Planted:
    """A switch as its agent tells of it."""

    name: str
    chassis: str
    ports: tuple[str, ...]
    """Names; the interface index of a port is its place, from 1."""
    neighbours: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    """(port, neighbour's chassis, neighbour's name, neighbour's port, its description)."""
    cdp: list[tuple[str, str, str]] = field(default_factory=list)
    """(port, neighbour's name, neighbour's port)."""
    bundles: dict[str, str] = field(default_factory=dict)
    macs: list[tuple[str, str, int]] = field(default_factory=list)
    """(card, port, VLAN)."""
    arp: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    """Port → the management address of the neighbour there."""
    manner: str = "lldp"
    """``lldp``, ``lldp-v2``, or ``alias``: LLDP numbers of its own, with the port's name in the description."""

    def objects(self) -> dict[str, tuple[str, object]]:
        """Return OID → (kind, value)."""
        told: dict[str, tuple[str, object]] = {f"{MIB2}.1.5.0": ("string", self.name)}
        base = LLDP_V2 if self.manner == "lldp-v2" else LLDP
        card = bytes.fromhex(self.chassis.replace(":", ""))
        told[f"{base}.3.1.0"], told[f"{base}.3.2.0"] = ("integer", 4), ("octets", card.hex())
        for at, port in enumerate(self.ports, 1):
            own = card[:5] + bytes([(card[5] + at) % 256])
            told[f"{MIB2}.31.1.1.1.1.{at}"] = ("string", port)
            told[f"{MIB2}.2.2.1.2.{at}"] = ("string", port)
            told[f"{MIB2}.2.2.1.6.{at}"] = ("octets", own.hex())
            told[f"{BRIDGE}.1.4.1.2.{at + 100}"] = ("integer", at)
            number = at + 500 if self.manner == "alias" else at
            told[f"{base}.3.7.1.2.{number}"] = ("integer", 7 if self.manner == "alias" else 5)
            told[f"{base}.3.7.1.3.{number}"] = ("string", str(number) if self.manner == "alias" else port)
            told[f"{base}.3.7.1.4.{number}"] = ("string", port)
        self._neighbours(told, base)
        for at, (port, name, far) in enumerate(self.cdp, 1):
            told[f"{CDP}.6.{self._index(port)}.{at}"] = ("string", name)
            told[f"{CDP}.7.{self._index(port)}.{at}"] = ("string", far)
        for port, bundle in self.bundles.items():
            told[f"{LAG}.13.{self._index(port)}"] = ("integer", self._index(bundle))
        for mac, port, vlan in self.macs:
            index = f"{vlan}.{'.'.join(str(one) for one in bytes.fromhex(mac.replace(':', '')))}"
            told[f"{BRIDGE}.7.1.2.2.1.2.{index}"] = ("integer", self._index(port) + 100)
            told[f"{BRIDGE}.7.1.2.2.1.3.{index}"] = ("integer", 3)
        for ip, mac in self.arp.items():
            told[f"{MIB2}.4.22.1.2.1.{ip}"] = ("octets", mac.replace(":", ""))
        return told

    def _neighbours(self, told: dict[str, tuple[str, object]], base: str) -> None:
        two = self.manner == "lldp-v2"
        for at, (port, chassis, name, far, description) in enumerate(self.neighbours, 1):
            number = self._index(port) + (500 if self.manner == "alias" else 0)
            index = f"0.{number}.1.{at}" if two else f"0.{number}.{at}"
            values = (
                ("integer", 4), ("octets", chassis.replace(":", "")), ("integer", 5), ("string", far),
                ("string", description), ("string", name),
            )  # fmt: skip
            if port in self.addresses:
                told[f"{base}.4.2.1.{4 if two else 3}.{index}.1.4.{self.addresses[port]}"] = ("integer", 2)
            for column, value in enumerate(values, 5 if two else 4):
                told[f"{base}.4.1.1.{column}.{index}"] = value

    def _index(self, port: str) -> int:
        return self.ports.index(port) + 1

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(self.objects()))
        return path


class Objects:
    """The objects of a file, in order."""

    def __init__(self, path: Path) -> None:
        told = json.loads(path.read_text())
        self.values: dict[Oid, tuple[str, object]] = {tuple(map(int, oid.split("."))): one for oid, one in told.items()}
        self.order = sorted(self.values)

    def after(self, oid: Oid) -> Oid | None:
        at = bisect_right(self.order, oid)
        return self.order[at] if at < len(self.order) else None


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    head = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + head + content


def parts(octets: bytes) -> list[tuple[int, bytes]]:
    found = []
    while octets:
        size, at = octets[1], 2
        if size & 0x80:
            at = 2 + (size & 0x7F)
            size = int.from_bytes(octets[2:at], "big")
        found.append((octets[0], octets[at : at + size]))
        octets = octets[at + size :]
    return found


def oid_octets(oid: Oid) -> bytes:
    out = bytes([oid[0] * 40 + oid[1]])
    for one in oid[2:]:
        digits = [one & 0x7F]
        while one := one >> 7:
            digits.append(0x80 | one & 0x7F)
        out += bytes(reversed(digits))
    return out


def oid_of(octets: bytes) -> Oid:
    found, number = [octets[0] // 40, octets[0] % 40], 0
    for octet in octets[1:]:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            found.append(number)
            number = 0
    return tuple(found)


def value_octets(kind: str, value: object) -> bytes:
    if kind == "integer":
        assert isinstance(value, int)
        return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))
    text = str(value)
    return tlv(TAGS[kind], bytes.fromhex(text) if kind == "octets" else text.encode())


def stub(path: Path, address: str, community: str, log: Path) -> None:
    """Speak SNMP v2c: GET, GETNEXT and GETBULK; whatever else is said is only written down."""
    objects = Objects(path)
    channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    channel.bind((address, 161))
    while True:
        question, sender = channel.recvfrom(65535)
        ((_sequence, message),) = parts(question)
        version, word, *rest = parts(message)
        if version[1] == b"\x03" or len(rest) != 1:
            continue  # SNMPv3 is not spoken here
        ((kind, pdu),) = rest
        with log.open("a") as out:
            out.write(f"{kind:#x} {word[1].decode('latin-1')}\n")
        if word[1] != community.encode() or version[1] != b"\x01" or kind not in {0xA0, 0xA1, 0xA5}:
            continue
        number, first, second, (_list, bindings) = parts(pdu)
        many = int.from_bytes(second[1], "big") if kind == 0xA5 else 1
        at, found = oid_of(parts(parts(bindings)[0][1])[0][1]), b""
        for _each in range(many):
            following = objects.after(at)
            if following is None or len(found) > 1300:
                found += tlv(0x30, tlv(0x06, oid_octets(at)) + b"\x82\x00") if following is None else b""
                break
            at = following
            found += tlv(0x30, tlv(0x06, oid_octets(at)) + value_octets(*objects.values[at]))
        answer = tlv(0xA2, tlv(*number) + b"\x02\x01\x00\x02\x01\x00" + tlv(0x30, found))
        channel.sendto(tlv(0x30, tlv(*version) + tlv(*word) + answer), sender)
        del first


def pass_persist(path: Path, log: Path) -> None:
    """Answer what snmpd asks line by line; the words are in snmpd.conf(5)."""
    objects = Objects(path)

    def say(*lines: str) -> None:
        print(*lines, sep="\n", flush=True)

    for line in sys.stdin:
        word = line.strip()
        with log.open("a") as out:
            out.write(word + "\n")
        if word == "PING":
            say("PONG")
        elif word in {"get", "getnext"}:
            oid = tuple(map(int, sys.stdin.readline().strip().strip(".").split(".")))
            found = objects.after(oid) if word == "getnext" else oid if oid in objects.values else None
            if found is None:
                say("NONE")
                continue
            kind, value = objects.values[found]
            shown = " ".join(f"{one:02x}" for one in bytes.fromhex(str(value))) if kind == "octets" else str(value)
            say("." + ".".join(map(str, found)), "octet" if kind == "octets" else kind, shown)
        elif word == "set":
            sys.stdin.readline(), sys.stdin.readline()
            say("not-writable")


if __name__ == "__main__":
    what, file, *rest = sys.argv[1:]
    if what == "stub":
        stub(Path(file), rest[0], rest[1], Path(rest[2]))
    else:
        pass_persist(Path(file), Path(rest[0]))
