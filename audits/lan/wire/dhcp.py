"""DHCP as frames: the question that every server answers (RFC 2131 §4.3.1), and what clients and servers say."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from audits.lan.wire import frames
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_COOKIE = b"\x63\x82\x53\x63"
_KINDS = {1: "discover", 2: "offer", 3: "request", 4: "decline", 5: "ack", 6: "nak", 7: "release", 8: "inform"}
_ROUTER, _DNS, _NAME, _WANTED, _KIND, _SERVER, _VENDOR, _WPAD = 3, 6, 12, 50, 53, 54, 60, 252


def discover(mac: bytes, number: int) -> bytes:
    """Return the DHCPDISCOVER of *mac* as a frame to all; the answer is asked for by broadcast, and nothing is ever requested."""
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, number, 0, 0x8000) + bytes(16) + mac + bytes(10) + bytes(192)
    options = bytes((_KIND, 1, 1, 55, 4, 1, _ROUTER, _DNS, _WPAD, 255))
    body = (head + _COOKIE + options).ljust(300, b"\0")
    everybody = IPv4Address("255.255.255.255")
    packet = frames.udp(IPv4Address(0), everybody, (68, 67), body)
    return frames.ether(frames.BROADCAST, mac, frames.IPV4, packet)


def read(message: bytes) -> Facts | None:
    """Return what a DHCP *message* says; None when it is none."""
    if len(message) < 240 or message[236:240] != _COOKIE or message[1:3] != b"\x01\x06":
        return None
    options = _options(message[240:])
    kind = _KINDS.get(options.get(_KIND, b"\0")[0] if options.get(_KIND) else 0)
    if kind is None:
        return None
    facts: Facts = {"message": kind, "client": message[28:34].hex(":"), "number": int.from_bytes(message[4:8], "big")}
    if message[16:20] != bytes(4):
        facts["offered"] = str(IPv4Address(message[16:20]))
    for key, code in (("server", _SERVER), ("wanted", _WANTED)):
        if len(options.get(code, b"")) == 4:
            facts[key] = str(IPv4Address(options[code]))
    for key, code in (("routers", _ROUTER), ("resolvers", _DNS)):
        listed = options.get(code, b"")
        if listed and len(listed) % 4 == 0:
            facts[key] = [str(IPv4Address(listed[at : at + 4])) for at in range(0, min(len(listed), 32), 4)]
    for key, code in (("name", _NAME), ("vendor", _VENDOR), ("wpad", _WPAD)):
        if options.get(code):
            facts[key] = untrusted(options[code])
    return facts


def _options(octets: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(octets) and octets[at] != 255:
        if octets[at] == 0:
            at += 1
            continue
        if at + 2 > len(octets) or at + 2 + octets[at + 1] > len(octets):
            break
        found.setdefault(octets[at], octets[at + 2 : at + 2 + octets[at + 1]])
        at += 2 + octets[at + 1]
    return found
