"""Do mail services take passwords in clear, or mail of strangers? What SMTP, POP3 (RFC 2449) and IMAP (RFC 3501) offer, without a login."""

from __future__ import annotations

import re

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, reply, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_CLEAR = re.compile(rb"(?mi)^(USER|SASL [^\r\n]*\b(PLAIN|LOGIN)\b)")


async def smtp(door: Door, ip: str, port: int) -> Facts:
    """Ask whether mail from a stranger to a stranger would be taken; reset, never DATA."""

    async def script(talk: Talk) -> Facts:
        banner = await reply(talk)
        if not banner.startswith(b"220"):
            return silence(banner)
        hello = await reply(talk, "EHLO audit.example.org")
        if not hello.startswith(b"250"):
            hello = await reply(talk, "HELO audit.example.org")  # RFC 5321 §4.1.4
        if not hello.startswith(b"250"):
            return silence(banner)
        sender = await reply(talk, "MAIL FROM:<audit@example.org>")
        recipient = await reply(talk, "RCPT TO:<relay-check@example.net>") if sender.startswith(b"250") else b""
        await reply(talk, "RSET")
        await reply(talk, "QUIT")
        relays = recipient[:3] in {b"250", b"251"}
        return {
            "banner": untrusted(banner),
            "starttls": b"STARTTLS" in hello.upper(),
            "relay": relays,
            "login": re.search(rb"(?mi)^250[ -]AUTH[ =]", hello) is not None,
            "reply": untrusted(recipient or sender),
        }

    return await converse(door, ip, port, script)


async def pop3(door: Door, ip: str, port: int) -> Facts:
    """Ask for the capabilities; an old server that has none is asked whether it would take a name."""

    async def script(talk: Talk) -> Facts:
        greeting = await _line(talk)
        if not greeting.startswith(b"+OK"):
            return silence(greeting)
        await talk.say(b"CAPA\r\n")
        listed = await talk.hear_until(lambda heard: heard.startswith(b"-ERR") or heard.endswith(b"\r\n.\r\n"), 4096)
        if listed.startswith(b"+OK"):
            plain = _CLEAR.search(listed) is not None
        else:
            await talk.say(b"USER audit\r\n")
            plain = (await _line(talk)).startswith(b"+OK")
        await talk.say(b"QUIT\r\n")
        return {"plaintext": plain, "reply": untrusted(greeting)}

    return await converse(door, ip, port, script)


async def imap(door: Door, ip: str, port: int) -> Facts:
    """Ask for the capabilities: a login in clear is possible unless LOGINDISABLED is among them."""

    async def script(talk: Talk) -> Facts:
        greeting = await _line(talk)
        if not greeting.startswith((b"* OK", b"* PREAUTH")):
            return silence(greeting)
        await talk.say(b"a CAPABILITY\r\n")
        told = (await talk.hear_until(lambda heard: re.search(rb"(?m)^a .*\n", heard) is not None, 8192)).upper()
        await talk.say(b"b LOGOUT\r\n")
        if b"* CAPABILITY" not in told:
            return silence(told)
        return {"plaintext": b"LOGINDISABLED" not in told, "reply": untrusted(greeting)}

    return await converse(door, ip, port, script)


async def _line(talk: Talk) -> bytes:
    return await talk.hear_until(lambda heard: heard.endswith(b"\n"), 1024)
