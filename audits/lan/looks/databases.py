"""Do databases and brokers let anybody in? Each is asked in its own words; no data is read."""

from __future__ import annotations

import re
import struct

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, hear_exactly, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

#: Errors of PostgreSQL that refuse nobody in particular: no more connections, starting, stopping (SQLSTATE 53300, 57P01–57P03).
_BUSY = re.compile(rb"\0C(53300|57P0[123])\0")
#: Too many connections, of MariaDB and MySQL.
_CROWDED = frozenset({1040, 1203})
#: Errors of MariaDB and MySQL that tell of a lockout: host blocked, too many connections, account locked (two numbers).
_LOCKED = frozenset({1129, 1203, 3118, 4151})


_UNAVAILABLE = 3
"""The broker is not to be had now (MQTT 3.1.1 §3.2.2.3)."""
_TABULAR, _ENCRYPTION, _LAST, _NO_ENCRYPTION = 4, 1, 0xFF, 2


async def postgres(door: Door, ip: str, port: int) -> Facts:
    """Begin as ``postgres``: a server that trusts everybody asks for no password (protocol 3.0, AuthenticationOk)."""
    body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"

    async def script(talk: Talk) -> Facts:
        await talk.say(struct.pack("!I", len(body) + 4) + body)
        reply = await hear_exactly(talk, 9)
        if reply[:1] == b"E":
            told = reply + await talk.hear(1024)
            return decided({}, open=None if _BUSY.search(told) else False)
        if reply[:1] != b"R" or len(reply) < 9:
            return silence(reply)
        await talk.say(b"X\0\0\0\4")
        return {"open": reply[5:9] == b"\0\0\0\0", "method": int.from_bytes(reply[5:9], "big")}

    return await converse(door, ip, port, script)


async def mysql(door: Door, ip: str, port: int) -> Facts:
    """Hear the greeting and, where that is wanted, answer as ``root`` with an empty password (protocol 41)."""

    async def script(talk: Talk) -> Facts:
        greeting = await _packet(talk)
        if greeting[:1] != b"\x0a":
            crowded = int.from_bytes(greeting[1:3], "little") in _CROWDED
            refused = greeting[:1] == b"\xff"
            return decided({}, open=None if crowded else False) if refused else silence(greeting)
        version = untrusted(greeting[1:].split(b"\0")[0])
        if door.may_log_in(ip, "root"):
            return {"version": version}
        flags = 0x00000200 | 0x00008000 | 0x00080000
        body = struct.pack("<IIB23x", flags, 1 << 20, 45) + b"root\0" + b"\0" + b"mysql_native_password\0"
        await talk.say(len(body).to_bytes(3, "little") + b"\1" + body)
        reply = await _packet(talk)
        if reply[:1] == b"\xfe":  # it wants another method: nothing to answer it with is an empty password
            await talk.say(b"\0\0\0\3")
            reply = await _packet(talk)
        if reply[:1] == b"\xff" and int.from_bytes(reply[1:3], "little") in _LOCKED:
            door.tries.stop()
            return {"open": False, "version": version, "locked": True}
        return decided({"version": version}, open={b"\0": True, b"\xff": False}.get(reply[:1]))

    return await converse(door, ip, port, script)


async def _packet(talk: Talk) -> bytes:
    head = await hear_exactly(talk, 4)
    return await hear_exactly(talk, min(int.from_bytes(head[:3], "little"), 4096)) if len(head) == 4 else b""


async def mongodb(door: Door, ip: str, port: int) -> Facts:
    """Ask for the names of the databases (OP_MSG): without a login that is refused where access is controlled."""
    document = _bson(b"\x10listDatabases\0\1\0\0\0\x08nameOnly\0\1\x02$db\0\6\0\0\0admin\0")
    body = struct.pack("<I", 0) + b"\0" + document

    async def script(talk: Talk) -> Facts:
        await talk.say(struct.pack("<4i", 16 + len(body), 7, 0, 2013) + body)
        head = await hear_exactly(talk, 16)
        if len(head) < 16 or struct.unpack("<4i", head)[2:] != (7, 2013):
            return silence(head)
        size = min(struct.unpack("<i", head[:4])[0] - 16, 65536)
        reply = await hear_exactly(talk, max(size, 0))
        came = len(reply) >= size > 0
        return decided({}, open=True if b"\x01ok\0" + struct.pack("<d", 1.0) in reply else False if came else None)

    return await converse(door, ip, port, script)


async def tds(door: Door, ip: str, port: int) -> Facts:
    """Say the first message of SQL Server's clients ([MS-TDS] §2.2.6.5); ``encrypts`` tells whether a login would be."""
    options = b"\0\0\x0b\0\6" + b"\1\0\x11\0\1" + b"\xff" + bytes(6) + b"\0"

    async def script(talk: Talk) -> Facts:
        await talk.say(b"\x12\1" + (8 + len(options)).to_bytes(2, "big") + b"\0\0\1\0" + options)
        head = await hear_exactly(talk, 8)
        if len(head) < 8 or head[0] != _TABULAR:
            return silence(head)
        told = await hear_exactly(talk, min(int.from_bytes(head[2:4], "big") - 8, 1024))
        for at in range(0, len(told) - 4, 5):
            kind, place = told[at], int.from_bytes(told[at + 1 : at + 3], "big")
            if kind == _ENCRYPTION and place < len(told):
                return {"encrypts": told[place] != _NO_ENCRYPTION}
            if kind == _LAST:
                break
        return silence(head)

    return await converse(door, ip, port, script)


def _bson(content: bytes) -> bytes:
    return struct.pack("<i", len(content) + 5) + content + b"\0"


async def redis(door: Door, ip: str, port: int) -> Facts:
    """PING and, when it answers without a password, INFO server."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"PING\r\n")
        reply = await talk.hear()
        if not reply.startswith((b"+PONG", b"-NOAUTH", b"-DENIED", b"-ERR", b"-WRONGPASS")):
            return silence(reply)
        crowded = b"max number of clients" in reply
        facts = decided({"reply": untrusted(reply)}, open=None if crowded else reply.startswith(b"+PONG"))
        if facts.get("open"):
            await talk.say(b"INFO server\r\n")
            version = re.search(rb"redis_version:([^\r\n]{1,40})", await talk.hear())
            facts["version"] = untrusted(version[1]) if version else ""
        return facts

    return await converse(door, ip, port, script)


async def mqtt(door: Door, ip: str, port: int) -> Facts:
    """CONNECT without a name (MQTT 3.1.1 §3.1); code 0 means that anybody may read and write."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
        reply = await talk.hear(64)
        if len(reply) < 4 or reply[0] != 0x20:
            return silence()
        await talk.say(b"\xe0\x00")
        return decided({"code": reply[3]}, open=None if reply[3] == _UNAVAILABLE else reply[3] == 0)

    return await converse(door, ip, port, script)


async def memcached(door: Door, ip: str, port: int) -> Facts:
    """Ask its version."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"version\r\n")
        reply = await talk.hear(256)
        return {"open": True, "reply": untrusted(reply)} if reply.startswith(b"VERSION") else silence()

    return await converse(door, ip, port, script)


async def memcached_datagram(door: Door, ip: str, port: int) -> Facts:
    """Ask its version by UDP: what answers so can be set upon others."""
    reply = await door.udp(ip, port, b"\0\x07\0\0\0\1\0\0version\r\n")
    if not reply or len(reply) < 16 or not reply[8:].startswith(b"VERSION"):
        return silence(reply or b"")
    return {"open": True, "reply": untrusted(reply[8:])}
