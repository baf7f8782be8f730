"""A connection to one service, from its opening to its facts; a service that is gone is a silence."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from audits.lan.door import Door, Talk
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

Script = Callable[[Talk], Awaitable[Facts]]


async def converse(door: Door, ip: str, port: int, script: Script) -> Facts:
    """Return what *script* learns over one connection."""
    try:
        async with door.tcp(ip, port) as talk:
            return await script(talk)
    except (TimeoutError, OSError):
        return silence()


def silence(heard: bytes = b"") -> Facts:
    """Return the facts of a service that does not speak the protocol, with what it said instead."""
    return {"answer": False, "heard": untrusted(heard[:256])} if heard else {"answer": False}


def decided(facts: Facts, **flags: bool | None) -> Facts:
    """Return *facts* with the *flags* that are known; one that is None was asked for, and no answer decided it.

    What is ``undecided`` in *facts* already stays so, but for what is known now; a flag that is None now is no fact any more.
    """
    known: Facts = {name: flag for name, flag in flags.items() if flag is not None}
    earlier = facts.get("undecided")
    asked = [*(earlier if isinstance(earlier, list) else ()), *(name for name, flag in flags.items() if flag is None)]
    missing = [name for name in dict.fromkeys(map(str, asked)) if name not in known]
    others: Facts = {name: value for name, value in facts.items() if name not in {"undecided", *missing}}
    return others | known | ({"undecided": [*missing]} if missing else {})


async def reply(talk: Talk, say: str | None = None) -> bytes:
    """Say a line and hear a whole SMTP or FTP reply (RFC 959 §4.2: ends at ``NNN `` without a dash)."""
    if say is not None:
        await talk.say(f"{say}\r\n".encode())
    return await talk.hear_until(lambda heard: re.search(rb"(?m)^\d{3} .*\n", heard) is not None, 8192)


async def hear_exactly(talk: Talk, count: int) -> bytes:
    """Return *count* bytes, fewer when the peer stops."""
    heard = await talk.hear_until(lambda octets: len(octets) >= count, count)
    return heard[:count]


def authority(ip: str, port: int | None = None) -> str:
    """Return *ip* as it stands in a URL or a Host header (RFC 3986 §3.2.2): IPv6 in brackets, without its interface."""
    bare = ip.partition("%")[0]
    host = f"[{bare}]" if ":" in bare else bare
    return f"{host}:{port}" if port else host
