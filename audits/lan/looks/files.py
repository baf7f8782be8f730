"""Files that are handed out: FTP, rsync modules, and configurations over TFTP (RFC 1350); nothing is fetched beyond a first block."""

from __future__ import annotations

import re

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, reply, silence
from audits.lan.tls import any_tls
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_PORTS = frozenset({21, 2121})
_HELLO = b"@RSYNCD: 31.0\n"
_MODULES = 8
#: Names under which network devices and boot servers keep configurations.
_NAMES = (
    "startup-config", "running-config", "network-confg", "router-confg", "switch-confg", "cisconet.cfg", "config.cfg",
    "backup.cfg", "vrpcfg.cfg", "pxelinux.cfg/default",
)  # fmt: skip
#: The first block of a file; an error, its number and its words (RFC 1350 §5).
_DATA = b"\0\3\0\1"
_ERROR = re.compile(rb"\0\x05\0[\0-\x08][^\0]*\0?")
#: Refusals that say nothing of strangers: TLS first (503, 521, 522, 534; RFC 4217 §9), or a server that is full.
_TLS_FIRST = re.compile(rb"(?i)5(03|21|22|34)|5.*\b(tls|ssl|auth|encrypt\w*|clear-?text|plain ftp)\b", re.DOTALL)
_FULL = re.compile(rb"(?i)5.*(too many|maxim|later|busy)", re.DOTALL)
_WHOLE = re.compile(rb"(?m)^\d{3} .*\n")
_DELAY = 4
"""Time-outs that the answer to a password may take: PAM delays a refusal by two or three seconds."""


async def ftp(door: Door, ip: str, port: int) -> Facts:
    """Try an anonymous login (RFC 1635), and leave; where TLS is wanted first (RFC 4217), once more inside it.

    That is another connection: some servers end the one on which they asked for TLS.
    """
    patience = _DELAY * door.pace.timeout

    async def clear(talk: Talk) -> Facts:
        banner = await reply(talk)
        if not banner.startswith((b"220 ", b"220-")):
            return silence(banner)
        answer = await reply(talk, "USER anonymous")
        if answer.startswith((b"500", b"502")):  # USER is FTP's first word: who does not know it is no such server
            return silence(banner)
        if not answer and port not in _PORTS and b"ftp" not in banner.lower():
            return silence(banner)
        return await _let_in(talk, banner, await _password(talk, answer, patience))

    async def within(talk: Talk) -> Facts:
        banner = await reply(talk)
        if not (await reply(talk, "AUTH TLS")).startswith(b"234") or not await talk.encrypt(any_tls()):
            return silence()
        return await _let_in(talk, banner, await _password(talk, await reply(talk, "USER anonymous"), patience))

    facts = await converse(door, ip, port, clear)
    if not _TLS_FIRST.match(str(facts.get("reply", "")).encode()):
        return facts
    told = await converse(door, ip, port, within)
    return facts if told.get("answer") is False else told


async def _password(talk: Talk, answer: bytes, patience: float) -> bytes:
    """Give a password where *answer* asks for one, and return what is said to it, or *answer* itself."""
    if not answer.startswith(b"331"):
        return answer
    await talk.say(b"PASS audit@example.org\r\n")
    heard = await talk.hear(8192, seconds=patience)
    return heard + await talk.hear_until(lambda more: not heard or _WHOLE.search(heard + more) is not None)


async def _let_in(talk: Talk, banner: bytes, answer: bytes) -> Facts:
    """Return whether the last *answer* lets a stranger in, and whether he may leave files; say goodbye."""
    refused = re.match(rb"5|33", answer) and not _TLS_FIRST.match(answer) and not _FULL.match(answer)
    inside = True if answer.startswith(b"230") else False if refused else None
    writable = await _takes_files(talk) if inside else inside
    await reply(talk, "QUIT")
    facts: Facts = {"banner": untrusted(banner), "reply": untrusted(answer)}
    return decided(facts, anonymous=inside, writable=writable)


async def _takes_files(talk: Talk) -> bool | None:
    """Say whether a stranger may leave files, without leaving one; None when no answer decides it.

    A server with MLST tells (RFC 3659 §7.5.5: ``c`` and ``m`` are permissions to create). Another is asked to store under
    the folder's own name, which no server can do: it says "not permitted" (5xx of permission) before it comes to that, or not.
    """
    listed = await reply(talk, "MLST")
    if not listed:
        return None  # what comes later would be taken for the answer to the next question
    told = re.search(rb"(?i)[; ]perm=([a-z]*)", listed)
    if told:
        return bool({*b"cm"} & {*told[1].lower()})
    stored = await reply(talk, "STOR .")
    if stored[:3] in {b"425", b"553", b"451", b"503", b"150"}:
        return True
    return False if stored.startswith(b"5") else None


async def rsync(door: Door, ip: str, port: int) -> Facts:
    """List the modules, and ask of each whether it wants a password; no file is listed."""

    async def names(talk: Talk) -> Facts:
        greeting = await talk.hear_until(lambda heard: heard.endswith(b"\n"), 512)
        if not greeting.startswith(b"@RSYNCD:"):
            return silence(greeting)
        await talk.say(_HELLO + b"\n")
        listed = await talk.hear_until(lambda heard: b"@RSYNCD: EXIT" in heard, 16384)
        told, ended, _rest = listed.partition(b"@RSYNCD: EXIT")
        lines = told.splitlines()
        found = [line.split(b"\t")[0].strip().decode("utf-8", "replace") for line in lines if b"\t" in line]
        return {"modules": [*found[:_MODULES]], "all": bool(ended) and len(found) <= _MODULES}

    facts = await converse(door, ip, port, names)
    modules = facts.get("modules")
    if not isinstance(modules, list):
        return facts
    answers = {str(one): await _is_free(door, ip, port, str(one)) for one in modules}
    free = [untrusted(name) for name, answer in answers.items() if answer]
    known = facts.get("all") is True and None not in answers.values()
    told: Facts = {"modules": [untrusted(str(one)) for one in modules], "reply": ", ".join(free)}
    return decided(told, open=True if free else False if known else None)


async def _is_free(door: Door, ip: str, port: int, module: str) -> bool | None:
    """Say whether *module* wants no password; None when no answer decides it (silence, or no more connections now)."""

    async def script(talk: Talk) -> Facts:
        await talk.hear_until(lambda heard: heard.endswith(b"\n"), 512)
        await talk.say(_HELLO + module.encode() + b"\n")
        reply = await talk.hear_until(lambda heard: b"@RSYNCD:" in heard or b"@ERROR" in heard, 4096)
        if re.search(rb"(?i)max connections|try again", reply):
            return {}
        free, refused = b"@RSYNCD: OK" in reply, re.search(rb"@RSYNCD: AUTHREQD|@ERROR", reply)
        return {"free": free} if free or refused else {}

    free = (await converse(door, ip, port, script)).get("free")
    return free if isinstance(free, bool) else None


async def tftp(door: Door, ip: str, port: int) -> Facts:
    """Ask for files by the names of configurations until one comes; the transfer is broken off after its first block."""
    answered, missed = False, False
    for name in _NAMES:
        reply = await door.udp_from_any_port(ip, port, b"\0\1" + name.encode() + b"\0octet\0", b"\0\5\0\0enough\0")
        if reply is None and not answered:
            return silence()
        missed = missed or reply is None
        answered = answered or (reply or b"").startswith(_DATA) or _ERROR.fullmatch(reply or b"") is not None
        if reply and reply.startswith(_DATA):
            return {"open": True, "reply": name}
    return decided({}, open=None if missed else False) if answered else silence()
