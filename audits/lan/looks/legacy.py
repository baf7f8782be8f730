"""Services of the Internet's first years: Telnet, finger, echo, chargen, the r-commands; any answer in their protocol tells."""

from __future__ import annotations

import os
import re

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_OTHERS = (b"HTTP/", b"SSH-", b"220", b"+OK", b"* OK", b"-ERR")


async def telnet(door: Door, ip: str, port: int) -> Facts:
    """Hear what it says first: option negotiation (RFC 854) or a prompt."""

    async def script(talk: Talk) -> Facts:
        heard = await talk.hear_until(lambda octets: b":" in octets or b">" in octets, 2048)
        negotiates = re.search(rb"\xff[\xfb-\xfe].", heard, re.DOTALL) is not None
        text = re.sub(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", b"", heard, flags=re.DOTALL)
        return {"negotiates": negotiates, "text": untrusted(b" ".join(text.split()))} if heard else silence()

    return await converse(door, ip, port, script)


async def finger(door: Door, ip: str, port: int) -> Facts:
    """Ask who is there (RFC 1288 §2.3, an empty query)."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"\r\n")
        reply = await talk.hear_until(lambda _heard: False, 4096)
        if not reply.strip() or reply.startswith(_OTHERS):
            return silence(reply)
        return {"open": True, "reply": untrusted(b" ".join(reply.split())[:200])}

    return await converse(door, ip, port, script)


async def echo(door: Door, ip: str, port: int) -> Facts:
    """Say something nobody else would say, and hear whether it comes back (RFC 862)."""
    token = os.urandom(8).hex().encode() + b"\r\n"

    async def script(talk: Talk) -> Facts:
        await talk.say(token)
        reply = await talk.hear_until(lambda heard: len(heard) >= len(token), 64)
        return {"open": True} if reply == token else silence(reply)

    return await converse(door, ip, port, script)


async def echo_datagram(door: Door, ip: str, port: int) -> Facts:
    """The same by UDP: what answers so can be set upon others."""
    token = os.urandom(8).hex().encode()
    return {"open": True} if await door.udp(ip, port, token) == token else silence()


async def chargen(door: Door, ip: str, port: int) -> Facts:
    """Hear whether it talks without end in rotating lines (RFC 864)."""

    async def script(talk: Talk) -> Facts:
        heard = await talk.hear_until(lambda octets: octets.count(b"\n") >= 3, 1024)
        return {"open": True} if rotates(heard) else silence(heard)

    return await converse(door, ip, port, script)


def rotates(heard: bytes) -> bool:
    """Say whether each line of *heard* is the one before it, moved on by a character."""
    lines = heard.replace(b"\r", b"").split(b"\n")[:3]
    return len(lines) >= 2 and len(lines[0]) > 20 and lines[0][1:] == lines[1][:-1]


async def rlogin(door: Door, ip: str, port: int) -> Facts:
    """Open as rlogin does (RFC 1282), with no name: the daemon refuses in its own way, and thereby tells what it is."""
    return await _remote_command(door, ip, port, b"\0")


async def rsh(door: Door, ip: str, port: int) -> Facts:
    """Open as rsh does, with no port for errors and no name."""
    return await _remote_command(door, ip, port, b"0\0\0\0\0")


async def _remote_command(door: Door, ip: str, port: int, opening: bytes) -> Facts:
    async def script(talk: Talk) -> Facts:
        await talk.say(opening)
        reply = await talk.hear(512)
        if reply[:1] not in {b"\0", b"\1"}:
            return silence(reply)
        return {"open": True, "reply": untrusted(reply[1:].strip())}

    return await converse(door, ip, port, script)
