"""Services of the Internet's first years: Telnet, finger, echo, chargen, the r-commands; any answer in their protocol tells."""

from __future__ import annotations

import os
import re

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, silence
from audits.lan.prompt import asks_for_login
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

#: Option negotiation before anything that is no text (RFC 854, the options that IANA has assigned).
_OPTIONS = re.compile(rb"[\t\r\n\x20-\x7e]*\xff[\xfb-\xfe][\0-\x31\x8a-\x8c\xff]")
_COMMANDS = re.compile(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", re.DOTALL)
#: What finger says is lines of text; RFC 1288 gives them no other form, so complaints and greetings of others are told by their words.
_LINES = re.compile(rb"(?:[\t\x07\x0c\x20-\x7e\x80-\xff]*\r?\n)+")
_OTHERS = re.compile(
    rb"(?i)\s*(http/|ssh-|\d{3}[ -]|[+-]\w|\* \w|:\S+ [a-z\d]+ |@rsyncd|version |rfb )"
    rb"|[^\n]*(?<![a-z])(error|err|invalid|unknown|unrecogni[sz]ed|unsupported|bad|illegal|syntax|malformed|denied|refused|command)(?![a-z])"
)
_LONG = 4096
"""Bytes of finger's answer that are heard."""
#: What the r-commands' daemons say: leave, perhaps with what a terminal shows, or why not (RFC 1282).
_REMOTE = re.compile(rb"\0[\x07-\x0d\x1b\x20-\x7e\x80-\xff]*|\x01[\t\x20-\x7e\x80-\xff]+\r?\n")


async def telnet(door: Door, ip: str, port: int) -> Facts:
    """Hear what it says first: option negotiation (RFC 854) or a prompt."""

    async def script(talk: Talk) -> Facts:
        heard = await talk.hear_until(_prompts, 2048)
        negotiates = _OPTIONS.match(heard) is not None
        if not negotiates and not _prompts(heard):
            return silence(heard)
        text = _COMMANDS.sub(b"", heard)
        return {"negotiates": negotiates, "text": untrusted(b" ".join(text.split()))}

    return await converse(door, ip, port, script)


def _prompts(heard: bytes) -> bool:
    return asks_for_login(_COMMANDS.sub(b"", heard).decode("latin-1"))


async def finger(door: Door, ip: str, port: int) -> Facts:
    """Ask who is there (RFC 1288 §2.3, an empty query)."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"\r\n")
        reply = await talk.hear_until(lambda _heard: False, _LONG)
        whole = (talk.ended and _LINES.fullmatch(reply)) or len(reply) == _LONG
        if not whole or not reply.strip() or _OTHERS.match(reply):
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
        if reply == opening or not _REMOTE.fullmatch(reply):
            return silence(reply)
        return {"open": True, "reply": untrusted(reply[1:].strip())}

    return await converse(door, ip, port, script)
