"""The few polite sentences that tell whether a service is open to everybody; none of them writes anything."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from audits.lan.door import Door, Talk
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_NOTHING: Facts = {"answer": False}
_TITLE = re.compile(rb"<title[^>]*>(.{0,512}?)</title", re.IGNORECASE | re.DOTALL)
_HEADER = re.compile(rb"^([A-Za-z-]{1,40}):[ \t]*(.{0,1000})$")


async def _converse(door: Door, ip: str, port: int, talk_to: Callable[[Talk], Awaitable[Facts]]) -> Facts:
    try:
        async with door.tcp(ip, port) as talk:
            return await talk_to(talk)
    except (TimeoutError, OSError):
        return dict(_NOTHING)


async def _line(talk: Talk, say: str | None = None) -> bytes:
    """Say a line and hear a whole SMTP or FTP reply (RFC 959 §4.2: ends at ``NNN `` without a dash)."""
    if say is not None:
        await talk.say(f"{say}\r\n".encode())
    return await talk.hear_until(lambda heard: re.search(rb"(?m)^\d{3} .*\n", heard) is not None, 8192)


async def ftp(door: Door, ip: str, port: int) -> Facts:
    """Try an anonymous login (RFC 1635), and leave."""

    async def talk_to(talk: Talk) -> Facts:
        banner = await _line(talk)
        if not banner.startswith(b"220"):
            return {"answer": False, "heard": untrusted(banner)}
        answer = await _line(talk, "USER anonymous")
        if answer.startswith((b"500", b"502")):  # USER is FTP's first word: who does not know it is no such server
            return {"answer": False, "heard": untrusted(banner)}
        if answer.startswith(b"331"):
            answer = await _line(talk, "PASS audit@example.org")
        inside = answer.startswith(b"230")
        writable = inside and await _takes_files(talk)
        await _line(talk, "QUIT")
        return {"banner": untrusted(banner), "anonymous": inside, "writable": writable, "reply": untrusted(answer)}

    return await _converse(door, ip, port, talk_to)


async def _takes_files(talk: Talk) -> bool:
    """Say whether a stranger may leave files, without leaving one.

    A server with MLST tells (RFC 3659 §7.5.5: ``c`` and ``m`` are permissions to create). Another is asked to store under
    the folder's own name, which no server can do: it says "not permitted" (5xx of permission) before it comes to that, or not.
    """
    told = re.search(rb"(?i)[; ]perm=([a-z]*)", await _line(talk, "MLST"))
    if told:
        return bool({*b"cm"} & {*told[1].lower()})
    return (await _line(talk, "STOR ."))[:3] in {b"425", b"553", b"451", b"503", b"150"}


async def smtp(door: Door, ip: str, port: int) -> Facts:
    """Ask whether mail from a stranger to a stranger would be taken; reset, never DATA."""

    async def talk_to(talk: Talk) -> Facts:
        banner = await _line(talk)
        if not banner.startswith(b"220"):
            return {"answer": False, "heard": untrusted(banner)}
        hello = await _line(talk, "EHLO audit.example.org")
        if not hello.startswith(b"250"):
            hello = await _line(talk, "HELO audit.example.org")  # RFC 5321 §4.1.4
        if not hello.startswith(b"250"):
            return {"answer": False, "heard": untrusted(banner)}
        sender = await _line(talk, "MAIL FROM:<audit@example.org>")
        recipient = await _line(talk, "RCPT TO:<relay-check@example.net>") if sender.startswith(b"250") else b""
        await _line(talk, "RSET")
        await _line(talk, "QUIT")
        relays = recipient[:3] in {b"250", b"251"}
        return {
            "banner": untrusted(banner),
            "starttls": b"STARTTLS" in hello.upper(),
            "relay": relays,
            "login": re.search(rb"(?mi)^250[ -]AUTH[ =]", hello) is not None,
            "reply": untrusted(recipient or sender),
        }

    return await _converse(door, ip, port, talk_to)


async def redis(door: Door, ip: str, port: int) -> Facts:
    """PING and, when it answers without a password, INFO server."""

    async def talk_to(talk: Talk) -> Facts:
        await talk.say(b"PING\r\n")
        reply = await talk.hear()
        if not reply.startswith((b"+PONG", b"-NOAUTH", b"-DENIED", b"-ERR", b"-WRONGPASS")):
            return {"answer": False, "heard": untrusted(reply[:256])}
        facts: Facts = {"open": reply.startswith(b"+PONG"), "reply": untrusted(reply)}
        if facts["open"]:
            await talk.say(b"INFO server\r\n")
            version = re.search(rb"redis_version:([^\r\n]{1,40})", await talk.hear())
            facts["version"] = untrusted(version[1]) if version else ""
        return facts

    return await _converse(door, ip, port, talk_to)


async def memcached(door: Door, ip: str, port: int) -> Facts:
    """Ask its version."""

    async def talk_to(talk: Talk) -> Facts:
        await talk.say(b"version\r\n")
        reply = await talk.hear(256)
        return {"open": True, "reply": untrusted(reply)} if reply.startswith(b"VERSION") else dict(_NOTHING)

    return await _converse(door, ip, port, talk_to)


async def mqtt(door: Door, ip: str, port: int) -> Facts:
    """CONNECT without a name (MQTT 3.1.1 §3.1); code 0 means that anybody may read and write."""

    async def talk_to(talk: Talk) -> Facts:
        await talk.say(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
        reply = await talk.hear(64)
        if len(reply) < 4 or reply[0] != 0x20:
            return dict(_NOTHING)
        await talk.say(b"\xe0\x00")
        return {"open": reply[3] == 0, "code": reply[3]}

    return await _converse(door, ip, port, talk_to)


async def telnet(door: Door, ip: str, port: int) -> Facts:
    """Hear what it says first: option negotiation (RFC 854) or a prompt."""

    async def talk_to(talk: Talk) -> Facts:
        heard = await talk.hear_until(lambda octets: b":" in octets or b">" in octets, 2048)
        negotiates = re.search(rb"\xff[\xfb-\xfe].", heard, re.DOTALL) is not None
        text = re.sub(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", b"", heard, flags=re.DOTALL)
        return {"negotiates": negotiates, "text": untrusted(b" ".join(text.split()))} if heard else dict(_NOTHING)

    return await _converse(door, ip, port, talk_to)


def http_facts(answer: bytes) -> Facts:
    """Return status, title, server, authentication scheme and login form of an HTTP *answer*."""
    head, _blank, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = re.fullmatch(rb"HTTP/1\.[01] (\d{3})(?: .*)?", first)
    if not status:
        return {"answer": False, "heard": untrusted(answer[:256])} if answer else dict(_NOTHING)
    found = [(match[1].lower(), match[2]) for line in lines[:100] if (match := _HEADER.match(line))]
    headers = dict(found)
    schemes = b", ".join(value for name, value in found if name == b"www-authenticate")
    title = _TITLE.search(body)
    return {
        "status": int(status[1]),
        "title": untrusted(b" ".join(title[1].split())) if title else "",
        "server": untrusted(headers.get(b"server", b"")),
        "authenticate": untrusted(schemes),
        "location": untrusted(headers.get(b"location", b"")),
        "password_form": re.search(rb"type\s*=\s*[\"']?password", body, re.IGNORECASE) is not None,
    }
