"""What name servers give away: recursion, whole zones, their version (RFC 1035, 5936); and the names of a Windows machine."""

from __future__ import annotations

import re
import secrets
import struct
from ipaddress import ip_address

from audits.lan.door import Door
from audits.lan.looks.conversation import hear_exactly, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_A, _SOA, _PTR, _TXT, _AXFR = 1, 6, 12, 16, 252
#: Answers of one who resolved the question: the name, or that there is none (RFC 1035 §4.1.1).
_RESOLVED = frozenset({0, 3})
_FAILED = 2
#: Where a table of names begins, behind the name that was asked for; the octets of an entry, and of the statistics behind them, if any.
_TABLE, _ENTRY, _STATISTICS = 46, 18, frozenset({0, *range(40, 65)})
#: What may stand in a name: no control character, but for those of the one that master browsers share.
_SHOWN = re.compile(rb"[ -~\x80-\xff]{1,15}|\x01\x02__MSBROWSE__\x02")


def question(name: str, kind: int, family: int = 1, *, recurse: bool = False) -> tuple[int, bytes]:
    """Return the number and the bytes of one question."""
    number = secrets.randbits(16)
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part)
    flags = 0x0100 if recurse else 0
    return number, struct.pack("!6H", number, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, family)


async def dns(door: Door, ip: str, port: int) -> Facts:
    """Ask for what every resolver knows, for the server's version, and for the zones that it holds itself."""
    number, asked = question("1.0.0.127.in-addr.arpa", _PTR, recurse=True)
    reply = await door.udp(ip, port, asked)
    if reply is None or len(reply) < 12 or reply[:2] != number.to_bytes(2, "big") or not reply[2] & 0x80:
        return silence(reply or b"")
    resolves = _resolves(reply) if _answers(reply, asked) else None
    version = await _version(door, ip, port)
    zones, whole = await _zones(door, ip, port)
    given = await _transfers(door, ip, port, zones) if zones else None
    given = given if given or whole else None
    told: Facts = {"recursion": resolves, "version": version, "transfers": None if given is None else [*given]}
    missing = [name for name, fact in told.items() if fact is None]
    known: Facts = {name: fact for name, fact in told.items() if fact is not None}
    if whole and not zones:
        known["zones"] = []  # nobody could be asked for what nobody knows
    return known | {"undecided": [*missing]} if missing else known


def _resolves(reply: bytes) -> bool | None:
    """Say whether the question was resolved for a stranger; None where the server would, and could not just now."""
    offered, code = bool(reply[3] & 0x80), reply[3] & 0x0F
    return None if offered and code == _FAILED else offered and code in _RESOLVED


def _answers(reply: bytes, asked: bytes) -> bool:
    """Say whether *reply* is an answer to what was *asked*: its number, and the same question once more (RFC 1035 §4.1)."""
    told, said = reply[12 : len(asked)], asked[12:]
    form = len(reply) >= len(asked) and bool(reply[2] & 0x80) and not reply[2] & 0x78
    return form and reply[:2] == asked[:2] and reply[4:6] == b"\0\1" and told.lower() == said.lower()


async def _answer(door: Door, ip: str, port: int, asked: bytes) -> bytes | None:
    """Return the answer of a server that has answered before: a lost datagram, or one that is no answer, is asked for again."""
    for _try in range(2):
        reply = await door.udp(ip, port, asked)
        if reply and _answers(reply, asked):
            return reply
    return None


async def _version(door: Door, ip: str, port: int) -> str | None:
    """Return the version that the server tells, nothing where it tells none; None where it does not answer."""
    _number, asked = question("version.bind", _TXT, 3)
    reply = await _answer(door, ip, port, asked)
    if not reply:
        return None
    return next((untrusted(data[1:]) for _name, kind, data in records(reply) if kind == _TXT and len(data) > 1), "")


async def _transfers(door: Door, ip: str, port: int, zones: list[str]) -> list[str] | None:
    """Return those of the *zones* that a stranger is given whole; None where that is not known of some."""
    told = {zone: await _hands_out(door, ip, port, zone) for zone in zones}
    given = [str(untrusted(zone)) for zone, handed in told.items() if handed]
    return given if given or None not in told.values() else None


async def _zones(door: Door, ip: str, port: int) -> tuple[list[str], bool]:
    """Return the zones that the server is the authority of, as far as its own name and address tell, and whether all was answered.

    At most four are tried.
    """
    reverse = ip_address(ip.partition("%")[0]).reverse_pointer
    _number, asked = question(reverse, _PTR)
    reply = await _answer(door, ip, port, asked)
    whole, reply = reply is not None, reply or b""
    names = [expanded(reply, data) for _name, kind, data in records(reply) if kind == _PTR]
    parents = [reverse.partition(".")[2], *(name.partition(".")[2] for name in names)]
    parents += [parent.partition(".")[2] for parent in parents[1:] if parent.count(".") >= 2]
    found = []
    for zone in dict.fromkeys(one for one in parents if one):
        _number, asked = question(zone, _SOA)
        told = await _answer(door, ip, port, asked)
        whole, told = whole and told is not None, told or b""
        if len(told) > 12 and told[2] & 0x04 and any(kind == _SOA for _name, kind, _data in records(told)):
            found.append(zone)
    return found[:4], whole


async def _hands_out(door: Door, ip: str, port: int, zone: str) -> bool | None:
    """Ask for the whole zone, and hang up as soon as its first message shows whether it comes; None where none does."""
    _number, asked = question(zone, _AXFR)
    try:
        async with door.tcp(ip, port) as talk:
            await talk.say(len(asked).to_bytes(2, "big") + asked)
            size = await hear_exactly(talk, 2)
            reply = await hear_exactly(talk, int.from_bytes(size, "big"))
    except ConnectionRefusedError:
        return False  # zones are handed out by TCP alone (RFC 5936 §4.2)
    except (TimeoutError, OSError):
        return None
    if not _answers(reply, asked):
        return None
    return not reply[3] & 0x0F and any(kind == _SOA for _name, kind, _data in records(reply))


def records(reply: bytes) -> list[tuple[int, int, bytes]]:
    """Return (place, kind, data) of the answers in *reply*, at most 50; what does not fit ends it."""
    found: list[tuple[int, int, bytes]] = []
    try:
        _number, _flags, questions, answers, _authority, _more = struct.unpack_from("!6H", reply)
        at = 12
        for _one in range(questions):
            at = _skip(reply, at) + 4
        for _one in range(min(answers, 50)):
            place, at = at, _skip(reply, at)
            kind, _family, _ttl, size = struct.unpack_from("!HHIH", reply, at)
            found.append((place, kind, reply[at + 10 : at + 10 + size]))
            at += 10 + size
    except (struct.error, IndexError):
        return found
    return found


def _skip(reply: bytes, at: int) -> int:
    while reply[at]:
        if reply[at] & 0xC0:
            return at + 2
        at += 1 + reply[at]
    return at + 1


def expanded(reply: bytes, data: bytes) -> str:
    """Return the name that *data* begins with, compressed or not; names that never end are cut."""
    labels: list[str] = []
    octets, at = data, 0
    for _step in range(40):
        if at >= len(octets) or not octets[at]:
            break
        if octets[at] & 0xC0 == 0xC0 and at + 1 < len(octets):
            octets, at = reply, int.from_bytes(octets[at : at + 2], "big") & 0x3FFF
            continue
        labels.append(octets[at + 1 : at + 1 + octets[at]].decode("ascii", "replace"))
        at += 1 + octets[at]
    return ".".join(label for label in labels if label.isascii() and len(label) < 64)


async def netbios(door: Door, ip: str, port: int) -> Facts:
    """Ask for the table of names (RFC 1002 §4.2.17)."""
    number = secrets.randbits(16).to_bytes(2, "big")
    asked = number + b"\0\0\0\1\0\0\0\0\0\0 CK" + b"A" * 30 + b"\0\0\x21\0\1"
    reply = await door.udp(ip, port, asked)
    names = _table(reply, number) if reply else None
    if names is None:
        return silence(reply or b"")
    shown = [untrusted(name) for name in names[:20]]
    return {"open": bool(shown), "names": [*shown], "reply": ", ".join(dict.fromkeys(shown))}


def _table(reply: bytes, number: bytes) -> list[bytes] | None:
    """Return the names of the table in *reply*; None where it is no such table, or none of its names can be one (RFC 1002 §4.2.18)."""
    if len(reply) < _TABLE + 11 or reply[:2] != number or reply[2] & 0xF8 != 0x80 or reply[3] & 0x0F:
        return None
    kind, family, _ttl, size, count = struct.unpack_from("!HHIHB", reply, _TABLE)
    begins, entries = _TABLE + 11, _ENTRY * count
    whole = size - 1 - entries in _STATISTICS and len(reply) >= begins - 1 + size
    if reply[4:12] != b"\0\0\0\1\0\0\0\0" or (kind, family) != (0x21, 1) or not whole:
        return None
    names = [reply[at : at + 15].strip(b" \0") for at in range(begins, begins + entries, _ENTRY)]
    shown = [name for name in names if _SHOWN.fullmatch(name)]
    return shown if shown or not any(names) else None
