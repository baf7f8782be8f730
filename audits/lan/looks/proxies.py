"""Proxies: whether SOCKS 5 (RFC 1928) asks strangers for a login; no connection through it is asked for."""

from __future__ import annotations

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, silence
from wizara.audit.orders import Facts

_NONE, _REFUSED = 0x00, 0xFF


async def socks(door: Door, ip: str, port: int) -> Facts:
    """Offer to come without a login; ``open`` when that is taken."""

    async def script(talk: Talk) -> Facts:
        await talk.say(b"\x05\x01\x00")
        reply = await talk.hear_until(lambda heard: len(heard) >= 2, 64)
        if len(reply) != 2 or reply[0] != 5 or reply[1] not in {_NONE, _REFUSED}:
            return silence(reply)
        return {"open": reply[1] == _NONE}

    return await converse(door, ip, port, script)
