"""Reads captures on its own, so that what verify says of them is not proved by verify's reader."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

INSIDE = tuple(map(IPv4Network, ("10.20.0.0/16", "10.21.1.0/24", "10.22.1.0/24")))
INSIDE6 = IPv6Network("fd6d:7073:6774::/48")
MANAGEMENT, MIRROR, RESOLVER = (IPv4Address(f"203.0.113.{last}") for last in (2, 10, 53))


def frames(path: Path) -> list[bytes]:
    """Return the Ethernet frames of a little-endian capture."""
    content, at, found = path.read_bytes(), 24, []
    assert struct.unpack_from("<I", content)[0] in {0xA1B2C3D4, 0xA1B23C4D}
    assert struct.unpack_from("<I", content, 20)[0] == 1
    while at + 16 <= len(content):
        length = struct.unpack_from("<I", content, at + 8)[0]
        found.append(content[at + 16 : at + 16 + length])
        at += 16 + length
    return found


def ends(frame: bytes) -> set[IPv4Address]:
    """Return both addresses of an IPv4 frame."""
    return {IPv4Address(frame[26:30]), IPv4Address(frame[30:34])} if frame[12:14] == b"\x08\x00" else set()


def is_inside(frame: bytes) -> bool:
    """Say whether an address of a declared LAN, or of the tunnel, is on the wire."""
    six = {IPv6Address(frame[22:38]), IPv6Address(frame[38:54])} if frame[12:14] == b"\x86\xdd" else set()
    return any(end in network for network in INSIDE for end in ends(frame)) or any(end in INSIDE6 for end in six)


def is_expected(frame: bytes) -> bool:
    """Say whether the frame is ARP, ND, ICMP, the tunnel, SSH of the management, the mirror or the resolver."""
    if frame[12:14] == b"\x08\x06":
        return True
    if frame[12:14] == b"\x86\xdd":
        return frame[20] in {0, 58}  # ND, and the hop-by-hop header of multicast reports
    if frame[12:14] != b"\x08\x00":
        return False
    protocol, header = frame[23], 14 + (frame[14] & 15) * 4
    ports = set(struct.unpack_from("!2H", frame, header)) if protocol in {6, 17} else set()
    others = ends(frame)
    return (
        protocol == 1
        or (protocol == 17 and 51820 in ports)
        or (protocol == 6 and 22 in ports and MANAGEMENT in others)
        or (protocol == 6 and 80 in ports and MIRROR in others)
        or (53 in ports and RESOLVER in others)
    )
