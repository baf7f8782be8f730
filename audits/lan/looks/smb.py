"""What a Windows file server negotiates: SMB 1, and whether it insists on signatures (MS-CIFS §2.2.4.52, MS-SMB2 §2.2.3)."""

from __future__ import annotations

import os
import struct

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, silence
from audits.lan.looks.smb_session import LATER, framed, header, hear_message, stranger
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_REQUIRED, _HEAD = 2, 34
_FIRST_ANSWER, _ANSWER = 0x80, 0x01
"""The flags of SMB 1 and 2 that tell an answer from a question (MS-CIFS §2.2.3.1, MS-SMB2 §2.2.1.2)."""
_DIALECTS = (0x0202, 0x0210, 0x0300, 0x0302)


def first_negotiation() -> bytes:
    """Return an SMB 1 negotiation that offers nothing newer."""
    head = struct.pack("<4sBIBHHQHHHHH", b"\xffSMB", 0x72, 0, 0x18, 0xC801, 0, 0, 0, 0, 1, 0, 1)
    dialects = b"\x02NT LM 0.12\0"
    return framed(head + b"\0" + struct.pack("<H", len(dialects)) + dialects)


def negotiation(dialects: tuple[int, ...] = _DIALECTS) -> bytes:
    """Return an SMB 2 negotiation; with 3.1.1 among the *dialects* it carries the context that this one needs."""
    context, where = b"", b"\0" * 8
    listed = struct.pack(f"<{len(dialects)}H", *dialects)
    if 0x0311 in dialects:
        listed += b"\0" * (-(64 + 36 + len(listed)) % 8)
        hashes = struct.pack("<HHH", 1, 32, 1) + os.urandom(32)
        context = struct.pack("<HHI", 1, len(hashes), 0) + hashes
        where = struct.pack("<IHH", 64 + 36 + len(listed), 1, 0)
    body = struct.pack("<HHHHI16s", 36, len(dialects), 1, 0, 0, os.urandom(16)) + where
    return framed(header(0, 0) + body + listed + context)


async def smb(door: Door, ip: str, port: int) -> Facts:
    """Return whether SMB 1 is spoken, whether signatures are required, and what a stranger may open.

    A server without SMB 1 says so (samba) or closes the connection (Windows); silence decides nothing.
    """

    async def first(talk: Talk) -> Facts:
        await talk.say(first_negotiation())
        reply = await hear_message(talk)
        return {"smb1": speaks_first(reply)} if talk.ended or _decides(reply) else {}

    old = (await converse(door, ip, port, first)).get("smb1")
    facts = decided({}, smb1=old if isinstance(old, bool) else None)
    for dialects in (_DIALECTS, (0x0311,)):

        async def second(talk: Talk, offered: tuple[int, ...] = dialects) -> Facts:
            await talk.say(negotiation(offered))
            return negotiated(await hear_message(talk))

        told = await converse(door, ip, port, second)
        if told.get("answer") is not False:
            return await _stranger(door, ip, port, facts | told)
    return decided(facts, shares=None, listed=None) if facts.get("smb1") else silence()


async def _stranger(door: Door, ip: str, port: int, facts: Facts) -> Facts:
    """Return *facts* with what a stranger may open and is told of; what no answer decided is undecided."""

    async def script(talk: Talk) -> Facts:
        await talk.say(negotiation())
        if negotiated(await hear_message(talk)).get("answer") is False:
            return {}
        found = zip(("shares", "listed"), await stranger(talk, ip), strict=True)
        return {name: [untrusted(one) for one in told] for name, told in found if told is not None}

    told = await converse(door, ip, port, script)
    known: Facts = {name: told[name] for name in ("shares", "listed") if name in told}
    return decided(facts | known, **{name: None for name in ("shares", "listed") if name not in known})


def _decides(reply: bytes) -> bool:
    """Say whether *reply* is a whole answer to the first negotiation, and not that the server cannot answer now."""
    return len(reply) > _HEAD and int.from_bytes(reply[5:9], "little") not in LATER


def speaks_first(reply: bytes) -> bool:
    """Say whether *reply* accepts the SMB 1 dialect."""
    answers = len(reply) > 35 and reply[:5] == b"\xffSMB\x72" and bool(reply[9] & _FIRST_ANSWER)
    return answers and not any(reply[5:9]) and reply[33:35] == b"\0\0"


def negotiated(reply: bytes) -> Facts:
    """Return the dialect and whether signatures are required."""
    if len(reply) < 70 or reply[:4] != b"\xfeSMB" or any(reply[8:12]) or not reply[16] & _ANSWER:
        return silence()
    mode, dialect = struct.unpack_from("<HH", reply, 66)
    return {"signing_required": bool(mode & _REQUIRED), "dialect": f"{dialect:#06x}"}
