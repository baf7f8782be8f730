"""Does a host answer SNMP v2c or v1 with a community everybody knows? One GET of sysDescr in a little BER (RFC 3416)."""

from __future__ import annotations

import secrets

from audits.lan.door import Door
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

COMMUNITIES = ("public", "private")
_SYSDESCR = bytes.fromhex("2b06010201010100")


def tlv(tag: int, content: bytes) -> bytes:
    """Return one BER element."""
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def get_request(community: str, request: int, version: int = 1) -> bytes:
    """Return a GetRequest for sysDescr.0; *version* on the wire is 1 for v2c and 0 for v1."""
    binding = tlv(0x30, tlv(0x30, tlv(0x06, _SYSDESCR) + tlv(0x05, b"")))
    pdu = tlv(0xA0, tlv(0x02, request.to_bytes(4, "big")) + tlv(0x02, b"\0") + tlv(0x02, b"\0") + binding)
    return tlv(0x30, tlv(0x02, bytes([version])) + tlv(0x04, community.encode()) + pdu)


def elements(octets: bytes) -> list[tuple[int, bytes]]:
    """Return the (tag, content) pairs in *octets*; ValueError when they do not fit."""
    out = []
    while octets:
        if len(octets) < 2:
            raise ValueError("cut short")
        tag, size, at = octets[0], octets[1], 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(octets[2 : 2 + count], "big"), 2 + count
        if len(octets) < at + size:
            raise ValueError("cut short")
        out.append((tag, octets[at : at + size]))
        octets = octets[at + size :]
    return out


def description(answer: bytes, request: int) -> bytes | None:
    """Return sysDescr of a Response to *request*, or None when *answer* is nothing of the kind."""
    try:
        ((_outer, message),) = elements(answer)
        _version, _community, (kind, pdu) = elements(message)
        number, status, _index, (_list, bindings) = elements(pdu)
        ((_sequence, binding),) = elements(bindings)[:1]
        _name, (tag, value) = elements(binding)
    except ValueError:
        return None
    good = kind == 0xA2 and int.from_bytes(number[1], "big") == request and not any(status[1])
    return value if good and tag == 0x04 else None


async def look(door: Door, ip: str, port: int = 161, community: str = "public") -> Facts:
    """Ask *ip* with *community*, by v2c and then by v1."""
    for version in (1, 0):
        request = secrets.randbelow(1 << 30) + 1
        answer = await door.udp(ip, port, get_request(community, request, version))
        found = description(answer, request) if answer else None
        if found is not None:
            return {"community": community, "description": untrusted(found)}
    return {"community": community, "answer": False}
