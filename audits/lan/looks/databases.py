"""Do databases and brokers let anybody in? Each is asked in its own words; no data is read."""

from __future__ import annotations

import re
import secrets
import struct

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, hear_exactly, silence
from audits.lan.tls import any_tls
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

#: An error of PostgreSQL's protocol 3.0: fields, each a letter and a text, SQLSTATE and words among them.
_FIELDS = re.compile(rb"(?:[A-Za-z][^\0]*\0){2,}\0")
_SQLSTATE = re.compile(rb"\0C([0-9A-Z]{5})\0")
_REFUSES = b"28"
"""The class of PostgreSQL's errors that refuse whom they are told; others are no more room, starting, stopping, a pool's own."""
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_WAYS_IN = range(13)
"""Ways in which PostgreSQL asks who comes (AuthenticationOk is 0)."""
#: What Redis says to PING: that it is there, or why it does not answer that.
_REDIS = re.compile(
    rb"(\+PONG|-(?:NOAUTH|DENIED|WRONGPASS|NOPERM|ERR operation not permitted)|"
    rb"-(?:LOADING|MASTERDOWN|MISCONF|BUSY|ERR max number of clients))\b[^\r\n]*\r\n"
)
_DECIDES = (b"+PONG", b"-NOAUTH", b"-DENIED", b"-WRONGPASS", b"-NOPERM", b"-ERR operation")
#: The greeting of MariaDB and MySQL (protocol 10: version, thread, eight bytes of salt, a zero), and an error before any login (1000–4999).
_GREETING = re.compile(rb"\x0a[\x20-\x7e]+\0.{4}.{8}\0.*", re.DOTALL)
_REFUSED = re.compile(rb"\xff(.[\x03-\x13])[\x20-\x7e\x80-\xff]+", re.DOTALL)
_MEMCACHED = re.compile(rb"VERSION \d[\w.+~-]{0,40}(?: [^\r\n]{0,80})?\r\n")
_REQUEST = b"\0\x07\0\0\0\1\0\0"
"""The head of a datagram of memcached: its number, and that it is the first of one."""
#: Errors of MariaDB and MySQL that refuse whom they are told: the login, or the host; the rest (too many, TLS first) has another cause.
_DENIED = frozenset({1044, 1045, 1130, 1698, 3118, 4151})
#: Errors of MongoDB that do: not authorised, login failed; the rest (not primary, stopping) has another cause.
_UNAUTHORISED = frozenset({13, 18})
_CODE = re.compile(rb"\x10code\0(.{4})", re.DOTALL)
#: Errors of MariaDB and MySQL that tell of a lockout: host blocked, too many connections, account locked (two numbers).
_LOCKED = frozenset({1129, 1203, 3118, 4151})
#: CONNACK: of version 3, or of a broker that speaks version 5 alone (MQTT 5 §3.2.2.2: 0x80 and above refuse).
_ANSWERED = re.compile(rb"\x20\x02\0[\0-\x05]|\x20[\x03-\x3e]\0[\x80-\x9f].+", re.DOTALL)
#: What a broker's code says of strangers (MQTT 3.1.1 §3.2.2.3); that it dislikes a version, an identifier or the time says nothing of them.
_BROKER = {0: True, 4: False, 5: False}
_TABULAR, _WHOLE = 4, 1
_VERSION, _ENCRYPTION, _LAST, _NO_ENCRYPTION = 0, 1, 0xFF, 2


async def postgres(door: Door, ip: str, port: int) -> Facts:
    """Begin as ``postgres``: a server that trusts everybody asks for no password (protocol 3.0, AuthenticationOk).

    It is asked for TLS first (SSLRequest), then in clear, unless it lets in by TLS: its rules may tell the two apart.
    """

    async def first(talk: Talk) -> Facts:
        await talk.say(_SSL_REQUEST)
        offered = await talk.hear(64)
        if offered[:1] == b"E":
            return {}  # no such question in its version of the protocol, or no PostgreSQL: it is asked in clear
        if offered not in {b"S", b"N"}:
            return silence(offered)
        upgraded = offered == b"S" and await talk.encrypt(any_tls())
        begun = await _begin(talk) if upgraded or offered == b"N" else silence()
        if begun.get("heard"):
            return begun
        return decided(_way(begun) | {"offers_tls": offered == b"S", "upgraded": upgraded}, open=_let_in(begun))

    facts = await converse(door, ip, port, first)
    if facts.get("answer") is False or facts.get("open") or facts.get("offers_tls") is False:
        return facts
    clear = await converse(door, ip, port, _begin)
    if not facts or clear.get("heard"):
        return clear
    ways = {_let_in(facts), _let_in(clear)}
    return decided(_way(clear) | facts, open=True if True in ways else None if None in ways else False)


def _way(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if name == "method"}


def _let_in(facts: Facts) -> bool | None:
    found = facts.get("open")
    return found if isinstance(found, bool) else None


async def _begin(talk: Talk) -> Facts:
    """Ask to begin as ``postgres``, and say whether that is let in, with the way in that is asked for."""
    body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
    await talk.say(struct.pack("!I", len(body) + 4) + body)
    head = await hear_exactly(talk, 5)
    size = int.from_bytes(head[1:], "big") - 4
    if len(head) < 5 or head[:1] not in b"RE" or not 4 <= size <= 30000:
        return silence(head)
    told = await hear_exactly(talk, size)
    if head[:1] == b"E":
        state = _SQLSTATE.search(told)
        if len(told) < size or not _FIELDS.fullmatch(told) or not state:
            return silence(head + told)
        return decided({}, open=False if state[1].startswith(_REFUSES) else None)
    method = int.from_bytes(told[:4], "big")
    if len(told) < 4 or method not in _WAYS_IN:
        return silence(head + told)
    await talk.say(b"X\0\0\0\4")
    return {"open": method == 0, "method": method}


async def mysql(door: Door, ip: str, port: int) -> Facts:
    """Hear the greeting and, where that is wanted, answer as ``root`` with an empty password (protocol 41)."""

    async def script(talk: Talk) -> Facts:
        greeting = await _packet(talk)
        if refused := _REFUSED.fullmatch(greeting):
            return decided({}, open=_denied(refused[1]))
        if not _GREETING.fullmatch(greeting):
            return silence(greeting)
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
            return decided({"version": version, "locked": True}, open=_denied(reply[1:3]))
        let_in = _denied(reply[1:3]) if reply[:1] == b"\xff" else None
        return decided({"version": version}, open=True if reply[:1] == b"\0" else let_in)

    return await converse(door, ip, port, script)


def _denied(code: bytes) -> bool | None:
    """Return that nobody is let in where the error's *code* says so; None where it has another cause."""
    return False if int.from_bytes(code, "little") in _DENIED else None


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
        code = _CODE.search(reply) if len(reply) >= size > 0 else None
        refused = code is not None and int.from_bytes(code[1], "little") in _UNAUTHORISED
        granted = b"\x01ok\0" + struct.pack("<d", 1.0) in reply
        return decided({}, open=True if granted else False if refused else None)

    return await converse(door, ip, port, script)


async def tds(door: Door, ip: str, port: int) -> Facts:
    """Say the first message of SQL Server's clients ([MS-TDS] §2.2.6.5); ``encrypts`` tells whether a login would be."""
    options = b"\0\0\x0b\0\6" + b"\1\0\x11\0\1" + b"\xff" + bytes(6) + b"\0"

    async def script(talk: Talk) -> Facts:
        await talk.say(b"\x12\1" + (8 + len(options)).to_bytes(2, "big") + b"\0\0\1\0" + options)
        head = await hear_exactly(talk, 8)
        size = int.from_bytes(head[2:4], "big") - 8
        if len(head) < 8 or head[:2] != bytes((_TABULAR, _WHOLE)) or not 0 < size <= 4096:
            return silence(head)
        told = await hear_exactly(talk, size)
        if len(told) < size or told[0] != _VERSION:
            return silence(head + told)
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
        said = _REDIS.fullmatch(reply)
        if not said:
            return silence(reply)
        known = said[1].startswith(_DECIDES)
        facts = decided({"reply": untrusted(reply)}, open=said[1] == b"+PONG" if known else None)
        if facts.get("open"):
            await talk.say(b"INFO server\r\n")
            version = re.search(rb"redis_version:([^\r\n]{1,40})", await talk.hear())
            facts["version"] = untrusted(version[1]) if version else ""
        return facts

    return await converse(door, ip, port, script)


async def mqtt(door: Door, ip: str, port: int) -> Facts:
    """CONNECT without a name or a password (MQTT 3.1.1 §3.1); code 0 means that anybody may read and write.

    The client's identifier is a new one: one in use would throw another client out.
    """

    async def script(talk: Talk) -> Facts:
        who = b"audit" + secrets.token_hex(6).encode()
        await talk.say(b"\x10" + bytes([12 + len(who)]) + b"\x00\x04MQTT\x04\x02\x00\x3c\x00" + bytes([len(who)]) + who)
        reply = await talk.hear(64)
        if not _ANSWERED.fullmatch(reply) or len(reply) != 2 + reply[1]:
            return silence(reply)
        await talk.say(b"\xe0\x00")
        return decided({"code": reply[3]}, open=_BROKER.get(reply[3]))

    return await converse(door, ip, port, script)


async def memcached(door: Door, ip: str, port: int) -> Facts:
    """Ask its version."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"version\r\n")
        reply = await talk.hear(256)
        return {"open": True, "reply": untrusted(reply)} if _MEMCACHED.fullmatch(reply) else silence(reply)

    return await converse(door, ip, port, script)


async def memcached_datagram(door: Door, ip: str, port: int) -> Facts:
    """Ask its version by UDP: what answers so can be set upon others."""
    reply = await door.udp(ip, port, _REQUEST + b"version\r\n")
    if not reply or reply[:8] != _REQUEST or not _MEMCACHED.fullmatch(reply[8:]):
        return silence(reply or b"")
    return {"open": True, "reply": untrusted(reply[8:])}
