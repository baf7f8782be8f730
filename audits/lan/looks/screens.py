"""Screens and cameras that anybody may look at: VNC (RFC 6143), X11, RTSP (RFC 2326); no picture is asked for."""

from __future__ import annotations

import re
import struct

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import authority, converse, decided, hear_exactly, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_NONE, _VENCRYPT = 1, 19
#: Kinds that want a login: VNC's own, RealVNC's, SASL, MD5, XVP, Apple's, UltraVNC's; and those within VeNCrypt that do.
_LOGINS = frozenset(
    {2, 5, 6, 7, 8, 20, 21, 22, 30, 33, 35, 36, 113, 129, 130, 256, 258, 259, *range(261, 265), 0xFFFFFFFA}
)
#: Kinds within VeNCrypt that want no login: none at all, none inside TLS, none inside TLS with a certificate.
_FREE_WITHIN = frozenset({_NONE, 257, 260})
_FAILED, _SUCCESS, _AUTHENTICATE = 0, 1, 2
#: What an X server says to who has no right to come, in its own words; others tell that it is full, or of another version.
_NO_RIGHT = re.compile(rb"(?i)authori[sz]|authentic|no protocol specified|invalid \S+ key")


async def vnc(door: Door, ip: str, port: int) -> Facts:
    """Return the kinds of authentication offered; ``open`` when "none" is one of them, or of those that VeNCrypt carries.

    What nothing but Tight, TLS or a kind that nobody knows carries is not asked: that is not known.
    """

    async def script(talk: Talk) -> Facts:
        greeting = await hear_exactly(talk, 12)
        version = re.fullmatch(rb"RFB (\d{3})\.(\d{3})\n", greeting)
        if not version:
            return silence(greeting)
        modern = (int(version[1]), int(version[2])) >= (3, 7)
        await talk.say(b"RFB 003.008\n" if modern else b"RFB 003.003\n")
        offered = await _offered(talk, modern=modern)
        facts: Facts = {"offered": [*offered], "reply": untrusted(greeting)}
        if _NONE in offered or not {*offered} & {_VENCRYPT, *_LOGINS}:
            return decided(facts, open=True if _NONE in offered else None)
        within = await _within_vencrypt(talk) if _VENCRYPT in offered else None
        free = within is not None and bool(_FREE_WITHIN & {*within})
        locked = within != () and bool(_LOGINS & {*offered, *(within or ())})
        return decided(facts | {"within": [*(within or ())]}, open=True if free else False if locked else None)

    return await converse(door, ip, port, script)


async def _offered(talk: Talk, *, modern: bool) -> tuple[int, ...]:
    """Return the kinds offered; nothing when they do not all come, or the server is not willing now (zero, §7.1.2)."""
    if not modern:
        kind = int.from_bytes(await hear_exactly(talk, 4), "big")
        return (kind,) if kind else ()
    count = await hear_exactly(talk, 1)
    kinds = tuple(await hear_exactly(talk, count[0])) if count else ()
    return kinds if count and (len(kinds) == count[0] or _NONE in kinds) else ()


async def _within_vencrypt(talk: Talk) -> tuple[int, ...]:
    """Choose VeNCrypt 0.2 and return the kinds that it carries; nothing when they do not all come, or it is an older one."""
    await talk.say(bytes((_VENCRYPT,)))
    version = await hear_exactly(talk, 2)
    if len(version) < 2 or version < b"\0\2":
        return ()
    await talk.say(b"\0\2")
    taken = await hear_exactly(talk, 2)
    if len(taken) < 2 or taken[0]:
        return ()
    told = await hear_exactly(talk, 4 * taken[1])
    kinds = struct.unpack(f"!{len(told) // 4}I", told[: len(told) & ~3])
    return kinds if len(kinds) == taken[1] or _FREE_WITHIN & {*kinds} else ()


async def x11(door: Door, ip: str, port: int) -> Facts:
    """Open as an X11 client without a cookie would; ``open`` when the server says that it may.

    A failure decides only where it is for want of a right: a full server fails everybody, one without access control, too.
    """

    async def script(talk: Talk) -> Facts:
        await talk.say(b"l\0\x0b\0\0\0\0\0\0\0\0\0")
        reply = await hear_exactly(talk, 8)
        if len(reply) < 8 or reply[0] > _AUTHENTICATE or reply[2:4] != b"\x0b\0":
            return silence(reply)
        if reply[0] == _SUCCESS:
            return {"open": True}
        reason = (await hear_exactly(talk, reply[1])) if reply[0] == _FAILED else b""
        refused = reply[0] == _AUTHENTICATE or _NO_RIGHT.search(reason)
        return decided({"reply": untrusted(reason)}, open=False if refused else None)

    return await converse(door, ip, port, script)


async def rtsp(door: Door, ip: str, port: int) -> Facts:
    """Ask a camera to describe what it shows; ``open`` when it does so without a login.

    Where it knows no stream at ``/``, or says anything else, that is not known: its streams have other names.
    """

    async def script(talk: Talk) -> Facts:
        status = None
        for number, method in enumerate(("OPTIONS", "DESCRIBE"), 1):
            await talk.say(f"{method} rtsp://{authority(ip, port)}/ RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode())
            reply = await talk.hear_until(lambda heard: b"\r\n\r\n" in heard, 4096)
            status = re.match(rb"RTSP/1\.0 (\d{3})", reply)
            if not status:
                return decided({}, open=None) if number > 1 else silence(reply)
            if status[1] in {b"401", b"403"}:
                return {"open": False}
        return decided({}, open=True if status and status[1] == b"200" else None)

    return await converse(door, ip, port, script)
