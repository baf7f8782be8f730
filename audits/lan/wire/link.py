"""What switches and routers say unasked to the next port: LLDP (IEEE 802.1AB), CDP, spanning tree (IEEE 802.1D) and RA (RFC 4861 §4.2)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

from audits.lan.wire import frames
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_STP = bytes.fromhex("424203")
_CDP = bytes.fromhex("aaaa0300000c2000")
_CAPABILITIES = ("other", "repeater", "bridge", "access-point", "router", "phone", "cable", "station")
_MOST = 64
"""Elements read of one frame."""


def lldp(payload: bytes) -> Facts | None:
    """Read an LLDPDU."""
    found: Facts = {}
    for kind, value in _elements(payload):
        if kind == 1 and len(value) > 1:
            found["chassis"] = value[1:].hex(":") if value[0] == 4 and len(value) == 7 else untrusted(value[1:])
        elif kind == 2 and len(value) > 1:
            found["port"] = value[1:].hex(":") if value[0] == 3 and len(value) == 7 else untrusted(value[1:])
        elif kind in {4, 5, 6}:
            found[{4: "port_description", 5: "name", 6: "description"}[kind]] = untrusted(value)
        elif kind == 7 and len(value) == 4:
            on = int.from_bytes(value[2:], "big")
            found["capabilities"] = [word for bit, word in enumerate(_CAPABILITIES) if on >> bit & 1]
        elif kind == 8 and len(value) >= 6 and value[1] == 1:
            found["address"] = str(IPv4Address(value[2:6]))
        elif kind == 127 and value[:4] == b"\x00\x80\xc2\x01" and len(value) >= 6:
            found["vlan"] = int.from_bytes(value[4:6], "big")
    return found if "chassis" in found and "port" in found else None


def _elements(payload: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + 2 <= len(payload) and len(found) < _MOST:
        word = int.from_bytes(payload[at : at + 2], "big")
        kind, length = word >> 9, word & 0x1FF
        if kind == 0 or at + 2 + length > len(payload):
            break
        found.append((kind, payload[at + 2 : at + 2 + length]))
        at += 2 + length
    return found


def cdp(payload: bytes) -> Facts | None:
    """Read the payload of a CDP frame, behind its SNAP header."""
    if len(payload) < 8 or payload[0] not in {1, 2}:
        return None
    found: Facts = {}
    at, texts = 4, {1: "name", 3: "port", 5: "description", 6: "platform"}
    for _each in range(_MOST):
        kind, length = int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 4], "big")
        if length < 4 or at + length > len(payload):
            break
        value = payload[at + 4 : at + length]
        if kind in texts:
            found[texts[kind]] = untrusted(value)
        elif kind == 10 and len(value) == 2:
            found["vlan"] = int.from_bytes(value, "big")
        elif kind == 2 and len(value) >= 13 and value[4:9] == b"\x01\x01\xcc\x00\x04":
            found["address"] = str(IPv4Address(value[9:13]))
        at += length
    return found if "name" in found else None


def stp(payload: bytes) -> Facts | None:
    """Read a BPDU, behind its LLC header."""
    if len(payload) < 27 or payload[:2] != b"\0\0" or payload[3] not in {0, 2}:
        return None
    root, bridge = payload[5:13], payload[17:25]
    return {
        "root": root[2:].hex(":"), "root_priority": int.from_bytes(root[:2], "big") & 0xF000,
        "bridge": bridge[2:].hex(":"), "version": payload[2], "changes": bool(payload[4] & 1),
    }  # fmt: skip


def advertisement(one: frames.Packet) -> Facts | None:
    """Read a router advertisement; only such as no router has carried."""
    body = one.payload
    if (
        one.protocol != frames.ICMP6
        or len(body) < 16
        or body[0] != 134
        or one.ttl != 255
        or not one.source.is_link_local
    ):
        return None
    found: Facts = {
        "managed": bool(body[5] & 0x80), "preference": ("medium", "high", "reserved", "low")[body[5] >> 3 & 3],
        "lifetime": int.from_bytes(body[6:8], "big"),
    }  # fmt: skip
    prefixes: list[str] = []
    resolvers: list[str] = []
    at = 16
    while at + 8 <= len(body) and body[at + 1] and len(prefixes) < 16:
        kind, value = body[at], body[at + 2 : at + body[at + 1] * 8]
        if kind == 3 and len(value) == 30 and value[0] <= 128:
            prefixes.append(str(IPv6Network((value[14:30], value[0]), strict=False)))
        elif kind == 25 and len(value) >= 22:
            resolvers += [str(IPv6Address(value[from_ : from_ + 16])) for from_ in range(6, len(value) - 15, 16)]
        at += body[at + 1] * 8
    return found | {"prefixes": [*prefixes], "resolvers": [*resolvers[:8]]}


def said(frame: bytes) -> tuple[str, Facts] | None:
    """Read *frame* as one of the languages of switches; None when it is none."""
    length = int.from_bytes(frame[12:14], "big")
    read: tuple[str, Facts | None] = ("", None)
    if length == frames.LLDP:
        read = "lldp", lldp(frame[14:])
    elif length < 0x600 and frame[14:17] == _STP:
        read = "stp", stp(frame[17 : 14 + length])
    elif length < 0x600 and frame[14:22] == _CDP:
        read = "cdp", cdp(frame[22 : 14 + length])
    return (read[0], read[1]) if read[1] else None
