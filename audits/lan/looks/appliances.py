"""Doors of devices: server management (IPMI 2.0 §13), Cisco's Smart Install, MikroTik's Winbox and API; each is only greeted."""

from __future__ import annotations

import os
import struct

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, decided, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_RMCP = b"\x06\x00\xff\x07"
_CAPABILITIES = _RMCP + bytes(9) + b"\x09\x20\x18\xc8\x81\x00\x38\x0e\x04\xb5"
_NONE = b"\0\0\0\x08\0\0\0\0" + b"\1\0\0\x08\0\0\0\0" + b"\2\0\0\x08\0\0\0\0"
_OPEN_ANSWER, _FULL = 0x11, 0x01
"""RMCP+ Open Session Response, and its status when there is no room for a session (IPMI 2.0 §13.18, §13.24)."""
_INSTALLER = struct.pack("!6I", 1, 1, 4, 8, 1, 0)


async def ipmi(door: Door, ip: str, port: int) -> Facts:
    """Ask how one logs in, and whether a session without any cryptography (cipher suite 0) would be opened."""
    told = await door.udp(ip, port, _CAPABILITIES)
    if not told or len(told) < 23 or told[:4] != _RMCP or told == _CAPABILITIES:
        return silence(told or b"")
    payload = b"\0\0\0\0" + os.urandom(4) + _NONE
    asked = _RMCP + b"\x06\x10" + bytes(8) + struct.pack("<H", len(payload)) + payload
    reply = await door.udp(ip, port, asked) or await door.udp(ip, port, asked) or b""
    answered = len(reply) >= 18 and reply[:4] == _RMCP and reply[5] & 0x3F == _OPEN_ANSWER and reply[17] != _FULL
    return decided({"open": True}, cipher_zero=reply[17] == 0 if answered else None)


async def smart_install(door: Door, ip: str, port: int) -> Facts:
    """Greet as a director would, with the message that asks nothing of the switch; a client answers in kind."""

    async def script(talk: Talk) -> Facts:
        await talk.say(_INSTALLER)
        reply = await talk.hear(64)
        known = len(reply) >= 16 and reply[:4] == b"\0\0\0\4" and reply[8:12] == b"\0\0\0\3"
        return {"open": True} if known else silence(reply)

    return await converse(door, ip, port, script)


async def winbox(door: Door, ip: str, port: int) -> Facts:
    """Say the first words of its key exchange; the server answers with a key and a salt, and nothing was tried."""
    words = b"audit\0" + os.urandom(32) + b"\0"

    async def script(talk: Talk) -> Facts:
        await talk.say(bytes([len(words)]) + b"\x06" + words)
        reply = await talk.hear(128)
        known = len(reply) >= 35 and reply[1] == 0x06 and reply[0] == len(reply) - 2 and words not in reply
        return {"open": True} if known else silence(reply)

    return await converse(door, ip, port, script)


async def routeros(door: Door, ip: str, port: int) -> Facts:
    """Say an unknown word of the API: it answers with a trap, in clear."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"\x06/audit\0")
        reply = await talk.hear(256)
        known = reply[1:6] in {b"!trap", b"!done"} or reply[1:7] == b"!fatal"
        return {"open": True, "reply": untrusted(reply[1:7])} if known else silence(reply)

    return await converse(door, ip, port, script)
