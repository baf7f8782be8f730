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
#: The last line of a reply (RFC 5321 §4.2): until it is there, more may come, and what comes then answers nothing else.
_LAST = re.compile(rb"(?m)^\d{3}(?: [^\r\n]*)?\r?\n")
_STARTTLS = re.compile(rb"(?mi)^250[ -]STARTTLS[ \t]*\r?$")
_LOGIN = re.compile(rb"(?mi)^250[ -]AUTH[ =]")
#: A POP3 refusal that passes (RFC 2449 §8, RFC 3206): the server, a delay, somebody else's session.
_PASSES = re.compile(rb"(?i)-ERR \[(SYS/|LOGIN-DELAY|IN-USE)")
_TAGGED = re.compile(rb"(?m)^A (OK|NO|BAD)\b[^\r\n]*\r?\n")
_CLEAR = re.compile(rb"(?mi)^(USER|SASL [^\r\n]*\b(PLAIN|LOGIN)\b)")


async def smtp(door: Door, ip: str, port: int) -> Facts:
    """Ask whether mail from a stranger to a stranger would be taken; reset, never DATA."""

    async def script(talk: Talk) -> Facts:
        banner = await reply(talk)
        if not banner.startswith(b"220"):
            return silence(banner)
        hello = await reply(talk, "EHLO audit.example.org")
        if hello and not hello.startswith((b"250", b"4")):
            hello = await reply(talk, "HELO audit.example.org")  # RFC 5321 §4.1.4
        facts: Facts = {"banner": untrusted(banner)}
        if not _LAST.search(hello) and (hello.startswith(b"250") if hello else _mails(banner, port)):
            # what comes later would be taken for the answer to the next question
            return decided(facts, starttls=_offers(_STARTTLS, hello), relay=None, login=_offers(_LOGIN, hello))
        if hello.startswith(b"4"):
            return decided(facts, starttls=None, relay=None, login=None)
        if not hello.startswith(b"250"):
            return silence(banner)
        sender = await reply(talk, "MAIL FROM:<audit@example.org>")
        begun = sender.startswith(b"250") and _LAST.search(sender) is not None
        recipient = await reply(talk, "RCPT TO:<relay-check@example.net>") if begun else b""
        await reply(talk, "RSET")
        await reply(talk, "QUIT")
        facts |= {"reply": untrusted(recipient or sender)}
        relays = _relays(recipient if begun else sender, asked=begun)
        starttls, login = _STARTTLS.search(hello) is not None, _LOGIN.search(hello) is not None
        return decided(facts, starttls=starttls, relay=relays, login=login)

    return await converse(door, ip, port, script)


def _offers(what: re.Pattern[bytes], begun: bytes) -> bool | None:
    """Say whether *what* is among the *begun* lines of a reply; None where it may be in the rest."""
    return True if what.search(begun) else None


def _mails(banner: bytes, port: int) -> bool:
    """Say whether who greets so here is a mail server by all likelihood: FTP servers greet with 220, too."""
    return port in _PORTS or b"smtp" in banner.lower()


def _relays(answer: bytes, *, asked: bool) -> bool | None:
    """Say whether a stranger's mail is taken to a stranger; *asked* is whether the recipient was named, and not only the sender.

    None when *answer* leaves it open: none, 'later' (4xx), 'TLS first', or a refusal of the sender, who is another for others.
    """
    if asked and answer[:3] in {b"250", b"251"}:
        return True
    if not _LAST.search(answer):
        return None
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
            told = await _line(talk)
            later = not told.endswith(b"\n") or _PASSES.match(told)
            plain = None if later else {b"+": True, b"-": False}.get(told[:1])
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
        facts: Facts = {"reply": untrusted(greeting)}
        if b"* CAPABILITY" not in told:
            return decided(facts, plaintext=None) if not told or _TAGGED.search(told) else silence(told)
        disabled = re.search(rb"\bLOGINDISABLED\b", told) is not None
        return decided(facts, plaintext=False if disabled else True if _TAGGED.search(told) else None)

    return await converse(door, ip, port, script)


async def _line(talk: Talk) -> bytes:
    return await talk.hear_until(lambda heard: heard.endswith(b"\n"), 1024)
