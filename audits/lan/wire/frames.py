"""Frames as octets: ARP (RFC 826), neighbour discovery (RFC 4861), ICMPv6 (RFC 4443), TCP (RFC 9293) and UDP; pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from wizara.audit.limits import Address

ARP, IPV4, IPV6, LLDP = 0x0806, 0x0800, 0x86DD, 0x88CC
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
BROADCAST = b"\xff" * 6
ALL_NODES, ALL_ROUTERS = IPv6Address("ff02::1"), IPv6Address("ff02::2")
SYN, RST, ACK = 0x02, 0x04, 0x10
_MSS = b"\x02\x04\x05\xb4"


def total(octets: bytes) -> int:
    """Return the sum of *octets* as 16-bit words, not yet folded (RFC 1071)."""
    even = octets + b"\0" if len(octets) % 2 else octets
    return sum(struct.unpack(f"!{len(even) // 2}H", even))


def folded(number: int) -> int:
    """Return *number* as the ones' complement checksum."""
    while number > 0xFFFF:
        number = (number & 0xFFFF) + (number >> 16)
    return number ^ 0xFFFF


def ether(target: bytes, source: bytes, kind: int, payload: bytes) -> bytes:
    """Return an Ethernet II frame."""
    return target + source + struct.pack("!H", kind) + payload


def multicast_mac(group: Address) -> bytes:
    """Return the Ethernet address of an IP multicast *group* (RFC 1112 §6.4, RFC 2464 §7)."""
    if group.version == 6:
        return b"\x33\x33" + group.packed[-4:]
    return bytes((0x01, 0x00, 0x5E, group.packed[1] & 0x7F)) + group.packed[2:]


def arp_question(mac: bytes, own: IPv4Address, target: IPv4Address, to: bytes = BROADCAST) -> bytes:
    """Return the frame that asks who has *target*."""
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1)
    return ether(to, mac, ARP, head + mac + own.packed + b"\0" * 6 + target.packed)


@dataclass(frozen=True)
class Arp:
    """Who says that he has which address, and whether he answers or asks."""

    address: str
    mac: str
    reply: bool


def arp(frame: bytes) -> Arp | None:
    """Read an ARP frame of Ethernet and IPv4; None for anything else, and for a probe of an address nobody has yet."""
    if len(frame) < 42 or frame[12:20] != struct.pack("!HHHBB", ARP, 1, IPV4, 6, 4):
        return None
    operation = frame[21] if frame[20] == 0 else 0
    if operation not in {1, 2} or frame[28:32] == b"\0\0\0\0" or frame[22] & 1:
        return None
    return Arp(str(IPv4Address(frame[28:32])), frame[22:28].hex(":"), operation == 2)


def ipv4(source: IPv4Address, target: IPv4Address, protocol: int, payload: bytes, ttl: int = 64) -> bytes:
    """Return an IPv4 packet."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, ttl, protocol, 0) + source.packed + target.packed
    return head[:10] + struct.pack("!H", folded(total(head))) + head[12:] + payload


def ipv6(source: IPv6Address, target: IPv6Address, protocol: int, payload: bytes, hops: int = 64) -> bytes:
    """Return an IPv6 packet (RFC 8200)."""
    return struct.pack("!IHBB", 0x60000000, len(payload), protocol, hops) + source.packed + target.packed + payload


def pseudo(source: Address, target: Address, protocol: int, length: int) -> int:
    """Return the sum of the pseudo header."""
    return total(source.packed + target.packed) + protocol + length


def udp(source: Address, target: Address, ports: tuple[int, int], payload: bytes, ttl: int = 64) -> bytes:
    """Return an IP packet with one datagram."""
    length = 8 + len(payload)
    head = struct.pack("!HHHH", *ports, length, 0)
    number = folded(pseudo(source, target, UDP, length) + total(head + payload)) or 0xFFFF
    body = head[:6] + struct.pack("!H", number) + payload
    if isinstance(source, IPv4Address) and isinstance(target, IPv4Address):
        return ipv4(source, target, UDP, body, ttl)
    assert isinstance(source, IPv6Address)
    assert isinstance(target, IPv6Address)
    return ipv6(source, target, UDP, body, ttl)


def tcp_template(source: Address, target: Address, sport: int, number: int, flags: int) -> tuple[bytes, bytes, int]:
    """Return what stands before and after the target port in a TCP packet without data, and the sum without that port."""
    options = _MSS if flags & SYN else b""
    length = 20 + len(options)
    offset = (length // 4) << 12
    rest = struct.pack("!IIHHHH", number, 0, offset | flags, 1024 if flags & SYN else 0, 0, 0) + options
    if isinstance(source, IPv4Address) and isinstance(target, IPv4Address):
        head = ipv4(source, target, TCP, b"\0" * length)[:20]
    else:
        assert isinstance(source, IPv6Address)
        assert isinstance(target, IPv6Address)
        head = ipv6(source, target, TCP, b"\0" * length)[:40]
    return head + struct.pack("!H", sport), rest, pseudo(source, target, TCP, length) + sport + total(rest)


def tcp_frame(ahead: bytes, template: tuple[bytes, bytes, int], port: int) -> bytes:
    """Return the frame of :func:`tcp_template` to *port*, after the Ethernet header *ahead*."""
    before, rest, number = template
    number += port
    number = (number & 0xFFFF) + (number >> 16)
    number = (number & 0xFFFF) + (number >> 16)
    number = ((number & 0xFFFF) + (number >> 16)) ^ 0xFFFF
    return ahead + before + port.to_bytes(2, "big") + rest[:12] + number.to_bytes(2, "big") + rest[14:]


def icmp6(source: IPv6Address, target: IPv6Address, body: bytes, hops: int = 255, options: bytes = b"") -> bytes:
    """Return an ICMPv6 packet of *body*, whose checksum field is still empty; *options*: a destination options header."""
    number = folded(pseudo(source, target, ICMP6, len(body)) + total(body))
    whole = body[:2] + struct.pack("!H", number) + body[4:]
    return ipv6(source, target, 60 if options else ICMP6, options + whole, hops)


def solicitation(mac: bytes, own: IPv6Address, target: IPv6Address) -> bytes:
    """Return the frame that asks the link who has the IPv6 address *target* (RFC 4861 §4.3)."""
    group = IPv6Address(b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + target.packed[-3:])
    body = struct.pack("!BBHI", 135, 0, 0, 0) + target.packed + b"\x01\x01" + mac
    return ether(multicast_mac(group), mac, IPV6, icmp6(own, group, body))


def echo_all(mac: bytes, own: IPv6Address) -> bytes:
    """Return the echo request to all nodes of the link."""
    body = struct.pack("!BBHHH", 128, 0, 0, 0x5A7A, 1) + b"wizara"
    return ether(multicast_mac(ALL_NODES), mac, IPV6, icmp6(own, ALL_NODES, body))


def odd_option_all(mac: bytes, own: IPv6Address) -> bytes:
    """Return what those answer who keep silent on echoes to all: an option that must be refused by message (RFC 8200 §4.2)."""
    option = bytes((ICMP6, 0, 0x80, 0x01, 0, 0, 0, 0))
    body = struct.pack("!BBHHH", 128, 0, 0, 0x5A7A, 2) + b"wizara"
    return ether(multicast_mac(ALL_NODES), mac, IPV6, icmp6(own, ALL_NODES, body, options=option))


def router_solicitation(mac: bytes, own: IPv6Address) -> bytes:
    """Return the frame that asks the link for its routers (RFC 4861 §4.1)."""
    body = struct.pack("!BBHI", 133, 0, 0, 0) + b"\x01\x01" + mac
    return ether(multicast_mac(ALL_ROUTERS), mac, IPV6, icmp6(own, ALL_ROUTERS, body))


@dataclass(frozen=True)
class Packet:
    """An IP packet, unwrapped from its frame."""

    mac: str
    """Who sent the frame."""
    source: Address
    target: Address
    protocol: int
    """That of the payload, behind IPv6's extension headers."""
    ttl: int
    payload: bytes


_SKIPPED = frozenset({0, 43, 60})
"""IPv6 headers that only stand before the payload: hop-by-hop, routing, destination options."""


def packet(frame: bytes) -> Packet | None:
    """Unwrap an Ethernet frame that carries IPv4 or IPv6; None for anything else, fragments and cut ones."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) >= 34 and frame[14] >> 4 == 4:
        ahead = (frame[14] & 15) * 4
        whole = int.from_bytes(frame[16:18], "big")
        if ahead < 20 or not ahead <= whole <= len(frame) - 14 or int.from_bytes(frame[20:22], "big") & 0x3FFF:
            return None
        ends = IPv4Address(frame[26:30]), IPv4Address(frame[30:34])
        return Packet(frame[6:12].hex(":"), *ends, frame[23], frame[22], frame[14 + ahead : 14 + whole])
    if kind == b"\x86\xdd" and len(frame) >= 54 and frame[14] >> 4 == 6:
        whole = int.from_bytes(frame[18:20], "big")
        found = _behind(frame[20], frame[54 : 54 + whole])
        if found is None or 54 + whole > len(frame):
            return None
        return Packet(
            frame[6:12].hex(":"), IPv6Address(frame[22:38]), IPv6Address(frame[38:54]), found[0], frame[21], found[1]
        )
    return None


def _behind(protocol: int, payload: bytes) -> tuple[int, bytes] | None:
    for _header in range(8):
        if protocol not in _SKIPPED:
            return protocol, payload
        if len(payload) < 8:
            return None
        protocol, payload = payload[0], payload[(payload[1] + 1) * 8 :]
    return None


def datagram(one: Packet) -> tuple[int, int, bytes] | None:
    """Return source port, target port and content of the datagram in *one*."""
    if one.protocol != UDP or len(one.payload) < 8:
        return None
    source, target, length = struct.unpack_from("!HHH", one.payload)
    return (source, target, one.payload[8:length]) if 8 <= length <= len(one.payload) else None


@dataclass(frozen=True)
class Neighbour:
    """Who says that he has which IPv6 address."""

    address: str
    mac: str
    router: bool = False


def advertisement(one: Packet) -> Neighbour | None:
    """Read a neighbour advertisement (RFC 4861 §4.4); only such as no router has carried."""
    if one.protocol != ICMP6 or len(one.payload) < 24 or one.payload[0] != 136 or one.ttl != 255:
        return None
    return Neighbour(
        str(IPv6Address(one.payload[8:24])), _link_layer(one.payload[24:]) or one.mac, bool(one.payload[4] & 0x80)
    )


def _link_layer(options: bytes) -> str | None:
    """Return the target link-layer address (option 2), where there is one."""
    while len(options) >= 8 and options[1]:
        if options[0] == 2:
            return options[2:8].hex(":")
        options = options[options[1] * 8 :]
    return None
