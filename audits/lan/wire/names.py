"""Names asked of everybody: mDNS (RFC 6762), LLMNR (RFC 4795) and NetBIOS (RFC 1002), as questions of ours and as what is heard."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

MDNS, LLMNR, NBNS = 5353, 5355, 137
_A, _PTR, _TXT, _AAAA, _SRV, _NB = 1, 12, 16, 28, 33, 32
_MOST = 64
"""Records read of one message, and steps through its pointers."""


class Cut(Exception):
    """The message ends, or leads in a circle."""


@dataclass(frozen=True)
class Message:
    """A message in the form of DNS."""

    number: int
    answer: bool
    questions: tuple[str, ...]
    records: tuple[tuple[str, int, str], ...]
    """Name, type, and what it says where that is an address or a name."""


def question(number: int, name: bytes, kind: int = _A, flags: int = 0, unit: int = 1) -> bytes:
    """Return a message that asks for the encoded *name*."""
    return struct.pack("!HHHHHH", number, flags, 1, 0, 0, 0) + name + struct.pack("!HH", kind, unit)


def encoded(name: str) -> bytes:
    """Return *name* as labels."""
    return b"".join(bytes((len(one),)) + one.encode("ascii") for one in name.split(".")) + b"\0"


def netbios(name: str, suffix: int = 0) -> bytes:
    """Return *name* as NetBIOS encodes it (RFC 1001 §14.1)."""
    padded = name.upper().encode("ascii")[:15].ljust(15) + bytes((suffix,))
    return b"\x20" + b"".join(bytes((0x41 + (one >> 4), 0x41 + (one & 15))) for one in padded) + b"\0"


def read(octets: bytes) -> Message | None:
    """Read *octets* as a message; None when they are none."""
    if len(octets) < 12:
        return None
    number, flags, *counts = struct.unpack_from("!HHHHHH", octets)
    if sum(counts) > 4 * _MOST or flags & 0x7800 not in {0, 0x2800, 0x3000, 0x4000, 0x4800}:
        return None
    questions: list[str] = []
    records: list[tuple[str, int, str]] = []
    try:
        at = 12
        for _each in range(min(counts[0], _MOST)):
            name, at = _name(octets, at)
            questions.append(name)
            at += 4
        for _each in range(min(sum(counts[1:]), _MOST)):
            name, at = _name(octets, at)
            kind, _unit, _life, length = _unpacked("!HHIH", octets, at)
            at += 10
            if at + length > len(octets):
                raise Cut  # noqa: TRY301 - one end for all that cannot be
            records.append((name, kind, _value(octets, at, kind, length)))
            at += length
    except Cut:
        if not questions and not records:
            return None
    return Message(number, bool(flags & 0x8000), tuple(questions), tuple(records))


def _unpacked(form: str, octets: bytes, at: int) -> tuple[int, ...]:
    if at + struct.calcsize(form) > len(octets):
        raise Cut
    return struct.unpack_from(form, octets, at)


def _name(octets: bytes, at: int) -> tuple[str, int]:
    labels: list[str] = []
    end, steps = 0, 0
    while True:
        steps += 1
        if at >= len(octets) or steps > _MOST:
            raise Cut
        length = octets[at]
        if length & 0xC0 == 0xC0:
            end = end or at + 2
            at = _unpacked("!H", octets, at)[0] & 0x3FFF
        elif length & 0xC0:
            raise Cut
        elif length == 0:
            return ".".join(labels), end or at + 1
        else:
            if at + 1 + length > len(octets):
                raise Cut
            labels.append(_label(octets[at + 1 : at + 1 + length]))
            at += 1 + length


def _label(octets: bytes) -> str:
    """Return a label as text; NetBIOS's own form as what it stands for."""
    if len(octets) == 32 and all(0x41 <= one <= 0x50 for one in octets):
        whole = bytes(((octets[at] - 0x41) << 4) | (octets[at + 1] - 0x41) for at in range(0, 32, 2))
        return untrusted(whole[:15].rstrip()) + f"<{whole[15]:02x}>"
    return untrusted(octets)


def _value(octets: bytes, at: int, kind: int, length: int) -> str:
    if kind == _A and length == 4:
        return str(IPv4Address(octets[at : at + 4]))
    if kind == _AAAA and length == 16:
        return str(IPv6Address(octets[at : at + 16]))
    if kind == _NB and length >= 6:
        return str(IPv4Address(octets[at + 2 : at + 6]))
    if kind in {_PTR, _SRV}:
        return _name(octets, at + (6 if kind == _SRV else 0))[0]
    return ""


def facts(message: Message) -> Facts:
    """Return what is worth keeping of a message that was heard."""
    services = sorted({name for name, kind, _said in message.records if kind == _PTR and "._" in f".{name}"})
    names = sorted({name for name, kind, _said in message.records if kind in {_A, _AAAA, _NB, _SRV}})
    told: Facts = {"answers": message.answer}
    for key, listed in (("asks", sorted(set(message.questions))), ("services", services), ("names", names)):
        if listed:
            told[key] = [*listed[:16]]
    return told
