"""What rpcbind lists (RFC 1833) and what the NFS server exports to everybody (RFC 1813 §5.2.5)."""

from __future__ import annotations

import secrets
import struct

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, hear_exactly, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_PORTMAPPER, _MOUNT = 100000, 100005
_DUMP, _EXPORT = 4, 5
_TCP = 6
_EVERYBODY = {b"*", b"0.0.0.0/0", b"(everyone)", b"0.0.0.0", b"everyone"}


def call(number: int, program: int, version: int, procedure: int) -> bytes:
    """Return one call without arguments or identity, in its record."""
    body = struct.pack("!10I", number, 0, 2, program, version, procedure, 0, 0, 0, 0)
    return struct.pack("!I", 0x80000000 | len(body)) + body


async def _answer(talk: Talk, program: int, version: int, procedure: int) -> bytes | None:
    """Return the result of a call, or None when it was not accepted."""
    number = secrets.randbits(32)
    await talk.say(call(number, program, version, procedure))
    whole, last = b"", False
    while not last and len(whole) < 65536:
        head = await hear_exactly(talk, 4)
        if len(head) < 4:
            return None
        (size,) = struct.unpack("!I", head)
        last, size = bool(size & 0x80000000), size & 0x7FFFFFFF
        whole += await hear_exactly(talk, min(size, 65536))
    if len(whole) < 24 or struct.unpack_from("!3I", whole) != (number, 1, 0):
        return None
    (length,) = struct.unpack_from("!I", whole, 16)
    accepted = whole[20 + length : 24 + length]
    return whole[24 + length :] if accepted == b"\0\0\0\0" else None


async def portmapper(door: Door, ip: str, port: int) -> Facts:
    """Return the programs that are listed."""

    async def script(talk: Talk) -> Facts:
        listed = await _answer(talk, _PORTMAPPER, 2, _DUMP)
        if listed is None:
            return silence()
        programs = mappings(listed)
        return {"open": True, "programs": [*sorted({one[0] for one in programs})]}

    return await converse(door, ip, port, script)


def mappings(listed: bytes) -> list[tuple[int, int, int, int]]:
    """Return (program, version, protocol, port) of a DUMP, at most 200."""
    found: list[tuple[int, int, int, int]] = []
    while len(listed) >= 20 and listed[:4] == b"\0\0\0\1" and len(found) < 200:
        program, version, protocol, port = struct.unpack_from("!4I", listed, 4)
        found.append((program, version, protocol, port))
        listed = listed[20:]
    return found


async def exports(door: Door, ip: str, port: int) -> Facts:
    """Ask rpcbind for the mount service, and that for what it exports; nothing is mounted."""

    async def find(talk: Talk) -> Facts:
        listed = await _answer(talk, _PORTMAPPER, 2, _DUMP)
        if listed is None:
            return decided({}, open=None)
        served = [p for program, _v, proto, p in mappings(listed) if (program, proto) == (_MOUNT, _TCP)]
        return {"port": served[0]} if served and 0 < served[0] < 65536 else silence()

    async def ask(talk: Talk) -> Facts:
        listed = await _answer(talk, _MOUNT, 3, _EXPORT)
        if listed is None:
            return decided({}, open=None)
        found = exported(listed)
        free = [untrusted(path) for path, groups in found if not groups or _EVERYBODY & {*groups}]
        return {"open": bool(free), "exports": [*free], "reply": ", ".join(free), "all": len(found)}

    found = await converse(door, ip, port, find)
    where = found.get("port")
    if not isinstance(where, int):
        return found
    if not door.may_follow(ip, where):  # rpcbind may name any port, a printer's too
        return decided({}, open=None)
    told = await converse(door, ip, where, ask)
    return decided({}, open=None) if told.get("answer") is False else told


def exported(listed: bytes) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """Return (path, groups) of an export list, at most 100; what does not fit ends it."""
    found: list[tuple[bytes, tuple[bytes, ...]]] = []
    at = 0
    try:
        while struct.unpack_from("!I", listed, at)[0] == 1 and len(found) < 100:
            path, at = _opaque(listed, at + 4)
            groups: list[bytes] = []
            while struct.unpack_from("!I", listed, at)[0] == 1 and len(groups) < 100:
                group, at = _opaque(listed, at + 4)
                groups.append(group)
            at += 4
            found.append((path, tuple(groups)))
    except struct.error:
        return found
    return found


def _opaque(octets: bytes, at: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from("!I", octets, at)
    if size > 1024:
        raise struct.error
    return octets[at + 4 : at + 4 + size], at + 4 + -(-size // 4) * 4
