"""Reads a capture (pcap, as tcpdump writes it) and sorts its packets: what may be on an uplink, and what must never be."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_MAGIC = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
_ETHERNET, _RAW = 1, {12, 101, 228}
_ARP, _IPV4, _IPV6 = 0x0806, 0x0800, 0x86DD
_ICMP, _TCP, _UDP, _ICMP6 = 1, 6, 17, 58
_SAMPLES = 5


@dataclass(frozen=True)
class Packet:
    """One packet on a wire."""

    ether: int
    protocol: int = 0
    source: IPv4Address | IPv6Address | None = None
    target: IPv4Address | IPv6Address | None = None
    source_port: int = 0
    target_port: int = 0
    raw: bytes = b""

    def __str__(self) -> str:
        name = {_TCP: "tcp", _UDP: "udp", _ICMP: "icmp", _ICMP6: "icmp6"}.get(self.protocol, str(self.protocol))
        return f"{self.source}:{self.source_port} > {self.target}:{self.target_port} {name}"


@dataclass(frozen=True)
class Permitted:
    """What may be seen on an uplink beside ARP, ICMP and ND."""

    inside: tuple[IPv4Network | IPv6Network, ...]
    tunnel_port: int
    management: tuple[IPv4Network, ...]
    mirrors: frozenset[IPv4Address] = frozenset()
    resolvers: frozenset[IPv4Address] = frozenset()


@dataclass
class Sorted:
    """How many packets of each sort there were."""

    counts: Counter[str] = field(default_factory=Counter)
    inside: list[str] = field(default_factory=list)
    """The first packets with an inside address."""
    foreign: list[str] = field(default_factory=list)
    """The first packets that nothing permits."""
    canary: int = 0
    """Packets that hold the canary in clear."""


def packets(content: bytes) -> Iterator[Packet]:
    """Yield the packets of a capture; a last one cut by the end is left out; ValueError when it is no capture."""
    order = _MAGIC.get(content[:4])
    if order is None or len(content) < 24:
        raise ValueError("not a capture")
    link = struct.unpack_from(f"{order}I", content, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(content):
        length = struct.unpack_from(f"{order}I", content, at + 8)[0]
        at += 16
        if at + length > len(content):
            return
        yield _packet(content[at : at + length], link)
        at += length


def _packet(raw: bytes, link: int) -> Packet:
    if link == _ETHERNET:
        ether, body = int.from_bytes(raw[12:14], "big"), raw[14:]
    elif link in _RAW and raw:
        ether, body = (_IPV4 if raw[0] >> 4 == 4 else _IPV6), raw
    else:
        raise ValueError(f"captures of link type {link} are not read")
    if ether == _IPV6 and len(body) >= 40:
        return Packet(ether, body[6], IPv6Address(body[8:24]), IPv6Address(body[24:40]), raw=raw)
    if ether != _IPV4 or len(body) < 20:
        return Packet(ether, raw=raw)
    header = (body[0] & 15) * 4
    fragment = int.from_bytes(body[6:8], "big") & 0x1FFF
    ports = struct.unpack_from("!2H", body, header) if len(body) >= header + 4 and not fragment else (0, 0)
    source, target = ports if body[9] in {_TCP, _UDP} else (0, 0)
    return Packet(ether, body[9], IPv4Address(body[12:16]), IPv4Address(body[16:20]), source, target, raw)


def sort(found: Iterable[Packet], permitted: Permitted, canary: bytes = b"") -> Sorted:
    """Return *found* by sort; an inside address counts before anything else."""
    result = Sorted()
    for packet in found:
        name = _sort(packet, permitted)
        result.counts[name] += 1
        samples = {"inside": result.inside, "foreign": result.foreign}.get(name)
        if samples is not None and len(samples) < _SAMPLES:
            samples.append(str(packet))
        result.canary += bool(canary) and canary in packet.raw
    return result


def _sort(packet: Packet, permitted: Permitted) -> str:
    """Return the first sort that fits *packet*."""
    ends = [end for end in (packet.source, packet.target) if end]
    ports = {packet.source_port, packet.target_port}
    is_tcp, is_udp = packet.protocol == _TCP, packet.protocol == _UDP

    def among(networks: Iterable[IPv4Network | IPv6Network]) -> bool:
        return any(end in network for network in networks for end in ends)

    table = {
        "inside": among(permitted.inside),
        "link": packet.ether == _ARP or (packet.ether == _IPV6 and packet.protocol in {_ICMP6, 0}),
        "control": packet.protocol == _ICMP,
        "tunnel": is_udp and permitted.tunnel_port in ports,
        "management": is_tcp and 22 in ports and among(permitted.management),
        "packages": is_tcp and bool(ports & {80, 443}) and bool(permitted.mirrors & set(ends)),
        "names": (is_tcp or is_udp) and 53 in ports and bool(permitted.resolvers & set(ends)),
    }
    return next((name for name, fits in table.items() if fits), "foreign")
