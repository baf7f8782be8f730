"""Do mail services take passwords in clear, or mail of strangers? What SMTP, POP3 (RFC 2449) and IMAP (RFC 3501) offer, without a login."""

from __future__ import annotations

import re

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, reply, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_PORTS = frozenset({25, 465, 587, 2525})
#: A refusal that is about who sends (RFC 3463: X.1.7, X.1.8), who connects or how he greets: it says nothing of the recipient.
_OF_SENDER = re.compile(rb"(?i)\b5\.1\.[78]\b|\bsender\b|\b(client host|helo command) rejected")
#: How Postfix refuses to relay unless its settings say otherwise (smtpd_relay_restrictions: defer_unauth_destination): for good.
_DEFERS = re.compile(rb"(?i)454[ -]4\.7\.1 [^\r\n]*: relay access denied")
_CLEAR = re.compile(rb"(?mi)^(USER|SASL [^\r\n]*\b(PLAIN|LOGIN)\b)")


async def smtp(door: Door, ip: str, port: int) -> Facts:
    """Ask whether mail from a stranger to a stranger would be taken; reset, never DATA."""

    async def script(talk: Talk) -> Facts:
        banner = await reply(talk)
        if not banner.startswith(b"220"):
            return silence(banner)
        hello = await reply(talk, "EHLO audit.example.org")
        if (not hello and _mails(banner, port)) or hello.startswith(b"4"):
            # what comes later would be taken for the answer to the next question
            return decided({"banner": untrusted(banner)}, starttls=None, relay=None, login=None)
        if hello and not hello.startswith(b"250"):
            hello = await reply(talk, "HELO audit.example.org")  # RFC 5321 §4.1.4
        if not hello.startswith(b"250"):
            return silence(banner)
        sender = await reply(talk, "MAIL FROM:<audit@example.org>")
        recipient = await reply(talk, "RCPT TO:<relay-check@example.net>") if sender.startswith(b"250") else b""
        await reply(talk, "RSET")
        await reply(talk, "QUIT")
        login = re.search(rb"(?mi)^250[ -]AUTH[ =]", hello) is not None
        facts: Facts = {"banner": untrusted(banner), "reply": untrusted(recipient or sender)}
        begun = sender.startswith(b"250")
        relays = _relays(recipient if begun else sender, asked=begun)
        return decided(facts, starttls=b"STARTTLS" in hello.upper(), relay=relays, login=login)

    return await converse(door, ip, port, script)


def _mails(banner: bytes, port: int) -> bool:
    """Say whether who greets so here is a mail server by all likelihood: FTP servers greet with 220, too."""
    return port in _PORTS or b"smtp" in banner.lower()


def _relays(answer: bytes, *, asked: bool) -> bool | None:
    """Say whether a stranger's mail is taken to a stranger; *asked* is whether the recipient was named, and not only the sender.

    None when *answer* leaves it open: none, 'later' (4xx), 'TLS first', or a refusal of the sender, who is another for others.
    """
    if asked and answer[:3] in {b"250", b"251"}:
        return True
    if answer.startswith(b"530"):
        return False if b"AUTH" in answer.upper() else None  # a login comes first, or TLS does
    refused = answer.startswith(b"5") or _DEFERS.match(answer)
    return False if asked and refused and not _OF_SENDER.search(answer) else None


async def pop3(door: Door, ip: str, port: int) -> Facts:
    """Ask for the capabilities; an old server that has none is asked whether it would take a name."""

    async def script(talk: Talk) -> Facts:
        greeting = await _line(talk)
        if not greeting.startswith(b"+OK"):
            return silence(greeting)
        await talk.say(b"CAPA\r\n")
        listed = await talk.hear_until(lambda heard: heard.startswith(b"-ERR") or heard.endswith(b"\r\n.\r\n"), 4096)
        plain: bool | None = None
        if listed.startswith(b"+OK"):
            plain = True if _CLEAR.search(listed) else False if listed.endswith(b"\r\n.\r\n") else None
        elif listed:
            await talk.say(b"USER audit\r\n")
            plain = {b"+": True, b"-": False}.get((await _line(talk))[:1])
        await talk.say(b"QUIT\r\n")
        return decided({"reply": untrusted(greeting)}, plaintext=plain)

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
        if not told:
            return decided({"reply": untrusted(greeting)}, plaintext=None)
        if b"* CAPABILITY" not in told:
            return silence(told)
        return {"plaintext": b"LOGINDISABLED" not in told, "reply": untrusted(greeting)}

    return await converse(door, ip, port, script)


async def _line(talk: Talk) -> bytes:
    return await talk.hear_until(lambda heard: heard.endswith(b"\n"), 1024)
